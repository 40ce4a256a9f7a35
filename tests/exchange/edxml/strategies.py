"""Hypothesis strategies: whole edXML messages with Vietnamese text, valid unless a test breaks them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from lienthong.core.clock import VIETNAM
from lienthong.core.text import nfc
from lienthong.exchange import statuses
from lienthong.exchange.edxml import model, secrecy

TODAY = date(2026, 6, 30)
LETTERS = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
    "AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXY0123456789 .,;:/-–()[]\"'&<>“”\u00a0\t#%@!?+=_漢😀"
)


def texts(max_size: int = 40, min_size: int = 0) -> st.SearchStrategy[str]:
    """Trimmed NFC text that opens with no mark of secrecy."""
    return (
        st.text(LETTERS, min_size=min_size, max_size=max_size)
        .map(lambda text: nfc(text).strip())
        .filter(lambda text: len(text) >= min_size and not secrecy.mark_opening(text))
    )


words = texts(min_size=1)
organ_ids = st.one_of(
    st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{1,8}(\.[A-Z0-9]{1,6}){0,3}", fullmatch=True),
)
days = st.dates(date(1990, 1, 1), TODAY)
moments = st.datetimes(datetime(2010, 1, 1), datetime(2026, 6, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(microsecond=0, tzinfo=VIETNAM)
)
message_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,40}", fullmatch=True)
content_ids = st.from_regex(r"[a-z0-9]{1,12}(/[a-z0-9-]{1,12}\.(pdf|docx|zip))?", fullmatch=True)

organs = st.builds(
    model.Organ,
    organ_id=organ_ids,
    **dict.fromkeys(("name", "in_charge", "address", "email", "telephone", "fax", "website"), texts()),
)
staff = st.builds(
    model.Staff,
    **dict.fromkeys(("department", "name", "department_id", "staff_id", "email", "mobile"), texts()),
)
codes = st.builds(model.Code, number=texts(11, 1), notation=texts(30, 1))
answers = st.builds(
    model.ResponseFor,
    organ_id=st.just("") | organ_ids,
    code=texts(),
    document_id=texts(),
    promulgated=st.none() | days,
)
sphere = texts().filter(lambda text: not secrecy.mark_alone(text))
several = st.lists(words, max_size=3).map(tuple)
others = st.builds(
    model.OtherInfo,
    priority=st.integers(0, 4),
    sphere=sphere,
    typist=texts(10),
    copies=st.none() | st.integers(0, 9999),
    pages=st.none() | st.integers(0, 999),
    reply_fors=several,
    direction=texts(),
    reference_codes=several,
    appendixes=several,
)
stops = st.builds(model.TraceHeader, organ_id=organ_ids, timestamp=moments)
changes = st.builds(
    model.DocumentChange,
    content_changed=st.booleans(),
    receivers_changed=st.booleans(),
    receivers=st.lists(st.builds(model.ReceiverChange, organ_ids, st.booleans()), max_size=3).map(tuple),
)
replacements = st.builds(
    model.Replacement, document_id=words, organ_ids=st.lists(organ_ids, max_size=3).map(tuple)
)


@st.composite
def businesses(draw: st.DrawFn) -> model.Business:
    kind = draw(st.sampled_from(model.BusinessType))
    needed = 1 if kind is model.BusinessType.REPLACE else 0
    return model.Business(
        type=kind,
        reason=draw(texts()),
        paper=draw(st.integers(0, 1)),
        document_id=draw(texts()),
        changes=tuple(draw(st.lists(changes, max_size=2))),
        replacements=tuple(draw(st.lists(replacements, min_size=needed, max_size=2))),
        staff=tuple(draw(st.lists(staff.filter(lambda person: person != model.Staff()), max_size=2))),
    )


@st.composite
def documents(draw: st.DrawFn, carried: bool = True) -> model.Document:
    """A valid document message; ``carried``: its files may be inside it."""
    sender, code, promulgated = draw(organs), draw(codes), draw(days)
    references = tuple(
        model.Reference(content_id, draw(texts()), draw(texts()), draw(texts()))
        for content_id in draw(st.lists(content_ids, unique=True, min_size=1, max_size=3))
    )
    attachments: tuple[model.Attachment, ...] = ()
    if carried and draw(st.booleans()):
        attachments = tuple(
            model.Attachment(
                content_id=reference.content_id,
                name=draw(texts()),
                data=draw(st.binary(max_size=60)),
                content_type=draw(st.sampled_from(("application/pdf", "application/zip", ""))),
                description=draw(texts()),
                mime_type=draw(texts()),
            )
            for reference in references
        )
    return model.Document(
        sender=sender,
        recipients=tuple(draw(st.lists(organs, min_size=1, max_size=3))),
        document_id=draw(st.just(model.document_id(sender.organ_id, promulgated, code)) | words),
        code=code,
        promulgation=model.Promulgation(promulgated, draw(texts())),
        type=model.DocumentType(draw(st.integers(1, 2)), draw(texts()), draw(st.none() | st.integers(0, 40))),
        subject=draw(texts(200, 1)),
        trace=model.Trace(
            draw(st.none() | message_ids),
            tuple(draw(st.lists(stops, min_size=1, max_size=2))),
            draw(businesses()),
        ),
        references=references,
        content=draw(texts()),
        signer=draw(st.none() | st.builds(model.Signer, texts(), texts(), texts())),
        due=draw(st.none() | days.map(lambda day: day + timedelta(days=30))),
        other=draw(st.none() | others),
        response_for=tuple(draw(st.lists(answers, max_size=2))),
        steering_type=draw(st.none() | st.integers(0, 3)),
        to_places=draw(several),
        tasks=draw(several),
        application_type=draw(texts()),
        attachments=attachments,
    )


@st.composite
def status_messages(draw: st.DrawFn) -> model.Status:
    trace = model.Trace(draw(st.none() | message_ids), tuple(draw(st.lists(stops, max_size=1))))
    return model.Status(
        sender=draw(organs),
        response_for=model.ResponseFor(
            draw(st.just("") | organ_ids), draw(words), draw(words), draw(st.none() | days)
        ),
        status_code=draw(st.sampled_from(sorted(statuses.MEANINGS))),
        description=draw(texts()),
        timestamp=draw(st.none() | moments),
        staff=draw(st.none() | staff),
        trace=draw(st.none() | st.just(trace)),
    )


messages = documents() | status_messages()
