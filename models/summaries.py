"""The printed summary of a fit of a system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from spatial.languages.names import kind_words, normal_words, stamp_words
from spatial.languages.shown import head, joined, padded, remarks, shown, width
from spatial.words import tell

from .methods import estimator_of

if TYPE_CHECKING:
    from spatial.weights.value import Weights

    from .results import SystemFit

__all__ = [
    "effects_words",
    "equation_table",
    "errors_line",
    "fit_summary",
    "left_out_instruments",
    "sizes_line",
]

_SHOWN = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]


def equation_table(frame: pd.DataFrame) -> str:
    """Write the rows of one equation."""
    cells = frame[_SHOWN].copy()
    cells["term"] = [shown(term) for term in cells["term"]]
    for column in _SHOWN[1:]:
        places = 3 if column in ("statistic", "p_value") else 5
        cells[column] = [_number(v, places) for v in cells[column]]
    rows = [tuple(head(name) for name in _SHOWN), *cells.itertuples(index=False)]
    longest = max(width(row[0]) for row in rows)
    return "\n".join(
        "  ".join([padded(row[0], longest), *(padded(v, 10, right=True) for v in row[1:])]) for row in rows
    )


def _number(value: float, digits: int) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.{digits}f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.{digits - 1}g}"


def fit_summary(fit: SystemFit) -> str:
    """Return all that is known of the fit: size, stamps, coefficients, definitions, stability."""
    lines = [shown(fit.estimate.title or estimator_of(fit.method).title)]
    lines += [f"*** {tell(stamp.upper(), stamp_words(stamp, 'zh'))} ***" for stamp in fit.stamps]
    lines += _size(fit)
    table = fit.tidy()
    for name in fit.structure.names:
        own = pd.concat([table[table["equation"] == name], fit.cons[fit.cons["equation"] == name]])
        lines += ["", f"{name}    {_fitness(fit, name)}", equation_table(own)]
    stability = fit.stability()
    system, feedback = fit.structure.n_equations > 1, not stability.frame.empty
    lines.append("")
    if system and fit.mcelroy_r_squared == fit.mcelroy_r_squared:  # not where Sigma has no inverse
        lines.append(tell("McElroy system R2", "McElroy 系统 R²") + f" = {fit.mcelroy_r_squared:.4f}")
    lines.append(
        tell(
            "R2 = 1 - u'u / y'y, u = y - Z delta, y about its mean (within: effects out); it may be "
            "negative.",
            "R² = 1 − u'u/y'y，u = y − Zδ，y 取离差（组内：剔除固定效应）；可能为负。",
        )
    )
    if system or feedback:
        lines.append(
            tell(
                "Coefficients are structural slopes, the other endogenous variables held fixed: see "
                "impacts().",
                "系数为结构斜率，其他内生变量保持不变；均衡效应见 impacts()。",
            )
        )
    lines += remarks(fit.notes)
    lines += [
        tell(
            f"Left out, absorbed by the effects: {term} ({equation}).",
            f"被固定效应吸收而略去：{term}（{equation}）。",
        )
        for equation, term in fit.absorbed
    ]
    if fit.dropped_instruments and fit.estimate.uses_instruments:
        lines.append(left_out_instruments(fit.dropped_instruments))
    lines += ["", str(stability)] if system or feedback else []
    return "\n".join(lines)


def left_out_instruments(names: Iterable[str]) -> str:
    """Name the instruments that others determine."""
    return tell(
        f"Instruments left out as dependent: {', '.join(names)}.",
        f"因线性相关而略去的工具变量：{'、'.join(names)}。",
    )


def errors_line(label: str) -> str:
    """Say how standard errors were computed."""
    return tell(f"Standard errors: {label}.", f"标准误：{shown(label)}。")


def sizes_line(n_units: int, n_times: int, n_obs: int, more: str = "") -> str:
    """Say how many units, times and rows there are."""
    return (
        tell(
            f"N = {n_units}, T = {n_times}, observations = {n_obs}",
            f"N = {n_units}，T = {n_times}，观测值 {n_obs}",
        )
        + more
    )


def effects_words(effects: Iterable[str]) -> str:
    """Name the fixed effects, at the beginning of a line."""
    return tell(f"Effects: {joined(effects)}.  ", f"固定效应：{joined(effects)}。")


def _fitness(fit: SystemFit, name: str) -> str:
    """Write R2 and, with effects, R2 within; and the first-stage F of one equation."""
    text = tell("R2", "R²") + f" = {fit.r_squared[name]:.4f}"
    if fit.effects:
        text += tell(", within", "，组内 R²") + f" = {fit.r_squared_within[name]:.4f}"
    if fit.structure.n_equations == 1:
        text += tell(", adjusted", "，调整 R²") + f" = {fit.r_squared_adjusted[name]:.4f}"
    tests = fit.equation_tests().loc[name]
    first, least = float(tests["first_stage_f"]), float(tests["first_stage_critical"])
    if first != first:
        return text
    weak = tell(
        f" (weak: below {least:.2f}; read anderson_rubin())",
        f"（弱：低于 {least:.2f}；请读 anderson_rubin()）",
    )
    return text + tell("; first-stage F", "；第一阶段 F") + f" = {first:.2f}" + weak * (first < least)


def _alone(w: Weights) -> str:
    """Say how many units have no neighbours: their lags are 0."""
    count = len(w.islands)
    if not count:
        return ""
    return tell(
        f", {count} of {w.n} units without neighbours (lags of 0)",
        f"，{w.n} 个个体中 {count} 个无邻居（滞后为 0）",
    )


def _size(fit: SystemFit) -> list[str]:
    weights = [
        tell(
            f"{name}: {w.meta.kind}, normalisation {w.meta.normalization}",
            f"{name}：{kind_words(w.meta.kind, 'zh')}{normal_words(w.meta.normalization, 'zh')}",
        )
        + _alone(w)
        for name, w in fit.estimate.design.weights.items()
    ]
    return [
        sizes_line(
            fit.n_units,
            fit.n_times,
            fit.n_obs,
            tell(f", effective = {fit.n_effective}", f"，有效观测值 {fit.n_effective}"),
        ),
        effects_words(fit.effects)
        + errors_line(fit.covariance.label).rstrip(".。")
        + tell("; statistics against ", "；统计量按 ")
        + fit.estimate.inference.law.words
        + tell(".", "。"),
        _means(fit)
        + tell(".  Weights: ", "。权重：")
        + ("; ".join(weights) or tell("none", "无"))
        + tell(".", "。"),
    ]


def _means(fit: SystemFit) -> str:
    """Return what the estimate was made of: how many instruments, or the likelihood that it reached."""
    if fit.estimate.uses_instruments:
        return tell(f"Instruments: {len(fit.instruments)}", f"工具变量：{len(fit.instruments)} 个")
    named = {"log_likelihood": tell("Log-likelihood", "对数似然"), "aic": "AIC", "bic": "BIC"}
    return ", ".join(f"{named[key]} = {value:.4f}" for key, value in fit.facts if key in named)
