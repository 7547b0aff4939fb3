"""Tables of others in a page: only the marks of a table pass, everything else comes out as text."""

from __future__ import annotations

import html
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pandas as pd

from spatial.errors import DataError

__all__ = ["clean_html", "titled_tables"]

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


def titled_tables(tables: Any) -> list[tuple[str, str]]:
    """Return (title, HTML) of each table: frames, objects with to_html() or tidy(), or a dict of them."""
    if tables is None:
        return []
    if isinstance(tables, Mapping):
        return [(str(title), _html(table, str(title))) for title, table in tables.items()]
    if not isinstance(tables, (list, tuple)):
        tables = [tables]
    return [(_title(table), _html(table, f"tables[{k}]")) for k, table in enumerate(tables)]


def _title(table: Any) -> str:
    attrs = getattr(table, "attrs", None)
    name = attrs.get("title") if isinstance(attrs, dict) else getattr(table, "title", None)
    return name if isinstance(name, str) else ""


def _html(table: Any, what: str) -> str:
    if isinstance(table, pd.DataFrame):
        return _frame_html(table)
    if callable(getattr(table, "to_html", None)):
        return clean_html(str(table.to_html()))
    if callable(getattr(table, "tidy", None)):
        return _frame_html(table.tidy())
    raise DataError(
        f"{what} must be a DataFrame, or a result with to_html() or tidy(); got {type(table).__name__}."
    )


def _frame_html(frame: pd.DataFrame) -> str:
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    written = frame.to_html(index=not plain, escape=True, na_rep="", float_format=_number, border=0)
    return clean_html(written)


def _number(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.4g}"
