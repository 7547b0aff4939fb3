"""What a fit knows, and how it shows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from spatial.models.estimation.covariance import Covariance, WildBootstrap, as_covariance
from spatial.models.estimation.inference import Inference, infer
from spatial.models.estimation.least_squares import precision_of
from spatial.models.estimation.steps import Method, Numbers, RhoMoments, Workspace
from spatial.results import Fit

if TYPE_CHECKING:
    from .system import SpatialSystem

__all__ = ["SystemFit"]

Float = NDArray[np.float64]

RHO = "rho"


@dataclass(frozen=True, eq=False, repr=False)
class SystemFit(Fit):
    """Estimates of a system; immutable, and without the data frame.

    The private `_system` refers to the arrays that were estimated on, so that another covariance,
    diagnostics and impacts can be computed later.

    Parameters
    ----------
    covariance : Covariance
        How `cov` was computed.
    rho_moments : "kp2010" or "kp1999"
    passes : int
    stamps : tuple of str
        What every table must say, as "not identified: forced".
    df : int, optional
        Degrees of freedom of t statistics; None for the normal distribution.
    """

    _system: SpatialSystem
    _numbers: Numbers
    _inference: Inference
    covariance: Covariance
    rho_moments: RhoMoments
    passes: int
    stamps: tuple[str, ...]
    _space: Workspace = field(repr=False)
    df: int | None = None

    # ---- estimates
    @property
    def method(self) -> Method:
        """What was done, after any fall-back."""
        return self._numbers.method

    @property
    def structure(self) -> Any:
        """Equations and terms."""
        return self._system.structure

    @cached_property
    def _index(self) -> pd.MultiIndex:
        pairs = [(equation, term.name) for equation, term in self.structure.terms]
        return pd.MultiIndex.from_tuples(pairs, names=["equation", "term"])

    @cached_property
    def _errors(self) -> list[str]:
        """Equations with an estimate of rho."""
        if not len(self._inference.rho):
            return []
        return [e.name for e in self.structure.equations if e.error is not None]

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
        layout = self._system.design.layout
        source = self._system._source
        names = [*(source.index_names or ("unit", "time"))]
        index = pd.MultiIndex.from_arrays([layout.units[layout.unit], layout.times[layout.time]], names=names)
        frame = pd.DataFrame(
            self._numbers.residuals.T.copy(), index=index, columns=list(self.structure.names)
        )
        return frame.sort_index()

    # ---- the sample
    @property
    def n_units(self) -> int:
        """N."""
        return self._system.design.layout.n_units

    @property
    def n_times(self) -> int:
        """T."""
        return self._system.design.layout.n_times

    @property
    def n_obs(self) -> int:
        """Cells in use: N T in a balanced panel."""
        return self._system.design.layout.n_rows

    @property
    def n_effective(self) -> int:
        """Cells less the rank of the effects."""
        return self._system.design.n_effective

    @property
    def effects(self) -> tuple[str, ...]:
        """The fixed effects."""
        return self._system.effects

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments in use."""
        return self._system.instruments

    @property
    def dropped_instruments(self) -> tuple[str, ...]:
        """Instruments that depend on the others, left out."""
        return self._system.design.dropped_instruments

    @property
    def absorbed(self) -> tuple[tuple[str, str], ...]:
        """(equation, term) that the effects absorb, left out."""
        return self._system.design.absorbed

    @property
    def weights(self) -> dict[str, Any]:
        """What the weights were: their `Meta`, by name."""
        return {name: w.meta for name, w in self._system.design.weights.items()}

    @property
    def converged(self) -> bool:
        """Whether every rho lies inside the admissible region; all else is in closed form."""
        return not any(self._inference.at_bound)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the sample and the inference."""
        left_out = self.structure.has_error and not self._errors
        extra = (f"{self.method} leaves the spatial errors out of the estimation",) if left_out else ()
        return (*self._system.design.notes, *extra, *self._numbers.notes, *self._inference.notes)

    # ---- fit
    @property
    def r_squared(self) -> pd.Series[float]:
        """1 - u'u / y'y by equation, u = y - Z delta; effects, or the mean, taken out; may be negative."""
        names = pd.Index(self.structure.names, name="equation")
        return pd.Series(list(self._r_squared), index=names, name="r_squared")

    @cached_property
    def _r_squared(self) -> tuple[float, ...]:
        design, values = self._system.design, []
        for g, place in enumerate(self.structure.slices):
            data = design.projected[:, design.equation_columns(g)]
            u = data @ np.concatenate([[1.0], -self._numbers.fit.delta[place]])
            y = data[:, 0] if design.effects.any else data[:, 0] - data[:, 0].mean()
            values.append(1.0 - float(u @ u) / float(y @ y))
        return tuple(values)

    @cached_property
    def mcelroy_r_squared(self) -> float:
        r"""1 - e'(Sigma^-1 (x) I)e / y'(Sigma^-1 (x) I)y of the filtered data (McElroy 1977)."""
        design, space = self._system.design, self._space
        y = np.stack([space.filtered(g, float(r))[:, 0] for g, r in enumerate(self._numbers.rho)])
        if not design.effects.any:
            y = y - y.mean(axis=1, keepdims=True)
        precision = precision_of(self._numbers.sigma)
        if precision is None:
            return float("nan")
        e = self._numbers.residuals
        return float(1.0 - np.sum(precision * (e @ e.T)) / np.sum(precision * (y @ y.T)))

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
        from spatial.models.estimation.wild import wild_bootstrap

        assert isinstance(self.covariance, WildBootstrap)
        return wild_bootstrap(self._space, self._numbers, self.covariance, self._system._lookup, level)

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
        """Return the tables as text."""
        from .summary import fit_summary

        return fit_summary(self)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the method and the equations."""
        stamp = f"; {'; '.join(self.stamps)}" if self.stamps else ""
        names = ", ".join(self.structure.names)
        return f"<SystemFit {self.method}: {names}; N = {self.n_units}, T = {self.n_times}{stamp}>"

    # ---- more
    def vcov(self, cov: str | Covariance) -> SystemFit:
        """Return the same estimates with another covariance; this result does not change."""
        choice = as_covariance(cov)
        system = self._system
        found = infer(self._space, self._numbers, choice, self.rho_moments, system._lookup, self._inference)
        return replace(self, _inference=found, covariance=choice)

    def impacts(self, draws: int = 1000, seed: int = 0, **options: Any) -> Any:
        """Return direct, indirect and total effects of every regressor on every outcome."""
        from spatial.models.impacts.result import impacts

        return impacts(self, draws=draws, seed=seed, **options)

    def diagnostics(self, **options: Any) -> Any:
        """Test instruments, overidentification, endogeneity and what is left in the residuals."""
        from spatial.models.diagnostics.table import diagnostics

        return diagnostics(self, **options)

    def stability(self) -> Any:
        """Report whether the system has a coherent and stable reduced form."""
        from spatial.models.impacts.stability import stability

        return stability(self)


def inference_frame(
    estimate: Float, error: Float, level: float, index: pd.MultiIndex, df: int | None = None
) -> pd.DataFrame:
    """Return estimates with their tests against zero: normal, or t with `df` degrees of freedom."""
    law = stats.norm() if df is None else stats.t(df)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    half = law.ppf(0.5 + level / 2) * error
    return pd.DataFrame(
        {
            "equation": index.get_level_values(0),
            "term": index.get_level_values(1),
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": 2 * law.sf(np.abs(statistic)),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )
