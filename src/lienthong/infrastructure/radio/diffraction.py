"""Diffraction loss by the delta-Bullington method (P.1812 §4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lienthong.infrastructure.radio.geometry import Path, SmoothEarth
from lienthong.infrastructure.radio.profiles import Floats, SpreadLink

LIGHT_M_GHZ = 0.2998
_LAND = (22.0, 0.003)
_SEA = (80.0, 5.0)


@dataclass(frozen=True)
class Bullington:
    """Numbers a path, shape (P,): the loss in dB and the horizons of the profile over a bulging Earth.

    ``slope_transmitter`` and ``slope_receiver`` are the steepest slopes seen from both ends in m/km,
    Earth bulge included; ``horizon_transmitter_km`` and ``horizon_receiver_km`` the distance from the
    transmitter of the points they are at (in line of sight both: the point of the largest diffraction
    parameter).
    """

    loss_db: Floats
    line_of_sight: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    slope_transmitter: Floats
    slope_receiver: Floats
    horizon_transmitter_km: Floats
    horizon_receiver_km: Floats


def knife_edge_db(v: Floats) -> Floats:
    """J(ν) in dB (eq 12); 0 below ν = -0.78."""
    w = np.maximum(v, -0.78) - 0.1
    return np.asarray(np.where(v > -0.78, 6.9 + 20.0 * np.log10(np.sqrt(w * w + 1.0) + w), 0.0))


def bullington(
    path: Path,
    obstacle: Floats | None,
    above: Floats,
    transmitter: Floats,
    receiver: Floats,
    curvature: Floats,
    wavelength_m: Floats,
) -> Bullington:
    """The Bullington part (§4.3.1) over ``obstacle`` heights (P, N - 2) in m, or a smooth surface at 0
    (``None``).

    ``transmitter`` and ``receiver`` are antenna heights (P,) in m in the same frame, ``above`` the
    obstacles' heights over the line between them, ``curvature`` 1/a in 1/km (P,).
    """
    rows = np.arange(path.total.shape[0])
    bend = (500.0 * curvature)[:, None]
    rise = -transmitter[:, None] if obstacle is None else obstacle - transmitter[:, None]
    seen = rise / path.before
    seen += bend * path.after
    at_t = seen.argmax(axis=1)
    slope_t = seen[rows, at_t]
    rise = -receiver[:, None] if obstacle is None else obstacle - receiver[:, None]
    seen = rise / path.after
    seen += bend * path.before
    at_r = seen.argmax(axis=1)
    slope_r = seen[rows, at_r]

    total = path.total[:, 0]
    clear = slope_t < (receiver - transmitter) / total
    v = np.empty_like(total)
    open_rows = np.flatnonzero(clear)
    if open_rows.size:
        parameter = path.product[open_rows] * bend[open_rows]
        parameter += above[open_rows]
        parameter *= path.shape[open_rows]
        largest = parameter.argmax(axis=1)
        v[open_rows] = parameter[np.arange(open_rows.size), largest] / np.sqrt(wavelength_m[open_rows])
        at_t = at_t.copy()
        at_t[open_rows] = largest
        at_r[open_rows] = largest
    shut = np.flatnonzero(~clear)
    if shut.size:
        d, st, sr = total[shut], slope_t[shut], slope_r[shut]
        ht, hr = transmitter[shut], receiver[shut]
        point = (hr - ht + sr * d) / (st + sr)
        height = ht + st * point - (ht * (d - point) + hr * point) / d
        v[shut] = height * np.sqrt(0.002 * d / (wavelength_m[shut] * point * (d - point)))
    edge = knife_edge_db(v)
    loss = edge + (1.0 - np.exp(-edge / 6.0)) * (10.0 + 0.02 * total)
    return Bullington(loss, clear, slope_t, slope_r, path.before[rows, at_t], path.before[rows, at_r])


def _first_term_db(
    ground: tuple[float, float], total: Floats, ht: Floats, hr: Floats, radius: Floats, link: SpreadLink
) -> Floats:
    """First term of the residue series over one kind of ground (§4.3.3), dB; permittivity and S/m in
    ``ground``.
    """
    permittivity, conductivity = ground
    f = link.frequency_ghz
    loss_term = (18.0 * conductivity / f) ** 2
    k = 0.036 * (radius * f) ** (-1.0 / 3.0) * ((permittivity - 1.0) ** 2 + loss_term) ** -0.25
    k = np.where(link.vertical > 0.5, k * np.sqrt(permittivity**2 + loss_term), k)
    k2 = k * k
    beta = (1.0 + 1.6 * k2 + 0.67 * k2 * k2) / (1.0 + 4.5 * k2 + 1.53 * k2 * k2)
    x = 21.88 * beta * (f / radius**2) ** (1.0 / 3.0) * total
    y = 0.9575 * beta * (f * f / radius) ** (1.0 / 3.0)
    with np.errstate(divide="ignore"):
        fx = np.where(x >= 1.6, 11.0 + 10.0 * np.log10(x) - 17.6 * x, -20.0 * np.log10(x) - 5.6488 * x**1.425)
    floor = 2.0 + 20.0 * np.log10(k)
    return np.asarray(-fx - _height_gain(beta * y * ht, floor) - _height_gain(beta * y * hr, floor))


def _height_gain(b: Floats, floor: Floats) -> Floats:
    high = np.maximum(b - 1.1, 1e-9)
    low = np.maximum(b, 1e-9)
    gain = np.where(
        b > 2.0,
        17.6 * np.sqrt(high) - 5.0 * np.log10(high) - 8.0,
        20.0 * np.log10(low + 0.1 * low**3),
    )
    return np.maximum(gain, floor)


def _ground_mix_db(
    total: Floats, ht: Floats, hr: Floats, radius: Floats, sea: Floats, link: SpreadLink
) -> Floats:
    land = _first_term_db(_LAND, total, ht, hr, radius, link)
    if not sea.any():
        return land
    return sea * _first_term_db(_SEA, total, ht, hr, radius, link) + (1.0 - sea) * land


def spherical_earth_db(
    total: Floats, ht: Floats, hr: Floats, radius: Floats, sea: Floats, wavelength_m: Floats, link: SpreadLink
) -> Floats:
    """Diffraction loss in dB over a smooth sphere of ``radius`` km (§4.3.2); arrays (P,), heights in m."""
    horizon = np.sqrt(2.0 * radius) * (np.sqrt(0.001 * ht) + np.sqrt(0.001 * hr))
    beyond = total >= horizon
    c = (ht - hr) / (ht + hr)
    m = 250.0 * total**2 / (radius * (ht + hr))
    angle = np.clip(1.5 * c * np.sqrt(3.0 * m / (m + 1.0) ** 3), -1.0, 1.0)
    b = 2.0 * np.sqrt((m + 1.0) / (3.0 * m)) * np.cos(np.pi / 3.0 + np.arccos(angle) / 3.0)
    first = total / 2.0 * (1.0 + b)
    second = total - first
    clearance = (
        (ht - 500.0 * first**2 / radius) * second + (hr - 500.0 * second**2 / radius) * first
    ) / total
    needed = 17.456 * np.sqrt(np.maximum(first * second, 0.0) * wavelength_m / total)
    reach = 500.0 * (total / (np.sqrt(ht) + np.sqrt(hr))) ** 2
    touched = ~beyond & (clearance <= needed)
    loss = np.zeros_like(total)
    if (beyond | touched).any():
        used = np.where(beyond, radius, reach)
        term = _ground_mix_db(total, ht, hr, used, sea, link)
        with np.errstate(divide="ignore", invalid="ignore"):
            partial = np.where(term > 0, (1.0 - clearance / needed) * term, 0.0)
        loss = np.where(beyond, term, np.where(touched, partial, 0.0))
    return loss


@dataclass(frozen=True)
class Diffraction:
    """Losses in dB (P,) for one effective Earth radius, with the real profile's Bullington result."""

    loss_db: Floats
    actual: Bullington
    smooth_db: Floats
    sphere_db: Floats


def delta_bullington(
    path: Path, smooth: SmoothEarth, radius_km: Floats, sea: Floats, wavelength_m: Floats, link: SpreadLink
) -> Diffraction:
    """The complete method (§4.3.4): Bullington over the terrain, corrected by sphere against smooth
    Bullington.
    """
    total = path.total[:, 0]
    transmitter, receiver = path.transmitter[:, 0], path.receiver[:, 0]
    curvature = 1.0 / radius_km
    actual = bullington(path, path.obstacle, path.above, transmitter, receiver, curvature, wavelength_m)
    ht = transmitter - smooth.diffraction_transmitter
    hr = receiver - smooth.diffraction_receiver
    line = -(ht[:, None] + path.before * ((hr - ht) / total)[:, None])
    flat = bullington(path, None, line, ht, hr, curvature, wavelength_m)
    sphere = spherical_earth_db(total, ht, hr, radius_km, sea, wavelength_m, link)
    loss = actual.loss_db + np.maximum(sphere - flat.loss_db, 0.0)
    return Diffraction(loss, actual, flat.loss_db, sphere)
