"""One group left out: whether a slope hangs on a single province, city or year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.languages.shown import shown
from spatial.models.mechanisms.asked import as_model
from spatial.models.results import SystemFit
from spatial.results import Result
from spatial.words import tell

from .terms import equation_of

__all__ = ["LeaveOneOut", "leave_one_out"]


@dataclass(frozen=True, eq=False, repr=False)
class LeaveOneOut(Result):
    """A slope without each group; see `leave_one_out`.

    Parameters
    ----------
    equation, term, by : str
    frame : DataFrame
        left_out, estimate, std_error, p_value, conf_low, conf_high, n_obs; in the order of the estimates.
    whole : Series
        The same of the whole sample.
    """

    equation: str
    term: str
    by: str
    frame: pd.DataFrame
    whole: pd.Series[Any]

    figure = "leave_one_out_plot"

    def tidy(self) -> pd.DataFrame:
        """Return one row for each group left out."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return the range."""
        low, high = self.frame.iloc[0], self.frame.iloc[-1]
        row = {
            "equation": self.equation,
            "term": self.term,
            "whole": float(self.whole["estimate"]),
            "least": low["estimate"],
            "least_without": low["left_out"],
            "largest": high["estimate"],
            "largest_without": high["left_out"],
            "largest_p": float(self.frame["p_value"].max()),
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the range."""
        found = self.frame["estimate"]
        low, high = found.min(), found.max()
        return tell(
            f"{self.term} without each {self.by}: {low:.4g} to {high:.4g}",
            f"{self.term}，逐一剔除{shown(self.by)}：{low:.4g} 至 {high:.4g}",
        )

    def summary(self) -> str:
        """Return the range in words."""
        row = self.glance().iloc[0]
        return tell(
            f"{self.term} on {self.equation}: {row['whole']:.5g}; without one {self.by} from "
            f"{row['least']:.5g} "
            f"(without {row['least_without']}) to {row['largest']:.5g} (without {row['largest_without']}); "
            f"largest p = {row['largest_p']:.4f}, of {len(self.frame)} fits",
            f"{self.term} 对 {self.equation}：{row['whole']:.5g}；逐一剔除{shown(self.by)}，从 "
            f"{row['least']:.5g}"
            f"（剔除 {row['least_without']}）到 {row['largest']:.5g}（剔除 {row['largest_without']}）；"
            f"{len(self.frame)} 次估计中最大 p = {row['largest_p']:.4f}",
        )


@hinted
def leave_one_out(fit: SystemFit, term: str, *, by: str = "unit", equation: str | None = None) -> LeaveOneOut:
    """Fit again without each group, as each province, spatial lags of the whole map first.

    Parameters
    ----------
    fit : SystemFit
    term : str
    by : str
        A column, ``"unit"`` or ``"time"``.
    equation : str, optional

    Raises
    ------
    DataError
        If `fit` is no fit of this package, or has no such `term`, or there is one group.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rows = pd.MultiIndex.from_product([range(60), range(3)], names=["city", "year"])
    >>> data = pd.DataFrame(np.random.default_rng(0).normal(size=(180, 2)), rows, ["y", "x"])
    >>> found = leave_one_out(fixed_effects("y ~ x", data), "x")
    >>> len(found.frame)
    60
    """
    name, _, _ = equation_of(fit, term, equation, "leave_one_out")
    base = as_model(fit, None, None, "leave_one_out")
    source, layout = fit.estimate.source, fit.estimate.design.layout
    if by not in ("unit", "time") and not source.has(by):
        raise DataError(f"The data have no column {by!r}.{did_you_mean(by, source.columns)}")
    if by in ("unit", "time"):
        values = (layout.units if by == "unit" else layout.times).tolist()
    else:
        values = sorted(pd.unique(pd.Series(source.rows(by, layout)).dropna()).tolist())
    if len(values) < 3:
        raise DataError(f"by={by!r} has {len(values)} values; leaving one out needs three or more.")
    rows = []
    for value in values:
        text = f"{by if by.isidentifier() else f'`{by}`'} != {_literal(value)}"
        where = base.given.where
        found = base.fit(where=text if where is None else f"({where}) and {text}")
        row = found.tidy().set_index(["equation", "term"]).loc[(name, term)]
        rows.append({"left_out": value, **row[_KEPT].to_dict(), "n_obs": found.n_obs})
    frame = pd.DataFrame(rows).sort_values("estimate", ignore_index=True)
    whole = fit.tidy().set_index(["equation", "term"]).loc[(name, term)]
    return LeaveOneOut(name, term, by, frame, whole[_KEPT])


_KEPT = ["estimate", "std_error", "p_value", "conf_low", "conf_high"]


def _literal(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return repr(float(value)) if isinstance(value, (float, np.floating)) else str(int(value))
    text = str(value)
    return f'"{text}"' if "'" in text else f"'{text}'"
