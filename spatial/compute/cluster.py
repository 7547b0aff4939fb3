"""Tasks on a Dask cluster: batches out, their parts back in the order of the tasks, lost ones out again."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from copy import copy
from dataclasses import dataclass, replace
from importlib import import_module
from pickle import PicklingError
from typing import Any
from weakref import WeakKeyDictionary

from spatial.errors import DataError, SpatialError

__all__ = ["Cluster", "NoWorkersError", "as_cluster"]

_BATCH_SECONDS = 1.0  # a task of Dask costs about a millisecond, and its parts a message
_TRIES = 12  # how often what a lost worker held is sent again, without a task that was done between
_LONGEST_WAIT = 15.0  # seconds between two of them
_PATIENCE = 60.0  # seconds that a cluster without workers has to start one


class NoWorkersError(SpatialError):
    """A cluster has lost all its workers, and starts no new ones."""


@dataclass(frozen=True, eq=False)
class Cluster:
    """A cluster that runs this version of the package.

    Parameters
    ----------
    client : dask.distributed.Client
    threads : int
        Of all its workers when it was checked.
    """

    client: Any
    threads: int

    def run(
        self,
        tasks: Sequence[Any],
        job: Any,
        collect: Callable[[Any, Any], None],
        seconds: float,
    ) -> None:
        """Run each task on the workers, and collect the parts here, in the order of the tasks.

        What a lost worker held is sent out again: a part is a function of the job and the task, so that it
        comes back with the same bits.  An error, or Ctrl-C, cancels what is under way.
        """
        size = max(1, math.ceil(_BATCH_SECONDS * len(tasks) / max(seconds, 1e-9)))
        # Some batches for each thread, where there are as many tasks.
        size = max(1, min(size, len(tasks) // (4 * self.threads)))
        batches = [tasks[i : i + size] for i in range(0, len(tasks), size)]
        _Run(self, batches, job, collect).finish()


class _Run:
    """One run under way: what waits, what is out, and what came back before its turn."""

    def __init__(
        self, cluster: Cluster, batches: list[Any], job: Any, collect: Callable[[Any, Any], None]
    ) -> None:
        self.client, self.batches, self.job, self.collect = cluster.client, batches, job, collect
        self.waiting = deque(range(len(batches)))
        self.out: dict[Any, int] = {}
        self.early: dict[int, list[Any]] = {}
        self.turn = 0
        self.lost = 0
        # No more than this many beyond the turn, so that what came back early takes little memory.
        self.window = 3 * cluster.threads + 2

    def finish(self) -> None:
        distributed: Any = import_module("distributed")
        remote = self._send()
        try:
            while self.turn < len(self.batches):
                while self.waiting and self.waiting[0] < self.turn + self.window:
                    number = self.waiting.popleft()
                    task = self.client.submit(_work, *remote, self.batches[number], pure=False, retries=3)
                    self.out[task] = number
                try:
                    done = distributed.wait(list(self.out), return_when="FIRST_COMPLETED").done
                except Exception as error:
                    if not _is_loss(error):
                        raise
                    done = {task for task in self.out if task.status != "pending"}
                missing = sorted(self._take(task) for task in done)
                missing = [number for number in missing if number >= 0]
                if missing or not done:
                    remote = self._again(missing)
                self._hand_on()
        except BaseException:
            self._forget()
            raise
        finally:
            # The data of the job too, which the traceback of an error would hold on the workers.
            self.client.cancel([*self.out, remote[0]])

    def _send(self) -> tuple[Any, Any]:
        """Send the job to a worker, from which others take it; if that one is lost meanwhile, again.

        What jobs have in common is sent with the first of them, and stays there as long as it is held here.
        Dask says in many ways that a message did not arrive; what cannot be sent at all is raised at last.
        """
        name, common = self._common()
        own = self.job if common is None else replace(self.job, **{name: None})
        sent = _sent.setdefault(self.client, WeakKeyDictionary())
        while True:
            self._require_workers()
            try:
                if common is not None and common not in sent:
                    # A copy: workers of this process would hold the very object, and it would never be freed.
                    sent[common] = self.client.scatter(copy(common), hash=False)
                return self.client.scatter(own, hash=False), None if common is None else sent[common]
            except (AttributeError, TypeError, PicklingError):  # what cannot be sent, now or later
                raise
            except Exception as error:
                self._forget()
                self._count_loss(error)

    def _common(self) -> tuple[str, Any]:
        """Return the name and the value of what other jobs have too; None where there is nothing."""
        name: str = getattr(self.job, "shared", "")
        return name, getattr(self.job, name) if name else None

    def _forget(self) -> None:
        """Free on the workers what jobs have in common."""
        _, common = self._common()
        found = None if common is None else _sent.get(self.client, {}).pop(common, None)
        if found is not None:
            self.client.cancel([found])

    def _require_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=_PATIENCE)
        except Exception as error:
            raise NoWorkersError(
                f"The cluster has no worker any more ({type(error).__name__}: {error}). Start workers, and "
                "call again."
            ) from error

    def _take(self, task: Any) -> int:
        """Keep the parts of a batch; return its number where they were lost, else -1."""
        number = self.out.pop(task)
        try:
            self.early[number] = task.result()
        except Exception as error:
            if not _is_loss(error):
                raise
            return number
        self.lost = 0  # there is progress: a long run may lose as many workers as it lasts hours
        return -1

    def _again(self, missing: list[int]) -> tuple[Any, Any]:
        self._count_loss()
        # What is out leans on the same data, which may be gone with the worker: all of it is sent again.
        missing = sorted({*missing, *self.out.values()})
        self.client.cancel(list(self.out))
        self.out.clear()
        self.waiting.extendleft(reversed(missing))
        self._forget()
        return self._send()

    def _count_loss(self, error: Exception | None = None) -> None:
        self.lost += 1
        if self.lost > _TRIES:
            raise SpatialError(
                f"Workers of the cluster were lost {_TRIES} times, and no task was done between: look into "
                "their logs for the memory they had (dask: distributed.worker.memory), or give them more."
                + (f" The last said: {error}." if error else "")
            ) from error
        # Until the scheduler knows who is lost; longer where a machine is too busy to answer.
        time.sleep(min(_LONGEST_WAIT, 0.1 * 2**self.lost))

    def _hand_on(self) -> None:
        while self.turn in self.early:
            for task, part in zip(self.batches[self.turn], self.early.pop(self.turn), strict=True):
                self.collect(task, part)
            self.turn += 1


def _is_loss(error: BaseException) -> bool:
    """Whether a worker, and not the work, is at fault."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(
        names & {"KilledWorker", "CancelledError", "CommClosedError", "ConnectionError", "TimeoutError"}
    )


def _work(job: Any, common: Any, tasks: Sequence[Any]) -> list[Any]:
    """Compute the parts of a batch, in a worker."""
    work = (job if common is None else replace(job, **{job.shared: common})).prepare()
    return [work(task) for task in tasks]


def as_cluster(executor: Any) -> Cluster:
    """Return the cluster of a `Client`, or refuse what is none, or runs another version of the package."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise DataError(
            f"executor is a dask.distributed.Client or a number of threads; got {type(executor).__name__}. "
            'For a Client, Dask must be installed: pip install "spatial-cities[dask]".'
        ) from None
    if not isinstance(executor, distributed.Client):
        raise DataError(
            "executor is a dask.distributed.Client, a number of threads, or None; got "
            f"{type(executor).__name__}."
        )
    if executor.asynchronous:
        raise DataError("executor is an asynchronous Client; make one with Client(asynchronous=False).")
    if executor.status != "running":
        raise DataError(f"executor is a Client that is {executor.status}; connect a new one.")
    _require_same_version(executor)
    threads = sum(executor.nthreads().values())
    if threads == 0:
        raise DataError("executor is a Client whose cluster has no workers; start some first.")
    return Cluster(executor, threads)


_sent: WeakKeyDictionary[Any, WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()
"""What jobs have in common and each client has sent, as futures, which free it where it is held no more."""

_checked: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()
"""The workers of each client that were found to have a version, by address: a new worker has a new one."""


def _require_same_version(client: Any) -> None:
    here = str(import_module("spatial").__version__)
    known = _checked.setdefault(client, set())
    asked = [address for address in client.nthreads() if (address, here) not in known]
    found = client.run(_version_there(), workers=asked, on_error="return") if asked else {}
    known.update((address, here) for address, v in found.items() if v == here)
    # A worker that is lost just now has no version; what it held will go to others.
    other = {address: v for address, v in found.items() if v != here and not isinstance(v, OSError)}
    if other:
        shown = ", ".join(f"{address} has {_said(v)}" for address, v in sorted(other.items())[:5])
        raise DataError(
            f"Workers need the same version of spatial-cities as this process, {here}: {shown}. Install "
            f"spatial-cities=={here} there, and restart them."
        )


def _said(version: Any) -> str:
    return f"none ({version})" if isinstance(version, BaseException) else str(version)


def _version_there() -> Callable[[], Coroutine[Any, Any, str]]:
    """Return what finds the version of a worker: on a thread, as a worker that imports answers nobody."""

    async def version() -> str:  # without a name in this module, so that it is sent by value
        found: Any = await asyncio.to_thread(import_module, "spatial")
        return str(found.__version__)

    return version
