"""Erlang's loss formula: channels, offered traffic and blocking (ITU-T E.520: circuits without overflow)."""

from __future__ import annotations

import math

from lienthong.infrastructure.capacity.errors import BadCapacityData

_MOST_CHANNELS = 10_000_000


def erlang_b(channels: int, offered: float) -> float:
    """Probability that a call finds all ``channels`` busy at ``offered`` erlangs.

    The exact recursion B(0) = 1, B(n) = A·B(n-1) / (n + A·B(n-1)): every term is positive, none overflows.
    """
    _check_channels(channels)
    _check_offered(offered)
    blocking = 1.0
    for count in range(1, channels + 1):
        busy = offered * blocking
        blocking = busy / (count + busy)
        if blocking == 0:
            break
    return blocking


def channels_for(offered: float, blocking: float) -> int:
    """The fewest channels that block at most ``blocking`` of ``offered`` erlangs; none for no traffic."""
    _check_offered(offered)
    _check_blocking(blocking)
    if offered == 0:
        return 0
    probability, count = 1.0, 0
    while probability > blocking:
        if count == _MOST_CHANNELS:
            raise BadCapacityData(
                f"{offered:g} erlangs need more than {_MOST_CHANNELS:,} channels",
                place="offered traffic",
                remedy="check the users and the calls per user",
            )
        count += 1
        busy = offered * probability
        probability = busy / (count + busy)
    return count


def offered_for(channels: int, blocking: float) -> float:
    """The most erlangs that ``channels`` carry with at most ``blocking`` lost, to 12 digits."""
    _check_channels(channels)
    _check_blocking(blocking)
    if channels == 0:
        return 0.0
    low, high = 0.0, channels / (1 - blocking) + 1
    while high - low > 1e-12 * max(high, 1e-9):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if erlang_b(channels, middle) <= blocking else (low, middle)
    return low


def _check_channels(channels: int) -> None:
    if channels < 0:
        raise BadCapacityData(f"{channels} channels", place="channels", remedy="give 0 or more")


def _check_offered(offered: float) -> None:
    if not math.isfinite(offered) or offered < 0:
        raise BadCapacityData(
            f"the offered traffic is {offered} erlangs",
            place="offered traffic",
            remedy="give a number of at least 0",
        )


def _check_blocking(blocking: float) -> None:
    if not 0 < blocking < 1:
        raise BadCapacityData(
            f"the blocking is {blocking}", place="blocking", remedy="give a probability between 0 and 1"
        )
