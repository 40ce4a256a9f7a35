"""The directory in force changes whole, never backwards, and stops only when it expires."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.registry.directory import Agency, Directory
from lienthong.registry.errors import (
    DirectoryExpired,
    DirectoryRollback,
    SnapshotError,
    SnapshotMissing,
    SnapshotUntrusted,
)
from lienthong.registry.snapshot import DirectoryHolder, sign
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner, write_file

Build = Callable[..., Directory]


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def snapshots(directory_of: Build, directory_signer: FileSigner) -> Callable[[int], bytes]:
    """``snapshots(version)``: version n has n agencies."""

    def make(version: int) -> bytes:
        agencies = (Agency(f"A{at}", name=f"{version}") for at in range(version))
        return sign(directory_of(*agencies, version=version), directory_signer)

    return make


Snapshots = Callable[[int], bytes]


@pytest.fixture
def path(tmp_path: Path, snapshots: Snapshots) -> Path:
    path = tmp_path / "directory.p7m"
    write_file(path, snapshots(2))
    return path


@pytest.fixture
def holder(path: Path, trust: TrustStore, clock: Clock) -> DirectoryHolder:
    return DirectoryHolder(path, trust, clock, look_every_s=0)


def test_a_new_version_comes_into_force_without_a_restart(
    holder: DirectoryHolder, path: Path, snapshots: Snapshots
) -> None:
    before = holder.current()
    write_file(path, snapshots(3))
    assert holder.current().version == 3
    assert before.version == 2, "who holds the old one keeps it whole"


def test_the_file_is_not_read_between_looks(
    path: Path, trust: TrustStore, clock: Clock, snapshots: Snapshots
) -> None:
    holder = DirectoryHolder(path, trust, clock, look_every_s=3600)
    write_file(path, snapshots(3))
    assert holder.current().version == 2
    holder.refresh()
    assert holder.current().version == 3


@pytest.mark.parametrize("bad", [b"", b"nonsense", b"0\x80"])
def test_a_bad_file_leaves_the_old_directory_in_force_and_is_reported(
    holder: DirectoryHolder, path: Path, snapshots: Snapshots, bad: bytes
) -> None:
    write_file(path, bad)
    assert holder.current().version == 2
    assert isinstance(holder.problem, SnapshotUntrusted)
    write_file(path, snapshots(3))
    assert holder.current().version == 3
    assert holder.problem is None


def test_a_file_that_is_gone_is_reported_and_missed_only_at_expiry(
    holder: DirectoryHolder, path: Path, clock: Clock
) -> None:
    path.unlink()
    assert holder.current().version == 2
    assert isinstance(holder.problem, SnapshotMissing)
    clock.now += timedelta(hours=1)
    with pytest.raises(DirectoryExpired):
        holder.current()


def test_an_older_version_is_refused(holder: DirectoryHolder, path: Path, snapshots: Snapshots) -> None:
    write_file(path, snapshots(1))
    assert holder.current().version == 2
    assert isinstance(holder.problem, DirectoryRollback)


def test_another_directory_under_the_same_version_is_refused(
    holder: DirectoryHolder, path: Path, directory_of: Build, directory_signer: FileSigner
) -> None:
    write_file(path, sign(directory_of(Agency("X", name="x"), version=2), directory_signer))
    assert "X" not in holder.current().agencies
    assert isinstance(holder.problem, DirectoryRollback)


def test_putting_the_right_file_back_clears_the_problem(
    holder: DirectoryHolder, path: Path, snapshots: Snapshots
) -> None:
    current = path.read_bytes()
    write_file(path, snapshots(1))
    holder.current()
    write_file(path, current)
    assert holder.current().version == 2
    assert holder.problem is None


def test_two_changes_within_one_tick_of_the_file_systems_clock_are_both_seen(
    path: Path,
    trust: TrustStore,
    clock: Clock,
    snapshots: Snapshots,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Size, inode and times of the second file are those of the first."""
    tick = time.time_ns()
    monkeypatch.setattr("lienthong.registry.snapshot._identity", lambda _: (1, 1, tick, tick))
    holder = DirectoryHolder(path, trust, clock, look_every_s=0)
    for version in (3, 4):
        write_file(path, snapshots(version))
        assert holder.current().version == version


def test_a_file_that_has_rested_is_not_read_again(
    path: Path, trust: TrustStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = time.time_ns() - 10**10
    os.utime(path, ns=(long_ago, long_ago))
    holder = DirectoryHolder(path, trust, clock, look_every_s=0)
    reads: list[Path] = []
    monkeypatch.setattr("lienthong.registry.snapshot._read", reads.append)
    holder.current()
    assert reads == []


def test_an_expired_directory_stops_the_hub_until_a_new_one_is_there(
    holder: DirectoryHolder,
    path: Path,
    clock: Clock,
    directory_of: Build,
    directory_signer: FileSigner,
) -> None:
    clock.now += timedelta(hours=2)
    with pytest.raises(DirectoryExpired):
        holder.current()
    write_file(path, sign(directory_of(version=3, issued_at=clock.now), directory_signer))
    assert holder.current().version == 3


def test_there_is_no_holder_without_a_directory(tmp_path: Path, trust: TrustStore, clock: Clock) -> None:
    with pytest.raises(SnapshotMissing):
        DirectoryHolder(tmp_path / "directory.p7m", trust, clock)


def test_a_directory_that_expired_overnight_does_not_start_the_hub(
    path: Path, trust: TrustStore, clock: Clock
) -> None:
    clock.now += timedelta(days=1)
    with pytest.raises(DirectoryExpired):
        DirectoryHolder(path, trust, clock)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 6) | st.sampled_from([b"", b"bad"]), max_size=12))
def test_whatever_is_put_there_the_version_in_force_is_the_highest_seen(
    path: Path, trust: TrustStore, clock: Clock, snapshots: Snapshots, files: list[int | bytes]
) -> None:
    write_file(path, snapshots(2))
    holder = DirectoryHolder(path, trust, clock, look_every_s=0)
    highest = 2
    for file in files:
        write_file(path, snapshots(file) if isinstance(file, int) else file)
        highest = max(highest, file) if isinstance(file, int) else highest
        directory = holder.current()
        assert directory.version == highest
        assert len(directory.agencies) == highest


def test_readers_never_see_half_a_change_while_a_writer_publishes(
    holder: DirectoryHolder, path: Path, snapshots: Snapshots
) -> None:
    files = [snapshots(version) for version in range(3, 40)]
    done = threading.Event()
    torn: list[str] = []

    def read() -> None:
        last = 0
        while not done.is_set():
            directory = holder.current()
            names = {agency.name for agency in directory.agencies.values()}
            if directory.version < last or names != {str(directory.version)}:
                torn.append(f"{last} → {directory.version}: {names}")
            last = directory.version

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for data in files:
        write_file(path, data)
    done.set()
    for reader in readers:
        reader.join()
    holder.refresh()
    assert torn == []
    assert holder.current().version == 39
    assert holder.problem is None


def test_a_lower_version_is_refused_after_a_restart_too(
    path: Path, trust: TrustStore, clock: Clock, snapshots: Snapshots
) -> None:
    kept = path.with_name("hub") / "directory.version"
    holder = DirectoryHolder(path, trust, clock, look_every_s=0, highest=kept)
    write_file(path, snapshots(3))
    assert holder.current().version == 3
    assert DirectoryHolder(path, trust, clock, highest=kept).current().version == 3
    write_file(path, snapshots(2))
    with pytest.raises(DirectoryRollback) as error:
        DirectoryHolder(path, trust, clock, highest=kept)
    assert error.value.remedy
    write_file(path, snapshots(4))
    assert DirectoryHolder(path, trust, clock, highest=kept).current().version == 4


def test_another_directory_under_the_highest_version_is_refused_after_a_restart(
    path: Path, trust: TrustStore, clock: Clock, directory_of: Build, directory_signer: FileSigner
) -> None:
    kept = path.with_name("directory.version")
    DirectoryHolder(path, trust, clock, highest=kept)
    write_file(path, sign(directory_of(Agency("X", name="x"), version=2), directory_signer))
    with pytest.raises(DirectoryRollback):
        DirectoryHolder(path, trust, clock, highest=kept)


@pytest.mark.parametrize("bad", [b"", b"7", b"-1 " + b"0" * 64 + b"\n", b"\xff" * 9])
def test_a_damaged_highest_version_is_named_and_not_taken_for_none(
    path: Path, trust: TrustStore, clock: Clock, bad: bytes
) -> None:
    kept = path.with_name("directory.version")
    kept.write_bytes(bad)
    with pytest.raises(SnapshotError) as error:
        DirectoryHolder(path, trust, clock, highest=kept)
    assert error.value.place == str(kept)
