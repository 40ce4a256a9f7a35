"""Where containers went that the retention rule moved away: ``archives.json`` of the data folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from lienthong.exchange.errors import ExchangeError

FILE = "archives.json"


class ArchivesUnreadable(ExchangeError):
    code = "archives-unreadable"
    status = 500
    title: ClassVar[str] = "The list of archives cannot be read"


@dataclass(frozen=True, slots=True)
class Archive:
    """One folder of old containers. ``name``: what agencies are told; ``folder``: where it was written;
    ``before_ms``: it holds what was accepted earlier; ``at``: when it was moved (ISO 8601); ``moved``: how
    many containers.
    """

    name: str
    folder: str
    before_ms: int
    at: str
    moved: int


def archives(data: Path) -> list[Archive]:
    """Those of a data folder, the oldest first. :class:`ArchivesUnreadable` when the list is damaged."""
    path = data / FILE
    try:
        return [Archive(**one) for one in json.loads(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise ArchivesUnreadable(
            f"{error}", place=str(path), remedy="put it back from a backup; the archives themselves are whole"
        ) from None


def add_archive(data: Path, archive: Archive) -> None:
    """Remember one more, synced."""
    listed = [asdict(one) for one in (*archives(data), archive)]
    path = data / FILE
    beside = path.with_name(f".{path.name}")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(listed, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def archive_of(data: Path, accepted_ms: int) -> Archive | None:
    """The archive that holds what was accepted then; None when no list says."""
    return next((one for one in archives(data) if accepted_ms < one.before_ms), None)
