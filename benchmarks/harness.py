"""Measure cases, each in a process of its own, ours in turn with its peers; keep the medians of all rounds.

A case is a function that prepares and returns the work as a callable without arguments.  Measured: wall
seconds of the first call in the process, with its imports and compilation from disk; wall and CPU seconds
(user and system, of the process and its children) of the best call; and the peak memory of the process above
what it held before the work, and in all.  Each row is added to ``history.jsonl``, which ``--history`` shows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Case", "Found", "folder", "made", "main", "measured", "work_of"]

Prepare = Callable[[], Callable[[], object]]
_FOLDER = "SPATIAL_BENCH_FOLDER"
_OWN: list[tempfile.TemporaryDirectory[str]] = []


@dataclass(frozen=True)
class Case:
    """One measurement: the work, who does it, and how to prepare it.

    `size` is the number of units where a work is measured at several sizes; `moved` the bytes that it must
    move at least, each once; `rounds` is fewer than the run's where a case takes long; `aim` is CPU seconds.
    """

    work: str
    who: str
    prepare: Prepare
    repeats: int = 3
    size: int = 0
    rounds: int = 99
    moved: float = 0.0
    aim: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is this project's."""
        return self.who.startswith("spatial")


@dataclass(frozen=True)
class Found:
    """What a case gave: the median of its rounds, or why there is none."""

    case: Case
    numbers: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    rounds: int = 0


def folder() -> Path:
    """Return the folder that all processes of a run share for the files that cases read."""
    if _FOLDER not in os.environ:
        _OWN.append(tempfile.TemporaryDirectory(prefix="spatial-bench-"))
        os.environ[_FOLDER] = _OWN[-1].name
    return Path(os.environ[_FOLDER])


def made(name: str, write: Callable[[Path], object]) -> Path:
    """Return a file of the shared folder, written when it is first asked for."""
    path = folder() / name
    if not path.exists():
        part = path.with_name(f"part-{name}")
        write(part)
        part.rename(path)
    return path


def _cpu() -> float:
    use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in use)


def _peak_mb() -> float:
    """Return the largest size of this program itself: `ru_maxrss` also knows the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _run(case: Case) -> dict[str, float]:
    work = case.prepare()
    before = _peak_mb()
    walls, cpus = [], []
    for _ in range(case.repeats):
        wall, cpu = time.perf_counter(), _cpu()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu() - cpu)
    best = cpus.index(min(cpus))
    peak = _peak_mb()
    return {
        "first": walls[0],
        "wall": walls[best],
        "cpu": cpus[best],
        "peak_mb": peak - before,
        "whole_mb": peak,
    }


def _in_its_own_process(script: str, number: int) -> dict[str, float] | str:
    """Return what a case gives, or why it gives nothing."""
    command = [sys.executable, script, "--case", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    absent = last.partition("No module named ")[2].strip("'")
    return f"not measured: {absent} is not installed" if absent else f"failed: {last[:120]}"


def work_of(cases: Sequence[Case]) -> list[list[int]]:
    """Return the numbers of the cases of each work, in the order of the list."""
    works = dict.fromkeys(case.work for case in cases)
    return [[k for k, case in enumerate(cases) if case.work == work] for work in works]


def measured(cases: Sequence[Case], script: str, rounds: int, only: str = "") -> Iterator[Found]:
    """Measure work by work: in each round all who do it, one after the other."""
    folder()
    for numbers in work_of(cases):
        if only not in cases[numbers[0]].work:
            continue
        kept: dict[int, list[dict[str, float]]] = {k: [] for k in numbers}
        reasons: dict[int, str] = {}
        for turn in range(rounds):
            for k in numbers:
                if turn < cases[k].rounds and k not in reasons:
                    one = _in_its_own_process(script, k)
                    if isinstance(one, str):
                        reasons[k] = one
                    else:
                        kept[k].append(one)
        for k in numbers:
            names = kept[k][0] if kept[k] else ()
            medians = {name: statistics.median(one[name] for one in kept[k]) for name in names}
            yield Found(cases[k], {} if k in reasons else medians, reasons.get(k, ""), len(kept[k]))


def main(cases: Sequence[Case], curve: str = "") -> None:
    """Run the cases of one file and print them, or the one named by ``--case NUMBER`` in its own process.

    With `curve`, the name of the file, ``--write`` puts how the works grow into README.md.
    """
    from history import remember, show
    from report import HEAD, curves, lines_below, row, written

    parser = argparse.ArgumentParser()
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="the works whose name contains this text")
    parser.add_argument("--rounds", type=int, default=1, help="how often all who do a work take turns; 1")
    parser.add_argument("--history", action="store_true", help="show what was measured before; run nothing")
    if curve:
        parser.add_argument("--write", action="store_true", help="put how the works grow into README.md")
    options = parser.parse_args()
    if options.history:
        show([case for case in cases if options.only in case.work])
        return
    if options.case is not None:
        print(json.dumps(_run(cases[options.case])))
        return
    print(HEAD, flush=True)
    found = []
    for one in measured(cases, sys.argv[0], options.rounds, options.only):
        found.append(one)
        print(row(one), flush=True)
        if one.numbers:
            remember(one)
    for line in lines_below(found):
        print(line)
    if curve and options.write:
        written(Path(__file__).parent / "README.md", curves(found), curve)
