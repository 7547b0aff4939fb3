"""Weights files: what we write comes back, what others write is read, and bad files are named."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libpysal import examples
from libpysal import io as libpysal_io

from spatial.errors import AlignmentError, SpatialWarning, WeightsError
from spatial.weights import Meta, Weights
from spatial.weights._io import FORMATS, read, write

quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


def example(name: str) -> str:
    return str(examples.get_path(name))


def libpysal_read(path: Any, *kind: str) -> Any:
    """Read with libpysal, which warns of islands and of a text without its .dbf."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = libpysal_io.open(str(path), "r", *kind)
        found = file.read()
        file.close()
    return found


# ---- round trips
WORDS = [
    "01001",
    "北京",
    "San José",
    "O'Brien",
    'the "old" one',
    "=1+1",
    "NA",
    "a,b",
    "x;y",
    "0",
    "-7",
    "1e5",
    "%c",
]
words = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufeff"), min_size=1, max_size=6
)
sentences = st.one_of(st.sampled_from(WORDS), st.text(max_size=6).filter(lambda t: "\x00" not in t))
integers = st.integers(-(2**63), 2**63 - 1)
weights = st.floats(allow_nan=False, allow_infinity=False).filter(lambda w: w != 0)


def weights_of(ids: Any, values: Any) -> st.SearchStrategy[Weights]:
    @st.composite
    def build(draw: Any) -> Weights:
        names = draw(st.lists(ids, min_size=1, max_size=6, unique=True))
        n = len(names)
        links = draw(
            st.dictionaries(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), values, max_size=12)
        )
        rows, columns = [k[0] for k in links], [k[1] for k in links]
        matrix = sp.csr_array((np.array(list(links.values()), float), (rows, columns)), shape=(n, n))
        return Weights(pd.Index(names), matrix, Meta(kind="given", parameters={"k": 3, "own": 0.5}))

    return build()


def same(back: Weights, W: Weights) -> None:
    """Ids with their type and order, and weights bit by bit."""
    assert back.ids.tolist() == W.ids.tolist()
    assert [type(i) for i in back.ids.tolist()] == [type(i) for i in W.ids.tolist()]
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(back.sparse, part), getattr(W.sparse, part))


@pytest.mark.parametrize("suffix", [".csv", ".mtx", ".parquet", ".npz"])
@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(sentences, weights)))
def test_round_trip_keeps_any_id_and_weight(tmp_path: Path, suffix: str, W: Weights) -> None:
    back = read(write(W, tmp_path / f"w{suffix}"))
    same(back, W)
    if suffix != ".csv":
        assert back.meta == W.meta


@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(sentences, weights)))
def test_round_trip_of_dense_csv(tmp_path: Path, W: Weights) -> None:
    same(read(write(W, tmp_path / "w.csv", form="dense")), W)


@pytest.mark.parametrize("suffix", [".gwt", ".kwt", ".dat", ".txt"])
@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(words, weights)))
def test_round_trip_of_words_and_integers(tmp_path: Path, suffix: str, W: Weights) -> None:
    path = write(W, tmp_path / f"w{suffix}")
    same(read(path, ids=W.ids), W)
    if isinstance(W.ids[0], str) and not all(i.lstrip("-").isdecimal() for i in W.ids):
        same(read(path), W)


@quick
@given(W=st.one_of(weights_of(integers, st.just(1.0)), weights_of(words, st.just(1.0))))
def test_round_trip_of_neighbours(tmp_path: Path, W: Weights) -> None:
    same(read(write(W, tmp_path / "w.gal"), ids=W.ids), W)
    if W.sparse.diagonal().any():
        with pytest.raises(WeightsError, match=r"no place for a unit's own weight\. Write form='full'"):
            write(W, tmp_path / "w.txt", form="neighbors")
    else:
        same(read(write(W, tmp_path / "w.txt", form="neighbors"), ids=W.ids), W)


@quick
@given(W=weights_of(integers, weights))
def test_round_trip_of_swm(tmp_path: Path, W: Weights) -> None:
    same(read(write(W, tmp_path / "w.swm")), W)


@pytest.mark.parametrize("form", ["links", "dense"])
@pytest.mark.parametrize("ids", [[3, 1, 10**14], ["01001", "=SUM(A1)", "北 京"], ["101", "102", "103"]])
def test_round_trip_of_xlsx(tmp_path: Path, form: Any, ids: list[Any]) -> None:
    W = Weights.from_dense([[0, 1 / 3, -1e-300], [0.1 + 0.2, 5e-324, 0], [0, 0, 0]], ids=ids)
    same(read(write(W, tmp_path / "w.xlsx", form=form)), W)


def test_meta_and_index_name_survive_where_the_format_has_room(tmp_path: Path) -> None:
    meta = Meta(
        "knn", {"k": np.int64(2), "bridge": [["a", "b"]], "ids": pd.Index([1]), "s": {2, 1}}, "km", "row"
    )
    ids = pd.Index(["a", "b"], name="adcode")
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=ids, meta=meta)
    plain = Meta("knn", {"k": 2, "bridge": [["a", "b"]], "ids": [1], "s": [1, 2]}, "km", "row")
    for suffix in (".parquet", ".npz", ".mtx"):
        back = read(write(W, tmp_path / f"w{suffix}"))
        assert back.meta == plain
        assert back.ids.name == ("adcode" if suffix != ".mtx" else None)


def test_text_formats_record_the_file_and_row_standardisation(tmp_path: Path) -> None:
    W = Weights.from_dense([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]], ids=[5, 6, 7])
    meta = read(W.write(tmp_path / "w.gwt", id_field="CODE")).meta
    assert (meta.normalization, meta.source, meta.islands) == ("row", "w.gwt", "keep")
    assert meta.parameters == {"id_field": "CODE"}


def test_weights_near_the_largest_float(tmp_path: Path) -> None:
    W = Weights.from_dense(
        [[0, 1.7e308, 1.7e308], [-1.7e308, 0, -1.7e308], [1.7e308, -1.7e308, 0]], ids=[1, 2, 3]
    )
    for suffix in (".swm", ".csv", ".gwt", ".npz", ".mtx", ".txt"):
        same(read(W.write(tmp_path / f"w{suffix}")), W)


def test_integers_only_if_every_id_is_a_plain_integer(tmp_path: Path) -> None:
    path = tmp_path / "w.gwt"
    for names, expected in [
        (("1", "20"), [1, 20]),
        (("01", "20"), ["01", "20"]),
        (("+1", "20"), ["+1", "20"]),
        (("1", "b"), ["1", "b"]),
        (("0", "-5"), [0, -5]),
        (("9" * 20, "1"), ["9" * 20, "1"]),
    ]:
        path.write_text(f"0 2 map ID\n{names[0]} {names[1]} 1\n{names[1]} {names[0]} 1\n")
        assert read(path).ids.tolist() == expected


def test_quotes_in_csv_say_text_unless_the_weights_are_quoted_too(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text('i,j,w\n"1","2",0.5\n')
    assert read(path).ids.tolist() == ["1", "2"]
    path.write_text('"i","j","w"\n"1","2","0.5"\n')
    assert read(path).ids.tolist() == [1, 2]


# ---- files of others: libpysal's examples come from GeoDa, ArcGIS, Stata and MATLAB
OTHERS = """sids2.gal columbus.gal mexico.gal stl_hom_rook.gal juvenile.gwt baltim_k4.gwt baltim.tri.k12.kwt
    ohio.swm virginia_queen.swm us48_CONTIGUITY_EDGES_ONLY.swm us48_INVERSE_DISTANCE.swm virginia_queen.dat"""


@pytest.mark.parametrize("name", OTHERS.split())
def test_reads_what_libpysal_reads(name: str) -> None:
    theirs = libpysal_read(example(name))
    ours = read(example(name))
    order = [int(float(i)) for i in theirs.id_order]  # sorted in part, and of any type
    assert (ours.reordered(order).sparse != sp.csr_array(theirs.sparse)).nnz == 0
    assert ours.n_links == theirs.sparse.nnz > 0


@pytest.mark.parametrize("name", ["stata_sparse.txt", "stata_full.txt"])
def test_reads_stata_text_as_libpysal(name: str) -> None:
    theirs = libpysal_read(example(name), "stata_text")
    ours = read(example(name))
    assert ours.ids.tolist() == theirs.id_order
    assert (ours.sparse != sp.csr_array(theirs.sparse)).nnz == 0
    assert len(ours.islands) == len(theirs.islands) == 7


def test_reads_arcgis_text_and_matlab_files() -> None:
    ours = read(example("arcgis_txt.txt"))
    theirs = libpysal_read(example("arcgis_txt.txt"), "arcgis_text")
    assert ours.neighbors(2).to_dict() == {
        j: w for j, w in zip(theirs.neighbors[2], theirs.weights[2], strict=True) if w != 0
    }
    ids = read(example("virginia_queen.gal")).ids
    for name in ("virginia_queen.mat", "virginia_queen.mtx"):
        matrix = read(example(name), ids=ids)
        assert matrix.n_links == 586
        theirs = libpysal_read(example(name))
        assert (matrix.sparse != sp.csr_array(theirs.sparse)).nnz == 0
    floats = read(example("wmat.dat"))
    assert floats.ids.tolist()[:3] == [2, 5, 6]
    assert floats.neighbors(2).to_dict() == {1: 0.25, 3: 0.25, 4: 0.25, 5: 0.25} or floats.n_links == 232


def test_reads_libpysal_tables(tmp_path: Path) -> None:
    from libpysal.graph import Graph

    frame = pd.DataFrame({"f": ["a", "b", "c"], "n": ["b", "a", "c"], "w": [0.25, 0.5, 0.0]})
    graph = Graph.from_arrays(*(frame[c].to_numpy() for c in "fnw"))
    graph.to_parquet(tmp_path / "w.parquet")
    graph.to_gwt(tmp_path / "w.gwt")
    for name in ("w.parquet", "w.gwt"):
        W = read(tmp_path / name)
        assert W.ids.tolist() == ["a", "b", "c"]
        assert W.islands.tolist() == ["c"]
        assert W.to_dense().to_numpy().tolist() == [[0, 0.25, 0], [0.5, 0, 0], [0, 0, 0]]


def test_reads_scipy_and_spdep_files(tmp_path: Path) -> None:
    matrix = sp.csr_array(np.array([[0, 2.0], [0.5, 0]]))
    sp.save_npz(tmp_path / "w.npz", matrix)
    assert read(tmp_path / "w.npz", ids=["x", "y"]).neighbors("x").to_dict() == {"y": 2.0}
    # R: write.csv(listw2sn(lw)), with row names, and write.csv(listw2mat(lw))
    (tmp_path / "sn.csv").write_text('"","from","to","weights"\n"1",1,2,0.5\n"2",2,1,1\n"3",2,3,1e-1\n')
    assert read(tmp_path / "sn.csv").to_frame().to_numpy().tolist() == [[1, 2, 0.5], [2, 1, 1.0], [2, 3, 0.1]]
    (tmp_path / "mat.csv").write_text('"","37009","37005"\n"37009",0,0.5\n"37005",1,0\n')
    assert read(tmp_path / "mat.csv").ids.tolist() == ["37009", "37005"]
    assert read(tmp_path / "mat.csv", ids=[37005, 37009]).neighbors(37009).to_dict() == {37005: 0.5}
    # spdep's write.nb.gal, old style, without the empty line of a unit without neighbours
    (tmp_path / "old.gal").write_text("3\n1 1\n2\n2 1\n1\n3 0\n")
    assert read(tmp_path / "old.gal").islands.tolist() == [3]


SMALL = Weights.from_dense([[0, 0.25, 0.75], [1 / 3, 0, 0], [1, 0, 0]], ids=[11, 12, 13])
BINARY = SMALL.binary()


def test_libpysal_reads_what_we_write(tmp_path: Path) -> None:
    from libpysal.graph import read_gal, read_gwt, read_parquet

    def dense(matrix: Any) -> list[list[float]]:
        return np.asarray(matrix.todense()).tolist()

    gal, gwt = BINARY.write(tmp_path / "w.gal"), SMALL.write(tmp_path / "w.gwt")
    swm, parquet = SMALL.write(tmp_path / "w.swm", id_field="code"), SMALL.write(tmp_path / "w.parquet")
    named = BINARY.write(tmp_path / "named.gal", id_field="FIPS")
    assert named.read_text().startswith("0 3 Unknown FIPS\n")
    for path, W in ((gal, BINARY), (named, BINARY), (gwt, SMALL)):
        theirs = libpysal_read(path)
        assert theirs.id_order == ["11", "12", "13"]
        assert dense(theirs.sparse) == dense(W.sparse)
    theirs = libpysal_read(swm)
    assert theirs.id_order == [11, 12, 13]
    assert dense(theirs.sparse) == dense(SMALL.sparse)
    for graph, W in ((read_gal(gal), BINARY), (read_gwt(gwt), SMALL), (read_parquet(parquet), SMALL)):
        assert list(graph.unique_ids) == [11, 12, 13]
        assert dense(graph.sparse) == dense(W.sparse)
    np.testing.assert_array_equal(
        sp.load_npz(SMALL.write(tmp_path / "w.npz")).toarray(), SMALL.sparse.toarray()
    )
    stata = libpysal_read(SMALL.write(tmp_path / "w.txt"), "stata_text")
    assert dense(stata.sparse) == dense(SMALL.sparse)


def swm_bytes(header: str, integer: str, n: int, records: list[tuple[int, list[int], list[float]]]) -> bytes:
    """Compose an .swm by the layout of ArcGIS, independently of the writer."""
    out = header.encode() + struct.pack(f"<2{integer}", n, 1)
    for unit, names, values in records:
        out += struct.pack(f"<2{integer}", unit, len(names))
        if names:
            out += struct.pack(f"<{len(names)}{integer}", *names)
            out += struct.pack(f"<{len(values)}d", *values) + struct.pack("<d", 9.5)
    return out


def test_swm_variants(tmp_path: Path) -> None:
    path, new = (
        tmp_path / "w.swm",
        "VERSION@10.1;UNIQUEID@CODE;SPATIALREFNAME@WGS 84;FIXEDWEIGHTS@{};HASID64@{}\n",
    )
    rows = [(5, [7, -6], [0.25, 0.75]), (7, [], []), (-6, [5], [1.0])]
    fixed = [(5, [7, -6], [0.5]), (7, [], []), (-6, [5], [1.0])]
    for raw, first in [
        (swm_bytes("CODE;WGS 84\n", "i", 3, rows), {7: 0.25, -6: 0.75}),
        (swm_bytes(new.format("False", "False"), "i", 3, rows), {7: 0.25, -6: 0.75}),
        (swm_bytes(new.format("False", "True"), "q", 3, rows), {7: 0.25, -6: 0.75}),
        (swm_bytes(new.format("True", "False"), "i", 3, fixed), {7: 0.5, -6: 0.5}),
    ]:
        path.write_bytes(raw)
        W = read(path)
        assert W.ids.tolist() == [5, 7, -6]
        assert W.neighbors(5).to_dict() == first
        assert W.islands.tolist() == [7]
        assert W.meta.normalization == "row"
        facts = {"id_field": "CODE", "spatial_reference": "WGS 84", "row_standardized": True}
        assert W.meta.parameters == facts
    wide = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=[2**40, 3])
    assert b"HASID64@True" in wide.write(path).read_bytes()
    same(read(path), wide)


def test_libpysal_swm_with_islands_is_read(tmp_path: Path) -> None:
    """libpysal's writer adds a sum to a unit without neighbours, which its own reader does not expect."""
    from libpysal.weights import W as LegacyW

    theirs = LegacyW({1: [2], 2: [1], 3: []}, silence_warnings=True)
    file = libpysal_io.open(str(tmp_path / "w.swm"), "w")
    file.write(theirs)
    file.close()
    ours = read(tmp_path / "w.swm")
    assert ours.ids.tolist() == [1, 2, 3]
    assert ours.islands.tolist() == [3]


# ---- dense tables as Stata and MATLAB users have them
def test_dense_tables_with_and_without_ids(tmp_path: Path) -> None:
    path, n = tmp_path / "w.csv", 5
    values = np.arange(n * n).reshape(n, n) / 7
    np.fill_diagonal(values, 0)
    body = [",".join(map(repr, row.tolist())) for row in values]
    ids = [f"0{k}" for k in range(n)]
    tables = {
        "corner": [",".join(["", *ids]), *[f"{i},{row}" for i, row in zip(ids, body, strict=True)]],
        "header": [",".join(ids), *body],
        "column": [f"{i},{row}" for i, row in zip(ids, body, strict=True)],
        "stata": ["id,v1,v2,v3,v4,v5", *[f"{i},{row}" for i, row in zip(ids, body, strict=True)]],
    }
    for separator in (",", ";", "\t"):
        for lines in tables.values():
            path.write_text("\n".join(lines).replace(",", separator) + "\n")
            W = read(path)
            assert W.ids.tolist() == ids
            np.testing.assert_array_equal(W.sparse.toarray(), values)
    for lines in (body, ["c1,c2,c3,c4,c5", *body]):
        path.write_text("\n".join(lines))
        with pytest.warns(SpatialWarning, match="names no units: its rows are numbered 0 to 4"):
            assert read(path).ids.tolist() == [0, 1, 2, 3, 4]
        assert read(path, ids=ids).ids.tolist() == ids
    path.write_text("\n".join(body).replace(",", " "))
    np.testing.assert_array_equal(read(path, ids=ids).sparse.toarray(), values)
    (tmp_path / "w.txt").write_text("\n".join(body).replace(",", "\t"))
    np.testing.assert_array_equal(read(tmp_path / "w.txt", ids=ids).sparse.toarray(), values)


def test_dense_table_whose_columns_stand_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("id,b,c,a\na,1,2,0\nb,0,3,4\nc,5,0,6\n")
    assert read(path).to_dense().loc["a"].to_dict() == {"a": 0, "b": 1, "c": 2}
    assert read(path).to_dense().loc["b"].to_dict() == {"a": 4, "b": 0, "c": 3}


def test_chinese_tables_in_gb18030_and_utf16(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        path.write_text("城市,北京,天津\n北京,0,1\n天津,1,0\n", encoding=encoding)
        assert read(path).ids.tolist() == ["北京", "天津"]
    path.write_text("i,j,w\n臺北,高雄,1\n", encoding="big5")
    assert read(path, encoding="big5").ids.tolist() == ["臺北", "高雄"]


def test_three_columns_and_few_rows_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("0,1,2\n1,0,3\n2,3,0\n")
    with pytest.raises(
        WeightsError, match=r"w\.csv: a table of 3 rows and 3 columns can be links or .*form='links'"
    ):
        read(path)
    assert read(path, ids=[7, 8, 9], form="dense").neighbors(7).to_dict() == {8: 1, 9: 2}
    assert read(path, form="links").neighbors(0).to_dict() == {1: 2}
    path.write_text("0,110,120,130\n110,0,1,1\n120,1,0,1\n130,1,1,0\n")
    with pytest.raises(
        WeightsError, match="the first row and the first column are both '110', '120', '130': ids"
    ):
        read(path)
    assert read(path, form="labelled").ids.tolist() == [110, 120, 130]
    assert read(path, form="dense", ids=[1, 2, 3, 4]).neighbors(1).to_dict() == {2: 110, 3: 120, 4: 130}


def test_sheets(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet("W")
    for row in ([None, 101.0, 102.0, None], [101.0, 0, 0.5], [102.0, 1, 0], [None, None, None]):
        sheet.append(row)
    mixed = book.create_sheet("mixed")
    for row in (["id", 1, "A2"], [1, 0, 1], ["A2", 1, 0]):
        mixed.append(row)
    book.save(tmp_path / "w.xlsx")
    book.close()
    W = read(tmp_path / "w.xlsx", sheet="W")
    assert W.ids.tolist() == [101, 102]
    assert W.neighbors(101).to_dict() == {102: 0.5}
    assert read(tmp_path / "w.xlsx", sheet="mixed").ids.tolist() == ["1", "A2"]
    with pytest.raises(WeightsError, match="there is no sheet 'V'; the sheets are 'notes', 'W', 'mixed'"):
        read(tmp_path / "w.xlsx", sheet="V")
    with pytest.raises(WeightsError, match=r"the sheet is empty\. Name another with sheet="):
        read(tmp_path / "w.xlsx")
    (tmp_path / "bad.xlsx").write_bytes(b"PK not a workbook")
    with pytest.raises(WeightsError, match=r"bad\.xlsx: not a readable \.xlsx workbook"):
        read(tmp_path / "bad.xlsx")


# ---- ids of the map
def test_ids_give_order_and_type(tmp_path: Path) -> None:
    path = SMALL.write(tmp_path / "w.gwt")
    W = read(path, ids=pd.Index(["13", "11", "12"]))
    assert W.ids.tolist() == ["13", "11", "12"]
    assert W.neighbors("11").to_dict() == {"12": 0.25, "13": 0.75}
    frame = pd.DataFrame({"x": 0}, index=[12, 11, 13])
    assert read(path, ids=frame).ids.tolist() == [12, 11, 13]


def test_units_without_links_come_from_ids(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("i,j,w\n1,2,1\n2,1,1\n")
    with pytest.warns(SpatialWarning, match=r"lists links only; these ids have none and become islands: 3"):
        assert read(path, ids=[1, 2, 3]).islands.tolist() == [3]
    path = tmp_path / "w.gwt"
    path.write_text("0 3 map ID\n1 2 1\n2 1 1\n")
    with pytest.raises(WeightsError, match=r"announces 3 units, but only 2 are named.*Pass ids="):
        read(path)
    assert read(path, ids=[3, 2, 1]).islands.tolist() == [3]


@pytest.mark.parametrize(
    "suffix", [".gal", ".gwt", ".csv", ".swm", ".mtx", ".npz", ".parquet", ".xlsx", ".txt"]
)
def test_a_weights_file_for_another_map(tmp_path: Path, suffix: str) -> None:
    path = BINARY.write(tmp_path / f"w{suffix}")
    with pytest.raises(
        AlignmentError, match=r"other units than those of ids= \(3 in .*In the file only: '13'"
    ):
        read(path, ids=[11, 12, 99])
    if suffix not in (".csv",):
        with pytest.raises(AlignmentError, match=r"In ids= only: 99"):
            read(path, ids=[11, 12, 13, 99])


def test_ids_that_cannot_be_matched(tmp_path: Path) -> None:
    path = SMALL.write(tmp_path / "w.csv")
    with pytest.raises(AlignmentError, match="written alike: '11'"):
        read(path, ids=pd.Index([11, "11", 12, 13], dtype=object))
    np.savetxt(tmp_path / "d.csv", np.eye(5), delimiter=",")
    with pytest.raises(AlignmentError, match=r"d\.csv is a matrix of 5 rows without ids; ids= has 2"):
        read(tmp_path / "d.csv", ids=[1, 2])


# ---- refusals at writing
def test_gal_refuses_weights_and_names_the_formats_that_keep_them(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"w\.gal: \.gal keeps neighbours only.*\.gwt, \.swm, .*binary=True"
    ):
        SMALL.write(tmp_path / "w.gal")
    assert list(tmp_path.iterdir()) == []
    same(read(SMALL.write(tmp_path / "w.gal", binary=True)), BINARY)
    with pytest.raises(WeightsError, match="form='neighbors' keeps no weights"):
        SMALL.write(tmp_path / "w.txt", form="neighbors")


@pytest.mark.parametrize("suffix", [".gal", ".gwt", ".dat", ".txt"])
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
    with pytest.raises(WeightsError, match=r"folder\.gal: the file cannot be written"):
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
    with pytest.raises(WeightsError, match=r"w\.npz: the file cannot be written \(No space left on device\)"):
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
    same(read(write(SMALL.to_graph(), tmp_path / "w.gwt")), SMALL)
    same(read(write(SMALL.to_w(), tmp_path / "w.csv")), SMALL)


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
    with pytest.raises(WeightsError, match=r"not text in UTF-8 or GB18030\. Name its encoding"):
        read(path)
    with pytest.raises(WeightsError, match="not text in 'ascii'"):
        read(path, encoding="ascii")
    with pytest.raises(WeightsError, match="'klingon' is no known encoding"):
        read(path, encoding="klingon")
    path.write_bytes(b"i,j,w\na\x00,b,1\n")
    with pytest.raises(WeightsError, match="not text"):
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
    with pytest.raises(WeightsError, match=r"holds a CSR matrix: data, indices, indptr; found 'x'"):
        read(path)
    sp.save_npz(path, sp.csc_array(np.eye(2)))
    with pytest.raises(WeightsError, match="holds a CSR matrix"):
        read(path)
    np.savez(path, data=[1.0], indices=[5], indptr=[0, 1])
    with pytest.raises(WeightsError, match="the arrays are no CSR matrix"):
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


@pytest.mark.parametrize("suffix", sorted(set(FORMATS) - {".mat"}))
@pytest.mark.parametrize("shuffle", [np.array([2, 0, 1])])
def test_order_of_the_units_does_not_matter(tmp_path: Path, suffix: str, shuffle: Any) -> None:
    mixed = BINARY.reordered(BINARY.ids[shuffle])
    one, two = BINARY.write(tmp_path / f"a{suffix}"), mixed.write(tmp_path / f"b{suffix}")
    same(read(two, ids=BINARY.ids), read(one, ids=BINARY.ids))
    same(read(two), mixed)


def test_reading_does_not_import_what_it_does_not_need(tmp_path: Path) -> None:
    path = SMALL.write(tmp_path / "w.csv")
    code = (
        f"import sys; from spatial.weights._io import read; read({str(path)!r}); "
        "print([m for m in ('libpysal', 'matplotlib', 'openpyxl', 'numba', 'esda') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
