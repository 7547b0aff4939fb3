r"""Where a slope changes: least squares over all thresholds, likelihood ratios, and a bootstrap of F.

.. math::

    y_{it} = \mu_i + \sum_r \beta_r' x_{it}\, 1(\gamma_{r-1} < q_{it} \le \gamma_r) + \theta' z_{it} + e_{it}

Hansen (1999, Journal of Econometrics 93).  Everything here is an array with the effects taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError
from spatial.models.data.design import Design

__all__ = [
    "Search",
    "bootstrap_f",
    "critical_value",
    "kept_thresholds",
    "model_of",
    "ratio_intervals",
    "regimes_of",
    "search",
]

Float = NDArray[np.float64]
Project = Callable[[Float], Float]
Place = NDArray[np.intp]


def critical_value(level: float) -> float:
    r"""Return :math:`c(\alpha) = -2\log(1 - \sqrt{1 - \alpha})`, Hansen (1999, equation 10).

    Examples
    --------
    >>> [round(critical_value(level), 2) for level in (0.90, 0.95, 0.99)]
    [5.94, 7.35, 10.59]
    """
    return float(-2.0 * np.log(1.0 - np.sqrt(level)))


def regimes_of(q: Float, thresholds: Sequence[float]) -> Place:
    """Return the regime of each row: 0 where q is at or below the first threshold."""
    return np.searchsorted(np.sort(thresholds), q, side="left").astype(np.intp)


@dataclass(frozen=True, eq=False)
class Step:
    """One search with the other thresholds held.

    Parameters
    ----------
    candidates : array (C,)
    ssr : array (C,)
        Sum of squared residuals with the threshold there.
    bases : array (C, R, m)
        Orthonormal columns that the new threshold adds to the model without it.
    """

    candidates: Float
    ssr: Float
    bases: Float

    @property
    def best(self) -> int:
        """Where the sum of squares is smallest."""
        return int(np.argmin(self.ssr))


@dataclass(frozen=True, eq=False)
class Search:
    """All thresholds, and the steps that found and refined them.

    Parameters
    ----------
    thresholds : tuple of float
        In the order of the search.
    steps : tuple of Step
        The first search of each, which its F test repeats on bootstrap samples.
    refined : tuple of Step
        The last search of each, given the others: its interval.
    """

    thresholds: tuple[float, ...]
    steps: tuple[Step, ...]
    refined: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """Data of a threshold model.

    Parameters
    ----------
    y : array (R,)
        Effects out.
    X : array (R, k)
        Regressors whose slopes change, as they are.
    Z : array (R, m)
        The other regressors, effects out.
    q : array (R,)
        The threshold variable.
    project : function
        Takes the effects out.
    smallest : int
        Fewest rows of a regime.
    candidates : array (C,)
    """

    y: Float
    X: Float
    Z: Float
    q: Float
    project: Project
    smallest: int
    candidates: Float

    def columns(self, thresholds: Sequence[float]) -> Float:
        """Return the regressors of all regimes side by side, effects out, and the others."""
        regime = regimes_of(self.q, thresholds)
        parts = [self.X * (regime == r)[:, None] for r in range(len(thresholds) + 1)]
        return np.column_stack([self.project(np.column_stack(parts)), self.Z])


def model_of(
    design: Design, q: Float, places: list[int], trim: float, grid: int, endogenous: Sequence[bool]
) -> Model:
    """Return the data of a threshold model: fitted values stand for endogenous regressors."""
    columns = list(design.regressors[0])
    X = design.columns[:, columns].copy()
    if any(endogenous):
        X = _fitted(design, X, endogenous)
    others = [j for j in range(len(columns)) if j not in places]
    smallest = max(2, int(np.ceil(trim * len(q))))
    values = np.unique(q)
    ranks = np.sort(q)
    values = values[(values >= ranks[smallest - 1]) & (values < ranks[len(q) - smallest])]
    if len(values) > grid:
        values = np.unique(np.quantile(values, np.linspace(0, 1, grid), method="inverted_cdf"))
    if not len(values):
        raise DataError("No value of the threshold variable leaves enough rows on both sides; lower trim.")
    Z = design.effects.project(X[:, others]) if others else np.zeros((len(q), 0))
    y = design.projected[:, design.outcomes[0]]
    return Model(y, X[:, places], Z, q, design.effects.project, smallest, values)


def _fitted(design: Design, X: Float, endogenous: Sequence[bool]) -> Float:
    """Replace endogenous columns by the fitted values of their reduced forms, effects and all."""
    if not design.external:
        names = [t.name for t, e in zip(design.structure.equations[0].terms, endogenous, strict=True) if e]
        raise FormulaError(f"{names[0]} is endogenous: name instruments, '| endog ~ instruments'.")
    H = np.column_stack([X[:, [not e for e in endogenous]], *design.external.values()])
    H = design.effects.project(H)
    out = X.copy()
    for j in np.flatnonzero(endogenous):
        x = design.effects.project(X[:, j])
        out[:, j] = X[:, j] - (x - H @ np.linalg.lstsq(H, x, rcond=None)[0])
    return out


def search(model: Model, count: int) -> Search:
    """Find `count` thresholds one after the other; refine those before, given those after (Hansen, 5.3)."""
    found: list[float] = []
    steps: list[Step] = []
    for _ in range(count):
        steps.append(_step(model, found))
        found.append(float(steps[-1].candidates[steps[-1].best]))
    refined = list(steps)
    if count > 1:
        for place in range(count - 1):
            others = [value for j, value in enumerate(found) if j != place]
            refined[place] = _step(model, others)
            found[place] = float(refined[place].candidates[refined[place].best])
        refined[-1] = _step(model, found[:-1])
        found[-1] = float(refined[-1].candidates[refined[-1].best])
    return Search(tuple(found), tuple(steps), tuple(refined))


def _step(model: Model, held: Sequence[float]) -> Step:
    allowed = np.array([_large_enough(model, [*held, value]) for value in model.candidates])
    if not allowed.any():
        raise DataError(
            f"No threshold leaves {model.smallest} rows in each of {len(held) + 2} regimes: ask for fewer "
            "regimes, or a smaller trim."
        )
    candidates = model.candidates[allowed]
    base = _orthonormal(model.columns(held))
    y = model.y - base @ (base.T @ model.y)
    bases = []
    for value in candidates:
        regime = regimes_of(model.q, held)
        # The new threshold cuts one regime in two: the part at or below it is what the model gains.
        cut = regimes_of(np.array([value]), held)[0]
        inside = (regime == cut) & (model.q <= value)
        bases.append(_added(model.project(model.X * inside[:, None]), base))
    stacked = np.stack(bases)
    gain = np.einsum("crm,r->cm", stacked, y)
    return Step(candidates, float(y @ y) - np.sum(gain**2, axis=1), stacked)


def _large_enough(model: Model, thresholds: Sequence[float]) -> bool:
    if len(set(thresholds)) < len(thresholds):
        return False
    counts = np.bincount(regimes_of(model.q, thresholds), minlength=len(thresholds) + 1)
    return bool(counts.min() >= model.smallest)


def _orthonormal(columns: Float) -> Float:
    if columns.shape[1] == 0:
        return columns
    size = np.linalg.norm(columns, axis=0)
    U, values, _ = np.linalg.svd(columns / np.where(size > 0, size, 1.0), full_matrices=False)
    return np.asarray(U[:, values > 1e-9 * values[0]])


def _added(columns: Float, base: Float) -> Float:
    """Return orthonormal columns for what `columns` add to `base`; zero where they add nothing."""
    size = np.linalg.norm(columns, axis=0)
    left = columns - base @ (base.T @ columns)
    left = left - base @ (base.T @ left)
    U, values, _ = np.linalg.svd(left / np.where(size > 0, size, 1.0), full_matrices=False)
    return np.asarray(U * (values > 1e-8))


# ---- intervals
def ratio_intervals(
    model: Model, found: Search, level: float, units: int, times: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return each threshold with its interval by the likelihood ratio, and the ratio at all candidates."""
    rows: list[tuple[int, float, float, float, bool]] = []
    curves: list[pd.DataFrame] = []
    critical = critical_value(level)
    final = min(float(step.ssr.min()) for step in found.refined)
    sigma2 = final / (units * max(times - 1, 1))  # as Hansen divides
    for value, step in sorted(zip(found.thresholds, found.refined, strict=True), key=lambda pair: pair[0]):
        number = len(rows) + 1
        lr = (step.ssr - step.ssr.min()) / sigma2
        inside = step.candidates[lr <= critical]
        edge = value in (model.candidates[0], model.candidates[-1])
        rows.append((number, value, float(inside.min()), float(inside.max()), bool(edge)))
        curves.append(pd.DataFrame({"threshold": number, "value": step.candidates, "lr": lr}))
    frame = pd.DataFrame(rows, columns=["threshold", "estimate", "conf_low", "conf_high", "at_edge"])
    return frame, pd.concat(curves, ignore_index=True)


def kept_thresholds(estimates: Sequence[float], curve: pd.DataFrame, level: float) -> Iterator[list[float]]:
    """Yield the thresholds with each in turn at a value that its likelihood ratio keeps."""
    critical = critical_value(level)
    for place in range(len(estimates)):
        own = curve[(curve["threshold"] == place + 1) & (curve["lr"] <= critical)]
        for value in own["value"]:
            yield [float(value) if j == place else float(e) for j, e in enumerate(estimates)]


# ---- the test
def bootstrap_f(
    model: Model, step: Step, held: Sequence[float], blocks: Place, times: int, draws: int, seed: int
) -> tuple[float, Float]:
    r"""Return F of one threshold more, and its draws under the null of none (Hansen 1999, section 5).

    .. math:: F = (S_0 - S_1(\hat\gamma)) / \hat\sigma^2, \qquad \hat\sigma^2 = S_1(\hat\gamma)/(n(T-1))

    (n in a cross-section, T = 1).  Residuals of the larger model are drawn by whole units, with
    replacement; regressors and q are held.  F does not depend on the coefficients under the null, nor on
    the effects.

    Parameters
    ----------
    blocks : int array (R,)
        The unit of each row; rows of a unit are in the order of time, and all units have the same times.
    times : int
        T.
    """
    base = _orthonormal(model.columns(held))
    null = model.y - base @ (base.T @ model.y)
    gain = step.bases[step.best]
    residual = null - gain @ (gain.T @ null)
    count = len(model.y) // times
    df = count * max(times - 1, 1)  # as Hansen divides; rows of a cross-section
    order = np.argsort(blocks, kind="stable")
    by_unit = residual[order].reshape(count, times)
    statistic = _f(null[:, None], step.bases, df)[0]
    rng = np.random.default_rng(seed)
    out = np.empty(draws)
    for first in range(0, draws, 50):
        size = min(50, draws - first)
        drawn = by_unit[rng.integers(0, count, size=(size, count))].reshape(size, -1)
        y = np.empty_like(drawn)
        y[:, order] = drawn
        clean = model.project(np.ascontiguousarray(y.T))
        clean = clean - base @ (base.T @ clean)
        out[first : first + size] = _f(clean, step.bases, df)
    return float(statistic), out


def _f(y: Float, bases: Float, df: int) -> Float:
    """Return sup F for columns of y from which the smaller model is taken out; (B,)."""
    total = np.sum(y**2, axis=0)
    best = np.zeros(y.shape[1])
    flat = np.ascontiguousarray(bases.transpose(0, 2, 1))
    for first in range(0, len(flat), 100):
        part = flat[first : first + 100]
        gain = (part.reshape(-1, part.shape[2]) @ y).reshape(part.shape[0], part.shape[1], -1)
        best = np.maximum(best, np.sum(gain**2, axis=1).max(axis=0))
    return np.asarray(best / ((total - best) / df))
