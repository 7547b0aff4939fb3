"""The Anderson-Rubin test in score form: Hotelling's statistic, rho under the null, sets and their edges."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from gs3sls_simulation import FORMULAS, Design, Simulator
from scipy import stats

from spatial.errors import DataError
from spatial.models import AndersonRubin, SpatialSystem
from spatial.models.estimation.errors import build_moments, fit_rho, rho_bound
from spatial.models.identification.anderson_rubin import anderson_rubin_test
from spatial.models.identification.score_test import score_products

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

UNITS, TIMES = 60, 4


def panel(seed: int, strength: float, *, direct: float = 0.0, slope: float = 1.0) -> pd.DataFrame:
    """One endogenous regressor d, three instruments; `direct` makes the instruments invalid."""
    rng = np.random.default_rng(seed)
    n = UNITS * TIMES
    frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=["x", "z1", "z2", "z3"])
    frame["unit"], frame["time"] = np.tile(np.arange(UNITS), TIMES), np.repeat(np.arange(TIMES), UNITS)
    effect = rng.normal(size=UNITS)[frame["unit"]]
    v = rng.normal(size=n)
    frame["d"] = strength * (frame.z1 + frame.z2 - frame.z3) + frame.x + v + effect
    frame["y"] = slope * frame.d + 0.5 * frame.x + direct * (frame.z1 - frame.z2) + effect
    frame["y"] += 0.8 * v + rng.normal(size=n) + rng.normal(size=UNITS)[frame["unit"]]
    return frame


def fitted(frame: pd.DataFrame, formula: str = "y ~ d + x | d ~ z1 + z2 + z3") -> object:
    from spatial.panel.panel import Panel

    system = SpatialSystem(formula, Panel.from_frame(frame, unit="unit", time="time"), effects=("unit",))
    return system.fit("2sls")


def spatial_system(seed: int, n: int = 50, rho: tuple[float, float] = (0.7, 0.7)) -> SpatialSystem:
    simulator = Simulator(Design(n=n, rho=rho))
    drawn = simulator.panel(np.random.default_rng(seed))
    return SpatialSystem(FORMULAS, drawn, simulator.W, effects=("unit", "time"), error="W")


@pytest.mark.evidence("models.AndersonRubin", digits=10, source="statsmodels test_mvmean of the cluster sums")
@pytest.mark.parametrize("slope", [0.0, 1.0, 2.5])
def test_the_statistic_is_hotellings_of_the_sums_of_clusters(slope: float) -> None:
    from statsmodels.stats.multivariate import test_mvmean as hotelling

    frame = panel(1, 0.3)
    dummies = pd.get_dummies(frame["unit"]).to_numpy(dtype=float)
    X = np.column_stack([frame["x"], dummies])
    Z = frame[["z1", "z2", "z3"]].to_numpy()
    Z = Z - X @ np.linalg.lstsq(X, Z, rcond=None)[0]
    r = (frame.y - slope * frame.d).to_numpy()
    r = r - X @ np.linalg.lstsq(X, r, rcond=None)[0]
    sums = np.array([(Z * r[:, None])[frame["unit"] == u].sum(axis=0) for u in range(UNITS)])
    expected = hotelling(sums, np.zeros(3))
    found = fitted(frame).anderson_rubin().test({"d": slope})
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-10)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.reference == "F(3, 57)"


def test_rho_under_the_null_is_that_of_the_scalar_iteration() -> None:
    system = spatial_system(3)
    design = system.design
    W, P = design.operators["W"], design.effects.project
    y, d, lag, x1, x2 = (design.columns[:, j] for j in design.equation_columns(0))
    u0, X = y - 0.3 * d - 0.4 * lag, np.column_stack([x1, x2])
    moments, rho = build_moments(W, design.effects), 0.0
    for _ in range(50):
        star = P(np.column_stack([u0, X]) - rho * W(np.column_stack([u0, X])))
        u = u0 - X @ np.linalg.lstsq(star[:, 1:], star[:, 0], rcond=None)[0]
        rho = fit_rho(P(u), P(W(u)), moments, np.eye(2), rho_bound(W)).rho
    found = score_products(design, 0, design.layout.unit).statistic(np.array([[1.0, 0.3, 0.4]]))[1]
    assert found[0] == pytest.approx(rho, abs=1e-6)


def test_the_length_of_the_hypothesis_does_not_count_and_infinity_is_a_limit() -> None:
    system = spatial_system(4)
    products = score_products(system.design, 1, system.design.layout.unit)
    w = np.array([[1.0, 0.2, 0.3], [10.0, 2.0, 3.0], [1.0, 1e8, -2e8], [0.0, 1.0, -2.0]])
    F = products.statistic(w)[0]
    assert F[0] == pytest.approx(F[1], rel=1e-6)
    assert F[2] == pytest.approx(F[3], rel=1e-5)


@pytest.mark.evidence(
    "models.SystemFit.anderson_rubin", source="the test at the edges of the set", kind="identity"
)
def test_the_edges_of_a_set_are_where_the_test_rejects_at_the_level() -> None:
    found = fitted(panel(5, 0.5)).anderson_rubin(level=0.9)
    one = found.sets[0]
    ((low, high),) = one.intervals[0]
    assert low < 1.0 < high
    assert one.critical == pytest.approx(stats.f.ppf(0.9, 3, 57))
    for edge in (low, high):
        assert found.test({"d": edge}).p_value == pytest.approx(0.1, abs=1e-6)
    row = found.tidy().iloc[0]
    assert (row["shape"], row["conf_low"], row["conf_high"]) == ("bounded", low, high)


def test_a_set_moves_and_stretches_with_the_outcome() -> None:
    frame = panel(6, 0.5)
    base = np.array(fitted(frame).anderson_rubin().sets[0].intervals[0][0])
    moved = np.array(
        fitted(frame.assign(y=10 * (frame.y + 3 * frame.d))).anderson_rubin().sets[0].intervals[0][0]
    )
    np.testing.assert_allclose(moved, 10 * (base + 3), rtol=1e-6)


def test_useless_instruments_give_a_set_without_bound_and_the_weak_warning_names_it() -> None:
    frame = panel(8, 0.0)
    with pytest.warns(UserWarning, match=r"fit\.anderson_rubin\(\) gives confidence sets"):
        fit = fitted(frame)
    found = fit.anderson_rubin()
    assert found.tidy()["shape"].iloc[0] in ("unbounded", "all values")
    assert found.glance()["n_unbounded"].iloc[0] == 1
    assert "too little to exclude large values" in found.summary()


def test_invalid_instruments_give_an_empty_set() -> None:
    found = fitted(panel(9, 0.5, direct=2.0)).anderson_rubin()
    assert found.sets[0].intervals == ((),)
    assert found.tidy()["shape"].tolist() == ["empty"]
    assert "every value is rejected" in found.summary()


@pytest.mark.slow
def test_projections_enclose_every_pair_of_slopes_that_is_accepted() -> None:
    system = spatial_system(10, n=80, rho=(0.4, -0.3))
    found = system.fit("gs3sls").anderson_rubin(equation="y1")
    one = found.of("y1")
    rng = np.random.default_rng(0)
    slopes = one.estimate + rng.normal(size=(4000, 2)) * [0.15, 0.4]
    F = one._products.statistic(np.column_stack([np.ones(4000), slopes]))[0]
    inside = slopes[one.critical >= F]
    assert len(inside) > 100
    for j in (0, 1):
        ((low, high),) = one.intervals[j]
        assert low <= inside[:, j].min()
        assert inside[:, j].max() <= high
        # And no wider: the projection is touched.
        width = high - low
        assert inside[:, j].min() - low < 0.25 * width
        assert high - inside[:, j].max() < 0.25 * width


def test_diagnostics_profile_rho_and_keep_the_statistic_of_the_sets() -> None:
    system = spatial_system(11).again(iv_order=2)
    fit = system.fit("gs3sls")
    test = fit.diagnostics().test("Anderson-Rubin", "y1")
    assert test.reference == "F(10, 40)"
    assert "rho under the null" in test.detail
    assert test.statistic == pytest.approx(anderson_rubin_test(system.design, 0, np.zeros(2)).statistic)


def test_an_equation_with_three_endogenous_regressors_has_no_set_and_says_so() -> None:
    frame = panel(12, 0.5).assign(
        a=lambda f: f.z1 + np.sin(f.index), b=lambda f: f.z2 + np.cos(3.0 * f.index)
    )
    fit = fitted(frame.assign(z4=frame.z1 * frame.z2), "y ~ d + a + b + x | d + a + b ~ z1 + z2 + z3 + z4")
    with pytest.raises(DataError, match=r"3 endogenous regressors \(d, a, b\).*for one or two"):
        fit.anderson_rubin()


def test_what_cannot_be_is_said() -> None:
    fit = fitted(panel(13, 0.5))
    with pytest.raises(DataError, match="level is a share between 0 and 1"):
        fit.anderson_rubin(level=95)
    with pytest.raises(DataError, match="There is no equation 'z'; there are y"):
        fit.anderson_rubin(equation="z")
    found = fit.anderson_rubin()
    assert isinstance(found, AndersonRubin)
    with pytest.raises(DataError, match=r"value for each endogenous regressor of 'y' \(d\); got e"):
        found.test({"e": 1.0})
    with pytest.raises(DataError, match="equation= is one of 'y'; got 'x'"):
        found.of("x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = fitted(panel(13, 0.5), "y ~ x + z1")
    with pytest.raises(DataError, match="Equation 'y': the equation has no endogenous regressor"):
        plain.anderson_rubin()


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_sets_are_drawn_as_a_curve_or_a_region(lang: str) -> None:
    curve = fitted(panel(14, 0.5)).anderson_rubin().plot(lang=lang)
    assert curve.get_xlabel() == "d"
    assert curve.get_legend().get_texts()[0].get_text() == (
        "95 % confidence set" if lang == "en" else "95% 置信集"
    )
    system = spatial_system(15, rho=(0.0, 0.0))
    region = system.fit("gs3sls").anderson_rubin(equation="y1").plot(lang=lang)
    assert (region.get_xlabel(), region.get_ylabel()) == ("y2", "W(y1)")


def test_the_figure_refuses_what_is_no_set() -> None:
    from spatial.figures import confidence_set_plot

    with pytest.raises(DataError, match=r"draws fit\.anderson_rubin\(\); got int"):
        confidence_set_plot(3)
