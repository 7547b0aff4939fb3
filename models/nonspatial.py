"""Nonspatial fixed effects, OLS and IV: the columns are ours, the estimator is pyfixest's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError
from spatial.models.data.cells import Unbalanced
from spatial.models.data.design import Design
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.clusters import cluster_codes, warn_few
from spatial.models.estimation.inference import infer
from spatial.models.estimation.measures import inference_frame
from spatial.models.estimation.steps import estimate
from spatial.models.formula.grammar import parse_formula
from spatial.models.identification.first_stages import equation_first_stage
from spatial.models.identification.strength import sanderson_windmeijer_f
from spatial.results import Fit

from .summaries import equation_table
from .system import SpatialSystem

__all__ = ["FixedEffectsFit", "fixed_effects"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class FixedEffectsFit(Fit):
    """A fit with fixed effects; immutable, without the data.

    Parameters
    ----------
    equation : str
        The outcome.
    params : Series
        Coefficients, by (equation, term).
    cov : DataFrame
    df : int
        Degrees of freedom of t statistics.
    method : "ols" or "2sls"
    covariance : Covariance
    effects : tuple of str
    n_units, n_times, n_obs : int
    r_squared, r_squared_within : float
    first_stage_f : float
        Of the excluded instruments; with several endogenous regressors the smallest conditional F of
        Sanderson and Windmeijer; NaN for OLS.
    absorbed : tuple of (equation, term)
    """

    equation: str
    params: pd.Series[float]
    cov: pd.DataFrame
    df: int
    method: str
    covariance: choice.Covariance
    effects: tuple[str, ...]
    n_units: int
    n_times: int
    n_obs: int
    r_squared: float
    r_squared_within: float
    first_stage_f: float
    absorbed: tuple[tuple[str, str], ...] = ()

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.params.index, name="std_error")

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each coefficient."""
        values, errors = self.params.to_numpy(), self.std_errors.to_numpy()
        return inference_frame(values, errors, level, self.params.index, self.df)

    def glance(self) -> pd.DataFrame:
        """Return one row: the method, the size, and the fit."""
        row = {
            "method": self.method,
            "covariance": self.covariance.label,
            "n_units": self.n_units,
            "n_times": self.n_times,
            "n_obs": self.n_obs,
            "effects": " + ".join(self.effects) or "none",
            "r_squared": self.r_squared,
            "r_squared_within": self.r_squared_within,
            "first_stage_f": self.first_stage_f,
        }
        return pd.DataFrame([row])

    def summary(self) -> str:
        """Return the table as text."""
        kind = "least squares" if self.method == "ols" else "two-stage least squares"
        lines = [
            f"Fixed effects, {kind}: {self.equation}",
            f"N = {self.n_units}, T = {self.n_times}, observations = {self.n_obs}",
            f"Effects: {' + '.join(self.effects) or 'none'}.  Standard errors: {self.covariance.label}.",
            "",
            equation_table(self.tidy()),
            "",
            f"R2 = {self.r_squared:.4f}, within = {self.r_squared_within:.4f}",
        ]
        if self.method == "2sls":
            lines.append(f"First-stage F = {self.first_stage_f:.2f}")
        lines += [f"Left out, absorbed by the effects: {term}." for _, term in self.absorbed]
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the outcome and the size."""
        return f"<FixedEffectsFit {self.method}: {self.equation}; N = {self.n_units}, T = {self.n_times}>"


def fixed_effects(
    formula: str,
    panel: Any,
    *,
    effects: str | Iterable[str] = ("unit", "time"),
    cov: str | choice.Covariance = "cluster",
    weights: Any = None,
    unbalanced: Unbalanced = "raise",
) -> FixedEffectsFit:
    r"""Estimate a panel model with fixed effects, the case W = 0 of `SpatialSystem`.

    .. math:: y_{it} = x_{it}'\beta + \mu_i + \gamma_t + \varepsilon_{it}

    Parameters
    ----------
    formula : str
        ``"y ~ x1 + W(x2)"``, or with instruments ``"y ~ x | unit + time | endog ~ z"``.  Effects in the
        formula replace `effects`.
    panel : Panel or DataFrame
    effects : tuple of str
        Among ``"unit"``, ``"time"``, columns, and products such as ``"region:time"``.
    cov : str or Covariance
        ``"cluster"`` by unit, ``"hom"``, ``"het"``, `Cluster`, `TwoWay` or `DriscollKraay`, with the
        small-sample factors of fixest.  Several endogenous regressors, which pyfixest does not take, go
        through the engine of `SpatialSystem`, with its factors times n / (n - k).
    weights : Weights, Graph, W or dict, optional
        For spatial lags of exogenous variables; a lag of the outcome needs `SpatialSystem`.
    unbalanced : "raise", "balance" or "induced"
        As in `SpatialSystem`; absent rows need it only where there are spatial lags.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel.panel import Panel
    >>> rng = np.random.default_rng(0)
    >>> grid = pd.MultiIndex.from_product([range(50), range(4)], names=["city", "year"]).to_frame(index=False)
    >>> data = grid.assign(x=rng.normal(size=200))
    >>> data["y"] = 2 * data.x + data.city + rng.normal(size=200)
    >>> fit = fixed_effects("y ~ x", Panel.from_frame(data, unit="city", time="year"))
    >>> fit.params.round(1).to_dict()
    {('y', 'x'): 2.0}
    """
    if not isinstance(formula, str):
        raise FormulaError(f"fixed_effects takes one formula; got {type(formula).__name__}.")
    system = _system(formula, panel, weights, effects, unbalanced)
    design = system.design
    equation = design.structure.equations[0]
    _refuse_spatial_outcome(system)
    instruments = list(design.external)
    endogenous = [k for k, t in enumerate(equation.terms) if t.is_endogenous]
    if endogenous and not instruments:
        names = ", ".join(equation.terms[k].name for k in endogenous)
        raise FormulaError(f"{names} is endogenous: name instruments, '| endog ~ instruments'.")
    value = choice.as_covariance(cov)
    if len(endogenous) > 1:
        return _several_endogenous(system, value)
    frame, text, order = _translated(design, endogenous)
    vcov, options = _vcov(value, design, system, frame)
    found = _run(text, frame, vcov, options)
    return _result(found, order, system, value, bool(endogenous))


def _system(
    formula: str, panel: Any, weights: Any, effects: str | Iterable[str], unbalanced: Unbalanced
) -> SpatialSystem:
    names = tuple(weights) if isinstance(weights, dict) else ("W",) if weights is not None else ()
    inside = parse_formula(formula, names).effects
    return SpatialSystem(
        formula,
        panel,
        weights,
        effects=() if inside is not None else effects,
        iv_order=1,
        unbalanced=unbalanced,
    )


def _refuse_spatial_outcome(system: SpatialSystem) -> None:
    for _, term in system.structure.terms:
        if term.is_endogenous and system.structure.is_outcome(term):
            raise FormulaError(
                f"{term.name} is a spatial lag of the outcome: least squares is inconsistent. Use "
                "SpatialSystem(formula, panel, weights, effects=...).fit('gs2sls')."
            )


def _translated(design: Design, endogenous: list[int]) -> tuple[pd.DataFrame, str, list[int]]:
    """Return a frame with plain names, the formula in pyfixest's language, and the order of its terms."""
    terms = design.structure.equations[0].terms
    frame = pd.DataFrame({"y": design.columns[:, design.outcomes[0]]})
    for k, (term, column) in enumerate(zip(terms, design.regressors[0], strict=True)):
        if term.role != "constant":
            frame[f"x{k}"] = design.columns[:, column]
    for k, values in enumerate(design.external.values()):
        frame[f"z{k}"] = values
    effects = [f"f{k}" for k in range(len(design.effects.codes))]
    for name, codes in zip(effects, design.effects.codes, strict=True):
        frame[name] = codes
    plain = [k for k, t in enumerate(terms) if k not in endogenous and t.role != "constant"]
    right = " + ".join(f"x{k}" for k in plain) or "1"
    if not effects and not any(t.role == "constant" for t in terms):
        right += " - 1"
    parts = [f"y ~ {right}"]
    if effects:
        parts.append(" + ".join(effects))
    if endogenous:
        outside = " + ".join(f"z{k}" for k in range(len(design.external)))
        parts.append(f"{' + '.join(f'x{k}' for k in endogenous)} ~ {outside}")
    return frame, " | ".join(parts), [*endogenous, *plain]


def _several_endogenous(system: SpatialSystem, value: choice.Covariance) -> FixedEffectsFit:
    """Estimate by 2SLS with the declared instruments and no others."""
    design = system.design
    exogenous = [
        j
        for j, t in zip(design.regressors[0], design.structure.equations[0].terms, strict=True)
        if not t.is_endogenous
    ]
    own = replace(
        design,
        instruments=np.column_stack([design.columns[:, exogenous], *design.external.values()]),
        instrument_names=tuple(f"x{j}" for j in exogenous) + tuple(design.external),
    )
    numbers, space = estimate(own, "2sls", "kp2010", 0, own.layout.unit)
    found = infer(space, numbers, value, "kp2010", system._source.lookup(design.layout))
    index = pd.MultiIndex.from_tuples(
        [(e, t.name) for e, t in design.structure.terms], names=["equation", "term"]
    )
    df = own.n_effective - len(index)
    cov = pd.DataFrame(found.cov * own.n_effective / df, index=index, columns=index)
    y = own.projected[:, own.outcomes[0]]
    y = y if own.effects.any else y - y.mean()
    residual = numbers.residuals[0]
    raw = own.columns[:, own.outcomes[0]]
    raw = raw - raw.mean()
    first = equation_first_stage(own, 0)[0]
    strength = min(sanderson_windmeijer_f(first, j).statistic for j in range(first.n_endogenous))
    return FixedEffectsFit(
        design.structure.names[0],
        pd.Series(numbers.fit.delta, index=index, name="estimate"),
        cov,
        df,
        "2sls",
        value,
        system.effects,
        design.layout.n_units,
        design.layout.n_times,
        design.layout.n_rows,
        1.0 - float(residual @ residual) / float(raw @ raw),
        1.0 - float(residual @ residual) / float(y @ y),
        strength,
        design.absorbed,
    )


def _vcov(
    value: choice.Covariance, design: Design, system: SpatialSystem, frame: pd.DataFrame
) -> tuple[Any, dict[str, Any]]:
    layout = design.layout
    match value:
        case choice.Homoskedastic():
            return "iid", {}
        case choice.Heteroskedastic():
            return "hetero", {}
        case choice.Cluster(by=by):
            frame["c0"] = cluster_codes(by, layout, system._source.lookup(design.layout))
            warn_few(value.label, [frame["c0"].to_numpy()], layout)
            return {"CRV1": "c0"}, {}
        case choice.TwoWay(first=first, second=second):
            frame["c0"] = cluster_codes(first, layout, system._source.lookup(design.layout))
            frame["c1"] = cluster_codes(second, layout, system._source.lookup(design.layout))
            warn_few(value.label, [frame["c0"].to_numpy(), frame["c1"].to_numpy()], layout)
            return {"CRV1": "c0+c1"}, {}
        case choice.DriscollKraay(lags=lags):
            frame["unit"], frame["time"] = layout.unit, layout.time
            options = {"time_id": "time", "panel_id": "unit"}
            return "DK", options if lags is None else {**options, "lag": lags}
    raise DataError(
        f"fixed_effects has no {value.label} covariance; use SpatialSystem(formula, panel, "
        "effects=...).fit('2sls', cov=...), which without endogenous terms is the same estimator."
    )


def _run(text: str, frame: pd.DataFrame, vcov: Any, options: dict[str, Any]) -> Any:
    import pyfixest

    with warnings.catch_warnings():
        # Its use of pandas is not ours to mend, nor the reader's to read.
        for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        found = pyfixest.feols(text, frame, vcov=vcov, vcov_kwargs=options or None, fixef_rm="none")
        if "~" in text.split("~", 1)[1]:
            found.first_stage()
    return found


def _result(
    found: Any, order: list[int], system: SpatialSystem, value: choice.Covariance, is_iv: bool
) -> FixedEffectsFit:
    design = system.design
    equation = design.structure.equations[0]
    names = list(found._coefnames)
    place = {f"x{k}": k for k in order} | {"Intercept": 0}
    if len(names) != len(equation.terms):
        gone = [equation.terms[k].name for k in order if f"x{k}" not in names]
        raise DataError(f"These terms depend on the others: {', '.join(gone)}. Leave them out.")
    rank = np.argsort([place[name] for name in names])
    index = pd.MultiIndex.from_tuples(
        [(equation.name, equation.terms[place[names[j]]].name) for j in rank], names=["equation", "term"]
    )
    params = pd.Series(np.asarray(found._beta_hat)[rank], index=index, name="estimate")
    cov = pd.DataFrame(np.asarray(found._vcov)[np.ix_(rank, rank)], index=index, columns=index)
    strength = float("nan")
    if is_iv:
        strength = float(getattr(found, "_f_stat_1st_stage", np.nan))
    within = getattr(found, "_r2_within", None)
    return FixedEffectsFit(
        equation.name,
        params,
        cov,
        int(found._df_t),
        "2sls" if is_iv else "ols",
        value,
        system.effects,
        design.layout.n_units,
        design.layout.n_times,
        design.layout.n_rows,
        _r2(found),
        float("nan") if within is None else float(within),
        strength,
        design.absorbed,
    )


def _r2(found: Any) -> float:
    value = getattr(found, "_r2", None)
    return float("nan") if value is None else float(value)
