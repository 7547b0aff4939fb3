"""check_table: what a table cannot be, ours or typed from a paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_fits import forced_fit, plain_fit, system_fit
from scipy import stats

from spatial.errors import DataError
from spatial.tables.printed.checking import check_table
from spatial.tables.regression import regression_table

# Bai et al., Table 2: a1, a2, a3 of resilience; b1, b2, b3 of producer services.  As published.
BAI = {
    "equation": ["ER", "ER", "ER", "PSS", "PSS", "PSS"],
    "term": ["W.ER", "PSS", "W.PSS", "W.PSS", "ER", "W.ER"],
    "coefficient": ["0.653", "0.439", "-0.378", "1.351", "9.304", "-6.852"],
}


def checks(table: Any, **options: Any) -> list[tuple[str, str]]:
    found = check_table(table, **options)
    return list(zip(found["check"], found["severity"], strict=True))


def one(**columns: Any) -> dict[str, Any]:
    return {"equation": ["y"], "term": ["x"], **{k: [v] for k, v in columns.items()}}


# ---- the published system
@pytest.mark.evidence("check_table", source="Bai, Table 2: what its coefficients imply", kind="hand")
def test_the_published_system_has_no_stable_equilibrium() -> None:
    found = check_table(BAI)
    assert set(found["check"]) == {"equilibrium"}
    assert set(found["severity"]) == {"error"}
    words = " ".join(found["words"])
    assert "det(I - B) = -3.084" in words
    assert "eigenvalue| of B = 2.021" in words
    assert "PSS on ER: slope 0.439, equilibrium multiplier -0.2248: the conclusion reverses" in words
    assert "ER on PSS: slope 9.304, equilibrium multiplier -9.036" in words
    assert set(found["where"]) == {"ER, PSS"}


@pytest.mark.parametrize("lag", ["W({})", "W_{}", "W×{}", "W*{}", "W · {}", "Wd.{}"])
def test_lags_are_recognised_however_they_are_written(lag: str) -> None:
    terms = [lag.format(t[2:]) if t.startswith("W.") else t for t in BAI["term"]]
    pd.testing.assert_frame_equal(check_table({**BAI, "term": terms}), check_table(BAI))


def test_other_names_are_no_lags() -> None:
    terms = [f"road.{t[2:]}" if t.startswith("W.") else t for t in BAI["term"]]
    only = check_table({"equation": ["ER", "PSS"], "term": ["PSS", "ER"], "coefficient": ["0.439", "9.304"]})
    pd.testing.assert_frame_equal(check_table({**BAI, "term": terms}), only)


def test_matrices_say_the_same() -> None:
    B, Lambda = [[0, 0.439], [9.304, 0]], [[0.653, -0.378], [-6.852, 1.351]]
    expected = check_table(BAI)["words"].str.replace("PSS", "y2").str.replace("ER", "y1")
    assert check_table({"B": B, "Lambda": Lambda})["words"].tolist() == expected.tolist()
    pd.testing.assert_frame_equal(check_table(BAI, B=B, Lambda=Lambda), check_table(BAI))


def test_a_stable_system_is_clean() -> None:
    stable = {**BAI, "coefficient": ["0.3", "0.2", "-0.1", "0.2", "0.3", "0.1"]}
    assert check_table(stable).empty
    assert check_table({"Lambda": [[0.5]]}).empty
    assert checks({"Lambda": [[1.2]]})[0] == ("equilibrium", "error")


def test_systems_of_different_columns_are_kept_apart() -> None:
    both = pd.concat([pd.DataFrame({**BAI, "model": "a"}), pd.DataFrame({**BAI, "model": "b"})])
    assert len(check_table(both)) == 2 * len(check_table(BAI))


# ---- coefficients
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"coefficient": "0.653***", "t": "(12.11)"}, []),
        ({"coefficient": "-0.378", "t": "0.50", "stars": ""}, [("sign", "error")]),
        ({"coefficient": "0.000", "t": "-0.02"}, []),  # rounded to zero: no sign to see
        ({"coefficient": "0.10", "std_error": "-0.05"}, [("sign", "error")]),
        ({"coefficient": "0.10", "t": "2.00", "std_error": "0.05"}, []),
        ({"coefficient": "0.10", "t": "1.50", "std_error": "0.05"}, [("t = b / se", "error")]),
        ({"coefficient": "0.1", "t": "1.75", "std_error": "0.05"}, []),  # 0.05..0.15 / 0.05
        ({"coefficient": "0.100***", "t": "1.20"}, [("stars", "error")]),
        ({"coefficient": "0.100*", "t": "3.20"}, [("stars", "error")]),
        ({"coefficient": "0.100", "t": "3.20", "stars": 0}, [("stars", "error")]),
        ({"coefficient": "0.100", "t": "3.20"}, []),  # no stars in the whole table: nothing to compare
        ({"coefficient": "0.100", "t": "3.20", "stars": 3}, []),
        ({"coefficient": "0.100**", "t": "1.96"}, []),  # 1.955 to 1.965: on the threshold
        ({"coefficient": "0.100*", "t": "1.98"}, [("stars", "warning")]),  # few degrees of freedom
        ({"coefficient": "0.100*", "t": "1.98", "df": 30}, []),
        ({"coefficient": "0.100**", "t": "1.98", "df": 30}, [("stars", "error")]),
        ({"coefficient": "0.100**", "t": "9.00", "p_value": 0.02}, []),
        ({"coefficient": "0.100****", "t": "9.00"}, [("stars", "error")]),
        ({"coefficient": "0.100**", "std_error": "0.01"}, [("stars", "error")]),
        ({"coefficient": "0.100***", "std_error": "0.010"}, []),
        ({"coefficient": "0.100**", "t": float("nan")}, []),
        ({"coefficient": "0.001***", "std_error": "0.000"}, []),  # the error was rounded away
    ],
)
def test_one_coefficient(columns: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert checks(one(**columns)) == expected


def test_words_say_what_was_read() -> None:
    found = check_table(one(coefficient="0.100***", t="1.20"))["words"][0]
    assert found == "|t| = 1.2 gives 0 stars at 10%, 5%, 1%; the table has 3."
    found = check_table(one(coefficient="0.100*", t="1.98"))["words"][0]
    assert found.endswith("It would be right with few degrees of freedom.")
    found = check_table(one(coefficient="-0.378", t="0.50"))["words"][0]
    assert found == "The coefficient is -0.378 and its t is 0.5: they must have one sign."


def test_other_thresholds() -> None:
    table = one(coefficient="0.1**", t="2.80")
    assert checks(table) == [("stars", "error")]
    assert checks(table, stars=(0.05, 0.01, 0.001)) == []
    assert checks(table, stars=()) == []


# ---- columns
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"N": 2892, "units": 241, "years": 12}, []),
        ({"N": 241, "units": 241, "years": 12}, [("N", "error")]),
        ({"N": 3000, "units": 241, "years": 12}, [("N", "error")]),
        ({"N": "2,800", "units": 241, "years": 12}, [("N", "warning")]),
        ({"N": 10.5}, [("N", "error")]),
        ({"r2": "1.02"}, [("R2", "error")]),
        ({"r2": "-0.12"}, [("R2", "warning")]),
        ({"r2": "1.00"}, []),
    ],
)
def test_one_column(columns: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert checks({k: [v] for k, v in columns.items()}) == expected
    repeated = pd.DataFrame(
        {
            **{k: [v] * 3 for k, v in columns.items()},
            "equation": "y",
            "term": list("abc"),
            "coefficient": "0.1",
        }
    )
    assert checks(repeated) == expected  # once, though it stands in each row


def test_observations_that_count_units_are_named() -> None:
    words = check_table({"N": [241], "units": [241], "years": [12]})["words"][0]
    assert words == "N is 241, and 241 units x 12 years are 2892: N counts the units, not the observations."


# ---- tables of ours
def test_our_tables_are_clean() -> None:
    for show in ("t", "se"):
        for digits in (2, 3, 6):
            table = regression_table([plain_fit(), system_fit()], show=show, digits=digits)  # type: ignore[arg-type]
            assert check_table(table).empty
    few = regression_table(plain_fit(), stars=(0.05, 0.01, 0.001))
    assert check_table(few).empty


def test_our_unstable_system_is_found() -> None:
    found = check_table(regression_table(forced_fit()))
    assert forced_fit().stability().stable == found.empty


def test_a_change_in_our_table_is_found() -> None:
    from dataclasses import replace

    table = regression_table(plain_fit())
    printed = table.printed.copy()
    printed.loc[0, "coefficient"] = f"-{printed.loc[0, 'coefficient']}"
    found = check_table(replace(table, printed=printed))
    assert found["check"].tolist() == ["sign"]
    assert found["term"].tolist() == [printed.loc[0, "term"]]


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 3)), min_size=1, max_size=6),
    st.integers(2, 4),
    st.sampled_from(["t", "std_error"]),
)
def test_rounded_numbers_never_contradict_themselves(
    pairs: list[tuple[float, float]], digits: int, shown: str
) -> None:
    rows = []
    for b, se in pairs:
        p = 2 * stats.norm.sf(abs(b / se))
        value = b / se if shown == "t" else se
        stars = "*" * sum(p < level for level in (0.1, 0.05, 0.01))
        rows.append({"term": "x", "coefficient": f"{b:.{digits}f}{stars}", shown: f"({value:.{digits}f})"})
    assert check_table(pd.DataFrame(rows)).empty


def test_rows_may_come_in_any_order() -> None:
    typed = pd.DataFrame(
        {**BAI, "t": ["12.1", "-2.0", "3.0", "1.0", "2.0", "-1.0"], "N": 241, "units": 241, "years": 12}
    )
    first = check_table(typed).sort_values(["where", "term", "check", "words"], ignore_index=True)
    second = check_table(typed.sample(frac=1, random_state=3))
    second = second.sort_values(["where", "term", "check", "words"], ignore_index=True)
    found = second[second["check"] != "equilibrium"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, first[first["check"] != "equilibrium"].reset_index(drop=True))


# ---- messages
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, r"takes a RegressionTable, or a DataFrame or dict.*got int\."),
        ({"coef": [1], "star_s": [1]}, r"does not know the column 'star_s'\. Did you mean 'stars'\?"),
        ({"coef": [1], "b": [1]}, r"Several columns stand for 'coefficient'; keep one\."),
        ({"term": ["x"]}, r"needs a column 'coefficient', or one of 'N' and 'r2'; got term\."),
        ({"coefficient": [1, 2], "t": [1]}, r"same length; got \{'coefficient': 2, 't': 1\}"),
        ({"coefficient": ["abc"]}, r"coefficient of row 1 is a number as printed.*got 'abc'"),
        ({"coefficient": [1], "stars": ["x"]}, r"stars of row 1 are '', '\*'.*got 'x'"),
        ({"B": [[1, 2]]}, r"B is a square table of finite numbers"),
        ({"B": [["a"]]}, r"B is a square table of finite numbers"),
        ({"Lambda": [[np.nan]]}, r"Lambda is a square table of finite numbers"),
        ({"B": [[0.0]], "Lambda": np.zeros((2, 2))}, r"same shape; got \(1, 1\) and \(2, 2\)\."),
    ],
)
def test_messages(table: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_table(table)


def test_thresholds_that_cannot_be() -> None:
    with pytest.raises(DataError, match=r"stars are p-value thresholds between 0 and 1"):
        check_table(one(coefficient="1"), stars=(10,))


# ---- what printed moments rule out
ER = [1.972, 3.387, -19.857, 18.868]
PSD = [2.230, 0.227, 1.206, 2.706]


def test_an_error_below_what_the_moments_allow() -> None:
    """Bai's Table 3: -0.234 with t = -4.11 at N = 241 needs .057; his Table 1 allows no less than .96."""
    typed = {"equation": "ER", "term": ["PSD"], "coefficient": ["-0.234***"], "t": ["-4.110"], "N": 241}
    (row,) = check_table({**typed, "r2": "0.001"}, moments={"ER": ER, "PSD": PSD}).to_dict("records")
    assert (row["check"], row["severity"]) == ("error and moments", "warning")
    assert "at most 0.057" in row["words"]
    assert "= 0.96 (" in row["words"]


def test_errors_of_real_regressions_are_above_the_floor() -> None:
    """Least squares with and without another regressor, 300 draws: the rule never fires."""
    rng = np.random.default_rng(11)
    for _ in range(300):
        x, z, e = rng.normal(size=(3, 60))
        x = x + rng.normal() * z
        y = rng.normal() * x + rng.normal() * z + e
        X = np.column_stack([np.ones(60), x, z])
        b = np.linalg.lstsq(X, y, rcond=None)[0]
        u = y - X @ b
        se = np.sqrt(u @ u / 57 * np.linalg.inv(X.T @ X)[1, 1])
        r2 = 1 - u @ u / ((y - y.mean()) ** 2).sum()
        moments = {
            n: [f"{f(v):.3f}" for f in (np.mean, np.std, np.min, np.max)] for n, v in (("y", y), ("x", x))
        }
        typed = {
            "equation": "y",
            "term": ["x"],
            "coefficient": [f"{b[1]:.3f}"],
            "std_error": f"{se:.3f}",
            "N": 60,
        }
        assert check_table({**typed, "r2": f"{r2:.3f}"}, moments=moments).empty


def test_a_winsorised_maximum_and_a_largest_quotient_that_cannot_be() -> None:
    """Sun's Vag: 1 % of the cells at 6.1919 make sd at least .555, printed .533; Bai's PSS has .098."""
    vag = {"Vag": [0.6454, 0.533, 0.0, 6.1919]}
    (row,) = check_table({"coefficient": []}, moments=vag, winsorized=0.01).to_dict("records")
    assert (row["term"], row["check"], row["severity"]) == ("Vag", "winsorised", "error")
    assert "= 0.555; printed 0.533" in row["words"]
    assert check_table({"coefficient": []}, moments=vag, winsorized=0.001).empty
    pss = {"PSS": [2.724, 3.883, 0.098, 38.390]}
    found = check_table({"coefficient": []}, moments=pss, largest=["PSS"])
    assert found["check"].tolist() == ["largest quotient"]
    assert check_table({"coefficient": []}, moments={"PSS": [2.7, 3.9, 1.0, 38.4]}, largest=["PSS"]).empty


def test_moments_of_no_variable() -> None:
    found = check_table({"coefficient": []}, moments={"a": [5.0, 1.0, 0.0, 4.0], "b": [0.5, 0.9, 0.0, 1.0]})
    assert found[["term", "check"]].to_numpy().tolist() == [["a", "mean"], ["b", "sd"]]
    winsorised = np.clip(np.random.default_rng(0).normal(size=4000), -2.33, 2.33)
    moments = [f"{f(winsorised):.3f}" for f in (np.mean, np.std, np.min, np.max)]
    assert check_table({"coefficient": []}, moments={"x": moments}, winsorized=0.0099).empty


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"moments": [1]}, "moments is a mapping"),
        ({"moments": {"x": [1, 2]}}, r"moments of x are four numbers.*got \[1, 2\]"),
        ({"moments": {"x": [1, -2, 0, 3]}}, "sd is not negative"),
        ({"winsorized": 1.0, "moments": {}}, "winsorized is the share in each tail"),
        ({"moments": {"Vag": [1, 1, 0, 2]}, "largest": ["Vgg"]}, r"no moments of 'Vgg'\. Did you mean 'Vag'"),
    ],
)
def test_moments_that_cannot_be_read(options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_table({"coefficient": []}, **options)
