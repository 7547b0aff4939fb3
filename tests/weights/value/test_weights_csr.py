"""The gate into weights: a damaged matrix is refused, whatever its format and its flags say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse

from spatial.errors import WeightsError
from spatial.weights import Weights


def ring(n: int = 50) -> Any:
    """A matrix whose arrays can be damaged."""
    rows = np.arange(n)
    return sparse.csr_array((np.ones(n), (rows, (rows + 1) % n)), shape=(n, n))


def damaged(kind: str) -> Any:
    matrix = ring()
    match kind:
        case "column beyond":
            matrix.indices[:] += 50_000_000
        case "column negative":
            matrix.indices[3] = -1
        case "indptr falls":
            matrix.indptr[3] = 40
        case "indptr beyond":
            matrix.indptr[-1] = 10**6
        case "indptr begins late":
            matrix.indptr[0] = 1
        case "indptr short":
            matrix.indptr = matrix.indptr[:-5]
        case "data short":
            matrix.data = matrix.data[:-5]
        case "columns with fractions":
            matrix.indices = matrix.indices + 0.5
        case "coordinates beyond":
            matrix = matrix.tocoo()
            matrix.coords = (matrix.coords[0] + 7, matrix.coords[1])
        case "coordinates negative":
            matrix = matrix.tocoo()
            matrix.coords = (matrix.coords[0], matrix.coords[1] - 1)
        case "csc beyond":
            matrix = matrix.tocsc()
            matrix.indices[0] = 10**8
        case "csc indptr":
            matrix = matrix.tocsc()
            matrix.indptr[2] = 10**8
        case "blocks":
            matrix = matrix.tobsr((2, 2))
            matrix.indices[0] = 10**6
    return matrix


@pytest.mark.parametrize(
    "kind",
    [
        "column beyond",
        "column negative",
        "indptr falls",
        "indptr beyond",
        "indptr begins late",
        "indptr short",
        "data short",
        "columns with fractions",
        "coordinates beyond",
        "coordinates negative",
        "csc beyond",
        "csc indptr",
        "blocks",
    ],
)
def test_a_damaged_matrix_is_refused_before_anybody_reads_memory_with_it(kind: str) -> None:
    for make in (lambda m: Weights(pd.RangeIndex(50), m), Weights.from_sparse):
        with pytest.raises(WeightsError, match=r"The matrix is damaged: .* Build it again"):
            make(damaged(kind))


def test_flags_that_somebody_set_prove_nothing() -> None:
    matrix = ring(4)
    matrix.data, matrix.indices = np.array([2.0, 3, 0, 1]), np.array([1, 1, 3, 0], dtype=np.int32)
    matrix.indptr = np.array([0, 2, 3, 4, 4], dtype=np.int32)
    matrix.has_canonical_format = matrix.has_sorted_indices = True
    W = Weights(pd.RangeIndex(4), matrix)
    assert W.to_frame().to_numpy().tolist() == [[0, 1, 5], [2, 0, 1]]
    longer = ring(4)
    longer.data, longer.indices = np.append(longer.data, 7), np.append(longer.indices, 9)
    assert Weights.from_sparse(longer).equals(Weights.from_sparse(ring(4)))
    with pytest.raises(WeightsError, match="must be real numbers; the matrix holds complex128"):
        Weights.from_sparse(ring(4).astype(np.complex128))
    for form in ("csc", "coo", "lil", "dok", "bsr", "dia"):
        assert Weights.from_sparse(ring(6).asformat(form)).equals(Weights.from_sparse(ring(6))), form
