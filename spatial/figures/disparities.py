"""Figures of disparities: convergence, dispersion, parts of inequality, centres of gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from spatial.errors import hinted
from spatial.words import check_language

from .charts import charted, estimates, filled_note, time_axis
from .palette import color
from .style.captions import Captions
from .style.series import end_label, look, quiet
from .words import named, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.disparities.centrography import Centrography
    from spatial.disparities.convergence import BetaConvergence
    from spatial.disparities.inequality import Decomposition
    from spatial.disparities.sigma import SigmaConvergence

__all__ = ["centres_plot", "convergence_plot", "dispersion_plot", "inequality_plot"]


@hinted
def convergence_plot(
    found: BetaConvergence, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the coefficients of a growth equation with their 95 percent intervals.

    Parameters
    ----------
    found : BetaConvergence
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    table = found.estimates
    names = [named(term, lang) for term in table["term"]]
    with charted(
        ax, captions, lang, x=word("growth_coefficient", lang), title=word("growth_equation", lang),
        notes=[filled_note(lang, found)], texts=names, size=(5.2, 1.0 + 0.3 * len(names)),
        zero="x",
    ) as axes:  # fmt: skip
        estimates(axes, table, names)
    return axes


@hinted
def dispersion_plot(
    found: SigmaConvergence, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the dispersion between units over time, a line each measure.

    Parameters
    ----------
    found : SigmaConvergence
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    columns = [str(column) for column in found.frame.columns.drop(["n", "mean"])]
    names = [named(column, lang) for column in columns]
    with charted(
        ax, captions, lang, title=word("dispersion", lang), texts=[named(column, lang) for column in columns]
    ) as axes:
        places = time_axis(axes, list(found.frame.index))
        for number, column in enumerate(columns):
            ink, marker = look(number, len(columns))
            values = found.frame[column].to_numpy(dtype=np.float64)
            axes.plot(places, values, color=ink, marker=marker)
            end_label(axes, places[-1], values[-1], names[number], ink)
        quiet(axes)
    return axes


@hinted
def inequality_plot(
    found: Decomposition, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the parts of a measure of inequality as stacked bars over time.

    Parameters
    ----------
    found : Decomposition
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    measure, parts = named(found.measure, lang), [named(part, lang) for part in found.parts]
    title = word("inequality_parts", lang, name=measure)
    with charted(ax, captions, lang, y=measure, title=title, texts=parts) as axes:
        places = time_axis(axes, list(found.frame.index))
        base = np.zeros(len(places))
        for number, part in enumerate(found.parts):
            height = found.frame[part].to_numpy()
            ink = look(number, len(found.parts))[0]
            axes.bar(places, height, bottom=base, label=parts[number], color=ink, width=0.72)
            base = base + height
    return axes


@hinted
def centres_plot(
    found: Centrography, *, ax: Axes | None = None, lang: str | None = None, **captions: Unpack[Captions]
) -> Axes:
    """Draw the standard ellipses, and the path of the centres of gravity, in degrees.

    Parameters
    ----------
    found : Centrography
    ax : Axes, optional
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    lang = check_language(lang)
    frame = found.frame
    ink, marker = look(0, 1)
    with charted(
        ax, captions, lang, x=word("longitude", lang), y=word("latitude", lang),
        title=word("centres", lang), notes=[word("ellipses", lang)], size=(4.6, 4.0),
    ) as axes:  # fmt: skip
        for outline in found.outlines():
            axes.plot(*outline.T, color=color("ink-3"), linewidth=0.7)
        axes.plot(frame["lon"], frame["lat"], marker=marker, markersize=3, color=ink)
        for time, row in (frame.iloc[[0, -1]] if len(frame) > 1 else frame).iterrows():
            axes.annotate(str(time), (row["lon"], row["lat"]), xytext=(4, 4), textcoords="offset points")
        axes.set_aspect(found.aspect)
    return axes
