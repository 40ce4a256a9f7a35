"""A clerk at the command line: told in her language what happened, what is wrong, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import COMMUNE, FINANCE, PROVINCE, Served
from tests.cli.shell import Done, open_shell

from lienthong.core.text import fold

numbers = iter(range(20_000, 30_000))


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "công văn.txt"
    path.write_text("Kính gửi: UBND xã An Bình", encoding="utf-8")
    return path


def run(
    served: Served, *arguments: object, agency: str = COMMUNE, code: int | None = 0, lang: str = "vi"
) -> Done:
    return served.run(*arguments, "--data", served.data, "--as", agency, code=code, LIENTHONG_LANG=lang)


def send(
    served: Served, letter: Path, *more: object, to: tuple[str, ...] = (COMMUNE,), **how: object
) -> Done:
    recipients = [part for one in to for part in ("--to", one)]
    return run(
        served,
        *("send", letter, *recipients, "--number", next(numbers), "--notation", "UBND-KTN"),
        *("--subject", "Về việc thử", *more),
        **({"agency": PROVINCE} | how),  # type: ignore[arg-type]
    )


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_document_goes_the_whole_way_in_vietnamese(served: Served, letter: Path) -> None:
    sent = send(served, letter)
    assert "Đã gửi: số nhật ký" in sent.out
    index = send(served, letter, "--json").json["index"]
    inbox = run(served, "inbox", "--limit", 500).out
    for word in ("Văn bản đến", "số nhật ký", "đến lúc", "nơi gửi", "số/ký hiệu", "trích yếu"):
        assert word in inbox
    assert "con dấu, nội dung, biên nhận và bằng chứng nhật ký đều đúng" in flat(
        run(served, "fetch", index).out
    )
    assert "Đã gửi: số nhật ký" in run(served, "report", index, 1).out
    asked = run(served, "recall", index, "--reason", "Gửi nhầm", "--json", agency=PROVINCE).json
    told = run(served, "fetch", asked["index"]).out
    assert "[thu hồi] Về việc thử" in told
    assert f"lienthong report {asked['index']} 15" in told
    run(served, "report", index, 15)
    trace = flat(run(served, "trace", index, agency=PROVINCE).out)
    for word in ("Nơi nhận", "đã thu hồi: 1", "01 đã đến hệ thống nhận", "15 đồng ý thu hồi", "Diễn biến"):
        assert word in trace
    listed = flat(run(served, "outbox", "list").out)
    assert "Văn bản đi" in listed
    assert "đã gửi" in listed
    assert "0 bị từ chối, 0 đang chờ gửi" in run(served, "outbox", "deliver").out


def test_a_recall_is_told_as_asked_for_until_it_is_answered(served: Served, letter: Path) -> None:
    index = send(served, letter, "--json", to=(COMMUNE, FINANCE)).json["index"]
    asking = ("recall", index, "--reason", "Gửi nhầm biểu", "--staff", "Lê Thị Hoa", "--json")
    asked = run(served, *asking, agency=PROVINCE).json["index"]

    def told(agency: str = PROVINCE, lang: str = "vi") -> str:
        return "\n".join(columns(run(served, "trace", index, agency=agency, lang=lang)))

    trace = told()
    assert "đề nghị thu hồi, chưa trả lời: 2" in trace
    assert "đề nghị thu hồi: Gửi nhầm biểu" in trace
    assert "Lê Thị Hoa" in trace
    assert "đã thu hồi" not in trace
    assert "Gửi nhầm" not in told(FINANCE)  # it has not fetched the message that says why

    for agency in (COMMUNE, FINANCE):
        run(served, "fetch", index, asked, agency=agency)
    assert "đề nghị thu hồi: Gửi nhầm biểu" in told(FINANCE)
    run(served, "report", asked, 15)
    run(served, "report", asked, 16, "--reason", "Đã ban hành", agency=FINANCE)
    trace = told()
    for words in (
        "đã thu hồi: 1",
        "từ chối thu hồi: 1",
        "15 đồng ý thu hồi",
        "16 từ chối thu hồi: Đã ban hành",
    ):
        assert words in trace
    assert "chưa trả lời" not in trace
    english = told(lang="en")
    for words in (
        "asks to recall it: Gửi nhầm biểu",
        "15 agrees: recalled",
        "16 refuses the recall: Đã ban hành",
    ):
        assert words in english


def columns(done: Done) -> list[str]:
    """Each cell of the tables as one text, whatever its lines; and the lines outside of tables."""
    rows: list[list[str]] = [[]]
    for line in done.out.splitlines():
        cells = (
            [cell.strip() for cell in line.strip("│┃").split("│")] if line.startswith("│") else [line.strip()]
        )
        if len(cells) > 1 and not cells[0] and len(rows[-1]) == len(cells):
            rows[-1] = [f"{above} {below}".strip() for above, below in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return [cell for row in rows for cell in row]


def test_times_are_vietnam_s_as_vietnam_writes_them(served: Served, letter: Path) -> None:
    index = send(served, letter, "--json").json["index"]
    record = run(served, "trace", index, "--json", agency=PROVINCE).json["record"]
    from lienthong.cli.language import Speech
    from lienthong.cli.output import vietnam_time

    shown = vietnam_time(record["accepted_ms"], Speech("vi"))
    assert shown in run(served, "trace", index, agency=PROVINCE).out
    assert vietnam_time(0, Speech("vi")) == "01/01/1970 07:00:00"
    assert vietnam_time(0, Speech("en")) == "1970-01-01 07:00:00"


def test_each_refused_recipient_stands_on_its_own_line_with_a_guess(served: Served, letter: Path) -> None:
    refused = send(served, letter, to=("H61.62.5", "group:commune", "H99"), code=1)
    lines = [line.strip() for line in refused.err.splitlines()]
    assert any(line.startswith("H61.62.5: danh bạ không có mã này; có phải H61.62.05 (") for line in lines)
    assert "group:commune: danh bạ không có mã này; có phải group:communes?" in lines
    assert "H99: danh bạ không có mã này" in lines
    english = send(served, letter, to=("group:commune",), code=1, lang="en").err
    assert "group:commune: there is no such group; did you mean group:communes?" in english
    for text in (refused.err, english):
        assert "GET " not in text
        assert "/v1/" not in text


def test_a_refusal_is_told_to_scripts_in_parts(served: Served, letter: Path) -> None:
    answer = send(served, letter, "--json", to=("H99",), code=1).json
    assert (answer["state"], answer["code"], answer["place"]) == (
        "refused",
        "recipients-refused",
        "MessageHeader/To",
    )
    assert "one recipient cannot receive it" in answer["detail"]
    assert answer["remedy"]
    assert answer["refused"] == [
        {"organ": "H99", "status": "unknown", "reason": "no agency of the directory has this code"}
    ]
    index = send(served, letter, "--json").json["index"]
    run(served, "fetch", index, "--arrived")
    answer = run(served, "report", index, "06", "--json", code=1).json
    assert answer["code"] == "impossible-status"
    assert answer["detail"] == "06 cannot follow 01 (arrived at the receiving system); allowed next: 02, 03"
    again = run(served, "outbox", "retry", answer["message_id"], "--json", code=1).json
    assert again["code"] == "impossible-status"
    told = run(served, "report", index, "06", code=1).err
    assert "06 không thể theo sau 01; tiếp theo chỉ có thể là 02, 03" in flat(told)
    told = run(served, "trace", "99999", code=1).err
    assert "không gửi và không nhận bản ghi nào số 99999" in flat(told)
    assert "kiểm tra số nhật ký và cơ quan đang dùng (--as)" in flat(told)


def test_a_record_that_is_not_there_has_its_remedy_in_english_too(served: Served) -> None:
    told = run(served, "trace", "99999", code=1, lang="en").err
    assert "to do: check the log index and the agency (--as)" in flat(told)
    problem = json.loads(run(served, "trace", "99999", "--json", code=1, lang="en").err)
    assert problem["remedy"] == "check the log index and the agency (--as)"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("send", "--bogus"), "--bogus"),
        (("recall", "zero"), "INDEX"),
        (("inbox", "--limit", "0"), "--limit"),
        (("edxml", "check", "--today", "tomorrow", "x"), "--today"),
        (("registry", "lock"), "CODE"),
        (("sned",), None),
        (("report", "0", "99"), None),
        (("inbox", "--as", "H61.99.99"), "agencies"),
    ],
)
def test_a_wrong_call_is_an_object_for_scripts(
    served: Served, arguments: tuple[str, ...], place: str | None
) -> None:
    done = served.run(*arguments, "--json", code=2, LIENTHONG_DATA=str(served.data))
    told = json.loads(done.err)
    assert told["code"] == "usage"
    assert told["detail"]
    assert told["remedy"]
    assert place is None or place in told["place"]
    assert done.out == ""


def test_a_document_without_a_file_is_a_wrong_call_and_says_so(served: Served) -> None:
    asked = ("send", "--to", COMMUNE, "--number", 1, "--notation", "UBND", "--subject", "Về việc thử")
    told = flat(run(served, *asked, agency=PROVINCE, code=2).err)
    assert "chưa nêu tệp nào để gửi" in told
    assert "nêu ít nhất một tệp cần gửi" in told
    assert "QCVN" not in told


def test_what_was_meant_is_suggested(served: Served) -> None:
    assert "did you mean H61.62.05?" in run(served, "inbox", agency="H61.6205", code=2, lang="en").err
    assert "có phải H61.62.05?" in run(served, "inbox", agency="H61.6205", code=2).err
    other = flat(run(served, "inbox", agency="H61.06", code=2).err)
    assert "cơ quan H61.06 không có hồ sơ trong thư mục này" in other
    assert "các cơ quan có hồ sơ: H61, H61.05, H61.18, H61.62.05" in other
    assert "có phải" not in other
    assert (
        "did you mean refused?" in run(served, "outbox", "list", "--state", "refuse", code=2, lang="en").err
    )
    assert "lienthong recall" in run(served, "report", 0, 13, code=2).err
    assert "03 đã tiếp nhận, vào sổ" in flat(run(served, "report", 0, 17, code=2).err)


def test_a_document_of_somebody_else_cannot_be_recalled_and_that_is_no_fault(
    served: Served, letter: Path
) -> None:
    index = send(served, letter, "--json").json["index"]
    done = run(served, "recall", index, "--reason", "x", agency=FINANCE, code=1, lang="en")
    assert "is not a document that H61.05 sent from here" in done.err
    as_json = run(served, "recall", index, "--reason", "x", "--json", agency=FINANCE, code=1)
    assert json.loads(as_json.err)["code"] == "not-sent-here"


def test_agencies_are_found_by_the_beginning_of_a_word_first(served: Served) -> None:
    found = run(served, "agencies", "xa", "an", "--json").json["items"]
    begins = [f" {fold(one['name'])}".count(" an") > 0 for one in found]
    assert begins[0]
    assert not begins[-1]
    assert begins == sorted(begins, reverse=True)
    assert "group:communes" in run(served, "agencies", "--json").json["groups"]
    assert "Không có cơ quan nào" in run(served, "agencies", "xyzzy").out


def test_a_language_that_is_none_is_a_wrong_call() -> None:
    with open_shell() as shell:
        assert "LIENTHONG_LANG" in shell("inbox", code=2, LIENTHONG_LANG="fr").err
