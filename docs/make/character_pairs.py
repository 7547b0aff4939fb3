"""Words of a Chinese text for its search: pairs of characters, so that no dictionary is needed."""

from __future__ import annotations

import re

__all__ = ["SCRIPT", "words_of"]

_RUNS = re.compile(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+")

SCRIPT = r"""
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


def words_of(text: str) -> list[str]:
    """Return the pairs of Chinese characters and the other words of a text, as the script splits a question.

    Examples
    --------
    >>> words_of("空间权重 W, knn")
    ['空间', '间权', '权重', 'W', 'knn']
    """
    found: list[str] = []
    for run in _RUNS.findall(text):
        pairs = "\u4e00" <= run[0] <= "\u9fff" and len(run) > 2
        found += [run[k : k + 2] for k in range(len(run) - 1)] if pairs else [run]
    return found
