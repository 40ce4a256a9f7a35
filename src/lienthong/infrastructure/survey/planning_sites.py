"""From the survey to the sites to plan for."""

from __future__ import annotations

from lienthong.infrastructure.survey.columns import Record, number, text, whole
from lienthong.infrastructure.survey.model import Site, Survey, Wave

GONE = frozenset({"decommissioning", "retired"})


def sites_of(survey: Survey, wave: str | None = None) -> list[Site]:
    """The sites with a position that are not being given up, in the order of their codes. What an agency
    left open in the wave (else the latest) is taken from the last wave in which it answered.
    """
    known = _until(survey, wave)
    answers = latest_answers(known)
    connected = _connected(known, answers)
    people = {text(row, "code"): whole(row, "people") for each in known for row in each.rows("regions")}
    found, counted = [], set()
    for code, site in sorted(_latest(known, "sites").items()):
        longitude, latitude = number(site, "longitude"), number(site, "latitude")
        if longitude is None or latitude is None or site["status"] in GONE:
            continue
        tenant = text(site, "tenant")
        answer = {} if tenant in counted or tenant not in answers else answers[tenant][1]
        counted.add(tenant)
        commune = text(site, "commune")
        served = people.get(commune, 0) if site["kind"] == "commune" else 0
        found.append(
            Site(
                code,
                text(site, "name"),
                text(site, "kind"),
                longitude,
                latitude,
                commune=commune,
                district=text(site, "district"),
                tenant=tenant,
                people=whole(site, "people") or served,
                users=whole(answer, "users"),
                seats=whole(answer, "seats") or whole(answer, "pcs"),
                connected=code in connected,
                status=text(site, "status") or "active",
            )
        )
    return found


def unplaced(survey: Survey, wave: str | None = None) -> list[str]:
    """Codes of the sites that cannot be planned for because nobody has said where they are."""
    return sorted(
        code
        for code, site in _latest(_until(survey, wave), "sites").items()
        if site["status"] not in GONE and (site["longitude"] is None or site["latitude"] is None)
    )


def latest_answers(waves: list[Wave]) -> dict[str, tuple[str, Record]]:
    """Agency → (wave, answer), the last of ``waves`` in which it answered."""
    return {text(row, "tenant"): (wave.code, row) for wave in waves for row in wave.rows("answers")}


def carries(circuit: Record) -> bool:
    """Whether a circuit is in use; a status that nobody wrote down counts as in use."""
    return circuit["status"] in ("active", None)


def _until(survey: Survey, wave: str | None) -> list[Wave]:
    last = survey.wave(wave)
    return survey.waves[: survey.waves.index(last) + 1]


def _latest(waves: list[Wave], table: str) -> dict[str, Record]:
    return {text(row, "code"): row for wave in waves for row in wave.rows(table)}


def _connected(waves: list[Wave], answers: dict[str, tuple[str, Record]]) -> set[str]:
    """Sites at either end of a fibre circuit in the province's network, and nodes, which are that network."""
    found = {code for code, site in _latest(waves, "sites").items() if site["kind"] == "node"}
    for wave in waves:
        for circuit in wave.rows("circuits"):
            said_in = answers.get(text(circuit, "tenant"), (waves[-1].code,))[0]
            if (
                said_in == wave.code
                and circuit["medium"] == "fibre"
                and circuit["network"] == "wan"
                and carries(circuit)
            ):
                found |= {text(circuit, "site_a"), text(circuit, "site_z")}
    return found
