"""The network as designed: what it is made of, what it costs, and how far from the cheapest it can be."""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.geography.graph import KIND_NAMES as ROADS
from lienthong.infrastructure.geography.graph import KINDS
from lienthong.infrastructure.report.blocks import Block, boxed, bullets, heading, paragraph, picture, table
from lienthong.infrastructure.report.facts import Facts
from lienthong.infrastructure.report.wording import billions, money, number, percent

T = {
    "vi": {
        "title": "Thiết kế mạng truyền dẫn",
        "intro": "Mạng nối {sites} điểm về trung tâm dữ liệu của tỉnh, đi dọc {edges} đoạn đường của đồ "
        "thị giao thông ({vertices} nút, {all} đoạn). *{new} km* cáp quang xây mới, *{used} km* cáp quang "
        "hiện có được dùng lại{hops}.",
        "hops": ", {n} điểm nối bằng vi ba vì rẻ hơn đào cáp",
        "cost": "Chi phí thiết kế theo hạng mục",
        "item": "Hạng mục",
        "quantity": "Khối lượng",
        "money": "Chi phí (tỷ đồng)",
        "cables": "Cáp quang xây mới",
        "existing": "Cáp quang hiện có, phần còn phải trả",
        "nodes": "Thiết bị, hàn nối và cáp vào điểm",
        "wireless": "Vi ba điểm – điểm",
        "rings": "trong đó: đoạn khép vòng dự phòng",
        "sites": "điểm",
        "links": "chặng",
        "all": "Tổng chi phí thiết kế",
        "bound": "Cận dưới đã chứng minh",
        "gap": "Khoảng cách tối đa tới mức thấp nhất",
        "plain_title": "Đọc hai con số này thế nào",
        "plain": "Tìm mạng rẻ nhất nối nhiều điểm là bài toán khó: số cách nối nhiều hơn số hạt cát trên "
        "trái đất. Phần mềm đi từ hai phía: từ trên, nó tìm những mạng ngày càng rẻ; từ dưới, nó chứng "
        "minh rằng không mạng nào có thể rẻ hơn một mức, gọi là *cận dưới*. Mạng tốt nhất tìm được có chi "
        "phí {cost}, cận dưới là {bound}. Vì thế dù có tính thêm bao lâu, chi phí cũng không thể giảm quá "
        "*{gap}* (tức {left}).",
        "optimal": "Hai phía đã gặp nhau: mạng tìm được có chi phí bằng đúng cận dưới {cost}. Trên số liệu "
        "này *không có mạng nào rẻ hơn*.",
        "share": "So sánh: nếu mỗi điểm đào một tuyến riêng theo đường rẻ nhất tới mạng hiện có, "
        "tổng chi phí là {apart}. Phương án dùng chung tuyến tiết kiệm {saved}.",
        "splitters": "Bộ chia quang thụ động: {n} bộ, mỗi bộ phục vụ không quá {ratio} điểm, thêm {extra}; "
        "cả mạng cách mức thấp nhất không quá {gap}.",
        "roads": "Cáp quang xây mới theo loại đường",
        "road": "Loại đường",
        "km": "Chiều dài (km)",
        "part": "Tỷ lệ",
        "total": "Cộng",
        "notes": "Những điểm cần lưu ý",
        "map": "Bản đồ 2. Phương án thiết kế",
    },
    "en": {
        "title": "The transmission network",
        "intro": "The network joins {sites} sites to the provincial data centre along {edges} sections of "
        "the road graph ({vertices} nodes, {all} sections): *{new} km* of new fibre and *{used} km* of "
        "existing fibre put to use{hops}.",
        "hops": "; {n} sites are reached by microwave because that is cheaper than trenching",
        "cost": "Cost of the design",
        "item": "Part",
        "quantity": "Quantity",
        "money": "Cost (billion VND)",
        "cables": "New fibre",
        "existing": "Existing fibre, what is still to be paid",
        "nodes": "Equipment, splices and drop cables",
        "wireless": "Point-to-point microwave",
        "rings": "of which: sections that close rings",
        "sites": "sites",
        "links": "hops",
        "all": "Total cost of the design",
        "bound": "Proven lower bound",
        "gap": "Above the least possible, at most",
        "plain_title": "How to read these two figures",
        "plain": "To find the cheapest network over many places is a hard problem: there are more ways to "
        "join them than grains of sand on earth. The program works from both sides. From above it finds "
        "cheaper and cheaper networks; from below it proves that no network at all can cost less than some "
        "amount, the *lower bound*. The best network found costs {cost}, the bound is {bound}. However "
        "long anybody computes, no more than *{gap}* ({left}) can be saved.",
        "optimal": "The two sides have met: the network found costs exactly the lower bound, {cost}. On "
        "these data *no network is cheaper*.",
        "share": "For comparison: if each site had a trench of its own along the cheapest way to the network "
        "of today, all would cost {apart}. Sharing saves {saved}.",
        "splitters": "Passive splitters: {n}, each for at most {ratio} sites, for {extra} more; the whole is "
        "at most {gap} above the least possible.",
        "roads": "New fibre by kind of road",
        "road": "Kind of road",
        "km": "Length (km)",
        "part": "Share",
        "total": "Total",
        "notes": "What to look at",
        "map": "Map 2. The design",
    },
}


def design(facts: Facts, lang: str) -> list[Block]:
    words, plan, fibre = T[lang], facts.plan, facts.fibre
    graph, edges = fibre.graph, fibre.edges
    new = ~graph.fibre[edges]
    hops = words["hops"].format(n=len(fibre.wireless)) if fibre.wireless else ""
    blocks = [
        heading(words["title"]),
        paragraph(
            words["intro"].format(
                sites=number(len(fibre.sites) - 1, lang),
                edges=number(edges.size, lang),
                vertices=number(graph.vertices, lang),
                all=number(graph.edges, lang),
                new=number(facts.new_km, lang, 1),
                used=number(facts.used_km, lang, 1),
                hops=hops,
            )
        ),
    ]
    blocks.append(picture("map-design", caption=words["map"], width="88%"))
    rows = [[words["cables"], f"{number(facts.new_km, lang, 1)} km", _bn(fibre.edge_cost[new].sum(), lang)]]
    if fibre.ring_edges.size:
        ring = np.isin(edges, fibre.ring_edges)
        km = float(graph.length_m[edges[ring]].sum()) / 1000
        rows.append(
            [f"– {words['rings']}", f"{number(km, lang, 1)} km", _bn(fibre.edge_cost[ring].sum(), lang)]
        )
    if fibre.edge_cost[~new].sum() > 0:
        rows.append(
            [
                words["existing"],
                f"{number(facts.used_km, lang, 1)} km",
                _bn(fibre.edge_cost[~new].sum(), lang),
            ]
        )
    paid = int((fibre.node_cost > 0).sum())
    rows.append([words["nodes"], f"{number(paid, lang)} {words['sites']}", _bn(fibre.node_cost.sum(), lang)])
    if fibre.wireless:
        cost = sum(hop.cost for hop in fibre.wireless)
        rows.append(
            [words["wireless"], f"{number(len(fibre.wireless), lang)} {words['links']}", _bn(cost, lang)]
        )
    rows.append([words["all"], "", _bn(fibre.cost, lang)])
    blocks.append(
        table([words["item"], words["quantity"], words["money"]], rows, caption=words["cost"], total=True)
    )
    blocks.append(
        boxed(
            words["plain_title"],
            (words["optimal"] if fibre.proved else words["plain"]).format(
                cost=money(fibre.cost, lang),
                bound=money(fibre.lower_bound, lang),
                gap=percent(fibre.gap, lang, 2),
                left=money(fibre.cost - fibre.lower_bound, lang),
            ),
        )
    )
    if plan.splitters is not None:
        hung = plan.splitters
        blocks.append(
            paragraph(
                words["splitters"].format(
                    n=number(len(hung.places), lang),
                    ratio=number(hung.ratio, lang),
                    extra=money(hung.extra, lang),
                    gap=percent((hung.cost - hung.lower_bound) / hung.cost if hung.cost else 0.0, lang, 2),
                )
            )
        )
    if plan.apart > fibre.cost:
        blocks.append(
            paragraph(
                words["share"].format(apart=money(plan.apart, lang), saved=percent(facts.saved, lang, 0))
            )
        )
    lengths = (
        np.bincount(graph.kind[edges[new]], weights=graph.length_m[edges[new]], minlength=len(KINDS)) / 1000
    )
    whole = float(lengths.sum())
    if whole > 0:
        by_road = [
            [ROADS[lang][KINDS[at]], number(lengths[at], lang, 1), percent(lengths[at] / whole, lang)]
            for at in np.argsort(-lengths, kind="stable")
            if lengths[at] > 0
        ]
        by_road.append([words["total"], number(whole, lang, 1), percent(1.0, lang, 0)])
        blocks.append(
            table([words["road"], words["km"], words["part"]], by_road, caption=words["roads"], total=True)
        )
    notes = plan.notes(lang)
    if notes:
        blocks.append(heading(words["notes"], 2))
        blocks.append(bullets(list(notes[:12])))
    return blocks


def _bn(vnd: float, lang: str) -> str:
    return billions(float(vnd), lang)
