"""What impacts are made of and how they are shown: orders, units, horizons, tables, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from impacts_cases import dense_effects, draw, knn_weights, run, single, structure, values
from scipy import sparse

from spatial.errors import DataError
from spatial.models.formula.structure import Equation, Structure, Term
from spatial.models.impacts.errors import nonlinear_terms
from spatial.models.impacts.map import EffectMap
from spatial.models.impacts.result import system_impacts
from spatial.models.impacts.solve import ReducedForm, bilinear


# ---- the parts
@pytest.mark.evidence("models.Impacts.by_order", source="orders add up; the first by hand", kind="identity")
@pytest.mark.parametrize("weights", [("W",), ("W", "V")])
def test_orders_add_up_to_the_effects(weights: tuple[str, ...]) -> None:
    graphs = {w: knn_weights(30, 4, seed=j) for j, w in enumerate(weights)}
    s = structure(2, weights)
    theta = draw(s, 8, 0.1)
    found = run(s, theta, graphs, draws=0)
    table = found.by_order(4)
    sums = table.groupby(["outcome", "term"], sort=False)[["direct", "total"]].sum()
    np.testing.assert_allclose(sums["direct"], values(found, "direct").ravel(), rtol=1e-9)
    np.testing.assert_allclose(sums["total"], values(found, "total").ravel(), rtol=1e-9)
    # Order 1 by hand: the first power of each W, in the regressor or in the feedback.
    m = s.system_matrices(theta)
    inverse = np.linalg.inv(np.eye(2) - m.B)
    a = s.regressors.index("a")
    first = sum(inverse @ (m.Lambda[w] @ inverse @ m.C[:, a] + m.D[w][:, a]) for w in weights)
    rows = table[(table["order"] == 1) & (table["term"] == "a")]
    np.testing.assert_allclose(rows["total"], first, rtol=1e-10)
    np.testing.assert_allclose(rows["direct"], 0, atol=1e-12)
    tail = table[table["order"] == "rest"]["total"].abs().max()
    assert tail < table[table["order"] == 0]["total"].abs().max()


@pytest.mark.evidence(
    "models.Impacts.by_unit", source="sums of the dense matrix of derivatives", kind="identity"
)
def test_units_average_to_the_effects_and_are_the_dense_sums() -> None:
    graphs = {"W": knn_weights(30, 4)}
    s = structure(2, ("W",))
    theta = draw(s, 9, 0.1)
    found = run(s, theta, graphs, draws=0)
    E = dense_effects(s, theta, graphs)[1, 0]  # a on y1
    sent, received = found.by_unit("y1", "a"), found.by_unit("y1", "a", "received")
    own = found.by_unit("y1", "a", kind="direct")
    np.testing.assert_allclose(sent, E.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(received, E.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(own, np.diag(E), rtol=1e-9)
    assert sent.index.tolist() == [f"u{i:02d}" for i in range(30)]
    assert sent.name == "sent: a on y1"
    row = found.frame[(found.frame["outcome"] == "y1") & (found.frame["term"] == "a")].set_index("effect")
    assert sent.mean() == pytest.approx(row.loc["total", "estimate"])
    assert own.mean() == pytest.approx(row.loc["direct", "estimate"])


def test_order_of_units_does_not_matter() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 10, 0.1)
    turn = np.random.default_rng(0).permutation(30)
    ids = pd.Index([f"u{i:02d}" for i in range(30)])
    V = np.eye(len(theta)) * 1e-4
    a = system_impacts(s, theta, V, {"W": W}, ids=ids)
    b = system_impacts(s, theta, V, {"W": sparse.csr_array(W[turn][:, turn])}, ids=ids[turn])
    pd.testing.assert_frame_equal(a.frame, b.frame, rtol=1e-8)
    pd.testing.assert_series_equal(a.by_unit("y0", "b"), b.by_unit("y0", "b").loc[ids], rtol=1e-8)


def test_cross_multipliers_are_the_inverse() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 11, 0.1)
    m = s.system_matrices(theta)
    found = run(s, theta, {"W": W}).cross_multipliers
    total = found[found["effect"] == "total"].pivot(index="outcome", columns="shock", values="estimate")
    np.testing.assert_allclose(total, np.linalg.inv(np.eye(2) - m.B - m.Lambda["W"]), rtol=1e-10)
    assert "term" not in found.columns
    assert found["std_error"].gt(0).all()


@pytest.mark.evidence(
    "models.Impacts.structural", source="coefficients of the structural form", kind="identity"
)
def test_short_form_stands_beside_equilibrium() -> None:
    W = knn_weights(30, 4)
    s = structure(2, ("W",))
    theta = draw(s, 12, 0.1)
    table = run(s, theta, {"W": W}, draws=0).structural().set_index(["outcome", "term"])
    m = s.system_matrices(theta)
    a = s.regressors.index("a")
    assert table.loc[("y1", "a"), "own"] == m.C[1, a]
    assert table.loc[("y1", "a"), "lagged"] == pytest.approx(m.D["W"][1, a])
    row = table.loc[("y0", "b")]
    assert row["feedback"] == pytest.approx(row["direct"] - row["own"])
    assert row["total"] == pytest.approx(row["direct"] + row["indirect"])


def test_long_run_sets_yesterday_to_today() -> None:
    W = knn_weights(30, 4)
    terms = (
        Term("W(y)", "y", "lag", "W", role="endogenous"),
        Term("lag(y, 1)", "y", shift=1, role="predetermined"),
        Term("a", "a"),
        Term("lag(a, 1)", "lag(a, 1)"),
    )
    s = Structure((Equation("y", "y", terms),), ("W",))
    theta = np.array([0.3, 0.4, 1.0, 0.5])
    short, long = (run(s, theta, {"W": W}, draws=0, horizon=h) for h in ("short", "long"))
    rows = short.frame.set_index(["term", "effect"])["estimate"]
    assert rows["a", "total"] == pytest.approx(1 / 0.7)
    assert rows["lag(a, 1)", "total"] == pytest.approx(0.5 / 0.7)
    rows = long.frame.set_index(["term", "effect"])["estimate"]
    assert rows["a", "total"] == pytest.approx(1.5 / (1 - 0.3 - 0.4))
    assert list(dict.fromkeys(long.frame["term"])) == ["a"]
    assert "long run" in long.summary()
    assert "horizon='long' gives those of a lasting change" in short.summary()
    assert long.notes == ()
    # 0.3 + 0.8 > 1: each shock grows for ever.
    explosive = run(s, np.array([0.3, 0.8, 1.0, 0.5]), {"W": W}, draws=0, horizon="long")
    assert explosive.notes[0] == "A shock does not die out over time: there is no long run."


def test_functions_of_outcomes_are_taken_as_given_and_said_so() -> None:
    square = Term("I(y**2)", "I(y**2)", role="endogenous")
    s = Structure((Equation("y", "log(y)", (square, Term("a", "a"))),))
    found = system_impacts(s, np.array([0.1, 2.0]), np.eye(2), {}, ids=pd.Index(["p", "q"]), draws=0)
    assert found.notes == (
        "I(y**2) is made of an outcome: the system is not linear, and these effects take I(y**2) as given.",
    )
    declared = Structure((Equation("y", "log(y)", (Term("log(e)", "log(e)", role="endogenous"),)),))
    assert nonlinear_terms(declared) == ()


def test_system_without_regressors_says_so() -> None:
    lag = Term("W(y)", "y", "lag", "W", role="endogenous")
    s = Structure((Equation("y", "y", (lag,)),), ("W",))
    found = run(s, np.array([0.3]), {"W": knn_weights(20, 3)})
    assert found.summary() == "Effects in equilibrium: the system has no regressor; see cross_multipliers."
    assert found.cross_multipliers["estimate"].iloc[2] == pytest.approx(1 / 0.7)


def test_scaling_weights_scales_lambda_back() -> None:
    W = knn_weights(30, 4)
    a = run(single(), np.array([0.4, 1.0, 2.0]), {"W": W}, draws=0)
    b = run(single(), np.array([0.4 / 7, 1.0, 2.0]), {"W": 7 * W}, draws=0)
    np.testing.assert_allclose(a.frame["estimate"], b.frame["estimate"], rtol=1e-10)


def test_tables_and_plot() -> None:
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=1000)
    statistics = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert list(found.tidy().columns[:9]) == ["outcome", "term", "effect", *statistics]
    assert list(dict.fromkeys(found.tidy()["effect"])) == ["direct", "indirect", "total"]
    assert found.glance().loc[0, "draws"] == 1000
    assert "Standard errors in parentheses: simulated, 1000 draws, seed 0" in str(found)
    assert repr(found) == "<Impacts of 2 regressors on y; traces of powers of W by eigenvalues>"
    ax = found.plot()
    assert ax.get_xlabel() == "Effect"
    assert {t.get_text() for t in ax.get_yticklabels()} >= {"a", "b"}


def test_bad_requests_name_what_is_allowed() -> None:
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=0)
    with pytest.raises(DataError, match=r"outcome is one of 'y'; got 'z'"):
        found.by_unit("z", "a")
    with pytest.raises(DataError, match=r"term is one of 'a', 'b', 'shock in y'; got 'c'"):
        found.by_unit("y", "c")
    with pytest.raises(DataError, match="kind is one of 'sent', 'received', 'direct'; got 'all'"):
        found.by_unit("y", "a", "all")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"draws is 0, or a whole number above 1; got -1"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=-1)
    with pytest.raises(DataError, match="above 1; got None"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=None)
    with pytest.raises(DataError, match="seed is a whole number, 0 or more; got -1"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, seed=-1)
    with pytest.raises(DataError, match="horizon is one of 'short', 'long'; got 'medium'"):
        run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, horizon="medium")
    with pytest.raises(DataError, match=r"whole number of orders from 0 to 50; got 1\.5"):
        found.by_order(1.5)  # type: ignore[arg-type]


def test_own_effects_of_many_units_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from spatial.models.impacts import parts as impact_parts

    monkeypatch.setattr(impact_parts, "OWN_LIMIT", 20)
    found = run(single(), np.array([0.4, 1.0, 2.0]), {"W": knn_weights(30, 4)}, draws=0)
    with pytest.raises(
        DataError, match="for each of 30 units; that is offered up to 20 units with 1 equations"
    ):
        found.by_unit("y", "a", "direct")


def test_several_weights_and_many_units_use_delta_alone() -> None:
    graphs = {"W": knn_weights(310, 4, seed=1), "V": knn_weights(310, 3, seed=2)}
    s = structure(1, ("W", "V"), durbin=False)
    theta = draw(s, 3, 0.1)
    found = run(s, theta, graphs, draws=100)
    assert found.frame["method"].eq("delta").all()
    assert "by the delta method alone" in found.summary()
    assert found.draws == 0
    few = EffectMap(s, graphs)
    rough = bilinear(
        ReducedForm(*_first(few, theta), list(graphs.values())),
        np.random.default_rng(0).choice([-1.0, 1.0], (310, 64)),
    )
    exact = values(found, "direct")[0, 0] / theta[[t.name for _, t in s.terms].index("a")]
    assert rough.values[0, 0, 0] == pytest.approx(exact, abs=0.02)


def _first(effect_map: EffectMap, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    c = effect_map.coefficients(theta)
    return c.B, c.Lambda
