"""Centre of gravity and standard-deviational ellipse over time, on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted
from spatial.ids.rows import canonical, cross_section_or_panel, match_rows, numbers, plain, row_names
from spatial.languages.shown import digits, frame_text
from spatial.places.crs import frame_of, transformer_of
from spatial.places.points import CitiesLike, geometry_of, points_of
from spatial.places.sphere import EARTH_RADIUS_KM, haversine_km, unit_vectors
from spatial.results import Result
from spatial.words import tell

__all__ = ["Centrography", "gravity_center", "standard_ellipse"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Centrography(Result):
    """Centres of gravity and ellipses, by time.

    Parameters
    ----------
    frame : DataFrame
        By time (one row, ``all``, for a cross-section): ``lon, lat`` of the centre in degrees;
        ``shift_km`` and ``bearing`` (degrees clockwise from north) of its move since the time before;
        ``major_km, minor_km`` the half axes; ``rotation``, of the major axis, degrees clockwise from
        north in [0, 180); ``area_km2``; ``flattening``, 1 - minor/major.
    scale : float
        Standard deviations that a half axis is long.
    """

    figure: ClassVar[str] = "centres_plot"

    frame: pd.DataFrame
    scale: float

    def tidy(self) -> pd.DataFrame:
        """Return one row for each time."""
        return self.frame.reset_index()

    def glance(self) -> pd.DataFrame:
        """Return one row: times, length of the path, and net move and bearing from first to last."""
        first, last = self.frame.iloc[0], self.frame.iloc[-1]
        km, bearing = _move(first["lon"], first["lat"], last["lon"], last["lat"])
        path = float(self.frame["shift_km"].sum())
        return pd.DataFrame(
            [{"n_times": len(self.frame), "path_km": path, "net_km": km, "net_bearing": bearing}]
        )

    def summary(self) -> str:
        """Return the frame as text."""
        return frame_text(self.frame, digits(3), index=True)

    def headline(self) -> str:
        """Say how far the centre moved."""
        row = self.glance().iloc[0]
        times, km = row["n_times"], row["net_km"]
        return tell(f"{times:.0f} times, centre moved {km:.1f} km", f"{times:.0f} 期，重心移动 {km:.1f} 千米")

    @property
    def aspect(self) -> float:
        """Height of a degree of latitude over the width of one of longitude, at the mean latitude."""
        return float(1 / np.cos(np.radians(self.frame["lat"].mean())))

    def outlines(self, points: int = 72) -> list[Float]:
        """Return the outline of each ellipse, (points, 2) degrees of longitude and latitude."""
        return [_outline(row, points) for _, row in self.frame.iterrows()]

    def ellipses(self, points: int = 72) -> Any:
        """Return the ellipses as polygons in longitudes and latitudes, a GeoDataFrame by time."""
        import geopandas as gpd
        from shapely.geometry import Polygon

        shapes = [Polygon(outline) for outline in self.outlines(points)]
        return gpd.GeoDataFrame(self.frame.copy(), geometry=shapes, crs=4326)

    def centers(self) -> Any:
        """Return the centres as points in longitudes and latitudes, a GeoDataFrame by time."""
        import geopandas as gpd

        points = gpd.points_from_xy(self.frame["lon"], self.frame["lat"])
        return gpd.GeoDataFrame(self.frame.copy(), geometry=points, crs=4326)


@hinted
def gravity_center(values: pd.Series[Any], cities: CitiesLike) -> pd.DataFrame:
    r"""Return the centre of gravity of values over cities, on the sphere, by time:

    .. math:: c_t = \frac{m_t}{\lVert m_t \rVert}, \qquad m_t = \sum_i \frac{x_{it}}{\sum_j x_{jt}} \, u_i ,

    the direction of the weighted mean of the cities' unit vectors :math:`u_i`.

    Parameters
    ----------
    values : Series
        By unit, or by (unit, time), not negative: population, output, employment.
    cities : GeoDataFrame
        Indexed by unit, with a CRS; the seat, the point or the centroid of each stands for it.

    Returns
    -------
    DataFrame
        By time: ``lon, lat`` (degrees), ``shift_km`` and ``bearing`` since the time before.

    Raises
    ------
    DataError
        For missing or negative values, by id, and where nothing is left to weigh.
    AlignmentError
        Where values and cities have different ids.

    Examples
    --------
    Two cities on the equator, 10 degrees apart; the weight moves eastwards:

    >>> import geopandas as gpd, pandas as pd
    >>> cities = gpd.GeoDataFrame(index=["a", "b"], geometry=gpd.points_from_xy([0, 10], [0, 0]), crs=4326)
    >>> rows = pd.MultiIndex.from_product([["a", "b"], [2000, 2010]])
    >>> found = gravity_center(pd.Series([1.0, 0.0, 1.0, 1.0], rows), cities)
    >>> found.round(2).values.tolist()
    [[5.0, 0.0, nan, nan], [10.0, 0.0, 555.98, 90.0]]
    """
    return standard_ellipse(values, cities).frame[["lon", "lat", "shift_km", "bearing"]]


@hinted
def standard_ellipse(values: pd.Series[Any], cities: CitiesLike, *, scale: float = 1.0) -> Centrography:
    r"""Return the standard-deviational ellipse of values over cities, by time,

    .. math::

        \Sigma_t = \sum_i \frac{x_{it}}{\sum_j x_{jt}} \begin{pmatrix} e_i \\ n_i \end{pmatrix}
        \begin{pmatrix} e_i \\ n_i \end{pmatrix}', \qquad
        \sigma_{1,2} = \text{square roots of its eigenvalues},

    where :math:`(e_i, n_i)` are kilometres east and north of the centre of gravity in the azimuthal
    equidistant projection about it, in which distance and direction from the centre are those on the
    sphere (Lefever 1926; Yuill 1971).  Degrees are never taken for distances.

    Parameters
    ----------
    values, cities
        As in `gravity_center`.
    scale : float
        Half axes in standard deviations.  1 is the definition above; :math:`\sqrt 2` is what ArcGIS and
        CrimeStat draw, about 63 percent of a normal distribution.

    Returns
    -------
    Centrography
        ``.frame`` by time; ``.ellipses()`` and ``.centers()`` for maps.

    Raises
    ------
    DataError
        If a value is negative, all are zero, or the cities cannot be measured.
    AlignmentError
        If the ids of values and cities differ.

    Examples
    --------
    Four cities a degree from the centre, two degrees east and west:

    >>> import geopandas as gpd, pandas as pd
    >>> points = gpd.points_from_xy([0, 0, 2, -2], [1, -1, 0, 0])
    >>> cities = gpd.GeoDataFrame(index=list("abcd"), geometry=points, crs=4326)
    >>> found = standard_ellipse(pd.Series(1.0, cities.index), cities)
    >>> found.frame[["major_km", "minor_km", "rotation"]].round(2).values.tolist()  # 222.39, 111.19 / sqrt(2)
    [[157.25, 78.63, 90.0]]
    """
    if not isinstance(scale, (int, float, np.number)) or not 0 < scale < 1e9:
        raise DataError(f"scale must be positive, such as 1 or 2 ** 0.5; got {scale!r}.")
    series = _checked(values)
    lon, lat = _lonlat(cities, series.index)
    order = canonical(series.index)
    period, times = cross_section_or_panel(series.index.take(order))
    mass, lon, lat = series.to_numpy()[order], lon[order], lat[order]
    labels = ["all"] if times is None else [plain(time) for time in times]
    rows = []
    for k, time in enumerate(labels):
        at = (period == k) & (mass > 0)
        if not at.any():
            raise DataError(f"A centre needs a positive total; all values are zero at {time!r}.")
        share = mass[at] / mass[at].max()
        rows.append(_one(share / share.sum(), lon[at], lat[at], scale, time))
    index = pd.Index(labels, name="time") if times is None else times
    frame = pd.DataFrame(rows, index=index)
    frame.insert(2, "shift_km", np.nan)
    frame.insert(3, "bearing", np.nan)
    if len(frame) > 1:
        place = frame[["lon", "lat"]].to_numpy()
        moves = np.array([_move(*a, *b) for a, b in pairwise(place)])
        frame.iloc[1:, 2:4] = moves
    return Centrography(frame, float(scale))


# ---- reading
def _checked(values: Any) -> pd.Series[Any]:
    if not isinstance(values, pd.Series):
        raise DataError(
            "A Series by unit or by (unit, time), such as panel.frame[column], is needed; got "
            f"{type(values).__name__}."
        )
    what = repr(values.name) if values.name is not None else "the values"
    found = numbers(values, what)
    for bad, kind in ((~np.isfinite(found), "finite"), (found < 0, "not negative, to be a weight")):
        if bad.any():
            raise DataError(f"{what} must be {kind}; it is not at {row_names(values.index, bad)}.")
    return pd.Series(found, index=values.index)


def _lonlat(cities: Any, rows: pd.Index[Any]) -> tuple[Float, Float]:
    """Return longitude and latitude of the city of each row, matched by id."""
    points = points_of(cities)
    x, y = points.x, points.y
    if not points.lonlat:
        crs = geometry_of(cities).crs
        factor = frame_of(crs).factor  # kilometres to a unit of the CRS
        x, y = transformer_of(crs, 4326).transform(x / factor, y / factor)
    matched = [match_rows(pd.Series(v, points.ids), rows, "cities").to_numpy() for v in (x, y)]
    return matched[0], matched[1]


# ---- geometry
def _one(share: Float, lon: Float, lat: Float, scale: float, time: Any) -> dict[str, float]:
    mean = (share[:, None] * unit_vectors(lon, lat)).sum(axis=0)
    length = float(np.sqrt(mean @ mean))
    if length < 1e-9:
        raise DataError(f"The values balance out over the whole sphere at {time!r}: they have no centre.")
    east0, north0 = _degrees(mean)
    east, north = _plane(east0, north0, lon, lat)
    see, snn, sen = ((share * a * b).sum() for a, b in ((east, east), (north, north), (east, north)))
    middle, half = (see + snn) / 2, np.hypot((see - snn) / 2, sen)
    major, minor = np.sqrt(middle + half), np.sqrt(max(middle - half, 0.0))
    # A circle and a point have no axis: no rotation rather than that of the rounding error.
    turn = np.nan
    if half > 1e-9 * middle and middle > 1e-12:
        turn = float(np.degrees(np.arctan2(2 * sen, snn - see))) / 2 % 180
        turn = 0.0 if turn > 180 - 1e-9 else turn
    return {
        "lon": east0,
        "lat": north0,
        "major_km": scale * float(major),
        "minor_km": scale * float(minor),
        "rotation": turn,
        "area_km2": float(np.pi * scale**2 * major * minor),
        "flattening": float(1 - minor / major) if major > 0 else np.nan,
    }


def _degrees(vector: Float) -> tuple[float, float]:
    x, y, z = vector
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _plane(lon0: float, lat0: float, lon: Float, lat: Float) -> tuple[Float, Float]:
    """Return kilometres east and north of (lon0, lat0): azimuthal equidistant."""
    zeros = np.zeros_like(lon)
    km = haversine_km(zeros + lon0, zeros + lat0, lon, lat)
    angle = np.radians(_bearing(lon0, lat0, lon, lat))
    return km * np.sin(angle), km * np.cos(angle)


def _bearing(lon0: Any, lat0: Any, lon: Any, lat: Any) -> Any:
    """Return the initial bearing, degrees clockwise from north."""
    turn, a, b = np.radians(lon - lon0), np.radians(lat0), np.radians(lat)
    y, x = np.sin(turn) * np.cos(b), np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(turn)
    return np.degrees(np.arctan2(y, x)) % 360


def _move(lon0: float, lat0: float, lon: float, lat: float) -> tuple[float, float]:
    km = float(haversine_km(*(np.array([v]) for v in (lon0, lat0, lon, lat)))[0])
    return km, float(_bearing(lon0, lat0, lon, lat)) if km > 1e-6 else np.nan


def _outline(row: pd.Series[Any], points: int) -> Float:
    """Return the outline of one ellipse, (points, 2) degrees, longitudes without a jump at 180."""
    around = np.linspace(0, 2 * np.pi, points, endpoint=False)
    along, across = row["major_km"] * np.cos(around), row["minor_km"] * np.sin(around)
    turn = np.radians(0.0 if np.isnan(row["rotation"]) else row["rotation"])
    east = along * np.sin(turn) + across * np.cos(turn)
    north = along * np.cos(turn) - across * np.sin(turn)
    arc, angle = np.hypot(east, north) / EARTH_RADIUS_KM, np.arctan2(east, north)
    lat0 = np.radians(row["lat"])
    lat = np.arcsin(np.clip(np.sin(lat0) * np.cos(arc) + np.cos(lat0) * np.sin(arc) * np.cos(angle), -1, 1))
    turn_east = np.arctan2(
        np.sin(angle) * np.sin(arc) * np.cos(lat0), np.cos(arc) - np.sin(lat0) * np.sin(lat)
    )
    return np.column_stack([row["lon"] + np.degrees(turn_east), np.degrees(lat)])
