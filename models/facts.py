"""What a fit knows: estimates, sample and measures of fit, as frames by equation and term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.data.centring import original_coordinates
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.laws import NORMAL
from spatial.models.estimation.measures import (
    constants,
    fitted_values,
    inference_frame,
    mcelroy_r_squared,
    r_squared,
)
from spatial.models.estimation.steps import Method, Numbers
from spatial.models.formula.structure import Structure
from spatial.models.impacts.prediction import reduced_form
from spatial.models.quasi_score.coverage import coverage_notes
from spatial.results import Fit

__all__ = ["SystemFacts"]

Float = NDArray[np.float64]

RHO = "rho"


@dataclass(frozen=True, eq=False, repr=False)
class SystemFacts(Fit):
    """What a fit of a system knows: its estimates, its sample, how well it fits; the base of `SystemFit`."""

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
        return self._inference.law.df

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
    def facts(self) -> tuple[tuple[str, float | str], ...]:
        """What a table prints beside the usual: by ``ml`` the log-likelihood and information criteria."""
        return self.estimate.facts

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
        return pd.Series(self._original[0], index=self._index, name="estimate").copy()

    @cached_property
    def _original(self) -> tuple[Float, Float]:
        """Coefficients, and the covariance of coefficients and rho, of the columns as the data have them."""
        delta, cov = self._numbers.fit.delta, self._inference.cov
        moved = original_coordinates(self.estimate.design)
        if moved is None:
            return delta, cov
        L, b = moved
        own, out = len(L), cov.copy()
        out[:own, :own] = L @ cov[:own, :own] @ L.T
        out[:own, own:] = L @ cov[:own, own:]
        out[own:, :own] = out[:own, own:].T
        return L @ delta + b, out

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of `params`."""
        count = len(self._index)
        own = self._original[1][:count, :count].copy()
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
        return pd.DataFrame(self._original[1].copy(), index=index, columns=index)

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
        return self._by_cell(self._numbers.residuals.T)

    def _by_cell(self, values: Float) -> pd.DataFrame:
        layout = self.estimate.design.layout
        names = [*(self.estimate.source.index_names or ("unit", "time"))]
        index = pd.MultiIndex.from_arrays([layout.units[layout.unit], layout.times[layout.time]], names=names)
        frame = pd.DataFrame(values.copy(), index=index, columns=list(self.structure.names))
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
        """Whether every rho lies inside the admissible region, and estimating equations have a solution."""
        return self.estimate.solved and not any(self._inference.at_bound)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the sample and the inference."""
        left_out = self.structure.has_error and not self._errors
        extra = (f"{self.method} leaves the spatial errors out of the estimation",) if left_out else ()
        extra = (*extra, *coverage_notes(self.asked, self.estimate))
        return (*self.estimate.design.notes, *extra, *self._numbers.notes, *self._inference.notes)

    # ---- fit
    @cached_property
    def _measures(self) -> pd.DataFrame:
        return r_squared(self.estimate)

    @property
    def r_squared(self) -> pd.Series[float]:
        """1 - u'u / sum (y - mean)^2 by equation, u = y - Z delta less the effects; may be negative."""
        return self._measures["r_squared"].copy()

    @property
    def r_squared_within(self) -> pd.Series[float]:
        """1 - u'u / y'y by equation, all effects taken out of y; that of two effects, two-way deviations."""
        return self._measures["r_squared_within"].copy()

    @property
    def r_squared_adjusted(self) -> pd.Series[float]:
        """1 - (1 - R2)(rows - 1)/(rows - effects - coefficients) by equation."""
        return self._measures["r_squared_adjusted"].copy()

    @cached_property
    def cons(self) -> pd.DataFrame:
        """The constant that the effects absorb, a row for each equation, as Stata's ``xtreg, fe`` prints it.

        The columns of `tidy`; empty where the constant is estimated, where errors are filtered, and where
        ``fixed_effects(constant="none")`` asked for none.
        """
        found = self.estimate
        pairs = [(name, "cons") for name in self.structure.names]
        values, errors, law = np.empty(0), np.empty(0), NORMAL
        absorbed = found.design.effects.any and self.asked.constant != "none"
        if found.uses_instruments and absorbed and not np.any(found.numbers.rho):
            values, errors, law = constants(found, self.asked)
        index = pd.MultiIndex.from_tuples(pairs[: len(values)] or [("", "")], names=["equation", "term"])
        return inference_frame(values, errors, 0.95, index[: len(values)], law)

    def predict(self, kind: Literal["structural", "reduced"] = "structural") -> pd.DataFrame:
        """Return what the model says of the outcomes, by (unit, time); a column for each equation.

        Parameters
        ----------
        kind : "structural" or "reduced"
            structural: y less the residual of each equation, effects in, with the other endogenous variables
            and the spatial lags as observed.  reduced: the outcomes that the exogenous variables and the
            effects imply through the whole system.
        """
        if kind not in ("structural", "reduced"):
            raise DataError(f"kind is 'structural' or 'reduced'; got {kind!r}.")
        values = fitted_values(self.estimate)
        return self._by_cell(values if kind == "structural" else reduced_form(self.estimate, values))

    @cached_property
    def mcelroy_r_squared(self) -> float:
        r"""1 - e'(Sigma^-1 (x) I)e / y'(Sigma^-1 (x) I)y of the filtered data (McElroy 1977)."""
        return mcelroy_r_squared(self.estimate)
