"""The local job: a statistic for each unit; its table, maps of clusters and significance, layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

import spatial as sp
from spatial.errors import DataError, did_you_mean
from spatial.io.atomic import file_stem, write_csv
from spatial.study.record import RunRecord
from spatial.words import Said

from .options import LAYERS, in_time, under_time, with_terms

__all__ = ["STATISTICS", "LocalJob", "run_local"]

_OF_UNITS = ("{statistic} of {column} by unit{when}", "{column} 各个体的 {statistic} 统计量{when}")
# Name -> (of one variable, of two); None where there is none.
STATISTICS: dict[str, tuple[str | None, str | None]] = {
    "moran": ("local_moran", "bivariate_local_moran"),
    "geary": ("local_geary", None),
    "getis": ("getis_ord", None),
    "join-counts": ("local_join_counts", None),
    "quantile": ("quantile_lisa", None),
    "losh": ("losh", None),
    "rate": (None, "local_moran_rate"),
    "differential": (None, "differential_local_moran"),
}


@dataclass(frozen=True)
class LocalJob:
    """What to compute, and how: `options` are those of the statistic."""

    statistic: str = "moran"
    beside: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    lang: str = "en"

    def check(self) -> Callable[..., Any]:
        """Return the function that computes the statistic; refuse by name what it does not know."""
        if self.statistic not in STATISTICS:
            raise DataError(
                f"--statistic is one of {', '.join(STATISTICS)}; got {self.statistic!r}."
                f"{did_you_mean(self.statistic, STATISTICS)}"
            )
        name = STATISTICS[self.statistic][self.beside is not None]
        if name is None:
            how = (
                "is of one variable: leave --with out" if self.beside else "is of two variables: give --with"
            )
            raise DataError(f"--statistic {self.statistic} {how}.")
        found: Callable[..., Any] = getattr(sp, name)
        if not _has_sides(found) and self.options.get("alternative", "two-sided") != "two-sided":
            raise DataError(f"--statistic {self.statistic} has one tail only: leave --alternative out.")
        return found

    def compute(self, values: Callable[[str], pd.Series[Any]], column: str, W: Any) -> Any:
        """Return the result of a column."""
        run, options = self.check(), dict(self.options)
        if not _has_sides(run):
            options.pop("alternative", None)
        given = [values(column)] if self.beside is None else [values(column), values(self.beside)]
        if self.statistic == "differential":
            given = given[::-1]  # before, after
        return run(*given, W, **options)


def _has_sides(function: Callable[..., Any]) -> bool:
    """Whether a statistic has two tails to choose from; joins and heteroscedasticity have one."""
    return function not in (sp.local_join_counts, sp.losh, sp.quantile_lisa)


def run_local(
    record: RunRecord,
    columns: list[str],
    values: Callable[[str], pd.Series[Any]],
    W: Any,
    job: LocalJob,
    cities: Any,
    at: Any = None,
    *,
    files: bool,
    maps: dict[str, Any],
) -> tuple[pd.DataFrame, str]:
    """Compute the statistic of each column; return its rows and what to show; write tables, maps, layers."""
    tables, texts = [], []
    layers: dict[str, Any] = {}
    info: dict[str, Any] = {}
    for column in columns:
        with record.step(Said(_OF_UNITS, statistic=job.statistic, column=column, when=in_time(at))):
            result = job.compute(values, column, W)
        tables.append(with_terms(result.tidy(), result, at))
        texts.append(under_time(result.summary(), at))
        if files:
            name = f"{job.statistic}_{file_stem(column)}"
            layer = name if at is None else f"{name}_{at}"
            layers[layer], info[layer] = result, sp.LayerInfo(values=values(column), time=at)
            write_csv(result.frame.reset_index(), record.made("tables", f"{name}.csv"))
            with record.step(Said(("maps of {column}", "{column} 的地图"), column=column)):
                for kind, draw in (("clusters", sp.map_clusters), ("significance", sp.map_significance)):
                    axes = draw(result, cities, lang=job.lang, **maps)
                    sp.save_figure(axes, record.made("figures", f"{kind}_{name}.png"))
    if files:
        with record.step(LAYERS):
            target = record.made("gis", f"local_{job.statistic.replace('-', '_')}.gpkg")
            sp.write_layers(target, cities, layers, info=info, lang=job.lang)
    return pd.concat(tables, ignore_index=True), "\n\n".join(texts)
