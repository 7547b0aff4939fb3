"""2SLS, 3SLS, their forms with spatial errors, and two-step GMM: from a request to an estimate."""

from __future__ import annotations

from dataclasses import replace

from spatial.errors import warn
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.estimation.inference import Inference, infer
from spatial.models.estimation.steps import Method, Numbers, SingularSigmaError, Workspace, estimate

__all__ = ["estimate_by_instruments", "infer_by_instruments"]


def estimate_by_instruments(request: Request) -> Estimate:
    """Estimate by one of the methods of `steps.METHODS`."""
    numbers, space = _estimated(request)
    inference = infer(
        space, numbers, request.covariance, request.rho_moments, request.lookup, small=request.small
    )
    return Estimate(request.design, request.source, space, numbers, inference)


def infer_by_instruments(found: Estimate, asked: Request) -> Inference:
    """Return the inference of the same estimates under another covariance, that of `asked`."""
    return infer(
        found.space,
        found.numbers,
        asked.covariance,
        asked.rho_moments,
        found.lookup,
        found.inference,
        asked.small,
    )


def _estimated(request: Request) -> tuple[Numbers, Workspace]:
    """Estimate; equations that are forced and turn out as multiples of each other, one by one."""
    chosen = request.covariance.gmm_clusters if request.method == "gmm" else None
    by = "unit" if chosen is None else chosen
    codes = cluster_codes(by, request.design.layout, request.lookup)
    design, method, rho_moments, passes = request.design, request.method, request.rho_moments, request.passes
    try:
        return estimate(design, method, rho_moments, passes, codes)
    except SingularSigmaError:
        if not request.forced:
            raise
    single: Method = "2sls" if method == "3sls" else "gs2sls"
    note = "the equations are estimated as multiples of one another, so Sigma has no inverse: each by itself"
    warn(note[0].upper() + note[1:] + ".")
    numbers, space = estimate(design, single, rho_moments, passes, codes)
    return replace(numbers, notes=(*numbers.notes, note)), space
