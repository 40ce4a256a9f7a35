"""A plan kept as ``plan.json`` and read back, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from lienthong.core.files import write_atomically
from lienthong.infrastructure.plan.errors import BadPlanFile
from lienthong.infrastructure.plan.folder import PLAN
from lienthong.infrastructure.plan.model import SCHEMA, Plan
from lienthong.infrastructure.plan.serialising import decode, encode

LARGEST_BYTES = 1 << 30
REMEDY = "make it with `lienthong infrastructure plan FOLDER`"


def save(plan: Plan, path: Path) -> None:
    """Write the file beside its place and put it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(encode(plan), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_atomically(path, f"{data}\n".encode())


def load(path: Path) -> Plan:
    """The plan of a file, or of a planning folder. Raises :class:`BadPlanFile`."""
    file = path / PLAN if path.is_dir() else path
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise BadPlanFile("the file is larger than 1 GiB", place=str(file), remedy=REMEDY)
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadPlanFile("there is no plan here yet", place=str(path), remedy=REMEDY) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadPlanFile(f"the plan cannot be read: {error}", place=str(file), remedy=REMEDY) from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise BadPlanFile(
            f"the schema is {schema!r}, this version reads {SCHEMA!r}", place=f"{file}, schema", remedy=REMEDY
        )
    plan: Plan = decode(Plan, data, str(file))
    return plan
