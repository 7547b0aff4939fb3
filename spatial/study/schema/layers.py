"""What may stand in a study file about layers for GIS and the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from .base import Columns, Effect, FileName, FirstWeights, MapColumn, Names, Section, TimeName, Use
from .figures import effect_uses

__all__ = ["Layers", "Report", "UnitEffect"]


class UnitEffect(Section):
    """A field of a layer: effects by unit."""

    fit: str
    outcome: str
    term: str
    effect: Effect = "sent"

    def uses(self) -> Iterator[Use]:
        """Yield the effect."""
        yield from effect_uses(self, self.outcome, self.term)


Content = Literal["data", "groups", "local", "residuals", "weights"]


class Layers(Section):
    """A file for GIS in gis/."""

    name: FileName
    format: Literal["gpkg", "shp", "geojson", "parquet"] = "gpkg"
    include: list[Content] = Field(["data", "local", "residuals", "weights"])
    """"groups": a layer for each of [groups], with the words that readers see, at the time of the data."""
    effects: list[UnitEffect] = Field([])
    fits: list[Annotated[str, Names("system")]] | None = None
    """Systems whose residuals are written; default all."""
    at: TimeName | None = None
    """Time of the data; default the last."""
    attributes: list[MapColumn] | None = None
    """Columns of the map that each layer carries; default those with names of the units."""


class Report(Section):
    """report.html, which works without a network."""

    columns: Columns
    weights: FirstWeights = None
    title: str | None = None
    name: MapColumn | None = None
    """Column of the map with the names of the units."""
    group: MapColumn | None = None
    """Column of the map whose groups get grey borders, as provinces."""
    permutations: Annotated[int, Field(ge=0)] = 999
