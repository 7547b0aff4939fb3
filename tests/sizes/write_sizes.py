"""Measure all sizes: ``make sizes``; a number limits draws, words measure the designs that have them alone.

    python tests/sizes/write_sizes.py                        # all
    python tests/sizes/write_sizes.py 200 "random effects"   # some, in 200 draws; the others as they were

After each design the table goes into docs/simulation.md, and a line for each row into
spatial/proof/sizes.jsonl, where `sp.evidence` finds what was measured of each function.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # helpers of the tests

from size_audit import AUDIT
from size_engine import ROOT, Design, Measured, Size, measure
from size_list import SIZES
from size_names import names_of

PAGE = ROOT / "docs" / "simulation.md"
ROWS = ROOT / "spatial" / "proof" / "sizes.jsonl"
START, END = "<!-- sizes: written by tests/sizes/write_sizes.py -->", "<!-- end of sizes -->"
AUDIT_START, AUDIT_END = "<!-- audit: written by tests/sizes/write_sizes.py -->", "<!-- end of audit -->"


def known_of(size: Size, known: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the row that was measured of it before, with today's words and bounds."""
    words = size.design.words
    for row in known:
        if row["test"] == size.test and f"{row['design']}; ".startswith(f"{words}; "):
            return row_of(size, Measured(row["share"], row["draws"]), row["date"])
    return None


def row_of(size: Size, found: Measured, date: str) -> dict[str, Any]:
    """Return a row of evidence."""
    words = size.design.words + (f"; {size.note}" if size.note else "")
    bounds = {"low": size.low, "high": size.high}
    measured = {"share": round(found.share, 4), "draws": found.draws, "date": date}
    return {"names": names_of(size), "test": size.test, "design": words} | bounds | measured


def is_within(size: Size, row: dict[str, Any]) -> bool:
    return Measured(row["share"], row["draws"]).within(size)


def line(size: Size, row: dict[str, Any]) -> str:
    """Return a row in Markdown."""
    measured = f"{row['share']:.3f}" + ("" if is_within(size, row) else " **out**")
    return f"| {row['test']} | {row['design']} | {size.low:g}-{size.high:g} | {measured} | {row['draws']} |"


def chosen_designs(chosen: list[str], rows: list[dict[str, Any] | None]) -> list[Design]:
    """Return the designs to measure: those that have the words, in their order, then those of no row."""
    missing = [size.design for size, row in zip(SIZES, rows, strict=True) if row is None]
    named = [size.design for part in chosen for size in SIZES if part in size.design.words]
    return list(dict.fromkeys(named + missing if chosen else [size.design for size in SIZES]))


def save(rows: list[dict[str, Any] | None]) -> None:
    """Write the tables and the rows of evidence: of what has been measured."""
    known = [(size, row) for size, row in zip(SIZES, rows, strict=True) if row is not None]
    head = ["| what is printed | design | bounds | measured | draws |", "|---|---|---|---:|---:|"]
    write(PAGE, "\n".join(head + [line(size, row) for size, row in known]))
    write(PAGE, audit_table({id(size): row["share"] for size, row in known}), AUDIT_START, AUDIT_END)
    ROWS.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for _, row in known), encoding="utf-8")


def audit_table(shares: dict[int, float]) -> str:
    """Return what an audit measured of each item, and what is measured now."""
    lines = ["| item | the audit | now | by |", "|---|---|---|---|"]
    for part in AUDIT:
        now = ", ".join(f"{shares[id(size)]:.3f}" for size in part.rows if id(size) in shares)
        lines.append(f"| {part.item} | {part.before} | {now or 'not measured'} | {part.said} |")
    return "\n".join(lines)


def write(page: Path, text: str, start: str = START, end: str = END) -> None:
    """Replace what stands between the two marks."""
    given = page.read_text(encoding="utf-8")
    before, rest = given.split(start)
    page.write_text(f"{before}{start}\n\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    given = sys.argv[1:]
    most = int(given.pop(0)) if given and given[0].isdigit() else 10**9
    known = [json.loads(text) for text in ROWS.read_text(encoding="utf-8").splitlines()]
    rows = [known_of(size, known) for size in SIZES]
    for design in chosen_designs(given, rows):
        found, today = measure(design, min(design.full, most)), datetime.datetime.now(datetime.UTC).date()
        for place, size in enumerate(SIZES):
            if size.design is design:
                rows[place] = row = row_of(size, found[size.key], today.isoformat())
                print(line(size, row), flush=True)
        save(rows)  # what is measured stays, though the next is stopped
    save(rows)
    out = sum(row is None or not is_within(size, row) for size, row in zip(SIZES, rows, strict=True))
    sys.exit(f"{out} sizes are out of their bounds" if out else 0)
