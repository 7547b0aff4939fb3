"""The notes below a regression table: what stars, brackets and statistics mean, and what was done."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from spatial.errors import DataError
from spatial.languages.names import METHODS, covariance_words, kind_words, normal_words, stamp_words
from spatial.models.results import SystemFit
from spatial.words import tell

from .columns import CONSTANT, Column
from .formats.cells import clean
from .layout import Layout
from .words import joined, word

__all__ = ["left_out", "method_words", "noted", "refuse_equal", "regression_notes", "star_note"]

_CLOSE = 1e-9  # of one iteration and of another that end in the same numbers


def regression_notes(layout: Layout, own: tuple[str, ...], first: str = "") -> tuple[str, ...]:
    """Return the notes, stamps first; no option leaves a stamp out.  `first` is a journal's word for note."""
    lines = [*_stamps(layout), _inference(layout), *_r2(layout), *_tests(layout)]
    lines += [
        *_distance(layout),
        *_constant(layout),
        *_unbalanced(layout),
        *_weights(layout),
        *_left_out(layout),
        *_structural(layout),
        *_effects(layout),
        *own,
    ]
    return noted(lines, layout.lang, first)


def noted(lines: Iterable[str], lang: str, first: str = "") -> tuple[str, ...]:
    """Return notes, the first behind the word that says so: `first` of a journal's style, or ours."""
    found = [clean(line) for line in lines if line]
    if found:
        found[0] = first.format(text=found[0]) if first else word("note", lang, text=found[0])
    return tuple(found)


def star_note(stars: tuple[float, ...], lang: str) -> str:
    """Return what the stars stand for.

    Examples
    --------
    >>> star_note((0.1, 0.05, 0.01), "zh")
    '***、**、* 分别表示在 1%、5%、10% 的水平上显著'
    """
    marks = ["*" * (k + 1) for k in range(len(stars))]
    if not stars:
        return ""
    if lang == "zh":
        levels = "、".join(f"{100 * s:g}%" for s in reversed(stars))
        return word("stars_zh", lang, parts="、".join(reversed(marks)), levels=levels).replace(
            "分别" if len(stars) == 1 else "\0", ""
        )
    return ", ".join(word("stars", lang, stars=m, level=f"{s:g}") for m, s in zip(marks, stars, strict=True))


def _groups(layout: Layout, key: Callable[[Column], Hashable]) -> dict[Any, list[int]]:
    """Return the columns by what they share; those with an empty key left out."""
    found: dict[Any, list[int]] = {}
    for k, column in enumerate(layout.columns):
        if value := key(column):
            found.setdefault(value, []).append(k)
    return found


def _named(layout: Layout, places: list[int]) -> str:
    """Return the numbers of the columns that hold these equations."""
    shown = dict.fromkeys(layout.columns[k].number if layout.by_fit else k for k in places)
    return joined(list(shown), layout.lang)


def _columns(layout: Layout, places: list[int]) -> str:
    if len(places) == len(layout.columns):
        return word("all_columns", layout.lang)
    text = _named(layout, places)
    return text[:1].upper() + text[1:]


def _stamps(layout: Layout) -> list[str]:
    stamps = dict.fromkeys(s for c in layout.columns for s in c.stamps)
    out = []
    for stamp in stamps:
        places = [k for k, c in enumerate(layout.columns) if stamp in c.stamps]
        shown = stamp_words(stamp, layout.lang)
        out.append(word("stamp", layout.lang, columns=_columns(layout, places), stamp=shown))
    return out


def _inference(layout: Layout) -> str:
    lang, zh = layout.lang, layout.lang == "zh"

    def of_columns(text: str, places: list[int], groups: dict[Any, list[int]]) -> str:
        if len(groups) == 1 and len(places) == len(layout.columns):
            return text
        return text + (f"（{_named(layout, places)}）" if zh else f" ({_named(layout, places)})")

    groups = _groups(layout, lambda c: c.covariance)
    texts = [of_columns(covariance_words(label, lang), places, groups) for label, places in groups.items()]
    label = ("；" if zh else "; ").join(texts)
    shows = _groups(layout, lambda c: c.show)
    parts = [of_columns(word(show, lang), places, shows) for show, places in shows.items()]
    if set(shows) == {"se"}:
        parts[0] += word("bracket", lang, label=label) if texts else ""
    elif texts:
        parts.append(word("errors", lang, label=label))
    parts.append(star_note(layout.stars, lang))
    return ("；" if zh else "; ").join(p for p in parts if p) + ("。" if zh else ".")


def _has(value: float) -> bool:
    return not math.isnan(value)


def _r2(layout: Layout) -> list[str]:
    def say(key: str, **values: object) -> str:
        return word(key, layout.lang, **values)

    out = []
    printed = {c.r2_kind for c in layout.columns if _has(c.r2)}
    if "structural" in printed:
        out.append(say("note_r2_structural"))
    elif "plain" in printed:
        out.append(say("note_r2"))
    foreign = [
        k
        for k, c in enumerate(layout.columns)
        if c.r2_kind == "foreign" and (_has(c.r2) or _has(c.r2_within))
    ]
    if foreign:
        out.append(say("note_r2_foreign", columns=_named(layout, foreign)))
    if any(_has(c.r2_within) for c in layout.columns):
        out.append(say("note_r2_within"))
    return out


def _tests(layout: Layout) -> list[str]:
    out = []
    if any(_has(c.j) for c in layout.columns):
        out.append(word("note_j", layout.lang))
    strong = [(k, c.f_kind) for k, c in enumerate(layout.columns) if _has(c.first_stage_f)]
    if any(kind == "conditional" for _, kind in strong):
        out.append(word("note_f", layout.lang))
    weak = [
        k for k, c in enumerate(layout.columns) if c.first_stage_f < c.f_critical and c.inverted != "distance"
    ]
    if weak:
        least = max(layout.columns[k].f_critical for k in weak)
        shown = _columns(layout, weak)
        out.append(word("note_weak", layout.lang, columns=shown, least=f"{least:.{layout.digits}f}"))
    plain = [k for k, kind in strong if kind == "plain"]
    if plain:
        out.append(word("note_f_plain", layout.lang, columns=_named(layout, plain)))
    return out


def _distance(layout: Layout) -> list[str]:
    """Say whose intervals and stars do not follow from standard errors."""
    return [
        word(f"note_{how}", layout.lang, columns=_columns(layout, places))
        for how, places in _groups(layout, lambda c: c.inverted or None).items()
    ]


def _constant(layout: Layout) -> list[str]:
    absorbed: dict[str, list[int]] = {}
    for k, column in enumerate(layout.columns):
        if column.effects and CONSTANT in column.estimates.index and column.r2_kind != "foreign":
            absorbed.setdefault(column.constant, []).append(k)
    if CONSTANT in layout.controls:
        return []
    several = len(absorbed) > 1
    between = "：" if layout.lang == "zh" else ": "
    return [
        (_named(layout, columns) + between if several else "") + word(f"note_cons_{kind}", layout.lang)
        for kind, columns in absorbed.items()
    ]


def _unbalanced(layout: Layout) -> list[str]:
    def cells(column: Column) -> tuple[int, int] | None:
        if not column.is_unbalanced:
            return None
        total = int(column.n_units * column.n_times)
        return total - int(column.n_obs), total

    return [
        word("note_unbalanced", layout.lang, columns=_columns(layout, places), missing=missing, cells=total)
        for (missing, total), places in _groups(layout, cells).items()
    ]


def _weights(layout: Layout) -> list[str]:
    found: dict[tuple[str, str, str], None] = {}
    for column in layout.columns:
        for name, meta in column.weights.items():
            found[name, meta.kind, meta.normalization] = None
    lang = layout.lang
    return [
        word("note_weights", lang, name=name, kind=kind_words(kind, lang), normal=normal_words(normal, lang))
        for name, kind, normal in found
    ]


def _left_out(layout: Layout) -> list[str]:
    """Say which models lack the spatial lags or errors that others have."""
    groups = _groups(layout, lambda c: (c.method, c.lacks) if c.lacks else ())
    return [
        word(
            "note_left_out",
            layout.lang,
            columns=_columns(layout, places),
            method=METHODS.get(method, method),
            what=word(f"spatial_{lacks}", layout.lang),
        )
        for (method, lacks), places in groups.items()
    ]


def _structural(layout: Layout) -> list[str]:
    if not any(c.system for c in layout.columns):
        return []
    out = [word("note_structural", layout.lang)]
    bad = [k for k, c in enumerate(layout.columns) if c.system is not None and c.system.stable is False]
    if bad:
        out.append(word("note_unstable", layout.lang, columns=_named(layout, bad)))
    return out


def _effects(layout: Layout) -> list[str]:
    ways = dict.fromkeys(c.impacts_how[:3] for c in layout.columns if c.impacts_how is not None)
    texts = dict.fromkeys(
        word("simulated", layout.lang, draws=draws, seed=seed)
        if method == "simulated"
        else word("delta" if method == "delta" else "delta_inverted", layout.lang)
        for method, draws, seed in ways
    )
    return [word("note_effects", layout.lang, how=text) for text in texts]


# ---- models beside each other
def spatial_parts(fit: SystemFit) -> frozenset[str]:
    """Return which spatial parts were estimated: "lags", "errors"."""
    lags = any(term.weights for _, term in fit.structure.terms)
    return frozenset(name for name, there in (("lags", lags), ("errors", len(fit.rho) > 0)) if there)


def left_out(fits: Sequence[Any]) -> list[str]:
    """Return, for each model, what it leaves out of the spatial parts that others of the same outcomes have.

    Returns
    -------
    list of str
        ``""``, ``"lags"``, ``"errors"``, or ``"terms"`` for all of them.
    """
    ours = [fit if isinstance(fit, SystemFit) else getattr(fit, "fit", None) for fit in fits]
    parts = [spatial_parts(fit) if isinstance(fit, SystemFit) else None for fit in ours]
    out = []
    for fit, own in zip(ours, parts, strict=True):
        if own is None or not isinstance(fit, SystemFit):
            out.append("")
            continue
        names = set(fit.structure.names)
        others = [
            p
            for other, p in zip(ours, parts, strict=True)
            if p is not None and isinstance(other, SystemFit) and names & set(other.structure.names)
        ]
        lacking = frozenset().union(*others) - own
        out.append("" if not lacking else "terms" if not own else next(iter(lacking)))
    return out


def method_words(fit: SystemFit, lacking: str) -> str:
    """Return a method and what its fit leaves out, as "3SLS, no spatial errors"."""
    label = METHODS.get(fit.method, fit.method)
    lacks = {"lags": "空间滞后", "errors": "空间误差", "terms": "空间项"}
    return tell(f"{label}, no spatial {lacking}", f"{label}，无{lacks[lacking]}") if lacking else label


def refuse_equal(columns: Sequence[Column]) -> None:
    """Refuse a model whose numbers are those of another under the name of another method."""
    models: dict[int, list[Column]] = {}
    for column in columns:
        models.setdefault(column.number, []).append(column)
    places = {c.number: [k + 1 for k, d in enumerate(columns) if d.number == c.number] for c in columns}
    numbers = list(models)
    for k, a in enumerate(numbers):
        for b in numbers[k + 1 :]:
            first, second = models[a], models[b]
            methods = {first[0].method, second[0].method} - {""}
            if len(methods) == 2 and len(first) == len(second) and all(map(_same, first, second)):
                raise DataError(_twice(first[0], second[0], places[a], places[b]))


def _same(a: Column, b: Column) -> bool:
    if (
        a.equation != b.equation
        or list(a.estimates.index) != list(b.estimates.index)
        or len(a.rho) != len(b.rho)
    ):
        return False
    kept = ["estimate", "std_error"]
    pairs = ((a.estimates, b.estimates), (a.rho, b.rho))
    return all(
        np.allclose(x[kept].to_numpy(float), y[kept].to_numpy(float), rtol=_CLOSE, atol=0.0, equal_nan=True)
        for x, y in pairs
    )


def _twice(a: Column, b: Column, first: list[int], second: list[int]) -> str:
    names = [METHODS.get(c.method, c.method) for c in (a, b)]
    shown = [", ".join(f"({k})" for k in places) for places in (first, second)]
    spatial = {a.method, b.method} in ({"gs3sls", "3sls"}, {"gs2sls", "2sls"})
    why = (
        "there are no spatial errors, which alone tell these methods apart"
        if spatial
        else "what tells these methods apart is not in the models"
    )
    return (
        f"{names[0]} in columns {shown[0]} and {names[1]} in columns {shown[1]} are the same numbers: {why}. "
        "Leave one out, or compare with a model that leaves something out, as formulas without W( )."
    )
