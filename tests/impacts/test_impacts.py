"""Impacts against R's spatialreg, dense inverses and the properties that define them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from impacts_cases import dense_effects, draw, knn_weights, run, single, structure, values
from scipy import sparse

from spatial.errors import ConvergenceError, DataError
from spatial.models.formula.structure import Equation, Structure, Term
from spatial.models.impacts import traces as traces_module
from spatial.models.impacts.map import EffectMap
from spatial.models.impacts.multipliers import effects, one_matrix
from spatial.models.impacts.result import system_impacts
from spatial.models.impacts.solve import ReducedForm, bilinear, dense_draws
from spatial.models.impacts.traces import power_traces, symmetrizer
from spatial.models.system import SpatialSystem
from spatial.weights import Weights


def queen(side: int) -> sparse.csr_array:
    from libpysal.weights import lat2W

    W = sparse.csr_array(lat2W(side, side, rook=False).sparse)
    return sparse.csr_array(sparse.diags_array(1 / W.sum(axis=1)) @ W)


def summary_of(E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = E.shape[-1]
    return np.trace(E, axis1=2, axis2=3) / n, E.sum(axis=(2, 3)) / n


# ---- outside numbers
@dataclass(frozen=True)
class Peer:
    """spatialreg 1.4-2, impacts(m, listw) of Columbus CRIME ~ INC + HOVAL, queen weights."""

    lam: float
    slopes: tuple[float, float]
    lagged: tuple[float, float]
    direct: tuple[float, float]
    indirect: tuple[float, float]


LAG = Peer(
    0.423325428938467,
    (-1.04872815133992, -0.266334808157376),
    (0.0, 0.0),
    (-1.10089544989559, -0.279583205690293),
    (-0.717683353413593, -0.182262732248519),
)


DURBIN = Peer(
    0.403462617682371,
    (-0.919906108496705, -0.297129363310329),
    (-0.583913259810209, 0.257684321592112),
    (-1.02498783531283, -0.281967343073553),
    (-1.49592604683881, 0.215844007156251),
)


@pytest.fixture(scope="module")
def columbus_map() -> object:
    import geopandas
    import libpysal

    return geopandas.read_file(libpysal.examples.get_path("columbus.shp"))


@pytest.fixture(scope="module")
def columbus(columbus_map: object) -> sparse.csr_array:
    from libpysal.graph import Graph

    return sparse.csr_array(Graph.build_contiguity(columbus_map, rook=False).transform("r").sparse)


@pytest.mark.evidence("models.Impacts", digits=10, source="spatialreg impacts, columbus")
@pytest.mark.parametrize("peer", [LAG, DURBIN], ids=["lag", "durbin"])
def test_impacts_are_those_of_spatialreg(columbus: sparse.csr_array, peer: Peer) -> None:
    theta = np.array([peer.lam, *peer.slopes, *peer.lagged])
    found = run(single(durbin=True), theta, {"W": columbus}, draws=0)
    np.testing.assert_allclose(values(found, "direct")[0], peer.direct, rtol=1e-10)
    np.testing.assert_allclose(values(found, "indirect")[0], peer.indirect, rtol=1e-10)


@pytest.mark.evidence("models.SystemFit.impacts", source="spatialreg 1.4-2 impacts(stsls), columbus")
@pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")
def test_impacts_of_a_fit_are_those_of_stsls(columbus_map: object, columbus: sparse.csr_array) -> None:
    data = columbus_map[["CRIME", "INC", "HOVAL"]]
    fit = SpatialSystem(
        "CRIME ~ W(CRIME) + INC + HOVAL", data, Weights.from_sparse(columbus, data.index)
    ).fit("2sls")
    # spatialreg 1.4-2, impacts(stsls(CRIME ~ INC + HOVAL), listw)
    rows = fit.impacts(draws=0).frame.set_index(["term", "effect"])["estimate"]
    assert rows["INC", "direct"] == pytest.approx(-1.06054095453392, rel=1e-9)
    assert rows["HOVAL", "direct"] == pytest.approx(-0.28193693695358, rel=1e-9)
    assert rows["INC", "indirect"] == pytest.approx(-0.795077641848765, rel=1e-9)
    assert rows["HOVAL", "total"] == pytest.approx(-0.493302423618477, rel=1e-9)


def test_simulated_errors_are_those_of_spatialreg(columbus: sparse.csr_array) -> None:
    # lagsarlm's covariance of (rho, INC, HOVAL); the deviation of the 10,000 draws of impacts(m, R = 10000)
    V = np.array(
        [
            [0.0142827464220256, 0.0129824088055422, 0.000839680066310369],
            [0.0129824088055422, 0.0944983973182838, -0.0120045908395244],
            [0.000839680066310369, -0.0120045908395244, 0.0079381490341205],
        ]
    )
    theta = np.array([LAG.lam, *LAG.slopes])
    found = run(single(), theta, {"W": columbus}, covariance=V, draws=4000)
    rows = found.frame.set_index(["term", "effect"])["std_error"]
    assert rows["a", "direct"] == pytest.approx(0.315008020979044, rel=0.05)
    assert rows["b", "direct"] == pytest.approx(0.0943386410604366, rel=0.05)
    # Totals have heavier tails in the draws: wider.
    assert rows["a", "total"] == pytest.approx(0.588240095529117, rel=0.1)
    assert rows["b", "total"] == pytest.approx(0.197713505839, rel=0.1)


def test_traces_are_those_of_spatialreg(columbus: sparse.csr_array) -> None:
    # trW(W, m = 30, type = "mult"), which is N times ours
    expected = [0, 10.6115041572184, 3.61331113000756, 5.48654768166799, 3.62931166567992, 3.94476164934297]
    found = power_traces(columbus)
    np.testing.assert_allclose(found.values[1:7] * 49, expected, rtol=1e-12, atol=1e-12)
    assert found.values[30] * 49 == pytest.approx(1.58712698796467, rel=1e-11)


def test_published_lattice_values() -> None:
    # GS3SLS.md, A7: totals for any row-standardized W, directs for the 30 x 30 queen lattice.
    B, Lambda = np.array([[0, 0.4], [0.3, 0]]), np.array([[0.3, 0.1], [0.1, 0.3]])
    C, D = np.array([[1.0], [-0.5]]), np.array([[[0.2], [0.1]]])
    direct, total = effects(one_matrix(B, Lambda, power_traces(queen(30))), C, D)
    np.testing.assert_allclose(total[:, 0], [2.20689655, 0.68965517], atol=1e-8)
    np.testing.assert_allclose(direct[:, 0], [0.9684245, -0.17812114], atol=1e-8)
    one = one_matrix(np.zeros((1, 1)), np.array([[0.5]]), power_traces(knn_weights(50, 4)))
    assert effects(one, np.ones((1, 1)), np.zeros((1, 1, 1)))[1].item() == pytest.approx(2.0)


# ---- dense
@pytest.mark.parametrize("g", [1, 2, 3])
@pytest.mark.parametrize("normalised", [True, False])
def test_one_matrix_is_the_dense_inverse(g: int, normalised: bool) -> None:
    W = knn_weights(40, 4, seed=g)
    if not normalised:
        W.data = np.random.default_rng(g).uniform(0.2, 2.0, len(W.data))
    s = structure(g, ("W",))
    theta = draw(s, g, 0.1 if normalised else 0.03)
    direct, total = summary_of(dense_effects(s, theta, {"W": W}))
    found = run(s, theta, {"W": W}, draws=0)
    np.testing.assert_allclose(values(found, "direct"), direct, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(values(found, "total"), total, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(values(found, "indirect"), total - direct, rtol=1e-9, atol=1e-12)
    assert found.stable


@pytest.mark.parametrize("g", [1, 2])
def test_two_matrices_are_the_dense_inverse(g: int) -> None:
    graphs = {"W": knn_weights(40, 4, seed=1), "V": knn_weights(40, 3, seed=2)}
    s = structure(g, ("W", "V"))
    theta = draw(s, g, 0.1)
    direct, total = summary_of(dense_effects(s, theta, graphs))
    found = run(s, theta, graphs, draws=60)
    np.testing.assert_allclose(values(found, "direct"), direct, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(values(found, "total"), total, rtol=1e-9, atol=1e-12)
    assert found.how == "exact solves"
    assert found.frame["method"].eq("simulated").all()


def test_no_feedback_over_space_is_closed_form() -> None:
    W = knn_weights(30, 4)
    x = (Term("a", "a"), Term("b", "b"), Term("W(a)", "a", "lag", "W"))
    s = Structure((Equation("y", "y", x),), ("W",))
    found = run(s, np.array([1.0, 2.0, 0.5]), {"W": W}, draws=10)
    np.testing.assert_allclose(values(found, "direct"), [[1.0, 2.0]])
    np.testing.assert_allclose(values(found, "indirect"), [[0.5, 0.0]], atol=1e-15)
    assert found.how == "closed form"
    by_unit = found.by_unit("y", "a")
    np.testing.assert_allclose(by_unit, 1 + 0.5 * np.asarray(W.sum(axis=0)))
    plain = Structure((Equation("y", "y", (Term("a", "a"),)),))
    alone = system_impacts(plain, np.array([3.0]), np.eye(1), {}, ids=pd.Index(["p", "q"]), draws=0)
    assert alone.frame["estimate"].tolist() == [3.0, 0.0, 3.0]
    assert alone.by_unit("y", "a").to_dict() == {"p": 3.0, "q": 3.0}


def test_nonconvergent_series_uses_eigenvalues() -> None:
    W = knn_weights(40, 4)
    s = structure(2, ("W",))
    theta = draw(s, 5, 0.1)
    for j, (_, term) in enumerate(s.terms):
        if term.variable.startswith("y") and term.weights is None:
            theta[j] = 1.4  # det(I - B) = 1 - 1.96 < 0
    theta[[j for j, (e, t) in enumerate(s.terms) if t.name == f"W({e})"]] = [1.3, -0.9]
    direct, total = summary_of(dense_effects(s, theta, {"W": W}))
    found = run(s, theta, {"W": W}, draws=50)
    np.testing.assert_allclose(values(found, "direct"), direct, rtol=1e-8)
    np.testing.assert_allclose(values(found, "total"), total, rtol=1e-8)
    assert not found.stable
    assert "no economic meaning" in found.summary()
    with pytest.raises(DataError, match="Orders of neighbours add up only where the power series converges"):
        found.by_order()


def test_large_nonconvergent_series_is_refused_in_words() -> None:
    W = knn_weights(700, 5)  # more units than eigenvalues are computed for
    found = run(single(), np.array([1.3, 1.0, 2.0]), {"W": W}, draws=0)
    rows = found.frame.set_index(["term", "effect"])["estimate"]
    assert np.isnan(rows["a", "direct"])
    assert rows["a", "total"] == pytest.approx(1 / (1 - 1.3))
    assert "the eigenvalues of W are not known" in found.summary()


# ---- traces
def test_three_ways_to_the_traces_agree() -> None:
    W = knn_weights(300, 6)
    by_eigenvalues = power_traces(W)
    assert by_eigenvalues.method == "eigenvalues"
    by_units = traces_module._by_units(W, 100, 1)
    np.testing.assert_allclose(by_eigenvalues.values, by_units, atol=1e-13)
    by_probes = power_traces(W, probes=400, seed=3)
    gap = np.abs(by_probes.values - by_units)
    assert (gap <= 5 * by_probes.std_errors + 1e-14).all()
    assert gap[:4].max() < 1e-14  # tau_0 to tau_3 are exact
    assert by_probes.method == "400 random probes"
    again = power_traces(sparse.csr_array(W), probes=400, seed=3)
    assert again is by_probes  # by content, not by identity
    other = traces_module._compute(W, 100, 400, 4, 2)
    assert np.abs(other.values - by_probes.values).max() > 0


def test_middle_sizes_use_exact_powers() -> None:
    W = knn_weights(650, 4)
    found = power_traces(W, order=30)
    assert found.method == "exact powers"
    dense = W.toarray()
    power = np.linalg.matrix_power(dense, 30)
    assert found.values[30] == pytest.approx(np.trace(power) / 650, rel=1e-10)
    assert found.bounds == pytest.approx((-1.0, 1.0))


def test_symmetrizer_finds_what_row_standardization_did() -> None:
    W = queen(8)
    d = symmetrizer(W)
    assert d is not None
    scaled = d[:, None] * W.toarray()
    np.testing.assert_allclose(scaled, scaled.T, atol=1e-14)
    assert symmetrizer(knn_weights(40, 3)) is None
    assert symmetrizer(sparse.csr_array(-W)) is None
    islands = sparse.csr_array(sparse.block_diag([W, W, sparse.csr_array((2, 2))]))
    assert symmetrizer(islands) is not None
    np.testing.assert_allclose(power_traces(islands).values[2] * 130, 2 * power_traces(W).values[2] * 64)


# ---- standard errors
def test_delta_errors_of_one_and_of_several_weights_agree() -> None:
    W = knn_weights(40, 4)
    s = structure(2, ("W",))
    theta = draw(s, 6, 0.12)
    A = np.random.default_rng(1).normal(size=(len(theta), len(theta)))
    V = A @ A.T * 1e-5
    one = run(s, theta, {"W": W}, covariance=V, draws=0)
    # The same matrix under a second name: the solver has to find the same numbers.
    two = Structure(
        tuple(
            Equation(
                e.name,
                e.outcome,
                (*e.terms, Term("V(a)", "a", "lag", "V")),
            )
            for e in s.equations
        ),
        ("W", "V"),
    )
    place = [j for j, (_, t) in enumerate(two.terms) if t.name != "V(a)"]
    wide, spread = np.zeros(two.n_parameters), np.zeros((two.n_parameters, two.n_parameters))
    wide[place], spread[np.ix_(place, place)] = theta, V
    other = run(two, wide, {"W": W, "V": W}, covariance=spread, draws=0)
    assert other.how == "exact solves"
    np.testing.assert_allclose(
        other.frame["std_error_delta"], one.frame["std_error_delta"], rtol=1e-6, atol=1e-12
    )


def test_simulated_and_delta_errors_agree_when_small_and_are_reported_when_not() -> None:
    W = knn_weights(60, 5)
    theta = np.array([0.3, 1.0, 2.0])
    calm = run(single(), theta, {"W": W}, covariance=np.diag([1e-4, 1e-3, 1e-3]), draws=2000)
    np.testing.assert_allclose(calm.frame["std_error"], calm.frame["std_error_delta"], rtol=0.1)
    assert not any("differ by more" in note for note in calm.notes)
    wild = run(
        single(), np.array([0.8, 1.0, 2.0]), {"W": W}, covariance=np.diag([0.01, 1e-3, 1e-3]), draws=1000
    )
    assert any("Delta and simulated standard errors differ by more than 10%" in note for note in wild.notes)
    assert 0 < wild.share_unstable < 0.2
    assert "lie outside the stable region and were left out" in wild.summary()


@pytest.mark.slow
@pytest.mark.parametrize("draws", [200])
def test_intervals_cover_the_true_effects(draws: int) -> None:
    # Estimates drawn from the law that the covariance says: 95 percent of intervals hold the truth.
    W, s = knn_weights(80, 5), structure(2, ("W",), durbin=False)
    theta = draw(s, 21, 0.12)
    rng = np.random.default_rng(22)
    A = rng.normal(size=(len(theta), len(theta))) / np.sqrt(len(theta))
    V = 0.05**2 * (A @ A.T + 0.2 * np.eye(len(theta)))
    root = np.linalg.cholesky(V)
    truth = run(s, theta, {"W": W}, draws=0).frame["estimate"]
    inside = []
    for repeat in range(100):
        guess = theta + root @ rng.normal(size=len(theta))
        frame = run(s, guess, {"W": W}, covariance=V, draws=draws, seed=repeat).frame
        inside.append((frame["conf_low"] <= truth) & (truth <= frame["conf_high"]))
    coverage = np.mean(inside, axis=0)
    # Twelve effects of 100 draws each, correlated: three standard errors are 0.06.
    assert (coverage > 0.87).all()
    assert 0.92 < coverage.mean() < 0.98


def test_one_seed_one_answer() -> None:
    W = knn_weights(40, 5)
    theta = np.array([0.4, 1.0, 2.0])
    a, b = (run(single(), theta, {"W": W}, seed=7, draws=1000) for _ in range(2))
    pd.testing.assert_frame_equal(a.frame, b.frame)
    assert a.summary() == b.summary()
    c = run(single(), theta, {"W": W}, seed=8, draws=1000)
    assert (a.frame["std_error"] != c.frame["std_error"]).all()


def test_dense_draws_are_the_single_solutions() -> None:
    graphs = [knn_weights(20, 4, seed=1), knn_weights(20, 3, seed=2)]
    rng = np.random.default_rng(0)
    B = rng.normal(size=(3, 2, 2)) * 0.1 * (1 - np.eye(2))
    Lambda = rng.normal(size=(2, 3, 2, 2)) * 0.1
    many = dense_draws(B, Lambda, graphs)
    for k in range(3):
        system = ReducedForm(B[k], Lambda[:, k], graphs)
        direct = bilinear(system, np.eye(20) * np.sqrt(20), gradient=False).values
        total = bilinear(system, np.ones((20, 1)), gradient=False).values
        np.testing.assert_allclose(many.direct[k], direct[0], rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(many.direct_lag[:, k], direct[1:], rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(many.total_lag[:, k], total[1:], rtol=1e-9, atol=1e-14)


def test_iterative_solver_matches_the_factorisation(monkeypatch: pytest.MonkeyPatch) -> None:
    from spatial.models.impacts import solve

    graphs = [knn_weights(200, 5)]
    system = ReducedForm(np.array([[0, 0.3], [0.2, 0]]), np.array([[[0.4, 0.1], [0.1, 0.3]]]), graphs)
    right = np.random.default_rng(0).normal(size=(400, 3))
    direct, back = system.solve(right), system.solve(right, transposed=True)
    monkeypatch.setattr(solve, "DIRECT_LIMIT", 10)
    np.testing.assert_allclose(system.solve(right), direct, atol=1e-8)
    np.testing.assert_allclose(system.solve(right, transposed=True), back, atol=1e-8)
    singular = ReducedForm(np.zeros((1, 1)), np.array([[[1.0]]]), graphs)
    with pytest.raises(ConvergenceError, match="close to the edge of stability"):
        singular.solve(np.ones((200, 1)))


@pytest.mark.parametrize("lam", [0.6, -0.6])
def test_the_error_that_probes_leave_is_named_and_is_a_bound(
    lam: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty seeds: the root mean square of errors over the one that is said is below 1.3, and not tiny."""
    W, s = queen(12), single(durbin=True)
    theta = np.array([lam, 1.0, -0.5, 0.3, 0.2])
    exact = EffectMap(s, {"W": W})
    assert exact.probe_error(theta) == 0
    plain = power_traces
    monkeypatch.setattr(
        "spatial.models.impacts.map.power_traces", lambda W, seed: plain(W, probes=24, seed=seed)
    )
    ratios = []
    for seed in range(40):
        found = EffectMap(s, {"W": W}, seed=seed)
        gap = np.abs(found.evaluate(theta)[0] - exact.evaluate(theta)[0]).max()
        ratios.append(gap / found.probe_error(theta))
    assert 0.1 < np.sqrt(np.mean(np.square(ratios))) < 1.3
    said = f"24 random probes leave a standard error of at most {found.probe_error(theta):.1g} in direct"
    assert said in run(s, theta, {"W": W}, seed=39).notes[-1]
