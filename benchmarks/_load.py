"""A bounded load generator for one server on loopback, and the CPU time the server spent on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

Request = tuple[bytes, bytes]
"""(head without Content-Length and the blank line, body)."""


@dataclass(frozen=True)
class Spent:
    """``cpu_us``: the server's CPU per request, µs. ``statuses``: answers by HTTP status."""

    requests: int
    cpu_us: float
    wall_s: float
    statuses: dict[int, int]


def cpu_seconds(pid: int) -> float:
    """User and system CPU time of a process so far, all its threads; to the nanosecond where Linux says."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except (OSError, IndexError):
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system


async def _connection(port: int, requests: Sequence[Request], statuses: dict[int, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for head, body in requests:
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        statuses[status] = statuses.get(status, 0) + 1
        lower = answer.lower()
        start = lower.index(b"content-length:") + 15
        await reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
    writer.close()
    await writer.wait_closed()


async def _drive(port: int, requests: Sequence[Request], connections: int) -> dict[int, int]:
    statuses: dict[int, int] = {}
    shares = [requests[n::connections] for n in range(connections)]
    await asyncio.gather(*(_connection(port, share, statuses) for share in shares if share))
    return statuses


def drive(pid: int, port: int, requests: Sequence[Request], *, connections: int = 32) -> Spent:
    """Send each request once over kept-alive connections; CPU is read from the server's process tree."""
    loop = asyncio.new_event_loop()
    try:
        before, start = cpu_seconds(pid), loop.time()
        statuses = loop.run_until_complete(_drive(port, requests, connections))
        wall, after = loop.time() - start, cpu_seconds(pid)
    finally:
        loop.close()
    return Spent(len(requests), (after - before) / len(requests) * 1e6, wall, statuses)
