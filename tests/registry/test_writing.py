"""What is exported can be imported: the same registry comes back."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from lienthong.registry.directory import ACTIONS, KINDS, LEVELS, Agency, Alias, Quota, Right, Unit
from lienthong.registry.imports.planning import State, plan
from lienthong.registry.imports.reading import read_bytes
from lienthong.registry.imports.rows import TABLES, Row
from lienthong.registry.imports.writing import to_csv, to_json

name = (
    st.text("ăâđêôơưĐ Việt,;\"'\n-=@.", min_size=1, max_size=20)
    .map(lambda t: " ".join(t.split()))
    .filter(lambda t: t not in ("", "-"))
)
years = st.dates(date(2001, 1, 1), date(2040, 1, 1))


@st.composite
def states(draw: st.DrawFn) -> State:
    """Registries that keep the rules: agencies without aliases in common, a tree of parents."""
    agencies: dict[str, Agency] = {}
    groups = draw(st.dictionaries(st.sampled_from(["flood", "g-1"]), name))
    for at in range(draw(st.integers(0, 4))):
        code = f"H{at}"
        start = draw(st.just(date.min) | st.dates(date(2001, 1, 1), date(2010, 1, 1)))
        agencies[code] = Agency(
            code,
            name=draw(name),
            kind=draw(st.sampled_from(KINDS)),
            level=draw(st.sampled_from(LEVELS)),
            parent=draw(st.sampled_from([None, *agencies])),
            valid_from=start,
            valid_to=draw(st.none() | st.dates(date(2011, 1, 1), date(2040, 1, 1))),
            locked=draw(st.booleans()),
            illustrative=draw(st.booleans()),
            aliases=tuple(
                Alias(f"{at}{alias}", draw(st.just(date.min) | st.just(date(2005, 1, 1))), draw(st.none()))
                for alias in range(draw(st.integers(0, 2)))
            ),
            units=tuple(
                Unit(f"{code}.{unit}", draw(name.filter(lambda t: "|" not in t)))
                for unit in range(draw(st.integers(0, 2)))
            ),
            groups=tuple(sorted(draw(st.sets(st.sampled_from(sorted(groups)))))) if groups else (),
        )
    selector = st.sampled_from(["*", "kind:commune", "group:all", *agencies])
    positive = st.integers(1, 10**12)
    return State(
        agencies,
        groups,
        frozenset(draw(st.lists(st.builds(Right, selector, st.sampled_from(ACTIONS), selector), max_size=3))),
        draw(st.dictionaries(selector, st.builds(Quota, positive, positive, positive), max_size=3)),
    )


@given(states())
def test_csv_brings_the_same_registry_back(state: State) -> None:
    rows: list[Row] = []
    for table in TABLES:
        found, bad = read_bytes(to_csv(state, table).encode(), f"{table}.csv")
        assert bad == []
        rows += found
    planned = plan(State(), rows)
    assert planned.bad == ()
    assert planned.after == state


@given(states())
def test_json_brings_the_same_registry_back(state: State) -> None:
    rows, bad = read_bytes(to_json(state).encode(), "all.json", is_json=True)
    assert bad == []
    planned = plan(State(), rows)
    assert planned.bad == ()
    assert planned.after == state


@given(states())
def test_importing_an_export_over_itself_changes_nothing(state: State) -> None:
    rows, _ = read_bytes(to_json(state).encode(), "all.json", is_json=True)
    planned = plan(state, rows)
    assert planned.after == state
    assert planned.created == planned.updated == []
