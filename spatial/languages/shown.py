"""What results hold as text, and their frames, in the language in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from spatial.words import Said, in_force, tell

from .heads import CHINESE
from .messages import in_language
from .names import name_in_chinese, named_in_chinese
from .widths import padded, width

__all__ = [
    "Digits",
    "digits",
    "frame_text",
    "head",
    "in_words",
    "joined",
    "padded",
    "remarks",
    "shown",
    "width",
]

Digits = Callable[[float], str]


def shown(text: object) -> str:
    """Return what a result holds as text in the language in force; what is not known stays as it is.

    Examples
    --------
    >>> from spatial.languages import language
    >>> with language("zh"):
    ...     shown("clustered by unit"), shown("Intercept"), shown("gdp")
    ('按个体聚类', '常数项', 'gdp')
    """
    said = str(text) if not isinstance(text, Said) else text
    if in_force() == "en":
        return str(said)
    if isinstance(said, Said):
        return said.again("zh", lambda name: name_in_chinese(name, {}))
    message = in_language(said, "zh") if " " in said and not said.startswith("errors: ") else said
    if message != said:
        return message
    if "; " in said:  # each of several details is one of its own
        return "；".join(shown(part) for part in said.split("; "))
    if said.startswith("errors: "):
        return f"标准误：{shown(said[8:])}"
    name = name_in_chinese(said, {})
    return name if name != said else named_in_chinese(said)


def joined(parts: Any, none: bool = True) -> str:
    """Write several names with a plus between, or that there are none.

    Examples
    --------
    >>> joined(["unit", "time"]), joined([])
    ('unit + time', 'none')
    """
    text = " + ".join(shown(part) for part in parts)
    return text or (tell("none", "无") if none else "")


def remarks(notes: Any) -> list[str]:
    """Write a line for each note.

    Examples
    --------
    >>> remarks(["few clusters"])
    ['Note: few clusters.']
    """
    return [tell(f"Note: {shown(note)}.", f"注：{shown(note).rstrip('。')}。") for note in notes]


def head(name: object) -> str:
    """Return the head of a column in the language in force: names of code, as `std_error`, in words.

    Examples
    --------
    >>> head("std_error")
    'std_error'
    """
    return str(name) if in_force() == "en" else CHINESE.get(str(name)) or shown(name)


def digits(count: int, kind: str = "f") -> Digits:
    """Return how numbers are written: with so many digits.

    Examples
    --------
    >>> digits(4, "g")(0.123456)
    '0.1235'
    """
    return lambda value: f"{value:.{count}{kind}}"


def frame_text(frame: pd.DataFrame, numbers: Digits | str | None = None, *, index: bool = False) -> str:
    """Write a frame with a line a row; in Chinese with its heads and names, each character two wide.

    Examples
    --------
    >>> frame = pd.DataFrame({"term": ["Intercept", "x"], "estimate": [1.0, 22.5]})
    >>> print(frame_text(frame, digits(1)))
         term  estimate
    Intercept       1.0
            x      22.5
    >>> from spatial.languages import language
    >>> with language("zh"):
    ...     print(frame_text(frame, digits(1)))
      变量  估计
    常数项   1.0
         x  22.5
    """
    if in_force() == "en":
        return str(frame.to_string(index=index, float_format=numbers))
    with pd.option_context("display.unicode.east_asian_width", True):
        return str(_chinese(frame, index).to_string(index=index, float_format=numbers))


def in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with heads and names in the language in force, and the same numbers.

    Examples
    --------
    >>> in_words(pd.DataFrame({"std_error": [1.5]})).columns[0]
    'std_error'
    """
    return frame if in_force() == "en" else _chinese(frame, False)


def _chinese(frame: pd.DataFrame, index: bool) -> pd.DataFrame:
    """Return a frame with Chinese heads and names, and the same numbers."""
    out = frame.copy()
    for k, kind in enumerate(frame.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)):
            out.isetitem(k, [_cell(value) for value in frame.iloc[:, k]])
    out.columns = _heads(frame.columns)
    if index:
        out.index = _heads(frame.index)
    return out


def _heads(names: pd.Index[Any]) -> pd.Index[Any]:
    if isinstance(names, pd.MultiIndex):
        return pd.MultiIndex.from_tuples(
            [tuple(_head(part) for part in parts) for parts in names],
            names=[name if name is None else head(name) for name in names.names],
        )
    name = names.name if names.name is None else head(names.name)
    return pd.Index([_head(part) for part in names], name=name, dtype=object)


def _head(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    return CHINESE[part] if part in CHINESE else shown(part)


def _cell(value: Any) -> Any:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "是" if value else "否"
    return shown(value) if isinstance(value, str) else value
