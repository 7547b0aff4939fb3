"""Languages: which there are, and how a text is looked up in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from spatial.errors import DataError

__all__ = ["Language", "check_language", "said"]

Language = Literal["en", "zh"]


def check_language(lang: str) -> Language:
    """Return `lang`, or refuse one that has no words here.

    Examples
    --------
    >>> check_language("zh")
    'zh'
    """
    if lang == "en":
        return "en"
    if lang == "zh":
        return "zh"
    raise DataError(f"lang must be 'en' or 'zh'; got {lang!r}.")


def said(words: Mapping[str, tuple[str, str]], key: str, lang: str = "en", **values: Any) -> str:
    """Return the words for `key`, a pair (English, Chinese), with `values` filled in.

    Examples
    --------
    >>> said({"lag": ("Spatial lag of {name}", "{name}的空间滞后")}, "lag", "zh", name="GDP")
    'GDP的空间滞后'
    """
    return words[key][check_language(lang) == "zh"].format(**values)
