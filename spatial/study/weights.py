"""Weights of a study: built from their section, the map, and means of columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import DataError
from spatial.study.schema.weights import Economic, Gravity, Nested, Weights

from .calls import Ref, call, method, time_of
from .columns import sources
from .data import file_of
from .schema.study import Study

__all__ = ["column_of", "map_column", "mean_of", "nested_in", "other_weights", "weights_call"]


def column_of(part: Any) -> tuple[str, str] | None:
    """Return the key and the column that weights are computed from, or None."""
    match part:
        case Economic(column=column):
            return "column", column
        case Gravity(mass=mass):
            return "mass", mass
    return None


def nested_in(study: Study, name: str) -> list[str]:
    """Return the weights that `name` is made of, itself first, each once."""
    found, rest = [], [name]
    while rest:
        one = rest.pop(0)
        if one in study.weights and one not in found:
            found.append(one)
            part = study.weights[one]
            rest += part.weights if isinstance(part, Nested) else []
    return found


def weights_call(study: Study, name: str, folder: Path, raw: Collection[str]) -> Any:
    """Return what builds the weights of a section, and normalises them.

    Parameters
    ----------
    folder : Path
        Of the study file, for weights that are read from a file.
    raw : collection of str
        Columns of the panel as read.
    """
    part = study.weights[name]
    options: dict[str, Any] = {}
    match part:
        case Weights():
            built = _by_text(part, folder)
        case Nested(weights=(first, second)):
            options = {"row_standardize": True} if part.row_standardize else {}
            built = call(
                "weights.nested", Ref("weights", first), Ref("weights", second), part.share, **options
            )
        case Economic():
            built = call("weights.economic", _means(study, part.column, part.times, raw), power=part.power)
        case Gravity():
            mass = _means(study, part.mass, part.times, raw)
            options = {"power": part.power}
            options |= {} if part.cutoff_km is None else {"cutoff_km": part.cutoff_km}
            built = call("weights.gravity", Ref("cities"), mass, **options)
    how = _NORMALISATIONS[part.normalisation]
    return method(built, how) if how else built


def other_weights(study: Study, name: str, spec: str) -> Study:
    """Return the study with weights of another spec under a name; all else of them stays."""
    part = study.weights[name]
    words = {key: getattr(part, key) for key in ("normalisation", "islands") if hasattr(part, key)}
    return study.model_copy(update={"weights": {**study.weights, name: Weights(spec=spec, **words)}})


_NORMALISATIONS = {
    "row": "row_standardized",
    "spectral": "spectral_normalized",
    "minmax": "minmax_normalized",
    "none": "",
}


def _by_text(part: Weights, folder: Path) -> Any:
    if part.bridge:
        pairs = [(first, second) for first, second in part.bridge]
        options: dict[str, Any] = {"rook": True} if part.spec == "rook" else {}
        return call("weights.contiguity", Ref("cities"), **options, islands=part.islands, bridge=pairs)
    path = file_of(part.spec, folder)
    spec = str(path) if path.is_file() else part.spec
    return call("weights.from_spec", Ref("cities"), spec, islands=part.islands)


def _means(study: Study, column: str, times: Iterable[Any] | None, raw: Collection[str]) -> Any:
    """Return the mean of a column over times by unit, of all times as read: some are before the sample."""
    if column in raw or column in sources(study, raw):
        return Ref("mean", (column, None if times is None else tuple(times)))
    return Ref("map column", column)


def mean_of(panel: Any, column: str, times: Iterable[Any] | None, cities: Any) -> Any:
    """Return the mean of a column of the panel over times, missing where it is missing at one of them."""
    wanted = panel.times if times is None else [time_of(panel, time) for time in times]
    found = pd.concat([panel.at(time)[column].reindex(cities.index) for time in wanted], axis=1)
    return _numbers(found, column).mean(axis=1, skipna=False).rename(column)


def map_column(cities: Any, column: str) -> Any:
    """Return a column of the map as numbers."""
    return _numbers(cities[[column]], column)[column]


def _numbers(found: Any, column: str) -> Any:
    texts = [kind for kind in found.dtypes if not pd.api.types.is_numeric_dtype(kind)]
    if texts:
        raise DataError(f"Weights need numbers; the column {column!r} holds {texts[0]}.")
    return found.astype("float64")
