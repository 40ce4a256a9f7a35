"""The other ways a signal travels: line of sight, troposcatter, ducting (P.1812 §4.2, §4.4, §4.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.radio.climate import tau
from lienthong.infrastructure.radio.profiles import Floats, SpreadLink


@dataclass(frozen=True)
class Horizons:
    """Numbers a path (P,): distances to both horizons in km, elevations and angular distance in mrad."""

    transmitter_km: Floats
    receiver_km: Floats
    transmitter_mrad: Floats
    receiver_mrad: Floats
    angular_mrad: Floats


def free_space_db(frequency_ghz: Floats, slant_km: Floats) -> Floats:
    """Free-space basic transmission loss in dB (eq 8)."""
    return np.asarray(92.4 + 20.0 * np.log10(frequency_ghz) + 20.0 * np.log10(slant_km))


def multipath_focusing_db(horizons: Horizons, time_percent: Floats) -> Floats:
    """Correction in dB for multipath and focusing at ``time_percent`` (eq 9): negative below 50 %."""
    reach = horizons.transmitter_km + horizons.receiver_km
    return np.asarray(2.6 * (1.0 - np.exp(-0.1 * reach)) * np.log10(time_percent / 50.0))


def troposcatter_db(total_km: Floats, angular_mrad: Floats, link: SpreadLink) -> Floats:
    """Loss by troposcatter not exceeded for the time percentage, dB (eq 44, 45)."""
    f = link.frequency_ghz
    frequency_term = 25.0 * np.log10(f) - 2.5 * np.log10(f / 2.0) ** 2
    time_term = 10.125 * np.log10(50.0 / link.time_percent) ** 0.7
    return np.asarray(
        190.1
        + frequency_term
        + 20.0 * np.log10(total_km)
        + 0.573 * angular_mrad
        - 0.15 * link.surface_refractivity
        - time_term
    )


def _site_shielding_db(angle_mrad: Floats, horizon_km: Floats, frequency_ghz: Floats) -> Floats:
    over = np.maximum(angle_mrad - 0.1 * horizon_km, 0.0)
    return np.asarray(
        20.0 * np.log10(1.0 + 0.361 * over * np.sqrt(frequency_ghz * horizon_km))
        + 0.264 * over * np.cbrt(frequency_ghz)
    )


def _sea_coupling_db(sea: Floats, coast_km: Floats, horizon_km: Floats, antenna_m: Floats) -> Floats:
    coupled = (sea >= 0.75) & (coast_km <= horizon_km) & (coast_km <= 5.0)
    gain = -3.0 * np.exp(-0.25 * np.minimum(coast_km, 50.0) ** 2) * (1.0 + np.tanh(0.07 * (50.0 - antenna_m)))
    return np.asarray(np.where(coupled, gain, 0.0))


def ducting_db(
    total_km: Floats,
    horizons: Horizons,
    transmitter_m: Floats,
    receiver_m: Floats,
    effective_transmitter_m: Floats,
    effective_receiver_m: Floats,
    roughness_m: Floats,
    earth_radius_km: Floats,
    sea: Floats,
    longest_inland_km: Floats,
    ducting_percent: Floats,
    link: SpreadLink,
) -> Floats:
    """Loss by ducting and layer reflection not exceeded for the time percentage, dB (eq 46-56)."""
    f = link.frequency_ghz
    near, far = horizons.transmitter_km, horizons.receiver_km
    coupling = (
        102.45
        + 20.0 * np.log10(f)
        + 20.0 * np.log10(near + far)
        + np.where(f < 0.5, 45.375 - 137.0 * f + 92.5 * f * f, 0.0)
        + _site_shielding_db(horizons.transmitter_mrad, near, f)
        + _site_shielding_db(horizons.receiver_mrad, far, f)
        + _sea_coupling_db(sea, link.transmitter_coast_km, near, transmitter_m)
        + _sea_coupling_db(sea, link.receiver_coast_km, far, receiver_m)
    )
    alpha = np.maximum(-0.6 - 3.5e-9 * total_km**3.1 * tau(longest_inland_km), -3.4)
    heights = np.sqrt(effective_transmitter_m) + np.sqrt(effective_receiver_m)
    mu2 = np.minimum((500.0 / earth_radius_km * (total_km / heights) ** 2) ** alpha, 1.0)
    between = np.minimum(np.maximum(total_km - near - far, 0.0), 40.0)
    mu3 = np.exp(-4.6e-5 * np.maximum(roughness_m - 10.0, 0.0) * (43.0 + 6.0 * between))
    beta = ducting_percent * mu2 * mu3
    log_beta = np.log10(beta)
    gamma = (
        1.076
        / (2.0058 - log_beta) ** 1.012
        * np.exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta**2) * 1e-6 * total_km**1.13)
    )
    ratio = link.time_percent / beta
    with np.errstate(over="ignore"):
        variability = -12.0 + (1.2 + 3.7e-3 * total_km) * np.log10(ratio) + 12.0 * ratio**gamma
    angle = (
        1000.0 * total_km / earth_radius_km
        + np.minimum(horizons.transmitter_mrad, 0.1 * near)
        + np.minimum(horizons.receiver_mrad, 0.1 * far)
    )
    return np.asarray(coupling + 5e-5 * earth_radius_km * np.cbrt(f) * angle + variability)
