"""Which of spreg's classes are called, what each of them takes, and which are refused for what they do."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spatial.errors import DataError, did_you_mean

__all__ = ["CLASSES", "REFUSED", "SpregClass", "check_options", "spreg_class"]

Shape = Literal["cross-section", "panel", "system"]


@dataclass(frozen=True)
class SpregClass:
    """What a class of spreg takes.

    Parameters
    ----------
    shape : "cross-section", "panel" or "system"
    lag : bool
        Whether it adds the spatial lag of the outcome by itself.
    error : bool
        Whether it has a spatially autoregressive error.
    effects : tuple of str
        Fixed effects that it takes out.
    dense : bool
        Whether it makes a full N x N matrix.
    t : bool
        Whether its statistics are read against Student's t; else the normal distribution.
    """

    shape: Shape = "cross-section"
    lag: bool = False
    error: bool = False
    effects: tuple[str, ...] = ()
    dense: bool = False
    t: bool = False


_CROSS = {
    "OLS": SpregClass(t=True),
    "TSLS": SpregClass(),
    "Probit": SpregClass(),
    "NSLX": SpregClass(),
    "GM_Lag": SpregClass(lag=True),
    "ML_Lag": SpregClass(lag=True, dense=True),
    "ML_Error": SpregClass(error=True, dense=True),
    "GMM_Error": SpregClass(error=True),
    "GM_Error": SpregClass(error=True),
    "GM_Error_Het": SpregClass(error=True),
    "GM_Error_Hom": SpregClass(error=True),
    "GM_Endog_Error": SpregClass(error=True),
    "GM_Endog_Error_Het": SpregClass(error=True),
    "GM_Endog_Error_Hom": SpregClass(error=True),
    "GM_Combo": SpregClass(lag=True, error=True),
    "GM_Combo_Het": SpregClass(lag=True, error=True),
    "GM_Combo_Hom": SpregClass(lag=True, error=True),
}
_BY_REGIMES = [name for name in _CROSS if name not in ("Probit", "NSLX")]
_PANELS = {
    "PooledOLS": SpregClass("panel", t=True),
    "PanelFE": SpregClass("panel", effects=("unit",)),
    "PanelRE": SpregClass("panel"),
    "ML_LagFE": SpregClass("panel", lag=True, effects=("unit",), dense=True),
    "ML_LagRE": SpregClass("panel", lag=True, dense=True),
    "ML_ErrorFE": SpregClass("panel", error=True, effects=("unit",), dense=True),
    "ML_ErrorPooled": SpregClass("panel", error=True, dense=True),
    "GM_ErrorPooled": SpregClass("panel", error=True),
    "GM_ErrorRE": SpregClass("panel", error=True),
}
_SYSTEMS = {
    "SUR": SpregClass("system"),
    "SURerrorGM": SpregClass("system", error=True),
    "SURerrorML": SpregClass("system", error=True, dense=True),
    "SURlagIV": SpregClass("system", lag=True),
    "ThreeSLS": SpregClass("system"),
}

CLASSES: Mapping[str, SpregClass] = {
    **_CROSS,
    **{f"{name}_Regimes": _CROSS[name] for name in _BY_REGIMES},
    **_PANELS,
    **_SYSTEMS,
}

_SEARCHED = (
    "searches the regimes in the data and prints tests as if they had been given: its p-values are too "
    "small. "
    "Find regimes with sp.models.threshold or spopt, and name them: 'OLS_Regimes', regimes='column'"
)
_RENAMED = "is the former name of spreg's own {0!r}, which is corrected here: use {0!r}"
REFUSED: Mapping[str, str] = {
    "OLS_Endog_Regimes": _SEARCHED,
    "TSLS_Endog_Regimes": _SEARCHED,
    "GM_Lag_Endog_Regimes": _SEARCHED,
    "Skater_reg": "finds regions and estimates nothing by itself: use spopt",
    "ML_ErrorRE": "has standard errors of the spatial error that are half of what they should be (they "
    "cover in 75 % of samples, not 95 %), and often ends in complex numbers: use 'GM_ErrorRE'",
    "Panel_FE_Lag": _RENAMED.format("ML_LagFE"),
    "Panel_FE_Error": _RENAMED.format("ML_ErrorFE"),
    "Panel_RE_Lag": _RENAMED.format("ML_LagRE"),
    "Panel_RE_Error": "fails on ordinary panels (singular or complex matrices): use 'GM_ErrorRE'",
    "GM_KKP": _RENAMED.format("GM_ErrorRE"),
}
"""Classes of spreg that are not called, and why."""

_FROM_FORMULA = frozenset(("self", "y", "x", "yend", "q", "w", "df", "vm", "latex", "kwargs"))
_BIG = frozenset(("bigy", "bigX", "bigyend", "bigq"))


def spreg_class(name: str) -> tuple[SpregClass, Any]:
    """Return what a class of spreg takes, and the class.

    Examples
    --------
    >>> spreg_class("GM_Lag")[0].lag
    True
    """
    import spreg

    if name in REFUSED:
        raise DataError(f"spreg's {name} is not called: it {REFUSED[name]}.")
    if name not in CLASSES:
        known = [*CLASSES, *REFUSED]
        raise DataError(
            f"spreg has no estimator {name!r} that is called here.{did_you_mean(str(name), known)} There are "
            f"{', '.join(CLASSES)}."
        )
    found = getattr(spreg, name, None)
    if found is None:
        raise DataError(f"The spreg that is installed ({spreg.__version__}) has no {name}: update spreg.")
    return CLASSES[name], found


def check_options(name: str, called: Any, options: Mapping[str, Any]) -> frozenset[str]:
    """Return the arguments that a class takes; refuse options that it has not, or that are wrong."""
    taken = frozenset(inspect.signature(called.__init__).parameters)
    free = [a for a in taken - _FROM_FORMULA - _BIG if not a.startswith("name_")]
    for option in options:
        if option in taken and option not in free:
            raise DataError(
                f"{option}= of spreg's {name} is made from the formula, the data and W: leave it out."
            )
        if option not in free:
            raise DataError(
                f"spreg's {name} has no option {option!r}; it has {', '.join(sorted(free))}."
                f"{did_you_mean(option, free)}"
            )
    if options.get("full_weights"):
        raise DataError(
            f"full_weights=True of spreg's {name} uses a wrong matrix of weights (its element for the "
            "between "
            "variance lacks a factor of 2, another is divided by N twice) and fails on most weights: "
            "leave it out."
        )
    if name == "OLS_Regimes" and options.get("spat_diag") and options.get("regime_err_sep", True):
        raise DataError(
            "spat_diag=True of spreg's OLS_Regimes loses the covariance where each regime has its own "
            "variance: "
            "add regime_err_sep=False, or leave it out."
        )
    if options.get("regimes") is not None and "Regimes" not in name:
        raise DataError(f"regimes= of spreg's {name}: call '{name}_Regimes', with regimes='column'.")
    return taken
