"""Robustness sections: keys that the fit has, values of `each` that can be, a difference each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from spatial.errors import did_you_mean
from spatial.models.mechanisms.asked import KEYS, POLICY_KEYS
from spatial.study.fits.estimates import fit_columns
from spatial.study.fits.named import resolved
from spatial.study.fits.varied import changes, copied_measures, count
from spatial.study.problems import Fault, named_twice
from spatial.study.schema.base import Location
from spatial.study.schema.models import Did
from spatial.study.schema.variants import Robustness
from spatial.study.schema.weights import Weights
from spatial.weights.specs import SPECS

from .known import Known

__all__ = ["check_variants"]


def check_variants(known: Known) -> Iterator[Fault]:
    """Check what needs no data."""
    for number, part in enumerate(known.study.robustness):
        place = ("robustness", number)
        found = known.fits.get(part.of)
        if found is None or found.section not in ("systems", "regressions", "did"):
            continue  # said with the name
        if count(part) > part.most:
            text = f"{count(part)} fits are more than most = {part.most}: leave some out, or raise most."
            yield Fault((*place, "combine"), text)
            continue
        of = resolved(known.study, found.section, found.number)
        yield from _keys(known, part, of, place)
        yield from _values(known, part, of, place)
        for k in named_twice([name for name, _ in changes(part)]):
            yield Fault(place, f"{changes(part)[k][0]!r} is the name of another variant.")


def _allowed(of: Any) -> tuple[str, ...]:
    """Return the keys of a variant of such a fit; weights of a policy are its W."""
    keys = (*POLICY_KEYS, "weights") if isinstance(of, Did) else KEYS
    return (*keys, "sample")


def _keys(known: Known, part: Robustness, of: Any, place: Location) -> Iterator[Fault]:
    allowed, columns = _allowed(of), fit_columns(known.study, of)
    for k, variant in enumerate(part.variants):
        where = (*place, "variants", k)
        for key, value in variant.given.items():
            if key not in allowed:
                text = f"a fit of [{_section(of)}] has no key {key!r} to vary. It has: {', '.join(allowed)}."
                yield Fault((*where, key), text)
            elif key == "swap":
                for name in set(value) - set(columns):
                    hint = did_you_mean(name, columns)
                    yield Fault((*where, key, name), f"{name!r} is not in the formulas of {part.of!r}.{hint}")
            elif key not in ("add", "drop", "policies", "sample") and value == getattr(of, key, None):
                yield Fault((*where, key), f"it is the same as in {part.of!r}: the variant changes nothing.")


def _section(of: Any) -> str:
    return "did" if isinstance(of, Did) else "systems" if hasattr(of, "formulas") else "regressions"


def _values(known: Known, part: Robustness, of: Any, place: Location) -> Iterator[Fault]:
    study = known.study
    for key, values in part.each.items():
        where = (*place, "each", key)
        kind, *rest = key.split(".")
        if kind == "weights" and len(rest) == 1:
            if not isinstance(study.weights.get(rest[0]), Weights):
                names = [name for name, one in study.weights.items() if isinstance(one, Weights)]
                yield Fault(where, f"there are no weights by text {rest[0]!r}.{did_you_mean(rest[0], names)}")
            for k, value in enumerate(values):
                if str(value).split(":")[0] not in SPECS:
                    hint = did_you_mean(str(value).split(":")[0], SPECS)
                    yield Fault((*where, k), f"{value!r} are no weights: as 'band:200' or 'knn:8'.{hint}")
        elif kind == "measures" and len(rest) == 2:
            yield from _measure(known, part, rest, of, where)
        elif len(rest) or key not in _allowed(of):
            known_keys = [*_allowed(of), "weights.NAME", "measures.NAME.KEY"]
            yield Fault(where, f"there is no key {key!r} to vary. There are: {', '.join(known_keys)}.")


def _measure(known: Known, part: Robustness, rest: list[str], of: Any, where: Location) -> Iterator[Fault]:
    measures = {one.name: one for one in known.study.measures}
    name, key = rest
    if name not in measures:
        yield Fault(where, f"there is no measure {name!r}.{did_you_mean(name, measures)}")
        return
    keys = type(measures[name]).model_fields
    if key not in keys or key in ("name", "kind", "en", "zh", "unit"):
        hint = did_you_mean(key, keys)
        yield Fault(where, f"{measures[name].function} takes no {key!r}.{hint} It takes: {', '.join(keys)}.")
        return
    if name not in fit_columns(known.study, of):
        yield Fault(where, f"{name!r} is not in the formulas of {part.of!r}: nothing would change.")
    for k, (measure, changed, value, copy) in enumerate(copied_measures(part)):
        if (measure, changed) != (name, key):
            continue
        try:
            given = {**measures[name].model_dump(), "name": copy, key: value}
            type(measures[name]).model_validate(given)
        except ValidationError as error:
            text = error.errors(include_url=False)[0]["msg"]
            yield Fault((*where, k), f"{value!r} is no {key} of {measures[name].function}: {text}.")
        if value == getattr(measures[name], key):
            yield Fault((*where, k), f"{name!r} has {key} = {value!r} already: the variant changes nothing.")
