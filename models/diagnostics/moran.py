"""Moran's I of the residuals of a fit: its moments given the regressors and effects, and permutations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.pvalues import normal_p, permutation_counts, permutation_p
from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import digits, frame_text
from spatial.models.data.layout import LagOperator
from spatial.models.estimation.covariance import is_whole
from spatial.models.estimation.estimate import Estimate
from spatial.results import Result
from spatial.words import tell

from .space import centring, clustered_variance, symmetric_part
from .subject import Subject

__all__ = ["ResidualMoran", "residual_moran"]

Float = NDArray[np.float64]

_PROBES = 64


@dataclass(frozen=True, eq=False, repr=False)
class ResidualMoran(Result):
    """Moran's I of residuals.

    Parameters
    ----------
    frame : DataFrame
        A row for each equation and weights: `equation`, `weights`, `I`, `expected`, `std_error`,
        `z`, `p_value` (by moments), `p_clustered` (any dependence within a unit), `p_sim` (permutations) and
        `method`, how the moments were found.
    permutations, seed : int
    """

    frame: pd.DataFrame
    permutations: int
    seed: int

    def tidy(self) -> pd.DataFrame:
        """Return a row for each equation and weights."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: how many equations, permutations and the seed."""
        row = {"rows": len(self.frame), "permutations": self.permutations, "seed": self.seed}
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Return I and its p-value, by equation."""
        rows = self.frame.itertuples()
        return "; ".join(f"{r.equation} ({r.weights}): I = {r.I:.3f}, p = {r.p_value:.3f}" for r in rows)

    def summary(self) -> str:
        """Return the table, with what each p-value assumes."""
        title = tell(
            f"Moran's I of residuals, {self.permutations} permutations, seed {self.seed}",
            f"残差的莫兰指数，置换 {self.permutations} 次，随机种子 {self.seed}",
        )
        last = tell(
            "p_value: independent, homoskedastic errors.  p_clustered: any heteroskedasticity and\n"
            "dependence within a unit.  p_sim: whole trajectories of units exchanged over the map.",
            "p 值：误差独立同方差。p（聚类）：允许任意异方差与个体内相关。\n"
            "p（置换）：各个体的整条轨迹在地图上互换。",
        )
        return f"{title}\n{frame_text(self.frame, digits(4, 'g'))}\n{last}"


def residual_moran(
    estimate: Estimate, *, weights: str | None = None, permutations: int = 999, seed: int = 0
) -> ResidualMoran:
    r"""Compute Moran's I of the residuals of each equation.

    .. math:: I = \frac{R}{S_0} \frac{e'(I_T \otimes A)e}{e'e}, \qquad A = (W + W')/2

    With exogenous regressors e = M u with M the projector of regressors and effects, and (Cliff and Ord 1981)

    .. math:: E(I) = \frac{R}{S_0} \frac{\operatorname{tr}(MA)}{\nu}, \qquad
              \mathrm{Var}(I) = \frac{R^2}{S_0^2}
              \frac{2(\nu \operatorname{tr}(MAMA) - \operatorname{tr}(MA)^2)}{\nu^2(\nu + 2)}, \qquad
              \nu = \operatorname{tr} M .

    After instruments these do not hold: the variance is that of Anselin and Kelejian (1997).  By maximum
    likelihood e are the innovations and the variance that of the score of a spatial error in W, so that z^2
    is the Lagrange multiplier test (Anselin 1988).

    Parameters
    ----------
    estimate : Estimate
        Its residuals before spatial errors are filtered out, effects taken out.
    weights : str, optional
        One of the weights; default those of the equation's errors, of its formulas, or those given.
    permutations : int
        0 for none; for balanced panels and cross-sections.
    seed : int
    """
    if not is_whole(permutations, 0):
        raise DataError(f"permutations is a whole number, 0 or more; got {permutations!r}.")
    subject, rows = Subject(estimate), []
    for g, equation in enumerate(subject.names):
        operators = subject.design.tested_weights(g)
        if weights is not None:
            known = {**subject.design.operators, **subject.design.spare_operators}
            if weights not in known:
                raise DataError(
                    f"There are no weights {weights!r}; there are {', '.join(known) or 'none'}."
                    f"{did_you_mean(weights, known)}"
                )
            operators = {weights: known[weights]}
        if not operators:
            raise DataError("Moran's I of residuals needs weights: SpatialSystem(formula, data, W).")
        for name, operator in operators.items():
            own = estimate.residual_moran(name)
            if own is None:
                row = _row(subject, g, operator, int(permutations), seed)
            else:
                row = _likelihood_row(own, operator, int(permutations), seed)
            rows.append({"equation": equation, "weights": name, **row})
    return ResidualMoran(pd.DataFrame(rows), int(permutations), seed)


def _row(
    subject: Subject, g: int, operator: LagOperator, permutations: int, seed: int
) -> dict[str, float | str]:
    e, layout = np.ascontiguousarray(subject.unfiltered_residuals[:, g]), operator.layout
    parts = [symmetric_part(M) for M in operator.matrices]
    A = LagOperator(tuple(parts), layout)
    total = sum(float(m.sum()) for _, _, m in A.blocks())
    if total == 0:
        raise DataError("Moran's I needs links; the weights are empty.")
    scale = layout.n_rows / total / float(e @ e)
    Ae = A(e)
    m = float(e @ Ae)
    time = subject.design.effects.has_time and operator.is_constant and layout.n_units > 2
    centred = m + float(e**2 @ np.tile(centring(parts[0]), layout.n_times)) if time else m
    D = -2 * (Ae @ subject.space.filtered(g, 0.0)[:, 1:])
    place = subject.design.structure.slices[g]
    if subject.endogenous(g).any():
        own = subject.unfiltered.bread[place, place] * float(e @ e) / subject.n
        squares = sum(float(a.multiply(a).sum()) for a in parts)
        if len(parts) == 1:
            squares *= layout.n_times
        phi = 2 * subject.n / layout.n_rows * (float(e @ e) / subject.n) ** 2 * squares
        expected, error = (m - centred) * scale, np.sqrt(phi + D @ own @ D) * scale
        method = "after instruments (Anselin and Kelejian 1997)"
    else:
        mean, variance = _moments(subject, g, A)
        factor = layout.n_rows / total
        expected, error, method = factor * mean, factor * np.sqrt(variance), "given regressors and effects"
    V = subject.clustered(subject.unfiltered, subject.unfiltered_residuals)[place, place]
    robust = np.sqrt(clustered_variance(parts, operator, e) + D @ V @ D)
    z = (m * scale - expected) / error
    return {
        "I": m * scale,
        "expected": float(expected),
        "std_error": float(error),
        "z": float(z),
        "p_value": float(normal_p(z, "two-sided")),
        "p_clustered": float(normal_p(centred / robust, "two-sided")),
        "p_sim": _permuted(e, A, m, permutations, seed),
        "method": method,
    }


def _likelihood_row(
    found: tuple[Float, float, float], operator: LagOperator, permutations: int, seed: int
) -> dict[str, float | str]:
    """Return the row of innovations whose e'We has a known mean and variance."""
    e, mean, variance = found
    total = sum(float(m.sum()) for _, _, m in operator.blocks())
    if total == 0:
        raise DataError("Moran's I needs links; the weights are empty.")
    scale = operator.layout.n_rows / total / float(e @ e)
    m = float(e @ operator(e))
    z = (m - mean) / np.sqrt(variance)
    return {
        "I": m * scale,
        "expected": mean * scale,
        "std_error": float(np.sqrt(variance)) * scale,
        "z": float(z),
        "p_value": float(normal_p(z, "two-sided")),
        "p_clustered": float("nan"),
        "p_sim": _permuted(np.ascontiguousarray(e), operator, m, permutations, seed),
        "method": "given the maximum likelihood estimates (score test)",
    }


def _moments(subject: Subject, g: int, A: LagOperator) -> tuple[float, float]:
    """Return the mean and the variance of e'Ae / e'e for normal errors, given regressors and effects."""
    design = subject.design
    X = design.projected[:, list(design.regressors[g])]
    Q = np.linalg.qr(X)[0]
    nu = subject.n - Q.shape[1]
    trace, square = _effect_traces(subject, A)
    AQ = A(Q)
    inner = Q.T @ AQ
    trace -= float(np.trace(inner))
    square += float(np.sum(inner**2)) - 2 * float(np.sum(AQ * design.effects.project(AQ)))
    return trace / nu, 2 * (nu * square - trace**2) / (nu**2 * (nu + 2))


def _effect_traces(subject: Subject, A: LagOperator) -> tuple[float, float]:
    """Return tr(PA) and tr(PAPA): exact for unit and time effects of a balanced panel, else by probes."""
    effects, layout = subject.design.effects, A.layout
    if effects.is_within or not effects.any:
        kept = [*A.blocks()] if not A.is_constant else [(0, 0, A.matrices[0])]
        times = 1.0 if not A.is_constant else float(layout.n_times - (("unit",) in effects.kept))
        trace, square = 0.0, 0.0
        for _, _, a in kept:
            sums = np.asarray(a.sum(axis=1)).ravel()
            trace += float(a.diagonal().sum())
            square += float(a.multiply(a).sum())
            if effects.has_time:
                n = a.shape[0]
                trace -= sums.sum() / n
                square += -2 * float(sums @ sums) / n + (sums.sum() / n) ** 2
        return times * trace, times * square
    random = np.random.default_rng(np.random.SeedSequence(19810101))
    probes = random.choice(np.array([-1.0, 1.0]), size=(layout.n_rows, _PROBES))
    swept = effects.project(probes)
    lagged = A(swept)
    trace = float(np.sum(swept * lagged)) / _PROBES
    return trace, float(np.sum(effects.project(lagged) ** 2)) / _PROBES


def _permuted(e: Float, A: LagOperator, m: float, permutations: int, seed: int) -> float:
    """Return the two-sided pseudo p-value when the trajectories of the units are exchanged over the map."""
    if not permutations or not A.is_constant:
        return float("nan")
    layout = A.layout
    cube = e.reshape(layout.n_times, layout.n_units)
    random = np.random.default_rng(np.random.SeedSequence(seed))
    found = np.empty(permutations)
    for k in range(permutations):
        moved = cube[:, random.permutation(layout.n_units)].ravel()
        found[k] = moved @ A(moved)
    return float(permutation_p(*permutation_counts(m, found), permutations, "two-sided"))
