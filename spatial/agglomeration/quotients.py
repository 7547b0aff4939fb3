"""Location quotients of unit x industry tables: ratio, symmetric or log, with a policy for zero cells."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids
from spatial.ids.rows import checked_option, plain
from spatial.panel.panel import Panel, PanelLike

from .industries import Industries, read_industries

__all__ = ["location_quotient"]


@hinted
def location_quotient(
    table: PanelLike,
    columns: Iterable[Any] | None = None,
    *,
    form: Literal["ratio", "symmetric", "log"] = "ratio",
    zeros: Literal["keep", "missing", "raise"] = "keep",
    total: Hashable | None = None,
    reference: pd.Series[Any] | pd.DataFrame | None = None,
) -> pd.DataFrame | Panel:
    r"""Return the location quotient of each industry in each unit,

    .. math:: LQ_{ir} = \frac{x_{ir} / x_r}{x_i / x},

    the share of industry i in unit r over its share in the nation (Isard 1960, ch. 7).  The mean of a
    unit's quotients, weighted by the national shares, is one.

    Parameters
    ----------
    table : DataFrame or Panel
        Employment or output, units in rows, industries in columns; for a panel each time has its own
        national shares.
    columns : list, optional
        The industries.  Default: all columns.
    form : {"ratio", "symmetric", "log"}
        ``"symmetric"`` is :math:`(LQ - 1)/(LQ + 1)`, from -1 to 1 (Laursen 1998); ``"log"`` is ln LQ.
    zeros : {"keep", "missing", "raise"}
        Where a unit has none of an industry: keep the quotient 0 (symmetric: -1), make it NaN, or refuse.
        ``form="log"`` has no value at zero, so that ``"keep"`` is refused there.
    total : column, optional
        Column with the total of each row, where the industries do not add up to it (a table of
        manufacturing only, beside total employment).
    reference : Series or DataFrame, optional
        National totals by industry, or by time and industry for a panel; default the sums over units.

    Returns
    -------
    DataFrame or Panel
        Of the form of `table`, without dimension; ready for ``W.lag`` and ``moran_panel``.

    Raises
    ------
    DataError
        For negative, missing or textual cells, empty rows and industries, by name.

    Examples
    --------
    Half of a's 100 workers are in mining, where a quarter of the nation's 400 are:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"mining": [50, 20, 30], "retail": [50, 80, 170]}, index=["a", "b", "c"])
    >>> location_quotient(table)["mining"].round(3).tolist()
    [2.0, 0.8, 0.6]
    >>> location_quotient(table, form="symmetric")["mining"].round(3).tolist()
    [0.333, -0.111, -0.25]
    """
    checked_option(form, ("ratio", "symmetric", "log"), "form")
    checked_option(zeros, ("keep", "missing", "raise"), "zeros")
    read = read_industries(table, columns, total=total, reference=reference, least=2 if total is None else 1)
    quotient = read.shares / read.national_shares
    empty = read.values == 0
    if empty.any() and (zeros == "raise" or (form == "log" and zeros == "keep")):
        _refuse_zeros(read, empty, form)
    if zeros == "missing":
        quotient = np.where(empty, np.nan, quotient)
    if form == "symmetric":
        quotient = (quotient - 1) / (quotient + 1)
    elif form == "log":
        quotient = np.log(quotient)
    label, zh = _LQ_LABELS[form]
    return read.frame(quotient, "location quotient", label, zh, "Isard (1960)", int(empty.sum()))


_LQ_LABELS = {
    "ratio": ("Location quotient", "区位熵"),
    "symmetric": ("Symmetric location quotient", "对称区位熵"),
    "log": ("Log location quotient", "区位熵（对数）"),
}


def _refuse_zeros(read: Industries, empty: NDArray[np.bool_], form: str) -> None:
    rows, columns = np.nonzero(empty)
    cells = [(plain(read.rows[r]), plain(read.industries[c])) for r, c in zip(rows, columns, strict=True)]
    why = "The logarithm of a location quotient needs" if form == "log" else 'zeros="raise" needs'
    raise DataError(
        f"{why} employment in each cell; {len(cells)} are zero: {name_ids(cells)}. "
        'Pass zeros="missing", or use form="symmetric", which is defined at zero.'
    )
