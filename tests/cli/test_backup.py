"""A backup taken while serving holds every receipt given before it began; a restored one is proved whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import COMMUNE, FINANCE, PROVINCE, Served

from lienthong.exchange.client import Client
from lienthong.exchange.client.build import compose
from lienthong.exchange.client.outbox import Outbox
from lienthong.exchange.client.receipt import check_receipt
from lienthong.exchange.configuration import load
from lienthong.exchange.container import File
from lienthong.exchange.server.process import open_store
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.log.notes import NoteKey, NoteSigner


def send(client: Client, number: int, content: bytes = b"noi dung") -> None:
    document = compose(
        client.profile,
        to=[COMMUNE, FINANCE],
        subject="Về việc thử",
        number=str(number),
        notation="UBND-TH",
        promulgated=datetime.now(UTC).date(),
    )
    row = client.send(
        document, [File("a.bin", "application/octet-stream", content)], message_id=f"b-{number}"
    )
    assert row.state == "sent", row.problem


def receipted(data: Path) -> dict[str, tuple[int, bytes, bytes]]:
    """Message id → index, digest, receipt of everything the province's outbox calls sent."""
    outbox = Outbox(data / "agencies" / PROVINCE / "outbox.sqlite3")
    rows = outbox.rows("sent", limit=10_000)
    outbox.close()
    return {
        row.message_id: (row.log_index, row.digest, row.receipt)
        for row in rows
        if row.log_index is not None and row.receipt is not None
    }


@pytest.fixture(scope="module")
def saved(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A backup taken while documents are being sent, and what had a receipt when it began."""
    target = tmp_path_factory.mktemp("backups") / "monday"
    with Client(served.data / "agencies" / PROVINCE) as client, ThreadPoolExecutor(1) as pool:
        for number in range(12):
            send(client, number, os.urandom(2_500_000) if number % 5 == 0 else b"x" * 500 * number)
        with Client(served.data / "agencies" / COMMUNE) as clerk:
            clerk.fetch(0)
            clerk.acknowledge([0])
        before = set(receipted(served.data))
        backing_up = pool.submit(served.run, "backup", "--data", served.data, "--to", target)
        number = 100
        while not backing_up.done():
            send(client, number, os.urandom(1_200_000) if number % 7 == 0 else b"y")
            number += 1
        backing_up.result()
    assert number > 100
    return target, before


def test_everything_that_had_a_receipt_is_in_the_restored_log(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup, before = saved
    restored = tmp_path / "restored"
    told = served.run("restore", backup, "--data", restored, "--json").json
    assert told["records"] >= len(before)
    configuration = load(restored)
    signer = NoteSigner.parse((restored / "keys" / "checkpoint.key").read_text())
    store = open_store(configuration, checkpoint_signer(signer))
    try:
        assert store.tree_size() == told["records"]
        rows = receipted(restored)
        assert before <= set(rows)
        key = NoteKey.parse((restored / "keys" / "checkpoint.vkey").read_text().strip())
        for message_id, (index, digest, receipt) in rows.items():
            record = store.record(index)
            assert record is not None and (record.message_id, record.digest) == (message_id, digest)
            assert store.receipt(index) == receipt
            check_receipt(receipt, key, digest=digest)
    finally:
        store.close()
    served.run("log", "check", "--data", restored)
    served.run("registry", "check", "--data", restored, code=None)
    assert (restored / "secrets" / "passphrase").stat().st_mode & 0o777 == 0o600
    assert (restored / "agencies" / COMMUNE / "inbox" / "00000000.asice").exists()


def test_a_restored_province_serves_and_the_agencies_go_on(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup, _ = saved
    restored = tmp_path / "restored"
    served.run("restore", backup, "--data", restored)
    text = (restored / "lienthong.toml").read_text()
    import re

    (restored / "lienthong.toml").write_text(re.sub(r"port = \d+", "port = 0", text))
    ready_read, ready_write = os.pipe()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    hub = subprocess.Popen(
        [sys.executable, "-m", "lienthong.exchange.server", str(restored)],
        env={**clean, "LIENTHONG_READY_FD": str(ready_write)},
        pass_fds=(ready_write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(ready_write)
    try:
        url = json.loads(os.read(ready_read, 4096))["url"]
        shared = restored / "agencies" / "hub.toml"
        shared.write_text(re.sub(r'hub = "[^"]*"', f'hub = "{url}"', shared.read_text()))
        with Client(restored / "agencies" / PROVINCE) as client:
            send(client, 900)
            assert client.trace(0).record.index == 0
    finally:
        os.close(ready_read)
        hub.send_signal(signal.SIGTERM)
        hub.wait(60)


def test_a_second_backup_into_the_same_folder_takes_what_is_new(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup = tmp_path / "again"
    shutil.copytree(saved[0], backup)
    container = next((backup / "agencies" / COMMUNE / "inbox").glob("*.asice"))
    inode = container.stat().st_ino
    with Client(served.data / "agencies" / PROVINCE) as client:
        send(client, 500)
    told = served.run("backup", "--data", served.data, "--to", backup, "--json").json
    assert container.stat().st_ino == inode
    restored = tmp_path / "restored"
    served.run("restore", backup, "--data", restored)
    assert "b-500" in receipted(restored)
    assert told["records"] > json.loads((saved[0] / "backup.json").read_text())["records"]


@pytest.mark.parametrize(
    "place", ["hub/segments", "hub/blobs", "agencies", "pki/root/ca.key", "registry.sqlite3"]
)
@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_damaged_backup_is_refused_by_the_name_of_the_file(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path, place: str, harm: str
) -> None:
    backup = tmp_path / "damaged"
    shutil.copytree(saved[0], backup)
    there = backup / place
    victim = there if there.is_file() else next(path for path in sorted(there.rglob("*")) if path.is_file())
    if harm == "remove":
        victim.unlink()
    else:
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    refused = served.run("restore", backup, "--data", tmp_path / "restored", code=1)
    assert victim.name in "".join(refused.err.split())
    assert not (tmp_path / "restored").exists()
    assert list(tmp_path.iterdir()) == [backup]


def test_an_interrupted_backup_is_not_a_backup(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup = tmp_path / "interrupted"
    shutil.copytree(saved[0], backup)
    (backup / "backup.json").unlink()
    refused = served.run("restore", backup, "--data", tmp_path / "restored", code=1)
    assert "no finished backup" in refused.err
    refused = served.run("backup", "--data", served.data, "--to", backup, code=1)
    assert "holds no backup" in refused.err


def test_nothing_is_ever_restored_over_something(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("mine")
    served.run("restore", saved[0], "--data", tmp_path / "there", code=1)
    assert (tmp_path / "there" / "file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    served.run("restore", saved[0], "--data", tmp_path / "empty")
    inside = served.run("backup", "--data", served.data, "--to", served.data / "backup", code=2)
    assert "would be lost with it" in inside.err


def test_a_manifest_cannot_reach_outside_its_folder(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup = tmp_path / "hostile"
    shutil.copytree(saved[0], backup)
    manifest = json.loads((backup / "backup.json").read_text())
    manifest["files"]["../escaped"] = [1, "0" * 64]
    (backup / "backup.json").write_text(json.dumps(manifest))
    refused = served.run("restore", backup, "--data", tmp_path / "restored", code=1)
    assert "is not one" in refused.err


def _manifest(backup: Path, **changes: object) -> None:
    file = backup / "backup.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **changes}))


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "no records": lambda backup: _manifest(backup, records=None),
    "records that are no number": lambda backup: _manifest(backup, records="9"),
    "a checkpoint that is none": lambda backup: _manifest(backup, checkpoint=["x"]),
    "more records than there are": lambda backup: _manifest(backup, records=10**6),
    "an infinite size": lambda backup: _manifest(backup, files={"a": [float("inf"), "0" * 64]}),
    "a name that no disk takes": lambda backup: _manifest(backup, files={"a\0b": [0, "0" * 64]}),
    "half a character": lambda backup: _manifest(backup, files={"\ud800": [0, "0" * 64]}),
    "an unending list": lambda backup: (backup / "backup.json").write_text("[" * 100_000),
    "a pipe": lambda backup: _replace(backup / "lienthong.toml", os.mkfifo),
    "a device": lambda backup: _replace(backup / "lienthong.toml", lambda at: at.symlink_to("/dev/zero")),
    "a pipe for a manifest": lambda backup: _replace(backup / "backup.json", os.mkfifo),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_backup_is_refused_and_leaves_nothing(
    served: Served,
    saved: tuple[Path, set[str]],
    tmp_path: Path,
    spoil: Callable[[Path], object],
) -> None:
    backup = tmp_path / "hostile"
    shutil.copytree(saved[0], backup)
    spoil(backup)
    done = served.run("restore", backup, "--data", tmp_path / "new", code=1)
    assert "fault of the program" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile"]


def test_what_is_no_container_of_the_store_is_left_where_it_is(
    served: Served, saved: tuple[Path, set[str]], tmp_path: Path
) -> None:
    backup = tmp_path / "odd"
    shutil.copytree(saved[0], backup)
    (backup / "hub" / "blobs" / "zz").mkdir()
    (backup / "hub" / "blobs" / "zz" / "notes.txt").write_text("x")
    served.run("restore", backup, "--data", tmp_path / "new")
    assert not (tmp_path / "new" / "hub" / "blobs" / "zz").exists()
