"""The README.md's first command: a province at work; killed and run again it ends the same, and a later run
finds everything said already. Nothing it leaves needs us to be checked.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from lienthong.cli.demo import ending, play
from lienthong.cli.demo.clerks import carried_out
from lienthong.exchange.client import Client
from lienthong.exchange.client.outbox import Outbox
from lienthong.exchange.container import open_container
from lienthong.exchange.edxml.model import Document
from lienthong.exchange.evidence.receipts import read_receipt
from lienthong.trust.certificates import TrustStore
from lienthong.trust.log.proofs import InclusionProof
from lienthong.trust.pades import check_pdf

ROOT = Path(__file__).resolve().parents[2]
AGENCIES, RECIPIENTS = 136, 135
pytestmark = pytest.mark.slow


def demo(data: Path, *more: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LIENTHONG_")}
    return subprocess.Popen(
        [sys.executable, "-m", "lienthong", "demo", "--data", str(data), *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-3000:]
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The demonstration, killed with -9 in the middle of it, and run again to its end."""
    data = tmp_path_factory.mktemp("demo") / "data"
    first = demo(data, "--once", "--json")
    try:
        deep_in = data / "agencies" / "H61.61.05" / "inbox"
        while first.poll() is None and not list(deep_in.glob("*.asice")):
            time.sleep(0.02)
        assert first.poll() is None, first.communicate()[1][-3000:]
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    yield data, told(demo(data, "--once", "--json"))


def test_killed_and_run_again_the_story_is_whole(played: tuple[Path, dict[str, Any]]) -> None:
    _, found = played
    statistics = found["statistics"]
    assert (statistics["documents"], statistics["deliveries"]) == (8, 309)
    assert statistics["statuses"] == 759
    assert statistics["acknowledgements"] == statistics["deliveries"] + statistics["statuses"]
    by_id = {one["id"]: one for one in found["documents"]}
    assert by_id[play.DIRECTIVE]["recipients"] == RECIPIENTS
    assert by_id[play.TELEGRAM]["lane"] == "urgent"
    assert by_id[play.TELEGRAM]["states"] == {"03": 117}
    assert by_id[play.REPORT]["states"] == {"02": 1, "03": 1, "04": 1}
    assert by_id[play.INVITATION]["answers"] == {"15": 18}
    assert by_id[play.PUMPS]["answers"] == {"15": 7, "16": 1}
    assert by_id[play.PUMPS]["states"] == {"03": 1, "thu hồi": 7}
    assert found["overtaken"] >= 100
    assert (found["fetched"], found["answered"]) == (309, 26)


def test_every_recipient_answered_the_directive_with_its_own_last_status(
    played: tuple[Path, dict[str, Any]],
) -> None:
    data, found = played
    with Client(data / "agencies" / play.PROVINCE) as client:
        row = client.desk.outbox.get(play.DIRECTIVE)
        assert row is not None and row.log_index is not None
        document = client.desk.own_document(row.log_index)
    expected = Counter()
    said = 0
    for folder in sorted((data / "agencies").iterdir()):
        if not (folder / "agency.toml").exists() or folder.name == play.PROVINCE:
            continue
        outbox = Outbox(folder / "outbox.sqlite3")
        answers = [one.code for one in carried_out(folder.name, document)]
        expected[answers[-1]] += 1
        for code in answers:
            status = outbox.get(f"{play.DIRECTIVE}.{code}")
            assert status is not None and status.state == "sent", (folder.name, code)
            said += 1
        outbox.close()
    assert sum(expected.values()) == RECIPIENTS
    assert said >= 2 * RECIPIENTS
    [directive] = [one for one in found["documents"] if one["id"] == play.DIRECTIVE]
    assert directive["states"] == dict(sorted(expected.items()))


def test_a_later_run_takes_seconds_of_work_and_sends_nothing(played: tuple[Path, dict[str, Any]]) -> None:
    data, found = played
    again = subprocess.run(
        ["make", "-o", ".venv/bin/.runtime", "demo", "ONCE=1", f"DATA={data}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert again.returncode == 0, again.stderr[-3000:]
    assert "15/CT-UBND" in again.stdout
    assert f"{found['statistics']['tree_size']:,} records" in again.stdout
    assert "openssl cms -verify" in again.stdout
    assert found["checkpoint"].split("\n")[2] in again.stdout


def test_openssl_alone_finds_the_example_good(played: tuple[Path, dict[str, Any]]) -> None:
    data, _ = played
    checked = subprocess.run(
        ["bash", "-c", ending.openssl_command(data)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "CMS Verification successful" in checked.stderr
    opened = data / "examples" / "opened"
    manifest = (opened / "META-INF" / "ASiCManifest.xml").read_text()
    for file in ("edoc.xml", "files/15-CT-UBND.pdf"):
        assert b64encode(sha256((opened / file).read_bytes()).digest()).decode() in manifest


def test_verify_says_that_the_examples_hold(played: tuple[Path, dict[str, Any]]) -> None:
    data, _ = played
    examples = data / "examples"
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "lienthong", "verify", "--json"),
            *("--ca", str(examples / "ca.pem"), "--log-key", str(examples / "checkpoint.vkey")),
            *("--crl", str(data / "pki/crl/issuing.crl"), "--crl", str(data / "pki/crl/root.crl")),
            *("--directory", str(data / "directory/directory.p7m")),
            *(str(examples / f"chi-thi-15{end}") for end in (".asice", ".receipt.json", ".tlog-proof")),
            str(examples / "checkpoint.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_proof_ties_the_example_receipt_to_the_example_checkpoint(
    played: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    data, found = played
    examples = data / "examples"
    file = examples / "chi-thi-15.tlog-proof"
    proof = InclusionProof.parse(file.read_bytes())
    receipt = read_receipt((examples / "chi-thi-15.receipt.json").read_bytes())
    assert (proof.index, proof.extra) == (receipt.index, receipt.leaf_bytes)
    assert proof.checkpoint == (examples / "checkpoint.txt").read_bytes()
    assert proof.hashes and found["statistics"]["tree_size"] > 1
    other = tmp_path / "other.tlog-proof"
    other.write_bytes(bytes(replace(proof, hashes=(bytes(32), *proof.hashes[1:]))))
    for one, code in ((file, 0), (other, 1)):
        command = [sys.executable, "-m", "lienthong", "verify", "--json", str(one)]
        command += ["--log-key", str(examples / "checkpoint.vkey")]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == code, checked.stdout + checked.stderr
        [report] = json.loads(checked.stdout)["reports"]
        assert report["kind"] == "inclusion"


def test_the_directive_is_a_pdf_that_the_province_signed(played: tuple[Path, dict[str, Any]]) -> None:
    data, _ = played
    with open_container(data / "examples" / "chi-thi-15.asice") as opened:
        message = opened.message()
        pdf = opened.container.read("files/15-CT-UBND.pdf")
    assert isinstance(message, Document)
    assert message.subject.startswith("Về việc tăng cường phòng, chống hạn hán")
    [signature] = check_pdf(pdf, TrustStore.from_folder(data / "pki"))
    assert signature.ok, signature.problems
    assert signature.organ == play.PROVINCE
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=False)
    if text.returncode == 0:
        words = text.stdout.decode()
        for line in (
            "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
            "Độc lập - Tự do - Hạnh phúc",
            "Số: 15/CT-UBND",
            "CHỈ THỊ",
            "Nơi nhận:",
            "TM. ỦY BAN NHÂN DÂN",
        ):
            assert line in words


def test_the_sealed_document_was_opened_by_its_recipients_only(played: tuple[Path, dict[str, Any]]) -> None:
    data, _ = played
    opened = {path.parents[2].name for path in (data / "agencies").glob("*/unsealed/*/*.pdf")}
    assert opened == {play.PROVINCE, play.FINANCE}
    with Client(data / "agencies" / play.INTERIOR) as client:
        row = client.desk.outbox.get(play.PERSONNEL)
        assert row is not None
        container = client.desk.outbox.container(row)
    with open_container(container) as sealed:
        assert sealed.sealed
        assert b"%PDF" not in sealed.container.read("files.p7m")


def test_nothing_serves_any_more_when_it_has_ended(played: tuple[Path, dict[str, Any]]) -> None:
    _, found = played
    for url in (found["hub"], found["web"]):
        assert urlsplit(url).hostname == "127.0.0.1"
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, verify=False, trust_env=False)  # noqa: S501


def test_it_keeps_serving_on_other_ports_until_it_is_told_to_stop(
    played: tuple[Path, dict[str, Any]],
) -> None:
    data, found = played
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", urlsplit(found["hub"]).port or 0))
        taken.listen()
        process = demo(data, "--json")
        try:
            assert process.stdout is not None
            text = ""
            while not text.rstrip().endswith("\n}"):
                line = process.stdout.readline()
                assert line, process.communicate()[1][-3000:]
                text += line
            now = json.loads(text)
            assert now["hub"] != found["hub"]
            assert now["statistics"]["tree_size"] == found["statistics"]["tree_size"]
            assert httpx.get(now["web"], trust_env=False, timeout=30).status_code == 200
            with Client(data / "agencies" / play.COMMUNE) as client:
                assert client.check_log().signed.checkpoint.size == found["statistics"]["tree_size"]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    with pytest.raises(httpx.ConnectError):
        httpx.get(now["web"], trust_env=False)


def test_somebodys_real_province_is_not_played_with(tmp_path: Path) -> None:
    (tmp_path / "lienthong.toml").write_text('[hub]\norigin = "hub.tinh.example"\n')
    process = demo(tmp_path, "--once")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "not a demonstration's" in err


def test_what_a_visitor_sent_is_left_for_the_visitor(played: tuple[Path, dict[str, Any]]) -> None:
    data, found = played
    letter = data.parent / "thu.txt"
    letter.write_text("Xin chào")
    line = f"send {letter} --data {data} --as H61.61.05 --to {play.PROVINCE}"
    line += " --number 9 --notation TB --subject Thử"
    sent = subprocess.run(
        [sys.executable, "-m", "lienthong", *line.split()], capture_output=True, check=False
    )
    assert sent.returncode == 3, (
        sent.stderr
    )  # nobody serves: it waits in the outbox, and this run delivers it
    again = told(demo(data, "--once", "--json"))
    assert again["statistics"]["documents"] == found["statistics"]["documents"] + 1
    assert again["statistics"]["acknowledgements"] == found["statistics"]["acknowledgements"]
    assert again["statistics"]["deliveries"] == found["statistics"]["deliveries"] + 1
    assert (again["fetched"], again["answered"]) == (found["fetched"], found["answered"])
