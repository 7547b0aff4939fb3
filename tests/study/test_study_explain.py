"""A study explained: the script that does the same, to the last digit, and the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from study_cases import copied_study, finished_study

import spatial as sp
from spatial.cli import studies as cli_study
from spatial.study.run import explain_study, json_schema
from spatial.study.shipped import PAPERS, shipped_study


@pytest.fixture
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_study(tmp_path_factory.getbasetemp())


def executed(
    script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, until: str = "[tables]"
) -> dict[str, Any]:
    """Run a script as it is printed, up to its tables, in the folder of the study."""
    values: dict[str, Any] = {}
    monkeypatch.chdir(folder)
    exec(compile(script.split(f"# {until}")[0], "script", "exec"), values)
    return values


@pytest.mark.evidence("explain_study", source="the script, run, gives the study's numbers", kind="identity")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_script_gives_the_numbers_of_the_run(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = copied_study(tmp_path_factory.getbasetemp(), tmp_path)
    script = explain_study(finished)
    values = executed(script, finished.parent, monkeypatch, until="[report]")
    tables = finished.parent / "results" / "tables"
    own = pd.read_csv(tables / "two_estimates.csv", encoding="utf-8-sig")
    for name in ("two", "two.2sls"):
        frame = own[own["fit"] == name]
        np.testing.assert_allclose(
            values[name.replace(".", "_")].tidy()["estimate"], frame["estimate"], rtol=1e-13
        )
    impacts = pd.read_csv(tables / "two_impacts.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(values["two_impacts"].tidy()["std_error"], impacts["std_error"], rtol=1e-12)
    moran = pd.read_csv(tables / "moran_ly.csv", encoding="utf-8-sig")
    assert values["moran_ly"]["p_sim"].tolist() == moran["p_sim"].tolist()
    # Tables, figures and layers of the script are files too, with what the study has in them.
    assert (finished.parent / "main.md").read_text(encoding="utf-8") == (tables / "main.md").read_text(
        encoding="utf-8"
    )
    made = {"main.md", "main.docx", "main.xlsx", "main.tex", "main.html", "description.md", "links.png"}
    made |= {"effects.png", "results.gpkg"}
    assert {p.name for p in finished.parent.iterdir()} >= made


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["nc", *PAPERS])
def test_the_script_of_a_study_that_ships_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shipped_study(name)
    script = explain_study(file)
    compile(script, "script", "exec")
    ends = {"sun": "[regressions] conley", "smart-city": "[regressions] diffuse"}
    values = executed(script, tmp_path, monkeypatch, until=ends.get(name, "Moran's I"))
    panel = values["panel"]
    if name == "nc":
        assert panel["lcrmrte"].to_numpy() == pytest.approx(np.log(panel["crmrte"].to_numpy()))
        return
    if name != "sun":
        assert panel.labels[{"bai": "ER", "smart-city": "D"}[name]]
        return
    truth = values["sample"].truth.set_index(["equation", "term"])["value"]
    row = values["base2"].tidy().set_index("term").loc["Vag"]
    assert row["conf_low"] < truth["Res", "Vag"] < row["conf_high"]
    assert panel.labels["Vag"] == "虚拟集聚"


def test_a_study_in_words(finished: Path) -> None:
    english, chinese = explain_study(finished, "en"), explain_study(finished, "zh")
    assert "36 units in 2001 to 2004, 144 observations" in english
    assert "Values of z were winsorised at 2%" in english
    assert "Output, log (ly) = log(y)" in english
    assert "two: ly = q + W(ly) + x + D(x); q = ly + z + W(z)" in english
    assert "fixed effects of unit and time; standard errors clustered by unit" in english
    assert "36 个个体 2001—2004 年的平衡面板" in chinese
    assert "产出对数（ly） = log(y)" in chinese
    assert "标准误：按个体聚类" in chinese
    with pytest.raises(sp.SpatialError, match="explained as 'python', or in the words"):
        explain_study(finished, "R")


def test_the_command_explains(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("explain")(cli_study.explain_command)
    app.command("new")(cli_study.new_command)
    app(args=["explain", str(finished), "--as", "python"], standalone_mode=False)
    assert "import spatial as sp" in capsys.readouterr().out
    app(args=["explain", str(finished), "--lang", "zh"], standalone_mode=False)
    assert "平衡面板" in capsys.readouterr().out
    assert app(args=["explain", str(finished), "--as", "R"], standalone_mode=False) == 2
    assert "--as takes python; got 'R'" in capsys.readouterr().err


def test_new_copies_a_paper_and_writes_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("new")(cli_study.new_command)
    app.command("explain")(cli_study.explain_command)
    path = tmp_path / "paper.toml"
    app(args=["new", str(path), "--like", "sun"], standalone_mode=False)
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema ./study.schema.json"
    assert text.partition("\n")[2] == shipped_study("sun").read_text(encoding="utf-8")
    assert '"$schema"' in (tmp_path / "study.schema.json").read_text(encoding="utf-8")
    assert "Written" in capsys.readouterr().out


def _objects(schema: Any) -> list[dict[str, Any]]:
    found = [schema, *schema["$defs"].values()]
    return [part for part in found if part.get("type") == "object" and "properties" in part]


def test_json_schema_is_closed_and_explains() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"].startswith("https://json-schema.org/")
    parts = _objects(schema)
    assert len(parts) > 25
    assert all(part["additionalProperties"] is False for part in parts)
    assert all(part.get("description") for part in parts)
    steps = schema["properties"]["cleaning"]["items"]["discriminator"]["mapping"]
    assert set(steps) >= {"interpolate", "winsorize", "log", "shift", "deflate", "balance"}
