"""Figures of Anderson-Rubin confidence sets: one slope as a curve, two as a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from spatial.errors import DataError, hinted
from spatial.words import check_language

from .canvas import BESIDE
from .charts import charted, dashed
from .palette import LINE_COLORS, color
from .style.captions import Captions
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confidence_set_plot"]


@hinted
def confidence_set_plot(
    result: Any,
    *,
    ax: Axes | None = None,
    equation: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the confidence set of the slopes of one equation.

    One endogenous regressor: F at each slope, the values that are not rejected shaded.  Two: the region of
    both slopes, the estimate as a point.  A set without bound runs to the edges of the figure.

    Parameters
    ----------
    result : AndersonRubin
        What ``fit.anderson_rubin()`` returns.
    ax : Axes, optional
    equation : str, optional
        Needed where the result has sets of several equations.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    if not callable(getattr(result, "of", None)):
        raise DataError(f"confidence_set_plot draws fit.anderson_rubin(); got {type(result).__name__}.")
    found = result.of(equation)
    label = word("confidence_set", language, level=f"{100 * result.level:g}")
    one = len(found.terms) == 1
    y = "F" if one else found.terms[1]
    title = word("anderson_rubin", language)
    with charted(
        ax, captions, language, x=found.terms[0], y=y, title=title, texts=[label, word("estimate", language)]
    ) as axes:
        grid, F = found.surface()
        if len(grid) == 1:
            _curve(axes, found, grid[0], F, label, language)
        else:
            _region(axes, found, grid, F, label, language)
    return axes


def _curve(axes: Axes, found: Any, grid: Any, F: Any, label: str, language: str) -> None:
    ceiling = max(4 * found.critical, 1.1 * float(found.critical))
    axes.plot(grid, F, color=LINE_COLORS[0], linewidth=1.5)
    dashed(axes, y=found.critical)
    low, high = float(grid[0]), float(grid[-1])
    for k, (a, b) in enumerate(found.intervals[0]):
        left, right = max(a, low), min(b, high)
        axes.axvspan(left, right, color=LINE_COLORS[0], alpha=0.15, lw=0, label=label if k == 0 else None)
    axes.axvline(found.estimate[0], color=LINE_COLORS[1], linewidth=1.1, label=word("estimate", language))
    axes.set_xlim(low, high)
    axes.set_ylim(0, min(float(np.max(F)) * 1.05, ceiling))


def _region(axes: Axes, found: Any, grid: Any, F: Any, label: str, language: str) -> None:
    from matplotlib.patches import Patch

    x, y = grid
    axes.contourf(x, y, F.T, levels=[-1.0, found.critical], colors=[LINE_COLORS[0]], alpha=0.2)
    axes.contour(x, y, F.T, levels=[found.critical], colors=[LINE_COLORS[0]], linewidths=1.3)
    axes.axhline(0, color=color("rule"), linewidth=0.6, zorder=0)
    axes.axvline(0, color=color("rule"), linewidth=0.6, zorder=0)
    (point,) = axes.plot(
        *found.estimate, "o", ms=5, color=LINE_COLORS[1], zorder=4, label=word("estimate", language)
    )
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_ylim(float(y[0]), float(y[-1]))
    axes.legend(handles=[Patch(color=LINE_COLORS[0], alpha=0.2, label=label), point], **BESIDE)
