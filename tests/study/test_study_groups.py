"""Treated and untreated side by side in a study: descriptions by group, the balance of a matched policy."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from study_cases import run, with_columns

import spatial as sp
from spatial.study.run import StudyError, check_study


def test_descriptions_by_group_are_a_table_of_a_study(tmp_path: Path) -> None:
    text = """
[groups]
rich = { column = "x", of = "unit", zh = "水平", labels.high.zh = "高组", labels.low.zh = "低组" }
[samples.late]
where = "time >= 2003"
[tables]
two = { kind = "descriptive", columns = ["q", "z"], by = "rich", formats = ["md", "csv", "docx", "tex"] }
late = { kind = "descriptive", columns = ["q"], by = "rich", cov = "welch", sample = "late" }
"""
    path = with_columns(tmp_path, text)
    path.write_text('language = "zh"\n' + path.read_text("utf-8"), encoding="utf-8")
    folder, record, _ = run(path, only="tables")
    assert record["failed"] == {}
    panel = sp.read_panel(tmp_path / "panel.csv", unit="code", time="year").winsorize("z", 0.02)
    table = sp.descriptive_table(
        panel, ["q", "z"], by=sp.group(panel["x"], split="mean", of="unit"), digits=3
    )
    shown = (folder / "tables" / "two.md").read_text("utf-8")
    assert "高组" in shown
    assert "按个体聚类" in shown
    numbers = pd.read_csv(folder / "tables" / "two.csv", encoding="utf-8-sig")
    assert numbers["column"].tolist() == ["q", "z"]
    assert f"{numbers['statistic'][0]:.3f}" == table.frame.iloc[0, -1]
    assert "视各观测值相互独立" in (folder / "tables" / "late.md").read_text("utf-8")
    script = "".join(sp.explain_study(path).split())
    assert 'by="rich",labels={"rich":"水平","high":"高组","low":"低组"}' in script
    wrong = (
        path.read_text("utf-8")
        .replace('cov = "welch"', 'cov = "het"')
        .replace('by = "rich", f', 'cov = "welch", f')
    )
    path.write_text(wrong.replace('"rich", cov', '"rihc", cov'), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        check_study(path)
    found = {p.place: p.message for p in caught.value.problems}
    assert found["tables.two.cov"] == "cov 用于组间检验：请给出 by。"
    assert "是否指 'rich'" in found["tables.late.by"]
    assert "现为 'het'" in found["tables.late.cov"]


def test_a_matched_policy_has_a_table_and_a_figure_of_its_balance(tmp_path: Path) -> None:
    text = """
[did.matched]
outcome = "q"
cohort = "first"
method = "twfe"
controls = ["x", "z"]
match = "psm:2:5"
[tables]
b = { kind = "balance", of = ["matched"], formats = ["md", "csv"] }
[figures]
f = { kind = "balance", of = "matched" }
"""
    path = with_columns(tmp_path, text)
    folder, record, _ = run(path)
    assert record["failed"] == {}
    shown = pd.read_csv(folder / "tables" / "b.csv", encoding="utf-8-sig")
    assert shown["sample"].tolist() == ["before", "after"] * 2
    head = (folder / "tables" / "b.md").read_text("utf-8").splitlines()[0]
    assert all(word in head for word in ("Std. bias (%)", "Reduction (%)", "Variance ratio", "p"))
    assert (folder / "tables" / "matched_balance.txt").read_text("utf-8").startswith("Balance by psm:2:5")
    assert (folder / "figures" / "f.png").stat().st_size > 5000
    script = "".join(sp.explain_study(path).split())
    assert 'match="psm:2:5"' in script
    assert "matched.balance()" in script
    for other, message in (
        ('match = "psn"', "match is 'psm', 'psm:NEIGHBOURS'"),
        ("", "did.matched has no match"),
    ):
        path.write_text(path.read_text("utf-8").replace('match = "psm:2:5"', other), encoding="utf-8")
        with pytest.raises(StudyError) as caught:
            check_study(path)
        assert any(message in p.message for p in caught.value.problems)
        path.write_text(
            path.read_text("utf-8").replace('match = "psn"', 'match = "psm:2:5"'), encoding="utf-8"
        )
