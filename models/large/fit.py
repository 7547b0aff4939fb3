"""A fit of a panel that stays on disk: what it knows, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor
from spatial.errors import DataError
from spatial.languages.shown import remarks
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.estimate import Estimate
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.measures import inference_frame
from spatial.models.estimation.steps import Method
from spatial.models.facts import RHO
from spatial.models.formula.structure import Structure
from spatial.models.impacts.intervals import with_intervals
from spatial.models.impacts.result import Impacts, system_impacts
from spatial.models.quasi_score.coverage import coverage_of
from spatial.models.summaries import (
    effects_words,
    equation_table,
    errors_line,
    left_out_instruments,
    sizes_line,
)
from spatial.results import Result
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.blocks.walk import BlockMatrix
from spatial.weights.value import Weights
from spatial.words import tell

from .joint import JointFit
from .observed import ObservedPlan

__all__ = ["LargeFit"]

Float = NDArray[np.float64]

_IN_MEMORY = (
    "anderson_rubin",
    "confint",
    "diagnostics",
    "equation_tests",
    "estimate",
    "evaluate",
    "identification",
    "moran",
    "predict",
    "residuals",
    "stability",
    "vcov",
)
LEFT_OUT = (
    "residuals, predictions, tests of instruments and of residuals, stability and other covariances are "
    "left out of fits from the disk"
)


def _matrix(weights: Weights | OpenWeights) -> Any:
    return BlockMatrix(weights) if isinstance(weights, OpenWeights) else weights.sparse


@dataclass(frozen=True, eq=False, repr=False)
class LargeFit(Result):
    """Estimates of a system whose panel stays on disk.

    Parameters
    ----------
    structure : Structure
    method : str
    covariance : Covariance
    delta : array (P,)
        Coefficients of all equations, stacked.
    inference : Inference
    sigma : array (G, G)
        Covariance of the innovations.
    r_squared_within : Series by equation
    n_units, n_times, n_obs, n_effective : int
        `n_obs` counts cells.
    effects : tuple of str
    instruments : tuple of str
        Those in use.
    dropped_instruments : tuple of str
        Those that depend on others, or are absorbed.
    digits : float
        Decimal digits that the sums keep.
    notes : tuple of str
        What was left out of the panel.
    """

    structure: Structure
    method: Method
    covariance: Covariance
    delta: Float
    inference: Inference
    sigma: Float
    r_squared_within: pd.Series[float]
    n_units: int
    n_times: int
    n_obs: int
    n_effective: int
    effects: tuple[str, ...]
    instruments: tuple[str, ...]
    dropped_instruments: tuple[str, ...]
    digits: float
    notes: tuple[str, ...] = ()
    _plan: ObservedPlan | None = None
    _weights: Mapping[str, Weights | OpenWeights] = field(default_factory=dict)
    _joint: JointFit | None = None
    _ids: pd.Index[Any] = field(default_factory=lambda: pd.Index([]))

    def __getattr__(self, name: str) -> Any:
        """Say of what a fit in memory knows that it is left out here."""
        if name in _IN_MEMORY:
            raise DataError(f"fit.{name} needs the panel in memory: panel.read(). {LEFT_OUT.capitalize()}.")
        raise AttributeError(name)

    @property
    def _errors(self) -> list[str]:
        found = [e.name for e in self.structure.equations if e.error is not None]
        return found if len(self.inference.rho) else []

    @property
    def _index(self) -> pd.MultiIndex:
        pairs = [(equation, term.name) for equation, term in self.structure.terms]
        pairs += [(name, RHO) for name in self._errors]
        return pd.MultiIndex.from_tuples(pairs, names=["equation", "term"])

    @property
    def params(self) -> pd.Series[float]:
        """Coefficients, by equation and term."""
        return pd.Series(self.delta, index=self._index[: len(self.delta)], name="estimate")

    @property
    def std_errors(self) -> pd.Series[float]:
        """Their standard errors."""
        errors = np.sqrt(np.diag(self.inference.cov))[: len(self.delta)]
        return pd.Series(errors, index=self.params.index, name="std_error")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of the coefficients."""
        size, index = len(self.delta), self.params.index
        return pd.DataFrame(self.inference.cov[:size, :size], index=index, columns=index)

    @property
    def rho(self) -> pd.Series[float]:
        """Spatial parameters of the errors, by equation."""
        return pd.Series(self.inference.rho, index=pd.Index(self._errors, name="equation"), name=RHO)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient and rho; by ``aqs`` intervals invert a distance."""
        estimate = np.concatenate([self.delta, self.inference.rho])
        errors = np.sqrt(np.diag(self.inference.cov))
        frame = inference_frame(estimate, errors, level, self._index, self.inference.law)
        inverted = None if self._joint is None else self._joint.intervals(level)
        if inverted is not None:
            frame["p_value"], bounds = inverted
            frame[["conf_low", "conf_high"]] = bounds
        return frame

    def glance(self) -> pd.DataFrame:
        """Return one row: the method and the size."""
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
            "digits": self.digits,
        }
        return pd.DataFrame([row])

    def impacts(self, draws: int = 0, seed: int = 0, executor: Executor = None) -> Impacts:
        """Return direct, indirect and total effects; see `spatial.models.impacts.result.system_impacts`."""
        if self.structure.shifts:
            raise DataError("Impacts of lagged outcomes need the panel in memory: panel.read().")
        inverted = self._joint is not None and self._joint.has_distance
        ids, unit, names = self._ids, None, self.structure.weights
        if self._plan is None:
            matrices = {name: _matrix(self._weights[name]) for name in names}
        else:
            (matrices, unit), ids = self._plan.side_by_side(names), self._plan.units
        found = system_impacts(
            self.structure,
            self.delta,
            self.cov.to_numpy(),
            matrices,
            ids=ids,
            unit=unit,
            draws=0 if inverted else draws,
            seed=seed,
            executor=executor,
            law=self.inference.law,
        )
        # Of the estimate, effects ask for its intervals and its covariance alone.
        return with_intervals(replace(found, _estimate=cast("Estimate", self._joint))) if inverted else found

    def summary(self) -> str:
        """Return what is known of the fit as text."""
        table = self.tidy()
        lines = [
            tell(f"{self.method.upper()} of a panel on disk", f"磁盘面板的 {self.method.upper()} 估计"),
            sizes_line(
                self.n_units,
                self.n_times,
                self.n_obs,
                tell(f", effective = {self.n_effective}", f"，有效观测值 {self.n_effective}"),
            ),
            effects_words(self.effects)
            + errors_line(self.covariance.label)
            + tell(f"  Instruments: {len(self.instruments)}.", f"工具变量：{len(self.instruments)} 个。"),
        ]
        for name in self.structure.names:
            fitted = tell("R2 within", "组内 R²") + f" = {self.r_squared_within[name]:.4f}"
            lines += ["", f"{name}    {fitted}", equation_table(table[table["equation"] == name])]
        lines += [
            "",
            tell(f"The sums keep {self.digits:.1f} digits.", f"求和保留 {self.digits:.1f} 位有效数字。"),
        ]
        if self.dropped_instruments:
            lines.append(left_out_instruments(self.dropped_instruments))
        if self.structure.has_lag_and_error and len(self.inference.rho) and self._joint is None:
            twice = tuple(f"{v}({w}(" for v in self._weights for w in self._weights)
            kind = "lags" if any(n.startswith(twice) for n in self.instruments) else "one lag"
            lines += remarks([coverage_of(self.method, kind)])
        if self._joint is not None:
            lines += remarks(self._joint.notes)
        return "\n".join([*lines, *remarks([*self.notes, LEFT_OUT])])

    def headline(self) -> str:
        """Name the method, the equations and the size."""
        return f"{self.method}: {', '.join(self.structure.names)}; N = {self.n_units}, T = {self.n_times}"
