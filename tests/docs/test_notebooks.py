"""The Learn pages as notebooks: the same examples in the same order, and nothing that leads nowhere."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest

import spatial as sp

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "make"))
import notebooks

# For the schema of notebooks, which has no IRI, jsonschema would build 38 grammars of IRIs: five seconds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type, unused-ignore]

PAGES = list(notebooks.pages())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: f"{p.parents[1].name}-{p.stem}")
def test_a_notebook_holds_what_its_page_shows(page: Path) -> None:
    import nbformat

    made = notebooks.notebook(page)
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    page_text = page.read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_examples(page_text)
    lines = [line.partition("  # doctest")[0].rstrip() for e in examples for line in e.source.splitlines()]
    kept = [line for cell in code for line in cell.splitlines() if line != "axes.figure" and line[:1] != "!"]
    assert kept == lines
    commands = [line.strip() for line in page_text.splitlines() if line.startswith("    spatial ")]
    assert [cell[1:] for cell in code if cell.startswith("!")] == commands
    assert ">>>" not in text
    assert ".md)" not in text
    assert "](attachment:" in text or text.count("![") == 0
    drawn = sum(line.startswith("axes = ") for line in lines)
    assert sum(cell.endswith("axes.figure") for cell in code) == drawn


def test_the_learn_pages_give_their_notebooks() -> None:
    for page in PAGES:
        assert f"](../_notebooks/{page.stem}.ipynb)" in page.read_text(encoding="utf-8"), page


def test_a_figure_shows_itself_in_a_notebook_without_pyplot() -> None:
    from IPython.core.formatters import PNGFormatter

    cities = sp.shapefiles.load("nc")
    for axes in (sp.map_values(cities, cities["bir74"]), sp.weights.contiguity(cities).plot(cities)):
        assert PNGFormatter()(axes.figure).startswith(b"\x89PNG")
