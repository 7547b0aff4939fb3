"""The test of a U: slopes by hand, Fieller against a grid, the edges of the data, systems, refusals."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spatial as sp
from spatial.errors import DataError
from spatial.models import SpatialSystem, WeakInstrumentWarning, fixed_effects, u_test
from spatial.models.mechanisms.turning import fieller
from spatial.panel import Panel

N, T = 60, 5


def panel(turn: float = 2.5, sign: float = 1.0, seed: int = 0, noise: float = 1.0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame({"x": rng.uniform(1, 4, N * T), "z": rng.normal(size=N * T)}, index=index)
    e = rng.normal(size=N * T)
    data["d"] = data.x + 0.5 * e
    data["y"] = sign * (data.x - turn) ** 2 + noise * e
    data["iv"] = sign * (data.d - turn) ** 2 + e
    data["square"] = data.x**2
    return Panel(data)


@pytest.mark.evidence("models.u_test", source="slopes and errors at both ends", kind="hand")
def test_the_numbers_are_those_of_the_slopes_at_both_ends() -> None:
    fit = fixed_effects("y ~ x + I(x**2)", panel(), cov="hom")
    test = u_test(fit, "x")
    x = panel()["x"]
    b, V = fit.params.to_numpy(), fit.cov.to_numpy()
    df = N * T - N - T + 1 - 2
    for row, end in zip(test.slopes.to_dict("records"), (x.min(), x.max()), strict=True):
        slope = b[0] + 2 * b[1] * end
        error = np.sqrt([1, 2 * end] @ V @ [1, 2 * end])
        assert row["slope"] == pytest.approx(slope)
        assert row["std_error"] == pytest.approx(error)
        assert row["p_value"] == pytest.approx(stats.t.sf(abs(slope / error), df))
    assert test.p_value == max(test.slopes["p_value"])
    assert test.statistic == pytest.approx(min(abs(test.slopes["statistic"])))
    assert test.turning_point == pytest.approx(-b[0] / (2 * b[1]))
    gradient = np.array([-1 / (2 * b[1]), b[0] / (2 * b[1] ** 2)])
    half = stats.t.ppf(0.975, df) * np.sqrt(gradient @ V @ gradient)
    assert test.delta[1] - test.turning_point == pytest.approx(half)
    assert test.is_u
    assert test.inside
    assert test.n_below == int((x <= test.turning_point).sum())
    assert test.n_below + test.n_above == N * T


def test_fiellers_interval_is_what_a_grid_of_t_tests_does_not_reject() -> None:
    b, V = np.array([-4.0, 0.9]), np.array([[0.3, -0.05], [-0.05, 0.012]])
    low, high, bounded = fieller(b, V, 1.96)
    grid = np.linspace(-5, 15, 200_001)
    t = (b[0] + 2 * b[1] * grid) / np.sqrt(V[0, 0] + 4 * grid * V[0, 1] + 4 * grid**2 * V[1, 1])
    kept = grid[np.abs(t) <= 1.96]
    assert bounded
    assert (low, high) == (pytest.approx(kept.min(), abs=2e-4), pytest.approx(kept.max(), abs=2e-4))
    assert fieller(np.array([-4.0, 0.1]), V, 1.96) == (float("-inf"), float("inf"), False)


def test_shapes_and_the_edge_of_the_data() -> None:
    inverse = u_test(fixed_effects("y ~ x + I(x^2)", panel(sign=-1.0)), "x")
    assert (inverse.shape, inverse.is_u) == ("inverse U", True)
    outside = u_test(fixed_effects("y ~ x + I(x * x)", panel(turn=6.0)), "x")
    assert outside.shape == "U"
    assert not outside.inside
    assert not outside.is_u
    assert outside.p_value > 0.5
    assert "the turning point lies outside the data" in str(outside)
    # Near the edge: the square is clear, the change of sign is not.
    edge = u_test(fixed_effects("y ~ x + I(x**2)", panel(turn=1.05, noise=3.0)), "x")
    assert edge.p_value > 0.05
    assert "no U is shown" in str(edge)


def test_units_of_x_and_y_do_not_matter() -> None:
    source = panel()
    a = u_test(fixed_effects("y ~ x + I(x**2)", source), "x")
    scaled = source.with_columns(x=1000 * source["x"], y=-0.01 * source["y"])
    b = u_test(fixed_effects("y ~ x + I(x**2)", scaled), "x")
    assert b.shape == "inverse U"
    assert b.p_value == pytest.approx(a.p_value, rel=1e-6)
    np.testing.assert_allclose(np.array(b.fieller), 1000 * np.array(a.fieller), rtol=1e-6)


def test_a_square_of_an_endogenous_variable_and_a_named_square() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentWarning)
        fit = fixed_effects("iv ~ d + I(d**2) | unit + time | d + I(d**2) ~ x + I(x**2)", panel())
    test = u_test(fit, "d")
    assert test.is_u
    assert test.fieller[0] < 2.5 < test.fieller[1]
    named = u_test(fixed_effects("y ~ x + square", panel()), "x", square="square")
    plain = u_test(fixed_effects("y ~ x + I(x**2)", panel()), "x")
    assert named.turning_point == pytest.approx(plain.turning_point)


def test_a_system_asks_which_equation() -> None:
    system = SpatialSystem(["y ~ x + I(x**2) + iv", "iv ~ x + I(x**2) + z"], panel(), effects=("unit",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentWarning)
        fit = system.fit("2sls")
    with pytest.raises(DataError, match="u_test: choose an equation, equation= one of y, iv"):
        u_test(fit, "x")
    assert u_test(fit, "x", equation="y").equation == "y"


def test_it_shows_itself() -> None:
    test = u_test(fixed_effects("y ~ x + I(x**2)", panel()), "x")
    assert repr(test).startswith("<UTest U of y in x: 2.")
    assert test.tidy()["quantity"].tolist() == [
        "slope at lower end", "slope at upper end", "U test", "turning point"
    ]  # fmt: skip
    assert test.glance().loc[0, "inside"]
    assert "Verdict: U: the slope changes its sign inside the data." in str(test)
    axes = test.plot(lang="zh", labels={"x": "集聚"})
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("集聚", "集聚的效应")
    assert axes.get_legend().get_texts()[0].get_text().startswith("拐点 2.")
    assert "以最小值处为零；蓝色：95% 置信区间；灰色：拐点的置信区间（Fieller）" in axes.figure.note


def test_squares_are_written_as_squares_in_tables() -> None:
    for square in ("I(x**2)", "I(x^2)"):
        fit = fixed_effects(f"y ~ x + {square}", panel())
        labels = [row.label for row in sp.regression_table(fit, labels={"x": "集聚"}).rows]
        assert labels[0] == "集聚"
        assert "集聚²" in labels


@pytest.mark.parametrize(
    ("formula", "term", "options", "message"),
    [
        ("y ~ x", "x", {}, r"no square 'I\(x\*\*2\)' of x. Add it"),
        ("y ~ x + I(x**2)", "w", {}, "The fit has no term 'w'"),
        ("y ~ x + z", "x", {"square": "z"}, "z is not the square of x in the data"),
        ("y ~ x + I(x**2)", "x", {"level": 95}, "level is between 0 and 1; got 95"),
    ],
)
def test_what_has_no_answer_is_refused(
    formula: str, term: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        u_test(fixed_effects(formula, panel()), term, **options)


def test_only_fits_are_taken() -> None:
    with pytest.raises(DataError, match=r"u_test takes a fit of spatial.models; got str"):
        u_test("fit", "x")  # type: ignore[arg-type]


def test_what_a_result_has_not_is_named_with_what_was_meant() -> None:
    fit = fixed_effects("y ~ x + I(x**2)", panel())
    for asked, meant in (("resid", "residuals"), ("bse", "std_errors"), ("sumary", "summary")):
        with pytest.raises(AttributeError, match=f"SystemFit has no '{asked}'. Did you mean '{meant}'?"):
            getattr(fit, asked)
    assert not hasattr(fit, "__array__")
    assert copy.deepcopy(u_test(fit, "x")).tidy().equals(u_test(fit, "x").tidy())
