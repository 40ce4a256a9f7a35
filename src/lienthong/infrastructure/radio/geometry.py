"""The geometry of a path: horizons, smooth-earth heights and roughness (P.1812 Annex 1, Attachment 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.radio.profiles import Floats, Profiles, SpreadLink


@dataclass(frozen=True)
class Path:
    """Arrays over the interior points, shape (P, N - 2), and numbers a path, shape (P, 1).

    Heights in m, distances in km. ``before`` is the distance from the transmitter, ``after`` to the receiver,
    ``obstacle`` the top of the clutter, ``above`` and ``bare_above`` the height of clutter and of bare
    ground over the straight line between the antennas, ``shape`` √(0.002 d / (d_i (d - d_i))), to be
    divided by √λ. ``covered`` tells whether any clutter stands on any path: diffraction sees it (g_i),
    the horizons and the smooth earth are those of bare ground (h_i).
    """

    total: Floats
    before: Floats
    after: Floats
    product: Floats
    ground: Floats
    obstacle: Floats
    bare_above: Floats
    above: Floats
    covered: bool
    shape: Floats
    transmitter: Floats
    receiver: Floats


def prepare(profiles: Profiles, link: SpreadLink) -> Path:
    """What all later steps use."""
    total = profiles.distance_km[:, -1:]
    before = profiles.distance_km[:, 1:-1]
    after = total - before
    product = before * after
    ground = profiles.ground_m[:, 1:-1]
    clutter = profiles.clutter_m[:, 1:-1]
    covered = bool(clutter.any())
    transmitter = profiles.ground_m[:, :1] + link.transmitter_m[:, None]
    receiver = profiles.ground_m[:, -1:] + link.receiver_m[:, None]
    slope = (receiver - transmitter) / total
    bare_above = ground - before * slope
    bare_above -= transmitter
    shape = np.sqrt((0.002 * total) / product)
    obstacle = ground + clutter if covered else ground
    above = bare_above + clutter if covered else bare_above
    return Path(
        total,
        before,
        after,
        product,
        ground,
        obstacle,
        bare_above,
        above,
        covered,
        shape,
        transmitter,
        receiver,
    )


@dataclass(frozen=True)
class SmoothEarth:
    """Numbers a path, shape (P,), in m: the smooth surface under both ends and antenna heights above it."""

    fit_transmitter: Floats
    fit_receiver: Floats
    diffraction_transmitter: Floats
    diffraction_receiver: Floats
    ducting_transmitter: Floats
    ducting_receiver: Floats
    effective_transmitter: Floats
    effective_receiver: Floats


def smooth_earth(profiles: Profiles, path: Path, link: SpreadLink) -> SmoothEarth:
    """Least-squares smooth earth, and as lowered for obstructed diffraction paths (§5.6)."""
    d, h = profiles.distance_km, profiles.ground_m
    length = path.total[:, 0]
    step = np.diff(d, axis=1)
    upper, lower = h[:, 1:], h[:, :-1]
    area = np.einsum("ij,ij->i", step, upper + lower)
    near = d[:, :-1]
    moment = np.einsum("ij,ij->i", step, upper * (d[:, 1:] * 2.0 + near) + lower * (d[:, 1:] + near * 2.0))
    fit_t = (2.0 * area * length - moment) / length**2
    fit_r = (moment - area * length) / length**2

    highest = path.bare_above.max(axis=1)
    steepest_t = (path.bare_above / path.before).max(axis=1)
    steepest_r = (path.bare_above / path.after).max(axis=1)
    obstructed = highest > 0
    share = np.divide(steepest_t, steepest_t + steepest_r, out=np.zeros_like(steepest_t), where=obstructed)
    lowered_t = np.where(obstructed, fit_t - highest * share, fit_t)
    lowered_r = np.where(obstructed, fit_r - highest * (1.0 - share), fit_r)

    ends_t, ends_r = h[:, 0], h[:, -1]
    duct_t, duct_r = np.minimum(fit_t, ends_t), np.minimum(fit_r, ends_r)
    return SmoothEarth(
        fit_t,
        fit_r,
        np.minimum(lowered_t, ends_t),
        np.minimum(lowered_r, ends_r),
        duct_t,
        duct_r,
        link.transmitter_m + ends_t - duct_t,
        link.receiver_m + ends_r - duct_r,
    )


def roughness_m(profiles: Profiles, smooth: SmoothEarth, from_km: Floats, to_km: Floats) -> Floats:
    """h_m (eq 93): the most the ground rises over the smooth surface between both horizon points, m.

    ``from_km`` and ``to_km`` are those points' distances from the transmitter (P,), exactly as in the
    profile.
    """
    d = profiles.distance_km
    slope = (smooth.ducting_receiver - smooth.ducting_transmitter) / d[:, -1]
    rise = profiles.ground_m - d * slope[:, None]
    between = (d >= from_km[:, None]) & (d <= to_km[:, None])
    rise[~between] = -np.inf
    return np.asarray(rise.max(axis=1) - smooth.ducting_transmitter)
