"""The command line: `spatial moran`, `weights`, `data`, `run`, `check`, `new`, `explore`, `api`, `demo`."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".program": (
        "build_app",
        "main",
    ),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
