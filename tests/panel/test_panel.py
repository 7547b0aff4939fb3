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
from panel_cases import NAN, make

from spatial.errors import AlignmentError, DataError
from spatial.ids.numbers import parse_numbers
from spatial.panel.panel import Panel, Step


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


@pytest.mark.evidence("Panel.with_columns", "Panel.at", source="columns matched by label", kind="hand")
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
    with pytest.raises(AlignmentError, match=r"The ids are int in Column \'x\', str in the panel"):
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
@pytest.mark.evidence(
    "Panel.cube", "Panel.with_cube", "Panel.from_cube", source="cubes there and back", kind="identity"
)
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


# ---- rows
@pytest.mark.evidence("Panel.restrict", source="units and times chosen by hand", kind="hand")
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


@pytest.mark.evidence("Panel.map_units", source="three units renamed by hand", kind="hand")
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


# ---- views
@pytest.mark.evidence("Panel.describe", source="Stata's summarize of eight cells by hand", kind="hand")
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
@pytest.mark.evidence("Panel.parse_numbers", source="eight texts by hand", kind="hand")
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
