"""``lienthong verify`` and ``lienthong log``, on what a real hub handed out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli import in_process
from tests.exchange.province import (
    AUDITOR,
    COMMUNE,
    DEPARTMENT,
    OTHER_COMMUNE,
    PROVINCE,
    WITNESS,
    RunningHub,
    TestProvince,
)

from lienthong.exchange.client.profile import load_profile
from lienthong.exchange.client.witnessing import witness_key
from lienthong.trust.keys import load_certificates
from lienthong.trust.log.checkpoints import open_checkpoint
from lienthong.trust.log.merkle import Frontier, leaf_hash
from lienthong.trust.log.notes import KeyType, NoteSigner


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line as a script meets it: arguments in, exit code and both streams out."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LIENTHONG_DATA", "LIENTHONG_AS"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Result:
        return Result(*in_process.run(capsys, monkeypatch, *arguments))

    return call


@dataclass
class Handed:
    """What the parties hold after three documents went through the hub."""

    province: TestProvince
    hub: RunningHub
    folder: Path
    containers: list[Path]
    receipts: list[Path]

    @property
    def data(self) -> Path:
        return self.province.data


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handed]:
    province = TestProvince(tmp_path_factory.mktemp("cli") / "data")
    province.write_profiles("http://127.0.0.1:1")
    own = witness_key(load_profile(province.data / "agencies" / WITNESS)).key.vkey
    province.configure(log=f'witnesses = [{{agency = "{WITNESS}", key = "{own}"}}]')
    folder = tmp_path_factory.mktemp("handed")
    with RunningHub(province) as hub:
        province.write_profiles(hub.url)
        containers, receipts = [], []
        for number in range(3):
            made = province.container(province.document(PROVINCE, [COMMUNE], number=str(number + 1)))
            answer = hub.post(PROVINCE, made)
            assert answer.status_code == 201, answer.text
            containers.append(folder / f"{number}.asice")
            receipts.append(folder / f"{number}.receipt.json")
            containers[-1].write_bytes(made)
            receipts[-1].write_bytes(answer.content)
        yield Handed(province, hub, folder, containers, receipts)


# --- verify


def test_a_container_and_its_receipt_hold(run: Run, handed: Handed) -> None:
    result = run("verify", handed.containers[0], handed.receipts[0], "--data", handed.data)
    assert result.code == 0, result.out
    assert result.out.count("HOLDS") == 2
    assert "by 0.receipt.json" in result.out.replace("\n", " ").replace("    ", "")
    assert f"Trusted: {handed.data}" in result.err.replace("\n", "")


def test_the_explanations_are_in_the_language_of_the_person(
    run: Run, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("verify", handed.receipts[0], "--data", handed.data)
    assert "Biên nhận: ĐÚNG" in run(*arguments, "--lang", "vi").out
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    assert "Biên nhận: ĐÚNG" in run(*arguments).out
    assert "Receipt: HOLDS" in run(*arguments, "--lang", "en").out
    monkeypatch.setenv("LIENTHONG_LANG", "en")
    assert "Receipt: HOLDS" in run(*arguments).out
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LIENTHONG_LANG", "vi")
    told = run(*arguments)
    assert "Biên nhận: ĐÚNG" in told.out
    assert "Căn cứ tin cậy" in told.err


def test_a_script_gets_every_check_as_json(run: Run, handed: Handed) -> None:
    result = run("verify", *handed.containers, *handed.receipts, "--data", handed.data, "--json")
    assert result.code == 0
    body = result.json
    assert body["holds"] is True
    assert [report["kind"] for report in body["reports"]] == ["container"] * 3 + ["receipt"] * 3
    assert all(check["explanation_vi"] for report in body["reports"] for check in report["checks"])


def test_without_anything_to_believe_nothing_is_proven(run: Run, handed: Handed) -> None:
    result = run("verify", handed.containers[0], handed.receipts[0])
    assert result.code == 1
    assert result.out.count("NOT PROVEN") == 2
    assert "Nobody is trusted yet" in result.err


def test_keys_beside_the_evidence_are_not_believed(run: Run, handed: Handed, tmp_path: Path) -> None:
    for name in ("keys", "pki"):
        shutil.copytree(handed.data / name, tmp_path / name)
    shutil.copy(handed.receipts[0], tmp_path / "receipt.json")
    assert run("verify", tmp_path / "receipt.json").code == 1


def test_keys_and_authorities_given_as_files_are_believed(run: Run, handed: Handed) -> None:
    data = handed.data
    crls = [argument for path in (data / "pki/crl").glob("*.crl") for argument in ("--crl", path)]
    result = run(
        "verify",
        handed.containers[0],
        handed.receipts[0],
        "--ca",
        data / "pki/ca.pem",
        *crls,
        "--log-key",
        data / "keys/checkpoint.vkey",
        "--directory",
        data / "directory/directory.p7m",
    )
    assert result.code == 0, result.out
    by_text = run("verify", handed.receipts[0], "--log-key", handed.province.log_key.vkey)
    assert by_text.code == 0


def test_an_agency_checks_with_its_own_profile(run: Run, handed: Handed) -> None:
    result = run("verify", handed.receipts[1], handed.containers[1], "--as", COMMUNE, "--data", handed.data)
    assert result.code == 0, result.out


def test_a_changed_file_does_not_hold_and_the_place_is_said(run: Run, handed: Handed, tmp_path: Path) -> None:
    changed = tmp_path / "changed.asice"
    changed.write_bytes(handed.containers[0].read_bytes().replace(b"noi dung", b"noi xung"))
    result = run("verify", changed, handed.receipts[0], "--data", handed.data)
    assert result.code == 1
    assert "van-ban.pdf" in result.out
    assert result.out.count("DOES NOT HOLD") == 2, "the receipt is for none of the files given"


def test_what_is_no_evidence_is_said(run: Run, handed: Handed, tmp_path: Path) -> None:
    (text := tmp_path / "letter.txt").write_text("xin chào")
    result = run("verify", text, "--data", handed.data)
    assert result.code == 1
    assert "Not recognised" in result.out


def test_a_file_that_is_not_there_is_told_as_such_and_not_as_a_forged_one(
    run: Run, handed: Handed, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere.asice"
    english = run("verify", handed.receipts[0], nowhere, "--data", handed.data, "--lang", "en")
    assert english.code == 2
    assert english.out == "", "nothing is judged"
    assert "there is no such file" in english.err
    assert "check the path" in english.err
    vietnamese = run("verify", nowhere, "--data", handed.data, "--lang", "vi")
    assert vietnamese.code == 2
    assert "không có tệp này" in vietnamese.err
    assert "kiểm tra lại đường dẫn" in vietnamese.err
    below_a_file = run("verify", handed.receipts[0] / "x", "--data", handed.data)
    assert below_a_file.code == 2
    assert "cannot be read" in below_a_file.err


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("pki/ca.pem", "--ca"),
        ("ca.der", "--ca"),
        ("pki/crl", "--crl"),
        ("keys/checkpoint.vkey", "--log-key"),
        ("witness.vkey", "--witness"),
        ("policy", "--policy"),
        ("directory/directory.p7m", "--directory"),
    ],
)
def test_a_file_of_whom_to_trust_is_told_its_option(
    run: Run, handed: Handed, tmp_path: Path, file: str, option: str
) -> None:
    path = handed.data / file
    if file == "pki/crl":
        path = next(path.glob("*.crl"))
    elif not path.exists():
        path = tmp_path / file
        witness = NoteSigner.generate("other.example/witness", KeyType.COSIGNATURE_V1).key.vkey
        path.write_bytes(
            {
                "ca.der": load_certificates(handed.data / "pki/ca.pem")[0],
                "witness.vkey": witness.encode(),
                "policy": f"log {handed.province.log_key.vkey}\nquorum none\n".encode(),
            }[file]
        )
    result = run("verify", handed.containers[0], path, "--json")
    assert result.code == 1
    [check] = result.json["reports"][1]["checks"]
    assert f"name it with {option} {path}" in check["explanation"]
    assert f"nêu với {option} {path}" in check["explanation_vi"]


def test_a_root_that_is_not_trusted_is_told_with_the_option_that_adds_one(
    run: Run, handed: Handed, tmp_path: Path
) -> None:
    other = TestProvince(tmp_path / "other")
    result = run("verify", handed.containers[0], "--ca", other.data / "pki/ca.pem", "--json")
    assert result.code == 1
    told = {check["code"]: check for check in result.json["reports"][0]["checks"]}["container.certificate"]
    assert told["ok"] is False
    assert "give its file with --ca" in told["explanation"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--log-key", "nonsense"),
        ("--log-key", "a+b+c"),
        ("--witness", "{log}"),
        ("--quorum", "2"),
        ("--ca", "{data}/keys/checkpoint.vkey"),
        ("--ca", "{data}/keys/tsa.pem"),
        ("--policy", "{data}/lienthong.toml"),
        ("--policy", "{tmp}/policy", "--log-key", "{log}"),
        ("--directory", "{data}/directory/directory.p7m"),
        ("--data", "{tmp}"),
        ("--as", "H99", "--data", "{data}"),
    ],
)
def test_unusable_trust_is_a_mistake_of_the_call_and_not_of_the_evidence(
    run: Run, handed: Handed, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "policy").write_text("quorum none\n")
    named = {"data": handed.data, "tmp": tmp_path, "log": handed.province.log_key.vkey}
    result = run("verify", handed.receipts[0], *(each.format(**named) for each in arguments))
    assert result.code == 2, result.err
    assert "✗" in result.err


def test_a_policy_asks_for_witnesses(run: Run, handed: Handed, tmp_path: Path) -> None:
    stranger = NoteSigner.generate("other.example/witness", KeyType.COSIGNATURE_V1).key.vkey
    log = f"log {handed.province.log_key.vkey}\n"
    (tmp_path / "none").write_text(log + "quorum none\n")
    (tmp_path / "one").write_text(f"{log}witness w {stranger}\nquorum w\n")
    assert run("verify", handed.receipts[0], "--policy", tmp_path / "none").code == 0
    assert run("verify", handed.receipts[0], "--policy", tmp_path / "one").code == 1


def test_the_whole_log_of_a_serving_hub_holds(run: Run, handed: Handed) -> None:
    result = run("verify", handed.data, "--data", handed.data)
    assert result.code == 0, result.out
    assert "Whole log: HOLDS" in result.out


# --- log


def test_a_checkpoint_is_fetched_proved_and_kept(run: Run, handed: Handed, tmp_path: Path) -> None:
    who = ("--as", COMMUNE, "--data", handed.data)
    first = run("log", "checkpoint", *who)
    assert first.code == 0, first.err
    assert open_checkpoint(first.out.encode(), handed.province.log_key).checkpoint.size >= 3
    again = run("log", "checkpoint", *who, "--out", tmp_path / "checkpoint")
    assert "continues the" in again.err.replace("\n", " ")
    assert run("verify", tmp_path / "checkpoint", "--data", handed.data).code == 0
    assert run("log", "checkpoint", *who, "--json").json["origin"] == "hub.example/log"


def test_a_proof_of_an_entry_checks_offline(run: Run, handed: Handed, tmp_path: Path) -> None:
    path = tmp_path / "1.tlog-proof"
    assert run("log", "proof", 1, "--as", PROVINCE, "--data", handed.data, "-o", path).code == 0
    result = run("verify", path, handed.containers[1], "--data", handed.data)
    assert result.code == 0, result.out
    assert "the log recorded it at" in result.out.replace("\n", " ").replace("    ", "")


def test_somebody_elses_entry_is_proved_without_being_shown(run: Run, handed: Handed, tmp_path: Path) -> None:
    path = tmp_path / "proof"
    result = run("log", "proof", 1, "--size", 2, "--as", OTHER_COMMUNE, "--data", handed.data, "-o", path)
    assert result.code == 0
    assert "not inside" in result.err.replace("\n", " ")
    assert "does not carry the entry" in run("verify", path, "--data", handed.data).out.replace("\n    ", " ")
    assert run("log", "proof", 99, "--as", PROVINCE, "--data", handed.data).code == 1


def test_consistency_is_proved_from_a_checkpoint_kept_earlier(
    run: Run, handed: Handed, tmp_path: Path
) -> None:
    who = ("--as", DEPARTMENT, "--data", handed.data)
    proof = tmp_path / "proof.json"
    for old in (handed.receipts[0], "1", 0):
        assert run("log", "consistency", old, *who, "-o", proof).code == 0
        assert run("verify", proof, "--data", handed.data).code == 0
    assert run("log", "consistency", handed.receipts[0], handed.receipts[2], *who, "-o", proof).code == 0
    assert json.loads(proof.read_text())["old"] == json.loads(handed.receipts[0].read_text())["checkpoint"]
    assert run("log", "consistency", handed.containers[0], *who).code == 1
    assert run("log", "consistency", proof, *who).code == 2


def test_the_whole_log_is_checked_against_what_was_kept(run: Run, handed: Handed, tmp_path: Path) -> None:
    against = [argument for path in handed.receipts for argument in ("--against", path)]
    result = run("log", "check", handed.data, *against)
    assert result.code == 0, result.out
    assert run("log", "check", "--data", handed.data, "--no-containers", "--json").json["holds"] is True
    copy = tmp_path / "hub"
    shutil.copytree(handed.data / "hub", copy)
    segment = copy / "segments/00000001.log"
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b"noi dung", b"noi xung", 1))
    assert run("log", "check", copy, "--data", handed.data).code == 1
    last = json.loads(handed.receipts[2].read_text())["checkpoint"].encode()
    assert content.count(last) == 1
    segment.write_bytes(content[: content.index(last) - 100])
    shorter = run("log", "check", copy, "--data", handed.data, *against)
    assert shorter.code == 1
    assert "entries are missing" in shorter.out.replace("\n    ", " ")
    assert run("log", "check", tmp_path / "nowhere", "--data", handed.data).code == 1


def test_an_auditor_mirrors_the_log_and_checks_it_offline(run: Run, handed: Handed, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    result = run("log", "mirror", folder, "--as", AUDITOR, "--data", handed.data)
    assert result.code == 0, result.err
    assert run("log", "mirror", folder, "--as", AUDITOR, "--data", handed.data, "--json").code == 0
    assert run("log", "check", folder, "--data", handed.data, "--against", handed.receipts[2]).code == 0
    bundle = next((folder / "tile/entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b"UBND-VX", b"UBND-VY", 1))
    assert run("log", "check", folder, "--data", handed.data).code == 1
    assert run("log", "mirror", tmp_path / "no", "--as", COMMUNE, "--data", handed.data).code == 4


def test_a_witness_behind_nat_cosigns_what_it_pulls(run: Run, handed: Handed, tmp_path: Path) -> None:
    who = ("--as", WITNESS, "--data", handed.data)
    key = run("log", "witness", "--show-key", *who, "--json").json["key"]
    assert f'key = "{key}"' in run("log", "witness", "--show-key", *who).out
    result = run("log", "witness", "--once", *who)
    assert result.code == 0, result.err
    assert "cosigned" in result.out
    again = run("log", "witness", "--once", *who, "--json").json
    assert again["added"] == 0
    path = tmp_path / "checkpoint"
    assert run("log", "checkpoint", "--as", COMMUNE, "--data", handed.data, "-o", path).code == 0
    arguments = ("verify", path, "--log-key", handed.province.log_key.vkey, "--witness", key)
    assert run(*arguments, "--quorum", 1).code == 0
    assert WITNESS in run("verify", path, "--data", handed.data).out, "the data folder names its witnesses"
    mode = (handed.data / "agencies" / WITNESS / "witness.key").stat().st_mode
    assert mode & 0o077 == 0, "the witness's key is its own"


def test_an_agency_that_is_no_witness_is_told_so(run: Run, handed: Handed) -> None:
    assert run("log", "witness", "--once", "--as", COMMUNE, "--data", handed.data).code == 4


def test_a_rewritten_log_is_not_cosigned(run: Run, tmp_path: Path) -> None:
    """The operator starts the log over, with the same key: the witness refuses, and so does the agency."""
    province = TestProvince(tmp_path / "data")
    province.write_profiles("http://127.0.0.1:1")
    own = witness_key(load_profile(province.data / "agencies" / WITNESS)).key.vkey
    province.configure(log=f'witnesses = [{{agency = "{WITNESS}", key = "{own}"}}]')
    who = ("--as", WITNESS, "--data", province.data)
    for documents, expected in ((2, 0), (1, 1), (2, 1), (3, 1)):
        shutil.rmtree(province.data / "hub", ignore_errors=True)
        with RunningHub(province) as hub:
            province.write_profiles(hub.url)
            for _ in range(documents):
                assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
            result = run("log", "witness", "--once", *who)
            assert result.code == expected, result.err
            assert (run("log", "checkpoint", *who).code == 0) is (expected == 0)
    assert "report them" in result.err.replace("\n", " ").replace("  ", " ")
    assert len(list((province.data / "agencies" / WITNESS / "witness").glob("evidence-*.json"))) == 2
    assert run("log", "witness", "--once", *who).code == 3, "the hub is gone"


# --- the documentation

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/log.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def test_the_commands_of_the_log_format_page_run(
    run: Run, handed: Handed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/reference/log.md, «Checking from the command line»."""
    shutil.copy(handed.containers[0], tmp_path / "van-ban.asice")
    shutil.copy(handed.receipts[0], tmp_path / "van-ban.receipt.json")
    monkeypatch.setenv("LIENTHONG_DATA", str(handed.data))
    monkeypatch.setenv("LIENTHONG_AS", PROVINCE)
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        result = run(*line.removeprefix("lienthong ").split())
        assert result.code == 0, f"{line}\n{result.out}{result.err}"


def test_a_verifier_written_from_the_page_alone_agrees(handed: Handed, tmp_path: Path) -> None:
    """docs/reference/log.md is complete: standard library and openssl suffice, and lies are found."""
    (program,) = blocks("python")
    (script := tmp_path / "verifier.py").write_text(program)
    vkey = handed.data / "keys/checkpoint.vkey"

    def verify(*arguments: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(script), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    for receipt, container in zip(handed.receipts, handed.containers, strict=True):
        good = verify(receipt, vkey, container)
        assert good.returncode == 0, good.stderr
        assert "the receipt holds: entry" in good.stdout
    other = verify(handed.receipts[0], vkey, handed.containers[1])
    assert "AssertionError" in other.stderr
    lie = tmp_path / "lie.json"
    lie.write_text(handed.receipts[0].read_text().replace(COMMUNE, OTHER_COMMUNE))
    assert "AssertionError" in verify(lie, vkey).stderr
    signed = json.loads(handed.receipts[0].read_text())
    signed["checkpoint"] = signed["checkpoint"].replace("\n1\n", "\n2\n", 1)
    lie.write_text(json.dumps(signed))
    assert verify(lie, vkey).returncode != 0


def test_the_verifier_of_the_page_follows_every_shape_of_proof(tmp_path: Path) -> None:
    """Its loop over the proof, on every leaf of every tree up to 40 entries."""
    (program,) = blocks("python")
    loop = program[program.index("leaf = json.dumps") : program.index("# 3. the container")]
    hashes = [leaf_hash(b'{"n":%d}' % n) for n in range(40)]
    for size in range(1, 41):
        growth = Frontier().append(hashes[:size])
        root = base64.b64encode(growth.root).decode()
        for index, proof in enumerate(growth.proofs()):
            receipt = {
                "index": index,
                "leaf": {"n": index},
                "proof": [base64.b64encode(each).decode() for each in proof],
            }
            scope = {"json": json, "hashlib": hashlib, "base64": base64, "size": str(size), "root": root}
            exec(loop, scope | {"receipt": receipt})  # noqa: S102 - the page's own program is what is tested
            for wrong in (receipt["proof"][:-1], [*receipt["proof"], root]):
                if wrong != receipt["proof"]:
                    with pytest.raises(AssertionError):
                        exec(loop, scope | {"receipt": receipt | {"proof": wrong}})  # noqa: S102
