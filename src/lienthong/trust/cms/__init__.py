"""CMS signatures (RFC 5652) at CAdES baseline B and T (ETSI EN 319 122-1): made, read, mathematics checked.

Imports ``trust.der``, ``trust.errors`` and ``trust.keys`` (the Signer protocol). Whether a certificate is
trusted is decided in ``trust.certificates``, not here.
"""

from lienthong.trust.cms.signing import sign_attached, sign_detached, sign_digest
from lienthong.trust.cms.verifying import (
    SignatureInfo,
    verify_attached,
    verify_detached,
    verify_every_detached,
)

__all__ = [
    "SignatureInfo",
    "sign_attached",
    "sign_detached",
    "sign_digest",
    "verify_attached",
    "verify_detached",
    "verify_every_detached",
]
