"""Studies that are run again: what is made anew, what fails alone, and what stays untouched."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_cases import (
    FAILING,
    SMALL,
    STUDY,
    copied_study,
    files,
    lay_out,
    run,
    states,
)

import spatial as sp
from spatial.models.policy import placebo
from spatial.study.cache import Manifest, inside
from spatial.study.record import file_hash
from spatial.study.run import StudyError, StudyRunError, check_study, run_study
from spatial.study.steps import build as study_steps


@pytest.fixture
def again(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    return copied_study(tmp_path_factory.getbasetemp(), tmp_path)


# ---- what is made again
def test_nothing_changed_nothing_made(again: Path) -> None:
    before = files(again.parent / "results")
    folder, record, shown = run(again)
    assert set(states(record).values()) == {"unchanged"}
    assert files(folder) == before
    assert shown.count("unchanged") == len(record["steps"])
    assert set(record["outputs"]) == set(before)
    # The warnings of steps that were not run again are still in the record.
    assert len(record["warnings"]) == 1
    assert "instruments for an effective sample" in record["warnings"][0]


@pytest.mark.slow
def test_one_setting_makes_only_what_depends_on_it(again: Path) -> None:
    text = again.read_text(encoding="utf-8")
    again.write_text(text.replace("permutations = 99", "permutations = 49"), encoding="utf-8")
    folder, record, _ = run(again)
    assert {n for n, s in states(record).items() if s == "done"} == {"diagnostics: ly, W", "layers: results"}
    again.write_text(text.replace("draws = 50", "draws = 60"), encoding="utf-8")
    _, record, _ = run(again)
    made = {n for n, s in states(record).items() if s == "done"}
    assert made >= {
        "systems: two, impacts", "figures: effects", "layers: results", "diagnostics: ly, W", "report",
    }  # fmt: skip
    assert not made & {"systems: two, estimates", "tables: main", "regressions: fe", "weights: W"}
    again.write_text(text.replace('spec = "knn:4"', 'spec = "knn:3"'), encoding="utf-8")
    before = files(folder)
    _, record, _ = run(again)
    made = {n for n, s in states(record).items() if s == "done"}
    assert made >= {"weights: D", "systems: two, estimates", "tables: main"}
    assert not made & {"weights: W", "diagnostics: ly, W", "tables: description", "data"}
    assert files(folder)["tables/moran_ly.csv"][1] != b""
    assert files(folder)["tables/weights_W.csv"] == before["tables/weights_W.csv"]
    text = again.read_text(encoding="utf-8")
    again.write_text(text.replace("Output, log", "Log of output"), encoding="utf-8")
    _, record, _ = run(again, only=["systems", "regressions", "tables"])
    assert {n for n, s in states(record).items() if s == "done"} == {"tables: main", "tables: description"}


def test_data_or_files_that_changed_are_made_again(again: Path) -> None:
    folder = again.parent / "results"
    (folder / "tables" / "description.md").write_text("by hand", encoding="utf-8")
    (folder / "figures" / "links.png").unlink()
    _, record, _ = run(again)
    assert {n for n, s in states(record).items() if s == "done"} == {"tables: description", "figures: links"}
    panel = pd.read_csv(again.parent / "panel.csv")
    panel.loc[0, "x"] += 1.0
    panel.to_csv(again.parent / "panel.csv", index=False)
    _, record, _ = run(again, only=["tables", "weights"])
    assert record["steps"]["tables: main"]["state"] == "done"
    assert (
        record["steps"]["systems: two, estimates"] | {"up_to_date": False, "state": "not run"}
        == (record["steps"]["systems: two, estimates"])
    )


def test_what_left_the_study_leaves_the_folder(again: Path) -> None:
    text = again.read_text(encoding="utf-8")
    start = text.index('[[figures]]\nkind = "effects_map"')
    again.write_text(text[:start] + text[text.index("[[layers]]") :], encoding="utf-8")
    folder, record, _ = run(again)
    assert "figures: effects" not in record["steps"]
    assert not (folder / "figures" / "effects.png").exists()
    again.write_text(text[:start].replace('name = "links"', 'name = "net"'), encoding="utf-8")
    folder, _, _ = run(again)
    assert {p.name for p in (folder / "figures").glob("[ln]*")} == {"net.png"}
    assert not (folder / "report.html").exists()


@pytest.mark.slow
def test_only_runs_a_section_or_a_step(again: Path) -> None:
    out = again.parent / "part"
    _, record, shown = run(again, out=out, only="tables")
    assert set(files(out)) == {"tables/description.csv", "tables/description.md"} | {
        f"tables/main.{kind}" for kind in ("docx", "xlsx", "tex", "html", "md", "csv")
    }
    assert record["steps"]["report"] == {"state": "not run"}
    assert "[2/2] tables: description" in shown
    _, record, _ = run(again, out=out, only=["figures: links"])
    assert (out / "figures" / "links.png").exists()
    assert record["steps"]["tables: main"]["up_to_date"] is True
    with pytest.raises(sp.SpatialError, match=r"only='tabels' .* Did you mean 'tables'\?"):
        run_study(again, only="tabels")
    small = lay_out(again.parent / "small", SMALL)
    with pytest.raises(sp.SpatialError, match="The study has no report: there is nothing to run"):
        run_study(small, only="report")
    assert not (small.parent / "results").exists()


# ---- what fails
@pytest.mark.slow
def test_a_failed_step_names_itself_and_leaves_the_others_whole(again: Path) -> None:
    before = files(again.parent / "results")
    again.write_text(FAILING, encoding="utf-8")
    shown = io.StringIO()
    with pytest.raises(StudyRunError) as caught:
        run_study(again, progress=shown)
    folder = caught.value.folder
    assert folder == again.parent / "results"
    failed = set(caught.value.failures)
    assert "systems: two, estimates" in failed
    assert "tables: main" in failed
    assert "systems: two, identification" not in failed
    assert "cannot be identified" in str(caught.value)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert set(record["failed"]) == failed
    assert record["steps"]["tables: main"]["up_to_date"] is False
    assert states(record)["regressions: fe"] == "unchanged"
    assert states(record)["report"] == "done"
    assert any("leaves table 'main' out" in w for w in record["warnings"])
    # What a failed step made earlier is still there, and run.json says that it is out of date.
    assert files(folder)["tables/main.docx"] == before["tables/main.docx"]
    assert (
        "NOT IDENTIFIED" in (folder / "tables" / "two_identification.txt").read_text(encoding="utf-8").upper()
    )


@pytest.mark.slow
def test_a_fault_in_one_step_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_values: Any, _name: str, out: Any) -> None:
        out.text("half", "tables", "half.txt")
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(study_steps, "_weights", broken)
    path = lay_out(tmp_path, SMALL)
    with pytest.raises(StudyRunError, match="ZeroDivisionError: a fault") as caught:
        run_study(path, progress=io.StringIO())
    assert set(caught.value.failures) == {"weights: W", "weights: D"}
    made = files(tmp_path / "results")
    assert "tables/half.txt" not in made
    assert "tables/moran_ly.csv" in made


@pytest.mark.slow
def test_ctrl_c_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_values: Any, _part: Any, _column: str, out: Any) -> None:
        out.text("half", "tables", "half.txt")
        raise KeyboardInterrupt

    path = lay_out(tmp_path, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(study_steps, "_diagnose", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study(path, progress=io.StringIO())
    folder = tmp_path / "results"
    assert set(files(folder)) == {
        "tables/cleaning.csv", "tables/describe.csv", "tables/weights_D.csv", "tables/weights_D.txt",
        "tables/weights_W.csv", "tables/weights_W.txt",
    }  # fmt: skip
    assert [p.name for p in (folder / ".cache").iterdir()] == ["steps.json"]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["interrupted"] is True
    assert states(record)["diagnostics: ly, W"] == "not run"
    _, record, _ = run(path)
    assert states(record)["weights: W"] == "unchanged"
    assert states(record)["diagnostics: ly, W"] == "done"


def test_warnings_are_in_the_record_of_each_step(tmp_path: Path) -> None:
    text = (
        SMALL + '[[systems]]\nname = "s"\nformulas = ["ly ~ x + lag(ly, 1)"]\neffects = ["unit"]\ndraws = 0\n'
    )
    _, record, shown = run(lay_out(tmp_path, text), only="systems")
    assert "Nickell bias" in record["steps"]["systems: s, estimates"]["warnings"][0]
    assert "Nickell bias" in record["steps"]["systems: s, identification"]["warnings"][0]
    assert shown.count("Nickell bias") == 1
    _, record, _ = run(tmp_path / "study.toml", only="systems")
    assert any("Nickell bias" in w for w in record["warnings"])


# ---- what stays untouched
def test_nothing_is_written_before_the_study_is_sound(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL.replace('columns = ["ly"]', 'columns = ["lz"]'))
    with pytest.raises(StudyError, match=r"diagnostics\[0\].columns\[0\]"):
        run_study(path)
    assert not (tmp_path / "results").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = lay_out(tmp_path / "study", SMALL)
    outside = tmp_path / "outside"
    outside.mkdir()
    (path.parent / "results").mkdir()
    os.symlink(outside, path.parent / "results" / "tables")
    with pytest.raises(StudyRunError, match="writes only inside its output folder"):
        run_study(path, progress=io.StringIO())
    assert list(outside.iterdir()) == []
    assert (path.parent / "results" / "run.json").exists()


@pytest.mark.parametrize("rel", ["../x", "/etc/x", "a/../../x", r"..\x"])
def test_paths_that_lead_out(tmp_path: Path, rel: str) -> None:
    with pytest.raises(sp.SpatialError, match="leads out of it"):
        inside(tmp_path, rel)


@pytest.mark.slow
def test_a_foreign_cache_can_do_nothing(tmp_path: Path) -> None:
    path = lay_out(tmp_path / "study", SMALL)
    victim = tmp_path / "study" / "victim.txt"
    victim.write_text("mine", encoding="utf-8")
    cache = path.parent / "results" / ".cache"
    cache.mkdir(parents=True)
    (cache / "values.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    planted = {"old: step": {"key": "k", "outputs": {"../victim.txt": file_hash(victim)}}}
    (cache / "steps.json").write_text(json.dumps(planted), encoding="utf-8")
    _, record, _ = run(path, only=["weights", "data"])
    run(path)
    assert victim.read_text(encoding="utf-8") == "mine"
    assert "old: step" not in Manifest(path.parent / "results").entries
    for damaged in ("{", "[]", '{"weights: W": {"key": 1}}'):
        (cache / "steps.json").write_text(damaged, encoding="utf-8")
        _, record, _ = run(path, only="weights")
        assert states(record)["weights: W"] == "done"


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    old, new = (tmp_path / "results" / ".cache" / name for name in ("step-old", "step-new"))
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "half.png").write_bytes(b"half")
    os.utime(old, (0, 0))
    run(path, only="weights")
    assert not old.exists()
    assert new.exists()  # of a run at the same time, perhaps


def test_a_file_that_cannot_be_replaced_is_named(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    (tmp_path / "results" / "tables" / "weights_W.txt").mkdir(parents=True)
    with pytest.raises(StudyRunError, match=r"Cannot write tables/weights_W.txt: .*open in another program"):
        run_study(path, only="weights", progress=io.StringIO())


def test_an_output_folder_that_cannot_be(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(sp.SpatialError, match="Cannot make the output folder"):
        run_study(path, out=tmp_path / "file" / "out")


@pytest.mark.slow
def test_two_steps_never_make_one_file(tmp_path: Path) -> None:
    text = SMALL.replace('columns = ["ly"]', 'columns = ["a b", "a_b"]\nlocal = false')
    text = text.replace(
        "[variables.ly]", '[variables."a b"]\nformula = "x"\n[variables.a_b]\nformula = "z"\n[variables.ly]'
    )
    path = lay_out(tmp_path, text)
    with pytest.raises(StudyRunError, match="is made by the step 'diagnostics: a b, W' too") as caught:
        run_study(path, progress=io.StringIO())
    assert set(caught.value.failures) == {"diagnostics: a_b, W"}
    named = '[[tables]]\nkind = "descriptive"\nname = "Describe"\n'
    named += '[[figures]]\nkind = "neighbours"\nname = "moran_ly"\n'
    path.write_text(SMALL + named, encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        check_study(path)
    assert [p.place for p in refused.value.problems] == ["tables[0].name", "figures[0].name"]
    assert "another step makes" in str(refused.value)


HEAD = STUDY[: STUDY.index("[[diagnostics]]")]
DRAWN = """
[did.policy]
outcome = "q"
cohort = "first"
method = "twfe"
placebo = 20
drop_one = true
bacon = true
[tables]
p = { kind = "placebo", of = ["policy"], formats = ["md"] }
b = { kind = "bacon", of = ["policy"], formats = ["md"] }
[figures]
f = { kind = "placebo", of = "policy" }
"""


@pytest.mark.filterwarnings("ignore")
def test_what_was_drawn_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another language or more digits make tables anew, of numbers that were kept; damage makes them anew."""
    monkeypatch.setattr("spatial.study.keeping.kept.WORTH", 0.0)
    path = lay_out(tmp_path, HEAD + DRAWN)
    panel = pd.read_csv(tmp_path / "panel.csv")
    number = panel["code"].str[1:].astype(int)
    panel["first"] = np.where(number % 4 == 0, 2002, np.where(number % 4 == 1, 2003, 0))
    panel.to_csv(tmp_path / "panel.csv", index=False)
    out, record, _ = run(path)
    assert record["failed"] == {}
    kept = sorted((out / ".cache" / "kept").glob("*.npz"))
    assert len(kept) == 6  # the fit, bacon, placebo, drop_one, and two weights
    before = (out / "tables" / "p.md").read_text(encoding="utf-8")
    drawn: list[int] = []
    draws = placebo.placebo
    monkeypatch.setattr("spatial.models.policy.placebo.placebo", lambda *_: drawn.append(1))
    path.write_text('language = "zh"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    again, record, _ = run(path)
    assert record["failed"] == {}
    assert drawn == []
    after = (again / "tables" / "p.md").read_text(encoding="utf-8")
    assert after != before
    assert re.findall(r"-?\d+\.\d+", after) == re.findall(r"-?\d+\.\d+", before)
    monkeypatch.setattr("spatial.models.policy.placebo.placebo", draws)
    for file in kept:
        file.write_bytes(b"PK")  # damaged: made anew
    finer = path.read_text(encoding="utf-8").replace('of = ["policy"], f', 'of = ["policy"], digits = 2, f')
    path.write_text(finer, encoding="utf-8")
    _, record, _ = run(path)
    assert record["failed"] == {}
    path.write_text((HEAD + DRAWN).replace("placebo = 20\n", "").split("[tables]")[0], encoding="utf-8")
    run(path)
    assert len(list((out / ".cache" / "kept").glob("*.npz"))) == 5  # what the study has not any more is gone
