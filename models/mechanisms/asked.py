"""A model that can be fitted again with something changed: a system, or a fit of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from spatial.errors import DataError
from spatial.models.data.given import Given
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.estimation.steps import Method
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem

__all__ = ["Model", "as_model", "one_equation"]


@dataclass(frozen=True, eq=False)
class Model:
    """What to build, and how to estimate it.

    Parameters
    ----------
    given : Given
    formulas : mapping of equation name to str
    method : str
    options : mapping
        Arguments of `SpatialSystem.fit`: cov, rho_moments, passes, force, small.
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
        return system.fit(method, **options)

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
