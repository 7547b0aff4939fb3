"""Specialisation of cities: Krugman, Herfindahl, Hoover, Gini and Theil indices.

Each takes a unit x industry table: a DataFrame by unit with industries as columns, or a Panel (or a frame
by (unit, time)) whose columns are industries.  Rows are matched by id, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted
from spatial.ids.rows import checked_option
from spatial.panel.panel import PanelLike

from .industries import Industries, period_sum, read_industries
from .quotients import location_quotient

__all__ = [
    "gini_specialization",
    "herfindahl",
    "hoover_index",
    "krugman_index",
    "location_quotient",
    "specialization",
    "theil_specialization",
]

Float = NDArray[np.float64]


@hinted
def specialization(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    kind: Literal["relative", "absolute"] = "relative",
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return the specialisation index of each unit,

    .. math:: ZI_r = \max_i s_{ir}, \qquad RZI_r = \max_i \frac{s_{ir}}{s_i},

    absolute and relative to the national share of the industry (Duranton and Puga 2000).

    Parameters
    ----------
    table, columns, reference
        As in `location_quotient`.
    kind : {"relative", "absolute"}
        RZI, the largest location quotient; or ZI, the largest share.

    Returns
    -------
    Series
        By unit, or by (unit, time).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> specialization(table).round(3).tolist()
    [2.0, 1.067, 1.133]
    >>> specialization(table, kind="absolute").round(3).tolist()
    [0.5, 0.8, 0.85]
    """
    checked_option(kind, ("relative", "absolute"), "kind")
    read = read_industries(table, columns, reference=reference)
    values = read.shares if kind == "absolute" else read.shares / read.national_shares
    label, zh = (
        ("Relative specialisation", "相对专业化指数")
        if kind == "relative"
        else ("Specialisation", "专业化指数")
    )
    return read.series(values.max(axis=1), "specialization", label, zh, "Duranton and Puga (2000)")


@hinted
def krugman_index(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    leave_out: bool = False,
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return Krugman's specialisation index of each unit,

    .. math:: K_r = \sum_i |s_{ir} - s_i| ,

    between 0, the structure of the nation, and 2, nothing in common with it (Krugman 1991, ch. 3).

    Parameters
    ----------
    table, columns, reference
        As in `location_quotient`.
    leave_out : bool
        Compare with the nation without the unit itself, so that a large unit is not compared with
        itself; usual in the literature on producer services.

    Returns
    -------
    Series
        By unit, or by (unit, time).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    The nation has a quarter in mining and three quarters in retail:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> krugman_index(table).round(3).tolist()
    [0.5, 0.1, 0.2]
    >>> krugman_index(table, leave_out=True).round(3).tolist()
    [0.667, 0.133, 0.4]
    """
    read = read_industries(table, columns, reference=reference)
    gap = _distance(read, leave_out, reference)
    return read.series(gap, "krugman_index", "Krugman specialisation", "克鲁格曼专业化指数", "Krugman (1991)")


def _distance(read: Industries, leave_out: bool, reference: Any) -> Float:
    if leave_out and reference is not None:
        raise DataError("leave_out=True takes the unit out of the sample's totals: leave out reference.")
    nation = read.other_shares if leave_out else read.national_shares
    return np.asarray(np.abs(read.shares - nation).sum(axis=1))


@hinted
def herfindahl(
    table: PanelLike, columns: Iterable[Any] | None = None, *, normalized: bool = False
) -> pd.Series[Any]:
    r"""Return the Herfindahl-Hirschman index of each unit's industries,

    .. math:: H_r = \sum_i s_{ir}^2, \qquad H_r^* = \frac{H_r - 1/S}{1 - 1/S},

    from 1/S, equal shares, to 1, one industry; normalised from 0 to 1.

    Parameters
    ----------
    table, columns
        As in `location_quotient`.
    normalized : bool
        Return :math:`H^*`, comparable between numbers of industries.

    Returns
    -------
    Series
        By unit, or by (unit, time).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 100], "retail": [50, 80, 0]}, index=["a", "b", "c"])
    >>> herfindahl(table).round(3).tolist()
    [0.5, 0.68, 1.0]
    >>> herfindahl(table, normalized=True).round(3).tolist()
    [0.0, 0.36, 1.0]
    """
    read = read_industries(table, columns)
    values = (read.shares**2).sum(axis=1)
    if normalized:
        least = 1 / len(read.industries)
        values = (values - least) / (1 - least)
    return read.series(values, "herfindahl", "Herfindahl index", "赫芬达尔指数", "Hirschman (1964)")


@hinted
def hoover_index(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    by: Literal["unit", "industry"] = "unit",
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return Hoover's index, the share that would have to move for two structures to be equal,

    .. math::

        H_r = \tfrac12 \sum_i |s_{ir} - s_i| \quad\text{(unit)}, \qquad
        H_i = \tfrac12 \sum_r \left|\frac{x_{ir}}{x_i} - \frac{x_r}{x}\right| \quad\text{(industry)},

    between 0 and 1: specialisation of a unit, or localisation of an industry over units (Hoover 1936).

    Parameters
    ----------
    table, columns, reference
        As in `location_quotient`; `reference` only with ``by="unit"``.
    by : {"unit", "industry"}
        One value a unit, or one an industry.

    Returns
    -------
    Series
        By unit or (unit, time); by industry or (time, industry).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> hoover_index(table).round(3).tolist()
    [0.25, 0.05, 0.1]
    >>> hoover_index(table, by="industry").round(3).tolist()
    [0.25, 0.083]
    """
    read = _read_by(table, columns, by, reference)
    label, zh, source = "Hoover index", "胡佛指数", "Hoover (1936)"
    if by == "unit":
        return read.series(0.5 * _distance(read, False, None), "hoover_index", label, zh, source)
    own, all_industries = _localisation(read)
    gaps = np.abs(own - all_industries[:, None])
    found = 0.5 * period_sum(gaps, read.period, len(read.national))
    return _industry_series(read, found, "hoover_index", label, zh, source)


@hinted
def gini_specialization(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    by: Literal["unit", "industry"] = "unit",
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return the locational Gini: the Gini coefficient of location quotients,

    .. math:: G_r = \tfrac12 \sum_i \sum_k s_i s_k \, |LQ_{ir} - LQ_{kr}| ,

    weighted by national shares: twice the area between the diagonal and the Lorenz curve of the unit's
    shares over the nation's, industries in order of their quotient (Krugman 1991; Midelfart-Knarvik et
    al. 2000).  With ``by="industry"`` units and industries change places.

    Parameters
    ----------
    table, columns, reference
        As in `location_quotient`; `reference` only with ``by="unit"``.
    by : {"unit", "industry"}
        Specialisation of units, or localisation of industries.

    Returns
    -------
    Series
        Between 0 and 1, by unit or (unit, time); by industry or (time, industry).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    For two industries the Gini is half of Krugman's index:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> gini_specialization(table).round(3).tolist()
    [0.25, 0.05, 0.1]
    """
    read = _read_by(table, columns, by, reference)
    label, zh, source = "Locational Gini", "区位基尼系数", "Krugman (1991)"
    if by == "unit":
        found = lorenz_gini(read.shares, read.national_shares)
        return read.series(found, "gini_specialization", label, zh, source)
    own, all_industries = _localisation(read)
    rows = [
        lorenz_gini(own[at].T, np.broadcast_to(all_industries[at], own[at].T.shape))
        for at in (read.period == t for t in range(len(read.national)))
    ]
    return _industry_series(read, np.array(rows), "gini_specialization", label, zh, source)


def lorenz_gini(own: Float, base: Float) -> Float:
    """Return the Gini of ``own / base`` weighted by `base`, for each row; rows of both sum to one."""
    order = np.argsort(own / base, axis=1, kind="stable")
    share, weight = np.take_along_axis(own, order, 1), np.take_along_axis(base, order, 1)
    curve = np.cumsum(share, axis=1)
    return np.asarray(1 - (weight * (2 * curve - share)).sum(axis=1))


@hinted
def theil_specialization(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return Theil's specialisation index, the relative entropy of a unit's structure,

    .. math:: T_r = \sum_i s_{ir} \ln \frac{s_{ir}}{s_i}, \qquad 0 \ln 0 = 0,

    zero for the structure of the nation, at most :math:`-\ln \min_i s_i` (Theil 1967, ch. 4).

    Parameters
    ----------
    table, columns, reference
        As in `location_quotient`.

    Returns
    -------
    Series
        In nats, by unit, or by (unit, time).

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> theil_specialization(table).round(4).tolist()  # a: 0.5 ln 2 + 0.5 ln(2/3)
    [0.1438, 0.007, 0.0298]
    """
    from scipy.special import rel_entr

    read = read_industries(table, columns, reference=reference)
    values = rel_entr(read.shares, read.national_shares).sum(axis=1)
    return read.series(
        values, "theil_specialization", "Theil specialisation", "泰尔专业化指数", "Theil (1967)"
    )


def _read_by(table: Any, columns: Iterable[Any] | None, by: str, reference: Any) -> Industries:
    checked_option(by, ("unit", "industry"), "by")
    if by == "industry" and reference is not None:
        raise DataError('by="industry" compares the units of the sample: leave out reference.')
    return read_industries(table, columns, reference=reference)


def _localisation(read: Industries) -> tuple[Float, Float]:
    """Return each row's share in its industries (R, S), and in all of them (R,), at its time."""
    return read.values / read.national[read.period], read.size / read.national_size[read.period]


def _industry_series(
    read: Industries, found: Float, name: str, label: str, label_zh: str, source: str
) -> pd.Series[Any]:
    series = read.by_industry({name: found})[name]
    series.attrs = {"label": label, "label_zh": label_zh, "source": source}
    return series
