"""Formats: the same text in each, labels never as markup, files whole, equal and as a journal wants them."""

from __future__ import annotations

import html
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paper_fits import panel, plain_fit, system_fit

from spatial.errors import DataError
from spatial.tables.formats.latex import latex_escape
from spatial.tables.regression import Head, Row, Table, regression_table

HOSTILE = [
    "<script>alert('x')</script>",
    '"quoted" & <b>bold</b>',
    '=HYPERLINK("http://evil.example","click")',
    "@SUM(A1:A9)",
    "+1+2",
    "-2+3",
    "100% of $R_1^2$ \\input{secret} #~{}",
    "[click](http://evil.example) | **x** `y`",
    "http://evil.example",
    "a--b ?`",
    "{=1}",
    "中文“引号”",
    "*",
]


@pytest.fixture(scope="module")
def table() -> Table:
    return regression_table(
        [plain_fit(), system_fit()], labels=panel(), impacts=["open"], draws=20, lang="zh", title="表 1  结果"
    )


def hostile() -> Table:
    head = (Head(HOSTILE[0]), *[Head(text) for text in HOSTILE])
    rows = tuple(Row(text, tuple(HOSTILE)) for text in HOSTILE)
    return Table((head,), (*rows, Row(HOSTILE[2], (), "panel")), HOSTILE[2], tuple(HOSTILE))


def grid(table: Table) -> list[list[str]]:
    """Return head and body as all formats should have them."""
    head = [[h.text for h in row for _ in range(h.span)] for row in table.header]
    return head + [[r.label, *(r.cells or [""] * table.n_columns)] for r in table.rows]


def printed_grid(table: Table) -> list[list[str]]:
    """Return the same with true minus signs before numbers, as print and screens have them."""
    return [[re.sub(r"^(\(?)-(?=\d+\.\d+\)?\**$)", r"\1−", text) for text in row] for row in grid(table)]


# ---- Word
def word_grid(path: Path) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in docx.Document(str(path)).tables[0].rows]


def test_word_has_the_same_text(table: Table, tmp_path: Path) -> None:
    found = word_grid(table.to_docx(tmp_path / "t.docx"))
    expected = printed_grid(table)
    for k, row in enumerate(table.rows):
        if row.kind == "panel":  # merged: each cell shows the heading
            expected[len(table.header) + k] = [row.label] * (table.n_columns + 1)
    assert found == expected
    document = docx.Document(str(tmp_path / "t.docx"))
    assert document.paragraphs[0].text == "表 1 结果"
    said = document.paragraphs[-1].text.replace("\u00a0", " ")
    assert all(note in said for note in table.notes)


def test_word_fonts_are_times_and_simsun(table: Table, tmp_path: Path) -> None:
    document = docx.Document(str(table.to_docx(tmp_path / "t.docx")))
    runs = [r for p in document.paragraphs for r in p.runs]
    runs += [r for row in document.tables[0].rows for c in row.cells for p in c.paragraphs for r in p.runs]
    assert len(runs) > 50
    for run in runs:
        fonts = run._element.rPr.rFonts
        found = {k: fonts.get(qn(f"w:{k}")) for k in ("ascii", "hAnsi", "eastAsia")}
        assert found == {"ascii": "Times New Roman", "hAnsi": "Times New Roman", "eastAsia": "SimSun"}
    sizes = {r.font.size.pt for c in document.tables[0]._cells for p in c.paragraphs for r in p.runs}
    assert sizes == {10.5}
    assert {r.font.size.pt for r in document.paragraphs[-1].runs} == {9.0}
    assert any(r.font.superscript and r.text == "***" for r in runs)


def test_word_has_three_lines(table: Table, tmp_path: Path) -> None:
    rows = docx.Document(str(table.to_docx(tmp_path / "t.docx"))).tables[0].rows

    def size(row: int, side: str) -> set[Any]:
        found = [c._tc.tcPr.find(f"{qn('w:tcBorders')}/{qn(f'w:{side}')}") for c in rows[row].cells]
        return {None if b is None else b.get(qn("w:sz")) for b in found}

    last = len(rows) - 1
    assert size(0, "top") == {"12"}
    assert size(last, "bottom") == {"12"}
    assert size(len(table.header) - 1, "bottom") == {"6"}
    assert all(
        c._tc.tcPr.find(f"{qn('w:tcBorders')}/{qn(f'w:{s}')}") is None
        for row in rows
        for c in row.cells
        for s in ("left", "right", "insideV")
    )
    assert all(row._tr.trPr.find(qn("w:tblHeader")) is not None for row in rows[: len(table.header)])


def test_wide_tables_lie_on_the_page(tmp_path: Path) -> None:
    wide = Table((tuple(Head(f"Income {k}") for k in range(10)),), (Row("Income", ("-123.456***",) * 9),))
    section = docx.Document(str(wide.to_docx(tmp_path / "w.docx"))).sections[0]
    assert section.page_width > section.page_height


# ---- Excel
def shown(value: float, code: str) -> str:
    """Return a number as its format shows it: digits, text in quotes, a second part for negative ones."""
    parts = code.split(";")
    if len(parts) == 2 and value < 0:
        code, value = parts[1], -value
    code = code.split(";")[0]
    text = re.sub(r"0(?:\.(0+))?", lambda m: f"{value:.{len(m[1] or '')}f}", code.replace('"', "\0"), count=1)
    return text.replace("\0", "")


def excel_grid(path: Path, titled: bool) -> list[list[str]]:
    sheet = openpyxl.load_workbook(path).active
    rows = []
    for row in sheet.iter_rows(min_row=2 if titled else 1):
        texts = []
        for cell in row:
            value = cell.value
            texts.append(shown(value, cell.number_format) if isinstance(value, int | float) else value or "")
        rows.append(texts)
    return rows


def test_excel_has_the_same_text(table: Table, tmp_path: Path) -> None:
    found = excel_grid(table.to_xlsx(tmp_path / "t.xlsx"), titled=True)
    expected = grid(table)
    for k, row in enumerate(table.header):  # a merged cell has its text once
        expected[k] = [t for h in row for t in (h.text, *[""] * (h.span - 1))]
    assert found[: len(expected)] == expected
    notes = [row[0] for row in found[len(expected) :]]
    assert notes == list(table.notes)


def test_excel_numbers_are_numbers_and_labels_are_not(tmp_path: Path) -> None:
    made = Table(
        ((Head(""), Head("2010")),),
        (
            Row("2011", ("0.50",)),
            Row("110100", ("-3",)),
            Row("y", ("0.5*",)),
            Row("z", ("(-2.310)",)),
            Row("p", ("1.2 (0.3)",)),
        ),
    )
    sheet = openpyxl.load_workbook(made.to_xlsx(tmp_path / "t.xlsx")).active
    assert [sheet.cell(r, 2).value for r in range(1, 7)] == [2010, 0.5, -3, 0.5, -2.31, "1.2 (0.3)"]
    assert [sheet.cell(r, 2).number_format for r in (2, 4)] == ["0.00", '0.0"*";-0.0"*"']
    assert shown(-2.31, sheet.cell(5, 2).number_format) == "(-2.310)"
    # Years are numbers; a code of a city is its name.
    assert [sheet.cell(r, 1).value for r in (2, 3)] == [2011, "110100"]


def test_excel_numbers_keep_their_digits(table: Table, tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(table.to_xlsx(tmp_path / "t.xlsx")).active
    values = [sheet.cell(5, c).value for c in (2, 3, 4)], [sheet.cell(6, c).value for c in (2, 3, 4)]
    system = system_fit().tidy().set_index(["equation", "term"])
    first = plain_fit().tidy().set_index("term").loc["gov"]
    rows = [first, system.loc[("ER", "gov")], system.loc[("PSS", "gov")]]
    assert values[0] == pytest.approx([row["estimate"] for row in rows], rel=1e-14)
    assert values[1] == pytest.approx([row["statistic"] for row in rows], rel=1e-14)


def test_excel_takes_nothing_as_a_formula(tmp_path: Path) -> None:
    made = hostile()
    book = openpyxl.load_workbook(made.to_xlsx(tmp_path / "h.xlsx"))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    assert set(HOSTILE) <= {cell.value for cell in cells}
    with zipfile.ZipFile(tmp_path / "h.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


# ---- HTML
class Reader(HTMLParser):
    """Tags and text of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.inside = False
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1] += [""] * int(dict(attrs).get("colspan") or 1)
            self.span = int(dict(attrs).get("colspan") or 1)

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.inside:
            self.rows[-1][-self.span] += data


def test_html_has_the_same_text(table: Table) -> None:
    found = Reader(str(table.to_html()))
    expected = printed_grid(table)
    for k, row in enumerate(table.header):
        expected[k] = [t for h in row for t in (h.text, *[""] * (h.span - 1))]
    assert found.rows == expected
    assert all(note in found.text.replace("\u00a0", " ") for note in table.notes)
    assert table._repr_html_() == table.to_html()


def test_html_is_escaped_and_needs_nothing_else() -> None:
    text = str(hostile().to_html())
    found = Reader(text)
    assert found.tags == {"figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "div"}
    assert found.rows[1] == [HOSTILE[0], *HOSTILE]
    assert html.escape(HOSTILE[0]) in text
    assert not re.search(r"(src|href|url)\s*[=(]", re.sub(r">[^<]*<", "><", text))


# ---- LaTeX
def test_latex_is_booktabs_and_has_all_cells(table: Table) -> None:
    text = str(table.to_latex())
    for command in (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\cmidrule(lr){3-4}",
        r"\multicolumn{2}{c}{GS3SLS}",
    ):
        assert command in text
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert "S[table-format={(}-2.3{$^{***}$},table-align-text-before=false," in text
    plain = text.replace("{$^{", "").replace("}$}", "").replace(r"$\times$", "×")
    plain = plain.replace("{(}", "(").replace("{)}", ")")
    for row in table.rows:
        for cell in row.cells:
            assert cell in plain, cell
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    for line in body.splitlines():
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert line.count("&") == table.n_columns


def test_latex_is_escaped() -> None:
    text = str(hostile().to_latex())
    body = text[text.index(r"\toprule") :]
    assert r"\input" not in body
    assert (
        r"100\% of \$R\_1\textasciicircum{}2\$ \textbackslash{}input\{secret\} \#\textasciitilde{}\{\}"
        in body
    )
    assert r"\textless{}script\textgreater{}" in body
    for sign in "%#&_$":
        found = re.findall(rf"(?<!\\){re.escape(sign)}", latex_escape("".join(HOSTILE)))
        assert not found or sign == "$"
    assert not re.search(r"\\\\\s*[\[*]", text)  # an option or a star after the end of a row
    assert latex_escape("a--b") == "a-{}-b"
    assert latex_escape("?`") == r"?\textasciigrave{}"


# ---- Markdown
def test_markdown_has_all_cells(table: Table) -> None:
    lines = str(table.to_markdown()).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(table.rows)
    for line, row in zip(rows[2:], table.rows, strict=True):
        parts = [
            html.unescape(re.sub(r"\\(.)", r"\1", part)).strip()
            for part in re.split(r"(?<!\\)\|", line)[1:-1]
        ]
        assert parts[1:] == [*(row.cells or [""] * table.n_columns)]
        assert parts[0].strip("*") == row.label
    assert "GS3SLS (2) 经济韧性" in rows[0]


def test_markdown_is_escaped() -> None:
    text = str(hostile().to_markdown())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", line)) for line in rows} == {len(HOSTILE) + 3}
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "http://" not in text.replace("http<!-- -->://", "")


# ---- all formats
def test_hostile_labels_are_text_in_word(tmp_path: Path) -> None:
    parts = docx.Document(str(hostile().to_docx(tmp_path / "h.docx"))).tables
    assert [part.rows[1].cells[0].text for part in parts] == [HOSTILE[0]] * len(parts)
    assert [cell.text for part in parts for cell in part.rows[1].cells[1:]] == HOSTILE
    with zipfile.ZipFile(tmp_path / "h.docx") as archive:
        xml = archive.read("word/document.xml")
        for field in (b"fldSimple", b"instrText", b"w:hyperlink"):
            assert field not in xml
        assert b"evil" not in archive.read("word/_rels/document.xml.rels")


def test_labels_of_a_fit_are_text_in_every_format(tmp_path: Path) -> None:
    made = regression_table(plain_fit(), labels={"gov": HOSTILE[0], "open": HOSTILE[2]}, title=HOSTILE[6])
    assert word_grid(made.to_docx(tmp_path / "a.docx"))[2][0] == HOSTILE[0]
    cells = [c for row in openpyxl.load_workbook(made.to_xlsx(tmp_path / "a.xlsx")).active for c in row]
    assert any(c.value == HOSTILE[2] and c.data_type == "s" for c in cells)
    assert "<script" not in str(made.to_html()) + str(made.to_markdown())
    assert r"\textless{}script" in str(made.to_latex())


def test_equal_tables_are_equal_files(table: Table, tmp_path: Path) -> None:
    for suffix in ("docx", "xlsx", "tex", "html", "md"):
        write = {"tex": table.to_latex, "md": table.to_markdown}.get(suffix) or getattr(table, f"to_{suffix}")
        first, second = write(tmp_path / f"a.{suffix}"), write(tmp_path / f"b.{suffix}")
        assert first.read_bytes() == second.read_bytes()
        assert len(first.read_bytes()) > 500


def test_files_appear_whole_or_not_at_all(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import spatial.tables.formats.xlsx

    target = table.to_xlsx(tmp_path / "t.xlsx")
    before = target.read_bytes()
    monkeypatch.setattr(spatial.tables.formats.xlsx._Sheet, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        table.to_xlsx(target)
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.xlsx"]


def test_names_of_files(table: Table, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Word tables are written to \.docx; got 't\.doc'"):
        table.to_docx(tmp_path / "t.doc")
    with pytest.raises(DataError, match=r"Excel tables are written to \.xlsx; got 't\.xls'"):
        table.to_xlsx(tmp_path / "t.xls")


def test_text_lines_up_with_chinese(table: Table) -> None:
    from spatial.languages.shown import width

    lines = str(table).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("变量"))
    assert len({width(line) for line in lines[start : start + 2]}) == 1
    assert lines[0] == "表 1 结果"


def test_frame_has_the_cells(table: Table) -> None:
    frame = table.frame
    assert frame.shape == (len(table.rows), table.n_columns)
    assert frame.iloc[0].tolist() == list(table.rows[0].cells)
    assert frame.columns.nlevels == 3


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30))
def test_any_text_goes_round(text: str, tmp_path: Path) -> None:
    from spatial.tables.formats.cells import clean

    shown = clean(text)
    made = Table(((Head(""), Head("a")),), (Row(shown, (shown,)),), shown, (shown,) if shown else ())
    assert Reader(str(made.to_html())).rows[1] == [shown, shown]
    assert word_grid(made.to_docx(tmp_path / "t.docx"))[1] == [shown, shown]
    found = openpyxl.load_workbook(made.to_xlsx(tmp_path / "t.xlsx")).active.cell(3 if shown else 2, 1).value
    assert (found or "") == shown
    assert str(made.to_latex()).count("\\begin{tabular}") == 1
