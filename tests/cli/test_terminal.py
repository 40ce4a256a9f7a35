"""What comes from outside is shown on a terminal and never obeyed by it."""

from __future__ import annotations

import json
import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from tests.cli.conftest import PROVINCE, Served
from tests.cli.test_backup import receipted, send

from lienthong.cli.output import print_json
from lienthong.cli.terminal import SteadyConsole, shown, shown_json
from lienthong.exchange.client import Client

STEERING = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe\u2066\r\b\x7f"
OTHER = ("Cf", "Cn", "Co", "Cs")
"""Soft hyphens, joiners, what is not assigned: not printable, and harmless."""
OWN = re.compile(r"\x1b\[[0-9;]*m")


@given(st.text(max_size=60))
def test_nothing_shown_steers_and_plain_text_stays(text: str) -> None:
    assert all(ch.isprintable() or ch.isspace() or category(ch) in OTHER for ch in shown(text))
    assert "\x1b" not in shown(text) and "\x9b" not in shown(text) and "\u202e" not in shown(text)
    if text.isprintable():
        assert shown(text) == text


@given(st.recursive(st.text(max_size=20), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_for_a_terminal_is_the_same_json(value: object) -> None:
    assert json.loads(shown_json(json.dumps(value, ensure_ascii=False, indent=2))) == value


def test_a_text_inside_tables_and_markup_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console = SteadyConsole(force_terminal=True, width=200)
    grid = Table(title=STEERING)
    grid.add_column(STEERING)
    grid.add_row(escape(STEERING))
    console.print(grid)
    console.print(f"[bold]{escape(STEERING)}[/]")
    console.print(STEERING, style="red", markup=False)
    print_json({"subject": STEERING})
    said = OWN.sub("", capsys.readouterr().out)
    assert "txt.exe" in said
    assert not [ch for ch in STEERING if ch in said and not ch.isprintable()]


def test_hostile_evidence_steers_no_terminal(served: Served) -> None:
    with Client(served.data / "agencies" / PROVINCE) as client:
        send(client, 7001)
    *_, (_, _, kept) = receipted(served.data).values()
    receipt = json.loads(kept)
    for field in ("sender", "id", "document", "staff"):
        receipt["leaf"][field] = STEERING
    hostile = served.data.parent / f"hostile{STEERING[:4]}.json"
    hostile.write_text(json.dumps(receipt))
    for more in ([], ["--json"]):
        done = served.run("verify", "--data", served.data, hostile, *more, code=1)
        for ch in STEERING:
            assert ch.isprintable() or ch not in done.out + done.err
