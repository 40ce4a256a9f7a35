"""The story: what is sent, to whom, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from lienthong.cli.demo import papers
from lienthong.cli.demo.clerks import Answer, Clerk, Rule, Tally, carried_out, consented, entered
from lienthong.cli.demo.counting import Inboxes
from lienthong.cli.demo.papers import Paper
from lienthong.core.clock import VIETNAM, Clock, utc_now
from lienthong.exchange.client.asynchronous import AsyncClient
from lienthong.exchange.client.build import answer_to, compose
from lienthong.exchange.client.directory_copy import DirectoryCopy
from lienthong.exchange.client.http import AsyncWire
from lienthong.exchange.client.outbox import OutboxRow
from lienthong.exchange.client.profile import load_profile
from lienthong.exchange.client.session import Session
from lienthong.exchange.container import File
from lienthong.exchange.edxml.model import Document, ResponseFor, Signer
from lienthong.exchange.errors import ExchangeError
from lienthong.trust.certificates import TrustStore
from lienthong.trust.pades import sign_pdf

PROVINCE, INTERIOR, FINANCE, AGRICULTURE, HEALTH = "H61", "H61.02", "H61.05", "H61.07", "H61.16"
COMMUNE, ITS_DISTRICT = "H61.62.05", "H61.62"
REFUSING_DISTRICT = "H61.66"
PROFILES = (PROVINCE, "group:departments", "group:districts", "group:communes")
"""Whose keys the demonstration needs."""

DIRECTIVE, TELEGRAM, INVITATION, PUMPS = (
    "demo-chi-thi-15",
    "demo-cong-dien-03",
    "demo-giay-moi-27",
    "demo-snn-118",
)
PERSONNEL, REPORT = "demo-snv-64", "demo-bao-cao-42"
MOVED, TAKEN_BACK = "demo-giay-moi-27-cap-nhat", "demo-snn-118-thu-hoi"

AT_ONCE = 8
"""Agencies at work at the same time."""


class DemoStuck(ExchangeError):
    code = "demo-stuck"
    status = 500


def refuse_misdirected(code: str, document: Document) -> list[Answer]:
    """The report went to the health department too, by mistake."""
    if code == HEALTH:
        reason = "Nội dung không thuộc chức năng, nhiệm vụ của Sở Y tế; đề nghị gửi Sở Nông nghiệp và PTNT."
        return [Answer("01"), Answer("02", reason)]
    return [*entered(code, document), Answer("04")] if code == PROVINCE else entered(code, document)


def answer_recall(code: str, document: Document) -> list[Answer]:
    """All districts give the letter back, but for one."""
    if code == REFUSING_DISTRICT:
        reason = "Đã tổng hợp số liệu trình Chủ tịch UBND thị xã; đề nghị giữ lại văn bản để đối chiếu."
        return [Answer("16", reason)]
    return consented(code, document)


RULES: Mapping[str, Rule] = {
    DIRECTIVE: carried_out,
    TELEGRAM: entered,
    INVITATION: entered,
    MOVED: consented,
    PUMPS: entered,
    TAKEN_BACK: answer_recall,
    PERSONNEL: entered,
    REPORT: refuse_misdirected,
}


@dataclass(frozen=True)
class Outcome:
    """What was sent in this run and before it (message id → outbox row), what was counted, and what the
    inboxes hold at the end.
    """

    rows: Mapping[str, OutboxRow]
    tally: Tally
    inboxes: Inboxes


class Story:
    """One run through it. ``advance(what, done, of)`` is told how far it is."""

    def __init__(
        self, data: Path, *, clock: Clock = utc_now, advance: Callable[[str, int, int], None]
    ) -> None:
        self._agencies = data / "agencies"
        self._clock = clock
        self._advance = advance
        first = load_profile(self._agencies / PROVINCE)
        self._trust = TrustStore.from_folder(first.pki)
        # Several small pools: httpx looks through a pool's connections at each request.
        self._wires = [AsyncWire(first, connections=4) for _ in range(AT_ONCE)]
        # One copy of the directory for everybody: this is one machine.
        self._directory = DirectoryCopy(
            data / "agencies" / "directory.p7m", self._trust, Session(first, clock), clock
        )
        self._clients: dict[str, AsyncClient] = {}
        self._tally = Tally()
        self._rows: dict[str, OutboxRow] = {}

    async def run(self) -> Outcome:
        """Everything, in the order of the story. Safe to break off anywhere and to run again."""
        try:
            await self._send_first()
            everybody = [
                path.name for path in sorted(self._agencies.iterdir()) if (path / "agency.toml").exists()
            ]
            senders = [PROVINCE, AGRICULTURE, INTERIOR, COMMUNE]
            await self._work("Receiving, verifying, answering", [c for c in everybody if c not in senders])
            await self._work("Senders' inboxes", senders)
            await self._send_second()
            departments = await self._members("group:departments")
            districts = await self._members("group:districts")
            await self._work("Second round", [*departments, *districts, PROVINCE, COMMUNE])
            await self._work("Second round", senders)
            return Outcome(self._rows, self._tally, await self._look(everybody))
        finally:
            for client in self._clients.values():
                await client.aclose()
            for wire in self._wires:
                await wire.aclose()

    async def _send_first(self) -> None:
        districts = await self._members("group:districts")
        names = (await self.client(PROVINCE).directory()).agencies
        form = papers.pump_form([names[code].name for code in districts])
        everybody = ("group:departments", "group:districts", "group:communes")
        await self._send(PROVINCE, DIRECTIVE, papers.paper("directive"), everybody)
        await self._send(PROVINCE, INVITATION, papers.paper("invitation"), ("group:departments",))
        await self._send(
            AGRICULTURE,
            PUMPS,
            papers.paper("pumps"),
            ("group:districts",),
            [File("dang-ky-may-bom.csv", "text/csv", form)],
        )
        await self._send(INTERIOR, PERSONNEL, papers.paper("personnel"), (PROVINCE, FINANCE), seal=True)
        await self._send(
            PROVINCE, TELEGRAM, papers.paper("telegram"), ("group:districts", "group:communes"), priority=3
        )

    async def _send_second(self) -> None:
        commune = self.client(COMMUNE)
        directive = self._rows[DIRECTIVE].log_index
        assert directive is not None
        about = (await commune.kept(directive)).message
        assert isinstance(about, Document)
        await self._send(
            COMMUNE,
            REPORT,
            papers.report(commune.profile.name),
            (ITS_DISTRICT, PROVINCE, HEALTH),
            answers=(answer_to(about),),
        )
        province = self.client(PROVINCE)
        changed = papers.changed("invitation")
        moved = await self._once(
            province,
            MOVED,
            lambda: province.update(
                _index(self._rows[INVITATION]),
                [self._pdf(PROVINCE, changed)],
                reason="Thay đổi thời gian và hình thức họp.",
                message_id=MOVED,
            ),
        )
        agriculture = self.client(AGRICULTURE)
        recalled = await self._once(
            agriculture,
            TAKEN_BACK,
            lambda: agriculture.recall(
                _index(self._rows[PUMPS]), reason="Gửi nhầm biểu mẫu đính kèm.", message_id=TAKEN_BACK
            ),
        )
        self._note(MOVED, moved)
        self._note(TAKEN_BACK, recalled)

    async def _send(
        self,
        sender: str,
        message_id: str,
        paper: Paper,
        to: Sequence[str],
        more: Iterable[File] = (),
        *,
        priority: int = 0,
        seal: bool = False,
        answers: Sequence[ResponseFor] = (),
    ) -> None:
        client = self.client(sender)
        document = compose(
            client.profile,
            to=to,
            subject=paper.abstract,
            number=paper.number,
            notation=paper.notation,
            promulgated=self._today(),
            type_name=paper.type_name,
            place=paper.place,
            priority=priority,
            answers=answers,
        )
        signed = Signer(paper.competence.partition(" ")[0], paper.position, paper.signer)
        row = await self._once(
            client,
            message_id,
            lambda: client.send(
                _with_signer(document, signed, paper.places),
                [self._pdf(sender, paper), *more],
                seal=seal,
                message_id=message_id,
            ),
        )
        self._note(message_id, row)

    async def _once(
        self, client: AsyncClient, message_id: str, send: Callable[[], Awaitable[OutboxRow]]
    ) -> OutboxRow:
        """What was sent in an earlier run is not rendered and signed again, only delivered if need be."""
        kept = client.desk.outbox.get(message_id)
        if kept is None:
            return await send()
        if kept.state == "queued":
            await client.deliver()
            kept = client.desk.outbox.get(message_id)
            assert kept is not None
        return kept

    def _note(self, message_id: str, row: OutboxRow) -> None:
        if row.state != "sent":
            raise DemoStuck(
                f"{message_id} is {row.state}: {row.problem}",
                place="outbox",
                remedy="see logs/ in the data folder; then run the demonstration again",
            )
        self._rows[message_id] = row
        self._advance("Sending documents", len(self._rows), len(RULES))

    def _pdf(self, sender: str, paper: Paper) -> File:
        profile = self.client(sender).profile
        content = sign_pdf(
            paper.pdf(self._today()),
            profile.seal,
            name=profile.name,
            reason="Ban hành văn bản",
            location=paper.place,
            signing_time=self._clock(),
        )
        return File(f"{paper.number}-{paper.notation}.pdf", "application/pdf", content)

    async def _work(self, what: str, codes: Sequence[str]) -> None:
        """Let these agencies work through their inboxes, some at a time."""
        gate = asyncio.Semaphore(AT_ONCE)
        finished = 0

        async def one(code: str) -> None:
            nonlocal finished
            async with gate:
                await Clerk(self.client(code), RULES, self._tally).work()
            finished += 1
            self._advance(what, finished, len(codes))

        self._advance(what, 0, len(codes))
        try:
            async with asyncio.TaskGroup() as group:
                for code in codes:
                    group.create_task(one(code))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _look(self, codes: Sequence[str]) -> Inboxes:
        """What stands in these agencies' inboxes, some looked through at a time."""
        gate, found = asyncio.Semaphore(AT_ONCE), Inboxes()

        async def one(code: str) -> None:
            async with gate:
                await found.look(self.client(code))

        await asyncio.gather(*map(one, codes))
        return found

    async def _members(self, group: str) -> tuple[str, ...]:
        return (await self.client(PROVINCE).directory()).group(group, self._today())

    def client(self, code: str) -> AsyncClient:
        if code not in self._clients:
            self._clients[code] = AsyncClient(
                self._agencies / code,
                clock=self._clock,
                wire=self._wires[len(self._clients) % AT_ONCE],
                trust=self._trust,
                directory=self._directory,
            )
        return self._clients[code]

    def _today(self) -> date:
        return self._clock().astimezone(VIETNAM).date()


def _index(row: OutboxRow) -> int:
    assert row.log_index is not None
    return row.log_index


def _with_signer(document: Document, signer: Signer, places: Sequence[str]) -> Document:
    return replace(document, signer=signer, to_places=tuple(place.rstrip(";.") for place in places))
