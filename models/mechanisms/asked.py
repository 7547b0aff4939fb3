"""A model that can be fitted again with something changed: a system, a fit of one, effects of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pandas as pd

from spatial.errors import DataError
from spatial.models.data.given import Given
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.estimation.steps import Method
from spatial.models.formula.tokens import Name, parse_expression, tokens, walk
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem

from .arguments import names_of
from .rewriting import Parts, joined_terms, swapped

__all__ = ["Again", "Model", "again", "as_model", "one_equation"]


@dataclass(frozen=True, eq=False)
class Model:
    """What to build, and how to estimate it.

    Parameters
    ----------
    given : Given
    formulas : mapping of equation name to str
    method : str
    options : mapping
        Arguments of `SpatialSystem.fit`: cov, rho_moments, passes, force, small, seed, compat, random, iv.
    """

    given: Given
    formulas: Mapping[str, str]
    method: Method
    options: Mapping[str, Any]

    def system(self, **changes: Any) -> SpatialSystem:
        """Build the system, with some of its arguments changed."""
        asked = replace(self.given, **changes)
        values = {name: getattr(asked, name) for name in Given.__dataclass_fields__}
        formulas, panel, weights = (values.pop(name) for name in ("formulas", "panel", "weights"))
        return SpatialSystem(formulas, panel, weights, **values)

    def fit(self, **changes: Any) -> SystemFit:
        """Build and estimate, with arguments of either changed."""
        own = {k: v for k, v in changes.items() if k in Given.__dataclass_fields__}
        rest = {k: v for k, v in changes.items() if k not in own}
        return self.estimate(self.system(**own), **rest)

    def estimate(self, system: SpatialSystem, **changes: Any) -> SystemFit:
        """Estimate a system as this model is estimated; least squares become 2SLS with instruments."""
        options = {**self.options, **changes}
        method = options.pop("method", self.method)
        if method == "ols" and any(t.is_endogenous for _, t in system.structure.terms):
            method = "2sls"
        fit: SystemFit = system.fit(method, **options)
        return fit

    def texts(self, changed: Mapping[str, str]) -> Any:
        """Return formulas with some changed; equations keep names that the user gave them."""
        texts = {**self.formulas, **changed}
        return texts if isinstance(self.given.formulas, Mapping) else list(texts.values())


def as_model(model: Any, method: Method | None, cov: str | Covariance | None, what: str) -> Model:
    """Return a system, or a fit, as what to build and how to estimate it."""
    if isinstance(model, SystemFit):
        asked = model.asked
        if asked.given is None:
            raise DataError(f"{what} builds the system again, and this fit does not know how it was built.")
        options: dict[str, Any] = {
            "cov": asked.covariance,
            "rho_moments": asked.rho_moments,
            "passes": asked.passes,
            "force": asked.forced,
            "small": asked.small,
            "seed": asked.seed,
            "compat": asked.compat,
            "random": asked.random,
            "iv": asked.iv,
        }
        found = Model(asked.given, _texts(asked.given, model), asked.method, options)
    elif isinstance(model, SpatialSystem):
        found = Model(model.given, dict(model.formulas), "gs3sls", {"cov": as_covariance("cluster")})
    else:
        raise DataError(f"{what} takes a SpatialSystem or a fit of one; got {type(model).__name__}.")
    if method is not None:
        found = replace(found, method=method)
    if cov is not None:
        found = replace(found, options={**found.options, "cov": as_covariance(cov)})
    return found


def _texts(given: Given, fit: SystemFit) -> dict[str, str]:
    if isinstance(given.formulas, Mapping):
        return dict(given.formulas)
    several = [given.formulas] if isinstance(given.formulas, str) else list(given.formulas)
    return dict(zip(fit.structure.names, several, strict=True))


def one_equation(names: list[str], equation: str | None, what: str) -> str:
    """Return the equation meant: the only one, or the one that is named."""
    if equation is None and len(names) == 1:
        return names[0]
    if equation not in names:
        asked = "" if equation is None else f"; got {equation!r}"
        raise DataError(f"{what}: choose an equation, equation= one of {', '.join(names)}{asked}.")
    return str(equation)


# ---- fitted again
KEYS = (
    "outcome", "swap", "add", "drop", "instruments", "where", "lags", "effects", "cov", "method", "error",
    "weights", "winsorize", "shift", "policies", "force", "unbalanced", "iv_order",
)  # fmt: skip
"""What a variant of a system or regression may change."""

POLICY_KEYS = (
    "outcome", "swap", "add", "drop", "where", "effects", "cov", "method", "winsorize", "match", "policies",
    "rings", "exposure", "W", "base", "control_group", "anticipation",
)  # fmt: skip
"""What a variant of the effects of a policy may change."""


class Again(Protocol):
    """What can be fitted again with something changed."""

    @property
    def keys(self) -> tuple[str, ...]: ...

    @property
    def columns(self) -> list[str]: ...

    @property
    def weights(self) -> list[str]: ...

    def weighted(self, name: str, W: Any) -> dict[str, Any]: ...

    def fit(self) -> Any: ...

    def varied(self, change: Mapping[str, Any]) -> Any: ...


def again(model: Any, method: Method | None, cov: str | Covariance | None, what: str) -> Again:
    """Return a model as what can be fitted again."""
    return _Policy(model) if hasattr(model, "refit") else _System(as_model(model, method, cov, what))


# ---- variants of a system or regression
@dataclass(frozen=True)
class _System:
    model: Model

    @property
    def keys(self) -> tuple[str, ...]:
        return KEYS

    @property
    def columns(self) -> list[str]:
        """The columns of all formulas."""
        out: dict[str, None] = {}
        for text in self.model.formulas.values():
            parts = Parts.of(text)
            for piece in (parts.outcome, parts.terms, parts.endogenous, parts.instruments):
                out |= dict.fromkeys(_names(piece))
        return list(out)

    @property
    def weights(self) -> list[str]:
        given = self.model.given.weights
        return [str(k) for k in given] if isinstance(given, Mapping) else ["W"] * (given is not None)

    def weighted(self, name: str, W: Any) -> dict[str, Any]:
        return {"weights": {name: W}}

    def fit(self) -> SystemFit:
        return self.model.fit()

    def varied(self, change: Mapping[str, Any]) -> SystemFit:
        base = self.model
        formulas = dict(base.formulas)
        if "swap" in change:
            formulas = {k: swapped(text, change["swap"]) for k, text in formulas.items()}
        formulas = {k: _rewritten(text, change, k == next(iter(formulas))) for k, text in formulas.items()}
        if "effects" in change:
            formulas = {k: _without_effects(t) for k, t in formulas.items()}
        options: dict[str, Any] = {"formulas": base.texts(formulas)}
        if {"winsorize", "shift"} & change.keys():
            source = base.system(where=None)._source
            if not source.is_panel:
                raise DataError("winsorize and shift are for panels; the data are a cross-section.")
            outcomes = {n for t in base.formulas.values() for n in _names(Parts.of(t).outcome)}
            used = [*self.columns, *dict(change.get("swap", {})).values()]
            options["panel"] = _panel(source.data, used, outcomes, change)
        if "weights" in change:
            options["weights"] = _weights(base.given.weights, change["weights"])
        if "instruments" in change and not any(Parts.of(t).instruments for t in base.formulas.values()):
            options["instruments"] = change["instruments"]
        for key in ("where", "lags", "effects", "error", "unbalanced", "iv_order"):
            if key in change:
                options[key] = change[key]
        own = {k: change[k] for k in ("cov", "method", "force") if k in change}
        return base.fit(**options, **own)


def _rewritten(text: str, change: Mapping[str, Any], first: bool) -> str:
    parts = Parts.of(text)
    if first and "outcome" in change:
        parts = Parts(change["outcome"], parts.terms, parts.effects, parts.endogenous, parts.instruments)
    more = [*_listed(change, "add"), *_listed(change, "policies")]
    known = {n.replace(" ", "") for n in parts.terms.split("+")}
    # Nothing but terms that are there already is no change, which is refused as one.
    parts = parts.adding(more) if first and {n.replace(" ", "") for n in more} - known else parts
    if _listed(change, "drop"):
        mine = [t for t in _listed(change, "drop") if first or t.replace(" ", "") in known]
        parts = parts.dropping(mine) if mine else parts
    if "instruments" in change and parts.instruments:
        own = joined_terms(_listed(change, "instruments"))
        parts = Parts(parts.outcome, parts.terms, parts.effects, parts.endogenous, own)
    return parts.text


def _without_effects(text: str) -> str:
    parts = Parts.of(text)
    return Parts(parts.outcome, parts.terms, "", parts.endogenous, parts.instruments).text


def _listed(change: Mapping[str, Any], key: str) -> list[str]:
    return names_of(change[key], key) if key in change else []


def _weights(given: Any, new: Any) -> Any:
    known = dict(given) if isinstance(given, Mapping) else {} if given is None else {"W": given}
    return {**known, **new} if isinstance(new, Mapping) else new


def _panel(panel: Any, columns: Iterable[str], outcomes: set[str], change: Mapping[str, Any]) -> Any:
    """Return the panel with the columns of the formulas winsorised, or the regressors shifted in time."""
    used = [c for c in dict.fromkeys(columns) if c in panel.columns]
    if "shift" in change:
        moved, periods = [c for c in used if c not in outcomes], int(change["shift"])
        if not moved:
            raise DataError("shift moves the regressors in time, and none of the formulas' columns is one.")
        shifted = panel.shift(moved, periods, name="_shifted_{column}")
        panel = panel.with_columns({c: shifted[f"_shifted_{c}"] for c in moved})
        panel = panel.restrict(times=panel.times[periods:] if periods > 0 else panel.times[:periods])
    if "winsorize" in change:
        panel = panel.winsorize([c for c in used if _is_numeric(panel, c)], change["winsorize"])
    return panel


def _is_numeric(panel: Any, column: str) -> bool:
    kind = panel.frame[column].dtype
    return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))


# ---- variants of the effects of a policy
@dataclass(frozen=True)
class _Policy:
    """A fit of `did`; its arguments are changed."""

    model: Any

    @property
    def keys(self) -> tuple[str, ...]:
        return POLICY_KEYS

    @property
    def columns(self) -> list[str]:
        return [self.model.outcome, *self.model.arguments["controls"]]

    @property
    def weights(self) -> list[str]:
        return ["W"] if self.model.arguments["W"] is not None else []

    def weighted(self, name: str, W: Any) -> dict[str, Any]:
        return {name: W}

    def fit(self) -> Any:
        return self.model

    def varied(self, change: Mapping[str, Any]) -> Any:
        asked = self.model.arguments
        swap = dict(change.get("swap", {}))
        dropped = _listed(change, "drop")
        controls = [swap.get(c, c) for c in asked["controls"] if c not in dropped]
        options = {k: v for k, v in change.items() if k not in ("swap", "add", "drop", "winsorize")}
        options |= {"outcome": change.get("outcome", swap.get(asked["outcome"], asked["outcome"]))}
        options |= {"controls": [*controls, *_listed(change, "add")]}
        if "effects" in change:
            options["effects"] = tuple(change["effects"])
        if "winsorize" in change:
            columns = [options["outcome"], *options["controls"]]
            options["panel"] = _panel(asked["panel"], columns, set(), change)
        return self.model.refit(**options)


def _names(piece: str) -> list[str]:
    if not piece:
        return []
    return [n.name for n in walk(parse_expression(piece, tokens(piece))) if isinstance(n, Name)]
