"""How much would the unseen have to matter?  Oster's delta and the slope that it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.models.mechanisms.arguments import names_of
from spatial.models.results import SystemFit
from spatial.models.solving import least_squares
from spatial.results import Result
from spatial.words import tell

from .terms import linear_equation

__all__ = ["Oster", "oster", "oster_beta", "oster_delta"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Oster(Result):
    """Selection on what is not seen; see `oster`.

    Parameters
    ----------
    equation, term : str
    short, full : float
        Slope without and with the controls.
    r2_short, r2_full, r2_max : float
        Effects taken out of everything.
    delta : float
        How much more selection on the unseen than on the controls would bring the slope to `target`.
    target : float
    assumed : float
        The delta of `adjusted`.
    adjusted : float
        The slope if selection on the unseen is `assumed` times that on the controls.
    """

    equation: str
    term: str
    short: float
    full: float
    r2_short: float
    r2_full: float
    r2_max: float
    delta: float
    target: float
    assumed: float
    adjusted: float

    @property
    def bounds(self) -> tuple[float, float]:
        """The identified set between the slope with controls and the adjusted one."""
        return min(self.full, self.adjusted), max(self.full, self.adjusted)

    @property
    def robust(self) -> bool:
        """Whether the set leaves the target out."""
        low, high = self.bounds
        return not low <= self.target <= high

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        names = list(self.__dataclass_fields__)
        return pd.DataFrame([{n: getattr(self, n) for n in names} | {"robust": self.robust}])

    def glance(self) -> pd.DataFrame:
        """Return the same row."""
        return self.tidy()

    def headline(self) -> str:
        """Name the slope and delta."""
        return tell(
            f"{self.term} on {self.equation}: delta = {self.delta:.3f}",
            f"{self.term} 对 {self.equation}：δ = {self.delta:.3f}",
        )

    def summary(self) -> str:
        """Return the numbers in words."""
        low, high = self.bounds
        same = self.delta >= 0
        return "\n".join(
            [
                tell(
                    f"Oster (2019): {self.term} on {self.equation}, effects taken out",
                    f"Oster（2019）：{self.term} 对 {self.equation}，已剔除固定效应",
                ),
                tell(
                    f"Slope without controls {self.short:.5g} (R2 {self.r2_short:.4f}), with them "
                    f"{self.full:.5g} "
                    f"(R2 {self.r2_full:.4f}); largest R2 assumed {self.r2_max:.4f}",
                    f"斜率：不含控制变量 {self.short:.5g}（R² {self.r2_short:.4f}），含控制变量 "
                    f"{self.full:.5g}"
                    f"（R² {self.r2_full:.4f}）；假定 R² 最大为 {self.r2_max:.4f}",
                ),
                tell(
                    f"delta for a slope of {self.target:g}: {self.delta:.4f}: the unseen would have to "
                    "matter "
                    f"{abs(self.delta):.2f} times as much as the controls"
                    + ("" if same else ", with the other sign"),
                    f"使斜率为 {self.target:g} 的 δ：{self.delta:.4f}：未观测因素的重要性须为控制变量的 "
                    f"{abs(self.delta):.2f} 倍" + ("" if same else "，且符号相反"),
                ),
                tell(
                    f"With delta = {self.assumed:g} the slope is {self.adjusted:.5g}; identified set "
                    f"[{low:.5g}, {high:.5g}] "
                    f"{'leaves out' if self.robust else 'holds'} {self.target:g}",
                    f"δ = {self.assumed:g} 时斜率为 {self.adjusted:.5g}；识别集 [{low:.5g}, {high:.5g}] "
                    f"{'不包含' if self.robust else '包含'} {self.target:g}",
                ),
            ]
        )


@hinted
def oster(
    fit: SystemFit,
    term: str,
    *,
    r2_max: float | None = None,
    delta: float = 1.0,
    target: float = 0.0,
    base: Iterable[str] = (),
    equation: str | None = None,
) -> Oster:
    r"""Ask how much selection on the unseen would explain a slope away (Oster 2019).

    Parameters
    ----------
    fit : SystemFit
        By least squares; `fixed_effects` without instruments.
    term : str
    r2_max : float, optional
        R2 of a regression with all that matters; default 1.3 times that of the fit, at most 1 (Oster's rule).
        Effects are taken out of everything, so these are R2 within.
    delta : float
        Selection on the unseen relative to that on the controls, for `Oster.adjusted`.
    target : float
        The slope that is to be ruled out.
    base : list of str
        Terms that belong to both regressions (psacalc's ``mcontrol``); the others are the controls.
    equation : str, optional

    Raises
    ------
    DataError
        If `fit` is no least squares of one equation, has no such `term` or no other regressors, or `r2_max`
        is below its R2.

    References
    ----------
    Oster (2019, Journal of Business and Economic Statistics 37), Proposition 2 and 3.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 2)), columns=["w", "e"], index=index)
    >>> data["x"] = 0.3 * data.w + rng.normal(size=320)
    >>> data["y"] = data.x + 0.5 * data.w + data.e
    >>> oster(fixed_effects("y ~ x + w", data), "x").robust
    True
    """
    name, g, terms = linear_equation(fit, term, equation, "oster")
    design = fit.estimate.design
    data = design.projected[:, design.equation_columns(g)]
    if not design.effects.any:
        data = data - data.mean(axis=0)
        keep = [0, *(j + 1 for j, t in enumerate(terms) if t != "Intercept")]
        data, terms = data[:, keep], [t for t in terms if t != "Intercept"]
    both = names_of(base, "base") if base else []
    for other in both:
        if other not in terms or other == term:
            raise DataError(f"base: the fit has no other term {other!r}.{did_you_mean(other, terms)}")
    y, x = data[:, 0], data[:, 1 + terms.index(term)]
    shared = data[:, [1 + terms.index(t) for t in both]]
    controls = data[:, [1 + j for j, t in enumerate(terms) if t != term and t not in both]]
    if controls.shape[1] == 0:
        raise DataError(f"oster compares with and without controls, and {term} is alone in the equation.")
    y, x, controls = (_less(v, shared) for v in (y, x, controls))
    short, r2_short = _slope(y, x[:, None])
    full, r2_full = _slope(y, np.column_stack([x, controls]))
    top = min(1.0, 1.3 * r2_full) if r2_max is None else float(r2_max)
    if not r2_full <= top <= 1:
        raise DataError(f"r2_max lies between the R2 of the fit, {r2_full:.4f}, and 1; got {r2_max!r}.")
    tau = float(np.mean(_less(x, controls) ** 2))
    moments = (float(np.mean(y**2)), float(np.mean(x**2)), tau)
    numbers = (short, full, r2_short, r2_full, top)
    return Oster(
        name,
        term,
        short,
        full,
        r2_short,
        r2_full,
        top,
        oster_delta(target, *numbers, *moments),
        target,
        float(delta),
        oster_beta(float(delta), *numbers, *moments),
    )


def _less(v: Float, others: Float) -> Float:
    if others.shape[1] == 0:
        return v
    return np.asarray(v - others @ least_squares(others, v))


def _slope(y: Float, X: Float) -> tuple[float, float]:
    beta = least_squares(X, y)
    residual = y - X @ beta
    return float(beta[0]), 1.0 - float(residual @ residual) / float(y @ y)


def _cubic(
    short: float,
    full: float,
    r2_short: float,
    r2_full: float,
    r2_max: float,
    var_y: float,
    var_x: float,
    tau: float,
) -> tuple[Float, Float]:
    """Return numerator and denominator of delta as polynomials in the bias, from the cube down."""
    gap = short - full
    left = tau * var_x - tau**2
    numerator = np.array(
        [left, 2 * tau * gap * var_x, (r2_full - r2_short) * var_y * tau + var_x * tau * gap**2, 0.0]
    )
    rest = (r2_max - r2_full) * var_y
    denominator = np.array([left, tau * gap * var_x, rest * (var_x - tau), rest * gap * var_x])
    return numerator, denominator


def oster_delta(beta: float, *numbers: float) -> float:
    """Return the delta at which the slope is beta (Oster 2019, Proposition 3).

    Parameters
    ----------
    beta : float
    *numbers : float
        Slope and R2 without and with controls, in the order short, full, r2_short, r2_full, r2_max; the
        variances of y and x; the variance of x given the controls.
    """
    numerator, denominator = _cubic(*numbers)
    bias = numbers[1] - beta
    bottom = float(np.polyval(denominator, bias))
    return float(np.polyval(numerator, bias)) / bottom if bottom else float("inf")


def oster_beta(delta: float, *numbers: float) -> float:
    """Return the slope at this delta: of the real roots the one nearest to that with controls (p. 194)."""
    numerator, denominator = _cubic(*numbers)
    roots = np.roots(np.trim_zeros(numerator - delta * denominator, "f"))
    real = roots[np.abs(roots.imag) < 1e-9 * np.maximum(1.0, np.abs(roots.real))].real
    if not len(real):
        return float("nan")
    return float(numbers[1] - real[np.argmin(np.abs(real))])
