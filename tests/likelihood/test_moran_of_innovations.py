"""Moran's I of innovations beside the score test of the normal density, written out and differentiated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from likelihood_cases import ring, simulated
from scipy import linalg

from spatial.models import SpatialSystem, SystemFit
from spatial.weights import Weights

Float = np.ndarray
Density = Callable[[Float], tuple[Float, Float]]

N, TIMES = 14, 4
W = ring(N, seed=2)
EYE, BIG = np.eye(N), np.kron(np.eye(TIMES), W)


def information(density: Density, theta: Float) -> Float:
    """Return the expected information of a normal density, from its mean and its covariance."""
    _, V = density(theta)
    means, slopes, step = [], [], 1e-5
    for k in range(len(theta)):
        move = step * np.eye(len(theta))[k]
        (up, V_up), (down, V_down) = density(theta + move), density(theta - move)
        means.append(np.linalg.solve(V, (up - down) / (2 * step)))
        slopes.append(np.linalg.solve(V, (V_up - V_down) / (2 * step)))
    return np.array(
        [
            [a @ V @ b + np.sum(A * B.T) / 2 for b, B in zip(means, slopes, strict=True)]
            for a, A in zip(means, slopes, strict=True)
        ]
    )


def score(density: Density, theta: Float, y: Float) -> float:
    """Return the derivative of the log-density by the last parameter."""

    def value(by: float) -> float:
        mean, V = density(theta + by * np.eye(len(theta))[-1])
        return -float(np.linalg.slogdet(V)[1] + (y - mean) @ np.linalg.solve(V, y - mean)) / 2

    return (value(1e-5) - value(-1e-5)) / 2e-5


def z_of(density: Density, theta: Float, y: Float) -> float:
    """Return the score test of rho = 0, the last parameter."""
    whole = information(density, theta)
    left = whole[-1, -1] - whole[-1, :-1] @ np.linalg.solve(whole[:-1, :-1], whole[:-1, -1])
    return score(density, theta, y) / float(np.sqrt(left))


def columns_of(fit: SystemFit) -> tuple[Float, Float, list[int], int]:
    """Return y, the other regressors, their places among the terms, and that of W(y)."""
    design = fit.estimate.design
    names = [t.name for t in design.structure.equations[0].terms]
    own = [j for j, name in enumerate(names) if name != "W(y)"]
    places = design.equation_columns(0)
    Z = design.raw[:, [places[1 + j] for j in own]]
    return design.raw[:, places[0]], Z, own, names.index("W(y)")


@pytest.mark.parametrize("effects", [(), ("unit",), ("unit", "time")])
def test_of_the_matrix_exponential(effects: tuple[str, ...]) -> None:
    panel = simulated(W, TIMES, 3, lam=0.3)
    fit = SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(W), effects=effects).fit("mess")
    y, Z, own, lag = columns_of(fit)

    def complement(n: int, out: bool) -> Float:
        whole = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, : n - 1]]))[0]
        return whole[:, 1:] if out else np.eye(n)

    F = np.kron(complement(TIMES, "unit" in effects), complement(N, "time" in effects))

    def density(theta: Float) -> tuple[Float, Float]:
        *slopes, alpha, s2, rho = theta
        # Filters map what F keeps into itself: rows have one sum.
        S = F.T @ linalg.expm(-alpha * BIG) @ F
        R = F.T @ (np.eye(N * TIMES) - rho * BIG) @ F
        back = np.linalg.inv(R @ S)
        return np.linalg.solve(S, F.T @ Z @ np.array(slopes)), s2 * back @ back.T

    params = fit.params.to_numpy()
    theta = np.array([*params[own], params[lag], fit.sigma.iloc[0, 0], 0.0])
    assert fit.moran(permutations=0).frame["z"].iloc[0] == pytest.approx(
        z_of(density, theta, F.T @ y), rel=1e-4
    )


@pytest.mark.parametrize("effects", [("random",), ("random", "time")])
def test_of_random_effects(effects: tuple[str, ...]) -> None:
    panel = simulated(W, TIMES, 5, lam=0.3)
    fit = SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(W), effects=effects).fit("ml")
    y, Z, own, lag = columns_of(fit)
    whole = np.linalg.qr(np.column_stack([np.ones(N), np.eye(N)[:, : N - 1]]))[0][:, 1:]
    F = np.kron(np.eye(TIMES), whole if "time" in effects else EYE)
    psi = fit.estimate.found.place[2]
    means = np.full((TIMES, TIMES), 1 / TIMES)

    def density(theta: Float) -> tuple[Float, Float]:
        *slopes, lam, s2, share, rho = theta
        S = F.T @ (np.eye(N * TIMES) - lam * BIG) @ F
        R = F.T @ (np.eye(N * TIMES) - rho * BIG) @ F
        units = F.T @ np.kron(np.eye(TIMES) + (1 / share - 1) * means, EYE) @ F
        back = np.linalg.inv(R @ S)
        return np.linalg.solve(S, F.T @ Z @ np.array(slopes)), s2 * back @ units @ back.T

    params = fit.params.to_numpy()
    theta = np.array([*params[own], params[lag], fit.sigma.iloc[0, 0], psi, 0.0])
    assert fit.moran(permutations=0).frame["z"].iloc[0] == pytest.approx(
        z_of(density, theta, F.T @ y), rel=1e-4
    )
