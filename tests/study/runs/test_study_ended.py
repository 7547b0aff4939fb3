"""Runs that end before their end, and runs beside each other: what the folder says of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from study_cases import SMALL, lay_out

from spatial.errors import DataError
from spatial.study.cache import Entry, Manifest
from spatial.study.record import RunRecord


def status(folder: Path) -> str:
    return str(json.loads((folder / "run.json").read_text(encoding="utf-8"))["status"])


def test_a_record_says_how_its_run_ended(tmp_path: Path) -> None:
    record = RunRecord(tmp_path)
    with record.running():
        assert status(tmp_path) == "running"
    record.write()
    assert status(tmp_path) == "complete"
    for error, found in (
        (DataError("no"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(143), "interrupted"),
    ):
        with pytest.raises(type(error)), RunRecord(tmp_path).running():
            raise error
        assert status(tmp_path) == found


_HELD = """
import sys, time
import spatial.study.steps.build as steps
def slow(*_):
    print("now", flush=True)
    time.sleep(60)
steps._diagnose = slow
import spatial as sp
sp.run_study(sys.argv[1])
"""


@pytest.mark.slow
def test_a_run_that_is_terminated_leaves_its_record_and_nothing_half_done(tmp_path: Path) -> None:
    path = lay_out(tmp_path, SMALL)
    process = subprocess.Popen(
        [sys.executable, "-c", _HELD, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    assert status(tmp_path / "results") == "running"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    record = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert (record["status"], record["interrupted"]) == ("interrupted", True)
    assert record["steps"]["weights: W"]["state"] == "done"
    assert [p.name for p in (tmp_path / "results" / ".cache").iterdir()] == ["steps.json"]


def test_runs_beside_each_other_lose_none_of_the_steps_that_they_note(tmp_path: Path) -> None:
    def note(first: int) -> None:
        manifest = Manifest(tmp_path)
        for k in range(first, first + 10):
            manifest.keep(f"step {k}", Entry(key=str(k)))

    threads = [threading.Thread(target=note, args=(10 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Manifest(tmp_path).entries) == {f"step {k}" for k in range(40)}
