"""The numbers of a report as they stand in its file: those of local Moran, to the last bit."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from browser.reports import array, p_values, payload, report_data, unpacked, values_of, write

import spatial as sp
from spatial.errors import DataError
from spatial.report import packing
from spatial.report.findings import findings_of
from spatial.report.payload import build_links


@pytest.mark.evidence("explore", source="local_moran and moran of each time", kind="identity")
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "geoda"])
def test_values_and_p_values_are_those_of_local_moran_to_the_last_bit(
    counties: Any, tmp_path: Path, alternative: Any
) -> None:
    _, panel, W = counties
    options = {"permutations": 199, "seed": 3, "alternative": alternative}
    data = payload(write(counties, tmp_path, ["crmrte", "polpc"], **options))
    at = data["times"].index("1984")
    x = panel.at(1984)["polpc"]
    frame = sp.local_moran(x, W, **options).frame.loc[data["ids"][: data["n"]]]
    assert data["ids"][: data["n"]] == list(W.ids)
    np.testing.assert_array_equal(values_of(data, 1)[at], x.loc[list(W.ids)])
    np.testing.assert_array_equal(p_values(data, 1)[at], frame["p_sim"])
    whole = sp.moran(x, W, **options)
    variable = data["variables"][1]
    assert variable["I"][at] == pytest.approx(whole.I, rel=1e-12)
    assert variable["p"][at] == whole.p_sim
    assert [variable["low"][at], variable["high"][at]] == np.quantile(
        whole.simulated, [0.025, 0.975]
    ).tolist()
    assert data["least"] == whole.smallest_p


def test_numbers_take_four_bytes_only_where_these_hold_them() -> None:
    assert packing.numbers(np.array([0.5, np.nan, 3.0]))[0] == "f4"
    assert packing.numbers(np.array([0.1]))[0] == "f8"
    assert packing.numbers(np.array([1e300]))[0] == "f8"


@pytest.mark.parametrize(("permutations", "kind"), [(99, "u2"), (999, "u2"), (99_999, "u4")])
def test_counters_lose_nothing(permutations: int, kind: str) -> None:
    p = np.append((np.arange(2 * permutations + 1) + 1) / (2 * (permutations + 1)), np.nan)
    packed = packing.counts(p, permutations)
    assert packed[0] == kind
    found = array(packed)
    np.testing.assert_array_equal(found[:-1] / (2 * (permutations + 1)), p[:-1])
    assert found[-1] == np.iinfo(found.dtype).max


def test_varints_come_back() -> None:
    values = np.array([0, -1, 63, 64, -64, -65, 8191, -8192, 2**20, -(2**31)])
    assert unpacked(base64.b64encode(packing.varints(values)).decode()) == values.tolist()


def test_neighbours_are_those_of_the_weights(counties: Any, tmp_path: Path) -> None:
    _, _, W = counties
    data = payload(write(counties, tmp_path, "crmrte"))
    links = data["links"]
    starts, found = array(links["indptr"]), array(links["indices"])
    for i in (0, 17, 89):
        ids = {data["ids"][j] for j in found[starts[i] : starts[i + 1]]}
        assert ids == set(W.ids[W.sparse[[i]].indices])
    np.testing.assert_array_equal(array(links["count"]), W.cardinalities.loc[data["ids"][: data["n"]]])
    assert links["standard"] is True
    assert "lag" not in data["variables"][0]  # the page works it out


@pytest.mark.parametrize("kind", ["binary", "own", "distance", "minmax"])
def test_lags_are_in_the_file_where_the_page_could_not_derive_them(
    grid: Any, tmp_path: Path, kind: str
) -> None:
    cities, panel, W = grid
    binary = sp.weights.contiguity(cities)
    weights = {
        "binary": binary,
        "own": sp.weights.kernel(cities, bandwidth_km=0.0025, own="kernel"),
        "distance": sp.weights.inverse_distance(cities, cutoff_km=0.0025).row_standardized(),
        "minmax": binary.minmax_normalized(),
    }[kind]
    frame = panel.to_frame()
    frame.loc[(frame["city"] == "b") & (frame["year"] == 2000), "x"] = np.nan
    holes = sp.Panel.from_frame(frame, unit="city", time="year")
    data = payload(write((cities, holes, weights), tmp_path))
    # Binary weights are equal within a row; min-max ones too, but they are normalised again without "b".
    assert ("lag" in data["variables"][0]) == (kind != "binary")
    if kind == "binary":
        assert array(data["links"]["weight"]).tolist() == [1.0] * 9
    else:
        x = holes.at(2000)["x"].dropna()
        lag = sp.local_moran(holes.at(2000)["x"], weights, permutations=9, missing="drop").frame["lag"]
        found = array(data["variables"][0]["lag"], (2, 9))[0]
        np.testing.assert_array_equal(found[list(W.ids.get_indexer(x.index))], lag.loc[x.index])


def test_a_value_at_the_mean_has_its_side_in_the_file(grid: Any) -> None:
    cities, _, W = grid
    x = pd.DataFrame({"x": [1.0, 3.0, 2.0, 2.0, 1.0, 3.0, 2.0, 1.0, 3.0]}, index=cities.index)
    data = report_data((cities, x, W))
    frame = sp.local_moran(x["x"], W, permutations=99).frame
    near = {i for i, z in enumerate(frame["z"]) if abs(z) < 1e-9}
    assert near == {2, 3, 6}
    found = {i: code for _, _, i, code in data.sides}
    assert near <= set(found)
    assert all(["HH", "LL", "LH", "HL"][found[i]] == frame["quadrant"].iloc[i] for i in found)


def test_dense_weights_list_the_heaviest_links(china: Any) -> None:
    W = sp.weights.inverse_distance(china).row_standardized()
    links = build_links(W)
    assert set(np.diff(links.indptr)) == {30} == {links.listed}
    assert set(links.count) == {335}
    row = W.sparse[[0]].toarray()[0]
    heaviest = np.sort(row)[-30:].min()
    assert (row[links.indices[:30]] >= heaviest).all()
    assert links.weight is None


def test_shuffling_rows_changes_no_byte(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    first = write(grid, tmp_path).read_bytes()
    order = np.random.default_rng(1).permutation(9)
    frame = panel.to_frame().sample(frac=1.0, random_state=1)
    again = sp.Panel.from_frame(frame, unit="city", time="year")
    assert write((cities.iloc[order], again, W), tmp_path).read_bytes() == first


def test_missing_cells_stay_missing(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    frame = panel.to_frame()
    frame.loc[(frame["city"] == "b") & (frame["year"] == 2000), "x"] = np.nan
    frame = frame[~((frame["city"] == "c") & (frame["year"] == 2001))]
    holes = sp.Panel.from_frame(frame, unit="city", time="year")
    data = payload(write((cities, holes, W), tmp_path))
    values = values_of(data)
    assert np.argwhere(np.isnan(values)).tolist() == [[0, 1], [1, 2]]
    np.testing.assert_array_equal(np.isnan(p_values(data)), np.isnan(values))
    x = frame[frame["year"] == 2000].set_index("city")["x"].dropna()
    left = sp.moran(x, W.subset(x.index).row_standardized(), permutations=99)
    assert data["variables"][0]["I"][0] == pytest.approx(left.I, rel=1e-12)


def test_a_time_that_cannot_be_measured_says_why(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    frame = panel.to_frame()
    frame.loc[frame["year"] == 2000, "x"] = 7.0
    data = payload(write((cities, sp.Panel.from_frame(frame, unit="city", time="year"), W), tmp_path))
    variable = data["variables"][0]
    assert "needs values that vary" in variable["problems"][0]
    assert variable["problems"][1] == ""
    assert variable["I"][0] is None
    assert np.isnan(p_values(data)[0]).all()
    np.testing.assert_array_equal(values_of(data)[0], 7.0)


def test_islands_have_a_value_and_no_p_value(grid: Any) -> None:
    cities, panel, _ = grid
    apart = cities.copy()
    apart.loc["a", "geometry"] = shapely.box(9, 9, 10, 10)
    W = sp.weights.contiguity(apart, islands="keep").row_standardized()
    data = report_data((apart, panel, W))
    assert np.isnan(data.p_sim[0, 0, 0])
    assert not np.isnan(data.values[0, 0, 0])
    said = findings_of(data, 9)[-1]
    assert said.caution
    assert said.key == ("1 unit", "1 个单元")
    assert "without neighbours" in said.sentence[0]


def test_units_of_the_map_without_data_are_in_the_file(nc: Any, nc_crime: Any, tmp_path: Path) -> None:
    sub = nc.loc[nc_crime.units]
    W = sp.weights.contiguity(sub, islands="nearest").row_standardized()
    path = write((nc, nc_crime, W), tmp_path, "crmrte")
    data = payload(path)
    assert (len(data["ids"]), data["n"]) == (100, 90)
    assert set(data["ids"][90:]) == set(nc.index) - set(nc_crime.units)
    assert len(unpacked(data["map"]["rings"][0])) == 100
    page = path.read_text(encoding="utf-8")
    assert "90 of 100 units" in page
    assert "10 units of the map are not in the data" in page


def test_logs_are_shown_in_units(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    logs = panel.with_columns(lx=np.log(panel.frame["x"] + 1)).with_labels({"lx": "Income (log)"})
    data = payload(write((cities, logs, W), tmp_path, "lx", logs="lx"))
    variable = data["variables"][0]
    assert variable["label_shown"] == ["Income", "Income"]
    np.testing.assert_array_equal(values_of(data)[0], np.log(panel.at(2000)["x"] + 1))
    assert variable["bounds"][-1] == pytest.approx(panel.frame["x"].max() + 1)
    with pytest.raises(DataError, match="logs must be columns of the report; 'y' are none of"):
        write((cities, logs, W), tmp_path, "lx", logs="y")


def test_cross_section_has_one_time(grid: Any, tmp_path: Path) -> None:
    cities, panel, W = grid
    data = payload(write((cities, panel.at(2000), W), tmp_path))
    assert len(data["times"]) == 1
    assert 'id="time-strip" hidden' in (tmp_path / "r.html").read_text(encoding="utf-8")
    both = payload(write((cities, panel.frame, W), tmp_path))
    assert both["times"] == ["2000", "2001"]
