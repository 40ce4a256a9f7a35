"""The client's half of a signed request (RFC 9421): headers that prove which agency is asking."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lienthong.exchange.http_signatures import (
    COMPONENTS,
    ECDSA,
    LABEL,
    RSA,
    Parameters,
    content_digest_of,
    der_to_raw,
    request_components,
    signature_base,
)

if TYPE_CHECKING:
    from lienthong.trust.keys import Signer

_NAMES = {"ecdsa-p256-sha256": ECDSA, "rsa-pkcs1v15-sha256": RSA}


def signed_headers(
    signer: Signer,
    *,
    method: str,
    url: str,
    body_digest: bytes,
    created: int,
    headers: Mapping[str, str] | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    """``Content-Digest``, ``Signature-Input`` and ``Signature`` for a request.

    ``url`` is the absolute URL as it will be sent; ``body_digest`` the SHA-256 of the body (of nothing
    for a request without one); ``created`` Unix seconds. Each call makes a fresh nonce, so that the hub
    can refuse a replay.
    """
    parts = urlsplit(url)
    digest = content_digest_of(body_digest)
    values = request_components(
        method=method,
        authority=authority_of(url),
        path=parts.path,
        query=parts.query,
        headers={**(headers or {}), "content-digest": digest},
    )
    parameters = Parameters(
        components=COMPONENTS,
        created=created,
        keyid=sha256(signer.certificate).hexdigest(),
        algorithm=_NAMES[signer.algorithm],
        nonce=secrets.token_urlsafe(18) if nonce is None else nonce,
    )
    raw = parameters.serialised()
    signature = signer.sign(signature_base(values, COMPONENTS, raw))
    if parameters.algorithm == ECDSA:
        signature = der_to_raw(signature)
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={raw}",
        "Signature": f"{LABEL}=:{b64encode(signature).decode()}:",
    }


def authority_of(url: str) -> str:
    """Host and port as the ``Host`` header carries them: lower case, without the scheme's own port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    own = {"https": 443, "http": 80}.get(parts.scheme)
    return host if parts.port in (None, own) else f"{host}:{parts.port}"
