"""Each broken rule is found, at its element, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exchange.edxml.strategies import TODAY, documents, status_messages
from tests.exchange.edxml.test_samples import document, sample

from lienthong.exchange.edxml import model, reader, rules
from lienthong.exchange.edxml.findings import InvalidMessage, errors
from lienthong.exchange.edxml.rules import Options
from lienthong.exchange.edxml.writer import write

Break = Callable[[model.Document], model.Document]

H = "MessageHeader"
BUSINESS = "TraceHeaderList/Bussiness"


def with_business(message: model.Document, business: model.Business) -> model.Document:
    return replace(message, trace=replace(message.trace, business=business))


def with_first_reference(message: model.Document, **changes: str) -> model.Document:
    return replace(message, references=(replace(message.references[0], **changes),), attachments=())


def with_other(message: model.Document, **changes: object) -> model.Document:
    return replace(message, other=replace(message.other or model.OtherInfo(), **changes))  # type: ignore[arg-type]


FAULTS: list[tuple[str, str, Break]] = [
    (f"{H}/From/OrganId", "required", lambda m: replace(m, sender=replace(m.sender, organ_id=""))),
    (f"{H}/From/OrganId", "organ-id", lambda m: replace(m, sender=replace(m.sender, organ_id="sở nội vụ"))),
    (f"{H}/From/OrganId", "organ-id", lambda m: replace(m, sender=replace(m.sender, organ_id="A" * 36))),
    (f"{H}/From/OrganId", "organ-id", lambda m: replace(m, sender=replace(m.sender, organ_id="group:all"))),
    (f"{H}/To", "required", lambda m: replace(m, recipients=())),
    (f"{H}/To/OrganId", "organ-id", lambda m: replace(m, recipients=(model.Organ("h61.01"),))),
    (
        f"{H}/To[2]/OrganId",
        "required",
        lambda m: replace(m, recipients=(model.Organ("H61.01"), model.Organ(""))),
    ),
    (f"{H}/From/OrganName", "max-length", lambda m: replace(m, sender=replace(m.sender, name="x" * 501))),
    (f"{H}/DocumentId", "required", lambda m: replace(m, document_id="")),
    (f"{H}/Code/CodeNumber", "required", lambda m: replace(m, code=model.Code("", "CT-UBND"))),
    (f"{H}/Code/CodeNumber", "max-length", lambda m: replace(m, code=model.Code("1" * 12, "CT-UBND"))),
    (f"{H}/Code/CodeNotation", "required", lambda m: replace(m, code=model.Code("15", ""))),
    (f"{H}/Code/CodeNotation", "max-length", lambda m: replace(m, code=model.Code("15", "Đ" * 31))),
    (
        f"{H}/PromulgationInfo/PromulgationDate",
        "not-in-future",
        lambda m: replace(m, promulgation=model.Promulgation(TODAY + timedelta(days=1))),
    ),
    (
        f"{H}/PromulgationInfo/Place",
        "max-length",
        lambda m: replace(m, promulgation=model.Promulgation(TODAY, "x" * 51)),
    ),
    (f"{H}/DocumentType/TypeName", "max-length", lambda m: replace(m, type=model.DocumentType(2, "x" * 101))),
    (f"{H}/Subject", "required", lambda m: replace(m, subject="")),
    (f"{H}/Subject", "max-length", lambda m: replace(m, subject="ă" * 501)),
    (f"{H}/Subject", "state-secret", lambda m: replace(m, subject="[Tuyệt mật] Kế hoạch năm 2026")),
    (f"{H}/Content", "max-length", lambda m: replace(m, content="ă" * 501)),
    (f"{H}/Content", "state-secret", lambda m: replace(m, content="MẬT - Nội dung làm việc")),
    (
        f"{H}/SignerInfo/FullName",
        "max-length",
        lambda m: replace(m, signer=model.Signer(full_name="x" * 501)),
    ),
    (f"{H}/OtherInfo/Priority", "value-set", lambda m: with_other(m, priority=5)),
    (f"{H}/OtherInfo/SphereOfPromulgation", "max-length", lambda m: with_other(m, sphere="x" * 101)),
    (f"{H}/OtherInfo/SphereOfPromulgation", "state-secret", lambda m: with_other(m, sphere="Mật")),
    (f"{H}/OtherInfo/TyperNotation", "max-length", lambda m: with_other(m, typist="x" * 11)),
    (
        f"{H}/OtherInfo/Appendixes/Appendix",
        "state-secret",
        lambda m: with_other(m, appendixes=("(Tối mật) Phụ lục 1",)),
    ),
    (f"{H}/SteeringType", "value-set", lambda m: replace(m, steering_type=4)),
    ("TraceHeaderList/@id", "message-id", lambda m: replace(m, trace=replace(m.trace, message_id="a b"))),
    (
        f"{BUSINESS}/ReplacementInfoList/ReplacementInfo",
        "required",
        lambda m: with_business(m, model.Business(model.BusinessType.REPLACE, "thay thế")),
    ),
    (
        f"{BUSINESS}/BussinessDocumentInfo/ReceiverList/Receiver/OrganId",
        "organ-id",
        lambda m: with_business(
            m,
            model.Business(
                model.BusinessType.UPDATE,
                "bổ sung",
                changes=(model.DocumentChange(receivers=(model.ReceiverChange("?", True),)),),
            ),
        ),
    ),
    (
        f"{BUSINESS}/ReplacementInfoList/ReplacementInfo/DocumentId",
        "required",
        lambda m: with_business(
            m,
            model.Business(model.BusinessType.REPLACE, "x", replacements=(model.Replacement("", ("H61",)),)),
        ),
    ),
    ("edXMLManifest/Reference/ContentId", "required", lambda m: with_first_reference(m, content_id="")),
    (
        "edXMLManifest/Reference/AttachmentName",
        "max-length",
        lambda m: with_first_reference(m, name="x" * 501),
    ),
    (
        "edXMLManifest/Reference/Description",
        "state-secret",
        lambda m: with_first_reference(m, description="MẬT: danh sách"),
    ),
    (
        "edXMLManifest/Reference[2]/ContentId",
        "unique",
        lambda m: replace(m, references=(m.references[0], m.references[0]), attachments=()),
    ),
    (
        "edXMLManifest/Reference/ContentId",
        "no-content",
        lambda m: replace(
            m,
            references=(model.Reference("a"),),
            attachments=(model.Attachment("b", "b.pdf", b"b"),),
        ),
    ),
]


@pytest.mark.parametrize(
    ("path", "rule", "spoil"), FAULTS, ids=[f"{rule}:{path}" for path, rule, _ in FAULTS]
)
@given(message=documents())
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_fault_is_found_on_the_model_and_after_reading(
    path: str, rule: str, spoil: Break, message: model.Document
) -> None:
    broken = spoil(message)
    found = {(finding.path, finding.rule) for finding in errors(rules.check(broken, today=TODAY))}
    assert (path, rule) in found
    data = write(broken)
    report = reader.examine(data, today=TODAY)
    assert (path, rule) in {(finding.path, finding.rule) for finding in errors(report.findings)}
    assert all(finding.line for finding in report.findings)
    assert all(finding.message_vi for finding in report.findings)
    with pytest.raises(InvalidMessage):
        reader.read_envelope(data, today=TODAY)


@given(message=status_messages(), code=st.sampled_from(["", "00", "07", "14", "99", "3x", "１"]))
@settings(max_examples=30, deadline=None)
def test_a_status_code_outside_the_list_is_refused(message: model.Status, code: str) -> None:
    broken = replace(message, status_code=code)
    found = [
        finding for finding in errors(rules.check(broken, today=TODAY)) if finding.path.endswith("StatusCode")
    ]
    assert [finding.rule for finding in found] == ["value-set" if code else "required"]


@pytest.mark.parametrize("field", ["code", "document_id"])
def test_a_status_must_say_which_document_it_is_about(field: str) -> None:
    message = reader.read(sample("trang-thai-03"))
    assert isinstance(message, model.Status)
    broken = replace(message, response_for=replace(message.response_for, **{field: ""}))
    with pytest.raises(InvalidMessage) as caught:
        reader.read_envelope(write(broken))
    assert caught.value.findings[0].path.startswith("MessageHeader/ResponseFor/")


@pytest.mark.parametrize(
    ("element", "path"),
    [
        ("DocumentType", "MessageHeader/DocumentType"),
        ("PromulgationInfo", "MessageHeader/PromulgationInfo"),
        ("Code", "MessageHeader/Code"),
        ("TraceHeaderList", "TraceHeaderList"),
        ("TraceHeader", "TraceHeaderList/TraceHeader"),
        ("Bussiness", "TraceHeaderList/Bussiness"),
        ("edXMLManifest", "edXMLManifest"),
        ("edXMLBody", "edXMLBody"),
    ],
)
def test_a_block_that_must_be_there_is_missed(element: str, path: str) -> None:
    head, _, rest = (
        sample("chi-thi-moi").decode().partition(f"<edXML:{element}{'>' if element == 'TraceHeader' else ''}")
    )
    tail = rest.partition(f"</edXML:{element}>")[2]
    report = reader.examine((head + tail).encode())
    assert (path, "required") in {(finding.path, finding.rule) for finding in errors(report.findings)}


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("<edXML:Priority>1<", "<edXML:Priority>khẩn<", "MessageHeader/OtherInfo/Priority", "number"),
        ("2017/12/15", "15/12/2017", "MessageHeader/DueDate", "date"),
        ("2017/12/15", "2017/02/30", "MessageHeader/DueDate", "date"),
        ("2017/12/15", "2017/12/1５", "MessageHeader/DueDate", "date"),
        (
            "2017/11/20 08:00:00",
            "2017-11-20T08:00:00",
            "TraceHeaderList/TraceHeader/Timestamp",
            "timestamp",
        ),
        (
            "2017/11/20 08:00:00",
            "2017/11/20 24:00:00",
            "TraceHeaderList/TraceHeader/Timestamp",
            "timestamp",
        ),
        ("DocType>0<", "DocType>4<", "TraceHeaderList/Bussiness/BussinessDocType", "value-set"),
        ("<edXML:Type>2<", "<edXML:Type>hai<", "MessageHeader/DocumentType/Type", "number"),
        (
            "<edXML:FullName>Nguyễn Văn Quang<",
            "<edXML:FullName>Nguyễn <b>Văn</b> Quang<",
            "MessageHeader/SignerInfo/FullName",
            "text-only",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(old: str, new: str, path: str, rule: str) -> None:
    data = sample("chi-thi-moi").decode()
    assert old in data
    broken = data.replace(old, new).encode()
    report = reader.examine(broken)
    assert (path, rule) in {(finding.path, finding.rule) for finding in errors(report.findings)}
    with pytest.raises(InvalidMessage):
        reader.read_envelope(broken)


def test_dates_are_judged_by_the_day_in_vietnam_that_is_given() -> None:
    data = sample("chi-thi-moi")
    assert reader.examine(data, today=date(2017, 11, 20)).acceptable
    assert not reader.examine(data, today=date(2017, 11, 19)).acceptable


def test_one_run_lists_every_fault_and_the_error_counts_them() -> None:
    message = replace(document("chi-thi-moi"), subject="", code=model.Code("", ""), steering_type=9)
    with pytest.raises(InvalidMessage) as caught:
        reader.read(write(message))
    assert {finding.path for finding in errors(caught.value.findings)} == {
        "MessageHeader/Code/CodeNumber",
        "MessageHeader/Code/CodeNotation",
        "MessageHeader/Subject",
        "MessageHeader/SteeringType",
    }
    assert "(3 more)" in str(caught.value)
    assert caught.value.problem()["code"] == "malformed-message"


def test_a_state_secret_has_a_code_of_its_own() -> None:
    with pytest.raises(InvalidMessage) as caught:
        reader.read_envelope(sample("mat-trong-trich-yeu"))
    assert caught.value.code == "state-secret"


def test_choices_where_sources_conflict_are_options() -> None:
    steering = replace(document("chi-thi-moi"), steering_type=3)
    assert reader.examine(write(steering)).acceptable
    narrow = Options(steering_types=frozenset({0, 1, 2}))
    assert not reader.examine(write(steering), options=narrow).acceptable
    with pytest.raises(InvalidMessage):
        reader.read_envelope(write(steering), options=narrow)

    other_kit = sample("cong-van-bo-net")
    assert reader.examine(other_kit).findings[0].severity == "warning"
    assert reader.examine(other_kit, options=Options(document_types=frozenset({18}))).findings == ()

    numbered = write(replace(document("chi-thi-moi"), document_id="48213"))
    assert reader.read_envelope(numbered).document_id == "48213"
    with pytest.raises(InvalidMessage):
        reader.read_envelope(numbered, options=Options(strict_document_id=True))

    day_first = sample("chi-thi-moi").replace(b"2017/12/15", b"15-12-2017")
    assert not reader.examine(day_first).acceptable
    forgiven = reader.examine(day_first, options=Options(any_date=True))
    assert isinstance(forgiven.message, model.Document)
    assert forgiven.message.due == date(2017, 12, 15)
    assert reader.read_envelope(day_first, options=Options(any_date=True)).due == "2017/12/15"


def test_a_group_may_receive_but_not_send() -> None:
    message = replace(document("chi-thi-moi"), recipients=(model.Organ("group:communes"),))
    assert reader.read_envelope(write(message)).to_organs == ("group:communes",)


def test_a_document_id_that_contradicts_the_message_is_noted() -> None:
    message = replace(document("chi-thi-moi"), document_id="000.00.00.H61,2017/11/20,16/CT-UBND")
    report = reader.examine(write(message))
    assert report.acceptable
    assert [finding.rule for finding in report.findings] == ["document-id-differs"]


def test_a_refusal_without_a_reason_is_noted() -> None:
    message = reader.read(sample("trang-thai-02-tu-choi"))
    assert isinstance(message, model.Status)
    report = reader.examine(write(replace(message, description="")))
    assert report.acceptable
    assert [finding.rule for finding in report.findings] == ["reason-wanted"]
