"""The Moran job: a map and a column in; table, scatter plot, cluster map and layers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

import spatial as sp
from spatial.errors import DataError, did_you_mean, name_ids
from spatial.io.atomic import file_stem, write_csv
from spatial.study.record import RunRecord

__all__ = ["MoranJob", "run_moran"]


@dataclass(frozen=True)
class MoranJob:
    """What to compute: column, permutations, seed, level, time of the maps and language."""

    column: str
    permutations: int = 999
    seed: int = 0
    alpha: float = 0.05
    at: Any = None
    lang: str = "en"


def run_moran(
    record: RunRecord, cities: Any, W: Any, job: MoranJob, panel: Any = None, *, files: bool = True
) -> tuple[pd.DataFrame, str]:
    """Compute Moran's I, by time if there is a panel; write what a reader needs.

    Returns
    -------
    table, text : the table that is written, and what to show.
    """
    column, stem = job.column, file_stem(job.column)
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
    write_csv(table, record.made("tables", f"moran_{stem}.csv"))
    with record.step(f"local Moran of {column}"):
        local = sp.local_moran(values, W, permutations=job.permutations, seed=job.seed, alpha=job.alpha)
    with record.step("scatter plot and cluster map"):
        axes = sp.moran_scatter(result, lang=job.lang)
        sp.save_figure(axes, record.made("figures", f"moran_scatter_{stem}.png"))
        axes = sp.map_clusters(local, cities, alpha=job.alpha, lang=job.lang)
        sp.save_figure(axes, record.made("figures", f"clusters_{stem}.png"))
    with record.step("GeoPackage with the local results"):
        sp.write_layers(record.made("gis", "moran.gpkg"), cities, {f"local_{stem}": local})
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
