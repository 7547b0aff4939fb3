"""What every choice of covariance gives: its meat, its factors, its word; and those of a likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spatial.errors import DataError
from spatial.models.data.design import Design
from spatial.models.data.layout import Codes, Layout
from spatial.places.points import CitiesLike

from .clusters import Lookup, count_of
from .pairs import Kind
from .scores import Meat, Scores

__all__ = [
    "Covariance",
    "Expected",
    "Observed",
    "OfLikelihood",
    "QuasiLikelihood",
    "Spec",
    "cluster_factor",
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
