"""One step of a study, and where it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spatial.io.atomic import atomic_text

__all__ = ["Output", "Step"]


@dataclass
class Output:
    """Where a step writes, and what it shows at the end."""

    folder: Path
    shown: list[str] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    """What run.json lists, besides files: rows of names and numbers."""

    def path(self, *names: str) -> Path:
        """Return the path of a file to write."""
        target = self.folder.joinpath(*names)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def text(self, text: str, *names: str) -> None:
        """Write a text."""
        atomic_text(self.path(*names), text.rstrip("\n") + "\n")

    def show(self, text: str) -> None:
        """Show a text at the end of the run."""
        self.shown.append(text)


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    name : str
        Unique, beginning with the section.
    key : str
        Digest of all that it depends on.
    run : function of Output
    """

    name: str
    key: str
    run: Callable[[Output], None]

    @property
    def section(self) -> str:
        """The section of the study file."""
        return self.name.split(":")[0]
