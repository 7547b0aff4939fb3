"""Panels on disk: found and read as the files have them, refused by name, and fitted as in memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blocks_cases import open_panel_of, system_data

import spatial as sp
from spatial.errors import AlignmentError, DataError, FormulaError, NotIdentifiedError
from spatial.models import SpatialSystem

FORMULAS = ["y ~ p + W(y) + a", "p ~ y + W(p) + b + W(b)"]


# ---- reading
@pytest.mark.evidence("open_panel", kind="identity", source="the table that was written, in four layouts")
@pytest.mark.parametrize("layout", ["one", "years", "folders", "mixed"])
def test_times_are_found_in_files_of_any_layout(tmp_path: Path, layout: str) -> None:
    frame, _ = system_data(n=7, t=4)
    panel = open_panel_of(frame, tmp_path, layout)
    assert list(panel.times) == [2000, 2001, 2002, 2003]
    assert (panel.n_rows, panel.n_units, list(panel.columns)) == (28, 7, ["y", "p", "a", "b"])
    whole = frame.set_index(["city", "year"])
    units = pd.Index(frame["city"].unique()[::-1])
    for year in panel.times:
        expected = whole.xs(year, level="year").loc[units, ["a", "y"]]
        assert np.array_equal(panel.period(year, ["a", "y"], units), expected)
    again = panel.read(["y"], times=[2001, 2003])
    assert np.array_equal(again.frame["y"], whole.loc[again.frame.index, "y"])


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    frame, _ = system_data(n=7, t=4)
    with pytest.raises(DataError, match=r"needs a folder with \.parquet files"):
        sp.open_panel(tmp_path, unit="city", time="year")
    with pytest.raises(DataError, match="path of a folder; got int"):
        sp.open_panel(5, unit="city", time="year")
    with pytest.raises(DataError, match="time is the name of a column; got None"):
        sp.open_panel(tmp_path, unit="city", time=None)
    panel = open_panel_of(frame, tmp_path, "years")
    with pytest.raises(DataError, match=r"has no column 'ciy' for unit=.*city"):
        sp.open_panel(tmp_path, unit="ciy", time="year")
    with pytest.raises(AlignmentError, match="elsewhere"):
        panel.period(2000, ["y"], pd.Index([*frame["city"].unique()[1:], "elsewhere"]))
    with pytest.raises(DataError, match="no year 1999"):
        panel.read(["y"], times=[1999])
    with pytest.raises(DataError, match="no column 'z'"):
        panel.read(["z"])
    twice = pd.concat([frame, frame.iloc[:1]])
    with pytest.raises(DataError, match=r"at year 2000 must have unique ids.*'c000'"):
        open_panel_of(twice, tmp_path / "twice", "one").period(2000, ["y"], pd.Index(frame["city"].unique()))
    frame.rename(columns={"a": "A"}).to_parquet(tmp_path / "z.parquet")
    with pytest.raises(DataError, match=r"Files differ in their columns: .*z\.parquet.*'A', 'a'"):
        sp.open_panel(tmp_path, unit="city", time="year")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "x.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="no Parquet file"):
        sp.open_panel(tmp_path / "text", unit="city", time="year")


def test_functions_that_need_the_whole_say_how_large_it_is(tmp_path: Path) -> None:
    frame, W = system_data(n=7, t=4)
    panel = open_panel_of(frame, tmp_path, "years")
    with pytest.raises(DataError, match=r"needs the panel in memory.*28 rows, 224 bytes for each of its 4"):
        sp.moran_panel(panel, "y", W)
    with pytest.raises(DataError, match=r"needs.* memory: panel\.read"):
        sp.models.fixed_effects("y ~ a", panel)
    system = SpatialSystem("y ~ W(y) + a", panel, W, effects="unit")
    with pytest.raises(DataError, match=r"system\.identification needs the panel in memory"):
        system.identification()
    with pytest.raises(DataError, match=r'its rows when it is made: SpatialSystem\(.*where="level'):
        system.where("a > 0")
    fit = system.fit()
    with pytest.raises(DataError, match=r"fit\.residuals needs the panel in memory"):
        fit.residuals  # noqa: B018
    assert not hasattr(fit, "other")


def test_a_row_group_with_several_times_is_read_for_its_times(tmp_path: Path) -> None:
    frame, _ = system_data(n=6, t=3)
    pq.write_table(
        pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "x.parquet", row_group_size=6
    )
    panel = sp.open_panel(tmp_path, unit="city", time="year")
    assert [len(panel.pieces[t][0][1]) for t in panel.times] == [3, 3, 3]  # sorted by city, not by year
    by_year = frame.sort_values("year")
    pq.write_table(
        pa.Table.from_pandas(by_year, preserve_index=False), tmp_path / "x.parquet", row_group_size=6
    )
    panel = sp.open_panel(tmp_path, unit="city", time="year")
    assert [panel.pieces[t][0][1] for t in panel.times] == [(0,), (1,), (2,)]


def test_lags_of_a_panel_on_disk_are_written_beside_its_columns(tmp_path: Path) -> None:
    frame, W = system_data(n=9, t=3)
    panel = open_panel_of(frame.assign(land="x"), tmp_path / "in", "years")
    whole = sp.spatial_lag(sp.Panel.from_frame(frame, unit="city", time="year"), ["a", "y"], W)
    for threads in (1, 2):
        found = sp.spatial_lag(panel, ["a", "y"], W, folder=tmp_path / f"out{threads}", executor=threads)
        assert list(found.columns) == ["y", "p", "a", "b", "land", "W_a", "W_y"]
        read = found.read().frame
        assert read[["W_a", "W_y", "p"]].equals(whole.frame.loc[read.index, ["W_a", "W_y", "p"]])
    for options, text in (
        ({}, "say where, folder="),
        ({"folder": tmp_path / "in"}, "must be new or empty"),
        ({"folder": tmp_path / "c", "name": "{column}"}, "there already: 'a'"),
    ):
        with pytest.raises(DataError, match=text):
            sp.spatial_lag(panel, "a", W, **options)
    with pytest.raises(DataError, match="folder is for a panel of open_panel"):
        sp.spatial_lag(frame, "a", W, folder=tmp_path / "d")


# ---- the same numbers
CASES: dict[str, dict[str, Any]] = {
    "two-way, errors, clustered": {"effects": ("unit", "time"), "error": "W", "cov": "cluster"},
    "units, errors, homoskedastic": {"effects": "unit", "error": "W", "cov": "hom"},
    "times, errors, by cell": {"effects": "time", "error": {"y": "W"}, "cov": "het"},
    "two error matrices": {"effects": "unit", "error": {"y": "W", "p": "V"}, "cov": "cluster"},
    "no effects": {"effects": (), "error": "W", "cov": "cluster"},
    "one by one": {"effects": ("unit", "time"), "error": "W", "cov": "cluster", "method": "gs2sls"},
    "without errors": {"effects": ("unit", "time"), "cov": "het", "method": "3sls"},
    "passes": {"effects": ("unit", "time"), "error": "W", "cov": "hom", "passes": 3},
    "a time lag": {
        "effects": ("unit", "time"),
        "error": "W",
        "formulas": ["y ~ p + W(y) + lag(a, 1)", "p ~ y + b"],
    },
    "products and logs": {"effects": "unit", "formulas": "y ~ W(y) + exp(a) + a:b + W(b)", "cov": "het"},
    "more instruments": {
        "effects": "unit",
        "formulas": "y ~ W(y) + a",
        "instruments": "b",
        "iv_order": 1,
    },
}


@pytest.mark.evidence("open_panel", kind="identity", source="the fits of the same panel in memory")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:Weak identification")
def test_sums_over_periods_give_the_numbers_of_memory(tmp_path: Path, case: str) -> None:
    options = dict(CASES[case])
    frame, W = system_data(n=60, t=6)
    weights = {"W": W, "V": sp.weights.Weights.from_sparse(W.sparse @ W.sparse - _own(W), W.ids)}
    formulas = options.pop("formulas", FORMULAS)
    asked = {k: options.pop(k) for k in ("method", "cov", "passes") if k in options}
    asked = {"method": "gs3sls", "cov": "cluster", **asked}
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    expected = SpatialSystem(formulas, panel, weights, **options).fit(**asked)
    system = SpatialSystem(formulas, open_panel_of(frame, tmp_path, "years"), weights, **options)
    found = system.fit(**asked)
    one, two = found.tidy(), expected.tidy()
    assert one[["equation", "term"]].equals(two[["equation", "term"]])
    assert np.allclose(one["estimate"], two["estimate"], rtol=1e-10, atol=1e-11)
    assert np.allclose(one["std_error"], two["std_error"], rtol=1e-9)
    assert np.allclose(one["p_value"], two["p_value"], rtol=1e-6, atol=1e-12)
    assert set(found.instruments) == set(expected.instruments)
    assert found.n_effective == expected.n_effective
    assert np.allclose(found.r_squared_within, expected.r_squared_within, rtol=1e-9)
    assert found.digits > 10


def _own(W: Any) -> Any:
    import scipy.sparse as sparse

    square = W.sparse @ W.sparse
    return sparse.diags_array(square.diagonal())


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_impacts_of_a_large_fit_are_those_in_memory(tmp_path: Path) -> None:
    frame, W = system_data(n=60, t=6)
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    options = {"effects": ("unit", "time")}
    expected = SpatialSystem(FORMULAS, panel, W, **options).fit("3sls").impacts(draws=50)
    found = SpatialSystem(FORMULAS, open_panel_of(frame, tmp_path, "one"), W, **options).fit("3sls")
    pd.testing.assert_frame_equal(found.impacts(draws=50).tidy(), expected.tidy(), rtol=1e-7)
    assert "left out" in found.summary()
    assert list(found.glance()["n_obs"]) == [360]
    assert "3sls: y, p; N = 60, T = 6" in repr(found)


def test_levels_far_from_zero_cost_no_digits(tmp_path: Path) -> None:
    """A million added to each column of a unit is taken out by its effect."""
    frame, W = system_data(n=60, t=6)
    options = {"effects": ("unit", "time"), "error": "W"}
    plain = SpatialSystem(FORMULAS, open_panel_of(frame, tmp_path / "a", "one"), W, **options).fit()
    height = pd.Series(1e6 * np.random.default_rng(1).uniform(size=60), index=W.ids)
    moved = frame.assign(**{c: frame[c] + frame["city"].map(height) for c in ("y", "p", "a", "b")})
    found = SpatialSystem(FORMULAS, open_panel_of(moved, tmp_path / "b", "one"), W, **options).fit()
    assert np.allclose(found.delta, plain.delta, rtol=1e-7)  # the data themselves keep ten digits
    assert found.digits > plain.digits - 1


def test_any_number_of_threads_gives_the_same_bits(tmp_path: Path) -> None:
    frame, W = system_data(n=60, t=6)
    system = SpatialSystem(
        FORMULAS, open_panel_of(frame, tmp_path, "years"), W, effects=("unit", "time"), error="W"
    )
    one = system.fit(executor=1)
    for threads in (2, 7):
        other = system.fit(executor=threads)
        assert np.array_equal(other.delta, one.delta)
        assert np.array_equal(other.inference.cov, one.inference.cov)


def test_what_is_left_out_of_disks_is_said(tmp_path: Path) -> None:
    frame, W = system_data(n=20, t=4)
    panel = open_panel_of(frame, tmp_path, "years")
    for options, text in (
        ({"unbalanced": "drop"}, "unbalanced is 'raise', 'balance' or 'induced'; got 'drop'"),
        ({"lags": "within"}, r"lags='within', and unbalanced= with where=, need it in memory"),
        ({"where": "a > 0"}, "differs between 2000 and 2001 in 'c0"),
        ({"where": "year > 2010"}, "No row meets year > 2010"),
        ({"where": "year > 1990"}, "Every one of the 80 rows"),
        ({"iv_order": 9}, "from 0 to 6"),
        ({"effects": "a"}, "'unit' and 'time'"),
    ):
        with pytest.raises((DataError, FormulaError), match=text):
            SpatialSystem("y ~ W(y) + a", panel, W, **options)
    with pytest.raises(DataError, match="column of 0 and 1 for each level"):
        SpatialSystem("y ~ W(y) + C(a)", panel, W)
    system = SpatialSystem("y ~ W(y) + a", panel, W, effects="unit")
    assert repr(system) == "<LargeSystem y: N = 20, T = 4, effects unit>"
    for asked, text in (
        ({"method": "ml"}, "needs it in memory: panel.read"),
        ({"where": "a > 0", "iv": "best"}, "'where', 'iv' needs it in memory: panel.read"),
        ({"cov": sp.models.Conley(100)}, "'cluster' .by unit., 'hom' or 'het'"),
        ({"passes": -1}, "whole number"),
        ({"executor": 0}, "1 or more"),
    ):
        with pytest.raises(DataError, match=text):
            system.fit(**asked)
    with pytest.raises(NotIdentifiedError):
        SpatialSystem(["y ~ p + a", "p ~ y + a"], panel, W, effects="unit").fit()


def test_cells_that_are_missing_or_absorbed_are_named(tmp_path: Path) -> None:
    frame, W = system_data(n=20, t=4)
    hole = frame.copy()
    hole.loc[hole.index[5], "a"] = np.nan
    unit, year = hole.loc[hole.index[5], ["city", "year"]]
    system = SpatialSystem("y ~ W(y) + a", open_panel_of(hole, tmp_path / "a", "years"), W, effects="unit")
    with pytest.raises(DataError, match=re.escape(f"a is not at year {year} in 1 units: {unit!r}")):
        system.fit()
    fixed = frame.assign(a=frame.groupby("city")["a"].transform("first"))
    system = SpatialSystem("y ~ W(b) + a", open_panel_of(fixed, tmp_path / "b", "years"), W, effects="unit")
    with pytest.raises(DataError, match="leave nothing of 'a'"):
        system.fit()
    twins = frame.assign(c=frame["a"] + 1e-5 * frame["b"])
    system = SpatialSystem(
        "y ~ W(y) + a + c", open_panel_of(twins, tmp_path / "c", "years"), W, effects="unit"
    )
    with pytest.raises(DataError, match="digits of the instruments; 8 are needed"):
        system.fit()
    gaps = frame[frame["year"] != 2001]
    with pytest.raises(DataError, match="gaps before 2002"):
        SpatialSystem("y ~ W(y) + lag(a, 1)", open_panel_of(gaps, tmp_path / "d", "one"), W)
