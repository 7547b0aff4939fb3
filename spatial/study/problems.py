"""What is wrong with a study file, each with its place as in the file: all of it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spatial.errors import DataError, did_you_mean
from spatial.io.sources import without_password
from spatial.languages.messages import in_language
from spatial.study.schema.base import Location

__all__ = ["Fault", "Problem", "StudyError", "named_twice", "place", "problem", "public", "unknown"]


@dataclass(frozen=True)
class Fault:
    """One thing to mend, with its place in the content as lists of parts."""

    location: Location
    message: str


@dataclass(frozen=True)
class Problem:
    """One thing to mend: where it stands in the file, and what is wrong."""

    place: str
    message: str

    def __str__(self) -> str:
        """Put the place first."""
        return f"{self.place}: {self.message}" if self.place else self.message


class StudyError(DataError):
    """A study file that cannot be run; `problems` lists all that is wrong."""

    def __init__(self, name: str, problems: Iterable[Problem], lang: str = "en") -> None:
        self.problems = tuple(Problem(p.place, in_language(p.message, lang)) for p in problems)
        count = len(self.problems)
        head = in_language(f"{name}: {count} problem{'s' if count > 1 else ''}", lang)
        super().__init__("\n".join([head, *(f"  {p}" for p in self.problems)]))


def unknown(location: Location, what: str, name: str, known: Iterable[str]) -> Fault:
    """Say that a name means nothing, and which ones do."""
    names = list(known)
    shown = ", ".join(map(repr, names)) or "none"
    text = f"there are no {what} {name!r}.{did_you_mean(name, names)} There are: {shown}."
    return Fault(location, text)


def place(location: Iterable[str | int]) -> str:
    """Write a place as in the file.

    Examples
    --------
    >>> place(["systems", 0, "formulas", 1])
    'systems[0].formulas[1]'
    >>> place(["tables", "表3 基准回归", "fits", 0])
    'tables."表3 基准回归".fits[0]'
    """
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = (
                part
                if re.fullmatch(r"[\w-]+", part) and part.isascii()
                else json.dumps(part, ensure_ascii=False)
            )
            text += f".{key}" if text else key
    return text


def problem(fault: Fault, content: Mapping[str, Any]) -> Problem:
    """Return a fault with its place as in the file, where parts may be called by name."""
    out: list[str | int] = []
    value: Any = content
    for part in fault.location:
        if isinstance(part, int) and isinstance(value, dict) and part < len(value):
            part = list(value)[part]
        out.append(part)
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    return Problem(place(out), fault.message)


def public(content: Any) -> Any:
    """Return the content of a study with *** for the passwords of addresses.

    Examples
    --------
    >>> public({"file": "postgresql://anna:secret@host/db", "classes": [1, 2]})
    {'file': 'postgresql://anna:***@host/db', 'classes': [1, 2]}
    """
    if isinstance(content, dict):
        return {key: public(value) for key, value in content.items()}
    if isinstance(content, list):
        return [public(value) for value in content]
    return without_password(content) if isinstance(content, str) and "://" in content else content


def named_twice(names: Sequence[str]) -> list[int]:
    """Return the places of names that stand before, but for case."""
    lowered = [name.casefold() for name in names]
    return [k for k, name in enumerate(lowered) if name in lowered[:k]]
