"""``lienthong registry`` as people and scripts meet it: a real process, a real data folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lienthong.registry.snapshot import load
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import encrypt_key, generate_key, write_file
from lienthong.trust.profiles import Profile

PASSPHRASE = b"for tests alone"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a CA and a directory key, and an empty registry."""
    data = tmp_path_factory.mktemp("cli-registry")
    now = datetime.now(UTC)
    ca = ProvinceCA.create(data / "pki", province="Vĩnh Long", passphrase=PASSPHRASE, now=now)
    key = generate_key()
    issued = ca.issue(Profile.DIRECTORY, subject_name="Danh bạ", public_key=key.public_key(), now=now)
    write_file(data / "keys" / "directory.key", encrypt_key(key, PASSPHRASE), mode=0o600)
    write_file(data / "keys" / "directory.pem", issued.pem())
    write_file(data / "lienthong.toml", b'[hub]\norigin = "hub.example"\n')
    return data


SHELL = """
import contextlib, io, json, os, sys
from lienthong.cli.app import main
for line in sys.stdin:
    asked = json.loads(line)
    os.environ["LIENTHONG_DATA"], sys.argv = asked["data"], ["lienthong", "registry", *asked["arguments"]]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
"""
"""The real command line, command after command in one process, to start Python once and not forty times."""


@dataclass
class Done:
    stdout: str
    stderr: str


@pytest.fixture(scope="module", autouse=True)
def shell(data: Path) -> Iterator[None]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    clean.pop("DJANGO_SETTINGS_MODULE", None)
    with subprocess.Popen(
        [sys.executable, "-c", SHELL],
        env={**clean, "LIENTHONG_PASSPHRASE": PASSPHRASE.decode()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        SHELLS[data] = process
        yield
        del SHELLS[data]
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


SHELLS: dict[Path, subprocess.Popen[str]] = {}


def registry(data: Path, *arguments: str | Path, code: int = 0) -> Done:
    (process,) = SHELLS.values()
    assert process.stdin is not None
    assert process.stdout is not None
    asked = {"data": str(data), "arguments": [str(argument) for argument in arguments]}
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert answer["code"] == code, answer["out"] + answer["err"]
    assert "Traceback" not in answer["err"]
    return Done(answer["out"], answer["err"])


def as_json(data: Path, *arguments: str | Path, code: int = 0) -> Any:
    return json.loads(registry(data, *arguments, "--json", code=code).stdout)


def test_an_agencys_way_from_the_first_import_to_the_hub(data: Path, tmp_path: Path) -> None:
    report = as_json(data, "import", "--seed", "vinhlong-2017")
    assert report["applied"]
    assert len(report["created"]) == 171

    new = tmp_path / "new.csv"
    new.write_text("code,name,kind,parent\nH61.23,Sở Du lịch tỉnh Vĩnh Long,department,H61\n", "utf-8")
    assert as_json(data, "import", new)["created"] == ["H61.23"]
    assert as_json(data, "import", new)["created"] == []

    ca = ProvinceCA.open(data / "pki", passphrase=PASSPHRASE)
    issued = ca.issue(
        Profile.SEAL,
        subject_name="Sở Du lịch",
        organ_code="H61.23",
        public_key=generate_key().public_key(),
        now=datetime.now(UTC),
    )
    (tmp_path / "seal.pem").write_bytes(issued.pem())
    noted = as_json(data, "certificate", "add", "H61.23", tmp_path / "seal.pem", "--use", "seal")

    publication = as_json(data, "publish", "--days", "2")
    assert publication["version"] == 1
    directory = load(Path(publication["path"]), TrustStore.from_folder(data / "pki"), datetime.now(UTC))
    assert (
        directory.by_fingerprint(bytes.fromhex(noted["fingerprint"]), "seal") is directory.agencies["H61.23"]
    )
    assert directory.may("H61.23", "send", "H61")
    assert directory.expires_at - directory.issued_at == timedelta(days=2)

    registry(data, "certificate", "withdraw", noted["fingerprint"][:12])
    assert as_json(data, "show", "H61.23")["certificates"][0]["withdrawn_at"]
    assert "1 change not published yet" in as_json(data, "check")["remarks"]


def test_a_mistyped_code_gets_a_suggestion(data: Path) -> None:
    assert "did you mean H61.05?" in registry(data, "show", "H61.O5", code=1).stderr


def test_bad_rows_are_listed_and_the_exit_code_is_1(data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("code,name,kind\nH61.98,Tốt,department\nH61.99,,\n", "utf-8")
    done = registry(data, "import", bad, code=1)
    assert "bad.csv" in done.stdout
    assert "is new and has no name" in done.stdout
    assert "nothing was imported" in done.stdout
    assert registry(data, "show", "H61.98", code=1).stderr.startswith("✗ no agency has the code")
    report = as_json(data, "import", bad, "--dry-run", "--partial", code=1)
    assert (report["created"], report["applied"]) == (["H61.98"], False)
    assert [(row["line"], row["column"]) for row in report["bad"]] == [(3, "name")]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["import"], 2, "name files, or one --seed"),
        (["import", "--seed", "x", "--dry-run"], 2, "a seed is imported whole"),
        (["import", "absent.csv"], 1, "absent.csv"),
        (["import", "--seed", "hanoi"], 1, "choose one of"),
        (["add", "not a code", "--name", "x", "--kind", "commune"], 2, "is not an organ code"),
        (["add", "H61.97", "--name", "x", "--kind", "kingdom"], 2, "write one of"),
        (["set", "H61.1"], 2, "what to change is not said"),
        (["export", "--table", "x"], 2, "use agencies, groups"),
        (["end", "H99", "--last-day", "2025-01-01"], 1, "no agency has the code"),
        (["grant", "H99", "send"], 1, "not the code of an agency"),
        (["certificate", "withdraw", "00"], 1, "not the fingerprint"),
    ],
)
def test_an_error_says_what_to_do(data: Path, arguments: list[str], code: int, says: str) -> None:
    done = registry(data, *arguments, code=code)
    assert says in " ".join(done.stderr.split())


def test_a_missing_data_folder_is_a_mistake_of_usage(tmp_path: Path) -> None:
    done = registry(tmp_path / "absent", "list", code=2)
    assert "there is no data folder here" in done.stderr


def test_agencies_are_added_changed_merged_and_their_history_told(data: Path) -> None:
    registry(
        data, "add", "T1", "--name", "Xã Một", "--kind", "commune", "--alias", "90001", "--unit", "T1.V=VP"
    )
    registry(data, "add", "T2", "--name", "Xã Hai", "--kind", "commune", "--from", "01/07/2025")
    registry(data, "set", "90001", "--name", "Xã Số Một", "--level", "commune")
    registry(data, "merge", "T1", "--into", "T2", "--on", "2025-07-01")
    shown = as_json(data, "show", "90001", "--on", "2025-06-30")
    assert (shown["name"], shown["valid_to"], shown["successors"]) == ("Xã Số Một", "2025-06-30", ["T2"])
    assert shown["units"] == [{"code": "T1.V", "name": "VP"}]
    verbs = [event["verb"] for event in as_json(data, "history", "T1")]
    assert verbs == ["end-agency", "change-agency", "add-agency"]
    assert [row["code"] for row in as_json(data, "list", "--search", "xa so mot", "--all")] == ["T1"]
    assert as_json(data, "list", "--search", "xa so mot") == []


def test_locking_rights_and_quotas_from_the_command_line(data: Path) -> None:
    registry(data, "add", "T3", "--name", "Xã Ba", "--kind", "commune")
    assert as_json(data, "lock", "T3")[0]["locked"]
    assert not as_json(data, "unlock", "T3")[0]["locked"]
    registry(data, "grant", "T3", "send", "kind:commune")
    registry(data, "quota", "T3", "--messages-per-minute", "5", "--bytes-per-day", "6", "--concurrent", "1")
    listed = as_json(data, "rights")
    assert {"subject": "T3", "action": "send", "object": "kind:commune"} in listed["rights"]
    assert listed["quotas"] == [
        {"subject": "T3", "messages_per_minute": 5, "bytes_per_day": 6, "concurrent": 1}
    ]
    registry(data, "grant", "T3", "send", "kind:commune", "--withdraw")
    assert {"subject": "T3", "action": "send", "object": "kind:commune"} not in as_json(data, "rights")[
        "rights"
    ]


def test_an_export_is_an_import(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.json"
    registry(data, "export", "--json", "--out", out)
    report = as_json(data, "import", out)
    assert report["applied"]
    assert report["created"] == report["updated"] == []
    header = registry(data, "export", "--table", "rights").stdout.splitlines()[0]
    assert header == "subject,action,object"


def test_check_exits_1_when_the_registry_contradicts_itself(
    data: Path, new_contradiction: Callable[[], None]
) -> None:
    assert as_json(data, "check")["ok"]
    new_contradiction()
    found = as_json(data, "check", code=1)
    assert [problem["agency"] for problem in found["problems"]] == ["T9"]
    assert "its own ancestor" in registry(data, "check", code=1).stdout


@pytest.fixture
def new_contradiction(data: Path) -> Any:
    """What only somebody with the database in hand could write."""
    import sqlite3

    def write() -> None:
        registry(data, "add", "T9", "--name", "x", "--kind", "commune")
        with sqlite3.connect(data / "registry.sqlite3") as database:
            database.execute("UPDATE registry_agency SET parent_id = id WHERE code = 'T9'")
        database.close()

    yield write
    with sqlite3.connect(data / "registry.sqlite3") as database:
        database.execute("UPDATE registry_agency SET parent_id = NULL WHERE code = 'T9'")
    database.close()


def test_every_command_explains_itself(data: Path) -> None:
    shown = registry(data, "--help").stdout
    for name in (
        "import",
        "export",
        "list",
        "show",
        "add",
        "publish",
        "grant",
        "certificate",
        "merge",
        "check",
    ):
        assert name in shown


@pytest.mark.parametrize(("found", "code"), [(True, "empty-registry"), (False, "no-registry")])
def test_a_lost_registry_is_not_published(tmp_path: Path, data: Path, found: bool, code: str) -> None:
    copy = tmp_path / "lost"
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("registry.sqlite3*", "directory"))
    if found:
        (copy / "registry.sqlite3").touch()
    outcome = subprocess.run(
        [sys.executable, "-m", "lienthong", "registry", "publish", "--data", str(copy), "--json"],
        env={**os.environ, "LIENTHONG_PASSPHRASE": PASSPHRASE.decode(), "LIENTHONG_DATA": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1
    assert json.loads(outcome.stderr or outcome.stdout)["code"] == code
    assert not (copy / "directory" / "directory.p7m").exists()
