"""What each function was checked against: `spatial.evidence`."""

from __future__ import annotations

from spatial.names import hand_on

__all__, __getattr__, __dir__ = hand_on(__name__, {".records": ("evidence",)})
