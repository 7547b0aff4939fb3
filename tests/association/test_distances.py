"""Correlogram and semivariogram: against all pairs, great-circle kilometres, edges, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError
from spatial.weights import Weights, great_circle_km


@pytest.fixture(scope="module")
def places(china: Any) -> tuple[Any, pd.Series[float]]:
    cities = china.iloc[:80]
    rng = np.random.default_rng(0)
    return cities, pd.Series(rng.normal(size=80), cities.index, name="x")


def distances(cities: Any) -> np.ndarray:
    from spatial.places.points import points_of

    points = points_of(cities)
    i, j = np.meshgrid(np.arange(points.n), np.arange(points.n), indexing="ij")
    km = great_circle_km(points.x[i].ravel(), points.y[i].ravel(), points.x[j].ravel(), points.y[j].ravel())
    return np.asarray(km).reshape(points.n, points.n)


@pytest.mark.evidence("correlogram", source="moran with a link for each pair of the band", kind="identity")
def test_each_band_is_moran_of_its_pairs(places: Any) -> None:
    cities, x = places
    found = sp.correlogram(x, cities, bands=[0, 200, 500, 900], permutations=99)
    km = distances(cities)
    for row in found.frame.itertuples():
        inside = (km > row.low_km) & (km <= row.high_km)
        W = Weights.from_dense(pd.DataFrame(inside.astype(float), cities.index, cities.index))
        band = sp.moran(x, W, permutations=99)
        assert pytest.approx(band.I, rel=1e-10) == row.I
        assert row.p_value == pytest.approx(band.p_randomisation, rel=1e-8)
        assert row.p_sim == band.p_sim
        assert row.pairs == inside.sum() / 2
        assert row.mean_km == pytest.approx(km[inside].mean(), rel=1e-9)
        assert row.units == inside.any(axis=1).sum()


@pytest.mark.evidence("semivariogram", source="the definition over all pairs", kind="hand")
def test_semivariance_is_half_the_mean_squared_difference(places: Any) -> None:
    cities, x = places
    found = sp.semivariogram(x, cities, bands=4, reach_km=1200)
    km, values = distances(cities), x.to_numpy()
    square = (values[:, None] - values[None, :]) ** 2 / 2
    assert list(found.frame["high_km"]) == [300, 600, 900, 1200]
    for row in found.frame.itertuples():
        inside = (km > row.low_km) & (km <= row.high_km)
        assert row.semivariance == pytest.approx(square[inside].mean(), rel=1e-9)
    assert found.variance == pytest.approx(x.var())
    far = sp.semivariogram(x, cities, reach_km=1e5)
    assert far.frame["pairs"].sum() == 80 * 79 / 2


def test_order_missing_values_and_planar_maps(places: Any, nc: Any) -> None:
    cities, x = places
    first = sp.correlogram(x, cities, bands=5, permutations=19)
    second = sp.correlogram(x.sample(frac=1, random_state=1), cities.iloc[::-1], bands=5, permutations=19)
    pd.testing.assert_frame_equal(first.frame, second.frame)
    hole = x.where(x.index != x.index[0])
    with pytest.raises(DataError, match="must be finite; NaN or infinity at"):
        sp.correlogram(hole, cities)
    cut = sp.correlogram(hole, cities, missing="drop", bands=3, permutations=0)
    assert list(cut.dropped) == [x.index[0]]
    projected = nc.to_crs(32119)
    planar = sp.correlogram(projected["bir74"], projected, bands=4, permutations=9)
    assert planar.distance == "planar"
    assert planar.frame["I"].iloc[0] > planar.frame["I"].iloc[-1]


def test_text_figures_and_refusals(places: Any) -> None:
    cities, x = places
    found = sp.correlogram(x, cities, bands=4, permutations=19)
    assert "Moran's I by distance (great circle" in found.summary()
    assert repr(found).startswith("<Correlogram x: I = ")
    assert len(found.tidy()) == 4
    assert found.glance().loc[0, "bands"] == 4
    assert found.plot().get_xlabel() == "Distance, km"
    variogram = sp.semivariogram(x, cities)
    assert variogram.plot().get_ylabel() == "Semivariance"
    assert "Semivariogram of x" in variogram.summary()
    assert variogram.glance().loc[0, "n"] == 80
    with pytest.raises(DataError, match="bands must be 1 or more"):
        sp.correlogram(x, cities, bands=0)
    with pytest.raises(DataError, match=r"rising edges in km .* got \[100, 50\]"):
        sp.correlogram(x, cities, bands=[100, 50])
    with pytest.raises(DataError, match="reach_km must be a positive number"):
        sp.correlogram(x, cities, reach_km=-1)
    with pytest.raises(DataError, match="needs values that vary"):
        sp.semivariogram(x * 0 + 1, cities)
