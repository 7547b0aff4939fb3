"""Languages: which there are, which is in force, and how a text is said in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from spatial.errors import DataError

__all__ = ["Language", "Said", "check_language", "in_force", "listed", "put_in_force", "said", "tell"]

Language = Literal["en", "zh"]
_in_force: Language = "en"


def in_force() -> Language:
    """Return the language of what is said where no `lang` is given: see `spatial.language`."""
    return _in_force


def put_in_force(lang: Language) -> Language:
    """Choose the language for the whole process, and return the one before."""
    global _in_force
    before, _in_force = _in_force, lang
    return before


def tell(english: str, chinese: str) -> str:
    """Return the text in the language in force.

    Examples
    --------
    >>> tell("5 units", "5 个个体")
    '5 units'
    """
    return chinese if in_force() == "zh" else english


def check_language(lang: str | None) -> Language:
    """Return `lang`, the language in force for None, or refuse one that has no words here.

    Examples
    --------
    >>> check_language("zh")
    'zh'
    """
    if lang is None:
        return _in_force
    if lang == "en":
        return "en"
    if lang == "zh":
        return "zh"
    meant = " Chinese is 'zh'." if str(lang).lower().startswith(("zh", "cn", "chin")) else ""
    raise DataError(f"lang must be 'en' or 'zh'; got {lang!r}.{meant}")


def said(words: Mapping[str, tuple[str, str]], key: str, lang: str | None = None, **values: Any) -> str:
    """Return the words for `key`, a pair (English, Chinese), with `values` filled in.

    Examples
    --------
    >>> said({"lag": ("Spatial lag of {name}", "{name}的空间滞后")}, "lag", "zh", name="GDP")
    'GDP的空间滞后'
    """
    return words[key][check_language(lang) == "zh"].format(**values)


class Said(str):
    """An English text that knows how it is said in Chinese, and of what.

    Parameters
    ----------
    pair : (str, str)
        English and Chinese, with the names of values in braces.
    **values
        What is filled in: texts, or texts of this kind.

    Examples
    --------
    >>> note = Said(("{term} by {by}", "{by}各组的{term}"), term="x", by="region")
    >>> note, note.again("zh", {"x": "集聚"}.get)
    ('x by region', 'region各组的集聚')
    """

    pair: tuple[str, str]
    values: Mapping[str, str]

    def __new__(cls, pair: tuple[str, str], **values: str) -> Said:
        """Say it in English."""
        self = super().__new__(cls, pair[0].format(**values))
        self.pair, self.values = pair, values
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[tuple[str, str]], dict[str, str]]:
        """Be copied and pickled whole."""
        return (self.pair,), dict(self.values)

    def again(self, lang: str | None = None, named: Callable[[str], str | None] = str) -> str:
        """Say it, by default in the language in force; `named` gives what readers call a name, or None."""
        shown = {key: _again(value, lang, named) for key, value in self.values.items()}
        return self.pair[check_language(lang) == "zh"].format(**shown)


def _again(value: str, lang: str | None, named: Callable[[str], str | None]) -> str:
    return value.again(lang, named) if isinstance(value, Said) else named(value) or value


def listed(parts: Iterable[str], between: tuple[str, str] = (", ", "、")) -> Said:
    """Return several texts as one, with what stands between them in each language.

    Examples
    --------
    >>> listed(["a", "b"]).again("zh")
    'a、b'
    """
    named = {f"p{k}": part for k, part in enumerate(parts)}
    english, chinese = (sign.join(f"{{{key}}}" for key in named) for sign in between)
    return Said((english, chinese), **named)
