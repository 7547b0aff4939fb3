"""Which model an equation is, what its likelihood needs, and what likelihood cannot estimate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import DataError, NotIdentifiedError
from spatial.models.data.design import Design
from spatial.models.data.instruments import triangular_factor
from spatial.models.data.layout import LagOperator
from spatial.models.formula.structure import Equation, Structure

from .determinants import log_determinant
from .profile import Jacobian, Profile

__all__ = ["Model", "lag_place", "model_names", "model_of", "refusal", "stamps_of"]

Float = NDArray[np.float64]

_NAMES = {
    # lag, error, Durbin
    (False, False, False): ("OLS", "Linear model"),
    (False, False, True): ("SLX", "Model with spatial lags of regressors"),
    (True, False, False): ("SAR", "Spatial lag model"),
    (False, True, False): ("SEM", "Spatial error model"),
    (True, False, True): ("SDM", "Spatial Durbin model"),
    (False, True, True): ("SDEM", "Spatial Durbin error model"),
    (True, True, False): ("SAC", "Spatial lag and error model"),
    (True, True, True): ("GNS", "General nesting spatial model"),
}
GNS = (
    "a spatial lag, a spatial error and spatial lags of regressors in the same weights (GNS) are told apart "
    "only weakly"
)


def model_names(structure: Structure) -> tuple[str, str]:
    """Return the short and the long name of a single equation.

    Examples
    --------
    >>> from spatial.models.formula.structure import Term
    >>> lag = Term("W(y)", "y", "lag", "W", role="endogenous")
    >>> model_names(Structure((Equation("y", "y", (lag, Term("x", "x"))),), ("W",)))
    ('SAR', 'Spatial lag model')
    """
    equation = structure.equations[0]
    durbin = any(t.weights and not structure.is_outcome(t) for t in equation.terms)
    return _NAMES[lag_place(structure) is not None, equation.error is not None, durbin]


def lag_place(structure: Structure) -> int | None:
    """Return which term is the spatial lag of the outcome in the same period."""
    for j, t in enumerate(structure.equations[0].terms):
        if structure.is_outcome(t) and t.weights is not None and not t.shift:
            return j
    return None


@dataclass(frozen=True, eq=False)
class Model:
    """One equation ready for likelihood: the outcome, its lag and its error or none, and other regressors.

    Parameters
    ----------
    design : Design
    lag, error : str, optional
        Weights of W(y) and of the errors.
    terms : tuple of int
        Which terms of the equation are the other regressors.
    direct : bool
        Whether the likelihood counts all rows, as programs without the transformation of the effects do.
    seed : int, optional
        Of random signs.
    extra : array (R, k), optional
        Further regressors, as unit means (Mundlak 1978).
    """

    design: Design
    lag: str | None
    error: str | None
    terms: tuple[int, ...]
    direct: bool = False
    seed: int | None = None
    extra: Float | None = None
    _known: dict[str, Jacobian] = field(default_factory=dict)

    @property
    def equation(self) -> Equation:
        """The equation of the design; of it this may be a restriction, or an extension."""
        return self.design.structure.equations[0]

    def with_parts(self, lag: str | None, error: str | None, terms: tuple[int, ...]) -> Model:
        """Return a model of the same data with other parts, and the same determinants."""
        return replace(self, lag=lag, error=error, terms=terms)

    @property
    def n(self) -> int:
        """The number of observations that the likelihood counts."""
        return self.design.layout.n_rows if self.direct else self.design.n_effective

    @property
    def n_parameters(self) -> int:
        """Coefficients, lambda, rho and the variance."""
        extra = 0 if self.extra is None else self.extra.shape[1]
        return len(self.terms) + extra + (self.lag is not None) + (self.error is not None) + 1

    @property
    def has_unit(self) -> bool:
        """Whether unit effects are out."""
        return ("unit",) in self.design.effects.kept

    @property
    def has_time(self) -> bool:
        """Whether time effects are out."""
        return self.design.effects.has_time

    def operator(self, name: str) -> LagOperator:
        """Return the lag operator of weights, of the formulas or of the tests."""
        known = self.design.operators
        return known[name] if name in known else self.design.spare_operators[name]

    @cached_property
    def copies(self) -> int:
        """How many times one matrix serves: T, or T - 1 where unit effects are out; 1 where times differ."""
        if not self.is_constant:
            return 1
        times = self.design.layout.n_times
        return times - 1 if self.has_unit and not self.direct else times

    @cached_property
    def is_constant(self) -> bool:
        """Whether the same matrices serve each time."""
        return self.design.layout.is_balanced and all(op.is_constant for op in self.design.operators.values())

    @property
    def removed(self) -> int:
        """How many constant vectors time effects take out of the Jacobian."""
        if not self.has_time or self.direct:
            return 0
        return self.copies if self.is_constant else self.design.layout.n_times

    def matrix(self, name: str) -> sp.csr_array:
        """Return the matrix of weights; all times side by side where they differ."""
        operator = self.operator(name)
        if self.is_constant:
            return operator.matrices[0]
        return sp.csr_array(sp.block_diag([m for _, _, m in operator.blocks()], format="csr"))

    def jacobian(self, name: str | None) -> Jacobian | None:
        """Return the log-Jacobian of weights, computed once."""
        if name is None:
            return None
        if name not in self._known:
            row_sum = self.operator(name).constant_row_sum or 0.0
            determinant = log_determinant(self.matrix(name), self.seed)
            self._known[name] = Jacobian(determinant, self.copies, self.removed, row_sum)
        return self._known[name]

    # ---- columns
    @cached_property
    def raw(self) -> Float:
        """The outcome, W(y) where it is a part, and the other regressors; (R, q)."""
        places = self.design.equation_columns(0)
        columns = self.design.columns
        y, Z = columns[:, places[:1]], columns[:, [places[1 + j] for j in self.terms]]
        Z = Z if self.extra is None else np.concatenate([Z, self.extra], axis=1)
        if self.lag is None:
            return np.concatenate([y, Z], axis=1)
        known = lag_place(self.design.structure)
        if known is not None and self.equation.terms[known].weights == self.lag:
            lagged = columns[:, [places[1 + known]]]
        else:
            lagged = self.operator(self.lag)(y)
        return np.concatenate([y, lagged, Z], axis=1)

    @cached_property
    def plain(self) -> Float:
        """The same with the effects out."""
        return self.design.effects.project(self.raw)

    @cached_property
    def lagged(self) -> Float | None:
        """The columns lagged by the weights of the errors, effects out."""
        return (
            None if self.error is None else self.design.effects.project(self.operator(self.error)(self.raw))
        )

    def filtered(self, rho: float) -> Float:
        """Return P R of the columns."""
        return self.plain if self.lagged is None or rho == 0 else self.plain - rho * self.lagged

    @cached_property
    def profile(self) -> Profile:
        """The likelihood as a function of lambda and rho."""
        q = self.plain.shape[1]
        if self.lagged is None:
            root = triangular_factor(self.plain)
            both = np.stack([root, np.zeros_like(root)])
        else:
            root = triangular_factor(np.concatenate([self.plain, self.lagged], axis=1))
            both = np.stack([root[:, :q], root[:, q:]])
        own = 1 + (self.lag is not None)
        w = both[:, :, 1] if own == 2 else np.zeros(both.shape[:2])
        return Profile(
            both[:, :, 0], w, both[:, :, own:], self.n, self.jacobian(self.lag), self.jacobian(self.error)
        )

    @property
    def is_dynamic(self) -> bool:
        """Whether the past of the outcome is among the terms."""
        return any(self.equation.terms[j].role == "predetermined" for j in self.terms)

    def order(self) -> list[int]:
        """Return where terms, lambda and rho of this model stand among (terms of the equation, rho)."""
        out = list(self.terms)
        place = lag_place(self.design.structure)
        if self.lag is not None and place is not None:
            out.append(place)
        return [*out, len(self.equation.terms)] if self.error is not None else out


def model_of(design: Design, seed: int | None = None, direct: bool = False) -> Model:
    """Return the model of a design, or refuse it."""
    reason = refusal(design)
    if reason:
        raise DataError(f"{reason[0].upper()}{reason[1:]}.")
    equation, place = design.structure.equations[0], lag_place(design.structure)
    terms = tuple(j for j in range(len(equation.terms)) if j != place)
    lag = None if place is None else equation.terms[place].weights
    found = Model(design, lag, equation.error, terms, direct, seed)
    if design.n_effective <= found.n_parameters:
        raise DataError(
            f"{found.n_parameters} parameters need more than {design.n_effective} effective observations."
        )
    return found


def refuse_perfect(model: Model, variance: float) -> None:
    """Refuse a fit without innovations, whose likelihood has no bound."""
    if not variance > 1e-24 * float(np.mean(model.plain[:, 0] ** 2)):
        raise DataError("The regressors explain the outcome without error: the likelihood has no bound.")


def refusal(design: Design) -> str:
    """Say why a design cannot be estimated by likelihood; empty where it can."""
    structure = design.structure
    if structure.n_equations > 1:
        return (
            f"maximum likelihood is for one equation, and this system has {structure.n_equations}: use "
            "method='aqs' or 'gs3sls'"
        )
    return _bad_terms(structure) or _bad_sample(design)


def _bad_terms(structure: Structure) -> str:
    terms = structure.equations[0].terms
    own = [t for t in terms if structure.is_outcome(t) and not t.shift]
    lags = [t.name for t in own if t.weights is not None]
    moving = [t.name for t in terms if t.is_endogenous and t.name not in lags]
    if moving:
        return (
            f"maximum likelihood takes all regressors but W(y) as exogenous, and {', '.join(moving)} "
            f"{'is' if len(moving) == 1 else 'are'} not: use method='gs2sls', with instruments"
        )
    if len(lags) > 1:
        return (
            f"maximum likelihood takes one spatial lag of the outcome, and there are {', '.join(lags)}: use "
            "method='gs2sls' or 'aqs'"
        )
    return _bad_past(structure)


def _bad_past(structure: Structure) -> str:
    """Say which terms of the past of the outcome have no bias correction."""
    equation, place = structure.equations[0], lag_place(structure)
    past = [t for t in equation.terms if t.role == "predetermined"]
    other = [t.name for t in past if t.shift > 1 or not structure.is_outcome(t)]
    weights = {t.weights for t in past if t.weights} | (
        {equation.terms[place].weights} if place is not None else set()
    )
    if other:
        return (
            f"dynamic models by likelihood have one lag in time, and there is {', '.join(other)}: use "
            "method='gs2sls'"
        )
    if past and len(weights) > 1:
        return (
            f"dynamic models by likelihood take one matrix for W(y) and W(lag(y, 1)), and there are "
            f"{', '.join(sorted(map(str, weights)))}: use method='gs2sls'"
        )
    return ""


def _bad_sample(design: Design) -> str:
    effects, choice = design.effects, design.choice
    if choice is not None and choice.lags == "full" and any(choice.outside.values()):
        return (
            "the likelihood needs all units whose lags are used, and some are outside the chosen rows "
            f"({choice.condition}): use lags='within', or method='gs2sls'"
        )
    other = [":".join(name) for name in effects.kept if name not in (("unit",), ("time",))]
    if other:
        return (
            f"the likelihood has an exact form for unit and time effects, and {', '.join(other)} "
            f"{'is' if len(other) == 1 else 'are'} none of them: use method='gs2sls', or enter C(...) as "
            "regressors where the levels are few"
        )
    operators = _operators(design)
    varying = not design.layout.is_balanced or not all(op.is_constant for op in operators.values())
    if varying and ("unit",) in effects.kept and operators:
        return (
            "with unit effects the likelihood has an exact form only for balanced panels with the same "
            "weights at all times: use method='gs2sls', or unbalanced='balance'"
        )
    if effects.has_time:
        uneven = [name for name, op in operators.items() if op.constant_row_sum is None]
        if uneven:
            return (
                f"time effects leave the likelihood only where all rows of the weights have the same sum, "
                f"and those of {', '.join(uneven)} differ: row-standardise them (W.row_standardized(); units "
                "without neighbours need islands='nearest'), or use method='gs2sls'"
            )
    return ""


def _operators(design: Design) -> dict[str, LagOperator]:
    place = lag_place(design.structure)
    equation = design.structure.equations[0]
    past = [t.weights for t in equation.terms if t.role == "predetermined"]
    names = (
        [equation.error, *past] if place is None else [equation.terms[place].weights, equation.error, *past]
    )
    return {name: design.operators[name] for name in names if name is not None}


def stamps_of(design: Design, force: bool) -> tuple[str, ...]:
    """Refuse the general nesting model unless it is forced; return what tables must say then."""
    structure = design.structure
    if structure.n_equations > 1:
        return ()
    equation, place = structure.equations[0], lag_place(structure)
    durbin = {t.weights for t in equation.terms if t.weights and not structure.is_outcome(t)}
    if place is None or equation.error is None or not durbin:
        return ()
    if equation.terms[place].weights != equation.error or equation.error not in durbin:
        return ()
    if not force:
        raise NotIdentifiedError(
            f"{GNS[0].upper() + GNS[1:]}: leave out one of the three (SDM: error=None; SDEM: no W(y); SAC: "
            "no W(x)), or estimate it all the same with fit('ml', force=True), which stamps the output."
        )
    return (f"{GNS}: forced",)
