"""The words round the figures: title, facts, notes and methods, in both languages."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import numpy as np

from .payload import ReportData
from .sections import Block, pair_table
from .shapes import Shapes
from .words import PAIRS, Pair, both, weights_words

__all__ = ["dek", "facts", "foot", "map_note", "methods", "note", "record", "title"]

_VERSIONS = ("spatial-cities", "numpy", "scipy", "pandas", "geopandas", "shapely", "libpysal")


def title(data: ReportData) -> Pair:
    """Return the headline where none is given: a question."""
    labels = list(dict.fromkeys(data.shown_labels))
    english = ", ".join(pair[0] for pair in labels[:3]) + (", …" if len(labels) > 3 else "")
    chinese = "、".join(pair[1] for pair in labels[:3]) + ("等" if len(labels) > 3 else "")
    return f"Where do places with similar {english} lie near each other?", f"{chinese}的相近值在哪里集聚？"


def facts(data: ReportData, units: int) -> Pair:
    """Return units, times and weights in one line."""
    n, times = len(data.ids), data.times
    shown = both("{n} of {m} units", "{m} 个单元中的 {n} 个", n=f"{n:,}", m=f"{units:,}")
    parts = [shown if units > n else both("{n} units", "{n} 个单元", n=f"{n:,}")]
    if len(times) > 1:
        parts.append(both("{a}–{b} ({k} times)", "{a}–{b}（{k} 期）", a=times[0], b=times[-1], k=len(times)))
    parts.append((weights_words(data.weights, "en"), weights_words(data.weights, "zh")))
    return " · ".join(p[0] for p in parts), " · ".join(p[1] for p in parts)


def dek(data: ReportData) -> Pair:
    """Return data and method in one line."""
    side = PAIRS[f"side_{data.settings.alternative}"]
    R = f"{data.settings.permutations:,}"
    more = len(data.labels) > 1
    label = data.shown_labels[0]
    return (
        f"The spatial pattern of {label[0]}{' and other variables' if more else ''}"
        f"{', time by time' if len(data.times) > 1 else ''}: Moran’s I and local Moran, {R} "
        f"permutations, {side[0]}.",
        f"{label[1]}{'等变量' if more else ''}{'逐期' if len(data.times) > 1 else ''}的空间格局："
        f"莫兰指数与局部莫兰指数，{R} 次置换，{side[1]}检验。",
    )


def note(attrs: Mapping[str, Any], stamp: Pair) -> Pair:
    """Return the note of the cities, after what every page of simulated data says."""
    given = str(attrs.get("note", "") or "")
    english = " ".join(filter(None, [stamp[0], str(attrs.get("note_en") or given)]))
    return english, "".join(filter(None, [stamp[1], str(attrs.get("note_zh") or given)]))


def map_note(data: ReportData, shapes: Shapes | None, units: int) -> Pair:
    """Return what stands below the map."""
    english, chinese = [], []
    beyond = units - len(data.ids)
    if beyond:
        english.append(f"Hatched: no data; {beyond} units of the map are not in the data.")
        chinese.append(f"斜线：无数据；地图上 {beyond} 个单元不在数据中。")
    elif np.isnan(data.values).any():
        english.append("Hatched: no data at this time.")
        chinese.append("斜线：此期无数据。")
    if shapes is None:
        return "Units by rank.", "单元按数值排名。"
    if not shapes.are_points:
        english.append("Borders are simplified for the screen.")
        chinese.append("边界已为屏幕显示而简化。")
    english += [f"{text}." for text in shapes.notes[0]]
    chinese += [f"{text}。" for text in shapes.notes[1]]
    if data.links.listed is not None:
        english.append(f"Hovering shows the {data.links.listed} neighbours with the largest weights.")
        chinese.append(f"悬停时显示权重最大的 {data.links.listed} 个邻居。")
    return " ".join(english), "".join(chinese)


def methods(data: ReportData) -> list[Pair]:
    """Return paragraphs on how the numbers are made."""
    settings = data.settings
    side = PAIRS[f"side_{settings.alternative}"]
    R, least = f"{settings.permutations:,}", f"{settings.smallest_p:.3g}"
    found = [
        (
            "Values are standardised within each time: z is the value less the mean, over the standard "
            "deviation "
            "(divided by N). The lag of a unit is the weighted sum of its neighbours’ z; with rows that "
            "sum to one, "
            "their mean.",
            "各期内标准化：z 为数值减均值再除以标准差（除以 N）。单元的空间滞后为邻居 z 的加权和；"
            "行标准化时即均值。",
        ),
        (
            f"Moran’s I (Moran 1950) and local Moran’s I (Anselin 1995). p-values come from {R} "
            f"permutations, {side[0]}; "
            "for local statistics they are conditional: a unit keeps its value and the others are drawn "
            "for its "
            f"neighbours, and half of the ties count. The smallest p-value that can be reached is {least}.",
            f"莫兰指数（Moran 1950）与局部莫兰指数（Anselin 1995）。p 值来自 {R} 次置换，{side[1]}检验；"
            "局部统计量采用条件置换："
            f"本单元取值不变，邻居取值由其余单元抽取，结按一半计。可达到的最小 p 值为 {least}。",
        ),
        (
            "The FDR switch adjusts the local p-values of a time after Benjamini and Hochberg (1995). "
            "Clusters are "
            "named by the unit, then its neighbours: High-Low is a high value among low ones.",
            "FDR 校正按 Benjamini 与 Hochberg（1995）调整同期的局部 p 值。聚类以“本单元-邻居”命名："
            "高-低指低值包围的高值。",
        ),
    ]
    if np.isnan(data.values).any():
        found.append(
            (
                "Units without a value at a time are left out of that time’s statistics, and their links "
                "are cut.",
                "某期无数据的单元不参与该期统计，其连接被切断。",
            )
        )
    if any(data.logs):
        said = [pair for pair, log in zip(data.shown_labels, data.logs, strict=True) if log]
        found.append(
            (
                f"Analysed in logs and shown in units: {', '.join(p[0] for p in said)}.",
                f"以对数分析、以原单位显示：{'、'.join(p[1] for p in said)}。",
            )
        )
    return found


def record(data: ReportData) -> Block:
    """Return the table of the run."""
    settings = data.settings
    rows: list[Any] = [
        [("Permutations", "置换次数"), f"{settings.permutations:,}"],
        [("Seed", "随机种子"), str(settings.seed)],
        [("Alternative", "备择假设"), PAIRS[f"side_{settings.alternative}"]],
        [("Columns", "列"), ", ".join(data.columns)],
    ]
    for name in _VERSIONS:
        try:
            rows.append([name, importlib.metadata.version(name)])
        except importlib.metadata.PackageNotFoundError:  # a checkout that was not installed
            continue
    return Block(
        ("Record of the run", "运行记录"), pair_table([("Item", "项目"), ("Value", "值")], rows, text=2)
    )


def foot(attrs: Mapping[str, Any], data: ReportData) -> list[Pair]:
    """Return the last lines of the page."""
    settings = data.settings
    lines = [
        both(
            "p-values: {R} permutations, seed {seed}, {side}",
            "p 值：{R} 次置换，种子 {seed}，{zh}",
            R=settings.permutations,
            seed=settings.seed,
            side=PAIRS[f"side_{settings.alternative}"][0],
            zh=PAIRS[f"side_{settings.alternative}"][1],
        )
    ]
    if settings.smallest_p > min(settings.levels):
        lines.append(
            both(
                "With {R} permutations no p-value is below {least}; at lower levels none is significant.",
                "{R} 次置换时 p 值不小于 {least}：更小的显著性水平下没有显著单元。",
                R=settings.permutations,
                least=f"{settings.smallest_p:.3g}",
            )
        )
    source = " · ".join(str(attrs[key]) for key in ("source", "licence") if attrs.get(key))
    return [*lines, (source, source)] if source else lines
