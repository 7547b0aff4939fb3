"""Which rows of a table meet a condition: three-valued, so that a row of which nobody knows is left out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, did_you_mean, name_ids

from .conditions import Condition, parse_condition
from .nodes import (
    Aggregate,
    Arithmetic,
    Column,
    Comparison,
    Constant,
    Function,
    Junction,
    Membership,
    Negation,
    Node,
    Presence,
    Truth,
)

__all__ = ["ChosenRows", "choose_rows", "truth"]

Mask = NDArray[np.bool_]

_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """The rows that meet a condition.

    Parameters
    ----------
    condition : Condition
    mask : bool array (R,)
        In the order of the frame.
    unknown : int
        Rows of which a missing value leaves it open; they are left out.
    """

    condition: Condition
    mask: Mask
    unknown: int

    @property
    def said(self) -> str:
        """What was chosen, in words."""
        text = f"{self.condition.text}: {int(self.mask.sum())} of {len(self.mask)} rows"
        return text + (f", {self.unknown} left out as unknown (missing values)" if self.unknown else "")


def truth(condition: str | Condition, frame: pd.DataFrame) -> pd.Series[Any]:
    """Return for each row whether it meets `condition`: true, false, or missing where that is unknown.

    Examples
    --------
    >>> truth("x > 2 or x is missing", pd.DataFrame({"x": [1.0, 5.0, None]})).tolist()
    [False, True, True]
    """
    read = parse_condition(condition) if isinstance(condition, str) else condition
    return _truth(read, _Table(read.text, frame))


def _truth(read: Condition, table: _Table) -> pd.Series[Any]:
    for name in read.columns:
        table.check(name)
    return table.truth(read.node)


def choose_rows(condition: str | Condition, frame: pd.DataFrame) -> ChosenRows:
    """Return which rows of `frame` meet `condition`; see `parse_condition` for what may be written.

    Logic is three-valued, as in SQL: a comparison with a missing value is unknown, so is its ``not``, and
    rows that are unknown at the end are left out and counted.

    Parameters
    ----------
    condition : str or Condition
    frame : DataFrame
        Indexed by (unit, time), or by unit.  ``unit`` and ``time`` are these levels, whatever they are
        called; their own names can be written too.

    Raises
    ------
    FormulaError
        For an unknown column, or one that has no order, no truth, or other kinds of values than those that it
        is compared with.
    DataError
        For a condition that no row, or every row, meets.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [1.0, 5.0, None]}, index=["a", "b", "c"])
    >>> choose_rows("not x < 3", frame).said
    'not x < 3: 1 of 3 rows, 1 left out as unknown (missing values)'
    """
    read = parse_condition(condition) if isinstance(condition, str) else condition
    table = _Table(read.text, frame)
    found = _truth(read, table)
    mask, unknown = found.fillna(False).to_numpy(dtype=bool), int(found.isna().sum())
    if not mask.any():
        raise DataError(f"No row meets {read.text}.{table.advice(read.node)}")
    if mask.all():
        raise DataError(
            f"Every one of the {len(mask)} rows meets {read.text}: it chooses nothing. Leave it out."
        )
    return ChosenRows(read, mask, unknown)


class _Table:
    """Values and truths of the nodes of a condition over the rows of a frame."""

    def __init__(self, text: str, frame: pd.DataFrame) -> None:
        self.text, self.frame = text, frame

    def refuse(self, why: str) -> FormulaError:
        return FormulaError(f"{self.text!r}: {why}")

    # ---- columns
    def _level(self, name: str) -> int | None:
        names = list(self.frame.index.names)
        if name in self.frame.columns:
            return None
        if name in names:
            return names.index(name)
        return {"unit": 0, "time": 1 if len(names) == 2 else None}.get(name)

    def check(self, name: str) -> None:
        if name not in self.frame.columns and self._level(name) is None:
            known = [*map(str, self.frame.columns), *(str(n) for n in self.frame.index.names if n), "unit"]
            raise self.refuse(f"the data have no column {name!r}.{did_you_mean(name, known)}")

    def column(self, name: str) -> pd.Series[Any]:
        level = self._level(name)
        if level is None:
            values = self.frame[name]
        else:
            values = self.frame.index.get_level_values(level).to_series(index=self.frame.index)
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        return values.reset_index(drop=True)

    # ---- values
    def value(self, node: Node) -> Any:
        """Return a Series, or a constant."""
        match node:
            case Constant(value=value):
                return value
            case Column(name=name):
                return self.column(name)
            case Arithmetic(operator=sign, left=left, right=right):
                return _finite(_ARITHMETIC[sign](self.number(left), self.number(right)))
            case Function(name=name, argument=argument):
                with np.errstate(all="ignore"):
                    return _finite(_FUNCTIONS[name](self.number(argument)))
            case Aggregate(name=name, argument=argument, share=share):
                return self.aggregate(name, self.number(argument), share)
        raise self.refuse("a condition stands where a value is needed.")

    def number(self, node: Node) -> Any:
        found = self.value(node)
        if _kind(found) != "number":
            raise self.refuse(f"numbers are needed; {_written(node)} holds {_kind_words(found)}.")
        return found.astype("float64") if isinstance(found, pd.Series) else float(found)

    def aggregate(self, name: str, values: Any, share: float) -> pd.Series[Any]:
        if not isinstance(values, pd.Series):
            raise self.refuse(f"{name}( ) is of a column.")
        levels = self.frame.index.nlevels
        time = self.frame.index.get_level_values(1) if levels == 2 else np.zeros(len(values))
        groups = values.groupby(np.asarray(time))
        if name == "mean":
            return groups.transform("mean")
        return groups.transform(lambda v: v.quantile(share))

    # ---- truths: boolean, with missing for unknown
    def truth(self, node: Node) -> pd.Series[Any]:
        match node:
            case Junction(operator=word, left=left, right=right):
                a, b = self.truth(left), self.truth(right)
                return a & b if word == "and" else a | b
            case Negation(operand=operand):
                return ~self.truth(operand)
            case Comparison(relations=relations, values=values):
                return self.comparison(relations, values)
            case Membership(value=value, items=items):
                return self.membership(value, items)
            case Presence(value=value):
                return self.spread(pd.isna(self.value(value)))
            case Truth(value=value):
                found = self.value(value)
                if _kind(found) != "truth":
                    raise self.refuse(
                        f"{_written(value)} alone is no condition: it holds {_kind_words(found)}, not true "
                        f"and false. Compare it, as {_written(value)} > 0."
                    )
                return self.spread(found)
        raise self.refuse("a value stands where a condition is needed.")

    def spread(self, values: Any) -> pd.Series[Any]:
        found = values if isinstance(values, pd.Series) else pd.Series([values] * len(self.frame))
        return found.astype("boolean")

    def comparison(self, relations: tuple[str, ...], nodes: tuple[Node, ...]) -> pd.Series[Any]:
        found = None
        for relation, left, right in zip(relations, nodes[:-1], nodes[1:], strict=True):
            a, b = self.comparable(left, right, relation)
            one = self.spread(_RELATIONS[relation](a, b)).mask(
                self.spread(pd.isna(a)) | self.spread(pd.isna(b))
            )
            found = one if found is None else found & one
        assert found is not None
        return found

    def comparable(self, left: Node, right: Node, relation: str) -> tuple[Any, Any]:
        """Return both values, of one kind; a text beside dates is read as a date."""
        a, b = self.value(left), self.value(right)
        a, b = _as_date(a, b), _as_date(b, a)
        kinds = {_kind(a), _kind(b)}
        if len(kinds) == 2:
            raise self.refuse(self.mismatch(left, a, right, b))
        if relation not in ("==", "!=") and kinds & {"text", "truth"}:
            raise self.refuse(f"{_kind_words(a)} has no order; {relation!r} needs numbers or dates.")
        if kinds == {"number"}:
            a, b = (v.astype("float64") if isinstance(v, pd.Series) else float(v) for v in (a, b))
        return a, b

    def mismatch(self, left: Node, a: Any, right: Node, b: Any) -> str:
        for node, other, found in ((left, right, a), (right, left, b)):
            if isinstance(other, Constant) and isinstance(found, pd.Series):
                hint = ""
                if _kind(found) == "text" and isinstance(other.value, float):
                    hint = f" Write {f'{other.value:g}'!r} in quotes."
                elif isinstance(other.value, str) and _kind(found) == "number":
                    hint = " Write the number without quotes."
                return f"{_written(node)} holds {_kind_words(found)}, not {_written(other)}.{hint}"
        return f"{_written(left)} holds {_kind_words(a)}, and {_written(right)} {_kind_words(b)}."

    def membership(self, node: Node, items: tuple[Constant, ...]) -> pd.Series[Any]:
        found = self.value(node)
        if not isinstance(found, pd.Series):
            raise self.refuse("'in' is asked of a column.")
        pairs = [self.comparable(node, item, "==") for item in items]
        inside = pd.Series(False, index=found.index)
        for values, item in pairs:
            inside |= pd.Series(values == item).fillna(False).astype(bool)
        return inside.astype("boolean").mask(found.isna())

    # ---- advice
    def advice(self, node: Node) -> str:
        """Say what values there are, where a text was asked for that none of the rows has."""
        asked = _texts(node)
        for name, text in asked:
            values = self.column(name).dropna().unique().tolist()
            if text not in values:
                return f" {name} is one of: {name_ids(sorted(values), 8)}.{did_you_mean(text, values)}"
        return ""


def _texts(node: Node) -> list[tuple[str, str]]:
    """Return (column, text) of each comparison of a column with a text."""
    match node:
        case Comparison(values=(Column(name=name), Constant(value=str(text)))):
            return [(name, text)]
        case Membership(value=Column(name=name), items=items):
            return [(name, item.value) for item in items if isinstance(item.value, str)]
        case Junction(left=left, right=right):
            return [*_texts(left), *_texts(right)]
        case Negation(operand=operand):
            return _texts(operand)
    return []


def _finite(values: Any) -> Any:
    """Return values with those that are not defined, as log(0), missing."""
    if isinstance(values, pd.Series):
        return values.where(np.isfinite(values))
    return values if np.isfinite(values) else np.nan


def _kind(value: Any) -> str:
    if not isinstance(value, pd.Series):
        if isinstance(value, (bool, np.bool_)):
            return "truth"
        return "text" if isinstance(value, str) else "number" if isinstance(value, (int, float)) else "date"
    dtype = value.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return "truth"
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)) or pd.api.types.is_datetime64_any_dtype(dtype):
        return "date"
    known = value.dropna()
    if len(known) and all(isinstance(v, (bool, np.bool_)) for v in known):
        return "truth"
    return "text"


def _kind_words(value: Any) -> str:
    return {"truth": "true and false", "number": "numbers", "date": "dates", "text": "text"}[_kind(value)]


def _as_date(value: Any, other: Any) -> Any:
    """Return a text as a date, or a number as a year, where it stands beside dates."""
    if not isinstance(other, pd.Series) or isinstance(value, (pd.Series, bool)) or _kind(other) != "date":
        return value
    text = f"{value:g}" if isinstance(value, float) else value
    try:
        if isinstance(other.dtype, pd.PeriodDtype):
            return pd.Period(text, freq=other.dtype.freq)
        return pd.Timestamp(text, tz=getattr(other.dtype, "tz", None))
    except (ValueError, TypeError):
        return value


def _written(node: Node) -> str:
    match node:
        case Constant(value=float(value)):
            return f"{value:g}"
        case Constant(value=value):
            return repr(value)
        case Column(name=name):
            return name
        case Function(name=name, argument=argument) | Aggregate(name=name, argument=argument):
            return f"{name}({_written(argument)})"
        case Arithmetic(operator=sign, left=left, right=right):
            return f"{_written(left)} {sign} {_written(right)}"
    return "it"
