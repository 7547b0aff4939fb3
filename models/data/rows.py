"""Rows of a system by a condition: spatial lags on the whole map first, then the rows; or W cut as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, warn
from spatial.models.formula.tokens import Name, parse_expression, tokens, walk
from spatial.panel.choosing import ChosenRows, choose_rows
from spatial.weights.value import Weights
from spatial.words import Said, listed

from .cells import Sample, operators_for
from .effects import Effects
from .given import Lags
from .layout import LagOperator, Layout
from .source import Source

if TYPE_CHECKING:
    from .design import Design

__all__ = [
    "RowChoice",
    "check_lags",
    "chosen_cells",
    "chosen_rows",
    "outcome_columns",
    "warn_outcome",
    "whole_operators",
    "within_rows",
]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RowChoice:
    """Which rows a design holds, of those that there are.

    Parameters
    ----------
    condition : str
    lags : "full" or "within"
        Whether spatial lags reach outside the chosen rows.
    n_rows, of_rows, unknown : int
        Rows of the data that meet the condition, all of them, and those of which it is not known.
    links : mapping of str to int
        By weights: links from the chosen units, at an average time; with ``"within"`` those among them.
    outside : mapping of str to float
        The share of the links from the chosen units that leads outside: cut with ``"within"``.
    """

    condition: str
    lags: Lags
    n_rows: int
    of_rows: int
    unknown: int
    links: Mapping[str, int]
    outside: Mapping[str, float]

    @property
    def note(self) -> str:
        """The choice in words."""
        rows = ("rows where {where}: {n} of {of}", "样本：{where}，{of} 行中的 {n} 行")
        parts: list[str] = [Said(rows, where=self.condition, n=str(self.n_rows), of=str(self.of_rows))]
        if self.unknown:
            left = (", {k} left out as unknown (missing values)", "，{k} 行因缺失而未知，已略去")
            parts.append(Said(left, k=str(self.unknown)))
        cut = self.lags == "within"
        outside = (
            f"; {{share}} of the links of {{name}} from them "
            f"{'were cut' if cut else 'lead outside, and are used'}",
            f"；{{name}} 中由其指向样本外的连接占 {{share}}，{'已切断' if cut else '仍使用'}",
        )
        for name, share in self.outside.items():
            if share != 0:
                parts.append(Said(outside, share=f"{share:.1%}", name=name))
        return listed(parts, ("", ""))


def check_lags(lags: str) -> None:
    """Refuse other words than the two."""
    if lags not in ("full", "within"):
        raise DataError(
            f"lags is 'full' (lags on the whole map, then rows) or 'within' (W cut too); got {lags!r}."
            f"{did_you_mean(lags, ['full', 'within'])}"
        )


def chosen_cells(where: str, source: Source) -> tuple[ChosenRows, Mask]:
    """Return the rows that meet the condition, and where they stand in the (T, N) arrays of the source."""
    frame = source.data.frame if source.is_panel else source.data
    chosen = choose_rows(where, frame)
    grid = np.zeros((len(source.times), len(source.units)), dtype=bool)
    index = frame.index[chosen.mask]
    unit = source.units.get_indexer(index.get_level_values(0) if source.is_panel else index)
    time = (
        source.times.get_indexer(index.get_level_values(1)) if source.is_panel else np.zeros(len(unit), int)
    )
    grid[time, unit] = True
    return chosen, grid


def warn_outcome(chosen: ChosenRows, outcomes: frozenset[str]) -> None:
    """Warn where rows are chosen by what is to be explained."""
    made = [name for name in chosen.condition.columns if name in outcomes]
    if made:
        warn(
            f"{chosen.condition.text} chooses rows by {made[0]}, an outcome of the system: estimates on a "
            "sample chosen by its outcome are biased (selection). Choose by something that the equations do "
            "not explain, or by its value before the first time."
        )


def count_links(weights: Mapping[str, Weights], grid: Mask) -> tuple[dict[str, int], dict[str, float]]:
    """Return, by weights, the links from the chosen units at an average time, and the share leading outside.

    `grid` is (T, N) over the times and the ids of the weights.
    """
    links: dict[str, int] = {}
    outside: dict[str, float] = {}
    chosen = grid[grid.any(axis=1)]
    for name, w in weights.items():
        total = among = 0
        for mask in chosen:
            rows = sp.csr_array(w.sparse[np.flatnonzero(mask)])
            total += rows.nnz
            among += int(mask[rows.indices].sum())
        links[name] = round(total / max(1, len(chosen)))
        outside[name] = 1.0 - among / total if total else 0.0
    return links, outside


def chosen_rows(design: Design, source: Source, chosen: ChosenRows, grid: Mask) -> Design:
    """Return the chosen rows of a design whose spatial lags are of the whole map.

    The matrices of spatial errors are cut to the rows: the error of a unit outside is not known.
    """
    layout = design.layout
    times = source.times.get_indexer(layout.times)
    units = source.units.get_indexer(layout.units)
    mask = grid[times[layout.time], units[layout.unit]]
    if not mask.any():
        raise DataError(f"None of the rows that meet {chosen.condition.text} is complete.")
    own = _sub_layout(layout, mask)
    seen = layout.units.isin(own.units)
    # A chosen unit may lose all its neighbours: its lags are of the whole map, and its error has none then.
    cut = {
        name: w if seen.all() else w.subset(own.units, islands="keep") for name, w in design.weights.items()
    }
    sample = Sample(own, np.flatnonzero(mask), cut)
    present = np.zeros((layout.n_times, layout.n_units), dtype=bool)
    present[layout.time[mask], layout.unit[mask]] = True
    links, outside = count_links(design.weights, present)
    used = {k: v for k, v in links.items() if k in design.structure.weights}
    choice = RowChoice(
        chosen.condition.text,
        "full",
        int(chosen.mask.sum()),
        len(chosen.mask),
        chosen.unknown,
        used,
        {k: outside[k] for k in used},
    )
    notes = (*design.notes, choice.note)
    errors = {e.error for e in design.structure.equations if e.error is not None}
    notes += tuple(
        f"the spatial errors are among the chosen rows: {outside[name]:.1%} of the links of {name} were cut"
        for name in sorted(errors)
        if outside[name] > 0
    )
    return replace(
        design,
        layout=own,
        effects=_sub_effects(design.effects, own, mask),
        columns=design.columns[mask],
        instruments=design.instruments[mask],
        operators=dict(operators_for(sample)),
        weights=cut,
        levels={k: v[mask] for k, v in design.levels.items()},
        external={k: v[mask] for k, v in design.external.items()},
        notes=notes,
        whole=design,
        choice=choice,
    )


def within_rows(cut: Design, weights: Mapping[str, Weights], chosen: ChosenRows, grid: Mask) -> Design:
    """Say of a design that was built on the chosen cells alone which they are, and what was cut of W."""
    links, outside = count_links(weights, grid)
    # What is left among them is what lags can use.
    among = {name: round(links[name] * (1.0 - outside[name])) for name in links}
    choice = RowChoice(
        chosen.condition.text,
        "within",
        int(chosen.mask.sum()),
        len(chosen.mask),
        chosen.unknown,
        among,
        outside,
    )
    # Cells that are absent are those that were not chosen: the choice says so itself.
    notes = tuple(note for note in cut.notes if not note.startswith("unbalanced:"))
    return replace(cut, notes=(*notes, choice.note), choice=choice)


def outcome_columns(outcomes: tuple[str, ...]) -> frozenset[str]:
    """Return the columns that outcomes, in canonical spelling, are made of."""
    return frozenset(
        node.name
        for outcome in outcomes
        for node in walk(parse_expression(outcome, tokens(outcome)))
        if isinstance(node, Name)
    )


def _sub_layout(layout: Layout, mask: Mask) -> Layout:
    unit, time = layout.unit[mask], layout.time[mask]
    units, unit_codes = np.unique(unit, return_inverse=True)
    times, time_codes = np.unique(time, return_inverse=True)
    return Layout(
        pd.Index(layout.units[units]),
        pd.Index(layout.times[times]),
        unit_codes.astype(np.intp),
        time_codes.astype(np.intp),
    )


def _sub_effects(effects: Effects, layout: Layout, mask: Mask) -> Effects:
    codes = tuple(np.unique(c[mask], return_inverse=True)[1].astype(np.intp) for c in effects.codes)
    return Effects(effects.names, effects.kept, codes, layout)


def whole_operators(design: Design) -> tuple[Layout, Mapping[str, LagOperator]]:
    """Return the layout and the lag operators of the map on which the lags were computed."""
    base = design if design.whole is None else design.whole
    return base.layout, base.operators
