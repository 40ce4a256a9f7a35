"""Fair order: one noisy agency does not slow another, and hỏa tốc overtakes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lienthong.exchange.hub.fairness import FairQueue
from lienthong.exchange.store.protocol import Lane

ENTRIES = st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from(list(Lane)), st.integers(0, 50)))


def filled(entries: list[tuple[str, Lane, int]]) -> FairQueue[tuple[int, str, Lane, int]]:
    queue: FairQueue[tuple[int, str, Lane, int]] = FairQueue()
    for number, (agency, lane, size) in enumerate(entries):
        queue.push(agency, lane, (number, agency, lane, size), size)
    return queue


def test_a_quiet_agency_waits_for_one_message_of_a_noisy_one_at_most() -> None:
    queue = filled([("noisy", Lane.NORMAL, 1)] * 1000 + [("quiet", Lane.NORMAL, 1)])

    assert [agency for _, agency, _, _ in queue.take(2, 10**9)] == ["noisy", "quiet"]


def test_urgent_messages_overtake_whatever_waits() -> None:
    queue = filled([("A", Lane.NORMAL, 1)] * 5 + [("B", Lane.NORMAL, 1), ("A", Lane.URGENT, 1)])

    assert next(iter(queue.take(1, 10**9)))[2] is Lane.URGENT


def test_a_batch_stays_within_its_bytes_but_a_single_large_message_still_travels() -> None:
    queue = filled([("A", Lane.NORMAL, 500), ("B", Lane.NORMAL, 60), ("C", Lane.NORMAL, 60)])

    assert [entry[1] for entry in queue.take(10, 100)] == ["A"]
    assert [entry[1] for entry in queue.take(10, 100)] == ["B"]
    assert (queue.records, queue.bytes) == (1, 60)


@given(ENTRIES, st.integers(1, 7), st.integers(1, 200))
def test_everything_comes_out_once_and_in_order_within_an_agency_and_lane(
    entries: list[tuple[str, Lane, int]], records: int, size: int
) -> None:
    queue = filled(entries)
    out = []
    while batch := queue.take(records, size):
        assert len(batch) <= records
        assert len(batch) == 1 or sum(entry[3] for entry in batch) <= size
        out += batch
    assert sorted(entry[0] for entry in out) == list(range(len(entries)))
    assert (queue.records, queue.bytes) == (0, 0)
    for agency in "ABCD":
        for lane in Lane:
            numbers = [entry[0] for entry in out if entry[1:3] == (agency, lane)]
            assert numbers == sorted(numbers)


@given(ENTRIES)
def test_between_two_messages_of_an_agency_each_other_waiting_agency_gets_its_turn(
    entries: list[tuple[str, Lane, int]],
) -> None:
    normal = [(agency, Lane.NORMAL, size) for agency, _, size in entries]
    out = [entry[1] for entry in filled(normal).take(10**6, 10**9)]
    for at, agency in enumerate(out):
        later = out[at + 1 :]
        if agency in later:
            between = later[: later.index(agency)]
            assert set(later) - {agency} <= set(between)
