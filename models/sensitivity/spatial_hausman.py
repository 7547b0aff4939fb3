"""Hausman's test in space: random against fixed effects, least squares against spatial errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.hypothesis import CLUSTERED, IID, HypothesisTest, wald
from spatial.models.likelihood.contrast import hausman_test
from spatial.models.mechanisms.stacked import stacked_covariance
from spatial.models.results import SystemFit

__all__ = ["mundlak_of_random", "spatial_hausman"]

Float = NDArray[np.float64]

NAME = "Hausman, spatial"
EFFECTS = "random and fixed effects give the same coefficients"
ERRORS = "least squares and the spatial error model estimate the same coefficients"
_SHOWN = "hausman(kind='spatial')"


def spatial_hausman(a: Any, b: Any) -> HypothesisTest:
    """Compare fixed with random effects, or least squares with the spatial error model; see `hausman`."""
    for name, fit in (("a", a), ("b", b)):
        if not isinstance(fit, SystemFit):
            raise DataError(f"{_SHOWN} takes fits of SpatialSystem; {name} is {type(fit).__name__}.")
    if not b.n_obs == a.n_obs or tuple(a.structure.names) != tuple(b.structure.names):
        raise DataError(
            f"{_SHOWN} compares two fits of the same outcomes on the same rows; they explain "
            f"{', '.join(a.structure.names)} in {a.n_obs} rows, and {', '.join(b.structure.names)} in "
            f"{b.n_obs}."
        )
    if b.estimate.design.random:
        return _against_random(a, b)
    if a.method == "ols" and b.method == "ml" and b.structure.has_error and not _lagged(b):
        return _least_squares(a, b)
    raise DataError(
        f"{_SHOWN} compares fixed with random effects, as hausman(system.fit('ml'), "
        "system.again(effects='random').fit('ml')), or least squares with a spatial error model, as "
        f"hausman(system.fit('ols'), system.again(error='W').fit('ml')); got {a.method} and {b.method}."
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
    if ("unit",) not in a.estimate.design.effects.names:
        raise DataError(
            f"{_SHOWN} needs fixed effects of units in the first fit, which has {a.effects or 'none'}."
        )
    if a.method == b.method == "ml":
        return hausman_test(a.estimate, b.estimate)
    if "ml" in (a.method, b.method) or "mess" in (a.method, b.method):
        raise DataError(f"{_SHOWN} takes both fits by one method; got {a.method} and {b.method}.")
    return _robust(a, b)


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
