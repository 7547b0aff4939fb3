"""Hausman's test of random against fixed effects: its variance, from the whole sample at once."""

from __future__ import annotations

import numpy as np
import pytest
from likelihood_cases import fitted, ring, simulated

from spatial.models import hausman
from spatial.models.likelihood.contrast import _difference, hausman_test


def _whole(fit: object, W: np.ndarray, times: int, form: str, time: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the information of all rows and of deviations, by derivatives of mean and covariance."""
    estimate = fit.estimate  # type: ignore[attr-defined]
    found, model, n = estimate.found, estimate.profile.model, len(W)
    eye, k = np.eye(n), len(found.slopes)
    columns = model.raw[:, 1 + (model.lag is not None) :]
    J, T = np.ones((times, times)) / times, np.eye(times)
    tau = found.variance * (1 / found.place[2] - 1)
    start = np.array([*found.slopes, found.place[0], found.place[1], found.variance, tau])
    if time:  # rows less their means over units of the time: an orthonormal basis of the rest
        basis = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
        E = np.kron(T, basis.T)
    else:
        E = np.eye(n * times)

    def moments(theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        S, R = np.linalg.inv(eye - theta[k] * W), np.linalg.inv(eye - theta[k + 1] * W)
        own = R @ R.T
        effects = own if form == "kkp" else eye
        V = theta[k + 2] * np.kron(T, own) + theta[k + 3] * np.kron(J, effects)
        full = np.kron(T, S)
        return rows @ full @ columns @ theta[:k], rows @ full @ V @ full.T @ rows.T

    def information(rows: np.ndarray) -> np.ndarray:
        mean, cov = [], []
        for j in range(len(start)):
            h = 1e-5 * np.eye(len(start))[j]
            up, down = moments(start + h, rows), moments(start - h, rows)
            mean.append((up[0] - down[0]) / 2e-5)
            cov.append((up[1] - down[1]) / 2e-5)
        inverse = np.linalg.inv(moments(start, rows)[1])
        half = [inverse @ c for c in cov]
        return np.array(
            [
                [a @ inverse @ b + 0.5 * np.sum(A * B.T) for b, B in zip(mean, half, strict=True)]
                for a, A in zip(mean, half, strict=True)
            ]
        )

    deviations = np.linalg.qr(np.column_stack([np.ones(times), np.eye(times)[:, 1:]]))[0][:, 1:]
    inside = np.kron(deviations.T, eye if not time else basis.T)
    return information(E), information(inside)


@pytest.mark.parametrize(("form", "time"), [("kkp", False), ("kkp", True), ("bsk", False)])
def test_the_variance_of_the_difference_is_that_of_the_whole_normal_sample(form: str, time: bool) -> None:
    n, times, W = 12, 3, ring(12)
    panel = simulated(W, times, 4, lam=0.3, rho=0.3, effects=False)
    effects = ("random", "time") if time else ("random",)
    data = panel.frame.copy()
    data["y"] += np.random.default_rng(0).normal(size=n)[data.index.get_level_values(0)]
    fit = fitted("y ~ x + z + W(y)", data, W, error="W", effects=effects, random=form)
    found = fit.estimate.found
    assert found.place[2] < 0.99
    assert abs(found.place[1]) > 0.01
    every, inside = _whole(fit, W, times, form, time)
    # The constant and tau are not in the deviations; the constant is not there with time effects.
    free = [j for j in range(len(inside)) if inside[j, j] > 1e-8 * every[j, j]]
    fixed = np.linalg.inv(inside[np.ix_(free, free)])
    random = np.linalg.inv(every)[np.ix_(free, free)]
    assert _difference(fit.estimate.profile, found) == pytest.approx((fixed - random)[:3, :3], rel=1e-5)


def test_hausman_of_two_likelihood_fits_is_this_test() -> None:
    W = ring(20)
    panel = simulated(W, 4, 1, lam=0.4, effects=False)
    random = fitted("y ~ x + z + W(y)", panel, W, effects=("random",))
    fixed = fitted("y ~ x + z + W(y)", panel, W, effects=("unit",))
    found = hausman(fixed, random)
    same = hausman_test(fixed.estimate, random.estimate)
    assert (found.name, found.statistic, found.df, found.p_value) == (
        same.name, same.statistic, same.df, same.p_value,
    )  # fmt: skip
    assert found.df == 3
    assert "independent over time" in found.detail
