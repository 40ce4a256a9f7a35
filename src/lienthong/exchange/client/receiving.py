"""Receiving: verified before it gets its name on the disk, and only then acknowledged."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lienthong.core.clock import VIETNAM
from lienthong.core.errors import LienthongError
from lienthong.exchange.client.answers import InboxPage, acknowledged, inbox_page
from lienthong.exchange.client.build import file_name
from lienthong.exchange.client.directory_copy import DirectoryCopy
from lienthong.exchange.client.errors import EvidenceMismatch, FileInTheWay
from lienthong.exchange.client.outbox import sync_folder
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.receipt import Receipt, check_receipt
from lienthong.exchange.client.session import Session
from lienthong.exchange.client.steps import Answer, Call, Steps, work
from lienthong.exchange.container import SEALED, Opened, open_container
from lienthong.exchange.edxml.model import Message
from lienthong.exchange.store.crashpoints import crashpoint
from lienthong.registry.directory import Agency, Directory
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import SealingError
from lienthong.trust.keys import write_file
from lienthong.trust.log.notes import NoteKey
from lienthong.trust.profiles import Profile

ACKNOWLEDGED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was fetched and verified. ``path``: its container, ``receipt_path``: the hub's receipt
    for it; ``sender``: the agency whose seal it bears; ``warning``: set when the seal's revocation could
    not be learnt for the moment. ``files``: (name, media type, size) of each file as it lies in the
    container; one ``files.p7m`` when they are ``sealed`` end to end.
    """

    index: int
    path: Path
    receipt_path: Path
    receipt: Receipt
    message: Message
    sender: str
    sender_name: str
    sealed: bool
    files: tuple[tuple[str, str, int], ...]
    warning: str = ""

    def extract(self, folder: Path, profile: AgencyProfile | None = None) -> list[Path]:
        """Write the files into ``folder``, unsealed with the profile's encryption key when they are sealed;
        their paths. Files of one name are numbered. Never over another file; one that is there already with
        the same content stays, so that this can be repeated.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with open_container(self.path) as opened:
            if opened.sealed and profile is not None:
                return _unseal(opened, profile, folder)
            names = _names([name for name, _, _ in self.files])
            return [
                _extract(opened, one[0], folder / name) for one, name in zip(self.files, names, strict=True)
            ]


class Receiving:
    """The incoming half of a client."""

    def __init__(
        self, profile: AgencyProfile, session: Session, directory: DirectoryCopy, trust: TrustStore
    ) -> None:
        self._profile = profile
        self._session = session
        self._directory = directory
        self._trust = trust
        self._log_key = NoteKey.parse(profile.checkpoint_key)

    def inbox(
        self,
        *,
        after: int = -1,
        limit: int = 100,
        pending: bool = False,
        lane: str | None = None,
        wait_s: int = 0,
    ) -> Steps[InboxPage]:
        """Lines of the inbox with an index beyond ``after``. ``pending``: only what is not acknowledged,
        urgent first. ``lane``: ``urgent`` or ``normal``. ``wait_s``: let the hub hold the answer until
        something comes, at most that long.
        """
        query: dict[str, str | int] = {"after": after, "limit": limit}
        if pending:
            query["pending"] = 1
        if lane:
            query["lane"] = lane
        if wait_s:
            query["wait"] = wait_s
        answer = yield from self._session.call(
            Call("GET", "/v1/inbox", query=query, patience_s=60.0 + wait_s)
        )
        return inbox_page(answer.json())

    def fetch(self, index: int) -> Steps[Received]:
        """The container of a record, verified and kept in the profile's ``inbox`` folder.

        Fetching again answers what is kept. Raises :class:`EvidenceMismatch` when the container, its seal
        or its receipt does not hold; what came is then put aside in ``inbox/rejected``.
        """
        path = self._place(index)
        if path.exists():
            return (yield from self.kept(index))
        partial = path.parent / ".partial" / f"{index}-{secrets.token_hex(4)}"
        try:
            answer: Answer = yield from self._session.call(
                Call("GET", f"/v1/messages/{index}", save_to=partial, patience_s=300)
            )
            proof = yield from self._session.call(Call("GET", f"/v1/messages/{index}/receipt"))
            crashpoint("client.fetched")
            received = yield from self._verified(index, partial, proof.body, answer.saved_digest)
            yield from work(lambda: self._keep(index, partial, proof.body))
        finally:
            partial.unlink(missing_ok=True)
        return replace(received, path=path, receipt_path=_beside(path))

    def kept(self, index: int) -> Steps[Received]:
        """What was fetched before, checked again from the disk."""
        path = self._place(index)
        raw = yield from work(lambda: _read(_beside(path)))
        return (yield from self._verified(index, path, raw, None))

    def kept_copy(self, index: int) -> Path | None:
        """Where the container of a record lies that was fetched, and verified, before; None when none was."""
        path = self._place(index)
        return path if path.is_file() else None

    def acknowledge(self, indexes: Sequence[int], *, staff: str = "") -> Steps[list[int]]:
        """Tell the hub that these records are safely here; it then stops listing them as pending."""
        taken: list[int] = []
        for start in range(0, len(indexes), ACKNOWLEDGED_AT_ONCE):
            some = list(indexes[start : start + ACKNOWLEDGED_AT_ONCE])
            answer: Answer = yield from self._session.call(
                Call(
                    "POST",
                    "/v1/inbox/acknowledgements",
                    body=_json({"indexes": some, "staff": staff or self._profile.staff}),
                    media_type="application/json",
                )
            )
            taken += acknowledged(answer.json())
        return taken

    def _verified(self, index: int, path: Path, raw: bytes, digest: bytes | None) -> Steps[Received]:
        directory = yield from self._directory.current()
        try:
            return (yield from work(lambda: self._verify(index, path, raw, digest, directory)))
        except EvidenceMismatch as first:
            if first.code != "seal-unknown":
                yield from work(lambda: self._put_aside(index, path, raw))
                raise
        # The sender may have registered its seal after this copy of the directory was made.
        directory = yield from self._directory.current(newer=True)
        try:
            return (yield from work(lambda: self._verify(index, path, raw, digest, directory)))
        except EvidenceMismatch:
            yield from work(lambda: self._put_aside(index, path, raw))
            raise

    def _verify(
        self, index: int, path: Path, raw: bytes, digest: bytes | None, directory: Directory
    ) -> Received:
        if digest is None:
            digest = _digest(path)
        receipt = check_receipt(raw, self._log_key, digest=digest, index=index)
        if self._profile.code not in (receipt.sender, *receipt.recipients):
            raise EvidenceMismatch(
                f"the log names neither as sender nor as recipient {self._profile.code}",
                place=f"record {index}",
            )
        accepted = datetime.fromtimestamp(receipt.accepted_ms / 1000, UTC)
        try:
            with open_container(path, today=accepted.astimezone(VIETNAM).date()) as opened:
                agency, warning = self._check_seal(opened, receipt, directory, accepted)
                files = tuple((one.name, one.media_type, one.size) for one in opened.files)
                return Received(
                    index=index,
                    path=path,
                    receipt_path=_beside(path),
                    receipt=receipt,
                    message=opened.message(),
                    sender=agency.code,
                    sender_name=agency.name,
                    sealed=opened.sealed,
                    files=files,
                    warning=warning,
                )
        except EvidenceMismatch:
            raise
        except LienthongError as error:
            raise EvidenceMismatch(
                f"the container does not hold: {error.detail}",
                place=error.place or f"record {index}",
                remedy="report it to the operator of the hub; it was not acknowledged",
            ) from error

    def _check_seal(
        self, opened: Opened, receipt: Receipt, directory: Directory, accepted: datetime
    ) -> tuple[Agency, str]:
        place = f"record {receipt.index}"
        seal = opened.signature
        agency = directory.by_fingerprint(seal.fingerprint, "seal")
        if agency is None:
            raise EvidenceMismatch(
                "the directory knows nobody with this seal", place=place, code="seal-unknown"
            )
        on = accepted.astimezone(VIETNAM).date()
        origin = directory.resolve(opened.envelope.from_organ, on).agency
        if agency.code != receipt.sender or origin is None or origin.code != agency.code:
            raise EvidenceMismatch(
                f"the seal is that of {agency.code}, the log says {receipt.sender}, "
                f"the message says {opened.envelope.from_organ}",
                place=place,
            )
        if opened.envelope.message_id != receipt.message_id:
            raise EvidenceMismatch("the log has another message id", place=place)
        verdict = self._trust.check(
            seal.certificate, intermediates=seal.certificates, purpose=Profile.SEAL, at=accepted
        )
        if not verdict.ok:
            raise EvidenceMismatch(
                f"the seal of {agency.code} is {verdict.status}: {verdict.reason}",
                place=place,
                code=f"seal-{verdict.status}" if verdict.status != "unknown" else "seal-revocation-unknown",
            )
        return agency, verdict.warning

    def _keep(self, index: int, partial: Path, raw: bytes) -> None:
        """Receipt first, container last: a container under its name is complete and has its receipt."""
        path = self._place(index)
        proof = partial.with_suffix(".receipt")
        with proof.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        proof.replace(_beside(path))
        crashpoint("client.receipt-kept")
        partial.replace(path)
        sync_folder(path.parent)
        crashpoint("client.kept")

    def _put_aside(self, index: int, path: Path, raw: bytes) -> None:
        folder = self._profile.inbox / "rejected"
        folder.mkdir(parents=True, exist_ok=True)
        path.replace(folder / self._place(index).name)
        write_file(folder / _beside(self._place(index)).name, raw)

    def _place(self, index: int) -> Path:
        return self._profile.inbox / f"{index:08}.asice"


def _unseal(opened: Opened, profile: AgencyProfile, folder: Path) -> list[Path]:
    """Open sealed files with whichever of the profile's keys they were sealed to."""
    first: SealingError | None = None
    for key, certificate in profile.encryption:
        try:
            return opened.unseal(key, certificate, folder)
        except SealingError as error:
            first = first or error
    assert first is not None
    raise first


def _names(inside: Sequence[str]) -> list[str]:
    """A safe name on the disk for each file of a container: no two the same, whatever their case."""
    names: list[str] = []
    taken: set[str] = set()
    for one in inside:
        wanted = Path(SEALED if one == SEALED else file_name(one))
        name, number = wanted.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted.stem}-{number}{wanted.suffix}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _extract(opened: Opened, name: str, target: Path) -> Path:
    """One file out of the container, digested on the way; it gets its name once all of it holds."""
    partial = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        try:
            with partial.open("xb") as out:
                with opened.container.open(name) as source:
                    while chunk := source.read(1 << 20):
                        out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if os.path.lexists(target):
                if target.is_symlink() or not target.is_file() or _digest(target) != _digest(partial):
                    raise FileInTheWay(
                        "another file is already there",
                        place=str(target),
                        remedy="extract into an empty folder",
                    )
            else:
                partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise FileInTheWay(
            f"cannot be written: {error.strerror}",
            place=str(target),
            remedy="check the folder, its permissions and the space left on the disk",
            code="file-unwritable",
        ) from error
    return target


def _beside(path: Path) -> Path:
    """Where the receipt of a container lies."""
    return path.with_suffix(".receipt.json")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise EvidenceMismatch(
            "there is nothing here", place=str(path), remedy="fetch it first", code="not-fetched"
        ) from None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
