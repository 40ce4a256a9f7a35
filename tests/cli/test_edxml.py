"""``lienthong edxml`` as a person or a script meets it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.exchange.edxml.test_samples import sample
from tests.exchange.edxml.xml_signer import LegacySigner
from typer.testing import CliRunner, Result

from lienthong.cli.edxml import app

SAMPLES = Path(__file__).parents[1] / "exchange" / "edxml" / "samples"
ACCEPTED = sorted(str(path) for path in (SAMPLES / "accepted").iterdir())
REFUSED = sorted(str(path) for path in (SAMPLES / "refused").iterdir())


def run(*arguments: str, data: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=data, env={"LANG": "C", "LIENTHONG_LANG": ""})


def test_messages_that_can_be_accepted_exit_0() -> None:
    result = run("check", *ACCEPTED)
    assert result.exit_code == 0
    assert result.stdout.count("can be accepted") == len(ACCEPTED)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: Path(path).stem)
def test_a_message_that_cannot_be_accepted_exits_1_with_line_and_reason(path: str) -> None:
    result = run("check", path)
    assert result.exit_code == 1
    assert "cannot be accepted" in result.stdout
    assert "✗ line " in result.stdout


def test_one_bad_message_among_good_ones_is_enough() -> None:
    result = run("check", ACCEPTED[0], REFUSED[0], ACCEPTED[1])
    assert result.exit_code == 1
    assert result.stdout.count(": can be accepted") == 2


def test_json_lists_every_file_and_finding_in_both_languages() -> None:
    result = run("check", "--json", *ACCEPTED, *REFUSED)
    answers = json.loads(result.stdout)
    assert [answer["file"] for answer in answers] == [*ACCEPTED, *REFUSED]
    assert [answer["acceptable"] for answer in answers] == [True] * len(ACCEPTED) + [False] * len(REFUSED)
    for answer in answers[len(ACCEPTED) :]:
        first = answer["findings"][0]
        assert first["severity"] == "error"
        assert first["line"] and first["path"] and first["rule"] and first["source"]
        assert first["message"] != first["message_vi"]
    directive = next(answer for answer in answers if "chi-thi-moi" in answer["file"])
    assert directive["kind"] == "document"
    assert directive["message_id"] == "20171120080000-a1b2c3d4"
    assert directive["document_id"] == "000.00.00.H61,2017/11/20,15/CT-UBND"


def test_findings_are_told_in_vietnamese_when_asked() -> None:
    path = str(SAMPLES / "refused" / "thieu-ma-dinh-danh.xml")
    result = run("check", path, "--lang", "vi")
    assert result.exit_code == 1
    assert "dòng 4, MessageHeader/From/OrganId: thiếu OrganId, phần tử bắt buộc" in result.stdout
    chosen = CliRunner().invoke(app, ["check", path], env={"LANG": "vi_VN.UTF-8", "LIENTHONG_LANG": ""})
    assert chosen.stdout == result.stdout


def test_standard_input_is_a_file_too() -> None:
    assert run("check", "-", data=sample("chi-thi-moi")).exit_code == 0
    assert run("check", "-", data=b"").exit_code == 1


def test_options_decide_where_sources_conflict(tmp_path: Path) -> None:
    path = str(SAMPLES / "accepted" / "chi-thi-moi.xml")
    assert run("check", path, "--steering", "0,1").exit_code == 1
    assert run("check", path, "--today", "2017-11-19").exit_code == 1
    soap = str(SAMPLES / "accepted" / "soap-van-ban.xml")
    assert run("check", soap, "--strict").exit_code == 1
    iso = tmp_path / "iso.xml"
    iso.write_bytes(sample("chi-thi-moi").replace(b"2017/12/15", b"2017-12-15"))
    assert run("check", str(iso)).exit_code == 1
    assert run("check", str(iso), "--any-date").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", ACCEPTED[0], "--steering", "x"),
        ("check", ACCEPTED[0], "--today", "hôm nay"),
        ("check", ACCEPTED[0], "--lang", "fr"),
    ],
)
def test_a_wrong_call_exits_2_and_judges_nothing(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "accepted" not in result.stdout


@pytest.mark.parametrize(
    ("bad", "says", "says_vi"),
    [
        ("khong-co.xml", "there is no such file", "không có tệp này"),
        (str(SAMPLES), f"name the files in it: {SAMPLES}/*.xml", f"nêu các tệp trong đó: {SAMPLES}/*.xml"),
    ],
    ids=["missing", "folder"],
)
def test_a_file_that_cannot_be_read_exits_2_and_the_others_are_judged(
    bad: str, says: str, says_vi: str
) -> None:
    result = run("check", ACCEPTED[0], bad, REFUSED[0])
    assert result.exit_code == 2
    assert f"{Path(bad).name}: " in result.stderr
    assert says in "".join(result.stderr.splitlines())
    assert result.stdout.count(": can be accepted") == 1
    assert result.stdout.count("cannot be accepted") == 1
    assert says_vi in "".join(run("check", bad, "--lang", "vi").stderr.splitlines())
    answers = json.loads(run("check", "--json", ACCEPTED[0], bad).stdout)
    assert [answer["acceptable"] for answer in answers] == [True, False]
    assert (answers[1]["code"], answers[1]["file"]) == ("unreadable-file", bad)


ENGLISH = re.compile(r"\b(?:is|not|the|and|of|on|line|missing|expected|defined|new|update|law|limit)\b", re.I)


@pytest.mark.parametrize("path", ACCEPTED + REFUSED, ids=lambda path: Path(path).stem)
def test_vietnamese_findings_hold_no_english(path: str) -> None:
    told = run("check", path, "--lang", "vi").stdout.replace(path, "")
    assert (
        ENGLISH.findall(re.sub(r"\([^()]*(?:QCVN|UAX|Namespaces)[^()]*\)|'[^']*'|edXML:\S+", "", told)) == []
    )


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: Path(path).stem)
def test_show_speaks_one_language(path: str) -> None:
    assert ENGLISH.findall(run("show", path, "--lang", "vi").stdout) == []
    assert "Nghiệp vụ" not in run("show", path).stdout


def test_what_an_xml_parser_says_is_told_in_vietnamese() -> None:
    for broken, says in {
        b"<a><b></a>": "thẻ mở b (dòng 1) và thẻ đóng a không khớp",
        b"<a>": "tệp kết thúc khi thẻ a chưa đóng",
        b"<a>&</a>": "ký tự & phải viết là &amp;",
        b"<a/><b/>": "có nội dung thừa sau phần tử gốc",
        b"<x:a/>": "tiền tố x của phần tử a",
    }.items():
        assert says in run("check", "-", "--lang", "vi", data=broken).stdout


def test_the_environment_chooses_the_language() -> None:
    for environment in ({"LIENTHONG_LANG": "vi"}, {"LIENTHONG_LANG": "", "LC_ALL": "vi_VN.UTF-8"}):
        told = CliRunner().invoke(app, ["check", REFUSED[0]], env={"LANG": "C", **environment})
        assert "không chấp nhận được" in told.stdout


def test_an_embedded_signature_is_reported_and_does_not_decide(tmp_path: Path) -> None:
    signer = LegacySigner.create()
    signed = signer.sign(sample("chi-thi-moi"))
    cases = {
        "verified": signed,
        "not verified": signed.replace("hạn hán".encode(), "bão lũ".encode()),
        "not checkable": signer.sign(sample("chi-thi-moi"), certificate=signer.certificate[:200]),
    }
    for state, data in cases.items():
        path = tmp_path / "signed.xml"
        path.write_bytes(data)
        result = run("check", str(path))
        assert result.exit_code == 0
        assert f"): {state}: " in result.stdout
        (answer,) = json.loads(run("check", str(path), "--json").stdout)
        assert answer["signatures"][0]["state"] == state.replace(" ", "-")


def test_show_tells_what_a_document_says() -> None:
    result = run("show", str(SAMPLES / "accepted" / "cap-nhat.xml"))
    assert result.exit_code == 0
    for expected in (
        "15/CT-UBND",
        "xâm nhập mặn",
        "Sở Nông nghiệp",
        "update",
        "Đính chính phụ lục",
        "van-ban.pdf",
    ):
        assert expected in result.stdout


def test_show_tells_what_a_status_says() -> None:
    result = run("show", "--lang", "vi", str(SAMPLES / "accepted" / "trang-thai-02-tu-choi.xml"))
    assert result.exit_code == 0
    for expected in ("02: từ chối tiếp nhận", "gửi nhầm đơn vị", "Huỳnh Thị Kim Ngân", "15/CT-UBND"):
        assert expected in result.stdout


def test_show_of_no_file_is_a_wrong_call() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lienthong", "edxml", "show", "khong-co.xml", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert json.loads(done.stderr)["code"] == "unreadable-file"


def test_show_refuses_what_cannot_be_accepted() -> None:
    result = run("show", REFUSED[0])
    assert result.exit_code == 1
    assert "cannot be accepted" in result.stdout
    assert json.loads(run("show", REFUSED[0], "--json").stdout)["acceptable"] is False


def test_show_extracts_the_attachments_under_safe_names(tmp_path: Path) -> None:
    hostile = sample("bao-cao-tep-zip").replace(
        b"<edXML:AttachmentName>bao-cao.pdf", b"<edXML:AttachmentName>../../../bao-cao.pdf"
    )
    message = tmp_path / "message.xml"
    message.write_bytes(hostile)
    folder = tmp_path / "a" / "b"
    result = run("show", str(message), "--extract", str(folder), "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["extracted"] == [str(folder / "bao-cao.pdf")]
    assert (folder / "bao-cao.pdf").read_bytes().startswith(b"%PDF-1.4")
    assert answer["message"]["attachments"][0]["data"] == (folder / "bao-cao.pdf").stat().st_size
    assert sorted(path.name for path in tmp_path.rglob("*.pdf")) == ["bao-cao.pdf"]


def test_show_json_is_the_whole_message() -> None:
    answer = json.loads(run("show", "--json", str(SAMPLES / "accepted" / "chi-thi-moi.xml")).stdout)
    assert answer["message"]["promulgation"] == {"date": "2017-11-20", "place": "Vĩnh Long"}
    assert answer["message"]["trace"]["business"]["type"] == 0
    assert answer["message"]["trace"]["headers"][0]["timestamp"] == "2017-11-20T08:00:00+07:00"


def test_control_characters_in_a_message_do_not_reach_the_terminal(tmp_path: Path) -> None:
    message = tmp_path / "m.xml"
    escape = "\u009b31m\u202e".encode()
    message.write_bytes(sample("chi-thi-moi").replace(b"<edXML:Subject>", b"<edXML:Subject>" + escape))
    strange = tmp_path / "n.xml"
    strange.write_bytes(b"\x1b[31mabc<edXML/>")
    shown = run("show", str(message)).stdout + run("check", str(message), str(strange)).stdout
    assert not set(shown) & {"\u009b", "\u202e", "\x1b"}


def test_the_command_is_part_of_lienthong() -> None:
    path = SAMPLES / "refused" / "hai-trich-yeu.xml"
    finished = subprocess.run(
        [sys.executable, "-m", "lienthong", "edxml", "check", str(path)],
        capture_output=True,
        check=False,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
    )
    assert finished.returncode == 1
    assert "line 11, MessageHeader/Subject[2]" in finished.stdout
    assert finished.stderr == ""
