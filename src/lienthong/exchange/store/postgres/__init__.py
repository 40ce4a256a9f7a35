"""The PostgreSQL engine: the log in tables, for any number of hub processes at once.

Imports ``core``, ``trust.log``, ``exchange.receipts``, ``exchange.statuses`` and the store's own modules.
"""

from lienthong.exchange.store.postgres.keeping import restore as restore_postgres
from lienthong.exchange.store.postgres.nonces import SharedNonces
from lienthong.exchange.store.postgres.store import PostgresStore, open_postgres

__all__ = ["PostgresStore", "SharedNonces", "open_postgres", "restore_postgres"]
