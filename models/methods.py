"""The methods of `SpatialSystem.fit`: one place where a name finds its estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spatial.errors import DataError, did_you_mean
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.instrumental import estimate_by_instruments, infer_by_instruments
from spatial.models.quasi_score.estimator import estimate_by_quasi_score, infer_by_quasi_score

__all__ = ["ESTIMATORS", "Estimator", "estimator_of"]


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
    """

    title: str
    label: str
    estimate: Callable[[Request], Estimate] = estimate_by_instruments
    infer: Callable[[Estimate, Request], Inference] = infer_by_instruments


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
