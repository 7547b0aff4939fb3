"""Studies as they run: what is written, what is made again, what fails alone, and what stays untouched."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import typer

import spatial as sp
from spatial import _cli_study, _study_steps
from spatial._study_cache import Manifest, inside
from spatial._study_data import cleaned, load_data
from spatial._study_schema import Study
from spatial.record import file_hash
from spatial.study import StudyError, StudyRunError, check_study, run_study, shipped_study, shown_texts

SIDE, TIMES = 6, range(2001, 2005)

STUDY = """
title = "A lattice"
seed = 7
output = "results"

[data.cities]
file = "map.gpkg"
id = "code"

[data.panel]
file = "panel.csv"
unit = "code"
time = "year"

[[cleaning]]
do = "winsorize"
columns = ["z"]
share = 0.02

[variables.ly]
formula = "log(y)"
en = "Output, log"
zh = "产出对数"

[weights.W]
spec = "rook"

[weights.D]
spec = "knn:4"

[[diagnostics]]
columns = ["ly"]
permutations = 99

[[systems]]
name = "two"
formulas = ["ly ~ q + W(ly) + x + D(x)", "q ~ ly + z + W(z)"]
weights = ["W", "D"]
effects = ["unit", "time"]
compare = ["2sls"]
draws = 50

[[regressions]]
name = "fe"
formula = "ly ~ x + z"

[[tables]]
kind = "regression"
name = "main"
fits = ["two", "two.2sls", "fe"]
formats = ["docx", "xlsx", "tex", "html", "md", "csv"]

[[tables]]
kind = "descriptive"
name = "description"
columns = ["ly", "x"]
formats = ["md", "csv"]

[[figures]]
kind = "connectivity"
name = "links"

[[figures]]
kind = "effects_map"
name = "effects"
fit = "two"
outcome = "ly"
term = "x"

[[layers]]
name = "results"
effects = [{fit = "two", outcome = "ly", term = "x"}]
attributes = ["name"]

[report]
columns = ["ly", "x"]
permutations = 49
"""

SMALL = STUDY[: STUDY.index("[[systems]]")]


def data() -> tuple[Any, pd.DataFrame]:
    """Return a lattice of squares and a panel drawn from a spatial system."""
    rng = np.random.default_rng(3)
    ids = [f"c{k:02d}" for k in range(SIDE * SIDE)]
    squares = [shapely.box(i, j, i + 1, j + 1) for i in range(SIDE) for j in range(SIDE)]
    cities = gpd.GeoDataFrame({"code": ids, "name": ids}, geometry=squares, crs=3857)
    W = sp.weights.contiguity(cities.set_index("code"), rook=True).row_standardized().sparse.toarray()
    n = len(ids)
    rows = []
    for time in TIMES:
        x, z = rng.normal(size=n), rng.normal(size=n)
        shock = rng.normal(size=(2, n)) * 0.3
        left = np.block([[np.eye(n) - 0.4 * W, -0.3 * np.eye(n)], [-0.2 * np.eye(n), np.eye(n)]])
        both = np.linalg.solve(left, np.concatenate([x + shock[0], z + shock[1]]))
        rows.append(
            pd.DataFrame({"code": ids, "year": time, "y": np.exp(both[:n]), "q": both[n:], "x": x, "z": z})
        )
    return cities, pd.concat(rows, ignore_index=True)


def lay_out(folder: Path, text: str = STUDY, *, shuffled: bool = False) -> Path:
    cities, panel = data()
    if shuffled:
        cities, panel = cities.sample(frac=1, random_state=1), panel.sample(frac=1, random_state=2)
    folder.mkdir(exist_ok=True)
    pyogrio.write_dataframe(cities, folder / "map.gpkg")
    panel.to_csv(folder / "panel.csv", index=False)
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, **options: Any) -> tuple[Path, dict[str, Any], str]:
    """Run a study; return the folder, its run.json, and what was shown."""
    shown = io.StringIO()
    folder = run_study(path, progress=shown, **options)
    return folder, json.loads((folder / "run.json").read_text(encoding="utf-8")), shown.getvalue()


def states(record: dict[str, Any]) -> dict[str, str]:
    return {name: step["state"] for name, step in record["steps"].items()}


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and ".cache" not in p.parts]
    return {
        p.relative_to(folder).as_posix(): (p.stat().st_mtime_ns, p.read_bytes())
        for p in found
        if p.name != "run.json"
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was run once, whole."""
    path = lay_out(tmp_path_factory.mktemp("study"))
    run_study(path, progress=io.StringIO())
    return path


@pytest.fixture
def again(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to change."""
    copied = tmp_path / "study"
    shutil.copytree(finished.parent, copied)
    return copied / "study.toml"


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
    assert "gs3sls" in text
    assert "2sls" in text
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
    sent, received = (effects.iloc[:, k].to_numpy() for k in (1, 2))
    # Two ways to add up one matrix of effects (LeSage and Pace 2009): their means are the total effect.
    assert sent.mean() == pytest.approx(received.mean(), rel=1e-9)
    assert np.ptp(received) == pytest.approx(0.0, abs=1e-9)
    impacts = pd.read_csv(folder / "tables" / "lag_impacts.csv", encoding="utf-8-sig")
    total = impacts.query("effect == 'total' and term == 'x'")["estimate"].iloc[0]
    assert sent.mean() == pytest.approx(total, rel=1e-9)
    assert record["failed"] == {}


# ---- what is made again
def test_nothing_changed_nothing_made(again: Path) -> None:
    before = files(again.parent / "results")
    folder, record, shown = run(again)
    assert set(states(record).values()) == {"unchanged"}
    assert files(folder) == before
    assert shown.count("unchanged") == len(record["steps"])
    assert set(record["outputs"]) == set(before)
    # The warnings of steps that were not run again are still in the record.
    assert len(record["warnings"]) == 1
    assert "instruments for an effective sample" in record["warnings"][0]


def test_one_setting_makes_only_what_depends_on_it(again: Path) -> None:
    text = again.read_text(encoding="utf-8")
    again.write_text(text.replace("permutations = 99", "permutations = 49"), encoding="utf-8")
    folder, record, _ = run(again)
    assert {n for n, s in states(record).items() if s == "done"} == {"diagnostics: ly, W", "layers: results"}
    again.write_text(text.replace("draws = 50", "draws = 60"), encoding="utf-8")
    _, record, _ = run(again)
    made = {n for n, s in states(record).items() if s == "done"}
    assert made >= {"systems: two, impacts", "figures: effects", "layers: results", "diagnostics: ly, W"}
    assert not made & {"systems: two, estimates", "tables: main", "regressions: fe", "weights: W", "report"}
    again.write_text(text.replace('spec = "knn:4"', 'spec = "knn:3"'), encoding="utf-8")
    before = files(folder)
    _, record, _ = run(again)
    made = {n for n, s in states(record).items() if s == "done"}
    assert made >= {"weights: D", "systems: two, estimates", "tables: main"}
    assert not made & {"weights: W", "diagnostics: ly, W", "tables: description", "data"}
    assert files(folder)["tables/moran_ly.csv"][1] != b""
    assert files(folder)["tables/weights_W.csv"] == before["tables/weights_W.csv"]
    text = again.read_text(encoding="utf-8")
    again.write_text(text.replace("Output, log", "Log of output"), encoding="utf-8")
    _, record, _ = run(again, only=["systems", "regressions", "tables"])
    assert {n for n, s in states(record).items() if s == "done"} == {"tables: main", "tables: description"}


def test_data_or_files_that_changed_are_made_again(again: Path) -> None:
    folder = again.parent / "results"
    (folder / "tables" / "description.md").write_text("by hand", encoding="utf-8")
    (folder / "figures" / "links.png").unlink()
    _, record, _ = run(again)
    assert {n for n, s in states(record).items() if s == "done"} == {"tables: description", "figures: links"}
    panel = pd.read_csv(again.parent / "panel.csv")
    panel.loc[0, "x"] += 1.0
    panel.to_csv(again.parent / "panel.csv", index=False)
    _, record, _ = run(again, only=["tables", "weights"])
    assert record["steps"]["tables: main"]["state"] == "done"
    assert (
        record["steps"]["systems: two, estimates"] | {"up_to_date": False, "state": "not run"}
        == (record["steps"]["systems: two, estimates"])
    )


def test_what_left_the_study_leaves_the_folder(again: Path) -> None:
    text = again.read_text(encoding="utf-8")
    start = text.index('[[figures]]\nkind = "effects_map"')
    again.write_text(text[:start] + text[text.index("[[layers]]") :], encoding="utf-8")
    folder, record, _ = run(again)
    assert "figures: effects" not in record["steps"]
    assert not (folder / "figures" / "effects.png").exists()
    again.write_text(text[:start].replace('name = "links"', 'name = "net"'), encoding="utf-8")
    folder, _, _ = run(again)
    assert {p.name for p in (folder / "figures").glob("[ln]*")} == {"net.png"}
    assert not (folder / "report.html").exists()


def test_only_runs_a_section_or_a_step(again: Path) -> None:
    out = again.parent / "part"
    _, record, shown = run(again, out=out, only="tables")
    assert set(files(out)) == {"tables/description.csv", "tables/description.md"} | {
        f"tables/main.{kind}" for kind in ("docx", "xlsx", "tex", "html", "md", "csv")
    }
    assert record["steps"]["report"] == {"state": "not run"}
    assert "[2/2] tables: description" in shown
    _, record, _ = run(again, out=out, only=["figures: links"])
    assert (out / "figures" / "links.png").exists()
    assert record["steps"]["tables: main"]["up_to_date"] is True
    with pytest.raises(sp.SpatialError, match=r"only='tabels' .* Did you mean 'tables'\?"):
        run_study(again, only="tabels")
    small = lay_out(again.parent / "small", SMALL)
    with pytest.raises(sp.SpatialError, match="The study has no report: there is nothing to run"):
        run_study(small, only="report")
    assert not (small.parent / "results").exists()


# ---- what fails
FAILING = STUDY.replace(
    'formulas = ["ly ~ q + W(ly) + x + D(x)", "q ~ ly + z + W(z)"]',
    'formulas = ["ly ~ q + x + z", "q ~ ly + x + z"]',
)


def test_a_failed_step_names_itself_and_leaves_the_others_whole(again: Path) -> None:
    before = files(again.parent / "results")
    again.write_text(FAILING, encoding="utf-8")
    shown = io.StringIO()
    with pytest.raises(StudyRunError) as caught:
        run_study(again, progress=shown)
    folder = caught.value.folder
    assert folder == again.parent / "results"
    failed = set(caught.value.failures)
    assert "systems: two, estimates" in failed
    assert "tables: main" in failed
    assert "systems: two, identification" not in failed
    assert "cannot be identified" in str(caught.value)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert set(record["failed"]) == failed
    assert record["steps"]["tables: main"]["up_to_date"] is False
    assert states(record)["regressions: fe"] == "unchanged"
    assert states(record)["report"] == "done"
    assert any("leaves table 'main' out" in w for w in record["warnings"])
    # What a failed step made earlier is still there, and run.json says that it is out of date.
    assert files(folder)["tables/main.docx"] == before["tables/main.docx"]
    assert (
        "NOT IDENTIFIED" in (folder / "tables" / "two_identification.txt").read_text(encoding="utf-8").upper()
    )


def test_a_fault_in_one_step_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_values: Any, _name: str, out: Any) -> None:
        out.text("half", "tables", "half.txt")
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(_study_steps, "_weights", broken)
    path = lay_out(tmp_path, SMALL)
    with pytest.raises(StudyRunError, match="ZeroDivisionError: a fault") as caught:
        run_study(path, progress=io.StringIO())
    assert set(caught.value.failures) == {"weights: W", "weights: D"}
    made = files(tmp_path / "results")
    assert "tables/half.txt" not in made
    assert "tables/moran_ly.csv" in made


def test_ctrl_c_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_values: Any, _part: Any, _column: str, out: Any) -> None:
        out.text("half", "tables", "half.txt")
        raise KeyboardInterrupt

    path = lay_out(tmp_path, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(_study_steps, "_diagnose", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study(path, progress=io.StringIO())
    folder = tmp_path / "results"
    assert set(files(folder)) == {
        "tables/cleaning.csv", "tables/describe.csv", "tables/weights_D.csv", "tables/weights_D.txt",
        "tables/weights_W.csv", "tables/weights_W.txt",
    }  # fmt: skip
    assert [p.name for p in (folder / ".cache").iterdir()] == ["steps.json"]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["interrupted"] is True
    assert states(record)["diagnostics: ly, W"] == "not run"
    _, record, _ = run(path)
    assert states(record)["weights: W"] == "unchanged"
    assert states(record)["diagnostics: ly, W"] == "done"


def test_warnings_are_in_the_record_of_each_step(tmp_path: Path) -> None:
    text = (
        SMALL + '[[systems]]\nname = "s"\nformulas = ["ly ~ x + lag(ly, 1)"]\neffects = ["unit"]\ndraws = 0\n'
    )
    _, record, shown = run(lay_out(tmp_path, text), only="systems")
    assert "Nickell bias" in record["steps"]["systems: s, estimates"]["warnings"][0]
    assert "Nickell bias" in record["steps"]["systems: s, identification"]["warnings"][0]
    assert shown.count("Nickell bias") == 1
    _, record, _ = run(tmp_path / "study.toml", only="systems")
    assert any("Nickell bias" in w for w in record["warnings"])


# ---- what stays untouched
def test_nothing_is_written_before_the_study_is_sound(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL.replace('columns = ["ly"]', 'columns = ["lz"]'))
    with pytest.raises(StudyError, match=r"diagnostics\[0\].columns\[0\]"):
        run_study(path)
    assert not (tmp_path / "results").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = lay_out(tmp_path / "study", SMALL)
    outside = tmp_path / "outside"
    outside.mkdir()
    (path.parent / "results").mkdir()
    os.symlink(outside, path.parent / "results" / "tables")
    with pytest.raises(StudyRunError, match="writes only inside its output folder"):
        run_study(path, progress=io.StringIO())
    assert list(outside.iterdir()) == []
    assert (path.parent / "results" / "run.json").exists()


@pytest.mark.parametrize("rel", ["../x", "/etc/x", "a/../../x", r"..\x"])
def test_paths_that_lead_out(tmp_path: Path, rel: str) -> None:
    with pytest.raises(sp.SpatialError, match="leads out of it"):
        inside(tmp_path, rel)


def test_a_foreign_cache_can_do_nothing(tmp_path: Path) -> None:
    path = lay_out(tmp_path / "study", SMALL)
    victim = tmp_path / "study" / "victim.txt"
    victim.write_text("mine", encoding="utf-8")
    cache = path.parent / "results" / ".cache"
    cache.mkdir(parents=True)
    (cache / "values.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    planted = {"old: step": {"key": "k", "outputs": {"../victim.txt": file_hash(victim)}}}
    (cache / "steps.json").write_text(json.dumps(planted), encoding="utf-8")
    _, record, _ = run(path, only=["weights", "data"])
    run(path)
    assert victim.read_text(encoding="utf-8") == "mine"
    assert "old: step" not in Manifest(path.parent / "results").entries
    for damaged in ("{", "[]", '{"weights: W": {"key": 1}}'):
        (cache / "steps.json").write_text(damaged, encoding="utf-8")
        _, record, _ = run(path, only="weights")
        assert states(record)["weights: W"] == "done"


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    old, new = (tmp_path / "results" / ".cache" / name for name in ("step-old", "step-new"))
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "half.png").write_bytes(b"half")
    os.utime(old, (0, 0))
    run(path, only="weights")
    assert not old.exists()
    assert new.exists()  # of a run at the same time, perhaps


def test_a_file_that_cannot_be_replaced_is_named(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    (tmp_path / "results" / "tables" / "weights_W.txt").mkdir(parents=True)
    with pytest.raises(StudyRunError, match=r"Cannot write tables/weights_W.txt: .*open in another program"):
        run_study(path, only="weights", progress=io.StringIO())


def test_an_output_folder_that_cannot_be(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(sp.SpatialError, match="Cannot make the output folder"):
        run_study(path, out=tmp_path / "file" / "out")


def test_two_steps_never_make_one_file(tmp_path: Path) -> None:
    text = SMALL.replace('columns = ["ly"]', 'columns = ["a b", "a_b"]\nlocal = false')
    text = text.replace(
        "[variables.ly]", '[variables."a b"]\nformula = "x"\n[variables.a_b]\nformula = "z"\n[variables.ly]'
    )
    path = lay_out(tmp_path, text)
    with pytest.raises(StudyRunError, match="is made by the step 'diagnostics: a b, W' too") as caught:
        run_study(path, progress=io.StringIO())
    assert set(caught.value.failures) == {"diagnostics: a_b, W"}
    named = '[[tables]]\nkind = "descriptive"\nname = "Describe"\n'
    named += '[[figures]]\nkind = "neighbours"\nname = "moran_ly"\n'
    path.write_text(SMALL + named, encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        check_study(path)
    assert [p.place for p in refused.value.problems] == ["tables[0].name", "figures[0].name"]
    assert "another step makes" in str(refused.value)


# ---- data
def study_of(**sections: Any) -> Study:
    return Study.model_validate({"data": {"sample": "nc"}, **sections})


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
        ({"cleaning": [{"do": "where", "formula": "density"}]}, r"must be a comparison"),
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


# ---- the command line
@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("run")(_cli_study.run_command)
    app.command("check")(_cli_study.check_command)
    app.command("new")(_cli_study.new_command)
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
        "  tables[0].nam: there is no such key. Did you mean 'name'? Keys: controls, digits, fits, formats, "
        "impacts, kind, name, names, notes, show, stars, title.\n"
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
