"""The hub's HTTP interface: one table of routes, identity at the door, problems, health and metrics.

A bare RSGI application under Granian; imports ``exchange.hub`` and is imported by ``cli`` only.
"""
