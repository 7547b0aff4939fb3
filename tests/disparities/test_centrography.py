"""Centres and ellipses on the sphere, kernel densities by time: by hand, identities, messages."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spatial.disparities.centrography import gravity_center, standard_ellipse
from spatial.disparities.densities import density_by_time
from spatial.errors import AlignmentError, DataError
from spatial.panel.panel import Panel

KM = 6371.0088 * np.pi / 180  # of a degree on the sphere
ROWS = pd.MultiIndex.from_product([["a", "b", "c"], [2000, 2010]], names=["city", "year"])


def places(lon: Any, lat: Any, ids: Any = None, crs: Any = 4326) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(index=ids, geometry=gpd.points_from_xy(lon, lat), crs=crs)


# ---- the centre
@pytest.mark.evidence("gravity_center", source="three places on the equator", kind="hand")
def test_centre_by_hand() -> None:
    # On the equator at 0, 30 and 90 degrees: (1, 0), (cos 30, sin 30), (0, 1) in the plane of the equator.
    cities = places([0, 30, 90], [0, 0, 0], ["a", "b", "c"])
    found = gravity_center(pd.Series({"a": 1.0, "b": 2.0, "c": 1.0}), cities)
    x, y = 1 + 2 * np.cos(np.pi / 6), 2 * 0.5 + 1
    assert found.loc["all", "lon"] == pytest.approx(np.degrees(np.arctan2(y, x)))
    assert found.loc["all", "lat"] == pytest.approx(0, abs=1e-13)


def test_path_by_hand() -> None:
    cities = places([10, 10, 10], [0, 10, 20], ["a", "b", "c"])
    x = pd.Series([1.0, 0, 0, 0, 0, 3.0], ROWS)  # all in a, then all in c
    found = standard_ellipse(x, cities)
    assert found.frame.loc[2010, "shift_km"] == pytest.approx(20 * KM)
    assert found.frame.loc[2010, "bearing"] == pytest.approx(0)
    assert found.frame["lat"].tolist() == pytest.approx([0, 20])
    row = found.glance().iloc[0]
    assert (row["path_km"], row["net_km"]) == pytest.approx((20 * KM, 20 * KM))


def test_centre_across_the_antimeridian_and_at_a_pole() -> None:
    found = gravity_center(pd.Series(1.0, [0, 1]), places([179, -179], [0, 0]))
    assert abs(found.loc["all", "lon"]) == pytest.approx(180)
    ellipse = standard_ellipse(pd.Series(1.0, [0, 1]), places([179, -179], [0, 0])).frame.loc["all"]
    assert ellipse["major_km"] == pytest.approx(KM)
    around = gravity_center(pd.Series(1.0, [0, 1, 2]), places([0, 120, -120], [80, 80, 80]))
    assert around.loc["all", "lat"] == pytest.approx(90)


def test_centre_in_the_plane_limit() -> None:
    # Cities within a kilometre: the centre is the mean of the degrees.
    rng = np.random.default_rng(0)
    lon, lat, mass = 30 + rng.normal(0, 1e-3, 50), 50 + rng.normal(0, 1e-3, 50), rng.uniform(1, 2, 50)
    found = gravity_center(pd.Series(mass), places(lon, lat)).loc["all"]
    assert found["lon"] == pytest.approx(np.average(lon, weights=mass), abs=1e-8)
    assert found["lat"] == pytest.approx(np.average(lat, weights=mass), abs=1e-7)


# ---- the ellipse
@pytest.mark.evidence("standard_ellipse", source="four places on a cross", kind="hand")
def test_ellipse_by_hand() -> None:
    cities = places([0, 0, 2, -2], [1, -1, 0, 0])
    found = standard_ellipse(pd.Series(1.0, range(4)), cities).frame.loc["all"]
    assert found["major_km"] == pytest.approx(2 * KM / np.sqrt(2))
    assert found["minor_km"] == pytest.approx(KM / np.sqrt(2))
    assert found["rotation"] == pytest.approx(90)
    assert found["area_km2"] == pytest.approx(np.pi * KM**2)
    assert found["flattening"] == pytest.approx(0.5)


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 110.0, 179.0])
def test_rotation_is_clockwise_from_north(angle: float) -> None:
    # Points along one bearing from the centre: a line, so the minor axis is zero.
    turn, steps = np.radians(angle), np.array([-0.02, -0.01, 0.01, 0.02])
    cities = places(steps * np.sin(turn), steps * np.cos(turn))
    found = standard_ellipse(pd.Series(1.0, range(4)), cities).frame.loc["all"]
    assert found["rotation"] == pytest.approx(angle, abs=1e-4)
    assert found["minor_km"] == pytest.approx(0, abs=1e-4)


def test_ellipse_is_the_covariance_in_the_plane_limit() -> None:
    rng = np.random.default_rng(1)
    east, north = rng.multivariate_normal(
        [0, 0], [[4, 1.5], [1.5, 2]], 400
    ).T  # kilometres at 40 degrees north
    mass = rng.uniform(1, 3, 400)
    cities = places(100 + east / (KM * np.cos(np.radians(40))), 40 + north / KM)
    found = standard_ellipse(pd.Series(mass), cities).frame.loc["all"]
    values, vectors = np.linalg.eigh(np.cov(east, north, aweights=mass, ddof=0))
    assert found["major_km"] == pytest.approx(np.sqrt(values[1]), rel=1e-3)
    assert found["minor_km"] == pytest.approx(np.sqrt(values[0]), rel=1e-3)
    turn = np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180
    assert found["rotation"] == pytest.approx(turn, abs=0.1)


def test_a_circle_has_no_rotation_and_a_point_no_axes() -> None:
    ring = np.radians(np.arange(0, 360, 45))
    circle = standard_ellipse(pd.Series(1.0, range(8)), places(np.cos(ring), np.sin(ring))).frame.loc["all"]
    assert circle["flattening"] == pytest.approx(0, abs=1e-4)
    point = standard_ellipse(pd.Series([1.0, 0.0]), places([5, 9], [5, 9])).frame.loc["all"]
    assert point["major_km"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(point["rotation"])


@pytest.mark.evidence(
    "Centrography.ellipses",
    "Centrography.centers",
    source="areas and centres of the outlines",
    kind="identity",
    differs="the outline has 360 corners on a sphere",
)
def test_outlines_lie_on_the_ellipse() -> None:
    rng = np.random.default_rng(2)
    cities = places(rng.uniform(100, 120, 30), rng.uniform(25, 40, 30))
    found = standard_ellipse(pd.Series(rng.uniform(1, 2, 30)), cities, scale=2**0.5)
    shape = found.ellipses(points=360)
    row = found.frame.loc["all"]
    # An equal-area projection about the centre keeps the area to the flatness of the sphere there.
    local = f"+proj=laea +lon_0={row['lon']} +lat_0={row['lat']} +R=6371008.8"
    assert shape.to_crs(local).area.iloc[0] / 1e6 == pytest.approx(row["area_km2"], rel=0.02)
    assert shape.contains(found.centers().geometry.iloc[0]).all()
    one = standard_ellipse(pd.Series(1.0, cities.index), cities).frame.loc["all"]
    two = standard_ellipse(pd.Series(1.0, cities.index), cities, scale=2).frame.loc["all"]
    assert two["major_km"] == pytest.approx(2 * one["major_km"])


def test_weight_moves_the_ellipse_of_china(china: Any) -> None:
    lon = china.geometry.centroid.x if "seat" not in china.columns else china["seat"].x
    even = standard_ellipse(pd.Series(1.0, china.index), china).frame.loc["all"]
    east = standard_ellipse(pd.Series(np.exp((lon - 100) / 5).to_numpy(), china.index), china).frame.loc[
        "all"
    ]
    assert 73 < even["lon"] < 135
    assert 18 < even["lat"] < 54
    assert east["lon"] > even["lon"] + 2
    assert 500 < even["major_km"] < 2000


# ---- invariances and coordinates
def test_order_scale_and_zero_weights() -> None:
    rng = np.random.default_rng(3)
    cities = places(rng.uniform(100, 120, 20), rng.uniform(25, 40, 20), [f"c{k:02d}" for k in range(20)])
    rows = pd.MultiIndex.from_product([cities.index, [2000, 2005]])
    x = pd.Series(rng.uniform(0, 5, 40), rows)
    straight = standard_ellipse(x, cities).frame
    shuffled = standard_ellipse(x.sample(frac=1, random_state=1), cities.sample(frac=1, random_state=2)).frame
    pd.testing.assert_frame_equal(shuffled, straight, check_exact=True)
    pd.testing.assert_frame_equal(standard_ellipse(x * 1e6, cities).frame, straight, rtol=1e-9)


def test_projected_layers_are_taken_to_the_sphere() -> None:
    lon, lat = [100.0, 110, 120], [30.0, 35, 25]
    cities = places(lon, lat, ["a", "b", "c"])
    flat = cities.to_crs("ESRI:102025")  # Asia North Albers, metres
    x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0})
    pd.testing.assert_frame_equal(
        standard_ellipse(x, flat).frame, standard_ellipse(x, cities).frame, rtol=1e-6
    )


def test_result_forms() -> None:
    cities = places([10, 12, 11], [0, 1, 3], ["a", "b", "c"])
    x = Panel(pd.DataFrame({"pop": [1.0, 2, 3, 4, 5, 9]}, ROWS)).frame["pop"]
    found = standard_ellipse(x, cities)
    assert list(found.tidy())[:3] == ["year", "lon", "lat"]
    assert str(found) == found.summary()
    assert repr(found).startswith("<Centrography ")
    assert found.ellipses().crs.to_epsg() == found.centers().crs.to_epsg() == 4326
    assert list(gravity_center(x, cities)) == ["lon", "lat", "shift_km", "bearing"]
    assert len(found.plot().lines) == 3


# ---- messages
def test_refuses_what_has_no_centre() -> None:
    cities = places([0, 10], [0, 0], ["a", "b"])
    x = pd.Series({"a": 1.0, "b": 2.0}, name="pop")

    def refuse(match: str, values: Any, kind: type[Exception] = DataError, **options: Any) -> None:
        with pytest.raises(kind, match=match):
            standard_ellipse(values, cities, **options)

    refuse("'pop' must be finite; it is not at 'b'", x.replace(2.0, np.nan))
    refuse("'pop' must be not negative, to be a weight; it is not at 'b'", x.replace(2.0, -1))
    refuse("A centre needs a positive total; all values are zero at 'all'", x * 0)
    refuse("A Series by unit .* is needed; got list", [1.0, 2.0])
    refuse("In cities only: 'b'", x.drop("b"), AlignmentError)
    refuse("In the data only: 'c'", pd.Series({"a": 1.0, "b": 1.0, "c": 1.0}), AlignmentError)
    refuse("scale must be positive", x, scale=0)
    with pytest.raises(DataError, match="balance out over the whole sphere at 'all'"):
        gravity_center(x * 0 + 1, places([0, 180], [0, 0], ["a", "b"]))
    with pytest.raises(DataError, match="Cities must be a GeoDataFrame"):
        gravity_center(x, pd.DataFrame(index=["a", "b"]))
    with pytest.raises(DataError, match="coordinate reference system"):
        gravity_center(x, cities.set_crs(None, allow_override=True))


# ---- kernel densities
def kde_panel(n: int = 60) -> Panel:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(n), [2001, 2002, 2003]], names=["city", "year"])
    return Panel(pd.DataFrame({"y": rng.normal(size=3 * n)}, index))


@pytest.mark.evidence("density_by_time", digits=10, source="scipy.stats.gaussian_kde")
def test_density_against_scipy() -> None:
    panel = kde_panel()
    found = density_by_time(panel, "y", bandwidth=0.4)
    sample = panel.at(2002)["y"].to_numpy()
    oracle = stats.gaussian_kde(sample, bw_method=0.4 / sample.std(ddof=1))
    np.testing.assert_allclose(found[2002], oracle(found.index), rtol=1e-10)
    assert found.attrs == {"bandwidth": 0.4, "kernel": "gaussian"}


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_density_integrates_to_one_and_widens_the_spread_by_h(kernel: Any) -> None:
    panel = kde_panel()
    found = density_by_time(panel, "y", kernel=kernel, points=2000, bandwidth=0.5)
    x, f = found.index.to_numpy(), found[2001].to_numpy()
    step = x[1] - x[0]
    assert f.sum() * step == pytest.approx(1, abs=1e-4)
    mean = (x * f).sum() * step
    sample = panel.at(2001)["y"].to_numpy()
    assert mean == pytest.approx(sample.mean(), abs=1e-3)
    assert ((x - mean) ** 2 * f).sum() * step == pytest.approx(sample.var() + 0.25, abs=5e-3)


def test_density_by_hand() -> None:
    rows = pd.MultiIndex.from_product([["a", "b"], [1]])
    found = density_by_time(pd.DataFrame({"y": [0.0, 2.0]}, rows), "y", bandwidth=1.0, points=11)
    assert found.index[5] == pytest.approx(1)  # from -4 to 6
    assert found[1].iloc[5] == pytest.approx(stats.norm.pdf(1))


def test_default_bandwidth_is_silvermans() -> None:
    panel = kde_panel()
    y = panel.frame["y"].to_numpy()
    spread = min(y.std(ddof=1), stats.iqr(y) / 1.34)
    expected = 0.9 * spread * panel.n_units**-0.2
    assert density_by_time(panel, "y").attrs["bandwidth"] == pytest.approx(expected)


def test_density_order_and_missing() -> None:
    frame = kde_panel().frame
    shuffled = frame.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        density_by_time(shuffled, "y"), density_by_time(frame, "y"), check_exact=True
    )
    frame.loc[(3, 2002), "y"] = np.nan
    dropped = density_by_time(frame.drop((3, 2002)), "y")
    pd.testing.assert_frame_equal(density_by_time(frame, "y"), dropped)
    assert list(density_by_time(frame, "y", times=[2003, 2001])) == [2003, 2001]


def test_density_refuses() -> None:
    def refuse(match: str, data: Any = None, column: str = "y", **options: Any) -> None:
        with pytest.raises(DataError, match=match):
            density_by_time(kde_panel() if data is None else data, column, **options)

    refuse("no column 'z'. The columns are: 'y'", column="z")
    refuse("has no time 1999; it has 2001, 2002, 2003", times=[1999])
    refuse("bandwidth must be positive; got -1", bandwidth=-1)
    refuse("points must be a whole number above 1; got 1", points=1)
    refuse("kernel must be one of 'gaussian', 'epanechnikov'", kernel="box")
    refuse(r"A Panel, or a DataFrame by \(unit, time\)", kde_panel().at(2001))
    refuse("'y' must vary; all 180 values are 0", Panel(kde_panel().frame * 0))
    holes = kde_panel().frame
    holes.loc[(slice(1, None), 2002), "y"] = np.nan
    refuse("fewer than two numbers at 2002", holes)
    holes.loc[(0, 2002), "y"] = np.inf
    refuse("has 1 infinite cells", holes)
    refuse("Column 'y' must hold numbers", kde_panel().frame.astype(str))
