"""Maps of millions of units: a picture with its place on the earth, or tiles, and a page that shows it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.autocorrelation.on_disk import OpenLocal
from spatial.errors import AlignmentError, DataError, hinted, name_ids
from spatial.figures.classes import build_classes
from spatial.figures.palette import ISLAND, cluster_color, cluster_label, color
from spatial.figures.words import word
from spatial.ids.alignment import indexer
from spatial.io.atomic import atomic_path, atomic_text, out_folder
from spatial.maps.maps import as_numbers
from spatial.places.crs import frame_of, transformer_of
from spatial.places.points import CitiesLike, Points, geometry_of, points_of
from spatial.words import check_language

from .pyramid import SIDE, Pyramid, deepest_zoom, mercator

if TYPE_CHECKING:
    from spatial.autocorrelation.local_inference import LocalStatistic

__all__ = ["map_raster"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]

_MOST_PIXELS = 64_000_000


@dataclass(frozen=True, eq=False)
class Pixels:
    """Which pixel each unit is in.

    Parameters
    ----------
    place : array, (N,)
        The number of the pixel, row by row from the top left.
    shape : (rows, columns)
    west, north : float
        Of the outer corner at the top left.
    size : float
        Of a pixel, in the unit of the map.
    wkt : str
        The reference system; empty for a raster without one.
    """

    place: NDArray[np.int64]
    shape: tuple[int, int]
    west: float
    north: float
    size: float
    wkt: str

    @property
    def count(self) -> int:
        """How many pixels there are."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True, eq=False)
class Colours:
    """What colour a pixel has, from sums over its units.

    Parameters
    ----------
    shades : list of str
    legend : list of str
        A line for each shade.
    note : str
    sums : callable
        From some units, the pixel of each, and how many pixels there are, to their sums, (P, pixels).
    codes : callable
        From sums (P, ...) to the number of the shade; -1 where there is no unit.
    """

    shades: list[str]
    legend: list[str]
    note: str
    sums: Callable[[Any, NDArray[np.int64], int], Float]
    codes: Callable[[Float], Codes]


@hinted
def map_raster(
    values: LocalStatistic | OpenLocal | pd.Series[Any],
    places: CitiesLike | Points | tuple[int, int],
    folder: str | Path,
    *,
    width: int = 2000,
    tiles: bool = False,
    scheme: str | None = None,
    k: int = 5,
    lang: str | None = None,
) -> Path:
    """Map millions of units as a picture of pixels, in a folder that a browser and a GIS open.

    A pixel has the mean of the values of its units, in classes; of a local statistic, the cluster that most
    of its units have.  Units without a value have a colour of their own, and a pixel without a unit none.
    The folder holds ``map.png``, with its place on the earth in ``map.pgw`` and ``map.prj`` (QGIS and ArcGIS
    read them), and ``index.html``, a page with the legend that needs no server.

    With ``tiles=True`` it holds a pyramid in place of one picture, for maps larger than a screen: tiles
    ``z/x/y.png`` of 256 x 256 pixels in Web Mercator (EPSG:3857), as every web map and QGIS take them, and a
    page that is dragged and zoomed, without a server too.

    Parameters
    ----------
    values : LocalMoran, GetisOrd or another local result, in memory or on disk, or Series by id
    places : GeoDataFrame, Points, or (rows, columns)
        Points or polygons, of which the centroid counts; coordinates alone, by `spatial.points`; or the
        shape of a raster, whose cells are numbered row by row as in `spatial.weights.grid`.
    folder : path
        Files in it are replaced.
    width : int
        Columns of pixels, at most; a raster is never enlarged.  Of tiles at least, at the deepest zoom, where
        units are as dense as that.
    tiles : bool
        Write a pyramid; values by class are then those of the units, the same at each zoom.
    scheme, k
        Classes of the pixels, as in `spatial.map_values`.
    lang : {"en", "zh"}

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    AlignmentError
        Where the ids of values and places differ.
    DataError
        Where there is no number to map, the picture would have more than 64 million pixels, or tiles are
        asked for of a raster that has no place on the earth.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pandas as pd
    >>> x = pd.Series(np.arange(1200.0), name="income")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = map_raster(x, (30, 40), folder, width=20)
    ...     sorted(file.name for file in page.parent.iterdir())
    ['index.html', 'map.pgw', 'map.png']
    """
    lang = check_language(lang)
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise DataError(f"width is a number of pixels, 1 or more; got {width!r}.")
    frame = values.read(["cluster"]) if isinstance(values, OpenLocal) else getattr(values, "frame", None)
    series = frame["cluster"] if frame is not None and "cluster" in frame else values
    if not isinstance(series, pd.Series):
        raise DataError(f"values must be a local result or a Series by id; got {type(values).__name__}.")
    target = out_folder(folder)
    title = str(getattr(values, "name", "") or "")
    if series is not values and title:
        title = word("clusters", lang, name=title)
    if tiles:
        u, v, order = _on_earth(places, series.index)
        pixels = None
    else:
        pixels, order = _pixels(places, width, series.index)
    if series is values:
        numbers = as_numbers(series, repr(series.name))[order]
        colours = _of_values(numbers, pixels, scheme, k, lang)
    else:
        colours = _of_clusters(series, order, lang)
    if pixels is None:
        body, script = _write_tiles(target, u, v, deepest_zoom(u, v, width), colours, lang), _SCRIPT
    else:
        _write_picture_of(target, pixels, colours)
        body, script = f'<img src="map.png" alt="{html.escape(title)}" onclick="{_WHOLE}">', ""
    atomic_text(target / "index.html", _page(title, body, script, colours, lang))
    return target / "index.html"


# ---- colours
def _of_values(numbers: Float, pixels: Pixels | None, scheme: str | None, k: int, lang: str) -> Colours:
    """Return the colours of means: classes of the pixels of one picture, or of the units of all tiles."""

    def sums(units: Any, pixel: NDArray[np.int64], count: int) -> Float:
        given = numbers[units]
        known = np.isfinite(given)
        total = np.bincount(pixel[known], weights=given[known], minlength=count)
        return np.stack([total, *(np.bincount(p, minlength=count) for p in (pixel[known], pixel))])

    def means(total: Float) -> Float:
        out = np.full(total[0].shape, np.nan)
        return np.asarray(np.divide(total[0], total[1], out=out, where=total[1] > 0))

    seen, lacking = numbers, int((~np.isfinite(numbers)).sum())
    if pixels is not None:
        total = sums(slice(None), pixels.place, pixels.count)
        seen, lacking = means(total), int(((total[1] == 0) & (total[2] > 0)).sum())
    classes = build_classes(seen, scheme, k)
    shades, legend = classes.colors(), classes.legend(classes.codes(seen), lang)
    if lacking:
        shades, legend = [*shades, color(_LACKING)], [*legend, f"{word('missing', lang)} ({lacking:,})"]

    def codes(total: Float) -> Codes:
        known = np.where(total[1] > 0, classes.codes(means(total)), len(shades) - 1)
        return np.where(total[2] > 0, known, -1)

    return Colours(shades, legend, word("unit_mean" if pixels is None else "pixel_mean", lang), sums, codes)


def _of_clusters(series: pd.Series[Any], order: Any, lang: str) -> Colours:
    """Return the colours of what most units of a pixel are, the first of equals."""
    kinds = [kind for kind in series.cat.categories if kind != ISLAND or (series == ISLAND).any()]
    given = series.cat.codes.to_numpy()[order].astype(np.intp)
    counts = np.bincount(given[given >= 0], minlength=len(kinds))
    shades = [cluster_color(kind) for kind in kinds]
    legend = [f"{cluster_label(kind, lang)} ({n:,})" for kind, n in zip(kinds, counts, strict=True)]
    lacking = int((given < 0).sum())
    if lacking:
        shades, legend = [*shades, color(_LACKING)], [*legend, f"{word('missing', lang)} ({lacking:,})"]

    def sums(units: Any, pixel: NDArray[np.int64], count: int) -> Float:
        part = given[units]
        own = [np.bincount(pixel[part == kind], minlength=count) for kind in range(len(kinds))]
        return np.stack([*own, np.bincount(pixel[part < 0], minlength=count)]).astype(np.float64)

    def codes(total: Float) -> Codes:
        most = total[:-1].argmax(axis=0)
        most = np.where(total[:-1].any(axis=0), most, len(kinds))
        return np.where(total.any(axis=0), most, -1)

    return Colours(shades, legend, word("pixel_most", lang), sums, codes)


# ---- where units are
def _pixels(places: Any, width: int, ids: pd.Index[Any]) -> tuple[Pixels, Any]:
    """Return the pixel of each unit, and the places of the units in `ids`."""
    if isinstance(places, (tuple, list)):
        return _of_cells(places, width, ids)
    from pyproj import CRS

    points = points_of(places)
    crs = CRS.from_user_input(places.crs) if isinstance(places, Points) else geometry_of(places).crs
    factor = 1.0 if points.lonlat else frame_of(crs).factor
    x, y = points.x / factor, points.y / factor
    west, north = float(x.min()), float(y.max())
    size = max(float(np.ptp(x)) / width, float(np.ptp(y)) / (4 * width)) or 1.0
    columns, rows = (int(float(np.ptp(v)) // size) + 1 for v in (x, y))
    _refuse_many(rows, columns)
    place = ((north - y) // size).astype(np.int64) * columns + ((x - west) // size).astype(np.int64)
    order = indexer(ids, points.ids, "the values", "the places")
    return Pixels(place, (rows, columns), west, north, size, crs.to_wkt("WKT1_ESRI")), order


def _of_cells(shape: Any, width: int, ids: pd.Index[Any]) -> tuple[Pixels, Any]:
    if len(shape) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise DataError(f"The shape of a raster is (rows, columns); got {shape!r}.")
    rows, columns = (int(n) for n in shape)
    cell = ids.to_numpy()
    if cell.dtype.kind not in "iu" or (len(cell) and (cell.min() < 0 or cell.max() >= rows * columns)):
        raise AlignmentError(
            f"The ids of cells are numbers from 0 to {rows * columns - 1}, row by row; got "
            f"{name_ids(ids[:3])}, ... They belong to another raster."
        )
    step = -(-columns // width)
    high, wide = -(-rows // step), -(-columns // step)
    _refuse_many(high, wide)
    place = cell // columns // step * wide + cell % columns // step
    return Pixels(place, (high, wide), 0.0, float(rows), float(step), ""), slice(None)


def _refuse_many(rows: int, columns: int) -> None:
    if rows * columns > _MOST_PIXELS:
        raise DataError(
            f"The picture would have {rows:,} x {columns:,} pixels; at most {_MOST_PIXELS:,} are drawn. Take "
            "a smaller width."
        )


def _on_earth(places: Any, ids: pd.Index[Any]) -> tuple[Float, Float, Any]:
    """Return u and v of each unit, in Web Mercator, and the places of the units in `ids`."""
    if isinstance(places, (tuple, list)):
        raise DataError(
            "Tiles lie on the earth, and the shape of a raster does not: give points or polygons, or "
            "spatial.points(longitude, latitude) of its cells."
        )
    from pyproj import CRS

    points = points_of(places)
    x, y = points.x, points.y
    if not points.lonlat:
        crs = CRS.from_user_input(places.crs if isinstance(places, Points) else geometry_of(places).crs)
        factor = frame_of(crs).factor
        x, y = transformer_of(crs, 4326).transform(x / factor, y / factor)
    u, v = mercator(x, y)
    return u, v, indexer(ids, points.ids, "the values", "the places")


# ---- files
def _write_tiles(folder: Path, u: Float, v: Float, zoom: int, colours: Colours, lang: str) -> str:
    """Write the pyramid and the script of its page; return the map of the page."""

    def write(z: int, x: int, y: int, total: Float) -> None:
        _write_picture(folder / str(z) / str(x) / f"{y}.png", colours.codes(total), colours.shades)

    def sums(units: NDArray[np.int64], pixel: NDArray[np.int64]) -> Float:
        return colours.sums(units, pixel, SIDE * SIDE)

    made = Pyramid(u, v, zoom, sums, write).build()
    about = {
        "zoom": zoom,
        "tiles": made,
        "bounds": [float(edge) for edge in (u.min(), v.min(), u.max(), v.max())],
    }
    atomic_text(folder / "viewer.js", files(__package__).joinpath("viewer.js").read_text(encoding="utf-8"))
    buttons = "".join(
        f'<button id="{key}" title="{word(key, lang)}" aria-label="{word(key, lang)}">{sign}</button>'
        for key, sign in (("closer", "+"), ("farther", "\u2212"), ("all", "\u2922"))
    )
    return (
        f'<canvas id="map" tabindex="0" aria-label="{word("map", lang)}"></canvas><nav>{buttons}</nav>'
        f'<script type="application/json" id="pyramid">{json.dumps(about)}</script>'
    )


def _write_picture_of(folder: Path, pixels: Pixels, colours: Colours) -> None:
    """Write one picture, and where it lies."""
    codes = colours.codes(colours.sums(slice(None), pixels.place, pixels.count))
    _write_picture(folder / "map.png", codes.reshape(pixels.shape), colours.shades)
    half = pixels.size / 2
    world = [pixels.size, 0.0, 0.0, -pixels.size, pixels.west + half, pixels.north - half]
    atomic_text(folder / "map.pgw", "".join(f"{number!r}\n" for number in world))
    if pixels.wkt:
        atomic_text(folder / "map.prj", pixels.wkt)


def _write_picture(file: Path, codes: Codes, shades: list[str]) -> None:
    """Write pixels by the number of their colour; those without a unit are transparent."""
    from matplotlib.colors import to_rgb
    from PIL import Image

    picture = Image.fromarray(np.where(codes < 0, len(shades), codes).astype(np.uint8))
    picture = picture.convert("P") if picture.mode != "P" else picture
    colors = [round(255 * part) for shade in (*shades, color("paper")) for part in to_rgb(shade)]
    picture.putpalette(colors)
    with atomic_path(file) as part:
        picture.save(part, transparency=len(shades), optimize=True)


_LACKING = "hatch"
_WHOLE = "this.classList.toggle('whole')"
_SCRIPT = '<script src="viewer.js"></script>'


def _page(title: str, body: str, script: str, colours: Colours, lang: str) -> str:
    rows = "".join(
        f'<li><i style="background:{shade}"></i>{html.escape(text)}</li>'
        for text, shade in zip(colours.legend, colours.shades, strict=True)
    )
    name = html.escape(title) or word("map", lang)
    return f"""<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; display: grid; grid-template-columns: 1fr 18em; height: 100vh; color: {color("ink")};
  background: {color("paper")}; font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif }}
main {{ overflow: auto; position: relative; min-width: 0; min-height: 0 }}
img {{ width: 100%; image-rendering: pixelated; cursor: zoom-in }}
img.whole {{ width: auto; cursor: zoom-out }}
canvas {{ position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: grab }}
canvas:focus-visible {{ outline: 2px solid {color("accent")}; outline-offset: -2px }}
nav {{ position: absolute; left: .7em; top: .7em; display: grid; gap: .3em }}
button {{ width: 2.6em; height: 2.6em; font: inherit; color: inherit; background: {color("paper")};
  border: 1px solid {color("rule")}; border-radius: 3px; cursor: pointer }}
aside {{ padding: 1em; overflow: auto; border-left: 1px solid {color("grid")} }}
h1 {{ font-size: 1.2em; margin-top: 0 }}
ul {{ list-style: none; padding: 0 }}
i {{ display: inline-block; width: 1.2em; height: 1em; margin-right: .6em; vertical-align: -.1em;
  outline: 1px solid #0003 }}
@media (max-width: 700px) {{
  body {{ grid-template: 1fr auto / 1fr }}
  aside {{ max-height: 34vh; border: 0; border-top: 1px solid {color("grid")}; padding: .7em 1em }}
  ul {{ columns: 2; margin: .4em 0 }}
}}
</style>
<main>{body}</main>
<aside><h1>{name}</h1><ul>{rows}</ul><p>{html.escape(colours.note)}</p></aside>
{script}</html>
"""
