"""Random numbers as a function of a counter (SplitMix64, Steele, Lea and Flood 2014)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["GAMMA", "mix", "stream_key"]

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _mix(x: Any) -> Any:
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


# No cache of its own: it is compiled into each kernel that calls it.
mix = njit("uint64(uint64)", inline="always")(_mix)


def stream_key(seed: int, stream: int) -> np.uint64:
    """Return the 64 bits that start stream number `stream` of `seed`."""
    return np.uint64(np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0])
