"""A province is made step by step, each one whole: killed anywhere, the next run completes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.shell import open_shell

from lienthong.cli.province import origin_of
from lienthong.exchange.client.profile import load_profile
from lienthong.registry.snapshot import load
from lienthong.trust.certificates import TrustStore
from lienthong.trust.profiles import Profile

AGENCIES = ("H61", "H61.05", "H61.61")

KILL = """
import os, pathlib, signal, sys
wanted, left = sys.argv[1], int(sys.argv[2])
def watched(method):
    def move(self, target):
        global left
        if wanted in str(target):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return method(self, target)
    return move
pathlib.Path.replace = watched(pathlib.Path.replace)
pathlib.Path.rename = watched(pathlib.Path.rename)
pathlib.Path.hardlink_to = watched(pathlib.Path.hardlink_to)
sys.argv = ["lienthong", *sys.argv[3:]]
from lienthong.cli.app import main
main()
"""
"""Runs a command and ends it as kill -9 would, before the n-th file or folder so named gets its name."""


def init(data: Path, *, kill_at: tuple[str, int] | None = None) -> int:
    arguments = ["init", "--data", str(data), "--seed", "vinhlong-2017", "--json"]
    for agency in AGENCIES:
        arguments += ["--agency", agency]
    program = ["-c", KILL, kill_at[0], str(kill_at[1])] if kill_at else ["-m", "lienthong"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    clean.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run([sys.executable, *program, *arguments], env=clean, capture_output=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def check_whole(data: Path) -> None:
    """Everything a hub and three agencies need is there and fits together."""
    now = datetime.now(UTC)
    trust = TrustStore.from_folder(data / "pki")
    directory = load(data / "directory" / "directory.p7m", trust, now)
    folders = [path for path in (data / "agencies").iterdir() if path.is_dir()]
    assert not [path.name for path in folders if path.name.startswith(".")]
    assert not list(data.glob(".pki.*"))
    assert len(folders) == 3
    for folder in folders:
        profile = load_profile(folder)
        agency = directory.agencies[profile.code]
        assert profile.seal.certificate in [ref.der for ref in agency.seals]
        assert profile.tls.certificate in [ref.der for ref in agency.tls]
        assert profile.encryption[0][1] in [ref.der for ref in agency.encryption]
        assert trust.check(profile.seal.certificate, purpose=Profile.SEAL, at=now).ok
        assert (folder / "seal.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "kill_at",
    [
        ("secrets/.passphrase", 2),
        (".crl", 2),
        ("/pki", 1),
        ("keys/tsa.pem", 1),
        ("agency.toml", 2),
        ("agencies/H61", 1),
        ("directory.p7m", 1),
    ],
    ids=lambda at: f"{at[0]}-{at[1]}",
)
def test_killed_anywhere_the_next_run_completes_the_province(
    tmp_path: Path, kill_at: tuple[str, int]
) -> None:
    data = tmp_path / "province"
    assert init(data, kill_at=kill_at) == -signal.SIGKILL
    assert init(data) == 0
    check_whole(data)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "province"
    assert init(data) == 0
    check_whole(data)

    def contents() -> dict[str, bytes]:
        return {
            str(path.relative_to(data)): path.read_bytes()
            for path in sorted(data.rglob("*"))
            if path.is_file() and "sqlite3" not in path.name
        }

    before = contents()
    assert init(data) == 0
    assert contents() == before


def test_other_users_of_the_machine_read_nothing_that_is_not_public(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    init(data)
    (data / "registry.sqlite3").chmod(0o644)  # as an earlier version left it
    init(data)
    for name in ("registry.sqlite3", "lienthong.toml", "secrets", "keys", "agencies"):
        assert not (data / name).stat().st_mode & 0o077, name


def test_more_agencies_can_be_added_and_the_directory_knows_them(tmp_path: Path) -> None:
    data = tmp_path / "province"
    with open_shell() as run:
        run("init", "--data", data, "--seed", "vinhlong-2017", "--agency", "H61")
        told = run("init", "--data", data, "--agency", "29587", "--json").json
        assert told["profiles"] == ["H61", "H61.62.05"]
        directory = load(
            data / "directory" / "directory.p7m", TrustStore.from_folder(data / "pki"), datetime.now(UTC)
        )
        assert directory.agencies["H61.62.05"].seals
        unknown = run("init", "--data", data, "--agency", "H61.NOBODY", code=1)
        assert "registry list" in unknown.err
        wrong = run("init", "--data", tmp_path / "other", "--seed", "atlantis", code=2)
        assert "vinhlong-2017" in wrong.err
        assert not (tmp_path / "other").exists()


def test_what_runs_out_is_renewed_in_time(tmp_path: Path) -> None:
    data = tmp_path / "province"
    program = """
import sys
from datetime import timedelta
from pathlib import Path
from lienthong.cli.django import use_data_folder
from lienthong.cli import province
from lienthong.core.clock import utc_now
data = Path(sys.argv[1])
use_data_folder(data)
now = utc_now()
print(province.renew(data, now=now), province.renew(data, now=now + timedelta(days=20)))
"""
    with open_shell() as run:
        run("init", "--data", data, "--seed", "vinhlong-2017")
    crl = data / "pki" / "crl" / "issuing.crl"
    old = crl.read_bytes()
    yesterday = datetime.now(UTC) - timedelta(days=1, minutes=1)
    for one in crl.parent.glob("*.crl"):
        os.utime(one, (yesterday.timestamp(), yesterday.timestamp()))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    clean.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-c", program, str(data)], env=clean, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
    assert crl.read_bytes() != old


@pytest.mark.parametrize(
    ("province", "origin"),
    [
        ("Vĩnh Long", "vinh-long.lienthong.example"),
        ("Thành phố Đà Nẵng", "thanh-pho-da-nang.lienthong.example"),
        ("…", "province.lienthong.example"),
    ],
)
def test_a_log_is_named_after_its_province(province: str, origin: str) -> None:
    assert origin_of(province) == origin


def test_the_json_of_init_says_what_an_agency_elsewhere_needs(tmp_path: Path) -> None:
    with open_shell() as run:
        told = run(
            "init", "--data", tmp_path / "p", "--port", "9443", "--host", "hub.tinh.example", "--json"
        ).json
    assert told["hub"] == "https://127.0.0.1:9443"
    assert told["checkpoint_key"].startswith("vinh-long.lienthong.example+")
    assert json.dumps(told)
