"""Formulas of a study: named lists of terms put in, columns put in the place of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from spatial.errors import FormulaError
from spatial.models.formula.grammar import FUNCTIONS, Formula, ParsedTerm, parse_formula, parse_terms
from spatial.models.formula.tokens import Name, Token, fail, tokens, walk

__all__ = ["expanded", "formula_columns", "formula_of", "named_in", "refuse_list_name", "swapped", "terms_of"]

Lists = Mapping[str, list[str]]


def expanded(text: str, lists: Lists, weights: Collection[str]) -> str:
    """Return a formula with each named list as the sum of its terms.

    Examples
    --------
    >>> expanded("y ~ x + W(X)", {"X": ["a", "log(b)"]}, ["W"])
    'y ~ x + W((a + log(b)))'
    """
    found = tokens(text)
    pieces, place = [], 0
    outcome = next((t.start for t in found if t.text == "~"), -1)
    for number, token in enumerate(found):
        name = token.text.strip("`")
        if token.kind not in ("name", "quoted") or name not in lists:
            continue
        if token.end <= outcome and "|" not in text[: token.start]:
            fail(text, token.start, token.end, f"{name!r} is a list of terms; an outcome is one column.")
        function = _function_around(found, number)
        if function is not None and function not in (*weights, "lag"):
            allowed = " or ".join(f"{w}({name})" for w in weights) or name
            fail(
                text,
                token.start,
                token.end,
                f"{name!r} is a list of terms: it stands by itself or in a spatial lag, as {allowed}; "
                f"inside {function}( ) name one column.",
            )
        pieces += [text[place : token.start], f"({' + '.join(lists[name])})"]
        place = token.end
    return "".join([*pieces, text[place:]])


def _function_around(found: list[Token], number: int) -> str | None:
    """Return the innermost function whose brackets hold a token."""
    depth = 0
    for k in range(number - 1, -1, -1):
        if found[k].text == ")":
            depth += 1
        elif found[k].text == "(":
            if depth == 0 and k > 0 and found[k - 1].kind == "name":
                return found[k - 1].text
            depth -= depth > 0
    return None


def swapped(text: str, swap: Mapping[str, str]) -> str:
    """Return a formula with columns in the place of others.

    Examples
    --------
    >>> swapped("y ~ x + W(x)", {"x": "z"})
    'y ~ z + W(z)'
    """
    pieces, place = [], 0
    for token in tokens(text):
        name = token.text.strip("`")
        if token.kind in ("name", "quoted") and name in swap:
            new = swap[name]
            pieces += [text[place : token.start], new if new.isidentifier() else f"`{new}`"]
            place = token.end
    return "".join([*pieces, text[place:]])


def named_in(text: str) -> set[str]:
    """Return all names in a text, of columns, functions and lists.

    Examples
    --------
    >>> sorted(named_in("y ~ log(x)"))
    ['log', 'x', 'y']
    """
    return {token.text.strip("`") for token in tokens(text) if token.kind in ("name", "quoted")}


def formula_of(text: str, lists: Lists, weights: Collection[str]) -> Formula:
    """Read a formula of a study."""
    return parse_formula(expanded(text, lists, weights), list(weights))


def terms_of(text: str, lists: Lists, weights: Collection[str]) -> tuple[ParsedTerm, ...]:
    """Read terms of a study, as controls or instruments.

    Examples
    --------
    >>> [term.name for term in terms_of("W(X)", {"X": ["a", "b"]}, ["W"])]
    ['W(a)', 'W(b)']
    """
    return parse_terms(expanded(text, lists, weights), list(weights))


def formula_columns(formula: Formula) -> list[str]:
    """Return the columns that a formula names, its effects among them."""
    terms = (formula.outcome, *formula.terms, *formula.endogenous, *formula.instruments)
    names = [n.name for term in terms for f in term.factors for n in walk(f) if isinstance(n, Name)]
    names += [part for product in formula.effects or () for part in product]
    return list(dict.fromkeys(names))


def refuse_list_name(name: str) -> None:
    """Refuse a name of a list of terms that formulas could not tell from something else."""
    if not name.isidentifier() or name in (*FUNCTIONS, "C", "I", "lag"):
        raise FormulaError("a list of terms is named in formulas: this is not a name that can be.")
