"""Tables of units x times x industries, wide or long; sections of GB/T 4754 under one set of names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.io.frames import Source

from .base import Step
from .industry_codes import EDITIONS, section_names
from .panel import Panel
from .reading import read_panel, read_table

__all__ = ["read_industries", "read_reference"]


@hinted
def read_industries(
    source: str | Path | pd.DataFrame,
    *,
    unit: str,
    time: str,
    industry: str | None = None,
    value: str | None = None,
    columns: Iterable[str] | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    codes: str = EDITIONS[0],
) -> Panel:
    """Read employment, or output, by unit, time and industry.

    Parameters
    ----------
    source : path, URL or DataFrame
        As in `read_panel`.
    unit, time : str
        Columns of the ids and of the times.
    industry, value : str, optional
        Of a long table, a row each unit, time and industry: the columns of the industries and of the values.
        Left out, the table is wide: a column each industry.
    columns : list, optional
        The industries to keep, by their names in the source; default all columns of numbers.
    sheet, encoding
        As in `read_panel`.
    codes : str
        Edition of GB/T 4754 whose letters the source uses: sections, by letter or by any of their Chinese
        names, get one short Chinese name.  ``"as named"`` keeps all names.

    Returns
    -------
    Panel
        Columns are industries; `Panel.history` says which were renamed.

    Raises
    ------
    DataError
        Repeated cells, negative cells, text, columns that are not there: named.

    Examples
    --------
    >>> rows = [("a", 2010, "B", 3.0), ("a", 2010, "制造业", 7.0)]
    >>> long = pd.DataFrame(rows, columns=["city", "year", "industry", "jobs"])
    >>> read_industries(long, unit="city", time="year", industry="industry", value="jobs").frame
               采矿业  制造业
    city year
    a    2010  3.0  7.0
    """
    if (industry is None) != (value is None):
        raise DataError(
            "A long table needs industry= and value=, the columns that hold them; a wide one neither."
        )
    if industry is not None and value is not None:
        frame = read_table(source, unit=unit, sheet=sheet, encoding=encoding)
        panel = _from_long(frame, unit, time, industry, value)
        panel = panel if columns is None else panel.select(list(columns))
    else:
        panel = read_panel(source, unit=unit, time=time, sheet=sheet, encoding=encoding, columns=columns)
        numbers = panel.frame.select_dtypes("number").columns
        panel = panel.select([str(c) for c in (panel.columns if columns is not None else numbers)])
    return _checked(_renamed(panel, codes))


def _from_long(frame: pd.DataFrame, unit: str, time: str, industry: str, value: str) -> Panel:
    for name in (unit, time, industry, value):
        if name not in frame.columns:
            raise DataError(
                f"The table has no column {name!r}.{did_you_mean(name, frame.columns)} "
                f"It has: {name_ids(frame.columns, 20)}."
            )
    keys = [unit, time, industry]
    again = frame.duplicated(keys, keep=False)
    if again.any():
        cells = list(frame.loc[again, keys].drop_duplicates().itertuples(index=False, name=None))
        raise DataError(
            f"A long table has one row for each unit, time and industry; these repeat: {name_ids(cells)}. "
            "Add them up, or drop the repeated rows."
        )
    names = list(dict.fromkeys(frame[industry]))
    wide = frame.pivot(index=[unit, time], columns=industry, values=value)[names]
    wide.columns = [str(name) for name in names]
    return Panel.from_frame(wide.reset_index(), unit=unit, time=time)


def _renamed(panel: Panel, codes: str) -> Panel:
    new = section_names([str(c) for c in panel.columns], codes)
    changed = {old: name for old, name in new.items() if old != name}
    if not changed:
        return panel
    said = ", ".join(f"{old} is {name}" for old, name in changed.items())
    frame = panel.frame.rename(columns=changed)
    labels = {changed.get(name, name): label for name, label in panel.labels.items()}
    step = Step("read_industries", tuple(changed.values()), 0, f"{codes}: {said}")
    return Panel(frame, labels, (*panel.history, step))


def _checked(panel: Panel) -> Panel:
    if not len(panel.columns):
        raise DataError("The table of industries has no column of numbers; name them with columns=[...].")
    negative = panel.frame.lt(0)
    if negative.to_numpy().any():
        cells = [(*row, column) for column in panel.columns for row in panel.frame.index[negative[column]]]
        raise DataError(
            f"Cells of an industry table cannot be negative; {len(cells)} are: {name_ids(cells)}. "
            "Correct them."
        )
    return panel


@hinted
def read_reference(
    source: Source, *, time: str, columns: Iterable[str], codes: str = EDITIONS[0]
) -> pd.DataFrame:
    """Read the nation's table, times x industries, with the industries of a table.

    Raises
    ------
    DataError
        If the file cannot be read as a table, or the nation's table lacks an industry or a time.

    Examples
    --------
    >>> nation = pd.DataFrame({"year": [2010, 2011], "B": [30.0, 31.0], "C": [70.0, 69.0]})
    >>> read_reference(nation, time="year", columns=["采矿业", "制造业"]).to_numpy().tolist()
    [[30.0, 70.0], [31.0, 69.0]]
    """
    frame = read_table(source)
    if time not in frame.columns:
        raise DataError(
            f"The nation's table has no column {time!r}.{did_you_mean(time, frame.columns)} "
            f"It has: {name_ids(frame.columns, 20)}."
        )
    body = frame.set_index(time)
    body = body.rename(columns=section_names([str(c) for c in body.columns], codes))
    wanted = list(columns)
    lost = [name for name in wanted if name not in body.columns]
    if lost:
        raise DataError(
            f"The nation's table lacks industries of the table: {name_ids(lost)}. "
            f"It has: {name_ids(body.columns)}."
        )
    return pd.DataFrame(body[wanted])
