"""``python -m lienthong.exchange.server DATA``: the exchange process by itself, as the supervisor starts it.

When it takes connections it writes one JSON line with its address to the file descriptor in
``LIENTHONG_READY_FD``, if that is set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration, ConfigurationError, load
from lienthong.exchange.logs import configure_logs
from lienthong.exchange.server.listening import url_of
from lienthong.exchange.server.process import serve
from lienthong.trust.errors import WrongPassphrase

BAD_CONFIGURATION, CANNOT_START = 2, 5
OWNER_ALONE = 0o077
"""The umask: whatever this process makes, other users of the machine cannot read."""


def tell_ready(configuration: Configuration) -> None:
    """Tell whoever started this process where it listens."""
    descriptor = os.environ.get("LIENTHONG_READY_FD")
    if descriptor is not None:
        with os.fdopen(int(descriptor), "w") as pipe:
            pipe.write(json.dumps({"url": url_of(configuration), "pid": os.getpid()}) + "\n")


def main(arguments: list[str]) -> int:
    """The exit code: 0 after an ordered stop, 2 for a wrong configuration or passphrase, 5 when it cannot
    start.
    """
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m lienthong.exchange.server DATA\n")
        return BAD_CONFIGURATION
    os.umask(OWNER_ALONE)
    try:
        configuration = load(Path(arguments[0]))
        configure_logs(configuration.logging)
        serve(configuration, tell_ready)
    except LienthongError as error:
        sys.stderr.write(f"{error}\n")
        badly_configured = isinstance(error, ConfigurationError | WrongPassphrase)
        return BAD_CONFIGURATION if badly_configured else CANNOT_START
    except OSError as error:
        remedy = "check the disk (df, mount, dmesg) and this user's rights in the data folder"
        sys.stderr.write(f"{error.filename or arguments[0]}: {error.strerror or error} Remedy: {remedy}\n")
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
