"""What a local result says of each unit: its cluster, its p-value, and by which p-value that was decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, name_ids

from .canvas import check_columns, matched
from .palette import CLUSTERS, ISLAND, NOT_SIGNIFICANT
from .words import word

__all__ = ["P_VALUES", "Decision", "check_levels", "cluster_codes", "decide", "p_value_title", "p_values"]

Float = NDArray[np.float64]
Decision = tuple[str, float]

# Column of the result -> words of its legend.
P_VALUES = {"p_sim": "significance", "p_fdr": "significance_fdr", "p_value": "significance_analytic"}


def decide(local: Any, significance: str | None, alpha: float | None) -> Decision:
    """Return the p-value's column and the level: as given, else as the result itself made its clusters."""
    frame = getattr(local, "frame", None)
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"The result of local_moran() is needed; got {type(local).__name__}.")
    if significance is not None and significance not in P_VALUES:
        raise DataError(
            f"significance must be one of {', '.join(P_VALUES)}; got {significance!r}."
            f"{did_you_mean(significance, P_VALUES)}"
        )
    column = significance or _own_column(local, frame)
    check_columns(frame, ["quadrant", "cluster", column], "The local result")
    if not frame[column].notna().any():
        raise DataError(
            f"The local result has no {column}, as it was made without permutations: "
            "repeat it with permutations=999, or choose significance='p_value'."
        )
    level = float(getattr(local, "alpha", 0.05) if alpha is None else alpha)
    check_levels(level)
    return column, level


def _own_column(local: Any, frame: pd.DataFrame) -> str:
    if getattr(local, "fdr", False):
        return "p_fdr"
    simulated = "p_sim" in frame.columns and frame["p_sim"].notna().any()
    return "p_sim" if simulated or "p_value" not in frame.columns else "p_value"


def check_levels(*levels: float) -> None:
    """Refuse what is no probability."""
    for level in levels:
        if not 0 < float(level) < 1:
            raise DataError(f"A significance level lies between 0 and 1; got {level!r}.")


def p_value_title(column: str, lang: str) -> str:
    """Return the words for a p-value's column."""
    return word(P_VALUES[column], lang)


def p_values(local: Any, ids: pd.Index[Any], column: str) -> tuple[Float, NDArray[np.bool_]]:
    """Return each unit's p-value and whether it is an island, in the order of `ids`."""
    rows = matched(local.frame[["cluster", column]], ids, "the local result")
    island = (rows["cluster"].astype(str) == ISLAND).to_numpy()
    return rows[column].to_numpy(dtype=np.float64, na_value=np.nan), island


def cluster_codes(local: Any, ids: pd.Index[Any], decision: Decision) -> pd.Series[str]:
    """Return each unit's cluster code, in the order of `ids`."""
    column, level = decision
    p, island = p_values(local, ids, column)
    quadrant = matched(local.frame["quadrant"], ids, "the local result").astype(str)
    codes = quadrant.where(p <= level, NOT_SIGNIFICANT).mask(island, ISLAND)
    unknown = codes[~codes.isin(CLUSTERS)]
    if len(unknown):
        raise DataError(
            f"Quadrants must be HH, LL, LH or HL; got {unknown.iloc[0]!r} at {name_ids(unknown.index)}."
        )
    return pd.Series(codes)
