"""`spatial api`: the public names, read from the code: parameters, types, units, refusals, examples."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from spatial.errors import DataError, did_you_mean

from .completion import public

__all__ = ["ROOMS", "api_command", "describe", "describe_all", "sections_of"]

ROOMS = ("spatial", "spatial.models", "spatial.weights", "spatial.shapefiles")
_UNITS = {  # by the name of the parameter, which says its unit or has only one
    "km": re.compile(r"_km$|^km$|^bands$"),
    "degrees": re.compile(r"^(lon|lat|seat|coordinates)\d?$"),
    "draws": re.compile(r"^(permutations|draws|replications|bootstrap)$"),
}


def api_command(
    name: Annotated[
        str | None,
        typer.Argument(help="A public name, such as moran or weights.knn.", autocompletion=public),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for a program to read.")] = False,
) -> None:
    """List the public functions and classes, or describe one: parameters, units, refusals, examples."""
    found = describe_all() if name is None else [describe(name)]
    if as_json:
        print(json.dumps(found if name is None else found[0], ensure_ascii=False, indent=1))
    elif name is None:
        width = max(len(one["name"]) for one in found)
        for one in found:
            print(f"{one['name']:<{width}}  {one['summary']}")
    else:
        print(f"{found[0]['signature']}\n\n{inspect.getdoc(_object(found[0]['name']))}")


def describe_all() -> list[dict[str, Any]]:
    """Return one entry for each public function and class.

    Examples
    --------
    >>> entry = next(one for one in describe_all() if one["name"] == "spatial.weights.knn")
    >>> entry["kind"], entry["summary"]
    ('function', 'Link each city to its `k` nearest ones.')
    """
    return [describe(name) for name in _public_names()]


def describe(name: str) -> dict[str, Any]:
    """Return what a reader needs to call a function: its parameters, what it refuses, an example.

    Examples
    --------
    >>> entry = describe("weights.distance_band")
    >>> [(p["name"], p["unit"]) for p in entry["parameters"]][:2]
    [('cities', ''), ('km', 'km')]
    """
    full = name if name.startswith("spatial.") else f"spatial.{name}"
    names = list(_public_names())
    if full not in names:
        short = [known.removeprefix("spatial.") for known in names]
        raise DataError(f"There is no public name {name!r}.{did_you_mean(name, short)}")
    found = _object(full)
    doc = sections_of(inspect.getdoc(found) or "")
    entry: dict[str, Any] = {
        "name": full,
        "kind": "class" if inspect.isclass(found) else "function",
        "summary": " ".join(doc[""].split("\n\n")[0].split()),
        "signature": f"{full}{_signature(found)}",
        "parameters": list(_parameters(found, doc.get("Parameters", ""))),
        "returns": doc.get("Returns", ""),
        "refuses": [
            {"error": error.strip(), "when": when}
            for errors, _, when in _entries(doc.get("Raises", ""))
            for error in errors.split(",")
        ],
        "warns": [{"warning": w, "when": when} for w, _, when in _entries(doc.get("Warns", ""))],
        "example": doc.get("Examples", ""),
    }
    if inspect.isclass(found):
        entry["methods"] = list(_methods(found))
    return entry


def sections_of(doc: str) -> dict[str, str]:
    """Split a numpydoc text by its underlined headings; what stands before them is under ``""``.

    Examples
    --------
    >>> sections_of("Do.\\n\\nRaises\\n------\\nDataError\\n    For NaN.")
    {'': 'Do.', 'Raises': 'DataError\\n    For NaN.'}
    """
    pieces = re.split(r"^(\w[\w ]*)\n-{3,}\n", doc, flags=re.MULTILINE)
    return {"": pieces[0].strip()} | {pieces[i]: pieces[i + 1].strip() for i in range(1, len(pieces) - 1, 2)}


def _public_names() -> Iterator[str]:
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            if callable(found := getattr(module, name)) and not inspect.ismodule(found):
                yield f"{room}.{name}"


def _object(full: str) -> Any:
    room, _, name = full.rpartition(".")
    return getattr(importlib.import_module(room), name)


def _signature(found: Any) -> str:
    try:
        return str(inspect.signature(found)).replace("'", "")
    except (TypeError, ValueError):  # errors and other classes that are built elsewhere
        return "(...)"


def _entries(section: str) -> Iterator[tuple[str, str, str]]:
    """Give the name, the type and the meaning of each entry of a section."""
    for block in re.split(r"\n(?=\S)", section):
        head, _, body = block.partition("\n")
        name, _, kind = head.partition(" : ")
        if name:
            yield name, kind, " ".join(textwrap.dedent(body).split())


def _parameters(found: Any, section: str) -> Iterator[dict[str, Any]]:
    said = {
        name.strip().lstrip("*"): (kind, meaning)
        for names, kind, meaning in _entries(section)
        for name in names.split(",")
    }
    try:
        signature = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    for parameter in signature:
        kind, meaning = said.get(parameter.name, ("", ""))
        required = parameter.default is parameter.empty
        yield {
            "name": parameter.name,
            "type": "" if parameter.annotation is parameter.empty else str(parameter.annotation),
            "accepts": kind,
            "required": required and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL),
            "default": None if required else repr(parameter.default),
            "keyword_only": parameter.kind is parameter.KEYWORD_ONLY,
            "unit": next((unit for unit, name in _UNITS.items() if name.search(parameter.name)), ""),
            "meaning": meaning,
        }


def _methods(found: type) -> Iterator[dict[str, str]]:
    for name, value in inspect.getmembers(found):
        if not name.startswith("_") and callable(value) and inspect.getdoc(value):
            summary = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
            yield {"name": name, "signature": f"{name}{_signature(value)}", "summary": summary}
