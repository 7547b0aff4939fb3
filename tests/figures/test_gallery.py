"""The contact sheet looked at by pixels and boxes: nothing empty, cut, overlapping, or drawn as a box.

The pictures are those of ``docs/make_images.py``; a few are drawn in each run, all of them by `make gallery`.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text

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


def unseen(figure: Any) -> set[int]:
    """Return the labels of ticks outside their axes, and of axes that are switched off."""
    found = set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not axes.axison or not low <= tick.get_loc() <= high:
                    found |= {id(tick.label1), id(tick.label2)}
    return found


def texts_of(figure: Any) -> list[Text]:
    """Return what is written, as it is seen."""
    hidden = unseen(figure)
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible()
        and text.get_text().strip()
        and id(text) not in hidden
        and text.get_window_extent().width >= 1
    ]


def box_of(text: Text) -> Any:
    # An annotation's own extent would include its line to the point.
    return Text.get_window_extent(text) if isinstance(text, Annotation) else text.get_window_extent()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_whole(name: str) -> None:
    axes = drawn(name)
    figure = axes.figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # a missing glyph is a warning, and so an error
    image = np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)
    paper = np.array([int(COLORS["paper"][name == "dark"][k : k + 2], 16) for k in (1, 3, 5)])
    ink = (np.abs(image - paper) > 8).any(axis=2)
    assert 0.01 < ink.mean() < 0.9, "the picture is empty, or nothing but ink"
    assert not ink[:, -1].any(), "something is cut at the right edge"
    assert not ink[0].any(), "something is cut at the upper edge"
    texts = texts_of(figure)
    boxes = [box_of(text) for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        edges = figure.bbox.padded(1)
        inside = edges.x0 <= box.x0 and edges.y0 <= box.y0 and box.x1 <= edges.x1 and box.y1 <= edges.y1
        assert inside, f"{text.get_text()!r} is cut"
    for (one, a), (two, b) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
        assert apart, f"{one.get_text()!r} and {two.get_text()!r} overlap"
    assert figure.alt, "no alternative text"
    assert min(text.get_fontsize() for text in texts) >= 6.0


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
