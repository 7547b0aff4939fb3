"""A part of the units: what is cut, what is normalised again, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial.errors import WeightsError
from spatial.weights import Meta, Weights

PLAIN = [[0, 1.0, 0, 2], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


@pytest.fixture
def W() -> Weights:
    return Weights.from_dense(PLAIN, ids=["a", "b", "c", "d"])


@pytest.mark.evidence("Weights.subset", source="three units by hand", kind="hand")
def test_a_subset_keeps_the_normalisation_of_its_kind(W: Weights) -> None:
    row = W.row_standardized()
    cut = row.subset(["b", "a"])
    assert cut.to_frame().to_numpy().tolist() == [["b", "a", 1.0], ["a", "b", 1.0]]
    assert cut.equals(W.subset(["b", "a"]).row_standardized())
    assert cut.meta.normalization == "row"
    bare = row.subset(["b", "a"], renormalize=False)
    assert bare.to_frame().to_numpy().tolist() == [["b", "a", 0.5], ["a", "b", 1 / 3]]
    assert bare.meta.normalization == "none"
    for one, normal in ((W.spectral_normalized(), "spectral"), (W.minmax_normalized(), "minmax")):
        cut = one.subset(["a", "b", "c"])
        assert cut.meta.normalization == normal
        again = W.subset(["a", "b", "c"])
        again = again.spectral_normalized() if normal == "spectral" else again.minmax_normalized()
        np.testing.assert_allclose(cut.sparse.toarray(), again.sparse.toarray(), rtol=1e-14)
    # Rows of a file that sum to one are row-standardised, whatever they are called.
    given = Weights(row.ids, row.sparse)
    assert given.subset(["b", "a"]).is_row_standardized
    assert row.subset(list("dcba")).meta == replace(row.meta)
    plain = W.subset(["c", "b"])
    assert plain.to_frame()["w"].tolist() == [1, 1]
    assert plain.meta.normalization == "none"


def test_a_subset_says_what_it_cut(W: Weights) -> None:
    cut = W.row_standardized().subset(["b", "a", "c"])
    assert (cut.meta.subset_of, cut.meta.cut_share) == (4, pytest.approx(0.2))  # a to d, of five links
    note = "3 of 4 units; 20.0% of their links led to units left out, and are cut"
    assert cut.meta.cut_note(cut.n) == note
    report = cut.report()
    assert f"these weights are a subset: {note}" in report.warnings[0]
    assert "subset              of 4 units, 20.0% of the links cut" in report.summary()
    assert report.glance()[["subset_of", "cut_share"]].iloc[0].tolist() == pytest.approx([4, 0.2])
    twice = cut.subset(["a", "b"])  # b to c is cut, one of three
    assert (twice.meta.subset_of, twice.meta.cut_share) == (4, pytest.approx(1 - 0.8 * 2 / 3))
    whole = W.subset(W.ids[::-1])
    assert (whole.meta.subset_of, whole.meta.cut_share, whole.meta.cut_note(4)) == (None, 0.0, "")
    assert "subset" not in whole.report().summary()
    # Nobody's neighbour is left out: nothing is cut, and the weights are a subset all the same.
    lone = Weights.from_dense(np.kron(np.eye(2), 1 - np.eye(2)), ids=list("abcd")).subset(["a", "b"])
    assert (lone.meta.subset_of, lone.meta.cut_share, lone.meta.cut_note(2)) == (4, 0.0, "")


def test_a_subset_refuses_units_that_lose_their_neighbours(W: Weights) -> None:
    for one in (W, W.row_standardized(), replace(W, meta=Meta(islands="nearest"))):
        with pytest.raises(
            WeightsError, match=r"1 of the 3 units kept lose all their neighbours: 'c'\. Leave"
        ):
            one.subset(["a", "c", "d"])
        kept = one.subset(["a", "c", "d"], islands="keep")
        assert kept.meta.islands == "keep"
        assert list(kept.islands) == ["c", "d"]
    keeps = replace(W, meta=Meta(islands="keep"))
    assert list(keeps.subset(["a", "c"]).islands) == ["a", "c"]
    with pytest.raises(WeightsError, match="lose all their neighbours: 'c'"):
        keeps.subset(["a", "c", "d"], islands="raise")
    # d has no neighbours before either: that is the doing of who made the weights.
    assert list(W.subset(["d", "a", "b"]).islands) == ["d"]
    with pytest.raises(WeightsError, match=r"islands must be one of 'raise', 'keep'; got 'nearest'"):
        W.subset(["a", "b"], islands="nearest")  # type: ignore[arg-type]


def test_a_subset_of_a_foreign_normalisation_is_not_guessed(W: Weights) -> None:
    foreign = replace(W, meta=Meta(normalization="libpysal V"))
    with pytest.raises(WeightsError, match=r"'libpysal V', cannot be made again.*renormalize=False"):
        foreign.subset(["a", "b"])
    assert foreign.subset(["a", "b"], renormalize=False).meta.normalization == "none"
    assert foreign.subset(["b", "a", "d", "c"]).meta.normalization == "libpysal V"
    binary = replace(W.binary(), meta=Meta(normalization="libpysal B"))
    assert binary.subset(["a", "b"]).meta.normalization == "libpysal B"
