"""Refusals in Chinese: the catalogue, what is still English, and what a reader of a Chinese study meets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from study_cases import FAILING, STUDY, lay_out, run

from spatial.cli import main
from spatial.languages.messages import in_language, message, templates
from spatial.study.run import StudyError, StudyRunError, check_study
from spatial.words import Said

ROOT = Path(__file__).parents[3]
ROOMS = (
    "models/policy",
    "models/mechanisms",
    "models/limited",
    "models/sensitivity",
    "models/choice",
    "spatial/study",
)
STILL_ENGLISH = {
    "{} is no part of this package",
    "{}.{} is no data class of this package",
    "{}.{} is no warning of this package",
}
"""Messages of these rooms without Chinese.  The list may only shrink: write the Chinese of a new message."""


def _template(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in values]
            return "".join(str(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = (_template(left), _template(right))
            return None if None in both else "".join(str(part) for part in both)
    return None


def _raised(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = ast.unparse(node.exc.func)
                text = _template(node.exc.args[0])
                # A TypeError is for programmers; a text made elsewhere is found there.
                if (
                    text is not None
                    and re.fullmatch(r"(\w+Error)", name)
                    and name not in ("TypeError", "KeyError")
                ):
                    yield text


def _is_chinese(template: str) -> bool:
    return template in templates() or isinstance(message(template.replace("{}", "x")), Said)


def test_what_is_still_english() -> None:
    found = {text for room in ROOMS for text in _raised(ROOT / room) if not _is_chinese(text)}
    assert found - STILL_ENGLISH == set(), "write their Chinese in spatial.languages.messages.tsv"
    assert STILL_ENGLISH - found == set(), "these have Chinese, or are gone: the list shrinks"


def test_each_line_fills_in_what_the_english_does() -> None:
    for english, chinese in templates().items():
        places = [int(k) for k in re.findall(r"\{(\d+)\}", chinese)]
        assert all(k < english.count("{}") for k in places), english
        assert re.search(r"[\u4e00-\u9fff]", chinese), english


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
