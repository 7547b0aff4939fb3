"""Ids to the last digit, by one rule; times with their distances."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import AlignmentError, DataError
from spatial.ids.alignment import indexer
from spatial.ids.kinds import clean_ids, id_text, ids_from_text
from spatial.ids.matching import in_kind_of
from spatial.ids.pairs import level_values, pairs_of, row_order
from spatial.ids.times import clean_times, find_time, frequency_of, ordinals

# S2 cells: https://s2geometry.io/devguide/s2cell_hierarchy, ids of 64 bits without a sign
CELLS = [9926594385212866560, 9926594385212866561]


# ---- digits
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array(CELLS, dtype="uint64"), [str(cell) for cell in CELLS]),
        (np.array([3, 1], dtype="uint64"), [3, 1]),
        (pd.array([3, 1], dtype="UInt64"), [3, 1]),
        (pd.array(CELLS, dtype="UInt64"), [str(cell) for cell in CELLS]),
        (pd.Series(CELLS, dtype=object), [str(cell) for cell in CELLS]),
        (pd.Series([2**70, -(2**70)], dtype=object), [str(2**70), str(-(2**70))]),
        (pd.Series([2**62 + 1, 5]), [2**62 + 1, 5]),
        (np.array([110000, 120000], dtype="float32"), [110000, 120000]),
        (pd.Series([110000, 120000.0, Decimal(130000)], dtype=object), [110000, 120000, 130000]),
        (pd.Series(["110000.0", "120000.0"]), ["110000", "120000"]),
        (pd.Series(["110000", "1e+05"]), ["110000", "100000"]),
        (pd.Series(["1.1e+05", "310000"]), ["110000", "310000"]),
        (pd.Series(["12E3", "13E3"]), ["12E3", "13E3"]),
        (pd.Series(["1.5", "2.5"]), ["1.5", "2.5"]),
        (pd.Series(["110000.0", "100000_JD"]), ["110000.0", "100000_JD"]),
        (pd.Series(["01001", "01003"]), ["01001", "01003"]),
        (pd.Series([110000, 120000], dtype="int32[pyarrow]"), [110000, 120000]),
        (pd.Series(["a", "b"], dtype="string[pyarrow]"), ["a", "b"]),
        (pd.Series(["a", "b", "a"], dtype="category"), ["a", "b", "a"]),
    ],
)
def test_ids_are_kept_to_the_last_digit(given: Any, expected: list[Any]) -> None:
    found = clean_ids(pd.Series(given), "x")
    assert found.tolist() == expected
    assert clean_ids(found, "x").tolist() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            np.array([110100001, 110100002], dtype="float32"),
            r"from 16777216 on.*may have become one.*double or",
        ),
        (np.array([2.0**24], dtype="float32"), "kept as float32"),
        (np.array([2.0**53, 1.0]), "kept as float64.*from 9007199254740992 on"),
        (np.array([2049.0], dtype="float16"), "kept as float16"),
        (pd.Series([1.5, 2.0]), "text or whole numbers; got 1.5"),
        (pd.Series([Decimal("1.5"), 2], dtype=object), "text or whole numbers; got Decimal"),
        (pd.Series(["1.23457e+08", "2"]), r"'1\.23457e\+08' shows 6 digits of a number of 9"),
        (pd.Series([1j, 2]), "all of one kind"),
        (pd.Series([True, False]), "it holds True and False"),
        (pd.Series([b"a", b"b"]), "it holds bytes"),
    ],
)
def test_ids_whose_digits_are_lost_are_refused(given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        clean_ids(pd.Series(given), "x")


def test_the_largest_exact_floats_pass() -> None:
    assert clean_ids(pd.Series(np.array([2.0**24 - 1], dtype="float32")), "x").tolist() == [2**24 - 1]
    assert clean_ids(pd.Series([2.0**53 - 1]), "x").tolist() == [2**53 - 1]


def test_unsigned_ids_are_the_same_in_maps_panels_and_layers(tmp_path: Any) -> None:
    import geopandas as gpd
    import shapely

    ids = np.array(CELLS, dtype="uint64")
    boxes = [shapely.box(i, 0, i + 1, 1) for i in range(2)]
    frame = gpd.GeoDataFrame({"id": ids, "k": ["a", "b"]}, geometry=boxes, crs=4326)
    cities = sp.read_cities(frame, id="id")
    panel = sp.read_panel(pd.DataFrame({"id": ids, "year": 2000, "x": 1.0}), unit="id", time="year")
    assert cities.index.tolist() == panel.units.tolist() == [str(cell) for cell in CELLS]
    path = sp.write_layers(tmp_path / "a.gpkg", sp.read_cities(frame, id="k"), {"own": None})
    assert [int(cell) for cell in gpd.read_file(path, layer="own")["id"]] == CELLS


@pytest.mark.parametrize(
    ("ids", "points"),
    [
        (["Orléans", "Orle\u0301ans"], r"U\+00E9.*U\+0301"),
        (["北京", "北京\u3000"], r"U\+3000"),
        (["北京", "北京 "], r"U\+0020"),
        (["New York", "New  York"], r"U\+0020"),
        (["New York", "New\u00a0York"], r"U\+0020.*U\+00A0"),
        (["１号", "1号"], r"U\+FF11.*U\+0031"),
        (["北京", "北\u200b京"], r"U\+200B"),
        (["\ufeff北京", "北京"], r"U\+FEFF"),
    ],
)
def test_ids_that_look_alike_are_named_with_their_characters(ids: list[str], points: str) -> None:
    with pytest.raises(DataError, match=f"look alike and are not the same.*{points}"):
        clean_ids(pd.Series(ids), "x")
    with pytest.raises(AlignmentError, match=f"look alike and are not the same.*{points}"):
        indexer(pd.Index([ids[0]]), pd.Index([ids[1]]), "the data")


# ---- one id, however it is written
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([37003, 37001], ["37001", "37003"]),
        (["37003", "37001"], [37001, 37003]),
        (["37003.0", "37001.0"], [37001, 37003]),
        ([37003.0, 37001.0], ["37001", "37003"]),
        (["1e+05", "37001"], [37001, 100000]),
        ([str(c) for c in CELLS[::-1]], CELLS),
    ],
)
def test_codes_as_numbers_meet_codes_as_text(given: list[Any], wanted: list[Any]) -> None:
    index = pd.Index(wanted, dtype="uint64") if wanted == CELLS else pd.Index(wanted)
    assert indexer(pd.Index(given), index, "the data").tolist() == [1, 0]


def test_statistics_lags_and_panels_meet_by_code() -> None:
    W = sp.Weights.from_dense(np.eye(5, k=1) + np.eye(5, k=-1), ids=[str(k) for k in range(1, 6)])
    x = pd.Series([1.0, 3, 2, 5, 9], index=[1, 2, 3, 4, 5], name="x")
    by_text = x.set_axis(list("12345"))
    assert sp.moran(x, W, permutations=0).I == sp.moran(by_text, W, permutations=0).I
    pd.testing.assert_series_equal(W.lag(x).set_axis(list("12345")), W.lag(by_text))
    panel = sp.Panel.from_frame(
        pd.DataFrame({"id": [1, 2, 3, 4, 5], "t": 2000, "x": x.to_numpy()}), unit="id", time="t"
    )
    assert sp.moran_panel(panel, "x", W, permutations=9)["I"].iloc[0] == sp.moran(x, W, permutations=0).I
    added = panel.with_columns(y=by_text)
    np.testing.assert_array_equal(added["y"], added["x"])


def test_what_does_not_mean_the_same_is_not_matched() -> None:
    for given, wanted, message in (
        ([1001, 1003], ["01001", "01003"], r"Zeros at the front were lost in the data: .*zfill\(5\)"),
        (["01001", "01003"], [1001, 1003], r"Zeros at the front were lost in the weights"),
        ([1.5, 2.5], ["1", "2"], r"In the weights only: '1', '2'"),
        (["1", "01"], [1, 2], "In the weights only: 2"),
        ([1, 2], ["a", "b"], "The ids are int in the data, str in the weights"),
        (["1", "1.0"], [1, 2], "the same ids"),
    ):
        with pytest.raises(AlignmentError, match=message):
            indexer(pd.Index(given), pd.Index(wanted), "the data")
    assert in_kind_of(pd.Index([7, 8]), pd.Index(["7", "a"])).tolist() == ["7", "8"]
    assert in_kind_of(pd.Index(["7", "a"]), pd.Index([7, 8])).tolist() == [7, "a"]


def test_text_of_a_table_file() -> None:
    assert ids_from_text(pd.Series(["1e+05", "110000"])).tolist() == [100000, 110000]
    assert ids_from_text(pd.Series(["1e+05", "x"])).tolist() == ["1e+05", "x"]
    assert id_text(np.float64(3.0)) == id_text("3.") == id_text("+3") == "3"


# ---- times
def month(text: str) -> pd.Period:
    return pd.Period(text, "M")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([200012, 200101], [month("2000-12"), month("2001-01")]),
        (["200012", "200101"], [month("2000-12"), month("2001-01")]),
        ([200012.0, 200101.0], [month("2000-12"), month("2001-01")]),
        (["2001年3月", "2001年12月"], [month("2001-03"), month("2001-12")]),
        (["2001/03", "2001/11"], [month("2001-03"), month("2001-11")]),
        (["2001M03", "2001m11"], [month("2001-03"), month("2001-11")]),
        (["2000-01"], [month("2000-01")]),
        (["2000-01", "2000-02"], [month("2000-01"), month("2000-02")]),
        (["2001-Q1", "2001 Q2"], [pd.Period("2001Q1"), pd.Period("2001Q2")]),
        (["2001年第1季度", "2001年第2季度"], [pd.Period("2001Q1"), pd.Period("2001Q2")]),
        ([20010331, 20010630], [pd.Timestamp("2001-03-31"), pd.Timestamp("2001-06-30")]),
        (["2001/3/31", "2001/6/30"], [pd.Timestamp("2001-03-31"), pd.Timestamp("2001-06-30")]),
        (["2001年3月31日"], [pd.Timestamp("2001-03-31")]),
        (["2001.0", "2002.0"], [2001, 2002]),
        ([1, 2, 3], [1, 2, 3]),
        ([98, 99], [98, 99]),
        (list(range(60)), list(range(60))),
        (list(range(10001, 10020)), list(range(10001, 10020))),
        (pd.array(["2001-03-31"], dtype="date32[pyarrow]"), [pd.Timestamp("2001-03-31")]),
        (
            pd.Series(pd.to_datetime(["2001-03-31"])).astype("timestamp[us][pyarrow]"),
            [pd.Timestamp("2001-03-31")],
        ),
        (pd.array([2001, 2002], dtype="int64[pyarrow]"), [2001, 2002]),
    ],
)
def test_times_are_what_they_are_written_as(given: Any, expected: list[Any]) -> None:
    found = clean_times(pd.Series(given), "t")
    assert found.tolist() == expected
    assert not isinstance(found.dtype, pd.ArrowDtype)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["98", "99", "00"], "years of two digits that pass a century"),
        ([98, 99, 0], "years of two digits that pass a century"),
        ([95, 0, 5], "years of two digits"),
        (["2000-01", "2001-02", "2002-03"], r"fiscal or school years.*frame\[column\]\.str\[:4\]"),
        (["2011-12", "2012-13"], "fiscal or school years"),
        (["2000/01", "2001/02"], "fiscal or school years"),
        (["2000-2001", "2001-2002"], "fiscal or school years"),
        (["FY2000-01", "FY2001-02"], "fiscal or school years"),
        ([20001, 20004, 20011], "whole numbers beyond the year 9999"),
        ([36526, 36892], "whole numbers beyond the year 9999"),
        ([200013, 200101], "whole numbers beyond the year 9999"),
        ([20010230, 20010331], "whole numbers beyond the year 9999"),
        ([1j], "complex"),
        (["31.12.2001"], "Recode"),
    ],
)
def test_times_that_are_not_what_they_look_like_are_refused(given: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        clean_times(pd.Series(given), "t")


def panel_of(times: Any, values: list[float]) -> sp.Panel:
    return sp.Panel.from_frame(pd.DataFrame({"u": "a", "t": times, "x": values}), unit="u", time="t")


@pytest.mark.parametrize(
    "times",
    [
        [200011, 200012, 200101],
        ["2000-11", "2000-12", "2001-01"],
        ["2000-11-30", "2000-12-31", "2001-01-31"],
        pd.to_datetime(["2000-11-01", "2000-12-01", "2001-01-01"]),
        pd.to_datetime(["2000-11-01", "2000-12-01", "2001-01-01"]).tz_localize("Asia/Shanghai"),
        pd.to_datetime(["2000-11-01", "2000-12-01", "2001-01-01"]).tz_localize("America/New_York"),
    ],
)
def test_december_to_january_is_one_month(times: Any) -> None:
    panel = panel_of(times, [5.0, np.nan, 0.0])
    assert panel.interpolate("x")["x"].tolist() == [5.0, 2.5, 0.0]
    np.testing.assert_array_equal(panel.shift("x")["L1_x"], [np.nan, 5.0, np.nan])


def test_the_frequency_stays_when_times_are_left_out() -> None:
    months = panel_of(pd.date_range("2000-01-31", periods=25, freq="ME"), [float(k) for k in range(25)])
    assert months.frequency == "month"
    januaries = months.restrict(times=[pd.Timestamp("2000-01-31"), pd.Timestamp("2001-01-31")])
    assert januaries.frequency == "month"
    with pytest.raises(DataError, match=r"No unit has rows 1 apart.* are 12 \(a step is one month\)"):
        januaries.shift("x")
    assert januaries.shift("x", 12)["L12_x"].tolist()[1] == 0.0
    assert panel_of([2000, 2005], [1.0, 2.0]).frequency == "step"
    assert panel_of(["2000Q1", "2000Q3"], [1.0, 2.0]).frequency.startswith("Q")  # type: ignore[union-attr]


def test_hours_of_one_day_are_several_times() -> None:
    times = pd.date_range("2000-01-01", periods=4, freq="6h")
    assert frequency_of(times) == "hour"
    assert ordinals(times).tolist() == [0, 6, 12, 18]
    assert frequency_of(pd.to_datetime(["2000-01-01", "2000-01-15"])) == "week"
    assert frequency_of(pd.to_datetime(["2000-01-01", "2000-01-16"])) == "day"
    assert frequency_of(pd.to_datetime(["2000-12-31", "2003-12-31"])) == "year"


def test_one_time_is_found_as_it_is_written() -> None:
    months = panel_of(["2001-01", "2001-02", "2002-03"], [1.0, 2.0, 3.0])
    for given in ("2001-02", 200102, pd.Period("2001-02", "M"), "2001年2月"):
        assert months.at(given)["x"].tolist() == [2.0]
    assert months.at("2002").index.tolist() == ["a"]  # the only month of that year
    with pytest.raises(DataError, match=r"2 times in '2001': '2001-01', '2001-02'\. Name one"):
        months.at("2001")
    with pytest.raises(DataError, match=r"has no time '1999'; it has '2001-01'"):
        months.at("1999")
    dates = panel_of(pd.to_datetime(["2001-01-31", "2001-02-28", "2002-03-31"]), [1.0, 2.0, 3.0])
    assert dates.at("2001-02")["x"].tolist() == dates.at("2001-02-28")["x"].tolist() == [2.0]
    with pytest.raises(DataError, match="2 times in '2001'"):
        dates.at("2001")
    years = panel_of([2001, 2002, 2003], [1.0, 2.0, 3.0])
    assert years.at("2002")["x"].tolist() == years.at(2002.0)["x"].tolist() == [2.0]
    for given in (1999, True, None, "x", [2001], {}):
        with pytest.raises(DataError, match="has no time"):
            years.at(given)
    assert find_time(pd.Index([2001, 2002]), "2002年") == 2002


def test_texts_are_cleaned_once_each_and_named_by_their_rows() -> None:
    """What pairs are made of by their distinct values is what they are made of row by row."""
    times = pd.Series(["2001年", "2000年", "2001年"], name="year")
    for units, wanted in (
        (["01", "1", "01"], ["01", "1", "01"]),
        (["110000.0", "110000", "120000"], ["110000", "110000", "120000"]),
        ([1, 1.0, 2], [1, 1, 2]),
        ([10**20, 1, 2], [str(10**20), "1", "2"]),
    ):
        column = pd.Series(units, dtype=object, name="city")
        for given in (column, column.astype("category")):
            index = pairs_of(given, times)
            assert index.get_level_values(0).tolist() == wanted
            assert index.get_level_values(1).tolist() == [2001, 2000, 2001]
            assert all(level.is_monotonic_increasing for level in index.levels)
    with pytest.raises(DataError, match=r"1 of 3 are missing, at rows 1 "):
        pairs_of(pd.Series(["a", " ", "b"], name="city"), times)
    with pytest.raises(DataError, match=r"1 of 3 are missing, at rows 2 "):
        pairs_of(pd.Series(["a", "b", None], name="city").astype("category"), times)


def test_rows_are_put_in_order_as_pandas_does() -> None:
    rng = np.random.default_rng(0)
    pairs = [(f"u{k}", year) for k in range(30) for year in range(2000, 2010)]
    for order in (np.arange(300), rng.permutation(300), np.arange(300)[::-1]):
        index = pd.MultiIndex.from_tuples([pairs[k] for k in order])[::2]
        found = row_order(index)
        assert found is not None
        assert index[found].equals(index.sort_values())
        assert level_values(index, 0).equals(index.get_level_values(0).unique().sort_values())
        assert level_values(index[:7], 1).equals(index[:7].get_level_values(1).unique().sort_values())
    assert row_order(pd.MultiIndex.from_tuples([("a", 1), ("b", 1), ("a", 1)])) is None
