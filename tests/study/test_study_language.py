"""The study language: two spellings of named parts, lists of terms, copies, swaps, meant refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from study_cases import STUDY, lay_out, run

import spatial as sp
from spatial.study.calls import Ref, call, method, written
from spatial.study.fits.formulas import expanded, swapped
from spatial.study.reading import read_sections
from spatial.study.run import StudyError, check_study, json_schema
from spatial.study.schema.study import NAMED, Study

HEAD = STUDY[: STUDY.index("[[diagnostics]]")]


def problems(folder: Path, text: str) -> dict[str, str]:
    path = lay_out(folder, HEAD + text)
    with pytest.raises(StudyError) as caught:
        check_study(path)
    found = {p.place: p.message for p in caught.value.problems}
    assert len(found) == len(caught.value.problems)
    return found


def estimates(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}_estimates.csv", encoding="utf-8-sig")


# ---- two spellings
LISTS = """
[[regressions]]
name = "a"
formula = "ly ~ x + z"
[[tables]]
kind = "regression"
name = "表1"
fits = ["a"]
"""
KEYED = """
[regressions]
a = { formula = "ly ~ x + z" }
[tables]
"表1" = { kind = "regression", fits = ["a"] }
"""


def test_named_parts_have_two_spellings_and_one_meaning(tmp_path: Path) -> None:
    one, two = (
        check_study(lay_out(tmp_path / name, HEAD + text))
        for name, text in zip("ab", (LISTS, KEYED), strict=True)
    )
    assert one == two
    assert two.tables[0].name == "表1"


def test_a_regression_table_chooses_its_rows_counts_and_heads(tmp_path: Path) -> None:
    text = '[terms]\nX = ["z"]\n[regressions]\na = { formula = "ly ~ x + X", constant = "first" }\n'
    text += 'b = { formula = "ly ~ x + X", constant = "none" }\n[tables]\nt = { kind = "regression", '
    text += 'fits = ["a", "b"], rows = ["Intercept", "X"], counts = ["rows"], '
    text += 'heads = [["Both", 2]], formats = ["md"] }\n'
    out, record, _ = run(lay_out(tmp_path, HEAD + text))
    assert record["failed"] == {}
    shown = (out / "tables" / "t.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines() if "|" in line]
    assert [line[1] for line in lines[2:8:2]].count("") == 0
    labels = [line[0] for line in lines]
    assert [labels[2], labels[4].lower()] == ["Constant", "z"]
    assert "Both" in lines[0][1]
    assert "Observations" in labels
    assert "Units N" not in labels
    with pytest.raises(
        sp.SpatialError, match=r"tables\.t\.heads\[0\]: a head is a text and a number of columns"
    ):
        check_study(lay_out(tmp_path / "heads", HEAD + text.replace('["Both", 2]', '["Both"]')))
    constant = lines[labels.index("Constant")]
    assert constant[1] != ""
    assert constant[2] == ""  # constant = "none"


@pytest.mark.filterwarnings("ignore")
def test_chinese_tables_have_no_english_sentences(tmp_path: Path) -> None:
    """Random effects, information matrices, changes of variants, reasons of checks, refusals."""
    text = """
[systems]
m = { formulas = ["ly ~ W(ly) + x + z"], effects = ["unit"], method = "mess" }
r = { formulas = ["ly ~ W(ly) + x + z"], effects = "random", method = "ml" }
e = { formulas = ["ly ~ W(ly) + x + z"], effects = ["unit"], method = "ml", cov = "expected" }
no = { formulas = ["ly ~ q + x", "q ~ ly + x"], weights = [], expect = "refusal" }
[regressions]
b = { formula = "ly ~ x + z" }
[robustness.rob]
of = "b"
terms = ["x"]
variants.a = { cov = "het", add = ["x*z"], effects = ["unit"] }
variants.o = { outcome = "q" }
variants.w = { where = "year >= 2002 and x is not missing", swap = { x = "z" } }
[mechanisms.m2]
of = "b"
treatment = "x"
mediators = ["q"]
style = "product"
bootstrap = 9
[printed.p]
source = "P"
N = 10
columns = ["fit", "term", "coefficient", "t"]
rows = [["b", "x", "1.2***", "-4.0"], ["b", "z", "0.5***", "1.0"]]
moments = { z = ["0", "9", "-1", "1"] }
[tables]
t = { kind = "regression", fits = ["m", "r", "e", "no"], formats = ["md"] }
u = { kind = "robustness", of = ["rob"], formats = ["md"] }
c = { kind = "check", of = ["p"], formats = ["md"] }
p = { kind = "mechanism", of = ["m2"], formats = ["md"] }
i = { kind = "identification", system = "no", formats = ["md"] }
"""
    out, record, _ = run(lay_out(tmp_path, 'language = "zh"\n' + HEAD + text))
    assert record["failed"] == {}
    shown = {name: (out / "tables" / f"{name}.md").read_text(encoding="utf-8") for name in "tucpi"}
    for words in ("个体随机效应 |  | 是 |", "观测信息矩阵", "期望信息矩阵", "个方程中有 2 个不能由", "矩阵"):
        assert words in shown["t"], words
    assert "a：加入 x*z，固定效应为 个体，标准误改为 异方差稳健。" in shown["u"].replace("\\", "")
    assert "o：被解释变量改为 q。" in shown["u"]
    assert "w：以 z 代替 x，样本为 year ≥ 2002 且 x 非缺失。" in shown["u"].replace("\\", "")
    assert "加入中介变量 | 产出对数" in shown["p"]
    assert "经由 q 的间接效应" in shown["p"]
    assert "本方程的变量也都在其他方程中" in shown["i"]
    for words in (
        "符号 | 错误 | 系数为 1.2，t 值为 -4：两者应当同号。",
        "应有 0 颗星；表中有 3 颗",
        "标准差至多为",
    ):
        assert words in shown["c"], words
    for name, page in shown.items():
        assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", page.replace("fit(force=True)", "")), (name, page)


def test_places_are_as_in_the_file(tmp_path: Path) -> None:
    wrong = KEYED.replace('["a"]', '["aa"]').replace("formula = ", 'efects = ["unit"], formula = ')
    found = problems(tmp_path, wrong + '[figures.f]\nkind = "values"\ncolumn = "lx"\n')
    assert set(found) == {'tables."表1".fits[0]', "regressions.a.efects", "figures.f.column"}
    assert "Did you mean 'effects'?" in found["regressions.a.efects"]


def test_the_json_schema_knows_both_spellings() -> None:
    schema = json_schema()
    for section in NAMED:
        both = schema["properties"][section]["anyOf"]
        assert [part["type"] for part in both] == ["array", "object"]
    tables = schema["properties"]["tables"]["anyOf"][1]["additionalProperties"]
    kinds = set(tables["properties"]["kind"]["enum"])
    assert kinds >= {"regression", "descriptive", "moran", "measures", "index"}
    assert len(tables["allOf"]) == len(kinds)
    by_name = schema["$defs"]["RegressionByName"]
    assert "name" not in by_name.get("required", [])


# ---- lists of terms
def test_a_list_of_terms_stands_for_its_sum(tmp_path: Path) -> None:
    text = """
[terms]
X = ["x", "log(y)"]
[regressions]
listed = { formula = "q ~ X + W(X)" }
written = { formula = "q ~ x + log(y) + W(x) + W(log(y))" }
[tables]
t = { kind = "regression", fits = ["listed"], controls = ["W(X)"], formats = ["md"] }
"""
    out, _, _ = run(lay_out(tmp_path, HEAD + text), only=["regressions", "tables"])
    pd.testing.assert_frame_equal(estimates(out, "listed"), estimates(out, "written"))
    shown = (out / "tables" / "t.md").read_text(encoding="utf-8")
    assert "W×x" not in shown
    assert "Controls" in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ log(X)", "inside log( ) name one column"),
        ("X ~ z", "an outcome is one column"),
        ("y ~ I(X + 1)", "inside I( ) name one column"),
    ],
)
def test_a_list_of_terms_where_it_cannot_stand(text: str, message: str) -> None:
    with pytest.raises(sp.FormulaError) as caught:
        expanded(text, {"X": ["a", "b"]}, ["W"])
    assert message in str(caught.value)


def test_lists_of_terms_that_cannot_be(tmp_path: Path) -> None:
    text = """
[terms]
x = ["z"]
W = ["z"]
log = ["z"]
A = ["z", "B"]
B = ["zz"]
C1 = ["+"]
"""
    found = problems(tmp_path, text)
    assert "is a column too" in found["terms.x"]
    assert "is the name of weights too" in found["terms.W"]
    assert "not a name that can be" in found["terms.log"]
    assert "a list of terms inside a list" in found["terms.A[1]"]
    assert "no column 'zz'" in found["terms.B[0]"]
    assert "ends where a column" in found["terms.C1[0]"]


def test_swaps_change_whole_names_only() -> None:
    assert swapped("y ~ x + x2 + W(x) + log(x)", {"x": "z"}) == "y ~ z + x2 + W(z) + log(z)"
    assert swapped("y ~ x", {"x": "人均 GDP"}) == "y ~ `人均 GDP`"


# ---- copies
COPIES = """
[terms]
X = ["x"]
[systems.one]
formulas = ["ly ~ W(ly) + X + D(x)"]
weights = ["W", "D"]
effects = ["unit", "time"]
method = "gs2sls"
impacts = false
diagnostics = false
[systems.two]
like = "one"
effects = ["time"]
swap = { x = "z" }
zh = "换列"
[regressions.base]
formula = "ly ~ X"
[regressions.other]
like = "base"
cov = "het"
"""


@pytest.mark.filterwarnings("ignore:Weak identification", "ignore:.* instruments for an effective sample")
def test_like_takes_over_what_is_not_given(tmp_path: Path) -> None:
    path = lay_out(tmp_path, HEAD + COPIES)
    out, _, _ = run(path, only=["systems", "regressions"])
    cities = sp.read_cities(tmp_path / "map.gpkg", id="code")
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    panel = panel.with_columns(ly=np.log(panel["y"]))
    W = sp.weights.contiguity(cities, rook=True).row_standardized()
    D = sp.weights.knn(cities, 4).row_standardized()
    formula = "ly ~ W(ly) + z + D(z)"
    fit = sp.models.SpatialSystem([formula], panel, {"W": W, "D": D}, effects=("time",)).fit("gs2sls")
    found = estimates(out, "two")
    np.testing.assert_allclose(found["estimate"], fit.tidy()["estimate"], rtol=1e-9)
    assert found["fit"].unique().tolist() == ["two"]
    het = sp.models.fixed_effects("ly ~ x", panel, cov="het")
    np.testing.assert_allclose(estimates(out, "other")["std_error"], het.tidy()["std_error"], rtol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ('like = "one"', 'like = "on"', "systems.two.like", "Did you mean 'one'?"),
        ('like = "one"', 'like = "base"', "systems.two.like", "like = names one of [[systems]]"),
        ('like = "base"', "", "regressions.other", "formula = ... is needed, or like ="),
        ('formula = "ly ~ X"', 'like = "other"', "regressions.base.like", "base -> other -> base"),
        ('{ x = "z" }', '{ q = "z" }', "systems.two.swap.q", "there is nothing to swap"),
        ('{ x = "z" }', '{ x = "zzz" }', "systems.two.swap.x", "no column 'zzz'"),
    ],
)
def test_copies_that_cannot_be(tmp_path: Path, old: str, new: str, where: str, message: str) -> None:
    assert message in problems(tmp_path, COPIES.replace(old, new))[where]


# ---- refusals that are meant
def test_a_refusal_is_a_result(tmp_path: Path) -> None:
    text = """
[systems.bad]
formulas = ["ly ~ q + x + z", "q ~ ly + x + z"]
expect = "refusal"
[regressions.good]
formula = "ly ~ x"
[tables.both]
kind = "regression"
fits = ["bad", "good"]
formats = ["md", "csv"]
"""
    path = lay_out(tmp_path, HEAD + text)
    out, record, _ = run(path, only=["systems", "regressions", "tables"])
    assert record["failed"] == {}
    said = (out / "tables" / "bad_estimates.txt").read_text(encoding="utf-8")
    assert said.startswith("bad is refused, as meant: ")
    assert "cannot be identified" in (out / "tables" / "both.md").read_text(encoding="utf-8")
    known = (HEAD + text).replace("q + x + z", "q + x").replace("ly + x + z", "ly + z")
    path.write_text(known, encoding="utf-8")
    with pytest.raises(sp.SpatialError, match="bad was to be refused"):
        run(path, only="systems: bad, estimates")


# ---- words
def _places(model: type[BaseModel]) -> list[str]:
    return [key for key in model.model_fields if key not in ("data",)]


@pytest.mark.parametrize("given", [3, "x", [1], {"x": 1}, True, 1.5, [{"x": 1}], ["x"], -1])
def test_no_words_of_the_validator_reach_a_person(given: Any) -> None:
    content: dict[str, Any] = {"data": {"sample": "nc"}}
    parts: dict[str, Any] = {
        "systems": {"formulas": ["y ~ x"]},
        "regressions": {"formula": "y ~ x"},
        "diagnostics": {"columns": ["x"]},
    }
    for key in _places(Study):
        _checked_words({**content, key: given})
    for section, whole in parts.items():
        model = get_args(Study.model_fields[section].annotation)[0]
        for key in model.model_fields:
            _checked_words({**content, section: [{"name": "n", **whole, key: given}]})
    for key in ("cities", "panel", "industries", "join_map", "common", "sample"):
        _checked_words({"data": {"sample": "nc", key: given}})


def _checked_words(content: dict[str, Any]) -> None:
    for fault in read_sections(content).faults:
        text = fault.message.lower()
        for word in ("input should", "instance of", "valid dictionary", "valid string", "pydantic", "union"):
            assert word not in text, (content, fault)


def test_a_section_that_is_no_table_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('[data]\ncities = "map.gpkg"\n', encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        check_study(path)
    found = {p.place: p.message for p in caught.value.problems}
    assert found["data.cities"] == "[data.cities] is a table: file = ..., id = ...; got 'map.gpkg'."


# ---- calls as values
def test_calls_are_written_as_python_that_does_the_same() -> None:
    part = method(call("weights.knn", Ref("cities"), 5), "row_standardized")
    assert written(part, lambda ref: ref.kind) == "sp.weights.knn(cities, 5).row_standardized()"
    long = call("models.fixed_effects", "y ~ x" + " + x" * 40, Ref("panel"), effects=("unit",))
    text = written(long, lambda ref: ref.kind)
    assert text.splitlines()[0] == "sp.models.fixed_effects("
    assert '    effects=("unit",),' in text.splitlines()
    compile(text, "script", "eval")
