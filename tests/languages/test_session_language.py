"""The language of a session: who follows it, what stays as it is, and how wide Chinese is."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pandas as pd
import pytest

import spatial as sp
from spatial.errors import SpatialWarning, warn
from spatial.languages.shown import frame_text, shown, width
from spatial.words import Said, in_force

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def chinese() -> Iterator[None]:
    with sp.language("zh"):
        yield


def test_a_session_is_english_until_somebody_chooses() -> None:
    assert in_force() == "en"
    with sp.language("zh"):
        assert in_force() == "zh"
        with sp.language("en"):
            assert in_force() == "en"
        assert in_force() == "zh"
    assert in_force() == "en"


def test_a_session_chooses_once_for_all_that_follows() -> None:
    chosen = sp.language("zh")
    try:
        assert in_force() == "zh"
        assert repr(chosen) == "<language 'zh'>"
    finally:
        sp.language("en")


@pytest.mark.parametrize("lang", ["fr", "", None, 3])
def test_other_languages_are_refused(lang: object) -> None:
    with pytest.raises(sp.DataError, match="lang must be 'en' or 'zh'"):
        sp.language(lang)  # type: ignore[arg-type]
    assert in_force() == "en"
    with pytest.raises(sp.DataError, match=r"got 'zh_CN'\. Chinese is 'zh'\."):
        sp.language("zh_CN")


@pytest.mark.parametrize(("given", "said"), [("zh_CN.UTF-8", "zh"), ("EN", "en"), ("", "en")])
def test_the_environment_chooses_where_a_process_begins(given: str, said: str) -> None:
    code = "import spatial; from spatial.words import in_force; print(in_force())"
    env = {**os.environ, "SPATIAL_LANG": given}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said


def test_an_environment_without_words_is_refused() -> None:
    env = {**os.environ, "SPATIAL_LANG": "fr"}
    done = subprocess.run([sys.executable, "-c", "import spatial"], env=env, capture_output=True, text=True)
    assert "lang must be 'en' or 'zh'; got 'fr'." in done.stderr


@pytest.mark.usefixtures("chinese")
def test_refusals_speak_it_and_keep_their_english() -> None:
    with pytest.raises(sp.DataError) as caught:
        sp.check_study("nowhere.toml")
    english = caught.value.args[0]
    with sp.language("en"):
        assert str(caught.value) == english
    assert not CHINESE.search(english)
    assert CHINESE.search(str(caught.value))


@pytest.mark.usefixtures("chinese")
def test_warnings_speak_it_and_are_filtered_by_their_english() -> None:
    text = Said(("{n} units left out", "略去 {n} 个个体"), n="3")
    with pytest.warns(SpatialWarning, match="略去 3 个个体"):
        warn(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="3 units left out")
        warn(text)


@pytest.mark.usefixtures("chinese")
def test_figures_and_tables_follow_it() -> None:
    nc = sp.shapefiles.load("nc")
    assert sp.descriptive_table(nc[["sid74"]]).title == "描述性统计"
    assert sp.descriptive_table(nc[["sid74"]], lang="en").title == "Descriptive statistics"
    found = sp.moran(nc["sid74"], sp.weights.contiguity(nc), permutations=9)
    axes = sp.moran_scatter(found)
    assert CHINESE.search(axes.get_ylabel() + axes.figure.alt)  # type: ignore[attr-defined]
    assert CHINESE.search(found.summary().splitlines()[0])


def test_a_note_is_copied_whole() -> None:
    note = Said(("{term} by {by}", "{by}各组的{term}"), term="x", by=Said(("region", "区域")))
    for again in (pickle.loads(pickle.dumps(note)), copy.deepcopy(note), copy.copy(note)):
        assert again == "x by region"
        assert again.again("zh") == "区域各组的x"


@pytest.mark.usefixtures("chinese")
def test_columns_of_text_stand_in_line() -> None:
    frame = pd.DataFrame({"term": ["Intercept", "x", "人均产出"], "estimate": [1.5, -22.25, 3.0]})
    lines = frame_text(frame, lambda v: f"{v:.2f}").splitlines()
    assert {width(line) for line in lines} == {width(lines[0])}
    assert lines[0].split() == ["变量", "估计"]


@pytest.mark.usefixtures("chinese")
def test_what_nobody_knows_stays() -> None:
    assert shown("gdp per head") == "gdp per head"
    assert shown("the law is binding") == "the law is binding"
    assert shown("year >= 2010") == "year ≥ 2010"


@pytest.mark.usefixtures("chinese")
def test_messages_of_several_sentences_are_said_whole() -> None:
    nc = sp.shapefiles.load("nc")
    W = sp.weights.contiguity(nc)
    with pytest.raises(sp.SpatialError) as caught:
        sp.moran(nc["sid74"].iloc[:90], W)
    assert str(caught.value).startswith(
        "'sid74' 与权重矩阵的编号须相同（前者 90 个，权重矩阵有 100 个）。只在权重矩阵中：'37"
    )
    assert not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", str(caught.value))
    with pytest.raises(sp.SpatialError, match="变量在前，权重矩阵在后"):
        sp.moran(W, nc["sid74"])
    with pytest.raises(AttributeError, match="没有 'nobody'"):
        W.nobody  # noqa: B018
    with pytest.warns(SpatialWarning, match="只保留地图与面板共有的 90 个个体；面板中没有、自地图剔除"):
        sp.align(nc, sp.read_panel("nc_crime"))
