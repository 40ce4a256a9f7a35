"""What one agency asks stays within bounds, so that the hub keeps answering everybody else."""

from __future__ import annotations

from tests.exchange.province import DEPARTMENT, RunningHub


def test_a_token_is_one_text(hub: RunningHub) -> None:
    token = hub.bearer(DEPARTMENT)["Authorization"].removeprefix("Bearer ")
    assert hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    before = len(hub.app.door._kept)
    for other in (
        f"!{token}",
        f"{token}!",
        token[:-3] + chr(ord(token[-3]) + 1) + "==",
        token[:-2],
        f"{token}==",
    ):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == 401
    for scheme in ("bearer", "BEARER", "Bearer ", "beaRer"):
        answer = hub.http.get("/v1/sent", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200
    assert len(hub.app.door._kept) == before
