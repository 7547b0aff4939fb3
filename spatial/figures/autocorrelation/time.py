"""Moran's I through time, a line for each variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from spatial.errors import hinted
from spatial.figures.canvas import DOUBLE, MIDDLE, check_columns, drawing
from spatial.figures.palette import color
from spatial.figures.style.captions import Captions, Words
from spatial.figures.style.series import end_label, look, quiet
from spatial.figures.words import p_words, word
from spatial.words import check_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["moran_over_time"]


# By permutation if there were permutations.
_P_VALUES = ("p_sim", "p_randomisation", "p_normality", "p_value")
_HIGH = 0.45  # of the width


@hinted
def moran_over_time(
    frame: pd.DataFrame,
    *,
    ax: Axes | None = None,
    alpha: float = 0.05,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw Moran's I through time, a line for each variable; filled points are significant.

    The band holds the middle 95 % of what permutations give: the expected value and 1.96 standard deviations
    by randomisation to either side, the widest of the variables.

    Parameters
    ----------
    frame : DataFrame
        Of `moran_panel`: columns ``column``, ``time``, ``I``, a p-value, ``expected`` and
        ``variance_randomisation``.  The pooled row, whose time is not a time, is not drawn; the note has it.
    ax : Axes, optional
    alpha : float
        Points whose p-value is above it are hollow.
    labels : mapping, optional
        Column to the words at the end of its line.
    lang : {"en", "zh"}
    **captions
        See `Captions`: title, subtitle, note, titles.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        If the frame is not that of `moran_panel`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"column": "x", "time": [2000, 2001], "I": [0.2, 0.3], "p_sim": [0.2, 0.01]})
    >>> axes = moran_over_time(frame)
    >>> [line.get_label() for line in axes.lines if line.get_label() == "x"]
    ['x']
    """
    language = check_language(lang)
    given = check_columns(frame, ["column", "time", "I"], "moran_over_time")
    pooled = given["time"].map(_is_pooled).astype(bool)
    rows = given[~pooled]
    rows = rows.assign(time=pd.Series(rows["time"].tolist(), index=rows.index))  # years, no longer objects
    p_column = next((c for c in _P_VALUES if c in rows.columns and rows[c].notna().any()), None)
    names = {column: str((labels or {}).get(column, column)) for column in rows["column"].unique()}
    notes = _time_notes(rows, p_column, alpha, language)
    for _, row in given[pooled].iterrows():
        which = names.get(row["column"], str(row["column"])) if len(names) > 1 else ""
        notes.append(_pooled_words(row, which, given.attrs.get("center", "within"), language))
    words = Words.of(
        captions,
        language,
        title=word("moran_of", language, name=(", " if language == "en" else "、").join(names.values())),
        notes=notes,
    )
    width = MIDDLE if len(rows["time"].unique()) < 30 else DOUBLE
    with drawing(ax, [*names.values(), *notes], size=(width, _HIGH * width), words=words) as axes:
        _band(axes, rows, language)
        for number, (column, part) in enumerate(rows.groupby("column", sort=True)):
            _line(axes, part.sort_values("time"), names[column], number, len(names), p_column, alpha)
        quiet(axes)
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, -0.02), max(high, 0.02))  # zero is on the axis
        _whole_years(axes, rows["time"])
        axes.set_ylabel(word("moran", language))
    return axes


def _is_pooled(time: Any) -> bool:
    return bool(pd.isna(time)) or (isinstance(time, str) and time.strip().lower() in {"pooled", "all"})


def _pooled_words(row: pd.Series[Any], name: str, center: str, lang: str) -> str:
    value = f"{row['I']:.3f}".replace("-", "−")
    p = p_words(row, lang, permutations=0)
    return word(f"pooled_{center}", lang, name=f" ({name})" if name else "", value=value, p=p)


def _time_notes(rows: pd.DataFrame, p_column: str | None, alpha: float, lang: str) -> list[str]:
    notes = [word("band", lang)] if "variance_randomisation" in rows.columns else []
    if p_column is not None:
        kind = "significance" if p_column == "p_sim" else "significance_analytic"
        notes.append(word("filled", lang, p_value=word(kind, lang), alpha=f"{alpha:g}"))
    return notes


def _band(axes: Axes, rows: pd.DataFrame, lang: str) -> None:
    axes.axhline(0, color=color("ink"), linewidth=0.7, zorder=1, gid="zero")
    if "expected" not in rows.columns:
        return
    times = np.sort(rows["time"].unique())
    label = word("expected", lang)
    if "variance_randomisation" in rows.columns and rows["variance_randomisation"].notna().any():
        sd = np.sqrt(rows["variance_randomisation"].astype(float)).groupby(rows["time"]).max().reindex(times)
        middle = rows.groupby("time")["expected"].mean().reindex(times).astype(float)
        axes.fill_between(
            times,
            middle - 1.96 * sd,
            middle + 1.96 * sd,
            color=color("band"),
            linewidth=0,
            zorder=0,
            gid="band",
        )
    else:
        mean = float(rows["expected"].mean())
        axes.axhline(mean, color=color("rule"), linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)
    end_label(axes, times[-1], 0.0, label, color("ink-3"), bold=False)


def _line(
    axes: Axes, part: pd.DataFrame, name: str, number: int, count: int, p_column: str | None, alpha: float
) -> None:
    ink, marker = look(number, count)
    x, y = part["time"].to_numpy(), part["I"].to_numpy(dtype=np.float64)
    axes.plot(x, y, color=ink, linewidth=1.5, label=name, zorder=3)
    sure = np.ones(len(part), bool) if p_column is None else part[p_column].to_numpy() <= alpha + 1e-12
    fill = [ink if s else color("paper") for s in sure]
    axes.scatter(x, y, s=15, c=fill, edgecolors=ink, linewidths=1.0, marker=marker, zorder=4)
    known = np.flatnonzero(np.isfinite(y))
    if len(known):
        last = known[-1]
        end_label(axes, x[-1], y[last], f"{name} {y[last]:.2f}".replace("-", "−"), ink)


def _whole_years(axes: Axes, times: pd.Series[Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    if pd.api.types.is_integer_dtype(times) or all(isinstance(t, (int, np.integer)) for t in times):
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
