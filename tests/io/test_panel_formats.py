"""Panels read from files, written and read back: what each format keeps, and what is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.errors import DataError
from spatial.panel.panel import Panel
from spatial.panel.reading import read_panel

NAN = np.nan
TEXT = """城市代码,年份,地区生产总值,备注
110000,2001,1.5,首都
120000,2001,,
110000,2002,2.5,首都
120000,2002,3.5,港口
"""


def read(path: Any, **options: Any) -> Panel:
    return read_panel(path, unit="城市代码", time="年份", **options)


def write_csv(folder: Path, text: str = TEXT, encoding: str = "utf-8", name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def check(panel: Panel) -> None:
    assert panel.units.tolist() == [110000, 120000]
    assert panel.times.tolist() == [2001, 2002]
    np.testing.assert_array_equal(panel.cube("地区生产总值")[:, :, 0], [[1.5, NAN], [2.5, 3.5]])
    assert panel["备注"].fillna("").tolist() == ["首都", "首都", "", "港口"]


# ---- CSV
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    panel = read(write_csv(tmp_path, encoding=encoding))
    check(panel)
    assert panel.history[0].action == "read_panel"
    assert panel.history[0].detail.startswith("a.csv: 4 rows, 2 units, 2 times; text in ")
    assert panel.history[0].cells == 8
    check(read(write_csv(tmp_path, encoding=encoding), encoding=encoding))


def test_an_encoding_that_is_found_late(tmp_path: Path) -> None:
    rows = "".join(f"{i},2001,1.0,\n" for i in range(200_000, 220_000))
    panel = read(
        write_csv(tmp_path, TEXT.splitlines()[0] + "\n" + rows + "999999,2001,1.0,最后\n", "gb18030")
    )
    assert panel.frame.loc[(999999, 2001), "备注"] == "最后"


def test_encodings_that_are_wrong(tmp_path: Path) -> None:
    path = write_csv(tmp_path, encoding="gb18030")
    with pytest.raises(
        DataError, match=r"a.csv cannot be read as utf-8: byte 0 \(line 1\) does not fit. Leave encoding= out"
    ):
        read(path, encoding="utf-8")
    with pytest.raises(DataError, match=r"encoding='gb99' is not known"):
        read(path, encoding="gb99")
    latin = write_csv(tmp_path, "ville,an,x\nOrléans,2001,1\n", "latin-1")
    with pytest.raises(DataError, match=r"neither UTF-8 nor Chinese in GB18030.*Pass encoding="):
        read_panel(latin, unit="ville", time="an")
    assert read_panel(latin, unit="ville", time="an", encoding="latin-1").units.tolist() == ["Orléans"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["01001", "48001"], ["01001", "48001"]),
        (["110000", "120000"], [110000, 120000]),
        (["110000.0", "120000.0"], [110000, 120000]),
        (["12E3", "13E3"], ["12E3", "13E3"]),
        (["NA", "CN"], ["CN", "NA"]),
        (["-1", "0"], [-1, 0]),
        (["1" * 18, "2" * 19], ["1" * 18, "2" * 19]),
        (["北京市", "上海市"], sorted(["北京市", "上海市"])),
        (["1a", "10"], ["10", "1a"]),
    ],
)
def test_unit_ids_in_csv(tmp_path: Path, ids: list[str], expected: list[Any]) -> None:
    path = write_csv(tmp_path, f"id,year,x\n{ids[0]},2001,1\n{ids[1]},2001,2\n")
    panel = read_panel(path, unit="id", time="year")
    assert panel.units.tolist() == expected
    assert panel.columns.tolist() == ["x"]


def test_missing_marks(tmp_path: Path) -> None:
    path = write_csv(tmp_path, 'id,t,x,y\na,1,NA,—\nb,1,.,2\nc,1,3,"1,234"\n')
    panel = read_panel(path, unit="id", time="t")
    np.testing.assert_array_equal(panel["x"], [NAN, NAN, 3])
    with pytest.raises(
        DataError, match=r"'y' must hold numbers; it holds text in 3 of 3 rows, e.g. at \('a', 1\): '—'"
    ):
        panel.cube("y")
    np.testing.assert_array_equal(panel.parse_numbers("y", missing=["—"]).cube("y")[0, :, 0], [NAN, 2, 1234])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(tmp_path: Path, separator: str) -> None:
    check(read(write_csv(tmp_path, TEXT.replace(",", separator), name="a.txt")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a.csv is empty: it has no bytes"),
        ("\n\n", r"a.csv is empty: it has no row"),
        ("城市代码,年份,x\n", r"a.csv is empty: it has column names and no rows"),
        (TEXT.replace("年份", "年分"), r"a.csv has no column '年份'\..*It has: '城市代码', '年分'"),
        (TEXT.replace("备注", "年份"), r"more than one column '年份'; rename them"),
        (TEXT[:-6], r"ends inside a row: the last one has 3 of 4 columns. If it is cut short"),
        (TEXT + "1,2,3,4,5,6\n", r"a.csv, line 6, has 6 cells where the header has 4: '1,2,3,4,5,6'"),
        (TEXT + '1,2,3,"open', r"a.csv cannot be read; it may be cut short"),
        (
            TEXT.replace("120000,2002", "110000,2002"),
            r"one row for each \(城市代码, 年份\); these pairs repeat: \(110000, 2002\)",
        ),
        (
            TEXT.replace("120000", ""),
            r"'城市代码' must be filled in each row; 2 of 4 are missing, at rows 1, 3",
        ),
        (TEXT.replace("2002", ""), r"'年份' must be filled in each row; 2 of 4"),
        (TEXT.replace("2002", "后"), r"'年份' must hold times"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write_csv(tmp_path, text))


def test_did_you_mean(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "city,year,gdp\na,1,2\n")
    with pytest.raises(DataError, match=r"no column 'citi'. Did you mean 'city'\?"):
        read_panel(path, unit="citi", time="year")
    with pytest.raises(DataError, match=r"no column 'gpd'. Did you mean 'gdp'\?"):
        read_panel(path, unit="city", time="year", columns=["gpd"])


def test_choosing_and_renaming_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    assert read(path, columns=["备注"]).columns.tolist() == ["备注"]
    assert read(path, columns="备注").columns.tolist() == ["备注"]
    assert read(path, columns=["年份", "备注"]).columns.tolist() == ["备注"]
    assert read(path, columns={"地区生产总值": "gdp"}).columns.tolist() == ["gdp"]
    with pytest.raises(
        DataError, match=r"columns= renames variables; '城市代码' and '年份' keep their names"
    ):
        read(path, columns={"年份": "year"})
    with pytest.raises(DataError, match=r"Columns of a panel must be unique; these repeat: 'x'"):
        read(path, columns={"地区生产总值": "x", "备注": "x"})


# ---- sources
def test_sources(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    check(read(str(path)))
    check(read(path.as_uri()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.csv")
    check(read(tmp_path / "a.zip"))
    frame = pd.read_csv(io.StringIO(TEXT))
    before = frame.copy()
    check(read(frame))
    check(read(frame.set_index(["城市代码", "年份"])))
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(DataError, match=r"There is no file '.*b.csv'. Did you mean 'a.csv'\?"):
        read(tmp_path / "b.csv")
    with pytest.raises(
        DataError, match=r"A panel cannot be read from 'a.xls'. Did you mean '.xlsx'\? Kinds that can:"
    ):
        read("a.xls")
    with pytest.raises(
        DataError, match=r"from a path, a URL or a DataFrame of pandas, polars or Arrow; got dict"
    ):
        read({"a": 1})
    with pytest.raises(DataError, match=r"sheet= is for workbooks .* the source is a DataFrame"):
        read(frame, sheet="a")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".dta"])
def test_options_of_other_formats(tmp_path: Path, suffix: str) -> None:
    path = read(write_csv(tmp_path)).rename({"地区生产总值": "gdp"}).write(tmp_path / f"b{suffix}")
    with pytest.raises(DataError, match=r"sheet= is for workbooks"):
        read(path, sheet="a")
    if suffix != ".csv":
        with pytest.raises(DataError, match=r"leave (it|encoding=) out"):
            read(path, encoding="utf-8")


# ---- there and back
@pytest.fixture
def panel() -> Panel:
    frame = pd.DataFrame(
        {
            "城市代码": ["01001", "01001", "48001", "48001"],
            "年份": [2001, 2002, 2001, 2002],
            "地区生产总值": [0.1 + 0.2, NAN, -1e-300, 1e300],
            "备注": ["=1+1", None, "http://x", 'a,b"c\n汉'],
            "整数": [1, 2, 3, -4],
            "文字代码": ["a1", "b", "c", "d"],
        }
    )
    return Panel.from_frame(
        frame,
        unit="城市代码",
        time="年份",
        labels={"地区生产总值": "GDP（亿元）", "城市代码": "行政区划代码"},
    )


@pytest.mark.evidence("read_panel", source="one panel in four formats", kind="identity")
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".dta"])
def test_round_trip(tmp_path: Path, panel: Panel, suffix: str) -> None:
    if suffix == ".dta":  # Stata's doubles end below 9e307, its text has no missing
        panel = panel.with_columns(备注="汉")
    back = read(panel.write(tmp_path / f"a{suffix}"))
    exact = {"check_exact": True} if suffix != ".xlsx" else {"rtol": 1e-15, "atol": 0.0}  # 16 digits
    found, expected = (p.frame.fillna({"备注": ""}) for p in (back, panel))
    pd.testing.assert_frame_equal(found, expected, check_dtype=suffix != ".dta", **exact)
    assert dict(back.labels) == ({} if suffix == ".csv" else dict(panel.labels))
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".dta"])
@pytest.mark.parametrize(
    "times",
    [
        pd.period_range("2001Q4", periods=3, freq="Q"),
        pd.period_range("2001-11", periods=3, freq="M"),
        pd.to_datetime(["2001-03-31", "2001-06-30", "2001-12-31"]),
        [2001, 2003, 2004],
    ],
)
def test_times_survive(tmp_path: Path, suffix: str, times: Any) -> None:
    panel = Panel.from_frame(pd.DataFrame({"id": "a", "t": times, "x": [1.0, 2.0, 3.0]}), unit="id", time="t")
    back = read_panel(panel.write(tmp_path / f"a{suffix}"), unit="id", time="t")
    assert back.times.tolist() == panel.times.tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.one_of(st.floats(-1e100, 1e100), st.just(NAN)), min_size=1, max_size=6),
    words=st.lists(st.text("城市京aé;\t'\"", max_size=6), min_size=6, max_size=6),
    suffix=st.sampled_from([".csv", ".parquet", ".xlsx", ".dta"]),
    name=st.sampled_from(["x", "产值", "人均地区生产总值"]),
    seed=st.integers(0, 99),
)
def test_values_survive(
    tmp_path: Path, values: list[float], words: list[str], suffix: str, name: str, seed: int
) -> None:
    frame = pd.DataFrame({"id": [f"0{i}" for i in range(len(values))], "t": 2001, name: values})
    frame["词"] = [f"词{word}" for word in words[: len(values)]]
    panel = Panel.from_frame(frame.sample(frac=1, random_state=seed), unit="id", time="t")
    back = read_panel(panel.write(tmp_path / f"a{suffix}"), unit="id", time="t")
    # an .xlsx keeps the 16 digits that xlsxwriter prints
    np.testing.assert_allclose(back.cube(name), panel.cube(name), rtol=1e-15 if suffix == ".xlsx" else 0)
    assert back["词"].tolist() == panel["词"].tolist()
    assert back.units.tolist() == panel.units.tolist()


def test_an_empty_column_of_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "t": 1, "空": pd.Series([None, None], dtype=object)})
    path = Panel.from_frame(frame, unit="id", time="t").write(tmp_path / "a.dta")
    assert read_panel(path, unit="id", time="t")["空"].isna().all()


def test_categories_are_written_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "t": 1, "区": pd.Categorical(["东部", None])})
    panel = Panel.from_frame(frame, unit="id", time="t")
    for suffix in (".csv", ".dta", ".xlsx"):
        assert read_panel(panel.write(tmp_path / f"a{suffix}"), unit="id", time="t")["区"].fillna(
            ""
        ).tolist() == ["东部", ""]


def test_refusals_on_writing(tmp_path: Path, panel: Panel) -> None:
    with pytest.raises(
        DataError, match=r"A panel cannot be written to '.*a.txt'.*Kinds that can: .csv, .dta"
    ):
        panel.write(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"encoding= is for .csv; .dta has its own"):
        panel.write(tmp_path / "a.dta", encoding="gb18030")
    with pytest.raises(DataError, match=r"latin-1 has no '城'|iso8859-1 has no '城'"):
        panel.write(tmp_path / "a.csv", encoding="latin-1")
    with pytest.raises(DataError, match=r"does not fit into a.dta: .*80 characters"):
        panel.with_labels(整数="长" * 81).write(tmp_path / "a.dta")
    with pytest.raises(DataError, match=r"does not fit into a.dta"):
        panel.rename({"整数": "a b"}).write(tmp_path / "a.dta")
    with pytest.raises(DataError, match=r"does not fit into a.dta"):
        panel.with_columns(大=1e308).write(tmp_path / "a.dta")
    assert list(tmp_path.iterdir()) == []
    assert read(panel.write(tmp_path / "a.csv", encoding="gb18030"))["整数"].tolist() == [1, 2, 3, -4]


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
