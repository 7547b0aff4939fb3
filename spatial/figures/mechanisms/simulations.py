"""Figures over what was varied on purpose: distances, and draws of a process whose truth is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.figures.canvas import BESIDE
from spatial.figures.charts import charted, effect_words, filled_note, shaded
from spatial.figures.palette import LINE_COLORS, color
from spatial.figures.style.captions import Captions
from spatial.figures.words import word
from spatial.words import check_language

from .comparisons import one_term

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["decay_plot", "monte_carlo_plot"]

_DRAWN = 400
_RING = re.compile(r"ring (\S+)-(\S+) km")


@hinted
def decay_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    term: str | None = None,
    labels: Mapping[str, str] | None = None,
    axis: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw an estimate with its band over a distance; hollow where the interval holds zero.

    Parameters
    ----------
    found : Sweep, Robustness or DifferenceInDifferences
        Of a robustness table: the variants whose names hold a number, as ``"band:200"``; the last counts.
        Of a policy with rings: what the untreated of each ring get, at its middle.
    ax : Axes, optional
    term : str, optional
        Needed where several are shown.
    labels : mapping, optional
        Term to the words drawn.
    axis : str, optional
        What the numbers are; default a distance in km.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> frame = pd.DataFrame({"term": "W(x)", "cutoff_km": [100.0, 200.0], "estimate": [0.3, 0.1]})
    >>> frame = frame.assign(conf_low=frame.estimate - 0.2, conf_high=frame.estimate + 0.2)
    >>> axes = decay_plot(SimpleNamespace(tidy=lambda: frame))
    >>> [float(x) for x in axes.get_xticks()]
    [100.0, 200.0]
    """
    language = check_language(lang)
    rows = one_term(_by_distance(found.tidy()), term).sort_values("cutoff_km", ignore_index=True)
    name = str(rows["term"].iloc[0])
    is_rings = "ring" in rows
    label = word(name, language) if is_rings else effect_words(name, labels, language)
    below = word("distance", language) if axis is None else axis
    x, y = rows["cutoff_km"].to_numpy(float), rows["estimate"].to_numpy(float)
    low, high = rows["conf_low"].to_numpy(float), rows["conf_high"].to_numpy(float)
    with charted(
        ax, captions, language, x=below, y=label, title=word("decay", language),
        notes=[filled_note(language, found)], zero="y",
    ) as axes:  # fmt: skip
        shaded(axes, x, low, high)
        axes.plot(x, y, color=LINE_COLORS[0], linewidth=1.4, zorder=3)
        told = (low > 0) | (high < 0)
        for chosen, face in ((told, LINE_COLORS[0]), (~told, color("paper"))):
            axes.plot(x[chosen], y[chosen], "o", ms=5, mec=LINE_COLORS[0], mfc=face, zorder=4)
        if x.max() / x.min() > 30:
            axes.set_xscale("log")
        axes.set_xticks(x, rows["ring"].tolist() if is_rings else [f"{v:g}" for v in x])
        axes.minorticks_off()
    return axes


def _by_distance(frame: pd.DataFrame) -> pd.DataFrame:
    if "cutoff_km" in frame:
        return frame
    policy = "term" in frame and "variant" not in frame  # variants of a policy have rings too
    rings = frame["term"].astype(str).str.extract(_RING).dropna() if policy else frame[:0]
    if len(rings):
        shown = rings[0] + "–" + rings[1]
        middle = rings.astype(float).mean(axis=1)
        return frame.loc[rings.index].assign(term="spillover", ring=shown, cutoff_km=middle)
    numbers = [re.findall(r"\d+(?:\.\d+)?", str(name)) for name in frame.get("variant", ())]
    has = np.array([bool(found) for found in numbers], dtype=bool)
    if not has.any():
        raise DataError(
            "decay_plot draws estimates over numbers: a result of sweep, or variants that are named by one, "
            "as 'band:200'."
        )
    return frame[has].assign(cutoff_km=[float(found[-1]) for found in numbers if found])


@hinted
def monte_carlo_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    term: str | None = None,
    equation: str | None = None,
    printed: float | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the estimates of all draws, a row for each fit, against the truth and a printed number.

    A dot is a draw, the bar holds the middle half, the thin line the middle 95 percent; beside it stands how
    often the interval covers the truth.

    Parameters
    ----------
    found : MonteCarlo
    ax : Axes, optional
    term, equation : str, optional
        Needed where several are there.
    printed : float, optional
        What a paper prints.
    labels : mapping, optional
        Fit, term and equation to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    draws = found.draws
    if equation is not None:
        known = list(dict.fromkeys(draws["equation"]))
        if equation not in known:
            hint = did_you_mean(equation, known)
            raise DataError(f"No equation {equation!r}.{hint} There are {', '.join(known)}.")
        draws = draws[draws["equation"] == equation]
    draws = one_term(draws, term)
    if draws["equation"].nunique() > 1:
        several = ", ".join(dict.fromkeys(draws["equation"]))
        raise DataError(f"The term is in several equations: {several}. Choose one with equation=.")
    fits = list(dict.fromkeys(draws["fit"]))
    names = [(labels or {}).get(fit, fit) for fit in fits]
    truth, said = float(draws["truth"].mean()), word("true_value", language)
    first = draws.iloc[0]
    called = {str(key): (labels or {}).get(str(first[key]), str(first[key])) for key in ("term", "equation")}
    axis = word("estimate_of", language, name=called["term"], equation=called["equation"])
    beside = word("printed", language)
    covers = word("covers", language)
    with charted(
        ax, captions, language, x=axis, title=word("draws", language), notes=[word("draws_note", language)],
        texts=[*names, said, beside, covers], size=(5.6, 0.62 * len(fits) + 1.2),
    ) as axes:  # fmt: skip
        axes.axvline(truth, color=color("ink"), linewidth=1.0, zorder=1, label=said)
        if printed is not None:
            axes.axvline(printed, color=LINE_COLORS[1], linewidth=1.2, ls=(0, (4, 3)), zorder=1, label=beside)
        for k, fit in enumerate(fits):
            part = draws[draws["fit"] == fit]
            _spread(axes, k, part["estimate"].to_numpy(float)[:_DRAWN])
            share = ((part["conf_low"] <= part["truth"]) & (part["truth"] <= part["conf_high"])).mean()
            _beside(axes, k, f"{share:.0%}", "ink-2")
        _beside(axes, -0.75, covers, "ink-3")
        axes.set_yticks(range(len(fits)), names)
        axes.set_ylim(len(fits) - 0.45, -0.75)
        axes.legend(**{**BESIDE, "bbox_to_anchor": (1.12, 1.0)})
    return axes


def _beside(axes: Axes, row: float, text: str, paint: str) -> None:
    """Write to the right of a row."""
    axes.annotate(
        text, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize="small",
        color=color(paint), annotation_clip=False,
    )  # fmt: skip


def _spread(axes: Axes, row: int, values: Any) -> None:
    """Draw the draws of one fit as dots, with quantiles."""
    shift = 0.28 * (((np.arange(len(values)) * 0.6180339887) % 1.0) - 0.5)  # even, and the same each time
    axes.plot(values, row + shift, "o", ms=2.2, color=color("dot"), alpha=0.75, zorder=2)
    ends = np.quantile(values, [0.025, 0.25, 0.5, 0.75, 0.975])
    axes.plot(ends[[0, 4]], [row, row], color=LINE_COLORS[0], linewidth=1.2, zorder=3)
    axes.plot(ends[[1, 3]], [row, row], color=LINE_COLORS[0], linewidth=4.0, solid_capstyle="butt", zorder=3)
    axes.plot(ends[2], row, "o", ms=6, mec=LINE_COLORS[0], mfc=color("paper"), zorder=4)
