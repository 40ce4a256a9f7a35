"""What can go wrong with a store. Every one says what, where and what to do."""

from __future__ import annotations

from typing import ClassVar

from lienthong.exchange.errors import ExchangeError, Unavailable


class StoreLocked(ExchangeError):
    """Another process has the store open."""

    code = "store-locked"
    status = 503
    title: ClassVar[str] = "The store is in use by another process"


class StoreCorrupt(ExchangeError):
    """Bytes that were durable are not what was written. Nothing is repaired silently."""

    code = "store-corrupt"
    status = 500
    title: ClassVar[str] = "The store is damaged"


class StoreMismatch(ExchangeError):
    """The folder or database belongs to another log, or to a newer version of the product."""

    code = "store-mismatch"
    status = 500
    title: ClassVar[str] = "This is not the expected store"


class StoreFailed(Unavailable):
    """Writing failed; nothing of the batch was acknowledged and nothing is accepted until it is mended."""

    code = "store-failed"
    title: ClassVar[str] = "The store cannot write"


class DiskFull(StoreFailed):
    """There is no room; the store accepts again by itself when there is."""

    code = "disk-full"
    title: ClassVar[str] = "The disk is full"


class PayloadArchived(ExchangeError):
    """The container was moved to an archive by the retention rule; its log entry is still here."""

    code = "payload-archived"
    status = 410
    title: ClassVar[str] = "The container is in the archive"
