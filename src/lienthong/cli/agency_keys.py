"""Keys, certificates and profiles of the agencies whose keys lie in the data folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.cli.publishing import passphrase, renew
from lienthong.trust.ca import ProvinceCA, Wanted
from lienthong.trust.keys import encrypt_key, generate_key, load_certificates, write_file
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.registry.directory import Agency

USES = (("seal", Profile.SEAL), ("encryption", Profile.ENCRYPTION), ("tls", Profile.TLS_CLIENT))
BATCH = 32

Progress = Callable[[str, int, int], None]
"""(what, how many done, of how many)."""


def silent(what: str, done: int, of: int) -> None:
    """Nobody watches."""


def add_profiles(
    data: Path,
    wanted: Sequence[str],
    *,
    ca: ProvinceCA,
    now: datetime,
    progress: Progress = silent,
) -> list[str]:
    """Keys, certificates and a profile for each agency of ``wanted`` that has none here; every profile's
    certificates are in the registry when this returns. Answers the codes of the new ones.
    """
    from lienthong.registry import actions

    agencies = agencies_of(wanted, now)
    missing = [
        agency for agency in agencies if not (data / "agencies" / agency.code / "agency.toml").exists()
    ]
    secret = passphrase(data)
    for start in range(0, len(missing), BATCH):
        progress("Agencies' keys and certificates", start, len(missing))
        _make_profiles(data / "agencies", missing[start : start + BATCH], ca, secret, now)
    if missing:
        progress("Agencies' keys and certificates", len(missing), len(missing))
    # Also those of earlier runs: one that was killed may have made profiles that the registry never saw.
    noted = _noted_fingerprints()
    fresh = [
        (agency.code, use, certificate)
        for agency in agencies
        for use, _ in USES
        for certificate in [load_certificates(data / "agencies" / agency.code / f"{use}.pem")[0]]
        if (use, certificate) not in noted
    ]
    if fresh:
        actions.add_certificates(fresh, now=now, actor="init")
    return [agency.code for agency in missing]


def agencies_of(wanted: Iterable[str], now: datetime) -> list[Agency]:
    """The registry's agencies that codes, aliases and groups mean today, each once."""
    from lienthong.core.clock import VIETNAM
    from lienthong.core.errors import LienthongError
    from lienthong.exchange.client.directory_copy import reached
    from lienthong.registry import queries

    directory = queries.directory(version=1, issued_at=now, expires_at=now + timedelta(days=1))
    found, nobody = reached(directory, wanted, now.astimezone(VIETNAM).date())
    if nobody:
        raise LienthongError(
            f"the registry knows nobody under {', '.join(nobody)}",
            place="agency",
            remedy="see `lienthong registry list`",
            code="unknown-agency",
        )
    return found


def _noted_fingerprints() -> set[tuple[str, bytes]]:
    from lienthong.registry import models

    return {(use, bytes(der)) for use, der in models.Certificate.objects.values_list("use", "der")}


def _make_profiles(
    folder: Path, agencies: Sequence[Agency], ca: ProvinceCA, secret: bytes, now: datetime
) -> None:
    keys = [(agency, use, profile, generate_key()) for agency in agencies for use, profile in USES]
    issued = ca.issue_many(
        [
            Wanted(profile, agency.name, key.public_key(), organ_code=agency.code)
            for agency, _, profile, key in keys
        ],
        now=now,
    )
    files: dict[str, dict[str, tuple[bytes, int]]] = {}
    for (agency, use, _, key), certificate in zip(keys, issued, strict=True):
        mine = files.setdefault(agency.code, {"agency.toml": (profile_text(agency).encode(), 0o644)})
        mine[f"{use}.key"] = (encrypt_key(key, secret), 0o600)
        mine[f"{use}.pem"] = (certificate.pem(), 0o644)
    for code, mine in files.items():
        beside = folder / f".{code}.{secrets.token_hex(4)}"
        beside.mkdir(mode=0o700)
        try:
            for name, (content, mode) in mine.items():
                write_file(beside / name, content, mode=mode)
            target = folder / code
            if target.exists():  # keys without agency.toml: nothing that was ever in use
                shutil.rmtree(target)
            beside.rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def renew_keys(data: Path, code: str, uses: Sequence[str], *, ca: ProvinceCA, now: datetime) -> None:
    """New keys and certificates for a profile, registered and published before the profile uses them.

    Files are named by date beside the old ones; agency.toml is replaced last. Former encryption keys stay
    named in it, so that what was sealed to them still opens.
    """
    from lienthong.core.errors import LienthongError
    from lienthong.exchange.client.profile import load_profile
    from lienthong.registry import actions

    folder = data / "agencies" / code
    profile = load_profile(folder)
    if any(place.key is None for place in profile.keys.values()):
        raise LienthongError(
            "a key in a security module is renewed where it is",
            place=str(folder),
            remedy="lienthong keys new, request and issue; then name the certificate in agency.toml",
        )
    [agency] = agencies_of([code], now)
    secret = passphrase(data)
    profiles = dict(USES)
    names: dict[str, str] = {use: place.certificate.stem for use, place in profile.keys.items()}
    former = [place.certificate.stem for place in profile.former_encryption]
    for use in uses:
        key = generate_key()
        issued = ca.issue(
            profiles[use],
            subject_name=agency.name,
            organ_code=agency.code,
            public_key=key.public_key(),
            now=now,
        )
        name = f"{use}-{now:%Y%m%d%H%M%S}"
        write_file(folder / f"{name}.key", encrypt_key(key, secret), mode=0o600)
        write_file(folder / f"{name}.pem", issued.pem())
        actions.add_certificate(agency.code, use, issued.certificate, now=now, actor="keys renew")
        if use == "encryption":
            former.insert(0, names[use])
        names[use] = name
    renew(data, now=now, force=True)
    write_file(folder / "agency.toml", profile_text(agency, names, former).encode())


def profile_text(agency: Agency, names: Mapping[str, str] | None = None, former: Sequence[str] = ()) -> str:
    """``agency.toml``; ``names``: the stem of each use's key and certificate files."""
    name = agency.name.replace("\\", "\\\\").replace('"', '\\"')
    text = f'code = "{agency.code}"\nname = "{name}"\ninclude = "../hub.toml"\n'
    for use, _ in USES:
        stem = (names or {}).get(use, use)
        text += f'\n[{use}]\nkey = "{stem}.key"\ncertificate = "{stem}.pem"\n'
    for stem in former:
        text += f'\n[[former_encryption]]\nkey = "{stem}.key"\ncertificate = "{stem}.pem"\n'
    return text
