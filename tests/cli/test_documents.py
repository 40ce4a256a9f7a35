"""Sending, receiving and answering from the command line, as clerks and scripts do it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst
from tests.cli.conftest import AUDIT, COMMUNE, FINANCE, PROVINCE, Served
from tests.cli.shell import Done

from lienthong.cli.agency import acting_again
from lienthong.exchange.client import Client
from lienthong.exchange.client.build import completed, compose
from lienthong.exchange.container import open_container
from lienthong.exchange.edxml.model import Attachment, Reference
from lienthong.exchange.edxml.writer import write
from lienthong.trust.certificates import TrustStore
from lienthong.trust.pades import check_pdf

numbers = iter(range(1, 10_000))


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "công văn.txt"
    path.write_text("Kính gửi: UBND xã An Bình", encoding="utf-8")
    return path


def send(served: Served, *files: object, to: str = COMMUNE, code: int | None = 0, **more: str) -> Done:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
    return served.run(
        *("send", *files, "--data", served.data, "--as", PROVINCE, "--to", to, "--json"),
        *(f"--number={next(numbers)}", "--notation=UBND-KTN", "--subject=Về việc thử", *options),
        code=code,
    )


def run(served: Served, *arguments: object, agency: str = COMMUNE, code: int | None = 0) -> Done:
    return served.run(*arguments, "--data", served.data, "--as", agency, code=code)


def test_a_document_goes_the_whole_way(served: Served, letter: Path, tmp_path: Path) -> None:
    sent = send(served, letter, staff="Nguyễn Thị Lan").json
    assert sent["state"] == "sent"
    assert sent["recipients"] == [COMMUNE]
    index = sent["index"]

    waiting = run(served, "inbox", "--json").json["items"]
    assert index in [item["index"] for item in waiting]
    [fetched] = run(
        served, "fetch", index, "--into", tmp_path / "in", "--staff", "Trần Văn Hải", "--json"
    ).json
    assert fetched["sender"] == PROVINCE
    assert Path(fetched["written"][0]).read_text() == letter.read_text()
    assert index not in [item["index"] for item in run(served, "inbox", "--json").json["items"]]

    assert run(served, "report", index, "01", "--json").json["state"] == "sent"
    assert run(served, "report", index, "03", "--staff", "Trần Văn Hải", "--json").json["state"] == "sent"
    view = run(served, "trace", index, "--json", agency=PROVINCE).json
    assert [(line["recipient"], line["state"]) for line in view["deliveries"]] == [(COMMUNE, "03")]
    shown = run(served, "trace", sent["message_id"], agency=PROVINCE).out
    for word in ("Về việc thử", "accepted and registered", "Trần Văn Hải"):
        assert word in shown


def test_an_impossible_status_is_refused_with_exit_code_1(served: Served, letter: Path) -> None:
    index = send(served, letter).json["index"]
    run(served, "fetch", index, "--arrived")
    refused = run(served, "report", index, "06", code=1)
    assert "cannot follow" in refused.err
    assert "allowed next: 02, 03" in " ".join(refused.err.split())


def test_a_recall_is_asked_answered_and_traced(served: Served, letter: Path) -> None:
    index = send(served, letter).json["index"]
    run(served, "fetch", index)
    asked = run(served, "recall", index, "--reason", "Gửi nhầm", "--json", agency=PROVINCE).json
    run(served, "fetch", asked["index"])
    run(served, "report", index, "16", code=2)
    run(served, "report", index, "15")
    assert "recalled: 1" in run(served, "trace", index, agency=PROVINCE).out


def test_an_update_asks_for_consent_too(served: Served, letter: Path) -> None:
    index = send(served, letter).json["index"]
    updated = served.run(
        *("send", letter, "--update-of", index, "--reason", "Sửa số liệu", "--json"),
        *("--data", served.data, "--as", PROVINCE),
    ).json
    assert updated["recipients"] == [COMMUNE]
    shown = run(served, "inbox").out
    assert "[update] Về việc thử" in shown


def test_a_replacement_is_sent_in_place_of_another_and_asks_there(served: Served, letter: Path) -> None:
    index = send(served, letter).json["index"]
    newer = send(served, letter, replaces=str(index), reason="Sai số liệu").json["index"]
    old = " ".join(run(served, "trace", index, agency=PROVINCE).out.split())
    assert "asks to replace it: Sai" in old
    assert "replacement asked for" in old
    assert "sent in place of an earlier one" in " ".join(
        run(served, "trace", newer, agency=PROVINCE).out.split()
    )


def test_sealed_files_are_opened_on_fetching(served: Served, letter: Path, tmp_path: Path) -> None:
    sent = served.run(
        *("send", letter, "--seal", "--to", FINANCE, "--data", served.data, "--as", PROVINCE, "--json"),
        *("--number", next(numbers), "--notation", "UBND-NC", "--subject", "Về việc nhân sự"),
    ).json
    [fetched] = run(served, "fetch", sent["index"], "--into", tmp_path, "--json", agency=FINANCE).json
    assert fetched["sealed"]
    assert Path(fetched["written"][0]).read_text() == letter.read_text()


def test_a_pdf_can_be_signed_on_the_way(served: Served, tmp_path: Path) -> None:
    pdf = tmp_path / "thong-bao.pdf"
    made = typst.compile("Thông báo".encode(), ignore_system_fonts=True)
    assert isinstance(made, bytes)
    pdf.write_bytes(made)
    sent = served.run(
        *("send", pdf, "--sign-pdf", "--to", COMMUNE, "--data", served.data, "--as", PROVINCE, "--json"),
        *("--number", next(numbers), "--notation", "TB-UBND", "--subject", "Thông báo"),
    ).json
    out = tmp_path / "sent.asice"
    served.run(
        "outbox", "container", sent["message_id"], "--out", out, "--data", served.data, "--as", PROVINCE
    )
    with open_container(out) as opened:
        [signature] = check_pdf(
            opened.container.read("files/thong-bao.pdf"), TrustStore.from_folder(served.data / "pki")
        )
    assert signature.ok
    assert signature.organ == PROVINCE


def test_an_edxml_message_of_another_system_is_sent_as_it_is(served: Served, tmp_path: Path) -> None:
    with Client(served.data / "agencies" / PROVINCE) as client:
        document = compose(
            client.profile,
            to=[COMMUNE],
            subject="Về việc đã soạn ở nơi khác",
            number=str(next(numbers)),
            notation="UBND-VX",
            promulgated=datetime.now(UTC).date(),
        )
        document = completed(document, client.profile, message_id="from-elsewhere-1", now=datetime.now(UTC))
    document = replace(
        document,
        references=(Reference("a", "text/plain", "bảng kê.txt"),),
        attachments=(Attachment("a", "bảng kê.txt", b"so lieu", "text/plain"),),
    )
    file = tmp_path / "message.edxml"
    file.write_bytes(write(document))
    sent = served.run("send", "--edxml", file, "--json", "--data", served.data, "--as", PROVINCE).json
    assert sent["message_id"] == "from-elsewhere-1"
    [fetched] = run(served, "fetch", sent["index"], "--into", tmp_path, "--json").json
    assert fetched["subject"] == "Về việc đã soạn ở nơi khác"
    assert Path(fetched["written"][0]).read_bytes() == b"so lieu"
    assert Path(fetched["written"][0]).name == "bảng kê.txt"


def test_the_outbox_tells_what_was_sent_and_gives_the_receipt(
    served: Served, letter: Path, tmp_path: Path
) -> None:
    sent = send(served, letter, id="my-own-id-1").json
    assert sent["message_id"] == "my-own-id-1"
    assert send(served, letter, id="my-own-id-1").json == sent
    rows = run(served, "outbox", "list", "--state", "sent", "--json", agency=PROVINCE).json
    assert rows[0]["message_id"] == "my-own-id-1"
    receipt = run(served, "outbox", "receipt", "my-own-id-1", agency=PROVINCE).out
    assert json.loads(receipt)["index"] == sent["index"]
    (tmp_path / "receipt.json").write_text(receipt)
    served.run("verify", tmp_path / "receipt.json", "--data", served.data)
    nobody = run(served, "outbox", "receipt", "never-sent", agency=PROVINCE, code=1)
    assert "outbox list" in nobody.err


def pasted(served: Served, text: str, command: str, *more: str) -> Done:
    """Run the command that a hint ends a line with, as it is printed; what follows it is in brackets."""
    [line] = [line for line in text.splitlines() if f"lienthong {command}" in line]
    words = line.partition("lienthong ")[2].partition(" (")[0]
    return served.run(*shlex.split(words), *more)


def test_a_command_in_a_hint_acts_as_the_same_agency_when_it_is_pasted(served: Served, letter: Path) -> None:
    sent = send(served, letter).json
    waiting = run(served, "inbox").out
    assert f"lienthong fetch --all --as {COMMUNE} --data {served.data}\n" in waiting
    fetched = pasted(served, waiting, "fetch", "--json").json
    assert sent["index"] in [one["index"] for one in fetched]
    asked = run(served, "recall", sent["index"], "--reason", "Gửi nhầm", "--json", agency=PROVINCE).json
    told = run(served, "fetch", asked["index"]).out
    assert pasted(served, told, "report", "--json").json["state"] == "sent"
    by_folder = served.run("inbox", "--as", served.data / "agencies" / PROVINCE).out
    assert f"lienthong fetch --all --as {served.data / 'agencies' / PROVINCE}\n" in by_folder


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("", None, ""),
        ("", Path("var/demo"), ""),
        ("H61", None, " --as H61"),
        ("H61", Path("var/demo"), " --as H61"),
        ("H61", Path("tỉnh ta"), " --as H61 --data 'tỉnh ta'"),
        ("", Path("here"), " --data here"),
    ],
)
def test_a_hint_names_who_acts_as_the_command_was_told(name: str, data: Path | None, options: str) -> None:
    assert acting_again(name, data) == options


def test_without_a_hub_the_document_waits_and_a_script_is_told_3(served: Served, letter: Path) -> None:
    shared = served.data / "agencies" / "hub.toml"
    good = shared.read_text()
    try:
        lines = [
            'hub = "https://127.0.0.1:9"' if line.startswith("hub =") else line for line in good.splitlines()
        ]
        shared.write_text("\n".join(lines) + "\n")
        waiting = send(served, letter, id="patient-1", code=3).json
        assert waiting["state"] == "queued"
        assert "no connection" in waiting["problem"]
        said = run(
            served,
            *("send", letter, "--to", COMMUNE, f"--number={next(numbers)}", "--notation=UBND-KTN"),
            "--subject=Về việc thử",
            agency=PROVINCE,
            code=3,
        ).err
        no_receipt = run(served, "outbox", "receipt", "patient-1", agency=PROVINCE, code=1).err
        again = f"lienthong outbox deliver --as {PROVINCE} --data {served.data}"
        assert f"Try again: {again}\n" in said
        assert again in " ".join(no_receipt.split())
        assert run(served, "outbox", "deliver", agency=PROVINCE, code=3).out.startswith("0 sent")
    finally:
        shared.write_text(good)
    assert pasted(served, said, "outbox deliver").out.startswith("2 sent, 0 refused, 0 waiting")


def test_a_refused_document_ends_with_1_and_can_be_tried_again_on_request(
    served: Served, letter: Path
) -> None:
    refused = send(served, letter, to="H61.KHONGCO", id="refused-1", code=1).json
    assert refused["state"] == "refused"
    assert "no agency of the directory" in refused["problem"]
    again = run(served, "outbox", "retry", "refused-1", agency=PROVINCE, code=1)
    assert "Refused" in again.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("send", "--to", COMMUNE), "--subject"),
        (
            ("send", "/nowhere.pdf", "--to", COMMUNE, "--subject=a", "--number=1", "--notation=b"),
            "no such file",
        ),
        (("send",), "--to"),
        (("send", "--to", COMMUNE, "--subject=a", "--number=1", "--notation=b"), "at least one file"),
        (("fetch",), "--all"),
        (("report", "0", "13"), "not what a recipient reports"),
        (("report", "0", "17"), "not a status a recipient reports"),
        (("report", "0", "02"), "--reason"),
        (("inbox", "--limit", "0"), "limit"),
        (("outbox", "list", "--state", "lost"), "not a state"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_is_wanted(
    served: Served, arguments: tuple[str, ...], says: str
) -> None:
    assert says in run(served, *arguments, code=2).err


def test_an_error_for_a_script_is_json_on_standard_error(served: Served) -> None:
    failed = run(served, "trace", 10**9, "--json", code=1)
    problem = json.loads(failed.err)
    assert problem["code"] == "not-found"
    assert problem["detail"]
    assert failed.out == ""


def test_who_acts_must_be_clear(served: Served) -> None:
    several = served.run("inbox", "--data", served.data, code=2)
    assert "--as H61" in several.err
    nobody = served.run("inbox", "--data", served.data, "--as", "H61.99", code=2)
    told = " ".join(nobody.err.split())
    assert "the agency H61.99 has no profile in this folder" in told
    assert "did you mean" not in told
    assert f"these have one: {PROVINCE}, {FINANCE}, {AUDIT}, {COMMUNE}" in told
    assert "lienthong init" in told
    nowhere = served.run("inbox", "--data", "/nowhere", "--as", "H61", code=2)
    assert "no data folder" in nowhere.err
    by_folder = served.run("inbox", "--as", served.data / "agencies" / COMMUNE)
    by_variable = served.run("inbox", LIENTHONG_DATA=str(served.data), LIENTHONG_AS=COMMUNE)
    # The last line is a command that names the agency as it was named here.
    assert by_folder.out.splitlines()[:-1] == by_variable.out.splitlines()[:-1]
    assert "lienthong fetch" in by_variable.out.splitlines()[-1]


def test_an_agency_whose_certificate_is_revoked_is_told_4(served: Served) -> None:
    keys = served.run("keys", "list", "--agency", AUDIT, "--data", served.data, "--json").json
    [tls] = [row for row in keys if row["use"] == "tls-client"]
    served.run("keys", "revoke", tls["serial"], "--reason", "key-compromise", "--data", served.data)
    refused = None
    while refused is None or refused.code == 0:  # the hub looks for a changed directory every 2 s
        refused = run(served, "inbox", agency=AUDIT, code=None)
    assert refused.code == 4
    served.run("keys", "renew", "--agency", AUDIT, "--use", "tls", "--data", served.data)
    while run(served, "inbox", agency=AUDIT, code=None).code != 0:
        pass
