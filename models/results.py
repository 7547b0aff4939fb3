"""`SystemFit`: the result of a system, its tables, tests, impacts and other covariances."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor
from spatial.languages.names import stamp_words
from spatial.models.data.centring import original_coordinates
from spatial.models.diagnostics.instruments import equation_statistics
from spatial.models.diagnostics.moran import ResidualMoran, residual_moran
from spatial.models.diagnostics.table import Diagnostics, diagnostics
from spatial.models.estimation.covariance import Covariance, Homoskedastic, WildBootstrap, as_covariance
from spatial.models.estimation.estimate import Interval, interval_method
from spatial.models.estimation.measures import inference_frame
from spatial.models.identification.anderson_rubin import AndersonRubin, anderson_rubin_sets
from spatial.models.identification.verdict import Identification, identify
from spatial.models.impacts.map import Horizon
from spatial.models.impacts.result import Impacts, impacts
from spatial.models.impacts.stability import Stability, stability
from spatial.models.instrumental.wild import wild_bootstrap
from spatial.words import in_force

from .facts import SystemFacts
from .methods import estimator_of
from .summaries import fit_summary

__all__ = ["SystemFit"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SystemFit(SystemFacts):
    """Estimates of a system; immutable, and without the data frame.

    Its `estimate` holds the arrays that were estimated on, so that another covariance, diagnostics and
    impacts can be computed later.

    Parameters
    ----------
    estimate : Estimate
    asked : Request
        The method, covariance and options that the user asked for.
    stamps : tuple of str
        What every table must say, as "not identified: forced".
    """

    # ---- tables
    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient, and one for each rho: equation, term, estimate, and so on.

        By ``aqs`` the p-values and the intervals invert the distance of the quasi-score (see `confint`),
        or whatever ``fit(..., intervals=...)`` asked for.
        """
        return self._by(level, interval_method(None, level, self.estimate), self._is_wild)

    def _by(self, level: float, chosen: Interval, wild: bool) -> pd.DataFrame:
        frame = self._wald(level)
        if chosen == "distance" and (found := self.estimate.intervals(level)) is not None:
            self._invert(frame, *found)
        if chosen == "lr":
            self._invert(frame, *self.estimate.ratio_intervals(level))
        if wild:
            self._invert(frame, *self._wild(level))
        return frame

    @property
    def _is_wild(self) -> bool:
        """Whether p-values are those of a bootstrap: not where other intervals were asked for."""
        return isinstance(self.covariance, WildBootstrap) and self.estimate.preferred is None

    def _invert(self, frame: pd.DataFrame, p_values: Float, bounds: Float) -> None:
        """Put p-values and intervals that invert a test in their rows, the first of the frame."""
        rows = np.setdiff1d(np.arange(len(p_values)), self._restated)
        frame.loc[rows, "p_value"] = p_values[rows]
        frame.loc[rows, ["conf_low", "conf_high"]] = bounds[rows]

    @property
    def _restated(self) -> NDArray[np.intp]:
        """Rows of constants beside columns far from zero: those are estimated from their means.

        The constant that is printed is then another than the one whose test is inverted, and keeps its
        interval by standard errors.
        """
        moved = original_coordinates(self.estimate.design)
        if moved is None:
            return np.zeros(0, dtype=np.intp)
        return np.flatnonzero((moved[0] != np.eye(len(moved[1]))).any(axis=1))

    def _wald(self, level: float) -> pd.DataFrame:
        joint = self.joint_cov
        estimate = np.concatenate([self._original[0], self._inference.rho])
        error = np.sqrt(np.diag(joint))
        return inference_frame(estimate, error, level, joint.index, self._inference.law)

    def confint(self, level: float = 0.95, method: Interval | None = None) -> pd.DataFrame:
        """Return confidence intervals of coefficients and rho.

        Parameters
        ----------
        level : float
        method : "distance", "lr" or "wald", optional
            ``"distance"``, for estimates by ``aqs`` and their default: all values that the distance of the
            quasi-score does not reject.  ``"lr"``, for estimates by ``ml`` and ``mess``: all values that the
            likelihood ratio does not reject.  ``"wald"``: estimate plus and minus a multiple of its error.
            Default what ``fit(..., intervals=...)`` asked for.

        Returns
        -------
        DataFrame
            `equation`, `term`, `estimate`, `std_error`, `p_value` (of 0), `conf_low`, `conf_high`, `method`.
        """
        chosen = interval_method(method, level, self.estimate)
        is_wild = self._is_wild and method is None
        frame = self._by(level, chosen, is_wild)
        kept = frame[["equation", "term", "estimate", "std_error", "p_value", "conf_low", "conf_high"]]
        kept = kept.assign(method="wild bootstrap" if is_wild else chosen)
        kept.loc[self._restated, "method"] = "wald"
        return kept

    def _wild(self, level: float) -> tuple[Float, Float]:
        assert isinstance(self.covariance, WildBootstrap)
        found = self.estimate
        return wild_bootstrap(found.space, found.numbers, self.covariance, found.lookup, level)

    def glance(self) -> pd.DataFrame:
        """Return one row: the method, the size, and the fit."""
        row = {
            "method": self.method,
            "covariance": self.covariance.label,
            "n_units": self.n_units,
            "n_times": self.n_times,
            "n_obs": self.n_obs,
            "n_effective": self.n_effective,
            "n_equations": self.structure.n_equations,
            "n_parameters": self.structure.n_parameters,
            "n_instruments": len(self.instruments) if self.estimate.uses_instruments else 0,
            "effects": " + ".join(self.effects) or "none",
            **self._single(),
            **dict(self.facts),
            "mcelroy_r_squared": self.mcelroy_r_squared,
            "converged": self.converged,
            "stamps": "; ".join(self.stamps),
        }
        return pd.DataFrame([row])

    def _single(self) -> dict[str, float]:
        """What a single equation can say in one row."""
        if self.structure.n_equations > 1:
            return {}
        row = {str(k): float(v) for k, v in self._measures.iloc[0].items()}
        if not self.estimate.uses_instruments:
            return row
        return row | {"first_stage_f": float(self.equation_tests()["first_stage_f"].iloc[0])}

    def summary(self) -> str:
        """Return all that is known of the fit: size, stamps, coefficients, definitions, stability."""
        return fit_summary(self)

    def headline(self) -> str:
        """Name the method, the equations and the size."""
        stamp = "".join(f"; {stamp_words(stamp, in_force())}" for stamp in self.stamps)
        names = ", ".join(self.structure.names)
        return f"{self.method}: {names}; N = {self.n_units}, T = {self.n_times}{stamp}"

    # ---- more
    def vcov(self, cov: str | Covariance) -> SystemFit:
        """Return the same estimates with another covariance; this result does not change."""
        choice = as_covariance(cov)
        asked = replace(self.asked, covariance=choice)
        found = estimator_of(self.method).infer(self.estimate, asked)
        return replace(self, estimate=replace(self.estimate, inference=found), asked=asked)

    def identification(self) -> Identification:
        """Return the verdict of the system: whether each equation is identified, and how strongly."""
        return identify(self.estimate.design)

    def equation_tests(self) -> pd.DataFrame:
        """Return what a table prints below each equation: clustered J with its p-value, and the weakest F.

        Returns
        -------
        DataFrame
            By equation: `j`, `j_p_value`, `first_stage_f`, and `first_stage_critical`, below which
            instruments are weak; NaN where there is no endogenous regressor.
        """
        return equation_statistics(self.estimate)

    def impacts(
        self,
        draws: int = 0,
        seed: int = 0,
        horizon: Horizon = "short",
        executor: Executor = None,
    ) -> Impacts:
        """Return direct, indirect and total effects of every regressor on every outcome.

        `executor`, a ``dask.distributed.Client`` or a number of threads, is where traces of the powers of W
        are computed; the bits are the same on any.
        """
        return impacts(self.estimate, draws=draws, seed=seed, horizon=horizon, executor=executor)

    def diagnostics(self) -> Diagnostics:
        """Test instruments, overidentification, endogeneity and what is left in the residuals."""
        cov = self.covariance
        return diagnostics(
            self.estimate, clustered_first=not isinstance(cov, Homoskedastic), errors=f"errors: {cov.label}"
        )

    def moran(self, weights: str | None = None, permutations: int = 999, seed: int = 0) -> ResidualMoran:
        """Return Moran's I of the residuals of each equation, by moments and permutations.

        Parameters
        ----------
        weights : str, optional
            One of the weights; default those of the equation's errors, of its formulas, or those given.
        permutations, seed : int
            Whole trajectories of units are exchanged over the map; 0 for none.
        """
        return residual_moran(self.estimate, weights=weights, permutations=permutations, seed=seed)

    def anderson_rubin(self, level: float = 0.95, equation: str | None = None) -> AndersonRubin:
        """Return confidence sets of the slopes of endogenous regressors that hold with weak instruments.

        All slopes that the Anderson-Rubin test in score form does not reject, clustered by unit, rho
        estimated anew under each; see `spatial.models.identification.score_test`.  For equations with one
        or two endogenous regressors; a set may be without bound, or empty.

        Parameters
        ----------
        level : float
        equation : str, optional
            One equation; default all that have a set.
        """
        return anderson_rubin_sets(
            self.estimate.design, self.params.to_numpy(), self.std_errors.to_numpy(), level, equation
        )

    def stability(self) -> Stability:
        """Report whether the system has a coherent and stable reduced form."""
        return stability(self.estimate)
