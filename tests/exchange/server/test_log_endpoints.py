"""The log over HTTP: checkpoints, tiles and proofs anybody can check, cosignatures of known witnesses."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256

import pytest
from tests.exchange.province import (
    AUDITOR,
    COMMUNE,
    ORIGIN,
    PROVINCE,
    WITNESS,
    RunningHub,
    TestProvince,
)

from lienthong.exchange.receipts import RECEIPT_FORMAT
from lienthong.trust.log.checkpoints import open_checkpoint
from lienthong.trust.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from lienthong.trust.log.notes import KeyType, NoteSigner
from lienthong.trust.log.proofs import ConsistencyProof, InclusionProof
from lienthong.trust.log.tiles import Tile, entries_of, hashes_of


@pytest.fixture(scope="module")
def receipts(hub: RunningHub, province: TestProvince) -> list[bytes]:
    """Receipts of a few documents."""
    return [hub.send(province.document(PROVINCE, [COMMUNE])).content for _ in range(5)]


def test_the_checkpoint_is_signed_by_the_log_and_stands_at_its_size(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    signed = open_checkpoint(hub.http.get("/v1/log/checkpoint").content, province.log_key)
    assert signed.checkpoint.origin == ORIGIN
    assert signed.checkpoint.size == hub.http.get("/v1/statistics").json()["tree_size"]


def test_an_inclusion_proof_shows_a_receipt_s_leaf_in_the_newest_log(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    for raw in receipts:
        receipt = json.loads(raw)
        assert receipt["format"] == RECEIPT_FORMAT
        answer = hub.http.get(f"/v1/log/inclusion?index={receipt['index']}")
        proof = InclusionProof.parse(answer.content)
        checkpoint = open_checkpoint(proof.checkpoint, province.log_key).checkpoint
        leaf = json.dumps(receipt["leaf"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        verify_inclusion(
            leaf_hash(leaf.encode()), receipt["index"], checkpoint.size, proof.hashes, checkpoint.root
        )


def test_a_consistency_proof_joins_any_two_sizes(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    size = hub.http.get("/v1/statistics").json()["tree_size"]
    for old in range(size + 1):
        proof = ConsistencyProof.parse(hub.http.get(f"/v1/log/consistency?from={old}&to={size}").content)
        one = open_checkpoint(proof.old, province.log_key).checkpoint
        two = open_checkpoint(proof.new, province.log_key).checkpoint
        assert (one.size, two.size) == (old, size)
        verify_consistency(old, size, proof.hashes, one.root, two.root)


def test_tiles_hold_the_leaf_hashes_and_entries_the_leaves(hub: RunningHub, receipts: list[bytes]) -> None:
    size = hub.http.get("/v1/statistics").json()["tree_size"]
    hashes = Tile(0, 0, size)
    answer = hub.http.get(f"/v1/log/{hashes.path}")
    assert answer.status_code == 200
    bundle = Tile(-1, 0, size)
    entries = entries_of(bundle, hub.get(AUDITOR, f"/v1/log/{bundle.path}").content)
    assert [leaf_hash(entry) for entry in entries] == hashes_of(hashes, answer.content)
    assert json.loads(receipts[0])["leaf"] in [json.loads(entry) for entry in entries]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/log/inclusion",
        "/v1/log/inclusion?index=99999",
        "/v1/log/inclusion?index=0&size=99999",
        "/v1/log/inclusion?index=3&size=2",
        "/v1/log/consistency",
        "/v1/log/consistency?from=3&to=2",
        "/v1/log/consistency?from=0&to=99999",
        "/v1/log/tile/0/000.p/0",
        "/v1/log/tile/0/000",
        "/v1/log/tile/9/000.p/1",
        "/v1/log/tile/0/000.p/1/",
    ],
)
def test_what_the_log_does_not_have_is_told_in_words(
    hub: RunningHub, receipts: list[bytes], path: str
) -> None:
    answer = hub.http.get(path)
    assert answer.status_code in (400, 404)
    assert answer.json()["detail"]


def test_a_witness_s_cosignature_is_kept_and_shown_with_the_checkpoint(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    note = hub.http.get("/v1/log/checkpoint").content
    checkpoint = open_checkpoint(note, province.log_key).checkpoint
    line = province.witness.sign(checkpoint.text, time_s=1_800_000_000).line
    for path in ("/v1/log/cosignatures", f"/v1/log/cosignatures?size={checkpoint.size}"):
        answer = hub.http.post(path, content=line, headers=hub.bearer(WITNESS))
        assert (answer.status_code, answer.json()) == (201, {"size": checkpoint.size})

    shown = open_checkpoint(
        hub.http.get("/v1/log/checkpoint").content, province.log_key, [province.witness.key]
    )
    assert [one.time_s for one in shown.cosignatures] == [1_800_000_000]


def test_an_older_checkpoint_may_be_cosigned_too(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    proof = ConsistencyProof.parse(hub.http.get("/v1/log/consistency?from=2").content)
    old = open_checkpoint(proof.old, province.log_key).checkpoint
    line = province.witness.sign(old.text, time_s=1_800_000_001).line
    answer = hub.http.post("/v1/log/cosignatures?size=2", content=line, headers=hub.bearer(WITNESS))
    assert answer.json() == {"size": 2}


def test_a_cosignature_of_another_key_or_over_another_text_is_refused(
    hub: RunningHub, province: TestProvince, receipts: list[bytes]
) -> None:
    checkpoint = open_checkpoint(hub.http.get("/v1/log/checkpoint").content, province.log_key).checkpoint
    stranger = NoteSigner.generate(province.witness.key.name, KeyType.COSIGNATURE_V1)
    other_text = checkpoint.text.replace(str(checkpoint.size), str(checkpoint.size + 1), 1)
    for line in (
        stranger.sign(checkpoint.text, time_s=1).line,
        province.witness.sign(other_text, time_s=1).line,
        b"",
        b"nonsense",
        b"\xff\xfe",
    ):
        answer = hub.http.post("/v1/log/cosignatures", content=line, headers=hub.bearer(WITNESS))
        assert answer.status_code == 400, line
        assert answer.json()["code"] == "bad-cosignature"


def test_the_built_in_authorities_answer_other_tools(hub: RunningHub, province: TestProvince) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate, ocsp

    from lienthong.trust.certificates import TrustStore
    from lienthong.trust.timestamps import make_request, read_response, verify_timestamp

    digest = sha256(b"a document").digest()
    answer = hub.http.post(
        "/v1/tsa",
        content=make_request(digest, nonce=7),
        headers={**hub.bearer(COMMUNE), "Content-Type": "application/timestamp-query"},
    )
    assert answer.headers["content-type"] == "application/timestamp-reply"
    token = read_response(answer.content, digest, nonce=7)
    verify_timestamp(token, digest, TrustStore.from_folder(province.data / "pki"))

    seal = province.seals[COMMUNE]
    certificate, issuer = (load_der_x509_certificate(der) for der in (seal.certificate, seal.chain[0]))
    question = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
    answer = hub.http.post(
        "/v1/ocsp",
        content=question.public_bytes(Encoding.DER),
        headers={"Content-Type": "application/ocsp-request"},
    )
    assert ocsp.load_der_ocsp_response(answer.content).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_full_proofs_are_base64_of_hashes(hub: RunningHub, receipts: list[bytes]) -> None:
    receipt = json.loads(receipts[-1])
    assert all(len(b64decode(one, validate=True)) == 32 for one in receipt["proof"])
