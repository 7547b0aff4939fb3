"""A table in Markdown: pipes, with everything escaped that Markdown or HTML would read."""

from __future__ import annotations

import re

from .cells import Cells, Head

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$^])")
_LINE_START = re.compile(r"^([#+\-=>]|\d+[.)](?=\s))")
# A bare address is made into a link; the zero-width space would be text, an entity is not.
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|www)(?=[:.])")


def markdown(table: Cells) -> str:
    """Return a pipe table; the rows of the head are joined, as Markdown has one."""
    lines = [f"**{_escape(table.title)}**", ""] if table.title else []
    lines.append(_row([_escape(text) for text in _heads(table)]))
    lines.append(_row([":--", *[":-:"] * table.n_columns]))
    for row in table.rows:
        cells = row.cells if row.kind != "panel" else ("",) * table.n_columns
        label = f"**{_escape(row.label)}**" if row.kind == "panel" and row.label else _escape(row.label)
        lines.append(_row([label, *map(_escape, cells)]))
    for note in table.notes:
        lines += ["", _start(_escape(note))]
    return "\n".join(lines) + "\n"


def _heads(table: Cells) -> list[str]:
    spread = [_spread(row) for row in table.header]
    return [" ".join(dict.fromkeys(text for text in parts if text)) for parts in zip(*spread, strict=True)]


def _spread(row: tuple[Head, ...]) -> list[str]:
    return [head.text for head in row for _ in range(head.span)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ADDRESS.sub(r"\1<!-- -->", _SPECIAL.sub(r"\\\1", plain))


def _start(text: str) -> str:
    return _LINE_START.sub(
        lambda m: f"\\{m[0]}" if not m[0][0].isdigit() else f"{m[0][:-1]}\\{m[0][-1]}", text
    )
