"""Every line of shell on the first page and in the documentation, run as it stands, page by page."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

import spatial as sp
from spatial.cli import main

ROOT = Path(__file__).parents[2]
WRITTEN = {
    "README.md": ("out/run.json", "out/figures/clusters_bir74.png", "out/gis/moran.qgz", "nc.gal", "nc.png"),
    "docs/zh/learn/first_study.md": ("out/run.json", "out/report.html"),
    "docs/learn/first_paper.md": ("out/sun/report.html", "out/sun/tables/表3 基准回归.docx"),
    "docs/do/qgis.md": ("out/gis/moran.gpkg",),
}


def lines_of(page: Path) -> tuple[str, ...]:
    """Return the commands of a page in order, without comments: on lines of their own, and in sentences."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^    (spatial [a-z].*)$|`(spatial [a-z]+ [^`\n]+)`", text, re.MULTILINE)
    return tuple(shlex.join(shlex.split(own or said, comments=True)) for own, said in found)


def pages() -> dict[tuple[str, ...], str]:
    """Return the pages by their commands; of pages that begin alike the longest, as an edition in Chinese."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    made = {"_build", "_pages", "_generated", "_notebooks"}
    kept = [page for page in files if not made & set(page.relative_to(ROOT).parts)]
    found = {lines_of(page): str(page.relative_to(ROOT)) for page in reversed(kept)}
    whole = [lines for lines in found if not any(lines == more[: len(lines)] != more for more in found)]
    return {lines: found[lines] for lines in whole}


PAGES = pages()
MINUTES = "spatial run paper.toml"


def interrupted(_seconds: float) -> None:
    """Stand for Ctrl-C, which ends a command that watches a file."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(lines, id=name, marks=pytest.mark.papers if MINUTES in lines else pytest.mark.slow)
        for lines, name in PAGES.items()
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_lines_of_a_page_run_from_an_empty_folder(
    lines: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if any("map.gpkg" in line for line in lines):
        files_of_ones_own()
    for line in lines:
        _, *words = shlex.split(line)
        with monkeypatch.context() as patch:
            if "--watch" in words:
                patch.setattr(time, "sleep", interrupted)
            with pytest.raises(SystemExit) as stopped:
                main(words)
        assert not stopped.value.code, line
    for name in WRITTEN.get(PAGES[lines], ()):
        assert (tmp_path / name).stat().st_size > 100, name


def files_of_ones_own() -> None:
    """Write the map and the panel that a page supposes its reader to have."""
    counties = sp.shapefiles.load("nc").rename_axis("fips").reset_index()
    counties[["fips", "name", "geometry"]].to_file("map.gpkg")
    panel = sp.shapefiles.load("nc_crime").frame[["crmrte", "polpc"]].set_axis(["a", "b"], axis=1)
    panel.rename_axis(["fips", "year"]).to_csv("panel.csv")


def test_pages_have_lines_and_each_starts_from_nothing() -> None:
    """What a page runs, it has written before: a study is new before it is checked."""
    assert len(PAGES) >= 4
    for lines in PAGES:
        for name in ("study.toml", "paper.toml"):
            uses = [line for line in lines if name in line]
            assert not uses or uses[0].startswith("spatial new"), PAGES[lines]
