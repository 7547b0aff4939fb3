"""A table as a fragment of HTML, with its style inside; digits end in line, stars and brackets hang."""

from __future__ import annotations

from html import escape

from .cells import Cells, Head, Row
from .numbers import is_aligned, split_stars, with_minus
from .pages import unbroken

__all__ = ["html_fragment"]

_FONT = "font-family:'Times New Roman',SimSun,'Noto Serif CJK SC',serif;font-size:10.5pt;line-height:1.35"
_CELL = "padding:1px 0.7em;text-align:center"
# Of one column all numbers have as many decimals: where their ends are in line, so are their points.
_NUMBER = "padding:1px 0.2em;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"
_HANGS = "display:inline-block;width:1.5em;text-align:left"
_STUB = "padding:1px 0.7em 1px 0;text-align:left;font-weight:normal"
_GROUP = _STUB.replace("normal", "bold")


def html_fragment(table: Cells) -> str:
    """Return ``<figure>`` with the title, the table and the notes; all text escaped."""
    lines = [
        f'<figure class="spatial-table" lang="{table.lang}" style="display:table;margin:1em auto;{_FONT}">'
    ]
    if table.title:
        lines.append(
            f'<figcaption style="font-weight:bold;text-align:center">{escape(table.title)}</figcaption>'
        )
    style = "border-collapse:collapse;margin:0.3em auto;border-top:1.5pt solid;border-bottom:1.5pt solid"
    lines += [f'<table style="{style}">', '<thead style="border-bottom:0.75pt solid">']
    lines += [_head(row) for row in table.header]
    lines += ["</thead>", "<tbody>"]
    lines += [_row(row, table.n_columns) for row in table.rows]
    lines += ["</tbody>", "</table>"]
    # A caption below is as wide as the table.
    lines.append('<div style="display:table-caption;caption-side:bottom;font-size:9pt">')
    lines += [f"<div>{escape(unbroken(note))}</div>" for note in table.notes]
    return "\n".join([*lines, "</div>", "</figure>"]) + "\n"


def _head(row: tuple[Head, ...]) -> str:
    cells = [f'<th style="{_STUB}">{escape(row[0].text)}</th>']
    for head in row[1:]:
        span = f' colspan="{head.span}"' if head.span > 1 else ""
        rule = ";border-bottom:0.5pt solid" if head.rule else ""
        cells.append(f'<th{span} style="{_CELL};font-weight:normal{rule}">{escape(head.text)}</th>')
    return f"<tr>{''.join(cells)}</tr>"


def _row(row: Row, width: int) -> str:
    rule = ' style="border-top:0.75pt solid"' if row.rule else ""
    if row.kind == "panel":
        return f'<tr{rule}><th colspan="{width + 1}" style="{_GROUP}">{escape(row.label)}</th></tr>'
    cells = [f'<th style="{_STUB}">{escape(row.label)}</th>']
    cells += [_cell(text) for text in row.cells]
    return f"<tr{rule}>{''.join(cells)}</tr>"


def _cell(text: str) -> str:
    if not is_aligned(text):
        number, stars = split_stars(text)
        raised = f'<sup style="line-height:0">{stars}</sup>' if stars else ""
        return f'<td style="{_CELL}">{escape(with_minus(number))}{raised}</td>'
    number, stars = split_stars(text)
    after = ")" if number.endswith(")") else f'<sup style="line-height:0">{stars}</sup>' if stars else ""
    shown = with_minus(number.removesuffix(")"))
    return f'<td style="{_NUMBER}">{shown}<span style="{_HANGS}">{after}</span></td>'
