"""Who neighbours whom, and how strongly."""

from __future__ import annotations

from ._weights import Meta, Weights, as_weights

__all__ = ["Meta", "Weights", "as_weights"]
