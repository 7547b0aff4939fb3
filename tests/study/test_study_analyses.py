"""Groups, mechanisms, moderations and heterogeneity in a study: each its function with its arguments."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_cases import STUDY, lay_out, run

import spatial as sp
from spatial.study.calls import public
from spatial.study.run import StudyError, check_study, explain_study
from spatial.study.schema.analyses import Analysis, Heterogeneity, Mechanism, Moderation

HEAD = STUDY[: STUDY.index("[[diagnostics]]")]
# section: function, what of it comes from the fit or the study
FUNCTIONS: dict[type[Analysis], tuple[str, set[str]]] = {
    Mechanism: ("models.mechanism", {"formula", "panel", "seed", "effects", "cov", "where", "lags"}),
    Moderation: ("models.moderation", {"model", "method", "cov"}),
    Heterogeneity: ("models.heterogeneity", {"model", "method", "cov", "seed"}),
}


@pytest.mark.parametrize("section", FUNCTIONS)
def test_the_keys_of_an_analysis_are_the_arguments_of_its_function(section: type[Analysis]) -> None:
    function, given = FUNCTIONS[section]
    keys = set(section.model_fields) - {"name", "en", "zh", "of"}
    assert keys | given == set(inspect.signature(public(function)).parameters)
    assert not keys & given


ANALYSES = """
[groups]
high_z = { column = "z", split = "median", of = "unit" }
[regressions]
base = { formula = "q ~ x + z", weights = [] }
parts = { like = "base", by = "high_z" }
[mechanisms.channel]
of = "base"
treatment = "x"
mediators = ["ly"]
[moderations.bound]
of = "base"
treatment = "x"
by = ["z"]
[heterogeneity.who]
of = "base"
by = ["high_z"]
terms = ["x"]
test = ["wald", "permutation"]
permutations = 99
[tables]
m = { kind = "mechanism", of = ["channel"], formats = ["md", "csv"] }
b = { kind = "moderation", of = ["bound"], formats = ["csv"] }
h = { kind = "heterogeneity", of = ["who"], formats = ["csv"] }
"""


@pytest.mark.filterwarnings("ignore")
def test_each_analysis_is_that_of_its_function(tmp_path: Path) -> None:
    path = lay_out(tmp_path, HEAD + ANALYSES)
    only = ["regressions", "mechanisms", "moderations", "heterogeneity", "tables"]
    out, record, _ = run(path, only=only)
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    panel = panel.with_columns(ly=np.log(panel["y"]))
    panel = panel.with_columns(high_z=sp.group(panel["z"], split="median", of="unit"))
    base = sp.models.fixed_effects("q ~ x + z", panel)
    expected = {
        "channel": sp.models.mechanism("q ~ x + z", panel, "x", ["ly"], seed=7),
        "bound": sp.models.moderation(base, "x", ["z"]),
        "who": sp.models.heterogeneity(
            base, ["high_z"], terms=["x"], test=["wald", "permutation"], permutations=99, seed=7
        ),
    }
    for name, result in expected.items():
        found = pd.read_csv(out / "tables" / f"{name}_analysis.csv", encoding="utf-8-sig")
        np.testing.assert_allclose(found["estimate"], result.tidy()["estimate"].astype(float), rtol=1e-8)
    parts = pd.read_csv(out / "tables" / "parts_estimates.csv", encoding="utf-8-sig")
    assert parts["fit"].unique().tolist() == ["parts.low", "parts.high"]
    low = sp.models.fixed_effects("q ~ x + z", panel, where="high_z == 'low'")
    np.testing.assert_allclose(parts.iloc[:2]["estimate"], low.tidy()["estimate"], rtol=1e-9)
    assert {p.name for p in (out / "tables").glob("[mbh].*")} == {"m.md", "m.csv", "b.csv", "h.csv"}
    script = explain_study(path)
    compile(script, "script", "exec")
    assert "channel = sp.models.mechanism(" in script
    assert 'sp.group(panel["z"], split="median", of="unit")' in script


def test_analyses_that_cannot_be_say_so_before_anything_runs(tmp_path: Path) -> None:
    text = """
[groups]
x = { column = "z" }
g = { column = "zz" }
[regressions]
base = { formula = "q ~ x" }
[mechanisms.m]
of = "bas"
treatment = "x"
mediators = ["lyy"]
[heterogeneity.h]
of = "base"
by = ["regoin"]
[tables]
t = { kind = "mechanism", of = ["n"] }
"""
    with pytest.raises(StudyError) as caught:
        check_study(lay_out(tmp_path, HEAD + text))
    found = {p.place: p.message for p in caught.value.problems}
    expected = {
        "groups.x": "is the name of a column",
        "groups.g.column": "no column 'zz'",
        "mechanisms.m.of": "Did you mean 'base'?",
        "mechanisms.m.mediators[0]": "no column 'lyy'",
        "heterogeneity.h.by[0]": "no column 'regoin'",
        "tables.t.of[0]": "there are no mechanisms 'n'",
    }
    for where, message in expected.items():
        assert message in found.pop(where), where
    assert not found
