"""Hausman's test in space: random against fixed effects, least squares against spatial errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, wald
from spatial.models.instrumental.error_components import ErrorComponentsEstimate
from spatial.models.likelihood.contrast import hausman_test, slopes_covariance
from spatial.models.likelihood.random_estimate import RandomEstimate
from spatial.models.mechanisms.stacked import stacked_covariance
from spatial.models.results import SystemFit
from spatial.models.solving import generalised_inverse

__all__ = ["SAME", "classic_hausman", "contrast", "mundlak_of_random", "spatial_hausman"]

Float = NDArray[np.float64]

NAME = "Hausman, spatial"
EFFECTS = "random and fixed effects give the same coefficients"
SAME = "both estimators are consistent: the effects do not depend on the regressors"
ERRORS = "least squares and the spatial error model estimate the same coefficients"
_SHOWN = "hausman(kind='spatial')"


def spatial_hausman(a: Any, b: Any) -> HypothesisTest:
    """Compare fixed with random effects, or least squares with the spatial error model; see `hausman`."""
    _check_pair(a, b)
    if b.estimate.design.random:
        return _against_random(a, b)
    if a.method == "ols" and b.method == "ml" and b.structure.has_error and not _lagged(b):
        return _least_squares(a, b)
    raise DataError(
        f"{_SHOWN} compares fixed with random effects, as hausman(system.fit('ml'), "
        "system.again(effects='random').fit('ml')), or least squares with a spatial error model, as "
        f"hausman(system.fit('ols'), system.again(error='W').fit('ml')); got {a.method} and {b.method}."
    )


def _check_pair(a: Any, b: Any) -> None:
    for name, fit in (("a", a), ("b", b)):
        if not isinstance(fit, SystemFit):
            raise DataError(f"{_SHOWN} takes fits of SpatialSystem; {name} is {type(fit).__name__}.")
    if not b.n_obs == a.n_obs or tuple(a.structure.names) != tuple(b.structure.names):
        raise DataError(
            f"{_SHOWN} compares two fits of the same outcomes on the same rows; they explain "
            f"{', '.join(a.structure.names)} in {a.n_obs} rows, and {', '.join(b.structure.names)} in "
            f"{b.n_obs}."
        )


def mundlak_of_random(fit: SystemFit) -> HypothesisTest:
    """Return the test of the unit means beside random effects, in a model with spatial lags or errors."""
    if fit.structure.n_equations > 1:
        raise DataError("Mundlak's test is by equation: fit.diagnostics().test('Mundlak', equation).")
    return next(test for test in fit.estimate.tests() or () if "Mundlak" in test.name)


def _lagged(fit: SystemFit) -> bool:
    return any(term.is_endogenous for _, term in fit.structure.terms)


# ---- random against fixed effects
def _against_random(a: SystemFit, b: SystemFit) -> HypothesisTest:
    _check_effects(a, b)
    return hausman_test(a.estimate, b.estimate) if a.method == "ml" else _robust(a, b)


def _check_effects(a: SystemFit, b: SystemFit) -> None:
    if ("unit",) not in a.estimate.design.effects.names:
        raise DataError(
            f"{_SHOWN} needs fixed effects of units in the first fit, which has {a.effects or 'none'}."
        )
    if a.method != b.method and ("ml" in (a.method, b.method) or "mess" in (a.method, b.method)):
        raise DataError(f"{_SHOWN} takes both fits by one method; got {a.method} and {b.method}.")


def _robust(a: SystemFit, b: SystemFit) -> HypothesisTest:
    r"""Return the test of Mutl and Pfaffermayr with the clustered variance of the difference.

    .. math:: d = \hat\delta_F - \hat\delta_R, \qquad
              \hat V(d) = \sum_i (\psi_{Fi} - \psi_{Ri})(\psi_{Fi} - \psi_{Ri})'
    """
    stacked = stacked_covariance({"fixed": a, "random": b})
    shared = [key for key in a.params.index if key in b.params.index]
    R = np.zeros((len(shared), len(stacked.params)))
    for row, key in enumerate(shared):
        R[row, stacked.params.index.get_loc(("fixed", *key))] = 1.0
        R[row, stacked.params.index.get_loc(("random", *key))] = -1.0
    V = R @ stacked.cov.to_numpy() @ R.T
    detail = f"{len(shared)} terms; {CLUSTERED}"
    return wald(NAME, EFFECTS, R @ stacked.params.to_numpy(), V, detail=detail)


def classic_hausman(a: SystemFit, b: SystemFit) -> HypothesisTest:
    r"""Return the test of Hausman (1978) with the covariances of the two fits as they are, as splm's sphtest.

    That of `b` is homoskedastic, its variance components (by ``ml`` rho and lambda too) taken as known.
    """
    _check_pair(a, b)
    if not b.estimate.design.random:
        raise DataError(
            "covariance='classic' is for fixed against random effects: give a fit with these as b."
        )
    _check_effects(a, b)
    if isinstance(b.estimate, RandomEstimate):
        places, V_b = slopes_covariance(b.estimate)
    else:
        assert isinstance(b.estimate, ErrorComponentsEstimate)
        a = a.vcov("hom")
        bread = b.estimate.numbers.fit.bread
        places, V_b = list(range(len(bread))), bread
    keys = [b.params.index[j] for j in places]
    kept = [k for k, key in enumerate(keys) if key in a.params.index and key[-1] != CONSTANT]
    if not kept:
        raise DataError("The fits share no terms that vary over time.")
    shared = [keys[k] for k in kept]
    gap = (a.params[shared] - b.params[shared]).to_numpy()
    V_a = a.cov.loc[shared, shared].to_numpy()
    return contrast("Hausman, spatial, classic", gap, V_a - V_b[np.ix_(kept, kept)])


def contrast(name: str, gap: Float, V: Float) -> HypothesisTest:
    """Return the test of a difference of estimates whose covariance is a difference of covariances."""
    scale = np.sqrt(np.abs(np.diag(V)))
    values = np.linalg.eigvalsh(V / np.outer(scale, scale)) if (scale > 0).all() else np.zeros(1)
    definite = bool(values[0] > 1e-10)
    # As R and Stata do, an inverse where there is one; an indefinite difference is said.
    statistic = float(gap @ generalised_inverse(V) @ gap)
    if statistic <= 0 or not (np.abs(values) > 1e-12).all():
        reason = (
            "the difference of the covariances is not positive: b is not the efficient one, or the "
            "covariances are not homoskedastic. Use kind='mundlak', or kind='spatial' for spatial models"
        )
        return HypothesisTest.failed(name, SAME, reason)
    detail = f"{len(gap)} terms; {IID}; b efficient" + (
        ""
        if definite
        else "; the difference of the covariances is not positive definite: prefer kind='mundlak'"
    )
    return HypothesisTest(name, SAME, statistic, "chi2", len(gap), detail=detail)


# ---- least squares against the spatial error model
def _least_squares(a: SystemFit, b: SystemFit) -> HypothesisTest:
    r"""Return the test of Pace and LeSage (2008).

    .. math:: d = \hat\beta_{OLS} - \hat\beta_{SEM}, \qquad
              V(d) = \sigma^2\{(X'X)^{-1}X'(S'S)^{-1}X(X'X)^{-1} - (X'S'SX)^{-1}\}, \quad S = I - \rho W
    """
    shared = [key for key in a.params.index if key in b.params.index]
    if len(shared) < len(a.params) or len(shared) < len(b.params):
        raise DataError(f"{_SHOWN} compares least squares with the spatial error model of the same terms.")
    design, found = a.estimate.design, b.estimate.design
    X = design.projected[:, list(design.regressors[0])]
    spread, filtered = _spread(b, X)
    bread = np.linalg.inv(X.T @ X)
    filtered = found.effects.project(filtered)
    V = bread @ (X.T @ spread) @ bread - np.linalg.inv(filtered.T @ filtered)
    V *= float(b.estimate.numbers.sigma[0, 0])
    scale = np.sqrt(np.abs(np.diag(V)))
    least = float(np.linalg.eigvalsh(V / np.outer(scale, scale)).min()) if (scale > 0).all() else -1.0
    if least <= 0:
        return HypothesisTest.failed(
            NAME, ERRORS, "the difference of the covariances is not positive: the errors are hardly spatial"
        )
    gap = (a.params[shared] - b.params[shared]).to_numpy()
    return wald(NAME, ERRORS, gap, V, detail=f"{len(shared)} terms; {IID}")


def _spread(b: SystemFit, X: Float) -> tuple[Float, Float]:
    """Return (S'S)^{-1}X and SX, period by period."""
    design, rho = b.estimate.design, float(b.rho.iloc[0])
    spread, filtered = np.empty_like(X), np.empty_like(X)
    for first, last, W in design.operators[str(b.structure.equations[0].error)].blocks():
        part, S = X[first:last].copy(), scipy.sparse.eye_array(last - first, format="csc") - rho * W.tocsc()
        inverse = scipy.sparse.linalg.splu(S)
        spread[first:last], filtered[first:last] = inverse.solve(inverse.solve(part, trans="T")), S @ part
    return spread, filtered
