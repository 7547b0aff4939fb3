"""What a regressor does to a censored outcome: latent, expected, uncensored, and its chance to be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr

from spatial.languages.shown import digits, frame_text
from spatial.models.estimation.measures import inference_frame
from spatial.results import Result
from spatial.words import tell

__all__ = ["EFFECTS", "MarginalEffects", "marginal_effects", "slopes_of"]

Float = NDArray[np.float64]
At = Literal["average", "means"]

EFFECTS = ("latent", "expected", "uncensored", "probability")


@dataclass(frozen=True, eq=False, repr=False)
class MarginalEffects(Result):
    """Marginal effects of a Tobit model; see `TobitFit.marginal_effects`.

    Parameters
    ----------
    frame : DataFrame
        term, effect, estimate, std_error, statistic, p_value, conf_low, conf_high.
    equation : str
    at : "average" or "means"
    """

    frame: pd.DataFrame
    equation: str
    at: str

    def tidy(self) -> pd.DataFrame:
        """Return one row for each term and effect."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: the outcome and where the effects are taken."""
        return pd.DataFrame([{"equation": self.equation, "at": self.at}])

    def headline(self) -> str:
        """Name the outcome."""
        at = {"average": "样本平均", "means": "均值处"}.get(self.at, self.at)
        return tell(f"of {self.equation}, {self.at}", f"{self.equation}，{at}")

    def summary(self) -> str:
        """Return the effects as text, and what each of them is."""
        words = {
            "average": tell("averaged over the rows", "对各行取平均"),
            "means": tell("at the means of the regressors", "取在解释变量的均值处"),
        }
        title = tell(f"Marginal effects on {self.equation}, ", f"对 {self.equation} 的边际效应，")
        lines = [title + words[self.at], "", frame_text(self.frame, digits(4))]
        lines += [
            "",
            tell(
                "latent: of the uncensored outcome y*.  expected: of E(y), zeros and all.",
                "latent：未截取的潜变量 y*。期望值：E(y)，含截取值。",
            ),
            tell(
                "uncensored: of E(y | not censored).  probability: of P(not censored).",
                "uncensored：E(y | 未截取)。probability：P(未截取)。",
            ),
        ]
        return "\n".join(lines)


def slopes_of(eta: Float, spread: float, lower: float, upper: float) -> Mapping[str, Float]:
    r"""Return the derivatives by :math:`\eta = x'\beta` of what a reader asks for, for each row.

    With :math:`z_L = (L - \eta)/s`, :math:`z_U = (U - \eta)/s` and :math:`P = \Phi(z_U) - \Phi(z_L)`
    (McDonald and Moffitt 1980, for two limits):

    .. math::

        \partial E(y) = P, \quad \partial P = \frac{\phi(z_L) - \phi(z_U)}{s}, \quad
        \partial E(y|L<y<U) = 1 + \frac{z_L\phi(z_L) - z_U\phi(z_U)}{P}
        - \Bigl(\frac{\phi(z_L) - \phi(z_U)}{P}\Bigr)^2

    Examples
    --------
    >>> found = slopes_of(np.array([0.0]), 1.0, 0.0, np.inf)
    >>> [round(float(found[key][0]), 4) for key in EFFECTS]
    [1.0, 0.5, 0.3634, 0.3989]
    """
    low, high = (lower - eta) / spread, (upper - eta) / spread
    at_low, at_high = scipy.stats.norm.pdf(low), scipy.stats.norm.pdf(high)
    # The tail that is far from 1 keeps its digits.
    inside = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    weighted = (
        np.where(np.isfinite(low), low, 0.0) * at_low - np.where(np.isfinite(high), high, 0.0) * at_high
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        truncated = 1.0 + weighted / inside - ((at_low - at_high) / inside) ** 2
    return {
        "latent": np.ones_like(eta),
        "expected": inside,
        "uncensored": np.where(inside > 0, truncated, 0.0),
        "probability": (at_low - at_high) / spread,
    }


def marginal_effects(
    X: Float,
    theta: Float,
    covariance: Float,
    spread: Callable[[Float], float],
    limits: tuple[float, float],
    terms: Mapping[str, int],
    at: At,
) -> pd.DataFrame:
    """Return effects with delta-method errors.

    Parameters
    ----------
    X : array (R, k)
    theta, covariance : array (p,), (p, p)
        All parameters, the first k the slopes.
    spread : function of theta
        Standard deviation of the latent outcome given x.
    terms : mapping of str to int
        The terms asked for, and their columns.
    """
    rows = X if at == "average" else X.mean(axis=0, keepdims=True)
    places = list(terms.values())

    def effects(values: Float) -> Float:
        found = slopes_of(rows @ values[: X.shape[1]], spread(values), *limits)
        return np.concatenate([found[key].mean() * values[places] for key in EFFECTS])

    estimate = effects(theta)
    jacobian = np.empty((len(estimate), len(theta)))
    for j in range(len(theta)):
        # In standard errors, which know the units.
        own = float(covariance[j, j])
        h = 1e-3 * np.sqrt(own) if own > 0 else 1e-5 * max(1.0, abs(float(theta[j])))
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        jacobian[:, j] = (effects(up) - effects(down)) / (2 * h)
    error = np.sqrt(np.diag(jacobian @ covariance @ jacobian.T))
    index = pd.MultiIndex.from_product([EFFECTS, list(terms)], names=["effect", "term"])
    frame = inference_frame(estimate, error, 0.95, index)
    return frame.rename(columns={"equation": "effect"})[["term", "effect", *frame.columns[2:]]]
