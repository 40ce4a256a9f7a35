"""Path loss (ITU-R P.1812): paths per second of CPU, ours over arrays beside one path at a time in plain
Python.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks._p1812_scalar import Station
from benchmarks._p1812_scalar import basic_transmission_loss_db as one_path
from benchmarks.figure import Figure
from lienthong.infrastructure.radio.p1812 import basic_transmission_loss_db
from lienthong.infrastructure.radio.profiles import Link, Profiles

POINTS = 101


def measure(*, quick: bool = False) -> Iterator[Figure]:
    paths, sample = (2_000, 20) if quick else (20_000, 400)
    random = np.random.default_rng(1812)
    length = random.uniform(0.5, 60.0, paths)
    distance = np.linspace(0.0, 1.0, POINTS) * length[:, None]
    ground = np.cumsum(random.normal(0.0, 3.0, (paths, POINTS)), axis=1)
    clutter = random.choice([0.0, 0.0, 5.0, 10.0, 20.0], (paths, POINTS))
    profiles = Profiles.build(distance, ground, clutter)
    link = Link(frequency_ghz=1.8, transmitter_m=42.0, receiver_m=1.5, latitude_deg=10.2, time_percent=10.0)
    basic_transmission_loss_db(profiles.rows(0, 500), link)

    rates = []
    loss = np.empty(0)
    for _ in range(3):
        start = time.process_time()
        loss = basic_transmission_loss_db(profiles, link)
        rates.append(paths / (time.process_time() - start))
    station = Station(1.8, 42.0, 1.5, 10.2, 10.0)
    lists = [(distance[i].tolist(), ground[i].tolist(), clutter[i].tolist()) for i in range(sample)]
    start = time.process_time()
    alone = [one_path(*each, station) for each in lists]
    scalar = sample / (time.process_time() - start)
    apart = float(np.max(np.abs(loss[:sample] - alone)))
    if apart > 1e-6:
        raise AssertionError(f"the two implementations differ by {apart:g} dB")
    ours = sorted(rates)[1]
    yield Figure(
        name="P.1812 paths per second over a scalar implementation",
        value=ours / scalar,
        target=">= 10",
        unit="paths/s",
        measured=ours,
        baseline=scalar,
        baseline_name="plain Python, one path at a time",
        note=f"{POINTS}-point profiles, results within {apart:.1e} dB",
    )
