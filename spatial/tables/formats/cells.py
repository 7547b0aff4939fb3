"""A table is cells of text: one frozen value, from which every format is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spatial.errors import DataError

__all__ = ["Head", "Row", "Table", "clean", "clean_all", "head_row"]

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
    """

    label: str
    cells: tuple[str, ...]
    kind: Kind = "body"
    rule: bool = False


def head_row(texts: Iterable[str]) -> tuple[Head, ...]:
    """Return a row of the head, each cell over one column; the first is the corner."""
    return tuple(Head(clean(text)) for text in texts)


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Cells of text, with a title above and notes below; `print` shows it, the methods write it.

    Every format shows the same text.  Labels are text in each: never markup, LaTeX or a formula.

    Parameters
    ----------
    header : tuple of tuple of Head
        Rows of the head; the first cell of each is the corner, above the labels.
    rows : tuple of Row
    title : str
    notes : tuple of str
    lang : "en" or "zh"
    """

    header: tuple[tuple[Head, ...], ...]
    rows: tuple[Row, ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    lang: str = "en"

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
        levels = []
        for row in self.header:
            levels.append([head.text for head in row[1:] for _ in range(head.span)])
        columns: Any = (
            pd.MultiIndex.from_arrays(levels) if len(levels) > 1 else pd.Index(levels[0], dtype=object)
        )
        cells = [list(row.cells) if row.kind != "panel" else [""] * self.n_columns for row in self.rows]
        labels = pd.Index(
            [row.label for row in self.rows], dtype=object, name=self.header[-1][0].text or None
        )
        return pd.DataFrame(cells, index=labels, columns=columns, dtype=object)

    # ---- show
    def to_text(self) -> str:
        """Return the table for a screen of fixed width; Chinese characters count twice."""
        grid: list[tuple[str, ...]] = []
        for heads in self.header:
            grid.append(tuple(t for head in heads for t in (head.text, *[""] * (head.span - 1))))
        body = [(r.label, *(r.cells if r.kind != "panel" else [""] * self.n_columns)) for r in self.rows]
        every = [*grid, *body]
        widths = [max(_width(row[k]) for row in every) for k in range(self.n_columns + 1)]
        # A title of a panel may run over the columns beside it.
        labels = [_width(r.label) for r in self.rows if r.kind != "panel"]
        widths[0] = max([_width(cells[0]) for cells in grid] + labels, default=0)
        lines = [_line(row, widths) for row in grid]
        full = "-" * max(sum(widths) + 2 * self.n_columns, *(_width(line) for line in lines))
        lines = [full, *lines, full]
        for row, cells in zip(self.rows, body, strict=True):
            lines += [full] if row.rule else []
            lines.append(row.label if row.kind == "panel" else _line(cells, widths))
        return "\n".join([*([self.title] if self.title else []), *lines, full, *self.notes])

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        name = f" {self.title!r}" if self.title else ""
        return f"<{type(self).__name__}{name}: {len(self.rows)} rows, {self.n_columns} columns>"

    def _repr_html_(self) -> str:
        return str(self.to_html())

    # ---- write
    def to_docx(self, path: str | Path) -> Path:
        """Write a Word file: a three-line table, Times New Roman and SimSun, 10.5 pt."""
        from .docx import write_docx

        return write_docx([self], path)

    def to_xlsx(self, path: str | Path) -> Path:
        """Write an Excel file; numbers without stars or brackets are numbers, shown with the same digits."""
        from .xlsx import write_xlsx

        return write_xlsx([self], path)

    def to_latex(self, path: str | Path | None = None) -> str | Path:
        """Return LaTeX for the packages booktabs and threeparttable, or write it."""
        from .latex import latex

        return _text_or_file(latex(self), path)

    def to_html(self, path: str | Path | None = None) -> str | Path:
        """Return a fragment of HTML that needs nothing else, or write it."""
        from .html import html_fragment

        return _text_or_file(html_fragment(self), path)

    def to_markdown(self, path: str | Path | None = None) -> str | Path:
        """Return a pipe table, or write it."""
        from .markdown import markdown

        return _text_or_file(markdown(self), path)


def _text_or_file(text: str, path: str | Path | None) -> str | Path:
    from spatial.io.atomic import atomic_text

    return text if path is None else atomic_text(path, text)


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _line(cells: Iterable[str], widths: list[int]) -> str:
    label, *rest = cells
    parts = [label + " " * (widths[0] - _width(label))]
    parts += [" " * (w - _width(t)) + t for t, w in zip(rest, widths[1:], strict=True)]
    return "  ".join(parts).rstrip()
