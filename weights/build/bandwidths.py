"""Kernel weights: a function of distance over a bandwidth, fixed or by neighbours."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from spatial.errors import WeightsError, hinted
from spatial.places.points import CitiesLike, Points, points_of
from spatial.weights.checks import number, one_of, whole
from spatial.weights.value import Weights

from .distances import KEEP, Coincident, distinct_points, enough, weights_of_points
from .islands import settle_islands
from .kernels import KERNELS, UNBOUNDED
from .neighbors import by_distance, nearest, rows_to_csr, within

__all__ = ["kernel"]


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

    Raises
    ------
    WeightsError
        If two cities lie in the same place, or neither or both of `bandwidth_km` and `neighbors` are given.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.

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
    distinct = distinct_points("Kernel weights", coincident)
    if neighbors is not None:
        matrix = _adaptive(points, whole(neighbors, "neighbors"), function, cutoff_km, distinct)
        parameters["neighbors"] = neighbors
    else:
        bandwidth = number(bandwidth_km, "bandwidth_km")
        end = _end(function, cutoff_km, bandwidth)
        if distinct:
            points.refuse_coincident(distinct, KEEP)
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
    return weights_of_points(points, matrix, "kernel", parameters, islands)


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
    enough(points, k, "A bandwidth by neighbours")
    index, km = by_distance(points, np.arange(points.n), nearest(points, k, distinct=distinct, cure=KEEP))
    if (km[:, -1] == 0).any():
        points.refuse_coincident("Bandwidths by neighbours", f" Or take neighbors above {k}.")
    return rows_to_csr(index, KERNELS[function](np.minimum(km / km[:, -1:], 1.0)))
