"""The cells of a panel that a difference-in-differences is estimated on, as arrays; rows are time by unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.models.data.layout import Layout
from spatial.panel.panel import Panel

from .adoption import Adoption

__all__ = ["Cells", "Matching", "build_cells"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, eq=False)
class Matching:
    """How units were matched.

    Parameters
    ----------
    match : str
        As it was asked for.
    units : Index (N,)
        Before matching.
    treated : bool array (N,)
    means : array (N, k)
        Of the controls before the first policy; NaN of a unit without such times.
    weights : array (N,)
        0 of units that are left out.
    scores : array (N,)
        Propensity scores; NaN where there are none.
    """

    match: str
    units: pd.Index[Any]
    treated: Bool
    means: Float
    weights: Float
    scores: Float


@dataclass(frozen=True, eq=False)
class Cells:
    """Outcome, regressors and treatment of each cell.

    Parameters
    ----------
    outcome : str
    controls : tuple of str
    layout : Layout
    y : array (R,)
    X : array (R, k)
        Controls.
    second : int array (R,)
        Codes of the second effect: time, or a column by time.
    effects : tuple of str
    adoption : Adoption
        Of the units of the layout, in its order.
    anticipation : int
        Times before the policy at which units may react already.
    row_weights : array (R,)
        Constant within units; ones where nothing is matched.
    notes : tuple of str
        What was left out, and why.
    matching : Matching, optional
    """

    outcome: str
    controls: tuple[str, ...]
    layout: Layout
    y: Float
    X: Float
    second: Int
    effects: tuple[str, ...]
    adoption: Adoption
    anticipation: int
    row_weights: Float
    notes: tuple[str, ...] = ()
    matching: Matching | None = None

    @property
    def unit(self) -> Int:
        """Codes of units, (R,)."""
        return np.asarray(self.layout.unit, dtype=np.int64)

    @property
    def time(self) -> Int:
        """Codes of times, (R,)."""
        return np.asarray(self.layout.time, dtype=np.int64)

    @property
    def since(self) -> Int:
        """Times since the first treated one, (R,); very negative for the never treated."""
        start = self.adoption.start[self.unit]
        return np.where(start < 0, NEVER, self.time - start)

    @property
    def post(self) -> Bool:
        """Whether a cell is treated, (R,)."""
        return np.asarray(self.since >= 0)

    @property
    def free(self) -> Bool:
        """Whether a cell is untreated and not yet anticipating, (R,)."""
        return np.asarray(self.since < -self.anticipation)

    @property
    def balanced(self) -> bool:
        """Whether each unit has each time."""
        return self.layout.is_balanced

    def keep(self, units: Bool, note: str = "") -> Cells:
        """Return the cells of some units, (N,) bool."""
        rows = units[self.unit]
        codes = np.cumsum(units) - 1
        old = self.layout
        adoption = Adoption(old.units[units], old.times, self.adoption.start[units], self.adoption.later)
        return replace(
            self,
            layout=Layout(old.units[units], old.times, codes[old.unit[rows]], old.time[rows]),
            y=self.y[rows],
            X=self.X[rows],
            second=np.unique(self.second[rows], return_inverse=True)[1],
            adoption=adoption,
            row_weights=self.row_weights[rows],
            notes=(*self.notes, note) if note else self.notes,
        )

    def rows(self, chosen: Bool) -> Cells:
        """Return some of the cells, (R,) bool, of the same units and times."""
        old = self.layout
        return replace(
            self,
            layout=Layout(old.units, old.times, old.unit[chosen], old.time[chosen]),
            y=self.y[chosen],
            X=self.X[chosen],
            second=np.unique(self.second[chosen], return_inverse=True)[1],
            row_weights=self.row_weights[chosen],
        )

    def reassigned(self, order: Int) -> Cells:
        """Return the cells where unit i has the calendar, and the weight, of unit order[i], (N,)."""
        weights = np.ones(self.layout.n_units)
        weights[self.unit] = self.row_weights
        return replace(self.with_start(self.adoption.start[order]), row_weights=weights[order][self.unit])

    def with_start(self, start: Int) -> Cells:
        """Return the same cells under another calendar, (N,)."""
        return replace(self, adoption=Adoption(self.adoption.units, self.adoption.times, start))

    def frame(self) -> pd.DataFrame:
        """Return the frame that diff-diff reads: unit, time, y, first, and controls x0, x1, ..."""
        columns: dict[str, Any] = {
            "unit": self.unit,
            "time": self.time + 1,
            "y": self.y,
            "first": self.adoption.start[self.unit] + 1,
        }
        columns |= {f"x{k}": self.X[:, k] for k in range(self.X.shape[1])}
        return pd.DataFrame(columns).sort_values(["unit", "time"], ignore_index=True)


def build_cells(
    panel: Panel,
    outcome: str,
    adoption: Adoption,
    *,
    controls: Iterable[str] = (),
    effects: tuple[str, ...] = ("unit", "time"),
    anticipation: int = 0,
) -> Cells:
    """Return the cells that have an outcome and all controls.

    Units that are treated from the first time have no time before and are left out, with a note; so are units
    with one cell.  A sample without a treated or without an untreated unit is refused.
    """
    names = tuple(dict.fromkeys(controls))
    columns = panel.require([outcome, *names])
    values = panel.cube(columns).astype(np.float64)
    notes: list[str] = []
    complete = np.isfinite(values).all(axis=2)
    if not complete.any():
        raise DataError(f"No cell has {', '.join(columns)}; all are missing somewhere.")
    if cut := int(panel.frame.shape[0] - complete.sum()):
        notes.append(f"{cut} cells with missing values are left out")
    complete = complete & ~adoption.always[None, :]
    if adoption.always.any():
        notes.append(
            f"{int(adoption.always.sum())} units treated at the first time are left out: they have no time "
            "before "
            f"({name_ids(adoption.units[adoption.always], 3)})"
        )
    if adoption.later:
        notes.append(f"{len(adoption.later)} units treated after the last time count as not treated here")
    single = (complete.sum(axis=0) == 1) & ~adoption.always
    complete &= ~single[None, :]
    units = complete.any(axis=0)
    time, unit = np.nonzero(complete)
    codes = np.cumsum(units) - 1
    layout = Layout(panel.units[units], panel.times, codes[unit], time)
    kept = Adoption(panel.units[units], panel.times, adoption.start[units], adoption.later)
    flat = values[time, unit]
    cells = Cells(
        outcome,
        names,
        layout,
        flat[:, 0],
        flat[:, 1:],
        _second(panel, effects, time, unit),
        effects,
        kept,
        anticipation,
        np.ones(len(time)),
        tuple(notes),
    )
    if not cells.post.any():
        raise DataError(
            "No unit is treated within the times of the panel, after a time without treatment; cohorts "
            "that were "
            f"read: {adoption.cohorts or 'none'}."
        )
    return cells


def _second(panel: Panel, effects: tuple[str, ...], time: Int, unit: Int) -> Int:
    if len(effects) != 2 or effects[0] != "unit":
        raise DataError(
            f"effects are ('unit', 'time') or ('unit', 'COLUMN:time') here; got {effects!r}. Other effects: "
            f"SpatialSystem or fixed_effects with the treatment as a column."
        )
    parts = effects[1].split(":")
    codes = np.zeros(len(time), dtype=np.int64)
    if not len(time):
        raise DataError("No cell is left: effects of a policy need two times or more, before and after it.")
    if "time" not in parts:
        raise DataError(f"The second effect is 'time' or 'COLUMN:time'; got {effects[1]!r}.")
    for part in parts:
        if part == "time":
            mine = np.asarray(time, dtype=np.int64)
        else:
            (column,) = panel.require([part])
            wide = panel.frame[column].unstack().reindex(index=panel.units, columns=panel.times)
            cell = wide.to_numpy(dtype=object)[unit, time]
            if missing := [u for u, v in zip(panel.units[unit], cell, strict=True) if pd.isna(v)]:
                raise DataError(
                    f"{column!r} must be known for each unit; it is missing for {name_ids(set(missing))}."
                )
            mine = pd.factorize(pd.Series(cell).astype(str))[0]
        codes = np.unique(codes * (mine.max() + 1) + mine, return_inverse=True)[1]
    return codes
