"""The reference page says what the table of routes says."""

from __future__ import annotations

import re
from pathlib import Path

from lienthong.exchange.server.access import AGENCY, AUDIT, LOOPBACK, OPERATE, PUBLIC, WITNESS
from lienthong.exchange.server.routes import ROUTES

PAGE = (Path(__file__).parents[3] / "docs/reference/api.md").read_text()
ROW = re.compile(r"^\| `(GET|POST) ([^`?]+)[^`]*` \| ([^|]+) \|", re.M)
WORDS = {
    AGENCY: "agency",
    AUDIT: "auditor",
    WITNESS: "witness",
    OPERATE: "operator",
    PUBLIC: "anybody",
    LOOPBACK: "the hub's own machine",
}


def test_every_call_is_listed_with_who_may_make_it() -> None:
    listed = {(method, path): who.strip() for method, path, who in ROW.findall(PAGE)}
    assert set(listed) == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        who = listed[route.method, route.path]
        if route.parties:
            assert who == "its sender and recipients"
            continue
        for bit, word in WORDS.items():
            assert (word in who) == bool(route.access & bit), (route.operation, who)
