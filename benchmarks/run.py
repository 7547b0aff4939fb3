"""The table of the README (`make bench`), or the cases of some files (`benchmarks/run.py weights moran`)."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the table, or ``bench_*.py`` by name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="files of cases, as weights; without any: the table")
    parser.add_argument("--rounds", type=int, default=3, help="how often all who do a work take turns; 3")
    parser.add_argument("--only", default="", help="the works of the table whose name contains this text")
    parser.add_argument("--write", action="store_true", help="put what is found into README.md")
    options = parser.parse_args()
    if options.names:
        files = [HERE / f"bench_{name}.py" for name in options.names]
        return sum(subprocess.run([sys.executable, str(file)], check=False).returncode != 0 for file in files)
    return table(options.rounds, options.only, options.write)


def table(rounds: int, only: str, write: bool) -> int:
    """Run the table and print it as it comes; below: where we trail, growth, part of the bus."""
    from harness import measured
    from history import remember
    from report import HEAD, Speed, bus, lines_below, markdown, row, written
    from table import CASES

    start, load, speed, found = time.time(), os.getloadavg()[0], bus(), []
    print(HEAD, flush=True)
    for one in measured(CASES, str(HERE / "table.py"), rounds, only):
        found.append(one)
        print(row(one), flush=True)
        if one.numbers:
            remember(one)
    again = bus()
    speed = Speed(max(speed.there, again.there), max(speed.new, again.new))
    print("", *lines_below(found, speed), sep="\n")
    minutes = (time.time() - start) / 60
    print(f"A copy on two threads moves {speed}; {minutes:.1f} minutes.")
    if write:
        written(HERE / "README.md", markdown(found, speed, (load, os.getloadavg()[0]), minutes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
