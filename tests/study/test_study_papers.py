"""The papers that ship as studies: each is sound, recovers its truth, and says that its data were drawn."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from study_cases import run

import spatial as sp
from spatial.study.shipped import PAPERS, shipped_study

TRUTH = {"sun": "表A5 真值与估计"}


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_recovers_its_truth(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = ["measures", "regressions: base2", f"tables: {TRUTH[name]}", "tables: 表3 基准回归"]
    out, record, _ = run(shipped_study(name), only=steps)
    assert out.resolve().is_relative_to(tmp_path)  # not inside the installed package
    assert record["failed"] == {}
    frame = pd.read_csv(out / "tables" / f"{TRUTH[name]}.csv", encoding="utf-8-sig")
    # Of 22 intervals of 95 %, 19 or more cover in all but one draw of a hundred.
    assert frame["covered"].sum() >= 19
    assert frame.query("fit == 'base2'")["covered"].all()
    assert frame.query("term == 'K(Vag)'")["truth"].tolist() == [0.006, 0.006]
    for path in (out / "tables").glob("*.md"):
        assert "模拟数据" in path.read_text(encoding="utf-8"), path.name


def test_truth_is_known_of_simulated_samples_only(tmp_path: Path) -> None:
    text = '[data]\nsample = "nc"\n[regressions]\na = { formula = "crmrte ~ polpc" }\n[tables]\n'
    (tmp_path / "study.toml").write_text(text + 't = { kind = "truth", of = ["a"] }\n', encoding="utf-8")
    with pytest.raises(sp.SpatialError, match=r"tables\.t: true values are known of simulated samples only"):
        sp.check_study(tmp_path / "study.toml")


def test_studies_that_do_not_ship() -> None:
    with pytest.raises(sp.SpatialError, match="Did you mean 'sun'"):
        shipped_study("sunn")
