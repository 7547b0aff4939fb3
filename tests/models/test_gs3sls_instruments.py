"""The common instruments: which they are, which depend on others, and that nothing grows with N squared."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.models import SpatialSystem
from spatial.models.data import instruments as module
from spatial.models.data.instruments import independent_columns, orthonormal_basis, triangular_factor
from spatial.models.estimation.least_squares import two_stage
from spatial.panel.panel import Panel
from spatial.weights import Weights
from spatial.weights.meta import Meta

N = 60


@pytest.fixture(scope="module")
def W() -> Weights:
    matrix = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1) + np.roll(np.eye(N), 7, axis=1)
    return Weights.from_dense(matrix, ids=range(N)).row_standardized()


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 6)), columns=["y", "p", "x", "z", "q", "r"])
    frame["y"] += frame["x"]
    frame["p"] += frame["z"] + 0.5 * frame["y"]
    return frame


# ---- which they are
@pytest.mark.parametrize(
    ("formulas", "options", "expected"),
    [
        (["y ~ W(y) + x"], {}, "Intercept x W(x) W(W(x))"),
        (["y ~ W(y) + x"], {"iv_order": 1}, "Intercept x W(x)"),
        (["y ~ W(y) + x"], {"iv_order": 3}, "Intercept x W(x) W(W(x)) W(W(W(x)))"),
        (["y ~ W(y) + x + W(x)"], {}, "Intercept x W(x) W(W(x)) W(W(W(x)))"),
        (["y ~ p + x", "p ~ y + z"], {}, "Intercept x z"),
        (["y ~ W(y) + x", "p ~ y + z"], {"iv_order": 1}, "Intercept x z W(x) W(z)"),
        (["y ~ W(y) + x"], {"iv_order": 1, "instruments": "q"}, "Intercept x q W(x) W(q)"),
        (["y ~ p + x | p ~ q + r"], {}, "Intercept x q r"),
        (["y ~ x"], {"error": "W"}, "Intercept x W(x) W(W(x))"),
        (["y ~ W(x)"], {"iv_order": 1}, "Intercept x W(x) W(W(x))"),
    ],
)
def test_columns(data: pd.DataFrame, W: Weights, formulas: list[str], options: Any, expected: str) -> None:
    system = SpatialSystem(formulas, data, W, **options)
    assert list(system.instruments) == expected.split()


def test_units_without_neighbours_are_counted_in_the_summary(data: pd.DataFrame) -> None:
    island = np.roll(np.eye(N), 1, axis=1)
    island[0] = 0.0
    ring = Weights.from_dense(island, ids=range(N), meta=Meta(kind="ring", islands="keep"))
    fit = SpatialSystem("y ~ W(y) + x", data, ring).fit("2sls")
    assert "1 of 60 units without neighbours (lags of 0)" in fit.summary()


def test_other_error_weights_multiply_everything(data: pd.DataFrame, W: Weights) -> None:
    M = W.higher_order(2).row_standardized()
    names = SpatialSystem("y ~ W(y) + x", data, W, error=M, iv_order=1).design.instrument_names
    assert list(names) == ["Intercept", "x", "W(x)", "M(x)", "M(W(x))"]
    # The same matrix under another name is the same matrix.
    copy = Weights(W.ids, W.sparse)
    assert SpatialSystem("y ~ W(y) + x", data, W, error=copy).structure.equations[0].error == "W"


def test_two_error_matrices(data: pd.DataFrame, W: Weights) -> None:
    first, second = W.higher_order(2).row_standardized(), W.higher_order(3).row_standardized()
    system = SpatialSystem(["y ~ p + x", "p ~ y + z"], data, W, error={"y": first, "p": second})
    assert [e.error for e in system.structure.equations] == ["M", "M_p"]


def test_columns_hold_what_their_names_say(data: pd.DataFrame, W: Weights) -> None:
    design = SpatialSystem("y ~ W(y) + x + log(abs(z))", data, W).design
    place = {name: j for j, name in enumerate(design.instrument_names)}
    twice = W.sparse @ (W.sparse @ np.log(np.abs(data["z"].to_numpy())))
    np.testing.assert_allclose(design.instruments[:, place["W(W(log(abs(z))))"]], twice)


def test_dependent_instruments_are_dropped_by_name(data: pd.DataFrame, W: Weights) -> None:
    doubled = data.assign(copy=2 * data["x"] - 1)
    system = SpatialSystem("y ~ W(y) + x", doubled, W, instruments="copy")
    fit = system.fit("2sls", cov="hom")
    assert fit.dropped_instruments == ("copy", "W(copy)", "W(W(copy))")
    assert "Instruments left out as dependent: copy" in fit.summary()
    plain = SpatialSystem("y ~ W(y) + x", data, W).fit("2sls", cov="hom")
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-10)


@pytest.mark.parametrize("convert", ["to_w", "to_graph"])
def test_weights_of_libpysal(data: pd.DataFrame, W: Weights, convert: str) -> None:
    other = getattr(W, convert)()
    one = SpatialSystem("y ~ W(y) + x", data, W).fit("2sls", cov="hom")
    two = SpatialSystem("y ~ W(y) + x", data, other).fit("2sls", cov="hom")
    np.testing.assert_allclose(one.params, two.params, rtol=1e-12)


# ---- rank and basis
def columns(seed: int, rows: int, count: int) -> Any:
    return np.random.default_rng(seed).normal(size=(rows, count))


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_basis_spans_the_columns(seed: int, count: int, copies: int) -> None:
    rng = np.random.default_rng(seed)
    base = columns(seed, 50, count) * 10.0 ** rng.integers(-6, 6, count)
    dependent = base @ rng.normal(size=(count, copies))
    H = np.hstack([base, dependent])
    found = orthonormal_basis(H, np.linalg.norm(H, axis=0))
    assert found.kept == tuple(range(count))
    assert found.dropped == tuple(range(count, count + copies))
    np.testing.assert_allclose(found.Q.T @ found.Q, np.eye(found.rank), atol=1e-12)
    np.testing.assert_allclose(found.Q @ (found.Q.T @ base), base, rtol=1e-7, atol=1e-9 * np.abs(base).max())


def test_nearly_dependent_columns_stay_and_the_basis_is_orthonormal() -> None:
    base = columns(1, 400, 3)
    for gap, rank in ((1e-4, 4), (1e-7, 4), (1e-12, 3)):
        H = np.column_stack([base, base @ [1.0, 2, 3] + gap * columns(2, 400, 1)[:, 0]])
        found = orthonormal_basis(H, np.linalg.norm(H, axis=0))
        assert found.rank == rank
        np.testing.assert_allclose(found.Q.T @ found.Q, np.eye(rank), atol=1e-12)


def test_factor_by_blocks_equals_factor_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    H = columns(3, 1000, 5)
    H[:, 4] = H[:, 0] + 1e-8 * H[:, 4]
    expected = np.linalg.qr(H, mode="r")
    monkeypatch.setattr(module, "_BLOCK_ROWS", 32)
    found = triangular_factor(H)
    np.testing.assert_allclose(found.T @ found, expected.T @ expected, rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.diag(found)), np.abs(np.diag(expected)), rtol=1e-6)


def test_columns_that_effects_absorb_are_not_independent() -> None:
    R = np.diag([1.0, 1e-14, 2.0])
    assert independent_columns(R, np.array([1.0, 1.0, 2.0])) == [0, 2]


def test_least_squares_refuses_dependence() -> None:
    from spatial.errors import NotIdentifiedError

    R, r = columns(0, 5, 3), columns(1, 5, 1)[:, 0]
    with pytest.raises(
        NotIdentifiedError, match="6 coefficients need at least as many independent instruments"
    ):
        two_stage([columns(0, 5, 6)], [r])
    R[:, 2] = R[:, 0] - R[:, 1]
    with pytest.raises(NotIdentifiedError, match="no independent variation to the endogenous regressors"):
        two_stage([R], [r])


# ---- nothing of size N x N
def test_memory_grows_with_cells_only() -> None:
    """3000 units x 5 times: one N x N array would be 72 MB, one NT x NT array 1.8 GB."""
    n, times = 3000, 5
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(n), 4)
    near = (rows + np.tile([1, -1, 50, -50], n)) % n
    W = Weights.from_sparse(sp.csr_array((np.full(4 * n, 0.25), (rows, near)), shape=(n, n)), ids=range(n))
    index = pd.MultiIndex.from_product([range(n), range(times)], names=["i", "t"])
    frame = pd.DataFrame(rng.normal(size=(n * times, 4)), index=index, columns=["y", "p", "x", "z"])
    frame["y"] += frame["x"]
    frame["p"] += frame["z"] + 0.3 * frame["y"]
    panel = Panel(frame)
    formulas = ["y ~ p + W(y) + x", "p ~ y + W(p) + z"]
    tracemalloc.start()
    SpatialSystem(formulas, panel, W, effects=("unit", "time"), error="W").fit("gs3sls")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48e6
