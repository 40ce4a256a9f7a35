"""Agency codes as small numbers, the same in every process; numbers are never reused."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lienthong.exchange.store.postgres.connections import Connection


class Agencies:
    """A cache of the table ``agencies``, which only grows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._codes: dict[int, str] = {}

    def number(self, connection: Connection, code: str) -> int | None:
        """The agency's number; None when the log never met it."""
        found = self._numbers.get(code)
        if found is None:
            self._load(connection, [code])
            found = self._numbers.get(code)
        return found

    def numbers(self, connection: Connection, codes: Collection[str]) -> dict[str, int]:
        """Code → number of those that have one."""
        missing = [code for code in codes if code not in self._numbers]
        if missing:
            self._load(connection, missing)
        return {code: self._numbers[code] for code in codes if code in self._numbers}

    def introduce(self, connection: Connection, codes: Iterable[str]) -> dict[str, int]:
        """Code → number of each; new ones get one, committed at once. Not inside a transaction."""
        missing = sorted({code for code in codes if code not in self._numbers})
        if missing:
            connection.execute(
                "INSERT INTO agencies (code) SELECT code FROM unnest(%s::text[]) AS code "
                "WHERE code NOT IN (SELECT code FROM agencies) ON CONFLICT DO NOTHING",
                (missing,),
            )
            self._load(connection, missing)
        return self._numbers

    def code(self, connection: Connection, number: int) -> str:
        found = self._codes.get(number)
        if found is None:
            for each, code in connection.execute("SELECT number, code FROM agencies"):
                self._put(each, code)
            found = self._codes[number]
        return found

    def _load(self, connection: Connection, codes: list[str]) -> None:
        for number, code in connection.execute(
            "SELECT number, code FROM agencies WHERE code = ANY(%s)", (codes,)
        ):
            self._put(number, code)

    def _put(self, number: int, code: str) -> None:
        self._codes[number] = code
        self._numbers[code] = number
