r"""A pyramid of tiles in Web Mercator: pictures of 256 x 256 pixels, by zoom, column and row.

At zoom z the world is a square of :math:`2^z \times 2^z` tiles, with

.. math:: u = \frac{\lambda + 180}{360}, \qquad
          v = \frac12 - \frac{1}{2 \pi} \operatorname{arsinh} \tan \varphi

from the west and from the north.  Sums over the units of a pixel are taken at the deepest zoom and added up
four by four above it, one tile after the other along a Z curve: of each zoom no more than four are held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, warn

__all__ = ["SIDE", "Pyramid", "deepest_zoom", "mercator"]

Float = NDArray[np.float64]
Places = NDArray[np.int64]

SIDE = 256
_HIGHEST = 85.0511287798066
"""Degrees north and south where the square ends."""
_DEEPEST = 20


def mercator(longitude: Float, latitude: Float) -> tuple[Float, Float]:
    """Return u and v, from 0 to 1.

    Examples
    --------
    >>> u, v = mercator(np.array([0.0, 180.0, -90.0]), np.array([0.0, 0.0, 85.0511287798066]))
    >>> u.round(6).tolist(), v.round(6).tolist()
    ([0.5, 0.0, 0.25], [0.5, 0.5, 0.0])
    """
    beyond = int((np.abs(latitude) > _HIGHEST).sum())
    if beyond:
        warn(f"{beyond} units lie beyond {_HIGHEST:.2f} degrees north or south, where Web Mercator ends.")
    phi = np.radians(np.clip(latitude, -_HIGHEST, _HIGHEST))
    v = 0.5 - np.arcsinh(np.tan(phi)) / (2 * np.pi)
    return (longitude + 180.0) / 360.0 % 1.0, np.clip(v, 0.0, np.nextafter(1.0, 0.0))


def deepest_zoom(u: Float, v: Float, width: int) -> int:
    """Return the zoom at which the map has `width` columns, or its pixels are as dense as its units."""
    wide, high = max(float(np.ptp(u)), 1e-9), max(float(np.ptp(v)), 1e-9)
    asked = np.ceil(np.log2(width / (SIDE * wide)))
    dense = np.floor(np.log2(np.sqrt(len(u) / (wide * high)) / SIDE))
    return int(np.clip(min(asked, dense), 0, _DEEPEST))


@dataclass(eq=False)
class Pyramid:
    """The tiles of a map, each made once its four parts are.

    Parameters
    ----------
    u, v : array, (N,)
        Of the units.
    zoom : int
        The deepest.
    sums : callable
        From some units and the pixel of each, 0 to 65,535 row by row, to their sums, (P, 65536).
    write : callable
        Takes a zoom, a column, a row and the sums (P, 256, 256) of a tile.
    """

    u: Float
    v: Float
    zoom: int
    sums: Callable[[Places, Places], Float]
    write: Callable[[int, int, int, Float], None]
    tiles: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def build(self) -> list[dict[int, list[int]]]:
        """Write all tiles; return of each zoom, by column, the first and last row of each run of tiles."""
        if not len(self.u):
            raise DataError("There is no unit to map.")
        across = (self.u * (SIDE << self.zoom)).astype(np.int64)
        down = (self.v * (SIDE << self.zoom)).astype(np.int64)
        key = _interleaved(across // SIDE, down // SIDE)
        order = np.argsort(key, kind="stable")
        self._order, self._key = order, key[order]
        self._pixel = (down % SIDE * SIDE + across % SIDE)[order].astype(np.uint16)
        self._tile(0, 0, 0, 0, 0, len(order))
        return [_runs(self.tiles[z]) for z in range(self.zoom + 1)]

    def _tile(self, z: int, x: int, y: int, key: int, start: int, stop: int) -> Float:
        """Write the tile of the units start to stop, and return its sums."""
        self.tiles.setdefault(z, []).append((x, y))
        if z == self.zoom:
            pixel = self._pixel[start:stop].astype(np.int64)
            total = self.sums(self._order[start:stop], pixel).reshape(-1, SIDE, SIDE)
        else:
            total = np.zeros((0, 0, 0))
            below = 2 * (self.zoom - z - 1)
            edges = [(4 * key + q) << below for q in range(5)]
            cuts = start + np.searchsorted(self._key[start:stop], edges)
            half = SIDE // 2
            for q in range(4):
                if cuts[q] == cuts[q + 1]:
                    continue
                one = self._tile(
                    z + 1, 2 * x + q % 2, 2 * y + q // 2, 4 * key + q, int(cuts[q]), int(cuts[q + 1])
                )
                if not total.size:
                    total = np.zeros(one.shape)
                rows, columns = slice(q // 2 * half, None), slice(q % 2 * half, None)
                total[:, rows, columns][:, :half, :half] = one.reshape(-1, half, 2, half, 2).sum(axis=(2, 4))
        self.write(z, x, y, total)
        return total


def _runs(tiles: list[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the first and last row of each run of tiles, by column.

    Examples
    --------
    >>> _runs([(5, 3), (5, 4), (6, 1), (5, 8)])
    {5: [3, 4, 8, 8], 6: [1, 1]}
    """
    found: dict[int, list[int]] = {}
    for x, y in sorted(tiles):
        runs = found.setdefault(x, [])
        if runs and runs[-1] == y - 1:
            runs[-1] = y
        else:
            runs += [y, y]
    return found


def _interleaved(column: Places, row: Places) -> Places:
    """Return the place of tiles along the Z curve: the bits of row and column in turn."""
    key = np.zeros_like(column)
    for bit in range(_DEEPEST):
        key |= (column >> bit & 1) << (2 * bit) | (row >> bit & 1) << (2 * bit + 1)
    return key
