from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log.checkpoints import (
    Checkpoint,
    check_cosignature,
    checkpoint_signer,
    open_checkpoint,
    sign_checkpoint,
    with_cosignatures,
)
from lienthong.trust.log.errors import CheckpointError, LogError, NoteError, SignatureRefused
from lienthong.trust.log.notes import KeyType, NoteSigner

LOG = NoteSigner.from_seed("hub.example/log", b"\x02" * 32)
OTHER = NoteSigner.from_seed("other.example/log", b"\x03" * 32)
WITNESS = NoteSigner.from_seed("a.example/witness", b"\x04" * 32, KeyType.COSIGNATURE_V1)
ROOT = bytes(range(32))


def cosigned(note: bytes, witness: NoteSigner = WITNESS, time_s: int = 1_700_000_000) -> bytes:
    text = note.decode().partition("\n\n")[0] + "\n"
    return with_cosignatures(note, [witness.sign(text, time_s=time_s).line])


def test_a_checkpoint_is_the_text_of_the_specification() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert Checkpoint.parse(text).text == text


@given(
    st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1, max_size=60),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1), max_size=3),
)
def test_a_checkpoint_is_read_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n1\n" + "A" * 43 + "=",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n+1\n" + "A" * 43 + "=\n",
        "o\n١\n" + "A" * 43 + "=\n",
        "o\n9999999999999999999\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 42 + "B=\n",
        "o\n1\n" + "A" * 44 + "\n",
        "o\n1\n" + "A" * 43 + "=\n\n",
        "o\n1\n" + "A" * 43 + "=\n\nx\n",
    ],
)
def test_a_malformed_checkpoint_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(CheckpointError, match="checkpoint"):
        Checkpoint.parse(text)


def test_the_store_gets_a_signer_of_its_checkpoints() -> None:
    note = checkpoint_signer(LOG)(7, ROOT)
    signed = open_checkpoint(note, LOG.key)
    assert signed.checkpoint == Checkpoint("hub.example/log", 7, ROOT)
    assert bytes(signed.note) == note
    assert signed.cosignatures == ()


def test_a_key_of_another_name_does_not_sign() -> None:
    with pytest.raises(CheckpointError, match=r"other\.example"):
        sign_checkpoint(Checkpoint("hub.example/log", 7, ROOT), OTHER)


def test_a_trusted_key_of_another_log_is_not_enough() -> None:
    """A checkpoint that names this log, signed only by another trusted log's key, is refused."""
    text = Checkpoint("hub.example/log", 7, ROOT).text
    note = (text + "\n").encode() + OTHER.sign(text).line
    with pytest.raises(SignatureRefused, match=r"hub\.example/log"):
        open_checkpoint(note, [LOG.key, OTHER.key])


def test_cosignatures_are_verified_and_strangers_named() -> None:
    stranger = NoteSigner.from_seed("b.example/witness", b"\x05" * 32, KeyType.COSIGNATURE_V1)
    note = cosigned(cosigned(checkpoint_signer(LOG)(7, ROOT)), stranger)
    signed = open_checkpoint(note, LOG.key, [WITNESS.key])
    assert [(c.witness.name, c.time_s) for c in signed.cosignatures] == [("a.example/witness", 1_700_000_000)]
    assert signed.unknown == ("b.example/witness",)
    assert with_cosignatures(note, [signed.cosignatures[0].signature.line]) == note, "a line is kept once"


def test_a_cosignature_over_another_tree_refuses_the_checkpoint() -> None:
    other = Checkpoint("hub.example/log", 8, ROOT)
    note = with_cosignatures(checkpoint_signer(LOG)(7, ROOT), [WITNESS.sign(other.text, time_s=1).line])
    with pytest.raises(SignatureRefused, match=r"a\.example/witness"):
        open_checkpoint(note, LOG.key, [WITNESS.key])


def test_a_hub_checks_a_cosignature_before_it_keeps_it() -> None:
    checkpoint = Checkpoint("hub.example/log", 7, ROOT)
    line = WITNESS.sign(checkpoint.text, time_s=5).line
    assert check_cosignature(line, checkpoint, [WITNESS.key]).time_s == 5
    for bad in (b"", b"\xff", line[:-5] + b"\n", LOG.sign(checkpoint.text).line):
        with pytest.raises(LogError):
            check_cosignature(bad, checkpoint, [WITNESS.key, LOG.key])
    with pytest.raises(SignatureRefused):
        check_cosignature(line, Checkpoint("hub.example/log", 8, ROOT), [WITNESS.key])


@given(st.data())
def test_a_changed_checkpoint_is_never_opened(data: st.DataObject) -> None:
    original = cosigned(checkpoint_signer(LOG)(7, ROOT))
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    changed = original[:at] + bytes([value]) + original[at + 1 :]
    try:
        signed = open_checkpoint(changed, LOG.key, [WITNESS.key])
    except (NoteError, CheckpointError, SignatureRefused):
        return
    # Only the cosignature line can lose its meaning without touching the log's statement.
    assert signed.checkpoint == Checkpoint("hub.example/log", 7, ROOT)
    assert signed.cosignatures == ()


@given(st.binary(max_size=400))
def test_random_bytes_are_an_error_with_words(data: bytes) -> None:
    with pytest.raises(LogError) as caught:
        open_checkpoint(data, LOG.key)
    assert str(caught.value)
