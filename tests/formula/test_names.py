"""Columns of any name: what is written in backticks, or in Chinese, plays the role of a plain name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spatial.models import SpatialSystem
from spatial.weights import Weights

PLAIN = {"y": "y", "x": "x", "z": "z", "p": "p"}
BACKTICKS = {"y": "my y", "x": "GDP per capita", "z": "z 1", "p": "p%"}
CHINESE = {"y": "韧性", "x": "人均产值", "z": "工具", "p": "警力"}


@pytest.fixture(scope="module")
def W() -> Weights:
    n = 120
    links = sum(np.roll(np.eye(n), k, axis=1) for k in (-1, 1, 5))
    return Weights.from_dense(links).row_standardized()


@pytest.fixture(scope="module")
def data(W: Weights) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x, z, e, v = rng.normal(size=(4, W.n))
    y = np.linalg.solve(np.eye(W.n) - 0.4 * W.sparse.toarray(), x + e)
    return pd.DataFrame({"y": y, "x": x, "z": z, "p": z + 0.5 * y + v}, index=W.ids)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("names", [BACKTICKS, CHINESE])
@pytest.mark.parametrize(
    "formulas",
    [
        ["{y} ~ {x} + W({y})"],
        ["{y} ~ {x} | {p} ~ {z}"],
        ["{y} ~ {x} + W({y}) + {p}", "{p} ~ {y} + {z} + W({p})"],
        ["{y} ~ {x} + I({p} ** 2) + {p} | {p} ~ {z} + I({z} ** 2)"],
        ["{y} ~ {x} + {x}:{p} + {p} | {p} ~ {z} + {x}:{z}"],
    ],
)
def test_a_name_in_backticks_plays_the_same_role(
    data: pd.DataFrame, W: Weights, names: dict[str, str], formulas: list[str]
) -> None:
    """An outcome in backticks was once an instrument of its own lag, in silence."""
    written = {key: name if name.isidentifier() else f"`{name}`" for key, name in names.items()}
    here = SpatialSystem([f.format(**written) for f in formulas], data.rename(columns=names), W)
    plain = SpatialSystem([f.format(**PLAIN) for f in formulas], data, W)
    assert len(here.instruments) == len(plain.instruments)
    ours, theirs = (s.fit("2sls", cov="hom", force=True).params for s in (here, plain))
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-9)
