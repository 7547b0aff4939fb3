"""Robustness: the same fit with one thing different, as often as a paper asks, in one table and one curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, SpatialError, did_you_mean, hinted
from spatial.languages.shown import digits, frame_text, shown
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.steps import Method
from spatial.models.formula.structure import CONSTANT
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.results import Fit
from spatial.words import Said, listed, tell

from .arguments import names_of
from .asked import Again, again
from .rewriting import swapped

__all__ = ["Robustness", "robustness", "terms_shown"]

BASE = "base"


@dataclass(frozen=True, eq=False, repr=False)
class Robustness(Fit):
    """A fit and its variants; see `robustness`.

    Parameters
    ----------
    fits : mapping of str to Fit
        ``base`` first.
    changes : mapping of str to mapping
        What each variant changed.
    terms : tuple of str
        What the table and the curve show.
    """

    fits: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]]
    terms: tuple[str, ...]

    figure = "specification_curve_plot"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each variant and shown term."""
        parts = []
        for name, fit in self.fits.items():
            frame = fit.tidy(level)
            # A term whose columns were swapped stands for the one that it replaces.
            swap = self.changes.get(name, {}).get("swap", {})
            shown = {swapped(term, swap): term for term in self.terms}
            kept = frame[frame["term"].isin(shown)]
            kept = kept.assign(term=kept["term"].map(shown))
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
        terms, count = ", ".join(self.terms), len(self.fits) - 1
        return tell(f"of {terms}: {count} variants", f"{terms}，{count} 个变体")

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What each column changes."""
        pair = ("{name}: {changes}.", "{name}：{changes}。")
        return tuple(Said(pair, name=name, changes=_said(change)) for name, change in self.changes.items())

    def summary(self) -> str:
        """Return all variants and the counts."""
        rows = self.tidy()[["variant", "equation", "term", "estimate", "std_error", "p_value", "n_obs"]]
        lines = [tell("Robustness ", "稳健性检验：") + self.headline(), "", frame_text(rows, digits(4)), ""]
        lines += [frame_text(self.glance(), digits(4)), ""]
        return "\n".join([*lines, *map(shown, self.table_notes)])


_WORDS: Mapping[str, tuple[str, str]] = {
    "cov": ("cov {value}", "标准误改为 {value}"),
    "method": ("method {value}", "估计方法改为 {value}"),
    "outcome": ("outcome {value}", "被解释变量改为 {value}"),
    "instruments": ("instruments {value}", "工具变量为 {value}"),
    "error": ("error {value}", "空间误差的权重为 {value}"),
    "swap": ("swap {value}", "{value}"),
    "winsorize": ("winsorize {value}", "各列在 {value} 分位缩尾"),
    "shift": ("shift {value}", "解释变量滞后 {value} 期"),
    "effects": ("effects {value}", "固定效应为 {value}"),
    "where": ("where {value}", "样本为 {value}"),
    "weights": ("weights {value}", "权重 {value}"),
    "add": ("add {value}", "加入 {value}"),
    "drop": ("drop {value}", "去掉 {value}"),
    "policies": ("policies {value}", "控制同期政策 {value}"),
    "match": ("match {value}", "匹配方法为 {value}"),
    "rings": ("rings {value}", "环的界限为 {value} 千米"),
    "lags within": ("lags within", "空间权重只保留样本内的连接"),
    "lags full": ("lags full", "空间滞后取自全部个体"),
}
_PAIRS = {"swap": ("{a} to {b}", "以 {b} 代替 {a}")}


def _said(change: Mapping[str, Any]) -> Said:
    """Return what a variant changes, in words."""
    parts = []
    for key, value in change.items():
        if isinstance(value, Mapping):
            pair = _PAIRS.get(key, ("{a} to {b}", "{a} 改为 {b}"))
            shown = listed(Said(pair, a=str(a), b=_short(b)) for a, b in value.items())
        else:
            shown = listed(map(_short, value if isinstance(value, list | tuple) else [value]))
        words = _WORDS.get(f"{key} {shown}") or _WORDS.get(key, (f"{key} {{value}}", f"{key} = {{value}}"))
        parts.append(Said(words, value=shown))
    return listed(parts, ("; ", "，"))


def _short(value: Any) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return str(value)
    meta = getattr(value, "meta", None)
    return str(getattr(meta, "kind", None) or getattr(value, "label", None) or type(value).__name__)


@hinted
def robustness(
    model: SpatialSystem | SystemFit | Fit,
    variants: Mapping[str, Mapping[str, Any] | Fit],
    *,
    terms: str | Iterable[str] | None = None,
    method: Method | None = None,
    cov: str | Covariance | None = None,
) -> Robustness:
    """Fit a model again and again, each time with something else, and set all side by side.

    Parameters
    ----------
    model : SpatialSystem, SystemFit or DifferenceInDifferences
        A fit, also one of `fixed_effects`, is made again as it was made.
    variants : mapping of name to mapping or fit
        What each changes, the rest stays: ``outcome`` (another left-hand side of the first equation),
        ``swap`` (column to column), ``add``, ``drop`` (terms), ``policies`` (columns of concurrent policies,
        added), ``instruments``, ``where``, ``lags``, ``effects``, ``cov``, ``method``, ``error``,
        ``weights`` (by name), ``winsorize`` (the share in each tail of every column of the formulas),
        ``shift`` (regressors so many times earlier; negative: leads), ``force``, ``unbalanced``,
        ``iv_order``.  Of the effects of a policy (`did`) further ``match``, ``rings``, ``exposure``, ``W``,
        ``base``, ``control_group`` and ``anticipation``.  A fit by another estimator stands as it is.
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
    base = again(model, method, cov, "robustness")
    if not isinstance(variants, Mapping) or not variants:
        raise DataError("robustness needs variants: a mapping of names to what each changes.")
    changes = {str(name): _checked(str(name), change, base) for name, change in variants.items()}
    fits = {BASE: base.fit()}
    shown = terms_shown(fits[BASE], terms)
    for name, change in variants.items():
        try:
            fits[str(name)] = change if isinstance(change, Fit) else base.varied(change)
        except SpatialError as error:
            raise type(error)(f"Variant {name!r}: {error}") from error
        _refuse_same(str(name), fits)
    return Robustness(fits, changes, shown)


# ---- what is asked for
def _checked(name: str, change: Any, base: Again) -> Mapping[str, Any]:
    if name == BASE:
        raise DataError(f"{name!r} is the fit itself: give the variant another name.")
    if isinstance(change, Fit):
        return {"estimator": str(getattr(change, "method", type(change).__name__))}
    if not isinstance(change, Mapping) or not change:
        raise DataError(f"Variant {name!r} changes nothing: it is a mapping such as {{'add': ['x']}}.")
    for key in change:
        if key not in base.keys:
            raise DataError(
                f"Variant {name!r}: no fit has {key!r}.{did_you_mean(key, base.keys)} "
                f"There are {', '.join(base.keys)}."
            )
    used = base.columns
    for column in dict(change.get("swap", {})):
        if column not in used:
            raise DataError(
                f"Variant {name!r}: {column!r} is not in the formulas, so that swapping it changes nothing."
                f"{did_you_mean(column, used)}"
            )
    return dict(change)


def terms_shown(fit: Any, terms: Any) -> tuple[str, ...]:
    known = list(dict.fromkeys(fit.tidy()["term"].astype(str)))
    if terms is None:
        return tuple(t for t in known if t != CONSTANT)
    wanted = names_of(terms, "terms")
    for term in wanted:
        if term not in known:
            raise DataError(
                f"The fit has no term {term!r}.{did_you_mean(term, known)} It has {', '.join(known)}."
            )
    return tuple(wanted)


_SAME = ["equation", "term", "estimate", "std_error"]


def _refuse_same(name: str, fits: Mapping[str, Any]) -> None:
    mine = fits[name].tidy()[_SAME]
    for other, fit in fits.items():
        theirs = fit.tidy()[_SAME] if other != name else None
        if theirs is None or len(theirs) != len(mine) or fit.n_obs != fits[name].n_obs:
            continue
        if (theirs[_SAME[:2]].to_numpy() != mine[_SAME[:2]].to_numpy()).any():
            continue
        if np.allclose(theirs[_SAME[2:]], mine[_SAME[2:]], rtol=1e-10, atol=0, equal_nan=True):
            what = "the fit itself" if other == BASE else f"variant {other!r}"
            raise DataError(f"Variant {name!r} is the same as {what}: it shows nothing. Leave it out.")
