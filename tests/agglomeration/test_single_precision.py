"""Sums in single precision keep their bound; exp and log of vector registers are those of the C library."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.agglomeration import decay
from spatial.agglomeration.decay_kernels import EXPONENTIAL, POWER, raise_inverse, weigh
from spatial.errors import DataError

N = 2_400  # beyond what is summed without the compiler


def scattered(kind: str) -> Any:
    """Half of the places scattered, half in clusters, some of which are metres wide."""
    rng = np.random.default_rng(3)
    wide = kind == "globe"
    lon = rng.uniform(-180, 180, N) if wide else rng.uniform(75, 134, N)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, N))) if wide else rng.uniform(18, 53, N)
    lon[N // 2 :] = lon[: N // 2] + rng.normal(size=N // 2) * 10.0 ** rng.uniform(-4, 0, N // 2)
    lat[N // 2 :] = np.clip(lat[: N // 2] + rng.normal(size=N // 2) * 0.01, -89, 89)
    if kind == "plane":
        lon, lat = (lon - 105) * 1e5, (lat - 35) * 1e5
    crs = "+proj=laea +lat_0=35 +lon_0=105" if kind == "plane" else 4326
    return gpd.GeoDataFrame(
        index=pd.RangeIndex(N, name="city"), geometry=gpd.points_from_xy(lon, lat, crs=crs)
    )


@pytest.fixture(scope="module", params=["sphere", "globe", "plane"])
def cities(request: Any) -> Any:
    return scattered(request.param)


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"decay": "exponential", "bandwidth_km": 300}, 5e-5),
        ({"decay": "exponential", "bandwidth_km": 3_000}, 1e-4),
        ({"decay": "exponential", "bandwidth_km": 20}, 1e-3),
        ({"decay": "gaussian", "bandwidth_km": 800}, 1e-4),
        ({"decay": "gaussian", "bandwidth_km": 90}, 1e-2),
        ({"decay": "linear", "bandwidth_km": 2_500}, 1e-4),
        ({"power": 1.0, "cutoff_km": 3_000}, 5e-5),
        ({"power": 2.0, "cutoff_km": 2_000, "unit_km": 100}, 1e-4),
        ({"power": 1.7, "cutoff_km": 1e5, "unit_km": 100}, 1e-4),
    ],
)
def test_the_bound_is_kept(cities: Any, options: dict[str, Any], tolerance: float) -> None:
    rng = np.random.default_rng(4)
    x = np.stack([rng.random(N), 1e9 * rng.lognormal(0, 3, N) * (rng.random(N) < 0.3), np.zeros(N)])
    exact = sp.distance_decay(x, cities, own=0, **options)
    found = sp.distance_decay(x, cities, own=0, tolerance=tolerance, **options)
    assert (np.abs(found - exact) <= tolerance * exact).all()
    one = sp.distance_decay(x, cities, own=0, tolerance=tolerance, workers=1, **options)
    np.testing.assert_array_equal(found, one)


def test_singles_are_used_where_they_may_be() -> None:
    rng = np.random.default_rng(5)
    points = gpd.points_from_xy(rng.uniform(75, 134, N), rng.uniform(18, 53, N), crs=4326)
    cities = gpd.GeoDataFrame(index=pd.RangeIndex(N), geometry=points)

    def off(x: Any) -> float:
        options: dict[str, Any] = {"decay": "exponential", "bandwidth_km": 500, "own": 0}
        exact = sp.distance_decay(x, cities, **options)
        return float(np.abs(sp.distance_decay(x, cities, tolerance=1e-4, **options) / exact - 1).max())

    assert 1e-9 < off(np.ones(N)) < 1e-5
    # Values of which singles hold the largest only are added up in double.
    assert off(np.where(np.arange(N) % 2, 1.0, 1e-40)) < 1e-12


@pytest.mark.parametrize("options", [{"decay": "linear", "bandwidth_km": 400}, {"cutoff_km": 350}])
@pytest.mark.parametrize("kind", ["globe", "plane"])
def test_blocks_out_of_reach_are_left_out(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cities = scattered(kind)
    x = np.random.default_rng(6).random(N)
    compiled = sp.distance_decay(x, cities, own=0, **options)
    monkeypatch.setattr(decay, "_FEW_CELLS", 1 << 40)
    arrays = sp.distance_decay(x, cities, own=0, **options)
    np.testing.assert_allclose(compiled, arrays, rtol=1e-9)  # at metres the two formulas differ by 1e-10


@pytest.mark.parametrize("cutoff", [None, 500.0])
def test_what_no_bound_holds_for_is_refused(cutoff: float | None) -> None:
    cities = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 3], crs=4326))
    options: dict[str, Any] = {"cutoff_km": cutoff} if cutoff else {"decay": "gaussian", "bandwidth_km": 100}
    with pytest.raises(DataError, match=r"between 5e-5 and 1; got 1e-06\. Below, it needs the power"):
        sp.distance_decay(np.ones(3), cities, tolerance=1e-6, **options)
    with pytest.raises(DataError, match="values >= 0 only; 1 are negative"):
        sp.distance_decay(np.array([1.0, -1, 2]), cities, tolerance=1e-3, **options)


def test_exp_and_log_are_those_of_the_c_library() -> None:
    rng = np.random.default_rng(7)
    x = np.concatenate([rng.uniform(0, 707, 20_000), rng.uniform(0, 1, 20_000), [0.0]])
    found = x.copy()
    weigh(found, len(x), EXPONENTIAL, 1.0)
    np.testing.assert_allclose(found, np.exp(-x), rtol=6e-16, atol=0)
    d = np.exp(np.concatenate([rng.uniform(-200, 200, 20_000), rng.normal(0, 0.1, 20_000)]))
    found = d.copy()
    weigh(found, len(d), POWER, 1.5)
    np.testing.assert_allclose(found, d**-1.5, rtol=1e-13)  # log d is up to 200, and so is its rounding
    inverse = 1 / d
    raise_inverse(inverse, 1.5)
    np.testing.assert_allclose(inverse, d**-1.5, rtol=1e-13)
    ends = np.array([1.0, np.inf, 800.0])
    weigh(ends, 3, POWER, 0.3)
    assert ends[:2].tolist() == [1.0, 0.0]
    ends = np.array([0.0, np.inf, 800.0])
    weigh(ends, 3, EXPONENTIAL, 1.0)
    assert ends.tolist() == [1.0, 0.0, 0.0]
