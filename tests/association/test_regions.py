"""Regions: the best cut of a chain by trying all, the answer of spopt, thresholds, equal neighbours."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lattice import grid
from scipy.sparse.csgraph import connected_components

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.weights import Weights


def chain(n: int) -> Weights:
    links = np.eye(n, k=1) + np.eye(n, k=-1)
    return Weights.from_dense(links, [f"u{k:02d}" for k in range(n)])


def squares(z: Any, labels: Any) -> float:
    return float(sum(((z[labels == r] - z[labels == r].mean(0)) ** 2).sum() for r in np.unique(labels)))


def assert_one_piece(found: Any, W: Weights) -> None:
    for region in range(1, found.n + 1):
        mine = (found.frame["region"] == region).to_numpy()
        assert connected_components(W.sparse[mine][:, mine], directed=False)[0] == 1


@pytest.mark.evidence("regions", source="every cut of a chain, tried", kind="identity")
@pytest.mark.parametrize("seed", range(6))
def test_two_regions_of_a_chain_are_the_best_of_all_cuts(seed: int) -> None:
    """The tree of a chain is the chain: its first cut is the best split in two, found here by trying all."""
    rng = np.random.default_rng(seed)
    W, x = chain(12), rng.normal(size=(12, 2))
    z = (x - x.mean(0)) / x.std(0)
    least = min(squares(z, np.arange(12) >= cut) for cut in range(1, 12))
    found = sp.regions(pd.DataFrame(x, W.ids, ["a", "b"]), W, n=2)
    assert found.within == pytest.approx(least)
    assert found.total == pytest.approx(24.0)
    assert_one_piece(found, W)


def test_three_regions_with_a_floor_are_no_worse_than_greedy() -> None:
    """Each further cut is the best of those that leave the floor, given the cuts before."""
    rng = np.random.default_rng(9)
    W, x = chain(10), rng.normal(size=10)
    z = (x - x.mean()) / x.std()
    found = sp.regions(pd.Series(x, W.ids, name="x"), W, n=3, fewest=3)
    sizes = found.frame["region"].value_counts()
    assert sizes.min() >= 3
    first = min((c for c in range(3, 8)), key=lambda c: squares(z[:, None], np.arange(10) >= c))
    both = [
        squares(z[:, None], np.searchsorted(sorted((first, other)), np.arange(10), side="right"))
        for other in range(1, 10)
        if other != first and min(np.diff([0, *sorted((first, other)), 10])) >= 3
    ]
    assert found.within == pytest.approx(min(both))


def test_the_answer_is_that_of_spopt() -> None:
    from sklearn.metrics.pairwise import euclidean_distances
    from spopt.region import Skater

    x, W = grid(6)
    table = pd.DataFrame({"x": (x - x.mean()) / x.std(ddof=0)}).reset_index(drop=True)
    theirs = Skater(
        table,
        Weights.from_sparse(W.sparse, range(36)).to_w(),
        ["x"],
        4,
        spanning_forest_kwds={
            "dissimilarity": lambda a, b=None: euclidean_distances(a, b, squared=True),
            "affinity": None,
            "reduction": np.sum,
            "center": np.mean,
        },
    )
    theirs.solve()
    ours = sp.regions(x, W, n=4)
    pairs = set(zip(theirs.labels_, ours.frame["region"], strict=True))
    assert len(pairs) == 4  # the same regions, whatever they are called
    assert_one_piece(ours, W)


def test_rows_may_come_in_any_order_and_w_is_left_as_it_was() -> None:
    x, W = grid(5)
    before = W.sparse.copy()
    one = sp.regions(x, W, n=3).frame["region"]
    two = sp.regions(x.sample(frac=1, random_state=3), W.row_standardized(), n=3).frame["region"]
    assert one.equals(two)
    assert (before != W.sparse).nnz == 0


def test_neighbours_that_are_equal_stay_linked() -> None:
    """spopt takes a dissimilarity of zero for no link, and would find more pieces than there are."""
    W = chain(6)
    found = sp.regions(pd.Series([0.0, 0, 0, 5, 5, 5], W.ids, name="x"), W, n=2)
    assert found.frame["region"].tolist() == [1, 1, 1, 2, 2, 2]
    assert found.within == pytest.approx(0.0)


def test_max_p_fills_each_region_and_keeps_the_generator_of_numpy() -> None:
    x, W = grid(5)
    people = pd.Series(np.arange(25.0) % 4 + 1, W.ids)
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.uniform()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    found = sp.regions(x, W, method="max-p", population=people, at_least=12, tries=10, seed=3)
    assert np.random.uniform() == expected  # noqa: NPY002
    again = sp.regions(x, W, method="max-p", population=people, at_least=12, tries=10, seed=3)
    assert found.frame.equals(again.frame)
    assert people.groupby(found.frame["region"]).sum().min() >= 12
    assert 2 <= found.n <= people.sum() // 12
    assert_one_piece(found, W)


def test_results_say_what_lies_between_regions() -> None:
    x, W = grid(5)
    found = sp.regions(x, W, n=4)
    row = found.glance().iloc[0]
    assert (row["regions"], row["n"], row["method"]) == (4, 25, "skater")
    assert row["between_share"] == pytest.approx(1 - found.within / found.total)
    assert found.tidy()["units"].sum() == 25
    assert found.tidy()["x"].iloc[0] == pytest.approx(x[found.frame["region"] == 1].mean())
    assert "4 of 25 units (skater)" in found.summary()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"'skater' needs n, the number of regions, as n=5"),
        ({"n": 99}, "n must be a whole number from 1 to 25; got 99"),
        ({"n": True}, "n must be a whole number"),
        ({"n": 3, "fewest": 9}, "fewest must be a whole number from 1 to 8; got 9"),
        ({"n": 3, "at_least": 2}, "are of method='max-p'"),
        ({"method": "skatr"}, r"method is 'skater' or 'max-p'; got 'skatr'\. Did you mean 'skater'"),
        ({"method": "max-p", "n": 3}, "leave n out, and give at_least"),
        ({"method": "max-p", "at_least": 26}, "at most what all units hold, 25; got 26"),
        ({"method": "max-p"}, "got None"),
        ({"method": "max-p", "at_least": 3, "tries": 0}, "tries must be a whole number from 1"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    x, W = grid(5)
    with pytest.raises(DataError, match=message):
        sp.regions(x, W, **options)


def test_pieces_and_strangers_are_named() -> None:
    x, W = grid(5)
    halves = W.subset(W.ids[[*range(10), *range(15, 25)]], islands="keep")
    with pytest.raises(WeightsError, match="in 2 pieces"):
        sp.regions(x.loc[halves.ids], halves, n=3)
    with pytest.raises(AlignmentError):
        sp.regions(x.iloc[1:], W, n=3)
    people = pd.Series(1.0, W.ids)
    people.iloc[2] = -1
    with pytest.raises(DataError, match="population must be finite and not negative"):
        sp.regions(x, W, method="max-p", population=people, at_least=3)


def test_a_map_of_regions() -> None:
    import geopandas as gpd
    import shapely

    x, W = grid(5)
    shapes = [shapely.box(i, j, i + 1, j + 1) for i, j in itertools.product(range(5), range(5))]
    cities = gpd.GeoDataFrame(geometry=shapes, index=W.ids, crs=4326)
    found = sp.regions(x, W, n=8)
    assert len(found.plot(cities).get_legend().get_texts()) == 8
    with pytest.raises(DataError, match="A map of regions needs the cities"):
        found.plot()
