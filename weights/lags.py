"""Spatial lags of arrays, labelled data and panels: I_T (x) W without making it."""

from __future__ import annotations

import numbers
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.products import product
from spatial.errors import AlignmentError, DataError
from spatial.ids.alignment import aligned_values, as_float, indexer, row_places

__all__ = ["lag", "lag_array", "times"]

Float = NDArray[np.float64]


class Linear(Protocol):
    """What a lag multiplies by: a sparse matrix, or weights that are read block by block."""

    def __matmul__(self, values: Float, /) -> Any:
        """Return the product with (N,) or (N, k)."""


def lag_array(matrix: Linear, values: Float, axis: int) -> Float:
    """Return W applied along `axis` of `values`; shape is kept."""
    if values.ndim == 3 and axis == 1:
        return product(matrix, values)
    moved = np.moveaxis(values, axis, 0)
    # NaN times an absent weight must not spread, so the product stays sparse; it does.
    lagged = product(matrix, np.ascontiguousarray(moved.reshape(moved.shape[0], -1)))
    return np.moveaxis(lagged.reshape(moved.shape), 0, axis)


def lag(matrix: Linear, ids: pd.Index[Any], x: Any, *, axis: int | None, cells: Any = None) -> Any:
    """Lag whatever `x` is; see `Weights.lag`.  `cells` is the shape of the raster that has the units."""
    if hasattr(x, "dims") and hasattr(x, "values"):
        return _lag_raster(matrix, ids, x, cells)
    if hasattr(x, "cube") and hasattr(x, "with_cube"):
        indexer(x.units, ids, "the panel")
        columns = list(x.columns)
        cube = lag_array(matrix, x.cube(columns, units=ids), axis=1)
        return x.with_cube([f"W_{c}" for c in columns], cube, units=ids).select([f"W_{c}" for c in columns])
    if isinstance(x, (pd.Series, pd.DataFrame)):
        return _lag_labelled(matrix, ids, x)
    values = as_float(x, "A spatial lag's values")
    return lag_array(matrix, values, unit_axis(values.shape, len(ids), axis))


def times(matrix: Linear, ids: pd.Index[Any], x: Any) -> Any:
    """Return W @ x: of labelled data the lag, by label; of an array the product, units along its first axis.

    Without this pandas gives a Series by place, or an IndexError of its own.
    """
    if isinstance(x, (pd.Series, pd.DataFrame)) or hasattr(x, "cube"):
        return lag(matrix, ids, x, axis=None)
    values = as_float(x, "The values of W @ x")
    if values.ndim not in (1, 2) or len(values) != len(ids):
        raise AlignmentError(
            f"W @ x needs the {len(ids)} units along the first axis of an array, (N,) or (N, k); got shape "
            f"{values.shape}. W.lag(x) takes other shapes, and a Series or DataFrame is matched by label."
        )
    return product(matrix, values)


def _lag_raster(matrix: Linear, ids: pd.Index[Any], raster: Any, cells: Any) -> Any:
    """Lag each band of a raster, (..., rows, columns); cells that are no units are missing."""
    values = np.asarray(raster.values)
    if cells is None or list(values.shape[-2:]) != list(cells):
        need = "weights made with spatial.weights.grid" if cells is None else f"cells of shape {tuple(cells)}"
        raise AlignmentError(
            f"The lag of a raster of shape {values.shape} needs {need}. Of other data pass a Series."
        )
    if values.dtype.kind not in "fiub":
        raise DataError(f"A spatial lag needs numbers; got a raster of {values.dtype}.")
    flat = values.astype(np.float64).reshape(*values.shape[:-2], -1)
    out = np.full(flat.shape, np.nan)
    units = ids.to_numpy()
    out[..., units] = lag_array(matrix, flat[..., units], axis=flat.ndim - 1)
    return raster.copy(data=out.reshape(values.shape))


def unit_axis(shape: tuple[int, ...], n: int, axis: int | None) -> int:
    """Return the axis of the units: the last, ``(..., N)``, or the second to last, ``(T, N, k)``."""
    if axis is not None:
        if isinstance(axis, bool) or not isinstance(axis, numbers.Integral):
            raise AlignmentError(f"axis must be a whole number, the axis of the units; got {axis!r}.")
        axis = int(axis)
        if not -len(shape) <= axis < len(shape) or shape[axis] != n:
            raise AlignmentError(f"Axis {axis} of shape {shape} must have length {n}, the number of units.")
        return axis
    if len(shape) == 3 and shape[-1] == n and shape[-2] == n:
        raise AlignmentError(
            f"In shape {shape} both the second and the third axis have length {n}: say which holds the "
            "units, lag(x, axis=1) or lag(x, axis=2)."
        )
    if len(shape) >= 1 and shape[-1] == n:
        return len(shape) - 1
    if len(shape) >= 2 and shape[-2] == n:
        return len(shape) - 2
    raise AlignmentError(
        f"A bare array must have the {n} units of the weights along its last axis, (..., N), or its second "
        f"to last, (T, N, k); got shape {shape}. Pass a Series or DataFrame with ids to match by label."
    )


def _lag_labelled(
    matrix: Linear, ids: pd.Index[Any], x: pd.Series[Any] | pd.DataFrame
) -> pd.Series[Any] | pd.DataFrame:
    frame = x.to_frame() if isinstance(x, pd.Series) else x
    what = repr(x.name) if isinstance(x, pd.Series) and x.name is not None else "the values"
    lag_of = _lag_panel_frame if frame.index.nlevels == 2 else _lag_frame
    lagged = lag_of(matrix, ids, frame, what)
    if isinstance(x, pd.DataFrame):
        return lagged.rename(columns=lambda c: f"W_{c}")
    name = None if x.name is None else f"W_{x.name}"
    return lagged.iloc[:, 0].rename(name)


def _lag_frame(matrix: Linear, ids: pd.Index[Any], frame: pd.DataFrame, what: str) -> pd.DataFrame:
    values = lag_array(matrix, aligned_values(frame, ids, what), axis=0)
    return pd.DataFrame(values[row_places(frame.index, ids)], index=frame.index, columns=frame.columns)


def _lag_panel_frame(matrix: Linear, ids: pd.Index[Any], frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Lag within each time; (unit, time) cells that are absent count as missing, never as 0."""
    if frame.index.has_duplicates:
        raise DataError("A frame indexed by (unit, time) must have one row for each pair; some pairs repeat.")
    units, times = frame.index.levels[0][frame.index.codes[0]], frame.index.get_level_values(1)
    present = pd.Index(units).unique()
    indexer(present, ids, f"the units of {what}")
    periods = pd.Index(times).unique()
    row, column = row_places(pd.Index(units), ids), periods.get_indexer(pd.Index(times))
    wide = np.full((len(ids), len(periods), frame.shape[1]), np.nan)
    wide[row, column] = as_float(frame, what)
    return pd.DataFrame(
        lag_array(matrix, wide, axis=0)[row, column], index=frame.index, columns=frame.columns
    )
