"""A small study that several test files run: its text, its data, and helpers to run it."""

from __future__ import annotations

import functools
import io
import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

import spatial as sp
from spatial.study.run import run_study
from spatial.study.schema.study import Study

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

FAILING = STUDY.replace(
    'formulas = ["ly ~ q + W(ly) + x + D(x)", "q ~ ly + z + W(z)"]',
    'formulas = ["ly ~ q + x + z", "q ~ ly + x + z"]',
)


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


@functools.cache
def finished_study(base: Path) -> Path:
    """A study that was run once below the folder of all tests, whole; nobody changes it."""
    path = lay_out(base / "finished_study")
    run_study(path, progress=io.StringIO())
    return path


def copied_study(base: Path, folder: Path) -> Path:
    """A copy of the finished study, to change."""
    copied = folder / "study"
    shutil.copytree(finished_study(base).parent, copied)
    return copied / "study.toml"


def study_of(**sections: Any) -> Study:
    return Study.model_validate({"data": {"sample": "nc"}, **sections})


def with_columns(folder: Path, text: str) -> Path:
    """The small study, with a column of groups, a calendar of a policy, and a censored outcome."""
    path = lay_out(folder, STUDY[: STUDY.index("[[diagnostics]]")] + text)
    panel = pd.read_csv(folder / "panel.csv")
    number = panel["code"].str[1:].astype(int)
    panel["region"] = np.where(number < 18, "east", "west")
    panel["first"] = np.where(number % 4 == 0, 2002, np.where(number % 4 == 1, 2003, 0))
    panel["cut"] = np.maximum(panel["q"], 0.0)
    panel.to_csv(folder / "panel.csv", index=False)
    return path
