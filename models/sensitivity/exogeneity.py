"""Instruments that are almost exogenous: the union of intervals over what they may do by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.ids.numbers import to_float
from spatial.models.data.design import Design
from spatial.models.mechanisms.arguments import whole_number
from spatial.models.mechanisms.interacted import fit_request
from spatial.models.results import SystemFit
from spatial.results import Result
from spatial.words import tell

from .terms import equation_of

__all__ = ["PlausiblyExogenous", "plausibly_exogenous"]


@dataclass(frozen=True, eq=False, repr=False)
class PlausiblyExogenous(Result):
    """Intervals while an instrument acts on the outcome itself; see `plausibly_exogenous`.

    Parameters
    ----------
    equation, term, instrument : str
    frame : DataFrame
        gamma, estimate, std_error, conf_low, conf_high.
    conf_low, conf_high : float
        The union of the intervals.
    breakdown : float
        Smallest absolute gamma of the grid at which 0 is in the interval; NaN where it never is.
    level : float
    """

    equation: str
    term: str
    instrument: str
    frame: pd.DataFrame
    conf_low: float
    conf_high: float
    breakdown: float
    level: float

    figure = "plausibly_exogenous_plot"

    def tidy(self) -> pd.DataFrame:
        """Return one row for each gamma."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return the union."""
        row = {
            "equation": self.equation,
            "term": self.term,
            "instrument": self.instrument,
            "conf_low": self.conf_low,
            "conf_high": self.conf_high,
            "breakdown": self.breakdown,
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the union."""
        return f"{self.term}{tell(': union', '：并集')} [{self.conf_low:.4g}, {self.conf_high:.4g}]"

    def summary(self) -> str:
        """Return the union in words."""
        low, high = self.frame["gamma"].min(), self.frame["gamma"].max()
        lines = [
            tell(
                f"Plausibly exogenous (Conley, Hansen and Rossi 2012): {self.term} on {self.equation}",
                f"近似外生工具变量（Conley、Hansen 和 Rossi 2012）：{self.term} 对 {self.equation}",
            ),
            tell(
                f"{self.instrument} acts on {self.equation} itself by gamma in [{low:.5g}, {high:.5g}]",
                f"{self.instrument} 对 {self.equation} 的直接影响 γ 在 [{low:.5g}, {high:.5g}] 内",
            ),
            tell(f"Union of the {self.level:.0%} intervals", f"各 {self.level:.0%} 区间的并集")
            + tell(": ", "：")
            + f"[{self.conf_low:.5g}, {self.conf_high:.5g}]",
        ]
        lines.append(
            tell("0 is in none of the intervals.", "各区间均不含 0。")
            if np.isnan(self.breakdown)
            else tell(
                f"0 enters at |gamma| = {self.breakdown:.5g}.",
                f"|γ| = {self.breakdown:.5g} 时区间开始包含 0。",
            )
        )
        return "\n".join(lines)


@hinted
def plausibly_exogenous(
    fit: SystemFit,
    term: str,
    *,
    range: Iterable[float],
    instrument: str | None = None,
    steps: int = 21,
    level: float = 0.95,
    equation: str | None = None,
) -> PlausiblyExogenous:
    r"""Let an instrument act on the outcome itself, within bounds, and take the union of the intervals.

    .. math:: y - \gamma z = x'\beta + \varepsilon, \qquad \gamma \in [\gamma_l, \gamma_h]

    Parameters
    ----------
    fit : SystemFit
        With declared instruments.
    term : str
        The endogenous regressor.
    range : (low, high)
        Bounds of gamma.
    instrument : str, optional
        Where several are declared.
    steps : int
        Values of gamma; 0 joins them where it lies between.
    level : float
    equation : str, optional

    Raises
    ------
    DataError
        If `fit` is no fit of this package, or has no such `term`, or `range` is not (low, high).

    References
    ----------
    Conley, Hansen and Rossi (2012, Review of Economics and Statistics 94), section III.A.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import SpatialSystem
    >>> data = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["e", "z", "x"])
    >>> data = data.assign(p=data.z + data.e, y=lambda d: 2 * d.p + d.x + d.e)
    >>> found = plausibly_exogenous(SpatialSystem("y ~ x | p ~ z", data).fit("2sls"), "p", range=(-0.1, 0.1))
    >>> bool(found.conf_low < 2 < found.conf_high)
    True
    """
    name, g, _ = equation_of(fit, term, equation, "plausibly_exogenous")
    design = fit.estimate.design
    known = list(design.external)
    if not known:
        raise DataError("The fit has no declared instruments: '| endog ~ instruments'.")
    chosen = known[0] if instrument is None and len(known) == 1 else instrument
    if chosen not in known:
        asked = "" if instrument is None else f"; got {instrument!r}"
        raise DataError(f"instrument is one of {', '.join(known)}{asked}.{did_you_mean(instrument, known)}")
    bounds = to_float(list(range), "range").tolist()
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise DataError(f"range is (low, high) with low < high; got {bounds}.")
    count = whole_number("steps", steps, 2, 10_000)
    grid = np.linspace(bounds[0], bounds[1], count)
    if bounds[0] < 0 < bounds[1] and not (grid == 0).any():
        grid = np.sort(np.r_[grid, 0.0])
    rows = []
    for gamma in grid:
        moved = fit_request(fit.asked, _moved(design, g, str(chosen), float(gamma)), fit.stamps)
        row = moved.tidy(level).set_index(["equation", "term"]).loc[(name, term)]
        rows.append((gamma, *row[["estimate", "std_error", "conf_low", "conf_high"]]))
    frame = pd.DataFrame(rows, columns=["gamma", "estimate", "std_error", "conf_low", "conf_high"])
    holds = frame[(frame["conf_low"] <= 0) & (frame["conf_high"] >= 0)]
    breakdown = float(holds["gamma"].abs().min()) if len(holds) else float("nan")
    union = float(frame["conf_low"].min()), float(frame["conf_high"].max())
    return PlausiblyExogenous(name, term, str(chosen), frame, *union, breakdown, level)


def _moved(design: Design, g: int, instrument: str, gamma: float) -> Design:
    y = design.columns[:, design.outcomes[g]] - gamma * design.external[instrument]
    outcomes = list(design.outcomes)
    outcomes[g] = design.columns.shape[1]
    return replace(design, columns=np.column_stack([design.columns, y]), outcomes=tuple(outcomes))
