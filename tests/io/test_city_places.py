"""Geometries, reference systems and seats of city layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import libpysal
import numpy as np
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError, SpatialWarning
from spatial.io.cities import read_cities
from spatial.io.shapefile import write_shapefile

EXAMPLES = Path(libpysal.__file__).parent / "examples"


# ---- geometry and CRS
def test_geometries(frame: gpd.GeoDataFrame) -> None:
    holes = frame.set_geometry([frame.geometry[0], None, frame.geometry[2]], crs=4326)
    with pytest.raises(DataError, match="a geometry for each unit; it is missing for '120000'"):
        read_cities(holes, id="adcode")
    holes = frame.set_geometry([frame.geometry[0], shapely.Polygon(), shapely.Point()], crs=4326)
    with pytest.raises(DataError, match="it is empty for '120000', '010000'"):
        read_cities(holes, id="adcode")
    wild = frame.set_geometry([shapely.Point(np.inf, 1), *frame.geometry[1:]], crs=32650)
    with pytest.raises(DataError, match="not finite, for '110000'"):
        read_cities(wild, id="adcode")
    bowtie = shapely.Polygon([(116, 39), (117, 40), (117, 39), (116, 40)])
    assert len(read_cities(frame.set_geometry([bowtie, *frame.geometry[1:]], crs=4326), id="adcode")) == 3


def test_no_crs(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    bare = frame.set_crs(None, allow_override=True)
    with pytest.warns(SpatialWarning, match=r"states no coordinate reference system.*Pass crs="):
        cities = read_cities(bare, id="adcode")
    # nothing is measured by contiguity; every distance is refused
    assert sp.weights.contiguity(cities).n_links == 4
    for measured in (lambda: sp.weights.knn(cities, 1), lambda: sp.weights.distance_band(cities, 100)):
        with pytest.raises(DataError, match=r"coordinate reference system"):
            measured()
    with (
        pytest.warns(SpatialWarning, match="states no"),
        pytest.raises(DataError, match=r"Seats are places on Earth, and The layer states no CRS.*pass crs="),
    ):
        read_cities(bare, id="adcode", seat=("lon", "lat"))
    assert read_cities(bare, id="adcode", crs="EPSG:4490").crs.to_epsg() == 4490
    path = write_shapefile(bare, tmp_path / "a.shp")
    assert read_cities(path, id="adcode", crs=4326).crs.to_epsg() == 4326
    with pytest.raises(DataError, match="crs='EPSG:99' is not known"):
        read_cities(bare, id="adcode", crs="EPSG:99")
    with pytest.warns(SpatialWarning, match=r"coordinates look like degrees .*pass crs='EPSG:4326'"):
        read_cities(bare, id="adcode", crs="EPSG:32650")


def test_a_crs_that_the_file_contradicts(frame: gpd.GeoDataFrame) -> None:
    assert read_cities(frame, id="adcode", crs="EPSG:4326").crs == frame.crs
    with pytest.raises(DataError, match=r"is in WGS 84; crs= says China Geodetic.*cities.to_crs"):
        read_cities(frame, id="adcode", crs=4490)


# As R's sf writes a layer without a CRS into a GeoPackage.
UNDEFINED = (
    'ENGCRS["Undefined Cartesian SRS with unknown unit",EDATUM["Unknown engineering datum"],CS[Cartesian,2],'
    'AXIS["X",unspecified,ORDER[1],LENGTHUNIT["unknown",0]],AXIS["Y",unspecified,ORDER[2],'
    'LENGTHUNIT["unknown",0]]]'
)


@pytest.mark.parametrize("local", ['LOCAL_CS["desk"]', UNDEFINED])
def test_a_local_plane_says_as_little_as_no_crs(tmp_path: Path, frame: gpd.GeoDataFrame, local: str) -> None:
    here = frame.to_crs(32650).set_crs(local, allow_override=True)
    here.to_file(tmp_path / "a.gpkg")
    for source in (here, tmp_path / "a.gpkg"):
        assert read_cities(source, id="adcode", crs=32650).crs.to_epsg() == 32650
        with pytest.warns(SpatialWarning, match=r"states no coordinate reference system but a local one \("):
            assert read_cities(source, id="adcode").crs is None


def test_projected_coordinates_under_degrees() -> None:
    # fixtures of libpysal that are wrong in this way
    with pytest.raises(
        DataError, match=r"baltimore.geojson has a CRS in degrees and coordinates that look projected"
    ):
        read_cities(EXAMPLES / "baltim" / "baltimore.geojson", id="STATION")
    street = next((EXAMPLES / "street_net_pts").glob("*.shp"))
    with pytest.raises(DataError, match=r"look projected \(x from 723368 to 728718"):
        read_cities(street, id=gpd.read_file(street, rows=1).columns[0])


def test_a_crs_for_coordinates_that_cannot_be_degrees(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    # GeoJSON counts as degrees; where the numbers say no, crs= may name the right system
    cities = read_cities(EXAMPLES / "baltim" / "baltimore.geojson", id="STATION", crs="EPSG:2248")
    assert cities.crs.to_epsg() == 2248
    frame.to_file(tmp_path / "a.geojson")
    with pytest.raises(DataError, match="is in WGS 84; crs= says"):
        read_cities(tmp_path / "a.geojson", id="adcode", crs=32650)
    frame.to_crs(32650).to_file(tmp_path / "b.geojson")
    with pytest.raises(DataError, match="is in WGS 84 / UTM zone 50N; crs= says"):
        read_cities(tmp_path / "b.geojson", id="adcode", crs=2248)


def swapped(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy[:, ::-1]), crs=frame.crs)


def test_lon_and_lat_swapped(frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(
        DataError, match=r"look swapped: x from 39 to 40, y from 116 to 119; latitudes beyond 90"
    ):
        read_cities(swapped(frame), id="adcode")
    # in range either way, and told by where the CRS is meant for
    ohio = frame.set_geometry([shapely.box(-84 + i, 39, -83 + i, 40) for i in range(3)], crs=4269)
    assert len(read_cities(ohio, id="adcode")) == 3
    with pytest.raises(DataError, match=r"look swapped: none lies where it should"):
        read_cities(swapped(ohio), id="adcode")


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((200, 10, 201, 11), r"longitudes beyond 180 \(.*\), for '120000'\. If they run from 0 to 360"),
        ((116, 95, 117, 96), r"coordinates out of range for degrees \(.*\), for '120000'"),
        ((5e5, 4e6, 5.1e5, 4.1e6), r"look projected .* for '120000'"),
    ],
)
def test_coordinates_out_of_range(frame: gpd.GeoDataFrame, box: tuple[float, ...], message: str) -> None:
    wrong = frame.set_geometry([frame.geometry[0], shapely.box(*box), frame.geometry[2]], crs=4326)
    with pytest.raises(DataError, match=message):
        read_cities(wrong, id="adcode")


# ---- seats
def test_seats_in_the_layers_crs(frame: gpd.GeoDataFrame) -> None:
    cities = read_cities(frame, id="adcode", seat=("lon", "lat"))
    assert isinstance(cities["seat"], gpd.GeoSeries)
    assert cities["seat"].crs == cities.crs
    assert cities["seat"].x.tolist() == frame["lon"].tolist()
    assert cities.geometry.name == "geometry"
    planar = read_cities(frame.to_crs(32650), id="adcode", seat=("lon", "lat"))
    assert planar["seat"].crs.to_epsg() == 32650
    # UTM 50N: central meridian 117 E, false easting 500 km, scale 0.9996
    assert planar["seat"].x.loc["120000"] == pytest.approx(
        500_000 + 0.2 * 111_320 * 0.9996 * np.cos(np.radians(39.1)), rel=1e-3
    )


def test_seats_that_are_points(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    points = gpd.GeoSeries(gpd.points_from_xy(frame.lon, frame.lat), crs=4326)
    with_points = frame.assign(capital=points.to_crs(32650))
    assert read_cities(with_points, id="adcode", seat="capital")["seat"].x.to_numpy() == pytest.approx(
        frame["lon"]
    )
    path = tmp_path / "a.parquet"
    frame.assign(seat=points).to_parquet(path)
    assert read_cities(path, id="adcode", seat="seat")["seat"].x.tolist() == frame["lon"].tolist()
    with pytest.raises(DataError, match="already has a column 'seat'"):
        read_cities(path, id="adcode", seat=("lon", "lat"))
    with pytest.raises(DataError, match="seat='lon' must be a column of points; it is float64"):
        read_cities(frame, id="adcode", seat="lon")
    areas = frame.assign(capital=frame.geometry)
    with pytest.raises(DataError, match="Seats must be points; column 'capital' is not for '110000'"):
        read_cities(areas, id="adcode", seat="capital")


def test_seats_that_are_refused(frame: gpd.GeoDataFrame) -> None:
    def read(lon: list[Any], lat: list[Any]) -> None:
        read_cities(frame.assign(lon=lon, lat=lat), id="adcode", seat=("lon", "lat"))

    lon, lat = frame["lon"].tolist(), frame["lat"].tolist()
    with pytest.raises(DataError, match=r"seats \(columns 'lon', 'lat'\) look swapped"):
        read(lat, lon)
    with pytest.raises(DataError, match=r"Each unit needs a seat; .* are missing for '120000'"):
        read([116, None, 118], lat)
    with pytest.raises(DataError, match=r"longitudes beyond 180 .* for '010000'"):
        read([116, 117, 300], lat)
    with pytest.raises(DataError, match="Column 'lon' of The layer must hold numbers; it holds text"):
        read(["116E", "117E", "118E"], lat)
    with pytest.raises(DataError, match=r"no column 'latt' for the seat. Did you mean 'lat'\?"):
        read_cities(frame, id="adcode", seat=("lon", "latt"))
    with pytest.raises(DataError, match="seat= takes"):
        read_cities(frame, id="adcode", seat=("lon", "lat", "number"))  # type: ignore[arg-type]


def test_seats_swapped_in_europe(frame: gpd.GeoDataFrame) -> None:
    # both are in range: the layer itself tells
    spain = frame.set_geometry([shapely.box(-4 + i, 40, -3 + i, 41) for i in range(3)], crs=4326)
    spain = spain.assign(lon=[-3.5, -2.5, -1.5], lat=[40.5, 40.2, 40.7])
    assert len(read_cities(spain, id="adcode", seat=("lon", "lat"))) == 3
    with pytest.raises(DataError, match="look swapped"):
        read_cities(spain, id="adcode", seat=("lat", "lon"))
