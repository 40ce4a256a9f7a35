"""The strict ZIP profile of containers: one way to read every byte, or a refusal.

Imports ``trust.errors`` and ``core`` only; ``trust.asic`` and ``trust.sealing`` read and write through it.
"""

from lienthong.trust.zip.format import Member, ZipError
from lienthong.trust.zip.names import check_name
from lienthong.trust.zip.reader import Archive, Limits, open_archive
from lienthong.trust.zip.writer import Part, archive_size, write_archive

__all__ = [
    "Archive",
    "Limits",
    "Member",
    "Part",
    "ZipError",
    "archive_size",
    "check_name",
    "open_archive",
    "write_archive",
]
