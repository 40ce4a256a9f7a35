"""How the demonstration ends: examples on the disk, a table, and what to try next."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from lienthong.cli.demo import play
from lienthong.cli.demo.play import Outcome
from lienthong.cli.inbox import business, meaning
from lienthong.cli.language import Speech
from lienthong.cli.output import console, say, size_text, table
from lienthong.exchange.client.http import tls_context
from lienthong.exchange.client.profile import AgencyProfile, load_profile
from lienthong.exchange.client.sync import Client
from lienthong.exchange.client.witnessing import HubLog
from lienthong.trust.keys import write_file

NAME = "chi-thi-15"


@dataclass(frozen=True)
class Figures:
    """What is shown and, with ``--json``, printed. ``fetched``: deliveries that their recipient fetched and
    acknowledged. ``answered``: deliveries that are requests (update, recall) and were answered.
    """

    statistics: dict[str, Any]
    fetched: int
    answered: int
    checkpoint: str
    documents: list[dict[str, Any]]
    overtaken: int
    setup_s: float
    play_s: float


def leave_examples(data: Path, outcome: Outcome) -> Path:
    """A received container, its receipt, the log's checkpoint and key, the proof that the receipt's record is
    in the tree of that checkpoint, and the CA chain: all that anybody needs to check them without us.
    """
    folder = data / "examples"
    index = outcome.rows[play.DIRECTIVE].log_index
    assert index is not None
    with Client(data / "agencies" / play.COMMUNE) as clerk:
        received = clerk.fetch(index)
        log = clerk.check_log()
        proof = HubLog(clerk).inclusion_proof(index, log.signed.checkpoint.size)
        write_file(folder / f"{NAME}.asice", received.path.read_bytes())
        write_file(folder / f"{NAME}.receipt.json", received.receipt_path.read_bytes())
    write_file(folder / f"{NAME}.tlog-proof", bytes(replace(proof, checkpoint=log.note)))
    write_file(folder / "checkpoint.txt", log.note)
    write_file(folder / "checkpoint.vkey", (data / "keys" / "checkpoint.vkey").read_bytes())
    pki = data / "pki"
    chain = (pki / "ca.pem").read_bytes()
    for anchor in sorted((pki / "anchors").glob("*.pem")):
        if anchor.read_bytes().strip() not in chain:
            chain += anchor.read_bytes()
    write_file(folder / "ca.pem", chain)
    return folder


def figures(data: Path, outcome: Outcome, *, setup_s: float, play_s: float) -> Figures:
    """What came of it, as the hub's own log and inboxes tell."""
    profile = load_profile(data / "agencies" / play.PROVINCE)
    documents = []
    senders = {
        play.PROVINCE: (play.DIRECTIVE, play.TELEGRAM, play.INVITATION, play.MOVED),
        play.AGRICULTURE: (play.PUMPS, play.TAKEN_BACK),
        play.INTERIOR: (play.PERSONNEL,),
        play.COMMUNE: (play.REPORT,),
    }
    for code, names in senders.items():
        with Client(data / "agencies" / code) as client:
            for name in names:
                row = outcome.rows[name]
                assert row.log_index is not None
                documents.append(_document(client, name, row.log_index, row.summary))
    return Figures(
        statistics=_statistics(profile),
        fetched=outcome.inboxes.fetched,
        answered=outcome.inboxes.answered,
        checkpoint=(data / "examples" / "checkpoint.txt").read_text(),
        documents=sorted(documents, key=lambda one: one["index"]),
        overtaken=_overtaken(data / "logs" / "demo.json", outcome.tally.overtaken),
        setup_s=setup_s,
        play_s=play_s,
    )


def _overtaken(file: Path, now: int) -> int:
    """Counted when the inboxes were worked through: in a later run there is nothing left to overtake."""
    before = json.loads(file.read_text())["overtaken"] if file.exists() else 0
    if now:
        write_file(file, json.dumps({"overtaken": before + now}).encode())
    return int(before + now)


def _document(client: Client, name: str, index: int, summary: dict[str, Any]) -> dict[str, Any]:
    view = client.trace(index)
    states = Counter("thu hồi" if line.recalled else line.state for line in view.deliveries if line.state)
    answers = Counter(one.status for one in view.history if one.status in ("15", "16"))
    return {
        "index": index,
        "id": name,
        "code": summary["code"],
        "subject": summary["subject"],
        "from": client.profile.code,
        "recipients": len(view.record.recipients),
        "business": view.record.business,
        "lane": view.record.lane,
        "states": dict(sorted(states.items())),
        "answers": dict(sorted(answers.items())),
    }


def _statistics(profile: AgencyProfile) -> dict[str, Any]:
    verify = tls_context(profile) if profile.hub.startswith("https:") else False
    with httpx.Client(base_url=profile.hub, verify=verify, trust_env=False, timeout=30) as http:
        answer = http.get("/v1/statistics")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def show(data: Path, found: Figures, tr: Speech, *, hub: str, web: str, serving: bool) -> None:
    """The tables, and the commands to try next."""
    table(
        tr("Documents", "Văn bản"),
        (
            tr("index", "số nhật ký"),
            tr("number", "số/ký hiệu"),
            tr("kind", "loại"),
            tr("what", "trích yếu"),
            tr("recipients", "nơi nhận"),
            tr("where they stand", "trạng thái"),
        ),
        [
            (
                one["index"],
                one["code"],
                "HỎA TỐC" if one["lane"] == "urgent" else business(one["business"], tr) or tr("new", "mới"),
                one["subject"],
                one["recipients"],
                _standing(one, tr),
            )
            for one in found.documents
        ],
    )
    statistics = found.statistics
    origin, size, root = found.checkpoint.split("\n")[:3]
    said = states_text(statistics.get("states", {}), found.answered, tr)
    table(
        "Vĩnh Long 2017",
        ("", ""),
        [
            (tr("documents", "văn bản"), f"{statistics['documents']:,}"),
            (
                tr("deliveries", "lượt gửi đến cơ quan"),
                deliveries_text(statistics["deliveries"], found.fetched, tr),
            ),
            (tr("signed statuses back", "trạng thái phản hồi có ký số"), f"{statistics['statuses']:,}"),
            (tr("deliveries now at", "trạng thái hiện tại"), said),
            (tr("hỏa tốc overtook at", "hỏa tốc vượt lên trước tại"), _agencies(found.overtaken, tr)),
            (
                tr("time", "thời gian"),
                tr(
                    f"{found.setup_s:.1f} s to set up, {found.play_s:.1f} s to exchange",
                    f"{found.setup_s:.1f} giây dựng, {found.play_s:.1f} giây trao đổi",
                ),
            ),
            (
                tr("log", "nhật ký"),
                f"{statistics['tree_size']:,} {tr('records', 'bản ghi')}, "
                + size_text(statistics["log_bytes"]),
            ),
            (tr("checkpoint", "bản chốt"), f"{origin} · {size} · {root}"),
        ],
    )
    meanings = " · ".join(f"{code} {meaning(code, tr)}" for code in ("01", "02", "03", "04", "05", "06"))
    say(f"[dim]{meanings}[/]")
    next_steps(data, found, tr, hub=hub, web=web, serving=serving)


def _agencies(number: int, tr: Speech) -> str:
    return tr("1 agency" if number == 1 else f"{number} agencies", f"{number} cơ quan")


def deliveries_text(deliveries: int, fetched: int, tr: Speech) -> str:
    """How many deliveries there are, and how many of them still wait for their recipient."""
    if fetched >= deliveries:
        return f"{deliveries:,}" + tr(", each fetched over HTTP and verified", ", đều đã lấy về và kiểm tra")
    waiting = deliveries - fetched
    return f"{deliveries:,}" + tr(
        f": {fetched:,} fetched over HTTP and verified, {waiting:,} not fetched yet",
        f": {fetched:,} đã lấy về và kiểm tra, {waiting:,} chưa lấy về",
    )


def states_text(states: dict[str, int], answered: int, tr: Speech) -> str:
    """How many deliveries stand at which status; a request (update, recall) that was answered has none of
    its own, and is told apart from what nobody has reported on.
    """
    words = {"recalled": tr("taken back", "đã thu hồi")}
    parts = [
        f"{words.get(state, state)}: {count}"
        for state, count in sorted(states.items(), reverse=True)
        if state
    ]
    silent = states.get("", 0)
    answered = min(answered, silent)
    if answered:
        parts.append(f"{tr('requests answered', 'đề nghị đã trả lời')}: {answered}")
    if silent > answered:
        parts.append(f"{tr('not reported yet', 'chưa báo trạng thái')}: {silent - answered}")
    return ", ".join(parts)


def _standing(one: dict[str, Any], tr: Speech) -> str:
    states = {"thu hồi": tr("taken back", "đã thu hồi")}
    answers = {"15": tr("agrees", "đồng ý"), "16": tr("refuses", "từ chối")}
    parts = [f"{states.get(state, state)}: {count}" for state, count in one["states"].items()]
    parts += [f"{code} {answers[code]}: {n}" for code, n in one["answers"].items()]
    return ", ".join(parts)


def next_steps(data: Path, found: Figures, tr: Speech, *, hub: str, web: str, serving: bool) -> None:
    """Commands that go on from here, to be pasted as they are."""
    terminal = console()
    directive = next(one["index"] for one in found.documents if one["id"] == play.DIRECTIVE)
    at = "" if data == Path("var/demo") else f" --data {data}"
    evidence = " ".join(
        str(data / "examples" / f"{NAME}{end}") for end in (".asice", ".receipt.json", ".tlog-proof")
    )
    lienthong = ".venv/bin/lienthong"
    terminal.print(f"\n[bold]{tr('Try next', 'Thử tiếp')}[/]")
    if not serving:
        where = tr("in another terminal, for the rest", "chạy ở cửa sổ lệnh khác, cần cho các lệnh sau")
        terminal.print(f"  {lienthong} serve --data {data}    [dim]# {where}[/]", soft_wrap=True)
    for command in (
        f"{lienthong} trace {directive} --as {play.PROVINCE}{at}",
        f"{lienthong} inbox --all --as {play.COMMUNE}{at}",
        f"{lienthong} verify {evidence}{at}",
        f"{lienthong} log check{at}",
        f"{lienthong} keys list --agency {play.COMMUNE}{at}",
    ):
        terminal.print(f"  {command}", soft_wrap=True)
    alone = tr(
        "Check the received container with openssl alone", "Kiểm tra gói văn bản đã nhận chỉ bằng openssl"
    )
    terminal.print(f"\n[bold]{alone}[/]")
    terminal.print(f"  {openssl_command(data)}", soft_wrap=True)
    if serving:
        until = tr("Serving until Ctrl-C: exchange", "Đang phục vụ đến khi bấm Ctrl-C: trục liên thông")
        terminal.print(f"\n{until} [bold]{hub}[/], web [bold]{web}[/]", soft_wrap=True)


def openssl_command(data: Path) -> str:
    """Shell that checks the example's seal without us."""
    folder = data / "examples"
    opened = folder / "opened"
    return (
        f"python3 -m zipfile -e {folder / NAME}.asice {opened} && openssl cms -verify -binary -inform DER "
        f"-in {opened}/META-INF/signature.p7s -content {opened}/META-INF/ASiCManifest.xml "
        f"-CAfile {folder}/ca.pem -purpose any -out /dev/null"
    )


def as_json(data: Path, found: Figures, *, hub: str, web: str) -> str:
    return json.dumps(
        {
            "data": str(data),
            "hub": hub,
            "web": web,
            "statistics": found.statistics,
            "checkpoint": found.checkpoint,
            "documents": found.documents,
            "fetched": found.fetched,
            "answered": found.answered,
            "overtaken": found.overtaken,
            "setup_s": round(found.setup_s, 2),
            "play_s": round(found.play_s, 2),
        },
        ensure_ascii=False,
        indent=2,
    )
