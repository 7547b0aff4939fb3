"""The panel: one row per (unit, time), kept sorted, with its labels and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, did_you_mean, name_ids
from spatial.weights._align import check_ids, indexer

__all__ = ["Panel", "Step"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One step of cleaning: what was done, to which columns, and how many cells changed."""

    action: str
    columns: tuple[str, ...] = ()
    cells: int = 0
    detail: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """A panel of units over times; immutable, each transformation returns a new one.

    Parameters
    ----------
    frame : DataFrame
        Indexed by (unit, time), unique and sorted; build it with `Panel.from_frame`.
    labels : mapping
        Column to its label, as Stata keeps them; for tables and plots.
    history : tuple of Step
        What was done to the data, in order.

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

    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Step, ...] = ()

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, unit: str, time: str, labels: Mapping[str, str] | None = None
    ) -> Panel:
        """Build from a long table with a unit and a time column (or index level)."""
        flat = frame.reset_index() if {unit, time} & set(map(str, frame.index.names)) else frame
        for column in (unit, time):
            if column not in flat.columns:
                raise DataError(f"The panel has no column {column!r}.{did_you_mean(column, flat.columns)}")
            if flat[column].isna().any():
                raise DataError(
                    f"Column {column!r} must be filled in each row; {int(flat[column].isna().sum())} are missing."
                )
        index = pd.MultiIndex.from_frame(flat[[unit, time]])
        if index.has_duplicates:
            pairs = index[index.duplicated()].unique()
            raise DataError(
                f"A panel has one row for each ({unit}, {time}); these pairs repeat: {name_ids(pairs)}."
            )
        body = flat.drop(columns=[unit, time]).set_axis(index, axis=0).sort_index()
        return cls(body, dict(labels or {}))

    # ---- facts
    @property
    def columns(self) -> pd.Index[Any]:
        """The variables."""
        return self.frame.columns

    @property
    def unit_name(self) -> str:
        """Name of the unit level."""
        return str(self.frame.index.names[0])

    @property
    def time_name(self) -> str:
        """Name of the time level."""
        return str(self.frame.index.names[1])

    @cached_property
    def units(self) -> pd.Index[Any]:
        """Unit ids, sorted, length N."""
        return self.frame.index.get_level_values(0).unique().sort_values()

    @cached_property
    def times(self) -> pd.Index[Any]:
        """Times, sorted, length T."""
        return self.frame.index.get_level_values(1).unique().sort_values()

    @property
    def n_units(self) -> int:
        """N."""
        return len(self.units)

    @property
    def n_times(self) -> int:
        """T."""
        return len(self.times)

    @property
    def is_balanced(self) -> bool:
        """Whether each unit has a row at each time."""
        return len(self.frame) == self.n_units * self.n_times

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        """Name the size."""
        kind = "balanced" if self.is_balanced else f"unbalanced, {len(self)} rows"
        return f"<Panel {self.n_units} units x {self.n_times} times, {len(self.columns)} columns, {kind}>"

    def label(self, column: str) -> str:
        """Return the label of `column`, or its name."""
        return self.labels.get(column, column)

    # ---- columns
    def require(self, columns: str | Iterable[str]) -> list[str]:
        """Return `columns` as a list; refuse those that are not there."""
        wanted = [columns] if isinstance(columns, str) else list(columns)
        for column in wanted:
            if column not in self.frame.columns:
                raise DataError(
                    f"The panel has no column {column!r}.{did_you_mean(column, self.columns)} "
                    f"It has: {name_ids(self.columns, 12)}."
                )
        return wanted

    def select(self, columns: str | Iterable[str]) -> Panel:
        """Keep only `columns`."""
        return replace(self, frame=self.frame[self.require(columns)])

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Panel:
        """Add or replace columns.

        Values are Series by (unit, time) or by unit, matched by label; arrays in the order of the rows;
        scalars; or functions of the frame.
        """
        frame = self.frame.copy()
        for name, value in {**(columns or {}), **more}.items():
            frame[name] = self._column(value(frame) if callable(value) else value, name)
        return replace(self, frame=frame)

    def _column(self, value: Any, name: str) -> Any:
        if not isinstance(value, pd.Series):
            if np.ndim(value) and np.shape(value) != (len(self),):
                raise AlignmentError(
                    f"Column {name!r} needs {len(self)} values, one a row; got shape {np.shape(value)}."
                )
            return value
        if value.index.nlevels == 2:
            rows = value.index.get_indexer(self.frame.index)
            if (rows < 0).any() or len(value) != len(self):
                raise AlignmentError(
                    f"Column {name!r} has {len(value)} (unit, time) rows, not the {len(self)} of the panel."
                )
            return value.to_numpy()[rows]
        rows = indexer(value.index, self.units, repr(name))
        per_unit = value.to_numpy()[rows]
        return per_unit[self.units.get_indexer(self.frame.index.get_level_values(0))]

    # ---- arrays
    def cube(self, columns: str | Sequence[str], *, units: pd.Index[Any] | None = None) -> Float:
        """Return float64 (T, N, k): times, units, columns; absent cells are NaN.

        Parameters
        ----------
        columns : str or list
            The k columns, in this order.
        units : Index, optional
            Order of the units, as ``W.ids``; must be the same set.  Default: `units`.
        """
        wanted = self.require(columns)
        order = check_ids(self.units if units is None else units, "A cube")
        if units is not None:
            indexer(self.units, order, "the panel")
        out = np.full((self.n_times, len(order), len(wanted)), np.nan)
        row = self.times.get_indexer(self.frame.index.get_level_values(1))
        column = order.get_indexer(self.frame.index.get_level_values(0))
        for k, name in enumerate(wanted):
            try:
                out[row, column, k] = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            except (TypeError, ValueError):
                raise DataError(
                    f"Column {name!r} must hold numbers; it is {self.frame[name].dtype}."
                ) from None
        return out

    def with_cube(self, columns: Sequence[str], cube: Float, *, units: pd.Index[Any] | None = None) -> Panel:
        """Add the layers of a (T, N, k) array as columns; inverse of `cube`."""
        order = pd.Index(self.units if units is None else units)
        expected = (self.n_times, len(order), len(columns))
        if cube.shape != expected:
            raise AlignmentError(f"A cube of shape {expected} is needed (T, N, k); got {cube.shape}.")
        row = self.times.get_indexer(self.frame.index.get_level_values(1))
        column = order.get_indexer(self.frame.index.get_level_values(0))
        return self.with_columns({name: cube[row, column, k] for k, name in enumerate(columns)})

    def at(self, time: Any) -> pd.DataFrame:
        """Return the cross-section at `time`, indexed by unit."""
        if time not in self.times:
            raise DataError(f"The panel has no time {time!r}; it has {name_ids(self.times)}.")
        return self.frame.xs(time, level=1)
