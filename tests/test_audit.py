"""The audit of rivals, this project's side: right or refused in its own words, never wrong in silence."""

from __future__ import annotations

import runpy
import sys
from typing import Any

import pytest

from audit import alignment, inference, missing, panels, places, policies, scales, systems  # noqa: F401
from audit.question import QUESTIONS, ask
from audit.script import script
from spatial.errors import SpatialError


def _own_errors(tree: type[BaseException] = SpatialError) -> set[str]:
    return {tree.__name__}.union(*(_own_errors(kind) for kind in tree.__subclasses__()))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_the_answer_is_right_or_refused(name: str) -> None:
    answer = ask(QUESTIONS[name], "spatial")
    assert answer.verdict in ("right", "refused"), answer.said
    if answer.verdict == "refused":
        assert answer.said == "NaN" or answer.said.split(":")[0] in _own_errors()
        assert QUESTIONS[name].truth != QUESTIONS[name].truth, "a question that has an answer is answered"


def test_there_are_sixty_questions_and_each_is_put_to_a_rival() -> None:
    assert len(QUESTIONS) >= 60
    assert all(len(q.programs) >= 2 and "spatial" in q.programs for q in QUESTIONS.values())


def test_a_question_prints_as_a_script_that_runs_alone(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "question.py"
    path.write_text(script(QUESTIONS["GearyShuffledSeries"], "spatial"), encoding="utf-8")
    assert "audit" not in path.read_text(encoding="utf-8")
    runpy.run_path(str(path))
    said, truth = capsys.readouterr().out.split(" true: ")
    assert float(said) == pytest.approx(float(truth), rel=1e-12)
    assert "spatial" in sys.modules
