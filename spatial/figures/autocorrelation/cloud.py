"""A cloud of points beside their neighbours: what one Moran scatter plot draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.figures.canvas import MIDDLE
from spatial.figures.palette import cluster_color, cluster_label, color
from spatial.figures.style.figure import root_figure
from spatial.figures.style.labels import place_labels
from spatial.figures.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Asked",
    "Cloud",
    "cloud_line",
    "cloud_size",
    "cloud_text",
    "draw_cloud",
    "far_note",
    "reach_of",
    "signed",
]

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
    from matplotlib.patheffects import withStroke

    for code, right, top in _QUADRANTS:
        axes.annotate(
            f"{cluster_label(code, lang)} ({int((cloud.codes == code).sum()):,})",
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
            path_effects=[withStroke(linewidth=2.0, foreground=color("paper"))],  # over the line
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
