"""Ids, random numbers, readers of what is drawn, and what every picture owes its reader."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text

IDS = list("abcdefghij")
RNG = np.random.default_rng(0)


def points(axes: Any) -> np.ndarray:
    return np.asarray(axes.collections[0].get_offsets())


def slope(axes: Any) -> float:
    line = next(line for line in axes.lines if line.get_gid() == "moran-line")
    return float(np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0])


def said(axes: Any, gid: str) -> str:
    texts = [t.get_text() for t in axes.figure.texts if t.get_gid() == gid]
    return " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")


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


def assert_whole(figure: Any, paper: str) -> None:
    """Refuse a picture that is empty, cut, or has overlapping or tiny words, on paper of a colour #rrggbb."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # a missing glyph is a warning, and so an error
    image = np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)
    ink = (np.abs(image - [int(paper[k : k + 2], 16) for k in (1, 3, 5)]) > 8).any(axis=2)
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
    assert min(text.get_fontsize() for text in texts) >= 6.0
