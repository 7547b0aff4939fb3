"""One map on paper: the figure's size, the legend in the emptiest corner, the furniture, the words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial.figures.canvas import DOUBLE, MIDDLE, SINGLE, check_axes, style
from spatial.figures.palette import color
from spatial.figures.style.captions import Words, caption_axes, caption_figure, caption_heights
from spatial.figures.style.figure import root_figure
from spatial.figures.style.fonts import apply_fonts, font_context
from spatial.figures.style.labels import place_labels
from spatial.figures.words import word

from .corners import Corners
from .frame import Entry, Frame
from .furniture import add_north_arrow, add_scale_bar, scale_is_even

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["add_legend", "draw_map", "missing_entry", "sheet"]

_TALLEST = 500.0  # points of a map's height
_GAP = 10.0  # points between map and legend


def draw_map(
    ax: Axes | None,
    frame: Frame,
    colors: Sequence[str],
    missing: NDArray[np.bool_],
    entries: Sequence[Entry],
    legend_title: str,
    words: Words,
    dotted: NDArray[np.bool_] | None = None,
) -> Axes:
    """Draw one map with its legend, frames, scale bar, arrow, names and words."""
    paint = partial(frame.paint, colors=colors, missing=missing, dotted=dotted)
    return sheet(ax, frame, paint, entries, legend_title, words)


def sheet(
    ax: Axes | None,
    frame: Frame,
    paint: Callable[[Axes], None],
    entries: Sequence[Entry],
    legend_title: str,
    words: Words,
) -> Axes:
    """Lay the page out, let `paint` fill the map, and add what goes round it."""
    from spatial.figures.style.shown import ShownFigure

    check_axes(ax)
    words.alt = words.alt or described(words, legend_title, entries)
    texts = [*frame.texts, *words.texts, legend_title, *(entry.label for entry in entries)]
    with font_context(texts, **style()):
        if ax is not None:
            axes = ax
            frame.show(axes)
            caption_axes(axes, words, root_figure(axes), note=True)
            apply_fonts(axes)  # the corners are measured with what is written so far
        else:
            axes = ShownFigure(figsize=(_width(frame.ratio), 4)).add_axes((0, 0, 1, 1))
            frame.show(axes)
            _fit(axes, frame.ratio, words)
        corners = Corners(axes, frame.sketch.shapes)
        for inset in frame.scene.insets:
            corners.take_data(inset.box)
        if entries:
            make = partial(add_legend, axes, entries, legend_title)
            if ax is None:
                _own_legend(corners, make, frame, words)
            else:
                corners.put_legend(make)
        paint(axes)
        bar = frame.options.get("scale_bar")
        if bar or (bar is None and ax is None and scale_is_even(frame.scene)):
            add_scale_bar(corners, frame.crs, frame.lang)
        if frame.options.get("north_arrow"):
            add_north_arrow(corners, frame.crs, frame.lang)
        if frame.labels is not None:
            words.notes.extend(_name_units(corners, frame))
        figure = root_figure(axes)
        if ax is None:
            caption_figure(figure, words)
        apply_fonts(axes)
    return axes


def described(words: Words, legend_title: str, entries: Sequence[Entry]) -> str:
    """Return the map in words: its title, and its legend."""
    chinese = words.lang == "zh"
    head = [text for text in (words.title, words.subtitle) if text]
    listed = ("；" if chinese else "; ").join(entry.label for entry in entries)
    named = f"{legend_title}{'：' if chinese else ': '}{listed}" if legend_title else listed
    return ("。" if chinese else ". ").join(filter(None, [*head, named]))


def _width(ratio: float) -> float:
    """Return the width of the page in inches: a wide map has two columns of a journal."""
    return DOUBLE if ratio < 1.05 else MIDDLE if ratio < 2.2 else SINGLE


def _fit(axes: Axes, ratio: float, words: Words, legend: tuple[float, float] | None = None) -> None:
    """Give the figure the height that map and words need, with the legend right of the map if it is given."""
    figure = root_figure(axes)
    width = float(figure.get_size_inches()[0]) * 72
    above, below = caption_heights(words, width)
    beside = 0.0 if legend is None else legend[0] + _GAP
    wide = min(width - beside, _TALLEST / ratio)
    body = max(wide * ratio, 0.0 if legend is None else legend[1])
    height = above + body + below
    figure.set_size_inches(width / 72, height / 72)
    left = 0.0 if legend is not None else max((width - wide) / 2, 0.0)
    axes.set_position(
        (left / width, (below + body - wide * ratio) / height, wide / width, wide * ratio / height)
    )


def _own_legend(corners: Corners, make: Callable[..., Any], frame: Frame, words: Words) -> None:
    """Put the legend into a free corner of the map, or into a column right of it."""
    axes, legend = corners.ax, make()
    corners.settle()
    box = legend.get_window_extent()
    place, share = corners.best(
        box.width, box.height, ("upper right", "lower left", "lower right", "upper left")
    )
    if share == 0:
        corners.anchor(legend, place)
        return
    size = box.width / corners.points, box.height / corners.points
    _fit(axes, frame.ratio, words, size)
    corners.settle()
    figure = root_figure(axes)
    wide = float(figure.get_size_inches()[0]) * 72 * axes.get_position().width
    legend.set_loc("upper left")
    legend.borderaxespad = 0.0
    legend.set_bbox_to_anchor((1 + _GAP / wide, 1.0), transform=axes.transAxes)
    # What was marked in pixels has moved.
    corners.taken.clear()
    for inset in frame.scene.insets:
        corners.take_data(inset.box)


def missing_entry(count: int, lang: str) -> list[Entry]:
    """Return the legend's last line, "No data (18)", if there are any."""
    from .shapes import HATCH

    if not count:
        return []
    return [Entry(f"{word('missing', lang)} ({count:,})", color("paper"), HATCH, color("hatch"))]


def add_legend(ax: Axes, entries: Sequence[Entry], title: str, **options: Any) -> Any:
    """Add a legend of filled boxes, 13 by 8 points."""
    from matplotlib.patches import Patch

    handles = [
        Patch(
            facecolor=entry.color,
            edgecolor=entry.ink or color("rule"),
            linewidth=0.4,
            hatch=entry.hatch,
            label=entry.label,
        )
        for entry in entries
    ]
    legend = ax.legend(
        handles=handles,
        title=title or None,
        title_fontproperties={"weight": "bold", "size": 7.5},
        alignment="left",
        handlelength=13 / 7.5,
        handleheight=8 / 7.5,
        handletextpad=5 / 7.5,
        labelspacing=0.42,
        borderpad=0.2,
        **options,
    )
    legend.set_zorder(7)
    return legend


def _name_units(corners: Corners, frame: Frame) -> list[str]:
    assert frame.labels is not None
    rows = frame.cities.index.get_indexer(frame.labels.index)
    xy = frame.scene.centers[rows]
    names = [str(name) for name in frame.labels]
    # In the order of the ids, so that shuffled rows give the same map.
    order = sorted(range(len(names)), key=lambda row: str(frame.labels.index[row]))  # type: ignore[union-attr]
    dots = bool(frame.sketch.points)
    placed = place_labels(
        corners.ax,
        xy[order],
        [names[row] for row in order],
        avoid=xy if dots else None,
        blocked=corners.taken,
        fontsize=6.5,
        centred=not dots,
    )
    left = len(names) - len(placed)
    if not left:
        return []
    return [
        f"{left} 个名称因重叠未标出"
        if frame.lang == "zh"
        else f"{left} names that would overlap are left out"
    ]
