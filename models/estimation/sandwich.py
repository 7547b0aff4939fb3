"""What every choice of covariance gives: its meat, its factors, its word; and those of a likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spatial.errors import DataError
from spatial.models.data.design import Design
from spatial.models.data.layout import Codes, Layout
from spatial.places.points import CitiesLike

from .clusters import Lookup, cluster_codes, count_of
from .pairs import Kind
from .scores import Meat, Scores

__all__ = [
    "Covariance",
    "Expected",
    "Heteroskedastic",
    "Observed",
    "OfLikelihood",
    "QuasiLikelihood",
    "Spec",
    "cluster_factor",
    "cluster_kind",
    "is_whole",
]


class Spec(NamedTuple):
    """How a study file writes a covariance: its word, how many parts may follow, and the whole in words."""

    word: str
    fewest: int
    most: int
    text: str


class Covariance:
    """Base of the choices: each computes its own meat, and knows how a study file writes it."""

    label: str = ""
    spec: ClassVar[Spec]

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return the middle of the sandwich.

        Parameters
        ----------
        scores : Scores
        layout : Layout
            Unit and time of each row.
        lookup : function of a column name
            Returns the (R,) values of a column of the data, for clusters and coordinates.
        """
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def rho_kind(self, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
        """Return what the moments of rho assume, None where they contradict this covariance; and notes."""
        return "cluster", ("the standard error of rho takes units as independent once rho is filtered out",)

    def small_factor(self, design: Design, k: float, lookup: Lookup) -> float:
        """Return what Stata and fixest multiply the variance by in small samples, beside what it has.

        Parameters
        ----------
        design : Design
        k : float
            Coefficients of an equation, the effects not counted.
        lookup : function of a column name
        """
        return design.n_effective / (design.n_effective - k)

    @property
    def gmm_clusters(self) -> Any:
        """Clusters of the weights of two-step GMM where they are those of the covariance; else None."""
        return None

    @property
    def of_constants(self) -> Covariance:
        """What the constant that effects absorb has its standard error by."""
        return self

    @classmethod
    def from_parts(cls, parts: Sequence[str], cities: CitiesLike, seed: int) -> Covariance:
        """Return the value that a study file writes as a word and these parts."""
        return cls(*parts)


def cluster_factor(design: Design, k: float, several: Sequence[Codes]) -> float:
    """Return (R - 1)/(R - K): K counts no effects within clusters, but one for each set of them."""
    effects = design.effects.codes
    nested = sum(count_of(c) - 1 for c in effects if any(_within(c, codes) for codes in several))
    rows = design.layout.n_rows
    return (rows - 1) / (rows - (k + design.effects.rank - nested))


def _within(effect: Codes, clusters: Codes) -> bool:
    """Whether each level of an effect lies in one cluster."""
    pairs = effect.astype(np.int64) * count_of(clusters) + clusters
    return len(np.unique(pairs)) == count_of(effect)


def cluster_kind(by: Any, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
    """Return what the moments of rho assume under these clusters; None where they join units."""
    if isinstance(by, str) and by == "unit":
        return "cluster", ()
    codes = cluster_codes(by, layout, lookup)
    if len(np.unique(codes * layout.n_units + layout.unit)) == count_of(codes):
        return "cluster", ()
    return None, ("clusters that join units contradict the moments of rho: its error is not given",)


@dataclass(frozen=True)
class Heteroskedastic(Covariance):
    r"""Independent innovations with a variance for each cell (White 1980), times NT/n after effects.

    Inconsistent under unit effects with few times (Stock and Watson 2008): prefer `Cluster`.
    """

    label = "heteroskedastic"
    spec = Spec("het", 0, 0, "het")

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return the sum of the outer products of the scores, times NT/n."""
        return Meat(scores.values.T @ scores.values * scores.inflation)

    def rho_kind(self, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
        """Return that the moments of rho allow a variance for each cell."""
        return "heteroskedastic", ()


class OfLikelihood(Covariance):
    """Base of the covariances that only maximum likelihood has."""

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Refuse."""
        raise DataError(
            f"cov={self.spec.word!r} is a covariance of method='ml'; others have 'cluster', 'het', 'hom'."
        )


@dataclass(frozen=True)
class Expected(OfLikelihood):
    """The inverse of the expected information, for normal innovations."""

    label = "expected information"
    spec = Spec("expected", 0, 0, "expected")


@dataclass(frozen=True)
class Observed(OfLikelihood):
    """The inverse of the observed information, minus the second derivatives, for normal innovations."""

    label = "observed information"
    spec = Spec("observed", 0, 0, "observed")


@dataclass(frozen=True)
class QuasiLikelihood(OfLikelihood):
    """The sandwich with third and fourth moments, for iid innovations that are not normal (Lee 2004)."""

    label = "quasi-maximum likelihood sandwich"
    spec = Spec("qml", 0, 0, "qml")


def is_whole(value: Any, least: int) -> bool:
    """Whether `value` is a whole number of at least `least`; True and False are none."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and float(value).is_integer() and float(value) >= least
