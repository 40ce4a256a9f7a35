"""Coefficients: built in with sources, edited as TOML or CSV, refused by name."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.errors import BadCoefficients

DEFAULT = Coefficients.default()


def test_every_coefficient_has_names_a_unit_a_source_and_a_band():
    for key, each in DEFAULT.items():
        assert each.key == key
        assert each.name_vi and each.name_en and each.unit and each.source
        assert each.low <= each.value <= each.high
        assert each.low < each.high, f"{key} has no band to show the effect of"


@pytest.mark.parametrize("ending", ["toml", "csv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(key=st.sampled_from(sorted(DEFAULT)), part=st.floats(0, 1))
def test_what_is_written_is_read_again(tmp_path, ending, key, part):
    entry = DEFAULT[key]
    value = min(entry.high, entry.low + part * (entry.high - entry.low))
    changed = DEFAULT.with_(key, value, source='agency\'s "own" measurement, 2017')
    path = tmp_path / f"coefficients.{ending}"
    changed.save(path)
    assert dict(Coefficients.load(path)) == dict(changed)


def test_a_file_may_hold_a_few_and_widens_their_bands(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("web_mbps = 2.5\n[document_mb]\nvalue = 0.8\nsource = 'counted in 2016'\n")
    found = Coefficients.load(path)
    assert found.value("web_mbps") == 2.5
    assert found["web_mbps"].high == 2.5
    assert found["document_mb"].source == "counted in 2016"
    assert found["call_minutes"] == DEFAULT["call_minutes"]


def test_a_change_leaves_the_original_alone():
    DEFAULT.with_("web_mbps", 0.9)
    assert DEFAULT.value("web_mbps") == 0.5


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("web_mbp = 1", "web_mbp", "did you mean web_mbps"),
        ("web_mbps = 'fast'", "web_mbps", "number"),
        ("web_mbps = true", "web_mbps", "number"),
        ("web_mbps = -1", "web_mbps", "at least 0"),
        ("max_utilisation = 70", "max_utilisation", "0.25 for 25 %"),
        ("call_blocking = 0", "call_blocking", "between 0 and 1"),
        ("[web_mbps]\nvalue = 1\nlow = 2", "web_mbps", "low ≤ value ≤ high"),
        ("[web_mbps]\nmean = 1", "web_mbps", "value, low, high and source"),
        ("web_mbps = ", "own.toml", "line"),
    ],
)
def test_a_bad_file_is_named_with_key_and_remedy(tmp_path, text, place, says):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(BadCoefficients) as caught:
        Coefficients.load(path)
    assert place in (caught.value.place or "")
    assert says in str(caught.value)


def test_a_bad_line_of_a_table_is_named(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("key,value\nweb_mbps,1\ncall_minutes,long\n")
    with pytest.raises(BadCoefficients, match=r"own\.csv, line 3"):
        Coefficients.load(path)


def test_a_file_that_is_not_there_is_no_traceback(tmp_path):
    with pytest.raises(BadCoefficients, match="cannot be read"):
        Coefficients.load(tmp_path / "none.toml")
