"""One life of a store, for the crash tests: commits, tells what it promised, may be killed anywhere.

``python crash_worker.py FOLDER LIFE SCRIPT``; a line of JSON on standard output for each promise.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from tests.exchange.store.submissions import (
    ORIGIN,
    acknowledgement,
    document,
    sign_checkpoint,
    spooled,
    status,
)

from lienthong.exchange.store.embedded import EmbeddedOptions, EmbeddedStore, open_embedded
from lienthong.exchange.store.protocol import Accepted, Submission

OPTIONS = EmbeddedOptions(segment_bytes=32_768, step_bytes=8_192, blob_from=6_000, reserve=0, flush_rows=24)
ROUNDS = 12


def promise(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def batch_of(folder: Path, n: int, size: int) -> list[Submission]:
    """The n-th batch, the same in every life: what a client retries until it has a receipt."""
    content = random.Random(n).randbytes(900 + 500 * (n % 5))
    batch = [
        document(f"d{n}a", payload=content),
        document(f"d{n}b", ("B", "C"), payload=content * 8 if n % 3 == 0 else None),
    ]
    if n % 4 == 1:
        path = folder / "spool" / f"upload-{n}"
        path.write_bytes(random.Random(-n).randbytes(9_000))
        batch.append(spooled(f"p{n}", path))
    return batch


def live(store: EmbeddedStore, folder: Path, life: int) -> None:
    for n in range(ROUNDS):
        # Now and then the batch of an earlier life again, as a client that heard no answer would send it.
        number = n if n % 5 == 0 else life * ROUNDS + n
        batch = batch_of(folder, number, store.tree_size())
        commit(store, batch, life * 1_000_000 + n)
        found = store.find("A", f"d{number}a")
        assert found is not None
        commit(
            store,
            [
                status(f"s{number}", found.index, "03"),
                acknowledgement(found.index, message_id=f"k{number}"),
            ],
            life * 1_000_000 + n,
        )
        if n == 4:
            line = f"— witness life{life}\n".encode()
            store.add_cosignature(found.index, line)
            promise(cosignature=line.decode(), size=found.index)
    store.archive(life * 1_000_000 + 3, folder.parent / "archive")


def commit(store: EmbeddedStore, batch: list[Submission], now_ms: int) -> None:
    for each, outcome in zip(batch, store.commit(batch, now_ms), strict=True):
        if isinstance(outcome, Accepted):
            receipt = store.receipt(outcome.index).decode()
            promise(id=f"{each.sender} {each.message_id}", index=outcome.index, receipt=receipt)


def main() -> None:
    folder, life, script = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if script == "rebuild":
        for suffix in ("", "-wal", "-shm"):
            (folder / f"index.sqlite3{suffix}").unlink(missing_ok=True)
    store = open_embedded(folder, ORIGIN, sign_checkpoint, options=OPTIONS)
    promise(opened=store.tree_size())
    if script == "wait":
        sys.stdin.read(1)
    live(store, folder, life)
    store.close()
    promise(closed=True)


if __name__ == "__main__":
    main()
