"""One small panel with holes."""

from __future__ import annotations

import pandas as pd
import pytest
from panel_cases import NAN

from spatial.panel.panel import Panel


@pytest.fixture
def panel() -> Panel:
    """Three cities, four years; 丙 lacks 2001, 乙 lacks 2003."""
    rows = [
        ("乙", 2000, 1.0, 10), ("乙", 2001, NAN, 20), ("乙", 2002, 3.0, 30),
        ("甲", 2000, 5.0, 40), ("甲", 2001, 6.0, 50), ("甲", 2002, NAN, 60), ("甲", 2003, 9.0, 70),
        ("丙", 2000, 2.0, 80), ("丙", 2002, 4.0, 90), ("丙", 2003, 5.0, 100),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["城市", "年份", "产值", "人口"])
    return Panel.from_frame(frame, unit="城市", time="年份", labels={"产值": "工业产值", "城市": "地级市"})
