"""Weights files that are cut, damaged or something else: refused by name, never half read."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from weights_io_cases import BINARY, SMALL, same, swm_bytes

from spatial.errors import AlignmentError, WeightsError
from spatial.weights import read
from spatial.weights.io.formats import FORMATS

# ---- damaged files
BAD_TEXT: list[tuple[str, str, str]] = [
    ("e.gal", "", r"e\.gal: the file is empty"),
    ("h.gal", "units 3\n1 0\n", r"h\.gal, line 1: the first line must give the number of units"),
    ("t.gal", "3\n1 1\n2\n2 1\n1\n", r"announces 3 units, but the file ends after 2\. It is truncated"),
    ("u.gal", "2\n1 1\n2\n2 2\n1\n", r"the file ends after 1, in the neighbours of '2'"),
    ("c.gal", "2\n1 1\n2 5\n2 1\n1\n", r"c\.gal, line 2: unit '1' announces 1 neighbours, but 2 follow"),
    (
        "l.gal",
        "2\n1 x\n2\n2 1\n1\n",
        r"l\.gal, line 2: an id and its number of neighbours are needed; found '1 x'",
    ),
    ("m.gal", "1\n1 0\n2 1\n1\n", r"m\.gal, line 3: the header announces 1 units, but more follow: '2 1'"),
    ("n.gal", "2\n1 1\n7\n2 1\n1\n", r"these neighbours have no row of their own: '7'"),
    ("d.gal", "2\n1 2\n2 2\n2 1\n1\n", r"each link must be given once; these pairs repeat: \('1', '2'\)"),
    ("i.gal", "2\n1 0\n\n1 0\n\n", r"each unit must appear once; these ids repeat: '1'"),
    (
        "t.gwt",
        "0 2 map ID\n1 2 0.5\n2 1\n",
        r"t\.gwt, line 3: each line must hold a unit, its neighbour.*found '2 1'",
    ),
    (
        "w.gwt",
        "0 2 map ID\n1 2 0.5\n2 1 x\n",
        r"w\.gwt, line 3: each weight must be a finite number; found 'x'",
    ),
    (
        "f.gwt",
        "0 2 map ID\n1 2 inf\n2 1 1\n",
        r"f\.gwt, line 2: each weight must be a finite number; found 'inf'",
    ),
    ("n.gwt", "0 1 map ID\n1 2 0.5\n2 1 1\n", r"the header announces 1 units, but 2 are named"),
    ("d.gwt", "0 2 map ID\n1 2 1\n1 2 2\n", r"these pairs repeat: \('1', '2'\)"),
    ("t.txt", "3\n1 0 1 0\n2 1 0 1\n", r"announces 3 units, but 2 rows follow. It is truncated"),
    ("m.txt", "1\n1 0\n2 0\n", r"announces 1 units, but 2 rows follow. Correct the first line"),
    (
        "r.txt",
        "3\n1 0 1 0\n2 0.5 0\n3 0 1 0\n",
        r"r\.txt, line 3: a row of a matrix of 3 units.*this one has 2",
    ),
    ("x.txt", "a report\nof something\nelse\n", r"x\.txt, line 1: each line must hold a unit"),
    (
        "d.csv",
        "i,j,w\n1,2,1\n2,1,1\n1,2,3\n",
        r"d\.csv: each link must be given once; these pairs repeat: \('1', '2'\)",
    ),
    (
        "t.csv",
        "i,j,w\n1,2,1\n2,1\n",
        r"t\.csv, line 3: each line must have as many cells as the first, 3.* has 2",
    ),
    (
        "w.csv",
        "i,j,w\n1,2,1\n2,1,\n",
        r"w\.csv, line 3: each weight must be a finite number; found an empty cell",
    ),
    ("h.csv", "i,j,w\n", r"h\.csv: there are no links below the header"),
    ("s.csv", "1,0,0,1\n0,1,0,1\n", r"a dense matrix must be square.*found 2 rows and 4 columns"),
    ("n.csv", "id,a,b\na,0,x\nb,1,0\n", r"n\.csv, line 2: each weight must be a finite number; found 'x'"),
    (
        "k.csv",
        "0;1;0;0\n1;0;0,5;0\n0;1;0;0\n0;1;0;0\n",
        r"k\.csv, line 2: .*found '0,5'.*a point as the decimal sign",
    ),
    ("b.csv", "0,1,0,0\n1,0,x,0\n0,1,0,0\n0,0,0,0\n", r"b\.csv, line 2: .*found 'x'"),
    ("a.mtx", "3 3 0\n", r"a\.mtx, line 1: not a Matrix Market file"),
    (
        "t.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 1\n",
        r"t\.mtx: not a Matrix Market file that",
    ),
    (
        "r.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 2 1\n",
        r"must be square; found shape \(2, 3\)",
    ),
    (
        "c.mtx",
        "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n",
        r"weights are real numbers",
    ),
    (
        "d.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 1\n1 2 1\n",
        r"these \(row, column\) repeat: \(1, 2\)",
    ),
    (
        "i.mtx",
        "%%MatrixMarket matrix coordinate real general\n%id 1\n2 2 1\n1 2 1\n",
        r"1 %id comments, but 2 rows",
    ),
    (
        "j.mtx",
        "%%MatrixMarket matrix coordinate real general\n%id x\n2 2 1\n1 2 1\n",
        r"%id or %meta comment is damaged",
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_TEXT, ids=[b[0] for b in BAD_TEXT])
def test_damaged_text(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(WeightsError, match=message):
        read(tmp_path / name)


def test_rows_and_columns_of_a_labelled_table_must_agree(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("id,a,b,c\na,0,1,1\nb,1,0,1\nd,1,1,0\n")
    for form in (None, "labelled"):
        with pytest.raises(AlignmentError, match="must be the same, each once; not so: 'c', 'd'"):
            read(path, form=form)  # type: ignore[arg-type]
    path.write_text("id,a,b,a\na,0,1,1\nb,1,0,1\nc,1,1,0\n")
    with pytest.raises(AlignmentError, match="must be the same, each once; not so: 'c'"):
        read(path)
    path.write_text("id,a,b,b\na,0,1,1\nb,1,0,1\nb,1,1,0\n")
    with pytest.raises(AlignmentError, match="not so: 'b'"):
        read(path)


def test_text_in_no_known_encoding(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_bytes(b"i,j,w\n\xff\xff\xff,b,1\n")
    with pytest.raises(WeightsError, match=r"neither UTF-8 nor Chinese in GB18030.* Pass encoding="):
        read(path)
    with pytest.raises(WeightsError, match="the file cannot be read as ascii: byte 6"):
        read(path, encoding="ascii")
    with pytest.raises(WeightsError, match="encoding='klingon' is not known"):
        read(path, encoding="klingon")
    path.write_bytes(b"i,j,w\na\x00,b,1\n")
    with pytest.raises(WeightsError, match="no text: it holds zero bytes"):
        read(path)


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".swm", ".mtx", ".xlsx"])
def test_truncated_binary_files(tmp_path: Path, suffix: str) -> None:
    path = SMALL.write(tmp_path / f"w{suffix}")
    whole = path.read_bytes()
    for keep in (0, 3, len(whole) // 2, len(whole) - 20):
        path.write_bytes(whole[:keep])
        with pytest.raises(WeightsError, match=r"^w\."):
            read(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    np.savez(tmp_path / "w.npz", data=np.array([Bomb()], dtype=object), indices=[0], indptr=[0, 1])
    with pytest.raises(WeightsError, match=r"w\.npz: not an \.npz of plain arrays.*never unpickled"):
        read(tmp_path / "w.npz")
    assert not (tmp_path / "exploded").exists()


def test_npz_and_parquet_that_hold_something_else(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "w.npz"
    np.savez(path, x=np.arange(3))
    with pytest.raises(WeightsError, match=r"a sparse matrix, in CSR data, indices and indptr; found 'x'"):
        read(path)
    np.savez(path, data=[1.0], indices=[5], indptr=[0, 1])
    with pytest.raises(WeightsError, match="column numbers must be whole, 0 to 0; they go from 5"):
        read(path)
    np.savez(path, data=[1.0], indices=[0], indptr=[0, 1], ids=[1, 2])
    with pytest.raises(WeightsError, match="2 ids, but 1 rows"):
        read(path)
    np.savez(path, data=[1.0], indices=[0], indptr=[0, 1], about=np.frombuffer(b"{", np.uint8))
    with pytest.raises(WeightsError, match="the description of the weights is damaged"):
        read(path)
    np.savez(path, data=[np.nan], indices=[0], indptr=[0, 1], ids=[7])
    with pytest.raises(
        WeightsError, match=r"w\.npz: Weights must be finite; NaN or infinity in the rows of 7"
    ):
        read(path)
    path = tmp_path / "w.parquet"
    for columns, message in [
        ({"a": [1]}, "columns focal, neighbor, weight .* are needed; found 'a'"),
        ({"i": [1], "j": [None], "w": [1.0]}, "each link needs an id, a neighbour and a weight"),
        ({"i": [1], "j": [2], "w": ["x"]}, "weights are real numbers; the column 'w' holds string"),
    ]:
        parquet.write_table(pa.table(columns), path)
        with pytest.raises(WeightsError, match=message):
            read(path)


def test_matlab_files(tmp_path: Path) -> None:
    from scipy.io import savemat

    path = tmp_path / "w.mat"
    savemat(path, {"W": sp.csc_matrix(np.array([[0, 0.5], [1, 0]])), "x": np.arange(3.0), "A": np.eye(3)})
    with pytest.raises(
        WeightsError, match=r"one square matrix is needed; found 2 among the variables .*sheet="
    ):
        read(path)
    assert read(path, sheet="W", ids=["a", "b"]).neighbors("a").to_dict() == {"b": 0.5}
    with pytest.raises(WeightsError, match="there is no variable 'V'; the variables are"):
        read(path, sheet="V")
    with pytest.raises(WeightsError, match=r"must be square; found shape \(1, 3\)"):
        read(path, sheet="x")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    with pytest.raises(WeightsError, match=r"MATLAB 7\.3 files are not read.*-v7"):
        read(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="not a MATLAB file that can be read"):
        read(path)


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("openpyxl", "w.xlsx", r"spatial-cities\[excel\]"),
        ("pyarrow", "w.parquet", r"spatial-cities\[parquet\]"),
    ],
)
def test_a_missing_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, message: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(WeightsError, match=message):
        SMALL.write(tmp_path / name)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(WeightsError, match=message):
        read(tmp_path / name)


def test_swm_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "w.swm"
    for raw, message in [
        (b"no header", "not an ArcGIS .swm file"),
        (b"\x89PNG;\r\n\x00", "not an ArcGIS .swm file"),
        (b"ID;WGS\n\x00\x00", "ends in its header. It is truncated"),
        (b"ID;WGS\n" + struct.pack("<4i", 1, 0, 5, -2), "announces 1 units, and the records do not end"),
        (
            b"ID;WGS\n" + struct.pack("<4i", 1, 0, 5, 0) + b"more",
            "announces 1 units, and the records do not end",
        ),
    ]:
        path.write_bytes(raw)
        with pytest.raises(WeightsError, match=message):
            read(path)
    path.write_bytes(swm_bytes("ID;WGS\n", "i", 1, [(5, [6], [1.0])]))
    with pytest.raises(WeightsError, match="these neighbours have no row of their own: 6"):
        read(path)


@pytest.mark.parametrize("suffix", sorted(suffix for suffix, kind in FORMATS.items() if kind.write))
@pytest.mark.parametrize("shuffle", [np.array([2, 0, 1])])
def test_order_of_the_units_does_not_matter(tmp_path: Path, suffix: str, shuffle: Any) -> None:
    mixed = BINARY.reordered(BINARY.ids[shuffle])
    one, two = BINARY.write(tmp_path / f"a{suffix}"), mixed.write(tmp_path / f"b{suffix}")
    same(read(two, ids=BINARY.ids), read(one, ids=BINARY.ids))
    same(read(two), mixed)


def test_reading_does_not_import_what_it_does_not_need(tmp_path: Path) -> None:
    path = SMALL.write(tmp_path / "w.csv")
    code = (
        f"import sys; from spatial.weights import read; read({str(path)!r}); "
        "print([m for m in ('libpysal', 'matplotlib', 'openpyxl', 'numba', 'esda') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
