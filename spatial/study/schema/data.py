"""What may stand in a study file about data: map, panel, industries, cleaning and derived columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from spatial.io.sources import is_database

from .base import Column, Columns, Condition, Expression, MapColumn, Section, Time, TimeName

__all__ = [
    "CLEANING",
    "ROWS",
    "Balance",
    "CitiesFile",
    "Cleaning",
    "Data",
    "Deflate",
    "Group",
    "Industries",
    "Log",
    "PanelFile",
    "Policy",
    "Restrict",
    "Rows",
    "Sample",
    "Shift",
    "Variable",
    "Where",
    "Winsorize",
]

Sample = Literal["nc", "china_cities", "sun-simulated", "bai-simulated", "smart-city-simulated"]


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
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    """Only units that meet this window, [west, south, east, north]; common = true cuts the panel to them."""


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


class Industries(Section):
    """A table of units x times x industries, as employment or output, for measures of structure."""

    file: str
    """.csv, .dta, .xlsx or .parquet, relative to the study file."""
    unit: str
    time: str
    format: Literal["wide", "long"] = "wide"
    """A column for each industry, or one column of industries and one of values."""
    industry: str | None = None
    """Of the long form: column of the industries."""
    value: str | None = None
    """Of the long form: column of the values."""
    columns: list[str] | None = None
    """The industries; default all columns of numbers."""
    sheet: str | int | None = None
    encoding: str | None = None
    codes: Literal["GB/T 4754-2017", "GB/T 4754-2011", "GB/T 4754-2002", "as named"] = "GB/T 4754-2017"
    """Edition of the letters; sections by letter or by any of their Chinese names get one short name."""
    reference: str | None = None
    """File with the nation's table, times x industries; default the sum of the units."""

    @model_validator(mode="after")
    def _long(self) -> Industries:
        if (self.format == "long") != (self.industry is not None and self.value is not None):
            raise ValueError(
                "format = 'long' needs industry = and value =, the columns that hold them; 'wide' needs "
                "neither"
            )
        return self


class Policy(Section):
    """The calendar of a policy: one row a unit that adopts it; makes a column, first treated time or 0."""

    file: str
    """.csv, .dta, .xlsx or .parquet, relative to the study file."""
    unit: str
    start: str
    """Column of the first treated time."""
    sheet: str | int | None = None
    encoding: str | None = None


class Data(Section):
    """A sample that ships, or files."""

    sample: Sample | None = None
    """Shipped data in place of files; `spatial data NAME` says what a sample holds."""
    cities: CitiesFile | None = None
    panel: PanelFile | None = None
    common: bool = False
    """Keep only the units that map and panel share; run.json says which were cut."""
    join_map: list[MapColumn] = Field([])
    """Columns of the map that the panel gets, for formulas, effects and clusters."""
    industries: dict[str, Industries] = Field({})
    policies: dict[str, Policy] = Field({})
    """Calendars, each a column of its name for cohort = ...."""

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.sample is None) == (self.cities is None):
            raise ValueError("give either sample = ... or [data.cities], and not both")
        if self.sample not in (None, "china_cities") and self.panel is not None:
            raise ValueError("a sample has its own panel: leave [data.panel] out")
        return self


# ---- cleaning: the methods of Panel, in order
# A column here may be made by an earlier step, or be measured: then it is cleaned as soon as it is made.
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

    def made(self, column: str) -> str:
        """Return the name of what is made of a column."""
        return self.name.replace("{column}", column)


class Shift(Section):
    """Add values of earlier times."""

    do: Literal["shift"]
    columns: Columns
    periods: int = 1
    name: str | None = None

    def made(self, column: str) -> str:
        """Return the name of what is made of a column."""
        template = self.name or f"{'L' if self.periods > 0 else 'F'}{abs(self.periods)}_{{column}}"
        return template.replace("{column}", column)


class Deflate(Section):
    """Turn nominal values into those at the prices of a base."""

    do: Literal["deflate"]
    columns: Columns
    by: Column
    """Column of the price index."""
    base: TimeName
    chained: bool = False
    name: str = "{column}"

    def made(self, column: str) -> str:
        """Return the name of what is made of a column."""
        return self.name.replace("{column}", column)


class Balance(Section):
    """Keep a balanced part."""

    do: Literal["balance"]
    rule: Literal["units", "times", "window", "largest", "fill"] = "units"
    columns: list[Column] = Field([])


class ParseNumbers(Section):
    """Turn text such as "1,234" into numbers."""

    do: Literal["parse_numbers"]
    columns: Columns
    missing: list[str] = Field([])
    thousands: str | None = None
    """Separator of thousands, "" for none; default a comma, or a point where the comma is decimal."""
    decimal: Literal[".", ","] = "."


class Restrict(Section):
    """Keep these units, or the times from first to last."""

    do: Literal["restrict"]
    units: list[Time] | None = None
    times: Annotated[list[TimeName], Field(min_length=2, max_length=2)] | None = None


class Where(Section):
    """Keep the rows where a comparison holds."""

    do: Literal["where"]
    formula: Expression
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
ROWS = (Balance, Restrict, Where)
"""Steps that choose rows; they come before all measures."""
Cleaning = Annotated[
    Interpolate | Winsorize | Log | Shift | Deflate | Balance | ParseNumbers | Restrict | Where,
    Field(discriminator="do"),
]


class Variable(Section):
    """A column: how it is made, and what readers call it."""

    formula: Expression | None = None
    """As "log(gdp / population)"; columns and functions of formulas."""
    en: str | None = None
    zh: str | None = None
    unit: str | None = None
    """Unit of measurement, shown in tables and legends."""


class Group(Section):
    """A division of rows, as a column for by = and where =: high and low, or parts of the same size."""

    column: Column
    split: Literal["mean", "median", "quantiles", "values"] | None = None
    """"values": each value of the column by itself.  Default the mean of numbers, the values of labels."""
    parts: Annotated[int, Field(ge=2, le=10)] = 2
    of: Literal["time", "all", "unit"] = "time"
    """Each time's own mean or quantiles, those of all rows, or of the units' means."""
    labels: dict[str, dict[Literal["en", "zh"], str]] = Field({})
    """What readers call the groups, as high = { zh = "高" }."""
    en: str | None = None
    zh: str | None = None

    def labels_only(self, name: str) -> bool:
        """Whether a group of this name is a column as it stands, with words for its values."""
        return self.column == name and self.split in (None, "values")

    @property
    def made(self) -> list[str]:
        """Names of the groups that a split makes, from the lowest."""
        count = self.parts if self.split == "quantiles" else 2
        return ["low", "high"] if count == 2 else [str(k + 1) for k in range(count)]


class Rows(Section):
    """A named choice of rows."""

    where: Condition
    lags: Literal["full", "within"] = "full"
    """Spatial lags of the whole map, then rows; or weights cut to the rows too."""
    en: str | None = None
    zh: str | None = None
