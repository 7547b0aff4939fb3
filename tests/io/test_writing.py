"""What is written: whole, inside its folder, with one error for what a disk does; links, leftovers, locks."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import spatial as sp
from spatial.cli import main
from spatial.errors import DataError
from spatial.io import sources
from spatial.io.atomic import (
    atomic_path,
    atomic_text,
    file_stem,
    guarded_cell,
    inside,
    locked,
    unguarded_cell,
    write_csv,
)
from spatial.io.sources import parts_of, without_password


@pytest.fixture
def grid() -> gpd.GeoDataFrame:
    boxes = [shapely.box(i, j, i + 1, j + 1) for i in range(4) for j in range(4)]
    index = pd.Index([f"u{k}" for k in range(16)], name="id")
    return gpd.GeoDataFrame(
        {"y": np.random.default_rng(0).normal(size=16)}, geometry=boxes, index=index, crs=3857
    )


# ---- one error
def test_what_a_disk_or_a_library_says_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DataError, match=r"Cannot write .*a\.txt: No space left on device"):
        atomic_text(tmp_path / "a.txt", "x")
    monkeypatch.undo()
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file" / "a.txt", tmp_path):
        with pytest.raises(DataError, match="Cannot write"):
            atomic_text(target, "x")
    for error in (zipfile.BadZipFile("no"), __import__("sqlite3").OperationalError("disk I/O error")):
        with pytest.raises(DataError, match="Cannot write"), atomic_path(tmp_path / "b"):
            raise error
    with pytest.raises(KeyError), atomic_path(tmp_path / "b"):  # a fault of ours is not hidden
        raise KeyError("x")
    with pytest.raises(DataError, match="Cannot write"):  # too long a name
        atomic_text(tmp_path / ("x" * 300), "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.slow
def test_a_size_limit_leaves_errors_of_ours_and_no_half_file(tmp_path: Path) -> None:
    code = """
import resource, signal, sys, tempfile, warnings
warnings.simplefilter("ignore")
import pandas as pd, geopandas as gpd, shapely, spatial as sp
cities = gpd.GeoDataFrame({"x": [1.0, 2.0, 4.0]}, geometry=[shapely.box(i, 0, i + 1, 1) for i in range(3)],
                          index=pd.Index(list("abc"), name="id"), crs=3857)
table = sp.descriptive_table(cities[["x"]])
panel = sp.Panel.from_frame(pd.DataFrame({"id": list("abc"), "t": 1, "x": 1.0}), unit="id", time="t")
out = sys.argv[1]
table.to_docx(out + "/warm.docx")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for name, write in {
    "docx": table.to_docx, "xlsx": table.to_xlsx, "tex": table.to_latex, "html": table.to_html,
    "parquet": panel.write, "dta": panel.write,
    "gpkg": lambda p: sp.write_layers(p, cities, {"x": cities["x"]}),
}.items():
    try:
        write(f"{out}/a.{name}")
        print("written", name)
    except sp.DataError:
        print("refused", name)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:-1] == [
        f"refused {name}" for name in ("docx", "xlsx", "tex", "html", "parquet", "dta", "gpkg")
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["warm.docx"]


def test_an_ascii_locale_gets_a_message_and_utf_8(tmp_path: Path) -> None:
    code = """
import sys, spatial as sp
from spatial.io.atomic import atomic_text
try:
    atomic_text(sys.argv[1] + "/\\u57ce.txt", "x")
except sp.DataError as error:
    print(error)
from spatial.cli import main
main(["data", "--help"])
atomic_text(sys.argv[1] + "/a.txt", "\\u57ce")
"""
    env = {k: v for k, v in os.environ.items() if k not in ("LANG", "PYTHONIOENCODING")}
    env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, check=False, timeout=120
    )
    assert b"file names are ASCII. Set PYTHONUTF8=1" in run.stdout, run.stderr
    code = code.split("from spatial.cli")[0].split("try:")[0] + code.splitlines()[-1]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, check=True, timeout=120)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "城"


# ---- links, permissions, leftovers, locks
def test_links_stay_links_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "a.txt", tmp_path / "a.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    atomic_text(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)
    broken = tmp_path / "broken.txt"
    broken.symlink_to(tmp_path / "there" / "b.txt")
    atomic_text(broken, "x")
    assert (tmp_path / "there" / "b.txt").read_text() == "x"


def test_what_killed_runs_left_is_swept_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / ".writing-old", tmp_path / ".writing-young"
    for left in (old, young):
        left.mkdir()
        (left / "half.gpkg").write_text("x")
    os.utime(old, (time.time() - 2 * 86_400,) * 2)
    atomic_text(tmp_path / "a.txt", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".writing-young", "a.txt"]


def test_layers_added_at_once_are_all_kept(tmp_path: Path, grid: gpd.GeoDataFrame) -> None:
    path = tmp_path / "r.gpkg"
    sp.write_layers(path, grid, {"keep": grid["y"]})
    errors: list[BaseException] = []

    def add(k: int) -> None:
        try:
            sp.write_layers(path, grid, {f"t{k}": grid["y"]})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=add, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert {"keep", "t0", "t1", "t2", "t3"} <= set(pyogrio.list_layers(path)[:, 0])
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".lock"]


def test_a_lock_that_is_not_given_back_is_named(tmp_path: Path) -> None:
    refused = pytest.raises(DataError, match=r"hands of another run.*Wait for it to end")
    with locked(tmp_path / "a"), refused, locked(tmp_path / "a", seconds=0.1):
        pass
    with locked(tmp_path / "a"):
        pass


# ---- names
@pytest.mark.parametrize(
    ("given_", "stem"),
    [
        ("gdp/capita", "gdp_capita"),
        ("../../esc", "esc"),
        ("x/../../../../esc", "x_.._.._.._.._esc"),
        ("a:b*c?d", "a_b_c_d"),
        ("人均 GDP", "人均_GDP"),
        ("", "column"),
        ("...", "column"),
        ("CON", "CON_"),
        ("a\nb\0c", "a_b_c"),
    ],
)
def test_names_of_files_are_made_in_one_place(given_: str, stem: str) -> None:
    assert file_stem(given_) == stem


@given(st.text(max_size=200))
def test_every_name_is_one_part_of_a_path(text: str) -> None:
    stem = file_stem(text)
    assert 0 < len(stem.encode("utf-8", "replace")) <= 100
    assert Path(stem).name == stem
    assert stem not in (".", "..")


def test_long_names_stay_apart() -> None:
    a, b = file_stem("x" * 300 + "a"), file_stem("x" * 300 + "b")
    assert a != b
    assert len(a) == 100


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    assert inside(tmp_path, "tables", "a.csv") == tmp_path / "tables" / "a.csv"
    for names in (("..", "a"), ("tables", "..", "..", "a"), ("/etc/passwd",), (".",)):
        with pytest.raises(DataError, match="leads out of the output folder"):
            inside(tmp_path, *names)


@pytest.mark.slow
def test_columns_with_signs_of_paths_on_the_command_line(
    tmp_path: Path,
    grid: gpd.GeoDataFrame,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    grid.assign(**{"gdp/capita": grid["y"], "../../esc": grid["y"], "=1+1": grid["y"]}).to_file("m.gpkg")
    for column, out in (("gdp/capita", "o1"), ("../../esc", "deep/o2"), ("=1+1", "o3")):
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["moran", "m.gpkg", column, "--id", "id", "--permutations", "9", "--out", out])
    capsys.readouterr()
    assert (tmp_path / "o1" / "tables" / "moran_gdp_capita.csv").exists()
    outside = [p for p in tmp_path.rglob("*esc*") if not p.is_relative_to(tmp_path / "deep" / "o2")]
    assert outside == []
    record = json.loads((tmp_path / "o1" / "run.json").read_text(encoding="utf-8"))
    assert set(record["inputs"]) == {"m.gpkg"}
    for path in (tmp_path / "o3").rglob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell.startswith("=")]


def test_the_parts_of_an_input(tmp_path: Path, grid: gpd.GeoDataFrame) -> None:
    grid.reset_index().to_file(tmp_path / "a.shp")
    assert [p.suffix for p in parts_of(tmp_path / "a.shp")] == [".shp", ".cpg", ".dbf", ".prj", ".shx"]
    pyogrio.write_dataframe(grid.reset_index(), tmp_path / "a.gdb", driver="OpenFileGDB", layer="l")
    assert len(parts_of(tmp_path / "a.gdb")) > 3
    assert parts_of(tmp_path / "b.gpkg") == [tmp_path / "b.gpkg"]


# ---- formulas of spreadsheets
@pytest.mark.parametrize(
    "text", ["=2+2", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "'=1", "''=1", "=cmd|' calc'!A1"]
)
def test_a_cell_is_never_a_formula(text: str) -> None:
    safe = guarded_cell(text)
    assert safe == f"'{text}"
    assert unguarded_cell(safe) == text


@pytest.mark.parametrize(
    "value", ["-0.5", "+1e5", "-", "=", "a=b", "'quoted'", "-3,5", "-12%", "", -0.5, None]
)
def test_what_is_no_formula_is_left_as_it_is(value: Any) -> None:
    assert guarded_cell(value) == value


def test_tables_for_people_are_guarded(tmp_path: Path) -> None:
    table = pd.DataFrame({"=a": ["=1+1", "x"], "n": [-1.5, 2.0]}, index=pd.Index(["@b", "c"], name="+id"))
    write_csv(table, tmp_path / "a.csv", index=True)
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "'+id,'=a,n", "'@b,'=1+1,-1.5", "c,x,2.0",
    ]  # fmt: skip


def test_aliases_of_layers_are_guarded_and_names_come_back(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"=2+2": [1.0]}, geometry=[shapely.Point(0, 0)], crs=4326)
    path = sp.write_layers(
        tmp_path / "q.geojson",
        frame.set_axis(["a"]),
        {"l": pd.Series([1.0], ["a"], name="v")},
        labels={"v": "=2+2"},
    )
    assert "'=2+2" in Path(path).with_suffix(".fields.csv").read_text(encoding="utf-8-sig")
    from spatial.io.shapefile import read_shapefile, sidecar_path, write_shapefile

    made = write_shapefile(frame, tmp_path / "a.shp")
    assert "'=2+2" in sidecar_path(made).read_text(encoding="utf-8-sig")
    assert "=2+2" in read_shapefile(made).columns


# ---- zips, addresses, sizes
def test_a_zip_that_would_fill_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 2**21)
    monkeypatch.setattr(sources, "_SMALL", 2**20)
    with pytest.raises(DataError, match=r"would unpack to 1 files of 2 MB in all.*unpack it by hand"):
        sp.read_panel(path, unit="a", time="b")
    monkeypatch.setattr(sources, "_ENTRIES", 0)
    with pytest.raises(DataError, match="would unpack"):
        sp.read_cities(path, id="a")


def test_damaged_zips_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"city,year,x\n" + os.urandom(3000).hex().encode())
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 4):
            data[place] = int(rng.integers(0, 256))
        path.write_bytes(bytes(data))
        with pytest.raises(DataError):
            sp.read_panel(path, unit="city", time="year")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql:anna:secret@host/db", "postgresql:anna:***@host/db"),
        ("postgresql:/anna:secret@host/db", "postgresql:/anna:***@host/db"),
        ("https://anna:secret@host/a.gpkg", "https://anna:***@host/a.gpkg"),
        ("https://host/a.gpkg?token=secret&x=1", "https://host/a.gpkg?token=***&x=1"),
        ("https://host/a.gpkg?api_key=secret", "https://host/a.gpkg?api_key=***"),
        ("data/cities.gpkg", "data/cities.gpkg"),
        ("C:/data/a@b.gpkg", "C:/data/a@b.gpkg"),
    ],
)
def test_no_message_shows_a_secret(address: str, shown: str) -> None:
    assert without_password(address) == shown
    if "secret" in address:
        for call in (
            lambda: sp.read_cities(address, id="a"),
            lambda: sp.read_panel(address, unit="a", time="b"),
        ):
            with pytest.raises(DataError) as caught:
                call()
            assert "secret" not in str(caught.value)


def test_more_permutations_than_memory_are_refused() -> None:
    W = sp.Weights.from_dense(np.eye(5, k=1) + np.eye(5, k=-1))
    with pytest.raises(DataError, match=r"permutations=\d+ would keep \d+ GB"):
        sp.moran(np.arange(5.0), W, permutations=10**14)


def test_times_with_a_zone_do_not_fit_into_stata(tmp_path: Path) -> None:
    times = pd.to_datetime(["2000-01-01", "2001-01-01"]).tz_localize("Asia/Shanghai")
    panel = sp.read_panel(pd.DataFrame({"u": "a", "t": times, "x": [1.0, 2.0]}), unit="u", time="t")
    with pytest.raises(DataError, match=r"Stata's times have no zone; 't' have one"):
        panel.write(tmp_path / "a.dta")
    back = sp.read_panel(panel.write(tmp_path / "a.parquet"), unit="u", time="t")
    assert back.frequency == panel.frequency == "year"
