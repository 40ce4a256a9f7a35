"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lienthong.trust.errors import ContainerError


def write_beside(out: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a new file beside ``out``, sync it, and rename it to ``out``.

    On any error nothing is left behind; an :class:`OSError` becomes a :class:`ContainerError`.
    """
    beside = out.with_name(f".{out.name[:100]}.{secrets.token_hex(4)}.partial")
    try:
        with beside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
        sync_folder(out.parent)
    except OSError as error:
        raise unwritable(out, error) from None
    finally:
        beside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names just given in ``folder`` last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(place: Path, error: OSError) -> ContainerError:
    return ContainerError(
        f"cannot be written: {error.strerror}",
        place=str(place),
        remedy="check the folder, its permissions and the space left on the disk",
        code="container-unwritable",
    )
