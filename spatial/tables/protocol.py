"""Our fits in the plug-in protocol of maketables, so that its own tables take them too.

`coef_table`, `stat`, `depvar`, `fixef_string` and `vcov_info` answer for a fit; `equation_views` splits a
system into one object for each equation, as maketables knows one outcome a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean

__all__ = ["EquationView", "coef_table", "depvar", "equation_views", "fixef_string", "stat", "vcov_info"]

_COLUMNS: Mapping[str, str] = {
    "estimate": "b",
    "std_error": "se",
    "statistic": "t",
    "p_value": "p",
    "conf_low": "ci95l",
    "conf_high": "ci95u",
}


def coef_table(fit: Any, equation: str | None = None) -> pd.DataFrame:
    """Return coefficients by term, with columns b, se, t, p, ci95l and ci95u.

    Without `equation`, terms of a system with several are written ``equation: term``.
    """
    table = fit.tidy()
    names = list(dict.fromkeys(table["equation"]))
    if equation is not None:
        table = table[table["equation"] == _known(equation, names)]
    labels = table["term"] if equation or len(names) == 1 else table["equation"] + ": " + table["term"]
    found = table[list(_COLUMNS)].rename(columns=dict(_COLUMNS)).astype(float)
    return found.set_axis(pd.Index(labels.tolist(), name="Coefficient"), axis=0)


def _known(equation: str, names: list[str]) -> str:
    if equation not in names:
        shown = ", ".join(map(repr, names))
        raise DataError(
            f"There is no equation {equation!r}; there are {shown}.{did_you_mean(equation, names)}"
        )
    return equation


def depvar(fit: Any) -> str:
    """Return the outcome, or the outcomes."""
    return ", ".join(fit.structure.names)


def fixef_string(fit: Any) -> str | None:
    """Return the fixed effects, as ``unit+time``."""
    return "+".join(fit.effects) or None


def vcov_info(fit: Any) -> dict[str, Any]:
    """Return how the covariance was computed."""
    by = getattr(fit.covariance, "by", None)
    return {"vcov_type": fit.covariance.label, "clustervar": by if isinstance(by, str) else None}


def stat(fit: Any, key: str, equation: str | None = None) -> Any:
    """Return one statistic under maketables' key, or None.

    Keys: ``N``, ``r2``, ``r2_within``, ``f_statistic``, ``se_type``, and our own ``estimator``, ``n_units``,
    ``n_times`` and ``stamps``.
    """
    simple: dict[str, Callable[[], Any]] = {
        "N": lambda: fit.n_obs,
        "n_units": lambda: fit.n_units,
        "n_times": lambda: fit.n_times,
        "se_type": lambda: fit.covariance.label,
        "estimator": lambda: fit.method.upper(),
        "stamps": lambda: "; ".join(getattr(fit, "stamps", ())) or None,
        "f_statistic": lambda: _number(float(fit.equation_tests()["first_stage_f"].min())),
        "r2": lambda: _r2(fit, equation, within=False),
        "r2_within": lambda: _r2(fit, equation, within=True),
    }
    return simple[key]() if key in simple else None


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _r2(fit: Any, equation: str | None, *, within: bool) -> float | None:
    found = fit.r_squared_within if within else fit.r_squared
    if (within and not fit.effects) or (equation is None and len(found) > 1):
        return None
    return float(found.iloc[0] if equation is None else found[equation])


@dataclass(frozen=True, eq=False)
class EquationView:
    """One equation of a fit, as maketables wants a model.

    Parameters
    ----------
    fit : SystemFit
    equation : str
    """

    fit: Any
    equation: str

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        return coef_table(self.fit, self.equation)

    def __maketables_stat__(self, key: str) -> Any:
        return stat(self.fit, key, self.equation)

    @property
    def __maketables_depvar__(self) -> str:
        return self.equation

    @property
    def __maketables_fixef_string__(self) -> str | None:
        return fixef_string(self.fit)

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        return vcov_info(self.fit)

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        keys = ["N", "n_units", "n_times", "r2", "r2_within", "se_type", "stamps"]
        return [key for key in keys if stat(self.fit, key, self.equation) is not None]

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        return {"n_units": "Units", "n_times": "Periods", "stamps": "Stamps"}


def equation_views(fit: Any) -> list[EquationView]:
    """Return one view for each equation: ``maketables.ETable(equation_views(fit))``."""
    return [EquationView(fit, name) for name in fit.structure.names]
