"""Fits of a study: rows and groups, Tobit, threshold and policies, each its function with its arguments."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
from study_cases import run, with_columns

import spatial as sp
from spatial.study.calls import public
from spatial.study.run import StudyError, check_study
from spatial.study.schema import models as schema

FUNCTIONS: dict[type[schema.Fit], tuple[str, set[str], dict[str, str]]] = {
    # section: function, arguments that the study fills in itself, keys of another name
    schema.Regression: ("models.fixed_effects", {"panel"}, {}),
    schema.Tobit: ("models.tobit", {"panel"}, {}),
    schema.Threshold: ("models.threshold", {"panel", "seed"}, {}),
    schema.Did: ("models.did", {"panel", "cities", "seed"}, {}),
    schema.System: ("models.SpatialSystem", {"panel"}, {}),
}
STUDY_KEYS = {"name", "en", "zh", "sample", "by", "like", "swap", "expect"}
OF_FIT = {"method", "compare", "cov", "rho_moments", "passes", "iv", "small", "random", "force", "intervals"}
OF_FIT |= {"impacts", "draws", "diagnostics"}
OF_POLICY = {"bacon", "honest", "placebo", "drop_one"}


@pytest.mark.parametrize("section", FUNCTIONS)
def test_the_keys_of_a_fit_are_the_arguments_of_its_function(section: type[schema.Fit]) -> None:
    function, given, _ = FUNCTIONS[section]
    called = public(function)
    called = called.__init__ if isinstance(called, type) else called
    parameters = set(inspect.signature(called).parameters) - {"self"}
    keys = set(section.model_fields) - STUDY_KEYS
    if section is schema.System:
        fit = set(inspect.signature(sp.models.SpatialSystem.fit).parameters)
        assert keys & OF_FIT - {"compare", "impacts", "draws", "diagnostics"} <= fit
        keys -= OF_FIT
    if section is schema.Threshold:
        keys |= {"by"}
    if section is schema.Regression:
        keys |= {"by"}  # a key of every fit of a study, and an argument here
    if section is schema.Tobit:
        keys -= {"compare"}
    if section is schema.Did:
        keys -= OF_POLICY | {"weights", "lags"}
    assert keys | given == parameters


FITS = """
[samples.late]
where = "time >= 2003"
[terms]
X = ["x", "z"]
[regressions]
all = { formula = "q ~ X" }
some = { like = "all", where = "region == 'east'", effects = ["unit"] }
late = { like = "all", sample = "late", zh = "后期" }
parts = { like = "all", by = "region", effects = ["unit"], en = "Region" }
[systems.two]
formulas = ["q ~ W(q) + X"]
weights = ["W"]
effects = ["unit"]
method = "gs2sls"
by = "region"
lags = "within"
impacts = false
[tobits]
cut = { formula = "cut ~ X", weights = [], compare = ["none"], points = 8 }
[thresholds]
step = { formula = "q ~ X", by = "z", term = "x", bootstrap = 9, grid = 20, weights = [] }
[did.policy]
outcome = "q"
cohort = "first"
method = "twfe"
compare = ["callaway-santanna"]
controls = ["X"]
placebo = 20
drop_one = "region"
[tables]
fits = { kind = "regression", fits = ["all", "parts.*", "late", "cut", "cut.none"], formats = ["md", "csv"] }
did = { kind = "did", of = ["policy"], formats = ["md", "csv"] }
placebo = { kind = "placebo", of = ["policy"], formats = ["csv"] }
[figures]
path = { kind = "event_study", of = "policy" }
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_rows_groups_and_each_kind_of_fit(tmp_path: Path) -> None:
    out, record, _ = run(
        with_columns(tmp_path, FITS),
        only=["systems", "regressions", "tobits", "thresholds", "did", "tables", "figures"],
    )
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    cities = sp.read_cities(tmp_path / "map.gpkg", id="code")
    W = sp.weights.contiguity(cities, rook=True).row_standardized()

    def found(name: str) -> pd.DataFrame:
        return pd.read_csv(out / "tables" / f"{name}_estimates.csv", encoding="utf-8-sig")

    def same(frame: pd.DataFrame, fit: Any) -> None:
        np.testing.assert_allclose(frame["estimate"], fit.tidy()["estimate"], rtol=1e-8)
        np.testing.assert_allclose(frame["std_error"], fit.tidy()["std_error"], rtol=1e-8)

    east = {"where": "region == 'east'", "effects": ("unit",)}
    same(found("some"), sp.models.fixed_effects("q ~ x + z", panel, **east))
    same(found("late"), sp.models.fixed_effects("q ~ x + z", panel, where="time >= 2003"))
    parts = found("parts")
    assert parts["fit"].unique().tolist() == ["parts.east", "parts.west"]
    same(parts[parts["fit"] == "parts.east"], sp.models.fixed_effects("q ~ x + z", panel, **east))
    two = found("two")
    system = sp.models.SpatialSystem(["q ~ W(q) + x + z"], panel, {"W": W}, lags="within", **east)
    same(two[two["fit"] == "two.east"], system.fit("gs2sls"))
    cut = found("cut")
    same(cut[cut["fit"] == "cut"], sp.models.tobit("cut ~ x + z", panel, points=8))
    same(cut[cut["fit"] == "cut.none"], sp.models.tobit("cut ~ x + z", panel, effects=None, points=8))
    step = sp.models.threshold("q ~ x + z", panel, "z", term="x", bootstrap=9, grid=20, seed=7)
    same(found("step"), step)
    policy = found("policy")
    did = sp.models.did(panel, "q", "first", method="callaway-santanna", controls=["x", "z"], seed=7)
    same(policy[policy["fit"] == "policy.callaway-santanna"], did)
    assert {p.name for p in (out / "tables").glob("policy_*")} >= {
        "policy_placebo.csv",
        "policy_drop_one.txt",
    }
    shown = (out / "tables" / "fits.md").read_text(encoding="utf-8")
    assert "Region: east" in shown
    assert (out / "figures" / "path.png").exists()
    assert set(pd.read_csv(out / "tables" / "did.csv", encoding="utf-8-sig")["fit"]) == {
        "policy", "policy.callaway-santanna"
    }  # fmt: skip


def test_a_study_says_how_intervals_are_made(tmp_path: Path) -> None:
    text = """
[systems.lag]
formulas = ["q ~ W(q) + x + z"]
weights = ["W"]
effects = ["unit"]
method = "ml"
small = true
intervals = "lr"
diagnostics = false
[tables]
lag = { kind = "regression", fits = ["lag"], formats = ["md"] }
"""
    path = with_columns(tmp_path, text)
    out, record, _ = run(path, only=["systems", "tables"])
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    W = sp.weights.contiguity(sp.read_cities(tmp_path / "map.gpkg", id="code"), rook=True)
    system = sp.models.SpatialSystem("q ~ W(q) + x + z", panel, W.row_standardized(), effects=("unit",))
    fit, ends = system.fit("ml", small=True), ["p_value", "conf_low", "conf_high"]
    found = pd.read_csv(out / "tables" / "lag_estimates.csv", encoding="utf-8-sig")[ends]
    np.testing.assert_allclose(found, fit.confint(method="lr")[ends], rtol=1e-6, atol=1e-9)
    effects = pd.read_csv(out / "tables" / "lag_impacts.csv", encoding="utf-8-sig")[ends]
    np.testing.assert_allclose(effects, fit.impacts().confint(method="lr")[ends], rtol=1e-5, atol=1e-9)
    assert "intervals and stars by likelihood ratios" in (out / "tables" / "lag.md").read_text("utf-8")
    assert 'fit("ml", small=True, intervals="lr")' in sp.explain_study(path).replace("'", '"')
    assert "intervals by likelihood ratios" in sp.explain_study(path, "en")


def test_groups_are_layers_in_the_words_of_readers(tmp_path: Path) -> None:
    text = """
[groups.side]
column = "region"
en = "Side"
labels = { east = { en = "East", zh = "东" }, west = { en = "West", zh = "西" } }
[groups.size]
column = "z"
split = "quantiles"
parts = 3
of = "unit"
[layers.parts]
include = ["groups"]
at = 2002
"""
    path = with_columns(tmp_path, text)
    folder, record, _ = run(path, only="layers")
    assert record["failed"] == {}
    file = folder / "gis" / "parts.gpkg"
    assert {"group_side", "group_size"} <= set(pyogrio.list_layers(file)[:, 0])
    side = pyogrio.read_dataframe(file, layer="group_side").set_index("code")["side"]
    panel = pd.read_csv(tmp_path / "panel.csv").query("year == 2002").set_index("code")
    assert side.to_dict() == panel["region"].map({"east": "East", "west": "West"}).to_dict()
    size = pyogrio.read_dataframe(file, layer="group_size")["size"]
    assert size.value_counts().to_dict() == {"1": 12, "2": 12, "3": 12}
    assert '"group_side": panel.at(2002)["side"].map({"east": "East", "west": "West"})' in sp.explain_study(
        path
    )
    path.write_text(path.read_text("utf-8").replace("title =", 'language = "zh"\ntitle ='), encoding="utf-8")
    run(path, only="layers")
    assert set(pyogrio.read_dataframe(file, layer="group_side")["side"]) == {"东", "西"}


@pytest.mark.filterwarnings("ignore")
def test_what_neighbours_get_of_a_policy_is_a_map_and_a_layer(tmp_path: Path) -> None:
    text = """
[did.policy]
outcome = "q"
cohort = "first"
method = "twfe"
compare = ["gardner"]
exposure = "both"
W = "W"
[figures.sent]
kind = "effects_map"
fit = "policy"
outcome = "q"
term = "D"
[layers.sent]
include = []
effects = [{ fit = "policy", outcome = "q", term = "D", effect = "sent" }]
"""
    path = with_columns(tmp_path, text)
    folder, record, _ = run(path, only=["figures", "layers"])
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    W = sp.weights.contiguity(sp.read_cities(tmp_path / "map.gpkg", id="code"), rook=True).row_standardized()
    fit = sp.models.did(panel, "q", "first", method="twfe", exposure="both", W=W)
    layer = pyogrio.read_dataframe(folder / "gis" / "sent.gpkg", layer="effects").set_index("code")
    expected = fit.impacts().by_unit("q", "D", "sent")
    np.testing.assert_allclose(layer.iloc[:, -2].astype(float), expected[layer.index], rtol=1e-8)
    assert (folder / "figures" / "sent.png").exists()
    assert "policy.impacts()" in sp.explain_study(path)
    path.write_text(path.read_text("utf-8").replace('fit = "policy"', 'fit = "policy.gardner"'), "utf-8")
    with pytest.raises(StudyError, match=r"'policy\.gardner' has no slope of W"):
        check_study(path)


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_first_stages_of_a_regression_and_tables_of_a_sample(tmp_path: Path) -> None:
    text = """
[samples.late]
where = "time >= 2003"
en = "from 2003 on"
[regressions]
iv = { formula = "q ~ x | unit + time | y ~ z" }
plain = { formula = "q ~ x" }
[tables]
first = { kind = "identification", system = "iv", formats = ["md", "csv"] }
late = { kind = "descriptive", columns = ["q", "x"], sample = "late", formats = ["md", "csv"] }
related = { kind = "correlation", columns = ["q", "x"], sample = "late", formats = ["md", "csv"] }
"""
    path = with_columns(tmp_path, text)
    folder, record, _ = run(path, only="tables")
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    fit = sp.models.fixed_effects("q ~ x | unit + time | y ~ z", panel)
    table = sp.identification_table(fit, labels=panel, digits=3)
    shown = (folder / "tables" / "first.md").read_text("utf-8")
    assert all(line in shown for line in table.to_markdown().splitlines() if line.startswith("| "))
    rows = panel.where("time >= 2003")
    late = pd.read_csv(folder / "tables" / "late.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(late["mean"], rows.describe(["q", "x"])["mean"], rtol=1e-8)
    assert "Sample: from 2003 on." in (folder / "tables" / "late.md").read_text("utf-8")
    related = pd.read_csv(folder / "tables" / "related.csv", encoding="utf-8-sig").set_index("column")
    np.testing.assert_allclose(related.loc["q", "x"], rows.frame[["q", "x"]].corr().loc["q", "x"], rtol=1e-8)
    script = "".join(sp.explain_study(path).split())
    assert 'descriptive_table(panel.where("time>=2003"),["q","x"]' in script
    assert "identification_table(iv" in script
    path.write_text(
        path.read_text("utf-8")
        .replace('system = "iv"', 'system = "plain"')
        .replace('e = "late", f', 'e = "lat", f'),
        encoding="utf-8",
    )
    with pytest.raises(StudyError) as caught:
        check_study(path)
    found = {p.place: p.message for p in caught.value.problems}
    assert "'plain' has no endogenous regressor" in found["tables.first.system"]
    assert "Did you mean 'late'?" in found["tables.late.sample"]


def test_fits_that_cannot_be_say_so_before_anything_runs(tmp_path: Path) -> None:
    text = """
[samples.late]
where = "time >= 2003 && x > 0"
[regressions]
a = { formula = "q ~ x", where = "regoin == 'east'" }
b = { formula = "q ~ x", where = "x > 0", sample = "late" }
c = { formula = "q ~ x", sample = "lat" }
d = { formula = "q ~ x", by = "code" }
e = { formula = "q ~ x", by = "region" }
[systems]
lag = { formulas = ["q ~ W(q) + x"], method = "ml", compare = ["gs2sls"], intervals = "lr" }
late = { formulas = ["q ~ W(q) + x"], method = "gs2sls", intervals = "distance" }
[tobits]
t = { formula = "cut ~ x", effects = "unit" }
[did.p]
outcome = "qq"
cohort = "first"
[tables]
x = { kind = "regression", fits = ["e.eastt", "f.*", "e.*"] }
y = { kind = "bacon", of = ["p"] }
z = { kind = "did", of = ["q"] }
"""
    path = with_columns(tmp_path, text)
    with pytest.raises(StudyError) as caught:
        check_study(path)
    found = {p.place: p.message for p in caught.value.problems}
    expected = {
        "samples.late.where": "write 'and'",
        "regressions.a.where": "Did you mean 'region'?",
        "regressions.b": "where = and sample = both choose rows: give one",
        "regressions.c.sample": "no samples 'lat'. Did you mean 'late'?",
        "regressions.d.by": "no column 'code'",
        "systems.lag.compare[0]": "need a likelihood; this fit is by 'gs2sls'",
        "systems.late.intervals": "from the joint estimator; this fit is by 'gs2sls'",
        "tobits.t.effects": "expected 'random', 'correlated' or 'none'",
        "did.p.outcome": "no column 'qq'",
        "tables.x.fits[0]": "Did you mean 'e.east'?",
        "tables.x.fits[1]": "there are no fits 'f.*'",
        "tables.y.of[0]": "did.p has no bacon: give it the key bacon",
        "tables.z.of[0]": "no policies of [did] 'q'",
    }
    for where, message in expected.items():
        assert message in found.pop(where), where
    assert not found
