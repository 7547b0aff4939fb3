"""What may stand in a study file about measures: each is a public function, whose arguments are its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from spatial.study.calls import Get, Item, Ref

from .base import Column, Columns, Language, Location, WeightsName
from .measure import PANEL, MeasureSection
from .structure import (
    Diversity,
    GiniSpecialization,
    Herfindahl,
    HooverIndex,
    KrugmanIndex,
    LocationQuotient,
    RelatedVariety,
    SensitivityResilience,
    Specialization,
    TheilSpecialization,
    UnrelatedVariety,
)

__all__ = ["MEASURES", "Measure", "MeasureSection"]

Kilometres = Annotated[float, Field(gt=0)]


class EntropyIndex(MeasureSection):
    """A composite index with entropy weights."""

    function: ClassVar[str] = "entropy_index"
    formula: ClassVar[str] = (
        "sum_j w_j z_ij, w_j = (1 - e_j) / sum_k (1 - e_k), e_j the entropy of indicator j"
    )

    kind: Literal["entropy_index"]
    positive: list[Column] = Field([])
    """Indicators of which more is better."""
    negative: list[Column] = Field([])
    """Indicators of which less is better."""
    scope: str | int = "pooled"
    """Normalise and weigh over all rows, "year" (or "time") by year, or by the rows of one time, as 2003."""
    dimensions: dict[str, Columns] | None = None
    """Name of each dimension to its indicators."""
    labels: dict[str, dict[Language, str]] = Field({})
    """What readers call the dimensions, as resist = { en = "Resistance", zh = "抵抗" }."""
    shift: float = 0.0

    own_keys: ClassVar[tuple[str, ...]] = ("labels",)

    def picked(self, value: Any) -> Any:
        """Return the index."""
        return Get(value, "index")

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse indicators that are there twice, or in no dimension."""
        given = [("positive", k, c) for k, c in enumerate(self.positive)]
        given += [("negative", k, c) for k, c in enumerate(self.negative)]
        names = [c for *_, c in given]
        if not names:
            yield ("positive",), "indicators are needed: positive = [...], negative = [...]."
        for place, (key, k, column) in enumerate(given):
            if column in names[:place]:
                yield (key, k), f"the indicator {column!r} is there twice."
        inside = [c for columns in (self.dimensions or {}).values() for c in columns]
        if self.dimensions is not None:
            for key, k, column in given:
                if column not in inside:
                    yield (key, k), f"the indicator {column!r} is in no dimension: add it to one."
            for name in self.labels:
                if name not in self.dimensions:
                    yield (
                        ("labels", name),
                        f"{name!r} is no dimension; they are {', '.join(self.dimensions)}.",
                    )
            for name, columns in self.dimensions.items():
                for k, column in enumerate(columns):
                    if column not in names:
                        yield ("dimensions", name, k), f"{column!r} is neither in positive nor in negative."


class CompositeIndex(EntropyIndex):
    """A composite index with other weights, or by distance to the best."""

    function: ClassVar[str] = "composite_index"
    formula: ClassVar[str] = "sum_j w_j z_ij of normalised indicators, or closeness to the best (TOPSIS)"

    kind: Literal["composite_index"]  # type: ignore[assignment]
    weights: Literal["entropy", "critic", "variation", "pca", "equal"] | dict[str, float] = "entropy"
    aggregate: Literal["sum", "topsis"] = "sum"


# ---- of distances
class VirtualAgglomeration(MeasureSection):
    """Location quotients decayed by great-circle distance."""

    function: ClassVar[str] = "virtual_agglomeration"
    formula: ClassVar[str] = "own LQ_i + sum_j LQ / (D_ij / u)^a"
    left_out: ClassVar[tuple[str, ...]] = ("executor",)

    kind: Literal["virtual_agglomeration"]
    sector: Column
    total: Column
    quotient_of: Literal["own", "others"] = "own"
    power: float = 1.0
    own: float = 1.0
    unit_km: Kilometres = 1.0
    cutoff_km: Kilometres | None = None
    tolerance: Annotated[float, Field(ge=0)] = 0.0

    def given(self) -> dict[str, Any]:
        """Return panel and map."""
        return {"panel": PANEL, "cities": Ref("cities")}

    def picked(self, value: Any) -> Any:
        """Return the sum."""
        return Get(value, "values")


class DistanceDecay(MeasureSection):
    """Sum of the values of all places, decayed by their great-circle distance."""

    function: ClassVar[str] = "distance_decay"
    formula: ClassVar[str] = "own x_i + sum_j x_j f(D_ij / u)"
    own_keys: ClassVar[tuple[str, ...]] = ("column",)
    left_out: ClassVar[tuple[str, ...]] = ("workers", "executor", "progress")

    kind: Literal["distance_decay"]
    column: Column
    power: float = 1.0
    own: float | Literal["area"] = 1.0
    unit_km: Kilometres = 1.0
    cutoff_km: Kilometres | None = None
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    decay: Literal["power", "exponential", "gaussian", "linear"] = "power"
    bandwidth_km: Kilometres | None = None

    def given(self) -> dict[str, Any]:
        """Return the column as a panel, and the map."""
        return {"values": Item(PANEL, [self.column]), "cities": Ref("cities")}

    def picked(self, value: Any) -> Any:
        """Return the sum."""
        return Item(value, f"decayed_{self.column}")


class MarketPotential(DistanceDecay):
    """Masses of all places, decayed by distance (Harris 1954)."""

    function: ClassVar[str] = "market_potential"
    formula: ClassVar[str] = "own M_i + sum_j M_j f(D_ij / u)"

    kind: Literal["market_potential"]  # type: ignore[assignment]


# ---- of columns
class IndustrialUpgrading(MeasureSection):
    """Output of the tertiary sector over that of the others, or another form."""

    function: ClassVar[str] = "industrial_upgrading"
    formula: ClassVar[str] = "Y3 / (Y1 + Y2)"

    kind: Literal["industrial_upgrading"]
    primary: Column
    secondary: Column
    tertiary: Column
    form: Literal["tertiary_to_rest", "tertiary_to_secondary", "hierarchy"] = "tertiary_to_rest"

    def given(self) -> dict[str, Any]:
        """Return the panel."""
        return {"data": PANEL}


class CouplingCoordination(MeasureSection):
    """Degree of coordination of indices in [0, 1]."""

    function: ClassVar[str] = "coupling_coordination"
    formula: ClassVar[str] = "D = sqrt(C T), C = [prod U / (mean U)^n]^(1/n), T = sum a U"

    kind: Literal["coupling_coordination"]
    columns: Columns
    weights: dict[Column, float] | None = None
    form: Literal["standard", "modified"] = "standard"
    normalise: Literal["none", "minmax"] = "none"
    """"minmax": columns that leave [0, 1] are brought into it first, which is said."""

    def given(self) -> dict[str, Any]:
        """Return the panel."""
        return {"data": PANEL}

    def picked(self, value: Any) -> Any:
        """Return the degree of coordination."""
        return Item(value, "coordination")


class InteractionDegree(MeasureSection):
    """How evenly indices in [0, 1] stand, whatever their level."""

    function: ClassVar[str] = "interaction_degree"
    formula: ClassVar[str] = "C = [prod U / (mean U)^n]^(1/n)"

    kind: Literal["interaction_degree"]
    columns: Columns
    form: Literal["standard", "modified"] = "standard"
    normalise: Literal["none", "minmax"] = "none"
    """"minmax": columns that leave [0, 1] are brought into it first, which is said."""

    def given(self) -> dict[str, Any]:
        """Return the panel."""
        return {"data": PANEL}


class PerCapita(MeasureSection):
    """A column per inhabitant."""

    function: ClassVar[str] = "per_capita"
    formula: ClassVar[str] = "scale x / population"
    own_keys: ClassVar[tuple[str, ...]] = ("column", "base")

    kind: Literal["per_capita"]
    column: Column
    base: Column
    scale: float = 1.0

    def given(self) -> dict[str, Any]:
        """Return both columns."""
        return {"values": Item(PANEL, self.column), "population": Item(PANEL, self.base)}


class PerArea(MeasureSection):
    """A column per area."""

    function: ClassVar[str] = "per_area"
    formula: ClassVar[str] = "scale x / area"
    own_keys: ClassVar[tuple[str, ...]] = ("column", "base")

    kind: Literal["per_area"]
    column: Column
    base: Column
    scale: float = 1.0

    def given(self) -> dict[str, Any]:
        """Return both columns."""
        return {"values": Item(PANEL, self.column), "area": Item(PANEL, self.base)}


class SpatialLag(MeasureSection):
    """Spatial lag of a column: the weighted sum of its neighbours' values."""

    function: ClassVar[str] = "spatial_lag"
    formula: ClassVar[str] = "sum_j w_ij x_j"
    keys: ClassVar[dict[str, str]] = {"column": "columns"}
    own_keys: ClassVar[tuple[str, ...]] = ("weights",)
    left_out: ClassVar[tuple[str, ...]] = ("executor", "folder")  # of panels on disk

    kind: Literal["spatial_lag"]
    column: Column
    weights: WeightsName

    def given(self) -> dict[str, Any]:
        """Return panel and weights, and the name of the lag."""
        return {"panel": PANEL, "W": Ref("weights", self.weights), "name": self.name}

    def picked(self, value: Any) -> Any:
        """Return the lag."""
        return Item(value, self.name)


class Lag(MeasureSection):
    """A column of earlier times."""

    function: ClassVar[str] = "Panel.shift"
    formula: ClassVar[str] = "x_(t - periods)"
    keys: ClassVar[dict[str, str]] = {"column": "columns"}

    kind: Literal["lag"]
    column: Column
    periods: int = 1

    def given(self) -> dict[str, Any]:
        """Return the panel, and the name of the lag."""
        return {"self": PANEL, "name": self.name}

    def picked(self, value: Any) -> Any:
        """Return the lag."""
        return Item(value, self.name)


MEASURES: dict[str, type[MeasureSection]] = {
    "composite_index": CompositeIndex,
    "coupling_coordination": CouplingCoordination,
    "distance_decay": DistanceDecay,
    "diversity": Diversity,
    "entropy_index": EntropyIndex,
    "gini_specialization": GiniSpecialization,
    "herfindahl": Herfindahl,
    "hoover_index": HooverIndex,
    "industrial_upgrading": IndustrialUpgrading,
    "interaction_degree": InteractionDegree,
    "krugman_index": KrugmanIndex,
    "lag": Lag,
    "location_quotient": LocationQuotient,
    "market_potential": MarketPotential,
    "per_area": PerArea,
    "per_capita": PerCapita,
    "related_variety": RelatedVariety,
    "sensitivity_resilience": SensitivityResilience,
    "spatial_lag": SpatialLag,
    "specialization": Specialization,
    "theil_specialization": TheilSpecialization,
    "unrelated_variety": UnrelatedVariety,
    "virtual_agglomeration": VirtualAgglomeration,
}
Measure = Annotated[
    EntropyIndex
    | CompositeIndex
    | LocationQuotient
    | Specialization
    | KrugmanIndex
    | GiniSpecialization
    | HooverIndex
    | TheilSpecialization
    | Herfindahl
    | Diversity
    | RelatedVariety
    | UnrelatedVariety
    | SensitivityResilience
    | VirtualAgglomeration
    | DistanceDecay
    | MarketPotential
    | IndustrialUpgrading
    | CouplingCoordination
    | InteractionDegree
    | PerCapita
    | PerArea
    | SpatialLag
    | Lag,
    Field(discriminator="kind"),
]
