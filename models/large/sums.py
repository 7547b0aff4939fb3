r"""The sums over periods of which the estimator is a function.

With :math:`Z_t` the columns of one period, effects out, and for each error matrix its quadratic forms A_q,

.. math:: G = \sum_t Z_t'Z_t - T \bar Z'\bar Z, \qquad F_q = \sum_t L_t'A_qL_t - T \bar L'A_q\bar L .

The means over times, which unit effects take out, are those of :math:`Z_t - Z_1`: levels cost no digits.
Rows are added up in chunks, and periods in order; the rounding of each addition is kept (Neumaier 1974).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.products import product
from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError
from spatial.models.data.effects import build_effects
from spatial.models.estimation.errors import ErrorMoments, build_moments

from .columns import Plan

__all__ = [
    "Form",
    "Sum",
    "Sums",
    "at_once",
    "forms_of",
    "period_columns",
    "system_sums",
    "with_lags",
]

Float = NDArray[np.float64]

_MOST_BYTES = 4e9
ROWS = 65_536
"""Rows of a chunk: fixed, as the order of sums must be."""


class Sum:
    """A sum of arrays with the rounding of each addition kept."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.total, self.lost = np.zeros(shape), np.zeros(shape)

    def add(self, values: Float) -> None:
        """Add an array."""
        new = self.total + values
        big = np.abs(self.total) >= np.abs(values)
        self.lost += np.where(big, (self.total - new) + values, (values - new) + self.total)
        self.total = new

    @property
    def value(self) -> Float:
        """The sum."""
        return self.total + self.lost


@dataclass(frozen=True, eq=False)
class Form:
    """The two quadratic forms of one error matrix, for one time.

    Parameters
    ----------
    name : str
    moments : ErrorMoments
        M and the diagonals (2, N) of one time.
    """

    name: str
    moments: ErrorMoments

    @property
    def matrix(self) -> sp.csr_array:
        """M."""
        return self.moments.operator.matrices[0]


@dataclass(frozen=True, eq=False)
class Sums:
    """What one pass over the data leaves.

    Parameters
    ----------
    names : tuple of str
        Columns: those of the equations, further instruments.
    instruments : tuple of int
        Which columns are instruments.
    instrument_names : tuple of str
    n_equation : int
        How many columns are of the equations.
    gram : array (K, K)
        Of the columns, then of the lags by each error matrix of those of the equations; effects out.
    forms : tuple of array (2, 2m, 2m)
        For each error matrix, of the columns of the equations and their lags.
    raw : array (c,)
        Sums of squares of the columns as they are.
    share : array (K,)
        Of each column's sum of squares, what the subtraction of means left.
    first, mean : array (N, c) or None
        Of the columns: those of the first time, and the mean of the differences from them; with unit effects.
    """

    names: tuple[str, ...]
    instruments: tuple[int, ...]
    instrument_names: tuple[str, ...]
    n_equation: int
    gram: Float
    forms: tuple[Float, ...]
    raw: Float
    share: Float
    first: Float | None
    mean: Float | None


def forms_of(plan: Plan) -> tuple[Form, ...]:
    """Return the quadratic forms of each error matrix, once."""
    names = dict.fromkeys(e.error for e in plan.structure.equations if e.error is not None)
    effects = build_effects((("time",),) if "time" in plan.effects else (), {}, plan.layout)
    found = []
    for name in names:
        operator = plan.operators[str(name)]
        if "time" in plan.effects and operator.constant_row_sum is None:
            raise DataError(
                f"Time effects and errors in weights {name!r} whose rows have different sums cannot be taken "
                "apart period by period. Row-standardise the weights, or leave time effects out."
            )
        found.append(Form(str(name), build_moments(operator, effects)))
    return tuple(found)


def period_columns(plan: Plan, number: int, first: Float | None) -> tuple[Float, Float]:
    """Return the columns of a time less `first`, time effects out, (N, c); and their raw sums of squares."""
    columns, _ = plan.read(number)
    raw = np.einsum("nk,nk->k", columns, columns)
    if first is not None:
        columns -= first
    if "time" in plan.effects:
        columns -= columns.mean(axis=0)
    return columns, raw


def with_lags(X: Float, forms: tuple[Form, ...], n_equation: int, time: bool) -> list[Float]:
    """Return the lags of the columns of the equations by each error matrix, time effects out."""
    lags = [product(form.matrix, X[:, :n_equation]) for form in forms]
    if time:
        for lag in lags:
            lag -= lag.mean(axis=0)
    return lags


def _block_sums(X: Float, forms: tuple[Form, ...], m: int, time: bool) -> list[Float]:
    """Return the Gram matrix of one period, and the forms of each error matrix."""
    lags = with_lags(X, forms, m, time)
    width = X.shape[1] + m * len(lags)
    gram = Sum((width, width))
    quadratic = [Sum((2, 2 * m, 2 * m)) for _ in forms]
    for start in range(0, len(X), ROWS):
        rows = slice(start, start + ROWS)
        Z = np.hstack([X[rows], *(lag[rows] for lag in lags)])
        gram.add(Z.T @ Z)
        for form, lag, total in zip(forms, lags, quadratic, strict=True):
            # Row by row of M, so that the lags of all columns are never held at once.
            near, d = form.matrix[rows], form.moments.diagonal[:, rows]
            L, ML = np.hstack([X[rows, :m], lag[rows]]), np.hstack([near @ X[:, :m], near @ lag])
            cross = L.T @ ML
            total.add(
                np.stack(
                    [ML.T @ ML + L.T @ (d[0][:, None] * L), (cross + cross.T) / 2 + L.T @ (d[1][:, None] * L)]
                )
            )
    return [gram.value, *(q.value for q in quadratic)]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The job of `system_sums`: a task is the number of a time."""

    plan: Plan
    forms: tuple[Form, ...]
    first: Float | None

    def prepare(self) -> Callable[[int], tuple[list[Float], Float, Float | None]]:
        m = len(self.plan.nodes)

        def work(number: int) -> tuple[list[Float], Float, Float | None]:
            X, raw = period_columns(self.plan, number, self.first)
            sums = _block_sums(X, self.forms, m, "time" in self.plan.effects)
            return sums, raw, None if self.first is None else X

        return work


def at_once(workers: Workers, cells: int) -> Workers:
    """Return how many threads work on a time each, so that they keep within 4 GB; the same bits.

    A time takes some five times the bytes of the `cells` of its columns while it is read and lagged.
    """
    if not isinstance(workers, int):
        return workers
    return min(workers, max(1, int(_MOST_BYTES // (40 * cells))))


def system_sums(plan: Plan, forms: tuple[Form, ...], workers: Workers, progress: bool | None) -> Sums:
    """Read the panel once, one time a task, and add up."""
    first, names = plan.read(0)
    workers = at_once(workers, first.size)
    reference = first if "unit" in plan.effects else None
    m, T = len(plan.nodes), plan.n_times
    width = first.shape[1] + m * len(forms)
    totals = [Sum((width, width)), *(Sum((2, 2 * m, 2 * m)) for _ in forms)]
    raw, moved = Sum((first.shape[1],)), np.zeros(first.shape if reference is not None else (0, 0))

    def collect(number: int, part: tuple[list[Float], Float, Float | None]) -> int:  # noqa: ARG001
        for total, one in zip(totals, part[0], strict=True):
            total.add(one)
        raw.add(part[1])
        if part[2] is not None:
            np.add(moved, part[2], out=moved)
        return 1

    with blas_on_one_thread():
        run_tasks(
            range(T),
            _Blocks(plan, forms, reference),
            collect,
            workers=workers,
            total=T,
            seconds=2e-6 * len(plan.units) * T * len(plan.weights),
            progress=progress,
            label="periods",
        )
        found = [total.value for total in totals]
        before = np.diag(found[0]).copy()
        if reference is not None:
            moved /= T
            between = _block_sums(moved, forms, m, "time" in plan.effects)
            found = [one - T * mean for one, mean in zip(found, between, strict=True)]
    after = np.diag(found[0])
    share = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    further = [name for name in names if name not in plan.nodes]
    columns = (*plan.nodes, *further)
    return Sums(
        columns,
        tuple(columns.index(name) for name in names),
        names,
        m,
        found[0],
        tuple(found[1:]),
        raw.value,
        share,
        reference,
        moved if reference is not None else None,
    )
