"""Who pays what: exact whole đồng within every cap and share, by maximum flow."""

from __future__ import annotations

import math

import numpy as np

from lienthong.infrastructure.phasing.request import Compiled, Ints, Source

_UNLIMITED = 1 << 62


def allocate(problem: Compiled, when: Ints) -> dict[str, tuple[int, ...]] | None:
    """VND of each source in each year for a schedule, or None when the sources cannot pay for it.

    Flow: (kinds, year) → (source, year) → source → sink. Least shares are met first, and then sources
    are filled in their order; augmenting never takes back what fills a source.
    """
    years, sources = problem.years, problem.request.sources
    needs = _needs(problem, when)
    total = int(needs.sum())
    if len(sources) == 1 and sources[0].pays_all:
        return {sources[0].key: tuple(int(each) for each in needs.sum(axis=0))}
    flow = _Flow(2 + needs.size + len(sources) * (years + 1))
    start, end = 0, 1
    for g in range(needs.shape[0]):
        for t in range(years):
            node = 2 + g * years + t
            flow.add(start, node, int(needs[g, t]))
            for s in problem.payable[g]:
                flow.add(node, _yearly(needs, years, s, t), _UNLIMITED)
    exits = []
    for s, source in enumerate(sources):
        for t, year in enumerate(problem.request.years):
            flow.add(_yearly(needs, years, s, t), _whole(needs, years, len(sources), s), _cap(source, year))
        exits.append(
            flow.add(_whole(needs, years, len(sources), s), end, math.floor(source.at_least * total))
        )
    least = sum(math.floor(source.at_least * total) for source in sources)
    if flow.run(start, end) < least:
        return None
    paid = least
    for s, source in enumerate(sources):
        flow.room[exits[s]] += math.ceil(source.share * total) - math.floor(source.at_least * total)
        paid += flow.run(start, end)
    if paid < total:
        return None
    return {
        source.key: tuple(flow.through(_yearly(needs, years, s, t)) for t in range(years))
        for s, source in enumerate(sources)
    }


def _needs(problem: Compiled, when: Ints) -> Ints:
    needs = np.zeros((len(problem.groups), problem.years), dtype=np.int64)
    done = np.flatnonzero(when < problem.years)
    np.add.at(needs, (problem.group_of[done], when[done]), problem.cost[done, when[done]])
    return needs


def _cap(source: Source, year: int) -> int:
    return _UNLIMITED if source.cap is None else source.cap.get(year, 0)


def _yearly(needs: Ints, years: int, source: int, year: int) -> int:
    return 2 + int(needs.size) + source * years + year


def _whole(needs: Ints, years: int, sources: int, source: int) -> int:
    return 2 + int(needs.size) + sources * years + source


class _Flow:
    """Maximum flow by shortest augmenting paths, in Python's whole numbers: a few hundred arcs at most."""

    def __init__(self, nodes: int) -> None:
        self.out: list[list[int]] = [[] for _ in range(nodes)]
        self.to: list[int] = []
        self.room: list[int] = []

    def add(self, tail: int, head: int, capacity: int) -> int:
        self.out[tail].append(len(self.to))
        self.out[head].append(len(self.to) + 1)
        self.to += [head, tail]
        self.room += [capacity, 0]
        return len(self.to) - 2

    def run(self, start: int, end: int) -> int:
        """Augment as far as it goes; what was added."""
        added = 0
        while True:
            came: dict[int, int] = {start: -1}
            queue = [start]
            for node in queue:
                if node == end:
                    break
                for arc in self.out[node]:
                    if self.room[arc] > 0 and self.to[arc] not in came:
                        came[self.to[arc]] = arc
                        queue.append(self.to[arc])
            if end not in came:
                return added
            path, node = [], end
            while node != start:
                path.append(came[node])
                node = self.to[came[node] ^ 1]
            amount = min(self.room[arc] for arc in path)
            for arc in path:
                self.room[arc] -= amount
                self.room[arc ^ 1] += amount
            added += amount

    def through(self, node: int) -> int:
        """What flows into a node from those before it."""
        return sum(self.room[arc] for arc in self.out[node] if arc & 1)
