"""Separated text: the cells of each row are counted, as a reader of the file would count them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import DataError
from spatial.io import separated


def read(tmp_path: Path, text: str, name: str = "a.csv", **options: Any) -> sp.Panel:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return sp.read_panel(path, unit="city", time="year", **options)


@pytest.mark.parametrize(
    "text",
    [
        "city,year,gdp\n110000,2000,5,\n110000,2001,6,\n120000,2000,7,\n120000,2001,8,\n",
        "city,year,gdp,\n110000,2000,5,\n110000,2001,6,\n120000,2000,7,\n120000,2001,8,\n",
        "city,year,gdp,\n110000,2000,5\n110000,2001,6\n120000,2000,7\n120000,2001,8\n",
        "city,year,gdp\n110000,2000,5,\n110000,2001,6\n120000,2000,7,\n120000,2001,8\n",
        "city,year,gdp,,\n110000,2000,5,,\n110000,2001,6,,\n120000,2000,7,,\n120000,2001,8,,\n",
        ",,\n\ncity,year,gdp\n\n110000,2000,5\n110000,2001,6\n   \n120000,2000,7\n120000,2001,8",
        'city,year,"gdp"\r\n110000,2000,"5"\r\n110000,2001,6\r\n120000,2000,7\r\n120000,2001,8\r\n',
        "city,year,gdp\r110000,2000,5\r110000,2001,6\r120000,2000,7\r120000,2001,8\r",
        "city;year;gdp\n110000;2000;5\n110000;2001;6\n120000;2000;7\n120000;2001;8\n",
        "city\tyear\tgdp\n110000\t2000\t5\n110000\t2001\t6\n120000\t2000\t7\n120000\t2001\t8\n",
        "city,year,gdp\n110000.0,2000.0,5\n110000.0,2001.0,6\n120000,2000,7\n120000,2001,8\n",
    ],
)
def test_an_empty_last_cell_and_blank_lines_are_harmless(tmp_path: Path, text: str) -> None:
    panel = read(tmp_path, text)
    assert panel.units.tolist() == [110000, 120000]
    assert panel.times.tolist() == [2000, 2001]
    assert panel.columns.tolist() == ["gdp"]
    assert panel["gdp"].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # thousands without quotes
        (
            "city,year,x\na,2000,1,234\nb,2000,3,456\n",
            r"each row has one more|Each row has one more.*row names",
        ),
        (
            "city,year,x\na,2000,1\nb,2000,3,456\n",
            r"line 3, has 4 cells where the header has 3: 'b,2000,3,456'.*quo",
        ),
        # a short row in the middle, which pandas fills
        (
            "city,year,x,y\na,2000,1,2\na,2001,3\nb,2000,1,2\n",
            r"line 3, has 3 of 4 cells: 'a,2001,3'.*3 separators",
        ),
        ('city,year,x\n\n"a\nb",2000,1\nc,2000\nd,2000,2\n', r"line 5, has 2 of 3 cells: 'c,2000'"),
        ("city,year,x\na,2000,1\nb,2000\n", r"ends inside a row: the last one has 2 of 3"),
        ("city,year,x\na,2000,1\nSource: yearbook\n", r"the last one has 1 of 3.*if that row is a note"),
        # row names of R's write.table, which has no name for them
        ("city,year,x\n1,a,2000,1\n2,b,2000,2\n", r"row names.*R: row\.names = FALSE; pandas: index=False"),
        ("GDP of cities\ncity,year,x\na,2000,1\n", r"line 2, has 3 cells where the header has 1.*a title"),
        ("city,year,x,,\na,2000,1,,5\n", r"line 2, has 5 cells where the header has 3"),
        (
            'city,year,x\na,2000,"1\nb,2000,2\n',
            r"cannot be read.*the quote that opens in line 2 is not closed",
        ),
        ("city,year,x\na,2000,1\0\n", "holds NUL bytes"),
    ],
)
def test_the_first_row_with_another_number_of_cells_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_separators_inside_quotes_are_text(tmp_path: Path) -> None:
    text = (
        'city;year;"GDP, 100m yuan, at 2000 prices, real";note\n1;2000;5,5;"a;b"\n2;2000;6;"c ""d"" ; e\nf"\n'
    )
    panel = read(tmp_path, text, decimal=",")
    assert panel.columns.tolist() == ["GDP, 100m yuan, at 2000 prices, real", "note"]
    assert panel.frame.iloc[:, 0].tolist() == [5.5, 6.0]
    assert panel["note"].tolist() == ["a;b", 'c "d" ; e\nf']
    # a quote in the middle of a cell is a sign like any other
    assert read(tmp_path, 'city,year,x\na,2000,5" pipe\nb,2000,"x,y"\n')["x"].tolist() == ['5" pipe', "x,y"]


def test_decimal_commas(tmp_path: Path) -> None:
    text = "city;year;share\na;2000;0,512\nb;2000;0,733\nc;2000;1,250\n"
    assert read(tmp_path, text, decimal=",")["share"].tolist() == [0.512, 0.733, 1.25]
    with pytest.raises(DataError, match="is separated by ',', which cannot be its decimal sign too"):
        read(tmp_path, "city,year,x\na,2000,1\n", decimal=",")
    with pytest.raises(DataError, match=r"decimal= must be '\.' or ','; got ';'"):
        read(tmp_path, text, decimal=";")
    with pytest.raises(DataError, match=r"decimal= is for \.csv"):
        sp.read_panel(pd.DataFrame({"city": ["a"], "year": 1}), unit="city", time="year", decimal=",")


def test_times_are_read_as_they_are_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two digits"):
        read(tmp_path, "city,year,x\na,98,1\na,99,2\na,00,3\n")
    months = read(tmp_path, "city,year,x\na,200012,1\na,200101,2\n")
    assert months.shift("x")["L1_x"].tolist()[1] == 1.0


cells = st.text('ab,;" \n0é', max_size=4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([1, 3, 1 << 18]),
)
def test_cells_are_counted_as_pythons_reader_counts_them(rows: list[list[str]], end: str, block: int) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end).writerows(rows)
    text = stream.getvalue()
    expected = [max(len(row), 1) for row in csv.reader(io.StringIO(text, newline=""))]
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(separated, "_BLOCK", block)
        _, found = separated._counted(text.encode("utf-8"), ",", Path("a.csv"))
    assert found.tolist() == expected


def test_a_million_cells_are_checked_quickly(tmp_path: Path) -> None:
    n = 40_000
    frame = pd.DataFrame({"city": np.arange(n) // 20, "year": np.arange(n) % 20, "x": np.arange(n) / 7})
    frame.to_csv(tmp_path / "a.csv", index=False)
    panel = sp.read_panel(tmp_path / "a.csv", unit="city", time="year")
    np.testing.assert_array_equal(panel["x"], frame["x"])


# ---- frames of other libraries
def test_frames_of_polars_and_arrow(tmp_path: Path) -> None:
    import datetime

    import polars as pl
    import pyarrow as pa

    columns = {
        "city": ["a", "a", "b", "b"],
        "year": [2000, 2001, 2000, 2001],
        "x": [1.5, None, 2.5, 3.5],
        "n": [2**60 + 1, None, 3, 4],
        "note": ["东", None, "西", "北"],
    }
    expected = sp.read_panel(pd.DataFrame(columns), unit="city", time="year")
    for frame in (pl.DataFrame(columns), pl.DataFrame(columns).lazy(), pa.table(columns)):
        for panel in (
            sp.read_panel(frame, unit="city", time="year"),
            sp.Panel.from_frame(frame, unit="city", time="year"),
        ):
            np.testing.assert_array_equal(panel["x"], expected["x"])
            assert panel["n"].iloc[0] == 2**60 + 1
            assert panel["note"].isna().tolist() == [False, True, False, False]
    dates = {"city": ["a", "a"], "day": [datetime.date(2000, 1, 31), datetime.date(2000, 2, 29)], "x": [1, 2]}
    for frame in (pl.DataFrame(dates), pa.table(dates)):
        panel = sp.read_panel(frame, unit="city", time="day")
        assert panel.frequency == "month"
    wide = {"id": pl.Series([2**63 + 1, 2**63 + 2], dtype=pl.UInt64), "t": [1, 1], "x": [1.0, 2.0]}
    assert sp.read_panel(pl.DataFrame(wide), unit="id", time="t").units.tolist() == [
        str(2**63 + k) for k in (1, 2)
    ]
    path = tmp_path / "a.parquet"
    pl.DataFrame(dates).write_parquet(path)
    assert sp.read_panel(path, unit="city", time="day").frequency == "month"


def test_what_is_no_frame_is_named_with_its_library() -> None:
    import polars as pl

    with pytest.raises(DataError, match=r"got polars\.Expr"):
        sp.read_panel(pl.col("a"), unit="id", time="year")
    for given_, name in ((3, "int"), (None, "NoneType"), ([1], "list")):
        with pytest.raises(DataError, match=f"got {name}"):
            sp.read_panel(given_, unit="id", time="year")


def test_several_rows_of_names_are_refused() -> None:
    columns = pd.MultiIndex.from_tuples([("id", ""), ("year", ""), ("gdp", "sum")])
    frame = pd.DataFrame([[1, 2000, 3.0]], columns=columns)
    for call in (sp.read_panel, sp.Panel.from_frame):
        with pytest.raises(
            DataError, match=r"one row of column names; it has 2, e\.g\. \('id', ''\).*Join them"
        ):
            call(frame, unit="id", time="year")


# ---- samples by name
def test_a_sample_is_read_by_its_name() -> None:
    panel = sp.read_panel("nc_crime")
    pd.testing.assert_frame_equal(panel.frame, sp.shapefiles.load("nc_crime").frame)
    assert panel.label("polpc") == "Police per capita"
    assert (panel.n_units, panel.unit_name, panel.time_name) == (90, "fips", "year")
    assert sp.read_panel("nc_crime", columns=["polpc"]).columns.tolist() == ["polpc"]
    with pytest.raises(
        DataError, match=r"The sample 'nc' is a map: read it with spatial\.read_cities\('nc'\)"
    ):
        sp.read_panel("nc")
    with pytest.raises(DataError, match=r"encoding= is for \.csv"):
        sp.read_panel("nc_crime", encoding="utf-8")


def test_the_columns_of_ids_and_times_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,year,x\na,2000,1.5\na,2001,2.5\nb,2000,2.5\nb,2001,2.5\nc,2000,1.5\nc,2001,1.5\n")
    with pytest.raises(
        DataError, match=r"pass unit= and time=\. a\.csv has: 'name', 'year', 'x'.*unit='name', time='year'"
    ):
        sp.read_panel(path)
