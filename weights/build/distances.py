"""Weights by distance: nearest neighbours, bands, inverse distances and kernels."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import WeightsError, hinted
from spatial.places.points import CitiesLike, Points, points_of
from spatial.weights.checks import links_fit, number, one_of, whole
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights

from .islands import POLICIES, settle_islands
from .kernels import KERNELS, UNBOUNDED
from .neighbors import all_pairs, by_distance, nearest, rows_to_csr, within

__all__ = ["distance_band", "inverse_distance", "kernel", "knn"]

Float = NDArray[np.float64]
Islands = Literal["raise", "keep", "nearest"]
Coincident = Literal["raise", "keep"]

_ADVICE = "Give cutoff_km, or use knn(cities, k)."
_KEEP = " Or pass coincident='keep': they are then neighbours at 0 km."
_CURE = "Lengthen the distance, or pass islands='nearest' or islands='keep'."


@hinted
def knn(
    cities: CitiesLike, k: int, *, ellipsoid: str | None = None, coincident: Coincident = "raise"
) -> Weights:
    r"""Link each city to its `k` nearest ones.

    .. math:: w_{ij} = 1 \text{ where } j \text{ is among the } k \text{ nearest of } i, \text{ else } 0.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id; points are the seats, the points, or the centroids (see `meta.parameters`).
    k : int
        Neighbours of each unit, fewer than the number of units.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    coincident : {"raise", "keep"}
        Points within a millimetre of each other are refused, or neighbours at distance 0.

    Returns
    -------
    Weights
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
    _enough(points, k, "k nearest neighbours")
    index = nearest(points, k, distinct=_distinct("Nearest neighbours", coincident), cure=_KEEP)
    return _weights(points, rows_to_csr(index), "knn", {"k": k, "coincident": coincident})


@hinted
def distance_band(
    cities: CitiesLike,
    km: float,
    *,
    ellipsoid: str | None = None,
    islands: Islands = "keep",
    coincident: Coincident = "raise",
) -> Weights:
    r"""Link all cities within `km` kilometres of each other.

    .. math:: w_{ij} = 1 \text{ where } d_{ij} \le km, \text{ else } 0.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id.
    km : float
        Kilometres, whatever the unit of the CRS; never degrees.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    islands : {"keep", "raise", "nearest"}
        Cities with nobody in the band are kept, refused by name, or linked with the nearest city.
    coincident : {"raise", "keep"}
        Points within a millimetre of each other are refused, or neighbours at distance 0.

    Returns
    -------
    Weights
        Binary and symmetric.

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
        points.refuse_coincident("Distance bands", _KEEP)
    matrix = within(points, km, np.ones_like, f"A band of {km:g} km")
    matrix, joined = settle_islands(
        matrix, points.ids, islands, points=lambda: points, weigh=np.ones_like, cure=_CURE
    )
    parameters = {"km": km, "coincident": coincident, **joined}
    return _weights(points, matrix, "distance_band", parameters, islands)


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
    return _weights(points, matrix, "inverse_distance", parameters, islands)


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


@hinted
def kernel(
    cities: CitiesLike,
    *,
    bandwidth_km: float | None = None,
    neighbors: int | None = None,
    function: str = "triangular",
    own: float | Literal["kernel"] = 0.0,
    cutoff_km: float | None = None,
    ellipsoid: str | None = None,
    islands: Literal["raise", "keep"] = "keep",
    coincident: Coincident = "raise",
) -> Weights:
    r"""Weigh pairs of cities by a kernel of the distance between them.

    .. math:: w_{ij} = K(u_{ij}), \qquad u_{ij} = d_{ij} / h_i \le 1,

    ============  ==================================================  =================
    triangular    :math:`1 - u` (also ``"bartlett"``)                 :math:`K(0) = 1`
    uniform       :math:`1/2`                                         1/2
    epanechnikov  :math:`3/4 \, (1 - u^2)`                            3/4
    quartic       :math:`15/16 \, (1 - u^2)^2`                        15/16
    parzen        :math:`1 - 6u^2 + 6u^3` to 1/2, then                1
                  :math:`2 (1 - u)^3`
    gaussian      :math:`(2\pi)^{-1/2} \exp(-u^2 / 2)`                0.399
    exponential   :math:`\exp(-u)`                                    1
    ============  ==================================================  =================

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id.
    bandwidth_km : float
        The same h for all, in kilometres.
    neighbors : int
        Instead of `bandwidth_km`: h_i is the distance from i to its k-th nearest city, and only these k
        have weights (a kernel that ends at 1 gives the k-th none).
    function : str
        Name of the kernel.
    own : float or "kernel"
        Weight of each city for itself: 0 for spatial lags, ``"kernel"`` for K(0).
    cutoff_km : float, optional
        Where the gaussian and the exponential, which have no end, are cut; default 4 and 10 bandwidths.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.
    islands : {"keep", "raise"}
        Cities with nobody within the bandwidth are kept, or refused by name.
    coincident : {"raise", "keep"}
        Points within a millimetre of each other are refused, or have the weight K(0).

    Returns
    -------
    Weights
        Symmetric for a fixed bandwidth.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b", "c"], geometry=gpd.points_from_xy([0, 1000, 4000], [0, 0, 0]), crs=32650)
    >>> kernel(cities, bandwidth_km=4, own="kernel").to_dense()
          a     b     c
    a  1.00  0.75  0.00
    b  0.75  1.00  0.25
    c  0.00  0.25  1.00
    """
    one_of(function, KERNELS, "function")
    one_of(islands, ("raise", "keep"), "islands")
    one_of(coincident, ("raise", "keep"), "coincident")
    if (bandwidth_km is None) == (neighbors is None):
        raise WeightsError(
            "A kernel needs either bandwidth_km, one bandwidth for all, or neighbors, the k that sets "
            f"each unit's own; got bandwidth_km={bandwidth_km!r} and neighbors={neighbors!r}."
        )
    at_zero = float(KERNELS[function](np.zeros(1))[0])
    diagonal = at_zero if own == "kernel" else number(own, "own", zero=True)
    points = points_of(cities, ellipsoid=ellipsoid)
    parameters: dict[str, Any] = {"function": function, "own": own, "coincident": coincident}
    distinct = _distinct("Kernel weights", coincident)
    if neighbors is not None:
        matrix = _adaptive(points, whole(neighbors, "neighbors"), function, cutoff_km, distinct)
        parameters["neighbors"] = neighbors
    else:
        bandwidth = number(bandwidth_km, "bandwidth_km")
        end = _end(function, cutoff_km, bandwidth)
        if distinct:
            points.refuse_coincident(distinct, _KEEP)
        matrix = within(
            points,
            end,
            # A pair on the edge may lie a rounding beyond it.
            lambda d: KERNELS[function](np.minimum(d / bandwidth, max(1.0, end / bandwidth))),
            f"A kernel of {end:g} km",
        )
        parameters |= {"bandwidth_km": bandwidth, "cutoff_km": end}
    cure = "Widen the bandwidth, use neighbors=k, or pass islands='keep'."
    matrix.eliminate_zeros()
    matrix, _ = settle_islands(
        matrix, points.ids, islands, points=lambda: points, weigh=np.ones_like, cure=cure
    )
    if diagonal:
        matrix = matrix + sp.diags_array(np.full(points.n, diagonal), format="csr")
    return _weights(points, matrix, "kernel", parameters, islands)


def _end(function: str, cutoff_km: float | None, bandwidth: float) -> float:
    """Return where the kernel ends, in km."""
    if function not in UNBOUNDED:
        if cutoff_km is not None:
            raise WeightsError(
                f"cutoff_km is for kernels without an end ({', '.join(UNBOUNDED)}); {function!r} ends at "
                "its bandwidth. Leave it out."
            )
        return bandwidth
    return UNBOUNDED[function] * bandwidth if cutoff_km is None else number(cutoff_km, "cutoff_km")


def _adaptive(points: Points, k: int, function: str, cutoff_km: float | None, distinct: str) -> sp.csr_array:
    if cutoff_km is not None:
        raise WeightsError("cutoff_km goes with bandwidth_km; with neighbors=k, the k nearest have weights.")
    _enough(points, k, "A bandwidth by neighbours")
    index, km = by_distance(points, np.arange(points.n), nearest(points, k, distinct=distinct, cure=_KEEP))
    if (km[:, -1] == 0).any():
        points.refuse_coincident("Bandwidths by neighbours", f" Or take neighbors above {k}.")
    return rows_to_csr(index, KERNELS[function](np.minimum(km / km[:, -1:], 1.0)))


def _distinct(what: str, coincident: str) -> str:
    return what if coincident == "raise" else ""


def _enough(points: Points, k: int, what: str) -> None:
    if k >= points.n:
        raise WeightsError(
            f"{what} need more than k units; got k = {k} and {points.n} units. Take k at most {points.n - 1}."
        )


def _weights(
    points: Points, matrix: sp.csr_array, kind: str, parameters: dict[str, Any], islands: str = "keep"
) -> Weights:
    meta = Meta(
        kind=kind,
        parameters={**parameters, **points.facts},
        distance_unit="km",
        islands=islands,
        source="cities",
    )
    return Weights(points.ids, owned(matrix), meta)
