"""Which equation and which term are meant."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean
from spatial.ids.rows import one_text
from spatial.models.mechanisms.asked import one_equation
from spatial.models.results import SystemFit

__all__ = ["equation_of", "estimates_of", "linear_equation"]


def estimates_of(fit: Any, what: str, name: str = "fit") -> tuple[pd.Series[Any], pd.DataFrame]:
    """Return coefficients and covariance by (equation, term), or by (term,) of other programs."""
    params, cov = getattr(fit, "params", None), getattr(fit, "cov", None)
    if cov is None and callable(getattr(fit, "cov_params", None)):
        cov = fit.cov_params()
    if not isinstance(params, pd.Series) or not isinstance(cov, pd.DataFrame):
        raise DataError(f"{what} needs a fit with params and cov; {name} is {type(fit).__name__}.")
    keys = [key if isinstance(key, tuple) else (key,) for key in params.index]
    index = pd.Index(keys, tupleize_cols=False)
    return params.set_axis(index), pd.DataFrame(cov.to_numpy(), index=index, columns=index)


def equation_of(fit: Any, term: str, equation: str | None, what: str) -> tuple[str, int, list[str]]:
    """Return the equation that has the term: its name, its place, and its terms."""
    if not isinstance(fit, SystemFit):
        raise DataError(f"{what} takes a fit of spatial.models; got {type(fit).__name__}.")
    one_text(term, "term")
    having = [e.name for e in fit.structure.equations if term in [t.name for t in e.terms]]
    if not having:
        known = list(dict.fromkeys(t.name for _, t in fit.structure.terms))
        raise DataError(
            f"The fit has no term {term!r}.{did_you_mean(term, known)} It has {', '.join(known)}."
        )
    name = one_equation(having, equation, what)
    g = fit.structure.names.index(name)
    return name, g, [t.name for t in fit.structure.equations[g].terms]


def linear_equation(fit: Any, term: str, equation: str | None, what: str) -> tuple[str, int, list[str]]:
    """Return the same, and refuse endogenous regressors."""
    name, g, terms = equation_of(fit, term, equation, what)
    moving = [t.name for t in fit.structure.equations[g].terms if t.is_endogenous]
    if moving:
        raise DataError(f"{what} is for least squares; {', '.join(moving)} is endogenous here.")
    return name, g, terms
