"""The interactive report: map, Moran scatter, histogram and tables, linked, in one offline file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial.compute.pvalues import Alternative
from spatial.errors import DataError, hinted
from spatial.figures.palette import CLUSTERS, cluster_label
from spatial.ids.matching import in_kind_of
from spatial.io.atomic import atomic_text
from spatial.panel.panel import Panel, PanelLike
from spatial.places.points import CitiesLike
from spatial.weights.value import WeightsLike, as_weights
from spatial.words import check_language

from . import prose
from .content import build_payload
from .figures import still_map
from .findings import findings_of
from .payload import ReportData, Settings, build_report_data, display_names
from .sections import (
    Sections,
    data_blocks,
    pair_table,
    section_of,
    unit_rows,
    weights_blocks,
)
from .shapes import Shapes, build_shapes
from .words import PAIRS, Pair, report_words

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["Gathered", "explore", "gathered", "write_report"]

_TABS = ("explore", "models", "effects", "weights", "data", "methods")
_STILL = (*CLUSTERS[:4], "not-significant", "island")


@hinted
def explore(
    cities: CitiesLike,
    panel: PanelLike,
    columns: str | Iterable[str],
    W: WeightsLike,
    path: str | Path,
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
    r"""Write a report that people explore in a browser: one HTML file that never asks the network.

    For each variable and time it holds the values :math:`x_{it}`, standardised in each cross-section,

    .. math:: z_{it} = (x_{it} - \bar x_t) / s_t, \qquad \text{lag}_{it} = \sum_j w_{ij} z_{jt},

    and local Moran's I with its p-values by permutation, computed here; standardised values, lags, the false
    discovery rate and clusters are worked out by the page from these, and are those of `local_moran`.  Map,
    Moran scatter, histogram and table are linked: what is selected in one is selected in all.

    Parameters
    ----------
    cities : GeoDataFrame by id, or None
        Polygons, or points.  Units of the map that the weights do not have are hatched as without data.  Its
        ``attrs["note"]``, if any, is shown under the title.
        None: a chart of ranks stands in the place of the map.
    panel : Panel, DataFrame by (unit, time), or DataFrame by unit
        A cross-section has no slider.  Missing cells are hatched; the statistics of a time are those
        of the units that have a value, as ``missing="drop"`` in `local_moran`.
    columns : str or list of str
        The variables to choose from.
    W : Weights, or libpysal Graph or W
        Used as given.  With weights that are not row-standardised the lag is a sum, and the slope of the
        scatter is not Moran's I.
    path : str or Path
        The file, by custom ``.html``; written whole or not at all.
    lang : {"en", "zh"}
        The language at first; the page has both.
    names : str or Series, optional
        What units are called: a column of `cities` (of "town", ``town_en`` and ``town_zh`` where they are
        there), or names by id.  Default: the column ``name_en`` or ``name`` (``name_zh``, ``name_cn`` or
        ``name`` in Chinese), else the ids.
    logs : str or list of str
        Those of `columns` that hold logarithms: analysed as they are, shown as what they are logarithms of.
    group : str, optional
        Column of `cities` whose groups get grey borders: "province", "state".
    outline : GeoDataFrame, optional
        Boundaries drawn in place of our coast line, such as an approved base map.
    alpha : float
        Level of the clusters at first; .10, .05, .01 and .001 can be chosen in the page where the
        permutations reach them.
    permutations, seed, alternative : int, int, str
        As in `local_moran`.
    tables : table, list or dict of tables, optional
        Models and effects: data frames, or results with ``to_html()`` or ``tidy()``; the keys of a dict are
        titles.  Impacts of a system are drawn under "Effects".  Only the marks of a table are kept of HTML.
    title : str, optional
        The question, as a headline.

    Returns
    -------
    Path
        Of the file.  The same input gives the same bytes.

    Raises
    ------
    AlignmentError
        Where panel and weights have different ids, or the cities lack some.
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
    lang = check_language(lang)
    settings = Settings(permutations, seed, alternative, alpha=alpha)
    found = gathered(cities, panel, columns, W, settings, lang=lang, logs=logs, tables=tables)
    own = None if title is None else (title, title)
    return write_report(
        path, found.cities, found.data, found.sections,
        lang=lang, names=names, group=group, outline=outline, title=own, history=found.history,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was given, checked and measured."""

    cities: Any
    data: ReportData
    sections: Sections
    history: pd.DataFrame | None


def gathered(
    cities: Any, panel: Any, columns: Any, W: Any, settings: Settings, *, lang: str, logs: Any, tables: Any
) -> Gathered:
    """Check what was given, match it by id and measure it."""
    check_language(lang)
    weights = as_weights(W)
    located = _located(cities, weights.ids)
    sections = section_of(tables, {})
    data = build_report_data(panel, columns, weights, settings, logs=logs)
    history = panel.history_frame() if isinstance(panel, Panel) else None
    return Gathered(located, data, sections, history)


def write_report(
    path: str | Path,
    cities: Any,
    data: ReportData,
    sections: Sections,
    *,
    lang: str,
    names: Any = None,
    group: str | None = None,
    outline: gpd.GeoDataFrame | None = None,
    title: Pair | None = None,
    stamp: Pair = ("", ""),
    labels: Mapping[str, Pair] | None = None,
    history: pd.DataFrame | None = None,
) -> Path:
    """Write what was measured; `cities` hold all ids of the weights, or are None."""
    ids = data.ids if cities is None else data.ids.append(cities.index.difference(data.ids, sort=False))
    bare = pd.DataFrame(index=data.ids) if cities is None else cities
    called = display_names(bare, names, data.ids, "en"), display_names(bare, names, data.ids, "zh")
    shapes = None if cities is None else build_shapes(cities, ids, group, outline)
    headline = prose.title(data) if title is None else title
    attrs: Mapping[str, Any] = {} if cities is None else cities.attrs
    weights = sections.weights + weights_blocks(data)
    known = dict(zip(data.columns, data.labels, strict=True)) | dict(labels or {})
    page = build_page_of(
        build_payload(data, shapes, list(ids), called, title=headline, lang=lang),
        lang=lang,
        title=headline,
        facts=prose.facts(data, len(ids)),
        dek=prose.dek(data),
        note=prose.note(attrs, stamp),
        findings=findings_of(data, len(ids), sections.frames, known, sections.weak),
        still=_still(data, shapes, called, len(ids)),
        map_note=prose.map_note(data, shapes, len(ids)),
        times=len(data.times),
        has_map=shapes is not None,
        models=sections.models,
        effects=sections.effects,
        weights=weights,
        data=sections.data + data_blocks(data, history),
        methods=prose.methods(data),
        record=(*sections.record, prose.record(data)),
        foot=prose.foot(attrs, data),
    )
    return atomic_text(path, page)


def build_page_of(payload: Any, **parts: Any) -> str:
    """Return the page; words and tabs are those of every report."""
    from .page import build_page

    words = {code: report_words(code) for code in ("en", "zh")}
    return build_page(payload, words=words, pairs=PAIRS, tabs=_TABS, **parts)


def _located(cities: Any, ids: pd.Index[Any]) -> Any:
    """Return the cities by ids of the weights' kind; refuse where some are not on the map."""
    from spatial.ids.alignment import indexer

    if cities is None:
        return None
    if not hasattr(cities, "geometry") or not isinstance(cities, pd.DataFrame):
        raise DataError(f"cities must be a GeoDataFrame by id; got {type(cities).__name__}.")
    found = cities.set_axis(in_kind_of(cities.index, ids), axis=0)
    # What the map has beyond the weights is hatched; what it lacks cannot be drawn.
    indexer(
        found.index.intersection(ids, sort=False) if found.index.is_unique else found.index, ids, "the cities"
    )
    return found


def _still(data: ReportData, shapes: Shapes | None, called: Any, units: int) -> dict[str, Any]:
    """Return the last time without scripts: map, legend and table of the first variable."""
    t = int(np.flatnonzero(np.isfinite(data.I[0]))[-1])
    codes = [_STILL[code] if code >= 0 else "missing" for code in data.clusters[0, t]]
    codes += ["missing"] * (units - len(codes))
    words = {
        **{code: (cluster_label(code, "en"), cluster_label(code, "zh")) for code in CLUSTERS[:4]},
        **PAIRS,
    }
    legend = [
        f'<span><i class="swatch k-{code}"></i> <span class="en">{words[code][0]}</span>'
        f'<span class="zh">{words[code][1]}</span> ({codes.count(code):,})</span> '
        for code in (*_STILL, "missing")
        if code in codes
    ]
    heads: list[Any] = [
        PAIRS["name"],
        PAIRS["id"],
        PAIRS["cluster"],
        data.shown_labels[0],
        "p",
    ]
    rows = unit_rows(data, called[0], lambda i: words[codes[i]])
    tables = pair_table(heads, rows, text=3)
    at = f", {data.times[t]}" if len(data.times) > 1 else ""
    return {
        "title": (
            f"Clusters of {data.labels[0][0]}{at}",
            f"{data.labels[0][1]}的聚类{at.replace(', ', '，')}",
        ),
        "legend": f'<p class="note">{"".join(legend)}</p>',
        "svg": "" if shapes is None else still_map(shapes, codes),
        "table": f'<div class="en">{tables[0]}</div><div class="zh">{tables[1]}</div>',
    }
