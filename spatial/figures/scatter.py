"""Figures of spatial autocorrelation: the Moran scatter plot and Moran's I through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.ids.matching import in_kind_of
from spatial.words import check_language

from .canvas import BESIDE, check_columns, drawing, matched, root_figure
from .labels import place_labels
from .palette import CLUSTER_COLORS, LINE_COLORS, cluster_label
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["moran_over_time", "moran_scatter"]

Float = NDArray[np.float64]

# By permutation if there were permutations.
_P_VALUES = ("p_sim", "p_randomisation", "p_normality", "p_value")


@runtime_checkable
class HasScatter(Protocol):
    """What the scatter plot reads: z-scores and their lag by id, and the statistic."""

    @property
    def z(self) -> pd.Series[float]:
        """Standardised values by id."""

    @property
    def lag(self) -> pd.Series[float]:
        """Spatial lag of `z` by id."""

    @property
    def I(self) -> float:  # noqa: E743 - the literature's name
        """Moran's I."""


def moran_scatter(
    moran: Any,
    W: Any = None,
    *,
    ax: Axes | None = None,
    labels: Any = None,
    n_labels: int = 8,
    local: Any = None,
    name: str | None = None,
    lang: str = "en",
) -> Axes:
    r"""Draw the Moran scatter plot: the spatial lag against the variable, both standardised.

    The slope of the line is Moran's I, as (Anselin 1996)

    .. math:: I = \frac{n}{S_0} \frac{z'Wz}{z'z} ,

    so where rows of W do not sum to one the lag is drawn scaled by :math:`n / S_0`.

    Parameters
    ----------
    moran : Moran or Series
        The result of `moran`, `bivariate_moran` or `local_moran` (points in the colours of their clusters),
        or the values by id, and then `W` is needed.
    W : Weights, optional
        With values.
    ax : Axes, optional
        Where to draw; default a new figure.
    labels : Series or True, optional
        Names by id for the outliers; True writes the ids.
    n_labels : int
        At most so many labels, the furthest points first; only points beyond two standard deviations.
    local : LocalMoran, optional
        Colours the points by cluster.
    name : str, optional
        The variable in the axis labels; default the name that the values carry.
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Raises
    ------
    AlignmentError
        Where `labels` or `local` lack units of the plot.
    DataError
        Where `moran` is neither a result nor values with weights.

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
    z, lag, statistic = _scatter_values(moran, W)
    variable, lagged = _variables(moran, name, language)
    local = moran if local is None and _has_clusters(moran) else local
    names = _names(labels, z.index)
    colors = _point_colors(local, z.index)
    # Rows that do not sum to one: n / S0 makes the slope the statistic.
    lag = lag * _scale(z.to_numpy(), lag.to_numpy(), statistic)
    text = [
        variable,
        lagged,
        *(names.astype(str) if names is not None else []),
        cluster_label("HH", language),
    ]
    with drawing(ax, text) as axes:
        axes.scatter(z, lag, s=16, c=colors, alpha=0.85, linewidths=0.3, edgecolors="white", zorder=3)
        _limits(axes, z.to_numpy(), lag.to_numpy())
        _quadrants(axes, language)
        ends = np.asarray(axes.get_xlim())
        axes.plot(
            ends, statistic * ends, color="#202020", linewidth=1.2, zorder=4, scalex=False, scaley=False
        )
        axes.set_xlabel(word("standardized", language, name=variable))
        axes.set_ylabel(word("lag", language, name=lagged))
        axes.set_title(_headline(moran, statistic, language))
        if names is not None:
            _label_outliers(axes, z, lag, statistic, names, n_labels)
    return axes


def _scatter_values(moran: Any, W: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    if isinstance(moran, pd.Series):
        if W is None:
            raise DataError(
                "Values alone have no spatial lag: pass moran_scatter(x, W), or the result of moran()."
            )
        return _standardized(moran, W)
    if not isinstance(moran, HasScatter):
        raise DataError(
            f"moran_scatter needs the result of moran(), or a Series and W; got {type(moran).__name__}."
        )
    z, lag = pd.Series(moran.z), pd.Series(moran.lag)
    return z, matched(lag, z.index, "the lag"), float(moran.I)


def _standardized(x: pd.Series[Any], W: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    from spatial.ids.alignment import aligned_values, require_finite
    from spatial.weights.value import as_weights

    weights = as_weights(W)
    what = repr(x.name) if x.name is not None else "the values"
    values = aligned_values(x, weights.ids, what)
    require_finite(values, weights.ids, what)
    spread = values.std()
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise DataError(f"{what} must vary over the units; all {len(values)} are {values[0]:g}.")
    z = pd.Series((values - values.mean()) / spread, index=weights.ids, name=x.name)
    lag = pd.Series(weights.lag(z.to_numpy()), index=weights.ids)
    return z, lag, float(z @ lag / (z @ z) * weights.n / weights.sparse.sum())


def _scale(z: Float, lag: Float, statistic: float) -> float:
    slope = float(z @ lag / (z @ z))
    return statistic / slope if slope != 0 else 1.0


def _variables(moran: Any, name: str | None, lang: str) -> tuple[str, str]:
    """Return the names on the axes; a bivariate result is named "x, W y"."""
    own = str(name or getattr(moran, "name", None) or word("variable", lang))
    first, _, second = own.partition(", W ")
    return first, second or first


def _has_clusters(moran: Any) -> bool:
    return "cluster" in getattr(getattr(moran, "frame", None), "columns", ())


def _names(labels: Any, ids: pd.Index[Any]) -> pd.Series[Any] | None:
    if labels is None or labels is False:
        return None
    if labels is True:
        return pd.Series(ids, index=ids)
    if not isinstance(labels, pd.Series):
        raise DataError(
            f"labels must be a Series of names by id, or True for the ids; got {type(labels).__name__}."
        )
    labels = labels.set_axis(in_kind_of(labels.index, ids))
    absent = ids.difference(labels.index, sort=False)
    if len(absent):
        raise AlignmentError(
            f"labels need a name for each unit of the plot; these have none: {name_ids(absent)}."
        )
    return labels.reindex(ids)


def _point_colors(local: Any, ids: pd.Index[Any]) -> list[str]:
    if local is None:
        return ["#4c6a85"] * len(ids)
    frame = check_columns(getattr(local, "frame", None), ["cluster"], "The local result")
    cluster = matched(frame["cluster"], ids, "the local result")
    return ["#bdbdbd" if code == "not significant" else CLUSTER_COLORS[code] for code in cluster]


def _limits(axes: Axes, z: Float, lag: Float) -> None:
    for values, setter in ((z, axes.set_xlim), (lag, axes.set_ylim)):
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        margin = 0.08 * (high - low)
        setter(low - margin, high + margin)


def _quadrants(axes: Axes, lang: str) -> None:
    axes.axhline(0, color="#808080", linewidth=0.8, zorder=1)
    axes.axvline(0, color="#808080", linewidth=0.8, zorder=1)
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    for code, right, top in (
        ("HH", True, True),
        ("LL", False, False),
        ("LH", False, True),
        ("HL", True, False),
    ):
        across, up = ((0, x1) if right else (x0, 0)), ((0, y1) if top else (y0, 0))
        axes.fill_between(across, *up, color=CLUSTER_COLORS[code], alpha=0.07, linewidth=0, zorder=0)
        axes.annotate(
            cluster_label(code, lang),
            (float(right), float(top)),
            (-4 if right else 4, -4 if top else 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=8,
            color="#707070",
            zorder=2,
        )


def _headline(moran: Any, statistic: float, lang: str) -> str:
    text = word("moran_line", lang, value=f"{statistic:.3f}")
    # Without permutations p_sim is NaN; local results have neither.
    found = [getattr(moran, key, np.nan) for key in ("p_sim", "p_randomisation")]
    known = [float(p) for p in found if isinstance(p, float) and np.isfinite(p)]
    if not known:
        return text
    return f"{text}, p {'< 0.001' if known[0] < 0.001 else f'= {known[0]:.3f}'}"


def _label_outliers(
    axes: Axes,
    z: pd.Series[float],
    lag: pd.Series[float],
    statistic: float,
    names: pd.Series[Any],
    n_labels: int,
) -> None:
    points = np.column_stack([z.to_numpy(), lag.to_numpy()])
    spread = points.std(axis=0)
    distance = pd.Series(np.hypot(*(points / np.where(spread > 0, spread, 1.0)).T), index=z.index)
    # Ties are broken by id, so that the order of the rows does not matter.
    order = sorted(z.index[distance > 2.0], key=lambda unit: (-round(distance[unit], 9), str(unit)))[
        :n_labels
    ]
    rows = z.index.get_indexer(pd.Index(order))
    root_figure(axes).draw_without_rendering()  # else the corner words are measured where they are not
    corners = [np.asarray(text.get_window_extent().extents) for text in axes.texts]
    line = np.linspace(*axes.get_xlim(), 200)
    avoid = np.vstack([points, np.column_stack([line, statistic * line])])
    place_labels(axes, points[rows], [str(names.iloc[row]) for row in rows], avoid=avoid, blocked=corners)


def moran_over_time(
    frame: pd.DataFrame,
    *,
    ax: Axes | None = None,
    alpha: float = 0.05,
    labels: Any = None,
    lang: str = "en",
) -> Axes:
    """Draw Moran's I through time, a line for each variable; filled points are significant.

    Parameters
    ----------
    frame : DataFrame
        Of `moran_panel`: columns ``column``, ``time``, ``I``, a p-value and ``expected``.  The pooled row,
        whose time is not a time, is not drawn.
    ax : Axes, optional
    alpha : float
        Points whose p-value is above it are hollow.
    labels : mapping, optional
        Column to the words in the legend.
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"column": "x", "time": [2000, 2001], "I": [0.2, 0.3], "p_sim": [0.2, 0.01]})
    >>> axes = moran_over_time(frame)
    >>> [line.get_label() for line in axes.lines if line.get_label() == "x"]
    ['x']
    """
    language = check_language(lang)
    rows = check_columns(frame, ["column", "time", "I"], "moran_over_time")
    rows = rows[~rows["time"].map(_is_pooled)]
    p_column = next((c for c in _P_VALUES if c in rows.columns and rows[c].notna().any()), None)
    words = {column: str((labels or {}).get(column, column)) for column in rows["column"].unique()}
    with drawing(ax, [*words.values(), word("moran", language)], size=(5.6, 3.6)) as axes:
        for number, (column, part) in enumerate(rows.groupby("column", sort=True)):
            color = LINE_COLORS[number % len(LINE_COLORS)]
            part = part.sort_values("time")
            x, y = part["time"].to_numpy(), part["I"].to_numpy(dtype=np.float64)
            axes.plot(x, y, color=color, linewidth=1.4, label=words[column], zorder=3)
            sure = np.ones(len(part), bool) if p_column is None else part[p_column].to_numpy() <= alpha
            fill = [color if s else "white" for s in sure]
            axes.scatter(x, y, s=22, c=fill, edgecolors=color, linewidths=1.2, zorder=4)
        _expected_line(axes, rows, language)
        _whole_years(axes, rows["time"])
        axes.set_ylabel(word("moran", language))
        if p_column is not None:
            _significance_legend(axes, alpha, language)
        else:
            axes.legend(**BESIDE)
    return axes


def _is_pooled(time: Any) -> bool:
    return bool(pd.isna(time)) or (isinstance(time, str) and time.strip().lower() in {"pooled", "all"})


def _expected_line(axes: Axes, rows: pd.DataFrame, lang: str) -> None:
    if "expected" in rows.columns:
        axes.axhline(
            float(rows["expected"].mean()),
            color="#808080",
            linestyle=(0, (4, 3)),
            linewidth=0.9,
            label=word("expected", lang),
            zorder=1,
        )


def _whole_years(axes: Axes, times: pd.Series[Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    if pd.api.types.is_integer_dtype(times) or all(isinstance(t, (int, np.integer)) for t in times):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _significance_legend(axes: Axes, alpha: float, lang: str) -> None:
    from matplotlib.lines import Line2D

    handles, names = axes.get_legend_handles_labels()
    for text, fill in (
        (word("significant", lang, alpha=f"{alpha:g}"), "#404040"),
        (word("not_significant", lang, alpha=f"{alpha:g}").strip(), "white"),
    ):
        marker = Line2D([], [], linestyle="none", marker="o", ms=4.7, mfc=fill, mec="#404040", mew=1.2)
        handles.append(marker)
        names.append(text)
    axes.legend(handles, names, **BESIDE)
