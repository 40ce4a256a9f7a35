"""Clocks that jump and credentials that run out: who notices, what is said, and what goes on all the same."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.acceptance.clocked import Clock, ClockedHub
from tests.acceptance.hostility import checks, problem, wait_for
from tests.exchange.conftest import NewProvince
from tests.exchange.province import (
    COMMUNE,
    DEPARTMENT,
    PASSPHRASE,
    PROVINCE,
    RunningHub,
    TestProvince,
)

from lienthong.cli.app import exit_code
from lienthong.exchange.client.errors import EvidenceMismatch, HubUnreachable
from lienthong.exchange.client.sync import Client
from lienthong.registry.directory import CertificateRef
from lienthong.registry.errors import DirectoryExpired, SnapshotUntrusted
from lienthong.trust.keys import FileSigner, generate_key, save_key, write_file
from lienthong.trust.profiles import Profile
from lienthong.trust.timestamps import verify_timestamp

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def item(hub: RunningHub, name: str) -> tuple[str, str, str]:
    """(state, detail, remedy) of one item of the hub's health."""
    found = checks(hub)[name]
    return found["state"], found["detail"], found.get("remedy", "")


# --- jumps


def test_a_clock_that_jumps_forward_is_told_and_the_exchange_goes_on(new_province: NewProvince) -> None:
    with ClockedHub(new_province(), clock := Clock()) as hub:
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
        clock.set(2 * HOUR)
        assert hub.look_at_the_clock() == pytest.approx(7200, abs=5)
        state, detail, remedy = item(hub, "clock")
        assert (state, detail) == ("warning", "the clock jumped by +7200 s")
        assert "NTP" in remedy
        assert hub.http.get("/health/ready").status_code == 200
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
        sealed_by_the_true_clock = hub.province.container(hub.province.document(PROVINCE, [COMMUNE]))
        headers = {**hub.token(PROVINCE), "Content-Type": "application/vnd.etsi.asic-e+zip"}
        answer = hub.http.post("/v1/messages", content=sealed_by_the_true_clock, headers=headers)
        assert answer.status_code == 201
        refusal = problem(hub.sign_in(PROVINCE))
        assert (refusal["code"], refusal["place"]) == ("signature-too-old", "Signature-Input")
        assert "7200 s old by the hub's clock" in refusal["detail"] or "s old by" in refusal["detail"]
        assert "set the machine's clock" in refusal["remedy"]


def test_a_clock_set_back_stops_accepting_until_it_has_caught_up(new_province: NewProvince) -> None:
    with ClockedHub(new_province(), clock := Clock(2 * HOUR)) as hub:
        first = hub.send_at(PROVINCE, COMMUNE)
        assert first.status_code == 201
        clock.set(timedelta(0))
        answer = hub.send_at(PROVINCE, COMMUNE)
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (503, "clock-behind")
        assert "before its newest record" in refusal["detail"]
        assert "sets the clock" in refusal["remedy"]
        state, detail, _ = item(hub, "clock")
        assert state == "failing" and "s before the newest record" in detail
        assert hub.http.get("/health/ready").status_code == 503
        index = first.json()["index"]
        assert hub.http.get(f"/v1/messages/{index}", headers=hub.token(COMMUNE)).status_code == 200
        clock.set(3 * HOUR)
        second = hub.send_at(PROVINCE, COMMUNE)
        assert second.status_code == 201
        assert second.json()["leaf"]["time"] > first.json()["leaf"]["time"]


def test_time_in_the_log_never_goes_back_even_over_a_restart_with_an_earlier_clock(
    new_province: NewProvince,
) -> None:
    """A clock once set a year forward by mistake must not stop the exchange for a year."""
    province = new_province()
    with ClockedHub(province, Clock(2 * HOUR)) as hub:
        first = hub.send_at(PROVINCE, COMMUNE).json()["leaf"]["time"]
    with ClockedHub(province, Clock()) as hub:
        state, detail, _ = item(hub, "clock")
        assert state == "warning" and "new ones get its time" in detail
        assert hub.http.get("/health/ready").status_code == 200
        again = hub.send_at(DEPARTMENT, COMMUNE)
        assert again.status_code == 201
        assert again.json()["leaf"]["time"] >= first


# --- what runs out


def test_an_expired_seal_is_refused_by_name(new_province: NewProvince) -> None:
    province = new_province()
    short = province.signer(Profile.SEAL, name="UBND tỉnh", code=PROVINCE, days=5)
    seals = (*province.agencies[PROVINCE].seals, CertificateRef.of(short.certificate))
    province.change(PROVINCE, seals=seals)
    with ClockedHub(province, clock := Clock()) as hub:
        assert hub.send_at(PROVINCE, COMMUNE, seal=short).status_code == 201
        clock.set(6 * DAY)
        answer = hub.send_at(PROVINCE, COMMUNE, seal=short)
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (403, "seal-expired")
        assert refusal["place"] == "META-INF/signature.p7s"
        assert "expired on" in refusal["detail"] and "registers a new one" in refusal["remedy"]
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201, "its other seal still serves"
        [received] = hub.http.get("/v1/inbox?limit=1", headers=hub.token(COMMUNE)).json()["items"]
        assert received["index"] == 0, "what it sealed in time stays delivered"


def test_an_expired_client_certificate_lets_nobody_in(new_province: NewProvince) -> None:
    province = new_province()
    short = province.signer(Profile.TLS_CLIENT, name="UBND xã", code=COMMUNE, days=5)
    agency = province.agencies[COMMUNE]
    province.change(COMMUNE, tls=(CertificateRef.of(short.certificate), *agency.tls))
    with ClockedHub(province, clock := Clock()) as hub:
        assert hub.http.get("/v1/inbox", headers=hub.token(COMMUNE)).status_code == 200
        clock.set(6 * DAY)
        answer = hub.http.get("/v1/inbox", headers=hub.token(COMMUNE))
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (401, "certificate-expired")
        assert f"certificate of {COMMUNE}" in refusal["detail"] and "register another" in refusal["remedy"]
        assert hub.http.get("/v1/inbox", headers=hub.token(DEPARTMENT)).status_code == 200


def expired(province: TestProvince, name: str, profile: Profile) -> FileSigner:
    """A service certificate of the hub that ran out yesterday, in its place."""
    key = generate_key()
    issued = province.ca.issue(
        profile,
        subject_name=f"Vĩnh Long {name}",
        public_key=key.public_key(),
        now=province.now - 10 * DAY,
        days=9,
        hosts=("localhost", "127.0.0.1") if profile is Profile.TLS_SERVER else (),
    )
    save_key(province.data / f"keys/{name}.key", key, PASSPHRASE)
    write_file(province.data / f"keys/{name}.pem", issued.pem())
    return FileSigner(key, issued.certificate, issued.chain)


def test_an_expired_server_certificate_is_seen_by_the_client_and_by_the_hub(
    new_province: NewProvince,
) -> None:
    province = new_province()
    expired(province, "tls-server", Profile.TLS_SERVER)
    text = (province.data / "lienthong.toml").read_text()
    (province.data / "lienthong.toml").write_text(text.replace("tls = false", "tls = true"))
    with RunningHub(province) as hub:
        province.write_profiles(hub.url)
        agency = province.data / "agencies" / COMMUNE
        with Client(agency) as client, pytest.raises(HubUnreachable) as error:
            client.inbox()
        assert "certificate has expired" in error.value.detail and error.value.place == hub.url
        assert exit_code(error.value) == 3
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with httpx.Client(base_url=hub.url, verify=context, trust_env=False) as careless:
            found = {one["name"]: one for one in careless.get("/health/ready").json()["checks"]}
        assert found["certificate-tls"]["state"] == "warning"
        assert "tls-server.pem expired at" in found["certificate-tls"]["detail"]
        assert "keys renew --service tls-server" in found["certificate-tls"]["remedy"]


def test_an_expired_time_stamping_authority_stops_nothing_but_its_stamps(
    new_province: NewProvince,
) -> None:
    province = new_province()
    expired(province, "tsa", Profile.TSA)
    province.configure(timestamps="every_s = 1.0")
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        wait_for(lambda: item(hub, "timestamps")[0] == "warning", "the stamp is missed")
        _, detail, remedy = item(hub, "timestamps")
        assert "could not be time-stamped" in detail and "messages are accepted meanwhile" in remedy
        assert item(hub, "certificate-tsa")[0] == "warning"
        assert "expired at" in item(hub, "certificate-tsa")[1]
        assert hub.http.get("/health/ready").status_code == 200
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        assert list(hub.app.hub.store.timestamps()) == []


def test_a_checkpoint_stamped_in_time_holds_after_its_authority_has_expired(
    new_province: NewProvince,
) -> None:
    province = new_province()
    province.configure(timestamps="every_s = 1.0")
    with RunningHub(province) as hub:
        assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
        wait_for(lambda: "1 entries stamped" in item(hub, "timestamps")[1], "the checkpoint is stamped")
        [(size, token)] = [one for one in hub.app.hub.store.timestamps() if one[0] == 1]
        digest = hub.app.digest_of_note(hub.app.hub.store.checkpoint())
    later = province.ca.open(province.data / "pki", passphrase=PASSPHRASE)
    later.publish_crls(now=datetime.now(UTC) + 1200 * DAY)
    hub.app.hub.trust.refresh()
    assert size == 1
    assert datetime.now(UTC) - verify_timestamp(token, digest, hub.app.hub.trust) < HOUR


def test_a_checkpoint_older_than_one_that_was_seen_is_no_longer_believed(
    new_province: NewProvince,
) -> None:
    """A log put back to yesterday's state, properly signed: the witness is the client that saw more."""
    province = new_province()
    with RunningHub(province) as hub:
        hub.send(province.document(PROVINCE, [COMMUNE]))
        old = hub.http.get("/v1/log/checkpoint").content
        hub.send(province.document(PROVINCE, [COMMUNE]))
        province.write_profiles(hub.url)
        with Client(province.data / "agencies" / COMMUNE) as client:
            assert client.check_log().signed.checkpoint.size == 2
            hub.app.hub.store.checkpoint = lambda: old  # type: ignore[method-assign]
            with pytest.raises(EvidenceMismatch, match="1 entries; 2 were promised before") as error:
                client.check_log()
    assert error.value.place == "checkpoint" and "witnesses" in str(error.value.remedy)
    assert exit_code(error.value) == 1


def test_an_expired_directory_stops_the_hub_with_the_date_and_a_new_one_heals_it(
    new_province: NewProvince,
) -> None:
    province = new_province()
    province.configure(directory="look_every_s = 0.05")
    with ClockedHub(province, clock := Clock()) as hub:
        clock.set(29 * DAY)
        province.ca.publish_crls(now=clock.now())
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
        assert item(hub, "directory")[0] == "warning", "it expires in a day"
        clock.set(31 * DAY)
        answer = hub.send_at(PROVINCE, COMMUNE)
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (503, "directory-expired")
        assert "expired at" in refusal["detail"] and "publish" in refusal["remedy"]
        assert item(hub, "directory")[0] == "failing"
        assert hub.http.get("/health/ready").status_code == 503
        assert hub.http.get("/v1/log/checkpoint").status_code == 200
        province.publish(issued_at=clock.now().replace(microsecond=0))
        wait_for(lambda: hub.http.get("/health/ready").status_code == 200, "the new directory")
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201


def test_a_hub_does_not_start_with_what_has_run_out_and_names_it(new_province: NewProvince) -> None:
    province = new_province()
    province.publish(issued_at=datetime.now(UTC).replace(microsecond=0) - 2 * DAY, valid_for=DAY)
    with pytest.raises(DirectoryExpired, match="lienthong registry publish"), RunningHub(province):
        pass
    province.publish(signer=expired(province, "directory", Profile.DIRECTORY))
    with pytest.raises(SnapshotUntrusted, match="its signer is expired"), RunningHub(province):
        pass


def test_stale_lists_of_revoked_certificates_are_borne_for_a_week_and_no_longer(
    new_province: NewProvince,
) -> None:
    province = new_province()
    province.publish(valid_for=400 * DAY)
    with ClockedHub(province, clock := Clock()) as hub:
        stale = _next_update(hub) + HOUR
        clock.set(stale - datetime.now(UTC))
        assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
        state, detail, remedy = item(hub, "revocation")
        assert state == "warning" and "went stale" in detail and "publishes the lists anew" in remedy
        clock.set(stale - datetime.now(UTC) + 8 * DAY)
        answer = hub.http.get("/v1/inbox", headers=hub.token(COMMUNE))
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"]) == (401, "certificate-unknown")
        assert "longer ago than the 7 days allowed" in refusal["detail"]
        province.ca.publish_crls(now=clock.now())
        wait_for(
            lambda: hub.http.get("/v1/inbox", headers=hub.token(COMMUNE)).status_code == 200, "the new lists"
        )


def _next_update(hub: ClockedHub) -> datetime:
    revocation = hub.app.hub.trust.revocation
    assert revocation is not None
    return min(one.next_update for issuers in revocation.shelf._by_issuer.values() for one in issuers)
