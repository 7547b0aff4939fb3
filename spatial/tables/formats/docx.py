"""Tables in Word: three lines, Times New Roman beside SimSun."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from spatial.errors import DataError
from spatial.io.atomic import atomic_path

from .cells import Cells, Head, Row
from .numbers import split_stars

__all__ = ["write_docx"]

_LATIN, _CHINESE = "Times New Roman", "SimSun"
_BODY, _NOTE, _LINE = 10.5, 9.0, 16.0
_THICK, _THIN = 12, 6  # eighths of a point: 1.5 pt and 0.75 pt


def write_docx(tables: Sequence[Cells], path: str | Path) -> Path:
    """Write tables one below the other; equal tables are equal files."""
    import docx

    target = Path(path)
    if target.suffix.lower() != ".docx":
        raise DataError(f"Word tables are written to .docx; got {target.name!r}.")
    document = docx.Document()
    _page(document, max(table.n_columns for table in tables))
    for number, table in enumerate(tables):
        if number:
            document.add_paragraph()
        _add(document, table)
    memory = io.BytesIO()
    document.save(memory)
    with atomic_path(target) as temporary:
        temporary.write_bytes(_without_clock(memory.getvalue()))
    return target


def _page(document: Any, columns: int) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    properties = document.core_properties
    properties.author, properties.comments = "", ""
    properties.created = properties.modified = datetime(2000, 1, 1)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    if columns > 7:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Cm(29.7), Cm(21.0)
    section.left_margin = section.right_margin = Cm(2.5)
    normal = document.styles["Normal"]
    normal.font.size = Pt(_BODY)
    _fonts(normal.element.get_or_add_rPr(), normal.font)
    # Where SimSun is missing, its replacement should still be a simplified Chinese one.
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)


def _fonts(properties: Any, font: Any) -> None:
    from docx.oxml.ns import qn

    font.name = _LATIN
    fonts = properties.rFonts
    for kind, name in (("ascii", _LATIN), ("hAnsi", _LATIN), ("cs", _LATIN), ("eastAsia", _CHINESE)):
        fonts.set(qn(f"w:{kind}"), name)
    # A theme font, where there is one, would win over the name.
    for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{kind}"), None)


def _write(paragraph: Any, text: str, *, size: float = _BODY, bold: bool = False) -> None:
    from docx.shared import Pt

    number, stars = split_stars(text)
    for part, raised in ((number, False), (stars, True)):
        if part:
            run = paragraph.add_run(part)
            run.font.size, run.font.bold = Pt(size), bold
            run.font.superscript = True if raised else None
            _fonts(run._element.get_or_add_rPr(), run.font)


def _paragraph(paragraph: Any, *, centre: bool, keep: bool = True, spacing: float | None = None) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    if spacing is not None:
        layout.line_spacing = Pt(spacing)  # exactly: Chinese and Latin rows are equally high
    layout.keep_with_next = keep  # a table and its note stay on one page, where they fit
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centre else WD_ALIGN_PARAGRAPH.LEFT
    return paragraph


def _add(document: Any, table: Cells) -> None:
    from docx.shared import Pt

    if table.title:
        title = _paragraph(document.add_paragraph(), centre=True)
        title.paragraph_format.space_after = Pt(4)
        _write(title, table.title, bold=True)
    body = _grid(document, table)
    for k, head in enumerate(table.header):
        _head(body.rows[k], head, first=k == 0, last=k == len(table.header) - 1)
    for k, row in enumerate(table.rows):
        _row(body.rows[len(table.header) + k], row, table.n_columns, last=k == len(table.rows) - 1)
    if table.notes:
        # One paragraph, as journals set it.
        paragraph = _paragraph(document.add_paragraph(), centre=False, keep=False)
        paragraph.paragraph_format.space_before = Pt(3)
        _write(paragraph, _run_on(table.notes), size=_NOTE)


def _run_on(notes: Sequence[str]) -> str:
    text = ""
    for note in notes:
        text += note if not text or text.endswith(("。", "；")) else f" {note}"
    return text


def _grid(document: Any, table: Cells) -> Any:
    from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    section = document.sections[0]
    usable = section.page_width - section.left_margin - section.right_margin
    body = document.add_table(rows=len(table.header) + len(table.rows), cols=table.n_columns + 1)
    body.alignment, body.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = [int(usable * share) for share in _shares(table)]
    for column, width in zip(body.columns, widths, strict=True):
        column.width = width
    cells = body._cells
    for k, cell in enumerate(cells):
        cell.width = widths[k % len(widths)]
        cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    for row in body.rows:
        # A row of a table stays on its page.
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for row in body.rows[: len(table.header)]:
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
    return body


def _shares(table: Cells) -> list[float]:
    """Return the shares of the columns in the width: by their longest text, the labels at most 45%."""
    labels = [row.label for row in table.rows if row.kind != "panel"]
    labels += [row[0].text for row in table.header]
    needed = [4.0 + max(_columns(text) for text in labels)]
    cells = [[row.cells[k] for row in table.rows if row.cells] for k in range(table.n_columns)]
    for row in table.header:
        heads = [(head, head.text if head.span == 1 else "") for head in row[1:]]
        spread = [text for head, text in heads for _ in range(head.span)]
        for k, text in enumerate(spread):
            cells[k].append(text)
    needed += [3.0 + max(map(_columns, texts)) for texts in cells]
    rest = sum(needed[1:])
    first = min(needed[0] / (needed[0] + rest), 0.45)
    # Columns of one kind look best when they are equally wide, where all of them fit.
    even = max(needed[1:]) * table.n_columns <= 1.15 * rest
    parts = [1 / table.n_columns] * table.n_columns if even else [n / rest for n in needed[1:]]
    return [first, *[(1 - first) * part for part in parts]]


def _head(row: Any, heads: tuple[Head, ...], *, first: bool, last: bool) -> None:
    cells, place = list(row.cells), 0
    for head in heads:
        cell = cells[place]
        if head.span > 1:
            cell = cell.merge(cells[place + head.span - 1])
        _write(_paragraph(cell.paragraphs[0], centre=place > 0, spacing=_LINE), head.text)
        bottom = _THIN if last else 4 if head.rule else 0
        _borders(cell, top=_THICK if first else 0, bottom=bottom)
        place += head.span


def _row(found: Any, row: Row, width: int, *, last: bool) -> None:
    cells = list(found.cells)
    texts = (row.label, *(row.cells if row.kind != "panel" else ()))
    if row.kind == "panel":
        cells = [cells[0].merge(cells[width])]
    for k, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        _write(_paragraph(cell.paragraphs[0], centre=k > 0, spacing=_LINE), text)
        _borders(cell, top=_THIN if row.rule else 0, bottom=_THICK if last else 0)


def _borders(cell: Any, *, top: int, bottom: int) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    if not top and not bottom:
        return
    borders = OxmlElement("w:tcBorders")
    for side, size in (("top", top), ("bottom", bottom)):
        if size:
            line = OxmlElement(f"w:{side}")
            for key, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "000000")):
                line.set(qn(f"w:{key}"), value)
            borders.append(line)
    properties = cell._tc.get_or_add_tcPr()
    align = properties.find(qn("w:vAlign"))
    # The schema wants borders first.
    properties.append(borders) if align is None else align.addprevious(borders)


def _columns(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _without_clock(data: bytes) -> bytes:
    """Return the same archive with one date for all its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
