"""Signed notes are those of C2SP and of Go's sumdb/note: same bytes, same keys, same refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log.errors import NoteError, NoteKeyError, SignatureRefused
from lienthong.trust.log.notes import KeyType, Note, NoteKey, NoteSigner, Signature, sign_note

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"),
    min_size=1,
    max_size=40,
).filter(lambda name: not any(ch.isspace() for ch in name))
seeds = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1).map(
    lambda t: t + "\n"
)


def note_of(*lines: str) -> bytes:
    return (TEXT + "\n" + "".join(lines)).encode()


def test_a_note_is_signed_exactly_as_go_signs_it() -> None:
    signer = NoteSigner.parse(PETER_PRIVATE)
    assert bytes(sign_note(TEXT, signer)) == note_of(PETER_LINE)
    assert signer.key.vkey == PETER
    assert signer.skey == PETER_PRIVATE


def test_the_signatures_of_known_keys_are_found_and_others_ignored() -> None:
    note = Note.parse(note_of(PETER_LINE, ENOCH_LINE))
    peter, enoch = NoteKey.parse(PETER), NoteKey.parse(ENOCH)
    assert note.text == TEXT
    assert [s.name for s in note.verified_by([peter])] == ["PeterNeumann"]
    assert [s.name for s in note.verified_by([peter, enoch])] == ["PeterNeumann", "EnochRoot"]
    assert len(Note.parse(note_of(PETER_LINE, PETER_LINE)).verified_by([peter])) == 1


def test_a_note_that_no_known_key_signed_is_refused_and_the_names_are_said() -> None:
    with pytest.raises(SignatureRefused, match="PeterNeumann"):
        Note.parse(note_of(PETER_LINE)).verified_by([NoteKey.parse(ENOCH)])
    with pytest.raises(SignatureRefused):
        Note.parse(note_of(PETER_LINE)).verified_by([])


def test_one_wrong_signature_of_a_known_key_refuses_the_whole_note() -> None:
    peter, enoch = NoteKey.parse(PETER), NoteKey.parse(ENOCH)
    wrong = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    with pytest.raises(SignatureRefused, match="PeterNeumann"):
        Note.parse(note_of(wrong, ENOCH_LINE)).verified_by([peter, enoch])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        TEXT.encode(),
        note_of(),
        note_of(PETER_LINE[:-1]),
        b"\x01" + note_of(PETER_LINE),
        b"\xff" + note_of(PETER_LINE),
        note_of(PETER_LINE.replace("PeterNeumann", "Bad Name")),
        note_of(PETER_LINE.replace("PeterNeumann", "Bad+Name")),
        note_of(PETER_LINE.replace("— ", "- ")),
        note_of(PETER_LINE, "Unexpected line.\n"),
        note_of(PETER_LINE[:-2] + "\n"),
        note_of("— PeterNeumann x08goA==\n"[:-5] + "\n"),
        note_of("— PeterNeumann x08gow==\n"),
        note_of(PETER_LINE * 101),
        note_of(PETER_LINE).replace(b"\n", b"\r\n"),
        b"a" * 1_000_001,
    ],
)
def test_a_malformed_note_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(data)


def test_every_part_of_a_key_string_matters() -> None:
    for text, parse in ((PETER, NoteKey.parse), (PETER_PRIVATE, NoteSigner.parse)):
        for i in range(len(text)):
            with pytest.raises(NoteKeyError):
                parse(text[:i] + chr(ord(text[i]) + 1) + text[i + 1 :])
            with pytest.raises(NoteKeyError):
                parse(text[:i])
            with pytest.raises(NoteKeyError):
                parse(text[i + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
        "é",
    ],
)
def test_keys_of_another_length_or_type_are_refused(vkey: str) -> None:
    with pytest.raises(NoteKeyError):
        NoteKey.parse(vkey)


def test_a_private_key_never_shows_in_an_error_or_a_repr() -> None:
    signer = NoteSigner.parse(PETER_PRIVATE)
    secret = PETER_PRIVATE.rpartition("+")[2]
    assert secret not in repr(signer)
    with pytest.raises(NoteKeyError) as caught:
        NoteSigner.parse(PETER_PRIVATE.replace("c74f20a3", "c74f20a4"))
    assert secret not in str(caught.value)


@given(names, seeds, texts, st.sampled_from(KeyType), st.integers(0, 2**63 - 1))
def test_what_is_signed_is_read_back_and_verifies(
    name: str, seed: bytes, text: str, kind: KeyType, time_s: int
) -> None:
    signer = NoteSigner.from_seed(name, seed, kind)
    data = bytes(sign_note(text, signer, time_s=time_s))
    note = Note.parse(data)
    assert (note.text, bytes(note)) == (text, data)
    key = NoteKey.parse(signer.key.vkey)
    assert key == signer.key
    assert NoteSigner.parse(signer.skey) == signer
    assert note.verified_by([key]) == note.signatures


@given(texts, st.data())
def test_a_note_changed_anywhere_is_refused(text: str, data: st.DataObject) -> None:
    signer = NoteSigner.from_seed("log.example/x", b"\x07" * 32)
    original = bytes(sign_note(text, signer))
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    changed = original[:at] + bytes([value]) + original[at + 1 :]
    with pytest.raises((NoteError, SignatureRefused)):
        Note.parse(changed).verified_by([signer.key])


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"{t}\n\n— {t}\n".encode(errors="ignore"))
)
def test_random_bytes_are_never_a_note_we_believe(data: bytes) -> None:
    with pytest.raises((NoteError, SignatureRefused)):
        Note.parse(data).verified_by([NoteKey.parse(PETER)])


@given(st.text(max_size=120))
def test_random_text_is_never_a_key(text: str) -> None:
    with pytest.raises(NoteKeyError):
        NoteKey.parse(text)
    with pytest.raises(NoteKeyError):
        NoteSigner.parse("PRIVATE+KEY+" + text)


def test_a_cosignature_key_signs_with_its_time_and_nothing_else_does() -> None:
    witness = NoteSigner.from_seed("witness.example/w1", b"\x01" * 32, KeyType.COSIGNATURE_V1)
    plain = NoteSigner.from_seed("witness.example/w1", b"\x01" * 32)
    assert witness.key.id != plain.key.id, "the same key under another signature type has another id"
    with pytest.raises(NoteError, match="time"):
        witness.sign(TEXT)
    signature = witness.sign(TEXT, time_s=1679315147)
    assert len(signature.data) == 72
    assert int.from_bytes(signature.data[:8], "big") == 1679315147
    later = Signature(signature.name, signature.key_id, (1679315148).to_bytes(8, "big") + signature.data[8:])
    assert witness.key.verifies(TEXT, signature)
    assert not witness.key.verifies(TEXT, later), "the time is signed"
    assert not plain.key.verifies(TEXT, signature)
    assert not witness.key.verifies(TEXT, Signature(signature.name, signature.key_id, signature.data[:71]))


@pytest.mark.parametrize("text", ["", "\n", "no newline", "tab\tinside\n"])
def test_a_text_that_cannot_be_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, NoteSigner.parse(PETER_PRIVATE))
