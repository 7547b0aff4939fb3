"""What may stand in a study file about tables, figures, layers and the report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Columns, Effect, FileName, Section, Time

__all__ = [
    "FIGURES",
    "TABLES",
    "Coefficients",
    "Connectivity",
    "CorrelationTable",
    "Density",
    "DescriptiveTable",
    "EffectsMap",
    "Figure",
    "IdentificationTable",
    "ImpactsFigure",
    "Layers",
    "MoranTable",
    "Neighbours",
    "RegressionTable",
    "Report",
    "SmallMultiples",
    "Table",
    "UnitEffect",
    "ValuesMap",
    "WeightsTable",
]

Format = Literal["docx", "xlsx", "tex", "html", "md", "csv"]
Formats = Annotated[list[Format], Field(min_length=1)]
ALL_FORMATS: list[Format] = ["docx", "xlsx", "tex", "html", "md"]


class _Table(Section):
    name: FileName
    formats: Formats = ALL_FORMATS
    title: str | None = None
    notes: list[str] = Field([])
    """Added below the table."""
    digits: Annotated[int, Field(ge=0, le=10)] = 3


class RegressionTable(_Table):
    """Fits side by side."""

    kind: Literal["regression"]
    fits: Annotated[list[str], Field(min_length=1)]
    """Names of systems, of their comparisons (NAME.METHOD) and of regressions."""
    names: list[str] | None = None
    """Heads of the columns, one for each fit."""
    show: Literal["t", "se"] = "t"
    """What stands in parentheses."""
    stars: list[float] = Field([0.1, 0.05, 0.01])
    """Thresholds of p-values, one star each; [] for none."""
    controls: list[str] = Field([])
    """Terms shown as one yes/no row."""
    impacts: bool = False
    """A second panel with direct, indirect and total effects."""


class DescriptiveTable(_Table):
    """N, mean, standard deviation, minimum, maximum."""

    kind: Literal["descriptive"]
    columns: list[str] | None = None


class CorrelationTable(_Table):
    """Correlations with stars."""

    kind: Literal["correlation"]
    columns: list[str] | None = None


class MoranTable(_Table):
    """Moran's I by time, for all [[diagnostics]] columns with the same weights."""

    kind: Literal["moran"]
    weights: str | None = None


class IdentificationTable(_Table):
    """The verdict on a system, and its first stages."""

    kind: Literal["identification"]
    system: str


class WeightsTable(_Table):
    """Weights side by side."""

    kind: Literal["weights"]
    weights: list[str] | None = None


TABLES: dict[str, type[Section]] = {
    "correlation": CorrelationTable,
    "descriptive": DescriptiveTable,
    "identification": IdentificationTable,
    "moran": MoranTable,
    "regression": RegressionTable,
    "weights": WeightsTable,
}
Table = Annotated[
    RegressionTable | DescriptiveTable | CorrelationTable | MoranTable | IdentificationTable | WeightsTable,
    Field(discriminator="kind"),
]


class _Figure(Section):
    name: FileName
    format: Literal["png", "pdf", "svg"] = "png"
    title: str | None = None


class Connectivity(_Figure):
    """Map of the links."""

    kind: Literal["connectivity"]
    weights: str | None = None


class Neighbours(_Figure):
    """Histogram of the numbers of neighbours."""

    kind: Literal["neighbours"]
    weights: str | None = None


class ValuesMap(_Figure):
    """Map of a column at one time."""

    kind: Literal["values"]
    column: str
    at: Time | None = None
    scheme: str = "quantiles"
    classes: Annotated[int, Field(ge=2, le=12)] = 5


class SmallMultiples(_Figure):
    """Maps of a column at several times."""

    kind: Literal["small_multiples"]
    column: str
    times: list[Time] | None = None
    scheme: str = "quantiles"
    classes: Annotated[int, Field(ge=2, le=12)] = 5


class Density(_Figure):
    """Densities of a column through time."""

    kind: Literal["density"]
    column: str
    times: list[Time] | None = None


class Coefficients(_Figure):
    """Coefficients of several fits with their intervals."""

    kind: Literal["coefficients"]
    fits: Annotated[list[str], Field(min_length=1)]
    equation: str | None = None
    terms: list[str] | None = None


class ImpactsFigure(_Figure):
    """Direct, indirect and total effects on one outcome."""

    kind: Literal["impacts"]
    fit: str
    outcome: str | None = None


class EffectsMap(_Figure):
    """Map of what a rise of a regressor does, by unit."""

    kind: Literal["effects_map"]
    fit: str
    outcome: str
    term: str
    effect: Effect = "sent"
    scheme: str = "quantiles"
    classes: Annotated[int, Field(ge=2, le=12)] = 5


FIGURES: dict[str, type[Section]] = {
    "coefficients": Coefficients,
    "connectivity": Connectivity,
    "density": Density,
    "effects_map": EffectsMap,
    "impacts": ImpactsFigure,
    "neighbours": Neighbours,
    "small_multiples": SmallMultiples,
    "values": ValuesMap,
}
Figure = Annotated[
    Connectivity
    | Neighbours
    | ValuesMap
    | SmallMultiples
    | Density
    | Coefficients
    | ImpactsFigure
    | EffectsMap,
    Field(discriminator="kind"),
]


class UnitEffect(Section):
    """A field of a layer: effects by unit."""

    fit: str
    outcome: str
    term: str
    effect: Effect = "sent"


Content = Literal["data", "local", "residuals", "weights"]


class Layers(Section):
    """A file for GIS in gis/."""

    name: FileName
    format: Literal["gpkg", "shp", "geojson", "parquet"] = "gpkg"
    include: list[Content] = Field(["data", "local", "residuals", "weights"])
    effects: list[UnitEffect] = Field([])
    fits: list[str] | None = None
    """Systems whose residuals are written; default all."""
    at: Time | None = None
    """Time of the data; default the last."""
    attributes: list[str] = Field([])
    """Columns of the map, such as names, that each layer carries."""


class Report(Section):
    """report.html, which works without a network."""

    columns: Columns
    weights: str | None = None
    title: str | None = None
    name: str | None = None
    """Column of the map with the names of the units."""
    permutations: Annotated[int, Field(ge=0)] = 999
