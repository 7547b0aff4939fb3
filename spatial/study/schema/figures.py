"""What may stand in a study file about figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Column, Effect, FileName, FirstWeights, FitName, PolicyName, Section, TimeName, Use

__all__ = [
    "FIGURES",
    "Coefficients",
    "Connectivity",
    "Density",
    "EffectsMap",
    "Figure",
    "FigureSection",
    "ImpactsFigure",
    "Neighbours",
    "PolicyFigure",
    "SmallMultiples",
    "ValuesMap",
    "effect_uses",
]


def effect_uses(section: Any, outcome: str | None, term: str | None) -> Iterator[Use]:
    """Yield an effect of a system: its fit, the outcome and the term, where they are given."""
    yield Use("effect of a fit", (section.fit, outcome, term), (), section)


class FigureSection(Section):
    """What all figures share."""

    name: FileName
    format: Literal["png", "pdf", "svg"] = "png"
    title: str | None = None


class Connectivity(FigureSection):
    """Map of the links."""

    kind: Literal["connectivity"]
    weights: FirstWeights = None


class Neighbours(FigureSection):
    """Histogram of the numbers of neighbours."""

    kind: Literal["neighbours"]
    weights: FirstWeights = None


class ValuesMap(FigureSection):
    """Map of a column at one time."""

    kind: Literal["values"]
    column: Column
    at: TimeName | None = None
    scheme: str = "quantiles"
    classes: Annotated[int, Field(ge=2, le=12)] = 5


class SmallMultiples(FigureSection):
    """Maps of a column at several times."""

    kind: Literal["small_multiples"]
    column: Column
    times: list[TimeName] | None = None
    scheme: str = "quantiles"
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
    equation: str | None = None
    terms: list[str] | None = None


class ImpactsFigure(FigureSection):
    """Direct, indirect and total effects on one outcome."""

    kind: Literal["impacts"]
    fit: str
    outcome: str | None = None

    def uses(self) -> Iterator[Use]:
        """Yield the effect."""
        yield from effect_uses(self, self.outcome, None)


class EffectsMap(FigureSection):
    """Map of what a rise of a regressor does, by unit."""

    kind: Literal["effects_map"]
    fit: str
    outcome: str
    term: str
    effect: Effect = "sent"
    scheme: str = "quantiles"
    classes: Annotated[int, Field(ge=2, le=12)] = 5

    def uses(self) -> Iterator[Use]:
        """Yield the effect."""
        yield from effect_uses(self, self.outcome, self.term)


class PolicyFigure(FigureSection):
    """Effects of a policy by time since, and what is done with them."""

    kind: Literal["event_study", "bacon", "honest", "placebo", "drop_one"]
    of: PolicyName


FIGURES: dict[str, type[Section]] = {
    "coefficients": Coefficients,
    "connectivity": Connectivity,
    "bacon": PolicyFigure,
    "density": Density,
    "drop_one": PolicyFigure,
    "effects_map": EffectsMap,
    "event_study": PolicyFigure,
    "honest": PolicyFigure,
    "impacts": ImpactsFigure,
    "neighbours": Neighbours,
    "placebo": PolicyFigure,
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
    | PolicyFigure,
    Field(discriminator="kind"),
]
