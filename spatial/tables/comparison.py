"""Models beside each other: what one leaves out that another has, and columns that are the same twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spatial.errors import DataError
from spatial.models.results import SystemFit

from .columns import METHODS, Column

__all__ = ["left_out", "method_words", "refuse_equal"]

_CLOSE = 1e-9  # of one iteration and of another that end in the same numbers


def spatial_parts(fit: SystemFit) -> frozenset[str]:
    """Return which spatial parts were estimated: "lags", "errors"."""
    lags = any(term.weights for _, term in fit.structure.terms)
    return frozenset(name for name, there in (("lags", lags), ("errors", len(fit.rho) > 0)) if there)


def left_out(fits: Sequence[Any]) -> list[str]:
    """Return, for each model, what it leaves out of the spatial parts that others of the same outcomes have.

    Returns
    -------
    list of str
        ``""``, ``"lags"``, ``"errors"``, or ``"terms"`` for all of them.
    """
    ours = [fit if isinstance(fit, SystemFit) else getattr(fit, "fit", None) for fit in fits]
    parts = [spatial_parts(fit) if isinstance(fit, SystemFit) else None for fit in ours]
    out = []
    for fit, own in zip(ours, parts, strict=True):
        if own is None or not isinstance(fit, SystemFit):
            out.append("")
            continue
        names = set(fit.structure.names)
        others = [
            p
            for other, p in zip(ours, parts, strict=True)
            if p is not None and isinstance(other, SystemFit) and names & set(other.structure.names)
        ]
        lacking = frozenset().union(*others) - own
        out.append("" if not lacking else "terms" if not own else next(iter(lacking)))
    return out


def method_words(fit: SystemFit, lacking: str) -> str:
    """Return a method and what its fit leaves out, as "3SLS, no spatial errors"."""
    label = METHODS.get(fit.method, fit.method)
    return f"{label}, no spatial {lacking}" if lacking else label


def refuse_equal(columns: Sequence[Column]) -> None:
    """Refuse a model whose numbers are those of another under the name of another method."""
    models: dict[int, list[Column]] = {}
    for column in columns:
        models.setdefault(column.number, []).append(column)
    places = {c.number: [k + 1 for k, d in enumerate(columns) if d.number == c.number] for c in columns}
    numbers = list(models)
    for k, a in enumerate(numbers):
        for b in numbers[k + 1 :]:
            first, second = models[a], models[b]
            methods = {first[0].method, second[0].method} - {""}
            if len(methods) == 2 and len(first) == len(second) and all(map(_same, first, second)):
                raise DataError(_twice(first[0], second[0], places[a], places[b]))


def _same(a: Column, b: Column) -> bool:
    if (
        a.equation != b.equation
        or list(a.estimates.index) != list(b.estimates.index)
        or len(a.rho) != len(b.rho)
    ):
        return False
    kept = ["estimate", "std_error"]
    pairs = ((a.estimates, b.estimates), (a.rho, b.rho))
    return all(
        np.allclose(x[kept].to_numpy(float), y[kept].to_numpy(float), rtol=_CLOSE, atol=0.0, equal_nan=True)
        for x, y in pairs
    )


def _twice(a: Column, b: Column, first: list[int], second: list[int]) -> str:
    names = [METHODS.get(c.method, c.method) for c in (a, b)]
    shown = [", ".join(f"({k})" for k in places) for places in (first, second)]
    spatial = {a.method, b.method} in ({"gs3sls", "3sls"}, {"gs2sls", "2sls"})
    why = (
        "there are no spatial errors, which alone tell these methods apart"
        if spatial
        else "what tells these methods apart is not in the models"
    )
    return (
        f"{names[0]} in columns {shown[0]} and {names[1]} in columns {shown[1]} are the same numbers: {why}. "
        "Leave one out, or compare with a model that leaves something out, as formulas without W( )."
    )
