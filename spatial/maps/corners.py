"""Where a map is free: legends, insets, scale bars and arrows cover no unit and not each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.figures.canvas import BESIDE
from spatial.figures.style.figure import root_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

__all__ = ["CORNERS", "Corners"]

Float = NDArray[np.float64]

CORNERS: tuple[str, ...] = ("lower left", "lower right", "upper left", "upper right")
_WIDE = 1.5  # of a map in the caller's axes, where there is more room below than beside
_OPPOSITE = dict(zip(CORNERS, reversed(CORNERS), strict=True))


class Corners:
    """Keeps account of what lies where on one map, in display coordinates.

    Parameters
    ----------
    ax : Axes
        With its final limits.
    shapes : array of geometries
        What must stay visible.
    """

    def __init__(self, ax: Axes, shapes: Any) -> None:
        self.ax = ax
        self.shapes = shapely.get_parts(np.asarray(shapes))
        self.tree = shapely.STRtree(self.shapes)
        self.taken: list[Float] = []
        self.settle()

    def settle(self) -> None:
        """Let the figure find its layout, so that display coordinates hold."""
        root_figure(self.ax).draw_without_rendering()

    @property
    def points(self) -> float:
        """Pixels in a point."""
        return float(root_figure(self.ax).dpi) / 72

    def box(self, corner: str, width: float, height: float, pad: float = 4.0) -> Float:
        """Return (x0, y0, x1, y1) of a box of that size in pixels, `pad` points inside the corner."""
        frame = np.asarray(self.ax.get_window_extent().extents)
        inset = pad * self.points
        x0 = frame[2] - inset - width if "right" in corner else frame[0] + inset
        y0 = frame[3] - inset - height if "upper" in corner else frame[1] + inset
        return np.array([x0, y0, x0 + width, y0 + height])

    def places(self, corner: str, width: float, height: float) -> list[Float]:
        """Return the box in the corner, then boxes moved along the two edges away from it, nearest first."""
        start = self.box(corner, width, height)
        far = self.box(_OPPOSITE[corner], width, height)
        across, up = (far - start) * [1, 0, 1, 0], (far - start) * [0, 1, 0, 1]
        return [
            start,
            *(start + share * way for share in np.arange(0.05, 0.96, 0.05) for way in (across, up)),
        ]

    def covers(self, box: Float) -> float:
        """Return the share of `box` that lies on a shape or on something placed before."""
        if any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in self.taken):
            return 2.0  # worse than to lie on a unit
        corners = self.ax.transData.inverted().transform(box.reshape(2, 2))
        window = shapely.box(*corners.ravel())
        near = self.shapes[self.tree.query(window)]
        if len(near) == 0:
            return 0.0
        if shapely.get_dimensions(near[0]) == 0:  # points
            return float(shapely.intersects(near, window).any())
        # Clipping by a rectangle, unlike intersection, also takes invalid rings.
        return float(shapely.area(shapely.clip_by_rect(near, *window.bounds)).sum() / window.area)

    def best(self, width: float, height: float, order: tuple[str, ...] = CORNERS) -> tuple[Float, float]:
        """Return the box that covers least, nearest to a corner and the earlier in `order`, and its share."""
        ranks = [self.places(corner, width, height) for corner in order]
        found, least = ranks[0][0], np.inf
        for boxes in zip(*ranks, strict=True):
            for box in boxes:
                share = round(self.covers(box), 3)
                if share == 0:
                    return box, 0.0
                if share < least:
                    found, least = box, share
        return found, float(least)

    def take(self, box: Float) -> None:
        """Mark `box` as used."""
        self.taken.append(box)

    def take_data(self, box: tuple[float, float, float, float]) -> None:
        """Mark a box as used that is given in the coordinates of the map."""
        self.take(np.asarray(self.ax.transData.transform(np.reshape(box, (2, 2)))).ravel())

    def anchor(self, legend: Legend, box: Float) -> None:
        """Put `legend` into `box`."""
        legend.set_loc("lower left")
        legend.borderaxespad = 0.0
        at = self.ax.transAxes.inverted().transform(box[:2])
        legend.set_bbox_to_anchor((float(at[0]), float(at[1])), transform=self.ax.transAxes)
        self.take(box)

    def put_legend(self, make: Callable[..., Legend]) -> None:
        """Put the legend that `make` makes where it covers nothing, or else beside or below the map."""
        legend = make()
        self.settle()
        size = legend.get_window_extent()
        box, share = self.best(size.width, size.height)
        if share == 0:
            self.anchor(legend, box)
            return
        frame = self.ax.get_window_extent()
        if frame.width > _WIDE * frame.height:
            legend.remove()
            make(ncols=max(1, int(frame.width / size.width)), **self._below())
            self.settle()
            return
        legend.set_loc(BESIDE["loc"])
        legend.borderaxespad = 0.0
        legend.set_bbox_to_anchor(BESIDE["bbox_to_anchor"], transform=self.ax.transAxes)
        self.settle()

    def _below(self) -> dict[str, Any]:
        """Return where a legend lies below the map and its note, in the given axes' own column."""
        notes = [text for text in self.ax.texts if text.get_gid() == "note"]
        lowest = min((note.get_window_extent().y0 for note in notes), default=None)
        frame = self.ax.get_window_extent()
        drop = 0.0 if lowest is None else float((lowest - frame.y0) / frame.height)
        return {"loc": "upper left", "bbox_to_anchor": (0.0, drop), "borderaxespad": 0.3}
