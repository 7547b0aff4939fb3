"""The command line as a person meets it: what it prints, what it writes, how it says no."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
import pytest
import typer

import spatial as sp
from spatial.cli import build_app, main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command line in this process; return exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as stopped:
        main(list(words))
    shown = capsys.readouterr()
    return int(stopped.value.code or 0), shown.out, shown.err


@pytest.fixture
def nc_file() -> str:
    return str(sp.shapefiles.path("nc", "gpkg"))


@pytest.fixture
def crime_file() -> str:
    return str(sp.shapefiles.path("nc_crime"))


def test_moran_of_a_map(capsys: pytest.CaptureFixture[str], nc_file: str, tmp_path: Path, nc: Any) -> None:
    code, out, _ = run(
        capsys, "moran", nc_file, "bir74", "--id", "fips", "--out", str(tmp_path), "--seed", "3"
    )
    assert code == 0
    W = sp.weights.contiguity(nc).row_standardized()
    expected = sp.moran(nc["bir74"], W, seed=3)
    table = pd.read_csv(tmp_path / "tables" / "moran_bir74.csv")
    assert table["estimate"].tolist() == pytest.approx([expected.I] * 3)
    assert table["p_value"].iloc[2] == expected.p_sim
    assert out.startswith(expected.summary() + "\n")
    assert "two-sided" in out
    for name in ("moran_scatter_bir74.png", "clusters_bir74.png"):
        assert (tmp_path / "figures" / name).read_bytes().startswith(b"\x89PNG")
    layers = pyogrio.list_layers(tmp_path / "gis" / "moran.gpkg")[:, 0].tolist()
    assert "local_bir74" in layers
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert set(record["inputs"]) == {"nc.gpkg"}
    assert record["settings"]["seed"] == 3


def test_moran_of_a_panel(capsys: pytest.CaptureFixture[str], nc_file: str, crime_file: str) -> None:
    words = ("moran", nc_file, "crmrte", "--id", "fips", "--panel", crime_file, "--weights", "knn:4")
    code, _, err = run(capsys, *words)
    assert code == 2
    said = " ".join(err.split())  # ten counties have no crime data, and are named
    assert "the panel and the map must have the same ids (90 given, 100 in the map)" in said
    assert "In the map only: '37029'" in said
    assert said.count("the units that both have") == 1
    assert "Keep the units that both have (--common), or complete" in said
    code, out, err = run(capsys, *words, "--common", "--permutations", "99")
    assert code == 0
    assert "Units in both: 90; not in the panel, cut from the map" in err
    assert [line.split()[0] for line in out.splitlines()[2:10]] == [*map(str, range(1981, 1988)), "pooled"]


@pytest.mark.slow
def test_the_cluster_map_keeps_the_counties_that_the_panel_lacks(
    capsys: pytest.CaptureFixture[str], nc_file: str, crime_file: str, tmp_path: Path
) -> None:
    from PIL import Image

    words = ("moran", nc_file, "crmrte", "--id", "fips", "--panel", crime_file, "--common")
    assert run(capsys, *words, "--permutations", "9", "--out", str(tmp_path))[0] == 0
    with Image.open(tmp_path / "figures" / "clusters_crmrte.png") as image:
        assert "No data (10)" in image.info["Description"]


def test_a_window_of_a_folder_of_files(capsys: pytest.CaptureFixture[str], nc: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = tmp_path / "maps"
    folder.mkdir()
    whole = nc.reset_index()
    for k in range(4):
        part = whole.iloc[25 * k : 25 * (k + 1)]
        part.to_parquet(folder / f"{k}.parquet", write_covering_bbox=True)
    west, south, east, north = -80.0, 34.0, -77.0, 37.0
    box = nc.bounds
    meets = (box.minx <= east) & (box.maxx >= west) & (box.miny <= north) & (box.maxy >= south)
    words = (str(folder), "bir74", "--id", "fips", "--bbox", f"{west},{south},{east},{north}", "--json")
    code, out, _ = run(capsys, "moran", *words, "--out", str(tmp_path / "out"), "--permutations", "9")
    assert code == 0
    assert {row["n"] for row in json.loads(out)} == {int(meets.sum())}
    code, out, _ = run(capsys, "weights", *words[:1], *words[2:])
    assert json.loads(out)[0]["n"] == int(meets.sum())
    code, _, err = run(capsys, "local", *words[:5], "-80,34,-77")
    assert (code, "four numbers" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize("spec", ["queen", "rook", "knn:8", "band:100", "inverse:1:150", "kernel:100"])
def test_weights_by_a_short_text(
    capsys: pytest.CaptureFixture[str], nc_file: str, spec: str, tmp_path: Path
) -> None:
    target = tmp_path / "w.csv"
    code, out, _ = run(capsys, "weights", nc_file, "--id", "fips", "-w", spec, "--out", str(target))
    assert code == 0
    assert "units               100" in out
    assert sp.weights.read(target).n == 100


def test_weights_are_converted_and_drawn(
    capsys: pytest.CaptureFixture[str], nc_file: str, tmp_path: Path
) -> None:
    gal, npz, png = tmp_path / "w.gal", tmp_path / "w.npz", tmp_path / "w.png"
    assert run(capsys, "weights", nc_file, "--id", "fips", "--out", str(gal), "--plot", str(png))[0] == 0
    assert run(capsys, "weights", str(gal), "--row", "--out", str(npz))[0] == 0
    assert sp.weights.read(npz).is_row_standardized
    assert png.read_bytes().startswith(b"\x89PNG")
    code, _, err = run(capsys, "weights", str(gal), "--plot", str(png))
    assert code == 2
    assert "needs a map" in err


def test_weights_from_a_file_are_matched_by_id(
    capsys: pytest.CaptureFixture[str], nc_file: str, tmp_path: Path
) -> None:
    W = sp.weights.knn(sp.shapefiles.load("nc"), 4)
    file = W.reordered(W.ids[::-1]).write(tmp_path / "reversed.csv")
    _, ours, _ = run(capsys, "moran", nc_file, "bir74", "--id", "fips", "-w", "knn:4")
    _, read, _ = run(capsys, "moran", nc_file, "bir74", "--id", "fips", "-w", str(file))
    assert read.splitlines()[:4] == ours.splitlines()[:4]


def test_data_lists_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "data")
    assert code == 0
    assert all(name in out for name in ("nc", "nc_crime", "china_cities"))
    _, out, _ = run(capsys, "data", "nc")
    assert Path(out.strip()).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["moran", "nowhere.gpkg", "x", "--id", "fips"], "nowhere.gpkg"),
        (["moran", "NC", "bri74", "--id", "fips"], "Did you mean 'bir74'"),
        (["moran", "NC", "bir74", "--id", "fip"], "Did you mean 'fips'"),
        (["moran", "NC", "bir74", "--id", "fips", "-w", "quen"], "Did you mean 'queen'"),
        (["moran", "NC", "bir74", "--id", "fips", "-w", "knn"], "must be written knn:NEIGHBOURS"),
        (["moran", "NC", "bir74", "--id", "fips", "-w", "knn:2.5"], "must be written knn:NEIGHBOURS"),
        (["moran", "NC", "bir74", "--id", "fips", "-w", "band:far"], "with numbers after the colon"),
        (["data", "nc_crim"], "Did you mean 'nc_crime'"),
    ],
)
def test_errors_are_one_paragraph_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], nc_file: str, words: list[str], message: str
) -> None:
    code, out, err = run(capsys, *[nc_file if w == "NC" else w for w in words])
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    assert message in " ".join(err.split())


def test_debug_shows_the_traceback(nc_file: str) -> None:
    with pytest.raises(sp.SpatialError, match="Did you mean 'bir74'"):
        main(["moran", nc_file, "bri74", "--id", "fips", "--debug"])


def test_the_command_is_installed_and_light() -> None:
    command = Path(sys.executable).parent / "spatial"
    shown = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"spatial-cities {sp.__version__}\n"
    heavy = "('matplotlib', 'esda', 'spreg', 'numba', 'libpysal', 'pyfixest', 'scipy.stats')"
    code = f"import sys, spatial, spatial.weights; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize("words", [["data"], ["data", "nc"], ["moran", "--help"], []])
def test_what_computes_nothing_imports_no_arrays(words: list[str]) -> None:
    heavy = {"numpy", "pandas", "scipy", "matplotlib", "numba", "geopandas"}
    say = f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr))"
    code = f"import atexit, sys; from spatial.cli import main; {say}; main({words})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stderr.splitlines()[-1] == "[]"


def test_the_command_at_hand_is_built_alone_and_is_that_of_the_whole_program() -> None:
    whole = typer.main.get_command(build_app())
    for name, command in whole.commands.items():  # type: ignore[attr-defined]
        (alone,) = typer.main.get_command(build_app([name])).commands.values()  # type: ignore[attr-defined]
        assert (alone.name, alone.help) == (command.name, command.help)
        found, expected = (
            [(p.name, p.opts, p.default, p.required) for p in c.params] for c in (alone, command)
        )
        assert found == expected


def test_a_map_in_place_of_a_weights_file(capsys: pytest.CaptureFixture[str], nc_file: str) -> None:
    code, _, err = run(capsys, "weights", nc_file)
    assert code == 2
    assert (
        "Which column of nc.gpkg holds the ids? Pass --id. Different in each row: 'fips', 'name'"
        in " ".join(err.split())
    )


@pytest.mark.slow
def test_the_second_example_of_the_demo(tmp_path: Path) -> None:
    """336 real seats, made-up employment that is higher on the coast: neighbours are alike."""
    from spatial.cli.demo import run_virtual_agglomeration

    text = run_virtual_agglomeration(tmp_path)
    assert "made up by a seeded generator" in text
    table = pd.read_csv(tmp_path / "china" / "moran_virtual_agglomeration.csv")
    assert (table["n"].head(3) == 336).all()
    assert (table["p_sim"] < 0.01).all()
    assert (tmp_path / "china" / "virtual_agglomeration.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("always::spatial.errors.SpatialWarning")  # shown as a sentence
def test_refusals_name_options_and_a_map_without_a_system_has_a_cure(
    capsys: pytest.CaptureFixture[str], nc_file: str, tmp_path: Path
) -> None:
    code, _, err = run(capsys, "moran", nc_file, "bir74", "--id", "fips", "--weights", "band:5")
    assert code == 2
    assert "or pass --islands nearest or --islands keep." in " ".join(err.split())
    bare = sp.read_cities(nc_file, id="fips").reset_index().set_crs(None, allow_override=True)
    path = tmp_path / "bare.gpkg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the missing system
        bare.to_file(path)
    words = ("moran", str(path), "bir74", "--id", "fips", "--permutations", "9")
    code, _, err = run(capsys, *words)
    assert code == 0  # who touches whom is known
    assert "states no coordinate reference system" in err
    code, _, err = run(capsys, *words, "--weights", "knn:4")
    assert code == 2
    assert "Pass it where the map is read, e.g. --crs EPSG:4326 for longitudes" in " ".join(err.split())
    assert run(capsys, *words, "--crs", "EPSG:4267")[0] == 0


def test_samples_are_named_in_place_of_files(capsys: pytest.CaptureFixture[str], nc: Any) -> None:
    code, out, _ = run(capsys, "moran", "nc", "bir74", "--permutations", "9", "--json")
    W = sp.weights.contiguity(nc).row_standardized()
    assert code == 0
    assert json.loads(out)[0]["estimate"] == pytest.approx(sp.moran(nc["bir74"], W, permutations=9).I)
    code, out, _ = run(
        capsys, "moran", "nc", "crmrte", "--panel", "nc_crime", "--common", "--permutations", "9", "--json"
    )
    assert code == 0
    assert [row["time"] for row in json.loads(out)[:7]] == list(range(1981, 1988))
    code, out, _ = run(capsys, "weights", "nc", "--json")
    assert code == 0
    assert json.loads(out)[0]["n"] == 100
    code, out, _ = run(capsys, "data", "--json")
    assert {row["name"] for row in json.loads(out)} >= {"nc", "nc_crime", "china_cities"}


def test_several_variables_with_commas_or_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["bir74,sid74"], ["bir74", "sid74"]):
        code, out, _ = run(capsys, "moran", "nc", *words, "--permutations", "9", "--json")
        assert code == 0
        assert [row["column"] for row in json.loads(out)] == ["bir74"] * 3 + ["sid74"] * 3


def test_a_second_variable_gives_the_bivariate_statistic(capsys: pytest.CaptureFixture[str], nc: Any) -> None:
    code, out, _ = run(capsys, "moran", "nc", "bir74", "--with", "sid74", "--permutations", "9", "--json")
    W = sp.weights.contiguity(nc).row_standardized()
    assert code == 0
    assert json.loads(out)[-1]["estimate"] == pytest.approx(sp.bivariate_moran(nc["bir74"], nc["sid74"], W).I)


def test_a_table_without_years_joins_the_map(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, nc: Any
) -> None:
    frame = pd.DataFrame({"code": nc.index, "gdp": range(100)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ("moran", "nc", "gdp", "--panel", str(tmp_path / "t.csv"), "--permutations", "9", "--json")
    code, out, _ = run(capsys, *words, "--unit", "code")
    W = sp.weights.contiguity(nc).row_standardized()
    assert code == 0
    expected = sp.moran(pd.Series(range(100), nc.index, dtype=float), W, permutations=9).I
    assert json.loads(out)[0]["estimate"] == pytest.approx(expected)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "has no column 'fips'" in err
    pd.concat([frame, frame]).to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run(capsys, *words, "--unit", "code")
    assert code == 2
    assert "several rows for" in " ".join(err.split())
    assert "Give --time" in " ".join(err.split())


@pytest.mark.filterwarnings("always::spatial.errors.SpatialWarning")  # shown as a sentence
def test_units_without_a_value_or_a_geometry(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, nc: Any
) -> None:
    holes = nc[["bir74", "geometry"]].astype({"bir74": float}).reset_index()
    holes.loc[3, "bir74"] = None
    holes.loc[7, "geometry"] = None
    holes.to_file(tmp_path / "holes.gpkg")
    words = ("moran", str(tmp_path / "holes.gpkg"), "bir74", "--id", "fips", "--permutations", "9")
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "geometry" in err
    code, _, err = run(capsys, *words, "--drop-empty")
    assert code == 2
    assert "--missing drop" in " ".join(err.split())
    code, out, err = run(capsys, *words, "--drop-empty", "--missing", "drop")
    assert code == 0
    assert "left out without a geometry: '37015'" in err
    assert "n = 98" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lang", "cn"], "--lang must be en or zh; got 'cn'. Chinese is zh."),
        (["--weights", "knn"], "knn:8"),
        (["--alternative", "both"], "alternative"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code, _, err = run(capsys, "moran", "nc", "bir74", *words)
    assert code == 2
    assert message in " ".join(err.split())


def test_a_file_in_place_of_the_folder_is_refused_before_any_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.gpkg").write_text("x")
    code, _, err = run(capsys, "moran", "no such file", "bir74", "--out", str(tmp_path / "a.gpkg"))
    assert code == 2
    assert "--out names a folder" in err


def test_the_name_of_a_file_is_no_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "moran", "no such file", "bir74", "--out", "births.gpkg")
    assert code == 2
    assert "'births.gpkg' is the name of a file. Write --out births." in " ".join(err.split())
    assert not (tmp_path / "births.gpkg").exists()


@pytest.mark.slow
def test_a_panel_is_written_with_its_times_and_the_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("moran", "nc", "crmrte", "--panel", "nc_crime", "--common", "--permutations", "9")
    code, _, _ = run(capsys, *words, "--out", str(tmp_path / "o"))
    assert code == 0
    for name in ("figures/moran_time_crmrte.png", "figures/maps_crmrte.png", "report.html", "gis/moran.gpkg"):
        assert (tmp_path / "o" / name).stat().st_size > 1000


def test_data_says_what_a_drawn_sample_holds(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = run(capsys, "data", "smart-city-simulated")
    assert "284 units x 2007-2020, 3,976 rows" in text
    assert "InnRes: ATT = 0.023" in text
    facts = json.loads(run(capsys, "data", "smart-city-simulated", "--json")[1])
    assert facts["columns"]["InnRes"]["zh"] == "城市创新韧性"
    assert "sun-simulated, bai-simulated, smart-city-simulated" in run(capsys, "data")[1]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lisa", "`spatial local`"), ("fit", "a study: `spatial new"), ("help", "`spatial --help`")],
)
def test_commands_of_other_names_say_what_is_meant(
    capsys: pytest.CaptureFixture[str], word: str, meant: str
) -> None:
    code, _, said = run(capsys, word, "nc")
    assert code == 2
    assert f"No such command '{word}'. Did you mean {meant}" in said


def test_variables_stand_after_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = run(capsys, "moran", "nc", "--columns", "bir74")
    assert code == 2
    assert "takes its variables after the file, without --columns" in " ".join(said.split())
