"""The figure on which a new drawing lies, where none was given."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from .fonts import muted_glyphs

__all__ = ["ShownFigure"]


class ShownFigure(Figure):
    """A figure without pyplot, which a notebook shows where it ends a cell.

    Notebooks show figures of matplotlib only once pyplot was imported; this one says itself how it looks.
    """

    def _repr_png_(self) -> bytes:
        """Return the picture at the resolution of a screen, as IPython asks for it."""
        picture = BytesIO()
        with muted_glyphs():
            self.savefig(picture, format="png", dpi=110.0)
        return picture.getvalue()
