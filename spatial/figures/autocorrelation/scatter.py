"""The Moran scatter plot: of one cross-section, of each year of a panel, of all years pooled."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Unpack

from spatial.errors import DataError, hinted
from spatial.figures.canvas import drawing
from spatial.figures.style.captions import Captions, Words
from spatial.figures.words import p_words, word
from spatial.panel.panel import LabelsLike
from spatial.weights.value import WeightsLike
from spatial.words import check_language

from .cloud import Asked, Cloud, cloud_line, cloud_size, cloud_text, draw_cloud, far_note
from .panels import scatter_of_panel
from .values import codes_of, has_clusters, names_of, scatter_values, slope_scale, variables_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.autocorrelation.local_inference import LocalStatistic

__all__ = ["moran_scatter"]


@hinted
def moran_scatter(
    moran: Any,
    W: WeightsLike | None = None,
    *,
    column: str | None = None,
    at: Hashable | None = None,
    ax: Axes | None = None,
    labels: LabelsLike | None = None,
    n_labels: int = 16,
    local: LocalStatistic | None = None,
    name: str | None = None,
    permutations: int = 999,
    lang: str | None = None,
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
    WeightsError
        Where `W` is no weights of ours or of libpysal.

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
