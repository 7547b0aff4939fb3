"""What may stand in a study file about robustness: a list of differences from a fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from .analyses import Analysis
from .base import (
    Column,
    Columns,
    Condition,
    Cov,
    Effects,
    FileName,
    Location,
    MatchName,
    Names,
    Section,
    Term,
)

__all__ = ["Robustness", "Variant"]


class Variant(Section):
    """A fit with some keys changed: only those that are given differ."""

    name: FileName
    en: str | None = None
    zh: str | None = None
    outcome: Column | None = None
    swap: dict[Column, Column] | None = None
    """Columns to put in the place of others, as {PSS = "PSS_krugman"}."""
    add: list[Term] | None = None
    drop: list[Term] | None = None
    instruments: list[Term] | None = None
    where: Condition | None = None
    sample: Annotated[str, Names("sample")] | None = None
    """Rows by the name of [samples.NAME], in place of where."""
    lags: Literal["full", "within"] | None = None
    effects: Effects | None = None
    cov: Cov | None = None
    method: str | None = None
    error: str | None = None
    weights: dict[Annotated[str, Names("weights")], str] | None = None
    """Weights by name, each with another spec, as {W = "knn:5"}."""
    winsorize: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """The share in each tail of every column of the formulas."""
    shift: int | None = None
    """Regressors so many times earlier; negative: leads."""
    policies: Columns | None = None
    force: bool | None = None
    unbalanced: Literal["raise", "balance", "induced"] | None = None
    iv_order: Annotated[int, Field(ge=1, le=6)] | None = None
    match: MatchName | None = None
    rings: list[float] | None = None
    exposure: Literal["own", "neighbours", "both"] | None = None
    W: Annotated[str, Names("weights")] | None = None
    base: Literal["universal", "varying"] | None = None
    control_group: Literal["never", "not-yet"] | None = None
    anticipation: Annotated[int, Field(ge=0)] | None = None

    own: ClassVar[tuple[str, ...]] = ("name", "en", "zh", "sample")
    """Keys that are no key of a variant of `models.robustness`."""

    @property
    def given(self) -> dict[str, Any]:
        """The keys that differ."""
        return {key: value for key, value in self if value is not None and key not in ("name", "en", "zh")}

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse two choices of rows, and a variant that changes nothing."""
        if self.where is not None and self.sample is not None:
            yield ("sample",), "where = and sample = both choose rows: give one."
        if not self.given:
            yield (), "it changes nothing: give at least one key that differs from the fit."


def _keyed(value: Any) -> Any:
    """[robustness.NAME.variants.KEY] and a list of variants with names are the same."""
    if not isinstance(value, dict):
        return value
    return [{"name": name, **part} if isinstance(part, dict) else part for name, part in value.items()]


class Robustness(Analysis):
    """The same fit with one thing different, as often as a paper asks."""

    of: Annotated[str, Names("varied fit")]
    """A system, a regression, or the effects of a policy."""
    variants: Annotated[list[Variant], BeforeValidator(_keyed)] = Field([])
    each: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field({})
    """One variant a value: of a key of the fit, of "weights.NAME" (a spec) or of "measures.NAME.KEY"."""
    combine: Literal["each", "all"] = "each"
    """"all": every combination of variants too, for a specification curve."""
    most: Annotated[int, Field(ge=1)] = 256
    """Refuse more fits than these."""
    terms: list[Annotated[str, Names("terms of a fit")]] | None = None
    """What is shown; default all."""

    study_keys: ClassVar[tuple[str, ...]] = ("each", "combine", "most")
    """Keys that write variants."""

    def faults(self) -> Iterator[tuple[Location, str]]:
        """Refuse an empty list."""
        if not self.variants and not self.each:
            yield (), "nothing varies: give variants or each."
