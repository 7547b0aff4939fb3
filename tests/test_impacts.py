"""Impacts against R's spatialreg, dense inverses and the properties that define them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatial.errors import ConvergenceError, DataError
from spatial.models import _traces as traces_module
from spatial.models._impact_core import EffectMap
from spatial.models._impact_errors import nonlinear_terms
from spatial.models._multipliers import effects, one_matrix
from spatial.models._solve import ReducedForm, bilinear, dense_draws
from spatial.models._structure import Equation, Structure, Term
from spatial.models._traces import power_traces, symmetrizer
from spatial.models.impacts import Impacts, system_impacts
from spatial.models.system import SpatialSystem
from spatial.weights import Weights


def knn_weights(n: int, k: int, seed: int = 0) -> sparse.csr_array:
    from scipy.spatial import cKDTree

    points = np.random.default_rng(seed).uniform(size=(n, 2))
    near = cKDTree(points).query(points, k + 1)[1][:, 1:]
    return sparse.csr_array((np.full(n * k, 1 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))


def queen(side: int) -> sparse.csr_array:
    from libpysal.weights import lat2W

    W = sparse.csr_array(lat2W(side, side, rook=False).sparse)
    return sparse.csr_array(sparse.diags_array(1 / W.sum(axis=1)) @ W)


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


def summary_of(E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = E.shape[-1]
    return np.trace(E, axis1=2, axis2=3) / n, E.sum(axis=(2, 3)) / n


def values(found: Impacts, effect: str) -> np.ndarray:
    rows = found.frame[found.frame["effect"] == effect]
    return rows["estimate"].to_numpy().reshape(found._map.structure.n_equations, -1)


def run(s: Structure, theta: np.ndarray, graphs: dict[str, sparse.csr_array], **options: object) -> Impacts:
    n = next(iter(graphs.values())).shape[0]
    ids = pd.Index([f"u{i:02d}" for i in range(n)])
    covariance = options.pop("covariance", np.eye(len(theta)) * 1e-4)
    return system_impacts(s, theta, covariance, graphs, ids=ids, **options)


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


def single(durbin: bool = False) -> Structure:
    terms = (Term("W(y)", "y", "lag", "W", role="endogenous"), Term("a", "a"), Term("b", "b"))
    if durbin:
        terms = (*terms, Term("W(a)", "a", "lag", "W"), Term("W(b)", "b", "lag", "W"))
    return Structure((Equation("y", "y", terms),), ("W",))


@pytest.mark.parametrize("peer", [LAG, DURBIN], ids=["lag", "durbin"])
def test_impacts_are_those_of_spatialreg(columbus: sparse.csr_array, peer: Peer) -> None:
    theta = np.array([peer.lam, *peer.slopes, *peer.lagged])
    found = run(single(durbin=True), theta, {"W": columbus}, draws=0)
    np.testing.assert_allclose(values(found, "direct")[0], peer.direct, rtol=1e-10)
    np.testing.assert_allclose(values(found, "indirect")[0], peer.indirect, rtol=1e-10)


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
    by_units = traces_module._by_units(W, 100)
    np.testing.assert_allclose(by_eigenvalues.values, by_units, atol=1e-13)
    by_probes = power_traces(W, probes=400, seed=3)
    gap = np.abs(by_probes.values - by_units)
    assert (gap <= 5 * by_probes.std_errors + 1e-14).all()
    assert gap[:4].max() < 1e-14  # tau_0 to tau_3 are exact
    assert by_probes.method == "400 random probes"
    again = power_traces(sparse.csr_array(W), probes=400, seed=3)
    assert again is by_probes  # by content, not by identity
    other = traces_module._compute(W, 100, 400, 4)
    assert np.abs(other.values - by_probes.values).max() > 0


def test_middle_sizes_use_exact_powers() -> None:
    W = knn_weights(650, 4)
    found = power_traces(W, order=30)
    assert found.method == "exact powers"
    dense = W.toarray()
    power = np.linalg.matrix_power(dense, 30)
    assert found.values[30] == pytest.approx(np.trace(power) / 650, rel=1e-10)
    assert found.bounds == (-1.0, 1.0) or found.bounds == pytest.approx((-1.0, 1.0))


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
    wild = run(single(), np.array([0.8, 1.0, 2.0]), {"W": W}, covariance=np.diag([0.01, 1e-3, 1e-3]))
    assert any("Delta and simulated standard errors differ by more than 10%" in note for note in wild.notes)
    assert 0 < wild.share_unstable < 0.2
    assert "lie outside the stable region and were left out" in wild.summary()


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
    a, b = (run(single(), theta, {"W": W}, seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(a.frame, b.frame)
    assert a.summary() == b.summary()
    c = run(single(), theta, {"W": W}, seed=8)
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
    from spatial.models import _solve

    graphs = [knn_weights(200, 5)]
    system = ReducedForm(np.array([[0, 0.3], [0.2, 0]]), np.array([[[0.4, 0.1], [0.1, 0.3]]]), graphs)
    right = np.random.default_rng(0).normal(size=(400, 3))
    direct, back = system.solve(right), system.solve(right, transposed=True)
    monkeypatch.setattr(_solve, "DIRECT_LIMIT", 10)
    np.testing.assert_allclose(system.solve(right), direct, atol=1e-8)
    np.testing.assert_allclose(system.solve(right, transposed=True), back, atol=1e-8)
    singular = ReducedForm(np.zeros((1, 1)), np.array([[[1.0]]]), graphs)
    with pytest.raises(ConvergenceError, match="close to the edge of stability"):
        singular.solve(np.ones((200, 1)))


# ---- the parts
@pytest.mark.parametrize("weights", [("W",), ("W", "V")])
def test_orders_add_up_to_the_effects(weights: tuple[str, ...]) -> None:
    graphs = {w: knn_weights(30, 4, seed=j) for j, w in enumerate(weights)}
    s = structure(2, weights)
    theta = draw(s, 8, 0.1)
    found = run(s, theta, graphs, draws=0)
    table = found.by_order(4)
    sums = table.groupby(["outcome", "term"], sort=False)[["direct", "total"]].sum()
    np.testing.assert_allclose(sums["direct"], values(found, "direct").ravel(), rtol=1e-9)
    np.testing.assert_allclose(sums["total"], values(found, "total").ravel(), rtol=1e-9)
    # Order 1 by hand: the first power of each W, in the regressor or in the feedback.
    m = s.system_matrices(theta)
    inverse = np.linalg.inv(np.eye(2) - m.B)
    a = s.regressors.index("a")
    first = sum(inverse @ (m.Lambda[w] @ inverse @ m.C[:, a] + m.D[w][:, a]) for w in weights)
    rows = table[(table["order"] == 1) & (table["term"] == "a")]
    np.testing.assert_allclose(rows["total"], first, rtol=1e-10)
    np.testing.assert_allclose(rows["direct"], 0, atol=1e-12)
    tail = table[table["order"] == "rest"]["total"].abs().max()
    assert tail < table[table["order"] == 0]["total"].abs().max()


def test_units_average_to_the_effects_and_are_the_dense_sums() -> None:
    graphs = {"W": knn_weights(30, 4)}
    s = structure(2, ("W",))
    theta = draw(s, 9, 0.1)
    found = run(s, theta, graphs, draws=0)
    E = dense_effects(s, theta, graphs)[1, 0]  # a on y1
    sent, received = found.by_unit("y1", "a"), found.by_unit("y1", "a", "received")
    own = found.by_unit("y1", "a", kind="direct")
    np.testing.assert_allclose(sent, E.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(received, E.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(own, np.diag(E), rtol=1e-9)
    assert sent.index.tolist() == [f"u{i:02d}" for i in range(30)]
    assert sent.name == "sent: a on y1"
    row = found.frame[(found.frame["outcome"] == "y1") & (found.frame["term"] == "a")].set_index("effect")
    assert sent.mean() == pytest.approx(row.loc["total", "estimate"])
    assert own.mean() == pytest.approx(row.loc["direct", "estimate"])


def test_order_of_units_does_not_matter() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 10, 0.1)
    turn = np.random.default_rng(0).permutation(30)
    ids = pd.Index([f"u{i:02d}" for i in range(30)])
    V = np.eye(len(theta)) * 1e-4
    a = system_impacts(s, theta, V, {"W": W}, ids=ids)
    b = system_impacts(s, theta, V, {"W": sparse.csr_array(W[turn][:, turn])}, ids=ids[turn])
    pd.testing.assert_frame_equal(a.frame, b.frame, rtol=1e-8)
    pd.testing.assert_series_equal(a.by_unit("y0", "b"), b.by_unit("y0", "b").loc[ids], rtol=1e-8)


def test_cross_multipliers_are_the_inverse() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 11, 0.1)
    m = s.system_matrices(theta)
    found = run(s, theta, {"W": W}).cross_multipliers
    total = found[found["effect"] == "total"].pivot(index="outcome", columns="shock", values="estimate")
    np.testing.assert_allclose(total, np.linalg.inv(np.eye(2) - m.B - m.Lambda["W"]), rtol=1e-10)
    assert "term" not in found.columns
    assert found["std_error"].gt(0).all()


def test_short_form_stands_beside_equilibrium() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 12, 0.1)
    table = run(s, theta, {"W": W}, draws=0).structural().set_index(["outcome", "term"])
    m = s.system_matrices(theta)
    a = s.regressors.index("a")
    assert table.loc[("y1", "a"), "own"] == m.C[1, a]
    assert table.loc[("y1", "a"), "lagged"] == pytest.approx(m.D["W"][1, a])
    row = table.loc[("y0", "b")]
    assert row["feedback"] == pytest.approx(row["direct"] - row["own"])
    assert row["total"] == pytest.approx(row["direct"] + row["indirect"])


def test_long_run_sets_yesterday_to_today() -> None:
    W = knn_weights(30, 4)
    terms = (
        Term("W(y)", "y", "lag", "W", role="endogenous"),
        Term("lag(y, 1)", "y", shift=1, role="predetermined"),
        Term("a", "a"),
        Term("lag(a, 1)", "lag(a, 1)"),
    )
    s = Structure((Equation("y", "y", terms),), ("W",))
    theta = np.array([0.3, 0.4, 1.0, 0.5])
    short, long = (run(s, theta, {"W": W}, draws=0, horizon=h) for h in ("short", "long"))
    rows = short.frame.set_index(["term", "effect"])["estimate"]
    assert rows["a", "total"] == pytest.approx(1 / 0.7)
    assert rows["lag(a, 1)", "total"] == pytest.approx(0.5 / 0.7)
    rows = long.frame.set_index(["term", "effect"])["estimate"]
    assert rows["a", "total"] == pytest.approx(1.5 / (1 - 0.3 - 0.4))
    assert list(dict.fromkeys(long.frame["term"])) == ["a"]
    assert "long run" in long.summary()
    assert "horizon='long' gives those of a lasting change" in short.summary()
    assert long.notes == ()
    # 0.3 + 0.8 > 1: each shock grows for ever.
    explosive = run(s, np.array([0.3, 0.8, 1.0, 0.5]), {"W": W}, draws=0, horizon="long")
    assert explosive.notes[0] == "A shock does not die out over time: there is no long run."


def test_functions_of_outcomes_are_taken_as_given_and_said_so() -> None:
    square = Term("I(y**2)", "I(y**2)", role="endogenous")
    s = Structure((Equation("y", "log(y)", (square, Term("a", "a"))),))
    found = system_impacts(s, np.array([0.1, 2.0]), np.eye(2), {}, ids=pd.Index(["p", "q"]), draws=0)
    assert found.notes == (
        "I(y**2) is made of an outcome: the system is not linear, and these effects take I(y**2) as given.",
    )
    declared = Structure((Equation("y", "log(y)", (Term("log(e)", "log(e)", role="endogenous"),)),))
    assert nonlinear_terms(declared) == ()


def test_system_without_regressors_says_so() -> None:
    lag = Term("W(y)", "y", "lag", "W", role="endogenous")
    s = Structure((Equation("y", "y", (lag,)),), ("W",))
    found = run(s, np.array([0.3]), {"W": knn_weights(20, 3)})
    assert found.summary() == "Effects in equilibrium: the system has no regressor; see cross_multipliers."
    assert found.cross_multipliers["estimate"].iloc[2] == pytest.approx(1 / 0.7)


def test_scaling_weights_scales_lambda_back() -> None:
    W = knn_weights(30, 4)
    a = run(single(), np.array([0.4, 1.0, 2.0]), {"W": W}, draws=0)
    b = run(single(), np.array([0.4 / 7, 1.0, 2.0]), {"W": 7 * W}, draws=0)
    np.testing.assert_allclose(a.frame["estimate"], b.frame["estimate"], rtol=1e-10)


def test_tables_and_plot() -> None:
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)})
    statistics = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert list(found.tidy().columns[:9]) == ["outcome", "term", "effect", *statistics]
    assert list(dict.fromkeys(found.tidy()["effect"])) == ["direct", "indirect", "total"]
    assert found.glance().loc[0, "draws"] == 1000
    assert "Standard errors in parentheses: simulated, 1000 draws, seed 0" in str(found)
    assert repr(found) == "<Impacts of 2 regressors on y; traces of powers of W by eigenvalues>"
    ax = found.plot()
    assert ax.get_xlabel() == "effect on y"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["b", "a"] or len(ax.get_yticklabels()) == 2


def test_bad_requests_name_what_is_allowed() -> None:
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=0)
    with pytest.raises(DataError, match=r"outcome is one of 'y'; got 'z'"):
        found.by_unit("z", "a")
    with pytest.raises(DataError, match=r"term is one of 'a', 'b', 'shock in y'; got 'c'"):
        found.by_unit("y", "c")
    with pytest.raises(DataError, match="kind is one of 'sent', 'received', 'direct'; got 'all'"):
        found.by_unit("y", "a", "all")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"draws is 0, or a whole number above 1; got -1"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=-1)
    with pytest.raises(DataError, match="horizon is one of 'short', 'long'; got 'medium'"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, horizon="medium")
    with pytest.raises(DataError, match=r"whole number of orders from 0 to 50; got 1\.5"):
        found.by_order(1.5)  # type: ignore[arg-type]


def test_own_effects_of_many_units_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from spatial.models import _impact_parts

    monkeypatch.setattr(_impact_parts, "OWN_LIMIT", 20)
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=0)
    with pytest.raises(
        DataError, match="for each of 30 units; that is offered up to 20 units with 1 equations"
    ):
        found.by_unit("y", "a", "direct")


def test_several_weights_and_many_units_use_delta_alone() -> None:
    graphs = {"W": knn_weights(310, 4, seed=1), "V": knn_weights(310, 3, seed=2)}
    s = structure(1, ("W", "V"), durbin=False)
    theta = draw(s, 3, 0.1)
    found = run(s, theta, graphs, draws=100)
    assert found.frame["method"].eq("delta").all()
    assert "by the delta method alone" in found.summary()
    assert found.draws == 0
    few = EffectMap(s, graphs)
    rough = bilinear(
        ReducedForm(*_first(few, theta), list(graphs.values())),
        np.random.default_rng(0).choice([-1.0, 1.0], (310, 64)),
    )
    exact = values(found, "direct")[0, 0] / theta[[t.name for _, t in s.terms].index("a")]
    assert rough.values[0, 0, 0] == pytest.approx(exact, abs=0.02)


def _first(effect_map: EffectMap, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    c = effect_map.coefficients(theta)
    return c.B, c.Lambda
