r"""All columns of a system once, filtered by nothing, and their cross-products: what moments are made of.

Every filtered residual is a combination of the columns :math:`E = P[y, Z, My, MZ]`:

.. math:: \varepsilon_g(\theta) = E c_g, \qquad c_g = (1, -\delta_g) \otimes (1, -\rho_g) ,

so that moments, and their derivatives, are small sums that do not depend on the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spatial.compute.products import product
from spatial.models.data.design import Design
from spatial.models.data.instruments import orthonormal_basis

from .projection import Projection, projection

if TYPE_CHECKING:
    from spatial.models.estimation.errors import ErrorMoments

__all__ = ["Columns", "columns_of"]

Float = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns E of a design, with the instruments.

    Parameters
    ----------
    design : Design
    space : Projection
        P.
    E : array (R, m)
        P[columns], then P[M columns] for each error matrix.
    Q : array (R, p)
        Orthonormal instruments, effects out.
    names : tuple of str
        The error matrices, in the order of their blocks in E.
    """

    design: Design
    space: Projection
    E: Float
    Q: Float
    names: tuple[str, ...]

    @property
    def n(self) -> float:
        """Effective sample size."""
        return self.space.n

    @cached_property
    def L(self) -> Float:
        """Q'E; (p, m)."""
        return np.asarray(self.Q.T @ self.E)

    @cached_property
    def gram(self) -> Float:
        """E'E; (m, m)."""
        return np.asarray(self.E.T @ self.E)

    def plain(self, g: int) -> Index:
        """Return where [y, Z] of equation g stand in E."""
        return np.array(self.design.equation_columns(g), dtype=np.intp)

    def lagged(self, g: int) -> Index | None:
        """Return where M[y, Z] of equation g stand in E; None without an error matrix."""
        error = self.design.structure.equations[g].error
        if error is None:
            return None
        block = 1 + self.names.index(error)
        return np.asarray(self.plain(g) + block * self.design.columns.shape[1])

    def forms(self, moments: ErrorMoments, columns: Index | None = None) -> Float:
        """Return E'(M'M + diag)E and E'(M + diag)E, for all columns or some; (2, m, m)."""
        E = self.E if columns is None else self.E[:, columns]
        out = np.zeros((2, E.shape[1], E.shape[1]))
        squares, own = moments.diagonal
        for first, last, matrix in moments.operator.blocks():
            block = E[first:last]
            lag = product(matrix, block)
            out[0] += lag.T @ lag + block.T @ (block * squares[first:last, None])
            out[1] += block.T @ (lag + block * own[first:last, None])
        return out


def columns_of(design: Design) -> Columns:
    """Prepare the columns of a design: one pass over the data for each error matrix."""
    names = tuple(dict.fromkeys(e.error for e in design.structure.equations if e.error is not None))
    operators = [design.operators[name] for name in names]
    space = projection(design.effects, operators)
    if space.filters:
        plain = space.project(design.columns)
        H = design.instruments
        Q = orthonormal_basis(space.project(H), np.linalg.norm(H, axis=0)).Q
    else:
        plain, Q = design.projected, design.basis.Q
    E = np.concatenate([plain, *(space.project(m(design.columns)) for m in operators)], axis=1)
    return Columns(design, space, E, Q, names)
