"""Figures of estimates with their intervals: coefficients and impacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.results import Result
from spatial.words import check_language

from .canvas import DOUBLE, MIDDLE, check_columns, drawing, root_figure
from .charts import filled_note
from .palette import CATEGORIES, color, current_theme
from .style.captions import Captions, Words
from .style.series import look
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficient_plot", "impacts_plot"]


_INTERVAL = ("estimate", "conf_low", "conf_high")
_EFFECTS = ("direct", "indirect", "total")
# Blue circle, orange square, ink diamond.
_EFFECT_LOOK = {"direct": (0, "o"), "indirect": (1, "s"), "total": (5, "D")}
_SPREAD = 5.0  # times that intervals may differ in width before terms get panels of their own
_ROW = 0.36  # inches


@hinted
def coefficient_plot(
    fits: Any,
    *,
    ax: Axes | None = None,
    terms: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    equation: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw coefficients with their intervals, a row for each term, side by side over models or weights.

    Filled marks have intervals that exclude zero.

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
    **captions
        See `Captions`: title, subtitle, note, titles.

    Returns
    -------
    Axes
        Where intervals differ more than fivefold in width, terms of like width share a panel; the panels are
        its ``child_axes``, and the note says so.

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
    parts = {
        name: frame.drop_duplicates("term").set_index("term").reindex(chosen) for name, frame in named.items()
    }
    looks = {name: look(number, len(parts)) for number, name in enumerate(parts)}
    words = Words.of(
        captions,
        language,
        title=word("coefficients", language, name=(labels or {}).get(equation, equation)) if equation else "",
        notes=[filled_note(language, *_mapping(fits).values())],
    )
    return _whiskers(ax, parts, looks, chosen, labels, word("estimate", language), language, words)


@hinted
def impacts_plot(
    impacts: pd.DataFrame | Result,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
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
    **captions
        See `Captions`.

    Returns
    -------
    Axes
        With panels as in `coefficient_plot`.

    Raises
    ------
    DataError
        If `impacts` has neither ``tidy()`` nor the columns of effects.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("x", effect, 1.0, 0.5, 1.5) for effect in ("direct", "indirect", "total")]
    >>> frame = pd.DataFrame(rows, columns=["term", "effect", "estimate", "conf_low", "conf_high"])
    >>> axes = impacts_plot(frame)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['x']
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
    colors = CATEGORIES[current_theme() == "dark"]
    parts, looks = {}, {}
    for effect in effects:
        name = word(effect, language)
        parts[name] = (
            frame[frame["effect"] == effect].drop_duplicates("term").set_index("term").reindex(terms)
        )
        place, marker = _EFFECT_LOOK[effect]
        looks[name] = colors[place], marker
    shown = outcome or (str(frame["outcome"].iloc[0]) if "outcome" in frame.columns else "")
    words = Words.of(
        captions,
        language,
        title=word("effects_on", language, name=(labels or {}).get(shown, shown)) if shown else "",
        notes=[filled_note(language, impacts), word("effects_note", language)],
    )
    return _whiskers(ax, parts, looks, terms, labels, word("effect", language), language, words)


# ---- tables of estimates
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
    if not wanted or not all(isinstance(term, str) for term in wanted):
        raise DataError(f"terms are names of terms, at least one; got {wanted!r}.")
    for term in wanted:
        if term not in have:
            raise DataError(
                f"No fit has the term {term!r}.{did_you_mean(term, have)} Terms: {name_ids(have)}."
            )
    return wanted


# ---- drawing
def _whiskers(
    ax: Axes | None,
    parts: Mapping[str, pd.DataFrame],
    looks: Mapping[str, tuple[str, str]],
    terms: Sequence[str],
    labels: Mapping[str, str] | None,
    label: str,
    lang: str,
    words: Words,
) -> Axes:
    """Draw one mark for each part in each term's row, in panels of like scale."""
    said = {term: str((labels or {}).get(term, term)) for term in terms}
    panels = [list(terms)] if ax is not None else _panels(parts, terms)
    rows = _ROW * max(max(map(len, panels)) * (0.55 + 0.45 * min(len(parts), 3)), 1.6) + 0.55
    if len(panels) > 1:
        words.notes.append(word("own_scales", lang))
    texts = [*said.values(), *parts, label, *words.notes]
    width = MIDDLE if len(panels) == 1 else DOUBLE
    with drawing(ax, texts, size=(width, rows), words=words) as axes:
        if len(panels) == 1:
            _panel(axes, parts, looks, terms, said, label)
        else:
            axes.set_axis_off()
            _side_by_side(axes, parts, looks, panels, said, label)
        if len(parts) > 1:
            _legend(axes, looks)
    return axes


def _panels(parts: Mapping[str, pd.DataFrame], terms: Sequence[str]) -> list[list[str]]:
    """Return the terms in one panel, or in two where their intervals differ much in width."""
    widths = pd.concat([frame["conf_high"] - frame["conf_low"] for frame in parts.values()], axis=1).max(
        axis=1
    )
    known = widths[np.isfinite(widths) & (widths > 0)]
    if len(known) < 4 or known.max() <= _SPREAD * known.min():
        return [list(terms)]
    cut = float(np.sqrt(known.max() * known.min()))
    narrow = [term for term in terms if not widths.get(term, 0.0) > cut]
    wide = [term for term in terms if widths.get(term, 0.0) > cut]
    return [part for part in (narrow, wide) if part]


def _side_by_side(
    axes: Axes,
    parts: Mapping[str, pd.DataFrame],
    looks: Mapping[str, tuple[str, str]],
    panels: Sequence[Sequence[str]],
    said: Mapping[str, str],
    label: str,
) -> None:
    from .style.captions import text_width

    room = [
        min(max(text_width(said[term], 8.0) for term in panel) / 72 / DOUBLE + 0.02, 0.3) for panel in panels
    ]
    wide = (1 - sum(room) - 0.02 * (len(panels) - 1)) / len(panels)
    left = 0.0
    for panel, words in zip(panels, room, strict=True):
        high = len(panel) / max(map(len, panels))  # rows are as high in each panel
        small = axes.inset_axes((left + words, 1.0 - high, wide, high))
        small.spines[["top", "right", "left"]].set_visible(False)
        _panel(small, parts, looks, panel, said, label, few_ticks=True)
        left += words + wide + 0.02


def _panel(
    axes: Axes,
    parts: Mapping[str, pd.DataFrame],
    looks: Mapping[str, tuple[str, str]],
    terms: Sequence[str],
    said: Mapping[str, str],
    label: str,
    *,
    few_ticks: bool = False,
) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axvline(0, color=color("ink"), linewidth=0.7, zorder=1)
    for number, (name, frame) in enumerate(parts.items()):
        offset = 0.0 if len(parts) == 1 else 0.5 * (number / (len(parts) - 1) - 0.5)
        _marks(axes, frame.loc[list(terms)], offset, looks[name], name)
    axes.set_yticks(range(len(terms)), [said[term] for term in terms])
    axes.set_ylim(len(terms) - 0.5, -0.5)
    for row in range(1, len(terms)):
        axes.axhline(row - 0.5, color=color("grid"), linewidth=0.6, zorder=0)
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=color("ink"))
    axes.spines["left"].set_visible(False)
    axes.xaxis.grid(True)
    axes.xaxis.set_major_locator(MaxNLocator(4 if few_ticks else 6))
    axes.set_xlabel(label)


def _marks(axes: Axes, part: pd.DataFrame, offset: float, style: tuple[str, str], name: str) -> None:
    """Draw whiskers without caps; marks are filled where the interval excludes zero."""
    ink, marker = style
    estimate, low, high = (part[column].to_numpy(dtype=np.float64) for column in _INTERVAL)
    there = np.isfinite(estimate)
    rows = np.arange(len(part))[there] + offset
    axes.hlines(
        rows, low[there], high[there], color=ink, linewidth=1.5, zorder=3, gid=f"intervals {name}".strip()
    )
    sure = (low[there] > 0) | (high[there] < 0)
    axes.scatter(
        estimate[there],
        rows,
        s=20,
        marker=marker,
        c=[ink if known else color("paper") for known in sure],
        edgecolors=ink,
        linewidths=1.1,
        zorder=4,
        label=name,
        gid=f"estimates {name}".strip(),
    )


def _legend(axes: Axes, looks: Mapping[str, tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=ink, marker=marker, markersize=4.6, linewidth=1.5, label=name)
        for name, (ink, marker) in looks.items()
    ]
    figure = root_figure(axes)
    for columns in range(min(len(handles), 4), 0, -1):
        legend = axes.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=columns,
            borderaxespad=0.2,
            handlelength=1.8,
        )
        figure.draw_without_rendering()  # names as long as they are: fewer a line until none is cut
        if legend.get_window_extent().x1 <= figure.bbox.x1:
            break
