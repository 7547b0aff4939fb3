"""Search in the Chinese edition, by pairs of characters.

Sphinx's own class for Chinese finds words only where jieba is installed, and its script names a stemmer
that is not there.
"""

from __future__ import annotations

from character_pairs import SCRIPT, words_of
from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish

__all__ = ["PairsOfCharacters"]


class PairsOfCharacters(SearchLanguage):
    """Chinese text as its pairs of characters, Latin words whole; the script splits questions alike."""

    lang = "zh"
    language_name = "Chinese"
    stopwords = SearchEnglish.stopwords
    js_stemmer_code = SCRIPT

    def split(self, input: str) -> list[str]:
        """Return the pairs and words of a text."""
        return words_of(input)

    def stem(self, word: str) -> str:
        """Return the word in small letters."""
        return word.lower()
