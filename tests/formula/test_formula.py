"""Formulas: what they mean, and that nothing in them is ever run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import DataError, FormulaError, SpatialError
from spatial.models import SpatialSystem
from spatial.models.formula.grammar import FUNCTIONS, parse_effects, parse_formula, parse_terms
from spatial.models.formula.tokens import canonical, parse_expression, tokens
from spatial.panel.panel import Panel
from spatial.weights import Weights


def names(text: str, weights: tuple[str, ...] = ("W",)) -> list[str]:
    return [term.name for term in parse_formula(text, weights).terms]


# ---- meaning
@pytest.mark.filterwarnings("ignore:Written twice")
@pytest.mark.evidence("models.parse_formula", source="18 formulas and their terms", kind="hand")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ x + z", ["x", "z"]),
        ("y ~ x + x", ["x"]),
        ("y ~ x*z", ["x", "z", "x:z"]),
        ("y ~ x + z:x + x:z", ["x", "z:x"]),
        ("y ~ (a + b):c", ["a:c", "b:c"]),
        ("y ~ W(x1 + x2)", ["W(x1)", "W(x2)"]),
        ("y ~ W(log(x) + x:z)", ["W(log(x))", "W(x:z)"]),
        ("y ~ W( x )", ["W( x )"]),
        ("y ~ lag(y, 1) + W(lag(y, 2))", ["lag(y, 1)", "W(lag(y, 2))"]),
        ("y ~ lag(x)", ["lag(x, 1)"]),
        ("y ~ lag(a + b, 2)", ["lag(a, 2)", "lag(b, 2)"]),
        ("y ~ I(x**2) + I(x / z)", ["I(x**2)", "I(x / z)"]),
        ("y ~ a + b - a", ["b"]),
        ("log(y) ~ `gross output` + x", ["gross output", "x"]),
        ("产出 ~ 就业 + W(产出)", ["就业", "W(产出)"]),
        ("y ~ -1 + x", ["x"]),
        ("y ~ x - 1", ["x"]),
        ("y ~ x + 0", ["x"]),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_intercept() -> None:
    assert parse_formula("y ~ x").intercept
    assert parse_formula("y ~ 1").intercept
    for text in ("y ~ x - 1", "y ~ 0 + x", "y ~ -1 + x"):
        assert not parse_formula(text).intercept


def test_parts() -> None:
    found = parse_formula("y ~ x | unit + region:time | p ~ z1 + W(z2)", ("W",))
    assert found.effects == (("unit",), ("region", "time"))
    assert [t.name for t in found.endogenous] == ["p"]
    assert [t.name for t in found.instruments] == ["z1", "W(z2)"]
    assert [t.name for t in found.terms] == ["x", "p"]
    assert parse_formula("y ~ x | 0").effects == ()
    assert parse_formula("y ~ x | p ~ z").effects is None
    assert parse_effects(("unit", "region:time")) == (("unit",), ("region", "time"))
    assert [t.name for t in parse_terms("a + log(b)")] == ["a", "log(b)"]


@given(
    st.sampled_from(
        ["x", "log(x)", "x:z", "W(x)", "I(x ** 2)", "lag(x, 2)", "W(lag(x, 1))", "I((x + z) * 2)"]
    )
)
def test_canonical_spelling_reads_back(text: str) -> None:
    node = parse_expression(text, tokens(text))
    again = canonical(node)
    assert canonical(parse_expression(again, tokens(again))) == again


@given(st.text(max_size=30))
def test_any_text_gives_a_formula_or_its_error(text: str) -> None:
    """Any other exception fails this test."""
    try:
        found = parse_formula(text, ("W",))
    except FormulaError:
        return
    assert found.text == text


def test_deep_nesting_is_an_error_of_the_formula() -> None:
    with pytest.raises(FormulaError, match="nested too deeply"):
        parse_formula("y ~ " + "(" * 5000 + "x" + ")" * 5000)


def test_arithmetic_follows_precedence() -> None:
    frame = pd.DataFrame({"y": np.arange(6.0), "x": [1.0, 2, 4, 3, 7, 5], "z": [2.0, 1, 1, 5, 2, 3]})
    for text, expected in {
        "I(x + z * 2 ** 2)": frame.x + frame.z * 4,
        "I(-x ** 2 / z)": -(frame.x**2) / frame.z,
        "I((x - z) > 1)": (frame.x - frame.z > 1).astype(float),
        "log(x * z)": np.log(frame.x * frame.z),
        "sqrt(abs(x - z))": np.sqrt((frame.x - frame.z).abs()),
        "x:z": frame.x * frame.z,
        "I(x ^ 2)": frame.x**2,
        "I(2 ** 3 ** 2 * x)": 512 * frame.x,
    }.items():
        design = SpatialSystem(f"y ~ {text}", frame).design
        np.testing.assert_allclose(design.columns[:, design.regressors[0][1]], expected)


@pytest.mark.evidence("models.evaluate", digits=10, source="numpy's function of that name")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_those_of_numpy(function: str) -> None:
    frame = pd.DataFrame({"y": np.arange(5.0), "x": [0.5, 2, 4, 3, 7]})
    design = SpatialSystem(f"y ~ {function}(x)", frame).design
    np.testing.assert_allclose(design.columns[:, design.regressors[0][1]], getattr(np, function)(frame["x"]))


def test_categories_leave_one_level_out() -> None:
    frame = pd.DataFrame({"y": np.arange(8.0), "r": list("aabbccaa"), "x": np.arange(8.0) ** 2})
    assert [t.name for _, t in SpatialSystem("y ~ C(r)", frame).structure.terms] == [
        "Intercept", "C(r)[T.b]", "C(r)[T.c]",
    ]  # fmt: skip
    assert [t.name for _, t in SpatialSystem("y ~ C(r) - 1", frame).structure.terms] == [
        "C(r)[a]", "C(r)[b]", "C(r)[c]",
    ]  # fmt: skip
    assert [t.name for _, t in SpatialSystem("y ~ C(r):x", frame).structure.terms][1:] == [
        "C(r)[a]:x", "C(r)[b]:x", "C(r)[c]:x",
    ]  # fmt: skip
    with_main = SpatialSystem("y ~ x + C(r):x", frame)
    assert [t.name for _, t in with_main.structure.terms][1:] == ["x", "C(r)[T.b]:x", "C(r)[T.c]:x"]


def test_lag_shifts_within_units() -> None:
    frame = pd.DataFrame({"u": ["a", "a", "a", "b", "b", "b"], "t": [1, 2, 3] * 2, "y": [1.0, 2, 4, 8, 7, 5]})
    frame["x"] = [3.0, 1, 4, 1, 5, 9]
    system = SpatialSystem("y ~ lag(x, 1)", Panel.from_frame(frame, unit="u", time="t"))
    design = system.design
    np.testing.assert_array_equal(design.columns[:, design.regressors[0][1]], [3, 1, 1, 5])
    np.testing.assert_array_equal(design.columns[:, design.outcomes[0]], [2, 7, 4, 5])


def test_uneven_times_have_no_lag() -> None:
    frame = pd.DataFrame(
        {"u": ["a"] * 3 + ["b"] * 3, "t": [1, 2, 4] * 2, "y": np.arange(6.0), "x": np.arange(6.0)}
    )
    with pytest.raises(DataError, match="evenly spaced times; there are gaps before 4"):
        SpatialSystem("y ~ lag(x, 1)", Panel.from_frame(frame, unit="u", time="t"))


# ---- never Python
@pytest.mark.parametrize(
    "text",
    [
        "y ~ __import__('os').system('true')",
        "y ~ os.system",
        "y ~ x.__class__",
        "y ~ (lambda: 1)()",
        "y ~ lambda x: x",
        "y ~ x[0]",
        "y ~ {x}",
        "y ~ f'{x}'",
        'y ~ "x"',
        "y ~ eval(x)",
        "y ~ exec(x)",
        "y ~ open(x)",
        "y ~ getattr(x, z)",
        "y ~ np.log(x)",
        "y ~ log(eval(x))",
        "y ~ I(eval(x))",
        "y ~ log(x)(z)",
        "y ~ x if z else w",
        "y ~ [x for x in z]",
        "y ~ x; z",
        "y ~ x := 1",
        "y ~ @x",
        "y ~ $x",
        "y ~ x and z",
        "y ~ not x",
        "y ~ print(x)",
        "y ~ x\\n",
        "y ~ log(x, out)",
        "y ~ __class__(x)",
        "y ~ C(eval(x))",
        "y ~ W(__import__(x))",
        "y ~ lag(eval(x), 1)",
    ],
)
def test_python_is_refused(text: str) -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3], "x": [1.0, 3, 2], "z": [2.0, 1, 5], "os": 1.0, "w": 2.0})
    with pytest.raises(SpatialError):
        SpatialSystem(text, frame)


# ---- messages point at the place
@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("y ~ x.z", "Attributes are not part of a formula", "."),
        ("y ~ (x", "This '(' is not closed", "("),
        ("y ~ x z", "An operator, such as '+', is needed before 'z'", "z"),
        ("y ~ x +", "The formula ends where", " "),
        ("y ~ logg(x)", "'logg' is not a function of formulas. Did you mean 'log'?", "logg"),
        ("y ~ W(W(x))", "A spatial lag of a spatial lag", "W(x)"),
        ("y ~ lag(W(x), 1)", "write W(lag(x, 1))", "W(x)"),
        ("y ~ lag(lag(x, 1), 1)", "write lag(x, 2)", "lag(x, 1)"),
        ("y ~ x / z", "for arithmetic write I(x / z)", "x / z"),
        ("y ~ x ** 2", "for arithmetic write I(x ** 2)", "x ** 2"),
        ("y ~ 3", "a number is 1 (constant) or 0", "3"),
        ("y ~ lag(x, 0)", "a whole number s >= 1", "lag(x, 0)"),
        ("y ~ lag(x, z)", "a whole number s >= 1", "lag(x, z)"),
        ("y ~ log()", "log() needs an argument", "log()"),
        ("y ~ log(x, z)", "takes one argument", "log(x, z)"),
        ("y ~ I(x:z)", "write a product with '*'", "x:z"),
        ("y ~ C(x + z)", "C( ) takes the name of a column", "C(x + z)"),
        ("y ~ x | a | b", "'| effects' and then '| endog ~ instruments'", "b"),
        ("y ~ x |", "Effects are needed after '|'", " "),
        ("y ~ x | log(z)", "Effects are columns", "log(z)"),
        ("y", "one outcome, '~' and its terms", "y"),
        ("~ x", "one outcome, '~' and its terms", "~ x"),
        ("W(y) ~ x", "The outcome is a column", "W(y)"),
        ("1 ~ x", "The outcome must name a column", "1"),
        ("y ~ ", "A term is needed", " "),
        ("y ~ x - z", "cannot be left out", "z"),
        ("y ~ W(x - z)", "not allowed inside a product or a lag", "x - z"),
        ("y ~ W(x, z)", "takes one argument", "W(x, z)"),
        ("y ~ `x", "A backtick is not closed", "`"),
        ("y ~ x = z", "parted by '~'", "="),
        ("y ~ (x | z)", "'|' is not expected here", "|"),
    ],
)
def test_message_and_place(text: str, message: str, place: str) -> None:
    if text == "y ~ (x | z)":
        message, place = "This '(' is not closed", "("
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, ("W",))
    first, shown, mark = str(caught.value).split("\n")
    assert message in first
    start = mark.index("^")
    assert shown.strip() == text.strip()
    assert shown[start : start + mark.count("^")].strip() == place.strip()


def test_not_a_text() -> None:
    with pytest.raises(FormulaError, match="A formula is a text"):
        parse_formula(3)  # type: ignore[arg-type]


def test_lag_function_without_weights() -> None:
    with pytest.raises(FormulaError, match="No weights were given"):
        parse_formula("y ~ W(x)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ crmte", r"no column 'crmte'. Did you mean 'crmrte'\?\n    y ~ crmte\n        \^\^\^\^\^"),
        ("yy ~ x", "no column 'yy'"),
        ("y ~ x | p ~ z", "no column 'p'"),
        ("y ~ y", "y is the outcome of this equation itself"),
        ("y ~ x | x ~ log(y)", "cannot be an instrument: it is endogenous"),
        ("y ~ 0", "has no terms"),
    ],
)
def test_columns_are_checked(text: str, message: str) -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3], "x": [1.0, 3, 2], "crmrte": 1.0, "z": [1.0, 2, 4]})
    with pytest.raises(FormulaError, match=message):
        SpatialSystem(text, frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ log(x)", r"log\(x\) needs values above 0; it is not defined in 1 cells, of units 'b'"),
        ("y ~ sqrt(z)", r"sqrt\(z\) needs values of 0 or more"),
        ("y ~ I(z / x)", r"z / x needs finite results"),
        ("y ~ name", r"Column 'name' must hold numbers; it is .* write C\(name\)"),
        ("y ~ C(one)", "needs 2 to 500 levels; the column has 1"),
        ("y ~ inf", "inf must be finite; it is infinite at units 'c'"),
        ("y ~ log(C(name))", "cannot be evaluated here"),
    ],
)
def test_values_are_checked(text: str, message: str) -> None:
    frame = pd.DataFrame(
        {
            "y": [1.0, 2, 4],
            "x": [1.0, 0, 2],
            "z": [-1.0, 2, 3],
            "name": list("pqr"),
            "one": 1,
            "inf": [1, 2, np.inf],
        },
        index=list("abc"),
    )
    with pytest.raises(DataError, match=message):
        SpatialSystem(text, frame)


# ---- roles
def roles(formulas: list[str], frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    system = SpatialSystem(formulas, frame)
    return {(e, t.name): t.role for e, t in system.structure.terms}


def test_roles() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 5)), columns=["y", "x", "z", "p", "q"])
    found = roles(["y ~ x + I(x * p) + p", "p ~ z + I(y ** 2) + q | q ~ x + I(z ** 2)"], frame)
    assert found[("y", "x")] == "exogenous"
    assert found[("y", "p")] == "endogenous"
    assert found[("y", "I(x * p)")] == "endogenous"
    assert found[("p", "I(y ** 2)")] == "endogenous"
    assert found[("p", "q")] == "endogenous"
    assert found[("p", "Intercept")] == "constant"


def test_a_declared_product_says_nothing_of_its_factors() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 4)), columns=["y", "x", "z", "q"])
    found = roles(["y ~ x + z + x:z | x:z ~ q"], frame)
    assert found[("y", "x:z")] == "endogenous"
    assert found[("y", "x")] == found[("y", "z")] == "exogenous"


# ---- expressions around spatial lags
def test_lags_inside_products_and_functions() -> None:
    rng = np.random.default_rng(2)
    n = 30
    W = Weights.from_dense(
        np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), 2, axis=1), ids=range(n)
    ).row_standardized()
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["y", "x", "z"])
    frame["r"] = np.arange(n) % 3
    wx = W.sparse @ frame["x"].to_numpy()
    for text, expected in {
        "W(x):z": wx * frame["z"],
        "log(abs(W(x)))": np.log(np.abs(wx)),
        "I(2 * W(x) / z)": 2 * wx / frame["z"],
        "I(-W(x))": -wx,
        "I(W(x) > 0)": (wx > 0).astype(float),
        "W(I(x * z))": W.sparse @ (frame["x"] * frame["z"]).to_numpy(),
        "W(x:z)": W.sparse @ (frame["x"] * frame["z"]).to_numpy(),
        "I(1 + W(x))": 1 + wx,
    }.items():
        design = SpatialSystem(f"y ~ {text}", frame, W).design
        np.testing.assert_allclose(design.columns[:, design.regressors[0][1]], expected)
    spread = SpatialSystem("y ~ W(C(r)) + W(C(r):x)", frame, W)
    names = [t.name for _, t in spread.structure.terms]
    assert names[1:3] == ["W(C(r)[T.1])", "W(C(r)[T.2])"]
    share = W.sparse @ (frame["r"] == 1).to_numpy(dtype=float)
    np.testing.assert_allclose(spread.design.columns[:, spread.design.regressors[0][1]], share)
    with pytest.raises(DataError, match=r"log\(W\(x\)\) is not defined in"):
        SpatialSystem("y ~ log(W(x))", frame, W)
    with pytest.raises(DataError, match="cannot be evaluated"):
        SpatialSystem("y ~ I(W(x) * C(r))", frame, W)


def test_a_product_with_a_lag_of_the_outcome_is_endogenous() -> None:
    n = 30
    W = Weights.from_dense(np.roll(np.eye(n), 1, axis=1), ids=range(n))
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 3)), columns=["y", "x", "z"])
    system = SpatialSystem("y ~ x + W(y):z", frame, W)
    assert [t.role for _, t in system.structure.terms] == ["constant", "exogenous", "endogenous"]


def test_unit_and_time_are_columns_too() -> None:
    frame = pd.DataFrame({"u": ["a", "b", "c"] * 3, "t": np.repeat([1, 2, 3], 3), "y": np.arange(9.0) ** 2})
    panel = Panel.from_frame(frame, unit="u", time="t")
    design = SpatialSystem("y ~ t", panel).design
    np.testing.assert_array_equal(design.columns[:, design.regressors[0][1]], np.repeat([1, 2, 3], 3))
    names = [t.name for _, t in SpatialSystem("y ~ C(u)", panel).structure.terms]
    assert names == ["Intercept", "C(u)[T.b]", "C(u)[T.c]"]


def test_quarters_have_lags() -> None:
    quarters = np.repeat(["2001Q3", "2001Q4", "2002Q1"], 2)
    frame = pd.DataFrame({"u": ["a", "b"] * 3, "t": quarters, "y": [1.0, 5, 2, 7, 9, 3]})
    frame["x"] = [3.0, 1, 4, 1, 5, 9]
    system = SpatialSystem("y ~ lag(x, 1)", Panel.from_frame(frame, unit="u", time="t"))
    assert [str(t) for t in system.design.layout.times] == ["2001Q4", "2002Q1"]


def test_backticks_name_any_column() -> None:
    frame = pd.DataFrame({"gross output": [1.0, 2, 4, 3], "a.b": [2.0, 1, 5, 3]})
    system = SpatialSystem("`gross output` ~ log(`a.b`)", frame)
    assert [(e, t.name) for e, t in system.structure.terms][1] == ("gross output", "log(`a.b`)")


def test_an_empty_panel() -> None:
    empty = Panel.from_frame(pd.DataFrame({"u": [], "t": [], "y": [], "x": []}), unit="u", time="t")
    with pytest.raises(DataError, match="The panel has no rows"):
        SpatialSystem("y ~ x", empty)
