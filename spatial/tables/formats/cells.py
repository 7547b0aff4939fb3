"""Cells of text: the value from which every format of a table is written; it knows no format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from spatial.errors import DataError

__all__ = ["Cells", "Head", "Row", "clean", "clean_all", "head_row", "spread"]

Kind = Literal["body", "detail", "statistic", "panel"]

# Not allowed in XML, and of no use in a table; line ends and tabs become blanks first.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """Return text on one line, without control characters.

    Examples
    --------
    >>> clean("a\\n  b\\x00")
    'a b'
    """
    return _CONTROL.sub("", " ".join(str(text).split()))


def clean_all(notes: str | Iterable[object]) -> tuple[str, ...]:
    """Return one note, or several, as lines; empty ones left out."""
    lines = [notes] if isinstance(notes, str) else list(notes)
    return tuple(line for line in map(clean, lines) if line)


@dataclass(frozen=True)
class Head:
    """A cell of the head, over `span` columns; `rule` draws a line under it."""

    text: str
    span: int = 1
    rule: bool = False


@dataclass(frozen=True)
class Row:
    """A row: its label and a cell for each column.

    Parameters
    ----------
    label : str
    cells : tuple of str
        Empty for the heading of a panel.
    kind : "body", "detail", "statistic" or "panel"
        "detail" stands below a coefficient: the t statistic or standard error.
    rule : bool
        A thin line above.
    key : (str, str), optional
        Of a coefficient: its equation, where equations stand one below the other, and its term.
    """

    label: str
    cells: tuple[str, ...]
    kind: Kind = "body"
    rule: bool = False
    key: tuple[str, str] | None = None


def head_row(texts: Iterable[str]) -> tuple[Head, ...]:
    """Return a row of the head, each cell over one column; the first is the corner."""
    return tuple(Head(clean(text)) for text in texts)


def spread(row: tuple[Head, ...]) -> list[Head]:
    """Return the head above each column; the corner is left out."""
    return [head for head in row[1:] for _ in range(head.span)]


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
    """Cells of text, with a title above and notes below.

    Every format shows the same text.  Labels are text in each: never markup, LaTeX or a formula.

    Parameters
    ----------
    header : tuple of tuple of Head
        Rows of the head; the first cell of each is the corner, above the labels.
    rows : tuple of Row
    title : str
    notes : tuple of str
    lang : "en" or "zh"
    groups : int, optional
        The row of the head whose equal texts stay together where a wide table is split; None where it lies
        on the page instead.
    """

    header: tuple[tuple[Head, ...], ...]
    rows: tuple[Row, ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    lang: str = "en"
    groups: int | None = None

    def __post_init__(self) -> None:
        """Refuse rows of different length."""
        widths = {sum(head.span for head in row) - 1 for row in self.header}
        widths |= {len(row.cells) for row in self.rows if row.kind != "panel"}
        if len(widths) != 1:
            raise DataError(f"All rows of a table need the same number of cells; got {sorted(widths)}.")

    @property
    def n_columns(self) -> int:
        """Columns, without the labels."""
        return sum(head.span for head in self.header[0]) - 1

    @property
    def frame(self) -> pd.DataFrame:
        """The cells as text, the head as columns."""
        levels = [[head.text for head in spread(row)] for row in self.header]
        columns: Any = (
            pd.MultiIndex.from_arrays(levels) if len(levels) > 1 else pd.Index(levels[0], dtype=object)
        )
        cells = [list(row.cells) if row.kind != "panel" else [""] * self.n_columns for row in self.rows]
        labels = pd.Index(
            [row.label for row in self.rows], dtype=object, name=self.header[-1][0].text or None
        )
        return pd.DataFrame(cells, index=labels, columns=columns, dtype=object)
