"""Panels in Stata, Excel and Parquet files."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from panel_file_cases import NAN, TEXT, check, read

from spatial.errors import DataError
from spatial.panel.reading import read_panel

# ---- there and back


# ---- Stata
def test_stata_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.dta"
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(["甲市", "乙市", "甲市", "乙市"]),
            "year": [2001, 2001, 2002, 2002],
            "region": pd.Categorical(["东部", "西部", "东部", "西部"], categories=["东部", "西部"]),
            "地区生产总值": [1.0, 2.0, NAN, 4.0],
        }
    )
    frame.to_stata(
        path, write_index=False, version=118, variable_labels={"地区生产总值": "GDP（亿元）", "city": "城市"}
    )
    panel = read_panel(path, unit="city", time="year")
    assert panel.units.tolist() == sorted(["甲市", "乙市"])
    assert dict(panel.labels) == {"地区生产总值": "GDP（亿元）", "city": "城市"}
    # codes, as Stata computes with them
    assert panel.at(2001)["region"].to_dict() == {"甲市": 0, "乙市": 1}
    assert "value labels of region: 0 东部, 1 西部" in panel.history[0].detail
    assert panel.shift("地区生产总值").select(["地区生产总值"]).label("地区生产总值") == "GDP（亿元）"


def test_stata_codes_without_a_label_of_their_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"city": [1, 2, 3], "year": [2001.0, 2001, 2001], "x": [1.0, 2, 3]})
    frame.to_stata(
        tmp_path / "a.dta", write_index=False, value_labels={"city": {1: "甲", 2: "乙"}}, version=118
    )
    panel = read_panel(tmp_path / "a.dta", unit="city", time="year")
    assert panel.units.tolist() == [1, 2, 3]
    assert panel.times.tolist() == [2001]
    # two codes of one name are two units
    frame.to_stata(
        tmp_path / "b.dta", write_index=False, value_labels={"city": {1: "甲", 2: "甲", 3: "乙"}}, version=118
    )
    assert read_panel(tmp_path / "b.dta", unit="city", time="year").units.tolist() == [1, 2, 3]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
@pytest.mark.parametrize("given_encoding", [False, True])
def test_stata_13_and_older_have_no_encoding(tmp_path: Path, encoding: str, given_encoding: bool) -> None:
    """Written with the bytes as Latin-1 characters, which is how pandas stores and reads them."""

    def disguised(text: str) -> str:
        return text.encode(encoding).decode("latin-1")

    frame = pd.DataFrame({"id": [disguised("北京市"), disguised("上海市")], "t": [1, 1], "x": [1.0, 2.0]})
    frame["r"] = pd.Categorical(
        [disguised("华北"), disguised("华东")], categories=[disguised("华北"), disguised("华东")]
    )
    frame.to_stata(
        tmp_path / "a.dta", write_index=False, version=114, variable_labels={"x": disguised("产值")}
    )
    options = {"encoding": encoding} if given_encoding else {}
    panel = read_panel(tmp_path / "a.dta", unit="id", time="t", **options)  # type: ignore[arg-type]
    assert panel["x"].droplevel(1).to_dict() == {"北京市": 1.0, "上海市": 2.0}
    assert panel.label("x") == "产值"
    assert "value labels of r: 0 华北, 1 华东" in panel.history[0].detail


@pytest.mark.parametrize("share", [0.0005, 0.05, 0.4, 0.9, 0.999])
@pytest.mark.parametrize("version", [114, 118])
def test_truncated_stata(tmp_path: Path, version: int, share: float) -> None:
    frame = pd.DataFrame({"id": np.arange(500), "t": 1, "x": 1.0})
    path = tmp_path / "a.dta"
    frame.to_stata(path, write_index=False, version=version)
    path.write_bytes(path.read_bytes()[: max(1, int(share * path.stat().st_size))])
    with pytest.raises(DataError, match=r"a.dta (is cut short|cannot be read|does not begin)"):
        read_panel(path, unit="id", time="t")


def test_what_is_no_stata_file(tmp_path: Path) -> None:
    (tmp_path / "a.dta").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"a.dta does not begin as a .dta does"):
        read(tmp_path / "a.dta")


# ---- Excel
def workbook(path: Path, sheets: dict[str, pd.DataFrame], **options: Any) -> Path:
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        for name, frame in sheets.items():
            frame.to_excel(book, sheet_name=name, index=False, **options)
    return path


def test_excel(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(TEXT), dtype={"城市代码": str})
    one = workbook(tmp_path / "a.xlsx", {"数据": frame})
    panel = read(one)
    assert panel.units.tolist() == ["110000", "120000"]
    np.testing.assert_array_equal(panel.cube("地区生产总值")[:, :, 0], [[1.5, NAN], [2.5, 3.5]])
    two = workbook(tmp_path / "b.xlsx", {"数据": frame, "说明": pd.DataFrame({"a": [1]})})
    with pytest.raises(DataError, match=r"b.xlsx has 2 sheets: '数据', '说明'. Name one with sheet="):
        read(two)
    assert len(read(two, sheet="数据")) == len(read(two, sheet=0)) == 4
    with pytest.raises(DataError, match=r"b.xlsx has no sheet '数椐'.* It has: '数据', '说明'"):
        read(two, sheet="数椐")
    with pytest.raises(DataError, match=r"has 2 sheets, counted from 0; got sheet=2"):
        read(two, sheet=2)
    with pytest.raises(DataError, match=r"leave it out"):
        read(two, encoding="gb18030")


def test_excel_cells(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["01", "02", "03"],
            "t": [2001, 2001, 2001],
            "as text": ["1", "2.5", None],
            "codes": ["010", "020", "030"],
            "marks": [1.5, "NA", "."],
            "broken": [1, "—", "1,234"],
            "empty": [None, None, None],
        }
    )
    panel = read_panel(
        workbook(tmp_path / "a.xlsx", {"x": frame}, startrow=0, startcol=1), unit="id", time="t"
    )
    assert panel.units.tolist() == ["01", "02", "03"]
    np.testing.assert_array_equal(panel["as text"], [1, 2.5, NAN])
    assert panel["codes"].tolist() == ["010", "020", "030"]
    np.testing.assert_array_equal(panel.cube("marks")[0, :, 0], [1.5, NAN, NAN])
    with pytest.raises(DataError, match=r"'broken' must hold numbers; it holds text in 2 of 3 rows"):
        panel.cube("broken")


def test_bad_excel(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["01"], "t": [1], "x": [1.0]})
    path = workbook(tmp_path / "a.xlsx", {"x": frame})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"a.xlsx cannot be read; it may be cut short"):
        read_panel(path, unit="id", time="t")
    with pytest.raises(DataError, match=r"The sheet 'x' of b.xlsx is empty"):
        read_panel(workbook(tmp_path / "b.xlsx", {"x": pd.DataFrame()}), unit="id", time="t")
    twice = pd.DataFrame([["01", 1, 1.0, 2.0]], columns=["id", "t", "x", "x"])
    with pytest.raises(DataError, match=r"c.xlsx has more than one column 'x'"):
        read_panel(workbook(tmp_path / "c.xlsx", {"x": twice}), unit="id", time="t")
    mixed = pd.DataFrame({"id": ["01", 2], "t": [1, 1], "x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"ids all of one kind, text or whole numbers; it holds int, str"):
        read_panel(workbook(tmp_path / "d.xlsx", {"x": mixed}), unit="id", time="t")


def test_a_sheet_called_labels_that_is_not_ours(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["01"], "t": [1], "x": [1.0]})
    other = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    assert (
        dict(
            read_panel(
                workbook(tmp_path / "a.xlsx", {"x": frame, "labels": other}), unit="id", time="t"
            ).labels
        )
        == {}
    )
    assert len(read_panel(workbook(tmp_path / "b.xlsx", {"labels": frame}), unit="id", time="t")) == 1


# ---- Parquet
def test_parquet_of_others(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(TEXT))
    frame.set_index(["城市代码", "年份"]).to_parquet(tmp_path / "a.parquet")
    check(read(tmp_path / "a.parquet"))
    data = (tmp_path / "a.parquet").read_bytes()
    for size in (4, len(data) // 2, len(data) - 3):
        (tmp_path / "b.parquet").write_bytes(data[:size])
        with pytest.raises(DataError, match=r"b.parquet cannot be read; it may be cut short"):
            read(tmp_path / "b.parquet")


def test_a_stata_header_by_hand(tmp_path: Path) -> None:
    """The release is in the first bytes, as `help dta` of Stata gives them."""
    (tmp_path / "a.dta").write_bytes(b"<stata_dta><header><release>119</release>" + struct.pack("<I", 0))
    with pytest.raises(DataError, match=r"a.dta is cut short: its end is missing"):
        read(tmp_path / "a.dta")
