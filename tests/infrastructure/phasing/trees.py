"""Fibre trees of a made-up province as items: trunk segments, and a drop and a node for each site."""

from __future__ import annotations

import random

from lienthong.infrastructure.phasing.result import Item


def item(key, capex=1, *, kind="trunk", after=(), people=0, agencies=0, communes=0, opex=0, **more):
    benefit = {"people": people, "agencies": agencies, "communes": communes}
    return Item(
        key=key,
        kind=kind,
        name_vi=f"Hạng mục {key}",
        name_en=f"Item {key}",
        unit="m",
        quantity=1.0,
        unit_price=capex,
        capex=capex,
        opex_per_year=opex,
        after=tuple(after),
        benefit={name: count for name, count in benefit.items() if count},
        **more,
    )


def province(sites: int = 169, seed: int = 1, joints: int = 60) -> list[Item]:
    """A random tree of ``sites`` and ``joints`` with real-looking money; some 3 items a site."""
    rng = random.Random(seed)
    items: list[Item] = []
    trunks: list[str] = []
    for at in range(sites + joints):
        # A new vertex hangs on a recent one: long branches as rivers and roads make them.
        parent = (
            trunks[max(0, len(trunks) - 1 - int(rng.expovariate(1 / 12)))] if trunks and at % 17 else None
        )
        metres = rng.randint(400, 9000)
        key = f"trunk-{at}"
        items.append(
            item(
                key,
                metres * rng.randint(90_000, 160_000),
                after=(parent,) if parent else (),
                opex=metres * 900,
            )
        )
        trunks.append(key)
        if at >= sites:
            continue
        agency = at % 3 == 0
        items.append(item(f"drop-{at}", rng.randint(12, 60) * 1_000_000, kind="drop", after=(key,)))
        items.append(
            item(
                f"node-{at}",
                rng.randint(35, 140) * 1_000_000,
                kind="node",
                after=(f"drop-{at}",),
                people=0 if agency else rng.randint(4000, 21_000),
                agencies=int(agency),
                communes=int(not agency),
                opex=rng.randint(3, 9) * 1_000_000,
            )
        )
    return items
