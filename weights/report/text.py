"""The report of a weights matrix as aligned text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatial.errors import name_ids
from spatial.results import notebook_html
from spatial.weights.meta import HasLinks
from spatial.words import check_language

if TYPE_CHECKING:
    from .report import WeightsReport

__all__ = ["links_in_words", "report_text", "weights_html", "words_of_links"]

_WIDTH, _BAR, _BINS = 96, 40, 12
_LOOKED_THROUGH = 50_000_000  # entries whose opposites are looked for only to write a line: half a second


def report_text(report: WeightsReport) -> str:
    """Return the lines of the report: facts, histogram of neighbours, warnings."""
    lines = [f"Spatial weights: {report.kind}", ""]
    lines += [line for label, value in _rows(report) for line in _aligned(label, value)]
    lines += ["", *_histogram(report.neighbors)]
    if report.warnings:
        lines += ["", "To mind"]
        for text in report.warnings:
            lines += textwrap.wrap(
                text, _WIDTH - 4, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
            )
    return "\n".join(lines)


def _aligned(label: str, value: str) -> list[str]:
    return textwrap.wrap(
        value, _WIDTH, initial_indent=f"  {label:<20}", subsequent_indent=" " * 22, break_on_hyphens=False
    )


def _rows(report: WeightsReport) -> list[tuple[str, str]]:
    sizes = report.component_sizes
    components = str(len(sizes)) if len(sizes) < 2 else f"{len(sizes)}, of {name_ids(sizes, 5)} units"
    rows = [
        ("units", f"{report.n:,}"),
        ("links", f"{report.links_in_words()}, {report.density:.2%} of the matrix"),
        ("components", components),
        ("islands", name_ids(report.islands) if len(report.islands) else "none"),
        (
            "neighbours",
            f"min {report.neighbors_min}, median {report.neighbors_median:g}, "
            f"mean {report.neighbors_mean:.2f}, max {report.neighbors_max}",
        ),
        (
            "row sums",
            f"min {report.row_sum_min:.5g}, median {report.row_sum_median:.5g}, max {report.row_sum_max:.5g}",
        ),
        ("own weights", f"{report.n_own:,} units" if report.n_own else "none"),
        ("symmetric", _symmetry(report)),
        ("distance unit", report.distance_unit or "none"),
        ("normalisation", report.normalization),
        ("islands policy", report.islands_policy),
        ("source", report.source or "not known"),
    ]
    shown = {k: v for k, v in report.parameters.items() if k != "linked_islands"}
    if shown:
        rows.insert(8, ("parameters", ", ".join(f"{k} = {v}" for k, v in shown.items())))
    if joined := report.parameters.get("linked_islands"):
        pairs = "; ".join(f"{a!r} with {b!r}" for a, b in joined[:10])
        more = f" and {len(joined) - 10} more" if len(joined) > 10 else ""
        rows.insert(4, ("linked by distance", f"{pairs}{more} (islands='nearest')"))
    if report.subset_of is not None:
        rows.insert(1, ("subset", f"of {report.subset_of:,} units, {report.cut_share:.1%} of the links cut"))
    return rows + _spectrum(report)


def _symmetry(report: WeightsReport) -> str:
    if report.symmetric_values:
        return "yes, links and weights"
    return "links yes, weights no" if report.symmetric_pattern else "no"


def _spectrum(report: WeightsReport) -> list[tuple[str, str]]:
    found = report.spectrum
    if found is None:
        return [("eigenvalues", "not computed (spectrum=False)")]
    ends = [f"{end:.5g}" if np.isfinite(end) else "?" for end in (found.least, found.largest)]
    return [
        ("spectral radius", f"{found.radius:.6g}"),
        ("real eigenvalues", f"from {ends[0]} to {ends[1]} ({found.method})"),
        ("admissible lambda", f"{_end(found.lower)} < lambda < {_end(found.upper)}"),
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
    wide, long = max(map(len, [*labels, "neighbours"])), max(len(str(max(counts))), len("units"))
    lines = [f"  {'neighbours':>{wide}}  {'units':>{long}}"]
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


def weights_html(W: HasLinks) -> str:
    """Return what a notebook shows of weights: what can be counted without solving anything."""
    counts = np.diff(W.sparse.indptr) - (W.sparse.diagonal() != 0)
    facts = {
        "units": f"{len(W.ids):,}",
        "links": links_in_words(W),
        "neighbours": f"{counts.min()}–{counts.max()}, {counts.mean():.3g} on average" if len(counts) else "",
        "without neighbours": f"{int((counts == 0).sum()):,}",
        "normalisation": W.meta.normalization,
        "distances": W.meta.distance_unit,
        "source": W.meta.source,
    }
    frame = pd.DataFrame({key: [text] for key, text in facts.items() if text})
    return notebook_html("Weights", W.meta.kind, frame, index=False, note="W.report() says more")
