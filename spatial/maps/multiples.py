"""Small multiples: one variable at several times, in classes that stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import DataError, hinted
from spatial.figures.canvas import DOUBLE, check_axes, on_map, style
from spatial.figures.classes import build_classes, class_colors
from spatial.figures.palette import color
from spatial.figures.style.captions import caption_axes, caption_figure, caption_heights
from spatial.figures.style.figure import root_figure
from spatial.figures.style.fonts import apply_fonts, font_context
from spatial.figures.words import word
from spatial.ids.rows import one_text
from spatial.ids.times import find_times
from spatial.panel.panel import PanelLike
from spatial.places.points import CitiesLike

from .frame import Entry, Frame, MapOptions
from .maps import as_numbers
from .sheet import add_legend, described, missing_entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["grid_shape", "small_multiples"]

Float = NDArray[np.float64]

_MOST = 24  # maps on one page
_HIGH = 610.0  # points of the page's height
_LABEL = 13.0  # points of the line with the year


@hinted
def small_multiples(
    cities: CitiesLike,
    panel: PanelLike,
    column: str,
    times: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
    scheme: str | Sequence[float] | None = None,
    k: int = 5,
    cmap: str | Colormap | Sequence[str] | None = None,
    center: float | None = None,
    n_columns: int | None = None,
    **options: Unpack[MapOptions],
) -> Axes:
    """Map one variable at several times, with classes that stay the same, so that colours can be compared.

    Parameters
    ----------
    cities : GeoDataFrame
        With the units of the panel; any others are hatched.
    panel : Panel
    column : str
    times : sequence, optional
        Default all; of more than 24 every second, third, ... and the last, and the note says which.
    ax : Axes, optional
        Its place is divided among the maps.
    scheme, k, cmap, center
        As in `map_values`; the classes are those of all `times` together.
    n_columns : int, optional
        Maps in a row; default so that maps are as large as the page allows.
    **options
        See `MapOptions`; crs, extent, inset, background, outline, group, title, subtitle, note, titles and
        lang are used.

    Returns
    -------
    Axes
        The whole; the maps are its ``child_axes``, in the order of `times`, each titled with its time.

    Raises
    ------
    DataError
        If there is no such column or time, or `k` is no number of classes.
    AlignmentError
        If the ids of the panel are not those of the cities.

    Examples
    --------
    >>> from spatial.shapefiles import load
    >>> axes = small_multiples(load("nc"), load("nc_crime"), "crmrte", [1981, 1984, 1987])
    >>> len(axes.child_axes)
    3
    """
    from spatial.figures.style.shown import ShownFigure

    check_axes(ax)
    frame = Frame.from_options(cities, options)
    chosen, said = _times(panel, times, frame.lang)
    label = panel.label(panel.require(one_text(column, "column"))[0])
    cube = _panel_numbers(panel, column, chosen, frame.cities.index)
    classes = build_classes(cube.ravel(), scheme, k, center=center)
    codes = classes.codes(cube)
    shades = classes.colors() if cmap is None else class_colors(cmap, len(classes.bounds))
    entries = [
        Entry(text, shade) for text, shade in zip(classes.legend(codes, frame.lang), shades, strict=True)
    ]
    entries += missing_entry(int((codes < 0).sum()), frame.lang)
    across, down = _shape(len(chosen), frame.ratio, n_columns)
    words = frame.words(subtitle=word("same_classes", frame.lang), notes=[*said, *_gaps(codes, frame.lang)])
    words.alt = described(words, label, entries)
    with font_context([*frame.texts, *words.texts, label, *(e.label for e in entries)], **style()):
        width = DOUBLE * 72
        cell = width / across
        # The year stands in the map's upper left corner, if that is free, else on a line of its own.
        label_line = _LABEL if _corner_is_taken(frame, cell) else 3.0
        step = min((cell - 6) * frame.ratio, _HIGH / down - label_line) + label_line
        above, below = caption_heights(words, width)
        if ax is None:
            height = above + below + down * step
            axes = ShownFigure(figsize=(DOUBLE, height / 72)).add_axes(
                (0, below / height, 1, down * step / height)
            )
        else:
            axes = ax
        axes.set_axis_off()
        root_figure(axes).draw_without_rendering()
        for number, time in enumerate(chosen):
            row, place = divmod(number, across)
            tall = 1 / down
            line = min(label_line / step, 0.3) * tall
            small = axes.inset_axes((place / across, 1 - (row + 1) * tall, 0.97 / across, tall - line))
            frame.show(small)
            small.set_anchor("NW")
            small.apply_aspect(small.get_position())
            gaps = codes[number] < 0
            frame.paint(small, [color("paper") if c < 0 else shades[c] for c in codes[number]], gaps)
            inside = label_line < _LABEL
            small.set_title(
                str(time), loc="left", fontsize=8.5, fontweight="bold", y=1.0, pad=-8.0 if inside else 1.5
            )
        _place_legend(axes, entries, label, len(chosen), across, down, own=ax is None)
        figure = root_figure(axes)
        if ax is None:
            caption_figure(figure, words)
        else:
            caption_axes(axes, words, figure, note=True)
        apply_fonts(axes)
    return axes


def _corner_is_taken(frame: Frame, cell: float) -> bool:
    """Return whether a year in the upper left corner of a map `cell` points wide would lie on land."""
    west, _, east, north = frame.scene.extent
    scale = (east - west) / (cell - 6)
    corner = shapely.box(west - scale, north - 12 * scale, west + 30 * scale, north + scale)
    return bool(shapely.intersects(frame.sketch.shapes, corner).any())


def _place_legend(
    axes: Axes, entries: Sequence[Entry], label: str, n: int, across: int, down: int, *, own: bool
) -> None:
    """Put the legend into the free cell after the last map, or beside the maps of the caller's axes."""
    if own or n < across * down:
        row, place = divmod(n, across)
        at = ((place + 0.04) / across, 1 - (row + 0.08) / down)
        add_legend(axes, entries, label, loc="upper left", bbox_to_anchor=at, borderaxespad=0.0)
    else:
        add_legend(axes, entries, label, loc="center left", bbox_to_anchor=(1.0, 0.5), borderaxespad=0.0)


def _gaps(codes: NDArray[np.intp], lang: str) -> list[str]:
    """Say how many units have no data at all, and how many have gaps."""
    empty = int((codes < 0).all(axis=0).sum())
    some = int((codes < 0).any(axis=0).sum()) - empty
    parts = []
    if empty:
        parts.append(word("hatched_never", lang, count=f"{empty:,}"))
    if some:
        parts.append(word("hatched_sometimes", lang, count=f"{some:,}"))
    return parts


def grid_shape(n: int, ratio: float, width: float, height: float) -> tuple[int, int]:
    """Return columns and rows for `n` cells, one of them the legend: the largest maps, then few empty cells.

    Examples
    --------
    >>> grid_shape(8, 1 / 2.6, 510.0, 610.0), grid_shape(22, 1 / 1.2, 510.0, 610.0)
    ((2, 4), (4, 6))
    """
    best: tuple[tuple[float, int], tuple[int, int]] | None = None
    for across in range(1, n + 1):
        down = -(-n // across)
        wide = min(width / across, max(height / down - _LABEL, 1.0) / ratio)
        rank = (round(wide, 0), -(across * down - n))
        if best is None or rank > best[0]:
            best = rank, (across, down)
    assert best is not None
    return best[1]


def _shape(n: int, ratio: float, n_columns: int | None) -> tuple[int, int]:
    if n_columns is None:
        return grid_shape(n + 1, ratio, DOUBLE * 72, _HIGH)
    if isinstance(n_columns, bool) or not isinstance(n_columns, (int, np.integer)) or n_columns < 1:
        raise DataError(f"n_columns must be a number of maps in a row, at least 1; got {n_columns!r}.")
    across = int(min(n_columns, n + 1))
    return across, -(-(n + 1) // across)


def _times(panel: Any, times: Sequence[Any] | None, lang: str) -> tuple[list[Any], list[str]]:
    if not hasattr(panel, "cube") or not hasattr(panel, "times"):
        raise DataError(f"A Panel is needed (see read_panel); got {type(panel).__name__}.")
    have = list(panel.times)
    if times is None:
        if len(have) <= _MOST:
            return have, []
        step = -(-(len(have) - 1) // (_MOST - 1))
        chosen = list(dict.fromkeys([*have[::step], have[-1]]))
        said = word(
            "some_years", lang, step=step, first=have[0], last=have[-1], count=len(chosen), of=len(have)
        )
        return chosen, [said]
    return find_times(panel.times, times), []


def _panel_numbers(panel: Any, column: str, times: Sequence[Any], ids: pd.Index[Any]) -> Float:
    units = pd.Index(panel.units)
    place = on_map(pd.Series(np.arange(len(units), dtype=np.float64), index=units), ids, "the panel")
    cube: Float = panel.cube([column])[:, :, 0]
    rows = pd.Index(panel.times).get_indexer(pd.Index(times))
    there = place.notna().to_numpy()
    values = np.full((len(rows), len(ids)), np.nan)
    values[:, there] = cube[rows][:, place[there].to_numpy().astype(np.intp)]
    flat = pd.Series(values.ravel(), index=np.tile(np.asarray(ids, dtype=object), len(rows)))
    return as_numbers(flat, repr(column)).reshape(len(rows), len(ids))
