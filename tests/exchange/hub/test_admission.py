"""The door, the quotas and the notices: fair, bounded, and without polling."""

from __future__ import annotations

import asyncio

import pytest

from lienthong.exchange.hub.admission import Door
from lienthong.exchange.hub.notices import Notices
from lienthong.exchange.hub.quotas import Quotas, QuotaUsedUp, midnight_ms
from lienthong.registry.directory import Quota

NOON = 1_753_160_400.0  # 2025-07-22 12:00:00 in Vietnam


def test_an_agency_is_let_in_up_to_its_number_and_then_in_order() -> None:
    async def scene() -> None:
        door = Door(waiting=5)
        order: list[int] = []

        async def visit(number: int) -> None:
            await door.enter("A", 2)
            order.append(number)

        assert door.try_enter("A", 2)
        assert door.try_enter("A", 2)
        assert not door.try_enter("A", 2)
        assert door.try_enter("B", 2)
        visits = [asyncio.ensure_future(visit(number)) for number in range(3)]
        await asyncio.sleep(0)
        assert order == []
        for number in range(3):
            door.leave("A")
            await visits[number]
        assert order == [0, 1, 2]
        assert (door.of("A"), door.of("B"), door.inside) == (2, 1, 3)

    asyncio.run(scene())


def test_a_full_line_is_told_to_come_back_without_disturbing_others() -> None:
    async def scene() -> None:
        door = Door(waiting=1)
        door.try_enter("A", 1)
        waiting = asyncio.ensure_future(door.enter("A", 1))
        await asyncio.sleep(0)
        with pytest.raises(QuotaUsedUp) as full:
            await door.enter("A", 1)
        assert full.value.retry_after_s >= 1
        assert door.try_enter("B", 1)
        door.leave("A")
        await waiting

    asyncio.run(scene())


def test_who_leaves_the_line_frees_the_place_and_nobody_is_forgotten() -> None:
    async def scene() -> None:
        door = Door(waiting=3)
        door.try_enter("A", 1)
        impatient = asyncio.ensure_future(door.enter("A", 1))
        patient = asyncio.ensure_future(door.enter("A", 1))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        door.leave("A")
        await patient
        door.leave("A")
        assert (door.of("A"), door.inside) == (0, 0)

    asyncio.run(scene())


def test_who_hangs_up_at_the_moment_of_its_turn_passes_the_turn_on() -> None:
    async def scene() -> None:
        door = Door(waiting=3)
        door.try_enter("A", 1)
        first = asyncio.ensure_future(door.enter("A", 1))
        second = asyncio.ensure_future(door.enter("A", 1))
        await asyncio.sleep(0)
        door.leave("A")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
        assert door.of("A") == 1

    asyncio.run(scene())


def test_a_minute_s_messages_can_come_at_once_and_then_at_their_rate() -> None:
    quotas, quota = Quotas(), Quota(messages_per_minute=60, bytes_per_day=10**9)
    quotas.open("A", quota, NOON, 0)
    for _ in range(60):
        quotas.take("A", quota, 1, NOON)
    with pytest.raises(QuotaUsedUp) as used_up:
        quotas.take("A", quota, 1, NOON + 0.5)
    assert used_up.value.retry_after_s == 1
    quotas.take("A", quota, 1, NOON + 1)
    with pytest.raises(QuotaUsedUp):
        quotas.take("A", quota, 1, NOON + 1)


def test_bytes_are_counted_a_day_from_what_the_store_knows() -> None:
    quotas, quota = Quotas(), Quota(bytes_per_day=1000)
    assert not quotas.known("A", NOON)
    quotas.open("A", quota, NOON, 900)
    quotas.take("A", quota, 100, NOON)
    with pytest.raises(QuotaUsedUp) as used_up:
        quotas.take("A", quota, 1, NOON)
    assert used_up.value.retry_after_s == 12 * 3600
    quotas.give_back("A", 100)
    quotas.take("A", quota, 100, NOON)
    assert quotas.known("A", NOON + 12 * 3600 - 1)
    assert not quotas.known("A", NOON + 12 * 3600)


def test_the_day_begins_at_midnight_in_vietnam() -> None:
    assert midnight_ms(NOON) == int((NOON - 12 * 3600) * 1000)
    assert midnight_ms(NOON + 12 * 3600 - 1) == midnight_ms(NOON)


def test_who_waits_wakes_the_moment_something_is_there_for_it() -> None:
    async def scene() -> None:
        notices = Notices()
        mine, other = notices.register("A"), notices.register("B")
        notices.announce(("A", "C"))
        assert await mine is True
        assert not other.done()
        assert notices.waiting == 1
        notices.close()
        assert await other is False
        assert await notices.register("A") is False

    asyncio.run(scene())


def test_who_no_longer_waits_leaves_nothing_behind() -> None:
    async def scene() -> None:
        notices = Notices()
        waiter = notices.register("A")
        notices.forget("A", waiter)
        assert notices.waiting == 0
        notices.announce(("A",))
        assert not waiter.done()

    asyncio.run(scene())
