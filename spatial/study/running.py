"""The steps of a study, one after the other or several at once, with the same files and the same record.

Each process makes the files of a step in a folder of its own; this one moves them into place, in the order of
the steps, and makes some itself.  What several steps need and took long is kept on disk, and made by one of
them while others wait.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from spatial.errors import DataError, SpatialError
from spatial.languages.messages import in_language
from spatial.study.steps.step import Output, Step

from .cache import Entry, Manifest, publish, staged_folder
from .record import RunRecord, heard_of

__all__ = ["Workers", "run_steps", "workers_of"]

Again = Callable[[], list[Step]]


def workers_of(jobs: Any) -> int:
    """Return how many steps run at once, or refuse."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise DataError(f"jobs is how many steps run at once, 1 or more; got {jobs!r}.")
    return jobs


def run_steps(
    steps: list[Step], manifest: Manifest, record: RunRecord, names: set[str], workers: Workers
) -> None:
    """Run steps whose files are not up to date; one that fails is recorded, and the others go on.

    Parameters
    ----------
    steps : list of Step
    manifest : Manifest
    record : RunRecord
    names : set of str
        Of all steps of the study.
    workers : Workers
        Processes that run some of them.
    """
    due = [step for step in steps if not manifest.is_current(step.name, step.key)]
    made = workers.made(due, manifest)
    try:
        for step in steps:
            if step not in due:
                record.skipped(step.name)
                continue
            record.begin(step.name)
            _close(step, next(made), manifest, record, names)
    finally:
        made.close()


@dataclass(frozen=True)
class _Made:
    """What a step made, or why it failed.

    Parameters
    ----------
    staged : str
        The folder of its files.
    shown, facts, heard : list
    seconds : float
    error : str, optional
    """

    staged: str
    shown: list[str]
    facts: list[dict[str, Any]]
    heard: list[str]
    seconds: float
    error: str | None = None


def _close(step: Step, made: _Made, manifest: Manifest, record: RunRecord, names: set[str]) -> None:
    error, staged = made.error, Path(made.staged)
    try:
        if error is None:
            manifest.refuse_taken(step.name, staged, names)
            files = publish(staged, manifest.folder)
    except SpatialError as refused:
        error = str(refused)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    lang = str(record.settings.get("language", "en"))
    record.end(step.name, made.seconds, made.heard, error and in_language(error, lang))
    if error is not None:
        return
    entry = Entry(
        key=step.key,
        outputs=files,
        seconds=record.timings[step.name],
        warnings=made.heard,
        shown=made.shown,
        facts=made.facts,
    )
    manifest.keep(step.name, entry)
    record.states[step.name] = {"state": "done"}


def _make(step: Step, folder: Path) -> _Made:
    started, staged, error = time.perf_counter(), staged_folder(folder), None
    output = Output(staged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            step.run(output)
        except SpatialError as refused:
            error = str(refused)
        except Exception as fault:  # a fault of ours, or of a library: named, and the other steps go on
            error = f"{type(fault).__name__}: {fault}"
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        finally:
            _close_figures()
    seconds = round(time.perf_counter() - started, 3)
    return _Made(str(staged), output.shown, output.facts, heard_of(caught), seconds, error)


def _close_figures() -> None:
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


# ---- in other processes
_steps: dict[str, Step] = {}
_OUTPUTS = ("tables", "figures", "layers", "report")
_LONG = ("monte_carlo", "did", "robustness", "heterogeneity", "sensitivity")
"""Sections whose steps take long, in this order, until a run has shown how long."""


class Workers:
    """Processes that run steps beside this one.

    They start before this one has read the study, and read it for themselves: with two jobs there is one of
    them, and nobody waits.

    Parameters
    ----------
    count : int
    again : function
        Makes the steps of the study in another process.
    """

    def __init__(self, count: int, again: Again) -> None:
        self._before = set(multiprocessing.active_children())
        self._pool: ProcessPoolExecutor | None = None
        self._given: list[Future[Any]] = []
        if count:
            context = multiprocessing.get_context("spawn")  # numerical libraries' threads outlive no fork
            self._pool = ProcessPoolExecutor(count, context, _begin, (again,))
            self._given = [self._pool.submit(_ready) for _ in range(count)]

    def __enter__(self) -> Workers:
        """Let them go on."""
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        """End them; those at work are stopped where this process was."""
        if self._pool is None:
            return
        if kind is not None or not all(one.done() for one in self._given):
            for worker in set(multiprocessing.active_children()) - self._before:
                worker.terminate()
        self._pool.shutdown(cancel_futures=True)

    def made(self, steps: list[Step], manifest: Manifest) -> Generator[_Made, None, None]:
        """Give what steps made in the order of the steps, whoever makes them."""
        waiting = deque(steps if self._pool is None else _longest_first(steps, manifest))
        found: dict[str, _Made | Future[_Made]] = {}

        def give(_: Future[Any]) -> None:
            """Give the worker that has ended one task the next."""
            with contextlib.suppress(IndexError, RuntimeError):  # none is left; a broken pool is said below
                step = waiting.popleft()
                future = cast(Any, self._pool).submit(_task, step.name, step.key, manifest.folder)
                found[step.name] = future
                self._given.append(future)
                future.add_done_callback(give)

        for ready in list(self._given):
            ready.add_done_callback(give)
        for step in steps:
            one = found.get(step.name)
            while one is None or (isinstance(one, Future) and not one.done()):
                self._refuse_broken()
                try:
                    here = waiting.popleft()
                    found[here.name] = _make(here, manifest.folder)
                except IndexError:
                    wait([one] if isinstance(one, Future) else [], timeout=0.02)
                one = found.get(step.name)
            yield _result(one) if isinstance(one, Future) else one

    def _refuse_broken(self) -> None:
        for one in self._given:
            if one.done():
                _result(one)


def _result(one: Future[Any]) -> Any:
    try:
        return one.result()
    except BrokenProcessPool:
        raise SpatialError(
            "A process of jobs = ... ended at once. In a script, run_study(jobs=2) stands below "
            "if __name__ == '__main__':; where memory is short, give fewer jobs."
        ) from None


def _longest_first(steps: list[Step], manifest: Manifest) -> list[Step]:
    """Return the steps in an order that lets several processes end together: outputs last."""

    def place(step: Step) -> tuple[bool, float]:
        entry = manifest.entries.get(step.name)
        rank = _LONG.index(step.section) if step.section in _LONG else len(_LONG)
        return step.section in _OUTPUTS, -entry.seconds if entry is not None else rank - len(_LONG)

    return sorted(steps, key=place)


def _begin(again: Again) -> None:
    with contextlib.suppress(SpatialError):  # of a study that the process which was asked refuses too
        _steps.update({step.name: step for step in again()})


def _ready() -> None:
    """End as soon as a worker has begun."""


def _task(name: str, key: str, folder: Path) -> _Made:
    step = _steps.get(name)
    if step is None or step.key != key:
        error = "the study or its data were changed while it ran; run it again."
        return _Made(str(staged_folder(folder)), [], [], [], 0.0, error)
    return _make(step, folder)
