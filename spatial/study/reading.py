"""A study file, read and checked: TOML into sections, each fault in words of our own, with its place."""

from __future__ import annotations

import copy
import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from spatial.errors import DataError, did_you_mean
from spatial.words import in_force

from .data import file_of
from .problems import Fault, Problem, StudyError, place, public
from .schema.base import Location, Section
from .schema.data import CLEANING
from .schema.figures import FIGURES
from .schema.measures import MEASURES
from .schema.questions import SENSITIVITY, TESTS
from .schema.study import Study, as_lists
from .schema.tables import TABLES
from .schema.weights import WEIGHTS

__all__ = ["Read", "language_of", "read_content", "read_sections", "with_printed"]

# Sections that are of one of several kinds, and the key that says which.
_KINDS: dict[str, tuple[str, Mapping[str, type[Section]]]] = {
    "cleaning": ("do", CLEANING),
    "figures": ("kind", FIGURES),
    "measures": ("kind", MEASURES),
    "sensitivity": ("kind", SENSITIVITY),
    "tables": ("kind", TABLES),
    "tests": ("kind", TESTS),
    "weights": ("kind", WEIGHTS),
}
# The kind where the key is left out.
_DEFAULT_KIND = {"weights": "spec"}

_DEEPEST = 20
_DEEP = "its tables or lists are nested too deeply; no key of a study needs more than a few levels."


def read_content(file: Path) -> dict[str, Any]:
    """Return the content of a study file."""
    text = ""
    try:
        # Notepad begins its files with a mark that TOML does not know.
        text = file.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
        if _depth(content) <= _DEEPEST:
            return content
        message = _DEEP
    except FileNotFoundError:
        raise DataError(f"There is no study file {str(file)!r}; `spatial new` writes one.") from None
    except OSError as error:
        raise DataError(f"Cannot read {str(file)!r}: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        message = "a study file is UTF-8: save it as UTF-8 in your editor."
    except RecursionError:
        message = _DEEP
    except ValueError as error:  # of TOML, or a whole number too long to be one
        message = f"this is not TOML: {error}.{_quotes(text, error)}"
    raise StudyError(file.name, [Problem("", message)])


def _depth(content: Any) -> int:
    """Return how many tables and lists stand in each other, without recursion."""
    deepest, left = 0, [(content, 1)]
    while left:
        part, level = left.pop()
        if isinstance(part, (dict, list)):
            deepest = max(deepest, level)
            left += [(inner, level + 1) for inner in (part.values() if isinstance(part, dict) else part)]
    return deepest


def _quotes(text: str, error: Exception) -> str:
    """Say that keys in Chinese go in quotes, where that may be the fault."""
    found = re.search(r"line (\d+)", str(error))
    lines = text.splitlines()
    if found is None or int(found[1]) > len(lines) or lines[int(found[1]) - 1].isascii():
        return ""
    return ' Keys of other letters than a-z go in quotes, as in [variables."人均GDP"].'


@dataclass(frozen=True)
class Read:
    """A study file as far as it can be read: without faults, whole.

    Parameters
    ----------
    study : Study or None
        What is left without wrong keys and parts of no known kind; None where nothing sensible is left.
    faults : list of Fault
    kept : dict of str to list of int
        The places in the file of the parts of a section that are left.
    """

    study: Study | None
    faults: list[Fault]
    kept: dict[str, list[int]]

    def in_file(self, fault: Fault) -> Fault:
        """Return a fault of the study with its place in the file."""
        section, *rest = fault.location or ("",)
        if section in self.kept and rest and isinstance(rest[0], int):
            rest[0] = self.kept[str(section)][rest[0]]
        return Fault((section, *rest), fault.message)


def with_printed(study: Study, folder: Path) -> tuple[Study, list[Fault]]:
    """Return a study with the rows of its printed tables that are files, and what is wrong with these."""
    faults, found = list[Fault](), dict(study.printed)
    for name, part in study.printed.items():
        if part.file is None:
            continue
        place = ("printed", name, "file")
        path = file_of(part.file, folder)
        if part.rows:
            faults.append(Fault(place, "file = and rows = are two ways to give one table: choose one."))
        elif not path.is_file():
            faults.append(Fault(place, f"there is no file {part.file!r} in the study's folder."))
        else:
            try:
                columns, *rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines())
            except ValueError as error:  # of its encoding, or of a file without a line
                faults.append(Fault(place, f"cannot read {part.file!r} as CSV in UTF-8: {error}."))
                continue
            table = part.model_copy(update={"columns": columns, "rows": [row for row in rows if row]})
            faults += [Fault(place, f"row {int(at[1]) + 1}: {said}") for at, said in table.faults()]
            found[name] = table
    return study.model_copy(update={"printed": found}), faults


def language_of(path: Path) -> str:
    """Return the language of a study, that in force where the file cannot be read."""
    try:
        return "zh" if read_content(path).get("language") == "zh" else "en"
    except DataError:
        return in_force()


def read_sections(content: Mapping[str, Any]) -> Read:
    """Validate the content of a study file, and say all that is wrong with it."""
    faults: list[Fault] = []
    given = as_lists(content)
    rest = copy.deepcopy(given)
    kept = {key: list(range(len(parts))) for key, parts in rest.items() if isinstance(parts, list)}
    for attempt in range(4):
        try:
            return Read(Study.model_validate(rest), faults, kept)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if attempt == 0:
                faults = _faults(found, given)
            # The last first, so that those before keep their places.
            for location in sorted({_plain(item["loc"]) for item in found}, key=_order, reverse=True):
                if not _remove(rest, location, kept):
                    return Read(None, faults, kept)
    return Read(None, faults, kept)


def _order(location: Location) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in location]


def _plain(location: Location) -> Location:
    """Leave out what pydantic adds to name a kind or a member of a union."""
    out: list[str | int] = []
    for position, part in enumerate(location):
        after_item = position == 2 and location[0] in _KINDS
        if after_item and part in _KINDS[str(location[0])][1]:
            continue
        if isinstance(part, str) and position > 1 and re.fullmatch(r"str|int|float|bool|.+\[.*\]", part):
            continue
        out.append(part)
    return tuple(out)


def _remove(content: Any, location: Location, kept: dict[str, list[int]]) -> bool:
    """Take a wrong key, or a part of no known kind, out; True if it was there."""
    *path, last = location
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return False
    if isinstance(content, dict) and last in content:
        del content[last]
        return True
    if isinstance(last, int) and len(location) == 2 and isinstance(content, list):
        del content[last]
        del kept[str(location[0])][last]
        return True
    return isinstance(content, dict) or isinstance(last, int)


# ---- in words
def _faults(found: list[Any], content: Mapping[str, Any]) -> list[Fault]:
    """Return one fault a place: what one of several kinds of values would need is said together."""
    out: dict[Location, Any] = {}
    needed: dict[Location, list[str]] = {}
    for item in found:
        location = _plain(item["loc"])
        kind = _needed(item)
        if kind is None:
            out.setdefault(location, Fault(location, _message(item, location, content)))
        else:
            needed.setdefault(location, [])
            needed[location] += [kind] if kind not in needed[location] else []
            given = _short(public(item.get("input")))
            text = f"{' or '.join(needed[location])} is needed; got {given}."
            if not isinstance(out.get(location), Fault) or location in needed:
                out[location] = Fault(location, text)
    return list(out.values())


_VALUES = {
    "string_type": "a text",
    "string_sub_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list, as [...],",
    "dict_type": "a table of keys",
    "mapping_type": "a table of keys",
}


def _needed(item: Any) -> str | None:
    """Return what kind of value is needed, for a value of another kind."""
    kind, context = item["type"], item.get("ctx", {})
    match kind:
        case "greater_than":
            return f"a number above {context['gt']:g}"
        case "greater_than_equal":
            return f"a number of at least {context['ge']:g}"
        case "less_than":
            return f"a number below {context['lt']:g}"
        case "less_than_equal":
            return f"a number of at most {context['le']:g}"
        case "literal_error":
            return f"one of {context.get('expected', '').replace(' or ', ', ')}" if _in_union(item) else None
    return _VALUES.get(kind)


def _in_union(item: Any) -> bool:
    return any(isinstance(part, str) and "[" in part for part in item["loc"])


def _message(item: Any, location: Location, content: Mapping[str, Any]) -> str:
    kind, given, context = item["type"], public(item.get("input")), item.get("ctx", {})
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
                if not isinstance(given, dict):
                    return f"a table of keys is needed; got {_short(given)}."
                return f"the key {key!r} is needed: one of {shown}."
            tag = public(context.get("tag", ""))
            return f"{key} = {tag!r} is none of {shown}.{did_you_mean(tag, kinds)}"
        case "model_type" | "model_attributes_type":
            keys = _needed_keys(_model_at(location, content))
            return f"[{place(location)}] is a table{': ' if keys else ''}{keys}; got {_short(given)}."
        case "value_error":
            return f"got {_short(given)}: {context['error']}."
        case "too_short":
            return f"at least {context['min_length']} item(s) are needed; got {_short(given)}."
        case "too_long":
            return f"at most {context['max_length']} item(s) are allowed; got {_short(given)}."
    return f"this value cannot be used here; got {_short(given)}."


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys_at(location: Location, content: Mapping[str, Any]) -> list[str]:
    """Return the keys that the section at `location` may have."""
    model = _model_at(location, content)
    return sorted(model.model_fields) if model is not None else []


def _needed_keys(model: type[BaseModel] | None) -> str:
    fields = {} if model is None else model.model_fields
    return ", ".join(f"{key} = ..." for key, field in fields.items() if field.is_required())


def _model_at(location: Location, content: Mapping[str, Any]) -> type[BaseModel] | None:
    """Return the section that stands at `location`."""
    model: type[BaseModel] | None = Study
    value: Any = content
    for part in location:
        value = value[part]
        if isinstance(part, int):
            continue
        if model is not None and part in model.model_fields:
            model = _section_of(model.model_fields[str(part)].annotation)
        if location[0] in _KINDS and len(location) > 1:
            key, kinds = _KINDS[str(location[0])]
            inner = content[str(location[0])][location[1]]
            kind = inner.get(key) if isinstance(inner, dict) else None
            model = kinds.get(kind or _DEFAULT_KIND.get(str(location[0]), ""))
    return model


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside ``list[Model]``, ``dict[str, Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_of(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)
