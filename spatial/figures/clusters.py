"""What a local result says of each unit: its cluster, its p-value, and by which p-value that was decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.pvalues import check_reachable, smallest_p
from spatial.errors import DataError, did_you_mean, name_ids

from .canvas import check_columns, on_map
from .palette import FAMILIES, ISLAND, NOT_SIGNIFICANT
from .words import word

__all__ = [
    "P_VALUES",
    "Decision",
    "check_levels",
    "cluster_codes",
    "decide",
    "decision_words",
    "family",
    "p_value_title",
    "p_values",
]

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
    kind = "z_value" if "quadrant" not in frame.columns and "z_value" in frame.columns else "quadrant"
    check_columns(frame, [kind, "cluster", column], "The local result")
    if not frame[column].notna().any():
        raise DataError(
            f"The local result has no {column}, as it was made without permutations: "
            "repeat it with permutations=999, or choose significance='p_value'."
        )
    level = float(getattr(local, "alpha", 0.05) if alpha is None else alpha)
    check_levels(level)
    if level != getattr(local, "alpha", level):  # another than that at which the result made its clusters
        check_reached(local, column, level)
    return column, level


def reached(local: Any, column: str, level: float) -> bool:
    """Whether the permutations behind a column of p-values can give one as small as `level`."""
    count = 0 if column == "p_value" else int(getattr(local, "permutations", 0))
    return level >= smallest_p(count, getattr(local, "alternative", "two-sided")) * (1 - 1e-9)


def check_reached(local: Any, column: str, level: float) -> None:
    """Refuse a level that would be drawn as empty whatever the values are."""
    if not reached(local, column, level):
        check_reachable(level, int(local.permutations), str(getattr(local, "alternative", "two-sided")))


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


def decision_words(local: Any, decision: Decision, lang: str) -> str:
    """Return by what a unit counts as significant: the p-value, its side, the level, the permutations."""
    column, level = decision
    side = str(getattr(local, "alternative", "two-sided"))
    said = word(f"side_{side.replace('-', '_')}", lang)
    runs = int(getattr(local, "permutations", 0) or 0)
    times = word("permutations", lang, count=f"{runs:,}") if column != "p_value" and runs else ""
    test = word("test", lang, side=said, p_value=p_value_title(column, lang), level=f"{level:g}")
    return test + times


def p_values(
    local: Any, ids: pd.Index[Any], column: str
) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the p-values in the order of `ids`, which units are islands, and which the result lacks."""
    rows = on_map(local.frame[["cluster", column]], ids, "the local result")
    missing = rows["cluster"].isna().to_numpy()
    island = (rows["cluster"].astype(str) == ISLAND).to_numpy()
    return rows[column].to_numpy(dtype=np.float64, na_value=np.nan), island, missing


def cluster_codes(local: Any, ids: pd.Index[Any], decision: Decision) -> pd.Series[Any]:
    """Return each unit's cluster code, in the order of `ids`; NaN where the result lacks the unit."""
    column, level = decision
    p, island, missing = p_values(local, ids, column)
    kind = on_map(_kinds(local.frame), ids, "the local result").astype(object)
    codes = kind.where(p <= level, NOT_SIGNIFICANT).mask(island, ISLAND).mask(missing)
    known = {code for family in FAMILIES for code in family} | {NOT_SIGNIFICANT, ISLAND}
    unknown = codes[~codes.isin(known) & ~missing]
    if len(unknown):
        raise DataError(
            f"Quadrants must be HH, LL, LH or HL; got {str(unknown.iloc[0])!r} at {name_ids(unknown.index)}."
        )
    return pd.Series(codes)


def _kinds(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return what each unit would be if it were significant."""
    if "quadrant" in frame.columns:
        return frame["quadrant"].astype(str)
    # Local G: above or below what is expected.
    signs = frame["z_value"].to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(np.where(signs > 0, "hot spot", "cold spot"), index=frame.index)


def family(local: Any) -> tuple[str, ...]:
    """Return the clusters that this statistic tells apart, in the order of legends."""
    kinds = set(_kinds(local.frame).unique())
    return next((codes for codes in FAMILIES if kinds <= set(codes)), FAMILIES[0])
