"""Measure all sizes: ``make sizes``; a number limits draws, words measure the designs that have them alone.

    python tests/sizes/write_sizes.py                        # all
    python tests/sizes/write_sizes.py 200 "random effects"   # some, in 200 draws; the others as they were

The table goes into docs/simulation.md, and a line for each row into spatial/proof/sizes.jsonl, where
`sp.evidence` finds what was measured of each function.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # helpers of the tests

from size_audit import AUDIT
from size_engine import ROOT, Measured, Size, measure
from size_list import SIZES
from size_names import names_of

PAGE = ROOT / "docs" / "simulation.md"
ROWS = ROOT / "spatial" / "proof" / "sizes.jsonl"
START, END = "<!-- sizes: written by tests/sizes/write_sizes.py -->", "<!-- end of sizes -->"
AUDIT_START, AUDIT_END = "<!-- audit: written by tests/sizes/write_sizes.py -->", "<!-- end of audit -->"


def found_of(size: Size, most: int, chosen: list[str], known: list[dict[str, Any]]) -> tuple[Measured, str]:
    """Return what was measured of a row and when: now, or before where its design is not chosen."""
    words = size.design.words
    if chosen and not any(part in words for part in chosen):
        for row in known:
            if row["test"] == size.test and f"{row['design']}; ".startswith(f"{words}; "):
                return Measured(row["share"], row["draws"]), row["date"]
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return measure(size.design, min(size.design.full, most))[size.key], today


def table(most: int, chosen: list[str]) -> tuple[str, list[dict[str, Any]], int]:
    """Return the table in Markdown, the rows of evidence, and how many are out of bounds."""
    rows: list[dict[str, Any]] = []
    known = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    lines, out = ["| what is printed | design | bounds | measured | draws |", "|---|---|---|---:|---:|"], 0
    for size in SIZES:
        found, date = found_of(size, most, chosen, known)
        good = found.within(size)
        out += not good
        measured = f"{found.share:.3f}" + ("" if good else " **out**")
        words = size.design.words + (f"; {size.note}" if size.note else "")
        lines.append(f"| {size.test} | {words} | {size.low:g}-{size.high:g} | {measured} | {found.draws} |")
        rows.append(
            {
                "names": names_of(size),
                "test": size.test,
                "design": words,
                "low": size.low,
                "high": size.high,
                "share": round(found.share, 4),
                "draws": found.draws,
                "date": date,
            }
        )
        print(lines[-1], flush=True)
    return "\n".join(lines), rows, out


def audit_table(rows: list[dict[str, Any]]) -> str:
    """Return what an audit measured of each item, and what is measured now."""
    shares = {id(size): row["share"] for size, row in zip(SIZES, rows, strict=True)}
    lines = ["| item | the audit | now | by |", "|---|---|---|---|"]
    for part in AUDIT:
        now = ", ".join(f"{shares[id(size)]:.3f}" for size in part.rows)
        lines.append(f"| {part.item} | {part.before} | {now} | {part.said} |")
    return "\n".join(lines)


def write(page: Path, text: str, start: str = START, end: str = END) -> None:
    """Replace what stands between the two marks."""
    given = page.read_text(encoding="utf-8")
    before, rest = given.split(start)
    page.write_text(f"{before}{start}\n\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    given = sys.argv[1:]
    most = int(given.pop(0)) if given and given[0].isdigit() else 10**9
    text, rows, out = table(most, given)
    write(PAGE, text)
    write(PAGE, audit_table(rows), AUDIT_START, AUDIT_END)
    ROWS.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    sys.exit(f"{out} sizes are out of their bounds" if out else 0)
