"""Figures of measures: weights of an index, resilience, transitions, semivariogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from spatial.errors import DataError, hinted
from spatial.words import check_language

from .charts import charted, dashed
from .palette import color, ramp
from .style.captions import Captions
from .style.series import look
from .words import named, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.association.distances import Semivariogram
    from spatial.autocorrelation.markov.chains import SpatialMarkov
    from spatial.autocorrelation.markov.quadrants import LisaMarkov
    from spatial.indices.resilience import Resilience
    from spatial.indices.result import CompositeIndex

__all__ = ["index_plot", "resilience_plot", "semivariogram_plot", "transition_plot"]


@hinted
def index_plot(
    found: CompositeIndex, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the weights of a composite index as bars; their mean over time where they change.

    Parameters
    ----------
    found : CompositeIndex
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    mean = found.mean_weights
    names = [str(name) for name in mean.index]
    with charted(
        ax, captions, lang, x=named(found.method, lang), title=word("index_weights", lang),
        notes=[word("mean_weights", lang)], texts=names, size=(5.2, 1.0 + 0.28 * len(names)),
    ) as axes:  # fmt: skip
        axes.barh(np.arange(len(names)), mean.to_numpy(), color=color("mark"), height=0.66)
        axes.set_yticks(np.arange(len(names)), names)
        axes.invert_yaxis()
    return axes


@hinted
def resilience_plot(
    found: Resilience, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw growth against expected growth; rows whose denominator is near zero are hollow.

    Parameters
    ----------
    found : Resilience
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    flagged = found.parts["flagged"].to_numpy()
    x, y = found.parts["expected_growth"].to_numpy(), found.parts["growth"].to_numpy()
    notes = [word("near_zero", lang)] if flagged.any() else []
    with charted(
        ax, captions, lang, x=word("expected_growth", lang), y=word("growth", lang),
        title=word("resilience", lang), notes=notes,
    ) as axes:  # fmt: skip
        axes.scatter(x[~flagged], y[~flagged], s=9, color=color("mark"))
        axes.scatter(x[flagged], y[flagged], s=12, facecolors="none", edgecolors=look(1, 2)[0])
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, ends, color=color("ink-3"), linewidth=0.8)
    return axes


@hinted
def transition_plot(
    found: SpatialMarkov | LisaMarkov,
    *,
    lag_class: int | None = None,
    ax: Axes | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw a matrix of transition probabilities; with `lag_class`, given the neighbours' class 1 .. m.

    Parameters
    ----------
    found : SpatialMarkov or LisaMarkov
    lag_class : int, optional
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    labels = [named(label, lang) for label in found.probabilities.index]
    values, given = found.probabilities.to_numpy(), word("given_all", lang)
    conditional = getattr(found, "conditional_probabilities", None)
    if conditional is None:
        given = word("given_quadrants", lang)
    if lag_class is not None:
        most = 0 if conditional is None else len(conditional)
        if conditional is None or not 1 <= lag_class <= most:
            raise DataError(f"lag_class must be 1 to {most}; got {lag_class!r}.")
        values, given = conditional[lag_class - 1], word("given_class", lang, number=lag_class)
    shades = ramp("sequential", 10)
    title = word("transitions", lang, name=found.name)
    with charted(
        ax, captions, lang, x=word("to", lang), y=word("from", lang), title=title, subtitle=given,
        texts=labels, size=(4.2, 3.6),
    ) as axes:  # fmt: skip
        from matplotlib.colors import ListedColormap

        axes.imshow(values, cmap=ListedColormap(shades), vmin=0.0, vmax=1.0)
        for (i, j), value in np.ndenumerate(values):
            ink = color("paper") if value > 0.5 else color("ink")
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
    axes.grid(False)
    return axes


@hinted
def semivariogram_plot(
    found: Semivariogram, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the semivariance by distance, with the variance of the values.

    Parameters
    ----------
    found : Semivariogram
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    f = found.frame.dropna(subset=["semivariance"])
    ink, marker = look(0, 1)
    with charted(
        ax, captions, lang, x=word("distance", lang), y=word("semivariance", lang),
        title=word("semivariogram", lang, name=found.name), texts=[word("variance", lang)],
    ) as axes:  # fmt: skip
        dashed(axes, y=found.variance, label=word("variance", lang))
        axes.plot(f["mean_km"], f["semivariance"], marker=marker, color=ink, linewidth=1.0)
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.08 * max(found.variance, float(np.max(f["semivariance"]))))
    return axes
