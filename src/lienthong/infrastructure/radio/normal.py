"""The inverse complementary cumulative normal distribution as ITU-R approximates it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def inverse_complementary_normal(fraction: ArrayLike) -> Floats:
    """``I(x)``: the deviate exceeded with probability ``fraction`` (0.000001 … 0.999999), no unit.

    ITU-R P.1812 Annex 1, Attachment 2: rational approximation, error below 0.00054.
    """
    x = np.asarray(fraction, dtype=np.float64)
    small = np.clip(np.minimum(x, 1.0 - x), 1e-6, 0.5)
    t = np.sqrt(-2.0 * np.log(small))
    ratio = ((0.010328 * t + 0.802853) * t + 2.515516698) / (
        ((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0
    )
    deviate = t - ratio
    return np.asarray(np.where(x <= 0.5, deviate, -deviate))
