"""The Moran job: a map and columns in; tables, figures, maps, layers and a report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pandas as pd

import spatial as sp
from spatial.autocorrelation.global_moran import moran
from spatial.compute.pvalues import Alternative, alternative_words, smallest_p
from spatial.io.atomic import file_stem, write_csv
from spatial.languages.shown import digits, frame_text, shown
from spatial.study.record import RunRecord
from spatial.words import Said, tell

from .options import LAYERS, in_time, under_time, with_terms

__all__ = ["MoranJob", "by_time_notes", "run_moran"]

_STEPS = {
    "global": ("Moran's I of {column}, {count} permutations", "{column} 的莫兰指数，置换 {count} 次"),
    "both": (
        "bivariate Moran's I of {column} and the lag of {beside}{when}",
        "{column} 与 {beside} 空间滞后的双变量莫兰指数{when}",
    ),
    "local": ("local Moran of {column}", "{column} 的局部莫兰指数"),
    "figures": ("figures of {column}", "{column} 的图"),
    "report": ("interactive report", "交互报告"),
}


@dataclass(frozen=True)
class MoranJob:
    """What to compute, and how."""

    columns: tuple[str, ...]
    permutations: int = 999
    seed: int = 0
    alpha: float = 0.05
    at: Any = None
    lang: str = "en"
    alternative: str = "two-sided"
    missing: str = "raise"
    beside: str | None = None
    maps: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """What each statistic takes."""
        return {
            "permutations": self.permutations,
            "seed": self.seed,
            "alternative": self.alternative,
            "missing": self.missing,
        }


def run_moran(
    record: RunRecord,
    cities: Any,
    values_of: Callable[[str], pd.Series[Any]],
    W: Any,
    job: MoranJob,
    panel: Any = None,
    *,
    files: bool = True,
    whole: Any = None,
) -> tuple[pd.DataFrame, str]:
    """Compute Moran's I of each column, by time if there is a panel; write what a reader needs.

    Maps show the `whole` map: units that were cut are hatched as having no data.

    Returns
    -------
    table, text : one row a test, and what to show.
    """
    tables, texts = [], []
    layers: dict[str, Any] = {}
    info: dict[str, Any] = {}
    at, whole = job.at, cities if whole is None else whole
    for column in job.columns:
        with record.step(_step("global", column, count=str(job.permutations))):
            result = moran(values_of(column), W, **job.options)
            table, text = _table(result, panel, column, W, job)
        tables.append(table)
        texts.append(text)
        if job.beside is not None:
            with record.step(_step("both", column, beside=job.beside, when=in_time(at))):
                both = sp.bivariate_moran(values_of(column), values_of(job.beside), W, **job.options)
            texts.append(under_time(both.summary(), at))
            tables.append(with_terms(both.tidy(), both, at).assign(column=f"{column}, W {job.beside}"))
        if files:
            with record.step(_step("local", column)):
                local = sp.local_moran(values_of(column), W, alpha=job.alpha, **job.options)
            name = file_stem(column)
            layer = f"local_{name}" if at is None else f"local_{name}_{at}"
            layers[layer], info[layer] = local, sp.LayerInfo(values=values_of(column), time=at)
            write_csv(table, record.made("tables", f"moran_{name}.csv"))
            with record.step(_step("figures", column)):
                _draw(record, whole, panel, column, result, local, table, job)
    if files:
        with record.step(LAYERS):
            sp.write_layers(record.made("gis", "moran.gpkg"), whole, layers, info=info, lang=job.lang)
        if panel is not None:
            _write_report(record, whole, panel, W, job)
    return pd.concat(tables, ignore_index=True), "\n\n".join(texts)


def _table(result: Any, panel: Any, column: str, W: Any, job: MoranJob) -> tuple[pd.DataFrame, str]:
    """Return one row a test, or a time of the panel, and the text to show."""
    if panel is None:
        return with_terms(result.tidy(), result).assign(column=column), result.summary()
    table = with_terms(sp.moran_panel(panel, [column], W, **job.options), result)
    by = panel.frame.index.names[1]
    return table, tell(
        f"Moran's I of {column}, by {by}", f"{column} 的莫兰指数，按 {by}"
    ) + f"\n{_by_time(table)}"


def _draw(
    record: RunRecord,
    cities: Any,
    panel: Any,
    column: str,
    result: Any,
    local: Any,
    table: Any,
    job: MoranJob,
) -> None:
    """Draw scatter plot and cluster map, and of a panel Moran's I and the values at all times."""
    maps: dict[str, Any] = {"lang": job.lang, **job.maps}
    axes = {
        "moran_scatter": sp.moran_scatter(result, lang=job.lang),
        "clusters": sp.map_clusters(local, cities, **maps),
    }
    if panel is not None and len(panel.times) > 1:
        axes["moran_time"] = sp.moran_over_time(table, lang=job.lang)
        # Names, scale and north are never on grids.
        grid = {
            key: value for key, value in maps.items() if key not in ("labels", "scale_bar", "north_arrow")
        }
        axes["maps"] = sp.small_multiples(cities, panel, column, **grid)
    for name, drawn in axes.items():
        sp.save_figure(drawn, record.made("figures", f"{name}_{file_stem(column)}.png"))


def _write_report(record: RunRecord, cities: Any, panel: Any, W: Any, job: MoranJob) -> None:
    with record.step(_step("report")):
        sp.explore(
            cities, panel, list(job.columns), W, record.made("report.html"), lang=job.lang, alpha=job.alpha,
            permutations=max(job.permutations, 1), seed=job.seed,
            alternative=cast(Alternative, job.alternative),
        )  # fmt: skip


def _step(kind: str, column: str = "", **values: str) -> Said:
    return Said(_STEPS[kind], column=column, **values)


def by_time_notes(found: pd.DataFrame) -> str:
    """Say on which weights and terms the rows of a panel are."""
    from spatial.autocorrelation.panels import CENTERS

    first = found.iloc[0]
    lines = [tell("Weights: ", "权重：") + shown(first["weights"])]
    lines.append(tell("P-values: ", "p 值：") + alternative_words(first["alternative"]))
    if first["permutations"]:
        least = smallest_p(first["permutations"], first["alternative"])
        count, seed = first["permutations"], first["seed"]
        lines.append(
            tell(
                f"p_sim: {count} permutations, seed {seed}; smallest p {least:.2g}",
                f"p（置换）：置换 {count} 次，随机种子 {seed}；可达到的最小 p 值 {least:.2g}",
            )
        )
    return "\n".join([*lines, tell("Row ", "行：") + shown(CENTERS["within"])])


def _by_time(table: pd.DataFrame) -> str:
    rows = table[["time", "n", "I", "expected", "z_randomisation", "p_randomisation", "p_sim"]]
    return frame_text(rows, digits(4))
