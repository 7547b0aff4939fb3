"""Compiled functions: explicit signatures, compiled once for each machine and kept on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any

import numba
from numba import njit
from numba.core import event

from .counters import mixed

__all__ = ["compiled", "import_kept", "mix"]


class _Notice(event.Listener):  # type: ignore[misc, unused-ignore]
    """Say once, where somebody is looking, that the wait is for the compiler."""

    def __init__(self) -> None:
        self.said = False

    def on_start(self, event: Any) -> None:
        ours = str(getattr(event.data.get("dispatcher"), "__module__", "")).startswith("spatial.")
        if ours and not self.said and sys.stderr.isatty():
            self.said = True
            print("spatial: compiling, once for this machine ...", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        pass


notice = _Notice()
event.register("numba:compile", notice)  # type: ignore[no-untyped-call, unused-ignore]


def compiled(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile for `signature` without the interpreter's lock, and keep the machine code on disk.

    numba keeps it beside the module; where that folder cannot be written, in ``NUMBA_CACHE_DIR`` or the
    user's cache folder.  Where none of these can be written it compiles in each process.  `options` go to
    numba: ``fastmath``, ``error_model``.
    """

    decorate: Callable[[Callable[..., Any]], Any] = _kept(signature, nogil=True, **options)
    return decorate


def _kept(*signature: Any, **options: Any) -> Any:
    """Do what `njit` does, and keep on disk what it compiles for a signature."""
    if not signature or callable(signature[0]):  # compiled when it is called, if ever
        return njit(*signature, **options)

    def wrap(function: Callable[..., Any]) -> Any:
        try:
            return njit(*signature, **options | {"cache": True})(function)
        except RuntimeError as error:
            if "cannot cache function" not in str(error):
                raise
            return njit(*signature, **options)(function)

    return wrap


_importing = Lock()


def import_kept(name: str) -> Any:
    """Import a module, and keep on disk what it has numba compile as it is imported.

    mapclassify, which giddy imports too, compiles one of its classifiers anew in each process: two seconds.
    """
    with _importing:
        numba.njit = _kept
        try:
            return import_module(name)
        finally:
            numba.njit = njit


# Without a signature: compiled into each kernel that calls it, and not before.
mix = njit(inline="always")(mixed)
