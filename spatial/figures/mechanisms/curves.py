"""Figures of curves over a variable: the likelihood ratio of thresholds, effects over a moderator, a U."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from spatial.errors import DataError, did_you_mean, hinted
from spatial.figures.charts import charted, dashed, shaded
from spatial.figures.palette import LINE_COLORS, color
from spatial.figures.style.captions import Captions
from spatial.figures.words import word
from spatial.words import check_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["marginal_effects_plot", "threshold_plot", "u_plot"]


@hinted
def threshold_plot(
    fit: Any,
    *,
    ax: Axes | None = None,
    number: int | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the likelihood ratio of each candidate threshold; where it is below the line is the interval.

    Parameters
    ----------
    fit : ThresholdFit
    ax : Axes, optional
    number : int, optional
        Which threshold; default all of them.
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
    name = (labels or {}).get(fit.by, fit.by)
    known = fit.thresholds["threshold"].tolist()
    if number is not None and number not in known:
        raise DataError(f"number is one of {', '.join(map(str, known))}; got {number!r}.")
    chosen = known if number is None else [number]
    critical = float(fit.critical)
    level = word("threshold_line", language, level=f"{100 * fit.level:g}", value=f"{critical:.2f}")
    ratio = word("likelihood_ratio", language)
    names = {k: word("threshold", language, number=k) for k in chosen}
    with charted(
        ax, captions, language, x=name, y=ratio, title=word("thresholds", language, name=name),
        texts=[level, *names.values()],
    ) as axes:  # fmt: skip
        for place, k in enumerate(chosen):
            part = fit.curve[fit.curve["threshold"] == k]
            row = fit.thresholds[fit.thresholds["threshold"] == k].iloc[0]
            line = LINE_COLORS[place % len(LINE_COLORS)]
            axes.plot(part["value"], part["lr"], color=line, linewidth=1.3, label=names[k], zorder=3)
            axes.axvspan(row["conf_low"], row["conf_high"], color=line, alpha=0.12, linewidth=0, zorder=1)
            axes.plot([row["estimate"]], [0.0], "o", ms=5, color=line, zorder=4, clip_on=False)
        dashed(axes, y=critical, label=level)
        axes.set_ylim(bottom=0, top=max(3 * critical, float(np.nanquantile(fit.curve["lr"], 0.98))))
    return axes


@hinted
def marginal_effects_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the effect of a treatment over a moderator, with its band; bright where it is told from zero.

    Parameters
    ----------
    found : Moderation
    ax : Axes, optional
    by : str, optional
        Which moderator; needed where there are several.
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
    known = list(found.fits)
    if by is None and len(known) > 1:
        raise DataError(f"There are several moderators: {', '.join(known)}. Choose one with by=.")
    if by is not None and by not in known:
        raise DataError(f"by is one of {', '.join(known)}; got {by!r}.{did_you_mean(by, known)}")
    name = known[0] if by is None else by
    curve = found.curve[found.curve["by"] == name]
    regions = found.regions[found.regions["by"] == name]
    shown = (labels or {}).get(name, name)
    label = word("effect_of", language, name=(labels or {}).get(found.treatment, found.treatment))
    texts = {
        True: word("told_from_zero", language, level=f"{100 * found.level:g}"),
        False: word("not_told_from_zero", language, level=f"{100 * found.level:g}"),
    }
    x, y = curve["value"].to_numpy(), curve["estimate"].to_numpy()
    low, high = curve["conf_low"].to_numpy(), curve["conf_high"].to_numpy()
    with charted(
        ax, captions, language, x=shown, y=label, title=word("moderation", language, name=shown),
        notes=[word("marks_below", language)], texts=list(texts.values()), zero="y",
    ) as axes:  # fmt: skip
        drawn: set[bool] = set()
        for part in regions.to_dict("records"):
            clear = bool(part["significant"])
            grid = np.unique(np.r_[part["low"], x[(x > part["low"]) & (x < part["high"])], part["high"]])
            paint = LINE_COLORS[0] if clear else color("dot")
            shaded(axes, grid, np.interp(grid, x, low), np.interp(grid, x, high), paint)
            named = None if clear in drawn else texts[clear]
            axes.plot(grid, np.interp(grid, x, y), color=paint, linewidth=1.6, label=named, zorder=3)
            drawn.add(clear)
        for cut in regions["low"].iloc[1:]:
            dashed(axes, x=cut)
        marks = found.effects[found.effects["by"] == name]["value"]
        bottom = axes.get_ylim()[0]
        ends = np.full(len(marks), bottom)
        axes.plot(marks, ends, "|", ms=7, color=color("ink-2"), clip_on=False, zorder=4)
        axes.set_ylim(bottom=bottom)
    return axes


@hinted
def u_plot(
    test: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the curve of a term and its square over the data, its turning point and the interval of that.

    Parameters
    ----------
    test : UTest
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
    curve, said = test.curve, (labels or {}).get(test.term, test.term)
    low, high = float(curve["value"].min()), float(curve["value"].max())
    label = word("effect_of", language, name=said)
    turn = word("turning_point", language, value=f"{test.turning_point:.3g}")
    left, right = (max(test.fieller[0], low), min(test.fieller[1], high)) if test.bounded else (high, low)
    bands = word("u_bands" if left < right else "u_band", language, level=f"{100 * test.level:g}")
    with charted(
        ax, captions, language, x=said, y=label, title=word("u_shape", language, name=said),
        notes=[bands], texts=[turn], zero="y",
    ) as axes:  # fmt: skip
        shaded(axes, curve["value"], curve["conf_low"], curve["conf_high"])
        axes.plot(curve["value"], curve["estimate"], color=LINE_COLORS[0], linewidth=1.6, zorder=3)
        if left < right:
            axes.axvspan(left, right, color=color("band"), linewidth=0, zorder=0)
        if low <= test.turning_point <= high:
            dashed(axes, x=test.turning_point, label=turn)
        axes.set_xlim(low, high)
    return axes
