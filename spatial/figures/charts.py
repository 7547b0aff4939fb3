"""What charts of results share: words round them, named axes, a line at zero, quiet grid, legend beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spatial.words import check_language

from .canvas import ABOVE, BESIDE, MIDDLE, drawing
from .palette import LINE_COLORS, color
from .style.captions import Captions, Words
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "charted",
    "dashed",
    "effect_words",
    "estimates",
    "filled_note",
    "interval_note",
    "shaded",
    "time_axis",
]

_ZERO: dict[str, Any] = {"linewidth": 0.7, "zorder": 1}


@contextmanager
def charted(
    ax: Axes | None,
    captions: Captions,
    lang: str,
    *,
    x: str = "",
    y: str = "",
    title: str = "",
    subtitle: str = "",
    notes: Sequence[str] = (),
    texts: Iterable[str] = (),
    size: tuple[float, float] = (MIDDLE, 0.6 * MIDDLE),
    zero: Literal["x", "y", ""] = "",
) -> Iterator[Axes]:
    """Yield axes with the words round them; what all charts have alike is set here and nowhere else.

    Parameters
    ----------
    ax : Axes, optional
    captions : Captions
        Words given by the caller, before our `title`, `subtitle` and `notes`.
    lang : {"en", "zh"}
    x, y : str
        Words of the axes; without `x` the grid is vertical, as rows are read.
    texts : iterable of str
        Other words that will be drawn.
    size : (width, height)
    zero : {"x", "y", ""}
        The axis on which zero is marked by a line.
    """
    words = Words.of(captions, check_language(lang), title=title, subtitle=subtitle, notes=list(notes))
    with drawing(ax, [x, y, *texts], size=size, words=words) as axes:
        if zero:
            (axes.axvline if zero == "x" else axes.axhline)(0, color=color("ink"), **_ZERO)
        yield axes
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        by_rows = bool(x) and not y
        (axes.xaxis if by_rows else axes.yaxis).grid(True)
        axes.spines["left"].set_visible(False)
        entries = len(axes.get_legend_handles_labels()[0])
        if axes.get_legend() is None and entries:
            axes.legend(**BESIDE if entries > 2 else {**ABOVE, "ncols": entries})


def dashed(axes: Axes, *, x: float | None = None, y: float | None = None, label: str | None = None) -> None:
    """Draw a line that marks a value, across the axes."""
    options: dict[str, Any] = {"color": color("ink-2"), "linewidth": 0.9, "linestyle": (0, (4, 3))}
    if x is not None:
        axes.axvline(x, label=label, zorder=2, **options)
    if y is not None:
        axes.axhline(y, label=label, zorder=2, **options)


def shaded(axes: Axes, x: Any, low: Any, high: Any, ink: str = LINE_COLORS[0]) -> None:
    """Shade the interval of a curve."""
    axes.fill_between(x, low, high, color=ink, alpha=0.18, linewidth=0, zorder=2)


def estimates(axes: Axes, frame: Any, names: Sequence[str]) -> None:
    """Draw estimates with their intervals, a row each, the first on top; filled where zero lies outside."""
    value, low, high = (frame[c].to_numpy(dtype=np.float64) for c in ("estimate", "conf_low", "conf_high"))
    places, told = np.arange(len(value)), (low > 0) | (high < 0)
    axes.hlines(places, low, high, color=LINE_COLORS[0], linewidth=1.3, zorder=3)
    for chosen, face in ((told, LINE_COLORS[0]), (~told, color("paper"))):
        axes.plot(value[chosen], places[chosen], "o", ms=4.8, mec=LINE_COLORS[0], mfc=face, zorder=4)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(value) - 0.5, -0.5)


def time_axis(axes: Axes, times: Sequence[Any]) -> Any:
    """Put the times below the axes, as many as fit, and return their places."""
    places = np.arange(len(times))
    step = max(1, -(-len(times) // 9))
    axes.set_xticks(places[::step], [str(time) for time in times][::step])
    return places


def level_of(found: Any) -> float | None:
    """Return the level of the intervals of a result: its own, or that of ``tidy()``; of a frame none."""
    return None if hasattr(found, "columns") else float(getattr(found, "level", 0.95))


def effect_words(term: str, labels: Mapping[str, str] | None, lang: str) -> str:
    """Return what an axis with the effect of a term says."""
    if term == "ATT" and term not in (labels or {}):
        return word("att", lang)
    return word("effect_of", lang, name=(labels or {}).get(term, term))


def interval_note(lang: str, found: Any) -> list[str]:
    """Return what lines through estimates are, where their level is known."""
    level = level_of(found)
    return [] if level is None else [word("interval", lang, level=f"{100 * level:g}")]


def filled_note(lang: str, *found: Any) -> str:
    """Return what intervals and filled marks say of these results: with the level, where all have one."""
    levels = {level_of(one) for one in found}
    level = levels.pop() if len(levels) == 1 else None
    return word("exclude_zero", lang) if level is None else word("filled_at", lang, level=f"{100 * level:g}")
