"""Descriptions by group: R's printed tests, tests of unit means, and what is said and refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spatial as sp
from spatial.errors import DataError
from spatial.models.diagnostics.means import compare_means
from spatial.tables.described import descriptive_table
from spatial.tables.differences import grouped

SLEEP = [
    0.7,
    -1.6,
    -0.2,
    -1.2,
    -0.1,
    3.4,
    3.7,
    0.8,
    0.0,
    2.0,
    1.9,
    0.8,
    1.1,
    0.1,
    -0.1,
    4.4,
    5.5,
    1.6,
    4.6,
    3.4,
]
SPRAYS = {
    "A": [10, 7, 20, 14, 14, 12, 10, 23, 17, 20, 14, 13],
    "B": [11, 17, 21, 11, 16, 14, 17, 17, 19, 21, 7, 13],
    "C": [0, 1, 7, 2, 3, 1, 2, 1, 3, 0, 1, 4],
    "D": [3, 5, 12, 6, 4, 3, 5, 5, 5, 5, 2, 4],
    "E": [3, 5, 3, 5, 3, 6, 1, 1, 3, 2, 6, 4],
    "F": [11, 9, 15, 22, 15, 16, 13, 10, 26, 26, 24, 13],
}  # fmt: skip


def drawn(switches: bool = False) -> sp.Panel:
    """Twenty cities by six years: seven treated, errors that stay, and times when the seven are treated."""
    rng = np.random.default_rng(5)
    cells = pd.MultiIndex.from_product([range(20), range(6)], names=["city", "year"]).to_frame(index=False)
    pilot = (cells.city < 7).astype(int)
    x = rng.normal(size=20)[cells.city] + rng.normal(size=120) + 0.5 * pilot
    cells = cells.assign(x=x, pilot=pilot * (cells.year >= 3) if switches else pilot)
    return sp.Panel.from_frame(cells, unit="city", time="year")


def test_the_t_of_two_groups_is_that_which_r_prints() -> None:
    """`t.test(extra ~ group, data = sleep)` of R's help page."""
    data = pd.DataFrame({"extra": SLEEP, "group": np.repeat(["a", "b"], 10)})
    row = grouped(data, "group", data[["extra"]], "welch").frame().iloc[0]
    assert round(row["statistic"], 4) == -1.8608
    assert round(row["df_denominator"], 3) == 17.776
    assert round(row["p_value"], 5) == 0.07939
    assert row["difference"] == pytest.approx(-1.58)
    assert (row["N: a"], row["mean: a"], row["mean: b"]) == (10, pytest.approx(0.75), pytest.approx(2.33))
    assert descriptive_table(data, by="group").frame.iloc[0].tolist()[-2:] == ["-1.580*", "-1.861"]


def test_the_f_of_several_groups_is_that_which_r_prints() -> None:
    """`oneway.test(count ~ spray, data = InsectSprays)` of R's help page."""
    data = pd.DataFrame([(k, v) for k, values in SPRAYS.items() for v in values], columns=["spray", "count"])
    row = grouped(data, "spray", data[["count"]], "cluster").frame().iloc[0]
    assert round(row["statistic"], 3) == 36.065
    assert (row["df"], round(row["df_denominator"], 3)) == (5, 30.043)
    assert row["p_value"] == pytest.approx(7.999e-12, rel=1e-3)


@pytest.mark.evidence("descriptive_table", source="scipy's ttest_ind of the means of units", kind="identity")
def test_errors_by_unit_are_those_of_the_means_of_units() -> None:
    """A balanced panel whose units stay in their group: the test of Welch of one mean a unit."""
    data = drawn()
    row = grouped(data, "pilot", data.frame[["x"]], "cluster").frame().iloc[0]
    means = data.frame.groupby("city").agg({"x": "mean", "pilot": "first"})
    other = stats.ttest_ind(means.x[means.pilot == 1], means.x[means.pilot == 0], equal_var=False)
    assert [row["statistic"], row["df_denominator"], row["p_value"]] == pytest.approx(
        [other.statistic, other.df, other.pvalue], rel=1e-12
    )
    shown = descriptive_table(data, "x", by="pilot")
    assert "errors clustered by unit" in shown.notes[1]
    assert shown.frame.iloc[0, -1] == f"{other.statistic:.3f}"
    by_row = grouped(data, "pilot", data.frame[["x"]], "welch").frame().iloc[0]
    assert by_row["df_denominator"] > row["df_denominator"] + 10
    assert "rows as independent" in descriptive_table(data, "x", by="pilot", cov="welch").notes[1]


def test_units_that_change_their_group_are_a_stratum_of_their_own() -> None:
    data = drawn(switches=True)
    x, d, city = (
        v.to_numpy() for v in (data.frame.x, data.frame.pilot, data.frame.index.get_level_values(0))
    )
    m = np.array([x[d == 0].mean(), x[d == 1].mean()])
    influence = (x - m[d]) * np.where(d == 1, 1 / (d == 1).sum(), -1 / (d == 0).sum())
    by_city = pd.Series(influence).groupby(city).sum().to_numpy()
    parts = [(7 / 6) * (by_city[:7] ** 2).sum(), (13 / 12) * (by_city[7:] ** 2).sum()]
    found = grouped(data, "pilot", data.frame[["x"]], "cluster").frame().iloc[0]
    assert found["std_error"] == pytest.approx(np.sqrt(sum(parts)), rel=1e-12)
    assert found["df_denominator"] == pytest.approx(
        sum(parts) ** 2 / (parts[0] ** 2 / 6 + parts[1] ** 2 / 12)
    )


def test_weights_that_repeat_a_row_give_the_means_of_the_repeated_rows() -> None:
    rng = np.random.default_rng(1)
    x, group, times = rng.normal(size=30), np.arange(30) % 2, rng.integers(1, 4, size=30)
    weighted = compare_means(x, group, np.arange(30), 2, times.astype(float))
    repeated = compare_means(np.repeat(x, times), np.repeat(group, times), np.repeat(np.arange(30), times), 2)
    assert weighted.statistic == pytest.approx(repeated.statistic, rel=1e-12)
    assert weighted.means == pytest.approx(repeated.means, rel=1e-12)


def test_neither_units_nor_order_change_the_test() -> None:
    data = drawn().frame.reset_index()
    plain = grouped(sp.Panel.from_frame(data, unit="city", time="year"), "pilot", data[["x"]], "cluster")
    for scale in (1e-180, 1e180):
        other = sp.Panel.from_frame(data.assign(x=data.x * scale), unit="city", time="year")
        found = grouped(other, "pilot", other.frame[["x"]], "cluster").tests["x"]
        assert found.statistic == pytest.approx(plain.tests["x"].statistic, rel=1e-10)
        assert found.sds == pytest.approx(plain.tests["x"].sds * scale, rel=1e-10)
    shuffled = sp.Panel.from_frame(data.sample(frac=1, random_state=1), unit="city", time="year")
    assert str(descriptive_table(shuffled, "x", by="pilot")) == str(
        descriptive_table(drawn(), "x", by="pilot")
    )


def test_groups_are_named_in_the_words_of_the_reader() -> None:
    data = drawn()
    labels = {"pilot": "试点", "1": "试点城市", "0": "其他城市", "x": "经济韧性"}
    table = descriptive_table(data, "x", by="pilot", labels=labels, lang="zh")
    assert [head.text for head in table.header[0]] == ["", "试点城市", "其他城市", "均值差异检验"]
    assert table.title == "分组描述性统计"
    assert table.notes[1] == "差值 = 试点城市 − 其他城市；t 值：Welch 检验，按个体聚类。"
    assert [head.text for head in descriptive_table(data, "x", by="pilot").header[0]][1] == "pilot = 1"
    assert descriptive_table(data, "x", by="pilot", stars=[]).frame.iloc[0, -2].count("*") == 0
    truth = {"true": "Pilot", "false": "Others"}
    assert [h.text for h in descriptive_table(data, "x", by="pilot", labels=truth).header[0]][1:3] == [
        *truth.values()
    ]
    yes = descriptive_table(data.with_columns(yes=data["pilot"] == 1), "x", by="yes", labels=truth)
    assert [h.text for h in yes.header[0]][1:3] == ["Pilot", "Others"]
    halves = sp.group(data["x"], of="unit")
    assert [h.text for h in descriptive_table(data, "x", by=halves).header[0]][1:3] == ["high", "low"]
    by_unit = pd.Series(["east", "west"] * 10, index=range(20), name="side")
    two = descriptive_table(data, "x", by=by_unit.where(by_unit.index != 3))
    assert "6 rows without a group are left out." in two.notes
    with sp.language("zh"):
        assert "6 个观测值无分组信息" in "".join(descriptive_table(data, "x", by=by_unit.iloc[:19]).notes)


def test_a_group_of_one_unit_has_no_t_and_a_constant_no_test() -> None:
    data = pd.DataFrame({"g": [1, 0, 0, 0], "x": [1.0, 2.0, 3.0, 5.0], "c": 1.0})
    cells = descriptive_table(data, ["x", "c"], by="g").frame
    assert cells.iloc[0].tolist()[-2:] == ["-2.333", ""]
    assert cells.iloc[1].tolist()[-2:] == ["0.000", ""]
    assert descriptive_table(data, by="g").frame.index.tolist() == ["x", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"by": "nothing"},
            "by is a column, or a Series by the rows or the units of the data; got 'nothing'",
        ),
        ({"by": pd.Series([1, 2], index=["a", "a"])}, "labels repeat"),
        ({"by": "constant"}, "by needs two groups to compare, and at most 12; 'constant' has 1"),
        ({"by": "x"}, r"'x' has 120. Make groups of it with group\(\)"),
        ({"by": "pilot", "cov": "het"}, "cov is 'cluster' .by unit., 'cluster:COLUMN' or 'welch'"),
        ({"by": "pilot", "cov": "cluster:province"}, "'cluster:COLUMN'"),
        ({"by": "pilot", "cov": "cluster:holes"}, "Every row needs a cluster; 'holes' is missing at"),
        ({"by": "third"}, "The test of 3 groups needs clusters that stay in one group"),
    ],
)
def test_what_makes_no_groups_is_refused(options: dict[str, object], message: str) -> None:
    data = drawn()
    third = np.arange(120) % 3
    data = data.with_columns(constant=1.0, third=third, holes=np.where(third == 1, np.nan, 1.0))
    with pytest.raises(DataError, match=message):
        descriptive_table(data, "x", **options)  # type: ignore[arg-type]


def test_clusters_may_be_a_column() -> None:
    data = drawn()
    half = data.with_columns(province=data.frame.index.get_level_values(0) // 2)
    table = descriptive_table(half, "x", by="pilot", cov="cluster:province", labels={"province": "Province"})
    assert "errors clustered by Province" in table.notes[1]
