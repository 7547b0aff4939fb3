"""What may stand in a study file about how sure an answer is: tests, sensitivity, draws, printed tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from .analyses import Analysis
from .base import (
    Condition,
    Effects,
    FileName,
    FirstWeights,
    FitName,
    Formula,
    Language,
    Level,
    Location,
    Names,
    Section,
    Term,
    WeightsName,
)

__all__ = ["SENSITIVITY", "TESTS", "MonteCarlo", "Printed", "Select", "Sensitivity", "Test"]

FitTerm = Annotated[str, Names("terms of a fit")]


# ---- tests
class TestSection(Section):
    """What all tests share: `function` is the public function, or the method of a fit."""

    function: ClassVar[str] = ""

    name: FileName
    en: str | None = None
    zh: str | None = None
    fits: Annotated[list[FitName], Field(min_length=1)]
    """Each is tested by itself."""


class Hausman(TestSection):
    """Two fits: consistent under both hypotheses, and efficient under the null."""

    function: ClassVar[str] = "models.hausman"
    kind: Literal["hausman"]
    fits: Annotated[list[FitName], Field(min_length=2, max_length=2)]
    form: Literal["classic", "spatial"] = "classic"
    """"spatial": one spatial model with fixed and with random effects; or least squares, spatial errors."""
    covariance: Literal["classic"] | None = None
    """"classic": the difference of the covariances of the two fits, as splm has it; often it is none."""


class Mundlak(TestSection):
    """Whether effects depend on means of the regressors; of fixed effects, or of random ones in space."""

    function: ClassVar[str] = "models.hausman"
    kind: Literal["mundlak"]
    covariance: Literal["scores"] | None = None
    """"scores": with the variance under the null; the Wald statistic rejects too often with few units."""


class UTest(TestSection):
    """A U in a term and its square, its turning point, and how many observations lie beyond."""

    function: ClassVar[str] = "models.u_test"
    kind: Literal["u_test"]
    term: FitTerm
    square: FitTerm | None = None
    equation: str | None = None
    level: Level = 0.95


class Vif(TestSection):
    """Variance inflation factors."""

    function: ClassVar[str] = "models.vif"
    kind: Literal["vif"]


class SerialCorrelation(TestSection):
    """Wooldridge's test of serially correlated errors."""

    function: ClassVar[str] = "models.serial_correlation"
    kind: Literal["serial_correlation"]
    form: Literal["differences", "within"] = "differences"
    covariance: Literal["scores"] | None = None
    """"scores": with the variance under the null; that at the estimate is too small with few units."""


class PesaranCD(TestSection):
    """Errors of different units that move together."""

    function: ClassVar[str] = "models.pesaran_cd"
    kind: Literal["pesaran_cd"]
    equation: str | None = None


class MoranResiduals(TestSection):
    """Moran's I of the residuals."""

    function: ClassVar[str] = "moran"
    kind: Literal["moran_residuals"]
    weights: WeightsName | None = None
    permutations: Annotated[int, Field(ge=0)] = 999


class Wald(TestSection):
    """Linear restrictions on the coefficients, as "x = z" or "x = 0, z = 0"."""

    function: ClassVar[str] = "models.wald"
    kind: Literal["wald"]
    hypothesis: str | Annotated[list[str], Field(min_length=1)]
    """In a system "[outcome]term" says of which equation."""
    equation: str | None = None


class AndersonRubin(TestSection):
    """Sets of slopes that hold with weak instruments."""

    function: ClassVar[str] = "anderson_rubin"
    kind: Literal["anderson_rubin"]
    level: Level = 0.95
    equation: str | None = None


class LagrangeMultipliers(TestSection):
    """Lagrange multiplier tests for spatial lags and errors, plain and robust."""

    function: ClassVar[str] = "diagnostics"
    kind: Literal["lm_spatial"]


TESTS: dict[str, type[Section]] = {
    "anderson_rubin": AndersonRubin,
    "hausman": Hausman,
    "lm_spatial": LagrangeMultipliers,
    "moran_residuals": MoranResiduals,
    "mundlak": Mundlak,
    "pesaran_cd": PesaranCD,
    "serial_correlation": SerialCorrelation,
    "u_test": UTest,
    "vif": Vif,
    "wald": Wald,
}
Test = Annotated[
    AndersonRubin
    | Hausman
    | LagrangeMultipliers
    | MoranResiduals
    | Mundlak
    | PesaranCD
    | SerialCorrelation
    | UTest
    | Vif
    | Wald,
    Field(discriminator="kind"),
]


# ---- sensitivity
class SensitivitySection(Analysis):
    """What all of them share."""

    function: ClassVar[str] = ""

    of: Annotated[str, Names("regression or system")]
    term: FitTerm
    equation: str | None = None


class Oster(SensitivitySection):
    """How much the unseen would have to matter."""

    function: ClassVar[str] = "models.oster"
    kind: Literal["oster"]
    r2_max: Annotated[float, Field(gt=0, le=1)] | None = None
    delta: float = 1.0
    target: float = 0.0
    base: list[FitTerm] = Field([])


class PlausiblyExogenous(SensitivitySection):
    """An instrument that acts on the outcome itself, within bounds."""

    function: ClassVar[str] = "models.plausibly_exogenous"
    kind: Literal["plausibly_exogenous"]
    range: Annotated[list[float], Field(min_length=2, max_length=2)]
    instrument: str | None = None
    steps: Annotated[int, Field(ge=2)] = 21
    level: Level = 0.95


class LeaveOneOut(SensitivitySection):
    """The slope without each group."""

    function: ClassVar[str] = "models.leave_one_out"
    kind: Literal["leave_one_out"]
    by: Annotated[str, Names("effect")] = "unit"


SENSITIVITY: dict[str, type[Section]] = {
    "leave_one_out": LeaveOneOut,
    "oster": Oster,
    "plausibly_exogenous": PlausiblyExogenous,
}
Sensitivity = Annotated[LeaveOneOut | Oster | PlausiblyExogenous, Field(discriminator="kind")]


# ---- the choice between spatial models
class Select(Section):
    """Least squares, lag, error or Durbin: the tests in the order of Elhorst (2014), and the verdict."""

    name: FileName
    en: str | None = None
    zh: str | None = None
    formula: Formula
    """Without spatial terms."""
    weights: FirstWeights = None
    """Name of weights; default the first."""
    effects: Effects = Field(["unit", "time"])
    alpha: Level = 0.05
    where: Condition | None = None


# ---- draws
class MonteCarlo(Section):
    """New draws of a simulated sample, the same fits again: bias, spread, coverage."""

    name: FileName
    en: str | None = None
    zh: str | None = None
    fits: Annotated[list[FitName], Field(min_length=1)]
    terms: list[Term] | None = None
    """Default all whose truth is known."""
    replications: Annotated[int, Field(ge=2)] = 400
    small: Annotated[int, Field(ge=2)] = 40
    """Replications of a quick run."""
    full: Annotated[int, Field(ge=2)] = 400
    """Replications of a full run, if they are more."""
    level: Level = 0.95


# ---- printed
class Printed(Section):
    """A table typed from a paper, to stand beside ours and to be checked."""

    source: str
    """Where it is printed."""
    en: str | None = None
    """The source in English, where that is not how it is written above."""
    zh: str | None = None
    columns: list[str] = Field(["equation", "term", "coefficient", "t"])
    """Of the rows; "fit" names a column of the paper's table."""
    rows: list[list[str | float]] = Field([])
    file: str | None = None
    """A CSV file with the rows, and with the columns in its first line, in place of both."""
    N: Annotated[int, Field(ge=1)] | None = None
    r2: dict[str, float] | None = None
    """Printed R2, by equation or fit."""
    moments: dict[str, list[str | float]] | None = None
    """Printed mean, sd, min and max, by variable."""
    winsorized: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """The share in each tail that the paper states."""
    largest: list[str] = Field([])
    """Variables that the paper calls the largest location quotient of a unit."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse rows of another length than the columns."""
        for k, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                columns = ", ".join(self.columns)
                yield ("rows", k), f"{len(row)} cells for {len(self.columns)} columns: {columns}."

    def said(self, language: Language) -> str:
        """Return the source in a language."""
        return (self.en if language == "en" else self.zh) or self.source

    def typed(self) -> dict[str, Any]:
        """Return the columns as `check_table` takes them."""
        cells = (
            [list(column) for column in zip(*self.rows, strict=True)]
            if self.rows
            else [[] for _ in self.columns]
        )
        found = dict(zip(self.columns, cells, strict=True))
        if "fit" in found:
            found["column"] = found.pop("fit")
        by = found.get("equation") or found.get("column") or []
        if self.N is not None:
            found["N"] = [self.N] * len(self.rows)
        if self.r2 is not None:
            found["r2"] = [self.r2.get(str(name)) for name in by]
        return found
