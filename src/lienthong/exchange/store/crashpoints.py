"""Named places where a test may end the process as ``kill -9`` would, between two steps of a commit.

``LIENTHONG_CRASH_AT=name`` ends it at the first pass of that point, ``name:n`` at the n-th. Without
the variable a crash point costs one comparison.
"""

from __future__ import annotations

import os
from typing import Final

POINTS: Final = (
    "commit.judged",
    "commit.blob-synced",
    "commit.blob-moved",
    "commit.blob-folder-synced",
    "commit.signed",
    "append.begin",
    "append.torn",
    "append.written",
    "append.synced",
    "rotation.begin",
    "rotation.old-trimmed",
    "rotation.created",
    "rotation.header-written",
    "rotation.header-synced",
    "rotation.folder-synced",
    "index.begin",
    "index.half-applied",
    "index.applied",
    "index.flush",
    "index.flushed",
    "index.checkpointed",
    "side.synced",
    "recovery.locked",
    "recovery.tail-saved",
    "recovery.tail-cut",
    "recovery.tail-synced",
    "recovery.caught-up",
    "rebuild.begin",
    "rebuild.half",
    "rebuild.built",
    "rebuild.replaced",
    "archive.copied",
    "archive.marked",
    "archive.stripped",
    "archive.replaced",
    "close.marked",
)
"""Every crash point of the embedded engine, for a harness that visits each one."""

POSTGRES_POINTS: Final = (
    "postgres.begun",
    "postgres.locked",
    "postgres.judged",
    "postgres.sent",
    "postgres.committed",
)
"""Every crash point of the PostgreSQL engine."""

EXIT_CODE: Final = 137


def _parse(setting: str | None) -> tuple[str | None, int]:
    if not setting:
        return None, 0
    name, _, passes = setting.partition(":")
    return name, int(passes or 1)


_armed, _passes_left = _parse(os.environ.get("LIENTHONG_CRASH_AT"))


def crashpoint(name: str) -> None:
    """End the process here if this is the pass that was asked for."""
    if _armed is not None and due(name):
        crash()


def due(name: str) -> bool:
    """Whether this pass of ``name`` is the one to crash at: for a point that first tears its write."""
    global _passes_left
    if name != _armed:
        return False
    _passes_left -= 1
    return _passes_left == 0


def crash() -> None:
    """Vanish: no clean-up handler runs, no buffer is flushed."""
    os._exit(EXIT_CODE)
