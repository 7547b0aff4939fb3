"""The variants of a robustness section, written out: those that it names, and one a value of `each`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spatial.errors import DataError
from spatial.study.schema.study import Study
from spatial.study.schema.variants import Robustness

__all__ = ["changes", "copied_measures", "count", "with_copies"]

_JOINED = ("add", "drop", "policies", "instruments")
_MERGED = ("swap", "weights")


def changes(part: Robustness) -> list[tuple[str, dict[str, Any]]]:
    """Return each variant's name and what it changes.

    Examples
    --------
    >>> part = Robustness(name="r", of="base", each={"weights.K": ["band:100", "band:200"]})
    >>> changes(part)
    [('band:100', {'weights': {'K': 'band:100'}}), ('band:200', {'weights': {'K': 'band:200'}})]
    """
    axes = _axes(part)
    single = [one for axis in axes for one in axis]
    if part.combine == "each":
        return single
    found = []
    for chosen in itertools.product(*([None, *axis] for axis in axes)):
        picked = [one for one in chosen if one is not None]
        merged = _together([change for _, change in picked])
        if picked and merged is not None:
            found.append((" + ".join(name for name, _ in picked), merged))
    return found


def _axes(part: Robustness) -> list[list[tuple[str, dict[str, Any]]]]:
    """Return the variants, each an axis of its own, and the values of each key as one."""
    found = [[(variant.name, variant.given)] for variant in part.variants]
    for key, values in part.each.items():
        found.append([(_short(key, value), _change(key, value)) for value in values])
    return found


def count(part: Robustness) -> int:
    """Return how many fits there are at most, without writing them out."""
    axes = [len(part.each[key]) for key in part.each] + [1] * len(part.variants)
    if part.combine == "each":
        return sum(axes)
    total = 1
    for size in axes:
        total *= size + 1
    return total - 1


def _short(key: str, value: Any) -> str:
    if key.startswith("weights."):
        return str(value)
    last = key.split(".")[-1]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{last} = {shown}"


def _change(key: str, value: Any) -> dict[str, Any]:
    kind, *rest = key.split(".")
    if kind == "weights" and len(rest) == 1:
        return {"weights": {rest[0]: value}}
    if kind == "measures" and len(rest) == 2:
        return {"swap": {rest[0]: _copy_name(rest[0], rest[1], value)}}
    return {key: value}


def _copy_name(measure: str, key: str, value: Any) -> str:
    return re.sub(r"\W+", "_", f"{measure}_{key}_{value}").strip("_")


def _together(several: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return several changes as one; None where two of them set one key to different values."""
    found: dict[str, Any] = {}
    for change in several:
        for key, value in change.items():
            if key not in found:
                found[key] = value
            elif key in _JOINED:
                found[key] = [*found[key], *value]
            elif key in _MERGED and not set(found[key]) & set(value):
                found[key] = {**found[key], **value}
            elif key == "where":
                found[key] = f"({found[key]}) and ({value})"
            else:
                return None
    return found


# ---- measures with another argument
def copied_measures(part: Robustness) -> Iterator[tuple[str, str, Any, str]]:
    """Yield measure, key, value and the name of the copy, of `each` over arguments of measures."""
    for text, values in part.each.items():
        kind, *rest = text.split(".")
        if kind == "measures" and len(rest) == 2:
            for value in values:
                yield rest[0], rest[1], value, _copy_name(rest[0], rest[1], value)


def with_copies(study: Study) -> Study:
    """Return the study with a copy of a measure for each value of `each`, cleaned as the measure is."""
    known = {part.name: part for part in study.measures}
    copies: dict[str, Any] = {}
    of: dict[str, list[str]] = {}
    for part in study.robustness:
        for measure, key, value, name in copied_measures(part):
            if name in copies:
                continue
            copies[name] = _copy(known[measure], key, value, name)
            of.setdefault(measure, []).append(name)
    if not copies:
        return study
    taken = sorted(set(copies) & (set(known) | set(study.variables)))
    if taken:
        raise DataError(f"robustness: a copy of a measure is called {taken[0]!r}, which is there already.")
    cleaning = [
        step.model_copy(update={"columns": _also(step.columns, of)}) if hasattr(step, "columns") else step
        for step in study.cleaning
    ]
    return study.model_copy(update={"measures": [*study.measures, *copies.values()], "cleaning": cleaning})


def _also(columns: list[str], of: Mapping[str, list[str]]) -> list[str]:
    return [name for column in columns for name in (column, *of.get(column, ()))]


def _copy(measure: Any, key: str, value: Any, name: str) -> Any:
    words = {lang: f"{label} ({key} = {value})" for lang in ("en", "zh") if (label := getattr(measure, lang))}
    return type(measure).model_validate({**measure.model_dump(), **words, "name": name, key: value})
