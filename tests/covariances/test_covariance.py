"""Covariances against pyfixest, linearmodels, brute force and the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from covariance_cases import FULL, N, T

from spatial.errors import AlignmentError, DataError, SpatialWarning
from spatial.models import (
    BoundaryWarning,
    Cluster,
    Conley,
    DriscollKraay,
    Heteroskedastic,
    Homoskedastic,
    SpatialSystem,
    TwoWay,
)
from spatial.models.estimation.scores import (
    great_circle_pairs,
    nearest_psd,
    scores,
)
from spatial.panel.panel import Panel
from spatial.weights import Weights


def exogenous(panel: Panel, cov: Any, effects: Any = ("unit", "time")) -> Any:
    return SpatialSystem("y ~ x + z", panel, effects=effects).fit("2sls", cov=cov)


def pyfixest_cov(panel: Panel, vcov: Any, effects: str = "i + t") -> np.ndarray[Any, Any]:
    import warnings

    import pyfixest

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pyfixest.feols(
            f"y ~ x + z | {effects}",
            panel.frame.reset_index(),
            vcov=vcov,
            ssc=pyfixest.ssc(k_adj=False, G_adj=True, G_df="min"),
        )
    return np.asarray(found._vcov)


# ---- against others
@pytest.mark.evidence("models.Cluster", digits=10, source="pyfixest CRV1")
def test_cluster_equals_pyfixest(panel: Panel) -> None:
    expected = pyfixest_cov(panel, {"CRV1": "i"})
    np.testing.assert_allclose(exogenous(panel, "cluster").cov, expected, rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Only 10 clusters")
def test_cluster_by_a_column_equals_pyfixest(panel: Panel) -> None:
    expected = pyfixest_cov(panel, {"CRV1": "group"})
    np.testing.assert_allclose(exogenous(panel, Cluster("group")).cov, expected, rtol=1e-8)


@pytest.mark.evidence("models.TwoWay", digits=10, source="pyfixest CRV1, unit + time")
@pytest.mark.filterwarnings("ignore:Only 6 clusters")
def test_two_way_equals_pyfixest(panel: Panel) -> None:
    expected = pyfixest_cov(panel, {"CRV1": "i + t"})
    found = exogenous(panel, TwoWay())
    if np.linalg.eigvalsh(expected).min() > 0:
        np.testing.assert_allclose(found.cov, expected, rtol=1e-7)
    else:
        assert "negative eigenvalues" in found.notes[-1]


@pytest.mark.evidence("models.TwoWay", source="degrees of freedom written out as loops", kind="hand")
@pytest.mark.filterwarnings("ignore:Only")
def test_two_way_degrees_of_freedom_are_those_of_random_effects() -> None:
    """And those of Carter, Schnepel and Steigerwald (2017) where the time decides regressor and error."""
    rng = np.random.default_rng(2)
    index = pd.MultiIndex.from_product([range(12), range(9)], names=["i", "t"])
    unit, time = (index.get_level_values(k).to_numpy() for k in (0, 1))
    shocks = rng.normal(size=(2, 9))
    for noise in (1.0, 1e-7):
        x = shocks[0][time] + noise * rng.normal(size=108)
        data = pd.DataFrame({"x": x, "y": x + shocks[1][time] + noise * rng.normal(size=108)}, index=index)
        fit = SpatialSystem("y ~ x", Panel(data), effects=()).fit("ols")
        plain, found = fit.vcov(TwoWay()), fit.vcov(TwoWay(small="satterthwaite"))
        terms = fit.params.index.get_level_values("term")
        fitted = dict(zip(terms, fit.params, strict=True))
        e = (data.y - fitted["Intercept"] - fitted["x"] * x).to_numpy()
        centred = x - x.mean()
        p = centred / (centred @ centred)
        total = float(e @ e) / 108
        top, below = -total * float(p @ p), 0.0
        for codes in (unit, time):
            count = np.bincount(codes)
            pairs = sum(e[codes == c].sum() ** 2 - e[codes == c] @ e[codes == c] for c in np.unique(codes))
            shared = max(float(pairs) / float(np.sum(count * (count - 1))), 0.0)
            for c in np.unique(codes):
                own = p[codes == c]
                g = (total - shared) * float(own @ own) + shared * float(own.sum()) ** 2
                top, below = top + g, below + g**2
        df = dict(zip(terms, found.estimate.inference.law.each, strict=True))
        assert df["x"] == pytest.approx(min(top**2 / below, 8), rel=1e-9)
        np.testing.assert_array_equal(found.cov, plain.cov)
        assert "Satterthwaite under random effects" in found.summary()
    sums = shocks[0] - shocks[0].mean()
    counted = float(np.sum(sums**2) ** 2 / np.sum(sums**4))
    assert abs(df["x"] / counted - 1) < 0.01  # units, among which nothing is shared, add a little noise
    with pytest.raises(DataError, match="'cr1' or 'satterthwaite'"):
        TwoWay(small="cr2")  # type: ignore[arg-type]


def twice(panel: Panel) -> Panel:
    """Return the panel with as many times again, drawn from those that there are."""
    frame = panel.frame.reset_index()
    unit, time = panel.unit_name, panel.time_name
    later = frame.assign(**{time: frame[time] + T})
    later[["y", "x", "z"]] += np.random.default_rng(5).normal(size=(len(later), 3))
    return Panel.from_frame(pd.concat([frame, later]), unit=unit, time=time)


@pytest.mark.evidence("models.DriscollKraay", digits=10, source="linearmodels, kernel covariance")
@pytest.mark.parametrize("lags", [0, 2])
def test_driscoll_kraay_equals_linearmodels(panel: Panel, lags: int) -> None:
    from linearmodels.panel import PanelOLS

    frame = twice(panel).frame
    peer = PanelOLS(frame["y"], frame[["x", "z"]], entity_effects=True).fit(
        cov_type="kernel", kernel="bartlett", bandwidth=lags, debiased=False
    )
    found = exogenous(twice(panel), DriscollKraay(lags), effects="unit")
    np.testing.assert_allclose(found.cov, peer.cov, rtol=1e-8)


@pytest.mark.evidence("models.Heteroskedastic", source="the sandwich written out", kind="hand")
def test_heteroskedastic_has_the_factor_of_the_effects(panel: Panel) -> None:
    fit = exogenous(panel, "het")
    design, numbers = fit.estimate.design, fit.estimate.numbers
    Z = design.projected[:, list(design.regressors[0])]
    inverse = np.linalg.inv(Z.T @ Z)
    meat = (Z * numbers.residuals[0][:, None] ** 2).T @ Z
    expected = inverse @ meat @ inverse * (N * T) / ((N - 1) * (T - 1))
    np.testing.assert_allclose(fit.cov, expected, rtol=1e-10)


@pytest.mark.evidence("models.Homoskedastic", source="the inverse of the information", kind="identity")
def test_homoskedastic_three_stage_is_the_bread(system: SpatialSystem) -> None:
    fit = system.fit("3sls", cov=Homoskedastic())
    np.testing.assert_allclose(fit.cov, fit.estimate.numbers.fit.bread, rtol=1e-9)


# ---- Conley, by brute force
@pytest.mark.evidence("models.Conley", source="the double sum over all pairs", kind="identity")
@pytest.mark.parametrize("kernel", ["bartlett", "uniform", "epanechnikov", "parzen"])
@pytest.mark.parametrize("lags", [0, 2])
def test_conley_equals_the_double_sum(system: SpatialSystem, panel: Panel, kernel: Any, lags: int) -> None:
    fit = system.fit("3sls", cov=Conley(250, lags, kernel))
    numbers, design = fit.estimate.numbers, system.design
    s = scores(design.basis.Q, numbers.residuals, numbers.fit.gamma).reshape(T, N, -1)
    first = panel.at(0)
    d = haversine(first["lon"].to_numpy(), first["lat"].to_numpy())
    u = d / 250
    shapes = {
        "bartlett": 1 - u,
        "uniform": np.ones_like(u),
        "epanechnikov": 1 - u**2,
        "parzen": np.where(u <= 0.5, 1 - 6 * u**2 + 6 * u**3, 2 * (1 - u) ** 3),
    }
    K = np.where(u <= 1, shapes[kernel], 0.0)
    meat = np.einsum("tik,ij,tjl->kl", s, K, s)
    for t in range(T):
        for r in range(T):
            if 0 < abs(t - r) <= lags:
                meat += (1 - abs(t - r) / (lags + 1)) * s[t].T @ s[r]
    bread = numbers.fit.bread
    expected = bread @ meat @ bread * (N * T) / ((N - 1) * (T - 1))
    np.testing.assert_allclose(fit.cov, nearest_psd(expected)[0], rtol=1e-8)


def haversine(lon: Any, lat: Any) -> Any:
    lam, phi = np.radians(lon), np.radians(lat)
    a = np.sin((phi[:, None] - phi) / 2) ** 2
    a += np.cos(phi)[:, None] * np.cos(phi) * np.sin((lam[:, None] - lam) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(a))


def test_pairs_are_those_of_the_great_circle() -> None:
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-180, 180, 60), rng.uniform(-89, 89, 60)
    i, j, d = great_circle_pairs(lon, lat, 4000.0)
    expected = haversine(lon, lat)
    np.testing.assert_allclose(d, expected[i, j], rtol=1e-9)
    assert len(i) == np.triu(expected <= 4000, 1).sum()


def test_conley_of_a_tiny_bandwidth_is_heteroskedastic(system: SpatialSystem) -> None:
    near, het = system.fit("3sls", cov=Conley(0.001, lags=0)), system.fit("3sls", cov=Heteroskedastic())
    np.testing.assert_allclose(near.cov, het.cov, rtol=1e-10)


def test_conley_of_a_tiny_bandwidth_is_clustered_where_no_lags_are_given(system: SpatialSystem) -> None:
    """V_space + V_cluster - V_white, where V_space is V_white."""
    near = system.fit("2sls", cov=Conley(0.001))
    clustered = system.fit("2sls", cov=Cluster())
    n = system.design.layout.n_units
    het = system.fit("2sls", cov=Heteroskedastic()).cov
    inflation = system.design.layout.n_rows / system.design.n_effective
    expected = clustered.cov * (n - 1) / n + het * (1 - 1 / inflation)
    np.testing.assert_allclose(near.cov, expected, rtol=1e-9)


def test_driscoll_kraay_is_read_against_the_fixed_b_law(panel: Panel) -> None:
    """Kiefer and Vogelsang (2005): 1.96 + 2.9694 b + .416 b^2 - .5324 b^3, with b = (L + 1)/T."""
    table = exogenous(twice(panel), DriscollKraay(2), effects="unit").tidy()
    b = 3 / 12
    critical = 1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3
    half = (table["conf_high"] - table["conf_low"]) / 2
    np.testing.assert_allclose(half, critical * table["std_error"], rtol=1e-12)


def test_conley_takes_a_frame_in_any_order(system: SpatialSystem, panel: Panel) -> None:
    frame = panel.at(0)[["lon", "lat"]].sample(frac=1, random_state=0)
    one = system.fit("3sls", cov=Conley(250))
    two = system.fit("3sls", cov=Conley(250, coordinates=frame))
    np.testing.assert_array_equal(one.cov, two.cov)


def test_conley_takes_cities(system: SpatialSystem, panel: Panel) -> None:
    import geopandas as gpd

    first = panel.at(0)
    cities = gpd.GeoDataFrame(index=first.index, geometry=gpd.points_from_xy(first.lon, first.lat), crs=4326)
    one = system.fit("3sls", cov=Conley(250, coordinates=cities))
    np.testing.assert_allclose(one.cov, system.fit("3sls", cov=Conley(250)).cov, rtol=1e-12)


# ---- joint with rho
def test_joint_covariance_is_symmetric_and_nests_both(system: SpatialSystem) -> None:
    for cov in ("hom", "het", "cluster"):
        fit = system.fit("gs3sls", cov=cov)
        joint = fit.joint_cov
        assert joint.shape == (8, 8)
        np.testing.assert_allclose(joint, joint.T, rtol=1e-12)
        assert np.linalg.eigvalsh(joint).min() > 0
        np.testing.assert_array_equal(joint.iloc[:6, :6], fit.cov)
        np.testing.assert_allclose(fit.rho_std_errors, np.sqrt(np.diag(joint)[6:]))
        assert joint.loc[("y", "W(y)"), ("y", "rho")] < 0


def test_slope_of_the_moments_is_their_derivative(system: SpatialSystem) -> None:
    from spatial.models.estimation.inference import _slope

    fit = system.fit("gs3sls", cov="hom")
    numbers, space = fit.estimate.numbers, fit.estimate.space
    moments, rho = space.moments(0), float(numbers.rho[0])
    place = system.structure.slices[0]
    D = _slope(space, numbers, 0)
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-5
        up, down = (
            moments.form(space.combine(0, rho, numbers.fit.delta[place] + s * step)) / moments.n
            for s in (1, -1)
        )
        np.testing.assert_allclose(D[:, k], (up - down) / 2e-5, rtol=1e-6)


@pytest.mark.evidence("models.SystemFit.vcov", source="a fit made with that covariance", kind="identity")
def test_a_new_covariance_is_a_new_result(system: SpatialSystem) -> None:
    fit = system.fit("gs3sls", cov="hom")
    before = fit.tidy()
    other = fit.vcov("cluster")
    pd.testing.assert_frame_equal(fit.tidy(), before)
    np.testing.assert_array_equal(other.params, fit.params)
    np.testing.assert_array_equal(other.rho, fit.rho)
    assert other.covariance == Cluster()
    direct = system.fit("gs3sls", cov="cluster")
    np.testing.assert_allclose(other.std_errors, direct.std_errors, rtol=1e-12)


def test_rho_without_error_where_clusters_join_units(system: SpatialSystem) -> None:
    with pytest.warns(SpatialWarning, match="Only 10 clusters"):
        fit = system.fit("gs3sls", cov=Cluster("group"))
    assert fit.rho_std_errors.isna().all()
    assert any("contradict the moments of rho" in note for note in fit.notes)
    assert np.isfinite(fit.std_errors).all()


def test_clusters_by_the_name_of_the_unit(system: SpatialSystem, panel: Panel) -> None:
    fit = system.fit("gs3sls", cov=Cluster("i"))
    same = system.fit("gs3sls")
    np.testing.assert_allclose(fit.joint_cov, same.joint_cov, rtol=1e-12)
    by_series = Cluster(pd.Series(range(N), index=range(N), name="me"))
    np.testing.assert_allclose(system.fit("gs3sls", cov=by_series).joint_cov, same.joint_cov, rtol=1e-12)
    assert panel.unit_name == "i"


def test_rho_of_1999_has_no_error(system: SpatialSystem) -> None:
    fit = system.fit("gs3sls", rho_moments="kp1999")
    assert fit.rho_std_errors.isna().all()
    assert fit.tidy()["p_value"].isna().sum() == 2
    assert fit.rho.between(-1, 1).all()


@pytest.mark.parametrize("cov", [TwoWay(), Conley(250), Conley(250, 1)])
@pytest.mark.filterwarnings("ignore:Only 6 clusters")
def test_every_covariance_gives_finite_numbers(system: SpatialSystem, cov: Any) -> None:
    fit = system.fit("gs3sls", cov=cov)
    assert np.isfinite(fit.tidy()["std_error"]).all()
    assert any("takes units as independent" in note for note in fit.notes)
    assert cov.label in fit.summary()


# ---- arrays


def test_clusters_are_checked(system: SpatialSystem, panel: Panel, W: Weights) -> None:
    cases: list[tuple[Any, type[Exception], str]] = [
        (Cluster("grop"), DataError, "no column 'grop'. Did you mean 'group'"),
        (Cluster(3), DataError, "a column name or a Series indexed by unit; got int"),
        (
            Cluster(pd.Series(1, index=range(N), name="one")),
            DataError,
            "Two clusters or more are needed; one has 1",
        ),
        (
            Cluster(pd.Series(range(3), name="s")),
            AlignmentError,
            "clusters s and the weights must have the same ids",
        ),
        (Conley(100, coordinates=("lat",)), DataError, "two column names"),
        (Conley(100, coordinates=("x", "y_")), DataError, "no column 'y_'"),
    ]
    for cov, kind, message in cases:
        with pytest.raises(kind, match=message):
            system.fit("3sls", cov=cov)
    holes = panel.with_columns(g=lambda f: f["group"].where(f["group"] > 0), lat2=lambda f: f["lat"] + 100)
    other = SpatialSystem(FULL, holes, W)
    with pytest.raises(DataError, match=r"Every cell needs a cluster; g is missing at 0, 1, 2, 3\."):
        other.fit("3sls", cov=Cluster("g"))
    with pytest.raises(DataError, match="Longitude and latitude in degrees are needed; not so at 0, 1"):
        other.fit("3sls", cov=Conley(100, coordinates=("lon", "lat2")))
    section = SpatialSystem("y ~ x", panel.at(0))
    with pytest.raises(DataError, match="at least 10 times are needed, and there is 1"):
        section.fit("2sls", cov=DriscollKraay())
    with pytest.raises(DataError, match="Two clusters or more are needed; there is one time"):
        section.fit("2sls", cov=Cluster("time"))


@pytest.mark.parametrize("moments", ["kp2010", "kp1999"])
def test_rho_at_its_bound_warns(system: SpatialSystem, monkeypatch: pytest.MonkeyPatch, moments: Any) -> None:
    monkeypatch.setattr("spatial.models.estimation.steps.rho_bound", lambda _: 0.05)
    with pytest.warns(BoundaryWarning, match="rho of y, p lies at the bound"):
        fit = system.fit("gs3sls", rho_moments=moments)
    assert not fit.converged
    np.testing.assert_allclose(fit.rho, 0.05)


# ---- two-step GMM
def test_windmeijer_slopes_are_the_derivative_of_the_second_step(system: SpatialSystem) -> None:
    """D is d delta_2 / d delta_1 at given moments: by differences."""
    from spatial.models.estimation.least_squares import gmm
    from spatial.models.estimation.steps import Workspace, cluster_moments, residuals_of, two_stage
    from spatial.models.estimation.windmeijer import windmeijer_slopes

    space, design = Workspace(system.design), system.design
    rho, codes = np.zeros(2), design.layout.unit
    moments = [space.instrumented(g, 0.0) for g in (0, 1)]
    R, r = [m[:, 1:] for m in moments], [m[:, 0] for m in moments]
    first = two_stage(R, r)

    def second(delta: Any) -> Any:
        return gmm(R, r, cluster_moments(design.basis.Q, residuals_of(space, rho, delta), codes))

    fit = second(first.delta)
    S = cluster_moments(design.basis.Q, residuals_of(space, rho, first.delta), codes)
    left = residuals_of(space, rho, fit.delta)
    D = windmeijer_slopes(space, rho, fit, first.delta, left, S, codes)[0]
    for j in range(len(fit.delta)):
        step = np.zeros(len(fit.delta))
        step[j] = 1e-5
        slope = (second(first.delta + step).delta - second(first.delta - step).delta) / 2e-5
        np.testing.assert_allclose(D[:, j], slope, rtol=1e-4, atol=1e-6)


def test_two_step_gmm_has_the_errors_of_windmeijer(system: SpatialSystem) -> None:
    fit = system.fit("gmm")
    plain = np.sqrt(np.diag(fit.estimate.numbers.fit.bread))
    assert (fit.std_errors.to_numpy() > plain * 0.95).all()
    assert (fit.std_errors.to_numpy() / plain).mean() > 1.02
    assert any("Windmeijer" in note for note in fit.notes)
    assert fit.df == system.design.layout.n_units - 1
