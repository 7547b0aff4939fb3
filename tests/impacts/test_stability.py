"""The stability report against published systems and against dense eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from impacts_cases import knn_weights
from scipy import sparse

from spatial.models.impacts import solve
from spatial.models.impacts.solve import ReducedForm
from spatial.models.impacts.spectrum import spectrum
from spatial.models.impacts.stability import system_stability
from spatial.models.impacts.traces import power_traces
from spatial.weights.normalization import radius_bound

W = knn_weights(60, 5)


def value(report: object, start: str) -> float:
    rows = report.frame[report.frame["check"].str.startswith(start)]
    return float(rows["value"].iloc[0])


# Bai, industrial agglomeration and resilience, table 2: what the published coefficients imply.
TABLE_2 = (np.array([[0, 0.439], [9.304, 0]]), np.array([[0.653, -0.378], [-6.852, 1.351]]))


@pytest.mark.evidence(
    "models.Stability",
    digits=2,
    source="Bai, Table 2: determinant -3.08, spectral radius 2.02",
    differs="printed to two decimals",
)
def test_published_system_has_no_meaningful_reduced_form() -> None:
    report = system_stability(TABLE_2[0], [TABLE_2[1]], [W], names=["ER", "PSS"])
    assert value(report, "det(I - B)") == pytest.approx(-3.08, abs=0.005)
    assert value(report, "largest |eigenvalue| of B") == pytest.approx(2.02, abs=0.005)
    np.testing.assert_allclose(report.multipliers, [[1.29, -0.23], [-9.04, -1.28]], atol=0.0055)
    assert not report.stable
    text = str(report)
    assert "checks FAIL" in text
    assert "PSS on ER: slope 0.439, equilibrium multiplier -0.2248: the conclusion reverses." in text
    assert "structural slopes" in text


def test_published_second_system() -> None:
    # Table 3: only det(I - B) = -2.51 and rho(B) = 1.87 are in the source; both follow from b12 b21 = 3.51.
    B = np.array([[0, 0.5], [3.51 / 0.5, 0]])
    report = system_stability(B, [], [], names=["ER", "PSD"])
    assert value(report, "det(I - B)") == pytest.approx(-2.51)
    assert value(report, "largest |eigenvalue| of B") == pytest.approx(1.87, abs=0.005)


def test_stable_system_says_so() -> None:
    B, Lambda = np.array([[0, 0.4], [0.3, 0]]), np.array([[0.3, 0.1], [0.1, 0.3]])
    report = system_stability(B, [Lambda], [W], names=["a", "b"], rho={"a": (0.4, 0.999)})
    assert report.stable
    assert report.reversals == ()
    assert str(report).startswith("Stability: all checks hold")
    assert value(report, "|rho| of a") == 0.4
    # Totals of (1, -0.5) and d = (0.2, 0.1), GS3SLS.md A7, from the same multipliers.
    totals = report.multipliers.to_numpy() @ np.array([1.2, -0.4])
    np.testing.assert_allclose(totals, [2.20689655, 0.68965517], atol=1e-8)


def test_numbers_are_those_of_the_dense_system() -> None:
    B, Lambda = np.array([[0, 0.4], [0.3, 0]]), np.array([[0.3, -0.2], [0.1, 0.3]])
    report = system_stability(B, [Lambda], [W], names=["a", "b"])
    dense = W.toarray()
    reply = np.kron(B, np.eye(60)) + np.kron(Lambda, dense)
    assert value(report, "largest |eigenvalue| of B + omega") == pytest.approx(
        np.abs(np.linalg.eigvals(reply)).max(), rel=1e-9
    )
    gamma = np.linalg.solve(np.eye(2) - B, Lambda)
    series = np.abs(np.linalg.eigvals(np.kron(gamma, dense))).max()
    assert value(report, "largest |eigenvalue| of (I - B)^-1") == pytest.approx(series, rel=1e-9)
    # det S is the product of the small determinants: all positive, so it is positive.
    sign, _ = np.linalg.slogdet(np.eye(120) - reply)
    assert (sign > 0) == (value(report, "smallest det") > 0)


def test_each_failure_is_named() -> None:
    one = np.zeros((1, 1))
    report = system_stability(one, [np.array([[1.2]])], [W], names=["y"])
    failed = report.frame.loc[~report.frame["ok"], "check"].tolist()
    assert any("det(I - B - omega" in check for check in failed)
    assert any("(I - B)^-1 Lambda" in check for check in failed)
    edge = system_stability(one, [np.array([[0.2]])], [W], names=["y"], rho={"y": (-0.999, 0.999)})
    assert edge.frame.loc[~edge.frame["ok"], "check"].tolist() == ["|rho| of y"]
    nothing = system_stability(one, [np.array([[0.0]])], [W], names=["y"])
    assert str(nothing) == "Stability: no feedback in the system, nothing to check."
    assert nothing.stable


def test_several_weights_against_dense() -> None:
    other = knn_weights(60, 4, seed=1)
    B = np.array([[0, 0.3], [0.2, 0]])
    L1, L2 = np.array([[0.2, 0.1], [0.0, 0.2]]), np.array([[0.1, 0.0], [0.1, 0.1]])
    report = system_stability(B, [L1, L2], [W, other], names=["a", "b"])
    reply = np.kron(B, np.eye(60)) + np.kron(L1, W.toarray()) + np.kron(L2, other.toarray())
    assert value(report, "largest |eigenvalue| of B + sum") == pytest.approx(
        np.abs(np.linalg.eigvals(reply)).max(), rel=1e-6
    )
    assert report.stable
    assert value(report, "sign of det S") == 1.0
    np.testing.assert_allclose(report.multipliers, np.linalg.inv(np.eye(2) - B - L1 - L2))
    bad = system_stability(B * 5, [L1, L2], [W, other], names=["a", "b"])
    sign, _ = np.linalg.slogdet(np.eye(120) - reply - np.kron(4 * B, np.eye(60)))
    assert value(bad, "sign of det S") == sign
    system = ReducedForm(B * 5, np.array([L1, L2]), [W, other])
    assert system.sign_is_one() == (sign > 0)


def test_dynamics_by_the_companion_matrix() -> None:
    one = np.zeros((1, 1))
    shifts = {1: (np.array([[0.5]]), [np.array([[0.2]])])}
    report = system_stability(one, [np.array([[0.3]])], [W], names=["y"], shifts=shifts)
    dense = W.toarray()
    step = np.linalg.solve(np.eye(60) - 0.3 * dense, 0.5 * np.eye(60) + 0.2 * dense)
    assert value(report, "largest |eigenvalue| of the dynamics") == pytest.approx(
        np.abs(np.linalg.eigvals(step)).max(), rel=1e-8
    )
    two = {1: (np.array([[0.5]]), []), 2: (np.array([[0.6]]), [])}
    explosive = system_stability(one, [], [], names=["y"], shifts=two)
    roots = np.abs(np.roots([1, -0.5, -0.6]))
    assert value(explosive, "largest") == pytest.approx(roots.max())
    assert not explosive.stable
    assert "no long run" in str(explosive)


def test_the_circle_encloses_and_is_refined_when_it_fails() -> None:
    n = 700
    ring = sparse.csr_array(np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)) / 2
    quick, exact = spectrum(ring), spectrum(ring, thorough=True)
    assert not quick.exact
    assert exact.exact
    assert quick.radius >= exact.radius - 1e-12
    # Own feedback of -1.1 fails on the circle and on the ring itself, whose eigenvalues reach -1.
    report = system_stability(np.zeros((1, 1)), [np.array([[-1.1]])], [ring], names=["y"])
    assert not report.stable
    assert report.notes == ()
    asymmetric = knn_weights(n, 5)
    loose = system_stability(np.zeros((1, 1)), [np.array([[-1.1]])], [asymmetric], names=["y"])
    assert "enclosed in a circle" in str(loose)


def test_spectral_radius_bounds_the_eigenvalues() -> None:
    rng = np.random.default_rng(3)
    for normalise in (True, False):
        raw = knn_weights(80, 4, seed=4)
        if not normalise:
            raw.data = rng.uniform(0.1, 3, len(raw.data))
        true = np.abs(np.linalg.eigvals(raw.toarray())).max()
        assert radius_bound(raw) >= true - 1e-9
        assert radius_bound(raw) <= 1.05 * true
        assert power_traces(raw).radius == pytest.approx(true)
    signed = raw.copy()
    signed.data *= rng.choice([-1.0, 1.0], len(signed.data))
    assert radius_bound(signed) >= np.abs(np.linalg.eigvals(signed.toarray())).max()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_system_without_zeros_is_solved_by_dense_arithmetic_as_by_sparse(
    monkeypatch: pytest.MonkeyPatch, swapped: bool
) -> None:
    rng = np.random.default_rng(2)
    full = rng.random((30, 30))
    np.fill_diagonal(full, 0)
    dense = sparse.csr_array(full / full.sum(axis=1, keepdims=True))
    B = np.array([[0.0, 1.6], [0.9, 0.0]]) if swapped else np.array([[0.0, 0.3], [0.2, 0.0]])
    right = rng.normal(size=(60, 3))
    arguments = (B, np.array([np.diag([0.4, 0.2])]), [dense])
    one = ReducedForm(*arguments)
    assert hasattr(one._factor, "lu")
    monkeypatch.setattr(solve, "_FULL", 2.0)
    other = ReducedForm(*arguments)
    assert not hasattr(other._factor, "lu")
    for transposed in (False, True):
        found = one.solve(right, transposed=transposed)
        np.testing.assert_allclose(found, other.solve(right, transposed=transposed), rtol=1e-10)
    sign = np.linalg.slogdet(one.matrix.toarray())[0]
    assert one.sign_is_one() == other.sign_is_one() == (sign > 0)
