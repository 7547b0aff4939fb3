"""A report and its data for a web site: files in a folder that any server, or none, can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from spatial.compute.pvalues import Alternative
from spatial.errors import DataError, hinted, name_ids
from spatial.figures.palette import CLUSTERS
from spatial.io.atomic import atomic_text, out_folder, write_csv
from spatial.panel.panel import PanelLike
from spatial.places.centroids import areas_of
from spatial.places.points import CitiesLike
from spatial.weights.value import WeightsLike
from spatial.words import check_language

from .building import gathered, write_report
from .page import plain_json
from .payload import ReportData, Settings, display_names
from .shapes import simplified
from .topology import STEP, build_topology

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["write_web"]

_OWN = ("id", "name", "name_zh")  # fields of ours


@hinted
def write_web(
    folder: str | Path,
    cities: CitiesLike,
    panel: PanelLike,
    columns: str | Iterable[str],
    W: WeightsLike,
    *,
    lang: str | None = None,
    names: str | pd.Series[Any] | None = None,
    logs: str | Sequence[str] = (),
    group: str | None = None,
    outline: gpd.GeoDataFrame | None = None,
    alpha: float = 0.05,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    tables: Any = None,
    title: str | None = None,
) -> Path:
    """Write a page and its data for the web: a folder that opens without a server.

    ``index.html`` is the report of `explore`, in one file; ``units.geojson`` and ``units.topojson`` hold
    the units in WGS 84 with their ids, names, and the values and clusters of the last time;
    ``values.csv`` holds all that was measured, a row for each unit and time, to be joined by id.

    Parameters
    ----------
    folder : str or Path
        Made where there is none; other files in it stay.
    cities, panel, columns, W
        As in `explore`; the cities have a CRS.
    lang, names, logs, group, outline, alpha, permutations, seed, alternative, tables, title
        As in `explore`.

    Returns
    -------
    Path
        Of index.html.

    Raises
    ------
    AlignmentError, DataError
        As `explore`; also for cities without a CRS.

    Notes
    -----
    A feature's ``id`` is the unit's, as text, in either file: it does not change between runs.  Borders are
    simplified as a coverage, so that neighbours still share them, and lie on a grid of 0.00001 degrees.
    Rings run as RFC 7946 asks.  In TopoJSON each border is written once; of points only GeoJSON is written.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely import box
    >>> from spatial.weights import contiguity
    >>> cells = [box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]
    >>> cities = gpd.GeoDataFrame(geometry=cells, index=list("abcdefghi"), crs=4326)
    >>> income = pd.DataFrame({"income": range(9)}, index=cities.index)
    >>> W = contiguity(cities).row_standardized()
    >>> page = write_web(tempfile.mkdtemp(), cities, income, "income", W, permutations=99)
    >>> sorted(path.name for path in page.parent.iterdir())
    ['index.html', 'units.geojson', 'units.topojson', 'values.csv']
    """
    lang = check_language(lang)
    if getattr(cities, "crs", None) is None:
        raise DataError(
            "A map for the web is in WGS 84, and the cities have no CRS: name theirs with set_crs first."
        )
    settings = Settings(permutations, seed, alternative, alpha=alpha)
    found = gathered(cities, panel, columns, W, settings, lang=lang, logs=logs, tables=tables)
    taken = [column for column in found.data.columns if column in (*_OWN, found.data.time_name)]
    if taken:
        raise DataError(f"Columns {name_ids(taken)} would hide the fields of units: rename them.")
    target = out_folder(folder)
    target.mkdir(parents=True, exist_ok=True)
    data, own = found.data, None if title is None else (title, title)
    page = write_report(
        target / "index.html", found.cities, data, found.sections,
        lang=lang, names=names, group=group, outline=outline, title=own, history=found.history,
    )  # fmt: skip
    ids = data.ids.append(found.cities.index.difference(data.ids, sort=False))
    called = [display_names(found.cities, names, data.ids, code) for code in ("en", "zh")]
    _write_units(target, found.cities.loc[ids], _properties(data, called))
    write_csv(_values(data), target / "values.csv")
    return page


def _properties(data: ReportData, called: list[list[str]]) -> list[dict[str, Any]]:
    """Return what each feature says of itself: names, and the last time's values and clusters."""
    t = len(data.times) - 1
    found: list[dict[str, Any]] = []
    for i, (english, chinese) in enumerate(zip(*called, strict=True)):
        row: dict[str, Any] = {"name": english} | ({"name_zh": chinese} if chinese != english else {})
        if len(data.times) > 1:
            row[data.time_name] = data.times[t]
        for k, column in enumerate(data.columns):
            inside = i < len(data.ids)
            value = float(data.values[k, t, i]) if inside else np.nan
            code = int(data.clusters[k, t, i]) if inside else -1
            row[column] = value if np.isfinite(value) else None
            row[f"{column}_cluster"] = CLUSTERS[code] if code >= 0 else None
        found.append(row)
    return found


def _write_units(target: Path, cities: Any, properties: list[dict[str, Any]]) -> None:
    shapes = areas_of(np.asarray(cities.geometry.to_crs(4326).array))
    ids = [str(i) for i in cities.index]
    if (shapely.get_dimensions(shapes) == 0).all():
        places = [{"type": "Point", "coordinates": [round(p.x, 5), round(p.y, 5)]} for p in shapes]
        _write_geojson(target, ids, properties, places)
        (target / "units.topojson").unlink(missing_ok=True)
        return
    topology = build_topology(simplified(shapes))
    outlines = [{"type": "MultiPolygon", "coordinates": topology.polygons(u)} for u in range(len(ids))]
    _write_geojson(target, ids, properties, outlines)
    geometries = [
        {"type": "MultiPolygon", "id": i, "properties": said, "arcs": arcs}
        for i, said, arcs in zip(ids, properties, topology.units, strict=True)
    ]
    atomic_text(
        target / "units.topojson",
        plain_json(
            {
                "type": "Topology",
                "transform": {"scale": [STEP, STEP], "translate": list(topology.origin)},
                "objects": {"units": {"type": "GeometryCollection", "geometries": geometries}},
                "arcs": topology.written(),
            }
        ),
    )


def _write_geojson(target: Path, ids: list[str], properties: list[Any], shapes: list[Any]) -> None:
    features = [
        {"type": "Feature", "id": i, "properties": said, "geometry": shape}
        for i, said, shape in zip(ids, properties, shapes, strict=True)
    ]
    atomic_text(target / "units.geojson", plain_json({"type": "FeatureCollection", "features": features}))


def _values(data: ReportData) -> pd.DataFrame:
    """Return a row for each unit and time: values, lags, p-values and clusters of each variable."""
    n, times = len(data.ids), len(data.times)
    head = {"id": np.tile(np.asarray(data.ids.astype(str)), times)}
    if times > 1:
        head[data.time_name] = np.repeat(data.times, n)
    found = pd.DataFrame(head)
    named = np.array([*CLUSTERS, ""], dtype=object)
    for k, column in enumerate(data.columns):
        found[column] = data.values[k].ravel()
        found[f"{column}_lag_z"] = data.lag[k].ravel()
        found[f"{column}_p"] = data.p_sim[k].ravel()
        found[f"{column}_cluster"] = named[data.clusters[k].ravel()]
    return found
