"""What was measured on this machine before: a row a case, with date and commit, no part of the project."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from harness import Case, Found

__all__ = ["remember", "show"]

HISTORY = Path(__file__).parent / "history.jsonl"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HISTORY.parent)
    return done.stdout.strip()


def remember(found: Found) -> None:
    """Add a row to the history: small, and of this machine, so that it is not part of the project."""
    when = time.strftime("%Y-%m-%d %H:%M")
    row = {"work": found.case.work, "who": found.case.who, "commit": _commit(), "date": when}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | {key: round(value, 4) for key, value in found.numbers.items()}) + "\n")


def show(cases: Sequence[Case]) -> None:
    """Print the rows of these cases, the oldest first."""
    lines = HISTORY.read_text(encoding="utf-8").splitlines() if HISTORY.exists() else []
    wanted = {(case.work, case.who) for case in cases}
    print("| work | who | date | commit | CPU, s | in all, MB |\n|---|---|---|---|---|---|")
    for row in sorted(map(json.loads, lines), key=lambda row: (row["work"], row["who"], row["date"])):
        if (row["work"], row["who"]) in wanted:
            cells = (row["work"], row["who"], row["date"], row["commit"], f"{row['cpu']:.3g}")
            print("| " + " | ".join(cells) + f" | {row['whole_mb']:.0f} |")
