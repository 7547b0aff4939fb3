"""What was made by which settings: steps whose key and files are unchanged are not run again.

The cache holds no values, only a list (JSON) of steps: the key, a digest of all that the step depends on, and
the digests of the files it made.  A step is skipped where its key is the same and each of its files is still
what it was.  Nothing is pickled, so a folder from somebody else cannot run code.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from spatial.errors import DataError
from spatial.io.atomic import atomic_text, locked

from .record import file_hash, versions

__all__ = ["Entry", "Manifest", "code_digest", "digest", "inside", "publish", "staged_folder", "sweep"]

_FOLDER = ".cache"
_DAY = 86_400.0


def digest(*parts: Any) -> str:
    """Return the SHA-256 of values that JSON can hold.

    Examples
    --------
    >>> digest("a", {"b": 1, "c": 2}) == digest("a", {"c": 2, "b": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def code_digest() -> str:
    """Return a digest of this package's source and of the versions of the libraries beneath it."""
    # The folders at the root are links in a checkout, and packages of their own when installed.
    import spatial.models
    import spatial.shapefiles
    import spatial.weights

    roots = [
        Path(str(module.__file__)).resolve().parent
        for module in (spatial, spatial.models, spatial.shapefiles, spatial.weights)
    ]
    sources = sorted({path.resolve() for root in roots for path in root.rglob("*.py")})
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources]
    return digest(versions(), sorted(found))


class Entry(BaseModel):
    """One step as it was run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    outputs: dict[str, str] = {}
    seconds: float = 0.0
    warnings: list[str] = []
    shown: list[str] = []
    facts: list[dict[str, Any]] = []


class Manifest:
    """The steps that made the files of an output folder; kept in ``.cache/steps.json``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / _FOLDER / "steps.json"
        self.entries = _read(self.path)

    def is_current(self, name: str, key: str) -> bool:
        """Whether the step was run with this key and its files are still there, unchanged."""
        entry = self.entries.get(name)
        return entry is not None and entry.key == key and self.whole(name)

    def whole(self, name: str) -> bool:
        """Whether the files of the step are what it made."""
        outputs = self.entries[name].outputs
        try:
            return all(file_hash(inside(self.folder, rel)) == sha for rel, sha in outputs.items())
        except (OSError, DataError):
            return False

    def keep(self, name: str, entry: Entry) -> None:
        """Note a step; files that it made before and does not make now are removed."""
        with self._changed():
            old = self.entries.get(name)
            self.entries[name] = entry
            others = {rel for e in self.entries.values() for rel in e.outputs}
            for rel in set(old.outputs if old else ()) - others:
                self._remove(rel)

    def refuse_taken(self, name: str, staged: Path, steps: set[str]) -> None:
        """Refuse files that another step of the study makes."""
        made = {p.relative_to(staged).as_posix() for p in staged.rglob("*") if p.is_file()}
        for other in steps & set(self.entries) - {name}:
            both = sorted(made & set(self.entries[other].outputs))
            if both:
                raise DataError(f"{both[0]} is made by the step {other!r} too: give one another name.")

    def forget(self, names: set[str]) -> None:
        """Drop steps that the study no longer has, with their files."""
        with self._changed():
            for name in names & set(self.entries):
                gone = self.entries.pop(name).outputs
                others = {rel for e in self.entries.values() for rel in e.outputs}
                for rel in set(gone) - others:
                    self._remove(rel)

    def _remove(self, rel: str) -> None:
        try:
            inside(self.folder, rel).unlink(missing_ok=True)
        except (OSError, DataError):
            return

    def order(self, names: list[str]) -> None:
        """Put the steps in the order of the study."""
        with self._changed():
            found = {name: self.entries[name] for name in names if name in self.entries}
            self.entries = {**found, **self.entries}

    @contextmanager
    def _changed(self) -> Iterator[None]:
        """Read the list, let it be changed and write it, while no other run does."""
        with locked(self.path):
            self.entries = _read(self.path)
            yield
            content = {name: entry.model_dump() for name, entry in self.entries.items()}
            atomic_text(self.path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _read(path: Path) -> dict[str, Entry]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Entry.model_validate(entry) for name, entry in content.items()}
    except (OSError, ValueError, AttributeError, ValidationError):
        return {}  # none, or damaged: everything is made again


# ---- files
def inside(folder: Path, rel: str | Path) -> Path:
    """Return a path inside `folder`; refuse one that leads out of it, also by a link."""
    parts = PurePosixPath(str(rel).replace("\\", "/"))
    target = folder.joinpath(*parts.parts)
    root = folder.resolve()
    if parts.is_absolute() or ".." in parts.parts or not target.parent.resolve().is_relative_to(root):
        raise DataError(f"A study writes only inside its output folder; {str(rel)!r} leads out of it.")
    return target


def staged_folder(folder: Path) -> Path:
    """Return an empty folder for the files of one step."""
    cache = inside(folder, f"{_FOLDER}/step").parent
    cache.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="step-", dir=cache))


def sweep(folder: Path) -> None:
    """Remove what a killed run left; not what another run may be writing now."""
    for left in inside(folder, f"{_FOLDER}/step").parent.glob("step-*"):
        if time.time() - left.stat().st_mtime > _DAY:
            shutil.rmtree(left, ignore_errors=True)


def publish(staged: Path, folder: Path) -> dict[str, str]:
    """Move the files of a step into place; return their digests."""
    made = {}
    for source in sorted(p for p in staged.rglob("*") if p.is_file()):
        rel = source.relative_to(staged).as_posix()
        target = inside(folder, rel)
        made[rel] = file_hash(source)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
        except OSError as error:
            raise DataError(
                f"Cannot write {rel}: {error.strerror or error}. Is it open in another program?"
            ) from None
    return made
