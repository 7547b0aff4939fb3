"""What may stand in a study file: all errors at once, each with its place and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

import spatial as sp
from spatial.study.problems import place
from spatial.study.run import StudyError, check_study, shipped_study
from spatial.study.shipped import starter

DATA = '[data]\nsample = "nc"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(StudyError) as caught:
        check_study(write(folder, text))
    found = {p.place: p.message for p in caught.value.problems}
    assert len(found) == len(caught.value.problems)
    for where, message in found.items():
        assert f"{where}: {message}".removeprefix(": ") in str(caught.value)
    return found


# ---- keys and types
WRONG = """
langauge = "en"
seed = "1"
[data]
sample = "nd"
[[cleaning]]
do = "winsorize"
columns = ["crmrte"]
shares = 0.1
[[cleaning]]
do = "winsorise"
[[cleaning]]
columns = ["crmrte"]
[weights.W]
spec = "queen"
normalization = "row"
[[systems]]
name = "crime"
formulas = ["crmrte ~ polpc", 3]
wieghts = ["W"]
method = "g3sls"
[[regressions]]
formula = "crmrte ~ polpc"
[[tables]]
kind = "regresion"
name = "a"
[[tables]]
kind = "regression"
name = "b"
fits = []
[[figures]]
kind = "values"
name = "v"
column = "crmrte"
klasses = 3
[[layers]]
name = "x"
effects = [{fit = "crime", outcom = "crmrte"}]
[report]
column = ["crmrte"]
"""


@pytest.mark.evidence("check_study", source="a study with known mistakes: each is named", kind="hand")
def test_all_errors_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, WRONG)
    meant = {
        "langauge": "language",
        "cleaning[0].shares": "share",
        "cleaning[1]": "winsorize",
        "weights.W.normalization": "normalisation",
        "systems[0].wieghts": "weights",
        "systems[0].method": "gs3sls",
        "tables[0]": "regression",
        "figures[0].klasses": "classes",
        "layers[0].effects[0].outcom": "outcome",
        "report.column": "columns",
    }
    for where, name in meant.items():
        assert f"Did you mean {name!r}?" in found.pop(where), where
    assert found.pop("data.sample").startswith("got 'nd', expected 'nc'")
    assert found.pop("seed") == "a whole number is needed; got '1'."
    assert found.pop("cleaning[2]").startswith("the key 'do' is needed: one of balance, deflate,")
    assert found.pop("systems[0].formulas[1]") == "a text is needed; got 3."
    assert "at least 1 item(s) are needed" in found.pop("tables[1].fits")
    needed = {
        "regressions[0].name",
        "layers[0].effects[0].outcome",
        "layers[0].effects[0].term",
        "report.columns",
    }
    assert found == dict.fromkeys(needed, "this key is needed.")


def test_wrong_keys_do_not_hide_wrong_names(tmp_path: Path) -> None:
    text = DATA + '[weights.W]\nspec = "queen"\nrow = true\n[[diagnostics]]\ncolumns = ["crmte"]\n'
    found = problems(tmp_path, text)
    assert set(found) == {"weights.W.row", "diagnostics[0].columns[0]"}
    assert "Did you mean 'crmrte'?" in found["diagnostics[0].columns[0]"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[data]\n", "give either sample = ... or [data.cities]"),
        ('[data]\nsample = "nc"\n[data.cities]\nfile = "a.shp"\nid = "x"\n', "not both"),
        (
            '[data]\nsample = "nc"\n[data.panel]\nfile = "a"\nunit = "u"\ntime = "t"\n',
            "leave [data.panel] out",
        ),
    ],
)
def test_one_source_of_data(tmp_path: Path, data: str, message: str) -> None:
    assert message in problems(tmp_path, data)["data"]


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/b", r"a\\b", "C:x", ".hidden", " a", "nul", "a\\u0000"]
)
def test_names_of_outputs_stay_inside(tmp_path: Path, name: str) -> None:
    text = DATA + f'[weights.W]\nspec = "queen"\n[[figures]]\nkind = "connectivity"\nname = "{name}"\n'
    message = problems(tmp_path, text)["figures[0].name"]
    assert ("Windows keeps this name" if name == "nul" else "a name of an output") in message


@pytest.mark.parametrize("folder", ["../out", "/x", "out/../../x", "~/x", "C:/x", "out//x", ""])
def test_the_output_folder_is_below_the_study(tmp_path: Path, folder: str) -> None:
    assert "below that of the study file" in problems(tmp_path, f'output = "{folder}"\n' + DATA)["output"]


# ---- names that must mean something
MEANT = (
    DATA
    + """
[variables.lc]
formula = "log(crmrt)"
[variables.bad]
formula = "__import__('os')"
[variables.crmrat]
en = "crime"
[weights.W]
spec = "quen"
[weights.K]
spec = "knn:x"
[weights.log]
spec = "queen"
[[diagnostics]]
columns = ["crmrte", "polcp"]
weights = "V"
times = [1981, 1999]
[[diagnostics]]
columns = ["crmrte", "crmrte"]
[[systems]]
name = "s"
formulas = ["crmrte ~ polpc + V(crmrte)", "polpc ~ crmrte + taxpcc"]
weights = ["W", "Z"]
error = "K"
effects = ["unit", "yer"]
compare = ["2sls", "2sls"]
cov = "clustr"
instruments = ["wconn"]
[[regressions]]
name = "S"
formula = "crmrte ~ "
cov = "cluster:regon"
[[tables]]
kind = "regression"
name = "t"
fits = ["s", "s.3sls", "s.2sls"]
names = ["a"]
[[tables]]
kind = "identification"
name = "T"
system = "x"
[[tables]]
kind = "moran"
name = "m"
weights = "K"
[[figures]]
kind = "effects_map"
name = "f"
fit = "s"
outcome = "crmrt"
term = "taxpc"
[[figures]]
kind = "values"
name = "g"
column = "densty"
at = 1970
[[layers]]
name = "l"
attributes = ["nmae"]
fits = ["S"]
at = 1
[report]
columns = ["crmrte"]
name = "nam"
"""
)


def test_names_are_checked_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        check_study(write(tmp_path, MEANT))
    found: dict[str, list[str]] = {}
    for problem in caught.value.problems:
        found.setdefault(problem.place, []).append(problem.message)
    expected = {
        "variables.lc.formula": "no column 'crmrt'. Did you mean 'crmrte'?",
        "variables.bad.formula": "Text is not allowed in a formula",
        "variables.crmrat": "no column 'crmrat'. Did you mean 'crmrte'?",
        "weights.W.spec": "Did you mean 'queen'?",
        "weights.K.spec": "must be written knn:NEIGHBOURS",
        "weights.log": "not a name that can be",
        "diagnostics[0].columns[1]": "Did you mean 'polpc'?",
        "diagnostics[0].weights": "no weights 'V'",
        "diagnostics[0].times[1]": "no time 1999",
        "diagnostics[1].columns[1]": "is there twice",
        "systems[0].compare[1]": "'2sls' is there twice",
        "systems[0].formulas[0]": "'V' is not a function of formulas",
        "systems[0].formulas[1]": "Did you mean 'taxpc'?",
        "systems[0].weights[1]": "no weights 'Z'",
        "systems[0].error": "no weights 'K'",
        "systems[0].effects[1]": "no column 'yer'. Did you mean",
        "systems[0].cov": "Did you mean 'cluster'?",
        "systems[0].instruments[0]": "Did you mean 'wcon'?",
        "regressions[0].name": "'S' is the name of another fit",
        "regressions[0].formula": "A term is needed here",
        "regressions[0].cov": "no column 'regon'",
        "tables[0].fits[1]": "no fits 's.3sls'. Did you mean 's.2sls'?",
        "tables[0].names": "3 names are needed",
        "tables[1].name": "'T' is the name of another one before",
        "tables[1].system": "no systems 'x'",
        "tables[2]": "no [[diagnostics]] have these weights",
        "figures[1].column": "Did you mean 'density'?",
        "figures[1].at": "no time 1970",
        "layers[0].attributes[0]": "Did you mean 'name'?",
        "layers[0].fits[0]": "no systems 'S'. Did you mean 's'?",
        "layers[0].at": "no time 1",
        "report.name": "Did you mean 'name'?",
    }
    for where, message in expected.items():
        assert any(message in text for text in found.pop(where)), (where, message)
    assert not found


def test_effects_name_equations_and_terms(tmp_path: Path) -> None:
    text = (
        DATA
        + """
[[systems]]
name = "s"
formulas = ["crmrte ~ polpc + prbarr", "polpc ~ crmrte + taxpc"]
[[regressions]]
name = "r"
formula = "crmrte ~ polpc"
[[figures]]
kind = "effects_map"
name = "f"
fit = "s"
outcome = "crmrt"
term = "taxpcc"
[[figures]]
kind = "impacts"
name = "g"
fit = "r"
[[layers]]
name = "l"
effects = [{fit = "s", outcome = "polpc", term = "taxpc"}, {fit = "t", outcome = "polpc", term = "x"}]
"""
    )
    found = problems(tmp_path, text)
    assert set(found) == {
        "figures[0].outcome",
        "figures[0].term",
        "figures[1].fit",
        "layers[0].effects[1].fit",
    }
    assert "Did you mean 'crmrte'?" in found["figures[0].outcome"]
    assert "Did you mean 'taxpc'?" in found["figures[0].term"]
    assert "There are: 's'" in found["figures[1].fit"]


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        check_study(write(tmp_path, 'tilte = "x"\n' + MEANT))
    sections = [p.place.partition("[")[0].partition(".")[0] for p in caught.value.problems]
    seen = list(dict.fromkeys(sections))
    assert seen[:4] == ["tilte", "variables", "weights", "diagnostics"]
    assert len(seen) == len([s for k, s in enumerate(sections) if k == 0 or sections[k - 1] != s])


def test_weights_are_needed_where_they_are_used(tmp_path: Path) -> None:
    found = problems(
        tmp_path, DATA + '[[diagnostics]]\ncolumns = ["crmrte"]\n[report]\ncolumns = ["crmrte"]\n'
    )
    assert set(found) == {"diagnostics[0].weights", "report.weights"}
    assert "add [weights.W]" in found["report.weights"]


def test_columns_are_followed_through_the_cleaning(tmp_path: Path) -> None:
    text = (
        DATA
        + """
[[cleaning]]
do = "log"
columns = ["crmrte", "polp"]
[[cleaning]]
do = "shift"
columns = ["ln_crmrte"]
[[cleaning]]
do = "deflate"
columns = ["taxpc"]
by = "cpi"
base = 1987
name = "real_{column}"
[[cleaning]]
do = "where"
formula = "densit > 0.3"
[[cleaning]]
do = "restrict"
times = [1981, 2000]
[variables.growth]
formula = "ln_crmrte - L1_ln_crmrte + real_taxpc"
[variables.again]
formula = "growth + ln_polpc"
"""
    )
    found = problems(tmp_path, text)
    assert set(found) == {
        "cleaning[0].columns[1]",
        "cleaning[2].by",
        "cleaning[3].formula",
        "cleaning[4].times[1]",
        "variables.again.formula",
    }


def test_columns_in_chinese(tmp_path: Path) -> None:
    text = (
        DATA + '[variables."人均犯罪"]\nformula = "log(crmrte)"\n[variables.x]\nformula = "人均犯罪 + 人均"\n'
    )
    found = problems(tmp_path, text)
    assert "no column '人均'. Did you mean '人均犯罪'?" in found["variables.x.formula"]


# ---- files
def test_a_file_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(sp.SpatialError, match="`spatial new` writes one"):
        check_study(tmp_path / "none.toml")
    with pytest.raises(sp.SpatialError, match="Cannot read"):
        check_study(tmp_path)
    assert "this is not TOML" in problems(tmp_path, "[data\n")[""]
    assert "go in quotes" in problems(tmp_path, "[variables.人均GDP]\n")[""]
    path = tmp_path / "gbk.toml"
    path.write_bytes('title = "城市"\n'.encode("gb18030"))
    with pytest.raises(StudyError, match="save it as UTF-8"):
        check_study(path)
    path.write_text('title = "城市"\n' + DATA, encoding="utf-8-sig")
    assert check_study(path).title == "城市"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    text = '[data.cities]\nfile = "no.shp"\nid = "x"\n[weights.W]\nspec = "no.gal"\n'
    found = problems(tmp_path, text)
    assert found["data"] == "There is no file 'no.shp' in the study's folder."
    assert "neither a kind of weights nor a file" in found["weights.W.spec"]


def test_what_ships_is_valid(tmp_path: Path) -> None:
    study = check_study(shipped_study())
    assert len(study.systems[0].formulas) == 2
    assert all(v.en and v.zh and v.formula for v in study.variables.values())
    new = check_study(write(tmp_path, starter()))
    assert new.systems[0].compare == ["gs3sls", "3sls", "2sls"]


def test_places_are_written_as_in_the_file() -> None:
    assert place(["tables", 2, "fits", 0]) == "tables[2].fits[0]"
    assert place([]) == ""
