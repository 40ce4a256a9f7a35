"""The embedded engine: append-only segment files, blobs, and a SQLite index that can be rebuilt from them.

Imports ``core``, ``trust.log``, ``exchange.receipts``, ``exchange.statuses`` and the store's own modules.
"""

from lienthong.exchange.store.embedded.store import (
    EmbeddedOptions,
    EmbeddedStore,
    open_embedded,
    rebuild_index,
)
from lienthong.exchange.store.embedded.upkeep import restore_backup

__all__ = ["EmbeddedOptions", "EmbeddedStore", "open_embedded", "rebuild_index", "restore_backup"]
