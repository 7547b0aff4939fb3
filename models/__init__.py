"""Estimators: spatial simultaneous equations, their special cases, identification, inference."""

from __future__ import annotations

import importlib
from typing import Any

# Lazily, as `spatial` itself: a reader of formulas does not pay for the estimators.
_NAMES: dict[str, str] = {
    "BoundaryWarning": "_fit",
    "Cluster": "covariance",
    "Conley": "covariance",
    "Diagnostics": "diagnostics",
    "DriscollKraay": "covariance",
    "FixedEffectsFit": "_fixed_effects",
    "Heteroskedastic": "covariance",
    "Homoskedastic": "covariance",
    "HypothesisTest": "_tests",
    "Identification": "identification",
    "Impacts": "impacts",
    "SpatialSystem": "system",
    "Stability": "stability",
    "SystemFit": "results",
    "TwoWay": "covariance",
    "WeakInstrumentWarning": "system",
    "WildBootstrap": "covariance",
    "fixed_effects": "_fixed_effects",
    "parse_formula": "formula",
    "stata_gs3sls": "compat",
}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
