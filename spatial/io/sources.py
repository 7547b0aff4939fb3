"""Where data come from: a path, a URL or a zip, brought to a path on this disk."""

from __future__ import annotations

import http.client
import re
import shutil
import stat
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from spatial.errors import DataError, did_you_mean

from .samples import samples

__all__ = ["is_database", "kind_of", "local_path", "need", "parts_of", "reader_for", "without_password"]

_SCHEMES = ("http", "https", "ftp", "file")
_PARTS = (".shx", ".dbf", ".prj", ".cpg", ".fields.csv")
_SECONDS = 60
_DATABASES = ("postgresql", "postgres")
# user:password@ up to the last @, as far as any reader may take it: rather too much hidden than too little.
# Also of addresses that are mistyped: with one slash or none.
_USER_PASSWORD = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]{2,}:/*[^:@/?#]*:).*@", re.DOTALL)
_SECRET_OPTION = re.compile(
    r"\b((?:ssl)?password|passwd|pwd|token|access_token|api_?key|key|secret|sig|signature|auth)=[^&\s]*",
    re.IGNORECASE,
)
_UNPACKED = 8 * 2**30
_RATIO, _SMALL = 200, 100 * 2**20
_ENTRIES = 10_000
_SHOWN = 60  # characters of a name that no system takes

Reader = TypeVar("Reader", bound=Callable[..., Any])


def kind_of(source: str | Path) -> str:
    """Return what decides how `source` is read: the scheme of a database, or the suffix in small letters.

    Examples
    --------
    >>> kind_of("cities.GPKG"), kind_of("https://example.org/a.geojson?v=1"), kind_of("postgresql://host/db")
    ('.gpkg', '.geojson', 'postgresql')
    """
    scheme, _, rest = str(source).partition("://")
    if rest and scheme not in _SCHEMES:
        return scheme.partition("+")[0].lower()
    path = urllib.parse.urlsplit(str(source)).path if rest else str(source)
    return Path(path).suffix.lower()


def is_database(source: object) -> bool:
    """Tell whether `source` is the address of a PostgreSQL database."""
    return isinstance(source, str) and "://" in source and kind_of(source) in _DATABASES


def without_password(source: object) -> str:
    """Return an address as text for messages and records, with ``***`` for its password.

    Examples
    --------
    >>> without_password("postgresql://anna:secret@host:5432/db?schema=gis")
    'postgresql://anna:***@host:5432/db?schema=gis'
    >>> without_password("data/cities.gpkg")
    'data/cities.gpkg'
    """
    return _SECRET_OPTION.sub(r"\1=***", _USER_PASSWORD.sub(r"\1***@", str(source)))


def reader_for(
    source: str | Path, readers: Mapping[str, Reader], what: str, *, verb: str = "read from"
) -> Reader:
    """Look the reader, or writer, of `source` up, or name the kinds there are."""
    kind = kind_of(source)
    if kind not in readers:
        raise DataError(
            f"{what} cannot be {verb} {without_password(source)!r}.{did_you_mean(kind, readers)} "
            f"Kinds that can: {', '.join(sorted(readers))}."
        )
    return readers[kind]


@contextmanager
def local_path(source: str | Path, kinds: Mapping[str, Any]) -> Iterator[Path]:
    """Give `source` as a path on this disk, for as long as it is read: downloaded, unpacked."""
    with tempfile.TemporaryDirectory(prefix="spatial-") as folder:
        is_url = str(source).partition("://")[0] in _SCHEMES and "://" in str(source)
        path = _download(str(source), Path(folder)) if is_url else Path(source).expanduser()
        _check_file(path)
        yield _unpack(path, Path(folder) / "unpacked", kinds) if path.suffix.lower() == ".zip" else path


def _check_file(path: Path) -> None:
    """Refuse what is no file: nothing at all, a folder, a pipe or a device, which may never end."""
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
        raise DataError(f"There is no file {without_password(path)!r}.{_neighbour(path)}") from None
    except OSError as error:
        name = without_password(path)
        short = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
        raise DataError(f"Cannot read {short!r}: {error.strerror or error}.") from None
    if stat.S_ISDIR(kind) and path.suffix.lower() != ".gdb":
        raise DataError(f"{str(path)!r} is a folder; name the file in it.")
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise DataError(f"{str(path)!r} is a pipe or a device, not a file: copy what it gives to a file.")


def need(module: str, extra: str, what: str) -> None:
    """Refuse where an optional library is absent, naming the extra that brings it."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise DataError(
            f"{what} needs {module}, which is not installed. Run: pip install 'spatial-cities[{extra}]'."
        )


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f" Nor is there a folder {str(path.parent)!r}."
    if path.stem in samples():
        return f" {path.stem!r} is a sample that ships: write {path.stem} without an ending."
    # What a run of ours wrote earlier, with its project beside it, is no input that was meant.
    others = [other for other in path.parent.iterdir() if not other.with_suffix(".qgz").exists()]
    return did_you_mean(path.name, [other.name for other in others])


def _download(url: str, folder: Path) -> Path:
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    target = folder / name
    try:
        _fetch(url, target)
    except (OSError, ValueError, http.client.HTTPException) as error:
        # An address that is none is quoted by the library with its password.
        reason = getattr(error, "reason", error)
        if isinstance(error, (http.client.InvalidURL, ValueError)):
            reason = "it is no web address (user and password cannot be part of one)"
        raise DataError(
            f"{without_password(url)} could not be read: {reason}. Download it by hand and give its path."
        ) from error
    if target.suffix.lower() == ".shp":
        for part in _PARTS:
            parts = urllib.parse.urlsplit(url)
            address = parts._replace(path=parts.path[:-4] + part).geturl()
            try:
                _fetch(address, target.with_suffix(part))
            except (OSError, http.client.HTTPException):
                continue  # .prj, .cpg and names are optional; the reader asks for the others
    return target


def _fetch(url: str, target: Path) -> None:
    # Chinese characters in an address are written out as bytes; what is already quoted stays.
    address = urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer, target.open("wb") as file:
        shutil.copyfileobj(answer, file)


def parts_of(path: Path) -> list[Path]:
    """Return the files that a source consists of: all parts of a Shapefile, all files of a geodatabase.

    Examples
    --------
    >>> [part.name for part in parts_of(Path("cities.gpkg"))]
    ['cities.gpkg']
    """
    if path.is_dir():
        return sorted(part for part in path.rglob("*") if part.is_file())
    if path.suffix.lower() != ".shp" or not path.parent.is_dir():
        return [path]
    beside = [
        other
        for other in sorted(path.parent.iterdir())
        if other.name.lower() in {(path.stem + suffix).lower() for suffix in _PARTS}
    ]
    return [path, *beside]


def _check_size(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse a zip that would fill the disk: too many files, too large, or blown up beyond what data are."""
    entries = archive.infolist()
    size, packed = sum(e.file_size for e in entries), max(sum(e.compress_size for e in entries), 1)
    if len(entries) > _ENTRIES or size > _UNPACKED or (size > _SMALL and size > _RATIO * packed):
        raise DataError(
            f"{path.name} would unpack to {len(entries)} files of {size / 2**20:.0f} MB in all, from "
            f"{packed / 2**20:.1f} MB. If that is meant, unpack it by hand and name the file."
        )


def _unpack(path: Path, folder: Path, kinds: Mapping[str, Any]) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            archive.extractall(folder)
    # RuntimeError: encrypted; NotImplementedError: a compression that is not known here.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} is not a whole zip: {error}. Copy it again.") from error
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in kinds and p.suffix.lower() != ".zip")
    found = [p for p in found if not p.name.startswith((".", "._")) and not p.name.endswith(".fields.csv")]
    if len(found) != 1:
        names = ", ".join(p.relative_to(folder).as_posix() for p in found) or "none"
        raise DataError(
            f"A zip must hold one file that can be read; {path.name} has {names}. Unpack it and name one."
        )
    return found[0]
