"""Tables in Word: three lines, Times New Roman beside SimSun, numbers on their decimal points."""

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
from .numbers import is_aligned, split_stars, with_minus
from .pages import Page, build_pages, points_parts, unbroken

__all__ = ["write_docx"]

_LATIN, _CHINESE = "Times New Roman", "SimSun"
_BODY, _NOTE = 10.5, 9.0
_SIDE = 5.0  # points beside the text of a cell
_THICK, _THIN = 12, 6  # eighths of a point: 1.5 pt and 0.75 pt


def write_docx(tables: Sequence[Cells], path: str | Path) -> Path:
    """Write tables one below the other; equal tables are equal files."""
    import docx

    target = Path(path)
    if target.suffix.lower() != ".docx":
        raise DataError(f"Word tables are written to .docx; got {target.name!r}.")
    document = docx.Document()
    _styles(document)
    pages = [page for table in tables for page in build_pages(table)]
    for number, page in enumerate(pages):
        if number == 0 or page.lies != pages[number - 1].lies:
            _page(document, page.lies, new=number > 0)
        elif number:
            document.add_paragraph()
        _add(document, page)
    memory = io.BytesIO()
    document.save(memory)
    with atomic_path(target) as temporary:
        temporary.write_bytes(_without_clock(memory.getvalue()))
    return target


def _styles(document: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    properties = document.core_properties
    properties.author, properties.comments = "", ""
    properties.created = properties.modified = datetime(2000, 1, 1)
    normal = document.styles["Normal"]
    normal.font.size = Pt(_BODY)
    _fonts(normal.element.get_or_add_rPr(), normal.font)
    # Where SimSun is missing, its replacement should still be a simplified Chinese one.
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)


def _page(document: Any, lies: bool, *, new: bool) -> None:
    """Set A4 upright or on its side, in a section of its own where the other way stands before."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm

    section = document.add_section() if new else document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE if lies else WD_ORIENT.PORTRAIT
    sides = (Cm(29.7), Cm(21.0)) if lies else (Cm(21.0), Cm(29.7))
    section.page_width, section.page_height = sides
    section.left_margin = section.right_margin = Cm(2.5)


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
    layout.keep_with_next = keep  # a table, its title and its note stay on one page, where they fit
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centre else WD_ALIGN_PARAGRAPH.LEFT
    return paragraph


def _add(document: Any, page: Page) -> None:
    from docx.shared import Pt

    table = page.table
    if table.title:
        title = _paragraph(document.add_paragraph(), centre=True)
        title.paragraph_format.space_after = Pt(4)
        _write(title, table.title, bold=True)
    body = _grid(document, page)
    for k, head in enumerate(table.header):
        _head(body.rows[k], head, page.size, first=k == 0, last=k == len(table.header) - 1)
    stops = [_stop(page, k) for k in range(table.n_columns)]
    for k, row in enumerate(table.rows):
        last = k == len(table.rows) - 1
        # A heading stays with what it heads, a coefficient with what stands below it in parentheses.
        below = "" if last else table.rows[k + 1].kind
        keep = not page.is_long or row.kind == "panel" or below == "detail" or k == 0
        _row(body.rows[len(table.header) + k], row, page.size, stops, keep=keep, last=last)
    if table.notes:
        # One paragraph, as journals set it.
        paragraph = _paragraph(document.add_paragraph(), centre=False, keep=False)
        paragraph.paragraph_format.space_before = Pt(3)
        _write(paragraph, unbroken(_run_on(table.notes)), size=min(_NOTE, page.size))


def _run_on(notes: Sequence[str]) -> str:
    text = ""
    for note in notes:
        text += note if not text or text.endswith(("。", "；")) else f" {note}"
    return text


def _grid(document: Any, page: Page) -> Any:
    from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    table = page.table
    body = document.add_table(rows=len(table.header) + len(table.rows), cols=table.n_columns + 1)
    body.alignment, body.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    _margins(body)
    widths = [Pt(width) for width in page.widths]
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


def _margins(body: Any) -> None:
    """Set the space beside the text of a cell: what the widths of columns count on."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        space = OxmlElement(f"w:{side}")
        space.set(qn("w:w"), str(int(20 * _SIDE)))
        space.set(qn("w:type"), "dxa")
        margins.append(space)
    # The schema wants them last but for the look.
    look = body._tbl.tblPr.find(qn("w:tblLook"))
    body._tbl.tblPr.append(margins) if look is None else look.addprevious(margins)


def _stop(page: Page, column: int) -> float:
    """Return where the decimal points of a column stand, so that its numbers are in its middle."""
    texts = [row.cells[column] for row in page.table.rows if row.cells]
    parts = [points_parts(text, page.size) for text in texts if is_aligned(text)]
    before, after = (max((part[k] for part in parts), default=0.0) for k in (0, 1))
    return max(0.0, (page.widths[column + 1] - 2 * _SIDE - before - after) / 2) + before


def _head(row: Any, heads: tuple[Head, ...], size: float, *, first: bool, last: bool) -> None:
    cells, place = list(row.cells), 0
    for head in heads:
        cell = cells[place]
        if head.span > 1:
            cell = cell.merge(cells[place + head.span - 1])
        _write(_paragraph(cell.paragraphs[0], centre=place > 0, spacing=1.5 * size), head.text, size=size)
        bottom = _THIN if last else 4 if head.rule else 0
        _borders(cell, top=_THICK if first else 0, bottom=bottom)
        place += head.span


def _row(found: Any, row: Row, size: float, stops: list[float], *, keep: bool, last: bool) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Pt

    cells = list(found.cells)
    texts = (row.label, *(row.cells if row.kind != "panel" else ()))
    if row.kind == "panel":
        cells = [cells[0].merge(cells[len(stops)])]
    for k, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        numeric = k > 0 and is_aligned(text)
        paragraph = _paragraph(
            cell.paragraphs[0], centre=k > 0 and not numeric, keep=keep, spacing=1.5 * size
        )
        if numeric:
            # In a cell, a number goes to the decimal stop without a tab.
            paragraph.paragraph_format.tab_stops.add_tab_stop(Pt(stops[k - 1]), WD_TAB_ALIGNMENT.DECIMAL)
        _write(paragraph, with_minus(text) if k else text, size=size, bold=row.kind == "panel")
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


def _without_clock(data: bytes) -> bytes:
    """Return the same archive with one date for all its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
