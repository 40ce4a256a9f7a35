"""Bytes to an element tree, hardened: no DTD, no entities, no network, no XInclude, everything bounded.

Fit for hostile input: whatever comes in, the answer is a tree or an :class:`Unreadable` that gives the
line and the reason.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from lxml import etree

from lienthong.exchange.edxml.findings import Oversized, Unreadable
from lienthong.exchange.edxml.xml_reasons import in_vietnamese


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one message, in bytes or counts. ``attachment_bytes`` bounds each file, unpacked."""

    message_bytes: int = 256 << 20
    attachment_bytes: int = 128 << 20
    envelope_bytes: int = 1 << 20
    elements: int = 50_000
    attributes: int = 5_000
    depth: int = 24
    files: int = 500


LIMITS = Limits()
_HUGE = 9_000_000
"""Above this size libxml2 needs its own text limit lifted; depth and counts stay bounded by ours."""

_MARKUP_SLACK = 1_000
"""Markup that is no element (comments, CDATA), before the tree is built and counted exactly."""
_QUOTES_SLACK = 200_000
"""Quotation marks in texts; attributes are counted exactly once the tree stands."""

_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_PROLOG = re.compile(rb"(?:\s+|<!--(?:(?!--).)*-->|<\?(?:(?!\?>).)*\?>)*", re.DOTALL)
_ASCII_COMPATIBLE = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_plain_start = re.compile(
    rb"""<\?xml version=["']1\.0["'] encoding=["'](?:UTF|utf)-8["']\?>\s*<(?:edXML:)?edXML[\s>]"""
).match


def _parser(*, huge: bool = False, keep_comments: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        collect_ids=False,
        remove_comments=not keep_comments,
        remove_pis=not keep_comments,
        huge_tree=huge,
        recover=False,
    )


_PARSER = _parser()


def parse_plain(data: bytes) -> etree._Element | None:
    """The hot path: the tree of a UTF-8 message in which nothing stands before the root but an ordinary
    declaration (so no DOCTYPE); None for everything else, and for what is not well formed.
    """
    if not _plain_start(data):
        return None
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError:
        return None


@dataclass(frozen=True, slots=True)
class Parsed:
    """``skipped_lines``: lines of white space before the document, to add to each ``sourceline``."""

    root: etree._Element
    skipped_lines: int


def parse(data: bytes, limits: Limits = LIMITS, *, keep_comments: bool = False) -> Parsed:
    """The tree. Comments and processing instructions are dropped unless kept for a signature.

    Raises :class:`Unreadable` with line and reason; :class:`Oversized` beyond ``limits``.
    """
    if len(data) > limits.message_bytes:
        raise Oversized(
            f"the message has {len(data):,} bytes; at most {limits.message_bytes:,} are read",
            f"bản tin dài {len(data):,} byte; tối đa {limits.message_bytes:,}",
            place="edXML",
        )
    text, first_line = _as_utf8(data)
    _refuse_doctype(text, first_line)
    if text.count(b"<") > 2 * limits.elements + _MARKUP_SLACK:
        raise _too_many_elements(limits)
    if text.count(b'"') + text.count(b"'") > 2 * limits.attributes + _QUOTES_SLACK:
        raise _too_many_attributes(limits)
    parser = _parser(huge=len(text) > _HUGE, keep_comments=keep_comments)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise _syntax(error, first_line) from None
    _bound(root, limits)
    return Parsed(root, first_line - 1)


def _as_utf8(data: bytes) -> tuple[bytes, int]:
    """The document as UTF-8 from its first ``<``, and the line that stands on."""
    if not data.strip():
        raise Unreadable("the file is empty", "tệp rỗng", place="line 1", remedy="send the whole message")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _encoding("UTF-32")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _from_utf16(data)
    elif data[:2] in (b"<\x00", b"\x00<"):
        raise _encoding("UTF-16 without a byte order mark")
    data = data.removeprefix(codecs.BOM_UTF8)
    start = data.lstrip(b" \t\r\n")
    first_line = 1 + _newlines(data[: len(data) - len(start)])
    if not start.startswith(b"<"):
        raise _stray(start, first_line)
    declared = _DECLARATION.match(start)
    if declared:
        encoding = _ENCODING.search(declared[0])
        if encoding and encoding[1].lower() not in _ASCII_COMPATIBLE:
            raise _encoding(encoding[1].decode("ascii"))
    return start, first_line


def _newlines(text: bytes) -> int:
    return text.count(b"\n")


def _from_utf16(data: bytes) -> bytes:
    """UTF-16 with its byte order mark, as UTF-8 without an encoding in the declaration."""
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise _bad_utf16(error.start) from None
    declaration = re.compile(r"""(<\?xml\s[^>]{0,200}?)\s+encoding\s*=\s*["'][A-Za-z0-9._-]{1,40}["']""")
    return declaration.sub(r"\1", text, count=1).encode()


def _bad_utf16(position: int) -> Unreadable:
    return Unreadable(
        f"the bytes are not UTF-16 at position {position}",
        f"các byte tại vị trí {position} không phải UTF-16",
        place="line 1",
        remedy="send UTF-8",
    )


def _encoding(name: str) -> Unreadable:
    return Unreadable(
        f"the message is in {name}; edXML is exchanged in UTF-8",
        f"bản tin dùng bảng mã {name}; edXML phải dùng UTF-8",
        place="line 1",
        remedy="save it as UTF-8",
    )


def _stray(data: bytes, line: int) -> Unreadable:
    if data.startswith(b"PK\x03\x04"):
        return Unreadable(
            "this is a ZIP, not edXML; a container holds its edXML as edoc.xml",
            "đây là tệp ZIP, không phải edXML; gói tin chứa edXML trong edoc.xml",
            place=f"line {line}",
            remedy="lienthong verify FILE checks a container",
        )
    declaration = data.find(b"<")
    if declaration < 0:
        return Unreadable(
            "this is not XML: it has no '<'",
            "đây không phải XML: không có ký tự '<'",
            place=f"line {line}",
            remedy="send the edXML file itself",
        )
    shown = data[: min(declaration, 24)].decode("utf-8", "backslashreplace")
    return Unreadable(
        f"{declaration} stray bytes stand before the XML declaration: {shown!r}",
        f"có {declaration} byte lạ đứng trước khai báo XML: {shown!r}",
        place=f"line {line}",
        remedy="the file must begin with <?xml or <edXML; a byte order mark or white space is forgiven",
    )


def _refuse_doctype(text: bytes, first_line: int) -> None:
    if b"<!DOCTYPE" not in text:
        return
    prolog = _PROLOG.match(text)
    end = prolog.end() if prolog else 0
    if text.startswith(b"<!DOCTYPE", end):
        raise Unreadable(
            "the message has a DOCTYPE; edXML has none, and entities are never resolved",
            "bản tin có DOCTYPE; edXML không dùng DOCTYPE và thực thể không bao giờ được mở rộng",
            place=f"line {first_line + _newlines(text[:end])}",
            remedy="remove the document type declaration",
        )


def _syntax(error: etree.XMLSyntaxError, first_line: int) -> Unreadable:
    line = (error.lineno or 1) + first_line - 1
    reason = re.sub(
        r",? line \d+, column \d+.*", "", (error.msg or "not well-formed").strip(), flags=re.DOTALL
    ).strip()
    if "Namespace prefix" in reason:
        return Unreadable(
            reason,
            f"tiền tố không gian tên chưa được khai báo: {in_vietnamese(reason)}",
            place=f"line {line}",
            remedy="declare the prefix, for example xmlns:edXML, on the root or the envelope",
        )
    return Unreadable(
        reason,
        f"XML không đúng cú pháp: {in_vietnamese(reason)}",
        place=f"line {line}",
        remedy="the XML is not well formed; write it with an XML library",
    )


def _bound(root: etree._Element, limits: Limits) -> None:
    elements = attributes = depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        elements += 1
        attributes += len(element.attrib)
        if depth > limits.depth:
            raise Oversized(
                f"elements are nested more than {limits.depth} deep",
                f"các phần tử lồng nhau quá {limits.depth} cấp",
                place=f"line {element.sourceline or 1}",
            )
        if elements > limits.elements:
            raise _too_many_elements(limits)
        if attributes > limits.attributes:
            raise _too_many_attributes(limits)


def _too_many_elements(limits: Limits) -> Oversized:
    return Oversized(
        f"the message has more than {limits.elements:,} elements",
        f"bản tin có hơn {limits.elements:,} phần tử",
        place="edXML",
    )


def _too_many_attributes(limits: Limits) -> Oversized:
    return Oversized(
        f"the message has more than {limits.attributes:,} attributes",
        f"bản tin có hơn {limits.attributes:,} thuộc tính",
        place="edXML",
    )
