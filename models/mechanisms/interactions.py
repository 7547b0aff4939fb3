"""For whom an effect is larger: interactions with a moderator, and effects over its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.ids.rows import one_text
from spatial.languages.shown import digits, frame_text, shown
from spatial.models.data.source import Source
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.laws import Law
from spatial.models.estimation.steps import Method
from spatial.models.formula.grammar import parse_terms
from spatial.models.formula.structure import Term
from spatial.models.results import SystemFit
from spatial.models.summaries import errors_line
from spatial.models.system import SpatialSystem
from spatial.results import Fit
from spatial.words import Said, tell

from .arguments import names_of
from .asked import Model, as_model, one_equation
from .interacted import johnson_neyman
from .rewriting import Parts

__all__ = ["Moderation", "moderation"]

Float = NDArray[np.float64]

_ENDS = (
    "{treatment} at the 10% quantile of {by}: {b10} (p = {p10}); at the 90% quantile: {b90} (p = {p90}).",
    "{by} 的 10% 分位处 {treatment} 的效应为 {b10}（p = {p10}），90% 分位处为 {b90}（p = {p90}）。",
)
_SHARES = {"least": 0.0, "10%": 0.1, "25%": 0.25, "median": 0.5, "75%": 0.75, "90%": 0.9, "largest": 1.0}

_ADDED = ("The interaction is endogenous; instruments added: ", "交互项为内生变量；加入的工具变量：")
_SLOPES = (
    "Effects are slopes with everything else held; in a system see impacts().",
    "效应为其他条件不变时的斜率；方程组的均衡效应见 impacts()。",
)


@dataclass(frozen=True, eq=False, repr=False)
class Moderation(Fit):
    """Interactions of a treatment with moderators; see `moderation`.

    Parameters
    ----------
    treatment, equation : str
    fits : mapping of moderator to SystemFit
        With the interaction, and the moderator itself.
    interactions : DataFrame
        by, term, centre, estimate, std_error, statistic, p_value, conf_low, conf_high, instruments.
    effects : DataFrame
        by, at, value, estimate, std_error, statistic, p_value, conf_low, conf_high: the effect of the
        treatment at quantiles of the moderator.
    regions : DataFrame
        by, low, high, significant, sign, share: the parts of the data that the Johnson-Neyman bounds make,
        and the share of rows in each.
    curve : DataFrame
        by, value, estimate, conf_low, conf_high, over the data.
    level : float
    """

    treatment: str
    equation: str
    fits: Mapping[str, SystemFit]
    interactions: pd.DataFrame
    effects: pd.DataFrame
    regions: pd.DataFrame
    curve: pd.DataFrame
    level: float

    figure = "marginal_effects_plot"

    def tidy(self) -> pd.DataFrame:
        """Return the effect of the treatment at values of each moderator."""
        return self.effects.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row for each moderator: the interaction, and the share of rows with a clear effect."""
        out = self.interactions[["by", "term", "estimate", "std_error", "p_value"]].copy()
        clear = self.regions[self.regions["significant"]].groupby("by")["share"].sum()
        out["share_significant"] = out["by"].map(clear).fillna(0.0)
        return out

    def headline(self) -> str:
        """Name the treatment and the moderators."""
        said = tell("{} on {} by {}", "{} 对 {}，调节变量 {}")
        return said.format(self.treatment, self.equation, ", ".join(self.fits))

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What stands below a table of the fits."""
        out = []
        for name in self.fits:
            mine = self.effects[self.effects["by"] == name].set_index("at")
            low, high = mine.loc["10%"], mine.loc["90%"]
            shown = {
                f"{key}{end}": f"{row[column]:.3f}"
                for end, row in (("10", low), ("90", high))
                for key, column in (("b", "estimate"), ("p", "p_value"))
            }
            out.append(Said(_ENDS, treatment=self.treatment, by=name, **shown))
        return tuple(out)

    def summary(self) -> str:
        """Return interactions, effects and regions as text."""
        lines = [
            tell(
                f"Moderation: effect of {self.treatment} on {self.equation}",
                f"调节效应：{self.treatment} 对 {self.equation} 的影响",
            )
        ]
        for row in self.interactions.to_dict("records"):
            name = row["by"]
            lines += [
                "",
                tell(
                    f"By {name}, centred at {row['centre']:.5g}: {row['term']} = {row['estimate']:.5g} "
                    f"(se {row['std_error']:.5g}, p = {row['p_value']:.4f})",
                    f"调节变量 {name}，中心化于 {row['centre']:.5g}：{row['term']} = {row['estimate']:.5g}"
                    f"（标准误 {row['std_error']:.5g}，p = {row['p_value']:.4f}）",
                ),
            ]
            lines += [tell(*_ADDED) + row["instruments"] + tell(".", "。")] if row["instruments"] else []
            mine = self.effects[self.effects["by"] == name].drop(columns="by")
            lines.append(frame_text(mine, digits(4)))
            for part in self.regions[self.regions["by"] == name].to_dict("records"):
                span, share = (f"{part[end]:.5g}" for end in ("low", "high")), f"{part['share']:.1%}"
                lines.append(
                    tell("Johnson-Neyman: from {} to {} ", "Johnson–Neyman：从 {} 到 {} ").format(*span)
                    + self._sign(part["sign"] if part["significant"] else "")
                    + tell(f" ({share} of rows)", f"（占 {share} 的行）")
                )
        lines += ["", errors_line(next(iter(self.fits.values())).covariance.label), tell(*_SLOPES)]
        return "\n".join(lines)

    def _sign(self, sign: str) -> str:
        if not sign:
            return tell("not told from 0", "与 0 无显著差异")
        return tell(f"{sign} at {self.level:.0%}", f"在 {self.level:.0%} 水平上为{shown(sign)}")


@hinted
def moderation(
    model: SpatialSystem | SystemFit,
    treatment: str,
    by: str | Iterable[str],
    *,
    centre: bool = True,
    equation: str | None = None,
    method: Method | None = None,
    cov: str | Covariance | None = None,
    level: float = 0.95,
) -> Moderation:
    r"""Let the effect of a treatment vary with a moderator, and show where it is there.

    .. math::

        y = \beta_1 d + \beta_2 m + \beta_3 d (m - \bar m) + \dots, \qquad
        \frac{\partial y}{\partial d} = \beta_1 + \beta_3 (m - \bar m)

    Parameters
    ----------
    model : SpatialSystem or SystemFit
        A fit, also one of `fixed_effects`, is made again with the interaction as it was made.
    treatment : str
        A term d of the formula.
    by : str or list of str
        Columns m, one fit each; each enters by itself too.
    centre : bool
        At the mean of the rows in use: then :math:`\beta_1` is the effect at the mean.  The interaction
        itself does not depend on it.
    equation : str, optional
        Where several equations have the treatment.
    method, cov
        As in `SpatialSystem.fit`; default those of the fit, or GS3SLS and clusters.
    level : float
        Of the bands and of the Johnson-Neyman regions.

    Raises
    ------
    DataError
        If `model` is no system, `treatment` no term, or `by` no exogenous column.
    FormulaError
        If `by` is neither a name nor a list of names.

    Notes
    -----
    An interaction of an endogenous variable is endogenous.  Its instruments are built: the declared ones
    times the moderator; in a system the exogenous variables that the equation leaves out, or the lags of its
    own for a spatial lag of the outcome, times the moderator.  They are listed.

    References
    ----------
    Johnson and Neyman (1936); Bauer and Curran (2005, Multivariate Behavioral Research 40).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 3)), columns=["d", "m", "e"], index=index)
    >>> data["y"] = data.d * (1 + 0.5 * data.m) + data.e
    >>> found = moderation(fixed_effects("y ~ d", data), "d", "m")
    >>> found.effects.set_index("at")["estimate"].round(1)[["10%", "90%"]].tolist()
    [0.6, 1.5]
    """
    if not 0 < level < 1:
        raise DataError(f"level is between 0 and 1; got {level!r}.")
    base = as_model(model, method, cov, "moderation")
    system = base.system()
    name, term = _treatment(system, treatment, equation)
    parts = []
    for column in names_of(by, "by"):
        parts.append(_moderated(base, system, name, term, column, bool(centre), level))
    return Moderation(
        term.name,
        name,
        {p.by: p.fit for p in parts},
        pd.concat([p.interaction for p in parts], ignore_index=True),
        pd.concat([p.effects for p in parts], ignore_index=True),
        pd.concat([p.regions for p in parts], ignore_index=True),
        pd.concat([p.curve for p in parts], ignore_index=True),
        level,
    )


def _treatment(system: SpatialSystem, treatment: str, equation: str | None) -> tuple[str, Term]:
    one_text(treatment, "treatment")
    having = [e.name for e in system.structure.equations if treatment in [t.name for t in e.terms]]
    if not having:
        known = list(dict.fromkeys(t.name for _, t in system.structure.terms))
        raise DataError(
            f"No equation has the term {treatment!r}.{did_you_mean(treatment, known)} There are "
            f"{', '.join(known)}."
        )
    name = one_equation(having, equation, "moderation")
    found = next(e for e in system.structure.equations if e.name == name)
    return name, next(t for t in found.terms if t.name == treatment)


@dataclass(frozen=True, eq=False)
class _Part:
    by: str
    fit: SystemFit
    interaction: pd.DataFrame
    effects: pd.DataFrame
    regions: pd.DataFrame
    curve: pd.DataFrame


def _moderated(
    base: Model, system: SpatialSystem, name: str, term: Term, column: str, centre: bool, level: float
) -> _Part:
    values = _values(system._source, system, column)
    middle = float(f"{values.mean():.6g}") if centre else 0.0
    shifted = (
        f"I({_named(column)} {'-' if middle >= 0 else '+'} {abs(middle)!r})" if centre else _named(column)
    )
    product = f"{term.name}:{shifted}"
    changes, added = _changed(base, system, name, term, column, shifted, product)
    fit = base.fit(**changes)
    pair = [(name, term.name), (name, _spelled(fit, name, product))]
    b, V = fit.params.loc[pair].to_numpy(), fit.cov.loc[pair, pair].to_numpy()
    law = fit.estimate.inference.law
    mine = fit.tidy(level).set_index(["equation", "term"]).loc[[pair[1]]].reset_index()
    row = mine.drop(columns="equation").assign(by=column, centre=middle, instruments=", ".join(added))
    used = _values(fit.estimate.source, fit, column)
    return _Part(
        column,
        fit,
        row[["by", "term", "centre", *mine.columns[2:], "instruments"]],
        _effects(column, b, V, used, middle, law, level),
        _regions(column, b, V, used, middle, law.quantile(level)),
        _curve(column, b, V, used, middle, law.quantile(level)),
    )


def _named(column: str) -> str:
    return column if column.isidentifier() else f"`{column}`"


def _spelled(fit: SystemFit, name: str, product: str) -> str:
    """Return the term as the fit names it."""
    plain = product.replace(" ", "").replace("`", "")
    for term in fit.params.loc[name].index:
        if str(term).replace(" ", "").replace("`", "") == plain:
            return str(term)
    raise DataError(f"The effects absorb {product}, or it is a combination of other terms: nothing to show.")


def _values(source: Source, model: SpatialSystem | SystemFit, column: str) -> Float:
    """Return a moderator for the rows in use."""
    if not isinstance(column, str) or not source.has(column):
        raise DataError(f"The data have no column {column!r}.{did_you_mean(column, source.columns)}")
    source.numbers(column)  # refuses text
    layout = model.design.layout if isinstance(model, SpatialSystem) else model.estimate.design.layout
    values = np.asarray(source.rows(column, layout), dtype=np.float64)
    if np.ptp(values[np.isfinite(values)]) == 0:
        raise DataError(f"{column} is the same in every row: an effect cannot vary with it.")
    return values[np.isfinite(values)]


def _changed(
    base: Model, system: SpatialSystem, name: str, term: Term, column: str, shifted: str, product: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments of the system with the interaction, and the instruments that were added."""
    parts = Parts.of(base.formulas[name])
    equation = next(e for e in system.structure.equations if e.name == name)
    own = [t.name for t in equation.terms] + [t for e, t in system.design.absorbed if e == name]
    if column in system.structure.outcomes:
        raise DataError(
            f"{column} is an outcome of the system: a moderator is exogenous. Use its value before."
        )
    new = [product] if column in own else [_named(column), product]
    parts = parts.adding(new)
    if not term.is_endogenous:
        return {"formulas": base.texts({name: parts.text})}, []
    if parts.instruments:
        added = [f"{t.name}:{shifted}" for t in parse_terms(parts.instruments, tuple(system.design.weights))]
        return {"formulas": base.texts({name: parts.declaring([], added).text})}, added
    exogenous = system.structure.exogenous
    if term.operator == "lag":
        added = [f"{term.weights}({x}):{shifted}" for x in exogenous if x != column]
    else:
        added = [f"{x}:{shifted}" for x in exogenous if x not in own and x != column]
    if not added:
        raise DataError(
            f"{product} is endogenous, and the system has no exogenous variable that {name!r} leaves out "
            "to make "
            "an instrument of: name instruments=."
        )
    given = base.given.instruments
    texts = [] if given is None else [given] if isinstance(given, str) else list(given)
    return {"formulas": base.texts({name: parts.text}), "instruments": [*texts, *added]}, added


# ---- numbers
def _effect(b: Float, V: Float, d: Float) -> tuple[Float, Float]:
    return b[0] + b[1] * d, np.sqrt(V[0, 0] + 2 * d * V[0, 1] + d**2 * V[1, 1])


def _effects(
    column: str, b: Float, V: Float, values: Float, middle: float, law: Law, level: float
) -> pd.DataFrame:
    at = np.quantile(values, list(_SHARES.values()))
    estimate, error = _effect(b, V, at - middle)
    half = law.quantile(level) * error
    return pd.DataFrame(
        {
            "by": column,
            "at": list(_SHARES),
            "value": at,
            "estimate": estimate,
            "std_error": error,
            "statistic": estimate / error,
            "p_value": law.p_value(estimate / error),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def _regions(column: str, b: Float, V: Float, values: Float, middle: float, critical: float) -> pd.DataFrame:
    low, high = float(values.min()), float(values.max())
    cuts = [c for c in johnson_neyman(b, V, critical) + middle if low < c < high]
    edges = [low, *cuts, high]
    rows = []
    for k, (a, z) in enumerate(pairwise(edges)):
        estimate, error = _effect(b, V, np.array([(a + z) / 2 - middle]))
        clear = bool(np.abs(estimate[0]) > critical * error[0])
        inside = (values >= a) & ((values <= z) if k == len(edges) - 2 else (values < z))
        sign = "positive" if estimate[0] > 0 else "negative"
        rows.append((column, a, z, clear, sign if clear else "", float(inside.mean())))
    return pd.DataFrame(rows, columns=["by", "low", "high", "significant", "sign", "share"])


def _curve(column: str, b: Float, V: Float, values: Float, middle: float, critical: float) -> pd.DataFrame:
    grid = np.linspace(values.min(), values.max(), 101)
    estimate, error = _effect(b, V, grid - middle)
    return pd.DataFrame(
        {
            "by": column,
            "value": grid,
            "estimate": estimate,
            "conf_low": estimate - critical * error,
            "conf_high": estimate + critical * error,
        }
    )
