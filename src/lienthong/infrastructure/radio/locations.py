"""How loss varies from place to place, and what walls add (P.1812 §4.8, ITU-R P.2109)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lienthong.infrastructure.radio.normal import inverse_complementary_normal
from lienthong.infrastructure.radio.profiles import Floats

Building = Literal["traditional", "thermally-efficient"]

# ITU-R P.2109 table 1: r, s, t, u, v, w, x, y, z
_BUILDINGS: dict[str, tuple[float, ...]] = {
    "traditional": (12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0),
    "thermally-efficient": (28.19, -3.00, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1),
}


def location_deviation_db(
    frequency_ghz: ArrayLike, receiver_m: ArrayLike, clutter_m: ArrayLike, resolution_m: ArrayLike
) -> Floats:
    """Standard deviation in dB of the loss between places in a square ``resolution_m`` wide (P.1812 §4.8).

    Full while the receiver stands below the clutter around it, none from 10 m above it.
    """
    f = np.asarray(frequency_ghz, dtype=np.float64)
    above = np.asarray(receiver_m, dtype=np.float64) - np.asarray(clutter_m, dtype=np.float64)
    buried = np.clip(1.0 - above / 10.0, 0.0, 1.0)
    width = np.asarray(resolution_m, dtype=np.float64)
    return np.asarray((0.52 + 0.024 * f) * width**0.28 * buried)


def building_entry_db(frequency_ghz: float, share: float, building: Building = "traditional") -> float:
    """Loss in dB into a building, not exceeded for the ``share`` (0 … 1) of places inside (P.2109 §3).

    0.08 to 100 GHz, at horizontal incidence.
    """
    r, s, t, u, v, w, x, y, z = _BUILDINGS[building]
    log = float(np.log10(frequency_ghz))
    deviate = -float(inverse_complementary_normal(share))
    a = deviate * (u + v * log) + r + s * log + t * log * log
    b = deviate * (y + z * log) + w + x * log
    return float(10.0 * np.log10(10.0 ** (0.1 * a) + 10.0 ** (0.1 * b) + 10.0**-0.3))


def indoor_loss_db(frequency_ghz: float, building: Building = "traditional") -> tuple[float, float]:
    """Median building entry loss and its deviation towards the worse side, both in dB, for ``Link``."""
    median = building_entry_db(frequency_ghz, 0.5, building)
    return median, building_entry_db(frequency_ghz, 0.8413, building) - median
