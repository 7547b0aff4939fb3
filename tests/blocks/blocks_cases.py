"""Jobs for other processes: work in odd order, and work that fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import spatial as sp
from spatial.weights import Weights


@dataclass(frozen=True)
class Waves:
    """A task is a number, its part 50 draws that depend on it and on the seed alone; late in odd order."""

    seed: int
    wait: float = 0.0

    def prepare(self) -> Callable[[int], np.ndarray]:
        def work(task: int) -> np.ndarray:
            rng = np.random.default_rng([self.seed, task])
            time.sleep(self.wait * float(rng.uniform()))
            return np.exp(rng.normal(size=50))

        return work


@dataclass(frozen=True)
class Broken:
    """A task that cannot be done."""

    def prepare(self) -> Callable[[int], np.ndarray]:
        def work(task: int) -> np.ndarray:
            raise ValueError(f"task {task} is broken")

        return work


def system_data(n: int, t: int, seed: int = 0) -> tuple[pd.DataFrame, Weights]:
    """Return a panel of a system of two equations on a ring of n cities, and its weights."""
    rng = np.random.default_rng(seed)
    ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1) + np.roll(np.eye(n), 2, axis=1)
    ids = [f"c{i:03d}" for i in range(n)]
    W = Weights.from_dense(ring, ids).row_standardized()
    dense = W.sparse.toarray()
    a, b, e, v = (rng.normal(size=(t, n)) + rng.normal(size=n) for _ in range(4))
    e = np.linalg.solve(np.eye(n) - 0.4 * dense, e.T).T
    left = np.block([[np.eye(n) - 0.3 * dense, -0.4 * np.eye(n)], [0.2 * np.eye(n), np.eye(n) - 0.2 * dense]])
    right = np.hstack([a + e, b + 0.5 * b @ dense.T + v + 0.5 * e])
    both = np.linalg.solve(left, right.T).T
    frame = pd.DataFrame(
        {
            "city": np.tile(ids, t),
            "year": np.repeat(np.arange(2000, 2000 + t), n),
            "y": both[:, :n].ravel(),
            "p": both[:, n:].ravel(),
            "a": a.ravel(),
            "b": b.ravel(),
        }
    )
    return frame.sort_values(["city", "year"], ignore_index=True), W


def open_panel_of(frame: pd.DataFrame, folder: Path, layout: str) -> sp.OpenPanel:
    """Write a panel in one file, a file or a folder for each year, or files of two years, and open it."""
    folder.mkdir(exist_ok=True)
    if layout == "one":
        frame.to_parquet(folder / "all.parquet")
    for year, part in frame.groupby("year"):
        if layout == "years":
            part.to_parquet(folder / f"{year}.parquet")
        if layout == "folders":
            (folder / f"year={year}").mkdir()
            part.drop(columns="year").to_parquet(folder / f"year={year}" / "part.parquet")
    if layout == "mixed":
        for k, (_, part) in enumerate(frame.groupby(frame["year"] // 2)):
            part.to_parquet(folder / f"part{k}.parquet")
    return sp.open_panel(folder, unit="city", time="year")
