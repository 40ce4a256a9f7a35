"""Who is called when inboxes grew."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

Callback = Callable[[frozenset[str]], None]

_log: Final = logging.getLogger(__name__)


class Subscribers:
    """Callbacks, from any thread. One that fails is logged: the batch it was told of is durable anyway."""

    def __init__(self) -> None:
        self._callbacks: tuple[Callback, ...] = ()

    def add(self, callback: Callback) -> Callable[[], None]:
        """Answers the way to stop."""
        self._callbacks = (*self._callbacks, callback)
        return lambda: self._remove(callback)

    def tell(self, agencies: frozenset[str]) -> None:
        if not agencies:
            return
        for callback in self._callbacks:
            try:
                callback(agencies)
            except Exception:
                _log.exception("a subscriber of the store failed")

    def _remove(self, callback: Callback) -> None:
        left = list(self._callbacks)
        left.remove(callback)
        self._callbacks = tuple(left)
