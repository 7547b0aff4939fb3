"""Search in the Chinese edition: pairs of characters, so that no dictionary of words is needed.

Sphinx's own class for Chinese finds words only where jieba is installed, and its script names a stemmer
that is not there.
"""

from __future__ import annotations

import re

from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish

__all__ = ["PairsOfCharacters"]

_RUNS = re.compile(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+")

_SCRIPT = r"""
var Stemmer = function () { this.stemWord = (word) => word.toLowerCase(); };
var splitQuery = function (query) {
  const found = [];
  for (const run of query.match(/[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])[\p{Letter}\p{Number}_])+/gu) || []) {
    if (!/^[\u4e00-\u9fff]{3,}$/.test(run)) found.push(run);
    else for (let k = 0; k + 1 < run.length; k++) found.push(run.slice(k, k + 2));
  }
  return found;
};
"""


class PairsOfCharacters(SearchLanguage):
    """Chinese text as its pairs of characters, Latin words whole; the script splits questions alike."""

    lang = "zh"
    language_name = "Chinese"
    stopwords = SearchEnglish.stopwords
    js_stemmer_code = _SCRIPT

    def split(self, input: str) -> list[str]:
        """Return the pairs and words of a text.

        Examples
        --------
        >>> PairsOfCharacters({}).split("空间权重 W, knn")
        ['空间', '间权', '权重', 'W', 'knn']
        """
        found: list[str] = []
        for run in _RUNS.findall(input):
            pairs = "\u4e00" <= run[0] <= "\u9fff" and len(run) > 2
            found += [run[k : k + 2] for k in range(len(run) - 1)] if pairs else [run]
        return found

    def stem(self, word: str) -> str:
        """Return the word in small letters."""
        return word.lower()
