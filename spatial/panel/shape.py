"""Which rows and columns a panel has: renaming, restricting, balancing and joining, each step recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, hinted, name_ids
from spatial.ids.kinds import clean_ids
from spatial.ids.matching import in_kind_of
from spatial.ids.times import find_time

from . import arrays
from .base import Labels, PanelBase, Step, refuse_other_units
from .choosing import choose_rows
from .cleaning import Columns, PanelCleaning, option
from .conditions import Condition

__all__ = ["PanelShape", "as_ids_of"]

PanelOf = TypeVar("PanelOf", bound=PanelBase)
BalanceRule = Literal["units", "times", "window", "largest", "fill"]


@hinted
class PanelShape(PanelCleaning):
    """Rows and columns.  Each method returns a new panel and adds a `Step`."""

    def rename(self, columns: Mapping[str, str]) -> Self:
        """Rename columns; labels follow.  Names that are taken are refused."""
        self.require(columns)
        frame = self.frame.rename(columns=dict(columns))
        twice = frame.columns[frame.columns.duplicated()].unique()
        if len(twice):
            raise DataError(f"Renaming would give two columns one name: {name_ids(twice)}.")
        labels = {columns.get(name, name): label for name, label in self.labels.items()}
        detail = ", ".join(f"{old} to {new}" for old, new in columns.items())
        step = Step("rename", tuple(columns), 0, detail)
        return replace(self, frame=frame, history=(*self.history, step), labels=labels)

    def drop(self, columns: str | Iterable[str]) -> Self:
        """Leave columns out."""
        unwanted = self.require(columns)
        return self._with(
            self.frame.drop(columns=unwanted), Step("drop", tuple(unwanted), len(self) * len(unwanted))
        )

    def with_labels(self, labels: Mapping[str, str] | None = None, /, **more: str) -> Self:
        """Set labels of columns; the others keep theirs."""
        given = {**(labels or {}), **more}
        self.require(name for name in given if name not in (self.unit_name, self.time_name))
        return self._with(self.frame, Step("with_labels", tuple(given)), given)

    def where(self, condition: Any) -> Self:
        """Keep the rows where `condition` holds.

        It is booleans by row or by label, a function of the frame, or a text such as
        ``"level != 'capital' and year >= 2010"``; see `spatial.panel.conditions.parse_condition`.

        Examples
        --------
        >>> from .panel import Panel
        >>> raw = pd.DataFrame({"city": ["a", "b"], "year": 2000, "x": [1.0, 2.0]})
        >>> Panel.from_frame(raw, unit="city", time="year").where("x > 1").units.tolist()
        ['b']
        """
        if isinstance(condition, (str, Condition)):
            chosen = choose_rows(condition, self.frame)
            return self._kept(chosen.mask, "where", chosen.said)
        given = condition(self.frame) if callable(condition) else condition
        keep = np.asarray(self._column(given, "condition"))
        if keep.shape != (len(self),) or keep.dtype != bool:
            raise DataError(
                f"A condition must be True or False for each of the {len(self)} rows; got {keep.dtype} of "
                f"shape {keep.shape}. Fill missing values first."
            )
        return self._kept(keep, "where", "")

    def restrict(
        self, *, units: Iterable[Any] | None = None, times: Iterable[Any] | slice | None = None
    ) -> Self:
        """Keep these units and these times; a slice of times includes both ends.  Unknown: refused."""
        index, keep, parts = self.frame.index, np.ones(len(self), dtype=bool), []
        for what, given, known, level in (("units", units, self.units, 0), ("times", times, self.times, 1)):
            if given is None:
                continue
            wanted = (
                known[known.slice_indexer(given.start, given.stop)]
                if isinstance(given, slice)
                else (_named_times if level else in_kind_of)(pd.Index(given), known)
            )
            absent = wanted.difference(known, sort=False) if len(wanted) else wanted
            if len(absent) or not len(wanted):
                raise AlignmentError(
                    f"The panel has no {what} {name_ids(absent) or 'in an empty list'}. "
                    f"It has {name_ids(known)}."
                )
            keep &= index.get_level_values(level).isin(wanted)
            parts.append(f"{len(wanted)} of {len(known)} {what}")
        return self._kept(keep, "restrict", "kept " + " and ".join(parts) if parts else "kept all")

    def _kept(self, keep: Any, action: str, detail: str) -> Self:
        if not keep.any():
            raise DataError(f"No row is left of {len(self)} after {action}.")
        dropped = int((~keep).sum())
        text = f"{detail}; dropped {dropped} of {len(self)} rows".removeprefix("; ")
        return self._with(self.frame[keep], Step(action, (), dropped, text, self._count_by_unit(~keep)))

    def balance(self, rule: BalanceRule = "units", *, columns: Columns = ()) -> Self:
        """Keep a balanced part: each unit with a row at each time.  The step says what was dropped.

        Parameters
        ----------
        rule : {"units", "times", "window", "largest", "fill"}
            ``units`` drops the units that lack a time; ``times`` the times that lack a unit; ``window`` keeps
            all units, over the longest run of successive times that have them all; ``largest`` keeps the
            window and the units complete in it that together have most rows; ``fill`` drops nothing and adds
            the absent rows as missing.
        columns : str or list, optional
            Columns that must not be missing for a row to count.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": ["a", "a", "b"], "year": [2000, 2001, 2000], "x": 1.0})
        >>> panel = Panel.from_frame(frame, unit="city", time="year").balance()
        >>> panel.history[-1].detail
        "rule 'units': kept 1 of 2 units and 2 of 2 times; dropped units 'b'"
        """
        option("rule", rule, get_args(BalanceRule))
        wanted = self.require(columns)
        if rule == "fill":
            return self._filled()
        present = np.zeros((self.n_times, self.n_units), dtype=bool)
        row, column = self._places(self.units)
        present[row, column] = self.frame[wanted].notna().all(axis=1).to_numpy()
        times, units = _kept_of(present, rule)
        if not (times.any() and units.any()):
            raise DataError(
                f"Balancing by rule {rule!r} leaves nothing: {int(present.sum())} complete rows of "
                f"{self.n_units} units x {self.n_times} times. Try rule='largest', fewer columns, or "
                "restrict first."
            )
        keep = times[row] & units[column]
        parts = [
            f"rule {rule!r}: kept {units.sum()} of {self.n_units} units and "
            f"{times.sum()} of {self.n_times} times"
        ]
        for what, mask, names in (("units", units, self.units), ("times", times, self.times)):
            if not mask.all():
                parts.append(f"dropped {what} {name_ids(names[~mask])}")
        step = Step(
            "balance", tuple(wanted), int((~keep).sum()), "; ".join(parts), self._count_by_unit(~keep)
        )
        return self._with(self.frame[keep], step)

    def map_units(self, ids: Mapping[Any, Any] | Callable[[Any], Any]) -> Self:
        """Give the units other ids, one to one: by a table of old to new, or by a function, as `str`.

        Examples
        --------
        >>> from .panel import Panel
        >>> raw = pd.DataFrame({"adcode": [110100, 120100], "year": 2000, "x": [1.0, 2.0]})
        >>> Panel.from_frame(raw, unit="adcode", time="year").map_units(str).units.tolist()
        ['110100', '120100']
        """
        if isinstance(ids, Mapping):
            absent = [unit for unit in self.units if unit not in ids]
            if absent:
                raise AlignmentError(f"The table of ids lacks {name_ids(absent)}.")
        # tolist: a function of an id is given the plain value, not numpy's.
        given = [ids[u] if isinstance(ids, Mapping) else ids(u) for u in self.units.tolist()]
        new = clean_ids(pd.Series(given), "The new ids")
        if not new.is_unique:
            twice = new[new.duplicated(keep=False)]
            raise AlignmentError(f"Several units would become one: {name_ids(twice.unique())}.")
        codes, times = self._unit_codes(), self.frame.index.get_level_values(1)
        index = pd.MultiIndex.from_arrays([new.array[codes], times], names=self.frame.index.names)
        detail = f"{self.n_units} units, e.g. {name_ids(self.units[:1])} is now {name_ids(new[:1])}"
        return self._with(self.frame.set_axis(index, axis=0), Step("map_units", (), 0, detail))

    def join(self, other: Any, *, how: Literal["same", "left", "inner", "outer"] = "same") -> Self:
        """Add the columns of another panel by (unit, time), or of a table by unit.

        Parameters
        ----------
        other : Panel, or DataFrame indexed by unit
            A table by unit, as the attributes of cities, is repeated over times.
        how : {"same", "left", "inner", "outer"}
            ``same`` refuses rows that only one side has; ``left`` keeps this panel's rows, ``inner`` the
            common, ``outer`` all.  The step says how many were dropped or left missing.

        Examples
        --------
        >>> from .panel import Panel
        >>> raw = pd.DataFrame({"city": ["a", "b"], "year": 2000, "x": [1.0, 2.0]})
        >>> panel = Panel.from_frame(raw, unit="city", time="year")
        >>> panel.join(pd.DataFrame({"area": [7.0, 8.0]}, index=["b", "a"]))["area"].tolist()
        [8.0, 7.0]
        """
        if how not in ("same", "left", "inner", "outer"):
            raise DataError(f"how= must be 'same', 'left', 'inner' or 'outer'; got {how!r}.")
        right, labels = _right_side(self, other, how)
        clash = self.columns.intersection(right.columns)
        if len(clash):
            raise DataError(
                f"Both sides have the columns {name_ids(clash)}. Rename or drop them on one side first."
            )
        # Levels are matched by place: pandas would match those of equal name only.
        right = right.set_axis(right.index.set_names(self.frame.index.names), axis=0)
        here, there = self.frame.index, right.index
        only = (here.difference(there, sort=False), there.difference(here, sort=False))
        if len(only[0]) == len(here):
            kinds = [type(p.units.tolist()[0]).__name__ for p in (self, other) if isinstance(p, PanelBase)]
            raise AlignmentError(
                f"The two panels share no (unit, time): {name_ids(only[0], 2)} here, "
                f"{name_ids(only[1], 2)} there"
                f"{f' (ids are {kinds[0]} and {kinds[1]})' if len(set(kinds)) == 2 else ''}."
            )
        if how == "same" and (len(only[0]) or len(only[1])):
            sides = [
                f"only {w}: {name_ids(rows)}"
                for w, rows in zip(("here", "there"), only, strict=True)
                if len(rows)
            ]
            raise AlignmentError(
                f"The two panels must have the same (unit, time) rows; {'; '.join(sides)}. "
                "Choose how='left', 'inner' or 'outer' if that is meant."
            )
        frame = self.frame.join(right, how="left" if how == "same" else how)
        detail = f"how={how!r}: {len(only[0])} rows only here, {len(only[1])} only there, {len(frame)} now"
        step = Step("join", tuple(map(str, right.columns)), len(frame) * len(right.columns), detail)
        return self._with(frame.sort_index(), step, {**labels, **self.labels})

    def _filled(self) -> Self:
        full = pd.MultiIndex.from_product([self.units, self.times], names=self.frame.index.names)
        absent = full.difference(self.frame.index)
        added = len(absent)
        detail = f"rule 'fill': added {added} rows of missing values: {name_ids(absent)}"
        return self._with(self.frame.reindex(full), Step("balance", (), added * len(self.columns), detail))


def as_ids_of(panel: PanelOf, ids: pd.Index[Any]) -> PanelOf:
    """Return the panel with its ids as `ids` write them, where both mean the same codes."""
    units = in_kind_of(panel.units, ids)
    if units is panel.units or len({type(unit) for unit in units.tolist()}) > 1:
        return panel
    codes, times = (panel.frame.index.get_level_values(level) for level in (0, 1))
    index = pd.MultiIndex.from_arrays(
        [units[panel.units.get_indexer(codes)], times], names=panel.frame.index.names
    )
    return replace(panel, frame=panel.frame.set_axis(index, axis=0))


def _named_times(given: pd.Index[Any], known: pd.Index[Any]) -> pd.Index[Any]:
    """Return times as the panel has them; what it has not is left as it was given."""
    out = []
    for time in given:
        try:
            out.append(find_time(known, time))
        except DataError:
            out.append(time)
    return pd.Index(out, dtype=known.dtype if all(t in known for t in out) else object)


def _kept_of(present: NDArray[np.bool_], rule: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which times and which units a rule keeps of the (T, N) rows that are there."""
    all_times: NDArray[np.bool_] = np.ones(len(present), dtype=bool)
    all_units: NDArray[np.bool_] = np.ones(present.shape[1], dtype=bool)
    complete: NDArray[np.bool_] = np.all(present, axis=1)
    if rule == "units":
        return all_times, np.asarray(np.all(present, axis=0))
    if rule == "times":
        return complete, all_units
    start, end = arrays.longest_run(complete) if rule == "window" else arrays.largest_block(present)
    times = np.zeros_like(all_times)
    times[start:end] = True
    return times, all_units if rule == "window" else np.asarray(np.all(present[start:end], axis=0))


def _right_side(panel: PanelBase, other: Any, how: str) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Return the other side by (unit, time), and its labels."""
    if isinstance(other, PanelBase):
        return as_ids_of(other, panel.units).frame, other.labels
    table = other.to_frame() if isinstance(other, pd.Series) else other
    if not isinstance(table, pd.DataFrame) or table.index.nlevels != 1:
        raise DataError(
            f"A panel is joined with a Panel, or a DataFrame indexed by unit; got {type(other).__name__}. "
            "Build one with Panel.from_frame."
        )
    ids = panel.frame.index.get_level_values(0)
    if how == "same":
        refuse_other_units(table.index, panel.units, "The table", panel.unit_name)
    elif not table.index.is_unique:
        raise AlignmentError(f"The table repeats {name_ids(table.index[table.index.duplicated()].unique())}.")
    rows = in_kind_of(table.index, panel.units).get_indexer(ids)
    if how == "outer":
        raise DataError("A table by unit has no times to add rows for: how='outer' needs a Panel.")
    matched = pd.DataFrame(table.iloc[rows[rows >= 0]]).set_axis(panel.frame.index[rows >= 0], axis=0)
    return matched, Labels()
