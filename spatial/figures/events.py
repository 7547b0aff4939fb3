"""Event studies: effects by time from an event, one or several side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from spatial.errors import DataError, hinted, name_ids
from spatial.words import check_language

from .canvas import MIDDLE, check_columns, drawing
from .palette import color
from .style.captions import Captions, Words
from .style.series import end_label, look
from .words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["event_study_plot"]

_INTERVAL = ("estimate", "conf_low", "conf_high")
_BAND = ("band_low", "band_high")


@hinted
def event_study_plot(
    frame: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    ax: Axes | None = None,
    reference: float | None = -1,
    event: float = 0,
    label: str | None = None,
    lang: str | None = None,
    **captions: Unpack[Captions],
) -> Axes:
    """Draw effects by time from the event: bars are pointwise intervals, caps simultaneous ones.

    The reference period is the zero that was set, drawn hollow; the time before the event is shaded.

    Parameters
    ----------
    frame : DataFrame, or mapping of name to DataFrame
        Columns time, estimate, conf_low, conf_high, and optionally band_low, band_high (simultaneous).  Up to
        three by name, as "own" and "neighbours", stand side by side.
    ax : Axes, optional
    reference : float, optional
        The omitted period, drawn hollow at zero where the frame has no row for it; None draws none.
    event : float
        First treated period: a line is drawn half a period before it.
    label : str, optional
        Words of the vertical axis.
    lang : {"en", "zh"}
    **captions
        See `Captions`; the note is the place for the joint test of the coefficients before the event.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        If the frame lacks a column, has no rows, or several estimates of one time.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"time": [-2, 0, 1], "estimate": [0.0, 1.0, 2.0], "conf_low": [-1, 0.5, 1.0],
    ...                       "conf_high": [1.0, 1.5, 3.0]})
    >>> event_study_plot(frame).get_xlabel()
    'Time relative to the event'
    """
    language = check_language(lang)
    named = frame if isinstance(frame, Mapping) else {"": frame}
    if not 1 <= len(named) <= 3:
        raise DataError(f"event_study_plot draws one to three studies side by side; got {len(named)}.")
    studies = {str(name): _study(rows) for name, rows in named.items()}
    band = any(set(_BAND) <= set(rows.columns) for rows in studies.values())
    notes = [word("bars_and_caps" if band else "bars", language)]
    if reference is not None:
        notes.insert(0, word("base_period", language, value=f"{reference:g}".replace("-", "−")))
    words = Words.of(captions, language, notes=notes)
    texts = [word("time", language), label or word("estimate", language), *studies, *notes]
    with drawing(ax, texts, size=(MIDDLE, 0.5 * MIDDLE), words=words) as axes:
        axes.axhline(0, color=color("ink"), linewidth=0.7, zorder=1)
        for number, (name, rows) in enumerate(studies.items()):
            shift = 0.0 if len(studies) == 1 else 0.24 * (number / (len(studies) - 1) - 0.5)
            _event_study(axes, rows, name, look(number, len(studies)), shift, reference)
        low, high = axes.get_xlim()
        axes.axvspan(low, event - 0.5, color=color("wash"), linewidth=0, zorder=0)
        axes.axvline(event - 0.5, color=color("ink-2"), linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        axes.set_xlim(low, high)
        axes.set_xlabel(word("time", language))
        axes.set_ylabel(label or word("estimate", language))
        axes.yaxis.grid(True)
        axes.spines["left"].set_visible(False)
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def _study(frame: Any) -> pd.DataFrame:
    if isinstance(frame, pd.DataFrame) and not frame.columns.is_unique:
        raise DataError("event_study_plot needs columns of different names; some repeat.")
    rows = check_columns(frame, ["time", *_INTERVAL], "event_study_plot")
    if rows["time"].duplicated().any():
        twice = rows["time"][rows["time"].duplicated()].unique()
        raise DataError(f"An event study has one estimate for each time; these repeat: {name_ids(twice)}.")
    return rows.sort_values("time")


def _event_study(
    axes: Axes, rows: pd.DataFrame, name: str, style: tuple[str, str], shift: float, reference: float | None
) -> None:
    ink, marker = style
    time, estimate, low, high = (rows[c].to_numpy(dtype=np.float64) for c in ("time", *_INTERVAL))
    own = reference is not None and reference not in time
    base = float(reference if reference is not None else 0.0)
    line = np.argsort(np.append(time, base)) if own else np.arange(len(time))
    x = np.append(time, base)[line] if own else time
    y = np.append(estimate, 0.0)[line] if own else estimate
    axes.plot(x + shift, y, color=ink, linewidth=0.8, alpha=0.5, zorder=2, gid="path")
    axes.vlines(time + shift, low, high, color=ink, linewidth=1.6, zorder=3, gid="intervals")
    if set(_BAND) <= set(rows.columns):
        for column in _BAND:
            ends = rows[column].to_numpy(dtype=np.float64)
            axes.scatter(
                time + shift, ends, marker="_", s=16, color=ink, linewidths=0.9, zorder=3, gid="simultaneous"
            )
    hollow = time == reference
    fill = [color("paper") if base else ink for base in hollow]
    axes.scatter(
        time + shift,
        estimate,
        s=18,
        marker=marker,
        c=fill,
        edgecolors=ink,
        linewidths=1.0,
        zorder=4,
        gid="estimates",
    )
    if own:
        axes.plot(
            [base + shift],
            [0],
            marker,
            ms=4.4,
            mfc=color("paper"),
            mec=ink,
            mew=1.0,
            zorder=4,
            gid="reference",
        )
    if name and len(estimate):
        last = f"{name} {estimate[-1]:.2f}".replace("-", "−")
        end_label(axes, float(time[-1]) + shift, float(estimate[-1]), last, ink)
