"""Local statistics, edited links and options of maps on the command line; JSON of every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
import pytest
from test_cli import run

import spatial as sp
from spatial.cli import build_app


@pytest.mark.parametrize(
    ("words", "function"),
    [
        (["bir74"], sp.local_moran),
        (["bir74", "-s", "geary"], sp.local_geary),
        (["bir74", "-s", "getis"], sp.getis_ord),
        (["bir74", "-s", "losh"], sp.losh),
        (["bir74", "-s", "quantile"], sp.quantile_lisa),
    ],
)
def test_local_statistics_are_those_of_the_functions(
    capsys: pytest.CaptureFixture[str], nc: Any, words: list[str], function: Any
) -> None:
    code, out, _ = run(capsys, "local", "nc", *words, "--permutations", "19", "--json")
    assert code == 0
    W = sp.weights.contiguity(nc).row_standardized()
    expected = function(nc["bir74"], W, permutations=19).tidy()
    rows = pd.DataFrame(json.loads(out))
    assert rows["unit"].tolist() == expected["unit"].tolist()
    assert rows["estimate"].tolist() == pytest.approx(expected["estimate"].tolist(), rel=1e-8)
    assert rows["cluster"].tolist() == expected["cluster"].tolist()


def test_statistics_of_two_variables(capsys: pytest.CaptureFixture[str], nc: Any) -> None:
    W = sp.weights.contiguity(nc).row_standardized()
    pairs = {
        ("sid79", "moran", "bir79"): sp.bivariate_local_moran(nc["sid79"], nc["bir79"], W, permutations=9),
        ("sid79", "rate", "bir79"): sp.local_moran_rate(nc["sid79"], nc["bir79"], W, permutations=9),
        ("bir79", "differential", "bir74"): sp.differential_local_moran(
            nc["bir74"], nc["bir79"], W, permutations=9
        ),
    }
    for (column, statistic, beside), expected in pairs.items():
        words = ("local", "nc", column, "-s", statistic, "--with", beside, "--permutations", "9", "--json")
        code, out, _ = run(capsys, *words)
        assert code == 0
        found = [row["estimate"] for row in json.loads(out)]
        assert found == pytest.approx(expected.tidy()["estimate"].tolist(), rel=1e-8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-s", "moron"], "--statistic is one of moran, geary"),
        (["-s", "rate"], "--statistic rate is of two variables: give --with."),
        (["-s", "geary", "--with", "sid74"], "--statistic geary is of one variable: leave --with out."),
        (["-s", "losh", "--alternative", "less"], "has one tail only: leave --alternative out."),
        (["--at", "1981"], "--at is a time of the panel: give --panel"),
        (["--labels", "nam"], "there is no 'nam'. Did you mean 'name'"),
        (["--inset", "left"], "--inset is auto, none, or west,south,east,north as 106,3,123,24; got 'left'."),
        (["--projection", "moon"], "--projection 'moon' is no reference system; write one as EPSG:3857."),
        (["--outline", "none.gpkg"], "There is no file 'none.gpkg' to draw"),
    ],
)
def test_what_a_local_statistic_cannot_be(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code, out, err = run(capsys, "local", "nc", "bir74", "--permutations", "9", *words)
    assert code == 2
    assert out == ""
    assert message in " ".join(err.split())


@pytest.mark.parametrize(
    "words",
    [
        ("moran", "bir7"),
        ("moran", "bir74", "--with", "bir7"),
        ("local", "bir7"),
        ("explore", "--columns", "bir7"),
    ],
)
def test_columns_are_looked_for_before_weights_are_built(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, _, err = run(capsys, words[0], "nc", *words[1:], "--weights", "band:1")
    assert code == 2
    assert "no column 'bir7'. Did you mean 'bir7" in " ".join(err.split())


def test_few_permutations_are_named_as_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "local", "nc", "bir74", "--permutations", "9")
    assert "for one alone pass --permutations 3999" in " ".join(out.split())


@pytest.mark.slow
def test_local_results_are_written_with_maps_that_take_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from PIL import Image

    words = ("local", "nc", "bir74", "-s", "geary", "--permutations", "19", "--out", str(tmp_path))
    code, _, _ = run(
        capsys, *words, "--projection", "EPSG:3857", "--labels", "name", "--north-arrow", "--outline", "nc"
    )
    assert code == 0
    assert len(pd.read_csv(tmp_path / "tables" / "geary_bir74.csv")) == 100
    with Image.open(tmp_path / "figures" / "clusters_geary_bir74.png") as image:
        assert image.size[0] > 1000
    assert (tmp_path / "figures" / "significance_geary_bir74.png").exists()
    layers = pyogrio.list_layers(tmp_path / "gis" / "local_geary.gpkg")[:, 0].tolist()
    assert "geary_bir74" in layers
    assert (tmp_path / "gis" / "local_geary.qgz").exists()


def test_links_are_added_and_cut_by_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, nc: Any
) -> None:
    W = sp.weights.contiguity(nc)
    gone, near = nc.index[0], W.neighbors(nc.index[0]).index[0]
    far = next(unit for unit in nc.index[1:] if unit not in W.neighbors(gone).index)
    table = pd.DataFrame({"i": [gone, gone], "j": [near, far], "change": ["cut", "add"]})
    table.to_csv(tmp_path / "links.csv", index=False)
    target = tmp_path / "w.csv"
    words = ("weights", "nc", "--edit", str(tmp_path / "links.csv"))
    code, _, err = run(capsys, *words, "--out", str(target))
    assert code == 0
    assert "Links added: 1, cut: 1 (links.csv)." in err
    expected = W.edit(add=[(gone, far)], cut=[(gone, near)])
    assert sp.weights.read(target).reordered(W.ids).equals(expected)
    table.assign(change=["cut", "join"]).to_csv(tmp_path / "links.csv", index=False)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "change is add or cut; links.csv has 'join'." in " ".join(err.split())
    table.drop(columns="change").to_csv(tmp_path / "links.csv", index=False)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "links.csv lacks 'change'. It has: 'i', 'j'." in " ".join(err.split())


def test_links_are_counted_once_and_islands_are_named(capsys: pytest.CaptureFixture[str], nc: Any) -> None:
    code, out, err = run(capsys, "weights", "nc", "-w", "band:25", "--islands", "nearest")
    assert code == 0
    alone = sp.weights.distance_band(nc, 25, islands="nearest").meta.parameters["linked_islands"]
    assert "Units without neighbours, linked with the nearest: " in err
    assert f"{alone[0][0]} with {alone[0][1]}" in err
    assert "linked by distance" in out
    _, out, _ = run(capsys, "weights", "nc")
    assert "245 links (490 entries)" in out


def test_every_command_prints_json() -> None:
    import typer

    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    options = {name: {o for p in c.params for o in p.opts} for name, c in commands.items()}
    assert {"moran", "local", "weights", "data", "run", "check", "new", "explain", "explore", "demo"} <= set(
        options
    )
    assert [name for name, known in options.items() if "--json" not in known] == []


def test_json_of_studies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    _, out, _ = run(capsys, "new", str(path), "--json")
    assert json.loads(out)["written"][0] == str(path)
    _, out, _ = run(capsys, "check", str(path), "--json")
    assert json.loads(out)["problems"] == []
    _, out, _ = run(capsys, "explain", str(path), "--as", "python", "--json")
    assert "import spatial as sp" in json.loads(out)["text"]
    path.write_text('[data]\ncities = "map.gpkg"\n', encoding="utf-8")
    code, out, _ = run(capsys, "check", str(path), "--json")
    assert code == 2
    problems = {row["place"]: row["message"] for row in json.loads(out)["problems"]}
    assert problems["data.cities"].startswith("[data.cities] is a table")


# ---- notebooks
def test_notebooks_show_small_tables_without_scripts(nc: Any) -> None:
    W = sp.weights.contiguity(nc)
    local = sp.local_moran(nc["bir74"], W.row_standardized(), permutations=9)
    panel = sp.read_panel("nc_crime")
    for value, words in (
        (local, ("Local Moran", "bir74", "88 more rows")),
        (W, ("Weights", "contiguity", "100", "490", "without neighbours")),
        (panel, ("Panel", "90 units × 7 times", "618 more rows", "crmrte")),
        (sp.moran(nc["bir74"], W.row_standardized(), permutations=9), ("Moran", "0.1393", "permutation")),
        (W.report(), ("Weights Report",)),
    ):
        shown = value._repr_html_()
        assert all(word in shown for word in words), (type(value).__name__, shown[:400])
        assert len(shown) < 30_000
        assert "<script" not in shown
        assert "http" not in shown
        assert "nan" not in shown.lower().replace("nance", "")


def test_text_in_a_notebook_is_escaped() -> None:
    frame = pd.DataFrame({"unit": ["<b>a</b>", "b"], "time": [1, 1], "<i>x": [1.0, 2.0]})
    panel = sp.Panel.from_frame(frame, unit="unit", time="time")
    shown = panel._repr_html_()  # type: ignore[operator]
    assert "<b>a" not in shown
    assert "&lt;b&gt;a&lt;/b&gt;" in shown
    assert "&lt;i&gt;x" in shown


# ---- suggestions
def test_a_sample_with_an_ending_and_our_own_output_are_no_suggestions(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("nb.gpkg", "nb.qgz", "counties.gpkg"):
        (tmp_path / name).touch()
    _, _, err = run(capsys, "moran", "nc.gpkg", "bir74", "--id", "fips")
    assert "'nc' is a sample that ships: write nc without an ending." in " ".join(err.split())
    _, _, err = run(capsys, "moran", "na.gpkg", "bir74", "--id", "fips")
    assert "'nb.gpkg'" not in err  # written by us: its project lies beside it
    _, _, err = run(capsys, "moran", "countis.gpkg", "bir74", "--id", "fips")
    assert "Did you mean 'counties.gpkg'?" in " ".join(err.split())


def test_names_of_other_libraries_are_known() -> None:
    with pytest.raises(AttributeError, match=r"Did you mean sp\.weights\.contiguity\(cities\)\?"):
        sp.weights.queen  # noqa: B018
    with pytest.raises(AttributeError, match=r"Did you mean local_moran\?"):
        sp.local_morans  # noqa: B018


# What each command prints as JSON, of one unit or test: what a program needs to read it.
TERMS = {"n", "alternative", "permutations", "seed", "weights"}


@pytest.mark.parametrize(
    "words",
    [
        ("moran", "nc", "bir74"),
        ("moran", "nc", "bir74", "--with", "sid74"),
        ("moran", "nc", "crmrte", "--panel", "nc_crime", "--common"),
        ("local", "nc", "bir74", "-s", "getis"),
        ("local", "nc", "sid74", "-s", "rate", "--with", "bir74"),
        ("local", "nc", "bir74", "-s", "losh"),
    ],
)
def test_each_row_says_of_how_many_units_and_on_which_terms(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, _ = run(capsys, *words, "--permutations", "19", "--json")
    assert code == 0
    for row in json.loads(out):
        assert row.keys() >= TERMS
        assert row["n"] in (90, 100, 630)
        assert row["permutations"] == 19
        assert row["alternative"] in ("two-sided", "greater")


def test_a_local_statistic_of_a_panel_says_of_which_time(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("local", "nc", "crmrte", "--panel", "nc_crime", "--common", "--permutations", "19")
    _, out, err = run(capsys, *words)
    assert out.startswith("1987 (--at names another time)\nLocal Moran's I of crmrte: n = 90")
    assert "moran of crmrte by unit in 1987" in err
    _, out, _ = run(capsys, *words, "--at", "1983", "--json")
    assert {row["time"] for row in json.loads(out)} == {1983}


def test_moran_of_a_panel_says_on_which_terms(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("moran", "nc", "crmrte", "--panel", "nc_crime", "--common", "--permutations", "19")
    _, out, _ = run(capsys, *words)
    assert out.startswith("Moran's I of crmrte, by year\n")
    assert "P-values: two-sided (twice the smaller tail, at most 1)\np_sim: 19 permutations, seed 0" in out
    assert "smallest p 0.1\nRow pooled over the years, deviations from each year's mean" in out


def test_plans_and_drawn_samples_have_json_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(capsys, "new", str(tmp_path / "s.toml"))
    _, out, _ = run(capsys, "check", str(tmp_path / "s.toml"), "--plan", "--json")
    assert json.loads(out)["steps"][0] == {
        "step": "data",
        "section": "data",
        "state": "to run",
        "seconds": None,
    }
    _, out, _ = run(capsys, "data", "--json")
    assert {"name": "sun-simulated", "kind": "simulated"} in json.loads(out)


def test_words_of_python_are_those_of_the_commands(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "weights", "nc", "--row", "--out", str(tmp_path / "w.gal"))
    assert (code, out) == (2, "")
    assert "or leave --row out." in " ".join(err.split())
    _, _, err = run(capsys, "local", "nc", "bir74", "-s", "join-counts")
    assert "Give a column of 1 and 0, or take -s quantile: the top fifth." in " ".join(err.split())
