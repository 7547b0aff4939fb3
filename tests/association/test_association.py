"""Rates, local Geary, join counts, LOSH, Lee's L: the numbers of esda, moments by enumeration, messages."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lattice import grid
from scipy import sparse

import spatial as sp
from spatial.association.differences import _moments
from spatial.autocorrelation.sample import standardized
from spatial.errors import DataError, WeightsError
from spatial.weights import Weights


def esda_weights(W: Weights) -> Any:
    return W.to_w()


def binary(n: int = 7) -> tuple[pd.Series[float], Weights]:
    x, W = grid(n)
    return x, W.binary()


@pytest.fixture(scope="module")
def counts() -> tuple[pd.Series[float], pd.Series[float], Weights]:
    """Events and populations of 49 units, populations over three orders of magnitude."""
    _, W = binary()
    rng = np.random.default_rng(1)
    people = pd.Series(np.exp(rng.uniform(4, 10, 49)).round(), W.ids, name="people")
    deaths = pd.Series(rng.poisson(people * 0.01 * rng.gamma(4, 0.25, 49)), W.ids, name="deaths")
    return deaths.astype(float), people, W


# ---- rates
@pytest.mark.evidence(
    "eb_rate", "spatial_rate", "moran_rate", digits=10, source="esda, rates of simulated counts"
)
def test_rates_are_esdas(counts: Any) -> None:
    from esda.smoothing import Empirical_Bayes, Spatial_Empirical_Bayes, Spatial_Rate, assuncao_rate

    deaths, people, W = counts
    w = esda_weights(W)
    e, b = deaths.to_numpy(), people.to_numpy()
    np.testing.assert_allclose(sp.eb_rate(deaths, people), Empirical_Bayes(e, b).r.ravel(), rtol=1e-12)
    np.testing.assert_allclose(
        sp.spatial_rate(deaths, people, W), Spatial_Rate(e, b, w).r.ravel(), rtol=1e-12
    )
    peer = Spatial_Empirical_Bayes(e, b, esda_weights(W)).r.ravel()
    np.testing.assert_allclose(sp.eb_rate(deaths, people, W), peer, rtol=1e-9)
    found = sp.moran_rate(deaths, people, W, permutations=99)
    assert pytest.approx(sp.moran(assuncao_rate(e, b), W, permutations=0).I, rel=1e-12) == found.I
    assert found.name == "deaths / people"
    local = sp.local_moran_rate(deaths, people, W, permutations=99)
    assert local.frame["Ii"].sum() == pytest.approx(found.I * W.sparse.sum())


def test_rates_are_matched_by_id_and_a_negative_variance_is_zero(counts: Any) -> None:
    deaths, people, W = counts
    mixed = people.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(sp.eb_rate(deaths, mixed), sp.eb_rate(deaths, people))
    pd.testing.assert_series_equal(sp.spatial_rate(deaths, mixed, W), sp.spatial_rate(deaths, people, W))
    even = pd.Series([10.0, 10.0, 10.0, 11.0], list("abcd"))
    same = sp.eb_rate(even, even * 100)
    assert same.nunique() == 1  # no more variance than the noise: the mean everywhere
    gap = deaths.where(deaths.index != deaths.index[3])
    with pytest.raises(DataError, match=r"'deaths' is missing or negative at 'u003'"):
        sp.moran_rate(gap, people, W)
    cut = sp.moran_rate(gap, people, W, missing="drop", permutations=9)
    assert list(cut.dropped) == ["u003"]


def test_rates_refuse_what_has_none(counts: Any) -> None:
    deaths, people, W = counts
    with pytest.raises(DataError, match=r"needs a population above 0; 'people' has none at 'u000'"):
        sp.eb_rate(deaths, people.where(people.index != "u000", 0.0))
    with pytest.raises(DataError, match="There are no events: 'deaths' is 0 everywhere"):
        sp.spatial_rate(deaths * 0, people, W)
    with pytest.raises(DataError, match="events must be one variable"):
        sp.eb_rate(pd.DataFrame({"a": deaths, "b": deaths}), people)


# ---- local Geary
@pytest.mark.evidence("local_geary", digits=10, source="esda Geary_Local and Geary_Local_MV, 7 x 7 lattice")
def test_local_geary_is_esdas() -> None:
    from esda import Geary_Local, Geary_Local_MV

    x, W = grid(7)
    y = (x + np.random.default_rng(0).normal(size=49)).rename("y")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Geary_Local(esda_weights(W), permutations=0, labels=False).fit(x.to_numpy())
        many = Geary_Local_MV(esda_weights(W), permutations=0).fit([x.to_numpy(), y.to_numpy()])
    one = sp.local_geary(x, W, permutations=0)
    np.testing.assert_allclose(one.frame["Ci"], peer.localG, rtol=1e-10)
    two = sp.local_geary(pd.DataFrame({"x": x, "y": y}), W, permutations=0)
    np.testing.assert_allclose(two.frame["Ci"], many.localG, rtol=1e-10)
    # The sum is Geary's C.
    C = sp.geary(x, W, permutations=0).C
    assert one.frame["Ci"].sum() * (49 - 1) / (2 * 49 * W.sparse.sum()) == pytest.approx(C)


@pytest.mark.parametrize("variables", [1, 3])
def test_local_geary_moments_are_those_of_the_other_units(variables: int) -> None:
    rng = np.random.default_rng(3)
    z = np.stack([standardized(v) for v in rng.gamma(1, 1, (variables, 9))])
    mean, variance = _moments(z)(z)
    for i in range(9):
        apart = np.array([((z[:, i] - z[:, j]) ** 2).mean() for j in range(9) if j != i])
        assert mean[i] == pytest.approx(apart.mean())
        assert variance[i] == pytest.approx(apart.var())


def test_local_geary_p_is_that_of_all_ways_to_draw_the_neighbours() -> None:
    x, W = grid(3)
    found = sp.local_geary(x, W, permutations=9999, alternative="less").frame
    z = standardized(x.to_numpy())
    matrix = W.sparse.toarray()
    for i in (0, 4):
        near = np.flatnonzero(matrix[i])
        others = [j for j in range(9) if j != i]
        w = matrix[i, near]
        every = np.array([w @ (z[i] - z[list(c)]) ** 2 for c in itertools.permutations(others, len(near))])
        exact = (every <= found["Ci"].iloc[i] + 1e-12).mean()
        assert found["p_sim"].iloc[i] == pytest.approx(exact, abs=0.03)
        assert found["expected"].iloc[i] == pytest.approx(every.mean())
        assert found["variance"].iloc[i] == pytest.approx(every.var())


def test_local_geary_labels_text_and_refusals() -> None:
    x, W = grid(8)
    found = sp.local_geary(x, W)
    frame = found.frame
    significant = frame["p_sim"] <= 0.05
    assert (frame["cluster"].astype(str)[significant] == frame["quadrant"].astype(str)[significant]).all()
    assert set(frame["quadrant"].cat.categories) == {"HH", "LL", "other positive", "negative"}
    assert "Local Geary of x: n = 64" in found.summary()
    assert repr(found).startswith("<LocalGeary x: HH ")
    assert len(found.tidy()) == 64
    assert found.glance().loc[0, "negative"] >= 0
    moved = W.reordered(np.random.default_rng(1).permutation(W.ids))
    pd.testing.assert_frame_equal(sp.local_geary(x, moved).frame.loc[W.ids], frame)
    with pytest.raises(DataError, match="in columns of different names"):
        sp.local_geary(pd.concat([x, x], axis=1), W)
    with pytest.raises(DataError, match="A map of clusters needs the cities"):
        found.plot()
    with pytest.raises(DataError, match="needs values that vary"):
        sp.local_geary(x * 0, W)


# ---- join counts
@pytest.mark.evidence("join_counts", digits=10, source="esda Join_Counts; moments over all arrangements")
def test_join_counts_are_esdas_and_their_moments_those_of_all_arrangements() -> None:
    from esda import Join_Counts

    x, W = binary(6)
    yes = (x > x.median()).rename("high")
    found = sp.join_counts(yes, W, permutations=199)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Join_Counts(yes.to_numpy().astype(float), esda_weights(W), permutations=0)
    assert (peer.bb, peer.ww, peer.bw) == (found.BB, found.WW, found.BW)
    small = Weights.from_dense(np.triu(np.ones((6, 6)), 1) * [[0, 1, 0, 1, 0, 1]] * 0.5)
    b = np.array([1.0, 1, 0, 0, 0, 1])
    moments = sp.join_counts(b, small, permutations=0).frame
    matrix = small.sparse.toarray()
    every = []
    for p in itertools.permutations(range(6)):
        v = b[list(p)]
        every.append([v @ matrix @ v / 2, (1 - v) @ matrix @ (1 - v) / 2])
    every = np.array(every)
    mixed = matrix.sum() / 2 - every.sum(axis=1)
    for kind, values in (("BB", every[:, 0]), ("WW", every[:, 1]), ("BW", mixed)):
        assert moments.loc[kind, "expected"] == pytest.approx(values.mean())
        assert moments.loc[kind, "variance"] == pytest.approx(values.var())


def test_permuted_join_counts_sum_to_all_joins_and_vary_as_their_moments() -> None:
    x, W = binary(6)
    found = sp.join_counts((x > x.median()).rename("high"), W, permutations=199)
    frame, simulated = found.frame, found.simulated
    assert frame["p_sim"].between(0, 1).all()
    assert simulated is not None
    np.testing.assert_allclose(simulated.sum(axis=1), frame["count"].sum())
    np.testing.assert_allclose(simulated.var(), frame["variance"], rtol=0.5)


@pytest.mark.evidence(
    "local_join_counts", digits=10, source="esda Join_Counts_Local and Join_Counts_Local_MV"
)
def test_local_join_counts_are_esdas() -> None:
    from esda import Join_Counts_Local, Join_Counts_Local_MV

    x, W = binary(7)
    y = pd.Series(np.random.default_rng(2).normal(size=49) + x.to_numpy(), W.ids)
    a, b = x > x.median(), y > y.median()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = Join_Counts_Local(esda_weights(W)).fit(a.to_numpy().astype(float), permutations=0)
        two = Join_Counts_Local_MV(esda_weights(W)).fit(
            [a.to_numpy().astype(float), b.to_numpy().astype(float)], permutations=0
        )
    found = sp.local_join_counts(a, W)
    np.testing.assert_array_equal(found.frame["joins"], one.LJC)
    assert (found.frame["p_sim"].isna() == (found.frame["joins"] == 0)).all()
    both = sp.local_join_counts(pd.DataFrame({"a": a, "b": b}), W, permutations=99)
    np.testing.assert_array_equal(both.frame["joins"], two.LJC)
    assert both.name == "a, b"
    assert set(both.frame["cluster"].cat.categories) == {"positive", "not significant", "island"}


def test_join_counts_text_and_refusals() -> None:
    x, W = binary(5)
    found = sp.join_counts(x > 0, W, permutations=9)
    assert "Join counts of x: n = 25" in found.summary()
    assert repr(found).startswith("<JoinCounts x: BB = ")
    assert list(found.tidy()["term"]) == ["BB", "WW", "BW"]
    assert found.glance().loc[0, "BB"] == found.BB
    with pytest.raises(DataError, match=r"True and False or 1 and 0; 'x' is another value at 'u000'"):
        sp.join_counts(x, W)
    own = Weights.from_sparse(W.sparse + sparse.eye_array(25), W.ids)
    with pytest.raises(WeightsError, match="these weights have own weights"):
        sp.join_counts(x > 0, own)
    with pytest.raises(DataError, match="needs values that vary"):
        sp.local_join_counts(x > -99, W)


# ---- quantiles and changes
@pytest.mark.evidence(
    "quantile_lisa", source="local_join_counts of the units inside the quantile", kind="identity"
)
def test_quantile_lisa_joins_the_units_of_one_quantile() -> None:
    x, W = binary(7)
    found = sp.quantile_lisa(x, W, k=4, quantile=1, permutations=99)
    inside = x <= np.quantile(x, 0.25)
    expected = sp.local_join_counts(inside, W, permutations=99).frame
    np.testing.assert_array_equal(found.frame["joins"], expected["joins"])
    assert found.name == "x in quantile 1 of 4"
    several = sp.quantile_lisa(pd.DataFrame({"x": x, "y": -x}), W, k=2, permutations=9)
    assert several.yes == 0  # no unit is high in x and in -x
    assert (several.frame["joins"] == 0).all()
    with pytest.raises(DataError, match=r"quantile must be 1 to k, .* got quantile 6 of 5"):
        sp.quantile_lisa(x, W, quantile=6)
    with pytest.raises(DataError, match=r"k must be a whole number; got 2\.5"):
        sp.quantile_lisa(x, W, k=2.5)  # type: ignore[arg-type]


@pytest.mark.evidence(
    "differential_moran",
    "differential_local_moran",
    source="moran and local_moran of the change",
    kind="identity",
)
def test_differential_moran_is_that_of_the_change() -> None:
    x, W = grid(6)
    later = x * 2 + pd.Series(np.random.default_rng(1).normal(size=36), x.index)
    found = sp.differential_moran(x, later.rename("x").sample(frac=1, random_state=1), W, permutations=99)
    assert found.I == sp.moran(later - x, W, permutations=99).I
    assert found.name == "change of x"
    local = sp.differential_local_moran(x, later.rename("later"), W, permutations=9)
    assert local.name == "later - x"
    assert pytest.approx(found.I) == local.I


# ---- LOSH and Lee's L
@pytest.mark.evidence("losh", digits=10, source="esda LOSH, 7 x 7 lattice")
def test_losh_is_esdas() -> None:
    from esda import LOSH

    x, W = grid(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = LOSH(esda_weights(W), inference="chi-square").fit(x.to_numpy())
    found = sp.losh(x, W)
    frame = found.frame
    np.testing.assert_allclose(frame["Hi"], peer.Hi, rtol=1e-10)
    np.testing.assert_allclose(frame["variance"], peer.VarHi, rtol=1e-10)
    np.testing.assert_allclose(frame["p_value"], peer.pval, rtol=1e-8)
    assert frame["p_sim"].between(0, 1).all()
    assert "LOSH of x: n = 49" in found.summary()
    absolute = sp.losh(x, W, power=1.0, permutations=9).frame
    assert absolute["p_value"].isna().all()
    with pytest.raises(DataError, match="power must be a positive number"):
        sp.losh(x, W, power=0)


@pytest.mark.evidence("lee", digits=10, source="esda Spatial_Pearson; mean over all arrangements")
def test_lee_is_esdas_and_its_mean_that_of_all_arrangements() -> None:
    from esda import Spatial_Pearson

    x, W = grid(7)
    y = pd.Series(np.random.default_rng(2).normal(size=49) + x.to_numpy(), W.ids, name="y")
    found = sp.lee(x, y, W)
    peer = Spatial_Pearson(W.sparse.tocsr(), permutations=0).fit(x.to_numpy()[:, None], y.to_numpy()[:, None])
    np.testing.assert_allclose(
        [found.L, found.smoothing_x, found.smoothing_y],
        [peer.association_[0, 1], peer.association_[0, 0], peer.association_[1, 1]],
        rtol=1e-10,
    )
    assert found.correlation == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.simulated is not None
    assert abs(found.simulated.mean() - found.expected) < 4 * found.simulated.std() / 31
    assert list(found.tidy()["method"]) == ["permutation"]
    assert "pairs (x, y) fall to the units at random" in found.summary()


def test_spectral_signs_of_lee_keep_the_autocorrelation_of_both() -> None:
    x, W = grid(7)
    y = pd.Series(np.random.default_rng(2).normal(size=49) + x.to_numpy(), W.ids, name="y")
    found = sp.lee(x, y, W, null="spectral", permutations=4999)
    assert found.simulated is not None
    assert found.L == sp.lee(x, y, W, permutations=0).L
    assert found.expected == 0
    # Signs are independent: the variance of their sum is the sum of squares.
    assert found.simulated.var() == pytest.approx(found.variance_randomisation, rel=0.08)
    # Eigenvectors made anew; those of equal eigenvalues of a lattice are any, so that digits differ.
    S = W.sparse.toarray()
    z = [(v - v.mean()) / v.std() for v in (x.to_numpy(), y.to_numpy())]
    J = np.eye(49) - 1 / 49
    vectors = np.linalg.eigh(J @ (S + S.T) @ J + 9 * (np.eye(49) - J))[1]
    parts = (vectors.T @ z[0]) * (vectors.T @ (S.T @ S @ z[1])) / (S.T @ S).sum()
    assert parts.sum() == pytest.approx(found.L)
    assert float(parts @ parts) == pytest.approx(found.variance_randomisation, rel=0.01)
    assert "each as autocorrelated as it is" in found.summary()
    with pytest.raises(DataError, match='null must be "pairs" or "spectral"'):
        sp.lee(x, y, W, null="both")
