"""Weights beside weights: sets of links, comparison, edited links, islands that were linked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

import spatial as sp
from spatial.errors import AlignmentError, WeightsError
from spatial.weights import Weights, compare, difference, intersection, read, symmetric_difference, union

pytestmark = pytest.mark.filterwarnings("ignore:.*negative, in rows of")  # drawn ones may be


@pytest.fixture(scope="module")
def nc() -> Any:
    return sp.shapefiles.load("nc")


# ---- sets
@pytest.mark.evidence(
    "Weights.union",
    "Weights.intersection",
    "Weights.difference",
    "Weights.symmetric_difference",
    source="libpysal set operations, NC",
)
@pytest.mark.evidence(
    "weights.union",
    "weights.intersection",
    "weights.difference",
    "weights.symmetric_difference",
    source="libpysal.weights.set_operations",
)
@pytest.mark.parametrize(
    ("build", "name"),
    [
        (union, "w_union"),
        (intersection, "w_intersection"),
        (difference, "w_difference"),
        (symmetric_difference, "w_symmetric_difference"),
    ],
)
def test_sets_of_links_as_in_libpysal(nc: Any, build: Any, name: str) -> None:
    import libpysal.weights

    A, B = sp.weights.contiguity(nc), sp.weights.knn(nc, 4)
    options = {} if name in ("w_union", "w_intersection") else {"constrained": False}
    theirs = getattr(libpysal.weights, name)(A.to_w(), B.to_w(), silence_warnings=True, **options)
    made = build(A.row_standardized(), B.reordered(B.ids[::-1]))
    assert getattr(A, build.__name__)(B).equals(made)
    other = sp.weights.as_weights(theirs)
    assert made.equals(other.reordered(made.ids))
    assert (made.meta.kind, made.meta.normalization) == (name[2:], "none")
    assert made.meta.parameters["second"] == "knn"


def test_sets_of_other_units_are_refused(nc: Any) -> None:
    A = sp.weights.contiguity(nc)
    with pytest.raises(AlignmentError, match="must have the same ids"):
        union(A, A.subset(A.ids[:50], islands="keep"))


# ---- comparison
@pytest.mark.evidence("weights.compare", "Weights.compare", source="links of two small maps", kind="hand")
def test_a_comparison_by_hand() -> None:
    A = Weights.from_dense([[0, 1.0, 1], [1, 0, 0], [1, 0, 0]], ids=["a", "b", "c"])
    B = Weights.from_dense([[7, 3.0, 0], [1, 0, 1], [0, 1, 0]], ids=["a", "b", "c"])
    found = compare(A, B.reordered(["c", "a", "b"]), x=pd.Series({"c": 5.0, "a": 1.0, "b": 2.0}, name="gdp"))
    assert (found.n_first, found.n_second, found.n_shared) == (4, 4, 2)
    assert (found.n_first_only, found.n_second_only, found.jaccard) == (2, 2, 1 / 3)
    assert A.compare(B).jaccard == found.jaccard
    assert found.units.to_numpy().tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    # tr AB' = 1/2 + 1/2, tr AA' = 1/2 + 2, tr BB' = 1 + 1/2 + 1
    assert found.noise_correlation == pytest.approx(1 / 2.5)
    assert found.lag_correlation == pytest.approx(np.corrcoef([3.5, 1, 1], [2, 3, 2])[0, 1])
    assert repr(found) == "<WeightsComparison given, given: 2 links shared>"
    assert "lags of gdp" in str(found)
    assert found.tidy().set_index("item")["value"]["n_shared"] == 2
    assert found.glance().shape == (1, 11)
    assert compare(A, A).noise_correlation == pytest.approx(1)
    assert compare(A, A).lag_correlation is None


def test_the_correlation_of_lags_of_noise_is_that_of_drawn_noise(nc: Any) -> None:
    A, B = sp.weights.contiguity(nc).row_standardized(), sp.weights.knn(nc, 6).row_standardized()
    noise = np.random.default_rng(0).standard_normal((4000, 100))
    one, two = A.lag(noise), B.lag(noise)
    drawn = (one * two).mean() / np.sqrt((one**2).mean() * (two**2).mean())
    assert compare(A, B).noise_correlation == pytest.approx(drawn, abs=0.01)


def test_what_cannot_be_compared() -> None:
    A = Weights.from_dense([[0, 1.0], [1, 0]])
    none, negative = Weights.from_dense(np.zeros((2, 2))), Weights.from_dense([[0, -1.0], [1, 0]])
    assert np.isnan(compare(A, negative).noise_correlation)
    assert np.isnan(compare(none, none).jaccard)
    with pytest.raises(WeightsError, match="weights with links, all of them positive"):
        compare(A, none, x=[1.0, 2.0])
    with pytest.raises(WeightsError, match="do not vary"):
        compare(A, A, x=[1.0, 1.0])


# ---- single links
CHAIN = Weights.from_dense([[0, 1.0, 0], [1, 0, 1], [0, 1, 0]], ids=[110000, 120000, 130000])


@pytest.mark.evidence("Weights.edit", source="three units by hand", kind="hand")
def test_links_are_added_and_cut_by_pairs_tables_and_files(tmp_path: Path) -> None:
    made = CHAIN.edit(add=[(110000, 130000)], cut=[(120000, 110000)])
    pairs = {(i, j) for i, j in made.to_frame()[["i", "j"]].itertuples(index=False)}
    assert pairs == {(110000, 130000), (130000, 110000), (120000, 130000), (130000, 120000)}
    assert made.meta.parameters["added"] == [(110000, 130000), (130000, 110000)]
    assert made.meta.parameters["cut"] == [(120000, 110000), (110000, 120000)]
    (tmp_path / "add.csv").write_text("from;to\n110000;130000.0\n", encoding="utf-8")
    (tmp_path / "cut.csv").write_text("i,j,note\n120000,110000,桥\n", encoding="utf-8")
    assert CHAIN.edit(add=tmp_path / "add.csv", cut=str(tmp_path / "cut.csv")).equals(made)
    table = pd.DataFrame({"j": ["130000"], "i": ["110000"]})
    assert CHAIN.edit(add=table).edit(cut=table).equals(CHAIN)
    assert CHAIN.edit(add=table, both_ways=False).n_links == 5
    weighted = CHAIN.scaled(0.5).edit(add=pd.DataFrame({"i": [110000], "j": [130000], "w": [0.25]}))
    assert weighted.neighbors(110000).to_dict() == {120000: 0.5, 130000: 0.25}
    assert CHAIN.edit().equals(CHAIN)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: CHAIN.row_standardized().edit(add=[(1, 2)]),
            WeightsError,
            r"normalised; these are \('row'\)",
        ),
        (lambda: CHAIN.edit(add=[(110000, 7)]), AlignmentError, "Links to add name units .* weights: 7"),
        (
            lambda: CHAIN.edit(cut=[(110000, 130000)]),
            WeightsError,
            r"not there: \(110000, 130000\), \(130000",
        ),
        (lambda: CHAIN.edit(add=[(110000, 120000)]), WeightsError, r"are there: \(110000, 120000\)"),
        (lambda: CHAIN.edit(add=[(110000, 110000)]), WeightsError, "paired with themselves: 110000"),
        (lambda: CHAIN.edit(add=[1, 2]), WeightsError, "add must be a list of pairs of ids, a table"),
        (lambda: CHAIN.edit(cut=pd.DataFrame({"i": [1]})), WeightsError, "cut need columns i and j.*has 'i'"),
        (lambda: CHAIN.edit(add="/nowhere/a.csv"), WeightsError, "links to add cannot be read from"),
        (lambda: CHAIN.scaled(2).edit(add=[(110000, 130000)]), WeightsError, "not all 1: give each link"),
    ],
)
def test_edits_that_are_refused(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- islands that were linked
def test_islands_linked_with_the_nearest_are_named(tmp_path: Path) -> None:
    shapes = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(5, 0, 6, 1), box(9, 0, 10, 1)]
    cities = gpd.GeoDataFrame(index=list("abcd"), geometry=shapes, crs=4326)
    W = sp.weights.contiguity(cities, islands="nearest")
    assert W.meta.parameters["linked_islands"] == [("c", "b"), ("d", "c")]
    text = W.report().summary()
    assert "linked by distance  'c' with 'b'; 'd' with 'c' (islands='nearest')" in text
    assert "linked_islands" not in text
    assert read(W.write(tmp_path / "w.npz")).report().summary().count("'d' with 'c'") == 1
    assert "linked_islands" not in sp.weights.contiguity(cities, islands="keep").meta.parameters
    band = sp.weights.distance_band(cities, 150, islands="nearest")
    assert band.meta.parameters["linked_islands"] == [("c", "b"), ("d", "c")]
    inverse = sp.weights.inverse_distance(cities, cutoff_km=150, islands="nearest")
    assert inverse.meta.parameters["linked_islands"] == [("c", "b"), ("d", "c")]
