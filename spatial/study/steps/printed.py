"""What a paper prints, as columns beside ours: coefficients with their t, or the moments of variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spatial.tables.formats.cells import Head, Row, clean

__all__ = ["with_coefficients", "with_moments"]

_WORDS = {
    "en": ("Printed", "Printed mean", "Printed sd", "Printed min", "Printed max", "Printed: {source}."),
    "zh": ("原文", "原文均值", "原文标准差", "原文最小值", "原文最大值", "原文：{source}。"),
}


def with_coefficients(table: Any, typed: Mapping[str, Any], source: str, labels: Mapping[str, str]) -> Any:
    """Return a regression table with a column for each equation, or column, of a printed one.

    Parameters
    ----------
    table : RegressionTable
    typed : mapping
        As `check_table` takes it.
    source : str
    labels : mapping of str to str
        Of outcomes.
    """
    words = _WORDS[table.lang]
    stacked = any(row.key is not None and row.key[0] for row in table.rows)  # equations one below the other
    blank = [""] * len(typed["term"])
    equations, columns = typed.get("equation") or blank, typed.get("column") or blank
    of = [str(name) for name in (columns if stacked or equations is blank else equations)]
    shown = "t" if "t" in typed else "std_error"
    heads = list(dict.fromkeys(of))
    cells: dict[tuple[str, str, str], tuple[str, str]] = {}
    for k, (name, term) in enumerate(zip(of, typed["term"], strict=True)):
        below = typed.get(shown, blank)[k]
        cells[name, str(equations[k]) if stacked else "", str(term)] = (
            _minus(typed["coefficient"][k]),
            f"({_minus(below)})" if below != "" else "",
        )
    rows = []
    for row in table.rows:
        keys = [(name, *(row.key or ("", ""))) for name in heads]
        rows.append(_longer(row, [cells.get(key, ("", ""))[row.kind == "detail"] for key in keys]))
    *above, last = table.header
    header = [(*line, Head(words[0] if k == 0 else "", len(heads))) for k, line in enumerate(above)]
    header.append((*last, *(Head(clean(labels.get(name, name))) for name in heads)))
    notes = (*table.notes, words[-1].format(source=clean(source)))
    return replace(table, header=tuple(header), rows=tuple(rows), notes=notes)


def with_moments(
    table: Any, moments: Mapping[str, Sequence[Any]], columns: Sequence[str], source: str
) -> Any:
    """Return a descriptive table with the printed mean, sd, minimum and maximum of its columns."""
    words = _WORDS[table.lang]
    rows = []
    for name, row in zip(columns, table.rows, strict=True):
        rows.append(_longer(row, [_minus(value) for value in moments.get(name, [""] * 4)]))
    *above, last = table.header
    header = [(*line, Head("", 4)) for line in above]
    header.append((*last, *(Head(word) for word in words[1:5])))
    notes = (*table.notes, words[-1].format(source=clean(source)))
    return replace(table, header=tuple(header), rows=tuple(rows), notes=notes)


def _longer(row: Row, more: Sequence[str]) -> Row:
    return row if row.kind == "panel" else replace(row, cells=(*row.cells, *more))


def _minus(value: Any) -> str:
    return clean(str(value)).strip("()")
