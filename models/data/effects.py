r"""Fixed effects partialled out: lag first, filter second, project last (FWL for any weights).

The projector is :math:`P = I - \tilde D(\tilde D'\tilde D)^+\tilde D'`, :math:`\tilde D = (I - \rho M)D`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from spatial.errors import ConvergenceError, DataError

from .layout import Codes, LagOperator, Layout

__all__ = ["Effects", "build_effects", "project_sparse", "within"]

Float = NDArray[np.float64]

_MAX_ITERATIONS = 20_000
_TOLERANCE = 1e-13
_MOST_GROUPS = 3_000


@dataclass(frozen=True, eq=False)
class Effects:
    """The fixed effects of a sample.

    Parameters
    ----------
    names : tuple of tuple of str
        As asked for: ``(("unit",), ("region", "time"))``.
    kept : tuple of tuple of str
        Without those that others contain, as `time` in `region:time`.
    codes : tuple of int array (R,)
        Level of each row, for each effect kept; 0..L-1 without gaps.
    layout : Layout
    """

    names: tuple[tuple[str, ...], ...]
    kept: tuple[tuple[str, ...], ...]
    codes: tuple[Codes, ...]
    layout: Layout

    @property
    def any(self) -> bool:
        """Whether there are effects, so that no constant is estimated."""
        return bool(self.kept)

    @property
    def has_time(self) -> bool:
        """Whether plain time effects are among those kept."""
        return ("time",) in self.kept

    @property
    def is_within(self) -> bool:
        """Whether subtracting means is enough: a balanced panel with unit and time effects only."""
        return self.layout.is_balanced and set(self.kept) <= {("unit",), ("time",)}

    @cached_property
    def groups(self) -> sp.csr_array | None:
        """Dummies of the groups of units that have an effect at each time, (N, L); None if that is not all.

        Then D is spanned by unit effects, if any, and by I_T (x) L.
        """
        if not self.layout.is_balanced:
            return None
        n, blocks = self.layout.n_units, []
        for name, codes in zip(self.kept, self.codes, strict=True):
            if name == ("unit",):
                continue
            local = [np.unique(row, return_inverse=True)[1] for row in codes.reshape(-1, n)]
            levels = int(local[0].max()) + 1
            if any((row != local[0]).any() for row in local) or levels * len(local) != int(codes.max()) + 1:
                return None
            blocks.append(sp.csr_array((np.ones(n), (np.arange(n), local[0])), shape=(n, levels)))
        if not blocks or sum(b.shape[1] for b in blocks) > _MOST_GROUPS:
            return None
        return sp.csr_array(sp.hstack(blocks, format="csr"))

    @cached_property
    def rank(self) -> int:
        """Rank of D."""
        return effects_rank(self.codes)

    @property
    def n_effective(self) -> int:
        """Rows less the rank of the effects: the divisor of every mean."""
        return self.layout.n_rows - self.rank

    @cached_property
    def dummies(self) -> sp.csr_array:
        """D, (R, number of levels)."""
        rows = np.arange(self.layout.n_rows)
        one = np.ones(len(rows))
        blocks = [sp.csr_array((one, (rows, c)), shape=(len(rows), int(c.max()) + 1)) for c in self.codes]
        return sp.csr_array(sp.hstack(blocks, format="csr"))

    def commutes_with(self, operator: LagOperator | None) -> bool:
        """Whether the filter (I - rho M) leaves the span of the effects unchanged, for any rho.

        Unit effects: for any M that is the same at all times.  Time effects: only where all rows of M have
        the same sum.  Others, and unbalanced panels: no.
        """
        if operator is None or not self.any:
            return True
        if not (self.is_within and operator.is_constant):
            return False
        return not self.has_time or operator.constant_row_sum is not None

    def project(self, values: Float, operator: LagOperator | None = None, rho: float = 0.0) -> Float:
        """Partial the filtered effects out of (R,) or (R, m) values."""
        if not self.any:
            return values
        if self.is_within and (rho == 0.0 or self.commutes_with(operator)):
            return within(values, self.layout, ("unit",) in self.kept, self.has_time)
        if self.groups is not None and (rho == 0.0 or operator is None or operator.is_constant):
            matrix = None if operator is None or rho == 0.0 else operator.matrices[0]
            swept = within(values, self.layout, True, False) if ("unit",) in self.kept else values
            return sweep_groups(swept, self.groups, matrix, rho, self.layout)
        design = self.dummies
        if operator is not None and rho != 0.0:
            design = self.filtered_dummies(operator, rho)
        elif len(self.codes) == 1:
            return demean(values, self.codes[0])
        return project_sparse(values, design)

    def filtered_dummies(self, operator: LagOperator, rho: float) -> sp.csr_array:
        """Return (I - rho M) D, sparse; M D is kept, as each value in a search for rho needs it."""
        if operator not in self._lags:
            parts = [matrix @ self.dummies[a:b] for a, b, matrix in operator.blocks()]
            self._lags[operator] = sp.csr_array(sp.vstack(parts, format="csr"))
        return sp.csr_array(self.dummies - rho * self._lags[operator])

    @cached_property
    def _lags(self) -> dict[LagOperator, sp.csr_array]:
        return {}


def build_effects(names: tuple[tuple[str, ...], ...], codes: dict[str, Codes], layout: Layout) -> Effects:
    """Build from the codes of the single factors; `unit` and `time` are known."""
    known = {"unit": layout.unit, "time": layout.time, **codes}
    found = {name: _levels([known[part] for part in name]) for name in names}
    kept = [a for a in found if not any(_inside(found[a], found[b], a, b, names) for b in found if b != a)]
    return Effects(names, tuple(kept), tuple(found[a] for a in kept), layout)


def _levels(parts: list[Codes]) -> Codes:
    combined = parts[0]
    if len(parts) == 1 and int(combined.min()) == 0 and (np.bincount(combined) > 0).all():
        return combined
    for part in parts[1:]:
        combined = combined * (int(part.max()) + 1) + part
    return np.unique(combined, return_inverse=True)[1].astype(np.intp, copy=False)


def _inside(a: Codes, b: Codes, name_a: object, name_b: object, names: tuple[object, ...]) -> bool:
    """Whether effect b contains effect a; of two equal effects the first stays."""
    if {name_a, name_b} == {("unit",), ("time",)} and int(a.max()) > 0 and int(b.max()) > 0:
        return False
    pairs = len(np.unique(a.astype(np.int64) * (int(b.max()) + 1) + b))
    if pairs != int(b.max()) + 1:
        return False
    same = int(a.max()) == int(b.max())
    return not same or names.index(name_b) < names.index(name_a)


def within(values: Float, layout: Layout, unit: bool, time: bool) -> Float:
    """Subtract unit and time means from the rows of a balanced panel."""
    cube = values.reshape(layout.n_times, layout.n_units, -1)
    out = cube - cube.mean(axis=0, keepdims=True) if unit else cube.copy()
    if time:
        out -= out.mean(axis=1, keepdims=True)
    return out.reshape(values.shape)


def sweep_groups(
    values: Float, groups: sp.csr_array, matrix: sp.csr_array | None, rho: float, layout: Layout
) -> Float:
    r"""Partial :math:`I_T \otimes F` out of rows, with :math:`F = (I - \rho M)L`.

    With unit effects it is done after them: the annihilator is :math:`Q_T \otimes M_F`, a product of two
    projectors that commute, because filtered unit effects are unit effects.
    """
    F = groups if matrix is None else sp.csr_array(groups - rho * (matrix @ groups))
    cube = values.reshape(layout.n_times, layout.n_units, -1)
    wide = np.ascontiguousarray(cube.transpose(1, 0, 2)).reshape(layout.n_units, -1)
    inverse = _generalised_inverse((F.T @ F).toarray())
    for _ in range(2):  # the second time takes rounding out
        wide = wide - F @ (inverse @ (F.T @ wide))
    out = wide.reshape(layout.n_units, layout.n_times, -1).transpose(1, 0, 2)
    return np.ascontiguousarray(out).reshape(values.shape)


def _generalised_inverse(gram: Float) -> Float:
    """Invert a Gram matrix; by eigenvalues where groups depend on each other."""
    try:
        root = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        root = np.zeros_like(gram)
    size = np.diag(root)
    if size.min() > 1e-6 * size.max():
        return np.asarray(np.linalg.inv(gram))
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-12 * values[-1]
    half = vectors[:, kept] / np.sqrt(values[kept])
    return np.asarray(half @ half.T)


def demean(values: Float, codes: Codes) -> Float:
    """Subtract the means of groups."""
    flat = values.reshape(len(values), -1)
    counts = np.bincount(codes)
    out = np.empty_like(flat)
    for j in range(flat.shape[1]):
        means = np.bincount(codes, weights=flat[:, j]) / counts
        out[:, j] = flat[:, j] - means[codes]
    return out.reshape(values.shape)


def project_sparse(values: Float, design: sp.csr_array) -> Float:
    """Return the residuals of least squares on the columns of `design`, which may be collinear.

    Conjugate gradients on the normal equations (CGLS) for all columns at once, with the inverse of the
    diagonal as preconditioner; a singular design does no harm, as only the residuals are kept.  The result is
    projected once more, which takes the error down to rounding.
    """
    flat = np.array(values.reshape(len(values), -1), dtype=np.float64)
    scale = np.linalg.norm(flat, axis=0)
    transposed = sp.csr_array(design.T)
    diagonal = np.asarray(design.multiply(design).sum(axis=0)).ravel()
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)[:, None]
    for _ in range(2):
        flat = _cgls(flat, design, transposed, inverse, scale)
    return flat.reshape(values.shape)


def _cgls(
    residual: Float, design: sp.csr_array, transposed: sp.csr_array, inverse: Float, scale: Float
) -> Float:
    gradient = transposed @ residual
    direction = inverse * gradient
    size = np.sum(gradient * direction, axis=0)
    # Against the size of the column itself: one that the effects absorb has nothing else to be measured by.
    floor = (_TOLERANCE * scale) ** 2
    for _ in range(_MAX_ITERATIONS):
        if (size <= floor).all():
            return residual
        step = design @ direction
        energy = np.sum(step * step, axis=0)
        alpha = np.divide(size, energy, out=np.zeros_like(size), where=(energy > 0) & (size > floor))
        residual = residual - alpha * step
        gradient = transposed @ residual
        scaled = inverse * gradient
        new = np.sum(gradient * scaled, axis=0)
        direction = scaled + np.divide(new, size, out=np.zeros_like(new), where=size > floor) * direction
        size = new
    raise ConvergenceError(
        f"The fixed effects were not partialled out within {_MAX_ITERATIONS} iterations; the effects are "
        "nearly collinear with the spatial filter. Use fewer effects, or a spatial error without rho near 1."
    )


def effects_rank(codes: tuple[Codes, ...]) -> int:
    """Return the rank of the dummies of these effects together.

    One effect: its levels.  Two: levels less the connected components of the graph that joins levels that
    meet in a row (Abowd, Creecy and Kramarz 2002).  Three or more: by elimination, for up to 5,000 levels
    beside the largest effect.
    """
    if not codes:
        return 0
    sizes = [int(c.max()) + 1 for c in codes]
    if len(codes) == 1:
        return sizes[0]
    if len(codes) == 2:
        edges = sp.csr_array(
            (np.ones(len(codes[0])), (codes[0], codes[1] + sizes[0])), shape=(sum(sizes), sum(sizes))
        )
        return sum(sizes) - int(connected_components(edges, directed=False, return_labels=False))
    return _rank_by_elimination(codes, sizes)


def _rank_by_elimination(codes: tuple[Codes, ...], sizes: list[int]) -> int:
    largest = int(np.argmax(sizes))
    rest = [k for k in range(len(codes)) if k != largest]
    levels = sum(sizes[k] for k in rest)
    if levels > 5_000:
        raise DataError(
            f"Three or more sets of effects may have 5000 levels beside the largest set; these have {levels}."
        )
    rows = np.arange(len(codes[0]))
    one = np.ones(len(rows))
    others = sp.hstack([sp.csr_array((one, (rows, codes[k])), shape=(len(rows), sizes[k])) for k in rest])
    groups = sp.csr_array((one, (codes[largest], rows)), shape=(sizes[largest], len(rows)))
    counts = np.bincount(codes[largest])
    cross = (groups @ others).toarray()
    swept = (others.T @ others).toarray() - cross.T @ (cross / counts[:, None])
    return sizes[largest] + int(np.linalg.matrix_rank(swept, tol=1e-9 * max(1.0, float(swept.max()))))
