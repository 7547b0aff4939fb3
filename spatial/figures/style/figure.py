"""The figure on which axes lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spatial.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["root_figure"]


def root_figure(ax: Axes) -> Figure:
    """Return the figure on which `ax` lies, also where that is a subfigure's."""
    if not hasattr(ax, "figure"):
        raise DataError(
            f"ax must be matplotlib Axes, as functions of figures return; got {type(ax).__name__}."
        )
    figure: Any = ax.figure
    while getattr(figure, "figure", figure) is not figure and figure.figure is not None:
        figure = figure.figure
    found: Figure = figure
    return found
