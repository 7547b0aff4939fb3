"""Run the audit, or print one question as a script of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from audit import (  # noqa: F401  each registers its questions
    alignment,
    inference,
    missing,
    panels,
    places,
    policies,
    scales,
    systems,
)
from audit.page import losses, page
from audit.question import QUESTIONS, ask
from audit.script import script


def main() -> None:
    """Write the page to the path given, or print the script of NAME PROGRAM."""
    if len(sys.argv) == 3:
        print(script(QUESTIONS[sys.argv[1]], sys.argv[2]))
        return
    answers = []
    for asked in QUESTIONS.values():
        for program in asked.programs:
            answers.append(ask(asked, program))
            said = answers[-1]
            print(f"{asked.name:32} {program:16} {said.verdict:22} {said.said}", flush=True)
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(page(answers), encoding="utf-8")
    if losses(answers):
        sys.exit("spatial is wrong on " + ", ".join(losses(answers)))


main()
