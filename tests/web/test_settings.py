"""What the settings promise: secure defaults, secrets kept in the data folder, either database."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lienthong.web import hub
from lienthong.web.deployment import SECRET_FILE, DeploymentError, database, secret_key

SETUP = "import django; django.setup(); from django.conf import settings as s; "


def in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "DJANGO_SETTINGS_MODULE": "lienthong.web.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_load_without_a_data_folder() -> None:
    done = in_a_process(SETUP + "print(s.DEBUG, s.DATABASES['default']['NAME'], len(s.SECRET_KEY) > 50)")
    assert done.stdout.split() == ["False", ":memory:", "True"], done.stderr


def test_a_data_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = in_a_process(SETUP, LIENTHONG_DATA=str(tmp_path / "absent"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "absent").exists()


def test_djangos_own_deployment_check_finds_nothing(tmp_path: Path) -> None:
    done = in_a_process(
        "from django.core.management import execute_from_command_line as run;"
        "run(['django', 'check', '--deploy', '--fail-level', 'WARNING'])",
        LIENTHONG_WEB_HTTPS="1",
        LIENTHONG_DATA=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == [SECRET_FILE.name]


def test_of_two_first_starts_one_key_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets").mkdir()
    other = "k" * 60
    real = Path.hardlink_to

    def beaten(self: Path, target: Path) -> None:
        self.write_text(other)
        real(self, target)

    monkeypatch.setattr(Path, "hardlink_to", beaten)
    assert secret_key(tmp_path) == other


def test_a_cut_off_secret_key_is_not_used(tmp_path: Path) -> None:
    secret_key(tmp_path)
    (tmp_path / SECRET_FILE).write_text("short")
    with pytest.raises(DeploymentError, match="too short"):
        secret_key(tmp_path)


def test_a_postgresql_address_is_taken_apart() -> None:
    entry = database(None, "postgresql://li%40n:p%2Fw@db.example:5433/registry")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "li@n",
        "p/w",
        "db.example",
        "5433",
        "registry",
    )


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "postgresql://h:port/n", "registry"])
def test_an_address_of_something_else_is_refused_with_its_place(url: str) -> None:
    with pytest.raises(DeploymentError) as error:
        database(None, url)
    assert error.value.place == "LIENTHONG_REGISTRY_URL"


def test_the_web_process_writes_the_exchanges_kind_of_log_lines(tmp_path: Path) -> None:
    done = in_a_process(
        "import logging, lienthong.web.wsgi; logging.getLogger('django.request').error('broken')",
        LIENTHONG_DATA=str(tmp_path),
    )
    assert json.loads(done.stderr.splitlines()[-1])["event"] == "broken"


def test_the_hub_is_where_the_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIENTHONG_HUB_URL", raising=False)
    assert hub.address(None) == hub.address(tmp_path) == "http://127.0.0.1:8440"
    for host, tls, url in (
        ("127.0.0.1", "false", "http://127.0.0.1:9000"),
        ("0.0.0.0", "true", "https://127.0.0.1:9000"),  # noqa: S104 - where the hub listens, not we
        ("::", "false", "http://[::1]:9000"),
    ):
        text = f'[hub]\norigin = "x.example"\n[exchange]\nhost = "{host}"\nport = 9000\ntls = {tls}\n'
        (tmp_path / "lienthong.toml").write_text(text)
        assert hub.address(tmp_path) == url
    (tmp_path / "lienthong.toml").write_text("broken")
    assert hub.address(tmp_path) == "http://127.0.0.1:8440"
    monkeypatch.setenv("LIENTHONG_HUB_URL", "https://hub.example/")
    assert hub.address(tmp_path) == "https://hub.example"
