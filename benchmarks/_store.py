"""What the store benchmarks share: a signer, a stream of documents, the bare append beside them."""

from __future__ import annotations

import os
import random
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from lienthong.exchange.store.protocol import RecordKind, Submission
from lienthong.trust.log.notes import NoteSigner, sign_note

ORIGIN = "log.bench.example"
_SIGNER = NoteSigner.from_seed(ORIGIN, bytes(32))
AGENCIES = tuple(f"000.{n // 100:02d}.{n % 100:02d}.H61" for n in range(125))
_SUMMARY = '{"subject":"V/v triển khai kế hoạch chuyển đổi số năm 2026","priority":0,"files":2}'.encode()


def sign_checkpoint(size: int, root: bytes) -> bytes:
    return bytes(sign_note(f"{ORIGIN}\n{size}\n{b64encode(root).decode()}\n", _SIGNER))


def documents(*, size: int, recipients: int = 1, seed: int = 1) -> Iterator[Submission]:
    """Documents of one payload size between random agencies, over some months of promulgation dates."""
    luck = random.Random(seed)
    payload = luck.randbytes(size)
    digest = sha256(payload).digest()
    number = 0
    while True:
        number += 1
        day = number // 4000
        yield Submission(
            RecordKind.DOCUMENT,
            AGENCIES[luck.randrange(len(AGENCIES))],
            f"{seed}-{luck.getrandbits(96):024x}",
            digest,
            payload,
            tuple(luck.sample(AGENCIES, recipients)),
            document_id=f"000.00.00.H61,2026/{day // 28 % 12 + 1:02d}/{day % 28 + 1:02d},{number}/UBND-VX",
            summary=_SUMMARY,
        )


class BareAppend:
    """The floor: the same bytes written to a reserved file, one pwritev and one fdatasync a batch."""

    _STEP = 8 << 20

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._offset = self._reserved = 0

    def __call__(self, buffers: list[bytes]) -> None:
        length = sum(map(len, buffers))
        if self._offset + length > self._reserved:
            os.posix_fallocate(self._fd, self._reserved, self._STEP + length)
            self._reserved += self._STEP + length
        os.pwritev(self._fd, buffers, self._offset)
        os.fdatasync(self._fd)
        self._offset += length

    def close(self) -> None:
        os.close(self._fd)
