"""The methods of `SpatialSystem.fit`: one place where a name finds its estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spatial.errors import DataError, did_you_mean
from spatial.models.data.design import Design
from spatial.models.estimation.covariance import Cluster, Covariance
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.instrumental import estimate_by_instruments, infer_by_instruments
from spatial.models.estimation.steps import Method
from spatial.models.likelihood.estimator import estimate_by_likelihood, infer_by_likelihood, information_of
from spatial.models.likelihood.model import stamps_of
from spatial.models.quasi_score.estimator import estimate_by_quasi_score, infer_by_quasi_score, refusal

__all__ = ["ESTIMATORS", "Estimator", "default_method", "estimator_of"]


def _by_unit(design: Design) -> Covariance:  # noqa: ARG001 - of those that look at it
    return Cluster()


@dataclass(frozen=True)
class Estimator:
    """One method.

    Parameters
    ----------
    title : str
        Its name in full, the first line of a summary.
    label : str
        Its name at the head of a column.
    estimate : function of a Request
        Returns an `Estimate`, or a class derived from it.
    infer : function of an Estimate and a Request
        Returns the inference of the same estimates under the covariance of the request, for
        `SystemFit.vcov`.
    covariance : function of a Design
        Returns the covariance where none is asked for.
    random : bool
        Whether it takes random effects of units.
    stamps : function of a Design and whether a fit is forced, optional
        Refuses what cannot be identified and returns what tables must say; None: by instruments.
    """

    title: str
    label: str
    estimate: Callable[[Request], Estimate] = estimate_by_instruments
    infer: Callable[[Estimate, Request], Inference] = infer_by_instruments
    covariance: Callable[[Design], Covariance] = _by_unit
    stamps: Callable[[Design, bool], tuple[str, ...]] | None = None
    random: bool = False


ESTIMATORS: Mapping[str, Estimator] = {
    "gs3sls": Estimator("Generalised spatial three-stage least squares", "GS3SLS"),
    "gs2sls": Estimator("Generalised spatial two-stage least squares", "GS2SLS"),
    "3sls": Estimator("Three-stage least squares", "3SLS"),
    "2sls": Estimator("Two-stage least squares", "2SLS"),
    "gmm": Estimator("Two-step system GMM", "GMM"),
    "ols": Estimator("Least squares", "OLS"),
    "aqs": Estimator(
        "Joint adjusted quasi-score estimator of coefficients and spatial errors",
        "AQS",
        estimate_by_quasi_score,
        infer_by_quasi_score,
    ),
    "ml": Estimator(
        "Maximum likelihood",
        "ML",
        estimate_by_likelihood,
        infer_by_likelihood,
        information_of,
        stamps_of,
        random=True,
    ),
}
"""A new method is one line here; its name joins `Method` in estimation/steps.py."""


def estimator_of(method: str) -> Estimator:
    """Return the estimator of a name.

    Examples
    --------
    >>> estimator_of("3sls").title
    'Three-stage least squares'
    """
    if method not in ESTIMATORS:
        allowed = ", ".join(map(repr, ESTIMATORS))
        raise DataError(f"method is one of {allowed}; got {method!r}.{did_you_mean(method, ESTIMATORS)}")
    return ESTIMATORS[method]


def default_method(design: Design, cov: Covariance) -> Method:
    """Return the method of a fit without one: ``aqs`` for a lag and an error in the same weights.

    For random effects it is ``ml``.

    There intervals of GS3SLS are far too short.  Where the joint estimator cannot be (a covariance between
    units, lags from outside the rows), or its intervals were not simulated or cover too seldom (endogenous
    regressors without an equation, unbalanced panels, effects that the spatial filter changes), and for
    all other systems, ``gs3sls``.
    """
    structure = design.structure
    if design.random:
        return "ml"
    operators = [design.error_operator(g) for g in range(structure.n_equations)]
    plain = all(design.effects.commutes_with(m) for m in operators) and design.layout.is_balanced
    if not (structure.has_lag_and_error and plain) or structure.other_endogenous or refusal(design, cov):
        return "gs3sls"
    return "aqs"
