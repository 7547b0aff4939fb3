"""Weights files: what we write comes back, what others write is read, and bad files are named."""

from __future__ import annotations

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
from weights_io_cases import BINARY, SMALL, same, swm_bytes

from spatial.errors import AlignmentError, SpatialWarning, WeightsError
from spatial.weights import Meta, Weights, read

pytestmark = pytest.mark.filterwarnings("ignore:.*negative, in rows of")  # drawn ones may be

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


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".mtx", ".parquet", ".npz"])
@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(sentences, weights)))
def test_round_trip_keeps_any_id_and_weight(tmp_path: Path, suffix: str, W: Weights) -> None:
    back = read(W.write(tmp_path / f"w{suffix}"))
    same(back, W)
    if suffix != ".csv":
        assert back.meta == W.meta


@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(sentences, weights)))
def test_round_trip_of_dense_csv(tmp_path: Path, W: Weights) -> None:
    same(read(W.write(tmp_path / "w.csv", form="dense")), W)


@pytest.mark.parametrize("suffix", [".gwt", ".dat"])
@quick
@given(W=st.one_of(weights_of(integers, weights), weights_of(words, weights)))
def test_round_trip_of_words_and_integers(tmp_path: Path, suffix: str, W: Weights) -> None:
    path = W.write(tmp_path / f"w{suffix}")
    same(read(path, ids=W.ids), W)
    if isinstance(W.ids[0], str) and not all(i.lstrip("-").isdecimal() for i in W.ids):
        same(read(path), W)


@quick
@given(W=st.one_of(weights_of(integers, st.just(1.0)), weights_of(words, st.just(1.0))))
def test_round_trip_of_neighbours(tmp_path: Path, W: Weights) -> None:
    same(read(W.write(tmp_path / "w.gal"), ids=W.ids), W)


@quick
@given(W=weights_of(integers, weights))
def test_round_trip_of_swm(tmp_path: Path, W: Weights) -> None:
    same(read(W.write(tmp_path / "w.swm")), W)


@pytest.mark.parametrize("form", ["links", "dense"])
@pytest.mark.parametrize("ids", [[3, 1, 10**14], ["01001", "=SUM(A1)", "北 京"], ["101", "102", "103"]])
def test_round_trip_of_xlsx(tmp_path: Path, form: Any, ids: list[Any]) -> None:
    W = Weights.from_dense([[0, 1 / 3, -1e-300], [0.1 + 0.2, 5e-324, 0], [0, 0, 0]], ids=ids)
    same(read(W.write(tmp_path / "w.xlsx", form=form)), W)


def test_meta_and_index_name_survive_where_the_format_has_room(tmp_path: Path) -> None:
    meta = Meta(
        "knn", {"k": np.int64(2), "bridge": [["a", "b"]], "ids": pd.Index([1]), "s": {2, 1}}, "km", "row"
    )
    ids = pd.Index(["a", "b"], name="adcode")
    W = Weights.from_dense([[0, 1.0], [1.0, 0]], ids=ids, meta=meta)
    plain = Meta("knn", {"k": 2, "bridge": [["a", "b"]], "ids": [1], "s": [1, 2]}, "km", "row")
    for suffix in (".parquet", ".npz", ".mtx"):
        back = read(W.write(tmp_path / f"w{suffix}"))
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
    for suffix in (".swm", ".csv", ".gwt", ".npz", ".mtx"):
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
OTHERS = """sids2.gal columbus.gal mexico.gal stl_hom_rook.gal juvenile.gwt baltim_k4.gwt
    ohio.swm virginia_queen.swm us48_CONTIGUITY_EDGES_ONLY.swm us48_INVERSE_DISTANCE.swm virginia_queen.dat"""


@pytest.mark.evidence("weights.read", source="libpysal's reader on its own example files")
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
    assert floats.neighbors(2).to_dict() == {6: 0.25, 1: 0.25, 3: 0.25, 7: 0.25}
    assert floats.n_links == 232


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


@pytest.mark.parametrize("suffix", [".gal", ".gwt", ".csv", ".swm", ".mtx", ".npz", ".parquet", ".xlsx"])
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
