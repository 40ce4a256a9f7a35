"""A province made and kept current in a data folder: what ``init``, ``demo`` and ``keys`` share.

Every step is idempotent, and each file or folder appears whole or not at all: a run that was killed is
simply run again.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.core.text import fold
from lienthong.exchange.configuration import FILE_NAME, Configuration, load, starter
from lienthong.trust.ca import ProvinceCA, Wanted
from lienthong.trust.keys import (
    PrivateKey,
    encrypt_key,
    generate_key,
    load_certificates,
    load_signer,
    write_file,
)
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.profiles import Profile

if TYPE_CHECKING:
    from lienthong.registry.directory import Agency

PASSPHRASE = Path("secrets/passphrase")
DIRECTORY = Path("directory/directory.p7m")
SHARED = Path("agencies/hub.toml")
USES = (("seal", Profile.SEAL), ("encryption", Profile.ENCRYPTION), ("tls", Profile.TLS_CLIENT))
SERVICES = (
    ("tls-server", Profile.TLS_SERVER, "trục liên thông"),
    ("tsa", Profile.TSA, "dịch vụ cấp dấu thời gian"),
    ("ocsp", Profile.OCSP, "dịch vụ trạng thái chứng thư"),
    ("directory", Profile.DIRECTORY, "danh bạ cơ quan"),
)
RENEW_CRLS_AFTER = timedelta(days=1)
RENEW_DIRECTORY_BEFORE = timedelta(days=15)
BATCH = 32

Progress = Callable[[str, int, int], None]
"""(what, how many done, of how many)."""


def _silent(what: str, done: int, of: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Plan:
    """What a new province is to be. ``origin`` names its log for ever; ``seed`` is a built-in seed, or ''
    for an empty registry; ``profiles`` are the agencies whose keys and profile are made here, as codes or
    ``group:…``; ``hosts`` are the names and addresses in the hub's TLS certificate.
    """

    province: str
    origin: str
    seed: str = ""
    profiles: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    exchange_port: int = 8440
    web_port: int = 8400
    tls: bool = True


def origin_of(province: str) -> str:
    """A log name for a province, ``vinh-long.lienthong.example`` for «Vĩnh Long»."""
    label = "-".join("".join(ch if ch.isalnum() else " " for ch in fold(province)).split())
    return f"{label or 'province'}.lienthong.example"


def create(data: Path, plan: Plan, *, now: datetime, progress: Progress = _silent) -> Configuration:
    """Make whatever of the province is not there yet, and renew what is due. One run at a time."""
    for folder in ("secrets", "keys", "agencies"):
        (data / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(data):
        return _create(data, plan, now, progress)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Wait for another run on this folder to end; then sweep away what a killed one left half made."""
    with (data / ".init.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in (*data.glob(".pki.*"), *(data / "agencies").glob(".*")):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        yield


def _create(data: Path, plan: Plan, now: datetime, progress: Progress) -> Configuration:
    secret = passphrase(data, create=True)
    pki = data / "pki"
    if not (pki / "ca.pem").exists():
        progress("Province CA", 0, 1)
        ProvinceCA.create(pki, province=plan.province, passphrase=secret, now=now)
    ca = ProvinceCA.open(pki, passphrase=secret)
    _checkpoint_key(data / "keys", plan.origin)
    _service_keys(data / "keys", ca, secret, plan, now)
    if not (data / FILE_NAME).exists():
        text = starter(
            plan.origin,
            f"Tỉnh {plan.province}",
            exchange_port=plan.exchange_port,
            web_port=plan.web_port,
            tls=plan.tls,
        )
        write_file(data / FILE_NAME, text.encode(), mode=0o600)
    configuration = load(data)
    write_shared_profile(data, configuration)
    _fill_registry(data, plan.seed, progress)
    add_profiles(data, plan.profiles, ca=ca, now=now, progress=progress)
    renew(data, now=now)
    return configuration


def passphrase(data: Path, *, create: bool = False) -> bytes:
    """What opens the data folder's keys; made on the first call with ``create``."""
    given = os.environ.get("LIENTHONG_PASSPHRASE")
    if given:
        return given.encode()
    path = data / PASSPHRASE
    if create and not path.exists():
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        write_file(beside, secrets.token_urlsafe(32).encode() + b"\n", mode=0o600)
        # Linked, not renamed: of two that start at once, the first one's passphrase holds.
        with suppress(FileExistsError):
            path.hardlink_to(beside)
        beside.unlink()
    return load_passphrase(path)


def load_passphrase(path: Path) -> bytes:
    from lienthong.trust.keys import read_file

    return read_file(path).strip()


def hub_url(configuration: Configuration) -> str:
    """Where agencies reach the hub."""
    listener = configuration.exchange
    if listener.public_url:
        return listener.public_url.rstrip("/")
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{'https' if listener.tls else 'http'}://{host}:{listener.port}"


def write_shared_profile(data: Path, configuration: Configuration) -> None:
    """``agencies/hub.toml``: what the profiles of this folder share. Written only when it changes."""
    vkey = (data / "keys" / "checkpoint.vkey").read_text().strip()
    text = (
        "# Shared by the profiles beside it. Written by `lienthong init` and `lienthong demo`.\n"
        f'hub = "{hub_url(configuration)}"\n'
        'pki = "../pki"\n'
        f'checkpoint_key = "{vkey}"\n'
        f'passphrase_file = "../{PASSPHRASE}"\n'
    )
    file = data / SHARED
    if not file.exists() or file.read_text() != text:
        write_file(file, text.encode())


def add_profiles(
    data: Path,
    wanted: Sequence[str],
    *,
    ca: ProvinceCA,
    now: datetime,
    progress: Progress = _silent,
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


def renew_crls(data: Path, *, now: datetime) -> None:
    """Publish fresh CRLs when the newest are a day old."""
    crls = list((data / "pki" / "crl").glob("*.crl"))
    if (
        not crls
        or now.timestamp() - min(one.stat().st_mtime for one in crls) > RENEW_CRLS_AFTER.total_seconds()
    ):
        ProvinceCA.open(data / "pki", passphrase=passphrase(data)).publish_crls(now=now)


def renew(data: Path, *, now: datetime, force: bool = False) -> bool:
    """Publish fresh CRLs when they are due, and the directory when it no longer says what the registry does
    or half of its life has passed. Answers whether the directory was published.
    """
    from lienthong.registry import actions

    renew_crls(data, now=now)
    due = force or not _directory_is_current(data / DIRECTORY, now)
    if due:
        keys = data / "keys"
        signer = load_signer(keys / "directory.key", keys / "directory.pem", passphrase=passphrase(data))
        actions.publish(data / DIRECTORY, signer, now, actor="init")
    return due


def _directory_is_current(file: Path, now: datetime) -> bool:
    from lienthong.core.errors import LienthongError
    from lienthong.registry import queries
    from lienthong.registry.snapshot import decode
    from lienthong.trust.cms import verify_attached

    try:
        there = decode(verify_attached(file.read_bytes())[0])
    except (OSError, LienthongError):
        return False
    if there.expires_at - now < RENEW_DIRECTORY_BEFORE:
        return False
    asked = queries.directory(version=there.version, issued_at=there.issued_at, expires_at=there.expires_at)
    return asked == there


def _noted_fingerprints() -> set[tuple[str, bytes]]:
    from lienthong.registry import models

    return {(use, bytes(der)) for use, der in models.Certificate.objects.values_list("use", "der")}


def _fill_registry(data: Path, seed: str, progress: Progress) -> None:
    from lienthong.cli.django import use_data_folder

    progress("Registry", 0, 1)
    use_data_folder(data, create=True)
    from lienthong.registry import actions, queries

    if seed and not queries.agencies(limit=1):
        actions.load_seed(seed, actor="init")


def _checkpoint_key(keys: Path, origin: str) -> None:
    """The log's key. Its first spelling is the log's for ever, so it is never made anew."""
    key = keys / "checkpoint.key"
    if not key.exists():
        write_file(key, NoteSigner.generate(origin).skey.encode() + b"\n", mode=0o600)
    vkey = NoteSigner.parse(key.read_text()).key.vkey
    public = keys / "checkpoint.vkey"
    if not public.exists() or public.read_text().strip() != vkey:
        write_file(public, vkey.encode() + b"\n")


def _service_keys(keys: Path, ca: ProvinceCA, secret: bytes, plan: Plan, now: datetime) -> None:
    missing = [one for one in SERVICES if not (keys / f"{one[0]}.pem").exists()]
    made: list[tuple[str, PrivateKey, Wanted]] = []
    for name, profile, title in missing:
        key = generate_key()
        hosts = plan.hosts if profile is Profile.TLS_SERVER else ()
        subject = f"{plan.province}: {title}"
        made.append((name, key, Wanted(profile, subject, key.public_key(), hosts=hosts)))
    if not made:
        return
    issued = ca.issue_many([wanted for _, _, wanted in made], now=now)
    for (name, key, _), certificate in zip(made, issued, strict=True):
        write_file(keys / f"{name}.key", encrypt_key(key, secret), mode=0o600)
        write_file(keys / f"{name}.pem", certificate.pem())


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
