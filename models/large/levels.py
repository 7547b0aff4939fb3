r"""Effects of an unbalanced panel: the levels of units and times that least squares takes out of each column.

With :math:`d_{it}` the columns less their first value in a unit, :math:`\bar d_i` their means and
:math:`K = \operatorname{diag}(n_t) - \sum_i 1_{it}1_{is}/T_i`, the effects of times solve
:math:`K\gamma = \sum_{i \in t} (d_{it} - \bar d_i)`, T equations, and those of units are
:math:`\bar d_i - \sum_{t \in i}\gamma_t/T_i`.  Then sums need no second subtraction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks

from .ladder import Ladder
from .observed import ObservedPlan
from .sums import Levels, Period, Sum, Sums, as_sums, at_once, block_sums, over_tiles

__all__ = ["observed_period", "observed_sums"]

Float = NDArray[np.float64]


def observed_period(
    plan: ObservedPlan, ladder: Ladder, number: int, levels: Levels, threads: int
) -> tuple[Period, Float]:
    """Return the columns of a time in use, effects out, and the sums of squares of its stems."""
    stems = plan.read(number)
    raw = np.einsum("nk,nk->k", stems, stems)
    steps = ladder.climb(stems, plan.operators_at(number), threads)
    mask, place = plan.mask(number), 0
    for k, step in enumerate(steps):
        mine = slice(place, place + step.shape[1])
        for taken in (levels.first, levels.mean):
            if taken is not None:
                steps[k] = steps[k] - taken[mask, mine]
        place = mine.stop
    mean = np.zeros(ladder.width) if levels.times is None else levels.times[number]
    return Period(steps, mean), raw


@dataclass(frozen=True, eq=False)
class _Columns:
    """The job of the first pass: a task is a time, its part the columns, or their sums by times alone."""

    shared: ClassVar[str] = "plan"

    plan: ObservedPlan
    threads: int

    def prepare(self) -> Callable[[int], Float]:
        def work(number: int) -> Float:
            period, _ = observed_period(self.plan, self.plan.ladder, number, Levels(), self.threads)
            n = len(period.steps[0])
            if "unit" in self.plan.effects:
                return period.rows(slice(0, n))
            return _column_sums(period, self.threads)

        return work


def _column_sums(period: Period, threads: int) -> Float:
    total = Sum((len(period.mean),))
    over_tiles(
        len(period.steps[0]), lambda rows: np.asarray(period.rows(rows).sum(axis=0)), total.add, threads
    )
    return total.value


@dataclass(frozen=True, eq=False)
class _Periods:
    """The job of the second pass: a task is a time, its part the Gram matrix and the raw sums of squares."""

    shared: ClassVar[str] = "plan"

    plan: ObservedPlan
    levels: Levels
    threads: int

    def prepare(self) -> Callable[[int], tuple[Float, Float]]:
        def work(number: int) -> tuple[Float, Float]:
            period, raw = observed_period(self.plan, self.plan.ladder, number, self.levels, self.threads)
            return block_sums(period, (), self.threads)[0], raw

        return work


@blas_on_one_thread()
def observed_sums(plan: ObservedPlan, workers: Workers, progress: bool | None) -> Sums:
    """Read the panel twice, or once where it has no effects, and add up."""
    width, n = plan.ladder.width, len(plan.units)
    outer, threads = at_once(workers, n, width)
    levels = _levels(plan, outer, threads, progress) if plan.effects else Levels()
    gram, raw = Sum((width, width)), Sum((len(plan.stems),))

    def collect(_: int, part: tuple[Float, Float]) -> int:
        gram.add(part[0])
        raw.add(part[1])
        return 1

    _over_times(plan, _Periods(plan, levels, threads), collect, outer, progress)
    # Levels were taken out of the columns, not of the sums: no digit was lost there.
    return as_sums(plan, (), [gram.value], np.diag(gram.value), raw.value, levels)


def _over_times(
    plan: ObservedPlan,
    job: Any,
    collect: Callable[[int, Any], int],
    workers: Workers,
    progress: bool | None,
) -> None:
    run_tasks(
        range(plan.n_times),
        job,
        collect,
        workers=workers,
        total=plan.n_times,
        seconds=1e-6 * plan.n_rows,
        progress=progress,
        label="periods",
    )


def _levels(plan: ObservedPlan, workers: Workers, threads: int, progress: bool | None) -> Levels:
    """Return the levels of units and times."""
    unit, time = "unit" in plan.effects, "time" in plan.effects
    n, width, T = len(plan.units), plan.ladder.width, plan.n_times
    first, mean = np.full((n, width), np.nan), np.zeros((n if unit else 0, width))
    sums, counts = np.zeros((T, width)), np.zeros(n if unit else 0)

    def collect(number: int, part: Float) -> int:
        if not unit:
            sums[number] = part
            return 1
        mask = plan.mask(number)
        new = np.isnan(first[mask, 0])
        first[np.flatnonzero(mask)[new]] = part[new]
        part -= first[mask]
        mean[mask] += part
        counts[mask] += 1
        sums[number] = _column_sums(Period([part], np.zeros(width)), 1)
        return 1

    _over_times(plan, _Columns(plan, threads), collect, workers, progress)
    if not unit:
        return Levels(times=sums / plan.sizes[:, None])
    mean /= counts[:, None]
    if not time:
        return Levels(first, mean)
    K, right = np.diag(plan.sizes).astype(float), sums
    for rows, seen in plan.incidence():
        K -= seen.T @ (seen / counts[rows, None])
        right = right - seen.T @ mean[rows]
    values, vectors = np.linalg.eigh(K)
    # As many eigenvalues are zero as parts of the panel that no unit connects.
    kept = slice(plan.n_parts, None)
    gamma = vectors[:, kept] @ ((vectors[:, kept].T @ right) / values[kept, None])
    for rows, seen in plan.incidence():
        mean[rows] -= (seen @ gamma) / counts[rows, None]
    return Levels(first, mean, gamma)
