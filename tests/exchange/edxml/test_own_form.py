"""The form this house writes is taken apart by one expression, and means what every other reader reads."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.edxml.strategies import TODAY, documents, messages, status_messages

from lienthong.exchange.edxml import model, ownform, plain, reader, rules
from lienthong.exchange.edxml.envelope import Envelope, envelope_of
from lienthong.exchange.edxml.ownform import MAX_BYTES
from lienthong.exchange.edxml.plain import CloserLook, DocumentTexts, StatusTexts
from lienthong.exchange.edxml.shortpath import walked
from lienthong.exchange.edxml.writer import write

many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FRAGMENTS = (
    *(
        "",
        " ",
        "\n",
        "\t",
        "\r",
        "\r\n",
        "\x85",
        "\ufffe",
        "\uffff",
        "\x00",
        "\x7f",
        "&amp;",
        "&#13;",
        "&x;",
        "&",
        "<",
        ">",
    ),
    *("]]>", "<!---->", "<?p?>", "<![CDATA[a]]>", '"', "'", "\u00a0", "a\u0301", "<edXML:Fax></edXML:Fax>"),
    *("<edXML:To>", "</edXML:To>", "<edXML:Subject/>", ' xmlns:edXML="x"', ' id="a"', "\U0001f600", "0"),
)


def judged(texts: DocumentTexts | StatusTexts) -> Envelope | None:
    try:
        if isinstance(texts, DocumentTexts):
            return plain.document_envelope(texts, TODAY, rules.OPTIONS)
        return plain.status_envelope(texts)
    except CloserLook:
        return None


CLOSER_LOOK = "in the form, but for the full reader"


def taken(data: bytes) -> Envelope | str | None:
    """What the expression makes of a message; None when it is not in the form."""
    try:
        return ownform.envelope_of(data, TODAY, rules.OPTIONS)
    except CloserLook:
        return CLOSER_LOOK


def ordinary(message: model.Document) -> model.Document:
    """The same document without the rare lists that the expression leaves to others."""
    business, other = message.trace.business, message.other
    assert business is not None
    kind = min(business.type, model.BusinessType.UPDATE)
    business = replace(business, type=model.BusinessType(kind), changes=(), replacements=())
    if other is not None:
        other = replace(other, reply_fors=(), reference_codes=(), appendixes=())
    return replace(message, trace=replace(message.trace, business=business), other=other)


ours = (documents(carried=False).map(ordinary) | status_messages()).map(write)


@given(ours)
@many
def test_what_this_house_writes_is_in_its_form_unless_it_holds_an_escape(data: bytes) -> None:
    assert (taken(data) is None) == (b"&" in data)


@given(ours)
@many
def test_the_expression_takes_out_what_a_walk_of_the_tree_and_the_full_reader_find(data: bytes) -> None:
    unescaped = re.sub(b"&[a-z]+;", b"+", data)
    found, report = taken(unescaped), reader.examine(unescaped, today=TODAY)
    assert found is not None
    if isinstance(found, Envelope):
        assert report.message is not None
        assert found == envelope_of(report.message) == judged(walked(unescaped))


@given(messages, st.data())
@settings(many, max_examples=120)
def test_whatever_is_changed_in_it_the_expression_steps_aside_or_reads_what_xml_says(
    message: model.Message, data: st.DataObject
) -> None:
    text = write(message).decode()
    at = data.draw(st.integers(0, len(text)))
    end = at + data.draw(st.sampled_from((0, 0, 1, 2, 9)))
    spoilt = (text[:at] + data.draw(st.sampled_from(FRAGMENTS)) + text[end:]).encode()
    found = taken(spoilt)
    if isinstance(found, Envelope):
        report = reader.examine(spoilt, today=TODAY)
        assert report.message is not None and found == envelope_of(report.message)


def test_a_message_longer_than_its_bound_is_left_to_the_others() -> None:
    organ = model.Organ("H61.01", "x" * (MAX_BYTES - 1000))
    status = model.Status(organ, model.ResponseFor("H61", "1/CT", "H61,2017/01/01,1/CT"), "03")
    assert taken(write(status)) is not None
    longer = model.Organ("H61.01", "x" * MAX_BYTES)
    assert taken(write(model.Status(longer, status.response_for, "03"))) is None


@given(st.data())
@settings(many, max_examples=300)
def test_a_text_of_any_length_and_form_is_judged_as_the_full_reader_judges_it(data: st.DataObject) -> None:
    """Each text of a document in turn becomes something near a bound, or not in its form."""
    document = data.draw(documents(carried=False).map(ordinary))
    text = write(document).decode()
    leaves = [match.span(1) for match in re.finditer(r">([^<>]+)</", text)]
    start, end = data.draw(st.sampled_from(leaves))
    limit = data.draw(st.sampled_from((10, 11, 30, 35, 50, 100, 500, 1024)))
    letter = data.draw(st.sampled_from(("a", "A", "9", "ậ", "a\u0323", "\u0958", " ", "\u00a0", "\x85")))
    texts = (
        letter * (limit + data.draw(st.integers(-1, 1))),
        letter + text[start:end],
        text[start:end] + letter,
    )
    others = ("2026/02/30", "2026/02/28", "12", "5", "0", "00", "group:all", "H61", "H61.", "[Mật] x", "")
    spoilt = (text[:start] + data.draw(st.sampled_from((*texts, *others))) + text[end:]).encode()
    found = taken(spoilt)
    if isinstance(found, Envelope):
        report = reader.examine(spoilt, today=TODAY)
        assert report.message is not None and found == envelope_of(report.message)
