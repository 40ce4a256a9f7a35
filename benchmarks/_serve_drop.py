"""The same server as the hub's, receiving a body and dropping it: the floor of every HTTP figure.

What a document costs any hub is measured in the same server too, under the same load: ``/digest`` takes the
SHA-256 of the body :data:`DIGESTS` times (one of 4 KB would be lost in the noise of receiving it),
``/verify`` verifies a P-256 signature, then they drop it.
"""

import os
import sys
from hashlib import sha256
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lienthong.exchange.configuration import load
from lienthong.exchange.server.process import build_server, with_real_port

DIGESTS = 4
_KEY = ec.generate_private_key(ec.SECP256R1())
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_SIGNED = os.urandom(200)
_SIGNATURE, _PUBLIC = _KEY.sign(_SIGNED, _ALGORITHM), _KEY.public_key()


async def drop(scope, protocol) -> None:
    body = await protocol()
    if scope.path == "/digest":
        for _ in range(DIGESTS):
            sha256(body).digest()
    elif scope.path == "/verify":
        _PUBLIC.verify(_SIGNATURE, _SIGNED, _ALGORITHM)
    protocol.response_bytes(201, [("content-type", "application/json")], b"{}")


async def main() -> None:
    configuration = with_real_port(load(Path(sys.argv[1])))
    server = build_server(configuration, drop)
    print(configuration.exchange.port, flush=True)
    await server.serve()


if __name__ == "__main__":
    uvloop.run(main())
