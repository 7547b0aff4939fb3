"""Diversity of cities: entropy, related and unrelated variety.

Tables are as in `spatial.agglomeration.concentration`: units in rows, industries in columns; or a Panel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr, rel_entr

from spatial.errors import DataError, hinted, warn
from spatial.ids.rows import checked_option, row_names
from spatial.panel.panel import PanelLike

from .industries import Industries, groups_of, read_industries

__all__ = ["diversity", "related_variety", "unrelated_variety"]

Float = NDArray[np.float64]
Groups: TypeAlias = "Mapping[Any, Any] | pd.Series[Any]"

_MEASURES = {
    "entropy": ("Entropy diversity", "多样化指数（熵）", "Shannon (1948)"),
    "inverse_herfindahl": ("Inverse Herfindahl diversity", "多样化指数（赫芬达尔倒数）", "Hirschman (1964)"),
    "simpson": ("Simpson diversity", "多样化指数（辛普森）", "Simpson (1949)"),
    "relative": ("Relative diversity", "相对多样化指数", "Duranton and Puga (2000)"),
}


@hinted
def diversity(
    table: PanelLike,
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

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.

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
        warn(
            f"Relative diversity is infinite for {int(same.sum())} rows, whose structure is the nation's: "
            f"{row_names(read.rows, same)}. Krugman's index, its inverse, is zero there."
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(same, np.inf, 1 / gap))


@hinted
def related_variety(
    table: PanelLike, groups: Groups, columns: Iterable[Any] | None = None, *, base: float = 2.0
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


@hinted
def unrelated_variety(
    table: PanelLike, groups: Groups, columns: Iterable[Any] | None = None, *, base: float = 2.0
) -> pd.Series[Any]:
    r"""Return unrelated variety: the entropy between groups of industries,

    .. math:: UV_r = \sum_g P_{gr} \log_2 \frac{1}{P_{gr}}

    (Frenken, van Oort and Verburg 2007).  Parameters and result are those of `related_variety`.

    Raises
    ------
    DataError
        If the table has fewer than two industries, an industry twice, cells that are missing, negative or no
        numbers, or a unit or an industry without employment.
        If `groups` has no group for an industry.

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
