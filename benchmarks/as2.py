"""The receiving side against pyas2lib (AS2, RFC 4130), like for like: the same RSA-2048 signature, a signed
receipt, the same file; with and without encryption. In one process, no HTTP on either side.

Ours does more: chain and revocation, rights, an entry in a Merkle log and a sync before the receipt. It
receives as the hub does: what arrives together is opened step by step side by side, and committed together.
With encryption both sides decrypt for one RSA-2048 recipient.

The two take turns, and the ratio is taken turn by turn: another tenant of the processor slows both alike.
"""

from __future__ import annotations

import gc
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from benchmarks import _province
from benchmarks.figure import Figure, cpu_microseconds
from lienthong.exchange.configuration import load
from lienthong.exchange.container import File, read_message
from lienthong.exchange.container import build as container_of
from lienthong.exchange.edxml.model import Trace, TraceHeader
from lienthong.exchange.hub.acceptance import Acceptor
from lienthong.exchange.server.process import checkpoint_key, open_store, trust_store
from lienthong.registry.directory import Directory
from lienthong.registry.snapshot import DirectoryHolder
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.keys import generate_key, load_signer, save_key
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.profiles import Profile

BATCH = 48
"""Documents that arrive together: what the hub's batches hold on average while half a province sends."""
SENDER = "H61.10"


def pyas2() -> Any:
    """pyas2lib; its oscrypto takes OpenSSL's version for one digit a part and fails on 3.0.19."""
    search = re.search

    def patient(pattern: Any, *rest: Any) -> Any:
        if isinstance(pattern, str):
            pattern = pattern.replace(r"\d\.\d\.\d[a-z]*", r"\d+\.\d+\.\d+[a-z]*")
        return search(pattern, *rest)

    re.search = patient  # type: ignore[assignment]
    try:
        from pyas2lib import as2
    finally:
        re.search = search
    return as2


class Peer:
    """Two AS2 partners with RSA-2048 keys, and one message from one to the other."""

    def __init__(self, body: bytes, *, encrypted: bool) -> None:
        self.as2 = pyas2()
        ours, theirs = self._identity("sender"), self._identity("recipient")
        message = self.as2.Message(
            self._organisation("sender", ours), self._partner("recipient", theirs, encrypted)
        )
        message.build(body, filename="bao-cao.pdf", subject="x", content_type="application/pdf")
        self.raw = message.headers_str + b"\r\n" + message.content
        self.organisation = self._organisation("recipient", theirs)
        self.partner = self._partner("sender", ours, encrypted)

    @staticmethod
    def _identity(name: str) -> tuple[bytes, bytes]:
        key = generate_key("rsa2048")
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, x509.base.hashes.SHA256())
        )
        pfx = serialize_key_and_certificates(
            name.encode(), key, certificate, None, BestAvailableEncryption(b"x")
        )
        return pfx, certificate.public_bytes(Encoding.PEM)

    def _organisation(self, name: str, identity: tuple[bytes, bytes]) -> Any:
        return self.as2.Organization(
            as2_name=name,
            sign_key=identity[0],
            sign_key_pass="x",
            decrypt_key=identity[0],
            decrypt_key_pass="x",
        )

    def _partner(self, name: str, identity: tuple[bytes, bytes], encrypted: bool) -> Any:
        return self.as2.Partner(
            as2_name=name,
            verify_cert=identity[1],
            encrypt_cert=identity[1],
            validate_certs=False,
            sign=True,
            digest_alg="sha256",
            encrypt=encrypted,
            enc_alg="aes_256_cbc",
            mdn_mode=self.as2.SYNCHRONOUS_MDN,
            mdn_digest_alg="sha256",
        )

    def receive(self) -> None:
        status, error, receipt = self.as2.Message().parse(
            self.raw, find_org_cb=lambda _: self.organisation, find_partner_cb=lambda _: self.partner
        )
        assert status == "processed" and receipt is not None, error


class Ours:
    """Our receiving side in one process, with an RSA-2048 seal and an RSA-2048 encryption key."""

    def __init__(self, data: Path) -> None:
        _province.make(data)
        self.data, self.now = data, datetime.now(UTC)
        self._rsa_keys(data)
        configuration = load(data)
        trust = trust_store(configuration)
        self.acceptor = Acceptor(configuration, trust)
        holder = DirectoryHolder(
            configuration.path(configuration.directory.file), trust, lambda: datetime.now(UTC)
        )
        self.directory: Directory = holder.current()
        self.store = open_store(configuration, checkpoint_signer(checkpoint_key(configuration)))
        self.number = 0

    def _rsa_keys(self, data: Path) -> None:
        from lienthong.registry import actions

        secret = (data / "secrets/passphrase").read_bytes().strip()
        ca = ProvinceCA.open(data / "pki", passphrase=secret)
        added = []
        for use, profile in (("seal", Profile.SEAL), ("encryption", Profile.ENCRYPTION)):
            key = generate_key("rsa2048")
            issued = ca.issue(
                profile,
                subject_name="Sở đo lường",
                organ_code=SENDER,
                public_key=key.public_key(),
                now=self.now,
            )
            save_key(data / f"{use}.key", key, secret)
            (data / f"{use}.pem").write_bytes(issued.pem())
            added.append((SENDER, use, issued.certificate))
            if use == "encryption":
                self.encryption_key, self.encryption_certificate = key, issued.certificate
        actions.add_certificates(added, now=self.now)
        self.seal = load_signer(data / "seal.key", data / "seal.pem", passphrase=secret)
        _province.renew(data, now=datetime.now(UTC), force=True)

    def containers(self, body: bytes, *, encrypted: bool) -> list[bytes]:
        document = _province.document_of(_province.profile(self.data, SENDER))
        stop = TraceHeader(SENDER, self.now.replace(microsecond=0))
        made = []
        for _ in range(BATCH):
            self.number += 1
            message = replace(document, trace=Trace(f"as2-{self.number}", (stop,), document.business))
            whole = container_of(
                message,
                [File("bao-cao.pdf", "application/pdf", body)],
                self.seal,
                signing_time=self.now,
                seal_for=[self.encryption_certificate] if encrypted else [],
            )
            assert whole is not None
            made.append(whole)
        return made

    def receive(self, batch: list[bytes], *, encrypted: bool) -> None:
        """Everything from the bytes to the durable receipts of one batch; decrypted when sealed."""
        now_s = datetime.now(UTC).timestamp()
        accept, directory, today = self.acceptor.accept, self.directory, self.acceptor.today(now_s)
        unverified = [self.acceptor.examine(whole) for whole in batch]
        verified = [one.verify() for one in unverified]
        opened = [read_message(one, today=today) for one in verified]
        submissions = [
            accept(one, whole, sha256(whole).digest(), SENDER, directory, None, now_s).submission
            for one, whole in zip(opened, batch, strict=True)
        ]
        if encrypted:
            for one in opened:
                assert one.unsealed(self.encryption_key, self.encryption_certificate)
        for one in opened:
            one.close()
        for outcome in self.store.commit(submissions, int(now_s * 1000)):
            assert self.store.receipt(outcome.index)


def _cpu_us(call: Callable[[], object]) -> float:
    """The CPU time of one call, µs; none of it another's garbage."""
    gc.collect()
    return cpu_microseconds(call, repeat=1, rounds=1)


def measure(quick: bool = False) -> Iterator[Figure]:
    turns = 5 if quick else 25
    with tempfile.TemporaryDirectory(dir=os.environ.get("LIENTHONG_BENCH_DIR")) as temporary:
        ours = Ours(Path(temporary) / "province")
        for size, name in ((100 * 1024, "100kb"), (4 * 1024, "4kb")):
            body = os.urandom(size)
            for encrypted in (False, True):
                peer = Peer(body, encrypted=encrypted)
                peer.receive()
                ours.receive(ours.containers(body, encrypted=encrypted), encrypted=encrypted)
                gc.freeze()  # as the hub does once it is set up
                theirs, here = [], []
                for _ in range(turns):
                    batch = ours.containers(body, encrypted=encrypted)
                    theirs.append(_cpu_us(peer.receive))
                    here.append(_cpu_us(lambda: ours.receive(batch, encrypted=encrypted)) / BATCH)  # noqa: B023
                kind = "encrypted" if encrypted else "signed"
                yield Figure(
                    name=f"as2_over_ours_{kind}_{name}",
                    value=median(there / one for there, one in zip(theirs, here, strict=True)),
                    target=">= 20",
                    unit="µs",
                    measured=median(here),
                    baseline=median(theirs),
                    baseline_name="pyas2lib",
                )
        ours.store.close()
