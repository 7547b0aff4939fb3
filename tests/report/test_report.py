"""The file of a report: refusals, safety, bytes, and the shell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.reports import payload, write

import spatial as sp
from spatial.errors import AlignmentError, DataError
from spatial.report.building import explore

EVIL = "<script>alert('x')</script>\"&'</script>\u2028"


def test_ids_must_be_the_same_everywhere(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    with pytest.raises(AlignmentError, match=r"the cities and the weights must have the same ids.*'i'"):
        write((cities.iloc[:8], panel, W), tmp_path)
    with pytest.raises(AlignmentError, match=r"the panel and the weights must have the same ids.*'i'"):
        write((cities, panel.at(2000).iloc[:8], W), tmp_path)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "y"}, "no column 'y'"),
        ({"columns": []}, "at least one column"),
        ({"permutations": 0}, "permutations must be 1 or more; got 0"),
        ({"permutations": 9.5}, "whole number"),
        ({"alpha": 1.5}, "between 0 and 1"),
        ({"lang": "fr"}, "'en' or 'zh'; got 'fr'"),
        ({"names": "title"}, "there is no 'title'"),
        ({"names": ["A"]}, "a column of the cities or a Series by id; got list"),
        ({"tables": [3]}, r"tables\[0\] must be a DataFrame"),
    ],
)
def test_options_are_checked(grid: Any, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write(grid, tmp_path, **options)


def test_inputs_of_other_kinds_are_refused(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    with pytest.raises(DataError, match="cities must be a GeoDataFrame by id; got DataFrame"):
        write((pd.DataFrame(index=cities.index), panel, W), tmp_path)
    with pytest.raises(DataError, match=r"explore needs a Panel.*got list"):
        write((cities, [1], W), tmp_path)
    frame = panel.to_frame().assign(x=lambda f: f["x"].where(f["city"] != "c", np.inf))
    with pytest.raises(DataError, match=r"'x' must be finite or missing; infinite at \('c', 2000\)"):
        write((cities, sp.Panel.from_frame(frame, unit="city", time="year"), W), tmp_path)
    same = panel.with_columns(x=1.0)
    with pytest.raises(DataError, match=r"'x' cannot be shown at any time: .*needs values that vary"):
        write((cities, same, W), tmp_path)


def test_markup_in_data_comes_out_as_text(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    cities = cities.assign(name=EVIL)
    cities.attrs["note"] = EVIL
    frame = panel.to_frame().rename(columns={"x": EVIL})
    evil = sp.Panel.from_frame(frame, unit="city", time="year", labels={EVIL: EVIL + "!"})
    table = pd.DataFrame({EVIL: [EVIL]}, index=[EVIL])
    path = write((cities, evil, W), tmp_path, EVIL, title=EVIL, tables={EVIL: table})
    page, data = path.read_text(encoding="utf-8"), payload(path)
    assert data["names"] == [[EVIL] * 9, None]
    assert data["variables"][0]["label"] == [EVIL + "!"] * 2
    body = page[page.index("</head>") :]
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 2  # the data, ours
    assert not re.search(r"<[^>]* (style|on\w+)=", page[: page.index('id="payload"')])
    assert body.count("&lt;script&gt;alert") >= 6  # title, note, table's title, head, index and cell


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_asks_for_nothing(grid: Any, tmp_path: Path) -> None:
    first = write(grid, tmp_path)
    text = first.read_text(encoding="utf-8")
    assert write(grid, tmp_path / "deeper").read_text(encoding="utf-8") == text
    assert sorted(p.name for p in (tmp_path / "deeper").iterdir()) == ["r.html"]  # nothing half-written
    assert "default-src &#39;none&#39;" in text
    assert "unsafe-inline" not in text
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", text)
    assert len(text) < 200_000


def test_chinese_pages_speak_chinese(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    cities.attrs = {"note": "示意边界", "source": "测试"}
    page = write((cities, panel, W), tmp_path, lang="zh").read_text(encoding="utf-8")
    for words in (
        'lang="zh-CN"',
        "x的相近值在哪里集聚？",
        "示意边界",
        "邻接，20 条连接，行标准化",
        "99 次置换",
        "测试",
    ):
        assert words in page


@pytest.mark.slow
def test_a_report_of_340_cities_20_years_5_columns_is_below_3_mb(china: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cube = random.normal(size=(20, len(china), 5))
    panel = sp.Panel.from_cube(
        cube, units=china.index, times=range(2003, 2023), columns=list("abcde"), unit="adcode", time="year"
    )
    W = sp.weights.contiguity(china, islands="nearest").row_standardized()
    path = explore(china, panel, list("abcde"), W, tmp_path / "r.html", permutations=99)
    assert path.stat().st_size < 3_000_000


@pytest.mark.slow
def test_levels_that_permutations_cannot_reach_are_named(grid: Any, tmp_path: Path) -> None:
    assert "With 99 permutations no p-value is below 0.02;" in write(grid, tmp_path).read_text("utf-8")
    many = write(grid, tmp_path, permutations=1999).read_text("utf-8")
    assert "With 1999 permutations" not in many


def run(*arguments: object) -> Any:
    import typer
    from typer.testing import CliRunner

    from spatial.cli.explore import explore_command

    app = typer.Typer()
    app.command("explore")(explore_command)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.slow
def test_the_shell_writes_the_same_report(tmp_path: Path, nc: Any, nc_crime: Any) -> None:
    files = (sp.shapefiles.path("nc"), "--id", "fips", "--panel", sp.shapefiles.path("nc_crime"), "--common")
    options = ("--columns", "crmrte, polpc", "--islands", "nearest", "--permutations", 49)
    result = run(*files, *options, "--out", tmp_path / "shell.html")
    assert result.exit_code == 0, result.output
    assert "Written: " in result.output
    data = payload(tmp_path / "shell.html")
    assert [variable["key"] for variable in data["variables"]] == ["crmrte", "polpc"]
    cities = nc.loc[nc_crime.units]
    W = sp.weights.contiguity(cities, islands="nearest").row_standardized()
    here = payload(explore(nc, nc_crime, ["crmrte", "polpc"], W, tmp_path / "here.html", permutations=49))
    own = [{key: v[key] for key in ("values", "counts", "I", "bounds")} for v in data["variables"]]
    assert own == [{key: v[key] for key in own[0]} for v in here["variables"]]
    assert data["map"] == here["map"]


def test_the_shell_takes_databases_and_refuses_other_units(
    tmp_path: Path, nc: Any, nc_crime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def panel(source: str, **options: Any) -> Any:
        asked.append((source, options["sheet"]))
        return nc_crime

    monkeypatch.setattr(
        "spatial.io.cities.read_cities", lambda *_, layer, **__: nc if layer == "gis.nc" else None
    )
    monkeypatch.setattr("spatial.panel.reading.read_panel", panel)
    files = ("postgresql://a@h/db", "--id", "fips", "--panel", "postgresql://a@h/db", "--table", "crime")
    options = ("--columns", "crmrte", "--permutations", 9, "--out", tmp_path / "r.html", "--layer", "gis.nc")
    result = run(*files, *options, "--islands", "keep", "--common")
    assert result.exit_code == 0, result.output
    assert asked == [("postgresql://a@h/db", "crime")]
    result = run(*files, *options)
    assert isinstance(result.exception, sp.SpatialError)


def test_the_shell_takes_a_map_alone_and_checks_columns(tmp_path: Path) -> None:
    files = (sp.shapefiles.path("nc"), "--id", "fips", "--permutations", 9, "--out", tmp_path / "r.html")
    assert run(*files, "--columns", "sid74").exit_code == 0
    assert payload(tmp_path / "r.html")["names"][0][0] == "Alamance"
    assert isinstance(run(*files, "--columns", " , ").exception, DataError)
