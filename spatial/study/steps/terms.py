"""Heads of columns and rows of controls of a table of fits."""

from __future__ import annotations

from typing import Any

from spatial.errors import SpatialError
from spatial.languages.names import METHODS
from spatial.study.fits.formulas import terms_of
from spatial.study.fits.labels import between, group_label, words_of
from spatial.study.fits.named import SECTIONS, weights_of
from spatial.study.fits.varied import changes
from spatial.study.values import Values

__all__ = ["controls_of", "groups_of", "head_of", "heads_of", "models_of", "usable", "variant_labels"]


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
    label = words_of(part, language)
    group = values.fits[name].group
    more = name.removeprefix(part.name).removeprefix(".")
    if group is not None:
        more = group_label(values, part.by, group)
    elif more and values.fits[name].section in SECTIONS:  # one of `compare`
        more = _EFFECTS[more][language == "zh"] if more in _EFFECTS else METHODS.get(more, more)
    if not label:
        return name if group is None else more
    return f"{label}{between(language)}{more}" if more else label


_EFFECTS = {
    "random": ("random effects", "随机效应"),
    "correlated": ("correlated effects", "相关随机效应"),
    "none": ("pooled", "混合"),
}
"""What a Tobit is compared by."""


def models_of(values: Values, fits: list[str]) -> list[str]:
    """Return what a figure calls each fit: its label or method; its name where two are alike."""
    called = [_model_of(values, name) for name in fits]
    return [name if called.count(text) > 1 else text for name, text in zip(fits, called, strict=True)]


def _model_of(values: Values, name: str) -> str:
    head, part = head_of(values, name), values.part(name)
    more = name.removeprefix(part.name).removeprefix(".")
    label = words_of(part, values.study.language)
    if more in METHODS:  # one of `compare`
        return head if label else METHODS[more]
    return METHODS.get(getattr(part, "method", None) or "", head) if head == name else head


def controls_of(values: Values, texts: list[str], fits: list[str]) -> list[str]:
    """Return the terms that texts name in these fits, those of lists among them."""
    study = values.study
    weights = list(dict.fromkeys(n for fit in fits for n in weights_of(study, values.part(fit))))
    found = [term.name for text in texts for term in terms_of(text, study.terms, weights)]
    return list(dict.fromkeys(found))


def variant_labels(values: Values, part: Any) -> dict[str, str]:
    """Return the labels of the variants of a robustness section, and of its fit."""
    found = {name: head_of(values, f"{part.name}.{name}") for name, _ in changes(part)}
    return {"base": head_of(values, part.of), **found}


def groups_of(values: Values, part: Any) -> dict[str, str]:
    """Return what readers call the groups of a heterogeneity section, by its names of them."""
    frame, found = values.panel.frame, {}
    for by in part.by:
        for group in frame[by].dropna().unique().tolist() if by in frame else ():
            shown = f"{values.label(by)}{between(values.study.language)}{group_label(values, by, group)}"
            found[f"{by}: {group}"] = shown
    return found


def usable(values: Values, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the fits that can be shown, and what is said of methods of `compare` that cannot estimate."""
    kept, said = [], []
    for name in names:
        found = values.fits[name]
        compared = found.section in SECTIONS and found.group is None and name != values.part(name).name
        try:
            values.fit(name)
            kept.append(name)
        except SpatialError as error:
            if not compared:
                raise
            said.append(f"{name}: {error}")
    return kept, said
