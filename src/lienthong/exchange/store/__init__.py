"""Where the hub keeps what it accepted: one protocol, two engines (embedded files, PostgreSQL).

Imports ``core``, ``trust`` and ``exchange.statuses``; knows nothing of HTTP, containers or the directory.
"""
