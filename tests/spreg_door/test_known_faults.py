"""What spreg takes silently, or gets wrong, is refused or put right, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_equal_to_spreg import DATA, LONG, PLAIN, W

import spatial as sp
from spatial.errors import SpatialError, SpatialWarning
from spatial.weights import Weights

_ISLAND = W.sparse.toarray().copy()
_ISLAND[3] = 0.0
HOLE = DATA.assign(x1=DATA["x1"].mask(DATA.index == "u05"))

REFUSED: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "There are .*GM_Lag": ("GM_Lagg", (PLAIN, DATA, W), {}),
    "Did you mean 'GM_Lag'": ("GM_Lagg", (PLAIN, DATA, W), {}),
    "75 %": ("ML_ErrorRE", (PLAIN, LONG, W), {}),
    "former name .* 'ML_LagFE'": ("Panel_FE_Lag", (PLAIN, LONG, W), {}),
    "too small": ("OLS_Endog_Regimes", (PLAIN, DATA, W), {}),
    "needs weights": ("GM_Lag", (PLAIN, DATA), {}),
    "neighbours; these have none: 'u03'": (
        "GM_Lag",
        (PLAIN, DATA, Weights.from_dense(_ISLAND, ids=W.ids)),
        {},
    ),
    "u05": ("GM_Lag", (PLAIN, HOLE, W), {}),
    "unbalanced is 'raise' or 'balance'": ("GM_Lag", (PLAIN, HOLE, W), {"unbalanced": "induced"}),
    "outcome of 0 and 1; y is": ("Probit", (PLAIN, DATA, W), {}),
    "lose all their neighbours: 'u00'": (
        "GM_Lag",
        (PLAIN, DATA.assign(x1=DATA["x1"].mask(DATA.index.isin(["u01", "u07"]))), W),
        {"unbalanced": "balance"},
    ),
    "'u00'": ("GM_Lag", (PLAIN, DATA.drop("u00"), W), {}),
    "one weights matrix": ("GM_Lag", (PLAIN, DATA, {"W": W, "D": W}), {}),
    "no option 'robst'": ("GM_Lag", (PLAIN, DATA, W), {"robst": "white"}),
    "made from the formula": ("GM_Lag", (PLAIN, DATA, W), {"y": 1}),
    "full_weights=True": ("GM_ErrorRE", (PLAIN, LONG, W), {"full_weights": True}),
    "loses the covariance": ("OLS_Regimes", (PLAIN, DATA, W), {"regimes": "half", "spat_diag": True}),
    "call 'GM_Lag_Regimes'": ("GM_Lag", (PLAIN, DATA, W), {"regimes": "half"}),
    "needs regimes='column'": ("OLS_Regimes", (PLAIN, DATA, W), {}),
    "two or more levels": ("OLS_Regimes", (PLAIN, DATA.assign(half="a"), W), {"regimes": "half"}),
    "for cross-sections": ("GM_Lag", (PLAIN, LONG, W), {}),
    "at least two times": ("PanelFE", (PLAIN, DATA, W), {}),
    "needs a panel": ("PanelRE", (PLAIN, DATA, W), {}),
    "would be taken for exogenous": ("OLS", ("y ~ x1 + W(y)", DATA, W), {}),
    "always have a constant": ("OLS", ("y ~ x1 - 1", DATA, W), {}),
    "those of the class": ("PanelFE", ("y ~ x1 | unit", LONG, W), {}),
    "takes no endogenous": ("ML_Lag", ("y ~ x1 + end | end ~ z", DATA, W), {}),
    "needs z beside it": ("GM_Lag", ("y ~ x1 + W(z)", DATA, W), {}),
    "two formulas or more": ("SUR", (PLAIN, DATA, W), {}),
    "takes one formula": ("OLS", ([PLAIN, "y2 ~ x1"], DATA, W), {}),
    "own x and W x": ("SURlagIV", ([PLAIN, "y2 ~ x1"], DATA, W), {}),
    "print numbers all the same": ("ThreeSLS", (["y ~ x1 + y2", "y2 ~ x1 + y"], DATA), {}),
    "needs coords=": ("NSLX", (PLAIN, DATA), {}),
    "1 on the diagonal": ("OLS", (PLAIN, DATA), {"robust": "hac", "gwk": W}),
    "combination of the others": ("OLS", ("y ~ x1 + x2 + I(x1 + x2)", DATA), {}),
    "failed on these data": ("ML_Lag", (PLAIN, DATA, W), {"method": "none of these"}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refusals(message: str) -> None:
    name, arguments, options = REFUSED[message]
    with pytest.raises(SpatialError, match=message):
        sp.models.spreg(name, *arguments, **options)


def test_units_with_missing_values_can_be_left_out_of_the_weights_too() -> None:
    fit = sp.models.spreg("GM_Lag", PLAIN, HOLE, W, unbalanced="balance")
    kept = DATA.drop("u05")
    with pytest.warns(SpatialWarning, match="led to units left out"):
        other = sp.models.spreg("GM_Lag", PLAIN, kept, W.subset(kept.index).row_standardized())
    assert fit.params.to_numpy() == pytest.approx(other.params.to_numpy(), rel=1e-12)
    assert fit.n_obs == 48
    assert "1 incomplete units dropped" in " ".join(fit.notes)


def test_what_a_fit_refuses() -> None:
    fit = sp.models.spreg("OLS", PLAIN, DATA)
    with pytest.raises(SpatialError, match="needs weights"):
        fit.moran()
    with pytest.raises(SpatialError, match="has no test 'Jarque'"):
        fit.test("Jarque")
    probit = sp.models.spreg("Probit", "won ~ x1", DATA, W)
    with pytest.raises(SpatialError, match="slopes of the probability"):
        probit.impacts()
    with pytest.raises(SpatialError, match="not exchangeable"):
        probit.moran()
    apart = sp.models.spreg("OLS_Regimes", PLAIN, DATA, regimes="half")
    with pytest.raises(SpatialError, match="each regime has its own"):
        apart.impacts()
    with pytest.raises(SpatialError, match="residuals of a panel"):
        sp.models.spreg("PanelFE", PLAIN, LONG, W).moran()


def test_dense_matrices_are_refused_before_they_are_made() -> None:
    n = 5_200
    index = np.arange(n)
    ring = Weights.from_frame(pd.DataFrame({"i": index, "j": np.roll(index, 1), "w": 1.0}))
    data = pd.DataFrame({"y": np.sin(index), "x": np.cos(3 * index)}, index=ring.ids)
    with pytest.raises(SpatialError, match="full matrices"):
        sp.models.spreg("ML_Lag", "y ~ x", data, ring)


def test_kernel_weights_and_coordinates_are_matched_by_id() -> None:
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.uniform(size=(len(DATA), 2)), columns=["x", "y"], index=DATA.index)
    near = np.exp(-((points.to_numpy()[:, None] - points.to_numpy()[None]) ** 2).sum(axis=-1) * 20)
    kernel = Weights.from_dense(near, ids=DATA.index)
    first = sp.models.spreg("OLS", PLAIN, DATA, robust="hac", gwk=kernel)
    second = sp.models.spreg("OLS", PLAIN, DATA, robust="hac", gwk=kernel.reordered(DATA.index[::-1]))
    assert first.std_errors.to_numpy() == pytest.approx(second.std_errors.to_numpy(), rel=1e-10)
    assert first.covariance.label == "HAC by kernel weights"
    options: dict[str, Any] = {"params": [(5, 1.0, "exponential")], "var_flag": 0}
    one = sp.models.spreg("NSLX", "y ~ x1", DATA, coords=points, **options)
    two = sp.models.spreg("NSLX", "y ~ x1", DATA, coords=points.iloc[::-1], **options)
    assert one.params.to_numpy() == pytest.approx(two.params.to_numpy(), rel=1e-8)
