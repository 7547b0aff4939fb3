"""Convergence between cities: sigma, and beta with spatial lags of growth, of the start and of controls."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, SpatialWarning, name_ids
from spatial.ids.rows import check_steps, checked_option
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.weights.value import Weights, WeightsLike, as_weights

from .sigma import SigmaConvergence, estimate_row, lagged, ordered_weights, read_logs, sigma_convergence
from .within import first_stage_f, within_fit

__all__ = ["BetaConvergence", "SigmaConvergence", "beta_convergence", "sigma_convergence"]

Float = NDArray[np.float64]
Lag = Literal["initial", "growth", "controls"]


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
        First-order bias of beta under unit effects, at the estimate; 0 without them.
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
        effects = " + ".join(self.effects) or "none"
        head = (
            f"beta convergence by {self.method}: {self.n_units} units x {self.n_times} periods, "
            f"effects: {effects}, errors clustered by unit"
        )
        foot = f"speed {self.speed:.4f} per unit of time, half-life {self.half_life:.1f}"
        if self.nickell_bias:
            foot += f"; beta is biased by about {self.nickell_bias:.4f} (Nickell)"
        return f"{head}\n{self.estimates.to_string(index=False, float_format=lambda v: f'{v:.4f}')}\n{foot}"

    def headline(self) -> str:
        """Name beta and the speed."""
        return f"beta = {self.beta:.4f}, speed = {self.speed:.4f}, {self.method}"


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
        For values that are not positive, gaps, and regressors that the effects absorb.
    NotIdentifiedError
        Where lagged growth has no instrument.

    Warns
    -----
    SpatialWarning
        With unit effects: beta is biased downwards by about :math:`-(1 + \rho)/(T - 1)`,
        :math:`\rho = 1 + \beta`, as :math:`\ln y_{it}` is a lagged dependent variable (Nickell 1981), so
        that convergence looks faster than it is.  The size is in ``nickell_bias``.  With lagged growth:
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
    logs = np.log(cube.values[::steps, :, 0])
    growth, initial = np.diff(logs, axis=0), logs[:-1]
    start = np.concatenate([initial[:, :, None], cube.values[::steps][: len(growth), :, 1:]], axis=2)
    unit, time = "unit" in wanted.effects, "time" in wanted.effects
    names, x = [f"log({column})", *controls], start
    instruments = None
    if W is not None:
        names, x, instruments = _with_lags(ordered_weights(W, cube.units), growth, start, names, wanted.lags)
    if not (unit or time):
        ones = np.ones((*growth.shape, 1))
        names, x = ["Intercept", *names], np.concatenate([ones, x], axis=2)
        instruments = None if instruments is None else np.concatenate([ones, instruments], axis=2)
    _refuse_few(growth.shape, x.shape[2], wanted.effects)
    fit = within_fit(growth, x, instruments, names, unit=unit, time=time)
    errors = np.sqrt(np.diag(fit.covariance))
    table = pd.DataFrame(
        [
            estimate_row(n, float(b), float(e), growth.shape[1] - 1)
            for n, b, e in zip(names, fit.estimates, errors, strict=True)
        ]
    )
    at = names.index(f"log({column})")
    beta, length = float(fit.estimates[at]), steps * _spacing(cube.times)
    speed, error, half = _speed(beta, float(errors[at]), length)
    bias = _nickell(beta, len(growth)) if unit else 0.0
    found = BetaConvergence(
        table,
        beta,
        speed,
        error,
        half,
        bias,
        wanted.effects,
        "2SLS" if instruments is not None else "OLS",
        growth.shape[1],
        len(growth),
        fit.r2_within,
        np.nan
        if instruments is None
        else first_stage_f(x[:, :, -1], x[:, :, :-1], instruments, unit=unit, time=time),
    )
    for message in (_nickell_message(found), _lag_message(found, W)):
        if message:
            warnings.warn(message, SpatialWarning, stacklevel=2)
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
        return _Wanted(("growth", "initial"), chosen)
    found = (lags,) if isinstance(lags, str) else tuple(lags)
    for name in found:
        checked_option(name, ("growth", "initial", "controls"), "lags")
    if found and W is None:
        raise DataError(f"Spatial lags ({name_ids(found)}) need weights: pass W.")
    if "controls" in found and not controls:
        raise DataError('lags has "controls", and no controls are given.')
    return _Wanted(found, chosen)


def _with_lags(
    W: Weights, growth: Float, start: Float, names: list[str], lags: tuple[str, ...]
) -> tuple[list[str], Float, Float | None]:
    """Return names, regressors and instruments (None where growth is not lagged)."""
    first = lagged(W, start)
    keep = [k for k in range(start.shape[2]) if ("initial" if k == 0 else "controls") in lags]
    exogenous = np.concatenate([start, first[:, :, keep]], axis=2)
    named = [*names, *(f"W({names[k]})" for k in keep)]
    if "growth" not in lags:
        return named, exogenous, None
    y = names[0].removeprefix("log(").removesuffix(")")
    instruments = np.concatenate([exogenous, first, lagged(W, first), lagged(W, lagged(W, first))], axis=2)
    x = np.concatenate([exogenous, lagged(W, growth[:, :, None])], axis=2)
    return [*named, f"W(growth of {y})"], x, instruments


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
    return -(2 + beta) / (t - 1)


def _nickell_message(found: BetaConvergence) -> str:
    if "unit" not in found.effects:
        return ""
    return (
        f"With unit effects and T = {found.n_times} periods, beta ({found.beta:.4f}) is biased by about "
        f"{found.nickell_bias:.4f} (Nickell 1981): convergence looks faster than it is. Use more periods, "
        "or a dynamic panel estimator."
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
