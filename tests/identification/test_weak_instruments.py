"""Weak-instrument statistics against linearmodels and pyfixest, then their identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from spatial.models import SpatialSystem
from spatial.models.identification import strength as weak


@dataclass(frozen=True)
class Sample:
    y: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    Z: np.ndarray
    units: np.ndarray

    @property
    def basis(self) -> np.ndarray:
        return np.linalg.qr(np.hstack([self.X, self.Z]))[0]

    def stage(self) -> weak.FirstStage:
        return weak.first_stage(self.Y, self.X, self.basis, n_effective=len(self.y), codes=self.units)


def draw(seed: int, endogenous: int, instruments: int, strength: float = 0.3) -> Sample:
    rng = np.random.default_rng(seed)
    units = np.tile(np.arange(60), 5)
    n = len(units)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    Z = rng.normal(size=(n, instruments)) + 0.4 * X[:, [1]]
    error = rng.normal(size=(n, endogenous + 1)) + rng.normal(size=(60, endogenous + 1))[units]
    Y = strength * Z @ rng.normal(size=(instruments, endogenous)) + X[:, [2]] + error[:, 1:]
    y = Y.sum(axis=1) + X @ [1.0, 0.5, -0.5] + error[:, 0] + 0.5 * error[:, 1]
    return Sample(y, X, Y, Z, units)


def linearmodels_fit(s: Sample, **options: object) -> object:
    from linearmodels.iv import IV2SLS

    return IV2SLS(s.y, s.X, s.Y, s.Z).fit(**options)


@pytest.mark.parametrize(("endogenous", "instruments"), [(1, 1), (1, 4), (2, 4), (3, 5)])
def test_rank_statistics_are_those_of_linearmodels(endogenous: int, instruments: int) -> None:
    s = draw(endogenous, endogenous, instruments)
    stage = s.stage()
    plain = linearmodels_fit(s, cov_type="unadjusted").first_stage
    clustered = linearmodels_fit(s, cov_type="clustered", clusters=s.units).first_stage
    assert weak.cragg_donald(stage).statistic == pytest.approx(plain.cragg_donald_f, rel=1e-10)
    lm, f = weak.kleibergen_paap(stage)
    assert lm.statistic == pytest.approx(clustered.kleibergen_paap.stat, rel=1e-9)
    assert lm.p_value == pytest.approx(clustered.kleibergen_paap.pval, rel=1e-8)
    assert f.statistic == pytest.approx(_stata_df(clustered.kleibergen_paap_f, s), rel=1e-9)


def _stata_df(value: float, s: Sample) -> float:
    # Stata and linearmodels divide by n - 1 rows; here n is net of the included regressors too.
    n, k = s.X.shape
    return value * (n - 1) / (n - k - 1)


def test_first_stage_f_is_that_of_linearmodels() -> None:
    s = draw(4, 2, 4)
    table = linearmodels_fit(s, cov_type="unadjusted", debiased=True).first_stage.diagnostics
    for column in range(2):
        mine = weak.first_stage_f(s.stage(), column)
        assert mine.statistic == pytest.approx(float(table["f.stat"].iloc[column]), rel=1e-10)
        assert mine.p_value == pytest.approx(float(table["f.pval"].iloc[column]), abs=1e-12)
        shea = float(table["shea.rsquared"].iloc[column])
        assert weak.shea_r2(s.stage(), column) == pytest.approx(shea, rel=1e-10)


def test_clustered_first_stage_f_is_that_of_linearmodels() -> None:
    s = draw(5, 1, 3)
    table = linearmodels_fit(s, cov_type="clustered", clusters=s.units).first_stage.diagnostics
    stage = s.stage()
    mine = weak.first_stage_f(stage, 0, clustered=True)
    # linearmodels reports the Wald statistic without any small-sample factor.
    expected = float(table["f.stat"].iloc[0]) / 3 / weak._small_sample(stage)
    assert mine.statistic == pytest.approx(expected, rel=1e-9)


# pyfixest 0.60 calls reset_index(inplace=True), which pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_effective_f_is_that_of_pyfixest() -> None:
    import pyfixest

    s = draw(6, 1, 3)
    frame = pd.DataFrame({"y": s.y, "e": s.Y[:, 0], "x1": s.X[:, 1], "x2": s.X[:, 2], "unit": s.units})
    frame[["z1", "z2", "z3"]] = s.Z
    fit = pyfixest.feols(
        "y ~ x1 + x2 | e ~ z1 + z2 + z3",
        frame,
        vcov={"CRV1": "unit"},
        ssc=pyfixest.ssc(k_adj=False, G_adj=False),
    )
    fit.IV_Diag()
    stage = s.stage()
    # pyfixest takes Q_zz without partialling the included regressors out of the instruments.
    Z = s.Z - s.X @ np.linalg.lstsq(s.X, s.Z, rcond=None)[0]
    pi = np.linalg.lstsq(Z, stage.Y[:, 0], rcond=None)[0]
    first = fit._model_1st_stage
    np.testing.assert_allclose(first.coef()[["z1", "z2", "z3"]].to_numpy(), pi, rtol=1e-9)
    positions = [first._coefnames.index(z) for z in ("z1", "z2", "z3")]
    covariance = first._vcov[np.ix_(positions, positions)]
    expected = pi @ Z.T @ Z @ pi / np.trace(covariance @ Z.T @ Z)
    # pyfixest's first stage keeps its own small-sample factor, whatever `ssc` says.
    factor = 60 / 59 * 299 / (300 - 6)
    assert weak.effective_f(stage).statistic == pytest.approx(
        expected * factor / weak._small_sample(stage), rel=1e-9
    )


def test_effective_critical_values_are_published() -> None:
    # Montiel Olea and Pflueger (2013), table 1: tau = 5, 10, 20, 30 percent, K_eff = 1.
    published = {0.05: 37.42, 0.1: 23.11, 0.2: 15.06, 0.3: 12.05}
    for bias, value in published.items():
        assert weak.effective_critical_value(np.eye(1), bias=bias) == pytest.approx(value, abs=0.006)


def test_bias_critical_values_are_near_stock_and_yogo() -> None:
    # Stock and Yogo (2005), table 5.1, one endogenous regressor, bias 5 percent; simulated there.
    published = {3: 13.91, 5: 18.37, 10: 20.74, 20: 21.38, 30: 21.42}
    for count, value in published.items():
        assert weak.bias_critical_value(count, bias=0.05) == pytest.approx(value, rel=0.012)
    assert np.isnan(weak.bias_critical_value(1))


def test_one_endogenous_regressor_makes_all_statistics_one() -> None:
    stage = draw(7, 1, 4).stage()
    plain = weak.first_stage_f(stage, 0).statistic
    assert weak.sanderson_windmeijer_f(stage, 0).statistic == pytest.approx(plain, rel=1e-12)
    assert weak.cragg_donald(stage).statistic == pytest.approx(plain, rel=1e-12)


def test_sanderson_windmeijer_by_explicit_regressions() -> None:
    s = draw(8, 2, 4)
    stage = s.stage()
    fit = linearmodels_fit(Sample(s.Y[:, 0], s.X, s.Y[:, [1]], s.Z, s.units))
    v = s.Y[:, 0] - s.Y[:, 1] * fit.params.iloc[-1]
    v = v - s.X @ np.linalg.lstsq(s.X, v, rcond=None)[0]
    Z = s.Z - s.X @ np.linalg.lstsq(s.X, s.Z, rcond=None)[0]
    fitted = Z @ np.linalg.lstsq(Z, v, rcond=None)[0]
    n, k = s.X.shape
    expected = fitted @ fitted / 3 / ((v - fitted) @ (v - fitted) / (n - 4 - k))
    assert weak.sanderson_windmeijer_f(stage, 0).statistic == pytest.approx(expected, rel=1e-9)


def test_collinear_first_stages_have_large_f_and_small_conditional_f() -> None:
    rng = np.random.default_rng(9)
    s = draw(9, 1, 4, strength=1.0)
    twin = s.Y[:, 0] * 0.7 + rng.normal(size=len(s.y))
    stage = Sample(s.y, s.X, np.column_stack([s.Y, twin]), s.Z, s.units).stage()
    assert weak.first_stage_f(stage, 0).statistic > 20
    assert weak.first_stage_f(stage, 1).statistic > 20
    assert weak.sanderson_windmeijer_f(stage, 0).statistic < 5
    assert weak.sanderson_windmeijer_f(stage, 0, clustered=True).statistic < 5
    assert weak.kleibergen_paap(stage)[0].p_value > 0.01


def test_reasons_are_given() -> None:
    s = draw(12, 2, 1)
    stage = s.stage()
    assert "1 excluded instruments for 2" in weak.sanderson_windmeijer_f(stage, 0).reason
    assert "1 excluded instruments for 2" in weak.cragg_donald(stage).reason
    assert "1 excluded instruments for 2" in weak.kleibergen_paap(stage)[0].reason
    assert "there are 2" in weak.effective_f(stage).reason
    none = weak.first_stage(s.Y, s.X, np.linalg.qr(s.X)[0], n_effective=len(s.y), codes=s.units)
    assert weak.first_stage_f(none, 0).reason == "there is no excluded instrument"
    no_clusters = weak.first_stage(s.Y, s.X, s.basis, n_effective=len(s.y))
    assert weak.first_stage_f(no_clusters, 0, clustered=True).reason == "there are no clusters"
    few = weak.first_stage(s.Y, s.X, draw(12, 2, 4).basis, n_effective=len(s.y), codes=s.units % 3)
    assert "3 clusters for 4" in weak.first_stage_f(few, 0, clustered=True).reason
    same = weak.first_stage(s.Y[:, [0, 0]], s.X, draw(12, 2, 4).basis, n_effective=300, codes=s.units)
    assert weak.kleibergen_paap(same)[0].reason == "the endogenous regressors are collinear"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_instruments_that_fill_all_rows_have_no_f() -> None:
    """Once a bare ZeroDivisionError."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 7)), columns=list("ypabcde"))
    fit = SpatialSystem("y ~ 1 | p ~ a + b + c + d + e", frame).fit("2sls", cov="hom")
    assert np.isnan(fit.equation_tests()["first_stage_f"].iloc[0])
    assert "7 tests, 3 computed" in repr(fit.diagnostics())
