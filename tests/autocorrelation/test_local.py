# ruff: noqa: SIM300 - I is a statistic, not a constant
"""Local Moran's I: spdep's numbers, the conditional draws, false discovery rates, invariance, bad input."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from lattice import SPDEP, columbus, grid, shuffled, spdep_weights
from scipy import stats

from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import bivariate_local_moran, local_moran
from spatial.compute.fdr import fdr_adjusted
from spatial.compute.pvalues import permutation_p
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.panel.panel import Panel
from spatial.weights import Weights

CASES = sorted(SPDEP["local"])


# ---- outside truth: R 4.2.2, spdep 1.4.2, localmoran on its own columbus weights, printed to 15 digits
@pytest.mark.evidence("local_moran", digits=10, source="spdep 1.4.2 localmoran, columbus")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("moments", ["conditional", "total"])
def test_local_moran_is_spdeps(case: str, moments: Any) -> None:
    which, style, name = case.split("_")
    truth = SPDEP["local"][case]
    W = spdep_weights(which, style)
    frame = local_moran(columbus(name), W, permutations=0, moments=moments).frame
    pairs = {"expected": "E.Ii", "variance": "Var.Ii", "z_value": "Z.Ii", "p_value": "p"}
    np.testing.assert_allclose(frame["Ii"], truth["conditional"]["Ii"], rtol=1e-10, atol=1e-12)
    for ours, theirs in pairs.items():
        np.testing.assert_allclose(frame[ours], truth[moments][theirs], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(W.lag(columbus(name)), truth["lag"], rtol=1e-12)


def test_esda_has_the_same_local_statistics_and_quadrants() -> None:
    from esda import Moran_Local

    x, W = grid(9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions announce another default for their p-values
        peer = Moran_Local(x.to_numpy(), W.to_w(), permutations=0)
    result = local_moran(x, W.to_w(), permutations=0)
    # esda divides by the sum of squares over n - 1.
    np.testing.assert_allclose(result.frame["Ii"] * 80 / 81, peer.Is, rtol=1e-10)
    names = np.array(["", "HH", "LH", "LL", "HL"])
    assert (result.frame["quadrant"].astype(str).to_numpy() == names[peer.q]).all()


def test_p_is_that_of_all_ways_to_draw_the_neighbours() -> None:
    rng = np.random.default_rng(6)
    x = rng.exponential(size=8)
    matrix = np.zeros((8, 8))
    for i in range(8):
        matrix[i, rng.choice([j for j in range(8) if j != i], 2, replace=False)] = rng.random(2)
    frame = local_moran(x, Weights.from_dense(matrix), permutations=4999).frame
    z = (x - x.mean()) / x.std()
    for i in range(8):
        weights = matrix[i][matrix[i] > 0]
        lags = np.array([weights @ pair for pair in itertools.permutations(np.delete(z, i), 2)])
        every = z[i] * lags
        observed = frame.loc[i, "Ii"]
        tail = min((every >= observed - 1e-12).mean(), (every <= observed + 1e-12).mean())
        assert frame.loc[i, "p_sim"] == pytest.approx(min(1.0, 2 * tail), abs=2 * 5 * np.sqrt(tail / 5000))
        assert frame.loc[i, "expected"] == pytest.approx(every.mean(), rel=1e-9)
        assert frame.loc[i, "variance"] == pytest.approx(every.var(), rel=1e-9)


# ---- inference
@pytest.mark.evidence(
    "local_moran",
    source="maps without clustering: share of p below .05, and of maps with a discovery",
    kind="simulation",
)
@pytest.mark.slow
def test_p_values_are_right_under_the_null_and_fdr_holds(
    record_property: Callable[[str, object], None],
) -> None:
    _, W = grid(10)
    rng = np.random.default_rng(3)
    single, any_found = [], 0
    for run in range(200):
        frame = local_moran(
            pd.Series(rng.normal(size=100), index=W.ids), W, permutations=199, seed=run, fdr=True
        ).frame
        single.append((frame["p_sim"] <= 0.05).mean())
        any_found += bool((frame["p_fdr"] <= 0.05).any())
    record_property("size at 5 %", f"{np.mean(single):.3f} in 200 maps of 100 units")
    record_property("false discovery rate", any_found / 200)
    # 200 maps of 100 dependent units: the s.d. of the mean rate is some 0.002.
    assert np.mean(single) == pytest.approx(0.05, abs=0.008)
    # With nothing to find, the false discovery rate is the share of maps with any discovery.
    assert any_found / 200 <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


def test_benjamini_and_hochbergs_own_example() -> None:
    # Benjamini and Hochberg (1995), section 3.2: 15 ordered p-values; at 0.05 the first four are rejected.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    p += [0.6528, 0.7590, 1.0]
    adjusted = fdr_adjusted(np.array(p[::-1]))[::-1]
    assert (adjusted <= 0.05).sum() == 4
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipys(values: list[float]) -> None:
    p = np.array(values)
    adjusted = fdr_adjusted(p)
    known = ~np.isnan(p)
    assert (np.isnan(adjusted) == ~known).all()
    if known.any():
        np.testing.assert_allclose(adjusted[known], stats.false_discovery_control(p[known]), rtol=1e-12)


def test_clusters_follow_p_and_quadrant() -> None:
    x, W = grid(12)
    one = local_moran(x, W, alpha=0.1)
    frame = one.frame
    labelled = frame["cluster"].astype(str)
    assert (labelled[frame["p_sim"] <= 0.1] == frame["quadrant"].astype(str)[frame["p_sim"] <= 0.1]).all()
    assert (labelled[frame["p_sim"] > 0.1] == "not significant").all()
    strict = local_moran(x, W, alpha=0.1, fdr=True).frame
    assert (strict["cluster"] != "not significant").sum() == (frame["p_fdr"] <= 0.1).sum()
    assert list(frame["cluster"].cat.categories) == ["HH", "LL", "LH", "HL", "not significant", "island"]
    analytic = local_moran(x, W, permutations=0).frame
    assert analytic["p_sim"].isna().all()
    assert ((analytic["cluster"] != "not significant") == (analytic["p_value"] <= 0.05)).all()


def test_one_sided_tails_follow_the_sign_of_the_unit() -> None:
    x, W = grid(8)
    greater, less, two = (
        local_moran(x, W, alternative=a).frame["p_sim"] for a in ("greater", "less", "two-sided")
    )
    np.testing.assert_allclose(two, np.minimum(1, 2 * np.minimum(greater, less)))
    frame = local_moran(x, W).frame
    assert (greater[frame["Ii"] > 1.5] < 0.2).all()
    assert (less[frame["Ii"] > 1.5] > 0.8).all()


@pytest.mark.slow
def test_geodas_pseudo_p_is_that_of_esda() -> None:
    from esda import Moran_Local

    x, W = grid(12)
    ours = local_moran(x, W, alternative="geoda", permutations=999, keep_simulations=True)
    p = ours.frame["p_sim"].to_numpy()
    # esda's own rule on our draws.
    larger = (ours.simulations >= ours.frame["Ii"].to_numpy()[:, None] - 1e-12).sum(axis=1)  # type: ignore[operator]
    folded = np.minimum(larger, 999 - larger)
    np.testing.assert_array_equal(p, (folded + 1) / 1000)
    # And esda itself, whose draws are others.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # their next default is two-sided
        theirs = Moran_Local(x.to_numpy(), W.to_w(), permutations=999, seed=1, keep_simulations=False)
    assert abs((p <= 0.05).mean() - (theirs.p_sim <= 0.05).mean()) <= 0.03
    assert np.abs(p - theirs.p_sim).max() < 0.1
    np.testing.assert_allclose(ours.frame["p_value"], local_moran(x, W).frame["p_value"] / 2)
    assert ours.smallest_p == 0.001
    assert "as GeoDa and esda print them" in ours.summary()
    assert moran(x, W, alternative="geoda").p_sim == pytest.approx(moran(x, W).p_sim / 2, abs=0.001)


def test_what_permutations_cannot_reach_is_said() -> None:
    x, W = grid(12)
    found = local_moran(x, W)
    assert found.smallest_p == 0.002
    assert found.sidedness == "two-sided (twice the smaller tail, at most 1)"
    assert found.permutations_for_fdr == 5759  # 2 x 144 / 0.05 - 1
    text = "999 permutations can call none significant at 0.05 unless 6 or more of 144 units"
    assert text in found.summary()
    assert "pass permutations=5759" in found.summary()
    assert "False discovery rate:" not in local_moran(x, W, permutations=5759).summary()


def test_half_of_the_ties_count() -> None:
    above, below = np.array([5, 60]), np.array([97, 60])  # of 99: 3 and 21 ties
    full, mid = (permutation_p(above, below, 99, "greater", mid=m) for m in (False, True))
    np.testing.assert_allclose(full, [0.06, 0.61])
    np.testing.assert_allclose(mid, [0.045, 0.505])
    np.testing.assert_allclose(permutation_p(above, below, 99, "two-sided", mid=True), [0.09, 1.0])


def test_a_unit_at_the_mean_cannot_vary() -> None:
    _, W = grid(3)
    x = pd.Series([-1.0, 1, 0, 2, 0, -2, 0, 1, -1], index=W.ids)
    frame = local_moran(x, W).frame
    assert (frame["p_sim"][x == 0] == 1.0).all()


# ---- sums, invariance
def test_local_statistics_add_up_to_the_global_one() -> None:
    x, W = grid(8)
    for weights in (W, W.binary()):
        result = local_moran(x, weights, permutations=0)
        assert result.I == pytest.approx(moran(x, weights, permutations=0).I, rel=1e-12)
        assert result.frame["Ii"].sum() == pytest.approx(result.I * weights.sparse.sum(), rel=1e-12)


def test_sorting_the_rows_changes_nothing() -> None:
    x, W = grid(9)
    first, second = local_moran(x, W).frame, local_moran(*shuffled(x, W)).frame
    assert not second.index.equals(first.index)
    pd.testing.assert_frame_equal(first, second.loc[first.index], check_exact=True)


def test_kept_simulations_follow_the_rows() -> None:
    x, W = grid(5)
    first = local_moran(x, W, permutations=50, keep_simulations=True)
    second = local_moran(*shuffled(x, W), permutations=50, keep_simulations=True)
    assert first.simulations is not None
    assert second.simulations is not None
    rows = second.frame.index.get_indexer(first.frame.index)
    np.testing.assert_array_equal(first.simulations, second.simulations[rows])
    above = (first.simulations >= first.frame["Ii"].to_numpy()[:, None] - 1e-12).sum(axis=1)
    greater = local_moran(x, W, permutations=50, alternative="greater").frame["p_sim"]
    np.testing.assert_allclose(greater, (above + 1) / 51)


def test_labels_scale_and_shift_change_nothing() -> None:
    x, W = grid(7)
    names = {i: f"city {k:02d}" for k, i in enumerate(W.ids)}
    renamed = Weights.from_sparse(W.sparse, [names[i] for i in W.ids])
    first = local_moran(x, W).frame
    again = local_moran(x.rename(index=names), renamed).frame
    pd.testing.assert_frame_equal(first.rename(index=names), again, check_exact=True)
    scaled = local_moran(3 * x + 100, W.scaled(0.1)).frame
    np.testing.assert_allclose(scaled["Ii"], first["Ii"] / 10, rtol=1e-9)
    np.testing.assert_array_equal(scaled["p_sim"], first["p_sim"])
    np.testing.assert_allclose(scaled["p_value"], first["p_value"], rtol=1e-7)


def test_own_weights_enter_and_stay_in_place() -> None:
    x, W = grid(6)
    own = Weights.from_sparse(sparse.csr_array(W.sparse + 0.5 * sparse.eye_array(36)), W.ids)
    plain, heavy = local_moran(x, W).frame, local_moran(x, own).frame
    np.testing.assert_allclose(heavy["Ii"], plain["Ii"] + 0.5 * plain["z"] ** 2, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(heavy["z_value"], plain["z_value"], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(heavy["p_sim"], plain["p_sim"])
    with pytest.raises(WeightsError, match=r"Total moments need weights without own weights.*'u000'"):
        local_moran(x, own, moments="total")


# ---- two variables
@pytest.mark.evidence(
    "bivariate_local_moran",
    source="sums to bivariate_moran; equals local_moran for one variable",
    kind="identity",
)
def test_bivariate_adds_up_and_is_the_plain_one_for_one_variable() -> None:
    x, W = grid(8)
    y = (x**2).rename("y")
    both = bivariate_local_moran(x, y, W)
    from spatial.autocorrelation.two_variables import bivariate_moran

    assert both.I == pytest.approx(bivariate_moran(x, y, W, permutations=0).I, rel=1e-10)
    assert both.name == "x, W y"
    same, plain = bivariate_local_moran(x, x, W).frame, local_moran(x, W).frame
    pd.testing.assert_frame_equal(same, plain, check_exact=True)
    moved = bivariate_local_moran(x.sample(frac=1, random_state=1), y.sample(frac=1, random_state=2), W)
    pd.testing.assert_frame_equal(both.frame, moved.frame, check_exact=True)


def test_bivariate_conditional_moments_are_those_of_the_draws() -> None:
    x, W = grid(8)
    y = pd.Series(np.random.default_rng(5).normal(size=64), index=x.index)
    result = bivariate_local_moran(x, y, W, permutations=3999, keep_simulations=True)
    assert result.simulations is not None
    z = (result.simulations.mean(axis=1) - result.frame["expected"]) / np.sqrt(
        result.frame["variance"] / 3999
    )
    assert np.abs(z).max() < 5
    np.testing.assert_allclose(result.simulations.var(axis=1), result.frame["variance"], rtol=0.15)


# ---- missing values, islands, bad input
def test_islands_have_a_label_and_no_p_value() -> None:
    x, W = grid(5)
    wide = Weights.from_sparse(sparse.block_diag([W.sparse, [[0.0]]], format="csr"), [*W.ids, "far"])
    result = local_moran(pd.concat([x, pd.Series({"far": 9.0})]), wide)
    row = result.frame.loc["far"]
    assert row["cluster"] == "island"
    assert pd.isna(row["quadrant"])
    assert np.isnan(row["p_sim"])
    assert np.isnan(row["p_fdr"])
    assert np.isnan(row["z_value"])
    assert row["Ii"] == 0
    assert "island 1" in result.summary()


def test_missing_values_are_cut_and_named() -> None:
    x, W = grid(5)
    x.iloc[2] = np.nan
    with pytest.raises(DataError, match="NaN or infinity at 'u002'"):
        local_moran(x, W)
    result = local_moran(x, W, missing="drop")
    assert "u002" not in result.frame.index
    assert list(result.dropped) == ["u002"]
    assert "Dropped as missing, with their links: 1 (u002)" in result.summary()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, W: local_moran(x * 0, W), DataError, "Local Moran's I needs values that vary"),
        (lambda x, W: local_moran(x.iloc[1:], W), AlignmentError, "In the weights only: 'u000'"),
        (lambda x, W: local_moran(x, W, alpha=5), DataError, "alpha must be between 0 and 1, as 0.05; got 5"),
        (lambda x, W: local_moran(x, W, alternative="more"), DataError, "alternative must be one of"),
        (lambda x, W: local_moran(x, W, moments="totl"), DataError, "Did you mean 'total'"),
        (lambda x, W: local_moran(x, W, permutations=2.5), DataError, "permutations must be a whole number"),
        (lambda x, W: local_moran(x, W, seed=-1), DataError, "seed must be a whole number"),
        (lambda x, W: local_moran(x, W, workers="2"), DataError, "workers must be"),
        (
            lambda x, W: bivariate_local_moran(
                x, x, Weights.from_sparse(W.sparse + sparse.eye_array(25), W.ids)
            ),
            WeightsError,
            "needs weights without own weights",
        ),
        (
            lambda _, W: local_moran(
                Panel.from_frame(pd.DataFrame({"i": ["a"], "t": [1], "x": [1.0]}), unit="i", time="t"),
                W,
            ),
            DataError,
            "one cross-section",
        ),
    ],
)
def test_bad_input_is_refused_with_its_cause(call: Any, error: type[Exception], message: str) -> None:
    x, W = grid(5)
    with pytest.raises(error, match=message):
        call(x, W)


# ---- what a result says
def test_result_tables_and_text() -> None:
    x, W = grid(6)
    result = local_moran(x, W, permutations=99)
    tidy = result.tidy()
    assert list(tidy["unit"]) == list(W.ids)
    assert {"term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"} <= set(tidy)
    np.testing.assert_allclose(
        (tidy["estimate"] - result.frame["expected"].to_numpy()) / tidy["std_error"], tidy["statistic"]
    )
    glance = result.glance().iloc[0]
    assert glance["HH"] == (result.frame["cluster"] == "HH").sum()
    text = result.summary()
    assert "clusters at p_sim <= 0.05" in text
    assert "with the false discovery rate held at 0.05" in text
    assert str(result) == text
    assert "p_fdr" in local_moran(x, W, permutations=99, fdr=True).summary()
    assert "p_value" in local_moran(x, W, permutations=0).summary()
    assert repr(result).startswith("<LocalMoran x: HH ")
    assert result.plot().get_xlabel()


def test_cluster_map() -> None:
    import geopandas as gpd
    from shapely.geometry import box

    x, W = grid(4)
    cells = [box(k % 4, k // 4, k % 4 + 1, k // 4 + 1) for k in range(16)]
    cities = gpd.GeoDataFrame(index=W.ids, geometry=cells, crs=3857)
    assert local_moran(x, W, permutations=99).plot(cities).get_legend() is not None


def test_a_level_that_permutations_cannot_reach_is_refused() -> None:
    """An empty map would say that nothing is significant; it says only that 999 draws were too few."""
    x, W = grid(6)
    with pytest.raises(DataError, match=r"smallest p-value of 999 permutations is 0\.002.*permutations=1999"):
        local_moran(x, W, alpha=0.001)
    assert local_moran(x, W, alpha=0.001, alternative="geoda").alpha == 0.001
    assert local_moran(x, W, alpha=0.001, permutations=1999).alpha == 0.001
