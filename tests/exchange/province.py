"""A small real province for the exchange's tests: CA, directory, agencies of every kind, keys, and a hub.

Nothing here is a stand-in: certificates are issued and revoked by the province's CA, the directory is
signed, and :class:`RunningHub` is the exchange itself under Granian on a free loopback port.
"""

from __future__ import annotations

import asyncio
import copy
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, TypeVar

import httpx
import uvloop

from lienthong.core.clock import VIETNAM
from lienthong.exchange.client.build import new_message_id
from lienthong.exchange.client.signature import signed_headers
from lienthong.exchange.configuration import Configuration, load, starter
from lienthong.exchange.container import File, build
from lienthong.exchange.edxml.model import (
    Business,
    BusinessType,
    Code,
    Document,
    DocumentType,
    Message,
    Organ,
    OtherInfo,
    Promulgation,
    Reference,
    Replacement,
    ResponseFor,
    Staff,
    Status,
    Trace,
    TraceHeader,
    document_id,
)
from lienthong.exchange.edxml.writer import write
from lienthong.exchange.server.application import Application
from lienthong.exchange.server.listening import url_of
from lienthong.exchange.server.process import run
from lienthong.registry.directory import Agency, Alias, CertificateRef, Directory, Quota, QuotaRule, Right
from lienthong.registry.snapshot import sign
from lienthong.trust import asic
from lienthong.trust.asic import MIMETYPE, Entry
from lienthong.trust.ca import ProvinceCA
from lienthong.trust.keys import FileSigner, generate_key, save_key, write_file
from lienthong.trust.log.notes import KeyType, NoteKey, NoteSigner
from lienthong.trust.profiles import Profile

T = TypeVar("T")

PASSPHRASE = b"a passphrase for tests alone"
ORIGIN = "hub.example/log"
YESTERDAY = (datetime.now(UTC) - timedelta(days=2)).date()

PROVINCE, DEPARTMENT, COMMUNE, OTHER_COMMUNE = "H61", "H61.02", "H61.X1", "H61.X2"
LOCKED, MERGED, ENDED = "H61.X3", "H61.X4", "H61.X5"
AUDITOR, WITNESS, STRANGER, REVOKED = "H61.HD", "H61.MT", "H61.DN", "H61.X6"
ALIAS = "000.00.00.H61"

AGENCIES: tuple[Agency, ...] = (
    Agency(PROVINCE, "UBND tỉnh Vĩnh Long", "government", level="province", aliases=(Alias(ALIAS),)),
    Agency(DEPARTMENT, "Sở Nội vụ", "department", parent=PROVINCE, level="province"),
    Agency(COMMUNE, "UBND xã Long Phước", "commune", parent=PROVINCE, level="commune"),
    Agency(OTHER_COMMUNE, "UBND xã Tân Hạnh", "commune", parent=PROVINCE, level="commune"),
    Agency(LOCKED, "UBND xã Thanh Đức", "commune", locked=True, level="commune"),
    Agency(
        MERGED,
        "UBND xã Phú Đức",
        "commune",
        valid_to=YESTERDAY,
        successors=(COMMUNE,),
        level="commune",
    ),
    Agency(ENDED, "UBND xã Hòa Phú", "commune", valid_to=YESTERDAY, level="commune"),
    Agency(REVOKED, "UBND xã Lộc Hòa", "commune", level="commune"),
    Agency(AUDITOR, "HĐND tỉnh", "council", level="province"),
    Agency(WITNESS, "Ủy ban MTTQ tỉnh", "mass-organisation", level="province"),
    Agency(STRANGER, "Công ty Cấp nước", "enterprise", level="province"),
)
RIGHTS: tuple[Right, ...] = (
    Right("kind:government", "send"),
    Right("kind:department", "send"),
    Right("kind:commune", "send"),
    Right(PROVINCE, "operate"),
    Right(AUDITOR, "audit"),
    Right(WITNESS, "witness"),
)
QUOTAS = (QuotaRule("*", Quota(messages_per_minute=600_000)),)
USES = (("seal", Profile.SEAL), ("encryption", Profile.ENCRYPTION), ("tls", Profile.TLS_CLIENT))


class TestProvince:
    """A data folder that the exchange can serve. ``seals`` and ``tls``: each agency's signers."""

    __test__ = False

    def __init__(self, data: Path, *, now: datetime | None = None) -> None:
        self.data = data
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.seals: dict[str, FileSigner] = {}
        self.tls: dict[str, FileSigner] = {}
        self.encryption: dict[str, FileSigner] = {}
        self.witness = NoteSigner.generate("witness.example", KeyType.COSIGNATURE_V1)
        self.version = 0
        for folder in ("secrets", "keys", "directory", "agencies"):
            (data / folder).mkdir(parents=True)
        write_file(data / "secrets/passphrase", PASSPHRASE + b"\n", mode=0o600)
        self.ca = ProvinceCA.create(data / "pki", province="Vĩnh Long", passphrase=PASSPHRASE, now=self.now)
        self.log = NoteSigner.generate(ORIGIN)
        write_file(data / "keys/checkpoint.key", self.log.skey.encode() + b"\n", mode=0o600)
        write_file(data / "keys/checkpoint.vkey", self.log.key.vkey.encode() + b"\n")
        self.agencies = {agency.code: self._equipped(agency) for agency in AGENCIES}
        self._services()
        self.configure()
        self.revoke(self.tls[REVOKED])
        self.publish()

    @property
    def log_key(self) -> NoteKey:
        return self.log.key

    def copy(self, data: Path) -> TestProvince:
        """The same province in another data folder: much quicker than a new one."""
        shutil.copytree(self.data, data)
        twin = copy.copy(self)
        twin.data, twin.ca = data, ProvinceCA.open(data / "pki", passphrase=PASSPHRASE)
        twin.seals, twin.tls, twin.encryption = dict(self.seals), dict(self.tls), dict(self.encryption)
        twin.agencies = dict(self.agencies)
        return twin

    # --- configuration and directory

    def configure(self, **tables: str) -> None:
        """Write lienthong.toml; ``tables`` are more of it, as text, by table name."""
        text = starter(ORIGIN, "Trục liên thông thử nghiệm", exchange_port=0, web_port=0)
        text = text.replace(
            "port = 0\ntls = false\n", f"port = 0\ntls = false\n{tables.pop('exchange', '')}\n"
        )
        witness = f'{{agency = "{WITNESS}", key = "{self.witness.key.vkey}"}}'
        tables.setdefault("log", f"witnesses = [{witness}]")
        text += "".join(f"\n[{name}]\n{body}\n" for name, body in tables.items())
        (self.data / "lienthong.toml").write_text(text)

    def configuration(self) -> Configuration:
        return load(self.data)

    def publish(
        self,
        agencies: Iterable[Agency] | None = None,
        *,
        rights: Sequence[Right] = RIGHTS,
        quotas: Sequence[QuotaRule] = QUOTAS,
        issued_at: datetime | None = None,
        valid_for: timedelta = timedelta(days=30),
        signer: FileSigner | None = None,
    ) -> Directory:
        """A new version of the directory, signed, in the data folder."""
        if agencies is not None:
            self.agencies = {agency.code: agency for agency in agencies}
        self.version += 1
        issued = issued_at or datetime.now(UTC).replace(microsecond=0)
        directory = Directory.build(
            self.agencies.values(),
            version=self.version,
            province="Vĩnh Long",
            issued_at=issued,
            expires_at=issued + valid_for,
            rights=rights,
            quotas=quotas,
        )
        write_file(self.data / "directory/directory.p7m", sign(directory, signer or self.directory_signer))
        return directory

    def change(self, code: str, **changes: Any) -> Directory:
        """Publish the directory with one agency changed."""
        self.agencies[code] = replace(self.agencies[code], **changes)
        return self.publish()

    def revoke(self, signer: FileSigner) -> None:
        from cryptography import x509

        serial = x509.load_der_x509_certificate(signer.certificate).serial_number
        self.ca.revoke(serial, reason="key-compromise", at=datetime.now(UTC))
        self.ca.publish_crls(now=datetime.now(UTC))

    def signer(
        self, profile: Profile, *, name: str = "x", code: str = "", days: int | None = None
    ) -> FileSigner:
        """A new key and certificate of the province's CA."""
        key = generate_key()
        issued = self.ca.issue(
            profile,
            subject_name=name,
            organ_code=code,
            public_key=key.public_key(),
            now=self.now,
            days=days,
            hosts=("localhost", "127.0.0.1") if profile is Profile.TLS_SERVER else (),
        )
        return FileSigner(key, issued.certificate, issued.chain)

    def _equipped(self, agency: Agency) -> Agency:
        made: dict[str, tuple[CertificateRef, ...]] = {}
        folder = self.data / "agencies" / agency.code
        folder.mkdir()
        for use, profile in USES:
            key = generate_key()
            issued = self.ca.issue(
                profile,
                subject_name=agency.name,
                organ_code=agency.code,
                public_key=key.public_key(),
                now=self.now,
            )
            signer = FileSigner(key, issued.certificate, issued.chain)
            {"seal": self.seals, "tls": self.tls, "encryption": self.encryption}[use][agency.code] = signer
            save_key(folder / f"{use}.key", key, PASSPHRASE)
            write_file(folder / f"{use}.pem", issued.pem())
            made["seals" if use == "seal" else use] = (CertificateRef.of(issued.certificate),)
        return replace(agency, **made)  # type: ignore[arg-type]

    def _services(self) -> None:
        for name, profile in (
            ("tls-server", Profile.TLS_SERVER),
            ("tsa", Profile.TSA),
            ("ocsp", Profile.OCSP),
            ("directory", Profile.DIRECTORY),
        ):
            key = generate_key()
            issued = self.ca.issue(
                profile,
                subject_name=f"Vĩnh Long {name}",
                public_key=key.public_key(),
                now=self.now,
                hosts=("localhost", "127.0.0.1") if name == "tls-server" else (),
            )
            save_key(self.data / f"keys/{name}.key", key, PASSPHRASE)
            write_file(self.data / f"keys/{name}.pem", issued.pem())
            if name == "directory":
                self.directory_signer = FileSigner(key, issued.certificate, issued.chain)

    def write_profiles(self, hub: str) -> None:
        """An ``agency.toml`` for every agency, with the hub's address, for the client."""
        shared = (
            f'hub = "{hub}"\npki = "../pki"\ncheckpoint_key = "{self.log.key.vkey}"\n'
            'passphrase_file = "../secrets/passphrase"\n'
        )
        (self.data / "agencies/hub.toml").write_text(shared)
        for code, agency in self.agencies.items():
            keys = "".join(f'\n[{use}]\nkey = "{use}.key"\ncertificate = "{use}.pem"\n' for use, _ in USES)
            (self.data / "agencies" / code / "agency.toml").write_text(
                f'code = "{code}"\nname = "{agency.name}"\ninclude = "../hub.toml"\n{keys}'
            )

    # --- messages

    def document(
        self,
        sender: str,
        to: Sequence[str],
        *,
        number: str = "15",
        message_id: str | None = None,
        priority: int = 0,
        subject: str = "Về việc tăng cường kỷ luật hành chính",
        business: Business | None = None,
        organ: str | None = None,
        day: date | None = None,
    ) -> Document:
        code = Code(number, "UBND-VX")
        now = datetime.now(UTC)
        day = day or now.astimezone(VIETNAM).date()
        return Document(
            sender=Organ(organ or sender, self.agencies[sender].name),
            recipients=tuple(Organ(one) for one in to),
            document_id=document_id(sender, day, code),
            code=code,
            promulgation=Promulgation(day, "Vĩnh Long"),
            type=DocumentType(2, "Công văn"),
            subject=subject,
            trace=Trace(
                message_id or new_message_id(now),
                (TraceHeader(sender, now.replace(microsecond=0)),),
                business or Business(staff=(Staff(name="Nguyễn Văn An"),)),
            ),
            other=OtherInfo(priority=priority) if priority else None,
        )

    def request(self, original: Document, kind: BusinessType, **changes: Any) -> Document:
        """A take-back, update or replacement of a document."""
        about = original.document_id
        business = Business(
            kind,
            "Có sai sót",
            document_id="" if kind is BusinessType.REPLACE else about,
            replacements=(Replacement(about, tuple(organ.organ_id for organ in original.recipients)),)
            if kind is BusinessType.REPLACE
            else (),
        )
        trace = replace(original.trace, message_id=new_message_id(datetime.now(UTC)), business=business)
        return replace(original, trace=trace, **changes)

    def status(
        self,
        sender: str,
        about: Document,
        code: str,
        *,
        message_id: str | None = None,
        description: str = "Đã xử lý",
    ) -> Status:
        now = datetime.now(UTC).replace(microsecond=0)
        return Status(
            sender=Organ(sender, self.agencies[sender].name),
            response_for=ResponseFor(
                about.sender.organ_id, str(about.code), about.document_id, about.promulgation.date
            ),
            status_code=code,
            description=description,
            timestamp=now,
            staff=Staff(name="Trần Thị Bình"),
            trace=Trace(message_id or new_message_id(now), (TraceHeader(sender, now),)),
        )

    def container(
        self,
        message: Message,
        files: Sequence[File] = (File("van-ban.pdf", "application/pdf", b"%PDF-1.7 noi dung"),),
        *,
        seal: FileSigner | None = None,
        signing_time: datetime | None = None,
        seal_for: Sequence[str] = (),
    ) -> bytes:
        """The message sealed by its sender (or with ``seal``)."""
        owner = message.sender.organ_id
        made = build(
            message,
            () if isinstance(message, Status) else files,
            seal or self.seals[owner],
            signing_time=signing_time or datetime.now(UTC),
            seal_for=[self.encryption[code].certificate for code in seal_for],
        )
        assert made is not None
        return made

    def raw_container(self, message: Message, files: Sequence[File] = ()) -> bytes:
        """The same without the checks of who builds honestly: for what a hub must refuse."""
        entries = [Entry(f"files/{file.name}", file.media_type, file.data) for file in files]
        if isinstance(message, Document):
            references = tuple(Reference(entry.name, entry.media_type, entry.name[6:]) for entry in entries)
            message = replace(message, references=references)
        edoc = Entry("edoc.xml", "text/xml", write(message))
        made = asic.write(
            [edoc, *entries], self.seals[message.sender.organ_id], signing_time=datetime.now(UTC)
        )
        assert made is not None
        return made


class RunningHub:
    """The exchange of a data folder, served in a thread of this process until the ``with`` ends. ``clock``
    answers Unix seconds.
    """

    def __init__(self, province: TestProvince, clock: Callable[[], float] = time) -> None:
        self.province = province
        self._clock = clock
        self.app: Application
        self.url = ""
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> RunningHub:
        self._thread.start()
        self.url = self._ready.result(timeout=60)
        self.http = httpx.Client(base_url=self.url, timeout=60, verify=self._anchors(), trust_env=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self.stop()

    def stop(self) -> None:
        """Stop as SIGTERM does, and wait for the end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def begin_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    def on_loop(self, work: Callable[[], T]) -> T:
        """The result of something done on the event loop's thread."""
        done: Future[T] = Future()

        def perform() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(perform)
        return done.result(timeout=60)

    def _run(self) -> None:
        def ready(configuration: Configuration) -> None:
            self._ready.set_result(url_of(configuration))

        def opened(app: Application) -> None:
            self.app = app

        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await run(
                self.province.configuration(),
                stop=self._stop,
                ready=ready,
                opened=opened,
                clock=self._clock,
            )

        try:
            uvloop.run(main())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    def _anchors(self) -> Any:
        import ssl

        return ssl.create_default_context(cafile=str(self.province.data / "pki/anchors/root.pem"))

    # --- calls

    def signed(
        self, code: str, method: str, path: str, body: bytes = b"", signer: FileSigner | None = None
    ) -> dict[str, str]:
        """Headers of a signed request (RFC 9421)."""
        from hashlib import sha256

        return signed_headers(
            signer or self.province.tls[code],
            method=method,
            url=self.url + path,
            body_digest=sha256(body).digest(),
            created=int(datetime.now(UTC).timestamp()),
        )

    def sign_in(self, code: str) -> httpx.Response:
        return self.http.post("/v1/sessions", headers=self.signed(code, "POST", "/v1/sessions"))

    def bearer(self, code: str) -> dict[str, str]:
        """The header of a session, opened once an agency."""
        if code not in self._tokens:
            answer = self.sign_in(code)
            assert answer.status_code == 201, answer.text
            self._tokens[code] = answer.json()["token"]
        return {"Authorization": f"Bearer {self._tokens[code]}"}

    def get(self, code: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.bearer(code), **options.pop("headers", {})}
        return self.http.get(path, headers=headers, **options)

    def post(self, code: str, container: bytes) -> httpx.Response:
        """Hand a container over as an agency."""
        return self.http.post(
            "/v1/messages", content=container, headers={**self.bearer(code), "Content-Type": MIMETYPE}
        )

    def send(self, message: Message, **options: Any) -> httpx.Response:
        """Seal a message as its sender and hand it over."""
        return self.post(message.sender.organ_id, self.province.container(message, **options))

    def acknowledge(self, code: str, indexes: Sequence[int], staff: str = "") -> httpx.Response:
        return self.http.post(
            "/v1/inbox/acknowledgements",
            json={"indexes": list(indexes), "staff": staff},
            headers=self.bearer(code),
        )
