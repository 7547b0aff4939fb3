"""Tables of description, correlation, Moran, identification; numbers as text; maketables."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_fits import (
    LABELS,
    N,
    forced_fit,
    panel,
    plain_fit,
    ring,
    system_fit,
)
from tables_cases import cells

import spatial as sp
from spatial.errors import DataError, SpatialWarning
from spatial.tables.formats.numbers import format_number, read_number, split_stars, star_text
from spatial.tables.regression import (
    RegressionTable,
    correlation_table,
    descriptive_table,
    identification_table,
    moran_table,
    regression_table,
    weights_table,
    write_tables,
)


def terms_of(table: RegressionTable) -> list[str]:
    return [row.key[1] for row in table.rows if row.key is not None and row.kind == "body"]


# ---- which rows, counts and heads
def test_rows_counts_and_heads_are_those_asked_for() -> None:
    """What is chosen is what stands there; the cells of a row are the same wherever it stands."""
    fits = [plain_fit(), plain_fit(), plain_fit()]
    plain = regression_table(fits)
    terms = terms_of(plain)
    assert terms[-1] == "Intercept"
    order = terms[:-1][::-1][:2]
    table = regression_table(fits, rows=order, counts=["rows"], heads=[("", 1), ("Both", 2)])
    rest = [term for term in terms if term not in order]
    assert terms_of(table) == [*order, *rest]
    shown = {row.label for row in table.rows}
    assert "Observations" in shown
    assert not shown & {"Units N", "Periods T"}
    assert {"Units N", "Periods T"} <= {row.label for row in plain.rows}
    for row in table.rows:
        if row.kind == "body":
            assert cells(plain, row.label) == list(row.cells)
    assert [(head.text, head.span) for head in table.header[0]] == [("", 1), ("", 1), ("Both", 2)]
    assert table.header[1:] == plain.header
    assert r"\multicolumn{2}{c}{Both}" in table.to_latex()
    first = regression_table(fits, rows=["Intercept"])
    assert terms_of(first)[0] == "Intercept"


def test_a_model_may_be_one_column_with_its_equations_one_below_the_other() -> None:
    """The same cells as in the wide table, whichever way they stand; notes name the columns as they are."""
    fits, options = [system_fit(), plain_fit()], {"impacts": ["gov"], "controls": ["road", "open"]}
    wide, tall = regression_table(fits, **options), regression_table(fits, columns="fits", **options)
    assert [head.text for head in tall.header[-1]][1:] == ["(1)", "(2)"]
    assert [head.text for head in tall.header[-2]][1:] == ["GS3SLS", "OLS"]
    assert [row.label for row in tall.rows if row.kind == "panel"][:2] == ["ER", "PSS"]
    found = {(*row.key, row.kind): row.cells for row in tall.rows if row.key is not None}
    columns = {"ER": (0, 2), "PSS": (1, None)}
    seen = 0
    for row in wide.rows:
        for equation, (first, second) in columns.items() if row.key is not None else ():
            cells = row.cells[first], "" if second is None else row.cells[second]
            seen += any(cells)
            assert found.get((equation, row.key[1], row.kind), ("", "")) == cells
    assert seen > 8
    within = next(row.cells for row in wide.rows if row.label == "Within R²")
    found_within = [row.cells for row in tall.rows if row.label == "Within R²"]
    assert found_within == [(within[0], within[2]), (within[1], "")]
    assert [row.cells for row in tall.rows if row.label == "Observations"] == [("160", "160")]
    assert sum("Effects in equilibrium on" in row.label for row in tall.rows) == 2
    assert "Column (2): OLS, no spatial terms." in tall.notes
    assert "Column (3): OLS, no spatial terms." in wide.notes
    with pytest.raises(DataError, match=r"columns is 'equations' or 'fits'; got 'fit'\. Did you mean 'fits'"):
        regression_table(fits, columns="fit")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": ["gvo"]}, "rows names 'gvo', which is in none of the models. Did you mean 'gov'"),
        ({"rows": ["gov"], "controls": ["gov"]}, "rows and controls both name 'gov'"),
        (
            {"counts": ["unit"]},
            "counts are among 'units', 'times', 'rows', 'links'; got 'unit'. Did you mean",
        ),
        ({"heads": [("A", 2)]}, "heads stand over all 1 columns of the table, '' over some; got 2"),
        ({"heads": ["A"]}, "heads are pairs of a text and a number of columns"),
        ({"heads": 3}, "heads are pairs of a text and a number of columns"),
    ],
)
def test_rows_counts_and_heads_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        regression_table([plain_fit()], **options)


# ---- other tables
@pytest.mark.evidence("descriptive_table", source="Panel.describe", kind="identity")
def test_descriptive_table_has_the_numbers_of_describe() -> None:
    table = descriptive_table(panel(), ["ER", "gov"], digits=4, lang="zh")
    facts = panel().describe(["ER", "gov"]).loc["ER"]
    shown = [f"{facts[k]:.4f}" for k in ("mean", "sd", "min", "max")]
    assert cells(table, LABELS["ER"]) == [str(facts["N"]), *shown]
    assert [h.text for h in table.header[0]] == ["变量", "样本量", "均值", "标准差", "最小值", "最大值"]
    large = pd.DataFrame(
        {"share": [0.1, 0.2], "km": [3.0, 412.0], "yuan": [1.5, 4000.0], "people": [9.4, 90_000.0]}
    )
    means = descriptive_table(large).frame["Mean"]
    assert means.tolist() == ["0.150", "207.50", "2000.8", "45005"]
    assert descriptive_table(large, digits=1).frame["Mean"].tolist() == ["0.2", "207.5", "2000.8", "45004.7"]
    empty = descriptive_table(pd.DataFrame({"x": [np.nan, np.nan], "z": [1.0, np.nan]}))
    assert cells(empty, "x") == ["0", "", "", "", ""]
    assert cells(empty, "z") == ["1", "1.000", "", "1.000", "1.000"]


@pytest.mark.evidence("correlation_table", source="scipy.stats.pearsonr")
def test_correlations_are_those_of_scipy() -> None:
    from scipy import stats

    frame = panel().frame
    table = correlation_table(panel(), ["gov", "ER", "PSS"])
    for i, j, label in ((1, 0, "ER"), (2, 0, "PSS"), (2, 1, "PSS")):
        names = ["gov", "ER", "PSS"]
        found = stats.pearsonr(frame[names[i]], frame[names[j]])
        stars = star_text(found.pvalue, (0.1, 0.05, 0.01))
        assert cells(table, f"({i + 1}) {LABELS[label]}")[j] == format_number(found.statistic) + stars
    assert "160 complete observations" in " ".join(table.notes)
    holes = frame.assign(gov=frame["gov"].where(frame["gov"] > 0))
    assert "each pair with the observations" in " ".join(correlation_table(holes, ["gov", "ER", "PSS"]).notes)
    constant = pd.DataFrame({"x": [1.0, 1.0, 1.0], "y": [1.0, 2.0, 3.0], "z": [2.0, 4.0, 6.0]})
    assert correlation_table(constant).rows[1].cells[0] == ""
    assert correlation_table(constant).rows[2].cells[1] == "1.000***"


@pytest.mark.evidence("moran_table", source="the numbers of moran_panel", kind="identity")
def test_moran_by_year() -> None:
    frame = sp.moran_panel(panel(), ["ER", "PSS"], ring(), permutations=99, progress=False)
    table = moran_table(frame, labels=panel(), p="p_sim", lang="zh")
    assert [row.label for row in table.rows] == ["2010", "2011", "2012", "2013", "合并"]
    assert table.rows[-1].rule
    first = frame.iloc[0]
    assert split_stars(table.rows[0].cells[0])[0] == f"{first['I']:.3f}"
    assert table.rows[0].cells[2] == f"{first['p_sim']:.3f}"
    assert [h.text for h in table.header[0]] == ["", LABELS["ER"], LABELS["PSS"]]
    with pytest.raises(DataError, match=r"p is one of .*; got 'p'"):
        moran_table(frame, p="p")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"needs the frame of moran_panel, with columns column, time, I"):
        moran_table(frame.drop(columns="I"))
    with pytest.raises(DataError, match=r"one row for each column and time; some repeat"):
        moran_table(pd.concat([frame, frame]))


@pytest.mark.evidence(
    "identification_table",
    "weights_table",
    source="the numbers of the verdict and of the weights",
    kind="identity",
)
def test_identification_and_weights_are_tables() -> None:
    found = system_fit().identification()
    table = identification_table(system_fit(), lang="zh", labels=panel())
    assert cells(table, LABELS["ER"])[:3] == ["是", "1", "1"]
    smallest = found.instruments.iloc[0]
    shown = [format_number(smallest[k]) for k in ("SW_F", "SW_F_clustered", "strength", "critical_value")]
    assert list(table.rows[3].cells[:4]) == shown
    assert str(identification_table(found)) == str(identification_table(system_fit()))
    unidentified = identification_table(forced_fit()).notes
    assert "NOT" not in unidentified[0]
    assert "Leave out one of" in unidentified[0]
    with pytest.raises(DataError, match=r"needs system\.identification\(\); got int"):
        identification_table(3)
    weights = weights_table({"ring": ring(), "report": ring().report()}, lang="en")
    assert cells(weights, "Links") == [f"{N} links ({2 * N} entries)"] * 2
    assert cells(weights, "Neighbours: least, mean, most") == ["2, 2.000, 2"] * 2
    assert cells(weights_table(ring(), lang="zh"), "标准化") == ["行标准化"]
    with pytest.raises(DataError, match=r"at least one weights matrix; got none"):
        weights_table({})


def test_columns_that_cannot_be_described() -> None:
    frame = pd.DataFrame({"x": [1.0], "name": ["a"]})
    with pytest.raises(DataError, match=r"There is no column 'xx'\. Did you mean 'x'\?"):
        descriptive_table(frame, "xx")
    with pytest.raises(DataError, match=r"Column 'name' is not of numbers"):
        correlation_table(frame, ["x", "name"])
    with pytest.raises(DataError, match=r"no column of numbers to show"):
        descriptive_table(frame[["name"]])
    with pytest.raises(DataError, match=r"A Panel or a DataFrame is needed; got list"):
        descriptive_table([1])


def test_several_tables_in_one_file(tmp_path: Path) -> None:
    tables = [descriptive_table(panel()), correlation_table(panel())]
    assert write_tables(tables, tmp_path / "a.xlsx").exists()
    assert write_tables({"a": tables[0]}, tmp_path / "a.docx").exists()
    with pytest.raises(DataError, match=r"Several tables go into one \.docx or \.xlsx; got 'a\.tex'"):
        write_tables(tables, tmp_path / "a.tex")
    with pytest.raises(DataError, match=r"at least one table of spatial\.tables"):
        write_tables([3], tmp_path / "a.docx")  # type: ignore[list-item]


# ---- numbers as text
@given(st.floats(-1e8, 1e8), st.integers(0, 6))
def test_printed_numbers_are_within_half_a_digit(value: float, digits: int) -> None:
    text = format_number(value, digits)
    found = read_number(text, "x")
    assert found is not None
    assert abs(found.value - value) <= found.half * (1 + 1e-6)
    if digits and abs(value) > 1e-9:
        assert found.value * value > 0  # a coefficient never loses its sign


@pytest.mark.parametrize(
    ("text", "value", "stars"),
    [
        ("−0.378**", -0.378, "**"),
        ("0．653＊＊＊", 0.653, "***"),
        ("(2.31)", 2.31, ""),
        ("（-2.31）", -2.31, ""),
        ("[1,234.5]", 1234.5, ""),
        (".439", 0.439, ""),
        ("2.3e-05*", 2.3e-5, "*"),
        (3, 3.0, ""),
    ],
)
def test_numbers_as_papers_print_them(text: Any, value: float, stars: str) -> None:
    found = read_number(text, "x")
    assert found is not None
    assert (found.value, found.stars) == (value, stars)


def test_empty_cells_and_words() -> None:
    assert read_number("", "x") is None
    assert read_number(float("nan"), "x") is None
    with pytest.raises(DataError, match=r"t of row 1 is a number as printed.*got 'abc'"):
        read_number("abc", "t of row 1")


# ---- our fits in maketables' own tables
def test_maketables_takes_our_fits() -> None:
    from maketables import ETable, get_extractor

    from spatial.tables.protocol import coef_table, equation_views

    views = [*equation_views(plain_fit()), *equation_views(system_fit())]
    assert [get_extractor(v).depvar(v) for v in views] == ["ER", "ER", "PSS"]
    assert [get_extractor(v).fixef_string(v) for v in views] == ["unit+time"] * 3
    fit = system_fit()
    second = get_extractor(views[2]).coef_table(views[2])
    assert second["b"].to_dict() == {**fit.params["PSS"].to_dict(), "rho": fit.rho["PSS"]}
    assert get_extractor(views[2]).stat(views[2], "r2_within") == fit.r_squared_within["PSS"]
    assert get_extractor(views[2]).stat(views[2], "r2") == fit.r_squared["PSS"]
    assert get_extractor(views[0]).stat(views[0], "r2") == plain_fit().r_squared["ER"]
    assert get_extractor(views[0]).vcov_info(views[0])["vcov_type"] == "clustered by unit"
    assert "ER: W(ER)" in coef_table(fit).index
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = ETable(views).make(type="tex")
    assert f"{fit.params['ER']['gov']:.3f}" in text
    assert "W(PSS)" in text
    stamped = equation_views(forced_fit())[0]
    assert "stamps" in stamped.__maketables_default_stat_keys__
    with pytest.raises(DataError, match=r"There is no equation 'PS'; there are 'ER', 'PSS'\. Did you mean"):
        coef_table(fit, "PS")


def test_views_stand_in_our_tables_too() -> None:
    from spatial.tables.protocol import equation_views

    table = regression_table(equation_views(system_fit()), effects_rows=False)
    ours = regression_table(system_fit(), effects_rows=False)
    assert cells(table, "gov") == cells(ours, "gov")


def test_difference_in_differences_is_a_column() -> None:
    import pyfixest

    frame = panel().frame.reset_index()
    number = frame["city"].str[1:].astype(int)
    frame = frame.assign(number=number, start=np.where(number < N / 2, 2012, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pyfixest.event_study(frame, "ER", "number", "year", "start", estimator="twfe", att=True)
    table = regression_table([fit, plain_fit()], labels={"is_treated": "Policy"})
    assert split_stars(cells(table, "Policy")[0])[0] == f"{fit.coef()['is_treated']:.3f}"
    assert cells(table, "Policy")[1] == ""


# ---- journals
def test_styles_of_journals_set_stars_brackets_language_and_the_word_for_note() -> None:
    plain = sp.regression_table(plain_fit(), labels=panel())
    aer = sp.regression_table(plain_fit(), labels=panel(), style="aer")
    ersa = sp.regression_table(plain_fit(), labels=panel(), style="ersa")
    jjyj = sp.regression_table(plain_fit(), labels=panel(), style="jjyj")
    assert "*" not in "".join(c for row in aer.rows for c in row.cells)
    assert aer.notes[0].startswith("Notes: Standard errors in parentheses")
    assert ersa.rows[0].cells == plain.rows[0].cells  # the same stars
    assert ersa.rows[1].cells == aer.rows[1].cells != plain.rows[1].cells  # standard errors
    assert jjyj.lang == "zh"
    assert jjyj.notes[0].startswith("注：括号内为标准误")
    assert "***、**、* 分别表示在 1%、5%、10% 的水平上显著" in jjyj.notes[0]


def test_what_is_asked_for_stands_above_the_style() -> None:
    found = sp.regression_table(plain_fit(), style="jjyj", show="t", stars=(0.05,), lang="en")
    assert found.lang == "en"
    assert found.notes[0].startswith("Note: t statistics in parentheses")
    assert "* p < 0.05" in found.notes[0]
    assert "0.1" not in found.notes[0]


def test_a_style_that_nobody_knows_is_refused() -> None:
    with pytest.raises(DataError, match=r"style is one of aer, ersa, jjyj; got 'aerr'\. Did you mean 'aer'"):
        sp.regression_table(plain_fit(), style="aerr")  # type: ignore[arg-type]


def test_correlations_and_moran_take_styles() -> None:
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.1, 3.0, 4.2]})
    assert sp.correlation_table(data).rows[1].cells[0].endswith("*")
    assert not sp.correlation_table(data, style="aer").rows[1].cells[0].endswith("*")
    frame = pd.DataFrame(
        {"column": "x", "time": [2003], "I": [0.31], "z_randomisation": [3.2], "p_randomisation": [0.0014]}
    )
    assert sp.moran_table(frame, style="jjyj").title == "历年莫兰指数"


def test_a_model_without_a_name_is_headed_by_its_method_in_words() -> None:
    table = sp.regression_table([plain_fit(), system_fit()], names=["Baseline", None])
    assert [head.text for head in table.header[0]] == ["", "Baseline", "GS3SLS"]


def test_every_warning_of_weights_is_there_in_chinese_with_the_same_numbers() -> None:
    with pytest.warns(SpatialWarning, match="12 weights are negative, in rows of 0, 3, 6"):
        odd = sp.Weights.from_dense(np.kron(np.eye(12), [[1.0, -1, 0], [1, 0, 0], [0, 0, 0]]))
    star = np.zeros((20, 20))
    star[0, 1:] = star[1:, 0] = 1.0
    dense = np.ones((40, 40)) - np.eye(40)
    line = np.diag(np.ones(9), 1) + np.diag(np.ones(9), -1)
    cut = sp.Weights.from_dense(line).subset([0, 1, 2, 3])
    for W in (odd, sp.Weights.from_dense(star), sp.Weights.from_dense(dense), cut):
        report = W.report(spectrum=False)
        assert len(report.warnings_zh) == len(report.warnings) >= 1
        for english, chinese in zip(report.warnings, report.warnings_zh, strict=True):
            numbers = [set(re.findall(r"\d+", text)) for text in (english, chinese)]
            assert numbers[1] <= numbers[0]
            assert re.search("[\u4e00-\u9fff]{2}", chinese)
    found = odd.report(spectrum=False).warnings_zh
    assert found[0].startswith("36 个单元中有 12 个没有邻居，其空间滞后为 0：2、5、8")
    notes = " ".join(weights_table({"W": odd}, lang="zh").notes)
    assert "W：12 个权重为负。" in notes
    assert "negative" not in notes
