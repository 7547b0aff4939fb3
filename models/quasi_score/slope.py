r"""The expected slope of the moments, :math:`E\,\partial m/\partial\theta'`, as the model implies it.

The noise of the sample slope is what biases 2SLS, 3SLS and ordinary GMM: the instruments are smooth in
space, so is the noise of spatial lags, and their products do not average out.  With
:math:`S = (I - B) \otimes I - \sum_r \Lambda_r \otimes W_r`, a regressor :math:`W^a y_h` of equation g is,
filtered,

.. math:: P(I - \rho_g M_g)W^a[S^{-1}]_{h\cdot}(X\beta) + P\sum_l F_{gk,l}\varepsilon_l, \qquad
          F_{gk,l} = (I - \rho_g M_g)W^a[S^{-1}]_{hl}(I - \rho_l M_l)^{-1} ,

so that the slope of a linear moment is :math:`-Q'` of the first part, and that of a form is
:math:`-\sum_l \operatorname{tr}[P(A_r + A_r')P F_{gk,l}]\sigma_{lg}`, and alike for pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from .moments import TRANSPOSE, Moments
from .traces import ORDER, form_traces, instrument_powers

__all__ = ["SeriesSlope", "assembled", "exogenous_part"]

Float = NDArray[np.float64]


def exogenous_part(moments: Moments) -> tuple[NDArray[np.intp], Float]:
    """Return the columns of regressors that are no outcomes, and which coefficient loads which of them.

    Returns
    -------
    int array (k,)
        Columns of the design.
    array (parameters, k)
        One where a coefficient belongs to a column.
    """
    design = moments.design
    used = [
        design.regressors[p.equation][p.column]
        for p in moments.parameters
        if p.column >= 0 and p.outcome < 0 and p.is_fixed
    ]
    places = np.array(sorted(set(used)), dtype=np.intp)
    load = np.zeros((len(moments.parameters), len(places)))
    for k, p in enumerate(moments.parameters):
        if p.column >= 0 and p.outcome < 0 and p.is_fixed:
            load[k, np.searchsorted(places, design.regressors[p.equation][p.column])] = 1.0
    return places, load


def assembled(moments: Moments, theta: Float, lines: Float, traces: Float) -> Float:
    """Put the slope together.

    Parameters
    ----------
    lines : array (parameters, p)
        Q' of the expected regressor of each coefficient that is an outcome.
    traces : array (parameters, G, matrices, 3)
        tr(P A P F_l) for A = K'K, K, K' of each matrix; of rho too.
    """
    columns, sigma, rho = moments.columns, moments.sigma(theta), moments.rho(theta)
    p = columns.Q.shape[1]
    out = np.zeros((moments.n_linear + len(moments.forms), len(moments.parameters)))
    for k, q in enumerate(moments.parameters):
        g = q.equation
        if q.column < 0:
            continue
        line = lines[k]
        if q.outcome < 0:
            # Exogenous as it is; an endogenous regressor without an equation by its sample projection.
            lagged = columns.lagged(g)
            line = columns.L[:, columns.plain(g)[1 + q.column]]
            if lagged is not None:
                line = line - rho[g] * columns.L[:, lagged[1 + q.column]]
        out[g * p : (g + 1) * p, k] = -line
    equation = np.array([q.equation for q in moments.parameters])
    for r, f in enumerate(moments.forms):
        row = out[moments.n_linear + r]
        left, right = equation == f.g, equation == f.h
        row[left] -= traces[left, :, f.matrix, TRANSPOSE[f.kind]] @ sigma[:, f.h]
        row[right] -= traces[right, :, f.matrix, f.kind] @ sigma[:, f.g]
    return out


@dataclass(frozen=True, eq=False)
class SeriesSlope:
    """The slope where one matrix serves all lags and errors: every part is a power series in it.

    Parameters
    ----------
    moments : Moments
    name : str
        The matrix.
    radius : float
        Its spectral radius.
    """

    moments: Moments
    name: str
    radius: float

    @cached_property
    def _traces(self) -> Float:
        """(3, orders)."""
        if not self.moments.centred:
            return np.zeros((3, ORDER + 1))
        space, W = self.moments.columns.space, self.moments.design.operators[self.name]
        return form_traces(self.moments.centred[0], W, space, self.radius)

    @cached_property
    def _exogenous(self) -> tuple[Float, Float]:
        """Q'W^m X, and the coefficients that load X."""
        places, load = exogenous_part(self.moments)
        design = self.moments.design
        X = design.columns[:, places]
        powers = instrument_powers(self.moments.columns.Q, X, design.operators[self.name], self.radius)
        return powers, load

    def gamma_radius(self, theta: Float) -> float:
        r"""Return the spectral radius of :math:`(I - B)^{-1}\Lambda \otimes W`."""
        return float(np.abs(np.linalg.eigvals(self._system(theta)[0])).max(initial=0.0))

    def _system(self, theta: Float) -> tuple[Float, Float]:
        G = self.moments.n_equations
        B, Lambda = np.zeros((G, G)), np.zeros((G, G))
        for k, q in enumerate(self.moments.parameters):
            if q.outcome >= 0:
                (B if q.weights is None else Lambda)[q.equation, q.outcome] += theta[k]
        inverse = np.asarray(np.linalg.inv(np.eye(G) - B), dtype=np.float64)
        return inverse @ Lambda * self.radius, inverse

    def __call__(self, theta: Float) -> Float:
        """Return the expected slope; (M, parameters)."""
        moments, r = self.moments, self.radius
        G, count = moments.n_equations, len(moments.parameters)
        rho = moments.rho(theta) * r
        gamma, inverse = self._system(theta)
        inner = _matrix_powers(gamma, ORDER + 1) @ inverse  # coefficients of S^-1; (orders, G, G)
        series = np.zeros((count, ORDER + 1, G))  # of (I - rho M) W^a [S^-1]_h
        for k, q in enumerate(moments.parameters):
            if q.outcome < 0:
                continue
            part = inner[:, q.outcome]
            if q.weights is not None:
                part = r * _shifted(part)
            series[k] = part - rho[q.equation] * _shifted(part)
        powers, load = self._exogenous
        orders = len(powers)
        beta = np.zeros((G, load.shape[1]))
        for k, q in enumerate(moments.parameters):
            if load[k].any():
                beta[q.equation] += load[k] * theta[k]
        means = np.einsum("mpx,gx->mpg", powers, beta)
        lines = np.einsum("kmg,mpg->kp", series[:, :orders], means)
        spread = np.empty_like(series)
        for g in range(G):
            spread[:, :, g] = series[:, :, g] @ _geometric(rho[g]).T
        for g, k in moments.rho_places.items():
            spread[k] = 0.0
            spread[k, 1:, g] = r * rho[g] ** np.arange(ORDER)
        traces = np.einsum("kmg,am->kga", spread, self._traces)
        return assembled(moments, theta, lines, traces[:, :, None, :])


def _matrix_powers(gamma: Float, count: int) -> Float:
    """Return gamma^0, ..., gamma^(count - 1), doubling the number known each time."""
    known, step = np.eye(len(gamma))[None], gamma
    while len(known) < count:
        known = np.concatenate([known, known @ step])
        step = step @ step
    return known[:count]


def _shifted(coefficients: Float) -> Float:
    """Multiply a power series by its variable."""
    out = np.zeros_like(coefficients)
    out[1:] = coefficients[:-1]
    return out


def _geometric(rho: float) -> Float:
    """Return the matrix that divides a power series by 1 - rho w."""
    powers = rho ** np.arange(ORDER + 1)
    return np.asarray(toeplitz(powers, np.zeros(ORDER + 1)))
