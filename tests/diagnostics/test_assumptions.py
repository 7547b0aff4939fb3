"""Every test says what it takes for granted, in English and Chinese; clustered forms come first."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest
from lattice import grid
from likelihood_cases import fitted, moving, ring, simulated
from policy_cases import policy_panel

import spatial as sp
from spatial.models import (
    SpatialSystem,
    did,
    fixed_effects,
    hausman,
    heterogeneity,
    mechanism,
    moderation,
    random_effects,
    serial_correlation,
    spreg,
    threshold,
    tobit,
    u_test,
    wald,
)
from spatial.models.hypothesis import HypothesisTest
from spatial.study.fits.assumptions import detail_in_chinese

N, T, W = 30, 4, ring(30)
SAID = ("independent", "clustered", "any dependence", "errors: ")
FORMS = ("LM lag", "LM error", "Robust LM lag", "Robust LM error", "LM SARMA", "Anselin-Kelejian")


@cache
def _data() -> pd.DataFrame:
    data = simulated(W, T, 1, lam=0.3, effects=False).frame.copy()
    rng = np.random.default_rng(0)
    data["p"] = data["z"] + rng.normal(size=len(data))
    data["q"] = rng.uniform(size=len(data))
    data["side"] = np.where(np.asarray(data.index.get_level_values(0)) < N // 2, "east", "west")
    return data


def _likelihoods() -> Iterator[HypothesisTest]:
    for effects in ((), ("unit", "time"), ("random",)):
        yield from fitted("y ~ x + W(x) + W(y)", _data(), W, effects=effects).diagnostics().tests
        yield from fitted("y ~ x + W(y)", _data(), W, error="W", effects=effects).diagnostics().tests
    panel = moving(W, 6, 1, lam=0.0)
    yield from fitted("y ~ lag(y, 1) + x + W(y)", panel, W, effects=("unit", "time")).diagnostics().tests
    weights = sp.Weights.from_dense(W)
    for cov in ("expected", "qml"):
        fit = SpatialSystem("y ~ x + W(y)", _data(), weights, effects=("unit",)).fit("ml", cov=cov)
        yield from fit.diagnostics().tests
    yield from SpatialSystem("y ~ x + W(y)", _data(), weights).fit("mess").diagnostics().tests
    fixed = fitted("y ~ x + W(y)", _data(), W, effects=("unit",))
    yield hausman(fixed, fitted("y ~ x + W(y)", _data(), W, effects=("random",)))


def _systems() -> Iterator[HypothesisTest]:
    weights, two = sp.Weights.from_dense(W), ["y ~ p + x + W(y)", "p ~ z + y"]
    one_time = _data().xs(1, level=1)
    for data, effects in ((one_time, ()), (_data(), ("unit",)), (_data(), ("unit", "time"))):
        yield from SpatialSystem("y ~ x + z", data, weights, effects=effects).fit("ols").diagnostics().tests
    iv = SpatialSystem("y ~ x + W(x) + W(y)", _data(), weights, effects=("unit",))
    for method in ("2sls", "gmm"):
        yield from iv.fit(method).diagnostics().tests
    for method, error in (("3sls", None), ("gs3sls", "W")):
        fit = SpatialSystem(two, _data(), weights, effects=("unit",), error=error).fit(method)
        yield from fit.diagnostics().tests
    random = SpatialSystem(["y ~ p + x + W(y)", "p ~ z"], _data(), weights, effects="random")
    yield from random.fit("3sls").diagnostics().tests


def _others() -> Iterator[HypothesisTest]:
    panel = _data()
    fixed = fixed_effects("y ~ x", panel, effects="unit", cov="hom")
    yield hausman(fixed, random_effects("y ~ x", panel, cov="hom"))
    yield hausman(fixed, kind="mundlak")
    yield wald(fixed, "x = 0")
    space = SpatialSystem("y ~ x + W(y)", panel, sp.Weights.from_dense(W), effects=("unit",))
    yield hausman(space.fit("gs2sls"), space.again(effects="random").fit("gs2sls"), kind="spatial")
    error = SpatialSystem("y ~ x + z", panel, sp.Weights.from_dense(W), effects=("unit",))
    yield hausman(error.fit("ols"), error.again(error="W").fit("ml"), kind="spatial")
    yield serial_correlation(fixed)
    yield serial_correlation(fixed, kind="within")
    yield did(policy_panel(np.random.default_rng(0)), "y", "first").pretrend()
    cut = panel.assign(y=panel["y"].clip(lower=float(panel["y"].median())))
    limit = float(panel["y"].median())
    yield from tobit("y ~ x", cut, effects="correlated", points=6, lower=limit).tests
    section = panel.xs(1, level=1)
    yield from spreg("OLS", "y ~ x", section, sp.Weights.from_dense(W)).tests
    yield spreg("OLS_Regimes", "y ~ x", section, regimes="side").test("Chow")


@cache
def _all(kind: str) -> tuple[HypothesisTest, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple({"ml": _likelihoods, "systems": _systems, "others": _others}[kind]())


@pytest.mark.parametrize("kind", ["ml", "systems", "others"])
def test_each_test_of_a_model_names_what_it_assumes(kind: str) -> None:
    computed = [test for test in _all(kind) if test.computed]
    assert len(computed) > 8
    for test in computed:
        assert any(word in test.detail for word in SAID), f"{test.name}: {test.detail!r}"
        assert test.detail in test.summary()
        assert test.detail in test.tidy()["detail"].iloc[0]
        chinese = detail_in_chinese(test.detail)
        assert re.search("[\u4e00-\u9fff]", chinese), test.detail
        known = "GMM|CR2|SLS|mundlak|kind|spreg|Hotelling|rho|WX|W2X|[a-zA-Z]"
        left = re.findall(rf"\b(?!(?:{known})\b)[a-zA-Z]{{3,}}", chinese)
        assert not left, f"{test.detail!r} in Chinese: {chinese!r}"


def test_the_form_that_the_covariance_allows_is_printed_first() -> None:
    weights = sp.Weights.from_dense(W)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = SpatialSystem("y ~ x + z", _data(), weights, effects=("unit",)).fit("ols")
        iv = SpatialSystem("y ~ x + W(x) + W(y)", _data(), weights, effects=("unit",)).fit("2sls")
        plain = fit.vcov("hom").diagnostics()
    for found, first in ((fit.diagnostics(), " (clustered)"), (plain, "")):
        names = [test.name for test in found.tests]
        for form in FORMS:
            both = [name for name in names if name in (form, f"{form} (clustered)")]
            assert both == [f"{form}{first}", next(b for b in both if b != f"{form}{first}")]
    names = [test.name for test in iv.diagnostics().tests]
    assert names.index("Hansen J (clustered)") < names.index("Sargan J")
    assert names.index("Anselin-Kelejian (clustered)") < names.index("Anselin-Kelejian")


def test_each_statistic_of_a_map_names_its_null_and_each_result_its_errors() -> None:
    rng, weights, runs = np.random.default_rng(0), grid(7)[1], {"permutations": 99}
    x, y = rng.normal(size=(2, 49))
    rows = pd.MultiIndex.from_product([weights.ids, range(6)], names=["unit", "time"])
    panel = sp.Panel(pd.DataFrame({"x": np.exp(rng.normal(size=294))}, rows))
    for found in (
        sp.moran(x, weights, **runs),
        sp.geary(x, weights, **runs),
        sp.general_g(np.exp(x), weights, **runs),
        sp.bivariate_moran(x, y, weights, **runs),
        sp.bivariate_moran(x, y, weights, null="spectral", **runs),
        sp.lee(x, y, weights, **runs),
        sp.lee(x, y, weights, null="spectral", **runs),
        sp.local_moran(x, weights, **runs),
        sp.getis_ord(np.exp(x), weights, **runs),
        sp.local_geary(x, weights, **runs),
        sp.losh(x, weights, **runs),
        sp.join_counts(x > 0, weights.binary(), **runs),
        sp.local_join_counts(x > 0, weights.binary(), **runs),
    ):
        assert "\nNull hypothesis: " in found.summary()
    for chain in (
        sp.spatial_markov(panel, "x", weights, 2, **runs),
        sp.lisa_markov(panel, "x", weights, **runs),
    ):
        assert "independent of each other" in chain.summary()
    assert "clustered by unit" in sp.sigma_convergence(panel, "x").summary()
    assert "clustered by unit" in sp.beta_convergence(panel, "x", effects=()).summary()


def test_each_question_to_a_fit_names_its_errors() -> None:
    data, seeded = _data(), {"seed": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = fixed_effects("y ~ x + I(x**2)", data)
        fit = fixed_effects("y ~ x", data)
        results = (
            u_test(curve, "x"),
            moderation(fit, "x", "z"),
            mechanism("y ~ x", data, "x", "p"),
            threshold("y ~ x", data, "q", bootstrap=9, grid=10, **seeded),
            did(policy_panel(np.random.default_rng(0)), "y", "first"),
        )
        groups = heterogeneity(fit, "side", test=["wald", "suest", "permutation"], permutations=99, **seeded)
    for found in results:
        assert "clustered by unit" in found.summary()
    for name in ("wald", "suest", "permutation"):
        assert f"{name} assumes " in groups.summary()
