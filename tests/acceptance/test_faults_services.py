"""The time-stamping authority and the OCSP responder refuse, or accept and never answer: a bounded wait in
the background, a warning in health, and not one message less.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.acceptance.clocked import Clock, ClockedHub
from tests.acceptance.hostility import checks, wait_for
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PASSPHRASE, PROVINCE, RunningHub, TestProvince
from tests.trust import far_ends

from lienthong.registry.directory import CertificateRef
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.profiles import Profile


class Silent:
    """Accepts connections, reads nothing, says nothing, and knows whether who called still waits."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self._callers: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def called(self) -> None:
        """Wait for a call."""
        self._callers.append(self._listener.accept()[0])

    def still_waiting(self) -> bool:
        caller = self._callers[-1]
        caller.setblocking(False)
        try:
            while piece := caller.recv(65536):
                assert piece
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        return False

    def close(self) -> None:
        for one in (*self._callers, self._listener):
            one.close()


@contextmanager
def silence() -> Iterator[Silent]:
    far_end = Silent()
    try:
        yield far_end
    finally:
        far_end.close()


@contextmanager
def down(kind: str) -> Iterator[str]:
    """The address of a service that is not to be had."""
    if kind == "refuses":
        yield far_ends.nobody()
    elif kind == "never answers":
        with far_ends.silent() as url:
            yield url
    elif kind == "begins and stops":
        with far_ends.silent(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab") as url:
            yield url
    else:
        with far_ends.answering(lambda body: b"<html>maintenance</html>", "text/html") as url:
            yield url


KINDS = ["refuses", "never answers", "begins and stops", "answers nonsense"]


def state(hub: RunningHub, name: str) -> str:
    return checks(hub)[name]["state"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_time_stamping_authority_every_message_is_accepted(
    new_province: NewProvince, kind: str
) -> None:
    province = new_province()
    with down(kind) as tsa:
        province.configure(timestamps=f'authority = "{tsa}"\nevery_s = 1.0\nbudget_s = 0.3')
        with RunningHub(province) as hub:
            for _ in range(3):
                assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
            wait_for(lambda: state(hub, "timestamps") == "warning", "health warns")
            found = checks(hub)["timestamps"]
            assert "could not be time-stamped" in found["detail"]
            assert "[timestamps] authority" in found["remedy"]
            assert hub.http.get("/health/ready").status_code == 200
            for _ in range(3):
                assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
            assert len(hub.get(COMMUNE, "/v1/inbox").json()["items"]) == 6


def test_messages_pass_while_the_time_stamping_authority_keeps_the_hub_waiting(
    new_province: NewProvince,
) -> None:
    province = new_province()
    with silence() as tsa:
        province.configure(timestamps=f'authority = "{tsa.url}"\nevery_s = 1.0\nbudget_s = 100.0')
        with RunningHub(province) as hub:
            assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
            tsa.called()
            for _ in range(10):
                assert hub.send(province.document(PROVINCE, [COMMUNE])).status_code == 201
            assert hub.http.get("/health/ready").status_code == 200
            assert tsa.still_waiting(), "the messages waited for the time-stamp"
            tsa.close()


def with_responder(province: TestProvince, ocsp: str) -> None:
    """Give one agency certificates that name the responder; the others have none."""
    (province.data / "pki/addresses.json").write_text(json.dumps({"ocsp": ocsp, "crl": ""}))
    province.ca = ProvinceCA.open(province.data / "pki", passphrase=PASSPHRASE)
    province.seals[PROVINCE] = province.signer(Profile.SEAL, name="UBND tỉnh", code=PROVINCE)
    province.tls[PROVINCE] = province.signer(Profile.TLS_CLIENT, name="UBND tỉnh", code=PROVINCE)
    province.agencies[PROVINCE] = replace(
        province.agencies[PROVINCE],
        seals=(CertificateRef.of(province.seals[PROVINCE].certificate),),
        tls=(CertificateRef.of(province.tls[PROVINCE].certificate),),
    )
    province.publish()


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_ocsp_responder_stale_lists_serve_for_their_week(
    new_province: NewProvince, kind: str
) -> None:
    province = new_province()
    with down(kind) as ocsp:
        with_responder(province, ocsp)
        province.configure(revocation="ocsp = true\nbudget_s = 0.3")
        with ClockedHub(province, Clock(timedelta(days=8))) as hub:
            assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
            wait_for(lambda: "OCSP responder" in checks(hub)["revocation"]["detail"], "health warns")
            found = checks(hub)["revocation"]
            assert found["state"] == "warning" and ocsp in found["detail"] and found["remedy"]
            assert hub.http.get("/health/ready").status_code == 200
            assert hub.send_at(PROVINCE, COMMUNE).status_code == 201


def test_messages_pass_while_an_ocsp_responder_keeps_the_hub_waiting(new_province: NewProvince) -> None:
    """Nobody at the door waits for it: neither who seals, nor who signs in."""
    province = new_province()
    with silence() as ocsp:
        with_responder(province, ocsp.url)
        province.configure(revocation="ocsp = true\nbudget_s = 60.0")
        with ClockedHub(province, Clock(timedelta(days=8))) as hub:
            ocsp.called()
            for _ in range(5):
                assert hub.send_at(PROVINCE, COMMUNE).status_code == 201
            hub.on_loop(lambda: hub.app.door._by_fingerprint.clear() or hub.app.door._kept.clear())
            assert hub.http.get("/v1/inbox", headers=hub.token(PROVINCE)).status_code == 200
            assert ocsp.still_waiting(), "somebody waited for the responder"
            ocsp.close()
