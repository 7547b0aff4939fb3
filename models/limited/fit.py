"""`TobitFit`: the result of a Tobit model, its coefficients, facts and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import remarks, shown
from spatial.models.data.rows import RowChoice
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.measures import inference_frame
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import HypothesisTest
from spatial.models.summaries import equation_table, errors_line
from spatial.results import Fit
from spatial.words import tell

from .likelihood import Censored
from .margins import At, MarginalEffects, marginal_effects

__all__ = ["Effects", "TobitFit"]

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
    covariance: Covariance
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
        f"{shown(_TITLES[fit.effects_kind])}{tell(': ', '：')}{fit.equation}",
        tell(
            f"Observations = {fit.n_obs}: {fit.n_obs - fit.n_left - fit.n_right} uncensored, {fit.n_left} "
            f"left-censored, {fit.n_right} right-censored ({limits})",
            f"观测值 {fit.n_obs}：未截取 {fit.n_obs - fit.n_left - fit.n_right}，左截取 {fit.n_left}，"
            f"右截取 {fit.n_right}（{limits.replace('lower', '下限').replace('upper', '上限')}）",
        ),
        tell(
            f"Units = {fit.n_units}, observations of a unit = {low} to {high}, "
            f"mean {fit.n_obs / fit.n_units:.1f}",
            f"个体数 {fit.n_units}，每个个体的观测值 {low} 至 {high}，平均 {fit.n_obs / fit.n_units:.1f}",
        ),
    ]
    if fit.effects_kind:
        lines.append(
            tell(
                f"Unit effects: Gaussian.  Integration: adaptive Gauss-Hermite, {fit.points} points.",
                f"个体效应：正态。积分：自适应 Gauss–Hermite，{fit.points} 个节点。",
            )
        )
    lines += [
        tell("Log-likelihood = {:.4f}.  ", "对数似然 = {:.4f}。").format(fit.log_likelihood)
        + errors_line(fit.covariance.label),
        "",
        equation_table(table),
        "",
    ]
    if fit.effects_kind:
        lines.append(f"rho = sigma_u^2 / (sigma_u^2 + sigma_e^2) = {fit.rho:.4f}")
    lines += [str(test) for test in fit.tests]
    lines += remarks(fit.notes)
    lines.append(
        tell(
            "Coefficients are slopes of the latent outcome; see marginal_effects() for the observed one.",
            "系数为潜变量的斜率；对观测变量的效应见 marginal_effects()。",
        )
    )
    return "\n".join(lines)
