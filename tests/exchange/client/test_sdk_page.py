"""The programs in docs/howto/use-the-client.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.exchange.province import COMMUNE, PROVINCE, RunningHub, TestProvince

from lienthong.exchange.client import Client

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "use-the-client.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_the_page_sends_once_and_receives(
    province: TestProvince,
    hub: RunningHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    province.write_profiles(hub.url)
    monkeypatch.chdir(province.data)
    Path("118.pdf").write_bytes(b"%PDF-1.7 noi dung")
    sending, receiving = PROGRAMS
    for _ in range(2):
        exec(compile(sending, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith("sent ")
    index = int(first.split()[1])
    for _ in range(2):
        exec(compile(receiving, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    assert Path(f"incoming/{index}/118-UBND-KTN.pdf").read_bytes() == b"%PDF-1.7 noi dung"
    with Client(province.data / "agencies" / PROVINCE) as client:
        states = {line.recipient: line.state for line in client.trace(index).deliveries}
    assert states[COMMUNE] == "01"
