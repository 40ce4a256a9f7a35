"""``python -m lienthong.cli.renewal DATA``: run by `lienthong serve` now and then; nothing runs out."""

from __future__ import annotations

import sys
from pathlib import Path

from lienthong.core.errors import LienthongError


def main(arguments: list[str]) -> int:
    """Publish fresh CRLs and the directory when they are due. 0 done or nothing to do, 1 it did not work."""
    from lienthong.cli.django import use_data_folder
    from lienthong.cli.province import renew
    from lienthong.core.clock import utc_now

    data = Path(arguments[0])
    if not (data / "pki/issuing/ca.key").exists():
        return 0
    try:
        use_data_folder(data, migrate=False)
        renew(data, now=utc_now())
    except LienthongError as error:
        sys.stderr.write(f"renewal: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
