"""The frame of a map: what all maps share, whatever their colours say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pandas as pd

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.figures.canvas import drawing
from spatial.figures.labels import place_labels
from spatial.words import check_language

from .corners import Corners
from .furniture import add_north_arrow, add_note, add_scale_bar
from .shapes import (
    Extent,
    aspect_ratio,
    check_cities,
    check_extent,
    draw_lines,
    draw_units,
    figure_size,
    set_extent,
    total_extent,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Entry", "Frame", "MapOptions", "draw_map"]


class MapOptions(TypedDict, total=False):
    """Keywords that each map takes.

    Attributes
    ----------
    crs : CRS, optional
        Projection to draw in; default that of the cities.
    extent : (west, south, east, north), optional
        What the map shows, in coordinates as drawn; default all units.
    inset : (west, south, east, north), optional
        A second small map in a free corner, for far islands; units wholly inside do not stretch the map.
    background : GeoDataFrame, optional
        Land drawn below, in pale grey.
    outline : GeoDataFrame, optional
        Boundaries drawn above, such as provinces.
    scale_bar, north_arrow : bool
        Drawn where they cover nothing.
    labels : Series, optional
        Names by id, for the units to be named; ids of the cities only.
    title, note : str, optional
        The note below the map; default ``cities.attrs["note"]``, which cannot be left out.
    lang : {"en", "zh"}
    """

    crs: Any
    extent: Extent | None
    inset: Extent | None
    background: Any
    outline: Any
    scale_bar: bool
    north_arrow: bool
    labels: pd.Series[Any] | None
    title: str | None
    note: str | None
    lang: str


@dataclass(frozen=True)
class Entry:
    """One line of a legend."""

    label: str
    color: str
    hatch: str | None = None


@dataclass(frozen=True)
class Frame:
    """The options of a map, checked, with the layers in the CRS that is drawn."""

    cities: Any
    extent: Extent
    inset: Extent | None = None
    background: Any = None
    outline: Any = None
    scale_bar: bool = False
    north_arrow: bool = False
    labels: pd.Series[Any] | None = None
    title: str = ""
    note: str = ""
    lang: str = "en"

    @classmethod
    def from_options(cls, cities: Any, options: MapOptions) -> Frame:
        """Check `options` and put every layer into one CRS."""
        unknown = set(options) - set(MapOptions.__annotations__)
        if unknown:
            raise DataError(
                f"Unknown map option {name_ids(sorted(unknown))}; the options are "
                f"{', '.join(sorted(MapOptions.__annotations__))}."
            )
        lang = check_language(options.get("lang", "en"))
        crs = options.get("crs")
        drawn = check_cities(cities, crs)
        layers = {name: _layer(options.get(name), drawn.crs, name) for name in ("background", "outline")}
        inset = options.get("inset")
        box = None if inset is None else check_extent(inset, "inset")
        extent = options.get("extent")
        return cls(
            drawn,
            total_extent([drawn, layers["background"]], box)
            if extent is None
            else check_extent(extent, "extent"),
            box,
            layers["background"],
            layers["outline"],
            bool(options.get("scale_bar", False)),
            bool(options.get("north_arrow", False)),
            _labels(options.get("labels"), drawn.index),
            options.get("title") or "",
            _note(cities, options.get("note"), lang),
            lang,
        )

    @property
    def words(self) -> list[str]:
        """All text that the frame itself writes."""
        names = [] if self.labels is None else [str(name) for name in self.labels]
        return [self.title, self.note, *names, "千米北" if self.lang == "zh" else ""]

    def paint(
        self,
        ax: Axes,
        colors: Sequence[str],
        hatches: Sequence[str | None],
        extent: Extent,
        *,
        scale: float = 1.0,
    ) -> None:
        """Draw the layers and the units on `ax`, and nothing else; `scale` thins the lines of small maps."""
        if self.background is not None:
            grey = ["#f4f4f2"] * len(self.background)
            draw_units(ax, self.background, grey, edge="#c8c8c8", zorder=1.0)
        faces = draw_units(ax, self.cities, colors, hatches=hatches, linewidth=self.linewidth * scale)
        faces.set_gid("units")
        if self.outline is not None:
            draw_lines(ax, self.outline, linewidth=0.6 * scale)
        set_extent(ax, extent, self.cities.crs)

    @property
    def linewidth(self) -> float:
        """Thinner where there are many units, so that colours remain."""
        return float(np.clip(8.0 / np.sqrt(len(self.cities)), 0.1, 0.6))


def _layer(layer: Any, crs: Any, name: str) -> Any:
    if layer is None:
        return None
    if not hasattr(layer, "geometry") or not hasattr(layer, "crs"):
        raise DataError(f"{name} must be a GeoDataFrame; got {type(layer).__name__}.")
    if (layer.crs is None) != (crs is None):
        raise DataError(f"{name} and the cities must both have a CRS, or neither.")
    kept = layer[~(layer.geometry.isna() | layer.geometry.is_empty)]
    return kept if crs is None else kept.to_crs(crs)


def _labels(labels: Any, ids: pd.Index[Any]) -> pd.Series[Any] | None:
    if labels is None:
        return None
    if not isinstance(labels, pd.Series):
        raise DataError(f"labels must be a Series of names by id; got {type(labels).__name__}.")
    unknown = labels.index.difference(ids, sort=False)
    if len(unknown):
        raise AlignmentError(f"labels name units that are not in the cities: {name_ids(unknown)}.")
    return labels.dropna()


def _note(cities: Any, note: str | None, lang: str) -> str:
    own = cities.attrs.get(f"note_{lang}") or cities.attrs.get("note") or ""
    return "  ".join(part for part in (str(own), note or "") if part)


def draw_map(
    ax: Axes | None,
    frame: Frame,
    colors: Sequence[str],
    hatches: Sequence[str | None],
    entries: Sequence[Entry],
    legend_title: str,
) -> Axes:
    """Draw one map with its legend, inset, scale bar, arrow, labels and note."""
    words = [*frame.words, legend_title, *(entry.label for entry in entries)]
    with drawing(ax, words, size=figure_size(frame.extent, frame.cities.crs)) as axes:
        frame.paint(axes, colors, hatches, frame.extent)
        if frame.title:
            axes.set_title(frame.title)
        if frame.note:
            add_note(axes, frame.note, _width_points(axes))
        corners = Corners(axes, _visible_shapes(frame), may_grow=ax is None)
        if frame.inset is not None:
            _add_inset(corners, frame, colors, hatches)
        if entries:
            corners.put_legend(partial(add_legend, axes, entries, legend_title))
        if frame.scale_bar:
            add_scale_bar(corners, frame.cities.crs, frame.lang)
        if frame.north_arrow:
            add_north_arrow(corners, frame.cities.crs, frame.lang)
        if frame.labels is not None:
            _name_units(corners, frame)
    return axes


def add_legend(ax: Axes, entries: Sequence[Entry], title: str, **options: Any) -> Any:
    """Add a legend of filled boxes."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=entry.color, edgecolor="#6e6e6e", linewidth=0.4, hatch=entry.hatch, label=entry.label)
        for entry in entries
    ]
    legend = ax.legend(handles=handles, title=title or None, alignment="left", handlelength=1.4, **options)
    legend.set_zorder(7)
    return legend


def _width_points(ax: Axes) -> float:
    from spatial.figures.canvas import root_figure

    figure = root_figure(ax)
    figure.draw_without_rendering()
    return float(ax.get_window_extent().width / figure.dpi * 72)


def _visible_shapes(frame: Frame) -> Any:
    shapes = np.asarray(frame.cities.geometry.array)
    if frame.background is not None:
        shapes = np.concatenate([shapes, np.asarray(frame.background.geometry.array)])
    return shapes


def _add_inset(corners: Corners, frame: Frame, colors: Sequence[str], hatches: Sequence[str | None]) -> None:
    assert frame.inset is not None
    west, south, east, north = frame.inset
    ax = corners.ax
    box = ax.get_window_extent()
    ratio = (north - south) * aspect_ratio(frame.inset, frame.cities.crs) / (east - west)
    height = 0.30 * box.height
    width = height / ratio
    if width > 0.3 * box.width:
        width, height = 0.3 * box.width, 0.3 * box.width * ratio
    place, _ = corners.best(width, height, ("lower right", "lower left", "upper right", "upper left"))
    corners.take(place)
    x0, y0, x1, y1 = ax.transAxes.inverted().transform(place.reshape(2, 2)).ravel()
    small = ax.inset_axes((x0, y0, x1 - x0, y1 - y0), zorder=5)
    frame.paint(small, colors, hatches, frame.inset, scale=0.6)
    small.set_xlim(west, east)
    small.set_ylim(south, north)
    for spine in small.spines.values():
        spine.set_visible(True)
        spine.set_edgecolor("#404040")
        spine.set_linewidth(0.7)


def _name_units(corners: Corners, frame: Frame) -> None:
    assert frame.labels is not None
    chosen = frame.cities.geometry.loc[frame.labels.index]
    points = chosen if (chosen.geom_type == "Point").all() else chosen.representative_point()
    xy = np.column_stack([points.x, points.y])
    names = [str(name) for name in frame.labels]
    # In the order of the ids, so that shuffled rows give the same map.
    order = sorted(range(len(names)), key=lambda row: str(frame.labels.index[row]))  # type: ignore[union-attr]
    corners.ax.scatter(xy[:, 0], xy[:, 1], s=5, c="#202020", linewidths=0, zorder=5.5)
    place_labels(
        corners.ax,
        xy[order],
        [names[row] for row in order],
        avoid=xy,
        blocked=corners.taken,
        fontsize=7.5,
    )
