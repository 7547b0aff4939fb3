"""Robustness: the same fit with one thing different, as often as a paper asks, in one table and one curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, SpatialError, did_you_mean
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.steps import Method
from spatial.models.formula.structure import CONSTANT
from spatial.models.formula.tokens import Name, parse_expression, tokens, walk
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.results import Fit

from .arguments import names_of
from .asked import Model, as_model
from .rewriting import Parts, joined_terms, swapped

__all__ = ["KEYS", "Robustness", "robustness"]

KEYS = (
    "outcome", "swap", "add", "drop", "instruments", "where", "lags", "effects", "cov", "method", "error",
    "weights", "winsorize", "shift", "policies", "force", "unbalanced", "iv_order",
)  # fmt: skip
"""What a variant may change."""

BASE = "base"


@dataclass(frozen=True, eq=False, repr=False)
class Robustness(Fit):
    """A fit and its variants; see `robustness`.

    Parameters
    ----------
    fits : mapping of str to SystemFit
        ``base`` first.
    changes : mapping of str to mapping
        What each variant changed.
    terms : tuple of str
        What the table and the curve show.
    """

    fits: Mapping[str, SystemFit]
    changes: Mapping[str, Mapping[str, Any]]
    terms: tuple[str, ...]

    figure = "specification_curve_plot"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each variant and shown term."""
        parts = []
        for name, fit in self.fits.items():
            frame = fit.tidy(level)
            kept = frame[frame["term"].isin(self.terms)]
            parts.append(kept.assign(variant=name, n_obs=fit.n_obs, n_units=fit.n_units))
        found = pd.concat(parts, ignore_index=True)
        return found[["variant", *(c for c in found.columns if c != "variant")]]

    def glance(self) -> pd.DataFrame:
        """Return one row for each term: how many variants have it, keep its sign, and keep p <= 0.05."""
        frame = self.tidy()
        rows = []
        for term in self.terms:
            mine = frame[frame["term"] == term]
            first = mine[mine["variant"] == BASE]
            others = mine[mine["variant"] != BASE]
            sign = np.sign(float(first["estimate"].iloc[0])) if len(first) else np.nan
            rows.append(
                {
                    "term": term,
                    "variants": len(others),
                    "same_sign": int((np.sign(others["estimate"]) == sign).sum()),
                    "significant": int((others["p_value"] <= 0.05).sum()),
                    "least": float(mine["estimate"].min()),
                    "median": float(mine["estimate"].median()),
                    "largest": float(mine["estimate"].max()),
                }
            )
        return pd.DataFrame(rows)

    def headline(self) -> str:
        """Name the terms and count the variants."""
        return f"of {', '.join(self.terms)}: {len(self.fits) - 1} variants"

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What each column changes."""
        return tuple(f"{name}: {_said(change)}." for name, change in self.changes.items())

    def summary(self) -> str:
        """Return all variants and the counts."""
        shown = self.tidy()[["variant", "equation", "term", "estimate", "std_error", "p_value", "n_obs"]]
        lines = [f"Robustness {self.headline()}", ""]
        lines.append(shown.to_string(index=False, float_format=lambda v: f"{v:.4f}"))
        lines += ["", self.glance().to_string(index=False, float_format=lambda v: f"{v:.4f}"), ""]
        return "\n".join([*lines, *self.table_notes])


def _said(change: Mapping[str, Any]) -> str:
    parts = []
    for key, value in change.items():
        if isinstance(value, Mapping):
            shown = ", ".join(f"{a} to {_short(b)}" for a, b in value.items())
        elif isinstance(value, list | tuple):
            shown = ", ".join(_short(v) for v in value)
        else:
            shown = _short(value)
        parts.append(f"{key} {shown}")
    return "; ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value)
    meta = getattr(value, "meta", None)
    return str(getattr(meta, "kind", None) or getattr(value, "label", None) or type(value).__name__)


def robustness(
    model: SpatialSystem | SystemFit,
    variants: Mapping[str, Mapping[str, Any]],
    *,
    terms: str | Iterable[str] | None = None,
    method: Method | None = None,
    cov: str | Covariance | None = None,
) -> Robustness:
    """Fit a model again and again, each time with something else, and set all side by side.

    Parameters
    ----------
    model : SpatialSystem or SystemFit
        A fit, also one of `fixed_effects`, is made again as it was made.
    variants : mapping of name to mapping
        What each changes, the rest stays: ``outcome`` (another left-hand side of the first equation),
        ``swap`` (column to column), ``add``, ``drop`` (terms), ``policies`` (columns of concurrent policies,
        added), ``instruments``, ``where``, ``lags``, ``effects``, ``cov``, ``method``, ``error``,
        ``weights`` (by name), ``winsorize`` (the share in each tail of every column of the formulas),
        ``shift`` (regressors so many times earlier; negative: leads), ``force``, ``unbalanced``,
        ``iv_order``.
    terms : str or list of str, optional
        What is shown; default all terms of the base but the constant.
    method, cov
        Of the base, as in `SpatialSystem.fit`.

    Raises
    ------
    DataError
        For a key that no fit has, a variant that changes nothing, and one that is the same as another.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 3)), columns=["x", "z", "e"], index=index)
    >>> data["y"] = data.x + data.e
    >>> found = robustness(
    ...     fixed_effects("y ~ x", data),
    ...     {"control": {"add": ["z"]}, "late": {"where": "year >= 1"}, "trimmed": {"winsorize": 0.01}},
    ...     terms="x",
    ... )
    >>> list(found.fits), int(found.glance()["same_sign"].iloc[0])
    (['base', 'control', 'late', 'trimmed'], 3)
    """
    base = as_model(model, method, cov, "robustness")
    if not isinstance(variants, Mapping) or not variants:
        raise DataError("robustness needs variants: a mapping of names to what each changes.")
    changes = {str(name): _checked(str(name), change, base) for name, change in variants.items()}
    fits = {BASE: base.fit()}
    shown = _terms(fits[BASE], terms)
    for name, change in changes.items():
        try:
            fits[name] = _varied(base, change)
        except SpatialError as error:
            raise type(error)(f"Variant {name!r}: {error}") from error
        _refuse_same(name, fits)
    return Robustness(fits, changes, shown)


# ---- what is asked for
def _checked(name: str, change: Any, base: Model) -> Mapping[str, Any]:
    if name == BASE:
        raise DataError(f"{BASE!r} is the fit itself: give the variant another name.")
    if not isinstance(change, Mapping) or not change:
        raise DataError(f"Variant {name!r} changes nothing: it is a mapping such as {{'add': ['x']}}.")
    for key in change:
        if key not in KEYS:
            raise DataError(
                f"Variant {name!r}: no fit has {key!r}.{did_you_mean(key, KEYS)} There are {', '.join(KEYS)}."
            )
    used = _columns(base)
    for column in dict(change.get("swap", {})):
        if column not in used:
            raise DataError(
                f"Variant {name!r}: {column!r} is not in the formulas, so that swapping it changes nothing."
                f"{did_you_mean(column, used)}"
            )
    return dict(change)


def _columns(base: Model) -> list[str]:
    """Return the columns of all formulas."""
    out: dict[str, None] = {}
    for text in base.formulas.values():
        parts = Parts.of(text)
        for piece in (parts.outcome, parts.terms, parts.endogenous, parts.instruments):
            out |= dict.fromkeys(_names(piece))
    return list(out)


def _names(piece: str) -> list[str]:
    if not piece:
        return []
    return [n.name for n in walk(parse_expression(piece, tokens(piece))) if isinstance(n, Name)]


def _terms(fit: SystemFit, terms: Any) -> tuple[str, ...]:
    known = list(dict.fromkeys(str(t) for t in fit.params.index.get_level_values(1)))
    if terms is None:
        return tuple(t for t in known if t != CONSTANT)
    wanted = names_of(terms, "terms")
    for term in wanted:
        if term not in known:
            raise DataError(
                f"The fit has no term {term!r}.{did_you_mean(term, known)} It has {', '.join(known)}."
            )
    return tuple(wanted)


def _refuse_same(name: str, fits: Mapping[str, SystemFit]) -> None:
    mine = fits[name]
    for other, fit in fits.items():
        if other == name or not fit.params.index.equals(mine.params.index) or fit.n_obs != mine.n_obs:
            continue
        same = np.allclose(fit.params, mine.params, rtol=1e-10, atol=0)
        if same and np.allclose(fit.std_errors, mine.std_errors, rtol=1e-10, atol=0):
            what = "the fit itself" if other == BASE else f"variant {other!r}"
            raise DataError(f"Variant {name!r} is the same as {what}: it shows nothing. Leave it out.")


# ---- a variant
def _varied(base: Model, change: Mapping[str, Any]) -> SystemFit:
    formulas = dict(base.formulas)
    if "swap" in change:
        formulas = {k: swapped(text, change["swap"]) for k, text in formulas.items()}
    formulas = {k: _rewritten(text, change, k == next(iter(formulas))) for k, text in formulas.items()}
    options: dict[str, Any] = {"formulas": base.texts(formulas)}
    if {"winsorize", "shift"} & change.keys():
        options["panel"] = _panel(base, change)
    if "weights" in change:
        options["weights"] = _weights(base.given.weights, change["weights"])
    if "instruments" in change and not any(Parts.of(t).instruments for t in base.formulas.values()):
        options["instruments"] = change["instruments"]
    for key in ("where", "lags", "effects", "error", "unbalanced", "iv_order"):
        if key in change:
            options[key] = change[key]
    if "effects" in change:
        options["formulas"] = base.texts({k: _without_effects(t) for k, t in formulas.items()})
    own = {k: change[k] for k in ("cov", "method", "force") if k in change}
    return base.fit(**options, **own)


def _rewritten(text: str, change: Mapping[str, Any], first: bool) -> str:
    parts = Parts.of(text)
    if first and "outcome" in change:
        parts = Parts(change["outcome"], parts.terms, parts.effects, parts.endogenous, parts.instruments)
    more = [*_listed(change, "add"), *_listed(change, "policies")]
    parts = parts.adding(more) if more and first else parts
    if _listed(change, "drop"):
        known = {n.replace(" ", "") for n in parts.terms.split("+")}
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
    if not isinstance(new, Mapping):
        return new
    known = dict(given) if isinstance(given, Mapping) else {} if given is None else {"W": given}
    return {**known, **new}


def _panel(base: Model, change: Mapping[str, Any]) -> Any:
    """Return the panel with the columns of the formulas winsorised, or the regressors shifted in time."""
    source = base.system(where=None)._source
    if not source.is_panel:
        raise DataError("winsorize and shift are for panels; the data are a cross-section.")
    panel = source.data
    if "shift" in change:
        outcomes = {n for t in base.formulas.values() for n in _names(Parts.of(t).outcome)}
        moved = [c for c in _columns(base) if c not in outcomes and c in panel.columns]
        if not moved:
            raise DataError("shift moves the regressors in time, and none of the formulas' columns is one.")
        shifted = panel.shift(moved, int(change["shift"]), name="_shifted_{column}")
        panel = panel.with_columns({c: shifted[f"_shifted_{c}"] for c in moved})
        kept = (
            panel.times[int(change["shift"]) :]
            if change["shift"] > 0
            else panel.times[: int(change["shift"])]
        )
        panel = panel.restrict(times=kept)
    if "winsorize" in change:
        columns = [c for c in _columns(base) if c in panel.columns and _is_numeric(panel, c)]
        panel = panel.winsorize(columns, change["winsorize"])
    return panel


def _is_numeric(panel: Any, column: str) -> bool:
    kind = panel.frame[column].dtype
    return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))
