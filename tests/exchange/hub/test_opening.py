"""Containers that are opened together: each gets its own answer, in time, whatever came along with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from time import time

import pytest
from tests.exchange.province import COMMUNE, DEPARTMENT, RunningHub
from tests.trust.container_material import repack, unpack

from lienthong.exchange.container import Opened
from lienthong.exchange.errors import MalformedMessage
from lienthong.exchange.hub import opening
from lienthong.exchange.hub.opening import GROUP, Arrival, Opening
from lienthong.trust import asic
from lienthong.trust.asic.layout import SIGNATURE
from lienthong.trust.errors import ContainerError

Answer = Opened | BaseException | None


def sealed(hub: RunningHub, subject: str = "Báo cáo") -> bytes:
    return hub.province.container(hub.province.document(DEPARTMENT, [COMMUNE], subject=subject))


def opened_by(hub: RunningHub, together: Opening[None], payload: bytes) -> asyncio.Future[Opened | None]:
    digest = sha256(payload).digest()
    return together.open(payload, time(), DEPARTMENT, hub.app.hub.directory(), digest).future


def opened_together(hub: RunningHub, payloads: list[bytes]) -> list[Answer]:
    async def all_of_them() -> list[Answer]:
        together: Opening[None] = Opening(asyncio.get_running_loop(), hub.app.hub.acceptor)
        return await asyncio.gather(
            *(opened_by(hub, together, payload) for payload in payloads), return_exceptions=True
        )

    return asyncio.run(all_of_them())


def test_each_message_of_a_group_is_judged_for_itself(hub: RunningHub) -> None:
    good, other = sealed(hub, "Một"), sealed(hub, "Hai")
    contents = unpack(good)
    forged = repack({**contents, SIGNATURE: unpack(other)[SIGNATURE]})
    changed = repack({**contents, "edoc.xml": contents["edoc.xml"].replace("Một".encode(), b"Hai")})
    unread = asic.write(
        [asic.Entry("edoc.xml", "text/xml", b"<edXML/>")],
        hub.province.seals[DEPARTMENT],
        signing_time=datetime.now(UTC),
    )
    assert unread is not None
    wrong = [good[:-1], changed, forged, unread]

    first, *refusals, last = opened_together(hub, [good, *wrong, other])

    assert isinstance(first, Opened)
    assert isinstance(last, Opened)
    assert (first.envelope.subject, last.envelope.subject) == ("Một", "Hai")
    assert [getattr(error, "code", None) for error in refusals[:3]] == [
        "container-malformed",
        "container-digest",
        "container-signature",
    ]
    assert isinstance(refusals[3], MalformedMessage)
    alone = [opened_together(hub, [payload])[0] for payload in wrong]
    assert [str(error) for error in alone] == [str(error) for error in refusals]
    assert all(isinstance(error, ContainerError) for error in alone[:3])


def test_a_sender_that_hangs_up_does_not_concern_the_others(hub: RunningHub) -> None:
    async def one_of_three_leaves() -> list[Answer]:
        together: Opening[None] = Opening(asyncio.get_running_loop(), hub.app.hub.acceptor)
        answers = [opened_by(hub, together, sealed(hub)) for _ in range(3)]
        answers[1].cancel()
        return await asyncio.gather(*answers, return_exceptions=True)

    first, gone, last = asyncio.run(one_of_three_leaves())
    assert isinstance(first, Opened)
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(last, Opened)


def test_the_loop_goes_on_while_a_large_group_is_opened(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = sealed(hub)
    monkeypatch.setattr(opening, "HELD_S", 0.0)

    async def turns_of_the_loop() -> tuple[int, list[Answer]]:
        together: Opening[None] = Opening(asyncio.get_running_loop(), hub.app.hub.acceptor)
        answers = [opened_by(hub, together, container) for _ in range(GROUP + 1)]
        turns = 0
        while not answers[0].done():
            turns += 1
            await asyncio.sleep(0)
        return turns, await asyncio.gather(*answers)

    turns, answers = asyncio.run(turns_of_the_loop())
    assert turns > 3 * GROUP
    assert all(isinstance(answer, Opened) for answer in answers)


def test_a_group_gathers_while_others_are_on_their_way_and_begins_when_all_have_come(hub: RunningHub) -> None:
    container = sealed(hub)

    async def three_in_the_house() -> tuple[list[bool], list[Answer]]:
        loop = asyncio.get_running_loop()
        together: Opening[None] = Opening(loop, hub.app.hub.acceptor, in_house=lambda: 3)
        answers, done = [], []
        for _ in range(3):
            answers.append(opened_by(hub, together, container))
            await asyncio.sleep(0)
            done.append(answers[0].done())
        return done, await asyncio.gather(*answers)

    done, answers = asyncio.run(three_in_the_house())
    assert done[:1] == [False]
    assert all(isinstance(answer, Opened) for answer in answers)


def test_who_takes_an_opened_container_over_answers_for_it(hub: RunningHub) -> None:
    payloads = [sealed(hub, subject) for subject in ("Nhận", "Để lại", "Nhận")]

    async def some_are_taken() -> list[Opened | str | None]:
        def take_over(arrival: Arrival[str]) -> bool:
            if arrival.opened.envelope.subject == "Để lại":
                return False
            arrival.future.set_result(f"{arrival.sender} {arrival.digest.hex()}")
            return True

        together = Opening(asyncio.get_running_loop(), hub.app.hub.acceptor, take_over=take_over)
        directory = hub.app.hub.directory()
        arrivals = [
            together.open(payload, time(), DEPARTMENT, directory, sha256(payload).digest())
            for payload in payloads
        ]
        arrivals[2].future.cancel()
        await asyncio.wait([arrival.future for arrival in arrivals])
        assert arrivals[2].future.cancelled()
        return [arrival.future.result() for arrival in arrivals[:2]]

    taken, left = asyncio.run(some_are_taken())
    assert taken == f"{DEPARTMENT} {sha256(payloads[0]).hexdigest()}"
    assert isinstance(left, Opened)


class Panic(BaseException):
    """As a library in another language raises it."""


@pytest.mark.parametrize("fault", [ValueError("a fault of ours"), Panic()])
def test_nobody_is_left_waiting_by_a_fault(hub: RunningHub, fault: BaseException) -> None:
    payload = sealed(hub)

    async def one_group_after_another() -> tuple[list[Answer | str], Answer | str]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        faults = [fault]

        def take_over(_: Arrival[str]) -> bool:
            if faults:
                raise faults.pop()
            return False

        together: Opening[str] = Opening(loop, hub.app.hub.acceptor, take_over=take_over)
        directory = hub.app.hub.directory()
        digest = sha256(payload).digest()

        def arrive() -> asyncio.Future[Opened | str | None]:
            return together.open(payload, time(), DEPARTMENT, directory, digest).future

        hit = await asyncio.gather(*(arrive() for _ in range(GROUP + 2)), return_exceptions=True)
        return hit, await asyncio.wait_for(arrive(), 10)

    hit, next_one = asyncio.run(one_group_after_another())
    assert all(isinstance(one, RuntimeError) for one in hit[:GROUP])
    assert isinstance(hit[0], RuntimeError)
    assert hit[0].__cause__ is fault
    assert isinstance(next_one, Opened)
