"""The one place that runs tasks: on threads here, or on a Dask cluster, with the same bits on either.

Data fix the tasks and the order in which their parts are put together; workers never do.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from spatial.errors import DataError

if TYPE_CHECKING:
    from distributed import Client

    from .cluster import Cluster

    Executor = Client | int | None
    Workers = int | Cluster
else:
    Executor = Workers = Any

__all__ = [
    "Executor",
    "Job",
    "Workers",
    "blas_on_one_thread",
    "check_workers",
    "free_bytes",
    "progress_bar",
    "run_tasks",
    "wants_bar",
]

Task = TypeVar("Task")
Part = TypeVar("Part")
Task_in = TypeVar("Task_in", contravariant=True)
Part_out = TypeVar("Part_out", covariant=True)

# Below this, starting threads costs more than it saves.
_WORTH_THREADS = 0.02
# A bar for a run that is over at once is only noise.
_WORTH_A_BAR = 2.0


class Job(Protocol[Task_in, Part_out]):
    """The data that all tasks of one run need: a value that can be sent to another process.

    Where one of its fields is the same object in several runs, ``shared: ClassVar[str]`` names it: a cluster
    gets it once.
    """

    def prepare(self) -> Callable[[Task_in], Part_out]:
        """Allocate the workspace of one thread, and return what computes the part of a task."""


def check_workers(workers: int | None, executor: Executor = None) -> Workers:
    """Return where work runs: threads of this process, or the cluster of a `Client`.

    Parameters
    ----------
    workers : int, optional
        Threads; all cores that this process may use by default.
    executor : Client or int, optional
        A ``dask.distributed.Client``, or a number of threads.
    """
    if executor is not None:
        if workers is not None:
            raise DataError(f"executor says where work runs; leave workers out. Got workers={workers!r} too.")
        if not isinstance(executor, (int, float, str)):
            from .cluster import as_cluster

            return as_cluster(executor)
        return _threads(executor, "executor", "a dask.distributed.Client, a number of threads, 1 or more,")
    return _threads(workers, "workers", "a number of threads, 1 or more,")


def _threads(given: Any, name: str, needed: str) -> int:
    if given is None:
        affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
        return len(affinity(0)) if affinity else (os.cpu_count() or 1)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise DataError(f"{name} must be {needed} or None for all; got {given!r}.")
    return given


def free_bytes() -> float:
    """Memory that is free, as Linux says; elsewhere nothing is known, and nothing refused."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        return float("inf")
    return 1024.0 * int(found[1]) if found else float("inf")


def wants_bar(progress: bool | None, seconds: float) -> bool:
    """Whether to draw a bar: as asked, or by default on a terminal for runs of two seconds or more."""
    return progress if progress is not None else seconds > _WORTH_A_BAR and sys.stderr.isatty()


def run_tasks(
    tasks: Iterable[Task],
    job: Job[Task, Part],
    collect: Callable[[Task, Part], int],
    *,
    workers: Workers,
    total: int,
    seconds: float,
    progress: bool | None,
    label: str,
) -> None:
    """Run each task once, anywhere and in any order, and collect the parts in the order of the tasks.

    Parameters
    ----------
    tasks : iterable
        Handed out one at a time to whichever worker is free.
    job : Job
        What a task computes must depend on the job and on the task alone.
    collect : callable
        Called here for one part after the other, in the order of the tasks, so that sums add up in one
        order; returns how many steps are done.
    workers : int or Cluster
        From `check_workers`.
    total : int
        Steps in all, for the bar.
    seconds : float
        Rough time on one thread: decides whether threads and a bar are worth their while.
    """
    if not isinstance(workers, int):
        with progress_bar(total, label, wants_bar(progress, seconds / workers.threads)) as bar:
            workers.run(list(tasks), job, lambda task, part: bar.update(collect(task, part)), seconds)
        return
    pending, lock, stop = enumerate(tasks), threading.Lock(), threading.Event()
    early: dict[int, tuple[Task, Part]] = {}
    turn = 0

    def loop() -> None:
        nonlocal turn
        work = job.prepare()
        while not stop.is_set():
            with lock:
                number, task = next(pending, (-1, None))
            if number < 0:
                return
            part = work(task)  # type: ignore[arg-type]
            with lock:
                early[number] = task, part  # type: ignore[assignment]
                del part  # or it would be held while the next one is made
                while turn in early:
                    bar.update(collect(*early.pop(turn)))
                    turn += 1

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


_blas_lock = threading.Lock()
_blas_users: list[object] = []
_blas_limits: list[Any] = []


@cache
def _blas_pools() -> Any:
    import scipy.linalg  # noqa: F401 - it brings a BLAS of its own, and only those loaded are found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Let BLAS add up on one thread, in one order; also a decorator.

    The products of estimators are tall and narrow: threads of BLAS wait for each other longer than they work,
    three quarters of the CPU seconds of GS3SLS at N = 100,000.  The limit is of the whole process, so it is
    lifted when the last of those that asked for it, on any thread, is done.
    """
    user = object()
    with _blas_lock:
        if not _blas_users:
            _blas_limits.append(_blas_pools().limit(limits=1, user_api="blas"))
        _blas_users.append(user)
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users.remove(user)
            if not _blas_users:
                _blas_limits.pop().restore_original_limits()
