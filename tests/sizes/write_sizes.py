"""Measure all sizes and write their table into docs/simulation.md: ``make sizes``; a number limits draws."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # helpers of the tests

from size_engine import ROOT, measure
from size_list import SIZES

PAGE = ROOT / "docs" / "simulation.md"
START, END = "<!-- sizes: written by tests/sizes/write_sizes.py -->", "<!-- end of sizes -->"


def table(most: int) -> tuple[str, int]:
    """Return the table in Markdown, and how many rows are out of bounds."""
    lines, out = ["| what is printed | design | bounds | measured | draws |", "|---|---|---|---:|---:|"], 0
    for size in SIZES:
        found = measure(size.design, min(size.design.full, most))[size.key]
        good = found.within(size)
        out += not good
        measured = f"{found.share:.3f}" + ("" if good else " **out**")
        words = size.design.words + (f"; {size.note}" if size.note else "")
        lines.append(f"| {size.test} | {words} | {size.low:g}-{size.high:g} | {measured} | {found.draws} |")
        print(lines[-1], flush=True)
    return "\n".join(lines), out


def write(page: Path, text: str) -> None:
    """Replace what stands between the two marks."""
    given = page.read_text(encoding="utf-8")
    before, rest = given.split(START)
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    text, out = table(int(sys.argv[1]) if len(sys.argv) > 1 else 10**9)
    write(PAGE, text)
    sys.exit(f"{out} sizes are out of their bounds" if out else 0)
