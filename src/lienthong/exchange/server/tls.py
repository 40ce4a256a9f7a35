"""What Granian needs to end TLS: files checked here first, since it would end the process over a bad one."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from granian.constants import SSLProtocols

from lienthong.exchange.configuration import Configuration, ConfigurationError
from lienthong.trust.keys import UNREADABLE, load_certificates, load_key

TlsSettings = tuple[bool, str, str, None, str, str | None, list[str], bool]


def tls_settings(configuration: Configuration) -> TlsSettings:
    """Granian's ``ssl_ctx``: certificate, key, minimum version 1.3, and who may present a certificate.

    The key is opened here and handed over in memory (a memfd), so that its plain form never reaches a disk.
    """
    listener = configuration.exchange
    place = f"{configuration.data}/lienthong.toml: [exchange]"
    certificate, key = configuration.path(listener.certificate), configuration.path(listener.key)
    plain = load_key(key, passphrase=configuration.passphrase()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    load_certificates(certificate)
    key_path = _in_memory(plain)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key_path)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"certificate and key do not serve for TLS: {error.reason or error}",
            place=f"{place} certificate",
            remedy="put the key and the certificate that was issued for it side by side",
        ) from None
    ca = None
    if listener.client_ca is not None:
        ca = configuration.path(listener.client_ca)
        load_certificates(ca)
    wanted = listener.client_certificates == "required"
    if wanted and ca is None:
        raise ConfigurationError(
            "client certificates would not be checked",
            place=f"{place} client_certificates",
            remedy="set client_ca to the CA that issued them",
        )
    lists = [_crl(configuration.path(one), place) for one in listener.client_crl]
    return (
        True,
        str(certificate.resolve()),
        key_path,
        None,
        str(SSLProtocols.tls13),
        str(ca.resolve()) if ca is not None and wanted else None,
        lists if wanted else [],
        wanted,
    )


def _in_memory(data: bytes) -> str:
    """The path of a file that lives in memory only, until the process ends."""
    descriptor = os.memfd_create("lienthong-tls", os.MFD_CLOEXEC)
    os.write(descriptor, data)
    return f"/proc/self/fd/{descriptor}"


def _crl(path: Path, place: str) -> str:
    """A CRL, DER or PEM, as the PEM that Granian reads."""
    try:
        data = path.read_bytes()
        load = x509.load_pem_x509_crl if data.startswith(b"-----") else x509.load_der_x509_crl
        return _in_memory(load(data).public_bytes(Encoding.PEM))
    except (OSError, *UNREADABLE) as error:
        raise ConfigurationError(
            f"{path.name} is not a list of revoked certificates: {error}",
            place=f"{place} client_crl",
            remedy="name the files that `lienthong init` publishes, for example pki/crl/tls.crl",
        ) from None
