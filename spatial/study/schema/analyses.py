"""What may stand in a study file about what comes after a fit: through what, for whom, from where on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Columns, FileName, FitName, Level, Names, Section, Term, WeightsName

__all__ = ["Analysis", "Heterogeneity", "Mechanism", "Moderation"]

Test = Literal["wald", "suest", "permutation"]


class Analysis(Section):
    """What all of them share."""

    name: FileName
    en: str | None = None
    zh: str | None = None
    of: FitName
    """The fit that is taken further."""


class Mechanism(Analysis):
    """What a treatment does to mediators (two-step), or, by name, the product of coefficients."""

    of: Annotated[str, Names("regression")]
    """The regression whose formula, effects, rows and covariance are used."""
    treatment: Term
    mediators: Columns
    style: Literal["two-step", "product"] = "two-step"
    bootstrap: Annotated[int, Field(ge=1)] = 999
    interval: Literal["percentile", "bc"] = "bc"
    level: Level = 0.95
    W: WeightsName | None = None
    """Weights, for the path through neighbours' mediators."""


class Moderation(Analysis):
    """The effect of a treatment as it varies with a moderator, and where it is there."""

    treatment: Term
    by: Columns
    centre: bool = True
    equation: str | None = None
    level: Level = 0.95


class Heterogeneity(Analysis):
    """Each group by itself, and tests that effects are equal."""

    by: Columns
    terms: list[Term] | None = None
    test: Test | list[Test] = "wald"
    permutations: Annotated[int, Field(ge=1)] = 1000
