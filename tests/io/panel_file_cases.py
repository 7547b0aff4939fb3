"""A small table as files hold it, and how it is read and checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from spatial.panel.panel import Panel
from spatial.panel.reading import read_panel

NAN = np.nan


TEXT = """城市代码,年份,地区生产总值,备注
110000,2001,1.5,首都
120000,2001,,
110000,2002,2.5,首都
120000,2002,3.5,港口
"""


def read(path: Any, **options: Any) -> Panel:
    return read_panel(path, unit="城市代码", time="年份", **options)


def check(panel: Panel) -> None:
    assert panel.units.tolist() == [110000, 120000]
    assert panel.times.tolist() == [2001, 2002]
    np.testing.assert_array_equal(panel.cube("地区生产总值")[:, :, 0], [[1.5, NAN], [2.5, 3.5]])
    assert panel["备注"].fillna("").tolist() == ["首都", "首都", "", "港口"]
