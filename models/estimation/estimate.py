"""One estimation as a value: what a method gives, and all that diagnostics, impacts and tables need of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.design import Design
from spatial.models.data.given import Given
from spatial.models.data.source import Source
from spatial.models.formula.structure import Structure

from .clusters import Lookup
from .covariance import Covariance
from .inference import Inference
from .steps import Method, Numbers, RhoMoments, Workspace

__all__ = ["Estimate", "Request"]

Float = NDArray[np.float64]


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
    given : Given, optional
        The arguments of the system, to build it again.
    """

    design: Design
    source: Source
    method: Method
    covariance: Covariance
    rho_moments: RhoMoments = "kp2010"
    passes: int = 1
    small: bool = False
    forced: bool = False
    given: Given | None = None

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
    """

    design: Design
    source: Source
    space: Workspace
    numbers: Numbers
    inference: Inference

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
