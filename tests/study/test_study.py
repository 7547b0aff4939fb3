"""Studies as they run: what is written, the study that ships, and the command line."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
import typer
from study_cases import (
    FAILING,
    SMALL,
    files,
    finished_study,
    lay_out,
    run,
    states,
)

import spatial as sp
from spatial.cli import studies as cli_study
from spatial.study.data import load_data
from spatial.study.run import check_study, explain_study, shipped_study, shown_texts


@pytest.fixture
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_study(tmp_path_factory.getbasetemp())


# ---- what is written
def test_everything_is_written_into_one_folder(finished: Path) -> None:
    folder = finished.parent / "results"
    assert {p.name for p in folder.iterdir()} == {
        ".cache", "tables", "figures", "gis", "report.html", "run.json",
    }  # fmt: skip
    made = set(files(folder))
    assert made >= {f"tables/main.{kind}" for kind in ("docx", "xlsx", "tex", "html", "md", "csv")}
    assert made >= {
        "tables/description.md",
        "tables/moran_ly.csv",
        "tables/weights_D.csv",
        "tables/cleaning.csv",
    }
    assert made >= {"figures/links.png", "figures/effects.png", "figures/clusters_ly_2004.png"}
    assert made >= {"gis/results.gpkg", "report.html"}
    layers = set(pyogrio.list_layers(folder / "gis" / "results.gpkg")[:, 0])
    assert layers >= {"data", "local_ly_2004", "residuals_two", "effects", "weights_W", "weights_D"}
    assert list((folder / ".cache").iterdir()) == [folder / ".cache" / "steps.json"]
    assert {p.name for p in finished.parent.iterdir()} == {"study.toml", "map.gpkg", "panel.csv", "results"}


@pytest.mark.evidence("run_study", source="the functions called by hand", kind="identity")
@pytest.mark.filterwarnings("ignore:.* instruments for an effective sample")
def test_numbers_are_those_of_the_functions(finished: Path) -> None:
    tables = finished.parent / "results" / "tables"
    cities = sp.read_cities(finished.parent / "map.gpkg", id="code")
    panel = sp.read_panel(finished.parent / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    panel = panel.with_columns(ly=lambda f: np.log(f["y"]))
    W = sp.weights.contiguity(cities, rook=True).row_standardized()
    D = sp.weights.knn(cities, 4).row_standardized()
    expected = sp.moran_panel(panel, ["ly"], W, permutations=99, seed=7)
    found = pd.read_csv(tables / "moran_ly.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(found["I"], expected["I"], rtol=1e-12)
    assert found["p_sim"].tolist() == expected["p_sim"].tolist()
    formulas = ["ly ~ q + W(ly) + x + D(x)", "q ~ ly + z + W(z)"]
    fit = sp.models.SpatialSystem(formulas, panel, {"W": W, "D": D}, effects=("unit", "time")).fit("gs3sls")
    main = pd.read_csv(tables / "main.csv", encoding="utf-8-sig")
    assert main["fit"].unique().tolist() == ["two", "two.2sls", "fe"]
    own = main[main["fit"] == "two"]
    np.testing.assert_allclose(own["estimate"], fit.tidy()["estimate"], rtol=1e-10)
    np.testing.assert_allclose(own["std_error"], fit.tidy()["std_error"], rtol=1e-8)
    assert abs(own.set_index("term").loc["W(ly)", "estimate"] - 0.4) < 0.15
    direct = sp.models.fixed_effects("ly ~ x + z", panel)
    other = main[main["fit"] == "fe"].set_index("term")["estimate"]
    np.testing.assert_allclose(other, direct.params.to_numpy(), rtol=1e-10)


def test_run_json_says_what_was_done(finished: Path) -> None:
    record = json.loads((finished.parent / "results" / "run.json").read_text(encoding="utf-8"))
    assert set(record["inputs"]) == {"map.gpkg", "panel.csv"}
    assert record["settings"]["seed"] == 7
    assert record["settings"]["systems"][0]["draws"] == 50
    assert record["failed"] == {}
    assert record["interrupted"] is False
    assert set(record["versions"]) >= {"python", "spatial-cities", "numpy"}
    assert set(states(record).values()) == {"done"}
    assert all(step["seconds"] >= 0 for step in record["steps"].values())
    assert set(record["outputs"]) == set(files(finished.parent / "results"))


def test_what_is_shown_at_the_end(finished: Path) -> None:
    text = "\n".join(shown_texts(finished.parent / "results"))
    assert "Identification: 2 of 2 equations identified" in text
    assert "GS3SLS" in text
    assert "2SLS" in text
    assert "Effects in equilibrium" in text
    assert "Moran's I of Output, log (ly), weights W" in text
    assert text.index("Moran's I") < text.index("Identification") < text.index("Effects in")
    assert all(t.startswith("Moran") for t in shown_texts(finished.parent / "results", "diagnostics"))
    assert shown_texts(finished.parent / "results", ["tables", "regressions"]) == []
    assert "not computed" not in text
    assert "tests that do not apply here are in tables/two_diagnostics.txt" in text
    full = (finished.parent / "results" / "tables" / "two_diagnostics.txt").read_text(encoding="utf-8")
    assert "not computed" in full


def test_labels_speak_the_language(tmp_path: Path) -> None:
    text = SMALL.replace('title = "A lattice"', 'language = "zh"') + (
        '[[tables]]\nkind = "descriptive"\nname = "d"\ncolumns = ["ly"]\nformats = ["md"]\n'
    )
    folder, _, _ = run(lay_out(tmp_path, text), only="tables")
    assert "产出对数" in (folder / "tables" / "d.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(finished: Path, tmp_path: Path) -> None:
    folder, _, _ = run(lay_out(tmp_path, shuffled=True), only=["systems", "diagnostics"])
    for name in ("moran_ly", "local_moran_ly_2004", "two_estimates", "two_impacts"):
        one = pd.read_csv(finished.parent / "results" / "tables" / f"{name}.csv", encoding="utf-8-sig")
        two = pd.read_csv(folder / "tables" / f"{name}.csv", encoding="utf-8-sig")
        key = "code" if "code" in one else None
        if key:
            one, two = (f.sort_values(key, ignore_index=True) for f in (one, two))
        pd.testing.assert_frame_equal(one, two, rtol=1e-7, atol=1e-9)


GALLERY = """
[weights.D]
spec = "knn:4"
normalisation = "spectral"
[weights.M]
spec = "rook"
normalisation = "minmax"
[weights.N]
spec = "queen"
normalisation = "none"
[[diagnostics]]
columns = ["ly"]
permutations = 9
times = [2001, 2003]
[[diagnostics]]
columns = ["ly", "x"]
weights = "D"
permutations = 9
[[systems]]
name = "lag"
formulas = ["ly ~ x + W(ly)"]
effects = ["unit", "time"]
method = "gs2sls"
cov = "conley:1"
draws = 20
[[tables]]
kind = "correlation"
name = "correlation"
columns = ["ly", "x", "z"]
formats = ["md", "csv"]
notes = ["Drawn, not observed."]
[[tables]]
kind = "moran"
name = "by_year"
weights = "D"
formats = ["md", "csv"]
[[tables]]
kind = "identification"
name = "verdict"
system = "lag"
formats = ["md", "csv"]
[[tables]]
kind = "weights"
name = "weights"
formats = ["md", "csv"]
[[tables]]
kind = "regression"
name = "single"
fits = ["lag"]
formats = ["md"]
impacts = true
show = "se"
title = "A lag"
[[figures]]
kind = "neighbours"
name = "neighbours"
[[figures]]
kind = "values"
name = "values"
column = "x"
at = 2002
title = "In 2002"
format = "svg"
[[figures]]
kind = "small_multiples"
name = "years"
column = "x"
times = [2001, 2004]
[[figures]]
kind = "density"
name = "density"
column = "x"
[[figures]]
kind = "coefficients"
name = "coefficients"
fits = ["lag"]
[[figures]]
kind = "impacts"
name = "impacts"
fit = "lag"
format = "pdf"
[[layers]]
name = "only"
format = "geojson"
include = ["data"]
at = 2001
effects = [
  {fit = "lag", outcome = "ly", term = "x"},
  {fit = "lag", outcome = "ly", term = "x", effect = "received"},
]
"""


def test_a_map_of_one_time_says_which(tmp_path: Path) -> None:
    maps = """
[figures]
x = { kind = "values", column = "x", title = "Figure 1. Shocks", at = 2002 }
last = { kind = "values", column = "x" }
own = { kind = "values", column = "x", title = "Shocks in 2002", at = 2002 }
given = { kind = "values", column = "x", at = 2002, subtitle = "Per head" }
"""
    script = explain_study(lay_out(tmp_path, SMALL + maps))
    assert [script.count(f"subtitle={text}") for text in ('"2002"', '"2004"', "")] == [1, 1, 3]


def test_layers_bear_the_names_of_the_sample_and_say_what_is_drawn(tmp_path: Path) -> None:
    text = 'language = "zh"\n[data]\nsample = "nc"\n[layers.x]\ninclude = ["data"]\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    folder, _, _ = run(tmp_path / "study.toml", only="layers")
    labels = load_data(check_study(tmp_path / "study.toml"), tmp_path).sample.labels("zh")
    aliases = (folder / "gis" / "x.data.qml").read_text(encoding="utf-8")
    assert {labels[name] in aliases for name in ("crmrte", "polpc", "density")} == {True}
    project = zipfile.ZipFile(folder / "gis" / "x.qgz").read("x.qgs").decode("utf-8")
    assert f"：{labels['crmrte']}</layername>" in project


@pytest.mark.slow
def test_every_kind_of_output(tmp_path: Path) -> None:
    start = SMALL.index("[weights.D]")
    folder, record, _ = run(lay_out(tmp_path, SMALL[:start] + GALLERY))
    tables = {p.name for p in (folder / "tables").iterdir()}
    for name in ("correlation", "by_year", "verdict", "weights"):
        assert tables >= {f"{name}.md", f"{name}.csv"}
    assert tables >= {
        "moran_ly.csv",
        "moran_ly_D.csv",
        "moran_x_D.csv",
        "local_moran_ly_2003.csv",
        "single.md",
    }
    assert "Drawn, not observed." in (folder / "tables" / "correlation.md").read_text(encoding="utf-8")
    single = (folder / "tables" / "single.md").read_text(encoding="utf-8")
    assert single.startswith("**A lag**")
    assert "Indirect effects" in single
    frame = pd.read_csv(folder / "tables" / "by_year.csv", encoding="utf-8-sig")
    assert set(frame["column"]) == {"ly", "x"}
    figures = {p.name for p in (folder / "figures").iterdir()}
    assert figures >= {
        "neighbours.png", "values.svg", "years.png", "density.png", "coefficients.png", "impacts.pdf",
        "moran_scatter_ly_2001.png", "clusters_ly_2003.png", "clusters_x_D_2004.png",
    }  # fmt: skip
    effects = pyogrio.read_dataframe(folder / "gis" / "only" / "effects.geojson")
    sent, received = effects["sent_x_on_ly"].to_numpy(), effects["received_x_on_ly"].to_numpy()
    # Two ways to add up one matrix of effects (LeSage and Pace 2009): their means are the total effect.
    assert sent.mean() == pytest.approx(received.mean(), rel=1e-9)
    assert np.ptp(received) == pytest.approx(0.0, abs=1e-9)
    impacts = pd.read_csv(folder / "tables" / "lag_impacts.csv", encoding="utf-8-sig")
    total = impacts.query("effect == 'total' and term == 'x'")["estimate"].iloc[0]
    assert sent.mean() == pytest.approx(total, rel=1e-9)
    assert record["failed"] == {}


# ---- the study that ships
def test_the_shipped_study_has_the_published_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baltagi (2006), Journal of Applied Econometrics 21, table II: FE2SLS of the equation of crime."""
    path = shipped_study()
    monkeypatch.chdir(tmp_path)
    folder, record, _ = run(path, only=["regressions", "systems: crime, identification"])
    assert folder.resolve() == (tmp_path / "out" / "nc").resolve()  # not inside the installed package
    found = pd.read_csv(folder / "tables" / "fe2sls_estimates.csv", encoding="utf-8-sig").set_index("term")
    published = {
        "lprbarr": (-0.576, 0.802),
        "lpolpc": (0.658, 0.847),
        "lprbconv": (-0.423, 0.502),
        "lprbpris": (-0.250, 0.279),
    }
    for term, (estimate, error) in published.items():
        assert found.loc[term, "estimate"] == pytest.approx(estimate, abs=6e-4)
        assert found.loc[term, "std_error"] == pytest.approx(error, rel=0.005)
    assert len(record["steps"]) == 23
    verdict = (folder / "tables" / "crime_identification.txt").read_text(encoding="utf-8")
    assert verdict.startswith("Identification: 2 of 2 equations identified")
    loaded = load_data(check_study(path), path.parent)
    assert len(loaded.cities) == loaded.panel.n_units == 90
    assert loaded.cut.endswith("'37199'")
    assert loaded.cut.again("zh").startswith("面板中没有、自地图剔除")  # type: ignore[attr-defined]


# ---- the command line
@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("run")(cli_study.run_command)
    app.command("check")(cli_study.check_command)
    app.command("new")(cli_study.new_command)
    return app


def command(app: typer.Typer, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        code = app(args=list(words), standalone_mode=False) or 0
    except sp.SpatialError as error:
        code, words = 2, (str(error),)
        print(error)
    shown = capsys.readouterr()
    return int(code), shown.out, shown.err


def test_new_check_and_run(app: Any, capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "paper.toml"
    code, out, _ = command(app, capsys, "new", str(path))
    assert code == 0
    assert "spatial run" in out
    code, out, _ = command(app, capsys, "check", str(path))
    assert code == 0
    assert "nothing to mend (1 weights, 1 systems, 1 regressions, 2 tables, 2 figures, 1 layers)" in out
    code, out, _ = command(app, capsys, "new", str(path))
    assert code == 2
    assert "--force" in out
    code, out, _ = command(app, capsys, "run", str(path), "--out", str(tmp_path / "o"), "--only", "weights")
    assert code == 0
    assert f"Written to {tmp_path / 'o'}{os.sep}: tables, run.json" in out


def test_the_commands_say_no(app: Any, capsys: Any, tmp_path: Path) -> None:
    path = lay_out(tmp_path, FAILING.replace('name = "main"', 'nam = "main"'))
    code, _, err = command(app, capsys, "check", str(path))
    assert code == 2
    assert err == (
        "spatial: study.toml: 2 problems\n"
        "  tables[0].name: this key is needed.\n"
        "  tables[0].nam: there is no such key. Did you mean 'name'? Keys: columns, controls, counts, "
        "digits, en, fits, formats, heads, impacts, kind, name, names, notes, printed, rows, show, stars, "
        "style, title, zh.\n"
    )
    code, _, err = command(app, capsys, "run", str(path))
    assert code == 2
    assert "2 problems" in err
    path = lay_out(tmp_path, FAILING)
    code, out, err = command(app, capsys, "run", str(path), "--only", "systems", "--quiet")
    assert code == 2
    assert "of 4 steps failed" in err
    assert out == ""
    code, out, _ = command(app, capsys, "check")
    assert code == 2
    code, out, _ = command(app, capsys, "check", "--schema")
    assert json.loads(out)["title"] == "Study"


def test_check_watches_a_file_that_is_saved(
    app: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, saves = lay_out(tmp_path, SMALL.replace("title", "titel")), [SMALL, ""]

    def sleep(_: float) -> None:
        text = saves.pop(0) if saves else None
        if text is None:
            raise KeyboardInterrupt
        if text:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(1, 1))

    monkeypatch.setattr("spatial.cli.studies.time.sleep", sleep)
    code, shown, _ = command(app, capsys, "check", str(path), "--watch")
    assert code == 0
    first, second = shown.split("\n", 1)[0], shown.rstrip().rsplit("\n", 1)[-1]
    assert "1 problem" in first
    assert second.endswith("study.toml: nothing to mend.")


def test_the_map_of_a_drawn_sample_shows_the_cities_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('title = "t"\n[data]\nsample = "smart-city-simulated"\n', encoding="utf-8")
    loaded = load_data(check_study(path), tmp_path)
    assert (len(loaded.cities), len(loaded.whole)) == (284, 336)
    assert loaded.cities.index.isin(loaded.whole.index).all()
