"""Impacts of a two-equation system with 1,000 draws, traces included; nobody else has them for systems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from harness import Case, main
from scipy.spatial import cKDTree

from spatial.models.formula.structure import Equation, Structure, Term
from spatial.models.impacts import traces
from spatial.models.impacts.result import system_impacts

THETA = np.array([0.4, 0.3, 0.1, 1.0, 0.5, 0.3, 0.1, 0.3, -0.5, 0.2])


def system() -> Structure:
    equations = []
    for own, other in (("y", "z"), ("z", "y")):
        terms = (
            Term(other, other, role="endogenous"),
            Term("W(y)", "y", "lag", "W", role="endogenous"),
            Term("W(z)", "z", "lag", "W", role="endogenous"),
            Term("a", "a"),
            Term("b", "b"),
        )
        equations.append(Equation(own, own, terms))
    return Structure(tuple(equations), ("W",))


def links(n: int) -> sparse.csr_array:
    """Return row-standardised weights of the 6 nearest of n random points, in no spatial order."""
    points = np.random.default_rng(1).random((n, 2))
    _, found = cKDTree(points).query(points, 7, workers=-1)
    heads = np.repeat(np.arange(n), 6)
    return sparse.csr_array((np.full(6 * n, 1 / 6), (heads, found[:, 1:].ravel())), shape=(n, n))


def ours(n: int, *, known: bool = False) -> Callable[[], object]:
    W, structure, ids = links(n), system(), pd.RangeIndex(n)
    covariance = np.eye(len(THETA)) * 1e-4

    def work() -> object:
        if not known:
            traces._CACHE.clear()  # each run computes the traces again
        return system_impacts(structure, THETA, covariance, {"W": W}, ids=ids, draws=1000)

    if known:
        work()
    return work


def dense(n: int, draws: int) -> Callable[[], object]:
    """Invert the 2N x 2N system anew in each draw, as by hand."""
    W, structure = links(n).toarray(), system()
    normal = np.random.default_rng(0).normal(size=(draws, len(THETA))) * 0.01

    def work() -> object:
        out = []
        for step in normal:
            m = structure.system_matrices(THETA + step)
            inverse = np.linalg.inv(np.kron(np.eye(2) - m.B, np.eye(n)) - np.kron(m.Lambda["W"], W))
            out.append([np.trace(inverse[:n, :n]), inverse[:n, :n].sum()])
        return np.array(out)

    return work


if __name__ == "__main__":
    title = "impacts of 2 equations, 1,000 draws, N = {:,}"
    cases = [Case(title.format(1_000), "dense inverses, 10 draws only", lambda: dense(1_000, 10), 1)]
    cases += [Case(title.format(n), "spatial", lambda n=n: ours(n)) for n in (1_000, 10_000, 100_000)]
    cases.append(Case(title.format(100_000), "spatial, traces known", lambda: ours(100_000, known=True)))
    main(cases)
