"""Maps of millions of units: a picture with its place on the earth, and a page that shows it."""

from __future__ import annotations

import html
from dataclasses import dataclass
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
from spatial.places.crs import frame_of
from spatial.places.points import CitiesLike, Points, geometry_of, points_of
from spatial.words import check_language

from .maps import as_numbers

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

    def means(self, values: Float) -> Float:
        """Return the mean of the values in each pixel, NaN where there are none."""
        known = np.isfinite(values)
        count = self._counts(known)
        total = np.bincount(self.place[known], weights=values[known], minlength=len(count))
        return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))

    def most_frequent(self, codes: Codes, kinds: int) -> Codes:
        """Return the code that most units of a pixel have, the first of equals; -1 where there are none."""
        best = np.zeros(self.shape[0] * self.shape[1], np.int64)
        found = np.full(len(best), -1, dtype=np.intp)
        for kind in range(kinds):
            count = self._counts(codes == kind)
            more = count > best
            best[more], found[more] = count[more], kind
        return found

    def _counts(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(self.place[chosen], minlength=self.shape[0] * self.shape[1])


@hinted
def map_raster(
    values: LocalStatistic | OpenLocal | pd.Series[Any],
    places: CitiesLike | Points | tuple[int, int],
    folder: str | Path,
    *,
    width: int = 2000,
    scheme: str | None = None,
    k: int = 5,
    lang: str = "en",
) -> Path:
    """Map millions of units as a picture of pixels, in a folder that a browser and a GIS open.

    A pixel has the mean of the values of its units, in classes; of a local statistic, the cluster that most
    of its units have.  The folder holds ``map.png``, with its place on the earth in ``map.pgw`` and
    ``map.prj`` (QGIS and ArcGIS read them), and ``index.html``, a page with the legend that needs no server.

    Parameters
    ----------
    values : LocalMoran, GetisOrd or another local result, in memory or on disk, or Series by id
    places : GeoDataFrame, Points, or (rows, columns)
        Points or polygons, of which the centroid counts; coordinates alone, by `spatial.points`; or the
        shape of a raster, whose cells are numbered row by row as in `spatial.weights.grid`.
    folder : path
        Files in it are replaced.
    width : int
        Columns of pixels, at most; a raster is never enlarged.
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
        Where there is no number to map, or the picture would have more than 64 million pixels.

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
    check_language(lang)
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise DataError(f"width is a number of pixels, 1 or more; got {width!r}.")
    frame = values.read(["cluster"]) if isinstance(values, OpenLocal) else getattr(values, "frame", None)
    series = frame["cluster"] if frame is not None and "cluster" in frame else values
    if not isinstance(series, pd.Series):
        raise DataError(f"values must be a local result or a Series by id; got {type(values).__name__}.")
    pixels, order = _pixels(places, width, series.index)
    if series is values:
        numbers = as_numbers(series, repr(series.name))[order]
        means = pixels.means(numbers)
        classes = build_classes(means, scheme, k)
        codes, shades = classes.codes(means), classes.colors()
        legend, note = classes.legend(codes, lang), word("pixel_mean", lang)
    else:
        kinds = [kind for kind in series.cat.categories if kind != ISLAND or (series == ISLAND).any()]
        given = series.cat.codes.to_numpy()[order].astype(np.intp)
        counts = np.bincount(given[given >= 0], minlength=len(kinds))
        codes, shades = pixels.most_frequent(given, len(kinds)), [cluster_color(kind) for kind in kinds]
        legend = [f"{cluster_label(kind, lang)} ({n:,})" for kind, n in zip(kinds, counts, strict=True)]
        note = word("pixel_most", lang)
    target = out_folder(folder)
    _write_picture(target / "map.png", codes.reshape(pixels.shape), shades)
    half = pixels.size / 2
    world = [pixels.size, 0.0, 0.0, -pixels.size, pixels.west + half, pixels.north - half]
    atomic_text(target / "map.pgw", "".join(f"{number!r}\n" for number in world))
    if pixels.wkt:
        atomic_text(target / "map.prj", pixels.wkt)
    title = str(getattr(values, "name", "") or "")
    if series is not values and title:
        title = word("clusters", lang, name=title)
    atomic_text(target / "index.html", _page(title, legend, shades, note, lang))
    return target / "index.html"


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


def _page(title: str, legend: list[str], shades: list[str], note: str, lang: str) -> str:
    rows = "".join(
        f'<li><i style="background:{shade}"></i>{html.escape(text)}</li>'
        for text, shade in zip(legend, shades, strict=True)
    )
    name = html.escape(title) or word("map", lang)
    return f"""<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><title>{name}</title>
<style>
body {{ margin: 0; display: grid; grid-template-columns: 1fr 18em; height: 100vh; color: {color("ink")};
  background: {color("paper")}; font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif }}
main {{ overflow: auto; padding: 1em }}
img {{ width: 100%; image-rendering: pixelated; cursor: zoom-in }}
img.whole {{ width: auto; cursor: zoom-out }}
aside {{ padding: 1em }}
h1 {{ font-size: 1.2em }}
ul {{ list-style: none; padding: 0 }}
i {{ display: inline-block; width: 1.2em; height: 1em; margin-right: .6em; vertical-align: -.1em;
  outline: 1px solid #0003 }}
</style>
<main><img src="map.png" alt="{name}" onclick="this.classList.toggle('whole')"></main>
<aside><h1>{name}</h1><ul>{rows}</ul><p>{html.escape(note)}</p></aside>
</html>
"""
