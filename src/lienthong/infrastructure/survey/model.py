"""What the other parts of the planning room know of a survey: the site."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A place to connect. ``lon`` and ``lat`` are degrees, WGS84; ``commune``, ``district`` and ``tenant``
    are codes, ``tenant`` the organ code of the agency that sits there.
    """

    code: str
    name: str
    kind: str
    """``commune`` | ``agency`` | ``node`` | ``tower``"""
    lon: float
    lat: float
    commune: str = ""
    district: str = ""
    tenant: str = ""
    people: int = 0
    """Population served (communes)."""
    users: int = 0
    """Staff who use the network."""
    seats: int = 0
    """Places with a PC."""
    connected: bool = False
    """Has fibre to the province's network today."""
    status: str = "active"
