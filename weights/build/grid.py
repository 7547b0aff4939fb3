"""Cells of a raster: which are neighbours, and their values as a Series and back."""

from __future__ import annotations

from typing import Any, Literal, Protocol, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, hinted, name_ids
from spatial.weights.blocks.stencil import Stencil
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.checks import links_fit, whole
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights

__all__ = ["RasterLike", "grid", "raster_values", "values_to_raster"]


MOST_CELLS = 2**31 - 1
"""Of a raster: units are numbered by 32 bits."""


class RasterLike(Protocol):
    """What a raster needs to have: `xarray.DataArray` does, rows and columns as its last two dimensions."""

    @property
    def values(self) -> NDArray[Any]:
        """The array, (..., rows, columns)."""

    @property
    def dims(self) -> tuple[Any, ...]:
        """Names of its dimensions."""

    def copy(self, deep: bool = True, data: Any = None) -> Any:
        """Return the same raster with other data."""


@overload
def grid(
    raster_or_shape: RasterLike | tuple[int, int], rook: bool = False, *, stored: Literal[True] = True
) -> Weights: ...
@overload
def grid(
    raster_or_shape: RasterLike | tuple[int, int], rook: bool = False, *, stored: Literal[False]
) -> OpenWeights: ...
@hinted
def grid(
    raster_or_shape: RasterLike | tuple[int, int], rook: bool = False, *, stored: bool = True
) -> Weights | OpenWeights:
    r"""Link the cells of a raster that share a corner (queen, 8 neighbours) or a side (rook, 4).

    Parameters
    ----------
    raster_or_shape : xarray.DataArray or (rows, columns)
        Of a raster, cells without a value (NaN, in any band) are no units.  Its last two dimensions are rows
        and columns, whatever their names.
    rook : bool
        Ask for a common side.
    stored : bool
        False: make rows when they are asked for and keep none, for tens of millions of cells; see
        `spatial.weights.OpenWeights`.

    Returns
    -------
    Weights or OpenWeights
        Binary and symmetric.  The id of a cell is its number in the raster, row by row from 0, those without
        a value counted, so that ``divmod(id, columns)`` is its place.  ``W.lag(raster)`` is a raster.

    Raises
    ------
    DataError
        For a raster without two dimensions, or without any value.

    See Also
    --------
    raster_values : The values of a raster as a Series by these ids.
    values_to_raster : The way back.

    Examples
    --------
    >>> W = grid((2, 3))
    >>> W.neighbors(0).index.tolist()
    [1, 3, 4]
    >>> grid((2, 3), rook=True).neighbors(0).index.tolist()
    [1, 3]
    >>> grid((3000, 4000), stored=False).row_standardized()
    <OpenWeights grid: 12,000,000 units, 95,958,004 links, 48 blocks, normalisation row>
    """
    stencil = Stencil(_filled(raster_or_shape, stored=stored), rook)
    rows, columns = stencil.filled.shape
    units = stencil.n
    ids = pd.RangeIndex(units) if units == rows * columns else pd.Index(np.flatnonzero(stencil.filled))
    parameters = {"rook": rook, "shape": [rows, columns]}
    meta = Meta("grid", parameters, None, "none", "keep", "raster")
    if not stored:
        return OpenWeights(ids, meta, stencil)
    links = float(units * len(stencil.offsets))
    links_fit(links, f"A raster of {rows:,} x {columns:,} cells", "Take stored=False, or a coarser one.")
    return Weights(ids, owned(stencil.rows(0, units)), meta)


def _filled(raster: Any, *, stored: bool = True) -> NDArray[np.bool_]:
    """Return which cells are units, (rows, columns)."""
    if isinstance(raster, (tuple, list)):
        if len(raster) != 2:
            raise DataError(f"The shape of a raster is (rows, columns); got {raster!r}.")
        rows, columns = whole(raster[0], "rows"), whole(raster[1], "columns")
        size = f"A raster of {rows:,} x {columns:,} cells"
        if stored:
            links_fit(8.0 * rows * columns, size, "Take stored=False, or a coarser one.")
        if rows * columns > MOST_CELLS:
            raise DataError(f"{size} is beyond the {MOST_CELLS:,} that 32 bits number. Take a coarser one.")
        return np.ones((rows, columns), dtype=bool)
    values = _values(raster)
    filled = np.isfinite(values).all(axis=tuple(range(values.ndim - 2)))
    if not filled.any():
        raise DataError("A raster needs cells with values; all of this one are missing.")
    return np.asarray(filled)


def _values(raster: Any) -> NDArray[np.float64]:
    if not hasattr(raster, "dims") or not hasattr(raster, "values"):
        raise DataError(
            f"A raster is an xarray.DataArray, or a shape (rows, columns); got {type(raster).__name__}."
        )
    values = np.asarray(raster.values)
    if values.ndim < 2:
        raise DataError(f"A raster has rows and columns; this one has the dimensions {list(raster.dims)}.")
    if values.dtype.kind not in "fiub":
        raise DataError(f"The cells of a raster must be numbers; they are {values.dtype}.")
    return values.astype(np.float64, copy=False)


@hinted
def raster_values(raster: RasterLike) -> pd.Series[Any] | pd.DataFrame:
    """Return the values of the cells by the ids of `grid`: a Series, or of several bands a table.

    Raises
    ------
    DataError
        If the raster has neither two nor three dimensions, or holds no numbers.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> heat = xr.DataArray([[1.0, np.nan], [3.0, 4.0]], dims=("y", "x"), name="heat")
    >>> raster_values(heat).to_dict()
    {0: 1.0, 2: 3.0, 3: 4.0}
    """
    values, filled = _values(raster), _filled(raster)
    ids = pd.Index(np.flatnonzero(filled))
    flat = values.reshape(-1, filled.size)[:, filled.ravel()]
    if values.ndim == 2:
        return pd.Series(flat[0], index=ids, name=getattr(raster, "name", None))
    return pd.DataFrame(flat.T, index=ids)


@hinted
def values_to_raster(values: pd.Series[Any], raster: RasterLike) -> Any:
    """Return values by cell as a raster like `raster`: its coordinates, NaN in the cells without one.

    Parameters
    ----------
    values : Series
        By the ids of `grid`, such as a spatial lag or a local statistic.
    raster : xarray.DataArray
        Of two dimensions.

    Raises
    ------
    DataError
        If the raster has several bands, or `values` is no Series.
    AlignmentError
        If the ids are not cells of the raster.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> heat = xr.DataArray([[1.0, np.nan], [3.0, 4.0]], dims=("y", "x"))
    >>> W = grid(heat).row_standardized()
    >>> values_to_raster(W.lag(raster_values(heat)), heat).values.tolist()
    [[3.5, nan], [2.5, 2.0]]
    >>> W.lag(heat).values.tolist()
    [[3.5, nan], [2.5, 2.0]]
    """
    shape = _values(raster).shape
    if len(shape) != 2:
        raise DataError(f"Values of cells fill one band; this raster has the shape {shape}. Pass raster[0].")
    if not isinstance(values, pd.Series):
        raise DataError(f"Values by cell are a Series; got {type(values).__name__}.")
    index, size = values.index, shape[0] * shape[1]
    if index.dtype.kind not in "iu" or (len(index) and (index.min() < 0 or index.max() >= size)):
        raise AlignmentError(
            f"The ids of cells are numbers from 0 to {size - 1}, row by row; got {name_ids(index[:3])}, ... "
            "They belong to another raster."
        )
    out = np.full(size, np.nan)
    out[index.to_numpy()] = values.to_numpy(dtype=np.float64)
    return raster.copy(data=out.reshape(shape))
