"""Fits over draws and over distances, and errors that move together: identities, coverage, refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError
from spatial.models import fixed_effects, monte_carlo, pesaran_cd, sweep
from spatial.panel import Panel

N, T = 40, 4


def draw(seed: int, shift: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 2)), columns=["x", "e"], index=index)
    data["y"] = 0.5 * data.x + data.e
    truth = pd.DataFrame({"equation": ["y"], "term": ["x"], "value": [0.5 + shift]})
    return SimpleNamespace(panel=Panel(data), truth=truth)


@pytest.mark.evidence(
    "models.monte_carlo",
    source="the loop written out, 60 draws",
    kind="identity",
    differs="mean, sd and rmse are equal; coverage and bias are chance beside .95 and 0",
)
@pytest.mark.slow
def test_monte_carlo_is_the_loop_written_out_and_covers() -> None:
    fits = {"fe": lambda s: fixed_effects("y ~ x", s.panel)}
    found = monte_carlo(draw, fits, 60, seed=3)
    rows = [fixed_effects("y ~ x", draw(seed).panel).tidy().iloc[0] for seed in range(4, 64)]
    b = np.array([row["estimate"] for row in rows])
    covers = np.array([row["conf_low"] <= 0.5 <= row["conf_high"] for row in rows])
    (row,) = found.tidy().to_dict("records")
    assert row["mean"] == pytest.approx(b.mean(), rel=1e-12)
    assert row["sd"] == pytest.approx(b.std(ddof=1), rel=1e-12)
    assert row["rmse"] == pytest.approx(np.sqrt(((b - 0.5) ** 2).mean()), rel=1e-12)
    assert row["coverage"] == pytest.approx(covers.mean())
    # Binomial: .95 with standard error .028 over 60 draws.
    assert abs(row["coverage"] - 0.95) < 3.5 * 0.028
    assert row["bias"] == pytest.approx(0.0, abs=4 * row["sd"] / np.sqrt(60))
    biased = monte_carlo(lambda seed: draw(seed, shift=0.3), fits, 15).tidy().iloc[0]
    assert biased["bias"] == pytest.approx(-0.3, abs=0.08)
    assert biased["coverage"] < 0.5


def test_draws_that_are_refused_are_counted_and_weights_are_renamed() -> None:
    def sometimes(sample: Any) -> Any:
        if sample.panel.frame["x"].iloc[0] > 0:
            raise DataError("no")
        return fixed_effects("y ~ x", sample.panel)

    found = monte_carlo(draw, {"often": lambda s: fixed_effects("y ~ x", s.panel), "odd": sometimes}, 20)
    refused = sum(draw(seed).panel.frame["x"].iloc[0] > 0 for seed in range(1, 21))
    assert found.failed == {"often": 0, "odd": refused}
    assert found.tidy().set_index("fit")["draws"].to_dict() == {"often": 20, "odd": 20 - refused}
    assert f"odd: refused in {refused} draws" in found.summary()
    W = sp.Weights.from_dense(np.roll(np.eye(N), 1, axis=1), ids=range(N))

    def lagged(seed: int) -> Any:
        made = draw(seed)
        truth = pd.DataFrame({"equation": ["y"], "term": ["W(x)"], "value": [0.0]})
        return SimpleNamespace(panel=made.panel, truth=truth)

    fit = {"slx": lambda s: fixed_effects("y ~ x + K(x)", s.panel, weights={"K": W})}
    assert monte_carlo(lagged, fit, 5, weights={"K": "W"}).tidy()["term"].tolist() == ["K(x)"]
    with pytest.raises(DataError, match="truth of no coefficient of slx is known"):
        monte_carlo(lagged, fit, 5)
    with pytest.raises(DataError, match="this one has none"):
        monte_carlo(lambda _: SimpleNamespace(truth=None), fit, 5)


def places() -> Any:
    import geopandas as gpd

    points = gpd.points_from_xy(110 + 0.5 * np.arange(N), np.full(N, 30.0))
    return gpd.GeoDataFrame(index=pd.RangeIndex(N, name="city"), geometry=points, crs=4326)


@pytest.mark.evidence("models.sweep", source="each fit written out", kind="identity")
@pytest.mark.evidence("models.sweep", source="the fits written out", kind="identity")
def test_a_sweep_is_the_fits_written_out() -> None:
    panel, cities = draw(1).panel, places()
    W = sp.weights.knn(cities, 2).row_standardized()
    fit = fixed_effects("y ~ x + K(x)", panel, weights={"K": W})
    found = sweep(fit, cities, [100, 60], terms=["K(x)"])
    assert found.tidy()["cutoff_km"].tolist() == [60, 100]
    for row in found.tidy().to_dict("records"):
        band = sp.weights.distance_band(cities, row["cutoff_km"]).row_standardized()
        written = (
            fixed_effects("y ~ x + K(x)", panel, weights={"K": band}).tidy().set_index("term").loc["K(x)"]
        )
        assert row["estimate"] == pytest.approx(written["estimate"], rel=1e-12)
        assert row["std_error"] == pytest.approx(written["std_error"], rel=1e-12)
        assert row["neighbours"] == pytest.approx(band.cardinalities.mean())
    errors = sweep(fixed_effects("y ~ x", panel), cities, [100, 300], spec="conley:{km}:1")
    written = fixed_effects("y ~ x", panel, cov=sp.models.Conley(300, 1, coordinates=cities))
    assert errors.tidy()["std_error"].iloc[1] == pytest.approx(written.std_errors.iloc[0], rel=1e-12)
    assert errors.tidy()["estimate"].nunique() == 1
    assert "over conley:{km}:1, 100 to 300 km" in repr(errors)
    assert [float(x) for x in found.plot().get_xticks()] == [60, 100]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spec": "band:200"}, r"spec holds '\{km\}'"),
        ({"cutoffs": [100]}, "two or more different distances"),
        ({"cutoffs": [100, -5]}, "each above 0"),
        ({"weights": "Q"}, r"weights is one of K; got 'Q'"),
        ({"spec": "bend:{km}"}, r"bend:60: Weights 'bend:60' are neither.*Did you mean 'band'"),
        ({"terms": ["K(z)"]}, r"no term 'K\(z\)'"),
    ],
)
def test_sweeps_that_cannot_be(options: dict[str, Any], message: str) -> None:
    cities = places()
    fit = fixed_effects("y ~ x + K(x)", draw(1).panel, weights={"K": sp.weights.knn(cities, 2)})
    with pytest.raises(sp.SpatialError, match=message):
        sweep(fit, cities, **{"cutoffs": [60, 100], **options})


@pytest.mark.evidence("models.pesaran_cd", source="the diagnostics of a system", kind="identity")
@pytest.mark.evidence("models.pesaran_cd", source="the diagnostics, checked against plm", kind="identity")
def test_pesaran_cd_is_that_of_the_diagnostics_and_is_refused_with_time_effects() -> None:
    panel = draw(2).panel
    system = sp.models.SpatialSystem("y ~ x", panel, effects=("unit",)).fit("ols")
    found = pesaran_cd(system)
    table = system.diagnostics().frame.set_index("test")
    assert found.statistic == pytest.approx(table.loc["Pesaran CD after", "statistic"], rel=1e-12)
    with pytest.raises(DataError, match="with time effects the residuals of a period sum to zero"):
        pesaran_cd(fixed_effects("y ~ x", panel))
    with pytest.raises(DataError, match="pesaran_cd takes a fit"):
        pesaran_cd(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="each unit at each time"):
        pesaran_cd(fixed_effects("y ~ x", Panel(panel.frame.iloc[1:]), effects="unit"))
