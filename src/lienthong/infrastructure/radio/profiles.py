"""What a prediction is made from: path profiles and the link's parameters, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lienthong.infrastructure.radio.errors import BadProfile, OutOfRange

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Zone(IntEnum):
    """Radio-climatic zones, with the codes of ITU-R's data files."""

    SEA = 1
    COASTAL = 3
    INLAND = 4


@dataclass(frozen=True)
class Profiles:
    """``P`` paths of ``N`` points each, from transmitter to receiver.

    ``distance_km``, ``ground_m`` (above mean sea level) and ``clutter_m`` (representative clutter height
    above ground) have the shape (P, N); ``zone`` the same with :class:`Zone` codes, or ``None`` when every
    point is inland. Clutter at the two terminals is not part of the obstacles (P.1812 §3.2.1).
    """

    distance_km: Floats
    ground_m: Floats
    clutter_m: Floats
    zone: Integers | None = None

    @classmethod
    def build(
        cls,
        distance_km: ArrayLike,
        ground_m: ArrayLike,
        clutter_m: ArrayLike | None = None,
        zone: ArrayLike | None = None,
    ) -> Profiles:
        """Checked profiles from arrays of shape (N,) or (P, N). Raises :class:`BadProfile`."""
        ground = np.atleast_2d(np.asarray(ground_m, dtype=np.float64))
        shape = ground.shape
        distance = _fit(distance_km, shape, "distance_km")
        clutter = _fit(0.0 if clutter_m is None else clutter_m, shape, "clutter_m")
        zones = None
        if zone is not None:
            zones = _fit(zone, shape, "zone").astype(np.int64)
            known = np.isin(zones, [member.value for member in Zone])
            if not known.all():
                raise BadProfile(
                    f"radio-climatic zone {zones[~known][0]} is unknown",
                    place=_first(~known),
                    remedy="use 1 (sea), 3 (coastal land) or 4 (inland)",
                )
            if (zones == Zone.INLAND).all():
                zones = None
        _check(distance, ground, clutter)
        return cls(distance, ground, clutter, zones)

    @property
    def count(self) -> int:
        return int(self.ground_m.shape[0])

    def rows(self, start: int, stop: int) -> Profiles:
        """The paths ``start`` … ``stop - 1``."""
        zone = None if self.zone is None else self.zone[start:stop]
        return Profiles(
            self.distance_km[start:stop], self.ground_m[start:stop], self.clutter_m[start:stop], zone
        )


@dataclass(frozen=True)
class Link:
    """The parameters of the paths: each a number for all, or an array of one number a path.

    ``time_percent`` (1 … 50) is how much of the year the loss is not exceeded in; ``location_percent``
    (1 … 99) of how many places, with ``location_deviation_db`` (0: no location variability).
    ``indoor_loss_db`` and its deviation add building entry (:mod:`.locations`).
    ``refractivity_gradient`` is ΔN (N-units/km, > 0), ``surface_refractivity`` N0 (N-units). Distances
    to the coast in km (500: far from any).
    """

    frequency_ghz: ArrayLike
    transmitter_m: ArrayLike
    receiver_m: ArrayLike
    latitude_deg: ArrayLike
    time_percent: ArrayLike = 50.0
    vertical: ArrayLike = False
    refractivity_gradient: ArrayLike = 45.0
    surface_refractivity: ArrayLike = 325.0
    transmitter_coast_km: ArrayLike = 500.0
    receiver_coast_km: ArrayLike = 500.0
    location_percent: ArrayLike = 50.0
    location_deviation_db: ArrayLike = 0.0
    indoor_loss_db: ArrayLike = 0.0
    indoor_deviation_db: ArrayLike = 0.0

    def spread(self, count: int) -> SpreadLink:
        """The same with one checked number for each of ``count`` paths. Raises :class:`OutOfRange`."""
        values = {name: _column(name, getattr(self, name), count) for name in self.__dataclass_fields__}
        for name, (low, high, unit) in _LIMITS.items():
            bad = ~((values[name] >= low) & (values[name] <= high))
            if bad.any():
                at = int(np.argmax(bad))
                raise OutOfRange(
                    f"{name} is {values[name][at]:g}{unit}",
                    place=f"path {at}",
                    remedy=f"the Recommendation covers {low:g} to {high:g}{unit}",
                )
        return SpreadLink(**values)


@dataclass(frozen=True)
class SpreadLink:
    """A :class:`Link` with an array of one number a path in every field."""

    frequency_ghz: Floats
    transmitter_m: Floats
    receiver_m: Floats
    latitude_deg: Floats
    time_percent: Floats
    vertical: Floats
    refractivity_gradient: Floats
    surface_refractivity: Floats
    transmitter_coast_km: Floats
    receiver_coast_km: Floats
    location_percent: Floats
    location_deviation_db: Floats
    indoor_loss_db: Floats
    indoor_deviation_db: Floats

    def rows(self, start: int, stop: int) -> SpreadLink:
        return SpreadLink(**{name: getattr(self, name)[start:stop] for name in self.__dataclass_fields__})


_LIMITS = {
    "frequency_ghz": (0.03, 6.0, " GHz"),
    "transmitter_m": (1.0, 3000.0, " m"),
    "receiver_m": (1.0, 3000.0, " m"),
    "latitude_deg": (-90.0, 90.0, "°"),
    "time_percent": (1.0, 50.0, " %"),
    "vertical": (0.0, 1.0, ""),
    "refractivity_gradient": (1.0, 156.0, " N-units/km"),
    "surface_refractivity": (200.0, 500.0, " N-units"),
    "transmitter_coast_km": (0.0, 25_000.0, " km"),
    "receiver_coast_km": (0.0, 25_000.0, " km"),
    "location_percent": (1.0, 99.0, " %"),
    "location_deviation_db": (0.0, 30.0, " dB"),
    "indoor_loss_db": (0.0, 120.0, " dB"),
    "indoor_deviation_db": (0.0, 30.0, " dB"),
}
_LONGEST_KM = 3000.0


def _fit(values: ArrayLike, shape: tuple[int, ...], name: str) -> Floats:
    try:
        return np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except ValueError as error:
        raise BadProfile(
            f"{name} has the shape {np.shape(values)}, the ground {shape}",
            place=name,
            remedy="give every array one value for each point of each path",
        ) from error


def _column(name: str, value: ArrayLike, count: int) -> Floats:
    try:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (count,))
    except ValueError as error:
        raise OutOfRange(
            f"{name} has {np.size(value)} values for {count} paths",
            place=name,
            remedy="give one number for all paths, or one for each",
        ) from error


def _first(bad: NDArray[np.bool_]) -> str:
    path, point = np.argwhere(bad)[0]
    return f"path {path}, point {point}"


def _check(distance: Floats, ground: Floats, clutter: Floats) -> None:
    if ground.ndim != 2 or ground.shape[1] < 3:
        raise BadProfile(
            f"a profile has {ground.shape[-1]} points",
            place="profile",
            remedy="give at least three: both ends and one between",
        )
    for name, values in (("distance_km", distance), ("ground_m", ground), ("clutter_m", clutter)):
        if not np.isfinite(values).all():
            raise BadProfile(
                f"{name} is not a number",
                place=_first(~np.isfinite(values)),
                remedy="fill holes in the terrain before the prediction",
            )
    backwards = np.diff(distance, axis=1) <= 0
    if backwards.any() or (distance[:, 0] != 0).any():
        place = (
            _first(backwards) if backwards.any() else f"path {int(np.argmax(distance[:, 0] != 0))}, point 0"
        )
        raise BadProfile(
            "distances do not grow from 0 at the transmitter",
            place=place,
            remedy="order the points from transmitter to receiver, each once",
        )
    if (distance[:, -1] > _LONGEST_KM).any():
        raise OutOfRange(
            f"a path is {distance[:, -1].max():.0f} km long",
            place=f"path {int(np.argmax(distance[:, -1]))}",
            remedy=f"the Recommendation covers paths up to {_LONGEST_KM:.0f} km",
        )
    if (clutter < 0).any():
        raise BadProfile(
            f"a clutter height is {clutter.min():g} m",
            place=_first(clutter < 0),
            remedy="clutter stands above ground: give 0 or more",
        )
