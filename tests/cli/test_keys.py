"""An agency's keys from the command line: in files and in a security module, renewed, revoked, watched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import AUDIT, COMMUNE, FINANCE, PROVINCE, Served

from lienthong.exchange.client import Client
from lienthong.exchange.client.profile import load_profile

PIN = "12345678"


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The SoftHSM2 module with a token ``so-tai-chinh``, and the environment it needs."""
    module = next(
        path
        for pattern in ("softhsm/libsofthsm2.so", "*/softhsm/libsofthsm2.so")
        for path in sorted(Path("/usr/lib").glob(pattern))
    )
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf"), "LIENTHONG_PIN": PIN}
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "so-tai-chinh", "--pin", PIN, "--so-pin", PIN],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    yield module, environment


def test_an_agency_whose_keys_never_leave_their_token_sends_and_opens(
    served: Served, softhsm: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    module, environment = softhsm
    folder = tmp_path / "so-tai-chinh"
    folder.mkdir()
    tables = ""
    for use in ("seal", "encryption", "tls"):
        token = ("--module", module, "--token", "so-tai-chinh", "--label", use)
        served.run("keys", "new", *token, **environment)
        request = folder / f"{use}.csr"
        served.run(
            "keys",
            "request",
            *token,
            "--out",
            request,
            "--name",
            "Sở Tài chính",
            "--code",
            FINANCE,
            **environment,
        )
        served.run(
            *("keys", "issue", request, "--agency", FINANCE, "--use", use),
            *("--out", folder / f"{use}.pem", "--data", served.data),
        )
        tables += (
            f'\n[{use}]\ncertificate = "{use}.pem"\n'
            f'pkcs11 = {{ module = "{module}", token = "so-tai-chinh", key = "{use}" }}\n'
        )
    shared = served.data / "agencies" / "hub.toml"
    (folder / "agency.toml").write_text(
        f'code = "{FINANCE}"\nname = "Sở Tài chính"\ninclude = "{shared}"\n{tables}'
    )
    assert not list(folder.glob("*.key"))
    letter = tmp_path / "thu.txt"
    letter.write_text("Kính gửi")
    options = ("--number", "1", "--notation", "STC-NS", "--subject", "Về việc ngân sách", "--json")
    sent = None
    while sent is None or sent.code:  # the hub looks for a changed directory every 2 s
        sent = served.run("send", letter, "--as", folder, "--to", COMMUNE, *options, code=None, **environment)
    index = sent.json["index"]
    [fetched] = served.run("fetch", index, "--as", COMMUNE, "--data", served.data, "--json").json
    assert fetched["sender"] == FINANCE

    (served.data / "agencies" / PROVINCE / "directory.p7m").unlink(missing_ok=True)
    sealed = served.run(
        *("send", letter, "--seal", "--as", PROVINCE, "--to", FINANCE, "--data", served.data),
        *("--number", "2", "--notation", "UBND-TH", "--subject", "Về việc dự toán", "--json"),
    ).json
    out = tmp_path / "out"
    served.run("fetch", sealed["index"], "--as", folder, "--into", out, **environment)
    assert (out / str(sealed["index"]) / "thu.txt").read_text() == "Kính gửi"


def test_what_was_sealed_to_former_keys_still_opens_after_renewal(served: Served, tmp_path: Path) -> None:
    letter = tmp_path / "thu.txt"
    letter.write_text("niêm phong")
    options = ("--notation", "UBND-NC", "--subject", "Về việc nhân sự", "--json", "--data", served.data)
    before = served.run(
        "send", letter, "--seal", "--as", PROVINCE, "--to", COMMUNE, "--number", "7", *options
    ).json
    old = load_profile(served.data / "agencies" / COMMUNE).seal.certificate
    served.run("keys", "renew", "--agency", COMMUNE, "--data", served.data)
    profile = load_profile(served.data / "agencies" / COMMUNE)
    assert profile.seal.certificate != old
    assert len(profile.encryption) == 2
    fetched = None
    while fetched is None or fetched.code:
        fetched = served.run(
            *("fetch", before["index"], "--as", COMMUNE, "--data", served.data),
            *("--into", tmp_path / "out", "--json"),
            code=None,
        )
    assert Path(fetched.json[0]["written"][0]).read_text() == "niêm phong"
    served.run("report", before["index"], "01", "--as", COMMUNE, "--data", served.data)
    with Client(served.data / "agencies" / PROVINCE) as client:
        assert client.trace(before["index"]).deliveries[0].state == "01"


def test_a_key_file_is_made_encrypted_and_never_over_another(served: Served, tmp_path: Path) -> None:
    key = tmp_path / "seal.key"
    served.run("keys", "new", "--key", key, LIENTHONG_PASSPHRASE="a long passphrase")
    assert b"ENCRYPTED PRIVATE KEY" in key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    again = served.run("keys", "new", "--key", key, code=2, LIENTHONG_PASSPHRASE="x")
    assert "already" in again.err
    assert "LIENTHONG_PASSPHRASE" in served.run("keys", "new", "--key", tmp_path / "b.key", code=2).err


def test_a_request_for_an_unknown_agency_or_use_is_refused(served: Served, tmp_path: Path) -> None:
    key, request = tmp_path / "k.key", tmp_path / "k.csr"
    passphrase = {"LIENTHONG_PASSPHRASE": "a long passphrase"}
    served.run("keys", "new", "--key", key, **passphrase)
    served.run("keys", "request", "--key", key, "--out", request, "--name", "Ai đó", **passphrase)
    issue = ("keys", "issue", request, "--out", tmp_path / "k.pem", "--data", served.data)
    assert "knows nobody" in served.run(*issue, "--agency", "H61.99", "--use", "seal", code=1).err
    assert "encryption" in served.run(*issue, "--agency", FINANCE, "--use", "stamp", code=2).err
    request.write_text("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")
    assert "cannot be read" in served.run(*issue, "--agency", FINANCE, "--use", "seal", code=1).err


def test_certificates_that_end_soon_are_told_with_exit_code_1(served: Served) -> None:
    soon = served.run("keys", "list", "--expiring", "400", "--json", "--data", served.data, code=1).json
    assert {row["use"] for row in soon} == {"tls-client", "tls-server", "ocsp"}
    assert served.run("keys", "list", "--expiring", "30", "--json", "--data", served.data).json == []


def test_a_revoked_certificate_is_in_the_crl_and_out_of_the_directory(served: Served) -> None:
    from cryptography import x509

    rows = served.run("keys", "list", "--agency", AUDIT, "--json", "--data", served.data).json
    [seal] = [row for row in rows if row["use"] == "seal"]
    short = served.run("keys", "revoke", seal["serial"][:4], "--data", served.data, code=1)
    assert "keys list" in short.err
    served.run("keys", "revoke", seal["serial"], "--reason", "superseded", "--data", served.data)
    crl = x509.load_der_x509_crl((served.data / "pki" / "crl" / "issuing.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(int(seal["serial"], 16)) is not None
    rows = served.run("keys", "list", "--agency", AUDIT, "--json", "--data", served.data).json
    assert [row["state"] for row in rows if row["serial"] == seal["serial"]] == ["revoked (superseded)"]
    shown = served.run("registry", "show", AUDIT, "--json", "--data", served.data).out
    assert seal["fingerprint"] in shown
