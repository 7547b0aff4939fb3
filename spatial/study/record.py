"""The run record: versions, input hashes, seeds, timings, warnings, outputs and failures, in one run.json."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO
from warnings import WarningMessage, catch_warnings, simplefilter

from spatial.io.atomic import atomic_text, inside
from spatial.io.samples import samples
from spatial.io.sources import parts_of, without_password
from spatial.languages.session import language
from spatial.words import Said, in_force, tell

__all__ = ["RunRecord", "file_hash", "heard_of", "versions"]

_FAILED = Said(("failed", "失败"))
_PACKAGES = (
    "spatial-cities",
    "libpysal",
    "esda",
    "spreg",
    "geopandas",
    "shapely",
    "numpy",
    "scipy",
    "pandas",
    "numba",
)


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries beneath the numbers."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # e.g. a checkout that was not installed
            found[name] = "not installed"
    return found


def heard_of(caught: list[WarningMessage]) -> list[str]:
    """Return the texts of warnings, each once."""
    return list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, with which batch queues end a run, end it as Ctrl-C does: tidied up and recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are those of the main thread
        return

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@dataclass
class RunRecord:
    """Collect what a run used and made, showing its steps as they go.

    Parameters
    ----------
    folder : Path
        The output folder; `write` puts run.json there.
    settings : dict
        Arguments and seeds of the run.
    steps : int
        How many steps are expected, for the display.
    stream : text stream, optional
        Where the steps are shown; default stderr.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    stream: TextIO | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each step: its state, files, seconds, warnings, and what failed."""
    measures: list[dict[str, Any]] = field(default_factory=list)
    """Each measure of a study: formula, parameters, rows, missing cells, range."""
    status: Literal["running", "complete", "failed", "interrupted"] = "running"
    heard: list[str] = field(default_factory=list)
    """What the last step warned of."""
    _done: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep run.json through a run, "running" first, then how it ended; speak the language of the study.

        A run that is killed outright leaves "running".
        """
        self.write()
        try:
            with _terminable(), language(self.settings.get("language") or in_force()):
                yield
        except Exception:
            self._ended("failed")
            raise
        except BaseException:
            self._ended("interrupted")
            raise
        self.status = "failed" if self.failures else "complete"

    def _ended(self, status: Literal["failed", "interrupted"]) -> None:
        self.status = status
        self.write()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show, time and listen to one step; its warnings are kept, and shown where they are new."""
        self.begin(name)
        started = time.perf_counter()
        with catch_warnings(record=True) as caught:
            simplefilter("always")
            try:
                yield
            except BaseException:
                self.say(_FAILED.again())
                raise
        self.end(name, round(time.perf_counter() - started, 3), heard_of(caught))

    def begin(self, name: str) -> None:
        """Show that a step begins."""
        said = name.again() if isinstance(name, Said) else name
        self.say(f"{self._count()}{said} ...", end=" ")

    def end(self, name: str, seconds: float, heard: list[str], error: str | None = None) -> None:
        """Show how a step ended, what it took, and what it warned of."""
        if error is not None:
            self.say(_FAILED.again())
            self.failed(name, error)
            return
        self.timings[name] = round(self.timings.get(name, 0.0) + seconds, 3)
        self.say(f"{seconds:.2f} {tell('s', '秒')}")
        self._note(heard)

    def _count(self) -> str:
        self._done += 1
        return f"[{self._done}/{self.steps}] " if self.steps else ""

    def hear(self, caught: list[WarningMessage]) -> None:
        """Note warnings; show those that are new."""
        self._note(heard_of(caught))

    def _note(self, heard: list[str]) -> None:
        self.heard = heard
        for text in heard:
            if text not in self.warnings:
                self.warnings.append(text)
                self.say(f"    {text}")

    def say(self, text: str, end: str = "\n") -> None:
        """Show a line."""
        print(text, end=end, file=self.stream or sys.stderr, flush=True)

    def skipped(self, name: str) -> None:
        """Note and show a step whose files are up to date."""
        self.states[name] = {"state": "unchanged"}
        self.say(f"{self._count()}{name} ... {tell('unchanged', '无需重做')}")

    def failed(self, name: str, message: str) -> None:
        """Note a step that failed; the others go on."""
        self.states[name] = {"state": "failed", "error": message}
        self.say(f"    {message}")

    @property
    def failures(self) -> dict[str, str]:
        """Name of each failed step to its message."""
        return {n: s["error"] for n, s in self.states.items() if s["state"] == "failed"}

    def read(self, source: str | Path) -> str | Path:
        """Note an input with its hash, or a database or a web address without its password; return it."""
        text = str(source)
        if "://" in text:
            self.inputs[without_password(text)] = "not hashed: not a file"
        elif (ships := samples().get(text)) is not None and not Path(text).exists():
            self.inputs[text] = file_hash(ships.file(ships.formats[0]))
        else:
            for part in parts_of(Path(source).expanduser()):
                self.inputs[self._name_of(part)] = file_hash(part)
        return source

    def _name_of(self, path: Path) -> str:
        """Return the name of an input: its path as given, of a full one as much as is its own."""
        if not path.is_absolute():
            return path.as_posix()
        ends = ("/".join(path.parts[-k:]) for k in range(1, len(path.parts)))
        return next((end for end in ends if end not in self.inputs), path.as_posix())

    def made(self, *names: str) -> Path:
        """Note an output inside the folder and return its path."""
        path = inside(self.folder, *names)
        self.outputs.append(path.relative_to(self.folder).as_posix())
        return path

    def write(self) -> Path:
        """Write run.json."""
        content = {
            "versions": versions(),
            "platform": platform.platform(),
            "settings": self.settings,
            "inputs": self.inputs,
            "outputs": sorted(set(self.outputs)),
            "seconds": self.timings,
            "warnings": self.warnings,
            "measures": self.measures,
            "failed": self.failures,
            "status": self.status,
            "interrupted": self.status == "interrupted",
            "steps": self.states,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        return atomic_text(self.folder / "run.json", text)
