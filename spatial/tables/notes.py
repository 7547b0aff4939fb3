"""The notes below a regression table: what stars, brackets and statistics mean, and what was done."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from .columns import CONSTANT, METHODS, Column
from .formats.cells import clean
from .layout import Layout
from .words import covariance_words, joined, kind_words, normal_words, stamp_words, word

__all__ = ["noted", "regression_notes", "star_note"]


def regression_notes(layout: Layout, own: tuple[str, ...], first: str = "") -> tuple[str, ...]:
    """Return the notes, stamps first; no option leaves a stamp out.  `first` is a journal's word for note."""
    lines = [*_stamps(layout), _inference(layout), *_r2(layout), *_tests(layout)]
    lines += [
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


def _columns(layout: Layout, places: list[int]) -> str:
    if len(places) == len(layout.columns):
        return word("all_columns", layout.lang)
    text = joined(places, layout.lang)
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
    groups = _groups(layout, lambda c: c.covariance)
    texts = []
    for label, places in groups.items():
        text = covariance_words(label, lang)
        if len(groups) > 1 or len(places) < len(layout.columns):
            text += f"（{joined(places, lang)}）" if zh else f" ({joined(places, lang)})"
        texts.append(text)
    label = ("；" if zh else "; ").join(texts)
    if layout.show == "se":
        parts = [word("se", lang) + (word("bracket", lang, label=label) if texts else "")]
    else:
        parts = [word("t", lang), *([word("errors", lang, label=label)] if texts else [])]
    parts.append(star_note(layout.stars, lang))
    return ("；" if zh else "; ").join(p for p in parts if p) + ("。" if zh else ".")


def _has(value: float) -> bool:
    return not math.isnan(value)


def _r2(layout: Layout) -> list[str]:
    def say(key: str, **values: object) -> str:
        return word(key, layout.lang, **values)

    out = []
    if any(c.r2_kind == "structural" for c in layout.columns):
        out.append(say("note_r2_structural"))
    elif any(c.r2_kind == "plain" for c in layout.columns):
        out.append(say("note_r2"))
    foreign = [
        k
        for k, c in enumerate(layout.columns)
        if c.r2_kind == "foreign" and (_has(c.r2) or _has(c.r2_within))
    ]
    if foreign:
        out.append(say("note_r2_foreign", columns=joined(foreign, layout.lang)))
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
    plain = [k for k, kind in strong if kind == "plain"]
    if plain:
        out.append(word("note_f_plain", layout.lang, columns=joined(plain, layout.lang)))
    return out


def _constant(layout: Layout) -> list[str]:
    absorbed = any(
        c.effects and CONSTANT in c.estimates.index and c.r2_kind != "foreign" for c in layout.columns
    )
    return [word("note_cons", layout.lang)] if absorbed and CONSTANT not in layout.controls else []


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
        out.append(word("note_unstable", layout.lang, columns=joined(bad, layout.lang)))
    return out


def _effects(layout: Layout) -> list[str]:
    ways = dict.fromkeys(c.impacts_how[:3] for c in layout.columns if c.impacts_how is not None)
    texts = dict.fromkeys(
        word("simulated", layout.lang, draws=draws, seed=seed)
        if method == "simulated"
        else word("delta", layout.lang)
        for method, draws, seed in ways
    )
    return [word("note_effects", layout.lang, how=text) for text in texts]
