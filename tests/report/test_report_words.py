"""What a report says: findings, effects, names, tables, in two languages."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.reports import report_data

import spatial as sp
from spatial.errors import AlignmentError
from spatial.report.findings import findings_of
from spatial.report.foreign_tables import clean_html, dressed, titled_tables
from spatial.report.payload import display_names
from spatial.report.sections import section_of
from spatial.report.words import report_words, weights_words
from spatial.study.steps.report import _effects_of


def test_findings_are_sentences_of_the_results(grid: Any) -> None:
    cities, panel, W = grid
    data = report_data((cities, panel, W))
    said = findings_of(data, 9)
    frame = sp.local_moran(panel.at(2001)["x"], W, permutations=99).frame
    counts = frame["cluster"].value_counts()
    assert len(said) == 3
    significant = [p <= 0.05 and i > 0 for i, p in zip(data.I[0], data.p[0], strict=True)]
    assert significant == [True, True]
    assert said[0].key == ("2 of 2", "2 / 2 年")
    assert "positive spatial autocorrelation of x" in said[0].sentence[0]
    assert said[1].key[0] == f"{counts['HH']} + {counts['LL']}"
    assert [f.caution for f in said] == [False, False, True]
    assert said[2].key[0] == "≈ 1"


def test_a_finding_that_is_not_significant_says_so(grid: Any) -> None:
    cities, _, W = grid
    x = pd.DataFrame({"x": [5.0, 1.0, 4.0, 3.0, 9.0, 2.0, 8.0, 6.0, 7.0]}, index=cities.index)
    data = report_data((cities, x, W))
    assert data.p[0, 0] > 0.05
    said = findings_of(data, 11)
    assert said[0].key[0].startswith("I = ")
    assert "not significant" in said[0].sentence[0]
    assert "不显著" in said[0].sentence[1]
    assert said[-1].key == ("2 units", "2 个单元")
    assert "without data" in said[-1].sentence[0]


def test_the_floor_of_the_permutations_is_no_finding(grid: Any) -> None:
    cities, panel, W = grid
    few, many = (findings_of(report_data((cities, panel, W), permutations=n), 9)[1] for n in (99, 999))
    # One of nine alone needs 2 * 9 / 0.05 - 1 = 359.
    assert "99 permutations are too few" in few.sentence[0]
    assert "359 would do" in few.sentence[0]
    assert "clusters remain" in many.sentence[0]


def test_effects_have_a_picture_a_table_and_a_sentence(grid: Any) -> None:
    rows = [
        ("crime", "police", effect, b, p, b - 0.1, b + 0.1)
        for effect, b, p in (("direct", -0.3, 0.001), ("indirect", 0.05, 0.4), ("total", -0.25, 0.01))
    ]
    names = ["outcome", "term", "effect", "estimate", "p_value", "conf_low", "conf_high"]
    frame = pd.DataFrame(rows, columns=names)
    labels = {"police": ("Police", "警力"), "crime": ("Crime", "犯罪")}
    found = section_of({"GS3SLS": frame}, labels)
    assert not found.models
    picture, table = found.effects
    assert picture.title == ("GS3SLS: Crime", "GS3SLS: 犯罪")
    assert picture.html[0].count('class="indirect hollow"') == 1  # its interval holds zero
    assert 'class="total"' in picture.html[0]
    assert "−0.350 – −0.150" in table.html[1]
    said = findings_of(report_data(grid), 9, found.frames, labels)
    assert said[0].key[0] == "−0.250"
    assert said[0].sentence[0].startswith("total effect of Police on Crime")
    # Without a stable equilibrium there is nothing to be read.
    impacts = SimpleNamespace(frame=frame, tidy=lambda: frame, stable=False)
    unstable = section_of({"GS3SLS": impacts}, labels)
    warned = findings_of(report_data(grid), 9, unstable.frames, labels, unstable.weak)
    assert [f.key[0] for f in warned if f.caution] == ["No equilibrium"]
    assert not any("total effect" in f.sentence[0] for f in warned)
    none = frame.assign(p_value=0.5)
    assert findings_of(report_data(grid), 9, [none], labels)[0].key == ("0 of 1", "0 / 1")


def test_the_finding_of_effects_is_of_the_variables_that_are_shown(grid: Any) -> None:
    totals = pd.DataFrame(
        {
            "outcome": ["x", "x", "y"], "term": ["rail", "y", "rail"], "effect": "total",
            "estimate": [0.5, -0.2, 0.7], "p_value": [1e-9, 0.01, 1e-12], "conf_low": [0.4, -0.3, 0.6],
            "conf_high": [0.6, -0.1, 0.8],
        }
    )  # fmt: skip
    found = findings_of(report_data(grid), 9, [totals])[0]  # rail on y is surer, and y is not shown
    assert found.sentence[0].startswith("total effect of rail on x")


def test_effects_of_outcomes_that_never_settle_are_no_finding_of_a_study() -> None:
    """Multipliers exist, and mutual adjustment within a unit still does not die out."""
    effects = pd.DataFrame(
        {"outcome": "y", "term": "x", "effect": ["direct", "indirect", "total"], "estimate": [0.4, 0.1, 0.5],
         "std_error": 0.1, "statistic": 4.0, "p_value": 0.001, "conf_low": 0.1, "conf_high": 0.9}
    )  # fmt: skip

    def found(settles: bool) -> Any:
        fit = SimpleNamespace(stability=lambda: SimpleNamespace(stable=settles))
        values: Any = SimpleNamespace(
            part=lambda _: SimpleNamespace(method="ml"),
            impacts=lambda _: SimpleNamespace(frame=effects, stable=True),
            fit=lambda _: fit,
        )
        return _effects_of(values, "s", {})

    assert [(len(found(s).frames), len(found(s).weak)) for s in (True, False)] == [(1, 0), (0, 1)]


def test_names_are_found_given_or_ids(grid: Any) -> None:
    cities, _, W = grid
    assert display_names(cities, None, W.ids, "en") == list("ABCDEFGHI")
    assert display_names(cities.drop(columns="name"), None, W.ids, "en") == list("abcdefghi")
    named = cities.assign(name_en="English", name_zh="中文")
    assert display_names(named, None, W.ids, "zh")[0] == "中文"
    assert display_names(named, None, W.ids, "en")[0] == "English"
    assert display_names(cities.assign(name_en="English"), "name", W.ids, "en")[0] == "English"
    assert display_names(cities.assign(name_en="English"), "name", W.ids, "zh")[0] == "A"
    series = cities["name"].where(cities.index != "b")[::-1]
    assert display_names(cities, series, W.ids, "en") == list("AbCDEFGHI")
    with pytest.raises(AlignmentError, match="the names and the cities must have the same ids"):
        display_names(cities, series.iloc[1:], W.ids, "en")


def test_both_languages_have_the_same_words() -> None:
    english, chinese = report_words("en"), report_words("zh")
    assert english.keys() == chinese.keys()
    fields = re.compile(r"\{\w+\}")
    assert all(sorted(fields.findall(english[k])) == sorted(fields.findall(chinese[k])) for k in english)
    links = pd.DataFrame({"i": ["a", "b"], "j": ["b", "a"], "w": 2.0})
    weights = sp.weights.Weights.from_frame(links, list("abc"))
    assert weights_words(weights, "en") == "given, 1 link, not normalised, 1 without neighbours"
    assert weights_words(weights, "zh") == "给定矩阵，1 条连接，未标准化，1 个无邻居"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<table><tr><td>1</td></tr></table>", "<table><tr><td>1</td></tr></table>"),
        ('<td style="x" onclick=\'y\' rowspan="2" colspan="1;x">a</td>', '<td rowspan="2">a</td>'),
        ("<img src=x onerror=alert(1)>a<svg><td>b</td></svg>", "a"),
        ("<style>td{}</style><a href='http://x'>t</a>", "t"),
        ("a &lt;b&gt; &amp; c<br/>", "a &lt;b&gt; &amp; c<br>"),
        ("</table><table><tr><td>open", "<table><tr><td>open</td></tr></table>"),
        ("<table></td></table>", "<table></table>"),
        ("<!-- x --><b>y</b>", "<b>y</b>"),
    ],
)
def test_only_the_marks_of_tables_pass(given: str, kept: str) -> None:
    assert clean_html(given) == kept


def test_tables_of_all_kinds_have_titles() -> None:
    class Fit:
        title = "A fit"

        def tidy(self) -> pd.DataFrame:
            return pd.DataFrame({"term": ["x"], "estimate": [0.123456]})

    class Page:
        def to_html(self) -> str:
            return "<table onclick=x><tr><td>1</td></tr></table>"

    frame = pd.DataFrame({"a": [1.5, np.nan]}, index=pd.Index(["u", "v"], name="city"))
    frame.attrs["title"] = "Frame"
    found = titled_tables([Fit(), Page(), frame])
    assert [title for title, _ in found] == [(text,) * 2 for text in ("A fit", "", "Frame")]
    assert '<td class="n">0.1235</td>' in found[0][1][0]
    assert found[1][1][0] == '<table><tr><td class="n">1</td></tr></table>'
    assert '<th scope="row">u</th>' in found[2][1][0]
    assert "nan" not in found[2][1][0].lower()
    assert titled_tables(None) == []
    assert titled_tables({"T": frame})[0][0] == ("T", "T")
    assert len(titled_tables(frame)) == 1


def test_numbers_line_up_and_stars_hang() -> None:
    fit = sp.tables.frame_table(pd.DataFrame({"term": ["x", ""], "b": ["-0.3**", "(0.1)"]}))
    text = titled_tables(fit)[0][1][0]
    assert '<td class="n">−0.3<span class="hang"><sup>**</sup></span></td>' in text
    assert '<td class="n">(0.1<span class="hang">)</span></td>' in text
    assert dressed("<td>a 1</td><td></td>") == '<td>a 1</td><td class="n"></td>'


def test_tables_change_their_language_with_the_page(counties: Any) -> None:
    _, panel, W = counties
    system = sp.models.SpatialSystem("crmrte ~ polpc + W(crmrte) + density", panel, W, effects="unit")
    fit = system.fit("2sls")
    printed = sp.tables.regression_table([fit], labels={"polpc": "Police"})
    given = [printed, fit, fit.diagnostics(), sp.tables.weights_table(W), sp.moran_panel(panel, "crmrte", W)]
    found = titled_tables(given)
    assert [title[1] for title, _ in found] == ["", "估计结果", "诊断检验", "空间权重矩阵", ""]
    for words, (_, text) in zip(("常数项", "常数项", "原假设", "连接数", "时期"), found, strict=True):
        assert words in text[1]
        assert words not in text[0]
    assert "Police" in found[0][1][1]  # labels that were given stay
    assert 'class="long"' in found[2][1][0]
    # The numbers are the same in both.
    numbers = [re.findall(r"[\d.]+(?=<)", part) for part in found[0][1]]
    assert numbers[0][:8] == numbers[1][:8]
    assert len(numbers[0]) > 10


def test_long_words_take_more_room_the_longer_they_are() -> None:
    frame = pd.DataFrame({"a": ["x"], "short": ["word"], "long": ["word " * 12], "longer": ["word " * 40]})
    ((_, (text, _)),) = titled_tables([sp.tables.frame_table(frame)])
    assert re.findall(r'<td class="([^"]*)">word', text) == ["long", "long longer"]


def test_a_table_made_of_what_is_read_once_stays_in_its_language() -> None:
    frame = sp.shapefiles.load("nc_crime").frame[["crmrte"]]
    table = sp.tables.descriptive_table(frame, notes=iter(["One note."]))
    assert table.in_language("zh") is table
    other = sp.tables.descriptive_table(frame, notes=["One note."]).in_language("zh")
    assert other.lang == "zh"
    assert "One note." in other.notes
