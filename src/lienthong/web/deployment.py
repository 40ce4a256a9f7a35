"""What the web side takes from the data folder: configuration, database, secret key."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration, ConfigurationError, load

SECRET_FILE = Path("secrets") / "django-secret-key"


class DeploymentError(LienthongError):
    code = "web-deployment"
    status = 500


def configuration(data: Path | None) -> Configuration | None:
    """What ``lienthong.toml`` says; None without a data folder or with a file that cannot be read, which
    the exchange and ``lienthong doctor`` report: the pages go on with the defaults.
    """
    if data is None:
        return None
    try:
        return load(data)
    except ConfigurationError:
        return None


def database(data: Path | None, url: str) -> dict[str, Any]:
    """Django's ``DATABASES`` entry: PostgreSQL when ``url`` says so, else SQLite in the data folder,
    else in memory.
    """
    if url:
        return _postgresql(url)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(data / "registry.sqlite3") if data else ":memory:",
        "OPTIONS": {
            # A write transaction takes its lock at its beginning, so that two writers wait for each
            # other instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise DeploymentError(str(problem), place="LIENTHONG_REGISTRY_URL") from None
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name:
        raise DeploymentError(
            "this is not the address of a PostgreSQL database",
            place="LIENTHONG_REGISTRY_URL",
            remedy="write postgresql://user:password@host:port/name, or leave it out to use SQLite",
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def secret_key(data: Path | None) -> str:
    """The installation's secret key, made once (0600) in the data folder; a passing one without a folder."""
    if data is None or not data.is_dir():
        return secrets.token_urlsafe(50)
    path = data / SECRET_FILE
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _make_key(path)
        return _read_key(path)
    except OSError as problem:
        raise DeploymentError(
            f"the secret key cannot be kept: {problem.strerror}",
            place=str(path),
            remedy="let the user that runs the web read and write the data folder's secrets/",
        ) from None


def _make_key(path: Path) -> None:
    """Written beside and linked into place: of two processes starting at once, the first one's key holds,
    and neither sees half a key.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(50))
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()


def _read_key(path: Path) -> str:
    key = path.read_text().strip()
    if len(key) < 40:
        raise DeploymentError(
            "the secret key is too short", place=str(path), remedy="delete the file; a new one is made"
        )
    return key
