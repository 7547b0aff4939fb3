"""Threshold regressions of panels: slopes that change where a variable passes a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, did_you_mean, hinted, warn
from spatial.languages.shown import remarks
from spatial.models.data.design import Design
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.estimation.estimate import Request
from spatial.models.estimation.steps import Method
from spatial.models.results import SystemFit
from spatial.models.summaries import effects_words, equation_table, errors_line, sizes_line
from spatial.models.system import SpatialSystem
from spatial.panel.panel import PanelLike
from spatial.results import Fit
from spatial.weights.value import WeightsLike
from spatial.words import tell

from .arguments import single_equation, term_places, whole_number
from .interacted import Split
from .regime_search import (
    Model,
    Search,
    bootstrap_f,
    critical_value,
    kept_thresholds,
    model_of,
    ratio_intervals,
    regimes_of,
    search,
)

__all__ = ["ThresholdFit", "threshold"]

Float = NDArray[np.float64]

_TITLE = ("Threshold regression: {}, regimes by {}", "门槛回归：{}，门槛变量 {}")
_TESTED = (
    "{} against {thresholds:.0f} thresholds: F = {statistic:.3f}, bootstrap p = {p_value:.3f}; critical "
    "values 10%, 5%, 1%: {at}",
    "{} 个对 {thresholds:.0f} 个门槛：F = {statistic:.3f}，自助法 p = {p_value:.3f}；临界值 10、5、1%：{at}",
)


_INTERVALS = ("wald", "union")


@dataclass(frozen=True, eq=False, repr=False)
class ThresholdFit(Fit):
    """A threshold regression; immutable, without the data.

    Parameters
    ----------
    by : str
        The threshold variable.
    fit : SystemFit
        The slopes, with the thresholds as if known: they converge faster.  Those of regimes are written
        ``x [q <= 1.5]``.
    thresholds : DataFrame
        threshold, estimate, conf_low, conf_high, at_edge; in ascending order.
    tests : DataFrame
        thresholds (under the alternative), statistic, p_value, critical_10, critical_5, critical_1, draws.
    curve : DataFrame
        threshold, value, lr: the likelihood ratio of each candidate.
    counts : tuple of int
        Rows of each regime.
    level : float
        Of the intervals of the thresholds.
    notes : tuple of str
    """

    by: str
    fit: SystemFit
    thresholds: pd.DataFrame
    tests: pd.DataFrame
    curve: pd.DataFrame
    counts: tuple[int, ...]
    level: float
    notes: tuple[str, ...] = ()
    _at: Split | None = None

    figure = "threshold_plot"

    @property
    def equation(self) -> str:
        """The outcome."""
        return self.fit.structure.names[0]

    @property
    def critical(self) -> float:
        """Value below which the likelihood ratio keeps a threshold in its interval."""
        return critical_value(self.level)

    @property
    def params(self) -> pd.Series[float]:
        """Slopes, by (equation, term)."""
        return self.fit.params

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of the slopes."""
        return self.fit.cov

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors of the slopes."""
        return self.fit.std_errors

    @property
    def facts(self) -> tuple[tuple[str, float], ...]:
        """What a table prints below the coefficients."""
        count = len(self.thresholds)
        names = ("threshold",) if count == 1 else tuple(f"threshold_{k + 1}" for k in range(count))
        found = list(zip(names, self.thresholds["estimate"].astype(float), strict=True))
        if len(self.tests):
            found.append(("threshold_p", float(self.tests["p_value"].iloc[-1])))
        return tuple(found)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each slope."""
        return self.fit.tidy(level)

    def confint(
        self, level: float = 0.95, method: Literal["wald", "union"] = "wald", *, share: float = 0.8
    ) -> pd.DataFrame:
        r"""Return intervals of the slopes.

        .. math:: \hat\Theta_\rho = \bigcup_{\gamma \in \hat\Gamma(\rho)} \hat\Theta(\gamma)

        Parameters
        ----------
        level : float
        method : "wald" or "union"
            ``"wald"``: the thresholds as if known, as xthreg prints them; too short where the thresholds are
            not sharp.  ``"union"``: all slopes in the interval at any threshold that the likelihood ratio
            keeps with probability `share`, each in turn beside the estimates of the others.
        share : float
            :math:`\rho`, between 0 and 1.

        References
        ----------
        Hansen (2000, Econometrica 68, 575-603), section 3.5; .8 is his choice.
        """
        frame = self.tidy(level)
        if method not in ("wald", "union"):
            raise DataError(f"method is 'wald' or 'union'; got {method!r}.{did_you_mean(method, _INTERVALS)}")
        if method == "union":
            if not 0 < share < 1:
                raise DataError(f"share is between 0 and 1; got {share!r}.")
            assert self._at is not None
            for values in kept_thresholds(self.thresholds["estimate"], self.curve, share):
                other = self._at.fit(values).tidy(level)
                frame["conf_low"] = np.minimum(frame["conf_low"], other["conf_low"])
                frame["conf_high"] = np.maximum(frame["conf_high"], other["conf_high"])
        kept = frame[["equation", "term", "estimate", "std_error", "p_value", "conf_low", "conf_high"]]
        return kept.assign(method=method)

    def glance(self) -> pd.DataFrame:
        """Return one row: the size, the thresholds and their tests."""
        out = self.fit.glance()
        out["regimes"] = len(self.counts)
        for k, values in enumerate(self.thresholds.to_dict("records"), start=1):
            out[f"threshold_{k}"] = values["estimate"]
        for values in self.tests.to_dict("records"):
            out[f"p_value_{int(values['thresholds'])}"] = values["p_value"]
        return out

    def headline(self) -> str:
        """Name the outcome and the thresholds."""
        found = ", ".join(f"{v:.4g}" for v in self.thresholds["estimate"])
        said = tell("{} by {}: {}; N = {}, T = {}", "{}，门槛变量 {}：{}；N = {}, T = {}")
        return said.format(self.equation, self.by, found, self.fit.n_units, self.fit.n_times)

    def summary(self) -> str:
        """Return thresholds, tests and slopes as text."""
        lines = [
            tell(*_TITLE).format(self.equation, self.by),
            sizes_line(self.fit.n_units, self.fit.n_times, self.fit.n_obs),
            effects_words(self.fit.effects) + errors_line(self.fit.covariance.label),
        ]
        for values in self.thresholds.to_dict("records"):
            name, ends = values["threshold"], f"[{values['conf_low']:.5g}, {values['conf_high']:.5g}]"
            found = tell("Threshold", "门槛值") + f" {name} = {values['estimate']:.5g}, {self.level:.0%} "
            edge = tell(" (at the edge of the search)", "（位于搜索范围的边界）") if values["at_edge"] else ""
            lines.append(found + tell("interval ", "区间 ") + ends + edge)
        lines.append(tell("Rows of the regimes: ", "各区制的行数：") + ", ".join(map(str, self.counts)))
        for values in self.tests.to_dict("records"):
            limits = ", ".join(f"{values[f'critical_{share}']:.2f}" for share in (10, 5, 1))
            lines.append(tell(*_TESTED).format(int(values["thresholds"]) - 1, **values, at=limits))
        lines += ["", equation_table(self.tidy()), ""]
        return "\n".join([*lines, *remarks((*self.fit.notes, *self.notes))])


@hinted
def threshold(
    formula: str,
    panel: PanelLike,
    by: str,
    *,
    term: str | Iterable[str] | None = None,
    regimes: int = 2,
    trim: float = 0.05,
    bootstrap: int = 300,
    grid: int = 300,
    effects: str | Iterable[str] = ("unit",),
    cov: str | Covariance = "cluster",
    level: float = 0.95,
    seed: int = 0,
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    where: str | None = None,
    lags: Lags = "full",
) -> ThresholdFit:
    r"""Estimate slopes that change where `by` passes a threshold, and test how many thresholds there are.

    .. math::

        y_{it} = \mu_i + \sum_r \beta_r' x_{it}\, 1(\gamma_{r-1} < q_{it} \le \gamma_r)
                 + \theta' z_{it} + e_{it}

    Parameters
    ----------
    formula : str
        ``"y ~ x + z"``; with instruments ``"y ~ x + z | unit | x ~ w"``: then the thresholds are sought with
        the fitted values of the endogenous regressors and the slopes are 2SLS with the instruments of each
        regime (Caner and Hansen 2004); `by` is exogenous.
    panel : Panel or DataFrame
        Balanced.
    by : str
        The column q whose value decides the regime.
    term : str or list of str, optional
        The terms whose slopes change; default all of them.
    regimes : int
        2 to 4: one to three thresholds, found one after the other and refined (Hansen 1999, section 5).
    trim : float
        Smallest share of rows in a regime.
    bootstrap : int
        Draws of the F test of each threshold, by whole units; 0 for none.
    grid : int
        Most candidates: all values of q, or so many of its quantiles.
    effects : tuple of str
    cov : str or Covariance
        Of the slopes, the thresholds as if known; as in `SpatialSystem.fit`.
    level : float
        Of the likelihood-ratio intervals :math:`\{\gamma: LR(\gamma) \le c(\alpha)\}`, Hansen's equation 10;
        they assume errors of one variance, without serial correlation.
    seed : int
    weights : Weights, Graph, W or dict, optional
        For spatial lags of exogenous variables.
    where : str, optional
        Which rows are used, chosen after the lags; they must be balanced.
    lags : "full" or "within"

    Raises
    ------
    DataError
        For an unbalanced panel, or a `by` that does not change over time.
    FormulaError
        If the formula is none, or `by` no name of a column.

    References
    ----------
    Hansen (1999, Journal of Econometrics 93, 345-368); Caner and Hansen (2004, Econometric Theory 20).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel.panel import Panel
    >>> rng = np.random.default_rng(0)
    >>> grid = pd.MultiIndex.from_product([range(60), range(6)], names=["city", "year"]).to_frame(index=False)
    >>> data = grid.assign(x=rng.normal(size=360), q=rng.uniform(size=360))
    >>> data["y"] = data.x * np.where(data.q <= 0.5, 1.0, 3.0) + rng.normal(size=360)
    >>> fit = threshold("y ~ x", Panel.from_frame(data, unit="city", time="year"), "q", bootstrap=99)
    >>> round(float(fit.thresholds["estimate"].iloc[0]), 1), fit.params.round(1).tolist()
    (0.5, [1.0, 3.1])
    """
    count = _check(regimes, trim, bootstrap, grid, level)
    value = as_covariance(cov)
    system = single_equation(formula, panel, weights, effects, where, lags, "threshold")
    design = system.design
    q = _threshold_variable(by, system)
    places = term_places(design, term, "threshold")
    endogenous = [t.is_endogenous for t in design.structure.equations[0].terms]
    model = model_of(design, q, places, trim, grid, endogenous)
    found = search(model, count)
    thresholds = sorted(found.thresholds)
    tests = _tests(model, found, design, bootstrap, seed, any(endogenous))
    labels = _labels(by, thresholds)
    names = design.structure.equations[0]
    switching = {(names.name, names.terms[j].name) for j in places}
    method: Method = "2sls" if any(endogenous) else "ols"
    request = Request(design, system._source, method, value, small=True, given=system.given)
    at = Split(request, q, switching, labels)
    frame, curve = ratio_intervals(model, found, level, design.layout.n_units, design.layout.n_times)
    return ThresholdFit(
        by,
        at.fit(thresholds),
        frame,
        tests,
        curve,
        tuple(np.bincount(regimes_of(q, thresholds), minlength=count + 1).tolist()),
        level,
        (*_notes(any(endogenous), bootstrap), _AS_IF_KNOWN),
        at,
    )


# ---- what is asked for
def _check(regimes: int, trim: float, bootstrap: int, grid: int, level: float) -> int:
    whole_number("regimes", regimes, 2, 4)
    whole_number("bootstrap", bootstrap, 0, 100_000)
    whole_number("grid", grid, 2, 100_000)
    if not 0 < trim < 0.5:
        raise DataError(f"trim is a share of the rows, above 0 and below 0.5; got {trim!r}.")
    if not 0 < level < 1:
        raise DataError(f"level is between 0 and 1; got {level!r}.")
    if 0 < bootstrap < 99:
        warn(f"A p-value of {bootstrap} draws is coarse: take 300 or more.")
    return regimes - 1


def _threshold_variable(by: str, system: SpatialSystem) -> Float:
    if not isinstance(by, str):
        raise FormulaError(f"by is the name of a column; got {by!r}.")
    source, layout = system._source, system.design.layout
    if not source.has(by):
        raise DataError(f"The data have no column {by!r}.{did_you_mean(by, source.columns)}")
    if not layout.is_balanced:
        raise DataError(
            f"A threshold regression needs each unit at each time (Hansen 1999); there are {layout.n_rows} "
            f"of {layout.n_units * layout.n_times} cells. Balance it: panel.balance()."
        )
    source.numbers(by)  # refuses text
    q = np.asarray(source.rows(by, layout), dtype=np.float64)
    if not np.isfinite(q).all():
        raise DataError(
            f"{by} decides the regime of each row; it is missing in {int((~np.isfinite(q)).sum())}."
        )
    if np.ptp(q) == 0:
        raise DataError(f"{by} is the same in every row: it has no threshold.")
    cube = q.reshape(layout.n_times, layout.n_units)
    if ("unit",) in system.design.effects.names and np.ptp(cube, axis=0).max() == 0:
        raise DataError(
            f"{by} does not change over time, so each unit stays in one regime: this is a comparison of "
            f"groups. Use heterogeneity(system, by={by!r})."
        )
    return q


def _labels(by: str, thresholds: Sequence[float]) -> list[str]:
    cuts = [f"{value:.4g}" for value in thresholds]
    inner = [f"{a} < {by} <= {b}" for a, b in pairwise(cuts)]
    return [f"{by} <= {cuts[0]}", *inner, f"{by} > {cuts[-1]}"]


# ---- thresholds
def _tests(
    model: Model, found: Search, design: Design, bootstrap: int, seed: int, endogenous: bool
) -> pd.DataFrame:
    columns = ["thresholds", "statistic", "p_value", "critical_10", "critical_5", "critical_1", "draws"]
    if endogenous or bootstrap == 0:
        return pd.DataFrame(columns=columns)
    rows: list[tuple[float, ...]] = []
    held: list[float] = []
    for k, step in enumerate(found.steps):
        statistic, drawn = bootstrap_f(
            model, step, held, design.layout.unit, design.layout.n_times, bootstrap, seed + k
        )
        p_value = (1 + int((drawn >= statistic).sum())) / (bootstrap + 1)
        cuts = [float(np.quantile(drawn, 1 - a)) for a in (0.10, 0.05, 0.01)]
        rows.append((k + 1, statistic, p_value, *cuts, bootstrap))
        held.append(float(step.candidates[step.best]))
    return pd.DataFrame(rows, columns=columns)


_AS_IF_KNOWN = (
    "intervals of slopes take the thresholds as known, as xthreg does: where the threshold is not sharp "
    "confint(method='union') is Hansen's (2000) that does not"
)


def _notes(endogenous: bool, bootstrap: int) -> tuple[str, ...]:
    if endogenous:
        return (
            "the number of thresholds is not tested: Hansen's bootstrap is for exogenous regressors",
            "thresholds are sought with fitted values of the endogenous regressors (Caner and Hansen 2004)",
        )
    if bootstrap == 0:
        return ("no test of the thresholds: bootstrap = 0",)
    return ()
