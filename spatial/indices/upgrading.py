"""Structure of city economies: industrial upgrading, coupling coordination, values per head and per area."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from spatial.errors import DataError, hinted
from spatial.ids.numbers import Values
from spatial.ids.rows import (
    check_rows,
    checked_option,
    labelled,
    match_rows,
    numbers,
    read_columns,
    refuse_cells,
    row_names,
)
from spatial.panel.panel import Panel, Step

from .coordination import COORDINATION_LEVELS, coordination_level, coupling_coordination, interaction_degree

__all__ = [
    "COORDINATION_LEVELS",
    "coordination_level",
    "coupling_coordination",
    "industrial_upgrading",
    "interaction_degree",
    "per_area",
    "per_capita",
]


# ---- industrial upgrading
@hinted
def industrial_upgrading(
    data: Panel | pd.DataFrame,
    primary: str,
    secondary: str,
    tertiary: str,
    *,
    form: Literal["tertiary_to_rest", "tertiary_to_secondary", "hierarchy"] = "tertiary_to_rest",
) -> pd.Series[Any]:
    r"""Return the upgrading of the industrial structure,

    .. math:: SH_{it} = \frac{Y_{3,it}}{Y_{1,it} + Y_{2,it}} ,

    the output of the tertiary sector over that of the others; or :math:`Y_3 / Y_2`; or the hierarchy
    coefficient :math:`\sum_m m\, Y_m / Y`, from 1 to 3.

    Parameters
    ----------
    data : Panel or DataFrame
        By (unit, time), or by unit.
    primary, secondary, tertiary : str
        Columns with the output, or the shares, of the three sectors, all in one unit of measurement.
    form : {"tertiary_to_rest", "tertiary_to_secondary", "hierarchy"}

    Returns
    -------
    Series
        By the rows of `data`.

    Raises
    ------
    DataError
        For negative or missing output, and a denominator of zero, by id.

    Examples
    --------
    >>> import pandas as pd
    >>> gdp = pd.DataFrame({"y1": [10, 5, 1], "y2": [40, 45, 29], "y3": [50, 50, 70]}, index=["a", "b", "c"])
    >>> industrial_upgrading(gdp, "y1", "y2", "y3").round(3).tolist()
    [1.0, 1.0, 2.333]
    >>> industrial_upgrading(gdp, "y1", "y2", "y3", form="hierarchy").round(3).tolist()
    [2.4, 2.45, 2.69]
    """
    checked_option(form, _UPGRADING, "form")
    frame, values = read_columns(data, [primary, secondary, tertiary])
    refuse_cells(values < 0, frame.index, [primary, secondary, tertiary], "negative")
    y1, y2, y3 = values.T
    base = {"tertiary_to_rest": y1 + y2, "tertiary_to_secondary": y2, "hierarchy": y1 + y2 + y3}[form]
    zero = base == 0
    if zero.any():
        raise DataError(
            f"Industrial upgrading ({form}) divides by output that is zero at "
            f"{row_names(frame.index, zero)}. Correct or drop these rows."
        )
    ratio = (y1 + 2 * y2 + 3 * y3 if form == "hierarchy" else y3) / base
    return labelled(ratio, frame.index, "industrial_upgrading", *_UPGRADING[form])


_UPGRADING = {
    "tertiary_to_rest": ("Industrial upgrading, Y3/(Y1+Y2)", "产业结构升级"),
    "tertiary_to_secondary": ("Industrial upgrading, Y3/Y2", "产业结构高级化"),
    "hierarchy": ("Industrial structure hierarchy", "产业结构层次系数"),
}


# ---- per head, per area
@hinted
def per_capita(values: Values, population: Values | str, *, scale: float = 1.0) -> Any:
    r"""Return values per head,

    .. math:: y_{it} = \frac{\text{scale} \times x_{it}}{P_{it}} .

    Parameters
    ----------
    values : Series, DataFrame or Panel
        By unit, or by (unit, time).
    population : Series, mapping or str
        By unit (then the same at each time) or by (unit, time), matched by id; or the name of a column
        of the frame or Panel, which is left out of the result.
    scale : float
        10,000 for values per ten thousand persons.

    Returns
    -------
    Series, DataFrame or Panel
        Of the form of `values`; names get ``_per_capita``.

    Raises
    ------
    DataError
        Where population is missing, zero or negative, by id.
    AlignmentError
        Where the ids differ.

    Examples
    --------
    >>> import pandas as pd
    >>> patents = pd.Series({"a": 30.0, "b": 5.0}, name="patents")
    >>> per_capita(patents, {"b": 10_000, "a": 20_000}, scale=10_000)
    a    15.0
    b     5.0
    Name: patents_per_capita, dtype: float64
    """
    return _ratio(values, population, scale, "population", "per_capita", "per capita", "人均")


@hinted
def per_area(values: Values, area: Values | str, *, scale: float = 1.0) -> Any:
    r"""Return values per area,

    .. math:: y_{it} = \frac{\text{scale} \times x_{it}}{A_i} .

    Parameters
    ----------
    values, scale
        As in `per_capita`.
    area : Series, mapping or str
        By unit or by (unit, time), in the unit that the density is to have (square kilometres), such as
        ``cities.to_crs(equal_area).area / 1e6``; or the name of a column.

    Returns
    -------
    Series, DataFrame or Panel
        Names get ``_per_area``.

    Raises
    ------
    DataError
        If an area is missing or not positive.
    AlignmentError
        If `area` is not by id, or lacks an id of `values`.

    Examples
    --------
    >>> import pandas as pd
    >>> per_area(pd.Series({"a": 300.0, "b": 50.0}, name="jobs"), pd.Series({"a": 10.0, "b": 25.0})).tolist()
    [30.0, 2.0]
    """
    return _ratio(values, area, scale, "area", "per_area", "per area", "地均")


def _ratio(values: Any, base: Any, scale: float, what: str, suffix: str, label: str, label_zh: str) -> Any:
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(f"scale must be positive; got {scale!r}.")
    if isinstance(values, pd.Series):
        name = "values" if values.name is None else str(values.name)
        frame = values.to_frame(name)
    else:
        frame = values.frame if isinstance(values, Panel) else values
        if not isinstance(frame, pd.DataFrame):
            raise DataError(f"A Series, DataFrame or Panel by id is needed; got {type(values).__name__}.")
    if isinstance(values, pd.Series) and isinstance(base, str):
        raise DataError(f"{what} is a Series by id where the values are one; got the text {base!r}.")
    if len(set(frame.columns)) < len(frame.columns):
        raise DataError("Values must have columns of different names.")
    if isinstance(base, str):
        _, column = read_columns(frame, [base])
        frame, divisor = frame.drop(columns=base), column[:, 0]
    else:
        check_rows(frame.index, "Values")
        divisor = numbers(match_rows(base, frame.index, what), what)
    bad = ~(np.isfinite(divisor) & (divisor > 0))
    if bad.any():
        raise DataError(
            f"{what} must be positive in each row; it is zero, negative or missing at "
            f"{row_names(frame.index, bad)}. Correct it or drop these rows."
        )
    # Missing values stay missing: they are the data's, and the divisor is known.
    body = pd.DataFrame(
        {f"{c}_{suffix}": scale * numbers(frame[c], f"Column {c!r}") / divisor for c in frame.columns},
        index=frame.index,
    )
    if isinstance(values, pd.Series):
        return labelled(
            body.iloc[:, 0].to_numpy(), frame.index, body.columns[0], f"{name} {label}", label_zh + name
        )
    if isinstance(values, Panel):
        labels = {f"{c}_{suffix}": f"{values.label(c)} ({label})" for c in frame.columns}
        return Panel(
            body, labels, (*values.history, Step(label, tuple(frame.columns), 0, f"scale {scale:g}"))
        )
    return body
