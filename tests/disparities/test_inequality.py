"""Gini, Dagum and Theil: published numbers, by hand on three cities, brute force, identities, messages."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.disparities.inequality import Decomposition, dagum, gini, theil
from spatial.errors import AlignmentError, DataError

THREE = pd.Series({"a": 1.0, "b": 2.0, "c": 6.0}, name="income")

# inequality 1.1, docstrings of inequality.theil.Theil and TheilD: GDP a head of the 32 Mexican states
# (mexico.csv of libpysal), 1940 to 2000, regimes hanson98.
MEXICO_T = [0.20894344, 0.15222451, 0.10472941, 0.10194725, 0.09560113, 0.10511256, 0.10660832]
MEXICO_BETWEEN = [0.0345889, 0.02816853, 0.05260921, 0.05931219, 0.03205257, 0.02963731, 0.03635872]
MEXICO_WITHIN = [0.17435454, 0.12405598, 0.0521202, 0.04263506, 0.06354856, 0.07547525, 0.0702496]
YEARS = range(1940, 2010, 10)


@pytest.fixture(scope="module")
def mexico() -> pd.DataFrame:
    from libpysal.examples import get_path

    return pd.read_csv(get_path("mexico.csv")).set_index("State")


def long(mexico: pd.DataFrame) -> pd.Series:
    wide = mexico[[f"pcgdp{year}" for year in YEARS]].set_axis(list(YEARS), axis=1)
    return wide.rename_axis(columns="year").stack().rename("gdp").astype(float)


# ---- published numbers
@pytest.mark.evidence("theil", digits=6, source="inequality's published values, Mexican states 1940-2000")
def test_theil_of_mexico_is_the_published_one(mexico: pd.DataFrame) -> None:
    found = theil(long(mexico), mexico["hanson98"]).frame  # eight printed digits
    assert found["theil"].tolist() == pytest.approx(MEXICO_T, abs=5e-9)
    assert found["between"].tolist() == pytest.approx(MEXICO_BETWEEN, abs=5e-9)
    assert found["within"].tolist() == pytest.approx(MEXICO_WITHIN, abs=5e-9)


@pytest.mark.evidence("gini", digits=10, source="inequality Gini, Mexican states 1940-2000")
def test_gini_of_mexico_is_that_of_the_inequality_package(mexico: pd.DataFrame) -> None:
    from inequality.gini import Gini

    found = gini(long(mexico))
    expected = [Gini(mexico[f"pcgdp{year}"].to_numpy(float)).g for year in YEARS]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert found.index.tolist() == list(YEARS)


# ---- by hand
def test_gini_by_hand() -> None:
    assert gini(THREE) == pytest.approx(20 / 54)
    # two persons in b: 1, 2, 2, 6: gaps 1, 1, 5, 0, 4, 4 twice over 2 x 16 x 11/4
    assert gini(THREE, weights={"a": 1, "b": 2, "c": 1}) == pytest.approx(30 / 88)
    assert gini([3.0, 3.0, 3.0]) == pytest.approx(0, abs=1e-16)
    assert gini([0.0, 0.0, 5.0]) == pytest.approx(2 / 3)


def test_theil_by_hand() -> None:
    found = theil(THREE, {"a": "west", "b": "west", "c": "east"})
    inside = 1 / 3 * np.log(2 / 3) + 2 / 3 * np.log(4 / 3)
    assert found.frame.loc["all", "within"] == pytest.approx(3 / 9 * inside)
    assert found.frame.loc["all", "between"] == pytest.approx(1 / 3 * np.log(0.5) + 2 / 3 * np.log(2))
    assert found.groups.loc[("all", "west"), "theil"] == pytest.approx(inside)
    assert found.groups.loc[("all", "east"), "theil"] == 0
    whole = sum(v / 9 * np.log(v / 3) for v in (1, 2, 6))
    assert found.frame.loc["all", "theil"] == pytest.approx(whole)


def test_mean_log_deviation_by_hand() -> None:
    found = theil(THREE, {"a": "west", "b": "west", "c": "east"}, kind="L").frame.loc["all"]
    assert found["theil"] == pytest.approx(np.log(3) - np.log(12) / 3)
    assert found["between"] == pytest.approx(2 / 3 * np.log(2) + 1 / 3 * np.log(0.5))


@pytest.mark.evidence("dagum", source="four incomes in two groups", kind="hand")
def test_dagum_by_hand() -> None:
    x = pd.Series({"a": 1.0, "b": 3.0, "c": 2.0, "d": 6.0})
    found = dagum(x, {"a": "west", "b": "west", "c": "east", "d": "east"})
    row = found.frame.loc["all"]
    # between: gaps 1, 5, 1, 3, of which one (3 over 2) is the poorer's: 10/4 over 6, affluence 8/10
    assert found.pairs.loc[("all", "east", "west"), "gini"] == pytest.approx(2.5 / 6)
    assert found.pairs.loc[("all", "east", "west"), "affluence"] == pytest.approx(0.8)
    assert row["within"] == pytest.approx(0.25 * (1 / 2 * 1 / 3 + 1 / 2 * 2 / 3))
    assert row["between"] == pytest.approx(2.5 / 6 * 0.5 * 0.8)
    assert row["transvariation"] == pytest.approx(2.5 / 6 * 0.5 * 0.2)
    assert row["transvariation_share"] == pytest.approx(0.125)
    assert found.groups["gini"].tolist() == pytest.approx([0.25, 0.25])


# ---- brute force
def brute_dagum(x: np.ndarray, g: np.ndarray, w: np.ndarray) -> dict[str, float]:
    """Dagum's definition over all pairs of units."""
    names, total, mass = np.unique(g), w.sum(), (w * x).sum()
    out = {"within": 0.0, "between": 0.0, "transvariation": 0.0}
    for i, j in enumerate(names):
        a, wa = x[g == j], w[g == j]
        for h in names[: i + 1]:
            b, wb = x[g == h], w[g == h]
            ww = np.outer(wa, wb) / (wa.sum() * wb.sum())
            gaps = a[:, None] - b[None, :]
            mean_a, mean_b = np.average(a, weights=wa), np.average(b, weights=wb)
            ratio = (np.abs(gaps) * ww).sum() / (mean_a + mean_b) if mean_a + mean_b > 0 else 0.0
            pj, ph, sj, sh = wa.sum() / total, wb.sum() / total, (wa * a).sum() / mass, (wb * b).sum() / mass
            if j == h:
                out["within"] += ratio * pj * sj
                continue
            up, down = (np.maximum(gaps, 0) * ww).sum(), (np.maximum(-gaps, 0) * ww).sum()
            d, p = (up, down) if mean_a >= mean_b else (down, up)
            affluence = (d - p) / (d + p) if d + p > 0 else 0.0
            share = ratio * (pj * sh + ph * sj)
            out["between"] += share * affluence
            out["transvariation"] += share * (1 - affluence)
    return out


values = st.floats(0.0, 1e5, allow_subnormal=False).map(lambda v: round(v, 3))


@pytest.mark.evidence("dagum", "theil", source="all pairs; the parts sum to the whole", kind="identity")
@given(st.lists(st.tuples(values, st.integers(0, 3), st.integers(1, 9)), min_size=3, max_size=25))
@settings(deadline=None, max_examples=30)
def test_decompositions_add_up_and_equal_brute_force(rows: list[tuple[float, int, int]]) -> None:
    x, g, w = (np.array(c) for c in zip(*[*rows, (5.0, 0, 1), (7.0, 1, 2)], strict=True))
    ids = [f"u{k}" for k in range(len(x))]
    series, groups, weights = pd.Series(x, ids), pd.Series(g, ids), pd.Series(w, ids)
    row = dagum(series, groups, weights=weights).frame.loc["all"]
    parts = row[["within", "between", "transvariation"]]
    assert parts.sum() == pytest.approx(row["gini"], abs=1e-12)
    assert parts.to_dict() == pytest.approx(brute_dagum(x, g, w.astype(float)), abs=1e-11)
    assert 0 <= row["gini"] < 1
    gaps = np.abs(x[:, None] - x[None, :]) * np.outer(w, w)
    assert row["gini"] == pytest.approx(gaps.sum() / (2 * w.sum() * (w * x).sum()), abs=1e-12)
    split = theil(series, groups, weights=weights).frame.loc["all"]
    assert split["within"] + split["between"] == pytest.approx(split["theil"], abs=1e-12)
    assert -1e-12 <= split["theil"] <= np.log(w.sum()) + 1e-12


def test_mean_log_deviation_adds_up(mexico: pd.DataFrame) -> None:
    found = theil(long(mexico), mexico["hanson98"], kind="L").frame
    np.testing.assert_allclose(found["within"] + found["between"], found["theil"], rtol=1e-12)


def test_weights_are_so_many_persons(mexico: pd.DataFrame) -> None:
    x, count = mexico["pcgdp1940"].astype(float), pd.Series(np.arange(32) % 4 + 1, mexico.index)
    rows = np.repeat(np.arange(32), count)
    many = pd.Series(x.to_numpy()[rows])
    region = pd.Series(mexico["hanson98"].to_numpy()[rows])
    assert gini(x, weights=count) == pytest.approx(gini(many))
    for measure in (dagum, theil):
        weighted = measure(x, mexico["hanson98"], weights=count).frame
        pd.testing.assert_frame_equal(weighted, measure(many, region).frame)


# ---- invariances and forms
def test_scale_shift_and_order(mexico: pd.DataFrame) -> None:
    x, groups = long(mexico), mexico["hanson98"]
    rng = np.random.default_rng(0)
    shuffled = x.iloc[rng.permutation(len(x))]
    for measure in (dagum, theil):
        straight = measure(x, groups)
        found = measure(shuffled, groups.sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(found.frame, straight.frame, check_exact=True)
        pd.testing.assert_frame_equal(found.groups, straight.groups, check_exact=True)
        scaled = measure(x * 1e3, groups).frame
        pd.testing.assert_frame_equal(scaled, straight.frame, rtol=1e-11)
    pd.testing.assert_series_equal(gini(shuffled), gini(x), check_exact=True)
    assert (gini(x + 1000) < gini(x)).all()


def test_groups_absent_at_a_time_are_left_out() -> None:
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 1), ("a", 2), ("b", 2), ("c", 2)], names=["u", "t"])
    x = pd.Series([1.0, 3.0, 1.0, 3.0, 8.0], index, name="x")
    found = dagum(x, {"a": "w", "b": "e", "c": "n"})
    assert found.frame.loc[1, "gini"] == pytest.approx(0.25)
    assert ("w" in found.groups.loc[1].index, "n" in found.groups.loc[1].index) == (True, False)
    assert len(found.pairs.loc[1]) == 1
    assert len(found.pairs.loc[2]) == 3
    parts = found.frame[["within", "between", "transvariation"]].sum(axis=1)
    np.testing.assert_allclose(parts, found.frame["gini"], rtol=1e-14)


def test_groups_may_change_over_time() -> None:
    index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["u", "t"])
    x = pd.Series([1.0, 1.0, 2.0, 2.0, 6.0, 6.0], index)
    groups = pd.Series(["w", "w", "w", "e", "e", "e"], index)
    found = theil(x, groups).frame
    assert found.loc[1, "within"] == pytest.approx(
        theil(THREE, {"a": 1, "b": 1, "c": 2}).frame["within"].iloc[0]
    )
    assert found.loc[2, "within"] == pytest.approx(
        theil(THREE, {"a": 1, "b": 2, "c": 2}).frame["within"].iloc[0]
    )


def test_equal_values_have_no_shares() -> None:
    found = dagum(pd.Series([2.0, 2.0, 2.0]), pd.Series(["x", "x", "y"]))
    assert found.frame["gini"].tolist() == [0.0]
    assert found.frame["within_share"].isna().all()


def test_result_forms(mexico: pd.DataFrame) -> None:
    found = dagum(long(mexico), mexico["hanson98"])
    assert isinstance(found, Decomposition)
    tidy = found.tidy()
    assert list(tidy) == ["time", "term", "estimate", "share"]
    assert len(tidy) == 7 * 4
    parts = tidy[tidy["term"] != "gini"].groupby("time")["share"].sum()
    np.testing.assert_allclose(parts, 1, rtol=1e-12)
    assert found.glance()["n_groups"].iloc[0] == 5
    assert found.summary().startswith("gini = within + between + transvariation\n")
    assert str(found) == found.summary()
    assert repr(found).startswith("<Decomposition ")
    axes = found.plot()
    assert len(axes.patches) == 7 * 3


def test_dagum_sorts_rather_than_taking_all_pairs() -> None:
    rng = np.random.default_rng(0)
    x, g = pd.Series(rng.lognormal(size=60_000)), pd.Series(rng.integers(0, 8, 60_000))
    start = time.process_time()
    dagum(x, g)
    assert time.process_time() - start < 2.0  # all pairs are 3.6e9: minutes, and 29 GB


# ---- messages
def refuse(match: str, x: Any, groups: Any = None, kind: type[Exception] = DataError, **options: Any) -> None:
    with pytest.raises(kind, match=match):
        theil(x, groups, **options)


def test_refuses_bad_values_by_name() -> None:
    refuse(r"'income' must be finite; missing or infinite at 'b'. Fill or drop", THREE.replace(2.0, np.nan))
    refuse(r"'income' must be not negative .* it is not at 'c'. Drop these rows", THREE.replace(6.0, -6.0))
    with pytest.raises(DataError, match=r"'income' must be positive .* it is not at 'a'"):
        theil(THREE.replace(1.0, 0.0), kind="L")
    refuse("'income' must hold numbers; it holds", pd.Series(["x", "y"], name="income"))
    refuse("'income' is zero everywhere", THREE * 0)
    pairs = pd.MultiIndex.from_product([["a"], [1, 2]])
    refuse("the variable is zero everywhere at 2", pd.Series([1.0, 0.0], pairs))
    refuse("At least one unit is needed", THREE.iloc[:0])
    refuse("appear more than once: 'a'", THREE.set_axis(["a", "a", "c"]))


@pytest.mark.parametrize("x", ["text", [[1.0, 2.0]], [], None])
def test_refuses_what_is_no_variable(x: Any) -> None:
    with pytest.raises(DataError, match=r"A Series by unit or by .* is needed; got"):
        gini(x)


def test_refuses_groups_and_weights_that_do_not_fit() -> None:
    refuse("groups must name a group for each unit; missing at 'b'", THREE, {"a": 1, "b": None, "c": 2})
    refuse("In the data only: 'c'", THREE, {"a": 1, "b": 1}, AlignmentError)
    refuse("In groups only: 'd'", THREE, dict.fromkeys("abcd", 1), AlignmentError)
    refuse("groups must be a Series .* by id, .* got list", THREE, [1, 1, 2], AlignmentError)
    numbered = THREE.set_axis([1, 2, 3])
    refuse(
        "The ids are str in groups, int in the data",
        numbered,
        {"a": 1, "b": 1, "c": 2},
        AlignmentError,
    )
    refuse("weights must be positive; they are not at 'a'", THREE, weights={"a": 0, "b": 1, "c": 1})
    by_time = pd.Series(1.0, pd.MultiIndex.from_product([["a", "b", "c"], [1]]))
    refuse(r"weights is by \(unit, time\) and the data by unit", THREE, None, AlignmentError, weights=by_time)
    with pytest.raises(DataError, match="needs two groups or more; all units are in 'x'"):
        dagum(THREE, dict.fromkeys("abc", "x"))
    with pytest.raises(DataError, match="kind must be one of 'T', 'L'"):
        theil(THREE, kind="D")  # type: ignore[arg-type]
