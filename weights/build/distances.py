"""Weights by distance: nearest neighbours, bands, inverse distances and kernels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import WeightsError, hinted
from spatial.places.points import CitiesLike, Points, points_of
from spatial.weights.blocks.folder import write_weights
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.checks import links_fit, number, one_of, whole
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights

from .islands import POLICIES, settle_islands
from .neighbors import all_pairs, nearest, rows_to_csr, rows_within, within

__all__ = [
    "KEEP",
    "Coincident",
    "Islands",
    "distance_band",
    "distinct_points",
    "enough",
    "inverse_distance",
    "knn",
    "weights_of_points",
]

Float = NDArray[np.float64]
Places = NDArray[np.int32]
Islands = Literal["raise", "keep", "nearest"]
Coincident = Literal["raise", "keep"]

_ADVICE = "Give cutoff_km, or use knn(cities, k)."
KEEP = " Or pass coincident='keep': they are then neighbours at 0 km."
_CURE = "Lengthen the distance, or pass islands='nearest' or islands='keep'."


@overload
def knn(
    cities: CitiesLike | Points, k: int, *, ellipsoid: str | None = None, coincident: Coincident = "raise"
) -> Weights: ...
@overload
def knn(
    cities: CitiesLike | Points,
    k: int,
    *,
    ellipsoid: str | None = None,
    coincident: Coincident = "raise",
    folder: str | Path,
) -> OpenWeights: ...
@hinted
def knn(
    cities: CitiesLike | Points,
    k: int,
    *,
    ellipsoid: str | None = None,
    coincident: Coincident = "raise",
    folder: str | Path | None = None,
) -> Weights | OpenWeights:
    r"""Link each city to its `k` nearest ones.

    .. math:: w_{ij} = 1 \text{ where } j \text{ is among the } k \text{ nearest of } i, \text{ else } 0.

    Parameters
    ----------
    cities : GeoDataFrame, or Points
        Indexed by unit id; points are the seats, the points, or the centroids (see `meta.parameters`).  Or
        coordinates alone, by `spatial.points`.
    k : int
        Neighbours of each unit, fewer than the number of units.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    coincident : {"raise", "keep"}
        Points within a millimetre of each other are refused, or neighbours at distance 0.
    folder : path, optional
        New, or empty: write the weights as blocks of a million cities along a Hilbert curve, and return them
        open (see `spatial.weights.OpenWeights`), so that they are never held whole.

    Returns
    -------
    Weights or OpenWeights
        Binary, in general not symmetric.  Distances are great-circle on a geographic CRS (exact at the
        poles and across the antimeridian), planar on a projected one.  Of cities at the same distance,
        to a micrometre, the one with the lower id is taken.

    Raises
    ------
    DataError
        Without a CRS, or with geometry that is missing, empty, invalid or out of range.
    WeightsError
        For `k` out of range, or coincident points.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["Beijing", "Shanghai", "Harbin"],
    ...     geometry=gpd.points_from_xy([116.4, 121.5, 126.6], [39.9, 31.2, 45.8]), crs=4326)
    >>> knn(cities, 1).to_frame()
              i        j    w
    0   Beijing   Harbin  1.0
    1  Shanghai  Beijing  1.0
    2    Harbin  Beijing  1.0
    """
    k = whole(k, "k")
    one_of(coincident, ("raise", "keep"), "coincident")
    points = points_of(cities, ellipsoid=ellipsoid)
    enough(points, k, "k nearest neighbours")
    distinct = distinct_points("Nearest neighbours", coincident)
    meta = _meta(points, "knn", {"k": k, "coincident": coincident})
    if folder is not None:

        def rows_of(rows: Places) -> sp.csr_array:
            return rows_to_csr(nearest(points, k, rows, distinct=distinct, cure=KEEP), of=points.n)

        return write_weights(folder, points, meta, rows_of)
    index = nearest(points, k, distinct=distinct, cure=KEEP)
    points = replace(points)  # without its tree, before the matrix comes
    return Weights(points.ids, owned(rows_to_csr(index)), meta)


@overload
def distance_band(
    cities: CitiesLike | Points,
    km: float,
    *,
    ellipsoid: str | None = None,
    islands: Islands = "keep",
    coincident: Coincident = "raise",
) -> Weights: ...
@overload
def distance_band(
    cities: CitiesLike | Points,
    km: float,
    *,
    ellipsoid: str | None = None,
    islands: Literal["keep"] = "keep",
    coincident: Coincident = "raise",
    folder: str | Path,
) -> OpenWeights: ...
@hinted
def distance_band(
    cities: CitiesLike | Points,
    km: float,
    *,
    ellipsoid: str | None = None,
    islands: Islands = "keep",
    coincident: Coincident = "raise",
    folder: str | Path | None = None,
) -> Weights | OpenWeights:
    r"""Link all cities within `km` kilometres of each other.

    .. math:: w_{ij} = 1 \text{ where } d_{ij} \le km, \text{ else } 0.

    Parameters
    ----------
    cities : GeoDataFrame, or Points
        Indexed by unit id, or coordinates alone, by `spatial.points`.
    km : float
        Kilometres, whatever the unit of the CRS; never degrees.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    islands : {"keep", "raise", "nearest"}
        Cities with nobody in the band are kept, refused by name, or linked with the nearest city.
    coincident : {"raise", "keep"}
        Points within a millimetre of each other are refused, or neighbours at distance 0.
    folder : path, optional
        As in `knn`; islands are kept.

    Returns
    -------
    Weights or OpenWeights
        Binary and symmetric.

    Raises
    ------
    WeightsError
        If two cities lie in the same place, or `km` is not above zero.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c"], geometry=gpd.points_from_xy([179.9, -179.9, 178], [0, 0, 0]), crs=4326)
    >>> W = distance_band(cities, 50)
    >>> W.neighbors("a").index.tolist(), W.islands.tolist()
    (['b'], ['c'])
    """
    km = number(km, "km")
    one_of(islands, POLICIES, "islands")
    one_of(coincident, ("raise", "keep"), "coincident")
    points = points_of(cities, ellipsoid=ellipsoid)
    if coincident == "raise":
        points.refuse_coincident("Distance bands", KEEP)
    if folder is not None:
        if islands != "keep":
            raise WeightsError(f"Bands that go to a folder keep islands; got islands={islands!r}.")
        meta = _meta(points, "distance_band", {"km": km, "coincident": coincident})
        return write_weights(folder, points, meta, lambda rows: rows_within(points, km, rows, np.ones_like))
    matrix = within(points, km, np.ones_like, f"A band of {km:g} km")
    matrix, joined = settle_islands(
        matrix, points.ids, islands, points=lambda: points, weigh=np.ones_like, cure=_CURE
    )
    parameters = {"km": km, "coincident": coincident, **joined}
    return weights_of_points(points, matrix, "distance_band", parameters, islands)


@hinted
def inverse_distance(
    cities: CitiesLike,
    *,
    power: float = 1.0,
    cutoff_km: float | None = None,
    own: float = 0.0,
    ellipsoid: str | None = None,
    islands: Islands = "keep",
) -> Weights:
    r"""Weigh each pair of cities by a power of the distance between them.

    .. math:: w_{ij} = d_{ij}^{-p} \text{ where } d_{ij} \le \text{cutoff}, \qquad w_{ii} = \text{own},

    with :math:`d_{ij}` in kilometres.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id.
    power : float
        The exponent p.
    cutoff_km : float, optional
        Beyond it weights are zero.  Without it each pair has a weight: N (N - 1) links, so that at most
        20,000 cities are taken.
    own : float
        Weight of each city for itself.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    islands : {"keep", "raise", "nearest"}
        What becomes of cities with nobody within the cut-off.

    Returns
    -------
    Weights
        Symmetric, in km to the power -p.

    Raises
    ------
    WeightsError
        For coincident points, by name: their inverse distance is infinite.
    DataError
        If cities are no GeoDataFrame by id, or cannot be measured.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c"], geometry=gpd.points_from_xy([0, 1000, 4000], [0, 0, 0]), crs=32650)
    >>> inverse_distance(cities, cutoff_km=3).to_dense()
         a         b         c
    a  0.0  1.000000  0.000000
    b  1.0  0.000000  0.333333
    c  0.0  0.333333  0.000000
    """
    power, own = number(power, "power"), number(own, "own", zero=True)
    one_of(islands, POLICIES, "islands")
    points = points_of(cities, ellipsoid=ellipsoid)
    matrix = inverse_matrix(points, power, cutoff_km, "Inverse distances")
    matrix, joined = settle_islands(
        matrix, points.ids, islands, points=lambda: points, weigh=lambda d: _inverse(d, power), cure=_CURE
    )
    if own:
        matrix = matrix + sp.diags_array(np.full(points.n, own), format="csr")
    parameters = {"power": power, "cutoff_km": cutoff_km, "own": own, **joined}
    return weights_of_points(points, matrix, "inverse_distance", parameters, islands)


def inverse_matrix(points: Points, power: float, cutoff_km: float | None, what: str) -> sp.csr_array:
    """Return CSR of inverse distances: within the cut-off, or of all pairs."""
    if cutoff_km is not None:
        cutoff_km = number(cutoff_km, "cutoff_km")
        points.refuse_coincident(what)
        return within(points, cutoff_km, lambda d: _inverse(d, power), f"A cut-off of {cutoff_km:g} km")
    links_fit(points.n * (points.n - 1.0), f"{what} of all pairs of {points.n:,} units", _ADVICE)
    points.refuse_coincident(what)
    return all_pairs(points.n, lambda i, j: _inverse(points.km(i, j), power))


def _inverse(km: Float, power: float) -> Float:
    with np.errstate(over="ignore", under="ignore"):  # what is infinite is refused by name later
        return 1.0 / km if power == 1 else km**-power


def distinct_points(what: str, coincident: str) -> str:
    return what if coincident == "raise" else ""


def enough(points: Points, k: int, what: str) -> None:
    if k >= points.n:
        raise WeightsError(
            f"{what} need more than k units; got k = {k} and {points.n} units. Take k at most {points.n - 1}."
        )


def weights_of_points(
    points: Points, matrix: sp.csr_array, kind: str, parameters: dict[str, Any], islands: str = "keep"
) -> Weights:
    return Weights(points.ids, owned(matrix), _meta(points, kind, parameters, islands))


def _meta(points: Points, kind: str, parameters: dict[str, Any], islands: str = "keep") -> Meta:
    return Meta(kind, {**parameters, **points.facts}, "km", "none", islands, "cities")
