"""The agency's copy of the directory: fetched from the hub, verified, kept, renewed when it grows old."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from lienthong.core.clock import Clock
from lienthong.core.errors import LienthongError
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Answer, Call, Steps, work
from lienthong.exchange.errors import ExchangeError
from lienthong.registry import snapshot
from lienthong.registry.directory import Agency, Directory
from lienthong.registry.notation import MAX_BYTES
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import read_file, write_file

FRESH_FOR = timedelta(minutes=10)


class CannotSeal(ExchangeError):
    """Somebody among the recipients has no encryption certificate, or is nobody."""

    code = "cannot-seal"
    title: ClassVar[str] = "The files cannot be sealed to every recipient"


class DirectoryCopy:
    """One copy in ``file``. Several clients of one process may share it. Beside it, ``.version`` keeps the
    highest version seen, so that an older one is not taken when the copy is lost or has expired.
    """

    def __init__(self, file: Path, trust: TrustStore, session: Session, clock: Clock) -> None:
        self._file = file
        self._trust = trust
        self._session = session
        self._clock = clock
        self._directory: Directory | None = None
        self._looked = datetime.fromtimestamp(0, UTC)

    def current(self, *, newer: bool = False) -> Steps[Directory]:
        """The directory, at most :data:`FRESH_FOR` old; ``newer``: ask the hub now.

        When the hub cannot be asked, an older copy serves until it expires.
        """
        if self._directory is None:
            yield from work(self._load)
        now = self._clock()
        if newer or self._directory is None or now - self._looked >= FRESH_FOR:
            try:
                answer: Answer = yield from self._session.call(Call("GET", "/v1/directory"))
                yield from work(lambda: self._take(answer.body))
            except LienthongError:
                if self._directory is None:
                    raise
        directory = self._directory
        assert directory is not None
        snapshot.check_expiry(directory, now)
        return directory

    def _load(self) -> None:
        if not self._file.exists():
            return
        try:
            data = read_file(self._file, limit=MAX_BYTES)
            kept = snapshot.verify(data, self._trust, self._clock())
            highest = snapshot.HighestVersion(self._file.with_suffix(".version"))
            highest.require(kept, data)
            highest.note(kept, data)
        except LienthongError:
            return  # an expired, damaged or older copy is replaced by the hub's
        self._directory = kept
        self._looked = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)

    def _take(self, data: bytes) -> None:
        fresh = snapshot.verify(data, self._trust, self._clock())
        if self._directory is None or fresh.version >= self._directory.version:
            highest = snapshot.HighestVersion(self._file.with_suffix(".version"))
            highest.require(fresh, data)
            self._directory = fresh
            write_file(self._file, data)
            highest.note(fresh, data)
        self._looked = self._clock()


def reached(directory: Directory, to: Iterable[str], on: date) -> tuple[list[Agency], list[str]]:
    """The agencies that ``to`` (codes, aliases, groups) means on a day, and the entries that mean nobody."""
    found: dict[str, Agency] = {}
    nobody = []
    for organ in to:
        if organ.startswith("group:"):
            members = directory.group(organ, on)
            found.update((code, directory.agencies[code]) for code in members)
            if not members:
                nobody.append(organ)
            continue
        resolution = directory.resolve(organ, on)
        heirs = resolution.successors or ((resolution.agency,) if resolution.status == "active" else ())
        found.update((heir.code, heir) for heir in heirs if heir is not None)
        if not heirs:
            nobody.append(organ)
    return list(found.values()), nobody


def encryption_certificates(
    directory: Directory, *, sender: str, to: Iterable[str], on: date
) -> tuple[bytes, ...]:
    """Every certificate (DER) to which files for ``to`` are sealed: all that a recipient has registered,
    so that it can open them after changing its key, and the sender's own.
    """
    agencies, nobody = reached(directory, to, on)
    without = [agency.code for agency in agencies if not agency.encryption and agency.code != sender]
    if nobody or without:
        raise CannotSeal(
            f"no encryption certificate is known for {', '.join([*nobody, *without])}",
            place="To",
            remedy="send without sealing, or ask these agencies to register an encryption certificate",
        )
    own = directory.agencies.get(sender)
    everybody = [*agencies, *([own] if own is not None else [])]
    return tuple(dict.fromkeys(ref.der for agency in everybody for ref in agency.encryption))
