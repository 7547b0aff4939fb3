"""Inequality between cities: Gini, Dagum's decomposition by region, Theil within and between.

Values are Series by unit, or by (unit, time) such as ``panel.frame[column]``: then each time is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from spatial.errors import DataError, hinted
from spatial.ids.numbers import ById, Values
from spatial.ids.rows import checked_option
from spatial.languages.shown import digits, frame_text, head
from spatial.results import Result
from spatial.words import tell

from .values import Sample, Samples, read_samples

__all__ = ["Decomposition", "dagum", "gini", "theil"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition(Result):
    """Inequality and the parts that add up to it.

    Parameters
    ----------
    measure : str
        Name of the measure, the first column of `frame`.
    frame : DataFrame
        By time (one row, ``all``, for a cross-section): the measure, its parts, and their shares of it
        (``within_share``, ...).
    groups : DataFrame
        By (time, group): number of units, mean, share of population and of income, inequality inside.
    pairs : DataFrame
        By (time, first, second) pair of groups; Dagum only, else empty.
    """

    figure: ClassVar[str] = "inequality_plot"

    measure: str
    parts: tuple[str, ...]
    frame: pd.DataFrame
    groups: pd.DataFrame
    pairs: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row for each time and part: ``time, term, estimate, share``."""
        rows = [
            {
                "time": time,
                "term": term,
                "estimate": row[term],
                "share": 1.0 if term == self.measure else row[f"{term}_share"],
            }
            for time, row in self.frame.iterrows()
            for term in (self.measure, *self.parts)
        ]
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return one row: measure, times, groups, mean over time of the measure and of the shares."""
        means = self.frame.mean().to_dict()
        sizes = {"measure": self.measure, "n_times": len(self.frame)}
        return pd.DataFrame([{**sizes, "n_groups": self.groups.index.get_level_values(1).nunique(), **means}])

    def summary(self) -> str:
        """Return the frame as text."""
        title = f"{head(self.measure)} = {' + '.join(map(head, self.parts))}"
        return f"{title}\n{frame_text(self.frame, digits(4), index=True)}"

    def headline(self) -> str:
        """Name the measure and its mean over time."""
        mean, times = self.frame[self.measure].mean(), len(self.frame)
        return tell(
            f"{self.measure}: mean {mean:.4f} over {times} times",
            f"{head(self.measure)}：{times} 期平均 {mean:.4f}",
        )


# ---- Gini
@hinted
def gini(x: Values, *, weights: ById | None = None) -> float | pd.Series[Any]:
    r"""Return the Gini coefficient,

    .. math:: G = \frac{\sum_i \sum_j |x_i - x_j|}{2 n^2 \mu} ,

    from 0, all equal, to 1 - 1/n, one unit has all; the population form, without n/(n - 1).

    Parameters
    ----------
    x : Series or array
        Not negative; by unit, or by (unit, time).
    weights : Series or mapping, optional
        Population of each unit, by id: the Gini of persons that each have their unit's value.

    Returns
    -------
    float or Series
        One number, or one a time.

    Raises
    ------
    DataError
        If a value is missing, negative or no number, or all are zero.

    Examples
    --------
    Three cities, 1, 2 and 6: the differences are 1, 5 and 4, each twice, over 2 x 9 x 3.

    >>> import pandas as pd
    >>> round(gini(pd.Series([1.0, 2.0, 6.0])), 4)
    0.3704
    """
    samples = read_samples(x, weights=weights)
    return samples.series([gini_sorted(s.values, s.weights) for s in samples], "gini")


def gini_sorted(values: Float, weights: Float) -> float:
    """Return the weighted Gini of ascending values: one pass, in place of all pairs."""
    total = weights.sum()
    below = np.cumsum(weights) - weights / 2  # weight below, and half of the own
    mass = weights * values
    # The difference of two nearly equal sums would lose digits: centre the rank first.
    return float(max((mass * (2 * below - total)).sum() / (total * mass.sum()), 0.0))


# ---- Dagum
@hinted
def dagum(x: Values, groups: ById, *, weights: ById | None = None) -> Decomposition:
    r"""Decompose the Gini coefficient by groups of units as Dagum (1997) does,

    .. math::

        G &= G_w + G_{nb} + G_t, \qquad
        G_w = \sum_j G_{jj} p_j s_j, \\
        G_{nb} &= \sum_{j \ne h,\, j > h} G_{jh} (p_j s_h + p_h s_j) D_{jh}, \qquad
        G_t = \sum_{j > h} G_{jh} (p_j s_h + p_h s_j) (1 - D_{jh}) ,

    with :math:`p_j` the group's share of units, :math:`s_j` its share of the variable,
    :math:`G_{jh} = \Delta_{jh} / (\mu_j + \mu_h)` the Gini between two groups, :math:`\Delta_{jh}` the mean
    difference between their units and :math:`D_{jh} = (d_{jh} - p_{jh}) / \Delta_{jh}` their relative
    affluence, where :math:`d_{jh}` and :math:`p_{jh}` are the mean positive gaps of the richer group over
    the poorer and of the poorer over the richer (Dagum 1997).  The last part is the overlap of the
    groups (transvariation).  Computed by sorting, not over all pairs of units.

    Parameters
    ----------
    x : Series
        Not negative; by unit, or by (unit, time).
    groups : Series or mapping
        Region of each unit, by id; also by (unit, time).
    weights : Series or mapping, optional
        Population of each unit; then :math:`p_j` is the share of population.

    Returns
    -------
    Decomposition
        ``frame`` with ``gini, within, between, transvariation`` and shares; ``groups`` with the Gini
        inside; ``pairs`` with ``gini``, ``affluence`` and the contributions of each pair.

    Raises
    ------
    DataError
        For values that are missing, infinite or negative, and units without a group, by id.
    AlignmentError
        Where the ids of `groups` or `weights` differ from those of `x`.

    Examples
    --------
    >>> import pandas as pd
    >>> x = pd.Series({"a": 1.0, "b": 3.0, "c": 2.0, "d": 6.0})
    >>> found = dagum(x, {"a": "west", "b": "west", "c": "east", "d": "east"})
    >>> found.frame[["gini", "within", "between", "transvariation"]].round(4).values.tolist()
    [[0.3333, 0.125, 0.1667, 0.0417]]
    """
    samples = read_samples(x, weights=weights, groups=groups)
    if len(samples.groups) < 2:
        raise DataError(f"A decomposition needs two groups or more; all units are in {samples.groups[0]!r}.")
    found = [_dagum_parts(s, len(samples.groups)) for s in samples]
    rows = [
        [gini_sorted(s.values, s.weights), *(part[k].sum() for k in ("within", "between", "overlap"))]
        for s, part in zip(samples, found, strict=True)
    ]
    names = ("within", "between", "transvariation")
    groups_frame = _groups_frame(samples, [part["inside"] for part in found], "gini")
    return Decomposition(
        "gini", names, _frame(samples, rows, "gini", names), groups_frame, _pairs_frame(samples, found)
    )


def _dagum_parts(sample: Sample, n_groups: int) -> dict[str, Float]:
    """Return the (k, k) matrices of one sample, pairs above the diagonal, and the parts inside, (k,)."""
    size, mass, excess = _excess(sample, n_groups)
    count = np.outer(size, size)
    with np.errstate(invalid="ignore", divide="ignore"):  # groups absent at this time are NaN, and left out
        mean = mass / size
        difference = (excess + excess.T) / count
        ratio = difference / (mean[:, None] + mean[None, :])
        affluence = np.abs(excess - excess.T) / (excess + excess.T)
    affluence = np.where(excess + excess.T > 0, affluence, 0.0)  # no difference at all: none is richer
    p, s = size / size.sum(), mass / mass.sum()
    mix = np.outer(p, s)
    share = np.triu(np.nan_to_num(ratio) * (mix + mix.T), 1)
    inside = np.diag(ratio).copy()
    return {
        "ratio": ratio,
        "affluence": affluence,
        "within": np.nan_to_num(inside) * p * s,
        "between": share * affluence,
        "overlap": share * (1 - affluence),
        "inside": inside,
    }


def _excess(sample: Sample, n_groups: int) -> tuple[Float, Float, Float]:
    """Return sizes and totals of the groups, and the sum of positive gaps of group j over group h, (k, k)."""
    member = (sample.codes[:, None] == np.arange(n_groups)[None, :]) * sample.weights[:, None]
    level = sample.values - np.average(sample.values, weights=sample.weights)  # differences only: centred
    below, below_sum = np.cumsum(member, axis=0), np.cumsum(member * level[:, None], axis=0)
    excess = member.T @ (level[:, None] * below - below_sum)
    return member.sum(axis=0), (member * sample.values[:, None]).sum(axis=0), np.maximum(excess, 0.0)


def _pairs_frame(samples: Samples, found: list[dict[str, Float]]) -> pd.DataFrame:
    first, second = np.triu_indices(len(samples.groups), 1)
    parts = []
    for sample, matrices in zip(samples, found, strict=True):
        table = pd.DataFrame(
            {
                "gini": matrices["ratio"][first, second],
                "affluence": matrices["affluence"][first, second],
                "between": matrices["between"][first, second],
                "transvariation": matrices["overlap"][first, second],
            }
        )
        table.index = pd.MultiIndex.from_arrays(
            [[_time(sample)] * len(first), samples.groups[first], samples.groups[second]],
            names=["time", "first", "second"],
        )
        parts.append(table.dropna(subset=["gini"]))
    return pd.concat(parts)


# ---- Theil
@hinted
def theil(
    x: Values, groups: ById | None = None, *, weights: ById | None = None, kind: Literal["T", "L"] = "T"
) -> Decomposition:
    r"""Return Theil's index and its parts within and between groups of units,

    .. math::

        T = \sum_i \frac{x_i}{X} \ln \frac{x_i}{\mu}
          = \sum_g \frac{X_g}{X} T_g + \sum_g \frac{X_g}{X} \ln \frac{\mu_g}{\mu} ,

    with :math:`0 \ln 0 = 0`, or with ``kind="L"`` the mean log deviation
    :math:`L = \frac1n \sum_i \ln(\mu / x_i)`, whose groups weigh by their units (Theil 1967, ch. 4;
    Shorrocks 1980).  T lies between 0 and ln n.

    Parameters
    ----------
    x : Series or array
        Not negative (``"L"``: positive); by unit, or by (unit, time).
    groups : Series or mapping, optional
        Region of each unit.  Without it all of T is within one group.
    weights : Series or mapping, optional
        Population of each unit, which then stands for so many persons with the value x.
    kind : {"T", "L"}

    Returns
    -------
    Decomposition
        ``frame`` with ``theil, within, between`` and shares; ``groups`` with the index inside.

    Raises
    ------
    DataError, AlignmentError
        As `dagum`.

    Examples
    --------
    Two regions with means 2 and 4 in a nation with mean 3:

    >>> import pandas as pd
    >>> x = pd.Series({"a": 1.0, "b": 3.0, "c": 2.0, "d": 6.0})
    >>> found = theil(x, {"a": "west", "b": "west", "c": "east", "d": "east"})
    >>> found.frame[["theil", "within", "between"]].round(4).values.tolist()
    [[0.1874, 0.1308, 0.0566]]
    """
    checked_option(kind, ("T", "L"), "kind")
    samples = read_samples(x, weights=weights, groups=groups, positive=kind == "L")
    found = [_theil_parts(s, len(samples.groups), kind) for s in samples]
    rows = [
        [_theil_index(s, kind), part["within"].sum(), part["between"].sum()]
        for s, part in zip(samples, found, strict=True)
    ]
    names = ("within", "between")
    groups_frame = _groups_frame(samples, [part["inside"] for part in found], "theil")
    return Decomposition("theil", names, _frame(samples, rows, "theil", names), groups_frame, pd.DataFrame())


def _theil_index(sample: Sample, kind: str) -> float:
    ratio = sample.values / np.average(sample.values, weights=sample.weights)
    terms = xlogy(ratio, ratio) if kind == "T" else -np.log(ratio)
    return float(np.average(terms, weights=sample.weights))


def _theil_parts(sample: Sample, n_groups: int, kind: str) -> dict[str, Float]:
    def sums(terms: Float) -> Float:
        return np.asarray(np.bincount(sample.codes, terms, minlength=n_groups), dtype=np.float64)

    size, mass = sums(sample.weights), sums(sample.weights * sample.values)
    p, s = size / size.sum(), mass / mass.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = sample.values / (mass / size)[sample.codes]
        relative = np.where(np.isfinite(relative), relative, 1.0)  # a group of zeros is equal inside
        terms = xlogy(relative, relative) if kind == "T" else -np.log(relative)
        inside = sums(sample.weights * terms) / size
        gap = s / p
    share = s if kind == "T" else p
    between = xlogy(s, np.where(s > 0, gap, 1.0)) if kind == "T" else -xlogy(p, np.where(p > 0, gap, 1.0))
    return {"inside": inside, "within": share * np.nan_to_num(inside), "between": between}


# ---- frames
def _time(sample: Sample) -> Any:
    return "all" if sample.time is None else sample.time


def _frame(samples: Samples, rows: list[list[float]], measure: str, parts: tuple[str, ...]) -> pd.DataFrame:
    times = pd.Index(["all"], name="time") if samples.times is None else samples.times
    frame = pd.DataFrame(rows, index=times, columns=[measure, *parts], dtype=np.float64)
    for part in parts:  # where all are equal there is nothing to share out
        frame[f"{part}_share"] = frame[part] / frame[measure].where(frame[measure] > 0)
    return frame


def _groups_frame(samples: Samples, inside: list[Float], measure: str) -> pd.DataFrame:
    k = len(samples.groups)
    parts = []
    for sample, values in zip(samples, inside, strict=True):
        count = np.bincount(sample.codes, minlength=k)
        size = np.bincount(sample.codes, sample.weights, minlength=k)
        mass = np.bincount(sample.codes, sample.weights * sample.values, minlength=k)
        index = pd.MultiIndex.from_product([[_time(sample)], samples.groups], names=["time", "group"])
        table = pd.DataFrame(
            {
                "n": count,
                "mean": mass / np.where(size > 0, size, np.nan),
                "population_share": size / size.sum(),
                "value_share": mass / mass.sum(),
                measure: values,
            },
            index=index,
        )
        parts.append(table[count > 0])
    return pd.concat(parts)
