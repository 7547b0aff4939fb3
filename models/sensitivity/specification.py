"""Tests around a specification: Hausman and Mundlak, variance inflation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.languages.shown import digits, frame_text, shown
from spatial.models.data.design import Design
from spatial.models.estimation.covariance import Cluster, Heteroskedastic, Homoskedastic
from spatial.models.formula.structure import CONSTANT
from spatial.models.hypothesis import CLUSTERED, HypothesisTest, cluster_sums, score_test, wald
from spatial.models.likelihood.contrast import hausman_test
from spatial.models.likelihood.random_estimate import RandomEstimate
from spatial.models.results import SystemFit
from spatial.models.solving import generalised_inverse, in_unit_columns, least_squares
from spatial.results import Result
from spatial.words import tell

from .random import RandomEffectsFit
from .spatial_hausman import classic_hausman, contrast, mundlak_of_random, spatial_hausman
from .terms import estimates_of

__all__ = ["VarianceInflation", "hausman", "linear_parts", "vif"]

Float = NDArray[np.float64]
Kind = Literal["classic", "mundlak", "spatial"]


@hinted
def hausman(
    a: Any, b: Any = None, *, kind: Kind = "classic", covariance: Literal["classic", "scores"] | None = None
) -> HypothesisTest:
    r"""Test random against fixed effects, or any efficient against any consistent estimator.

    .. math:: H = (\hat\beta_a - \hat\beta_b)'[V_a - V_b]^{+}(\hat\beta_a - \hat\beta_b)
              \sim \chi^2(\operatorname{rank})

    Parameters
    ----------
    a : fit
        Consistent under both hypotheses: with fixed effects.
    b : fit
        Efficient under the null, inconsistent otherwise: with random effects, or a spatial model without what
        `a` allows for.  Any result with `params` and `cov`, also of linearmodels and statsmodels, matched by
        the names of its terms.
    kind : "classic", "mundlak" or "spatial"
        ``"classic"`` (Hausman 1978) is made of the homoskedastic covariances of both, whatever the standard
        errors of the fits; fits of other packages bring theirs.  ``"mundlak"`` takes `a` alone:
        the means of units join a random-effects regression, and their slopes are tested with the
        clustered covariance, which is right under heteroskedasticity and serial correlation too (Mundlak
        1978; Wooldridge 2010, section 10.7.3); or a spatial fit with random effects, which is estimated again
        with the means of its regressors and of their lags (Debarsy 2012).  ``"spatial"``: of one spatial
        model, `a` with fixed and `b` with random effects, by ``ml``, or by instruments with the clustered
        variance of the difference (Mutl and Pfaffermayr 2011); or `a` by least squares and `b` the spatial
        error model of the same terms by ``ml`` (Pace and LeSage 2008).  Where both are by maximum likelihood,
        the difference :math:`V_a - V_b` is taken at the estimate with random effects, where it cannot be
        negative: that of the covariances of the two fits rejects a true null of 5 % in 13 to 14 % of samples
        (N = 60, T = 4).
    covariance : "classic" or "scores", optional
        ``"classic"`` is for fixed against random effects of a spatial model: :math:`V_a - V_b` from the
        covariances of the two fits, as splm's ``sphtest`` takes it: of `a` as it was estimated (by ``ml``
        with ``compat="direct"``), else homoskedastic, of `b` homoskedastic, its variance components taken as
        known. It may be no covariance: where the statistic is negative, of which ``sphtest`` prints the
        absolute value, there is no test. With ``compat="direct"``, whose variances are too small by 1/T, none
        of 300 samples under the null had one (a lag, N = 60, T = 4); without, .067 were rejected at 5 %.
        ``"scores"`` is for Mundlak's test of a fit that is not spatial, which is else a Wald statistic with
        the clustered covariance of the estimate, as plm's ``phtest(method = "aux")`` and Stata have it: that
        rejects .061 of true nulls with one regressor and 60 units, .082 with three. Scores under the null
        (Hotelling's F) reject .049 and .043.

    Returns
    -------
    HypothesisTest

    Raises
    ------
    DataError
        If `kind` is none of the two, a result has no coefficients and covariance, or there is no common term.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 2)), columns=["x", "e"], index=index)
    >>> unit = np.repeat(rng.normal(size=80), 4)
    >>> data["x"] += unit
    >>> data["y"] = data.x + unit + data.e
    >>> hausman(fixed_effects("y ~ x", data, effects="unit"), kind="mundlak").p_value < 0.01
    True
    """
    if kind not in get_args(Kind):
        shown = "'classic', 'mundlak' or 'spatial'"
        raise DataError(f"kind is {shown}; got {kind!r}.{did_you_mean(kind, get_args(Kind))}")
    if covariance not in (None, "classic", "scores"):
        raise DataError(f"covariance is 'classic', 'scores' or left out; got {covariance!r}.")
    if kind == "mundlak":
        if b is not None:
            raise DataError("kind='mundlak' takes one fit, that with unit effects, fixed or random.")
        is_random = isinstance(a, SystemFit) and a.estimate.design.random
        if covariance == "classic" or (covariance and is_random):
            raise DataError(
                "covariance is of kind='mundlak' without spatial random effects 'scores' or left out; got "
                f"{covariance!r}."
            )
        return mundlak_of_random(a) if is_random else _mundlak(a, covariance is not None)
    if b is None:
        raise DataError(
            f"The {kind} test compares two fits: hausman(fixed, random). For one, kind='mundlak'."
        )
    if covariance == "scores":
        raise DataError("covariance='scores' is for kind='mundlak': leave it out.")
    if covariance is not None:
        return classic_hausman(a, b)
    if kind == "spatial":
        return spatial_hausman(a, b)
    if isinstance(a, SystemFit) and isinstance(b, SystemFit) and isinstance(b.estimate, RandomEstimate):
        return hausman_test(a.estimate, b.estimate)
    first, second = _by_term(_homoskedastic(a), "a"), _by_term(_homoskedastic(b), "b")
    terms = [t for t in first[0].index if t in second[0].index and t[-1] != CONSTANT]
    if not terms:
        raise DataError(
            f"The fits share no terms: {', '.join(str(t[-1]) for t in first[0].index)} and "
            f"{', '.join(str(t[-1]) for t in second[0].index)}."
        )
    gap = (first[0][terms] - second[0][terms]).to_numpy()
    V = first[1].loc[terms, terms].to_numpy() - second[1].loc[terms, terms].to_numpy()
    return contrast("Hausman", gap, V)


def _homoskedastic(fit: Any) -> Any:
    """Return a fit of this package with the covariance that the classic test is made of, whatever it had."""
    if isinstance(fit, RandomEffectsFit) and not isinstance(fit.covariance, Homoskedastic):
        return replace(fit, cov=fit._classic)
    if isinstance(fit, SystemFit) and isinstance(fit.covariance, (Cluster, Heteroskedastic)):
        return fit.vcov("hom")
    return fit


def _by_term(fit: Any, name: str) -> tuple[pd.Series[Any], pd.DataFrame]:
    """Return coefficients and covariance by (term,), or by (equation, term) where several have it."""
    params, cov = estimates_of(fit, "hausman", name)
    keys = [key[-1:] for key in params.index]
    if len(set(keys)) < len(keys):
        return params, cov
    index = pd.Index(keys, tupleize_cols=False)
    return params.set_axis(index), cov.set_axis(index).set_axis(index, axis=1)


def _mundlak(fit: Any, by_scores: bool) -> HypothesisTest:
    design, X, y = linear_parts(fit, "hausman(kind='mundlak')")
    layout = design.layout
    if ("unit",) not in design.effects.kept:
        raise DataError("Mundlak's test is of unit effects; this fit has none.")
    count = np.bincount(layout.unit)
    means = np.column_stack([np.bincount(layout.unit, weights=c) / count for c in X.T])[layout.unit]
    others = [
        c for name, c in zip(design.effects.kept, design.effects.codes, strict=True) if name != ("unit",)
    ]
    D = np.column_stack([np.ones(len(y)), *(np.eye(int(c.max()) + 1)[c] for c in others)])
    extra = _independent(means, np.column_stack([D, X]))
    theta = _theta(fit, np.column_stack([D, X]), y)[layout.unit][:, None]
    base, added, y = (
        _quasi_demeaned(part, layout.unit, theta)
        for part in (np.column_stack([D, X]), means[:, extra], y[:, None])
    )
    name, null = "Hausman, Mundlak", "the effects do not depend on the means of the regressors"
    if by_scores:
        left = added - base @ least_squares(base, added)
        sums = cluster_sums(left * (y - base @ least_squares(base, y)), layout.unit)
        return score_test(name, null, sums, detail=f"scores at the null, {CLUSTERED}")
    R = np.column_stack([base, added])
    beta = least_squares(R, y[:, 0])
    residual = y[:, 0] - R @ beta
    bread = generalised_inverse(R.T @ R)
    sums = cluster_sums(R * residual[:, None], layout.unit)
    V = bread @ (sums.T @ sums) @ bread * len(sums) / (len(sums) - 1)
    places = np.arange(R.shape[1] - len(extra), R.shape[1])
    return wald(name, null, beta[places], V[np.ix_(places, places)], detail=CLUSTERED)


def _quasi_demeaned(values: Float, unit: NDArray[np.intp], theta: Float) -> Float:
    count = np.bincount(unit)
    means = np.column_stack([np.bincount(unit, weights=c) / count for c in values.T])
    return np.asarray(values - theta * means[unit])


def _theta(fit: SystemFit, R: Float, y: Float) -> Float:
    r"""Return :math:`1 - \sigma_e/\sqrt{T_i\sigma_u^2 + \sigma_e^2}` of each unit (Swamy and Arora 1972)."""
    design = fit.estimate.design
    unit, count = design.layout.unit, np.bincount(design.layout.unit)
    inside = design.projected[:, design.equation_columns(0)]
    residual = inside[:, 0] - inside[:, 1:] @ least_squares(inside[:, 1:], inside[:, 0])
    idiosyncratic = float(residual @ residual) / (design.n_effective - (inside.shape[1] - 1))
    means = in_unit_columns(np.column_stack([np.bincount(unit, weights=c) / count for c in R.T]))[0]
    target = np.bincount(unit, weights=y) / count
    between = target - means @ np.linalg.lstsq(means, target, rcond=1e-10)[0]
    free = len(count) - int(np.linalg.matrix_rank(means))
    spread = float(between @ between) / max(1, free)
    inverse: float = float(np.sum(1.0 / count)) / len(count)
    shared: float = spread - idiosyncratic * inverse
    shared = shared if shared > 0.0 else 0.0
    return np.asarray(1.0 - np.sqrt(idiosyncratic / (count * shared + idiosyncratic)))


def _independent(means: Float, others: Float) -> list[int]:
    """Return the means that are no combination of what is there."""
    kept: list[int] = []
    base = others
    for j in range(means.shape[1]):
        left = means[:, j] - base @ least_squares(base, means[:, j])
        if np.linalg.norm(left) > 1e-8 * np.linalg.norm(means[:, j]):
            kept.append(j)
            base = np.column_stack([base, means[:, j]])
    if not kept:
        raise DataError("No regressor has means that differ between units beside the other effects.")
    return kept


def linear_parts(fit: Any, what: str) -> tuple[Design, Float, Float]:
    if not isinstance(fit, SystemFit):
        raise DataError(f"{what} takes a fit of spatial.models; got {type(fit).__name__}.")
    if fit.structure.n_equations > 1:
        raise DataError(f"{what} takes one equation; this fit has {fit.structure.n_equations}.")
    moving = [t.name for _, t in fit.structure.terms if t.is_endogenous]
    if moving:
        raise DataError(f"{what} is for exogenous regressors; {', '.join(moving)} is endogenous.")
    design = fit.estimate.design
    terms = fit.structure.equations[0].terms
    places = [j for j, t in zip(design.regressors[0], terms, strict=True) if t.name != CONSTANT]
    return design, design.columns[:, places], design.columns[:, design.outcomes[0]]


# ---- variance inflation
@dataclass(frozen=True, eq=False, repr=False)
class VarianceInflation(Result):
    """Variance inflation factors; see `vif`.

    Parameters
    ----------
    frame : DataFrame
        equation, term, vif, tolerance.
    """

    frame: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row for each term."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return the largest and the mean of each equation."""
        grouped = self.frame.groupby("equation", sort=False)["vif"]
        return pd.DataFrame({"largest": grouped.max(), "mean": grouped.mean()}).reset_index()

    def headline(self) -> str:
        """Name the largest."""
        row = self.frame.loc[self.frame["vif"].idxmax()]
        return f"{tell('largest', '最大')} {row['vif']:.2f} ({shown(row['term'])})"

    def summary(self) -> str:
        """Return the factors, and what they say."""
        title = tell(
            "Variance inflation factors, effects (or the mean) taken out",
            "方差膨胀因子，已剔除固定效应（或均值）",
        )
        last = tell(
            "Above 10 is the usual mark; errors already show what collinearity costs.",
            "通常以 10 为界；共线性的代价已反映在标准误中。",
        )
        return f"{title}\n\n{frame_text(self.frame, digits(3))}\n\n{last}"


@hinted
def vif(fit: SystemFit) -> VarianceInflation:
    r"""Return the variance inflation factors of the regressors, effects (or the mean) taken out.

    .. math:: VIF_j = 1/(1 - R_j^2) = [\operatorname{corr}(X)^{-1}]_{jj}

    Parameters
    ----------
    fit : SystemFit

    Raises
    ------
    DataError
        If `fit` is no fit of this package.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 3)), columns=["x", "z", "y"], index=index)
    >>> data["z"] += 3 * data.x
    >>> vif(fixed_effects("y ~ x + z", data)).tidy()["vif"].round(0).tolist()
    [11.0, 11.0]
    """
    if not isinstance(fit, SystemFit):
        raise DataError(f"vif takes a fit of spatial.models; got {type(fit).__name__}.")
    design, rows = fit.estimate.design, []
    for g, equation in enumerate(design.structure.equations):
        keep = [
            (t.name, j)
            for t, j in zip(equation.terms, design.regressors[g], strict=True)
            if t.name != CONSTANT
        ]
        X = design.projected[:, [j for _, j in keep]]
        X = X if design.effects.any else X - X.mean(axis=0)
        size = np.linalg.norm(X, axis=0)
        factors = np.diag(np.linalg.inv((X / size).T @ (X / size)))
        rows += [(equation.name, name, v, 1 / v) for (name, _), v in zip(keep, factors, strict=True)]
    return VarianceInflation(pd.DataFrame(rows, columns=["equation", "term", "vif", "tolerance"]))
