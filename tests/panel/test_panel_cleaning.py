"""Cleaning a panel: interpolation, winsorising, logarithms, shifts, deflating, balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_cases import NAN, make

from spatial.errors import DataError
from spatial.panel import arrays
from spatial.panel.panel import Panel, Step


# ---- interpolation
@pytest.mark.evidence("Panel.interpolate", source="Stata's ipolate, and growth, by hand", kind="hand")
def test_interpolation_weighs_by_the_distance_in_time() -> None:
    panel = make([NAN, 1.0, NAN, 4.0, 5.0, NAN], times=[2000, 2001, 2002, 2004, 2005, 2006])
    found = panel.interpolate("产值")
    np.testing.assert_allclose(found["产值"], [NAN, 1, 2, 4, 5, NAN])
    assert found.history == (
        Step("interpolate", ("产值",), 1, "linear, inside only; 1 units: '甲'", (("甲", 1),)),
    )
    # Stata: ipolate x t, gen(y) epolate
    np.testing.assert_allclose(panel.interpolate("产值", extrapolate=True)["产值"], [0, 1, 2, 4, 5, 6])
    # constant growth: 1 -> 4 in three years, 4^(1/3) after one
    np.testing.assert_allclose(panel.interpolate("产值", method="growth")["产值"].iloc[2], 4 ** (1 / 3))
    assert found.label("产值") == "工业产值"


def test_interpolation_stays_inside_a_unit() -> None:
    panel = make([1.0, NAN, NAN, 9.0], units=["甲", "甲", "乙", "乙"], times=[2000, 2001, 2000, 2001])
    for extrapolate in (False, True):
        found = panel.interpolate("产值", extrapolate=extrapolate)
        assert found["产值"].isna().sum() == 2
        assert found.history[-1].cells == 0
    assert not np.isnan(make([1.0, NAN, NAN, 9.0]).interpolate("产值")["产值"]).any()


def test_interpolation_over_dates_and_quarters() -> None:
    # dates a month apart are months, as long as each other, however they are written
    months = ["2001-01-01", "2001-02-01", "2001-03-01"]
    for times in (
        pd.to_datetime(months).tolist(),
        ["2001-01", "2001-02", "2001-03"],
        [200101, 200102, 200103],
    ):
        assert make([0.0, NAN, 59.0], times=times).interpolate("产值")["产值"].iloc[1] == pytest.approx(29.5)
    days = make([0.0, NAN, 59.0], times=pd.to_datetime(["2001-01-01", "2001-02-01", "2001-03-02"]).tolist())
    assert days.interpolate("产值")["产值"].iloc[1] == pytest.approx(59 * 31 / 60)
    quarters = make([0.0, NAN, 4.0], times=["2001Q1", "2001Q2", "2002Q1"])
    assert quarters.interpolate("产值")["产值"].iloc[1] == 1.0


def test_interpolation_refuses() -> None:
    with pytest.raises(
        DataError, match=r"method= must be one of 'linear', 'growth'; got 'liner'. Did you mean 'linear'\?"
    ):
        make([1.0]).interpolate("产值", method="liner")  # type: ignore[arg-type]
    with pytest.raises(
        DataError, match=r"'产值' must be positive for method='growth', at 1 cells: \('甲', 2000\)"
    ):
        make([0.0, NAN, 1.0]).interpolate("产值", method="growth")
    with pytest.raises(DataError, match=r"'产值' is infinite, at 1 cells"):
        make([np.inf, NAN, 1.0]).interpolate("产值")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_interpolation_as_written_out(data: st.DataObject) -> None:
    """The vectorised form against the definition, row by row."""
    rows = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), unique=True, max_size=15))
    unit, time = (np.array(sorted(rows)).reshape(-1, 2).T).astype(np.int64)
    x = np.array(
        data.draw(st.lists(st.one_of(st.just(NAN), st.floats(-5, 5)), min_size=len(rows), max_size=len(rows)))
    )
    for extrapolate in (False, True):
        found = arrays.interpolate(x.astype(float), unit, time.astype(float), extrapolate=extrapolate)
        for i in range(len(x)):
            known = [j for j in range(len(x)) if unit[j] == unit[i] and not np.isnan(x[j])]
            left, right = [j for j in known if j < i], [j for j in known if j > i]
            pair = None
            if np.isnan(x[i]) and left and right:
                pair = (left[-1], right[0])
            elif np.isnan(x[i]) and extrapolate and max(len(left), len(right)) > 1:
                pair = (left[-2], left[-1]) if left else (right[0], right[1])
            expected = x[i]
            if pair is not None:
                p, q = pair
                expected = x[p] + (x[q] - x[p]) * (time[i] - time[p]) / (time[q] - time[p])
            assert found.values[i] == pytest.approx(expected, nan_ok=True, abs=1e-9)
            assert found.filled[i] == (pair is not None)


# ---- winsorising
def test_winsorising_pooled() -> None:
    panel = make([*map(float, range(1, 11)), NAN])
    found = panel.winsorize("产值", 0.1)
    # numpy's linear quantile: 1 + 0.1 * 9 and 10 - 0.9
    np.testing.assert_allclose(found["产值"], [1.9, *range(2, 10), 9.1, NAN])
    assert found.history[-1] == Step(
        "winsorize", ("产值",), 2, "shares 0.1 and 0.1, pooled; 产值 in [1.9, 9.1]"
    )
    one_sided = panel.winsorize("产值", (0.0, 0.1))
    np.testing.assert_allclose(one_sided["产值"], [*range(1, 10), 9.1, NAN])


@pytest.mark.evidence("Panel.winsorize", source="Stata's _pctile by hand", kind="hand")
def test_winsorising_as_stata_does() -> None:
    """Stata's _pctile ([D] pctile, methods): with n p / 100 = 1, whole, the mean of x(1) and x(2)."""
    panel = make([*map(float, range(1, 11))])
    found = panel.winsorize("产值", 0.1, quantile="averaged_inverted_cdf")
    np.testing.assert_allclose(found["产值"], [1.5, *range(2, 10), 9.5])


def test_winsorising_by_year() -> None:
    panel = make([1.0, 2, 3, 100, 200, 300], units=list("甲乙丙甲乙丙"), times=[2000] * 3 + [2001] * 3)
    found = panel.winsorize("产值", 0.25, by="time")
    assert sorted(found["产值"]) == [1.5, 2, 2.5, 150, 200, 250]
    pd.testing.assert_series_equal(panel.winsorize("产值", 0.25, by="年份")["产值"], found["产值"])  # type: ignore[arg-type]


def test_winsorising_refuses(panel: Panel) -> None:
    for share in (0.0, 0.5, 1.0, -0.1):
        with pytest.raises(DataError, match=r"share= must be between 0 and 0.5"):
            panel.winsorize("产值", share)
    with pytest.raises(DataError, match=r"by= must be None .* or 'time'; got 'region'"):
        panel.winsorize("产值", by="region")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"quantile= must be one of .*'linear'"):
        panel.winsorize("产值", quantile="stata")


# ---- logarithms
@pytest.mark.evidence("Panel.log", source="logarithms of three cells", kind="hand")
def test_logarithms() -> None:
    panel = make([1.0, np.e, NAN])
    found = panel.log("产值")
    np.testing.assert_allclose(found["ln_产值"], [0, 1, NAN])
    assert found.label("ln_产值") == "ln(工业产值)"
    with_zero = make([0.0, np.e - 1, NAN])
    with pytest.raises(DataError, match=r"'产值' is zero; use zeros='add_one'.*at 1 cells: \('甲', 2000\)"):
        with_zero.log("产值")
    np.testing.assert_allclose(with_zero.log("产值", zeros="add_one")["ln_产值"], [0, 1, NAN])
    assert (
        with_zero.log("产值", zeros="add_one", name="log1p_{column}").label("log1p_产值")
        == "ln(1 + 工业产值)"
    )
    np.testing.assert_allclose(
        with_zero.log("产值", zeros="missing")["ln_产值"], [NAN, np.log(np.e - 1), NAN]
    )
    assert (
        with_zero.log("产值", zeros="missing").history[-1].detail
        == "zeros='missing': 1 cells at or below zero"
    )
    for zeros in ("raise", "add_one"):
        with pytest.raises(
            DataError, match=r"is negative, which has no logarithm, at 1 cells: \('甲', 2000\)"
        ):
            make([-0.5, 1.0]).log("产值", zeros=zeros)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="zeros= must be one of 'raise', 'add_one', 'missing'; got 'drop'"):
        panel.log("产值", zeros="drop")  # type: ignore[arg-type]


# ---- shifts
@pytest.mark.evidence("Panel.shift", source="ten cells shifted by hand", kind="hand")
def test_shifts_go_by_time_not_by_row(panel: Panel) -> None:
    found = panel.shift(["产值", "人口"]).shift("人口", -1)
    assert found.at(2002)["L1_人口"].to_dict() == pytest.approx({"乙": 20, "甲": 50, "丙": NAN}, nan_ok=True)
    assert found.at(2003)["L1_产值"].to_dict() == pytest.approx({"甲": NAN, "丙": 4.0}, nan_ok=True)
    assert found.at(2000)["F1_人口"].to_dict() == pytest.approx({"乙": 20, "甲": 50, "丙": NAN}, nan_ok=True)
    assert found.label("L1_产值") == "工业产值 (lag 1)"
    assert found.label("F1_人口") == "人口 (lead 1)"
    assert found.history[0] == Step("shift", ("产值", "人口"), 6, "1 in 年份; 4 of 10 rows have none")
    assert panel.shift("产值", 2, name="前两年_{column}").at(2002)["前两年_产值"].notna().sum() == 3


@pytest.mark.parametrize(
    "times",
    [
        ["2001Q4", "2002Q1", "2002Q3"],
        ["2001-12-31", "2002-03-31", "2002-09-30"],
        ["2001-11", "2001-12", "2002-02"],
        ["2001-01-31", "2002-01-31", "2004-01-31"],
        ["2001-01-01", "2001-01-08", "2001-01-22"],
        ["2001-01-01", "2001-01-02", "2001-01-04"],
    ],
)
def test_shifts_over_periods_and_dates(times: list[str]) -> None:
    np.testing.assert_array_equal(make([1.0, 2.0, 3.0], times=times).shift("产值")["L1_产值"], [NAN, 1, NAN])


def test_shifting_text_and_integers() -> None:
    panel = make([1, 2], text=["东", "西"])
    found = panel.shift(["text", "产值"])
    assert found["L1_text"].iloc[1] == "东"
    assert pd.isna(found["L1_text"].iloc[0])
    np.testing.assert_array_equal(found["L1_产值"], [NAN, 1.0])


def test_shifts_refuse() -> None:
    panel = make([1.0, 2.0, 3.0], times=[2000, 2002, 2004])
    with pytest.raises(
        DataError, match="No unit has rows 1 apart in '年份'; the steps between its times are 2"
    ):
        panel.shift("产值")
    assert panel.shift("产值", 2)["L2_产值"].notna().sum() == 2
    for periods in (0, 1.5):
        with pytest.raises(DataError, match="periods= must be a whole number other than 0"):
            panel.shift("产值", periods)  # type: ignore[arg-type]


# ---- deflating
@pytest.mark.evidence("Panel.deflate", source="three cells and an index by hand", kind="hand")
def test_deflating_by_a_national_series() -> None:
    panel = make([100.0, 121.0, NAN])
    index = pd.Series(
        [50.0, 100, 110, 120], index=pd.Index([1990, 2000, 2001, 2002], name="年份"), name="CPI"
    )
    found = panel.deflate("产值", index, 2000)
    np.testing.assert_allclose(found["产值"], [100, 110, NAN])
    assert found.label("产值") == "工业产值 (prices of 2000)"
    assert found.history[-1] == Step("deflate", ("产值",), 2, "by series 'CPI', prices of 2000")
    # a base before the panel begins
    np.testing.assert_allclose(panel.deflate("产值", index, 1990, name="实际")["实际"], [50, 55, NAN])
    np.testing.assert_allclose(
        panel.deflate("产值", index.sample(frac=1, random_state=0), 2000)["产值"], [100, 110, NAN]
    )


def test_deflating_by_each_units_chained_index() -> None:
    panel = make(
        [100.0, 110, 132, 200, 220, 220],
        units=["甲"] * 3 + ["乙"] * 3,
        times=[2000, 2001, 2002] * 2,
        指数=[101.0, 110, 120, 99, 105, 100],
    )
    found = panel.deflate("产值", "指数", 2000, chained=True).frame["产值"]
    np.testing.assert_allclose(found.loc["甲"], [100, 100, 100])
    np.testing.assert_allclose(found.loc["乙"], [200, 220 / 1.05, 220 / 1.05])
    later = panel.deflate("产值", "指数", 2002, chained=True).frame["产值"]
    np.testing.assert_allclose(later.loc["甲"], [132, 132, 132])
    by_row = panel.deflate("产值", panel["指数"], 2000, chained=True).frame["产值"]
    pd.testing.assert_series_equal(by_row, found)


def test_deflating_refuses() -> None:
    panel = make([1.0, 2.0, 3.0], times=[2000, 2002, 2003], 指数=[100.0, 110, 110])
    with pytest.raises(
        DataError, match=r"'产值' has no price index to deflate it by, at 2 cells: \('甲', 2002\)"
    ):
        panel.deflate("产值", "指数", 2000, chained=True)
    gap = make([1.0, 2.0, 3.0], 指数=[100.0, NAN, 110])
    with pytest.raises(DataError, match=r"no price index .* at 1 cells: \('甲', 2001\)"):
        gap.deflate("产值", "指数", 2000)
    with pytest.raises(DataError, match=r"at 2 cells: \('甲', 2001\), \('甲', 2002\)"):
        gap.deflate("产值", "指数", 2000, chained=True)
    with pytest.raises(DataError, match=r"The price index has no time 1999; it has 2000, 2002, 2003"):
        panel.deflate("产值", "指数", 1999)
    with pytest.raises(DataError, match=r"A price index must be positive and finite; 1 values are not"):
        make([1.0, 2.0], 指数=[0.0, 100.0]).deflate("产值", "指数", 2000)
    two = make([1.0, 2.0], units=["甲", "乙"], times=[2000, 2001], 指数=[100.0, 100.0])
    with pytest.raises(DataError, match=r"no price index .*\('乙', 2001\)"):
        two.deflate("产值", "指数", 2000)


# ---- balance
@pytest.mark.evidence("Panel.balance", source="the balanced blocks of ten cells", kind="hand")
def test_balancing(panel: Panel) -> None:
    units = panel.balance()
    assert units.units.tolist() == ["甲"]
    assert units.history[-1] == Step(
        "balance", (), 6, "rule 'units': kept 1 of 3 units and 4 of 4 times; dropped units '丙', '乙'",
        (("丙", 3), ("乙", 3)),
    )  # fmt: skip
    times = panel.balance("times")
    assert times.times.tolist() == [2000, 2002]
    assert times.history[-1].detail.endswith("kept 3 of 3 units and 2 of 4 times; dropped times 2001, 2003")
    assert panel.balance("window").times.tolist() == [2000]
    largest = panel.balance("largest")
    # 乙 and 甲 over 2000-2002: six rows; the other blocks have at most four
    assert (largest.units.tolist(), largest.times.tolist()) == (sorted("甲乙"), [2000, 2001, 2002])
    filled = panel.balance("fill")
    assert filled.is_balanced
    assert (
        filled.history[-1].detail == "rule 'fill': added 2 rows of missing values: ('丙', 2001), ('乙', 2003)"
    )
    assert filled["人口"].isna().sum() == 2
    assert filled.interpolate("人口")["人口"].isna().sum() == 1
    for found in (units, times, largest, filled):
        assert found.is_balanced
        assert found.label("产值") == "工业产值"


def test_balancing_on_complete_columns(panel: Panel) -> None:
    with pytest.raises(
        DataError,
        match=r"rule 'units' leaves nothing: 8 complete rows of 3 units x 4 times. Try rule='largest'",
    ):
        panel.balance(columns="产值")
    found = panel.balance("times", columns=["产值"])
    assert found.times.tolist() == [2000]
    assert not found["产值"].isna().any()
    with pytest.raises(DataError, match=r"rule= must be one of 'units', .*; got 'drop'"):
        panel.balance("drop")  # type: ignore[arg-type]


def test_no_window_at_all() -> None:
    apart = make([1.0, 2.0], units=["甲", "乙"], times=[2000, 2001])
    with pytest.raises(DataError, match="rule 'window' leaves nothing: 2 complete rows of 2 units x 2 times"):
        apart.balance("window")
    assert apart.balance("largest").units.tolist() == ["甲"]


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_largest_block_is_largest(rows: list[list[bool]]) -> None:
    present = np.array(rows)
    start, end = arrays.largest_block(present)
    size = (end - start) * int(present[start:end].all(axis=0).sum()) if end else 0
    for a in range(len(rows)):
        for b in range(a + 1, len(rows) + 1):
            assert (b - a) * present[a:b].all(axis=0).sum() <= size
