"""``lienthong.toml`` of a data folder → frozen dataclasses. Every error names the key and what it may be.

Each table of the file is one dataclass here; a key's default is the field's default. Relative paths are
relative to the data folder. docs/reference/configuration.md describes every key.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from lienthong.exchange.errors import ExchangeError

FILE_NAME = "lienthong.toml"
PASSPHRASE_VARIABLE = "LIENTHONG_PASSPHRASE"  # noqa: S105 - the name of a variable, not a secret


class ConfigurationError(ExchangeError):
    """``lienthong.toml`` cannot be read, or a key in it cannot be what it is."""

    code = "bad-configuration"
    status = 500
    title: ClassVar[str] = "The configuration cannot be used"


def _between(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """``[hub]``: who this hub is. ``origin`` names the log in every checkpoint, for ever."""

    origin: str
    name: str = "Liên Thông"


@dataclass(frozen=True, slots=True)
class ExchangeListener:
    """``[exchange]``: where the exchange listens, and TLS when it ends there.

    ``public_url`` is what clients call when a proxy stands before the hub; request signatures cover its
    host name. ``port`` 0 takes a free port. ``header_timeout_s`` is also how long a connection may idle;
    ``stalled_s`` how long the other side may leave an answer unread, or be silent while it waits for one.
    """

    host: str = "127.0.0.1"
    port: int = _between(8440, 0, 65535)
    public_url: str = ""
    tls: bool = False
    certificate: Path = Path("keys/tls-server.pem")
    key: Path = Path("keys/tls-server.key")
    client_certificates: Literal["off", "required"] = "off"
    client_ca: Path | None = None
    client_crl: tuple[str, ...] = ()
    connections: int = _between(1024, 16, 65535)
    header_timeout_s: float = _between(20.0, 0.1, 300)
    stalled_s: float = _between(60.0, 1, 3600)


@dataclass(frozen=True, slots=True)
class WebListener:
    """``[web]``: the web process."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = _between(8400, 0, 65535)
    workers: int = _between(1, 1, 64)


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """``[store]``: embedded files in ``hub/``, or PostgreSQL at ``dsn``."""

    engine: Literal["embedded", "postgresql"] = "embedded"
    dsn: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """``[limits]``: what one message, one agency and one connection may take.

    Bodies above ``memory_bytes`` are spooled to a file. A body must come faster than ``body_rate`` bytes
    a second once ``body_grace_s`` have passed. ``concurrent`` requests of one agency are served at once,
    ``waiting`` more wait their turn.
    """

    message_bytes: int = _between(2 * 1024**3, 1024, 2**40)
    memory_bytes: int = _between(1024**2, 4096, 2**30)
    files: int = _between(200, 1, 65535)
    body_rate: int = _between(2048, 1, 2**30)
    body_grace_s: float = _between(10.0, 0.1, 3600)
    concurrent: int = _between(16, 1, 10_000)
    waiting: int = _between(64, 0, 100_000)
    queue_records: int = _between(4096, 1, 10**6)
    queue_bytes: int = _between(128 * 1024**2, 2**20, 2**40)
    batch_records: int = _between(128, 1, 10_000)
    batch_bytes: int = _between(16 * 1024**2, 2**16, 2**32)
    inbox_page: int = _between(500, 1, 10_000)
    inbox_wait_s: float = _between(60.0, 1, 600)
    streams: int = _between(8, 0, 1000)
    stream_s: float = _between(900.0, 1, 86_400)


@dataclass(frozen=True, slots=True)
class ClockTolerance:
    """``[clock]``: how far a signing time or a signed request may be from the hub's clock."""

    signing_ahead_s: int = _between(300, 0, 86_400)
    signing_behind_days: int = _between(30, 0, 36_500)
    request_skew_s: int = _between(120, 1, 3600)
    jump_s: float = _between(5.0, 0.1, 3600)


@dataclass(frozen=True, slots=True)
class Sessions:
    """``[sessions]``: how long a bearer token lives."""

    lifetime_s: int = _between(1800, 10, 86_400)


@dataclass(frozen=True, slots=True)
class Proxy:
    """``[proxy]``: the machines whose ``Client-Cert`` header (RFC 9440) is believed. None by default."""

    trusted: tuple[str, ...] = ()
    client_cert_header: bool = False


@dataclass(frozen=True, slots=True)
class TimestampChoice:
    """``[timestamps]``: who time-stamps checkpoints: ``built-in``, ``off`` or the URL of an RFC 3161 TSA."""

    authority: str = "built-in"
    every_s: float = _between(600.0, 1, 86_400)
    budget_s: float = _between(5.0, 0.1, 120)


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """``[directory]``: the signed snapshot, and how often the hub looks whether it changed."""

    file: Path = Path("directory/directory.p7m")
    look_every_s: float = _between(2.0, 0.05, 3600)
    warn_days: float = _between(2.0, 0, 3650)


@dataclass(frozen=True, slots=True)
class RevocationChoice:
    """``[revocation]``: CRLs lie in ``pki/crl``; ``ocsp`` also asks the responders that certificates name."""

    ocsp: bool = False
    budget_s: float = _between(2.0, 0.1, 60)
    grace_days: float = _between(7.0, 0, 366)


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness of the log: the agency, and its C2SP cosignature key (a ``vkey`` line)."""

    agency: str
    key: str


@dataclass(frozen=True, slots=True)
class LogWitnesses:
    """``[log]``: whose cosignatures the hub takes."""

    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthThresholds:
    """``[health]``: below and beyond which the hub says that it cannot accept."""

    disk_free_bytes: int = _between(512 * 1024**2, 0, 2**50)
    certificate_warn_days: float = _between(30.0, 0, 3650)


@dataclass(frozen=True, slots=True)
class Logging:
    """``[logging]``: structured lines on standard error. ``auto``: for people on a terminal, else JSON."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["auto", "json", "console"] = "auto"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything ``lienthong.toml`` says; ``data`` is the data folder it lies in."""

    data: Path
    hub: HubIdentity
    exchange: ExchangeListener = ExchangeListener()
    web: WebListener = WebListener()
    store: StoreChoice = StoreChoice()
    limits: Limits = Limits()
    clock: ClockTolerance = ClockTolerance()
    sessions: Sessions = Sessions()
    proxy: Proxy = Proxy()
    timestamps: TimestampChoice = TimestampChoice()
    directory: DirectoryFile = DirectoryFile()
    revocation: RevocationChoice = RevocationChoice()
    log: LogWitnesses = LogWitnesses()
    health: HealthThresholds = HealthThresholds()
    logging: Logging = Logging()

    def path(self, relative: Path | str) -> Path:
        """A path of the configuration, seen from the data folder."""
        return self.data / relative

    def passphrase(self) -> bytes | None:
        """What opens the encrypted keys: ``LIENTHONG_PASSPHRASE``, else ``secrets/passphrase``, else None."""
        given = os.environ.get(PASSPHRASE_VARIABLE)
        if given is not None:
            return given.encode()
        try:
            return self.path("secrets/passphrase").read_bytes().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(
                f"the passphrase cannot be read: {error.strerror}",
                place=str(self.path("secrets/passphrase")),
                remedy=f"give the hub's user the right to read it, or set {PASSPHRASE_VARIABLE}",
            ) from None


def load(data: Path) -> Configuration:
    """The configuration of a data folder; :class:`ConfigurationError` names the file, the key, the remedy."""
    file = data / FILE_NAME
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no configuration here", place=str(file), remedy=f"lienthong init --data {data}"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"the file is not UTF-8 text (byte {error.start + 1})",
            place=str(file),
            remedy="save it as UTF-8, or put it back from a backup",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the file cannot be read: {error.strerror or error}",
            place=str(file),
            remedy="give the hub's user the right to read it; it must be a file, not a folder",
        ) from None
    return parse(text, data, place=str(file))


def parse(text: str, data: Path, *, place: str = FILE_NAME) -> Configuration:
    """The same from the text of the file."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"the file is not TOML: {error}",
            place=place,
            remedy="correct that line, or put the file back from a backup; "
            "docs/reference/configuration.md describes every key",
        ) from None
    hints = get_type_hints(Configuration)
    known = [f.name for f in fields(Configuration) if f.name != "data"]
    _refuse_unknown(tables, known, place, "table")
    if "hub" not in tables:
        raise ConfigurationError(
            "the table [hub] is missing", place=place, remedy='write [hub] with origin = "name of the log"'
        )
    parts = {
        name: _table(hints[name], tables[name], f"{place}: [{name}]") for name in known if name in tables
    }
    configuration = Configuration(data=data, **parts)
    _check_together(configuration, place)
    return configuration


def starter(
    origin: str, name: str, *, exchange_port: int = 8440, web_port: int = 8400, tls: bool = False
) -> str:
    """The text of a first ``lienthong.toml``; what it leaves out keeps its default."""
    return (
        "# Every key: docs/reference/configuration.md\n\n"
        f"[hub]\norigin = {_quoted(origin)}\nname = {_quoted(name)}\n\n"
        f'[exchange]\nhost = "127.0.0.1"\nport = {exchange_port}\ntls = {"true" if tls else "false"}\n\n'
        f'[web]\nhost = "127.0.0.1"\nport = {web_port}\n\n'
        '[store]\nengine = "embedded"\n'
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(ch) < 32 or ord(ch) == 127 for ch in text):
        raise ConfigurationError("a control character cannot stand in a name", place=repr(text[:60]))
    return f'"{escaped}"'


def _table(kind: type[Any], given: Any, place: str) -> Any:
    if not isinstance(given, dict):
        raise ConfigurationError("a table is expected", place=place)
    hints = get_type_hints(kind)
    known = fields(kind)
    _refuse_unknown(given, [f.name for f in known], place, "key")
    values: dict[str, Any] = {}
    for item in known:
        if item.name in given:
            values[item.name] = _value(hints[item.name], given[item.name], item, f"{place} {item.name}")
        elif item.default is MISSING:
            raise ConfigurationError(f"the key {item.name!r} is missing", place=place)
    return kind(**values)


def _value(hint: Any, given: Any, item: Field[Any], place: str) -> Any:
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if given not in choices:
            raise _wrong(given, "one of " + ", ".join(map(repr, choices)), place)
        return given
    if hint == tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
            raise _wrong(given, "a list of strings", place)
        return tuple(given)
    if get_origin(hint) is tuple:
        if not isinstance(given, list):
            raise _wrong(given, "a list of tables", place)
        return tuple(_table(get_args(hint)[0], part, f"{place}[{at}]") for at, part in enumerate(given))
    if hint in (Path, Path | None):
        if not isinstance(given, str) or not given:
            raise _wrong(given, "a path", place)
        return Path(given)
    if hint is bool or hint is str:
        if type(given) is not hint:
            raise _wrong(given, "true or false" if hint is bool else "a string", place)
        return given
    return _number(hint, given, item, place)


def _number(hint: type, given: Any, item: Field[Any], place: str) -> int | float:
    low, high = item.metadata["low"], item.metadata["high"]
    fits = type(given) is int or (hint is float and type(given) is float)
    if not fits or not low <= given <= high:
        kind = "a whole number" if hint is int else "a number"
        raise _wrong(given, f"{kind} from {low} to {high}", place)
    return float(given) if hint is float else int(given)


def _wrong(given: Any, wanted: str, place: str) -> ConfigurationError:
    return ConfigurationError(f"{given!r} cannot stand here", place=place, remedy=f"write {wanted}")


def _refuse_unknown(given: dict[str, Any], known: list[str], place: str, what: str) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ConfigurationError(
                f"there is no {what} {name!r}",
                place=place,
                remedy=f"did you mean {near[0]!r}?" if near else f"the {what}s are {', '.join(known)}",
            )


def _check_together(configuration: Configuration, place: str) -> None:
    listener, store = configuration.exchange, configuration.store
    if listener.client_certificates == "required" and not (listener.tls and listener.client_ca):
        raise ConfigurationError(
            "client certificates are asked for, but not who may have issued them",
            place=f"{place}: [exchange] client_certificates",
            remedy='set tls = true and client_ca = "path of the TLS CA, PEM"',
        )
    if store.engine == "postgresql" and not store.dsn:
        raise ConfigurationError(
            "the PostgreSQL store needs to know its database",
            place=f"{place}: [store] dsn",
            remedy='set dsn = "postgresql://…"',
        )
    if configuration.proxy.client_cert_header and not configuration.proxy.trusted:
        raise ConfigurationError(
            "the Client-Cert header is believed from nobody",
            place=f"{place}: [proxy] trusted",
            remedy="list the addresses of the proxies that check client certificates",
        )
    for key, url in (
        ("[exchange] public_url", listener.public_url),
        ("[timestamps] authority", configuration.timestamps.authority),
    ):
        plain = url in ("", "built-in", "off")
        if not plain and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            raise ConfigurationError(f"{url!r} is not a URL", place=f"{place}: {key}")
