"""What a prompt and a notebook show of results, weights and panels in Chinese."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib.text import Text

import spatial as sp
from spatial import figures
from spatial.languages.kinds import KINDS
from spatial.models import SpatialSystem, fixed_effects
from spatial.results import Result

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORDS = re.compile(
    r"\b(units|times|columns|rows|links|neighbours|balanced|normalisation|effects|more|none|of|by)\b"
)


@pytest.fixture
def chinese() -> Iterator[None]:
    with sp.language("zh"):
        yield


@pytest.fixture(scope="module")
def shown() -> list[Any]:
    nc = sp.shapefiles.load("nc")
    W = sp.weights.contiguity(nc).row_standardized()
    with pytest.warns(sp.SpatialWarning):  # ten counties have no crime data
        cities, panel = sp.align(nc, sp.read_panel("nc_crime"))
    V = sp.weights.contiguity(cities).row_standardized()
    system = SpatialSystem("log(crmrte) ~ log(polpc) + W(log(crmrte))", panel, V, effects=["unit", "time"])
    fit = system.fit("gs2sls")
    return [
        W, sp.weights.knn(nc, 4), W.report(), panel, system, fit, fit.impacts(draws=9), fit.diagnostics(),
        system.identification(), fixed_effects("log(crmrte) ~ log(polpc)", panel),
        sp.correlogram(nc["sid74"], nc, permutations=9), sp.local_moran(nc["sid74"], W, permutations=9),
    ]  # fmt: skip


@pytest.mark.usefixtures("chinese")
def test_every_box_is_chinese(shown: list[Any]) -> None:
    for value in shown:
        line = repr(value)
        assert "\n" not in line
        assert not WORDS.search(line), line
        if hasattr(value, "_repr_html_"):
            head = value._repr_html_().split("<table")[0]
            assert CHINESE.search(head), head
            assert not WORDS.search(re.sub("<[^>]*>", " ", head)), head


@pytest.mark.usefixtures("chinese")
def test_heads_of_a_result_are_words_and_columns_of_a_panel_are_its_own(shown: list[Any]) -> None:
    fit = next(value for value in shown if type(value).__name__ == "SystemFit")
    assert ">标准误<" in fit._repr_html_()
    panel = next(value for value in shown if type(value).__name__ == "Panel")
    assert ">mix<" in panel._repr_html_()
    assert ">year<" in panel._repr_html_()


def test_boxes_stay_english_without_a_choice(shown: list[Any]) -> None:
    for value in shown:
        assert not CHINESE.search(repr(value))
        assert not CHINESE.search(getattr(value, "_repr_html_", str)())


def test_each_kind_of_result_has_a_chinese_title() -> None:
    for found in pkgutil.walk_packages(sp.__path__, "spatial."):
        if "qgis" not in found.name and ".build" not in found.name:
            importlib.import_module(found.name)
    kinds, left = set[type](), [Result]
    while left:
        left += (below := left.pop().__subclasses__())
        kinds |= set(below)
    named = {kind.__name__ for kind in kinds if kind.__module__.startswith("spatial.")}
    general = {"Fit", "GlobalStatistic", "LocalStatistic", "LocalWords"}
    assert {name for name in named if not name.startswith("_")} - general <= set(KINDS)


def test_figures_name_measures_parts_and_classes_in_their_language() -> None:
    panel = sp.read_panel("nc_crime")
    crime = panel.frame["crmrte"]
    sides = panel.frame["west"].map({0: "east", 1: "west"})
    W = sp.weights.contiguity(sp.shapefiles.load("nc").loc[panel.units]).row_standardized()
    drawn = {
        "泰尔指数": figures.inequality_plot(sp.theil(crime, sides), lang="zh"),
        "对数标准差": figures.dispersion_plot(sp.sigma_convergence(panel, "crmrte"), lang="zh"),
        "第 2 类": figures.transition_plot(
            sp.spatial_markov(panel, "crmrte", W, k=3, permutations=9), lang="zh"
        ),
        "熵权法，加权求和，全样本": figures.index_plot(
            sp.composite_index(panel, ["polpc"], ["crmrte"]), lang="zh"
        ),
    }
    for words, axes in drawn.items():
        texts = {text.get_text() for text in axes.figure.findobj(Text)}
        assert any(words in text for text in texts), texts
        assert not any(re.search(r"theil|within|between|sd_log|class \d|weights", text) for text in texts)
