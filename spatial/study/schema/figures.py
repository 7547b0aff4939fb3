"""The schema of figures in a study file: one class a kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import (
    Column,
    Effect,
    FirstWeights,
    FitName,
    Location,
    MapColumn,
    Names,
    PolicyName,
    Section,
    TimeName,
    Titled,
    Use,
    name_faults,
)

__all__ = [
    "FIGURES",
    "AnalysisFigure",
    "Coefficients",
    "CohortMap",
    "Connectivity",
    "Density",
    "EffectsMap",
    "Figure",
    "FigureSection",
    "ImpactsFigure",
    "MapFigure",
    "MoranScatter",
    "Neighbours",
    "PolicyFigure",
    "SmallMultiples",
    "ThresholdFigure",
    "ValuesMap",
    "effect_uses",
]


def effect_uses(section: Any, outcome: str | None, term: str | None) -> Iterator[Use]:
    """Yield an effect of a system: its fit, the outcome and the term, where they are given."""
    yield Use("effect of a fit", (section.fit, outcome, term), (), section)


class FigureSection(Titled):
    """What all figures share."""

    format: Literal["png", "pdf", "svg"] = "png"


Extent = Annotated[list[float], Field(min_length=4, max_length=4)]


class MapFigure(FigureSection):
    """What all maps share."""

    crs: str | None = None
    """Projection, as "EPSG:4479"; default an area-true one for the map."""
    extent: Extent | None = None
    """West, south, east, north of what is shown."""
    inset: Literal["auto", "none"] | Extent = "auto"
    """Far parts in frames of their own: found, none, or what lies in west, south, east, north."""
    group: MapColumn | None = None
    """Column of the map whose groups get grey borders, as "province"."""
    labels: MapColumn | None = None
    """Column of the map with the names to write."""
    background: str | None = None
    """File of land that is drawn below, relative to the study file."""
    outline: str | None = None
    """File of boundaries that are drawn above, as an approved base map."""
    scale_bar: bool | None = None
    north_arrow: bool = False
    subtitle: str | None = None
    note: str | None = None


class Connectivity(FigureSection):
    """Map of the links."""

    kind: Literal["connectivity"]
    weights: FirstWeights = None


class Neighbours(FigureSection):
    """Histogram of the numbers of neighbours."""

    kind: Literal["neighbours"]
    weights: FirstWeights = None


class ValuesMap(MapFigure):
    """Map of a column at one time."""

    kind: Literal["values"]
    column: Column
    at: TimeName | None = None
    scheme: str | None = None
    """Default fifths, zero apart where it is common, symmetric round zero where both signs occur."""
    classes: Annotated[int, Field(ge=2, le=12)] = 5


class SmallMultiples(MapFigure):
    """Maps of a column at several times."""

    kind: Literal["small_multiples"]
    column: Column
    times: list[TimeName] | None = None
    scheme: str | None = None
    """Default fifths, zero apart where it is common, symmetric round zero where both signs occur."""
    classes: Annotated[int, Field(ge=2, le=12)] = 5


class Density(FigureSection):
    """Densities of a column through time."""

    kind: Literal["density"]
    column: Column
    times: list[TimeName] | None = None


class Coefficients(FigureSection):
    """Coefficients of several fits with their intervals."""

    kind: Literal["coefficients"]
    fits: Annotated[list[FitName], Field(min_length=1)]
    names: list[str] | None = None
    """What each fit is called in the legend; default its label, else its method."""
    equation: str | None = None
    terms: list[str] | None = None

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse another number of names than of fits."""
        yield from name_faults(self.fits, self.names)


class ImpactsFigure(FigureSection):
    """Direct, indirect and total effects on one outcome."""

    kind: Literal["impacts"]
    fit: str
    outcome: str | None = None

    def uses(self) -> Iterator[Use]:
        """Yield the effect."""
        yield from effect_uses(self, self.outcome, None)


class EffectsMap(MapFigure):
    """Map of what a rise of a regressor does, by unit."""

    kind: Literal["effects_map"]
    fit: str
    outcome: str
    term: str
    effect: Effect = "sent"
    scheme: str | None = None
    """Default fifths, zero apart where it is common, symmetric round zero where both signs occur."""
    classes: Annotated[int, Field(ge=2, le=12)] = 5

    def uses(self) -> Iterator[Use]:
        """Yield the effect."""
        yield from effect_uses(self, self.outcome, self.term)


class CohortMap(MapFigure):
    """Map of who adopted a policy when."""

    kind: Literal["cohort_map"]
    cohort: Column
    """First treated time, 0 for never."""


class MoranScatter(FigureSection):
    """Moran scatter plot: at one time, a panel a time ("all"), or all times in one ("pooled")."""

    kind: Literal["moran_scatter"]
    column: Column
    weights: FirstWeights = None
    at: Annotated[TimeName | Literal["all", "pooled"], Names("time or all")] = "all"
    times: list[TimeName] | None = None
    """With "all": these times only."""
    permutations: Annotated[int, Field(ge=0)] = 999


def _only(value: Any) -> Any:
    """Return the one name of a list, as tables have it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


One = BeforeValidator(_only, json_schema_input_type=str | Annotated[list[str], Field(max_length=1)])
"""A name, or a list of one, as in the tables."""


class AnalysisFigure(FigureSection):
    """The picture of an analysis: robustness, distances, margins, groups, mechanisms, sensitivity, draws."""

    kind: Literal[
        "specification_curve",
        "sweep",
        "marginal_effects",
        "heterogeneity",
        "mechanism",
        "leave_one_out",
        "plausibly_exogenous",
        "u_test",
        "monte_carlo",
    ]
    of: Annotated[str, One, Names("analysis")]
    term: str | None = None
    """Where several are shown."""
    equation: str | None = None
    """Of monte_carlo: where the term is in several."""
    by: Column | None = None
    """Of marginal_effects: which moderator."""
    printed: Annotated[str, Names("printed table")] | None = None
    """Of monte_carlo: a line at the coefficient that is printed."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse keys of other kinds."""
        only = {
            "term": ("specification_curve", "sweep", "heterogeneity", "u_test", "monte_carlo"),
            "equation": ("monte_carlo",),
            "by": ("marginal_effects",),
            "printed": ("monte_carlo",),
        }
        for key, kinds in only.items():
            if getattr(self, key) is not None and self.kind not in kinds:
                yield (key,), f"kind = {self.kind!r} has no {key!r}."


class ThresholdFigure(FigureSection):
    """The likelihood ratio of each candidate threshold."""

    kind: Literal["threshold"]
    of: Annotated[FitName, One]
    number: Annotated[int, Field(ge=1)] | None = None


class PolicyFigure(FigureSection):
    """Effects of a policy by time since, and what is done with them."""

    kind: Literal["event_study", "bacon", "honest", "placebo", "drop_one", "rings", "balance"]
    of: Annotated[PolicyName, One]


FIGURES: dict[str, type[Section]] = {
    "cohort_map": CohortMap,
    "heterogeneity": AnalysisFigure,
    "leave_one_out": AnalysisFigure,
    "marginal_effects": AnalysisFigure,
    "mechanism": AnalysisFigure,
    "monte_carlo": AnalysisFigure,
    "moran_scatter": MoranScatter,
    "plausibly_exogenous": AnalysisFigure,
    "specification_curve": AnalysisFigure,
    "sweep": AnalysisFigure,
    "threshold": ThresholdFigure,
    "u_test": AnalysisFigure,
    "coefficients": Coefficients,
    "connectivity": Connectivity,
    "bacon": PolicyFigure,
    "balance": PolicyFigure,
    "density": Density,
    "drop_one": PolicyFigure,
    "effects_map": EffectsMap,
    "event_study": PolicyFigure,
    "honest": PolicyFigure,
    "impacts": ImpactsFigure,
    "neighbours": Neighbours,
    "placebo": PolicyFigure,
    "rings": PolicyFigure,
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
    | EffectsMap
    | CohortMap
    | MoranScatter
    | AnalysisFigure
    | ThresholdFigure
    | PolicyFigure,
    Field(discriminator="kind"),
]
