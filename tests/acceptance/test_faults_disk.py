"""Disks that are full, too small or read-only under a running hub: nothing is receipted that is not kept,
the reason and the remedy are told, reading goes on, and with room it accepts again by itself.
"""

from __future__ import annotations

import errno
import os
import resource
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.acceptance.hostility import checks, connect, head, problem, until_closed, wait_for
from tests.acceptance.processes import HubProcess, namespace
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, DEPARTMENT, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.container import File
from lienthong.exchange.server import bodies
from lienthong.exchange.store.embedded.files import Files
from lienthong.trust.asic import MIMETYPE

MEBIBYTE = 1 << 20
mounts = pytest.mark.skipif(not namespace(), reason="this user may not mount in a namespace of its own")


def tmpfs(province: TestProvince, size: int) -> str:
    place = province.data / "hub"
    place.mkdir(exist_ok=True)
    return f"mount -t tmpfs -o size={size}m none {place}"


def large(size: int) -> list[File]:
    return [File("ban-do.bin", "application/octet-stream", os.urandom(size))]


def fill(folder: Path, leave: int) -> Path:
    """A file that leaves ``leave`` bytes free; with 0, whatever else is being written."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        if leave:
            found = os.statvfs(folder)
            os.posix_fallocate(stream.fileno(), 0, found.f_bavail * found.f_frsize - leave)
            return filler
        block = bytes(MEBIBYTE)
        with suppress(OSError):
            while stream.write(block):
                pass
    return filler


def receipted(hub: RunningHub, answers: list[httpx.Response]) -> None:
    """Every receipt given is still the hub's word, and the inbox holds exactly those."""
    given = {answer.json()["index"]: answer.content for answer in answers}
    for index, receipt in given.items():
        assert hub.get(PROVINCE, f"/v1/messages/{index}/receipt").content == receipt
    listed = [item["index"] for item in hub.get(COMMUNE, "/v1/inbox?limit=500").json()["items"]]
    assert listed == sorted(given)


def until_refused(hub: RunningHub, given: list[httpx.Response], files: list[File]) -> httpx.Response:
    """Send until the hub refuses; what it accepted before is added to ``given``."""
    for _ in range(60):
        answer = hub.send(hub.province.document(PROVINCE, [COMMUNE]), files=files)
        if answer.status_code != 201:
            return answer
        given.append(answer)
    raise AssertionError("it never refused")


@mounts
@pytest.mark.parametrize("leave", [20 * MEBIBYTE, 0], ids=["below the reserve", "not a byte free"])
@pytest.mark.parametrize("size", [4096, 2_000_000], ids=["small", "large"])
def test_a_full_disk_refuses_with_a_remedy_and_accepts_again_by_itself(
    new_province: NewProvince, leave: int, size: int
) -> None:
    province = new_province()
    province.configure(health="disk_free_bytes = 0")
    folder = province.data / "hub"
    with HubProcess(province, mount=tmpfs(province, 96)) as hub:
        given = [hub.send(province.document(PROVINCE, [COMMUNE])) for _ in range(3)]
        filler = fill(hub.inside(folder), leave)
        answer = until_refused(hub, given, large(size))
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (503, "disk-full")
        assert "free space" in refusal["remedy"] or "tell the operator" in refusal["remedy"]
        assert "retry-after" in answer.headers
        store = checks(hub)["store"]
        assert (hub.http.get("/health/ready").status_code, store["state"]) == (503, "failing")
        assert "MiB are free" in store["detail"] or "no room" in store["detail"]
        receipted(hub, given)
        filler.unlink()
        given.append(hub.send(province.document(PROVINCE, [COMMUNE])))
        assert given[-1].status_code == 201, given[-1].text
        receipted(hub, given)
        wait_for(lambda: hub.http.get("/health/ready").status_code == 200)


@mounts
def test_a_disk_that_fills_while_a_body_arrives_refuses_it_and_leaves_nothing(
    new_province: NewProvince,
) -> None:
    """It would have fitted when it was announced."""
    province = new_province()
    province.configure(health="disk_free_bytes = 0")
    with HubProcess(province, mount=tmpfs(province, 96)) as hub:
        spool = hub.inside(province.data / "hub/spool")
        given = [hub.send(province.document(PROVINCE, [COMMUNE]))]
        container = province.container(province.document(PROVINCE, [COMMUNE]), large(12_000_000))
        lines = (f"Content-Type: {MIMETYPE}", f"Content-Length: {len(container)}", "Connection: close")
        with connect(hub) as connection:
            connection.sendall(head(hub, PROVINCE, "POST /v1/messages", *lines) + container[:3_000_000])
            wait_for(lambda: any(path.stat().st_size > MEBIBYTE for path in spool.iterdir()), "it arrives")
            filler = fill(hub.inside(province.data / "hub"), 0)
            with suppress(ConnectionError):  # refused before all of it was taken
                connection.sendall(container[3_000_000:])
            said = until_closed(connection)
        assert said.startswith(b"HTTP/1.1 503 "), said[:300]
        assert b'"code":"disk-full"' in said and b'"remedy"' in said
        assert list(spool.iterdir()) == []
        receipted(hub, given)
        filler.unlink()
        given.append(hub.post(PROVINCE, container))
        assert given[-1].status_code == 201
        receipted(hub, given)


def test_a_limit_on_the_size_of_files_loses_nothing_that_was_receipted(new_province: NewProvince) -> None:
    """What any user can meet (``ulimit -f``, a quota): the second step of the segment does not fit."""
    province = new_province()
    limit = 12 * MEBIBYTE

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    given: list[httpx.Response] = []
    with HubProcess(province, limit=lower) as hub:
        answer = until_refused(hub, given, large(900_000))
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (503, "disk-full")
        assert refusal["place"] == str(province.data / "hub/segments")
        assert 5 <= len(given) <= 12
        receipted(hub, given)
    with HubProcess(province) as hub:
        receipted(hub, given)
        again = hub.send(province.document(PROVINCE, [COMMUNE]), files=large(900_000))
        assert again.status_code == 201


class ReadOnly(Files):
    """A file system that the kernel has remounted read-only, as it does after an error of the disk."""

    failing = False

    def write(self, fd, buffers, offset):  # type: ignore[no-untyped-def]
        if self.failing:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        super().write(fd, buffers, offset)


def test_a_disk_that_becomes_read_only_stops_accepting_and_not_reading(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        given = [hub.send(province.document(PROVINCE, [COMMUNE])) for _ in range(3)]
        disk = ReadOnly()
        disk.failing = True
        hub.app.hub.store._writer._files = disk  # type: ignore[attr-defined]
        for _ in range(2):
            answer = hub.send(province.document(PROVINCE, [COMMUNE]))
            refusal = problem(answer)
            assert (answer.status_code, refusal["code"]) == (503, "store-failed")
            assert "Read-only file system" in refusal["detail"]
            assert refusal["place"].endswith(".log") and "dmesg" in refusal["remedy"]
        ready = hub.http.get("/health/ready")
        assert (ready.status_code, checks(hub)["store"]["state"]) == (503, "failing")
        assert "Read-only file system" in checks(hub)["store"]["detail"]
        receipted(hub, given)
        index = given[0].json()["index"]
        assert hub.get(COMMUNE, f"/v1/messages/{index}").status_code == 200
        assert hub.http.get("/v1/log/checkpoint").status_code == 200
    with RunningHub(province) as hub:
        given.append(hub.send(province.document(DEPARTMENT, [COMMUNE])))
        assert given[-1].status_code == 201
        assert hub.http.get("/v1/statistics").json()["tree_size"] == 4


@mounts
def test_a_hub_on_a_read_only_disk_does_not_start_and_says_why(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
    place = province.data / "hub"
    stuck = HubProcess(province, mount=f"mount --bind {place} {place} && mount -o remount,ro,bind {place}")
    assert not stuck.start()
    said = stuck.said.read_text()
    assert stuck.process.returncode == 5
    assert "Read-only file system" in said and str(place) in said and "Remedy" in said
    assert "Traceback" not in said


def test_a_write_that_nobody_waits_for_any_more_goes_nowhere(tmp_path: Path) -> None:
    """Given up while its disk was slow: the descriptor may be another file's by then."""
    spool = bodies._Spool(tmp_path / "a.part", 17)
    spool.open()
    spool.discard()
    with (tmp_path / "another").open("wb") as another:
        spool.write([b"not for this file"])
        spool.finish()
        assert another.tell() == 0
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]
