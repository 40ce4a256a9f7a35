"""A province's seals and a real log, so that evidence can be made, kept apart, and tampered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from lienthong.core.identifiers import DocumentId
from lienthong.exchange.container import File, build
from lienthong.exchange.edxml import model
from lienthong.exchange.evidence.checks import Trust
from lienthong.exchange.receipts import leaf_bytes, receipt_bytes
from lienthong.exchange.store.protocol import RecordKind, Submission
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner, generate_key
from lienthong.trust.log.checkpoints import checkpoint_signer
from lienthong.trust.log.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash, root_hash
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.log.policy import Policy
from lienthong.trust.log.proofs import ConsistencyProof, InclusionProof
from lienthong.trust.log.tiles import tile_bytes, tiles_of
from lienthong.trust.profiles import Profile

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LOG_KEY = NoteSigner.from_seed("hub.example/log", b"\x51" * 32)
PEOPLES_COMMITTEE = "000.00.00.H61"
COMMUNE = "000.05.25.H61"


def directive(number: int) -> model.Document:
    code = model.Code(str(number), "CT-UBND")
    return model.Document(
        sender=model.Organ(PEOPLES_COMMITTEE, "UBND tỉnh Vĩnh Long"),
        recipients=(model.Organ(COMMUNE, "UBND xã Long Phước"),),
        document_id=str(DocumentId(PEOPLES_COMMITTEE, date(2026, 3, 1), str(code))),
        code=code,
        promulgation=model.Promulgation(date(2026, 3, 1), "Vĩnh Long"),
        type=model.DocumentType(2, "Chỉ thị", 3),
        subject="Về việc liên thông văn bản điện tử",
        trace=model.Trace(
            f"m-{number}",
            (model.TraceHeader(PEOPLES_COMMITTEE, NOW),),
            model.Business(reason="Văn bản mới"),
        ),
    )


@dataclass
class Province:
    """The CA, the sender's seal, and containers made with it."""

    ca: ProvinceCA
    seal: FileSigner

    def new_seal(self, name: str, code: str) -> FileSigner:
        key = generate_key("p256")
        issued = self.ca.issue(
            Profile.SEAL, subject_name=name, organ_code=code, public_key=key.public_key(), now=NOW, days=365
        )
        return FileSigner(key, issued.certificate, issued.chain)

    def container(
        self,
        number: int = 15,
        *,
        seal: FileSigner | None = None,
        pdf: bytes = b"%PDF-1.7 chi thi " * 50,
        **options: object,
    ) -> bytes:
        files = [File("chi-thi.pdf", "application/pdf", pdf)]
        made = build(
            directive(number),
            files,
            seal or self.seal,
            signing_time=NOW,
            **options,  # type: ignore[arg-type]
        )
        assert made is not None
        return made

    @property
    def trust(self) -> TrustStore:
        return TrustStore.from_folder(self.ca.folder)


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Province:
    folder = tmp_path_factory.mktemp("province") / "pki"
    ca = ProvinceCA.create(folder, province="Vĩnh Long", passphrase=b"for tests alone", now=NOW)
    made = Province(ca, None)  # type: ignore[arg-type]
    made.seal = made.new_seal("UBND tỉnh Vĩnh Long", PEOPLES_COMMITTEE)
    return made


@dataclass
class Log:
    """A log as the hub keeps it: leaves, nodes, the checkpoint and the receipts of each batch."""

    signer: NoteSigner = LOG_KEY
    leaves: list[bytes] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    receipts: list[bytes] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)

    def commit(self, payloads: Sequence[bytes], at: datetime = NOW) -> None:
        """One batch of documents."""
        batch = [self._submission(payload, len(self.leaves) + i) for i, payload in enumerate(payloads)]
        self.append([leaf_bytes(each, int(at.timestamp() * 1000)) for each in batch], payloads)

    def acknowledge(self, subject: int, at: datetime = NOW) -> None:
        """The commune takes a document from its inbox."""
        digest = sha256(f"{COMMUNE}:{subject}".encode()).digest()
        kind = RecordKind.ACKNOWLEDGEMENT
        taken = Submission(kind, COMMUNE, f"ack-{subject}", digest, b"", (), subject=subject)
        self.append([leaf_bytes(taken, int(at.timestamp() * 1000))], [b""])

    def append(self, leaves: Sequence[bytes], payloads: Sequence[bytes]) -> None:
        start = self.frontier.size
        hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = self.frontier.append(hashes)
        self.nodes.update(((level, index), h) for level, index, h in growth.nodes)
        self.nodes.update(((0, start + i), h) for i, h in enumerate(hashes))
        note = checkpoint_signer(self.signer)(growth.size, growth.root)
        self.checkpoints[growth.size] = note
        self.receipts += [
            receipt_bytes(start + i, leaf, proof, note)
            for i, (leaf, proof) in enumerate(zip(leaves, growth.proofs(), strict=True))
        ]
        self.leaves += leaves
        self.payloads += payloads
        self.frontier = growth.frontier

    def _submission(self, payload: bytes, index: int) -> Submission:
        return Submission(
            RecordKind.DOCUMENT,
            PEOPLES_COMMITTEE,
            f"m-{index}",
            sha256(payload).digest(),
            payload,
            (COMMUNE,),
            document_id=f"{PEOPLES_COMMITTEE},2026/03/01,{index}/CT-UBND",
        )

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.leaves[start:end]

    def inclusion(self, index: int, size: int, *, extra: bool = True) -> bytes:
        leaf = self.leaves[index] if extra else None
        proof = inclusion_proof(self.node, index, size)
        return bytes(InclusionProof(index, proof, self.checkpoint(size), leaf))

    def consistency(self, old: int, new: int) -> bytes:
        proof = consistency_proof(self.node, old, new)
        return bytes(ConsistencyProof(self.checkpoint(old), self.checkpoint(new), proof))

    def checkpoint(self, size: int) -> bytes:
        return checkpoint_signer(self.signer)(size, root_hash(self.node, size))

    def write_tiles(self, folder: Path) -> Path:
        size = self.frontier.size
        for tile in tiles_of(size):
            path = folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tile_bytes(tile, size, self.node, self.entries))
        (folder / "checkpoint").write_bytes(self.checkpoint(size))
        return folder


@pytest.fixture
def log() -> Log:
    """Seven documents in three batches, one of them acknowledged."""
    made = Log()
    made.commit([b"PK-0", b"PK-1", b"PK-2"], NOW)
    made.acknowledge(1, NOW + timedelta(minutes=1))
    made.commit([b"PK-4", b"PK-5", b"PK-6"], NOW + timedelta(minutes=2))
    return made


@pytest.fixture
def trust(province: Province) -> Trust:
    return Trust(Policy.of([LOG_KEY.key]), NOW, province.trust)


@pytest.fixture
def no_trust() -> Trust:
    """Somebody who was given no key at all."""
    return Trust(Policy(), NOW)


def without_log(trust: Trust) -> Trust:
    return replace(trust, policy=Policy())
