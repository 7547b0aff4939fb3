"""What is wrong with a study file, each with its place: all of it at once."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from spatial.errors import DataError, did_you_mean
from spatial.io.sources import without_password
from spatial.study.schema.base import Section
from spatial.study.schema.outputs import FIGURES, TABLES
from spatial.study.schema.study import CLEANING, Study
from spatial.study.schema.weights import WEIGHTS

__all__ = ["Problem", "StudyError", "place", "public", "read_sections", "unknown"]

Location = tuple[str | int, ...]

# Sections that are of one of several kinds, and the key that says which.
_KINDS: dict[str, tuple[str, dict[str, type[Section]]]] = {
    "cleaning": ("do", CLEANING),
    "figures": ("kind", FIGURES),
    "tables": ("kind", TABLES),
    "weights": ("kind", WEIGHTS),
}
# The kind where the key is left out.
_DEFAULT_KIND = {"weights": "spec"}


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

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{name}: {count} problem{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *(f"  {p}" for p in self.problems)]))


def unknown(where: str, what: str, name: str, known: Iterable[str]) -> Problem:
    """Say that a name means nothing, and which ones do."""
    shown = ", ".join(map(repr, known)) or "none"
    return Problem(where, f"there are no {what} {name!r}.{did_you_mean(name, known)} There are: {shown}.")


def place(location: Iterable[str | int]) -> str:
    """Write a place as in the file.

    Examples
    --------
    >>> place(["systems", 0, "formulas", 1])
    'systems[0].formulas[1]'
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_sections(content: dict[str, Any]) -> tuple[Study | None, list[Problem]]:
    """Validate the content of a study file.

    Returns
    -------
    study, problems
        With problems, the study is what is left without the wrong keys, so that the rest can be checked
        too; None where nothing sensible is left.
    """
    problems: list[Problem] = []
    rest = copy.deepcopy(content)
    for attempt in range(3):
        try:
            return Study.model_validate(rest), problems
        except ValidationError as error:
            found = error.errors(include_url=False)
            if attempt == 0:
                problems = [_problem(item, content) for item in found]
            if not all(_remove(rest, _plain(item["loc"])) for item in found):
                return None, problems
    return None, problems


def _plain(location: Location) -> Location:
    """Leave out what pydantic adds to name a kind or a member of a union."""
    out: list[str | int] = []
    for position, part in enumerate(location):
        after_item = position == 2 and location[0] in _KINDS
        if after_item and part in _KINDS[str(location[0])][1]:
            continue
        if isinstance(part, str) and ("[" in part or (position > 1 and part in ("str", "int", "float"))):
            continue
        out.append(part)
    return tuple(out)


def _remove(content: Any, location: Location) -> bool:
    """Take a wrong key out; True if it was there.  Items of lists stay: places must not move."""
    *path, last = location
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return False
    if isinstance(content, dict) and last in content:
        del content[last]
        return True
    return isinstance(content, dict) or isinstance(last, int)


def _problem(item: Any, content: dict[str, Any]) -> Problem:
    location = _plain(item["loc"])
    kind, given = item["type"], public(item.get("input"))
    return Problem(place(location), _message(kind, given, item, location, content))


def _message(kind: str, given: Any, item: Any, location: Location, content: dict[str, Any]) -> str:
    context = item.get("ctx", {})
    match kind:
        case "extra_forbidden":
            allowed = _keys_at(location[:-1], content)
            return f"there is no such key.{did_you_mean(location[-1], allowed)} Keys: {', '.join(allowed)}."
        case "missing":
            return "this key is needed."
        case "literal_error":
            expected = context.get("expected", "")
            allowed = [part.strip("' ") for part in expected.replace(" or ", ", ").split(",")]
            return f"got {given!r}, expected {expected}.{did_you_mean(given, allowed)}"
        case "union_tag_invalid" | "union_tag_not_found":
            key, kinds = _KINDS[str(location[0])]
            shown = ", ".join(kinds)
            if kind == "union_tag_not_found":
                return f"the key {key!r} is needed: one of {shown}."
            tag = public(context.get("tag", ""))
            return f"{key} = {tag!r} is none of {shown}.{did_you_mean(tag, kinds)}"
        case "value_error":
            return f"got {_short(given)}: {context['error']}."
        case "too_short":
            return f"at least {context['min_length']} item(s) are needed; got {_short(given)}."
    text = str(item["msg"])
    return f"{text[:1].lower()}{text[1:]}; got {_short(given)}."


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


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys_at(location: Location, content: dict[str, Any]) -> list[str]:
    """Return the keys that the section at `location` may have."""
    model: type[BaseModel] | None = Study
    value: Any = content
    for part in location:
        value = value[part]
        if isinstance(part, int):
            continue
        if model is not None and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation)
        if location[0] in _KINDS and len(location) > 1:
            key, kinds = _KINDS[str(location[0])]
            model = kinds.get(
                content[location[0]][location[1]].get(key, _DEFAULT_KIND.get(str(location[0]), ""))
            )
    return sorted(model.model_fields) if model is not None else []


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside ``list[Model]``, ``dict[str, Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_of(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def named_twice(names: Sequence[str]) -> list[int]:
    """Return the places of names that stand before, but for case."""
    lowered = [name.casefold() for name in names]
    return [k for k, name in enumerate(lowered) if name in lowered[:k]]
