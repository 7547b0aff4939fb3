"""The double nearest to a decimal number, exactly, compiled.

A number of up to 19 digits is a whole number w times a power of ten.  Where both are exact doubles one
multiplication rounds once, which is right (Clinger 1990).  Else w is multiplied by the 128 leading bits of
the power of five, and the product says by itself whether its rounding is sure (Lemire 2021, Number parsing
at a gigabyte per second, Software: Practice and Experience 51(8)).
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

__all__ = ["EXACT", "FIVES", "LARGEST", "TENS", "nearest"]

LARGEST = 80
"""The powers of ten that are read here go from minus this to this."""
EXACT = 22
"""The largest power of ten that is a double."""
TENS = 10.0 ** np.arange(EXACT + 1)

_u64 = np.uint64
_LOW, _HALF, _NINE, _ONE, _NONE = _u64(2**32 - 1), _u64(32), _u64(9), _u64(1), _u64(0)
_ALL, _LAST_NINE, _HIDDEN = _u64(2**64 - 1), _u64(511), _u64(2**52)


def _fives() -> Any:
    """Return the 128 leading bits of each power of five, cut; those below one rounded up."""
    out = np.empty((2 * LARGEST + 1, 2), dtype=np.uint64)
    for q in range(-LARGEST, LARGEST + 1):
        five = 5 ** abs(q)
        bits = five << 128 if q >= 0 else (1 << (five.bit_length() + 256)) // five + 1
        bits >>= bits.bit_length() - 128
        if -27 <= q < 0:  # few enough bits for the power to be known to the last
            bits = (1 << (five.bit_length() + 127)) // five + 1
        out[q + LARGEST] = bits >> 64, bits & (2**64 - 1)
    return out


FIVES = _fives()


@nb.njit
def _product(a, b):  # type: ignore[no-untyped-def]
    """Return the upper and the lower 64 bits of a product."""
    ll, hl, lh = (a & _LOW) * (b & _LOW), (a >> _HALF) * (b & _LOW), (a & _LOW) * (b >> _HALF)
    middle = (ll >> _HALF) + (hl & _LOW) + (lh & _LOW)
    upper = (a >> _HALF) * (b >> _HALF) + (hl >> _HALF) + (lh >> _HALF) + (middle >> _HALF)
    return upper, (middle << _HALF) | (ll & _LOW)


@nb.njit
def nearest(w, q, fives):  # type: ignore[no-untyped-def]
    """Return the bits of the double nearest to w * 10**q, w above zero; 0 where that is not sure."""
    zeros = 0
    while w >> _u64(63) == _NONE:
        w = w << _ONE
        zeros += 1
    high, low = _product(w, fives[q + LARGEST, 0])
    if high & _LAST_NINE == _LAST_NINE:  # the next 64 bits of the power may carry
        more = _product(w, fives[q + LARGEST, 1])[0]
        low = low + more
        if low < more:
            high = high + _ONE
    if low == _ALL and (q < -27 or q > 55):
        return _NONE
    upper = high >> _u64(63)
    shift = upper + _NINE
    mantissa = high >> shift
    # 217706 / 2^16 is log2(10); below the normal numbers and above the largest nothing is said.
    power = ((217706 * q) >> 16) + 63 + np.int64(upper) - zeros + 1023
    if power <= 0 or power >= 2046:
        return _NONE
    if low <= _ONE and -4 <= q <= 23 and mantissa & _u64(3) == _ONE and mantissa << shift == high:
        mantissa = mantissa - _ONE  # half way: to the even one
    mantissa = (mantissa + (mantissa & _ONE)) >> _ONE
    if mantissa >> _u64(53) != _NONE:
        mantissa = _HIDDEN
        power += 1
    return (mantissa - _HIDDEN) | (_u64(power) << _u64(52))
