"""Small cases that several test files share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from spatial.models.formula.structure import Equation, Structure, Term
from spatial.models.impacts.result import Impacts, system_impacts


def knn_weights(n: int, k: int, seed: int = 0) -> sparse.csr_array:
    from scipy.spatial import cKDTree

    points = np.random.default_rng(seed).uniform(size=(n, 2))
    near = cKDTree(points).query(points, k + 1)[1][:, 1:]
    return sparse.csr_array((np.full(n * k, 1 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))


def structure(g: int, weights: tuple[str, ...], durbin: bool = True, dynamic: bool = False) -> Structure:
    """G equations with everything in them: other outcomes, all lags, two regressors and their lags."""
    names = [f"y{k}" for k in range(g)]
    equations = []
    for own in names:
        terms = [Term("Intercept", "Intercept", role="constant")]
        terms += [Term(y, y, role="endogenous") for y in names if y != own]
        terms += [Term(f"{w}({y})", y, "lag", w, role="endogenous") for w in weights for y in names]
        terms += [Term(x, x) for x in ("a", "b")]
        if durbin:
            terms += [Term(f"{w}({x})", x, "lag", w) for w in weights for x in ("a", "b")]
        if dynamic:
            terms += [Term(f"lag({own}, 1)", own, shift=1, role="predetermined")]
        equations.append(Equation(own, own, tuple(terms)))
    return Structure(tuple(equations), weights)


def draw(s: Structure, seed: int, strength: float = 0.15) -> np.ndarray:
    rng = np.random.default_rng(seed)
    feeds = np.array([t.variable.startswith("y") for _, t in s.terms])
    return np.where(feeds, rng.normal(size=len(feeds)) * strength, rng.normal(size=len(feeds)))


def dense_effects(s: Structure, theta: np.ndarray, graphs: dict[str, sparse.csr_array]) -> np.ndarray:
    """E as (G, K, N, N), by the dense inverse."""
    m = s.system_matrices(theta)
    g, n = s.n_equations, next(iter(graphs.values())).shape[0]
    S = np.kron(np.eye(g) - m.B, np.eye(n))
    for w, W in graphs.items():
        S -= np.kron(m.Lambda[w], W.toarray())
    inverse = np.linalg.inv(S).reshape(g, n, g, n)
    columns = [s.regressors.index(x) for x in ("a", "b")]
    out = np.zeros((g, 2, n, n))
    for j, k in enumerate(columns):
        for h in range(g):
            inner = m.C[h, k] * np.eye(n) + sum(m.D[w][h, k] * graphs[w].toarray() for w in graphs)
            out[:, j] += inverse[:, :, h] @ inner
    return out


def values(found: Impacts, effect: str) -> np.ndarray:
    rows = found.frame[found.frame["effect"] == effect]
    return rows["estimate"].to_numpy().reshape(found._map.structure.n_equations, -1)


def run(s: Structure, theta: np.ndarray, graphs: dict[str, sparse.csr_array], **options: object) -> Impacts:
    n = next(iter(graphs.values())).shape[0]
    ids = pd.Index([f"u{i:02d}" for i in range(n)])
    covariance = options.pop("covariance", np.eye(len(theta)) * 1e-4)
    return system_impacts(s, theta, covariance, graphs, ids=ids, **options)


def single(durbin: bool = False) -> Structure:
    terms = (Term("W(y)", "y", "lag", "W", role="endogenous"), Term("a", "a"), Term("b", "b"))
    if durbin:
        terms = (*terms, Term("W(a)", "a", "lag", "W"), Term("W(b)", "b", "lag", "W"))
    return Structure((Equation("y", "y", terms),), ("W",))
