"""What measures of specialisation refuse, and how they say it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from specialization_cases import THREE, make_panel

from spatial.agglomeration.concentration import (
    gini_specialization,
    hoover_index,
    krugman_index,
    specialization,
)
from spatial.agglomeration.quotients import location_quotient
from spatial.errors import AlignmentError, DataError
from spatial.panel.panel import Panel


# ---- messages
def refuse(match: str, table: Any = THREE, kind: type[Exception] = DataError, **options: Any) -> None:
    with pytest.raises(kind, match=match):
        location_quotient(table, **options)


def with_cell(value: Any) -> pd.DataFrame:
    table = THREE.astype(object)
    table.loc["b", "retail"] = value
    return table


def test_refuses_bad_cells_by_unit_and_industry() -> None:
    refuse(r"1 are negative, at \(unit, industry\): \('b', 'retail'\). Employment cannot", with_cell(-1.0))
    refuse(r"1 are missing, at .*\('b', 'retail'\). Fill them .*missing is not zero", with_cell(np.nan))
    refuse(r"1 are infinite, at .*\('b', 'retail'\). Correct them", with_cell(np.inf))
    refuse(
        r"Industry 'retail' must hold numbers; it holds text, e.g. 'many'. Read it",
        with_cell("many"),
    )
    refuse("Industry 'x' must hold numbers; it holds True and False", THREE.assign(x=True))


def test_refuses_bad_cells_of_a_panel_with_their_time() -> None:
    frame = make_panel().frame.copy()
    frame.loc[("c2", 2003), "i1"] = -5.0
    refuse(r"at \(unit, time, industry\): \('c2', 2003, 'i1'\)", Panel(frame))
    frame.loc[("c2", 2003)] = 0.0
    refuse(r"zero in all industries for \('c2', 2003\). Drop these rows", Panel(frame))
    frame = make_panel().frame.copy()
    frame.loc[(slice(None), 2002), "i4"] = 0.0
    refuse(r"zero in all units for \(time, industry\) \(2002, 'i4'\). Leave", Panel(frame))


def test_refuses_empty_units_and_industries() -> None:
    refuse("zero in all industries for 'b'. Drop these rows", THREE * np.array([[1], [0], [1]]))
    refuse("zero in all units for 'retail'. Leave these industries out", THREE * np.array([[1, 0, 1]]))


def test_refuses_missing_and_repeated_industries() -> None:
    refuse("no industry 'retial'. Did you mean 'retail'\\? It has: 'mining'", columns=["mining", "retial"])
    refuse("must appear once; these repeat: 'bank'", columns=["bank", "bank"])
    refuse("must appear once; these repeat: 'x'", THREE.set_axis(["x", "x", "y"], axis=1))
    refuse("At least 2 industries are needed; got 1: 'bank'", columns=["bank"])


def test_refuses_bad_rows() -> None:
    refuse("appear more than once: 'a'", THREE.set_axis(["a", "a", "c"]))
    refuse("1 are missing, at rows 1", THREE.set_axis(["a", None, "c"]))
    refuse("at least one row; it is empty", THREE.iloc[:0])
    pairs = pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 1)])
    refuse(r"one row for each \(unit, time\); these repeat: \('a', 1\)", THREE.set_axis(pairs))
    holes = pd.MultiIndex.from_tuples([("a", 1), (None, 1), ("b", 1)])
    refuse("a unit and a time in each row; 1 are missing, at rows 1", THREE.set_axis(holes))
    deep = pd.MultiIndex.from_tuples([("a", 1, 1), ("a", 1, 2), ("b", 1, 3)])
    refuse("the index has 3 levels", THREE.set_axis(deep))
    refuse("must be a DataFrame by unit .* or a Panel; got list", [[1, 2]])


def test_refuses_totals_that_cannot_be() -> None:
    refuse(
        "Total 'all' must be at least the sum .* smaller at 'a'",
        THREE.assign(all=[90, 200, 400]),
        total="all",
    )
    refuse("Total 'all' must be finite; it is not at 'c'", THREE.assign(all=[200, 200, np.nan]), total="all")
    refuse("no industry 'all'", total="all")


def test_refuses_references_that_do_not_match() -> None:
    nation = pd.Series({"mining": 1.0, "retail": 2.0, "bank": 3.0})
    refuse("it lacks 'bank'", kind=AlignmentError, reference=nation.drop("bank"))
    extra = pd.Series({**nation.to_dict(), "farm": 1.0})
    refuse("It has besides 'farm': drop them", kind=AlignmentError, reference=extra)
    refuse(
        "must be a Series by industry, .*; got DataFrame", kind=AlignmentError, reference=nation.to_frame()
    )
    refuse("zero in the reference for 'retail'", reference=nation.replace(2.0, 0.0))
    refuse("reference must be finite", reference=nation.replace(2.0, np.nan))
    panel = make_panel()
    totals = panel.frame.groupby(level=1).sum()
    refuse(r"no row for the times 2004", panel, AlignmentError, reference=totals.drop(2004))
    refuse("must be a DataFrame, times in rows", panel, AlignmentError, reference=nation)


def test_refuses_zero_cells_where_they_have_no_value() -> None:
    table = with_cell(0)
    refuse(r"logarithm .* 1 are zero: \('b', 'retail'\). Pass zeros", table, form="log")
    refuse(r'zeros="raise" needs employment in each cell', table, zeros="raise")


def test_refuses_unknown_options() -> None:
    refuse("form must be one of 'ratio', 'symmetric', 'log'; got 'plain'", form="plain")
    refuse("zeros must be one of", zeros="drop")
    with pytest.raises(DataError, match="kind must be one of 'relative', 'absolute'"):
        specialization(THREE, kind="both")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="by must be one of 'unit', 'industry'"):
        hoover_index(THREE, by="city")  # type: ignore[arg-type]


def test_refuses_options_that_contradict() -> None:
    nation = pd.Series({"mining": 1.0, "retail": 2.0, "bank": 3.0})
    with pytest.raises(DataError, match="leave_out=True takes the unit out"):
        krugman_index(THREE, leave_out=True, reference=nation)
    with pytest.raises(DataError, match='by="industry" compares the units'):
        gini_specialization(THREE, by="industry", reference=nation)
    with pytest.raises(DataError, match="there are none beside 'a'"):
        krugman_index(THREE.loc[["a"]], leave_out=True)
