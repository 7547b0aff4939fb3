"""From least squares to the Durbin model and back: LM tests, LR and Wald tests, Hausman."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from spatial.errors import DataError, FormulaError, SpatialWarning, hinted
from spatial.models.data.weights import named_weights
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import HypothesisTest
from spatial.models.likelihood.contrast import hausman_test
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights.value import WeightsLike

from .result import ModelChoice

__all__ = ["select"]

_LEAST_SQUARES = {
    "lm_lag": "LM lag",
    "rlm_lag": "Robust LM lag",
    "lm_error": "LM error",
    "rlm_error": "Robust LM error",
}
_DURBIN = {
    "wald_sar": "Wald: no spatial lags of regressors",
    "lr_sar": "LR: no spatial lags of regressors",
    "wald_sem": "Wald: common factor (Durbin against error)",
    "lr_sem": "LR: common factor (Durbin against error)",
    "variance": "Breusch-Pagan (Koenker)",
}
_MUNDLAK = "LR: Mundlak, random against fixed effects"


@hinted
def select(
    formula: str,
    panel: Panel | pd.DataFrame,
    weights: WeightsLike | Mapping[str, WeightsLike],
    *,
    effects: str | Iterable[str] = ("unit", "time"),
    alpha: float = 0.05,
    where: str | None = None,
) -> ModelChoice:
    r"""Run the tests by which papers choose between spatial models, in the order of Elhorst (2014).

    1. Least squares with the effects: LM and robust LM tests of a spatial lag and of a spatial error.
    2. The spatial Durbin model by maximum likelihood: LR and Wald tests that it reduces to a lag
       (:math:`d = 0`) or to an error (:math:`d + \lambda b = 0`).
    3. Random against fixed effects of units, in the Durbin model: Hausman, and Mundlak by likelihood ratio.
    4. Breusch-Pagan, for what all of them assume.

    The Durbin model is recommended where both restrictions are rejected, or the tests disagree; a lag or an
    error where the Durbin model reduces to it and the robust LM test points there; no spatial term where
    neither LM test nor either restriction is rejected.  Effects of units are random only where Mundlak's test
    does not reject.

    Parameters
    ----------
    formula : str
        Without spatial terms, as ``"y ~ x + z"``; all regressors are exogenous.
    panel : Panel or DataFrame
    weights : Weights, or a mapping with one
    effects : tuple of str
        Among ``"unit"`` and ``"time"``; none for a cross-section.
    alpha : float
        Of all decisions.
    where : str, optional
        Which rows are used; see `SpatialSystem.where`.  W is cut to them.

    Raises
    ------
    FormulaError
        If the formula has spatial or endogenous terms.
    DataError
        If cells are missing or the panel is not balanced.
    WeightsError
        If the weights are not those of the panel's units.
    AlignmentError
        If the units of the panel are not those of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(2)
    >>> ring = np.roll(np.eye(80), 1, axis=1) + np.roll(np.eye(80), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(rng.normal(size=(80, 2)), columns=["x", "z"])
    >>> errors = rng.normal(size=80) / 2
    >>> data["y"] = np.linalg.solve(np.eye(80) - 0.5 * W.sparse.toarray(), 2 * data.x + data.z + errors)
    >>> select("y ~ x + z", data, W, effects=())
    <ModelChoice of y: SAR>
    """
    name = _one_name(weights)
    _check(formula, alpha)
    asked = [effects] if isinstance(effects, str) else list(effects)

    def fitted(text: str, error: str | None, method: Any, names: list[str]) -> SystemFit:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpatialWarning)  # the choice says what of this matters
            system = SpatialSystem(
                text, panel, weights, effects=names, error=error, where=where, lags="within"
            )
            return system.fit(method, cov="hom" if method == "ols" else None)

    fits = {"OLS": fitted(formula, None, "ols", asked)}
    equation = fits["OLS"].structure.equations[0]
    _check_terms(fits["OLS"])
    lagged = [f"{name}({t.name})" for t in equation.terms if t.name != CONSTANT and "C(" not in t.name]
    lag, durbin = f"{formula} + {name}({equation.outcome})", " + ".join(lagged)
    fits["SAR"] = fitted(lag, None, "ml", asked)
    fits["SEM"] = fitted(formula, name, "ml", asked)
    fits["SDM"] = fitted(f"{lag} + {durbin}", None, "ml", asked)
    ols, sdm = fits["OLS"].diagnostics(), fits["SDM"].diagnostics()
    tests = {key: ols.test(title, equation.name) for key, title in _LEAST_SQUARES.items()}
    tests |= {key: sdm.test(title, equation.name) for key, title in _DURBIN.items()}
    is_unit = ("unit",) in fits["SDM"].estimate.design.effects.kept
    if is_unit:
        others = [e for e in fits["SDM"].effects if e != "unit"]
        fits["SDM RE"] = fitted(f"{lag} + {durbin}", None, "ml", ["random", *others])
    tests |= _effect_tests(fits, equation.name)
    found, why = _verdict(tests, alpha)
    kind = ""
    if is_unit:
        kind = "fixed" if not tests["mundlak"].p_value >= alpha else "random"
    elif fits["SDM"].effects:
        kind = "fixed"
    return ModelChoice(equation.name, name, tests, found, why, kind, float(alpha), fits)


def _one_name(weights: Any) -> str:
    names = list(named_weights(weights))
    if len(names) != 1:
        raise DataError(
            f"The choice between models is for one matrix of weights; got {', '.join(names) or 'none'}. Call "
            "select once for each, and compare."
        )
    return names[0]


def _check(formula: str, alpha: float) -> None:
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 < alpha < 1:
        raise DataError(f"alpha must be between 0 and 1, as 0.05; got {alpha!r}.")
    if not isinstance(formula, str) or "|" in formula:
        raise FormulaError(
            f"select takes a formula of exogenous regressors, as 'y ~ x + z', and effects=; got {formula!r}."
        )


def _check_terms(fit: SystemFit) -> None:
    equation = fit.structure.equations[0]
    spatial = [t.name for t in equation.terms if t.weights is not None]
    if spatial:
        raise FormulaError(
            f"select adds the spatial terms itself: leave {', '.join(spatial)} out of the formula."
        )
    shifted = [t.name for t in equation.terms if t.role == "predetermined"]
    if shifted:
        raise FormulaError(f"select is for static models: leave {', '.join(shifted)} out of the formula.")


def _effect_tests(fits: Mapping[str, SystemFit], equation: str) -> dict[str, HypothesisTest]:
    random = fits.get("SDM RE")
    if random is None:
        reason = "there are no effects of units to be fixed or random"
        null = "effects of units are random"
        failed = HypothesisTest.failed("Hausman", null, reason, equation=equation)
        return {"hausman": failed, "mundlak": failed}
    return {
        "hausman": hausman_test(fits["SDM"].estimate, random.estimate),
        "mundlak": random.diagnostics().test(_MUNDLAK, equation),
    }


def _verdict(tests: Mapping[str, HypothesisTest], alpha: float) -> tuple[str, str]:
    """Return the model and the key of the reason."""

    def rejects(key: str) -> bool:
        return bool(tests[key].p_value < alpha)

    lag, error = rejects("lr_sar"), rejects("lr_sem")
    if lag and error:
        return "SDM", "SDM_both"
    if not any(rejects(key) for key in ("lm_lag", "lm_error", "lr_sar", "lr_sem")):
        return "OLS", "OLS"
    points_to_lag = tests["rlm_lag"].p_value < tests["rlm_error"].p_value
    if not lag and points_to_lag and rejects("lm_lag"):
        return "SAR", "SAR"
    if not error and not points_to_lag and rejects("lm_error"):
        return "SEM", "SEM"
    return "SDM", "SDM_mixed"
