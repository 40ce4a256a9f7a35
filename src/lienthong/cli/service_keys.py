"""The hub's own keys: the log's, and those of its services with their certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509

from lienthong.cli.misuse import Misuse, near
from lienthong.cli.publishing import passphrase
from lienthong.trust.ca import Issued, ProvinceCA, Wanted
from lienthong.trust.keys import (
    PrivateKey,
    encrypt_key,
    generate_key,
    load_certificates,
    load_key,
    write_file,
)
from lienthong.trust.log.notes import NoteSigner
from lienthong.trust.profiles import Profile

SERVICES = (
    ("tls-server", Profile.TLS_SERVER, "trục liên thông"),
    ("tsa", Profile.TSA, "dịch vụ cấp dấu thời gian"),
    ("ocsp", Profile.OCSP, "dịch vụ trạng thái chứng thư"),
    ("directory", Profile.DIRECTORY, "danh bạ cơ quan"),
)


def checkpoint_key(keys: Path, origin: str) -> None:
    """The log's key. Its first spelling is the log's for ever, so it is never made anew."""
    key = keys / "checkpoint.key"
    if not key.exists():
        write_file(key, NoteSigner.generate(origin).skey.encode() + b"\n", mode=0o600)
    vkey = NoteSigner.parse(key.read_text()).key.vkey
    public = keys / "checkpoint.vkey"
    if not public.exists() or public.read_text().strip() != vkey:
        write_file(public, vkey.encode() + b"\n")


def service_keys(
    keys: Path, ca: ProvinceCA, secret: bytes, province: str, hosts: Sequence[str], now: datetime
) -> None:
    """Make the keys and certificates of the services that have none."""
    missing = [one for one in SERVICES if not (keys / f"{one[0]}.pem").exists()]
    made: list[tuple[str, PrivateKey, Wanted]] = []
    for name, profile, title in missing:
        key = generate_key()
        names = tuple(hosts) if profile is Profile.TLS_SERVER else ()
        subject = f"{province}: {title}"
        made.append((name, key, Wanted(profile, subject, key.public_key(), hosts=names)))
    if not made:
        return
    issued = ca.issue_many([wanted for _, _, wanted in made], now=now)
    for (name, key, _), certificate in zip(made, issued, strict=True):
        write_file(keys / f"{name}.key", encrypt_key(key, secret), mode=0o600)
        write_file(keys / f"{name}.pem", certificate.pem())


def renew_service(
    data: Path,
    name: str,
    *,
    ca: ProvinceCA,
    now: datetime,
    hosts: Sequence[str] = (),
    new_key: bool = False,
) -> Issued:
    """A new certificate for a service of the hub, with the name and the hosts of the old one unless ``hosts``
    are given. The key stays, so that the one file that changes is replaced at once; ``new_key`` makes a new
    one, and keeps the old pair beside it.
    """
    profiles = {service: profile for service, profile, _ in SERVICES}
    if name not in profiles:
        meant = near(name, profiles)
        raise Misuse(
            f"{name!r} is not a service" + (f"; did you mean {meant}?" if meant else ""),
            place="--service",
            remedy=f"use {', '.join(profiles)}",
        )
    key_file, file = data / "keys" / f"{name}.key", data / "keys" / f"{name}.pem"
    old = x509.load_der_x509_certificate(load_certificates(file)[0])
    secret = passphrase(data)
    key = generate_key() if new_key else load_key(key_file, passphrase=secret)
    [subject] = old.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    issued = ca.issue(
        profiles[name],
        subject_name=str(subject.value),
        public_key=key.public_key(),
        now=now,
        hosts=(hosts or _hosts(old)) if name == "tls-server" else (),
    )
    if new_key:
        for path in (key_file, file):
            kept = path.with_name(f"{path.stem}-until-{now:%Y%m%d%H%M%S}{path.suffix}")
            write_file(kept, path.read_bytes(), mode=0o600 if path == key_file else 0o644)
        write_file(key_file, encrypt_key(key, secret), mode=0o600)
    write_file(file, issued.pem())
    return issued


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses in a server's certificate."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)
