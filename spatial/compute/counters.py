"""Random numbers as a function of a counter (SplitMix64, Steele, Lea and Flood 2014), on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "BUCKET", "FEW", "GAMMA", "MANY", "REDRAW", "mix_array", "mixed", "stream_key"]

Words = NDArray[np.uint64]

BUCKET = 4096
"""Values up to which a permutation is one shuffle: 32 kB, the first-level cache."""
BLOCK = 128
"""Permutations that the kernel draws in one go."""
FEW = 32
"""Neighbours, up to which drawing first and checking for repeats is the faster way."""
MANY = 200_000
"""Units from which each draws from windows of the shuffled values."""
REDRAW = np.uint64(0xD1B54A32D192ED03)

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mixed(x: Any) -> Any:
    """Return the scrambled words; compiled as `spatial.compute.compiled.mix`."""
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def mix_array(x: Any) -> Words:
    """Return the scrambled words of an array; overflow is meant, and of scalars numpy would warn."""
    return np.asarray(mixed(np.atleast_1d(np.asarray(x, dtype=np.uint64))), dtype=np.uint64)


def stream_key(seed: int, stream: int) -> np.uint64:
    """Return the 64 bits that start stream number `stream` of `seed`."""
    return np.uint64(np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0])
