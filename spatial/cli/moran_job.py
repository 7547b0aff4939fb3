"""The Moran job: a map and a column in; table, scatter plot, cluster map and layers out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import spatial as sp
from spatial.errors import DataError, did_you_mean, name_ids
from spatial.io.atomic import atomic_path
from spatial.study.record import RunRecord

__all__ = ["MoranJob", "as_map_ids", "restrict", "run_moran", "write_table"]


@dataclass(frozen=True)
class MoranJob:
    """What to compute: column, permutations, seed, level, time of the maps and language."""

    column: str
    permutations: int = 999
    seed: int = 0
    alpha: float = 0.05
    at: Any = None
    lang: str = "en"


def as_map_ids(panel: Any, ids: pd.Index[Any]) -> Any:
    """Return the panel with its unit ids in the type of the map's, which a table file cannot always say.

    A CSV file does not tell the text "37001" from the number 37001; a map does.  Numbers become the text
    that they are written as, text becomes numbers, where ids are then shared; else nothing is changed.
    """
    text_map, text_panel = (pd.api.types.infer_dtype(x, skipna=False) == "string" for x in (ids, panel.units))
    if text_map == text_panel or len(ids.intersection(panel.units)):
        return panel
    try:
        converted = panel.units.astype(str) if text_map else panel.units.astype("int64")
    except (TypeError, ValueError):
        return panel
    if not len(ids.intersection(converted)):
        return panel
    frame = panel.frame.rename(index=dict(zip(panel.units, converted, strict=True)), level=0)
    return sp.Panel(frame, panel.labels, panel.history)


def restrict(cities: Any, panel: Any) -> tuple[Any, Any, str]:
    """Keep the units that the map and the panel share; the third value says what was cut.

    Units that are cut are missing neighbours for those that stay, which the text says too.
    """
    both = cities.index.intersection(panel.units)
    if not len(both):
        raise DataError(
            f"The map and the panel share no id. The map has {name_ids(cities.index, 3)}; the panel has "
            f"{name_ids(panel.units, 3)}. Are they the same kind of id, and both text or both numbers?"
        )
    no_row, no_place = cities.index.difference(both), panel.units.difference(both)
    parts = []
    if len(no_row):
        parts.append(f"not in the panel, cut from the map (missing neighbours): {name_ids(no_row)}")
    if len(no_place):
        parts.append(f"not on the map, cut from the panel: {name_ids(no_place)}")
    frame = panel.frame[panel.frame.index.get_level_values(0).isin(both)]
    return cities.loc[both], sp.Panel(frame, panel.labels, panel.history), "; ".join(parts)


def run_moran(
    record: RunRecord, cities: Any, W: Any, job: MoranJob, panel: Any = None, *, files: bool = True
) -> tuple[pd.DataFrame, str]:
    """Compute Moran's I, by time if there is a panel; write what a reader needs.

    Returns
    -------
    table, text : the table that is written, and what to show.
    """
    column = job.column
    with record.step(f"Moran's I of {column}, {job.permutations} permutations"):
        if panel is None:
            values = _column(cities, column)
            result = sp.moran(values, W, permutations=job.permutations, seed=job.seed)
            table, text = result.tidy(), result.summary()
        else:
            at = panel.times[-1] if job.at is None else job.at
            values = panel.at(at)[panel.require(column)[0]].rename(column)
            result = sp.moran(values, W, permutations=job.permutations, seed=job.seed)
            table = sp.moran_panel(panel, [column], W, permutations=job.permutations, seed=job.seed)
            text = _by_time(table)
    if not files:
        return table, text
    write_table(table, record.made("tables", f"moran_{column}.csv"))
    with record.step(f"local Moran of {column}"):
        local = sp.local_moran(values, W, permutations=job.permutations, seed=job.seed, alpha=job.alpha)
    with record.step("scatter plot and cluster map"):
        axes = sp.moran_scatter(result, lang=job.lang)
        sp.save_figure(axes, record.made("figures", f"moran_scatter_{column}.png"))
        axes = sp.map_clusters(local, cities, alpha=job.alpha, lang=job.lang)
        sp.save_figure(axes, record.made("figures", f"clusters_{column}.png"))
    with record.step("GeoPackage with the local results"):
        sp.write_layers(record.made("gis", "moran.gpkg"), cities, {f"local_{column}": local})
    return table, text


def _by_time(table: pd.DataFrame) -> str:
    shown = table[["time", "n", "I", "expected", "z_randomisation", "p_randomisation", "p_sim"]]
    return str(shown.to_string(index=False, float_format=lambda v: f"{v:.4f}"))


def _column(cities: Any, column: str) -> pd.Series[Any]:
    if column not in cities.columns:
        numbers = cities.select_dtypes("number").columns
        raise DataError(
            f"The map has no column {column!r}.{did_you_mean(column, cities.columns)} "
            f"Its columns of numbers: {name_ids(numbers)}."
        )
    return cities[column]


def write_table(table: pd.DataFrame, path: Path, *, index: bool = False) -> Path:
    """Write a table as CSV that Excel opens with its Chinese intact."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=index, encoding="utf-8-sig")
    return path
