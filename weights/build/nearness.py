"""Weights of economic nearness: differences of a value, and gravity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError, WeightsError, hinted, name_ids
from spatial.ids.alignment import aligned_values, check_ids, require_finite
from spatial.places.points import CitiesLike, points_of
from spatial.weights.checks import links_fit, number
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.value import Weights, WeightsLike, as_weights

from .distances import inverse_matrix
from .neighbors import all_pairs

__all__ = ["economic", "gravity", "nested_product"]

Float = NDArray[np.float64]


@hinted
def economic(values: pd.Series[Any], *, power: float = 1.0) -> Weights:
    r"""Weigh pairs of units by how near a value of theirs is.

    .. math:: w_{ij} = |x_i - x_j|^{-p}, \qquad w_{ii} = 0.

    Parameters
    ----------
    values : Series
        x by unit id, such as GDP per head averaged over the years (not a variable of the model, which
        would make the weights endogenous).
    power : float
        The exponent p.

    Returns
    -------
    Weights
        Symmetric, N (N - 1) links; at most 20,000 units.

    Raises
    ------
    DataError
        Where values are missing or infinite, by id, or are no Series.
    WeightsError
        Where units have equal values, by id: their weight would be infinite.

    Examples
    --------
    >>> import pandas as pd
    >>> economic(pd.Series({"a": 10.0, "b": 12.0, "c": 20.0})).to_dense()
         a      b      c
    a  0.0  0.500  0.100
    b  0.5  0.000  0.125
    c  0.1  0.125  0.000
    """
    power = number(power, "power")
    series = _series(values, "values")
    ids = check_ids(series.index, "Values")
    if not len(ids):
        raise WeightsError("Economic weights need units; got no value.")
    x = aligned_values(series, ids, "the values")
    require_finite(x, ids, "Economic values")
    _refuse_equal(x, ids)
    links_fit(
        len(ids) * (len(ids) - 1.0),
        f"Economic weights of all pairs of {len(ids):,} units",
        "Take groups of units, or restrict the links with W.intersect(other) of a sparse W.",
    )
    with np.errstate(over="ignore", under="ignore"):  # what is infinite is refused by name later
        matrix = all_pairs(len(ids), lambda i, j: np.abs(x[i] - x[j]) ** -power)
    parameters = {"power": power, "values": None if series.name is None else str(series.name)}
    return Weights(ids, owned(matrix), Meta("economic", parameters, None, "none", "keep", "values"))


def _series(values: Any, what: str) -> pd.Series[Any]:
    if not isinstance(values, pd.Series):
        raise DataError(
            f"{what} must be a Series indexed by unit id, so that each value has its unit; "
            f"got {type(values).__name__}. Use pd.Series(array, index=ids)."
        )
    return values


def _refuse_equal(x: Float, ids: pd.Index[Any]) -> None:
    same = pd.Series(x).duplicated(keep=False).to_numpy()
    if same.any():
        rows = np.flatnonzero(same)
        rows = rows[np.lexsort((np.array([str(i) for i in ids[rows]]), x[rows]))]
        raise WeightsError(
            f"Economic weights need distinct values; {len(rows)} of {len(x)} units share theirs with "
            f"another: {name_ids(ids[rows])}. Use a finer measure, or drop or merge these units."
        )


@hinted
def gravity(
    cities: CitiesLike,
    mass: pd.Series[Any],
    *,
    power: float = 2.0,
    cutoff_km: float | None = None,
    ellipsoid: str | None = None,
) -> Weights:
    r"""Weigh pairs of cities by the pull between them.

    .. math:: w_{ij} = m_i m_j \, d_{ij}^{-p}, \qquad w_{ii} = 0,

    with :math:`d_{ij}` in kilometres.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id.
    mass : Series
        m by unit id, above zero, such as population or GDP; matched by label.
    power : float
        The exponent p.
    cutoff_km : float, optional
        Beyond it weights are zero; needed above 20,000 cities.
    ellipsoid : str, optional
        As ``"WGS84"``: geodesics instead of great circles.

    Returns
    -------
    Weights
        Symmetric, in the unit of mass squared over km to the power p.

    Raises
    ------
    WeightsError
        If two cities lie in the same place, a mass or `power` is not above zero.
    DataError
        If cities have no coordinate reference system, a missing geometry, or coordinates out of range.
    AlignmentError
        If the ids of masses and cities differ.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> cities = gpd.GeoDataFrame(
    ...     index=["a", "b"], geometry=gpd.points_from_xy([0, 2000], [0, 0]), crs=32650)
    >>> gravity(cities, pd.Series({"b": 4.0, "a": 3.0})).to_dense()
         a    b
    a  0.0  3.0
    b  3.0  0.0
    """
    power = number(power, "power")
    series = _series(mass, "mass")
    points = points_of(cities, ellipsoid=ellipsoid)
    m = aligned_values(series, points.ids, "mass", "the cities")
    require_finite(m, points.ids, "Masses")
    if (m <= 0).any():
        raise WeightsError(f"Masses must be above zero; not so at {name_ids(points.ids[m <= 0])}.")
    matrix = inverse_matrix(points, power, cutoff_km, "Gravity weights")
    with np.errstate(over="ignore", under="ignore"):  # what is infinite is refused by name later
        matrix.data *= np.repeat(m, np.diff(matrix.indptr))
        matrix.data *= m[matrix.indices]
    name = None if series.name is None else str(series.name)
    parameters = {"power": power, "cutoff_km": cutoff_km, "mass": name, **points.facts}
    return Weights(points.ids, owned(matrix), Meta("gravity", parameters, "km", "none", "keep", "cities"))


@hinted
def nested_product(W: WeightsLike, values: pd.Series[Any]) -> Weights:
    r"""Scale what each unit sends by its economic size: the product form of nested weights.

    .. math:: w^*_{ij} = w_{ij} \, x_j / \bar x, \qquad W^* = W \operatorname{diag}(x / \bar x).

    Parameters
    ----------
    W : Weights, Graph or W
        Such as inverse distances.
    values : Series
        x by unit id, above zero, such as the mean GDP per head; matched by label.

    Raises
    ------
    WeightsError
        If a value is not above zero.
    AlignmentError
        If the ids of values and weights differ.
    DataError
        If `values` is no Series of numbers by id.

    Examples
    --------
    >>> import pandas as pd
    >>> W = Weights.from_dense([[0, 1.0], [1, 0]], ids=["a", "b"])
    >>> nested_product(W, pd.Series({"a": 1.0, "b": 3.0})).to_dense()
         a    b
    a  0.0  1.5
    b  0.5  0.0
    """
    base = as_weights(W)
    x = aligned_values(_series(values, "values"), base.ids, "the values")
    require_finite(x, base.ids, "Values")
    if (x <= 0).any():
        raise WeightsError(f"Values must be above zero; not so at {name_ids(base.ids[x <= 0])}.")
    scaled = base.sparse.data * (x / x.mean())[base.sparse.indices]
    matrix = sp.csr_array((scaled, base.sparse.indices, base.sparse.indptr), shape=base.sparse.shape)
    parameters = {
        "base": base.meta.kind,
        "base_normalization": base.meta.normalization,
        "values": None if values.name is None else str(values.name),
    }
    meta = Meta("nested_product", parameters, base.meta.distance_unit, "none", base.meta.islands, "weights")
    return Weights(base.ids, owned(matrix), meta)
