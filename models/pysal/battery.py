"""The tests that spreg computes beside an estimate, as values with their null in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spatial.models.hypothesis import HypothesisTest

__all__ = ["battery"]

_NORMAL = ("Jarque-Bera", "the errors are normal")
_CONSTANT = "the errors have one variance"
_PAIRED = {
    "lm_error": ("LM error", "there is no spatial error", 1),
    "rlm_error": ("Robust LM error", "there is no spatial error, whatever the lag", 1),
    "lm_lag": ("LM lag", "there is no spatial lag of the dependent variable", 1),
    "rlm_lag": ("Robust LM lag", "there is no spatial lag of the dependent variable, whatever the error", 1),
    "lm_sarma": ("LM SARMA", "there is neither a spatial lag nor a spatial error", 2),
    "ak_test": ("Anselin-Kelejian", "there is no spatial dependence in the errors", 1),
}
_PROBIT = {
    "Pinkse_error": "Pinkse (2004)",
    "KP_error": "Kelejian-Prucha (2001)",
    "PS_error": "Pinkse-Slade (1998)",
}
_TRIPLES = {
    "lrtest": ("LR of a diagonal Sigma", "the errors of the equations are not correlated"),
    "lmtest": ("LM of a diagonal Sigma", "the errors of the equations are not correlated"),
    "lmEtest": ("LM error", "no equation has a spatial error"),
    "lmlagtest": ("LM lag", "no equation has a spatial lag of its outcome"),
    "likrlambda": ("LR of the spatial errors", "every rho is 0"),
    "lamtest": ("Wald of the spatial errors", "all rho are the same"),
    "joinrho": ("Wald of the spatial lags", "every W(y) is 0"),
    "joinlam": ("Wald of the spatial errors together", "every rho is 0"),
}
_BSK = "there are neither random effects nor spatial errors in the direction tested"


def battery(raw: Any, equation: str, terms: int) -> tuple[HypothesisTest, ...]:
    """Return the tests that a spreg regression carries, in the order of its printout.

    Parameters
    ----------
    raw : spreg regression
    equation : str
        The outcome; empty for a system.
    terms : int
        Coefficients of one equation, the constant among them.
    """
    found = [*_least_squares(raw, equation), *_pairs(raw, equation), *_others(raw, equation, terms)]
    return tuple(test for test in found if np.isfinite(test.statistic))


def _chi2(name: str, null: str, value: Any, df: float, equation: str) -> HypothesisTest:
    # The White, Koenker-Bassett and Breusch-Pagan tests look for what the others take for granted.
    assumed = "independent errors" if null == _CONSTANT else "independent errors of one variance"
    if name == "Breusch-Pagan":
        assumed = "independent normal errors"
    detail = f"spreg; {assumed}"
    return HypothesisTest(
        name, null, float(np.ravel(value)[0]), "chi2", float(df), equation=equation, detail=detail
    )


def _least_squares(raw: Any, equation: str) -> Iterator[HypothesisTest]:
    found = getattr(raw, "jarque_bera", None)
    if found is not None:
        yield _chi2(*_NORMAL, found["jb"], found["df"], equation)
    for key, name, value in (
        ("breusch_pagan", "Breusch-Pagan", "bp"),
        ("koenker_bassett", "Koenker-Bassett", "kb"),
        ("white", "White", "wh"),
    ):
        found = getattr(raw, key, None)
        if isinstance(found, dict):  # a text where white_test is singular
            yield _chi2(name, _CONSTANT, found[value], found["df"], equation)


def _pairs(raw: Any, equation: str) -> Iterator[HypothesisTest]:
    for key, (name, null, df) in _PAIRED.items():
        found = getattr(raw, key, None)
        if found is not None:
            yield _chi2(name, null, found[0], df, equation)
    for key, who in _PROBIT.items():
        found = getattr(raw, key, None)
        if found is not None:
            yield _chi2(f"LM error, {who}", "there is no spatial error", np.ravel(found)[0], 1, equation)


def _others(raw: Any, equation: str, terms: int) -> Iterator[HypothesisTest]:
    dwh = getattr(raw, "dwh", None)
    if dwh is not None:
        count = raw.yend.shape[1]
        yield _chi2("Durbin-Wu-Hausman", "the regressors are exogenous", dwh[0], count, equation)
    chow = getattr(raw, "chow", None)
    if chow is not None:
        moving = int(raw.kr) * (int(raw.nr) - 1)
        yield _chi2("Chow", "the coefficients are the same in all regimes", chow.joint[0], moving, equation)
    if hasattr(raw, "LR"):
        # spreg reads it against chi2 with the constant counted too: p = .18 where it is .065.
        yield _chi2("LR", "all slopes are 0", raw.LR[0], terms - 1, equation)
    if hasattr(raw, "hausman_stat"):
        null = "the random effects are not correlated with the regressors"
        yield _chi2("Hausman", null, raw.hausman_stat, raw.hausman_df, equation)
    table = getattr(raw, "bsk", None)
    if table is not None:
        for name, df, value in zip(table["Test"], table["df"], table["Statistic"], strict=True):
            yield _chi2(f"Baltagi-Song-Koh {name}", _BSK, value, df, equation)
    for key, (name, null) in _TRIPLES.items():
        found = getattr(raw, key, None)
        if found is not None and np.size(found) >= 2:
            yield _chi2(name, null, found[0], found[1], equation)
