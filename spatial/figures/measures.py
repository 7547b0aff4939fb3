"""Figures of measures: weights of an index, resilience, transitions, semivariogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatial.errors import DataError

from .canvas import drawing
from .palette import color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.association.distances import Semivariogram
    from spatial.autocorrelation.markov.chains import SpatialMarkov
    from spatial.autocorrelation.markov.quadrants import LisaMarkov
    from spatial.indices.resilience import Resilience
    from spatial.indices.result import CompositeIndex

__all__ = ["index_plot", "resilience_plot", "semivariogram_plot", "transition_plot"]


def index_plot(found: CompositeIndex, *, ax: Axes | None = None) -> Axes:
    """Draw the weights of a composite index as bars; their mean over time where they change."""
    mean = found.mean_weights
    names = [str(name) for name in mean.index]
    with drawing(ax, names, size=(5.2, 1.0 + 0.28 * len(names))) as axes:
        axes.barh(np.arange(len(names)), mean.to_numpy())
        axes.set_yticks(np.arange(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel(found.method)
    return axes


def resilience_plot(found: Resilience, *, ax: Axes | None = None) -> Axes:
    """Draw growth against expected growth; rows whose denominator is near zero are hollow."""
    flagged = found.parts["flagged"].to_numpy()
    x, y = found.parts["expected_growth"].to_numpy(), found.parts["growth"].to_numpy()
    with drawing(ax, []) as axes:
        axes.scatter(x[~flagged], y[~flagged], s=9)
        axes.scatter(x[flagged], y[flagged], s=12, facecolors="none", edgecolors=color("HH"))
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, ends, color=color("ink-3"), linewidth=0.8)
        axes.set_xlabel("expected growth")
        axes.set_ylabel("growth")
    return axes


def transition_plot(
    found: SpatialMarkov | LisaMarkov, *, lag_class: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a matrix of transition probabilities; with `lag_class`, given the neighbours' class 1 .. m."""
    labels = [str(label) for label in found.probabilities.index]
    values, title = found.probabilities.to_numpy(), f"{found.name}: all neighbours"
    conditional = getattr(found, "conditional_probabilities", None)
    if conditional is None:
        title = f"{found.name}: quadrants"
    if lag_class is not None:
        most = 0 if conditional is None else len(conditional)
        if conditional is None or not 1 <= lag_class <= most:
            raise DataError(f"lag_class must be 1 to {most}; got {lag_class!r}.")
        values, title = conditional[lag_class - 1], f"{found.name}: neighbours in class {lag_class}"
    with drawing(ax, [title, *labels], size=(4.2, 3.8)) as axes:
        axes.imshow(values, cmap="Blues", vmin=0.0, vmax=1.0)
        for (i, j), value in np.ndenumerate(values):
            shade = "white" if value > 0.5 else "black"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=shade)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("to")
        axes.set_ylabel("from")
        axes.set_title(title)
    return axes


def semivariogram_plot(found: Semivariogram, *, ax: Axes | None = None) -> Axes:
    """Draw the semivariance by distance, with the variance of the values."""
    f = found.frame.dropna(subset=["semivariance"])
    ink, muted = color("ink"), color("ink-3")
    with drawing(ax, [found.name]) as axes:
        axes.axhline(found.variance, color=muted, linewidth=0.8, linestyle="--", label="variance")
        axes.plot(f["mean_km"], f["semivariance"], "o-", color=ink, linewidth=1.0)
        axes.set_xlabel("Distance, km")
        axes.set_ylabel(f"Semivariance of {found.name}")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.08 * max(found.variance, float(np.max(f["semivariance"]))))
        axes.legend()
    return axes
