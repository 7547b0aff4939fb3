"""Files that are none, formulas that nobody computed, and first rows that hold no names."""

from __future__ import annotations

import os
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError


def read(path: Path) -> sp.Panel:
    return sp.read_panel(path, unit="id", time="year")


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_pipe_and_a_device_are_refused_and_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    (tmp_path / "b.csv").symlink_to("/dev/zero")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(DataError, match="is a pipe or a device, not a file"):
            read(tmp_path / name)


def test_a_name_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot read '.*\.\.\.': File name too long"):
        read(tmp_path / ("a" * 300 + ".csv"))
    with pytest.raises(DataError, match="There is no file"):
        read(tmp_path / "a\0b.csv")


def test_formulas_that_were_never_computed_are_refused_by_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["id", "year", "x"], ["a", 2000, "=1+1"], ["b", 2000, 3]])
    with pytest.raises(DataError, match=r"a.xlsx holds formulas without a value, at 'C2'.*save it"):
        read(path)


def test_a_title_above_the_names_of_a_sheet_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["Table 1"], ["id", "year", "x"], ["a", 2000, 3]])
    with pytest.raises(DataError, match=r"no column 'id'.*If a title stands above the names, delete it"):
        read(path)

    with pytest.raises(
        DataError, match=r"pass unit= and time=.*If a title stands above the names, delete it"
    ):
        sp.read_panel(path)  # no pairs of columns without a name are proposed


@pytest.mark.parametrize("stub", ["co2_", ""])
def test_a_wide_table_is_told_how_to_become_long(stub: str, tmp_path: Path) -> None:
    wide = pd.DataFrame(
        {"code": ["a", "b"], f"{stub}2001": [1, 2], f"{stub}2002": [3, 4], f"{stub}2003": [5, 6]}
    )
    wide.to_csv(tmp_path / "wide.csv", index=False)
    with pytest.raises(
        DataError, match=r"It is wide, with a column for each year.*make it long first"
    ) as caught:
        sp.read_panel(tmp_path / "wide.csv", "code", "year")
    code = str(caught.value).partition("make it long first, ")[2].removesuffix(".")
    found = sp.read_panel(eval(code, {"pandas": pd, "frame": wide}), "code", "year")
    assert found.frame.iloc[:, 0].tolist() == [1, 3, 5, 2, 4, 6]


@pytest.mark.parametrize("mark", ["|", "^", " "])
def test_another_separator_is_named(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"id": ["a"], "year": [2000], "x": [1]}).to_csv(path, sep=mark, index=False)
    with pytest.raises(DataError, match=r"parted by comma, semicolon or tab, not by"):
        read(path)
