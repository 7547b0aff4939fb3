"""What neighbours of each order add to the effects, as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation.covariance import is_whole

from .parts import order_effects_exponential, order_effects_one, order_effects_several

if TYPE_CHECKING:
    from .result import Impacts

__all__ = ["orders_of"]

Float = NDArray[np.float64]


def orders_of(found: Impacts, k: int) -> pd.DataFrame:
    """Return the frame of `Impacts.by_order`."""
    if not is_whole(k, 0) or k > 50:
        raise DataError(f"by_order needs a whole number of orders from 0 to 50; got {k!r}.")
    if not found.stable:
        raise DataError(
            "Orders of neighbours add up only where the power series converges, and here it does not: see "
            "fit.stability()."
        )
    direct, total = _orders(found, int(k))
    known_direct, known_total, _, _ = found._map.evaluate(found._parameters)
    labels: list[Any] = [*range(int(k) + 1), "rest"]
    direct = np.concatenate([direct, (known_direct - direct.sum(axis=0))[None]])
    total = np.concatenate([total, (known_total - total.sum(axis=0))[None]])
    rows = [
        {
            "outcome": outcome,
            "term": term,
            "order": label,
            "direct": direct[m, g, j],
            "indirect": total[m, g, j] - direct[m, g, j],
            "total": total[m, g, j],
        }
        for g, outcome in enumerate(found._map.structure.names)
        for j, term in enumerate(found._map.terms[: found._map.n_regressors])
        for m, label in enumerate(labels)
    ]
    return pd.DataFrame(rows)


def _orders(found: Impacts, k: int) -> tuple[Float, Float]:
    c = found._map.coefficients(found._parameters)
    if found._map.exponential:
        return order_effects_exponential(c, found._map.traces, k)
    if found._map.way == "traces":
        r = found._map.feedback[0]
        return order_effects_one(c.B, c.Lambda[r], c.C, c.D[r], found._map.traces, k)
    matrices = [found._map.matrices[w] for w in found._map.weights]
    return order_effects_several(c, matrices, found._map._probes, k)
