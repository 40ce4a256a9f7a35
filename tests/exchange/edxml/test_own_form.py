"""The form this house writes is taken apart by one expression, and means what every other reader reads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.edxml.strategies import TODAY, documents, messages, status_messages

from lienthong.exchange.edxml import model, plain, reader, rules
from lienthong.exchange.edxml.envelope import Envelope, envelope_of
from lienthong.exchange.edxml.ownform import MAX_BYTES, texts_of
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


def said(texts: DocumentTexts | StatusTexts) -> list[Any]:
    """The texts, with those that are not there and those that are empty alike."""

    def bare(value: Any) -> Any:
        return [bare(one) for one in value] if isinstance(value, list | tuple) else value or ""

    return [type(texts), *map(bare, texts)]


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
    assert (texts_of(data) is None) == (b"&" in data)


@given(ours)
@many
def test_the_expression_takes_out_the_texts_that_a_walk_of_the_tree_finds(data: bytes) -> None:
    unescaped = re.sub(b"&[a-z]+;", b"+", data)
    texts = texts_of(unescaped)
    assert texts is not None and said(texts) == said(walked(unescaped))


@given(messages, st.data())
@settings(many, max_examples=120)
def test_whatever_is_changed_in_it_the_expression_steps_aside_or_reads_what_xml_says(
    message: model.Message, data: st.DataObject
) -> None:
    text = write(message).decode()
    at = data.draw(st.integers(0, len(text)))
    end = at + data.draw(st.sampled_from((0, 0, 1, 2, 9)))
    spoilt = (text[:at] + data.draw(st.sampled_from(FRAGMENTS)) + text[end:]).encode()
    texts = texts_of(spoilt)
    if texts is not None:
        found, report = judged(texts), reader.examine(spoilt, today=TODAY)
        assert found is None or (report.message is not None and found == envelope_of(report.message))


def test_a_message_longer_than_its_bound_is_left_to_the_others() -> None:
    organ = model.Organ("H61.01", "x" * (MAX_BYTES - 1000))
    status = model.Status(organ, model.ResponseFor("H61", "1/CT", "H61,2017/01/01,1/CT"), "03")
    assert texts_of(write(status)) is not None
    longer = model.Organ("H61.01", "x" * MAX_BYTES)
    assert texts_of(write(model.Status(longer, status.response_for, "03"))) is None
