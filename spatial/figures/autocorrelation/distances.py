"""Figures of spatial autocorrelation with distance: the correlogram, and a sweep of distance bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids
from spatial.figures.canvas import MIDDLE, check_columns, drawing
from spatial.figures.palette import color
from spatial.figures.style.captions import Captions, Words
from spatial.figures.style.series import look, quiet
from spatial.figures.words import word
from spatial.words import check_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["correlogram_plot", "sweep_plot"]

Float = NDArray[np.float64]

_P_VALUES = ("p_sim", "p_randomisation", "p_normality", "p_value")
_HIGH = 0.45  # of the width


@hinted
def correlogram_plot(
    correlogram: Any,
    *,
    ax: Axes | None = None,
    alpha: float = 0.05,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw autocorrelation by distance, with what permutations give; filled points are significant.

    Below stand the numbers of pairs, if the table has them: few pairs make a point uncertain.

    Parameters
    ----------
    correlogram : result or DataFrame
        With ``tidy()``, or itself such a frame: ``distance`` (or ``low`` and ``high`` of each class) in km,
        ``estimate`` (or ``I``), a p-value, and optionally ``pairs``, and for the band ``conf_low`` and
        ``conf_high`` (of permutations), else ``expected`` and ``std_error`` by randomisation.
    ax : Axes, optional
    alpha : float
    labels : mapping, optional
        Words for ``y``.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"low": [0, 100], "high": [100, 200], "estimate": [0.4, 0.1],
    ...                       "p_sim": [0.01, 0.3], "pairs": [50, 90]})
    >>> correlogram_plot(frame).get_xlabel()
    'Distance, km'
    """
    language = check_language(lang)
    rows = _curve_table(correlogram, "correlogram_plot")
    x, y = rows["distance"].to_numpy(float), rows["estimate"].to_numpy(float)
    p_column = next((c for c in _P_VALUES if c in rows.columns and rows[c].notna().any()), None)
    notes = []
    permuted = {"conf_low", "conf_high"} <= set(rows.columns) and rows["conf_low"].notna().any()
    if not permuted and {"expected", "std_error"} <= set(rows.columns):
        reach = 1.96 * rows["std_error"]
        rows = rows.assign(conf_low=rows["expected"] - reach, conf_high=rows["expected"] + reach)
    band = "conf_low" in rows.columns and bool(rows["conf_low"].notna().any())
    if band:
        notes.append(word("band_permuted" if permuted else "band", language))
    if p_column is not None:
        kind = "significance" if p_column == "p_sim" else "significance_analytic"
        notes.append(word("filled", language, p_value=word(kind, language), alpha=f"{alpha:g}"))
    if "pairs" in rows.columns:
        notes.append(word("pairs_note", language))
    name = str(getattr(correlogram, "name", "") or "")
    words = Words.of(
        captions,
        language,
        title=word("correlogram", language, name=name) if name else word("correlogram_plain", language),
        notes=notes,
    )
    with drawing(ax, [name, *notes], size=(MIDDLE, _HIGH * MIDDLE + 0.4), words=words) as axes:
        ink, _ = look(0, 1)
        axes.axhline(0, color=color("ink"), linewidth=0.7, zorder=1, gid="zero")
        if band:
            axes.fill_between(
                x,
                rows["conf_low"].to_numpy(float),
                rows["conf_high"].to_numpy(float),
                color=color("band"),
                linewidth=0,
                zorder=0,
                gid="band",
            )
        axes.plot(x, y, color=ink, linewidth=1.5, zorder=3)
        sure = np.ones(len(x), bool) if p_column is None else rows[p_column].to_numpy(float) <= alpha + 1e-12
        axes.scatter(
            x,
            y,
            s=17,
            c=[ink if s else color("paper") for s in sure],
            edgecolors=ink,
            linewidths=1.0,
            zorder=4,
        )
        axes.set_xlabel(word("distance", language))
        axes.set_ylabel(str((labels or {}).get("y", word("moran", language))))
        axes.set_xlim(left=0)
        if "pairs" in rows.columns:
            _pairs(axes, x, rows["pairs"].to_numpy(float))
        quiet(axes)
        axes.set_xlim(left=0)
    return axes


def _pairs(axes: Axes, x: Float, pairs: Float) -> None:
    """Draw the numbers of pairs as bars along the lower edge, an eighth of the height at most."""
    from matplotlib.transforms import blended_transform_factory

    place = blended_transform_factory(axes.transData, axes.transAxes)
    step = float(np.diff(x).min()) if len(x) > 1 else 1.0
    heights = 0.12 * pairs / max(float(np.nanmax(pairs)), 1.0)
    axes.bar(x, heights, width=0.6 * step, color=color("grid"), transform=place, zorder=0.5, gid="pairs")


@hinted
def sweep_plot(
    sweep: Any,
    *,
    ax: Axes | None = None,
    alpha: float = 0.05,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw a statistic over distance bands of growing reach; the band where its z-value is largest is named.

    Parameters
    ----------
    sweep : result or DataFrame
        With ``tidy()``, or itself such a frame: ``distance`` in km, ``z_value`` (else ``estimate``), and
        optionally a p-value and ``neighbours`` (on average).
    ax : Axes, optional
    alpha : float
        Points whose p-value is above it are hollow.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> axes = sweep_plot(pd.DataFrame({"distance": [100, 200, 300], "z_value": [2.0, 4.0, 3.0]}))
    >>> [text.get_text() for text in axes.texts]
    ['200 km']
    """
    language = check_language(lang)
    rows = _curve_table(sweep, "sweep_plot", value="z_value" if "z_value" in _columns(sweep) else "estimate")
    x, y = rows["distance"].to_numpy(float), rows["value"].to_numpy(float)
    p_column = next((c for c in _P_VALUES if c in rows.columns and rows[c].notna().any()), None)
    notes = [word("sweep_note", language)]
    if p_column is not None:
        kind = "significance" if p_column == "p_sim" else "significance_analytic"
        notes.append(word("filled", language, p_value=word(kind, language), alpha=f"{alpha:g}"))
    words = Words.of(captions, language, title=word("sweep", language), notes=notes)
    label = word("z_value", language) if "z_value" in rows.columns else word("moran", language)
    with drawing(ax, notes, size=(MIDDLE, _HIGH * MIDDLE), words=words) as axes:
        ink, _ = look(0, 1)
        axes.axhline(0, color=color("ink"), linewidth=0.7, zorder=1, gid="zero")
        axes.plot(x, y, color=ink, linewidth=1.5, zorder=3)
        sure = np.ones(len(x), bool) if p_column is None else rows[p_column].to_numpy(float) <= alpha + 1e-12
        axes.scatter(
            x,
            y,
            s=15,
            c=[ink if s else color("paper") for s in sure],
            edgecolors=ink,
            linewidths=1.0,
            zorder=4,
        )
        quiet(axes)
        if np.isfinite(y).any():
            top = int(np.nanargmax(y))
            axes.axvline(x[top], color=color("rule"), linewidth=0.7, linestyle=(0, (3, 2)), zorder=2)
            axes.annotate(
                f"{x[top]:,.0f} {word('km', language)}",
                (x[top], y[top]),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                fontweight="bold",
                color=ink,
                gid="peak",
            )
            axes.margins(y=0.14)
        axes.set_xlabel(word("band_width", language))
        axes.set_ylabel(label)
    return axes


def _columns(table: Any) -> Sequence[str]:
    frame = table if isinstance(table, pd.DataFrame) else getattr(table, "tidy", lambda: None)()
    return list(getattr(frame, "columns", ()))


def _curve_table(table: Any, what: str, value: str = "estimate") -> pd.DataFrame:
    """Return the rows with ``distance`` and ``value``/``estimate``, in the order of distance."""
    frame = table if isinstance(table, pd.DataFrame) else getattr(table, "tidy", lambda: None)()
    if frame is None:
        raise DataError(f"{what} needs a result with tidy(), or such a frame; got {type(table).__name__}.")
    rows = frame.copy()
    if "estimate" not in rows.columns and "I" in rows.columns:
        rows["estimate"] = rows["I"]
    if "distance" not in rows.columns and {"low", "high"} <= set(rows.columns):
        rows["distance"] = (rows["low"].astype(float) + rows["high"].astype(float)) / 2
    rows = check_columns(rows, ["distance", value], what).sort_values("distance")
    if rows["distance"].duplicated().any():
        twice = rows.loc[rows["distance"].duplicated(), "distance"].unique()
        raise DataError(f"{what} draws one value for each distance; these repeat: {name_ids(twice)}.")
    return rows.assign(value=rows[value])
