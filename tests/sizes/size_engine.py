"""What a row of the list of sizes is, how it is measured, and which functions must have one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Design", "Measured", "Size", "measure", "p_value_functions"]

LEVEL = 0.05
ROOT = Path(__file__).resolve().parents[2]
PLACES = {"spatial": "spatial", "weights": "spatial.weights", "models": "spatial.models"}

# A call of one of these makes a p-value, or a test that will print one.
TAILS = {
    "HypothesisTest",
    "betainc",
    "chdtrc",
    "fdtrc",
    "gammaincc",
    "ndtr",
    "normal_p",
    "permutation_p",
    "stdtr",
    "wald",
}
TAIL_METHODS = {"cdf", "sf"}  # of scipy's distributions


@dataclass(frozen=True)
class Design:
    """A data generating process under the null, and what is tested on one sample of it.

    Parameters
    ----------
    words : str
        The design for a reader: errors, N, T.
    draw : callable
        ``draw(rng)`` makes one sample and returns, by name, a p-value (an array: one a unit), or a bool:
        whether an interval covers.
    full, light : int
        Samples in `make sizes`, and in `make test`.
    """

    words: str
    draw: Callable[[np.random.Generator], Mapping[str, Any]]
    full: int = 1000
    light: int = 60


@dataclass(frozen=True)
class Size:
    """One row: a printed p-value (or interval), the design it is measured in, and the bounds of its size.

    Parameters
    ----------
    test : str
        As it is printed.
    key : str
        Name of its p-value in what the design returns.
    design : Design
    low, high : float
        Bounds of the true frequency of p <= 0.05, or of coverage; three standard errors of the simulation
        are added when it is measured.  Usually .035-.065, or .92-.98 of coverage: wider ones have a note.
    functions : tuple of str
        Where the p-value is made, as "spatial.autocorrelation.global_moran:moran".
    note : str
        What the bounds allow for, where they are not about the level itself.
    """

    test: str
    key: str
    design: Design
    low: float
    high: float
    functions: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """Frequency of the event (p <= 0.05, or coverage), and the number of samples."""

    share: float
    draws: int

    @property
    def error(self) -> float:
        """Standard error of the share, not below that of a share of 1/draws."""
        share = min(max(self.share, 1 / self.draws), 1 - 1 / self.draws)
        return float(np.sqrt(share * (1 - share) / self.draws))

    def within(self, size: Size) -> bool:
        """Whether the share is inside the bounds, up to three standard errors of the simulation."""
        return size.low - 3 * self.error <= self.share <= size.high + 3 * self.error


@cache
def measure(design: Design, draws: int) -> dict[str, Measured]:
    """Draw `draws` samples, seeded by the design's words, and return the frequency of each event."""
    rng = np.random.default_rng(list(design.words.encode()))
    events: dict[str, list[float]] = {}
    for _ in range(draws):
        for key, value in design.draw(rng).items():
            given = np.asarray(value)
            event = given if given.dtype == bool else given[np.isfinite(given)] <= LEVEL
            if event.size:
                events.setdefault(key, []).append(float(np.mean(event)))
    return {key: Measured(float(np.mean(found)), len(found)) for key, found in events.items()}


def p_value_functions() -> Iterator[str]:
    """Yield the functions of the package that make a p-value or a test, as "module:function"."""
    for folder, package in PLACES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if folder == "spatial" and parts[0] in ("models", "weights", "shapefiles"):
                continue  # links to the folders at the root
            module = ".".join([package, *(p for p in parts if p != "__init__")])
            text = path.read_text(encoding="utf-8")
            if not any(f"{name}(" in text for name in TAILS | TAIL_METHODS):
                continue
            tree = ast.parse(text)
            yield from (f"{module}:{name}" for name in sorted(set(_makers(tree, ""))))


def _makers(node: ast.AST, inside: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        name = inside
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            name = f"{inside}.{child.name}".lstrip(".")
        if isinstance(child, ast.Call):
            called = child.func
            if (isinstance(called, ast.Name) and called.id in TAILS) or (
                isinstance(called, ast.Attribute) and called.attr in TAILS | TAIL_METHODS
            ):
                yield inside or "module"
        yield from _makers(child, name)
