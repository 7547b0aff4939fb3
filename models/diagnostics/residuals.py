"""Diagnostics of space and of effects: what is left in the residuals, and which model would do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.effects import Effects
from spatial.models.formula.structure import Term
from spatial.models.hypothesis import HypothesisTest, cluster_sums, wald

from .panels import effects_f, pesaran_cd
from .space import anselin_kelejian, common_factor, lagrange_multipliers
from .subject import Subject

__all__ = ["effect_tests", "residual_tests", "restriction_tests"]

Float = NDArray[np.float64]

LM_NULL = "there is no spatial dependence"


def residual_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return tests on the residuals of one equation: Anselin-Kelejian, LM, Pesaran CD before and after."""
    return [*_anselin_kelejian(subject, g), *_lagrange(subject, g), *_pesaran(subject, g)]


def _weights_of(subject: Subject, g: int) -> str:
    structure = subject.design.structure
    return structure.equations[g].error or (structure.weights[0] if structure.weights else "")


def _anselin_kelejian(subject: Subject, g: int) -> list[HypothesisTest]:
    name, chosen = subject.names[g], _weights_of(subject, g)
    null = "the errors are not spatially correlated"
    if not chosen:
        return [HypothesisTest.failed("Anselin-Kelejian", null, "the system has no weights", equation=name)]
    design = subject.design
    place = design.structure.slices[g]
    residuals = subject.unfiltered_residuals
    regressors = subject.space.filtered(g, 0.0)[:, 1:]
    out = []
    for clustered in (False, True):
        if clustered:
            covariance = subject.clustered(subject.unfiltered, residuals)[place, place]
        else:
            e = residuals[:, g]
            covariance = subject.unfiltered.bread[place, place] * float(e @ e) / subject.n
        out.append(
            anselin_kelejian(
                residuals[:, g],
                regressors,
                covariance,
                design.operators[chosen],
                n_effective=subject.n,
                time_effects=design.effects.has_time,
                clustered=clustered,
                equation=name,
            )
        )
    return out


def _lagrange(subject: Subject, g: int) -> list[HypothesisTest]:
    name, design, chosen = subject.names[g], subject.design, _weights_of(subject, g)
    if not chosen:
        return []
    if subject.endogenous(g).any():
        reason = "the equation has endogenous regressors; Anselin-Kelejian is the test after IV"
        return [HypothesisTest.failed("LM lag and error", LM_NULL, reason, equation=name)]
    unit = ("unit",) in design.effects.kept
    tests = lagrange_multipliers(
        design.columns[:, design.outcomes[g]],
        design.columns[:, list(design.regressors[g])],
        design.operators[chosen],
        transform=design.effects.project,
        periods_lost=int(unit),
        variance_divisor=subject.n,
        equation=name,
    )
    return list(tests)


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
    y, Z, Q = data[:, 0], data[:, level], subject.design.basis.Q
    if not level:
        return y
    return np.asarray(y - Z @ np.linalg.lstsq(Q.T @ Z, Q.T @ y, rcond=None)[0])


# ---- restrictions
def restriction_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return Wald tests on the spatial terms: no lag, Durbin against lag, Durbin against error."""
    structure = subject.design.structure
    terms, name = structure.equations[g].terms, subject.names[g]
    place = structure.slices[g]
    delta = subject.estimate.delta[place]
    covariance = subject.estimate.cov[place, place]
    lags = [j for j, t in enumerate(terms) if t.weights and structure.is_outcome(t) and not t.shift]
    durbin = [j for j, t in enumerate(terms) if t.weights and not structure.is_outcome(t)]
    out = []
    if lags:
        out.append(
            wald(
                "Wald: spatial lags of outcomes",
                "outcomes of neighbours have no effect (lambda = 0)",
                delta[lags],
                covariance[np.ix_(lags, lags)],
                equation=name,
            )
        )
    if durbin:
        out.append(
            wald(
                "Wald: Durbin against lag",
                "regressors of neighbours have no effect (d = 0)",
                delta[durbin],
                covariance[np.ix_(durbin, durbin)],
                equation=name,
            )
        )
        out.append(_common_factor(subject, g, delta, covariance, lags, durbin))
    return out


def _common_factor(
    subject: Subject, g: int, delta: Float, covariance: Float, lags: list[int], durbin: list[int]
) -> HypothesisTest:
    structure = subject.design.structure
    terms, name = structure.equations[g].terms, subject.names[g]
    test, null = "Wald: Durbin against error", "W x enters only through the errors (d + lambda c = 0)"
    others = [t for t in terms if structure.is_outcome(t) and t.variable != structure.outcomes[g]]
    own = [j for j in lags if terms[j].variable == structure.outcomes[g]]
    if others or len(own) != 1 or len(lags) != 1:
        reason = "a common factor is a restriction only where the own spatial lag is the one feedback"
        return HypothesisTest.failed(test, null, reason, equation=name)
    pairs = [
        (_level(terms, terms[j].variable), j) for j in durbin if terms[j].weights == terms[own[0]].weights
    ]
    found = [(c, d) for c, d in pairs if c is not None]
    c, d = [int(p[0]) for p in found], [p[1] for p in found]
    order = [own[0], *c, *d]
    return common_factor(
        float(delta[own[0]]), delta[c], delta[d], covariance[np.ix_(order, order)], equation=name
    )


def _level(terms: tuple[Term, ...], variable: str) -> int | None:
    for j, t in enumerate(terms):
        if t.variable == variable and t.weights is None and not t.shift:
            return j
    return None


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
    e = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
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
    return _pooled_wald(
        y, Z, H, slice(k, k + q), subject, HypothesisTest.failed(test, null, "", equation=name)
    )


def _pooled_wald(
    y: Float, Z: Float, H: Float, tested: slice, subject: Subject, blank: HypothesisTest
) -> HypothesisTest:
    size = np.linalg.norm(Z, axis=0)
    if (size[tested] <= 1e-9 * size.max()).all():
        reason = "the regressors do not differ between units"
        return HypothesisTest.failed(blank.name, blank.null, reason, equation=blank.equation)
    # A basis from the cross-products: a test does not need the digits that QR would keep.
    H = H / np.where((norm := np.linalg.norm(H, axis=0)) > 0, norm, 1.0)
    values, vectors = np.linalg.eigh(H.T @ H)
    whiten = vectors[:, values > 1e-11 * values[-1]] / np.sqrt(values[values > 1e-11 * values[-1]])
    R = whiten.T @ (H.T @ Z)
    bread = np.linalg.pinv(R.T @ R, hermitian=True)
    slopes = bread @ (R.T @ (whiten.T @ (H.T @ y)))
    error = y - Z @ slopes
    sums = cluster_sums((H @ (whiten @ R)) * error[:, None], subject.codes) @ bread
    count = len(sums)
    covariance = sums.T @ sums * count / (count - 1)
    return wald(
        blank.name,
        blank.null,
        slopes[tested],
        covariance[tested, tested],
        equation=blank.equation,
        detail="pooled 2SLS, clustered",
    )
