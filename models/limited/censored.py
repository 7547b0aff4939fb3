"""Tobit models of panels: pooled, with random effects, and with effects correlated with the regressors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, SpatialWarning, did_you_mean
from spatial.models.data.given import Lags
from spatial.models.data.layout import Layout
from spatial.models.data.rows import RowChoice
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.measures import inference_frame
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import HypothesisTest, cluster_sums, wald
from spatial.models.summaries import equation_table
from spatial.models.system import SpatialSystem
from spatial.results import Fit

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
from .margins import At, MarginalEffects, marginal_effects

__all__ = ["TobitFit", "tobit"]

Float = NDArray[np.float64]
Effects = Literal["random", "correlated"]

_TITLES = {
    None: "Pooled Tobit",
    "random": "Random-effects Tobit",
    "correlated": "Correlated random-effects Tobit (Mundlak)",
}
_NAMES = {None: "Tobit", "random": "RE Tobit", "correlated": "CRE Tobit"}


@dataclass(frozen=True, eq=False, repr=False)
class TobitFit(Fit):
    """A Tobit fit; immutable, without the data frame.

    Parameters
    ----------
    equation : str
        The outcome.
    params : Series
        Coefficients of the latent outcome, by (equation, term); means of units are ``mean(x)``.
    sigma_u, sigma_e : float
        Standard deviations of the unit effect (0 where there is none) and of the error.
    joint_cov : DataFrame
        Covariance of `params`, ``sigma_u`` and ``sigma_e``.
    covariance : Covariance
    effects_kind : "random", "correlated" or None
    lower, upper : float
    n_left, n_right : int
        Censored rows.
    n_units, n_times, n_obs : int
    per_unit : tuple of int
        Fewest and most rows of a unit.
    log_likelihood : float
    points : int
        Of the quadrature; 0 where there is none.
    tests : tuple of HypothesisTest
        Wald test of all slopes, of sigma_u = 0, and of the means of units.
    notes, stamps : tuple of str
    choice : RowChoice, optional
        The condition of the rows.
    """

    equation: str
    params: pd.Series[float]
    sigma_u: float
    sigma_e: float
    joint_cov: pd.DataFrame
    covariance: choice.Covariance
    effects_kind: Effects | None
    lower: float
    upper: float
    n_left: int
    n_right: int
    n_units: int
    n_times: int
    n_obs: int
    per_unit: tuple[int, int]
    log_likelihood: float
    points: int
    tests: tuple[HypothesisTest, ...] = ()
    notes: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    choice: RowChoice | None = None
    _data: Censored | None = field(default=None, repr=False)
    _theta: Float = field(default_factory=lambda: np.zeros(0), repr=False)
    _theta_cov: Float = field(default_factory=lambda: np.zeros((0, 0)), repr=False)

    figure = "coefficient_plot"

    @property
    def effects(self) -> tuple[str, ...]:
        """Fixed effects: none."""
        return ()

    @property
    def method(self) -> str:
        """Short name, for tables."""
        return _NAMES[self.effects_kind]

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        return self.joint_cov.iloc[: len(self.params), : len(self.params)]

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors of `params`."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    @property
    def rho(self) -> float:
        """Share of the variance of the unit effect, as xttobit prints it."""
        return self.sigma_u**2 / (self.sigma_u**2 + self.sigma_e**2)

    @property
    def facts(self) -> tuple[tuple[str, float], ...]:
        """What a table prints below the coefficients."""
        found = [("left_censored", float(self.n_left)), ("right_censored", float(self.n_right))]
        found = [f for f in found if f[1] > 0]
        found += [("sigma_u", self.sigma_u)] if self.effects_kind else []
        return (*found, ("sigma_e", self.sigma_e), ("log_likelihood", self.log_likelihood))

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient, then one for each standard deviation."""
        values = [*self.params, *([self.sigma_u] if self.effects_kind else []), self.sigma_e]
        estimate, error = np.array(values), np.sqrt(np.diag(self.joint_cov))
        frame = inference_frame(estimate, error, level, self.joint_cov.index)
        frame.loc[len(self.params) :, "p_value"] = np.nan  # zero lies at the bound of a standard deviation
        return frame

    def glance(self) -> pd.DataFrame:
        """Return one row: the method, the size, the censored rows and the likelihood."""
        row = {
            "method": self.method,
            "covariance": self.covariance.label,
            "n_units": self.n_units,
            "n_times": self.n_times,
            "n_obs": self.n_obs,
            "n_left_censored": self.n_left,
            "n_right_censored": self.n_right,
            "n_uncensored": self.n_obs - self.n_left - self.n_right,
            "log_likelihood": self.log_likelihood,
            "sigma_u": self.sigma_u,
            "sigma_e": self.sigma_e,
            "rho": self.rho,
            "points": self.points,
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the outcome and the size."""
        return f"{self.method}: {self.equation}; N = {self.n_units}, T = {self.n_times}"

    def summary(self) -> str:
        """Return what xttobit prints, and the notes."""
        return _summary(self)

    def marginal_effects(self, at: At = "average") -> MarginalEffects:
        r"""Return effects on the latent, the expected and the uncensored outcome, and on P(uncensored).

        The unit effect is integrated out: the spread is :math:`s^2 = \sigma_u^2 + \sigma_e^2`.  A product or
        a power is a term of its own here.

        Parameters
        ----------
        at : "average" or "means"
            Averaged over the rows, or at the means of the regressors.
        """
        if at not in ("average", "means"):
            raise DataError(
                f"at is 'average' or 'means'; got {at!r}.{did_you_mean(at, ['average', 'means'])}"
            )
        assert self._data is not None
        random = self.effects_kind is not None
        k = len(self.params)

        def spread(theta: Float) -> float:
            return float(np.sqrt(np.exp(2 * theta[-1]) + (theta[k] ** 2 if random else 0.0)))

        names = list(self.params.index.get_level_values(1))
        terms = {n: j for j, n in enumerate(names) if n != CONSTANT and not n.startswith("mean(")}
        limits = (self.lower, self.upper)
        frame = marginal_effects(self._data.X, self._theta, self._theta_cov, spread, limits, terms, at)
        return MarginalEffects(frame, self.equation, at)


def tobit(
    formula: str,
    panel: Any,
    *,
    lower: float | None = 0.0,
    upper: float | None = None,
    effects: Effects | None = "random",
    points: int = 12,
    cov: str | choice.Covariance = "cluster",
    weights: Any = None,
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
    """Climb on columns of unit size, and bring the answer back."""
    scale = np.sqrt(np.mean(data.X**2, axis=0))
    scaled = Censored(data.y, data.X / scale, data.unit, data.lower, data.upper)
    slopes = np.linalg.lstsq(scaled.X, data.y, rcond=None)[0]
    spread = float(np.std(data.y - scaled.X @ slopes))
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
    back = np.r_[1.0 / scale, np.ones(len(found.theta) - k)]
    theta = found.theta * back
    if effects is not None:
        theta[k] = abs(theta[k])
    sign = np.ones(len(theta))
    if effects is not None and found.theta[k] < 0:
        sign[k] = -1.0
    scores = found.scores / back * sign
    hessian = found.hessian / np.outer(back, back) * np.outer(sign, sign)
    return Maximum(theta, found.log_likelihood, scores, hessian, found.steps), rule


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
        case choice.Cluster(by=by):
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
    tests = _tests(data, maximum, theta, V, terms, means, effects, name)
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
        HypothesisTest(
            "LR of sigma_u", "sigma_u = 0", ratio, "chibar2", 1, equation=name, detail="pooled beside it"
        )
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
        warnings.warn(
            f"The log-likelihood changes by {change:.3g} with {2 * points} points in place of {points}: "
            f"raise points=, as points={4 * points}.",
            SpatialWarning,
            stacklevel=5,
        )
    return [f"log-likelihood with {2 * points} points in place of {points}: {twice:.6f}"]


# ---- as text
def _summary(fit: TobitFit) -> str:
    table = fit.tidy()
    low, high = fit.per_unit
    limits = ", ".join(
        f"{side} = {value:g}"
        for side, value in (("lower", fit.lower), ("upper", fit.upper))
        if np.isfinite(value)
    )
    lines = [
        f"{_TITLES[fit.effects_kind]}: {fit.equation}",
        f"Observations = {fit.n_obs}: {fit.n_obs - fit.n_left - fit.n_right} uncensored, {fit.n_left} "
        f"left-censored, {fit.n_right} right-censored ({limits})",
        f"Units = {fit.n_units}, observations of a unit = {low} to {high}, "
        f"mean {fit.n_obs / fit.n_units:.1f}",
    ]
    if fit.effects_kind:
        lines.append(f"Unit effects: Gaussian.  Integration: adaptive Gauss-Hermite, {fit.points} points.")
    lines += [
        f"Log-likelihood = {fit.log_likelihood:.4f}.  Standard errors: {fit.covariance.label}.",
        "",
        equation_table(table),
        "",
    ]
    if fit.effects_kind:
        lines.append(f"rho = sigma_u^2 / (sigma_u^2 + sigma_e^2) = {fit.rho:.4f}")
    lines += [str(test) for test in fit.tests]
    lines += [f"Note: {note}." for note in fit.notes]
    lines.append(
        "Coefficients are slopes of the latent outcome; see marginal_effects() for the observed one."
    )
    return "\n".join(lines)
