"""The contact sheet looked at by pixels and boxes: nothing empty, cut, overlapping, or drawn as a box.

The pictures are those of ``docs/make_images.py``; a few are drawn in each run, all of them by `make gallery`.
"""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from figure_cases import assert_whole

from spatial.errors import SpatialWarning
from spatial.figures.palette import COLORS

ROOT = Path(__file__).parents[2]
QUICK = ("clusters", "change", "links", "scatter", "event_study")


def load() -> Any:
    spec = importlib.util.spec_from_file_location("make_images", ROOT / "docs" / "make_images.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IMAGES = load()
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.gallery) for name in IMAGES.SHEET]


def drawn(name: str) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)  # weak instruments, of the examples' models
        axes = IMAGES.SHEET[name][1]()
    axes.figure.set_dpi(150)
    return axes


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_whole(name: str) -> None:
    figure = drawn(name).figure
    assert_whole(figure, COLORS["paper"][name == "dark"])
    assert figure.alt, "no alternative text"


@pytest.mark.parametrize("name", [pytest.param("regions", marks=pytest.mark.gallery), "clusters"])
def test_a_picture_has_no_box_for_a_character(name: str) -> None:
    file = io.BytesIO()
    with matplotlib.rc_context({"pdf.compression": 0, "pdf.fonttype": 42}):
        drawn(name).figure.savefig(file, format="pdf")
    fonts = {match.decode() for match in re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([\w-]+)", file.getvalue())}
    assert fonts
    assert not any("LastResort" in font for font in fonts)


def test_the_page_shows_every_picture() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    for name, (words, _) in IMAGES.SHEET.items():
        assert f"![{words}](images/gallery/{name}.png)" in page
        assert (ROOT / "docs" / "images" / "gallery" / f"{name}.png").exists()


def test_the_page_of_before_and_after_knows_each_picture() -> None:
    docs = ROOT / "docs"
    text = (docs / "before.md").read_text(encoding="utf-8")
    paired = set(re.findall(r"images/before/(\w+)\.png", text))
    assert paired == {path.stem for path in (docs / "images" / "before").glob("*.png")}
    told = {**IMAGES.SHEET, **IMAGES.page_images.SHEET}
    assert paired <= told.keys()
    assert len(paired) >= 20
    missing = [words for name, (words, *_) in told.items() if name not in paired and words not in text]
    assert not missing, "run docs/before_images.py"
    assert sum(path.stat().st_size for path in (docs / "images" / "before").glob("*.png")) < 600_000
