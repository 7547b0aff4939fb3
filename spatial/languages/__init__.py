"""What is said in two languages: messages, names of results, heads of columns; and which is in force."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {".session": ("language",)}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
