"""All tests of a fit, in one table: instruments, errors, space, effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from spatial.compute.threads import blas_on_one_thread
from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import shown
from spatial.models.estimation.estimate import Estimate
from spatial.models.hypothesis import IID, HypothesisTest, frame_of
from spatial.models.identification.verdict import Identification, identify, structural_identification
from spatial.results import Result
from spatial.words import tell

from .instruments import equation_tests, system_tests
from .residuals import effect_tests, residual_tests
from .restrictions import restriction_tests
from .subject import Subject

__all__ = ["Diagnostics", "diagnostics"]


@dataclass(frozen=True, eq=False, repr=False)
class Diagnostics(Result):
    """Tests of a fit; one that cannot be computed is there with its reason.

    Parameters
    ----------
    tests : tuple of HypothesisTest
        Equation by equation, then the system.
    identification : Identification
        The verdict and the first stages.
    """

    tests: tuple[HypothesisTest, ...]
    identification: Identification

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each test: equation, test, statistic, distribution, df, p_value, null, detail, reason."""
        return frame_of(self.tests)

    @property
    def instruments(self) -> pd.DataFrame:
        """First-stage statistics, a row for each endogenous regressor."""
        return self.identification.instruments.copy()

    def tidy(self) -> pd.DataFrame:
        """Return the frame of tests."""
        return self.frame

    def glance(self) -> pd.DataFrame:
        """Return one row: how many tests there are, and how many reject at 5 %."""
        computed = [t for t in self.tests if t.computed]
        row = {
            "tests": len(self.tests),
            "computed": len(computed),
            "below_5_percent": sum(t.p_value < 0.05 for t in computed),
            "identified": self.identification.identified,
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Count the tests."""
        count, done = len(self.tests), sum(t.computed for t in self.tests)
        return tell(f"{count} tests, {done} computed", f"{count} 项检验，已计算 {done} 项")

    def test(self, name: str, equation: str = "") -> HypothesisTest:
        """Return one test by its name, and its equation; empty for the system.

        Raises
        ------
        DataError
            Naming the tests that there are.
        """
        for test in self.tests:
            if test.name == name and test.equation == equation:
                return test
        known = list(dict.fromkeys(t.name for t in self.tests if t.equation == equation))
        where = f"of equation {equation!r}" if equation else "of the system"
        raise DataError(f"There is no test {name!r} {where}; there are {known}.{did_you_mean(name, known)}")

    def summary(self) -> str:
        """Return the tests as text, equation by equation, and the first stages."""
        lines = [tell("Diagnostics", "诊断检验")]
        for equation in dict.fromkeys(t.equation for t in self.tests):
            lines.append(f"  {equation or tell('system', '方程组')}")
            lines += [f"    {_line(t)}" for t in self.tests if t.equation == equation]
        lines += ["", self.identification.summary()]
        return "\n".join(lines)


def _line(test: HypothesisTest) -> str:
    if not test.computed:
        why = shown(test.reason)
        return tell(f"{test.name}: not computed ({why})", f"{shown(test.name)}：未计算（{why}）")
    reference = f"{test.reference} = " if test.reference else ""
    assumed = f"  [{shown(test.detail)}]" if test.detail else ""
    value = f"{reference}{test.statistic:.3f}, p = {test.p_value:.4f}"
    return shown(test.name) + tell(": ", "：") + f"{value}   H0: {shown(test.null)}{assumed}"


@blas_on_one_thread()
def diagnostics(estimate: Estimate, *, clustered_first: bool = True, errors: str = "") -> Diagnostics:
    """Run all tests that an estimate allows.

    Per equation: Sargan and clustered Hansen J, difference in J for declared instruments and for the
    highest lags, Durbin-Wu-Hausman, Anderson-Rubin, Anselin-Kelejian, LM lag and error (exogenous
    regressors only), Pesaran CD before and after, Wald tests of the spatial terms, tests of the effects.
    For the system: J, Hausman 2SLS against 3SLS, Breusch-Pagan test of a diagonal Sigma.  Clusters
    are units.

    Parameters
    ----------
    estimate : Estimate
    clustered_first : bool
        Whether the clustered form of a test is printed before the one for independent errors.
    errors : str
        The covariance of the fit in words, which is that of its Wald tests.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models.system import SpatialSystem
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(1)
    >>> ring = np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "y"])
    >>> data["y"] += 2 * data.x
    >>> tests = SpatialSystem("y ~ x", data, W, error="W").fit("2sls").diagnostics()
    >>> print(tests.test("LM lag", "y"))
    LM lag [y]: chi2(1) = 2.9282, p = 0.0870. H0: there is no spatial lag of the dependent variable.
    [W; homoskedastic, independent over time]
    """
    own = estimate.tests()
    if own is not None:
        return Diagnostics(
            _with_errors(own, f"{errors}; {IID}"), structural_identification(estimate.structure)
        )
    subject = Subject(estimate, clustered_first)
    parts: tuple[Callable[[Subject, int], list[HypothesisTest]], ...] = (
        equation_tests,
        residual_tests,
        restriction_tests,
        effect_tests,
    )
    tests = [test for g in range(len(subject.names)) for part in parts for test in part(subject, g)]
    tests += system_tests(subject)
    return Diagnostics(_with_errors(tests, errors), identify(estimate.design))


def _with_errors(tests: list[HypothesisTest], errors: str) -> tuple[HypothesisTest, ...]:
    """Say of the tests that take the covariance of the fit what it takes for granted.

    They say nothing else, or what follows a semicolon.
    """
    return tuple(
        replace(t, detail=f"{errors}{t.detail}".removeprefix("; "))
        if t.computed and (not t.detail or t.detail.startswith("; "))
        else t
        for t in tests
    )
