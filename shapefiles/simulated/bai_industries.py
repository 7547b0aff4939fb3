"""A table of employment by 19 industries that measures exactly to given resilience, quotients and entropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spatial.panel.industry_codes import SECTIONS

__all__ = ["INDUSTRIES", "employment"]

Float = NDArray[np.float64]
# Mining first: its quotient is the specialisation; then all sections of the urban survey but farming.
INDUSTRIES = ("采矿业", *(s.name for s in SECTIONS if s.name not in ("采矿业", "国际组织")))
MINING, NATION = 0.017, 7.5e8


def employment(
    resilience: Float, quotient: Float, entropy: Float, size: Float, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Return employment (N, T + 1, 19), from one year before, and the nation's (T + 1, 19).

    Mining's share is its quotient times the nation's share; the shares of the other 18 are a power of random
    ones, found by bisection so that the entropy is as given; employment follows
    :math:`E_{t+1} = E_t + X_t + R_{t+1} |X_t|` with the expected change X, the sum over industries of
    national growth times employment.  The nation is larger than the sample: its shares and growth are given.
    """
    n, t = resilience.shape
    count = len(INDUSTRIES)
    nation = np.empty((t + 1, count))
    shares = rng.dirichlet(np.full(count - 1, 3.0))
    nation[0] = np.r_[MINING, shares * (1 - MINING)] * NATION
    growth = 0.016 + 0.004 * rng.normal(size=(t, count))
    growth[[0, 9]] -= 0.003
    growth[:, 0] = 0.012
    for year in range(t):
        nation[year + 1] = nation[year] * (1 + growth[year])
    first = (nation / nation.sum(axis=1, keepdims=True))[:, 0]
    base = np.log(shares)[None] + 0.35 * rng.normal(size=(n, count - 1))
    base -= base.max(axis=1, keepdims=True)
    mining = np.c_[quotient[:, :1], quotient] * first
    aim = np.c_[entropy[:, :1], entropy]
    inside = np.stack([_shares(base, mining[:, year], aim[:, year]) for year in range(t + 1)], axis=1)
    total = np.empty((n, t + 1))
    total[:, 0] = np.exp(0.55 * size[:, 0] - 0.35 * np.log(np.maximum(quotient.mean(axis=1), 0.2)))
    total[:, 0] *= 0.18 * nation[0].sum() / total[:, 0].sum()
    for year in range(t):
        expected = (growth[year] * inside[:, year]).sum(axis=1) * total[:, year]
        total[:, year + 1] = total[:, year] + expected + resilience[:, year] * np.abs(expected)
    return total[..., None] * inside, nation


def _shares(base: Float, mining: Float, aim: Float) -> Float:
    """Return shares (N, 19) whose first is `mining` and whose entropy is `aim`."""
    low, high = np.full(len(base), 1e-6), np.full(len(base), 60.0)
    found = np.empty((len(base), base.shape[1] + 1))
    for _ in range(80):
        middle = (low + high) / 2
        others = np.exp(middle[:, None] * base)
        others = np.maximum(others / others.sum(axis=1, keepdims=True), 1e-300) * (1 - mining)[:, None]
        found = np.c_[mining, others]
        above = -(found * np.log(found)).sum(axis=1) > aim
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return found
