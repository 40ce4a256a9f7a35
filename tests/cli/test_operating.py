"""Running a hub from the command line: what is missing is said, nothing is made unasked."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import free_port
from tests.cli.shell import open_shell

from lienthong.exchange.configuration import load

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("operating") / "province"
    with open_shell() as run:
        run(
            *("init", "--data", data, "--seed", "vinhlong-2017", "--no-tls"),
            *("--port", free_port(), "--web-port", free_port()),
        )
    return data


@pytest.fixture
def province(made: Path, tmp_path: Path) -> Iterator[Path]:
    yield shutil.copytree(made, tmp_path / "province")


@pytest.mark.parametrize(
    "command",
    [
        ("registry", "list"),
        ("registry", "check"),
        ("registry", "add", "H61.23", "--name", "x", "--kind", "party"),
    ],
    ids=lambda command: command[1],
)
def test_a_registry_is_not_made_by_looking_for_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    with open_shell() as run:
        done = run(*command, "--data", tmp_path, code=1)
    assert "there is no registry here" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_lost_registry_is_noticed_by_doctor_and_told_by_serve(province: Path) -> None:
    (province / "registry.sqlite3").unlink()
    with open_shell() as run:
        done = run("doctor", "--data", province)
    assert "the published directory names 171 agencies" in " ".join(done.out.split())
    assert done.out.splitlines()[-1].startswith("! ")
    ready = province.with_name("ready.json")
    with subprocess.Popen(
        [sys.executable, "-m", "lienthong", "serve", "--data", province, "--ready-file", ready],
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        while "Ctrl+C" not in (line := serving.stdout.readline()):
            assert line, serving.communicate()[1]
        serving.send_signal(signal.SIGTERM)
        said = serving.communicate(timeout=60)[1]
    assert serving.returncode == 0
    assert "The directory will not be renewed here: there is no registry.sqlite3" in said


def test_serve_speaks_vietnamese_when_asked_to(province: Path) -> None:
    (province / "keys/directory.key").unlink()
    with subprocess.Popen(
        [sys.executable, "-m", "lienthong", "serve", "--data", province, "--lang", "vi"],
        env={**CLEAN, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as serving:
        assert serving.stdout is not None
        lines = [serving.stdout.readline()]
        while "Ctrl+C" not in lines[-1]:
            assert lines[-1], serving.communicate()[1]
            lines.append(serving.stdout.readline())
        serving.send_signal(signal.SIGTERM)
        said = serving.communicate(timeout=60)[1]
    assert serving.returncode == 0
    configuration = load(province)
    banner = " ".join(" ".join(lines).split())
    for words in (
        "đang phục vụ thư mục dữ liệu",
        f"trao đổi văn bản http://127.0.0.1:{configuration.exchange.port} các cơ quan gửi và nhận tại đây",
        f"trang theo dõi http://127.0.0.1:{configuration.web.port} xem bằng trình duyệt",
        "Nhấn Ctrl+C để dừng",
    ):
        assert words in banner
    assert "Máy này không tự ban hành lại danh bạ: không có keys/directory.key ở đây." in " ".join(
        said.split()
    )
    assert "Đã dừng." in said


def test_a_wrong_passphrase_ends_serve_with_2(province: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lienthong", "serve", "--data", province],
        env={**CLEAN, "LIENTHONG_PASSPHRASE": "another"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "the passphrase does not open this key" in done.stderr


@pytest.mark.parametrize(
    "only", [(), ("--only", "exchange"), ("--only", "web")], ids=("both", "exchange", "web")
)
def test_a_port_that_is_taken_is_named_with_the_key_that_chooses_another(
    province: Path, only: tuple[str, ...]
) -> None:
    table = "web" if "web" in only else "exchange"
    configuration = load(province)
    port = (configuration.web if table == "web" else configuration.exchange).port
    with socket.create_server(("127.0.0.1", port)), open_shell() as run:
        english = run("serve", "--data", province, *only, code=2, LIENTHONG_LANG="en").err
        vietnamese = run("serve", "--data", province, *only, code=2, LIENTHONG_LANG="vi").err
    told = " ".join(english.split())
    assert f"port {port} of 127.0.0.1 is taken by another process" in told
    assert f"sport = :{port}" in told
    assert f"lienthong.toml: [{table}] port" in told
    assert ("lienthong init --data" in told) == (table == "exchange"), "the agencies call the exchange alone"
    assert "Traceback" not in english + vietnamese
    told = " ".join(vietnamese.split())
    assert f"cổng {port} của 127.0.0.1 đang có chương trình khác sử dụng" in told
    assert "đặt số cổng khác ở mục nêu trên" in told
