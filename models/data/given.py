"""What a user gave to build a system, kept so that it can be built again with something changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spatial.errors import DataError

from .cells import Unbalanced

__all__ = ["Given", "Lags", "check_options"]

Lags = Literal["full", "within"]


@dataclass(frozen=True, eq=False)
class Given:
    """The arguments of `SpatialSystem`, and the rows that were chosen since.

    Parameters
    ----------
    formulas : str, list of str, or mapping of name to str
    panel : Panel or DataFrame
    weights, error : see `SpatialSystem`
    effects : str or list of str
    instruments : str, list of str or None
    iv_order : int
    unbalanced : "raise", "balance" or "induced"
    where : str, optional
        The condition of the rows.
    lags : "full" or "within"
    """

    formulas: str | Iterable[str] | Mapping[str, str]
    panel: Any
    weights: Any
    effects: str | Iterable[str]
    error: Any
    instruments: str | Iterable[str] | None
    iv_order: int | None
    unbalanced: Unbalanced
    where: str | None = None
    lags: Lags = "full"


def check_options(iv_order: int | None, unbalanced: str) -> None:
    """Refuse orders of instruments and ways with missing cells that are none."""
    whole = isinstance(iv_order, (int, np.integer)) and not isinstance(iv_order, bool)
    if iv_order is not None and not (whole and 0 <= iv_order <= 6):
        raise DataError(f"iv_order is a whole number from 0 to 6; got {iv_order!r}.")
    if unbalanced not in ("raise", "balance", "induced"):
        raise DataError(f"unbalanced is 'raise', 'balance' or 'induced'; got {unbalanced!r}.")
