"""How kernels are compiled, and the conventions that they share.

``n`` vertices 0..n-1; edge ``e`` joins ``tail[e]`` and ``head[e]`` at ``cost[e]`` ≥ 0. Arc ``2e`` runs
tail→head and arc ``2e+1`` head→tail. An adjacency (``start``, ``near``, ``leaving``) lists, for the slots
``start[v]..start[v+1]``, the neighbour and the arc that leaves ``v`` towards it; the arc that enters ``v``
from there is ``leaving ^ 1``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

INFINITY = np.inf

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, compiled on its first call, cached on disk, run beside other threads."""
    try:
        made: Callable[P, R] = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # neither the package's folder nor the user's cache can be written
        made = njit(nogil=True)(function)
    return made
