"""Economic resilience of cities: sensitivity to national growth, and a composite of indicators."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.agglomeration.industries import Industries, read_industries
from spatial.errors import DataError, SpatialWarning, name_ids
from spatial.ids.rows import balanced_axes, check_steps, checked_option, labelled, row_names
from spatial.panel.panel import Panel

from .composite import Weighting, composite_index
from .result import CompositeIndex

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "RESILIENCE_INDICATORS",
    "Indicator",
    "Resilience",
    "composite_resilience",
    "sensitivity_resilience",
]

Float = NDArray[np.float64]
Form = Literal["martin", "bai", "growth", "sensitivity", "difference"]


@dataclass(frozen=True, eq=False, repr=False)
class Resilience:
    """Resilience by (unit, time), what it was made from, and where its denominator is near zero.

    Parameters
    ----------
    index : Series
        By (unit, time), sorted; the time is that of arrival, so the first times have none.
    parts : DataFrame
        ``size`` at departure, ``change``, ``expected_change``, ``growth``, ``expected_growth`` and
        ``flagged``.
    form : str
        Which index.
    small : float
        Expected growth nearer to zero than this is flagged.
    """

    index: pd.Series[Any]
    parts: pd.DataFrame
    form: str
    small: float

    @property
    def flagged(self) -> pd.DataFrame:
        """The rows whose denominator is near zero, the largest index first."""
        rows = self.parts.assign(index=self.index)[self.parts["flagged"]].drop(columns="flagged")
        return rows.sort_values("index", key=lambda v: -v.abs().fillna(np.inf), kind="stable")

    def tidy(self) -> pd.DataFrame:
        """Return one row for each (unit, time): the index and its parts."""
        return self.parts.assign(estimate=self.index).reset_index()

    def glance(self) -> pd.DataFrame:
        """Return one row: form, rows, flagged rows, and the range of the index."""
        described = {k: float(getattr(self.index, k)()) for k in ("mean", "std", "min", "max")}
        count = int(self.parts["flagged"].sum())
        return pd.DataFrame([{"form": self.form, "n": len(self.index), "n_flagged": count, **described}])

    def summary(self) -> str:
        """Return the range, and the flagged rows, as text."""
        row = self.glance().iloc[0]
        text = (
            f"resilience ({self.form}): {row['n']} rows, mean {row['mean']:.4f}, from {row['min']:.4f} to "
            f"{row['max']:.4f}; {row['n_flagged']} with expected growth within {self.small:g} of zero"
        )
        return text if not row["n_flagged"] else f"{text}\n{self.flagged.head(10).to_string()}"

    def __repr__(self) -> str:
        """Return the summary."""
        return self.summary()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw growth against expected growth; flagged rows hollow."""
        from spatial.figures.canvas import drawing

        flagged = self.parts["flagged"].to_numpy()
        x, y = self.parts["expected_growth"].to_numpy(), self.parts["growth"].to_numpy()
        with drawing(ax, []) as axes:
            axes.scatter(x[~flagged], y[~flagged], s=9)
            axes.scatter(x[flagged], y[flagged], s=12, facecolors="none", edgecolors="#b2182b")
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, ends, color="#606060", linewidth=0.8)
            axes.set_xlabel("expected growth")
            axes.set_ylabel("growth")
        return axes


def sensitivity_resilience(
    panel: Panel | pd.DataFrame,
    industries: Iterable[Any] | None = None,
    *,
    form: Form = "martin",
    steps: int = 1,
    reference: pd.DataFrame | None = None,
    small: float = 0.005,
) -> Resilience:
    r"""Return how much better a unit did than its industries did in the nation,

    .. math::

        R_{r,t+k} = \frac{\Delta E_{r} - \Delta E^c_{r}}{|\Delta E^c_{r}|}, \qquad
        \Delta E^c_{r} = \sum_i g_{iN} E_{ir,t}, \qquad
        g_{iN} = \frac{E_{iN,t+k} - E_{iN,t}}{E_{iN,t}},

    where :math:`\Delta E_r = E_{r,t+k} - E_{r,t}` and the expected change lets each of the unit's
    industries grow as it does nationally (Martin, Sunley, Gardiner and Tyler 2016).  Above 0: more
    resistant, or recovering faster, than expected.

    Parameters
    ----------
    panel : Panel or DataFrame
        Employment (or output) by (unit, time), industries in columns; balanced, times equally spaced.
    industries : list, optional
        Default: all columns.
    form : {"martin", "bai", "growth", "sensitivity", "difference"}
        With :math:`g_r` the growth of the unit, :math:`g_N` that of the nation and
        :math:`\hat g_r = \Delta E^c_r / E_r` that expected of its mix of industries:
        ``"martin"`` as above; ``"bai"`` :math:`(g_r - \hat g_r) / |\hat g_r|`, the same number in growth
        rates; ``"growth"`` :math:`(g_r - g_N) / |g_N|`, without the mix; ``"sensitivity"``
        :math:`g_r / g_N` (Martin 2012); ``"difference"`` :math:`g_r - \hat g_r`, which cannot explode.
    steps : int
        k, in times of the panel: one step ahead by default.
    reference : DataFrame, optional
        National employment, times x industries, where the sample is not the nation.
    small : float
        Denominators (expected growth over the k steps) within this of zero are flagged: there a ratio
        says little, and can have any size.

    Returns
    -------
    Resilience
        ``.index`` by (unit, time of arrival); ``.flagged`` the rows that explode.  Nothing is clipped:
        ``Panel.winsorize`` does that, on the record.  To put the index beside other columns:
        ``panel.with_columns(resilience=found.index.reindex(panel.frame.index))``.

    Raises
    ------
    DataError
        For unbalanced panels, gaps in time, and cells that cannot be, by (unit, time, industry).

    Warns
    -----
    SpatialWarning
        Once, naming the flagged rows.  An expected growth of exactly zero gives NaN.

    Examples
    --------
    Nationally mining shrinks by a tenth (200 to 180) and retail grows by a fifth (200 to 240).  City a
    gains 5 jobs, where -6 + 10 = 4 are expected:

    >>> import pandas as pd
    >>> rows = pd.MultiIndex.from_product([["a", "b", "c"], [2001, 2002]], names=["city", "year"])
    >>> jobs = pd.DataFrame({"mining": [60, 60, 90, 80, 50, 40], "retail": [50, 55, 50, 65, 100, 120]}, rows)
    >>> found = sensitivity_resilience(jobs)
    >>> found.index.round(3).tolist()
    [0.25, 4.0, -0.333]
    """
    checked_option(form, ("martin", "bai", "growth", "sensitivity", "difference"), "form")
    if not (np.isfinite(small) and small >= 0):
        raise DataError(f"small must be a growth rate at or above zero, such as 0.005; got {small!r}.")
    read = read_industries(panel, industries, reference=reference, least=1)
    units, times = balanced_axes(read.rows, "Resilience")
    check_steps(steps, len(times))
    size, change, expected, nation = _changes(read, len(units), len(times), steps)
    growth, mixed = change / size, expected / size
    against = np.broadcast_to(nation, growth.shape) if form in ("growth", "sensitivity") else mixed
    flagged = (np.abs(against) < small) & (form != "difference")
    values = _index(form, change, expected, growth, against)
    rows = pd.MultiIndex.from_product([units, times[steps:]], names=read.rows.names)
    parts = {
        "size": size,
        "change": change,
        "expected_change": expected,
        "growth": growth,
        "expected_growth": against,
        "flagged": flagged,
    }
    frame = pd.DataFrame({name: part.ravel() for name, part in parts.items()}, index=rows)
    label, zh, source = _LABELS[form]
    found = Resilience(labelled(values.ravel(), rows, "resilience", label, zh, source), frame, form, small)
    _warn(found)
    return found


_LABELS = {
    "martin": ("Economic resilience", "经济韧性", "Martin et al. (2016)"),
    "bai": ("Economic resilience", "经济韧性", "Martin et al. (2016), in growth rates"),
    "growth": ("Economic resilience (national growth)", "经济韧性（增长率法）", "Martin (2012)"),
    "sensitivity": ("Sensitivity to national growth", "敏感性指数", "Martin (2012)"),
    "difference": ("Growth above expectation", "超预期增长", "Martin et al. (2016)"),
}


def _changes(read: Industries, n: int, t: int, steps: int) -> tuple[Float, Float, Float, Float]:
    """Return (N, T - k) sizes, changes and expected changes, and the nation's growth, (T - k,)."""
    cube = read.values.reshape(n, t, -1)  # rows are sorted by (unit, time)
    size = cube.sum(axis=2)
    start, later = read.national[:-steps], read.national[steps:]
    expected = np.einsum("nts,ts->nt", cube[:, :-steps], (later - start) / start)
    nation = later.sum(axis=1) / start.sum(axis=1) - 1
    return size[:, :-steps], size[:, steps:] - size[:, :-steps], expected, nation


def _index(form: str, change: Float, expected: Float, growth: Float, against: Float) -> Float:
    if form == "difference":
        return growth - against
    with np.errstate(divide="ignore", invalid="ignore"):
        if form == "martin":
            values = (change - expected) / np.abs(expected)
        elif form == "sensitivity":
            values = growth / against
        else:
            values = (growth - against) / np.abs(against)
    # Gains and losses that cancel leave a rounding error in place of zero.
    return np.asarray(np.where(np.abs(against) < 1e-13, np.nan, values))


def _warn(found: Resilience) -> None:
    bad = found.parts["flagged"].to_numpy()
    if not bad.any():
        return
    values, lost = found.index[bad], int(found.index.isna().sum())
    reach = f"{values.min():.3g} to {values.max():.3g}" + (f"; {lost} are NaN, at zero" if lost else "")
    warnings.warn(
        f"Expected growth is within {found.small:g} of zero for {int(bad.sum())} of {len(bad)} rows, whose "
        f"index can have any size ({reach}): {row_names(found.index.index, bad)}. They are in .flagged and "
        'are not clipped: drop or winsorise them, or use form="difference".',
        SpatialWarning,
        stacklevel=3,
    )


# ---- the composite version
@dataclass(frozen=True)
class Indicator:
    """One indicator of a composite index: the column, whether more is better, and its dimension."""

    name: str
    direction: Literal["+", "-"]
    dimension: str
    label: str = ""
    label_zh: str = ""


_RESIST, _ADAPT, _RENEW = (
    "resistance and recovery",
    "adaptation and adjustment",
    "innovation and transformation",
)

RESILIENCE_INDICATORS: tuple[Indicator, ...] = (
    Indicator("gdp_per_capita", "+", _RESIST, "GDP per capita", "人均GDP"),
    Indicator("savings_per_capita", "+", _RESIST, "Household savings per capita", "人均储蓄存款余额"),
    Indicator("unemployment_rate", "-", _RESIST, "Registered unemployment rate", "城镇登记失业率"),
    Indicator("trade_dependence", "-", _RESIST, "Exports and imports over GDP", "外贸依存度"),
    Indicator("retail_sales_per_capita", "+", _ADAPT, "Retail sales per capita", "人均社会消费品零售总额"),
    Indicator("investment_per_capita", "+", _ADAPT, "Fixed investment per capita", "人均固定资产投资"),
    Indicator("fiscal_self_sufficiency", "+", _ADAPT, "Fiscal revenue over expenditure", "财政自给率"),
    Indicator("financial_depth", "+", _ADAPT, "Deposits and loans over GDP", "金融发展水平"),
    Indicator("industrial_upgrading", "+", _RENEW, "Industrial upgrading", "产业结构升级"),
    Indicator(
        "science_education_share", "+", _RENEW, "Science and education in fiscal expenditure", "科教支出占比"
    ),
    Indicator("patents_per_10000", "+", _RENEW, "Patents granted per 10,000 persons", "每万人专利授权数"),
    Indicator(
        "students_per_10000", "+", _RENEW, "University students per 10,000 persons", "每万人在校大学生数"
    ),
)
"""A template of twelve indicators in three dimensions, as composite indices of urban economic resilience
have them; edit it to the list of the paper at hand before use: papers differ in their indicators."""


def composite_resilience(
    panel: Panel | pd.DataFrame,
    indicators: Iterable[Indicator] = RESILIENCE_INDICATORS,
    *,
    columns: Mapping[str, str] | None = None,
    scope: Any = "pooled",
    weights: Weighting = "entropy",
    two_levels: bool = True,
) -> CompositeIndex:
    r"""Return resilience as a composite index of indicators,

    .. math:: R_{rt} = \sum_d w_d \sum_{j \in d} w_{j|d}\, z_{jrt} ,

    with normalised indicators z and entropy weights as in `entropy_index`.

    Parameters
    ----------
    panel : Panel or DataFrame
        With a column for each indicator.
    indicators : sequence of Indicator
        Default `RESILIENCE_INDICATORS`: a template; leave some out with
        ``[i for i in RESILIENCE_INDICATORS if i.name != "trade_dependence"]``, or write your own.
    columns : mapping, optional
        Name of an indicator to the panel's column, where they differ.
    scope, weights
        As in `composite_index`.
    two_levels : bool
        Weights inside each dimension and of the dimensions; otherwise of all indicators at once.

    Returns
    -------
    CompositeIndex
        Its weights carry the panel's column names.

    Raises
    ------
    DataError
        Where the panel lacks columns, naming them.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"gdp": [1.0, 2.0, 4.0], "jobless": [5.0, 4.0, 9.0]}, index=["a", "b", "c"])
    >>> mine = [Indicator("gdp", "+", "resistance"), Indicator("jobless", "-", "adaptation")]
    >>> composite_resilience(data, mine).index.round(3).tolist()
    [0.347, 0.623, 0.566]
    """
    chosen = list(indicators)
    named = dict(columns or {})
    known = [i.name for i in chosen]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise DataError(f"columns names indicators that are not asked for: {name_ids(unknown)}.")
    have = panel.frame.columns if isinstance(panel, Panel) else getattr(panel, "columns", [])
    lost = [i.name for i in chosen if named.get(i.name, i.name) not in have]
    if lost:
        raise DataError(
            f"The panel lacks columns for {len(lost)} of {len(chosen)} indicators: {name_ids(lost, 12)}. Say "
            'which columns they are with columns={"gdp_per_capita": "pgdp", ...}, or leave them out: '
            "indicators=[i for i in RESILIENCE_INDICATORS if i.name not in (...)]."
        )
    dimensions: dict[str, list[str]] = {}
    for i in chosen:
        dimensions.setdefault(i.dimension, []).append(named.get(i.name, i.name))
    found = composite_index(
        panel,
        [named.get(i.name, i.name) for i in chosen if i.direction == "+"],
        [named.get(i.name, i.name) for i in chosen if i.direction == "-"],
        scope,
        weights=weights,
        dimensions=dimensions if two_levels else None,
    )
    found.index.name = "resilience"
    found.index.attrs |= {"label": "Economic resilience (composite)", "label_zh": "经济韧性（综合指数）"}
    return found
