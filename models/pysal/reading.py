"""From what spreg computed to coefficients by term, with their covariance in the order of the formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.models.estimation.laws import NORMAL, Law

from .catalogue import SpregClass

__all__ = ["Coefficients", "facts_of", "read_equation", "read_system"]

Float = NDArray[np.float64]
Key = tuple[str, str]

_ROBUST = {"white": "heteroskedastic (White)", "hac": "HAC by kernel weights", "ogmm": "optimal GMM"}


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Estimates by (equation, term), their covariance and their laws, in one order."""

    keys: tuple[Key, ...]
    values: Float
    cov: Float
    laws: tuple[Law, ...]

    def ordered(self, first: Sequence[Key]) -> Coefficients:
        """Return the same with the keys of `first` in front, in their order."""
        places = [self.keys.index(key) for key in first if key in self.keys]
        places += [j for j in range(len(self.keys)) if j not in places]
        return Coefficients(
            tuple(self.keys[j] for j in places),
            self.values[places],
            self.cov[np.ix_(places, places)],
            tuple(self.laws[j] for j in places),
        )


def read_equation(raw: Any, kind: SpregClass, equation: str, names: Mapping[str, str]) -> Coefficients:
    """Read a regression with one equation; coefficients without a covariance have NaN."""
    table = raw.output
    values = np.ravel(raw.betas).astype(np.float64)
    keys = [""] * len(values)
    for j, name in zip(table.index, table["var_names"], strict=True):
        keys[int(j)] = names.get(str(name).strip(), str(name).strip())
    cov = np.full((len(values), len(values)), np.nan)
    known = _known(raw)
    cov[np.ix_(known, known)] = np.asarray(raw.vm, dtype=np.float64)
    return Coefficients(tuple((equation, k) for k in keys), values, cov, _laws(raw, kind, keys))


def _known(raw: Any) -> list[int]:
    """Return which coefficients the covariance is of: the last of each regime may have none."""
    total, own = len(np.ravel(raw.betas)), len(raw.vm)
    multi = getattr(raw, "multi", None)
    if total == own or not multi:
        return list(range(own))
    out: list[int] = []
    start = 0
    for level in multi:
        count, mine = len(np.ravel(multi[level].betas)), len(multi[level].vm)
        out += range(start, start + mine)
        start += count
    return out


def _laws(raw: Any, kind: SpregClass, keys: list[str]) -> tuple[Law, ...]:
    if not kind.t:
        return (NORMAL,) * len(keys)
    multi = getattr(raw, "multi", None)
    if not multi:
        count = raw.n * int(getattr(raw, "t", 1))
        return (Law(float(count - len(np.ravel(raw.betas)))),) * len(keys)
    by_level = {str(level): Law(float(one.n - one.k)) for level, one in multi.items()}
    return tuple(next(law for level, law in by_level.items() if f"[{level}]:" in key) for key in keys)


def read_system(raw: Any, kind: SpregClass, equations: Sequence[str], order: list[list[str]]) -> Coefficients:
    """Read a regression with several equations, and the coefficients of their spatial errors."""
    parts = raw.b3SLS if hasattr(raw, "b3SLS") else raw.bSUR
    values = np.concatenate([np.ravel(parts[g]) for g in range(len(equations))])
    keys = [(name, term) for name, terms in zip(equations, order, strict=True) for term in terms]
    cov = np.asarray(raw.varb, dtype=np.float64)
    if kind.error:
        lam, errors = np.ravel(raw.lamsur).astype(np.float64), np.full(len(equations), np.nan)
        if getattr(raw, "lamsetp", None) is not None:
            errors = np.ravel(raw.lamsetp[0]).astype(np.float64)
        wide = np.full((len(values) + len(lam),) * 2, np.nan)
        wide[: len(values), : len(values)] = cov
        own = range(len(values), len(wide))
        wide[own, own] = errors**2
        values, cov = np.concatenate([values, lam]), wide
        keys += [(name, "rho") for name in equations]
    return Coefficients(tuple(keys), values, cov, (NORMAL,) * len(keys))


def facts_of(raw: Any) -> tuple[tuple[str, float], ...]:
    """Return the numbers that a table prints below the coefficients."""
    found: list[tuple[str, float]] = []
    for key, names in {
        "log_likelihood": ("logll", "logl", "llik", "surerrllik"),
        "aic": ("aic",),
        "schwarz": ("schwarz",),
        "condition_number": ("mulColli",),
        "sigma2": ("sig2",),
    }.items():
        for name in names:
            value = getattr(raw, name, None)
            if value is not None and np.size(value) == 1:
                found.append((key, float(np.ravel(value)[0])))
                break
    return tuple(found)


def errors_in_words(name: str, options: Mapping[str, Any]) -> str:
    """Return how the standard errors of a class were computed."""
    robust = options.get("robust", "white" if name == "GM_Lag_Regimes" else None)
    if robust in _ROBUST:
        return _ROBUST[str(robust)]
    if "_Het" in name or (name.startswith("GMM_Error") and options.get("estimator", "het") == "het"):
        return "heteroskedastic (Kelejian and Prucha 2010)"
    return "homoskedastic"
