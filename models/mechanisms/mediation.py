"""Through what does a treatment work?  The two-step table, and the product of coefficients by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, did_you_mean, hinted
from spatial.ids.rows import one_text
from spatial.languages.shown import digits, frame_text, remarks, shown
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.formula.grammar import parse_formula
from spatial.models.nonspatial import fixed_effects
from spatial.models.results import SystemFit
from spatial.models.summaries import errors_line
from spatial.panel.panel import PanelLike
from spatial.results import Fit
from spatial.weights.value import WeightsLike
from spatial.words import Said, tell

from .arguments import names_of, whole_number
from .rewriting import Parts
from .stacked import stacked_covariance
from .unit_bootstrap import Interval, drawn_coefficients, product_interval

__all__ = ["Mechanism", "mechanism"]

Float = NDArray[np.float64]
Style = Literal["two-step", "product"]


@dataclass(frozen=True, eq=False, repr=False)
class Mechanism(Fit):
    """Equations of mediators, and for the product the indirect effects; see `mechanism`.

    Parameters
    ----------
    treatment, outcome : str
    style : "two-step" or "product"
    fits : mapping of str to SystemFit
        ``total``: the outcome on the treatment; a mediator's name: the mediator on the treatment; ``full``:
        the outcome on both, for the product.
    effects : DataFrame
        For the product: mediator, path, estimate, std_error (of the bootstrap), conf_low, conf_high, p_value,
        sobel_error, sobel_p, share (of the total effect), error_correlation.
    interval : "bc" or "percentile"
    bootstrap : int
    level : float
    notes : tuple of str
    """

    treatment: str
    outcome: str
    style: Style
    fits: Mapping[str, SystemFit]
    effects: pd.DataFrame
    interval: Interval
    bootstrap: int
    level: float
    notes: tuple[str, ...] = ()

    figure = "mechanism_plot"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return the treatment's coefficient in each equation; the product's effects are in `effects`."""
        rows = []
        for name, fit in self.fits.items():
            frame = fit.tidy(level)
            kept = frame[frame["term"] == self.treatment]
            if name == "full":
                mediators = [m for m in self.fits if m not in ("total", "full")]
                kept = frame[frame["term"].isin([self.treatment, *mediators])]
            rows.append(kept.assign(step=name))
        found = pd.concat(rows, ignore_index=True)
        return found[["step", *(c for c in found.columns if c != "step")]]

    def glance(self) -> pd.DataFrame:
        """Return one row for each mediator."""
        if self.style == "product":
            return self.effects.copy()
        frame = self.tidy()
        return frame[~frame["step"].isin(["total"])].reset_index(drop=True)

    def headline(self) -> str:
        """Name the treatment and the mediators."""
        mediators = ", ".join(m for m in self.fits if m not in ("total", "full"))
        return tell(
            f"{self.style}: {self.treatment} on {self.outcome} through {mediators}",
            f"{shown(self.style)}：{self.treatment} 经 {mediators} 影响 {self.outcome}",
        )

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What the style shows, and the products."""
        out = [Said(_NOTES[self.style])]
        for row in self.effects.to_dict("records"):
            path = Said(_PATHS.get(row["path"], (row["path"], row["path"])))
            numbers = {"b": row["estimate"], "low": row["conf_low"], "high": row["conf_high"]}
            shown = {key: f"{value:.4f}" for key, value in numbers.items()}
            out.append(
                Said(_THROUGH, path=path, mediator=row["mediator"], level=f"{self.level:.0%}", **shown)
            )
        return tuple(out)

    def summary(self) -> str:
        """Return the steps, the products, and what they show."""
        rows = self.tidy()[["step", "equation", "term", "estimate", "std_error", "statistic", "p_value"]]
        lines = [
            tell(
                f"Mechanism, {self.style}: {self.treatment} on {self.outcome}",
                f"机制检验（{shown(self.style)}）：{self.treatment} 对 {self.outcome}",
            ),
            "",
            frame_text(rows, digits(4)),
            errors_line(next(iter(self.fits.values())).covariance.label),
        ]
        if self.style == "product":
            bc, draws = self.interval == "bc", self.bootstrap
            how = tell(
                f"{'bias-corrected' if bc else 'percentile'} bootstrap of units, {draws} draws",
                f"按个体的{'偏差校正' if bc else '百分位'}自助法，{draws} 次",
            )
            title = tell(
                f"Indirect effects, {self.level:.0%} intervals: ", f"间接效应，{self.level:.0%} 区间："
            )
            lines += ["", title + (how if draws else "Sobel"), frame_text(self.effects, digits(4))]
            lines.append(
                tell(
                    "error_correlation: the correlation of the errors of the two equations at which the "
                    "indirect effect "
                    "through that mediator alone would be zero (Imai, Keele and Yamamoto 2010).",
                    "误差相关：两个方程的误差相关系数达到该值时，仅经由该中介变量的间接效应为零"
                    "（Imai、Keele 和 Yamamoto 2010）。",
                )
            )
        lines += ["", tell(*_NOTES[self.style])]
        return "\n".join([*lines, *remarks(self.notes)])


_NOTES = {
    "two-step": (
        "This table shows that the treatment moves the mediator; that the mediator moves the outcome is an "
        "argument from theory and other work, not a result of this table (Jiang 2022).",
        "本表只检验处理变量对中介变量的影响；中介变量影响结果由理论说明（江艇 2022），不由本表检验。",
    ),
    "product": (
        "The product a x b is a causal share only if, given the controls, nothing unseen moves both the "
        "mediator and the outcome; fixed effects do not make that true.",
        "乘积 a×b 仅当给定控制变量后没有未观测因素同时影响中介与结果时才是因果份额；固定效应并不保证这一点。",
    ),
}
_THROUGH = (
    "{path} through {mediator}: {b}, {level} interval [{low}, {high}].",
    "{path}经由 {mediator} 的间接效应：{b}，{level} 区间 [{low}, {high}]。",
)
_PATHS = {"own": ("own", ""), "neighbours": ("neighbours", "邻居")}


@hinted
def mechanism(
    formula: str,
    panel: PanelLike,
    treatment: str,
    mediators: str | Iterable[str],
    *,
    style: Style = "two-step",
    bootstrap: int = 999,
    interval: Interval = "bc",
    level: float = 0.95,
    seed: int = 0,
    effects: str | Iterable[str] = ("unit", "time"),
    cov: str | Covariance = "cluster",
    W: WeightsLike | None = None,
    where: str | None = None,
    lags: Lags = "full",
) -> Mechanism:
    r"""Estimate what a treatment does to mediators, and by name the product of coefficients.

    .. math::

        m_{it} = a d_{it} + x_{it}'\gamma + \mu_i + \tau_t + u_{it}, \qquad
        y_{it} = c' d_{it} + b m_{it} + x_{it}'\delta + \mu_i + \tau_t + v_{it}

    Parameters
    ----------
    formula : str
        The outcome's equation without mediators: ``"y ~ d + x"``; with instruments for ``"two-step"``.
    panel : Panel or DataFrame
    treatment : str
        The term d.
    mediators : str or list of str
        Columns m.
    style : "two-step" or "product"
        ``"two-step"`` estimates the first equation only, with the argument that m moves y left to theory, as
        Jiang (2022) advises.  ``"product"`` adds the second, and a x b.
    bootstrap : int
        Draws of whole units (or clusters of `cov`) for a x b; 0 for Sobel's interval alone.
    interval : "bc" or "percentile"
        Bias-corrected (Efron 1987 without acceleration), or percentile.
    level : float
    seed : int
    effects, cov, where, lags
        As in `fixed_effects`.
    W : Weights, Graph or W, optional
        For the product: W(d) joins the mediator's equation, W(d) and W(m) the outcome's.  Then there are
        three paths: own d, own m (a b); own d, neighbours' m (a b_w); neighbours' d, own m (a_w b).

    Raises
    ------
    FormulaError
        If the formula is none, or names a mediator as well.
    DataError
        If `treatment` is no term, a mediator no column, or a cell is missing.

    References
    ----------
    Jiang (2022, China Industrial Economics 5); MacKinnon, Lockwood and Williams (2004, Multivariate
    Behavioral Research 39); Sobel (1982); Imai, Keele and Yamamoto (2010, Statistical Science 25).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 3)), columns=["d", "u", "v"], index=index)
    >>> data["m"] = 0.8 * data.d + data.u
    >>> data["y"] = 0.3 * data.d + 0.5 * data.m + data.v
    >>> found = mechanism("y ~ d", data, "d", "m", style="product", bootstrap=199)
    >>> float(found.effects["estimate"].round(1).iloc[0]), list(found.fits)
    (0.4, ['total', 'm', 'full'])
    """
    names = _check(formula, treatment, mediators, style, interval, level, W)
    count = whole_number("bootstrap", bootstrap, 0, 1_000_000)
    value = as_covariance(cov)
    parts = Parts.of(formula)
    options: dict[str, Any] = {"effects": effects, "cov": value, "where": where, "lags": lags}
    options |= {"weights": W} if W is not None else {}
    spatial = [f"W({treatment})"] if W is not None else []
    kept = _complete(panel, names)
    fits = {"total": fixed_effects(parts.adding(spatial).text, kept, **options)}
    _needed(fits["total"], treatment)
    for name in names:
        other = Parts(_named(name), *_rest(parts.adding(spatial)))
        fits[name] = fixed_effects(other.text, kept, **options)
    outcome = fits["total"].structure.names[0]
    if style == "two-step":
        return Mechanism(treatment, outcome, style, fits, pd.DataFrame(), interval, 0, level, ())
    more = [_named(m) for m in names] + ([f"W({_named(m)})" for m in names] if W is not None else [])
    fits["full"] = fixed_effects(parts.adding([*more, *spatial]).text, kept, **options)
    table = _products(fits, treatment, names, W is not None, count, interval, level, seed, value)
    notes: list[str] = []
    if count:
        notes.append(f"bootstrap: whole clusters drawn, {count} draws, seed {seed}")
    if W is not None:
        notes.append(
            "the bootstrap holds each unit's neighbours: it takes units as independent given the lags"
        )
    return Mechanism(treatment, outcome, style, fits, table, interval, count, level, tuple(notes))


# ---- what is asked for
def _check(
    formula: Any, treatment: Any, mediators: Any, style: Any, interval: Any, level: float, W: Any
) -> list[str]:
    if not isinstance(formula, str):
        raise FormulaError(f"mechanism takes one formula; got {type(formula).__name__}.")
    for what, given, allowed in (
        ("style", style, get_args(Style)),
        ("interval", interval, get_args(Interval)),
    ):
        if given not in allowed:
            shown = " or ".join(map(repr, allowed))
            raise DataError(f"{what} is {shown}; got {given!r}.{did_you_mean(given, allowed)}")
    if not 0 < level < 1:
        raise DataError(f"level is between 0 and 1; got {level!r}.")
    parsed = parse_formula(formula, ("W",) if W is not None else ())
    terms = [t.name for t in parsed.terms]
    if one_text(treatment, "treatment") not in terms:
        raise DataError(
            f"The formula has no term {treatment!r}.{did_you_mean(treatment, terms)} It has "
            f"{', '.join(terms)}."
        )
    names = names_of(mediators, "mediators")
    for name in names:
        if name in terms:
            raise FormulaError(
                f"{name} is a term of the formula already: write the formula without mediators."
            )
        if name == parsed.outcome.name:
            raise FormulaError(f"{name} is the outcome: it cannot be a mediator of its own.")
    if style == "product" and parsed.endogenous:
        raise DataError(
            "The product needs b, and the instruments of the treatment are none for the mediator: use "
            "style='two-step', or a SpatialSystem with an equation for the mediator."
        )
    if style == "two-step" and W is not None:
        return names
    return names


def _complete(panel: Any, names: list[str]) -> Any:
    frame = getattr(panel, "frame", panel)
    for name in names:
        if isinstance(frame, pd.DataFrame) and name not in frame.columns:
            known = list(map(str, frame.columns))
            raise DataError(f"The data have no column {name!r}, a mediator.{did_you_mean(name, known)}")
    return panel


def _named(column: str) -> str:
    return column if column.isidentifier() else f"`{column}`"


def _rest(parts: Parts) -> tuple[str, str, str, str]:
    return parts.terms, parts.effects, parts.endogenous, parts.instruments


def _needed(fit: SystemFit, treatment: str) -> None:
    if treatment not in fit.params.index.get_level_values(1):
        raise DataError(f"The effects absorb {treatment}: it has no slope to explain.")


# ---- the product
def _products(
    fits: Mapping[str, SystemFit],
    treatment: str,
    names: list[str],
    spatial: bool,
    count: int,
    interval: Interval,
    level: float,
    seed: int,
    value: Covariance,
) -> pd.DataFrame:
    full = fits["full"]
    outcome = full.structure.names[0]
    stacked = stacked_covariance({name: fit for name, fit in fits.items() if name != "total"})
    total = float(fits["total"].params[outcome, treatment])
    drawn = drawn_coefficients(fits, names, count, seed, value) if count else None
    rows = []
    for name in names:
        equation = fits[name].structure.names[0]
        paths = [("own", (name, equation, treatment), ("full", outcome, _term(full, name)))]
        if spatial:
            lag = _term(full, f"W({name})")
            paths.append(("neighbours' mediator", paths[0][1], ("full", outcome, lag)))
            paths.append(("neighbours' treatment", (name, equation, f"W({treatment})"), paths[0][2]))
        for path, a_key, b_key in paths:
            a, b = stacked.params[a_key], stacked.params[b_key]
            V = stacked.cov.loc[[a_key, b_key], [a_key, b_key]].to_numpy()
            gradient = np.array([b, a])
            sobel = float(np.sqrt(gradient @ V @ gradient))
            low, high, error, p = product_interval(a * b, sobel, _of(drawn, a_key, b_key), interval, level)
            rows.append(
                {
                    "mediator": name,
                    "path": path,
                    "estimate": a * b,
                    "std_error": error,
                    "conf_low": low,
                    "conf_high": high,
                    "p_value": p,
                    "sobel_error": sobel,
                    "sobel_p": float(2 * scipy.stats.norm.sf(abs(a * b) / sobel)),
                    "share": a * b / total if path == "own" else np.nan,
                    "error_correlation": _error_correlation(fits, name) if path == "own" else np.nan,
                }
            )
    return pd.DataFrame(rows)


def _term(fit: SystemFit, name: str) -> str:
    for term in fit.params.index.get_level_values(1):
        if str(term).replace("`", "") == name:
            return str(term)
    raise DataError(f"The effects absorb {name}: it is no mediator here.")


def _error_correlation(fits: Mapping[str, SystemFit], name: str) -> float:
    """Return the correlation of the errors at which a x b would be 0: that of the equations without m."""
    u = fits[name].estimate.numbers.residuals[0]
    v = fits["total"].estimate.numbers.residuals[0]
    if len(u) != len(v):
        return float("nan")
    return float(u @ v / np.sqrt((u @ u) * (v @ v)))


def _of(drawn: Any, a_key: Any, b_key: Any) -> Float | None:
    return None if drawn is None else drawn[a_key] * drawn[b_key]
