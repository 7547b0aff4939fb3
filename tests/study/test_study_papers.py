"""The papers that ship as studies: each is sound, recovers its truth, and says that its data were drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study_cases import run

import spatial as sp
from spatial.study.run import check_study
from spatial.study.shipped import PAPERS, shipped_study

TRUTH = {"sun": "表A7 真值与估计", "bai": "表A3 真值与估计", "smart-city": "表9 真值与估计"}
FIRST = {"sun": "base2", "bai": "iv_shift", "smart-city": "twfe"}
# Of intervals of 95 %, fewer cover in one draw of a hundred.
FEWEST = {"sun": (22, 19), "bai": (142, 127)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_sound_and_runs_its_first_regression(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_study(shipped_study(name)).language == "zh"
    out, record, _ = run(shipped_study(name), only=f"regressions: {FIRST[name]}")
    assert out.resolve().is_relative_to(tmp_path)  # not inside the installed package
    assert record["failed"] == {}


def truth_of(name: str, folder: Path, more: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Any]:
    monkeypatch.chdir(folder)
    only = ["measures", f"tables: {TRUTH[name]}", *more]
    out, record, _ = run(shipped_study(name), only=only, quick=True)
    assert record["failed"] == {}
    for path in (out / "tables").glob("*.md"):
        assert "模拟数据" in path.read_text(encoding="utf-8"), path.name
    frame = pd.read_csv(out / "tables" / f"{TRUTH[name]}.csv", encoding="utf-8-sig")
    rows, fewest = FEWEST[name]
    assert len(frame) == rows
    assert frame["covered"].sum() >= fewest
    return out, frame.set_index(["fit", "equation", "term"]).sort_index()


@pytest.mark.papers
@pytest.mark.filterwarnings("ignore")
def test_sun_recovers_its_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = ["tables: 表3 基准回归", "tables: 表A4 原文各表能否成立", "robustness", "tests", "monte_carlo"]
    out, frame = truth_of("sun", tmp_path, more, monkeypatch)
    assert frame.loc["base2", "covered"].all()
    assert frame.loc[("slx", "Res", "K(Vag)"), "truth"] == 0.006
    assert frame.loc[("base2", "Res", "Vag"), "estimate"] == pytest.approx(0.015, abs=0.003)
    # Printed columns stand beside ours; a winsorised maximum of 6.19 cannot have an sd of .533.
    table = (out / "tables" / "表3 基准回归.md").read_text(encoding="utf-8")
    assert "原文" in table
    # Constants of the first year: the printed .040 and -.041 are the truth, and within two errors of ours.
    cells = [line.split("|")[2:-1] for line in table.splitlines()]
    place = next(k for k, line in enumerate(table.splitlines()) if line.startswith("| 常数项 |"))
    for k, (true, printed) in enumerate([(0.040, "0.040"), (-0.041, "-0.041")]):
        ours = float(cells[place][k].strip().replace("\\*", ""))
        t = float(cells[place + 1][k].strip(" ()"))
        assert abs(ours - true) < 2 * abs(ours / t)
        assert cells[place][k + 2].strip().startswith(printed)
    assert "0.555；所印为 0.533" in (out / "tables" / "表A4 原文各表能否成立.md").read_text(encoding="utf-8")
    robust = analysis(out, "robust").set_index("variant")["estimate"]
    assert robust["unit_km = 10.0"] < robust["base"] / 2  # the unit of distance changes the measure
    assert analysis(out, "residuals")["p_value"].max() < 0.01  # what the paper could not show
    draws = analysis(out, "draws").set_index(["fit", "term"])
    base = draws.loc[("base2", "Vag")]
    assert base["coverage"] >= 0.5  # of 4 draws
    assert abs(base["bias"]) < 0.004


@pytest.mark.papers
@pytest.mark.filterwarnings("ignore")
def test_bai_recovers_its_truth_where_it_is_identified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ["systems: printed, estimates", "systems: forced, estimates", "systems: by_PSS, estimates"]
    more += ["regressions", "tests: u", "monte_carlo", "tables: 表6 工具变量", "tables: 表7 高低专业化"]
    out, frame = truth_of("bai", tmp_path, [*more, "tables: 表A2 原文表1-3能否成立"], monkeypatch)

    def text(name: str) -> str:
        return (out / "tables" / f"{name}_estimates.txt").read_text(encoding="utf-8")

    def pss(name: str) -> Any:
        rows = pd.read_csv(out / "tables" / f"{name}_estimates.csv", encoding="utf-8-sig")
        return rows.set_index(["equation", "term"]).loc[("ER", "PSS")]

    # The printed system has the same regressors in both equations; forced, it has stars and no truth.
    assert "2 个方程中有 2 个不能由本系统的任何工具变量识别" in text("printed")
    assert abs(pss("forced")["statistic"]) > 1.96
    assert not pss("forced")["conf_low"] < 0.439 < pss("forced")["conf_high"]
    # Instruments that do not change in time are absorbed by unit effects; with a national series they work.
    assert "iv_paper 被拒绝，符合预期" in text("iv_paper")
    assert pss("iv_shift")["conf_low"] < 0.439 < pss("iv_shift")["conf_high"]
    assert pss("ols")["conf_low"] > 0.439
    for fit in ("three", "joint"):
        for equation, term in (("ER", "PSS"), ("ER", "W(ER)"), ("PSS", "ER"), ("PSD", "W(PSD)")):
            assert frame.loc[(fit, equation, term), "covered"]
    # Random effects are off where unit effects are correlated with a factor; Mundlak's means put that right.
    assert frame.loc[("tobit.correlated", "Interact", "LnTec"), "covered"]
    # What the paper prints has determinant -3.08, an error that its moments rule out, and a quotient below 1.
    check = (out / "tables" / "表A2 原文表1-3能否成立.md").read_text(encoding="utf-8")
    for words in ("det(I - B) = -3.084", "最大区位熵", "至多为 0.057", "= 0.96"):
        assert words in check, words
    refused = (out / "tables" / "表6 工具变量.md").read_text(encoding="utf-8")
    assert "有 10 个系数，剔除固定效应后只有 9 个独立的工具变量。" in refused
    assert "专业化：高" in (out / "tables" / "表7 高低专业化.md").read_text(encoding="utf-8")
    # Forced estimates spread; those of the identified system do not.
    draws = analysis(out, "spread").set_index(["fit", "equation", "term"])
    assert draws.loc[("PSS2", "ER", "W(ER)"), "rmse"] < draws.loc[("forced", "ER", "W(ER)"), "rmse"]
    assert draws.loc[("PSS2", "PSS", "ER"), "rmse"] < 0.02 < draws.loc[("forced", "PSS", "ER"), "rmse"]


@pytest.mark.papers
@pytest.mark.filterwarnings("ignore")
def test_smart_city_shows_what_spillovers_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects that grow and spill: two-way fixed effects are too low, rings get the truth back (Butts)."""
    monkeypatch.chdir(tmp_path)
    more = ["did: att, bacon", "tables: 表2 基准与各估计量", "robustness", "monte_carlo", "systems"]
    more += ["figures: 图1 三批试点", f"tables: {TRUTH['smart-city']}"]
    out, record, _ = run(shipped_study("smart-city"), only=more, quick=True)
    assert record["failed"] == {}
    assert out.name == "smart-city-quick"
    frame = pd.read_csv(out / "tables" / f"{TRUTH['smart-city']}.csv", encoding="utf-8-sig")
    rows = frame.set_index(["fit", "term"]).sort_index()
    truth = rows.loc[("rings", "ATT"), "truth"]
    assert truth == pytest.approx(0.0239, abs=5e-5)
    assert rows.loc[("att", "ATT"), "estimate"] < truth
    assert rows.loc["rings", "covered"].all()
    assert rows.loc[("rings", "ring 0-100 km"), "truth"] == 0.008
    for name in ("Diffuse", "Inform", "Attention"):
        assert rows.loc[(f"channel.{name}", "D"), "covered"]
    assert "快速运行" in (out / "tables" / "表2 基准与各估计量.md").read_text(encoding="utf-8")
    bias = analysis(out, "bias").set_index(["fit", "term"])["bias"]
    assert bias[("att", "ATT")] < -0.003
    assert abs(bias[("rings", "ATT")]) < abs(bias[("att", "ATT")])
    reach = analysis(out, "reach").query("term == 'W(D)'").set_index("variant")["estimate"]
    assert reach["band:50"] > reach["band:500"]


def analysis(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "tables" / f"{name}_analysis.csv", encoding="utf-8-sig")


def test_truth_is_known_of_simulated_samples_only(tmp_path: Path) -> None:
    text = '[data]\nsample = "nc"\n[regressions]\na = { formula = "crmrte ~ polpc" }\n[tables]\n'
    (tmp_path / "study.toml").write_text(text + 't = { kind = "truth", of = ["a"] }\n', encoding="utf-8")
    with pytest.raises(sp.SpatialError, match=r"tables\.t: true values are known of simulated samples only"):
        sp.check_study(tmp_path / "study.toml")


def test_studies_that_do_not_ship() -> None:
    with pytest.raises(sp.SpatialError, match="Did you mean 'sun'"):
        shipped_study("sunn")
