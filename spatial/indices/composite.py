"""Composite indices over indicators with + and - direction: entropy weights and their alternatives."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_hashable

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.ids.rows import (
    canonical,
    check_rows,
    checked_option,
    cross_section_or_panel,
    labelled,
    numbers,
    plain,
)
from spatial.panel.panel import Panel

from .result import CompositeIndex
from .weighting import WEIGHTINGS, minmax, topsis_score

__all__ = ["CompositeIndex", "composite_index", "entropy_index"]

Float = NDArray[np.float64]
Rows = NDArray[np.intp]
Weighting = Literal["entropy", "critic", "variation", "pca", "equal"]


@hinted
def entropy_index(
    panel: Panel | pd.DataFrame,
    positive: Iterable[str] = (),
    negative: Iterable[str] = (),
    scope: Hashable = "pooled",
    *,
    dimensions: Mapping[str, Iterable[str]] | None = None,
    shift: float = 0.0,
) -> CompositeIndex:
    r"""Return the entropy-weighted index of indicators,

    .. math::

        z_{ij} &= \frac{x_{ij} - \min_i x_{ij}}{\max_i x_{ij} - \min_i x_{ij}} \quad
        (\text{negative: } \max_i x_{ij} - x_{ij} \text{ above}), \qquad p_{ij} = z_{ij} / \sum_i z_{ij}, \\
        e_j &= -\frac{1}{\ln n} \sum_i p_{ij} \ln p_{ij}, \qquad
        w_j = \frac{1 - e_j}{\sum_k (1 - e_k)}, \qquad \text{index}_i = \sum_j w_j z_{ij},

    with :math:`0 \ln 0 = 0`: an indicator counts for more the more unequally it is spread.

    Parameters
    ----------
    panel : Panel or DataFrame
        By (unit, time), or a cross-section by unit.
    positive, negative : list of str
        Indicators of which more is better, and of which less is.
    scope : {"pooled", "year"} or a time
        Over which rows i runs for the extremes and the entropies.  ``"pooled"``: all n = N T rows, so that
        the index compares years.  ``"year"``, or ``"time"``: each time alone, which ranks units inside a
        year only.  A time of the panel: its extremes and weights are applied to all, and the index can
        leave [0, 1].
    dimensions : mapping, optional
        Dimension to its indicators, for two levels: weights inside each dimension, then entropy weights
        of the dimensions' sub-indices; an indicator's weight is the product.
    shift : float
        Added to z in the entropies; papers that cannot take ln 0 add 0.0001.

    Returns
    -------
    CompositeIndex
        ``index, weights = entropy_index(...)``; also ``.contributions``, ``.levels``, ``.dimensions``.

    Raises
    ------
    DataError
        For missing cells, by (unit, time, indicator), and indicators without variation.

    Notes
    -----
    Pooled extremes use the whole sample, so early years depend on later ones; a base year does not.

    Examples
    --------
    Three cities; of pollution less is better.  Pollution puts a and b at 1 and c at 0:
    e = ln 2 / ln 3 = 0.631.  Income is 0, 1/3 and 1: e = 0.512.

    >>> import pandas as pd
    >>> data = pd.DataFrame({"income": [1.0, 2.0, 4.0], "pollution": [5.0, 5.0, 9.0]}, index=["a", "b", "c"])
    >>> index, weights = entropy_index(data, ["income"], ["pollution"])
    >>> weights.round(3).to_dict()
    {'income': 0.569, 'pollution': 0.431}
    >>> index.round(3).to_dict()
    {'a': 0.431, 'b': 0.62, 'c': 0.569}
    """
    return composite_index(panel, positive, negative, scope, dimensions=dimensions, shift=shift)


@hinted
def composite_index(
    panel: Panel | pd.DataFrame,
    positive: Iterable[str] = (),
    negative: Iterable[str] = (),
    scope: Hashable = "pooled",
    *,
    weights: Weighting | Mapping[str, float] = "entropy",
    aggregate: Literal["sum", "topsis"] = "sum",
    dimensions: Mapping[str, Iterable[str]] | None = None,
    shift: float = 0.0,
) -> CompositeIndex:
    r"""Return a composite index under one of several weightings, for robustness beside entropy.

    .. math::

        \text{sum: } \sum_j w_j z_{ij}, \qquad
        \text{topsis: } \frac{D_i^-}{D_i^+ + D_i^-}, \quad
        D_i^\pm = \Big[ \sum_j w_j^2 (z_{ij} - z_j^\pm)^2 \Big]^{1/2},

    with z as in `entropy_index` and :math:`z_j^\pm` its best and worst values (Hwang and Yoon 1981).

    Parameters
    ----------
    panel, positive, negative, scope, dimensions, shift
        As in `entropy_index`; `shift` matters to ``"entropy"`` only.
    weights : {"entropy", "critic", "variation", "pca", "equal"} or mapping
        ``"critic"``: standard deviation times the sum of 1 - r with the others (Diakoulaki et al. 1995);
        ``"variation"``: coefficient of variation of z; ``"pca"``: squared loadings of the components of
        the correlation matrix with eigenvalues above 1, weighted by these; or your own weights by
        indicator, summing to one.
    aggregate : {"sum", "topsis"}

    Returns
    -------
    CompositeIndex

    Raises
    ------
    DataError
        If an indicator is absent, listed twice, constant, or has missing cells.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"income": [1.0, 2.0, 4.0], "pollution": [5.0, 5.0, 9.0]}, index=["a", "b", "c"])
    >>> composite_index(data, ["income"], ["pollution"], weights="equal").index.round(3).to_dict()
    {'a': 0.5, 'b': 0.667, 'c': 0.5}
    >>> found = composite_index(data, ["income"], ["pollution"], weights="equal", aggregate="topsis")
    >>> found.index.round(3).to_dict()
    {'a': 0.5, 'b': 0.613, 'c': 0.5}
    """
    checked_option(aggregate, ("sum", "topsis"), "aggregate")
    scope = "year" if isinstance(scope, str) and scope == "time" else scope
    reverse = _directions(positive, negative)
    names = list(reverse)
    frame = panel.frame if isinstance(panel, Panel) else panel
    groups = _partition(dimensions, names)
    rule = _weighting(weights, names, dimensions is not None, shift)
    data = _read(frame, names)
    blocks = _blocks(data, scope)
    fits = [_fit(data, names, np.array(list(reverse.values())), groups, rule, *block) for block in blocks]
    method = f"{weights if isinstance(weights, str) else 'given'} weights, {aggregate}, {_scope_name(scope)}"
    return _result(data, names, reverse, groups, dimensions, fits, aggregate, method, scope)


# ---- what is asked for
def _directions(positive: Iterable[str], negative: Iterable[str]) -> dict[str, bool]:
    """Return the indicators, in order, and whether less is better."""
    up, down = ([n] if isinstance(n, str) else list(() if n is None else n) for n in (positive, negative))
    both = [name for name in up if name in down]
    twice = list(pd.Index([*up, *down])[pd.Index([*up, *down]).duplicated()].unique())
    if both:
        raise DataError(
            f"An indicator is positive or negative; both lists have {name_ids(both)}. Take it out of one."
        )
    if twice:
        raise DataError(f"Each indicator must be listed once; {name_ids(twice)} repeat.")
    if not up and not down:
        raise DataError("Name at least one indicator, in positive or in negative.")
    return {**dict.fromkeys(up, False), **dict.fromkeys(down, True)}


def _partition(dimensions: Mapping[str, Iterable[str]] | None, names: list[str]) -> list[Rows]:
    """Return the columns of each dimension; one dimension without a mapping."""
    if dimensions is None:
        return [np.arange(len(names))]
    listed = [name for group in dimensions.values() for name in group]
    lost = [name for name in names if name not in listed]
    unknown = [name for name in listed if name not in names]
    twice = list(pd.Index(listed)[pd.Index(listed).duplicated()].unique())
    empty = [d for d, group in dimensions.items() if not list(group)]
    for fault, said in (
        (lost, "in no dimension"),
        (unknown, "neither positive nor negative"),
        (twice, "in more than one dimension"),
        (empty, "dimensions without an indicator"),
    ):
        if fault:
            raise DataError(
                f"dimensions must hold each indicator once; these are {said}: {name_ids(fault)}."
                f"{did_you_mean(fault[0], names) if fault is unknown else ''}"
            )
    return [np.array([names.index(name) for name in group]) for group in dimensions.values()]


def _weighting(weights: Any, names: list[str], two_levels: bool, shift: float) -> Callable[[Float], Float]:
    if not (isinstance(shift, Real) and np.isfinite(float(shift)) and shift >= 0):
        raise DataError(f"shift must be zero or positive, such as 0.0001; got {shift!r}.")
    if isinstance(weights, str):
        checked_option(weights, WEIGHTINGS, "weights")
        rule = WEIGHTINGS[weights]
        return (lambda z: rule(z + shift)) if weights == "entropy" and shift else rule
    if two_levels:
        raise DataError("Your own weights are those of the indicators: leave out dimensions.")
    given = dict(weights)
    lost, unknown = [n for n in names if n not in given], [n for n in given if n not in names]
    if lost or unknown:
        raise DataError(
            "weights must have one value for each indicator"
            + (f"; {name_ids(lost)} have none" if lost else "")
            + (f"; {name_ids(unknown)} are no indicators" if unknown else "")
            + "."
        )
    values = np.array([given[name] for name in names], dtype=np.float64)
    if not ((values >= 0).all() and abs(values.sum() - 1) < 1e-8):
        raise DataError(f"weights must not be negative and sum to one; they sum to {values.sum():g}.")
    return lambda z: values  # noqa: ARG005


# ---- the data
@dataclass(frozen=True, eq=False)
class _Data:
    values: Float  # (R, J), rows sorted by id
    index: pd.Index[Any]  # as given
    order: Rows
    period: Rows
    times: pd.Index[Any] | None


def _read(frame: Any, names: list[str]) -> _Data:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"A Panel or a DataFrame by unit is needed; got {type(frame).__name__}.")
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"There is no indicator {name!r}.{did_you_mean(name, frame.columns)} "
                f"The columns are: {name_ids(frame.columns, 12)}."
            )
    check_rows(frame.index, "Indicators")
    order = canonical(frame.index)
    rows = frame.index.take(order)
    values = np.column_stack([numbers(frame[name], f"Indicator {name!r}")[order] for name in names])
    bad = ~np.isfinite(values)
    if bad.any():
        i, j = np.nonzero(bad)
        cells = [
            (*(k if isinstance(k := plain(rows[r]), tuple) else (k,)), names[c])
            for r, c in zip(i, j, strict=True)
        ]
        raise DataError(
            f"Indicators must be finite; {len(cells)} cells are missing or infinite: {name_ids(cells)}. "
            "Fill them (panel.interpolate) or drop these units."
        )
    return _Data(values, frame.index, order, *cross_section_or_panel(rows))


def _scope_name(scope: Any) -> str:
    return scope if scope in ("pooled", "year") else f"base {plain(scope)}"


def _blocks(data: _Data, scope: Any) -> list[tuple[Rows, Rows]]:
    """Return the rows that set extremes and weights, and the rows they are applied to."""
    every = np.arange(len(data.values))
    if isinstance(scope, str) and scope == "pooled":
        return [(every, every)]
    if isinstance(scope, str) and scope == "year":
        parts = [np.flatnonzero(data.period == t) for t in range(int(data.period.max(initial=0)) + 1)]
        return [(rows, rows) for rows in parts]
    if data.times is None or not is_hashable(scope) or scope not in data.times:
        has = "no times" if data.times is None else f"the times {name_ids(map(plain, data.times))}"
        raise DataError(
            f'scope must be "pooled", "year", or a time of the panel, which has {has}; got {scope!r}.'
        )
    return [(np.flatnonzero(data.period == data.times.get_loc(scope)), every)]


# ---- weights and index
@dataclass(frozen=True, eq=False)
class _Fit:
    rows: Rows
    z: Float  # (rows, J)
    sub: Float  # (rows, D)
    within: Float  # (J,)
    between: Float  # (D,)


def _fit(
    data: _Data,
    names: list[str],
    reverse: NDArray[np.bool_],
    groups: list[Rows],
    rule: Callable[[Float], Float],
    fit: Rows,
    rows: Rows,
) -> _Fit:
    low, high = data.values[fit].min(axis=0, initial=np.inf), data.values[fit].max(axis=0, initial=-np.inf)
    flat = ~(high > low)
    if flat.any():
        where = (
            ""
            if data.times is None or len(set(data.period[fit])) > 1
            else f" at {plain(data.times[data.period[fit[0]]])!r}"
        )
        raise DataError(
            f"Indicators must vary over the {len(fit)} rows that set their range{where}; these are constant: "
            f"{name_ids([n for n, f in zip(names, flat, strict=True) if f])}. Leave them out"
            + (', or use scope="pooled".' if where else ".")
        )
    z_fit = minmax(data.values[fit], low, high, reverse)
    z = minmax(data.values[rows], low, high, reverse)
    within = np.empty(len(names))
    for columns in groups:
        within[columns] = rule(z_fit[:, columns])
    parts = [(z_fit[:, c] @ within[c], z[:, c] @ within[c]) for c in groups]
    between = np.ones(1) if len(groups) == 1 else rule(np.column_stack([p[0] for p in parts]))
    return _Fit(rows, z, np.column_stack([p[1] for p in parts]), within, between)


def _result(
    data: _Data,
    names: list[str],
    reverse: dict[str, bool],
    groups: list[Rows],
    dimensions: Mapping[str, Iterable[str]] | None,
    fits: list[_Fit],
    aggregate: str,
    method: str,
    scope: Any,
) -> CompositeIndex:
    titles = ["all"] if dimensions is None else [str(d) for d in dimensions]
    of = np.empty(len(names), dtype=np.intp)  # dimension of each indicator
    for k, columns in enumerate(groups):
        of[columns] = k
    index, contributions = np.empty(len(data.values)), np.empty(data.values.shape)
    sub = np.empty((len(data.values), len(groups)))
    for fit in fits:
        rows = data.order[fit.rows]  # back to the caller's order
        part = fit.z * (fit.within * fit.between[of])
        contributions[rows], sub[rows] = part, fit.sub
        index[rows] = topsis_score(part) if aggregate == "topsis" else part.sum(axis=1)
    times = data.times if isinstance(scope, str) and scope == "year" else None
    levels = _levels(names, reverse, [titles[k] for k in of], of, fits, times)
    values = levels["weight"].to_numpy().reshape(len(fits), len(names))
    source = "entropy weights" if method.startswith("entropy") else method
    return CompositeIndex(
        labelled(index, data.index, "index", "Composite index", "综合指数", source),
        pd.Series(values[0], names, name="weight") if times is None else pd.DataFrame(values, times, names),
        pd.DataFrame(contributions, data.index, names),
        levels,
        pd.DataFrame(sub, data.index, titles) if dimensions is not None else pd.DataFrame(index=data.index),
        method,
    )


def _levels(
    names: list[str],
    reverse: dict[str, bool],
    titles: list[str],
    of: Rows,
    fits: list[_Fit],
    times: pd.Index[Any] | None,
) -> pd.DataFrame:
    tables = []
    for k, fit in enumerate(fits):
        table = pd.DataFrame(
            {
                "indicator": names,
                "direction": ["-" if reverse[name] else "+" for name in names],
                "dimension": titles,
                "within": fit.within,
                "dimension_weight": fit.between[of],
                "weight": fit.within * fit.between[of],
            }
        )
        if times is not None:
            table.insert(0, "time", times[k])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
