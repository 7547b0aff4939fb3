"""Jobs for other processes: work in odd order, work that fails, work whose worker is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


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
class Killed(Waves):
    """The same, but the first worker that takes one of the tasks `deadly` is killed in the middle of it."""

    folder: str = ""
    deadly: tuple[int, ...] = ()

    def prepare(self) -> Callable[[int], np.ndarray]:
        plain = super().prepare()

        def work(task: int) -> np.ndarray:
            if task in self.deadly:
                mark = Path(self.folder, f"{self.seed}-{task}")
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return plain(task)

        return work


@dataclass(frozen=True)
class Broken:
    """A task that cannot be done."""

    def prepare(self) -> Callable[[int], np.ndarray]:
        def work(task: int) -> np.ndarray:
            raise ValueError(f"task {task} is broken")

        return work
