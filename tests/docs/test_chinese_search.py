"""The search of the Chinese pages: what is indexed is what is asked for."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "make"))
search = pytest.importorskip("chinese_search", reason="Sphinx is of the extra docs")


def test_chinese_is_indexed_by_pairs_and_latin_words_whole() -> None:
    language = search.PairsOfCharacters({})
    assert language.split("莫兰指数 I, knn:8。权") == ["莫兰", "兰指", "指数", "I", "knn", "8", "权"]
    assert language.stem("KNN") == "knn"
    # The page's script brings both names that Sphinx's search calls.
    assert set(re.findall(r"var (\w+) = function", language.js_stemmer_code)) == {"Stemmer", "splitQuery"}
