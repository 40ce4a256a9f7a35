"""Small liberties that messages take: which are forgiven, which are not, and what is said about each."""

from __future__ import annotations

import json

import pytest
from tests.exchange.edxml.test_samples import document, sample

from lienthong.exchange.edxml import model, names, reader, rules
from lienthong.exchange.edxml.findings import InvalidMessage, Severity
from lienthong.exchange.edxml.manifest import bare_content_id
from lienthong.exchange.edxml.parsing import Limits
from lienthong.exchange.errors import MalformedMessage, TooLarge

CONTENT = "AttachmentEncoded/Attachment/ContentTransferEncoded"
H = "MessageHeader"
BUSINESS = "TraceHeaderList/Bussiness"
RECEIVER = f"{BUSINESS}/BussinessDocumentInfo/ReceiverList/Receiver[1]"
FILE = "edXMLManifest/Reference"
ZIP = "application/zip"


LIBERTIES = [
    ("trang-thai-03", ">03<", ">3<", f"{H}/StatusCode", "status-code-form", "warning"),
    ("soap-van-ban", ">Hỏa tốc<", ">Rất gấp<", f"{H}/OtherInfo/Priority", "number", "error"),
    ("soap-van-ban", ">Hỏa tốc<", ">²<", f"{H}/OtherInfo/Priority", "number", "error"),
    ("soap-van-ban", ">Hỏa tốc<", ">Mật<", f"{H}/OtherInfo/Priority", "state-secret", "error"),
    ("chi-thi-moi", "Priority>1<", "Priority>TỐI MẬT<", f"{H}/OtherInfo/Priority", "state-secret", "error"),
    ("soap-van-ban", ">Hỏa tốc<", ">7<", f"{H}/OtherInfo/Priority", "value-set", "error"),
    ("soap-van-ban", ">12<", ">²<", f"{H}/DocumentType/Type", "value-set", None),
    ("chi-thi-moi", "DocType>0<", "DocType><", f"{BUSINESS}/BussinessDocType", "required", "error"),
    ("chi-thi-moi", "<edXML:Type>2<", "<edXML:Type><", f"{H}/DocumentType/Type", "required", "error"),
    ("chi-thi-moi", "<edXML:Paper>0<", "<edXML:Paper>2<", f"{BUSINESS}/Paper", "value-set", "warning"),
    ("chi-thi-moi", "Timestamp>", "Time>", "TraceHeaderList/TraceHeader/Timestamp", "required", "error"),
    ("chi-thi-moi", "<edXML:Fax/>", "<edXML:Telex/>", f"{H}/From/Telex", "unknown-element", "warning"),
    ("cap-nhat", "ReceiverType>0<", "ReceiverType><", f"{RECEIVER}/ReceiverType", "required", "error"),
    ("cap-nhat", "ReceiverType>0<", "ReceiverType>2<", f"{RECEIVER}/ReceiverType", "value-set", "error"),
    ("cong-van-bo-net", 'href="cid:0d', 'href="cid:1d', f"{FILE}/ContentId", "two-contents", "error"),
    ("cong-van-bo-net", "ContentTransferEncoded>", "Data>", CONTENT, "required", "error"),
    (
        "cong-van-bo-net",
        "<ContentType>application/pdf",
        f"<ContentType>{ZIP}",
        CONTENT,
        "not-a-zip",
        "warning",
    ),
    ("cong-van-bo-net", "Encoded>J", "Encoded>*", CONTENT, "malformed-message", "error"),
]


@pytest.mark.parametrize(("name", "old", "new", "path", "rule", "severity"), LIBERTIES)
def test_each_liberty_has_its_answer(
    name: str, old: str, new: str, path: str, rule: str, severity: Severity | None
) -> None:
    data = sample(name).decode()
    assert old in data
    report = reader.examine(data.replace(old, new).encode())
    found = [finding for finding in report.findings if (finding.path, finding.rule) == (path, rule)]
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    assert report.acceptable is (severity != "error")
    for finding in found:
        assert str(finding).startswith(f"line {finding.line}, {finding.path}: ")
        assert finding.vietnamese().startswith(f"dòng {finding.line}, {finding.path}: ")


def test_a_status_code_of_one_digit_is_given_its_two() -> None:
    data = sample("trang-thai-03").replace(b">03<", b">3<")
    assert reader.read_envelope(data).status_code == "03"


def test_urgency_in_words_or_digits_is_read_in_the_older_form() -> None:
    for text, priority in (
        ("Khẩn", 1),
        ("thượng  khẩn", 2),
        ("HOẢ TỐC", 3),
        ("4", 4),
        ("Thường", 0),
        ("", 0),
    ):
        data = sample("soap-van-ban").decode().replace(">Hỏa tốc<", f">{text}<").encode()
        assert reader.read_envelope(data).priority == priority


def test_two_attachments_may_not_share_a_content_id() -> None:
    data = sample("cong-van-bo-net")
    start, end = data.index(b"<Attachment>"), data.index(b"</Attachment>") + 13
    report = reader.examine(data[:end] + data[start:end] + data[end:])
    assert [finding.rule for finding in report.findings if finding.severity == "error"] == ["unique"]


def test_the_number_of_files_inside_is_bounded() -> None:
    with pytest.raises(TooLarge, match="more than 0 files"):
        reader.read(sample("cong-van-bo-net"), Limits(files=0))


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("cid:a", "a"),
        (" CID: a/b.pdf ", "a/b.pdf"),
        ("<a@b.example>", "a@b.example"),
        ("a", "a"),
        ("cid:", ""),
    ],
)
def test_content_ids_are_compared_without_their_scheme(written: str, bare: str) -> None:
    assert bare_content_id(written) == bare


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (f"{{{names.QCVN}}}OrganId", "OrganId"),
        (f"{{{names.QCVN}}}ORGANID", "OrganId"),
        (f"{{{names.EDOC}}}Business", "Bussiness"),
        (f"{{{names.SOAP}}}Envelope", "Envelope"),
        ("documentid", "DocumentId"),
        (f"{{{names.QCVN}}}Telex", None),
        ("{urn:other}OrganId", None),
        (f"{{{names.DSIG}}}Signature", "Signature"),
        (f"{{{names.DSIG}}}Reference", None),
    ],
)
def test_elements_are_known_by_name_in_the_namespaces_in_use(tag: str, name: str | None) -> None:
    assert names.official(tag) == name


def test_half_a_utf16_character_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="not UTF-16 at position"):
        reader.read("<edXML/>".encode("utf-16") + b"\x00\xd8")


def test_the_summary_of_a_status_is_what_an_inbox_shows() -> None:
    envelope = reader.read_envelope(sample("trang-thai-02-tu-choi"))
    assert envelope.is_status and not reader.read_envelope(sample("chi-thi-moi")).is_status
    assert json.loads(envelope.summary_json()) == {
        "organ": "Sở Nông nghiệp và Phát triển nông thôn",
        "status": "02",
        "description": "Văn bản gửi nhầm đơn vị, đề nghị gửi lại đúng địa chỉ",
        "code": "15/CT-UBND",
        "staff": "Huỳnh Thị Kim Ngân",
        "time": "2017/11/20 10:12:30",
    }


def test_a_summary_names_twenty_files_and_counts_the_rest() -> None:
    envelope = reader.read_envelope(sample("chi-thi-moi"))
    many = envelope._replace(references=("a",) * 50, names=("a.pdf",) * 50)
    summary = json.loads(many.summary_json())
    assert (summary["files"], len(summary["names"])) == (50, 20)


def test_a_message_can_be_required_to_be_valid_before_it_is_written() -> None:
    message = document("chi-thi-moi")
    rules.require_valid(message, today=message.promulgation.date)
    with pytest.raises(InvalidMessage, match="future") as caught:
        rules.require_valid(message, today=message.promulgation.date.replace(year=2016))
    assert caught.value.place == "MessageHeader/PromulgationInfo/PromulgationDate"


def test_a_document_without_a_business_counts_as_new() -> None:
    message = reader.read(sample("soap-van-ban"))
    assert isinstance(message, model.Document)
    assert message.business.type is model.BusinessType.NEW
