"""The report and its data for the web: stable ids, shared borders once, values that are those measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError
from spatial.report.topology import build_topology


@pytest.fixture(scope="module")
def site(nc: Any, nc_crime: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A site of North Carolina: all counties, 90 of them with data."""
    W = sp.weights.contiguity(nc.loc[nc_crime.units], islands="nearest").row_standardized()
    folder = tmp_path_factory.mktemp("site")
    page = sp.write_web(folder / "web", nc, nc_crime, ["crmrte", "density"], W, permutations=99)
    return page, nc, nc_crime, W


def decoded(path: Path) -> dict[str, Any]:
    """Read TopoJSON by its specification, as polygons by id."""
    data = json.loads(path.read_text(encoding="utf-8"))
    scale, shift = (np.array(data["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in data["arcs"]]

    def ring(parts: list[int]) -> Any:
        lines = [arcs[k] if k >= 0 else arcs[~k][::-1] for k in parts]
        return np.concatenate([lines[0], *(line[1:] for line in lines[1:])])

    return {
        g["id"]: shapely.MultiPolygon(
            [shapely.Polygon(ring(p[0]), [ring(r) for r in p[1:]]) for p in g["arcs"]]
        )
        for g in data["objects"]["units"]["geometries"]
    }


def test_features_keep_their_ids_and_shapes(site: Any) -> None:
    page, nc, nc_crime, _ = site
    features = json.loads((page.parent / "units.geojson").read_text(encoding="utf-8"))["features"]
    assert {f["id"] for f in features} == set(nc.index)
    assert [f["id"] for f in features[:90]] == list(nc_crime.units)
    found = gpd.read_file(page.parent / "units.geojson").set_index("id")
    assert found.crs.to_epsg() == 4326
    flat = found.geometry.to_crs(32119).area
    np.testing.assert_allclose(flat.loc[nc.index], nc.geometry.to_crs(32119).area, rtol=2e-3)
    assert shapely.coverage_is_valid(np.asarray(found.geometry.array))
    for feature in features[:3]:
        for polygon in feature["geometry"]["coordinates"]:
            assert shapely.LinearRing(polygon[0]).is_ccw  # RFC 7946
            assert polygon[0][0] == polygon[0][-1]


def test_topojson_is_the_same_map_with_each_border_once(site: Any) -> None:
    page, _, _, _ = site
    flat = gpd.read_file(page.parent / "units.geojson").set_index("id").geometry
    mine = decoded(page.parent / "units.topojson")
    for unit, shape in mine.items():
        assert shapely.equals_exact(shapely.normalize(shape), shapely.normalize(flat[unit]), 1e-9)
    # And as GDAL reads it.
    theirs = gpd.read_file(page.parent / "units.topojson").set_index("id").geometry
    one, two = (shapely.area(np.asarray(part.array)) for part in (theirs.loc[flat.index], flat))
    np.testing.assert_allclose(one, two, rtol=1e-9)
    data = json.loads((page.parent / "units.topojson").read_text(encoding="utf-8"))
    used = np.zeros(len(data["arcs"]), dtype=int)
    for geometry in data["objects"]["units"]["geometries"]:
        for k in np.concatenate([np.array(ring) for polygon in geometry["arcs"] for ring in polygon]):
            used[k if k >= 0 else ~k] += 1
    assert set(used) == {1, 2}
    scale = data["transform"]["scale"][0]
    length = [np.hypot(*np.array(arc[1:]).T).sum() * scale for arc in data["arcs"]]
    coast = shapely.union_all(list(mine.values())).length
    assert np.array(length)[used == 1].sum() == pytest.approx(coast, rel=1e-9)
    size = [(page.parent / f"units.{kind}").stat().st_size for kind in ("topojson", "geojson")]
    assert size[0] < 0.6 * size[1]


@pytest.mark.evidence("write_web", source="local_moran of each time", kind="identity")
def test_values_are_those_of_local_moran(site: Any) -> None:
    page, _, panel, W = site
    found = pd.read_csv(page.parent / "values.csv", dtype={"id": str}, keep_default_na=False)
    assert len(found) == 630
    for year in (1981, 1987):
        part = found[found["year"] == year].set_index("id").loc[list(W.ids)]
        frame = sp.local_moran(panel.at(year)["density"], W, permutations=99).frame.loc[W.ids]
        np.testing.assert_array_equal(part["density"].astype(float), panel.at(year)["density"].loc[W.ids])
        np.testing.assert_array_equal(part["density_p"].astype(float), frame["p_sim"])
        np.testing.assert_allclose(part["density_lag_z"].astype(float), frame["lag"], rtol=1e-12)
        assert part["density_cluster"].tolist() == frame["cluster"].tolist()
    said = json.loads((page.parent / "units.geojson").read_text(encoding="utf-8"))["features"]
    last = {f["id"]: f["properties"] for f in said}
    for unit in W.ids[:5]:
        assert last[unit]["crmrte"] == panel.at(1987)["crmrte"].loc[unit]
        assert last[unit]["year"] == "1987"
    assert "37199" not in W.ids
    assert last["37199"]["crmrte"] is None
    assert sum(p["crmrte"] is None for p in last.values()) == 10


def test_the_page_is_the_report(site: Any, tmp_path: Path) -> None:
    page, nc, panel, W = site
    report = sp.explore(nc, panel, ["crmrte", "density"], W, tmp_path / "r.html", permutations=99)
    assert page.name == "index.html"
    assert page.read_bytes() == report.read_bytes()


def test_arcs_meet_where_three_borders_do() -> None:
    cells = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(0, 1, 2, 2)]
    around = shapely.box(10, 0, 13, 3)
    hole = shapely.box(11, 1, 12, 2)
    shapes = np.array([*cells, shapely.difference(around, hole), hole])
    found = build_topology(shapely.segmentize(shapes, 1))
    # Of the three squares: three inside and three outside; of the ring: its outside and the enclave's border.
    assert len(found.arcs) == 8
    assert found.units[3][0][1] == [~found.units[4][0][0][0]]
    for unit, shape in enumerate(shapes):
        rings = [shapely.LinearRing(r) for r in found.polygons(unit)[0]]
        back = shapely.Polygon(rings[0], rings[1:])
        assert shapely.equals(back, shape)


def test_a_unit_smaller_than_the_grid_stays() -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 1 + 1e-7, 1e-7)])
    found = build_topology(shapes)
    assert [len(unit) for unit in found.units] == [1, 1]
    assert shapely.Polygon(found.polygons(1)[0][0]).area > 0


def test_points_are_geojson_alone_and_names_come_in_both_languages(tmp_path: Path) -> None:
    points = [shapely.Point(116 + k % 3, 30 + k // 3) for k in range(9)]
    cities = gpd.GeoDataFrame(
        {"name_en": list("ABCDEFGHI"), "name_zh": list("甲乙丙丁戊己庚辛壬")},
        geometry=points, index=[f"{110000 + k}" for k in range(9)], crs=4326,
    )  # fmt: skip
    x = pd.DataFrame({"x": np.arange(9.0)}, index=cities.index)
    W = sp.weights.knn(cities, 3).row_standardized()
    page = sp.write_web(tmp_path, cities, x, "x", W, permutations=99)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "units.geojson", "values.csv"]
    said = json.loads((page.parent / "units.geojson").read_text(encoding="utf-8"))["features"]
    assert said[0]["geometry"] == {"type": "Point", "coordinates": [116.0, 30.0]}
    assert said[0]["properties"]["name_zh"] == "甲"
    assert "year" not in said[0]["properties"]


def test_what_cannot_be_put_on_the_web_is_refused(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    bare = cities.set_crs(None, allow_override=True)
    with pytest.raises(DataError, match="the cities have no CRS: name theirs with set_crs first"):
        sp.write_web(tmp_path / "a", bare, panel, "x", W)
    renamed = panel.with_columns(name=panel.frame["x"])
    with pytest.raises(DataError, match="Columns 'name' would hide the fields of units: rename them"):
        sp.write_web(tmp_path / "a", cities, renamed, "name", W, permutations=99)
    assert not (tmp_path / "a").exists()
