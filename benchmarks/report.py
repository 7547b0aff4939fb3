"""What a run found, as a table, and in words: where we trail, how works grow, what of the bus they use."""

from __future__ import annotations

import math
import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from harness import Found
from numpy.typing import NDArray

__all__ = ["HEAD", "Speed", "bus", "curves", "facts", "lines_below", "markdown", "row", "written"]

HEAD = (
    "| work | who | first call, s | wall, s | CPU, s | memory, MB | in all, MB | aim, CPU-s | rounds |\n"
    "|---|---|---|---|---|---|---|---|---|"
)
_PACKAGES = [
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "polars",
    "pyarrow",
    "pyogrio",
    "libpysal",
    "esda",
    "spreg",
    "pygeoda",
]
_BEGIN, _END = "<!-- from here to the end mark: written by benchmarks/{} --write -->", "<!-- end mark -->"


def row(found: Found) -> str:
    """Return the row of one case."""
    case = found.case
    if found.reason:
        return f"| {case.work} | {case.who} | {found.reason} | | | | | {case.aim} | |"
    n = found.numbers
    cells = f"{n['first']:.3g} | {n['wall']:.3g} | {n['cpu']:.3g} | {n['peak_mb']:.0f} | {n['whole_mb']:.0f}"
    return f"| {case.work} | {case.who} | {cells} | {case.aim} | {found.rounds} |"


@dataclass(frozen=True)
class Speed:
    """Bytes a second, read and written, of a copy: onto memory that is there, and into new memory."""

    there: float
    new: float

    def __str__(self) -> str:
        return f"{self.there / 1e9:.0f} GB a second, into new memory {self.new / 1e9:.0f}"


def bus() -> Speed:
    """Return the speeds of a copy of 160 MB on two threads, each the best of five.

    What a product is put into is new: the system clears it before, which is a third way over the bus.
    """
    source = np.arange(20_000_000, dtype=np.float64)
    target = np.zeros_like(source)
    return Speed(_copying(source, lambda: target), _copying(source, lambda: np.empty_like(source)))


def _copying(source: NDArray[np.float64], target_of: Callable[[], NDArray[np.float64]]) -> float:
    half, seconds = len(source) // 2, []

    def copy(target: NDArray[np.float64], part: slice) -> None:
        np.copyto(target[part], source[part])

    for _ in range(5):
        start = time.perf_counter()
        target = target_of()
        threads = [
            threading.Thread(target=copy, args=(target, part)) for part in (slice(half), slice(half, None))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds.append(time.perf_counter() - start)
        del target
    return 2 * source.nbytes / min(seconds)


def _by_work(found: Sequence[Found]) -> list[list[Found]]:
    works = dict.fromkeys(one.case.work for one in found)
    return [[one for one in found if one.case.work == work and one.numbers] for work in works]


def trailing(found: Sequence[Found]) -> list[str]:
    """Say in which works the fastest peer takes fewer CPU seconds than we do."""
    out = []
    for rows in _by_work(found):
        ours = min((o for o in rows if o.case.is_ours), key=lambda o: o.numbers["cpu"], default=None)
        peer = min((o for o in rows if not o.case.is_ours), key=lambda o: o.numbers["cpu"], default=None)
        if ours and peer and ours.numbers["cpu"] > peer.numbers["cpu"]:
            a, b = ours.numbers, peer.numbers
            out.append(
                f"We trail in {ours.case.work}: {a['cpu']:.3g} CPU-s ({a['wall']:.3g} s), where "
                f"{peer.case.who} takes {b['cpu']:.3g} ({b['wall']:.3g} s)."
            )
    return out


def growth(found: Sequence[Found]) -> list[str]:
    """Say with which power of the size CPU seconds grow, over all sizes and over the last step."""
    out = []
    sized = [one for one in found if one.case.size and one.case.is_ours and one.numbers]
    for label in dict.fromkeys(one.case.work.partition(",")[0] for one in sized):
        rows = sorted(
            (one.case.size, one.numbers["cpu"]) for one in sized if one.case.work.partition(",")[0] == label
        )
        if len(rows) < 2:
            continue
        seconds = "; ".join(f"{cpu:.3g} at {size:,}" for size, cpu in rows)
        whole, last = _power(rows[0], rows[-1]), _power(rows[-2], rows[-1])
        out.append(
            f"Growth of {label}: CPU seconds {seconds}: as N^{whole:.2f}, in the last step N^{last:.2f}."
        )
    return out


def _power(first: tuple[int, float], last: tuple[int, float]) -> float:
    return math.log(last[1] / first[1]) / math.log(last[0] / first[0])


def shares(found: Sequence[Found], speed: Speed) -> list[str]:
    """Say which part of the bus a work uses that must move so many bytes."""
    out = []
    for one in found:
        if one.case.moved and one.numbers:
            rate, cpu = (one.case.moved / one.numbers[clock] for clock in ("wall", "cpu"))
            out.append(
                f"The bus: {one.case.work}, {one.case.who}, moves {one.case.moved / 1e6:,.0f} MB at least, "
                f"{rate / 1e9:.1f} GB a second: {100 * rate / speed.there:.0f} percent of a copy onto memory "
                f"that is there, {100 * cpu / speed.there:.0f} by CPU seconds; {100 * rate / speed.new:.0f} "
                f"and {100 * cpu / speed.new:.0f} of a copy into new memory."
            )
    return out


def missed(found: Sequence[Found]) -> list[str]:
    """Say which aims are missed."""
    out = []
    for one in found:
        if one.case.aim and one.numbers and one.numbers["cpu"] > float(one.case.aim):
            took = one.numbers["cpu"]
            out.append(f"Aim missed: {one.case.work}, {one.case.aim} CPU-s; took {took:.3g}.")
    return out


def lines_below(found: Sequence[Found], speed: Speed | None = None) -> list[str]:
    """Return what a run says below its table."""
    lines = [*trailing(found), *missed(found), *growth(found)]
    return [*lines, *shares(found, speed)] if speed else lines


def facts() -> str:
    """Return the day, the machine and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line), "")
    wide = ", AVX-512" if "avx512f" in info else ""
    known = []
    for package in dict.fromkeys((*_PACKAGES, "pygeoda")):
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            known.append(f"{package} not installed")
    machine = f"{cores} cores of {model or platform.processor()}{wide}"
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    return f"{when} UTC, {machine}, Python {platform.python_version()}; {', '.join(known)}."


def markdown(found: Sequence[Found], speed: Speed, load: tuple[float, float], minutes: float) -> str:
    """Return the part of the README that a run writes."""
    said = "\n".join(f"- {line}" for line in lines_below(found, speed))
    return (
        f"{facts()} Load, of others too, {load[0]:.1f} before and {load[1]:.1f} after the run of "
        f"{minutes:.0f} minutes; a copy on two threads moves {speed}.\n\n{HEAD}\n"
        + "\n".join(map(row, found))
        + f"\n\n{said}\n"
    )


def curves(found: Sequence[Found]) -> str:
    """Return a table of how works grow: CPU seconds by size, their power of it, and what the largest took."""
    sized = [one for one in found if one.case.size and one.numbers]
    sizes = sorted({one.case.size for one in sized})
    heads = [f"10^{math.log10(n):.3g}" for n in sizes]
    lines = [
        f"{facts()} CPU seconds; the power of N over all sizes and over the last step.",
        "",
        f"| work | {' | '.join(heads)} | grows as | last step | largest: wall, s | in all, GB |",
        "|---" * (len(sizes) + 5) + "|",
    ]
    for label in dict.fromkeys(one.case.work.partition(",")[0] for one in sized):
        rows = {one.case.size: one.numbers for one in sized if one.case.work.partition(",")[0] == label}
        known = sorted(rows)
        cells = [f"{rows[n]['cpu']:.3g}" if n in rows else "" for n in sizes]
        ends = [(n, rows[n]["cpu"]) for n in (known[0], *known[-2:])]
        powers = [f"N^{_power(end, ends[-1]):.2f}" if len(known) > 1 else "" for end in ends[:2]]
        last = rows[known[-1]]
        cells += [*powers, f"{last['wall']:.3g}", f"{last['whole_mb'] / 1000:.2g}"]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def written(readme: Path, block: str, program: str = "run.py") -> None:
    """Put the block between the marks of a program in the README."""
    text, begin = readme.read_text(encoding="utf-8"), _BEGIN.format(program)
    before, _, rest = text.partition(begin)
    readme.write_text(f"{before}{begin}\n\n{block}\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")
