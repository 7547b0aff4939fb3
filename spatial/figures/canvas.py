"""Where a figure is drawn: the caller's axes, or new ones in the house style, with fonts for the text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spatial.errors import AlignmentError, DataError, did_you_mean, name_ids
from spatial.io.atomic import atomic_path

from .fonts import apply_fonts, font_context, muted_glyphs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BESIDE", "STYLE", "check_columns", "drawing", "matched", "root_figure", "save_figure"]

# Set for printing at a column's width: 9 point text, open axes, no frame round legends.
STYLE: Mapping[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#404040",
    "axes.linewidth": 0.8,
    "xtick.color": "#404040",
    "ytick.color": "#404040",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "figure.dpi": 120.0,
    "savefig.dpi": 200.0,
}

# A legend beside the axes covers nothing.
BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}


@contextmanager
def drawing(
    ax: Axes | None, text: Iterable[str] = (), *, size: tuple[float, float] = (5.2, 4.2)
) -> Iterator[Axes]:
    """Yield `ax`, or axes of a new figure, inside the style and the font context.

    The figure is made without pyplot, so none stays open in its registry; in a notebook, end the cell
    with ``axes.figure``, in a window pass ``ax=plt.subplots()[1]``.
    """
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if ax is not None and not isinstance(ax, Axes):
        raise DataError(f"ax must be a matplotlib Axes; got {type(ax).__name__}. Pass one of the subplots.")
    with font_context(list(text), **STYLE):
        axes = ax if ax is not None else Figure(figsize=size, layout="constrained").subplots()
        yield axes
        apply_fonts(axes)


def root_figure(ax: Axes) -> Figure:
    """Return the figure on which `ax` lies, also where that is a subfigure's."""
    figure: Any = ax.figure
    while getattr(figure, "figure", figure) is not figure and figure.figure is not None:
        figure = figure.figure
    found: Figure = figure
    return found


def save_figure(ax: Axes, path: str | Path, *, dpi: float = 200.0) -> Path:
    """Write the figure of `ax` to .png, .pdf or .svg, whole or not at all, the same bytes each time.

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
    import matplotlib

    with atomic_path(target) as temporary, muted_glyphs(), matplotlib.rc_context({"svg.hashsalt": "spatial"}):
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
