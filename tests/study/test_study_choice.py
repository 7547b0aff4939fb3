"""Calendars of policies, maximum likelihood, random effects and the choice between models in a study."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_cases import STUDY, lay_out, run

import spatial as sp
from spatial.study.run import StudyError, check_study, explain_study
from spatial.study.schema import data as schema
from spatial.study.schema.questions import Select

HEAD = STUDY[: STUDY.index("[[diagnostics]]")]
CHOICE = """
[data.policies.law]
file = "law.csv"
unit = "city"
start = "since"
[terms]
X = ["x", "z"]
[systems]
ml = { formulas = ["ly ~ W(ly) + X"], effects = ["unit", "time"], method = "ml", impacts = false }
re = { like = "ml", effects = "random", impacts = false, diagnostics = false, zh = "随机效应" }
[did.effect]
outcome = "q"
cohort = "law"
method = "twfe"
controls = ["x"]
compare = ["stacked", "gardner"]
[select.which]
formula = "ly ~ X"
weights = "W"
[tables]
s = { kind = "select", of = "which", formats = ["md", "csv"] }
d = { kind = "did", of = ["effect"], formats = ["md"] }
"""


def test_the_keys_are_the_arguments_of_their_functions() -> None:
    keys = set(Select.model_fields) - {"name", "en", "zh"}
    assert keys == set(inspect.signature(sp.models.select).parameters) - {"panel"}
    calendar = set(inspect.signature(sp.read_calendar).parameters)
    assert (set(schema.Policy.model_fields) - {"file"}) | {"source", "panel"} == calendar


def laid_out(folder: Path, calendar: dict[str, list[object]], text: str = CHOICE) -> Path:
    path = lay_out(folder, HEAD + text)
    pd.DataFrame(calendar).to_csv(folder / "law.csv", index=False)
    return path


@pytest.mark.evidence("read_calendar", source="the calendar written by hand", kind="hand")
@pytest.mark.filterwarnings("ignore")
def test_each_is_its_function(tmp_path: Path) -> None:
    path = laid_out(tmp_path, {"city": ["c03", "c05", "c07", "c20"], "since": [2003, 2003, 2002, 2002]})
    out, record, _ = run(path)
    assert record["failed"] == {}
    cities = sp.read_cities(tmp_path / "map.gpkg", id="code")
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    panel = panel.with_columns(ly=np.log(panel["y"]))
    calendar = sp.read_calendar(tmp_path / "law.csv", panel, unit="city", start="since")
    assert calendar[["c03", "c04", "c20"]].tolist() == [2003, 0, 2002]
    W = sp.weights.from_spec(cities, "rook").row_standardized()
    written = {
        "ml": sp.models.SpatialSystem("ly ~ W(ly) + x + z", panel, W, effects=("unit", "time")).fit("ml"),
        "re": sp.models.SpatialSystem("ly ~ W(ly) + x + z", panel, W, effects="random").fit("ml"),
        "effect": sp.models.did(panel, "q", calendar, method="twfe", controls=["x"]),
    }
    for name, fit in written.items():
        found = pd.read_csv(out / "tables" / f"{name}_estimates.csv", encoding="utf-8-sig")
        found = found[found["fit"].isin([name])] if "fit" in found else found
        np.testing.assert_allclose(found["estimate"], fit.tidy()["estimate"], rtol=1e-8)
        np.testing.assert_allclose(found["std_error"], fit.tidy()["std_error"], rtol=1e-6)
    # A method of compare that takes no controls is said below the table; the others stand.
    policies = (out / "tables" / "d.md").read_text(encoding="utf-8")
    assert "effect.gardner" in policies
    assert "Standard errors: clustered by unit; 95% intervals." in policies
    assert "effect.stacked: StackedDiD of diff-diff cannot be computed here" in policies
    choice = sp.models.select("ly ~ x + z", panel, {"W": W})
    found = pd.read_csv(out / "tables" / "s.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(found["statistic"], choice.tidy()["statistic"], rtol=1e-8)
    script = explain_study(path)
    compile(script, "script", "exec")
    assert 'sp.read_calendar("law.csv", panel, unit="city", start="since").to_frame("law")' in script
    assert 'effects="random"' in script
    words = explain_study(path, "zh")
    assert "极大似然" in words
    assert "个体随机效应，标准误：信息矩阵" in words


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ({"city": ["c03", "c03"], "since": [2002, 2003]}, "two starts of 'c03'"),
        ({"city": ["x99"], "since": [2002]}, "units that the panel does not have: 'x99'"),
        ({"city": ["c03"], "since": [1999]}, r"no times of the panel \(2001 to 2004\): \('c03', 1999\)"),
        ({"city": ["c03"], "sicne": [2002]}, r"no column 'since'\. Did you mean 'sicne'"),
    ],
)
def test_calendars_that_cannot_be(tmp_path: Path, calendar: dict[str, list[object]], message: str) -> None:
    with pytest.raises(StudyError, match=f"policies.law: .*{message}"):
        check_study(laid_out(tmp_path, calendar))


def test_a_calendar_may_not_replace_a_column(tmp_path: Path) -> None:
    text = CHOICE.replace("policies.law", "policies.x").replace('cohort = "law"', 'cohort = "x"')
    with pytest.raises(StudyError, match="the panel has a column of that name"):
        check_study(laid_out(tmp_path, {"city": ["c03"], "since": [2002]}, text))
