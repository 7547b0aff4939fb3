"""The last row: a cold `spatial moran FILE COLUMN` on 300 cities, beside a script that uses esda."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from harness import Case, main

SCRIPT = """
import sys, geopandas, libpysal, esda
cities = geopandas.read_file(sys.argv[1]).set_index("id")
w = libpysal.graph.Graph.build_contiguity(cities, rook=False).transform("r")
print(esda.Moran(cities["gdp"], w).I)
print(esda.Moran_Local(cities["gdp"], w).p_sim[:3])
"""


def map_of_300() -> Path:
    """Write 15 x 20 cells with a column."""
    x, y = np.meshgrid(np.arange(20.0), np.arange(15.0))
    cells = shapely.box(100 + x.ravel() / 2, 25 + y.ravel() / 2, 100.5 + x.ravel() / 2, 25.5 + y.ravel() / 2)
    gdp = np.random.default_rng(0).normal(size=300) + x.ravel() / 5
    path = Path(tempfile.mkdtemp()) / "cities.gpkg"
    gpd.GeoDataFrame({"id": np.arange(300), "gdp": gdp}, geometry=cells, crs="EPSG:4326").to_file(path)
    return path


def run(command: list[str]) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


def ours() -> Callable[[], object]:
    return run(
        [str(Path(sys.executable).parent / "spatial"), "moran", str(map_of_300()), "gdp", "--id", "id"]
    )


def esda() -> Callable[[], object]:
    return run([sys.executable, "-c", SCRIPT, str(map_of_300())])


if __name__ == "__main__":
    work = "cold `spatial moran FILE COLUMN`, 300 cities"
    main([Case(work, "spatial", ours), Case(work, "esda script", esda)])
