"""Small cases that several test files share."""

from __future__ import annotations

N, T = 40, 6


FULL = ["y ~ p + W(y) + x", "p ~ y + W(p) + z"]
