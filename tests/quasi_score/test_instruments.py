"""Instruments where a lag and an error have the same weights: fewer lags by default, and the best."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gs3sls_simulation import FORMULAS, Simulator
from gs3sls_simulation import Design as Panels

from spatial.errors import SpatialError
from spatial.models import SpatialSystem
from spatial.models.estimation.covariance import Cluster
from spatial.models.estimation.estimate import Request
from spatial.models.instrumental.choice import fewer_lags, highest_lag
from spatial.models.methods import run
from spatial.models.quasi_score.coverage import APART, COVERAGE
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

N = 80
_rng = np.random.default_rng(3)
_ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
W = Weights.from_dense(_ring).row_standardized()
DATA = pd.DataFrame(_rng.normal(size=(N, 3)), columns=["x", "v", "z"])
DATA["p"] = DATA.z + _rng.normal(size=N)
_u = np.linalg.solve(np.eye(N) - 0.5 * W.sparse.toarray(), _rng.normal(size=N))
DATA["y"] = np.linalg.solve(np.eye(N) - 0.4 * W.sparse.toarray(), 1 + DATA.x + 0.5 * DATA.v + _u)


def one(formula: str = "y ~ x + v + W(y)", **options: Any) -> SpatialSystem:
    return SpatialSystem(formula, DATA, W, **({"error": "W"} | options))


def test_one_lag_is_the_default_where_a_lag_and_an_error_have_the_same_weights() -> None:
    few, many = ("Intercept", "x", "v", "W(x)", "W(v)"), "W(W(x))"
    assert one().fit("gs3sls").instruments == few
    assert one().fit("gs2sls").instruments == few
    assert many in one().fit("2sls").instruments  # leaves the errors out
    assert many in one().fit("aqs").instruments
    assert many in one(error=None).fit("gs2sls").instruments
    assert many in one(iv_order=2).fit("gs3sls").instruments
    assert many in one().fit("gs3sls", rho_moments="kp1999", passes=0).instruments  # the textbook
    assert one(iv_order=1).fit("gs3sls").params.equals(one().fit("gs3sls").params)


def test_the_output_says_what_was_chosen_and_how_seldom_intervals_cover() -> None:
    assert "iv_order=1, the default here" in one().fit("gs3sls").summary()
    assert "cover in" in one().fit("gs3sls").summary()
    assert "the default here" not in one(iv_order=1).fit("gs3sls").summary()
    assert f"cover in {COVERAGE['lags']} of samples" in one(iv_order=2).fit("gs3sls").summary()
    assert "before 0.1 by gs3sls" in one().fit().summary()
    assert "before 0.1" not in one().fit("aqs").summary()


def test_errors_in_other_weights_than_the_lag_are_told_apart() -> None:
    second = np.roll(np.eye(N), 2, axis=1) + np.roll(np.eye(N), -2, axis=1)
    far = Weights.from_dense(second).row_standardized()

    def said(formula: str, method: str = "gs3sls") -> str:
        both = SpatialSystem(formula, DATA, {"W": W, "M": far}, error="M", iv_order=2)
        return both.fit(method).summary()

    assert "in other weights, 95 % intervals of the lag and of rho" in said("y ~ x + v + W(y)")
    assert f"cover in {APART['lags']} of samples" in said("y ~ x + v + W(y)")
    assert "of samples" not in said("y ~ x + v + W(x)")
    assert "of samples" not in said("y ~ x + v + W(y)", "aqs")


def test_lags_are_kept_where_fewer_would_not_identify() -> None:
    data = DATA.assign(q=0.5 * DATA.z + np.roll(DATA.y, 3))
    pair = SpatialSystem(["y ~ q + W(y) + W(q)", "q ~ z + W(q)"], data, W, error="W")
    assert "W(W(z))" in pair.fit("gs3sls", force=True).instruments


def test_durbin_terms_keep_the_lag_that_they_need() -> None:
    names = one("y ~ x + W(x) + W(y)").fit("gs2sls").instruments
    assert names == ("Intercept", "x", "W(x)", "W(W(x))")


def test_best_instruments_solve_their_moments_by_hand() -> None:
    """No spatial error: delta = (Z'X)^-1 Z'y with Z = [1, x, v, W (I - lam W)^-1 X b], by dense algebra."""
    system = one(error=None)
    first = system.fit("2sls", cov="hom").params.droplevel(0)
    dense = W.sparse.toarray()
    X = np.column_stack([np.ones(N), DATA.x, DATA.v])
    mean = np.linalg.solve(np.eye(N) - first["W(y)"] * dense, X @ first[["Intercept", "x", "v"]])
    Z, R = np.column_stack([X, dense @ mean]), np.column_stack([X, dense @ DATA.y])
    wanted = np.linalg.solve(Z.T @ R, Z.T @ DATA.y)
    fit = system.fit("2sls", iv="best", cov="hom")
    assert fit.params.droplevel(0)[["Intercept", "x", "v", "W(y)"]].to_numpy() == pytest.approx(
        wanted, abs=1e-10
    )
    e = DATA.y - R @ wanted
    inverse = np.linalg.inv(Z.T @ R)
    V = inverse @ (Z.T @ Z) @ inverse.T * (e @ e) / N
    assert fit.std_errors.droplevel(0)["W(y)"] == pytest.approx(np.sqrt(V[3, 3]), rel=1e-9)


def test_best_instruments_of_a_system_with_errors_make_every_moment_zero() -> None:
    fit = one("y ~ x + v + p + W(y) | p ~ z").fit("gs3sls", iv="best")
    found = fit.estimate
    C = found.design.own_coordinates(0)
    Q = found.design.basis.Q
    assert np.abs(C.T @ Q.T @ found.numbers.residuals[0]).max() < 1e-9
    assert fit.instruments[3:5] == ("y: E[p]", "y: E[W(y)]")
    assert fit.vcov("hom").params.equals(fit.params)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iv": "bset"}, "iv is 'lags' or 'best'; got 'bset'. Did you mean 'best'"),
        ({"method": "aqs", "iv": "best"}, "whose score has the best instruments in it"),
        ({"method": "gmm", "iv": "best"}, "iv='best' is for"),
        ({"method": "ols", "iv": "best"}, "iv='best' is for"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpatialError, match=message.replace("'", ".")):
        one().fit(**options)


def _errors(draws: int) -> pd.DataFrame:
    """Errors of the lag, and coverage, by the instruments: N = 150, T = 6, rho = .7."""
    simulator = Simulator(Panels(n=150, times=6, rho=(0.7, 0.7)))
    rows = []
    for k in range(draws):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            system = SpatialSystem(
                FORMULAS,
                simulator.panel(np.random.default_rng(k)),
                simulator.W,
                effects=("unit", "time"),
                error="W",
            )
            design = fewer_lags(system.design)
            for name, (arrays, iv) in {
                "lags": (system.design, "lags"),
                "one lag": (design, "lags"),
                "best": (design, "best"),
            }.items():
                found = run(Request(arrays, system._source, "gs2sls", Cluster(), iv=iv))  # type: ignore[arg-type]
                error = found.delta[[1, 5]] - [0.4, 0.3]
                half = found.inference.law.quantile(0.95) * np.sqrt(np.diag(found.inference.cov))[[1, 5]]
                rows += [(name, e, abs(e) <= h) for e, h in zip(error, half, strict=True)]
    return pd.DataFrame(rows, columns=["iv", "error", "covered"])


def test_each_lag_more_adds_to_the_bias() -> None:
    """The bias is .08 with [X, WX, W2X], .04 with [X, WX] and -.01 with the best (JOINT-GMM table 2.2)."""
    bias = _errors(12).groupby("iv")["error"].mean()
    assert bias["lags"] > bias["one lag"] > bias["best"]
    assert abs(bias["best"]) < 0.08


@pytest.mark.slow
def test_best_instruments_cover_and_have_less_error() -> None:
    found = _errors(200).assign(size=lambda f: f.error.abs())
    cover, size = found.groupby("iv")["covered"].mean(), found.groupby("iv")["size"].median()
    assert cover["lags"] < 0.8 < cover["one lag"] < cover["best"]
    assert 0.88 < cover["best"] < 0.98
    assert size["best"] < size["lags"]


def test_highest_lag_counts_what_is_there() -> None:
    assert highest_lag(one(iv_order=3).design) == 3
    assert highest_lag(one(iv_order=0).design) == 0
    assert fewer_lags(one(iv_order=1).design).instrument_names == one(iv_order=1).design.instrument_names
