"""What may stand in a study file about estimation: diagnostics, systems and regressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from spatial.errors import DataError
from spatial.models.estimation.estimate import check_intervals
from spatial.models.estimation.steps import Method

from .base import (
    Column,
    Columns,
    Condition,
    Cov,
    Effects,
    FileName,
    FirstWeights,
    FitName,
    Formula,
    Level,
    Location,
    MatchName,
    Names,
    Section,
    TimeName,
    WeightsName,
)

__all__ = ["Diagnostics", "Did", "Fit", "Method", "Regression", "System", "Threshold", "Tobit"]


class Diagnostics(Section):
    """Moran's I by time; local Moran, scatter plot and cluster map."""

    columns: Columns
    weights: FirstWeights = None
    """Name of weights; default the first."""
    permutations: Annotated[int, Field(ge=0)] = 999
    alpha: Level = 0.05
    times: list[TimeName] | None = None
    """Times of the local statistics; default the last."""
    local: bool = True


class Fit(Section):
    """What all fits share."""

    name: FileName
    en: str | None = None
    """Head of the column in tables."""
    zh: str | None = None
    where: Condition | None = None
    """Rows, as "level != 'capital' and time >= 2010"; spatial lags are of the whole map first."""
    sample: Annotated[str, Names("sample")] | None = None
    """Rows by the name of [samples.NAME]."""
    lags: Literal["full", "within"] | None = None
    """Spatial lags of the whole map ("full", the default), or weights cut to the rows too."""
    by: Column | None = None
    """A column of groups: one fit a group, named NAME.GROUP."""
    like: FitName | None = None
    """Another fit whose model keys are taken over where they are not given here (not compare or expect)."""
    swap: dict[Column, Column] = Field({})
    """Columns to put in the place of others in the formulas, as {PSS = "PSS_krugman"}."""
    expect: Literal["fit", "refusal"] = "fit"
    """"refusal": the section shows why it cannot be estimated; its message is the result."""

    needs: ClassVar[str] = "formula"
    """The key without which there must be `like`."""

    @model_validator(mode="after")
    def _model(self) -> Self:
        if self.like is None and not getattr(self, self.needs):
            raise ValueError(f"{self.needs} = ... is needed, or like = the name of a fit that has it")
        if self.where is not None and self.sample is not None:
            raise ValueError("where = and sample = both choose rows: give one")
        return self

    @property
    def texts(self) -> list[str]:
        """The formulas."""
        formula = getattr(self, "formula", None)
        return [formula] if formula else []

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse methods that stand there twice."""
        compare: list[str] = getattr(self, "compare", [])
        first = getattr(self, "method", getattr(self, "effects", None))
        for k, method in enumerate(compare):
            if method == first or method in compare[:k]:
                yield ("compare", k), f"the method {method!r} is there twice: each makes one fit."


class System(Fit):
    """Equations that are estimated together."""

    formulas: list[Formula] = Field([])
    weights: list[WeightsName] | None = None
    """Names of the weights that formulas may call; default all."""
    effects: Effects | Literal["random"] = Field([])
    """Fixed effects, as ["unit", "time"]; or "random": of units, uncorrelated with the regressors."""
    error: (
        Annotated[str, Names("error weights")] | dict[str, Annotated[str, Names("error weights")]] | None
    ) = None
    """Weights of the spatial errors, of all equations or by equation."""
    instruments: list[Annotated[str, Names("terms")]] = Field([])
    iv_order: Annotated[int, Field(ge=1, le=6)] | None = None
    """Highest lag among the instruments; default as in `SpatialSystem`."""
    iv: Literal["lags", "best"] = "lags"
    """Instruments: lags of the exogenous variables, or the best at a first estimate (Lee 2003)."""
    unbalanced: Literal["raise", "balance", "induced"] = "raise"
    method: Method | None = None
    """Default: that of `fit()`, aqs for equations with a spatial lag and a spatial error, else gs3sls."""
    compare: list[Method] = Field([])
    """Further methods, for columns beside the first: fits named NAME.METHOD."""
    cov: Cov | None = None
    """Default that of the method. cluster, cluster:COLUMN, hom, het, conley:KM:LAGS, twoway,
    twoway:unit:time:satterthwaite, driscoll-kraay:LAGS, wild:COLUMN; of ml expected, observed or qml."""
    rho_moments: Literal["kp2010", "kp1999"] = "kp2010"
    passes: Annotated[int, Field(ge=0)] = 1
    small: bool = False
    """Factors for small samples, as Stata and fixest; by ml and mess t and F for normal and chi-square."""
    intervals: Literal["default", "wald", "distance", "lr"] = "default"
    """How tables and figures make p-values and intervals: distance (of aqs), lr (of ml and mess), wald; the
    default is the distance where there is one."""
    random: Literal["kkp", "bsk"] = "kkp"
    """With random effects and spatial errors, by ml: whether these filter the effects too."""
    force: bool = False
    """Estimate a system that is not identified; every table is stamped."""
    impacts: bool = True
    draws: Annotated[int, Field(ge=0)] = 0
    diagnostics: bool = True

    needs: ClassVar[str] = "formulas"

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse intervals that one of the methods has not."""
        yield from super().faults()
        wanted = None if self.intervals == "default" else self.intervals
        by_default = "aqs" if wanted == "distance" else "gs3sls"  # where aqs is not, the fit says so
        for k, method in enumerate([self.method or by_default, *self.compare]):
            try:
                check_intervals(wanted, method, "intervals")
            except DataError as error:
                yield ("intervals",) if k == 0 else ("compare", k - 1), str(error)

    @property
    def texts(self) -> list[str]:
        """The formulas."""
        return self.formulas


class Regression(Fit):
    """Fixed effects without spatial lags of outcomes: the case W = 0."""

    formula: Formula | None = None
    effects: Effects = Field(["unit", "time"])
    weights: list[WeightsName] | None = None
    cov: Cov = "cluster"
    unbalanced: Literal["raise", "balance", "induced"] = "raise"
    constant: Literal["mean", "first", "none"] = "mean"
    """The constant in tables: the mean of the effects (reghdfe), that of the first time (xtreg with
    i.year), or none."""


class Tobit(Fit):
    """A censored outcome: random effects by quadrature, or correlated ones (Mundlak)."""

    formula: Formula | None = None
    lower: float | None = 0.0
    """Where the outcome is censored from below; leave out what does not apply."""
    upper: float | None = None
    effects: Literal["random", "correlated", "none"] = "random"
    """"correlated" is the answer to a Tobit with fixed effects, which is inconsistent."""
    compare: list[Literal["random", "correlated", "none"]] = Field([])
    points: Annotated[int, Field(ge=2)] = 12
    cov: Cov = "cluster"
    weights: list[WeightsName] | None = None


class Threshold(Fit):
    """Slopes that change where a column passes a threshold (Hansen 1999)."""

    formula: Formula | None = None
    by: Column | None = None
    """The column with the threshold."""
    term: Annotated[str, Names("terms")] | None = None
    """The term whose slope changes; default all."""
    regimes: Annotated[int, Field(ge=2, le=4)] = 2
    trim: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    bootstrap: Annotated[int, Field(ge=0)] = 300
    grid: Annotated[int, Field(ge=10)] = 300
    effects: Effects = Field(["unit"])
    cov: Cov = "cluster"
    level: Level = 0.95
    weights: list[WeightsName] | None = None


Policy = Literal[
    "twfe",
    "callaway-santanna",
    "sun-abraham",
    "borusyak-jaravel-spiess",
    "gardner",
    "stacked",
    "etwfe",
    "synthetic",
]


def _dropped(given: Any) -> Any:
    """Return what is left out at a time: true stands for the units."""
    return ("unit" if given else None) if isinstance(given, bool) else given


class Did(Fit):
    """A policy that units meet at different times: difference-in-differences, and what neighbours get."""

    outcome: Column | None = None
    cohort: Column | None = None
    """First treated time, 0 for never; or a column of 0 and 1."""
    method: Policy = "callaway-santanna"
    compare: list[Policy] = Field([])
    """Further methods: fits named NAME.METHOD."""
    controls: list[Annotated[str, Names("terms")]] = Field([])
    effects: Annotated[list[Annotated[str, Names("effect")]], Field(min_length=2, max_length=2)] = Field(
        ["unit", "time"]
    )
    cov: Cov = "cluster"
    base: Literal["universal", "varying"] = "universal"
    control_group: Literal["never", "not-yet"] = "never"
    anticipation: Annotated[int, Field(ge=0)] = 0
    window: Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    """First and last time since the policy of the event study."""
    rings: list[float] | None = None
    """Kilometres from the treated, as [0, 100, 200]: what untreated units there get (Butts)."""
    exposure: Literal["own", "neighbours", "both"] | None = None
    W: WeightsName | None = None
    match: MatchName | None = None
    """"psm", "psm:NEIGHBOURS:CALIPER", "kernel:BANDWIDTH" or "entropy": who the treated are compared with."""
    policies: list[Column] = Field([])
    """Columns of other policies of the time, held constant."""
    fewest_far: Annotated[int, Field(ge=1)] = 20
    """Refuse rings with fewer never-treated units beyond the last one."""
    bacon: bool = False
    """Goodman-Bacon's decomposition of the two-way estimate."""
    honest: list[float] = Field([])
    """Rambachan and Roth: how much trends may differ after the policy, in multiples of before."""
    placebo: Annotated[int, Field(ge=0)] = 0
    """Random calendars that keep the sizes of the cohorts."""
    drop_one: Annotated[
        Annotated[str, Names("effect")] | None,
        BeforeValidator(_dropped, json_schema_input_type=str | bool | None),
    ] = None
    """Leave out one "unit" (or true), or the units of one value of this column, at a time."""

    needs: ClassVar[str] = "outcome"
    weights: ClassVar[None] = None
