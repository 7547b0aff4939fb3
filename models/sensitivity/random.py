"""Random effects, to stand beside fixed ones: the columns are ours, the estimator is linearmodels'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, FormulaError, hinted
from spatial.languages.shown import remarks
from spatial.models.data.given import Lags
from spatial.models.data.rows import RowChoice
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.covariance import (
    Cluster,
    Covariance,
    Heteroskedastic,
    Homoskedastic,
    as_covariance,
)
from spatial.models.estimation.laws import Law
from spatial.models.estimation.measures import inference_frame
from spatial.models.solving import in_unit_columns
from spatial.models.summaries import equation_table, errors_line, sizes_line
from spatial.models.system import SpatialSystem
from spatial.panel.panel import PanelLike
from spatial.results import Fit
from spatial.weights.value import WeightsLike
from spatial.words import tell

__all__ = ["RandomEffectsFit", "random_effects"]


@dataclass(frozen=True, eq=False, repr=False)
class RandomEffectsFit(Fit):
    """Random effects of units; immutable, without the data.

    Parameters
    ----------
    equation : str
    params : Series
        By (equation, term).
    cov : DataFrame
    covariance : Covariance
    sigma_u, sigma_e : float
    theta : tuple of float
        Least and largest share of the mean that is taken out of each unit.
    n_units, n_times, n_obs : int
    r_squared : float
    df : int
    notes : tuple of str
    choice : RowChoice, optional
    """

    equation: str
    params: pd.Series[float]
    cov: pd.DataFrame
    covariance: Covariance
    sigma_u: float
    sigma_e: float
    theta: tuple[float, float]
    n_units: int
    n_times: int
    n_obs: int
    r_squared: float
    df: int
    notes: tuple[str, ...] = ()
    choice: RowChoice | None = None
    _classic: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    figure = "coefficient_plot"
    method = "RE"
    effects = ()
    r_squared_within = float("nan")

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors of `params`."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    @property
    def facts(self) -> tuple[tuple[str, float], ...]:
        """What a table prints below the coefficients."""
        return (("sigma_u", self.sigma_u), ("sigma_e", self.sigma_e))

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient."""
        values, errors = self.params.to_numpy(), self.std_errors.to_numpy()
        return inference_frame(
            values, errors, level, pd.MultiIndex.from_tuples(self.params.index), Law(self.df)
        )

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        names = ("method", "n_units", "n_times", "n_obs", "r_squared", "sigma_u", "sigma_e")
        return pd.DataFrame([{n: getattr(self, n) for n in names} | {"covariance": self.covariance.label}])

    def headline(self) -> str:
        """Name the outcome and the size."""
        return f"{self.equation}; N = {self.n_units}, T = {self.n_times}"

    def summary(self) -> str:
        """Return the table as text."""
        low, high = self.theta
        return "\n".join(
            [
                tell("Random effects (Swamy and Arora): ", "随机效应（Swamy–Arora）：") + self.equation,
                sizes_line(self.n_units, self.n_times, self.n_obs),
                errors_line(self.covariance.label),
                "",
                equation_table(self.tidy()),
                "",
                tell(
                    f"sigma_u = {self.sigma_u:.5g}, sigma_e = {self.sigma_e:.5g}, theta = {low:.4f} to "
                    f"{high:.4f}, "
                    f"R2 = {self.r_squared:.4f}",
                    f"σᵤ = {self.sigma_u:.5g}，σₑ = {self.sigma_e:.5g}，θ 从 {low:.4f} 到 {high:.4f}，"
                    f"R² = {self.r_squared:.4f}",
                ),
                *remarks(self.notes),
            ]
        )


@hinted
def random_effects(
    formula: str,
    panel: PanelLike,
    *,
    cov: str | Covariance = "cluster",
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    where: str | None = None,
    lags: Lags = "full",
) -> RandomEffectsFit:
    r"""Estimate random effects of units by feasible generalised least squares (Swamy and Arora 1972).

    .. math:: y_{it} - \theta_i\bar y_i = (x_{it} - \theta_i\bar x_i)'\beta + v_{it}, \qquad
              \theta_i = 1 - \sigma_e/\sqrt{T_i\sigma_u^2 + \sigma_e^2}

    Parameters
    ----------
    formula : str
        ``"y ~ x + W(x) + C(year)"``; times enter as ``C(year)``.
    panel : Panel or DataFrame
    cov : str or Covariance
        ``"cluster"`` by unit or `Cluster`, ``"hom"`` (for the classic `hausman`), or ``"het"``.
    weights : Weights, Graph, W or dict, optional
        For spatial lags of exogenous variables.
    where, lags
        Which rows are used, as in `SpatialSystem.fit`.

    Raises
    ------
    FormulaError
        If the formula is none.
    DataError
        If the data have one time or one unit, a missing cell, or a term that does not vary.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 2)), columns=["x", "e"], index=index)
    >>> data["y"] = data.x + np.repeat(rng.normal(size=80), 4) + data.e
    >>> random_effects("y ~ x", data).params.round(1).to_dict()
    {('y', 'Intercept'): 0.0, ('y', 'x'): 1.1}
    """
    if not isinstance(formula, str):
        raise FormulaError(f"random_effects takes one formula; got {type(formula).__name__}.")
    system = SpatialSystem(formula, panel, weights, iv_order=1, where=where, lags=lags)
    if system.effects:
        raise FormulaError(
            f"random_effects takes no effects after '|' ({', '.join(system.effects)}): units are random, and "
            "times enter as C(year)."
        )
    bad = [t.name for _, t in system.structure.terms if t.is_endogenous or t.role == "predetermined"]
    if bad:
        raise FormulaError(f"{bad[0]} is endogenous, or made of the outcome: random effects take neither.")
    if system.design.layout.n_times < 2:
        raise DataError("A random effect of the unit needs two times or more; the data have one.")
    return _estimated(system, as_covariance(cov))


def _estimated(system: SpatialSystem, value: Covariance) -> RandomEffectsFit:
    from linearmodels.panel import RandomEffects

    design, layout = system.design, system.design.layout
    name, terms = system.structure.names[0], [t.name for t in system.structure.equations[0].terms]
    index = pd.MultiIndex.from_arrays([layout.unit, layout.time], names=["unit", "time"])
    # linearmodels takes columns in units of very different size for dependent.
    scaled, sizes = in_unit_columns(design.columns[:, [design.outcomes[0], *design.regressors[0]]])
    y = pd.Series(scaled[:, 0], index=index, name=name)
    X = pd.DataFrame(scaled[:, 1:], index=index, columns=terms)
    options: dict[str, Any]
    match value:
        case Homoskedastic():
            options = {"cov_type": "unadjusted"}
        case Heteroskedastic():
            options = {"cov_type": "robust"}
        case Cluster(by=by, small="cr1"):
            codes = cluster_codes(by, layout, system._source.lookup(layout))
            options = {"cov_type": "clustered", "clusters": pd.DataFrame({"cluster": codes}, index=index)}
        case _:
            raise DataError(
                f"random_effects has no {value.label} covariance; it has 'cluster', Cluster(by=...), "
                "'hom', 'het'."
            )
    model = RandomEffects(y, X)
    found = model.fit(**options)
    classic = model.fit(cov_type="unadjusted").cov.to_numpy()
    slope, unit = sizes[0] / sizes[1:], float(sizes[0])
    keys = pd.MultiIndex.from_product([[name], terms], names=["equation", "term"])
    parts = found.variance_decomposition
    theta = found.theta.to_numpy(dtype=float)
    clusters = int(options["clusters"]["cluster"].max()) if "clusters" in options else 0
    return RandomEffectsFit(
        name,
        pd.Series(found.params.to_numpy() * slope, index=keys, name="estimate"),
        pd.DataFrame(found.cov.to_numpy() * np.outer(slope, slope), index=keys, columns=keys),
        value,
        unit * float(np.sqrt(parts["Effects"])),
        unit * float(np.sqrt(parts["Residual"])),
        (float(theta.min()), float(theta.max())),
        layout.n_units,
        layout.n_times,
        layout.n_rows,
        float(found.rsquared),
        clusters or layout.n_rows - len(terms),
        design.notes,
        design.choice,
        pd.DataFrame(classic * np.outer(slope, slope), index=keys, columns=keys),
    )
