"""Diversity of cities: entropy, related and unrelated variety; and co-location of industries.

Tables are as in `spatial.specialization_measures`: units in rows, industries in columns; or a Panel.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr, rel_entr

from spatial.errors import AlignmentError, DataError, SpatialWarning, name_ids

from ._industries import Industries, groups_of, period_sum, read_industries
from ._rows import checked_option, numbers, row_names

__all__ = [
    "coagglomeration",
    "coagglomeration_matrix",
    "diversity",
    "ellison_glaeser",
    "related_variety",
    "unrelated_variety",
]

Float = NDArray[np.float64]
Groups: TypeAlias = "Mapping[Any, Any] | pd.Series[Any]"

_MEASURES = {
    "entropy": ("Entropy diversity", "多样化指数（熵）", "Shannon (1948)"),
    "inverse_herfindahl": ("Inverse Herfindahl diversity", "多样化指数（赫芬达尔倒数）", "Hirschman (1964)"),
    "simpson": ("Simpson diversity", "多样化指数（辛普森）", "Simpson (1949)"),
    "relative": ("Relative diversity", "相对多样化指数", "Duranton and Puga (2000)"),
}


def diversity(
    table: Any,
    columns: Iterable[Any] | None = None,
    *,
    measure: Literal["entropy", "inverse_herfindahl", "simpson", "relative"] = "entropy",
    base: float | None = None,
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.Series[Any]:
    r"""Return the diversity of each unit's industries; by default the entropy,

    .. math:: D_r = \sum_i s_{ir} \ln \frac{1}{s_{ir}}, \qquad 0 \ln 0 = 0,

    between 0, one industry, and ln S, equal shares of S industries.  Over producer services it is the
    diversity index PSD of the literature on their agglomeration.  Other measures: :math:`1/H_r` and
    :math:`1 - H_r` with the Herfindahl index :math:`H_r = \sum_i s_{ir}^2`, and the relative
    :math:`RDI_r = 1 / \sum_i |s_{ir} - s_i|` (Duranton and Puga 2000).

    Parameters
    ----------
    table : DataFrame or Panel
        Units in rows, industries in columns.
    columns : list, optional
        The industries; shares are taken among these.  Default: all columns.
    measure : {"entropy", "inverse_herfindahl", "simpson", "relative"}
    base : float, optional
        Of the logarithm; default e.  ``2`` gives bits, and the sum of related and unrelated variety.
    reference : Series or DataFrame, optional
        National totals, for ``measure="relative"``.

    Returns
    -------
    Series
        By unit, or by (unit, time).

    Warns
    -----
    SpatialWarning
        Where a unit has the structure of the nation, so that the relative index is infinite.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 100], "retail": [50, 80, 0]}, index=["a", "b", "c"])
    >>> diversity(table).round(4).tolist()
    [0.6931, 0.5004, 0.0]
    >>> diversity(table, base=2).round(4).tolist()
    [1.0, 0.7219, 0.0]
    """
    checked_option(measure, _MEASURES, "measure")
    if base is not None and measure != "entropy":
        raise DataError(f'base is that of the logarithm of measure="entropy"; measure is {measure!r}.')
    if reference is not None and measure != "relative":
        raise DataError(f'reference is used by measure="relative" only; measure is {measure!r}.')
    read = read_industries(table, columns, reference=reference)
    if measure == "entropy":
        values = entr(read.shares).sum(axis=1) / _log_of(base)
    elif measure == "relative":
        values = _relative_diversity(read)
    else:
        concentration = (read.shares**2).sum(axis=1)
        values = 1 / concentration if measure == "inverse_herfindahl" else 1 - concentration
    return read.series(values, "diversity", *_MEASURES[measure])


def _log_of(base: float | None) -> float:
    if base is None:
        return 1.0
    if not (np.isfinite(base) and base > 1):
        raise DataError(f"base of the logarithm must be above 1, such as 2 or 10; got {base!r}.")
    return float(np.log(base))


def _relative_diversity(read: Industries) -> Float:
    gap = np.abs(read.shares - read.national_shares).sum(axis=1)
    same = gap <= 1e-14 * len(read.industries)
    if same.any():
        warnings.warn(
            f"Relative diversity is infinite for {int(same.sum())} rows, whose structure is the nation's: "
            f"{row_names(read.rows, same)}. Krugman's index, its inverse, is zero there.",
            SpatialWarning,
            stacklevel=3,
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(same, np.inf, 1 / gap))


def related_variety(
    table: Any, groups: Groups, columns: Iterable[Any] | None = None, *, base: float = 2.0
) -> pd.Series[Any]:
    r"""Return related variety: the entropy inside groups of industries,

    .. math::

        RV_r = \sum_g P_{gr} H_{gr}, \qquad
        H_{gr} = \sum_{i \in g} \frac{p_{ir}}{P_{gr}} \log_2 \frac{P_{gr}}{p_{ir}} ,

    where :math:`P_{gr}` is the share of group g (Frenken, van Oort and Verburg 2007).  With
    `unrelated_variety` it adds up to the entropy of all industries, ``diversity(table, base=2)``.

    Parameters
    ----------
    table, columns
        As in `diversity`.
    groups : mapping or Series
        Industry to its group, such as the two-digit class of a five-digit industry.
    base : float
        Of the logarithm; 2 as in the source.

    Returns
    -------
    Series
        By unit, or by (unit, time), in bits.

    Raises
    ------
    DataError
        For industries without a group, by name.

    Examples
    --------
    Four equal industries in two groups: one bit between the groups, one inside them.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"rail": [25], "road": [25], "bank": [25], "insurance": [25]}, index=["a"])
    >>> groups = {"rail": "transport", "road": "transport", "bank": "finance", "insurance": "finance"}
    >>> float(related_variety(table, groups)["a"]), float(unrelated_variety(table, groups)["a"])
    (1.0, 1.0)
    """
    read = read_industries(table, columns)
    code, _ = groups_of(read.industries, groups)
    shares = read.shares
    # sum over i of p log(P/p), with P the share of the industry's group.
    within = -rel_entr(shares, _group_shares(shares, code)[:, code]).sum(axis=1) / _log_of(base)
    return read.series(np.abs(within), "related_variety", "Related variety", "相关多样性", _FRENKEN)


def unrelated_variety(
    table: Any, groups: Groups, columns: Iterable[Any] | None = None, *, base: float = 2.0
) -> pd.Series[Any]:
    r"""Return unrelated variety: the entropy between groups of industries,

    .. math:: UV_r = \sum_g P_{gr} \log_2 \frac{1}{P_{gr}}

    (Frenken, van Oort and Verburg 2007).  Parameters and result are those of `related_variety`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"rail": [40, 5], "road": [40, 5], "bank": [20, 90]}, index=["a", "b"])
    >>> groups = {"rail": "transport", "road": "transport", "bank": "finance"}
    >>> unrelated_variety(table, groups).round(4).tolist()
    [0.7219, 0.469]
    """
    read = read_industries(table, columns)
    code, _ = groups_of(read.industries, groups)
    between = entr(_group_shares(read.shares, code)).sum(axis=1) / _log_of(base)
    return read.series(between, "unrelated_variety", "Unrelated variety", "无关多样性", _FRENKEN)


_FRENKEN = "Frenken, van Oort and Verburg (2007)"


def _group_shares(shares: Float, code: NDArray[np.intp]) -> Float:
    member = code[:, None] == np.arange(code.max() + 1)[None, :]
    return np.asarray(shares @ member.astype(np.float64))


def ellison_glaeser(
    table: Any,
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
    series = given if isinstance(given, pd.Series) else pd.Series(dict(given), dtype=np.float64)
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


def coagglomeration(
    table: Any,
    first: Any,
    second: Any,
    columns: Iterable[Any] | None = None,
    *,
    form: Literal["level", "balance"] = "level",
    total: Any = None,
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
        warnings.warn(
            f"Co-agglomeration has no value for {int(neither.sum())} rows with neither {first!r} nor "
            f"{second!r}: {row_names(read.rows, neither)}; they are NaN.",
            SpatialWarning,
            stacklevel=2,
        )
    with np.errstate(invalid="ignore"):
        balance = 1 - np.abs(quotient[:, 0] - quotient[:, 1]) / level
    found = balance + level if form == "level" else balance
    return read.series(found, "coagglomeration", "Co-agglomeration", "产业协同集聚指数", "Yang (2013)")


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
