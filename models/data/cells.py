"""Which cells are used: complete ones, by the rule that the user chose, with weights to match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError, WeightsError, name_ids
from spatial.weights.normalization import row_standardize
from spatial.weights.value import Weights

from .layout import LagOperator, Layout, balanced_layout
from .source import Source
from .weights import TimeWeights

__all__ = [
    "Sample",
    "Unbalanced",
    "build_sample",
    "check_links",
    "check_weights",
    "notes_of_lonely",
    "operators_for",
]

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
Unbalanced = Literal["raise", "balance", "induced"]


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows in use, and where they stand in the (T, N) arrays of the source.

    Parameters
    ----------
    layout : Layout
    rows : int array (R,)
        Positions in a (T, N) array, flattened.
    weights : mapping of str to Weights
        Over the units of the layout.
    notes : tuple of str
        What was left out, for the summary.
    """

    layout: Layout
    rows: NDArray[np.intp]
    weights: Mapping[str, Weights]
    notes: tuple[str, ...] = ()

    def take(self, values: Float, shape: tuple[int, int]) -> Float:
        """Return (T, N) values as rows."""
        flat = np.broadcast_to(values, shape).reshape(-1)
        if len(self.rows) == flat.shape[0]:
            return np.ascontiguousarray(flat)
        return flat[self.rows]


def build_sample(
    base: Mapping[str, Float],
    source: Source,
    weights: Mapping[str, Weights],
    shift: int,
    unbalanced: Unbalanced,
    keep: Mask | None = None,
) -> Sample:
    """Choose the rows.

    Parameters
    ----------
    base : mapping of str to array (T, N)
        Every expression that the model uses, before spatial lags.
    shift : int
        The first times, which a time lag leaves empty, are left out.
    unbalanced : "raise", "balance" or "induced"
        What to do with absent or missing cells: refuse them; drop the units that have them; or use W
        among the units observed at each time, row-standardised again where it was.
    keep : bool array (T, N), optional
        The cells that a condition chose; the others are left out, whatever they hold, with their links.
    """
    t, n = len(source.times), len(source.units)
    if shift >= t:
        raise DataError(f"lag( ) by {shift} needs more than {shift} times; the data have {t}.")
    complete = np.ones((t, n), dtype=bool)
    for name, values in base.items():
        _refuse_infinite(name, values if keep is None else np.where(keep, values, 0.0), source)
        complete &= ~np.isnan(values)
    notes: tuple[str, ...] = ()
    if shift:
        complete[:shift] = False
        notes = (f"the first {shift} of {t} times serve as lags only",)
    used = complete[shift:]
    if keep is not None:
        return _kept(base, used, keep[shift:], source, weights, shift, unbalanced, notes)
    if used.all():
        layout = balanced_layout(source.units, source.times[shift:])
        return Sample(layout, np.arange(shift * n, t * n), weights, notes)
    if unbalanced == "balance":
        return _balanced(used, source, weights, shift, notes)
    if unbalanced != "induced":
        _refuse_missing(base, used, source, shift, bool(weights))
    return _induced(used, source, weights, shift, notes)


def _kept(
    base: Mapping[str, Float],
    used: Mask,
    keep: Mask,
    source: Source,
    weights: Mapping[str, Weights],
    shift: int,
    unbalanced: Unbalanced,
    notes: tuple[str, ...],
) -> Sample:
    """Return the cells that a condition chose, with W among them; missing ones by the rule of the user."""
    missing = source.present()[shift:] & keep & ~used
    if missing.any() and unbalanced == "raise":
        _refuse_missing(base, used | ~keep, source, shift, has_weights=False)
    if unbalanced == "balance":
        broken = missing.any(axis=0)
        used = used & ~broken
        notes = (*notes, f"{int(broken.sum())} incomplete units dropped") if broken.any() else notes
    used = used & keep
    if not used.any():
        raise DataError(
            "None of the chosen rows is complete: look for missing values, or lags of the first times."
        )
    sample = _induced(used, source, weights, shift, notes)
    return replace(sample, notes=notes)


def _refuse_infinite(name: str, values: Float, source: Source) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        where = np.broadcast_to(infinite, (len(source.times), len(source.units))).any(axis=0)
        units = source.units[np.flatnonzero(where)]
        raise DataError(f"{name} must be finite; it is infinite at units {name_ids(units)}.")


def _refuse_missing(
    base: Mapping[str, Float], used: Mask, source: Source, shift: int, has_weights: bool
) -> None:
    present = source.present()[shift:]
    holes = present & ~used
    if shift:  # a time lag of an absent cell is absent too
        gone = ~source.present()
        for s in range(1, shift + 1):
            holes &= ~gone[shift - s : len(gone) - s]
    if holes.any():
        names = [k for k, v in base.items() if (np.isnan(v[shift:]) & holes).any()]
        units = source.units[np.flatnonzero(holes.any(axis=0))]
        raise DataError(
            f"Every cell must be filled; {', '.join(names)} missing in {int(holes.sum())} of {holes.size} "
            f"cells, of units {name_ids(units)}. Fill them (panel.interpolate), or choose "
            "unbalanced='balance' (drop these units) or unbalanced='induced' (leave these cells out)."
        )
    if has_weights:
        short = source.units[np.flatnonzero(~used.all(axis=0))]
        raise DataError(
            f"Spatial lags need each unit at each time; absent at some times: {name_ids(short)}. Choose "
            "unbalanced='balance' (drop these units) or unbalanced='induced' (weights among those observed)."
        )


def _balanced(
    used: Mask, source: Source, weights: Mapping[str, Weights], shift: int, notes: tuple[str, ...]
) -> Sample:
    whole = used.all(axis=0)
    if whole.sum() < 2:
        raise DataError("No two units are complete at all times; choose unbalanced='induced'.")
    kept = source.units[whole]
    cut = {name: w.subset(kept) for name, w in weights.items()}
    lost = sum(w.n_links for w in weights.values()) - sum(w.n_links for w in cut.values())
    total = max(1, sum(w.n_links for w in weights.values()))
    note = f"{int((~whole).sum())} incomplete units dropped, with {lost / total:.1%} of the links"
    n = len(source.units)
    rows = np.arange(shift * n, len(source.times) * n).reshape(-1, n)[:, whole].ravel()
    return Sample(balanced_layout(kept, source.times[shift:]), rows, cut, (*notes, note))


def _induced(
    used: Mask, source: Source, weights: Mapping[str, Weights], shift: int, notes: tuple[str, ...]
) -> Sample:
    seen, times = used.any(axis=0), used.any(axis=1)
    time, unit = np.nonzero(used[times][:, seen])
    layout = Layout(source.units[seen], source.times[shift:][times], unit, time)
    n = len(source.units)
    rows = np.arange(shift * n, len(source.times) * n).reshape(-1, n)[used]
    kept = {name: w if seen.all() else w.subset(source.units[seen]) for name, w in weights.items()}
    note = f"unbalanced: {len(rows)} of {used.size} cells are complete"
    if kept:
        note += "; lags are of the units observed at a time, as if the others were no neighbours"
    return Sample(layout, rows, kept, (*notes, note))


def operators_for(sample: Sample) -> dict[str, LagOperator]:
    """Return the lag operators of the sample, one for each of its weights."""
    return {name: _operator(weights, sample.layout) for name, weights in sample.weights.items()}


def notes_of_lonely(operators: Mapping[str, LagOperator]) -> tuple[str, ...]:
    """Say how many cells of an unbalanced panel have no neighbour that is observed at their time."""
    alone = {
        name: sum(int((np.diff(block.indptr) == 0).sum()) for block in operator.matrices)
        for name, operator in operators.items()
        if not operator.layout.is_balanced
    }
    return tuple(
        f"{name}: {count} cells have no neighbour that is observed at their time, and lags of 0"
        for name, count in alone.items()
        if count
    )


def _operator(weights: Weights, layout: Layout) -> LagOperator:
    by_time = weights.by_time if isinstance(weights, TimeWeights) else {}
    if layout.is_balanced:
        each = tuple(by_time[time].sparse for time in layout.times) if by_time else (weights.sparse,)
        return LagOperator(each, layout)
    standardized = weights.is_row_standardized
    matrices = []
    for time, (first, last) in zip(layout.times, layout.bounds, strict=True):
        observed = layout.unit[first:last]
        whole = by_time[time].sparse if by_time else weights.sparse
        block = sp.csr_array(whole[observed][:, observed])
        matrices.append(row_standardize(block, layout.units[observed]) if standardized else block)
    return LagOperator(tuple(matrices), layout)


def check_weights(name: str, weights: Weights, *, lags_outcomes: bool) -> None:
    """Refuse islands under row standardisation, and own weights in lags of outcomes or errors."""
    keeps = weights.meta.islands == "keep" or not weights.is_row_standardized
    alone = weights.ids[:0] if keeps else weights.islands
    check_links(name, alone, weights.own_units, lags_outcomes=lags_outcomes)


def check_links(name: str, islands: pd.Index[Any], own: pd.Index[Any], *, lags_outcomes: bool) -> None:
    """Refuse units without neighbours, and own weights in lags of outcomes or errors."""
    if len(islands):
        raise WeightsError(
            f"Weights {name!r} have units without neighbours: {name_ids(islands)}. Their lags "
            "would be 0. Link them (islands='nearest'), drop them (W.subset), or accept it: islands='keep'."
        )
    if lags_outcomes and len(own):
        raise WeightsError(
            f"Weights {name!r} hold own weights at {name_ids(own)}: an outcome, or an error, would be its "
            "own neighbour. Build them without (own=0)."
        )
