"""Moran of residuals and the LM family after least squares, with weights that are given."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatial.errors import DataError
from spatial.models.diagnostics.space import centred_square, centring
from spatial.models.system import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights


# ---- least squares, with weights given
def _plain(times: int = 1, seed: int = 8) -> tuple[pd.DataFrame | Panel, Weights]:
    rng = np.random.default_rng(seed)
    n = 60
    graph = np.zeros((n, n))
    for i in range(n):
        graph[i, rng.choice(np.delete(np.arange(n), i), 5, replace=False)] = 1.0
    W = Weights.from_dense(graph, ids=range(n)).row_standardized()
    frame = pd.DataFrame(rng.normal(size=(n * times, 3)), columns=["x", "z", "y"])
    frame["y"] += frame["x"]
    frame["i"], frame["t"] = np.tile(range(n), times), np.repeat(range(times), n)
    if times == 1:
        return frame.set_index("i")[["x", "z", "y"]], W
    return Panel.from_frame(frame, unit="i", time="t"), W


@pytest.mark.evidence("models.SystemFit.moran", source="spreg OLS, moran_res")
def test_weights_that_are_given_are_used_after_least_squares() -> None:
    """Against spreg: LM tests and Moran's I of the residuals, its moments given the regressors."""
    import spreg

    data, W = _plain()
    fit = SpatialSystem("y ~ x + z", data, W).fit("ols", cov="hom")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = spreg.OLS(
            data[["y"]].to_numpy(), data[["x", "z"]].to_numpy(), w=W.to_w(), spat_diag=True, moran=True
        )
    tests = fit.diagnostics()
    names = {"LM lag": "lm_lag", "LM error": "lm_error", "Robust LM lag": "rlm_lag"}
    names |= {"Robust LM error": "rlm_error", "LM SARMA": "lm_sarma"}
    for ours, theirs in names.items():
        statistic, p_value = getattr(oracle, theirs)
        assert tests.test(ours, "y").statistic == pytest.approx(statistic, rel=1e-9)
        assert tests.test(ours, "y").p_value == pytest.approx(p_value, rel=1e-9)
    row = fit.moran(permutations=99).tidy().iloc[0]
    assert tuple(row[["I", "z", "p_value"]]) == pytest.approx(oracle.moran_res, rel=1e-9)
    assert 0 < row["p_sim"] <= 1
    assert row["weights"] == "W"


@pytest.mark.evidence("models.ResidualMoran", source="400 panels of normal errors", kind="simulation")
@pytest.mark.slow
def test_the_moments_of_residual_moran_are_those_of_normal_errors(
    record_property: Callable[[str, object], None],
) -> None:
    """In a panel with both effects: mean and variance over draws of the errors."""
    panel, W = _plain(times=4)
    rng = np.random.default_rng(2)
    found = []
    for _ in range(400):
        data = panel.with_columns(y=lambda f: rng.normal(size=len(f)))
        fit = SpatialSystem("y ~ x + z", data, W, effects=("unit", "time")).fit("ols")
        found.append(fit.moran(permutations=0).tidy().iloc[0])
    drawn = pd.DataFrame(found)
    error = float(drawn["std_error"].iloc[0])
    assert drawn["std_error"].std() < 1e-12
    assert abs(drawn["I"].mean() - drawn["expected"].iloc[0]) < 3 * error / 20
    assert drawn["I"].std() == pytest.approx(error, rel=0.11)
    for column in ("p_value", "p_clustered"):
        record_property(f"size of {column} at 5 %", f"{(drawn[column] < 0.05).mean():.3f} in 400 panels")
        assert 0.02 <= (drawn[column] < 0.05).mean() <= 0.085


def test_clustered_forms_come_first_unless_errors_are_homoskedastic() -> None:
    panel, W = _plain(times=4)
    system = SpatialSystem("y ~ x + z", panel, W, effects=("unit",))
    names = system.fit("ols").diagnostics().frame["test"].tolist()
    assert names.index("LM error (clustered)") < names.index("LM error")
    plain = system.fit("ols", cov="hom").diagnostics().frame["test"].tolist()
    assert plain.index("LM error") < plain.index("LM error (clustered)")


def test_moran_of_residuals_says_what_it_needs() -> None:
    data, W = _plain()
    fit = SpatialSystem("y ~ x", data).fit("ols")
    with pytest.raises(DataError, match="needs weights: SpatialSystem"):
        fit.moran()
    with pytest.raises(DataError, match="There are no weights 'D'; there are W"):
        SpatialSystem("y ~ x", data, W).fit("ols").moran("D")
    with pytest.raises(DataError, match=r"permutations is a whole number, 0 or more; got 1\.5"):
        SpatialSystem("y ~ x", data, W).fit("ols").moran(permutations=1.5)  # type: ignore[arg-type]


def _graph(n: int) -> np.ndarray:
    """Return a symmetric graph at random."""
    half = np.triu(np.random.default_rng(4).random((n, n)) < 0.2, 1)
    half[np.arange(n - 1), np.arange(1, n)] = True
    return (half | half.T).astype(float)


def test_robust_lm_lag_is_the_exact_f_of_milliken_and_graybill() -> None:
    # An added variable W X b, made of the estimates alone, has an exact F (Milliken and Graybill 1970).
    rng, n = np.random.default_rng(3), 40
    W = Weights.from_dense(_graph(n)).row_standardized()
    data = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "y"])
    statistic = SpatialSystem("y ~ x", data, W).fit("ols").diagnostics().test("Robust LM lag", "y").statistic
    X = np.column_stack([np.ones(n), data["x"]])
    b = np.linalg.lstsq(X, data["y"].to_numpy(), rcond=None)[0]
    more = np.column_stack([X, W.sparse @ (X @ b)])
    sums = [
        float(np.sum((data["y"] - Z @ np.linalg.lstsq(Z, data["y"].to_numpy(), rcond=None)[0]) ** 2))
        for Z in (X, more)
    ]
    F = (sums[0] - sums[1]) / (sums[1] / (n - 3))
    assert statistic == pytest.approx(n * F / (n - 3 + F))


def test_the_variance_under_time_effects_is_that_of_the_centred_matrix() -> None:
    A = sparse.csr_array(_graph(9))
    d, J = centring(A), np.eye(9) - 1 / 9
    B = J @ (A.toarray() + np.diag(d)) @ J
    assert np.diag(B) == pytest.approx(0, abs=1e-12)
    assert centred_square(A, d) == pytest.approx(2 * np.trace(B @ B))
