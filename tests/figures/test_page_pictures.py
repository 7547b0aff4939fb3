"""The pictures of the pages in either language, looked at by pixels and boxes as those of the gallery are."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import pytest
from figure_cases import assert_whole

from spatial.errors import SpatialWarning
from spatial.figures.palette import COLORS

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "make"))
import pictures  # noqa: E402 - the path first

QUICK = {("distances", "zh")}
DRAWN = [
    pytest.param(name, lang, marks=[] if (name, lang) in QUICK else pytest.mark.gallery)
    for name in pictures.PICTURES
    for lang in ("en", "zh")
]


@pytest.mark.parametrize(("name", "lang"), DRAWN)
def test_a_picture_of_a_page_is_whole(name: str, lang: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)  # weak instruments, of the examples' models
        figure = pictures.made(name, lang)
    figure.set_dpi(150)
    assert_whole(figure, COLORS["paper"][0])


def test_every_picture_of_the_pages_is_drawn_and_shown() -> None:
    shown = set()
    for page in DOCS.rglob("*.md"):
        if "_build" not in page.parts:
            shown |= set(re.findall(r"images/pages/(\w+)\.png", page.read_text(encoding="utf-8")))
    assert shown == set(pictures.PICTURES)
