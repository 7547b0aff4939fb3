"""`SpregFit`: the result of one of spreg's estimators, in the form of all fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.autocorrelation.global_moran import moran
from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import head, remarks
from spatial.models.data.rows import RowChoice
from spatial.models.diagnostics.moran import ResidualMoran
from spatial.models.estimation.estimate import Estimate
from spatial.models.estimation.laws import Law
from spatial.models.estimation.measures import inference_frame
from spatial.models.hypothesis import HypothesisTest, frame_of
from spatial.models.impacts.map import Horizon
from spatial.models.impacts.result import Impacts, impacts
from spatial.models.summaries import equation_table, errors_line
from spatial.results import Fit
from spatial.weights.value import Weights
from spatial.words import tell

__all__ = ["Errors", "SpregFit"]


@dataclass(frozen=True)
class Errors:
    """How standard errors were computed, in words."""

    label: str


@dataclass(frozen=True, eq=False, repr=False)
class SpregFit(Fit):
    """An estimate by one of spreg's classes; immutable, without the data.

    Parameters
    ----------
    method : str
        The class, as ``"GM_Lag"``.
    params : Series
        By (equation, term), terms as in the formula; ``rho`` is the coefficient of a spatial error, which
        spreg calls lambda.
    cov : DataFrame
        NaN for what spreg has no covariance of.
    laws : tuple of Law
        Against which the statistic of each coefficient is read.
    covariance : Errors
    residuals : DataFrame
        By unit (and time), a column for each equation.
    n_units, n_times, n_obs : int
    effects : tuple of str
        Fixed effects.
    r_squared : float
        Of least squares, or the squared correlation of the outcome with what is fitted; NaN for systems.
    tests : tuple of HypothesisTest
    facts : tuple of (str, float)
        More rows of a table, as ``("log_likelihood", -170.2)``.
    spreg_summary : str
        The printout of spreg itself.
    notes : tuple of str
        What was refused, corrected or warned of.
    weights : Weights, optional
    choice : RowChoice, optional
    """

    method: str
    params: pd.Series[float]
    cov: pd.DataFrame
    laws: tuple[Law, ...]
    covariance: Errors
    residuals: pd.DataFrame
    n_units: int
    n_times: int
    n_obs: int
    effects: tuple[str, ...] = ()
    r_squared: float = float("nan")
    tests: tuple[HypothesisTest, ...] = ()
    facts: tuple[tuple[str, float], ...] = ()
    spreg_summary: str = ""
    notes: tuple[str, ...] = ()
    weights: Weights | None = None
    choice: RowChoice | None = None
    slopes: pd.DataFrame | None = field(default=None)
    _estimate: Estimate | None = None
    _no_impacts: str = ""

    figure = "coefficient_plot"

    @property
    def equations(self) -> tuple[str, ...]:
        """Names of the equations."""
        return tuple(dict.fromkeys(self.params.index.get_level_values(0)))

    @property
    def equation(self) -> str:
        """The outcome of the only equation, or of all."""
        return ", ".join(self.equations)

    @property
    def df(self) -> float:
        """Degrees of freedom of t statistics, the fewest; infinite for the normal distribution."""
        return min(float("inf") if law.df is None else float(law.df) for law in self.laws)

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors of `params`."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    @property
    def fits(self) -> Mapping[str, SpregFit] | None:
        """The equations of a system one by one, for the columns of a table; None where there is one."""
        if len(self.equations) == 1:
            return None
        return {name: self._only(name) for name in self.equations}

    def _only(self, equation: str) -> SpregFit:
        mine = self.params.index.get_level_values(0) == equation
        return replace(
            self,
            params=self.params[mine],
            cov=self.cov.loc[mine, mine],
            laws=tuple(law for law, kept in zip(self.laws, mine, strict=True) if kept),
            residuals=self.residuals[[equation]],
        )

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient, with the statistics that spreg reads."""
        rows, errors = [], self.std_errors.to_numpy()
        for j, law in enumerate(self.laws):
            place = slice(j, j + 1)
            index = pd.MultiIndex.from_tuples([self.params.index[j]])
            rows.append(inference_frame(self.params.to_numpy()[place], errors[place], level, index, law))
        return pd.concat(rows, ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the class, the size, the fit and what spreg adds."""
        names = ("method", "n_units", "n_times", "n_obs", "r_squared")
        row: dict[str, Any] = {n: getattr(self, n) for n in names}
        return pd.DataFrame([row | dict(self.facts) | {"covariance": self.covariance.label}])

    def headline(self) -> str:
        """Name the class, the outcomes and the size."""
        return f"spreg {self.method}: {self.equation}; N = {self.n_units}, T = {self.n_times}"

    def summary(self) -> str:
        """Return the coefficients, the tests and the notes; `spreg_summary` is spreg's own printout."""
        lines = [self.headline(), errors_line(self.covariance.label)]
        table = self.tidy()
        for name in self.equations:
            lines += ["", name, equation_table(table[table["equation"] == name])]
        facts = [f"{head(key)} = {value:.5g}" for key, value in self.facts]
        facts += [f"{tell('R2', 'R²')} = {self.r_squared:.4f}"] if self.r_squared == self.r_squared else []
        lines += ["", ", ".join(facts)] if facts else []
        lines += [str(test) for test in self.tests]
        return "\n".join([*lines, *remarks(self.notes)])

    # ---- what was tested
    @property
    def diagnostics(self) -> pd.DataFrame:
        """The tests that spreg computed: test, statistic, distribution, df, p_value, null."""
        return frame_of(self.tests)

    def test(self, name: str) -> HypothesisTest:
        """Return one of the tests by its name."""
        for one in self.tests:
            if one.name == name:
                return one
        known = [one.name for one in self.tests]
        raise DataError(
            f"spreg's {self.method} has no test {name!r}; it has {', '.join(known) or 'none'}."
            f"{did_you_mean(name, known)}"
        )

    def moran(self, permutations: int = 999, seed: int = 0) -> ResidualMoran:
        """Return Moran's I of the residuals, filtered where there is a spatial error, by permutations.

        Parameters
        ----------
        permutations, seed : int
            Residuals are exchanged over the map.
        """
        if self.weights is None:
            raise DataError("Moran's I of residuals needs weights: pass W to sp.models.spreg.")
        if self.n_times > 1:
            raise DataError(
                "Moran's I of the residuals of a panel: use SpatialSystem(...).fit(...).moran(), which "
                "exchanges "
                "whole trajectories of units."
            )
        if self.method == "Probit":
            raise DataError(
                "Residuals of a probit are not exchangeable: sp.models.spreg('Probit', ..., "
                "spat_diag=True) tests them."
            )
        rows = []
        for name in self.residuals.columns:
            found = moran(self.residuals[name], self.weights, permutations=permutations, seed=seed)
            rows.append(
                {
                    "equation": name,
                    "weights": "W",
                    "I": found.I,
                    "expected": found.expected,
                    "std_error": np.nan,
                    "z": np.nan,
                    "p_value": np.nan,
                    "p_clustered": np.nan,
                    "p_sim": found.p_sim,
                    "method": "residuals exchanged over the map",
                }
            )
        return ResidualMoran(pd.DataFrame(rows), permutations, seed)

    def impacts(self, draws: int = 0, seed: int = 0, horizon: Horizon = "short") -> Impacts:
        """Return direct, indirect and total effects in equilibrium, with spreg's estimates and covariance.

        spreg's own "simple" multipliers set the direct effect to the coefficient; these are those of the
        whole reduced form.
        """
        if self._estimate is None:
            raise DataError(f"There are no impacts of spreg's {self.method} here: {self._no_impacts}.")
        return impacts(self._estimate, draws=draws, seed=seed, horizon=horizon)
