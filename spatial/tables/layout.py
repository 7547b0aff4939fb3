"""The layout of a regression table: from columns of numbers to rows of text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean
from spatial.languages.names import condition_words, given_labels, kind_words

from .brackets import below
from .columns import CONSTANT, ESTIMATES, Column
from .formats.cells import Head, Row, clean, head_row
from .formats.numbers import format_number, marked, star_text
from .words import effect_words, word

__all__ = ["COUNTS", "Layout", "labels_of", "term_label"]

_NAME = re.compile(r"[^\W\d]\w*")
COUNTS: Mapping[str, tuple[str, Callable[[Column], float]]] = {
    "units": ("units", lambda c: c.n_units),
    "times": ("times", lambda c: c.n_times),
    "rows": ("observations", lambda c: c.n_obs),
    "links": ("sample_links", lambda c: c.n_links),
}
_POWER = re.compile(r"I\((\w+) ?(?:\^|\*\*) ?([23])\)$")
_LAG = re.compile(r"^([^\W\d]\w*)\((.+)\)$")


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns, and how they are to be shown.

    Parameters
    ----------
    columns : tuple of Column
    labels : mapping of str to str
    stars : tuple of float
    digits : int
    controls : tuple of str
        Terms shown as one yes/no row.
    effects_rows : bool
    impacts : tuple of str, optional
        Terms in the panel of effects; None for all that are no controls.
    named : bool
        Whether the user named the models.
    lang : "en" or "zh"
    order : tuple of str
        Terms that come first, in this order.
    counts : tuple of str, optional
        Which counts of the sample are shown, among "rows", "units", "times", "links"; None for all.
    heads : tuple of Head
        A line above the others, after the corner.
    by_fit : bool
        Whether each model is one column, its equations one below the other.
    """

    columns: tuple[Column, ...]
    labels: Mapping[str, str]
    stars: tuple[float, ...]
    digits: int
    controls: tuple[str, ...]
    effects_rows: bool
    impacts: tuple[str, ...] | None
    named: bool
    lang: str
    order: tuple[str, ...] = ()
    counts: tuple[str, ...] | None = None
    heads: tuple[Head, ...] = ()
    by_fit: bool = False

    # ---- words
    def word(self, key: str, **values: object) -> str:
        """Return words in the language of the table."""
        return word(key, self.lang, **values)

    def label(self, term: str) -> str:
        """Return the label of a term; names inside it are replaced by their labels."""
        if term == CONSTANT:
            return clean(self.labels.get(term, self.word("constant")))
        if term in self.labels:
            return clean(self.labels[term])
        names = {w for c in self.columns for w in c.weights}
        found = _LAG.match(term)
        if found and found[1] == "mean":  # of units, beside correlated effects
            return self.word("mean_of", name=self.label(found[2]))
        if found and found[1] in names:
            return f"{found[1]}×{self.label(found[2])}"
        if power := _POWER.match(term):
            return self.label(power[1]) + ("²" if power[2] == "2" else "³")
        return clean(_NAME.sub(lambda m: self._part(m, term), term))

    def _part(self, found: re.Match[str], term: str) -> str:
        is_function = term[found.end() : found.end() + 1] == "("
        return found[0] if is_function else self.labels.get(found[0], found[0])

    def label_rows(self, terms: Iterable[str]) -> dict[str, str]:
        """Return labels that tell the terms apart: where two are the same, the name is added."""
        made = {term: self.label(term) for term in terms}
        shown = list(made.values())
        return {t: f"{text} [{clean(t)}]" if shown.count(text) > 1 else text for t, text in made.items()}

    # ---- the head
    def header(self) -> tuple[tuple[Head, ...], ...]:
        """Return models over their equations, numbers, and outcomes; or models and numbers."""
        rows = [(Head(""), *self.heads)] if self.heads else []
        if self.by_fit:
            models = {c.number: c.model for c in self.columns}
            rows.append(head_row(["", *models.values()]))
            rows.append(head_row([self.word("variable"), *[f"({k + 1})" for k in models]]))
            return tuple(rows)
        if self.names_shown:
            heads, rule = [Head("")], True
            for number in dict.fromkeys(c.number for c in self.columns):
                mine = [c for c in self.columns if c.number == number]
                heads.append(Head(clean(mine[0].model), len(mine), rule and len(mine) > 1))
            rows.append(tuple(heads))
        rows.append(head_row(["", *[f"({k + 1})" for k in range(len(self.columns))]]))
        outcomes = self.label_rows(dict.fromkeys(c.equation for c in self.columns))
        rows.append(head_row([self.word("variable"), *[outcomes[c.equation] for c in self.columns]]))
        return tuple(rows)

    @property
    def names_shown(self) -> bool:
        """Whether the names of models stand in the head."""
        return self.named or self.by_fit or len({c.number for c in self.columns}) < len(self.columns)

    # ---- the body
    def rows(self) -> list[Row]:
        """Return all rows."""
        if not self.by_fit:
            return [*self._coefficients(), *self._facts(), *self._effects()]
        self._refuse_unknown()
        parts = self._parts()
        labels = self.label_rows(parts)
        rows = list[Row]()
        for name, part in parts.items():
            rows.append(Row(labels[name], (), "panel", rule=bool(rows)))
            rows += [*part._coefficients(), *part._statistics()]
        whole = replace(self, columns=_merged(self.columns))
        rows += _ruled(whole._sample())
        for name, part in parts.items():
            rows += part._effects(self.word("panel_effects_on", outcome=labels[name]))
        return rows

    def _parts(self) -> dict[str, Layout]:
        """Return a layout for each equation: a column a model, an empty one where it has not the equation."""
        numbers = list(dict.fromkeys(c.number for c in self.columns))
        out = {}
        for name in dict.fromkeys(c.equation for c in self.columns):
            mine = {c.number: c for c in self.columns if c.equation == name}
            columns = tuple(mine.get(k, _empty(name, k)) for k in numbers)
            terms = {t for c in columns for t in c.estimates.index}
            effects = {t for c in columns for t in _effect_terms(c)}
            out[name] = replace(
                self,
                columns=columns,
                order=tuple(t for t in self.order if t in terms),
                controls=tuple(t for t in self.controls if t in terms | effects),
                impacts=None if self.impacts is None else tuple(t for t in self.impacts if t in effects),
            )
        return out

    def _refuse_unknown(self) -> None:
        terms = {t for c in self.columns for t in c.estimates.index}
        effects = {t for c in self.columns for t in _effect_terms(c)}
        refuse_unknown(self.order, terms, "rows")
        refuse_unknown(self.controls, terms | effects, "controls")
        refuse_unknown(self.impacts or (), effects, "impacts")

    def pair(self, label: str, found: list[Any], key: tuple[str, str] | None = None) -> list[Row]:
        """Return a row of coefficients with stars, and one below in brackets."""
        above, under = [], []
        for column, values in zip(self.columns, found, strict=True):
            is_there = values is not None
            above.append(self.starred(values["estimate"], values["p_value"]) if is_there else "")
            under.append(below(values, column.show, self.digits, column.df) if is_there else "")
        return [Row(label, tuple(above), key=key), Row("", tuple(under), "detail", key=key)]

    def starred(self, estimate: float, p_value: float) -> str:
        """Return a coefficient with its stars."""
        return marked(format_number(estimate, self.digits), "", star_text(float(p_value), self.stars))

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that have rows, as they stand: those of `order` first, the constant last."""
        found = dict.fromkeys(t for c in self.columns for t in c.estimates.index)
        refuse_unknown(self.order, set(found), "rows")
        rest = [t for t in found if t not in self.order]
        ordered = [*self.order, *(t for t in rest if t != CONSTANT), *(t for t in rest if t == CONSTANT)]
        return tuple(t for t in ordered if t not in self.controls)

    def _coefficients(self) -> list[Row]:
        known = {t for c in self.columns for t in (*c.estimates.index, *_effect_terms(c))}
        refuse_unknown(self.controls, known, "controls")
        terms, rows = self.terms, list[Row]()
        labels = self.label_rows(terms)
        equation = self.columns[0].equation if self.by_fit else ""
        for term in terms:
            found = [_at(c.estimates, term) for c in self.columns]
            rows += self.pair(labels[term], found, (equation, term))
        errors = dict.fromkeys(name for c in self.columns for name in c.rho.index)
        for name in errors:
            text = self.word("rho") + (f" {clean(self.labels.get(name, name))}" if len(errors) > 1 else "")
            rows += self.pair(text, [_at(c.rho, name) for c in self.columns])
        return rows

    def _facts(self) -> list[Row]:
        stable = self._optional("stable", self._stable)
        return _ruled([*self._controls(), *self._sample(stable=False), *self._measures(), *stable])

    def _statistics(self) -> list[Row]:
        """Return what belongs to one equation."""
        return [*self._controls(), *self._measures()]

    def _controls(self) -> list[Row]:
        cells = [self._has_controls(c) for c in self.columns]
        return [self._fact(self.word("controls"), cells)] if self.controls else []

    def _sample(self, stable: bool = True) -> list[Row]:
        """Return what all equations of a model share."""
        out = list[Row]()
        if self.effects_rows:
            for name in dict.fromkeys(e for c in self.columns for e in c.effects):
                cells = [self.word("yes" if name in c.effects else "no") for c in self.columns]
                out.append(self._fact(clean(effect_words(name, self.lang, self.labels)), cells))
        if self.named or not self.names_shown:
            out += self._optional("estimator", lambda c: clean(c.model) if not self.named else "")
        out += self._optional("weights", self._weights_used)
        out += self._optional("sample", lambda c: clean(self._rows_of(c.sample)))
        for name, (key, value) in COUNTS.items():
            if self.counts is None or name in self.counts:
                out += self._numbers(key, value, 0)
        for key in dict.fromkeys(key for c in self.columns for key, _ in c.facts):
            out += self._optional(key, lambda c, key=key: self._own_fact(c, key))  # type: ignore[misc]
        return [*out, *self._optional("stable", self._stable)] if stable else out

    def _measures(self) -> list[Row]:
        out = self._numbers("r2", lambda c: c.r2, self.digits)
        out += self._numbers("r2_within", lambda c: c.r2_within, self.digits)
        out += self._optional("j", self._j)
        return out + self._numbers("f", lambda c: c.first_stage_f, self.digits)

    def _rows_of(self, condition: str) -> str:
        return self.labels.get(condition) or condition_words(condition, self.lang, self.labels)

    def _own_fact(self, column: Column, key: str) -> str:
        value = dict(column.facts).get(key)
        if value is None or isinstance(value, str):
            return self.word(value) if value == "yes" else clean(value or "")
        return format_number(value, 0 if float(value).is_integer() else self.digits)

    def _fact(self, label: str, cells: list[str]) -> Row:
        return Row(label, tuple(cells), "statistic")

    def _optional(self, key: str, cell: Callable[[Column], str]) -> list[Row]:
        cells = [cell(c) for c in self.columns]
        return [self._fact(self.word(key), cells)] if any(cells) else []

    def _numbers(self, key: str, value: Callable[[Column], float], digits: int) -> list[Row]:
        return self._optional(key, lambda c: format_number(value(c), digits))

    def _has_controls(self, column: Column) -> str:
        if column.estimates.empty:
            return ""
        present = sum(term in column.estimates.index for term in self.controls)
        return self.word("yes" if present == len(self.controls) else "partly" if present else "no")

    def _weights_used(self, column: Column) -> str:
        parts = [
            clean(self.labels[name]) if name in self.labels else kind_words(meta.kind, self.lang)
            for name, meta in column.weights.items()
        ]
        return ("、" if self.lang == "zh" else ", ").join(parts)

    def _j(self, column: Column) -> str:
        if math.isnan(column.j):
            return ""
        return f"{format_number(column.j, self.digits)} ({format_number(column.j_p, self.digits)})"

    def _stable(self, column: Column) -> str:
        if column.system is None or column.system.stable is None:
            return ""
        return self.word("yes" if column.system.stable else "no")

    # ---- the second panel
    def _effects(self, title: str = "") -> list[Row]:
        terms = list(dict.fromkeys(t for c in self.columns for t in _effect_terms(c)))
        if not terms:
            return []
        if self.impacts is not None:
            refuse_unknown(self.impacts, set(terms), "impacts")
            terms = [t for t in terms if t in self.impacts]
        else:
            terms = [t for t in terms if t not in self.controls]
        rows, labels = (
            [Row(title or self.word("panel_effects"), (), "panel", rule=True)],
            self.label_rows(terms),
        )
        for effect in ("direct", "indirect", "total"):
            rows.append(Row(self.word(effect), (), "panel"))
            for term in terms:
                rows += self.pair(labels[term], [_effect(c, term, effect) for c in self.columns])
        return rows


def _ruled(rows: list[Row]) -> list[Row]:
    """Return rows with a line above the first."""
    return [replace(row, rule=True) if k == 0 else row for k, row in enumerate(rows)]


def _empty(equation: str, number: int) -> Column:
    return Column("", number, equation, pd.DataFrame(columns=ESTIMATES))


def _merged(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return one column for each model, with the weights of all its equations."""
    found: dict[int, Column] = {}
    for column in columns:
        first = found.setdefault(column.number, column)
        found[column.number] = replace(first, weights={**first.weights, **column.weights})
    return tuple(found.values())


def refuse_unknown(wanted: Iterable[str], known: set[str], what: str) -> None:
    """Refuse names of terms that are in no column."""
    for term in wanted:
        if term not in known:
            shown = ", ".join(map(repr, sorted(known)))
            raise DataError(
                f"{what} names {term!r}, which is in none of the models.{did_you_mean(term, known)} "
                f"They have: {shown}."
            )


def _effect_terms(column: Column) -> list[str]:
    return [] if column.impacts is None else list(dict.fromkeys(column.impacts["term"]))


def _at(frame: pd.DataFrame, term: str) -> Any:
    return frame.loc[term] if term in frame.index else None


def _effect(column: Column, term: str, effect: str) -> Any:
    if column.impacts is None:
        return None
    found = column.impacts[(column.impacts["term"] == term) & (column.impacts["effect"] == effect)]
    return found.iloc[0] if len(found) else None


def labels_of(labels: Any, columns: Iterable[Column] = ()) -> dict[str, str]:
    """Return labels from a mapping or a Panel; those that other programs keep stand behind."""
    own = {k: v for c in columns for k, v in c.labels.items()}
    return {**own, **given_labels(labels)}


def term_label(term: str, labels: Mapping[str, str]) -> str:
    """Return the label of a term outside a table of models: ``W(x)`` is a lag there too.

    Examples
    --------
    >>> term_label("W(crmrte)", {"crmrte": "Crime"})
    'W×Crime'
    """
    found = _LAG.match(term)
    if term in labels or found is None or found[1] != "W":
        return labels.get(term, term)
    return f"W×{labels.get(found[2], found[2])}"
