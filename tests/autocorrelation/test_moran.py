"""Global Moran's I: spdep's numbers, exact enumeration, the permutation kernel, panels, bad input."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import SPDEP, columbus, grid, shuffled, spdep_weights
from scipy import stats

from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.moments import (
    build_constants,
    moran_moments,
)
from spatial.autocorrelation.two_variables import bivariate_moran
from spatial.compute.permutation_kernels import LANES
from spatial.compute.pvalues import permutation_counts, permutation_p
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.weights import Weights

CLOSE: dict[str, float] = {"rel": 1e-10, "abs": 1e-12}


CASES = sorted(SPDEP["global"])


# ---- outside truth
@pytest.mark.evidence("moran", digits=10, source="spdep 1.4.2 moran.test, columbus")
@pytest.mark.parametrize("case", CASES)
def test_moran_is_spdeps(case: str) -> None:
    which, style, name = case.split("_")
    truth = SPDEP["global"][case]
    result = moran(columbus(name), spdep_weights(which, style), permutations=0)
    for field in (
        "I",
        "expected",
        "variance_randomisation",
        "z_randomisation",
        "variance_normality",
        "z_normality",
    ):
        assert getattr(result, field) == pytest.approx(truth[field], **CLOSE)
    assert result.p_randomisation == pytest.approx(truth["p_two_sided"], **CLOSE)
    greater = moran(columbus(name), spdep_weights(which, style), permutations=0, alternative="greater")
    assert greater.p_randomisation == pytest.approx(truth["p_greater"], **CLOSE)
    assert greater.p_normality == pytest.approx(truth["p_normality_greater"], **CLOSE)


@pytest.mark.parametrize("case", sorted(SPDEP["constants"]))
def test_constants_are_spdeps(case: str) -> None:
    constants = build_constants(spdep_weights(*case.split("_")).sparse)
    for name, value in SPDEP["constants"][case].items():
        assert getattr(constants, name) == pytest.approx(value, rel=1e-12)


@pytest.mark.evidence(
    "bivariate_moran",
    digits=10,
    source="spdep 1.4.2, columbus",
    differs="spdep divides by n - 1 and leaves out n / S0; compared after that factor",
)
@pytest.mark.parametrize("case", sorted(SPDEP["bivariate"]))
def test_bivariate_moran_is_spdeps(case: str) -> None:
    W = spdep_weights(*case.split("_"))
    result = bivariate_moran(columbus("CRIME"), columbus("INC"), W, permutations=0)
    # spdep divides by n - 1 after scaling by the n - 1 deviations, and leaves n / S0 out.
    total = W.sparse.sum()
    assert result.I * total / W.n == pytest.approx(SPDEP["bivariate"][case], rel=1e-10)


def test_permutation_agrees_with_spdeps_999_permutations() -> None:
    # spdep's moran.mc with 999 permutations, seed 1: mean -0.0207438980200316, s.d. 0.0906420139101651.
    result = moran(columbus("CRIME"), spdep_weights("queen", "W"), permutations=9999)
    assert result.simulated is not None
    assert result.simulated.mean() == pytest.approx(-1 / 48, abs=4 * 0.0906 / 100)
    # The s.d. of an s.d. over 999 draws is some 2.2 %.
    assert result.simulated.std() == pytest.approx(0.0906420139101651, rel=0.09)
    assert result.p_sim == 2 / 10000


def test_esda_has_the_same_statistic_and_is_left_as_it_was() -> None:
    from esda import Moran

    x, W = grid(8)
    legacy = W.to_w()
    before = legacy.transform
    peer = Moran(x.to_numpy(), W.to_w(), permutations=0)
    result = moran(x, legacy, permutations=19)
    assert pytest.approx(peer.I, rel=1e-12) == result.I
    assert result.variance_randomisation == pytest.approx(peer.VI_rand, rel=1e-10)
    assert legacy.transform == before
    assert moran(x, W.to_graph(), permutations=19).p_sim == result.p_sim


# ---- by hand and by enumeration
@pytest.mark.evidence("moran", source="three units on a line", kind="hand")
def test_three_links_by_hand() -> None:
    # 1, 2, 3, 4 on a line: z = -1.5, -.5, .5, 1.5; products .75 - .25 + .75; I = 4/6 * 2.5/5.
    links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    result = moran(pd.Series([1.0, 2, 3, 4], index=list("abcd")), Weights.from_frame(links), permutations=0)
    assert pytest.approx(1 / 3, rel=1e-14) == result.I
    assert result.name == "x"


def every_arrangement(z: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    arranged = np.array(list(itertools.permutations(z)))
    return len(z) / (matrix.sum() * (z @ z)) * np.einsum("pi,ij,pj->p", arranged, matrix, arranged)


@pytest.mark.parametrize("diagonal", [0.0, 0.7])
def test_randomisation_moments_are_those_of_all_720_arrangements(diagonal: float) -> None:
    rng = np.random.default_rng(5)
    matrix = rng.random((6, 6)) * (rng.random((6, 6)) < 0.6)
    np.fill_diagonal(matrix, diagonal * rng.random(6))
    x = rng.exponential(size=6)
    z = x - x.mean()
    every = every_arrangement(z, matrix)
    result = moran(x, Weights.from_dense(matrix), permutations=4999, seed=3)
    assert result.expected == pytest.approx(every.mean(), rel=1e-12, abs=1e-14)
    assert result.variance_randomisation == pytest.approx(every.var(), rel=1e-12)
    exact = min(1.0, 2 * min((every >= result.I - 1e-12).mean(), (every <= result.I + 1e-12).mean()))
    assert result.p_sim == pytest.approx(exact, abs=4 * 2 * np.sqrt(0.25 / 5000))


def test_normality_moments_with_own_weights_are_those_of_normal_draws() -> None:
    rng = np.random.default_rng(6)
    matrix = rng.random((8, 8))
    np.fill_diagonal(matrix, 2.0)
    constants = build_constants(sparse.csr_array(matrix))
    moments = moran_moments(np.arange(8) - 3.5, constants)
    z = rng.normal(size=(200_000, 8))
    z -= z.mean(axis=1, keepdims=True)
    drawn = 8 / matrix.sum() * np.einsum("pi,ij,pj->p", z, matrix, z) / (z**2).sum(axis=1)
    assert moments.expected == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(len(z)))
    # Relative s.d. of a variance of 200,000 draws: 0.3 %.
    assert moments.variance_normality == pytest.approx(drawn.var(), rel=0.015)


def test_all_pairs_alike_leave_no_room() -> None:
    matrix = np.ones((6, 6)) - np.eye(6)
    result = moran(np.array([1.0, 2, 4, 8, 16, 32]), Weights.from_dense(matrix), permutations=99)
    assert pytest.approx(-1 / 5) == result.I
    assert np.isnan(result.z_randomisation)
    assert result.p_sim == 1.0


# ---- inference
@pytest.mark.evidence("moran", source="300 maps without clustering: p-values uniform", kind="simulation")
@pytest.mark.slow
def test_p_values_are_right_under_the_null(record_property: Callable[[str, object], None]) -> None:
    _, W = grid(10)
    rng = np.random.default_rng(11)
    results = [
        moran(pd.Series(rng.normal(size=100), index=W.ids), W, permutations=199, seed=s) for s in range(300)
    ]
    for field in ("p_sim", "p_normality", "p_randomisation"):
        p = np.array([getattr(r, field) for r in results])
        record_property(f"size of {field} at 5 %", f"{(p <= 0.05).mean():.3f} in 300 maps")
        assert stats.kstest(p, "uniform").pvalue > 1e-3
        assert abs((p <= 0.05).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 300)


def test_permutation_p_agrees_with_the_analytic_one() -> None:
    x, W = grid(20, seed=8)
    noisy = x + pd.Series(np.random.default_rng(1).normal(size=400), index=x.index) * 9
    result = moran(noisy, W, permutations=9999, alternative="greater")
    assert result.p_sim == pytest.approx(result.p_randomisation, abs=4 * np.sqrt(0.25 / 9999) + 0.005)


def test_tails_and_ties() -> None:
    simulated = np.array([1.0, 2.0, 2.0, 3.0])
    above, below = permutation_counts(2.0, simulated)
    assert (above, below) == (3, 3)
    assert permutation_p(above, below, 4, "greater") == pytest.approx(4 / 5)
    assert permutation_p(above, below, 4, "two-sided") == 1.0
    x, W = grid(6)
    one = {a: moran(x, W, alternative=a).p_sim for a in ("greater", "less", "two-sided")}
    assert one["two-sided"] == pytest.approx(2 * one["greater"])
    assert one["less"] > 0.9


def test_equal_sums_in_other_orders_count_as_ties() -> None:
    # Values 0 and 1 in tenths: few distinct statistics, many ties, none of them lost to rounding.
    x, W = grid(4)
    binary = pd.Series((x > x.median()) * 0.1, index=x.index)
    result = moran(binary, W, permutations=999)
    assert result.simulated is not None
    exact = np.round(result.simulated, 10)
    assert result.p_sim == min(
        1.0,
        2 * min((exact >= round(result.I, 10)).sum() + 1, (exact <= round(result.I, 10)).sum() + 1) / 1000,
    )


# ---- invariance
def test_one_seed_gives_one_answer_whatever_the_workers() -> None:
    x, W = grid(70)
    alone, many = (moran(x, W, permutations=50, seed=9, workers=k) for k in (1, 3))
    assert alone.simulated is not None
    assert many.simulated is not None
    assert np.array_equal(alone.simulated, many.simulated)
    assert not np.array_equal(alone.simulated, moran(x, W, permutations=50, seed=10).simulated)
    # More permutations begin with the same ones.
    longer = moran(x, W, permutations=LANES * 8 + 3, seed=9).simulated
    assert longer is not None
    assert np.array_equal(longer[:50], alone.simulated)


def test_sorting_the_rows_changes_nothing() -> None:
    x, W = grid(9)
    first, second = moran(x, W), moran(*shuffled(x, W))
    for field in ("I", "p_sim", "z_normality", "variance_randomisation"):
        assert getattr(first, field) == getattr(second, field)
    assert np.array_equal(first.simulated, second.simulated)  # type: ignore[arg-type]
    pd.testing.assert_series_equal(first.lag, second.lag.loc[first.lag.index], check_exact=False, rtol=1e-12)


def test_labels_mean_nothing_but_who_is_who() -> None:
    x, W = grid(7)
    names = {i: f"city {k:02d}" for k, i in enumerate(W.ids)}
    renamed = Weights.from_sparse(W.sparse, [names[i] for i in W.ids])
    again = moran(x.rename(index=names), renamed)
    assert (again.I, again.p_sim) == (moran(x, W).I, moran(x, W).p_sim)
    # Ids of two kinds have an order too.
    mixed = Weights.from_sparse(W.sparse, [k if k % 2 else str(k) for k in range(49)])
    assert pytest.approx(again.I, rel=1e-12) == moran(x.to_numpy(), mixed).I


def test_scaled_weights_change_nothing() -> None:
    x, W = grid(7)
    first, second = moran(x, W), moran(x, W.scaled(0.1))
    assert pytest.approx(second.I, rel=1e-12) == first.I
    assert first.z_randomisation == pytest.approx(second.z_randomisation, rel=1e-9)
    assert first.p_sim == second.p_sim


def test_shifted_and_rescaled_values_change_nothing() -> None:
    x, W = grid(7)
    assert pytest.approx(moran(x, W).I, rel=1e-6) == moran(x * 1e-3 + 1e6, W).I


def test_two_disjoint_maps_pool() -> None:
    x, W = grid(5)
    n = W.n
    both = Weights.from_sparse(sparse.block_diag([W.sparse, W.sparse], format="csr"))
    pooled = moran(np.concatenate([x, x]), both, permutations=0)
    assert pytest.approx(moran(x, W, permutations=0).I, rel=1e-12) == pooled.I
    assert pooled.n == 2 * n


# ---- missing values, islands, bad input
def test_missing_values_are_refused_by_name_or_cut_with_their_links() -> None:
    x, W = grid(5)
    x.iloc[[3, 7]] = np.nan, np.inf
    with pytest.raises(DataError, match=r"'x' must be finite; NaN or infinity at 'u003', 'u007'"):
        moran(x, W)
    result = moran(x, W, missing="drop")
    assert list(result.dropped) == ["u003", "u007"]
    assert result.n == 23
    assert "Dropped as missing, with their links: 2 (u003, u007)" in result.summary()
    kept = x.index.drop(["u003", "u007"])
    assert pytest.approx(moran(x[kept], W.subset(kept).row_standardized()).I, rel=1e-14) == result.I
    # Weights that were not row-standardised are only cut.
    binary = W.binary()
    assert pytest.approx(moran(x[kept], binary.subset(kept)).I) == moran(x, binary, missing="drop").I


def test_islands_stay_in_n() -> None:
    x, W = grid(4)
    wide = Weights.from_sparse(sparse.block_diag([W.sparse, [[0.0]]], format="csr"), [*W.ids, "far"])
    result = moran(pd.concat([x, pd.Series({"far": 0.0})]), wide)
    assert list(result.islands) == ["far"]
    assert result.n == 17
    assert "1 islands" in result.weights


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, W: moran(x * 0 + 0.1, W), DataError, "needs values that vary; 'x' is 0.1 in all 25 units"),
        (lambda x, W: moran(x.iloc[:-1], W), AlignmentError, "In the weights only: 'u024'"),
        (
            lambda x, W: moran(pd.concat([x, pd.Series({"zz": 1.0})]), W),
            AlignmentError,
            "In the values only|only: 'zz'",
        ),
        (lambda x, W: moran(x.to_numpy()[1:], W), AlignmentError, "must have length 25"),
        (lambda x, W: moran(x.to_frame().assign(y=1.0), W), DataError, "got a table with columns 'x', 'y'"),
        (lambda _, W: moran(np.ones((25, 2)), W), AlignmentError, r"array of shape \(N,\); got \(25, 2\)"),
        (lambda x, W: moran(x.to_numpy() * 1j, W), DataError, "must be real numbers"),
        (lambda x, W: moran(x.astype(str) + "a", W), DataError, "must be numbers"),
        (
            lambda x, W: moran(x.iloc[:3], W.subset(W.ids[:3])),
            DataError,
            "Moran's I needs at least 4 units with values; got 3",
        ),
        (
            lambda x, W: moran(x.where(x.index < "u003"), W, missing="drop"),
            DataError,
            r"got 3 \(22 were dropped as missing\)",
        ),
        (
            lambda x, W: moran(x, Weights.from_sparse(W.sparse * 0, W.ids)),
            WeightsError,
            "needs links between units, with a positive sum; these 0 links",
        ),
        (
            lambda x, W: moran(x, Weights.from_sparse(sparse.csr_array(sparse.eye_array(25)), W.ids)),
            WeightsError,
            "these 0 links",
        ),
        (
            lambda x, W: moran(x, Weights.from_sparse(-W.sparse, W.ids)),
            WeightsError,
            "these 80 links sum to -25",
        ),
        (lambda x, W: moran(x, W.sparse), WeightsError, "A bare matrix has no ids"),
        (lambda _, W: moran("gdp", W), DataError, r"got the text 'gdp'. Pass the column, as cities\['gdp'\]"),
        (lambda x, W: moran(x, W, permutations=-1), DataError, "permutations must be a whole number"),
        (lambda x, W: moran(x, W, seed=None), DataError, "seed must be a whole number"),
        (lambda x, W: moran(x, W, permutations=True), DataError, "permutations must be a whole number"),
        (lambda x, W: moran(x, W, alternative="two_sided"), DataError, "Did you mean 'two-sided'"),
        (lambda x, W: moran(x, W, missing="dorp"), DataError, "Did you mean 'drop'"),
        (lambda x, W: moran(x, W, workers=0), DataError, "workers must be a number of threads"),
        (
            lambda x, W: moran(pd.concat({1: x}), W),
            DataError,
            "must be one cross-section.*or use moran_panel",
        ),
        (
            lambda x, W: bivariate_moran(x, x, Weights.from_sparse(sparse.eye_array(25) + W.sparse, W.ids)),
            WeightsError,
            "without own weights; these have them at 'u000'",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:80 weights are negative")
def test_bad_input_is_refused_with_its_cause(call: Any, error: type[Exception], message: str) -> None:
    x, W = grid(5)
    with pytest.raises(error, match=message):
        call(x, W)


# ---- what a result says
def test_result_tables_and_text() -> None:
    x, W = grid(5)
    result = moran(x, W, permutations=99)
    tidy = result.tidy()
    assert list(tidy["method"]) == ["normality", "randomisation", "permutation"]
    assert tidy["estimate"].nunique() == 1
    assert tidy.loc[1, "statistic"] == result.z_randomisation
    assert tidy.loc[0, "std_error"] == pytest.approx(result.variance_normality**0.5)
    assert len(moran(x, W, permutations=0).tidy()) == 2
    assert result.glance().loc[0, "p_sim"] == result.p_sim
    text = result.summary()
    assert "two-sided (twice the smaller tail, at most 1)" in text
    assert "normalisation row" in text
    assert "Permutations: 99, seed 0; smallest p 0.02" in text
    assert str(result) == text
    assert repr(result).startswith("<Moran x: I = ")
    assert "permutation" not in moran(x, W, permutations=0).summary().split("Weights")[0]
    assert float(result.z @ result.lag / (result.z @ result.z)) == pytest.approx(result.I)
    assert result.plot().get_xlabel()
    with pytest.raises(AttributeError):
        result.I = 0.0  # type: ignore[misc]
