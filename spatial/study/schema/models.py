"""What may stand in a study file about estimation: diagnostics, systems and regressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import (
    Column,
    Columns,
    Cov,
    Effects,
    FileName,
    FirstWeights,
    FitName,
    Formula,
    Location,
    Names,
    Section,
    TimeName,
    WeightsName,
)

__all__ = ["Diagnostics", "Method", "Regression", "System"]

Method = Literal["gs3sls", "gs2sls", "3sls", "2sls", "gmm"]


class Diagnostics(Section):
    """Moran's I by time; local Moran, scatter plot and cluster map."""

    columns: Columns
    weights: FirstWeights = None
    """Name of weights; default the first."""
    permutations: Annotated[int, Field(ge=0)] = 999
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    times: list[TimeName] | None = None
    """Times of the local statistics; default the last."""
    local: bool = True


class Fit(Section):
    """What all fits share."""

    name: FileName
    en: str | None = None
    """Head of the column in tables."""
    zh: str | None = None
    like: FitName | None = None
    """Another fit whose model keys are taken over where they are not given here (not compare or expect)."""
    swap: dict[Column, Column] = Field({})
    """Columns to put in the place of others in the formulas, as {PSS = "PSS_krugman"}."""
    expect: Literal["fit", "refusal"] = "fit"
    """"refusal": the section shows why it cannot be estimated; its message is the result."""


class System(Fit):
    """Equations that are estimated together."""

    formulas: list[Formula] = Field([])
    weights: list[WeightsName] | None = None
    """Names of the weights that formulas may call; default all."""
    effects: Effects = Field([])
    error: (
        Annotated[str, Names("error weights")] | dict[str, Annotated[str, Names("error weights")]] | None
    ) = None
    """Weights of the spatial errors, of all equations or by equation."""
    instruments: list[Annotated[str, Names("terms")]] = Field([])
    iv_order: Annotated[int, Field(ge=1, le=6)] = 2
    unbalanced: Literal["raise", "balance", "induced"] = "raise"
    method: Method = "gs3sls"
    compare: list[Method] = Field([])
    """Further methods, for columns beside the first: fits named NAME.METHOD."""
    cov: Cov = "cluster"
    """cluster, cluster:COLUMN, hom, het, conley:KM:LAGS, twoway, driscoll-kraay:LAGS, wild:COLUMN."""
    rho_moments: Literal["kp2010", "kp1999"] = "kp2010"
    passes: Annotated[int, Field(ge=0)] = 1
    force: bool = False
    """Estimate a system that is not identified; every table is stamped."""
    impacts: bool = True
    draws: Annotated[int, Field(ge=0)] = 1000
    diagnostics: bool = True

    @model_validator(mode="after")
    def _formulas(self) -> System:
        if not self.formulas and self.like is None:
            raise ValueError("formulas = [...] are needed, or like = the name of a system that has them")
        return self

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse methods that stand there twice."""
        for k, method in enumerate(self.compare):
            if method == self.method or method in self.compare[:k]:
                yield ("compare", k), f"the method {method!r} is there twice: each makes one fit."


class Regression(Fit):
    """Fixed effects without spatial lags of outcomes: the case W = 0."""

    formula: Formula | None = None
    effects: Effects = Field(["unit", "time"])
    weights: list[WeightsName] | None = None
    cov: Cov = "cluster"
    unbalanced: Literal["raise", "balance", "induced"] = "raise"

    @model_validator(mode="after")
    def _formula(self) -> Regression:
        if self.formula is None and self.like is None:
            raise ValueError("a formula is needed, or like = the name of a regression that has one")
        return self
