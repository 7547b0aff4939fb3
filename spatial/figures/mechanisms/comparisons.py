"""Figures of fits side by side: groups, robustness, instruments that are almost exogenous, one left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.figures.charts import (
    charted,
    dashed,
    effect_words,
    estimates,
    filled_note,
    interval_note,
    shaded,
)
from spatial.figures.palette import LINE_COLORS, color
from spatial.figures.style.captions import Captions
from spatial.figures.words import word
from spatial.words import check_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "group_plot",
    "leave_one_out_plot",
    "mechanism_plot",
    "one_term",
    "plausibly_exogenous_plot",
    "specification_curve_plot",
]


@hinted
def group_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    term: str | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw one coefficient with its interval in each group.

    Parameters
    ----------
    found : Heterogeneity
    ax : Axes, optional
    term : str, optional
        Needed where several are compared.
    labels : mapping, optional
        Group and term to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    rows = one_term(found.tidy(), term)
    names = [str((labels or {}).get(g, g)) for g in rows["group"]]
    called = str(rows["term"].iloc[0])
    axis = word("effect_of", language, name=(labels or {}).get(called, called))
    with _forest(found, rows, names, axis, "groups", ax, captions, language) as axes:
        return axes


@hinted
def mechanism_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw what the treatment does to the outcome and to each mediator.

    Parameters
    ----------
    found : Mechanism
    ax : Axes, optional
    labels : mapping, optional
        Step to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = found.tidy()
    rows = frame[frame["term"] == found.treatment].reset_index(drop=True)
    names = [str((labels or {}).get(step, step)) for step in rows["step"]]
    axis = word("effect_of", language, name=(labels or {}).get(found.treatment, found.treatment))
    with _forest(found, rows, names, axis, "mechanism", ax, captions, language) as axes:
        return axes


@hinted
def specification_curve_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    term: str | None = None,
    base: str = "base",
    labels: Mapping[str, str] | None = None,
    name: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the estimate of each variant with its interval, in the order of the estimates; the base is filled.

    Parameters
    ----------
    found : Robustness
    ax : Axes, optional
    term : str, optional
        Needed where several are shown.
    base : str
        Which variant is the base.
    labels : mapping, optional
        Variant to the words drawn.
    name : str, optional
        The term in the axis label; default as it is.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    rows = one_term(found.tidy(), term).sort_values("estimate", ignore_index=True)
    shown = str(rows["term"].iloc[0])
    label = effect_words(shown, {shown: name} if name else None, language)
    names = [str((labels or {}).get(name, name)) for name in rows["variant"]]
    size = (max(4.0, 0.34 * len(rows) + 1.6), 3.4)
    with charted(
        ax, captions, language, y=label, title=word("specifications", language),
        notes=[word("base_filled", language), *interval_note(language, found)], texts=names, size=size,
        zero="y",
    ) as axes:  # fmt: skip
        clear = (rows["conf_low"] > 0) | (rows["conf_high"] < 0)
        for k, row in enumerate(rows.to_dict("records")):
            paint = LINE_COLORS[0] if clear[k] else color("dot")
            axes.plot([k, k], [row["conf_low"], row["conf_high"]], color=paint, linewidth=1.5, zorder=2)
            is_base = row["variant"] == base
            face = paint if is_base else color("paper")
            axes.plot([k], [row["estimate"]], "D" if is_base else "o", ms=5.5, mec=paint, mfc=face, zorder=3)
        axes.set_xticks(range(len(rows)), names, rotation=45, ha="right", rotation_mode="anchor")
    return axes


@hinted
def plausibly_exogenous_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the estimate and its interval over the direct effect of the instrument.

    Parameters
    ----------
    found : PlausiblyExogenous
    ax : Axes, optional
    labels : mapping, optional
        Names to the words drawn.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    name = (labels or {}).get(found.term, found.term)
    label, gamma = word("effect_of", language, name=name), word("gamma", language)
    frame = found.frame
    with charted(
        ax, captions, language, x=gamma, y=label, title=word("almost_exogenous", language),
        notes=[word("union", language)], zero="y",
    ) as axes:  # fmt: skip
        shaded(axes, frame["gamma"], frame["conf_low"], frame["conf_high"])
        axes.plot(frame["gamma"], frame["estimate"], color=LINE_COLORS[0], linewidth=1.6, zorder=3)
        for bound in (found.conf_low, found.conf_high):
            dashed(axes, y=bound)
        axes.set_xlim(frame["gamma"].min(), frame["gamma"].max())
    return axes


@hinted
def leave_one_out_plot(
    found: Any,
    *,
    ax: Axes | None = None,
    labels: Mapping[Any, str] | None = None,
    most: int = 40,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw the slope without each group, and that of the whole sample as a line.

    Parameters
    ----------
    found : LeaveOneOut
    ax : Axes, optional
    labels : mapping, optional
        Group to the words drawn.
    most : int
        Where there are more groups they are drawn without names.
    lang : {"en", "zh"}
    **captions
        See `Captions`.

    Returns
    -------
    Axes
    """
    language = check_language(lang)
    frame = found.frame
    axis = word("effect_of", language, name=(labels or {}).get(found.term, found.term))
    whole = word("whole_sample", language)
    names = [str((labels or {}).get(g, g)) for g in frame["left_out"]] if len(frame) <= most else []
    with _forest(found, frame, names, axis, "left_out", ax, captions, language, [whole]) as axes:
        dashed(axes, x=float(found.whole["estimate"]), label=whole)
    return axes


def one_term(frame: pd.DataFrame, term: str | None) -> pd.DataFrame:
    """Return the rows of one term; refuse to mix several."""
    known = list(dict.fromkeys(frame["term"]))
    if term is None and len(known) > 1:
        raise DataError(f"There are several terms: {', '.join(known)}. Choose one with term=.")
    if term is not None and term not in known:
        raise DataError(f"No term {term!r}.{did_you_mean(term, known)} There are {', '.join(known)}.")
    return frame[frame["term"] == (known[0] if term is None else term)].reset_index(drop=True)


@contextmanager
def _forest(
    found: Any,
    rows: pd.DataFrame,
    names: Sequence[str],
    axis: str,
    title: str,
    ax: Axes | None,
    captions: Captions,
    lang: str,
    more: Sequence[str] = (),
) -> Iterator[Axes]:
    """Yield axes with estimates and their intervals, one below the other."""
    size = (5.2, min(0.26 * max(len(rows), 3) + 0.8, 9.0))
    with charted(
        ax, captions, lang, x=axis, title=word(title, lang), notes=[filled_note(lang, found)],
        texts=[*names, *more], size=size, zero="x",
    ) as axes:  # fmt: skip
        estimates(axes, rows, names)
        yield axes
