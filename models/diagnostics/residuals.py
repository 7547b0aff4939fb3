"""Diagnostics of space and of effects: what is left in the residuals, and which model would do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.data.effects import Effects
from spatial.models.data.layout import LagOperator
from spatial.models.estimation.leverage import cluster_leverage
from spatial.models.estimation.scores import Scores
from spatial.models.hypothesis import HypothesisTest, cluster_sums, wald
from spatial.models.solving import generalised_inverse, in_unit_columns, least_squares

from .panels import effects_f, pesaran_cd
from .space import anselin_kelejian, lagrange_multipliers
from .subject import Subject

__all__ = ["effect_tests", "residual_tests"]

Float = NDArray[np.float64]

LM_NULL = "there is no spatial dependence"


def residual_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return tests on the residuals of one equation: Anselin-Kelejian, LM, Pesaran CD before and after.

    The form that the covariance of the fit allows comes first: clustered, unless it is homoskedastic.
    """
    name, tests = subject.names[g], []
    operators = subject.design.tested_weights(g)
    if not operators:
        reason = "the system has no weights"
        null = "the errors are not spatially correlated"
        tests.append(HypothesisTest.failed("Anselin-Kelejian", null, reason, equation=name))
    for weights, operator in operators.items():
        forms = (True, False) if subject.clustered_first else (False, True)
        tests += [_anselin_kelejian(subject, g, operator, form, weights) for form in forms]
        tests += _lagrange(subject, g, operator, forms, weights)
    return [*tests, *_pesaran(subject, g)]


def _anselin_kelejian(
    subject: Subject, g: int, operator: LagOperator, clustered: bool, weights: str
) -> HypothesisTest:
    design = subject.design
    place = design.structure.slices[g]
    residuals = subject.unfiltered_residuals
    if clustered:
        covariance = subject.clustered(subject.unfiltered, residuals)[place, place]
    else:
        e = residuals[:, g]
        covariance = subject.unfiltered.bread[place, place] * float(e @ e) / subject.n
    return anselin_kelejian(
        residuals[:, g],
        subject.space.filtered(g, 0.0)[:, 1:],
        covariance,
        operator,
        n_effective=subject.n,
        time_effects=design.effects.has_time,
        clustered=clustered,
        equation=subject.names[g],
        weights=weights,
    )


def _lagrange(
    subject: Subject, g: int, operator: LagOperator, forms: tuple[bool, ...], weights: str
) -> list[HypothesisTest]:
    name, design = subject.names[g], subject.design
    if subject.endogenous(g).any():
        reason = "the equation has endogenous regressors; Anselin-Kelejian is the test after IV"
        return [HypothesisTest.failed("LM lag and error", LM_NULL, reason, equation=name)]
    out: list[HypothesisTest] = []
    for clustered in forms:
        out += lagrange_multipliers(
            design.raw[:, design.outcomes[g]],
            design.raw[:, list(design.regressors[g])],
            operator,
            transform=design.effects.project if design.effects.any else None,
            periods_lost=int(("unit",) in design.effects.kept),
            time_effects=design.effects.has_time,
            variance_divisor=subject.n,
            clustered=clustered,
            equation=name,
            weights=weights,
        )
    return out


def _pesaran(subject: Subject, g: int) -> list[HypothesisTest]:
    name, design = subject.names[g], subject.design
    null = "the errors of different units are uncorrelated"
    labels = ("Pesaran CD before spatial terms", "Pesaran CD after")
    reason = ""
    if not design.layout.is_balanced:
        reason = "the panel is not balanced"
    elif any("time" in effect for effect in design.effects.kept):
        reason = "time effects make the residuals of a period sum to zero, whatever the errors are"
    if reason:
        return [HypothesisTest.failed(label, null, reason, equation=name) for label in labels]
    residuals = (_without_space(subject, g), subject.estimate.numbers.residuals[g])
    found = [pesaran_cd(design.layout.dense(e), equation=name) for e in residuals]
    return [replace(test, name=label) for test, label in zip(found, labels, strict=True)]


def _without_space(subject: Subject, g: int) -> Float:
    """Return residuals of the equation without its spatial lags, by 2SLS with the same instruments."""
    data = subject.space.filtered(g, 0.0)
    level = [1 + j for j, t in enumerate(subject.design.structure.equations[g].terms) if t.weights is None]
    y, Z, Q = data[:, 0], data[:, level], subject.bases[g]
    if not level:
        return y
    return np.asarray(y - Z @ least_squares(Q.T @ Z, Q.T @ y))


# ---- effects
def effect_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return tests of the effects: F for each set, and Mundlak's test of correlated unit effects."""
    design, name = subject.design, subject.names[g]
    out = []
    for effect in design.effects.kept:
        label = f"{':'.join(effect)} effects"
        if subject.endogenous(g).any():
            reason = "the equation has endogenous regressors: sums of squares of 2SLS do not make an F"
            out.append(HypothesisTest.failed(f"F: {label}", f"there are no {label}", reason, equation=name))
            continue
        rest = _effects_without(design.effects, effect)
        lost = design.effects.rank - rest.rank - (0 if rest.any else 1)
        places = design.equation_columns(g)
        full, small = design.projected[:, places], rest.project(design.columns[:, places])
        if not rest.any:
            small = small - small.mean(axis=0)
        k = len(places) - 1
        out.append(effects_f(_ssr(small), _ssr(full), lost, subject.n - k, label, equation=name))
    if ("unit",) in design.effects.kept:
        out.append(_mundlak(subject, g))
    return out


def _effects_without(effects: Effects, effect: tuple[str, ...]) -> Effects:
    kept = [k for k, name in enumerate(effects.kept) if name != effect]
    names = tuple(effects.kept[k] for k in kept)
    return Effects(names, names, tuple(effects.codes[k] for k in kept), effects.layout)


def _ssr(data: Float) -> float:
    y, Z = data[:, 0], data[:, 1:]
    e = y - Z @ least_squares(Z, y)
    return float(e @ e)


def _mundlak(subject: Subject, g: int) -> HypothesisTest:
    """Test unit means of the exogenous regressors in pooled 2SLS, clustered by unit."""
    design, name = subject.design, subject.names[g]
    test, null = "Mundlak", "unit effects are uncorrelated with the regressors"
    moving, codes = subject.endogenous(g), subject.codes
    rest = _effects_without(design.effects, ("unit",))
    columns = design.columns[:, list(design.regressors[g])]
    counts = np.bincount(codes)
    means = (cluster_sums(columns[:, ~moving], codes) / counts[:, None])[codes]
    if not means.shape[1]:
        return HypothesisTest.failed(test, null, "there is no exogenous regressor", equation=name)
    if len(counts) <= columns.shape[1] + means.shape[1] + 1:
        reason = f"{len(counts)} units for {columns.shape[1] + means.shape[1] + 1} coefficients"
        return HypothesisTest.failed(test, null, reason, equation=name)
    stacked = np.column_stack(
        [design.columns[:, design.outcomes[g]], columns, means, np.ones(len(codes)), design.instruments]
    )
    stacked = rest.project(stacked)
    y, rest_of = stacked[:, 0], stacked[:, 1:]
    k, q = columns.shape[1], means.shape[1]
    constant = 0 if rest.any else 1
    Z = rest_of[:, : k + q + constant]
    H = np.hstack([Z[:, :k][:, ~moving], Z[:, k:], rest_of[:, k + q + 1 :]])
    level, blank = np.linalg.norm(means, axis=0), HypothesisTest.failed(test, null, "", equation=name)
    return _pooled_wald(y, Z, H, slice(k, k + q), level, subject, rest, blank)


def _pooled_wald(
    y: Float,
    Z: Float,
    H: Float,
    tested: slice,
    level: Float,
    subject: Subject,
    rest: Effects,
    blank: HypothesisTest,
) -> HypothesisTest:
    if (np.linalg.norm(Z[:, tested], axis=0) <= 1e-9 * level).all():
        reason = "the regressors do not differ between units"
        return HypothesisTest.failed(blank.name, blank.null, reason, equation=blank.equation)
    Z = in_unit_columns(Z)[0]
    # A basis from the cross-products: a test does not need the digits that QR would keep.
    H = H / np.where((norm := np.linalg.norm(H, axis=0)) > 0, norm, 1.0)
    values, vectors = np.linalg.eigh(H.T @ H)
    whiten = vectors[:, values > 1e-11 * values[-1]] / np.sqrt(values[values > 1e-11 * values[-1]])
    R = whiten.T @ (H.T @ Z)
    bread = generalised_inverse(R.T @ R)
    slopes = bread @ (R.T @ (whiten.T @ (H.T @ y)))
    error = y - Z @ slopes
    scores = Scores(H @ whiten, error[None], R.T[None], np.eye(1), 1.0, bread, rest)
    try:
        leverage = cluster_leverage(scores, subject.codes)
    except DataError:  # more effects that cross units than leverage is made of: without theirs
        leverage = cluster_leverage(replace(scores, effects=None), subject.codes)
    covariance = bread @ leverage.meat() @ bread
    found = wald(blank.name, blank.null, slopes[tested], covariance[tested, tested], equation=blank.equation)
    q, eta = int(found.df), leverage.wald_df(np.eye(len(slopes))[:, tested])
    if eta <= q - 1:
        reason = f"too few clusters differ in the means of {q} regressors"
        return HypothesisTest.failed(blank.name, blank.null, reason, equation=blank.equation)
    # Hotelling's T2 with eta degrees of freedom (Pustejovsky and Tipton 2018).
    shrunk = replace(found, statistic=found.statistic * (eta - q + 1) / eta)
    return shrunk.as_f(eta - q + 1, "pooled 2SLS, clustered (CR2)")
