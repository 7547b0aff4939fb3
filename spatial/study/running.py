"""The steps of a study, one after the other or several at once, with the same files and the same record.

A worker makes the files of a step in a folder of its own; this process moves them into place, in the order of
the steps.  What several steps need and took long is kept on disk, and made by one of them while others wait.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial.errors import DataError, SpatialError
from spatial.languages.messages import in_language
from spatial.study.steps.step import Output, Step

from .cache import Entry, Manifest, publish, staged_folder
from .record import RunRecord, heard_of

__all__ = ["run_steps", "workers_of"]

Again = Callable[[], list[Step]]


def workers_of(jobs: Any) -> int:
    """Return how many steps run at once, or refuse."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise DataError(f"jobs is how many steps run at once, 1 or more; got {jobs!r}.")
    return jobs


def run_steps(
    steps: list[Step], manifest: Manifest, record: RunRecord, names: set[str], jobs: int, again: Again
) -> None:
    """Run steps whose files are not up to date; one that fails is recorded, and the others go on.

    Parameters
    ----------
    steps : list of Step
    manifest : Manifest
    record : RunRecord
    names : set of str
        Of all steps of the study.
    jobs : int
        Processes; 1 is this one.
    again : function
        Makes the steps of the study in another process.
    """
    due = [step for step in steps if not manifest.is_current(step.name, step.key)]
    made = _here(due, manifest.folder) if jobs == 1 else _elsewhere(due, manifest.folder, jobs, again)
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


def _here(steps: Iterable[Step], folder: Path) -> Generator[_Made, None, None]:
    for step in steps:
        yield _make(step, folder)


# ---- in other processes
_steps: dict[str, Step] = {}


def _elsewhere(steps: list[Step], folder: Path, jobs: int, again: Again) -> Generator[_Made, None, None]:
    """Give what steps made in the order of the steps, whichever ends first."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # threads of numerical libraries do not outlive a fork
    pool = ProcessPoolExecutor(min(jobs, max(len(steps), 1)), context, _begin, (again,))
    try:
        given: list[Future[_Made]] = [pool.submit(_task, step.name, step.key, folder) for step in steps]
        for one in given:
            yield one.result()
    except BrokenProcessPool:
        raise SpatialError(
            "A process of jobs = ... ended at once. In a script, run_study(jobs=2) stands below "
            "if __name__ == '__main__':; where memory is short, give fewer jobs."
        ) from None
    except BaseException:  # interrupted, or all is done: no worker goes on by itself
        for worker in set(multiprocessing.active_children()) - before:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(again: Again) -> None:
    _steps.update({step.name: step for step in again()})


def _task(name: str, key: str, folder: Path) -> _Made:
    step = _steps.get(name)
    if step is None or step.key != key:
        error = "the study or its data were changed while it ran; run it again."
        return _Made(str(staged_folder(folder)), [], [], [], 0.0, error)
    return _make(step, folder)
