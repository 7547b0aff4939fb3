"""A question with its true answer, the programs that are asked, and the verdict on what each says."""

from __future__ import annotations

import contextlib
import io
import math
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

REFUSE = float("nan")  # the truth of a question that has no answer: any number is wrong

VERDICTS = ("right", "refused", "wrong, with a warning", "wrong in silence", "not installed")


@dataclass(frozen=True)
class Question:
    """One adversarial input.

    Attributes
    ----------
    name : str
        The question's key.
    family : str
        The page's section.
    text : str
        What is asked, in a sentence.
    truth : float
        The right answer, worked out in numpy; ``REFUSE`` where there is none.
    tolerance : float
        Largest distance from the truth that is right.
    programs : dict of str to callable
        Each program's way to the answer.
    """

    name: str
    family: str
    text: str
    truth: float
    tolerance: float
    programs: dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Answer:
    """What a program said to a question, and the verdict."""

    question: Question
    program: str
    verdict: str
    said: str


QUESTIONS: dict[str, Question] = {}


def question(
    family: str, truth: float | Callable[[], float], *, tolerance: float = 1e-8
) -> Callable[[type], type]:
    """Register a class as a question: its docstring asks, each function is a program's way to answer."""

    def register(asked: type) -> type:
        programs = {
            name: member
            for name, member in vars(asked).items()
            if callable(member) and not name.startswith("_")
        }
        value = truth() if callable(truth) else truth
        text = " ".join((asked.__doc__ or "").split())
        QUESTIONS[asked.__name__] = Question(asked.__name__, family, text, value, tolerance, programs)
        return asked

    return register


def ask(asked: Question, program: str) -> Answer:
    """Put a question to a program."""
    with _quiet(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            value = float(asked.programs[program]())
        except ModuleNotFoundError as error:
            return Answer(asked, program, "not installed", str(error))
        except Exception as error:  # whatever a program raises is its refusal
            return Answer(asked, program, "refused", f"{type(error).__name__}: {_first_line(error)}")
    if math.isnan(value):
        return Answer(asked, program, "refused", "NaN")
    if not math.isnan(asked.truth) and abs(value - asked.truth) <= asked.tolerance:
        return Answer(asked, program, "right", f"{value:.6g}")
    told = [w for w in warned if issubclass(w.category, UserWarning | RuntimeWarning)]
    return Answer(asked, program, "wrong, with a warning" if told else "wrong in silence", f"{value:.6g}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:90] if lines else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing that a program prints reaches the terminal, its compiled parts included."""
    with (
        open(os.devnull, "w") as null,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(null),
    ):
        yield
