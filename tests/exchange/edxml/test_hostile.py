"""Hostile and broken input: always an answer in our own words, never a crash, never two readings."""

from __future__ import annotations

import random
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from lienthong.exchange.edxml import legacy_signature, reader, rules
from lienthong.exchange.edxml.envelope import envelope_of
from lienthong.exchange.edxml.findings import MOST_FINDINGS, InvalidMessage
from lienthong.exchange.edxml.names import QCVN
from lienthong.exchange.edxml.parsing import Limits
from lienthong.exchange.edxml.shortpath import envelope_by_short_path
from lienthong.exchange.errors import ExchangeError, MalformedMessage, TooLarge

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*/*.xml"))
DATA = {path.stem: path.read_bytes() for path in SAMPLES}
PLAIN = DATA["chi-thi-moi"]
TODAY = rules.date(2026, 6, 30)
many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXTS = [
    "", " ", "0", "-1", "999999999999", "x" * 600, "2017/02/30", "2017/11/20", "0000/00/00", "２０17/11/20",
    "2017/11/20 25:00:00", "MẬT", "[MẬT] x", "Mật ong", "cid:", "cid:a", "a\u0301", "\u00a0", "03", "13",
    "²", "４", "group:all", "H61", "000.00.00.H61", "1e3", "٣", "&lt;b&gt;", "a,b,c",
]  # fmt: skip
NAMES = [
    "Subject",
    "OrganId",
    "StatusCode",
    "To",
    "From",
    "ResponseFor",
    "Secret",
    "Business",
    "subject",
    "Foo",
    "Status",
]


def judge(data: bytes) -> None:
    """The two readers agree: both accept and say the same, or both refuse in our own words."""
    try:
        whole = envelope_of(reader.read(data, today=TODAY))
    except ExchangeError as error:
        assert error.detail
        with pytest.raises(ExchangeError):
            reader.read_envelope(data, today=TODAY)
        assert envelope_by_short_path(data, TODAY, rules.OPTIONS) is None
        assert not reader.examine(data, today=TODAY).acceptable
        return
    assert reader.read_envelope(data, today=TODAY) == whole
    assert envelope_by_short_path(data, TODAY, rules.OPTIONS) in (None, whole)
    assert reader.examine(data, today=TODAY).acceptable


def spoil_bytes(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    end = min(len(data), at + draw.choice((1, 1, 2, 8, 64)))
    insert = draw.choice(
        (b"", b"<", b">", b"&", b"\x00", b"\xff", b"\xef\xbb\xbf", b"]]>", b"<!--", b"<a/>", data[at:end] * 2)
    )
    return data[:at] + insert + data[end:]


def spoil_tree(data: bytes, draw: random.Random) -> bytes:
    root = etree.fromstring(data)
    elements = list(root.iter(etree.Element))
    element = draw.choice(elements)
    parent = element.getparent()
    match draw.randrange(8):
        case 0 if parent is not None:
            parent.remove(element)
        case 1 if parent is not None:
            parent.insert(draw.randrange(len(parent) + 1), deepcopy(element))
        case 2:
            element.tag = f"{{{draw.choice((QCVN, QCVN, 'urn:other', 'http://www.e-doc.vn/Schema/'))}}}{draw.choice(NAMES)}"
        case 3:
            element.text = draw.choice(TEXTS)
        case 4:
            etree.SubElement(element, f"{{{QCVN}}}{draw.choice(NAMES)}").text = draw.choice(TEXTS)
        case 5 if parent is not None:
            draw.choice(elements).append(deepcopy(element))
        case 6:
            element.set(
                draw.choice(("id", "Id", "version", "{http://www.w3.org/1999/xlink}href")), draw.choice(TEXTS)
            )
        case _:
            element.append(etree.Comment("x"))
            element[-1].tail = draw.choice(TEXTS)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True).replace(b"'", b'"', 4)


@given(st.sampled_from(sorted(DATA)), st.randoms(use_true_random=False), st.integers(1, 4))
@many
def test_spoilt_bytes_are_judged_alike_by_both_readers(name: str, draw: random.Random, times: int) -> None:
    data = DATA[name]
    for _ in range(times):
        data = spoil_bytes(data, draw) or b"<"
    judge(data)


@given(
    st.sampled_from(["chi-thi-moi", "trang-thai-03"]), st.randoms(use_true_random=False), st.integers(1, 3)
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_spoilt_trees_are_judged_alike_by_both_readers(name: str, draw: random.Random, times: int) -> None:
    data = DATA[name]
    for _ in range(times):
        data = spoil_tree(data, draw)
    judge(data)


@given(st.binary(max_size=300))
@many
def test_arbitrary_bytes_are_refused_in_our_own_words(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        reader.read(data)
    with pytest.raises(ExchangeError):
        legacy_signature.check(data)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "empty"),
        (b" \n\t ", 1, "empty"),
        (b"hello", 1, "not XML"),
        (b"PK\x03\x04...", 1, "ZIP"),
        (b"\n\nabc<edXML/>", 3, "3 stray bytes"),
        (b"<a><b></a>", 1, "tag mismatch"),
        (b"<edXML>&ten;</edXML>", 1, "Entity"),
        (b"<edXML>\xff</edXML>", 1, "encoding"),
        (b"\xfe\xff\x00<\x00a", 1, "end|Start|not|EndTag|Premature"),
        (b"<\x00e\x00", 1, "UTF-16 without"),
        ("<edXML/>".encode("utf-32"), 1, "UTF-32"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><edXML/>', 1, "ISO-8859-1"),
        (b"\r\n\r\n<x:edXML/>", 3, "Namespace prefix x"),
        (b"<html/>", 1, "root element is 'html'"),
        (b"<edXML/>", 1, "no MessageHeader"),
        (b"<!-- a --><?p q?>\n<!DOCTYPE edXML><edXML/>", 2, "DOCTYPE"),
    ],
)
def test_what_cannot_be_read_gives_the_line_and_the_reason(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason) as caught:
        reader.read(data)
    assert caught.value.place == f"line {line}"


def test_utf16_with_its_mark_is_read() -> None:
    text = PLAIN.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert reader.read(text.encode("utf-16")) == reader.read(PLAIN)
    assert reader.read_envelope(text.encode("utf-16")) == reader.read_envelope(PLAIN)


def test_entities_are_never_resolved_nor_files_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("nội dung riêng")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    for subset in (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', f'<!ENTITY l0 "ha">{laughs}<!ENTITY x "&l8;">'):
        data = PLAIN.replace(b"<edXML xmlns=", f"<!DOCTYPE edXML [{subset}]><edXML xmlns=".encode())
        data = data.replace("Về việc tăng cường".encode(), b"&x;")
        with pytest.raises(MalformedMessage, match="DOCTYPE"):
            reader.read_envelope(data)


def test_xinclude_is_only_an_unknown_element(tmp_path: Path) -> None:
    include = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{tmp_path.as_uri()}/x" parse="text"/>'
    )
    data = PLAIN.replace(b"</edXML:MessageHeader>", include.encode() + b"</edXML:MessageHeader>")
    report = reader.examine(data)
    assert report.acceptable
    assert [finding.rule for finding in report.findings] == ["unknown-element"]


@pytest.mark.parametrize("hidden", ["<!-- x -->", "<?x y?>", "<![CDATA[]]>"])
def test_comments_and_the_like_do_not_cut_a_text_short(hidden: str) -> None:
    data = PLAIN.decode().replace("Về việc tăng cường", f"Về việc {hidden}tăng cường").encode()
    assert reader.read_envelope(data).subject == reader.read_envelope(PLAIN).subject
    assert reader.read(data) == reader.read(PLAIN)


def test_a_doctype_in_a_text_is_text() -> None:
    data = PLAIN.decode().replace("Về việc tăng", "<![CDATA[<!DOCTYPE html>]]> tăng").encode()
    assert reader.read_envelope(data).subject.startswith("<!DOCTYPE html> tăng")


def test_depth_size_elements_and_attributes_are_bounded() -> None:
    def inside(text: str) -> bytes:
        return PLAIN.replace(b"</edXML:MessageHeader>", text.encode() + b"</edXML:MessageHeader>")

    with pytest.raises(TooLarge, match="nested"):
        reader.read(inside("<edXML:X>" * 40 + "</edXML:X>" * 40))
    with pytest.raises(MalformedMessage, match=r"[Dd]epth"):
        reader.read(inside("<edXML:X>" * 5000 + "</edXML:X>" * 5000))
    with pytest.raises(TooLarge, match="elements"):
        reader.read(inside("<edXML:X/>" * 60_000))
    attributes = "".join(f' a{number}="1"' for number in range(6000))
    with pytest.raises(TooLarge, match="attributes"):
        reader.read(inside(f"<edXML:X{attributes}/>"))
    with pytest.raises(TooLarge, match="attributes"):
        reader.read_envelope(PLAIN.replace(b"<edXML:Subject>", f"<edXML:Subject{attributes}>".encode()))
    with pytest.raises(TooLarge, match="at most 1,000"):
        reader.read(PLAIN, Limits(message_bytes=1000))
    with pytest.raises(TooLarge, match="at most 1,048,576"):
        reader.read_envelope(PLAIN + b" " * (1 << 20))


def test_a_large_text_is_read_within_the_limits_and_no_further() -> None:
    message = DATA["cong-van-bo-net"]
    head, _, rest = message.partition(b"<ContentTransferEncoded>")
    tail = rest.partition(b"</ContentTransferEncoded>")[2]
    large = head + b"<ContentTransferEncoded>" + b"AAAA" * 4_000_000 + b"</ContentTransferEncoded>" + tail
    found = reader.read(large)
    assert len(found.attachments[0].data) == 12_000_000  # type: ignore[union-attr]
    report = reader.examine(large, Limits(attachment_bytes=11_000_000))
    assert [finding.rule for finding in report.findings if finding.severity == "error"] == ["too-large"]


def test_a_message_is_a_document_or_a_status_never_both() -> None:
    both = PLAIN.replace(b"<edXML:Subject>", b"<edXML:StatusCode>03</edXML:StatusCode><edXML:Subject>")
    report = reader.examine(both)
    assert not report.acceptable
    assert "status-with-body" in {finding.rule for finding in report.findings}


def test_an_element_in_the_wrong_place_is_not_taken_for_the_one_that_is_missing() -> None:
    lifted = PLAIN.replace(
        b"<edXML:From>\n          <edXML:OrganId>000.00.00.H61</edXML:OrganId>",
        b"<edXML:OrganId>000.00.00.H61</edXML:OrganId><edXML:From>",
    )
    assert lifted != PLAIN
    report = reader.examine(lifted)
    assert ("MessageHeader/From/OrganId", "required") in {
        (found.path, found.rule) for found in report.findings
    }
    with pytest.raises(MalformedMessage):
        reader.read_envelope(lifted)


def test_a_flood_of_elements_is_refused_before_a_tree_is_built() -> None:
    flood = b"<edXML>" + b"<a/>" * 2_000_000 + b"</edXML>"
    with pytest.raises(TooLarge, match="elements"):
        reader.read(flood)
    attributes = b"<edXML " + b" ".join(b"a%d=''" % number for number in range(150_000)) + b"/>"
    with pytest.raises(TooLarge, match="attributes"):
        reader.read(attributes)


def test_attachments_inside_the_envelope_are_found_too() -> None:
    data = DATA["cong-van-bo-net"]
    start, end = data.index(b"<AttachmentEncoded>"), data.index(b"</AttachmentEncoded>") + 20
    moved = data[:start] + data[end:]
    moved = moved.replace(b"</edXML:edXMLEnvelope>", data[start:end] + b"</edXML:edXMLEnvelope>")
    assert reader.read(moved) == reader.read(data)


def test_thousands_of_errors_are_told_as_a_hundred_and_more() -> None:
    worst = b"<edXML:To><edXML:OrganId>!</edXML:OrganId></edXML:To>" * 6000
    data = PLAIN.replace(b"</edXML:To>", b"</edXML:To>" + worst, 1)
    findings = reader.examine(data, today=TODAY).findings
    assert len(findings) == MOST_FINDINGS + 1
    assert findings[0].path == "MessageHeader/To[2]/OrganId"
    assert findings[-1].rule == "and-more"
    with pytest.raises(InvalidMessage) as refused:
        reader.read_envelope(data, today=TODAY)
    assert refused.value.detail.endswith(f"({MOST_FINDINGS} more)")


def test_no_number_of_warnings_hides_an_error() -> None:
    odd = PLAIN.replace(b"</edXML:To>", b"</edXML:To>" + b"<edXML:Odd/>" * 300, 1)
    report = reader.examine(odd, today=TODAY)
    assert report.acceptable
    assert [finding.severity for finding in report.findings] == ["warning"] * (MOST_FINDINGS + 1)
    late = odd.replace(b"BussinessDocType>0<", b"BussinessDocType>7<")
    assert late != odd
    judged = reader.examine(late, today=TODAY)
    assert not judged.acceptable
    (error,) = (finding for finding in judged.findings if finding.severity == "error")
    assert error.rule == "value-set"
