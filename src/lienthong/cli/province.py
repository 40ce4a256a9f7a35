"""A province made and kept current in a data folder: what ``init``, ``demo`` and ``keys`` share.

Every step is idempotent, and each file or folder appears whole or not at all: a run that was killed is
simply run again.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lienthong.cli.agency_keys import Progress, add_profiles, silent
from lienthong.cli.publishing import PASSPHRASE, passphrase, renew
from lienthong.cli.service_keys import checkpoint_key, service_keys
from lienthong.core.text import fold
from lienthong.exchange.configuration import FILE_NAME, Configuration, load, starter
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.keys import write_file

SHARED = Path("agencies/hub.toml")


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


def create(data: Path, plan: Plan, *, now: datetime, progress: Progress = silent) -> Configuration:
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
    checkpoint_key(data / "keys", plan.origin)
    service_keys(data / "keys", ca, secret, plan.province, plan.hosts, now)
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


def _fill_registry(data: Path, seed: str, progress: Progress) -> None:
    from lienthong.cli.django import use_data_folder

    progress("Registry", 0, 1)
    use_data_folder(data, create=True)
    from lienthong.registry import actions, queries

    if seed and not queries.agencies(limit=1):
        actions.load_seed(seed, actor="init")
