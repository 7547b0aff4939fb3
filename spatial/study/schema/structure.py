"""Measures of a table of units x industries: specialisation, diversity, variety, resilience."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from spatial.study.calls import Call, Get, Item, Ref

from .base import Names
from .measure import PANEL, MeasureSection

__all__ = [
    "Diversity",
    "GiniSpecialization",
    "Herfindahl",
    "HooverIndex",
    "KrugmanIndex",
    "LocationQuotient",
    "RelatedVariety",
    "SensitivityResilience",
    "Specialization",
    "TheilSpecialization",
    "UnrelatedVariety",
]


class _OfTable(MeasureSection):
    own_keys: ClassVar[tuple[str, ...]] = ("table",)

    table: Annotated[str, Names("table")]
    """Name of [data.industries.NAME], or of a table of the sample."""
    columns: list[Annotated[str, Names("industry")]] | None = None
    """The industries; default all."""

    def given(self) -> dict[str, Any]:
        """Return the table, and that of the nation."""
        return {"table": Ref("table", self.table), "reference": Ref("reference", self.table)}

    def picked(self, value: Any) -> Any:
        """Return the column at the rows of the panel: a table may have other times."""
        return Call(Get(value, "reindex"), (Get(Get(PANEL, "frame"), "index"),))


class LocationQuotient(_OfTable):
    """Share of an industry in the unit over its share in the nation."""

    function: ClassVar[str] = "location_quotient"
    formula: ClassVar[str] = "LQ_ir = (x_ir / x_r) / (x_i / x)"
    own_keys: ClassVar[tuple[str, ...]] = ("table", "industry")
    left_out: ClassVar[tuple[str, ...]] = ("total",)

    kind: Literal["location_quotient"]
    industry: Annotated[str, Names("industry")]
    """The industry, by its name or its letter of GB/T 4754."""
    form: Literal["ratio", "symmetric", "log"] = "ratio"
    zeros: Literal["keep", "missing", "raise"] = "keep"

    def picked(self, value: Any) -> Any:
        """Return the quotients of one industry."""
        return super().picked(Item(value, self.industry))


class Specialization(_OfTable):
    """Largest share of an industry in the unit, relative to the nation or absolute."""

    function: ClassVar[str] = "specialization"
    formula: ClassVar[str] = "max_i s_ir / s_i (relative), max_i s_ir (absolute)"
    keys: ClassVar[dict[str, str]] = {"form": "kind"}

    kind: Literal["specialization"]
    form: Literal["relative", "absolute"] = "relative"


class KrugmanIndex(_OfTable):
    """Sum of the differences of shares from those of the nation."""

    function: ClassVar[str] = "krugman_index"
    formula: ClassVar[str] = "sum_i |s_ir - s_i|"

    kind: Literal["krugman_index"]
    leave_out: bool = False

    def given(self) -> dict[str, Any]:
        """Return the table, and that of the nation unless the unit is taken out of its own sample."""
        found = super().given()
        return {"table": found["table"]} if self.leave_out else found


class _OfShares(_OfTable):
    left_out: ClassVar[tuple[str, ...]] = ("by",)


class GiniSpecialization(_OfShares):
    """Gini coefficient of the location quotients of a unit."""

    function: ClassVar[str] = "gini_specialization"
    formula: ClassVar[str] = "Gini coefficient of s_ir / s_i"

    kind: Literal["gini_specialization"]


class HooverIndex(_OfShares):
    """Half the Krugman index of a unit."""

    function: ClassVar[str] = "hoover_index"
    formula: ClassVar[str] = "1/2 sum_i |s_ir - s_i|"

    kind: Literal["hoover_index"]


class TheilSpecialization(_OfTable):
    """Relative entropy of a unit's shares to those of the nation."""

    function: ClassVar[str] = "theil_specialization"
    formula: ClassVar[str] = "sum_i s_ir ln(s_ir / s_i)"

    kind: Literal["theil_specialization"]


class Herfindahl(_OfTable):
    """Sum of the squared shares of a unit."""

    function: ClassVar[str] = "herfindahl"
    formula: ClassVar[str] = "sum_i s_ir^2"

    kind: Literal["herfindahl"]
    normalized: bool = False

    def given(self) -> dict[str, Any]:
        """Return the table."""
        return {"table": Ref("table", self.table)}


class Diversity(_OfTable):
    """Entropy of a unit's shares, or another measure of their evenness."""

    function: ClassVar[str] = "diversity"
    formula: ClassVar[str] = "sum_i s_ir ln(1 / s_ir)"

    kind: Literal["diversity"]
    measure: Literal["entropy", "inverse_herfindahl", "simpson", "relative"] = "entropy"
    base: Annotated[float, Field(gt=1)] | None = None

    def given(self) -> dict[str, Any]:
        """Return the table, and that of the nation where the measure compares with it."""
        found = super().given()
        return found if self.measure == "relative" else {"table": found["table"]}


class RelatedVariety(_OfTable):
    """Entropy inside of groups of industries."""

    function: ClassVar[str] = "related_variety"
    formula: ClassVar[str] = "sum_g P_gr H_gr"

    kind: Literal["related_variety"]
    groups: dict[str, str]
    """Group of each industry, by name."""
    base: float = 2.0

    def given(self) -> dict[str, Any]:
        """Return the table."""
        return {"table": Ref("table", self.table)}


class UnrelatedVariety(RelatedVariety):
    """Entropy between groups of industries."""

    function: ClassVar[str] = "unrelated_variety"
    formula: ClassVar[str] = "sum_g P_gr log2(1 / P_gr)"

    kind: Literal["unrelated_variety"]  # type: ignore[assignment]


class SensitivityResilience(_OfTable):
    """Growth of a unit against what its industries did in the nation."""

    function: ClassVar[str] = "sensitivity_resilience"
    formula: ClassVar[str] = "(dE_r - dE_r^c) / |dE_r^c|, dE_r^c = sum_i g_iN E_ir"
    keys: ClassVar[dict[str, str]] = {"columns": "industries"}

    kind: Literal["sensitivity_resilience"]
    form: Literal["martin", "bai", "growth", "sensitivity", "difference"] = "martin"
    steps: Annotated[int, Field(ge=1)] = 1
    small: Annotated[float, Field(ge=0)] = 0.005

    def given(self) -> dict[str, Any]:
        """Return the table, and that of the nation."""
        return {"panel": Ref("table", self.table), "reference": Ref("reference", self.table)}

    def picked(self, value: Any) -> Any:
        """Return the index."""
        return super().picked(Get(value, "index"))
