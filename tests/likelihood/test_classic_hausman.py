"""Hausman's test with the covariances of the two fits as they are, which other programs print."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import produc, ring, simulated

from spatial.errors import DataError
from spatial.models import SpatialSystem, hausman
from spatial.models.likelihood.contrast import slopes_covariance
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::spatial.models.likelihood.estimator.HeteroskedasticityWarning"
)

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "gs3sls.json").read_text())

# splm 1.6-5, sphtest(lgsp ~ lpcap + lpc + lemp + unemp, usaww, spatial.model = "error", method = "ML").
SPHTEST = {"bsk": 30.6006691551753, "kkp": 35.1559907143455}


@pytest.mark.evidence("models.hausman", source="splm 1.6-5, sphtest by ML, Produc", digits=6)
@pytest.mark.parametrize("form", SPHTEST)
def test_the_classic_form_of_likelihood_is_that_of_splm(form: Any) -> None:
    """The likelihood with all rows, as splm has it, and generalised least squares for random effects.

    That of "kkp" is (b_F - b_R)'(V_F - V_R)^{-1}(b_F - b_R) of what spml prints, as sphtest takes it.
    """
    panel, W = produc()
    system = SpatialSystem("lgsp ~ lpcap + lpc + lemp + unemp", panel, W, error="W", effects="unit")
    fixed = system.fit("ml", compat="direct")
    random = system.again(effects="random").fit("ml", random=form)
    found = hausman(fixed, random, kind="spatial", covariance="classic")
    assert found.statistic == pytest.approx(SPHTEST[form], rel=1e-6)
    assert (found.name, found.df) == ("Hausman, spatial, classic", 4)
    assert "not positive definite: prefer kind='mundlak'" in found.detail
    assert hausman(fixed, random, covariance="classic").statistic == found.statistic
    # The default takes both covariances at one place, where their difference is a covariance.
    assert hausman(fixed, random).statistic < found.statistic


def test_where_splm_prints_the_absolute_value_of_a_negative_statistic_there_is_no_test() -> None:
    """sphtest(..., spatial.model = "lag", method = "ML") prints 83.0792999849726: the value is below zero."""
    panel, W = produc()
    system = SpatialSystem("lgsp ~ lpcap + lpc + lemp + unemp + W(lgsp)", panel, W, effects="unit")
    fixed = system.fit("ml", compat="direct")
    random = system.again(effects="random").fit("ml")
    places, V_random = slopes_covariance(random.estimate)
    keys = [random.params.index[j] for j in places][1:]
    gap = (fixed.params[keys] - random.params[keys]).to_numpy()
    V = fixed.cov.loc[keys, keys].to_numpy() - V_random[1:, 1:]
    assert gap @ np.linalg.solve(V, gap) == pytest.approx(-83.0792999849726, rel=2e-5)
    found = hausman(fixed, random, kind="spatial", covariance="classic")
    assert np.isnan(found.p_value)
    assert "the difference of the covariances is not positive" in found.reason


@pytest.mark.evidence("models.hausman", source="splm 1.6-5, sphtest by GM, Produc")
def test_the_classic_form_of_instruments_is_that_of_splm_on_its_estimates() -> None:
    """sphtest(..., spatial.model = "lag", method = "GM"), of the two fits that spgm prints."""
    printed = REFERENCE["splm_sphtest_GM_lag"]
    terms = printed["names"]
    fits = [
        SimpleNamespace(
            params=pd.Series(one["coefficients"], terms), cov=pd.DataFrame(one["vcov"], terms, terms)
        )
        for one in (printed["within"], printed["random"])
    ]
    found = hausman(*fits)
    assert (found.statistic, found.df) == (pytest.approx(printed["statistic"], rel=1e-9), 5)


@pytest.mark.evidence("models.hausman", source="d'(V_F - V_R)^{-1}d by hand", kind="hand")
@pytest.mark.filterwarnings("ignore::spatial.models.system.WeakInstrumentWarning")
def test_the_classic_form_of_instruments_takes_homoskedastic_covariances() -> None:
    panel = simulated(ring(40), 4, 5, lam=0.3)
    system = SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(ring(40)), effects="unit")
    a, b = system.fit("2sls", cov="hom"), system.again(effects="random").fit("2sls")
    keys = list(a.params.index)
    places = [list(b.params.index).index(key) for key in keys]
    V = a.cov.to_numpy() - b.estimate.numbers.fit.bread[np.ix_(places, places)]
    gap = (a.params - b.params[keys]).to_numpy()
    found = hausman(a, b, kind="spatial", covariance="classic")
    assert found.statistic == pytest.approx(gap @ np.linalg.solve(V, gap), rel=1e-8)
    clustered = hausman(system.fit("2sls"), b, kind="spatial", covariance="classic")
    assert clustered.statistic == pytest.approx(found.statistic, rel=1e-12)
    with pytest.raises(DataError, match="covariance is 'classic', 'scores' or left out; got 'hom'"):
        hausman(a, b, covariance="hom")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="without spatial random effects 'scores' or left out; got 'classic'"):
        hausman(b, kind="mundlak", covariance="classic")
    with pytest.raises(DataError, match="is for fixed against random effects"):
        hausman(a, a, kind="spatial", covariance="classic")
