"""Parquet with whole numbers as ids, looked up in a table or hashed, beside the same ids as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spatial.weights.reading import read


@pytest.mark.parametrize("kind", ["int64", "int32", "uint64"])
@pytest.mark.parametrize("spread", [1, 10**6])
def test_whole_numbers_meet_as_their_text_does(kind: str, spread: int, tmp_path: Path) -> None:
    """In the order of the heads or not, with neighbours that no row names."""
    rng, path = np.random.default_rng(0), tmp_path / "w.parquet"
    for turn in range(12):
        ids = rng.permutation(40)[:9] * spread
        pairs = rng.choice(ids, (rng.integers(1, 25), 2))
        links = pd.DataFrame(pairs, columns=["focal", "neighbor"]).drop_duplicates()
        links = links.sort_values(["focal", "neighbor"]) if turn % 2 else links
        links["weight"] = rng.random(len(links)) + 0.1
        links.astype({"focal": kind, "neighbor": kind}).to_parquet(path)
        numbers = read(path)
        links.astype({"focal": str, "neighbor": str}).to_parquet(path)
        texts = read(path)
        assert [str(unit) for unit in numbers.ids] == list(texts.ids)
        np.testing.assert_array_equal(numbers.sparse.toarray(), texts.sparse.toarray())
