"""The audit as a page."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from importlib import metadata

from audit.question import VERDICTS, Answer

_DISTRIBUTIONS = {"spatial": "spatial-cities", "diff_diff": "diff-diff"}
_WAYS = {  # several ways of one package
    "libpysal_graph": "libpysal",
    "libpysal_arc": "libpysal",
    "linearmodels_gmm": "linearmodels",
    "pygeoda_arc": "pygeoda",
    "spreg_ml": "spreg",
}


def page(answers: Sequence[Answer]) -> str:
    """Write every question, what each program said, and how each program did on the whole."""
    asked = {a.question.name: a.question for a in answers}
    programs = sorted({_package(a.program) for a in answers} - {"spatial"})
    lines = [
        "# What other programs do with odd inputs",
        "",
        f"{len(asked)} adversarial inputs were put to this project and to {len(programs)} other programs on "
        f"{datetime.date.today():%d %B %Y}. For each there is one right answer, worked out in numpy, or "
        "none, where a refusal is right. *Right* is the true number; *refused* an error or NaN; *wrong, with "
        "a warning* and *wrong in silence* are other numbers. `make audit` writes this page anew, and fails "
        "where this project is wrong; `python -m audit NAME PROGRAM` prints any line as a script "
        "that stands by itself.",
        "",
        "A program is asked only what it offers, so the rows are no scores: the inputs were chosen where "
        "something goes wrong somewhere, and first among them are faults that this project once had.",
        "",
        *_table(["program", "version", *VERDICTS[:4]], _totals(answers, ["spatial", *programs])),
        "",
        f"Losses of this project: {', '.join(f'`{name}`' for name in losses(answers)) or 'none'}.",
    ]
    for family in dict.fromkeys(a.question.family for a in answers):
        rows = [a for a in answers if a.question.family == family]
        lines += ["", f"## {family}", ""]
        for name in dict.fromkeys(a.question.name for a in rows):
            lines += _entry([a for a in rows if a.question.name == name])
    return "\n".join(lines) + "\n"


def losses(answers: Iterable[Answer]) -> list[str]:
    """Return the questions on which this project is wrong, or refuses what has an answer."""
    own = [a for a in answers if a.program == "spatial"]
    return [
        a.question.name for a in own if a.verdict != ("refused" if math.isnan(a.question.truth) else "right")
    ]


def _entry(answers: Sequence[Answer]) -> list[str]:
    question = answers[0].question
    truth = "none: refuse" if question.truth != question.truth else f"{question.truth:.6g}"
    rows = [[a.program, a.verdict, _plain(a.said)] for a in answers]
    return [
        f"**{question.name}.** {question.text} True answer: {truth}.",
        "",
        *_table(["program", "verdict", "said"], rows),
        "",
    ]


def _totals(answers: Iterable[Answer], programs: Sequence[str]) -> list[list[str]]:
    rows = []
    for program in programs:
        own = [a.verdict for a in answers if _package(a.program) == program]
        rows.append([program, _version(program), *(str(own.count(v)) for v in VERDICTS[:4])])
    return rows


def _package(program: str) -> str:
    return _WAYS.get(program, program)


def _version(program: str) -> str:
    try:
        return metadata.version(_DISTRIBUTIONS.get(program, program))
    except metadata.PackageNotFoundError:
        return "not installed"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
