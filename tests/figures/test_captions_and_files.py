"""Words round figures, files, dark paper, labels, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_cases import RNG
from matplotlib.figure import Figure
from small_font import register_font

from spatial import figures
from spatial.errors import DataError
from spatial.figures.palette import COLORS, theme
from spatial.figures.style.labels import place_labels
from spatial.weights import Weights


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


# ---- what all figures share
def test_words_stand_round_the_figure_inside_its_edges(weights: Weights, x: pd.Series) -> None:
    axes = figures.moran_scatter(
        x,
        weights,
        title="A title that is long enough to be broken into two lines, as titles of papers often are",
        subtitle="A subtitle",
        note="A note. " * 30,
    )
    figure = axes.figure
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    inner = axes.get_tightbbox()
    assert not any(box.overlaps(inner) for box in boxes)
    assert figure.alt.endswith("as titles of papers often are. A subtitle")


def test_titles_can_be_left_to_the_journal(weights: Weights, x: pd.Series) -> None:
    axes = figures.moran_scatter(x, weights, titles=False)
    assert axes.figure.texts == []
    assert axes.figure.note.startswith("Note: Both axes in standard deviations")
    given = figures.moran_scatter(x, weights, ax=Figure().subplots())
    assert given.get_title(loc="left") == "Moran scatter plot of income"
    assert any(t.get_gid() == "subtitle" for t in given.texts)


def test_files_hold_truetype_fonts_text_and_the_alternative_text(
    weights: Weights, x: pd.Series, tmp_path: Path
) -> None:
    axes = figures.moran_scatter(x, weights)
    pdf = figures.save_figure(axes, tmp_path / "a.pdf").read_bytes()
    assert b"/Subtype /Type3" not in pdf
    assert b"/FontFile2" in pdf
    svg = figures.save_figure(axes, tmp_path / "a.svg").read_text()
    assert ">Moran scatter plot of income</text>" in svg
    assert "Moran scatter plot of income. Moran’s I" in svg  # the description
    from PIL import Image

    with Image.open(figures.save_figure(axes, tmp_path / "a.png")) as image:
        assert image.info["Description"] == axes.figure.alt
        assert image.info["dpi"][0] == pytest.approx(300, abs=0.1)


def test_figures_are_drawn_on_dark_paper_too(weights: Weights, x: pd.Series) -> None:
    with theme("dark"):
        axes = figures.moran_scatter(x, weights)
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == COLORS["paper"][1]
    assert matplotlib.colors.to_hex(axes.figure.get_facecolor()) == COLORS["paper"][1]
    assert matplotlib.colors.to_hex(axes.figure.texts[0].get_color()) == COLORS["ink"][1]


def test_axes_given_are_used_and_nothing_is_left_in_pyplot(weights: Weights, x: pd.Series) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    mine = Figure().subplots()
    assert figures.moran_scatter(x, weights, ax=mine) is mine
    figures.moran_scatter(x, weights)
    assert plt.get_fignums() == before
    assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]


@pytest.mark.evidence("save_figure", source="equal figures are equal bytes in three formats", kind="identity")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_figures_are_equal_files(weights: Weights, x: pd.Series, tmp_path: Path, suffix: str) -> None:
    paths = [
        figures.save_figure(figures.moran_scatter(x, weights), tmp_path / f"{k}{suffix}", dpi=60)
        for k in "ab"
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_unknown_formats_are_refused(weights: Weights, x: pd.Series, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"written as one of .*\.pdf.*\.png.*; got .*map\.docx"):
        figures.save_figure(figures.moran_scatter(x, weights), tmp_path / "map.docx")


def test_labels_never_overlap_and_are_left_out_where_there_is_no_room() -> None:
    axes = Figure(figsize=(3, 3)).subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    crowd = np.full((80, 2), 0.5) + RNG.normal(scale=0.02, size=(80, 2))
    placed = place_labels(axes, crowd, [f"label {k}" for k in range(80)])
    axes.figure.draw_without_rendering()
    boxes = [matplotlib.text.Text.get_window_extent(label) for label in placed]
    assert 2 <= len(placed) < 80
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_labels_with_markup_are_drawn_as_text(tmp_path: Path) -> None:
    axes = Figure().subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    place_labels(axes, np.array([[0.5, 0.5]]), [r"$\frac{$ <b> %"])
    axes.figure.savefig(tmp_path / "a.png")
    assert axes.texts[0].get_text() == r"$\frac{$ <b> %"


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    figures_and_maps = "spatial.figures.autocorrelation.scatter, spatial.figures.estimates, spatial.maps.maps"
    rooms = f"{figures_and_maps}, spatial.gis.layers, spatial.models.system, spatial.tables.regression"
    code = f"import {rooms}, sys; print(sorted(HEAVY & set(sys.modules)))"
    heavy = {"matplotlib", "mapclassify", "libpysal", "numba", "scipy.stats", "scipy.optimize"}
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {heavy}; {code}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
