"""Covariances of the estimates: from the sums alone, or by a second pass over the data."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError
from spatial.models.estimation.covariance import Cluster, Covariance, Heteroskedastic, Homoskedastic
from spatial.models.estimation.errors import RhoFit
from spatial.models.estimation.inference import Inference, joint_inference, warn_bound
from spatial.models.estimation.laws import NORMAL, Law
from spatial.models.estimation.pairs import Kind, pair_sums
from spatial.models.estimation.scores import Scores, outer_meat
from spatial.models.estimation.steps import SPATIAL_ERRORS, Method
from spatial.panel.folder import written_bytes

from .columns import Plan
from .lags import RowLag, links_around, ranges, tiles
from .levels import observed_period
from .observed import ObservedPlan
from .steps import GramSpace, Step
from .sums import Levels, Sum, over_tiles, period_of

__all__ = ["check_covariance", "infer_from_sums", "second_pass"]

Float = NDArray[np.float64]

_MOST_BYTES = 1e9  # of residuals in memory; more go to a file


def check_covariance(cov: Covariance) -> Kind:
    """Return what a covariance assumes of the innovations, or say that it is left out here."""
    kinds: dict[type[Covariance], Kind] = {
        Homoskedastic: "homoskedastic",
        Heteroskedastic: "heteroskedastic",
        Cluster: "cluster",
    }
    kind = kinds.get(type(cov))
    if kind is None or (isinstance(cov, Cluster) and not (isinstance(cov.by, str) and cov.by == "unit")):
        raise DataError(
            f"Of a panel on disk cov is 'cluster' (by unit), 'hom' or 'het'; {cov.label} needs the panel in "
            "memory: panel.read()."
        )
    return kind


def infer_from_sums(
    space: GramSpace, step: Step, method: Method, cov: Covariance, workers: Workers, progress: bool | None
) -> Inference:
    """Return the joint covariance of the coefficients and rho, and rho with efficient weights."""
    kind = check_covariance(cov)
    structure = space.plan.structure
    active = [
        g for g in range(structure.n_equations) if method in SPATIAL_ERRORS and structure.equations[g].error
    ]
    with tempfile.TemporaryDirectory(prefix="spatial-") as folder:
        if kind == "homoskedastic":
            empty = np.zeros((0, 0))
            meat, residuals = Scores(empty, empty, step.fit.gamma, step.sigma).homoskedastic, None
        else:
            meat, residuals = second_pass(space, step, active, kind, workers, progress, Path(folder))
        V = step.fit.bread @ meat @ step.fit.bread
        V = (V + V.T) / 2
        count = (len(space.plan.units),) if kind == "cluster" else ()
        law = Law(count[0] - 1) if count else NORMAL
        if not active:
            return Inference(V, np.zeros(0), n_clusters=count, law=law)
        return _joint(space, step, V, active, kind, residuals, count, law, workers)


def _joint(
    space: GramSpace,
    step: Step,
    V: Float,
    active: list[int],
    kind: Kind,
    residuals: _Residuals | None,
    clusters: tuple[int, ...],
    law: Law,
    workers: Workers,
) -> Inference:
    slices, rho = space.plan.structure.slices, step.rho
    Phi = _moment_covariance(space, step, active, kind, residuals, workers)
    slopes = [space.slope(g, float(rho[g]), step.fit.delta[slices[g]]) for g in active]

    def fitted(k: int, weight: Float) -> RhoFit:
        return space.rho(active[k], step.fit.delta[slices[active[k]]], weight)

    found = joint_inference(V, Phi, slopes, [slices[g] for g in active], fitted)
    warn_bound(space.plan.structure.names, active, found.at_bound)
    return replace(found, n_clusters=clusters, law=law)


def _moment_covariance(
    space: GramSpace,
    step: Step,
    active: list[int],
    kind: Kind,
    residuals: _Residuals | None,
    workers: Workers,
) -> Float:
    """Return Phi, (2E, 2E), as `spatial.models.estimation.pairs.moment_covariance` does."""
    sigma = space.sigma(step.rho, step.fit.delta)[np.ix_(active, active)]
    which = [space.form(g) for g in active]
    used = sorted(set(which))
    operators = [space.plan.operators[space.forms[f].name] for f in used]
    N, size = len(space.plan.units), len(active)
    job = _Pairs(operators, [used.index(f) for f in which], residuals, kind, sigma, space.n / N)
    total = Sum((size, 2, size, 2))

    def collect(_: tuple[int, int], part: Float) -> int:
        total.add(part)
        return 1

    run_tasks(
        ranges(N),
        job,
        collect,
        workers=workers if isinstance(workers, int) else 1,
        total=1,
        seconds=1e-6 * N,
        progress=False,
        label="pairs",
    )
    return 4.0 * total.value.reshape(2 * size, 2 * size) / space.n**2


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The job of `_moment_covariance`: a task is a range of units, its part their sum over pairs."""

    operators: list[RowLag]
    which: list[int]
    residuals: _Residuals | None
    kind: Kind
    sigma: Float
    weight: float

    def prepare(self) -> Callable[[tuple[int, int]], Float]:
        def work(task: tuple[int, int]) -> Float:
            units, within, matrices = links_around(self.operators, *task)
            if self.residuals is None:
                near: list[Float] = [np.zeros((len(units), 1))] * len(self.which)
            else:
                near = [np.ascontiguousarray(e.T) for e in self.residuals.of_units(units)]
            return pair_sums(near, matrices, self.which, self.kind, self.sigma, self.weight, within)

        return work


@dataclass(frozen=True, eq=False)
class _Scores:
    """The job of the second pass: a task is the number of a time."""

    shared: ClassVar[str] = "plan"

    plan: Plan
    levels: Levels
    combinations: Float  # (G, K)
    kept: tuple[int, ...]
    maps: Float  # (G, p, P)
    active: tuple[int, ...]
    by_unit: bool
    scores: Float | None  # (N, P), to which those of a time are added here; None: they are handed back
    threads: int

    def prepare(self) -> Callable[[int], tuple[Float, Float]]:
        plan, ladder, N = self.plan, self.plan.short_ladder, len(self.plan.units)
        places = ladder.places(self.plan.filtered)
        combine = np.zeros((len(self.combinations), ladder.width))
        for place, column in zip(places, self.combinations.T, strict=True):
            combine[:, place] += column
        kept = [places[j] for j in self.kept]
        size = self.maps.shape[2]

        def work(number: int) -> tuple[Float, Float]:
            there: NDArray[np.intp] | None = None
            if isinstance(plan, ObservedPlan):
                there = np.flatnonzero(plan.mask(number))
                period, _ = observed_period(plan, ladder, number, self.levels, self.threads)
            else:
                stems = plan.read(number)
                for taken in (self.levels.first, self.levels.mean):
                    if taken is not None:
                        stems -= taken
                period = period_of(plan, ladder, stems, self.threads)
            n = len(period.steps[0])
            residuals = np.empty((len(self.active), n))
            outer, mine = (
                Sum((size, size)),
                np.zeros((N if self.by_unit and self.scores is None else 0, size)),
            )

            def tile(rows: slice) -> Float | None:
                Z = period.rows(rows)
                e, H = Z @ combine.T, Z[:, kept]
                residuals[:, rows] = e[:, list(self.active)].T
                s = np.zeros((len(Z), size))
                for g, block in enumerate(self.maps):
                    s += e[:, [g]] * (H @ block)
                if not self.by_unit:
                    return s.T @ s
                units = rows if there is None else there[rows]
                if self.scores is None:
                    mine[units] = s
                else:
                    self.scores[units] += s
                return None

            over_tiles(n, tile, lambda part: None if part is None else outer.add(part), self.threads)
            return mine if self.by_unit else outer.value, residuals

        return work


@dataclass(frozen=True, eq=False)
class _Residuals:
    """Filtered residuals (E, T, N), in memory or, where they are many, in a file that is read in parts.

    Parameters
    ----------
    held : array (E, T, N) or Path
    shape : (int, int, int)
    """

    held: Float | Path
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, folder: Path, shape: tuple[int, int, int]) -> _Residuals:
        """Take the room: a disk that is full later would end the process."""
        size = 8 * math.prod(shape)
        if size <= _MOST_BYTES:
            return cls(np.empty(shape), shape)
        file = folder / "residuals"
        try:
            with file.open("wb") as stream:
                if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
                    os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            raise DataError(
                f"The residuals need {written_bytes(size)} in {folder.parent}, and there is no room "
                f"({error}). Free it, set TMPDIR to another disk, or take cov='hom', which keeps none."
            ) from error
        return cls(file, shape)

    def put(self, time: int, values: Float) -> None:
        """Keep those of a time, (E, N)."""
        if not isinstance(self.held, Path):
            self.held[:, time] = values
            return
        with self.held.open("r+b") as stream:
            for e, row in enumerate(values):
                stream.seek(8 * (e * self.shape[1] + time) * self.shape[2])
                stream.write(row.tobytes())

    def of_units(self, units: NDArray[np.intp]) -> Float:
        """Return those of some units, ascending, (E, T, n)."""
        E, T, N = self.shape
        if not isinstance(self.held, Path):
            return self.held[:, :, units]
        out, count = np.empty((E, T, len(units))), int(units[-1] - units[0]) + 1
        for e in range(E):
            for t in range(T):
                start = 8 * ((e * T + t) * N + int(units[0]))
                out[e, t] = np.fromfile(self.held, count=count, offset=start)[units - units[0]]
        return out


def second_pass(
    space: GramSpace,
    step: Step,
    active: list[int],
    kind: Kind,
    workers: Workers,
    progress: bool | None,
    folder: Path,
) -> tuple[Float, _Residuals]:
    """Return the meat, and the filtered residuals (E, T, N) of the equations with errors."""
    plan, N, T = space.plan, len(space.plan.units), space.plan.n_times
    slices = plan.structure.slices
    V = np.stack([space.weights(g, float(step.rho[g]), step.fit.delta[s]) for g, s in enumerate(slices)])
    maps = np.stack([space.inverse @ block.T for block in step.fit.gamma])
    # Here one time after the other, so that scores by unit are held once.
    outside, threads = (1, workers) if isinstance(workers, int) else (workers, 1)
    size = maps.shape[2]
    by_unit, outer = np.zeros((N if kind == "cluster" else 0, size)), Sum((size, size))
    job = _Scores(
        plan,
        space.sums.levels,
        V,
        space.kept,
        maps,
        tuple(active),
        kind == "cluster",
        by_unit if isinstance(workers, int) else None,
        threads,
    )
    kept = _Residuals.of(folder, (len(active), T, N))

    def collect(number: int, part: tuple[Float, Float]) -> int:
        if kind != "cluster":
            outer.add(part[0])
        elif len(part[0]):
            np.add(by_unit, part[0], out=by_unit)
        if active:
            kept.put(number, part[1])
        return 1

    with blas_on_one_thread():
        run_tasks(
            range(T),
            job,
            collect,
            workers=outside,
            total=T,
            seconds=1e-6 * plan.n_rows,
            progress=progress,
            label="scores",
        )
        if kind == "heteroskedastic":
            return outer.value * (plan.n_rows / space.n), kept
        for rows in tiles(N):
            outer.add(outer_meat(by_unit[rows], 1.0))
    return outer.value * (N / (N - 1)), kept
