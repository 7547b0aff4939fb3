"""Degrees and kilometres, the date line, points on one place, borders that touch in a point."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from shapely.geometry import Polygon, box

from audit.question import REFUSE, question

FAMILY = "Places: degrees, the date line, points on one place, borders"


def _points(lon: list[float], lat: list[float]) -> gpd.GeoDataFrame:
    names = [f"p{k}" for k in range(len(lon))]
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), index=names, crs="EPSG:4326")


def _xy(cities: gpd.GeoDataFrame) -> np.ndarray:
    return np.column_stack([cities.geometry.x, cities.geometry.y])


def _geoda(cities: gpd.GeoDataFrame) -> Any:
    """The map as pygeoda takes it: numbered rows and a column."""
    import pygeoda

    return pygeoda.open(cities.reset_index(drop=True).assign(v=1.0))


def _equator() -> gpd.GeoDataFrame:
    """Five points a degree (111.2 km) apart."""
    return _points([0.0, 1, 2, 3, 4], [0.0] * 5)


@question(FAMILY, 2.0)
class BandOfKilometres:
    """How many neighbours within 150 km has the middle one of five points a degree apart?"""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.distance_band(_equator(), 150).cardinalities.iloc[2]

    def libpysal() -> float:
        from libpysal.weights import DistanceBand

        return DistanceBand.from_dataframe(_equator(), threshold=150).cardinalities["p2"]

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.build_distance_band(_equator(), 150).cardinalities["p2"]

    def statspai() -> float:
        import statspai

        w = statspai.distance_band(_xy(_equator()), 150)
        return len(w.neighbors[2])

    def pygeoda() -> float:
        import pygeoda

        w = pygeoda.distance_weights(_geoda(_equator()), 150)
        return len(w.get_neighbors(2))


def _north() -> gpd.GeoDataFrame:
    """At 60 N a degree east is 55.6 km: p1 (1.5 east, 83 km) is nearer than p2 (1.2 north, 133 km)."""
    return _points([20.0, 21.5, 20.0, 40.0], [60.0, 60.0, 61.2, 60.0])


@question(FAMILY, 1.0)
class NearestInTheNorth:
    """Which of p1 (83 km east) and p2 (133 km north) is the nearest neighbour of p0 at 60 N?"""

    def spatial() -> float:
        import spatial as sp

        return int(sp.weights.knn(_north(), 1).neighbors("p0").index[0][1])

    def libpysal() -> float:
        from libpysal.weights import KNN

        return int(KNN.from_dataframe(_north(), k=1).neighbors["p0"][0][1])

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return int(Graph.build_knn(_north(), 1)["p0"].index[0][1])

    def statspai() -> float:
        import statspai

        return statspai.knn_weights(_xy(_north()), 1).neighbors[0][0]

    def pygeoda() -> float:
        import pygeoda

        return pygeoda.knn_weights(_geoda(_north()), 1).get_neighbors(0)[0]


def _date_line() -> gpd.GeoDataFrame:
    """p0 and p1 are 22 km apart over the date line; p2 is 555 km away from p0."""
    return _points([179.9, -179.9, 174.9, 90.0], [0.0] * 4)


@question(FAMILY, 1.0)
class NearestOverTheDateLine:
    """Which is nearest to 179.9 E: p1 at 179.9 W (22 km) or p2 at 174.9 E (555 km)?"""

    def spatial() -> float:
        import spatial as sp

        return int(sp.weights.knn(_date_line(), 1).neighbors("p0").index[0][1])

    def libpysal() -> float:
        from libpysal.weights import KNN

        return int(KNN.from_dataframe(_date_line(), k=1).neighbors["p0"][0][1])

    def statspai() -> float:
        import statspai

        return statspai.knn_weights(_xy(_date_line()), 1).neighbors[0][0]

    def pygeoda() -> float:
        import pygeoda

        return pygeoda.knn_weights(_geoda(_date_line()), 1).get_neighbors(0)[0]

    def pygeoda_arc() -> float:
        import pygeoda

        return pygeoda.knn_weights(_geoda(_date_line()), 1, is_arc=True).get_neighbors(0)[0]


def _capitals() -> gpd.GeoDataFrame:
    """Beijing, Shanghai (1,067 km), Harbin (1,060 km)."""
    return _points([116.4, 121.47, 126.53], [39.9, 31.23, 45.8])


@question(FAMILY, 2.0)
class NearestOfBeijing:
    """Which is nearer to Beijing on the sphere: Shanghai (p1, 1,067 km) or Harbin (p2, 1,060 km)?"""

    def spatial() -> float:
        import spatial as sp

        return int(sp.weights.knn(_capitals(), 1).neighbors("p0").index[0][1])

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        kernel = Graph.build_kernel(_capitals(), kernel="identity", k=1, metric="haversine")
        return int(kernel["p0"].index[0][1])

    def libpysal() -> float:
        from libpysal.cg import RADIUS_EARTH_KM
        from libpysal.weights import KNN

        return int(KNN.from_dataframe(_capitals(), k=1, radius=RADIUS_EARTH_KM).neighbors["p0"][0][1])

    def pygeoda_arc() -> float:
        import pygeoda

        return pygeoda.knn_weights(_geoda(_capitals()), 1, is_arc=True).get_neighbors(0)[0]


@question(FAMILY, 1 / 111.19492664455873, tolerance=1e-4)
class InverseOfKilometres:
    """The inverse-distance weight of two points one degree (111.2 km) apart, cut at 150 km."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.inverse_distance(_equator(), cutoff_km=150).neighbors("p1")["p2"]

    def libpysal() -> float:
        from libpysal.weights import DistanceBand

        w = DistanceBand.from_dataframe(_equator(), threshold=150, binary=False, alpha=-1)
        return w["p1"]["p2"]

    def libpysal_arc() -> float:
        from libpysal.cg import RADIUS_EARTH_KM
        from libpysal.weights import DistanceBand

        w = DistanceBand(_xy(_equator()), 150, radius=RADIUS_EARTH_KM, binary=False, alpha=-1)
        return w[1][2]


def _twins() -> gpd.GeoDataFrame:
    """p1 and p2 share one place."""
    return gpd.GeoDataFrame(
        geometry=gpd.points_from_xy([0.0, 1e4, 1e4, 3e4], [0.0] * 4), index=list("abcd"), crs="EPSG:32650"
    )


@question(FAMILY, REFUSE)
class InverseDistanceOfOnePlace:
    """The inverse distance of two units that share one point."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.inverse_distance(_twins(), cutoff_km=50).neighbors("b")["c"]

    def libpysal() -> float:
        from libpysal.weights import DistanceBand

        w = DistanceBand.from_dataframe(_twins(), threshold=5e4, binary=False, alpha=-1)
        return w["b"].get("c", 0.0)

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.build_distance_band(_twins(), 5e4, binary=False)["b"].get("c", 0.0)


def _sharp() -> gpd.GeoDataFrame:
    """Two triangles that touch in one point with corners of four degrees, side by side."""
    one = Polygon([(0, 0), (1000, 35), (1000, 70)])
    two = Polygon([(0, 0), (1000, -35), (1000, -70)])
    return gpd.GeoDataFrame(geometry=[one, two], index=["a", "b"], crs="EPSG:32650")


@question(FAMILY, 0.0)
class RookOfOneSharedPoint:
    """Rook links of two polygons that share one corner, sharper than four degrees."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.contiguity(_sharp(), rook=True, islands="keep").cardinalities.iloc[0]

    def libpysal() -> float:
        from libpysal.weights import Rook

        return Rook.from_dataframe(_sharp(), use_index=True).cardinalities["a"]

    def pygeoda() -> float:
        import pygeoda

        return len(pygeoda.rook_weights(_geoda(_sharp())).get_neighbors(0))


def _tee() -> gpd.GeoDataFrame:
    """A long square beside two short ones: the border between the two meets the long one's side inside it."""
    cells = [box(0, 0, 1000, 2000), box(1000, 500, 2000, 1500)]
    return gpd.GeoDataFrame(geometry=cells, index=["a", "b"], crs="EPSG:32650")


@question(FAMILY, 1.0)
class BorderWithoutSharedCorners:
    """Links of two polygons whose common border of 1 km has no vertex in common."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.contiguity(_tee(), islands="keep").cardinalities.iloc[0]

    def libpysal() -> float:
        from libpysal.weights import Queen

        return Queen.from_dataframe(_tee(), use_index=True).cardinalities["a"]

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.build_contiguity(_tee(), rook=False).cardinalities["a"]

    def pygeoda() -> float:
        import pygeoda

        return len(pygeoda.queen_weights(_geoda(_tee())).get_neighbors(0))


def _overlap() -> gpd.GeoDataFrame:
    """One cell drawn twice, and a neighbour."""
    cells = [box(0, 0, 1000, 1000), box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)]
    return gpd.GeoDataFrame(geometry=cells, index=["a", "a", "b"], crs="EPSG:32650")


@question(FAMILY, REFUSE)
class MapWithAnIdTwice:
    """Links of 'a' where the map holds two rows named 'a'."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.contiguity(_overlap()).cardinalities["a"]

    def libpysal() -> float:
        from libpysal.weights import Queen

        return Queen.from_dataframe(_overlap(), use_index=True).cardinalities["a"]

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.build_contiguity(_overlap(), rook=False).cardinalities["a"]


def _empty() -> gpd.GeoDataFrame:
    from shapely.geometry import Point

    return gpd.GeoDataFrame(
        geometry=[Point(0, 0), Point(), Point(2e4, 0), Point(3e4, 0)], index=list("abcd"), crs="EPSG:32650"
    )


@question(FAMILY, REFUSE)
class NearestOfNowhere:
    """Nearest neighbours where one unit has an empty geometry: links of 'a'."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.knn(_empty(), 1).cardinalities["a"]

    def libpysal() -> float:
        from libpysal.weights import KNN

        return KNN.from_dataframe(_empty(), k=1).cardinalities["a"]

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.build_knn(_empty(), 1).cardinalities["a"]


@question(FAMILY, REFUSE)
class SwappedCoordinates:
    """Nearest neighbour where latitudes stand in the place of longitudes (116 N does not exist)."""

    def spatial() -> float:
        import spatial as sp

        swapped = _points([39.9, 31.23, 45.8], [116.4, 121.47, 126.53])
        return int(sp.weights.knn(swapped, 1).neighbors("p0").index[0][1])

    def libpysal() -> float:
        from libpysal.weights import KNN

        swapped = _points([39.9, 31.23, 45.8], [116.4, 121.47, 126.53])
        return int(KNN.from_dataframe(swapped, k=1).neighbors["p0"][0][1])

    def pygeoda_arc() -> float:
        import pygeoda

        swapped = _points([39.9, 31.23, 45.8], [116.4, 121.47, 126.53])
        return pygeoda.knn_weights(_geoda(swapped), 1, is_arc=True).get_neighbors(0)[0]
