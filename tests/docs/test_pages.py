"""What every page owes its reader: a next step, and the same page in both languages where there is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("weights", "agglomeration", "systems", "policies", "toolkit", "studies", "reference", "simulation")
OURS = ("learn", "do", "from", "understand", "lookup", "zh/learn", "zh/do")
PAGES = sorted(
    [
        *(p for room in OURS for p in (DOCS / room).glob("*.md")),
        *(DOCS / f"{name}.md" for name in (*GUIDES, "index", "zh/index")),
    ]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(DOCS)))
def test_a_page_ends_in_a_next_step_and_its_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.search(r"(Next: |下一步：).*\]\(", text), "the page has no link to a next step"
    for target in re.findall(r"\]\(([^)#]+\.(?:md|png))", text):
        made_later = "_pages/" in target or target.endswith("gallery.md")
        path = (page.parent / target).resolve()
        if "zh" in page.parts and "zh/images" in str(path):  # drawn for the edition from the same list
            path = Path(str(path).replace("/zh/", "/"))
        assert made_later or path.exists(), target


@pytest.mark.parametrize("room", ["learn", "do"])
def test_the_chinese_edition_has_every_page(room: str) -> None:
    english = {p.name for p in (DOCS / room).glob("*.md")}
    assert {p.name for p in (DOCS / "zh" / room).glob("*.md")} == english


def test_each_page_with_a_picture_shows_it_early() -> None:
    for page in (DOCS / "learn").glob("first_*.md"):
        text = page.read_text(encoding="utf-8")
        assert text.count("](../images/") >= 1, page.name
