"""``python -m lienthong.cli.renewal DATA``: run by `lienthong serve` now and then; nothing runs out."""

from __future__ import annotations

import sys
from pathlib import Path

from lienthong.core.errors import LienthongError


def left_to_others(data: Path) -> list[tuple[str, str]]:
    """What cannot be published anew from this folder, each with why."""
    from lienthong.cli.django import REGISTRY, has_registry

    left = []
    if not (data / "pki/issuing/ca.key").exists():
        left.append(("revocation lists", "the issuing CA's key is not in pki/issuing"))
        left.append(("directory", "the issuing CA's key is not in pki/issuing"))
    elif not (data / "keys/directory.key").exists():
        left.append(("directory", "keys/directory.key is not here"))
    elif not has_registry(data):
        left.append(("directory", f"there is no {REGISTRY}"))
    return left


def main(arguments: list[str]) -> int:
    """Publish fresh CRLs and the directory when they are due. 0 done or nothing to do, 1 it did not work."""
    from lienthong.cli.django import use_data_folder
    from lienthong.cli.publishing import renew, renew_crls
    from lienthong.core.clock import utc_now

    data = Path(arguments[0])
    missing = dict(left_to_others(data))
    try:
        if "directory" not in missing:
            use_data_folder(data, migrate=False)
            renew(data, now=utc_now())
        elif "revocation lists" not in missing:
            renew_crls(data, now=utc_now())
    except LienthongError as error:
        sys.stderr.write(f"renewal: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
