"""Panels joined with panels, levels and tables."""

from __future__ import annotations

import pandas as pd
import pytest
from panel_cases import make

from spatial.errors import AlignmentError, DataError
from spatial.panel.panel import Panel


# ---- joining
@pytest.mark.evidence("Panel.join", source="two panels joined by hand", kind="hand")
def test_joining_panels(panel: Panel) -> None:
    other = panel.select("人口").rename({"人口": "人数"}).with_labels(人数="年末人数")
    joined = panel.join(other)
    assert (joined["人数"] == panel["人口"]).all()
    assert joined.label("人数") == "年末人数"
    assert joined.label("产值") == "工业产值"
    part = other.restrict(units=["甲", "乙"])
    with pytest.raises(
        AlignmentError, match=r"same \(unit, time\) rows; only here: \('丙', 2000\).*Choose how="
    ):
        panel.join(part)
    assert panel.join(part, how="left")["人数"].isna().sum() == 3
    assert len(panel.join(part, how="inner")) == 7
    assert len(part.join(panel, how="outer")) == 10
    assert (
        part.join(panel, how="outer").history[-1].detail
        == "how='outer': 0 rows only here, 3 only there, 10 now"
    )
    with pytest.raises(DataError, match="Both sides have the columns '产值', '人口'"):
        panel.join(panel)
    with pytest.raises(DataError, match="how= must be"):
        panel.join(other, how="right")  # type: ignore[arg-type]


def test_joining_levels_of_other_names(panel: Panel) -> None:
    other = panel.select("人口").to_frame().rename(columns={"城市": "city", "人口": "人数"})
    joined = panel.join(Panel.from_frame(other, unit="city", time="年份"))
    assert (joined["人数"] == panel["人口"]).all()
    assert (joined.unit_name, joined.time_name, len(joined)) == ("城市", "年份", 10)


def test_joining_ids_of_another_type() -> None:
    left = make([1.0], units=["01001"])
    right = make([1.0], units=[1001]).rename({"产值": "x"})
    with pytest.raises(
        AlignmentError,
        match=r"share no \(unit, time\): \('01001', 2000\) here, \(1001, 2000\) there \(ids are str and",
    ):
        left.join(right, how="inner")


def test_joining_a_table_by_unit(panel: Panel) -> None:
    table = pd.DataFrame({"面积": [1.0, 2.0, 3.0]}, index=["乙", "丙", "甲"])
    joined = panel.join(table)
    assert joined.at(2003)["面积"].to_dict() == {"甲": 3.0, "丙": 2.0}
    assert panel.join(table["面积"])["面积"].equals(joined["面积"])
    with pytest.raises(AlignmentError, match=r"The table must have a value for each 城市 .*; it lacks '甲'"):
        panel.join(table.iloc[:2])
    assert panel.join(table.iloc[:2], how="left")["面积"].isna().sum() == 4
    with pytest.raises(DataError, match="how='outer' needs a Panel"):
        panel.join(table, how="outer")
    with pytest.raises(DataError, match=r"got dict. Build one with Panel.from_frame"):
        panel.join({"甲": 1})
    with pytest.raises(AlignmentError, match="The table repeats '乙'"):
        panel.join(pd.concat([table, table.iloc[:1]]), how="left")
