"""Weights files of other programs: encodings, formats of scipy, titles in Excel, ids as floats, damage."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from weights_io_cases import BINARY, SMALL

from spatial.errors import AlignmentError, DataError, SpatialError, WeightsError
from spatial.weights import Weights, read

pytestmark = pytest.mark.filterwarnings("ignore:.*negative, in rows of")  # drawn ones may be

NAMES = ["Orléans", "Besançon", "Nîmes"]


# ---- encodings
def test_western_text_is_no_chinese(tmp_path: Path) -> None:
    text = "2\nOrléans 1\nBesançon\nBesançon 1\nOrléans\n"
    (tmp_path / "w.gal").write_bytes(text.encode("cp1252"))
    with pytest.raises(WeightsError, match=r"w\.gal: .*neither UTF-8 nor Chinese in GB18030.*'cp1252'"):
        read(tmp_path / "w.gal")
    assert read(tmp_path / "w.gal", encoding="cp1252").ids.tolist() == NAMES[:2]
    (tmp_path / "w.gal").write_text(text, encoding="utf-8-sig")
    assert read(tmp_path / "w.gal").ids.tolist() == NAMES[:2]
    (tmp_path / "w.gal").write_bytes("2\n北京 1\n上海\n上海 1\n北京\n".encode("gb18030"))
    assert read(tmp_path / "w.gal").ids.tolist() == ["北京", "上海"]


# ---- GAL, read at once where it is clean
@pytest.mark.parametrize(
    ("text", "ids", "links"),
    [
        ("3\n1 2\n2 3\n2 1\n1\n3 0\n\n", [1, 2, 3], [(1, 2), (1, 3), (2, 1)]),
        ("3\n1 2\n2\n3\n2 1\n1\n3 0\n", [1, 2, 3], [(1, 2), (1, 3), (2, 1)]),  # a list over two lines
        ("0 2 text_ids ID\n01 1\n02\n02 0\n", ["01", "02"], [("01", "02")]),
        ("2\n1 1\n02\n02 0\n", ["1", "02"], [("1", "02")]),
        ("2\n-1 1\n5\n5 0\n", [-1, 5], [(-1, 5)]),
        ("2\n北京市朝阳区 1\n上海\n上海 0\n", ["北京市朝阳区", "上海"], [("北京市朝阳区", "上海")]),
        ("2\r\na\t1\r\nbb\r\nbb  0", ["a", "bb"], [("a", "bb")]),
        ("2\na\u3000x 1\nb\nb 0\n", None, None),  # a wide blank separates words too: three, not two
        ("1\n7 0\n", [7], []),
        ("0\n", [], []),
    ],
)
def test_gal_by_hand(tmp_path: Path, text: str, ids: Any, links: Any) -> None:
    (tmp_path / "w.gal").write_bytes(text.encode())
    if ids is None:
        with pytest.raises(WeightsError, match="an id and its number of neighbours are needed"):
            read(tmp_path / "w.gal")
        return
    W = read(tmp_path / "w.gal")
    assert W.ids.tolist() == ids
    assert list(W.to_frame()[["i", "j"]].itertuples(index=False, name=None)) == links


def test_gal_with_long_ids_that_share_their_beginnings(tmp_path: Path) -> None:
    ids = [f"prefecture-level-city-{k:03d}{'x' * (k % 5)}" for k in range(60)]
    rng = np.random.default_rng(0)
    W = Weights.from_sparse(sparse.random_array((60, 60), density=0.1, rng=rng).astype(bool), ids=ids)
    assert read(W.write(tmp_path / "w.gal")).equals(W)


# ---- ids written as floats
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w.csv", "i,j,w\n110000.0,120000.0,1\n120000.0,110000.0,1\n"),
        ("w.gal", "2\n110000.0 1\n120000.0\n120000.0 1\n110000.0\n"),
        ("w.gwt", "0 2 c ID\n1.1e+05 1.2e+05 1\n1.2e+05 1.1e+05 1\n"),
        ("w.dat", "110000.0 120000.0 1\n120000.0 110000.0 1\n"),
        ("w.txt", "2\n110000. 0 1\n120000. 1 0\n"),
        ("d.csv", "id,110000.0,120000.0\n110000.0,0,1\n120000.0,1,0\n"),
    ],
)
def test_ids_written_as_floats_are_the_numbers_they_mean(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read(tmp_path / name).ids.tolist() == [110000, 120000]
    for ids in ([120000, 110000], ["120000", "110000"], [120000.0, 110000.0]):
        assert read(tmp_path / name, ids=ids).n_links == 2
    with pytest.raises(AlignmentError, match="other units than those of ids="):
        read(tmp_path / name, ids=["0120000", "0110000"])


def test_ids_whose_digits_were_cut_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.gal").write_text("2\n1.10101e+11 1\n1.10102e+11\n1.10102e+11 0\n")
    with pytest.raises(DataError, match="shows 6 digits of a number of 12"):
        read(tmp_path / "w.gal")


def test_lost_zeros_are_named_as_such(tmp_path: Path) -> None:
    path = Weights.from_dense([[0, 1.0], [1, 0]], ids=[1001, 1003]).write(tmp_path / "w.gwt")
    with pytest.raises(AlignmentError, match="Zeros at the front were lost in the file"):
        read(path, ids=["01001", "01003"])


# ---- scipy
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_format_of_scipy_is_read(tmp_path: Path, form: str, kind: str) -> None:
    matrix = sparse.random_array((6, 6), density=0.4, rng=np.random.default_rng(1)).tocsr()
    sparse.save_npz(tmp_path / "w.npz", getattr(sparse, f"{form}_{kind}")(matrix))
    W = read(tmp_path / "w.npz", ids=list("abcdef"))
    np.testing.assert_array_equal(W.sparse.toarray(), matrix.toarray())


def test_links_given_twice_in_coordinates_are_refused(tmp_path: Path) -> None:
    twice = sparse.coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    for form in ("coo", "csc"):
        sparse.save_npz(tmp_path / "w.npz", twice if form == "coo" else _unsummed_csc())
        with pytest.raises(WeightsError, match=r"these \(row, column\) repeat: \(1, 2\)\."):
            read(tmp_path / "w.npz", ids=[1, 2])


def _unsummed_csc() -> Any:
    return sparse.csc_array((np.ones(3), np.array([1, 0, 0]), np.array([0, 1, 3])), shape=(2, 2))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"format": "xyz", "data": [1.0]}, "found 'data', 'format'"),
        ({"format": "coo", "data": [1.0], "row": [0], "col": [9], "shape": [2, 2]}, "no COO matrix"),
        ({"format": "csc", "data": [1.0], "indices": [7], "indptr": [0, 1], "shape": [1, 1]}, "from 7 to 7"),
        ({"data": [1.0], "indices": [0], "indptr": [0, 9, 1], "shape": [2, 2]}, "damaged|no CSR"),
        ({"data": [[1.0]], "indices": [0], "indptr": [0, 1]}, "no CSR"),
        ({"data": [1.0], "indices": [0], "indptr": [0, 1], "shape": 3}, "no CSR"),
        ({"data": ["a"], "indices": [0], "indptr": [0, 1]}, "no CSR|real numbers"),
        (
            {"data": [1.0], "indices": [0], "indptr": [0, 1], "ids": [1.5]},
            "ids must be whole numbers or text",
        ),
        ({"data": [1.0], "indices": [0], "indptr": [0, 1], "ids": 3}, "ids must be whole numbers or text"),
    ],
)
def test_npz_whose_arrays_are_no_weights(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(WeightsError, match=rf"w\.npz: .*({message})"):
        read(tmp_path / "w.npz")


def test_a_description_of_other_types_is_left_aside(tmp_path: Path) -> None:
    about = b'{"meta": {"kind": 5, "parameters": [], "islands": "keep", "cut_share": "x", "subset_of": true}}'
    parts = {"data": [1.0], "indices": [0], "indptr": [0, 1], "ids": [7]}
    np.savez(tmp_path / "w.npz", about=np.frombuffer(about, np.uint8), **parts)
    meta = read(tmp_path / "w.npz").meta
    assert (meta.kind, meta.parameters, meta.islands, meta.cut_share) == ("given", {}, "keep", 0.0)
    assert meta.subset_of is None


@pytest.mark.parametrize("suffix", [".npz", ".xlsx", ".parquet", ".mtx", ".swm", ".gal", ".csv"])
def test_a_file_with_any_byte_changed_is_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path = BINARY.write(tmp_path / f"w{suffix}")
    raw, rng = path.read_bytes(), np.random.default_rng(0)
    refused = []
    for place in rng.integers(0, len(raw), 60):
        changed = bytearray(raw)
        changed[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(changed))
        try:
            read(path, ids=BINARY.ids)
        except SpatialError as error:
            refused.append(str(error))
    assert refused
    assert all(path.name in message for message in refused)


def test_a_damaged_zip_stream_and_an_unknown_compression_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez_compressed(path, data=np.ones(50), indices=np.arange(50), indptr=np.arange(51))
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as stored:
        start = stored.infolist()[0].header_offset
    raw[start + 60 : start + 70] = b"\xff" * 10
    path.write_bytes(bytes(raw))
    with pytest.raises(WeightsError, match=r"w\.npz: "):
        read(path)
    raw = bytearray(SMALL.write(path).read_bytes())
    for signature, field in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = raw.find(signature)
        raw[at + field] = 99  # a method of compression that nobody has
    path.write_bytes(bytes(raw))
    with pytest.raises(WeightsError, match=r"w\.npz: .*(damaged|not an \.npz)"):
        read(path)


# ---- Excel
def book(path: Path, rows: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)
    return path


DENSE = [["id", 11, 12, 13], [11, 0, 1, 0], [12, 1, 0, 1], [13, 0, 1, 0]]


@pytest.mark.parametrize(
    "rows",
    [
        [["Spatial weights 2010", None, None, None], *DENSE],
        [["Table 3"], [None], ["Queen contiguity"], *DENSE, ["Source: the map"]],
        [[None, "Queen", None, None], *DENSE, [None, None, None, "n = 3"]],
    ],
)
def test_titles_and_notes_in_a_sheet_are_no_ids(tmp_path: Path, rows: list[list[Any]]) -> None:
    W = read(book(tmp_path / "w.xlsx", rows))
    assert W.equals(read(book(tmp_path / "plain.xlsx", DENSE)))
    assert W.ids.tolist() == [11, 12, 13]


def test_a_title_above_links(tmp_path: Path) -> None:
    W = read(book(tmp_path / "w.xlsx", [["Links"], ["w", "i", "j"], [0.5, 1, 2], [0.25, 2, 1]]))
    assert W.to_frame().to_numpy().tolist() == [[1, 2, 0.5], [2, 1, 0.25]]


# ---- tables of links whose header names the columns in another order
def test_columns_whose_names_contradict_their_places_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("weight,from_id,to_id\n0.5,1,2\n0.5,2,1\n0.5,3,1\n0.5,1,3\n")
    with pytest.raises(WeightsError, match=r"line 1: the header 'weight', 'from_id', 'to_id' does not say"):
        read(path)
    path.write_text("city,other,strength\n1,2,0.5\n2,1,0.5\n3,1,0.5\n1,3,0.5\n")
    assert read(path).n_links == 4
