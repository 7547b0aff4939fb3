"""Tables of others in a page: only the marks of a table pass, everything else comes out as text."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError
from spatial.results import Fit, Result
from spatial.tables.formats.cells import Cells, Row, clean, head_row
from spatial.tables.formats.numbers import split_stars
from spatial.tables.table import Table

from .words import PAIRS, Pair, head_words, result_words

__all__ = ["clean_html", "dressed", "listed", "table_html", "titled_tables"]

_TAGS = frozenset(
    {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col", "div", "p", "span"}
    | {"br", "b", "i", "em", "strong", "sup", "sub", "small"}
)
_ALONE = frozenset({"br", "col"})
_HIDDEN = frozenset({"script", "style", "head", "title", "template", "iframe", "object", "svg", "math"})
_SPANS = frozenset({"colspan", "rowspan"})


class _Cleaner(HTMLParser):
    """Copies text, and tags of `_TAGS` without their attributes but spans."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self.hidden.append(tag)
        elif tag in _TAGS and not self.hidden:
            spans = [f' {k}="{v}"' for k, v in attrs if k in _SPANS and v and v.isascii() and v.isdigit()]
            self.parts.append(f"<{tag}{''.join(spans)}>")
            if tag not in _ALONE:
                self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.hidden:
            if tag == self.hidden[-1]:
                self.hidden.pop()
        elif tag in self.open:
            while self.open:
                last = self.open.pop()
                self.parts.append(f"</{last}>")
                if last == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(html.escape(data))

    def result(self) -> str:
        self.close()
        return "".join(self.parts) + "".join(f"</{tag}>" for tag in reversed(self.open))


def clean_html(text: str) -> str:
    """Keep the tables of a piece of HTML and drop scripts, styles, links, pictures and attributes.

    Examples
    --------
    >>> clean_html('<td onclick="x()" colspan="2">a &lt; b</td><script>bad()</script>')
    '<td colspan="2">a &lt; b</td>'
    """
    cleaner = _Cleaner()
    cleaner.feed(text)
    return cleaner.result()


def titled_tables(tables: Any) -> list[tuple[Pair, Pair]]:
    """Return title and HTML, in both languages, of frames, objects with to_html() or tidy(), or a dict."""
    return [(title, table_html(table, what)) for title, table, what in listed(tables)]


def listed(tables: Any) -> list[tuple[Pair, Any, str]]:
    """Return title, table, and what to call it in a message, of each table given.

    Examples
    --------
    >>> [(title, what) for title, _, what in listed({"Fit": 1})]
    [(('Fit', 'Fit'), 'Fit')]
    """
    if tables is None:
        return []
    if isinstance(tables, Mapping):
        return [((str(title), str(title)), table, str(title)) for title, table in tables.items()]
    if not isinstance(tables, (list, tuple)):
        tables = [tables]
    return [
        ((_title(table, "en"), _title(table, "zh")), table, f"tables[{k}]") for k, table in enumerate(tables)
    ]


def _title(table: Any, lang: str) -> str:
    table = table.in_language(lang) if isinstance(table, Table) else table
    attrs = getattr(table, "attrs", None)
    name = attrs.get("title") if isinstance(attrs, dict) else getattr(table, "title", None)
    if isinstance(name, str):
        return name
    return result_words(type(table).__name__, lang) if isinstance(table, Result) else ""


def table_html(table: Any, what: str) -> Pair:
    """Return one table as HTML that may stand in the page, in both languages where it has words of ours."""
    return _html(table, what, "en"), _html(table, what, "zh")


def _html(table: Any, what: str, lang: str) -> str:
    if isinstance(table, pd.DataFrame):
        return _frame_html(table, lang)
    if isinstance(table, Table):
        return _cells_html(table.in_language(lang))
    if isinstance(table, Fit):
        return _cells_html(table.table(lang=lang))
    if callable(getattr(table, "to_html", None)):
        return dressed(clean_html(str(table.to_html())))
    if callable(getattr(table, "tidy", None)):
        return _frame_html(table.tidy(), lang)
    raise DataError(
        f"{what} must be a DataFrame, or a result with to_html() or tidy(); got {type(table).__name__}."
    )


def _frame_html(frame: pd.DataFrame, lang: str) -> str:
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    found = frame if plain else frame.reset_index(allow_duplicates=True)
    if not len(found.columns):
        return ""
    columns = [_cells(found.iloc[:, k], lang) for k in range(found.shape[1])]
    heads = [" ".join(map(str, c)) if isinstance(c, tuple) else head_words(c, lang) for c in found.columns]
    rows = [Row(clean(label), tuple(map(clean, cells))) for label, *cells in zip(*columns, strict=True)]
    return _cells_html(Cells((head_row(map(str, heads)),), tuple(rows), lang=lang))


def _cells(column: pd.Series[Any], lang: str) -> list[str]:
    """Return a column as text: whole numbers without decimals, all others with four."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return [PAIRS["yes" if value else "no"][lang == "zh"] for value in column]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return ["" if pd.api.types.is_scalar(v) and pd.isna(v) else str(v) for v in column]
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    whole = bool((known == np.round(known)).all()) and bool((np.abs(known) < 1e9).all())
    return ["" if np.isnan(v) else f"{v:.0f}" if whole and np.isfinite(v) else _number(v) for v in numbers]


def _number(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.4g}"


# ---- our own tables, from their cells
_LONG, _LONGER = 40, 160  # characters: such a column is broken into lines, and is wide on a phone too


def _cells_html(table: Cells) -> str:
    numeric = _numeric_columns(table)
    longest = [max(map(len, column), default=0) for column in _columns(table)]
    long = ["long longer" if n > _LONGER else "long" if n > _LONG else "" for n in longest]
    head = "".join(f"<tr>{_heads(row, numeric)}</tr>" for row in table.header)
    body = "".join(_row(row, numeric, long) for row in table.rows)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{notes}"


def _columns(table: Cells) -> list[tuple[str, ...]]:
    return list(zip(*(row.cells for row in table.rows if row.kind != "panel"), strict=True))


def _numeric_columns(table: Cells) -> list[bool]:
    """Return whether a column is one of numbers: at least half of what stands there."""
    found = []
    for column in _columns(table):
        shown = [split_stars(text)[0].strip() for text in column if text.strip()]
        found.append(2 * sum(_FIGURE.fullmatch(text) is not None for text in shown) >= len(shown))
    return found or [False] * table.n_columns


def _heads(row: Any, numeric: list[bool]) -> str:
    found, place = [], -1  # the corner stands before the first column
    for head in row:
        span = f' colspan="{head.span}" scope="colgroup"' if head.span > 1 else ' scope="col"'
        kind = ' class="n"' if head.span == 1 and place >= 0 and numeric[place] else ""
        found.append(f"<th{span}{kind}>{html.escape(head.text)}</th>")
        place += head.span
    return "".join(found)


def _row(row: Any, numeric: list[bool], long: list[str]) -> str:
    kinds = " ".join(filter(None, ["rule" * row.rule, row.kind * (row.kind == "detail")]))
    shape = f' class="{kinds}"' if kinds else ""
    label = html.escape(row.label)
    if row.kind == "panel":
        return f'<tr{shape}><th colspan="{len(numeric) + 1}" scope="rowgroup">{label}</th></tr>'
    cells = []
    for text, number, wraps in zip(row.cells, numeric, long, strict=True):
        kind = "n" if number else wraps
        cell = dressed(f"<td>{_stars(text)}</td>") if number else f"<td>{_stars(text)}</td>"
        cells.append(cell.replace("<td>", f'<td class="{kind}">', 1) if kind else cell)
    return f'<tr{shape}><th scope="row">{label}</th>{"".join(cells)}</tr>'


def _stars(text: str) -> str:
    number, stars = split_stars(text)
    return html.escape(number) + (f"<sup>{stars}</sup>" if stars else "")


# ---- numbers in columns
_CELL = re.compile(r"<td>([^<]*)(<sup>[*†‡]+</sup>)?</td>")
_HEAD = re.compile(r"<th>(.*?)</th>", re.S)
_FIGURE = re.compile(r"[(\[]?[-−–+]?[\d.,]+(?:e[-+]?\d+)?%?([)\]])?")


def dressed(table: str) -> str:
    """Mark the cells that hold numbers; stars and closing brackets hang outside, so that points align.

    Examples
    --------
    >>> dressed("<td>(-0.2)</td><td>word</td>")
    '<td class="n">(−0.2<span class="hang">)</span></td><td>word</td>'
    """

    def cell(found: re.Match[str]) -> str:
        text, stars = found[1].strip(), found[2] or ""
        number = _FIGURE.fullmatch(text)
        if number is None:
            return found[0] if text or stars else '<td class="n"></td>'
        shown = re.sub(r"^([(\[]?)-", r"\1−", text)
        if number[1]:
            shown = f'{shown[:-1]}<span class="hang">{shown[-1]}</span>'
        hung = f'<span class="hang">{stars}</span>' if stars else ""
        return f'<td class="n">{shown}{hung}</td>'

    def head(found: re.Match[str]) -> str:
        return f'<th scope="col" class="n">{found[1]}</th>'

    body = _CELL.sub(cell, table)
    start, end = body.find("<thead>"), body.find("</thead>")
    if start < 0:
        return body
    heads = _HEAD.sub(head, body[start:end])
    heads = re.sub(r'(<tr>\s*<th scope="col") class="n"', r"\1", heads)
    return body[:start] + heads + body[end:].replace("<th>", '<th scope="row">')
