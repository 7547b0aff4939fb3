"""Threads over independent tasks, with a progress bar on long runs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from spatial.errors import DataError

__all__ = ["check_workers", "progress_bar", "run_tasks", "wants_bar"]

Task = TypeVar("Task")

# Below this, starting threads costs more than it saves.
_WORTH_THREADS = 0.02
# A bar for a run that is over at once is only noise.
_WORTH_A_BAR = 2.0


def check_workers(workers: int | None) -> int:
    """Return the number of threads: all cores this process may use, or the number asked for."""
    if workers is None:
        affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
        return len(affinity(0)) if affinity else (os.cpu_count() or 1)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise DataError(f"workers must be a number of threads, 1 or more, or None for all; got {workers!r}.")
    return workers


def wants_bar(progress: bool | None, seconds: float) -> bool:
    """Whether to draw a bar: as asked, or by default on a terminal for runs of two seconds or more."""
    return progress if progress is not None else seconds > _WORTH_A_BAR and sys.stderr.isatty()


def run_tasks(
    tasks: Iterable[Task],
    prepare: Callable[[], Callable[[Task], int]],
    *,
    workers: int,
    total: int,
    seconds: float,
    progress: bool | None,
    label: str,
) -> None:
    """Run each task once, in any order, on `workers` threads.

    Parameters
    ----------
    tasks : iterable
        Handed out one at a time to whichever thread is free; what a task computes must not depend on that.
    prepare : callable
        Called once in each thread: allocates its workspace and returns ``work(task) -> steps done``.
    total : int
        Steps in all, for the bar.
    seconds : float
        Rough time on one thread: decides whether threads and a bar are worth their while.
    """
    pending, lock, stop = iter(tasks), threading.Lock(), threading.Event()

    def loop() -> None:
        work = prepare()
        while not stop.is_set():
            with lock:
                task = next(pending, None)
            if task is None:
                return
            done = work(task)
            with lock:
                bar.update(done)

    with progress_bar(total, label, wants_bar(progress, seconds / workers)) as bar:
        if workers == 1 or seconds < _WORTH_THREADS:
            loop()
            return
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(loop) for _ in range(workers)]
            try:
                for future in futures:
                    future.result()
            finally:
                stop.set()  # an error or Ctrl-C in one thread ends the others after their task


class _NoBar:
    def update(self, steps: int) -> None:
        pass

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def progress_bar(total: int, label: str, show: bool) -> Any:
    """Return a bar to be used in a ``with`` statement; one that does nothing where none is to be shown."""
    if not show:
        return _NoBar()
    from tqdm import tqdm

    return tqdm(total=total, desc=label, file=sys.stderr, leave=False)
