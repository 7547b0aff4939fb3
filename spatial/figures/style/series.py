"""What curves share: colours and markers by number, words at their ends, axes without a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spatial.figures.palette import CATEGORIES, MARKERS, current_theme

from .figure import root_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["end_label", "look", "quiet"]

_TWO_OR_THREE = (0, 1, 5)  # blue, orange, ink


def look(number: int, count: int) -> tuple[str, str]:
    """Return colour and marker of the `number`-th of `count` series: two or three are blue, orange, ink."""
    colors = CATEGORIES[current_theme() == "dark"]
    place = _TWO_OR_THREE[number] if count <= len(_TWO_OR_THREE) else number % len(colors)
    return colors[place], MARKERS[place]


def end_label(axes: Axes, x: Any, y: float, text: str, ink: str, *, bold: bool = True) -> None:
    """Write `text` right of the last point."""
    axes.annotate(
        text,
        (x, y),
        (7, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        fontsize=7.5,
        fontweight="bold" if bold else "normal",
        color=ink,
        annotation_clip=False,
        parse_math=False,
        zorder=5,
        gid="end-label",
    )


def _apart(axes: Axes) -> None:
    """Move labels at the ends of lines off each other, the upper one up."""
    labels = [text for text in axes.texts if text.get_gid() == "end-label"]
    root_figure(axes).draw_without_rendering()
    labels.sort(key=lambda text: text.get_window_extent().y0)
    top = -np.inf
    for text in labels:
        box = text.get_window_extent()
        if box.y0 < top:
            lift = (top - box.y0) / root_figure(axes).dpi * 72
            across, up = text.get_position()
            text.set_position((across, up + lift))
            box = box.translated(0, top - box.y0)
        top = box.y1 + 1


def quiet(axes: Axes) -> None:
    """Leave a horizontal grid and no frame, and set the words at the ends of lines apart."""
    axes.yaxis.grid(True)
    axes.spines["left"].set_visible(False)
    axes.spines["top"].set_visible(False)
    axes.spines["right"].set_visible(False)
    axes.margins(x=0.02)
    _apart(axes)
