"""Effects partialled out: against dummies, for any weights, balanced or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import ConvergenceError, DataError, SpatialWarning
from spatial.models import SpatialSystem
from spatial.models.data import effects as effects_module
from spatial.models.data.effects import build_effects, effects_rank, project_sparse
from spatial.models.data.layout import LagOperator, Layout, balanced_layout
from spatial.models.estimation.errors import build_moments
from spatial.panel.panel import Panel
from spatial.weights import Meta, Weights

Array = NDArray[Any]
N, T = 20, 4


def ring(n: int = N, standardized: bool = True) -> Weights:
    matrix = sp.csr_array(np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1))
    matrix = sp.csr_array(matrix + sp.csr_array(([1.0], ([0], [n // 2])), shape=(n, n)))
    W = Weights.from_sparse(matrix, ids=range(n))
    return W.row_standardized() if standardized else W.scaled(0.3)


def residual(v: Array, D: Array) -> Array:
    return v - D @ np.linalg.lstsq(D, v, rcond=None)[0]


def layout_without(cells: set[tuple[int, int]]) -> Layout:
    rows = [(t, i) for t in range(T) for i in range(N) if (t, i) not in cells]
    time, unit = np.array(rows).T
    return Layout(pd.RangeIndex(N), pd.RangeIndex(T), unit, time)


FULL = balanced_layout(pd.RangeIndex(N), pd.RangeIndex(T))
HOLES = layout_without({(0, 1), (2, 1), (3, 7), (1, 19), (0, 19)})
REGION = np.arange(N) // 5


@pytest.mark.parametrize("layout", [FULL, HOLES], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize(
    "names",
    [
        (("unit",),),
        (("time",),),
        (("unit",), ("time",)),
        (("unit",), ("region", "time")),
        (("unit",), ("time",), ("region", "time")),
        (("region",), ("time",)),
        (("region", "time"), ("half", "time")),
        (("unit",), ("region", "time"), ("half", "time")),
        (("unit",), ("changing", "time")),
    ],
)
@pytest.mark.parametrize("standardized", [True, False])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_projection_equals_dummies(layout: Layout, names: Any, standardized: bool, rho: float) -> None:
    W = ring(standardized=standardized).sparse
    blocks = tuple(sp.csr_array(W[layout.unit[a:b]][:, layout.unit[a:b]]) for a, b in layout.bounds)
    operator = LagOperator((W,) if layout.is_balanced else blocks, layout)
    codes = {
        "region": REGION[layout.unit],
        "half": layout.unit % 2,
        "changing": (layout.unit + layout.time) % 3,
    }
    effects = build_effects(names, codes, layout)
    dense = sp.block_diag(blocks).toarray()
    D = np.hstack([np.eye(int(c.max()) + 1)[c] for c in effects.codes])
    filtered = D - rho * dense @ D
    v = np.random.default_rng(0).normal(size=(layout.n_rows, 3)) * [1.0, 1e4, 1e-4] + [0, 1e5, 0]
    found = effects.project(v, operator, rho)
    expected = residual(v, filtered)
    np.testing.assert_allclose(found, expected, atol=0, rtol=1e-7)
    assert effects.rank == np.linalg.matrix_rank(D)
    # An effect itself leaves nothing.
    assert np.abs(effects.project(filtered[:, [0, -1]], operator, rho)).max() < 1e-11


def test_nested_effects_are_dropped() -> None:
    names = (("time",), ("unit",), ("region",), ("region", "time"))
    effects = build_effects(names, {"region": REGION[FULL.unit]}, FULL)
    assert effects.kept == (("unit",), ("region", "time"))
    assert effects.names == names


def test_equal_effects_are_kept_once() -> None:
    effects = build_effects((("unit",), ("code",)), {"code": FULL.unit}, FULL)
    assert effects.kept == (("unit",),)


def test_rank_of_three_crossed_effects() -> None:
    rng = np.random.default_rng(0)
    codes = tuple(
        np.unique(rng.integers(0, k, 60), return_inverse=True)[1].astype(np.intp) for k in (12, 5, 4)
    )
    D = np.hstack([np.eye(int(c.max()) + 1)[c] for c in codes])
    assert effects_rank(codes) == np.linalg.matrix_rank(D)


def test_rank_by_connected_components() -> None:
    codes = (np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]))
    assert effects_rank(codes) == 3 + 3 - 2


def test_too_many_crossed_levels() -> None:
    rng = np.random.default_rng(0)
    codes = tuple(rng.permutation(6000).astype(np.intp) for _ in range(3))
    with pytest.raises(DataError, match="may have 5000 levels beside the largest set; these have 12000"):
        effects_rank(codes)


def test_no_convergence_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_module, "_MAX_ITERATIONS", 1)
    design = sp.csr_array(np.random.default_rng(0).normal(size=(30, 8)))
    with pytest.raises(ConvergenceError, match="were not partialled out within 1 iterations"):
        project_sparse(np.arange(30.0), design)


def test_filtered_dummies() -> None:
    W = ring()
    effects = build_effects((("unit",),), {}, FULL)
    found = effects.filtered_dummies(LagOperator((W.sparse,), FULL), 0.3).toarray()
    D = np.tile(np.eye(N), (T, 1))
    np.testing.assert_allclose(found, D - 0.3 * np.kron(np.eye(T), W.sparse.toarray()) @ D)


# ---- when closed-form demeaning is right
def test_what_commutes() -> None:
    standardized, raw = (LagOperator((ring(standardized=s).sparse,), FULL) for s in (True, False))
    unit, both = (build_effects(names, {}, FULL) for names in ((("unit",),), (("unit",), ("time",))))
    region = build_effects((("region", "time"),), {"region": REGION[FULL.unit]}, FULL)
    assert unit.commutes_with(raw)
    assert unit.commutes_with(standardized)
    assert both.commutes_with(standardized)
    assert not both.commutes_with(raw)
    assert not region.commutes_with(standardized)
    assert not build_effects((("unit",),), {}, HOLES).commutes_with(standardized)


def test_plain_time_demeaning_would_be_wrong() -> None:
    """GS3SLS.md 5.2: without row-standardised M, filtered time effects do not leave with the means."""
    operator = LagOperator((ring(standardized=False).sparse,), FULL)
    effects = build_effects((("unit",), ("time",)), {}, FULL)
    gamma = np.array([1.0, -2.0, 3.0, 5.0])[FULL.time]
    filtered = gamma - 0.6 * operator(gamma)
    assert np.abs(effects.project(filtered)).max() > 0.1
    assert np.abs(effects.project(filtered, operator, 0.6)).max() < 1e-12


# ---- the moments of rho are centred
@pytest.mark.parametrize("names", [(("time",),), (("unit",), ("time",))])
def test_time_centring_takes_the_mean_to_zero(names: Any) -> None:
    operator = LagOperator((ring().sparse,), FULL)
    moments = build_moments(operator, build_effects(names, {}, FULL))
    J = np.eye(N) - 1 / N
    W = operator.matrices[0].toarray()
    for q, A in enumerate((W.T @ W, (W + W.T) / 2)):
        centred = J @ (A + np.diag(moments.diagonal[q, :N])) @ J
        np.testing.assert_allclose(np.diag(centred), 0, atol=1e-14)


def test_general_centring_estimates_the_trace() -> None:
    effects = build_effects((("unit",), ("region", "time")), {"region": REGION[FULL.unit]}, FULL)
    operator = LagOperator((ring().sparse,), FULL)
    moments = build_moments(operator, effects)
    D = effects.dummies.toarray()
    P = np.eye(N * T) - D @ np.linalg.pinv(D)
    W = np.kron(np.eye(T), operator.matrices[0].toarray())
    for q, A in enumerate((W.T @ W - np.diag(np.diag(W.T @ W)), (W + W.T) / 2)):
        exact = np.trace(P @ A @ P) / effects.n_effective
        added = (moments.diagonal[q] + (np.diag(W.T @ W) if q == 0 else 0)).mean()
        assert -added == pytest.approx(exact, abs=0.05)


# ---- whole systems on the general path
def panel_of(seed: int = 0, n: int = 32, times: int = 5) -> tuple[Panel, Weights]:
    rng = np.random.default_rng(seed)
    W = ring(n)
    M = W.sparse.toarray()
    frames = []
    mu = rng.normal(size=n)
    for t in range(times):
        x = rng.normal(size=(n, 2)) + mu[:, None]
        u = np.linalg.solve(np.eye(n) - 0.4 * M, rng.normal(size=n))
        y = np.linalg.solve(np.eye(n) - 0.4 * M, x @ [1.0, 0.5] + mu + t + u)
        frames.append(
            pd.DataFrame({"y": y, "x": x[:, 0], "z": x[:, 1], "u": range(n), "t": t, "r": np.arange(n) // 8})
        )
    return Panel.from_frame(pd.concat(frames), unit="u", time="t"), W


pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")


def test_region_by_time_effects_with_spatial_errors_equal_dummies() -> None:
    """At the estimated rho the coefficients are 2SLS on filtered data with filtered dummies."""
    panel, W = panel_of()
    fit = SpatialSystem("y ~ x + z + W(y)", panel, W, effects=("unit", "r:time"), error="W").fit(
        "gs2sls", passes=0
    )
    design = fit.estimate.design
    rho = float(fit.estimate.numbers.rho[0])
    dense = np.kron(np.eye(5), W.sparse.toarray())
    D = design.effects.dummies.toarray()
    keep = np.eye(len(dense)) - rho * dense
    data = residual(keep @ design.columns, keep @ D)
    H = residual(design.instruments, D)
    fitted = H @ np.linalg.lstsq(H, data[:, design.regressors[0]], rcond=1e-10)[0]
    expected = np.linalg.lstsq(fitted, data[:, design.outcomes[0]], rcond=None)[0]
    np.testing.assert_allclose(fit.params, expected, rtol=1e-7)
    assert fit.n_effective == 32 * 5 - (32 + 20 - 4)


def test_slow_and_fast_paths_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, W = panel_of()
    options: dict[str, Any] = {"effects": ("unit", "time"), "error": "W"}
    fast = SpatialSystem("y ~ x + z + W(y)", panel, W, **options).fit("gs2sls", cov="hom")
    system = SpatialSystem("y ~ x + z + W(y)", panel, W, **options)
    from spatial.models.estimation.steps import Workspace

    monkeypatch.setattr(Workspace, "is_fast", lambda *_: False)
    slow = system.fit("gs2sls", cov="hom")
    np.testing.assert_allclose(slow.params, fast.params, rtol=1e-6)
    np.testing.assert_allclose(slow.rho, fast.rho, rtol=1e-6)
    np.testing.assert_allclose(slow.std_errors, fast.std_errors, rtol=1e-5)
    np.testing.assert_allclose(slow.rho_std_errors, fast.rho_std_errors, rtol=1e-4)


def holes(panel: Panel, cells: list[tuple[int, int]]) -> Panel:
    frame = panel.frame.drop(index=cells).reset_index()
    return Panel.from_frame(frame, unit="u", time="t")


def test_unbalanced_panels_need_a_choice() -> None:
    panel, W = panel_of()
    short = holes(panel, [(3, 1), (7, 2)])
    with pytest.raises(DataError, match=r"absent at some times: 3, 7\. Choose unbalanced='balance'"):
        SpatialSystem("y ~ x + W(y)", short, W)
    # Without lags there is nothing to choose.
    assert SpatialSystem("y ~ x", short, effects="unit").fit("2sls").n_obs == 158


@pytest.mark.filterwarnings("ignore:Weights .* cut")
def test_balance_drops_units_and_says_so() -> None:
    panel, W = panel_of()
    fit = SpatialSystem("y ~ x + W(y)", holes(panel, [(3, 1)]), W, effects="unit", unbalanced="balance").fit(
        "2sls"
    )
    assert (fit.n_units, fit.n_times) == (31, 5)
    assert "1 incomplete units dropped, with" in fit.notes[0]
    kept = W.subset([i for i in range(32) if i != 3]).row_standardized()
    rest = Panel.from_frame(panel.frame.drop(index=3, level=0).reset_index(), unit="u", time="t")
    direct = SpatialSystem("y ~ x + W(y)", rest, kept, effects="unit").fit("2sls")
    np.testing.assert_allclose(fit.params, direct.params, rtol=1e-12)


def test_induced_weights_are_standardised_among_those_observed() -> None:
    panel, W = panel_of()
    short = holes(panel, [(3, 1), (9, 4)])
    system = SpatialSystem(
        "y ~ x + z + W(y)", short, W, effects=("unit", "time"), unbalanced="induced", error="W"
    )
    operator = system.design.operators["W"]
    dense = W.sparse.toarray()
    present = [i for i in range(32) if i != 3]
    expected = dense[np.ix_(present, present)]
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(operator.matrices[1].toarray(), expected)
    fit = system.fit("gs2sls")
    assert fit.n_obs == 158
    assert fit.n_effective == 158 - (32 + 5 - 1)
    assert abs(fit.rho.iloc[0]) < 0.999
    assert np.isfinite(fit.rho_std_errors.iloc[0])
    for cov in ("hom", "het"):
        assert np.isfinite(fit.vcov(cov).rho_std_errors.iloc[0])


def test_cells_without_an_observed_neighbour_are_counted() -> None:
    panel, W = panel_of()
    around = W.ids[np.flatnonzero(W.sparse.toarray()[4])]
    short = holes(panel, [(int(unit), t) for unit in around for t in (1, 3)])
    system = SpatialSystem("y ~ x + W(y)", short, W, effects="unit", unbalanced="induced")
    lonely = sum(int((np.diff(m.indptr) == 0).sum()) for m in system.design.operators["W"].matrices)
    assert lonely >= 2
    fit = system.fit("2sls")
    assert f"W: {lonely} cells have no neighbour that is observed at their time, and lags of 0" in fit.notes
    whole = SpatialSystem("y ~ x + W(y)", holes(panel, [(3, 1)]), W, unbalanced="induced").fit("2sls")
    assert not any("no neighbour that" in note for note in whole.notes)


def test_induced_of_a_balanced_panel_is_the_balanced_panel() -> None:
    panel, W = panel_of()
    options: dict[str, Any] = {"effects": "unit", "error": "W"}
    one = SpatialSystem("y ~ x + z + W(y)", panel, W, **options).fit("gs2sls")
    two = SpatialSystem("y ~ x + z + W(y)", panel, W, unbalanced="induced", **options).fit("gs2sls")
    np.testing.assert_array_equal(one.params, two.params)


def test_missing_cells_are_named() -> None:
    panel, W = panel_of()
    gaps = panel.with_columns(x=lambda f: f["x"].where(f.index.get_level_values(0) != 5))
    with pytest.raises(DataError, match=r"x missing in 5 of 160 cells, of units 5\."):
        SpatialSystem("y ~ x + W(y)", gaps, W)
    fit = SpatialSystem("y ~ x + W(y)", gaps, W, unbalanced="balance").fit("2sls")
    assert fit.n_units == 31


def test_pair_sums_of_varying_weights_equal_the_constant_case() -> None:
    """Phi of per-period matrices that happen to be equal is that of one matrix."""
    from spatial.models.estimation.pairs import moment_covariance

    W = ring().sparse
    rng = np.random.default_rng(0)
    effects = build_effects((("unit",),), {}, FULL)
    constant = build_moments(LagOperator((W,), FULL), effects)
    varying = build_moments(LagOperator((W,) * T, FULL), effects)
    e = [rng.normal(size=N * T), rng.normal(size=N * T)]
    for kind in ("homoskedastic", "heteroskedastic", "cluster"):
        one = moment_covariance(e, [constant, constant], kind)
        two = moment_covariance(e, [varying, varying], kind)
        np.testing.assert_allclose(one, two, rtol=1e-10)


@pytest.mark.parametrize("kind", ["homoskedastic", "heteroskedastic", "cluster"])
def test_pair_sums_equal_the_definition(kind: Any) -> None:
    from spatial.models.estimation.pairs import moment_covariance

    rng = np.random.default_rng(1)
    effects = build_effects((("unit",),), {}, FULL)
    operators = [
        LagOperator((ring().sparse,), FULL),
        LagOperator((sp.csr_array(ring(standardized=False).sparse.T),), FULL),
    ]
    moments = [build_moments(o, effects) for o in operators]
    e = rng.normal(size=(2, T, N))
    found = moment_covariance([v.ravel() for v in e], moments, kind)
    n = effects.n_effective
    A = []
    for o in operators:
        M = o.matrices[0].toarray()
        A += [M.T @ M * (1 - np.eye(N)), (M + M.T) / 2]
    sigma = e.reshape(2, -1) @ e.reshape(2, -1).T / n
    expected = np.empty((4, 4))
    for a in range(4):
        for b in range(4):
            g, h = a // 2, b // 2
            if kind == "homoskedastic":
                omega = np.full((N, N), n / N * sigma[g, h] ** 2)
            elif kind == "heteroskedastic":
                omega = np.einsum("ti,ti,tj,tj->ij", e[g], e[h], e[g], e[h])
            else:
                omega = (e[g].T @ e[g]) * (e[h].T @ e[h])
            expected[a, b] = 2 / n**2 * np.sum(A[a] * A[b] * omega * (1 - np.eye(N)))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


# ---- what effects absorb
def test_absorbed_regressors_are_left_out_by_name() -> None:
    panel, W = panel_of()
    data = panel.with_columns(fixed=lambda f: f.index.get_level_values(0).astype(float))
    with pytest.warns(SpatialWarning, match=r"effects unit \+ time absorb fixed, W\(fixed\): left out"):
        system = SpatialSystem("y ~ x + fixed + W(fixed) + W(y)", data, W, effects=("unit", "time"))
    assert [t.name for _, t in system.structure.terms] == ["x", "W(y)"]
    fit = system.fit("2sls")
    assert fit.absorbed == (("y", "fixed"), ("y", "W(fixed)"))
    without = SpatialSystem("y ~ x + W(y)", panel, W, effects=("unit", "time"), iv_order=3).fit("2sls")
    np.testing.assert_allclose(fit.params, without.params, rtol=1e-9)
    assert "absorbed by the effects: fixed (y)" in fit.summary()


def test_absorbed_instruments_are_named() -> None:
    panel, W = panel_of()
    data = panel.with_columns(rail=lambda f: f.index.get_level_values(0).astype(float))
    with pytest.warns(SpatialWarning, match="instruments rail are absorbed by the effects"):
        SpatialSystem("y ~ x + W(y) + z | unit | z ~ rail", data, W)


def test_islands_need_a_word() -> None:
    from spatial.errors import WeightsError

    panel, _ = panel_of()
    matrix = ring(32).sparse.toarray()
    matrix[4], matrix[:, 4] = 0, 0
    W = Weights.from_dense(matrix, ids=range(32)).row_standardized()
    with pytest.raises(WeightsError, match=r"units without neighbours: 4\. Their lags would be 0"):
        SpatialSystem("y ~ x + W(y)", panel, W)
    kept = Weights(W.ids, W.sparse, Meta(normalization="row", islands="keep"))
    assert SpatialSystem("y ~ x + W(y)", panel, kept).fit("2sls").n_units == 32
