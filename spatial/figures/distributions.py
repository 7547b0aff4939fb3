"""Figures of distributions: kernel-density ridges through time, the histogram of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial.disparities.densities import density_by_time
from spatial.errors import DataError, name_ids
from spatial.weights.report.report import WeightsReport
from spatial.weights.value import WeightsLike, as_weights
from spatial.words import check_language

from .canvas import drawing
from .palette import LINE_COLORS
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["density_ridges", "neighbour_histogram"]

Float = NDArray[np.float64]


def density_ridges(
    panel: Any,
    column: str,
    times: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
    bandwidth: float | None = None,
    overlap: float = 1.6,
    cmap: Any = "viridis",
    lang: str = "en",
) -> Axes:
    r"""Draw the density of a variable over the units at each time, one ridge above the other.

    .. math:: \hat f_t(x) = \frac{1}{N_t h} \sum_i \phi\!\left(\frac{x - x_{it}}{h}\right)

    Parameters
    ----------
    panel : Panel
    column : str
        Missing cells are left out.
    times : sequence, optional
        Default all times of the panel, at most twelve, evenly.
    ax : Axes, optional
    bandwidth : float, optional
        h in the unit of the variable, the same at each time; default Silverman's (1986, eq. 3.31), with
        the spread of the pooled values and the mean N of a time,
        :math:`0.9\,\min(s, \mathrm{IQR}/1.34)\,N^{-1/5}`.
    overlap : float
        Height of the highest ridge in rows.
    cmap : str or Colormap
        From the first time to the last.
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a column without numbers or variation, or a bandwidth that is not positive.
    """
    language = check_language(lang)
    chosen = _times(panel, times)
    label = panel.label(panel.require(column)[0])
    found = density_by_time(panel, column, times=chosen, bandwidth=bandwidth, points=400)
    grid, curves = found.index.to_numpy(), found.to_numpy().T
    from .classes import class_colors

    colors = class_colors(cmap, len(chosen), (0.05, 0.8))
    height = overlap / curves.max()
    with drawing(
        ax, [label, word("density", language), *map(str, chosen)], size=(5.2, 1.2 + 0.34 * len(chosen))
    ) as axes:
        for row, curve in enumerate(curves):
            base = len(chosen) - 1 - row  # time runs downwards, later in front
            axes.fill_between(
                grid, base, base + height * curve, color=colors[row], alpha=0.82, lw=0, zorder=2 + row
            )
            axes.plot(grid, base + height * curve, color="white", linewidth=0.9, zorder=2.5 + row)
        axes.set_yticks(range(len(chosen)), [str(time) for time in reversed(chosen)])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlim(grid[0], grid[-1])
        axes.set_xlabel(label)
    return axes


def _times(panel: Any, times: Sequence[Any] | None) -> list[Any]:
    if not hasattr(panel, "cube") or not hasattr(panel, "times"):
        raise DataError(f"A Panel is needed (see read_panel); got {type(panel).__name__}.")
    have = list(panel.times)
    if times is None:
        return [
            have[k] for k in np.unique(np.linspace(0, len(have) - 1, min(12, len(have))).round().astype(int))
        ]
    chosen = list(times)
    unknown = [time for time in chosen if time not in have]
    if unknown or not chosen:
        raise DataError(f"The panel has no time {name_ids(unknown)}; it has {name_ids(have, 30)}.")
    return chosen


def neighbour_histogram(W: WeightsLike | WeightsReport, *, ax: Axes | None = None, lang: str = "en") -> Axes:
    """Draw how many units have how many neighbours; those with none in red.

    Parameters
    ----------
    W : Weights, Graph or W, or the report of weights
    ax : Axes, optional
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> axes = neighbour_histogram(Weights.from_dense([[0, 1, 0], [1, 0, 0], [0, 0, 0]]))
    >>> [int(bar.get_height()) for bar in axes.patches]
    [1, 2]
    """
    language = check_language(lang)
    units = (W if isinstance(W, WeightsReport) else as_weights(W).report(spectrum=False)).neighbors
    counts = units.index.to_numpy()
    low, high = int(counts[0]), int(counts[-1])
    step = max(1, -(-(high - low + 1) // 40))  # at most forty bars
    starts = np.arange(low, high + 1, step)
    heights = [int(units[(counts >= start) & (counts < start + step)].sum()) for start in starts]
    colors = [LINE_COLORS[1] if start == 0 and step == 1 else LINE_COLORS[0] for start in starts]
    with drawing(ax, [word("neighbours", language), word("units", language)], size=(5.2, 3.2)) as axes:
        bars = axes.bar(starts + (step - 1) / 2, heights, width=0.85 * step, color=colors, zorder=2)
        if len(starts) <= 20:
            axes.bar_label(
                bars, [str(h) if h else "" for h in heights], fontsize=7.5, padding=1.5, color="#505050"
            )
        mean = float(np.average(counts, weights=units))
        axes.axvline(mean, color="#202020", linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
        axes.set_title(
            word("mean_neighbours", language, mean=f"{mean:.2f}", count=int(units[counts == 0].sum()))
        )
        axes.set_xlabel(word("neighbours", language))
        axes.set_ylabel(word("units", language))
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return axes
