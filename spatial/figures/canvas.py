"""Where a figure is drawn: the caller's axes, or new ones in the house style, with fonts for the text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spatial.errors import AlignmentError, DataError, did_you_mean, hinted, name_ids
from spatial.io.atomic import atomic_path

from .palette import CATEGORIES, color, current_theme
from .style.captions import Words, caption_axes, caption_figure, caption_heights, wrap
from .style.figure import root_figure
from .style.fonts import apply_fonts, font_context, muted_glyphs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ABOVE",
    "BESIDE",
    "DOUBLE",
    "MIDDLE",
    "SINGLE",
    "append_note",
    "check_axes",
    "check_columns",
    "drawing",
    "matched",
    "on_map",
    "root_figure",
    "save_figure",
    "style",
]

# Widths of journals' columns, in inches.
SINGLE, MIDDLE, DOUBLE = 88 / 25.4, 130 / 25.4, 180 / 25.4

# A legend beside the axes covers nothing.
BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
# Of one or two entries, which would take a third of the width beside the axes.
ABOVE: Mapping[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.3}

# Files that journals take: fonts embedded as TrueType, text that stays text.
_FILES: dict[str, Any] = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "spatial",
    "text.hinting": "none",  # letters as wide as they are in print, at any resolution
}


def style() -> dict[str, Any]:
    """Return matplotlib's parameters of the house style, in the theme in use."""
    from cycler import cycler

    ink, axis, rule, paper = (color(token) for token in ("ink", "ink-2", "rule", "paper"))
    return {
        "font.size": 8.0,
        "text.color": ink,
        "axes.titlesize": 10.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": ink,
        "axes.labelsize": 7.5,
        "axes.labelcolor": axis,
        "axes.facecolor": paper,
        "axes.edgecolor": rule,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=CATEGORIES[current_theme() == "dark"]),
        "grid.color": color("grid"),
        "grid.linewidth": 0.6,
        "xtick.color": rule,
        "ytick.color": rule,
        "xtick.labelcolor": axis,
        "ytick.labelcolor": axis,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 0.0,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.0,
        "legend.fontsize": 7.5,
        "legend.title_fontsize": 7.5,
        "legend.frameon": False,
        "legend.labelcolor": ink,
        "hatch.linewidth": 0.45,
        "figure.facecolor": paper,
        "savefig.facecolor": paper,
        "figure.dpi": 120.0,
        "savefig.dpi": 300.0,
    }


def check_axes(ax: Any) -> None:
    """Refuse what is no Axes."""
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise DataError(f"ax must be a matplotlib Axes; got {type(ax).__name__}. Pass one of the subplots.")


@contextmanager
def drawing(
    ax: Axes | None,
    text: Iterable[str] = (),
    *,
    size: tuple[float, float] = (MIDDLE, 3.2),
    words: Words | None = None,
) -> Iterator[Axes]:
    """Yield `ax`, or axes of a new figure, inside the style and the font context.

    The figure is made without pyplot, so none stays open in its registry; in a notebook, end the cell
    with ``axes.figure``, in a window pass ``ax=plt.subplots()[1]``.

    Parameters
    ----------
    ax : Axes, optional
    text : iterable of str
        What will be written, so that fonts are found for it.
    size : (width, height)
        Of a new figure in inches, without the words round it.
    words : Words, optional
        Written when the drawing is done; more notes may be added to it until then.
    """
    from .style.shown import ShownFigure

    check_axes(ax)
    said = words or Words()
    texts = list(text)
    if not said.alt and not said.title:
        said.alt = ", ".join(dict.fromkeys(filter(None, texts)))
    with font_context([*texts, *said.texts], **style()):
        axes = ax if ax is not None else ShownFigure(figsize=size, layout="constrained").subplots()
        yield axes
        apply_fonts(axes)
        figure = root_figure(axes)
        if ax is not None:
            caption_axes(axes, said, figure, note=False)
            apply_fonts(axes)
            return
        width, height = (float(side) for side in figure.get_size_inches())
        above, below = caption_heights(said, width * 72)
        whole = height + (above + below) / 72
        figure.set_size_inches(width, whole)
        engine: Any = figure.get_layout_engine()
        engine.set(rect=(0, below / 72 / whole, 1, height / whole), w_pad=0.035, h_pad=0.02)
        caption_figure(figure, said)


def append_note(ax: Axes, text: str) -> None:
    """Write one more line below the figure of `ax`, which grows by it."""
    figure = root_figure(ax)
    wide, high = (float(side) for side in figure.get_size_inches())
    with font_context([text], **style()):
        lines = wrap(text, wide * 72, 6.5)
        grown = 9.2 * len(lines) / 72
        whole = high + grown
        engine: Any = figure.get_layout_engine()
        if engine is None:
            for axes in figure.axes:
                x, y, width, height = axes.get_position(original=True).bounds
                axes.set_position((x, (y * high + grown) / whole, width, height * high / whole))
        else:
            rect = engine.get().get("rect", (0, 0, 1, 1))
            engine.set(rect=(rect[0], (rect[1] * high + grown) / whole, rect[2], rect[3] * high / whole))
        for written in figure.texts:
            across, up = written.get_position()
            written.set_position((across, (up * high + grown) / whole))
        figure.set_size_inches(wide, whole)
        for number, line in enumerate(reversed(lines)):
            place = (2 + 9.2 * number) / 72 / whole
            figure.text(
                1 / 72 / wide, place, line, fontsize=6.5, color=color("ink-3"), va="bottom", gid="note"
            )
    vars(figure)["note"] = " ".join(filter(None, [vars(figure).get("note", ""), text]))


@hinted
def save_figure(ax: Axes, path: str | Path, *, dpi: float = 300.0) -> Path:
    """Write the figure of `ax` to .png, .pdf or .svg, whole or not at all, the same bytes each time.

    PDF files embed TrueType fonts, SVG files keep text as text; the alternative text (``axes.figure.alt``) is
    in the file's description.

    Parameters
    ----------
    ax : Axes
        As the functions of this package return it.
    path : str or Path
        The suffix says the format.
    dpi : float
        Dots per inch of the raster formats.

    Raises
    ------
    DataError
        For a format that matplotlib cannot write.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import matplotlib.pyplot as plt
    >>> path = save_figure(plt.subplots()[1], pathlib.Path(tempfile.mkdtemp()) / "plot.svg")
    >>> path.name
    'plot.svg'
    """
    figure = root_figure(ax)
    target = Path(path)
    kind = target.suffix.lower().lstrip(".")
    allowed = sorted(figure.canvas.get_supported_filetypes())
    if kind not in allowed:
        raise DataError(
            f"A figure is written as one of {', '.join('.' + k for k in allowed)}; got {os.fspath(path)!r}."
        )
    # The date would make two equal figures differ.
    metadata: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
    alt = str(vars(figure).get("alt", ""))
    field = {"png": "Description", "svg": "Description", "pdf": "Subject"}.get(kind)
    if alt and field:
        metadata = {**metadata, field: alt}
    import matplotlib

    rc: Any = _FILES
    with atomic_path(target) as temporary, muted_glyphs(), matplotlib.rc_context(rc):
        figure.savefig(temporary, dpi=dpi, metadata=metadata)
    return target


def check_columns(frame: Any, columns: Iterable[str], what: str) -> pd.DataFrame:
    """Return `frame`, or refuse one without `columns` by name."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{what} is needed as a DataFrame; got {type(frame).__name__}.")
    for column in columns:
        if column not in frame.columns:
            raise DataError(
                f"{what} needs the column {column!r}.{did_you_mean(column, frame.columns)} "
                f"It has: {name_ids(frame.columns, 12)}."
            )
    if frame.empty:
        raise DataError(f"{what} has no rows: there is nothing to draw.")
    return frame


def on_map(values: pd.Series[Any] | pd.DataFrame, ids: pd.Index[Any], what: str) -> Any:
    """Return `values` in the order of `ids`, missing where the map has a unit that they lack.

    An id that the map lacks is refused, as its unit would disappear.
    """
    from spatial.ids.alignment import check_ids
    from spatial.ids.matching import in_kind_of, why_apart

    given = in_kind_of(check_ids(values.index, what), ids)
    extra = given.difference(ids, sort=False)
    if len(extra):
        absent = ids.difference(given, sort=False)
        reason = why_apart(extra, absent, what, "the cities")
        raise AlignmentError(
            f"In {what} only: {name_ids(extra)} ({len(given)} units; the cities have {len(ids)}). "
            + (reason or "A unit that is not on the map cannot be drawn: add it to the cities, or drop it.")
        )
    return values.set_axis(given, axis=0).reindex(ids)


def matched(values: pd.Series[Any] | pd.DataFrame, ids: pd.Index[Any], what: str) -> Any:
    """Return `values` in the order of `ids`; refuse ids that only one of values and cities has."""
    from spatial.ids.alignment import check_ids
    from spatial.ids.matching import in_kind_of, why_apart

    given = in_kind_of(check_ids(values.index, what), ids)
    absent, extra = ids.difference(given, sort=False), given.difference(ids, sort=False)
    if len(absent) or len(extra):
        parts = [f"{what} and the cities must have the same ids ({len(given)} and {len(ids)} given)."]
        if len(absent):
            parts.append(f"In the cities only: {name_ids(absent)}.")
        if len(extra):
            parts.append(f"In {what} only: {name_ids(extra)}.")
        reason = why_apart(extra, absent, what, "the cities")
        parts.append(
            reason or "Restrict the cities with cities.loc[ids], or reindex the values to show gaps."
        )
        raise AlignmentError(" ".join(parts))
    return values.set_axis(given, axis=0).reindex(ids)
