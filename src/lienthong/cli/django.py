"""Django for commands: pointed at a data folder, its database brought up to date."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from lienthong.core.errors import LienthongError

REGISTRY = "registry.sqlite3"


def use_data_folder(data: Path, *, migrate: bool = True, create: bool = False) -> None:
    """Point Django at the registry of a data folder, once per process, and bring its tables up to date.

    ``create``: begin an empty registry when there is none. Raises :class:`LienthongError` when there is no
    such folder, no registry in it, or the database does not answer.
    """
    if not data.is_dir():
        raise LienthongError(
            "there is no data folder here",
            place=str(data),
            remedy=f"create a province with `lienthong init --data {data}`, or name another with --data",
            code="no-data-folder",
        )
    if not create and not has_registry(data):
        raise LienthongError(
            "there is no registry here",
            place=str(data / REGISTRY),
            remedy="name the data folder of the machine that keeps it with --data; if it was lost, put "
            f"{REGISTRY} back from a backup",
            code="no-registry",
        )
    _keep_private(data / REGISTRY, create=create)
    chosen = os.environ.setdefault("LIENTHONG_DATA", str(data.resolve()))
    if Path(chosen).resolve() != data.resolve():
        _point_to(data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lienthong.web.settings")

    import django

    django.setup()
    if migrate:
        bring_up_to_date()


def _keep_private(file: Path, *, create: bool) -> None:
    """The registry for its owner alone: it holds what people did, and how they sign in."""
    if create and not has_registry(file.parent):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.suppress(FileNotFoundError, PermissionError):
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)


def has_registry(data: Path) -> bool:
    """Whether the agencies are kept here: in the data folder's file, or in the database that
    ``LIENTHONG_REGISTRY_URL`` names.
    """
    return bool(os.environ.get("LIENTHONG_REGISTRY_URL")) or (data / REGISTRY).exists()


def _point_to(data: Path) -> None:
    from django.apps import apps

    if apps.ready:
        raise LienthongError(
            f"this process already works in {os.environ['LIENTHONG_DATA']}",
            place=str(data),
            remedy="use one data folder in a process",
        )
    os.environ["LIENTHONG_DATA"] = str(data.resolve())


def bring_up_to_date() -> None:
    """Create or migrate the registry's tables."""
    from django.core.management import call_command
    from django.db import Error

    from lienthong.registry.errors import RegistryUnreachable

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Error as problem:
        raise RegistryUnreachable(
            f"the registry's database does not answer: {problem}",
            place=_database(),
            remedy="check that it runs and that this user may open it",
        ) from None


def _database() -> str:
    from django.conf import settings

    database = settings.DATABASES["default"]
    return str(database["NAME"]) if "HOST" not in database else f"{database['HOST']} {database['NAME']}"
