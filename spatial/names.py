"""Public names handed on lazily, so that importing a room does not import all that it holds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["hand_on"]


def hand_on(
    package: str,
    modules: Mapping[str, Sequence[str]],
    rooms: Sequence[str] = (),
    hints: Mapping[str, str] | None = None,
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__all__``, ``__getattr__`` and ``__dir__`` of a package that hands names on.

    Parameters
    ----------
    package : str
        The package's own name.
    modules : mapping
        A module, absolute or relative to the package (``".panel"``), to its public names.
    rooms : sequence of str
        Packages below this one that are public by name, as ``weights``.
    hints : mapping, optional
        Names that other libraries have to how it is written here.

    Notes
    -----
    No module may be named as a function that its package hands on: importing the one would hide the other.

    Examples
    --------
    >>> names, get, _ = hand_on("spatial", {".errors": ["DataError"]})
    >>> names, get("DataError").__name__
    (['DataError'], 'DataError')
    """
    owner = {name: module for module, names in modules.items() for name in names}
    public = sorted([*owner, *rooms])

    def get(name: str) -> Any:
        if name in rooms:
            return importlib.import_module(f"{package}.{name}")
        if name in owner:
            return getattr(importlib.import_module(owner[name], package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}{_meant(name)}")

    def _meant(name: str) -> str:
        # Names with leading underscores are asked for by programs, and often.
        if name.startswith("_"):
            return ""
        import difflib

        close = difflib.get_close_matches(name, public, n=1)
        found = (hints or {}).get(name) or (close[0] if close else "")
        return f". Did you mean {found}?" if found else ""

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *public})

    return public, get, names
