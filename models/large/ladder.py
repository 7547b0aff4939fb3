r"""Columns and their lags, each once: of stems B the columns [B, WB, W^2B, ...] that are needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lags import RowLag

__all__ = ["Ladder", "Rung", "ladder_of", "lagged"]

Float = NDArray[np.float64]
Path = tuple[str, ...]
Rung = tuple[int, Path]
"""A stem, and the weights it is lagged by, one after the other."""


@dataclass(frozen=True, eq=False)
class Ladder:
    """Which lags of which stems there are.

    Parameters
    ----------
    steps : mapping of Path to tuple of int
        The stems at each path, () first; a path comes after the one it continues.
    """

    steps: Mapping[Path, tuple[int, ...]]

    @property
    def width(self) -> int:
        """K, the columns of all steps."""
        return sum(len(stems) for stems in self.steps.values())

    def places(self, rungs: Iterable[Rung]) -> list[int]:
        """Return where columns stand among those of all steps, side by side."""
        every = [(stem, path) for path, stems in self.steps.items() for stem in stems]
        known = {rung: place for place, rung in enumerate(every)}
        return [known[rung] for rung in rungs]

    def climb(self, stems: Float, operators: Mapping[str, RowLag], threads: int) -> list[Float]:
        """Return the columns of each step, (N, k) each, from the stems, (N, s)."""
        found: dict[Path, Float] = {(): stems}
        for path, mine in list(self.steps.items())[1:]:
            before = self.steps[path[:-1]]
            values = found[path[:-1]]
            if mine != before:
                values = np.ascontiguousarray(values[:, [before.index(stem) for stem in mine]])
            found[path] = operators[path[-1]].lagged(values, threads)
        return list(found.values())


def ladder_of(rungs: Iterable[Rung], stems: int) -> Ladder:
    """Return the ladder that holds these columns."""
    steps: dict[Path, set[int]] = {(): set(range(stems))}
    for stem, path in rungs:
        for k in range(1, len(path) + 1):
            steps.setdefault(path[:k], set()).add(stem)
    order = sorted(steps, key=len)
    return Ladder({path: tuple(sorted(steps[path])) for path in order})


def lagged(rungs: Iterable[Rung], name: str) -> list[Rung]:
    """Return the lags of columns by weights."""
    return [(stem, (*path, name)) for stem, path in rungs]
