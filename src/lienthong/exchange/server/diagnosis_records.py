"""What a data folder keeps, compared with what it promised: the registry with the published directory, the
log with its index. Looked at from outside; nothing is opened for writing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration
from lienthong.exchange.server.health import HealthItem
from lienthong.exchange.store.embedded.files import Files
from lienthong.exchange.store.embedded.outside import end_of_log, promised
from lienthong.exchange.store.embedded.recovery import LogReader
from lienthong.registry import snapshot
from lienthong.registry.directory import Directory
from lienthong.trust.certificates import TrustStore

REGISTRY = "registry.sqlite3"


def registry(configuration: Configuration) -> Iterator[HealthItem]:
    """Where the agencies are kept. A machine that only serves needs none; one that publishes the directory
    does, and with what it published.
    """
    if os.environ.get("LIENTHONG_REGISTRY_URL"):
        yield HealthItem("registry", "ok", "in PostgreSQL (LIENTHONG_REGISTRY_URL)")
        return
    path = configuration.path(REGISTRY)
    published = _published(configuration)
    names = f"the published directory names {len(published.agencies)} agencies" if published else ""
    back = f"put {REGISTRY} back from a backup, before anything is published"
    if not path.exists():
        if configuration.path("keys/directory.key").exists():
            yield HealthItem(
                "registry",
                "warning",
                f"there is no {REGISTRY}, and the key that signs the directory is here"
                + (f"; {names}" if names else ""),
                f"{back}; if another machine keeps the registry, take keys/directory.* away from this one",
            )
        else:
            yield HealthItem("registry", "ok", "none here: another machine publishes the directory")
        return
    try:
        agencies, version = _counted(path)
    except sqlite3.Error as error:
        yield HealthItem("registry", "failing", f"{path} cannot be read: {error}", back)
        return
    if published is not None and published.agencies and not agencies:
        yield HealthItem("registry", "warning", f"{REGISTRY} holds no agency; {names}", back)
    elif published is not None and version < published.version:
        yield HealthItem(
            "registry",
            "warning",
            f"{REGISTRY} knows of version {version} of the directory, and {published.version} is published",
            "an older registry was put back: put the newest one back, or enter again what is missing",
        )
    else:
        yield HealthItem("registry", "ok", f"{agencies} agencies")


def _published(configuration: Configuration) -> Directory | None:
    """The directory in force, or None: that it is missing or bad is told elsewhere."""
    try:
        trust = TrustStore.from_folder(configuration.path("pki"))
        return snapshot.load(configuration.path(configuration.directory.file), trust, datetime.now(UTC))
    except (LienthongError, OSError):
        return None


def _counted(path: Path) -> tuple[int, int]:
    """Agencies, and the newest version published from here."""
    how = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=5)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if not {"registry_agency", "registry_publication"} <= tables:
            return 0, 0
        (agencies,) = database.execute("SELECT count(*) FROM registry_agency").fetchone()
        (version,) = database.execute("SELECT max(version) FROM registry_publication").fetchone()
        return int(agencies), int(version or 0)


def embedded_store(configuration: Configuration) -> Iterator[HealthItem]:
    """The log's files, and whether they still hold everything that the index has seen."""
    folder = configuration.path("hub")
    if not (folder / "segments").is_dir():
        yield HealthItem("store", "ok", "embedded, nothing accepted yet")
        return
    size = sum(path.stat().st_size for path in (folder / "segments").glob("*"))
    seen = promised(folder, _log(configuration))
    log = _log(configuration)  # after the index: a hub may be writing
    if seen is not None:
        number, offset = end_of_log(log)
        if seen.is_beyond(number, offset):
            yield HealthItem(
                "store",
                "failing",
                f"the log was cut: its index has seen {seen.records} records, up to offset {seen.offset} of "
                f"segment {seen.number}, and the segments end at offset {offset} of segment {number}",
                "restore the segments from a backup (lienthong restore); if an older backup was put back on "
                f"purpose, remove {folder}/index.sqlite3*",
            )
            return
    records = f", {seen.records} record{'s'[: seen.records != 1]}" if seen is not None else ""
    files = f"{len(log.headers)} segment{'s'[: len(log.headers) != 1]}"
    yield HealthItem("store", "ok", f"embedded{records}, {files}, {size // 2**20} MiB")


def _log(configuration: Configuration) -> LogReader:
    return LogReader(Files(), configuration.path("hub/segments"), configuration.hub.origin, tidy=False)
