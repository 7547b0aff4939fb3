"""Frames as tables: words of the language, digits, missing cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spatial as sp


@pytest.mark.evidence("frame_table", source="cells of a small frame", kind="hand")
def test_a_frame_becomes_a_table_in_each_language() -> None:
    frame = pd.DataFrame(
        {"Term": ["W(x)", "x"], "n": [12, 3], "b": [0.12345, np.nan], "in": [True, False], "w": ["a", None]}
    )
    table = sp.frame_table(frame, digits=2, lang="zh", title="真值", notes=["模拟数据"])
    assert table.frame.loc["W(x)"].tolist() == ["12", "0.12", "是", "a"]
    assert table.frame.loc["x"].tolist() == ["3", "", "否", ""]
    assert table.to_markdown().startswith("**真值**")
    assert "模拟数据" in table.to_markdown()
    assert sp.frame_table(frame).frame.loc["x", "in"] == "No"


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(sp.SpatialError, match="A frame with columns is needed; got list"):
        sp.frame_table([1])  # type: ignore[arg-type]


def test_small_p_values_have_no_exponent() -> None:
    frame = pd.DataFrame({"Term": ["x", "z"], "p": [7.2e-51, 0.0123], "Mean": [7.2e-51, 0.5]})
    table = sp.tables.frame_table(frame)
    assert table.frame["p"].tolist() == ["0.000", "0.012"]
    assert table.frame["Mean"].tolist() == ["7.2e-51", "0.500"]
