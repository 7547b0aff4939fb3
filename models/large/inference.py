"""Covariances of the estimates: from the sums alone, or by a second pass over the data."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError, warn
from spatial.models.estimation.covariance import Cluster, Covariance, Heteroskedastic, Homoskedastic
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.laws import NORMAL, Law
from spatial.models.estimation.pairs import Kind, pair_sums
from spatial.models.estimation.scores import Scores, outer_meat
from spatial.models.estimation.steps import SPATIAL_ERRORS, BoundaryWarning, Method
from spatial.panel.folder import written_bytes

from .columns import Plan
from .steps import GramSpace, Step
from .sums import ROWS, Form, Sum, at_once, period_columns, with_lags

__all__ = ["check_covariance", "infer_from_sums"]

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
            meat, residuals = _second_pass(space, step, active, kind, workers, progress, Path(folder))
        V = step.fit.bread @ meat @ step.fit.bread
        V = (V + V.T) / 2
        count = (len(space.plan.units),) if kind == "cluster" else ()
        law = Law(count[0] - 1) if count else NORMAL
        if not active:
            return Inference(V, np.zeros(0), n_clusters=count, law=law)
        return _joint(space, step, V, active, kind, residuals, count, law)


def _joint(
    space: GramSpace,
    step: Step,
    V: Float,
    active: list[int],
    kind: Kind,
    residuals: Float | None,
    clusters: tuple[int, ...],
    law: Law,
) -> Inference:
    r"""Covariance of all; :math:`\mathrm{Cov}(\hat\delta, \hat\rho_g) = V_{\cdot g}D_g'K_g'`."""
    slices = space.plan.structure.slices
    Phi = _moment_covariance(space, step, active, kind, residuals)
    slopes, fits, weights, influence = [], [], [], []
    for k, g in enumerate(active):
        D = space.slope(g, float(step.rho[g]), step.fit.delta[slices[g]])
        own = slice(2 * k, 2 * k + 2)
        Psi = Phi[own, own] + D @ V[slices[g], slices[g]] @ D.T
        weight = np.asarray(np.linalg.pinv(Psi, hermitian=True), np.float64)
        fit = space.rho(g, step.fit.delta[slices[g]], weight)
        J = fit.jacobian
        slopes.append(D)
        fits.append(fit)
        weights.append(weight)
        influence.append(J @ weight / (J @ weight @ J))
    _warn_bound(space.plan, active, [f.at_bound for f in fits])
    size = len(V)
    total = np.empty((size + len(active),) * 2)
    total[:size, :size] = V
    for k, g in enumerate(active):
        total[:size, size + k] = total[size + k, :size] = V[:, slices[g]] @ slopes[k].T @ influence[k]
        for m, h in enumerate(active):
            block = Phi[2 * k : 2 * k + 2, 2 * m : 2 * m + 2]
            block = block + slopes[k] @ V[slices[g], slices[h]] @ slopes[m].T
            total[size + k, size + m] = influence[k] @ block @ influence[m]
    return Inference(
        total,
        np.array([f.rho for f in fits]),
        tuple(f.at_bound for f in fits),
        tuple(weights),
        clusters,
        law=law,
    )


def _warn_bound(plan: Plan, active: list[int], at_bound: list[bool]) -> None:
    names = [plan.structure.names[g] for g, hit in zip(active, at_bound, strict=True) if hit]
    if names:
        warn(
            f"rho of {', '.join(names)} lies at the bound of the admissible region: the errors do not follow "
            "the model, or the lag of the outcome stands in for them. Read neither rho nor its error.",
            BoundaryWarning,
        )


def _moment_covariance(
    space: GramSpace, step: Step, active: list[int], kind: Kind, residuals: Float | None
) -> Float:
    """Return Phi, (2E, 2E), as `spatial.models.estimation.pairs.moment_covariance` does."""
    sigma = space.sigma(step.rho, step.fit.delta)[np.ix_(active, active)]
    units = [] if residuals is None else [_Rows(values) for values in residuals]
    which = [space.form(g) for g in active]
    used = sorted(set(which))
    total = pair_sums(
        units or [np.zeros((len(space.plan.units), 1))] * len(active),
        [space.forms[f].matrix for f in used],
        [used.index(f) for f in which],
        kind,
        sigma,
        space.n / len(space.plan.units),
    )
    size = 2 * len(active)
    return 4.0 * total.reshape(size, size) / space.n**2


@dataclass(frozen=True, eq=False)
class _Rows:
    """Residuals (T, N), maybe in a file, that are asked for by unit."""

    values: Float

    def __getitem__(self, places: NDArray[np.int64]) -> Float:
        """Return (len(places), T)."""
        return np.stack([np.asarray(row)[places] for row in self.values], axis=1)


@dataclass(frozen=True, eq=False)
class _Scores:
    """The job of the second pass: a task is the number of a time."""

    plan: Plan
    forms: tuple[Form, ...]
    first: Float | None
    mean: Float | None
    combinations: Float  # (G, K)
    kept: tuple[int, ...]
    maps: Float  # (G, p, P)
    active: tuple[int, ...]
    by_unit: bool

    def prepare(self) -> Callable[[int], tuple[Float, Float]]:
        m, time = len(self.plan.nodes), "time" in self.plan.effects

        def work(number: int) -> tuple[Float, Float]:
            X, _ = period_columns(self.plan, number, self.first)
            if self.mean is not None:
                X -= self.mean
            lags = with_lags(X, self.forms, m, time)
            count, size = len(X), self.maps.shape[2]
            residuals = np.empty((len(self.combinations), count))
            scores = np.empty((count if self.by_unit else 0, size))
            outer = Sum((size, size))
            for start in range(0, count, ROWS):
                rows = slice(start, start + ROWS)
                Z = np.hstack([X[rows], *(lag[rows] for lag in lags)])
                e, H = Z @ self.combinations.T, Z[:, list(self.kept)]
                residuals[:, rows] = e.T
                s = sum(
                    (e[:, [g]] * (H @ block) for g, block in enumerate(self.maps)), np.zeros((len(Z), size))
                )
                if self.by_unit:
                    scores[rows] = s
                else:
                    outer.add(s.T @ s)
            return scores if self.by_unit else outer.value, residuals[list(self.active)]

        return work


def _on_disk(file: Path, shape: tuple[int, ...]) -> Float:
    """Return an array in a file that takes its room now: a disk that is full later would end the process."""
    size = 8 * math.prod(shape)
    try:
        with file.open("wb") as stream:
            if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
                os.posix_fallocate(stream.fileno(), 0, size)
    except OSError as error:
        raise DataError(
            f"The residuals need {written_bytes(size)} in {file.parent.parent}, and there is no room "
            f"({error}). Free it, set TMPDIR to another disk, or take cov='hom', which keeps none."
        ) from error
    return np.memmap(file, np.float64, "r+" if file.stat().st_size else "w+", shape=shape)


def _second_pass(
    space: GramSpace,
    step: Step,
    active: list[int],
    kind: Kind,
    workers: Workers,
    progress: bool | None,
    folder: Path,
) -> tuple[Float, Float]:
    """Return the meat, and the filtered residuals (E, T, N) of the equations with errors."""
    plan, N, T = space.plan, len(space.plan.units), space.plan.n_times
    slices = plan.structure.slices
    V = np.stack([space.weights(g, float(step.rho[g]), step.fit.delta[s]) for g, s in enumerate(slices)])
    maps = np.stack([space.inverse @ block.T for block in step.fit.gamma])
    job = _Scores(
        plan,
        space.forms,
        space.sums.first,
        space.sums.mean,
        V,
        space.kept,
        maps,
        tuple(active),
        kind == "cluster",
    )
    size = maps.shape[2]
    by_unit, outer = np.zeros((N if kind == "cluster" else 0, size)), Sum((size, size))
    shape = (len(active), T, N)
    much = 8 * len(active) * T * N > _MOST_BYTES
    kept = _on_disk(folder / "residuals", shape) if much else np.empty(shape)

    def collect(number: int, part: tuple[Float, Float]) -> int:
        if kind == "cluster":
            np.add(by_unit, part[0], out=by_unit)
        else:
            outer.add(part[0])
        kept[:, number] = part[1]
        return 1

    with blas_on_one_thread():
        run_tasks(
            range(T),
            job,
            collect,
            workers=at_once(workers, N * len(space.sums.names)),
            total=T,
            seconds=2e-6 * N * T * len(plan.weights),
            progress=progress,
            label="scores",
        )
        if kind == "heteroskedastic":
            return outer.value * (N * T / space.n), kept
        for start in range(0, N, ROWS):
            rows = by_unit[start : start + ROWS]
            outer.add(outer_meat(rows, 1.0))
    return outer.value * (N / (N - 1)), kept
