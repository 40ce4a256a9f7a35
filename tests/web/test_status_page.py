"""The status page tells the truth: with a hub, with an unwell hub, and without one."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries
from tests.web.conftest import SpeakingHub

from lienthong.exchange.server import health
from lienthong.registry import actions, models
from lienthong.registry.directory import Agency
from lienthong.web.particulars import said
from lienthong.web.words import CHECKS, check_sentence

pytestmark = pytest.mark.django_db


def page(client: Client, address: str = "/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def published(valid_for: timedelta) -> None:
    now = timezone.now()
    models.Publication.objects.create(
        version=4,
        issued_at=now - timedelta(days=1),
        expires_at=now + valid_for,
        agencies=1,
        digest="",
        signer="",
    )


def test_a_well_hub_and_directory_are_in_order(client: Client, hub: SpeakingHub) -> None:
    published(timedelta(days=30))
    hub.checks({"name": "disk", "state": "ok", "detail": "212 GB free"})
    text = page(client)
    assert 'class="verdict ok"' in text
    assert "Mọi việc đều ổn." in text
    assert "Dung lượng đĩa" in text
    assert "212 GB free" in text


def test_figures_and_the_newest_checkpoint_are_shown(client: Client, hub: SpeakingHub) -> None:
    text = page(client)
    assert "1.234.567" in text
    assert "352.530" in text
    assert "hub.example/log" in text
    assert "00" * 32 in text
    assert "1,234,567" in page(client, "/?lang=en")


def test_a_hub_that_is_down_is_said_plainly_and_the_page_still_renders(client: Client, no_hub: str) -> None:
    actions.add_agency(Agency("H61", name="Ủy ban nhân dân tỉnh", kind="government"))
    text = page(client)
    assert 'class="verdict failing"' in text
    assert "Trục liên thông không trả lời." in text
    assert no_hub in text
    assert "lienthong serve" in text
    assert "Ủy ban nhân dân tỉnh và văn phòng" in text, "what the registry knows is shown all the same"


def test_an_unready_hub_fails_with_its_reasons(client: Client, hub: SpeakingHub) -> None:
    published(timedelta(days=30))
    hub.checks(
        {"name": "disk", "state": "failing", "detail": "the disk is full", "remedy": "free some space"},
        {"name": "clock", "state": "warning", "detail": "the clock jumped"},
        status=503,
    )
    text = page(client)
    assert 'class="verdict failing"' in text
    assert "the disk is full" in text
    assert "free some space" in text
    assert text.index("the disk is full") < text.index("the clock jumped"), "the worst comes first"


@pytest.mark.parametrize(
    ("valid_for", "verdict"), [(timedelta(hours=-1), "failing"), (timedelta(hours=40), "warning")]
)
def test_a_directory_near_or_past_its_end_is_not_in_order(
    client: Client, hub: SpeakingHub, valid_for: timedelta, verdict: str
) -> None:
    published(valid_for)
    text = page(client)
    assert f'class="verdict {verdict}"' in text
    assert "lienthong registry publish" in text


@pytest.mark.parametrize("path", ["/health/ready", "/v1/statistics", "/v1/log/checkpoint"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b'{"checks":7}',
        b'{"checks":[7,{}]}',
        b"\xff\xfe",
        b"a\nb\nc\nd\n",
        b"a\n7\n!!\n\n",
        b"[" * 100_000,
        b"x" * 2_000_000,
    ],
)
def test_whatever_the_hub_answers_the_page_renders(
    client: Client, hub: SpeakingHub, path: str, body: bytes
) -> None:
    hub.answers[path] = (200, body)
    assert "Tình trạng hệ thống" in page(client)


def test_in_vietnamese_a_check_says_what_it_means_and_then_the_hubs_particulars(
    client: Client, hub: SpeakingHub
) -> None:
    hub.checks({"name": "disk", "state": "warning", "detail": "3 MiB free"})
    text = page(client)
    assert text.index("Đĩa sắp hết chỗ.") < text.index("3 MiB free")
    assert "Đĩa" not in page(client, "/?lang=en")


def test_every_check_of_the_hub_has_a_name_and_a_meaning_in_vietnamese() -> None:
    source = inspect.getsource(health)
    names = set(re.findall(r'HealthItem\(\s*"([a-z-]+)"', source))
    states = {
        (name, state) for name, state in re.findall(r'HealthItem\(\s*"([a-z-]+)",\s*"([a-z]+)"', source)
    }
    assert {"disk", "store", "directory"} <= names
    assert names <= set(CHECKS)
    assert [(name, state) for name, state in states if not check_sentence(name, state)] == []


def test_what_the_hub_says_cannot_become_markup(client: Client, hub: SpeakingHub) -> None:
    hub.checks({"name": "<b>x</b>", "state": "failing", "detail": "<script>alert(1)</script>"})
    text = page(client)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_vietnamese_is_the_default_and_english_is_asked_for_in_the_address(
    client: Client, hub: SpeakingHub
) -> None:
    vietnamese, english = client.get("/"), client.get("/?lang=en")
    assert vietnamese.headers["Content-Language"] == "vi"
    assert '<html lang="vi">' in vietnamese.content.decode()
    assert english.headers["Content-Language"] == "en"
    assert "System status" in english.content.decode()
    assert '<html lang="vi">' in page(client, "/?lang=tlh")
    assert '<html lang="vi">' in client.get("/", headers={"accept-language": "en"}).content.decode()


def test_in_english_only_names_are_left_in_vietnamese(client: Client, no_hub: str) -> None:
    actions.name_province("Vĩnh Long")
    actions.add_agency(Agency("H61.61", name="x", kind="district"))
    body = re.sub(r"<style.*?</style>", "", page(client, "/?lang=en"), flags=re.S)
    for known in ("Liên Thông", "Vĩnh Long", "Tiếng Việt"):
        body = body.replace(known, "")
    assert [word for word in body.split() if any(ch.isalpha() and not ch.isascii() for ch in word)] == []


def test_nothing_comes_from_elsewhere_and_no_script_runs(client: Client, hub: SpeakingHub) -> None:
    answer = client.get("/")
    text = answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'<style nonce="{nonce[1]}">' in text
    assert "<script" not in text
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert "style=" not in text, "an inline style would be blocked by the policy"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]


def test_each_answer_has_its_own_nonce(client: Client, hub: SpeakingHub) -> None:
    policies = {client.get("/").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_an_address_that_is_not_there_says_so_in_both_languages(client: Client) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Không có trang này." in answer.content.decode()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_fault_is_logged_and_not_shown(
    hub: SpeakingHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("lienthong.web.hub.ask", broken)
    answer = Client(raise_request_exception=False).get("/")
    assert answer.status_code == 500
    assert "a secret" not in answer.content.decode()
    assert "a secret of the inside" in caplog.text


def test_a_registry_that_does_not_answer_leaves_the_hubs_figures(
    client: Client, hub: SpeakingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def unreachable(*_: object) -> None:
        raise OperationalError("unable to open database file")

    monkeypatch.setattr("lienthong.registry.queries.counts_by_kind", unreachable)
    text = page(client)
    assert "Cơ sở dữ liệu danh bạ không trả lời." in text
    assert "1.234.567" in text


def test_only_reading_is_possible(client: Client, hub: SpeakingHub) -> None:
    assert client.post("/").status_code == 405
    assert client.head("/").status_code == 200


def test_a_foreign_host_name_is_refused(client: Client, hub: SpeakingHub) -> None:
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_the_page_asks_the_database_the_same_few_questions_however_many_agencies(
    client: Client, hub: SpeakingHub, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for at in range(30):
        actions.add_agency(Agency(f"H61.{at:02d}", name=f"Xã {at}", kind="commune"))
    with django_assert_num_queries(3):
        page(client)


class Outline(HTMLParser):
    """Headings, and the structure that assistive technology leans on."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.tags: dict[str, int] = {}
        self.ids: list[str] = []
        self.labelled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "aria-labelledby" and value:
                self.labelled.append(value)


def test_the_page_has_one_main_part_and_headings_without_gaps(client: Client, hub: SpeakingHub) -> None:
    hub.checks({"name": "disk", "state": "ok", "detail": ""})
    outline = Outline()
    outline.feed(page(client))
    assert outline.tags["main"] == outline.tags["h1"] == 1
    assert outline.levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.tags["caption"] == outline.tags["table"]
    assert set(outline.labelled) <= set(outline.ids)
    assert len(set(outline.ids)) == len(outline.ids)


def test_what_the_hub_says_is_vietnamese_on_the_vietnamese_page_with_vietnam_s_time(
    client: Client, hub: SpeakingHub
) -> None:
    hub.checks(
        {"name": "directory", "state": "ok", "detail": "version 3, expires at 2026-12-31 18:30 UTC"},
        {"name": "clock", "state": "ok", "detail": "2026-11-22 17:05:09 UTC"},
        {
            "name": "disk",
            "state": "warning",
            "detail": "612 MiB free at /srv/lienthong",
            "remedy": "make room soon",
        },
        {"name": "timestamps", "state": "ok", "detail": "something new at 2026-11-22 17:05 UTC"},
    )
    text = page(client)
    for words in (
        'lang="vi">phiên bản 3, hết hạn lúc 01:30 01/01/2027<',
        'lang="vi">00:05:09 23/11/2026<',
        'lang="vi">còn trống 612 MiB tại /srv/lienthong<',
        "sớm dọn chỗ trên ổ đĩa",
        'lang="en">something new at 00:05 23/11/2026<',
    ):
        assert words in text
    assert " UTC" not in text
    english = page(client, "/?lang=en")
    assert "expires at 2027-01-01 01:30 (+07:00)" in english
    assert " UTC" not in english


def test_a_responder_that_fails_is_told_with_its_reason_in_vietnamese(
    client: Client, hub: SpeakingHub
) -> None:
    why = "the OCSP responder http://ca.example/ocsp failed: the OCSP responder answered try_later"
    hub.checks(
        {"name": "revocation", "state": "warning", "detail": why},
        {"name": "certificate-ocsp", "state": "ok", "detail": "ocsp.pem is valid until 2027-11-22 17:05 UTC"},
    )
    text = page(client)
    for words in (
        "dịch vụ OCSP không trả lời được",
        'lang="vi">dịch vụ kiểm tra trạng thái chứng thư (OCSP) tại http://ca.example/ocsp không dùng được: '
        "dịch vụ đang bận, thử lại sau (try_later)<",
        "Chứng thư của dịch vụ kiểm tra trạng thái chứng thư (OCSP)",
    ):
        assert words in text


@pytest.mark.parametrize(
    "text",
    [
        "writable, 12 entries",
        "the store cannot write",
        "the last batch could not be made durable: no space left",
        "lienthong doctor names the cause",
        "lienthong doctor names the cause; the hub tries again with the next message",
        "cannot be looked at: Input/output error",
        "check the disk",
        "100 MiB free at /srv; 512 MiB are wanted",
        "100 MiB free at /srv",
        "make room, or give the data folder a larger disk",
        "make room soon",
        "a batch has taken 17 s so far",
        "check the disk or the database",
        "4096 messages wait: the queue is full",
        "0 messages wait",
        "wait, or add power",
        "publish the directory again: lienthong registry publish",
        "version 3, expires at 2026-12-31 18:30 UTC",
        "version 3, expires at 2026-12-31 18:30 UTC; a newer file is refused: bad signature",
        "set the machine's clock and keep it with NTP",
        "set the machine's clock and keep it with NTP; if it was set forward by mistake once, nothing more "
        "can be done",
        "the clock stands 30 s before the newest record",
        "the newest record is stamped 30 s after the clock; new ones get its time until the clock has "
        "passed it",
        "the clock jumped by -12 s",
        "2026-11-22 17:05:09 UTC",
        "switched off",
        "the last checkpoint could not be time-stamped: no answer",
        "check [timestamps] authority; messages are accepted meanwhile",
        "nothing to time-stamp yet",
        "5 entries stamped at 2026-11-22 17:05:09 UTC",
        "lienthong init --data DIR, safe to repeat, publishes the lists anew",
        "revocation is not checked at all",
        "the CRL of issuing went stale at 2026-11-22 17:05 UTC",
        "the lists of revoked certificates are current",
        "tsa.pem is valid until 2027-11-22 17:05 UTC",
        "tsa.pem expired at 2026-11-22 17:05 UTC",
        "tsa.pem cannot be read: not a certificate",
        "restore /srv/keys/tsa.pem",
        "lienthong keys renew --service tsa --data /srv",
        "put a new certificate and key into place: /srv/tls.pem, and start the hub again",
        *(
            f"the OCSP responder http://ca.example/ocsp failed: {why}"
            for why in (
                "did not answer within 2 s",
                "answered HTTP 503",
                "the OCSP responder answered try_later",
                "the OCSP responder answered unauthorized",
                "the OCSP response is about another certificate",
                "the signature on the OCSP response does not verify",
                "the OCSP response echoes another nonce",
            )
        ),
        "the CRL of issuing went stale at 2026-11-22 17:05 UTC; the OCSP responder http://ca.example/ocsp "
        "failed: could not be asked: [Errno 111] Connection refused",
    ],
)
def test_each_thing_the_hub_says_of_its_health_has_its_vietnamese(text: str) -> None:
    with override("vi"):
        words, language = said(text)
    assert language == "vi"
    assert " UTC" not in words
    assert words != text or not any(ch.isalpha() for ch in text)
