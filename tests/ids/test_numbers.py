"""One gate to float: what is no real number is refused, wherever it comes in."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError
from spatial.ids.numbers import parse_numbers, to_float
from spatial.ids.rows import numbers
from spatial.panel.base import column_numbers

NAN = np.nan
IDS = list("abcdef")


@pytest.fixture
def W() -> sp.Weights:
    return sp.Weights.from_dense(pd.DataFrame(np.eye(6, k=1) + np.eye(6, k=-1), IDS, IDS))


@pytest.mark.parametrize(
    "given",
    [
        [1, 2.5, None],
        np.ma.masked_array([1.0, 2.5, -9999.0], [False, False, True]),
        np.ma.masked_array([1.0, 2.5, "x"], [False, False, True], dtype=object),
        pd.Series([1, 2.5, None]),
        pd.Series([1, 2.5, pd.NA], dtype="Float64"),
        pd.Series([1, 2.5, None], dtype="float64[pyarrow]"),
        pd.Series([Decimal(1), Fraction(5, 2), None], dtype=object),
        pd.arrays.SparseArray([1.0, 2.5, NAN]),
        np.array([1, 2.5, NAN], dtype="float32"),
        np.array([1, 2.5, NAN], dtype=np.longdouble),
    ],
)
def test_numbers_of_every_type_are_float64(given: Any) -> None:
    found = to_float(given, "x")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, 2.5, NAN])


def test_truth_counts_where_it_may() -> None:
    np.testing.assert_array_equal(to_float([True, False], "x"), [1, 0])
    np.testing.assert_array_equal(to_float(pd.Series([True, None], dtype="boolean"), "x"), [1, NAN])
    for given in (
        [True, False],
        pd.Series([True, None], dtype="boolean"),
        pd.Series([1, True], dtype=object),
    ):
        with pytest.raises(DataError, match="must be numbers; got True and False"):
            to_float(given, "x", booleans=False)


# What is refused, and the word for it.
OTHERS: list[tuple[Any, str]] = [
    (pd.Series(pd.date_range("2020", periods=6)), "dates"),
    (pd.Series(pd.date_range("2020", periods=6, tz="Asia/Shanghai")), "dates"),
    (pd.Series(pd.date_range("2020", periods=6)).dt.date, "dates"),
    (pd.Series(pd.date_range("2020", periods=6), dtype="timestamp[ns][pyarrow]"), "dates"),
    (pd.Series(pd.to_datetime(["2000"] * 3 + [None] * 3)), "dates"),
    (pd.Series(pd.period_range("2020", periods=6, freq="M")), "dates"),
    (pd.Series(pd.to_timedelta(range(6), "D")), "durations"),
    (pd.Series([datetime.timedelta(k) for k in range(6)], dtype=object), "durations"),
    (np.arange(6) * 1j, "complex numbers"),
    (pd.Series([1j, 2.0, 3, 4, 5, 6], dtype=object), "complex numbers"),
    (pd.Series(["1", "2", "3", "4", "5", "6"]), "text"),
    (pd.Series(["1", "2", "3", "4", "5", "6"], dtype="string[pyarrow]"), "text"),
    (pd.Series([1, 2, 3, 4, 5, "6"], dtype=object), "text"),
    (np.array(["1", "2", "3", "4", "5", "6"]), "text"),
    (np.array([b"1"] * 6), "text"),
    (pd.Series([1, 2, 3, 1, 2, 3], dtype="category"), "categories"),
    (pd.Series([[1], [2], [3], [4], [5], [6]]), "values of type list"),
    (np.ma.masked_array(["1"] * 6, [True] + [False] * 5), "text"),
    ([[1], [2, 3]], "list of several shapes"),
    ([10**400] * 6, "whole numbers beyond 1e308"),
]


@pytest.mark.parametrize(("given", "kind"), OTHERS)
def test_what_is_no_number_is_refused_everywhere(given: Any, kind: str, W: sp.Weights) -> None:
    with pytest.raises(DataError, match=f"x must be numbers; got .*{kind}"):
        to_float(given, "x")
    if not hasattr(given, "dtype"):
        return
    x = pd.Series(given, name="x") if isinstance(given, pd.Series) else pd.Series(list(given), name="x")
    if kind == "text" and isinstance(given, np.ma.MaskedArray):
        return
    x.index = pd.Index(IDS)
    panel = sp.Panel.from_frame(pd.DataFrame({"id": IDS, "year": 2000, "x": x.array}), unit="id", time="year")
    for call in (
        lambda: sp.moran(x, W, permutations=0),
        lambda: W.lag(x),
        lambda: W.lag(panel.select("x")),
        lambda: numbers(x, "x"),
        lambda: column_numbers(x),
        lambda: panel.cube("x"),
        lambda: panel.describe("x"),
    ):
        with pytest.raises(DataError, match=r"must (be|hold) numbers"):
            call()


def test_a_mask_is_a_missing_value(W: sp.Weights) -> None:
    values = np.ma.masked_equal([1.0, 5, 2, -9999, 3, 9], -9999)
    with pytest.raises(DataError, match="NaN or infinity at 'd'"):
        sp.moran(values, W, permutations=0)
    dropped = sp.moran(values, W, permutations=0, missing="drop")
    assert dropped.n == 5


def test_the_message_says_what_stands_there_and_what_to_do() -> None:
    x = pd.Series([1.0, "4,672", None], name="txt", dtype=object)
    with pytest.raises(
        DataError, match=r"got text, e\.g\. '4,672'\. Read it as numbers first, with panel\.pars"
    ):
        to_float(x, "'txt'")
    with pytest.raises(
        DataError, match=r"got dates \(datetime64.*Take the number that is meant, as dates\.dt"
    ):
        to_float(pd.Series(pd.date_range("2020", periods=1)), "x")


# ---- numbers that are text
@pytest.mark.parametrize(
    ("text", "thousands", "decimal", "expected"),
    [
        ("1,234", ",", ".", 1234.0),
        ("1,234.5", ",", ".", 1234.5),
        ("0,512", ",", ".", None),
        ("-0,512", ",", ".", None),
        ("012,512", ",", ".", None),
        ("1.234,5", ".", ",", 1234.5),
        ("0,512", ".", ",", 0.512),
        ("0.512", ".", ",", None),
        ("0.512", "", ",", None),
        ("1 234,5", " ", ",", 1234.5),
        ("1\u00a0234,5", " ", ",", 1234.5),
        ("1\u202f234\u202f567", " ", ",", 1234567.0),
        ("1'234.5", "'", ".", 1234.5),
        ("−3,5", ".", ",", -3.5),
        ("１，２３４", ",", ".", 1234.0),
        ("1,5e3", "", ",", 1500.0),
        ("1,,234", ",", ".", None),
        ("1,2345", ",", ".", None),
    ],
)
def test_thousands_and_decimal_commas(
    text: str, thousands: str, decimal: str, expected: float | None
) -> None:
    found = parse_numbers(pd.Series([text], dtype=object), (), thousands, decimal)
    assert found.bad.all() if expected is None else found.values.tolist() == [expected]


def test_a_decimal_comma_is_never_a_thousand() -> None:
    frame = pd.DataFrame({"city": list("abc"), "year": 2000, "share": ["0,512", "0,733", "1,250"]})
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    with pytest.raises(DataError, match=r"'0,512', '0,733'.*If these are decimal commas, use decimal=','"):
        panel.parse_numbers("share")
    assert panel.parse_numbers("share", decimal=",")["share"].tolist() == [0.512, 0.733, 1.25]
    for thousands in (",", "..", "1", None):
        if thousands is not None:
            with pytest.raises(DataError, match="thousands= must be one sign other than decimal=','"):
                panel.parse_numbers("share", decimal=",", thousands=thousands)
    with pytest.raises(DataError, match="decimal= must be one of"):
        panel.parse_numbers("share", decimal=";")  # type: ignore[arg-type]


def test_a_date_among_text_is_no_number() -> None:
    found = parse_numbers(pd.Series(["1", pd.Timestamp("2000-01-01"), None], dtype=object), ())
    assert found.bad.tolist() == [False, True, False]
