"""The house: sizes of files and folders, types of public parameters, public names, the changelog."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spatial as sp

ROOT = Path(__file__).parent.parent
MOST_LINES, MOST_FILES = 400, 15
FOLDERS = ("spatial", "models", "weights", "shapefiles", "studies", "tests", "benchmarks", "docs", "audit")
NAMES = ROOT / "tests" / "public_names.txt"

# Longer than they may be, and folders fuller: it only ever gets shorter.
LONG: set[str] = set()
FULL: set[str] = set()

# Parameters that take anything at all, or results of several classes, each asked for what it needs.
ANYTHING = {
    "check_table.table", "check_table.B", "check_table.Lambda",
    "coefficient_plot.fits", "regression_table.fits", "explore.tables", "write_web.tables",
    "moran_scatter.moran", "reference_distribution.result", "hausman.a", "hausman.b",
}  # fmt: skip


# What lies at the root: anything else was left there by a run, and must not be committed.
AT_THE_ROOT = {
    "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile", "PKG-INFO",
    "README.md", "SECURITY.md", "conftest.py", "pyproject.toml", "setup.cfg",
    "audit", "benchmarks", "docs", "models", "paper", "recipe", "shapefiles", "spatial", "studies", "tests",
    "weights", "build", "dist", "out", "spatial_cities.egg-info",
}  # fmt: skip


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "__pycache__" not in path.parts and not _linked(path):
                yield path


def _linked(path: Path) -> bool:
    """Whether a file is seen through one of the links from spatial to the folders at the root."""
    return path.resolve() != path.absolute()


def test_no_run_left_a_file_at_the_root() -> None:
    left = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and p.name != "__pycache__"}
    assert left - AT_THE_ROOT == set(), "remove these, or list them as a part of the project"


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    long = {p.relative_to(ROOT).as_posix() for p in _files() if len(p.read_text().splitlines()) > MOST_LINES}
    assert long - LONG == set(), f"split these, beyond {MOST_LINES} lines, by topic"
    assert LONG - long == set(), "these are short now: take them from the list"


def test_no_folder_holds_more_files_than_a_reader_overlooks() -> None:
    counts: dict[str, int] = {}
    for path in _files():
        folder = path.parent.relative_to(ROOT).as_posix()
        counts[folder] = counts.get(folder, 0) + 1
    full = {folder for folder, count in counts.items() if count > MOST_FILES}
    assert full - FULL == set(), f"more than {MOST_FILES} files: make rooms"
    assert FULL - full == set(), "these are small now: take them from the list"


# ---- the public face
FACES = (sp, sp.models, sp.weights, sp.shapefiles)


def _functions() -> Iterator[tuple[str, Any]]:
    for face in FACES:
        for name in face.__all__:
            value = getattr(face, name)
            if inspect.isclass(value):
                shown = [n for n in vars(value) if not n.startswith("_") or n == "__init__"]
                for n in shown:
                    part = inspect.getattr_static(value, n)
                    yield name if n == "__init__" else f"{name}.{n}", getattr(part, "__func__", part)
            else:
                yield name, value


def test_public_parameters_have_types() -> None:
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = {
        f"{name}.{p.name}"
        for name, function in _functions()
        if inspect.isfunction(function)
        for p in inspect.signature(function).parameters.values()
        if p.kind not in variadic and re.fullmatch(r"'?(typing\.)?Any( \| None)?'?", str(p.annotation))
    }
    assert found - ANYTHING == set(), (
        "name a type: Values, CitiesLike, PanelLike, WeightsLike, ById, Ids, Source"
    )
    assert ANYTHING - found == set(), "these have types now: take them from the list"


def test_the_public_names_are_those_of_the_list() -> None:
    now = {f"{face.__name__}.{name}" for face in FACES for name in face.__all__}
    kept = set(NAMES.read_text(encoding="utf-8").split())
    assert kept - now == set(), "these names are gone: a user's program breaks"
    assert now - kept == set(), "new names: add them to tests/public_names.txt, a line each"


def test_no_fact_stands_twice_in_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    facts = [" ".join(part.split()) for part in re.split(r"^ *- ", text, flags=re.MULTILINE)[1:]]
    assert sorted(fact for fact, count in Counter(facts).items() if count > 1) == []
