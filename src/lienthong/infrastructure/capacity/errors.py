"""What can be wrong with capacity data, named and located."""

from __future__ import annotations

from lienthong.infrastructure.errors import BadInstance


class BadCapacityData(BadInstance):
    """Sites, loads or probabilities that no capacity can be computed from."""

    code = "bad-capacity-data"


class BadCoefficients(BadInstance):
    """A coefficient, or a file of them, that cannot be used."""

    code = "bad-coefficients"
