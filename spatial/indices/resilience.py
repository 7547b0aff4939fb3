"""Economic resilience of cities: sensitivity to national growth, and a composite of indicators."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.agglomeration.industries import Industries, read_industries
from spatial.errors import DataError, hinted, name_ids, warn
from spatial.ids.rows import balanced_axes, check_steps, checked_option, labelled, row_names
from spatial.languages.shown import frame_text, shown
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.words import tell

from .composite import Weighting, composite_index
from .result import CompositeIndex

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
class Resilience(Result):
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

    figure: ClassVar[str] = "resilience_plot"

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
        text = tell(
            f"resilience ({self.form}): {row['n']} rows, mean {row['mean']:.4f}, from {row['min']:.4f} to "
            f"{row['max']:.4f}; {row['n_flagged']} with expected growth within {self.small:g} of zero",
            f"韧性（{shown(self.form)}）：{row['n']} 行，均值 {row['mean']:.4f}，{row['min']:.4f} 至 "
            f"{row['max']:.4f}；{row['n_flagged']} 行的预期增长率距零不足 {self.small:g}",
        )
        return text if not row["n_flagged"] else f"{text}\n{frame_text(self.flagged.head(10), index=True)}"

    def headline(self) -> str:
        """Name the form and count the rows that are flagged."""
        rows, flagged = len(self.index), int(self.parts["flagged"].sum())
        return tell(
            f"{self.form}: {rows} rows, {flagged} flagged",
            f"{shown(self.form)}：{rows} 行，其中 {flagged} 行有标记",
        )


@hinted
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
        ``"martin"`` as above; ``"bai"`` as Bai writes it, see below; ``"growth"``
        :math:`(g_r - g_N) / |g_N|`, without the mix; ``"sensitivity"`` :math:`g_r / g_N` (Martin 2012);
        ``"difference"`` :math:`g_r - \hat g_r`, which cannot explode.
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

    Notes
    -----
    Bai's printed formula is not Martin's.  It has the same quotient, but the expected change of the unit is
    made of its own industries' growth up to t and of the one rate of the nation up to t + k,

    .. math::

        \Delta E^c_r = \sum_i g_N \, (E_{ir,t} - E_{ir,t-k}), \qquad
        g_N = \frac{E_{N,t+k} - E_{N,t}}{E_{N,t}} ,

    where Martin's has each industry's national rate and its employment, :math:`\sum_i g_{iN} E_{ir,t}`.  A
    product of two growth rates is small, so that this index is often flagged; it starts k times later.

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
    first = steps
    if form == "bai":
        if len(times) < 2 * steps + 1:
            raise DataError(
                f'form="bai" needs the growth before the growth: {2 * steps + 1} times or more; the panel '
                f"has {len(times)}."
            )
        # What the unit gained up to t, times the nation's rate after t.
        expected = change[:, :-steps] * nation[steps:]
        size, change, first = size[:, steps:], change[:, steps:], 2 * steps
    growth, mixed = change / size, expected / size
    against = np.broadcast_to(nation, growth.shape) if form in ("growth", "sensitivity") else mixed
    flagged = (np.abs(against) < small) & (form != "difference")
    values = _index(form, change, expected, growth, against)
    rows = pd.MultiIndex.from_product([units, times[first:]], names=read.rows.names)
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
    "bai": ("Economic resilience", "经济韧性", "Bai: own growth times the national rate"),
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
        if form in ("martin", "bai"):
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
    warn(
        f"Expected growth is within {found.small:g} of zero for {int(bad.sum())} of {len(bad)} rows, whose "
        f"index can have any size ({reach}): {row_names(found.index.index, bad)}. They are in .flagged and "
        'are not clipped: drop or winsorise them, or use form="difference".'
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
    "transformation and development",
)

RESILIENCE_INDICATORS: tuple[Indicator, ...] = (
    Indicator("gdp_per_capita", "+", _RESIST, "GDP per capita", "人均GDP"),
    Indicator("unemployment_rate", "-", _RESIST, "Registered urban unemployment rate", "城镇登记失业率"),
    Indicator("industrial_firms", "+", _RESIST, "Industrial firms above scale", "规模以上工业企业数"),
    Indicator("fiscal_self_sufficiency", "+", _RESIST, "Fiscal revenue over expenditure", "财政自给率"),
    Indicator("retail_sales", "+", _ADAPT, "Retail sales of consumer goods", "社会消费品零售总额"),
    Indicator("hospital_beds_per_10000", "+", _ADAPT, "Hospital beds per 10,000 persons", "每万人医院床位数"),
    Indicator("savings_per_capita", "+", _ADAPT, "Household savings per capita", "人均储蓄存款余额"),
    Indicator("road_freight", "+", _ADAPT, "Road freight", "公路货运量"),
    Indicator(
        "students_per_10000",
        "+",
        _RENEW,
        "Students in higher education per 10,000 persons",
        "每万人在校大学生数",
    ),
    Indicator(
        "science_spending", "+", _RENEW, "Fiscal spending on science and technology", "科学技术财政支出"
    ),
    Indicator(
        "deposits_and_loans",
        "+",
        _RENEW,
        "Deposits and loans of financial institutions",
        "金融机构存贷款余额",
    ),
    Indicator(
        "foreign_economic_development", "+", _RENEW, "Foreign economic development", "对外经济发展水平"
    ),
)
"""The twelve indicators in three dimensions of Sun (2025).  Papers differ in theirs: edit the list to the
paper at hand."""


@hinted
def composite_resilience(
    panel: Panel | pd.DataFrame,
    indicators: Iterable[Indicator] = RESILIENCE_INDICATORS,
    *,
    columns: Mapping[str, str] | None = None,
    scope: Hashable = "pooled",
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
        ``[i for i in RESILIENCE_INDICATORS if i.name != "road_freight"]``, or write your own.
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
