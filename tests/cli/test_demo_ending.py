"""The words with which the demonstration ends are true, whoever else sent something into its province."""

from __future__ import annotations

from pathlib import Path

import pytest

from lienthong.cli.demo import play
from lienthong.cli.demo.counting import Inboxes
from lienthong.cli.demo.ending import Figures, deliveries_text, next_steps, states_text
from lienthong.cli.language import Speech
from lienthong.exchange.client.answers import InboxLine

EN, VI = Speech("en"), Speech("vi")


def line(kind: str, *, status: str = "", business: int = 0, acknowledged_ms: int | None = 1) -> InboxLine:
    return InboxLine(
        index=0,
        kind=kind,
        sender="H61",
        message_id="m",
        document_id="d",
        subject=None,
        status=status,
        business=business,
        lane="normal",
        accepted_ms=1,
        size=1,
        digest="",
        acknowledged_ms=acknowledged_ms,
        summary={},
    )


def test_only_documents_that_were_acknowledged_count_as_fetched() -> None:
    found = Inboxes()
    found.add([line("document"), line("document", acknowledged_ms=None), line("status", status="01")])
    assert (found.fetched, found.requests, found.answered) == (1, 0, 0)


def test_a_request_counts_as_answered_only_with_its_answer() -> None:
    found = Inboxes()
    found.add([line("document", business=1), line("document", business=2), line("status", status="16")])
    assert (found.fetched, found.requests, found.answered) == (2, 2, 1)


def test_an_answer_to_a_request_that_is_no_delivery_makes_no_delivery_answered() -> None:
    found = Inboxes()
    found.add([line("status", status="15")])
    assert found.answered == 0


@pytest.mark.parametrize(
    ("fetched", "english", "vietnamese"),
    [
        (1319, "1,319, each fetched over HTTP and verified", "1,319, đều đã lấy về và kiểm tra"),
        (
            1309,
            "1,319: 1,309 fetched over HTTP and verified, 10 not fetched yet",
            "1,319: 1,309 đã lấy về và kiểm tra, 10 chưa lấy về",
        ),
    ],
)
def test_what_still_waits_is_not_called_fetched(fetched: int, english: str, vietnamese: str) -> None:
    assert deliveries_text(1319, fetched, EN) == english
    assert deliveries_text(1319, fetched, VI) == vietnamese


def test_what_nobody_reported_on_is_told_apart_from_answered_requests() -> None:
    states = {"": 36, "03": 184, "recalled": 7}
    assert (
        states_text(states, 26, EN) == "taken back: 7, 03: 184, requests answered: 26, not reported yet: 10"
    )
    assert states_text(states, 26, VI).endswith("đề nghị đã trả lời: 26, chưa báo trạng thái: 10")
    assert "not reported" not in states_text(states, 36, EN)
    assert states_text({"": 3}, 0, EN) == "not reported yet: 3"


@pytest.mark.parametrize("serving", [True, False])
def test_what_to_try_next_is_said_in_vietnamese_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, serving: bool
) -> None:
    found = Figures({}, 0, 0, "", [{"id": play.DIRECTIVE, "index": 7}], 0, 0.0, 0.0)
    said = {}
    for tr in (EN, VI):
        next_steps(tmp_path, found, tr, hub="https://hub.example", web="http://web.example", serving=serving)
        said[tr.language] = capsys.readouterr().out
    english = ["Try next", "Check the received container with openssl alone"]
    vietnamese = ["Thử tiếp", "Kiểm tra gói văn bản đã nhận chỉ bằng openssl"]
    english.append("Serving until Ctrl-C" if serving else "# in another terminal, for the rest")
    vietnamese.append("Đang phục vụ đến khi bấm Ctrl-C" if serving else "# chạy ở cửa sổ lệnh khác")
    for words, other in zip(english, vietnamese, strict=True):
        assert words in said["en"] and words not in said["vi"]
        assert other in said["vi"] and other not in said["en"]
    commands = [[one for one in text.splitlines() if "--data" in one] for text in said.values()]
    assert [one.partition("#")[0] for one in commands[0]] == [one.partition("#")[0] for one in commands[1]]
