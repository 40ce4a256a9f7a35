"""One hub process on a shared database: ``python postgres_worker.py DSN FIRST LAST``.

Commits documents FIRST..LAST-1 in small batches and tells each receipt as a line of JSON.
"""

from __future__ import annotations

import json
import sys

from tests.exchange.store.submissions import ORIGIN, document, sign_checkpoint

from lienthong.exchange.store.postgres import open_postgres
from lienthong.exchange.store.protocol import Accepted


def main() -> None:
    dsn, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    store = open_postgres(dsn, ORIGIN, sign_checkpoint, blob_from=4_000)
    for start in range(first, last, 3):
        batch = [
            document(f"m{n}", payload=b"%d" % n * (2_000 if n % 7 == 0 else 100))
            for n in range(start, min(start + 3, last))
        ]
        for each, outcome in zip(batch, store.commit(batch, start), strict=True):
            assert isinstance(outcome, Accepted)
            told = {"id": each.message_id, "index": outcome.index, "duplicate": outcome.duplicate}
            print(json.dumps({**told, "receipt": store.receipt(outcome.index).decode()}), flush=True)
    store.close()


if __name__ == "__main__":
    main()
