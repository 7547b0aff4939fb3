"""The record of a study: run.json with each step, its files, seconds, warnings, and what failed."""

from __future__ import annotations

import json
import platform
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spatial.io.atomic import atomic_text

from .record import RunRecord, _versions

__all__ = ["StudyRecord"]


@dataclass
class StudyRecord(RunRecord):
    """A run record that also knows steps that were not run, or failed."""

    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    interrupted: bool = False
    heard: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show, time and listen to one step; `heard` is what it warned of, shown where it is new."""
        self._done += 1
        out = self.stream or sys.stderr
        print(f"[{self._done}/{self.steps}] {name} ...", end=" ", file=out, flush=True)
        started = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except BaseException:
                print("failed", file=out, flush=True)
                raise
        self.timings[name] = round(time.perf_counter() - started, 3)
        self.say(f"{self.timings[name]:.2f} s")
        self.hear(caught)

    def hear(self, caught: list[warnings.WarningMessage]) -> None:
        """Note warnings; show those that are new."""
        self.heard = list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))
        for text in self.heard:
            if text not in self.warnings:
                self.warnings.append(text)
                self.say(f"    {text}")

    def say(self, text: str) -> None:
        """Show a line."""
        print(text, file=self.stream or sys.stderr, flush=True)

    def skipped(self, name: str) -> None:
        """Show a step whose files are up to date."""
        self._done += 1
        self.say(f"[{self._done}/{self.steps}] {name} ... unchanged")

    def failed(self, name: str, message: str) -> None:
        """Note a step that failed; the others go on."""
        self.states[name] = {"state": "failed", "error": message}
        self.say(f"    {message}")

    @property
    def failures(self) -> dict[str, str]:
        """Name of each failed step to its message."""
        return {n: s["error"] for n, s in self.states.items() if s["state"] == "failed"}

    def write(self) -> Path:
        """Write run.json."""
        content = {
            "versions": _versions(),
            "platform": platform.platform(),
            "settings": self.settings,
            "inputs": self.inputs,
            "outputs": sorted(set(self.outputs)),
            "seconds": self.timings,
            "warnings": self.warnings,
            "failed": self.failures,
            "interrupted": self.interrupted,
            "steps": self.states,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        return atomic_text(self.folder / "run.json", text)
