r"""One projector that removes the filtered effects whatever rho is.

Where the spatial filter and the effects commute this is the projector of the effects.  Elsewhere the filtered
effects :math:`(I - \rho M)D` lie in the span of :math:`[D, MD]` for every rho, and both are partialled out:
moments are then polynomials in rho, at the price of the degrees of freedom of :math:`MD`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.linalg import qr

from spatial.models.data.effects import Effects, project_sparse, sweep_groups, within
from spatial.models.data.layout import LagOperator

__all__ = ["Projection", "projection"]

Float = NDArray[np.float64]

_DENSE_CELLS = 20_000_000
_PROBES = 64


@dataclass(frozen=True, eq=False)
class Projection:
    """The projector P of effects, and of their lags by the error matrices that need it.

    Parameters
    ----------
    effects : Effects
    filters : tuple of LagOperator
        Error matrices that do not commute with the effects; empty where all do.
    """

    effects: Effects
    filters: tuple[LagOperator, ...] = ()

    @property
    def is_within(self) -> bool:
        """Whether P subtracts means of units and times of a balanced panel, or nothing."""
        return not self.filters and (self.effects.is_within or not self.effects.any)

    def project(self, values: Float) -> Float:
        """Partial out of (R,) or (R, m) values."""
        if not self.filters:
            return self.effects.project(values)
        if self._groups is not None:
            layout = self.effects.layout
            unit = ("unit",) in self.effects.kept
            swept = within(values, layout, True, False) if unit else values
            return sweep_groups(swept, self._groups, None, 0.0, layout)
        if self._basis is not None:
            out = values
            for _ in range(2):  # the second time takes rounding out
                out = out - self._basis @ (self._basis.T @ out)
            return out
        return project_sparse(values, self._design)

    @cached_property
    def _groups(self) -> sparse.csr_array | None:
        groups = self.effects.groups
        if groups is None or not all(m.is_constant for m in self.filters):
            return None
        return sparse.csr_array(sparse.hstack([groups, *(m.matrices[0] @ groups for m in self.filters)]))

    @cached_property
    def _design(self) -> sparse.csr_array:
        dummies = self.effects.dummies
        lagged = [
            sparse.vstack([matrix @ dummies[first:last] for first, last, matrix in m.blocks()])
            for m in self.filters
        ]
        return sparse.csr_array(sparse.hstack([dummies, *lagged], format="csr"))

    @cached_property
    def _basis(self) -> Float | None:
        """An orthonormal basis of [D, MD], where it is small enough to be held."""
        rows, columns = self._design.shape
        if rows * columns > _DENSE_CELLS:
            return None
        Q, R, _ = qr(self._design.toarray(), mode="economic", pivoting=True)
        size = np.abs(np.diag(R))
        return np.asarray(Q[:, size > 1e-9 * size[0]])

    @cached_property
    def n(self) -> float:
        """Effective sample size, the trace of P; by random probes where it cannot be counted."""
        if not self.filters:
            return float(self.effects.n_effective)
        layout = self.effects.layout
        if self._groups is not None:
            rank = int(np.linalg.matrix_rank((self._groups.T @ self._groups).toarray(), hermitian=True))
            times = layout.n_times - (("unit",) in self.effects.kept)
            units = layout.n_units if ("unit",) in self.effects.kept else 0
            return float(layout.n_rows - units - times * rank)
        if self._basis is not None:
            return float(layout.n_rows - self._basis.shape[1])
        random = np.random.default_rng(np.random.SeedSequence(20040118))
        probes = random.choice(np.array([-1.0, 1.0]), size=(layout.n_rows, _PROBES))
        return float(np.sum(probes * self.project(probes)) / _PROBES)


def projection(effects: Effects, operators: Sequence[LagOperator]) -> Projection:
    """Return the projector for these effects and the error matrices."""
    return Projection(effects, tuple(m for m in operators if not effects.commutes_with(m)))
