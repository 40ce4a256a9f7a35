"""Answering questions: positions and states from the index, records from the segments."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from lienthong.exchange.receipts import receipt_bytes
from lienthong.exchange.store.admission import FRESH
from lienthong.exchange.store.embedded.index import Index, IndexDamaged, inbox_key
from lienthong.exchange.store.embedded.layout import BATCH_HEADER, FRAME_HEADER, BatchHead, StoredRecord
from lienthong.exchange.store.embedded.segments import SegmentReader
from lienthong.exchange.store.fresh import FreshReceipts
from lienthong.exchange.store.keys import CANDIDATES, SAME_ID, document_key
from lienthong.exchange.store.leaves import record_from_leaf
from lienthong.exchange.store.protocol import Delivery, InboxItem, Lane, Record, RecordKind
from lienthong.trust.log.merkle import inclusion_proof, leaf_hash

_IDX_MASK: Final = (1 << 40) - 1
_DECODED: Final = 2048
_HEAD_READ: Final = 1024


class Reads:
    """One index and the segments behind it. All methods may be called from any thread."""

    def __init__(self, index: Index, segments: SegmentReader) -> None:
        self._index, self._segments = index, segments
        self._decoded: OrderedDict[int, Record] = OrderedDict()
        self.fresh = FreshReceipts()
        self._lock = threading.Lock()

    # Records.

    def position(self, index: int) -> int | None:
        with self._index.lock:
            row = self._index.connection.execute("SELECT pos FROM records WHERE idx = ?", (index,)).fetchone()
            return row[0] if row else None

    def record(self, index: int) -> Record | None:
        with self._lock:
            record = self._decoded.get(index)
            if record is not None:
                self._decoded.move_to_end(index)
                return record
        position = self.position(index)
        return None if position is None else self._decode(index, position)

    def must_read(self, index: int) -> Record:
        record = self.record(index)
        if record is None:
            raise IndexDamaged(f"it refers to record {index}, which it does not place")
        return record

    def stored(self, index: int) -> tuple[int, StoredRecord] | None:
        """(position, record as it lies in its segment)."""
        position = self.position(index)
        return None if position is None else (position, self._segments.record(position, index))

    def records(self, indexes: Sequence[int]) -> list[Record]:
        """Those records, in that order; they must exist."""
        return [self.must_read(index) for index in indexes]

    def _decode(self, index: int, position: int) -> Record:
        stored = self._segments.record(position, index)
        record = record_from_leaf(index, stored.leaf, stored.summary, stored.payload_length)
        with self._lock:
            self._decoded[index] = record
            if len(self._decoded) > _DECODED:
                self._decoded.popitem(last=False)
        return record

    def leaf_hashes_from_segments(self, start: int, end: int) -> list[bytes]:
        return [leaf_hash(self.must_read(index).leaf) for index in range(start, end)]

    # Receipts.

    def receipt(self, index: int) -> bytes | None:
        fresh = self.fresh.get(index)
        if fresh is not None:
            return fresh
        record = self.record(index)
        if record is None:
            return None
        head = self.batch_of(index)
        with self._index.lock:
            proof = inclusion_proof(self._index.tree.node, index, head.first_index + head.count)
        return receipt_bytes(index, record.leaf, proof, head.note)

    def batch_of(self, index: int) -> BatchHead:
        """The head of the batch that brought record ``index``."""
        with self._index.lock:
            row = self._index.connection.execute(
                "SELECT pos FROM batches WHERE size > ? ORDER BY size LIMIT 1", (index,)
            ).fetchone()
        if row is None:
            raise IndexDamaged(f"it does not know the batch of record {index}")
        at = row[0] + FRAME_HEADER.size
        data = self._segments.read(at, _HEAD_READ)
        note_length: int = BATCH_HEADER.unpack_from(data)[2]
        if BATCH_HEADER.size + note_length > len(data):
            data = self._segments.read(at, BATCH_HEADER.size + note_length)
        return BatchHead.decode(data)

    def first_from(self, at_ms: int) -> int:
        """The first record of the first batch accepted at ``at_ms`` or later; the log's size when none is."""
        low, high = 0, self._index.size
        while low < high:
            head = self.batch_of((low + high) // 2)
            if head.accepted_ms < at_ms:
                low = head.first_index + head.count
            else:
                high = head.first_index
        return low

    def blobs(self, until: int, since: int = 0) -> list[bytes]:
        """Digests of the large payloads of records since..until-1."""
        with self._index.lock:
            rows = self._index.connection.execute(
                "SELECT DISTINCT digest FROM blobs WHERE idx >= ? AND idx < ?", (since, until)
            )
            return [digest for (digest,) in rows]

    # Boxes.

    def inbox(self, agency: str, after: int, limit: int, lane: Lane | None, pending: bool) -> list[InboxItem]:
        number = self._index.number_of(agency)
        if number is None or limit <= 0:
            return []
        after = min(max(after, -1), _IDX_MASK - 1)
        lanes = (Lane.URGENT, Lane.NORMAL) if lane is None else (lane,)
        rows: list[tuple[int, int | None]] = []
        with self._index.lock:
            for each in lanes:
                rows += self._lane(inbox_key(number, each.value, 0), after, limit, pending)
        if not pending:
            rows.sort()
        items = []
        for index, ack_ms in rows[:limit]:
            record = self.must_read(index)
            if agency not in record.recipients:
                raise IndexDamaged(f"it shows {agency} record {index}, which was not sent to it")
            items.append(_inbox_item(record, ack_ms))
        return items

    def _lane(self, low: int, after: int, limit: int, pending: bool) -> list[tuple[int, int | None]]:
        """(index, acknowledged at) of the rows of one lane of one agency."""
        source = "inbox INDEXED BY pending WHERE ack IS NULL AND" if pending else "inbox WHERE"
        found = self._index.connection.execute(
            f"SELECT key, ack_ms FROM {source} key BETWEEN ? AND ? ORDER BY key LIMIT ?",  # noqa: S608
            (low | (after + 1), low | _IDX_MASK, limit),
        )
        return [(key & _IDX_MASK, ack_ms) for key, ack_ms in found]

    def sent(self, agency: str, before: int | None, limit: int) -> list[Record]:
        number = self._index.number_of(agency)
        if number is None or limit <= 0:
            return []
        with self._index.lock:
            found = self._index.connection.execute(
                "SELECT idx FROM records WHERE sender = ? AND idx < ? ORDER BY idx DESC LIMIT ?",
                (number, _IDX_MASK if before is None else min(before, _IDX_MASK), limit),
            ).fetchall()
        return self.records([index for (index,) in found])

    # Documents.

    def find_document(self, document_id: str, sender: str | None, recipient: str | None) -> Record | None:
        for business in (0, 1):
            for index in self._documents(document_key(document_id, business), sender, recipient):
                record = self.must_read(index)
                if record.document_id == document_id:
                    return record
        return None

    def _documents(self, key: int, sender: str | None, recipient: str | None) -> list[int]:
        """Newest first: documents of that key, sender and recipient."""
        source, asked = "records WHERE document = ?", [key]
        if sender is not None:
            source += " AND sender = ?"
            asked.append(self._index.number_of(sender) or 0)
        if recipient is not None:
            number = self._index.number_of(recipient) or 0
            source = (
                f"(SELECT idx FROM {source} ORDER BY idx DESC LIMIT {SAME_ID}) AS r "  # noqa: S608
                "WHERE EXISTS (SELECT 1 FROM inbox WHERE key IN (? | idx, ? | idx))"
            )
            asked += [inbox_key(number, 0, 0), inbox_key(number, 1, 0)]
        with self._index.lock:
            found = self._index.connection.execute(
                f"SELECT idx FROM {source} ORDER BY idx DESC LIMIT {CANDIDATES}",  # noqa: S608
                asked,
            ).fetchall()
        return [index for (index,) in found]

    def deliveries(self, index: int, recipients: Sequence[str] | None = None) -> list[Delivery]:
        record = self.record(index)
        if record is None or record.kind is not RecordKind.DOCUMENT:
            return []
        asked = record.recipients if recipients is None else recipients
        with self._index.lock:
            standings = self._index.standings((index, recipient) for recipient in asked)
        answers = []
        for recipient in asked:
            row = standings.get((index, recipient))
            if row is None and recipients is not None:
                continue
            row = row or FRESH
            answers.append(
                Delivery(
                    index,
                    recipient,
                    row.state.state,
                    row.state_ms,
                    row.state.request,
                    row.acknowledged_ms,
                    row.state.recalled,
                )
            )
        return answers

    def history(self, index: int, after: int, limit: int) -> list[Record]:
        first = self.record(index)
        if first is None or limit <= 0:
            return []
        kept = [first] if index > after else []
        with self._index.lock:
            rows = self._index.connection.execute(_HISTORY, (index, after, limit - len(kept))).fetchall()
        return kept + self.records([each for (each,) in rows])


_HISTORY = """
SELECT * FROM (SELECT idx FROM records WHERE subject = ?1 AND idx > ?2 ORDER BY idx LIMIT ?3)
UNION ALL SELECT * FROM (SELECT idx FROM records WHERE above = ?1 AND idx > ?2 ORDER BY idx LIMIT ?3)
ORDER BY idx LIMIT ?3
"""


def _inbox_item(record: Record, acknowledged_ms: int | None) -> InboxItem:
    return InboxItem(
        record.index,
        record.kind,
        record.sender,
        record.message_id,
        record.document_id,
        record.subject,
        record.status,
        record.business,
        record.lane,
        record.accepted_ms,
        record.size,
        record.digest,
        record.summary,
        acknowledged_ms,
    )
