"""What the page's script reads: as few numbers as it cannot work out itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.figures.palette import theme

from . import packing
from .payload import ReportData
from .shapes import Shapes
from .words import PAIRS, Pair, report_words

__all__ = ["build_payload"]

_P_LEVELS = (0.1, 0.05, 0.01)


def build_payload(
    data: ReportData,
    shapes: Shapes | None,
    ids: Sequence[Any],
    names: tuple[list[str], list[str]],
    *,
    title: Pair,
    lang: str,
) -> dict[str, Any]:
    """Return the content of the page's data element; `ids` and `names` are those of the whole map."""
    settings = data.settings
    derived = _lags_can_be_derived(data)
    words = {code: report_words(code) for code in ("en", "zh")}
    standard = data.weights.is_row_standardized
    if not standard:
        for place, code in enumerate(("en", "zh")):
            words[code]["axis_lag"] = PAIRS["axis_lag_sum"][place]
            words[code]["moran"] = PAIRS["moran"][place]
    return {
        "lang": lang,
        "words": words,
        "title": title,
        "ids": [str(i) for i in ids],
        "ids_are_text": not pd.api.types.is_numeric_dtype(data.ids.dtype),
        "names": [names[0], names[1] if names[1] != names[0] else None],
        "n": len(data.ids),
        "times": data.times,
        "time_name": data.time_name,
        "levels": [{"value": level, "reached": level >= settings.smallest_p} for level in settings.levels],
        "pLevels": [level for level in _P_LEVELS if level >= settings.smallest_p] or [settings.levels[0]],
        "alpha": float(settings.alpha),
        "permutations": settings.permutations,
        "least": settings.smallest_p,
        "alternative": settings.alternative,
        "variables": [_variable(data, k, derived) for k in range(len(data.columns))],
        "links": _links(data, standard),
        "map": None if shapes is None else _map(shapes),
    }


def _variable(data: ReportData, k: int, derived: bool) -> dict[str, Any]:
    classes = data.classes[k]
    colours = {}
    for name in ("light", "dark"):
        with theme(name):
            colours[name] = classes.colors()
    found = {
        "key": data.columns[k],
        "label": data.labels[k],
        "label_shown": data.shown_labels[k],
        "log": data.logs[k],
        "values": packing.numbers(data.values[k].ravel()),
        "counts": packing.counts(data.p_sim[k].ravel(), data.settings.permutations),
        "sides": [part[1:] for part in data.sides if part[0] == k],
        "bounds": classes.bounds.tolist(),
        "class_labels": classes.labels,
        "colours": colours,
        "problems": data.problems[k],
    }
    found |= {name: _nulls(getattr(data, name)[k]) for name in ("I", "p", "low", "high")}
    return found if derived else found | {"lag": packing.packed(data.lag[k].ravel())}


def _nulls(values: NDArray[np.float64]) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def _lags_can_be_derived(data: ReportData) -> bool:
    """Return whether the page's rule for lags gives the lags that were measured."""
    links = data.links
    if links.weight is None:
        return False
    rows = np.repeat(np.arange(len(links.count)), np.diff(links.indptr))
    for k in range(len(data.columns)):
        for t in range(len(data.times)):
            if data.problems[k][t]:
                continue
            x = data.values[k, t]
            x = x / np.nanmax(np.abs(x))  # of any unit
            z = (x - np.nanmean(x)) / np.nanstd(x)
            there = ~np.isnan(z[links.indices])
            total = np.bincount(rows[there], z[links.indices][there], minlength=len(x))
            many = np.bincount(rows[there], minlength=len(x))
            standard = data.weights.is_row_standardized
            found = total / np.maximum(many, 1) if standard else total * links.weight
            known = ~np.isnan(z) & (many > 0)
            if not np.allclose(found[known], data.lag[k, t][known], rtol=1e-10, atol=1e-10):
                return False
    return True


def _links(data: ReportData, standard: bool) -> dict[str, Any]:
    links = data.links
    small = np.uint16 if len(data.ids) <= np.iinfo(np.uint16).max else np.uint32
    return {
        "standard": standard,
        "indptr": packing.packed(links.indptr.astype(np.uint32)),
        "indices": packing.packed(links.indices.astype(small)),
        "count": packing.packed(links.count.astype(np.uint32)),
        "weight": None if standard or links.weight is None else packing.packed(links.weight),
    }


def _map(shapes: Shapes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "size": shapes.size,
        "centres": packing.steps(shapes.points),
        "frames": [{"box": f.box, "name": f.name, "closed": f.closed} for f in shapes.frames],
    }
    if shapes.are_points:
        return found
    borders = [packing.lines(lines) for lines in shapes.borders]
    return found | {"rings": packing.rings(shapes.rings), "borders": borders}
