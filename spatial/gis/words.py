"""What layers and projects say, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spatial.words import said

__all__ = ["word"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "links": ("Links of {name}", "{name} 的空间连接"),
    "statistic": ("{statistic} of {name}", "{name}的{statistic}"),
    "local_moran": ("Local Moran’s I", "局部莫兰指数"),
    "project": ("Spatial results", "空间分析结果"),
    "other": ("All times", "全部时间"),
}


def word(key: str, lang: str | None = None, **values: Any) -> str:
    """Return the words for `key`, with `values` filled in.

    Examples
    --------
    >>> word("links", "zh", name="W")
    'W 的空间连接'
    """
    return said(_WORDS, key, lang, **values)
