"""`lienthong doctor`: what is wrong with a data folder, each with its remedy, and nothing is changed."""

from __future__ import annotations

import http.server
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.exchange.conftest import NewProvince
from tests.exchange.province import ORIGIN, RunningHub, TestProvince

from lienthong.exchange.server.diagnosis import examine
from lienthong.exchange.server.health import HealthItem
from lienthong.exchange.store.embedded import open_embedded
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.log.notes import NoteSigner


def found(data: Path) -> dict[str, HealthItem]:
    return {one.name: one for one in examine(data)}


def troubles(data: Path) -> dict[str, HealthItem]:
    return {name: one for name, one in found(data).items() if one.state != "ok"}


def test_a_good_folder_is_well_whether_it_is_served_or_not(new_province: NewProvince) -> None:
    province = new_province()
    (province.data / "keys/directory.key").unlink()  # another machine publishes the directory
    assert troubles(province.data) == {}
    before = sorted(path for path in province.data.rglob("*"))
    assert "not serving" in found(province.data)["hub"].detail
    assert sorted(path for path in province.data.rglob("*")) == before

    with RunningHub(province) as hub:
        port = hub.url.rsplit(":", 1)[1]
        text = (province.data / "lienthong.toml").read_text()
        (province.data / "lienthong.toml").write_text(text.replace("port = 0", f"port = {port}", 1))
        assert troubles(province.data) == {}
        assert found(province.data)["hub"].detail == f"serves at {hub.url}"


def no_configuration(province: TestProvince) -> None:
    (province.data / "lienthong.toml").unlink()


def wrong_key(province: TestProvince) -> None:
    text = (province.data / "lienthong.toml").read_text()
    (province.data / "lienthong.toml").write_text(text + "\n[limits]\nmessage_byte = 1\n")


def open_secret(province: TestProvince) -> None:
    (province.data / "secrets/passphrase").chmod(0o644)


def no_passphrase(province: TestProvince) -> None:
    (province.data / "secrets/passphrase").unlink()


def wrong_passphrase(province: TestProvince) -> None:
    (province.data / "secrets/passphrase").write_text("another")


def not_utf_8(province: TestProvince) -> None:
    (province.data / "lienthong.toml").write_bytes(b'[hub]\norigin = "\xff"\n')


def not_toml(province: TestProvince) -> None:
    (province.data / "lienthong.toml").write_text("[hub\n")


def moved_hub(province: TestProvince) -> None:
    (province.data / "agencies").mkdir(exist_ok=True)
    (province.data / "agencies/hub.toml").write_text('hub = "https://127.0.0.1:1"\n')


def no_registry(province: TestProvince) -> None:
    assert (province.data / "keys/directory.key").exists()


def empty_registry(province: TestProvince) -> None:
    (province.data / "registry.sqlite3").write_bytes(b"")


def older_registry(province: TestProvince) -> None:
    with closing(sqlite3.connect(province.data / "registry.sqlite3")) as database:
        database.execute("CREATE TABLE registry_agency (code)")
        database.execute("INSERT INTO registry_agency VALUES ('H61')")
        database.execute("CREATE TABLE registry_publication (version)")
        database.commit()


def damaged_registry(province: TestProvince) -> None:
    (province.data / "registry.sqlite3").write_bytes(b"no database" * 99)


def cut_log(province: TestProvince) -> None:
    hub = province.data / "hub"
    open_embedded(hub, ORIGIN, checkpoint_signer(province.log)).close()
    segment = hub / "segments/00000001.log"
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size - 8)


def another_log(province: TestProvince) -> None:
    key = NoteSigner.generate("other.example/log").skey
    (province.data / "keys/checkpoint.key").write_text(key)


def public_half_lost(province: TestProvince) -> None:
    (province.data / "keys/checkpoint.vkey").write_text(NoteSigner.generate(ORIGIN).key.vkey)


def no_anchor(province: TestProvince) -> None:
    (province.data / "pki/anchors/root.pem").unlink()


def stale_lists(province: TestProvince) -> None:
    province.ca.publish_crls(now=datetime.now(UTC) - timedelta(days=300))


def broken_list(province: TestProvince) -> None:
    (province.data / "pki/crl/broken.crl").write_bytes(b"no list")


def key_and_certificate_apart(province: TestProvince) -> None:
    (province.data / "keys/tsa.pem").write_bytes((province.data / "keys/ocsp.pem").read_bytes())


def expired_directory(province: TestProvince) -> None:
    province.publish(issued_at=datetime.now(UTC) - timedelta(days=3), valid_for=timedelta(days=1))


def directory_about_to_expire(province: TestProvince) -> None:
    province.publish(valid_for=timedelta(hours=2))


def damaged_directory(province: TestProvince) -> None:
    (province.data / "directory/directory.p7m").write_bytes(b"nothing")


def open_to_the_world(province: TestProvince) -> None:
    text = (province.data / "lienthong.toml").read_text()
    (province.data / "lienthong.toml").write_text(text.replace('"127.0.0.1"', '"0.0.0.0"', 1))


def no_name(province: TestProvince) -> None:
    open_to_the_world(province)
    text = (province.data / "lienthong.toml").read_text()
    (province.data / "lienthong.toml").write_text(text.replace("tls = false", "tls = true"))


def another_name(province: TestProvince) -> None:
    text = (province.data / "lienthong.toml").read_text()
    changed = text.replace("tls = false", 'tls = true\npublic_url = "https://hub.example"')
    (province.data / "lienthong.toml").write_text(changed)


def no_tsa(province: TestProvince) -> None:
    province.configure(timestamps='authority = "http://127.0.0.1:9/tsa"\nbudget_s = 0.5')


def no_database(province: TestProvince) -> None:
    text = (province.data / "lienthong.toml").read_text()
    dsn = 'engine = "postgresql"\ndsn = "postgresql://x@127.0.0.1:9/none"'
    (province.data / "lienthong.toml").write_text(text.replace('engine = "embedded"', dsn))


@pytest.mark.parametrize(
    ("harm", "check", "state", "remedy"),
    [
        (no_configuration, "configuration", "failing", "lienthong init"),
        (wrong_key, "configuration", "failing", "message_bytes"),
        (open_secret, "secrets", "warning", "chmod 600"),
        (no_passphrase, "passphrase", "failing", "LIENTHONG_PASSPHRASE"),
        (wrong_passphrase, "passphrase", "failing", "secrets/passphrase back from a backup"),
        (not_utf_8, "configuration", "failing", "save it as UTF-8"),
        (not_toml, "configuration", "failing", "correct that line"),
        (no_registry, "registry", "warning", "from a backup"),
        (empty_registry, "registry", "warning", "from a backup"),
        (older_registry, "registry", "warning", "newest one"),
        (damaged_registry, "registry", "failing", "from a backup"),
        (cut_log, "store", "failing", "restore the segments from a backup"),
        (another_log, "log key", "failing", "other.example/log"),
        (public_half_lost, "log key", "warning", "keys/checkpoint.vkey"),
        (no_anchor, "trust", "failing", "lienthong init"),
        (stale_lists, "revocation", "warning", "publishes them anew"),
        (broken_list, "revocation", "warning", "publishes them anew"),
        (key_and_certificate_apart, "key tsa", "failing", "side by side"),
        (expired_directory, "directory", "failing", "publish"),
        (directory_about_to_expire, "directory", "warning", "publish"),
        (damaged_directory, "directory", "failing", "publish"),
        (open_to_the_world, "network", "failing", "tls = true"),
        (no_name, "network", "failing", "public_url"),
        (moved_hub, "profiles", "warning", "lienthong init"),
        (another_name, "TLS name", "failing", "--service tls-server --host hub.example"),
        (no_tsa, "timestamps", "warning", "accepted without it"),
        (no_database, "store", "failing", "dsn"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_each_trouble_is_found_and_its_remedy_named(
    new_province: NewProvince,
    harm: Callable[[TestProvince], None],
    check: str,
    state: str,
    remedy: str,
) -> None:
    province = new_province()
    harm(province)
    item = troubles(province.data)[check]
    assert item.state == state
    assert remedy in item.remedy


class Pages(http.server.BaseHTTPRequestHandler):
    """Some program with pages of its own."""

    title = "Welcome"

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()
        self.wfile.write(f"<title>{self.title}</title>".encode())

    def log_message(self, *_: object) -> None:
        pass


class WebPages(Pages):
    title = "Không có trang này. – Liên Thông"


@contextmanager
def another_program(province: TestProvince, table: str, pages: type[Pages] = Pages) -> Iterator[None]:
    """A program that has the port of [exchange] or [web]."""
    with http.server.HTTPServer(("127.0.0.1", 0), pages) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        set_port(province, table, other.server_port)
        try:
            yield
        finally:
            other.shutdown()


def set_port(province: TestProvince, table: str, port: int) -> None:
    path = province.data / "lienthong.toml"
    before, after = path.read_text().split(f"[{table}]", 1)
    path.write_text(f"{before}[{table}]" + after.replace("port = 0", f"port = {port}", 1))


def test_something_else_on_the_port_is_told_apart_from_a_hub(new_province: NewProvince) -> None:
    province = new_province()
    with another_program(province, "exchange"):
        item = troubles(province.data)["hub"]
    assert item.state == "failing"
    assert "not a hub" in item.detail


def test_something_else_on_the_web_s_port_is_found_before_serve_refuses(new_province: NewProvince) -> None:
    province = new_province()
    with another_program(province, "web"):
        item = troubles(province.data)["web"]
    assert item.state == "failing"
    assert "not the hub's web" in item.detail
    assert "write another port into [web] port" in item.remedy
    assert "is free" in found(province.data)["web"].detail


def test_a_web_without_its_hub_may_be_another_province_s(new_province: NewProvince) -> None:
    province = new_province()
    with another_program(province, "web", WebPages):
        item = troubles(province.data)["web"]
        assert item.state == "warning"
        assert "the hub is not running" in item.detail
        with RunningHub(province) as hub:
            set_port(province, "exchange", int(hub.url.rsplit(":", 1)[1]))
            assert found(province.data)["web"].detail.startswith("serves at ")


def test_a_web_that_is_switched_off_needs_no_port(new_province: NewProvince) -> None:
    province = new_province()
    with another_program(province, "web"):
        path = province.data / "lienthong.toml"
        path.write_text(path.read_text().replace("[web]\n", "[web]\nenabled = false\n"))
        assert "web" not in found(province.data)


@pytest.mark.slow
def test_the_command_ends_with_one_when_the_folder_cannot_be_served(new_province: NewProvince) -> None:
    province = new_province()
    command = [sys.executable, "-m", "lienthong", "doctor", "--data", str(province.data)]
    well = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert well.returncode == 0, well.stderr
    assert "! 17 of 18 checks are well; 0 failing, 1 to look at" in well.stdout
    damaged_directory(province)
    ill = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    assert ill.returncode == 1
    assert "✓ " not in subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    body = json.loads(ill.stdout)
    assert body["state"] == "failing"
    assert {"name", "state", "detail", "remedy"} == set(body["checks"][0])
