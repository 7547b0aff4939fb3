"""Tobit models of panels: pooled, with random effects, and with effects correlated with the regressors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, did_you_mean, hinted, warn
from spatial.models.data.given import Lags
from spatial.models.data.layout import Layout
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import NORMAL, HypothesisTest, cluster_sums, wald
from spatial.models.system import SpatialSystem
from spatial.panel.panel import PanelLike
from spatial.weights.value import WeightsLike

from .fit import Effects, TobitFit
from .likelihood import (
    Censored,
    Maximum,
    Quadrature,
    Scores,
    adapted_grid,
    maximise,
    pooled_scores,
    random_effects_scores,
)

__all__ = ["tobit"]

Float = NDArray[np.float64]


@hinted
def tobit(
    formula: str,
    panel: PanelLike,
    *,
    lower: float | None = 0.0,
    upper: float | None = None,
    effects: Effects | None = "random",
    points: int = 12,
    cov: str | choice.Covariance = "cluster",
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    where: str | None = None,
    lags: Lags = "full",
) -> TobitFit:
    r"""Estimate an outcome that is censored at limits, as a share that is 0 in many cities.

    .. math::

        y^*_{it} = x_{it}'\beta + \bar x_i'\pi + u_i + \epsilon_{it}, \quad u_i \sim N(0, \sigma_u^2),
        \quad \epsilon_{it} \sim N(0, \sigma_e^2), \qquad y_{it} = \min\{\max\{y^*_{it}, L\}, U\}

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + W(x2) + C(year)"``; times enter as ``C(year)``.
    panel : Panel or DataFrame
    lower, upper : float or None
        Limits L and U; values at or beyond them are censored.
    effects : "random", "correlated" or None
        A normal effect of the unit, independent of x (:math:`\pi = 0`); one that may depend on the means of
        x over time (Mundlak 1978; Chamberlain 1980), which is the answer to a "fixed-effects Tobit", whose
        slopes and errors are inconsistent for few times (Greene 2004); or a pooled Tobit.
    points : int
        Of the adaptive Gauss-Hermite quadrature.
    cov : str or Covariance
        ``"cluster"`` by unit (sandwich), ``"hom"``: the inverse of the information, as xttobit's default;
        for a pooled Tobit also ``"het"``.
    weights : Weights, Graph, W or dict, optional
        For spatial lags of exogenous variables.
    where : str, optional
        Which rows are used, as ``"level != 'capital'"``; chosen after the lags.
    lags : "full" or "within"
        Lags over the whole map, or among the chosen rows.

    Raises
    ------
    DataError
        Where nothing, or everything, is censored.
    FormulaError
        For unit effects as dummies, endogenous regressors, or a lag of the outcome.

    References
    ----------
    Tobin (1958); Greene (2004, Econometrics Journal 7); Liu and Pierce (1994, Biometrika 81); Wooldridge
    (2010), sections 17.2 and 17.8.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel.panel import Panel
    >>> rng = np.random.default_rng(0)
    >>> grid = pd.MultiIndex.from_product([range(80), range(5)], names=["city", "year"]).to_frame(index=False)
    >>> data = grid.assign(x=rng.normal(size=400))
    >>> data["y"] = np.maximum(data.x + rng.normal(size=80)[data.city] + rng.normal(size=400), 0)
    >>> fit = tobit("y ~ x", Panel.from_frame(data, unit="city", time="year"))
    >>> fit.params.round(1).to_dict(), fit.n_left
    ({('y', 'Intercept'): 0.0, ('y', 'x'): 1.0}, 204)
    """
    limits = _limits(lower, upper)
    _check(effects, points)
    value = choice.as_covariance(cov)
    system = _system(formula, panel, weights, where, lags)
    layout, equation = system.design.layout, system.structure.equations[0]
    order = np.argsort(layout.unit, kind="stable")
    y = system.design.columns[order, system.design.outcomes[0]]
    X = system.design.columns[np.ix_(order, np.array(system.design.regressors[0]))]
    terms = [t.name for t in equation.terms]
    data = Censored(y, X, layout.unit[order], *limits)
    _refuse_uncensored(equation.name, data)
    if effects is not None and layout.n_times < 2:
        raise DataError(
            "A random effect of the unit needs two times or more; the data have one. Use effects=None."
        )
    means: list[str] = []
    if effects == "correlated":
        data, means = _with_means(data, terms)
    maximum, rule = _maximum(data, effects, points)
    clusters = _clusters(value, system, layout, order)
    return _result(data, maximum, rule, [*terms, *means], means, effects, value, clusters, system)


# ---- what is asked for
def _limits(lower: float | None, upper: float | None) -> tuple[float, float]:
    low = -np.inf if lower is None else float(lower)
    high = np.inf if upper is None else float(upper)
    if not low < high or np.isnan(low) or np.isnan(high):
        raise DataError(f"lower must be below upper; got lower = {lower}, upper = {upper}.")
    if np.isinf(low) and np.isinf(high):
        raise DataError("A Tobit needs a limit: lower=, upper=, or both. Without one use fixed_effects.")
    return low, high


def _check(effects: object, points: object) -> None:
    if effects not in ("random", "correlated", None):
        allowed = "'random', 'correlated' or None"
        if effects == "unit" or (isinstance(effects, (tuple, list)) and "unit" in effects):
            raise DataError(
                "A Tobit with an effect for each unit is inconsistent for few times (the incidental "
                "parameters; Greene 2004): use effects='correlated': they may depend on the regressors."
            )
        raise DataError(
            f"effects is {allowed}; got {effects!r}.{did_you_mean(effects, ['random', 'correlated'])}"
        )
    if not choice.is_whole(points, 2) or int(points) > 200:  # type: ignore[call-overload]
        raise DataError(f"points is a whole number from 2 to 200; got {points!r}.")


def _system(formula: str, panel: Any, weights: Any, where: str | None, lags: Lags) -> SpatialSystem:
    if not isinstance(formula, str):
        raise FormulaError(f"tobit takes one formula; got {type(formula).__name__}.")
    system = SpatialSystem(formula, panel, weights, iv_order=1, where=where, lags=lags)
    if system.effects:
        if "unit" in system.effects:
            _check("unit", 12)
        raise FormulaError(
            f"tobit takes no effects after '|' ({', '.join(system.effects)}): write C({system.effects[0]})."
        )
    bad = [t.name for _, t in system.structure.terms if t.is_endogenous or t.role == "predetermined"]
    if bad:
        raise FormulaError(
            f"{bad[0]} is endogenous, or made of the outcome: the Tobit here takes exogenous regressors "
            "only. Leave it out, or estimate without censoring by SpatialSystem(...).fit('gs2sls')."
        )
    return system


def _refuse_uncensored(name: str, data: Censored) -> None:
    count = int(data.left.sum() + data.right.sum())
    if count == 0:
        parts = []
        if np.isfinite(data.lower):
            parts.append(f"no value at or below lower = {data.lower:g} (smallest {data.y.min():.4g})")
        if np.isfinite(data.upper):
            parts.append(f"no value at or above upper = {data.upper:g} (largest {data.y.max():.4g})")
        raise DataError(
            f"Nothing is censored: {name} has {' and '.join(parts)}. Use fixed_effects, or say where it is "
            "censored."
        )
    if count == len(data.y):
        raise DataError(f"Every one of the {count} values of {name} is censored: nothing is left to explain.")


def _with_means(data: Censored, terms: list[str]) -> tuple[Censored, list[str]]:
    """Add the unit means of the regressors that vary over time and whose means vary between units."""
    counts = np.diff(np.r_[data.starts, len(data.y)])
    means = (data.by_unit(data.X) / counts[:, None])[data.unit]
    size = np.linalg.norm(data.X, axis=0)
    X, names = data.X, []
    for j, term in enumerate(terms):
        within = np.linalg.norm(data.X[:, j] - means[:, j])
        if term == CONSTANT or within <= 1e-10 * size[j]:
            continue
        fitted = X @ np.linalg.lstsq(X, means[:, j], rcond=None)[0]
        if np.linalg.norm(means[:, j] - fitted) > 1e-8 * max(size[j], 1e-300):
            X = np.column_stack([X, means[:, j]])
            names.append(f"mean({term})")
    if not names:
        raise DataError(
            "No regressor varies both over time and between units, so the effects have nothing to depend on: "
            "use effects='random'."
        )
    return Censored(data.y, X, data.unit, data.lower, data.upper), names


# ---- numbers
def _maximum(data: Censored, effects: Effects | None, points: int) -> tuple[Maximum, Quadrature | None]:
    """Climb on columns of unit size and an outcome that varies by one, and bring the answer back."""
    scale = np.sqrt(np.mean(data.X**2, axis=0))
    of_y = float(np.exp2(np.round(np.log2(np.std(data.y)))))
    scaled = Censored(data.y / of_y, data.X / scale, data.unit, data.lower / of_y, data.upper / of_y)
    slopes = np.linalg.lstsq(scaled.X, scaled.y, rcond=None)[0]
    spread = float(np.std(scaled.y - scaled.X @ slopes))
    k = len(slopes)

    def pooled(theta: Float) -> Scores:
        return pooled_scores(scaled, theta)

    found = maximise(lambda _: pooled, np.r_[slopes, np.log(spread)])
    rule = None
    if effects is not None:
        rule = Quadrature.of(points)
        total = float(np.exp(found.theta[k]))
        start = np.r_[found.theta[:k], total * np.sqrt(0.3), np.log(total * np.sqrt(0.7))]
        found = maximise(partial(_around, scaled, rule), start)
    back = np.r_[of_y / scale, np.ones(len(found.theta) - k)]
    if effects is not None:
        back[k] = of_y
    theta = found.theta * back
    theta[-1] += np.log(of_y)
    if effects is not None:
        theta[k] = abs(theta[k])
    sign = np.ones(len(theta))
    if effects is not None and found.theta[k] < 0:
        sign[k] = -1.0
    scores = found.scores / back * sign
    hessian = found.hessian / np.outer(back, back) * np.outer(sign, sign)
    # A density per unit of y: only rows that are not censored have one.
    free = int((~(data.left | data.right)).sum())
    value = found.log_likelihood - free * float(np.log(of_y))
    return Maximum(theta, value, scores, hessian, found.steps), rule


def _around(data: Censored, rule: Quadrature, center: Float) -> Callable[[Float], Scores]:
    """Return the random-effects likelihood with the nodes adapted at `center`."""
    grid = adapted_grid(data, center, rule)
    return lambda theta: random_effects_scores(data, theta, rule, grid)


def _clusters(
    value: choice.Covariance, system: SpatialSystem, layout: Layout, order: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """Return the cluster of each row; None for the information matrix."""
    match value:
        case choice.Homoskedastic():
            return None
        case choice.Heteroskedastic():
            return np.arange(layout.n_rows)
        case choice.Cluster(by=by, small="cr1"):
            codes: NDArray[np.intp] = cluster_codes(by, layout, system._source.lookup(layout))[order]
            return codes
    raise DataError(
        f"tobit has no {value.label} covariance; it has 'cluster', Cluster(by=...), 'hom' and 'het'."
    )


def _covariance(
    data: Censored, maximum: Maximum, clusters: NDArray[np.intp] | None, effects: Effects | None
) -> Float:
    bread = np.linalg.inv(-maximum.hessian)
    if clusters is None:
        return np.asarray(bread)
    if effects is not None:
        first = clusters[data.starts]
        if (clusters != first[data.unit]).any():
            raise DataError(
                "A unit with a random effect lies in one cluster: clusters within units, and 'het', are for "
                "effects=None."
            )
        clusters = np.unique(first, return_inverse=True)[1].astype(np.intp)
    sums = cluster_sums(maximum.scores, clusters)
    return np.asarray(bread @ (sums.T @ sums) @ bread * len(sums) / (len(sums) - 1))


def _result(
    data: Censored,
    maximum: Maximum,
    rule: Quadrature | None,
    terms: list[str],
    means: list[str],
    effects: Effects | None,
    value: choice.Covariance,
    clusters: NDArray[np.intp] | None,
    system: SpatialSystem,
) -> TobitFit:
    name, k = system.structure.names[0], len(terms)
    V = _covariance(data, maximum, clusters, effects)
    theta = maximum.theta
    sigma_e = float(np.exp(theta[-1]))
    sigma_u = float(theta[k]) if effects is not None else 0.0
    jacobian = np.eye(len(theta))
    jacobian[-1, -1] = sigma_e
    labels = [*terms, *(["sigma_u"] if effects is not None else []), "sigma_e"]
    index = pd.MultiIndex.from_product([[name], labels], names=["equation", "term"])
    joint = pd.DataFrame(jacobian @ V @ jacobian, index=index, columns=index)
    notes = list(system.design.notes)
    tests = tuple(
        replace(t, detail=t.detail or f"errors: {value.label}; normal, of one variance")
        for t in _tests(data, maximum, theta, V, terms, means, effects, name)
    )
    if rule is not None:
        notes += _quadrature_notes(data, theta, maximum.log_likelihood, len(rule.nodes))
    counts = np.diff(np.r_[data.starts, len(data.y)])
    return TobitFit(
        name,
        pd.Series(theta[:k], index=index[:k], name="estimate"),
        sigma_u,
        sigma_e,
        joint,
        value,
        effects,
        data.lower,
        data.upper,
        int(data.left.sum()),
        int(data.right.sum()),
        system.design.layout.n_units,
        system.design.layout.n_times,
        len(data.y),
        (int(counts.min()), int(counts.max())),
        maximum.log_likelihood,
        0 if rule is None else len(rule.nodes),
        tests,
        tuple(notes),
        choice=system.design.choice,
        _data=data,
        _theta=theta,
        _theta_cov=V,
    )


def _tests(
    data: Censored,
    maximum: Maximum,
    theta: Float,
    V: Float,
    terms: list[str],
    means: list[str],
    effects: Effects | None,
    name: str,
) -> tuple[HypothesisTest, ...]:
    slopes = [j for j, t in enumerate(terms) if t != CONSTANT]
    out = [wald("Wald", "all slopes are 0", theta[slopes], V[np.ix_(slopes, slopes)], equation=name)]
    if effects is None:
        return tuple(out)
    k = len(terms)
    null = Censored(data.y, data.X, data.unit, data.lower, data.upper)
    pooled = _maximum(null, None, 2)[0].log_likelihood
    # Half a chi2(1): sigma_u lies at its bound under the null (Self and Liang 1987).
    ratio = 2 * (maximum.log_likelihood - pooled)
    ratio = ratio if ratio > 1e-6 else 0.0
    out.append(
        HypothesisTest("LR of sigma_u", "sigma_u = 0", ratio, "chibar2", 1, equation=name, detail=NORMAL)
    )
    if means:
        places = [j for j in range(k) if terms[j] in means]
        out.append(
            wald(
                "Mundlak",
                "the effects do not depend on the means of the regressors",
                theta[places],
                V[np.ix_(places, places)],
                equation=name,
            )
        )
    return tuple(out)


def _quadrature_notes(data: Censored, theta: Float, value: float, points: int) -> list[str]:
    """Compare with twice the points; warn where the integral is not settled (Stata's quadchk)."""
    twice = float(random_effects_scores(data, theta, Quadrature.of(2 * points)).log_likelihood.sum())
    change = abs(twice - value)
    if change > 0.01:
        warn(
            f"The log-likelihood changes by {change:.3g} with {2 * points} points in place of {points}: "
            f"raise points=, as points={4 * points}."
        )
    return [f"log-likelihood with {2 * points} points in place of {points}: {twice:.6f}"]
