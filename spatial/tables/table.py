"""A table: cells of text that print and write themselves in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from spatial.io.atomic import atomic_text
from spatial.languages.shown import width
from spatial.words import check_language, tell

from .formats.cells import Cells
from .formats.docx import write_docx
from .formats.html import html_fragment
from .formats.latex import latex
from .formats.markdown import markdown
from .formats.xlsx import write_xlsx

__all__ = ["Table", "in_languages"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, eq=False, repr=False)
class Table(Cells):
    """Cells of text, with a title above and notes below; `print` shows it, the methods write it."""

    made: Callable[..., Table] | None = field(default=None, kw_only=True)
    """What makes the table again, given ``lang=``."""

    def in_language(self, lang: str) -> Table:
        """Return the table in a language; labels and notes that were given stay as they are."""
        check_language(lang)
        return self if lang == self.lang or self.made is None else self.made(lang=lang)

    # ---- show
    def to_text(self) -> str:
        """Return the table for a screen of fixed width; Chinese characters count twice."""
        grid: list[tuple[str, ...]] = []
        for heads in self.header:
            grid.append(tuple(t for head in heads for t in (head.text, *[""] * (head.span - 1))))
        body = [(r.label, *(r.cells if r.kind != "panel" else [""] * self.n_columns)) for r in self.rows]
        every = [*grid, *body]
        widths = [max(width(row[k]) for row in every) for k in range(self.n_columns + 1)]
        # A title of a panel may run over the columns beside it.
        labels = [width(r.label) for r in self.rows if r.kind != "panel"]
        widths[0] = max([width(cells[0]) for cells in grid] + labels, default=0)
        lines = [_line(row, widths) for row in grid]
        full = "-" * max(sum(widths) + 2 * self.n_columns, *(width(line) for line in lines))
        lines = [full, *lines, full]
        for row, cells in zip(self.rows, body, strict=True):
            lines += [full] if row.rule else []
            lines.append(row.label if row.kind == "panel" else _line(cells, widths))
        return "\n".join([*([self.title] if self.title else []), *lines, full, *self.notes])

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        name = f" {self.title!r}" if self.title else ""
        rows, columns = len(self.rows), self.n_columns
        size = tell(f": {rows} rows, {columns} columns", f"：{rows} 行，{columns} 列")
        return f"<{type(self).__name__}{name}{size}>"

    def _repr_html_(self) -> str:
        return str(self.to_html())

    # ---- write
    def to_docx(self, path: str | Path) -> Path:
        """Write a Word file: a three-line table, Times New Roman and SimSun, 10.5 pt."""
        return write_docx([self], path)

    def to_xlsx(self, path: str | Path) -> Path:
        """Write an Excel file; numbers without stars or brackets are numbers, shown with the same digits."""
        return write_xlsx([self], path)

    def to_latex(self, path: str | Path | None = None) -> str | Path:
        """Return LaTeX for the packages booktabs and threeparttable, or write it."""
        return _text_or_file(latex(self), path)

    def to_html(self, path: str | Path | None = None) -> str | Path:
        """Return a fragment of HTML that needs nothing else, or write it."""
        return _text_or_file(html_fragment(self), path)

    def to_markdown(self, path: str | Path | None = None) -> str | Path:
        """Return a pipe table, or write it."""
        return _text_or_file(markdown(self), path)


def in_languages(function: F) -> F:
    """Let the table that a function returns be made again in another language.

    Examples
    --------
    >>> from spatial.tables import descriptive_table
    >>> import pandas as pd
    >>> descriptive_table(pd.DataFrame({"gdp": [1.0, 2.0]})).in_language("zh").title
    '描述性统计'
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        table = function(*args, **options)
        if any(isinstance(value, Iterator) for value in (*args, *options.values())):
            return table  # what was read once cannot be read again
        return replace(table, made=partial(function, *args, **options))

    return cast("F", call)


def _text_or_file(text: str, path: str | Path | None) -> str | Path:
    return text if path is None else atomic_text(path, text)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    label, *rest = cells
    parts = [label + " " * (widths[0] - width(label))]
    parts += [" " * (w - width(t)) + t for t, w in zip(rest, widths[1:], strict=True)]
    return "  ".join(parts).rstrip()
