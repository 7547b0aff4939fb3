"""The methods of `SpatialSystem.fit`: one place where a name finds its estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from spatial.compute.threads import Workers, blas_on_one_thread, run_tasks
from spatial.errors import DataError, did_you_mean, warn
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.design import Design
from spatial.models.estimation.covariance import Cluster, Covariance, is_whole
from spatial.models.estimation.estimate import Estimate, Request, check_intervals, with_intervals
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.steps import METHODS, Method
from spatial.models.impacts.errors import nonlinear_terms
from spatial.models.instrumental.choice import (
    best_instruments,
    checked_for_far_off,
    fewer_lags,
    filters_by_lags,
)
from spatial.models.instrumental.error_components import (
    estimate_error_components,
    infer_error_components,
)
from spatial.models.instrumental.estimator import estimate_by_instruments, infer_by_instruments
from spatial.models.likelihood.estimator import estimate_by_likelihood, infer_by_likelihood, information_of
from spatial.models.likelihood.exponential import (
    estimate_exponential,
    infer_exponential,
    no_stamps,
    observed_of,
)
from spatial.models.likelihood.model import stamps_of
from spatial.models.quasi_score.estimator import estimate_by_quasi_score, infer_by_quasi_score, refusal

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "check_asked",
    "default_method",
    "estimator_of",
    "instruments_of",
    "run",
]

_MOST_CELLS = 5_000  # for which aqs is the default where effects depend on rho, or weights on the time
BY_INSTRUMENTS = tuple(name for name in METHODS if name != "ols")
BY_LIKELIHOOD = ("ml", "mess")
BEST = tuple(name for name in BY_INSTRUMENTS if name != "gmm")


def _by_unit(design: Design) -> Covariance:  # noqa: ARG001 - of those that look at it
    return Cluster()


def _by_instruments(request: Request) -> Estimate:
    by_components = request.design.random
    return estimate_error_components(request) if by_components else estimate_by_instruments(request)


def _infer_by_instruments(found: Estimate, asked: Request) -> Inference:
    by_components = asked.design.random
    return infer_error_components(found, asked) if by_components else infer_by_instruments(found, asked)


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
    estimate: Callable[[Request], Estimate] = _by_instruments
    infer: Callable[[Estimate, Request], Inference] = _infer_by_instruments
    covariance: Callable[[Design], Covariance] = _by_unit
    stamps: Callable[[Design, bool], tuple[str, ...]] | None = None
    random: bool = False


ESTIMATORS: Mapping[str, Estimator] = {
    "gs3sls": Estimator(
        "Generalised spatial three-stage least squares",
        "GS3SLS",
        random=True,
    ),
    "gs2sls": Estimator(
        "Generalised spatial two-stage least squares",
        "GS2SLS",
        random=True,
    ),
    "3sls": Estimator(
        "Three-stage least squares", "3SLS", _by_instruments, _infer_by_instruments, random=True
    ),
    "2sls": Estimator("Two-stage least squares", "2SLS", random=True),
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
    "mess": Estimator(
        "Matrix exponential spatial model by maximum likelihood",
        "MESS",
        estimate_exponential,
        infer_exponential,
        observed_of,
        no_stamps,
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
        hint = did_you_mean(method, ESTIMATORS)
        if str(method).lower() in ("sar", "sem", "sac", "sdm", "sdem", "slx"):
            hint = " The model stands in the formula: W(y) and W(x) are lags; error='W' lags the errors."
        raise DataError(f"method is one of {allowed}; got {method!r}.{hint}")
    return ESTIMATORS[method]


def default_method(design: Design, cov: Covariance) -> Method:
    """Return the method of a fit without one: ``aqs`` for equations with a spatial lag and a spatial error.

    For random effects it is ``ml``, of several equations ``gs3sls``.

    There intervals of GS3SLS are far too short, whether or not lag and error have the same weights, also in
    unbalanced panels and with weights that change over time; of these, up to 5,000 cells, as each step costs
    a solution of all times there.  Where the joint estimator cannot be (a covariance between units, lags from
    outside the rows), or its intervals were not simulated (functions of an outcome among the regressors), and
    for all other systems, ``gs3sls``.
    """
    structure = design.structure
    if design.random:
        return "ml" if structure.n_equations == 1 else "gs3sls"
    errors = [m for g in range(structure.n_equations) if (m := design.error_operator(g)) is not None]
    plain = design.layout.is_balanced and all(m.is_constant for m in errors)
    known = structure.has_lag_beside_error and not nonlinear_terms(structure)
    if not known or not (plain or design.layout.n_rows <= _MOST_CELLS) or refusal(design, cov):
        return "gs3sls"
    return "aqs"


def _check_instruments(iv: str, method: str) -> None:
    """Refuse the best instruments of a method that takes no instruments, or has them in its score."""
    if iv not in ("lags", "best"):
        raise DataError(f"iv is 'lags' or 'best'; got {iv!r}.{did_you_mean(str(iv), ('lags', 'best'))}")
    if iv == "best" and method not in BEST:
        raise DataError(
            f"iv='best' is for {', '.join(BEST)}; got {method!r}"
            + (", whose score has the best instruments in it." if method == "aqs" else ".")
        )


def instruments_of(design: Design, method: str) -> Design:
    """Return the design with the instruments that a method takes where the user named no order.

    X and WX alone where an equation has a lag and an error in the same weights, for the methods by
    instruments that filter errors: a lag more among the instruments biases them further.
    """
    return fewer_lags(design) if filters_by_lags(method) and design.structure.has_lag_and_error else design


def run(request: Request, workers: Workers = 1) -> Estimate:
    """Estimate as a request asks, here or on a worker of a cluster; what is warned of is said here."""
    if isinstance(workers, int):
        return _run(request)
    found: list[Estimate] = []

    def collect(_: int, part: tuple[Estimate, list[Warning]]) -> int:
        found.append(part[0])
        for message in part[1]:
            warn(message)
        return 1

    cells = request.design.layout.n_rows
    run_tasks(
        [0],
        _Fit(request),
        collect,
        workers=workers,
        total=1,
        seconds=1e-5 * cells,
        progress=False,
        label="fit",
    )
    return found[0]


@dataclass(frozen=True, eq=False)
class _Fit:
    """The job of a fit in memory, which is one task."""

    request: Request

    def prepare(self) -> Callable[[int], tuple[Estimate, list[Warning]]]:
        def work(_: int) -> tuple[Estimate, list[Warning]]:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                found = _run(self.request)
            return found, [w.message for w in said if isinstance(w.message, Warning)]

        return work


@blas_on_one_thread()
def _run(request: Request) -> Estimate:
    """Estimate, twice where the best instruments are made at a first estimate."""
    estimator = estimator_of(request.method)
    found = estimator.estimate(request)
    if request.iv == "best":
        found = checked_for_far_off(estimator.estimate(replace(request, design=best_instruments(found))))
    return with_intervals(found, request.intervals)


def check_asked(
    design: Design,
    method: str,
    rho_moments: str,
    passes: int,
    small: bool,
    iv: str,
    seed: int | None,
    compat: str | None,
    random: str,
    intervals: str | None = None,
) -> None:
    """Refuse options of a fit that are none, or that its method has not."""
    _check_fit(rho_moments, passes)
    check_intervals(intervals, method, "intervals")
    if method not in METHODS:
        if passes != 1:
            raise DataError(
                f"passes is of estimators that alternate between coefficients and errors; method={method!r} "
                "solves for both at once. Leave passes out."
            )
        if small and method not in BY_LIKELIHOOD:
            raise DataError(
                f"small=True is of estimates by least squares, instruments and likelihood; method={method!r} "
                "has no such factor. Leave it out."
            )
    _check_likelihood(method, seed, compat, random)
    _check_instruments(iv, method)
    if iv == "best":
        refuse_own_instruments(design.structure, "iv='best'")
    if design.random and not estimator_of(method).random:
        known = ", ".join(repr(name) for name, e in ESTIMATORS.items() if e.random)
        raise DataError(f"effects='random' is for method {known}; got {method!r}.")


def _check_fit(rho_moments: str, passes: int) -> None:
    if rho_moments not in ("kp2010", "kp1999"):
        raise DataError(f"rho_moments is 'kp2010' or 'kp1999'; got {rho_moments!r}.")
    if not is_whole(passes, 0):
        raise DataError(f"passes is a whole number, 0 or more; got {passes!r}.")


def _check_likelihood(method: str, seed: int | None, compat: str | None, random: str) -> None:
    if seed is not None and not is_whole(seed, 0):
        raise DataError(f"seed is a whole number, 0 or more; got {seed!r}.")
    if compat not in (None, "direct"):
        raise DataError(f"compat is 'direct' or left out; got {compat!r}.")
    if random not in ("kkp", "bsk"):
        raise DataError(f"random is 'kkp' or 'bsk'; got {random!r}.{did_you_mean(random, ('kkp', 'bsk'))}")
    if compat is not None and method != "ml":
        raise DataError(f"compat='direct' is of method='ml'; got method={method!r}.")
