"""Estimates drawn: coefficients, effects, event studies; correlograms and sweeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_cases import said
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from small_font import register_font

from spatial import figures
from spatial.errors import DataError


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


def tidy(terms: list[Any], shift: float = 0.0, **more: Any) -> pd.DataFrame:
    estimate = np.arange(len(terms), dtype=float) + shift
    return pd.DataFrame(
        {"term": terms, "estimate": estimate, "conf_low": estimate - 1, "conf_high": estimate + 2, **more}
    )


def intervals(axes: Any, name: str = "") -> list[list[float]]:
    """Return each bar's ends."""
    (bars,) = [c for c in axes.collections if c.get_gid() == f"intervals {name}".strip()]
    return [[float(end[0]) for end in segment] for segment in bars.get_segments()]


def estimates(axes: Any, name: str = "") -> np.ndarray:
    (dots,) = [c for c in axes.collections if c.get_gid() == f"estimates {name}".strip()]
    return np.asarray(dots.get_offsets())


@pytest.mark.evidence("coefficient_plot", source="what is drawn, interval by interval", kind="hand")
def test_coefficients_stand_in_their_rows_with_their_intervals() -> None:
    axes = figures.coefficient_plot(
        {"queen": tidy(["Intercept", "x", "z"]), "knn": tidy(["z"], 5.0)}, labels={"x": "police"}
    )
    assert [t.get_text() for t in axes.get_yticklabels()] == ["police", "z"]
    assert estimates(axes, "queen")[:, 0].tolist() == [1.0, 2.0]
    assert intervals(axes, "queen") == [[0.0, 3.0], [1.0, 4.0]]
    assert estimates(axes, "knn")[:, 0].tolist() == [5.0]
    assert np.round(estimates(axes, "knn")[:, 1]).tolist() == [1.0]  # the row of z
    (dots,) = [c for c in axes.collections if c.get_gid() == "estimates queen"]
    filled = [color.tolist() != [1, 1, 1, 1] for color in dots.get_facecolors()]
    assert filled == [False, True]  # [0, 3] holds zero
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["queen", "knn"]


def test_coefficients_take_results_and_one_equation_of_a_system() -> None:
    system = pd.concat([tidy(["x"]).assign(equation="y1"), tidy(["x"], 3.0).assign(equation="y2")])
    fit = SimpleNamespace(tidy=lambda: system)
    axes = figures.coefficient_plot(fit, equation="y2")
    assert estimates(axes)[:, 0].tolist() == [3.0]
    assert said(axes, "title") == "Equation of y2"
    assert "Intervals of 95%; filled marks: zero lies outside" in axes.figure.note
    bare = figures.coefficient_plot(fit.tidy(), equation="y2")  # a frame does not say its level
    assert "Filled marks have intervals that exclude zero" in bare.figure.note
    with pytest.raises(DataError, match=r"several of equation: 'y1', 'y2'\. Choose one with equation="):
        figures.coefficient_plot(fit)
    with pytest.raises(DataError, match="No equation 'y3'"):
        figures.coefficient_plot(fit, equation="y3")


def test_coefficient_refusals() -> None:
    with pytest.raises(DataError, match="No fit has the term 'zz'"):
        figures.coefficient_plot(tidy(["x"]), terms=["zz"])
    with pytest.raises(DataError, match="needs at least one fit"):
        figures.coefficient_plot({})
    with pytest.raises(DataError, match=r"must be a result with tidy\(\)"):
        figures.coefficient_plot(3)
    with pytest.raises(DataError, match="must give a DataFrame; it gave list"):
        figures.coefficient_plot(SimpleNamespace(tidy=lambda: [1]))
    with pytest.raises(DataError, match="needs the column 'conf_low'"):
        figures.coefficient_plot(tidy(["x"]).drop(columns="conf_low"))


@pytest.mark.evidence("impacts_plot", source="what is drawn, effect by effect", kind="hand")
def test_impacts_in_order_and_by_outcome() -> None:
    frame = pd.concat([tidy(["x", "z"], k, effect=e) for k, e in enumerate(("total", "direct", "indirect"))])
    axes = figures.impacts_plot(frame, lang="zh")
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["直接效应", "间接效应", "总效应"]
    assert estimates(axes, "直接效应")[:, 0].tolist() == [1.0, 2.0]
    two = pd.concat([frame.assign(outcome="a"), frame.assign(outcome="b")])
    one = figures.impacts_plot(two, outcome="b", labels={"b": "crime"})
    assert len([c for c in one.collections if str(c.get_gid()).startswith("estimates")]) == 3
    assert said(one, "title") == "Effects on crime"
    with pytest.raises(DataError, match="several of outcome"):
        figures.impacts_plot(two)
    with pytest.raises(DataError, match="Effects must be among direct, indirect, total; got 'short'"):
        figures.impacts_plot(frame.assign(effect="short"))


def test_terms_of_unlike_scale_get_panels_of_their_own() -> None:
    frame = tidy(["a", "b", "c", "d"])
    frame.loc[2:, "conf_low"] -= 40.0
    frame.loc[2:, "conf_high"] += 40.0
    axes = figures.coefficient_plot(frame)
    assert [[t.get_text() for t in small.get_yticklabels()] for small in axes.child_axes] == [
        ["a", "b"],
        ["c", "d"],
    ]
    assert "Panels have their own scales" in axes.figure.note
    given = figures.coefficient_plot(frame, ax=Figure().subplots())
    assert given.child_axes == []


@pytest.mark.evidence("event_study_plot", source="what is drawn, time by time", kind="hand")
def test_event_study_is_ordered_and_shows_the_reference() -> None:
    frame = tidy([1, -2, 0]).rename(columns={"term": "time"})
    axes = figures.event_study_plot(frame)
    assert estimates(axes)[:, 0].tolist() == [-2, 0, 1]
    assert [line.get_xdata() for line in axes.lines if line.get_gid() == "reference"] == [[-1.0]]
    (path,) = [line for line in axes.lines if line.get_gid() == "path"]
    assert path.get_xdata().tolist() == [-2, -1, 0, 1]
    assert path.get_ydata()[1] == 0
    assert "Base period −1 (hollow)" in axes.figure.note
    there = figures.event_study_plot(frame, reference=None)
    assert not [line for line in there.lines if line.get_gid() == "reference"]


def test_event_studies_stand_side_by_side_with_simultaneous_caps() -> None:
    frame = tidy([-2, 0, 1]).rename(columns={"term": "time"})
    banded = frame.assign(band_low=frame["conf_low"] - 1, band_high=frame["conf_high"] + 1)
    axes = figures.event_study_plot({"own": banded, "neighbours": frame}, label="Effect on output")
    one, two = (c for c in axes.collections if c.get_gid() == "estimates")
    assert (np.asarray(two.get_offsets()) - np.asarray(one.get_offsets()))[0].tolist() == pytest.approx(
        [0.24, 0]
    )
    caps = [c for c in axes.collections if c.get_gid() == "simultaneous"]
    assert np.asarray(caps[1].get_offsets())[:, 1].tolist() == banded["band_high"].tolist()
    assert [t.get_text() for t in axes.texts] == ["own 2.00", "neighbours 2.00"]
    assert "caps: simultaneous" in axes.figure.note
    with pytest.raises(DataError, match="one to three studies side by side; got 0"):
        figures.event_study_plot({})
    frame = tidy([1, -2, 0]).rename(columns={"term": "time"})
    with pytest.raises(DataError, match="one estimate for each time; these repeat: 1"):
        figures.event_study_plot(pd.concat([frame, frame.head(1)]))


# ---- with distance
def test_correlograms_draw_their_bands_and_pairs() -> None:
    frame = pd.DataFrame(
        {
            "low": [100.0, 0.0],
            "high": [200.0, 100.0],
            "I": [0.1, 0.4],
            "p_sim": [0.3, 0.01],
            "pairs": [90, 50],
            "conf_low": [-0.1, -0.2],
            "conf_high": [0.1, 0.2],
        }
    )
    axes = figures.correlogram_plot(frame)
    (dots,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert np.asarray(dots.get_offsets()).tolist() == [[50.0, 0.4], [150.0, 0.1]]
    assert [color.tolist() == [1, 1, 1, 1] for color in dots.get_facecolors()] == [False, True]
    assert len([c for c in axes.collections if c.get_gid() == "band"]) == 1
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] / heights[1] == pytest.approx(50 / 90)
    assert "Bars: numbers of pairs" in axes.figure.note
    moments = frame.drop(columns=["conf_low", "conf_high"]).assign(expected=-0.1, std_error=0.05)
    by_moments = figures.correlogram_plot(moments)
    (band,) = [c for c in by_moments.collections if c.get_gid() == "band"]
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(-0.1 + 1.96 * 0.05)
    assert "by their exact variance" in by_moments.figure.note
    with pytest.raises(DataError, match="one value for each distance; these repeat: 50"):
        figures.correlogram_plot(pd.concat([frame, frame.tail(1)]))
    with pytest.raises(DataError, match="correlogram_plot needs the column 'estimate'"):
        figures.correlogram_plot(frame.drop(columns="I"))
    with pytest.raises(DataError, match=r"needs a result with tidy\(\), or such a frame; got int"):
        figures.correlogram_plot(3)


def test_sweeps_name_the_band_of_the_largest_statistic() -> None:
    frame = pd.DataFrame({"distance": [300, 100, 200], "z_value": [3.0, 2.0, 4.0]})
    axes = figures.sweep_plot(frame, lang="zh")
    assert [t.get_text() for t in axes.texts] == ["200 千米"]
    assert axes.lines[1].get_xdata().tolist() == [100, 200, 300]
