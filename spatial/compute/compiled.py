"""Compiled functions: explicit signatures, compiled once for each machine and kept on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

from .counters import mixed

__all__ = ["compiled", "mix"]


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

    def wrap(function: Callable[..., Any]) -> Any:
        try:
            return njit(signature, cache=True, nogil=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache function" not in str(error):
                raise
            return njit(signature, nogil=True, **options)(function)

    return wrap


# Without a signature: compiled into each kernel that calls it, and not before.
mix = njit(inline="always")(mixed)
