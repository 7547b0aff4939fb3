"""What was measured: for each measure its formula, parameters and counts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .values import Values

__all__ = ["measures_frame", "weights_of_index"]


def measures_frame(values: Values) -> pd.DataFrame:
    """Return one row a measure: name, label, function, formula, parameters, rows, missing cells and range."""
    frame = values.panel.frame
    rows: list[dict[str, Any]] = []
    for part in values.study.measures:
        column = frame[part.name]
        given = part.model_dump(exclude={"name", "kind", "en", "zh", "unit"})
        rows.append(
            {
                "name": part.name,
                "label": values.label(part.name),
                "function": part.function,
                "formula": part.formula,
                "parameters": "; ".join(f"{key} = {_short(value)}" for key, value in given.items()),
                "rows": len(column),
                "missing": int(column.isna().sum()),
                "mean": float(column.mean()),
                "min": float(column.min()),
                "max": float(column.max()),
                "notes": _notes(values.measure(part.name)),
            }
        )
    return pd.DataFrame(rows)


def _short(value: Any) -> str:
    match value:
        case None:
            return "none"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{key}: {_short(one)}" for key, one in value.items()) or "none"
    return str(value)


def _notes(value: Any) -> str:
    """Return what a measure says of itself, as the unit of its distances."""
    meta = getattr(value, "meta", None)
    return str(meta.get("note", "")) if isinstance(meta, dict) else ""


def weights_of_index(values: Values, part: Any) -> pd.DataFrame | None:
    """Return the weights of a composite index, a row an indicator; None of other measures."""
    value = values.measure(part.name)
    levels = getattr(value, "levels", None)
    return levels if isinstance(levels, pd.DataFrame) and part.function.endswith("_index") else None
