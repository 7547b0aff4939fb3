"""Diagnostics of instruments and of the system: overidentification, endogeneity, Hausman, Sigma."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.models.estimation.estimate import Estimate
from spatial.models.hypothesis import HypothesisTest, cluster_sums
from spatial.models.identification.anderson_rubin import anderson_rubin_test
from spatial.models.identification.verdict import identify

from .endogeneity import (
    durbin_wu_hausman,
    hausman,
    hausman_directions,
    hausman_floor,
    hausman_robust,
)
from .subject import Subject
from .systems import (
    VALID,
    diagonal_sigma,
    difference_in_j,
    joint_j,
    least_distance,
    reduced_j,
    robust_j,
    sargan,
    system_j,
    uncentred_j,
)

__all__ = ["equation_statistics", "equation_tests", "system_tests"]

HAUSMAN = ("Hausman: 2SLS against 3SLS", "Hausman (clustered): 2SLS against 3SLS")
SAME = "2SLS and 3SLS estimate the same coefficients"

Float = NDArray[np.float64]


def equation_tests(subject: Subject, g: int) -> list[HypothesisTest]:
    """Return the tests of one equation: J, subsets of instruments, endogeneity, Anderson-Rubin."""
    name = subject.names[g]
    subject, g = subject.alone(g), 0 if subject.design.structure.has_own_instruments else g
    data = subject.data(g)
    y, Z = data[:, 0], data[:, 1:]
    Q, codes = subject.design.basis.Q, subject.codes
    robust = _clustered_j(subject, (g,))
    tests = subject.ordered([_homoskedastic_j(subject, (g,)), robust])
    tests += _subset_tests(subject, g, robust)
    moving = subject.endogenous(g)
    first = Z[:, moving] - Q @ (Q.T @ Z[:, moving])
    tests.append(durbin_wu_hausman(y, Z, first, subject.n, codes, equation=name))
    tests.append(anderson_rubin_test(subject.design, g))
    return tests


def equation_statistics(estimate: Estimate) -> pd.DataFrame:
    """Return the clustered J with its p-value, and the smallest statistic that judges its instruments.

    Returns
    -------
    DataFrame
        By equation: `j`, `j_p_value`, `first_stage_f`, and `first_stage_critical`, below which instruments
        are weak; NaN where there is no endogenous regressor.
    """
    subject = Subject(estimate)
    if not estimate.uses_instruments:
        empty = {"j": np.nan, "j_p_value": np.nan, "first_stage_f": np.nan, "first_stage_critical": np.nan}
        return pd.DataFrame(empty, index=pd.Index(subject.names, name="equation"), dtype=float)
    first, rows = identify(estimate.design).instruments, []
    for g, name in enumerate(subject.names):
        row = {"j": np.nan, "j_p_value": np.nan, "first_stage_f": np.nan, "first_stage_critical": np.nan}
        if subject.endogenous(g).any():
            alone = subject.design.structure.has_own_instruments
            test = _clustered_j(subject.alone(g), (0 if alone else g,))
            mine = first[first["equation"] == name]
            row["first_stage_f"] = float(mine["strength"].min())
            # One value for all regressors of an equation.
            row["first_stage_critical"] = float(mine["critical_value"].max())
            if test.computed:
                row |= {"j": uncentred_j(test), "j_p_value": test.p_value}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index(subject.names, name="equation"), dtype=float)


def _clustered_j(subject: Subject, equations: tuple[int, ...]) -> HypothesisTest:
    """Return the clustered J of one equation, or of all."""
    moments, slopes = subject.linear_moments(equations)
    return robust_j(
        [subject.bases[g] for g in equations],
        moments,
        slopes,
        subject.residuals[:, list(equations)],
        subject.codes,
        equation=_name(subject, equations),
        where="at the joint estimate" if subject.joint is not None else "two-step GMM",
    )


def _homoskedastic_j(subject: Subject, equations: tuple[int, ...]) -> HypothesisTest:
    """Return Sargan's J of one equation, or the J of the system, for homoskedastic errors."""
    Q, name = subject.design.basis.Q, _name(subject, equations)
    if subject.joint is not None:
        moments, slopes = subject.linear_moments(equations)
        sigma = subject.joint.numbers.sigma[np.ix_(equations, equations)]
        return joint_j(moments, slopes, sigma, equation=name)
    if name:
        (g,) = equations
        count = len(subject.endogenous(g))
        return sargan(Q, subject.two_stage_residuals[:, g], subject.n, count, equation=name)
    return system_j(
        subject.bases, subject.three_stage_residuals, subject.sigma, subject.design.structure.n_parameters
    )


def _name(subject: Subject, equations: tuple[int, ...]) -> str:
    return subject.names[equations[0]] if len(equations) == 1 else ""


def _subset_tests(subject: Subject, g: int, full: HypothesisTest) -> list[HypothesisTest]:
    """Return difference-in-J tests of declared instruments and of the highest power of W."""
    design = subject.design
    kept = list(design.kept_instruments)
    subsets = {name: [name] for name in design.external if name in kept}
    orders = {name: _lag_order(name, subject) for name in kept}
    highest = max(orders.values(), default=0)
    top = [name for name, order in orders.items() if order == highest]
    if highest > 1:
        subsets[f"lags of order {highest} ({', '.join(top[:3])}{', ...' if len(top) > 3 else ''})"] = top
    if not full.computed or not subsets:
        return []
    Q = design.basis.Q
    sums = cluster_sums(Q * subject.residuals[:, [g]], subject.codes)
    S = sums.T @ sums
    moments, slopes = subject.linear_moments((g,))
    k = slopes.shape[1]
    out = []
    for label, members in subsets.items():
        columns = [j for j, name in enumerate(kept) if name not in members]
        A = np.linalg.qr(subject.instrument_coordinates[:, columns])[0]
        reduced = HypothesisTest.failed("Hansen J", "", "too few instruments without them")
        if A.shape[1] >= k and _has_rank(A.T @ slopes):
            value = least_distance(A.T @ S @ A, A.T @ moments, A.T @ slopes)
            reduced = reduced_j(value, A.shape[1] - k, int(subject.codes.max()) + 1)
        out.append(difference_in_j(full, reduced, label, equation=subject.names[g]))
    return out


def _lag_order(name: str, subject: Subject) -> int:
    """Return how often an instrument was lagged: 2 for ``W(W(log(x)))``."""
    for weights in subject.design.operators:
        if name.startswith(f"{weights}("):
            return 1 + _lag_order(name[len(weights) + 1 : -1], subject)
    return 0


def _has_rank(R: Float) -> bool:
    size = np.linalg.norm(R, axis=0)
    if (size == 0).any():
        return False
    values = np.linalg.svd(R / size, compute_uv=False)
    return bool(values[-1] > 1e-10)


def system_tests(subject: Subject) -> list[HypothesisTest]:
    """Return the tests of the whole system: J, Hausman, diagonal Sigma."""
    if len(subject.names) < 2:
        return []
    if subject.is_singular:
        reason = "the residuals of the equations depend on each other linearly: Sigma has no inverse"
        names = ("Hansen-Sargan J", "Hansen J (clustered)", *HAUSMAN)
        nulls = (VALID, VALID, SAME, SAME)
        failed = [HypothesisTest.failed(n, h, reason) for n, h in zip(names, nulls, strict=True)]
        return [*failed, *_diagonal_sigma(subject)]
    every = tuple(range(len(subject.names)))
    both = [_homoskedastic_j(subject, every), _clustered_j(subject, every)]
    return [*subject.ordered(both), *_hausman(subject), *_diagonal_sigma(subject)]


def _diagonal_sigma(subject: Subject) -> list[HypothesisTest]:
    """Return Breusch and Pagan's test, homoskedastic and clustered by unit."""
    e, fit, structure = subject.two_stage_residuals, subject.two_stage, subject.design.structure
    g, k = e.shape[1], structure.n_parameters
    cross = [subject.data(h)[:, 1:].T @ e for h in range(g)]
    slopes, V = np.zeros((g * (g - 1) // 2, k)), np.zeros((k, k))
    for h, place in enumerate(structure.slices):
        V[place, place] = fit.bread[place, place] * subject.sigma[h, h]
    for row, (a, b) in enumerate(zip(*np.triu_indices(g, 1), strict=True)):
        slopes[row, structure.slices[a]] = cross[a][:, b]
        slopes[row, structure.slices[b]] = cross[b][:, a]
    influence = subject.influence(fit, e)
    return subject.ordered(
        [
            diagonal_sigma(e, subject.n, slopes, V),
            diagonal_sigma(e, subject.n, slopes, influence=influence, codes=subject.codes),
        ]
    )


def _hausman(subject: Subject) -> list[HypothesisTest]:
    found = identify(subject.design)
    if found.weak or not found.identified:
        # Both are then far from their limits, and the test tells how far, not which is wrong.
        how = "weak" if found.identified else "missing"
        reason = f"identification is {how}, so 2SLS and 3SLS differ whatever is true"
        return [HypothesisTest.failed(name, SAME, reason) for name in HAUSMAN]
    two, three = subject.two_stage, subject.three_stage
    bare = [subject.homoskedastic(fit) for fit in subject.purged]
    floor = hausman_floor(subject.sigma, subject.design.basis.rank, subject.n)
    classic = hausman(three.delta, two.delta, bare[1], bare[0], floor)
    directions = np.empty((len(two.delta), 0))
    if classic.computed:
        directions = hausman_directions(bare[1], bare[0], floor)[0]
    robust = hausman_robust(
        three.delta,
        two.delta,
        subject.influence(three, subject.three_stage_residuals),
        subject.influence(two, subject.two_stage_residuals),
        directions,
    )
    return [classic, robust]
