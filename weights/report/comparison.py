"""Two weights of the same units side by side: the links they share, and how alike their lags are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import WeightsError
from spatial.ids.alignment import aligned_values, check_scale, require_finite
from spatial.languages.shown import padded, width
from spatial.results import Result
from spatial.weights.meta import HasLinks
from spatial.weights.normalization import row_standardize
from spatial.words import tell

__all__ = ["WeightsComparison", "compare_links"]


@dataclass(frozen=True, eq=False, repr=False)
class WeightsComparison(Result):
    """Links of two weights of the same units, and the correlation of their lags.

    Parameters
    ----------
    n : int
        Units.
    n_first, n_second, n_shared, n_first_only, n_second_only : int
        Links (entries off the diagonal) of each, of both, and of one alone.
    jaccard : float
        Shared links over the links of either.
    noise_correlation : float
        Correlation of the lags of independent noise under the row-standardised weights; NaN where a weight is
        negative, or one of the two has no links.
    lag_correlation : float or None
        Pearson correlation of the two lags of the variable given, row-standardised.
    variable : str or None
        Its name.
    first, second : str
        The kinds of weights.
    units : DataFrame, (N, 3)
        By id: shared links, those of the first alone, those of the second alone.
    """

    n: int
    n_first: int
    n_second: int
    n_shared: int
    n_first_only: int
    n_second_only: int
    jaccard: float
    noise_correlation: float
    lag_correlation: float | None
    variable: str | None
    first: str
    second: str
    units: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row a fact: item, value."""
        facts = self._facts()
        return pd.DataFrame({"item": list(facts), "value": pd.Series(list(facts.values()), dtype=object)})

    def glance(self) -> pd.DataFrame:
        """Return one row with a column a fact."""
        return pd.DataFrame([self._facts()])

    def _facts(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "n_first": self.n_first,
            "n_second": self.n_second,
            "n_shared": self.n_shared,
            "n_first_only": self.n_first_only,
            "n_second_only": self.n_second_only,
            "jaccard": self.jaccard,
            "noise_correlation": self.noise_correlation,
            "lag_correlation": self.lag_correlation,
        }

    def headline(self) -> str:
        """Name the two kinds and their shared links."""
        return tell(
            f"{self.first}, {self.second}: {self.n_shared:,} links shared",
            f"{self.first} 与 {self.second}：共有 {self.n_shared:,} 条连接",
        )

    def summary(self) -> str:
        """Write the comparison as text."""
        rows = [
            (_links_of(self.first), _only(self.n_first, self.n_first_only)),
            (_links_of(self.second), _only(self.n_second, self.n_second_only)),
            (
                tell("shared links", "共有连接"),
                f"{self.n_shared:,}"
                + tell(
                    f" ({self.jaccard:.1%} of the links of either)",
                    f"（占二者全部连接的 {self.jaccard:.1%}）",
                ),
            ),
            (tell("lags of noise", "随机数的空间滞后"), _correlated(self.noise_correlation)),
        ]
        if self.lag_correlation is not None:
            label = tell(
                f"lags of {self.variable or 'the values'}", f"{self.variable or '所给值'} 的空间滞后"
            )
            rows.append((label, _correlated(self.lag_correlation)))
        wide = max(width(label) for label, _ in rows)
        lines = [tell(f"Two weights of {self.n:,} units", f"两个权重矩阵的比较，{self.n:,} 个个体"), ""]
        return "\n".join(lines + [f"  {padded(label, wide)}  {value}" for label, value in rows])


def compare_links(first: HasLinks, second: HasLinks, x: Any) -> WeightsComparison:
    """Compare two weights whose units stand in one order; see `spatial.weights.compare`."""
    a, b = _off_diagonal(first.sparse), _off_diagonal(second.sparse)
    shared = sparse.csr_array((a != 0).multiply(b != 0))
    counts = [np.diff(part.indptr) for part in (shared, a, b)]
    units = pd.DataFrame(
        {"shared": counts[0], "first_only": counts[1] - counts[0], "second_only": counts[2] - counts[0]},
        index=first.ids,
    )
    either = a.nnz + b.nnz - shared.nnz
    standard = [_standard(part, first.ids) for part in (a, b)]
    return WeightsComparison(
        n=len(first.ids),
        n_first=a.nnz,
        n_second=b.nnz,
        n_shared=shared.nnz,
        n_first_only=a.nnz - shared.nnz,
        n_second_only=b.nnz - shared.nnz,
        jaccard=shared.nnz / either if either else float("nan"),
        noise_correlation=_noise(standard[0], standard[1]),
        lag_correlation=None if x is None else _lags(standard[0], standard[1], first.ids, x),
        variable=None if x is None or getattr(x, "name", None) is None else str(x.name),
        first=first.meta.kind,
        second=second.meta.kind,
        units=units,
    )


def _off_diagonal(matrix: sparse.csr_array) -> sparse.csr_array:
    kept = sparse.csr_array(matrix - sparse.diags_array(matrix.diagonal(), format="csr"))
    kept.eliminate_zeros()
    return kept


def _standard(matrix: sparse.csr_array, ids: pd.Index[Any]) -> sparse.csr_array | None:
    return row_standardize(matrix, ids) if matrix.nnz and (matrix.data > 0).all() else None


def _noise(a: sparse.csr_array | None, b: sparse.csr_array | None) -> float:
    if a is None or b is None:
        return float("nan")
    return float(a.multiply(b).sum() / np.sqrt((a.data @ a.data) * (b.data @ b.data)))


def _lags(a: sparse.csr_array | None, b: sparse.csr_array | None, ids: pd.Index[Any], x: Any) -> float:
    if a is None or b is None:
        raise WeightsError("Lags are compared of weights with links, all of them positive.")
    values = aligned_values(x, ids)
    require_finite(values, ids, "Values")
    if values.ndim != 1:
        raise WeightsError(f"Lags are compared of one variable; got an array of shape {values.shape}.")
    check_scale(values, "Values")
    one, two = a @ values, b @ values
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        raise WeightsError("Lags that do not vary have no correlation. Take a variable that does.")
    return float(np.corrcoef(one, two)[0, 1])


def _links_of(name: str) -> str:
    return tell(f"links of {name}", f"{name} 的连接")


def _only(count: int, alone: int) -> str:
    return f"{count:,}" + tell(f", {alone:,} of them only here", f"，其中 {alone:,} 条为其独有")


def _correlated(value: float) -> str:
    return tell("correlation ", "相关系数 ") + f"{value:.4f}"
