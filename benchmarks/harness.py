"""Run each case in a process of its own, ours beside the peer's, and print one table.

A case is a function that prepares and returns the work as a callable without arguments. Shown: wall seconds
of the first call in the process (compilation and caches included) and of the best later call, CPU seconds
of that call, the peak memory of the process above what it held before the work, and its peak in all.  Below
the table: in which works we trail a peer, and how CPU seconds grow with the size where a work is measured at
several.  Each row is added to ``history.jsonl`` with its date and commit; rows of other commits of the same
work are shown by ``--history``.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Prepare = Callable[[], Callable[[], object]]
HISTORY = Path(__file__).parent / "history.jsonl"


@dataclass(frozen=True)
class Case:
    """One measurement: the work, who does it, and how to prepare it."""

    work: str
    who: str
    prepare: Prepare
    repeats: int = 3
    size: int = 0
    """Units, where the work is measured at several sizes."""


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _run(case: Case) -> dict[str, float]:
    work = case.prepare()
    before = _peak_mb()
    walls, cpus = [], []
    for _ in range(case.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    best = walls.index(min(walls))
    return {
        "first": walls[0],
        "best": walls[best],
        "cpu": cpus[best],
        "peak_mb": _peak_mb() - before,
        "whole_mb": _peak_mb(),
    }


def main(cases: list[Case]) -> None:
    """Run all cases, or the one named by ``--case INDEX`` inside its own process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="run the cases whose work contains this text")
    parser.add_argument(
        "--history", action="store_true", help="show what was measured before, and run nothing"
    )
    options = parser.parse_args()
    if options.history:
        _show_history([case for case in cases if options.only in case.work])
        return
    if options.case is not None:
        print(json.dumps(_run(cases[options.case])))
        return
    print("| work | who | first call, s | best call, s | CPU, s | peak memory, MB | in all, MB |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    found: list[tuple[Case, dict[str, float]]] = []
    for number, case in enumerate(cases):
        if options.only not in case.work:
            continue
        done = subprocess.run(
            [sys.executable, sys.argv[0], "--case", str(number)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            print(f"| {case.work} | {case.who} | failed: {reason[:120]} | | | | |", flush=True)
            continue
        m = json.loads(done.stdout.strip().splitlines()[-1])
        found.append((case, m))
        _remember(case, m)
        row = (
            f"{m['first']:.3g} | {m['best']:.3g} | {m['cpu']:.3g} | {m['peak_mb']:.0f} | {m['whole_mb']:.0f}"
        )
        print(f"| {case.work} | {case.who} | {row} |", flush=True)
    for line in [*_trailing(found), *_growth(found)]:
        print(line, flush=True)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=HISTORY.parent,
    )
    return done.stdout.strip()


def _remember(case: Case, m: dict[str, float]) -> None:
    """Add a row to the history: small, and of this machine, so that it is not part of the project."""
    row = {"work": case.work, "who": case.who, "commit": _commit(), "date": time.strftime("%Y-%m-%d %H:%M")}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | {key: round(value, 4) for key, value in m.items()}) + "\n")


def _show_history(cases: list[Case]) -> None:
    lines = HISTORY.read_text(encoding="utf-8").splitlines() if HISTORY.exists() else []
    wanted = {(case.work, case.who) for case in cases}
    print("| work | who | date | commit | CPU, s | in all, MB |\n|---|---|---|---|---|---|")
    for row in sorted(map(json.loads, lines), key=lambda row: (row["work"], row["who"], row["date"])):
        if (row["work"], row["who"]) in wanted:
            cells = (row["work"], row["who"], row["date"], row["commit"], f"{row['cpu']:.3g}")
            print("| " + " | ".join(cells) + f" | {row['whole_mb']:.0f} |")


def _trailing(found: list[tuple[Case, dict[str, float]]]) -> list[str]:
    """Say in which works the CPU seconds of the fastest peer are fewer than ours."""
    out = []
    for work in dict.fromkeys(case.work for case, _ in found):
        rows = [(case.who, m["cpu"]) for case, m in found if case.work == work]
        ours = min((cpu for who, cpu in rows if who.startswith("spatial")), default=math.nan)
        peer, best = min(
            ((who, cpu) for who, cpu in rows if not who.startswith("spatial")),
            key=lambda row: row[1],
            default=("", math.inf),
        )
        if ours > best:
            out.append(f"We trail in {work}: {ours:.3g} CPU-s, {peer} {best:.3g}.")
    return out


def _growth(found: list[tuple[Case, dict[str, float]]]) -> list[str]:
    """Say with which power of the size CPU seconds grow, between the smallest and the largest size."""
    out = []
    for label in dict.fromkeys(case.work.partition(",")[0] for case, _ in found if case.size):
        rows = sorted((c.size, m["cpu"]) for c, m in found if c.size and c.work.partition(",")[0] == label)
        (small, least), (large, most) = rows[0], rows[-1]
        if large > small:
            power = math.log(most / least) / math.log(large / small)
            out.append(f"Growth of {label}, {small:,} to {large:,}: CPU seconds as size^{power:.2f}.")
    return out
