"""Robustness, tests, sensitivity and draws in a study: each its function, its tables, its figures."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_cases import STUDY, lay_out, run

import spatial as sp
from spatial.models import SystemFit
from spatial.models.mechanisms.asked import KEYS, POLICY_KEYS
from spatial.study.calls import public
from spatial.study.run import StudyError, check_study, explain_study, json_schema, plan_study
from spatial.study.schema import questions as ask
from spatial.study.schema.variants import Robustness, Variant

HEAD = STUDY[: STUDY.index("[[diagnostics]]")]
# What of an argument comes from the study, and keys that are called otherwise.
GIVEN: dict[str, set[str]] = {
    "hausman": {"a", "b", "kind"},
    "mundlak": {"a", "b", "kind"},
    "u_test": {"fit"},
    "vif": {"fit"},
    "wald": {"fit"},
    "serial_correlation": {"fit", "kind"},
    "pesaran_cd": {"fit"},
    "moran_residuals": {"self", "seed"},
    "anderson_rubin": {"self"},
    "lm_spatial": {"self"},
    "oster": {"fit"},
    "plausibly_exogenous": {"fit"},
    "leave_one_out": {"fit"},
}


@pytest.mark.parametrize("kind", GIVEN)
def test_the_keys_of_a_question_are_the_arguments_of_its_function(kind: str) -> None:
    section: Any = {**ask.TESTS, **ask.SENSITIVITY}[kind]
    own = section.function
    function = public(own) if own.startswith("models.") else getattr(SystemFit, own)
    keys = set(section.model_fields) - {"name", "en", "zh", "kind", "fits", "of"}
    keys -= {"form"} if kind in ("serial_correlation", "hausman") else set()
    assert keys | GIVEN[kind] == set(inspect.signature(function).parameters)


def test_the_keys_of_a_variant_are_those_of_the_function() -> None:
    assert set(Variant.model_fields) - set(Variant.own) == {*KEYS, *POLICY_KEYS}
    keys = set(Robustness.model_fields) - {"name", "en", "zh", "of"} - set(Robustness.study_keys)
    assert keys == set(inspect.signature(sp.models.robustness).parameters) - {"model", "method", "cov"}
    draws = set(ask.MonteCarlo.model_fields) - {"name", "en", "zh", "small", "full"}
    not_in_studies = {"sample", "seed", "weights", "executor"}
    assert draws == set(inspect.signature(sp.models.monte_carlo).parameters) - not_in_studies


QUESTIONS = """
[measures]
near = { kind = "market_potential", column = "y", zh = "市场潜能" }
[terms]
more = ["x"]
[samples.late]
where = "year >= 2002"
zh = "后期"
[regressions]
base = { formula = "q ~ near + z", weights = [], zh = "基准" }
unit = { formula = "q ~ near + z", effects = ["unit"] }
random = { formula = "q ~ z", effects = [] }
curved = { formula = "q ~ z + I(z^2)" }
lagged = { formula = "q ~ z + D(z)" }
iv = { formula = "q ~ near | unit + time | z ~ x" }
[robustness.robust]
of = "base"
terms = ["near"]
variants.controls = { add = ["more"], zh = "加控制变量" }
variants.late = { sample = "late" }
variants.trimmed = { winsorize = 0.05, en = "Winsorised" }
variants.plain = { cov = "het" }
each = { "measures.near.power" = [2.0] }
[robustness.reach]
of = "lagged"
each = { "weights.D" = ["knn:2", "knn:6"] }
[tests]
u = { kind = "u_test", fits = ["curved"], term = "z" }
inflation = { kind = "vif", fits = ["base", "curved"] }
serial = { kind = "serial_correlation", fits = ["unit"] }
cd = { kind = "pesaran_cd", fits = ["unit"] }
residual = { kind = "moran_residuals", fits = ["lagged"], weights = "W", permutations = 99 }
mundlak = { kind = "mundlak", fits = ["unit"] }
hausman = { kind = "hausman", fits = ["unit", "random"] }
wald = { kind = "wald", fits = ["base"], hypothesis = "near = z" }
lm = { kind = "lm_spatial", fits = ["lagged"] }
ar = { kind = "anderson_rubin", fits = ["iv"] }
[sensitivity]
unseen = { kind = "oster", of = "base", term = "near" }
almost = { kind = "plausibly_exogenous", of = "iv", term = "z", range = [-0.1, 0.1], steps = 3 }
years = { kind = "leave_one_out", of = "base", term = "near", by = "time" }
[printed.paper]
source = "Somebody (2020), table 2"
N = 241
rows = [["q", "near", "0.439***", "2.707"], ["q", "z", "9.304***", "3.114"], ["z", "q", "0.9", "2.0"]]
moments = { near = [1.0, 2.0, 0.0, 9.0], z = [2.23, 0.227, 1.206, 2.706], q = [0, 3.387, -19, 18] }
largest = ["near"]
[tables]
p = { kind = "regression", fits = ["base"], printed = "paper", formats = ["md", "docx", "xlsx"] }
d = { kind = "descriptive", columns = ["z", "near"], printed = "paper", formats = ["md"] }
k = { kind = "check", of = ["paper"], formats = ["md", "csv"] }
r = { kind = "robustness", of = ["robust"], formats = ["md", "csv"] }
t = { kind = "tests", of = ["u", "serial", "cd", "residual", "lm"], formats = ["csv"] }
s = { kind = "sensitivity", of = ["years"], formats = ["csv"] }
m = { kind = "regression", fits = ["base", "robust.*"], formats = ["md", "csv"] }
n = { kind = "samples", formats = ["md", "csv"] }
[figures]
curve = { kind = "specification_curve", of = "robust" }
sweep = { kind = "sweep", of = "reach", term = "D(z)" }
turning = { kind = "u_test", of = "u" }
left = { kind = "leave_one_out", of = "years" }
gamma = { kind = "plausibly_exogenous", of = "almost" }
"""


def analysis(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "tables" / f"{name}_analysis.csv", encoding="utf-8-sig")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_each_question_is_its_function(tmp_path: Path) -> None:
    path = lay_out(tmp_path, HEAD.replace('title = "A lattice"', 'title = "A"\nlanguage = "zh"') + QUESTIONS)
    out, record, _ = run(path)
    assert record["failed"] == {}
    cities = sp.read_cities(tmp_path / "map.gpkg", id="code")
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    near = {f"near{k or ''}": sp.market_potential(panel[["y"]], cities, power=k or 1.0) for k in (0, 2)}
    panel = panel.with_columns(**{name: found["decayed_y"] for name, found in near.items()})
    base = sp.models.fixed_effects("q ~ near + z", panel)
    assert analysis(out, "wald")["p_value"].item() == pytest.approx(
        sp.models.wald(base, "near = z").p_value, rel=1e-8
    )
    variants = {
        "controls": {"add": ["x"]},
        "late": {"where": "year >= 2002"},
        "trimmed": {"winsorize": 0.05},
        "plain": {"cov": "het"},
        "power = 2.0": {"swap": {"near": "near2"}},
    }
    expected = sp.models.robustness(base, variants).tidy()
    expected = expected[expected["term"].isin(["near"])]
    found = analysis(out, "robust").set_index("variant")
    np.testing.assert_allclose(found.loc[expected["variant"], "estimate"], expected["estimate"], rtol=1e-8)
    moved = sp.models.fixed_effects("q ~ near2 + z", panel).tidy().iloc[0]
    assert pd.read_csv(out / "tables" / "m.csv", encoding="utf-8-sig").query(
        "fit == 'robust.power = 2.0' and term == 'near_power_2_0'"
    )["estimate"].iloc[0] == pytest.approx(moved["estimate"], rel=1e-8)
    W = sp.weights.knn(cities, 6).row_standardized()
    wide = sp.models.fixed_effects("q ~ z + D(z)", panel, weights={"D": W}).tidy().set_index("term")
    reach = analysis(out, "reach").set_index(["variant", "term"])
    assert reach.loc[("knn:6", "D(z)"), "estimate"] == pytest.approx(wide.loc["D(z)", "estimate"], rel=1e-8)
    unit = sp.models.fixed_effects("q ~ near + z", panel, effects=("unit",))
    assert analysis(out, "serial")["statistic"].iloc[0] == pytest.approx(
        sp.models.serial_correlation(unit).statistic, rel=1e-8
    )
    assert analysis(out, "cd")["statistic"].iloc[0] == pytest.approx(sp.models.pesaran_cd(unit).statistic)
    assert analysis(out, "lm")["test"].str.contains("LM").all()
    assert analysis(out, "years")["left_out"].nunique() == 4
    robust = (out / "tables" / "r.md").read_text(encoding="utf-8")
    for word in (
        "基准",
        "加控制变量",
        "Winsorised",
        "市场潜能",
        "观测数",
        "标准误：按个体聚类；95% 置信区间。",
    ):
        assert word in robust, word
    printed = (out / "tables" / "p.md").read_text(encoding="utf-8").splitlines()
    assert printed[0].count("原文") == 2
    near = next(line for line in printed if line.startswith("| 市场潜能"))
    assert [cell.strip() for cell in near.split("|")[3:5]] == ["0.439\\*\\*\\*", ""]
    assert "(2.707)" in printed[printed.index(near) + 1]
    assert any("原文：Somebody (2020), table 2" in line for line in printed)
    assert "| 2.23 | 0.227 | 1.206 | 2.706 |" in (out / "tables" / "d.md").read_text(encoding="utf-8")
    check = pd.read_csv(out / "tables" / "k.csv", encoding="utf-8-sig")
    assert {"largest quotient", "equilibrium"} <= set(check["check"])
    assert check.loc[check["check"] == "equilibrium", "words"].str.contains("det").any()
    table = (out / "tables" / "m.md").read_text(encoding="utf-8")
    assert "加控制变量" in table
    assert "后期" in (out / "tables" / "n.md").read_text(encoding="utf-8")
    assert {p.stem for p in (out / "figures").glob("*.png")} == {"curve", "sweep", "turning", "left", "gamma"}
    words = explain_study(path, "zh")
    for sentence in (
        "robust：base 的 5 个变体。",
        "u：curved 的Lind–Mehlum U 形检验。",
        "years：base 中的 near：逐一剔除 time。",
        "paper：原文数字（Somebody (2020), table 2），并列展示并核对。",
    ):
        assert sentence in words, sentence
    assert "residual: Moran's I of residuals of lagged." in explain_study(path, "en")
    script = explain_study(path)
    compile(script, "script", "exec")
    for line in (
        "robust = sp.models.robustness(",
        'sp.models.u_test(curved, "z")',
        'sp.models.leave_one_out(base, "near", by="time")',
        'sp.figures.decay_plot(reach, term="D(z)"',
        '"power = 2.0": {"swap": {"near": "near_power_2_0"}}',
    ):
        assert line in script.replace("\n", " ").replace("    ", "") or line in script, line


WRONG = """
[regressions]
base = { formula = "q ~ x + z" }
[tobits]
cut = { formula = "q ~ x" }
[robustness.a]
of = "bsae"
variants.v = { add = ["y"] }
[robustness.b]
of = "cut"
variants.v = { add = ["y"] }
[robustness.c]
of = "base"
terms = ["zz"]
variants.nothing = {}
variants.same = { cov = "cluster" }
variants.swapped = { swap = { y = "q" } }
variants.policy = { match = "psm" }
variants.two = { where = "x > 0", sample = "late" }
variants.column = { add = ["nowhere"] }
each = { "weights.Q" = ["knn:3"], "weights.D" = ["kn:3"], "measures.M.power" = [1], banana = [1] }
[robustness.d]
of = "base"
[robustness.e]
of = "base"
combine = "all"
most = 5
each = { cov = ["hom", "het"], winsorize = [0.01, 0.02] }
[tests]
u = { kind = "u_test", fits = ["base"], term = "y" }
[sensitivity]
o = { kind = "oster", of = "cut", term = "x" }
[monte_carlo]
draws = { fits = ["base"] }
[printed.p]
source = "a paper"
rows = [["y", "x", "1.0"]]
[tables]
t = { kind = "tests", of = ["uu"] }
c = { kind = "check", of = ["q"] }
[figures]
f = { kind = "sweep", of = "base" }
g = { kind = "specification_curve", of = "d", printed = "p" }
"""


def test_what_cannot_be_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        check_study(lay_out(tmp_path, HEAD + WRONG))
    found: dict[str, str] = {}
    for problem in caught.value.problems:
        found[problem.place] = found.get(problem.place, "") + problem.message
    expected = {
        "robustness.a.of": "Did you mean 'base'",
        "robustness.b.of": "no fits of systems, regressions, did 'cut'",
        "robustness.c.terms[0]": "no terms 'zz'",
        "robustness.c.variants.nothing": "changes nothing",
        "robustness.c.variants.same.cov": "the same as in 'base'",
        "robustness.c.variants.swapped.swap.y": "'y' is not in the formulas of 'base'",
        "robustness.c.variants.policy.match": "[regressions] has no key 'match'",
        "robustness.c.variants.two.sample": "both choose rows",
        "robustness.c.variants.column.add[0]": "no column 'nowhere'",
        'robustness.c.each."weights.Q"': "no weights by text 'Q'",
        'robustness.c.each."weights.D"[0]': "Did you mean 'knn'",
        'robustness.c.each."measures.M.power"': "no measure 'M'",
        "robustness.c.each.banana": "no key 'banana'",
        "robustness.d": "nothing varies",
        "robustness.e.combine": "8 fits are more than most = 5",
        "tests.u.term": "no terms 'y'",
        "sensitivity.o.of": "no fits of systems, regressions 'cut'",
        "monte_carlo.draws": "draws are of simulated samples",
        "printed.p.rows[0]": "3 cells for 4 columns",
        "tables.t.of[0]": "no tests 'uu'. Did you mean 'u'",
        "tables.c.of[0]": "no printed tables 'q'",
        "figures.f.of": "no robustness 'base'",
        "figures.g.printed": "kind = 'specification_curve' has no 'printed'",
    }
    for place, text in expected.items():
        assert text in found.pop(place, ""), (place, found)
    assert not found
    kinds = '[regressions]\nbase = { formula = "q ~ x" }\n[tests]\n'
    kinds += 'h = { kind = "hausman", fits = ["base"] }\nk = { kind = "utest", fits = ["base"] }\n'
    with pytest.raises(StudyError, match=r"(?s)tests\.h\.fits: at least 2 item.*tests\.k: .*mean 'u_test'"):
        check_study(lay_out(tmp_path / "kinds", HEAD + kinds))


def test_a_quick_run_takes_few_draws_and_says_so(tmp_path: Path) -> None:
    text = '[regressions]\nbase = { formula = "q ~ x + z" }\nother = { like = "base", cov = "het" }\n'
    text += '[tests]\nr = { kind = "moran_residuals", fits = ["other"] }\n'
    text += '[tables]\nt = { kind = "tests", of = ["r"], formats = ["md"] }\n[report]\ncolumns = ["q"]\n'
    path = lay_out(tmp_path, HEAD + text)
    plan = plan_study(path)
    assert plan["state"].eq("to run").all()
    out, record, _ = run(path, quick=True)
    assert record["failed"] == {}
    assert out.name == "results-quick"
    assert record["settings"]["tests"][0]["permutations"] == 99
    assert "Quick run: few permutations" in (out / "tables" / "t.md").read_text(encoding="utf-8")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Quick run: few permutations" in page
    assert "快速运行" in page  # the page is in both languages
    whole, _, _ = run(path)
    assert "Quick run" not in (whole / "report.html").read_text(encoding="utf-8")
    assert whole.name == "results"
    assert "Quick run" not in (whole / "tables" / "t.md").read_text(encoding="utf-8")
    again = plan_study(path).set_index("step")
    assert again["state"].eq("unchanged").all()
    assert (again["seconds"] >= 0).all()


def test_editors_take_variants_by_name_and_as_a_list() -> None:
    found = json_schema()["$defs"]
    for name in ("Robustness", "RobustnessByName"):
        listed, named = found[name]["properties"]["variants"]["anyOf"]
        assert listed["items"] == {"$ref": "#/$defs/Variant"}
        assert named["additionalProperties"] == {"$ref": "#/$defs/VariantByName"}
    assert "name" in found["Variant"]["required"]
    assert "name" not in found["VariantByName"].get("required", [])
