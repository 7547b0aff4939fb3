"""What a fit knows, and how it shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.models.diagnostics.instruments import equation_statistics
from spatial.models.diagnostics.table import Diagnostics, diagnostics
from spatial.models.estimation.covariance import Covariance, WildBootstrap, as_covariance
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.measures import inference_frame, mcelroy_r_squared, structural_r_squared
from spatial.models.estimation.steps import Method, Numbers
from spatial.models.estimation.wild import wild_bootstrap
from spatial.models.formula.structure import Structure
from spatial.models.identification.anderson_rubin import AndersonRubin, anderson_rubin_sets
from spatial.models.identification.verdict import Identification, identify
from spatial.models.impacts.map import Horizon
from spatial.models.impacts.result import Impacts, impacts
from spatial.models.impacts.stability import Stability, stability
from spatial.results import Fit

from .methods import estimator_of
from .summaries import fit_summary

__all__ = ["SystemFit"]

Float = NDArray[np.float64]

RHO = "rho"


@dataclass(frozen=True, eq=False, repr=False)
class SystemFit(Fit):
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

    estimate: Estimate
    asked: Request
    stamps: tuple[str, ...] = ()

    @property
    def covariance(self) -> Covariance:
        """How `cov` was computed."""
        return self.asked.covariance

    @property
    def passes(self) -> int:
        """How often rho and Sigma were estimated again."""
        return self.asked.passes

    @property
    def df(self) -> float | None:
        """Degrees of freedom of t statistics; None for the normal distribution."""
        return self._inference.df

    @property
    def _numbers(self) -> Numbers:
        return self.estimate.numbers

    @property
    def _inference(self) -> Inference:
        return self.estimate.inference

    # ---- estimates
    @property
    def method(self) -> Method:
        """What was done, after any fall-back."""
        return self._numbers.method

    @property
    def structure(self) -> Structure:
        """Equations and terms."""
        return self.estimate.structure

    @cached_property
    def _index(self) -> pd.MultiIndex:
        pairs = [(equation, term.name) for equation, term in self.structure.terms]
        return pd.MultiIndex.from_tuples(pairs, names=["equation", "term"])

    @property
    def _errors(self) -> list[str]:
        return list(self.estimate.errors)

    @property
    def params(self) -> pd.Series[float]:
        """Coefficients, by equation and term."""
        return pd.Series(self._numbers.fit.delta.copy(), index=self._index, name="estimate")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        count = len(self._index)
        own = self._inference.cov[:count, :count].copy()
        return pd.DataFrame(own, index=self._index, columns=self._index)

    @property
    def joint_cov(self) -> pd.DataFrame:
        """Covariance of `params` and `rho` together, under the term ``rho``."""
        index = (
            self._index.append(
                pd.MultiIndex.from_tuples([(e, RHO) for e in self._errors], names=["equation", "term"])
            )
            if self._errors
            else self._index
        )
        return pd.DataFrame(self._inference.cov.copy(), index=index, columns=index)

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors of `params`."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self._index, name="std_error")

    @property
    def rho(self) -> pd.Series[float]:
        """Spatial autoregressive coefficient of the errors, by equation that has one."""
        return pd.Series(
            self._inference.rho.copy(), index=pd.Index(self._errors, name="equation"), name=RHO, dtype=float
        )

    @property
    def rho_std_errors(self) -> pd.Series[float]:
        """Standard errors of `rho`."""
        own = np.diag(self._inference.cov)[len(self._index) :]
        return pd.Series(np.sqrt(own), index=self.rho.index, name="std_error", dtype=float)

    @property
    def sigma(self) -> pd.DataFrame:
        """Covariance of the innovations between equations, divisor `n_effective`; from filtered 2SLS."""
        names = pd.Index(self.structure.names, name="equation")
        return pd.DataFrame(self._numbers.sigma.copy(), index=names, columns=names)

    @property
    def residuals(self) -> pd.DataFrame:
        """Innovations, filtered and with effects taken out, by (unit, time); a column for each equation."""
        layout = self.estimate.design.layout
        names = [*(self.estimate.source.index_names or ("unit", "time"))]
        index = pd.MultiIndex.from_arrays([layout.units[layout.unit], layout.times[layout.time]], names=names)
        frame = pd.DataFrame(
            self._numbers.residuals.T.copy(), index=index, columns=list(self.structure.names)
        )
        return frame.sort_index()

    # ---- the sample
    @property
    def n_units(self) -> int:
        """N."""
        return self.estimate.design.layout.n_units

    @property
    def n_times(self) -> int:
        """T."""
        return self.estimate.design.layout.n_times

    @property
    def n_obs(self) -> int:
        """Cells in use: N T in a balanced panel."""
        return self.estimate.design.layout.n_rows

    @property
    def n_effective(self) -> int:
        """Cells less the rank of the effects."""
        return self.estimate.design.n_effective

    @property
    def effects(self) -> tuple[str, ...]:
        """The fixed effects."""
        return tuple(":".join(name) for name in self.estimate.design.effects.names)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments in use."""
        return self.estimate.design.kept_instruments

    @property
    def dropped_instruments(self) -> tuple[str, ...]:
        """Instruments that depend on the others, left out."""
        return self.estimate.design.dropped_instruments

    @property
    def absorbed(self) -> tuple[tuple[str, str], ...]:
        """(equation, term) that the effects absorb, left out."""
        return self.estimate.design.absorbed

    @property
    def weights(self) -> dict[str, Any]:
        """What the weights were: their `Meta`, by name."""
        return {name: w.meta for name, w in self.estimate.design.weights.items()}

    @property
    def converged(self) -> bool:
        """Whether every rho lies inside the admissible region; all else is in closed form."""
        return not any(self._inference.at_bound)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the sample and the inference."""
        left_out = self.structure.has_error and not self._errors
        extra = (f"{self.method} leaves the spatial errors out of the estimation",) if left_out else ()
        return (*self.estimate.design.notes, *extra, *self._numbers.notes, *self._inference.notes)

    # ---- fit
    @property
    def r_squared(self) -> pd.Series[float]:
        """1 - u'u / y'y by equation, u = y - Z delta; effects, or the mean, taken out; may be negative."""
        names = pd.Index(self.structure.names, name="equation")
        return pd.Series(list(self._r_squared), index=names, name="r_squared")

    @cached_property
    def _r_squared(self) -> tuple[float, ...]:
        return structural_r_squared(self.estimate)

    @cached_property
    def mcelroy_r_squared(self) -> float:
        r"""1 - e'(Sigma^-1 (x) I)e / y'(Sigma^-1 (x) I)y of the filtered data (McElroy 1977)."""
        return mcelroy_r_squared(self.estimate)

    # ---- tables
    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient, and one for each rho: equation, term, estimate, and so on."""
        joint = self.joint_cov
        estimate = np.concatenate([self._numbers.fit.delta, self._inference.rho])
        error = np.sqrt(np.diag(joint))
        frame = inference_frame(estimate, error, level, joint.index, self.df)
        if isinstance(self.covariance, WildBootstrap):
            last = len(self._index) - 1
            p_values, bounds = self._wild(level)
            frame.loc[:last, "p_value"] = p_values
            frame.loc[:last, ["conf_low", "conf_high"]] = bounds
        return frame

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
            "n_instruments": len(self.instruments),
            "effects": " + ".join(self.effects) or "none",
            "mcelroy_r_squared": self.mcelroy_r_squared,
            "converged": self.converged,
            "stamps": "; ".join(self.stamps),
        }
        return pd.DataFrame([row])

    def summary(self) -> str:
        """Return all that is known of the fit: size, stamps, coefficients, definitions, stability."""
        return fit_summary(self)

    def headline(self) -> str:
        """Name the method, the equations and the size."""
        stamp = f"; {'; '.join(self.stamps)}" if self.stamps else ""
        names = ", ".join(self.structure.names)
        return f"{self.method}: {names}; N = {self.n_units}, T = {self.n_times}{stamp}"

    # ---- more
    def vcov(self, cov: str | Covariance) -> SystemFit:
        """Return the same estimates with another covariance; this result does not change."""
        choice = as_covariance(cov)
        found = estimator_of(self.method).infer(self.estimate, choice, self.asked.rho_moments)
        return replace(
            self,
            estimate=replace(self.estimate, inference=found),
            asked=replace(self.asked, covariance=choice),
        )

    def identification(self) -> Identification:
        """Return the verdict of the system: whether each equation is identified, and how strongly."""
        return identify(self.estimate.design)

    def equation_tests(self) -> pd.DataFrame:
        """Return what a table prints below each equation: clustered J with its p-value, and the weakest F.

        Returns
        -------
        DataFrame
            By equation: `j`, `j_p_value`, `first_stage_f`; NaN where there is no endogenous regressor.
        """
        return equation_statistics(self.estimate)

    def impacts(self, draws: int = 1000, seed: int = 0, horizon: Horizon = "short") -> Impacts:
        """Return direct, indirect and total effects of every regressor on every outcome."""
        return impacts(self.estimate, draws=draws, seed=seed, horizon=horizon)

    def diagnostics(self) -> Diagnostics:
        """Test instruments, overidentification, endogeneity and what is left in the residuals."""
        return diagnostics(self.estimate)

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
