"""Who is asking: sessions are opened by a signed request and renewed when they must be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.client.conftest import NewClient, meddle
from tests.exchange.province import COMMUNE, PROVINCE, REVOKED, RunningHub, TestProvince

from lienthong.exchange.client.errors import HubRefused, HubUnreachable, ProfileError
from lienthong.exchange.client.profile import load_profile
from lienthong.exchange.client.steps import Answer, refusal
from lienthong.exchange.client.sync import Client


def test_one_session_serves_many_requests(clients: NewClient):
    client = clients(PROVINCE)
    meddler = meddle(client)
    for _ in range(3):
        client.inbox()
    assert [call.path for call in meddler.calls] == ["/v1/sessions"] + ["/v1/inbox"] * 3


def test_a_session_the_hub_no_longer_knows_is_opened_anew_once(clients: NewClient):
    client = clients(PROVINCE)
    client.inbox()
    client.desk.receiving._session._token = "forgotten"
    meddler = meddle(client)
    client.inbox()
    assert [call.path for call in meddler.calls] == ["/v1/inbox", "/v1/sessions", "/v1/inbox"]


def test_a_session_is_renewed_before_it_expires(province: TestProvince, hub: RunningHub):
    province.write_profiles(hub.url)
    now = [datetime.now(UTC)]
    with Client(province.data / "agencies" / PROVINCE, clock=lambda: now[0]) as client:
        meddler = meddle(client)
        client.inbox()
        client.desk.receiving._session._good_until = now[0] + timedelta(seconds=29)
        client.inbox()
        assert [call.path for call in meddler.calls].count("/v1/sessions") == 2


def test_a_revoked_certificate_opens_no_session_and_the_message_stays_queued(clients: NewClient):
    client = clients(REVOKED)
    with pytest.raises(HubRefused) as refused:
        client.inbox()
    assert refused.value.code == "certificate-revoked"
    assert not refused.value.for_good


def test_a_clock_that_is_wrong_is_told(province: TestProvince, hub: RunningHub):
    province.write_profiles(hub.url)
    with (
        Client(
            province.data / "agencies" / PROVINCE, clock=lambda: datetime.now(UTC) - timedelta(hours=1)
        ) as client,
        pytest.raises(HubRefused, match="clock") as refused,
    ):
        client.inbox()
    assert refused.value.code == "signature-too-old"


def test_a_profile_with_another_agencys_certificate_is_noticed(province: TestProvince, hub: RunningHub):
    province.write_profiles(hub.url)
    profile = load_profile(province.data / "agencies" / PROVINCE)
    with (
        Client(replace(profile, code=COMMUNE)) as client,
        pytest.raises(HubRefused, match="takes this certificate for"),
    ):
        client.inbox()


def test_a_profile_says_which_file_and_key_is_wrong(province: TestProvince, hub: RunningHub):
    province.write_profiles(hub.url)
    folder = province.data / "agencies" / PROVINCE
    good = (folder / "agency.toml").read_text()
    try:
        for text, says in [
            ("code = [", "not TOML"),
            (good.replace('code = "H61"', 'code = "h 61"'), "not an organ code"),
            ('speed = "high"\n' + good, "speed"),
            (good + 'speed = "high"\n', "speed"),
            (good.replace("[tls]", "[tlz]"), "tlz"),
            ('hub = "http://hub.example"\n' + good, "https only"),
            ('hub = "ftp://hub.example"\n' + good, "not a hub's address"),
            (good.replace("hub.toml", "nowhere.toml"), "cannot be read"),
        ]:
            (folder / "agency.toml").write_text(text)
            with pytest.raises(Exception, match=says) as wrong:
                load_profile(folder)
            assert "agency.toml" in str(wrong.value) or "nowhere.toml" in str(wrong.value)
    finally:
        (folder / "agency.toml").write_text(good)
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(folder / "nobody")


@given(
    st.integers(100, 599),
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: st.dictionaries(
            st.sampled_from(["type", "detail", "place", "status"]), inner, max_size=4
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_whatever_refuses_becomes_one_of_two_errors(status: int, body: bytes):
    error = refusal(Answer(status, {"retry-after": "soon"}, body))
    assert isinstance(error, HubRefused | HubUnreachable)
    assert str(error)


@pytest.mark.parametrize(
    ("status", "for_good"),
    [
        (400, True),
        (401, False),
        (403, True),
        (409, True),
        (413, True),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_passing_and_final_refusals_are_told_apart(status: int, for_good: bool):
    body = json.dumps({"type": "urn:lienthong:problem:x", "detail": "y"}).encode()
    error = refusal(Answer(status, {}, body))
    assert isinstance(error, HubRefused)
    assert error.for_good is for_good
