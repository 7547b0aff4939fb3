"""Where each row of an array stands: unit and time codes, and spatial lags within a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.products import product
from spatial.errors import ConvergenceError
from spatial.weights.normalization import radius_bound, spectral_radius

__all__ = ["LagOperator", "Layout", "balanced_layout", "common_value"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


def common_value(sums: Float) -> float | None:
    """Return the value that all of `sums` share up to rounding, else None."""
    same = np.ptp(sums) <= 1e-12 * max(1.0, float(np.abs(sums).max())) if len(sums) else False
    return float(sums.mean()) if same else None


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows are cells (time, unit), times slow, units fast; R rows in all.

    Parameters
    ----------
    units : Index, length N
        In the order of the weights.
    times : Index, length T
    unit, time : int array (R,)
        Positions in `units` and `times`.
    """

    units: pd.Index[Any]
    times: pd.Index[Any]
    unit: Codes
    time: Codes

    @property
    def n_units(self) -> int:
        """N."""
        return len(self.units)

    @property
    def n_times(self) -> int:
        """T."""
        return len(self.times)

    @property
    def n_rows(self) -> int:
        """R, which is N T in a balanced panel."""
        return len(self.unit)

    @property
    def is_balanced(self) -> bool:
        """Whether each unit is observed at each time."""
        return self.n_rows == self.n_units * self.n_times

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """First and last row of each time."""
        ends = np.searchsorted(self.time, np.arange(self.n_times + 1))
        return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))

    def dense(self, values: Float) -> Float:
        """Return (R, ...) rows as (T, N, ...), zero where a cell is absent."""
        if self.is_balanced:
            return values.reshape(self.n_times, self.n_units, *values.shape[1:])
        out = np.zeros((self.n_times, self.n_units, *values.shape[1:]))
        out[self.time, self.unit] = values
        return out


def balanced_layout(units: pd.Index[Any], times: pd.Index[Any]) -> Layout:
    """Return the layout of a balanced panel."""
    n, t = len(units), len(times)
    return Layout(units, times, np.tile(np.arange(n), t), np.repeat(np.arange(t), n))


@dataclass(frozen=True, eq=False)
class LagOperator:
    r"""The operator :math:`I_T \otimes W` on rows, or blockdiag(W_t) where times differ in their units.

    Parameters
    ----------
    matrices : tuple of CSR arrays
        One (N, N) matrix for a balanced panel; else one for each time, over the units observed then.
    layout : Layout
    """

    matrices: tuple[sp.csr_array, ...]
    layout: Layout

    @property
    def is_constant(self) -> bool:
        """Whether the same matrix serves each time."""
        return len(self.matrices) == 1 and self.layout.is_balanced

    def blocks(self) -> list[tuple[int, int, sp.csr_array]]:
        """Return (first row, last row, matrix) for each time."""
        count = self.layout.n_times
        matrices = self.matrices * count if len(self.matrices) == 1 else self.matrices
        return [(a, b, m) for (a, b), m in zip(self.layout.bounds, matrices, strict=True)]

    def __call__(self, values: Float) -> Float:
        """Return the spatial lag of (R,) or (R, m) values."""
        if self._full is not None:
            return self._by_full(self._full, values)
        if len(self.layout.bounds) == 1:
            return product(self.matrices[0], values)
        if self.is_constant and values.ndim > 1:
            matrix = self.matrices[0]
            times = len(values) // matrix.shape[0]  # of no columns there is nothing to find it from
            cube = values.reshape(times, matrix.shape[0], values.shape[1])
            return product(matrix, cube).reshape(values.shape)
        out = np.empty_like(values, dtype=np.float64)
        for first, last, matrix in self.blocks():
            out[first:last] = product(matrix, values[first:last])
        return out

    @cached_property
    def _full(self) -> Float | None:
        """The matrix as a dense array where it serves all times and has few zeros; else None."""
        matrix = self.matrices[0]
        few = matrix.nnz > _FULL * matrix.shape[0] ** 2 and matrix.shape[0] <= _DENSE_LIMIT
        return matrix.toarray() if few and self.is_constant else None

    def _by_full(self, full: Float, values: Float) -> Float:
        cube = values.reshape(self.layout.n_times, self.layout.n_units, -1)
        return np.asarray(np.matmul(full, cube)).reshape(values.shape)

    def transpose(self, values: Float) -> Float:
        """Return the lag by the transposed weights."""
        if self._full is not None:
            return self._by_full(self._full.T, values)
        out = np.empty_like(values, dtype=np.float64)
        for first, last, matrix in self.blocks():
            out[first:last] = matrix.T @ values[first:last]
        return out

    def per_row(self, function: Any) -> Float:
        """Evaluate `function` of a matrix, with a value for each of its rows; return (R,)."""
        if len(self.matrices) == 1:
            return np.tile(function(self.matrices[0]), self.layout.n_times)
        return np.concatenate([function(m) for m in self.matrices])

    @cached_property
    def column_squares(self) -> Float:
        """Diagonal of M'M, for each row; (R,)."""
        return self.per_row(lambda m: np.asarray(m.multiply(m).sum(axis=0)).ravel())

    @property
    def own(self) -> Float:
        """The diagonal of M, for each row; (R,)."""
        return self.per_row(lambda m: m.diagonal())

    @cached_property
    def constant_row_sum(self) -> float | None:
        """The sum of every row, where it is the same in all; else None."""
        return common_value(np.concatenate([np.asarray(m.sum(axis=1)).ravel() for m in self.matrices]))

    @cached_property
    def radius_bound(self) -> float:
        """A number that the spectral radius of no block exceeds: the smaller of the two norms."""
        return max(
            (float(min(abs(m).sum(axis=0).max(), abs(m).sum(axis=1).max())) for m in self.matrices if m.nnz),
            default=0.0,
        )

    @cached_property
    def radius(self) -> float:
        """The largest spectral radius of the blocks, or where it does not settle an upper bound of it."""
        return max((_radius(m) for m in self.matrices if m.nnz), default=0.0)


_FULL, _DENSE_LIMIT = 0.3, 4_000  # a share of entries from which on dense arithmetic is quicker
# Beyond this an eigenvalue costs more than the estimates; power steps give a bound that is close enough.
_LARGE = 5_000


def _radius(matrix: sp.csr_array) -> float:
    if matrix.shape[0] > _LARGE:
        return radius_bound(matrix)
    try:
        return spectral_radius(matrix)
    except ConvergenceError:
        return radius_bound(matrix)
