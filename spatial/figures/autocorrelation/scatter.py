"""The Moran scatter plot: of one cross-section, of each year of a panel, of all years pooled."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.figures.canvas import MIDDLE, drawing, root_figure
from spatial.figures.palette import cluster_color, cluster_label, color
from spatial.figures.style.captions import Captions, Words
from spatial.figures.style.labels import place_labels
from spatial.figures.words import p_words, word
from spatial.panel.panel import LabelsLike
from spatial.weights.value import WeightsLike
from spatial.words import check_language

from .values import codes_of, has_clusters, names_of, scatter_values, slope_scale, variables_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Asked", "Cloud", "moran_scatter"]

Float = NDArray[np.float64]
Limits = tuple[float, float]

_FAR = 8.0  # standard deviations from which points are drawn at the edge
_QUADRANTS = (("HH", 1.0, 1.0), ("LH", 0.0, 1.0), ("LL", 0.0, 0.0), ("HL", 1.0, 0.0))


@dataclass(frozen=True)
class Asked:
    """What is wanted of a panel."""

    column: str | None
    at: Any
    labels: Any
    n_labels: int
    name: str | None
    permutations: int
    lang: str


@dataclass(frozen=True)
class Cloud:
    """What one plot draws."""

    z: pd.Series[float]
    lag: pd.Series[float]
    statistic: float
    p: str
    codes: NDArray[Any]
    significant: bool
    names: pd.Series[Any] | None = None
    label: str = ""
    n_labels: int = 16

    @property
    def far(self) -> NDArray[np.bool_]:
        """Which points lie beyond eight standard deviations."""
        return np.asarray((self.z.abs() > _FAR) | (self.lag.abs() > _FAR))

    @property
    def intercept(self) -> float:
        """The line goes through the means of both axes."""
        return float(self.lag.mean() - self.statistic * self.z.mean())


def moran_scatter(
    moran: Any,
    W: WeightsLike | None = None,
    *,
    column: str | None = None,
    at: Hashable | None = None,
    ax: Axes | None = None,
    labels: LabelsLike | None = None,
    n_labels: int = 16,
    local: Any = None,
    name: str | None = None,
    permutations: int = 999,
    lang: str = "en",
    **captions: Unpack[Captions],
) -> Axes:
    r"""Draw the Moran scatter plot: the spatial lag against the variable, both in standard deviations.

    The line goes through the means of both, and its slope is Moran's I, as (Anselin 1996)

    .. math:: I = \frac{n}{S_0} \frac{z'Wz}{z'z} ,

    so where rows of W do not sum to one the lag is drawn scaled by :math:`n / S_0`.  Both axes have one
    scale; points beyond eight standard deviations stand at the edge, and the note counts them.

    Parameters
    ----------
    moran : Moran, Series or Panel
        The result of `moran`, `bivariate_moran` or `local_moran` (points in the colours of their clusters);
        or values by id, or a panel, and then `W` is needed.
    W : Weights, optional
        With values or a panel.
    column : str, optional
        The variable of a panel.
    at : time, list of times, "all" or "pooled", optional
        Of a panel: one plot for each time (the default, "all"), or all units and times in one, as deviations
        from each year's mean.
    ax : Axes, optional
        Where to draw; default a new figure.
    labels : Series or True, optional
        Names by id for the outliers; True writes the ids.
    n_labels : int
        At most so many labels, the furthest points of each quadrant first.
    local : LocalMoran, optional
        Colours the points by cluster.
    name : str, optional
        The variable in the axis labels; default the name that the values carry.
    permutations : int
        Of a panel's p-values.
    lang : {"en", "zh"}
    **captions
        See `Captions`: title, subtitle, note, titles.

    Returns
    -------
    Axes
        Of several times the whole; the plots are its ``child_axes``.

    Raises
    ------
    AlignmentError
        Where `labels` or `local` lack units of the plot.
    DataError
        Where `moran` is neither a result nor values with weights, or a panel lacks column or time.

    References
    ----------
    Anselin, L. (1996). The Moran scatterplot as an ESDA tool to assess local instability in spatial
    association. In Spatial Analytical Perspectives on GIS.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> W = Weights.from_dense([[0, 1, 0], [1, 0, 1], [0, 1, 0]], ids=["a", "b", "c"])
    >>> axes = moran_scatter(pd.Series([1.0, 2.0, 4.0], index=["a", "b", "c"], name="x"), W)
    >>> axes.get_xlabel()
    'x (standardised)'
    """
    language = check_language(lang)
    if hasattr(moran, "cube") and hasattr(moran, "times"):
        from .panels import scatter_of_panel

        asked = Asked(column, at, labels, n_labels, name, permutations, language)
        return scatter_of_panel(moran, W, asked, ax, captions)
    if column is not None or at is not None:
        raise DataError("column= and at= are for panels: moran_scatter(panel, W, column='x', at=2015).")
    z, lag, statistic = scatter_values(moran, W)
    variable, lagged = variables_of(moran, name, language)
    local = moran if local is None and has_clusters(moran) else local
    # Rows that do not sum to one: n / S0 makes the slope the statistic.
    lag = lag * slope_scale(z.to_numpy(), lag.to_numpy(), statistic)
    codes, significant = codes_of(local, z, lag)
    cloud = Cloud(
        z,
        lag,
        statistic,
        p_words(moran, language),
        codes,
        significant,
        names_of(labels, z.index),
        n_labels=n_labels,
    )
    words = Words.of(
        captions,
        language,
        title=word("scatter", language, name=variable),
        subtitle=cloud_line(cloud, language),
        notes=[word("scatter_note", language)],
    )
    if significant:
        words.notes.append(word("scatter_colors", language, alpha=f"{getattr(local, 'alpha', 0.05):g}"))
    words.notes += far_note([cloud], language)
    texts = [variable, lagged, *cloud_text(cloud, language)]
    with drawing(ax, texts, size=cloud_size(cloud), words=words) as axes:
        draw_cloud(axes, cloud, language)
        axes.set_xlabel(word("standardized", language, name=variable))
        axes.set_ylabel(word("lag", language, name=lagged))
    return axes


# ---- drawing
def far_note(clouds: Sequence[Cloud], lang: str) -> list[str]:
    count = sum(int(cloud.far.sum()) for cloud in clouds)
    return [word("scatter_far", lang, count=count)] if count else []


def cloud_size(cloud: Cloud) -> tuple[float, float]:
    """Return the size in inches at which both axes have one scale."""
    across, up = (reach_of(values.to_numpy()) for values in (cloud.z, cloud.lag))
    wide = MIDDLE - 0.5
    return MIDDLE, float(np.clip(wide * (up[1] - up[0]) / (across[1] - across[0]), 2.2, MIDDLE)) + 0.4


def reach_of(values: Float) -> tuple[float, float]:
    low, high = max(min(values.min(), -1.0), -_FAR), min(max(values.max(), 1.0), _FAR)
    margin = 0.07 * (high - low)
    return low - margin, high + margin


def draw_cloud(axes: Axes, cloud: Cloud, lang: str, limits: tuple[Limits, Limits] | None = None) -> None:
    from matplotlib.ticker import MaxNLocator

    x, y = limits or (reach_of(cloud.z.to_numpy()), reach_of(cloud.lag.to_numpy()))
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.set_aspect("equal", adjustable="box")
    axes.axhline(0, color=color("rule"), linewidth=0.6, zorder=1)
    axes.axvline(0, color=color("rule"), linewidth=0.6, zorder=1)
    far = cloud.far
    _points(axes, cloud, far, small=limits is not None)
    ends = np.array([-60.0, 60.0])
    axes.plot(
        ends,
        cloud.intercept + cloud.statistic * ends,
        color=color("ink"),
        linewidth=1.2,
        zorder=5,
        scalex=False,
        scaley=False,
        gid="moran-line",
    )
    if limits is None:
        _quadrants(axes, cloud, lang)
        if cloud.names is not None:
            _label_outliers(axes, cloud, far)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))


def _points(axes: Axes, cloud: Cloud, far: NDArray[np.bool_], *, small: bool) -> None:
    """Draw the grey ones first; outliers of their neighbours are diamonds."""
    z, lag = cloud.z.to_numpy().clip(-_FAR, _FAR), cloud.lag.to_numpy().clip(-_FAR, _FAR)
    plain = ~np.isin(cloud.codes, ["HH", "LL", "LH", "HL"]) if cloud.significant else np.ones(len(z), bool)
    size = 6.0 if small else 14.0 if len(z) < 1000 else 8.0
    ink = color("dot" if cloud.significant else "mark")
    inks = [ink if grey else cluster_color(code) for grey, code in zip(plain, cloud.codes, strict=True)]
    order = np.argsort(~plain, kind="stable")
    axes.scatter(
        z[order],
        lag[order],
        s=size,
        c=[inks[k] for k in order],
        linewidths=0.3,
        edgecolors=color("paper"),
        zorder=3,
        gid="points",
    ).set_paths(_markers(cloud.codes[order], plain[order], far[order]))


def _markers(codes: NDArray[Any], plain: NDArray[np.bool_], far: NDArray[np.bool_]) -> list[Any]:
    from matplotlib.markers import MarkerStyle

    shapes = {}
    for name in ("o", "D", "^"):
        style = MarkerStyle(name)
        shapes[name] = style.get_path().transformed(style.get_transform())
    odd = np.isin(codes, ["LH", "HL"]) & ~plain
    return [shapes["^" if away else "D" if other else "o"] for away, other in zip(far, odd, strict=True)]


def _quadrants(axes: Axes, cloud: Cloud, lang: str) -> None:
    for code, right, top in _QUADRANTS:
        axes.annotate(
            f"{cluster_label(code, lang)} ({int((cloud.codes == code).sum())})",
            (right, top),
            (-3 if right else 3, -3 if top else 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=7.5,
            fontweight="bold" if cloud.significant else "normal",
            color=cluster_color(code) if cloud.significant else color("ink-3"),
            zorder=6,
            gid="quadrant",
        )


def cloud_text(cloud: Cloud, lang: str) -> list[str]:
    names = [] if cloud.names is None else [str(name) for name in cloud.names]
    return [cloud.label, cluster_label("HH", lang), *names]


def cloud_line(cloud: Cloud, lang: str) -> str:
    comma = "，" if lang == "zh" else ", "
    parts = [word("moran_line", lang, value=signed(cloud.statistic)), cloud.p]
    return comma.join([*filter(None, parts), word("n_units", lang, count=f"{len(cloud.z):,}")])


def signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _label_outliers(axes: Axes, cloud: Cloud, far: NDArray[np.bool_]) -> None:
    """Name the points that lie farthest out, up to a quarter of the labels in each quadrant."""
    assert cloud.names is not None
    points = np.column_stack([cloud.z.to_numpy().clip(-_FAR, _FAR), cloud.lag.to_numpy().clip(-_FAR, _FAR)])
    spread = points.std(axis=0)
    away = np.hypot(*(points / np.where(spread > 0, spread, 1.0)).T)
    ids = [str(unit) for unit in cloud.z.index]
    # Ties are broken by id, so that the order of the rows does not matter.
    ranked = sorted(
        np.flatnonzero((away > 2.0) | far).tolist(), key=lambda k: (-round(float(away[k]), 9), ids[k])
    )
    each = max(1, -(-cloud.n_labels // 4))
    chosen: list[int] = []
    for right in (True, False):
        for up in (True, False):
            here = [k for k in ranked if (points[k, 0] > 0) == right and (points[k, 1] > 0) == up]
            chosen += here[:each]
    chosen = sorted(chosen, key=ranked.index)[: cloud.n_labels]
    root_figure(axes).draw_without_rendering()  # else the corner words are measured where they are not
    corners = [np.asarray(text.get_window_extent().extents) for text in axes.texts]
    line = np.linspace(*axes.get_xlim(), 200)
    avoid = np.vstack([points, np.column_stack([line, cloud.intercept + cloud.statistic * line])])
    place_labels(
        axes, points[chosen], [str(cloud.names.iloc[k]) for k in chosen], avoid=avoid, blocked=corners
    )
