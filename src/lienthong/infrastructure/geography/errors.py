"""What can be wrong with roads and places, named and located, with what would make it right."""

from __future__ import annotations

from typing import ClassVar

from lienthong.infrastructure.errors import BadInstance


class BadRoads(BadInstance):
    """A file of roads, or an edge in it, that no plan can be laid along."""

    code = "bad-roads"
    title: ClassVar[str] = "The road data cannot be used"


class WrongProjection(BadRoads):
    """Coordinates whose system is missing, unknown or not the one it is said to be."""

    code = "wrong-projection"
