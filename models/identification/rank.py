"""The classical rank condition for a spatial system, with lags counted as separate variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pattern", "exclusions_that_identify", "structural_rank", "structural_ranks"]

Bool = NDArray[np.bool_]

DRAWS = 3


@dataclass(frozen=True)
class Pattern:
    """Which variable enters which equation: masks only, no numbers.

    Parameters
    ----------
    B : bool (G, G)
        Other dependent variables; the diagonal is False.
    Lambda : bool (R, G, G)
        Spatial lags of dependent variables, by weights matrix.
    C : bool (G, K)
        Exogenous variables (the constant and lagged dependent variables included).
    D : bool (R, G, K)
        Spatial lags of exogenous variables.
    external : bool (G, Q)
        Instruments outside the system.  True where the instrument may be a determinant of that row's
        variable although its equation does not list it: all rows except the equation under test.
    """

    B: Bool
    Lambda: Bool
    C: Bool
    D: Bool
    external: Bool

    @classmethod
    def build(cls, B: Bool, Lambda: Bool, C: Bool, D: Bool, external: Bool | None = None) -> Pattern:
        """Check the shapes and fill the optional part."""
        g, r = len(B), len(Lambda)
        # Counts, not -1: a system may have no weights, no exogenous variable, or no outside instrument.
        k = np.shape(C)[1]
        outside = np.zeros((g, 0)) if external is None else external
        return cls(
            np.asarray(B, dtype=bool),
            np.asarray(Lambda, dtype=bool).reshape(r, g, g),
            np.asarray(C, dtype=bool).reshape(g, k),
            np.asarray(D, dtype=bool).reshape(len(D), g, k),
            np.asarray(outside, dtype=bool).reshape(g, np.shape(outside)[1]),
        )

    @property
    def equations(self) -> int:
        """G."""
        return len(self.B)

    def included(self) -> Bool:
        """Return the mask (G, all variables) of what enters each equation, its own left side included."""
        g = self.equations
        blocks = [self.B | np.eye(g, dtype=bool), *self.Lambda, self.C, *self.D]
        return np.hstack([*blocks, np.zeros_like(self.external)])

    def entries(self, equation: int) -> Iterator[tuple[str, int, int]]:
        """Yield (block, matrix, column) of each right-hand-side entry of one equation."""
        for column in np.flatnonzero(self.C[equation]):
            yield "C", 0, int(column)
        for matrix, column in np.argwhere(self.D[:, equation]):
            yield "D", int(matrix), int(column)
        for matrix, column in np.argwhere(self.Lambda[:, equation]):
            yield "Lambda", int(matrix), int(column)
        for column in np.flatnonzero(self.B[equation]):
            yield "B", 0, int(column)

    def without(self, equation: int, block: str, matrix: int, column: int) -> Pattern:
        """Return the pattern with one entry excluded from one equation."""
        mask = getattr(self, block).copy()
        mask[(equation, column) if mask.ndim == 2 else (matrix, equation, column)] = False
        return replace(self, **{block: mask})


def structural_rank(pattern: Pattern, equation: int, rng: np.random.Generator) -> int:
    r"""Return the rank of the coefficients of the variables that one equation excludes.

    .. math:: A = [I - B \mid -\Lambda_1 \cdots -\Lambda_R \mid -C \mid -D_1 \cdots -D_R],
              \qquad \operatorname{rank}(A_g^{\circ}) = G - 1

    Free entries are random, so the rank found is the generic one with probability one.  The weights
    matrices and the regressors are taken as linearly independent; the population check looks at
    those that the user has.
    """
    g = pattern.equations
    blocks = [
        np.eye(g) - np.where(pattern.B, rng.uniform(0.2, 1.0, pattern.B.shape), 0.0),
        *[-np.where(mask, rng.uniform(0.2, 1.0, mask.shape), 0.0) for mask in pattern.Lambda],
        -np.where(pattern.C, rng.uniform(0.2, 1.0, pattern.C.shape), 0.0),
        *[-np.where(mask, rng.uniform(0.2, 1.0, mask.shape), 0.0) for mask in pattern.D],
        -np.where(pattern.external, rng.uniform(0.2, 1.0, pattern.external.shape), 0.0),
    ]
    full = np.hstack(blocks)
    excluded = full[:, ~pattern.included()[equation]].copy()
    # An outside instrument may move the other variables; the equation under test excludes it.
    if pattern.external.shape[1]:
        excluded[equation, -pattern.external.shape[1] :] = 0.0
    if excluded.size == 0:
        return 0
    return int(np.linalg.matrix_rank(excluded, tol=1e-10 * max(excluded.shape)))


def structural_ranks(pattern: Pattern, *, seed: int = 0) -> tuple[int, ...]:
    """Return the generic rank of each equation: the largest of a few random draws.

    Identified: rank = G - 1 in every equation (Kelejian and Prucha 2004; the classical rank
    condition, where ``W y`` and ``W x`` are variables of their own).

    Examples
    --------
    Two equations, each with the other's variable, both lags and the same two regressors, exclude
    nothing: no instrument can tell them apart.

    >>> both = np.ones((1, 2, 2), dtype=bool)
    >>> other = ~np.eye(2, dtype=bool)
    >>> none = np.zeros((1, 2, 2), dtype=bool)
    >>> structural_ranks(Pattern.build(other, both, np.ones((2, 2), dtype=bool), none))
    (0, 0)
    >>> structural_ranks(Pattern.build(other, both, np.eye(2, dtype=bool), none))
    (1, 1)
    """
    rng = np.random.default_rng(seed)
    draws = [[structural_rank(pattern, g, rng) for g in range(pattern.equations)] for _ in range(DRAWS)]
    return tuple(max(ranks) for ranks in zip(*draws, strict=True))


def exclusions_that_identify(pattern: Pattern, equation: int, *, seed: int = 0) -> list[tuple[str, int, int]]:
    """Return the single entries of one equation whose exclusion would identify it.

    An exclusion that costs another equation its identification is not listed.
    """
    required = pattern.equations - 1
    before = structural_ranks(pattern, seed=seed)
    found = []
    for entry in pattern.entries(equation):
        after = structural_ranks(pattern.without(equation, *entry), seed=seed)
        kept = all(new >= min(old, required) for new, old in zip(after, before, strict=True))
        if after[equation] >= required and kept:
            found.append(entry)
    return found
