"""Ids of a map, and readers of what is drawn on it."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

IDS = [f"u{k:02d}" for k in range(16)]


def faces(axes: Any) -> list[str]:
    (units,) = [c for c in axes.collections if c.get_gid() == "units"]
    return [matplotlib.colors.to_hex(color) for color in units.get_facecolors()]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def hatched(axes: Any) -> int:
    return sum(len(c.get_paths()) for c in axes.collections if c.get_gid() == "missing")


def words(axes: Any, gid: str) -> list[str]:
    texts = [t for t in (*axes.figure.texts, *axes.texts) if t.get_gid() == gid]
    return [t.get_text().replace("\N{NO-BREAK SPACE}", " ") for t in texts]


def pixel(axes: Any, x: float, y: float) -> str:
    """Return the colour that is drawn at a place of the map."""
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()
    column, row = axes.transData.transform((x, y)).round().astype(int)
    image = np.asarray(canvas.buffer_rgba())
    return matplotlib.colors.to_hex(image[image.shape[0] - 1 - row, column] / 255)
