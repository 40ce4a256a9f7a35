"""An operator's rarer work: outside authorities, service certificates that end, old containers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from tests.cli.conftest import COMMUNE, PROVINCE, free_port
from tests.cli.shell import Shell, open_shell

from lienthong.core.clock import VIETNAM
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.keys import load_certificates

TOMORROW = f"{datetime.now(VIETNAM) + timedelta(days=1):%Y-%m-%d}"


@pytest.fixture(scope="module")
def run() -> Iterator[Shell]:
    with open_shell() as shell:
        yield shell


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, run: Shell) -> Path:
    data = tmp_path_factory.mktemp("operators") / "province"
    run(
        *("init", "--data", data, "--seed", "vinhlong-2017", "--agency", PROVINCE, "--agency", COMMUNE),
        *("--port", free_port(), "--web-port", free_port(), "--host", "hub.tinh.example"),
    )
    return data


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another province's CA: a root, an authority below it, and their lists."""
    folder = tmp_path_factory.mktemp("outside") / "pki"
    now = datetime.now(UTC)
    ProvinceCA.create(folder, province="Cần Thơ", passphrase=b"x", now=now).publish_crls(now=now)
    return folder


@contextmanager
def serving(data: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", "lienthong", "serve", "--only", "exchange", "--data", data],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "Ctrl+C" not in (line := process.stdout.readline()):
            assert line
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def test_an_outside_authority_is_trusted_listed_and_trusted_no_longer(
    data: Path, outside: Path, run: Shell
) -> None:
    root, below, lists = outside / "anchors/root.pem", outside / "issuing/ca.pem", outside / "crl"
    early = run("keys", "crl", "import", lists / "root.crl", "--data", data, code=1)
    assert "not signed by an authority known here" in " ".join(early.err.split())
    unknown = run("keys", "anchors", "add", below, "--intermediate", "--data", data, code=1)
    assert "import that root first" in " ".join(unknown.err.split())

    [added] = run("keys", "anchors", "add", root, "--data", data, "--json").json
    assert added["what"] == "anchor"
    assert added["fingerprint"] == sha256(load_certificates(root)[0]).hexdigest()
    run("keys", "anchors", "add", below, "--intermediate", "--data", data)
    again = run("keys", "anchors", "add", root, "--data", data, code=1)
    assert "here already" in again.err
    [taken] = run("keys", "crl", "import", lists / "root.crl", "--data", data, "--json").json
    assert taken["revoked"] == 0
    assert "Cần Thơ" in taken["issuer"]
    assert "Cần Thơ" in run("keys", "crl", "list", "--data", data).out
    listed = run("keys", "anchors", "list", "--data", data, "--json").json
    assert sorted((one["what"], one["own"]) for one in listed) == [
        ("anchor", False),
        ("anchor", True),
        ("intermediate", False),
    ]
    assert "the province's own" in run("keys", "anchors", "list", "--data", data).out

    gone = run("keys", "anchors", "remove", added["fingerprint"][:12], "--data", data, "--json").json
    assert not Path(gone["file"]).exists()
    assert (
        "none of the authorities"
        in run("keys", "anchors", "remove", "nobody.pem", "--data", data, code=1).err
    )


def test_the_provinces_own_root_is_not_removed(data: Path, run: Shell) -> None:
    refused = run("keys", "anchors", "remove", "root.pem", "--data", data, "--json", code=1)
    assert json.loads(refused.err)["code"] == "own-anchor"
    assert (data / "pki/anchors/root.pem").exists()


@pytest.mark.parametrize("new_key", [False, True])
def test_a_service_gets_a_new_certificate_for_the_same_names(data: Path, run: Shell, new_key: bool) -> None:
    key, certificate = data / "keys/tls-server.key", data / "keys/tls-server.pem"
    before = key.read_bytes(), certificate.read_bytes()
    more = ["--new-key"] if new_key else []
    [told] = run("keys", "renew", "--service", "tls-server", *more, "--data", data, "--json").json
    assert told["service"] == "tls-server"
    assert (key.read_bytes() == before[0]) is not new_key
    assert certificate.read_bytes() != before[1]
    names = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectAltName"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "DNS:hub.tinh.example" in names
    assert "IP Address:127.0.0.1" in names
    checks = run("doctor", "--data", data, "--json").json["checks"]
    assert next(one["state"] for one in checks if one["name"] == "key tls-server") == "ok"


def test_every_service_is_renewed_at_once_and_a_mistyped_one_is_guessed(data: Path, run: Shell) -> None:
    told = run("keys", "renew", "--service", "all", "--data", data, "--json").json
    assert [one["service"] for one in told] == ["tls-server", "tsa", "ocsp", "directory"]
    wrong = run("keys", "renew", "--service", "tls-srver", "--data", data, code=2)
    assert "did you mean tls-server?" in wrong.err
    run("keys", "renew", "--data", data, code=2)
    run("keys", "renew", "--service", "tsa", "--agency", PROVINCE, "--data", data, code=2)


def test_doctor_names_the_command_that_renews_a_certificate_about_to_end(data: Path, run: Shell) -> None:
    text = (data / "lienthong.toml").read_text()
    (data / "lienthong.toml").write_text(f"{text}\n[health]\ncertificate_warn_days = 500\n")
    try:
        told = run("doctor", "--data", data, "--json").json["checks"]
    finally:
        (data / "lienthong.toml").write_text(text)
    remedies = {one["name"]: one["remedy"] for one in told if one["state"] == "warning"}
    assert remedies["key ocsp"] == f"lienthong keys renew --service ocsp --data {data}"
    assert remedies["key tls-server"] == f"lienthong keys renew --service tls-server --data {data}"


def test_old_containers_go_to_an_archive_and_the_log_stays(data: Path, run: Shell, tmp_path: Path) -> None:
    letter, archive = tmp_path / "a.txt", tmp_path / "archive"
    letter.write_text("Nội dung")
    agency, other = ("--data", data, "--as", PROVINCE), ("--data", data, "--as", COMMUNE)
    with serving(data):
        sent = run(
            *("send", letter, "--to", COMMUNE, "--number", 7, "--notation", "CT", "--subject", "Về việc thử"),
            *agency,
            "--json",
        ).json
        busy = run("log", "archive", "--before", TOMORROW, "--to", archive, "--data", data, code=3)
        assert "has this store open" in busy.err
    inside = run("log", "archive", "--before", TOMORROW, "--to", data / "archive", "--data", data, code=2)
    assert "lost with it" in inside.err
    none = run("log", "archive", "--before", "2020-01-01", "--to", archive, "--data", data)
    assert "Nothing to move" in none.out
    moved = run(
        *("log", "archive", "--before", TOMORROW, "--to", archive, "--name", "Kho tỉnh", "--data", data),
        "--json",
    ).json
    assert moved["moved"] == moved["records"] == 1

    assert run("log", "check", "--data", data, "--json").json["holds"]
    receipt = tmp_path / "receipt.json"
    run("outbox", "receipt", sent["message_id"], "--out", receipt, *agency)
    assert run("verify", receipt, "--data", data, "--json").json["holds"]
    with serving(data):
        assert run("trace", sent["index"], *agency, "--json").json["record"]["index"] == sent["index"]
        gone = run("fetch", sent["index"], *other, code=1)
        assert "«Kho tỉnh»" in gone.err
        assert str(archive) not in gone.err
        assert gone.err.count("Kho tỉnh") == 1
        assert "kho lưu trữ «Kho tỉnh»" in run("fetch", sent["index"], *other, "--lang", "vi", code=1).err

    out = tmp_path / "again.asice"
    run("log", "container", sent["index"], "--from", archive, "--out", out)
    assert run("verify", out, receipt, "--data", data, "--json").json["holds"]
    by_digest = run(
        *("log", "container", sha256(out.read_bytes()).hexdigest(), "--from", archive),
        *("--out", tmp_path / "third.asice", "--json"),
    ).json
    assert by_digest["size"] == out.stat().st_size
    missing = run("log", "container", 99, "--from", archive, "--out", out, "--json", code=1)
    assert json.loads(missing.err)["code"] == "not-in-archive"
    run("log", "container", "abc", "--from", archive, "--out", out, code=2)
