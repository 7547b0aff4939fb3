"""The joint estimator against numbers of a separate dense program, then identities and messages."""

from __future__ import annotations

import json
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gs3sls_simulation import FORMULAS
from scipy import sparse

from spatial.errors import DataError
from spatial.models import Conley, SpatialSystem
from spatial.models.quasi_score.coverage import APART, COVERAGE, JOINT
from spatial.models.quasi_score.distance import Coordinate
from spatial.models.quasi_score.estimator import QuasiScoreEstimate, expected_slope
from spatial.models.quasi_score.moments import moments_of
from spatial.models.quasi_score.slope import SeriesSlope
from spatial.models.quasi_score.solved import SolvedSlope
from spatial.models.quasi_score.weights import ModelWeights
from spatial.panel.panel import Panel
from spatial.tables import regression_table
from spatial.weights import Weights
from spatial.words import Said

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "quasi_score.json").read_text())
TRUTH = np.array(GOLDEN["truth"])


def golden_weights(matrix: bool = False) -> Any:
    near = np.array(GOLDEN["neighbours"])
    found = sparse.csr_array((np.full(near.size, 0.2), (np.repeat(np.arange(60), 5), near.ravel())))
    return found if matrix else Weights.from_sparse(found, ids=range(60))


def golden_panel() -> pd.DataFrame:
    frame = pd.DataFrame(GOLDEN["panel"])
    frame["unit"], frame["time"] = np.repeat(np.arange(60), 6), np.tile(np.arange(6), 60)
    return frame


def golden_system(**options: Any) -> SpatialSystem:
    chosen = {"effects": ("unit", "time"), "error": "W"} | options
    weights = chosen.pop("weights", golden_weights())
    formulas = chosen.pop("formulas", FORMULAS)
    panel = Panel.from_frame(chosen.pop("frame", golden_panel()), unit="unit", time="time")
    return SpatialSystem(formulas, panel, weights, **chosen)


@cache
def golden_fit() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return golden_system().fit("aqs")


def theta_of(fit: Any) -> np.ndarray:
    return np.concatenate([fit.params, fit.rho])


# ---- numbers of a separate program
@pytest.mark.evidence(
    "models.SpatialSystem:aqs", digits=8, source="a separate dense program, 60 units x 6 times"
)
def test_estimates_and_covariance_are_those_of_the_dense_program() -> None:
    fit = golden_fit()
    np.testing.assert_allclose(theta_of(fit), GOLDEN["qsgmm"], atol=1e-9)
    np.testing.assert_allclose(fit.joint_cov.to_numpy(), GOLDEN["cov"], atol=1e-11)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.joint_cov)), GOLDEN["qsgmm_se"], atol=1e-9)
    assert list(fit.joint_cov.index[-2:]) == [("y1", "rho"), ("y2", "rho")]


def test_moments_their_expected_slope_and_their_weights_are_those_of_the_dense_program() -> None:
    moments = moments_of(golden_system().design)
    cut = moments.n_linear
    np.testing.assert_allclose(moments.values(TRUTH)[cut:], GOLDEN["forms_at_truth"], atol=1e-9)
    slope = expected_slope(moments)(TRUTH)
    np.testing.assert_allclose(slope[cut:], GOLDEN["slope_of_forms_at_truth"], atol=5e-8)
    phi = ModelWeights(moments).forms(moments.sigma(TRUTH))
    np.testing.assert_allclose(phi, GOLDEN["phi_at_truth"], atol=1e-9)


def test_intervals_by_distance_are_those_of_the_dense_program() -> None:
    found = golden_fit().estimate
    size = len(TRUTH)
    bounds = [found.distance.interval(Coordinate(k, size), GOLDEN["critical"]) for k in range(size)]
    expected = np.column_stack([GOLDEN["qsgmm_low95"], GOLDEN["qsgmm_high95"]])
    np.testing.assert_allclose(bounds, expected, atol=1e-8)


def test_the_start_is_gs3sls_as_it_was() -> None:
    fit = golden_system(iv_order=2).fit("gs3sls")
    np.testing.assert_allclose(theta_of(fit), GOLDEN["gs3sls_package"], atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.joint_cov)), GOLDEN["gs3sls_se"], atol=1e-8)


# ---- identities
def test_the_slope_of_the_sample_is_the_derivative_of_the_moments() -> None:
    moments = moments_of(golden_system().design)
    step = 1e-6 * np.eye(len(TRUTH))
    central = [(moments.values(TRUTH + e) - moments.values(TRUTH - e)) / 2e-6 for e in step]
    np.testing.assert_allclose(moments.slope(TRUTH), np.column_stack(central), atol=1e-5)


def test_the_quasi_score_is_zero_at_the_estimate() -> None:
    found = golden_fit().estimate
    score = found.a @ found.moments.values(found.theta)
    scale = np.sqrt(np.diag(found.inference.omega))
    assert np.abs(score / scale).max() < 1e-9


def test_solving_the_reduced_form_gives_what_the_series_gives() -> None:
    moments = moments_of(golden_system().design)
    series, solved = SeriesSlope(moments, "W", 1.0), SolvedSlope(moments)
    np.testing.assert_allclose(solved(TRUTH), series(TRUTH), atol=1e-10)
    assert solved.gamma_radius(TRUTH) == pytest.approx(series.gamma_radius(TRUTH), rel=1e-12)


def test_one_matrix_under_two_names_changes_the_way_and_not_the_estimate() -> None:
    W = golden_weights()
    other = Weights.from_sparse(golden_weights(matrix=True) * (1 + 1e-13), ids=range(60))
    fit = golden_system(weights={"W": W, "M": other}, error="M", iv_order=1).fit("aqs")
    assert type(expected_slope(fit.estimate.moments)) is SolvedSlope
    # Twice the same forms: the generalised inverse of their covariance keeps one of each.
    np.testing.assert_allclose(theta_of(fit), GOLDEN["qsgmm"], atol=1e-5)


def test_the_estimate_does_not_depend_on_the_order_of_units_equations_and_rows() -> None:
    order = np.random.default_rng(3).permutation(60)
    frame = golden_panel().sample(frac=1.0, random_state=1)
    W = Weights.from_sparse(golden_weights(matrix=True)[order][:, order], ids=order)
    fit = golden_system(frame=frame, weights=W, formulas=FORMULAS[::-1]).fit("aqs")
    expected = golden_fit().params
    np.testing.assert_allclose(fit.params.loc[expected.index], expected, atol=1e-8)
    np.testing.assert_allclose(fit.rho[["y1", "y2"]], golden_fit().rho, atol=1e-8)
    np.testing.assert_allclose(fit.std_errors.loc[expected.index], golden_fit().std_errors, atol=1e-8)


def test_units_of_measurement_pass_through() -> None:
    frame = golden_panel().assign(y1=lambda f: 100 * f.y1 + 7, x3=lambda f: f.x3 / 10)
    fit, base = golden_system(frame=frame).fit("aqs"), golden_fit()
    assert fit.params["y1", "y2"] == pytest.approx(100 * base.params["y1", "y2"], rel=1e-6)
    assert fit.params["y1", "W(y1)"] == pytest.approx(base.params["y1", "W(y1)"], rel=1e-6)
    assert fit.params["y2", "x3"] == pytest.approx(10 * base.params["y2", "x3"], rel=1e-6)
    a = fit.confint().set_index(["equation", "term"]).loc[("y1", "y2"), ["conf_low", "conf_high"]]
    b = base.confint().set_index(["equation", "term"]).loc[("y1", "y2"), ["conf_low", "conf_high"]]
    np.testing.assert_allclose(a.to_numpy(dtype=float), 100 * b.to_numpy(dtype=float), rtol=1e-6)


def test_weights_times_a_number_divide_the_lag_and_rho() -> None:
    half = Weights.from_sparse(golden_weights(matrix=True) / 2, ids=range(60))
    fit, base = golden_system(weights=half).fit("aqs"), golden_fit()
    assert fit.params["y1", "W(y1)"] == pytest.approx(2 * base.params["y1", "W(y1)"], rel=1e-6)
    np.testing.assert_allclose(fit.rho, 2 * base.rho, rtol=1e-6)
    np.testing.assert_allclose(fit.params["y1", "x1"], base.params["y1", "x1"], rtol=1e-6)


def test_a_projector_for_all_rho_is_that_of_the_effects_where_filter_and_effects_commute() -> None:
    # One region: region:time is time, but is found by the general way.
    frame = golden_panel().assign(region="a")
    fit = golden_system(frame=frame, effects=("unit", "region:time")).fit("aqs")
    assert fit.n_effective == golden_fit().n_effective
    np.testing.assert_allclose(fit.params, golden_fit().params, atol=0.02)
    np.testing.assert_allclose(fit.rho, golden_fit().rho, atol=0.05)


def test_covariances_differ_and_estimates_do_not() -> None:
    base = golden_fit()
    errors = {cov: base.vcov(cov).std_errors for cov in ("cluster", "het", "hom")}
    for cov, found in errors.items():
        assert (base.vcov(cov).params == base.params).all()
        np.testing.assert_allclose(found, errors["cluster"], rtol=0.5)
    assert not np.allclose(errors["hom"], errors["cluster"], rtol=1e-3)
    np.testing.assert_allclose(golden_system().fit("aqs", cov="hom").std_errors, errors["hom"], rtol=1e-10)


# ---- intervals and p-values
def test_p_values_agree_with_intervals() -> None:
    found = golden_fit().estimate
    for level in (0.8, 0.95, 0.99):
        p, bounds = found.intervals(level)
        outside = (bounds[:, 0] > 0) | (bounds[:, 1] < 0)
        assert (outside == (p < 1 - level)).all()


def test_the_p_value_at_an_edge_is_one_less_the_level() -> None:
    found = golden_fit().estimate
    target = Coordinate(1, len(TRUTH))
    for edge in found.interval(target, 0.9):
        assert found.p_value(target, edge) == pytest.approx(0.1, abs=1e-6)


def test_tidy_and_confint_show_the_intervals_by_distance_and_say_so() -> None:
    fit = golden_fit()
    tidy, intervals = fit.tidy(), fit.confint()
    assert (intervals["method"] == "distance").all()
    np.testing.assert_array_equal(tidy["conf_low"], intervals["conf_low"])
    np.testing.assert_array_equal(tidy["p_value"], intervals["p_value"])
    wald = fit.confint(method="wald")
    middle = (wald["conf_low"] + wald["conf_high"]) / 2
    np.testing.assert_allclose(middle, wald["estimate"], rtol=1e-10)
    assert "inverting the distance of the quasi-score" in fit.summary()
    assert any("stars by inverting the distance" in note for note in regression_table([fit]).notes)
    assert fit.method == "aqs"
    assert isinstance(fit.estimate, QuasiScoreEstimate)


# ---- messages
@pytest.mark.parametrize(
    ("cov", "shown"),
    [
        (Conley(200, coordinates=pd.DataFrame({"lon": [0.0] * 60, "lat": [0.0] * 60})), "Conley"),
        ("wild", "wild"),
    ],
)
def test_covariances_between_units_are_refused(cov: Any, shown: str) -> None:
    with pytest.raises(DataError, match=rf"takes units as independent.*{shown}.*method='gs3sls'"):
        golden_system().fit("aqs", cov=cov)


def test_a_system_without_space_is_refused() -> None:
    plain = golden_system(formulas=["y1 ~ y2 + x1 + x2", "y2 ~ y1 + x3 + x4"], error=None)
    with pytest.raises(DataError, match="has neither: use method='3sls'"):
        plain.fit("aqs")


def test_intervals_by_distance_of_another_method_are_refused() -> None:
    fit = golden_system().fit("gs3sls")
    with pytest.raises(DataError, match=r"this fit is by 'gs3sls'. Use system.fit\('aqs'\)"):
        fit.confint(method="distance")
    with pytest.raises(DataError, match=r"'lr' or 'wald'; got 'walt'. Did you mean 'wald'"):
        fit.confint(method="walt")
    with pytest.raises(DataError, match="level is a share between 0 and 1"):
        fit.confint(level=95)
    assert (fit.confint()["method"] == "wald").all()


# ---- where it is the default, and what a fit knows of its cell
def test_a_lag_and_an_error_are_estimated_jointly_by_default() -> None:
    assert golden_system().fit().method == "aqs"
    assert golden_system(error={"y1": "W"}).fit().method == "aqs"
    assert golden_system(error=None).fit().method == "gs3sls"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert golden_system().fit(cov="twoway").method == "gs3sls"
    assert golden_system().fit(rho_moments="kp1999", passes=0).method == "gs3sls"
    region = golden_panel().assign(region=lambda f: f.unit % 3)
    assert golden_system(frame=region, effects=("unit", "region:time")).fit().method == "aqs"
    gaps = golden_panel().query("unit + 7 * time != 20")
    uneven = golden_system(frame=gaps, unbalanced="induced").fit()
    assert uneven.method == "aqs"
    assert any(f"covered in {JOINT['unbalanced']} of simulated samples" in note for note in uneven.notes)


def test_errors_in_other_weights_are_estimated_jointly_by_default_too() -> None:
    other = golden_system(weights={"W": golden_weights(), "M": _ring(60)}, error="M")
    fit = other.fit()
    assert fit.method == "aqs"
    assert any("before 0.1 by gs3sls" in note for note in fit.notes)
    assert not any("before 0.1" in note for note in other.fit("aqs").notes)
    assert f"cover in {APART['lags']} of samples" in other.fit("gs3sls").summary()
    without = golden_system(
        weights={"W": golden_weights(), "M": _ring(60)}, formulas=["y1 ~ x1", "y2 ~ x3"], error="M"
    )
    assert without.fit().method == "gs3sls"


def _ring(n: int) -> Weights:
    ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    return Weights.from_dense(ring, ids=range(n)).row_standardized()


def test_the_published_estimator_says_how_seldom_its_intervals_cover() -> None:
    assert f"cover in {COVERAGE['lags']} of samples" in golden_system(iv_order=2).fit("gs3sls").summary()
    assert "of samples" not in golden_system(error=None).fit("gs3sls").summary()
    assert "of samples" not in golden_fit().summary()


@pytest.mark.slow
def test_a_fit_knows_its_cell() -> None:
    two = golden_system(frame=golden_panel().query("time < 2"), iv_order=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert any("with two times" in note for note in two.fit("aqs").notes)
    dense = np.ones((60, 60)) - np.eye(60) + 5 * golden_weights(matrix=True).toarray()
    W = Weights.from_dense(dense, ids=range(60)).row_standardized()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = golden_system(weights=W, formulas=["y1 ~ W(y1) + x1 + x2"]).fit("aqs")
    assert any("joins more than 20% of all pairs" in note for note in fit.notes)
    region = golden_panel().assign(region=lambda f: f.unit % 3)
    other = golden_system(frame=region, effects=("unit", "region:time")).fit("aqs")
    assert any("effects that the spatial filter changes" in note for note in other.notes)
    assert not any("simulat" in note for note in golden_fit().notes)
    everything = [*fit.notes, *other.notes, *two.fit("aqs").notes]
    said = [note for note in everything if isinstance(note, Said)]
    assert len({note.pair for note in said}) >= 4
    for note in said:
        chinese = note.again("zh")
        assert chinese != note
        assert not set("{}") & set(chinese)
        assert re.findall(r"\.\d\d-\d?\.\d\d", note) == re.findall(r"\.\d\d-\d?\.\d\d", chinese)
