"""Tables on paper: widths from content, words whole; wide tables split, on their side or in small type."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_TAB_ALIGNMENT
from paper_fits import panel, plain_fit, ring, system, system_fit

import spatial as sp
from spatial.tables.formats.cells import Head, Row
from spatial.tables.formats.latex import PACKAGES
from spatial.tables.formats.pages import _needs, build_pages, text_width, wrapped
from spatial.tables.table import Table


def many(columns: int, cell: str = "-0.123***", label: str = "Income") -> Table:
    head = (Head(""), *[Head(f"({k + 1})") for k in range(columns)])
    return Table((head,), tuple(Row(label, (cell,) * columns) for _ in range(4)), "Title", ("Note: n.",))


@pytest.fixture(scope="module")
def estimators() -> Table:
    """Return nine columns, of two outcomes by several estimators."""
    fits = {name.upper(): system().fit(name) for name in ("2sls", "3sls", "gs2sls", "gs3sls")}
    return sp.regression_table({"OLS": plain_fit(), **fits}, show="se", title="Estimators")


def test_columns_have_room_for_their_longest_number_and_word() -> None:
    heads = (Head(""), Head("Geographically weighted"), Head("x"))
    made = Table((heads,), (Row("Unemployment", ("-1234.567***", "1")),))
    (page,) = build_pages(made)
    assert page.widths[1] >= max(text_width("-1234.567***", 10.5), text_width("Geographically", 10.5))
    assert page.widths[0] >= text_width("Unemployment", 10.5)
    assert sum(page.widths) == pytest.approx(453)


def test_words_are_broken_at_blanks_only() -> None:
    text = "Agglomeration of producer services 生产性服务业集聚"
    for width in (20.0, 60.0, 100.0, 1000.0):
        lines = wrapped(text, width, 10.0)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert {word for line in lines for word in line.split() if word.isascii()} == {
            "Agglomeration",
            "of",
            "producer",
            "services",
        }
    assert len(wrapped(text, 1000.0, 10.0)) == 1


def test_a_wide_table_is_split_by_outcome(estimators: Table) -> None:
    first, second = build_pages(estimators)
    assert [page.lies for page in (first, second)] == [False, False]
    outcomes = [{head.text for head in page.table.header[-1][1:]} for page in (first, second)]
    assert outcomes == [{"ER"}, {"PSS"}]
    numbers = [[head.text for head in page.table.header[1][1:]] for page in (first, second)]
    assert numbers == [["(1)", "(2)", "(4)", "(6)", "(8)"], ["(3)", "(5)", "(7)", "(9)"]]
    assert [first.table.title, second.table.title] == ["Estimators", "Estimators (continued)"]
    assert first.table.notes == ()
    assert second.table.notes == estimators.notes
    # Nothing is lost: each number stands in one of the parts.
    both = sorted(c for p in (first, second) for r in p.table.rows for c in r.cells if c)
    assert both == sorted(c for r in estimators.rows for c in r.cells if c)


def test_a_table_that_cannot_be_split_lies_then_shrinks_then_is_cut() -> None:
    found = {n: [(p.lies, p.size, p.table.n_columns) for p in build_pages(many(n))] for n in (5, 9, 15, 22)}
    assert found[5] == [(False, 10.5, 5)]
    assert found[9] == [(True, 10.5, 9)]
    ((lies, size, _),) = found[15]
    assert lies
    assert 8.0 <= size < 10.5
    assert [n for *_, n in found[22]] == [16, 6]
    assert all(p.fits for p in build_pages(many(22)))


def test_a_minus_beside_chinese_is_one_em_wide() -> None:
    frame = pd.DataFrame({"变量": ["集聚", "密度"], "估计": [-0.086, 0.015]})
    least = {lang: _needs(sp.tables.frame_table(frame, lang=lang), 10.5)[1][0] for lang in ("en", "zh")}
    assert least["zh"] - least["en"] == pytest.approx(0.65 * 10.5)


def test_headings_of_empty_panels_leave_with_their_rows() -> None:
    head = (Head(""), Head("a"), Head("b"))
    rows = (
        Row("x", ("1", "2")),
        Row("Effects", (), "panel", rule=True),
        Row("Direct", (), "panel"),
        Row("y", ("3", "")),
        Row("Total", (), "panel"),
        Row("z", ("", "4")),
    )
    wide = Table(
        (
            (Head(""), Head("a"), Head("b"), *[Head("a")] * 5, *[Head("b")] * 5),
            (head[0], *[Head(str(k)) for k in range(12)]),
        ),
        tuple(Row(r.label, r.cells and (*r.cells, *[""] * 10), r.kind, r.rule) for r in rows),
        groups=0,
    )
    wide = Table(wide.header, (*wide.rows, Row("w", ("-100000.000",) * 12)), groups=0)
    pages = build_pages(wide)
    shown = [[r.label for r in p.table.rows] for p in pages]
    assert shown == [["x", "Effects", "Direct", "y", "Total", "w"], ["x", "Effects", "Total", "z", "w"]]


def test_word_has_decimal_stops_and_sections_by_how_tables_lie(estimators: Table, tmp_path: Path) -> None:
    path = sp.write_tables([many(9), estimators, many(3)], tmp_path / "t.docx")
    document = docx.Document(str(path))
    assert [s.orientation for s in document.sections] == [WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT]
    assert len(document.tables) == 4
    cells = [c for t in document.tables for r in t.rows for c in r.cells[1:]]
    number = re.compile(r"^\(?−?\d+\.\d+\)?\**$")
    found = [c.paragraphs[0] for c in cells if number.match(c.text)]
    assert len(found) > 100
    for paragraph in found:
        (stop,) = paragraph.paragraph_format.tab_stops
        assert stop.alignment == WD_TAB_ALIGNMENT.DECIMAL
    stops = {p.paragraph_format.tab_stops[0].position.pt for p in found[:9]}
    assert len(stops) == 1  # equal columns
    titles = [p for p in document.paragraphs if p.text.startswith(("Title", "Estimators"))]
    assert len(titles) == 4
    assert all(p.paragraph_format.keep_with_next for p in titles)


def test_latex_takes_the_environment_that_a_table_asks_for(estimators: Table) -> None:
    assert r"\begin{table}[htbp]" in str(many(3).to_latex())
    assert r"\begin{sidewaystable}[htbp]" in str(many(9).to_latex())
    split = str(estimators.to_latex())
    assert split.count(r"\begin{threeparttable}") == 2
    assert split.count(r"\addtocounter{table}{-1}") == 1
    long = Table(many(3).header, many(3).rows * 20, "Long", ("Note: n.",))
    text = str(long.to_latex())
    assert all(part in text for part in (r"\begin{longtable}", r"\endfirsthead", r"\insertTableNotes"))
    assert r"\begin{landscape}" in str(Table(many(9).header, many(9).rows * 20).to_latex())


def _tables(estimators: Table) -> list[Table]:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(50, 22)), columns=[f"Variable number {k}" for k in range(22)])
    moran = sp.moran_panel(panel(), ["ER", "PSS", "gov"], ring(), permutations=9)
    return [
        sp.regression_table([plain_fit(), system_fit()], labels=panel(), impacts=["open"], draws=20),
        estimators,
        sp.correlation_table(data),
        sp.moran_table(moran),
        Table(many(3).header, many(3).rows * 20, "Long", ("Note: n.",)),
    ]


def test_rows_of_several_lines_make_a_table_long() -> None:
    head = (Head("a"), Head("b"))
    short = [Row("x", ("word",))] * 20
    assert [page.is_long for page in build_pages(Table((head,), tuple(short)))] == [False]
    tall = [Row("x", ("a word after the other " * 16,))] * 20
    assert [page.is_long for page in build_pages(Table((head,), tuple(tall)))] == [True]


def _of_words() -> Table:
    """Return a table wider and longer than a page unless its words take several lines."""
    words = (
        "剔除直辖市、省会与副省级城市",
        "产业专业化集聚，σᵤ 与 χ²",
        "W×城市经济韧性",
        "without the largest units",
    )
    row = Row("专业化", (*words, "0.662", "-0.034", "19.341", "0.000", "0.594", "0.729", "2651", "241"))
    head = (
        Head("模型"),
        *[Head(text) for text in ("变体", "方程", "变量", "说明", "估计", "标准误", "统计量", "p")],
        *[Head(text) for text in ("下限", "上限", "观测数", "个体数")],
    )
    return Table((head,), (row,) * 45, "Words", ("Note: n.",), "zh")


@pytest.mark.rendered
def test_latex_compiles_without_errors_or_overfull_lines(estimators: Table, tmp_path: Path) -> None:
    every = [*_tables(estimators), _of_words()]
    tables = "\n\\clearpage\n".join(str(table.to_latex()) for table in every)
    page = r"\documentclass{article}\usepackage[a4paper,margin=2.5cm]{geometry}\usepackage{ctex}"
    source = f"{page}\n{PACKAGES}\n\\begin{{document}}\n{tables}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(source, encoding="utf-8")
    for _ in range(2):
        run = subprocess.run(
            ["xelatex", "-interaction=nonstopmode", "t.tex"], cwd=tmp_path, capture_output=True, check=False
        )
        log = run.stdout.decode("utf-8", "replace")
        assert run.returncode == 0, log[-2000:]
    assert not re.findall(r"^!.*|Overfull.*", log, re.MULTILINE)
    assert "Missing character" not in (tmp_path / "t.log").read_text(encoding="utf-8", errors="replace")


@pytest.mark.rendered
def test_word_opens_with_every_number_on_one_line(estimators: Table, tmp_path: Path) -> None:
    path = sp.write_tables(_tables(estimators), tmp_path / "t.docx")
    home = f"-env:UserInstallation=file://{tmp_path}/office"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", path.name]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    text = subprocess.run(
        ["pdftotext", "-layout", "t.pdf", "-"], cwd=tmp_path, capture_output=True, check=True
    )
    words = text.stdout.decode().split()
    for table in _tables(estimators):
        for row in table.rows:
            for cell in row.cells:
                bare = re.sub(r"\**$", "", cell).replace("-", "−")
                assert all(any(part in word for word in words) for part in bare.split()), cell


def test_a_page_never_ends_between_a_coefficient_and_what_stands_below_it(tmp_path: Path) -> None:
    rows = tuple(
        Row(f"x{k}", ("1.000",)) if k % 2 == 0 else Row("", ("(0.500)",), "detail") for k in range(80)
    )
    long = Table(((Head(""), Head("(1)")),), rows)
    table = docx.Document(str(long.to_docx(tmp_path / "t.docx"))).tables[0]
    held = [bool(row.cells[0].paragraphs[0].paragraph_format.keep_with_next) for row in table.rows[2:]]
    assert held == [k % 2 == 0 for k in range(1, 80)]
    body = str(long.to_latex()).partition(r"\endlastfoot")[2]
    lines = [line for line in body.splitlines() if line.startswith(("x", " &"))]
    assert [line.endswith(r"\\*") for line in lines] == [k % 2 == 0 for k in range(80)]
