"""Small cases that several test files share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from spatial.panel.panel import Panel

NAN = np.nan


def make(x: list[Any], units: list[Any] | None = None, times: list[Any] | None = None, **more: Any) -> Panel:
    """One column ``产值``; a single unit unless told."""
    frame = pd.DataFrame(
        {
            "城市": units or ["甲"] * len(x),
            "年份": times or list(range(2000, 2000 + len(x))),
            "产值": x,
            **more,
        }
    )
    return Panel.from_frame(frame, unit="城市", time="年份", labels={"产值": "工业产值"})
