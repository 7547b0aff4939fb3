"""The run record: versions, input hashes, seeds, timings, warnings and outputs, in one run.json."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from spatial.io.atomic import atomic_text
from spatial.io.sources import without_password

__all__ = ["RunRecord", "file_hash"]

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


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # e.g. a checkout that was not installed
            found[name] = "not installed"
    return found


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
    _done: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show, time and listen to one step; its warnings are kept, and still shown."""
        out = self.stream or sys.stderr
        count = f"[{self._done + 1}/{self.steps}] " if self.steps else ""
        print(f"{count}{name} ...", end=" ", file=out, flush=True)
        started = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except BaseException:
                print("failed", file=out, flush=True)
                raise
        seconds = round(time.perf_counter() - started, 3)
        self.timings[name] = round(self.timings.get(name, 0.0) + seconds, 3)
        self._done += 1
        print(f"{seconds:.2f} s", file=out, flush=True)
        for item in caught:
            text = f"{item.category.__name__}: {item.message}"
            if text not in self.warnings:
                self.warnings.append(text)
                print(f"    {text}", file=out, flush=True)

    def read(self, source: str | Path) -> str | Path:
        """Note an input with its hash, or a database or a web address without its password; return it."""
        text = str(source)
        if "://" in text:
            self.inputs[without_password(text)] = "not hashed: not a file"
        else:
            self.inputs[Path(source).name] = file_hash(source)
        return source

    def made(self, *names: str) -> Path:
        """Note an output inside the folder and return its path."""
        path = self.folder.joinpath(*names)
        self.outputs.append(path.relative_to(self.folder).as_posix())
        return path

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
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        return atomic_text(self.folder / "run.json", text)
