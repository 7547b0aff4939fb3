"""Figures of disparities: convergence, dispersion, parts of inequality, centres of gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .canvas import drawing
from .palette import color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.disparities.centrography import Centrography
    from spatial.disparities.convergence import BetaConvergence
    from spatial.disparities.inequality import Decomposition
    from spatial.disparities.sigma import SigmaConvergence

__all__ = ["centres_plot", "convergence_plot", "dispersion_plot", "inequality_plot"]


def convergence_plot(found: BetaConvergence, *, ax: Axes | None = None) -> Axes:
    """Draw the coefficients of a growth equation with their 95 percent intervals."""
    table, places = found.estimates, np.arange(len(found.estimates))
    with drawing(ax, list(table["term"]), size=(5.2, 1.0 + 0.35 * len(table))) as axes:
        reach = table["conf_high"] - table["estimate"]
        axes.errorbar(table["estimate"], places, xerr=reach, fmt="o", capsize=3)
        axes.axvline(0, color=color("ink-3"), linewidth=0.8)
        axes.set_yticks(places, list(table["term"]))
        axes.invert_yaxis()
    return axes


def dispersion_plot(found: SigmaConvergence, *, ax: Axes | None = None) -> Axes:
    """Draw the dispersion between units over time, a line each measure."""
    places = np.arange(len(found.frame))
    with drawing(ax, []) as axes:
        for column in found.frame.columns.drop(["n", "mean"]):
            axes.plot(places, found.frame[column].to_numpy(), marker="o", label=column)
        axes.set_xticks(places, [str(time) for time in found.frame.index])
        axes.legend()
    return axes


def inequality_plot(found: Decomposition, *, ax: Axes | None = None) -> Axes:
    """Draw the parts of a measure of inequality as stacked bars over time."""
    places = np.arange(len(found.frame))
    with drawing(ax, [found.measure, *found.parts]) as axes:
        base = np.zeros(len(places))
        for part in found.parts:
            height = found.frame[part].to_numpy()
            axes.bar(places, height, bottom=base, label=part)
            base = base + height
        axes.set_xticks(places, [str(time) for time in found.frame.index])
        axes.set_ylabel(found.measure)
        axes.legend()
    return axes


def centres_plot(found: Centrography, *, ax: Axes | None = None) -> Axes:
    """Draw the standard ellipses, and the path of the centres of gravity, in degrees."""
    frame = found.frame
    with drawing(ax, []) as axes:
        for outline in found.outlines():
            axes.plot(*outline.T, color=color("ink-3"), linewidth=0.7)
        axes.plot(frame["lon"], frame["lat"], marker="o", markersize=3)
        for time, row in (frame.iloc[[0, -1]] if len(frame) > 1 else frame).iterrows():
            axes.annotate(str(time), (row["lon"], row["lat"]), xytext=(4, 4), textcoords="offset points")
        axes.set_aspect(found.aspect)
    return axes
