"""What a journal asks of its tables: stars, what stands in parentheses, the language, the word for note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from spatial.errors import DataError, did_you_mean
from spatial.words import check_language

from .brackets import Show
from .formats.numbers import check_thresholds

__all__ = ["STYLES", "Shown", "Style", "StyleName", "check_style", "shown_as"]

StyleName = Literal["aer", "ersa", "jjyj"]


@dataclass(frozen=True)
class Style:
    """The rules of a journal; `note` is its word before the notes, empty for ours."""

    stars: tuple[float, ...] = (0.1, 0.05, 0.01)
    show: Show = "t"
    lang: str | None = None
    note: str = ""


# The American Economic Review prints standard errors and no asterisks (its guidelines for accepted articles);
# journals of the European Regional Science Association print standard errors and stars at 10, 5 and 1 %;
# Economic Research Journal is in Chinese, with robust standard errors in brackets and stars at 1, 5, 10 %.
STYLES: Mapping[str, Style] = {
    "aer": Style(stars=(), show="se", lang="en", note="Notes: {text}"),
    "ersa": Style(show="se", lang="en"),
    "jjyj": Style(show="se", lang="zh"),
}


@dataclass(frozen=True)
class Shown:
    """What a table was asked for, with the rules of its style where it was not."""

    stars: tuple[float, ...]
    show: Show
    lang: str
    note: str


def check_style(style: StyleName | None) -> Style:
    """Return the rules of a journal; ours without one.

    Examples
    --------
    >>> check_style("aer").stars, check_style(None).show
    ((), 't')
    """
    if style is None:
        return Style()
    if style not in STYLES:
        names = get_args(StyleName)
        raise DataError(
            f"style is one of {', '.join(names)}; got {style!r}.{did_you_mean(str(style), names)}"
        )
    return STYLES[style]


def shown_as(
    style: StyleName | None,
    *,
    stars: Iterable[float] | None = None,
    show: Show | None = None,
    lang: str | None = None,
) -> Shown:
    """Return stars, brackets and language: those that were asked for, else those of the style."""
    rules = check_style(style)
    if show is not None and show not in get_args(Show):
        names = get_args(Show)
        raise DataError(f"show is one of {', '.join(names)}; got {show!r}.{did_you_mean(show, names)}")
    language = check_language(rules.lang if lang is None else lang)
    levels = rules.stars if stars is None else check_thresholds(stars)
    return Shown(
        check_thresholds(levels), show or rules.show, language, rules.note if language == "en" else ""
    )
