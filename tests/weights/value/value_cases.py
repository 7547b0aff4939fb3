"""Small weights by hand, and any weights, for hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spatial.weights import Weights

PLAIN = [[0, 1.0, 0, 2], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


@st.composite
def weights(draw: st.DrawFn, *, positive: bool = False) -> Weights:
    n = draw(st.integers(1, 9))
    cells = st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0] if positive else [0.0, 0.0, -1.5, 1.0, 3.0, 1e-9])
    matrix = draw(st.lists(st.lists(cells, min_size=n, max_size=n), min_size=n, max_size=n))
    kind = draw(st.sampled_from(["text", "number", "word with space"]))
    order = draw(st.permutations(range(n)))
    ids = {"text": [f"u{i}" for i in order], "number": [i * 7 for i in order]}.get(
        kind, [f"北 {i}" for i in order]
    )
    return Weights.from_dense(np.array(matrix), ids=ids)
