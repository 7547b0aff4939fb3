"""What stands below a coefficient: a t statistic, a standard error, or an interval."""

from __future__ import annotations

import math
from typing import Any, Literal

import scipy

from .formats.numbers import format_number, marked

__all__ = ["Show", "below", "interval"]

Show = Literal["t", "se", "ci"]


def below(values: Any, show: str, digits: int, df: float) -> str:
    """Return the cell below a coefficient.

    Examples
    --------
    >>> row = {"estimate": 1.0, "std_error": 0.5, "statistic": 2.0}
    >>> [below(row, show, 2, math.inf) for show in ("t", "se", "ci")]
    ['(2.00)', '(0.50)', '[0.02, 1.98]']
    """
    if show == "ci":
        low, high = interval(values, df)
        return f"[{_end(low, digits)}, {_end(high, digits)}]" if low <= high else ""
    shown = values["statistic"] if show == "t" else values["std_error"]
    return marked(format_number(shown, digits), "(", ")")


def interval(values: Any, df: float) -> tuple[float, float]:
    """Return the 95 % interval: that of the fit, or the estimate -+ t(df) standard errors, NaN without df."""
    low, high = values.get("conf_low", math.nan), values.get("conf_high", math.nan)
    if not (math.isnan(low) or math.isnan(high)):
        return float(low), float(high)
    reach = scipy.stats.t.ppf(0.975, df) * values["std_error"]
    return float(values["estimate"] - reach), float(values["estimate"] + reach)


def _end(value: float, digits: int) -> str:
    return format_number(value, digits) if math.isfinite(value) else "-∞" if value < 0 else "∞"
