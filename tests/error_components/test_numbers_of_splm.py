"""Error components beside splm: its variance components and its rho in our moments give its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from likelihood_cases import produc
from numpy.typing import NDArray
from scipy import optimize

from spatial.models import SpatialSystem
from spatial.models.estimation.steps import Workspace
from spatial.models.instrumental.error_components import _is_within, _moments, _weighted

pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

Float = NDArray[np.float64]
N, T = 48, 17

# splm 1.6-5, spgm(lgsp ~ lpcap + lpc + lemp + unemp, usaww, model = "random", lag = TRUE,
# spatial.error = FALSE, method = "ec2sls"): constant, lambda, slopes.
EC2SLS = [
    1.89419518653592,
    0.0425692914822433,
    0.0224426892645127,
    0.28871841064233,
    0.708352235280823,
    -0.00643462965578819,
]
# The same with lag = FALSE, spatial.error = TRUE, moments = "fullweights".
RHO, SIGMA_V, SIGMA_1 = 0.548040473594568, 0.00112277732613804, 0.0881060035783773
SLOPES = [2.2273357460, 0.0540212213, 0.2565921487, 0.7278230894, -0.0038107507]


def within_and_between(values: Float) -> tuple[Float, Float]:
    cube = values.reshape(T, N, -1)
    means = np.broadcast_to(cube.mean(axis=0), cube.shape)
    return (cube - means).reshape(values.shape), means.reshape(values.shape)


def two_stages(y: Float, Z: Float, H: Float) -> Float:
    fitted = H @ np.linalg.lstsq(H, Z, rcond=None)[0]
    return np.asarray(y - Z @ np.linalg.lstsq(fitted, y, rcond=None)[0])


def lag_system(**options: Any) -> SpatialSystem:
    panel, W = produc()
    formula = "lgsp ~ W(lgsp) + lpcap + lpc + lemp + unemp"
    return SpatialSystem(formula, panel, W, effects="random", iv_order=2, **options)


@pytest.mark.evidence("models.SpatialSystem:2sls", source="splm 1.6-5, spgm ec2sls, Produc", digits=9)
def test_with_the_components_of_the_within_and_between_estimators_it_is_ec2sls() -> None:
    """splm takes them from the residuals of W2SLS and B2SLS; ours, of a weighted fit, give lambda .0415."""
    fit = lag_system().fit("2sls")
    design = fit.estimate.design
    y = design.columns[:, design.outcomes[0]]
    Z = design.columns[:, list(design.regressors[0])]
    constant = int(np.argmin(np.ptp(Z, axis=0)))
    lagged = list(fit.params.index.get_level_values(1)).index("W(lgsp)")
    Zw, Zb = within_and_between(Z)
    yw, yb = (part.ravel() for part in within_and_between(y))
    keep = [j for j in range(Z.shape[1]) if j != constant]
    own = [j for j in keep if j != lagged]
    W = design.operators["W"]

    def instruments(X: Float) -> Float:
        once = np.column_stack([W(x) for x in X.T])
        return np.column_stack([X, once, np.column_stack([W(x) for x in once.T])])

    e = two_stages(yw, Zw[:, keep], instruments(Zw[:, own]))
    between = two_stages(yb, Zb, np.column_stack([np.ones(N * T), instruments(Zb[:, own])]))
    sigma_v, sigma_1 = e @ e / (N * (T - 1) - 5), between @ between / (N - 6)
    space = Workspace(design)
    found = _weighted(
        *_moments(space, np.zeros(1)),
        _is_within(design),
        np.array([[1 / sigma_v]]),
        np.array([[1 / sigma_1]]),
    )
    order = [constant, lagged, *own]
    assert found.delta[order] == pytest.approx(EC2SLS, rel=1e-8)
    assert abs(fit.params.iloc[lagged] - EC2SLS[1]) < 0.1 * fit.std_errors.iloc[lagged]


def test_the_rho_of_splm_is_that_of_six_weighted_moments_of_pooled_residuals() -> None:
    """Kapoor, Kelejian and Prucha (2007): splm weighs the moments of both parts; ours are those within."""
    panel, W = produc()
    formula = "lgsp ~ lpcap + lpc + lemp + unemp"
    pooled = SpatialSystem(formula, panel, W).fit("ols")
    design = pooled.estimate.design
    u = np.asarray(pooled.estimate.numbers.residuals[0])
    M = W.sparse.toarray()

    def lag(v: Float) -> Float:
        return np.asarray((v.reshape(T, N) @ M.T).ravel())

    lags = [u, lag(u), lag(lag(u))]
    trace = float((M**2).sum()) / N
    G, g = [], []
    for place, size in ((0, N * (T - 1)), (1, N)):
        parts = [within_and_between(v)[place].ravel() for v in lags]
        S = np.array([[a @ b for b in parts] for a in parts]) / size
        G.append(
            [[2 * S[0, 1], -S[1, 1], 1], [2 * S[1, 2], -S[2, 2], trace], [S[0, 2] + S[1, 1], -S[1, 2], 0]]
        )
        g.append([S[0, 0], S[1, 1], S[0, 1]])
    A, both = M.T @ M, M + M.T
    weight = np.array(
        [
            [2, 2 * trace, 0],
            [2 * trace, 2 * np.trace(A @ A) / N, np.trace(A @ both) / N],
            [0, np.trace(A @ both) / N, np.trace(M @ M + A) / N],
        ]
    )

    def gaps(p: Float, place: int, sigma: float) -> Float:
        return np.array(G[place]) @ [p[0], p[0] ** 2, sigma] - g[place]

    start = optimize.least_squares(
        lambda p: gaps(p, 0, p[1] / 1e3) * 1e3, [0.3, 1.0], xtol=1e-14, ftol=1e-14, gtol=1e-14
    ).x
    e = u - start[0] * lags[1]
    first, second = start[1] / 1e3, float(e @ within_and_between(e)[1].ravel()) / N
    root = np.linalg.cholesky(np.linalg.inv(weight)).T
    found = optimize.least_squares(
        lambda p: np.concatenate(
            [
                root @ gaps(p, 0, p[1] * first) * np.sqrt(T - 1) / first,
                root @ gaps(p, 1, p[2] * second) / second,
            ]
        ),
        [start[0], 1.0, 1.0],
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    ).x
    assert found * [1, first, second] == pytest.approx([RHO, SIGMA_V, SIGMA_1], rel=1e-6)
    # With its rho and components our weighted moments are its generalised least squares.
    fit = SpatialSystem(formula, panel, W, effects="random", error="W", iv_order=2).fit("gs2sls")
    space = Workspace(fit.estimate.design)
    ours = _weighted(
        *_moments(space, np.array([RHO])),
        _is_within(space.design),
        np.array([[1 / SIGMA_V]]),
        np.array([[1 / SIGMA_1]]),
    )
    names = [t.name for t in design.structure.equations[0].terms]
    order = [names.index(n) for n in ("Intercept", "lpcap", "lpc", "lemp", "unemp")]
    assert ours.delta[order] == pytest.approx(SLOPES, rel=1e-7)
    assert float(fit.rho.iloc[0]) == pytest.approx(RHO, abs=0.05)  # .510
