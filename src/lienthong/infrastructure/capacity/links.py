"""The rate of each site's link and of each trunk, from what people do in the busy hour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.erlang import channels_for
from lienthong.infrastructure.capacity.errors import BadCapacityData

STANDARD_RATES = (10, 20, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10_000, 25_000, 40_000, 100_000)


@dataclass(frozen=True)
class SiteLoad:
    """Who and what works at a site today: people, workstations, cameras, meeting rooms."""

    code: str
    name: str = ""
    users: int = 0
    seats: int = 0
    cameras: int = 0
    rooms: int = 0

    def __post_init__(self) -> None:
        for name in ("users", "seats", "cameras", "rooms"):
            if getattr(self, name) < 0:
                raise BadCapacityData(
                    f"{name} is {getattr(self, name)}", place=f"site {self.code}", remedy="give 0 or more"
                )


@dataclass(frozen=True)
class LinkSize:
    """Mbit/s in the busy hour of the year the link must still serve.

    ``documents`` and ``web`` are elastic (they wait when the link is full), ``meetings``, ``rooms``,
    ``cameras`` and ``voice`` are not. ``needed`` has bursts, protocols and the utilisation limit in;
    ``rate`` is the next standard rate. ``*_erlangs`` are offered, ``*_channels`` dimensioned by Erlang B.
    """

    code: str
    documents: float = 0.0
    web: float = 0.0
    meetings: float = 0.0
    rooms: float = 0.0
    cameras: float = 0.0
    voice: float = 0.0
    meeting_erlangs: float = 0.0
    meeting_channels: int = 0
    voice_erlangs: float = 0.0
    voice_channels: int = 0
    needed: float = 0.0
    rate: int = 0

    @property
    def elastic(self) -> float:
        return self.documents + self.web

    @property
    def streaming(self) -> float:
        return self.meetings + self.rooms + self.cameras + self.voice

    @property
    def utilisation(self) -> float:
        """Share of ``rate`` used in the busy hour's mean."""
        return (self.elastic + self.streaming) / self.rate if self.rate else 0.0


def standard_rate(needed: float) -> int:
    """The smallest standard rate of at least ``needed`` Mbit/s; beyond the largest, several of it."""
    if not math.isfinite(needed) or needed < 0:
        raise BadCapacityData(f"the rate is {needed}", place="rate", remedy="give a number of at least 0")
    largest = STANDARD_RATES[-1]
    return next((rate for rate in STANDARD_RATES if rate >= needed), math.ceil(needed / largest) * largest)


def size_link(site: SiteLoad, coefficients: Coefficients, *, years: float | None = None) -> LinkSize:
    """The link of one site for what it needs ``years`` from now (else ``design_years``)."""
    c = coefficients.value
    ahead = c("design_years") if years is None else years
    users = (1 + c("user_growth")) ** ahead
    traffic = users * (1 + c("traffic_growth")) ** ahead
    documents = (
        site.users * c("documents_per_user_day") * c("document_mb") * 8 * c("document_transfers")
        * c("busy_hour_share") / 3600
    )  # fmt: skip
    size = LinkSize(
        site.code,
        documents=documents * traffic,
        web=site.seats * c("web_active_share") * c("web_mbps") * traffic,
        rooms=site.rooms * c("room_share") * c("room_mbps"),
        cameras=site.cameras * c("camera_live_share") * c("camera_mbps"),
        meeting_erlangs=site.users * users * c("meeting_minutes") / 60 * c("busy_hour_share"),
        voice_erlangs=site.users * users * c("calls_busy_hour") * c("call_minutes") / 60,
    )
    return _finish(size, coefficients, least=c("minimum_mbps"))


def size_links(
    sites: Iterable[SiteLoad], coefficients: Coefficients, *, years: float | None = None
) -> list[LinkSize]:
    """:func:`size_link` for each site. Raises :class:`BadCapacityData` when a code comes twice."""
    seen: set[str] = set()
    sizes = []
    for site in sites:
        if site.code in seen:
            raise BadCapacityData(
                "the site comes twice", place=f"site {site.code}", remedy="keep one row for each site"
            )
        seen.add(site.code)
        sizes.append(size_link(site, coefficients, years=years))
    return sizes


def size_trunk(code: str, behind: Sequence[LinkSize], coefficients: Coefficients) -> LinkSize:
    """A trunk that the links ``behind`` share.

    Elastic traffic is divided by ``oversubscription``, calls and meetings are pooled (Erlang B over all),
    rooms and cameras add up; never less than the largest link behind.
    """
    share = coefficients.value("oversubscription")
    size = LinkSize(
        code,
        documents=sum(each.documents for each in behind) / share,
        web=sum(each.web for each in behind) / share,
        rooms=sum(each.rooms for each in behind),
        cameras=sum(each.cameras for each in behind),
        meeting_erlangs=sum(each.meeting_erlangs for each in behind),
        voice_erlangs=sum(each.voice_erlangs for each in behind),
    )
    return _finish(size, coefficients, least=max((each.needed for each in behind), default=0.0))


def size_trunks(
    parent: Sequence[int],
    parent_edge: Sequence[int],
    terminals: Sequence[int],
    sizes: Sequence[LinkSize],
    coefficients: Coefficients,
) -> dict[int, LinkSize]:
    """The trunk rate of each edge of a tree that has a site behind it, by edge.

    ``parent`` and ``parent_edge`` are by vertex, -1 at the root; a parent without an edge is a microwave hop.
    ``terminals`` are the sites' vertices, ``sizes`` their links, in the same order.
    """
    if len(terminals) != len(sizes):
        raise BadCapacityData(
            f"{len(sizes)} links for {len(terminals)} sites", place="links", remedy="give one for each site"
        )
    behind: dict[int, list[int]] = {}
    for at, terminal in enumerate(terminals):
        vertex, steps = int(terminal), 0
        while parent[vertex] >= 0:
            edge = int(parent_edge[vertex])
            if edge >= 0:
                behind.setdefault(edge, []).append(at)
            vertex = int(parent[vertex])
            steps += 1
            if steps > len(parent):
                raise BadCapacityData(
                    "the way to the root goes in a circle",
                    place=f"site {sizes[at].code}",
                    remedy="give a tree towards the root",
                )
    known: Mapping[tuple[int, ...], LinkSize] = {
        group: size_trunk("", [sizes[at] for at in group], coefficients)
        for group in {tuple(group) for group in behind.values()}
    }
    return {edge: replace(known[tuple(group)], code=str(edge)) for edge, group in behind.items()}


def _finish(size: LinkSize, coefficients: Coefficients, *, least: float) -> LinkSize:
    c = coefficients.value
    meetings = channels_for(size.meeting_erlangs, c("meeting_blocking"))
    voice = channels_for(size.voice_erlangs, c("call_blocking"))
    size = replace(
        size,
        meeting_channels=meetings,
        meetings=meetings * c("meeting_mbps"),
        voice_channels=voice,
        voice=voice * c("call_mbps"),
    )
    busy = size.elastic * c("burst_factor") + size.streaming
    needed = max(least, busy * (1 + c("protocol_overhead")) / c("max_utilisation"))
    return replace(size, needed=needed, rate=standard_rate(needed))
