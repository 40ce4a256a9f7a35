"""An import is all or nothing, names every bad row, and changes nothing the second time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.registry import actions, models, queries
from lienthong.registry.directory import Agency, Alias, Quota, Right
from lienthong.registry.errors import FileRefused
from lienthong.registry.imports.planning import State, plan
from lienthong.registry.imports.rows import Row
from lienthong.registry.rules import problems

Write = Callable[[str, str], Path]

GOOD = """code,name,kind,parent,aliases
H61,Ủy ban nhân dân tỉnh,government,,000.00.00.H61
H61.1,Xã Một,commune,H61,29542@..2025-06-30
"""


@pytest.mark.django_db
def test_good_rows_are_all_imported(write: Write) -> None:
    report = actions.import_agencies([write("a.csv", GOOD)])
    assert (report.created, report.updated, report.bad, report.applied) == (("H61", "H61.1"), (), (), True)
    agency = queries.state().agencies["H61.1"]
    assert agency.parent == "H61"
    assert agency.aliases == (Alias("29542", date.min, date(2025, 6, 30)),)


@pytest.mark.django_db
def test_importing_the_same_file_again_changes_nothing(write: Write) -> None:
    path = write("a.csv", GOOD)
    actions.import_agencies([path])
    events, state = models.AuditEvent.objects.count(), queries.state()
    report = actions.import_agencies([path])
    assert not report.changed
    assert report.applied
    assert queries.state() == state
    assert models.AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_every_bad_cell_of_every_row_is_reported_and_nothing_is_written(write: Write) -> None:
    path = write(
        "a.csv",
        "code,name,kind,valid_from,locked,aliases,units,parent\n"
        "H61,Tỉnh,government,,,,,\n"
        "h 61,,kingdom,31/02/2025,maybe,7@x,U,\n"
        "H62,,,,,,,\n"
        "H63,Sở,department,soon,,,,H99\n"
        "H61,Again,government,,,,,\n"
        "H64,Sở,department,,,,,H99\n",
    )
    report = actions.import_agencies([path])
    assert [(row.line, row.column) for row in report.bad] == [
        (3, "aliases"),
        (3, "code"),
        (3, "kind"),
        (3, "locked"),
        (3, "units"),
        (3, "valid_from"),
        (4, "name"),
        (5, "valid_from"),
        (6, "code"),
        (7, "parent"),
    ]
    assert all(row.file == "a.csv" and row.what and row.remedy for row in report.bad)
    assert report.rows == 6
    assert not report.applied
    assert models.Agency.objects.count() == models.AuditEvent.objects.count() == 0


@pytest.mark.django_db
def test_partial_takes_the_good_rows_and_those_that_lean_on_a_bad_one_are_bad(write: Write) -> None:
    path = write(
        "a.csv",
        "code,name,kind,parent\nH61,Tỉnh,government,\nH62,,,\nH63,Xã,commune,H62\nH64,Ấp,commune,H63\n",
    )
    report = actions.import_agencies([path], partial=True)
    assert report.applied
    assert report.created == ("H61",)
    assert [(row.line, row.column) for row in report.bad] == [(3, "name"), (4, "parent"), (5, "parent")]
    assert [*queries.state().agencies] == ["H61"]


@pytest.mark.django_db
def test_a_dry_run_says_what_it_would_do_and_does_nothing(write: Write) -> None:
    report = actions.import_agencies([write("a.csv", GOOD)], dry_run=True)
    assert report.created == ("H61", "H61.1")
    assert not report.applied
    assert models.Agency.objects.count() == 0


@pytest.mark.django_db
def test_an_empty_cell_leaves_and_a_dash_empties(write: Write) -> None:
    actions.import_agencies([write("a.csv", GOOD)])
    actions.import_agencies([write("b.csv", "code,name,parent,aliases\nH61.1,,-,\n")])
    agency = queries.state().agencies["H61.1"]
    assert (agency.name, agency.parent) == ("Xã Một", None)
    assert agency.aliases
    actions.import_agencies([write("c.csv", "code,aliases\nH61.1,-\n")])
    assert queries.state().agencies["H61.1"].aliases == ()


@pytest.mark.django_db
def test_a_row_that_breaks_what_is_in_the_registry_is_the_bad_one(write: Write) -> None:
    actions.import_agencies([write("a.csv", GOOD)])
    for name, text, column in [
        ("alias.csv", "code,name,kind,aliases\nH62,Sở,department,000.00.00.H61\n", "aliases"),
        ("code.csv", "code,name,kind\n000.00.00.H61,Sở,department\n", "code"),
        ("circle.csv", "code,parent\nH61,H61.1\n", "parent"),
    ]:
        report = actions.import_agencies([write(name, text)])
        assert [(row.line, row.column) for row in report.bad] == [(2, column)], name
        assert not report.applied


@pytest.mark.django_db
def test_a_row_that_breaks_somebody_elses_succession_is_the_bad_one(write: Write) -> None:
    actions.import_agencies(
        [
            write(
                "a.csv",
                "code,name,kind,valid_from,valid_to,successors\n"
                "A,Cũ,commune,,2025-06-30,B\nB,Mới,commune,2025-07-01,,\n",
            )
        ]
    )
    report = actions.import_agencies([write("b.csv", "code,valid_from\nB,2025-08-01\n")])
    assert [(row.line, row.column) for row in report.bad] == [(2, "valid_from")]
    assert "the day after it ends" in report.bad[0].what


@pytest.mark.django_db
def test_several_files_are_one_import_in_any_order(write: Write) -> None:
    report = actions.import_agencies(
        [
            write("rights.csv", "subject,action,object\ngroup:flood,send,*\nH61,audit,*\n"),
            write("quotas.csv", "subject,messages_per_minute,bytes_per_day,concurrent\nkind:commune,1,2,3\n"),
            write("agencies.csv", "code,name,kind,groups\nH61,Tỉnh,government,flood\n"),
            write("groups.csv", "name,title\nflood,Phòng chống lụt bão\n"),
        ]
    )
    assert report.bad == ()
    assert (report.groups, report.rights, report.quotas) == (1, 2, 1)
    state = queries.state()
    assert state.agencies["H61"].groups == ("flood",)
    assert state.rights == {Right("group:flood", "send", "*"), Right("H61", "audit", "*")}
    assert state.quotas == {"kind:commune": Quota(1, 2, 3)}


@pytest.mark.django_db
def test_bad_rights_groups_and_quotas_are_named_too(write: Write) -> None:
    report = actions.import_agencies(
        [
            write("g.csv", "name,title\ncommunes,x\nBad Name,y\n"),
            write("q.csv", "subject,messages_per_minute,bytes_per_day,concurrent\n*,0,x,3\nH99,1,1,1\n"),
            write("r.csv", "subject,action,object\nH99,send,*\n*,rule,*\n*,send,team:x\n"),
        ]
    )
    assert [(row.file, row.line, row.column) for row in report.bad] == [
        ("g.csv", 2, "name"),
        ("g.csv", 3, "name"),
        ("q.csv", 2, "bytes_per_day"),
        ("q.csv", 2, "messages_per_minute"),
        ("q.csv", 3, "subject"),
        ("r.csv", 2, "subject"),
        ("r.csv", 3, "action"),
        ("r.csv", 4, "object"),
    ]


@pytest.mark.django_db
def test_vietnamese_days_are_read(write: Write) -> None:
    actions.import_agencies([write("a.csv", "code,name,kind,valid_from\nH61,Tỉnh,government,1/7/2025\n")])
    assert queries.state().agencies["H61"].valid_from == date(2025, 7, 1)


@pytest.mark.django_db
def test_each_changed_agency_and_the_import_itself_are_in_the_audit_trail(write: Write) -> None:
    actions.import_agencies([write("a.csv", GOOD)], actor="an")
    assert [(e.actor, e.verb, e.target) for e in queries.audit_events()] == [
        ("an", "import", "registry"),
        ("an", "import", "H61.1"),
        ("an", "import", "H61"),
    ]
    assert queries.audit_events("registry")[0].changes["files"] == "a.csv"


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as error:
        actions.import_agencies([tmp_path / "absent.csv"])
    assert error.value.place == str(tmp_path / "absent.csv")


@pytest.mark.django_db
def test_an_import_costs_the_same_queries_for_few_agencies_and_for_many(
    write: Write, django_assert_max_num_queries: Callable[..., object]
) -> None:
    rows = "".join(f"H61.{at},Xã {at},commune,H61,{30000 + at}\n" for at in range(200))
    path = write("a.csv", "code,name,kind,parent,aliases\nH61,Tỉnh,government,,\n" + rows)
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        assert actions.import_agencies([path]).applied


cell = st.sampled_from(
    [
        "",
        "-",
        "H61",
        "H62",
        "H63",
        "7",
        "commune",
        "x",
        "2025-01-01",
        "2025-06-30",
        "yes",
        "7@..2025-06-30",
        "g",
    ]
)
columns = ["code", "name", "kind", "parent", "valid_from", "valid_to", "aliases", "successors", "groups"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cell, min_size=len(columns), max_size=len(columns)), max_size=6))
def test_whatever_the_rows_hold_the_plan_keeps_the_rules(table: list[list[str]]) -> None:
    state = State(agencies={"H61": Agency("H61", name="x", aliases=(Alias("7"),))}, groups={"g": "G"})
    rows = [
        Row("a.csv", at, "agencies", dict(zip(columns, cells, strict=True)))
        for at, cells in enumerate(table, 2)
    ]
    planned = plan(state, rows)
    assert problems(planned.after.agencies) == []
    bad_lines = {row.line for row in planned.bad}
    good = {row.cells["code"] for row in rows if row.line not in bad_lines}
    assert set(planned.created) | set(planned.updated) <= good
    assert "H61" in planned.after.agencies
