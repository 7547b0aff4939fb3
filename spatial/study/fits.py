"""The fits of a study: their names, and their sections with `like`, `swap` and lists of terms put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .formulas import expanded, swapped
from .schema.models import Regression, System
from .schema.study import Study

__all__ = ["FitName", "fit_names", "like_circle", "resolved", "sections", "weights_of"]

_OWN = ("name", "en", "zh", "like", "swap", "expect", "compare")
"""Keys that `like` does not take over."""


@dataclass(frozen=True)
class FitName:
    """Where a fit stands: its section, its number there, and the method of a system."""

    section: str
    number: int
    method: str | None = None


def sections(study: Study) -> Iterator[tuple[str, int, Any]]:
    """Yield section, number and content of each part that is estimated."""
    for section in ("systems", "regressions"):
        for number, part in enumerate(getattr(study, section)):
            yield section, number, part


def fit_names(study: Study) -> dict[str, FitName]:
    """Return the fits by name: systems, their comparisons NAME.METHOD, and regressions."""
    found: dict[str, FitName] = {}
    for number, system in enumerate(study.systems):
        method = system.method
        seen = {system.name}
        while "method" not in system.model_fields_set and system.like not in (None, *seen):
            other = next((s for s in study.systems if s.name == system.like), None)
            if other is None:
                break
            system, method = other, other.method
            seen.add(other.name)
        part = study.systems[number]
        found[part.name] = FitName("systems", number, method)
        found |= {f"{part.name}.{m}": FitName("systems", number, m) for m in part.compare}
    return found | {r.name: FitName("regressions", k) for k, r in enumerate(study.regressions)}


def weights_of(study: Study, part: Any) -> list[str]:
    """Return the weights that formulas of a section may call."""
    return list(study.weights) if part.weights is None else list(part.weights)


def like_circle(study: Study, part: Any) -> list[str]:
    """Return the names that are like one another in a circle, or nothing."""
    parts = {one.name: one for _, _, one in sections(study)}
    way = [part.name]
    while part is not None and part.like is not None:
        if part.like in way:
            return [*way, part.like]
        way.append(part.like)
        part = parts.get(part.like)
    return []


def resolved(study: Study, section: str, number: int) -> Any:
    """Return a section with the keys of the fit that it is like, and its formulas as they are estimated."""
    part = _liked(study, getattr(study, section)[number])
    weights = weights_of(study, part)

    def written(text: str) -> str:
        return swapped(expanded(text, study.terms, weights), part.swap)

    if isinstance(part, Regression):
        return part.model_copy(update={"formula": written(part.formula or "")})
    instruments = [expanded(text, study.terms, weights) for text in part.instruments]
    formulas = [written(text) for text in part.formulas]
    return part.model_copy(update={"formulas": formulas, "instruments": instruments})


def _liked(study: Study, part: System | Regression) -> Any:
    if part.like is None:
        return part
    section, number = next((s, k) for s, k, one in sections(study) if one.name == part.like)
    other = resolved(study, section, number)
    keys = [key for key in type(part).model_fields if key not in (*_OWN, *part.model_fields_set)]
    return part.model_copy(update={key: getattr(other, key) for key in keys})
