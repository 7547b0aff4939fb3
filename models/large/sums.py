r"""The sums over periods of which the estimator is a function.

With :math:`Z_t = [B, WB, W^2B, W^3B]` the columns of one period and their lags, effects out,

.. math:: G = \sum_t Z_t'Z_t - T \bar Z'\bar Z

holds the cross-products of columns and instruments and, as L and ML are among Z for an error matrix M, the
forms L'M'ML and L'ML too; only their diagonals, L'DL, are added up beside it.  The means over times, which
unit effects take out, are those of :math:`B_t - B_1`: levels cost no digits.  Rows are added up in tiles, and
tiles and periods in order; the rounding of each addition is kept (Neumaier 1974).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError
from spatial.models.data.effects import build_effects
from spatial.models.estimation.errors import ErrorMoments, build_moments

from .columns import Plan
from .ladder import Ladder, lagged
from .lags import tiles

__all__ = [
    "Form",
    "Levels",
    "Period",
    "Sum",
    "Sums",
    "as_sums",
    "at_once",
    "block_sums",
    "forms_of",
    "over_tiles",
    "period_of",
    "system_sums",
]

Float = NDArray[np.float64]
Part = TypeVar("Part")

_MOST_BYTES = 2e9


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
    usual : array (2,)
        What most units have on the diagonals: only the others are added up one by one.
    of, lag : int array (2m,)
        Where the columns of the equations with their lags by M stand in the ladder, and where these lagged.
    row_sum : float
        Of M; 0 where there are no time effects, and it does not matter.
    """

    name: str
    moments: ErrorMoments
    usual: Float
    of: NDArray[np.intp]
    lag: NDArray[np.intp]
    row_sum: float


@dataclass(frozen=True, eq=False)
class Levels:
    """What effects take out, before anything is summed.

    Parameters
    ----------
    first, mean : array (N, s), optional
        With unit effects: the values at the first time, and the mean of the differences from them.  Of the
        stems; of an unbalanced panel of the columns of the ladder, whose effects of times are taken into
        account.
    times : array (T, K), optional
        Of an unbalanced panel: the effects of times.
    """

    first: Float | None = None
    mean: Float | None = None
    times: Float | None = None


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
    forms : tuple of array (3, 2m, 2m)
        For each error matrix, of the columns of the equations and their lags: M'M, (M + M')/2 and M.
    raw : array (c,)
        Sums of squares of the columns as they are; of lags what these are at most.
    share : array (K,)
        Of each column's sum of squares, what the subtraction of means left.
    levels : Levels
    """

    names: tuple[str, ...]
    instruments: tuple[int, ...]
    instrument_names: tuple[str, ...]
    n_equation: int
    gram: Float
    forms: tuple[Float, ...]
    raw: Float
    share: Float
    levels: Levels


def forms_of(plan: Plan) -> tuple[Form, ...]:
    """Return the quadratic forms of each error matrix, once."""
    effects = build_effects((("time",),) if "time" in plan.effects else (), {}, plan.layout)
    ladder, found = plan.ladder, []
    for name in plan.form_names:
        operator = plan.operators[name]
        row_sum = operator.constant_row_sum
        if "time" in plan.effects and row_sum is None:
            raise DataError(
                f"Time effects and errors in weights {name!r} whose rows have different sums cannot be taken "
                "apart period by period. Row-standardise the weights, or leave time effects out."
            )
        moments = build_moments(operator, effects)
        usual = np.quantile(moments.diagonal, 0.5, axis=1, method="lower")
        of = plan.form_columns(name)
        there, lag = (np.array(ladder.places(rungs), np.intp) for rungs in (of, lagged(of, name)))
        found.append(Form(name, moments, usual, there, lag, row_sum or 0.0))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Period:
    """The columns of one time, effects out.

    Parameters
    ----------
    steps : list of array (N, k)
        Of a ladder.
    mean : array (K,)
        Time effects of its columns; 0 without.
    """

    steps: list[Float]
    mean: Float

    def rows(self, rows: slice) -> Float:
        """Return some rows of all columns."""
        found = np.hstack([step[rows] for step in self.steps])
        found -= self.mean
        return found


def period_of(plan: Plan, ladder: Ladder, stems: Float, threads: int) -> Period:
    """Return the columns of a time from its stems, (N, s), which may be changed."""
    if "time" not in plan.effects:
        return Period(ladder.climb(stems, plan.operators, threads), np.zeros(ladder.width))
    if plan.keeps_constants:  # lags of what has no mean have next to none: no digit is lost below
        stems -= _means([stems], threads)
    steps = ladder.climb(stems, plan.operators, threads)
    return Period(steps, _means(steps, threads))


def _means(steps: list[Float], threads: int) -> Float:
    n = len(steps[0])
    total = Sum((sum(step.shape[1] for step in steps),))

    def work(rows: slice) -> Float:
        one = np.ones(rows.stop - rows.start)
        return np.concatenate([one @ step[rows] for step in steps])

    over_tiles(n, work, total.add, threads)
    return total.value / n


def over_tiles(n: int, work: Callable[[slice], Part], collect: Callable[[Part], None], threads: int) -> None:
    """Work on each tile of rows, on threads of this process, and collect the parts in order."""

    def one(_: slice, part: Part) -> int:
        collect(part)
        return 1

    run_tasks(
        tiles(n), _Tiles(work), one, workers=threads, total=1, seconds=1e-7 * n, progress=False, label="rows"
    )


@dataclass(frozen=True, eq=False)
class _Tiles:
    """The job of `over_tiles`."""

    work: Callable[[slice], Any]

    def prepare(self) -> Callable[[slice], Any]:
        return self.work


def block_sums(period: Period, forms: tuple[Form, ...], threads: int) -> list[Float]:
    """Return the Gram matrix of one period, and what each error matrix adds to its forms beside it."""
    n, width = len(period.steps[0]), len(period.mean)
    totals = [Sum((width, width)), *(Sum((2, len(form.of), len(form.of))) for form in forms)]

    def work(rows: slice) -> list[Float]:
        Z = period.rows(rows)
        out = [Z.T @ Z]
        for form in forms:
            unusual = form.moments.diagonal[:, rows] - form.usual[:, None]
            there = np.flatnonzero(unusual.any(axis=0))
            L, d = Z[np.ix_(there, form.of)], unusual[:, there]
            out.append(np.stack([L.T @ (d[0][:, None] * L), L.T @ (d[1][:, None] * L)]))
        return out

    def collect(parts: list[Float]) -> None:
        for total, part in zip(totals, parts, strict=True):
            total.add(part)

    over_tiles(n, work, collect, threads)
    gram, *beside = (total.value for total in totals)
    for form, extra in zip(forms, beside, strict=True):
        extra += form.usual[:, None, None] * gram[np.ix_(form.of, form.of)]
        # M of a column without its mean has not the mean of the lag.
        shift = period.mean[form.lag] - form.row_sum * period.mean[form.of]
        extra[0] += n * np.outer(shift, shift)
    return [gram, *beside]


@dataclass(frozen=True, eq=False)
class _Periods:
    """The job of `system_sums`: a task is the number of a time."""

    shared: ClassVar[str] = "plan"

    plan: Plan
    forms: tuple[Form, ...]
    first: Float | None
    threads: int

    def prepare(self) -> Callable[[int], tuple[list[Float], Float, Float | None]]:
        def work(number: int) -> tuple[list[Float], Float, Float | None]:
            stems = self.plan.read(number)
            raw = np.einsum("nk,nk->k", stems, stems)
            if self.first is not None:
                stems -= self.first
            period = period_of(self.plan, self.plan.ladder, stems, self.threads)
            return block_sums(period, self.forms, self.threads), raw, None if self.first is None else stems

        return work


def at_once(workers: Workers, n: int, width: int) -> tuple[Workers, int]:
    """Return how many times are worked on at once, and on how many threads each; the same bits."""
    if not isinstance(workers, int):
        return workers, 1
    times = min(workers, max(1, int(_MOST_BYTES // (16 * n * width))))
    return times, max(1, workers // times)


def system_sums(plan: Plan, forms: tuple[Form, ...], workers: Workers, progress: bool | None) -> Sums:
    """Read the panel once, one time a task, and add up."""
    first, T, N = plan.read(0), plan.n_times, len(plan.units)
    reference = first if "unit" in plan.effects else None
    width = plan.ladder.width
    outer, threads = at_once(workers, N, width)
    totals = [Sum((width, width)), *(Sum((2, len(form.of), len(form.of))) for form in forms)]
    raw, moved = Sum((first.shape[1],)), np.zeros(first.shape if reference is not None else (0, 0))
    del first

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
            _Periods(plan, forms, reference, threads),
            collect,
            workers=outer,
            total=T,
            seconds=1e-6 * N * T,
            progress=progress,
            label="periods",
        )
        found = [total.value for total in totals]
        before = np.diag(found[0]).copy()
        if reference is not None:
            moved /= T
            inner = workers if isinstance(workers, int) else 1
            mean = period_of(plan, plan.ladder, moved.copy(), inner)
            between = block_sums(mean, forms, inner)
            found = [one - T * mean for one, mean in zip(found, between, strict=True)]
            del mean
    levels = Levels() if reference is None else Levels(reference, moved)
    return as_sums(plan, forms, found, before, raw.value, levels)


def as_sums(
    plan: Plan,
    forms: tuple[Form, ...],
    found: list[Float],
    before: Float,
    raw: Float,
    levels: Levels,
) -> Sums:
    """Take what the formulas need from the Gram matrix of the ladder."""
    G, m = found[0], len(plan.nodes)
    places = plan.ladder.places(plan.filtered)
    after = np.diag(G)
    share = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    quadratic = []
    for form, extra in zip(forms, found[1:], strict=True):
        cross = G[np.ix_(form.of, form.lag)]
        three = [G[np.ix_(form.lag, form.lag)], (cross + cross.T) / 2, cross]
        quadratic.append(np.stack(three) + extra[[0, 1, 1]])
    size = [raw[stem] * math.prod(plan.operators[w].norm ** 2 for w in path) for stem, path in plan.rungs]
    return Sums(
        plan.names,
        tuple(plan.names.index(name) for name in plan.instruments),
        plan.instruments,
        m,
        G[np.ix_(places, places)],
        tuple(quadratic),
        np.array(size),
        share[places],
        levels,
    )
