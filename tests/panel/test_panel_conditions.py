"""Conditions on rows: what may be written, what it means where values are missing, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError, FormulaError
from spatial.panel import Panel, choose_rows, parse_condition

INDEX = pd.MultiIndex.from_product([["a", "b", "c"], [2009, 2010, 2015]], names=["city", "year"])
FRAME = pd.DataFrame(
    {
        "x": [1.0, 2, 3, 4, 5, np.nan, 7, 8, 9],
        "level": ["capital"] * 3 + ["city"] * 6,
        "coastal": [True] * 3 + [False] * 6,
        "code": ["110000"] * 3 + ["120000"] * 6,
        "城市 级别": ["高"] * 3 + ["低"] * 6,
        "founded": pd.to_datetime(["1999-01-01"] * 3 + ["2012-06-01"] * 6),
        "kind": pd.Categorical(["p"] * 3 + ["q"] * 6),
        "maybe": pd.array([True, None, False] * 3, dtype="boolean"),
    },
    index=INDEX,
)


@pytest.mark.evidence("models.holds", source="38 conditions and the rows they choose", kind="hand")
@pytest.mark.parametrize(
    ("text", "count"),
    [
        # Those of the design's own parser.
        ("level != 'capital' and time >= 2010", 4),
        ("level not in ('capital',)", 6),
        ("x >= mean(x)", 5),
        ("x > quantile(x, .5) or coastal", 6),
        ("not coastal and x is missing", 1),
        ("x is not missing", 8),
        ("2009 < time < 2015", 3),
        ("(x + 1) * 2 > 8", 5),
        ("(x > 1 and (coastal or time == 2015))", 3),
        ("`城市 级别` == '高'", 3),
        ("log(x) > 2", 2),
        ("x < 5", 4),
        ("unit in ('a', 'c')", 6),
        ("not (x < 5)", 4),
        ("x < 5 or not coastal", 9),
        ("x not in (1, 2)", 6),
        # Their neighbours.
        ("year >= 2010", 6),
        ("city == 'a'", 3),
        ("time in (2009, 2015,)", 6),
        ("x > median(x)", 3),
        ("-x < -4", 4),
        ("x / 2 - 1 > 1", 4),
        ("(x) > 4", 4),
        ("((x)) in (1, 2)", 2),
        ("coastal == false", 6),
        ("coastal != true and x >= 8", 2),
        ("founded >= '2010-01-01'", 6),
        ("founded < 2000", 3),
        ("kind == 'q'", 6),
        ("maybe", 3),
        ("not maybe", 3),
        ("code == '110000'", 3),
        ('level == "capital"', 3),
        ("abs(x - 5) <= 1", 2),
        ("sqrt(x) >= 3", 1),
        ("exp(x) < 3", 1),
        ("not not coastal", 3),
        ("x in (-1, 1)", 1),
    ],
)
def test_a_condition_chooses_these_rows(text: str, count: int) -> None:
    if count == len(FRAME):
        with pytest.raises(DataError, match="Every one of the 9 rows meets"):
            choose_rows(text, FRAME)
        return
    assert int(choose_rows(text, FRAME).mask.sum()) == count


def test_a_row_of_which_nobody_knows_is_left_out_and_counted() -> None:
    either, other = choose_rows("x < 5", FRAME), choose_rows("not x < 5", FRAME)
    assert either.unknown == other.unknown == 1
    assert not (either.mask & other.mask).any()
    assert either.mask.sum() + other.mask.sum() == 8
    # Known all the same: the other side of `or` is true.
    assert choose_rows("x < 5 or time == 2015", FRAME).unknown == 0
    assert "1 left out as unknown" in either.said


def test_means_are_those_of_each_time() -> None:
    chosen = choose_rows("x >= mean(x)", FRAME).mask
    expected = FRAME["x"] >= FRAME.groupby(level="year")["x"].transform("mean")
    np.testing.assert_array_equal(chosen, expected.to_numpy())


def test_a_cross_section_has_units_and_no_time() -> None:
    cities = FRAME.xs(2010, level="year")
    assert choose_rows("x > mean(x)", cities).mask.tolist() == [False, False, True]
    assert choose_rows("unit == 'b'", cities).mask.tolist() == [False, True, False]
    with pytest.raises(FormulaError, match="no column 'time'"):
        choose_rows("time == 2010", cities)


def test_rows_may_come_in_any_order() -> None:
    shuffled = FRAME.sample(frac=1, random_state=1)
    for text in ("x >= mean(x)", "level != 'capital' and time >= 2010"):
        kept = FRAME[choose_rows(text, FRAME).mask]
        pd.testing.assert_frame_equal(shuffled[choose_rows(text, shuffled).mask].sort_index(), kept)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("year >= 2010 && coastal", "stops at '&&': write 'and'"),
        ("x > 1 || coastal", "stops at '||': write 'or'"),
        ("x >", "ends too early: a column, a number or a text is needed"),
        ("__import__('os')", "there is no function '__import__'"),
        ("x.values > 1", "attributes are not part of a condition"),
        ("level = 'city'", "write '==' for equal"),
        ("x > 1 coastal", "'and' or 'or' is needed before it"),
        ("f(x) > 1", "there is no function 'f'; there are abs, exp, log, sqrt, mean"),
        ("x[0] > 1", "brackets are"),
        ("x + 1", "a condition is needed"),
        ("level in capital", "a list in brackets is needed"),
        ("level in ('capital' 'city')", r"'\)' is needed"),
        ("x; y", "nothing of a condition is written so"),
        ("level == 'capital", "a text is not closed"),
        ("quantile(x, 2) > 1", "a number from 0 to 1"),
        ("(x > 1", r"'\)' is needed"),
        ("x is here", "'missing' is needed"),
        ("and x > 1", "a column, a number or a text is needed"),
        ("!coastal", "write 'not'"),
        ("  ", "A condition is a text"),
        ("(" * 3000 + "x > 1", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message.replace("||", r"\|\|")):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lvl == 'city'", "no column 'lvl'. Did you mean 'level'"),
        ("code == 110000", "code holds text, not 110000. Write '110000' in quotes"),
        ("x == 'a'", "x holds numbers, not 'a'. Write the number without quotes"),
        ("level == x", "level holds text, and x numbers"),
        ("level > 'a'", "text has no order"),
        ("coastal > false", "true and false has no order"),
        ("x", "x alone is no condition: it holds numbers"),
        ("level and x > 1", "level alone is no condition: it holds text"),
        ("log(level) > 1", "numbers are needed; level holds text"),
        ("mean(1) > 0", "is of a column"),
        ("coastal == 1", "coastal holds true and false, not 1"),
        ("1 in (1, 2)", "'in' is asked of a column"),
        ("code in (110000)", "code holds text, not 110000"),
    ],
)
def test_what_the_data_cannot_answer_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message.replace("(", r"\(").replace(")", r"\)")):
        choose_rows(text, FRAME)


def test_a_condition_that_chooses_nothing_is_refused_with_the_values_that_there_are() -> None:
    with pytest.raises(
        DataError, match=r"No row meets level == 'capitol'. level is one of: 'capital', 'city'. Did"
    ):
        choose_rows("level == 'capitol'", FRAME)
    with pytest.raises(DataError, match="No row meets x > 100"):
        choose_rows("x > 100", FRAME)


@pytest.mark.evidence("Panel.where", source="rows counted by hand", kind="hand")
def test_a_panel_takes_a_condition_and_records_it() -> None:
    panel = Panel(FRAME[["x", "level"]]).where("level == 'city' and year >= 2010")
    assert len(panel) == 4
    assert panel.history[-1].cells == 5
    assert "level == 'city' and year >= 2010: 4 of 9 rows" in panel.history[-1].detail
