"""One estimation as a value: what a method gives, and all that diagnostics, impacts and tables need of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.models.data.design import Design
from spatial.models.data.given import Given
from spatial.models.data.source import Source
from spatial.models.formula.structure import Structure
from spatial.models.hypothesis import HypothesisTest

from .clusters import Lookup
from .covariance import Covariance
from .inference import Inference
from .steps import Method, Numbers, RhoMoments, Workspace

__all__ = [
    "Constant",
    "Effects",
    "Estimate",
    "Instruments",
    "Interval",
    "Request",
    "UnitEffect",
    "check_intervals",
    "interval_method",
    "with_intervals",
]

Float = NDArray[np.float64]
Interval = Literal["distance", "lr", "wald"]
Instruments = Literal["lags", "best"]
Constant = Literal["mean", "first", "none"]
UnitEffect = tuple[int, int, str]
"""Outcome, term, and what is counted: "sent", "received" or "direct"."""


class Effects(Protocol):
    """The effects of a system as functions of its coefficients; see `spatial.models.impacts.map`."""

    @property
    def way(self) -> str:
        """How they are found: "closed", "traces" or "solves"."""


@dataclass(frozen=True, eq=False)
class Request:
    """What a user asks of `SpatialSystem.fit`.

    Parameters
    ----------
    design : Design
        The aligned arrays.
    source : Source
        The data behind them, for clusters and coordinates.
    method : str
    covariance : Covariance
    rho_moments : "kp2010" or "kp1999"
    passes : int
    small : bool
        Whether variances get the small-sample factors of Stata and fixest.
    forced : bool
        Whether a system that is not identified is estimated all the same.
    seed : int, optional
        Of random signs for log-determinants beyond exact methods.
    compat : "direct", optional
        The likelihood of all rows, the effects not transformed out.
    random : "kkp" or "bsk"
        What the filter of spatial errors is on, where effects are random.
    iv : "lags" or "best"
        Instruments: spatial lags, or those that are best at a first estimate.
    by_default : bool
        Whether the method was left to the engine.
    given : Given, optional
        The arguments of the system, to build it again.
    constant : "mean", "first" or "none"
        Which constant of absorbed effects is printed: their mean, or that of the first time.
    intervals : "distance", "lr" or "wald", optional
        How tables make intervals and p-values; default what the method has.
    """

    design: Design
    source: Source
    method: Method
    covariance: Covariance
    _: KW_ONLY
    rho_moments: RhoMoments = "kp2010"
    passes: int = 1
    small: bool = False
    forced: bool = False
    seed: int | None = None
    compat: Literal["direct"] | None = None
    random: Literal["kkp", "bsk"] = "kkp"
    iv: Instruments = "lags"
    by_default: bool = False
    given: Given | None = None
    constant: Constant = "mean"
    intervals: Interval | None = None

    @property
    def lookup(self) -> Lookup:
        """The columns of the data, for the rows in use."""
        return self.source.lookup(self.design.layout)


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimation: the arrays, the steps' numbers, and their inference.

    Parameters
    ----------
    design : Design
    source : Source
    space : Workspace
        Filtered columns.
    numbers : Numbers
        Coefficients, rho, residuals, Sigma.
    inference : Inference
        The covariance of the coefficients and rho.
    preferred : "distance", "lr" or "wald", optional
        How intervals and p-values are made where nothing else is said; default what the method has.
    """

    design: Design
    source: Source
    space: Workspace
    numbers: Numbers
    inference: Inference
    _: KW_ONLY
    preferred: Interval | None = None

    @property
    def structure(self) -> Structure:
        """Equations and terms."""
        return self.design.structure

    @property
    def method(self) -> Method:
        """What was done, after any fall-back."""
        return self.numbers.method

    @property
    def delta(self) -> Float:
        """Coefficients of all equations, stacked; (K,)."""
        return self.numbers.fit.delta

    @property
    def cov(self) -> Float:
        """Their covariance, without rho; (K, K)."""
        count = len(self.delta)
        return self.inference.cov[:count, :count]

    @property
    def errors(self) -> tuple[str, ...]:
        """The equations with an estimate of rho."""
        if not len(self.inference.rho):
            return ()
        return tuple(e.name for e in self.structure.equations if e.error is not None)

    @property
    def lookup(self) -> Lookup:
        """The columns of the data, for the rows in use."""
        return self.source.lookup(self.design.layout)

    @property
    def solved(self) -> bool:
        """Whether the estimating equations have a solution; those of least squares always do."""
        return True

    @property
    def title(self) -> str:
        """What was estimated, in full; empty where the method says it."""
        return ""

    @property
    def label(self) -> str:
        """What was estimated, at the head of a column; empty where the method says it."""
        return ""

    @property
    def facts(self) -> tuple[tuple[str, float | str], ...]:
        """What a table prints of the fit beside the usual: log-likelihood, information criteria."""
        return ()

    @property
    def uses_instruments(self) -> bool:
        """Whether instruments made it, so that tests of instruments are of interest."""
        return True

    @property
    def exponential(self) -> bool:
        """Whether outcomes feed back through e^(alpha W), not through the inverse of I - lambda W."""
        return False

    def structural_residuals(self) -> Float | None:
        """Return the structural residuals, effects out, (R, G); None where they are y - Z delta."""
        return None

    def reduced_form(self) -> Float:
        """Return the outcomes without the errors, (R, G), where outcomes feed back through e^(alpha W)."""
        raise NotImplementedError  # pragma: no cover - asked of those that are exponential

    def tests(self) -> list[HypothesisTest] | None:
        """Return the tests of this estimate; None where those of instrumental variables are."""
        return None

    def residual_moran(self, weights: str) -> tuple[Float, float, float] | None:  # noqa: ARG002
        """Return the innovations e, and the mean and the variance of e'We; None where from two stages."""
        return None

    @property
    def has_distance(self) -> bool:
        """Whether there is a distance to invert for intervals."""
        return False

    def refuse_ratios(self) -> None:
        """Refuse intervals by likelihood ratios where the likelihood is biased."""

    def ratio_intervals(self, level: float) -> tuple[Float, Float]:
        """Return p-values of zero and intervals of coefficients and rho by likelihood ratios."""
        raise NotImplementedError  # pragma: no cover - asked of those that have a likelihood

    def intervals(self, level: float) -> tuple[Float, Float] | None:  # noqa: ARG002 - of those that derive
        """Return p-values of zero and intervals of coefficients and rho; None where by standard errors."""
        return None

    def effect_intervals(
        self,
        effects: Effects,  # noqa: ARG002
        level: float,  # noqa: ARG002
        terms: int,  # noqa: ARG002
    ) -> tuple[Float, Float] | None:
        """Return p-values of zero and intervals of the direct, indirect and total effects of the first terms.

        (3, G, terms) and (3, G, terms, 2); None where they are made from standard errors.
        """
        return None

    def effect_ratios(self, effects: Effects, level: float, errors: Float) -> tuple[Float, Float]:
        """Return the same by likelihood ratios, given standard errors (3, G, terms)."""
        raise NotImplementedError  # pragma: no cover - asked of those that have a likelihood

    def unit_intervals(self, effects: Effects, place: UnitEffect, level: float) -> Float | None:  # noqa: ARG002
        """Return intervals of one effect of each unit, (N, 2)."""
        return None


_HAVE: Mapping[str, tuple[str, ...]] = {"distance": ("aqs",), "lr": ("ml", "mess")}
"""The methods of estimation that have such intervals."""


def check_intervals(wanted: str | None, method: str, name: str = "method") -> None:
    """Refuse intervals that are none, or that a method of estimation has not; `name` is the argument's."""
    known = ("distance", "lr", "wald")
    if wanted is not None and wanted not in known:
        raise DataError(f"{name} is 'distance', 'lr' or 'wald'; got {wanted!r}.{did_you_mean(wanted, known)}")
    if wanted is None or method in _HAVE.get(wanted, (method,)):
        return
    if wanted == "lr":
        raise DataError(
            f"Intervals by likelihood ratios need a likelihood; this fit is by {method!r}. Use "
            f"system.fit('ml'), or {name}='wald'."
        )
    raise DataError(
        f"Intervals by distance are made from the joint estimator; this fit is by {method!r}. Use "
        f"system.fit('aqs'), or {name}='wald'."
    )


def with_intervals(found: Estimate, asked: Interval | None) -> Estimate:
    """Return an estimate whose tables make intervals as asked, or refuse."""
    if asked is None:
        return found
    return replace(found, preferred=interval_method(asked, 0.95, found))


def interval_method(method: Interval | None, level: float, found: Estimate) -> Interval:
    """Return how intervals are made, or refuse: as the fit was asked, or the distance where there is one.

    Raises
    ------
    DataError
        For another word, a level outside (0, 1), or a distance that the method of estimation has not.
    """
    if not 0 < level < 1:
        raise DataError(f"level is a share between 0 and 1, as 0.95; got {level!r}.")
    chosen = method or found.preferred
    if chosen is None:
        return "distance" if found.has_distance else "wald"
    check_intervals(chosen, found.method)
    if chosen == "lr":
        found.refuse_ratios()
    if chosen == "distance" and not found.has_distance:
        raise DataError(
            "There are no intervals by distance, because the equations of the joint estimator have no "
            "solution here: use method='wald', which may be too short, or fit.anderson_rubin()."
        )
    return chosen
