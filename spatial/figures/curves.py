"""Figures of curves over a variable: the likelihood ratio of thresholds, effects over a moderator, a U."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spatial.errors import DataError
from spatial.words import check_language

from .canvas import BESIDE, drawing
from .palette import LINE_COLORS, color
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["threshold_plot"]


def threshold_plot(fit: Any, *, ax: Axes | None = None, number: int | None = None, lang: str = "en") -> Axes:
    """Draw the likelihood ratio of each candidate threshold; where it is below the line is the interval.

    Parameters
    ----------
    fit : ThresholdFit
    ax : Axes, optional
    number : int, optional
        Which threshold; default all of them.
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    known = fit.thresholds["threshold"].tolist()
    if number is not None and number not in known:
        raise DataError(f"number is one of {', '.join(map(str, known))}; got {number!r}.")
    chosen = known if number is None else [number]
    critical = float(fit.critical)
    level = word("threshold_line", language, level=f"{100 * fit.level:g}", value=f"{critical:.2f}")
    ratio = word("likelihood_ratio", language)
    names = {k: word("threshold", language, number=k) for k in chosen}
    with drawing(ax, [fit.by, level, ratio, *names.values()], size=(5.6, 3.4)) as axes:
        for place, k in enumerate(chosen):
            part = fit.curve[fit.curve["threshold"] == k]
            row = fit.thresholds[fit.thresholds["threshold"] == k].iloc[0]
            line = LINE_COLORS[place % len(LINE_COLORS)]
            axes.plot(part["value"], part["lr"], color=line, linewidth=1.3, label=names[k], zorder=3)
            axes.axvspan(row["conf_low"], row["conf_high"], color=line, alpha=0.12, linewidth=0, zorder=1)
            axes.plot([row["estimate"]], [0.0], "o", ms=5, color=line, zorder=4, clip_on=False)
        axes.axhline(
            critical, color=color("ink-2"), linewidth=0.9, linestyle=(0, (4, 3)), zorder=2, label=level
        )
        axes.set_ylim(bottom=0, top=max(3 * critical, float(np.nanquantile(fit.curve["lr"], 0.98))))
        axes.set_xlabel(fit.by)
        axes.set_ylabel(ratio)
        axes.legend(**BESIDE)
    return axes
