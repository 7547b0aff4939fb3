"""CR2 with the degrees of freedom of Bell and McCaffrey: Welch's test, the definition, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spatial as sp
from spatial.errors import DataError
from spatial.models import Cluster, Conley, Covariance, SpatialSystem
from spatial.models.specs import covariance_of
from spatial.panel.panel import Panel

CR2 = Cluster("group", small="cr2")


@pytest.mark.evidence(
    "models.Cluster", source="Welch 1938; Imbens and Kolesár 2016, equation 11", kind="hand"
)
@pytest.mark.filterwarnings("ignore:.*instruments for an effective sample")
def test_two_samples_give_welch_and_the_degrees_of_freedom_of_imbens_and_kolesar() -> None:
    n0, n1 = 7, 12
    rng = np.random.default_rng(0)
    d = np.repeat([0.0, 1.0], [n0, n1])
    y = rng.normal(size=n0 + n1) * (1 + d)
    data = pd.DataFrame({"y": y, "d": d})
    row = SpatialSystem("y ~ d", data).fit("ols", cov=Cluster("unit", small="cr2")).tidy().set_index("term")
    welch = np.sqrt(y[:n0].var(ddof=1) / n0 + y[n0:].var(ddof=1) / n1)
    df = (n0 + n1) ** 2 * (n0 - 1) * (n1 - 1) / (n1**2 * (n1 - 1) + n0**2 * (n0 - 1))
    assert row.loc["d", "std_error"] == pytest.approx(welch, rel=1e-12)
    assert row.loc["d", "p_value"] == pytest.approx(
        2 * stats.t.sf(abs(row.loc["d", "statistic"]), df), rel=1e-9
    )
    half = stats.t.ppf(0.975, df) * welch
    assert row.loc["d", "conf_high"] == pytest.approx(row.loc["d", "estimate"] + half, rel=1e-9)


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(2)
    units, times = 24, 4
    group = np.repeat(range(8), [1, 1, 2, 2, 3, 4, 5, 6])
    index = pd.MultiIndex.from_product([range(units), range(times)], names=["i", "t"])
    frame = pd.DataFrame(rng.normal(size=(units * times, 4)), index=index, columns=["x", "z", "v", "w"])
    frame["p"] = frame["z"] + frame["w"] + frame["v"]
    frame["y"] = frame["x"] + frame["p"] + frame["v"] + rng.normal(size=8)[np.repeat(group, times)]
    frame["q"] = frame["w"] - frame["y"] + rng.normal(size=units * times)
    frame["group"] = np.repeat(group, times)
    return Panel.from_frame(frame.reset_index(), unit="i", time="t")


def power(matrix: Any, exponent: float) -> Any:
    values, vectors = np.linalg.eigh(matrix)
    kept = np.where(values > 1e-9, np.maximum(values, 1e-30) ** exponent, 0.0)
    return (vectors * kept) @ vectors.T


def by_definition(X: Any, dummies: Any, e: Any, codes: Any) -> tuple[Any, Any]:
    """Return V and the degrees of freedom from matrices of all rows, X with effects partialled out."""
    M = np.linalg.inv(X.T @ X)
    left = np.eye(len(e)) - X @ M @ X.T - dummies @ np.linalg.pinv(dummies)
    sums, columns = [], []
    for c in np.unique(codes):
        own = codes == c
        A = power(left[np.ix_(own, own)], -0.5)
        sums.append(X[own].T @ A @ e[own])
        columns.append(left[:, own] @ A @ X[own] @ M)
    V = M @ np.sum([np.outer(s, s) for s in sums], axis=0) @ M
    df = []
    for k in range(X.shape[1]):
        G = np.column_stack([c[:, k] for c in columns])
        df.append(np.trace(G.T @ G) ** 2 / np.sum((G.T @ G) ** 2))
    return V, np.array(df)


def dummies_of(panel: Panel, effects: tuple[str, ...]) -> Any:
    frame = panel.frame.reset_index()
    columns = {"unit": frame["i"], "time": frame["t"]}
    return np.column_stack([pd.get_dummies(columns[e]).to_numpy(float) for e in effects])


@pytest.mark.parametrize("effects", [("unit",), ("unit", "time")])
@pytest.mark.parametrize("formula", ["y ~ x + w", "y ~ x + p"])
def test_least_squares_and_2sls_follow_the_definition(
    effects: tuple[str, ...], formula: str, panel: Panel
) -> None:
    frame = panel.frame
    D = dummies_of(panel, effects)
    out = np.eye(len(frame)) - D @ np.linalg.pinv(D)
    iv = formula.endswith("p")
    text, method = (f"y ~ x | {' + '.join(effects)} | p ~ z + w", "2sls") if iv else (formula, "ols")
    fit = SpatialSystem(text, panel, effects=() if iv else effects, iv_order=0).fit(method, cov=CR2)
    Z = out @ frame[["x", "p" if iv else "w"]].to_numpy()
    y = out @ frame["y"].to_numpy()
    H = out @ frame[["x", "z", "w"]].to_numpy()
    X = H @ np.linalg.lstsq(H, Z, rcond=None)[0] if iv else Z
    e = y - Z @ np.linalg.solve(X.T @ Z, X.T @ y)
    V, df = by_definition(X, D, e, frame["group"].to_numpy())
    np.testing.assert_allclose(fit.cov, V, rtol=1e-8)
    np.testing.assert_allclose(fit.estimate.inference.law.each, df, rtol=1e-8)
    assert fit.df == pytest.approx(min(df))
    assert "CR2 (Bell and McCaffrey)" in fit.notes[0]


def test_3sls_follows_the_definition_of_the_stacked_and_weighted_equations(panel: Panel) -> None:
    fit = SpatialSystem(["y ~ p + x", "q ~ y + w"], panel, effects=("unit",), instruments="z").fit(
        "3sls", cov=CR2
    )
    layout, numbers = fit.estimate.design.layout, fit.estimate.numbers
    rows = panel.frame.reorder_levels([1, 0]).sort_index()  # as the design has them: by time, then by unit
    assert (rows.index.get_level_values(1) == layout.unit).all()
    D = pd.get_dummies(rows.index.get_level_values(1)).to_numpy(float)
    out = np.eye(len(rows)) - D @ np.linalg.pinv(D)
    H = out @ rows[["p", "x", "w", "z"]].to_numpy()
    regressors = [out @ rows[names].to_numpy() for names in (["p", "x"], ["y", "w"])]
    parts = [H @ np.linalg.lstsq(H, Z, rcond=None)[0] for Z in regressors]
    root = power(numbers.sigma, -0.5)
    X = np.block([[root[g, h] * parts[h] for h in (0, 1)] for g in (0, 1)])
    e, effects = (root @ numbers.residuals).ravel(), np.kron(np.eye(2), D)
    V, df = by_definition(X, effects, e, np.tile(rows["group"].to_numpy(), 2))
    np.testing.assert_allclose(fit.cov, V, rtol=1e-7)
    np.testing.assert_allclose(fit.estimate.inference.law.each, df, rtol=1e-7)


def test_equal_clusters_of_a_mean_are_c_over_c_less_one() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.normal(size=60), "i": range(60), "group": np.repeat(range(12), 5)})
    data = frame.set_index("i")
    one = SpatialSystem("y ~ 1", data).fit("ols", cov=CR2)
    with pytest.warns(sp.SpatialWarning, match=r"Only 12 clusters.*small='cr2'"):
        other = SpatialSystem("y ~ 1", data).fit("ols", cov=Cluster("group"))
    np.testing.assert_allclose(one.cov, other.cov, rtol=1e-10)
    assert one.df == pytest.approx(11)


@pytest.mark.filterwarnings("ignore:Only 8 clusters")
def test_what_cr2_is_not_for_is_refused_by_name(panel: Panel) -> None:
    with pytest.raises(DataError, match="'cr1' or 'cr2'; got 'cr3'"):
        Cluster("group", small="cr3")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="least squares, 2SLS and 3SLS"):
        SpatialSystem("y ~ 1 | unit | p ~ z + w", panel, iv_order=0).fit("gmm", cov=Cluster(small="cr2"))
    with pytest.raises(DataError, match="tobit has no clustered by group, CR2 covariance"):
        sp.models.tobit("y ~ x", panel, lower=None, upper=3.0, cov=CR2)
    with pytest.raises(DataError, match="random_effects has no clustered by group, CR2 covariance"):
        sp.models.random_effects("y ~ x", panel, cov=CR2)


def test_a_study_writes_it_as_a_text() -> None:
    assert covariance_of("cluster:province:cr2", None, 0) == Cluster("province", small="cr2")
    with pytest.raises(DataError, match="'cr1' or 'cr2'"):
        covariance_of("cluster:province:cr3", None, 0)


def test_each_covariance_prints_with_effects_and_says_against_what_it_reads(panel: Panel) -> None:
    fit = SpatialSystem("y ~ x", panel, effects=("unit", "time")).fit("ols", cov="hom")
    places = pd.DataFrame(np.random.default_rng(0).uniform(0, 5, (panel.n_units, 2)), columns=["lon", "lat"])
    places.index = panel.units
    laws: list[tuple[Covariance, str]] = [
        (Cluster(small="cr2"), "t by CR2"),
        (Cluster(), "t("),
        (Conley(150, coordinates=places), "by the pairs within the bandwidth"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        for cov, law in laws:
            again = fit.vcov(cov)
            assert f"{cov.label}; statistics against " in again.summary()
            assert law in again.summary()
            assert np.isfinite(again.cons["p_value"]).all()
        plain, reduced = fit.vcov(Cluster()), fit.vcov(Cluster(small="cr2"))
    # The constant that effects absorb keeps CR1: the leverage is that of the slopes.
    assert reduced.cons["std_error"].tolist() == plain.cons["std_error"].tolist()
    assert reduced.cons["p_value"].tolist() == plain.cons["p_value"].tolist()
    assert "the normal distribution" in fit.summary()
