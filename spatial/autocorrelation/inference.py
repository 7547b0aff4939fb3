"""What the global statistics share: one permutation run, p-values, and how a result is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.pvalues import alternative_words, permutation_counts, permutation_p
from spatial.compute.threads import check_workers

from .sample import Sample

__all__ = ["global_rows", "notes", "permutation_test", "row", "score", "symmetric_part"]

Float = NDArray[np.float64]


def score(deviation: float, variance: float, expected: float) -> float:
    """Return deviation over standard error; NaN where the statistic cannot vary but for rounding."""
    return deviation / float(np.sqrt(variance)) if variance > 1e-10 * expected**2 else float("nan")


def symmetric_part(data: Sample) -> sp.csr_array:
    """Return W + W' by sorted id."""
    return sp.csr_array(data.matrix + data.matrix.T)


def permutation_test(
    values: Float,
    symmetric: sp.csr_array,
    observed: float,
    *,
    linear: Float | None = None,
    square: Float | None = None,
    scale: float,
    permutations: int,
    seed: int,
    stream: int = 0,
    alternative: str,
    workers: int | None,
    progress: bool | None,
    label: str,
) -> tuple[float, Float | None]:
    """Return p and the simulated statistics, ``scale * (quadratic form)``; see `permute_quadratic`."""
    threads = check_workers(workers)
    if permutations == 0:
        return float("nan"), None
    from .permutation import build_links, permute_quadratic

    simulated = permute_quadratic(
        values,
        build_links(symmetric),
        linear=linear,
        square=square,
        permutations=permutations,
        seed=seed,
        stream=stream,
        workers=threads,
        progress=progress,
        label=label,
    )
    simulated = scale * simulated
    simulated.flags.writeable = False
    above, below = permutation_counts(observed, simulated)
    return float(permutation_p(above, below, permutations, alternative)), simulated


def row(
    term: str, method: str, estimate: float, expected: float, variance: float, z: float, p: float
) -> dict[str, Any]:
    """Return one row of a tidy table; the null's variance gives no interval for the statistic."""
    return {
        "term": term,
        "method": method,
        "estimate": estimate,
        "expected": expected,
        "std_error": float(np.sqrt(variance)) if variance >= 0 else float("nan"),
        "statistic": z,
        "p_value": p,
        "conf_low": float("nan"),
        "conf_high": float("nan"),
    }


def global_rows(result: Any, estimate: float) -> pd.DataFrame:
    """Tabulate a statistic with normality, randomisation and permutation inference."""
    rows = [
        row(
            result.name,
            method,
            estimate,
            result.expected,
            getattr(result, f"variance_{method}"),
            getattr(result, f"z_{method}"),
            getattr(result, f"p_{method}"),
        )
        for method in ("normality", "randomisation")
    ]
    if result.simulated is not None:
        rows.append(simulated_row(result, estimate))
    return pd.DataFrame(rows)


def simulated_row(result: Any, estimate: float) -> dict[str, Any]:
    """Return the row of a permutation test: mean and spread are those of the permutations."""
    mean, variance = float(result.simulated.mean()), float(result.simulated.var())
    z = (estimate - mean) / np.sqrt(variance) if variance > 0 else float("nan")
    return row(result.name, "permutation", estimate, mean, variance, float(z), result.p_sim)


def notes(result: Any) -> list[str]:
    """Write what a reader should know: weights, the p-values' tail, the seed, what was cut."""
    lines = [f"Weights: {result.weights}", f"P-values: {alternative_words(result.alternative)}"]
    if result.permutations:
        least = permutation_p(0, result.permutations, result.permutations, result.alternative)
        lines.append(
            f"Permutations: {result.permutations}, seed {result.seed}; smallest p {float(least):.2g}"
        )
    if len(result.dropped):
        shown = ", ".join(map(str, result.dropped[:10])) + (", ..." if len(result.dropped) > 10 else "")
        lines.append(f"Dropped as missing, with their links: {len(result.dropped)} ({shown})")
    return lines
