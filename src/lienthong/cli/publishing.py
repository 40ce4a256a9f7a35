"""What a data folder publishes anew before it runs out: CRLs and the directory; and what opens its keys."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from lienthong.trust.ca import ProvinceCA
from lienthong.trust.keys import load_signer, write_file

PASSPHRASE = Path("secrets/passphrase")
DIRECTORY = Path("directory/directory.p7m")
RENEW_CRLS_AFTER = timedelta(days=1)
RENEW_DIRECTORY_BEFORE = timedelta(days=15)


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
