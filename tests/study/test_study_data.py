"""The data of studies: cleaning, derived columns, units, and maps alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
from study_cases import (
    SMALL,
    data,
    lay_out,
    run,
    study_of,
)

import spatial as sp
from spatial.study.columns import cleaned
from spatial.study.run import StudyError, check_study, shown_texts


def test_cleaning_is_that_of_the_panel(nc_crime: Any) -> None:
    steps = [
        {"do": "restrict", "times": [1982, 1986]},
        {"do": "winsorize", "columns": ["prbconv"], "share": [0.0, 0.05], "by": "time"},
        {"do": "winsorize", "columns": ["wser"]},
        {"do": "log", "columns": ["crmrte"], "name": "l_{column}"},
        {"do": "shift", "columns": ["l_crmrte"], "periods": 1},
        {"do": "deflate", "columns": ["wcon"], "by": "wsta", "base": 1982},
        {"do": "interpolate", "columns": ["polpc"], "method": "growth"},
        {"do": "balance", "rule": "times"},
        {"do": "where", "formula": "density > 0.5"},
    ]
    found = cleaned(study_of(cleaning=steps), nc_crime)
    expected = (
        nc_crime.restrict(times=slice(1982, 1986))
        .winsorize("prbconv", (0.0, 0.05), by="time")
        .winsorize("wser")
        .log("crmrte", name="l_{column}")
        .shift("l_crmrte", 1)
        .deflate("wcon", "wsta", 1982)
        .interpolate("polpc", method="growth")
        .balance("times")
        .where(lambda f: f["density"] > 0.5)
    )
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert [s.action for s in found.history] == [s["do"] for s in steps]


def test_numbers_in_text_are_read() -> None:
    raw = pd.DataFrame({"city": ["a", "b"], "year": 1, "x": ["1,000", "-"]})
    panel = sp.Panel.from_frame(raw, unit="city", time="year")
    steps = [{"do": "parse_numbers", "columns": ["x"], "missing": ["-"]}]
    assert cleaned(study_of(cleaning=steps), panel)["x"].fillna(-1.0).tolist() == [1000.0, -1.0]


def test_a_decimal_comma_is_named_in_the_study() -> None:
    raw = pd.DataFrame({"city": ["a", "b"], "year": 1, "x": ["1.000,5", "0,512"]})
    panel = sp.Panel.from_frame(raw, unit="city", time="year")
    steps = [{"do": "parse_numbers", "columns": ["x"], "decimal": ","}]
    assert cleaned(study_of(cleaning=steps), panel)["x"].tolist() == [1000.5, 0.512]


def test_derived_columns_are_formulas(nc_crime: Any) -> None:
    variables = {
        "ratio": {"formula": "log(crmrte / polpc)"},
        "growth": {"formula": "ratio - lag(ratio, 1)"},
        "many": {"formula": "(density >= 1) * 2"},
    }
    frame = cleaned(study_of(variables=variables), nc_crime).frame
    ratio = np.log(nc_crime["crmrte"] / nc_crime["polpc"])
    np.testing.assert_allclose(frame["ratio"], ratio, rtol=1e-14)
    shifted = ratio.groupby(level=0).diff()
    np.testing.assert_allclose(frame["growth"], shifted, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(frame["many"], 2.0 * (nc_crime["density"] >= 1))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"variables": {"a": {"formula": "log(west)"}}}, r"variables.a: log\(west\) needs values above 0"),
        ({"cleaning": [{"do": "log", "columns": ["west"]}]}, r"cleaning\[0\] \(log\): .*zero"),
        ({"cleaning": [{"do": "where", "formula": "density"}]}, r"no condition: it holds numbers"),
        ({"cleaning": [{"do": "where", "formula": "lag(density, 1) > 1"}]}, r"missing in 90 and"),
    ],
)
def test_cleaning_that_cannot_be_names_its_step(nc_crime: Any, sections: Any, message: str) -> None:
    with pytest.raises(sp.SpatialError, match=message):
        cleaned(study_of(**sections), nc_crime)


def test_units_must_be_shared_or_cut_aloud(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    panel = pd.read_csv(tmp_path / "panel.csv")
    panel[panel["code"] != "c00"].to_csv(tmp_path / "panel.csv", index=False)
    with pytest.raises(StudyError, match=r"data: .*not in the panel: 'c00'\. common = true"):
        check_study(path)
    path.write_text(SMALL.replace("[data.cities]", "[data]\ncommon = true\n[data.cities]"), encoding="utf-8")
    folder, record, _ = run(path, only="data")
    assert "'c00'" in record["settings"]["units_cut"]
    assert "cut from the map (missing neighbours): 'c00'" in shown_texts(folder)[0]


def test_a_window_of_the_map_cuts_the_panel_aloud(tmp_path: Path) -> None:
    """The lattice is of squares of side 1: three columns of it meet the window."""
    window = SMALL.replace('id = "code"', 'id = "code"\nbbox = [-1, -1, 2.5, 9]')
    path = lay_out(tmp_path, window)
    with pytest.raises(StudyError, match=r"data: .*not on the map: .*'c18'.*common = true"):
        check_study(path)
    path.write_text(window.replace("[data.cities]", "[data]\ncommon = true\n[data.cities]"), encoding="utf-8")
    folder, _, _ = run(path, only="data")
    assert "Units in both map and panel: 18" in shown_texts(folder)[0]
    assert "bbox=(-1.0, -1.0, 2.5, 9.0)" in sp.explain_study(path)
    for wrong, message in (
        ("[1, 2, 3]", "at least 4"),
        ("[3, 0, 1, 9]", "west below east and south below north"),
        ("[70, 70, 80, 80]", "No unit of map.gpkg meets bbox"),
    ):
        path.write_text(window.replace("[-1, -1, 2.5, 9]", wrong), encoding="utf-8")
        with pytest.raises(StudyError, match=message):
            check_study(path)


@pytest.mark.filterwarnings("ignore:.* instruments for an effective sample")
def test_a_map_alone_is_a_cross_section(tmp_path: Path) -> None:
    cities, panel = data()
    merged = cities.merge(panel[panel["year"] == 2001].drop(columns="year"), on="code")
    pyogrio.write_dataframe(merged, tmp_path / "map.gpkg")
    text = """
[data.cities]
file = "map.gpkg"
id = "code"
[weights.W]
spec = "W.gal"
[[diagnostics]]
columns = ["x"]
permutations = 9
[[systems]]
name = "lag"
formulas = ["q ~ x + z + W(q)"]
method = "gs2sls"
cov = "het"
impacts = false
diagnostics = false
"""
    W = sp.weights.contiguity(merged.set_index("code"), rook=True)
    W.write(tmp_path / "W.gal")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    folder, record, _ = run(tmp_path / "study.toml")
    assert set(record["inputs"]) == {"map.gpkg", "W.gal"}
    assert (folder / "figures" / "moran_scatter_x.png").exists()
    fit = sp.models.SpatialSystem(
        "q ~ x + z + W(q)", merged.set_index("code").drop(columns=["name", "geometry"]), W.row_standardized()
    ).fit("gs2sls", cov="het")
    found = pd.read_csv(folder / "tables" / "lag_estimates.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(found["estimate"], fit.tidy()["estimate"], rtol=1e-9)


def test_the_map_and_its_weights_follow_the_units_that_cleaning_keeps(tmp_path: Path) -> None:
    text = """
title = "A"
[data]
sample = "nc"
[[cleaning]]
do = "where"
formula = "west == 0"
[weights.W]
spec = "queen"
[[diagnostics]]
columns = ["crmrte"]
permutations = 9
"""
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    panel = sp.read_panel("nc_crime").where("west == 0")
    cities = sp.read_cities("nc").loc[panel.units]
    W = sp.weights.contiguity(cities).row_standardized()
    wanted = sp.moran_panel(panel, ["crmrte"], W, permutations=0)["I"]
    folder = sp.run_study(path)
    found = pd.read_csv(folder / "tables" / "moran_crmrte.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(found["I"], wanted, rtol=1e-12)
    assert "left out by [[cleaning]], cut from the map" in (folder / "run.json").read_text(encoding="utf-8")
    script = sp.explain_study(path, "python")
    assert "cities = cities.loc[panel.units]" in script
