"""The weights of four units by hand."""

from __future__ import annotations

import pytest
from value_cases import PLAIN

from spatial.weights import Weights


@pytest.fixture
def W() -> Weights:
    return Weights.from_dense(PLAIN, ids=["a", "b", "c", "d"])
