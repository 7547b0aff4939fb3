"""Figures of estimates with their intervals: coefficients, impacts, event studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids
from spatial.words import check_language

from .canvas import BESIDE, check_columns, drawing
from .palette import LINE_COLORS
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficient_plot", "event_study_plot", "impacts_plot"]

_INTERVAL = ("estimate", "conf_low", "conf_high")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
_EFFECTS = ("direct", "indirect", "total")


def coefficient_plot(
    fits: Any,
    *,
    ax: Axes | None = None,
    terms: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    equation: str | None = None,
    lang: str = "en",
) -> Axes:
    """Draw coefficients with their intervals, a row for each term, side by side over models or weights.

    Parameters
    ----------
    fits : result, DataFrame, or mapping of name to either
        Each with ``tidy()``, or itself such a frame: term, estimate, conf_low, conf_high.
    ax : Axes, optional
    terms : sequence of str, optional
        Which, and in what order; default all but the constant, in the order of the first fit.
    labels : mapping, optional
        Term to the words drawn.
    equation : str, optional
        Which equation of a system; needed where a fit has several.
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a frame without those columns, an unknown term or equation.

    Examples
    --------
    >>> import pandas as pd
    >>> tidy = pd.DataFrame({"term": ["x", "z"], "estimate": [1.0, -1.0], "conf_low": [0.5, -2.0],
    ...                      "conf_high": [1.5, 0.0]})
    >>> axes = coefficient_plot({"queen": tidy, "knn": tidy})
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['x', 'z']
    """
    language = check_language(lang)
    named = {str(name): _one_equation(_tidy(fit), equation) for name, fit in _mapping(fits).items()}
    chosen = _terms(named, terms)
    words = [str((labels or {}).get(term, term)) for term in chosen]
    rows = 0.34 * max(len(chosen) * (0.6 + 0.4 * len(named)), 2) + 0.8
    with drawing(ax, [*words, *named, word("estimate", language)], size=(5.6, rows)) as axes:
        for number, (name, frame) in enumerate(named.items()):
            part = frame.drop_duplicates("term").set_index("term").reindex(chosen)
            _points(axes, part, _offsets(number, len(named)), number, name)
        _rows(axes, words, word("estimate", language))
        if len(named) > 1:
            axes.legend(**BESIDE)
    return axes


def impacts_plot(
    impacts: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    lang: str = "en",
) -> Axes:
    """Draw direct, indirect and total effects with their intervals, a row for each term.

    Parameters
    ----------
    impacts : DataFrame or result with ``tidy()``
        Columns term, effect (direct, indirect, total), estimate, conf_low, conf_high; in systems outcome.
    ax : Axes, optional
    labels : mapping, optional
        Term to the words drawn.
    outcome : str, optional
        Which outcome of a system; needed where there are several.
    lang : {"en", "zh"}

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = check_columns(_tidy(impacts, "impacts"), ["term", "effect", *_INTERVAL], "impacts_plot")
    frame = _one_of(frame, "outcome", outcome)
    effects = [effect for effect in _EFFECTS if effect in set(frame["effect"])]
    if not effects:
        raise DataError(
            f"Effects must be among {', '.join(_EFFECTS)}; got {name_ids(frame['effect'].unique())}."
        )
    terms = list(dict.fromkeys(frame["term"]))
    words = [str((labels or {}).get(term, term)) for term in terms]
    names = [word(effect, language) for effect in effects]
    rows = 0.34 * max(len(terms) * (0.6 + 0.4 * len(effects)), 2) + 0.8
    with drawing(ax, [*words, *names, word("effect", language)], size=(5.6, rows)) as axes:
        for number, (effect, name) in enumerate(zip(effects, names, strict=True)):
            part = frame[frame["effect"] == effect].drop_duplicates("term").set_index("term").reindex(terms)
            _points(axes, part, _offsets(number, len(effects)), number, name)
        _rows(axes, words, word("effect", language))
        axes.legend(**BESIDE)
    return axes


def event_study_plot(
    frame: pd.DataFrame,
    *,
    ax: Axes | None = None,
    reference: float | None = -1,
    event: float = 0,
    lang: str = "en",
) -> Axes:
    """Draw effects by time from the event, with intervals; the reference period is the zero that was set.

    Parameters
    ----------
    frame : DataFrame
        Columns time, estimate, conf_low, conf_high.
    ax : Axes, optional
    reference : float, optional
        The omitted period, drawn hollow at zero where the frame has no row for it; None draws none.
    event : float
        First treated period: a line is drawn half a period before it.
    lang : {"en", "zh"}

    Returns
    -------
    Axes

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"time": [-2, 0, 1], "estimate": [0.0, 1.0, 2.0], "conf_low": [-1, 0.5, 1.0],
    ...                       "conf_high": [1.0, 1.5, 3.0]})
    >>> event_study_plot(frame).get_xlabel()
    'Time relative to the event'
    """
    language = check_language(lang)
    rows = check_columns(frame, ["time", *_INTERVAL], "event_study_plot")
    if rows["time"].duplicated().any():
        twice = rows["time"][rows["time"].duplicated()].unique()
        raise DataError(f"An event study has one estimate for each time; these repeat: {name_ids(twice)}.")
    rows = rows.sort_values("time")
    values = {c: rows[c].to_numpy(dtype=np.float64) for c in ("time", *_INTERVAL)}
    before = values["time"] < event
    with drawing(ax, [word("time", language), word("estimate", language)], size=(5.6, 3.4)) as axes:
        axes.axhline(0, color="#808080", linewidth=0.8, zorder=1)
        axes.axvline(event - 0.5, color="#808080", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for part, color in ((before, LINE_COLORS[5]), (~before, LINE_COLORS[0])):
            _whiskers(axes, {key: value[part] for key, value in values.items()}, color)
        if reference is not None and reference not in values["time"]:
            axes.plot(
                [reference], [0], "o", ms=5, mfc="white", mec="#404040", mew=1.1, zorder=4, gid="reference"
            )
        axes.set_xlabel(word("time", language))
        axes.set_ylabel(word("estimate", language))
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def _whiskers(axes: Axes, values: Mapping[str, Any], color: str) -> None:
    error = np.array([values["estimate"] - values["conf_low"], values["conf_high"] - values["estimate"]])
    axes.errorbar(
        values["time"],
        values["estimate"],
        yerr=np.abs(error),
        fmt="o",
        ms=5,
        color=color,
        elinewidth=1.3,
        capsize=2.5,
        zorder=3,
    )


def _mapping(fits: Any) -> Mapping[Any, Any]:
    found = fits if isinstance(fits, Mapping) else {"": fits}
    if not found:
        raise DataError("coefficient_plot needs at least one fit; got an empty mapping.")
    return found


def _tidy(fit: Any, what: str = "A fit") -> pd.DataFrame:
    if isinstance(fit, pd.DataFrame):
        return fit
    if not callable(getattr(fit, "tidy", None)):
        raise DataError(f"{what} must be a result with tidy(), or such a frame; got {type(fit).__name__}.")
    frame = fit.tidy()
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"tidy() of {type(fit).__name__} must give a DataFrame; it gave {type(frame).__name__}."
        )
    return frame


def _one_equation(frame: pd.DataFrame, equation: str | None) -> pd.DataFrame:
    return check_columns(_one_of(frame, "equation", equation), ["term", *_INTERVAL], "coefficient_plot")


def _one_of(frame: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    """Keep the rows of one equation or outcome; refuse to mix several silently."""
    if column not in frame.columns:
        return frame
    have = list(dict.fromkeys(frame[column]))
    if wanted is None and len(have) > 1:
        raise DataError(f"There are several of {column}: {name_ids(have)}. Choose one with {column}=.")
    if wanted is not None and wanted not in have:
        raise DataError(f"No {column} {wanted!r}.{did_you_mean(wanted, have)} There are: {name_ids(have)}.")
    return frame if wanted is None else frame[frame[column] == wanted]


def _terms(named: Mapping[str, pd.DataFrame], terms: Sequence[str] | None) -> list[str]:
    have = list(dict.fromkeys(term for frame in named.values() for term in frame["term"]))
    if terms is None:
        return [term for term in have if term != "Intercept"] or have
    wanted = [terms] if isinstance(terms, str) else list(terms)
    for term in wanted:
        if term not in have:
            raise DataError(
                f"No fit has the term {term!r}.{did_you_mean(term, have)} Terms: {name_ids(have)}."
            )
    return wanted


def _offsets(number: int, count: int) -> float:
    return 0.0 if count == 1 else 0.5 * (number / (count - 1) - 0.5) * min(1.0, 0.4 * count)


def _points(axes: Axes, part: pd.DataFrame, offset: float, number: int, name: str) -> None:
    estimate, low, high = (part[column].to_numpy(dtype=np.float64) for column in _INTERVAL)
    there = np.isfinite(estimate)
    axes.errorbar(
        estimate[there],
        np.arange(len(part))[there] + offset,
        xerr=np.abs(np.array([estimate - low, high - estimate]))[:, there],
        fmt=_MARKERS[number % len(_MARKERS)],
        ms=4.5,
        color=LINE_COLORS[number % len(LINE_COLORS)],
        elinewidth=1.3,
        capsize=2.0,
        label=name,
        zorder=3,
    )


def _rows(axes: Axes, words: Sequence[str], label: str) -> None:
    axes.axvline(0, color="#808080", linewidth=0.9, zorder=1)
    axes.set_yticks(range(len(words)), words)
    axes.set_ylim(len(words) - 0.5, -0.5)
    for row in range(1, len(words)):
        axes.axhline(row - 0.5, color="#e4e4e4", linewidth=0.6, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
