"""Weights by a short text."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spatial as sp


@pytest.mark.evidence("weights.from_spec", source="the builder that the text names", kind="identity")
@pytest.mark.parametrize(
    ("spec", "built"),
    [
        ("queen", lambda c: sp.weights.contiguity(c)),
        ("rook", lambda c: sp.weights.contiguity(c, rook=True)),
        ("knn:8", lambda c: sp.weights.knn(c, 8)),
        ("band:100", lambda c: sp.weights.distance_band(c, 100)),
        ("inverse:2", lambda c: sp.weights.inverse_distance(c, power=2)),
        ("inverse:1:150", lambda c: sp.weights.inverse_distance(c, cutoff_km=150)),
        ("kernel:100", lambda c: sp.weights.kernel(c, bandwidth_km=100)),
    ],
)
def test_each_text_is_its_builder(nc: Any, spec: str, built: Any) -> None:
    assert sp.weights.from_spec(nc, spec).equals(built(nc))


@pytest.mark.parametrize(
    ("spec", "islands", "message"),
    [
        ("quen", "raise", "Did you mean 'queen'"),
        ("knn", "raise", "must be written knn:NEIGHBOURS"),
        ("knn:2.5", "raise", "must be written knn:NEIGHBOURS"),
        ("inverse:1:2:3", "raise", "must be written inverse:POWER"),
        ("band:far", "raise", "with numbers after the colon"),
        ("knn:4", "drop", "islands must be one of raise, keep, nearest; got 'drop'"),
    ],
)
def test_refusals(nc: Any, spec: str, islands: str, message: str) -> None:
    with pytest.raises(sp.WeightsError, match=message):
        sp.weights.from_spec(nc, spec, islands=islands)


@pytest.mark.parametrize("suffix", [".gal", ".gwt", ".csv", ".npz", ".mtx"])
def test_a_file_serves_the_map_that_it_was_made_from(nc: Any, tmp_path: Path, suffix: str) -> None:
    # Text files do not say that the FIPS codes of the map are text: they are matched as written.
    W = sp.weights.contiguity(nc)
    path = W.write(tmp_path / f"w{suffix}")
    found = sp.weights.from_spec(nc, str(path))
    assert found.equals(W)
    mixed = nc.sample(frac=1, random_state=1)
    assert sp.weights.from_spec(mixed, str(path)).equals(W.reordered(mixed.index))


def test_a_file_for_another_map(nc: Any, tmp_path: Path) -> None:
    path = sp.weights.contiguity(nc).write(tmp_path / "w.gal")
    message = (
        r"w\.gal holds weights for other units than those of the map \(100 in the file, 99 in the map\). "
        r"In the file only: '37001'. Give the file that was made for this map"
    )
    with pytest.raises(sp.AlignmentError, match=message):
        sp.weights.from_spec(nc.drop("37001"), str(path))


def test_a_file_whose_ids_are_another_column_of_the_map_names_it(nc: Any, tmp_path: Path) -> None:
    path = sp.weights.contiguity(nc).write(tmp_path / "w.gal")
    named = nc.reset_index().set_index("name")
    with pytest.raises(sp.AlignmentError, match=r"column 'fips' of the map holds the ids.*with id='fips'"):
        sp.weights.from_spec(named, str(path))


def test_a_matrix_without_ids_is_not_matched_by_position(nc: Any, tmp_path: Path) -> None:
    path = tmp_path / "dense.csv"
    np.savetxt(path, sp.weights.contiguity(nc).sparse.toarray(), delimiter=",")
    with pytest.raises(sp.AlignmentError, match=r"dense\.csv names no units, so its rows cannot be matched"):
        sp.weights.from_spec(nc, str(path))


@pytest.mark.parametrize("suffix", [".gal", ".gwt"])
@pytest.mark.parametrize("name", [None, "fips"])
def test_text_ids_of_digits_survive_neighbours_and_links(
    nc: Any, tmp_path: Path, suffix: str, name: str | None
) -> None:
    W = sp.weights.contiguity(nc.rename_axis(name))
    back = sp.weights.read(W.write(tmp_path / f"w{suffix}"))
    assert back.equals(W)
    assert back.meta.parameters.get("id_field") == name
    assert sp.moran(nc["bir74"], back, permutations=0).I == sp.moran(nc["bir74"], W, permutations=0).I
    numbers = sp.Weights(W.ids.astype("int64"), W.sparse)
    assert sp.weights.read(numbers.write(tmp_path / f"n{suffix}")).equals(numbers)


@pytest.mark.parametrize("suffix", [".gal", ".gwt"])
def test_libpysal_reads_the_header_of_text_ids(nc: Any, tmp_path: Path, suffix: str) -> None:
    import libpysal

    W = sp.weights.contiguity(nc)
    file = libpysal.io.open(str(W.write(tmp_path / f"w{suffix}")))
    with contextlib.closing(file), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it looks for the layer's .dbf
        found = file.read()
    assert sorted(map(str, found.id_order)) == sorted(W.ids)
    assert found.nonzero == W.n_links
