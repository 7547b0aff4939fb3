"""Figures of policies: event studies with bands, placebos, Bacon weights, robust intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from spatial.errors import DataError
from spatial.words import check_language, said

from .canvas import BESIDE, drawing
from .events import event_study_plot
from .palette import LINE_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bacon_plot", "drop_one_plot", "honest_plot", "placebo_plot", "policy_plot"]

_WORDS: dict[str, tuple[str, str]] = {
    "since": ("Times since the policy", "距政策实施的期数"),
    "effect": ("Effect on {name}", "对{name}的效应"),
    "att": ("Average effect on the treated", "平均处理效应"),
    "estimate": ("Estimate", "估计值"),
    "placebo": ("Estimates of random calendars", "随机政策批次的估计值"),
    "count": ("Draws", "次数"),
    "observed": ("Estimate {value:.4g}, p = {p:.3g}", "估计值 {value:.4g}，p = {p:.3g}"),
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
    "band": ("simultaneous 95 % band", "联合 95 % 置信带"),
}


class _Policy(Protocol):
    outcome: str
    reference: int

    def event_study(self) -> pd.DataFrame: ...


def policy_plot(fit: _Policy, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw the event study of a policy: effects by time since it, with intervals and the simultaneous band.

    Parameters
    ----------
    fit : DifferenceInDifferences
    ax : Axes, optional
    lang : {"en", "zh"}

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
    return event_study_plot(
        frame,
        ax=ax,
        reference=fit.reference,
        event=fit.reference + 1,
        label=said(_WORDS, "effect", language, name=fit.outcome),
        lang=language,
    )


def placebo_plot(placebo: Any, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw the distribution of placebo estimates, and the estimate.

    Parameters
    ----------
    placebo : Placebo
    ax : Axes, optional
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    mark = said(_WORDS, "observed", language, value=placebo.estimate, p=placebo.p_value)
    labels = [said(_WORDS, key, language) for key in ("placebo", "count")]
    with drawing(ax, [*labels, mark], size=(5.2, 3.2)) as axes:
        axes.hist(placebo.estimates, bins="fd", color="#9ab6cf", edgecolor="white", linewidth=0.4)
        axes.axvline(0, color="#808080", linewidth=0.8)
        axes.axvline(placebo.estimate, color=LINE_COLORS[1], linewidth=1.6, label=mark)
        from matplotlib.ticker import MaxNLocator

        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.16), borderaxespad=0.0)
    return axes


def bacon_plot(bacon: Any, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw each comparison of the two-way estimate: its estimate against its weight.

    Parameters
    ----------
    bacon : Bacon
    ax : Axes, optional
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    mark = said(_WORDS, "two_way", language, value=bacon.twfe)
    kinds = list(dict.fromkeys(bacon.frame["kind"]))
    labels = [said(_WORDS, kind, language) for kind in kinds]
    with drawing(
        ax, [*labels, mark, said(_WORDS, "weight", language), said(_WORDS, "estimate", language)]
    ) as axes:
        for kind, label, marker, color in zip(kinds, labels, "o^s", LINE_COLORS, strict=False):
            rows = bacon.frame[bacon.frame["kind"] == kind]
            axes.plot(rows["weight"], rows["estimate"], marker, ms=5, color=color, label=label)
        axes.axhline(bacon.twfe, color="#404040", linewidth=1.0, linestyle=(0, (4, 3)), label=mark)
        axes.set_xlabel(said(_WORDS, "weight", language))
        axes.set_ylabel(said(_WORDS, "estimate", language))
        axes.set_xlim(left=0)
        axes.legend(**BESIDE)
    return axes


def honest_plot(honest: Any, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw robust intervals by how far trends may differ.

    Parameters
    ----------
    honest : Honest
    ax : Axes, optional
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    labels = [said(_WORDS, key, language) for key in ("M", "estimate")]
    frame = honest.frame
    with drawing(ax, labels, size=(5.2, 3.2)) as axes:
        axes.axhline(0, color="#808080", linewidth=0.8)
        place = np.arange(len(frame))
        axes.vlines(place, frame["conf_low"], frame["conf_high"], color=LINE_COLORS[0], linewidth=2.0)
        axes.plot(place, np.full(len(frame), honest.estimate), "o", ms=4, color=LINE_COLORS[0])
        axes.set_xticks(place, [f"{m:g}" for m in frame["M"]])
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
    return axes


def drop_one_plot(dropped: Any, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw the estimates without one unit, cohort or group each, in order.

    Parameters
    ----------
    dropped : DropOne
    ax : Axes, optional
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = dropped.frame.sort_values("estimate", ignore_index=True)
    labels = [said(_WORDS, key, language) for key in ("without", "att")]
    with drawing(ax, [*labels, *map(str, frame["left_out"])], size=(6.0, 3.4)) as axes:
        place = np.arange(len(frame))
        axes.vlines(place, frame["conf_low"], frame["conf_high"], color="#9ab6cf", linewidth=1.0)
        axes.plot(place, frame["estimate"], ".", color=LINE_COLORS[0], ms=4)
        axes.axhline(dropped.estimate, color="#404040", linewidth=1.0, linestyle=(0, (4, 3)))
        axes.axhline(0, color="#808080", linewidth=0.8)
        if len(frame) <= 40:
            axes.set_xticks(place, [str(v) for v in frame["left_out"]], rotation=90)
        else:
            axes.set_xticks([])
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
    return axes
