"""What watches the hub: a description that is true, metrics that count, health that tells the truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families
from referencing import Registry, Resource
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, LOCKED, MERGED, PROVINCE, WITNESS, RunningHub, TestProvince

from lienthong.exchange.edxml.model import BusinessType
from lienthong.exchange.server.health import overall
from lienthong.exchange.server.routes import ROUTES
from lienthong.registry.errors import DirectoryExpired, SnapshotMissing
from lienthong.trust.errors import TimestampUnavailable


@pytest.fixture(scope="module")
def description(hub: RunningHub) -> dict[str, Any]:
    body: dict[str, Any] = hub.http.get("/openapi.json").json()
    return body


def validator(description: dict[str, Any], name: str) -> Draft202012Validator:
    resource = Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **description}
    )
    registry: Registry[Any] = Registry().with_resource("urn:hub", resource)
    reference = {"$ref": f"urn:hub#/components/schemas/{name}"}
    return Draft202012Validator(reference, registry=registry)


def test_every_route_is_described_and_nothing_else(description: dict[str, Any]) -> None:
    described = {
        (method.upper(), path) for path, methods in description["paths"].items() for method in methods
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    operations = [
        operation["operationId"]
        for methods in description["paths"].values()
        for operation in methods.values()
    ]
    assert len(operations) == len(set(operations))
    assert description["openapi"] == "3.1.0"


def test_the_description_says_who_may_call_what(description: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = description["paths"][route.path][route.method.lower()]
        assert operation["description"].startswith("For ")
        public = "public" in operation["x-access"]
        assert ({} in operation["security"]) or not public
        assert ("403" in operation["responses"]) == (not public)


def test_the_description_says_what_a_wrong_method_and_too_much_are_answered(
    hub: RunningHub, description: dict[str, Any]
) -> None:
    answers = description["components"]["responses"]
    for route in ROUTES:
        responses = description["paths"][route.path][route.method.lower()]["responses"]
        assert responses["405"]["$ref"].endswith("/WrongMethod")
        if "429" in responses:
            assert responses["429"]["$ref"].endswith("/TooMuch")
    limited = {r.path for r in ROUTES if 429 in r.problems}
    assert limited == {"/v1/messages", "/v1/inbox", "/v1/inbox/events", "/v1/inbox/acknowledgements"}
    assert "Allow" in answers["WrongMethod"]["headers"]
    assert "Retry-After" in answers["TooMuch"]["headers"]
    wrong = hub.http.delete("/v1/inbox")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    text = json.dumps(description)
    for name, schema in description["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text, f"{name} is used nowhere"


def test_real_answers_are_as_described(
    hub: RunningHub, province: TestProvince, description: dict[str, Any]
) -> None:
    document = province.document(PROVINCE, [COMMUNE, MERGED], priority=3)
    receipt = hub.send(document)
    index = receipt.json()["index"]
    hub.send(province.status(COMMUNE, document, "01"))
    recall = hub.send(province.request(document, BusinessType.REVOKE, references=()), files=())
    assert recall.status_code == 201
    hub.acknowledge(COMMUNE, [index])
    answers: dict[str, list[httpx.Response]] = {
        "Receipt": [receipt, recall, hub.get(COMMUNE, f"/v1/messages/{index}/receipt")],
        "Session": [hub.sign_in(COMMUNE)],
        "Record": [hub.get(PROVINCE, f"/v1/messages?message_id={document.message_id}")],
        "Trace": [hub.get(who, f"/v1/messages/{index}/trace") for who in (PROVINCE, COMMUNE)],
        "InboxPage": [hub.get(who, "/v1/inbox") for who in (COMMUNE, PROVINCE, WITNESS)],
        "Acknowledged": [hub.acknowledge(COMMUNE, [index])],
        "SentPage": [hub.get(PROVINCE, "/v1/sent"), hub.get(COMMUNE, "/v1/sent")],
        "Agencies": [hub.get(COMMUNE, "/v1/agencies"), hub.get(PROVINCE, "/v1/agencies?q=long phuoc")],
        "Consistency": [hub.http.get("/v1/log/consistency?from=1")],
        "Statistics": [hub.http.get("/v1/statistics")],
        "Live": [hub.http.get("/health/live")],
        "Ready": [hub.http.get("/health/ready"), hub.get(COMMUNE, "/health/ready")],
        "Problem": [
            hub.http.get("/v1/inbox", headers={"Via": "x"}),
            hub.http.get("/nowhere"),
            hub.http.put("/v1/inbox"),
            hub.send(province.document(PROVINCE, [LOCKED])),
            hub.post(PROVINCE, b"no container"),
        ],
    }
    schemas = {answer.schema for route in ROUTES for answer in route.answers if answer.schema}
    assert schemas - {"Cosigned"} == set(answers) - {"Problem"}
    for name, given in answers.items():
        check = validator(description, name)
        for answer in given:
            errors = [error.message for error in check.iter_errors(answer.json())]
            assert errors == [], (name, answer.text)


def test_answers_come_with_a_status_that_the_description_names(
    hub: RunningHub, description: dict[str, Any]
) -> None:
    for route in ROUTES:
        if route.operation == "streamInbox":
            continue
        path = route.path.replace("{index}", "0").replace("{tile}", "0/000.p/1")
        answer = hub.http.request(route.method, path, headers=hub.bearer(PROVINCE))
        named = description["paths"][route.path][route.method.lower()]["responses"]
        assert str(answer.status_code) in named, (route.operation, answer.status_code)


def test_metrics_count_what_happened(hub: RunningHub, province: TestProvince) -> None:
    def value(name: str, **labels: str) -> float:
        families = text_string_to_metric_families(hub.http.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    before = value("lienthong_records_total", kind="document")
    container = province.container(province.document(PROVINCE, [COMMUNE]))
    hub.post(PROVINCE, container)
    hub.post(PROVINCE, container)
    assert value("lienthong_records_total", kind="document") == before + 1
    assert value("lienthong_duplicates_total") >= 1
    assert value("lienthong_requests_total", operation="sendMessage", status="200") >= 1
    assert value("lienthong_accept_seconds_count") >= 2
    assert value("lienthong_health", item="store") == 1
    assert value("process_cpu_seconds_total") > 0


def test_a_healthy_hub_says_so_and_shows_its_checks_to_its_own_machine_only(hub: RunningHub) -> None:
    here = hub.http.get("/health/ready")
    assert here.status_code == 200
    assert {"store", "disk", "writer", "directory", "clock", "timestamps", "revocation"} <= {
        check["name"] for check in here.json()["checks"]
    }
    elsewhere = hub.http.get("/health/ready", headers={"X-Forwarded-For": "203.0.113.9"})
    assert set(elsewhere.json()) == {"status"}
    assert "checks" in hub.get(PROVINCE, "/health/ready").json()


def checks(answer: httpx.Response) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["state"], one["detail"]) for one in answer.json()["checks"]}


def at_time(hub: RunningHub, moment: Callable[[], float]) -> None:
    """Give the hub another clock."""
    hub.on_loop(lambda: setattr(hub.app.hub, "clock", moment))


def test_an_expired_directory_stops_accepting_with_a_clear_error(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        hub.bearer(PROVINCE)
        container = province.container(province.document(PROVINCE, [COMMUNE]))
        later = datetime.now(UTC) + timedelta(days=31)
        hub.on_loop(lambda: setattr(hub.app.hub.holder, "_clock", lambda: later))
        at_time(hub, later.timestamp)
        answer = hub.post(PROVINCE, container)
        assert (answer.status_code, answer.json()["code"]) == (503, "directory-expired")
        assert "publish" in answer.json()["remedy"]
        ready = hub.http.get("/health/ready")
        assert ready.status_code == 503
        assert checks(ready)["directory"][0] == "failing"


def test_a_hub_does_not_start_on_an_expired_or_missing_directory(new_province: NewProvince) -> None:
    province = new_province()
    province.publish(issued_at=datetime.now(UTC) - timedelta(days=2), valid_for=timedelta(days=1))
    with pytest.raises(DirectoryExpired), RunningHub(province):
        pass
    (province.data / "directory/directory.p7m").unlink()
    with pytest.raises(SnapshotMissing), RunningHub(province):
        pass


def test_a_newer_directory_is_swapped_in_and_a_bad_one_is_not(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(directory="look_every_s = 0.05")
    with RunningHub(province) as hub:
        version = hub.get(COMMUNE, "/v1/agencies").json()["version"]
        wanted = province.change(COMMUNE, name="UBND xã đổi tên").version
        wait_for(lambda: hub.get(COMMUNE, "/v1/agencies").json()["version"] == wanted)
        assert wanted == version + 1
        fetched = hub.get(COMMUNE, "/v1/directory")
        assert fetched.content == (province.data / "directory/directory.p7m").read_bytes()
        assert fetched.headers["etag"] == f'"{wanted}"'

        (province.data / "directory/directory.p7m").write_bytes(b"damaged")
        wait_for(lambda: checks(hub.http.get("/health/ready"))["directory"][0] == "warning")
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        assert hub.http.get("/health/ready").status_code == 200


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while not condition():
        assert datetime.now(UTC) < deadline


def test_a_clock_set_back_behind_the_log_stops_accepting(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        an_hour_ago = datetime.now(UTC).timestamp() - 3600
        hub.on_loop(lambda: setattr(hub.app, "_clock", lambda: an_hour_ago))
        at_time(hub, lambda: an_hour_ago)
        answer = hub.post(PROVINCE, province.container(province.document(PROVINCE, [COMMUNE])))
        assert (answer.status_code, answer.json()["code"]) == (503, "clock-behind")
        ready = hub.http.get("/health/ready")
        assert ready.status_code == 503
        assert checks(ready)["clock"][0] == "failing"


def test_a_jump_of_the_clock_is_a_warning(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        real = hub.app.hub.clock
        at_time(hub, lambda: real() + 120)
        assert hub.on_loop(hub.app.hub.look_at_the_clock) == pytest.approx(120, abs=5)
        ready = hub.http.get("/health/ready")
        assert ready.status_code == 200
        state, detail = checks(ready)["clock"]
        assert state == "warning"
        assert "+120 s" in detail


def test_a_full_disk_and_a_stuck_queue_are_told(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(health=f"disk_free_bytes = {2**50}")
    with RunningHub(province) as hub:
        ready = hub.http.get("/health/ready")
        assert ready.status_code == 503
        assert checks(ready)["disk"][0] == "failing"
        assert "make room" in ready.text


def test_time_stamps_are_taken_and_their_outage_is_a_warning_only(
    new_province: NewProvince, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lienthong.exchange.server import upkeep
    from lienthong.trust.timestamps import request_timestamp, verify_timestamp

    province = new_province()
    province.configure(timestamps="every_s = 1.0")
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        wait_for(lambda: "1 entries stamped" in checks(hub.http.get("/health/ready"))["timestamps"][1])
        size, token = next(iter(hub.app.hub.store.timestamps()))
        digest = hub.app.digest_of_note(hub.app.hub.store.checkpoint())
        assert size == 1
        assert verify_timestamp(token, digest, hub.app.hub.trust) <= datetime.now(UTC)

        def down(*_: object, **__: object) -> bytes:
            raise TimestampUnavailable("nobody answers at tsa.example")

        monkeypatch.setattr(upkeep, "request_timestamp", down)
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        wait_for(lambda: checks(hub.http.get("/health/ready"))["timestamps"][0] == "warning")
        assert hub.http.get("/health/ready").status_code == 200
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        monkeypatch.setattr(upkeep, "request_timestamp", request_timestamp)
        wait_for(lambda: checks(hub.http.get("/health/ready"))["timestamps"][0] == "ok")


def test_certificates_near_their_end_and_unreadable_lists_are_warnings(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(health="certificate_warn_days = 3650.0")
    (province.data / "pki/crl/broken.crl").write_bytes(b"no list")
    with RunningHub(province) as hub:
        ready = hub.http.get("/health/ready")
        found = checks(ready)
    assert found["certificate-tsa"][0] == "warning"
    assert found["revocation"][0] == "warning"
    assert overall(tuple(hub.app.health.latest)) == "warning"
    assert ready.status_code == 200


def test_a_store_that_cannot_write_is_told_and_nothing_is_accepted(new_province: NewProvince) -> None:
    province = new_province()
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        failing = hub.app.hub.store.commit

        def cannot(*_: object) -> Any:
            raise OSError(30, "Read-only file system")

        hub.app.hub.store.commit = cannot  # type: ignore[method-assign]
        answer = hub.send(province.document(PROVINCE, [COMMUNE]))
        assert (answer.status_code, answer.json()["code"]) == (503, "store-failed")
        ready = hub.http.get("/health/ready")
        assert ready.status_code == 503
        assert "Read-only file system" in checks(ready)["store"][1]
        hub.app.hub.store.commit = failing  # type: ignore[method-assign]
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        assert hub.http.get("/health/ready").status_code == 200


def test_a_snapshot_that_vanished_is_told_and_still_served(new_province: NewProvince) -> None:
    province = new_province()
    signed = (province.data / "directory/directory.p7m").read_bytes()
    with RunningHub(province) as hub:
        shutil.rmtree(province.data / "directory")
        hub.on_loop(hub.app.hub.holder.refresh)
        assert hub.get(COMMUNE, "/v1/directory").content == signed
        state, detail = checks(hub.http.get("/health/ready"))["directory"]
        assert state == "warning"
        assert "cannot be read" in detail


def test_an_unexpected_fault_is_a_problem_without_a_traceback(new_province: NewProvince) -> None:
    def faulty(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("secret inner detail")

    province = new_province()
    with RunningHub(province) as hub:
        hub.app.hub.store.sent = faulty  # type: ignore[method-assign]
        answer = hub.get(COMMUNE, "/v1/sent")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
        assert "secret" not in answer.text
        assert hub.get(COMMUNE, "/v1/inbox").status_code == 200
