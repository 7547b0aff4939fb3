"""Wild bootstrap for few clusters: equal to making the data and estimating again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from covariance_cases import N, T

from spatial.errors import DataError
from spatial.models import (
    SpatialSystem,
    WildBootstrap,
)
from spatial.models.instrumental.wild import wild_draws
from spatial.panel.panel import Panel


# ---- wild bootstrap
def brute_force_wild(panel: Panel, j: int, v: Any) -> float:
    """WCR bootstrap of a least-squares coefficient, by refitting."""
    frame = panel.frame
    group = frame["group"].to_numpy()
    y, X = frame["y"].to_numpy(), np.column_stack([np.ones(len(frame)), frame[["x", "z"]]])
    count = group.max() + 1

    def t_statistic(values: Any, null: float) -> float:
        beta, inverse = np.linalg.lstsq(X, values, rcond=None)[0], np.linalg.inv(X.T @ X)
        e = values - X @ beta
        sums = np.array([X[group == c].T @ e[group == c] for c in range(count)])
        V = inverse @ sums.T @ sums @ inverse * count / (count - 1)
        return float((beta[j] - null) / np.sqrt(V[j, j]))

    others = [k for k in range(3) if k != j]
    restricted = X[:, others] @ np.linalg.lstsq(X[:, others], y, rcond=None)[0]
    e = y - restricted
    observed = abs(t_statistic(y, 0.0))
    draws = [abs(t_statistic(restricted + e * row[group], 0.0)) >= observed * (1 - 1e-12) for row in v]
    return float(np.mean(draws))


@pytest.mark.evidence("models.WildBootstrap", source="each draw fitted anew", kind="identity")
def test_wild_bootstrap_equals_refitting(panel: Panel) -> None:
    cov = WildBootstrap("group", replications=199, seed=4)
    fit = SpatialSystem("y ~ x + z", panel).fit("2sls", cov=cov)
    v = wild_draws(199, 10, 4)
    found = fit.tidy()
    for j in range(3):
        assert found["p_value"][j] == pytest.approx(brute_force_wild(panel, j, v), abs=1e-12)
    # 0 is outside the interval where the test rejects it.
    outside = (found["conf_low"] > 0) | (found["conf_high"] < 0)
    np.testing.assert_array_equal(outside, found["p_value"] < 0.05)
    wider = fit.tidy(level=0.99)
    assert (wider["conf_low"] <= found["conf_low"]).all()
    assert (wider["conf_high"] >= found["conf_high"]).all()
    again = SpatialSystem("y ~ x + z", panel).fit("2sls", cov=cov).tidy()
    pd.testing.assert_frame_equal(found, again)


def brute_force_wre(panel: Panel, j: int, null: float, v: Any) -> float:
    """Davidson and MacKinnon (2010) for y on [1, x, p], p instrumented by z and z squared, by making data."""
    frame = panel.frame
    group, y = frame["group"].to_numpy(), frame["y"].to_numpy()
    x, p, z = (frame[k].to_numpy() for k in ("x", "p", "z"))
    one = np.ones(len(y))
    H = np.column_stack([one, x, z, z**2])
    count = group.max() + 1

    def estimate(values: Any, endogenous: Any) -> tuple[Any, Any]:
        Z = np.column_stack([one, x, endogenous])
        hat = H @ np.linalg.lstsq(H, Z, rcond=None)[0]
        inverse = np.linalg.inv(hat.T @ hat)
        beta = inverse @ hat.T @ values
        e = values - Z @ beta
        sums = np.array([hat[group == c].T @ e[group == c] for c in range(count)])
        return beta, inverse @ sums.T @ sums @ inverse * count / (count - 1)

    beta, V = estimate(y, p)
    observed = abs((beta[j] - null) / np.sqrt(V[j, j]))
    # 2SLS of the restricted model, with all instruments.
    Z = np.column_stack([one, x, p])
    others = [k for k in range(3) if k != j]
    hat = H @ np.linalg.lstsq(H, Z, rcond=None)[0]
    restricted = np.zeros(3)
    restricted[j] = null
    restricted[others] = np.linalg.solve(
        hat[:, others].T @ hat[:, others], hat[:, others].T @ (y - null * hat[:, j])
    )
    e = y - Z @ restricted
    pi = np.linalg.lstsq(np.column_stack([H, e]), p, rcond=None)[0][:4]
    u = p - H @ pi
    draws = []
    for row in v:
        made = H @ pi + u * row[group]
        b, variance = estimate(np.column_stack([one, x, made]) @ restricted + e * row[group], made)
        draws.append(abs((b[j] - null) / np.sqrt(variance[j, j])) >= observed * (1 - 1e-12))
    return float(np.mean(draws))


@pytest.mark.parametrize("null", [0.0, 0.4])
def test_wild_bootstrap_with_instruments_equals_making_data(panel: Panel, null: float) -> None:
    from spatial.models.estimation.clusters import cluster_codes
    from spatial.models.instrumental.wild import cluster_products, wild_p_value

    system = SpatialSystem("y ~ x + p | p ~ z + I(z ** 2)", panel)
    fit = system.fit("2sls", cov="hom")
    products = cluster_products(
        fit.estimate.space,
        fit.estimate.numbers,
        cluster_codes("group", system.design.layout, fit.estimate.lookup),
    )
    v = wild_draws(99, 10, 7)
    for j in range(3):
        assert wild_p_value(products, j, null, v) == pytest.approx(
            brute_force_wre(panel, j, null, v), abs=1e-12
        )


def test_wild_bootstrap_of_3sls_equals_making_data(panel: Panel) -> None:
    """Two equations, y on [1, p, x] and p on [1, y, z]; Sigma held; data made anew and estimated anew."""
    from spatial.models.estimation.clusters import cluster_codes
    from spatial.models.instrumental.wild import cluster_products, wild_p_value

    system = SpatialSystem(["y ~ p + x", "p ~ y + z"], panel, instruments="I(x ** 2) + I(z ** 2)")
    fit = system.fit("3sls", cov="hom")
    codes = cluster_codes("group", system.design.layout, fit.estimate.lookup)
    products = cluster_products(fit.estimate.space, fit.estimate.numbers, codes)
    v = wild_draws(49, 10, 3)
    columns = panel.cube(["y", "p", "x", "z"]).reshape(N * T, 4).T
    y, p, x, z = columns
    one = np.ones(N * T)
    H = np.column_stack([one, x, z, x**2, z**2])
    weights = np.linalg.inv(fit.sigma.to_numpy())
    big = np.kron(weights, np.eye(N * T))

    def estimate(left: list[Any], right: list[Any]) -> tuple[Any, Any]:
        hat = [H @ np.linalg.lstsq(H, Z, rcond=None)[0] for Z in right]
        zero = np.zeros((N * T, 3))
        stacked = np.block([[hat[0], zero], [zero, hat[1]]])
        full = np.block([[right[0], zero], [zero, right[1]]])
        inverse = np.linalg.inv(stacked.T @ big @ stacked)
        target = np.concatenate(left)
        delta = inverse @ stacked.T @ big @ target
        rows = (stacked.T @ big).T * (target - full @ delta)[:, None]
        # Score of a cell: all products with its residuals, in either equation.
        score = rows[: N * T] + rows[N * T :]
        sums = np.array([score[codes == c].sum(axis=0) for c in range(10)])
        return delta, inverse @ sums.T @ sums @ inverse * 10 / 9

    right = [np.column_stack([one, p, x]), np.column_stack([one, y, z])]
    delta, V = estimate([y, p], right)
    np.testing.assert_allclose(delta, fit.params, rtol=1e-9)
    bread = fit.estimate.numbers.fit.bread
    for j in (1, 5):
        restricted = delta - bread[:, j] / bread[j, j] * delta[j]
        e = [y - right[0] @ restricted[:3], p - right[1] @ restricted[3:]]
        pi = [np.linalg.lstsq(np.column_stack([H, *e]), w, rcond=None)[0][:5] for w in (p, y)]
        u = [w - H @ c for w, c in zip((p, y), pi, strict=True)]
        count = 0
        for row in v:
            made = [H @ c + r * row[codes] for c, r in zip(pi, u, strict=True)]
            Z = [np.column_stack([one, made[0], x]), np.column_stack([one, made[1], z])]
            left = [Z[g] @ restricted[3 * g : 3 * g + 3] + e[g] * row[codes] for g in (0, 1)]
            found, variance = estimate(left, Z)
            observed = abs(delta[j]) / np.sqrt(V[j, j])
            count += abs(found[j]) / np.sqrt(variance[j, j]) >= observed * (1 - 1e-12)
        assert wild_p_value(products, j, 0.0, v) == pytest.approx(count / len(v), abs=1e-12)


def test_wild_bootstrap_is_for_few_clusters(system: SpatialSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial.models.instrumental.wild._MOST", 20)
    fit = system.fit("3sls", cov=WildBootstrap())
    with pytest.raises(DataError, match="at most 20; there are 40"):
        fit.tidy()


def test_wild_bootstrap_of_gmm(panel: Panel) -> None:
    fit = SpatialSystem("y ~ x + p | unit | p ~ z + I(z ** 2)", panel).fit("gmm", cov=WildBootstrap())
    with pytest.raises(DataError, match="for 'gmm' use Cluster"):
        fit.tidy()


def test_wild_draws() -> None:
    few, many = wild_draws(4000, 8, 0), wild_draws(4000, 20, 0)
    assert len(np.unique(few)) == 6
    assert set(np.unique(many)) == {-1.0, 1.0}
    for v in (few, many):
        assert abs(v.mean()) < 0.02
        assert (v**2).mean() == pytest.approx(1, abs=0.02)


def test_wild_bootstrap_of_a_system(system: SpatialSystem) -> None:
    table = system.fit("gs3sls", cov=WildBootstrap(replications=99)).tidy()
    assert table["p_value"].between(0, 1).all()
    inner = table[table["term"] != "rho"]
    assert (inner["conf_low"] < inner["estimate"]).all()
    assert (inner["estimate"] < inner["conf_high"]).all()
