"""The weights value: constructors, alignment, lags, normalisations, conversion; nothing changes in place."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from value_cases import PLAIN, weights

import spatial as sp
from spatial.errors import AlignmentError, ConvergenceError, DataError, WeightsError
from spatial.weights import Meta, Weights, as_weights

pytestmark = pytest.mark.filterwarnings("ignore:.*negative, in rows of")  # drawn ones may be


# ---- the value
def test_facts(W: Weights) -> None:
    assert (W.n, len(W), W.n_links) == (4, 4, 5)
    assert W.cardinalities.to_dict() == {"a": 2, "b": 2, "c": 1, "d": 0}
    assert W.islands.tolist() == ["d"]
    assert W.neighbors("a").to_dict() == {"b": 1.0, "d": 2.0}
    assert repr(W) == "<Weights given: 4 units, 5 directed links, normalisation none>"
    assert W.to_frame().to_numpy().tolist()[1] == ["a", "d", 2.0]
    own = Weights.from_dense([[2.0, 0], [0, 0]], ids=["a", "b"])
    assert own.islands.tolist() == ["a", "b"]  # its own weight is no neighbour


def test_meta_reads_as_attributes_and_as_a_mapping() -> None:
    meta = Meta("knn", {"k": 4}, "km")
    assert meta["kind"] == meta.kind == "knn"
    names = ["kind", "parameters", "distance_unit", "normalization", "islands", "source"]
    assert list(meta) == [*names, "subset_of", "cut_share"]
    assert len(meta) == 8
    with pytest.raises(KeyError):
        meta["colour"]


def test_nothing_can_be_written_to(W: Weights) -> None:
    for V in (W, W.row_standardized(), W.binary(), W.subset(["b", "a"]), pickle.loads(pickle.dumps(W))):
        for part in (V.sparse.data, V.sparse.indices, V.sparse.indptr):
            with pytest.raises(ValueError, match="read-only"):
                part[0] = 0
    with pytest.raises(AttributeError):
        W.meta = Meta()  # type: ignore[misc]


def test_the_callers_arrays_stay_theirs() -> None:
    matrix = sparse.csr_array(np.array(PLAIN))
    for V in (Weights(pd.Index(range(4)), matrix), Weights.from_sparse(matrix)):
        matrix.data[0] = 7.0
        assert V.sparse[0, 1] == 1.0
        matrix.data[0] = 1.0
    assert matrix.data.flags.writeable
    assert matrix.indices.flags.writeable
    dense = np.array(PLAIN)
    V = Weights.from_dense(dense)
    dense[0, 1] = 9
    assert V.sparse[0, 1] == 1.0


def test_transformations_share_what_they_do_not_change(W: Weights) -> None:
    assert np.shares_memory(W.row_standardized().sparse.indices, W.sparse.indices)


def test_pickles_are_equal(W: Weights) -> None:
    V = pickle.loads(pickle.dumps(W.row_standardized()))
    assert V.equals(W.row_standardized())
    assert V.meta == W.row_standardized().meta


def test_any_sparse_form_is_made_canonical() -> None:
    i, j, w = [0, 0, 1, 0, 2], [2, 1, 0, 2, 2], [1.0, 2.0, 3.0, 1.0, 0.0]
    V = Weights.from_sparse(sparse.coo_matrix((w, (i, j)), shape=(3, 3)))
    assert V.n_links == 3  # twice (0, 2), added; the zero is no link
    assert V.sparse.has_canonical_format
    assert V.neighbors(0).to_dict() == {1: 2.0, 2: 2.0}
    wide = sparse.csr_array(np.eye(2))
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert Weights.from_sparse(wide).sparse.indices.dtype == np.int32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Weights(pd.Index([1, 2]), np.eye(2)), WeightsError, r"scipy sparse matrix; got ndarray"),
        (lambda: Weights.from_sparse(np.eye(2)), WeightsError, r"got ndarray\. Use Weights\.from_dense"),
        (
            lambda: Weights.from_dense(np.eye(2), ids=[1, 2, 3]),
            AlignmentError,
            r"3 ids need .* \(3, 3\); got \(2, 2\)",
        ),
        (lambda: Weights.from_dense(np.ones((2, 3))), WeightsError, r"must be square; got shape \(2, 3\)"),
        (lambda: Weights.from_dense(np.eye(2), ids=["a", "a"]), DataError, r"unique ids.*'a'"),
        (lambda: Weights.from_dense(np.eye(2), ids=["a", None]), DataError, r"1 are missing, at rows 1"),
        (
            lambda: Weights.from_dense(np.eye(2), ids=pd.MultiIndex.from_tuples([(1, 2), (1, 3)])),
            DataError,
            r"one id for each unit; got pairs",
        ),
        (
            lambda: Weights.from_dense([[0, np.inf], [1, 0]], ids=["a", "b"]),
            WeightsError,
            r"rows of 'a'.*coincident",
        ),
        (lambda: Weights.from_dense([[0, 1], [np.nan, 0]], ids=["a", "b"]), WeightsError, r"rows of 'b'"),
        (
            lambda: Weights.from_dense(pd.DataFrame(np.eye(2), ["a", "b"], ["a", "c"])),
            AlignmentError,
            r"same ids; not shared: 'b', 'c'",
        ),
        (
            lambda: Weights.from_dense(pd.DataFrame(np.eye(2), ["a", "b"], ["a", "b"]), ids=["a", "z"]),
            AlignmentError,
            r"not those given: 'z'",
        ),
        (
            lambda: Weights.from_frame(pd.DataFrame({"i": ["a"], "j": ["b"]})),
            WeightsError,
            r"needs columns i, j and w, .* each once; got 'i', 'j'\. Rename",
        ),
        (
            lambda: Weights.from_frame(pd.DataFrame({"i": ["a", None], "j": ["b", "a"], "w": 1.0})),
            WeightsError,
            r"1 links lack an id",
        ),
        (
            lambda: Weights.from_frame(pd.DataFrame({"i": ["a", "a"], "j": ["b", "b"], "w": 1.0})),
            WeightsError,
            r"these pairs repeat: \('a', 'b'\)",
        ),
        (
            lambda: Weights.from_frame(pd.DataFrame({"i": ["a"], "j": ["b"], "w": 1.0}), ids=["a"]),
            AlignmentError,
            r"in the links but not among the ids given: 'b'",
        ),
        (lambda: as_weights(np.eye(2)), WeightsError, r"got ndarray\. A bare matrix has no ids"),
    ],
)
def test_weights_that_cannot_be_made(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_labelled_matrices_are_matched_by_label() -> None:
    frame = pd.DataFrame([[0, 1.0], [2, 0]], ["a", "b"], ["a", "b"])
    turned = frame.loc[["b", "a"], ["a", "b"]]
    assert Weights.from_dense(turned, ids=["a", "b"]).equals(Weights.from_dense(frame))


def test_links_are_found_by_the_names_of_their_columns() -> None:
    right = Weights.from_frame(pd.DataFrame({"i": [11, 12], "j": [12, 11], "w": [1, 0.5]}))
    rows = {"Unnamed: 0": [1, 2], "from": [11, 12], "to": [12, 11], "weights": [1, 0.5]}  # spdep, listw2sn
    assert Weights.from_frame(pd.DataFrame(rows)).equals(right)
    mixed = pd.DataFrame({"Weight": [1, 0.5], "focal": [11, 12], "NEIGHBOR": [12, 11]})
    assert Weights.from_frame(mixed).equals(right)
    series = mixed.set_index(["focal", "NEIGHBOR"])
    assert Weights.from_frame(series).equals(right)
    bare = pd.DataFrame([[11, 12, 1], [12, 11, 0.5]])  # columns that nobody named
    assert Weights.from_frame(bare).equals(right)
    for names in (["a", "b", "c"], ["w", "i", "x"], ["i", "from", "w"]):
        with pytest.raises(WeightsError, match=f"each once; got '{names[0]}', '{names[1]}', '{names[2]}'"):
            Weights.from_frame(bare.set_axis(names, axis=1))


def test_units_without_links_are_given_with_the_ids() -> None:
    V = Weights.from_frame(pd.DataFrame({"from": ["a"], "to": ["b"], "weight": [2]}), ids=["b", "a", "c"])
    assert V.neighbors("a").to_dict() == {"b": 2.0}
    assert V.islands.tolist() == ["b", "c"]


# ---- order, subset
def test_reordered_and_subset(W: Weights) -> None:
    V = W.reordered(["d", "c", "b", "a"])
    assert V.neighbors("a").to_dict() == W.neighbors("a").to_dict()
    assert not V.equals(W)
    assert V.reordered(W.ids).equals(W)
    with pytest.raises(AlignmentError, match="not in the weights: 'z'"):
        W.subset(["a", "z"])
    with pytest.raises(AlignmentError, match=r"In the ids given only: 'e'\. In the weights only: 'd'"):
        W.reordered(["a", "b", "c", "e"])
    with pytest.raises(AlignmentError, match="'z' is not among the 4 ids"):
        W.neighbors("z")


# ---- normalisations
@pytest.mark.evidence(
    "Weights.row_standardized",
    "Weights.minmax_normalized",
    "Weights.spectral_normalized",
    "Weights.binary",
    "Weights.scaled",
    "Weights.transposed",
    source="four units by hand",
    kind="hand",
)
def test_normalisations_by_hand(W: Weights) -> None:
    row = W.row_standardized()
    np.testing.assert_allclose(row.to_dense().loc["a"], [0, 1 / 3, 0, 2 / 3])
    assert row.is_row_standardized
    assert not W.is_row_standardized
    assert row.meta.normalization == "row"
    assert row.lag(pd.Series(1.0, W.ids)).to_dict() == {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.0}
    minmax = W.minmax_normalized()  # rows 3, 2, 1; columns 1, 2, 1, 2
    np.testing.assert_allclose(minmax.to_dense(), np.array(PLAIN) / 2)
    spectral = W.spectral_normalized()
    np.testing.assert_allclose(spectral.to_dense(), np.array(PLAIN) / np.sqrt(2), rtol=1e-14)
    assert W.binary().sparse.data.tolist() == [1.0] * 5
    assert W.scaled(-2).neighbors("a").to_dict() == {"b": -2.0, "d": -4.0}
    assert W.transposed().neighbors("d").to_dict() == {"a": 2.0}
    assert W.to_dense().loc["a", "d"] == 2.0


def test_normalisations_that_cannot_be(W: Weights) -> None:
    with pytest.raises(WeightsError, match=r"positive sum; not so at 'b'\. Negative weights"):
        Weights.from_dense([[0, 1.0], [-1, 0]], ids=["a", "b"]).row_standardized()
    empty = Weights.from_dense(np.zeros((2, 2)))
    with pytest.raises(WeightsError, match="Spectral normalisation needs links"):
        empty.spectral_normalized()
    with pytest.raises(WeightsError, match="Min-max normalisation needs links"):
        empty.minmax_normalized()
    for factor in (0, np.nan):
        with pytest.raises(WeightsError, match="a finite number other than zero"):
            W.scaled(factor)
    assert empty.row_standardized().n_links == 0
    assert not empty.is_row_standardized


def grid(m: int) -> sparse.csr_array:
    """Return the rook contiguity of an m x m lattice."""
    line = sparse.diags_array([np.ones(m - 1), np.ones(m - 1)], offsets=[-1, 1])
    eye = sparse.eye_array(m)
    return sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line))


def test_spectral_radius_where_it_is_known() -> None:
    from spatial.weights.normalization import spectral_radius

    m = 40
    exact = 4 * np.cos(np.pi / (m + 1))
    assert spectral_radius(grid(m)) == pytest.approx(exact, rel=1e-10)
    row = Weights.from_sparse(grid(m)).row_standardized()
    assert spectral_radius(row.sparse) == pytest.approx(1.0, rel=1e-14)
    # A chain that leads nowhere has no cycle, and an island changes nothing.
    chain = sparse.csr_array(np.eye(300, k=1))
    assert spectral_radius(chain) == 0.0
    assert spectral_radius(sparse.csr_array(sparse.block_diag([grid(m), chain]))) == pytest.approx(
        exact, rel=1e-10
    )
    rng = np.random.default_rng(0)
    for signed in (False, True):
        dense = rng.uniform(-1 if signed else 0, 1, (250, 250)) * (rng.uniform(size=(250, 250)) < 0.1)
        radius = np.abs(np.linalg.eigvals(dense)).max()
        assert spectral_radius(sparse.csr_array(dense)) == pytest.approx(radius, rel=1e-9)


def test_a_radius_that_does_not_settle_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.sparse import linalg

    def fail(*_: Any, **__: Any) -> Any:
        raise linalg.ArpackNoConvergence("no", np.array([]), np.array([]))

    monkeypatch.setattr(linalg, "eigsh", fail)
    with pytest.raises(ConvergenceError, match=r"radius of these weights \(400 units\).*minmax_normalized"):
        Weights.from_sparse(grid(20)).spectral_normalized()


# ---- conversion
@settings(max_examples=20, deadline=None)
@given(W=weights())
def test_round_trips(W: Weights) -> None:
    assert Weights.from_graph(W.to_graph()).equals(W)
    assert Weights.from_w(W.to_w()).equals(W)
    assert Weights.from_dense(W.to_dense()).equals(W)
    assert Weights.from_frame(W.to_frame(), ids=W.ids).equals(W)
    assert Weights.from_sparse(W.sparse, W.ids).equals(W)
    assert as_weights(W) is W
    assert as_weights(W.to_graph()).equals(W)
    assert as_weights(W.to_w()).equals(W)


@settings(max_examples=40, deadline=None)
@given(W=weights(positive=True))
def test_normalisations_of_any_weights(W: Weights) -> None:
    row = W.row_standardized()
    sums = np.asarray(row.sparse.sum(axis=1)).ravel()
    np.testing.assert_allclose(sums[np.diff(W.sparse.indptr) > 0], 1.0, rtol=1e-14)
    assert row.row_standardized().equals(row) or np.allclose(
        row.to_dense(), row.row_standardized().to_dense()
    )
    radius = np.abs(np.linalg.eigvals(W.sparse.toarray())).max()
    if radius > 1e-3:
        np.testing.assert_allclose(
            W.spectral_normalized().sparse.toarray() * radius, W.sparse.toarray(), rtol=1e-9, atol=1e-12
        )


def test_graphs_keep_transform_islands_and_types(W: Weights) -> None:
    graph = W.row_standardized().to_graph()
    assert graph.unique_ids.tolist() == ["a", "b", "c", "d"]
    assert graph.isolates.tolist() == ["d"]
    back = Weights.from_graph(graph.transform("R"))
    assert back.meta.normalization == "row"
    assert back.ids.tolist() == W.ids.tolist()
    legacy = W.to_w()
    legacy.transform = "r"
    assert Weights.from_w(legacy).meta.normalization == "row"
    assert legacy.transform == "R"  # the caller's own is as it was
    assert legacy.islands == ["d"]
    numbers = Weights.from_dense([[0, 1.0], [1, 0]], ids=[30, 10])
    assert list(numbers.to_w().neighbors) == [30, 10]


@pytest.mark.evidence(
    "Weights.combine", "Weights.intersect", "Weights.block", source="four units by hand", kind="hand"
)
def test_methods_that_hand_on(W: Weights) -> None:
    V = Weights.from_dense(np.ones((4, 4)) - np.eye(4), ids=list("dcba"))
    np.testing.assert_allclose(W.combine(V, 0.25).to_dense().loc["a"], [0, 1, 0.75, 1.25])
    assert W.intersect(V).equals(W)
    assert W.higher_order(2).neighbors("a").to_dict() == {"c": 1.0}
    groups = pd.Series({"d": "x", "c": "y", "b": "y", "a": "x"})
    assert W.block(groups).to_frame().to_numpy().tolist() == [
        ["a", "d", 2.0],
        ["b", "c", 1.0],
        ["c", "b", 1.0],
    ]


def test_an_island_named_by_spatial(W: Weights) -> None:
    assert isinstance(W, sp.Weights)
