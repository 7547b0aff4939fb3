"""The panel: one row per (unit, time), kept sorted, with its labels and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from spatial.errors import DataError, hinted

from .base import Step, column_numbers
from .shape import PanelShape

__all__ = [
    "LabelsLike",
    "OnDisk",
    "Panel",
    "PanelLike",
    "Step",
    "as_panel",
    "refuse_open",
    "standard_deviation",
]


class OnDisk:
    """A panel that is not in memory: it says itself what it cannot do."""

    def refusal(self, what: str) -> str:
        """Return why `what` cannot be had of it, and how it can."""
        raise NotImplementedError  # pragma: no cover - each kind has its own


def refuse_open(data: Any, what: str) -> None:
    """Refuse a panel that is on disk where the whole must be in memory, with its size."""
    if isinstance(data, OnDisk):
        raise DataError(data.refusal(what))


@hinted
class Panel(PanelShape):
    """A panel of units over times; immutable, each transformation returns a new one.

    Parameters
    ----------
    frame : DataFrame
        Indexed by (unit, time), unique and sorted; build it with `Panel.from_frame`.
    labels : mapping
        Column to its label, as Stata keeps them; for tables and plots.  Kept through all transformations.
    history : tuple of Step
        What was done to the data, in order; `history_frame` shows it as a table.
    frequency : str, optional
        How long a step of time is: "year", "quarter", "month", "day", ...; "step" for whole numbers, as years
        are.  Found from the times, and kept when times are left out: `shift` and `interpolate` count in it.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = pd.DataFrame({"city": ["b", "a", "a", "b"], "year": [1, 1, 2, 2], "x": [3.0, 1.0, 2.0, 4.0]})
    >>> panel = Panel.from_frame(raw, unit="city", time="year")
    >>> panel.n_units, panel.n_times, panel.is_balanced
    (2, 2, True)
    >>> panel.cube(["x"])[:, :, 0]
    array([[1., 3.],
           [2., 4.]])
    """

    # ---- views
    def to_frame(self) -> pd.DataFrame:
        """Return the long table, with unit and time as columns."""
        return self.frame.reset_index()

    def history_frame(self) -> pd.DataFrame:
        """Return the steps of cleaning as a table: step, action, columns, cells, detail."""
        rows = [
            {"action": s.action, "columns": ", ".join(s.columns), "cells": s.cells, "detail": s.detail}
            for s in self.history
        ]
        frame = pd.DataFrame(rows, columns=["action", "columns", "cells", "detail"])
        return frame.set_axis(pd.RangeIndex(1, len(rows) + 1, name="step"), axis=0)

    def describe(self, columns: str | Iterable[str] | None = None) -> pd.DataFrame:
        """Return the descriptive table of a paper: label, N, mean, sd, min, max of each column of numbers.

        ``sd`` has N - 1 in its denominator, as Stata's ``summarize``; missing cells do not count.

        Examples
        --------
        >>> import pandas as pd
        >>> raw = pd.DataFrame({"city": ["a", "b"], "year": 2000, "x": [1.0, 3.0]})
        >>> Panel.from_frame(raw, unit="city", time="year", labels={"x": "income"}).describe()
                label  N  mean        sd  min  max
        column
        x      income  2   2.0  1.414214  1.0  3.0
        """
        numeric = [c for c in self.columns if pd.api.types.is_numeric_dtype(self.frame[c].dtype)]
        wanted = numeric if columns is None else self.require(columns)
        rows = [_description(column_numbers(self.frame[name])) for name in wanted]
        frame = pd.DataFrame(
            rows, columns=["N", "mean", "sd", "min", "max"], index=pd.Index(wanted, name="column")
        )
        frame.insert(0, "label", [self.label(name) for name in wanted])
        return frame.astype({"N": np.int64})

    def write(self, path: str | Path, *, encoding: str | None = None) -> Path:
        """Write the long table to .csv, .parquet, .dta or .xlsx, whole or not at all.

        LabelsLike go with .parquet, .dta and .xlsx (a second sheet).  A .csv is UTF-8 with a byte order mark,
        which Excel needs to show Chinese; `encoding` changes that.  `spatial.read_panel` reads it back
        exactly, but for the 17th digit in .xlsx, and the types of text that looks like numbers in .csv.
        """
        from spatial.io.panel_writing import write_panel

        return write_panel(self.to_frame(), self.labels, path, encoding)


PanelLike: TypeAlias = Panel | pd.DataFrame
"""A panel, or a table indexed by (unit, time)."""
LabelsLike: TypeAlias = "Mapping[str, str] | Panel"
"""LabelsLike of variables by name, or the panel that keeps them."""


def as_panel(data: Any, what: str, advice: str = "") -> Panel:
    """Return `data` as a Panel; a table indexed by (unit, time) is one."""
    if isinstance(data, Panel):
        return data
    refuse_open(data, what)
    if isinstance(data, pd.DataFrame) and data.index.nlevels == 2:
        unit, time = (n or f"level_{k}" for k, n in enumerate(data.index.names))
        return Panel.from_frame(data.rename_axis([unit, time]), unit=unit, time=time)
    raise DataError(
        f"{what} needs a Panel, or a DataFrame indexed by (unit, time); got {type(data).__name__}.{advice}"
    )


def standard_deviation(values: Any) -> float:
    """Return the standard deviation with N - 1, also of values whose squares are no floats."""
    size = float(np.abs(values).max(initial=0.0))
    if len(values) < 2 or not np.isfinite(size):
        return np.nan
    unit = 1.0 if 1e-140 < size < 1e140 or size == 0 else size
    return unit * float(np.std(values / unit, ddof=1))


def _description(values: Any) -> list[float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return [0, np.nan, np.nan, np.nan, np.nan]
    sd = standard_deviation(known)
    return [len(known), float(np.mean(known)), sd, float(known.min()), float(known.max())]
