"""Tables: the numbers of the fits, labels, controls, effects, notes, stamps, other programs' models."""

from __future__ import annotations

import json
import warnings
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from paper_fits import (
    FORMULAS,
    LABELS,
    N,
    T,
    forced_fit,
    panel,
    plain_fit,
    ring,
    stata_fit,
    system_fit,
)
from tables_cases import cells

import spatial as sp
from spatial.errors import DataError
from spatial.models import SpatialSystem
from spatial.models.diagnostics.systems import uncentred_j
from spatial.tables.formats.numbers import split_stars, star_text
from spatial.tables.regression import (
    RegressionTable,
    Table,
    regression_table,
)

REFERENCE = json.loads((Path(__file__).parent.parent / "reference" / "gs3sls.json").read_text())


def below(table: Table, label: str) -> list[str]:
    place = next(k for k, row in enumerate(table.rows) if row.label == label)
    return list(table.rows[place + 1].cells)


# ---- outside truth
@pytest.mark.evidence("regression_table", source="systemfit 1.1-28, Kmenta, printed digits")
def test_kmenta_prints_the_digits_of_systemfit() -> None:
    # systemfit 1.1-28, 3SLS without degrees-of-freedom correction (tests/reference/gs3sls.json).
    formulas = {
        "demand": "consump ~ income | price ~ income + farmPrice + trend",
        "supply": "consump ~ price + farmPrice + trend",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)  # weak, and few observations
        fit = SpatialSystem(formulas, pd.DataFrame(REFERENCE["kmenta"])).fit("3sls", cov="hom")
    table = regression_table(fit, show="se", digits=4)
    expected = REFERENCE["kmenta_3SLS_noDfCor"]
    for place, equation in enumerate(("demand", "supply")):
        name = f"{equation}_price"
        assert split_stars(cells(table, "price")[place])[0] == f"{expected['coefficients'][name]:.4f}"
        assert below(table, "price")[place] == f"({expected['se'][name]:.4f})"
    assert cells(table, "price") == ["-0.2436***", "0.2289**"]
    assert cells(table, "Units N") == ["20", "20"]
    assert [head.text for head in table.header[0]] == ["", "3SLS"]


def test_intervals_stand_below_where_they_are_asked_for() -> None:
    """Those of statsmodels: the estimate and its t quantile times the standard error."""
    import statsmodels.formula.api as smf

    theirs = smf.ols("ER ~ gov + open", panel().frame.reset_index()).fit()
    table = regression_table([theirs], show="ci", digits=4)
    for label in ("gov", "open"):
        low, high = theirs.conf_int().loc[label]
        assert below(table, label) == [f"[{low:.4f}, {high:.4f}]"]
    assert "95 % confidence intervals in brackets" in " ".join(table.notes)


def test_the_joint_estimator_shows_its_intervals_unless_others_are_asked_for() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        joint = SpatialSystem("ER ~ gov + open + W(ER)", panel(), ring(), error="W").fit("aqs")
    row = joint.tidy().set_index("term").loc["gov"]
    table = regression_table({"joint": joint, "OLS": plain_fit()})
    assert below(table, "gov")[0] == f"[{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
    assert below(table, "gov")[1].startswith("(")
    notes = " ".join(table.notes)
    assert (
        "95 % confidence intervals in brackets (column (1)); t statistics in parentheses (column (2))"
        in notes
    )
    assert "Column (1): intervals and stars by inverting the distance of the quasi-score" in notes
    assert below(regression_table(joint, show="se"), "gov") == [f"({row['std_error']:.3f})"]


def test_a_model_of_statsmodels_prints_its_own_numbers() -> None:
    import statsmodels.formula.api as smf

    frame = panel().frame.reset_index()
    fit = smf.ols("ER ~ gov + open", frame).fit()
    table = regression_table([fit], show="se", stars=(0.05,))
    for label, term in (("gov", "gov"), ("open", "open"), ("Constant", "Intercept")):
        star = "*" if fit.pvalues[term] < 0.05 else ""
        assert cells(table, label) == [f"{fit.params[term]:.3f}{star}"]
        assert below(table, label) == [f"({fit.bse[term]:.3f})"]
    assert cells(table, "Observations") == [str(N * T)]
    assert cells(table, "R²") == [f"{fit.rsquared:.3f}"]
    assert cells(table, "Estimator") == ["OLS"]
    assert "as its program defines it" in " ".join(table.notes)
    assert "homoskedastic" in table.notes[0]


def test_linearmodels_and_pyfixest_stand_beside_ours() -> None:
    import pyfixest
    from linearmodels.panel import PanelOLS

    frame = panel().frame.reset_index()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pyfixest.feols("ER ~ gov + open | city + year", frame, vcov={"CRV1": "city"})
        other = PanelOLS.from_formula(
            "ER ~ gov + open + EntityEffects", frame.set_index(["city", "year"])
        ).fit()
    table = regression_table([plain_fit(), theirs, other], labels=panel())
    first, second, third = cells(table, "政府干预")
    assert first == second  # fixed_effects is pyfixest underneath
    assert third.startswith(f"{other.params['gov']:.3f}")
    assert cells(table, "Unit fixed effects") == ["Yes", "Yes", "Yes"]
    assert cells(table, "Time fixed effects") == ["Yes", "Yes", "No"]
    assert cells(table, "Estimator") == ["OLS", "OLS", "PanelOLS"]
    assert "clustered by city (column (2))" in table.notes[0]


def test_a_multiple_estimation_of_pyfixest_is_several_columns() -> None:
    import pyfixest

    frame = panel().frame.reset_index()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        several = pyfixest.feols("ER + PSS ~ gov", frame)
    table = regression_table(several)
    assert [head.text for head in table.header[-1]] == ["Variable", "ER", "PSS"]


class Plugin:
    """A class with maketables' plug-in protocol, as an event study of another package."""

    __maketables_depvar__ = "y"
    __maketables_fixef_string__ = "unit+time"
    __maketables_var_labels__ = {"treated": "Treated"}  # noqa: RUF012

    def __init__(self, **columns: Any) -> None:
        self.__maketables_coef_table__ = pd.DataFrame(columns, index=pd.Index(["treated"]))

    def __maketables_stat__(self, key: str) -> Any:
        return {"N": 120, "r2": 0.5}.get(key)


def test_a_class_with_the_plug_in_protocol_is_a_column() -> None:
    table = regression_table(Plugin(b=[0.4], se=[0.1], p=[0.0001]))
    assert cells(table, "Treated") == ["0.400***"]
    assert below(table, "Treated") == ["(4.000)"]
    assert cells(table, "Unit fixed effects") == ["Yes"]
    with pytest.raises(DataError, match=r"needs columns b, se and p; that of Plugin lacks p"):
        regression_table(Plugin(b=[0.4], se=[0.1]))


# ---- a system
def test_every_number_is_that_of_the_fit() -> None:
    fit = system_fit()
    table = regression_table([fit], show="se", digits=5)
    tidy = fit.tidy().set_index(["equation", "term"])
    for place, equation in enumerate(("ER", "PSS")):
        for label, term in (
            ("gov", "gov"),
            ("W×" + equation, f"W({equation})"),
            ("ρ (spatial error)", "rho"),
        ):
            row = tidy.loc[(equation, term)]
            stars = star_text(row["p_value"], (0.1, 0.05, 0.01))
            assert cells(table, label)[place] == f"{row['estimate']:.5f}{stars}"
            assert below(table, label)[place] == f"({row['std_error']:.5f})"
    j = [fit.diagnostics().test("Hansen J (clustered)", e) for e in ("ER", "PSS")]
    assert cells(table, "Hansen J (p)") == [f"{uncentred_j(t):.5f} ({t.p_value:.5f})" for t in j]
    first = fit.identification().instruments.groupby("equation")["strength"].min()
    assert cells(table, "First-stage F") == [f"{first[e]:.5f}" for e in ("ER", "PSS")]
    assert cells(table, "Within R²") == [f"{v:.5f}" for v in fit.r_squared_within]
    assert cells(table, "Observations") == [str(N * T)] * 2
    assert cells(table, "Units N"), cells(table, "Periods T") == ([str(N)] * 2, [str(T)] * 2)
    assert cells(table, "Stable equilibrium") == ["Yes", "Yes"]
    assert cells(table, "Spatial weights") == ["given", "given"]


def test_effects_in_equilibrium_are_a_second_panel() -> None:
    fit = system_fit()
    table = regression_table([plain_fit(), fit], impacts=["open", "road"], draws=50, seed=3)
    expected = fit.impacts(50, 3).tidy().set_index(["outcome", "term", "effect"])
    kinds = [row.label for row in table.rows if row.kind == "panel"]
    assert kinds == ["Effects in equilibrium", "Direct effects", "Indirect effects", "Total effects"]
    start = next(k for k, row in enumerate(table.rows) if row.label == "Total effects")
    row = table.rows[start + 1]
    assert row.label == "open"
    assert row.cells[0] == ""
    assert split_stars(row.cells[1])[0] == f"{expected.loc[('ER', 'open', 'total'), 'estimate']:.3f}"
    assert split_stars(row.cells[2])[0] == f"{expected.loc[('PSS', 'open', 'total'), 'estimate']:.3f}"
    assert not any(r.label == "gov" for r in table.rows[start:])
    assert "50 draws, seed 3" in table.notes[-1]
    everything = regression_table(fit, impacts=True, draws=0, controls=["gov"])
    labels = [r.label for r in everything.rows if r.kind != "panel"]
    assert labels.count("open") == 4  # the coefficient, and three effects
    assert "gov" not in labels
    assert "delta method" in everything.notes[-1]


def test_controls_are_a_yes_no_row() -> None:
    table = regression_table([system_fit(), plain_fit()], controls=["gov", "open"], lang="zh")
    assert cells(table, "控制变量") == ["是", "部分", "是"]
    assert not any(row.label in ("gov", "open") for row in table.rows)
    assert any(row.label == "road" for row in table.rows)
    assert regression_table(plain_fit(), controls="gov").rows[4].label == "Controls"


def test_chinese_words_and_labels_of_the_panel() -> None:
    table = regression_table(
        [plain_fit(), system_fit()], labels=panel(), lang="zh", names=["固定效应", "系统"]
    )
    assert [h.text for h in table.header[0]] == ["", "固定效应", "系统"]
    assert [h.span for h in table.header[0]] == [1, 1, 2]
    assert [h.text for h in table.header[2]] == ["变量", LABELS["ER"], LABELS["ER"], LABELS["PSS"]]
    assert cells(table, "个体固定效应") == ["是", "是", "是"]
    assert cells(table, "W×经济韧性")[1]
    assert table.notes[0].startswith("注：括号内为 t 值；标准误：按个体聚类；***、**、*")
    assert (
        regression_table(plain_fit(), lang="zh", stars=(0.05,))
        .notes[0]
        .endswith("* 表示在 5% 的水平上显著。")
    )


def test_labels_of_effects_and_weights_and_of_terms_inside() -> None:
    labels = {"unit": "City", "W": "Ring of cities", "gov": "Government", "W(ER)": "Neighbours' resilience"}
    table = regression_table(system_fit(), labels=labels)
    assert cells(table, "City fixed effects") == ["Yes", "Yes"]
    assert cells(table, "Spatial weights") == ["Ring of cities"] * 2
    assert cells(table, "Neighbours' resilience")[0]
    assert cells(table, "W×PSS")[1]


def test_two_variables_of_one_label_are_told_apart() -> None:
    table = regression_table(plain_fit(), labels={"gov": "Policy", "open": "Policy"})
    assert [row.label for row in table.rows[:3:2]] == ["Policy [gov]", "Policy [open]"]


# ---- stamps
def test_stamps_are_always_in_the_notes() -> None:
    for lang in ("en", "zh"):
        table = regression_table([plain_fit(), forced_fit()], lang=lang, notes="mine", stars=())
        text = " ".join(table.notes)
        assert "not identified: forced" in text
        assert "mine" in table.notes[-1]
        for found in (table.to_latex(), table.to_html(), table.to_markdown(), str(table)):
            assert "not identified: forced" in str(found)
    assert regression_table(forced_fit()).notes[0] == "Note: All columns: not identified: forced."
    only = regression_table([plain_fit(), forced_fit()])
    assert only.notes[0] == "Note: Columns (2), (3): not identified: forced."


def test_stata_compatibility_is_stamped() -> None:
    text = " ".join(regression_table(stata_fit()).notes)
    assert "Stata gs3sls: pooled, no fixed effects" in text
    assert "Stata gs3sls compatibility" in " ".join(regression_table(stata_fit(), lang="zh").notes)


def test_an_unstable_system_says_so() -> None:
    fit = forced_fit()
    stable = fit.stability().stable
    table = regression_table(fit)
    assert cells(table, "Stable equilibrium") == ["Yes" if stable else "No"] * 2
    assert any("no stable equilibrium" in note for note in table.notes) is not stable


def test_an_unbalanced_panel_says_so() -> None:
    some = sp.Panel.from_frame(panel().frame.iloc[3:].reset_index(), unit="city", time="year")
    fit = sp.models.fixed_effects("ER ~ gov + open", some)
    notes = regression_table([plain_fit(), fit]).notes
    assert f"Column (2): unbalanced panel, 3 of {N * T} cells are missing." in notes
    assert sp.check_table(regression_table(fit)).empty
    assert f"所有列：非平衡面板，{N * T} 个单元中缺失 3 个。" in regression_table(fit, lang="zh").notes


def test_standard_errors_are_named_once() -> None:
    table = regression_table(plain_fit(), show="se")
    assert table.notes[0].startswith("Note: Standard errors in parentheses, clustered by unit; * p < 0.1")
    assert (
        regression_table(plain_fit(), show="se", lang="zh")
        .notes[0]
        .startswith("注：括号内为标准误（按个体聚类）；")
    )


# ---- options
def test_options_leave_rows_out() -> None:
    table = regression_table(system_fit(), effects_rows=False, stars=())
    assert not any("fixed effects" in row.label for row in table.rows)
    assert not any("*" in text for row in table.rows for text in row.cells)
    mapping = regression_table({"A": plain_fit(), "B": plain_fit()})
    assert [h.text for h in mapping.header[0]] == ["", "A", "B"]


def test_equal_fits_give_equal_tables_whatever_the_order_of_rows() -> None:
    frame = panel().frame.reset_index()
    shuffled = sp.Panel.from_frame(frame.sample(frac=1, random_state=1), unit="city", time="year")
    W = ring().reordered(np.random.default_rng(2).permutation(ring().ids))
    fit = SpatialSystem(FORMULAS, shuffled, W, effects=("unit", "time"), error="W").fit("gs3sls")
    assert str(regression_table(fit)) == str(regression_table(system_fit()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"show": "p"}, r"show is one of t, se, ci; got 'p'\."),
        ({"digits": 11}, r"digits is a whole number from 0 to 10; got 11\."),
        ({"digits": True}, r"digits is a whole number"),
        ({"stars": "***"}, r"stars are p-value thresholds between 0 and 1.*got '\*\*\*'\."),
        ({"stars": (5,)}, r"stars are p-value thresholds between 0 and 1"),
        ({"stars": (0.1, 0.1)}, r"at most five and all different"),
        ({"lang": "fr"}, r"lang must be 'en' or 'zh'; got 'fr'"),
        ({"controls": ["gvo"]}, r"controls names 'gvo', which is in none.*Did you mean 'gov'\?"),
        ({"controls": 3}, r"controls is a list of names of terms; got 3\."),
        ({"impacts": [3]}, r"impacts is a list of names of terms; got \[3\]\."),
        ({"impacts": True}, r"none of the models has effects in equilibrium"),
        ({"names": ["a", "b"]}, r"names needs 1 names, one for each model; got 2\."),
        ({"names": "a"}, r"got one text\."),
        ({"labels": 3}, r"labels is a mapping of names to labels, or a Panel; got int\."),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        regression_table(plain_fit(), **options)


def test_models_that_cannot_be() -> None:
    with pytest.raises(DataError, match=r"results that maketables understands.*got int\."):
        regression_table([3])
    with pytest.raises(DataError, match=r"needs at least one fit; got none"):
        regression_table([])
    with pytest.raises(DataError, match=r"names are the keys"):
        regression_table({"a": plain_fit()}, names=["a"])
    with pytest.raises(DataError, match=r"impacts names 'opn', which is in none.*Did you mean 'open'\?"):
        regression_table(system_fit(), impacts=["opn"], draws=0)
    double = SimpleNamespace(
        params=pd.Series([1.0, 2.0], ["x", "x"]),
        bse=pd.Series([1.0, 1.0], ["x", "x"]),
        pvalues=pd.Series([0.1, 0.1], ["x", "x"]),
    )
    with pytest.raises(DataError, match=r"several coefficients named 'x'; rename them"):
        regression_table(double)


def test_a_table_is_immutable_and_rectangular() -> None:
    table = regression_table(plain_fit(), title="T")
    assert isinstance(table, RegressionTable)
    assert repr(table) == f"<RegressionTable 'T': {len(table.rows)} rows, 1 columns>"
    with pytest.raises(FrozenInstanceError):
        table.title = "x"  # type: ignore[misc]
    with pytest.raises(DataError, match=r"same number of cells; got \[1, 2\]"):
        Table(table.header, (*table.rows, sp.tables.Row("x", ("1", "2"))))


def test_the_methods_of_a_fit_write_the_table(tmp_path: Path) -> None:
    fit = system_fit()
    assert fit.to_latex() == regression_table([fit]).to_latex()
    assert fit.to_docx(tmp_path / "a.docx").exists()


def test_the_constant_that_effects_absorb_is_a_row_as_xtreg_prints_it() -> None:
    """Mean of y less the means of x by b ([XT] xtreg, fe: less unit means, plus means)."""
    table = regression_table([plain_fit(), system_fit()])
    means, slopes = panel().frame.mean(), plain_fit().params["ER"]
    by_hand = means["ER"] - slopes["gov"] * means["gov"] - slopes["open"] * means["open"]
    found = cells(table, "Constant")
    assert found[0].rstrip("*") == f"{by_hand:.3f}"
    assert found[1:] == ["", ""]  # the errors of the system are filtered
    assert "Constant: the mean of the fixed effects, as Stata's xtreg, fe." in table.notes
    assert all(row.label != "Constant" for row in regression_table(plain_fit(), controls="Intercept").rows)
