"""What a section does, as a value: calls of public functions, run, or written as Python.

One value serves both, so that the script of a study does what the study does.  Texts of a study are only ever
arguments here: nothing of a file is run as code.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean, name_ids

__all__ = ["Call", "Get", "Item", "Ref", "call", "evaluate", "method", "public", "refs", "time_of", "written"]

_WIDTH = 100


@dataclass(frozen=True)
class Ref:
    """A value that another line makes: its kind and its name, as ``Ref("weights", "W")``."""

    kind: str
    name: Any = ""


@dataclass(frozen=True)
class Get:
    """An attribute of a value."""

    owner: Any
    attribute: str


@dataclass(frozen=True)
class Item:
    """An item of a value."""

    owner: Any
    key: Any


@dataclass(frozen=True)
class Call:
    """A public function of the package, by name, or a method of a value, with its arguments."""

    function: str | Get
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


def call(function: str, /, *arguments: Any, **options: Any) -> Call:
    """Return a call of ``sp.FUNCTION``, as ``call("models.fixed_effects", "y ~ x", Ref("panel"))``."""
    return Call(function, arguments, tuple(options.items()))


def method(owner: Any, name: str, /, *arguments: Any, **options: Any) -> Call:
    """Return a call of a method."""
    return Call(Get(owner, name), arguments, tuple(options.items()))


def public(name: str) -> Any:
    """Return a public function by its name, or, as ``pd.DataFrame``, one of pandas.

    Examples
    --------
    >>> public("models.fixed_effects").__name__
    'fixed_effects'
    """
    if name.startswith("pd."):
        return getattr(pd, name.removeprefix("pd."))
    found: Any = importlib.import_module("spatial")
    for part in name.split("."):
        found = getattr(found, part)
    return found


def evaluate(part: Any, look: Callable[[Ref], Any]) -> Any:
    """Return the value of a call; `look` gives the values of others.

    Examples
    --------
    >>> evaluate([Ref("x"), 2], lambda ref: ref.kind)
    ['x', 2]
    """
    match part:
        case Ref():
            return look(part)
        case Get(owner=owner, attribute=attribute):
            return getattr(evaluate(owner, look), attribute)
        case Item(owner=owner, key=key):
            return evaluate(owner, look)[evaluate(key, look)]
        case Call(function=function, arguments=arguments, options=options):
            run = public(function) if isinstance(function, str) else evaluate(function, look)
            given = [evaluate(one, look) for one in arguments]
            return run(*given, **{name: evaluate(one, look) for name, one in options})
        case slice(start=start, stop=stop):
            return slice(evaluate(start, look), evaluate(stop, look))
        case list() | tuple():
            return type(part)(evaluate(one, look) for one in part)
        case dict():
            return {key: evaluate(one, look) for key, one in part.items()}
    return part


def refs(part: Any) -> set[Ref]:
    """Return the values of other lines that a call needs."""
    match part:
        case Ref():
            return {part}
        case Get(owner=owner):
            return refs(owner)
        case Item(owner=owner, key=key):
            return refs(owner) | refs(key)
        case Call(function=function, arguments=arguments, options=options):
            inner = [*arguments, *(value for _, value in options)]
            return refs(inner) | (set() if isinstance(function, str) else refs(function))
        case list() | tuple():
            return set().union(*(refs(one) for one in part)) if part else set()
        case dict():
            return refs(list(part.values()))
    return set()


# ---- as Python
def written(part: Any, name: Callable[[Ref], str], indent: int = 0) -> str:
    """Write a call as Python; `name` gives the variable of a value.

    Examples
    --------
    >>> written(method(call("weights.knn", Ref("cities"), 5), "row_standardized"), lambda ref: ref.kind)
    'sp.weights.knn(cities, 5).row_standardized()'
    """
    match part:
        case Ref():
            return name(part)
        case Get(owner=owner, attribute=attribute):
            return f"{written(owner, name, indent)}.{attribute}"
        case Item(owner=owner, key=key):
            return f"{written(owner, name, indent)}[{written(key, name, indent)}]"
        case Call(function=function, arguments=arguments, options=options):
            run = _function(function) if isinstance(function, str) else written(function, name, indent)
            parts = [("", one) for one in arguments] + [(f"{key}=", one) for key, one in options]
            return _wrapped(f"{run}(", ")", parts, name, indent)
        case slice(start=start, stop=stop):
            return f"slice({written(start, name)}, {written(stop, name)})"
        case list():
            return _wrapped("[", "]", [("", one) for one in part], name, indent)
        case tuple():
            return _wrapped("(", ",)" if len(part) == 1 else ")", [("", one) for one in part], name, indent)
        case dict():
            return _wrapped("{", "}", [(f"{_bare(k)}: ", one) for k, one in part.items()], name, indent)
    return _bare(part)


def _wrapped(
    start: str, end: str, parts: Iterable[tuple[str, Any]], name: Callable[[Ref], str], indent: int
) -> str:
    """Write on one line, or, where that is too long, one part a line."""
    given = list(parts)
    line = start + ", ".join(f"{key}{written(one, name, indent)}" for key, one in given) + end
    if "\n" not in line and len(line) + indent <= _WIDTH:
        return line
    inner = indent + 4
    body = [f"{' ' * inner}{key}{written(one, name, inner)}," for key, one in given]
    return "\n".join([start, *body, " " * indent + end.lstrip(",")])


def _function(name: str) -> str:
    return name if name.startswith("pd.") else f"sp.{name}"


def _bare(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def time_of(panel: Any, given: Any) -> Any:
    """Return the time of the panel that `given` names: 1987, or "1987-01"."""
    for time in panel.times.tolist():
        if time == given or str(time) == str(given) or str(time).startswith(f"{given} "):
            return time
    times = [str(t) for t in panel.times]
    raise DataError(f"The panel has no time {given!r}.{did_you_mean(given, times)} It has {name_ids(times)}.")
