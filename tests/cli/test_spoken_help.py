"""The command line in Chinese: help, refusals, steps and what is written; how it learns the language."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

import spatial as sp
from spatial.cli import build_app, main
from spatial.cli.program import _of_system
from spatial.languages.messages import templates
from spatial.languages.widths import width, wrapped
from spatial.study.shipped import starter

CHINESE = re.compile(r"[\u4e00-\u9fff]")
COMMANDS = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(words))
    shown = capsys.readouterr()
    return int(stopped.value.code or 0), shown.out, shown.err


def helps() -> set[str]:
    group: Any = typer.main.get_command(build_app())
    parts = [group, *group.params, *COMMANDS.values(), *(p for c in COMMANDS.values() for p in c.params)]
    return {" ".join((getattr(part, "help", "") or "").split()) for part in parts} - {""}


def test_every_help_text_has_its_chinese() -> None:
    missing = {text for text in helps() if not CHINESE.search(templates().get(text, ""))}
    assert missing == set(), "write their Chinese in spatial/languages/messages.tsv"


def test_every_option_says_what_it_is() -> None:
    silent = {(c.name, p.name) for c in COMMANDS.values() for p in c.params if not getattr(p, "help", "")}
    assert silent == set()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_in_chinese_stands_in_columns(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--lang", "zh", *filter(None, [name]), "--help")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("用法：spatial")
    assert max(map(width, lines)) <= 80
    _, english, _ = run(capsys, "--lang", "en", *filter(None, [name]), "--help")
    assert not CHINESE.search(english)
    options = set(re.findall(r"(?m)^  (?:-\w, )?(--[\w-]+)", english))
    assert options
    assert options == set(re.findall(r"(?m)^  (?:-\w, )?(--[\w-]+)", out))
    starts = {
        width(line[: found.end()]) for line in lines if (found := re.match(r"  --\S+.*?\s{2,}(?=\S)", line))
    }
    assert len(starts) == 1  # all options are explained in one column


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["moran"], "缺少参数 'file'"),
        (["--nonsense"], "没有选项 --nonsense"),
        (["moran", "nc", "bir74", "--permutation", "9"], "没有选项 --permutation"),
        (["lisa", "nc"], "没有命令 'lisa'。是否指 `spatial local`？"),
        (["map"], "（会绘制地图）"),
        (["nobody"], "没有命令 'nobody'"),
        (["moran", "nc", "bir74", "--permutations", "-1"], "'--permutations' 的值无效"),
        (["moran", "nc", "nope"], "地图中没有列 'nope'"),
        (["weights", "nc", "-w", "band:25"], "每个个体须有邻居；100 个中有 84 个没有"),
        (["moran", "nc", "bir74", "-w", "knn:200"], "K 近邻须有多于 k 个个体"),
        (["local", "nc", "sid74", "-s", "nope"], "--statistic 取 moran, geary"),
        (["check", "nowhere.toml"], "没有研究文件 'nowhere.toml'"),
    ],
)
def test_refusals_are_chinese(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with sp.language("zh"):
        code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Error" not in err
    with sp.language("en"):
        assert run(capsys, *words)[0] == 2


def test_steps_are_told_in_chinese_and_kept_in_english(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    panel = ("--panel", "nc_crime", "--common")
    assert "面板中没有、自地图剔除" in run(capsys, "moran", "nc", "crmrte", *panel, "--lang", "zh")[2]
    words = ("moran", "nc", "bir74", "--permutations", "9", "--out", str(tmp_path), "--lang", "zh")
    code, out, err = run(capsys, *words)
    assert code == 0
    assert "bir74 的莫兰指数，置换 9 次 ... " in err
    assert all(CHINESE.search(line) for line in err.splitlines())
    assert f"已写入 {tmp_path}：" in out
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert "Moran's I of bir74, 9 permutations" in record["seconds"]


def test_samples_and_plans_are_listed_in_chinese(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "100 个个体，编号列 fips" in run(capsys, "data", "--lang", "zh")[1]
    assert "模拟数据，真值已知" in run(capsys, "data", "sun-simulated", "--lang", "zh")[1]
    study = tmp_path / "study.toml"
    study.write_text(
        'language = "zh"\n[data]\nsample = "nc"\n[weights.W]\nspec = "queen"\n', encoding="utf-8"
    )
    assert "没有需要修改之处（权重矩阵 1）" in run(capsys, "check", str(study))[1]
    plan = run(capsys, "check", str(study), "--plan")[1]
    assert plan.splitlines()[0].split() == ["步骤", "状态", "秒"]
    assert "待运行" in plan


@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.GB18030"}, "zh"),
        ({"LANG": "zh_TW.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "SPATIAL_LANG": "en"}, "en"),
    ],
)
def test_the_program_follows_the_language_of_the_system(
    variables: dict[str, str], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "SPATIAL_LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _of_system() == lang


def test_lines_break_between_chinese_and_never_within_a_word() -> None:
    text = "给出莫兰指数；加 --out 还写出 CSV、图、地图（等面积投影），以及 postgresql://user@host 的报告。"
    lines = wrapped(text, 24)
    assert max(map(width, lines)) <= 24
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert not any(line[0] in "，。；：、）" for line in lines)
    assert "postgresql://user@host" in " ".join(lines)


def test_a_study_begins_in_the_language_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "研究.toml"
    assert "已写入" in run(capsys, "new", str(file), "--lang", "zh")[1]
    text = file.read_text(encoding="utf-8")
    assert "# ---- 权重矩阵" in text
    assert 'language = "zh"' in text
    assert "没有需要修改之处" in run(capsys, "check", str(file))[1]
    assert run(capsys, "run", str(file), "--only", "tables: table1_description", "--quiet")[0] == 0
    written = tmp_path / "out" / "tables" / "table1_description.md"
    assert "犯罪率（对数）" in written.read_text(encoding="utf-8")
    run(capsys, "new", str(file), "--force", "--lang", "en")
    assert "# ---- weights" in file.read_text(encoding="utf-8")
    run(capsys, "new", str(file), "--force", "--like", "sun")
    assert 'language = "zh"' in file.read_text(encoding="utf-8")
    run(capsys, "new", str(file), "--force", "--like", "sun", "--lang", "en")
    assert 'language = "en"' in file.read_text(encoding="utf-8")


def test_the_start_in_chinese_is_the_same_study() -> None:
    english, chinese = (tomllib.loads(starter(lang)) for lang in ("en", "zh"))
    assert (english.pop("language"), chinese.pop("language")) == ("en", "zh")
    assert chinese.pop("en") == english.pop("title")
    assert chinese.pop("title") == "北卡罗来纳的犯罪与警力"
    assert english == chinese
    comments = [[line.partition("#")[2] for line in starter(lang).splitlines()] for lang in ("en", "zh")]
    assert sum(map(bool, comments[0])) <= sum(map(bool, comments[1]))  # nothing is left out
