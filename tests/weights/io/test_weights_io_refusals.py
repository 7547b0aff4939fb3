"""Weights files that cannot be written or read: one message each, with the place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from weights_io_cases import BINARY, SMALL, same

from spatial.errors import DataError, WeightsError
from spatial.weights import Weights, as_weights, read


# ---- refusals at writing
def test_gal_refuses_weights_and_names_the_formats_that_keep_them(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"w\.gal: \.gal keeps neighbours only.*\.gwt, \.swm, .*binary=True"
    ):
        SMALL.write(tmp_path / "w.gal")
    assert list(tmp_path.iterdir()) == []
    same(read(SMALL.write(tmp_path / "w.gal", binary=True)), BINARY)


@pytest.mark.parametrize("suffix", [".gal", ".gwt", ".dat"])
@pytest.mark.parametrize("name", ["San Jose", "", "a\u3000b", "a\nb", " a"])
def test_ids_with_spaces_are_refused_before_a_file_that_cannot_be_read_back(
    tmp_path: Path, suffix: str, name: str
) -> None:
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=[name, "b"])
    with pytest.raises(WeightsError, match=r"separates ids by spaces.*not so at .*Write \.csv, \.parquet"):
        W.write(tmp_path / f"w{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_ids_that_files_cannot_keep(tmp_path: Path) -> None:
    def pair(*ids: Any) -> Weights:
        return Weights.from_dense([[0, 1.0], [1.0, 0]], ids=pd.Index(ids, dtype=object))

    for W, kinds in [
        (pair(1.5, 2.5), "float"),
        (pair(1, "a"), "int and str"),
        (pair(True, False), "bool"),
        (pair(2**70, 1), "int"),
        (pair("a", "\ud800"), "str"),
    ]:
        with pytest.raises(WeightsError, match=f"all 64-bit integers or all text; these are {kinds} "):
            W.write(tmp_path / "w.csv")
    with pytest.raises(WeightsError, match=r"\.swm keeps integer ids only, and these are text"):
        pair("a", "b").write(tmp_path / "w.swm")
    with pytest.raises(WeightsError, match="cannot hold ; @ or a line end"):
        pair(1, 2).write(tmp_path / "w.swm", id_field="a;b")
    with pytest.raises(WeightsError, match="cannot hold the character NUL"):
        pair("a\x00", "b").write(tmp_path / "w.csv")
    with pytest.raises(WeightsError, match="it would change 1000000000000000"):
        pair(10**15, 2).write(tmp_path / "w.xlsx")
    with pytest.raises(WeightsError, match="control character, which Excel cannot keep"):
        pair("a\x01", "b").write(tmp_path / "w.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_dense_table_has_a_limit(tmp_path: Path) -> None:
    W = Weights.from_sparse(sp.csr_array((20_000, 20_000)))
    with pytest.raises(WeightsError, match=r"20000 units would have 400000000 cells.*form='links'"):
        W.write(tmp_path / "w.csv", form="dense")


def test_paths_and_options(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"w\.gaI: \.gai is no format .*Did you mean '\.gal'\? Known: \.gal, \.gwt"
    ):
        read(tmp_path / "w.gaI")
    with pytest.raises(WeightsError, match="a name without suffix is no format"):
        SMALL.write(tmp_path / "w")
    with pytest.raises(WeightsError, match=r"\.mat is read, not written. Write \.gal, "):
        SMALL.write(tmp_path / "w.mat")
    with pytest.raises(WeightsError, match=r"\.txt is read, not written. Write \.gal, "):
        SMALL.write(tmp_path / "w.txt")
    with pytest.raises(WeightsError, match=r"\.kwt is no format of weights files\. Did you mean '\.gwt'"):
        read(tmp_path / "w.kwt")
    with pytest.raises(WeightsError, match=r"w\.gal does not exist"):
        read(tmp_path / "w.gal")
    (tmp_path / "folder.gal").mkdir()
    with pytest.raises(WeightsError, match=r"folder\.gal is a folder"):
        read(tmp_path / "folder.gal")
    with pytest.raises(WeightsError, match=r"The folder .*nowhere does not exist. Make it"):
        SMALL.write(tmp_path / "nowhere" / "w.csv")
    with pytest.raises(WeightsError, match=r"sheet= does not apply to \.csv"):
        read(SMALL.write(tmp_path / "w.csv"), sheet="W")
    with pytest.raises(WeightsError, match=r"id_field= does not apply to \.csv"):
        SMALL.write(tmp_path / "w.csv", id_field="x")
    with pytest.raises(WeightsError, match=r"form= does not apply to \.npz"):
        SMALL.write(tmp_path / "w.npz", form="dense")
    with pytest.raises(WeightsError, match=r"form= must be one of 'links', 'dense'; got 'long'"):
        SMALL.write(tmp_path / "w.csv", form="long")
    with pytest.raises(DataError, match=r"Cannot write .*folder\.gal: it is a folder"):
        BINARY.write(tmp_path / "folder.gal")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.gal", "w.csv"]
    assert SMALL.write(str(tmp_path / "W.CSV")).name == "W.CSV"


def test_writing_is_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = SMALL.write(tmp_path / "w.csv")
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    (tmp_path / "w.npz").write_bytes(b"old")
    with pytest.raises(DataError, match=r"Cannot write .*w\.npz: No space left on device"):
        SMALL.write(tmp_path / "w.npz")
    assert (tmp_path / "w.npz").read_bytes() == b"old"
    with pytest.raises(WeightsError, match="separates ids by spaces"):
        Weights.from_dense([[0.0]], ids=["a b"]).write(tmp_path / "w.gwt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w.csv", "w.npz"]
    assert path.read_bytes() == before
    assert BINARY.write(path).stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_libpysal_weights_are_written_too(tmp_path: Path) -> None:
    same(read(Weights.from_graph(SMALL.to_graph()).write(tmp_path / "w.gwt")), SMALL)
    same(read(as_weights(SMALL.to_w()).write(tmp_path / "w.csv")), SMALL)
