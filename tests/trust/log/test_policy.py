from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.trust.log.checkpoints import Checkpoint, Cosignature, check_cosignature
from lienthong.trust.log.errors import PolicyError
from lienthong.trust.log.notes import KeyType, NoteSigner
from lienthong.trust.log.policy import Policy

LOG = NoteSigner.from_seed("hub.example/log", b"\x20" * 32)
WITNESSES = [
    NoteSigner.from_seed(f"w{i}.example", bytes([i]) * 32, KeyType.COSIGNATURE_V1) for i in range(1, 7)
]
CHECKPOINT = Checkpoint("hub.example/log", 1, b"\0" * 32)


def cosignature(signer: NoteSigner) -> Cosignature:
    return check_cosignature(signer.sign(CHECKPOINT.text, time_s=1).line, CHECKPOINT, [signer.key])


TWO_LEVELS = "\n".join(
    [
        "# the province's agencies",
        f"log {LOG.key.vkey} https://hub.example/",
        "",
        *(f"\twitness X{i} {w.key.vkey}" for i, w in enumerate(WITNESSES[:3], 1)),
        "group X-witnesses 2 X1 X2 X3",
        *(f"witness Y{i}  {w.key.vkey} https://w.example" for i, w in enumerate(WITNESSES[3:], 1)),
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
    ]
).encode()


def test_a_quorum_of_groups_is_met_by_exactly_the_right_witnesses() -> None:
    policy = Policy.parse(TWO_LEVELS)
    assert policy.logs == (LOG.key,)
    assert policy.witness_keys == tuple(w.key for w in WITNESSES)
    made = [cosignature(w) for w in WITNESSES]
    for count in range(7):
        for chosen in combinations(range(6), count):
            enough = len([i for i in chosen if i < 3]) >= 2 and any(i >= 3 for i in chosen)
            assert policy.met_by([made[i] for i in chosen]) is enough


def test_no_quorum_asks_for_nobody() -> None:
    policy = Policy.parse(b"quorum none\n")
    assert policy.met_by([])


def test_one_witness_is_a_quorum() -> None:
    policy = Policy.parse(f"witness a {WITNESSES[0].key.vkey}\nquorum a".encode())
    assert policy.met_by([cosignature(WITNESSES[0])])
    assert not policy.met_by([cosignature(WITNESSES[1])])


def test_so_many_of_these_witnesses() -> None:
    policy = Policy.of([LOG.key], [w.key for w in WITNESSES[:3]], 2)
    assert not policy.met_by([cosignature(WITNESSES[0])] * 2), "one witness counts once"
    assert policy.met_by([cosignature(WITNESSES[0]), cosignature(WITNESSES[2])])


def test_one_key_under_two_names_is_not_two_witnesses() -> None:
    """A v1 cosignature does not commit to the witness's name, so the key is what counts."""
    twin = NoteSigner.from_seed("twin.example", b"\x01" * 32, KeyType.COSIGNATURE_V1)
    with pytest.raises(PolicyError, match="already listed"):
        Policy.of([LOG.key], [WITNESSES[0].key, twin.key], 2)


V = [w.key.vkey for w in WITNESSES]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum a",
        "quorum none\nquorum none",
        "witness none " + V[0] + "\nquorum none",
        f"witness a {V[0]}\nwitness a {V[1]}\nquorum a",
        f"witness a {V[0]}\nwitness b {V[0]}\nquorum a",
        f"witness a {V[0]}\ngroup g 2 a\nquorum g",
        f"witness a {V[0]}\ngroup g 0 a\nquorum g",
        f"witness a {V[0]}\ngroup g all a a\nquorum g",
        f"witness a {V[0]}\ngroup g all a\ngroup h all a g\nquorum h",
        f"witness a {V[0]}\ngroup g all\nquorum g",
        f"quorum a\nwitness a {V[0]}",
        f"witness a {LOG.key.vkey}\nquorum a",
        f"log {V[0]}\nquorum none",
        f"log {LOG.key.vkey}\nlog {LOG.key.vkey}\nquorum none",
        "log nonsense\nquorum none",
        "witness \x01 x\nquorum none",
        "quorum none\r\n",
        "something else\nquorum none",
    ],
)
def test_a_policy_that_is_not_clear_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(text.encode())


def test_an_error_names_the_line() -> None:
    with pytest.raises(PolicyError, match="line 3"):
        Policy.parse(b"# one\n\nlog nonsense\n")


@given(st.binary(max_size=200) | st.text("logwitnesquorumgroup \n+1ab", max_size=200).map(str.encode))
def test_garbage_is_refused_or_asks_for_nobody(data: bytes) -> None:
    try:
        policy = Policy.parse(data)
    except PolicyError as error:
        assert str(error)
        return
    assert policy.quorum is None
