"""ASiC-E containers with CAdES signatures (ETSI EN 319 162-1): made, opened, every byte accounted for.

Imports ``trust.zip``, ``trust.cms``, ``trust.errors``. The profile is docs/reference/container.md.
"""

from lienthong.trust.asic.container import Container, SignedFile, Unverified, examine, read
from lienthong.trust.asic.layout import MIMETYPE
from lienthong.trust.asic.writing import Entry, write
from lienthong.trust.zip import Limits

__all__ = ["MIMETYPE", "Container", "Entry", "Limits", "SignedFile", "Unverified", "examine", "read", "write"]
