"""The official channel: edXML, containers, the hub and its stores, receipts, statuses, server and client.

Imports ``core``, ``trust`` and the registry's ``directory`` and ``snapshot``; no Django.
"""
