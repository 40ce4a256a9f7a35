"""Every write keeps the registry's rules, leaves its trace, and is whole or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from lienthong.registry import actions, models, queries
from lienthong.registry.directory import Agency, Alias, Quota, Right, Unit
from lienthong.registry.errors import RegistryUnreachable, RuleBroken, UnknownAgency

pytestmark = pytest.mark.django_db

LAST, FIRST = date(2025, 6, 30), date(2025, 7, 1)


def facts(code: str) -> Agency:
    return queries.state().agencies[code]


@pytest.fixture
def province() -> None:
    actions.add_agency(Agency("H61", name="Ủy ban nhân dân tỉnh", kind="government", level="province"))
    for at in (1, 2):
        actions.add_agency(Agency(f"H61.{at}", name=f"Xã {at}", kind="commune", parent="H61"))


def test_what_is_added_is_what_is_kept() -> None:
    agency = Agency(
        "H61.61.03",
        name="Ủy ban nhân dân phường 1",
        kind="commune",
        level="commune",
        aliases=(Alias("000.03.61.H61"), Alias("29548", date(2004, 1, 1), LAST)),
        valid_from=date(2004, 1, 1),
        valid_to=LAST,
        units=(Unit("H61.61.03.VP", "Văn phòng"),),
        illustrative=True,
    )
    actions.add_agency(agency, actor="an")
    assert facts("H61.61.03") == agency


def test_names_are_kept_in_normal_form_and_found_without_marks() -> None:
    actions.add_agency(Agency("h61", name=" Vi\u0303nh   Long ", kind="government"))
    assert facts("H61").name == "V\u0129nh Long"
    assert [row.code for row in queries.agencies(text="vinh long")] == ["H61"]


@pytest.mark.usefixtures("province")
def test_a_code_is_given_once() -> None:
    with pytest.raises(RuleBroken, match="in the registry already"):
        actions.add_agency(Agency("H61", name="Another"))


@pytest.mark.usefixtures("province")
@pytest.mark.parametrize(
    ("agency", "says"),
    [
        (Agency("H 62", name="x"), "not an organ code"),
        (Agency("H62", name=" "), "the name is empty"),
        (Agency("H62", name="a" * 256), "256 characters"),
        (Agency("H62", name="a\x07b"), "cannot be shown"),
        (Agency("H62", name="x", kind="kingdom"), "not known here"),
        (Agency("H62", name="x", level="galaxy"), "not known here"),
        (Agency("H62", name="x", parent="H99"), "not in the registry"),
        (Agency("H62", name="x", aliases=(Alias("H61"),)), "already means H61"),
        (Agency("H62", name="x", aliases=(Alias("no code"),)), "not an organ code"),
        (Agency("H62", name="x", units=(Unit("U", "a|b"),)), "holds '|'"),
        (Agency("H62", name="x", groups=("nobody",)), "no group"),
        (Agency("H62", name="x", valid_from=FIRST, valid_to=LAST), "before it begins"),
    ],
)
def test_a_contradiction_is_refused_and_nothing_is_written(agency: Agency, says: str) -> None:
    before = queries.state()
    events = models.AuditEvent.objects.count()
    with pytest.raises(RuleBroken, match=says):
        actions.add_agency(agency)
    assert queries.state() == before
    assert models.AuditEvent.objects.count() == events


@pytest.mark.usefixtures("province")
def test_a_merger_ends_the_old_and_names_the_new() -> None:
    actions.add_agency(Agency("H61.3", name="Xã mới", kind="commune", valid_from=FIRST))
    actions.end_agencies(["H61.1", "H61.2"], LAST, successors=["H61.3"])
    for code in ("H61.1", "H61.2"):
        assert (facts(code).valid_to, facts(code).successors) == (LAST, ("H61.3",))


@pytest.mark.usefixtures("province")
def test_a_merger_into_an_agency_that_is_not_there_yet_is_refused() -> None:
    actions.add_agency(Agency("H61.3", name="Xã mới", kind="commune", valid_from=date(2026, 1, 1)))
    with pytest.raises(RuleBroken, match="is not there on 2025-07-01"):
        actions.end_agencies(["H61.1"], LAST, successors=["H61.3"])
    assert facts("H61.1").valid_to is None


@pytest.mark.usefixtures("province")
def test_an_agency_may_be_named_by_an_alias() -> None:
    actions.add_alias("H61", Alias("000.00.00.H61"))
    assert actions.lock_agency("000.00.00.H61").code == "H61"


def test_an_unknown_agency_is_an_error_with_a_remedy() -> None:
    with pytest.raises(UnknownAgency) as error:
        actions.lock_agency("H99")
    assert "registry list" in (error.value.remedy or "")


@pytest.mark.usefixtures("province")
def test_locking_and_unlocking_are_seen_in_the_facts() -> None:
    actions.lock_agency("H61.1")
    assert facts("H61.1").locked
    actions.unlock_agency("H61.1")
    assert not facts("H61.1").locked


@pytest.mark.usefixtures("province")
def test_units_are_added_and_renamed() -> None:
    actions.add_unit("H61", Unit("H61.VX", "Phòng Văn xã"))
    actions.add_unit("H61", Unit("H61.VX", "Phòng Văn hóa - Xã hội"))
    assert facts("H61").units == (Unit("H61.VX", "Phòng Văn hóa - Xã hội"),)


@pytest.mark.usefixtures("province")
def test_groups_have_members() -> None:
    actions.define_group("flood", "Phòng chống lụt bão")
    actions.change_agency("H61.1", groups=("flood",))
    assert facts("H61.1").groups == ("flood",)
    assert queries.state().groups == {"flood": "Phòng chống lụt bão"}


@pytest.mark.parametrize("name", ["communes", "Group", "a b", "", "x" * 61])
def test_a_group_cannot_have_such_a_name(name: str) -> None:
    with pytest.raises(RuleBroken):
        actions.define_group(name, "x")


@pytest.mark.usefixtures("province")
def test_rights_are_granted_once_and_withdrawn() -> None:
    right = Right("group:communes", "send", "H61")
    actions.grant_right(right)
    actions.grant_right(right)
    assert queries.state().rights == {right}
    assert models.AuditEvent.objects.filter(verb="grant-right").count() == 1
    actions.withdraw_right(right)
    assert queries.state().rights == frozenset()
    with pytest.raises(RuleBroken, match="was not granted"):
        actions.withdraw_right(right)


@pytest.mark.parametrize(
    "right", [Right("H99", "send"), Right("*", "rule"), Right("*", "send", "kind:kingdom")]
)
def test_a_right_for_nobody_is_refused(right: Right) -> None:
    with pytest.raises(RuleBroken):
        actions.grant_right(right)


@pytest.mark.usefixtures("province")
def test_quotas_are_set_and_replaced() -> None:
    actions.set_quota("kind:commune", Quota(10, 20, 3))
    actions.set_quota("kind:commune", Quota(11, 20, 3))
    assert queries.state().quotas == {"kind:commune": Quota(11, 20, 3)}
    with pytest.raises(RuleBroken):
        actions.set_quota("H99", Quota())
    with pytest.raises(RuleBroken, match="at least 1"):
        actions.set_quota("*", Quota(0, 1, 1))


@pytest.mark.usefixtures("province")
def test_each_write_says_who_did_what_to_what() -> None:
    actions.change_agency("H61.1", name="Xã Một", actor="an.nguyen")
    (event,) = queries.audit_events("H61.1", limit=1)
    assert (event.actor, event.verb, event.target) == ("an.nguyen", "change-agency", "H61.1")
    assert event.changes == {"name": ["Xã 1", "Xã Một"]}


@pytest.mark.usefixtures("province")
def test_every_action_leaves_an_audit_event() -> None:
    writes = [
        lambda: actions.name_province("Vĩnh Long"),
        lambda: actions.add_agency(Agency("H61.9", name="x")),
        lambda: actions.change_agency("H61.9", name="y"),
        lambda: actions.lock_agency("H61.9"),
        lambda: actions.unlock_agency("H61.9"),
        lambda: actions.add_alias("H61.9", Alias("9")),
        lambda: actions.add_unit("H61.9", Unit("U", "u")),
        lambda: actions.end_agencies(["H61.9"], LAST),
        lambda: actions.define_group("g", "G"),
        lambda: actions.grant_right(Right("*", "send")),
        lambda: actions.withdraw_right(Right("*", "send")),
        lambda: actions.set_quota("*", Quota()),
    ]
    for write in writes:
        before = models.AuditEvent.objects.count()
        write()
        assert models.AuditEvent.objects.count() == before + 1


@pytest.mark.usefixtures("province")
def test_a_database_that_cannot_write_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def busy(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("lienthong.registry.records.store", busy)
    with pytest.raises(RegistryUnreachable, match="database is locked"):
        actions.lock_agency("H61")
