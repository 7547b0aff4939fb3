"""The data behind a system: columns of a panel or a cross-section as (T, N) arrays, in the weights' order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, name_ids
from spatial.ids.alignment import aligned_values, indexer
from spatial.ids.matching import in_kind_of
from spatial.ids.times import times_after_gaps
from spatial.panel.panel import Panel, refuse_open
from spatial.panel.shape import as_ids_of

from .layout import Layout

__all__ = ["Source", "as_source"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Source:
    """Columns by name, aligned with `units`; values are read once.

    Parameters
    ----------
    data : Panel or DataFrame
        A DataFrame is a cross-section indexed by unit.
    units, times : Index
    """

    data: Any
    units: pd.Index[Any]
    times: pd.Index[Any]
    _cache: dict[str, Float] = field(default_factory=dict, repr=False)

    @property
    def is_panel(self) -> bool:
        """Whether there is a time."""
        return isinstance(self.data, Panel)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(c) for c in self.data.columns]

    def has(self, column: str) -> bool:
        """Whether `column` is there, as a column or as the unit or the time."""
        return column in self.data.columns or column in self.index_names

    @property
    def index_names(self) -> tuple[str, ...]:
        """Names of the unit and the time of a panel."""
        return (self.data.unit_name, self.data.time_name) if self.is_panel else ()

    def _column(self, name: str) -> pd.Series[Any]:
        if name in self.data.columns:
            return self._frame[name]
        return self._frame.index.get_level_values(name).to_series(index=self._frame.index)

    def load(self, columns: list[str]) -> None:
        """Read numeric columns together."""
        wanted = [c for c in dict.fromkeys(columns) if c not in self._cache and self._is_numeric(c)]
        if not wanted:
            return
        if self.is_panel:
            source = self.data.with_columns({c: self._column(c) for c in wanted if c in self.index_names})
            cube = source.cube(wanted, units=self.units)
            self._cache.update({c: np.ascontiguousarray(cube[:, :, k]) for k, c in enumerate(wanted)})
            return
        self._cache.update({c: values[None, :] for c, values in self._cross_section(wanted).items()})

    def _cross_section(self, wanted: list[str]) -> dict[str, Float]:
        if self.data.index.equals(self.units):
            return {c: self.data[c].to_numpy(dtype=np.float64, na_value=np.nan) for c in wanted}
        values = aligned_values(self.data[wanted], self.units, "the data")
        return {c: np.ascontiguousarray(values[:, k]) for k, c in enumerate(wanted)}

    def _is_numeric(self, column: str) -> bool:
        kind = self._column(column).dtype
        return bool(pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind))

    @property
    def _frame(self) -> pd.DataFrame:
        return self.data.frame if self.is_panel else self.data

    def numbers(self, column: str) -> Float:
        """Return a column as (T, N); absent cells are NaN."""
        self.load([column])
        if column not in self._cache:
            raise DataError(
                f"Column {column!r} must hold numbers; it is {self._column(column).dtype}. "
                f"For categories write C({column})."
            )
        return self._cache[column]

    def categories(self, column: str) -> tuple[Float, list[Any]]:
        """Return codes (T, N) as floats, NaN where missing, and the levels in order."""
        values = self._column(column)
        codes, levels = pd.factorize(values, sort=True)
        placed = pd.Series(np.where(codes < 0, np.nan, codes), index=values.index)
        if not self.is_panel:
            return aligned_values(placed, self.units, column)[None, :], list(levels)
        out = np.full((len(self.times), len(self.units)), np.nan)
        row = self.times.get_indexer(values.index.get_level_values(1))
        column_of = self.units.get_indexer(values.index.get_level_values(0))
        out[row, column_of] = placed.to_numpy()
        return out, list(levels)

    def rows(self, column: str, layout: Layout) -> NDArray[Any]:
        """Return the values of any column, numbers or not, for the rows of a layout."""
        values = self._column(column)
        units, times = layout.units[layout.unit], layout.times[layout.time]
        wanted = pd.MultiIndex.from_arrays([units, times]) if self.is_panel else units
        return np.asarray(values.reindex(wanted).to_numpy())

    def lookup(self, layout: Layout) -> Callable[[str], NDArray[Any]]:
        """Return what finds a column for the rows of a layout, and refuses names that there are not."""

        def found(column: str) -> NDArray[Any]:
            if not self.has(column):
                raise DataError(f"The data have no column {column!r}.{did_you_mean(column, self.columns)}")
            return self.rows(column, layout)

        return found

    def present(self) -> NDArray[np.bool_]:
        """Whether each cell has a row in the data; (T, N)."""
        out = np.zeros((len(self.times), len(self.units)), dtype=bool)
        if not self.is_panel or self.data.is_balanced:
            return ~out
        index = self.data.frame.index
        row = self.times.get_indexer(index.get_level_values(1))
        out[row, self.units.get_indexer(index.get_level_values(0))] = True
        return out

    def check_spacing(self) -> None:
        """Refuse time shifts where times are not evenly spaced."""
        if len(wide := times_after_gaps(self.times)):
            raise DataError(
                f"lag(x, 1) needs evenly spaced times; there are gaps before {name_ids(wide)}. "
                "Fill the missing times, or shift the columns yourself."
            )


def as_source(data: Any, ids: pd.Index[Any] | None) -> Source:
    """Match `data`, a Panel or a DataFrame, with the ids of the weights.

    A DataFrame indexed by unit is a cross-section; one indexed by (unit, time) is made a Panel.
    """
    if isinstance(data, pd.DataFrame):
        if data.index.nlevels == 2:
            unit, time = (
                name or default for name, default in zip(data.index.names, ("unit", "time"), strict=True)
            )
            data = Panel.from_frame(data.rename_axis([unit, time]), unit=unit, time=time)
        else:
            return _cross_section(data, ids)
    refuse_open(data, "This")
    if not isinstance(data, Panel):
        raise DataError(
            f"Data are a Panel, or a DataFrame indexed by unit; got {type(data).__name__}. "
            "Build a panel with spatial.read_panel or Panel.from_frame."
        )
    if len(data) == 0:
        raise DataError("The panel has no rows.")
    units = data.units if ids is None else ids
    if ids is not None:
        indexer(data.units, ids, "the panel")
        data = as_ids_of(data, ids)
    return Source(data, units, data.times)


def _cross_section(frame: pd.DataFrame, ids: pd.Index[Any] | None) -> Source:
    if len(frame) == 0:
        raise DataError("The data have no rows.")
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].unique()
        raise DataError(
            f"A cross-section has one row for each unit; these repeat: {name_ids(twice)}. "
            "For a panel use Panel.from_frame(frame, unit=..., time=...)."
        )
    if ids is not None and not frame.index.equals(ids):
        indexer(frame.index, ids, "the data")
        frame = frame.set_axis(in_kind_of(frame.index, ids), axis=0)
    return Source(frame, frame.index if ids is None else ids, pd.Index([0], name="time"))
