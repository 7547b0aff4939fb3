"""The moments of the joint estimator from sums: a design of which no rows are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.models.data.design import Design
from spatial.models.data.effects import Effects
from spatial.models.data.layout import LagOperator, Layout
from spatial.models.estimation.errors import ErrorMoments
from spatial.models.products.columns import Columns
from spatial.models.products.projection import Projection
from spatial.models.quasi_score.moments import Moments, moments_from

from .steps import GramSpace

__all__ = ["moments_of_sums"]

Float = NDArray[np.float64]


class _AllTimes(Layout):
    """The layout of all times, without its codes."""

    @property
    def n_rows(self) -> int:
        return self.n_units * self.n_times

    @property
    def is_balanced(self) -> bool:
        return True


class _Within(Effects):
    """Unit and time effects of a balanced panel, without their codes."""

    @property
    def rank(self) -> int:
        unit, time = (("unit",) in self.kept), self.has_time
        return unit * self.layout.n_units + time * self.layout.n_times - (unit and time)


@dataclass(frozen=True, eq=False)
class _SummedColumns(Columns):
    """Columns of which only the cross-products are known.

    Parameters
    ----------
    cross, products : array (p, m), (m, m)
        Q'E and E'E.
    quadratic : array (2, m, m)
        E'K'KE and E'KE, centred.
    """

    cross: Float
    products: Float
    quadratic: Float

    @property
    def L(self) -> Float:
        return self.cross

    @property
    def gram(self) -> Float:
        return self.products

    def forms(self, moments: ErrorMoments, columns: Any = None) -> Float:  # noqa: ARG002
        return self.quadratic


def moments_of_sums(space: GramSpace) -> Moments:
    """Return the moments, whose columns are known by their cross-products alone."""
    plan, sums = space.plan, space.sums
    layout = _AllTimes(plan.units, plan.panel.times[plan.shift :], np.zeros(0, np.intp), np.zeros(0, np.intp))
    names = tuple((name,) for name in plan.effects)
    effects = _Within(names, names, (), layout)
    form, m = space.forms[0], sums.n_equation
    operator = LagOperator((plan.operators[form.name].matrices[0],), layout)
    design = Design(
        plan.structure,
        layout,
        effects,
        np.zeros((0, m)),
        plan.outcomes,
        plan.regressors,
        np.zeros((0, len(plan.instruments))),
        plan.instruments,
        {},
        {form.name: operator},
        {},
        {},
    )
    own = [*range(m), *range(len(sums.names), len(sums.gram))]
    Q = np.zeros((0, len(space.kept)))
    columns = _SummedColumns(
        design,
        Projection(effects),
        np.zeros((0, len(own))),
        Q,
        plan.error_names,
        space.inverse.T @ sums.gram[np.ix_(space.kept, own)],
        sums.gram[np.ix_(own, own)],
        sums.forms[0][[0, 2]],
    )
    one = form.moments
    return moments_from(columns, lambda _: ErrorMoments(operator, one.diagonal, space.n, one.trace))
