"""Refusals in Chinese: the catalogue, what is still English, and what a reader of a Chinese study meets."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_cases import FAILING, STUDY, lay_out, run

from spatial.cli import main
from spatial.languages.messages import in_language
from spatial.study.run import StudyError, StudyRunError, check_study


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "weights.W: The data have no column 'gpd'. Did you mean 'gdp'?",
            "weights.W：数据中没有列 'gpd'。是否指 'gdp'？",
        ),
        (
            "12 of 160 never-treated units are beyond 200 km of every treated one; 20 are needed. "
            'Nearer rings, as [0, 100], leave 61; or exposure="both".',
            "从未处理的 160 个个体中有 12 个距每个受处理者都在 200 千米以外；需要 20 个。"
            '较近的圈层（如 [0, 100]）留下 61 个；或取 exposure="both"。',
        ),
        (
            "robustness.r.where: 'coastal = 1' stops at '=': write '==' for equal.",
            "robustness.r.where：'coastal = 1' 在 '=' 处停下：相等请写 '=='。",
        ),
        ("2 of 9 steps failed; the others are in out", "9 个步骤中有 2 个失败；其余结果在 out"),
        ("nobody has said this", "nobody has said this"),
    ],
)
def test_a_message_keeps_its_values(english: str, chinese: str) -> None:
    assert in_language(english, "zh") == chinese
    assert in_language(english, "en") == english


def test_a_chinese_study_is_refused_in_chinese(tmp_path: Path) -> None:
    text = 'language = "zh"\n' + STUDY.replace('"q ~ ly', '"q ~ lyy').replace("permutations", "permutation")
    with pytest.raises(StudyError) as caught:
        check_study(lay_out(tmp_path, text))
    said = str(caught.value)
    assert "没有这个键。是否指 'permutations'？可用的键：" in said
    assert "数据中没有列 'lyy'。是否指 'ly'？" in said
    assert "There" not in said
    assert "Did you" not in said


def test_steps_of_a_chinese_study_fail_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(StudyRunError) as caught:
        run(lay_out(tmp_path, 'language = "zh"\n' + FAILING))
    assert "个步骤中有" in str(caught.value)


def test_commands_refuse_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["moran", "nc", "bir74x", "--lang", "zh"])
    said = capsys.readouterr().err
    assert "没有" in said
    assert "Did you mean" not in said
