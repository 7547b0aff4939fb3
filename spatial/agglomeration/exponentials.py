"""exp and log as polynomials, in vector registers: the compiler calls those of the C library one by one.

The largest relative error of `exponential` is 4e-16 for x from -707 to 709, below which it is zero; that of
`logarithm` is 4e-16 for normal numbers.  In single precision both are within 3e-7.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from spatial.compute.compiled import compiled

__all__ = ["exponential", "exponential_single", "logarithm", "logarithm_single"]

# Not reordered: what the rounding of one step leaves is taken up by the next.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract", "nsz"}, "error_model": "numpy"}
_ONE = nb.float64(nb.float64)
_S = nb.float32

_LN2, _LN2_REST = 0.6931471805599453, 2.3190468138462996e-17
_WHOLE = 1.5 * 2.0**52  # added to a whole number, it leaves that in the lowest bits
_SQRT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


@intrinsic  # type: ignore[misc, unused-ignore]
def _bits(_, number):  # type: ignore[no-untyped-def]
    """Return the bits of a double, or of a single, as a whole number."""
    whole, kind = (nb.int64, ir.IntType(64)) if number == nb.float64 else (nb.int32, ir.IntType(32))
    return whole(number), lambda _, builder, __, args: builder.bitcast(args[0], kind)


@intrinsic  # type: ignore[misc, unused-ignore]
def _number(_, bits):  # type: ignore[no-untyped-def]
    """Return the double, or the single, of these bits."""
    real, kind = (nb.float64, ir.DoubleType()) if bits == nb.int64 else (nb.float32, ir.FloatType())
    return real(bits), lambda _, builder, __, args: builder.bitcast(args[0], kind)


@compiled(_ONE, **_OPTIONS)
def exponential(x):  # type: ignore[no-untyped-def]
    """Return exp(x) = 2^k exp(r) with r = x - k ln 2 at most ln(2) / 2, by Taylor's series."""
    within = min(max(x, -745.0), 710.0)
    k = np.rint(within * 1.4426950408889634)
    r = within - k * _LN2
    r = r - k * _LN2_REST
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _number((_bits(k + _WHOLE) + 1023) << 52) if within > -707.5 else 0.0  # type: ignore[call-arg]


@compiled(_ONE, **_OPTIONS)
def logarithm(x):  # type: ignore[no-untyped-def]
    """Return log(x) = e ln 2 + 2 artanh(s) with s = (m - 1) / (m + 1), x = 2^e m, m within sqrt(2) of 1."""
    e = (_bits(x) - _SQRT_HALF) >> 52  # type: ignore[call-arg]
    f = _number(_bits(x) - (e << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 2 / 23
    p = p * z + 2 / 21
    p = p * z + 2 / 19
    p = p * z + 2 / 17
    p = p * z + 2 / 15
    p = p * z + 2 / 13
    p = p * z + 2 / 11
    p = p * z + 2 / 9
    p = p * z + 2 / 7
    p = p * z + 2 / 5
    p = p * z + 2 / 3
    rest = e * _LN2_REST + s * z * p
    return e * _LN2 + (2.0 * s + rest) if x < np.inf else np.inf


@compiled(_S(_S), **_OPTIONS)
def exponential_single(x):  # type: ignore[no-untyped-def]
    """Return exp(x) for |x| up to 80, as `exponential` does."""
    k = np.rint(x * _S(1.442695))
    r = x - k * _S(0.693359375)
    r = r + k * _S(2.1219444e-4)
    p = _S(1 / 5040)
    p = p * r + _S(1 / 720)
    p = p * r + _S(1 / 120)
    p = p * r + _S(1 / 24)
    p = p * r + _S(1 / 6)
    p = p * r + _S(0.5)
    p = p * r + _S(1.0)
    p = p * r + _S(1.0)
    return p * _number(nb.int32((_bits(k + _S(1.5 * 2.0**23)) + 127) << 23))  # type: ignore[call-arg]


@compiled(_S(_S), **_OPTIONS)
def logarithm_single(x):  # type: ignore[no-untyped-def]
    """Return log(x) of a normal number, as `logarithm` does."""
    e = nb.int32((_bits(x) - 0x3F3504F3) >> 23)  # type: ignore[call-arg]
    f = _number(nb.int32(_bits(x) - (e << 23))) - _S(1.0)
    s = f / (_S(2.0) + f)
    z = s * s
    p = _S(2 / 9)
    p = p * z + _S(2 / 7)
    p = p * z + _S(2 / 5)
    p = p * z + _S(2 / 3)
    return _S(e) * _S(0.6931472) + (_S(2.0) * s + s * z * p)
