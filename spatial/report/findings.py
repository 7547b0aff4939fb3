"""What a report says before it shows anything: sentences made from the results, by rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.compute.fdr import fdr_adjusted

from .payload import ReportData
from .words import Pair, both

__all__ = ["UNSTABLE", "Finding", "decimal", "findings_of", "p_text", "weak_finding"]

_LEVEL = 0.05


@dataclass(frozen=True)
class Finding:
    """A key figure and one sentence, each (English, Chinese)."""

    key: Pair
    sentence: Pair
    caution: bool = False


def decimal(value: float, digits: int = 3) -> str:
    """Return a number with a true minus, and no minus before zero.

    Examples
    --------
    >>> decimal(-0.0004), decimal(-0.25, 2)
    ('0.000', '−0.25')
    """
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−" if any(c in text for c in "123456789") else "")


def p_text(p: float, least: float) -> str:
    """Return a p-value with the digits that the permutations allow.

    Examples
    --------
    >>> p_text(0.0316, 0.0002), p_text(0.002, 0.002), p_text(1e-9, 0)
    ('0.0316', '0.002', '<0.001')
    """
    if least <= 0 and p < 0.001:
        return "<0.001"
    digits = 3 if least <= 0 else min(6, max(3, int(np.ceil(-np.log10(least)))))
    return f"{p:.{digits}f}"


def findings_of(
    data: ReportData,
    units: int,
    effects: Iterable[pd.DataFrame] = (),
    labels: Mapping[str, Pair] | None = None,
    weak: Sequence[Finding] = (),
) -> list[Finding]:
    """Return at most three findings; the last is a caution where there is reason for one.

    Parameters
    ----------
    data : ReportData
    units : int
        Of the whole map.
    effects : frames with outcome, term, effect, estimate, p_value, conf_low, conf_high
    labels : mapping
        Words of columns.
    weak : sequence of Finding
        What identification warns of.
    """
    first = [*_effects(effects, labels or {}, data.columns), _moran(data), _clusters(data)]
    cautions = [*weak, *_data_cautions(data, units)]
    return [*first[: 3 - bool(cautions)], *cautions[:1]]


def _time_words(data: ReportData) -> Pair:
    return ("years", "年") if data.time_name.lower() in ("year", "years", "年", "年份") else ("times", "期")


def _when(data: ReportData, t: int) -> Pair:
    return both(" in {t}", "{t} 年" if _time_words(data)[1] == "年" else "{t} 期", t=data.times[t])


def _moran(data: ReportData) -> Finding:
    I, p, label = data.I[0], data.p[0], data.shown_labels[0]  # noqa: E741 - the literature's name
    known = np.flatnonzero(np.isfinite(I))
    last = int(known[-1])
    value, least = decimal(I[last], 2 if abs(I[last]) >= 0.005 else 3), data.settings.smallest_p
    significant = p[last] <= _LEVEL
    floor = p[last] <= least * (1 + 1e-9)
    said = p_text(p[last], least)
    p_words = both(
        "p = {p}" + (" (smallest attainable)" if floor else ""),
        "p = {p}" + ("（可达到的最小值）" if floor else ""),
        p=said,
    )
    if len(known) == 1:
        if significant:
            way = ("like", "相近") if I[last] > 0 else ("unlike", "相异")
            return Finding(
                both("I = {v}", "I = {v}", v=value),
                (
                    f"{p_words[0]}: units with {way[0]} values of {label[0]} lie next to each other more "
                    "often "
                    "than chance would have it.",
                    f"{p_words[1]}：{label[1]}{way[1]}的单元彼此相邻，多于随机所致。",
                ),
            )
        return Finding(both("I = {v}", "I = {v}", v=value), _insignificant(p_words, label, ("", "")))
    years = _time_words(data)
    way = ("positive", "正") if (I[known] > 0).sum() * 2 >= len(known) else ("negative", "负")
    sign = 1 if way[0] == "positive" else -1
    many = int(((p[known] <= _LEVEL) & (sign * I[known] > 0)).sum())
    if many * 2 < len(known):
        tail = both(
            " {many} of {n} {y} are significant.",
            "共 {n} {y}中 {many} {y}显著。",
            many=many,
            n=len(known),
            y="{y}",
        )
        tail = tail[0].replace("{y}", years[0]), tail[1].replace("{y}", years[1])
        if significant:
            sentence = (
                f"{_when(data, last)[0].strip()}, {p_words[0]}: {label[0]} of neighbours is "
                f"{'alike' if I[last] > 0 else 'unlike'}.",
                f"{_when(data, last)[1]}，{p_words[1]}："
                f"邻居的{label[1]}{'相近' if I[last] > 0 else '相异'}。",
            )
        else:
            sentence = _insignificant(p_words, label, _when(data, last))
        return Finding(both("I = {v}", "I = {v}", v=value), (sentence[0] + tail[0], sentence[1] + tail[1]))
    low, high = decimal(float(I[known].min()), 2), decimal(float(I[known].max()), 2)
    end = ("", "")
    if not significant:
        end = (
            f"{_when(data, last)[0]} it is not significant (I = {value}, {p_words[0]}).".replace(
                " in", " In", 1
            ),
            f"{_when(data, last)[1]}不显著（I = {value}，{p_words[1]}）。",
        )
    return Finding(
        (f"{many} of {len(known)}", f"{many} / {len(known)} {years[1]}"),
        (
            f"{years[0]} with {way[0]} spatial autocorrelation of {label[0]} at p ≤ 0.05. "
            f"Moran’s I lies between {low} and {high}.{end[0]}",
            f"{label[1]}呈{way[1]}空间自相关（p ≤ 0.05）。莫兰指数在 {low} 至 {high} 之间。{end[1]}",
        ),
    )


def _insignificant(p_words: Pair, label: Pair, when: Pair) -> Pair:
    english = f"{when[0].strip()}, {p_words[0]}" if when[0] else p_words[0]
    chinese = f"{when[1]}，{p_words[1]}" if when[1] else p_words[1]
    return (
        f"{english}: not significant, neighbours are no more alike in {label[0]} than chance would make "
        "them.",
        f"{chinese}：不显著，邻居的{label[1]}并不比随机更相近。",
    )


def _last(data: ReportData) -> int:
    return int(np.flatnonzero(np.isfinite(data.I[0]))[-1])


def _clusters(data: ReportData) -> Finding:
    t, label, alpha = _last(data), data.shown_labels[0], data.settings.alpha
    counts = np.bincount(data.clusters[0, t][data.clusters[0, t] >= 0], minlength=6)
    when = _when(data, t) if len(data.times) > 1 else ("", "")
    total = int(counts[:4].sum())
    if not total:
        return Finding(
            ("none", "无"),
            (
                f"no unit stands out with its neighbours in {label[0]}{when[0]} at p ≤ {alpha:g}.",
                f"{when[1]}{label[1]}没有显著的局部聚类（p ≤ {alpha:g}）。",
            ),
        )
    held = int((fdr_adjusted(data.p_sim[0, t]) <= alpha).sum())
    remain = (
        f"With the false discovery rate held there, {held} of {total} clusters remain.",
        f"控制错误发现率后，{total} 个聚类单元中保留 {held} 个。",
    )
    enough = _permutations_for_fdr(data, t)
    if not held and data.settings.permutations < enough:
        remain = (
            f"{data.settings.permutations:,} permutations are too few to hold the false discovery rate "
            "there; "
            f"{enough:,} would do.",
            f"{data.settings.permutations:,} 次置换不足以控制错误发现率，需要 {enough:,} 次。",
        )
    return Finding(
        (f"{counts[0]} + {counts[1]}",) * 2,
        (
            f"High-High and Low-Low units of {label[0]}{when[0]} at p ≤ {alpha:g}. {remain[0]}",
            f"{when[1]}{label[1]}的高-高与低-低单元数（p ≤ {alpha:g}）。{remain[1]}",
        ),
    )


def _permutations_for_fdr(data: ReportData, t: int) -> int:
    """Permutations from which one unit alone can pass: its smallest p-value times the tests is alpha."""
    tests = int(np.isfinite(data.p_sim[0, t]).sum())
    tails = 2 if data.settings.alternative == "two-sided" else 1
    return int(np.ceil(tails * tests / data.settings.alpha - 1e-9)) - 1


def _effects(
    frames: Iterable[pd.DataFrame], labels: Mapping[str, Pair], shown: Sequence[str]
) -> list[Finding]:
    found = [frame[frame["effect"] == "total"] for frame in frames]
    totals = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    if not len(totals):
        return []
    significant = totals[totals["p_value"] <= _LEVEL]
    if not len(significant):
        return [
            Finding(
                both("0 of {n}", "0 / {n}", n=len(totals)),
                (
                    "total effects differ from zero at 5 %: nothing can be said of their signs.",
                    "个总效应在 5% 水平上异于零：符号无法断定。",
                ),
            )
        ]
    # What the page is about comes first: effects of and on its variables, then on its first, then the surest.
    asked = significant["term"].isin(shown).astype(int) + significant["outcome"].isin(shown)
    asked = 2 * asked + (significant["outcome"] == shown[0])
    pool = significant[asked == asked.max()]
    best: Any = pool.loc[pool["p_value"].astype(float).idxmin()]
    term, outcome = (labels.get(best[key], (best[key],) * 2) for key in ("term", "outcome"))
    low, high = decimal(best["conf_low"]), decimal(best["conf_high"])
    more = len(significant) - 1
    return [
        Finding(
            (decimal(best["estimate"]),) * 2,
            (
                f"total effect of {term[0]} on {outcome[0]}, neighbours’ responses included (95% "
                f"interval {low} to "
                f"{high})."
                + (f" {more} further of {len(totals)} total effects differ from zero." if more else ""),
                f"{term[1]}对{outcome[1]}的总效应，含邻居反应（95% 区间 {low} 至 {high}）。"
                + (f"{len(totals)} 个总效应中另有 {more} 个异于零。" if more else ""),
            ),
        )
    ]


def _data_cautions(data: ReportData, units: int) -> list[Finding]:
    t, found = _last(data), []
    missing = units - int(data.n[0, t])
    when = _when(data, t) if len(data.times) > 1 else ("", "")
    if missing:
        found.append(
            Finding(
                both("{n} unit" + "s" * (missing != 1), "{n} 个单元", n=missing),
                (
                    f"without data{when[0]}: hatched on the map; nothing is assumed about them.",
                    f"{when[1]}无数据：图中以斜线表示，不作任何推断。",
                ),
                caution=True,
            )
        )
    islands = int((data.links.count == 0).sum())
    if islands:
        found.append(
            Finding(
                both("{n} unit" + "s" * (islands != 1), "{n} 个单元", n=islands),
                ("without neighbours: no local statistic is measured there.", "没有邻居：不计算局部统计量。"),
                caution=True,
            )
        )
    n, alpha = int(data.n[0, t]), data.settings.alpha
    chance = max(round(alpha * n), 1)
    found.append(
        Finding(
            both("≈ {n}", "≈ {n}", n=chance),
            (
                f"of {n:,} units would pass p ≤ {alpha:g} by chance alone; the FDR switch corrects for that.",
                f"个单元（共 {n:,} 个）仅凭偶然即可达到 p ≤ {alpha:g}；可用 FDR 校正。",
            ),
            caution=True,
        )
    )
    return found


UNSTABLE = Finding(
    ("No equilibrium", "无均衡"),
    (
        "the estimates have no stable equilibrium: the effects below cannot be read as responses.",
        "估计值没有稳定均衡：下列效应不能解读为反应。",
    ),
    caution=True,
)


def weak_finding(identification: Any, labels: Mapping[str, Pair]) -> list[Finding]:
    """Return a caution where instruments are weak: read from the verdict of an `Identification`."""
    frame = identification.instruments
    if not identification.weak or not len(frame):
        return []
    judged = frame[frame["strength"] < frame["critical_value"]]
    if not len(judged):
        return []
    row: Any = judged.loc[judged["strength"].astype(float).idxmin()]
    regressor, equation = (labels.get(row[key], (row[key],) * 2) for key in ("regressor", "equation"))
    return [
        Finding(
            both("F = {f}", "F = {f}", f=decimal(row["strength"], 1)),
            (
                f"weak instruments for {regressor[0]} in the equation of {equation[0]} (below "
                f"{decimal(row['critical_value'], 1)}): its effect cannot be read as causal.",
                f"{equation[1]}方程中{regressor[1]}的工具变量较弱（低于 "
                f"{decimal(row['critical_value'], 1)}）："
                "其影响不能作因果解释。",
            ),
            caution=True,
        )
    ]
