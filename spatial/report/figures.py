"""Pictures that stand in the file as SVG: the map for readers without scripts, effects, neighbour counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .shapes import Shapes
from .words import Pair

__all__ = ["bar_chart", "effects_charts", "still_map", "ticks"]

_UNLIKE = 5  # times as far from zero: no longer on one scale
_EFFECTS = ("direct", "indirect", "total")
_FEWEST_BARS = 8  # fewer are no wider than so many
_MARKS = {"direct": "circle", "indirect": "square", "total": "diamond"}


def still_map(shapes: Shapes, classes: Sequence[str]) -> str:
    """Return the map with a class of the style sheet for each unit, k-HH and so on."""
    scale = 1 if shapes.are_points else 5
    width, height = (side // scale + 1 for side in shapes.size)
    parts = [f'<svg class="still" viewBox="0 0 {width} {height}" aria-hidden="true">']
    if shapes.are_points:
        for (x, y), kind in zip(shapes.points.tolist(), classes, strict=True):
            parts.append(f'<circle cx="{x}" cy="{y}" r="70" class="k-{kind}"/>')
        return "".join([*parts, "</svg>"])
    rings = np.split(shapes.outline.xy, np.cumsum(shapes.outline.sizes)[:-1])
    first = np.concatenate([[0], np.cumsum(shapes.outline.of)])
    for unit, kind in enumerate(classes):
        path = "".join(_ring(ring) for ring in rings[first[unit] : first[unit + 1]])
        parts.append(f'<path fill-rule="evenodd" class="k-{kind}" d="{path}"/>')
    return "".join([*parts, "</svg>"])


def _ring(xy: NDArray[np.int64]) -> str:
    steps = np.diff(xy, axis=0).tolist()
    return f"M{xy[0, 0]} {xy[0, 1]}l" + " ".join(f"{dx} {dy}" for dx, dy in steps) + "z"


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Return round places between low and high.

    Examples
    --------
    >>> ticks(-0.13, 0.42, 6)
    [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(span / wanted))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= span / wanted * 0.999)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(f"{k * step:.12g}") + 0.0 for k in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def bar_chart(counts: Mapping[Any, int], label: Pair) -> str:
    """Return bars of counts by whole number, such as units by number of neighbours."""
    least, most = min(counts), max(counts)
    places = list(range(int(least), int(most) + 1))
    wide, high, left, top = 520, 190, 44, 12
    step = (wide - left - 8) / max(len(places), _FEWEST_BARS)
    start = left + (wide - left - 8 - step * len(places)) / 2  # few bars stand in the middle
    tallest = max(counts.values())
    said = ", ".join(f"{place}: {count}" for place, count in sorted(counts.items()))
    view = f"0 0 {wide} {high + top + 44}"
    parts = [f'<svg class="chart" viewBox="{view}" role="img" aria-label="{said}">']
    for value in ticks(0, tallest, 3):
        y = top + high * (1 - value / tallest)
        parts.append(f'<line class="grid" x1="{left}" x2="{wide - 8}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="small end" x="{left - 6}" y="{y + 4:.1f}">{_number(value)}</text>')
    every = max(1, -(-len(places) // 14))
    for k, place in enumerate(places):
        size = high * counts.get(place, 0) / tallest
        x = start + k * step
        if size:
            parts.append(
                f'<rect class="bar" x="{x + 0.08 * step:.1f}" y="{top + high - size:.1f}" '
                f'width="{max(0.84 * step, 1):.1f}" height="{size:.1f}"/>'
            )
        if k % every == 0:
            parts.append(
                f'<text class="small middle" x="{x + step / 2:.1f}" y="{top + high + 17}">{place}</text>'
            )
    x, y = wide - 8, top + high + 36
    parts += [
        f'<text class="small end {code}" x="{x}" y="{y}">{escape(text)}</text>'
        for code, text in zip(("en", "zh"), label, strict=True)
    ]
    return "".join([*parts, "</svg>"])


def effects_charts(frame: pd.DataFrame, labels: Mapping[str, Pair]) -> list[str]:
    """Return one outcome's effects in one picture, or in two of unlike scale: small effects first.

    Examples
    --------
    >>> rows = [("a", "total", 0.1, 0.0, 0.2), ("b", "total", 5.0, 4.0, 6.0)]
    >>> names = ["term", "effect", "estimate", "conf_low", "conf_high"]
    >>> len(effects_charts(pd.DataFrame(rows, columns=names), {}))
    2
    """
    bounds = frame[["estimate", "conf_low", "conf_high"]].astype(float)
    reach = bounds.where(np.isfinite(bounds)).abs().max(axis=1).groupby(frame["term"], sort=False).max()
    known = reach[reach > 0]
    large = reach > np.sqrt(known.max() * known.min()) if len(known) else reach > 0
    if not len(known) or known.max() <= _UNLIKE * known.min() or large.all():
        return [_effects_chart(frame, labels)]
    return [_effects_chart(frame[frame["term"].isin(reach.index[part])], labels) for part in (~large, large)]


def _effects_chart(frame: pd.DataFrame, labels: Mapping[str, Pair]) -> str:
    """Return a row for each term; direct, indirect and total with their intervals.

    Parameters
    ----------
    frame : DataFrame
        ``term``, ``effect``, ``estimate``, ``conf_low``, ``conf_high``.
    labels : mapping
        Words of terms, (English, Chinese).
    """
    terms = list(dict.fromkeys(frame["term"]))
    bounds = frame[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float)
    finite = bounds[np.isfinite(bounds)]
    if not len(finite):
        return ""
    low, high = min(0.0, float(finite.min())), max(0.0, float(finite.max()))
    pad = 0.04 * (high - low or 1.0)
    low, high = low - pad, high + pad
    wide, left, row, top = 900, 240, 62, 34
    end = top + row * len(terms)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (wide - left - 20)

    parts = [f'<svg class="chart" viewBox="0 0 {wide} {end + 30}" aria-hidden="true">']
    for k, effect in enumerate(_EFFECTS):
        at = left + 150 * k
        name = {"direct": "直接", "indirect": "间接", "total": "总"}[effect]
        parts.append(_mark(effect, at + 10, 12, True))
        parts += [
            f'<text class="en" x="{at + 22}" y="17">{effect}</text>',
            f'<text class="zh" x="{at + 22}" y="17">{name}效应</text>',
        ]
    for value in ticks(low, high, 7):
        kind = "zero" if value == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{top}" y2="{end}"/>')
        parts.append(f'<text class="small middle" x="{x(value):.1f}" y="{end + 18}">{_number(value)}</text>')
    for number, term in enumerate(terms):
        y0 = top + number * row
        for code, text in zip(("en", "zh"), labels.get(term, (term, term)), strict=True):
            short = text if len(text) <= 34 else text[:33] + "…"
            parts.append(
                f'<text class="end {code}" x="{left - 14}" y="{y0 + row / 2 + 4}">{escape(short)}</text>'
            )
        for k, effect in enumerate(_EFFECTS):
            found = frame[(frame["term"] == term) & (frame["effect"] == effect)]
            if len(found):
                parts.append(_whisker(found.iloc[0], effect, y0 + 15 + 16 * k, x, (low, high)))
    return "".join([*parts, "</svg>"])


def _whisker(row: Any, effect: str, y: float, x: Any, limits: tuple[float, float]) -> str:
    least, most = float(row["conf_low"]), float(row["conf_high"])
    if not np.isfinite(row["estimate"]):
        return ""
    if np.isnan(least) or np.isnan(most):
        return _mark(effect, x(float(row["estimate"])), y, False)
    least, most = max(least, limits[0]), min(most, limits[1])
    line = f'<line class="{effect}" x1="{x(least):.1f}" x2="{x(most):.1f}" y1="{y}" y2="{y}"/>'
    return line + _mark(effect, x(float(row["estimate"])), y, least > 0 or most < 0)


def _mark(effect: str, x: float, y: float, filled: bool) -> str:
    kind = effect if filled else f"{effect} hollow"
    match _MARKS[effect]:
        case "circle":
            return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        case "square":
            return f'<rect class="{kind}" x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"/>'
        case _:
            points = f"{x:.1f},{y - 6:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 6:.1f} {x - 6:.1f},{y:.1f}"
            return f'<polygon class="{kind}" points="{points}"/>'
