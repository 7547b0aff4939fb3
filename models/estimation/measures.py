"""How well an estimate fits: R2 of each equation and of the system; and frames of coefficients."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .estimate import Estimate
from .least_squares import precision_of

__all__ = ["inference_frame", "mcelroy_r_squared", "structural_r_squared"]

Float = NDArray[np.float64]


def structural_r_squared(found: Estimate) -> tuple[float, ...]:
    """Return 1 - u'u / y'y of each equation, u = y - Z delta; effects, or the mean, taken out."""
    design, values = found.design, []
    for g, place in enumerate(design.structure.slices):
        data = design.projected[:, design.equation_columns(g)]
        u = data @ np.concatenate([[1.0], -found.delta[place]])
        y = data[:, 0] if design.effects.any else data[:, 0] - data[:, 0].mean()
        values.append(1.0 - float(u @ u) / float(y @ y))
    return tuple(values)


def mcelroy_r_squared(found: Estimate) -> float:
    r"""Return 1 - e'(Sigma^-1 (x) I)e / y'(Sigma^-1 (x) I)y of the filtered data (McElroy 1977)."""
    space, numbers = found.space, found.numbers
    y = np.stack([space.filtered(g, float(r))[:, 0] for g, r in enumerate(numbers.rho)])
    if not found.design.effects.any:
        y = y - y.mean(axis=1, keepdims=True)
    precision = precision_of(numbers.sigma)
    if precision is None:
        return float("nan")
    e = numbers.residuals
    return float(1.0 - np.sum(precision * (e @ e.T)) / np.sum(precision * (y @ y.T)))


def inference_frame(
    estimate: Float, error: Float, level: float, index: pd.MultiIndex, df: float | None = None
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
