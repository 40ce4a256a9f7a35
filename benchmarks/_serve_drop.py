"""The same server as the hub's, receiving a body and dropping it: the floor of every HTTP figure."""

import sys
from pathlib import Path

import uvloop

from lienthong.exchange.configuration import load
from lienthong.exchange.server.process import build_server, with_real_port


async def drop(scope, protocol) -> None:
    await protocol()
    protocol.response_bytes(201, [("content-type", "application/json")], b"{}")


async def main() -> None:
    configuration = with_real_port(load(Path(sys.argv[1])))
    server = build_server(configuration, drop)
    print(configuration.exchange.port, flush=True)
    await server.serve()


uvloop.run(main())
