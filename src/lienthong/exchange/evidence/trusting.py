"""Whom the checker believes: keys, authorities and the directory, from a data folder, a profile or files.

Nothing is ever taken from the evidence itself or from what lies beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from lienthong.core.errors import LienthongError
from lienthong.exchange import configuration
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.errors import ExchangeError
from lienthong.exchange.evidence.checks import Trust
from lienthong.registry import snapshot
from lienthong.registry.directory import Directory
from lienthong.trust import paths
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import load_certificates
from lienthong.trust.log.notes import KeyType, NoteKey
from lienthong.trust.log.policy import Policy
from lienthong.trust.revocation import Revocation


class TrustUnusable(ExchangeError):
    """What was given to be trusted cannot be used; the evidence was not looked at."""

    code = "usage"
    title: ClassVar[str] = "What should be trusted cannot be read"


@dataclass(frozen=True, slots=True)
class Believed:
    """``trust``; the folders, files and keys it comes from; and in words what is missing of it."""

    trust: Trust
    sources: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What was named on the command line. Keys are vkey texts or files that hold one; each that is given
    replaces what the data folder or the profile says.
    """

    log_keys: Sequence[str] = ()
    witnesses: Sequence[str] = ()
    quorum: int = 0
    policy: Path | None = None
    authorities: Sequence[Path] = ()
    revocations: Sequence[Path] = ()
    directory: Path | None = None


def believe(
    given: Given, now: datetime, *, data: Path | None = None, profile: AgencyProfile | None = None
) -> Believed:
    """Join what the data folder or the profile says with what is given; :class:`TrustUnusable` names the
    file that cannot be used.
    """
    try:
        if profile is not None:
            found = _of_profile(profile, now)
        elif data is not None:
            found = _of_data(data, now)
        else:
            found = Believed(Trust(Policy(), now))
        return _with_given(found, given, now)
    except TrustUnusable:
        raise
    except LienthongError as error:
        raise TrustUnusable(error.detail, place=error.place, remedy=error.remedy) from error
    except OSError as error:
        raise TrustUnusable(f"it cannot be read: {error.strerror}", place=str(error.filename)) from error


def _of_data(data: Path, now: datetime) -> Believed:
    settings = configuration.load(data)
    logs = [_key(str(data / "keys" / "checkpoint.vkey"), KeyType.ED25519)]
    witnesses = [_key(each.key, KeyType.COSIGNATURE_V1) for each in settings.log.witnesses]
    certificates = TrustStore.from_folder(data / "pki")
    directory, remarks = _directory(settings.path(settings.directory.file), certificates, now)
    trust = Trust(Policy.of(logs, witnesses), now, certificates, directory)
    return Believed(trust, (str(data),), remarks)


def _of_profile(profile: AgencyProfile, now: datetime) -> Believed:
    certificates = TrustStore.from_folder(profile.pki)
    directory, remarks = _directory(profile.folder / "directory.p7m", certificates, now)
    logs = [_key(profile.checkpoint_key, KeyType.ED25519)]
    trust = Trust(Policy.of(logs), now, certificates, directory)
    return Believed(trust, (str(profile.folder),), remarks)


def _directory(
    path: Path, certificates: TrustStore, now: datetime
) -> tuple[Directory | None, tuple[str, ...]]:
    if not path.exists():
        return None, ()
    try:
        return snapshot.load(path, certificates, now), ()
    except LienthongError as error:
        return None, (f"the directory is not used: {error}",)


def _with_given(found: Believed, given: Given, now: datetime) -> Believed:
    trust, sources = found.trust, list(found.sources)
    if given.policy is not None:
        policy = Policy.parse(given.policy.read_bytes())
        trust = replace(trust, policy=policy if policy.logs else replace(policy, logs=trust.policy.logs))
        sources.append(str(given.policy))
    logs = [_key(each, KeyType.ED25519) for each in given.log_keys]
    witnesses = [_key(each, KeyType.COSIGNATURE_V1) for each in given.witnesses]
    if logs or witnesses or given.quorum:
        if given.policy is not None:
            raise TrustUnusable(
                "a policy says everything about keys and quorum",
                place="--policy",
                remedy="give either --policy, or --log-key, --witness and --quorum",
            )
        policy = Policy.of(logs or trust.policy.logs, witnesses or trust.policy.witness_keys, given.quorum)
        trust = replace(trust, policy=policy)
        sources += [key.vkey for key in (*logs, *witnesses)]
    if given.authorities:
        trust = replace(trust, certificates=_store(given))
        sources += [str(path) for path in given.authorities]
    if given.directory is not None:
        if trust.certificates is None:
            raise TrustUnusable("a directory needs authorities to be checked with", place="--directory")
        directory = snapshot.load(given.directory, trust.certificates, now)
        trust = replace(trust, directory=directory)
        sources.append(str(given.directory))
    return Believed(trust, tuple(sources), found.remarks)


def _store(given: Given) -> TrustStore:
    certificates = [der for path in given.authorities for der in load_certificates(path)]
    anchors = [der for der in certificates if paths.parse(der).self_issued]
    if not anchors:
        raise TrustUnusable(
            "there is no root certificate among them",
            place=", ".join(map(str, given.authorities)),
            remedy="add the certificate of the root, PEM; the others only help to reach it",
        )
    crls = [path.read_bytes() for path in given.revocations]
    return TrustStore(
        anchors,
        intermediates=[der for der in certificates if der not in anchors],
        revocation=Revocation(crls) if crls else None,
    )


def _key(text: str, kind: KeyType) -> NoteKey:
    """A key from its text, or from a file that holds it."""
    if "+" not in text or Path(text).is_file():
        text = Path(text).read_text(encoding="utf-8", errors="replace")
    key = NoteKey.parse(text)
    if key.type is not kind:
        wanted = (
            "a witness's key (type 0x04)" if kind is KeyType.COSIGNATURE_V1 else "a log's key (type 0x01)"
        )
        raise TrustUnusable(f"{key.name} is not {wanted}", place=key.vkey)
    return key
