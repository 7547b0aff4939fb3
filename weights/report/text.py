"""The report of a weights matrix as aligned text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatial.errors import name_ids
from spatial.languages.messages import in_language
from spatial.languages.names import kind_words, normal_words
from spatial.languages.shown import padded, shown, width
from spatial.results import notebook_html
from spatial.weights.meta import HasLinks
from spatial.words import check_language, in_force, tell

if TYPE_CHECKING:
    from .report import WeightsReport

__all__ = ["links_in_words", "report_text", "weights_html", "weights_line", "words_of_links"]

_WIDTH, _BAR, _BINS = 96, 40, 12
_ENDS = ("min", "最小"), ("median", "中位数"), ("mean", "平均"), ("max", "最大")
_LOOKED_THROUGH = 50_000_000  # entries whose opposites are looked for only to write a line: half a second


def report_text(report: WeightsReport) -> str:
    """Return the lines of the report: facts, histogram of neighbours, warnings."""
    lines = [tell(f"Spatial weights: {report.kind}", f"空间权重矩阵：{kind_words(report.kind, 'zh')}"), ""]
    lines += [line for label, value in _rows(report) for line in _aligned(label, value)]
    lines += ["", *_histogram(report.neighbors)]
    if report.warnings:
        lines += ["", tell("To mind", "注意")]
        chinese = in_force() == "zh"  # whose characters are twice as wide
        for text in report.warnings_zh if chinese else report.warnings:
            lines += textwrap.wrap(
                text,
                (_WIDTH - 4) // (1 + chinese),
                initial_indent="  - ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _aligned(label: str, value: str) -> list[str]:
    parts = textwrap.wrap(value, _WIDTH - 22, break_on_hyphens=False)
    return [f"  {padded(label if k == 0 else '', 20)}{part}" for k, part in enumerate(parts or [""])]


def _rows(report: WeightsReport) -> list[tuple[str, str]]:
    sizes = report.component_sizes
    none = tell("none", "无")
    components = str(len(sizes))
    if len(sizes) > 1:
        found = in_language(name_ids(sizes, 5), in_force())
        components += tell(f", of {found} units", f" 个，个体数 {found}")
    least, middle, mean, most = (tell(*pair) for pair in _ENDS)
    rows = [
        (tell("units", "个体数"), f"{report.n:,}"),
        (
            tell("links", "连接"),
            report.links_in_words()
            + tell(f", {report.density:.2%} of the matrix", f"，占矩阵的 {report.density:.2%}"),
        ),
        (tell("components", "连通分支"), components),
        (
            tell("islands", "孤岛"),
            in_language(name_ids(report.islands), in_force()) if len(report.islands) else none,
        ),
        (
            tell("neighbours", "邻居数"),
            f"{least} {report.neighbors_min}, {middle} {report.neighbors_median:g}, "
            f"{mean} {report.neighbors_mean:.2f}, {most} {report.neighbors_max}",
        ),
        (
            tell("row sums", "行和"),
            f"{least} {report.row_sum_min:.5g}, {middle} {report.row_sum_median:.5g}, "
            f"{most} {report.row_sum_max:.5g}",
        ),
        (
            tell("own weights", "自身权重"),
            tell(f"{report.n_own:,} units", f"{report.n_own:,} 个个体") if report.n_own else none,
        ),
        (tell("symmetric", "对称"), _symmetry(report)),
        (tell("distance unit", "距离单位"), report.distance_unit or none),
        (tell("normalisation", "标准化"), tell(report.normalization, _normal(report.normalization))),
        (tell("islands policy", "孤岛的处理"), report.islands_policy),
        (tell("source", "来源"), report.source or tell("not known", "未知")),
    ]
    given = {k: v for k, v in report.parameters.items() if k != "linked_islands"}
    if given:
        rows.insert(8, (tell("parameters", "参数"), ", ".join(f"{k} = {v}" for k, v in given.items())))
    if joined := report.parameters.get("linked_islands"):
        pairs = "; ".join(tell(f"{a!r} with {b!r}", f"{a!r} 与 {b!r}") for a, b in joined[:10])
        rest = len(joined) - 10
        more = tell(f" and {rest} more", f" 等，另有 {rest} 对") if rest > 0 else ""
        rows.insert(4, (tell("linked by distance", "按距离连接"), f"{pairs}{more} (islands='nearest')"))
    if report.subset_of is not None:
        cut = f"{report.cut_share:.1%}"
        text = tell(
            f"of {report.subset_of:,} units, {cut} of the links cut",
            f"取自 {report.subset_of:,} 个个体，切断 {cut} 的连接",
        )
        rows.insert(1, (tell("subset", "子集"), text))
    return rows + _spectrum(report)


def _symmetry(report: WeightsReport) -> str:
    if report.symmetric_values:
        return tell("yes, links and weights", "是，连接与权重均对称")
    return (
        tell("links yes, weights no", "连接对称，权重不对称")
        if report.symmetric_pattern
        else tell("no", "否")
    )


def _normal(normalization: str) -> str:
    return normal_words(normalization, "zh").strip("，, ")


def _spectrum(report: WeightsReport) -> list[tuple[str, str]]:
    found = report.spectrum
    if found is None:
        return [(tell("eigenvalues", "特征值"), tell("not computed", "未计算") + " (spectrum=False)")]
    ends = [f"{end:.5g}" if np.isfinite(end) else "?" for end in (found.least, found.largest)]
    return [
        (tell("spectral radius", "谱半径"), f"{found.radius:.6g}"),
        (
            tell("real eigenvalues", "实特征值"),
            tell("from {} to {}", "从 {} 到 {}").format(*ends) + f" ({shown(found.method)})",
        ),
        (
            tell("admissible lambda", "λ 的允许范围"),
            f"{_end(found.lower)} < {tell('lambda', 'λ')} < {_end(found.upper)}",
        ),
    ]


def _end(value: float) -> str:
    """Cut towards 0, so that the number printed is inside the range."""
    if not np.isfinite(value):
        return "-infinity" if value < 0 else "infinity"
    digits = 5 - int(np.floor(np.log10(abs(value)))) - 1
    scale = 10.0**digits
    return f"{np.trunc(value * scale) / scale:.5g}"


def _histogram(neighbors: pd.Series[int]) -> list[str]:
    """Return bars of the number of units by number of neighbours, in at most twelve classes."""
    low, high = int(neighbors.index[0]), int(neighbors.index[-1])
    step = -(-(high - low + 1) // _BINS)
    starts = range(low, high + 1, step)
    counts = [int(neighbors.loc[start : start + step - 1].sum()) for start in starts]
    labels = [str(s) if step == 1 else f"{s}-{min(s + step - 1, high)}" for s in starts]
    heads = tell("neighbours", "邻居数"), tell("units", "个体数")
    wide, long = max(map(width, [*labels, heads[0]])), max(len(str(max(counts))), width(heads[1]))
    lines = [f"  {padded(heads[0], wide, right=True)}  {padded(heads[1], long, right=True)}"]
    for label, count in zip(labels, counts, strict=True):
        bar = "#" * max(round(_BAR * count / max(counts)), int(count > 0))
        lines.append(f"  {label:>{wide}}  {count:>{long}}  {bar}".rstrip())
    return lines


def words_of_links(
    entries: int, own: int, both_ways: bool, lang: str | None = None, *, with_entries: bool = True
) -> str:
    """Return the number of links: each once where all have their opposite, else the directed ones.

    Examples
    --------
    >>> words_of_links(490, 0, True), words_of_links(400, 0, False), words_of_links(3, 1, True)
    ('245 links (490 entries)', '400 directed links', '1 link and 1 own weight (3 entries)')
    >>> words_of_links(490, 0, True, "zh"), words_of_links(490, 0, True, with_entries=False)
    ('245 条连接（矩阵元素 490 个）', '245 links')
    """
    zh = check_language(lang) == "zh"
    if not both_ways or entries == 0:
        one_way = entries > 0
        if zh:
            return f"{entries:,} 条{'有向' * one_way}连接"
        return f"{entries:,} {'directed ' * one_way}link{'s' * (entries != 1)}"
    links = (entries - own) // 2
    if zh:
        shown = f"{links:,} 条连接" + (f"和 {own:,} 个自身权重" if own else "")
        return shown + f"（矩阵元素 {entries:,} 个）" * with_entries
    of_itself = f" and {own:,} own weight{'s' * (own > 1)}" if own else ""
    return f"{links:,} link{'s' * (links != 1)}{of_itself}" + f" ({entries:,} entries)" * with_entries


def links_in_words(W: HasLinks, lang: str | None = None) -> str:
    """Return the number of links of weights as `words_of_links`; of very many, that of the entries."""
    entries, n = W.sparse.nnz, len(W.ids)
    own = int((W.sparse.diagonal() != 0).sum())
    if entries - own == n * (n - 1):
        return words_of_links(entries, own, True, lang)
    if entries > _LOOKED_THROUGH:
        return f"{entries:,} 个矩阵元素" if check_language(lang) == "zh" else f"{entries:,} entries"
    other = W.sparse.tocsc()
    other.sort_indices()
    same = np.array_equal(W.sparse.indptr, other.indptr) and np.array_equal(W.sparse.indices, other.indices)
    return words_of_links(entries, own, same, lang)


def weights_line(W: HasLinks) -> str:
    """Return the kind of weights, their size and their normalisation in one line."""
    links, meta = links_in_words(W), W.meta
    unit = f"{tell(', ', '，')}{meta.distance_unit}" if meta.distance_unit else ""
    return tell(
        f"{meta.kind}: {len(W.ids):,} units, {links}, normalisation {meta.normalization}{unit}",
        f"{kind_words(meta.kind, 'zh')}：{len(W.ids):,} 个个体，{links}"
        f"{normal_words(meta.normalization, 'zh')}{unit}",
    )


def weights_html(W: HasLinks) -> str:
    """Return what a notebook shows of weights: what can be counted without solving anything."""
    counts = np.diff(W.sparse.indptr) - (W.sparse.diagonal() != 0)
    spread = ""
    if len(counts):
        low, high, mean = counts.min(), counts.max(), counts.mean()
        spread = tell(f"{low}–{high}, {mean:.3g} on average", f"{low}–{high}，平均 {mean:.3g}")
    facts = {
        tell("units", "个体数"): f"{len(W.ids):,}",
        tell("links", "连接"): links_in_words(W),
        tell("neighbours", "邻居数"): spread,
        tell("without neighbours", "没有邻居"): f"{int((counts == 0).sum()):,}",
        tell("normalisation", "标准化"): shown(W.meta.normalization),
        tell("distances", "距离单位"): W.meta.distance_unit,
        tell("source", "来源"): W.meta.source,
    }
    frame = pd.DataFrame({key: [text] for key, text in facts.items() if text})
    note = tell("W.report() says more", "详见 W.report()")
    kind = tell(W.meta.kind, kind_words(W.meta.kind, "zh"))
    return notebook_html(tell("Weights", "权重矩阵"), kind, frame, index=False, note=note)
