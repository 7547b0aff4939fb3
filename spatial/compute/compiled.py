"""Compiled functions: explicit signatures, compiled once for each machine and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["compiled"]


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
