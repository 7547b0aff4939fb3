"""Outputs appear whole or not at all: written beside under a temporary name, then moved into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spatial.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["atomic_path", "atomic_text", "write_csv"]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path with the same suffix; on success it replaces `path`, on failure it is removed.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own, so that a writer may leave companions; beside, so that the move is a rename.
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    except OSError as error:
        raise DataError(f"Cannot write {target}: {error.strerror or error}.") from None
    try:
        yield folder / target.name
        os.replace(folder / target.name, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def atomic_text(path: str | Path, text: str) -> Path:
    """Write `text` in UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_csv(table: pd.DataFrame, path: Path, *, index: bool = False) -> Path:
    """Write a table as CSV that Excel opens with its Chinese intact."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=index, encoding="utf-8-sig")
    return path
