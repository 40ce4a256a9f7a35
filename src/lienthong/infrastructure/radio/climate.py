"""Radio climate of a path: sea fraction, longest land sections, and how often ducts occur (P.1812
§3.6-3.7).
"""

from __future__ import annotations

import numpy as np

from lienthong.infrastructure.radio.profiles import Floats, Integers, Zone

EARTH_RADIUS_KM = 6371.0
BETA_EARTH_FACTOR = 3.0


def effective_earth_radius_km(refractivity_gradient: Floats) -> Floats:
    """Median effective Earth radius a_e in km (eq 6, 7a) from ΔN in N-units/km."""
    return EARTH_RADIUS_KM * 157.0 / (157.0 - refractivity_gradient)


def _shares_km(distance_km: Floats) -> Floats:
    """The length in km each point stands for: half way to both neighbours. Shape (P, N)."""
    half = np.diff(distance_km, axis=1) / 2.0
    shares = np.zeros_like(distance_km)
    shares[:, :-1] += half
    shares[:, 1:] += half
    return shares


def sea_fraction(distance_km: Floats, zone: Integers | None) -> Floats:
    """ω: the part of each path over sea, 0 … 1. Shape (P,)."""
    if zone is None:
        return np.zeros(distance_km.shape[0])
    over_sea = np.where(zone == Zone.SEA, _shares_km(distance_km), 0.0).sum(axis=1)
    return np.asarray(over_sea / distance_km[:, -1])


def longest_sections_km(distance_km: Floats, zone: Integers | None) -> tuple[Floats, Floats]:
    """The longest continuous land and the longest continuous inland section of each path, in km."""
    if zone is None:
        whole = distance_km[:, -1]
        return whole, whole
    shares = _shares_km(distance_km)
    return _longest(shares, zone != Zone.SEA), _longest(shares, zone == Zone.INLAND)


def _longest(shares: Floats, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    run = np.zeros(shares.shape[0])
    best = np.zeros(shares.shape[0])
    for point in range(shares.shape[1]):
        run = np.where(inside[:, point], run + shares[:, point], 0.0)
        np.maximum(best, run, out=best)
    return best


def tau(longest_inland_km: Floats) -> Floats:
    """τ (eq 3a), no unit."""
    return np.asarray(1.0 - np.exp(-4.12e-4 * longest_inland_km**2.41))


def ducting_percent(latitude_deg: Floats, longest_land_km: Floats, longest_inland_km: Floats) -> Floats:
    """β0: the time percentage of refractive gradients above 100 N-units/km in the lowest 100 m (eq 2-5)."""
    lat = np.abs(latitude_deg)
    t = tau(longest_inland_km)
    mu1 = np.minimum(
        (10.0 ** (-longest_land_km / (16.0 - 6.6 * t)) + 10.0 ** (-(2.48 + 1.77 * t))) ** 0.2, 1.0
    )
    low = lat <= 70.0
    mu4 = mu1 ** np.where(low, -0.935 + 0.0176 * lat, 0.3)
    return np.asarray(np.where(low, 10.0 ** (-0.015 * lat + 1.67), 4.17) * mu1 * mu4)
