"""Mechanisms: the two steps, the product by hand, Sobel, the bootstrap done slowly, space, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spatial as sp
from spatial.errors import DataError, FormulaError, SpatialWarning
from spatial.models import fixed_effects, mechanism
from spatial.models.mechanisms.unit_bootstrap import drawn_counts, product_interval, unit_products
from spatial.panel import Panel

N, T = 60, 4


def panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 6)), columns=["d", "x", "u", "v", "w", "z"], index=index)
    data["d"] += data.w
    data["m"] = 0.8 * data.d + 0.3 * data.x + data.u
    data["k"] = 0.1 * data.d + data.z
    data["y"] = 0.3 * data.d + 0.5 * data.m + data.x + data.v + rng.normal(size=N)[index.get_level_values(0)]
    data["省"] = np.asarray(index.get_level_values(0)) % 35
    return Panel(data)


def test_two_steps_are_the_equations_of_the_mediators_and_nothing_else() -> None:
    found = mechanism("y ~ d + x", panel(), "d", ["m", "k"])
    assert list(found.fits) == ["total", "m", "k"]
    for name, formula in (("total", "y ~ d + x"), ("m", "m ~ d + x"), ("k", "k ~ d + x")):
        plain = fixed_effects(formula, panel())
        np.testing.assert_allclose(found.fits[name].params, plain.params)
        np.testing.assert_allclose(found.fits[name].std_errors, plain.std_errors)
    assert len(found.effects) == 0
    assert found.tidy()["step"].tolist() == ["total", "m", "k"]
    assert "Jiang 2022" in str(found)
    table = sp.regression_table([found])
    assert table.frame.shape[1] == 3
    assert any("that the mediator moves the outcome is an argument" in note for note in table.notes)


@pytest.mark.evidence(
    "models.mechanism",
    source="the textbook formulas; total = direct + product",
    kind="identity",
    differs="the delta method has the covariance of both estimates, which Sobel leaves out",
)
def test_the_product_and_sobel_are_those_of_the_textbook() -> None:
    found = mechanism("y ~ d + x", panel(), "d", "m", style="product", bootstrap=0, cov="hom")
    a_fit, full = fixed_effects("m ~ d + x", panel()), fixed_effects("y ~ d + x + m", panel())
    a, b = a_fit.params["m", "d"], full.params["y", "m"]
    row = found.effects.iloc[0]
    assert row["estimate"] == pytest.approx(a * b)
    # The two estimates share units, so the delta method has their covariance too; Sobel leaves it out.
    sa, sb = a_fit.std_errors["m", "d"], full.std_errors["y", "m"]
    assert abs(row["sobel_error"] / np.sqrt(b**2 * sa**2 + a**2 * sb**2) - 1) < 0.15
    assert row["sobel_p"] == pytest.approx(2 * stats.norm.sf(row["estimate"] / row["sobel_error"]))
    # In least squares the total effect is the direct one and the product (an identity).
    assert found.fits["total"].params["y", "d"] == pytest.approx(full.params["y", "d"] + a * b)
    assert row["share"] == pytest.approx(a * b / found.fits["total"].params["y", "d"])


def test_the_error_correlation_is_where_the_indirect_effect_vanishes() -> None:
    # Imai, Keele and Yamamoto (2010): with the errors' correlation set to that of the total and the
    # mediator's equation, b is 0.
    found = mechanism("y ~ d + x", panel(), "d", "m", style="product", bootstrap=0)
    u = found.fits["m"].residuals["m"].to_numpy()
    e = found.fits["total"].residuals["y"].to_numpy()
    assert found.effects["error_correlation"].iloc[0] == pytest.approx(np.corrcoef(u, e)[0, 1], abs=1e-9)


def test_the_bootstrap_of_cross_products_is_the_fit_on_the_drawn_units() -> None:
    source = panel()
    system = sp.models.SpatialSystem("y ~ d + x + m", source, effects=("unit", "time"))
    design = system.design
    counts = drawn_counts(N, 3, 7)
    cross = unit_products(design.columns, design.effects, design.layout.unit).cross(counts)
    for draw in range(3):
        pieces = []
        for unit, times in enumerate(counts[draw].astype(int)):
            for copy in range(times):
                piece = source.frame.loc[[unit]].reset_index()
                pieces.append(piece.assign(city=f"{unit}-{copy}"))
        drawn = Panel.from_frame(pd.concat(pieces), unit="city", time="year")
        slow = fixed_effects("y ~ d + x + m", drawn)
        places = [design.outcomes[0], *design.regressors[0]]
        block = cross[draw][np.ix_(places, places)]
        np.testing.assert_allclose(np.linalg.solve(block[1:, 1:], block[1:, 0]), slow.params, rtol=1e-8)


def test_intervals_of_the_bootstrap_are_seeded_and_by_clusters_of_units() -> None:
    options: dict[str, Any] = {"style": "product", "bootstrap": 199}
    first = mechanism("y ~ d + x", panel(), "d", "m", seed=5, **options)
    again = mechanism("y ~ d + x", panel(), "d", "m", seed=5, **options)
    pd.testing.assert_frame_equal(first.effects, again.effects)
    other = mechanism("y ~ d + x", panel(), "d", "m", seed=6, interval="percentile", **options)
    row = first.effects.iloc[0]
    assert row["conf_low"] < 0.4 < row["conf_high"]
    assert row["std_error"] == pytest.approx(row["sobel_error"], rel=0.2)
    assert other.effects["conf_low"].iloc[0] != row["conf_low"]
    wide = mechanism("y ~ d + x", panel(), "d", "m", cov=sp.models.Cluster("省"), **options)
    assert wide.effects["std_error"].iloc[0] != row["std_error"]


def test_percentile_and_bias_corrected_ends_by_hand() -> None:
    drawn = np.linspace(-1, 3, 1001)
    low, high, error, _ = product_interval(1.0, 0.5, drawn, "percentile", 0.95)
    assert (low, high) == (pytest.approx(-0.9), pytest.approx(2.9))
    assert error == pytest.approx(np.std(drawn, ddof=1))
    # 60 % of the draws below the estimate: both ends move up.
    shifted = product_interval(1.4, 0.5, drawn, "bc", 0.95)
    z = stats.norm.ppf(np.mean(drawn < 1.4) + 0.5 * np.mean(drawn == 1.4))
    ends = np.quantile(drawn, stats.norm.cdf(2 * z + np.array([-1, 1]) * stats.norm.ppf(0.975)))
    np.testing.assert_allclose(shifted[:2], ends)
    # The p-value and the interval agree: p is where an end of the interval meets 0.
    p = product_interval(1.0, 0.5, drawn, "percentile", 0.95)[3]
    assert product_interval(1.0, 0.5, drawn, "percentile", 1 - p)[0] == pytest.approx(0.0, abs=0.01)
    with pytest.warns(SpatialWarning, match="of the bootstrap draws lie below the estimate"):
        product_interval(2.95, 0.5, drawn, "bc", 0.95)


def test_neighbours_make_three_paths() -> None:
    ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=range(N)).row_standardized()
    source = panel()
    lag = sp.spatial_lag(source, ["m"], W)["W_m"]
    source = source.with_columns(y=source["y"] + 0.7 * lag)
    found = mechanism("y ~ d + x", source, "d", "m", style="product", bootstrap=99, W=W)
    assert found.effects["path"].tolist() == ["own", "neighbours' mediator", "neighbours' treatment"]
    full, first = found.fits["full"].params["y"], found.fits["m"].params["m"]
    np.testing.assert_allclose(
        found.effects["estimate"],
        [first["d"] * full["m"], first["d"] * full["W(m)"], first["W(d)"] * full["m"]],
    )
    assert found.effects["conf_low"].iloc[1] > 0


def test_samples_instruments_and_the_figure() -> None:
    found = mechanism("y ~ d + x | unit + time | d ~ w", panel(), "d", "m", where="year >= 1")
    assert found.fits["m"].method == "2sls"
    assert found.fits["m"].n_obs == N * 3
    axes = mechanism("y ~ d + x", panel(), "d", ["m", "k"]).plot()
    assert axes.get_xlabel() == "Effect of d"
    assert [t.get_text() for t in axes.get_yticklabels()] == ["total", "m", "k"]
    assert repr(found) == "<Mechanism two-step: d on y through m>"
    text = str(mechanism("y ~ d + x", panel(), "d", "m", style="product", bootstrap=99))
    assert "bias-corrected bootstrap of units, 99 draws" in text
    assert "nothing unseen moves both the mediator and the outcome" in text


@pytest.mark.parametrize(
    ("formula", "treatment", "mediators", "options", "error", "message"),
    [
        ("y ~ d", "k", "m", {}, DataError, "The formula has no term 'k'. It has d"),
        ("y ~ d + m", "d", "m", {}, FormulaError, "m is a term of the formula already"),
        ("y ~ d", "d", "y", {}, FormulaError, "y is the outcome"),
        ("y ~ d", "d", "mm", {}, DataError, "no column 'mm', a mediator. Did you mean 'm'"),
        ("y ~ d", "d", ["m", "m"], {}, FormulaError, "names 'm' twice"),
        ("y ~ d", "d", "m", {"style": "three-step"}, DataError, "style is 'two-step' or 'product'"),
        ("y ~ d", "d", "m", {"interval": "bca"}, DataError, "interval is 'bc' or 'percentile'"),
        ("y ~ d", "d", "m", {"bootstrap": -1}, DataError, "bootstrap is a whole number"),
        ("y ~ d", "d", "m", {"level": 0}, DataError, "level is between 0 and 1"),
        ("y ~ d | unit | d ~ w", "d", "m", {"style": "product"}, DataError, "use style='two-step'"),
        (["y ~ d"], "d", "m", {}, FormulaError, "mechanism takes one formula"),
        (
            "y ~ d", "d", "m", {"style": "product", "cov": sp.models.Cluster("year")}, DataError,
            "clusters must hold whole units",
        ),
        (
            "y ~ d", "d", "m", {"style": "product", "effects": ("unit", "city:year")}, DataError,
            "leave none|at most 300 levels",
        ),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused(
    formula: Any,
    treatment: str,
    mediators: Any,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    if "cov" in options:
        with pytest.warns(SpatialWarning, match="Only 4 clusters"), pytest.raises(error, match=message):
            mechanism(formula, panel(), treatment, mediators, **options)
        return
    with pytest.raises(error, match=message):
        mechanism(formula, panel(), treatment, mediators, **options)
