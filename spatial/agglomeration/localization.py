"""Localisation of industries over cities: Ellison-Glaeser, and co-agglomeration of pairs of industries.

Tables are as in `spatial.agglomeration.concentration`: units in rows, industries in columns; or a Panel.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, hinted, name_ids, warn
from spatial.ids.rows import checked_option, numbers, row_names
from spatial.panel.panel import PanelLike

from .industries import Industries, period_sum, read_industries

__all__ = ["coagglomeration", "coagglomeration_matrix", "ellison_glaeser"]

Float = NDArray[np.float64]


@hinted
def ellison_glaeser(
    table: PanelLike,
    plant_herfindahl: pd.Series[Any] | Mapping[Any, float],
    columns: Iterable[Any] | None = None,
) -> pd.DataFrame:
    r"""Return the Ellison-Glaeser index of geographic concentration of each industry,

    .. math::

        \gamma_i = \frac{G_i / (1 - \sum_r x_r^2) - H_i}{1 - H_i}, \qquad
        G_i = \sum_r (s_{ir} - x_r)^2 ,

    where :math:`s_{ir}` is the share of unit r in industry i, :math:`x_r` its share in all industries and
    :math:`H_i` the Herfindahl index of plant sizes of the industry (Ellison and Glaeser 1997).  It is
    zero in expectation where plants choose units at random in proportion to :math:`x_r`.

    Parameters
    ----------
    table, columns
        As in `diversity`.
    plant_herfindahl : Series or mapping
        :math:`H_i` by industry, in [0, 1), the same at each time; or by (time, industry) for a panel.

    Returns
    -------
    DataFrame
        By industry, or by (time, industry): ``concentration`` (G), ``plant_herfindahl`` (H) and ``gamma``.

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.
        If `plant_herfindahl` is not in [0, 1).
    AlignmentError
        If `plant_herfindahl` lacks an industry.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> ellison_glaeser(table, {"mining": 0.1, "retail": 0.01}).round(4)
            concentration  plant_herfindahl   gamma
    mining         0.1050              0.10  0.0756
    retail         0.0117              0.01  0.0088
    """
    read = read_industries(table, columns)
    n_times = len(read.national)
    own, size = read.values / read.national[read.period], read.size / read.national_size[read.period]
    spread = _evenness(read, size)[:, None]
    raw = period_sum((own - size[:, None]) ** 2, read.period, n_times)
    plants = _plants(plant_herfindahl, read)
    gamma = (raw / spread - plants) / (1 - plants)
    found = read.by_industry({"concentration": raw, "plant_herfindahl": plants, "gamma": gamma})
    found.attrs = {
        "label": "Ellison-Glaeser index",
        "label_zh": "EG 指数",
        "source": "Ellison and Glaeser (1997)",
    }
    return found


def _evenness(read: Industries, size: Float) -> Float:
    """Return 1 - sum of squared shares of the units, (T,)."""
    found = 1 - period_sum(size**2, read.period, len(read.national))
    if (found <= 1e-12).any():
        raise DataError("Concentration over units needs at least two units at each time.")
    return found


def _plants(given: Any, read: Industries) -> Float:
    if not isinstance(given, (pd.Series, Mapping)):
        raise DataError(f"plant_herfindahl is a Series or a mapping by industry; got {type(given).__name__}.")
    series = given if isinstance(given, pd.Series) else pd.Series(dict(given), dtype=np.float64)
    if not series.index.is_unique:
        raise DataError("plant_herfindahl must have one value for each industry (and time); some repeat.")
    if series.index.nlevels == 2 and read.times is not None:
        series = series.unstack()
        lost_times = series.index.get_indexer(read.times) < 0
        if lost_times.any():
            raise AlignmentError(f"plant_herfindahl has no time {name_ids(read.times[lost_times])}.")
        wide = series.loc[read.times]
    else:
        wide = series.to_frame().T
    lost = wide.columns.get_indexer(read.industries) < 0
    if lost.any():
        raise AlignmentError(
            f"plant_herfindahl must name each industry; it lacks {name_ids(read.industries[lost])}."
        )
    values = np.column_stack([numbers(wide[c], f"plant_herfindahl of {c!r}") for c in read.industries])
    bad = ~((values >= 0) & (values < 1)).all(axis=0)
    if bad.any():
        raise DataError(
            "plant_herfindahl is a sum of squared shares of plants, at least 0 and below 1; it is not for "
            f"{name_ids(read.industries[bad])}. With n plants of equal size it is 1/n."
        )
    return np.array(np.broadcast_to(values, read.national.shape))


@hinted
def coagglomeration(
    table: PanelLike,
    first: Hashable,
    second: Hashable,
    columns: Iterable[Any] | None = None,
    *,
    form: Literal["level", "balance"] = "level",
    total: Hashable | None = None,
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return the co-agglomeration of two industries in each unit,

    .. math::

        \Theta_r = \left[ 1 - \frac{|LQ_{ar} - LQ_{br}|}{LQ_{ar} + LQ_{br}} \right] + (LQ_{ar} + LQ_{br}),

    the balance of the two (in brackets, 0 to 1) plus their level (Yang 2013; Chen, Liu and Zou 2016).

    Parameters
    ----------
    table : DataFrame or Panel
        All industries, so that quotients are of the whole; or the two beside a column `total`.
    first, second : column
        The industries a and b, such as manufacturing and producer services.
    columns : list, optional
        All industries.  Default: all columns.
    form : {"level", "balance"}
        The whole, or only the bracket.
    total, reference
        As in `location_quotient`.

    Returns
    -------
    Series
        By unit, or by (unit, time); NaN where a unit has neither industry.

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.
        If `first` and `second` are not two industries of the table.

    Warns
    -----
    SpatialWarning
        Naming the units that have neither.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> coagglomeration(table, "mining", "retail").round(3).tolist()  # a: 1 - |2 - 2/3| / (8/3) + 8/3
    [3.167, 2.724, 2.426]
    """
    checked_option(form, ("level", "balance"), "form")
    read = read_industries(table, columns, total=total, reference=reference)
    pair = read.industries.get_indexer(pd.Index([first, second], dtype=object))
    if (pair < 0).any() or first == second:
        raise DataError(
            f"first and second must be two industries of the table; got {first!r} and {second!r}. "
            f"It has: {name_ids(read.industries, 12)}."
        )
    quotient = (read.shares / read.national_shares)[:, pair]
    level = quotient.sum(axis=1)
    neither = level == 0
    if neither.any():
        warn(
            f"Co-agglomeration has no value for {int(neither.sum())} rows with neither {first!r} nor "
            f"{second!r}: {row_names(read.rows, neither)}; they are NaN."
        )
    with np.errstate(invalid="ignore"):
        balance = 1 - np.abs(quotient[:, 0] - quotient[:, 1]) / level
    found = balance + level if form == "level" else balance
    return read.series(found, "coagglomeration", "Co-agglomeration", "产业协同集聚指数", "Yang (2013)")


@hinted
def coagglomeration_matrix(table: pd.DataFrame, columns: Iterable[Any] | None = None) -> pd.DataFrame:
    r"""Return the Ellison-Glaeser co-agglomeration of each pair of industries over units,

    .. math:: \gamma^c_{ij} = \frac{\sum_r (s_{ir} - x_r)(s_{jr} - x_r)}{1 - \sum_r x_r^2} ,

    where :math:`x_r` is the mean of the industries' shares in unit r (Ellison, Glaeser and Kerr 2010).

    Parameters
    ----------
    table : DataFrame
        One cross-section; of a panel take ``panel.at(time)``.
    columns : list, optional

    Returns
    -------
    DataFrame
        Industries x industries, symmetric; the diagonal is the raw concentration of the industry.

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.
        If the table has several times, or one unit.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"coal": [10, 10, 0], "steel": [8, 12, 0], "film": [2, 0, 18]})
    >>> coagglomeration_matrix(table).round(3)
            coal  steel   film
    coal   0.204  0.199 -0.403
    steel  0.199  0.224 -0.423
    film  -0.403 -0.423  0.826
    """
    read = read_industries(table, columns)
    if read.times is not None:
        raise DataError(
            f"One cross-section is needed; the table has {len(read.times)} times. Take panel.at(time)."
        )
    own = read.values / read.national
    mean = own.mean(axis=1)
    gap = own - mean[:, None]
    found = gap.T @ gap / _evenness(read, mean)[0]
    back = np.argsort(read.column_order)
    names = read.industries.take(back)
    return pd.DataFrame(found[np.ix_(back, back)], index=names, columns=names)
