"""Effects of each unit with standard errors: against dense algebra and the means, for every estimator."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import SpatialError
from spatial.models import SpatialSystem
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

N = 50
_rng = np.random.default_rng(5)
_links = (_rng.random((N, N)) < 0.08).astype(float)
np.fill_diagonal(_links, 0.0)
_links[np.arange(N), (np.arange(N) + 1) % N] = 1.0
W = Weights.from_dense(_links, ids=[f"u{i}" for i in range(N)]).row_standardized()
DENSE = W.sparse.toarray()
DATA = pd.DataFrame(_rng.normal(size=(N, 2)), columns=["x", "z"], index=W.ids)
DATA["y"] = np.linalg.solve(np.eye(N) - 0.5 * DENSE, 1 + DATA.x + 0.5 * DATA.z + 0.3 * _rng.normal(size=N))


@pytest.mark.evidence("models.Impacts.units", source="the delta method in dense matrices", kind="identity")
def test_standard_errors_are_those_of_dense_algebra() -> None:
    fit = SpatialSystem("y ~ x + z + W(y)", DATA, W).fit("2sls", cov="hom")
    found = fit.impacts().units("y", "x")
    lam, b = fit.params["y", "W(y)"], fit.params["y", "x"]
    S = np.linalg.inv(np.eye(N) - lam * DENSE)
    moved = S @ DENSE @ S * b
    names = [("y", "x"), ("y", "W(y)")]
    V = fit.cov.loc[names, names].to_numpy()
    for kind, by_b, by_lam in (
        ("sent", S.sum(axis=0), moved.sum(axis=0)),
        ("received", S.sum(axis=1), moved.sum(axis=1)),
        ("direct", np.diag(S), np.diag(moved)),
    ):
        slopes = np.column_stack([by_b, by_lam])
        wanted = np.sqrt(np.einsum("ni,ij,nj->n", slopes, V, slopes))
        assert found[kind].to_numpy() == pytest.approx(by_b * b, rel=1e-9)
        assert found[f"{kind}_std_error"].to_numpy() == pytest.approx(wanted, rel=1e-5)
    half = (found["direct_conf_high"] - found["direct"]) / found["direct_std_error"]
    assert half.to_numpy() == pytest.approx(1.959964, rel=1e-5)
    assert found.index.equals(W.ids)


@pytest.mark.parametrize("method", ["gs2sls", "gs3sls", "aqs", "ml"])
def test_every_estimator_has_them(method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = SpatialSystem("y ~ x + z + W(y)", DATA, W, error="W").fit(method)  # type: ignore[arg-type]
    effects = fit.impacts()
    found = effects.units("y", "x", ["sent", "direct"], level=0.9)
    table = effects.tidy().set_index(["term", "effect"])
    assert found["sent"].mean() == pytest.approx(table.loc[("x", "total"), "estimate"], rel=1e-8)
    assert found["direct"].mean() == pytest.approx(table.loc[("x", "direct"), "estimate"], rel=1e-8)
    assert (found.filter(like="std_error") > 0).all(axis=None)
    wald = effects.confint(0.9, "wald", outcome="y", term="x", by_unit="sent")
    assert wald["std_error"].to_numpy() == pytest.approx(found["sent_std_error"].to_numpy())
    assert wald["conf_low"].to_numpy() == pytest.approx(found["sent_conf_low"].to_numpy())


def test_spreg_fits_and_several_weights_have_them_too() -> None:
    lag = sp.models.spreg("ML_Lag", "y ~ x + z", DATA, W).impacts().units("y", "x")
    assert list(lag.columns[:3]) == ["sent", "sent_std_error", "sent_conf_low"]
    ring = Weights.from_dense(np.roll(np.eye(N), 1, axis=1), ids=W.ids)
    both = SpatialSystem("y ~ x + z + W(y) + R(x)", DATA, {"W": W, "R": ring}).fit("gs2sls").impacts()
    assert both.confint(outcome="y", term="x", by_unit="sent")["std_error"].min() > 0


def test_they_are_a_column_for_a_map_and_refuse_what_there_is_not() -> None:
    effects = SpatialSystem("y ~ x + z + W(y)", DATA, W).fit("gs2sls").impacts()
    with pytest.raises(SpatialError, match="term is one of 'x', 'z'"):
        effects.units("y", "q")
    with pytest.raises(SpatialError, match="level is a share"):
        effects.units("y", "x", level=95)
    with pytest.raises(SpatialError, match="kind is one of"):
        effects.units("y", "x", ["given"])  # type: ignore[list-item]


def test_effects_are_shown_by_the_delta_method_unless_draws_are_asked_for() -> None:
    fit = SpatialSystem("y ~ x + z + W(y)", DATA, W).fit("gs2sls")
    plain, drawn = fit.impacts(), fit.impacts(draws=200)
    assert set(plain.tidy()["method"]) == {"delta"}
    assert set(drawn.tidy()["method"]) == {"simulated"}
    assert plain.tidy()["std_error"].equals(plain.tidy()["std_error_delta"])
    assert drawn.tidy()["std_error_delta"].to_numpy() == pytest.approx(plain.tidy()["std_error"].to_numpy())
