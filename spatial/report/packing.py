"""Arrays as text: base64 of little-endian numbers, and of differences in as few bytes as they need."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError

from .shapes import Lines, Rings

__all__ = ["NO_COUNT", "counts", "lines", "numbers", "packed", "rings", "steps", "varints"]

NO_COUNT = 65535


def packed(array: NDArray[Any]) -> list[str]:
    """Return (type, base64), as ("u2", "AQA=").

    Examples
    --------
    >>> packed(np.array([1], dtype=np.uint16))
    ['u2', 'AQA=']
    """
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return [kind, base64.b64encode(data.tobytes()).decode("ascii")]


def numbers(values: NDArray[np.float64]) -> list[str]:
    """Pack numbers in four bytes where these hold them to the last bit, else in eight."""
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    exact = np.array_equal(short.astype(np.float64), values, equal_nan=True)
    return packed(short if exact else values)


def counts(p_values: NDArray[np.float64], permutations: int) -> list[str]:
    r"""Pack permutation p-values as the whole numbers :math:`2 p (R + 1)`; NaN is the largest number.

    Twice, as half of a tie counts: ``count / (2 * (R + 1))`` is the p-value again, to the last bit.
    """
    whole = 2 * (permutations + 1)
    known = ~np.isnan(p_values)
    found = np.round(np.where(known, p_values, 0.0) * whole)
    if not np.array_equal((found / whole)[known], p_values[known]):
        raise DataError("p-values by permutation must be whole numbers of half draws.")  # pragma: no cover
    kind = np.uint16 if whole < NO_COUNT else np.uint32
    return packed(np.where(known, found, np.iinfo(kind).max).astype(kind))


def varints(values: NDArray[np.int64]) -> bytes:
    """Write whole numbers in seven bits a byte, the low ones first; signs alternate (0, -1, 1, -2, ...).

    Examples
    --------
    >>> list(varints(np.array([0, -1, 1, 64])))
    [0, 1, 2, 128, 1]
    """
    signed = np.asarray(values, dtype=np.int64)
    rest = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    length = np.ones(len(rest), dtype=np.intp)
    for bits in range(7, 64, 7):
        length += rest >= np.uint64(1) << np.uint64(bits)
    out = np.empty(int(length.sum()), dtype=np.uint8)
    place = np.concatenate([[0], np.cumsum(length)])[:-1]
    for byte in range(int(length.max(initial=0))):
        more = length > byte
        low = (rest[more] & np.uint64(127)).astype(np.uint8)
        out[place[more] + byte] = low | np.where(length[more] > byte + 1, 128, 0).astype(np.uint8)
        rest = rest >> np.uint64(7)
    return out.tobytes()


def steps(xy: NDArray[np.int64]) -> str:
    """Return places as steps from one to the next."""
    return _text(_steps(xy))


def _text(values: NDArray[np.int64]) -> str:
    return base64.b64encode(varints(values)).decode("ascii")


def _steps(xy: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diff(xy, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()


def rings(shapes: Rings) -> list[str]:
    """Return three texts: rings of each unit, vertices of each ring, and steps from vertex to vertex."""
    return [_text(shapes.of), _text(shapes.sizes), _text(_steps(shapes.xy))]


def lines(found: Lines) -> list[str]:
    """Return two texts: vertices of each line, and steps from vertex to vertex."""
    return [_text(found.sizes), _text(_steps(found.xy))]
