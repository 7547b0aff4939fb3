"""The search of the Chinese pages: what is indexed is what is asked for."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "make"))
from character_pairs import SCRIPT, words_of


def test_chinese_is_indexed_by_pairs_and_latin_words_whole() -> None:
    assert words_of("莫兰指数 I, knn:8。权") == ["莫兰", "兰指", "指数", "I", "knn", "8", "权"]
    # The page's script brings both names that Sphinx's search calls.
    assert set(re.findall(r"var (\w+) = function", SCRIPT)) == {"Stemmer", "splitQuery"}
