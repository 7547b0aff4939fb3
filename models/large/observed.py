"""Unbalanced panels on disk: complete units at all times, or complete cells with W among those observed.

Which cells are complete is found once, when the system is made, and kept as one bit a cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.ids.alignment import row_places
from spatial.models.data.columns import RowEvaluator
from spatial.models.data.layout import Layout
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.checks import links_fit
from spatial.weights.normalization import row_standardize

from .columns import Plan
from .lags import RowLag, row_numbers, tiles

__all__ = ["ObservedLag", "ObservedPlan", "observe"]

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ObservedLag(RowLag):
    """The lag operator among the units observed at a time, whose weights are cut as they are walked.

    Parameters
    ----------
    matrices, layout : as of `RowLag`
        The layout holds the observed units.
    whole : RowLag
        Of all units.
    mask : bool array (N,)
        Which are observed.
    standardized : bool
        Whether rows are divided by their sums again.
    """

    whole: RowLag
    mask: Mask
    standardized: bool

    @property
    def count(self) -> int:
        """How many blocks of rows there are."""
        return self.whole.count

    @cached_property
    def _place(self) -> NDArray[np.int32]:
        return np.cumsum(self.mask, dtype=np.int32) - np.int32(1)

    def block(self, number: int) -> tuple[Any, sp.csr_array]:
        """Return which rows, among those observed, and these rows (R, n)."""
        rows, matrix = self.whole.block(number)
        units = row_numbers(rows)
        mine = self.mask[units]
        if not mine.all():
            units, matrix = units[mine], matrix[mine]
        there = self.mask[matrix.indices]
        pointers = np.append(0, np.cumsum(there))[matrix.indptr]
        cut = sp.csr_array(
            (matrix.data[there], self._place[matrix.indices[there]], pointers),
            shape=(len(units), self.layout.n_units),
        )
        places = self._place[units]
        if self.standardized:
            cut = row_standardize(cut, self.layout.units[places])
        return places, cut

    def matrix(self) -> sp.csr_array:
        """Return all rows, (n, n)."""
        found = [self.block(number) for number in range(self.count)]
        order = np.argsort(np.concatenate([places for places, _ in found]), kind="stable")
        return sp.csr_array(sp.vstack([part for _, part in found], format="csr"))[order]


@dataclass(frozen=True, eq=False, kw_only=True)
class ObservedPlan(Plan):
    """The plan of the complete cells of an unbalanced panel.

    Parameters
    ----------
    numbers : tuple of int
        The times that have complete cells.
    bits : uint8 array (T, N / 8)
        Which cells are complete, of these times.
    n_cells : int
        Of how many cells these are, for the summary.
    """

    numbers: tuple[int, ...]
    bits: NDArray[np.uint8]
    n_cells: int

    @property
    def n_times(self) -> int:
        """Times in use."""
        return len(self.numbers)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Units observed at each time."""
        return np.array([int(self.mask(number).sum()) for number in range(self.n_times)])

    @property
    def n_rows(self) -> int:
        """Cells in use."""
        return int(self.sizes.sum())

    @property
    def error_names(self) -> tuple[str, ...]:
        """None: spatial errors are refused, or left out by the method."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """How many cells are complete, and what lags then are."""
        note = f"unbalanced: {self.n_rows} of {self.n_cells} cells are complete"
        if self.weights:
            note += "; lags are of the units observed at a time, as if the others were no neighbours"
        return (*super().notes, note)

    def mask(self, number: int) -> Mask:
        """Return which units are observed at a time in use; (N,)."""
        return np.unpackbits(self.bits[number], count=len(self.units)).view(np.bool_)

    def operators_at(self, number: int) -> dict[str, RowLag]:
        """Return the lag operators among the units of a time."""
        mask = self.mask(number)
        if mask.all():
            return self.operators
        units = self.units[mask]
        layout = Layout(units, self.panel.times[:1], np.arange(len(units)), np.zeros(len(units), np.intp))
        return {
            name: ObservedLag(whole.matrices, layout, whole, mask, _is_standardized(self.weights[name]))
            for name, whole in self.operators.items()
        }

    def read(self, number: int) -> Float:
        """Return the stems at a time in use, of the units observed then, (n, s)."""
        mask = self.mask(number)
        base = {key: values[mask] for key, values in self.cells(self.numbers[number], absent=True).items()}
        operators = self.operators_at(number)
        layout = next((o.layout for o in operators.values()), None)
        if layout is None:
            units = self.units[mask]
            layout = Layout(units, self.panel.times[:1], np.arange(len(units)), np.zeros(len(units), np.intp))
        return self._stems(RowEvaluator(base, operators, layout))

    @cached_property
    def meetings(self) -> NDArray[np.int64]:
        """How many units two times share; (T, T)."""
        out = np.zeros((self.n_times, self.n_times), dtype=np.int64)
        for _, seen in self.incidence():
            out += np.rint(seen.T @ seen).astype(np.int64)
        return out

    def incidence(self) -> Iterator[tuple[slice, Float]]:
        """Yield tiles of units with 1 where they are observed, (n, T)."""
        for rows in tiles(len(self.units)):
            first = rows.start // 8  # tiles are whole bytes
            part = np.unpackbits(self.bits[:, first : -(-rows.stop // 8)], axis=1)
            yield rows, part[:, : rows.stop - rows.start].T.astype(np.float64)

    @property
    def rank(self) -> int:
        """Of the effects: levels, less the parts of the panel that no unit connects."""
        unit, time = "unit" in self.effects, "time" in self.effects
        if not (unit and time):
            return unit * len(self.units) + time * self.n_times
        return len(self.units) + self.n_times - self.n_parts

    @cached_property
    def n_parts(self) -> int:
        """How many parts of the panel no unit connects."""
        from scipy.sparse.csgraph import connected_components

        return int(connected_components(self.meetings > 0, directed=False, return_labels=False))

    def side_by_side(self, names: tuple[str, ...]) -> tuple[dict[str, sp.csr_array], NDArray[np.intp]]:
        """Return the weights of all times as one matrix, (R, R), and the unit of each row, for effects."""
        links = sum(self.weights[name].n_links for name in names)
        share = self.n_rows / max(1, len(self.units))
        links_fit(
            links * share,
            f"The weights of {self.n_times} times side by side, of which effects are averages,",
            "Fit with unbalanced='balance', whose effects need the weights once.",
        )
        parts: dict[str, list[sp.csr_array]] = {name: [] for name in names}
        for number in range(self.n_times):
            operators = self.operators_at(number)
            for name in names:
                operator: Any = operators[name]
                whole = operator.matrix() if isinstance(operator, ObservedLag) else _stored(operator)
                parts[name].append(whole)
        unit = np.concatenate([np.flatnonzero(self.mask(number)) for number in range(self.n_times)])
        return {k: sp.csr_array(sp.block_diag(v, format="csr")) for k, v in parts.items()}, unit


def _stored(operator: RowLag) -> sp.csr_array:
    held: Any = operator.matrices[0]
    return held.matrix() if isinstance(held, OpenWeights) else held


def _is_standardized(weights: Any) -> bool:
    if isinstance(weights, OpenWeights):
        return weights.meta.normalization == "row"
    return bool(weights.is_row_standardized)


def observe(plan: Plan, unbalanced: str) -> Plan:
    """Return the plan of the units that are complete, or of the cells that are; itself where all are."""
    units, T = plan.units, plan.n_times
    bits = np.stack([np.packbits(_complete(plan, number)) for number in range(T)])
    every = np.unpackbits(np.bitwise_and.reduce(bits, axis=0), count=len(units)).view(np.bool_)
    seen = np.unpackbits(np.bitwise_or.reduce(bits, axis=0), count=len(units)).view(np.bool_)
    if not seen.all():
        _refuse_strangers(plan, seen)
    if every.all():
        return plan
    kept = every if unbalanced == "balance" else seen
    if kept.sum() < 2:
        raise DataError(
            "No two units are complete at all times; choose unbalanced='induced'."
            if unbalanced == "balance"
            else "Fewer than two units have a complete cell: look for missing values."
        )
    own = {f.name: getattr(plan, f.name) for f in fields(Plan)}
    cut = dict(plan.weights)
    if not kept.all():
        cut = {name: w.subset(units[kept]) for name, w in plan.weights.items()}
        own |= {"units": units[kept], "weights": cut, "whole_ids": units, "places": np.flatnonzero(kept)}
    if unbalanced == "balance":
        links = [sum(w.n_links for w in each.values()) for each in (plan.weights, cut)]
        lost = 1.0 - links[1] / max(1, links[0])
        note = f"{int((~kept).sum())} incomplete units dropped, with {lost:.1%} of the links"
        return BalancedPlan(**own, lost=note)
    masks = [np.unpackbits(row, count=len(units)).view(np.bool_)[kept] for row in bits]
    numbers = tuple(k for k, mask in enumerate(masks) if mask.any())
    chosen = np.stack([np.packbits(masks[k]) for k in numbers])
    return ObservedPlan(**own, numbers=numbers, bits=chosen, n_cells=T * len(units))


@dataclass(frozen=True, eq=False, kw_only=True)
class BalancedPlan(Plan):
    """The plan of the units that are complete at all times.

    Parameters
    ----------
    lost : str
        How many were dropped.
    """

    lost: str

    @property
    def notes(self) -> tuple[str, ...]:
        """How many units were dropped."""
        return (*super().notes, self.lost)


def _complete(plan: Plan, number: int) -> Mask:
    """Return which units are complete at a time; refuse what is infinite."""
    out = np.ones(len(plan.units), dtype=bool)
    for key, values in plan.cells(number, absent=True).items():
        infinite = np.isinf(values)
        if infinite.any():
            raise DataError(
                f"{key} must be finite; it is infinite at units {name_ids(plan.units[infinite])}."
            )
        out &= ~np.isnan(values)
    return out


def _refuse_strangers(plan: Plan, seen: Mask) -> None:
    """Refuse units of the weights of which the panel has no row at all."""
    places = row_places(plan.panel.units(every=True), plan.units)
    left = np.setdiff1d(np.flatnonzero(~seen), places)
    if len(left):
        raise AlignmentError(
            "Each unit of the weights must be in the panel at some time; these are at none: "
            f"{name_ids(plan.units[left])}. Restrict the weights with W.subset(ids)."
        )
