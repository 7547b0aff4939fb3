"""The formulas, instruments and effects that a user gives, in any of their forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from spatial.errors import FormulaError, did_you_mean

from .grammar import Formula, parse_effects, parse_formula

if TYPE_CHECKING:
    from spatial.models.data.source import Source

__all__ = ["joined_terms", "read_effects", "read_formulas"]

_BOTH = ("both", "twoways", "twoway", "two-way", "two_way", "unit+time", "unit + time")


def joined_terms(instruments: str | Iterable[str] | None) -> str:
    """Return the terms of further instruments as one text."""
    if instruments is None:
        return ""
    terms = instruments if isinstance(instruments, Iterable) else (instruments,)
    if isinstance(terms, str):
        return terms
    listed = list(terms)
    if any(not isinstance(term, str) for term in listed):
        raise FormulaError(
            f"instruments is a text such as 'z1 + z2', or a list of texts; got {instruments!r}."
        )
    return " + ".join(listed)


def read_formulas(
    formulas: str | Iterable[str] | Mapping[str, str], weights: tuple[str, ...]
) -> dict[str, Formula]:
    """Parse a formula, a list of them, or a mapping of names to them."""
    if isinstance(formulas, Mapping):
        out = {str(name): parse_formula(text, weights) for name, text in formulas.items()}
    else:
        if not isinstance(formulas, Iterable):
            raise FormulaError(
                "Formulas are a text such as 'y ~ x + W(y)', a list of texts, or a dict of them; "
                f"got {type(formulas).__name__}."
            )
        texts = [formulas] if isinstance(formulas, str) else list(formulas)
        parsed = [parse_formula(text, weights) for text in texts]
        out = {f.outcome.name: f for f in parsed}
        if len(out) < len(parsed):
            names = [f.outcome.name for f in parsed]
            twice = next(n for n in names if names.count(n) > 1)
            raise FormulaError(f"Each equation has an outcome of its own; {twice!r} is on the left of two.")
    if not out:
        raise FormulaError("A system needs at least one formula.")
    return out


def read_effects(
    formulas: Mapping[str, Formula], effects: str | Iterable[str], source: Source
) -> tuple[tuple[str, ...], ...]:
    """Return the effects that are asked for, by argument or in the formulas; columns must be there."""
    alias = dict(zip(source.index_names, ("unit", "time"), strict=False))

    def plain(names: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        return tuple(dict.fromkeys(tuple(alias.get(part, part) for part in name) for name in names))

    given = plain(parse_effects(effects))
    written = {plain(f.effects) for f in formulas.values() if f.effects is not None}
    if len({frozenset(names) for names in written}) > 1:
        raise FormulaError(
            "All equations of a system have the same effects; these formulas differ after '|'."
        )
    out = next(iter(written)) if written else given
    if given and set(given) != set(out):
        raise FormulaError(f"effects={effects!r} and '| ...' in the formula differ; give one of them.")
    if ("random",) in out and (("unit",) in out or source.has("random")):
        other = (
            "effects of units are fixed or random" if ("unit",) in out else "the data have a column 'random'"
        )
        raise FormulaError(f"effects='random' asks for random effects of units, and {other}: choose one.")
    for part in {part for name in out for part in name} - {"unit", "time", "random"}:
        if not source.has(part):
            allowed = ["unit", "time", *source.columns]
            both = " Both are effects=('unit', 'time')." if part.lower() in _BOTH else ""
            raise FormulaError(
                f"Effects are unit, time or columns; {part!r} is none.{both or did_you_mean(part, allowed)}"
            )
    return out
