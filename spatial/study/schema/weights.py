"""Weights in a study file: by a short text, or of a kind that needs data or other weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from .base import Names, Section, Time, TimeName

__all__ = ["WEIGHTS", "AnyWeights", "Economic", "Gravity", "Nested", "Weights"]

Normalisation = Literal["row", "spectral", "minmax", "none"]
Times = Annotated[list[TimeName], Field(min_length=1)]
MapOrPanel = Annotated[str, Names("column of panel or map")]
Pair = Annotated[list[Time], Field(min_length=2, max_length=2)]


class Weights(Section):
    """Who neighbours whom, by a short text."""

    kind: Literal["spec"] = "spec"
    spec: str
    """queen, rook, knn:8, band:200 (km), inverse:1, inverse:1:500, kernel:200, or a weights file."""
    normalisation: Normalisation = "row"
    islands: Literal["raise", "keep", "nearest"] = "raise"
    bridge: list[Pair] = Field([])
    """Of queen and rook: pairs to link besides, by id or name, as [["Haikou", "Zhanjiang"]]."""


class Economic(Section):
    """Nearness of a value: the inverse of differences of means over times, |x_i - x_j| ^ -power."""

    kind: Literal["economic"]
    column: MapOrPanel
    """Column of the panel, or, where it has none of that name, of the map; as cleaned, at all times read."""
    times: Times | None = None
    """Times whose mean is taken, best before the sample; default all that are read."""
    power: Annotated[float, Field(gt=0)] = 1.0
    normalisation: Normalisation = "row"


class Gravity(Section):
    """Pull of masses: m_i m_j / km ^ power."""

    kind: Literal["gravity"]
    mass: MapOrPanel
    """Column of the panel, or, where it has none of that name, of the map; as cleaned, at all times read."""
    times: Times | None = None
    """Times whose mean is taken, best before the sample; default all that are read."""
    power: Annotated[float, Field(gt=0)] = 2.0
    cutoff_km: Annotated[float, Field(gt=0)] | None = None
    normalisation: Normalisation = "row"


class Nested(Section):
    """A mixture of two weights of the study, as they are: a share of the first, else the second."""

    kind: Literal["nested"]
    weights: Annotated[list[Annotated[str, Names("weights")]], Field(min_length=2, max_length=2)]
    share: Annotated[float, Field(ge=0, le=1)]
    row_standardize: bool = False
    """Row-standardise both first, where they are not."""
    normalisation: Normalisation = "row"


WEIGHTS: dict[str, type[Section]] = {
    "economic": Economic,
    "gravity": Gravity,
    "nested": Nested,
    "spec": Weights,
}


def _kind(given: Any) -> str:
    found = given.get("kind", "spec") if isinstance(given, dict) else getattr(given, "kind", "spec")
    return str(found)


AnyWeights = Annotated[
    Annotated[Weights, Tag("spec")]
    | Annotated[Economic, Tag("economic")]
    | Annotated[Gravity, Tag("gravity")]
    | Annotated[Nested, Tag("nested")],
    Discriminator(_kind),
]
