"""The panel value and its cleaning: small cases by hand, Stata's definitions, and order never matters."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial import _cleaning
from spatial._parse import parse_numbers
from spatial.errors import AlignmentError, DataError
from spatial.panel import Panel, Step

NAN = np.nan


def make(x: list[Any], units: list[Any] | None = None, times: list[Any] | None = None, **more: Any) -> Panel:
    """One column ``产值``; a single unit unless told."""
    frame = pd.DataFrame(
        {
            "城市": units or ["甲"] * len(x),
            "年份": times or list(range(2000, 2000 + len(x))),
            "产值": x,
            **more,
        }
    )
    return Panel.from_frame(frame, unit="城市", time="年份", labels={"产值": "工业产值"})


@pytest.fixture
def panel() -> Panel:
    """Three cities, four years; 丙 lacks 2001, 乙 lacks 2003."""
    rows = [
        ("乙", 2000, 1.0, 10), ("乙", 2001, NAN, 20), ("乙", 2002, 3.0, 30),
        ("甲", 2000, 5.0, 40), ("甲", 2001, 6.0, 50), ("甲", 2002, NAN, 60), ("甲", 2003, 9.0, 70),
        ("丙", 2000, 2.0, 80), ("丙", 2002, 4.0, 90), ("丙", 2003, 5.0, 100),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["城市", "年份", "产值", "人口"])
    return Panel.from_frame(frame, unit="城市", time="年份", labels={"产值": "工业产值", "城市": "地级市"})


# ---- the value
def test_facts(panel: Panel) -> None:
    assert panel.units.tolist() == sorted("甲乙丙")
    assert panel.times.tolist() == [2000, 2001, 2002, 2003]
    assert (panel.n_units, panel.n_times, len(panel), panel.is_balanced) == (3, 4, 10, False)
    assert (panel.unit_name, panel.time_name) == ("城市", "年份")
    assert repr(panel) == "<Panel 3 units x 4 times, 2 columns, unbalanced, 10 rows>"
    assert panel.label("产值") == "工业产值"
    assert panel.label("人口") == "人口"
    assert panel.at(2003)["人口"].to_dict() == {"丙": 100, "甲": 70}
    with pytest.raises(DataError, match=r"no time 1999; it has 2000, 2001"):
        panel.at(1999)


def test_it_cannot_be_changed(panel: Panel) -> None:
    with pytest.raises(FrozenInstanceError):
        panel.frame = panel.frame  # type: ignore[misc]
    with pytest.raises(TypeError):
        panel.labels["产值"] = "x"  # type: ignore[index]
    column = panel["产值"]
    column.iloc[0] = 99.0
    assert panel["产值"].iloc[0] == 2.0
    assert "产值" in repr(panel.labels)


def test_it_can_be_pickled_and_copied(panel: Panel) -> None:
    for again in (pickle.loads(pickle.dumps(panel)), copy.deepcopy(panel)):
        pd.testing.assert_frame_equal(again.frame, panel.frame)
        assert dict(again.labels) == dict(panel.labels)


def test_the_source_is_not_changed() -> None:
    frame = pd.DataFrame({"c": [2, 1], "t": [1, 1], "x": [1.0, 2.0]})
    before = frame.copy()
    panel = Panel.from_frame(frame, unit="c", time="t")
    made = panel.with_columns(x=0.0)
    pd.testing.assert_frame_equal(frame, before)
    assert panel["x"].tolist() == [2.0, 1.0]
    assert made["x"].tolist() == [0.0, 0.0]


def test_ids_and_times_are_cleaned() -> None:
    frame = pd.DataFrame({"id": [110000.0, 120000.0], "year": ["2001年", "2002年"], "x": 1.0})
    panel = Panel.from_frame(frame, unit="id", time="year")
    assert panel.units.dtype == np.int64
    assert panel.times.tolist() == [2001, 2002]
    indexed = Panel.from_frame(frame.set_index(["id", "year"]), unit="id", time="year")
    pd.testing.assert_frame_equal(indexed.frame, panel.frame)


def test_a_panel_built_by_hand_keeps_its_promises() -> None:
    index = pd.MultiIndex.from_tuples([("b", 1), ("a", 1)], names=["unit", "time"])
    panel = Panel(pd.DataFrame({"x": [1.0, 2.0]}, index=index), {"x": "label", "gone": "label"})
    assert panel["x"].tolist() == [2.0, 1.0]
    assert dict(panel.labels) == {"x": "label"}
    with pytest.raises(DataError, match=r"indexed by \(unit, time\); got 1 level"):
        Panel(pd.DataFrame({"x": [1.0]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.rename(columns={"年份": "年"}), r"no column '年份'.*It has: '城市', '年', '产值'"),
        (lambda f: f.assign(城市=None), r"Column '城市' must be filled in each row; 10 of 10 are missing"),
        (lambda f: f.assign(年份=[NAN, *f["年份"].iloc[1:]]), r"'年份' must be filled in each row; 1 of 10"),
        (
            lambda f: f.assign(年份=2000),
            r"one row for each \(城市, 年份\); these pairs repeat: \('.', 2000\)",
        ),
        (lambda f: f.assign(年份="一期"), "must hold times: years, months"),
        (
            lambda f: pd.concat([f, f[["产值"]]], axis=1),
            "Columns of a panel must be unique; these repeat: '产值'",
        ),
    ],
)
def test_refusals(panel: Panel, change: Callable[[pd.DataFrame], pd.DataFrame], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Panel.from_frame(change(panel.to_frame()), unit="城市", time="年份")


def test_one_column_cannot_be_both(panel: Panel) -> None:
    with pytest.raises(DataError, match="must be two columns; both are '城市'"):
        Panel.from_frame(panel.to_frame(), unit="城市", time="城市")


# ---- columns
def test_choosing_columns(panel: Panel) -> None:
    assert isinstance(panel["产值"], pd.Series)
    assert list(panel[["人口"]].columns) == ["人口"]
    assert list(panel.select(["人口", "产值"]).columns) == ["人口", "产值"]
    assert dict(panel.select("人口").labels) == {"城市": "地级市"}
    with pytest.raises(DataError, match=r"no column '产直'.* It has: '产值', '人口'"):
        panel["产直"]
    with pytest.raises(DataError, match="no column 'gdp'"):
        panel.select(["gdp"])


def test_with_columns_matches_by_label(panel: Panel) -> None:
    area = pd.Series({"甲": 1.0, "乙": 2.0, "丙": 3.0})
    cpi = pd.Series([90.0, 100, 101, 102, 103], index=pd.Index([1999, 2000, 2001, 2002, 2003], name="年份"))
    shuffled = panel["人口"].sample(frac=1.0, random_state=1)
    made = panel.with_columns(
        {"面积": area, "价格": cpi, "一": 1}, 翻倍=shuffled * 2, 密度=lambda f: f["人口"] / f["面积"]
    )
    assert made.at(2002)["面积"].to_dict() == {"甲": 1.0, "乙": 2.0, "丙": 3.0}
    assert made.at(2003)["价格"].unique().tolist() == [103.0]
    assert (made["翻倍"] == 2 * panel["人口"]).all()
    assert (made["密度"] == made["人口"] / made["面积"]).all()
    assert made.history[-1] == Step("with_columns", ("面积", "价格", "一", "翻倍", "密度"), 50)
    assert "面积" not in panel.columns


def test_with_columns_refuses_what_does_not_match(panel: Panel) -> None:
    with pytest.raises(AlignmentError, match=r"'x' needs 10 values, one a row; got shape \(3,\)"):
        panel.with_columns(x=[1, 2, 3])
    with pytest.raises(
        AlignmentError, match=r"has 9 \(unit, time\) rows that are not the 10 .*it lacks \('丙', 2000\)"
    ):
        panel.with_columns(x=panel["人口"].iloc[1:])
    with pytest.raises(
        AlignmentError, match=r"a value for each 城市 of the panel, and no other; it lacks '甲'\.$"
    ):
        panel.with_columns(x=pd.Series({"乙": 2.0, "丙": 3.0}))
    with pytest.raises(AlignmentError, match=r"it has besides '丁'\.$"):
        panel.with_columns(x=pd.Series(1.0, index=list("甲乙丙丁")))
    with pytest.raises(AlignmentError, match=r"ids are str in the panel and int here, see Panel.map_units"):
        panel.with_columns(x=pd.Series([1.0, 2.0, 3.0]))
    square = make([1.0, 2.0], units=[1, 2], times=[1, 2])
    both = pd.Series({1: 1.0, 2: 2.0})
    with pytest.raises(
        AlignmentError, match=r"could be by 城市 or by 年份: its index fits both. Name the index"
    ):
        square.with_columns(x=both)
    assert square.with_columns(x=both.rename_axis("城市"))["x"].tolist() == [1.0, 2.0]


def test_renaming_dropping_labels(panel: Panel) -> None:
    renamed = panel.rename({"产值": "output"})
    assert renamed.label("output") == "工业产值"
    assert renamed.history[-1] == Step("rename", ("产值",), 0, "产值 to output")
    with pytest.raises(DataError, match="two columns one name: '人口'"):
        panel.rename({"产值": "人口"})
    swapped = panel.rename({"产值": "人口", "人口": "产值"})
    assert swapped.label("人口") == "工业产值"
    assert swapped.label("产值") == "产值"
    assert list(panel.drop("产值").columns) == ["人口"]
    assert panel.with_labels(人口="年末人口").label("人口") == "年末人口"
    assert panel.with_labels({"人口": "年末人口"}).label("产值") == "工业产值"
    with pytest.raises(DataError, match="no column '人'"):
        panel.with_labels(人="x")


# ---- arrays
def test_cubes_there_and_back(panel: Panel) -> None:
    order = pd.Index(["甲", "丙", "乙"])
    cube = panel.cube(["产值", "人口"], units=order)
    assert cube.shape == (4, 3, 2)
    np.testing.assert_array_equal(cube[:, 0, 1], [40, 50, 60, 70])
    np.testing.assert_array_equal(cube[:, 1, 1], [80, NAN, 90, 100])
    back = panel.with_cube(["a", "b"], cube, units=order)
    np.testing.assert_array_equal(back["b"], panel["人口"])
    with pytest.raises(AlignmentError, match=r"shape \(4, 3, 1\) is needed \(T, N, k\); got \(4, 3, 2\)"):
        panel.with_cube(["a"], cube)
    with pytest.raises(AlignmentError, match="'丁'"):
        panel.cube("产值", units=pd.Index(["甲", "乙", "丁"]))
    with pytest.raises(AlignmentError, match="'丁'"):
        panel.with_cube(["a", "b"], cube, units=pd.Index(["甲", "乙", "丁"]))
    made = Panel.from_cube(cube, units=order, times=panel.times, columns=["a", "b"], unit="城市", time="年份")
    np.testing.assert_array_equal(made.cube(["a", "b"], units=order), cube)
    assert made.is_balanced
    with pytest.raises(AlignmentError, match=r"got \(4, 3, 2\)"):
        Panel.from_cube(cube, units=order, times=panel.times, columns=["a"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["1,234", 2, "—"],
            r"holds text in 2 of 3 rows, e.g. at \('甲', 2000\): '1,234', \('甲', 2002\): '—'.*parse_numbers",
        ),
        (["1", "2", "3"], r"holds text in 3 of 3 rows"),
        (pd.to_datetime(["2001-01-01"] * 3), r"must hold numbers; it is datetime64"),
        ([[1], [2], [3]], r"must hold numbers; it is object"),
        ([1j, 2, 3], r"must hold numbers; it is complex128"),
    ],
)
def test_a_cube_is_of_numbers(values: Any, message: str) -> None:
    panel = make([1.0, 2.0, 3.0], 列=values)
    with pytest.raises(DataError, match=message):
        panel.cube("列")


def test_kinds_of_numbers() -> None:
    panel = make(
        [1, 2], a=[True, False], b=pd.array([1, None], dtype="Int64"), c=pd.Series([1.5, None], dtype=object)
    )
    np.testing.assert_array_equal(
        panel.cube(["产值", "a", "b", "c"])[:, 0, :], [[1, 1, 1, 1.5], [2, 0, NAN, NAN]]
    )


# ---- interpolation
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
    days = make(
        [0.0, NAN, 31 + 28.0], times=pd.to_datetime(["2001-01-01", "2001-02-01", "2001-03-01"]).tolist()
    )
    assert days.interpolate("产值")["产值"].iloc[1] == pytest.approx(31)
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
        found = _cleaning.interpolate(x.astype(float), unit, time.astype(float), extrapolate=extrapolate)
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
    with pytest.raises(
        DataError, match=r"The base 1999 is not among the times of the price index: 2000, 2002, 2003"
    ):
        panel.deflate("产值", "指数", 1999)
    with pytest.raises(DataError, match=r"A price index must be positive and finite; 1 values are not"):
        make([1.0, 2.0], 指数=[0.0, 100.0]).deflate("产值", "指数", 2000)
    two = make([1.0, 2.0], units=["甲", "乙"], times=[2000, 2001], 指数=[100.0, 100.0])
    with pytest.raises(DataError, match=r"no price index .*\('乙', 2001\)"):
        two.deflate("产值", "指数", 2000)


# ---- balance
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
    start, end = _cleaning.largest_block(present)
    size = (end - start) * int(present[start:end].all(axis=0).sum()) if end else 0
    for a in range(len(rows)):
        for b in range(a + 1, len(rows) + 1):
            assert (b - a) * present[a:b].all(axis=0).sum() <= size


# ---- rows
def test_restricting(panel: Panel) -> None:
    found = panel.restrict(units=["甲", "乙"], times=slice(2001, 2002))
    assert (found.units.tolist(), found.times.tolist()) == (sorted("甲乙"), [2001, 2002])
    assert found.history[-1].detail == "kept 2 of 3 units and 2 of 4 times; dropped 6 of 10 rows"
    assert panel.restrict(times=[2000]).n_times == 1
    assert panel.restrict().history[-1].detail == "kept all; dropped 0 of 10 rows"
    with pytest.raises(AlignmentError, match=r"The panel has no units '丁'. It has"):
        panel.restrict(units=["甲", "丁"])
    with pytest.raises(AlignmentError, match="The panel has no times 1999"):
        panel.restrict(times=range(1999, 2002))
    with pytest.raises(AlignmentError, match="no times in an empty list"):
        panel.restrict(times=slice(1990, 1995))


def test_other_ids(panel: Panel) -> None:
    codes = {"甲": "03", "乙": "01", "丙": "02"}
    made = panel.map_units(codes)
    assert made.units.tolist() == ["01", "02", "03"]
    assert made.at(2003)["人口"].to_dict() == {"02": 100, "03": 70}
    assert made.map_units(int).units.tolist() == [1, 2, 3]
    assert made.map_units(int).unit_name == "城市"
    assert made.history[-1].action == "map_units"
    with pytest.raises(AlignmentError, match="The table of ids lacks '甲'"):
        panel.map_units({"乙": 1, "丙": 2})
    with pytest.raises(AlignmentError, match="Several units would become one: 'x'"):
        panel.map_units({"乙": "x", "丙": "x", "甲": "y"})
    with pytest.raises(DataError, match="The new ids must be filled in each row"):
        panel.map_units(lambda _: None)


def test_where(panel: Panel) -> None:
    found = panel.where(lambda f: f["人口"] > 50)
    assert found["人口"].min() == 60
    assert found.history[-1] == Step("where", (), 5, "dropped 5 of 10 rows", (("乙", 3), ("甲", 2)))
    assert len(panel.where(panel["人口"].sample(frac=1, random_state=0) > 50)) == 5
    assert panel.where(pd.Series({"甲": True, "乙": False, "丙": False})).units.tolist() == ["甲"]
    with pytest.raises(DataError, match=r"True or False for each of the 10 rows; got float64"):
        panel.where(panel["产值"])
    with pytest.raises(DataError, match="No row is left of 10 after where"):
        panel.where(lambda f: f["人口"] > 1000)


# ---- joining
def test_joining_panels(panel: Panel) -> None:
    other = panel.select("人口").rename({"人口": "人数"}).with_labels(人数="年末人数")
    joined = panel.join(other)
    assert (joined["人数"] == panel["人口"]).all()
    assert joined.label("人数") == "年末人数"
    assert joined.label("产值") == "工业产值"
    part = other.restrict(units=["甲", "乙"])
    with pytest.raises(
        AlignmentError, match=r"same \(unit, time\) rows; only here: \('丙', 2000\).*Choose how="
    ):
        panel.join(part)
    assert panel.join(part, how="left")["人数"].isna().sum() == 3
    assert len(panel.join(part, how="inner")) == 7
    assert len(part.join(panel, how="outer")) == 10
    assert (
        part.join(panel, how="outer").history[-1].detail
        == "how='outer': 0 rows only here, 3 only there, 10 now"
    )
    with pytest.raises(DataError, match="Both sides have the columns '产值', '人口'"):
        panel.join(panel)
    with pytest.raises(DataError, match="how= must be"):
        panel.join(other, how="right")  # type: ignore[arg-type]


def test_joining_levels_of_other_names(panel: Panel) -> None:
    other = panel.select("人口").to_frame().rename(columns={"城市": "city", "人口": "人数"})
    joined = panel.join(Panel.from_frame(other, unit="city", time="年份"))
    assert (joined["人数"] == panel["人口"]).all()
    assert (joined.unit_name, joined.time_name, len(joined)) == ("城市", "年份", 10)


def test_joining_ids_of_another_type() -> None:
    left = make([1.0], units=["01001"])
    right = make([1.0], units=[1001]).rename({"产值": "x"})
    with pytest.raises(
        AlignmentError,
        match=r"share no \(unit, time\): \('01001', 2000\) here, \(1001, 2000\) there \(ids are str and",
    ):
        left.join(right, how="inner")


def test_joining_a_table_by_unit(panel: Panel) -> None:
    table = pd.DataFrame({"面积": [1.0, 2.0, 3.0]}, index=["乙", "丙", "甲"])
    joined = panel.join(table)
    assert joined.at(2003)["面积"].to_dict() == {"甲": 3.0, "丙": 2.0}
    assert panel.join(table["面积"])["面积"].equals(joined["面积"])
    with pytest.raises(AlignmentError, match=r"The table must have a value for each 城市 .*; it lacks '甲'"):
        panel.join(table.iloc[:2])
    assert panel.join(table.iloc[:2], how="left")["面积"].isna().sum() == 4
    with pytest.raises(DataError, match="how='outer' needs a Panel"):
        panel.join(table, how="outer")
    with pytest.raises(DataError, match=r"got dict. Build one with Panel.from_frame"):
        panel.join({"甲": 1})
    with pytest.raises(AlignmentError, match="The table repeats '乙'"):
        panel.join(pd.concat([table, table.iloc[:1]]), how="left")


# ---- views
def test_the_descriptive_table(panel: Panel) -> None:
    frame = panel.with_columns(名="x").describe()
    assert list(frame.columns) == ["label", "N", "mean", "sd", "min", "max"]
    assert frame.index.tolist() == ["产值", "人口"]
    # Stata: summarize of 1 3 5 6 9 2 4 5
    row = frame.loc["产值"]
    assert (row["label"], row["N"], row["mean"], row["min"], row["max"]) == ("工业产值", 8, 4.375, 1.0, 9.0)
    assert row["sd"] == pytest.approx(np.sqrt(43.875 / 7))
    empty = make([NAN, NAN]).describe()
    assert empty.loc["产值", "N"] == 0
    assert np.isnan(make([1.0]).describe().loc["产值", "sd"])
    with pytest.raises(DataError, match="'名' must hold numbers"):
        panel.with_columns(名="x").describe(["名"])


def test_the_history(panel: Panel) -> None:
    made = panel.balance("fill").interpolate(["产值", "人口"]).shift("人口")
    frame = made.history_frame()
    assert frame.index.tolist() == [1, 2, 3]
    assert frame["action"].tolist() == ["balance", "interpolate", "shift"]
    assert frame["columns"].tolist() == ["", "产值, 人口", "人口"]
    assert frame["cells"].tolist() == [4, 4, 9]
    assert panel.history == ()
    assert list(make([1.0]).history_frame().columns) == ["action", "columns", "cells", "detail"]
    assert list(panel.to_frame().columns) == ["城市", "年份", "产值", "人口"]


# ---- text that holds numbers
def test_parsing_numbers() -> None:
    panel = make(["1,234", "—", " 5.5 ", "１２", "-1,000.5", "", None, "1e3"])
    found = panel.parse_numbers("产值", missing=["—"])
    np.testing.assert_array_equal(found["产值"], [1234, NAN, 5.5, 12, -1000.5, NAN, NAN, 1000])
    assert found.history[-1] == Step(
        "parse_numbers", ("产值",), 7, "5 cells of text read as numbers, 2 marks as missing"
    )
    with pytest.raises(
        DataError, match=r"text that is no number, in 1 rows: '—', e.g. at \('甲', 2001\).*missing="
    ):
        panel.parse_numbers("产值")
    for text in ("1,5", "12,34", "1_000", "nan", "inf", "0x10", "十"):
        assert parse_numbers(pd.Series([text], dtype=object), (), ",").bad.all()


# ---- order never matters
STEPS: dict[str, Callable[[Panel], Any]] = {
    "interpolate": lambda p: p.interpolate(["x", "y"]),
    "extrapolate": lambda p: p.interpolate("x", extrapolate=True),
    "winsorize": lambda p: p.winsorize(["x", "y"], 0.1),
    "winsorize by": lambda p: p.winsorize("x", 0.2, by="time"),
    "log": lambda p: p.log("y"),
    "shift": lambda p: p.shift(["x", "y"], 1),
    "deflate": lambda p: p.deflate("x", "y", 2001),
    "fill": lambda p: p.balance("fill"),
    "largest": lambda p: p.balance("largest"),
    "where": lambda p: p.where(lambda f: f["y"] > 1.5),
    "cube": lambda p: p.cube(["x", "y"]),
    "describe": lambda p: p.describe(),
    "join": lambda p: p.join(p.rename({"x": "a", "y": "b"})),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_order_of_rows_means_nothing(step: str) -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame([(u, t) for u in "甲乙丙丁" for t in range(2000, 2005)], columns=["u", "t"])
    frame["x"] = np.where(rng.random(20) < 0.2, NAN, rng.normal(size=20))
    frame["y"] = 1 + rng.random(20)
    frame = frame.drop(index=[3, 19])
    results = [
        STEPS[step](Panel.from_frame(frame.sample(frac=1, random_state=seed), unit="u", time="t"))
        for seed in (1, 2)
    ]
    if step == "cube":
        np.testing.assert_array_equal(*results)
    elif step == "describe":
        pd.testing.assert_frame_equal(*results)
    else:
        pd.testing.assert_frame_equal(results[0].frame, results[1].frame)
        assert results[0].history == results[1].history


def test_a_subclass_stays_itself(panel: Panel) -> None:
    class Named(Panel):
        pass

    made = Named(panel.frame, panel.labels, panel.history)
    assert type(made.interpolate("产值").shift("产值").balance("fill")) is Named
