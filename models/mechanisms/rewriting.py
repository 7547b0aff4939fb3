"""Formulas rewritten as text: terms added or left out, columns swapped, another outcome, more instruments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spatial.errors import FormulaError
from spatial.models.formula.tokens import Name, Token, canonical, tokens

__all__ = ["Parts", "joined_terms", "swapped"]


@dataclass(frozen=True)
class Parts:
    """A formula in its parts, each as it was written.

    Parameters
    ----------
    outcome, terms : str
    effects : str
        Empty where the formula names none.
    endogenous, instruments : str
        Empty where none are declared.

    Examples
    --------
    >>> parts = Parts.of("y ~ x + W(x) | unit | x ~ z")
    >>> parts.outcome, parts.effects, parts.instruments
    ('y', 'unit', 'z')
    >>> parts.adding(["x:I(m - 2)"]).text
    'y ~ x + W(x) + x:I(m - 2) | unit | x ~ z'
    """

    outcome: str
    terms: str
    effects: str = ""
    endogenous: str = ""
    instruments: str = ""

    @classmethod
    def of(cls, text: str) -> Parts:
        """Take a formula apart; it has been read before, so it is well formed."""
        found = tokens(text)
        bars = [t for t in found if t.kind == "operator" and t.text == "|"]
        starts, ends = [0, *(t.end for t in bars)], [*(t.start for t in bars), len(text)]
        pieces = [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]
        outcome, terms = _sides(pieces[0])
        effects = endogenous = instruments = ""
        for piece in pieces[1:]:
            if "~" in (t.text for t in tokens(piece)):
                endogenous, instruments = _sides(piece)
            else:
                effects = piece
        return cls(outcome, terms, effects, endogenous, instruments)

    @property
    def text(self) -> str:
        """The formula as one text."""
        parts = [f"{self.outcome} ~ {self.terms}"]
        parts += [self.effects] if self.effects else []
        parts += [f"{self.endogenous} ~ {self.instruments}"] if self.endogenous else []
        return " | ".join(parts)

    def adding(self, terms: Sequence[str]) -> Parts:
        """Add terms."""
        return replace(self, terms=" + ".join([self.terms, *terms]))

    def dropping(self, terms: Sequence[str]) -> Parts:
        """Leave terms out; the parser refuses those that are not there."""
        return replace(self, terms=" - ".join([self.terms, *terms]))

    def declaring(self, endogenous: Sequence[str], instruments: Sequence[str]) -> Parts:
        """Declare more endogenous terms and instruments."""
        return replace(
            self,
            endogenous=" + ".join(filter(None, [self.endogenous, *endogenous])),
            instruments=" + ".join(filter(None, [self.instruments, *instruments])),
        )


def _sides(text: str) -> tuple[str, str]:
    mark = next((t for t in tokens(text) if t.text == "~"), None)
    if mark is None:
        raise FormulaError(f"A formula has an outcome, '~' and terms; got {text!r}.")
    return text[: mark.start].strip(), text[mark.end :].strip()


def joined_terms(terms: Sequence[str]) -> str:
    """Join terms to one side of a formula."""
    return " + ".join(terms)


def swapped(text: str, columns: Mapping[str, str]) -> str:
    """Replace columns by others, wherever they stand in a formula.

    Examples
    --------
    >>> swapped("y ~ log(x) + W(x) + xy", {"x": "z"})
    'y ~ log(z) + W(z) + xy'
    """
    out, place = [], 0
    found = tokens(text)
    for token, following in zip(found, [*found[1:], None], strict=True):
        name = _column(token, following)
        if name is not None and name in columns:
            new = columns[name]
            out += [text[place : token.start], canonical(Name(new, 0, 0))]
            place = token.end
    return "".join([*out, text[place:]])


def _column(token: Token, following: Token | None) -> str | None:
    if token.kind == "quoted":
        return token.text[1:-1]
    if token.kind != "name" or (following is not None and following.text == "("):
        return None
    return token.text
