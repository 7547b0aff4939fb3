"""What may stand in a study file: one small model for each section, and the JSON Schema of them all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from spatial.io.sources import is_database

from .base import Columns, FileName, InnerFolder, Language, Section, Time
from .outputs import Figure, Layers, Report, Table
from .weights import AnyWeights

__all__ = [
    "CLEANING",
    "Balance",
    "CitiesFile",
    "Data",
    "Deflate",
    "Diagnostics",
    "Interpolate",
    "Log",
    "PanelFile",
    "ParseNumbers",
    "Regression",
    "Restrict",
    "Shift",
    "Study",
    "System",
    "Variable",
    "Where",
    "Winsorize",
    "json_schema",
]


# ---- data
class CitiesFile(Section):
    """The map."""

    file: str
    """.shp, .gpkg, .geojson or .parquet, relative to the study file; or "postgresql://user@host/db"."""
    id: str
    """Column that holds the unit ids."""
    layer: str | None = None
    """Layer of a file that has several; table of a database."""
    encoding: str | None = None
    crs: str | None = None
    """Coordinate system, where the file has none, as "EPSG:4326"."""
    seat: str | list[str] | None = None
    """Column of points, or [longitude, latitude], of the seats."""


class PanelFile(Section):
    """The panel; without it the columns of the map are a cross-section."""

    file: str
    """.csv, .dta, .xlsx or .parquet, relative to the study file; or "postgresql://user@host/db"."""
    unit: str
    time: str
    sheet: str | int | None = None
    table: str | None = None
    """Table of a database."""
    encoding: str | None = None
    columns: list[str] | None = None

    @model_validator(mode="after")
    def _one_table(self) -> PanelFile:
        if self.table is not None and (self.sheet is not None or not is_database(self.file)):
            raise ValueError("table= is of a database, sheet= of a workbook")
        return self


class Data(Section):
    """A sample that ships, or files."""

    sample: Literal["nc"] | None = None
    """Shipped data in place of files: "nc", crime in 90 counties of North Carolina, 1981-1987."""
    cities: CitiesFile | None = None
    panel: PanelFile | None = None
    common: bool = False
    """Keep only the units that map and panel share; run.json says which were cut."""

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.sample is None) == (self.cities is None):
            raise ValueError("give either sample = ... or [data.cities], and not both")
        if self.sample is not None and self.panel is not None:
            raise ValueError("a sample has its own panel: leave [data.panel] out")
        return self


# ---- cleaning: the methods of Panel, in order
class Interpolate(Section):
    """Fill gaps of a unit between its known values."""

    do: Literal["interpolate"]
    columns: Columns
    method: Literal["linear", "growth"] = "linear"
    extrapolate: bool = False


class Winsorize(Section):
    """Pull values beyond the quantiles to the quantiles."""

    do: Literal["winsorize"]
    columns: Columns
    share: float | Annotated[list[float], Field(min_length=2, max_length=2)] = 0.01
    by: Literal["time"] | None = None


class Log(Section):
    """Add natural logarithms."""

    do: Literal["log"]
    columns: Columns
    zeros: Literal["raise", "add_one", "missing"] = "raise"
    name: str = "ln_{column}"


class Shift(Section):
    """Add values of earlier times."""

    do: Literal["shift"]
    columns: Columns
    periods: int = 1
    name: str | None = None


class Deflate(Section):
    """Turn nominal values into those at the prices of a base."""

    do: Literal["deflate"]
    columns: Columns
    by: str
    """Column of the price index."""
    base: Time
    chained: bool = False
    name: str = "{column}"


class Balance(Section):
    """Keep a balanced part."""

    do: Literal["balance"]
    rule: Literal["units", "times", "window", "largest", "fill"] = "units"
    columns: list[str] = Field([])


class ParseNumbers(Section):
    """Turn text such as "1,234" into numbers."""

    do: Literal["parse_numbers"]
    columns: Columns
    missing: list[str] = Field([])
    thousands: str = ","


class Restrict(Section):
    """Keep these units, or the times from first to last."""

    do: Literal["restrict"]
    units: list[Time] | None = None
    times: Annotated[list[Time], Field(min_length=2, max_length=2)] | None = None


class Where(Section):
    """Keep the rows where a comparison holds."""

    do: Literal["where"]
    formula: str
    """As "density > 0.5"."""


CLEANING: dict[str, type[Section]] = {
    "balance": Balance,
    "deflate": Deflate,
    "interpolate": Interpolate,
    "log": Log,
    "parse_numbers": ParseNumbers,
    "restrict": Restrict,
    "shift": Shift,
    "where": Where,
    "winsorize": Winsorize,
}
Cleaning = Annotated[
    Interpolate | Winsorize | Log | Shift | Deflate | Balance | ParseNumbers | Restrict | Where,
    Field(discriminator="do"),
]


class Variable(Section):
    """A column: how it is made, and what readers call it."""

    formula: str | None = None
    """As "log(gdp / population)"; columns and functions of formulas."""
    en: str | None = None
    zh: str | None = None


class Diagnostics(Section):
    """Moran's I by time; local Moran, scatter plot and cluster map."""

    columns: Columns
    weights: str | None = None
    """Name of weights; default the first."""
    permutations: Annotated[int, Field(ge=0)] = 999
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    times: list[Time] | None = None
    """Times of the local statistics; default the last."""
    local: bool = True


# ---- models
class System(Section):
    """Equations that are estimated together."""

    name: FileName
    formulas: Annotated[list[str], Field(min_length=1)]
    weights: list[str] | None = None
    """Names of the weights that formulas may call; default all."""
    effects: list[str] = Field([])
    error: str | dict[str, str] | None = None
    """Weights of the spatial errors, of all equations or by equation."""
    instruments: list[str] = Field([])
    iv_order: Annotated[int, Field(ge=1, le=6)] = 2
    unbalanced: Literal["raise", "balance", "induced"] = "raise"
    method: Literal["gs3sls", "gs2sls", "3sls", "2sls", "gmm"] = "gs3sls"
    compare: list[Literal["gs3sls", "gs2sls", "3sls", "2sls", "gmm"]] = Field([])
    """Further methods, for columns beside the first: fits named NAME.METHOD."""
    cov: str = "cluster"
    """cluster, cluster:COLUMN, hom, het, conley:KM:LAGS, twoway, driscoll-kraay:LAGS, wild:COLUMN."""
    rho_moments: Literal["kp2010", "kp1999"] = "kp2010"
    passes: Annotated[int, Field(ge=0)] = 1
    force: bool = False
    """Estimate a system that is not identified; every table is stamped."""
    impacts: bool = True
    draws: Annotated[int, Field(ge=0)] = 1000
    diagnostics: bool = True


class Regression(Section):
    """Fixed effects without spatial lags of outcomes: the case W = 0."""

    name: FileName
    formula: str
    effects: list[str] = Field(["unit", "time"])
    weights: list[str] | None = None
    cov: str = "cluster"
    unbalanced: Literal["raise", "balance", "induced"] = "raise"


class Study(Section):
    """A paper in one file."""

    title: str = ""
    language: Language = "en"
    seed: Annotated[int, Field(ge=0)] = 0
    output: InnerFolder = "out"
    """Folder of the results, below that of the study file."""
    data: Data
    cleaning: list[Cleaning] = Field([])
    variables: dict[str, Variable] = Field({})
    weights: dict[str, AnyWeights] = Field({})
    diagnostics: list[Diagnostics] = Field([])
    systems: list[System] = Field([])
    regressions: list[Regression] = Field([])
    tables: list[Table] = Field([])
    figures: list[Figure] = Field([])
    layers: list[Layers] = Field([])
    report: Report | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file, for editors that complete and check TOML.

    Examples
    --------
    >>> sorted(json_schema()["properties"])[:3]
    ['cleaning', 'data', 'diagnostics']
    """
    schema = Study.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
