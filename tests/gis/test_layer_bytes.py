"""Two ways to write the polygons of a layer leave the same GeoPackage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.gis import geopackage
from spatial.gis.layers import write_layers

CHANGES = {"last_change", "update_time"}


def contents(path: Path) -> dict[str, Any]:
    """Return the rows and the definition of each table, without the times of writing."""
    out = {}
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        for name, definition in tables:
            columns = [row[1] for row in database.execute(f'PRAGMA table_info("{name}")')]
            kept = ", ".join(f'"{column}"' for column in columns if column not in CHANGES)
            out[name] = definition, database.execute(f'SELECT {kept} FROM "{name}"').fetchall()
    return out


@pytest.mark.parametrize("crs", [4326, "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105", None])
def test_polygons_that_are_made_multipolygons_in_bytes_are_those_of_geopandas(
    crs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = [*shapely.box(np.arange(100.0, 106), 30, np.arange(101.0, 107), 31)]
    shapes[2] = shapely.MultiPolygon([shapes[2], shapely.box(110, 30, 111, 31)])
    shapes[3] = shapely.Polygon(shapes[3].exterior, [[(103.2, 30.2), (103.4, 30.2), (103.4, 30.4)]])
    cities = gpd.GeoDataFrame({"名称": [f"城市{k}" for k in range(6)]}, geometry=shapes, crs=crs)
    effect = pd.Series([0.5, np.nan, 1, 2, 3, 4], index=cities.index, name="x")
    found = []
    for name in ("bytes", "objects"):
        path = tmp_path / name / "layers.gpkg"
        path.parent.mkdir()
        write_layers(path, cities, {"effect": effect, "counts": pd.Series(range(6), name="k")})
        found.append(contents(path))
        monkeypatch.setattr(geopackage, "_multipolygons", lambda _: None)
    assert found[0] == found[1]
    assert len(found[0]["effect"][1]) == 6
