"""P-values of a statistic, from the normal distribution or from permutations, one- or two-sided."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from spatial.errors import DataError, did_you_mean
from spatial.words import tell

__all__ = [
    "Alternative",
    "alternative_words",
    "check_alternative",
    "check_reachable",
    "folded_p",
    "normal_p",
    "permutation_counts",
    "permutation_p",
    "sequential_tail",
    "smallest_p",
]

Alternative = Literal["two-sided", "greater", "less", "geoda"]
Float = NDArray[np.float64]


def check_alternative(alternative: str) -> None:
    """Refuse an alternative that is not offered."""
    allowed = get_args(Alternative)
    if alternative not in allowed:
        raise DataError(
            f"alternative must be one of {', '.join(map(repr, allowed))}; got {alternative!r}."
            f"{did_you_mean(alternative, allowed)}"
        )


def alternative_words(alternative: str) -> str:
    """Say which tail the p-values are of."""
    english, chinese = {
        "two-sided": ("two-sided (twice the smaller tail, at most 1)", "双侧（较小一侧的两倍，至多为 1）"),
        "greater": ("one-sided: statistic greater than expected", "单侧：统计量大于期望值"),
        "less": ("one-sided: statistic less than expected", "单侧：统计量小于期望值"),
        "geoda": (
            "one-sided towards the nearer tail, as GeoDa and esda print them: half of a two-sided p",
            "单侧，取较近的一侧（同 GeoDa 与 esda 的输出）：为双侧 p 值的一半",
        ),
    }[alternative]
    return tell(english, chinese)


def normal_p(z: Any, alternative: str) -> Any:
    """Return the normal p-value of standardised statistics; NaN stays NaN.

    Examples
    --------
    >>> round(float(normal_p(1.959964, "two-sided")), 6), round(float(normal_p(1.959964, "greater")), 6)
    (0.05, 0.025)
    """
    # ndtr of the negative, never 1 - cdf: the far tail keeps its digits.
    if alternative == "greater":
        return ndtr(-np.asarray(z))
    if alternative == "less":
        return ndtr(np.asarray(z))
    return (1.0 if alternative == "geoda" else 2.0) * ndtr(-np.abs(z))


def permutation_counts(observed: float, simulated: Float) -> tuple[int, int]:
    """Count the simulated statistics at or above, and at or below, the observed one; ties in both."""
    slack = 1e-12 * max(abs(observed), float(np.abs(simulated).max(initial=0.0)))
    return int((simulated >= observed - slack).sum()), int((simulated <= observed + slack).sum())


def permutation_p(above: Any, below: Any, permutations: int, alternative: str, *, mid: bool = False) -> Any:
    r"""Return the permutation p-value from the counts at or above and at or below the observed.

    .. math:: p_{greater} = \frac{1 + \#\{I^* \ge I\}}{1 + R}, \qquad
              p_{less} = \frac{1 + \#\{I^* \le I\}}{1 + R}, \qquad
              p_{two} = \min\{1,\; 2 \min(p_{greater}, p_{less})\}

    The observed arrangement counts as one of the R + 1, so p is never 0.  With ``"geoda"`` it is the folded
    pseudo p of GeoDa and esda, :math:`(1 + \min\{\#\{I^* \ge I\}, \#\{I^* < I\}\}) / (1 + R)`.

    Parameters
    ----------
    mid : bool
        Count half of the ties (mid-p): with counted data the full p-values are too large.

    Examples
    --------
    >>> float(permutation_p(9, 990, 999, "greater")), float(permutation_p(9, 990, 999, "two-sided"))
    (0.01, 0.02)
    >>> float(permutation_p(9, 990, 999, "geoda"))
    0.01
    """
    above, below = np.asarray(above), np.asarray(below)
    if alternative == "geoda":
        return (np.minimum(above, permutations - above) + 1.0) / (permutations + 1.0)
    ties = (above + below - permutations) / 2.0 if mid else 0.0
    greater = (above - ties + 1.0) / (permutations + 1.0)
    less = (below - ties + 1.0) / (permutations + 1.0)
    return folded_p(greater, less, alternative)


def folded_p(greater: Any, less: Any, alternative: str) -> Any:
    """Return the p-value of both tails, or of the one that is asked for.

    Examples
    --------
    >>> float(folded_p(0.01, 0.99, "two-sided")), float(folded_p(0.01, 0.99, "less"))
    (0.02, 0.99)
    """
    if alternative in ("greater", "less"):
        return greater if alternative == "greater" else less
    return np.minimum(1.0, (1.0 if alternative == "geoda" else 2.0) * np.minimum(greater, less))


def sequential_tail(twice: Any, drawn: Any, permutations: int, stop_after: int) -> Float:
    r"""Return the p-value of one tail that stopped counting (Besag and Clifford 1991).

    .. math:: p = h / l \text{ where the } h \text{th exceedance is draw } l \le R, \qquad
              p = (g + 1) / (R + 1) \text{ with } g < h \text{ exceedances in all } R \text{ draws}

    Parameters
    ----------
    twice : int or array
        Twice the exceedances, of which a tie is half a one.
    drawn : int or array
        l, the draws taken.
    permutations, stop_after : int
        R and h.

    Examples
    --------
    >>> sequential_tail([20, 6], [40, 999], 999, 10).tolist()
    [0.25, 0.004]
    """
    count = np.asarray(twice) / 2.0
    return np.where(count >= stop_after, count / np.asarray(drawn), (count + 1.0) / (permutations + 1.0))


def smallest_p(permutations: int, alternative: str) -> float:
    """Return the smallest p-value that so many permutations can give; 0 without permutations.

    Examples
    --------
    >>> smallest_p(999, "two-sided"), smallest_p(999, "geoda"), smallest_p(0, "two-sided")
    (0.002, 0.001, 0.0)
    """
    if not permutations:
        return 0.0
    return (2.0 if alternative == "two-sided" else 1.0) / (permutations + 1.0)


def check_reachable(level: float, permutations: int, alternative: str) -> None:
    """Refuse a level below the smallest p-value that so many permutations can give.

    Examples
    --------
    >>> check_reachable(0.05, 999, "two-sided")
    """
    least = smallest_p(permutations, alternative)
    if level < least * (1 - 1e-9):
        enough = math.ceil((2 if alternative == "two-sided" else 1) / level - 1e-9) - 1
        raise DataError(
            f"No unit can be significant at {level:g}: the smallest p-value of {permutations} permutations "
            f"is {least:g} ({alternative}). Ask for permutations={enough} or more, or for a level that can "
            "be reached."
        )
