"""The exchange process alone, on a free port that it prints."""

import sys
from pathlib import Path

from lienthong.exchange.configuration import Configuration, load
from lienthong.exchange.server.process import serve


def ready(configuration: Configuration) -> None:
    print(configuration.exchange.port, flush=True)


serve(load(Path(sys.argv[1])), ready)
