"""Files that say whom to trust, given as evidence: which option of `lienthong verify` takes each."""

from __future__ import annotations

from collections.abc import Callable

from lienthong.core.errors import LienthongError
from lienthong.exchange.evidence.checks import Words
from lienthong.trust import crl
from lienthong.trust.keys import parse_certificates
from lienthong.trust.log.notes import KeyType, NoteKey
from lienthong.trust.log.policy import Policy

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The object identifier of CMS SignedData, which a signed directory begins with."""

_MEANT: dict[str, Words] = {
    "--ca": Words("chứng thư của cơ quan chứng thực", "certificates of authorities"),
    "--crl": Words("danh sách thu hồi chứng thư", "a list of revoked certificates"),
    "--log-key": Words("khóa công khai của nhật ký", "a log's public key"),
    "--witness": Words("khóa công khai của bên làm chứng", "a witness's public key"),
    "--policy": Words("chính sách tin cậy", "a policy of whom to trust"),
    "--directory": Words("danh bạ cơ quan đã ký", "a signed directory of agencies"),
}


def option_for(data: bytes) -> str | None:
    """``--ca``, ``--log-key`` … for what a file of that kind begins with or is; None for everything else."""
    if b"-----BEGIN X509 CRL" in data:
        return "--crl"
    if b"-----BEGIN CERTIFICATE" in data:
        return "--ca"
    if data[:1] == b"\x30":
        if _SIGNED_DATA in data[:32]:
            return "--directory"
        if _reads(lambda: parse_certificates(data)):
            return "--ca"
        return "--crl" if _reads(lambda: crl.parse(data)) else None
    try:
        key = NoteKey.parse(data.decode("utf-8", "replace"))
    except LienthongError:
        return "--policy" if _reads(lambda: Policy.parse(data)) else None
    return "--witness" if key.type is KeyType.COSIGNATURE_V1 else "--log-key"


def _reads(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except LienthongError:
        return False
    return True


def named(option: str, place: str) -> Words:
    """What the file is, and how to name it."""
    what = _MEANT[option]
    return Words(
        f"đây là {what.vi}, dùng làm căn cứ tin cậy chứ không phải bằng chứng: nêu với {option} {place}",
        f"this is {what.en}, something to trust and no evidence: name it with {option} {place}",
    )
