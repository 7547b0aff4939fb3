"""Dense tables of weights, as Stata and MATLAB users have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spatial.errors import SpatialWarning, WeightsError
from spatial.weights import read


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
