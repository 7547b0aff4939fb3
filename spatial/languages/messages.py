"""Refusals and warnings in Chinese: a catalogue of what is said, beside how it is said.

Messages are written in English where they are raised.  The catalogue holds each as a line, English and
Chinese, with ``{}`` for what is filled in there and ``{0}``, ``{1}`` for it here; a message is found by its
words and becomes a `Said`, as everything else that is shown in two languages.
"""

from __future__ import annotations

import functools
import re

from spatial.words import Said, listed

__all__ = ["in_language", "message", "templates"]

_HINT = (
    (" Did you mean {meant}?", "是否指 {meant}？"),
    re.compile(r" Did you mean (?P<meant>.*)\?", re.DOTALL),
)
_MORE = (
    ("{ids} and {rest} more ({count} in all)", "{ids} 等 {count} 个"),
    re.compile(r"(?P<ids>.*) and (?P<rest>[\d,]+) more \((?P<count>[\d,]+) in all\)", re.DOTALL),
)
_EITHER = (
    ("{many} or {last}", "{many} 或 {last}"),
    re.compile(r"(?P<many>'.*') or (?P<last>'[^']*')", re.DOTALL),
)
_SENTENCES = re.compile(r"(?<=[.?]) (?=[A-Z])")
_PLACE = ("{place}: {rest}", "{place}：{rest}")
_AT = re.compile(r"(?P<place>[^\s:]+): ")
_PLACES = 4  # how many places, as "weights.W: column x: ...", may stand before a message


def in_language(text: str, lang: str) -> str:
    """Return a message in a language, line by line; what has no Chinese stays English.

    Examples
    --------
    >>> in_language("systems.a: The data have no column 'gpd'. Did you mean 'gdp'?", "zh")
    "systems.a：数据中没有列 'gpd'。是否指 'gdp'？"
    >>> in_language("nobody has said this", "zh")
    'nobody has said this'
    """
    if lang != "zh":
        return text
    whole = message(text)
    if isinstance(whole, Said):
        return whole.again("zh")
    lines = [(line, message(line.strip())) for line in text.split("\n")]
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}{found.again('zh')}" if isinstance(found, Said) else line
        for line, found in lines
    )


def message(text: str) -> str:
    """Return a message as one that knows its Chinese, or as it is.

    Parameters
    ----------
    text : str
        A message, or one after the places where it arose.
    """
    if isinstance(text, Said):
        return text
    place = _AT.match(text)
    if place is not None:  # a place has no blank, and is none of the words
        after = message(text[place.end() :])
        if isinstance(after, Said):
            return Said(_PLACE, place=place["place"], rest=after)
    whole = _whole(text)
    if whole is not None:
        return whole
    parts = text.split(": ", _PLACES)
    for count in range(1, len(parts)):
        rest = _whole(": ".join(parts[count:]))
        if rest is not None:
            return Said(_PLACE, place=": ".join(parts[:count]), rest=rest)
    sentences = [_whole(sentence) for sentence in _SENTENCES.split(text)]
    known = [sentence for sentence in sentences if sentence is not None]
    return listed(known, (" ", "")) if len(known) == len(sentences) > 1 else text


def _whole(text: str) -> Said | None:
    """Return a message without places as one that knows its Chinese; None for others."""
    for longest, parts, english, chinese in _entries():
        if longest not in text or not all(part in text for part in parts):
            continue
        for pattern in _patterns(english):
            if found := pattern.fullmatch(text):
                pair = (_named(english, r"\{\}"), _named(chinese, r"\{(\d+)\}"))
                return Said(pair, **{key: _filled(value) for key, value in found.groupdict().items()})
    return None


def _filled(value: str) -> str:
    """What is filled in may be a suggestion, or a message itself."""
    for pair, pattern in (_HINT, _MORE, _EITHER):
        found = pattern.fullmatch(value)
        if found is not None:
            return Said(pair, **found.groupdict())
    return (_whole(value) or value) if " " in value else value


@functools.cache
def templates() -> dict[str, str]:
    """Return the catalogue: English with ``{}`` to Chinese with ``{0}``, ``{1}``."""
    from importlib.resources import files

    text = files("spatial.languages").joinpath("messages.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:] if line]
    return {row[0]: row[1] for row in rows}


@functools.cache
def _entries() -> list[tuple[str, list[str], str, str]]:
    """Return the longest part of each message, all its parts, its English and Chinese.

    Those with most words of their own come first; the longest part alone tells most messages from a text.
    """
    found = sorted(templates().items(), key=lambda pair: -len(pair[0].replace("{}", "")))
    cut = [(english.split("{}"), english, chinese) for english, chinese in found]
    return [(max(parts, key=len), parts, english, chinese) for parts, english, chinese in cut]


@functools.cache
def _patterns(english: str) -> list[re.Pattern[str]]:
    """Return what a message looks like: what follows a name and a stop is a sentence, or else anything."""
    parts = [re.escape(part) for part in english.split("{}")]
    groups = [f"(?P<v{k}>.*?)" for k in range(len(parts) - 1)]
    strict = [f"(?P<v{k}>(?: .*?)?)" if k and parts[k] == r"\." else group for k, group in enumerate(groups)]
    wanted = [strict, groups] if strict != groups else [groups]
    return [
        re.compile("".join(part + group for part, group in zip(parts, [*each, ""], strict=True)), re.DOTALL)
        for each in wanted
    ]


def _named(text: str, mark: str) -> str:
    """Return a template whose marks are names, and whose other braces are kept."""
    count = iter(range(len(text)))
    kept = re.split(mark, text)
    if "(" not in mark.replace(r"\(", ""):
        parts = [_kept(part) for part in kept]
        return parts[0] + "".join(f"{{v{next(count)}}}{part}" for part in parts[1:])
    return "".join(f"{{v{part}}}" if k % 2 else _kept(part) for k, part in enumerate(kept))


def _kept(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
