"""The status page: is everything in order? For the operator at night, and for the leader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lienthong.core.clock import VIETNAM
from lienthong.registry import queries
from lienthong.web import hub
from lienthong.web.particulars import said
from lienthong.web.words import check_name, check_sentence, grouped, kind_name

EXPIRES_SOON = timedelta(days=2)

OK, WARNING, FAILING = "ok", "warning", "failing"
WORST_FIRST = (FAILING, WARNING, OK)


@dataclass(frozen=True, slots=True)
class Item:
    """One line under "is everything in order": what, how it stands, what that means, and what to do.

    ``particulars``, and the ``remedy`` beside them, are the hub's own words: translated where their form is
    known, else in English; ``particulars_in`` and ``remedy_in`` say which.
    """

    name: str
    state: str
    detail: str = ""
    remedy: str = ""
    particulars: str = ""
    particulars_in: str = ""
    remedy_in: str = ""


@dataclass(frozen=True, slots=True)
class RegistryFigures:
    province: str
    kinds: list[tuple[str, int]]
    version: int | None
    issued_at: datetime | None
    expires_at: datetime | None

    @property
    def agencies(self) -> int:
        return sum(count for _, count in self.kinds)


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    report = hub.ask(hub.address(settings.DATA), settings.DATA)
    registry = _registry(now)
    items = [_hub_item(report), *(_check_item(c) for c in report.checks), _registry_item(registry, now)]
    items.sort(key=lambda item: WORST_FIRST.index(item.state))
    context = {
        "language": get_language(),
        "nonce": request.style_nonce,  # type: ignore[attr-defined]
        "worst": items[0].state,
        "attention": sum(item.state != OK for item in items),
        "items": items,
        "hub": report,
        "figures": _figures(report.statistics),
        "checkpoint": report.checkpoint,
        "registry": registry,
        "log_records": grouped((report.statistics or {}).get("tree_size")),
        "checkpoint_size": grouped(report.checkpoint.size if report.checkpoint else None),
        "issued": _moment(registry.issued_at) if registry and registry.issued_at else "",
        "expires": _moment(registry.expires_at) if registry and registry.expires_at else "",
        "time": _moment(now),
    }
    return render(request, "web/status.html", context)


def _registry(now: datetime) -> RegistryFigures | None:
    """None when the registry's database does not answer."""
    try:
        today = now.astimezone(VIETNAM).date()
        counts = queries.counts_by_kind(today)
        publication = queries.latest_publication()
        return RegistryFigures(
            province=queries.province_name(),
            kinds=[(kind_name(kind), count) for kind, count in counts.items() if count],
            version=publication.version if publication else None,
            issued_at=publication.issued_at if publication else None,
            expires_at=publication.expires_at if publication else None,
        )
    except DatabaseError:
        return None


def _hub_item(report: hub.Report) -> Item:
    name = _("Trục liên thông")
    if report.problem:
        return Item(
            name,
            FAILING,
            _("Trục liên thông không trả lời tại %(address)s: %(problem)s.")
            % {"address": report.address, "problem": report.problem},
            _("Chạy lệnh: lienthong serve; nếu đang chạy thì xem nhật ký hoặc chạy lienthong doctor."),
        )
    if not report.ready:
        return Item(name, FAILING, _("Đang chạy nhưng chưa nhận văn bản được; lý do ở các dòng dưới."))
    return Item(name, OK, _("Đang nhận và chuyển văn bản."))


def _check_item(check: hub.Check) -> Item:
    detail, detail_in = said(check.detail)
    remedy, remedy_in = said(check.remedy)
    return Item(
        check_name(check.name),
        check.state,
        check_sentence(check.name, check.state),
        remedy,
        detail,
        detail_in,
        remedy_in,
    )


def _registry_item(registry: RegistryFigures | None, now: datetime) -> Item:
    name = _("Danh bạ cơ quan")
    republish = _("Chạy lệnh: lienthong registry publish")
    if registry is None:
        return Item(
            name,
            FAILING,
            _("Cơ sở dữ liệu danh bạ không trả lời."),
            _("Chạy lệnh: lienthong doctor"),
        )
    if registry.expires_at is None:
        return Item(name, WARNING, _("Danh bạ chưa được ban hành lần nào."), republish)
    values = {"version": registry.version, "when": _moment(registry.expires_at)}
    if registry.expires_at <= now:
        return Item(name, FAILING, _("Phiên bản %(version)s đã hết hạn lúc %(when)s.") % values, republish)
    if registry.expires_at - now < EXPIRES_SOON:
        return Item(name, WARNING, _("Phiên bản %(version)s sắp hết hạn, lúc %(when)s.") % values, republish)
    return Item(name, OK, _("Phiên bản %(version)s, có hiệu lực đến %(when)s.") % values)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def _figures(statistics: Mapping[str, int] | None) -> list[dict[str, Any]]:
    """The hub's counts for people, in reading order."""
    if statistics is None:
        return []
    words = [
        ("documents", _("văn bản đã nhận")),
        ("deliveries", _("lượt gửi đến cơ quan")),
        ("statuses", _("trạng thái phản hồi")),
        ("acknowledgements", _("xác nhận đã lấy về")),
    ]
    return [
        {"label": label, "number": grouped(statistics[name])} for name, label in words if name in statistics
    ]
