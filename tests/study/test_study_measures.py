"""Measures in a study: each is its function, its keys are that function's arguments, names give the order."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_cases import SMALL, lay_out, run

import spatial as sp
from spatial.study.calls import public
from spatial.study.columns import lines
from spatial.study.run import StudyError, check_study
from spatial.study.schema.measures import MEASURES, MeasureSection
from spatial.study.schema.study import Study

HEAD = SMALL[: SMALL.index("[[cleaning]]")]
WEIGHTS = '[weights.W]\nspec = "rook"\n'


def problems(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        check_study(path)
    return {p.place: p.message for p in caught.value.problems}


def with_industries(folder: Path) -> Path:
    """Lay the small study out with a table of three industries, its years one more than the panel's."""
    path = lay_out(folder, HEAD)
    rng = np.random.default_rng(5)
    panel = pd.read_csv(folder / "panel.csv")
    rows = pd.MultiIndex.from_product([panel["code"].unique(), range(2000, 2005)], names=["code", "year"])
    jobs = pd.DataFrame(rng.uniform(5, 50, (len(rows), 3)), rows, ["B", "制造业", "教育业"]).reset_index()
    jobs.to_csv(folder / "jobs.csv", index=False, encoding="utf-8")
    jobs.melt(["code", "year"], var_name="industry", value_name="jobs").to_csv(
        folder / "long.csv", index=False
    )
    nation = jobs.groupby("year")[["B", "制造业", "教育业"]].sum() * 3
    nation.reset_index().to_csv(folder / "nation.csv", index=False)
    return path


# ---- one function, its arguments
@pytest.mark.parametrize("kind", MEASURES)
def test_the_keys_of_a_measure_are_the_arguments_of_its_function(kind: str) -> None:
    section: type[MeasureSection] = MEASURES[kind]
    parameters = inspect.signature(public(section.function)).parameters
    fields = {k: f for k, f in section.model_fields.items() if k not in ("name", "kind", "en", "zh", "unit")}
    needed = {"positive": ["x"], "groups": {"a": "b"}, "columns": ["a", "b"]}
    example = {k: needed.get(k, "x") for k, f in fields.items() if f.is_required()}
    example |= {"measure": "relative"} if kind == "diversity" else {}
    made: Any = section.model_validate({"name": "m", "kind": kind, **example})
    keys = {section.keys.get(k, k): f for k, f in fields.items() if k not in section.own_keys}
    given = set(made.given())
    assert given | set(keys) | set(section.left_out) == set(parameters)
    assert not given & set(keys)
    for argument, field in keys.items():
        default = parameters[argument].default
        if not field.is_required():
            found = field.get_default(call_default_factory=True)
            assert (list(found) if isinstance(default, tuple) else found) == (
                list(default) if isinstance(default, tuple) else default
            ), argument


MEASURED = """
[data.industries.jobs]
file = "jobs.csv"
unit = "code"
time = "year"
reference = "nation.csv"
[data.industries.long]
file = "long.csv"
unit = "code"
time = "year"
format = "long"
industry = "industry"
value = "jobs"
[measures]
quotient = { kind = "location_quotient", table = "jobs", industry = "采矿业", zh = "采矿业区位熵" }
plain = { kind = "location_quotient", table = "long", industry = "教育" }
entropy = { kind = "diversity", table = "jobs" }
krugman = { kind = "krugman_index", table = "jobs" }
resilience = { kind = "sensitivity_resilience", table = "jobs" }
index = { kind = "entropy_index", positive = ["y"], negative = ["pos"], en = "Index" }
vag = { kind = "virtual_agglomeration", sector = "y", total = "big", unit_km = 0.001 }
decayed = { kind = "distance_decay", column = "y", unit_km = 0.001 }
potential = { kind = "market_potential", column = "y", unit_km = 0.001, own = 2.0 }
upgrading = { kind = "industrial_upgrading", primary = "y", secondary = "pos", tertiary = "big" }
coupling = { kind = "coupling_coordination", columns = ["y", "pos"], normalise = "minmax" }
degree = { kind = "interaction_degree", columns = ["index", "share"] }
each = { kind = "per_capita", column = "y", base = "big", scale = 100.0 }
dense = { kind = "per_area", column = "y", base = "big" }
around = { kind = "spatial_lag", column = "index", weights = "W" }
before = { kind = "lag", column = "y" }
[measures.related]
kind = "related_variety"
table = "jobs"
groups = { "采矿业" = "a", "制造业" = "a", "教育" = "b" }
[variables]
pos = { formula = "exp(x)" }
big = { formula = "y + pos + 1" }
share = { formula = "y / big" }
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("measured")
    path = with_industries(folder)
    text = HEAD + MEASURED + WEIGHTS
    text += '[[tables]]\nkind = "measures"\nname = "made"\nformats = ["md", "csv"]\n'
    text += '[[tables]]\nkind = "index"\nname = "weights"\nof = ["index"]\nformats = ["md", "csv"]\n'
    path.write_text(text, encoding="utf-8")
    out, record, _ = run(path, only=["data", "measures", "tables"])
    return out, record


@pytest.mark.filterwarnings("ignore:Normalised to", "ignore:Expected growth")
def test_each_measure_is_that_of_its_function(measured: Any) -> None:
    out, _ = measured
    folder = out.parent
    cities = sp.read_cities(folder / "map.gpkg", id="code")
    panel = sp.read_panel(folder / "panel.csv", unit="code", time="year")
    panel = panel.with_columns(pos=np.exp(panel["x"]))
    panel = panel.with_columns(big=panel["y"] + panel["pos"] + 1)
    jobs = sp.read_industries(folder / "jobs.csv", unit="code", time="year")
    assert list(jobs.columns) == ["采矿业", "制造业", "教育"]
    nation = pd.read_csv(folder / "nation.csv").set_index("year")
    nation.columns = jobs.columns
    rows = panel.frame.index
    W = sp.weights.contiguity(cities, rook=True).row_standardized()
    index = sp.entropy_index(panel, ["y"], ["pos"]).index
    both = panel.with_columns(index=index, share=panel["y"] / panel["big"])
    expected = {
        "quotient": sp.location_quotient(jobs, reference=nation)["采矿业"].reindex(rows),
        "plain": sp.location_quotient(jobs)["教育"].reindex(rows),
        "entropy": sp.diversity(jobs).reindex(rows),
        "krugman": sp.krugman_index(jobs, reference=nation).reindex(rows),
        "related": sp.related_variety(jobs, {"采矿业": "a", "制造业": "a", "教育": "b"}).reindex(rows),
        "resilience": sp.sensitivity_resilience(jobs, reference=nation).index.reindex(rows),
        "index": index,
        "vag": sp.virtual_agglomeration(panel, "y", "big", cities, unit_km=0.001).values,
        "decayed": sp.distance_decay(panel[["y"]], cities, unit_km=0.001)["decayed_y"],
        "potential": sp.distance_decay(panel[["y"]], cities, unit_km=0.001, own=2.0)["decayed_y"],
        "upgrading": panel["big"] / (panel["y"] + panel["pos"]),
        "coupling": sp.coupling_coordination(panel, ["y", "pos"], normalise="minmax")["coordination"],
        "degree": sp.interaction_degree(both, ["index", "share"]),
        "each": 100 * panel["y"] / panel["big"],
        "dense": panel["y"] / panel["big"],
        "around": sp.spatial_lag(both, "index", W)["W_index"],
        "before": panel["y"].groupby(level=0).shift(1),
    }
    described = pd.read_csv(out / "tables" / "describe.csv", encoding="utf-8-sig", index_col=0)
    for name, values in expected.items():
        for fact in ("mean", "sd", "min", "max"):
            number = {"sd": values.std}.get(fact, getattr(values, fact, None))()
            assert described.loc[name, fact] == pytest.approx(number, rel=1e-9, abs=1e-12), (name, fact)


def test_the_record_and_the_tables_list_each_measure(measured: Any) -> None:
    out, record = measured
    listed = {part["name"]: part for part in record["measures"]}
    assert list(listed)[:2] == ["quotient", "plain"]
    assert listed["quotient"]["label"] == "采矿业区位熵"
    assert listed["before"]["missing"] == 36
    assert listed["entropy"]["rows"] == 144
    assert "reference" not in listed["vag"]["parameters"]
    assert "unit_km = 0.001" in listed["vag"]["parameters"]
    assert "LQ" in listed["vag"]["formula"]
    assert "result depends on the unit" in listed["vag"]["notes"]
    made = (out / "tables" / "made.md").read_text(encoding="utf-8")
    assert r"virtual\_agglomeration" in made
    weights = pd.read_csv(out / "tables" / "weights.csv", encoding="utf-8-sig")
    assert weights["weight"].sum() == pytest.approx(1.0)
    assert set(weights["indicator"]) == {"y", "pos"}
    assert "Normalised to [0, 1]" in " ".join(record["warnings"])


# ---- order
def test_a_column_is_cleaned_as_soon_as_it_is_made_and_before_it_is_read(tmp_path: Path) -> None:
    text = """
[[cleaning]]
do = "winsorize"
columns = ["z", "index", "double"]
share = 0.1
[[cleaning]]
do = "log"
columns = ["double"]
name = "l_{column}"
zeros = "missing"
[variables]
double = { formula = "2 * index + 1" }
rest = { formula = "l_double - index" }
[measures]
index = { kind = "entropy_index", positive = ["y", "pos"] }
[variables.pos]
formula = "exp(z)"
"""
    out, _, _ = run(lay_out(tmp_path, HEAD + text), only="data")
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.1)
    panel = panel.with_columns(pos=np.exp(panel["z"]))
    panel = panel.with_columns(index=sp.entropy_index(panel, ["y", "pos"]).index).winsorize("index", 0.1)
    panel = panel.with_columns(double=2 * panel["index"] + 1).winsorize("double", 0.1)
    panel = panel.with_columns(l_double=np.log(panel["double"]))
    panel = panel.with_columns(rest=panel["l_double"] - panel["index"])
    described = pd.read_csv(out / "tables" / "describe.csv", encoding="utf-8-sig", index_col=0)
    for name in ("index", "double", "l_double", "rest"):
        assert described.loc[name, "sd"] == pytest.approx(panel[name].std(), rel=1e-10)
    history = pd.read_csv(out / "tables" / "cleaning.csv", encoding="utf-8-sig")
    assert history["action"].tolist().count("winsorize") == 3


def test_only_the_lines_that_a_column_needs_are_in_its_key() -> None:
    study = Study.model_validate(
        {
            "data": {"sample": "nc"},
            "cleaning": [
                {"do": "winsorize", "columns": ["a", "b"]},
                {"do": "restrict", "times": [1, 2]},
            ],
            "variables": {"c": {"formula": "a + 1"}, "d": {"formula": "b + c"}},
        }
    )
    found = [line.place for line in lines(study, ["a", "b", "e"], ["c"])]
    assert found == ["cleaning[0] (winsorize)", "cleaning[1] (restrict)", "variables.c"]
    assert "'b'" not in str(lines(study, ["a", "b", "e"], ["c"])[0].call)
    assert [line.place for line in lines(study, ["a", "b", "e"], ["e"])] == ["cleaning[1] (restrict)"]


# ---- refusals
def test_measures_that_cannot_be_say_so_before_anything_runs(tmp_path: Path) -> None:
    text = """
[[cleaning]]
do = "where"
formula = "index > 0"
[data.industries.jobs]
file = "jobs.csv"
unit = "code"
time = "year"
[measures]
x = { kind = "lag", column = "y" }
index = { kind = "entropy_index", positive = ["y", "y"], negative = ["zz"] }
vag = { kind = "virtual_agglomeration", sector = "y", total = "x", quotient = "own" }
lq = { kind = "location_quotient", table = "job", industry = "采矿" }
lq2 = { kind = "location_quotient", table = "jobs", industry = "采矿" }
deep = { kind = "composite_index", positive = ["y"], dimensions = { a = ["x"] } }
quot = { kind = "location_quotien", table = "jobs", industry = "采矿业" }
bare = { positive = ["y"] }
[variables]
a = { formula = "b + 1" }
b = { formula = "a + 1" }
"""
    found = problems(with_industries(tmp_path), HEAD + text)
    expected = {
        "measures.x.name": "the data have a column 'x' already",
        "measures.index.positive[1]": "is there twice",
        "measures.index.negative[0]": "no column 'zz'",
        "measures.vag.quotient": "Did you mean 'quotient_of'?",
        "measures.lq.table": "no tables of industries 'job'. Did you mean 'jobs'?",
        "measures.lq2.industry": "Did you mean '采矿业'?",
        "measures.deep.positive[0]": "is in no dimension",
        "measures.deep.dimensions.a[0]": "neither in positive nor in negative",
        "measures.quot": "Did you mean 'location_quotient'?",
        "measures.bare": "the key 'kind' is needed: one of",
        "variables": "a needs b, b needs a: one of them must be made of data.",
        "cleaning[0]": "'index' is made after the steps that choose rows",
    }
    for where, message in expected.items():
        assert message in found.pop(where), where
    assert not found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('file = "no.csv"', "industries.jobs: There is no file 'no.csv'"),
        ('file = "jobs.csv"\ncolumns = ["B", "X"]', "industries.jobs: jobs.csv has no column 'X'"),
        (
            'file = "long.csv"\nformat = "long"\nindustry = "industri"\nvalue = "jobs"',
            "Did you mean 'industry'?",
        ),
        ('file = "bad.csv"', "cannot be negative; 1 are"),
        ('file = "twice.csv"', "are the same section of GB/T 4754-2017, 采矿业"),
    ],
)
def test_tables_of_industries_that_cannot_be_read(tmp_path: Path, change: str, message: str) -> None:
    path = with_industries(tmp_path)
    jobs = pd.read_csv(tmp_path / "jobs.csv")
    jobs.assign(B=[-1.0, *jobs["B"][1:]]).to_csv(tmp_path / "bad.csv", index=False)
    jobs.assign(采矿业=jobs["B"]).to_csv(tmp_path / "twice.csv", index=False)
    text = f'[data.industries.jobs]\nunit = "code"\ntime = "year"\n{change}\n'
    assert message in problems(path, HEAD + text)["data"]


def test_long_tables_need_both_columns(tmp_path: Path) -> None:
    text = '[data.industries.jobs]\nfile = "long.csv"\nunit = "code"\ntime = "year"\nformat = "long"\n'
    found = problems(with_industries(tmp_path), HEAD + text)
    assert "'long' needs industry = and value =" in found["data.industries.jobs"]


# ---- the map's columns
def test_columns_of_the_map_join_the_panel(tmp_path: Path) -> None:
    text = """
[data]
sample = "nc"
join_map = ["bir74"]
[variables]
births = { formula = "log(bir74)" }
[regressions]
by_size = { formula = "crmrte ~ polpc + births:polpc" }
"""
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    out, _, _ = run(path, only=["data", "regressions"])
    described = pd.read_csv(out / "tables" / "describe.csv", encoding="utf-8-sig", index_col=0)
    cities, panel = sp.shapefiles.load_sample("nc")
    shared = cities.loc[panel.units]
    assert described.loc["bir74", "mean"] == pytest.approx(shared["bir74"].mean())
    for column, message in (
        ("birth74", "Did you mean 'bir74'?"),
        ("geometry", "the map has no column 'geometry'"),
    ):
        changed = text.replace('["bir74"]', f'["{column}"]')
        assert message in problems(path, changed)["data"]


@pytest.mark.slow
def test_a_map_alone_is_a_sample(tmp_path: Path) -> None:
    text = (
        '[data]\nsample = "china_cities"\n[weights.K]\nspec = "knn:5"\n[[diagnostics]]\ncolumns = ["lat"]\n'
    )
    path = tmp_path / "study.toml"
    path.write_text(text + "permutations = 9\n", encoding="utf-8")
    out, _, _ = run(path, only="diagnostics")
    table = pd.read_csv(out / "tables" / "moran_lat.csv", encoding="utf-8-sig")
    assert table["I"].iloc[0] > 0.9
