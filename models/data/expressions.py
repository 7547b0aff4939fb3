"""Formulas for one column, evaluated on a panel: ``log(gdp / population)``, ``density > 0.5``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spatial.errors import DataError, FormulaError, hinted
from spatial.ids.rows import one_text
from spatial.models.formula.grammar import parse_terms
from spatial.panel.choosing import truth
from spatial.panel.conditions import parse_condition
from spatial.panel.panel import Panel, PanelLike, as_panel

from .columns import cell_values
from .source import as_source

__all__ = ["evaluate", "holds"]


@hinted
def evaluate(formula: str, panel: PanelLike) -> pd.Series[float]:
    """Return a column made by a formula: columns, numbers, operators, and the functions of formulas.

    Parameters
    ----------
    formula : str
        As ``"log(gdp / population)"``, ``"growth - lag(growth, 1)"``, or a condition, 1 or 0:
        ``"density > 0.5"``, ``"cohort > 0 and time >= cohort"``.
        It is read as formulas of models are; nothing in it is run as Python.
    panel : Panel

    Returns
    -------
    Series
        By (unit, time), in the order of the panel's rows; missing where a column is.

    Raises
    ------
    FormulaError
        If the text is no expression of the grammar, or names an unknown column or function.
    DataError
        If `formula` is no text, or a column holds no numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import spatial as sp
    >>> raw = pd.DataFrame({"city": ["a", "b"], "year": 2000, "gdp": [6.0, 2.0], "people": [3.0, 2.0]})
    >>> panel = sp.Panel.from_frame(raw, unit="city", time="year")
    >>> sp.models.evaluate("gdp / people", panel).tolist()
    [2.0, 1.0]
    >>> sp.models.evaluate("gdp > 3 and year == 2000", panel).tolist()
    [1.0, 0.0]
    """
    one_text(formula, "formula")
    found = as_panel(panel, "evaluate")
    try:
        node = parse_terms(f"I({formula})", ())[0].factors[0]
    except FormulaError:
        return _condition(formula, found)
    values = cell_values(node, as_source(found, None))
    cube = np.broadcast_to(values, (found.n_times, found.n_units))[:, :, None].astype(np.float64)
    series: pd.Series[float] = found.with_cube([formula], cube)[formula]
    return series


def _condition(text: str, panel: Panel) -> pd.Series[float]:
    """Evaluate what is no formula but a condition, as ``cohort > 0 and time >= cohort``."""
    try:
        condition = parse_condition(text)
    except FormulaError:
        condition = None
    if condition is None:
        parse_terms(f"I({text})", ())  # says where the formula stops
    assert condition is not None
    found = truth(condition, panel.frame).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(found, panel.frame.index, name=text)


@hinted
def holds(formula: str, panel: PanelLike) -> pd.Series[bool]:
    """Tell for each row whether a comparison holds; refuse one that is missing somewhere, or no comparison.

    Raises
    ------
    FormulaError
        If the text is no condition of the grammar, or names an unknown column.
    DataError
        If `formula` is no text, a column holds no numbers, or the text is no comparison.

    Examples
    --------
    >>> import pandas as pd
    >>> import spatial as sp
    >>> raw = pd.DataFrame({"city": ["a", "b"], "year": 2000, "gdp": [6.0, 2.0]})
    >>> sp.models.holds("gdp > 3", sp.Panel.from_frame(raw, unit="city", time="year")).tolist()
    [True, False]
    """
    values = evaluate(formula, panel)
    yes, no = values == 1.0, values == 0.0
    if not (yes | no).all():
        missing = int(values.isna().sum())
        raise DataError(
            f"{formula!r} must be a comparison that holds or not in each row; it is missing in {missing} and "
            f"neither in {len(values) - missing - int((yes | no).sum())} of {len(values)} rows."
        )
    return yes
