"""The schema of tables in a study file: one class a kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from spatial.tables.styles import StyleName

from .base import (
    Column,
    FitName,
    Location,
    Names,
    PolicyName,
    Section,
    Term,
    Titled,
    WeightsName,
    name_faults,
)

__all__ = [
    "TABLES",
    "AnalysisTable",
    "CheckTable",
    "CleaningTable",
    "CorrelationTable",
    "DescriptiveTable",
    "IdentificationTable",
    "IndexTable",
    "MeasuresTable",
    "MoranTable",
    "PolicyTable",
    "RegressionTable",
    "SamplesTable",
    "SelectTable",
    "Table",
    "TableSection",
    "TruthTable",
    "WeightsTable",
]

SampleName = Annotated[str, Names("sample")]
MeasureName = Annotated[str, Names("measure")]
Format = Literal["docx", "xlsx", "tex", "html", "md", "csv"]
Formats = Annotated[list[Format], Field(min_length=1)]
ALL_FORMATS: list[Format] = ["docx", "xlsx", "tex", "html", "md"]


class TableSection(Titled):
    """What all tables share."""

    formats: Formats = ALL_FORMATS
    notes: list[str] = Field([])
    """Added below the table."""
    digits: Annotated[int, Field(ge=0, le=10)] = 3


class RegressionTable(TableSection):
    """Fits side by side."""

    kind: Literal["regression"]
    fits: Annotated[list[FitName], Field(min_length=1)]
    """Names of systems, of their comparisons (NAME.METHOD) and of regressions."""
    names: list[str] | None = None
    """Heads of the columns, one for each fit."""
    style: StyleName | None = None
    """The rules of a journal, for what is not given here: aer, ersa, jjyj."""
    show: Literal["t", "se", "ci"] | None = None
    """What stands below a coefficient: t statistics by default, intervals of the joint estimator."""
    stars: list[float] | None = None
    """Thresholds of p-values, one star each; [] for none; by default 0.1, 0.05 and 0.01."""
    controls: list[Term] = Field([])
    """Terms shown as one yes/no row."""
    rows: list[Term] = Field([])
    """Terms that come first, in this order."""
    counts: list[Literal["rows", "units", "times", "links"]] | None = None
    """Which counts of the sample are shown; default all that are known."""
    columns: Literal["equations", "fits"] = "equations"
    """What a column is: an equation, or a fit with its equations one below the other."""
    heads: list[list[str | int]] | None = None
    """A line above the columns: a text, and over how many columns of ours it stands, each."""
    impacts: bool = False
    """A second panel with direct, indirect and total effects."""
    printed: Annotated[str, Names("printed table")] | None = None
    """A column of [printed.NAME] for each of its equations or fits, after ours."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse another number of names than of fits."""
        yield from name_faults(self.fits, self.names)
        for k, head in enumerate(self.heads or ()):
            if len(head) != 2 or not isinstance(head[0], str) or not isinstance(head[1], int) or head[1] < 1:
                yield ("heads", k), f'a head is a text and a number of columns, as ["A", 2]; got {head!r}.'


class DescriptiveTable(TableSection):
    """N, mean, standard deviation, minimum, maximum; or by group, with tests that the means are equal."""

    kind: Literal["descriptive"]
    columns: list[Column] | None = None
    by: Column | None = None
    """A column, or one of [groups]: N, mean and standard deviation of each group, and their difference."""
    cov: str = "cluster"
    """Of the tests: "cluster" by unit, "cluster:COLUMN", or "welch", each row by itself."""
    sample: SampleName | None = None
    """Rows by the name of [samples.NAME], which a note says; default all."""
    printed: Annotated[str, Names("printed table")] | None = None
    """Moments of [printed.NAME], beside ours."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse what a table of groups has not, and another covariance than there is."""
        if self.by is not None and self.printed is not None:
            yield (
                ("printed",),
                "moments that a paper prints are of all rows: leave by out, or give a table each.",
            )
        if self.cov not in ("cluster", "welch") and not self.cov.startswith("cluster:"):
            yield ("cov",), f"cov is 'cluster', 'cluster:COLUMN' or 'welch'; got {self.cov!r}."
        if self.by is None and self.cov != "cluster":
            yield ("cov",), "cov is of the tests between groups: give by."


class CorrelationTable(TableSection):
    """Correlations with stars."""

    kind: Literal["correlation"]
    columns: list[Column] | None = None
    sample: SampleName | None = None
    """Rows by the name of [samples.NAME], which a note says; default all."""


class MoranTable(TableSection):
    """Moran's I by time, for all [[diagnostics]] columns with the same weights."""

    kind: Literal["moran"]
    weights: Annotated[str | None, Names("diagnosed weights", even_none=True)] = None


class IdentificationTable(TableSection):
    """The verdict on a system, or on a regression by instruments, and its first stages."""

    kind: Literal["identification"]
    system: Annotated[str, Names("system section")]
    """Name of a system, or of a regression with endogenous regressors."""


class WeightsTable(TableSection):
    """Weights side by side."""

    kind: Literal["weights"]
    weights: list[WeightsName] | None = None


class MeasuresTable(TableSection):
    """What was measured: function, formula, parameters, rows, missing cells, range."""

    kind: Literal["measures"]
    of: list[MeasureName] | None = None
    """Names of measures; default all."""


class IndexTable(TableSection):
    """The indicators of composite indices, their directions, dimensions and weights."""

    kind: Literal["index"]
    of: Annotated[list[MeasureName], Field(min_length=1)]

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse an index that is there twice."""
        for k, name in enumerate(self.of):
            if name in self.of[:k]:
                yield ("of", k), f"{name!r} is there twice."


class TruthTable(TableSection):
    """True values of a simulated sample, estimates, their intervals, and whether these cover the truth."""

    kind: Literal["truth"]
    of: Annotated[list[FitName], Field(min_length=1)]
    terms: list[Term] | None = None
    """Default all terms of which the sample knows the truth."""


class PolicyTable(TableSection):
    """Effects of policies, and what is done with them."""

    kind: Literal["did", "event_study", "bacon", "honest", "placebo", "drop_one", "balance"]
    of: Annotated[list[PolicyName], Field(min_length=1)]


class AnalysisTable(TableSection):
    """Mechanisms, moderations, groups, robustness, tests, sensitivity, draws: a row a coefficient or test."""

    kind: Literal[
        "mechanism", "moderation", "heterogeneity", "robustness", "tests", "sensitivity", "monte_carlo"
    ]
    of: Annotated[list[Annotated[str, Names("analysis")]], Field(min_length=1)]


class SelectTable(TableSection):
    """The choice between spatial models: its tests, step by step, and the verdict."""

    kind: Literal["select"]
    of: Annotated[str, Names("analysis")]


class CheckTable(TableSection):
    """What cannot be right in printed tables."""

    kind: Literal["check"]
    of: Annotated[list[Annotated[str, Names("printed table")]], Field(min_length=1)]


class SamplesTable(TableSection):
    """Rows, units and times of each of [samples]."""

    kind: Literal["samples"]
    of: list[SampleName] | None = None
    """Names of samples; default all."""


class CleaningTable(TableSection):
    """What was cleaned: each step, its columns, and how many cells it changed."""

    kind: Literal["cleaning"]


TABLES: dict[str, type[Section]] = {
    "balance": PolicyTable,
    "bacon": PolicyTable,
    "check": CheckTable,
    "cleaning": CleaningTable,
    "correlation": CorrelationTable,
    "descriptive": DescriptiveTable,
    "did": PolicyTable,
    "drop_one": PolicyTable,
    "event_study": PolicyTable,
    "heterogeneity": AnalysisTable,
    "honest": PolicyTable,
    "identification": IdentificationTable,
    "index": IndexTable,
    "measures": MeasuresTable,
    "mechanism": AnalysisTable,
    "moderation": AnalysisTable,
    "monte_carlo": AnalysisTable,
    "moran": MoranTable,
    "placebo": PolicyTable,
    "regression": RegressionTable,
    "robustness": AnalysisTable,
    "samples": SamplesTable,
    "select": SelectTable,
    "sensitivity": AnalysisTable,
    "tests": AnalysisTable,
    "truth": TruthTable,
    "weights": WeightsTable,
}
Table = Annotated[
    RegressionTable
    | DescriptiveTable
    | CorrelationTable
    | MoranTable
    | IdentificationTable
    | WeightsTable
    | MeasuresTable
    | IndexTable
    | TruthTable
    | PolicyTable
    | AnalysisTable
    | CheckTable
    | SelectTable
    | SamplesTable
    | CleaningTable,
    Field(discriminator="kind"),
]
