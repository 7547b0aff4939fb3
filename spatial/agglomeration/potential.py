"""Distance-decayed agglomeration and market potential."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor, check_workers
from spatial.errors import AlignmentError, DataError, hinted, name_ids
from spatial.ids.alignment import aligned_values, as_float, indexer, require_finite, row_places
from spatial.ids.numbers import Values
from spatial.panel.panel import Panel
from spatial.places.points import CitiesLike, Points, geometry_of, points_of

from .decay import Decay, DecayName, decayed_sums, is_number

__all__ = ["cutoff_in_units", "distance_decay", "market_potential", "positive_km", "require_cells"]

Float = NDArray[np.float64]


@hinted
def distance_decay(
    values: Values,
    cities: CitiesLike | Points,
    *,
    power: float = 1.0,
    own: float | Literal["area"] = 1.0,
    cutoff_km: float | None = None,
    unit_km: float = 1.0,
    tolerance: float = 0.0,
    decay: DecayName = "power",
    bandwidth_km: float | None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> Any:
    r"""Sum the values of all places, decayed by their great-circle distance.

    .. math:: A_i = \omega_i x_i + \sum_{j \ne i} x_j f(D_{ij} / u), \qquad f(d) = d^{-a}

    with D in kilometres on the sphere of radius 6371.0088 km (planar in a projected CRS), u = `unit_km`
    and own weight :math:`\omega_i`.  With ``own="area"`` this is Harris' (1954) market potential with the own
    distance :math:`\tfrac{2}{3} \sqrt{area_i / \pi}` of Keeble, Owens and Thompson (1982):
    :math:`\omega_i = f(\tfrac{2}{3} \sqrt{area_i / \pi} / u)`.

    Parameters
    ----------
    values : Series, DataFrame, Panel or array
        Series and DataFrames by unit id; a Panel, whose years are served in one pass; or an array (N,),
        (T, N) or (T, N, k) in the order of `cities`.
    cities : GeoDataFrame, or Points
        Indexed by unit id, polygons or points, no two in one place; or coordinates, by `spatial.points`.
    power : float
        The exponent a of the power decay.
    own : float or "area"
        Weight of the place itself.  A fixed number makes the result depend on `unit_km`.
    cutoff_km : float, optional
        Places farther than this count nothing.
    unit_km : float
        Unit of distance, km: 100 measures D in hundreds of kilometres.
    tolerance : float
        0: the exact sum over all pairs, O(N^2) time and O(N) memory.  Above 0: the largest relative error,
        guaranteed, for values >= 0.  The power decay in longitude and latitude without a cut-off is then
        summed by a tree code, O(N log N), from 1e-9; all else in single precision where that allows it,
        from 5e-5.
    decay : {"power", "exponential", "gaussian", "linear"}
        f(d) = d**-power, exp(-d/b), exp(-d**2 / 2 b**2) or max(0, 1 - d/b), with b = `bandwidth_km`.
    bandwidth_km : float, optional
        Needed by every decay but the power.
    workers : int, optional
        Threads; the result is the same for any number.
    executor : dask.distributed.Client or int, optional
        Where the sums run, instead of `workers`: a cluster, or so many threads; the same bits.
    progress : bool, optional
        Draw a bar; by default on a terminal, for runs of more than two seconds.

    Returns
    -------
    Series, DataFrame, Panel or array
        Of the form of `values`; columns are named ``decayed_x``.

    Raises
    ------
    DataError
        NaN or infinite values (named), coincident places, a decay without its bandwidth.
    AlignmentError
        Ids of the values and of the cities that differ.
    WeightsError
        If two cities lie in the same place.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> import spatial as sp
    >>> seats = gpd.points_from_xy([0, 0, 0], [0, 1, 3], crs=4326)
    >>> cities = gpd.GeoDataFrame(index=["a", "b", "c"], geometry=seats)
    >>> jobs = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0}, name="jobs")
    >>> sp.distance_decay(jobs, cities, unit_km=111.19508).round(3).tolist()  # one degree of latitude
    [4.0, 4.5, 4.333]
    """
    if decay != "power" and bandwidth_km is None:
        raise DataError(f"decay={decay!r} needs bandwidth_km.")
    positive_km(unit_km, "unit_km")
    if bandwidth_km is not None:
        positive_km(bandwidth_km, "bandwidth_km")
    parameter = power if decay == "power" else (bandwidth_km or np.nan) / unit_km
    shape = Decay(decay, parameter, cutoff_in_units(cutoff_km, unit_km))
    points = points_of(cities)
    replace(points).refuse_coincident("Distance-decayed sums")  # a copy, whose search tree goes with it
    place = check_workers(workers, executor)
    own_weight = _own_weight(own, cities, shape, unit_km)

    def decayed(columns: Float) -> Float:
        return own_weight * columns + decayed_sums(
            points, columns, shape, unit_km, tolerance, place, progress
        )

    return _apply(decayed, values, points.ids)


@hinted
def market_potential(
    values: Values,
    cities: CitiesLike | Points,
    *,
    power: float = 1.0,
    own: float | Literal["area"] = 1.0,
    cutoff_km: float | None = None,
    unit_km: float = 1.0,
    tolerance: float = 0.0,
    decay: DecayName = "power",
    bandwidth_km: float | None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> Any:
    r"""Sum the masses of all places, decayed by their great-circle distance: Harris' (1954) market potential,

    .. math:: MP_i = \omega_i M_i + \sum_{j \ne i} M_j f(D_{ij} / u) , \qquad M_j \ge 0 .

    It is `distance_decay` of masses, which cannot be negative; parameters and result are its own.

    Raises
    ------
    DataError
        For negative masses, by id, and as `distance_decay` does.
    AlignmentError
        If the ids of values and cities differ.
    WeightsError
        If two cities lie in the same place.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> import spatial as sp
    >>> seats = gpd.points_from_xy([0, 0], [0, 1], crs=4326)
    >>> cities = gpd.GeoDataFrame(index=["a", "b"], geometry=seats)
    >>> sp.market_potential(pd.Series({"a": 1.0, "b": 2.0}), cities, unit_km=111.19508).round(3).tolist()
    [3.0, 3.0]
    """
    frame = values.frame if isinstance(values, Panel) else values
    below = np.asarray(frame) < 0
    if below.any():
        rows = below if below.ndim == 1 else below.reshape(len(below), -1).any(axis=1)
        index = getattr(frame, "index", None)
        where = "" if index is None else f", at {name_ids(index[rows])}"
        raise DataError(
            f"Market potential sums masses, which are not negative; {int(below.sum())} are{where}. "
            "Correct them, or use distance_decay for values of any sign."
        )
    return distance_decay(
        values,
        cities,
        power=power,
        own=own,
        cutoff_km=cutoff_km,
        unit_km=unit_km,
        tolerance=tolerance,
        decay=decay,
        bandwidth_km=bandwidth_km,
        workers=workers,
        executor=executor,
        progress=progress,
    )


def _own_weight(own: float | str, cities: Any, decay: Decay, unit_km: float) -> Float | float:
    if isinstance(own, str) and own == "area":
        return decay(2.0 / 3.0 * np.sqrt(_areas_km2(cities) / np.pi) / unit_km)
    if not is_number(own):
        raise DataError(f'own must be a finite number or "area"; got {own!r}.')
    return float(own)


def positive_km(value: Any, what: str) -> None:
    if not (is_number(value) and value > 0):
        raise DataError(f"{what} must be a positive number of kilometres; got {value!r}.")


def cutoff_in_units(cutoff_km: float | None, unit_km: float) -> float:
    """Return the cut-off in units of `unit_km`."""
    if cutoff_km is None or cutoff_km == np.inf:
        return np.inf
    if not (is_number(cutoff_km) and cutoff_km > 0):
        raise DataError(f"cutoff_km must be a positive number of kilometres, or None; got {cutoff_km!r}.")
    return cutoff_km / unit_km


def _areas_km2(cities: Any) -> Float:
    """Return the areas of the polygons, on the ellipsoid for longitudes and latitudes."""
    from pyproj import Geod

    from spatial.places.crs import frame_of

    shapes = geometry_of(cities)
    frame = frame_of(shapes.crs)
    if frame.lonlat:
        geod = Geod(ellps="WGS84")
        areas = np.array([abs(geod.geometry_area_perimeter(g)[0]) for g in shapes.to_crs(4326)]) / 1e6
    else:
        areas = shapes.area.to_numpy() * frame.factor**2
    if (areas <= 0).any():
        bad = shapes.index[areas <= 0]
        raise DataError(f'own="area" needs polygons; without area: {name_ids(bad)}. Give own as a number.')
    return np.asarray(areas)


def _apply(function: Any, values: Any, ids: pd.Index[Any]) -> Any:
    """Call `function` on (k, N) columns of `values` in the order of `ids`; return the form of `values`."""
    if isinstance(values, Panel):
        columns = list(values.columns)
        indexer(values.units, ids, "the panel", "the cities")
        cube = values.cube(columns, units=ids)
        require_cells(cube, values, columns, ids)
        out = function(cube.transpose(0, 2, 1).reshape(-1, len(ids)))
        out = out.reshape(cube.shape[0], len(columns), -1).transpose(0, 2, 1)
        names = [f"decayed_{c}" for c in columns]
        return values.with_cube(names, out, units=ids).select(names)
    if isinstance(values, (pd.Series, pd.DataFrame)):
        found = aligned_values(values, ids, "the values", "the cities")
        require_finite(found, ids, "The values")
        out = function(found.reshape(len(ids), -1).T.copy()).T
        if isinstance(values, pd.Series):
            name = None if values.name is None else f"decayed_{values.name}"
            return pd.Series(out[row_places(values.index, ids), 0], index=values.index, name=name)
        names = [f"decayed_{c}" for c in values.columns]
        return pd.DataFrame(out[row_places(values.index, ids)], index=values.index, columns=names)
    return _apply_array(function, as_float(values, "The values"), ids)


def _apply_array(function: Any, values: Float, ids: pd.Index[Any]) -> Float:
    axis = 1 if values.ndim == 3 else values.ndim - 1
    if values.ndim not in (1, 2, 3) or values.shape[axis] != len(ids):
        raise AlignmentError(
            f"An array of values must be (N,), (T, N) or (T, N, k) with N = {len(ids)}, in the order of the "
            f"cities; got {values.shape}. Pass a Series, DataFrame or Panel to match by id."
        )
    moved = np.moveaxis(values, axis, -1)
    require_finite(moved.reshape(-1, len(ids)).T, ids, "The values")
    out = function(np.ascontiguousarray(moved.reshape(-1, len(ids))))
    return np.moveaxis(out.reshape(moved.shape), -1, axis)


def require_cells(cube: Float, panel: Panel, columns: list[str], ids: pd.Index[Any]) -> None:
    bad = np.argwhere(~np.isfinite(cube))
    if len(bad):
        cells = [(ids[i], panel.times[t], columns[k]) for t, i, k in bad[:10]]
        raise DataError(
            f"A decayed sum needs every city in every period; {len(bad)} cells are missing or infinite, "
            f"the first: {name_ids(cells)}. Interpolate, or drop these units from panel and cities."
        )
