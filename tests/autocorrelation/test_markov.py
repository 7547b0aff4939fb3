"""Spatial Markov chains and LISA transitions: giddy's numbers, by hand, invariance, bad input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lattice import grid

from spatial.autocorrelation.markov import lisa_markov, spatial_markov
from spatial.errors import DataError, SpatialWarning, WeightsError
from spatial.panel.panel import Panel
from spatial.weights import Weights


def walk(side: int = 8, times: int = 12, seed: int = 0) -> tuple[Panel, Weights]:
    """Return incomes that drift, with neighbours that matter."""
    x, W = grid(side, seed)
    rng = np.random.default_rng(seed)
    level, parts = np.exp(x.to_numpy()), []
    for t in range(times):
        parts.append(pd.DataFrame({"city": W.ids, "year": 2000 + t, "income": level}))
        level = level * np.exp(
            0.1 * (np.log(W.sparse @ level) - np.log(level)) + 0.2 * rng.normal(size=len(x))
        )
    return Panel.from_frame(pd.concat(parts), unit="city", time="year"), W


@pytest.mark.evidence("spatial_markov", digits=9, source="giddy Spatial_Markov, simulated walk")
@pytest.mark.slow
def test_spatial_markov_is_giddys() -> None:
    from giddy.markov import Spatial_Markov

    panel, W = walk()
    values = panel.cube(["income"], units=W.ids)[:, :, 0].T
    peer = Spatial_Markov(values, W.to_w(), k=4, m=4)
    result = spatial_markov(panel, "income", W, 4)
    np.testing.assert_array_equal(result.transitions, peer.transitions)
    np.testing.assert_array_equal(result.conditional_transitions, peer.T)
    np.testing.assert_allclose(result.conditional_probabilities, peer.P)
    np.testing.assert_allclose(result.cutoffs, peer.cutoffs)
    assert result.likelihood_ratio == pytest.approx(peer.LR)
    assert result.p_q == pytest.approx(peer.Q_p_value, abs=1e-12)
    assert result.degrees_of_freedom == peer.dof_hom
    np.testing.assert_allclose(result.steady_state @ result.probabilities, result.steady_state, atol=1e-12)


@pytest.mark.parametrize("fixed", [pytest.param(True, marks=pytest.mark.slow), False])
def test_permuted_statistics_are_giddys_on_the_observed_map(fixed: bool) -> None:
    from spatial.autocorrelation.markov import chains

    panel, W = walk()
    values = panel.cube(["income"], units=W.ids)[:, :, 0].T
    result = spatial_markov(panel, "income", W, 4, m=3, fixed=fixed, permutations=9)
    own = chains._classes(values, 4, fixed=fixed)
    lag = chains._classes(W.sparse @ values, 3, fixed=fixed)
    counts = chains.moves(own[:, :-1], own[:, 1:], lag[:, :-1], (3, 4))
    np.testing.assert_array_equal(counts, result.conditional_transitions)
    likelihood, q = chains._homogeneity(counts)
    assert likelihood == pytest.approx(result.likelihood_ratio, rel=1e-12)
    assert q == pytest.approx(result.q, rel=1e-12)


def test_few_expected_counts_are_said() -> None:
    panel, W = walk()
    with pytest.warns(SpatialWarning, match="expected counts are below 5: the chi-squared p-values of"):
        alone = spatial_markov(panel, "income", W, 5, permutations=0)
    assert np.isnan(alone.p_sim)
    found = spatial_markov(panel, "income", W, 5, permutations=99)
    assert found.few_expected == alone.few_expected > 0
    assert "read those by permutation, or take fewer classes" in found.summary()
    assert "by 99 permutations of whole trajectories (seed 0)" in found.summary()
    assert {"p_sim", "p_sim_q", "few_expected"} <= set(found.glance())


def test_transitions_by_hand() -> None:
    # Two classes, three times on a ring of four; the classes' bound is the median of all 12 values.
    links = pd.DataFrame({"i": list("aabbccdd"), "j": list("bdacbdca"), "w": 0.5})
    values = {"a": [1, 5, 9], "b": [2, 6, 10], "c": [11, 7, 3], "d": [12, 8, 4]}
    rows = [(i, t, float(v)) for i, series in values.items() for t, v in enumerate(series)]
    panel = Panel.from_frame(pd.DataFrame(rows, columns=["i", "t", "x"]), unit="i", time="t")
    result = spatial_markov(panel, "x", Weights.from_frame(links), 2)
    # low: 1..6.  a: L L H, b: L L H, c: H H L, d: H H L.
    np.testing.assert_array_equal(result.transitions, [[2, 2], [2, 2]])
    assert result.conditional_transitions.sum() == 8


@pytest.mark.slow
def test_relative_and_yearly_classes() -> None:
    panel, W = walk()
    grown = panel.with_columns(income=lambda f: f["income"] * 2.0 ** (f.index.get_level_values(1) - 2000))
    first, second = (spatial_markov(p, "income", W, 3, relative=True) for p in (panel, grown))
    np.testing.assert_array_equal(first.conditional_transitions, second.conditional_transitions)
    yearly = spatial_markov(grown, "income", W, 3, m=2, fixed=False)
    assert yearly.conditional_transitions.shape == (2, 3, 3)
    assert yearly.cutoffs.size == 0


@pytest.mark.slow
def test_sorting_changes_nothing() -> None:
    panel, W = walk()
    moved = W.reordered(np.random.default_rng(1).permutation(W.ids))
    for function in (
        lambda w: spatial_markov(panel, "income", w, 3),
        lambda w: lisa_markov(panel, "income", w),
    ):
        assert function(W).summary() == function(moved).summary()
    frame = lisa_markov(panel, "income", moved).quadrants
    pd.testing.assert_frame_equal(frame.loc[W.ids], lisa_markov(panel, "income", W).quadrants)


@pytest.mark.evidence(
    "lisa_markov",
    digits=10,
    source="giddy LISA_Markov, simulated walk",
    differs="giddy's test of independence has one degree of freedom too many",
)
def test_lisa_transitions_follow_giddys_quadrants() -> None:
    from giddy.markov import LISA_Markov

    panel, W = walk()
    values = panel.cube(["income"], units=W.ids)[:, :, 0].T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # esda's, on the default of p-values that are not used here
        peer = LISA_Markov(values, W.to_w())
    result = lisa_markov(panel, "income", W)
    order = [0, 2, 1, 3]  # giddy's HH, LH, LL, HL
    np.testing.assert_array_equal(result.transitions.to_numpy(), peer.transitions[np.ix_(order, order)])
    assert result.transitions.to_numpy().sum() == 64 * 11
    np.testing.assert_allclose(result.expected.sum(axis=1), result.transitions.sum(axis=1))
    # 12 free probabilities in four rows, less two for each chain of two states; giddy's 9 is one too many.
    assert result.degrees_of_freedom == 8
    peer_chi2 = ((peer.transitions - peer.expected_t) ** 2 / peer.expected_t).sum()
    assert np.isfinite(peer_chi2)
    assert 0 < result.p_sim <= 1
    assert 0 <= result.p_value <= 1
    assert set(np.unique(result.quadrants)) <= {"HH", "LL", "LH", "HL"}


def test_a_chain_without_one_steady_state_says_so() -> None:
    # Two halves that never exchange places.
    links = pd.DataFrame({"i": list("abcd"), "j": list("badc"), "w": 1.0})
    values = {"a": [1, 2, 1], "b": [2, 1, 2], "c": [11, 12, 11], "d": [12, 11, 12]}
    rows = [(i, t, float(v)) for i, series in values.items() for t, v in enumerate(series)]
    panel = Panel.from_frame(pd.DataFrame(rows, columns=["i", "t", "x"]), unit="i", time="t")
    result = spatial_markov(panel, "x", Weights.from_frame(links), 2)
    assert np.isnan(result.steady_state).all()


def test_result_tables_and_text() -> None:
    panel, W = walk()
    result = spatial_markov(panel, "income", W, 3)
    tidy = result.tidy()
    assert len(tidy) == 9 * 4
    assert tidy.groupby(["lag_class", "from"])["estimate"].sum().round(12).isin([0, 1]).all()
    assert result.glance().loc[0, "n"] == 64
    assert "Neighbours in class 3" in result.summary()
    assert str(result) == result.summary()
    assert repr(result).startswith("<SpatialMarkov income: LR")
    words = [text.get_text() for text in result.plot().figure.texts]
    assert words[:2] == ["Transitions of income", "all neighbours"]
    words = [text.get_text() for text in result.plot(lag_class=2).figure.texts]
    assert words[1] == "neighbours in class 2"
    with pytest.raises(DataError, match="lag_class must be 1 to 3; got 4"):
        result.plot(lag_class=4)
    lisa = lisa_markov(panel, "income", W)
    assert len(lisa.tidy()) == 16
    assert lisa.glance().loc[0, "times"] == 12
    assert "Units and neighbours move independently" in str(lisa)
    assert repr(lisa).startswith("<LisaMarkov income: chi2")
    words = [text.get_text() for text in lisa.plot().figure.texts]
    assert words[1] == "quadrants of the Moran scatter plot"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda p, W: spatial_markov(p, "income", W, 1),
            DataError,
            "k must be a number of classes, 2 or more",
        ),
        (lambda p, W: spatial_markov(p, "income", W, m=0), DataError, "m must be a number of classes"),
        (lambda p, W: spatial_markov(p, "incom", W), DataError, "Did you mean 'income'"),
        (lambda p, W: spatial_markov(p.frame, "income", W), DataError, "A Panel is needed"),
        (lambda p, W: spatial_markov(p, "income", W.binary()), WeightsError, r"Pass W.row_standardized\(\)"),
        (
            lambda p, W: spatial_markov(p.with_columns(income=lambda f: f["income"].round(-2)), "income", W),
            DataError,
            "too many equal values for 5 classes",
        ),
        (
            lambda p, W: spatial_markov(
                p.with_columns(income=lambda f: f["income"].where(f["income"] < 4)), "income", W
            ),
            DataError,
            r"must have a value for each unit at each time; none at \('u",
        ),
        (
            lambda p, W: spatial_markov(
                Panel.from_frame(p.at(2000).reset_index().assign(year=2000), unit="city", time="year"),
                "income",
                W,
            ),
            DataError,
            "need two times or more; the panel has 1",
        ),
        (
            lambda p, W: lisa_markov(p.with_columns(income=1.0), "income", W),
            DataError,
            "must vary over the units in each year",
        ),
        (
            lambda p, W: spatial_markov(p.with_columns(income=0.0), "income", W, relative=True),
            DataError,
            "is not above zero in",
        ),
        (
            lambda p, W: lisa_markov(
                p, "income", Weights.from_sparse(W.sparse * (np.arange(64)[:, None] > 0), W.ids)
            ),
            WeightsError,
            "these units have none: 'u000'",
        ),
    ],
)
def test_bad_input_is_refused_with_its_cause(call: Any, error: type[Exception], message: str) -> None:
    panel, W = walk()
    with pytest.raises(error, match=message):
        call(panel, W)


@pytest.mark.parametrize("chain", [spatial_markov, lisa_markov])
def test_a_step_over_a_gap_is_no_transition(chain: Any) -> None:
    panel, W = walk()
    gone = panel.times[5]
    rows = panel.frame.reset_index()
    holed = Panel.from_frame(rows[rows[panel.time_name] != gone], unit=panel.unit_name, time=panel.time_name)
    with pytest.raises(DataError, match="Times must be equally spaced"):
        chain(holed, panel.columns[0], W, permutations=9)
