"""Panels read from files, written and read back: what each format keeps, and what is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from panel_file_cases import NAN, TEXT, check, read

from spatial.errors import DataError
from spatial.panel.panel import Panel
from spatial.panel.reading import read_panel


def write_csv(folder: Path, text: str = TEXT, encoding: str = "utf-8", name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


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
