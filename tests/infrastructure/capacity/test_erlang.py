"""Erlang B against published tables, and as it must behave."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.infrastructure.capacity.erlang import channels_for, erlang_b, offered_for
from lienthong.infrastructure.capacity.errors import BadCapacityData

# Erlangs offered, by blocking and channels, as printed in tables of the loss formula.
TABLE = {
    0.001: {1: 0.0010, 2: 0.0458, 5: 0.7621, 10: 3.0920, 20: 9.4115, 30: 16.684, 50: 32.512, 100: 75.242},
    0.01: {1: 0.0101, 2: 0.1526, 5: 1.3608, 10: 4.4612, 20: 12.031, 30: 20.337, 50: 37.901, 100: 84.064},
    0.02: {1: 0.0204, 2: 0.2235, 5: 1.6571, 10: 5.0840, 20: 13.182, 30: 21.932, 50: 40.255, 100: 87.972},
    0.05: {1: 0.0526, 2: 0.3813, 5: 2.2185, 10: 6.2157, 20: 15.249, 30: 24.802, 50: 44.533, 100: 95.240},
}
LOADS = st.floats(0.001, 500)
LOSSES = st.floats(1e-6, 0.5)


@pytest.mark.parametrize(
    ("blocking", "channels", "offered"),
    [(loss, count, load) for loss, row in TABLE.items() for count, load in row.items()],
)
def test_the_published_tables_are_met(blocking, channels, offered):
    found = offered_for(channels, blocking)
    digits = max(0, 4 - max(0, math.floor(math.log10(offered)))) if offered >= 1 else 4
    assert found == pytest.approx(offered, abs=0.6 * 10**-digits)
    assert channels_for(offered * 0.99, blocking) == channels


def test_the_formula_is_that_of_its_definition():
    for channels in range(12):
        for offered in (0.1, 1.0, 4.0, 20.0):
            terms = [offered**k / math.factorial(k) for k in range(channels + 1)]
            assert erlang_b(channels, offered) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


@given(LOADS, LOSSES)
def test_the_channels_found_are_the_fewest(offered, blocking):
    found = channels_for(offered, blocking)
    assert erlang_b(found, offered) <= blocking
    assert found == 0 or erlang_b(found - 1, offered) > blocking


@given(st.integers(0, 300), LOADS, LOADS)
def test_more_traffic_is_blocked_no_less(channels, one, other):
    low, high = sorted((one, other))
    assert erlang_b(channels, low) <= erlang_b(channels, high) + 1e-15


@given(st.integers(0, 300), LOADS)
def test_one_more_channel_blocks_less(channels, offered):
    before, after = erlang_b(channels, offered), erlang_b(channels + 1, offered)
    assert after < before or before == 0


@given(st.integers(1, 200), LOSSES)
def test_the_offered_load_is_the_inverse(channels, blocking):
    load = offered_for(channels, blocking)
    assert erlang_b(channels, load) <= blocking
    assert erlang_b(channels, load * (1 + 1e-9) + 1e-12) >= blocking * (1 - 1e-6)


def test_no_traffic_needs_no_channel():
    assert channels_for(0.0, 0.01) == 0
    assert offered_for(0, 0.01) == 0.0


def test_large_systems_neither_overflow_nor_vanish():
    assert 0 < erlang_b(20_000, 20_000.0) < 0.01


@pytest.mark.parametrize(
    "call",
    [
        lambda: erlang_b(-1, 1.0),
        lambda: erlang_b(3, -1.0),
        lambda: erlang_b(3, math.nan),
        lambda: channels_for(1.0, 0.0),
        lambda: channels_for(1.0, 1.0),
        lambda: channels_for(1e9, 0.01),
        lambda: offered_for(3, 2.0),
    ],
)
def test_what_is_no_traffic_is_named_with_a_remedy(call):
    with pytest.raises(BadCapacityData) as caught:
        call()
    assert caught.value.place and caught.value.remedy
