"""A fibre plan, links, storage and people as items: what is bought, after what, and whom it connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lienthong.infrastructure.capacity.links import LinkSize
from lienthong.infrastructure.capacity.storage import StorageYear
from lienthong.infrastructure.fibre.result import FibrePlan
from lienthong.infrastructure.phasing.errors import BadPhasingData
from lienthong.infrastructure.phasing.prices import PriceList
from lienthong.infrastructure.phasing.result import Item
from lienthong.infrastructure.phasing.segments import Segment, ring_segments, tree_segments
from lienthong.infrastructure.survey.model import Site

WORDS = {
    "trunk": {"vi": "Tuyến cáp quang đến {}", "en": "Fibre to {}"},
    "branch": {"vi": "Tuyến cáp quang đến điểm rẽ {}", "en": "Fibre to branching point {}"},
    "ring": {"vi": "Cáp quang khép vòng {}", "en": "Fibre closing ring {}"},
    "drop": {"vi": "Cáp thuê bao và hàn nối: {}", "en": "Drop cable and splicing: {}"},
    "node": {"vi": "Thiết bị tại {}", "en": "Equipment at {}"},
    "microwave": {"vi": "Chặng vi ba đến {}", "en": "Microwave hop to {}"},
    "tower": {"vi": "Trạm BTS mới {}", "en": "New mast {}"},
    "storage": {"vi": "Dung lượng lưu trữ cho năm {}", "en": "Storage for the year {}"},
    "licence": {"vi": "Bản quyền phần mềm, đợt {}", "en": "Software licences, lot {}"},
    "training": {"vi": "Đào tạo người dùng, đợt {}", "en": "Training of users, lot {}"},
}


@dataclass(frozen=True)
class NewMast:
    """A mast to build; ``people`` newly covered. ``site``: its code in the fibre plan, if connected there."""

    code: str
    name: str = ""
    people: float = 0.0
    site: str = ""


def items_of(
    plan: FibrePlan,
    prices: PriceList,
    *,
    links: Sequence[LinkSize] = (),
    storage: Sequence[StorageYear] = (),
    masts: Sequence[NewMast] = (),
    users: int = 0,
    years: Sequence[int] = (),
    price_level: float = 1.0,
) -> list[Item]:
    """Everything to pay for, VND at ``price_level`` times the plan's and the list's prices.

    From the plan: trunk segments (new cable between sites and branching points, each after the one towards
    the root), rings, drops, nodes and microwave hops; without the additions they cost what the plan costs.
    Added: a port by the rate of each site's link, storage due in the year it is needed for, new masts,
    licences and training of ``users`` in a lot each of ``years``. A site connects when its node is done.
    """
    ways = tree_segments(plan)
    items = [_trunk(plan, segment, prices) for segment in ways.segments]
    items += [
        _trunk(plan, segment, prices, ring=at) for at, segment in enumerate(ring_segments(plan, ways), 1)
    ]
    rates = {link.code: link for link in links}
    hops = {hop.site: hop for hop in plan.wireless}
    for at, site in enumerate(plan.sites):
        if at in hops:
            hop = hops[at]
            sender = plan.sites[hop.from_site]
            after = ways.reached(hop.from_vertex)
            if plan.node_cost[hop.from_site] > 0:
                after = (*after, f"node-{sender.code}")
            items.append(
                _item(
                    f"microwave-{site.code}", "microwave", site, 1.0, "hop", hop.cost,
                    prices.opex("microwave", hop.cost), after=after,
                )
            )  # fmt: skip
        items += _site_items(plan, at, site, prices, rates.get(site.code), ways.reached_by(at))
    nodes = {item.site: item.key for item in items if item.kind == "node"}
    for mast in masts:
        price = prices.entry("tower").price
        place = nodes.get(mast.site)
        items.append(
            _made(
                f"tower-{mast.code}", "tower", (mast.name or mast.code,), 1.0, "mast", price,
                prices.opex("tower", price), after=(place,) if place else (),
                benefit={"people": mast.people} if mast.people else {}, site=mast.site,
            )
        )  # fmt: skip
    items += _storage(storage, prices, years)
    items += _lots("licence", "licence.user", "user", users, prices, years)
    items += _lots("training", "training.person", "person", users, prices, years)
    if price_level != 1.0:
        items = [_scaled(item, price_level) for item in items]
    keys = {item.key for item in items}
    if len(keys) < len(items):
        raise BadPhasingData(
            "two sites or masts have one code", place="fibre plan", remedy="give every site a code of its own"
        )
    return items


def port_price(rate: int) -> str:
    """The price list's key for a link of ``rate`` Mbit/s."""
    return f"port.{next((size for size in (100, 1000, 10_000) if rate <= size), 100_000)}"


def _site_items(
    plan: FibrePlan,
    at: int,
    site: Site,
    prices: PriceList,
    link: LinkSize | None,
    after: tuple[str, ...],
) -> list[Item]:
    money = round(float(plan.node_cost[at]))
    port = 0
    port_opex = 0
    if link is not None and not site.connected:
        key = port_price(link.rate)
        port = prices.entry(key).price
        port_opex = prices.opex(key, port)
    if site.connected and money == 0:
        return []
    key = f"node.{site.kind}" if f"node.{site.kind}" in prices else "node.agency"
    equipment = min(money, prices.entry(key).price)
    items = []
    if money > equipment:
        drop = money - equipment
        opex = prices.opex("drop_per_m", drop)
        items.append(_item(f"drop-{site.code}", "drop", site, 1.0, "site", drop, opex, after=after))
        after = (items[-1].key,)
    benefit: dict[str, float] = {}
    if not site.connected:
        if site.people:
            benefit["people"] = float(site.people)
        if site.kind == "agency":
            benefit["agencies"] = 1.0
        if site.kind == "commune":
            benefit["communes"] = 1.0
    items.append(
        _item(
            f"node-{site.code}", "node", site, 1.0, "set", equipment + port,
            prices.opex(key, equipment) + port_opex, after=after, benefit=benefit,
        )
    )  # fmt: skip
    return items


def _trunk(plan: FibrePlan, segment: Segment, prices: PriceList, ring: int = 0) -> Item:
    metres = sum(float(plan.graph.length_m[edge]) for edge in segment.edges)
    opex = sum(
        prices.opex(_road(plan, edge), cost) for edge, cost in zip(segment.edges, segment.costs, strict=True)
    )
    if ring:
        names: tuple[str, ...] = (str(ring),)
        what = "ring"
    elif segment.site is not None:
        names, what = (plan.sites[segment.site].name or plan.sites[segment.site].code,), "trunk"
    else:
        names, what = (str(segment.vertex),), "branch"
    return _made(
        segment.key, "trunk", names, round(metres, 1) or 1.0, "m", round(sum(segment.costs)), opex,
        after=segment.after, edges=segment.edges, what=what,
    )  # fmt: skip


def _road(plan: FibrePlan, edge: int) -> str:
    from lienthong.infrastructure.geography.graph import KINDS

    return f"fibre.{KINDS[int(plan.graph.kind[edge])]}"


def _storage(storage: Sequence[StorageYear], prices: PriceList, years: Sequence[int]) -> list[Item]:
    items, held = [], 0.0
    for each in storage:
        if years and each.year not in years:
            continue
        terabytes = max(0.0, each.total / 1000 - held)
        if terabytes < 0.05:
            continue
        quantity = round(terabytes, 1)
        held += quantity
        money = round(quantity * prices.entry("storage.tb").price)
        items.append(
            _made(
                f"storage-{each.year}", "storage", (str(each.year),), quantity, "TB", money,
                prices.opex("storage.tb", money), due=each.year,
            )
        )  # fmt: skip
    return items


def _lots(
    kind: str, price: str, unit: str, users: int, prices: PriceList, years: Sequence[int]
) -> list[Item]:
    """Equal lots, one from each year on."""
    items = []
    for at, year in enumerate(years if users else ()):
        count = users * (at + 1) // len(years) - users * at // len(years)
        if count:
            money = count * prices.entry(price).price
            items.append(
                _made(
                    f"{kind}-{year}", kind, (str(year),), float(count), unit, money,
                    prices.opex(price, money), not_before=year,
                )
            )  # fmt: skip
    return items


def _item(
    key: str,
    kind: str,
    site: Site,
    quantity: float,
    unit: str,
    money: float,
    opex: int,
    *,
    after: tuple[str, ...] = (),
    benefit: Mapping[str, float] | None = None,
) -> Item:
    return _made(
        key, kind, (site.name or site.code,), quantity, unit, money, opex,
        after=after, benefit=benefit, site=site.code,
    )  # fmt: skip


def _made(
    key: str,
    kind: str,
    names: tuple[str, ...],
    quantity: float,
    unit: str,
    money: float,
    opex: int,
    *,
    after: tuple[str, ...] = (),
    benefit: Mapping[str, float] | None = None,
    site: str = "",
    edges: tuple[int, ...] = (),
    due: int | None = None,
    not_before: int | None = None,
    what: str = "",
) -> Item:
    words = WORDS[what or kind]
    return Item(
        key=key,
        kind=kind,
        name_vi=words["vi"].format(*names),
        name_en=words["en"].format(*names),
        unit=unit,
        quantity=quantity,
        unit_price=round(money / quantity),
        capex=round(money),
        opex_per_year=opex,
        after=after,
        benefit=benefit or {},
        site=site,
        edges=edges,
        due=due,
        not_before=not_before,
    )


def _scaled(item: Item, factor: float) -> Item:
    from dataclasses import replace

    return replace(
        item,
        unit_price=round(item.unit_price * factor),
        capex=round(item.capex * factor),
        opex_per_year=round(item.opex_per_year * factor),
    )
