"""The fits of a study: their names, and their sections with `like`, `swap` and lists of terms put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spatial.errors import DataError, name_ids
from spatial.panel.grouping import default_split
from spatial.study.schema.analyses import Mechanism
from spatial.study.schema.models import Did, Fit, System, Threshold
from spatial.study.schema.study import Study
from spatial.study.schema.variants import Robustness

from .formulas import expanded, swapped, terms_of
from .varied import changes

__all__ = [
    "ANALYSES",
    "SECTIONS",
    "FitName",
    "analyses",
    "fit_names",
    "group_levels",
    "like_circle",
    "named_fits",
    "resolved",
    "sections",
    "weights_of",
]

SECTIONS = ("systems", "regressions", "tobits", "thresholds", "did")
ANALYSES = (
    "mechanisms", "moderations", "heterogeneity", "robustness", "tests", "sensitivity", "select",
    "monte_carlo",
)  # fmt: skip
_OWN = (
    "name",
    "en",
    "zh",
    "like",
    "swap",
    "expect",
    "compare",
    "by",
    "bacon",
    "honest",
    "placebo",
    "drop_one",
)
"""Keys that `like` does not take over."""
_MOST_GROUPS = 12


@dataclass(frozen=True)
class FitName:
    """Where a fit stands: its section, its number there, the method of `compare`, and the group of `by`."""

    section: str
    number: int
    method: str | None = None
    group: Any = None


def sections(study: Study) -> Iterator[tuple[str, int, Any]]:
    """Yield section, number and content of each part that is estimated."""
    return _parts(study, SECTIONS)


def analyses(study: Study) -> Iterator[tuple[str, int, Any]]:
    """Yield section, number and content of each part that takes fits further."""
    return _parts(study, ANALYSES)


def _parts(study: Study, names: tuple[str, ...]) -> Iterator[tuple[str, int, Any]]:
    for section in names:
        for number, part in enumerate(getattr(study, section)):
            yield section, number, part


def _grouped(part: Any) -> bool:
    return part.by is not None and not isinstance(part, Threshold)


def group_levels(study: Study, frame: Any) -> dict[str, list[Any]]:
    """Return the values of each column that a fit is estimated by; refuse too many."""
    found: dict[str, list[Any]] = {}
    for section, _, part in sections(study):
        group = study.groups.get(part.by) if _grouped(part) else None
        column = part.by if group is None else group.column
        if group is not None and _is_split(group, part.by, frame):
            found[part.by] = group.made
        elif _grouped(part) and column in frame.columns and part.by not in found:
            values = sorted(frame[column].dropna().unique().tolist())
            if len(values) > _MOST_GROUPS:
                raise DataError(
                    f"{section}: by = {part.by!r} has {len(values)} values, {name_ids(values, 5)}; "
                    f"groups are at most {_MOST_GROUPS}."
                )
            found[part.by] = values
    return found


def _is_split(group: Any, name: str, frame: Any) -> bool:
    """Whether a group is made of a column, and not its values."""
    if group.split is not None or group.labels_only(name):
        return group.split not in (None, "values")
    return group.column not in frame or default_split(frame[group.column]) != "values"


def fit_names(study: Study, levels: Mapping[str, list[Any]] | None = None) -> dict[str, FitName]:
    """Return the fits by name: parts, their comparisons NAME.METHOD, and their groups NAME.GROUP.

    `levels` are the values of the columns of `by`; without them groups are not known.
    """
    found: dict[str, FitName] = {}
    for section, number, part in sections(study):
        whole = _with_method(study, part)
        method = getattr(whole, "method", None)
        one = FitName(
            section, number, method or getattr(whole, "effects", None) if _compares(part) else method
        )
        found[part.name] = one
        found |= {f"{part.name}.{m}": replace(one, method=m) for m in getattr(part, "compare", ())}
        for value in (levels or {}).get(part.by, ()) if _grouped(part) else ():
            found[f"{part.name}.{value}"] = replace(one, group=value)
    for section, number, part in analyses(study):
        found |= {f"{part.name}.{fit}": FitName(section, number, fit) for fit in analysis_fits(part)}
    return found


def analysis_fits(part: Any) -> list[str]:
    """Return the names of the fits that an analysis makes, below its own."""
    match part:
        case Mechanism():
            return [*part.mediators, *(["full"] if part.style == "product" else [])]
        case Robustness():
            return [name for name, _ in changes(part)]
    return []


def _compares(part: Any) -> bool:
    return "compare" in type(part).model_fields and "method" not in type(part).model_fields


def _with_method(study: Study, part: Any) -> Any:
    """Return the part whose method holds: that of `like`, where none is given."""
    key = "effects" if _compares(part) else "method"
    seen = {part.name}
    while key not in part.model_fields_set and part.like is not None and part.like not in seen:
        other = next((one for _, _, one in sections(study) if one.name == part.like), None)
        if other is None or type(other) is not type(part):
            break
        part = other
        seen.add(other.name)
    return part


def named_fits(names: list[str], fits: Mapping[str, FitName]) -> list[str]:
    """Return names of fits, NAME.* as all that begin so.

    Examples
    --------
    >>> known = {name: FitName("regressions", 0) for name in ("a", "b", "b.1", "b.2")}
    >>> named_fits(["a", "b.*"], known)
    ['a', 'b.1', 'b.2']
    """
    found: list[str] = []
    for name in names:
        if name.endswith(".*"):
            found += [fit for fit in fits if fit.startswith(name[:-1])]
        else:
            found.append(name)
    return found


def weights_of(study: Study, part: Any) -> list[str]:
    """Return the weights that formulas of a section may call."""
    if isinstance(part.weights, str):
        return [part.weights]
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

    changes: dict[str, Any] = {}
    match part:
        case System():
            changes["instruments"] = [expanded(text, study.terms, weights) for text in part.instruments]
            changes["formulas"] = [written(text) for text in part.formulas]
        case Did():
            terms = [term.name for text in part.controls for term in terms_of(text, study.terms, weights)]
            changes["controls"] = [swapped(term, part.swap) for term in terms]
            changes |= {
                key: part.swap.get(getattr(part, key), getattr(part, key)) for key in ("outcome", "cohort")
            }
        case _:
            changes["formula"] = written(part.formula)
    if part.sample is not None and part.sample in study.samples:
        chosen = study.samples[part.sample]
        changes |= {"where": chosen.where, "lags": part.lags or chosen.lags}
    return part.model_copy(update=changes)


def _liked(study: Study, part: Fit) -> Any:
    if part.like is None:
        return part
    section, number = next((s, k) for s, k, one in sections(study) if one.name == part.like)
    other = resolved(study, section, number)
    own = {*_OWN, *part.model_fields_set}
    # Rows are chosen in one way: a condition of its own replaces a named sample, and the reverse.
    own |= {"where", "sample"} if own & {"where", "sample"} - set(_OWN) else set()
    keys = [key for key in type(part).model_fields if key not in own]
    return part.model_copy(update={key: getattr(other, key) for key in keys})
