"""Tokens, nonces and bodies' lengths: small parts of the door, each on its own."""

from __future__ import annotations

import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.exchange.configuration import ConfigurationError
from lienthong.exchange.errors import TooLarge
from lienthong.exchange.server.bodies import content_length, require_media_type
from lienthong.exchange.server.problems import BadRequest, LengthRequired, WrongMediaType
from lienthong.exchange.server.replay import ReplayGuard
from lienthong.exchange.server.sessions import Tokens, open_key

FINGERPRINT = bytes(range(32))


def test_a_token_says_whose_certificate_and_until_when() -> None:
    tokens = Tokens(b"k" * 32)
    assert tokens.read(tokens.issue(FINGERPRINT, 1_800_000_000)) == (FINGERPRINT, 1_800_000_000)


@given(st.integers(0, 72), st.integers(1, 255))
def test_a_token_changed_in_any_bit_is_no_token(at: int, bits: int) -> None:
    tokens = Tokens(b"k" * 32)
    raw = bytearray(urlsafe_b64decode(tokens.issue(FINGERPRINT, 1_800_000_000)))
    raw[at] ^= bits
    assert tokens.read(urlsafe_b64encode(raw).decode()) is None


@given(st.text(max_size=200))
def test_no_text_from_outside_is_a_token(text: str) -> None:
    assert Tokens(b"k" * 32).read(text) is None


def test_a_token_of_another_hub_is_no_token() -> None:
    assert Tokens(b"k" * 32).read(Tokens(b"o" * 32).issue(FINGERPRINT, 1)) is None


def test_processes_of_one_data_folder_share_a_key_that_only_the_owner_reads(tmp_path: Path) -> None:
    key = open_key(tmp_path)
    assert open_key(tmp_path) == key
    file = tmp_path / "secrets/session-tokens"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["session-tokens"]
    file.write_bytes(b"short")
    with pytest.raises(ConfigurationError):
        open_key(tmp_path)


def test_a_nonce_counts_once_until_its_request_would_be_too_old_anyway() -> None:
    guard = ReplayGuard()
    assert guard.first_time("A", "n", 100.0, 0.0)
    assert not guard.first_time("A", "n", 100.0, 1.0)
    assert guard.first_time("B", "n", 100.0, 1.0)
    assert not guard.first_time("A", "n", 100.0, 99.0)
    assert guard.first_time("A", "n", 300.0, 111.0)


def test_one_signer_cannot_fill_the_memory_for_nonces() -> None:
    guard = ReplayGuard(capacity=3)
    assert [guard.first_time("A", str(n), 100.0, 0.0) for n in range(5)] == [True] * 3 + [False] * 2
    assert guard.first_time("B", "0", 100.0, 0.0)


@pytest.mark.parametrize("header", ["", "-1", "+5", "1 ", "0x10", "1e3", "٣", "9" * 16, "1,1"])
def test_a_length_that_is_no_number_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        content_length(header, 10**9)


def test_a_length_is_asked_for_and_limited_before_a_byte_is_read() -> None:
    assert content_length("1000", 1000) == 1000
    with pytest.raises(LengthRequired):
        content_length(None, 1000)
    with pytest.raises(TooLarge):
        content_length("1001", 1000)


def test_parameters_of_a_media_type_do_not_matter_but_the_type_does() -> None:
    require_media_type("Application/JSON; charset=utf-8", "application/json")
    for wrong in (None, "", "text/json", "application/jsonx"):
        with pytest.raises(WrongMediaType):
            require_media_type(wrong, "application/json")


def test_a_nonce_counts_once_though_the_hub_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "nonces"
    guard = ReplayGuard(file=file)
    assert guard.first_time("ab", "one", 100.0, 10.0)
    guard.close()
    with file.open("ab") as cut:
        cut.write(b'["ab", "tw')
    again = ReplayGuard(file=file)
    assert not again.first_time("ab", "one", 100.0, 20.0)
    assert again.first_time("ab", "two", 100.0, 20.0)
    assert again.first_time("ab", "one", 200.0, 120.0)
    again.close()


def test_after_the_machine_was_started_anew_what_was_signed_before_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "nonces"
    for boot, since in (("1", 0), ("1", 0), ("2", 1_000), ("2", 0)):
        guard = ReplayGuard(file=file, clock=lambda: 1_000.9, boot=boot)
        assert guard.since_s == since
        guard.close()
    file.write_bytes(b"")
    cut = ReplayGuard(file=file, clock=lambda: 1_000.9, boot="2")
    assert cut.since_s == 1_000
    cut.close()
