"""End-to-end sealing: files as one CMS AuthEnvelopedData (RFC 5083) that only the recipients can open.

Imports ``trust.zip``, ``trust.der``, ``trust.cms`` and ``trust.errors``.
"""

from lienthong.trust.sealing.opening import unseal, unseal_bytes
from lienthong.trust.sealing.sealing import seal

__all__ = ["seal", "unseal", "unseal_bytes"]
