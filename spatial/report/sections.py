"""What stands below the map: models, effects, weights, data and the record, as HTML that needs no script."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .figures import bar_chart, effects_charts
from .findings import UNSTABLE, Finding, decimal, p_text, weak_finding
from .foreign_tables import listed, table_html
from .payload import ReportData
from .words import PAIRS, STEPS, Pair, weights_words

__all__ = ["Block", "Sections", "data_blocks", "pair_table", "section_of", "unit_rows", "weights_blocks"]

_EFFECT = {"outcome", "term", "effect", "estimate", "conf_low", "conf_high"}
Cell = str | Pair


@dataclass(frozen=True)
class Block:
    """A title, a table or a picture in both languages (the same text where it has none), a note."""

    title: Pair
    html: Pair
    note: Pair = ("", "")


@dataclass(frozen=True)
class Sections:
    """Blocks by section, the effects behind them, and what identification warns of."""

    models: tuple[Block, ...] = ()
    effects: tuple[Block, ...] = ()
    weights: tuple[Block, ...] = ()
    data: tuple[Block, ...] = ()
    record: tuple[Block, ...] = ()
    frames: tuple[pd.DataFrame, ...] = ()
    weak: tuple[Finding, ...] = ()

    def __add__(self, other: Sections) -> Sections:
        """Return both, one after the other."""
        return Sections(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def section_of(tables: Any, labels: Mapping[str, Pair]) -> Sections:
    """Sort tables and results: effects with a picture, all else to the models.

    A result that knows its identification also warns of weak instruments.
    """
    found = Sections()
    for title, table, what in listed(tables):
        frame = _effects(table)
        if frame is not None:
            found += effects_section(frame, title, labels, stable=bool(getattr(table, "stable", True)))
            continue
        found += Sections(models=(Block(title, table_html(table, what)),))
        asked = getattr(table, "identification", None)
        if callable(asked):
            found += Sections(weak=tuple(weak_finding(asked(), labels)))
    return found


def _effects(table: Any) -> pd.DataFrame | None:
    frame = table if isinstance(table, pd.DataFrame) else None
    if frame is None and callable(getattr(table, "tidy", None)) and hasattr(table, "frame"):
        frame = table.frame
    if isinstance(frame, pd.DataFrame) and set(frame.columns) >= _EFFECT:
        return frame
    return None


def effects_section(
    frame: pd.DataFrame, title: Pair, labels: Mapping[str, Pair], *, stable: bool = True
) -> Sections:
    """Return, for each outcome, the picture of its effects and their table.

    Without a stable equilibrium there are no effects to be read: they make no finding but a caution.
    """
    blocks = []
    for outcome, part in frame.groupby("outcome", sort=False):
        name = labels.get(str(outcome), (str(outcome),) * 2)
        heading = [": ".join(filter(None, both)) for both in zip(title, name, strict=True)]
        charts = effects_charts(part, labels)
        picture = "".join(charts)
        note = ("Panels have their own scales.", "各图比例不同。") if len(charts) > 1 else ("", "")
        blocks.append(Block((heading[0], heading[1]), (picture, picture), note))
        blocks.append(Block(("", ""), _effects_table(part, labels)))
    if not stable:
        return Sections(effects=tuple(blocks), weak=(UNSTABLE,))
    return Sections(effects=tuple(blocks), frames=(frame,))


def _effects_table(frame: pd.DataFrame, labels: Mapping[str, Pair]) -> Pair:
    heads: list[Cell] = [
        ("Variable", "变量"),
        ("Direct", "直接"),
        ("Indirect", "间接"),
        ("Total", "总"),
        ("95% interval of the total", "总效应的 95% 区间"),
        "p",
    ]
    rows: list[list[Cell]] = []
    for term in dict.fromkeys(frame["term"]):
        part = frame[frame["term"] == term].set_index("effect")
        cells = [decimal(float(part["estimate"].get(e, np.nan))) for e in ("direct", "indirect", "total")]
        whole: Any = part.loc["total"] if "total" in part.index else None
        interval = "" if whole is None else f"{_bound(whole['conf_low'])} – {_bound(whole['conf_high'])}"
        p = "" if whole is None or "p_value" not in part else p_text(float(whole["p_value"]), 0)
        rows.append([labels.get(str(term), (str(term),) * 2), *cells, interval, p])
    return pair_table(heads, rows, text=1)


def _bound(value: Any) -> str:
    number = float(value)
    return "∞" if number == np.inf else "−∞" if number == -np.inf else decimal(number)


def pair_table(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, text: int = 1) -> Pair:
    """Return a table in both languages; the first `text` columns hold words, the others numbers.

    Examples
    --------
    >>> pair_table([("City", "城市"), "N"], [["a", "1"]])[1]
    '<table><thead><tr><th scope="col">城市</th><th scope="col" class="n">N</th></tr></thead><tbody>\
<tr><th scope="row">a</th><td class="n">1</td></tr></tbody></table>'
    """
    table = [list(row) for row in rows]
    return _table(heads, table, text, 0), _table(heads, table, text, 1)


def _table(heads: Sequence[Cell], rows: Sequence[Sequence[Cell]], text: int, place: int) -> str:
    def said(cell: Cell) -> str:
        return html.escape(cell if isinstance(cell, str) else cell[place])

    def kind(column: int) -> str:
        return "" if column < text else ' class="n"'

    top = "".join(f'<th scope="col"{kind(k)}>{said(cell)}</th>' for k, cell in enumerate(heads))
    body = []
    for row in rows:
        cells = "".join(f"<td{kind(k)}>{said(cell)}</td>" for k, cell in enumerate(row[1:], start=1))
        body.append(f'<tr><th scope="row">{said(row[0])}</th>{cells}</tr>')
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table>"


# ---- data
def data_blocks(data: ReportData, history: pd.DataFrame | None) -> tuple[Block, ...]:
    """Return the description of each variable, Moran's I by time, and the steps of cleaning."""
    blocks = [_described(data), _by_time(data)]
    if history is not None and len(history):
        heads: list[Cell] = [("Step", "步骤"), ("Columns", "列"), ("Cells", "格数"), ("Detail", "说明")]
        shown = history[["action", "columns", "cells", "detail"]].astype(str)
        rows = [
            [STEPS.get(action, (action, action)), *rest] for action, *rest in shown.itertuples(index=False)
        ]
        blocks.append(Block(("Steps of cleaning", "清洗步骤"), pair_table(heads, rows, text=4)))
    return tuple(blocks)


def _described(data: ReportData) -> Block:
    heads: list[Cell] = [
        ("Variable", "变量"),
        ("N", "观测数"),
        PAIRS["missing"],
        ("Mean", "均值"),
        ("Std. dev.", "标准差"),
        ("Min", "最小值"),
        ("Max", "最大值"),
    ]
    rows: list[list[Cell]] = []
    for k, label in enumerate(data.shown_labels):
        values = data.shown(k)
        known = values[np.isfinite(values)]
        size = float(np.abs(known).max(initial=0.0)) or 1.0  # squares of values of any unit
        spread = size * float((known / size).std(ddof=1)) if len(known) > 1 else float("nan")
        digits = _digits(known)
        numbers = [float(known.mean()), spread, float(known.min()), float(known.max())]
        cells = [decimal(value, digits) if np.isfinite(value) else "–" for value in numbers]
        rows.append([label, f"{len(known):,}", f"{values.size - len(known):,}", *cells])
    note = ("", "")
    if any(data.logs):
        note = (
            "Variables that are analysed in logs are described in units.",
            "以对数分析的变量以原单位描述。",
        )
    return Block(("Variables", "变量描述"), pair_table(heads, rows), note)


def _digits(known: Any) -> int:
    """Decimals with which a column of this size has four figures."""
    if (known == np.round(known)).all() and np.abs(known).max() < 1e6:
        return 2
    size = float(np.abs(known).max()) or 1.0
    return int(np.clip(3 - np.floor(np.log10(size)), 0, 6))


def _by_time(data: ReportData) -> Block:
    heads: list[Cell] = [
        ("Variable", "变量"),
        ("Time", "时期"),
        ("Units", "单元数"),
        PAIRS["moran"],
        ("2.5% of permutations", "置换 2.5%"),
        "97.5%",
        "p",
    ]
    rows: list[list[Cell]] = []
    for k, label in enumerate(data.labels):
        for t, time in enumerate(data.times):
            numbers = [data.I[k, t], data.low[k, t], data.high[k, t]]
            cells = [decimal(value) if np.isfinite(value) else "–" for value in numbers]
            p = p_text(data.p[k, t], data.settings.smallest_p) if np.isfinite(data.p[k, t]) else "–"
            rows.append([label, time if len(data.times) > 1 else "", f"{data.n[k, t]:,}", *cells, p])
    return Block(("Moran’s I by time", "各期莫兰指数"), pair_table(heads, rows, text=2))


# ---- weights
def weights_blocks(data: ReportData) -> tuple[Block, ...]:
    """Return the report of the weights, and how many units have how many neighbours."""
    report = data.weights.report(spectrum=False)
    yes = (("no", "否"), ("yes", "是"))
    spread = f"{report.neighbors_min}, {report.neighbors_mean:.2f}, {report.neighbors_max}"
    sums = f"{report.row_sum_min:.4g} – {report.row_sum_max:.4g}"
    rows: list[list[Cell]] = [
        [("Kind", "类型"), (weights_words(data.weights, "en"), weights_words(data.weights, "zh"))],
        [("Units", "单元数"), f"{report.n:,}"],
        [("Links", "连接数"), (report.links_in_words("en"), report.links_in_words("zh"))],
        [("Neighbours: least, mean, most", "邻居数：最少、平均、最多"), spread],
        [("Units without neighbours", "无邻居单元"), f"{len(report.islands):,}"],
        [("Connected parts", "连通部分"), f"{report.n_components:,}"],
        [("Row sums", "行和"), sums],
        [("Symmetric", "对称"), yes[report.symmetric_values]],
    ]
    table = pair_table([("Item", "项目"), ("Value", "值")], rows, text=2)
    counts = {int(k): int(n) for k, n in report.neighbors.items()}
    bars = bar_chart(counts, ("neighbours", "邻居数"))
    blocks = [
        Block(("", ""), table),
        Block(("Neighbours per unit", "每个单元的邻居数"), (bars, bars)),
    ]
    if report.warnings:
        said, chinese = (
            "".join(f"<p>{html.escape(text)}</p>" for text in texts)
            for texts in (report.warnings, report.warnings_zh)
        )
        blocks.append(Block(("What to mind", "须注意"), (said, chinese)))
    return tuple(blocks)


# ---- the units, for readers without scripts
def unit_rows(data: ReportData, names: Sequence[str], said: Callable[[int], Cell]) -> list[list[Cell]]:
    """Return one row a unit at the last time: name, id, value, z's lag, cluster, p."""
    t = int(np.flatnonzero(np.isfinite(data.I[0]))[-1])
    shown = data.shown(0)[t]
    digits = _digits(shown[np.isfinite(shown)])
    rows: list[list[Cell]] = []
    for i, unit in enumerate(data.ids):
        value, p = float(shown[i]), float(data.p_sim[0, t, i])
        rows.append(
            [
                names[i],
                str(unit),
                said(i),
                decimal(value, digits) if np.isfinite(value) else "–",
                p_text(p, data.settings.smallest_p) if np.isfinite(p) else "–",
            ]
        )
    return rows
