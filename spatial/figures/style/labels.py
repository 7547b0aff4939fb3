"""Labels beside points, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spatial.figures.palette import color

from .figure import root_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

__all__ = ["place_labels"]

Float = NDArray[np.float64]

# Right and left first, as a reader expects them; then further away, with a line to the point.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_RADII = (4.0, 8.0, 14.0, 24.0)  # points
_ACROSS: Mapping[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_UP: Mapping[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}
_CLEAR = 1.8  # points kept free round a label


def place_labels(
    ax: Axes,
    xy: Float,
    texts: Sequence[str],
    *,
    avoid: Float | None = None,
    blocked: Sequence[Float] = (),
    fontsize: float = 7.0,
    centred: bool = False,
) -> list[Annotation]:
    """Write `texts` beside the points `xy`, the first given being the most important.

    A label goes to the first of 32 places where it covers no other label, no blocked box and none of the
    points `avoid`; one for which there is no such place is left out rather than written over another.

    Parameters
    ----------
    ax : Axes
        Already holding what it will hold: limits must be final.
    xy : array, (n, 2)
        In data coordinates.
    texts : sequence of str, length n
    avoid : array, (m, 2), optional
        Points to keep clear, in data coordinates.
    blocked : sequence of (x0, y0, x1, y1)
        Boxes to keep clear, in display coordinates.
    fontsize : float
        Points.
    centred : bool
        Try the point itself first, as on polygons.

    Returns
    -------
    list of Annotation
        Those placed.
    """
    figure = root_figure(ax)
    figure.draw_without_rendering()  # settles the layout, so that display coordinates hold
    frame = np.asarray(ax.get_window_extent().extents)
    pixels_a_point = figure.dpi / 72
    anchors = ax.transData.transform(np.asarray(xy, dtype=np.float64).reshape(-1, 2))
    points = ax.transData.transform(avoid) if avoid is not None and len(avoid) else np.empty((0, 2))
    taken = [np.asarray(box, dtype=np.float64) for box in blocked]
    placed = []
    for anchor, point, text in zip(anchors, np.asarray(xy).reshape(-1, 2), texts, strict=True):
        label = _measured(ax, point, text, fontsize)
        width, height = _size(label)
        found = _first_free(anchor, width, height, pixels_a_point, frame, taken, points, centred)
        if found is None:
            label.remove()
            continue
        side, radius, box = found
        label.set_position((side[0] * radius, side[1] * radius))
        label.set_horizontalalignment(_ACROSS[side[0]])
        label.set_verticalalignment(_UP[side[1]])
        if label.arrow_patch is not None:
            label.arrow_patch.set_visible(radius > _RADII[1])
        taken.append(box)
        placed.append(label)
    return placed


def _measured(ax: Axes, point: Float, text: str, fontsize: float) -> Annotation:
    from matplotlib.patheffects import withStroke

    return ax.annotate(
        text,
        (float(point[0]), float(point[1])),
        (0, 0),
        textcoords="offset points",
        fontsize=fontsize,
        color=color("ink"),
        annotation_clip=True,
        zorder=6,
        parse_math=False,
        path_effects=[withStroke(linewidth=1.5, foreground=color("paper"), alpha=0.9)],
        arrowprops={"arrowstyle": "-", "color": color("rule"), "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
    )


def _size(label: Annotation) -> tuple[float, float]:
    from matplotlib.text import Text

    # Text's own extent: the annotation's would include its line to the point.
    box = Text.get_window_extent(label)
    return float(box.width), float(box.height)


def _first_free(
    anchor: Float,
    width: float,
    height: float,
    pixels_a_point: float,
    frame: Float,
    taken: Sequence[Float],
    points: Float,
    centred: bool,
) -> tuple[tuple[int, int], float, Float] | None:
    places = [(0.0, (0, 0))] if centred else []
    places += [(radius, side) for radius in _RADII for side in _SIDES]
    for radius, side in places:
        box = _box(anchor, side, radius * pixels_a_point, width, height)
        kept = box + _CLEAR * pixels_a_point * np.array([-1, -1, 1, 1])
        inside = frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]
        if inside and not _hits_boxes(kept, taken) and not _holds_points(kept, points):
            return side, radius, box
    return None


def _box(anchor: Float, side: tuple[int, int], radius: float, width: float, height: float) -> Float:
    x, y = anchor[0] + side[0] * radius, anchor[1] + side[1] * radius
    x0 = x + {1: 0.0, 0: -width / 2, -1: -width}[side[0]]
    y0 = y + {1: 0.0, 0: -height / 2, -1: -height}[side[1]]
    return np.array([x0, y0, x0 + width, y0 + height])


def _hits_boxes(box: Float, taken: Sequence[Float]) -> bool:
    return any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken)


def _holds_points(box: Float, points: Float) -> bool:
    inside = (points > box[:2]) & (points < box[2:])
    return bool(inside.all(axis=1).any())
