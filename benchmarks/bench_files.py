"""Panels, maps and layers in files, beside pandas, polars, geopandas and pyogrio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_weights import lattice
from harness import Case, folder, made, main

CSV = "panel CSV read, 1,000,000 rows"
LAYERS = "layer of local Moran written, 100,000 polygons"
MAP = "GeoPackage read, 100,000 polygons"
PARQUET = "panel Parquet read, 1,000,000 rows, ids as text"
GEOJSON = "GeoJSON read, 100,000 polygons"


def panel_csv() -> Path:
    """Write 50,000 cities of 20 years with three variables."""

    def write(path: Path) -> None:
        rng = np.random.default_rng(0)
        cities, years = np.meshgrid(np.arange(110_000, 160_000), np.arange(2000, 2020), indexing="ij")
        frame = pd.DataFrame({"city": cities.ravel(), "year": years.ravel()})
        for name in ("gdp", "jobs", "wage"):
            frame[name] = rng.normal(size=len(frame)).round(6)
        frame.to_csv(path, index=False)

    return made("panel.csv", write)


def ours_csv() -> Callable[[], object]:
    import spatial as sp

    path = panel_csv()
    return lambda: sp.read_panel(path, unit="city", time="year")


def pandas_csv() -> Callable[[], object]:
    path = panel_csv()
    return lambda: pd.read_csv(path)


def polars_csv() -> Callable[[], object]:
    import polars as pl

    path = panel_csv()
    return lambda: pl.read_csv(path)


def panel_parquet() -> Path:
    return made("panel.parquet", lambda path: pd.read_csv(panel_csv(), dtype={"city": str}).to_parquet(path))


def ours_parquet() -> Callable[[], object]:
    import spatial as sp

    path = panel_parquet()
    return lambda: sp.read_panel(path, unit="city", time="year")


def pandas_parquet() -> Callable[[], object]:
    path = panel_parquet()
    return lambda: pd.read_parquet(path)


def cities() -> Any:
    table = lattice(100_000)
    rng = np.random.default_rng(0)
    table["id"] = np.arange(len(table))
    table["name"] = [f"city {k}" for k in range(len(table))]
    table["gdp"] = rng.normal(size=len(table))
    return table.set_index("id")


def result(table: Any) -> Any:
    import spatial as sp

    W = sp.weights.contiguity(table).row_standardized()
    return sp.local_moran(table["gdp"], W, permutations=99)


def ours_layers() -> Callable[[], object]:
    import spatial as sp

    table = cities()
    found, path = result(table), folder() / "ours.gpkg"

    def work() -> None:
        path.unlink(missing_ok=True)
        sp.write_layers(path, table, {"lisa": found})

    return work


def geopandas_layers(use_arrow: bool) -> Callable[[], object]:
    """Return the same columns written by geopandas, without style, titles and project."""
    table = cities()
    frame = table[["name", "geometry"]].join(result(table).frame).reset_index()
    path = folder() / f"peer{use_arrow}.gpkg"

    def work() -> None:
        path.unlink(missing_ok=True)
        frame.to_file(path, layer="lisa", use_arrow=use_arrow, promote_to_multi=True)

    return work


def map_file() -> Path:
    return made("map.gpkg", lambda path: cities().reset_index().to_file(path, driver="GPKG"))


def ours_map() -> Callable[[], object]:
    import spatial as sp

    path = map_file()
    return lambda: sp.read_cities(path, id="id")


def pyogrio_map() -> Callable[[], object]:
    import pyogrio

    path = map_file()
    return lambda: pyogrio.read_dataframe(path, use_arrow=True)


def geojson_file() -> Path:
    return made("map.geojson", lambda path: cities().reset_index().to_crs(4326).to_file(path))


def ours_geojson() -> Callable[[], object]:
    import spatial as sp

    path = geojson_file()
    return lambda: sp.read_cities(path, id="id")


def pyogrio_geojson() -> Callable[[], object]:
    import pyogrio

    path = geojson_file()
    return lambda: pyogrio.read_dataframe(path, use_arrow=True)


CASES = [
    Case(CSV, "spatial", ours_csv, aim="2"),
    Case(CSV, "pandas", pandas_csv),
    Case(CSV, "polars", polars_csv),
    Case(LAYERS, "spatial", ours_layers, aim="1.0"),
    Case(LAYERS, "geopandas", lambda: geopandas_layers(False)),
    Case(LAYERS, "geopandas, Arrow", lambda: geopandas_layers(True)),
    Case(MAP, "spatial", ours_map, aim="0.45"),
    Case(MAP, "pyogrio, Arrow", pyogrio_map),
    Case(GEOJSON, "spatial", ours_geojson),
    Case(GEOJSON, "pyogrio, Arrow", pyogrio_geojson),
    Case(PARQUET, "spatial", ours_parquet),
    Case(PARQUET, "pandas", pandas_parquet),
]

if __name__ == "__main__":
    main(CASES)
