"""``lienthong doctor``: a data folder and its environment, looked at from outside, with remedies.

Nothing is changed and the store is not opened: a hub may be serving it. What a serving hub says of itself is
part of the picture.
"""

from __future__ import annotations

import os
import resource
import shutil
import ssl
import stat
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration, load
from lienthong.exchange.server import diagnosis_records, diagnosis_serving
from lienthong.exchange.server.health import HealthItem, certificate_health, renewal
from lienthong.exchange.server.listening import url_of
from lienthong.registry import snapshot
from lienthong.trust import crl, paths
from lienthong.trust.certificates import TrustStore
from lienthong.trust.errors import WrongPassphrase
from lienthong.trust.keys import load_certificates, load_signer, read_file
from lienthong.trust.log.notes import NoteKey, NoteSigner
from lienthong.trust.profiles import Profile
from lienthong.trust.tsa import TimeStampAuthority

WANTED_FILES = 4096
ASK_S = 3.0
SECRETS = ("secrets/passphrase", "secrets/session-tokens", "keys/checkpoint.key")
SERVICES: tuple[tuple[str, Profile], ...] = (
    ("tls-server", Profile.TLS_SERVER),
    ("tsa", Profile.TSA),
    ("ocsp", Profile.OCSP),
    ("directory", Profile.DIRECTORY),
)


def examine(data: Path) -> list[HealthItem]:
    """Everything that can be said about a data folder, in the order in which it should be put right."""
    findings = [*_environment()]
    try:
        configuration = load(data)
    except LienthongError as error:
        return [*findings, _failing("configuration", error)]
    findings.append(HealthItem("configuration", "ok", str(configuration.path("lienthong.toml"))))
    looks: tuple[Callable[[Configuration], Iterator[HealthItem]], ...] = (
        _folder,
        _secrets,
        _log_key,
        _trust,
        _services,
        _directory,
        diagnosis_records.registry,
        _network,
        _profiles,
        _store,
        _timestamps,
        diagnosis_serving.hub,
        diagnosis_serving.web,
    )
    for look in looks:
        try:
            findings.extend(look(configuration))
        except (LienthongError, OSError) as error:
            findings.append(_failing(look.__name__.strip("_").replace("_", " "), error))
    return findings


def _failing(name: str, error: LienthongError | OSError, remedy: str = "") -> HealthItem:
    if isinstance(error, LienthongError):
        where = f"{error.place}: " if error.place else ""
        return HealthItem(name, "failing", f"{where}{error.detail}", error.remedy or remedy)
    return HealthItem(name, "failing", f"{error.filename}: {error.strerror}", remedy)


def _environment() -> Iterator[HealthItem]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield HealthItem("python", "ok", f"{version}, {ssl.OPENSSL_VERSION}")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files < WANTED_FILES:
        yield HealthItem(
            "open files",
            "warning",
            f"a process may hold {files} open; {WANTED_FILES} are wanted for many connections",
            "raise it: ulimit -n, or LimitNOFILE= of the service",
        )
    else:
        yield HealthItem("open files", "ok", f"{files} allowed")


def _folder(configuration: Configuration) -> Iterator[HealthItem]:
    data = configuration.data
    for path in (data, configuration.path("hub"), configuration.path("directory")):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield HealthItem(
                "folder",
                "failing",
                f"{path} cannot be read and written by this user",
                f"chown -R the hub's user {path}",
            )
            return
    free = shutil.disk_usage(data).free
    wanted = configuration.health.disk_free_bytes
    state = "failing" if free < wanted else "warning" if free < 3 * wanted else "ok"
    yield HealthItem(
        "folder",
        state,  # type: ignore[arg-type]
        f"{data} is writable, {free // 2**20} MiB free",
        "" if state == "ok" else "make room, or give it a larger disk",
    )


def _secrets(configuration: Configuration) -> Iterator[HealthItem]:
    keys = [
        path for folder in ("keys", "pki", "agencies") for path in configuration.path(folder).rglob("*.key")
    ]
    exposed = [
        path
        for path in [*map(configuration.path, SECRETS), *keys]
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if exposed:
        others = f" and {len(exposed) - 1} more" if len(exposed) > 1 else ""
        yield HealthItem(
            "secrets",
            "warning",
            f"others on this machine may read {exposed[0]}{others}",
            "chmod 600 " + " ".join(map(str, exposed[:3])) + (" …" if len(exposed) > 3 else ""),
        )
    else:
        yield HealthItem("secrets", "ok", f"{len(keys)} keys, readable by their owner alone")
    if configuration.passphrase() is None:
        yield HealthItem(
            "passphrase",
            "failing",
            "what opens the encrypted keys is not known",
            "set LIENTHONG_PASSPHRASE, or put secrets/passphrase (0600) back from a backup; the keys and the "
            "time-stamps are not looked at without it",
        )


def _log_key(configuration: Configuration) -> Iterator[HealthItem]:
    path = configuration.path("keys/checkpoint.key")
    signer = NoteSigner.parse(read_file(path).decode("ascii", "replace"))
    if signer.key.name != configuration.hub.origin:
        yield HealthItem(
            "log key",
            "failing",
            f"the key is that of {signer.key.name!r}, [hub] origin is {configuration.hub.origin!r}",
            f'write origin = "{signer.key.name}" into lienthong.toml',
        )
        return
    public = configuration.path("keys/checkpoint.vkey")
    if not public.exists() or NoteKey.parse(public.read_text()) != signer.key:
        yield HealthItem(
            "log key",
            "warning",
            f"{public.name} is not the public half of {path.name}",
            f"write {signer.key.vkey} into {public}",
        )
        return
    yield HealthItem("log key", "ok", signer.key.vkey)


def _trust(configuration: Configuration) -> Iterator[HealthItem]:
    trust = TrustStore.from_folder(configuration.path("pki"))
    yield HealthItem("anchors", "ok", f"{len(trust.anchors)} trusted, {len(trust.intermediates)} CAs known")
    assert trust.revocation is not None
    remedy = f"lienthong init --data {configuration.data} publishes them anew; see docs/howto/run-a-hub.md"
    trust.refresh()
    if trust.revocation.problems:
        yield HealthItem("revocation", "warning", "; ".join(trust.revocation.problems), remedy)
        return
    for path in sorted(configuration.path("pki/crl").glob("*.crl")):
        until = crl.parse(read_file(path, limit=crl.MAX_CRL), place=str(path)).next_update
        if until <= datetime.now(UTC):
            yield HealthItem(
                "revocation", "warning", f"{path.name} went stale at {until:%Y-%m-%d %H:%M} UTC", remedy
            )
            return
    yield HealthItem("revocation", "ok", "the lists of revoked certificates are current")


def _services(configuration: Configuration) -> Iterator[HealthItem]:
    now = datetime.now(UTC)
    trust = TrustStore.from_folder(configuration.path("pki"))
    unopened: list[str] = []
    for name, profile in SERVICES:
        key, certificate = (configuration.path(f"keys/{name}.{kind}") for kind in ("key", "pem"))
        if name == "tls-server":
            key = configuration.path(configuration.exchange.key)
            certificate = configuration.path(configuration.exchange.certificate)
            if not configuration.exchange.tls:
                continue
        if not certificate.exists() and name in ("ocsp", "directory"):
            continue
        if name == "directory" and not key.exists():
            continue  # another machine publishes the directory
        try:
            signer = load_signer(key, certificate, passphrase=configuration.passphrase())
            verdict = trust.check(signer.certificate, intermediates=signer.chain, purpose=profile, at=now)
        except WrongPassphrase:
            unopened.append(name)
            continue
        except LienthongError as error:
            yield _failing(
                f"key {name}",
                error,
                f"restore {key.name} and {certificate.name}, or move both away and run lienthong init again",
            )
            continue
        if not verdict.ok and name != "tls-server":
            yield HealthItem(
                f"key {name}", "failing", f"{verdict.status}: {verdict.reason}", renewal(certificate)
            )
            continue
        item = certificate_health(name, certificate, now, configuration.health.certificate_warn_days)
        yield HealthItem(f"key {name}", item.state, item.detail, item.remedy)
    if unopened and configuration.passphrase() is not None:
        yield HealthItem(
            "passphrase",
            "failing",
            f"it does not open the keys {', '.join(unopened)}",
            "set LIENTHONG_PASSPHRASE to the passphrase that `lienthong init` made, or unset it and put "
            "secrets/passphrase back from a backup",
        )


def _directory(configuration: Configuration) -> Iterator[HealthItem]:
    remedy = f"lienthong registry publish --data {configuration.data}"
    path = configuration.path(configuration.directory.file)
    trust = TrustStore.from_folder(configuration.path("pki"))
    now = datetime.now(UTC)
    try:
        found = snapshot.load(path, trust, now)
    except LienthongError as error:
        yield HealthItem("directory", "failing", error.detail, error.remedy or remedy)
        return
    left = found.expires_at - now
    until = f"{found.expires_at:%Y-%m-%d %H:%M} UTC"
    detail = f"version {found.version}, {len(found.agencies)} agencies, until {until}"
    if left < timedelta(days=configuration.directory.warn_days):
        yield HealthItem("directory", "warning", detail, remedy)
        return
    without = sum(1 for agency in found.agencies.values() if not agency.seals)
    if without == len(found.agencies):
        yield HealthItem(
            "directory",
            "warning",
            f"{detail}; no agency has a seal, so nobody can send",
            "lienthong init --agency CODE makes keys here; docs/howto/add-an-agency.md tells the rest",
        )
        return
    yield HealthItem("directory", "ok", detail)


def _network(configuration: Configuration) -> Iterator[HealthItem]:
    listener = configuration.exchange
    local = listener.host in ("127.0.0.1", "::1", "localhost")
    if not listener.tls and not local:
        yield HealthItem(
            "network",
            "failing",
            f"the exchange listens on {listener.host} without TLS: tokens would travel in the clear",
            "set [exchange] tls = true, or listen on 127.0.0.1 behind a proxy that ends TLS",
        )
    elif listener.host in ("0.0.0.0", "::") and not listener.public_url:  # noqa: S104 - compared
        yield HealthItem(
            "network",
            "failing",
            "agencies sign requests for a name, and no name is configured",
            'set [exchange] public_url = "https://name.of.the.hub"',
        )
    else:
        yield HealthItem("network", "ok", f"{url_of(configuration)} {listener.public_url}".strip())
    if listener.tls and listener.public_url:
        host = urlsplit(listener.public_url).hostname or ""
        names = _names(configuration.path(listener.certificate))
        if host not in names:
            yield HealthItem(
                "TLS name",
                "failing",
                f"the certificate is for {', '.join(sorted(names)) or 'nobody'}, agencies call {host}",
                f"lienthong keys renew --service tls-server --host {host} --data {configuration.data}",
            )


def _profiles(configuration: Configuration) -> Iterator[HealthItem]:
    """Whether the agencies' programs of this folder call the hub where it is."""
    shared = configuration.path("agencies/hub.toml")
    if not shared.exists():
        return
    try:
        called = tomllib.loads(read_file(shared).decode()).get("hub", "nobody")
    except ValueError:
        called = "nobody: it is not TOML"
    expected = (configuration.exchange.public_url or url_of(configuration)).rstrip("/")
    if called != expected:
        yield HealthItem(
            "profiles",
            "warning",
            f"the agencies of this folder call {called}, the hub is {expected}",
            f"lienthong init --data {configuration.data} writes its address into {shared}",
        )
    else:
        yield HealthItem("profiles", "ok", f"the agencies of this folder call {called}")


def _names(certificate: Path) -> set[str]:
    found = paths.parse(load_certificates(certificate)[0]).x509
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    }


def _store(configuration: Configuration) -> Iterator[HealthItem]:
    if configuration.store.engine == "embedded":
        yield from diagnosis_records.embedded_store(configuration)
        return
    import psycopg

    try:
        with psycopg.connect(configuration.store.dsn, connect_timeout=int(ASK_S)) as connection:
            row = connection.execute("show server_version").fetchone()
    except psycopg.Error as error:
        yield HealthItem(
            "store", "failing", f"PostgreSQL does not answer: {error}", "check [store] dsn and the server"
        )
        return
    yield HealthItem("store", "ok", f"PostgreSQL {row[0] if row else ''}")


def _timestamps(configuration: Configuration) -> Iterator[HealthItem]:
    from lienthong.trust.timestamps import request_timestamp

    choice = configuration.timestamps
    if choice.authority == "off":
        yield HealthItem("timestamps", "ok", "switched off")
        return
    tsa: str | TimeStampAuthority = choice.authority
    if choice.authority == "built-in":
        key, certificate = (configuration.path(f"keys/tsa.{kind}") for kind in ("key", "pem"))
        try:
            signer = load_signer(key, certificate, passphrase=configuration.passphrase())
        except WrongPassphrase:
            return  # told with the keys
        tsa = TimeStampAuthority(signer)
    try:
        request_timestamp(tsa, bytes(32), budget_s=choice.budget_s)
    except LienthongError as error:
        yield HealthItem(
            "timestamps",
            "warning",
            error.detail,
            "check [timestamps] authority; messages are accepted without it",
        )
        return
    yield HealthItem("timestamps", "ok", f"{choice.authority} answers")
