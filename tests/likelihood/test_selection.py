"""The choice between spatial models: its tests are those of the fits, its words say what it does not know."""

from __future__ import annotations

import numpy as np
import pytest
from likelihood_cases import columbus, fitted, produc, ring, simulated

import spatial as sp
from spatial.errors import DataError, FormulaError
from spatial.models import select
from spatial.weights import Weights

W60 = ring(60)


@pytest.mark.evidence("models.select", source="spatialreg 1.4-2 and spdep 1.4-2, columbus")
def test_the_path_on_columbus_is_that_of_r() -> None:
    data, W = columbus()
    found = select("CRIME ~ INC + HOVAL", data, W, effects=())
    tests = found.tests
    # lm.RStests of the OLS model; LR.Sarlm(m_sdm, m_lag); 2 (LL of SDM - LL of SEM)
    assert tests["lm_lag"].statistic == pytest.approx(8.89799859108786, rel=1e-9)
    assert tests["lm_error"].statistic == pytest.approx(5.20621392388198, rel=1e-9)
    assert tests["rlm_lag"].statistic == pytest.approx(3.73569059909091, rel=1e-9)
    assert tests["rlm_error"].statistic == pytest.approx(0.0439059318850378, rel=1e-9)
    assert tests["lr_sar"].statistic == pytest.approx(2.06943513956662, abs=1e-6)
    assert tests["lr_sem"].statistic == pytest.approx(2 * (183.749428062057 - 181.639254440351), abs=1e-6)
    assert found.recommended == "SAR"
    assert found.fit is found.fits["SAR"]
    assert not tests["mundlak"].computed
    assert "no effects of units" in found.summary()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"lam": 0.5}, "SAR"),
        ({"rho": 0.6}, "SEM"),
        ({"lam": 0.4, "durbin": 0.8}, "SDM"),
        ({}, "OLS"),
    ],
)
def test_it_finds_the_model_that_made_the_data(options: dict, expected: str) -> None:
    panel = simulated(W60, 6, 3, **options)
    found = select("y ~ x + z", panel, Weights.from_dense(W60), alpha=0.01)
    assert found.recommended == expected
    durbin = fitted("y ~ x + z + W(x) + W(z) + W(y)", panel, W60, effects=("unit", "time"))
    own = durbin.diagnostics().test("LR: no spatial lags of regressors", "y")
    assert found.tests["lr_sar"].statistic == pytest.approx(own.statistic, rel=1e-9)
    least = sp.models.SpatialSystem(
        "y ~ x + z", panel, Weights.from_dense(W60), effects=("unit", "time")
    ).fit("ols", cov="hom")
    assert found.tests["lm_lag"].statistic == least.diagnostics().test("LM lag", "y").statistic


def test_summary_and_table_speak_both_languages() -> None:
    found = select("lgsp ~ lpcap + lpc + lemp + unemp", *produc())
    english, chinese = found.summary(), found.summary("zh")
    assert "Recommended: spatial Durbin model (SDM) with fixed effects." in english
    assert "建议：空间杜宾模型（SDM），固定效应。" in chinese
    assert "Breusch-Pagan rejects that: maximum likelihood is then inconsistent" in english
    table = found.table(lang="zh")
    page = table.to_text()
    assert "稳健 LM-error 检验" in page
    assert "LR-SAR（SDM 退化为 SAR）" in page
    assert "Standard errors of a model that tests chose" in found.table().to_text()
    assert "LM-lag" in found.to_markdown(lang="zh")
    frame = found.tidy()
    assert set(frame["step"]) == {
        *("lm_lag", "rlm_lag", "lm_error", "rlm_error", "lr_sar", "wald_sar", "lr_sem", "wald_sem"),
        *("hausman", "mundlak", "variance"),
    }
    assert found.glance().loc[0, "recommended"] == "SDM"
    assert frame.set_index("step").loc["mundlak", "rejected"]
    with pytest.raises(DataError, match="lang must be 'en' or 'zh'"):
        found.summary("fr")


def test_random_effects_are_taken_where_mundlak_does_not_reject() -> None:
    panel = simulated(W60, 4, 7, lam=0.4, durbin=0.9, effects=False)
    data = panel.frame.copy()
    mu = np.linalg.solve(np.eye(60) - 0.4 * W60, np.random.default_rng(3).normal(size=60))
    data["y"] += mu[data.index.get_level_values(0)]
    found = select("y ~ x + z", data, Weights.from_dense(W60), effects="unit")
    assert found.effects == "random"
    assert found.fit is found.fits["SDM RE"]
    assert "with random effects of units" in found.recommendation()


def test_what_select_refuses() -> None:
    W = Weights.from_dense(ring(20))
    panel = simulated(ring(20), 4, 1, lam=0.3)
    with pytest.raises(FormulaError, match=r"adds the spatial terms itself: leave W\(x\) out"):
        select("y ~ x + W(x)", panel, W)
    with pytest.raises(FormulaError, match="a formula of exogenous regressors"):
        select("y ~ x | unit", panel, W)
    with pytest.raises(DataError, match="for one matrix of weights; got W, V"):
        select("y ~ x", panel, {"W": W, "V": W})
    with pytest.raises(DataError, match="alpha must be between 0 and 1"):
        select("y ~ x", panel, W, alpha=5)
