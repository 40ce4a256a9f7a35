"""Recommendation ITU-R P.1812: basic transmission loss over many paths at once.

A path-specific prediction for point-to-area terrestrial services, 30 MHz to 6 GHz, 0.25 to 3000 km. The
steps of Annex 1 §4 in numpy over arrays (paths, points); paths are worked through in blocks that stay in
the processor's cache. Equation numbers are those of ITU-R's validation results.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lienthong.infrastructure.radio import climate, mechanisms
from lienthong.infrastructure.radio.diffraction import LIGHT_M_GHZ, Bullington, bullington, delta_bullington
from lienthong.infrastructure.radio.geometry import prepare, roughness_m, smooth_earth
from lienthong.infrastructure.radio.mechanisms import Horizons
from lienthong.infrastructure.radio.normal import inverse_complementary_normal
from lienthong.infrastructure.radio.profiles import Floats, Link, Profiles, SpreadLink

BLOCK_POINTS = 1 << 15


@dataclass(frozen=True)
class Prediction:
    """Numbers a path (P,), all in dB but ``ducting_percent`` (β0).

    ``loss_db`` is L_b (eq 69): not exceeded for the asked time and places. The others are the steps
    before it: free space, line of sight with multipath (p % and β0 %), diffraction (median and p %),
    ducting, troposcatter, and their combination at the median place, L_bc (eq 63).
    """

    loss_db: Floats
    median_place_db: Floats
    free_space_db: Floats
    line_of_sight_db: Floats
    line_of_sight_beta_db: Floats
    diffraction_median_db: Floats
    diffraction_db: Floats
    ducting_db: Floats
    troposcatter_db: Floats
    ducting_percent: Floats


def predict(profiles: Profiles, link: Link) -> Prediction:
    """The prediction with its steps. Raises :class:`~.errors.OutOfRange` for parameters outside the
    Recommendation.
    """
    count, points = profiles.ground_m.shape
    spread = link.spread(count)
    block = max(1, BLOCK_POINTS // points)
    parts = [
        _predict(profiles.rows(start, start + block), spread.rows(start, start + block))
        for start in range(0, count, block)
    ]
    if len(parts) == 1:
        return parts[0]
    return Prediction(
        **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Prediction)}
    )


def basic_transmission_loss_db(profiles: Profiles, link: Link) -> Floats:
    """L_b in dB for each path (P,): the loss not exceeded for the asked percentages of time and places."""
    return predict(profiles, link).loss_db


def field_strength_dbuv_m(loss_db: Floats, frequency_ghz: Floats | float, erp_kw: float = 1.0) -> Floats:
    """Field strength in dB(µV/m) for ``erp_kw`` of effective radiated power at a basic transmission loss
    (eq 70).
    """
    return np.asarray(199.36 + 20.0 * np.log10(frequency_ghz) - loss_db + 10.0 * np.log10(erp_kw))


def _predict(profiles: Profiles, link: SpreadLink) -> Prediction:
    path = prepare(profiles, link)
    total = path.total[:, 0]
    transmitter, receiver = path.transmitter[:, 0], path.receiver[:, 0]
    wavelength = LIGHT_M_GHZ / link.frequency_ghz
    sea = climate.sea_fraction(profiles.distance_km, profiles.zone)
    land_km, inland_km = climate.longest_sections_km(profiles.distance_km, profiles.zone)
    beta0 = climate.ducting_percent(link.latitude_deg, land_km, inland_km)
    radius = climate.effective_earth_radius_km(link.refractivity_gradient)
    beta_radius = np.full_like(radius, climate.EARTH_RADIUS_KM * climate.BETA_EARTH_FACTOR)

    smooth = smooth_earth(profiles, path, link)
    median = delta_bullington(path, smooth, radius, sea, wavelength, link)
    seen = median.actual
    if path.covered:
        seen = bullington(path, path.ground, path.bare_above, transmitter, receiver, 1.0 / radius, wavelength)
    horizons = _horizons(total, transmitter, receiver, radius, seen)

    time = link.time_percent
    often = time < beta0
    deviate = inverse_complementary_normal(time / 100.0) / inverse_complementary_normal(
        np.minimum(beta0, 49.999) / 100.0
    )
    interpolation = np.where(often, 1.0, deviate)

    free = mechanisms.free_space_db(link.frequency_ghz, np.hypot(total, (transmitter - receiver) / 1000.0))
    los = free + mechanisms.multipath_focusing_db(horizons, time)
    los_beta = free + mechanisms.multipath_focusing_db(horizons, beta0)

    rare = delta_bullington(path, smooth, beta_radius, sea, wavelength, link)
    diffraction = median.loss_db + (rare.loss_db - median.loss_db) * interpolation
    median_db = free + median.loss_db
    diffraction_db = los + diffraction

    over_land = (1.0 - sea) * diffraction
    minimum = np.where(often, los + over_land, median_db + (los_beta + over_land - median_db) * interpolation)
    duct = mechanisms.ducting_db(
        total,
        horizons,
        transmitter,
        receiver,
        smooth.effective_transmitter,
        smooth.effective_receiver,
        roughness_m(profiles, smooth, seen.horizon_transmitter_km, seen.horizon_receiver_km),
        radius,
        sea,
        inland_km,
        beta0,
        link,
    )
    enhanced = 2.5 * np.logaddexp(duct / 2.5, los / 2.5)
    by_distance = 1.0 - 0.5 * (1.0 + np.tanh(1.5 * (total - 20.0) / 20.0))
    by_angle = 1.0 - 0.5 * (1.0 + np.tanh(2.4 * (horizons.angular_mrad - 0.3) / 0.3))
    with_ducts = np.where(
        enhanced > diffraction_db, diffraction_db, enhanced + (diffraction_db - enhanced) * by_distance
    )
    modified = with_ducts + (minimum - with_ducts) * by_angle
    scatter = mechanisms.troposcatter_db(total, horizons.angular_mrad, link)
    combined = -5.0 * np.log10(10.0 ** (-0.2 * scatter) + 10.0 ** (-0.2 * modified))

    places = inverse_complementary_normal(link.location_percent / 100.0)
    deviation = np.hypot(link.location_deviation_db, link.indoor_deviation_db)
    loss = np.maximum(los, combined + link.indoor_loss_db - places * deviation)
    return Prediction(loss, combined, free, los, los_beta, median_db, diffraction_db, duct, scatter, beta0)


def _horizons(
    total: Floats, transmitter: Floats, receiver: Floats, radius: Floats, seen: Bullington
) -> Horizons:
    """Horizon distances and elevation angles (Attachment 1 §5.2-5.4), from the median Bullington profile."""
    bulge = 500.0 * total / radius
    direct = (receiver - transmitter) / total
    slope_t = np.where(seen.line_of_sight, direct, seen.slope_transmitter) - bulge
    slope_r = np.where(seen.line_of_sight, -direct, seen.slope_receiver) - bulge
    angle_t = 1000.0 * np.arctan(slope_t / 1000.0)
    angle_r = 1000.0 * np.arctan(slope_r / 1000.0)
    return Horizons(
        seen.horizon_transmitter_km,
        total - seen.horizon_receiver_km,
        angle_t,
        angle_r,
        1000.0 * total / radius + angle_t + angle_r,
    )
