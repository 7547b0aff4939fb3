"""Results that are not made twice: fits, effects, placebos and draws, kept beside the outputs.

A result is kept as numbers and text only (.npz with a JSON inside, nothing pickled), so a folder from
somebody else cannot run code; what does not read back as it was is made again.
"""

from __future__ import annotations

import importlib
import io
import time
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from spatial.errors import SpatialError, SpatialWarning, warn
from spatial.io.atomic import atomic_path, inside, locked
from spatial.study.cache import digest
from spatial.study.fits.estimates import policy_kinds
from spatial.study.fits.named import ANALYSES, analyses

from .encoding import content_of, decode, encode

__all__ = ["Kept", "kept_keys"]

_FOLDER = (".cache", "kept")
WORTH = 0.2
"""Seconds of computing from which a result is kept: to read one takes about a tenth of this."""

_Made: TypeAlias = tuple[Any, list[Warning]]  # a result, and what its making warned of


class Kept:
    """The results that an output folder keeps, by the digest of all that they depend on.

    Parameters
    ----------
    folder : Path, optional
        The output folder; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the result of this key, as it was kept, or made now and kept; it warns as when it was made.

        Another process that makes the same is waited for.
        """
        if self.folder is None:
            return make()
        path = inside(self.folder, *_FOLDER, f"{digest(key)}.npz")
        found = _read(path)
        if found is None:
            with locked(path, seconds=-1):
                found = _read(path) or _kept(path, make)
        result, heard = found
        for message in heard:
            warn(message)
        return result

    def forget(self, keys: Iterable[str]) -> None:
        """Remove all but the results of these keys."""
        if self.folder is not None:
            known = {f"{digest(key)}.npz" for key in keys}
            for path in inside(self.folder, *_FOLDER, "x").parent.glob("*.npz"):
                if path.name not in known:
                    path.unlink(missing_ok=True)


def kept_keys(values: Any) -> Iterator[str]:
    """Return the keys of what a study may keep."""
    for name, found in values.fits.items():
        if found.section not in ANALYSES:
            yield values.fit_key(name)
        if found.section == "systems":
            yield values.impacts_key(name)
    for part in values.study.did:
        yield from (values.policy_key(part.name, kind) for kind in policy_kinds(values.part(part.name)))
    yield from (values.analysis_key(part.name) for *_, part in analyses(values.study))
    for name in values.study.weights:
        yield values.weights_key(name)
    for part in values.study.diagnostics:
        yield from (values.moran_key(part, column) for column in part.columns)


def _kept(path: Path, make: Callable[[], Any]) -> _Made:
    started = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = make()
    ours = all(issubclass(w.category, SpatialWarning) for w in caught)
    if ours and time.process_time() - started >= WORTH:
        _write(path, result, [(w.category.__module__, w.category.__name__, _written(w)) for w in caught])
    return result, [w.message for w in caught if isinstance(w.message, Warning)]


def _written(heard: warnings.WarningMessage) -> str:
    """Return the text of a warning of ours as it was written, whatever language is in force."""
    return str(heard.message.args[0] if isinstance(heard.message, Warning) else heard.message)


def _warning(module: str, name: str, text: str) -> Warning:
    """Return a warning of this package by its name."""
    kind = getattr(importlib.import_module(module), name) if module.startswith("spatial.") else None
    if not (isinstance(kind, type) and issubclass(kind, SpatialWarning)):
        raise ValueError(f"{module}.{name} is no warning of this package")
    return kind(text)


# ---- as numbers and text
def _write(path: Path, result: Any, heard: list[tuple[str, str, str]]) -> None:
    try:
        text, arrays = encode((result, heard))
        again = encode(decode(text, arrays))
    except (TypeError, ValueError, KeyError, AttributeError, SpatialError):
        return  # a result that is more than numbers is made anew each time
    if content_of(text, arrays) != content_of(*again):
        return
    whole = io.BytesIO()
    np.savez_compressed(whole, text=np.array(text), **arrays)
    with atomic_path(path) as staged:
        staged.write_bytes(whole.getvalue())


def _read(path: Path) -> _Made | None:
    try:
        with np.load(path, allow_pickle=False) as found:
            result, heard = decode(str(found["text"]), {name: found[name] for name in found.files})
            return result, [_warning(*map(str, one)) for one in heard]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, IndexError, EOFError):
        return None  # none, or damaged
    except (SpatialError, zipfile.BadZipFile):
        return None
