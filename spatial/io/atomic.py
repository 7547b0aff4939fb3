"""Outputs appear whole or not at all, inside their folder, under names that every system takes.

Each file is written beside under a temporary name, then moved into place; what a library says when a disk is
full or a folder closed becomes one `DataError`, here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial.errors import DataError, SpatialError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "atomic_path",
    "atomic_text",
    "file_stem",
    "guarded_cell",
    "inside",
    "locked",
    "out_folder",
    "sweep",
    "unguarded_cell",
    "write_csv",
]

_MARK = ".writing-"
_DAY = 86_400.0
_SECONDS = 60.0
# Libraries whose errors while writing are of the file, not of the caller.
_WRITERS = ("lxml", "xlsxwriter", "pyarrow", "pyogrio", "zipfile", "sqlite3", "zlib", "docx", "PIL")
_LONGEST = 100  # bytes of a name; systems take 255, with what is added before and after


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path with the same suffix; on success it replaces `path`, on failure it is removed.

    A symbolic link stays one: the file that it names is replaced, and keeps its permissions.

    Raises
    ------
    DataError
        Where the file cannot be written: a closed folder, a full disk, a name that the system does not take.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path).expanduser()
    if not str(path).strip():
        raise DataError("The path to write to is empty; name a file.")
    with _as_data_error(target):
        target = Path(os.path.realpath(target)) if target.is_symlink() else target
        if target.is_dir():
            raise DataError(f"Cannot write {target}: it is a folder; name a file in it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent, f"{_MARK}*")
        # A folder of its own, so that a writer may leave companions; beside, so that the move is a rename.
        folder = Path(tempfile.mkdtemp(prefix=_MARK, dir=target.parent))
    try:
        with _as_data_error(target):
            yield folder / target.name
            if target.exists():
                shutil.copymode(target, folder / target.name)
            os.replace(folder / target.name, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _as_data_error(target: Path) -> Iterator[None]:
    try:
        yield
    except SpatialError:
        raise
    except UnicodeEncodeError as error:
        if error.encoding != "ascii":
            raise
        raise DataError(
            f"Cannot write {str(target)!a}: this system's file names are ASCII. Set PYTHONUTF8=1, or a "
            "locale such as C.UTF-8, or choose another name."
        ) from None
    except Exception as error:
        own = isinstance(error, OSError) or type(error).__module__.partition(".")[0].strip("_") in _WRITERS
        if not own:
            raise
        reason = (getattr(error, "strerror", None) if isinstance(error, OSError) else None) or error
        raise DataError(f"Cannot write {target}: {reason}.") from error


def sweep(folder: Path, pattern: str) -> None:
    """Remove what killed runs have left in `folder`: what is older than a day."""
    for left in folder.glob(pattern):
        try:
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # another run has just removed it


@contextmanager
def locked(path: str | Path, seconds: float = _SECONDS) -> Iterator[None]:
    """Keep other processes and threads from `path` while it is read, changed and replaced.

    Another that has it is waited for, `seconds` at most, or, where these are negative, until it ends.

    The lock lies in a folder of the user's for temporary files, so that none is left beside the file.
    """
    from filelock import FileLock, Timeout

    target = Path(path).expanduser()
    folder = Path(tempfile.gettempdir()) / f"spatial-locks-{getattr(os, 'getuid', lambda: 'user')()}"
    with _as_data_error(target):
        name = hashlib.sha256(os.fsencode(os.path.realpath(target))).hexdigest()[:32]
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise DataError(
            f"{target} has been in the hands of another run of spatial for {seconds:.0f} seconds. Wait for "
            "it to end, or write to another file."
        ) from None
    try:
        yield
    finally:
        lock.release()


def out_folder(folder: str | Path, name: str = "folder") -> Path:
    """Return the path of a folder that is written; refuse an empty name, which means where the program runs.

    Examples
    --------
    >>> out_folder("out/map").as_posix()
    'out/map'
    """
    if not isinstance(folder, (str, os.PathLike)) or not str(folder).strip():
        given = repr(folder) if isinstance(folder, str) else type(folder).__name__
        raise DataError(
            f"{name} is the path of a folder to write into; got {given}. The folder where the program runs "
            'is ".".'
        )
    return Path(folder).expanduser()


# ---- text
def atomic_text(path: str | Path, text: str) -> Path:
    """Write `text` in UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_csv(table: pd.DataFrame, path: Path, *, index: bool = False) -> Path:
    """Write a table for people: Excel shows its Chinese, and takes no cell for a formula."""
    flat = table.reset_index() if index else table
    safe = flat.rename(columns=lambda name: guarded_cell(name))
    for place, kind in enumerate(flat.dtypes):
        if kind.kind not in "fiub":
            safe.isetitem(place, flat.iloc[:, place].map(guarded_cell))
    with atomic_path(path) as temporary:
        safe.to_csv(temporary, index=False, encoding="utf-8-sig")
    return path


def guarded_cell(value: Any) -> Any:
    """Return text that a spreadsheet would run as a formula with an apostrophe before it.

    Examples
    --------
    >>> guarded_cell("=1+1"), guarded_cell("-0.5"), guarded_cell("W(x)"), guarded_cell(-0.5)
    ("'=1+1", '-0.5', 'W(x)', -0.5)
    """
    if not isinstance(value, str) or re.match(r"'*[=+\-@\t\r].", value) is None:
        return value
    return value if re.fullmatch(r"[+-]?[\d.,]+(e[+-]?\d+)?%?", value, re.IGNORECASE) else f"'{value}"


def unguarded_cell(text: str) -> str:
    """Return the text that `guarded_cell` was given.

    Examples
    --------
    >>> unguarded_cell(guarded_cell("=1+1"))
    '=1+1'
    """
    return text[1:] if re.match(r"'+[=+\-@\t\r].", text) else text


# ---- names
def file_stem(text: str) -> str:
    """Return a name for a file from the name of a column, of a layer or of a time.

    Examples
    --------
    >>> file_stem("gdp/capita"), file_stem("../../x")
    ('gdp_capita', 'x')
    """
    stem = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f\s]+', "_", str(text)).strip("._") or "column"
    if re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)", stem, re.IGNORECASE):
        stem = f"{stem}_"  # names that Windows keeps for devices
    if len(stem.encode("utf-8", "replace")) > _LONGEST:
        mark = hashlib.sha256(stem.encode("utf-8", "replace")).hexdigest()[:8]
        stem = f"{stem.encode('utf-8', 'replace')[: _LONGEST - 9].decode('utf-8', 'ignore')}_{mark}"
    return stem


def inside(folder: str | Path, *names: str) -> Path:
    """Return a path in `folder`; refuse one that leads out of it.

    Examples
    --------
    >>> inside("out", "tables", "a.csv").as_posix()
    'out/tables/a.csv'
    """
    path = Path(folder).joinpath(*names)
    home, full = os.path.abspath(folder), os.path.abspath(path)
    if os.path.commonpath([home, full]) != home or full == home:
        raise DataError(f"{Path(*names).as_posix()!r} leads out of the output folder {str(folder)!r}.")
    return path
