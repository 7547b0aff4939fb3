"""Getis and Ord's G, G* and general G: spdep's numbers, enumeration, invariance, bad input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import SPDEP, columbus, grid, shuffled, spdep_weights

from spatial.autocorrelation.global_getis import general_g
from spatial.autocorrelation.hot_spots import getis_ord
from spatial.errors import DataError, WeightsError
from spatial.weights import Weights


def positive(side: int) -> tuple[pd.Series[float], Weights]:
    x, W = grid(side)
    return np.exp(x), W


@pytest.mark.evidence("getis_ord", digits=10, source="spdep 1.4.2 localG, columbus")
@pytest.mark.parametrize("case", sorted(SPDEP["local"]))
@pytest.mark.parametrize("star", [True, False])
def test_local_g_is_spdeps(case: str, star: bool) -> None:
    # R 4.2.2, spdep 1.4.2, localG; for G* on include.self(nb) with the same style.
    which, style, name = case.split("_")
    truth = SPDEP["local"][case]["G_star" if star else "G"]
    frame = getis_ord(columbus(name), spdep_weights(which, style), star=star, permutations=0).frame
    np.testing.assert_allclose(frame["z_value"], truth, rtol=1e-10, atol=1e-12)


@pytest.mark.evidence("general_g", digits=10, source="spdep 1.4.2 globalG.test, columbus")
@pytest.mark.parametrize("case", sorted(SPDEP["global"]))
def test_general_g_is_spdeps(case: str) -> None:
    which, style, name = case.split("_")
    truth = SPDEP["global"][case]
    result = general_g(columbus(name), spdep_weights(which, style), permutations=0, alternative="greater")
    assert pytest.approx(truth["G"], rel=1e-10) == result.G
    assert result.expected == pytest.approx(truth["G_expected"], rel=1e-12)
    # The variance is the difference of numbers a thousand times as large.
    assert result.variance_randomisation == pytest.approx(truth["G_variance"], rel=1e-9)
    assert result.z_randomisation == pytest.approx(truth["G_z"], rel=1e-9)
    assert result.p_randomisation == pytest.approx(truth["G_p_greater"], rel=1e-9)


@pytest.mark.parametrize("star", [True, False])
def test_g_moments_are_those_of_all_arrangements_of_the_others(star: bool) -> None:
    rng = np.random.default_rng(2)
    x = rng.exponential(size=6)
    matrix = (rng.random((6, 6)) < 0.6).astype(float)
    np.fill_diagonal(matrix, 0)
    matrix[0, 1] = 1
    frame = getis_ord(x, Weights.from_dense(matrix), star=star, permutations=0).frame
    own = np.eye(6) if star else np.zeros((6, 6))
    total = x.sum() - (0 if star else x)
    np.testing.assert_allclose(frame["G"], (matrix + own) @ x / total, rtol=1e-12)
    if not star:
        others = np.array(list(itertools.permutations(x[1:])))
        drawn = others @ matrix[0, 1:] / x[1:].sum()
        assert frame.loc[0, "expected"] == pytest.approx(drawn.mean(), rel=1e-12)
        assert frame.loc[0, "variance"] == pytest.approx(drawn.var(), rel=1e-10)


def test_general_g_moments_are_those_of_all_720_arrangements() -> None:
    rng = np.random.default_rng(4)
    x = rng.exponential(size=6)
    matrix = rng.random((6, 6)) * (rng.random((6, 6)) < 0.7)
    np.fill_diagonal(matrix, 0)
    arranged = np.array(list(itertools.permutations(x)))
    every = np.einsum("pi,ij,pj->p", arranged, matrix, arranged) / (x.sum() ** 2 - x @ x)
    result = general_g(x, Weights.from_dense(matrix), permutations=4999)
    assert result.expected == pytest.approx(every.mean(), rel=1e-12)
    assert result.variance_randomisation == pytest.approx(every.var(), rel=1e-9)
    exact = min(1.0, 2 * min((every >= result.G - 1e-12).mean(), (every <= result.G + 1e-12).mean()))
    assert result.p_sim == pytest.approx(exact, abs=0.06)


def test_esda_has_the_same_local_g_and_w_is_left_as_it_was() -> None:
    from esda import G_Local

    x, W = positive(8)
    legacy = W.to_w()
    data = legacy.sparse.toarray().copy()
    peer = G_Local(x.to_numpy(), W.binary().to_w(), transform="B", star=False, permutations=0)
    ours = getis_ord(x, legacy, star=False, permutations=99)
    np.testing.assert_allclose(ours.frame["z_value"], peer.Zs, rtol=1e-9)
    general_g(x, legacy, permutations=9)
    np.testing.assert_array_equal(legacy.sparse.toarray(), data)


def test_hot_and_cold_spots_are_where_they_were_put() -> None:
    x, W = grid(10)
    x[:] = 10 + np.random.default_rng(0).normal(size=100)
    rows, columns = np.divmod(np.arange(100), 10)
    x[rows < 3] += 8
    result = getis_ord(x, W)
    spots = result.frame["cluster"].astype(str).to_numpy()
    # At the edge, with two or three neighbours, few arrangements are as hot but not few enough.
    assert (spots[(rows == 1) & (columns > 0) & (columns < 9)] == "hot spot").all()
    assert not (spots[rows > 4] == "hot spot").any()
    strict = getis_ord(x, W, permutations=0, fdr=True).frame
    assert ((strict["cluster"] != "not significant") == (strict["p_fdr"] <= 0.05)).all()
    assert (strict["cluster"] == "hot spot").sum() > 10
    agree = (result.frame["p_sim"] <= 0.05) == (result.frame["p_value"] <= 0.05)
    assert agree.mean() > 0.8


def test_z_does_not_depend_on_the_scale_of_a_row() -> None:
    x, W = positive(8)
    for star in (True, False):
        first, second = (getis_ord(x, w, star=star).frame for w in (W, W.binary()))
        np.testing.assert_allclose(first["z_value"], second["z_value"], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(first["p_sim"], second["p_sim"])


def test_given_own_weights_are_kept_for_g_star() -> None:
    x, W = positive(5)
    binary = W.binary()
    one = Weights.from_sparse(sparse.csr_array(binary.sparse + sparse.eye_array(25)), W.ids)
    two = Weights.from_sparse(sparse.csr_array(binary.sparse + 2 * sparse.eye_array(25)), W.ids)
    plain = getis_ord(x, binary, permutations=0).frame["z_value"]
    np.testing.assert_allclose(getis_ord(x, one, permutations=0).frame["z_value"], plain, rtol=1e-12)
    assert not np.allclose(getis_ord(x, two, permutations=0).frame["z_value"], plain)


def test_sorting_and_workers_change_nothing() -> None:
    x, W = positive(9)
    first, second = getis_ord(x, W, workers=1), getis_ord(*shuffled(x, W), workers=3)
    pd.testing.assert_frame_equal(first.frame, second.frame.loc[first.frame.index], check_exact=True)
    one, two = general_g(x, W), general_g(*shuffled(x, W))
    assert (one.G, one.p_sim, one.z_randomisation) == (two.G, two.p_sim, two.z_randomisation)


def test_spots_are_labelled_by_the_tail_that_rejects() -> None:
    # A peak in a valley: G* includes the peak, while p by permutation is of its neighbours alone.
    x, W = grid(9)
    x = pd.Series(np.random.default_rng(3).uniform(5, 6, W.n), index=W.ids, name="x")
    x["u040"] = 100.0
    x[W.ids[W.sparse[[40]].indices]] = 1.0
    frame = getis_ord(x, W).frame
    assert frame.loc["u040", "z_value"] > 0
    assert getis_ord(x, W, alternative="less").frame.loc["u040", "p_sim"] <= 0.01
    assert frame.loc["u040", "cluster"] == "cold spot"
    analytic = getis_ord(x, W, permutations=0, alpha=0.2).frame
    assert (analytic["z_value"][analytic["cluster"] == "hot spot"] > 0).all()


def test_a_share_of_nothing_is_no_statistic() -> None:
    x, W = grid(4)
    x = x * 0
    x.iloc[5] = 3.0
    frame = getis_ord(x, W, star=False, permutations=19).frame
    assert frame.loc["u005", ["G", "z_value", "p_value", "p_sim"]].isna().all()
    assert frame["G"].drop("u005").notna().all()
    with pytest.raises(
        DataError, match="two units or more with values above zero; 'x' is above zero at 'u005' only"
    ):
        general_g(x, W)
    vast = x + 1e-300
    with pytest.raises(DataError, match="at 'u005', is more than ten million times all others"):
        general_g(vast, W)


def test_islands() -> None:
    x, W = positive(4)
    wide = Weights.from_sparse(sparse.block_diag([W.sparse, [[0.0]]], format="csr"), [*W.ids, "far"])
    values = pd.concat([x, pd.Series({"far": 5.0})])
    for star in (True, False):
        row = getis_ord(values, wide, star=star).frame.loc["far"]
        assert row["cluster"] == "island"
        assert np.isnan(row["p_sim"])
    assert np.isnan(getis_ord(values, wide, star=False).frame.loc["far", "z_value"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x, W: getis_ord(x - 10, W),
            DataError,
            "needs values that are not negative; negative at 'u000'",
        ),
        (lambda x, W: general_g(x - 10, W), DataError, "general G is a share of a total"),
        (
            lambda x, W: getis_ord(
                x, Weights.from_sparse(W.sparse + sparse.eye_array(25), W.ids), star=False
            ),
            WeightsError,
            "G leaves the unit itself out; these weights have own weights at 'u000'.*Use star=True",
        ),
        (
            lambda x, W: general_g(x, Weights.from_sparse(W.sparse + sparse.eye_array(25), W.ids)),
            WeightsError,
            "The general G compares different units",
        ),
        (lambda x, W: getis_ord(x * 0 + 1, W), DataError, "G needs values that vary"),
        (lambda x, W: getis_ord(x, W, alpha=0), DataError, "alpha must be between"),
        (lambda x, W: getis_ord(x.where(x.index != "u003"), W), DataError, "NaN or infinity at 'u003'"),
    ],
)
def test_bad_input_is_refused_with_its_cause(call: Any, error: type[Exception], message: str) -> None:
    x, W = positive(5)
    with pytest.raises(error, match=message):
        call(x, W)


def test_result_tables_and_text() -> None:
    import geopandas as gpd
    from shapely.geometry import box

    x, W = positive(5)
    x.iloc[3] = np.nan
    result = getis_ord(x, W, permutations=99, missing="drop")
    assert len(result.tidy()) == 24
    assert result.glance().loc[0, "dropped"] == 1
    assert "Getis-Ord G* of x: n = 24" in result.summary()
    assert str(result) == result.summary()
    assert repr(result).startswith("<GetisOrd G* x: hot spot ")
    cells = [box(k % 5, k // 5, k % 5 + 1, k // 5 + 1) for k in range(25)]
    cities = gpd.GeoDataFrame(index=W.ids, geometry=cells, crs=3857)
    assert result.plot(cities) is not None
    whole = general_g(x, W, permutations=99, missing="drop")
    assert list(whole.tidy()["method"]) == ["randomisation", "permutation"]
    assert whole.glance().loc[0, "dropped"] == 1
    assert "General G of x" in str(whole)
    assert repr(whole).startswith("<GeneralG x: G = ")
    assert "permutation " not in general_g(x, W, permutations=0, missing="drop").summary()
