"""ITU-R P.1812 for one path at a time in plain Python: the baseline, and a second opinion for the tests.

Inland paths only, median places; parameters and units as in ``lienthong.infrastructure.radio.profiles.Link``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Station:
    frequency_ghz: float
    transmitter_m: float
    receiver_m: float
    latitude_deg: float
    time_percent: float = 50.0
    vertical: bool = False
    refractivity_gradient: float = 45.0
    surface_refractivity: float = 325.0


def _deviate(x: float) -> float:
    t = math.sqrt(-2.0 * math.log(x))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    return t - top / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)


def _edge(v: float) -> float:
    return 6.9 + 20.0 * math.log10(math.sqrt((v - 0.1) ** 2 + 1.0) + v - 0.1) if v > -0.78 else 0.0


def _bullington(
    d: Sequence[float], g: Sequence[float], ht: float, hr: float, radius: float, wave: float
) -> tuple[float, bool, float, float, int, int]:
    """Loss in dB, line of sight, slopes in m/km and horizon points."""
    whole, c = d[-1], 1.0 / radius
    steep_t = steep_r = -math.inf
    at_t = at_r = 1
    for i in range(1, len(d) - 1):
        slope = (g[i] + 500.0 * c * d[i] * (whole - d[i]) - ht) / d[i]
        if slope > steep_t:
            steep_t, at_t = slope, i
        slope = (g[i] + 500.0 * c * d[i] * (whole - d[i]) - hr) / (whole - d[i])
        if slope > steep_r:
            steep_r, at_r = slope, i
    clear = steep_t < (hr - ht) / whole
    if clear:
        v = -math.inf
        for i in range(1, len(d) - 1):
            rest = whole - d[i]
            rise = g[i] + 500.0 * c * d[i] * rest - (ht * rest + hr * d[i]) / whole
            here = rise * math.sqrt(0.002 * whole / (wave * d[i] * rest))
            if here > v:
                v, at_t = here, i
        at_r = at_t
    else:
        point = (hr - ht + steep_r * whole) / (steep_t + steep_r)
        rise = ht + steep_t * point - (ht * (whole - point) + hr * point) / whole
        v = rise * math.sqrt(0.002 * whole / (wave * point * (whole - point)))
    edge = _edge(v)
    return edge + (1.0 - math.exp(-edge / 6.0)) * (10.0 + 0.02 * whole), clear, steep_t, steep_r, at_t, at_r


def _gain(b: float, k: float) -> float:
    gain = (
        17.6 * math.sqrt(b - 1.1) - 5.0 * math.log10(b - 1.1) - 8.0
        if b > 2.0
        else 20.0 * math.log10(b + 0.1 * b**3)
    )
    return max(gain, 2.0 + 20.0 * math.log10(k))


def _first_term(d: float, ht: float, hr: float, radius: float, station: Station) -> float:
    f = station.frequency_ghz
    k = 0.036 * (radius * f) ** (-1 / 3) * (21.0**2 + (18.0 * 0.003 / f) ** 2) ** -0.25
    if station.vertical:
        k *= math.sqrt(22.0**2 + (18.0 * 0.003 / f) ** 2)
    beta = (1.0 + 1.6 * k**2 + 0.67 * k**4) / (1.0 + 4.5 * k**2 + 1.53 * k**4)
    x = 21.88 * beta * (f / radius**2) ** (1 / 3) * d
    y = 0.9575 * beta * (f**2 / radius) ** (1 / 3)
    fx = 11.0 + 10.0 * math.log10(x) - 17.6 * x if x >= 1.6 else -20.0 * math.log10(x) - 5.6488 * x**1.425
    return -fx - _gain(beta * y * ht, k) - _gain(beta * y * hr, k)


def _sphere(d: float, ht: float, hr: float, radius: float, wave: float, station: Station) -> float:
    if d >= math.sqrt(2.0 * radius) * (math.sqrt(0.001 * ht) + math.sqrt(0.001 * hr)):
        return _first_term(d, ht, hr, radius, station)
    c = (ht - hr) / (ht + hr)
    m = 250.0 * d * d / (radius * (ht + hr))
    turn = math.acos(1.5 * c * math.sqrt(3.0 * m / (m + 1.0) ** 3))
    b = 2.0 * math.sqrt((m + 1.0) / (3.0 * m)) * math.cos(math.pi / 3.0 + turn / 3.0)
    first = d / 2.0 * (1.0 + b)
    second = d - first
    clear = ((ht - 500.0 * first**2 / radius) * second + (hr - 500.0 * second**2 / radius) * first) / d
    needed = 17.456 * math.sqrt(first * second * wave / d)
    if clear > needed:
        return 0.0
    term = _first_term(d, ht, hr, 500.0 * (d / (math.sqrt(ht) + math.sqrt(hr))) ** 2, station)
    return max(0.0, (1.0 - clear / needed) * term) if term > 0 else 0.0


def basic_transmission_loss_db(
    d: Sequence[float], h: Sequence[float], clutter: Sequence[float], station: Station
) -> float:
    """L_b in dB over one profile: distances in km, ground and clutter heights in m."""
    n, whole, f, p = len(d), d[-1], station.frequency_ghz, station.time_percent
    wave = 0.2998 / f
    hts, hrs = h[0] + station.transmitter_m, h[-1] + station.receiver_m
    g = [h[i] + clutter[i] for i in range(n)]
    latitude = abs(station.latitude_deg)
    tau = 1.0 - math.exp(-4.12e-4 * whole**2.41)
    mu1 = min(1.0, (10.0 ** (-whole / (16.0 - 6.6 * tau)) + 10.0 ** (-(2.48 + 1.77 * tau))) ** 0.2)
    if latitude <= 70.0:
        beta0 = 10.0 ** (-0.015 * latitude + 1.67) * mu1 * mu1 ** (-0.935 + 0.0176 * latitude)
    else:
        beta0 = 4.17 * mu1 * mu1**0.3
    radius = 6371.0 * 157.0 / (157.0 - station.refractivity_gradient)

    v1 = v2 = 0.0
    for i in range(1, n):
        step = d[i] - d[i - 1]
        v1 += step * (h[i] + h[i - 1])
        v2 += step * (h[i] * (2.0 * d[i] + d[i - 1]) + h[i - 1] * (d[i] + 2.0 * d[i - 1]))
    hst, hsr = (2.0 * v1 * whole - v2) / whole**2, (v2 - v1 * whole) / whole**2
    highest = from_t = from_r = -math.inf
    for i in range(1, n - 1):
        over = h[i] - (hts * (whole - d[i]) + hrs * d[i]) / whole
        highest = max(highest, over)
        from_t = max(from_t, over / d[i])
        from_r = max(from_r, over / (whole - d[i]))
    low_t, low_r = hst, hsr
    if highest > 0:
        low_t = hst - highest * from_t / (from_t + from_r)
        low_r = hsr - highest * from_r / (from_t + from_r)
    hstd, hsrd = min(low_t, h[0]), min(low_r, h[-1])
    hst, hsr = min(hst, h[0]), min(hsr, h[-1])
    hte, hre = station.transmitter_m + h[0] - hst, station.receiver_m + h[-1] - hsr

    _, clear, steep_t, steep_r, at_t, at_r = _bullington(d, h, hts, hrs, radius, wave)
    bulge = 500.0 * whole / radius
    near, far = d[at_t], whole - d[at_r]
    slope_t, slope_r = (hrs - hts) / whole, (hts - hrs) / whole
    if not clear:
        slope_t, slope_r = steep_t, steep_r
    theta_t = 1000.0 * math.atan((slope_t - bulge) / 1000.0)
    theta_r = 1000.0 * math.atan((slope_r - bulge) / 1000.0)
    theta = 1000.0 * whole / radius + theta_t + theta_r
    hm = max(h[i] - (hst + (hsr - hst) / whole * d[i]) for i in range(at_t, at_r + 1))

    free = 92.4 + 20.0 * math.log10(f) + 20.0 * math.log10(math.hypot(whole, (hts - hrs) / 1000.0))
    focus = 2.6 * (1.0 - math.exp(-0.1 * (near + far)))
    los, los_beta = free + focus * math.log10(p / 50.0), free + focus * math.log10(beta0 / 50.0)
    losses = []
    for a in (radius, 3.0 * 6371.0):
        ht, hr = hts - hstd, hrs - hsrd
        actual = _bullington(d, g, hts, hrs, a, wave)[0]
        flat = _bullington(d, [0.0] * n, ht, hr, a, wave)[0]
        losses.append(actual + max(_sphere(whole, ht, hr, a, wave, station) - flat, 0.0))
    weight = 1.0 if p < beta0 else _deviate(p / 100.0) / _deviate(beta0 / 100.0)
    diffraction = losses[0] + (losses[1] - losses[0]) * weight
    by_diffraction = los + diffraction
    median = free + losses[0]
    minimum = los + diffraction if p < beta0 else median + (los_beta + diffraction - median) * weight

    def shield(angle: float, reach: float) -> float:
        over = angle - 0.1 * reach
        if over <= 0:
            return 0.0
        return 20.0 * math.log10(1.0 + 0.361 * over * math.sqrt(f * reach)) + 0.264 * over * f ** (1 / 3)

    alpha = max(-0.6 - 3.5e-9 * whole**3.1 * tau, -3.4)
    mu2 = min(1.0, (500.0 / radius * whole**2 / (math.sqrt(hte) + math.sqrt(hre)) ** 2) ** alpha)
    mu3 = math.exp(-4.6e-5 * (hm - 10.0) * (43.0 + 6.0 * min(whole - near - far, 40.0))) if hm > 10 else 1.0
    beta = beta0 * mu2 * mu3
    log = math.log10(beta)
    decay = math.exp(-(9.51 - 4.8 * log + 0.198 * log**2) * 1e-6 * whole**1.13)
    gamma = 1.076 / (2.0058 - log) ** 1.012 * decay
    duct = (
        102.45
        + 20.0 * math.log10(f)
        + 20.0 * math.log10(near + far)
        + (45.375 - 137.0 * f + 92.5 * f * f if f < 0.5 else 0.0)
        + shield(theta_t, near)
        + shield(theta_r, far)
        + 5e-5
        * radius
        * f ** (1 / 3)
        * (1000.0 * whole / radius + min(theta_t, 0.1 * near) + min(theta_r, 0.1 * far))
        - 12.0
        + (1.2 + 3.7e-3 * whole) * math.log10(p / beta)
        + 12.0 * (p / beta) ** gamma
    )
    top = max(duct, los) / 2.5
    enhanced = 2.5 * (top + math.log(math.exp(duct / 2.5 - top) + math.exp(los / 2.5 - top)))
    by_distance = 1.0 - 0.5 * (1.0 + math.tanh(1.5 * (whole - 20.0) / 20.0))
    by_angle = 1.0 - 0.5 * (1.0 + math.tanh(2.4 * (theta - 0.3) / 0.3))
    ducted = by_diffraction
    if enhanced <= by_diffraction:
        ducted = enhanced + (by_diffraction - enhanced) * by_distance
    modified = ducted + (minimum - ducted) * by_angle
    scatter = (
        190.1
        + 25.0 * math.log10(f)
        - 2.5 * math.log10(f / 2.0) ** 2
        + 20.0 * math.log10(whole)
        + 0.573 * theta
        - 0.15 * station.surface_refractivity
        - 10.125 * math.log10(50.0 / p) ** 0.7
    )
    return max(los, -5.0 * math.log10(10.0 ** (-0.2 * scatter) + 10.0 ** (-0.2 * modified)))
