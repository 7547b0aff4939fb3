"""Unit x industry tables, read once: checked, in canonical order, with national totals by time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, did_you_mean, name_ids
from spatial.ids.rows import (
    canonical,
    check_rows,
    codes_of,
    cross_section_or_panel,
    labelled,
    numbers,
    plain,
    row_names,
)
from spatial.panel.panel import Panel, Step

__all__ = ["Industries", "groups_of", "period_sum", "read_industries"]

Float = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Industries:
    """Employment (or output) of R rows in S industries; rows are units, or (unit, time) pairs.

    Parameters
    ----------
    values : array, (R, S)
        In canonical order: rows and columns sorted by id.
    size : array, (R,)
        Total of each row: the sum over the industries, or the column named as `total`.
    national : array, (T, S)
        Total of each industry at each time, of the sample or of the reference.
    national_size : array, (T,)
    period : array of int, (R,)
        Time of each row.
    """

    values: Float
    size: Float
    national: Float
    national_size: Float
    period: Rows
    times: pd.Index[Any] | None
    rows: pd.Index[Any]
    industries: pd.Index[Any]
    row_order: Rows
    column_order: Rows
    source: Panel | None

    # ---- shares
    @property
    def shares(self) -> Float:
        """Share of each industry in the row's total, (R, S)."""
        return self.values / self.size[:, None]

    @property
    def national_shares(self) -> Float:
        """Share of each industry in the national total at the time of the row, (R, S)."""
        return (self.national / self.national_size[:, None])[self.period]

    @property
    def other_shares(self) -> Float:
        """National shares without the unit itself, (R, S)."""
        rest = self.national_size[self.period] - self.size
        alone = rest <= 0
        if alone.any():
            raise DataError(
                "leave_out=True compares each unit with the others; there are none beside "
                f"{row_names(self.rows, alone)}. Add units, or pass the national table as reference."
            )
        return (self.national[self.period] - self.values) / rest[:, None]

    # ---- back to the order and the form of the input
    def series(self, values: Float, name: str, label: str, label_zh: str, source: str) -> pd.Series[Any]:
        """Return values by row as a Series in the caller's order."""
        out = np.empty(len(values))
        out[self.row_order] = values
        return labelled(out, self._given_rows(), name, label, label_zh, source)

    def frame(
        self, values: Float, name: str, label: str, label_zh: str, source: str, cells: int = 0
    ) -> pd.DataFrame | Panel:
        """Return values by row and industry as a frame, or a Panel where a Panel was given."""
        out = np.empty_like(values)
        out[np.ix_(self.row_order, self.column_order)] = values
        columns = self.industries.take(_inverse(self.column_order))
        body = pd.DataFrame(out, index=self._given_rows(), columns=columns)
        if self.source is None:
            body.attrs = {"label": label, "label_zh": label_zh, "source": source, "cells": cells}
            return body
        labels = {c: f"{label}: {self.source.label(c)}" for c in columns}
        step = Step(name, tuple(columns), cells, source)
        return Panel(body, labels, (*self.source.history, step))

    def by_industry(self, columns: dict[str, Float]) -> pd.DataFrame:
        """Return (T, S) arrays as columns by industry, or by (time, industry) for a panel."""
        order = _inverse(self.column_order)
        names = self.industries.take(order)
        if self.times is None:
            return pd.DataFrame({k: v[0, order] for k, v in columns.items()}, index=names)
        pairs = pd.MultiIndex.from_product([self.times, names], names=[self.times.name, names.name])
        return pd.DataFrame({k: v[:, order].ravel() for k, v in columns.items()}, index=pairs)

    def _given_rows(self) -> pd.Index[Any]:
        return self.rows.take(_inverse(self.row_order))


def _inverse(order: Rows) -> Rows:
    out = np.empty_like(order)
    out[order] = np.arange(len(order))
    return out


def period_sum(values: Float, period: Rows, n_times: int) -> Float:
    """Sum the rows of each time: (R, ...) to (T, ...)."""
    out = np.zeros((n_times, *values.shape[1:]))
    np.add.at(out, period, values)
    return out


def read_industries(
    table: Any,
    columns: Iterable[Any] | None = None,
    *,
    total: Any = None,
    reference: Any = None,
    least: int = 2,
) -> Industries:
    """Read and check a unit x industry table.

    Parameters
    ----------
    table : DataFrame or Panel
        Rows by unit, or by (unit, time); columns are industries.
    columns : list, optional
        The industries; default all columns (without `total`).
    total : column, optional
        Total of each row where the industries do not add up to it.
    reference : Series or DataFrame, optional
        National totals by industry (cross-section), or by time and industry (panel), where the sample
        is not the nation.  Default: the sums over the units.
    least : int
        The fewest industries that make sense.

    Raises
    ------
    DataError
        For negative, missing or infinite cells, text, empty rows and empty industries, by name.
    """
    frame, source = _frame_of(table)
    names = _names(frame, columns, total, least)
    check_rows(frame.index, "Industry tables")
    order, shuffle = canonical(frame.index), canonical(pd.Index(names))
    ordered = [names[k] for k in shuffle]
    body = frame.iloc[order]
    values = np.column_stack([numbers(body[c], f"Industry {c!r}") for c in ordered])
    period, times = cross_section_or_panel(body.index)
    industries = pd.Index(ordered, name=frame.columns.name)
    _check_cells(values, body.index, ordered)
    size = _sizes(values, body, total)
    zero = size <= 0
    if zero.any():
        raise DataError(
            f"Each unit needs some employment to have shares; it is zero in all industries for "
            f"{row_names(body.index, zero)}. Drop these rows, or set them missing and interpolate."
        )
    n_times = 1 if times is None else len(times)
    if reference is None:
        national, national_size = period_sum(values, period, n_times), period_sum(size, period, n_times)
    else:
        national, national_size = _reference(reference, ordered, times, total)
    _check_industries(national, ordered, times, reference is not None)
    return Industries(
        values,
        size,
        national,
        national_size,
        period,
        times,
        body.index,
        industries,
        order,
        shuffle,
        source,
    )


def _frame_of(table: Any) -> tuple[pd.DataFrame, Panel | None]:
    if isinstance(table, Panel):
        return table.frame, table
    if isinstance(table, pd.DataFrame):
        return table, None
    raise DataError(
        "An industry table must be a DataFrame by unit (columns are industries) or a Panel; got "
        f"{type(table).__name__}. Use frame.set_index(unit), or sp.read_panel."
    )


def _names(frame: pd.DataFrame, columns: Iterable[Any] | None, total: Any, least: int) -> list[Any]:
    if columns is None:
        names = [c for c in frame.columns if total is None or c != total]
    else:
        names = [columns] if isinstance(columns, str) else list(columns)
    wanted = names if total is None else [*names, total]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        raise DataError(
            f"The table has no industry {name_ids(missing)}.{did_you_mean(missing[0], frame.columns)} "
            f"It has: {name_ids(frame.columns, 12)}."
        )
    repeated = list(pd.Index(wanted)[pd.Index(wanted).duplicated()].unique())
    repeated += [c for c in frame.columns[frame.columns.duplicated()].unique() if c in names]
    if repeated:
        raise DataError(
            f"Each industry must appear once; these repeat: {name_ids(repeated)}. Rename or add them up."
        )
    if len(names) < least:
        raise DataError(
            f"At least {least} industries are needed; got {len(names)}: {name_ids(names)}. "
            "Shares of one industry alone are all one."
        )
    if not len(frame):
        raise DataError("An industry table needs at least one row; it is empty.")
    return names


def _check_cells(values: Float, rows: pd.Index[Any], names: list[Any]) -> None:
    faults = (
        (
            np.isnan(values),
            "missing",
            "Fill them (panel.interpolate), or drop these units; missing is not zero",
        ),
        (np.isinf(values), "infinite", "Correct them"),
        (values < 0, "negative", "Employment cannot be below zero: correct or drop these cells"),
    )
    for bad, kind, cure in faults:
        if bad.any():
            i, j = np.nonzero(bad)
            cells = [(*_parts(rows[r]), plain(names[c])) for r, c in zip(i, j, strict=True)]
            keys = "unit, time, industry" if rows.nlevels == 2 else "unit, industry"
            raise DataError(
                f"Cells of an industry table must be finite and not negative; {len(cells)} are {kind}, at "
                f"({keys}): {name_ids(cells)}. {cure}."
            )


def _parts(row: Any) -> tuple[Any, ...]:
    value = plain(row)
    return value if isinstance(value, tuple) else (value,)


def _sizes(values: Float, body: pd.DataFrame, total: Any) -> Float:
    sums = values.sum(axis=1)
    if total is None:
        return np.asarray(sums)
    size = numbers(body[total], f"Total {total!r}")
    bad = ~np.isfinite(size)
    if bad.any():
        raise DataError(f"Total {total!r} must be finite; it is not at {row_names(body.index, bad)}.")
    small = size < sums * (1 - 1e-9)
    if small.any():
        raise DataError(
            f"Total {total!r} must be at least the sum of the industries; it is smaller at "
            f"{row_names(body.index, small)}. Are the units of measurement the same?"
        )
    return size


def _reference(
    reference: Any, names: list[Any], times: pd.Index[Any] | None, total: Any
) -> tuple[Float, Float]:
    wanted = list(names) if total is None else [*names, total]
    if times is None and isinstance(reference, pd.Series):
        table = reference.to_frame().T
    elif times is not None and isinstance(reference, pd.DataFrame):
        table = reference
    else:
        need = (
            "a Series by industry" if times is None else "a DataFrame, times in rows, industries in columns"
        )
        raise AlignmentError(
            f"reference must be {need}, as the table is {'a cross-section' if times is None else 'a panel'}; "
            f"got {type(reference).__name__}."
        )
    lost = [c for c in wanted if c not in table.columns]
    extra = [c for c in table.columns if c not in wanted]
    if lost or extra:
        raise AlignmentError(
            "reference must have the industries of the table; "
            + (f"it lacks {name_ids(lost)}. " if lost else "")
            + (f"It has besides {name_ids(extra)}: drop them, or add them to the table." if extra else "")
        )
    body = table if times is None else _at_times(table, times)
    found = np.column_stack([numbers(body[c], f"Industry {c!r} of the reference") for c in names])
    size = found.sum(axis=1) if total is None else numbers(body[total], f"Total {total!r} of the reference")
    if not (np.isfinite(found).all() and np.isfinite(size).all()):
        raise DataError("reference must be finite; fill its missing cells.")
    return found, size


def _at_times(table: pd.DataFrame, times: pd.Index[Any]) -> pd.DataFrame:
    check_rows(table.index, "reference, by time,")
    place = table.index.get_indexer(times)
    if (place < 0).any():
        raise AlignmentError(f"reference has no row for the times {name_ids(times[place < 0])}.")
    return table.iloc[place]


def _check_industries(national: Float, names: list[Any], times: pd.Index[Any] | None, given: bool) -> None:
    empty = national <= 0
    if not empty.any():
        return
    t, j = np.nonzero(empty)
    if times is None:
        cells = [plain(names[c]) for c in j]
    else:
        cells = [(plain(times[r]), plain(names[c])) for r, c in zip(t, j, strict=True)]
    where = "in the reference" if given else "in all units"
    keys = "" if times is None else " (time, industry)"
    raise DataError(
        f"Each industry needs some employment nationally; it is zero {where} for{keys} {name_ids(cells)}. "
        "Leave these industries out with columns=[...], or merge them into others."
    )


def groups_of(industries: pd.Index[Any], groups: Any) -> tuple[Rows, pd.Index[Any]]:
    """Return the group of each industry, (S,), and the groups' names; refuse industries without one."""
    if not isinstance(groups, (pd.Series, Mapping)):
        raise DataError(f"groups is a Series or a mapping {{industry: group}}; got {type(groups).__name__}.")
    mapping = groups if isinstance(groups, pd.Series) else pd.Series(dict(groups), dtype=object)
    found = mapping.reindex(industries)
    lost = found.isna().to_numpy()
    if lost.any():
        raise DataError(
            f"groups must give the group of each industry; it has none for {name_ids(industries[lost])}. "
            "Pass a mapping {industry: group}."
        )
    return codes_of(pd.Index(found.to_numpy()))
