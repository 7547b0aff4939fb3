"""Nearest neighbours and bands on the sphere; contiguity; weights files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from harness import Case, made, main


def cities(n: int) -> Any:
    """Points over China's extent, seeded."""
    rng = np.random.default_rng(1)
    points = gpd.points_from_xy(rng.uniform(75, 134, n), rng.uniform(18, 53, n))
    return gpd.GeoDataFrame({"id": np.arange(n)}, geometry=points, crs="EPSG:4326").set_index("id")


def lattice(n: int) -> Any:
    """A square lattice of about n polygons."""
    side = round(n**0.5)
    x, y = np.meshgrid(np.arange(side, dtype=float), np.arange(side, dtype=float))
    boxes = shapely.box(x.ravel(), y.ravel(), x.ravel() + 1, y.ravel() + 1)
    return gpd.GeoDataFrame(geometry=boxes, crs="EPSG:3857")


def ours_knn(n: int = 300_000) -> Callable[[], object]:
    import spatial as sp

    places = cities(n)
    return lambda: sp.weights.knn(places, 8)


def libpysal_knn() -> Callable[[], object]:
    from libpysal.graph import Graph

    places = cities(300_000)
    return lambda: Graph.build_knn(places, k=8, metric="haversine")


def ours_band() -> Callable[[], object]:
    import spatial as sp

    places = cities(30_000)
    return lambda: sp.weights.inverse_distance(places, cutoff_km=200, islands="keep")


def libpysal_arc_band() -> Callable[[], object]:
    import warnings

    from libpysal.weights import DistanceBand

    warnings.simplefilter("ignore")
    places = cities(30_000)
    xy = np.column_stack([places.geometry.x, places.geometry.y])
    return lambda: DistanceBand(
        xy, 200.0, binary=False, alpha=-1.0, distance_metric="Arc", radius=6371.0088, silence_warnings=True
    )


def libpysal_planar_band() -> Callable[[], object]:
    from libpysal.graph import Graph

    places = cities(30_000)
    return lambda: Graph.build_distance_band(places, threshold=1.8, binary=False, alpha=-1.0)


def ours_queen(n: int) -> Callable[[], object]:
    import spatial as sp

    polygons = lattice(n)
    return lambda: sp.weights.contiguity(polygons)


def libpysal_queen(n: int, strict: bool) -> Callable[[], object]:
    from libpysal.graph import Graph

    polygons = lattice(n)
    return lambda: Graph.build_contiguity(polygons, rook=False, strict=strict)


FOLDERS: list[Any] = []


def opened_by_geoda(table: Any) -> Any:
    """Open a table in pygeoda, which reads files only; the folder goes with the process."""
    import pygeoda

    FOLDERS.append(tempfile.TemporaryDirectory(prefix="bench-geoda-"))
    path = Path(FOLDERS[-1].name) / "map.shp"
    table.assign(number=np.arange(len(table))).to_file(path)
    return pygeoda.open(str(path))


def geoda_queen(n: int) -> Callable[[], object]:
    import pygeoda

    opened = opened_by_geoda(lattice(n))
    return lambda: pygeoda.queen_weights(opened)


def geoda_knn() -> Callable[[], object]:
    import pygeoda

    opened = opened_by_geoda(cities(300_000))
    return lambda: pygeoda.knn_weights(opened, 8, is_arc=True)


def large_weights() -> Any:
    """A million units with eight neighbours each, in mixed order of ids."""
    import spatial as sp

    n = 1_000_000
    W = sp.weights.grid((1000, 1000))
    return W.reordered(np.random.default_rng(0).permutation(n))


def kept(suffix: str) -> Path:
    """Write the large weights, once for all who read them."""
    return made(f"w{suffix}", lambda path: large_weights().write(path))


def ours_read(suffix: str) -> Callable[[], object]:
    import spatial as sp

    path = kept(suffix)
    return lambda: sp.weights.read(path)


def scipy_npz() -> Callable[[], object]:
    import scipy.sparse as sparse

    path = kept(".npz")
    return lambda: sparse.load_npz(path)


def arrow_parquet() -> Callable[[], object]:
    from pyarrow import parquet

    path = kept(".parquet")
    return lambda: parquet.read_table(path).to_pandas()


def ours_delaunay() -> Callable[[], object]:
    import spatial as sp

    places = cities(100_000)
    return lambda: sp.weights.delaunay(places)


def libpysal_delaunay() -> Callable[[], object]:
    from libpysal.graph import Graph

    places = cities(100_000)
    return lambda: Graph.build_triangulation(places, method="delaunay")


KNN = "kNN 8, great circle, 300,000 points"
BAND = "200 km inverse distance, 30,000 points"
QUEEN = "queen contiguity, 100,000 polygons"
NPZ = "weights .npz read, 1,000,000 x 8"
PARQUET = "weights .parquet read, 1,000,000 x 8"
GAL = "weights .gal read, 1,000,000 x 8"
DELAUNAY = "Delaunay links, 100,000 points (ours on the sphere)"

if __name__ == "__main__":
    main(
        [
            Case(KNN, "spatial", ours_knn),
            Case(KNN, "libpysal Graph", libpysal_knn),
            Case(KNN, "pygeoda, arc, from a file", geoda_knn),
            Case(BAND, "spatial", ours_band),
            Case(BAND, "libpysal W, arc", libpysal_arc_band, repeats=1),
            Case(BAND, "libpysal Graph, planar degrees", libpysal_planar_band, repeats=1),
            Case(QUEEN, "spatial", lambda: ours_queen(100_000)),
            Case(QUEEN, "libpysal Graph, vertex hash", lambda: libpysal_queen(100_000, False)),
            Case(QUEEN, "libpysal Graph, strict", lambda: libpysal_queen(100_000, True)),
            Case(QUEEN, "pygeoda, from a file", lambda: geoda_queen(100_000)),
            Case(NPZ, "spatial", lambda: ours_read(".npz")),
            Case(NPZ, "scipy load_npz, no ids", scipy_npz),
            Case(PARQUET, "spatial", lambda: ours_read(".parquet")),
            Case(PARQUET, "pyarrow, a table only", arrow_parquet),
            Case(GAL, "spatial", lambda: ours_read(".gal"), repeats=1),
            Case(DELAUNAY, "spatial", ours_delaunay),
            Case(DELAUNAY, "libpysal Graph, planar degrees", libpysal_delaunay),
        ]
    )
