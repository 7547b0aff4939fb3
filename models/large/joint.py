r"""The joint estimator ``aqs`` from sums: all passes over the data stand before its loop and after it.

Its moments are functions of :math:`Q'E`, :math:`E'E`, :math:`E'K'KE` and :math:`E'KE` (see
`spatial.models.quasi_score.moments`), which are parts of the Gram matrix of the columns and their lags; the
slope that the model implies needs :math:`Q'W^mX` too, one more pass.  Then scores and pairs of units are
added up as for GS3SLS.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.quasi_score.estimator import score_inference, solve_equations
from spatial.models.quasi_score.inverted import ByDistance, ScoreInference
from spatial.models.quasi_score.moments import Moments
from spatial.models.quasi_score.roots import Root
from spatial.models.quasi_score.slope import SeriesSlope, exogenous_part
from spatial.models.quasi_score.traces import LINEAR_ORDER
from spatial.models.quasi_score.weights import Dependence, ModelWeights, pair_covariance, pair_products
from spatial.weights.blocks.value import OpenWeights

from .columns import Plan
from .inference import second_pass
from .lags import RowLag, links_around, ranges
from .moments import moments_of_sums
from .observed import ObservedPlan
from .steps import GramSpace, Step
from .sums import Period, Sum, at_once, over_tiles, period_of

__all__ = ["JointFit", "check_joint", "fit_jointly"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointFit(ByDistance):
    """What intervals by distance need of an estimate from the disk.

    Parameters
    ----------
    moments : Moments
    a : array (parameters, M)
        Weights of the moments at the estimate.
    root : Root
    inference : ScoreInference
    notes : tuple of str
    """

    moments: Moments
    a: Float
    root: Root
    inference: ScoreInference
    notes: tuple[str, ...]

    method = "aqs"
    preferred = None

    @property
    def score_inference(self) -> ScoreInference:
        """The covariance of theta, and that of the score."""
        return self.inference

    @property
    def cov(self) -> Float:
        """Covariance of the coefficients, without rho."""
        count = self.moments.design.structure.n_parameters
        return self.inference.cov[:count, :count]


def check_joint(plan: Plan) -> None:
    """Refuse what the joint estimator needs in memory."""
    if isinstance(plan, ObservedPlan):
        raise DataError(
            "method='aqs' of an unbalanced panel needs it in memory: panel.read(), "
            f"{plan.panel.size()}; from the disk unbalanced='balance', or method='gs3sls' without spatial "
            "errors."
        )
    names = plan.form_names
    if plan.map is not plan:
        raise DataError(
            "method='aqs' needs the units whose lags are used, and some of them are outside the chosen rows: "
            "use method='gs3sls'."
        )
    if not names:
        raise DataError(
            "method='aqs' is for spatial lags of outcomes and spatial errors, and this system has neither: "
            "use method='3sls'."
        )
    if len(names) > 1:
        raise DataError(
            f"method='aqs' of a panel on disk takes one weights matrix for lags of outcomes and errors; "
            f"{', '.join(names)} need it in memory: panel.read(), {plan.panel.size()}."
        )
    if isinstance(plan.weights[names[0]], OpenWeights):
        raise DataError(
            f"method='aqs' needs the weights {names[0]!r} in memory: spatial.weights.as_weights({names[0]}); "
            "method='gs3sls' walks them by blocks."
        )


# ---- passes over the data and over pairs
@dataclass(frozen=True, eq=False)
class _RangeWeights(ModelWeights):
    """The same weights, of which pairs are visited by ranges of units."""

    operator: RowLag
    threads: int

    @cached_property
    def _products(self) -> tuple[Float, Float]:
        def work(task: tuple[int, int]) -> Float:
            _, within, matrices = links_around([self.operator], *task)
            return pair_products(matrices, within)

        layout = self.moments.design.layout
        total = _over_ranges(layout.n_units, work, (2, 3, 3), self.threads)
        same, turned = total * (layout.n_times * self.moments.n / layout.n_rows)
        return same, turned


@dataclass(frozen=True, eq=False)
class _Work:
    """A job of this process, given as its function."""

    work: Callable[[Any], Any]

    def prepare(self) -> Callable[[Any], Any]:
        return self.work


def _over_ranges(
    n: int, work: Callable[[tuple[int, int]], Float], shape: tuple[int, ...], threads: int
) -> Float:
    total = Sum(shape)

    def collect(_: tuple[int, int], part: Float) -> int:
        total.add(part)
        return 1

    run_tasks(
        ranges(n),
        _Work(work),
        collect,
        workers=threads,
        total=1,
        seconds=1e-6 * n,
        progress=False,
        label="pairs",
    )
    return total.value


@dataclass(frozen=True, eq=False)
class _Powers:
    """The job of the pass for H'W^m X: a task is the number of a time."""

    shared: ClassVar[str] = "plan"

    plan: Plan
    name: str
    radius: float
    first: Float | None
    mean: Float | None
    kept: tuple[int, ...]
    exogenous: tuple[int, ...]
    threads: int

    def prepare(self) -> Callable[[int], Float]:
        ladder, operator = self.plan.short_ladder, self.plan.operators[self.name]
        kept = ladder.places([self.plan.filtered[j] for j in self.kept])
        mine = ladder.places([self.plan.rungs[j] for j in self.exogenous])

        def work(number: int) -> Float:
            stems = self.plan.read(number)
            for taken in (self.first, self.mean):
                if taken is not None:
                    stems -= taken
            H, X = _split(period_of(self.plan, ladder, stems, self.threads), kept, mine, self.threads)
            out = np.empty((LINEAR_ORDER + 1, len(kept), len(mine)))
            for m in range(len(out)):
                out[m] = _product(H, X, self.threads)
                X = operator.lagged(X, self.threads) / self.radius
            return out

        return work


def _split(period: Period, kept: list[int], mine: list[int], threads: int) -> tuple[Float, Float]:
    """Return two choices of the columns of a period."""
    n = len(period.steps[0])
    H, X = np.empty((n, len(kept))), np.empty((n, len(mine)))

    def work(rows: slice) -> None:
        Z = period.rows(rows)
        H[rows], X[rows] = Z[:, kept], Z[:, mine]

    over_tiles(n, work, lambda _: None, threads)
    return H, X


def _product(H: Float, X: Float, threads: int) -> Float:
    """Return H'X, summed tile by tile."""
    total = Sum((H.shape[1], X.shape[1]))

    def work(rows: slice) -> Float:
        return np.asarray(H[rows].T @ X[rows])

    over_tiles(len(H), work, total.add, threads)
    return total.value


@dataclass(frozen=True, eq=False)
class _SummedSlope(SeriesSlope):
    """The expected slope from products that were summed over the data.

    Parameters
    ----------
    powers : array (orders, p, k)
        Q'(W / radius)^m X.
    """

    powers: Float

    @cached_property
    def _exogenous(self) -> tuple[Float, Float]:
        return self.powers, exogenous_part(self.moments)[1]


def _slope(space: GramSpace, moments: Moments, workers: Workers, progress: bool | None) -> _SummedSlope:
    plan, name = space.plan, space.forms[0].name
    found = plan.operators[name].radius
    radius = found if found > 0 else 1.0
    places, _ = exogenous_part(moments)
    outer, threads = at_once(workers, len(plan.units), plan.short_ladder.width)
    reference = (space.sums.levels.first, space.sums.levels.mean)
    job = _Powers(plan, name, radius, *reference, space.kept, tuple(int(j) for j in places), threads)
    total = Sum((LINEAR_ORDER + 1, len(space.kept), len(places)))

    def collect(_: int, part: Float) -> int:
        total.add(part)
        return 1

    run_tasks(
        range(plan.n_times),
        job,
        collect,
        workers=outer,
        total=plan.n_times,
        seconds=1e-5 * len(plan.units) * plan.n_times,
        progress=progress,
        label="powers",
    )
    powers = np.einsum("pq,mpk->mqk", space.inverse, total.value)
    return _SummedSlope(moments, name, radius, powers)


def fit_jointly(
    space: GramSpace, start: Step, dependence: Dependence, workers: Workers, progress: bool | None
) -> tuple[Step, JointFit]:
    """Return the estimates of ``aqs`` from the sums, with GS3SLS as the start."""
    threads = workers if isinstance(workers, int) else 1
    operator = space.plan.operators[space.forms[0].name]
    moments = moments_of_sums(space)
    with blas_on_one_thread():
        weights = _RangeWeights(moments, operator, threads)
        slope = _slope(space, moments, workers, progress)
        first = np.concatenate([start.fit.delta, [start.rho[g] for g in moments.rho_places]])
        root, a, _, notes = solve_equations(moments, weights, slope, first)
        omega = _omega(space, moments, weights, a, root, dependence, workers, progress)
    inference = score_inference(moments, a, root, dependence, omega)
    step = _step(space, moments, a, root.theta)
    return step, JointFit(moments, a, root, inference, notes)


def _step(space: GramSpace, moments: Moments, a: Float, theta: Float) -> Step:
    """Return a point as a step, whose scores are those of the moments with weights a."""
    G, p = moments.n_equations, len(space.kept)
    count = space.plan.structure.n_parameters
    gamma = np.stack([a[:, g * p : (g + 1) * p] for g in range(G)])
    fit = LinearFit(theta[:count], np.zeros((count, count)), gamma)
    return Step(fit, moments.rho(theta), moments.sigma(theta))


def _omega(
    space: GramSpace,
    moments: Moments,
    weights: ModelWeights,
    a: Float,
    root: Root,
    dependence: Dependence,
    workers: Workers,
    progress: bool | None,
) -> Float:
    """Return the covariance of the score, as `spatial.models.quasi_score.weights.score_covariance` does."""
    if dependence == "homoskedastic":
        return np.asarray(a @ weights.covariance(moments.sigma(root.middle)) @ a.T)
    every, cut, count = list(range(moments.n_equations)), moments.n_linear, len(moments.forms)
    operator = space.plan.operators[space.forms[0].name]
    with tempfile.TemporaryDirectory(prefix="spatial-") as folder:
        step = _step(space, moments, a, root.middle)
        meat, residuals = second_pass(space, step, every, dependence, workers, progress, Path(folder))

        def work(task: tuple[int, int]) -> Float:
            units, within, matrices = links_around([operator], *task)
            return pair_covariance(moments, residuals.of_units(units), matrices, dependence, within)

        threads = workers if isinstance(workers, int) else 1
        pairs = _over_ranges(len(space.plan.units), work, (count, count), threads)
    return np.asarray(meat + a[:, cut:] @ pairs @ a[:, cut:].T)
