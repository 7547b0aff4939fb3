"""Distance-decayed sums: by hand, against the plain double sum, and the tree code against its bound."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.agglomeration import decay
from spatial.errors import AlignmentError, DataError, WeightsError

R = 6371.0088


def places(n: int, seed: int = 0, *, globe: bool = False) -> Any:
    """Random cities with text ids, over China or over the globe."""
    rng = np.random.default_rng(seed)
    if globe:
        lon, lat = rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    else:
        lon, lat = rng.uniform(75, 134, n), rng.uniform(18, 53, n)
    index = pd.Index([f"c{i:05d}" for i in range(n)], name="city")
    return gpd.GeoDataFrame(index=index, geometry=gpd.points_from_xy(lon, lat), crs=4326)


def distances(cities: Any) -> Any:
    """All great-circle distances by the haversine formula, with infinity on the diagonal."""
    lon, lat = np.radians(cities.geometry.x.to_numpy()), np.radians(cities.geometry.y.to_numpy())
    h = np.sin((lat[:, None] - lat) / 2) ** 2
    h = h + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    d = 2 * R * np.arcsin(np.sqrt(np.minimum(h, 1)))
    np.fill_diagonal(d, np.inf)
    return d


@pytest.fixture(params=["arrays", "compiled"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few places go on arrays, many through the compiled kernels, here in ranges of 64."""
    if request.param == "compiled":
        monkeypatch.setattr(decay, "_FEW_CELLS", 0)
        monkeypatch.setattr(decay, "_RANGE", 64)


@pytest.fixture
def three() -> Any:
    """Cities on one meridian, 1 and 2 degrees apart: by hand."""
    return gpd.GeoDataFrame(
        index=["a", "b", "c"], geometry=gpd.points_from_xy([0, 0, 0], [0, 1, 3]), crs=4326
    )


DEGREE = np.pi * R / 180


@pytest.mark.evidence("distance_decay", source="three cities one degree apart", kind="hand")
@pytest.mark.usefixtures("path")
def test_three_cities_by_hand(three: Any) -> None:
    x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0})
    found = sp.distance_decay(x, three, unit_km=DEGREE)
    np.testing.assert_allclose(found, [1 + 2 / 1 + 3 / 3, 2 + 1 / 1 + 3 / 2, 3 + 1 / 3 + 2 / 2], rtol=1e-13)
    squared = sp.distance_decay(x, three, power=2, own=0, unit_km=DEGREE)
    np.testing.assert_allclose(squared, [2 + 3 / 9, 1 + 3 / 4, 1 / 9 + 2 / 4], rtol=1e-13)
    near = sp.distance_decay(x, three, unit_km=DEGREE, cutoff_km=2.5 * DEGREE)
    np.testing.assert_allclose(near, [1 + 2, 2 + 1 + 3 / 2, 3 + 2 / 2], rtol=1e-13)
    linear = sp.distance_decay(x, three, own=1, unit_km=DEGREE, decay="linear", bandwidth_km=2 * DEGREE)
    np.testing.assert_allclose(linear, [1 + 2 * 0.5, 2 + 0.5, 3], rtol=1e-12)


@pytest.mark.evidence("distance_decay", source="the double sum over all pairs", kind="identity")
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("globe", [False, True])
@pytest.mark.parametrize("power", [0.5, 1.0, 1.7, 2.0])
def test_equals_the_plain_double_sum(power: float, globe: bool) -> None:
    cities = places(300, 1, globe=globe)
    x = np.random.default_rng(2).normal(size=300)
    expected = 0.3 * x + (distances(cities) / 50.0) ** -power @ x
    found = sp.distance_decay(x, cities, power=power, own=0.3, unit_km=50.0)
    # Haversine loses digits near the antipode, so the globe gets a wider bound.
    np.testing.assert_allclose(found, expected, rtol=1e-9 if globe else 1e-11, atol=1e-12)


@pytest.mark.usefixtures("path")
def test_other_decays() -> None:
    cities, d = places(200, 3), distances(places(200, 3))
    x = np.random.default_rng(4).random(200)
    exponential = sp.distance_decay(x, cities, own=0, decay="exponential", bandwidth_km=300)
    np.testing.assert_allclose(exponential, np.exp(-d / 300) @ x, rtol=1e-11)
    gaussian = sp.distance_decay(x, cities, own=0, decay="gaussian", bandwidth_km=300, unit_km=7.0)
    np.testing.assert_allclose(gaussian, np.exp(-0.5 * (d / 300) ** 2) @ x, rtol=1e-9)


def test_the_polynomials_are_the_inverse_angle_to_the_last_digits() -> None:
    from spatial.agglomeration import decay_kernels as kernels

    for polynomial, most in ((kernels.short, 0.25), (kernels._middle, 0.8), (kernels._hemisphere, 2.0)):
        for s in np.linspace(1e-3, most, 40):
            assert polynomial(s) == pytest.approx(np.sqrt(s) / (2 * np.arcsin(np.sqrt(s) / 2)), rel=1e-15)


def test_every_pair_meets_once() -> None:
    """With f = 1 everywhere, each place gets the sum over the others: 5,000 places are four ranges."""
    rng = np.random.default_rng(0)
    places = gpd.points_from_xy(rng.uniform(80, 130, 5000), rng.uniform(20, 50, 5000), crs=4326)
    x = pd.Series(rng.integers(1, 9, 5000).astype(float), name="x")
    found = sp.distance_decay(x, gpd.GeoDataFrame(geometry=places), decay="exponential", bandwidth_km=1e300)
    assert np.allclose(found, x.sum(), rtol=1e-13)


def test_harris_own_distance(nc: Any) -> None:
    """Own distance 2/3 sqrt(area / pi) (Keeble, Owens and Thompson 1982); NC has 139,000 km2 with waters."""
    nc = nc.to_crs(4326)
    x = pd.Series(1.0, index=nc.index)
    rest = sp.distance_decay(x, nc, own=0.0)
    own = sp.distance_decay(x, nc, own="area") - rest
    area = np.pi * (1.5 / own) ** 2
    assert area.sum() == pytest.approx(127_000, rel=0.02)
    with pytest.raises(DataError, match="needs polygons; without area: 'c00000'"):
        sp.distance_decay(np.ones(5), places(5), own="area")


def test_planar_coordinates_are_planar_kilometres() -> None:
    shapes = gpd.points_from_xy([0, 3000, 0], [0, 0, 4000])
    cities = gpd.GeoDataFrame(index=[1, 2, 3], geometry=shapes, crs="EPSG:3857")
    found = sp.distance_decay(np.array([1.0, 1.0, 1.0]), cities, own=0)
    np.testing.assert_allclose(found, [1 / 3 + 1 / 4, 1 / 3 + 1 / 5, 1 / 4 + 1 / 5], rtol=1e-12)


@pytest.mark.parametrize("globe", [False, True])
@pytest.mark.parametrize(("tolerance", "power"), [(1e-2, 1.0), (1e-3, 1.0), (1e-4, 2.0), (1e-2, 0.7)])
def test_tree_code_keeps_its_bound(globe: bool, tolerance: float, power: float) -> None:
    cities = places(6000, 5, globe=globe)
    x = np.random.default_rng(6).random((2, 6000)) ** 4
    exact = sp.distance_decay(x, cities, power=power, own=0)
    tree = sp.distance_decay(x, cities, power=power, own=0, tolerance=tolerance)
    error = np.abs(tree / exact - 1).max()
    assert error <= tolerance
    assert error > 0  # groups were taken: this is not the exact sum by another name


def test_tree_code_on_few_and_on_clustered_places() -> None:
    for n in (2, 33, 700):
        cities = places(n, 7)
        cities.geometry = gpd.points_from_xy(
            100 + (cities.geometry.x - 100) ** 3 / 1e4, cities.geometry.y / 9
        )
        x = np.ones(n)
        exact = sp.distance_decay(x, cities.set_crs(4326), own=0)
        np.testing.assert_allclose(sp.distance_decay(x, cities, own=0, tolerance=1e-3), exact, rtol=1e-3)


def test_columns_years_and_panels_are_served_in_one_pass() -> None:
    cities = places(60, 8)
    wide = pd.DataFrame(
        np.random.default_rng(9).random((60, 3)), index=cities.index, columns=[2001, 2002, 2003]
    )
    one = pd.concat([sp.distance_decay(wide[c], cities).rename(f"decayed_{c}") for c in wide], axis=1)
    together = sp.distance_decay(wide, cities)
    pd.testing.assert_frame_equal(together, one, rtol=1e-14)
    cube = sp.distance_decay(wide.to_numpy().T[:, :, None], cities)
    np.testing.assert_array_equal(cube[:, :, 0].T, together)
    long = wide.melt(ignore_index=False, var_name="year", value_name="x").reset_index()
    panel = sp.distance_decay(sp.Panel.from_frame(long, unit="city", time="year"), cities)
    np.testing.assert_array_equal(panel.cube("decayed_x")[:, :, 0].T, together)


@pytest.mark.usefixtures("path")
def test_rows_may_come_in_any_order_and_workers_do_not_matter() -> None:
    cities = places(700, 10)
    x = pd.Series(np.random.default_rng(11).random(700), index=cities.index, name="x")
    expected = sp.distance_decay(x, cities, workers=1)
    shuffled = cities.sample(frac=1, random_state=1)
    found = sp.distance_decay(x.sample(frac=1, random_state=2), shuffled)
    pd.testing.assert_series_equal(found.reindex(x.index), expected, rtol=1e-13)
    pd.testing.assert_series_equal(sp.distance_decay(x, cities, workers=3), expected, rtol=0, atol=0)
    tree = [sp.distance_decay(x, cities, tolerance=1e-3, workers=w) for w in (1, 3)]
    pd.testing.assert_series_equal(*tree, rtol=0, atol=0)


def test_scaling_the_unit_scales_the_others_only() -> None:
    cities, x = places(50, 12), np.ones(50)
    km, hundred = (sp.distance_decay(x, cities, power=2, own=0, unit_km=u) for u in (1.0, 100.0))
    np.testing.assert_allclose(hundred, km * 100**2, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"power": 0}, "power must be a positive number"),
        ({"unit_km": -1}, "unit_km must be a positive number of kilometres; got -1"),
        ({"cutoff_km": 0}, "cutoff_km must be a positive number"),
        ({"decay": "gaussian"}, "decay='gaussian' needs bandwidth_km"),
        ({"decay": "gausian", "bandwidth_km": 3}, "Did you mean 'gaussian'"),
        ({"own": "aera"}, 'own must be a finite number or "area"'),
        ({"tolerance": 2.0}, "between 1e-9 and 1"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        sp.distance_decay(np.ones(4), places(4), **options)


def test_bad_values() -> None:
    cities = places(4)
    with pytest.raises(DataError, match="NaN or infinity at 'c00002'"):
        sp.distance_decay(np.array([1, 2, np.nan, 3]), cities)
    with pytest.raises(AlignmentError, match=r"\(N,\), \(T, N\) or \(T, N, k\) with N = 4"):
        sp.distance_decay(np.ones(5), cities)
    with pytest.raises(AlignmentError, match="In the cities only: 'c00003'"):
        sp.distance_decay(pd.Series(1.0, index=cities.index[:3]), cities)
    with pytest.raises(DataError, match="2 are negative"):
        sp.distance_decay(np.array([1.0, -1, -1, 1]), cities, tolerance=1e-3)
    same = cities.set_geometry(gpd.points_from_xy([1, 1, 2, 3], [1, 1, 2, 3], crs=4326))
    with pytest.raises(WeightsError, match="'c00000', 'c00001'"):
        sp.distance_decay(np.ones(4), same)


@pytest.fixture
def sector_panel() -> Any:
    """Three cities, two years; quotients by hand in the test."""
    rows = [
        ("a", 1, 20, 100),
        ("b", 1, 30, 100),
        ("c", 1, 50, 200),
        ("a", 2, 10, 100),
        ("b", 2, 10, 50),
        ("c", 2, 5, 100),
    ]
    frame = pd.DataFrame(rows, columns=["city", "year", "it", "all"])
    return sp.Panel.from_frame(frame, unit="city", time="year")


@pytest.mark.evidence("virtual_agglomeration", source="three cities, two years", kind="hand")
def test_virtual_agglomeration_by_hand(three: Any, sector_panel: Any) -> None:
    vag = sp.virtual_agglomeration(sector_panel, "it", "all", three, unit_km=DEGREE)
    lq1, lq2 = np.array([0.8, 1.2, 1.0]), np.array([1.0, 2.0, 0.5])
    np.testing.assert_allclose(vag.cube("location_quotient")[:, :, 0], [lq1, lq2], rtol=1e-14)
    inverse = np.array([[1, 1, 1 / 3], [1, 1, 1 / 2], [1 / 3, 1 / 2, 1]])  # own weight 1 on the diagonal
    expected = np.array([lq1, lq2]) * inverse.sum(axis=1)
    np.testing.assert_allclose(vag.cube("virtual_agglomeration")[:, :, 0], expected, rtol=1e-12)
    assert vag.meta["quotient_of"] == "own"
    assert vag.meta["reading"].startswith("own: the city's quotient times its centrality")
    others = sp.virtual_agglomeration(sector_panel, "it", "all", three, unit_km=DEGREE, quotient_of="others")
    expected = np.array([inverse @ lq1, inverse @ lq2])
    np.testing.assert_allclose(others.cube("virtual_agglomeration")[:, :, 0], expected, rtol=1e-12)
    assert others.meta["reading"].startswith("others: the quotients of the other cities")
    none = sector_panel.with_columns(it=[0.0, 1, 1, 1, 1, 1])
    assert sp.virtual_agglomeration(none, "it", "all", three).values.min() == 0
    assert "depends on the unit" in vag.meta["note"]


def test_virtual_agglomeration_flows_on(three: Any, sector_panel: Any) -> None:
    vag = sp.virtual_agglomeration(sector_panel, "it", "all", three)
    assert isinstance(vag, sp.Panel)
    W = sp.weights.knn(three, 1).row_standardized()
    assert list(W.lag(vag).columns) == ["W_location_quotient", "W_virtual_agglomeration"]
    assert vag.values.index.equals(vag.frame.index)


@pytest.mark.evidence("VirtualAgglomeration.sensitivity", source="the index computed again", kind="identity")
def test_sensitivity_shows_what_hangs_on_the_unit(three: Any, sector_panel: Any) -> None:
    vag = sp.virtual_agglomeration(sector_panel, "it", "all", three)
    table = vag.sensitivity(units_km=(1.0, 100.0), powers=(1.0,), cutoffs_km=(None, 50.0))
    same = table.query("unit_km == 1 and cutoff_km.isna()").iloc[0]
    assert same["pearson"] == pytest.approx(1)
    assert same["mean"] == same["mean_own"] == pytest.approx(vag.values.mean())
    others = sp.virtual_agglomeration(sector_panel, "it", "all", three, quotient_of="others")
    assert same["mean_others"] == pytest.approx(others.values.mean())
    assert same["between_readings"] == pytest.approx(vag.values.corr(others.values))
    shares = table.set_index(["unit_km", "cutoff_km"])["own_share"]
    assert shares.loc[(100.0, np.nan)] < shares.loc[(1.0, np.nan)] < shares.loc[(1.0, 50.0)] == 1.0


def test_virtual_agglomeration_refuses(three: Any, sector_panel: Any) -> None:
    def changed(**columns: Any) -> Any:
        return sector_panel.with_columns(columns)

    with pytest.raises(DataError, match=r"'it' must not be negative; it is at \('a', 1\)"):
        sp.virtual_agglomeration(changed(it=[-1.0, 1, 1, 1, 1, 1]), "it", "all", three)
    with pytest.raises(DataError, match=r"'all' above 0; it is 0 at \('a', 2\)"):
        sp.virtual_agglomeration(changed(all=[1.0, 0, 1, 1, 1, 1]), "it", "all", three)
    with pytest.raises(DataError, match="'it' is 0 in every city at 1, 2"):
        sp.virtual_agglomeration(changed(it=0.0), "it", "all", three)
    with pytest.raises(DataError, match=r"1 cells are missing or infinite, the first: \('a', 1, 'it'\)"):
        sp.virtual_agglomeration(changed(it=[np.nan, 1, 1, 1, 1, 1]), "it", "all", three)
    with pytest.raises(DataError, match="Did you mean 'all'"):
        sp.virtual_agglomeration(sector_panel, "it", "al", three)
    with pytest.raises(AlignmentError, match="In the panel only: 'c'"):
        sp.virtual_agglomeration(sector_panel, "it", "all", three.iloc[:2])
    with pytest.raises(DataError, match="quotient_of must be"):
        sp.virtual_agglomeration(sector_panel, "it", "all", three, quotient_of="j")  # type: ignore[arg-type]


# ---- market potential
@pytest.mark.evidence("market_potential", source="distance_decay of the masses", kind="identity")
def test_market_potential_is_the_decayed_sum_of_masses() -> None:
    seats = gpd.points_from_xy([0, 0, 1], [0, 1, 0], crs=4326)
    cities = gpd.GeoDataFrame(index=["a", "b", "c"], geometry=seats)
    jobs = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0}, name="jobs")
    options: dict[str, Any] = {"power": 1.5, "own": 0.5, "unit_km": 100.0}
    pd.testing.assert_series_equal(
        sp.market_potential(jobs, cities, **options), sp.distance_decay(jobs, cities, **options)
    )
    with pytest.raises(sp.SpatialError, match=r"which are not negative; 1 are, at 'b'\. Correct them"):
        sp.market_potential(jobs.replace(2.0, -2.0), cities)
    with pytest.raises(sp.SpatialError, match=r"1 are\. Correct them"):
        sp.market_potential(np.array([1.0, -1.0, 0.0]), cities)
