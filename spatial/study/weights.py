"""Weights of a study: built from their section, the map, and means of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

import spatial as sp
from spatial.errors import DataError, SpatialError
from spatial.study.schema.weights import Economic, Gravity, Nested, Weights

from .data import Loaded, cleaned, file_of, time_of
from .schema import study as schema

__all__ = ["build_weights", "column_of", "nested_in"]


def column_of(part: Any) -> tuple[str, str] | None:
    """Return the key and the column that weights are computed from, or None."""
    match part:
        case Economic(column=column):
            return "column", column
        case Gravity(mass=mass):
            return "mass", mass
    return None


def nested_in(study: schema.Study, name: str) -> list[str]:
    """Return the weights that `name` is made of, itself first, each once."""
    found, rest = [], [name]
    while rest:
        one = rest.pop(0)
        if one in study.weights and one not in found:
            found.append(one)
            part = study.weights[one]
            rest += part.weights if isinstance(part, Nested) else []
    return found


def build_weights(
    study: schema.Study, name: str, loaded: Loaded, folder: Path, other: Callable[[str], Any]
) -> Any:
    """Build weights and normalise them; `other` gives the weights that are named in nested ones."""
    part = study.weights[name]
    try:
        return _normalised(_built(study, part, loaded, folder, other), part.normalisation)
    except SpatialError as error:
        raise type(error)(f"weights.{name}: {error}") from None


def _built(study: schema.Study, part: Any, loaded: Loaded, folder: Path, other: Callable[[str], Any]) -> Any:
    match part:
        case Weights():
            return _by_text(part, loaded.cities, folder)
        case Nested(weights=names):
            first, second = map(other, names)
            return sp.weights.nested(first, second, part.share, row_standardize=part.row_standardize)
        case Economic():
            return sp.weights.economic(_means(study, part.column, part.times, loaded), power=part.power)
        case Gravity():
            mass = _means(study, part.mass, part.times, loaded)
            return sp.weights.gravity(loaded.cities, mass, power=part.power, cutoff_km=part.cutoff_km)


def _normalised(W: Any, how: str) -> Any:
    match how:
        case "row":
            return W.row_standardized()
        case "spectral":
            return W.spectral_normalized()
        case "minmax":
            return W.minmax_normalized()
    return W


def _by_text(part: Weights, cities: Any, folder: Path) -> Any:
    if part.bridge:
        pairs = [(first, second) for first, second in part.bridge]
        rook = part.spec == "rook"
        return sp.weights.contiguity(cities, rook=rook, islands=part.islands, bridge=pairs)
    path = file_of(part.spec, folder)
    return sp.weights.from_spec(cities, str(path) if path.is_file() else part.spec, islands=part.islands)


# ---- means
def _means(study: schema.Study, column: str, times: Iterable[Any] | None, loaded: Loaded) -> Any:
    """Return the mean of a column over times by unit, missing where it is missing at one of them."""
    # Times before the sample are wanted too.
    panel = cleaned(study, loaded.panel, keep_rows=True)
    if column in panel.columns:
        wanted = panel.times if times is None else [time_of(panel, time) for time in times]
        found = pd.concat([panel.at(time)[column].reindex(loaded.cities.index) for time in wanted], axis=1)
    else:
        found = loaded.cities[[column]]
    texts = [kind for kind in found.dtypes if not pd.api.types.is_numeric_dtype(kind)]
    if texts:
        raise DataError(f"Weights need numbers; the column {column!r} holds {texts[0]}.")
    return found.astype("float64").mean(axis=1, skipna=False).rename(column)
