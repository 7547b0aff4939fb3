"""Convergence between cities: sigma, and beta with spatial lags of growth, of the start and of controls."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import scipy

from spatial.errors import DataError, NotIdentifiedError, SpatialWarning, hinted, name_ids, warn
from spatial.ids.rows import check_steps, checked_option
from spatial.languages.shown import digits, frame_text, joined, shown
from spatial.models.hypothesis import cluster_sums
from spatial.models.identification.first_stages import equation_first_stage
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.weights.value import Weights, WeightsLike, as_weights
from spatial.words import tell

from .sigma import Cube, SigmaConvergence, estimate_row, ordered_weights, read_logs, sigma_convergence

__all__ = ["BetaConvergence", "SigmaConvergence", "beta_convergence", "sigma_convergence"]

Lag = Literal["initial", "growth", "controls"]

_GROWTH = "growth_of_period"


@dataclass(frozen=True, eq=False, repr=False)
class BetaConvergence(Result):
    r"""Estimates of a growth equation, its speed and half-life.

    Parameters
    ----------
    estimates : DataFrame
        ``term, estimate, std_error, statistic, p_value, conf_low, conf_high``; the term ``log(y)`` is beta.
    beta, speed, speed_std_error, half_life : float
        :math:`s = -\ln(1 + \beta) / d` per unit of time, with d the length of a step, its standard error by
        the delta method, and :math:`\ln 2 / s`: infinite without convergence; NaN where
        :math:`\beta \le -1`.
    nickell_bias : float
        Bias of beta under unit effects that goes with the estimate, for series about steady paths; 0 without.
    first_stage_f : float
        F statistic, clustered by unit, of the instruments of lagged growth; NaN for least squares.
    """

    figure: ClassVar[str] = "convergence_plot"

    estimates: pd.DataFrame
    beta: float
    speed: float
    speed_std_error: float
    half_life: float
    nickell_bias: float
    effects: tuple[str, ...]
    method: str
    n_units: int
    n_times: int
    r2_within: float
    first_stage_f: float

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, with the speed of convergence as the last row."""
        last = estimate_row("speed", self.speed, self.speed_std_error, self.n_units - 1)
        return pd.concat([self.estimates, pd.DataFrame([last])], ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: beta, speed, half-life, bias, sample, method, effects."""
        facts = (
            "beta",
            "speed",
            "half_life",
            "nickell_bias",
            "n_units",
            "n_times",
            "r2_within",
            "first_stage_f",
            "method",
        )
        row = {name: getattr(self, name) for name in facts}
        return pd.DataFrame([{**row, "n": self.n_units * self.n_times, "effects": " + ".join(self.effects)}])

    def summary(self) -> str:
        """Return the estimates as text."""
        title = tell(
            f"beta convergence by {self.method}: {self.n_units} units x {self.n_times} periods, "
            f"effects: {joined(self.effects)}, errors clustered by unit",
            f"β 收敛（{shown(self.method)}）：{self.n_units} 个个体 × {self.n_times} 期，"
            f"固定效应：{joined(self.effects)}，标准误按个体聚类",
        )
        foot = tell(
            f"speed {self.speed:.4f} per unit of time, half-life {self.half_life:.1f}",
            f"收敛速度 {self.speed:.4f}（每单位时间），半衰期 {self.half_life:.1f}",
        )
        if bias := self.nickell_bias:
            foot += tell(
                f"; beta is biased by about {bias:.4f} (Nickell)", f"；β 的 Nickell 偏误约为 {bias:.4f}"
            )
        return f"{title}\n{frame_text(self.estimates, digits(4))}\n{foot}"

    def headline(self) -> str:
        """Name beta and the speed."""
        return tell(
            f"beta = {self.beta:.4f}, speed = {self.speed:.4f}, {self.method}",
            f"β = {self.beta:.4f}，收敛速度 = {self.speed:.4f}，{shown(self.method)}",
        )


@hinted
def beta_convergence(
    panel: Panel | pd.DataFrame,
    column: str,
    W: WeightsLike | None = None,
    *,
    controls: Sequence[str] = (),
    lags: Iterable[Lag] | None = None,
    effects: Iterable[Literal["unit", "time"]] = ("unit", "time"),
    steps: int = 1,
) -> BetaConvergence:
    r"""Estimate beta convergence, with spatial lags where W is given:

    .. math::

        \ln \frac{y_{i,t+k}}{y_{it}} = \alpha_i + \gamma_t + \beta \ln y_{it}
        + \lambda \sum_j w_{ij} \ln \frac{y_{j,t+k}}{y_{jt}} + \theta \sum_j w_{ij} \ln y_{jt}
        + x_{it}'\pi + \sum_j w_{ij} x_{jt}'\eta + \varepsilon_{it} .

    A negative beta is convergence, at the speed :math:`s = -\ln(1 + \beta)/d` per unit of time, where d is
    the length of a step (Barro and Sala-i-Martin 1992).

    Parameters
    ----------
    panel : Panel or DataFrame
        By (unit, time), balanced, times equally spaced.
    column : str
        y, positive.
    W : Weights, Graph or W, optional
        Matched by id.  Without it no lags: absolute convergence, or conditional on effects and controls.
    controls : list of str
        x, taken at the start of each period, as they are.
    lags : subset of {"growth", "initial", "controls"}, optional
        Which spatial lags; default ``("growth", "initial")``.  Lagged growth is endogenous: then 2SLS, with
        W and W squared of the other regressors as instruments (Kelejian and Prucha 1998).
    effects : subset of {"unit", "time"}
        ``()`` has an intercept.
    steps : int
        k: length of a period in times of the panel.  Periods follow each other without overlap, from the
        first time; the last times that do not fill a period are left out.

    Returns
    -------
    BetaConvergence
        Errors are clustered by unit.

    Raises
    ------
    DataError
        For values that are not positive, gaps, regressors that the effects absorb or that depend on each
        other, and as many instruments as observations.
    NotIdentifiedError
        Where lagged growth has no instrument.
    AlignmentError
        If the units of the panel are not those of the weights.
    WeightsError
        If `W` is not weights with ids.

    Warns
    -----
    SpatialWarning
        With unit effects: beta is biased downwards, as :math:`\ln y_{it}` is a lagged dependent variable, so
        that convergence looks faster than it is.  ``nickell_bias`` is that of Nickell (1981, equation 18),

        .. math:: -\frac{1 + \rho}{T - 1}\,a\Big/\Big\{1 - \frac{2\rho a}{(1 - \rho)(T - 1)}\Big\},
                  \qquad a = 1 - \frac{1 - \rho^T}{T(1 - \rho)},

        at the :math:`\rho` whose expected estimate is that found, for series about steady paths of their own;
        it is smaller where units start far from them.  With lagged growth:
        where its instruments are weak (F below 10) or its coefficient leaves (-1, 1).

    Examples
    --------
    Each city closes half of its distance to 8 each year:

    >>> import numpy as np, pandas as pd
    >>> rows = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002, 2003]])
    >>> start = np.log(np.array([1.0, 2.0, 4.0]))
    >>> logs = np.log(8) + (start - np.log(8))[:, None] * 0.5 ** np.arange(3)
    >>> found = beta_convergence(pd.DataFrame({"gdp": np.exp(logs).ravel()}, rows), "gdp", effects=())
    >>> round(found.beta, 6), round(found.speed, 4), round(found.half_life, 6)
    (-0.5, 0.6931, 1.0)
    """
    wanted = _wanted(W, lags, controls, effects)
    cube = read_logs(panel, [column, *controls], "Beta convergence")
    check_steps(steps, len(cube.times))
    n, t = len(cube.units), (len(cube.times) - 1) // steps
    terms = _terms(column, controls, wanted.lags)
    _refuse_few((t, n), len(terms) + (not wanted.effects), wanted.effects)
    frame = _periods(cube, steps, [column, *controls])
    fit = _fit(frame, terms, None if W is None else ordered_weights(W, cube.units), wanted.effects)
    names = [_plain(term, column) for term in fit.params.index.get_level_values("term")]
    table = pd.DataFrame(
        [
            estimate_row(name, float(b), float(e), n - 1)
            for name, b, e in zip(names, fit.params, fit.std_errors, strict=True)
        ]
    )
    at = names.index(f"log({column})")
    beta, length = float(table["estimate"][at]), steps * _spacing(cube.times)
    speed, error, half = _speed(beta, float(table["std_error"][at]), length)
    found = BetaConvergence(
        table,
        beta,
        speed,
        error,
        half,
        _nickell(beta, t) if "unit" in wanted.effects else 0.0,
        wanted.effects,
        fit.method.upper(),
        n,
        t,
        float(fit.r_squared_within.iloc[0]),
        _first_stage_f(fit) if fit.method == "2sls" else np.nan,
    )
    for message in (_nickell_message(found), _lag_message(found, W)):
        if message:
            warn(message)
    return found


@dataclass(frozen=True)
class _Wanted:
    lags: tuple[str, ...]
    effects: tuple[str, ...]


def _wanted(W: Any, lags: Any, controls: Sequence[str], effects: Any) -> _Wanted:
    chosen = tuple(effects)
    for effect in chosen:
        checked_option(effect, ("unit", "time"), "effects")
    if lags is None:
        return _Wanted(() if W is None else ("growth", "initial"), chosen)
    found = (lags,) if isinstance(lags, str) else tuple(lags)
    for name in found:
        checked_option(name, ("growth", "initial", "controls"), "lags")
    if found and W is None:
        raise DataError(f"Spatial lags ({name_ids(found)}) need weights: pass W.")
    if "controls" in found and not controls:
        raise DataError('lags has "controls", and no controls are given.')
    return _Wanted(found, chosen)


def _terms(column: str, controls: Sequence[str], lags: tuple[str, ...]) -> list[str]:
    """Return the regressors as formulas write them."""
    names = [_GROWTH, *controls]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice or column == _GROWTH:
        raise DataError(
            f"These columns stand twice: {name_ids(twice or [column])}. Name each control once, and none "
            f"{_GROWTH!r}, which is the growth that is made here."
        )
    initial, others = f"log(`{column}`)", [f"`{name}`" for name in controls]
    of = {"initial": [initial], "controls": others, "growth": [_GROWTH]}
    return [initial, *others, *(f"W({name})" for lag in of if lag in lags for name in of[lag])]


def _plain(term: str, column: str) -> str:
    return f"W(growth of {column})" if term == f"W({_GROWTH})" else term.replace("`", "")


def _periods(cube: Cube, steps: int, columns: list[str]) -> pd.DataFrame:
    """Return a row for each unit and period: the start, the controls there, and growth."""
    values, times = cube.values[::steps], cube.times[::steps]
    rows = pd.MultiIndex.from_product([cube.units, times[:-1]], names=["unit", "time"])
    start = {name: values[:-1, :, k].T.ravel() for k, name in enumerate(columns)}
    return pd.DataFrame({**start, _GROWTH: np.diff(np.log(values[:, :, 0]), axis=0).T.ravel()}, rows)


def _fit(frame: pd.DataFrame, terms: list[str], W: Weights | None, effects: tuple[str, ...]) -> SystemFit:
    """Estimate by `spatial.models`, without its warnings: what is weak or biased is said here of growth."""
    endogenous = f"W({_GROWTH})" in terms
    # Instruments up to the third lag; the order given is one more where exogenous variables are lagged.
    exogenous_lags = sum(term.startswith("W(") for term in terms) - endogenous
    order = (2 if exogenous_lags else 3) if endogenous else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)
        system = SpatialSystem(f"{_GROWTH} ~ {' + '.join(terms)}", frame, W, effects=effects, iv_order=order)
        if system.design.absorbed:
            lost = [term.replace("`", "") for _, term in system.design.absorbed]
            raise DataError(
                f"These regressors do not vary beside the effects: {name_ids(lost)}. Leave them out, or take "
                "fewer effects."
            )
        if endogenous and system.design.basis.rank >= system.design.n_effective:
            raise DataError(
                f"{len(system.instruments)} instruments for {system.design.n_effective} observations after "
                "the effects: two-stage least squares is least squares there. Use more units or times, or "
                'leave "growth" out of lags.'
            )
        try:
            return system.fit("2sls" if endogenous else "ols", cov="cluster", small=True)
        except NotIdentifiedError:
            raise NotIdentifiedError(
                "The instruments do not tell the coefficients apart: the lagged growth has no instrument "
                'beside the regressors. Add controls, or leave "growth" out of lags.'
            ) from None


def _first_stage_f(fit: SystemFit) -> float:
    """Return the F statistic of the excluded instruments, clustered by unit; NaN where they add nothing."""
    stage, _ = equation_first_stage(fit.estimate.design, 0)
    m, n = stage.n_instruments, fit.n_units
    if m == 0 or n <= m:
        return np.nan
    sums = cluster_sums(stage.Z * stage.residuals, fit.estimate.design.layout.unit)
    slope = stage.pi[:, 0]
    return float(slope @ np.linalg.solve(sums.T @ sums, slope) / m * (n - m) / n)


def _refuse_few(shape: tuple[int, int], k: int, effects: tuple[str, ...]) -> None:
    t, n = shape
    left = t * n - k - (n if "unit" in effects else 0) - (t if "time" in effects else 0)
    if "unit" in effects and t < 2:
        raise DataError(
            "Unit effects need two periods of growth or more; there is one. Use effects=(), or shorter steps."
        )
    if left < 1 or n < 2:
        raise DataError(
            f"{t * n} observations ({n} units x {t} periods) are too few for {k} coefficients and effects."
        )


def _spacing(times: pd.Index[Any]) -> float:
    """Return the length of a step in units of time; 1 where times are no whole numbers."""
    return float(times[1] - times[0]) if pd.api.types.is_integer_dtype(times.dtype) else 1.0


def _speed(beta: float, error: float, length: float) -> tuple[float, float, float]:
    if beta <= -1:
        return np.nan, np.nan, np.nan
    speed = -np.log1p(beta) / length
    return float(speed), error / ((1 + beta) * length), float(np.log(2) / speed) if speed > 0 else np.inf


def _nickell(beta: float, t: int) -> float:
    """Return the bias at the persistence whose expected estimate is this one; at 1 beyond its reach."""

    def bias(rho: float) -> float:
        if 1 - rho < 1e-4:
            return -3 / (t + 1)
        a = 1 - (1 - rho**t) / (t * (1 - rho))
        return -(1 + rho) / (t - 1) * a / (1 - 2 * rho * a / ((1 - rho) * (t - 1)))

    def gap(rho: float) -> float:
        return rho + bias(rho) - (1 + beta)

    if gap(1.0) <= 0 or t < 2:
        return bias(1.0)
    return bias(scipy.optimize.brentq(gap, -1.0, 1.0)) if gap(-1.0) < 0 else 0.0


def _nickell_message(found: BetaConvergence) -> str:
    if "unit" not in found.effects:
        return ""
    return (
        f"With unit effects and T = {found.n_times} periods, beta ({found.beta:.4f}) is biased by about "
        f"{found.nickell_bias:.4f} (Nickell 1981; less where units start far from their paths): convergence "
        "looks faster than it is. Use more periods, or a dynamic panel estimator."
    )


def _lag_message(found: BetaConvergence, W: Any) -> str:
    if found.method != "2SLS":
        return ""
    faults = []
    lam = float(found.estimates["estimate"].iloc[-1])
    if as_weights(W).is_row_standardized and abs(lam) >= 1:
        faults.append(f"its coefficient ({lam:.3f}) is not below 1 in size, so that no growth path is stable")
    if not found.first_stage_f >= 10:
        faults.append(f"its instruments are weak (F = {found.first_stage_f:.1f})")
    if not faults:
        return ""
    return (
        f"The spatial lag of growth is not to be trusted: {' and '.join(faults)}. Add controls, whose lags "
        'are instruments, or leave "growth" out of lags.'
    )
