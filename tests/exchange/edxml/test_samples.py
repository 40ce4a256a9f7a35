"""Messages as real systems write them: which can be accepted, and why the others cannot."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lienthong.exchange.edxml import model, reader
from lienthong.exchange.edxml.envelope import envelope_of

SAMPLES = Path(__file__).parent / "samples"
ACCEPTED = sorted((SAMPLES / "accepted").iterdir())
PDF = b"%PDF-1.4\n"


def sample(name: str) -> bytes:
    return next(SAMPLES.glob(f"*/{name}.xml")).read_bytes()


def document(name: str) -> model.Document:
    message = reader.read(sample(name))
    assert isinstance(message, model.Document)
    return message


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_the_envelope_of_every_sample_agrees_with_the_full_reader(path: Path) -> None:
    data = path.read_bytes()
    assert reader.read_envelope(data) == envelope_of(reader.read(data))


@pytest.mark.parametrize(
    ("name", "rule", "line", "path"),
    [
        ("bang-ma-windows-1258", "malformed-message", 1, "edXML"),
        ("byte-la-truoc-khai-bao", "malformed-message", 2, "edXML"),
        ("co-doctype", "malformed-message", 2, "edXML"),
        ("hai-trich-yeu", "at-most-one", 11, "MessageHeader/Subject[2]"),
        ("mat-trong-trich-yeu", "state-secret", 10, "MessageHeader/Subject"),
        ("noi-dung-khong-co-tep", "no-content", 1, "edXMLManifest/Reference/ContentId"),
        ("soap-do-mat", "state-secret", 40, "MessageHeader/OtherInfo/Secret"),
        ("tep-zip-hai-tep", "malformed-message", 11, "AttachmentEncoded/Attachment/ContentTransferEncoded"),
        ("thieu-ma-dinh-danh", "required", 4, "MessageHeader/From/OrganId"),
        ("tien-to-chua-khai-bao", "malformed-message", 2, "edXML"),
        ("trang-thai-khong-ma", "required", 5, "MessageHeader/StatusCode"),
    ],
)
def test_a_refused_sample_is_told_where_and_by_which_rule(name: str, rule: str, line: int, path: str) -> None:
    report = reader.examine(sample(name))
    assert not report.acceptable
    first = report.findings[0]
    assert (first.severity, first.rule, first.line, first.path) == ("error", rule, line, path)
    assert first.message and first.message_vi and first.message != first.message_vi


def test_a_directive_is_read_whole() -> None:
    message = document("chi-thi-moi")
    assert message.message_id == "20171120080000-a1b2c3d4"
    assert message.sender.name == "Ủy ban nhân dân tỉnh Vĩnh Long"
    assert [organ.organ_id for organ in message.recipients] == ["000.00.15.H61", "H61.05.012"]
    assert (message.code.number, message.code.notation) == ("15", "CT-UBND")
    assert message.type == model.DocumentType(2, "Chỉ thị", 3)
    assert message.signer == model.Signer("TM.", "Chủ tịch", "Nguyễn Văn Quang")
    assert message.due == date(2017, 12, 15)
    assert message.other is not None
    assert message.other.appendixes == ("Phụ lục I: Danh mục cống, đập phải vận hành",)
    assert message.to_places == ("Như trên", "Lưu: VT, KTNV")
    assert message.business.staff[0].name == "Trần Thị Hạnh"
    assert [reference.content_id for reference in message.references] == [
        "files/15-CT-UBND.pdf",
        "files/phu-luc-1.xlsx",
    ]


def test_cid_may_be_missing_on_one_side() -> None:
    message = document("cong-van-bo-net")
    assert message.attachments[0].content_id == message.references[0].content_id
    assert message.attachments[0].data.startswith(PDF)


def test_children_come_in_any_order_behind_a_byte_order_mark_with_the_file_in_a_zip() -> None:
    message = document("bao-cao-tep-zip")
    assert message.message_id is None
    assert message.references[0].content_id == "bao-cao-1"
    assert message.attachments[0].data.startswith(PDF)
    assert message.response_for[0].code == "1120/STTTT-CNTT"
    assert message.tasks == ("NV-2017-0456",)
    assert message.subject.startswith("Báo cáo kết quả bảo mật")


def test_a_message_without_any_prefix_or_namespace_is_read() -> None:
    report = reader.examine(sample("khong-tien-to"))
    assert report.acceptable
    assert {finding.rule for finding in report.findings} == {"namespace"}


def test_revoke_update_and_replace_say_which_document_they_are_about() -> None:
    about = "000.00.00.H61,2017/11/20,15/CT-UBND"
    revoke, update, replace = (
        reader.read_envelope(sample(name)) for name in ("thu-hoi", "cap-nhat", "thay-the")
    )
    assert (revoke.business, revoke.business_document_id, revoke.references) == (1, about, ())
    assert (update.business, update.business_document_id) == (2, about)
    assert (replace.business, replace.replaced) == (3, (about,))
    changes = document("cap-nhat").business.changes
    assert changes[0].receivers == (
        model.ReceiverChange("H61.05.012", added=False),
        model.ReceiverChange("H61.05.013", added=True),
    )


def test_a_status_is_read_with_its_reason_and_who_acted() -> None:
    message = reader.read(sample("trang-thai-02-tu-choi"))
    assert isinstance(message, model.Status)
    assert message.status_code == "02"
    assert message.description == "Văn bản gửi nhầm đơn vị, đề nghị gửi lại đúng địa chỉ"
    assert message.staff is not None and message.staff.name == "Huỳnh Thị Kim Ngân"
    assert message.response_for.document_id == "000.00.00.H61,2017/11/20,15/CT-UBND"
    assert message.timestamp is not None and message.timestamp.isoformat() == "2017-11-20T10:12:30+07:00"


def test_the_older_soap_wrapped_document_is_read() -> None:
    message = document("soap-van-ban")
    assert message.message_id == "3490sdo9"
    assert message.promulgation.date == date(2015, 9, 14)
    assert message.type.name == "Tờ trình"
    assert message.signer == model.Signer("TM.", "Chủ tịch", "Đặng Văn Lượng")
    assert message.priority == 3
    assert message.references[0].content_id == "edXMLatt1@longho.vinhlong.example"
    assert message.trace.headers[0].organ_id == "000.04.30.H61"
    assert message.trace.headers[0].timestamp.isoformat() == "2015-09-14T15:19:35+07:00"


def test_the_older_soap_wrapped_status_is_read() -> None:
    message = reader.read(sample("soap-trang-thai"))
    assert isinstance(message, model.Status)
    assert (message.status_code, message.response_for.document_id) == ("04", "48213")


def test_the_inbox_summary_is_small_json_in_utf8() -> None:
    assert reader.read_envelope(sample("chi-thi-moi")).summary_json().decode() == (
        '{"subject":"Về việc tăng cường phòng, chống hạn hán và xâm nhập mặn mùa khô 2017 - 2018 '
        'trên địa bàn tỉnh","type":"Chỉ thị","code":"15/CT-UBND","date":"2017/11/20",'
        '"signer":"Nguyễn Văn Quang","organ":"Ủy ban nhân dân tỉnh Vĩnh Long","priority":1,'
        '"due":"2017/12/15","files":2,'
        '"names":["15-CT-UBND.pdf","phu-luc-1.xlsx"]}'
    )
