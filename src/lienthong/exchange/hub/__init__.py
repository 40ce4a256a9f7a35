"""The hub: accept → log → inbox → receipt → statuses. It joins directory, trust and store; no HTTP here.

Imports ``core``, ``trust``, the registry's ``directory`` and ``snapshot``, and the exchange beside it.
"""
