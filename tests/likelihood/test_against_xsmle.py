"""Maximum likelihood against xsmle of Stata: numbers that we did not make.

xsmle 1.4.5 in Stata 18, tolerances 1e-14, vce(oim), on Munnell's states with usaww: the fixtures
spatial_survey_stata.json and r2_spatial_stata.json of the public repository
brycewang-stanford/StatsPAI-JSS-replication (commit e46ceb7).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from likelihood_cases import fitted, produc

from spatial.panel import Panel
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::spatial.models.likelihood.estimator.HeteroskedasticityWarning"
)

TERMS = ["lpcap", "lpc", "lemp", "unemp"]
LAGGED = [f"W({term})" for term in TERMS]


@dataclass(frozen=True)
class Printed:
    """What xsmle prints: formula, error, estimates and errors, variance and its maximum."""

    right: list[str]
    error: str | None
    estimates: list[float]
    errors: list[float]
    spatial: tuple[float, float]
    variance: float
    value: float


# xsmle lgsp lpcap lpc lemp unemp, wmat(W) model(sar | sdm), emat(W) model(sem), fe type(ind)
XSMLE = {
    "sar": Printed(
        [*TERMS, "W(lgsp)"],
        None,
        [-0.0465818934874, 0.187432519307, 0.625090171457, -0.00448158977498],
        [0.0254000799626, 0.0233794854658, 0.0285050059475, 0.00086655815756],
        (0.274688711433, 0.021085140362),
        0.00111137946381,
        1609.72002982,
    ),
    "sem": Printed(
        TERMS,
        "W",
        [0.00514384034647, 0.205302558585, 0.782253979094, -0.0022316652036],
        [0.0250122275432, 0.0237393184337, 0.0278150669813, 0.00108607066476],
        (0.557401313505, 0.0329539541181),
        0.000976486179414,
        1634.02068047,
    ),
    "sdm": Printed(
        [*TERMS, *LAGGED, "W(lgsp)"],
        None,
        [
            -0.0121363816726, 0.177188660799, 0.743246556092, -0.00152252175404,
            -0.0584961760682, 0.0626288335432, -0.410255543465, -0.00364050592552,
        ],
        [
            0.0251348311556, 0.0252858070924, 0.0292222032452, 0.00124494765908,
            0.0429368174473, 0.0386668970998, 0.0492937569983, 0.00161216383084,
        ],
        (0.493304354994, 0.0336779273122),
        0.000947889787377,
        1655.01902834,
    ),
}  # fmt: skip


@pytest.mark.evidence("models.SpatialSystem:ml", source="xsmle 1.4.5 (Stata 18), Produc")
@pytest.mark.parametrize("name", XSMLE)
def test_unit_effects_are_those_of_xsmle(name: str) -> None:
    printed = XSMLE[name]
    fit = fitted(
        f"lgsp ~ {' + '.join(printed.right)}",
        *produc(),
        error=printed.error,
        effects=("unit",),
        compat="direct",
        cov="observed",
    )
    found = fit.tidy().set_index("term")
    own = printed.right[: len(printed.estimates)]
    assert found.loc[own, "estimate"].tolist() == pytest.approx(printed.estimates, rel=1e-6)
    assert found.loc[own, "std_error"].tolist() == pytest.approx(printed.errors, rel=1e-6)
    last = found.loc["rho" if printed.error else "W(lgsp)", ["estimate", "std_error"]]
    assert last.tolist() == pytest.approx(printed.spatial, rel=1e-6)
    assert fit.sigma.iloc[0, 0] == pytest.approx(printed.variance, rel=1e-6)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(printed.value, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "variance", "value"),
    [
        ("sar", 0.0011808406803, 1491.75076152),
        ("sdm", 0.00100713289909, 1534.38511307),
    ],
)
def test_the_transformed_likelihood_is_that_of_xsmle_with_leeyu(
    name: str, variance: float, value: float
) -> None:
    """type(ind, leeyu).  Its type(both, leeyu) prints the same numbers: it leaves the time effects in."""
    printed = XSMLE[name]
    fit = fitted(f"lgsp ~ {' + '.join(printed.right)}", *produc(), effects=("unit",))
    found = fit.tidy().set_index("term")
    own = printed.right[: len(printed.estimates)]
    assert found.loc[own, "estimate"].tolist() == pytest.approx(printed.estimates, rel=1e-6)
    assert fit.sigma.iloc[0, 0] == pytest.approx(variance, rel=1e-6)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(value, abs=1e-6)
    both = fitted(f"lgsp ~ {' + '.join(printed.right)}", *produc(), effects=("unit", "time"))
    assert abs(both.params["lgsp", "W(lgsp)"] - printed.spatial[0]) > 0.05


def _demeaned() -> tuple[Panel, Weights]:
    """Return the states with the means of units and of times out, as a pooled panel."""
    panel, W = produc()
    frame = panel.frame.copy()
    for level in (0, 1):
        frame = frame - frame.groupby(level=level).transform("mean")
    return Panel(frame), W


def test_errors_with_both_effects_are_those_of_xsmle_for_demeaned_data() -> None:
    """xsmle type(both) lags what is demeaned and counts all rows: the pooled likelihood of such data."""
    panel, W = _demeaned()
    fit = fitted(f"lgsp ~ {' + '.join(TERMS)} - 1", panel, W, error="W", cov="observed")
    found = fit.tidy().set_index("term")
    # xsmle ..., emat(W) model(sem) fe type(both)
    estimates = [
        -0.0133703622985, 0.155802215871, 0.758844683752, -0.00301147294181,
        0.390864031765,
    ]  # fmt: skip
    errors = [
        0.0247802517107, 0.0254971875031, 0.0277966587762, 0.00116204287193,
        0.0391588948105,
    ]  # fmt: skip
    assert found["estimate"].tolist() == pytest.approx(estimates, rel=1e-6)
    assert found["std_error"].tolist() == pytest.approx(errors, rel=1e-6)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(1672.33826948, abs=1e-6)


def test_a_lag_with_both_effects_has_a_higher_maximum_than_xsmle_prints() -> None:
    panel, W = _demeaned()
    fit = fitted(f"lgsp ~ {' + '.join(TERMS)} + W(lgsp) - 1", panel, W)
    # Of the same likelihood: xsmle ..., model(sar) fe type(both) ends at rho = .196909 without converging.
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(1659.44764595, abs=1e-3)
    assert dict(fit.facts)["log_likelihood"] > 1659.44764595 + 1e-5
    assert fit.params["lgsp", "W(lgsp)"] == pytest.approx(0.196908534064, abs=5e-4)
