"""The panel as a value: rows by (unit, time), their facts, and the arrays that estimators take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, Hinting, did_you_mean, hinted, name_ids
from spatial.ids.alignment import check_ids, indexer, row_places
from spatial.ids.matching import in_kind_of, why_apart
from spatial.ids.numbers import Refused, read_float
from spatial.ids.pairs import level_values, pairs_of, row_order
from spatial.ids.times import find_time, kept_frequency
from spatial.io.frames import as_pandas
from spatial.names import OF_PANELS
from spatial.results import notebook_html
from spatial.words import tell

__all__ = [
    "Labels",
    "PanelBase",
    "Step",
    "column_numbers",
    "refuse_other_units",
]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One step of cleaning: what was done, to which columns, and how many cells changed.

    Parameters
    ----------
    action : str
        The method, as ``interpolate``.
    columns : tuple of str
        What it worked on.
    cells : int
        How many cells it filled, changed, added or dropped.
    detail : str
        In words: the rule, the limits, the units.
    by_unit : tuple of (unit, count)
        The cells of each unit, where the step counts them.
    """

    action: str
    columns: tuple[str, ...] = ()
    cells: int = 0
    detail: str = ""
    by_unit: tuple[tuple[Any, int], ...] = ()


class Labels(Mapping[str, str]):
    """Labels of columns; a mapping that cannot be changed, and that can be pickled.

    Examples
    --------
    >>> Labels({"gdp": "GDP, 100 million yuan"})["gdp"]
    'GDP, 100 million yuan'
    """

    __slots__ = ("_labels",)

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        self._labels = dict(labels or {})

    def __getitem__(self, key: str) -> str:
        return self._labels[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __repr__(self) -> str:
        return f"Labels({self._labels!r})"


def column_numbers(column: pd.Series[Any]) -> Float:
    """Return a column as float64, missing as NaN; refuse text and dates, naming the rows."""
    found = read_float(column)
    if not isinstance(found, Refused):
        return found
    name = column.name
    if found.kind != "text":
        raise DataError(f"Column {name!r} must hold numbers; it is {column.dtype} ({found.kind}).")
    text = column.iloc[found.places[:3]]
    where = ", ".join(f"{tuple(key) if isinstance(key, tuple) else key}: {v!r}" for key, v in text.items())
    raise DataError(
        f"Column {name!r} must hold numbers; it holds text in {found.count} of {len(column)} rows, "
        f"e.g. at {where}. If these are numbers or marks of missing values, use "
        f"panel.parse_numbers({name!r}, missing=[...], thousands=',', decimal='.')."
    )


def refuse_other_units(given: pd.Index[Any], units: pd.Index[Any], what: str, unit_name: str) -> None:
    """Refuse ids that are not exactly the panel's units."""
    ids = in_kind_of(check_ids(given, what), units)
    lacks, extra = units.difference(ids, sort=False), ids.difference(units, sort=False)
    if len(lacks) or len(extra):
        parts = [f"{what} must have a value for each {unit_name} of the panel, and no other"]
        parts += [f"it lacks {name_ids(lacks)}"] if len(lacks) else []
        parts += [f"it has besides {name_ids(extra)}"] if len(extra) else []
        reason = why_apart(extra, lacks, what, "the panel")
        raise AlignmentError(f"{'; '.join(parts)}. {reason}".rstrip())


@hinted
@dataclass(frozen=True, eq=False, repr=False)
class PanelBase(Hinting):
    """Rows by (unit, time), with labels and history; see `spatial.panel.panel.Panel`."""

    _known_as: ClassVar[Mapping[str, str]] = OF_PANELS
    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=Labels)
    history: tuple[Step, ...] = ()
    frequency: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Keep the promise of sorted, unique rows; freeze the labels."""
        index = self.frame.index
        if index.nlevels != 2:
            raise DataError(
                f"A panel is indexed by (unit, time); got {index.nlevels} level. "
                "Build it with Panel.from_frame."
            )
        order = row_order(index)
        if order is None and not index.is_unique:
            pairs = index[index.duplicated()].unique()
            raise DataError(
                f"A panel has one row for each ({self.unit_name}, {self.time_name}); "
                f"these pairs repeat: {name_ids(pairs)}. Drop or add up the repeated rows."
            )
        if order is None:
            object.__setattr__(self, "frame", self.frame.sort_index())
        elif (order != np.arange(len(order))).any():
            object.__setattr__(self, "frame", self.frame.take(order))
        object.__setattr__(self, "frequency", kept_frequency(self.times, self.frequency))
        known = {*map(str, self.frame.columns), *map(str, index.names)}
        labels = {str(k): str(v) for k, v in self.labels.items() if str(k) in known and v}
        object.__setattr__(self, "labels", Labels(labels))

    @classmethod
    def from_frame(cls, frame: Any, *, unit: str, time: str, labels: Mapping[str, str] | None = None) -> Self:
        """Build from a long table with a unit and a time column (or index level).

        Ids are text or whole numbers; times are years, dates or periods, or text that says so.
        """
        frame = as_pandas(frame, "A panel", copy=False)
        levels = [name for name in (unit, time) if name not in frame.columns and name in frame.index.names]
        flat = pd.DataFrame(frame.reset_index(levels) if levels else frame)
        for column in (unit, time):
            if column not in flat.columns:
                raise DataError(
                    f"The panel has no column {column!r}.{did_you_mean(column, flat.columns)} "
                    f"It has: {name_ids(flat.columns, 20)}."
                )
        if unit == time:
            raise DataError(f"unit= and time= must be two columns; both are {unit!r}.")
        twice = flat.columns[flat.columns.duplicated()].unique()
        if len(twice):
            raise DataError(
                f"Columns of a panel must be unique; these repeat: {name_ids(twice)}. Rename them."
            )
        index = pairs_of(flat[unit], flat[time])
        return cls(flat.drop(columns=[unit, time]).set_axis(index, axis=0), Labels(labels))

    @classmethod
    def from_cube(
        cls,
        cube: Any,
        *,
        units: Any,
        times: Any,
        columns: Sequence[str],
        unit: str = "unit",
        time: str = "time",
    ) -> Self:
        """Build a balanced panel from a (T, N, k) array; inverse of `cube`.

        Examples
        --------
        >>> import numpy as np
        >>> from .panel import Panel
        >>> cube = np.arange(4.0).reshape(2, 2, 1)
        >>> Panel.from_cube(cube, units=["b", "a"], times=[1, 2], columns=["x"]).cube("x")[:, :, 0]
        array([[1., 0.],
               [3., 2.]])
        """
        values = np.asarray(cube)
        ids, periods = check_ids(units, "A cube"), check_ids(times, "The times of a cube")
        expected = (len(periods), len(ids), len(columns))
        if values.shape != expected:
            raise AlignmentError(f"A cube of shape {expected} is needed (T, N, k); got {values.shape}.")
        index = pd.MultiIndex.from_product([periods, ids], names=[time, unit])
        frame = pd.DataFrame(values.reshape(-1, len(columns)), index=index, columns=list(columns))
        return cls.from_frame(frame.reset_index(), unit=unit, time=time)

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
        return level_values(self.frame.index, 0)

    @cached_property
    def times(self) -> pd.Index[Any]:
        """Times, sorted, length T."""
        return level_values(self.frame.index, 1)

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
        return f"<Panel {self._size('x')}>"

    def _repr_html_(self) -> str:
        named = [f"{column}: {label}" for column, label in list(self.labels.items())[:8]]
        return notebook_html(tell("Panel", "面板"), self._size("×"), self.frame, note="; ".join(named))

    def _size(self, by: str) -> str:
        """Say how many units, times and columns there are."""
        size = tell("{:,} units {} {:,} times, {} columns, ", "{:,} 个个体 {} {:,} 期，{} 列，")
        loose = tell("unbalanced, {:,} rows", "非平衡，{:,} 行").format(len(self))
        kind = tell("balanced", "平衡") if self.is_balanced else loose
        return size.format(self.n_units, by, self.n_times, len(self.columns)) + kind

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

    def select(self, columns: str | Iterable[str]) -> Self:
        """Keep only `columns`, in this order."""
        return replace(self, frame=self.frame[self.require(columns)])

    def __getitem__(self, key: str | list[str]) -> Any:
        """Return one column as a Series by (unit, time), or a Panel of the columns in a list."""
        if isinstance(key, list):
            return self.select(key)
        return self.frame[self.require(key)[0]].copy()

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Add or replace columns.

        Values are Series by (unit, time), by unit or by time, matched by label; arrays in the order of the
        rows; scalars; or functions of the frame.
        """
        frame = self.frame.copy()
        given = {**(columns or {}), **more}
        for name, value in given.items():
            frame[name] = self._column(value(frame) if callable(value) else value, name)
        return self._with(frame, Step("with_columns", tuple(given), len(frame) * len(given)))

    def _begun(self, step: Step) -> Self:
        """Return the panel with a history of one step."""
        panel = copy(self)
        object.__setattr__(panel, "history", (step,))
        return panel

    def _with(self, frame: pd.DataFrame, step: Step, labels: Mapping[str, str] | None = None) -> Self:
        return replace(
            self, frame=frame, history=(*self.history, step), labels={**self.labels, **(labels or {})}
        )

    def _column(self, value: Any, name: str) -> Any:
        if isinstance(value, pd.Series):
            return self._matched(value, name)
        if np.ndim(value) and np.shape(value) != (len(self),):
            raise AlignmentError(
                f"Column {name!r} needs {len(self)} values, one a row; got shape {np.shape(value)}."
            )
        return value

    def _matched(self, value: pd.Series[Any], name: str) -> Any:
        """Return a Series as an array in the order of the rows, matched by label."""
        if value.index.nlevels == 2:
            rows = value.index.get_indexer(self.frame.index) if value.index.is_unique else np.array([-1])
            if (rows < 0).any() or len(value) != len(self):
                raise AlignmentError(
                    f"Column {name!r} has {len(value)} (unit, time) rows that are not the {len(self)} of the "
                    f"panel{self._first_absent(rows)}. Match them with panel.join, or restrict one side."
                )
            return value.array[rows]
        value = value.set_axis(in_kind_of(value.index, self.units))
        by_unit, by_time = self._fits(value.index, 0), self._fits(value.index, 1)
        if by_unit and by_time and value.index.name not in (self.unit_name, self.time_name):
            raise AlignmentError(
                f"Column {name!r} could be by {self.unit_name} or by {self.time_name}: its index fits both. "
                f"Name the index, e.g. series.rename_axis({self.time_name!r})."
            )
        is_time = by_time and (not by_unit or value.index.name == self.time_name)
        if not is_time:
            refuse_other_units(value.index, self.units, f"Column {name!r}", self.unit_name)
        return value.array[value.index.get_indexer(self.frame.index.get_level_values(int(is_time)))]

    def _fits(self, index: pd.Index[Any], level: int) -> bool:
        """Whether `index` names each unit and no other, or each time; a series over time may be longer."""
        wanted = self.times if level else self.units
        covers = index.is_unique and bool((index.get_indexer(wanted) >= 0).all())
        return covers and (level == 1 or len(index) == len(wanted))

    def _first_absent(self, rows: Any) -> str:
        absent = self.frame.index[rows < 0] if len(rows) == len(self) else []
        return f"; it lacks {name_ids(absent)}" if len(absent) else ""

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
            indexer(self.units, order, "the panel", "units=")
        out = np.full((self.n_times, len(order), len(wanted)), np.nan)
        row, column = self._places(order)
        for k, name in enumerate(wanted):
            out[row, column, k] = column_numbers(self.frame[name])
        return out

    def with_cube(self, columns: Sequence[str], cube: Float, *, units: pd.Index[Any] | None = None) -> Self:
        """Add the layers of a (T, N, k) array as columns; inverse of `cube`."""
        order = pd.Index(self.units if units is None else units)
        expected = (self.n_times, len(order), len(columns))
        if cube.shape != expected:
            raise AlignmentError(f"A cube of shape {expected} is needed (T, N, k); got {cube.shape}.")
        if units is not None:
            indexer(self.units, check_ids(order, "A cube"), "the panel", "units=")
        row, column = self._places(order)
        return self.with_columns({name: cube[row, column, k] for k, name in enumerate(columns)})

    def _places(self, order: pd.Index[Any]) -> tuple[Any, Any]:
        """Return the place of each row in time and among the units in `order`."""
        index = self.frame.index
        return self.times.get_indexer(index.get_level_values(1)), row_places(index.get_level_values(0), order)

    def at(self, time: Any) -> pd.DataFrame:
        """Return the cross-section at `time`, indexed by unit.

        `time` is a value or text: ``2001``, ``"2001-03"``; one that names several times is refused.
        """
        return self.frame.xs(find_time(self.times, time), level=1)
