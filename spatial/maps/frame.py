"""The frame of a map: what all maps share, whatever their colours say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.figures.palette import color
from spatial.figures.style.captions import Captions, Words
from spatial.words import check_language

from .scene import Scene
from .shapes import Extent, Sketch, aspect_ratio, check_cities, draw_lines, points_a_unit, set_extent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Entry", "Frame", "MapOptions", "checked_layer", "group_codes"]

_NAMED = 12  # units whose names fit on any map
_NAMED_INSET = 60.0  # points of a frame that has room for its name


class MapOptions(Captions, total=False):
    """Keywords that each map takes, with `Captions`: title, subtitle, note, titles.

    Attributes
    ----------
    crs : CRS, optional
        Projection to draw in.  Default: a projected CRS whose areas are even over the map is kept, else an
        area-true one is made for it (Albers' conic for countries such as China and the United States), and
        the note says which.
    extent : (west, south, east, north), optional
        What the map shows, in the coordinates of the cities; default all units.
    inset : "auto", None or (west, south, east, north)
        Far parts in frames of their own.  "auto" (the default) moves Alaska, Hawaii, the South China Sea
        Islands, and other groups of few units farther from the rest than the rest is wide; the note says so.
        Four numbers, in the coordinates of the cities, frame what lies there.
    background : GeoDataFrame, optional
        Land drawn below, in pale grey.
    outline : GeoDataFrame, optional
        Boundaries drawn above, in place of our coast line: provinces, an approved base map.
    group : str, optional
        Column of the cities whose groups get grey borders: "province", "state".
    scale_bar : bool, optional
        Default where the scale varies by less than a twentieth over the map.
    north_arrow : bool
    labels : Series or True, optional
        Names by id, for the units to be named; True writes the ids.
    lang : {"en", "zh"}
    """

    crs: Any
    extent: Extent | None
    inset: Literal["auto"] | Extent | None
    background: Any
    outline: Any
    group: str | None
    scale_bar: bool | None
    north_arrow: bool
    labels: pd.Series[Any] | bool | None
    lang: str


@dataclass(frozen=True)
class Entry:
    """One line of a legend."""

    label: str
    color: str
    hatch: str | None = None
    ink: str | None = None


@dataclass(frozen=True)
class Frame:
    """The options of a map, checked, with what is drawn in the coordinates of the paper."""

    cities: Any
    scene: Scene
    sketch: Sketch
    options: MapOptions
    background: NDArray[Any] | None = None
    outline: NDArray[Any] | None = None
    labels: pd.Series[Any] | None = None
    lang: str = "en"
    notes: list[str] = field(default_factory=list)

    @classmethod
    def from_options(cls, cities: Any, options: MapOptions) -> Frame:
        """Check `options` and put every layer into one projection."""
        known = {**Captions.__annotations__, **MapOptions.__annotations__}
        unknown = set(options) - set(known)
        if unknown:
            raise DataError(
                f"Unknown map option {name_ids(sorted(unknown))}; the options are {', '.join(sorted(known))}."
            )
        lang = check_language(options.get("lang"))
        drawn = check_cities(cities)
        layers = {
            name: checked_layer(options.get(name), drawn.crs, name) for name in ("background", "outline")
        }
        scene = Scene.of(
            drawn,
            crs=options.get("crs"),
            extent=options.get("extent"),
            inset=options.get("inset", "auto"),
            layers=() if layers["background"] is None else (layers["background"],),
        )
        above = layers["outline"]
        sketch = Sketch(scene.shapes, group_codes(drawn, options.get("group")), coast=above is None)
        below = layers["background"]
        return cls(
            drawn,
            scene,
            sketch,
            options,
            None if below is None else scene.layer(below),
            None if above is None else scene.layer(above),
            _labels(options.get("labels"), drawn.index),
            lang,
            [_own_note(cities, lang), *scene.notes(lang)],
        )

    @property
    def crs(self) -> Any:
        """The CRS that the main map is drawn in."""
        return self.scene.projection.crs

    @property
    def ratio(self) -> float:
        """Height of the map over its width, margins and all."""
        west, south, east, north = self.scene.extent
        margin = 0.02 * max(east - west, north - south) or 2.0
        stretch = aspect_ratio(self.scene.extent, self.crs)
        return float((north - south + margin) * stretch / (east - west + margin))

    @property
    def texts(self) -> list[str]:
        """All text that the frame itself writes."""
        names = [] if self.labels is None else [str(name) for name in self.labels]
        insets = [inset.part.name[self.lang == "zh"] for inset in self.scene.insets]
        return [*names, *insets, *self.notes, "千米北" if self.lang == "zh" else ""]

    def words(self, *, title: str = "", subtitle: str = "", notes: Sequence[str] = ()) -> Words:
        """Return the words round the map: the caller's, or these; the note has the frame's own too."""
        return Words.of(self.options, self.lang, title=title, subtitle=subtitle, notes=[*notes, *self.notes])

    def show(self, ax: Axes) -> None:
        """Set the limits of `ax` to the map."""
        set_extent(ax, self.scene.extent, self.crs)

    def paint(
        self,
        ax: Axes,
        colors: Sequence[str],
        missing: NDArray[np.bool_],
        *,
        edge: str | None = None,
        dotted: NDArray[np.bool_] | None = None,
    ) -> None:
        """Draw layers, units and frames on `ax`, whose limits and place are final."""
        if self.background is not None:
            _fill(ax, self.background)
        self.sketch.paint(ax, colors, missing, edge=edge, dotted=dotted)
        if self.outline is not None:
            draw_lines(ax, self.outline)
        for inset in self.scene.insets:
            west, south, east, north = inset.box
            closed = inset.part.closed
            xy = (
                [(west, south), (west, north), (east, north), (east, south), (west, south)]
                if closed
                else [(west, north), (east, north), (east, south)]
            )
            ax.plot(*zip(*xy, strict=True), color=color("rule"), linewidth=0.6, zorder=4, gid="inset")
            wide = (east - west) * points_a_unit(ax)
            if closed and inset.part.name[0] not in ("", "Inset") and wide > _NAMED_INSET:
                _name_inset(ax, inset.part.name[self.lang == "zh"], inset.box)


def _name_inset(ax: Axes, name: str, box: Extent) -> None:
    text = name.replace("Sea Islands", "\nSea Islands").replace(" \n", "\n")
    ax.annotate(
        text,
        (box[2], box[1]),
        (-3, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=6.5,
        color=color("ink-2"),
        linespacing=1.1,
        zorder=5,
        gid="inset-name",
    )


def _fill(ax: Axes, shapes: NDArray[Any]) -> None:
    sketch = Sketch(shapes[shapely.get_dimensions(shapes) == 2])
    from matplotlib.collections import PathCollection

    land = PathCollection(
        sketch.paths, facecolors=color("land"), edgecolors=color("land-edge"), linewidths=0.3, zorder=1
    )
    land.set_gid("background")
    land.set_transform(ax.transData)
    ax.add_collection(land, autolim=False)


def checked_layer(layer: Any, crs: Any, name: str) -> Any:
    """Return a background or an outline without empty rows, or refuse it."""
    if layer is None:
        return None
    if not hasattr(layer, "geometry") or not hasattr(layer, "crs"):
        raise DataError(f"{name} must be a GeoDataFrame; got {type(layer).__name__}.")
    if (layer.crs is None) != (crs is None):
        raise DataError(f"{name} and the cities must both have a CRS, or neither.")
    return layer[~(layer.geometry.isna() | layer.geometry.is_empty)]


def group_codes(cities: Any, group: str | None) -> NDArray[np.intp] | None:
    """Return a number for each group of a column of the cities; None without one."""
    if group is None:
        return None
    if group not in cities.columns:
        raise DataError(
            f"group must be a column of the cities; {group!r} is none. They have: "
            f"{name_ids(cities.columns.drop(cities.geometry.name), 12)}."
        )
    codes: NDArray[np.intp] = pd.factorize(cities[group], use_na_sentinel=True)[0].astype(np.intp)
    # Units without a group are each on their own.
    alone = codes < 0
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    return codes


def _labels(labels: Any, ids: pd.Index[Any]) -> pd.Series[Any] | None:
    if labels is None or labels is False:
        return None
    if labels is True:
        if len(ids) > _NAMED:
            raise DataError(
                f"labels=True names at most {_NAMED} units, and the map has {len(ids)}: give a Series of "
                "names by id, for those to be named."
            )
        return pd.Series(ids.astype(str), index=ids)
    if not isinstance(labels, pd.Series):
        raise DataError(f"labels must be a Series of names by id; got {type(labels).__name__}.")
    unknown = labels.index.difference(ids, sort=False)
    if len(unknown):
        raise AlignmentError(f"labels name units that are not in the cities: {name_ids(unknown)}.")
    return labels.dropna()


def _own_note(cities: Any, lang: str) -> str:
    """Return the note that the cities carry, which cannot be left out."""
    return str(cities.attrs.get(f"note_{lang}") or cities.attrs.get("note") or "")
