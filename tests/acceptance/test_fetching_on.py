"""One message that cannot be unpacked must not keep an agency from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.exchange.province import COMMUNE, DEPARTMENT, RunningHub, TestProvince
from typer.testing import CliRunner

from lienthong.cli.app import app
from lienthong.exchange.edxml.model import Reference
from lienthong.exchange.edxml.writer import write
from lienthong.trust import asic
from lienthong.trust.asic import Entry

TWINS = (("files/a/x.pdf", "application/pdf", b"1"), ("files/b/x.pdf", "application/pdf", b"2"))
JUNK = (("files.p7m", "application/pkcs7-mime", b"no sealed file" * 20),)


@pytest.mark.parametrize("files", [TWINS, JUNK], ids=["two-of-one-name", "sealed-junk"])
def test_fetching_everything_goes_on_after_one_that_cannot_be_unpacked(
    new_province: Callable[[], TestProvince],
    tmp_path: Path,
    files: tuple[tuple[str, str, bytes], ...],
) -> None:
    with RunningHub(new_province()) as hub:
        _fetch_everything(hub, tmp_path, files)


def _fetch_everything(hub: RunningHub, tmp_path: Path, files: tuple[tuple[str, str, bytes], ...]) -> None:
    province = hub.province
    province.write_profiles(hub.url)
    (province.data / "secrets").mkdir(exist_ok=True)
    (province.data / "secrets/passphrase").write_bytes(b"a passphrase for tests alone")
    entries = [Entry(*one) for one in files]
    references = tuple(Reference(one.name, one.media_type, one.name.rpartition("/")[2]) for one in entries)
    hostile = replace(province.document(DEPARTMENT, [COMMUNE]), references=references)
    container = asic.write(
        [Entry("edoc.xml", "text/xml", write(hostile)), *entries],
        province.seals[DEPARTMENT],
        signing_time=datetime.now(UTC),
    )
    assert container is not None
    first = hub.post(DEPARTMENT, container).json()["index"]
    honest = hub.send(province.document(DEPARTMENT, [COMMUNE], number="2")).json()["index"]
    out = tmp_path / "out"
    shell = ["--into", str(out), "--as", COMMUNE, "--data", str(province.data)]
    result = CliRunner().invoke(app, ["fetch", "--all", *shell])
    pending = [item["index"] for item in hub.get(COMMUNE, "/v1/inbox?pending=1").json()["items"]]
    assert honest not in pending, (result.output, result.exception)
    assert result.exit_code == (1 if files is JUNK else 0), result.output
    again = CliRunner().invoke(app, ["fetch", str(first), str(honest), *shell])
    assert again.exit_code == result.exit_code, again.output
    if files is TWINS:
        assert {path.name: path.read_bytes() for path in (out / str(first)).iterdir()} == {
            "x.pdf": b"1",
            "x-2.pdf": b"2",
        }
        (out / str(first) / "x.pdf").write_bytes(b"mine")
        assert CliRunner().invoke(app, ["fetch", str(first), *shell]).exit_code != 0
        assert (out / str(first) / "x.pdf").read_bytes() == b"mine"
