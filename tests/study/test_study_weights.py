"""Weights of studies that need data: economic, gravity and nested ones, and bridges."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_cases import SMALL, lay_out, run, states

import spatial as sp
from spatial.study.run import StudyError, check_study, shown_texts

START = SMALL.index("[weights.W]")
HEAD = SMALL[:START].replace(
    "[[cleaning]]", '[[cleaning]]\ndo = "restrict"\ntimes = [2002, 2004]\n[[cleaning]]', 1
)
KINDS = """
[weights.W]
spec = "rook"
bridge = [["c00", "c35"]]
[weights.E]
kind = "economic"
column = "x"
times = [2001]
power = 2.0
normalisation = "none"
[weights.G]
kind = "gravity"
mass = "y"
times = [2001, 2002]
cutoff_km = 0.003
normalisation = "spectral"
[weights.N]
kind = "nested"
weights = ["W", "E"]
share = 0.25
row_standardize = true
"""


def weights_of(folder: Path, names: str = "WEGN") -> dict[str, Any]:
    return {name: sp.weights.read(folder / "tables" / f"weights_{name}.csv") for name in names}


def problems(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        check_study(path)
    return {p.place: p.message for p in caught.value.problems}


def test_each_kind_is_that_of_its_function(tmp_path: Path) -> None:
    path = lay_out(tmp_path, HEAD + KINDS)
    folder, record, _ = run(path, only="weights")
    cities = sp.read_cities(tmp_path / "map.gpkg", id="code")
    panel = pd.read_csv(tmp_path / "panel.csv")
    by_time = panel.pivot(index="code", columns="year", values=["x", "y"])
    W = sp.weights.contiguity(cities, rook=True, bridge=[("c00", "c35")]).row_standardized()
    E = sp.weights.economic(by_time["x"][2001], power=2.0)
    mass = by_time["y"][[2001, 2002]].mean(axis=1)
    expected = {
        "W": W,
        "E": E,
        "G": sp.weights.gravity(cities, mass, power=2.0, cutoff_km=0.003).spectral_normalized(),
        "N": sp.weights.nested(W, E, 0.25, row_standardize=True),
    }
    for name, found in weights_of(folder).items():
        one = found.reordered(cities.index).sparse.toarray()
        two = expected[name].reordered(cities.index).sparse.toarray()
        np.testing.assert_allclose(one, two, rtol=1e-9, err_msg=name)
    assert expected["W"].to_dense().loc["c00", "c35"] > 0
    assert record["failed"] == {}


def test_the_order_of_rows_changes_no_weights(tmp_path: Path) -> None:
    one = weights_of(run(lay_out(tmp_path / "a", HEAD + KINDS), only="weights")[0])
    two = weights_of(run(lay_out(tmp_path / "b", HEAD + KINDS, shuffled=True), only="weights")[0])
    for name, W in one.items():
        np.testing.assert_allclose(
            W.sparse.toarray(), two[name].reordered(W.ids).sparse.toarray(), rtol=1e-9, err_msg=name
        )


def test_what_weights_are_made_of_makes_them_again(tmp_path: Path) -> None:
    path = lay_out(tmp_path, HEAD + KINDS)
    run(path, only="weights")
    text = (HEAD + KINDS).replace("power = 2.0", "power = 1.0")
    path.write_text(text, encoding="utf-8")
    _, record, _ = run(path, only="weights")
    made = {name for name, state in states(record).items() if state == "done"}
    assert made == {"weights: E", "weights: N"}
    # Only of the columns that they are made of.
    for columns, expected in (('["z"]', set()), ('["z", "y"]', {"weights: G"})):
        text = text.replace('columns = ["z"]', f"columns = {columns}").replace("share = 0.02", "share = 0.03")
        path.write_text(text, encoding="utf-8")
        _, record, _ = run(path, only="weights")
        assert {name for name, state in states(record).items() if state == "done"} == expected


def test_a_column_of_the_map_gives_weights(tmp_path: Path) -> None:
    text = '[data]\nsample = "nc"\n[weights.G]\nkind = "gravity"\nmass = "bir74"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    folder, _, _ = run(tmp_path / "study.toml", only="weights")
    cities = sp.shapefiles.load("nc").loc[sp.shapefiles.load("nc_crime").units]
    expected = sp.weights.gravity(cities, cities["bir74"].astype(float)).row_standardized()
    found = weights_of(folder, "G")["G"].reordered(expected.ids)
    np.testing.assert_allclose(found.sparse.toarray(), expected.sparse.toarray(), rtol=1e-9)
    assert shown_texts(folder, "weights") == []


def test_weights_are_checked_before_anything_runs(tmp_path: Path) -> None:
    text = """
[weights.K]
spec = "knn:4"
bridge = [["c00", "c01"]]
[weights.R]
spec = "queen"
bridge = [["c00", "c0l"]]
[weights.E]
kind = "economic"
column = "xx"
times = [1999]
[weights.M]
kind = "gravity"
mass = "name"
times = [2001]
[weights.N]
kind = "nested"
weights = ["E", "P"]
share = 0.5
[weights.A]
kind = "nested"
weights = ["K", "B"]
share = 0.5
[weights.B]
kind = "nested"
weights = ["A", "K"]
share = 0.5
[weights.S]
kind = "nested"
weights = ["S", "K"]
share = 0.5
"""
    path = lay_out(tmp_path)
    found = problems(path, SMALL[:START] + text)
    expected = {
        "weights.K.bridge": "polygons of queen or rook; got 'knn:4'",
        "weights.R.bridge[0]": "Did you mean",
        "weights.E.column": "no column 'xx'. Did you mean 'x'?",
        "weights.E.times[0]": "no time 1999",
        "weights.M.times": "a column of the map, which has no times",
        "weights.N.weights[1]": "no weights 'P'",
        "weights.A.weights": "nested in itself: A -> B -> A.",
        "weights.B.weights": "nested in itself: B -> A -> B.",
        "weights.S.weights": "nested in itself: S -> S.",
    }
    for where, message in expected.items():
        assert message in found.pop(where), where
    assert not found


def test_keys_of_kinds_are_closed(tmp_path: Path) -> None:
    text = '[weights.E]\nkind = "economic"\ncolum = "x"\n[weights.G]\nkind = "gravty"\nmass = "x"\n'
    text += '[weights.N]\nkind = "nested"\nweights = ["E"]\nshare = 2.0\n[weights]\nX = "queen"\n'
    text = text.replace('[weights]\nX = "queen"\n', '[weights.X]\nspec = "queen"\nbridg = 1\n')
    found = problems(lay_out(tmp_path), SMALL[:START] + text)
    assert found["weights.E.column"] == "this key is needed."
    assert "Did you mean 'column'?" in found["weights.E.colum"]
    assert found["weights.G"] == (
        "kind = 'gravty' is none of economic, gravity, nested, spec. Did you mean 'gravity'?"
    )
    assert "at least 2 item(s)" in found["weights.N.weights"]
    assert "a number of at most 1 is needed" in found["weights.N.share"]
    assert "Did you mean 'bridge'?" in found["weights.X.bridg"]


@pytest.mark.parametrize(
    ("column", "message"),
    [("name", "weights.E: Weights need numbers; .* holds"), ("gap", "weights.E: .*'c03'")],
)
def test_values_that_make_no_weights(tmp_path: Path, column: str, message: str) -> None:
    path = lay_out(tmp_path, SMALL[:START] + f'[weights.E]\nkind = "economic"\ncolumn = "{column}"\n')
    panel = pd.read_csv(tmp_path / "panel.csv")
    panel["gap"] = panel["x"].where((panel["code"] != "c03") | (panel["year"] != 2002))
    panel.to_csv(tmp_path / "panel.csv", index=False)
    with pytest.raises(sp.SpatialError, match=message):
        run(path, only="weights")


def test_weights_that_cannot_be_built_fail_only_what_names_them(tmp_path: Path) -> None:
    fits = """
[weights.E]
kind = "economic"
column = "name"
[systems.near]
formulas = ["ly ~ W(ly) + x"]
[systems.rich]
formulas = ["ly ~ E(ly) + x"]
[systems.shocks]
formulas = ["ly ~ x"]
error = "E"
[regressions.fe]
formula = "ly ~ x"
[regressions.far]
formula = "ly ~ x + E(x)"
"""
    path = lay_out(tmp_path, SMALL + fits)
    with pytest.raises(sp.SpatialError, match=r"weights.E: Weights need numbers; .* holds"):
        run(path)
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    failed = {name for name, state in states(record).items() if state == "failed"}
    assert {name.split(",")[0] for name in failed} == {
        "weights: E", "systems: rich", "systems: shocks", "regressions: far"
    }  # fmt: skip
    whole = pd.read_csv(tmp_path / "results" / "tables" / "near_estimates.csv")
    path.write_text(
        path.read_text(encoding="utf-8").replace('kind = "economic"\ncolumn = "name"', 'spec = "rook"')
    )
    run(path, only="systems")
    pd.testing.assert_frame_equal(whole, pd.read_csv(tmp_path / "results" / "tables" / "near_estimates.csv"))


# ---- weights that are made of the outcome
MODEL = """
[weights.E]
kind = "economic"
column = "{column}"
{times}
[weights.N]
kind = "nested"
weights = ["W", "E"]
share = 0.5
[[regressions]]
name = "fe"
formula = "{outcome} ~ x + {call}(z)"
"""


@pytest.mark.parametrize(
    ("column", "outcome", "call", "times", "warned"),
    [
        ("y", "ly", "E", "", True),  # the outcome is made of the column
        ("ly", "log(y)", "E", "", True),
        ("ly2", "ly", "N", "", True),  # both are made of y
        ("ly", "ly", "E", "times = [2002]", True),
        ("ly", "ly", "E", "times = [2001]", False),  # before the sample
        ("ly", "ly", "W", "", False),  # not in the model
        ("x", "ly", "E", "", False),
    ],
)
def test_weights_made_of_the_outcome_are_named(
    tmp_path: Path, column: str, outcome: str, call: str, times: str, warned: bool
) -> None:
    text = HEAD + '[variables.ly2]\nformula = "2 * log(y)"\n[weights.W]\nspec = "rook"\n'
    text += MODEL.format(column=column, outcome=outcome, call=call, times=times)
    path = lay_out(tmp_path, text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_study(path)
    found = [str(w.message) for w in caught]
    assert bool(found) is warned
    if warned:
        assert found[0].startswith(
            f"weights.E: {column!r} is the outcome"
            if column == outcome
            else f"weights.E: {column!r} and the outcome "
        )
        assert "of regressions[0]" in found[0]
        assert "endogenous" in found[0]


def test_the_warning_is_in_the_record(tmp_path: Path) -> None:
    text = HEAD + '[weights.W]\nspec = "rook"\n'
    text += MODEL.format(column="y", outcome="ly", call="E", times="")
    _, record, shown = run(lay_out(tmp_path, text), only="weights")
    assert any("which makes the weights endogenous" in text for text in record["warnings"])
    assert shown.count("endogenous") == 1
