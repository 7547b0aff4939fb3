"""Figures of policies: event studies with bands, placebos, Bacon weights, robust intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted
from spatial.words import check_language, said

from .canvas import MIDDLE
from .charts import charted, dashed, effect_words, interval_note
from .events import event_study_plot
from .palette import LINE_COLORS, MARKERS, color
from .style.captions import Captions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bacon_plot", "balance_plot", "drop_one_plot", "honest_plot", "placebo_plot", "policy_plot"]

_WORDS: dict[str, tuple[str, str]] = {
    "since": ("Times since the policy", "距政策实施的期数"),
    "effect": ("Effect on {name}", "对{name}的效应"),
    "estimate": ("Estimate", "估计值"),
    "placebo": ("Estimates of random calendars", "随机政策批次的估计值"),
    "count": ("Draws", "次数"),
    "observed": ("Estimate {value:.4g}, p = {p:.3g}", "估计值 {value:.4g}，p = {p:.3g}"),
    "significant": (
        "; {share:.1f} % of {draws} random calendars significant at 5 %",
        "；{draws} 次随机批次中 {share:.1f}% 在 5% 水平上显著",
    ),
    "weight": ("Weight", "权重"),
    "two_way": ("Two-way estimate {value:.4g}", "双向固定效应估计 {value:.4g}"),
    "treated - never treated": ("treated - never treated", "处理组 - 从未处理"),
    "earlier - later treated": ("earlier - later treated", "先处理 - 后处理"),
    "later - earlier treated": ("later - earlier treated", "后处理 - 先处理"),
    "M": (
        "M: trends differ after the policy by up to M times as before",
        "M：政策后趋势偏离至多为政策前的 M 倍",
    ),
    "without": ("Left out (ordered by estimate)", "剔除对象（按估计值排序）"),
    "before": ("Before matching", "匹配前"),
    "after": ("After matching", "匹配后"),
    "std_bias": ("Standardised bias (%)", "标准化偏差（%）"),
    "ten": ("Dashed: 10 per cent to either side", "虚线：正负 10%"),
    "balance_title": ("Balance of treated and untreated", "匹配平衡性检验"),
    "event_title": ("Effect on {name} by time since the policy", "政策对{name}的动态效应"),
    "placebo_title": ("Placebo policies", "安慰剂检验"),
    "bacon_title": ("Comparisons within the two-way estimate", "双向固定效应估计的构成"),
    "honest_title": ("Intervals if trends differ", "趋势偏离下的稳健区间"),
    "drop_title": ("The estimate without each", "逐一剔除后的估计值"),
    "whole": ("Dashed: the estimate with all", "虚线：全样本估计值"),
}


class _Policy(Protocol):
    outcome: str
    reference: int

    def event_study(self) -> pd.DataFrame: ...


@hinted
def policy_plot(
    fit: _Policy,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the event study of a policy: effects by time since it, with intervals and the simultaneous band.

    Parameters
    ----------
    fit : DifferenceInDifferences
    ax : Axes, optional
    labels : mapping, optional
        Names to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = fit.event_study()
    if frame.empty:
        raise DataError(
            "This method has no event study; draw that of 'callaway-santanna' or 'borusyak-jaravel-spiess'."
        )
    name = (labels or {}).get(fit.outcome, fit.outcome)
    if captions.get("title") is None:
        captions["title"] = said(_WORDS, "event_title", language, name=name)
    return event_study_plot(
        frame,
        ax=ax,
        reference=fit.reference,
        event=fit.reference + 1,
        label=said(_WORDS, "effect", language, name=name),
        lang=language,
        **captions,
    )


@hinted
def placebo_plot(
    placebo: Any, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the distribution of placebo estimates, and the estimate.

    Parameters
    ----------
    placebo : Placebo
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    mark = said(_WORDS, "observed", language, value=placebo.estimate, p=placebo.p_value)
    if np.isfinite(share := placebo.share_significant):
        draws = len(placebo.estimates)
        mark += said(_WORDS, "significant", language, share=100 * share, draws=draws)
    x, y, title = (said(_WORDS, key, language) for key in ("placebo", "count", "placebo_title"))
    with charted(ax, captions, language, x=x, y=y, title=title, subtitle=mark, zero="x") as axes:
        paper = color("paper")
        counts, edges, _ = axes.hist(
            placebo.estimates, bins="fd", color=color("dot"), edgecolor=paper, linewidth=0.4
        )
        _smooth(axes, placebo.estimates, float(edges[1] - edges[0]))
        axes.axvline(placebo.estimate, color=LINE_COLORS[1], linewidth=1.6)
        from matplotlib.ticker import MaxNLocator

        axes.set_ylim(top=1.08 * float(np.max(counts)))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    return axes


def _smooth(axes: Axes, values: NDArray[np.float64], width: float) -> None:
    """Draw the density of values over their histogram with bars of this width."""
    from scipy.stats import gaussian_kde

    if np.ptp(values) == 0:
        return
    density = gaussian_kde(values)
    reach = 3 * float(np.sqrt(density.covariance[0, 0]))
    x = np.linspace(values.min() - reach, values.max() + reach, 200)
    axes.plot(x, density(x) * len(values) * width, color=LINE_COLORS[0], linewidth=1.6)


@hinted
def bacon_plot(
    bacon: Any, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw each comparison of the two-way estimate: its estimate against its weight.

    Parameters
    ----------
    bacon : Bacon
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    mark = said(_WORDS, "two_way", language, value=bacon.twfe)
    kinds = list(dict.fromkeys(bacon.frame["kind"]))
    labels = [said(_WORDS, kind, language) for kind in kinds]
    x, y, title = (said(_WORDS, key, language) for key in ("weight", "estimate", "bacon_title"))
    with charted(ax, captions, language, x=x, y=y, title=title, texts=[*labels, mark]) as axes:
        for kind, label, marker, ink in zip(kinds, labels, MARKERS, LINE_COLORS, strict=False):
            rows = bacon.frame[bacon.frame["kind"] == kind]
            axes.plot(rows["weight"], rows["estimate"], marker, ms=5, color=ink, label=label)
        dashed(axes, y=bacon.twfe, label=mark)
        axes.set_xlim(left=0)
    return axes


@hinted
def balance_plot(
    balance: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the standardised bias of each control before and after matching.

    Parameters
    ----------
    balance : Balance
    ax : Axes, optional
    labels : mapping, optional
        Names to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    wide = balance.frame.pivot(index="term", columns="sample", values="std_bias")
    wide = wide.loc[wide["before"].abs().sort_values(kind="stable").index]
    names = [(labels or {}).get(name, name) for name in wide.index]
    x, title, ten = (said(_WORDS, key, language) for key in ("std_bias", "balance_title", "ten"))
    words = {sample: said(_WORDS, sample, language) for sample in ("before", "after")}
    size = (MIDDLE, max(0.45 * MIDDLE, 0.9 + 0.24 * len(names)))
    with charted(
        ax, captions, language, x=x, title=title, notes=[ten], texts=[*names, *words.values()], size=size,
        zero="x",
    ) as axes:  # fmt: skip
        place = np.arange(len(wide))
        axes.hlines(place, wide["before"], wide["after"], color=color("dot"), linewidth=1.2, zorder=2)
        for sample, ink, fill in (
            ("before", color("ink-2"), color("paper")),
            ("after", LINE_COLORS[0], LINE_COLORS[0]),
        ):
            axes.plot(
                wide[sample], place, "o", ms=5.5, color=ink, markerfacecolor=fill, label=words[sample],
                zorder=3,
            )  # fmt: skip
        for limit in (-10, 10):
            dashed(axes, x=limit)
        axes.set_yticks(place, names)
        axes.set_ylim(-0.5, len(wide) - 0.5)
    return axes


@hinted
def honest_plot(
    honest: Any, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw robust intervals by how far trends may differ.

    Parameters
    ----------
    honest : Honest
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    x, y, title = (said(_WORDS, key, language) for key in ("M", "estimate", "honest_title"))
    frame = honest.frame
    notes = interval_note(language, honest)
    with charted(ax, captions, language, x=x, y=y, title=title, notes=notes, zero="y") as axes:
        place = np.arange(len(frame))
        axes.vlines(place, frame["conf_low"], frame["conf_high"], color=LINE_COLORS[0], linewidth=2.0)
        axes.plot(place, np.full(len(frame), honest.estimate), "o", ms=4, color=LINE_COLORS[0])
        axes.set_xticks(place, [f"{m:g}" for m in frame["M"]])
    return axes


@hinted
def drop_one_plot(
    dropped: Any, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the estimates without one unit, cohort or group each, in order.

    Parameters
    ----------
    dropped : DropOne
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = dropped.frame.sort_values("estimate", ignore_index=True)
    x, y, title = (said(_WORDS, key, language) for key in ("without", "estimate", "drop_title"))
    y = effect_words("ATT", {}, language)
    names = [str(v) for v in frame["left_out"]] if len(frame) <= 40 else []
    with charted(
        ax, captions, language, x=x, y=y, title=title, texts=names, zero="y",
        notes=[said(_WORDS, "whole", language), *interval_note(language, dropped)],
    ) as axes:  # fmt: skip
        place = np.arange(len(frame))
        axes.vlines(place, frame["conf_low"], frame["conf_high"], color=color("dot"), linewidth=1.0)
        axes.plot(place, frame["estimate"], ".", color=LINE_COLORS[0], ms=4)
        dashed(axes, y=dropped.estimate)
        axes.set_xticks(place[: len(names)], names, rotation=90)
    return axes
