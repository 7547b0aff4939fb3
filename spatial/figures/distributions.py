"""Figures of distributions: kernel-density ridges through time, the histogram of neighbours."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from spatial.disparities.densities import density_by_time
from spatial.errors import DataError, hinted, name_ids
from spatial.ids.rows import one_text
from spatial.ids.times import find_times
from spatial.panel.panel import PanelLike
from spatial.weights.report.report import WeightsReport
from spatial.weights.value import WeightsLike, as_weights
from spatial.words import check_language

from .canvas import MIDDLE, drawing
from .palette import color, ramp
from .style.captions import Captions, Words
from .words import p_words, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["density_ridges", "neighbour_histogram", "reference_distribution"]

Float = NDArray[np.float64]

_MOST = 24
_FEWEST_BARS = 8


@hinted
def density_ridges(
    panel: PanelLike,
    column: str,
    times: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
    bandwidth: float | None = None,
    overlap: float = 1.6,
    cmap: str | Colormap | Sequence[str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    r"""Draw the density of a variable over the units at each time, one ridge above the other.

    .. math:: \hat f_t(x) = \frac{1}{N_t h} \sum_i \phi\!\left(\frac{x - x_{it}}{h}\right)

    Parameters
    ----------
    panel : Panel
    column : str
        Missing cells are left out.
    times : sequence, optional
        Default all times of the panel; of more than 24 so many, evenly, and the note says so.
    ax : Axes, optional
    bandwidth : float, optional
        h in the unit of the variable, the same at each time; default Silverman's (1986, eq. 3.31), with
        the spread of the pooled values and the mean N of a time,
        :math:`0.9\,\min(s, \mathrm{IQR}/1.34)\,N^{-1/5}`.
    overlap : float
        Height of the highest ridge in rows.
    cmap : str or Colormap, optional
        From the first time to the last.
    lang : {"en", "zh"}
    **captions
        See `Captions`: title, subtitle, note, titles.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a column without numbers or variation, or a bandwidth that is not positive.

    Examples
    --------
    >>> from spatial.shapefiles import load
    >>> axes = density_ridges(load("nc_crime"), "polpc", [1981, 1984, 1987])
    >>> axes.figure.alt
    'Police per capita, Density, 1981, 1984, 1987'
    """
    language = check_language(lang)
    chosen = _times(panel, times)
    label = panel.label(panel.require(one_text(column, "column"))[0])
    found = density_by_time(panel, column, times=chosen, bandwidth=bandwidth, points=400)
    grid, curves = found.index.to_numpy(), found.to_numpy().T
    from .classes import class_colors

    colors = ramp("sequential", 5)[1:] if cmap is None else []
    colors = _between(colors, len(chosen)) if cmap is None else class_colors(cmap, len(chosen), (0.05, 0.8))
    height = overlap / curves.max()
    notes = []
    if len(chosen) < len(panel.times) and times is None:
        notes.append(word("density_note", language, count=len(chosen), of=len(panel.times)))
    words = Words.of(captions, language, notes=notes)
    with drawing(
        ax,
        [label, word("density", language), *map(str, chosen)],
        size=(MIDDLE, 0.8 + 0.24 * len(chosen)),
        words=words,
    ) as axes:
        for row, curve in enumerate(curves):
            base = len(chosen) - 1 - row  # time runs downwards, later in front
            axes.fill_between(
                grid, base, base + height * curve, color=colors[row], alpha=0.82, lw=0, zorder=2 + row
            )
            axes.plot(grid, base + height * curve, color=color("paper"), linewidth=0.9, zorder=2.5 + row)
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
            have[k]
            for k in np.unique(np.linspace(0, len(have) - 1, min(_MOST, len(have))).round().astype(int))
        ]
    return find_times(panel.times, times)


@hinted
def neighbour_histogram(
    W: WeightsLike | WeightsReport,
    *,
    ax: Axes | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw how many units have how many neighbours; those with none in red.

    Parameters
    ----------
    W : Weights, Graph or W, or the report of weights
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes

    Raises
    ------
    WeightsError
        If `W` is not weights with ids.

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
    colors = [color("HH") if start == 0 and step == 1 else color("mark") for start in starts]
    mean, alone = float(np.average(counts, weights=units)), int(units[counts == 0].sum())
    words = Words.of(
        captions,
        language,
        title=word("neighbours_title", language, n=f"{int(units.sum()):,}"),
        subtitle=word("mean_neighbours", language, mean=f"{mean:.2f}", count=f"{alone:,}"),
    )
    texts = [word("neighbours", language), word("units", language)]
    with drawing(ax, texts, size=(MIDDLE, 2.3), words=words) as axes:
        bars = axes.bar(starts + (step - 1) / 2, heights, width=0.85 * step, color=colors, zorder=2)
        if len(starts) < _FEWEST_BARS:  # few bars are no wider than those of many
            spare = (_FEWEST_BARS - len(starts)) / 2 + 0.5
            axes.set_xlim(low - spare, high + spare)
        if len(starts) <= 20:
            axes.bar_label(
                bars,
                [f"{h:,}" if h else "" for h in heights],
                fontsize=6.5,
                padding=1.5,
                color=color("ink-2"),
            )
        axes.axvline(mean, color=color("ink"), linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
        axes.yaxis.grid(True)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(word("neighbours", language))
        axes.set_ylabel(word("units", language))
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def _between(colors: Sequence[str], k: int) -> list[str]:
    """Return `k` colours along a ramp, even to the eye in steps of matplotlib's mixing."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    mixed = LinearSegmentedColormap.from_list("ramp", list(colors))
    return [to_hex(mixed(place)) for place in np.linspace(0, 1, max(k, 1))]


@hinted
def reference_distribution(
    result: Any,
    *,
    unit: Hashable | None = None,
    ax: Axes | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw what the statistic is under permutation, and where the observed value lies.

    Bars as far out as the observed value, on the tails that the p-value counts, are darker.

    Parameters
    ----------
    result : the result of any permutation test
        With ``simulated`` (the statistic under each permutation) and its statistic; or a local result with
        ``simulations``, made with ``keep_simulations=True``, and then `unit` is needed.
    unit : id, optional
        Of a local result.
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a result that was made without permutations or does not keep them, or an unknown unit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> draws = np.random.default_rng(0).normal(size=999)
    >>> moran = SimpleNamespace(name="x", simulated=draws, statistic=2.5, p_sim=0.02, permutations=999)
    >>> [text.get_text() for text in reference_distribution(moran).texts]
    ['observed 2.500']
    """
    language = check_language(lang)
    draws, observed, p = _simulated(result, unit, language)
    name = str(getattr(result, "name", "") or "")
    if unit is not None:
        name = f"{name}, {unit}" if name else str(unit)
    mark = word("observed", language, value=f"{observed:.3f}".replace("-", "−"))
    words = Words.of(
        captions,
        language,
        title=word("reference", language, name=name) if name else word("reference_plain", language),
        subtitle=p,
        notes=[word("reference_note", language, count=f"{len(draws):,}")],
    )
    with drawing(
        ax, [name, mark, word("simulated", language)], size=(MIDDLE, 0.42 * MIDDLE), words=words
    ) as axes:
        edges = np.histogram_bin_edges(draws, bins=min(60, max(12, int(np.sqrt(len(draws))))))
        heights, _ = np.histogram(draws, bins=edges)
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=color("dot"), zorder=2, gid="draws")
        beyond = draws[_as_far(draws, observed, str(getattr(result, "alternative", "two-sided")))]
        outer, _ = np.histogram(beyond, bins=edges)
        axes.bar(
            edges[:-1], outer, np.diff(edges), align="edge", color=color("ink-2"), zorder=2.5, gid="tails"
        )
        axes.axvline(observed, color=color("ink"), linewidth=1.4, zorder=4, gid="observed")
        right = observed > (edges[0] + edges[-1]) / 2
        axes.annotate(
            mark,
            (observed, 1.0),
            (-5 if right else 5, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=7.5,
            fontweight="bold",
            color=color("ink"),
            zorder=5,
        )
        axes.set_ylim(0, max(heights.max() * 1.12, 1))
        axes.spines["left"].set_visible(False)
        axes.yaxis.grid(True)
        axes.set_xlabel(word("simulated", language))
    return axes


def _simulated(result: Any, unit: Any, lang: str) -> tuple[Float, float, str]:
    """Return the draws, the observed value and the p-value in words."""
    if unit is None:
        draws = getattr(result, "simulated", None)
        observed = getattr(result, "statistic", getattr(result, "I", None))
        if draws is None or observed is None:
            raise DataError(
                f"{type(result).__name__} has no permutations of one statistic: repeat the test with "
                "permutations=999, or name a unit of a local result with unit=."
            )
        return np.asarray(draws, dtype=np.float64), float(observed), p_words(result, lang)
    kept, frame = getattr(result, "simulations", None), getattr(result, "frame", None)
    if kept is None or frame is None:
        raise DataError(
            f"{type(result).__name__} does not keep its permutations: repeat it with keep_simulations=True."
        )
    if unit not in frame.index:
        raise DataError(f"The result has no unit {unit!r}; it has {name_ids(frame.index, 6)}.")
    row = int(frame.index.get_loc(unit))
    column = next(name for name in ("Ii", "G", "C", frame.columns[0]) if name in frame.columns)
    return (
        np.asarray(kept[row], dtype=np.float64),
        float(frame[column].iloc[row]),
        p_words(frame.iloc[row], lang),
    )


def _as_far(draws: Float, observed: float, alternative: str) -> NDArray[np.bool_]:
    """Return which draws lie as far out as the observed value, on the tails that count."""
    larger, smaller = draws >= observed, draws <= observed
    if alternative == "greater":
        return larger
    if alternative == "less":
        return smaller
    tail = larger if larger.sum() <= smaller.sum() else smaller
    if alternative == "geoda":
        return tail
    # Two-sided p is twice the smaller tail: the other end has as many.
    count = int(tail.sum())
    order = np.argsort(draws, kind="stable")
    both = tail.copy()
    if count:
        both[order[:count] if larger.sum() <= smaller.sum() else order[-count:]] = True
    return both
