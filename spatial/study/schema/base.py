"""What all sections of a study file share: closed keys, safe names of outputs, the names that they use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = [
    "Column",
    "Columns",
    "Condition",
    "Cov",
    "Effect",
    "Effects",
    "Expression",
    "FileName",
    "FirstWeights",
    "FitName",
    "Formula",
    "InnerFolder",
    "Language",
    "Level",
    "Location",
    "MapColumn",
    "MatchName",
    "Names",
    "PolicyName",
    "Section",
    "Term",
    "Time",
    "TimeName",
    "Titled",
    "Use",
    "WeightsName",
]

Time = int | str
Language = Literal["en", "zh"]
Effect = Literal["sent", "received", "direct"]
Location = tuple[str | int, ...]

_FORBIDDEN = set('/\\:*?"<>|')


# ---- names that must mean something
@dataclass(frozen=True)
class Names:
    """Says of a key what its text names, as ``Names("column")``.

    Parameters
    ----------
    what : str
        The kind of name; `spatial.study.checks.uses` checks one kind by one function.
    even_none : bool
        Whether a key that is left out stands for a name too, as weights for the first ones.
    """

    what: str
    even_none: bool = False


@dataclass(frozen=True)
class Use:
    """One name that a section uses, and its place in the file."""

    what: str
    name: Any
    location: Location
    section: Section


Column = Annotated[str, Names("column")]
MapColumn = Annotated[str, Names("column of the map")]
TimeName = Annotated[int | str, Names("time")]
WeightsName = Annotated[str, Names("weights")]
FirstWeights = Annotated[str | None, Names("weights", even_none=True)]
FitName = Annotated[str, Names("fit")]
PolicyName = Annotated[str, Names("policy")]
Formula = Annotated[str, Names("formula")]
Expression = Annotated[str, Names("expression")]
Condition = Annotated[str, Names("condition")]
Term = Annotated[str, Names("term")]
Cov = Annotated[str, Names("covariance")]
Effects = list[Annotated[str, Names("effect")]]


def _used(section: Section, annotation: Any, value: Any, location: Location) -> Iterator[Use]:
    """Yield the names in a value, as its annotation says what they are."""
    if isinstance(value, Section):
        for use in value.uses():
            yield Use(use.what, use.name, (*location, *use.location), use.section)
        return
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        found = [mark for mark in marks if isinstance(mark, Names)]
        if found:
            if value is not None or found[0].even_none:
                yield Use(found[0].what, value, location, section)
            return
        yield from _used(section, inner, value, location)
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            if member is not NoneType and _fits(member, value):
                yield from _used(section, member, value, location)
                return
    elif isinstance(value, list):
        inner = (get_args(annotation) or (Any,))[0]
        for k, item in enumerate(value):
            yield from _used(section, inner, item, (*location, k))
    elif isinstance(value, dict):
        key_kind, inner = get_args(annotation) or (Any, Any)
        for key, item in value.items():
            yield from _used(section, key_kind, key, (*location, key))
            yield from _used(section, inner, item, (*location, key))


def _fits(annotation: Any, value: Any) -> bool:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType):
        return any(_fits(member, value) for member in get_args(annotation))
    return kind is Literal or not isinstance(kind, type) or isinstance(value, kind)


class Section(BaseModel):
    """Closed and unchanging: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    def uses(self) -> Iterator[Use]:
        """Yield each name that the section uses of another, with its place below the section."""
        for key, field in type(self).model_fields.items():
            annotation: Any = field.annotation
            for mark in field.metadata:
                annotation = Annotated[annotation, mark]
            yield from _used(self, annotation, getattr(self, key), (key,))

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Yield what is wrong between the keys of the section, with its place below the section."""
        yield from ()


# ---- safe names
def _file_name(text: str) -> str:
    if _FORBIDDEN & set(text) or not text.isprintable():
        raise ValueError(
            'a name of an output is that of a file inside the output folder: without / \\ : * ? " < > |'
        )
    if not text.strip() or text != text.strip() or text.startswith(".") or text.endswith("."):
        raise ValueError("a name of an output has no blank and no dot at its ends")
    if re.fullmatch(r"(?i)con|prn|aux|nul|(com|lpt)\d", text):
        raise ValueError("Windows keeps this name for itself")
    return text


def _match(text: str) -> str:
    from spatial.models.policy.matching import read_match

    read_match(text)
    return text


def _inside(text: str) -> str:
    """A folder below that of the study file; what leads out of it is refused."""
    parts = re.split(r"[/\\]", text)
    if text.startswith("~") or re.match(r"[A-Za-z]:", text) or not all(p and p != ".." for p in parts):
        raise ValueError(
            "the output folder is below that of the study file, as 'out' or 'out/paper': neither absolute "
            "nor with '..'; --out writes elsewhere"
        )
    return text


FileName = Annotated[str, AfterValidator(_file_name)]
MatchName = Annotated[str, AfterValidator(_match)]
InnerFolder = Annotated[str, AfterValidator(_inside)]
Columns = Annotated[list[Column], Field(min_length=1)]
Level = Annotated[float, Field(gt=0, lt=1)]


class Titled(Section):
    """A table or a figure: its name, which is that of its file, and what stands above it."""

    name: FileName
    title: str | None = None
    """What stands above; default en or zh, whichever is the language of the study."""
    en: FileName | None = None
    """Title and file name in English; of a section with zh alone both are the name."""
    zh: FileName | None = None

    def file(self, language: Language) -> str:
        """Return the name of the file, without its suffix."""
        own = self.en if language == "en" else self.zh
        return own or self.name

    def heading(self, language: Language) -> str | None:
        """Return what stands above, if anything does."""
        return self.title or (self.file(language) if self.en or self.zh else None)


def name_faults(fits: list[str], names: list[str] | None) -> Iterator[tuple[Location, str]]:
    """Refuse another number of names than of fits; of starred fits there are as many as there are."""
    if names is not None and len(names) != len(fits) and not any(fit.endswith(".*") for fit in fits):
        yield ("names",), f"{len(fits)} names are needed, one for each fit; got {len(names)}."
