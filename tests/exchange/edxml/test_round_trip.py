"""What is written is read back as it was, by both readers."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from tests.exchange.edxml.strategies import TODAY, documents, messages, status_messages

from lienthong.exchange.edxml import model, reader, rules
from lienthong.exchange.edxml.envelope import envelope_of
from lienthong.exchange.edxml.findings import errors
from lienthong.exchange.edxml.names import QCVN
from lienthong.exchange.edxml.shortpath import envelope_by_short_path
from lienthong.exchange.edxml.writer import format_date, format_timestamp, write
from lienthong.exchange.errors import MalformedMessage

many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(messages)
@many
def test_a_message_written_is_read_back_the_same(message: model.Message) -> None:
    assert reader.read(write(message), today=TODAY) == message


@given(messages)
@many
def test_the_envelope_says_what_the_whole_message_says(message: model.Message) -> None:
    assert reader.read_envelope(write(message), today=TODAY) == envelope_of(message)


@given(messages)
@many
def test_a_valid_message_has_no_error(message: model.Message) -> None:
    assert errors(rules.check(message, today=TODAY)) == []


@given(status_messages())
@settings(max_examples=50, deadline=None)
def test_every_status_message_of_ours_takes_the_short_path(message: model.Status) -> None:
    assert envelope_by_short_path(write(message), TODAY, rules.OPTIONS) == envelope_of(message)


@given(documents(carried=False))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_short_path_agrees_or_steps_aside(message: model.Document) -> None:
    found = envelope_by_short_path(write(message), TODAY, rules.OPTIONS)
    assert found in (None, envelope_of(message))
    plain = message.business.type is model.BusinessType.NEW and not message.business.changes
    listed = message.other and (
        message.other.appendixes or message.other.reply_fors or message.other.reference_codes
    )
    if plain and not listed and not message.business.replacements:
        assert found is not None


@given(documents())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_written_shape_is_the_official_one(message: model.Document) -> None:
    data = write(message)
    root = etree.fromstring(data)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="' + QCVN.encode() + b'">')
    assert root.prefix is None and root.tag == f"{{{QCVN}}}edXML"
    envelope = root[0]
    assert envelope.tag == f"{{{QCVN}}}edXMLEnvelope"
    assert {element.prefix for element in envelope.iter()} == {"edXML"}
    assert {element.prefix for child in root[1:] for element in child.iter()} <= {None}
    assert {element.tag.partition("}")[0] for element in root.iter()} == {f"{{{QCVN}"}
    assert [etree.QName(block).localname for block in envelope] == ["edXMLHeader", "edXMLBody"]


def test_dates_and_times_are_written_in_vietnam_time() -> None:
    assert format_timestamp(datetime.fromisoformat("2017-11-20T23:30:00+00:00")) == "2017/11/21 06:30:00"
    assert format_date(datetime.fromisoformat("0987-01-02T00:00:00+07:00")) == "0987/01/02"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="no time zone"):
        format_timestamp(datetime(2017, 11, 20))  # noqa: DTZ001


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1b", "\ufffe", "\ud800"])
def test_text_that_xml_cannot_carry_is_refused_by_name(character: str) -> None:
    organ = model.Organ("H61.01", f"Sở{character}Nội vụ")
    answered = model.ResponseFor("H61", "1/CT", "H61,2017/01/01,1/CT")
    with pytest.raises(MalformedMessage, match=f"U\\+{ord(character):04X}") as caught:
        write(model.Status(organ, answered, "03"))
    assert caught.value.place == "OrganName"
