"""Rows of any table that could stand in a survey, and small waves to start from."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from lienthong.infrastructure.survey.cells import BadCell, read
from lienthong.infrastructure.survey.columns import Column, Record, Table, Value
from lienthong.infrastructure.survey.model import Wave
from lienthong.infrastructure.survey.tables import TABLES


def values(column: Column) -> st.SearchStrategy[Value]:
    """What a column may hold, awkward text and the ends of ranges among it."""
    some = _some(column)
    return some if column.required else st.none() | some


def _some(column: Column) -> st.SearchStrategy[Value]:
    if column.kind in ("text", "reference"):
        awkward = st.sampled_from(
            ["=1+1", "'=1", "+84 270", "-", "@x", '"', ";", "_x000D_", "_x005F_x0041_", "007", "1e5", "true",
             "Ủy ban nhân dân", "#REF!", "2017-01-02", "#N/A"]
        )  # fmt: skip
        return (st.text(max_size=12) | awkward).map(lambda text: _kept(column, text) or "x")
    if column.kind == "integer":
        return st.integers(int(column.low or 0), int(column.high or 2**52))
    if column.kind == "decimal":
        return st.floats(column.low, column.high).map(lambda value: round(value, 9) + 0.0)
    if column.kind == "yes":
        return st.booleans()
    if column.kind == "date":
        return st.dates()
    codes = [choice.code for choice in column.choices]
    if column.kind == "choice":
        return st.sampled_from(codes)
    return st.sets(st.sampled_from(codes), min_size=1).map(lambda some: tuple(sorted(some)))


def _kept(column: Column, text: str) -> Value:
    try:
        return read(column, text)
    except BadCell:
        return None


def rows(table: Table, most: int = 4) -> st.SearchStrategy[list[Record]]:
    row = st.fixed_dictionaries({column.name: values(column) for column in table.columns})
    return st.lists(row, max_size=most, unique_by=table.key_of)


def waves(most: int = 1) -> st.SearchStrategy[Wave]:
    tables = st.fixed_dictionaries({name: rows(table, most) for name, table in TABLES.items()})
    return st.builds(Wave, code=st.just("w1"), synthetic=st.booleans(), tables=tables)


def row(table: str, **values: Value) -> Record:
    assert set(values) <= set(TABLES[table].names)
    return {**dict.fromkeys(TABLES[table].names), **values}


def small_wave(code: str = "2017", **tables: list[Record]) -> Wave:
    """Two agencies in two communes of a district, both with an answer and a circuit, nothing wrong."""
    regions = [
        row("regions", code="86", name="Tỉnh Vĩnh Long", kind="province"),
        row("regions", code="857", name="Huyện Long Hồ", kind="district", parent="86"),
        row("regions", code="29578", name="Xã An Bình", kind="commune", parent="857", longitude=106.0,
            latitude=10.27, people=9000),
        row("regions", code="29575", name="Xã Đồng Phú", kind="commune", parent="857", longitude=106.02,
            latitude=10.28, people=7000),
    ]  # fmt: skip
    tenants = [
        row("tenants", code="A", name="Ủy ban nhân dân xã An Bình", level="commune", expected=True),
        row("tenants", code="B", name="Ủy ban nhân dân xã Đồng Phú", level="commune", expected=True),
    ]
    sites = [
        row("sites", code="A", name="Trụ sở An Bình", kind="commune", tenant="A", commune="29578",
            district="857", longitude=106.001, latitude=10.271),
        row("sites", code="B", name="Trụ sở Đồng Phú", kind="commune", tenant="B", commune="29575",
            district="857", longitude=106.021, latitude=10.281),
    ]  # fmt: skip
    circuits = [
        row("circuits", cid="1", provider="p", medium="fibre", network="wan", status="active", tenant="A",
            site_a="A", port_speed=10_000, commit_rate=5_000),
        row("circuits", cid="2", provider="p", medium="copper", network="internet", status="active",
            tenant="B", site_a="B", port_speed=6_000, commit_rate=400),
    ]  # fmt: skip
    found = {
        "regions": regions,
        "tenants": tenants,
        "sites": sites,
        "providers": [row("providers", code="p", name="Nhà cung cấp P")],
        "circuits": circuits,
        "answers": [answer("A"), answer("B")],
    }
    return Wave(code, opens=date(2017, 6, 1), closes=date(2017, 7, 31), tables={**found, **tables})


def answer(tenant: str, **values: Value) -> Record:
    usual: Record = {
        "answered_on": date(2017, 6, 20),
        "users": 20,
        "seats": 22,
        "pcs": 18,
        "quality": "records",
    }
    return row("answers", tenant=tenant, **{**usual, **values})
