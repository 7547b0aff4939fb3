"""The sums over W + W' of a global statistic, taken some rows at a time."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatial.autocorrelation import pairs
from spatial.autocorrelation.global_geary import geary
from spatial.autocorrelation.global_getis import general_g
from spatial.autocorrelation.global_moran import moran
from spatial.weights import Weights


@pytest.mark.parametrize("statistic", [moran, geary, general_g])
def test_some_rows_at_a_time_have_the_bits_of_all(statistic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not symmetric, with own weights, islands and ids in no order."""
    rng = np.random.default_rng(3)
    matrix = sparse.random_array((60, 60), density=0.06, rng=rng).tolil()
    matrix.setdiag(0.0 if statistic is general_g else 0.4)
    matrix[7] = 0.0
    W = Weights.from_sparse(matrix.tocsr(), ids=rng.permutation(60))
    x = pd.Series(rng.random(60), index=W.ids)
    whole = statistic(x, W, permutations=0)
    monkeypatch.setattr(pairs, "_ROWS", 7)
    parts = statistic(x, W, permutations=0)
    for field in fields(whole):
        value = getattr(whole, field.name)
        if isinstance(value, float):
            assert getattr(parts, field.name).hex() == value.hex(), field.name
