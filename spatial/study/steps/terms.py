"""Heads of columns and rows of controls of a table of fits."""

from __future__ import annotations

from typing import Any

from spatial.study.fits.formulas import terms_of
from spatial.study.fits.named import weights_of
from spatial.study.values import Values

__all__ = ["controls_of", "head_of", "heads_of"]


def heads_of(values: Values, part: Any, fits: list[str]) -> list[str | None] | None:
    """Return the heads of the columns: those of the section or labels of the fits, else None: the method."""
    if part.names is not None:
        return list(part.names)
    heads = [None if (head := head_of(values, name)) == name else head for name in fits]
    return heads if any(heads) else None


def head_of(values: Values, name: str) -> str:
    """Return the label of a fit in the language of the study, or its name."""
    language = values.study.language
    part = values.part(name)
    label = getattr(part, language) or getattr(part, "en" if language == "zh" else "zh")
    if not label:
        return name
    more = name.removeprefix(part.name).removeprefix(".")
    return f"{label}: {more}" if more else str(label)


def controls_of(values: Values, texts: list[str], fits: list[str]) -> list[str]:
    """Return the terms that texts name in these fits, those of lists among them."""
    study = values.study
    weights = list(dict.fromkeys(n for fit in fits for n in weights_of(study, values.part(fit))))
    found = [term.name for text in texts for term in terms_of(text, study.terms, weights)]
    return list(dict.fromkeys(found))
