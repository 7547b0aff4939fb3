"""The interactive report: map, Moran scatter, histograms and tables, linked, in one offline file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError
from spatial.figures.palette import CLUSTER_COLORS, MISSING_COLOR, significance_color
from spatial.ids.matching import in_kind_of
from spatial.io.atomic import atomic_text
from spatial.weights.value import as_weights
from spatial.words import check_language

from .payload import ReportData, build_report_data
from .shapes import Shapes, build_shapes
from .words import report_words, weights_words

__all__ = ["explore"]


def explore(
    cities: Any,
    panel: Any,
    columns: str | Iterable[str],
    W: Any,
    path: str | Path,
    *,
    lang: str = "en",
    names: str | pd.Series[Any] | None = None,
    alpha: float = 0.05,
    permutations: int = 999,
    seed: int = 0,
    tables: Any = None,
    title: str | None = None,
) -> Path:
    r"""Write a report that people explore in a browser: one HTML file that never asks the network.

    For each variable and time it holds the values :math:`x_{it}`, standardised in each cross-section,

    .. math:: z_{it} = (x_{it} - \bar x_t) / s_t, \qquad \text{lag}_{it} = \sum_j w_{ij} z_{jt},

    with local Moran's I, its p-values by permutation and after Benjamini and Hochberg, computed here and
    not in the browser.  Map, Moran scatter, histogram and the histogram of neighbours are linked: what is
    selected in one is selected in all, and the slope of the selected is drawn against that of the rest.

    Parameters
    ----------
    cities : GeoDataFrame by id
        Polygons, or points.  Its ``attrs["note"]``, if any, is shown under the title.
    panel : Panel, DataFrame by (unit, time), or DataFrame by unit
        A cross-section has no slider.  Missing cells are shown as missing; the statistics of a time are those
        of the units that have a value, as ``missing="drop"`` in `local_moran`.
    columns : str or list of str
        The variables to choose from.
    W : Weights, or libpysal Graph or W
        Used as given.  With weights that are not row-standardised the lag is a sum, and the slope of the
        scatter is not Moran's I.
    path : str or Path
        The file, by custom ``.html``; written whole or not at all.
    lang : {"en", "zh"}
    names : str or Series, optional
        What units are called: a column of `cities`, or names by id.  Default: the column ``name_en`` or
        ``name`` (``name_zh``, ``name_cn`` or ``name`` in Chinese), else the ids.
    alpha : float
        Level of the clusters at first; .05, .01 and .001 can be chosen in the page.
    permutations, seed : int
        As in `local_moran`.
    tables : table, list or dict of tables, optional
        Models and effects to show below: data frames, or results with ``to_html()`` or ``tidy()``; the keys
        of a dict are titles.  Only the marks of a table are kept of HTML.
    title : str, optional

    Returns
    -------
    Path
        Of the file.  The same input gives the same bytes.

    Raises
    ------
    AlignmentError
        Where cities, panel and weights have different ids.
    DataError
        For a column that is absent, infinite or cannot be measured at any time; for shapes that cannot be
        drawn.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pandas as pd
    >>> from shapely import box
    >>> from spatial.weights import contiguity
    >>> cells = [box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]
    >>> cities = gpd.GeoDataFrame(geometry=cells, index=list("abcdefghi"), crs=3857)
    >>> income = pd.DataFrame({"income": range(9)}, index=cities.index)
    >>> target = Path(tempfile.mkdtemp()) / "report.html"
    >>> explore(cities, income, "income", contiguity(cities).row_standardized(), target, permutations=99).name
    'report.html'
    """
    language = check_language(lang)
    words = report_words(language)
    if not hasattr(cities, "geometry") or not isinstance(cities, pd.DataFrame):
        raise DataError(f"cities must be a GeoDataFrame by id; got {type(cities).__name__}.")
    cities = cities.set_axis(in_kind_of(cities.index, as_weights(W).ids), axis=0)
    from .foreign_tables import titled_tables

    shown = titled_tables(tables)
    data = build_report_data(
        cities, panel, columns, W,
        names=names, lang=language, alpha=alpha, permutations=permutations, seed=seed,
    )  # fmt: skip
    shapes = build_shapes(cities, data.ids)
    from .page import build_page

    page = build_page(
        _payload(data, shapes, words, language, alpha),
        lang=language,
        title=_title(data, words, language) if title is None else title,
        facts=_facts(data, words, language),
        note=str(cities.attrs.get("note", "")),
        foot=_foot(cities, data, shapes, words, permutations, seed),
        tables=shown,
    )
    return atomic_text(path, page)


def _title(data: ReportData, words: Mapping[str, str], lang: str) -> str:
    what = ("、" if lang == "zh" else " · ").join(data.labels[:3]) + (
        ("等" if lang == "zh" else " · …") if len(data.labels) > 3 else ""
    )
    return words["title"].format(what=what)


def _facts(data: ReportData, words: Mapping[str, str], lang: str) -> str:
    units = f"{words['units']}: {len(data.ids):,}"
    times = f"{data.times[0]}–{data.times[-1]} ({len(data.times)} {words['times']})"
    W = data.weights
    row = W.meta.normalization == "none" and W.is_row_standardized
    kind = weights_words(W.meta.kind, "row" if row else W.meta.normalization, W.n_links, len(W.islands), lang)
    weights = f"{words['weights']}: {kind}"
    return " · ".join([units, *([times] if len(data.times) > 1 else []), weights])


def _foot(
    cities: Any, data: ReportData, shapes: Shapes, words: Mapping[str, str], permutations: int, seed: int
) -> list[str]:
    lines = [words["with_p"].format(permutations=permutations, seed=seed)]
    least = 2 / (1 + permutations)
    if least > min(data.levels):
        lines.append(words["least_p"].format(permutations=permutations, least=f"{least:.3g}"))
    if not shapes.are_points:
        lines.append(words["borders"])
    if data.shown_links is not None:
        lines.append(words["heaviest"].format(n=data.shown_links))
    source = [str(cities.attrs[key]) for key in ("source", "licence") if cities.attrs.get(key)]
    return [*lines, " · ".join(source)] if source else lines


def _payload(
    data: ReportData, shapes: Shapes, words: Mapping[str, str], lang: str, alpha: float
) -> dict[str, Any]:
    from spatial.figures.classes import class_colors

    from .figures import figures_json

    classes = [
        {"bounds": c.bounds.tolist(), "labels": c.labels, "colors": class_colors("YlGnBu", len(c.bounds))}
        for c in data.classes
    ]
    return {
        "lang": "zh-CN" if lang == "zh" else "en",
        "words": dict(words),
        "ids": [str(i) for i in data.ids],
        "ids_are_text": not pd.api.types.is_numeric_dtype(data.ids.dtype),
        "names": data.names,
        "columns": data.columns,
        "labels": data.labels,
        "times": data.times,
        "time_name": data.time_name,
        "levels": list(data.levels),
        "level": data.levels.index(float(alpha)),
        "mean": _nulls(data.mean),
        "sd": _nulls(data.sd),
        "I": _nulls(data.I),
        "p": _nulls(data.p),
        "problems": data.problems,
        "classes": classes,
        "cluster_colors": dict(CLUSTER_COLORS),
        "missing_color": MISSING_COLOR,
        "significance_colors": [significance_color(j, len(data.levels)) for j in range(len(data.levels))],
        "points": shapes.are_points,
        "extent": list(shapes.extent),
        "arrays": _arrays(data, shapes),
        "figures": figures_json(words, points=shapes.are_points),
    }


def _nulls(values: Any) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row] for row in values]


def _arrays(data: ReportData, shapes: Shapes) -> dict[str, list[str]]:
    """Return arrays as (type, base64 of little-endian bytes)."""
    measured = ("lag", "p_sim", "p_fdr", "quadrant", "passed_sim", "passed_fdr", "indptr", "neighbours")
    small = np.uint16 if len(data.ids) <= np.iinfo(np.uint16).max else np.uint32
    arrays = {name: getattr(data, name) for name in measured}
    arrays |= {"values": data.values, "indices": data.indices.astype(small), "centres": shapes.points}
    arrays |= {name: getattr(shapes, name) for name in ("coordinates", "rings", "polygons", "units")}
    return {name: _packed(array) for name, array in arrays.items()}


def _packed(array: Any) -> list[str]:
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return [kind, base64.b64encode(data.tobytes()).decode("ascii")]
