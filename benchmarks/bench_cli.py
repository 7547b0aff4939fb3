"""A cold `spatial moran FILE COLUMN` on 300 cities, beside scripts that use pygeoda and esda."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from harness import Case, folder, made, main

SCRIPT = """
import sys, geopandas, libpysal, esda
cities = geopandas.read_file(sys.argv[1]).set_index("id")
w = libpysal.graph.Graph.build_contiguity(cities, rook=False).transform("r")
print(esda.Moran(cities["gdp"], w).I)
print(esda.Moran_Local(cities["gdp"], w).p_sim[:3])
"""


def map_of_300() -> Path:
    """Write 15 x 20 cells with a column."""

    def write(path: Path) -> None:
        x, y = np.meshgrid(np.arange(20.0), np.arange(15.0))
        west, south = 100 + x.ravel() / 2, 25 + y.ravel() / 2
        cells = shapely.box(west, south, west + 0.5, south + 0.5)
        gdp = np.random.default_rng(0).normal(size=300) + x.ravel() / 5
        table = gpd.GeoDataFrame({"id": np.arange(300), "gdp": gdp}, geometry=cells, crs="EPSG:4326")
        table.to_file(path, driver="GPKG", layer="cities")

    return made("cities.gpkg", write)


GEODA = """
import sys, pygeoda
cities = pygeoda.open(sys.argv[1])
w = pygeoda.queen_weights(cities)
print(pygeoda.local_moran(w, cities.GetRealCol("gdp")).lisa_pvalues()[:3])
"""


def run(command: list[str], environment: Callable[[], dict[str, str]] = dict) -> Callable[[], object]:
    """Return a process; one that ends with an error whose last line says why."""

    def work() -> None:
        env = {**os.environ, **environment()}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled; the first round may do it
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no reason"])[-1])

    return work


def ours(no_kernels: bool = False) -> Callable[[], object]:
    """Return our command; with `no_kernels` each call finds an empty folder of compiled ones."""
    command = [str(Path(sys.executable).parent / "spatial"), "moran", str(map_of_300()), "gdp", "--id", "id"]
    if no_kernels:
        return run(command, lambda: {"NUMBA_CACHE_DIR": tempfile.mkdtemp(dir=folder())})
    return run(command)


def esda() -> Callable[[], object]:
    return run([sys.executable, "-c", SCRIPT, str(map_of_300())])


def pygeoda() -> Callable[[], object]:
    """Return a script of pygeoda, which has local Moran's I only and reads Shapefiles."""
    path = map_of_300().with_suffix(".shp")
    gpd.read_file(map_of_300()).to_file(path)
    return run([sys.executable, "-c", GEODA, str(path)])


if __name__ == "__main__":
    work = "cold `spatial moran FILE COLUMN`, 300 cities"
    main(
        [
            Case(work, "spatial", ours),
            Case(work, "pygeoda script", pygeoda),
            Case(work, "esda script", esda, repeats=1),
        ]
    )
